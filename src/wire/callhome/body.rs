//! Requests and answers to and from JSON bytes, held to their bounds.

use thiserror::Error;

use super::{Answer, Ask, Device, Grant, Request, Verdict};
use crate::base::ident::IdToken;
use crate::base::time::Utc;

/// Most entitlements that one request reports or one answer speaks of.
pub const LIST_MAX: usize = 64;
/// Longest name or sentence inside a message, in bytes.
pub const TEXT_MAX: usize = 1024;
/// Longest name of a device, a product or an instance, in bytes.
const NAME_MAX: usize = 128;
/// Longest identity certificate inside an answer, PEM, in bytes.
const CERTIFICATE_MAX: usize = 8 * 1024;

/// Why a body is not a request or not an answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// The JSON is damaged, or lacks a field, or has one too many.
    #[error("the body is not the JSON of a licence message, near line {line} column {column}")]
    Json { line: usize, column: usize },
    /// A field is too long, has characters that can't be printed, or a date no clock can show.
    #[error("the body's {field} is outside its bounds")]
    Bound { field: &'static str },
}

impl From<serde_json::Error> for BodyError {
    fn from(error: serde_json::Error) -> BodyError {
        BodyError::Json { line: error.line(), column: error.column() }
    }
}

impl Request {
    /// Writes the body to be sealed.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain fields and lists always serialise")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`]; whatever comes out otherwise is bounded and printable.
    pub fn parse(body: &[u8]) -> Result<Request, BodyError> {
        let request: Request = serde_json::from_slice(body)?;
        date("sent_at", request.sent_at)?;
        let Device { udi, product, sudi_pid, hostname, agent } = &request.device;
        for (field, text) in [
            ("device.udi.pid", &udi.pid),
            ("device.udi.serial", &udi.serial),
            ("device.product", product),
            ("device.sudi_pid", sudi_pid),
        ] {
            name(field, text)?;
        }
        printable("device.hostname", hostname, NAME_MAX)?;
        printable("device.agent", agent, NAME_MAX)?;
        match &request.ask {
            Ask::Register { token, force: _, public_key } => {
                printable("token", token, IdToken::LEN_MAX)?;
                printable("public_key", public_key, NAME_MAX)?;
            }
            Ask::Renew { instance } | Ask::Deregister { instance } => name("instance", instance)?,
            Ask::Authorize { instance, in_use } => {
                name("instance", instance)?;
                bound("in_use", in_use.len() <= LIST_MAX)?;
            }
        }
        Ok(request)
    }
}

impl Answer {
    /// Writes the body to be sealed.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain fields and lists always serialise")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`]; whatever comes out otherwise is bounded and printable.
    pub fn parse(body: &[u8]) -> Result<Answer, BodyError> {
        let answer: Answer = serde_json::from_slice(body)?;
        date("issued_at", answer.issued_at)?;
        match &answer.verdict {
            Verdict::Registered(grant) | Verdict::Renewed(grant) => check_grant(grant)?,
            Verdict::Authorized(list) => {
                bound("authorized", list.len() <= LIST_MAX)?;
                for entry in list {
                    printable("name", &entry.name, TEXT_MAX)?;
                    printable("description", &entry.description, TEXT_MAX)?;
                }
            }
            Verdict::Deregistered => {}
            Verdict::Refused { kind: _, text } => printable("text", text, TEXT_MAX)?,
        }
        Ok(answer)
    }
}

fn check_grant(grant: &Grant) -> Result<(), BodyError> {
    name("instance", &grant.instance)?;
    printable("smart_account", &grant.smart_account, NAME_MAX)?;
    printable("virtual_account", &grant.virtual_account, NAME_MAX)?;
    date("not_before", grant.not_before)?;
    date("not_after", grant.not_after)?;
    let certificate = grant.certificate.bytes();
    let pem = certificate.clone().all(|b| b.is_ascii_graphic() || b == b' ' || b == b'\n');
    bound("certificate", pem && certificate.len() <= CERTIFICATE_MAX)
}

fn bound(field: &'static str, holds: bool) -> Result<(), BodyError> {
    if holds { Ok(()) } else { Err(BodyError::Bound { field }) }
}

fn date(field: &'static str, at: Utc) -> Result<(), BodyError> {
    bound(field, (Utc::MIN..=Utc::MAX).contains(&at))
}

/// Something that keys are made of: never empty.
fn name(field: &'static str, text: &str) -> Result<(), BodyError> {
    bound(field, !text.is_empty())?;
    printable(field, text, NAME_MAX)
}

fn printable(field: &'static str, text: &str, len_max: usize) -> Result<(), BodyError> {
    bound(field, text.len() <= len_max && !text.chars().any(char::is_control))
}
