//! The telnet server: off unless an operator turns it on.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};

use super::gate::Gate;
use super::leash::Leash;
use super::line::{Attendant, FromLine, Host};
use super::proof::Prover;
use super::sessions::Front;
use crate::cli::login::Line;
use crate::net::stack::TcpListener;
use crate::wire::telnet::{Decoder, Event, OFFER, encode};

/// Port of the server.
///
/// # Source
/// RFC 854.
pub const PORT: u16 = 23;
/// How long a connection may take to log in.
const GRACE: Duration = Duration::from_secs(60);
/// Most bytes taken from a connection at once.
const READ_MAX: usize = 4096;
/// Most pieces of keys and of screen that wait to be taken.
const QUEUE_MAX: usize = 16;

/// The server.
#[derive(Clone, Debug)]
pub struct Server<F: Front> {
    attendant: Attendant<F>,
    gate: Gate,
}

impl<F: Front> Server<F> {
    /// Makes a server; `host` is asked for the chassis's name.
    pub fn new(front: F, prover: Prover, host: Host) -> Server<F> {
        let (line, from, setup) = (Line::Telnet, String::new(), false);
        let attendant = Attendant { front, prover, line, from, host, setup };
        Server { attendant, gate: Gate::default() }
    }

    /// Cuts every connection, as a restart of the chassis does.
    pub fn cut(&self) {
        self.gate.cut();
    }

    /// Takes connections until this is dropped or the stack's link is gone.
    pub async fn serve(&self, listener: &TcpListener) {
        while let Ok((stream, peer)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move { server.connection(stream, peer.ip()).await });
        }
    }

    /// Serves one connection to its end.
    pub async fn connection<S>(self, stream: S, peer: IpAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let leash = Leash::default();
        let mut place = self.gate.stand(leash.clone());
        let (mut reader, mut writer) = tokio::io::split(leash.hold(stream));
        let (keys, typed) = mpsc::channel(QUEUE_MAX);
        let (screen, mut printed) = mpsc::channel::<Vec<u8>>(QUEUE_MAX);
        // What the decoder has to say goes the same way as the screen, but as it is.
        let (replies, mut replied) = mpsc::channel::<[u8; 3]>(QUEUE_MAX);
        let (entered, mut inside) = watch::channel(false);
        let read = async move {
            let (mut decoder, mut buffer) = (Decoder::default(), vec![0; READ_MAX]);
            loop {
                let read = reader.read(&mut buffer).await.unwrap_or(0);
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    return;
                }
                for event in decoder.take(bytes) {
                    let taken = match event {
                        Event::Keys(bytes) => keys.send(FromLine::Keys(bytes)).await.is_ok(),
                        Event::Size(columns, rows) => {
                            keys.send(FromLine::Size(columns, rows)).await.is_ok()
                        }
                        Event::Answer(answer) => replies.send(answer).await.is_ok(),
                    };
                    if !taken {
                        return;
                    }
                }
            }
        };
        let write = async move {
            let mut sent = writer.write_all(&OFFER).await;
            while sent.is_ok() {
                tokio::select! {
                    bytes = printed.recv() => match bytes {
                        Some(bytes) => sent = writer.write_all(&encode(&bytes)).await,
                        None => break,
                    },
                    Some(answer) = replied.recv() => sent = writer.write_all(&answer).await,
                }
            }
            // The other side may have closed first.
            let _ = writer.shutdown().await;
        };
        let attendant = Attendant { from: peer.to_string(), ..self.attendant };
        let attend = attendant.attend(typed, screen, move || {
            place.enter();
            entered.send_replace(true);
        });
        let late = async move {
            let inside = inside.wait_for(|inside| *inside);
            if tokio::time::timeout(GRACE, inside).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        let reading = tokio::spawn(read);
        tokio::select! {
            ((), ()) = async { tokio::join!(attend, write) } => {}
            () = late => {}
        }
        leash.cut();
        reading.abort();
    }
}

#[cfg(test)]
mod tests;
