//! The control socket: one line of JSON in, one out, for our own user alone.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::{Answer, LINE_MAX, Request};
use crate::sys::process;

/// Most conversations at once; whoever comes beyond waits.
const CONVERSATIONS_MAX: usize = 256;
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// A served control socket; its file and its task go when this is dropped.
#[derive(Debug)]
pub struct Socket {
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

/// Whoever asked, on the other end of the connection.
#[derive(Debug)]
pub struct Caller {
    pub reader: BufReader<Take<OwnedReadHalf>>,
    pub writer: OwnedWriteHalf,
}

impl Caller {
    /// Sends the answer, and hangs up.
    pub async fn answer(mut self, answer: &Answer) {
        // Whoever asked may have left.
        let _ = self.writer.write_all(&answer.line()).await;
    }
}

/// Serves the control socket at `path`, which no other process may be using: the caller holds a
/// lock that says so.
///
/// # Errors
/// A line for the operator when there can be no socket at `path`.
pub fn serve<H, F>(path: &Path, host: H) -> Result<Socket, String>
where
    H: Fn(Request, Caller) -> F + Clone + 'static,
    F: Future<Output = ()> + 'static,
{
    let say = |why: String| format!("control socket {}: {why}", path.display());
    remove_stale(path).map_err(say)?;
    let listener = UnixListener::bind(path)
        .map_err(|error| say(format!("{error}; choose a shorter --state or another path")))?;
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
                let host = host.clone();
                tokio::task::spawn_local(async move {
                    converse(host, stream).await;
                    drop(seat);
                });
            }
        }
    });
    Ok(Socket { path: path.to_owned(), task: task.abort_handle() })
}

/// Removes a socket that a killed process left behind, and nothing else.
fn remove_stale(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            std::fs::remove_file(path).map_err(|error| error.to_string())
        }
        Ok(_) => Err("something else is there; name another path".to_owned()),
        Err(_) => Ok(()),
    }
}

/// Reads the one line that a connection brings.
async fn converse<H, F>(host: H, stream: UnixStream)
where
    H: Fn(Request, Caller) -> F,
    F: Future<Output = ()>,
{
    let (reader, writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX as u64));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    // The limit is the line's; what a console brings after it has no end.
    reader.get_mut().set_limit(u64::MAX);
    let caller = Caller { reader, writer };
    match serde_json::from_str(&line) {
        Ok(request) => host(request, caller).await,
        Err(error) => {
            caller.answer(&Answer::refused(format!("no request of this version: {error}"))).await;
        }
    }
}
