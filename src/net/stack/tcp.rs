//! TCP over a [`Stack`].

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpListenEndpoint};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::core::{Core, Kind};
use super::neighbour::ReachError;
use super::{Shared, Stack, socket_addr};

/// How often an idle peer of a listener is asked whether it still lives.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The connections that knock at one port.
pub(super) struct Backlog {
    /// The only local address that answers; `None` for all.
    pub address: Option<IpAddr>,
    pub max: usize,
    /// Sockets in LISTEN or SYN-RECEIVED, made when their SYN came.
    pub half_open: Vec<(SocketHandle, Instant)>,
    /// Connections that wait to be accepted.
    pub ready: VecDeque<SocketHandle>,
    pub waker: Option<Waker>,
    /// Says from which addresses a connection may come; `None` for all.
    pub guard: Option<Guard>,
}

/// Says whether a connection may come from an address. It runs with the stack locked, for every
/// SYN, so it must be quick and must not call the stack.
pub type Guard = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

impl Backlog {
    pub fn lets_in(&self, from: IpAddr) -> bool {
        self.guard.as_ref().is_none_or(|guard| guard(from))
    }

    pub fn is_full(&self) -> bool {
        self.half_open.len() + self.ready.len() >= self.max
    }
}

/// Why [`Stack::connect`] brought no connection.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConnectError {
    #[error("no route to the host; check address, prefix and gateway")]
    NoRoute,
    /// It, or the gateway, does not answer ARP.
    #[error("the host can't be reached")]
    Unreachable,
    #[error("the host refused the connection")]
    Refused,
    #[error("the host did not answer in time")]
    TimedOut,
    #[error("no local port is free")]
    NoPort,
}

impl From<ReachError> for ConnectError {
    fn from(error: ReachError) -> ConnectError {
        match error {
            ReachError::NoRoute => ConnectError::NoRoute,
            ReachError::Absent { .. } => ConnectError::Unreachable,
        }
    }
}

/// Why [`Stack::listen`] refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ListenError {
    #[error("port {port} has a listener already")]
    InUse { port: u16 },
    #[error("port 0 can't be listened on")]
    NoPort,
}

/// A connection. Dropping it closes it in the background; with unread data it is reset, as on
/// Linux.
pub struct TcpStream {
    shared: Arc<Shared>,
    handle: SocketHandle,
    local: SocketAddr,
    peer: SocketAddr,
}

/// A listening port. Dropping it closes the port and resets what was not accepted.
pub struct TcpListener {
    shared: Arc<Shared>,
    local: SocketAddr,
}

impl Stack {
    /// Connects within `wait`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self, to: SocketAddr, wait: Duration) -> Result<TcpStream, ConnectError> {
        let connected = async {
            self.reach(to.ip()).await?;
            let stream = self.start(to)?;
            self.0.kick.notify_one();
            stream.established().await?;
            Ok(stream)
        };
        tokio::time::timeout(wait, connected).await.map_err(|_| ConnectError::TimedOut)?
    }

    /// Queues the SYN.
    fn start(&self, to: SocketAddr) -> Result<TcpStream, ConnectError> {
        let mut guard = self.0.core.lock();
        let core = &mut *guard;
        if core.dead.is_some() || core.next_hop(to.ip()).is_none() {
            return Err(ConnectError::NoRoute);
        }
        let port = core.tcp_port().ok_or(ConnectError::NoPort)?;
        let mut socket = core.tcp_socket();
        let remote = (IpAddress::from(to.ip()), to.port());
        let local = IpListenEndpoint { addr: None, port };
        socket.connect(core.iface.context(), remote, local).map_err(|_| ConnectError::NoRoute)?;
        let local = socket.local_endpoint().map(socket_addr).ok_or(ConnectError::NoRoute)?;
        let handle = core.sockets.add(socket);
        drop(guard);
        Ok(TcpStream { shared: Arc::clone(&self.0), handle, local, peer: to })
    }

    /// Listens on `port`, at one address or at all. Connections beyond `backlog` that are not
    /// accepted yet are ignored, so that their clients try again.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn listen(
        &self,
        address: Option<IpAddr>,
        port: u16,
        backlog: usize,
    ) -> Result<TcpListener, ListenError> {
        if port == 0 {
            return Err(ListenError::NoPort);
        }
        let mut core = self.0.core.lock();
        if core.listeners.contains_key(&port) {
            return Err(ListenError::InUse { port });
        }
        let (half_open, ready) = (Vec::new(), VecDeque::new());
        let max = backlog.max(1);
        let (waker, guard) = (None, None);
        core.listeners.insert(port, Backlog { address, max, half_open, ready, waker, guard });
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let local = SocketAddr::new(address.unwrap_or(any), port);
        Ok(TcpListener { shared: Arc::clone(&self.0), local })
    }
}

impl TcpListener {
    /// Returns where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Lets connections come only from addresses that `guard` lets in; from others the port looks
    /// as if nothing were there. Connections that there are stay.
    pub fn set_guard(&self, guard: Option<Guard>) {
        let mut core = self.shared.core.lock();
        let backlog = core.listeners.get_mut(&self.local.port());
        let old = backlog.map(|backlog| std::mem::replace(&mut backlog.guard, guard));
        drop(core);
        // It may hold anything, so it is dropped after the lock is given back.
        drop(old);
    }

    /// Waits for the next connection. Cancel-safe.
    ///
    /// # Errors
    /// `NotConnected` when the link is gone; it does not come back for this listener.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let mut guard = self.shared.core.lock();
        let now = self.shared.now();
        let core = &mut *guard;
        if core.dead.is_some() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let port = self.local.port();
        while let Some(handle) =
            core.listeners.get_mut(&port).and_then(|backlog| backlog.ready.pop_front())
        {
            let socket = core.sockets.get::<tcp::Socket<'_>>(handle);
            if let (Some(local), Some(peer)) = (socket.local_endpoint(), socket.remote_endpoint()) {
                let (local, peer) = (socket_addr(local), socket_addr(peer));
                let shared = Arc::clone(&self.shared);
                return Poll::Ready(Ok((TcpStream { shared, handle, local, peer }, peer)));
            }
            // Reset by the peer before anyone looked.
            core.orphan(now, Kind::Tcp, handle);
        }
        if let Some(backlog) = core.listeners.get_mut(&port) {
            backlog.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let now = self.shared.now();
        let mut core = self.shared.core.lock();
        if let Some(backlog) = core.listeners.remove(&self.local.port()) {
            let half_open = backlog.half_open.into_iter().map(|(handle, _)| handle);
            for handle in half_open.chain(backlog.ready) {
                core.sockets.get_mut::<tcp::Socket<'_>>(handle).abort();
                core.orphan(now, Kind::Tcp, handle);
            }
        }
        drop(core);
        self.shared.kick.notify_one();
    }
}

impl TcpStream {
    /// Returns the address of this end.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns the address of the other end.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Waits for the end of the handshake.
    async fn established(&self) -> Result<(), ConnectError> {
        poll_fn(|cx| {
            self.with(|socket, _| match socket.state() {
                tcp::State::SynSent | tcp::State::SynReceived => {
                    socket.register_send_waker(cx.waker());
                    Poll::Pending
                }
                tcp::State::Closed => Poll::Ready(Err(ConnectError::Refused)),
                tcp::State::Listen
                | tcp::State::Established
                | tcp::State::FinWait1
                | tcp::State::FinWait2
                | tcp::State::CloseWait
                | tcp::State::Closing
                | tcp::State::LastAck
                | tcp::State::TimeWait => Poll::Ready(Ok(())),
            })
        })
        .await
    }

    fn with<R>(&self, f: impl FnOnce(&mut tcp::Socket<'static>, &mut bool) -> R) -> R {
        let mut kick = false;
        let mut guard = self.shared.core.lock();
        let core: &mut Core = &mut guard;
        let result = f(core.sockets.get_mut(self.handle), &mut kick);
        drop(guard);
        if kick {
            self.shared.kick.notify_one();
        }
        result
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|socket, kick| {
            if socket.can_recv() {
                // A window that was at most half open is worth an update to the peer.
                *kick = socket.recv_queue() >= socket.recv_capacity() / 2;
                // Twice, because the ring may wrap.
                for _ in 0..2 {
                    let taken = socket.recv_slice(buffer.initialize_unfilled()).unwrap_or(0);
                    buffer.advance(taken);
                }
                return Poll::Ready(Ok(()));
            }
            if socket.may_recv() {
                socket.register_recv_waker(cx.waker());
                return Poll::Pending;
            }
            // smoltcp folds reset and time-out into CLOSED; a FIN leaves another state behind.
            if socket.state() == tcp::State::Closed {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|socket, kick| {
            if !socket.may_send() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let first = socket.send_slice(data).unwrap_or(0);
            let second = socket.send_slice(data.get(first..).unwrap_or(&[])).unwrap_or(0);
            if first == 0 && !data.is_empty() {
                socket.register_send_waker(cx.waker());
                return Poll::Pending;
            }
            *kick = true;
            Poll::Ready(Ok(first + second))
        })
    }

    /// Does nothing: what was written is on its way.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends FIN after what was written, and does not wait for it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|socket, kick| {
            socket.close();
            *kick = true;
        });
        Poll::Ready(Ok(()))
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let now = self.shared.now();
        let mut core = self.shared.core.lock();
        let socket = core.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        if socket.can_recv() {
            socket.abort();
        } else {
            socket.close();
        }
        core.orphan(now, Kind::Tcp, self.handle);
        drop(core);
        self.shared.kick.notify_one();
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpStream({} to {})", self.local, self.peer)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpListener({})", self.local)
    }
}
