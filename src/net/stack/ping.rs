//! ICMP echo over a [`Stack`].

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use smoltcp::iface::SocketHandle;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::raw;
use smoltcp::wire::{
    Icmpv4Message, Icmpv4Packet, Icmpv4Repr, Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpProtocol,
    IpVersion, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
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
    pub from: IpAddr,
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
    Unreachable { from: IpAddr, code: u8 },
    #[error("{from} says: time to live exceeded")]
    TimeExceeded { from: IpAddr },
    #[error("payload of {len} bytes, expected at most {PAYLOAD_MAX}")]
    TooLong { len: usize },
}

/// Sends echo requests under one identifier.
pub struct Pinger {
    shared: Arc<Shared>,
    v4: SocketHandle,
    v6: SocketHandle,
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
            |version, protocol| raw::Socket::new(Some(version), Some(protocol), buffer(), buffer());
        let mut core = self.0.core.lock();
        let v4 = core.sockets.add(socket(IpVersion::Ipv4, IpProtocol::Icmp));
        let v6 = core.sockets.add(socket(IpVersion::Ipv6, IpProtocol::Icmpv6));
        drop(core);
        Pinger { shared: Arc::clone(&self.0), v4, v6, ident: u16::from_le_bytes(random()) }
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
        to: impl Into<IpAddr>,
        sequence: u16,
        ttl: u8,
        payload: &[u8],
        wait: Duration,
    ) -> Result<Echo, PingError> {
        let to = to.into();
        let sent_at = tokio::time::Instant::now();
        let stack = Stack(Arc::clone(&self.shared));
        let answer = async {
            stack.reach(to).await.map_err(|error| self.unreached(to, error))?;
            self.send(to, sequence, ttl.max(1), payload)?;
            self.shared.kick.notify_one();
            poll_fn(|cx| self.poll_answer(cx, to, sequence)).await
        };
        let (from, ttl, len) =
            tokio::time::timeout(wait, answer).await.map_err(|_| PingError::TimedOut)??;
        Ok(Echo { from, ttl, round_trip: sent_at.elapsed(), len })
    }

    /// Says it as a Linux host does: in its own name.
    fn unreached(&self, to: IpAddr, error: ReachError) -> PingError {
        let source = self.shared.core.lock().iface.get_source_address(&to.into());
        match (error, source) {
            (ReachError::Absent { .. }, Some(from)) => {
                PingError::Unreachable { from: from.into(), code: 1 }
            }
            (ReachError::NoRoute | ReachError::Absent { .. }, _) => PingError::NoRoute,
        }
    }

    fn send(&self, to: IpAddr, sequence: u16, ttl: u8, payload: &[u8]) -> Result<(), PingError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(PingError::TooLong { len: payload.len() });
        }
        let mut core = self.shared.core.lock();
        if core.dead.is_some() || core.next_hop(to).is_none() {
            return Err(PingError::NoRoute);
        }
        let source = core.iface.get_source_address(&to.into()).ok_or(PingError::NoRoute)?;
        let checksums = ChecksumCapabilities::default();
        let (ident, seq_no, data) = (self.ident, sequence, payload);
        let (handle, packet) = match (source.into(), to) {
            (IpAddr::V4(source), IpAddr::V4(to)) => {
                let echo = Icmpv4Repr::EchoRequest { ident, seq_no, data };
                let ip = Ipv4Repr {
                    src_addr: source,
                    dst_addr: to,
                    next_header: IpProtocol::Icmp,
                    payload_len: echo.buffer_len(),
                    hop_limit: ttl,
                };
                let mut packet = vec![0; ip.buffer_len() + echo.buffer_len()];
                ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet[..]), &checksums);
                let body = &mut packet[ip.buffer_len()..];
                echo.emit(&mut Icmpv4Packet::new_unchecked(body), &checksums);
                (self.v4, packet)
            }
            (IpAddr::V6(source), IpAddr::V6(to)) => {
                let echo = Icmpv6Repr::EchoRequest { ident, seq_no, data };
                let ip = Ipv6Repr {
                    src_addr: source,
                    dst_addr: to,
                    next_header: IpProtocol::Icmpv6,
                    payload_len: echo.buffer_len(),
                    hop_limit: ttl,
                };
                let mut packet = vec![0; ip.buffer_len() + echo.buffer_len()];
                ip.emit(&mut Ipv6Packet::new_unchecked(&mut packet[..]));
                let body = &mut packet[ip.buffer_len()..];
                echo.emit(&source, &to, &mut Icmpv6Packet::new_unchecked(body), &checksums);
                (self.v6, packet)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                return Err(PingError::NoRoute);
            }
        };
        // A full queue is a request lost, as on any wire.
        let _ = core.sockets.get_mut::<raw::Socket<'_>>(handle).send_slice(&packet);
        Ok(())
    }

    fn poll_answer(
        &self,
        cx: &mut Context<'_>,
        to: IpAddr,
        sequence: u16,
    ) -> Poll<Result<(IpAddr, u8, usize), PingError>> {
        let mut core = self.shared.core.lock();
        let handle = if to.is_ipv4() { self.v4 } else { self.v6 };
        let socket = core.sockets.get_mut::<raw::Socket<'_>>(handle);
        while let Ok(packet) = socket.recv() {
            let answer = match to {
                IpAddr::V4(_) => read(packet, self.ident, to, sequence),
                IpAddr::V6(_) => read6(packet, self.ident, to, sequence),
            };
            if let Some(answer) = answer {
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
    to: IpAddr,
    sequence: u16,
) -> Option<Result<(IpAddr, u8, usize), PingError>> {
    let ip = Ipv4Packet::new_checked(packet).ok()?;
    let (from, ttl, len) = (IpAddr::V4(ip.src_addr()), ip.hop_limit(), ip.payload().len());
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
    if IpAddr::V4(Ipv4Packet::new_unchecked(quote).dst_addr()) != to
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

/// As [`read`], of IPv6.
fn read6(
    packet: &[u8],
    ident: u16,
    to: IpAddr,
    sequence: u16,
) -> Option<Result<(IpAddr, u8, usize), PingError>> {
    let ip = Ipv6Packet::new_checked(packet).ok()?;
    let (from, ttl, len) = (IpAddr::V6(ip.src_addr()), ip.hop_limit(), ip.payload().len());
    let icmp = Icmpv6Packet::new_checked(ip.payload()).ok()?;
    if !icmp.verify_checksum(&ip.src_addr(), &ip.dst_addr()) {
        return None;
    }
    let ours = |request: &Icmpv6Packet<&[u8]>| {
        request.echo_ident() == ident && request.echo_seq_no() == sequence
    };
    let kind = icmp.msg_type();
    if kind == Icmpv6Message::EchoReply {
        return (ours(&icmp) && from == to).then_some(Ok((from, ttl, len)));
    }
    if kind != Icmpv6Message::DstUnreachable && kind != Icmpv6Message::TimeExceeded {
        return None;
    }
    // The message quotes the head of the packet that it is about; ours has no extension headers.
    let quote = icmp.payload();
    let request = quote.get(40..48)?;
    let about = IpAddr::V6(Ipv6Packet::new_unchecked(quote).dst_addr());
    if about != to || !ours(&Icmpv6Packet::new_unchecked(request)) {
        return None;
    }
    Some(Err(if kind == Icmpv6Message::TimeExceeded {
        PingError::TimeExceeded { from }
    } else {
        PingError::Unreachable { from, code: code_of_v4(icmp.msg_code()) }
    }))
}

/// Returns the code by which IPv4 says what a code of IPv6 does.
///
/// # Source
/// RFC 4443, section 3.1; RFC 792.
const fn code_of_v4(code: u8) -> u8 {
    match code {
        0 => 0,
        1 => 13,
        3 => 1,
        4 => 3,
        _ => 2,
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        let mut core = self.shared.core.lock();
        core.sockets.remove(self.v4);
        core.sockets.remove(self.v6);
    }
}

impl fmt::Debug for Pinger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pinger({:#06x})", self.ident)
    }
}
