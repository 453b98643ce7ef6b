//! What survives power loss: one redb file in a folder of its own.
//!
//! The folder is locked for as long as it is open. A new file is filled under another name and
//! renamed when it is whole, so a file under [`FILE`] is never empty by right: one that can't be
//! read is reported and left as it is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use parking_lot::Mutex;
use redb::backends::InMemoryBackend;
use redb::{
    Builder, Database, ReadableDatabase, StorageBackend, StorageError, TableDefinition,
    WriteTransaction,
};

pub use error::FlashError;

mod error;
#[cfg(test)]
mod tests;

/// Name of the file inside its folder.
pub const FILE: &str = "flash.redb";
/// Name of the lock file inside the folder.
pub const LOCK: &str = "flash.lock";
/// Version of what is kept; a file of a newer version is refused.
pub const SCHEMA: u32 = 1;
/// Memory that redb may keep pages in, in bytes: a chassis's whole flash is smaller.
const CACHE: usize = 1024 * 1024;
/// Most bytes of a file that are copied at once.
const COPY_PIECE: usize = 256 * 1024;

const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");

/// Whose flash it is; one is never opened as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lab,
    Chassis,
    Blade,
    Authority,
}

impl Kind {
    /// Returns the word that is kept in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Lab => "lab",
            Kind::Chassis => "chassis",
            Kind::Blade => "blade",
            Kind::Authority => "authority",
        }
    }
}

/// One change inside a [`Flash::write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    Put(&'a str, &'a [u8]),
    /// Deleting what isn't there is no error.
    Delete(&'a str),
}

/// A folder that is this process's alone until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: Flock<File>,
}

impl FolderLock {
    /// Makes the folder if need be, mode 0700, and locks it.
    ///
    /// # Errors
    /// [`FlashError::InUse`] if another process holds it, or why it can't be made.
    pub fn take(folder: &Path) -> Result<FolderLock, FlashError> {
        FolderLock::with(folder, FlockArg::LockExclusiveNonblock)
    }

    fn with(folder: &Path, how: FlockArg) -> Result<FolderLock, FlashError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| FlashError::of_io(folder, &error))?;
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(&path).map_err(|error| FlashError::of_io(&path, &error))?;
        match Flock::lock(file, how) {
            Ok(file) => Ok(FolderLock { _file: file }),
            Err((_, nix::Error::EWOULDBLOCK)) => Err(FlashError::InUse { path }),
            Err((_, errno)) => Err(FlashError::of_io(&path, &errno.into())),
        }
    }
}

/// An open flash.
#[derive(Debug)]
pub struct Flash {
    /// `None` after a failed write, until the next call opens the file again.
    database: Mutex<Option<Database>>,
    /// The file; empty for one in memory.
    path: PathBuf,
    kind: Kind,
    _lock: Option<FolderLock>,
}

impl Flash {
    /// Opens the flash in `folder`, or makes one there.
    ///
    /// # Errors
    /// [`FlashError`], each with the file and the remedy. A file that is damaged, of a newer
    /// version or of another kind keeps all it holds.
    pub fn open(folder: &Path, kind: Kind) -> Result<Flash, FlashError> {
        Flash::locked(folder, kind, FolderLock::take(folder)?)
    }

    /// As [`Flash::open`], but waits until whoever holds the folder has let go of it.
    ///
    /// # Errors
    /// As there, [`FlashError::InUse`] apart.
    pub fn open_next(folder: &Path, kind: Kind) -> Result<Flash, FlashError> {
        Flash::locked(folder, kind, FolderLock::with(folder, FlockArg::LockExclusive)?)
    }

    fn locked(folder: &Path, kind: Kind, lock: FolderLock) -> Result<Flash, FlashError> {
        let path = folder.join(FILE);
        let exists = path.try_exists().map_err(|error| FlashError::of_io(&path, &error))?;
        let database = if exists { open(&path, kind)? } else { create(folder, &path, kind)? };
        Ok(Flash { database: Mutex::new(Some(database)), path, kind, _lock: Some(lock) })
    }

    /// Makes a flash that is gone with the process.
    pub fn memory(kind: Kind) -> Flash {
        let database = builder().create_with_backend(InMemoryBackend::new());
        let database = database.expect("an empty memory is always taken");
        stamp(&database, kind).expect("memory doesn't fail");
        Flash { database: Mutex::new(Some(database)), path: PathBuf::new(), kind, _lock: None }
    }

    /// Returns the file, for messages; empty for one in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the value of a key.
    ///
    /// # Errors
    /// [`FlashError`] if the file can't be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, FlashError> {
        self.with(|database| {
            let records = database.begin_read()?.open_table(RECORDS)?;
            Ok(records.get(key)?.map(|value| value.value().to_vec()))
        })
    }

    /// Returns all keys that begin with `prefix`, in order, with their values.
    ///
    /// # Errors
    /// [`FlashError`] if the file can't be read.
    pub fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, FlashError> {
        self.with(|database| {
            let records = database.begin_read()?.open_table(RECORDS)?;
            let mut found = Vec::new();
            for entry in records.range(prefix..)? {
                let (key, value) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                found.push((key.value().to_owned(), value.value().to_vec()));
            }
            Ok(found)
        })
    }

    /// Makes all changes or none, and returns when they are on the disk.
    ///
    /// It waits for the disk: on a reactor, call it where blocking is allowed.
    ///
    /// # Errors
    /// [`FlashError`]; nothing of `changes` is kept then, and the next call may well work.
    pub fn write(&self, changes: &[Change<'_>]) -> Result<(), FlashError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.with(|database| {
            let transaction = begin(database)?;
            {
                let mut records = transaction.open_table(RECORDS)?;
                for change in changes {
                    match *change {
                        Change::Put(key, value) => drop(records.insert(key, value)?),
                        Change::Delete(key) => drop(records.remove(key)?),
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// Runs `work` on the database; after a failure the file is opened afresh by the next call,
    /// since redb trusts nothing it holds in memory after a failed write.
    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, FlashError> {
        let mut held = self.database.lock();
        let database = match held.take() {
            Some(database) => database,
            None => open(&self.path, self.kind)?,
        };
        match guarded(|| work(&database)) {
            Ok(answer) => {
                *held = Some(database);
                Ok(answer)
            }
            Err(error) => Err(FlashError::of_redb(&self.path, error)),
        }
    }
}

/// Begins a commit of two phases.
///
/// With one phase redb takes a damaged newest commit for one that a power cut tore, and goes back
/// to the one before without a word; with two phases it says that the file is damaged.
fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Opens a file that exists and checks whose it is.
fn open(path: &Path, kind: Kind) -> Result<Database, FlashError> {
    rehearse(path, kind)?;
    guarded(|| Ok(builder().open(path)?)).map_err(|error| FlashError::of_redb(path, error))
}

/// Opens a copy of a file in memory, where redb may write as it likes: one that is damaged, newer
/// or another's keeps every byte.
fn rehearse(path: &Path, kind: Kind) -> Result<(), FlashError> {
    let of_redb = |error| FlashError::of_redb(path, error);
    let copy = copy(path).map_err(|error| FlashError::of_io(path, &error))?;
    let length = copy.len().map_err(|error| FlashError::of_io(path, &error))?;
    if length == 0 {
        // redb would take an empty file for a new one.
        return Err(FlashError::Damaged { path: path.to_owned(), why: "it is empty".to_owned() });
    }
    let (schema, name) = guarded(|| {
        let database = builder().set_check_integrity_on_open(true).create_with_backend(copy)?;
        let meta = database.begin_read()?.open_table(META)?;
        let text = |key: &str| -> Result<String, redb::Error> {
            let value = meta.get(key)?;
            Ok(value.map_or_else(String::new, |v| String::from_utf8_lossy(v.value()).into_owned()))
        };
        Ok((text("schema")?, text("kind")?))
    })
    .map_err(of_redb)?;
    let path = path.to_owned();
    match schema.parse::<u32>() {
        Ok(version) if version > SCHEMA => Err(FlashError::Newer { path, version }),
        Ok(_) if name == kind.name() => Ok(()),
        Ok(_) => Err(FlashError::OtherKind { path, found: name, wanted: kind.name() }),
        Err(_) => Err(FlashError::Damaged { path, why: "it names no version".to_owned() }),
    }
}

/// Reads a file into memory.
fn copy(path: &Path) -> io::Result<InMemoryBackend> {
    let mut file = File::open(path)?;
    let copy = InMemoryBackend::new();
    copy.set_len(file.metadata()?.len())?;
    let (mut piece, mut at) = (vec![0; COPY_PIECE], 0);
    loop {
        let read = file.read(&mut piece)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(copy);
        };
        copy.write(at, bytes)?;
        at += read as u64;
    }
}

/// Makes a new file: whole under a temporary name first, then renamed.
///
/// It stays open: to close it and open it again would wait for the disk eight more times.
fn create(folder: &Path, path: &Path, kind: Kind) -> Result<Database, FlashError> {
    let fresh = path.with_extension("new");
    let of_io = |error: io::Error| FlashError::of_io(&fresh, &error);
    let mut options = OpenOptions::new();
    // A rest of an interrupted start holds nothing that anyone was promised.
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    drop(options.open(&fresh).map_err(of_io)?);
    let made = guarded(|| {
        let database = builder().create(&fresh)?;
        stamp(&database, kind)?;
        Ok(database)
    });
    let database = made.map_err(|error| FlashError::of_redb(&fresh, error))?;
    fs::rename(&fresh, path).map_err(of_io)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| FlashError::of_io(folder, &error))?;
    Ok(database)
}

/// Writes version and kind into an empty database, and makes its tables.
fn stamp(database: &Database, kind: Kind) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert("schema", SCHEMA.to_string().as_bytes())?;
        meta.insert("kind", kind.name().as_bytes())?;
        transaction.open_table(RECORDS)?;
    }
    Ok(transaction.commit()?)
}

/// Runs redb, which may panic on a file that was tampered with while it was open.
fn guarded<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = "its pages contradict each other".to_owned();
        Err(StorageError::Corrupted(what).into())
    })
}
