//! The control socket: one line of JSON in, one out, for our own user alone.

use std::future::Future;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

use super::{Answer, LINE_MAX, Request};

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

/// Serves the control socket at `path`, which no other process may be using: the caller holds a
/// lock that says so.
///
/// # Errors
/// A line for the operator when there can be no socket at `path`.
pub fn serve<A, F>(path: &Path, answer: A) -> Result<Socket, String>
where
    A: Fn(Request) -> F + Clone + 'static,
    F: Future<Output = Answer> + 'static,
{
    let say = |why: String| format!("control socket {}: {why}", path.display());
    remove_stale(path).map_err(say)?;
    let listener = UnixListener::bind(path)
        .map_err(|error| say(format!("{error}; choose a shorter --state or another path")))?;
    let task = tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ours = stream.peer_cred().map(|peer| peer.uid() == crate::sys::process::user());
            if ours.unwrap_or(false) {
                let answer = answer.clone();
                tokio::task::spawn_local(async move { converse(answer, stream).await });
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

/// Answers the one line that a connection brings.
async fn converse<A, F>(answer: A, mut stream: UnixStream)
where
    A: Fn(Request) -> F,
    F: Future<Output = Answer>,
{
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX as u64));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(request) => answer(request).await,
        Err(error) => Answer::refused(format!("no request of this version: {error}")),
    };
    let mut bytes = serde_json::to_vec(&answer).unwrap_or_default();
    bytes.push(b'\n');
    // Whoever asked may have left.
    let _ = writer.write_all(&bytes).await;
}
