//! ICMP echo over a [`Stack`].

use std::fmt;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use smoltcp::iface::SocketHandle;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::raw;
use smoltcp::wire::{
    Icmpv4Message, Icmpv4Packet, Icmpv4Repr, IpProtocol, IpVersion, Ipv4Packet, Ipv4Repr,
};
use thiserror::Error;

use super::neighbour::ReachError;
use super::{Shared, Stack};
use crate::net::random;

/// Largest payload of one echo request, in bytes: it leaves unfragmented.
pub const PAYLOAD_MAX: usize = 1472;
/// Most answers that wait unread; smoltcp drops what is more.
const ANSWERS_MAX: usize = 16;

/// An answer to an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    pub from: Ipv4Addr,
    /// Time to live that the answer arrived with.
    pub ttl: u8,
    pub round_trip: Duration,
    /// Bytes of ICMP message that came back: the payload and 8.
    pub len: usize,
}

/// Why an echo request brought no answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PingError {
    #[error("no route to the host; check address, prefix and gateway")]
    NoRoute,
    #[error("no answer in time")]
    TimedOut,
    /// A router or the host itself said so.
    #[error("{from} says: unreachable, code {code}")]
    Unreachable { from: Ipv4Addr, code: u8 },
    #[error("{from} says: time to live exceeded")]
    TimeExceeded { from: Ipv4Addr },
    #[error("payload of {len} bytes, expected at most {PAYLOAD_MAX}")]
    TooLong { len: usize },
}

/// Sends echo requests under one identifier.
pub struct Pinger {
    shared: Arc<Shared>,
    handle: SocketHandle,
    ident: u16,
}

impl Stack {
    /// Opens a pinger with an identifier of its own.
    ///
    /// It reads ICMP raw, because only a raw socket tells the time to live that a ping prints.
    pub fn pinger(&self) -> Pinger {
        let buffer = || {
            raw::PacketBuffer::new(
                vec![raw::PacketMetadata::EMPTY; ANSWERS_MAX],
                vec![0; ANSWERS_MAX * 1536],
            )
        };
        let socket =
            raw::Socket::new(Some(IpVersion::Ipv4), Some(IpProtocol::Icmp), buffer(), buffer());
        let handle = self.0.core.lock().sockets.add(socket);
        Pinger { shared: Arc::clone(&self.0), handle, ident: u16::from_le_bytes(random()) }
    }
}

impl Pinger {
    /// Sends one echo request with time to live `ttl` (0 is taken as 1) and waits for what comes
    /// of it.
    ///
    /// # Errors
    /// [`PingError`].
    pub async fn ping(
        &mut self,
        to: Ipv4Addr,
        sequence: u16,
        ttl: u8,
        payload: &[u8],
        wait: Duration,
    ) -> Result<Echo, PingError> {
        let sent_at = tokio::time::Instant::now();
        let stack = Stack(Arc::clone(&self.shared));
        let answer = async {
            stack.reach(IpAddr::V4(to)).await.map_err(|error| self.unreached(to, error))?;
            self.send(to, sequence, ttl.max(1), payload)?;
            self.shared.kick.notify_one();
            poll_fn(|cx| self.poll_answer(cx, to, sequence)).await
        };
        let (from, ttl, len) =
            tokio::time::timeout(wait, answer).await.map_err(|_| PingError::TimedOut)??;
        Ok(Echo { from, ttl, round_trip: sent_at.elapsed(), len })
    }

    /// Says it as a Linux host does: in its own name.
    fn unreached(&self, to: Ipv4Addr, error: ReachError) -> PingError {
        let source = self.shared.core.lock().iface.get_source_address_ipv4(&to);
        match (error, source) {
            (ReachError::Absent { .. }, Some(from)) => PingError::Unreachable { from, code: 1 },
            (ReachError::NoRoute | ReachError::Absent { .. }, _) => PingError::NoRoute,
        }
    }

    fn send(&self, to: Ipv4Addr, sequence: u16, ttl: u8, payload: &[u8]) -> Result<(), PingError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(PingError::TooLong { len: payload.len() });
        }
        let mut core = self.shared.core.lock();
        if core.dead.is_some() || core.next_hop(IpAddr::V4(to)).is_none() {
            return Err(PingError::NoRoute);
        }
        let source = core.iface.get_source_address_ipv4(&to).ok_or(PingError::NoRoute)?;
        let echo = Icmpv4Repr::EchoRequest { ident: self.ident, seq_no: sequence, data: payload };
        let ip = Ipv4Repr {
            src_addr: source,
            dst_addr: to,
            next_header: IpProtocol::Icmp,
            payload_len: echo.buffer_len(),
            hop_limit: ttl,
        };
        let checksums = ChecksumCapabilities::default();
        let mut packet = vec![0; ip.buffer_len() + echo.buffer_len()];
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet[..]), &checksums);
        let body = &mut packet[ip.buffer_len()..];
        echo.emit(&mut Icmpv4Packet::new_unchecked(body), &checksums);
        // A full queue is a request lost, as on any wire.
        let _ = core.sockets.get_mut::<raw::Socket<'_>>(self.handle).send_slice(&packet);
        Ok(())
    }

    fn poll_answer(
        &self,
        cx: &mut Context<'_>,
        to: Ipv4Addr,
        sequence: u16,
    ) -> Poll<Result<(Ipv4Addr, u8, usize), PingError>> {
        let mut core = self.shared.core.lock();
        let socket = core.sockets.get_mut::<raw::Socket<'_>>(self.handle);
        while let Ok(packet) = socket.recv() {
            if let Some(answer) = read(packet, self.ident, to, sequence) {
                return Poll::Ready(answer);
            }
        }
        socket.register_recv_waker(cx.waker());
        Poll::Pending
    }
}

/// Returns what an ICMP packet says about the request; `None` if it is about something else.
fn read(
    packet: &[u8],
    ident: u16,
    to: Ipv4Addr,
    sequence: u16,
) -> Option<Result<(Ipv4Addr, u8, usize), PingError>> {
    let ip = Ipv4Packet::new_checked(packet).ok()?;
    let (from, ttl, len) = (ip.src_addr(), ip.hop_limit(), ip.payload().len());
    let icmp = Icmpv4Packet::new_checked(ip.payload()).ok()?;
    if !icmp.verify_checksum() {
        return None;
    }
    let ours = |request: &Icmpv4Packet<&[u8]>| {
        request.echo_ident() == ident && request.echo_seq_no() == sequence
    };
    let kind = icmp.msg_type();
    if kind == Icmpv4Message::EchoReply {
        return (ours(&icmp) && from == to).then_some(Ok((from, ttl, len)));
    }
    if kind != Icmpv4Message::DstUnreachable && kind != Icmpv4Message::TimeExceeded {
        return None;
    }
    // The message quotes the head of the packet that it is about.
    let quote = icmp.data();
    let header = usize::from(*quote.first()? & 0xf) * 4;
    let request = quote.get(header.max(20)..)?.get(..8)?;
    if Ipv4Packet::new_unchecked(quote).dst_addr() != to
        || !ours(&Icmpv4Packet::new_unchecked(request))
    {
        return None;
    }
    Some(Err(if kind == Icmpv4Message::TimeExceeded {
        PingError::TimeExceeded { from }
    } else {
        PingError::Unreachable { from, code: icmp.msg_code() }
    }))
}

impl Drop for Pinger {
    fn drop(&mut self) {
        self.shared.core.lock().sockets.remove(self.handle);
    }
}

impl fmt::Debug for Pinger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pinger({:#06x})", self.ident)
    }
}
