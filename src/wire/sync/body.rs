//! Bodies of sync files to and from JSON bytes, held to their bounds.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{LIST_MAX, SyncAnswer, SyncRequest};
use crate::base::time::Utc;

/// Most product instances in one request.
pub const CLAIMS_MAX: usize = 50_000;
/// Most serial numbers that an answer names as registered elsewhere.
pub const ELSEWHERE_MAX: usize = 64;
/// Longest chain of certificates inside a file, PEM, in bytes.
const PEM_MAX: usize = 16 * 1024;
/// Longest name inside a file, in bytes.
const NAME_MAX: usize = 128;

/// Why a body is not what a sync file carries.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// The JSON is damaged, or lacks a field, or has one too many.
    #[error("its body is not the JSON of a sync file, near line {line} column {column}")]
    Json { line: usize, column: usize },
    /// A field is too long, says something twice, or can't be printed.
    #[error("its {field} is outside its bounds")]
    Bound { field: &'static str },
}

impl From<serde_json::Error> for BodyError {
    fn from(error: serde_json::Error) -> BodyError {
        BodyError::Json { line: error.line(), column: error.column() }
    }
}

impl SyncRequest {
    /// Writes the body to be sealed.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain fields and lists always serialise")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub fn parse(body: &[u8]) -> Result<SyncRequest, BodyError> {
        let request: SyncRequest = serde_json::from_slice(body)?;
        name("satellite", &request.satellite)?;
        name("name", &request.name)?;
        name("release", &request.release)?;
        bound("number", request.number > 0)?;
        bound("installed", request.installed < request.number)?;
        date("made_at", request.made_at)?;
        let tags: BTreeSet<_> = request.tags.iter().collect();
        bound("tags", tags.len() == request.tags.len() && tags.len() <= LIST_MAX)?;
        bound("claims", request.claims.len() <= CLAIMS_MAX)?;
        let mut serials = BTreeSet::new();
        for claim in &request.claims {
            name("claims.udi.pid", &claim.udi.pid)?;
            name("claims.udi.serial", &claim.udi.serial)?;
            bound("claims.udi.serial", serials.insert(&claim.udi.serial))?;
            date("claims.heard_at", claim.heard_at)?;
            let mut seen = BTreeSet::new();
            let places = claim.in_use.iter().map(|(place, _)| *place);
            let known = places.clone().all(|place| usize::from(place) < request.tags.len());
            bound("claims.in_use", known && places.into_iter().all(|place| seen.insert(place)))?;
        }
        Ok(request)
    }
}

impl SyncAnswer {
    /// Writes the body to be sealed.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain fields and lists always serialise")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub fn parse(body: &[u8]) -> Result<SyncAnswer, BodyError> {
        let answer: SyncAnswer = serde_json::from_slice(body)?;
        name("satellite", &answer.satellite)?;
        name("request", &answer.request)?;
        name("smart_account", &answer.smart_account)?;
        name("virtual_account", &answer.virtual_account)?;
        pem("signing.chain", &answer.signing.chain)?;
        pem("signing.root", &answer.signing.root)?;
        date("answered_at", answer.answered_at)?;
        date("until", answer.until)?;
        let tags: BTreeSet<_> = answer.shares.iter().map(|share| &share.tag).collect();
        bound("shares", tags.len() == answer.shares.len() && tags.len() <= LIST_MAX)?;
        for share in &answer.shares {
            date("shares.until", share.until)?;
        }
        bound("elsewhere", answer.elsewhere.len() <= ELSEWHERE_MAX)?;
        answer.elsewhere.iter().try_for_each(|serial| name("elsewhere", serial))?;
        Ok(answer)
    }
}

fn bound(field: &'static str, holds: bool) -> Result<(), BodyError> {
    if holds { Ok(()) } else { Err(BodyError::Bound { field }) }
}

fn date(field: &'static str, at: Utc) -> Result<(), BodyError> {
    bound(field, (Utc::MIN..=Utc::MAX).contains(&at))
}

fn pem(field: &'static str, text: &str) -> Result<(), BodyError> {
    let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ' || b == b'\n');
    bound(field, printable && text.len() <= PEM_MAX)
}

/// Something that keys and listings are made of: never empty.
fn name(field: &'static str, text: &str) -> Result<(), BodyError> {
    let fits = !text.is_empty() && text.len() <= NAME_MAX;
    bound(field, fits && !text.chars().any(char::is_control))
}
