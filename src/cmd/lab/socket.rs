//! The control socket of a lab: one line of JSON in, one out, for `vfxos ctl`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::attach;
use super::control::Lab;
use crate::cmd::control::{Answer, LINE_MAX, Request};
use crate::sys::process;

/// Most conversations at once; whoever comes beyond waits.
const CONVERSATIONS_MAX: usize = 256;
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// The control socket; its file and its task go when this is dropped.
pub(super) struct Socket {
    path: PathBuf,
    task: AbortHandle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // It may be gone with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Serves the control socket, for our own user alone.
pub(super) fn serve(lab: &Lab, path: &Path) -> Result<Socket, String> {
    // One that a killed lab left behind; the folder's lock says that no lab uses it.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).map_err(|error| {
        format!("control socket {}: {error}; choose a shorter --state", path.display())
    })?;
    let lab = lab.clone();
    let task = tokio::task::spawn_local(async move {
        let seats = Arc::new(Semaphore::new(CONVERSATIONS_MAX));
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("control socket: {error}");
                    // Out of descriptors, most likely: let somebody else give one back.
                    tokio::time::sleep(ACCEPT_WAIT).await;
                    continue;
                }
            };
            let ours = stream.peer_cred().map(|peer| peer.uid() == process::user());
            if ours.unwrap_or(false) {
                let lab = lab.clone();
                tokio::task::spawn_local(async move {
                    converse(&lab, stream).await;
                    drop(seat);
                });
            }
        }
    });
    Ok(Socket { path: path.to_owned(), task: task.abort_handle() })
}

/// Answers the one line that a connection brings.
async fn converse(lab: &Lab, mut stream: UnixStream) {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX as u64));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Console(request)) => {
            reader.get_mut().set_limit(u64::MAX);
            return attach::attend(lab, &request, reader, writer).await;
        }
        Ok(request) => lab.answer(request).await,
        Err(error) => Answer::refused(format!("no request of this version: {error}")),
    };
    // Whoever asked may have left.
    let _ = writer.write_all(&answer.line()).await;
}
