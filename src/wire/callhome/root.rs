//! The keys that a trustpoint vouches for by itself: those of the certificates in it.
//!
//! Chains are judged where the network is; this much serves what no chain comes with, a code that a
//! person typed. As with every trust anchor, a certificate's dates are not looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::PublicKey;

/// Most certificates of one trustpoint that are read.
pub const ROOTS_MAX: usize = 16;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Identifiers of the DER elements on the way to a certificate's key.
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const SEQUENCE: u8 = 0x30;
    /// `[0]`: the certificate's version.
    pub(super) const VERSION: u8 = 0xa0;
}

/// What an Ed25519 key says that it is.
///
/// # Source
/// RFC 8410, section 3: an algorithm identifier without parameters, 1.3.101.112.
const ED25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];

/// Returns the Ed25519 keys of the certificates in a PEM text; what is damaged or has a key of
/// another kind counts for nothing.
pub fn trusted_keys(pem: &str) -> Vec<PublicKey> {
    let blocks = pem.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    blocks.take(ROOTS_MAX).filter_map(|(body, _)| key_of(body)).collect()
}

fn key_of(body: &str) -> Option<PublicKey> {
    let base64: String = body.split_whitespace().collect();
    let der = STANDARD.decode(base64).ok()?;
    let (certificate, _) = element(&der, tag::SEQUENCE)?;
    let (mut rest, _) = element(certificate, tag::SEQUENCE)?;
    if let Some((_, after)) = element(rest, tag::VERSION) {
        rest = after;
    }
    // Serial number; then signature algorithm, issuer, validity and subject.
    (_, rest) = element(rest, tag::INTEGER)?;
    for _ in 0..4 {
        (_, rest) = element(rest, tag::SEQUENCE)?;
    }
    let (key, _) = element(rest, tag::SEQUENCE)?;
    let (algorithm, key) = element(key, tag::SEQUENCE)?;
    let (bits, _) = element(key, tag::BIT_STRING)?;
    let bytes = bits.strip_prefix(&[0]).filter(|_| algorithm == ED25519)?;
    <[u8; 32]>::try_from(bytes).map(PublicKey).ok()
}

/// Takes one DER element of a kind off the front; returns what it holds and what follows it.
fn element(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let [found, short] = *head;
    let (len, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        // A length of up to two bytes of its own: no certificate of ours is longer than that.
        0x81 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest))?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest))?,
        _ => return None,
    };
    (found == kind).then(|| rest.split_at_checked(len)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SigningKey;
    use super::*;

    /// Made with `openssl req -x509` for the key of 32 bytes 42, and for one on another curve.
    const OURS: &str = include_str!("tests/root.pem");
    const OTHER: &str = include_str!("tests/other.pem");

    #[test]
    fn the_keys_of_a_trustpoint_are_read_in_order_and_only_of_our_kind() {
        let key = SigningKey::from_seed(&[42; 32]).public_key();
        assert_eq!(trusted_keys(OURS), [key]);
        assert_eq!(trusted_keys(OTHER), []);
        let indented = format!("a note\n{OTHER}{}", OURS.replace('\n', "\r\n  "));
        assert_eq!(trusted_keys(&indented), [key]);
        assert_eq!(trusted_keys(&OURS.repeat(ROOTS_MAX + 4)), [key; ROOTS_MAX]);
    }

    #[test]
    fn a_certificate_that_is_cut_has_no_key() {
        let (_, rest) = OURS.split_once('\n').unwrap();
        let base64: String = rest.split_once("-----").unwrap().0.split_whitespace().collect();
        let der = STANDARD.decode(base64).unwrap();
        for len in 0..der.len() {
            let body = STANDARD.encode(&der[..len]);
            assert_eq!(trusted_keys(&format!("{BEGIN}\n{body}\n{END}")), [], "{len}");
        }
        assert_eq!(trusted_keys(&OURS.replace(END, "")), []);
        assert_eq!(trusted_keys(""), []);
    }

    proptest! {
        #[test]
        fn any_text_and_any_bytes_are_taken_without_a_panic(
            text in ".{0,200}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
        ) {
            let _ = trusted_keys(&format!("{BEGIN}{text}{END}"));
            let _ = trusted_keys(&format!("{BEGIN}{}{END}", STANDARD.encode(&bytes)));
            let mut damaged = OURS.as_bytes().to_vec();
            let at = at.index(damaged.len());
            damaged[at] = bytes.first().copied().unwrap_or(b'x') & 0x7f;
            let _ = trusted_keys(&String::from_utf8(damaged).unwrap());
        }
    }
}
