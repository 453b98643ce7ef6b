//! Why a flash can't be used: what is wrong, with which file, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::SCHEMA;

/// Why a flash can't be opened, read or written. Each prints as one line for the operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FlashError {
    #[error("{path} is in use by another process: stop that one, or choose another state folder")]
    InUse { path: PathBuf },
    #[error(
        "{path} is damaged ({why}) and was left as it is: restore it from a copy, or move it away \
         to begin with an empty one"
    )]
    Damaged { path: PathBuf, why: String },
    #[error(
        "{path} was written by a newer version of vfxos (schema {version}, this one knows \
         {SCHEMA}): use that version, or choose another state folder"
    )]
    Newer { path: PathBuf, version: u32 },
    #[error("{path} is the flash of a {found}, not of a {wanted}: choose another state folder")]
    OtherKind { path: PathBuf, found: String, wanted: &'static str },
    #[error(
        "{path} can't be written (disk full, or over a quota or size limit): make room, or choose \
         another state folder"
    )]
    Full { path: PathBuf },
    #[error(
        "{path} can't be written (permission denied or read-only): change its owner or mode, or \
         choose another state folder"
    )]
    Denied { path: PathBuf },
    #[error("{path} can't be used ({why}): look at its disk, or choose another state folder")]
    Io { path: PathBuf, why: String },
}

impl FlashError {
    /// Sorts what the operating system said.
    pub(super) fn of_io(path: &Path, error: &io::Error) -> FlashError {
        let path = path.to_owned();
        let kind = error.kind();
        if matches!(
            kind,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        ) {
            FlashError::Full { path }
        } else if matches!(
            kind,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
        ) {
            FlashError::Denied { path }
        } else if matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) {
            FlashError::Damaged { path, why: one_line(&error.to_string()) }
        } else {
            FlashError::Io { path, why: one_line(&error.to_string()) }
        }
    }

    /// Sorts what redb said.
    pub(super) fn of_redb(path: &Path, error: redb::Error) -> FlashError {
        if let redb::Error::Io(error) = &error {
            return FlashError::of_io(path, error);
        }
        let path = path.to_owned();
        let why = one_line(&error.to_string());
        if matches!(error, redb::Error::DatabaseAlreadyOpen) {
            FlashError::InUse { path }
        } else if matches!(error, redb::Error::Backend(_) | redb::Error::PreviousIo) {
            FlashError::Io { path, why }
        } else {
            // What is left are tables that aren't ours and pages that don't add up.
            FlashError::Damaged { path, why }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
