//! The envelope: exact bytes, an Ed25519 signature over them, and who signed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Envelope, VERSION};

/// Longest envelope taken from the network, in bytes.
pub const ENVELOPE_MAX: usize = 64 * 1024;

/// A private Ed25519 key. It prints as its public half only.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes the key that belongs to a seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        SigningKey(pair.expect("every 32 bytes are an Ed25519 seed"))
    }

    /// Reads a PKCS #8 document, DER.
    ///
    /// # Errors
    /// [`KeyError`] for anything but an Ed25519 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(SigningKey).map_err(|_| KeyError)
    }

    /// Returns the public half.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Returns the 64 bytes of the signature over `body`.
    pub fn sign(&self, body: &[u8]) -> Vec<u8> {
        self.0.sign(body).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.public_key())
    }
}

/// A public Ed25519 key; base64 in JSON and in print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Parses base64 of exactly 32 bytes.
    ///
    /// # Errors
    /// [`KeyError`] for anything else. Whether the bytes are a point of the curve shows only when
    /// a signature is checked: then nothing verifies.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        if text.len() > 44 {
            return Err(KeyError);
        }
        let bytes = STANDARD.decode(text).map_err(|_| KeyError)?;
        <[u8; 32]>::try_from(bytes).map(PublicKey).map_err(|_| KeyError)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<PublicKey, KeyError> {
        PublicKey::parse(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

/// Why [`PublicKey::parse`] or [`SigningKey::from_pkcs8`] refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an Ed25519 key: expected the base64 of 32 bytes, or a private key in PKCS #8")]
pub struct KeyError;

/// What an envelope held. Nothing in it is believed before [`verify`] said yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The exact bytes that were signed.
    pub body: Vec<u8>,
    pub signature: Vec<u8>,
    /// PEM certificates, leaf first; empty on a chassis's request.
    pub chain: String,
}

/// Why bytes are not an envelope of this exchange.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    #[error("message of {len} bytes, expected at most {ENVELOPE_MAX}")]
    TooLong { len: usize },
    /// No JSON object with the fields of an envelope: a login page, a cut answer.
    #[error("message is not an envelope of the licence exchange")]
    Shape,
    #[error("message speaks version {version} of the licence exchange, expected {VERSION}")]
    Version { version: u32 },
    #[error("the envelope's {field} is not base64")]
    Base64 { field: &'static str },
}

/// Signs `body` and wraps it; `chain` is the signer's certificates as PEM, or empty.
pub fn seal(body: &[u8], key: &SigningKey, chain: &str) -> Vec<u8> {
    wrap(body, &key.sign(body), chain)
}

/// Wraps `body` without signing it: what a lab sends when it wants the signature missed.
pub fn unsigned(body: &[u8]) -> Vec<u8> {
    wrap(body, &[], "")
}

fn wrap(body: &[u8], signature: &[u8], chain: &str) -> Vec<u8> {
    let envelope = Envelope {
        vfxos: VERSION,
        body: STANDARD.encode(body),
        signature: STANDARD.encode(signature),
        chain: chain.to_owned(),
    };
    serde_json::to_vec(&envelope).expect("a number and three strings always serialise")
}

/// Unwraps an envelope without judging its signature.
///
/// # Errors
/// [`OpenError`], for every input that [`seal`] can't have made.
pub fn open(bytes: &[u8]) -> Result<Opened, OpenError> {
    /// The one field that every version has.
    #[derive(Deserialize)]
    struct Probe {
        vfxos: u32,
    }
    if bytes.len() > ENVELOPE_MAX {
        return Err(OpenError::TooLong { len: bytes.len() });
    }
    let Probe { vfxos: version } = serde_json::from_slice(bytes).map_err(|_| OpenError::Shape)?;
    if version != VERSION {
        return Err(OpenError::Version { version });
    }
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| OpenError::Shape)?;
    let decode = |text: &str, field| STANDARD.decode(text).map_err(|_| OpenError::Base64 { field });
    Ok(Opened {
        body: decode(&envelope.body, "body")?,
        signature: decode(&envelope.signature, "signature")?,
        chain: envelope.chain,
    })
}

/// Returns whether `signature` over `body` was made with the private half of `key`.
pub fn verify(key: &PublicKey, body: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key.0).verify(body, signature).is_ok()
}
