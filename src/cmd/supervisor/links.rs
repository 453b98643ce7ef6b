//! The AppAG socket: accepts blades of our own user and moves their bytes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::Input;
use crate::proto::broker::{LinkId, UNREAD_MAX};

/// Most bytes taken from a blade at once.
const READ_MAX: usize = 16 * 1024;
/// How long a blade may take no bytes before its connection is given up.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// A bound AppAG socket; its file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket, readable and writable by our user alone.
    ///
    /// # Errors
    /// What the operating system says, the path's length included.
    pub(super) fn bind(path: &Path) -> io::Result<Socket> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Socket { listener, path: path.to_owned() })
    }

    /// Accepts connections for as long as the supervisor takes its input.
    pub(super) async fn accept(self, inbox: mpsc::Sender<Input>) {
        let mut next = 0;
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("AppAG: cannot accept a blade: {error}");
                    // Out of descriptors, most likely: let somebody else give one back.
                    tokio::time::sleep(ACCEPT_WAIT).await;
                    continue;
                }
            };
            let user = stream.peer_cred().map(|peer| peer.uid());
            if user.as_ref().ok() != Some(&crate::sys::process::user()) {
                tracing::warn!("AppAG: a peer of another user is turned away: {user:?}");
                continue;
            }
            next += 1;
            let link = LinkId(next);
            let (reader, writer) = stream.into_split();
            let (go, begin) = oneshot::channel();
            let reader = tokio::spawn(read(link, reader, begin, inbox.clone()));
            let line = Line::new(writer, reader.abort_handle());
            if inbox.send(Input::LinkOpened { link, line }).await.is_err() {
                return;
            }
            // What it says must not arrive before it is known.
            let _ = go.send(());
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may be gone with its folder.
        let _ = fs::remove_file(&self.path);
    }
}

async fn read(
    link: LinkId,
    mut reader: OwnedReadHalf,
    begin: oneshot::Receiver<()>,
    inbox: mpsc::Sender<Input>,
) {
    if begin.await.is_err() {
        return;
    }
    let mut buffer = vec![0; READ_MAX];
    loop {
        let input = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => Input::LinkGone { link },
            Ok(read) => {
                let bytes = buffer.get(..read).unwrap_or_default().to_vec();
                Input::LinkBytes { link, bytes }
            }
        };
        let last = matches!(input, Input::LinkGone { .. });
        if inbox.send(input).await.is_err() || last {
            return;
        }
    }
}

/// One connection as the supervisor holds it: it sends without ever waiting, and closes when
/// dropped, after what was sent before.
#[derive(Debug)]
pub(crate) struct Line {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    unread: Arc<AtomicUsize>,
    reader: AbortHandle,
    writer: AbortHandle,
}

impl Line {
    fn new(mut half: OwnedWriteHalf, reader: AbortHandle) -> Line {
        let (queue, mut queued) = mpsc::unbounded_channel::<Vec<u8>>();
        let unread = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&unread);
        let writer = tokio::spawn(async move {
            while let Some(bytes) = queued.recv().await {
                match tokio::time::timeout(WRITE_WAIT, half.write_all(&bytes)).await {
                    Ok(Ok(())) => left.fetch_sub(bytes.len(), Ordering::Relaxed),
                    Ok(Err(_)) | Err(_) => return,
                };
            }
            // The peer may have gone first.
            let _ = half.shutdown().await;
        });
        Line { queue, unread, reader, writer: writer.abort_handle() }
    }

    /// Closes the connection at once: what was sent and not read is not read any more.
    pub(super) fn cut(self) {
        self.writer.abort();
    }

    /// Queues bytes; false once the peer is more than [`UNREAD_MAX`] behind, or gone.
    pub(super) fn send(&self, bytes: Vec<u8>) -> bool {
        let unread = self.unread.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        unread <= UNREAD_MAX && self.queue.send(bytes).is_ok()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
