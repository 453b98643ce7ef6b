//! The chassis's host keys: made at the first start, kept in flash.
//!
//! Ed25519 takes no time. RSA takes tens of milliseconds up to a second, so it is made beside
//! everything else; until then the server has one key less.

use std::fmt;

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, PublicKey};
use thiserror::Error;

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Ed25519,
    /// Bits.
    Rsa(u32),
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
}

/// Sizes that an RSA host key may have, in bits.
///
/// # Source
/// The first is what the library takes at least; the configuration goes down to 1024.
const RSA_BITS: (u32, u32) = (2048, 4096);

impl Kind {
    /// Returns the RSA key of a size, brought within what can be made.
    pub fn rsa(bits: u32) -> Kind {
        Kind::Rsa(bits.clamp(RSA_BITS.0, RSA_BITS.1))
    }

    /// Returns the ECDSA key of a curve, by the CLI's name of it.
    pub fn of_curve(name: &str) -> Kind {
        match name {
            "secp384r1" => Kind::EcdsaP384,
            "secp521r1" => Kind::EcdsaP521,
            _ => Kind::EcdsaP256,
        }
    }

    /// Returns the name under which flash keeps it.
    pub fn name(self) -> String {
        match self {
            Kind::Ed25519 => "ssh-host-ed25519".to_owned(),
            Kind::Rsa(bits) => format!("ssh-host-rsa-{bits}"),
            Kind::EcdsaP256 => "ssh-host-ecdsa-256".to_owned(),
            Kind::EcdsaP384 => "ssh-host-ecdsa-384".to_owned(),
            Kind::EcdsaP521 => "ssh-host-ecdsa-521".to_owned(),
        }
    }
}

/// A host key.
#[derive(Clone)]
pub struct HostKey(PrivateKey);

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.0.algorithm())
    }
}

/// Why a host key cannot be used.
#[derive(Debug, Error)]
#[error("the SSH host key cannot be used: {0}; remove it, and a new one is made")]
pub struct KeyError(String);

impl HostKey {
    /// Makes a key. For RSA it takes up to a second of work.
    ///
    /// # Errors
    /// [`KeyError`] for RSA of a size that is none.
    pub fn make(kind: Kind) -> Result<HostKey, KeyError> {
        let mut rng = safe_rng();
        let ecdsa = |curve| Algorithm::Ecdsa { curve };
        let key = match kind {
            Kind::Ed25519 => PrivateKey::random(&mut rng, Algorithm::Ed25519),
            Kind::Rsa(bits) => {
                let bits = usize::try_from(bits).unwrap_or(2048);
                RsaKeypair::random(&mut rng, bits).map(PrivateKey::from)
            }
            Kind::EcdsaP256 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP256)),
            Kind::EcdsaP384 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP384)),
            Kind::EcdsaP521 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP521)),
        };
        key.map(HostKey).map_err(|error| KeyError(error.to_string()))
    }

    /// Reads what flash kept.
    ///
    /// # Errors
    /// [`KeyError`] for anything that [`HostKey::stored`] did not write.
    pub fn read(stored: &[u8]) -> Result<HostKey, KeyError> {
        let key = PrivateKey::from_openssh(stored);
        key.map(HostKey).map_err(|error| KeyError(error.to_string()))
    }

    /// Returns what flash keeps.
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be written down, which no key that was made here is.
    pub fn stored(&self) -> Result<Vec<u8>, KeyError> {
        let text = self.0.to_openssh(LineEnding::LF);
        text.map(|text| text.as_bytes().to_vec()).map_err(|error| KeyError(error.to_string()))
    }

    /// Returns the public half.
    pub fn public(&self) -> &PublicKey {
        self.0.public_key()
    }

    pub(super) fn private(&self) -> &PrivateKey {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_after_flash() {
        let kinds =
            [Kind::Ed25519, Kind::EcdsaP256, Kind::EcdsaP384, Kind::EcdsaP521, Kind::Rsa(1024)];
        for kind in kinds {
            let key = HostKey::make(kind).unwrap();
            let again = HostKey::read(&key.stored().unwrap()).unwrap();
            assert_eq!(again.public(), key.public(), "{kind:?}");
            assert_ne!(HostKey::make(kind).unwrap().public(), key.public());
        }
        assert!(HostKey::read(b"-----BEGIN OPENSSH PRIVATE KEY-----").is_err());
    }
}
