//! The few frames that the stack reads or makes by itself, beside smoltcp.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::net::link::Mac;

/// Bytes of an ARP frame.
pub const ARP_LEN: usize = 42;

/// Makes an ARP request for `target`; with `sender == target` it is gratuitous.
///
/// # Source
/// RFC 826; RFC 5227 section 3 for the announcement.
pub fn arp_request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> [u8; ARP_LEN] {
    arp(1, mac, sender, Mac::BROADCAST, Mac([0; 6]), target)
}

/// Makes the answer of `sender` at `mac` to the station that asked.
///
/// # Source
/// RFC 826.
pub fn arp_reply(mac: Mac, sender: Ipv4Addr, to: Mac, target: Ipv4Addr) -> [u8; ARP_LEN] {
    arp(2, mac, sender, to, to, target)
}

fn arp(op: u8, mac: Mac, sender: Ipv4Addr, to: Mac, tha: Mac, target: Ipv4Addr) -> [u8; ARP_LEN] {
    let mut frame = [0; ARP_LEN];
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&mac.0);
    frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, op]);
    frame[22..28].copy_from_slice(&mac.0);
    frame[28..32].copy_from_slice(&sender.octets());
    frame[32..38].copy_from_slice(&tha.0);
    frame[38..42].copy_from_slice(&target.octets());
    frame
}

/// Returns source and destination if `frame` opens a TCP connection: SYN without ACK.
pub fn syn(frame: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (protocol, source, destination, tcp): (u8, IpAddr, IpAddr, &[u8]) =
        match frame.get(12..14)? {
            [0x08, 0x00] => {
                let header = usize::from(frame.get(14)? & 0xf) * 4;
                let first_fragment = frame.get(20)? & 0x1f == 0 && *frame.get(21)? == 0;
                if !first_fragment {
                    return None;
                }
                let source: [u8; 4] = frame.get(26..30)?.try_into().ok()?;
                let destination: [u8; 4] = frame.get(30..34)?.try_into().ok()?;
                let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
                (*frame.get(23)?, source.into(), destination.into(), frame.get(14 + header..)?)
            }
            [0x86, 0xdd] => {
                let source: [u8; 16] = frame.get(22..38)?.try_into().ok()?;
                let destination: [u8; 16] = frame.get(38..54)?.try_into().ok()?;
                let (source, destination) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
                (*frame.get(20)?, source.into(), destination.into(), frame.get(54..)?)
            }
            _ => return None,
        };
    let [s0, s1, d0, d1, ..] = *tcp else { return None };
    let opens = tcp.get(13)? & 0x12 == 0x02;
    (protocol == 6 && opens).then_some((
        SocketAddr::new(source, u16::from_be_bytes([s0, s1])),
        SocketAddr::new(destination, u16::from_be_bytes([d0, d1])),
    ))
}

/// Returns who says where it is, if `frame` is a neighbour advertisement.
///
/// # Source
/// RFC 4861, section 4.4; the target's link-layer address is option 2.
pub fn neighbour_advert(frame: &[u8]) -> Option<(Ipv6Addr, Mac)> {
    /// ICMPv6 as next header, and the type of the message.
    const KIND: (u8, u8) = (58, 136);
    let head = (*frame.get(20)?, *frame.get(54)?);
    if frame.get(12..14)? != [0x86, 0xdd] || head != KIND || *frame.get(21)? != 255 {
        return None;
    }
    let target: [u8; 16] = frame.get(62..78)?.try_into().ok()?;
    let option = frame.get(78..86)?;
    let mac: [u8; 6] = option.get(2..)?.try_into().ok()?;
    (option.first_chunk() == Some(&[2, 1])).then(|| (target.into(), Mac(mac)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp_frame(flags: u8) -> Vec<u8> {
        let mut frame = vec![0; 54];
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        frame[23] = 6;
        frame[26..30].copy_from_slice(&[10, 0, 0, 1]);
        frame[30..34].copy_from_slice(&[10, 0, 0, 2]);
        frame[34..38].copy_from_slice(&[0xc0, 0, 1, 187]);
        frame[47] = flags;
        frame
    }

    #[test]
    fn only_a_syn_without_ack_opens() {
        let from = "10.0.0.1:49152".parse().unwrap();
        let to = "10.0.0.2:443".parse().unwrap();
        assert_eq!(syn(&tcp_frame(0x02)), Some((from, to)));
        assert_eq!(syn(&tcp_frame(0xc2)), Some((from, to)), "with ECN");
        for flags in [0x12, 0x10, 0x04, 0x00] {
            assert_eq!(syn(&tcp_frame(flags)), None);
        }
    }

    #[test]
    fn an_advertisement_says_who_is_where() {
        let mut frame = vec![0; 86];
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        (frame[20], frame[21], frame[54]) = (58, 255, 136);
        frame[77] = 9;
        frame[78..86].copy_from_slice(&[2, 1, 2, 0, 0, 0, 0, 7]);
        let said = (Ipv6Addr::from(9), Mac([2, 0, 0, 0, 0, 7]));
        assert_eq!(neighbour_advert(&frame), Some(said));
        for len in 0..frame.len() {
            assert_eq!(neighbour_advert(&frame[..len]), None);
        }
        frame[21] = 64;
        assert_eq!(neighbour_advert(&frame), None, "it came through a router");
    }

    #[test]
    fn every_cut_and_every_header_length_is_harmless() {
        let whole = tcp_frame(0x02);
        for len in 0..whole.len() {
            let _ = syn(&whole[..len]);
        }
        for first in 0..=255 {
            let mut frame = whole.clone();
            frame[14] = first;
            let _ = syn(&frame);
        }
        let mut fragment = whole;
        fragment[21] = 8;
        assert_eq!(syn(&fragment), None);
    }
}
