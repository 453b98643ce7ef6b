//! Names and numbers of the licensing world, parsed once and never re-checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A unique device identifier: product and serial number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Udi {
    /// Product identifier, `FPR-4125-SUP`.
    pub pid: String,
    /// Serial number, `JAD12345678`.
    pub serial: String,
}

impl fmt::Display for Udi {
    /// Writes `PID:FPR-4125-SUP,SN:JAD12345678`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PID:{},SN:{}", self.pid, self.serial)
    }
}

/// A module slot of the chassis, 1 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot(u8);

impl Slot {
    /// Most slots a chassis has (9300).
    pub const MAX: u8 = 3;

    /// Returns the slot with this number, if a chassis can have it.
    pub const fn new(number: u8) -> Option<Slot> {
        if number >= 1 && number <= Slot::MAX { Some(Slot(number)) } else { None }
    }

    /// Returns the slot's number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number by which a blade and the supervisor name one entitlement request; it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Handle(pub u32);

/// Names one exchange with the authority, so that a late answer is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExchangeId(pub u64);

/// An entitlement tag, `regid.2015-10.com.cisco.FIREPOWER_4100_ASA_STANDARD,1.0_7d7f…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Longest tag accepted, in bytes.
    pub const LEN_MAX: usize = 255;

    /// Parses a tag.
    ///
    /// # Errors
    /// [`TagError`] unless it has the shape `regid.DATE.DOMAIN.NAME,VERSION_ID` in printable ASCII
    /// of at most [`Tag::LEN_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Tag, TagError> {
        let shape = || {
            let (name, version) = text.strip_prefix("regid.")?.split_once(',')?;
            let (number, id) = version.split_once('_')?;
            (name.contains('.') && !number.is_empty() && !id.is_empty()).then_some(())
        };
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() > Tag::LEN_MAX || !printable || shape().is_none() {
            return Err(TagError);
        }
        Ok(Tag(text.to_owned()))
    }

    /// Returns the whole tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the short name, `FIREPOWER_4100_ASA_STANDARD`.
    ///
    /// # Source
    /// Seed: the listing prints it in parentheses.
    pub fn short_name(&self) -> &str {
        let name = self.0.split(',').next().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default()
    }

    /// Returns the version, `1.0`: the text between the comma and the underscore.
    ///
    /// # Source
    /// Seed: `Version: 1.0` beside the tag.
    pub fn version(&self) -> &str {
        let version = self.0.split_once(',').map_or("", |(_, version)| version);
        version.split('_').next().unwrap_or_default()
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;
    fn try_from(text: String) -> Result<Tag, TagError> {
        Tag::parse(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> String {
        tag.0
    }
}

/// Why [`Tag::parse`] refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an entitlement tag: expected regid.DATE.DOMAIN.NAME,VERSION_ID")]
pub struct TagError;

/// A registration token, taken as opaque.
///
/// # Source
/// Seed: `register idtoken ODNm…%0A force`. Decoded it is `UUID-EXPIRY|KEY`, percent-encoded
/// base64, the expiry in Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdToken(String);

impl IdToken {
    /// Longest token accepted, in bytes.
    ///
    /// # Source
    /// Public model cisco-smart-license: `register-id-token` takes up to 255 characters.
    pub const LEN_MAX: usize = 255;

    /// Parses what was typed after `idtoken`.
    ///
    /// # Errors
    /// [`IdTokenError::Length`] outside 1..=[`IdToken::LEN_MAX`] bytes, and
    /// [`IdTokenError::Character`] at the first byte that is not base64, `%`, `=`, `-` or `_`.
    pub fn parse(text: &str) -> Result<IdToken, IdTokenError> {
        if text.is_empty() || text.len() > Self::LEN_MAX {
            return Err(IdTokenError::Length { len: text.len() });
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+/%=-_".contains(&b);
        match text.bytes().position(|b| !allowed(b)) {
            Some(at) => Err(IdTokenError::Character { at }),
            None => Ok(IdToken(text.to_owned())),
        }
    }

    /// Returns the token as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why [`IdToken::parse`] refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdTokenError {
    /// Empty, or longer than [`IdToken::LEN_MAX`].
    #[error("token of {len} bytes, expected 1 to {max}", max = IdToken::LEN_MAX)]
    Length { len: usize },
    /// A byte outside the alphabet; the CLI puts its caret at `at`.
    #[error("unexpected byte at offset {at}")]
    Character { at: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIER: &str = "regid.2015-10.com.cisco.FIREPOWER_4100_ASA_STANDARD,1.0_7d7f5ee2-1398-4b0e-aced-b3f7fb1cacfc";

    #[test]
    fn a_tag_carries_its_name_and_version() {
        let tag = Tag::parse(TIER).unwrap();
        assert_eq!(tag.short_name(), "FIREPOWER_4100_ASA_STANDARD");
        assert_eq!(tag.version(), "1.0");
        assert_eq!(tag.as_str(), TIER);
    }

    #[test]
    fn a_tag_without_its_shape_is_refused() {
        let long = format!("regid.a.b,1.0_{}", "x".repeat(255));
        for bad in ["", "regid.", "regid.a,1.0_x", "regid.a.b,1.0", "regid.a.b 1,1.0_x", &long] {
            assert_eq!(Tag::parse(bad), Err(TagError), "{bad}");
        }
    }

    #[test]
    fn a_token_is_bounded_in_length_and_alphabet() {
        assert!(IdToken::parse("ODNm%0A%3D").is_ok());
        assert_eq!(IdToken::parse(""), Err(IdTokenError::Length { len: 0 }));
        assert_eq!(IdToken::parse(&"a".repeat(256)), Err(IdTokenError::Length { len: 256 }));
        assert_eq!(IdToken::parse("ab\u{7}c"), Err(IdTokenError::Character { at: 2 }));
    }
}
