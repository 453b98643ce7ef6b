//! How the authority says no. A device prints these texts verbatim, so they are its exact bytes.

use crate::base::rng::Rng;
use crate::base::time::Utc;
use crate::wire::callhome::{Device, RefusalKind, Verdict};

/// A no, with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: RefusalKind,
    pub(super) text: String,
}

impl From<Refusal> for Verdict {
    fn from(Refusal { kind, text }: Refusal) -> Verdict {
        Verdict::Refused { kind, text }
    }
}

/// The device's date is too far off.
///
/// # Source
/// Seed, "Registratiefout: ... offset beyond the allowed tolerance limit"; the number is the
/// device's clock in Unix milliseconds.
pub(super) fn timestamp(sent_at: Utc) -> Refusal {
    let text = format!(
        "{{\"timestamp\":[\"The device date '{}' is offset beyond the allowed tolerance limit.\"]}}",
        sent_at.unix_ms()
    );
    Refusal { kind: RefusalKind::Timestamp, text }
}

/// The token is unknown, spent, revoked, expired or damaged: one text for all.
///
/// # Source
/// Seed, "Registratiefout: ongeldige token"; the token stands there as it was typed.
pub(super) fn token(typed: &str) -> Refusal {
    let text = format!("{{\"token\":[\"The token '{typed}' is not valid.\"]}}");
    Refusal { kind: RefusalKind::Token, text }
}

/// The serial number belongs to an instance already.
///
/// # Source
/// Seed, "Registratiefout: product is al geregistreerd"; the backslashes are printed.
pub(super) fn already_registered(device: &Device) -> Refusal {
    let Device { udi, product, sudi_pid, .. } = device;
    let text = format!(
        "{{\"sudi\":[\"The product 'firepower.com.cisco.{product},1.0_{}' and sudi \
         {{\\\"suvi\\\"=>nil, \\\"uuid\\\"=>nil, \\\"host_identifier\\\"=>nil, \
         \\\"udi_pid\\\"=>\\\"{sudi_pid}\\\", \\\"udi_serial_number\\\"=>\\\"{}\\\", \
         \\\"udi_vid\\\"=>nil, \\\"mac_address\\\"=>nil}} have already been registered.\"]}}",
        product_id(product),
        udi.serial
    );
    Refusal { kind: RefusalKind::AlreadyRegistered, text }
}

/// Returns the UUID of a software product, the same for every chassis of that product.
///
/// # Source
/// Seed for `FPR9300`; the others are not public, so they are drawn from the product's name.
fn product_id(product: &str) -> String {
    if product == "FPR9300" {
        return "ed6dadbe-c965-4aeb-ab58-62e34033b453".to_owned();
    }
    // FNV-1a: any spread will do, as long as it never changes.
    let hash = product.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Rng::from_seed(hash).uuid()
}

/// The instance is not known here. No listing prints this one.
pub(super) fn unknown_instance(id: &str) -> Refusal {
    let text = format!("{{\"product_instance\":[\"The product instance '{id}' is not known.\"]}}");
    Refusal { kind: RefusalKind::UnknownInstance, text }
}

/// The request isn't signed by the key it should be. No listing prints this one.
pub(super) fn signature() -> Refusal {
    let text = "{\"signature\":[\"The request and its signature do not match.\"]}".to_owned();
    Refusal { kind: RefusalKind::Signature, text }
}

/// The request was answered before. No listing prints this one.
pub(super) fn replay() -> Refusal {
    let text = "{\"nonce\":[\"The request was answered before.\"]}".to_owned();
    Refusal { kind: RefusalKind::Malformed, text }
}

/// The request makes no sense, or there is no room for it. No listing prints this one.
pub(super) fn malformed(what: &str) -> Refusal {
    Refusal { kind: RefusalKind::Malformed, text: format!("{{\"request\":[\"{what}\"]}}") }
}

/// An operator has renewals refused. A device prints its own words for it.
pub(super) fn renewal() -> Refusal {
    let text = "{\"product_instance\":[\"The renewal was refused.\"]}".to_owned();
    Refusal { kind: RefusalKind::UnknownInstance, text }
}
