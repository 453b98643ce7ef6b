//! Clients that carry a file to another host or fetch one, over a [`Stack`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::stack::{ConnectError, Stack};

mod ftp;
mod http;
mod tftp;

pub use ftp::{fetch as ftp_fetch, store as ftp_store};
pub use http::{fetch as http_fetch, store as http_store};
pub use tftp::{fetch as tftp_fetch, store as tftp_store};

/// Most bytes of a file that are fetched.
pub const FILE_MAX: usize = 64 * 1024 * 1024;
/// How long a connection may take to come about.
const CONNECT_WAIT: Duration = Duration::from_secs(20);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Why a file did not get through.
#[derive(Debug, Error)]
pub enum TransferError {
    #[error("{to}: {why}")]
    Connect { to: SocketAddr, why: ConnectError },
    /// The server's own words.
    #[error("{0}")]
    Refused(String),
    #[error("the server says nothing any more")]
    Silent,
    #[error("the server broke off")]
    Broken,
    #[error("the server's answer makes no sense")]
    Nonsense,
    #[error("the file is longer than {FILE_MAX} bytes")]
    TooLong,
}

impl From<io::Error> for TransferError {
    fn from(_: io::Error) -> TransferError {
        TransferError::Broken
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

async fn connect(stack: &Stack, to: SocketAddr) -> Result<super::stack::TcpStream, TransferError> {
    stack.connect(to, CONNECT_WAIT).await.map_err(|why| TransferError::Connect { to, why })
}

/// Waits for a server, but not for ever.
async fn patiently<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, TransferError> {
    match tokio::time::timeout(SILENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(TransferError::Silent),
    }
}
