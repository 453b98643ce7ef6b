//! The packets that a router writes itself: ICMP, and resets in another's name.
//!
//! # Source
//! RFC 792; RFC 1122 3.2.2 and RFC 1812 4.3.2 for when not to speak; RFC 9293 3.5.2 for resets.

use std::net::Ipv4Addr;

use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

use super::fault::{Heads, Protocol};

/// Time to live of what the router writes.
pub(super) const TTL: u8 = 64;
/// Bytes of an IPv4 header without options.
const IP_LEN: usize = 20;

/// A problem that the router tells the sender of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    NetUnreachable,
    HostUnreachable,
    PortUnreachable,
    TooBig,
    TimeExceeded,
}

impl Problem {
    const fn kind_and_code(self) -> (u8, u8) {
        match self {
            Problem::NetUnreachable => (3, 0),
            Problem::HostUnreachable => (3, 1),
            Problem::PortUnreachable => (3, 3),
            Problem::TooBig => (3, 4),
            Problem::TimeExceeded => (11, 0),
        }
    }
}

/// Returns what faults look at.
pub(super) fn heads(packet: &Ipv4Packet<&[u8]>) -> Heads {
    let payload = packet.payload();
    let first = packet.frag_offset() == 0;
    let next = packet.next_header();
    let (protocol, port) = if next == IpProtocol::Tcp {
        let tcp = TcpPacket::new_checked(payload).ok().filter(|_| first);
        (Some(Protocol::Tcp), tcp.map(|tcp| tcp.dst_port()))
    } else if next == IpProtocol::Udp {
        let udp = UdpPacket::new_checked(payload).ok().filter(|_| first);
        (Some(Protocol::Udp), udp.map(|udp| udp.dst_port()))
    } else {
        ((next == IpProtocol::Icmp).then_some(Protocol::Icmp), None)
    };
    Heads { from: packet.src_addr(), to: packet.dst_addr(), protocol, port }
}

/// Writes what `from` says about a packet; `None` where nothing may be said.
pub(super) fn complaint(
    about: &Ipv4Packet<&[u8]>,
    from: Ipv4Addr,
    problem: Problem,
) -> Option<Vec<u8>> {
    let to = about.src_addr();
    let icmp_error = about.next_header() == IpProtocol::Icmp
        && about.payload().first().is_none_or(|kind| ![0, 8].contains(kind));
    let nobody = to.is_unspecified() || to.is_multicast() || to.is_broadcast();
    if icmp_error || nobody || about.frag_offset() != 0 || about.dst_addr().is_multicast() {
        return None;
    }
    let whole: &[u8] = about.as_ref();
    let quoted = usize::from(about.header_len()) + 8;
    let (kind, code) = problem.kind_and_code();
    let mut icmp = vec![kind, code, 0, 0, 0, 0, 0, 0];
    icmp.extend_from_slice(whole.get(..quoted.min(usize::from(about.total_len())))?);
    let sum = checksum(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    Some(ip(from, to, 1, &icmp))
}

/// Writes the answer to an echo request that came to the router itself.
pub(super) fn echo_reply(request: &Ipv4Packet<&[u8]>) -> Option<Vec<u8>> {
    let payload = request.payload();
    if request.next_header() != IpProtocol::Icmp
        || payload.len() < 8
        || payload.first() != Some(&8)
        || checksum(&[payload]) != 0
    {
        return None;
    }
    let mut icmp = payload.to_vec();
    icmp[0] = 0;
    icmp[2..4].fill(0);
    let sum = checksum(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    Some(ip(request.dst_addr(), request.src_addr(), 1, &icmp))
}

/// Writes what the destination would say if nothing listened there.
pub(super) fn refusal(packet: &Ipv4Packet<&[u8]>) -> Option<Vec<u8>> {
    if packet.next_header() == IpProtocol::Tcp {
        reset(packet)
    } else if packet.next_header() == IpProtocol::Udp {
        complaint(packet, packet.dst_addr(), Problem::PortUnreachable)
    } else {
        None
    }
}

fn reset(packet: &Ipv4Packet<&[u8]>) -> Option<Vec<u8>> {
    let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
    if tcp.rst() || packet.frag_offset() != 0 {
        return None;
    }
    let mut answer = [0; 20];
    answer[..2].copy_from_slice(&tcp.dst_port().to_be_bytes());
    answer[2..4].copy_from_slice(&tcp.src_port().to_be_bytes());
    answer[12] = 5 << 4;
    let mut rst = 0x04;
    if tcp.ack() {
        answer[4..8].copy_from_slice(&tcp.ack_number().0.to_be_bytes());
    } else {
        rst |= 0x10;
        let next = tcp.seq_number() + tcp.segment_len();
        answer[8..12].copy_from_slice(&next.0.to_be_bytes());
    }
    answer[13] = rst;
    let (from, to) = (packet.dst_addr(), packet.src_addr());
    let sum = checksum(&[&from.octets(), &to.octets(), &[0, 6, 0, 20], &answer]);
    answer[16..18].copy_from_slice(&sum.to_be_bytes());
    Some(ip(from, to, 6, &answer))
}

fn ip(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; IP_LEN];
    packet[0] = 0x45;
    let len = u16::try_from(IP_LEN + payload.len()).unwrap_or(u16::MAX);
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[8] = TTL;
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&from.octets());
    packet[16..20].copy_from_slice(&to.octets());
    let sum = checksum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// The Internet checksum over parts of even length, the last one of any.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}
