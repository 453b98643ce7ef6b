//! The header that goes before each frame where the kernel segments and sums for us.
//!
//! # Source
//! Virtual I/O Device (VIRTIO) 1.2, section 5.1.6: `struct virtio_net_hdr` without its last field,
//! in the byte order of legacy devices on x86 and ARM.

use super::HEADER;

/// Bytes of the header.
pub const LEN: usize = 10;
/// The sum in the packet is that of the pseudo-header; the rest is still to be added.
const NEEDS_CSUM: u8 = 1;
/// The packet is to be cut into segments of TCP over IPv4.
const GSO_TCPV4: u8 = 1;
/// Where the sum stands in a TCP header.
const TCP_SUM: usize = 16;
const TCP: u8 = 6;
/// Shortest TCP header.
const TCP_LEN: usize = 20;

/// Returns the header for `frame`, and makes its TCP checksum the unfinished one that the header
/// promises; `segment` is the payload of each packet that the kernel is to make of it, 0 for one
/// packet as it is.
pub fn header(frame: &mut [u8], segment: u16) -> [u8; LEN] {
    let mut header = [0; LEN];
    let Some((start, pseudo, v4)) = tcp(frame) else { return header };
    let Some(offset) = frame.get(start + 12) else { return header };
    let end = start + usize::from(offset >> 4) * 4;
    let Some(sum) = frame.get_mut(start + TCP_SUM..start + TCP_SUM + 2) else { return header };
    sum.copy_from_slice(&pseudo.to_be_bytes());
    header[0] = NEEDS_CSUM;
    if segment > 0 && v4 {
        header[1] = GSO_TCPV4;
        header[2..4].copy_from_slice(&short(end));
        header[4..6].copy_from_slice(&segment.to_le_bytes());
    }
    header[6..8].copy_from_slice(&short(start));
    header[8..10].copy_from_slice(&short(TCP_SUM));
    header
}

/// Finds the TCP header of a frame that is no fragment: where it starts, the sum of its
/// pseudo-header, and whether it goes over IPv4.
fn tcp(frame: &[u8]) -> Option<(usize, u16, bool)> {
    let ip = frame.get(HEADER..)?;
    let (start, addresses, len, v4) = match frame.get(12..14)? {
        [0x08, 0x00] => {
            let header = usize::from(ip.first()? & 0xf) * 4;
            let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3fff != 0;
            if *ip.get(9)? != TCP || fragment {
                return None;
            }
            let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            (header, ip.get(12..20)?, total.checked_sub(header)?, true)
        }
        [0x86, 0xdd] => {
            if *ip.get(6)? != TCP {
                return None;
            }
            let len = usize::from(u16::from_be_bytes([*ip.get(4)?, *ip.get(5)?]));
            (40, ip.get(8..40)?, len, false)
        }
        _ => return None,
    };
    ip.get(start..start + TCP_LEN)?;
    let words =
        addresses.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let mut sum = words.sum::<u32>() + u32::from(TCP) + u32::try_from(len).ok()?;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    Some((HEADER + start, u16::try_from(sum).ok()?, v4))
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(0).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Vec<u8> {
        let mut frame = vec![0; 14 + 20 + 20 + 100];
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        frame[16..18].copy_from_slice(&140_u16.to_be_bytes());
        frame[23] = TCP;
        frame[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        frame[46] = 0x50;
        frame
    }

    #[test]
    fn a_segment_is_summed_and_cut_by_the_kernel() {
        let mut frame = segment();
        let header = header(&mut frame, 1460);
        assert_eq!(header, [1, 1, 54, 0, 0xb4, 0x05, 34, 0, 16, 0]);
        // 0a00 + 0001 + 0a00 + 0002, the protocol and 120 bytes.
        assert_eq!(frame[50..52], (0x1403_u16 + 6 + 120).to_be_bytes());
        assert_eq!(super::header(&mut segment(), 0)[1], 0, "one packet stays one");
    }

    #[test]
    fn what_is_no_tcp_is_left_alone_and_damage_is_harmless() {
        let whole = segment();
        for len in 0..whole.len() {
            let _ = header(&mut whole[..len].to_vec(), 1460);
        }
        for (at, byte) in [(23, 17), (20, 0x20), (21, 3), (12, 0x86)] {
            let mut frame = whole.clone();
            frame[at] = byte;
            let before = frame.clone();
            assert_eq!(header(&mut frame, 1460), [0; LEN], "byte {at}");
            assert_eq!(frame, before);
        }
        for first in 0..=255 {
            let mut frame = whole.clone();
            frame[14] = first;
            let _ = header(&mut frame, 1460);
        }
    }
}
