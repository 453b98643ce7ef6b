//! UDP over a [`Stack`].

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp;
use smoltcp::wire::{IpEndpoint, IpListenEndpoint};
use thiserror::Error;

use super::core::Kind;
use super::neighbour::ReachError;
use super::{Shared, Stack, socket_addr};

/// Most datagrams that wait in a socket, each way.
pub const DATAGRAMS_MAX: usize = 32;
/// Most bytes that wait in a socket, each way.
pub const BYTES_MAX: usize = 32 * 1024;

/// Why [`Stack::bind_udp`] refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BindError {
    #[error("UDP port {port} is in use")]
    InUse { port: u16 },
    #[error("no local UDP port is free")]
    NoPort,
}

/// A UDP port. Datagrams that were sent just before it is dropped still leave.
pub struct UdpSocket {
    shared: Arc<Shared>,
    handle: SocketHandle,
    local: SocketAddr,
}

impl Stack {
    /// Opens a port, at one address or, if that is unspecified, at all; port 0 is any free one.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind_udp(&self, local: SocketAddr) -> Result<UdpSocket, BindError> {
        let mut core = self.0.core.lock();
        let port = match local.port() {
            0 => core.udp_port().ok_or(BindError::NoPort)?,
            port if core.udp_port_taken(port) => return Err(BindError::InUse { port }),
            port => port,
        };
        let buffer = || {
            udp::PacketBuffer::new(
                vec![udp::PacketMetadata::EMPTY; DATAGRAMS_MAX],
                vec![0; BYTES_MAX],
            )
        };
        let mut socket = udp::Socket::new(buffer(), buffer());
        let addr = Some(local.ip()).filter(|ip| !ip.is_unspecified()).map(Into::into);
        // Refused only for port 0 and for a socket that is open.
        socket.bind(IpListenEndpoint { addr, port }).map_err(|_| BindError::NoPort)?;
        let handle = core.sockets.add(socket);
        drop(core);
        let local = SocketAddr::new(local.ip(), port);
        Ok(UdpSocket { shared: Arc::clone(&self.0), handle, local })
    }
}

impl UdpSocket {
    /// Returns where it is bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Waits for a datagram; what doesn't fit into `buffer` is dropped whole. Cancel-safe.
    ///
    /// # Errors
    /// `NotConnected` when the link is gone.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.recv_at(buffer).await.map(|(len, from, _)| (len, from))
    }

    /// Queues a datagram, waiting for the neighbour on the way and for room.
    ///
    /// # Errors
    /// `NetworkUnreachable` without a route, `HostUnreachable` after 3 s without an answer to ARP,
    /// `InvalidInput` for a datagram over [`BYTES_MAX`].
    pub async fn send_to(&self, data: &[u8], to: SocketAddr) -> io::Result<()> {
        if data.len() > BYTES_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let stack = Stack(Arc::clone(&self.shared));
        stack.reach(to.ip()).await.map_err(|error| match error {
            ReachError::NoRoute => io::ErrorKind::NetworkUnreachable,
            ReachError::Absent { .. } => io::ErrorKind::HostUnreachable,
        })?;
        poll_fn(|cx| self.poll_send(cx, data, to)).await
    }

    /// Queues a datagram from `from`, one of the stack's addresses: the answer of a host with
    /// several. Without room it is dropped.
    pub fn answer(&self, data: &[u8], from: IpAddr, to: SocketAddr) {
        let mut core = self.shared.core.lock();
        let socket = core.sockets.get_mut::<udp::Socket<'_>>(self.handle);
        let mut meta = udp::UdpMetadata::from(IpEndpoint::from(to));
        meta.local_address = Some(from.into());
        if socket.send_slice(data, meta).is_ok() {
            drop(core);
            self.shared.kick.notify_one();
        }
    }

    /// Waits for a datagram, and tells which of the stack's addresses it came to. Cancel-safe.
    ///
    /// # Errors
    /// `NotConnected` when the link is gone.
    pub async fn recv_at(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, IpAddr)> {
        poll_fn(|cx| self.poll_recv(cx, buffer)).await.map(|(len, meta)| {
            let here = meta.local_address.map_or(self.local.ip(), Into::into);
            (len, socket_addr(meta.endpoint), here)
        })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, udp::UdpMetadata)>> {
        let mut core = self.shared.core.lock();
        if core.dead.is_some() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let socket = core.sockets.get_mut::<udp::Socket<'_>>(self.handle);
        loop {
            match socket.recv_slice(buffer) {
                Ok((len, meta)) => return Poll::Ready(Ok((len, meta))),
                Err(udp::RecvError::Truncated) => {}
                Err(udp::RecvError::Exhausted) => {
                    socket.register_recv_waker(cx.waker());
                    return Poll::Pending;
                }
            }
        }
    }

    fn poll_send(&self, cx: &Context<'_>, data: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        let mut core = self.shared.core.lock();
        let socket = core.sockets.get_mut::<udp::Socket<'_>>(self.handle);
        match socket.send_slice(data, IpEndpoint::from(to)) {
            Ok(()) => {
                drop(core);
                self.shared.kick.notify_one();
                Poll::Ready(Ok(()))
            }
            Err(udp::SendError::BufferFull) => {
                socket.register_send_waker(cx.waker());
                Poll::Pending
            }
            Err(udp::SendError::Unaddressable) => {
                Poll::Ready(Err(io::ErrorKind::NetworkUnreachable.into()))
            }
        }
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let now = self.shared.now();
        self.shared.core.lock().orphan(now, Kind::Udp, self.handle);
        self.shared.kick.notify_one();
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UdpSocket({})", self.local)
    }
}
