//! Keeps a blade's process running: starts it again when it dies.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr};
use tokio::task::AbortHandle;

use crate::base::ident::Slot;
use crate::cmd::topology::Blade;
use crate::sys::{console, process};

/// Shortest wait before a blade that died is started again; it doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(500);
/// Longest wait before a blade that keeps dying is started again.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest line that a blade may say, in bytes.
const LINE_MAX: u64 = 64 * 1024;

/// Keeps one blade running until it is dropped.
pub(in crate::cmd) struct Keeper {
    pub(in crate::cmd) slot: Slot,
    pub(in crate::cmd) serial: String,
    pid: Rc<Cell<Option<u32>>>,
    task: AbortHandle,
}

/// Returns the folder of a blade's flash in its chassis's.
pub(in crate::cmd) fn folder(chassis: &Path, slot: Slot) -> PathBuf {
    chassis.join(format!("blade-{slot}"))
}

impl Keeper {
    /// Starts the blade's process and watches it; `chassis` is the chassis's folder.
    pub(in crate::cmd) fn start(blade: &Blade, socket: &Path, chassis: &Path) -> Keeper {
        let slot = blade.slot;
        let pairs: [(&str, OsString); 6] = [
            ("--socket", socket.into()),
            ("--slot", slot.to_string().into()),
            ("--module", blade.module.pid.into()),
            ("--serial", blade.serial.clone().into()),
            ("--state", folder(chassis, slot).into()),
            ("--parent", process::id().to_string().into()),
        ];
        let mut args: Vec<OsString> = vec!["blade".into()];
        args.extend(pairs.into_iter().flat_map(|(name, value)| [name.into(), value]));
        let pid = Rc::new(Cell::new(None));
        let task = tokio::task::spawn_local(keep(slot, args, Rc::clone(&pid)));
        Keeper { slot, serial: blade.serial.clone(), pid, task: task.abort_handle() }
    }

    /// Returns the process that is the blade now; `None` between two.
    pub(in crate::cmd) fn pid(&self) -> Option<u32> {
        self.pid.get()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs one blade after the other.
async fn keep(slot: Slot, args: Vec<OsString>, pid: Rc<Cell<Option<u32>>>) {
    let mut wait = WAIT_MIN;
    loop {
        let began = tokio::time::Instant::now();
        let ended = match process::spawn_self(&args) {
            Ok(mut child) => {
                pid.set(child.id());
                watch(&mut child).await.map(|status| status.to_string())
            }
            Err(error) => Err(error),
        };
        pid.set(None);
        let ended = ended.unwrap_or_else(|error| format!("it cannot be started: {error}"));
        tracing::warn!("blade {slot} ended ({ended}); it is started again");
        wait = if began.elapsed() > WAIT_MAX { WAIT_MIN } else { (wait * 2).min(WAIT_MAX) };
        tokio::time::sleep(wait).await;
    }
}

/// Passes on what a blade says, until it ends.
async fn watch(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    if let Some(said) = child.stderr.take() {
        pass_on(said).await;
    }
    child.wait().await
}

async fn pass_on(said: ChildStderr) {
    let mut said = BufReader::new(said);
    loop {
        let mut line = Vec::new();
        match (&mut said).take(LINE_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => console::say(String::from_utf8_lossy(&line).trim_end_matches('\n')),
        }
    }
}
