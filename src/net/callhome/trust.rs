//! Whether an answer is the authority's: its signature, its signer, the signer's root.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert,
};

use crate::base::time::Utc;
use crate::net::tls::unix_time;
use crate::proto::agent::ExchangeError;
use crate::wire::callhome::{Answer, Opened, open};

/// Most certificates in an answer's chain: the signer, and authorities below the root.
const CHAIN_MAX: usize = 4;

/// Takes a signer of any purpose: the root signs for nothing but licences.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Opens an answer and believes it, if a root vouches for its signer at `wall`.
///
/// # Errors
/// [`ExchangeError::Parse`] when it is no envelope or holds no answer;
/// [`ExchangeError::Signature`] when nobody vouches for it.
pub(super) fn believe(
    bytes: &[u8],
    roots: &[CertificateDer<'static>],
    wall: Utc,
) -> Result<Answer, ExchangeError> {
    let opened = open(bytes).map_err(|error| {
        tracing::debug!(%error, "callhome: not an answer");
        ExchangeError::Parse
    })?;
    vouched(&opened, roots, wall).map_err(|error| {
        tracing::debug!(%error, "callhome: the answer is not the authority's");
        ExchangeError::Signature
    })?;
    Answer::parse(&opened.body).map_err(|error| {
        tracing::debug!(%error, "callhome: a signed answer that makes no sense");
        ExchangeError::Parse
    })
}

fn vouched(
    opened: &Opened,
    roots: &[CertificateDer<'static>],
    wall: Utc,
) -> Result<(), webpki::Error> {
    let chain = CertificateDer::pem_slice_iter(opened.chain.as_bytes())
        .take(CHAIN_MAX)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| webpki::Error::BadDer)?;
    let (leaf, above) = chain.split_first().ok_or(webpki::Error::UnknownIssuer)?;
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
    let signer = EndEntityCert::try_from(leaf)?;
    signer.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        above,
        unix_time(wall),
        AnyPurpose,
        None,
        None,
    )?;
    signer.verify_signature(webpki::ring::ED25519, &opened.body, &opened.signature)
}
