//! Dates in JSON that people and programs outside read: `2020-08-04T07:58:13Z`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use super::Utc;

/// Writes a date; see [`Utc::iso`].
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(at: &Utc, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.iso())
}

/// Reads a date; see [`Utc::parse_iso`].
///
/// # Errors
/// For anything else.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Utc, D::Error> {
    let text = String::deserialize(deserializer)?;
    Utc::parse_iso(&text)
        .ok_or_else(|| D::Error::custom("not a date: write 2020-08-04 or 2020-08-04T07:58:13Z"))
}

/// The same where there may be none: `null`.
pub mod optional {
    use super::{Deserialize, Deserializer, Error, Serializer, Utc};

    /// Writes a date or `null`.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Option<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a date or `null`.
    ///
    /// # Errors
    /// For anything else.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Utc>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let date = text.map(|text| {
            Utc::parse_iso(&text).ok_or_else(|| {
                D::Error::custom("not a date: write 2020-08-04 or 2020-08-04T07:58:13Z")
            })
        });
        date.transpose()
    }
}
