//! Why an edit or a commit was refused, in two voices.

use thiserror::Error;

use super::value::ValueError;

/// Why an edit was refused. Nothing was changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    #[error("the object exists already; use enter instead of create")]
    Exists,
    #[error("the object does not exist; create it first")]
    Absent,
    #[error("the object belongs to the chassis; it can't be created or deleted")]
    Fixed,
    #[error("there are {max} such objects already; delete one first")]
    Full { max: usize },
    #[error("wrong number of names for {class}")]
    Keys { class: &'static str },
    #[error("no such property; `?` lists them")]
    Property,
    #[error("given when the object is created and fixed since; delete it and create it anew")]
    Birth,
    #[error("{0}")]
    Value(#[from] ValueError),
}

impl EditError {
    /// Returns what the device prints, without line feed.
    ///
    /// # Source
    /// Reference 2.2 for the two about existence, `exact texts unconfirmed`; client kick prints and
    /// tests `Invalid Value` for a download; the others are recall.
    pub fn device_text(&self) -> String {
        match self {
            EditError::Exists => "Error: Managed object already exists".to_owned(),
            EditError::Absent => "Error: Managed object does not exist".to_owned(),
            EditError::Fixed => "Error: Managed object cannot be created or deleted".to_owned(),
            EditError::Full { max } => {
                format!("Error: Maximum number of managed objects ({max}) reached")
            }
            EditError::Birth => "Error: Property can be set at creation only".to_owned(),
            EditError::Keys { .. } | EditError::Property => "Error: Invalid Value".to_owned(),
            EditError::Value(ValueError::Range { min, max }) => {
                format!("Error: Invalid Value, range is {min} to {max}")
            }
            EditError::Value(_) => "Error: Invalid Value".to_owned(),
        }
    }
}

/// Why a commit was refused. Nothing was changed; the edits are still pending.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitError {
    /// Another session committed a change of the same property or object.
    #[error("{object} was changed by another session; discard the changes and make them again")]
    Conflict {
        /// Path of the object, `/system/services/dns 192.0.2.1`.
        object: String,
    },
    /// Another session committed an object that this one creates.
    #[error("{object} was created by another session; discard the changes and enter it")]
    Exists {
        /// Path of the object.
        object: String,
    },
    /// The tree would not make sense.
    #[error("{reason}")]
    Invalid {
        /// Whole sentence.
        reason: String,
    },
}

impl CommitError {
    /// Returns what the device prints, without line feed.
    ///
    /// # Source
    /// Client kick, docstring `Error: Update failed: [...]`. `Cannot create; object already exists` is
    /// what UCS Manager, the sibling, answers as error 103, quoted in clients of its SDK; the rest of
    /// the reasons is ours.
    pub fn device_text(&self) -> String {
        let reason = match self {
            CommitError::Conflict { object } => format!(
                "{object} was changed by another session. Use discard-buffer and repeat the change."
            ),
            CommitError::Exists { object } => format!(
                "Cannot create; object already exists: {object}. Use discard-buffer, then enter."
            ),
            CommitError::Invalid { reason } => reason.clone(),
        };
        format!("Error: Update failed: [{reason}]")
    }
}

/// Why a stored tree could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoredError {
    #[error(
        "configuration holds `{object}`, which this version does not know; use the version that wrote it"
    )]
    Class { object: String },
    #[error(
        "configuration holds `{property}` in `{object}`, which this version does not know; use the version that wrote it"
    )]
    Property { object: String, property: String },
    #[error("configuration holds a bad value for `{property}` in `{object}`: {error}")]
    Value { object: String, property: String, error: ValueError },
    #[error("configuration holds more than {max} objects", max = super::objects::OBJECTS_MAX)]
    Size,
}
