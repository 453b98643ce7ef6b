//! Keeps a blade's process running: starts it again when it dies.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::cmd::topology::Blade;
use crate::sys::process;

/// Shortest wait before a blade that died is started again; it doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(500);
/// Longest wait before a blade that keeps dying is started again.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Keeps one blade running until it is dropped.
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    /// Starts the blade's process and watches it.
    pub(super) fn start(blade: &Blade, socket: &Path, folder: &Path) -> Keeper {
        let slot = blade.slot;
        let state = folder.join(format!("blade-{slot}"));
        let pairs: [(&str, OsString); 6] = [
            ("--socket", socket.into()),
            ("--slot", slot.to_string().into()),
            ("--module", blade.module.pid.into()),
            ("--serial", blade.serial.clone().into()),
            ("--state", state.into()),
            ("--parent", process::id().to_string().into()),
        ];
        let mut args: Vec<OsString> = vec!["blade".into()];
        args.extend(pairs.into_iter().flat_map(|(name, value)| [name.into(), value]));
        let task = tokio::spawn(async move {
            let mut wait = WAIT_MIN;
            loop {
                let began = tokio::time::Instant::now();
                let ended = match process::spawn_self(&args) {
                    Ok(mut child) => child.wait().await.map(|status| status.to_string()),
                    Err(error) => Err(error),
                };
                tracing::warn!("blade {slot} ended: {ended:?}; it is started again");
                wait = if began.elapsed() > WAIT_MAX { WAIT_MIN } else { (wait * 2).min(WAIT_MAX) };
                tokio::time::sleep(wait).await;
            }
        });
        Keeper(task.abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}
