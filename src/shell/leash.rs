//! A connection that somebody else can cut, whatever it is waiting for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Cuts a [`Leashed`] connection. Clones hold the same one.
#[derive(Clone, Debug, Default)]
pub struct Leash(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Leash {
    /// Ends the connection: every read and write fails from now on.
    pub fn cut(&self) {
        let mut state = self.0.lock();
        state.cut = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        for waker in wakers.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Puts a connection on the leash.
    pub fn hold<S>(&self, stream: S) -> Leashed<S> {
        Leashed { stream, leash: self.clone() }
    }
}

/// A connection on a leash.
#[derive(Debug)]
pub struct Leashed<S> {
    stream: S,
    leash: Leash,
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Leashed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.leash.0.lock();
        if state.cut {
            return Poll::Ready(Err(gone()));
        }
        state.reader = Some(cx.waker().clone());
        drop(state);
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Leashed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.leash.0.lock();
        if state.cut {
            return Poll::Ready(Err(gone()));
        }
        state.writer = Some(cx.waker().clone());
        drop(state);
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.leash.0.lock().cut {
            return Poll::Ready(Err(gone()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_cut_ends_who_waits_to_read_and_who_waits_to_write() {
        for writes in [false, true] {
            let (_peer, stream) = tokio::io::duplex(16);
            let leash = Leash::default();
            let mut stream = leash.hold(stream);
            let waiting = tokio::spawn(async move {
                if writes {
                    stream.write_all(&[0; 1024]).await
                } else {
                    stream.read_u8().await.map(drop)
                }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            leash.cut();
            let error = waiting.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        }
    }
}
