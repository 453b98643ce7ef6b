//! The files that a satellite and its cloud authority exchange: a signed request, a signed answer.
//!
//! A person carries them, so any of them may be lost, brought twice or brought late. A file is a
//! [`SyncFile`]: the body's exact bytes in base64, who signed them, and a signature that says which
//! way the file goes, so that nothing signed for another purpose passes for one. The bodies are
//! [`SyncRequest`] and [`SyncAnswer`]; what comes out of their `parse` is bounded and printable.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::callhome::{LIST_MAX, PublicKey, SigningKey, verify};
use crate::base::ident::{Tag, Udi};
use crate::base::time::Utc;

pub use body::{BodyError, CLAIMS_MAX, ELSEWHERE_MAX};

mod body;
#[cfg(test)]
mod tests;

/// Version of the files that this code reads and writes.
pub const VERSION: u32 = 1;
/// Longest file, in bytes: [`CLAIMS_MAX`] instances with the longest names.
pub const FILE_MAX: usize = 32 * 1024 * 1024;

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From a satellite to its cloud authority.
    Request,
    /// Back.
    Answer,
}

/// A file as it lies on a disk: JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncFile {
    /// See [`VERSION`].
    pub vfxos_sync: u32,
    pub kind: Kind,
    /// Who signed it; whether that is to be believed is the reader's business.
    pub key: PublicKey,
    /// The body's JSON in base64: the exact bytes that are signed, after [`Kind`]'s mark.
    pub body: String,
    /// Ed25519 signature, base64.
    pub signature: String,
}

/// Why a file can't be used, whoever it is from.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FileError {
    #[error("it is {len} bytes long, and a sync file has at most {FILE_MAX}")]
    TooLong { len: usize },
    #[error("it is no sync file, or a damaged one: copy it again")]
    Shape,
    #[error("it is of version {version} and this program reads version {VERSION}: update one side")]
    Version { version: u32 },
    #[error("it is a sync {}, and a sync {} is wanted here", .found.word(), .wanted.word())]
    Kind { found: Kind, wanted: Kind },
    #[error("its signature does not match: it was changed or damaged, so copy it again")]
    Signature,
    #[error("{0}")]
    Body(#[from] BodyError),
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Kind::Request => "request",
            Kind::Answer => "answer",
        }
    }

    /// Returns what is signed: a mark that no other message of ours begins with, and the body.
    fn signed(self, body: &[u8]) -> Vec<u8> {
        [b"vfxos sync ", self.word().as_bytes(), b"\n", body].concat()
    }
}

impl SyncFile {
    /// Signs `body` and wraps it.
    pub fn seal(kind: Kind, body: &[u8], key: &SigningKey) -> SyncFile {
        SyncFile {
            vfxos_sync: VERSION,
            kind,
            key: key.public_key(),
            body: STANDARD.encode(body),
            signature: STANDARD.encode(key.sign(&kind.signed(body))),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError::TooLong`], [`FileError::Version`], else [`FileError::Shape`].
    pub fn parse(bytes: &[u8]) -> Result<SyncFile, FileError> {
        /// The one field that every version has.
        #[derive(Deserialize)]
        struct Probe {
            vfxos_sync: u32,
        }
        if bytes.len() > FILE_MAX {
            return Err(FileError::TooLong { len: bytes.len() });
        }
        let Probe { vfxos_sync: version } =
            serde_json::from_slice(bytes).map_err(|_| FileError::Shape)?;
        if version != VERSION {
            return Err(FileError::Version { version });
        }
        serde_json::from_slice(bytes).map_err(|_| FileError::Shape)
    }

    /// Writes the file: one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a number and four strings always serialise") + "\n"
    }

    /// Returns the body if the file goes the way that is `wanted` and is whole.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(&self, wanted: Kind) -> Result<Vec<u8>, FileError> {
        if self.body.len() > FILE_MAX {
            return Err(FileError::TooLong { len: self.body.len() });
        }
        if self.vfxos_sync != VERSION {
            return Err(FileError::Version { version: self.vfxos_sync });
        }
        if self.kind != wanted {
            return Err(FileError::Kind { found: self.kind, wanted });
        }
        let body = STANDARD.decode(&self.body).map_err(|_| FileError::Shape)?;
        let signature = STANDARD.decode(&self.signature).map_err(|_| FileError::Shape)?;
        if !verify(&self.key, &wanted.signed(&body), &signature) {
            return Err(FileError::Signature);
        }
        Ok(body)
    }
}

/// Returns what names a request's body in its answer: SHA-256 in hexadecimal.
pub fn fingerprint(body: &[u8]) -> String {
    digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a satellite tells: the whole of what it has registered and what that uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// The satellite's own identifier, a UUID.
    pub satellite: String,
    /// What people call it.
    pub name: String,
    /// Its release, `2.3.0`.
    pub release: String,
    /// Counts this satellite's requests from 1.
    pub number: u64,
    pub made_at: Utc,
    /// Number of the request whose answer is in force; 0 for none.
    pub installed: u64,
    /// The tags that `claims` name by their place in this list.
    pub tags: Vec<Tag>,
    /// No serial number twice.
    pub claims: Vec<Claim>,
}

/// One product instance of a satellite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub udi: Udi,
    pub heard_at: Utc,
    /// Place of the tag in [`SyncRequest::tags`], and how many are in use; no tag twice.
    pub in_use: Vec<(u16, u32)>,
}

/// What the cloud authority allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncAnswer {
    pub satellite: String,
    /// Number of the request.
    pub number: u64,
    /// [`fingerprint`] of the request's body.
    pub request: String,
    pub answered_at: Utc,
    /// When the satellite has to have synced again.
    pub until: Utc,
    pub smart_account: String,
    pub virtual_account: String,
    pub signing: Signing,
    /// What the satellite may hand out, no tag twice.
    pub shares: Vec<Share>,
    /// Serial numbers that are registered elsewhere too, and so count there; the first few.
    pub elsewhere: Vec<String>,
}

/// What lets a satellite's signature pass with every chassis that trusts the cloud authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// Certificates for the key that signed the request, PEM, leaf first.
    pub chain: String,
    /// The root that vouches for them, PEM.
    pub root: String,
}

/// How many of one entitlement a satellite may hand out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    pub tag: Tag,
    pub count: u32,
    /// From this moment none.
    pub until: Utc,
}
