//! The lab's own licence exchange: a signed JSON request, a signed JSON answer.
//!
//! It is ours alone and resembles no vendor's. A message travels as an [`Envelope`]: the body's
//! exact bytes in base64 and a signature over them. [`seal`] and [`open`] make and read the
//! envelope; [`Request::parse`] and [`Answer::parse`] read the body and hold it to its bounds, so
//! that what comes out of them can be printed on a terminal and kept in flash.

use serde::{Deserialize, Serialize};

pub use body::{BodyError, LIST_MAX, TEXT_MAX};
pub use root::{ROOTS_MAX, trusted_keys};
pub use seal::{
    ENVELOPE_MAX, KeyError, OpenError, Opened, PublicKey, SigningKey, open, seal, unsigned, verify,
};

mod body;
mod root;
mod seal;
#[cfg(test)]
mod tests;

use crate::base::ident::{Tag, Udi};
use crate::base::time::Utc;

/// What a chassis says to the authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The chassis's clock when it sent this; the authority holds it against its own.
    pub sent_at: Utc,
    /// Repeated by the answer, so that an old answer is not taken for a new one.
    pub nonce: u64,
    pub device: Device,
    pub ask: Ask,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub udi: Udi,
    /// Software product, `FPR4125`, for the authority's own texts.
    pub product: String,
    /// Product inside the same texts, `FPR9K-SUP`.
    pub sudi_pid: String,
    pub hostname: String,
    /// Smart Agent release, `4.6.9_rel/104`.
    pub agent: String,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Become a product instance of the token's account.
    Register {
        token: String,
        /// Replace an instance that already has this serial number.
        force: bool,
        /// Ed25519 public key that will sign every later request, base64.
        public_key: String,
    },
    /// Extend the identity certificate.
    Renew { instance: String },
    /// Report what is in use and learn whether it is paid for. The list is the whole of it.
    Authorize { instance: String, in_use: Vec<Use> },
    /// Stop being a product instance.
    Deregister { instance: String },
}

/// How many of one entitlement are in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    pub tag: Tag,
    pub count: u32,
}

/// What the authority says back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The nonce of the request.
    pub nonce: u64,
    /// The authority's clock when it decided this.
    pub issued_at: Utc,
    pub verdict: Verdict,
}

/// What the authority decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    Registered(Grant),
    Renewed(Grant),
    Authorized(Vec<Authorization>),
    Deregistered,
    /// No, in words that a device prints verbatim when it asked to register.
    Refused {
        kind: RefusalKind,
        text: String,
    },
}

/// A registration: who the chassis is at the authority, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Product instance identifier.
    pub instance: String,
    pub smart_account: String,
    pub virtual_account: String,
    /// True when the token allowed export-controlled functionality.
    pub export_controlled: bool,
    /// First moment of the identity certificate.
    pub not_before: Utc,
    /// Last moment of the identity certificate.
    pub not_after: Utc,
    /// The identity certificate, PEM; empty where the authority keeps none.
    #[serde(default)]
    pub certificate: String,
}

/// The authority's word on one entitlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    pub tag: Tag,
    /// Display name, empty for a tag that the authority does not know.
    pub name: String,
    pub description: String,
    pub count: u32,
    pub compliance: Compliance,
}

/// Whether what is used is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compliance {
    InCompliance,
    OutOfCompliance,
    /// The authority sells no such entitlement.
    UnknownTag,
}

/// Why the authority said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The device's date is too far off.
    Timestamp,
    /// The token is unknown, spent, revoked, expired or damaged.
    Token,
    /// The serial number belongs to an instance already.
    AlreadyRegistered,
    /// The instance is not known here.
    UnknownInstance,
    /// The request's signature is not the instance's.
    Signature,
    /// The request makes no sense.
    Malformed,
}

/// A signed message as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Version of this format; see [`VERSION`].
    pub vfxos: u32,
    /// The body's JSON in base64: the exact bytes that are signed.
    pub body: String,
    /// Ed25519 signature over the body's bytes, base64.
    pub signature: String,
    /// The signer's certificate chain, PEM, leaf first; the agent's requests leave it empty.
    #[serde(default)]
    pub chain: String,
}

/// Version of the exchange that this code speaks.
pub const VERSION: u32 = 1;
