//! SSH from the host to a chassis: an ordinary listener, whose bytes go through the TCP connection
//! of a lab's host over the in-memory wire.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::net::stack::{Stack, TcpStream as TcpConnection};
use crate::shell::ssh;

/// Most connections of one chassis at once; more wait in the host's queue. It is more than a
/// chassis lets stand at its door, so that a crowd there cannot fill it.
const CONNECTIONS_MAX: usize = 256;
/// How long the chassis may take to accept.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long the other end may take to notice that the chassis is done.
const LINGER: Duration = Duration::from_millis(500);
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// A port of the host that leads to a chassis; it closes when this is dropped.
pub(super) struct Forward {
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forward {
    /// Listens at `address` of the host and leads to `chassis`, by way of `operator`'s stack.
    pub(super) async fn start(
        address: SocketAddr,
        operator: Stack,
        chassis: IpAddr,
    ) -> Result<Forward, String> {
        let say = |error| format!("--ssh {address}: {error}; choose another address, or port 0");
        let listener = TcpListener::bind(address).await.map_err(say)?;
        let address = listener.local_addr().map_err(say)?;
        let to = SocketAddr::new(chassis, ssh::PORT);
        let task = tokio::spawn(serve(listener, operator, to)).abort_handle();
        Ok(Forward { address, task })
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, operator: Stack, to: SocketAddr) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("SSH: cannot accept on the host: {error}");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let operator = operator.clone();
        tokio::spawn(async move {
            carry(stream, &operator, to).await;
            drop(place);
        });
    }
}

/// Carries bytes both ways until the chassis is done: nothing comes after that, whatever the other
/// end still means to say.
async fn carry(mut outside: TcpStream, operator: &Stack, to: SocketAddr) {
    // Keys are single bytes and want to arrive at once.
    let _ = outside.set_nodelay(true);
    let inside = match operator.connect(to, CONNECT_WAIT).await {
        Ok(inside) => inside,
        Err(error) => {
            tracing::info!("SSH: {to} cannot be reached over the lab's wire: {error}");
            return;
        }
    };
    // A connection that breaks off is over like one that ends.
    let _ = join(&mut outside, inside).await;
    // Bytes left unread would make a reset of the end, and a reset would take away what the other
    // end has not read.
    let _ = outside.shutdown().await;
    let rest = async { while matches!(outside.read(&mut [0; 1024]).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(LINGER, rest).await;
}

/// Returns when nothing more comes from the chassis.
async fn join(outside: &mut TcpStream, inside: TcpConnection) -> io::Result<()> {
    let (mut from_chassis, mut to_chassis) = tokio::io::split(inside);
    let (mut reader, mut writer) = outside.split();
    let inward = async {
        tokio::io::copy(&mut reader, &mut to_chassis).await?;
        to_chassis.shutdown().await
    };
    let outward = tokio::io::copy(&mut from_chassis, &mut writer);
    tokio::pin!(outward);
    tokio::select! {
        done = &mut outward => return done.map(drop),
        // An end of this direction is not the end of the other; one that broke off is.
        done = inward => done?,
    }
    outward.await.map(drop)
}
