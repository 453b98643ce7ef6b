//! The lab's own certificate authority, and what a chassis checks against its roots.
//!
//! ```text
//! vfxos Lab Root CA             vfxos Lab Licensing Root CA
//!  └ vfxos Lab Server CA         └ vfxos Lab Licensing Sub CA
//!     └ TLS servers                 ├ vfxos Lab Licensing Signer     signs answers
//!                                   └ identities                     one a product instance
//! ```
//! A chassis trusts the first root as CHdefault and the second as CiscoLicRoot, so that a wrong
//! root in one shows as another failure than a wrong root in the other. Every name says that the
//! lab made it. A lab may run its clock in 2019 or in 2035, so what the CA needs for itself is
//! valid from [`VALID_FROM`] to [`VALID_TO`]; the dates of everything else are the caller's.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData,
    SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::ident::Udi;
use crate::base::time::Utc;
use crate::wire::callhome::{PublicKey, SigningKey, seal};

pub use trust::{TrustError, check_answer, check_answer_by};

#[cfg(test)]
mod tests;
mod trust;

/// First moment of the roots, the CAs below them and the signer.
pub const VALID_FROM: Utc = Utc::from_civil(2010, 1, 1, 0, 0, 0);
/// Last moment of the same.
pub const VALID_TO: Utc = Utc::from_civil(2060, 1, 1, 0, 0, 0);
/// Organisation in every subject.
const ORGANISATION: &str = "vfxos Lab (emulated, not a vendor's)";

/// The names of the CAs. They are part of what is kept: a change orphans every chain in a flash.
const ROOT: &str = "vfxos Lab Root CA";
const SERVER_CA: &str = "vfxos Lab Server CA";
const LICENCE_ROOT: &str = "vfxos Lab Licensing Root CA";
const LICENCE_CA: &str = "vfxos Lab Licensing Sub CA";
const SIGNER: &str = "vfxos Lab Licensing Signer";

/// Why the CA could not make or read a certificate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CaError {
    /// What was kept is not a CA of this program.
    #[error("the stored CA can't be read: {reason}")]
    Stored { reason: String },
    /// A name that no certificate can carry.
    #[error("no certificate can be made: {reason}")]
    Issue { reason: String },
}

impl From<rcgen::Error> for CaError {
    fn from(error: rcgen::Error) -> CaError {
        CaError::Issue { reason: error.to_string() }
    }
}

/// A certificate with its private key, both PEM.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    certificate: String,
    /// PKCS #8; the signer's is the base64 of its seed.
    key: String,
}

/// Everything that is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    root: Pair,
    server_ca: Pair,
    licence_root: Pair,
    licence_ca: Pair,
    signer: Pair,
}

/// A TLS server's certificate and key, for rustls. The key is never kept.
#[derive(Debug)]
pub struct ServerCertificate {
    /// Leaf first, then the CA below the root.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// The lab's certificate authority, with its private keys. It prints none of them.
pub struct Ca {
    stored: Stored,
    server_ca: Issuer<'static, KeyPair>,
    licence_ca: Issuer<'static, KeyPair>,
    signer: SigningKey,
    /// The licence root's, for what carries no chain.
    licence_root: SigningKey,
    /// Signer, then the CA below the root: what an answer carries.
    signer_chain: String,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca(signer {})", self.signer.public_key())
    }
}

impl Ca {
    /// Makes a CA with new keys.
    ///
    /// # Errors
    /// [`CaError::Issue`] if the operating system has no randomness to give.
    pub fn generate() -> Result<Ca, CaError> {
        let (root, server_ca) = tree(ROOT, SERVER_CA, &PKCS_ECDSA_P256_SHA256)?;
        let (licence_root, licence_ca) = tree(LICENCE_ROOT, LICENCE_CA, &PKCS_ED25519)?;
        let seed = random::<32>()?;
        let issuer = issuer(LICENCE_CA, &licence_ca)?;
        let key = SigningKey::from_seed(&seed).public_key();
        let certificate = sign_signer(&issuer, key, VALID_FROM, VALID_TO)?.pem();
        let signer = Pair { certificate, key: STANDARD.encode(seed) };
        Ca::of(Stored { root, server_ca, licence_root, licence_ca, signer })
    }

    /// Reads what [`Ca::to_stored`] wrote.
    ///
    /// # Errors
    /// [`CaError::Stored`].
    pub fn load(stored: &[u8]) -> Result<Ca, CaError> {
        let reason = |reason: String| CaError::Stored { reason };
        let stored = serde_json::from_slice(stored).map_err(|error| reason(error.to_string()))?;
        Ca::of(stored).map_err(|error| reason(error.to_string()))
    }

    /// Writes everything, private keys too, for the authority's own flash.
    pub fn to_stored(&self) -> Vec<u8> {
        serde_json::to_vec(&self.stored).expect("strings always serialise")
    }

    /// Returns the root that vouches for TLS servers, PEM: the chassis's CHdefault.
    pub fn root_pem(&self) -> &str {
        &self.stored.root.certificate
    }

    /// Returns the root that vouches for answers, PEM: the chassis's CiscoLicRoot.
    pub fn licence_root_pem(&self) -> &str {
        &self.stored.licence_root.certificate
    }

    /// Returns the key that signs answers, so that a fault can sign something wrong.
    pub fn signer(&self) -> &SigningKey {
        &self.signer
    }

    /// Returns the key that signs reservation codes: the licence root's own, so that a chassis needs
    /// no more than its trustpoint CiscoLicRoot to believe one.
    pub fn reservation_key(&self) -> &SigningKey {
        &self.licence_root
    }

    /// Returns the certificates of the signer, PEM, leaf first.
    pub fn signer_chain(&self) -> &str {
        &self.signer_chain
    }

    /// Signs a body and wraps it with the signer's chain.
    pub fn seal(&self, body: &[u8]) -> Vec<u8> {
        seal(body, &self.signer, &self.signer_chain)
    }

    /// Makes a TLS server's certificate for DNS names and addresses, with a new key.
    ///
    /// # Errors
    /// [`CaError::Issue`] for a name that no certificate can carry.
    pub fn issue_server(
        &self,
        names: &[&str],
        not_before: Utc,
        not_after: Utc,
    ) -> Result<ServerCertificate, CaError> {
        let ca = der_of(&self.stored.server_ca.certificate)?;
        server_certificate(&self.server_ca, ca, names, not_before, not_after)
    }

    /// Makes a signer's certificate for another key or other dates; returns its chain, PEM.
    ///
    /// # Errors
    /// [`CaError::Issue`].
    pub fn issue_signing(
        &self,
        key: PublicKey,
        not_before: Utc,
        not_after: Utc,
    ) -> Result<String, CaError> {
        let certificate = sign_signer(&self.licence_ca, key, not_before, not_after)?;
        Ok(certificate.pem() + &self.stored.licence_ca.certificate)
    }

    /// Makes the identity certificate of a product instance, PEM.
    ///
    /// # Errors
    /// [`CaError::Issue`].
    pub fn issue_identity(
        &self,
        udi: &Udi,
        instance: &str,
        key: PublicKey,
        not_before: Utc,
        not_after: Utc,
    ) -> Result<String, CaError> {
        /// `serialNumber` in a subject, X.520.
        const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];
        let mut params = leaf(instance)?;
        let name = DnType::CustomDnType(SERIAL_NUMBER.to_vec());
        params.distinguished_name.push(name, udi.to_string());
        // Not the signer's purpose: a chassis can't sign answers with its identity.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        date(&mut params, not_before, not_after);
        Ok(params.signed_by(&Ed25519(key), &self.licence_ca)?.pem())
    }

    fn of(stored: Stored) -> Result<Ca, CaError> {
        let bad = |reason: &str| CaError::Stored { reason: reason.to_owned() };
        let seed = STANDARD.decode(&stored.signer.key).map_err(|_| bad("signer's key"))?;
        let seed = <[u8; 32]>::try_from(seed).map_err(|_| bad("signer's key"))?;
        for pair in [&stored.root, &stored.licence_root, &stored.signer] {
            der_of(&pair.certificate)?;
        }
        let licence_root = PrivatePkcs8KeyDer::from_pem_slice(stored.licence_root.key.as_bytes())
            .map_err(|_| bad("licence root's key"))?;
        let licence_root = SigningKey::from_pkcs8(licence_root.secret_pkcs8_der())
            .map_err(|_| bad("licence root's key"))?;
        Ok(Ca {
            server_ca: issuer(SERVER_CA, &stored.server_ca)?,
            licence_ca: issuer(LICENCE_CA, &stored.licence_ca)?,
            signer: SigningKey::from_seed(&seed),
            licence_root,
            signer_chain: stored.signer.certificate.clone() + &stored.licence_ca.certificate,
            stored,
        })
    }
}

/// Makes a TLS server's certificate by a new CA of this name, which nobody trusts and nobody keeps.
///
/// # Errors
/// [`CaError::Issue`] for a name that no certificate can carry.
pub fn strange_server(
    name: &str,
    names: &[&str],
    not_before: Utc,
    not_after: Utc,
) -> Result<ServerCertificate, CaError> {
    let (root, ca) = (format!("{name} Root CA"), format!("{name} CA"));
    let (_, pair) = tree(&root, &ca, &PKCS_ECDSA_P256_SHA256)?;
    let below_root = der_of(&pair.certificate)?;
    server_certificate(&issuer(&ca, &pair)?, below_root, names, not_before, not_after)
}

/// Makes a TLS server's certificate with a new key, by `issuer` whose own certificate is `ca`.
fn server_certificate(
    issuer: &Issuer<'static, KeyPair>,
    ca: CertificateDer<'static>,
    names: &[&str],
    not_before: Utc,
    not_after: Utc,
) -> Result<ServerCertificate, CaError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = leaf(names.first().map_or("vfxos Lab Server", String::as_str))?;
    params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    date(&mut params, not_before, not_after);
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(ServerCertificate { chain: vec![certificate.der().clone(), ca], key })
}

/// Makes a root and a CA below it.
fn tree(
    root_name: &str,
    ca_name: &str,
    algorithm: &'static SignatureAlgorithm,
) -> Result<(Pair, Pair), CaError> {
    let pair = |certificate: &Certificate, key: &KeyPair| Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    };
    let (root_key, ca_key) = (KeyPair::generate_for(algorithm)?, KeyPair::generate_for(algorithm)?);
    let root = authority(root_name, BasicConstraints::Constrained(1))?.self_signed(&root_key)?;
    let root_pair = pair(&root, &root_key);
    let root_issuer =
        Issuer::new(authority(root_name, BasicConstraints::Constrained(1))?, root_key);
    let ca = authority(ca_name, BasicConstraints::Constrained(0))?;
    let ca = ca.signed_by(&ca_key, &root_issuer)?;
    Ok((root_pair, pair(&ca, &ca_key)))
}

/// Makes the issuer of a stored CA below a root.
fn issuer(name: &str, pair: &Pair) -> Result<Issuer<'static, KeyPair>, CaError> {
    der_of(&pair.certificate)?;
    let params = authority(name, BasicConstraints::Constrained(0))?;
    Ok(Issuer::new(params, KeyPair::from_pem(&pair.key)?))
}

/// What every CA certificate has.
fn authority(name: &str, depth: BasicConstraints) -> Result<CertificateParams, CaError> {
    let mut params = subject(name)?;
    params.is_ca = IsCa::Ca(depth);
    if name == LICENCE_CA {
        // A purpose that a verifier requires must stand on every certificate below the root.
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::CodeSigning, ExtendedKeyUsagePurpose::ClientAuth];
    }
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    date(&mut params, VALID_FROM, VALID_TO);
    Ok(params)
}

/// What every other certificate has.
fn leaf(name: &str) -> Result<CertificateParams, CaError> {
    let mut params = subject(name)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

/// Makes a certificate for a TLS server that nobody but itself vouches for.
///
/// # Errors
/// [`CaError::Issue`].
pub fn self_signed(
    name: &str,
    not_before: Utc,
    not_after: Utc,
) -> Result<ServerCertificate, CaError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = subject(name)?;
    date(&mut params, not_before, not_after);
    let certificate = params.self_signed(&key)?;
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(ServerCertificate { chain: vec![certificate.der().clone()], key: secret })
}

fn subject(name: &str) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, ORGANISATION);
    params.distinguished_name.push(DnType::CommonName, name);
    let mut serial = random::<16>()?;
    // Positive, and never shorter: X.509 wants a positive number.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn sign_signer(
    issuer: &Issuer<'_, KeyPair>,
    key: PublicKey,
    not_before: Utc,
    not_after: Utc,
) -> Result<Certificate, CaError> {
    let mut params = leaf(SIGNER)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    date(&mut params, not_before, not_after);
    Ok(params.signed_by(&Ed25519(key), issuer)?)
}

/// Sets the dates, in whole seconds.
fn date(params: &mut CertificateParams, not_before: Utc, not_after: Utc) {
    let epoch = date_time_ymd(1970, 1, 1);
    let since = |at: Utc| Duration::from_secs(u64::try_from(at.unix_s()).unwrap_or(0));
    params.not_before = epoch + since(not_before.min(Utc::MAX));
    params.not_after = epoch + since(not_after.min(Utc::MAX));
}

fn der_of(pem: &str) -> Result<CertificateDer<'static>, CaError> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| CaError::Stored { reason: format!("certificate: {error:?}") })
}

/// Returns what people compare certificates by: SHA-256 of the first one in `pem`, in pairs of
/// hexadecimal digits with colons between them; empty if there is none.
pub fn fingerprint(pem: &str) -> String {
    let digest = |der: &[u8]| ring::digest::digest(&ring::digest::SHA256, der);
    let pairs = der_of(pem).map(|der| {
        digest(&der).as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    });
    pairs.unwrap_or_default()
}

fn random<const N: usize>() -> Result<[u8; N], CaError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| CaError::Issue { reason: "the system gives no randomness".to_owned() })?;
    Ok(bytes)
}

/// The public key of an agent or the signer, as rcgen wants to see it.
struct Ed25519(PublicKey);

impl PublicKeyData for Ed25519 {
    fn der_bytes(&self) -> &[u8] {
        &self.0.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}
