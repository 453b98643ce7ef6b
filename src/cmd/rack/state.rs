//! A folder of state: locked, with the flash of every part, and what its process itself keeps: the
//! clock, and of a chassis by itself how it was built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::time::Utc;
use crate::cmd::control;
use crate::sys::clock::{Course, LabClock};
use crate::sys::flash::{Change, Flash, Kind};
use crate::sys::process;

/// Parts of a lab's state in its folder.
const AUTHORITY: &str = "authority";
const CHASSIS: &str = "chassis";
const SATELLITE: &str = "satellite";
/// Marks the folder of a drill, which may be emptied.
const DRILL: &str = "drill";
/// Keys in the process's own flash.
const CLOCK: &str = "clock";
const BUILT: &str = "built";

/// The folder; clones mean the same one, and a throw-away one goes with the last of them.
#[derive(Clone)]
pub(in crate::cmd) struct State(Rc<Inner>);

struct Inner {
    folder: PathBuf,
    ephemeral: bool,
    flash: Flash,
}

impl State {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// Why it cannot be used: one line, with the file and what to do.
    pub(in crate::cmd) fn prepare(
        ephemeral: bool,
        named: Option<PathBuf>,
        default: impl FnOnce() -> Result<PathBuf, String>,
    ) -> Result<State, String> {
        let folder = if ephemeral {
            process::fresh_folder().map_err(|error| {
                let temporary = std::env::temp_dir();
                format!("folder in {}: {error}; name another in TMPDIR", temporary.display())
            })?
        } else {
            named.map_or_else(default, Ok)?
        };
        fs::create_dir_all(&folder).map_err(|error| {
            format!(
                "state folder {}: {error}; name one that can be written with --state",
                folder.display()
            )
        })?;
        let opened = Flash::open(&folder, Kind::Lab).map_err(|error| error.to_string());
        if opened.is_err() && ephemeral {
            // Nothing is in it yet, and nobody knows of it.
            let _ = fs::remove_dir_all(&folder);
        }
        Ok(State(Rc::new(Inner { folder, ephemeral, flash: opened? })))
    }

    /// Forgets what an earlier drill left; a folder that holds anything else is refused.
    ///
    /// # Errors
    /// A line for the operator.
    pub(in crate::cmd) fn empty(&self) -> Result<(), String> {
        let folder = &self.0.folder;
        let say = |error: io::Error| format!("state folder {}: {error}", folder.display());
        let mark = folder.join(DRILL);
        let parts = [AUTHORITY, CHASSIS, SATELLITE].map(|part| folder.join(part));
        if !mark.exists() && parts.iter().any(|part| part.exists()) {
            return Err(format!(
                "state folder {} holds a lab that a drill would empty; name another with --state",
                folder.display()
            ));
        }
        fs::write(&mark, "").map_err(say)?;
        for part in parts.iter().filter(|part| part.exists()) {
            fs::remove_dir_all(part).map_err(say)?;
        }
        self.0.flash.write(&[Change::Delete(CLOCK)]).map_err(|error| error.to_string())
    }

    /// Returns the folder itself.
    pub(in crate::cmd) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Returns the folder of the authority.
    pub(in crate::cmd) fn authority(&self) -> PathBuf {
        self.0.folder.join(AUTHORITY)
    }

    /// Returns the folder of a chassis.
    pub(in crate::cmd) fn chassis(&self, name: &str) -> PathBuf {
        self.0.folder.join(CHASSIS).join(name)
    }

    /// Returns the folder of a satellite.
    pub(in crate::cmd) fn satellite(&self, name: &str) -> PathBuf {
        self.0.folder.join(SATELLITE).join(name)
    }

    /// Returns where the control socket stands.
    pub(in crate::cmd) fn socket(&self) -> PathBuf {
        self.0.folder.join(control::SOCKET)
    }

    /// Returns the lab's clock as it was kept; at the first start it shows `first`, or
    /// the host's date.
    ///
    /// # Errors
    /// A line for the operator: what is kept cannot be read.
    pub(in crate::cmd) fn clock(&self, first: Option<Utc>) -> Result<LabClock, String> {
        let flash = &self.0.flash;
        let clock = match flash.get(CLOCK).map_err(|error| error.to_string())? {
            None => LabClock::new(first),
            Some(kept) => LabClock::resumed(serde_json::from_slice(&kept).map_err(|error| {
                let path = flash.path().display();
                format!(
                    "{path}: the clock cannot be read ({error}); restore it from a copy, or move \
                     it away"
                )
            })?),
        };
        // A disk that takes nothing is noticed here, before anybody is promised anything.
        self.keep_clock(clock.course())?;
        Ok(clock)
    }

    /// Returns what [`State::keep_built`] kept; `None` at the first start.
    ///
    /// # Errors
    /// A line for the operator: what is kept cannot be read.
    pub(in crate::cmd) fn built<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        let flash = &self.0.flash;
        let Some(kept) = flash.get(BUILT).map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        serde_json::from_slice(&kept).map(Some).map_err(|error| {
            let path = flash.path().display();
            format!(
                "{path}: how the chassis is built cannot be read ({error}); restore it from a \
                 copy, or move it away"
            )
        })
    }

    /// Keeps how the chassis is built.
    ///
    /// # Errors
    /// A line for the operator: the disk refused it.
    pub(in crate::cmd) fn keep_built(&self, built: &impl Serialize) -> Result<(), String> {
        let built = serde_json::to_vec(built).map_err(|error| error.to_string())?;
        let kept = self.0.flash.write(&[Change::Put(BUILT, &built)]);
        kept.map_err(|error| error.to_string())
    }

    /// Keeps how the clock stands against the host's.
    ///
    /// # Errors
    /// A line for the operator: the disk refused it.
    pub(in crate::cmd) fn keep_clock(&self, course: Course) -> Result<(), String> {
        let course = serde_json::to_vec(&course).map_err(|error| error.to_string())?;
        let kept = self.0.flash.write(&[Change::Put(CLOCK, &course)]);
        kept.map_err(|error| error.to_string())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.ephemeral {
            // What is left of it is in the temporary folder, where it is nobody's loss.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
