//! SSH from the host to a chassis: an ordinary listener, whose bytes go through the TCP connection
//! of a lab's host over the in-memory wire.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::net::stack::Stack;
use crate::shell::ssh;

/// Most connections of one chassis at once; more wait in the host's queue. It is more than a
/// chassis lets stand at its door, so that a crowd there cannot fill it.
const CONNECTIONS_MAX: usize = 256;
/// How long the chassis may take to accept.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
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

/// Carries bytes both ways until both ends are done.
async fn carry(mut outside: TcpStream, operator: &Stack, to: SocketAddr) {
    // Keys are single bytes and want to arrive at once.
    let _ = outside.set_nodelay(true);
    match operator.connect(to, CONNECT_WAIT).await {
        Ok(mut inside) => {
            // A reset on either side ends the other as well.
            let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            let _ = inside.shutdown().await;
        }
        Err(error) => tracing::info!("SSH: {to} cannot be reached over the lab's wire: {error}"),
    }
}
