//! What listings and faults need of X.509: when certificates are valid, whose they are, whose word
//! they carry.
//!
//! Whether a chain is trusted is `net`'s business; this reads dates and names and checks no
//! signature, so that the machines know them without a TLS library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::time::Utc;

/// Most certificates read from one text.
pub const CHAIN_MAX: usize = 64;

/// The first and the last moment of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: Utc,
    pub not_after: Utc,
}

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub validity: Validity,
    /// Who signed it and whom it names, DER: they are compared and never shown.
    pub issuer: Vec<u8>,
    pub subject: Vec<u8>,
}

impl Certificate {
    /// Tells whether it names itself as its signer, as every root does.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject
    }
}

/// Returns the dates of every certificate of a PEM text that can be read.
pub fn validities(pem: &str) -> Vec<Validity> {
    read(pem).into_iter().map(|certificate| certificate.validity).collect()
}

/// Returns how many certificates a PEM text holds, those that cannot be read included.
pub fn count(pem: &str) -> usize {
    pem.matches("-----BEGIN CERTIFICATE-----").count()
}

/// Returns every certificate of a PEM text that can be read.
pub fn read(pem: &str) -> Vec<Certificate> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1).take(CHAIN_MAX);
    blocks
        .filter_map(|block| {
            let body = block.split("-----END").next()?;
            let body: String = body.split_ascii_whitespace().collect();
            certificate(&STANDARD.decode(body).ok()?)
        })
        .collect()
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Walks to the validity of one certificate, and past it to the subject.
///
/// # Source
/// RFC 5280, section 4.1: version, serial, signature, issuer, validity, subject.
fn certificate(der: &[u8]) -> Option<Certificate> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut body, _) = element(certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        body = skip(body)?;
    }
    for _ in ["serial", "signature"] {
        body = skip(body)?;
    }
    let (issuer, rest) = element(body, SEQUENCE)?;
    let (dates, rest) = element(rest, SEQUENCE)?;
    let (subject, _) = element(rest, SEQUENCE)?;
    let (not_before, after) = time(dates)?;
    let (not_after, _) = time(after)?;
    let validity = Validity { not_before, not_after };
    Some(Certificate { validity, issuer: issuer.to_owned(), subject: subject.to_owned() })
}

/// Returns the content of the element in front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

fn skip(der: &[u8]) -> Option<&[u8]> {
    any(der).map(|(_, _, rest)| rest)
}

/// Splits off one element: tag, content, rest. Lengths above four bytes are none of a certificate.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((*tag, content, rest))
}

/// # Source
/// RFC 5280, section 4.1.2.5: `YYMMDDHHMMSSZ` before 2050, `YYYYMMDDHHMMSSZ` from then on.
fn time(der: &[u8]) -> Option<(Utc, &[u8])> {
    let (tag, content, rest) = any(der)?;
    let digits = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, digits) = match tag {
        UTC_TIME => {
            let (year, digits) = digits.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, digits)
        }
        GENERALIZED_TIME => {
            let (year, digits) = digits.split_at_checked(4)?;
            (year.parse().ok()?, digits)
        }
        _ => return None,
    };
    let two = |at: usize| digits.get(at..at + 2)?.parse::<u8>().ok();
    if digits.len() != 10 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((Utc::from_civil(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The certificate of a lab's root, made by `openssl req -x509 -newkey ed25519`.
    const PEM: &str = include_str!("certificate/lab-root.pem");

    #[test]
    fn the_dates_of_a_certificate_are_read() {
        let from = Utc::from_civil(2020, 1, 2, 3, 4, 5);
        let to = Utc::from_civil(2051, 6, 7, 8, 9, 10);
        let one = Validity { not_before: from, not_after: to };
        assert_eq!(validities(PEM), [one]);
        assert_eq!(validities(&format!("{PEM}{PEM}")), [one, one]);
        assert!(read(PEM)[0].is_self_signed());
        assert_eq!(count(&format!("{PEM}{PEM}-----BEGIN CERTIFICATE-----\nx")), 3);
    }

    #[test]
    fn damage_is_no_certificate_and_no_panic() {
        assert_eq!(validities(""), []);
        assert_eq!(
            validities("-----BEGIN CERTIFICATE-----\nMIIBAgME\n-----END CERTIFICATE-----"),
            []
        );
        let body: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).unwrap();
        for cut in 0..der.len() {
            let _ = certificate(&der[..cut]);
        }
        for at in 0..der.len().min(120) {
            let mut bent = der.clone();
            bent[at] ^= 0xff;
            let _ = certificate(&bent);
        }
    }
}
