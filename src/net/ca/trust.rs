//! What a chassis checks in an answer: the signer's chain against its trustpoint, then the
//! signature.

use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::base::time::Utc;
use crate::wire::callhome::Opened;

/// Most certificates in an answer's chain.
const CHAIN_MAX: usize = 4;
/// Object identifier of the purpose that the signer's certificate has: code signing, in DER.
const SIGNS_ANSWERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// Why an answer is not the authority's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustError {
    #[error("the trustpoint holds no certificate that can be read")]
    Trustpoint,
    #[error("the answer carries no chain of 1 to {CHAIN_MAX} certificates")]
    Chain,
    #[error("the answer is not signed")]
    Unsigned,
    /// The signer's certificate, or one above it, is over or has not begun.
    #[error("the signer's certificate is not valid at this date")]
    Expired,
    /// Another root, or a purpose that doesn't fit.
    #[error("the signer is not trusted: {reason}")]
    Signer { reason: String },
    #[error("the answer and its signature do not match")]
    Signature,
}

/// Checks that an answer was signed by someone for whom one of `roots` (PEM) vouches at `at`.
///
/// # Errors
/// [`TrustError`], in the order: trustpoint, no signature, chain, signer, signature.
pub fn check_answer(answer: &Opened, roots: &str, at: Utc) -> Result<(), TrustError> {
    check_answer_by(answer, &certificates(roots).ok_or(TrustError::Trustpoint)?, at)
}

/// As [`check_answer`], with roots that were read before; none vouches for nobody.
///
/// # Errors
/// As there.
pub fn check_answer_by(
    answer: &Opened,
    roots: &[CertificateDer<'static>],
    at: Utc,
) -> Result<(), TrustError> {
    let anchors: Result<Vec<_>, _> = roots.iter().map(anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|_| TrustError::Trustpoint)?;
    if answer.signature.is_empty() {
        return Err(TrustError::Unsigned);
    }
    let chain = certificates(&answer.chain).ok_or(TrustError::Chain)?;
    let (leaf, rest) = chain.split_first().ok_or(TrustError::Chain)?;
    let untrusted = |error: webpki::Error| {
        let dates = matches!(
            error,
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }
        );
        if dates { TrustError::Expired } else { TrustError::Signer { reason: error.to_string() } }
    };
    let signer = EndEntityCert::try_from(leaf).map_err(untrusted)?;
    let since_epoch = Duration::from_secs(u64::try_from(at.unix_s()).unwrap_or(0));
    signer
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            rest,
            UnixTime::since_unix_epoch(since_epoch),
            KeyUsage::required(SIGNS_ANSWERS),
            None,
            None,
        )
        .map_err(untrusted)?;
    signer
        .verify_signature(webpki::ring::ED25519, &answer.body, &answer.signature)
        .map_err(|_| TrustError::Signature)
}

/// Reads 1 to [`CHAIN_MAX`] certificates; `None` for any other number or damaged PEM.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).take(CHAIN_MAX + 1);
    let found: Vec<_> = found.collect::<Result<_, _>>().ok()?;
    (1..=CHAIN_MAX).contains(&found.len()).then_some(found)
}
