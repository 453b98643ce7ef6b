//! Frames of every kind, put together by hand or by seed.

use vfxos::base::rng::Rng;

pub const ALICE: [u8; 6] = [0x02, 0, 0x5e, 0x10, 0, 1];
pub const BOB: [u8; 6] = [0x02, 0, 0x5e, 0x10, 0, 2];

/// Draws below `n`.
pub fn below(rng: &mut Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64() % n as u64).unwrap()
}

pub fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[below(rng, from.len())].clone()
}

pub fn noise(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| rng.next_u64().to_le_bytes()[0]).collect()
}

fn word(value: usize) -> [u8; 2] {
    u16::try_from(value & 0xffff).unwrap().to_be_bytes()
}

pub fn ether(dst: [u8; 6], src: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&dst[..], &src, &kind.to_be_bytes(), payload].concat()
}

/// The inside of a VLAN tag.
pub fn tagged(vlan: u16, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&vlan.to_be_bytes()[..], &kind.to_be_bytes(), payload].concat()
}

pub fn sum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let mut sum = words.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

/// An IPv4 header's variable parts.
#[derive(Clone, Debug)]
pub struct Ip4 {
    pub src: [u8; 4],
    pub dst: [u8; 4],
    pub proto: u8,
    pub id: u16,
    /// Flags and offset as they stand in the packet.
    pub fragment: u16,
    pub ttl: u8,
    /// A multiple of four bytes.
    pub options: Vec<u8>,
}

impl Ip4 {
    pub fn new(src: [u8; 4], dst: [u8; 4], proto: u8) -> Ip4 {
        Ip4 { src, dst, proto, id: 0x1234, fragment: 0x4000, ttl: 64, options: Vec::new() }
    }

    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let words = u8::try_from(5 + self.options.len() / 4).unwrap();
        let len = word(20 + self.options.len() + payload.len());
        let [id_a, id_b] = self.id.to_be_bytes();
        let [fr_a, fr_b] = self.fragment.to_be_bytes();
        let mut head = vec![0x40 | words, 0, len[0], len[1], id_a, id_b, fr_a, fr_b];
        head.extend([self.ttl, self.proto, 0, 0]);
        head.extend(self.src);
        head.extend(self.dst);
        head.extend(&self.options);
        let check = sum(&[&head]).to_be_bytes();
        head[10..12].copy_from_slice(&check);
        head.extend(payload);
        head
    }
}

pub fn ip6(src: [u8; 16], dst: [u8; 16], next: u8, hops: u8, payload: &[u8]) -> Vec<u8> {
    let len = word(payload.len());
    let head = [0x60, 0, 0, 0, len[0], len[1], next, hops];
    [&head[..], &src, &dst, payload].concat()
}

pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = word(8 + payload.len());
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &len, &[0, 0], payload].concat()
}

/// A TCP header's variable parts.
#[derive(Clone, Debug)]
pub struct Tcp {
    pub src: u16,
    pub dst: u16,
    pub seq: u32,
    pub ack: u32,
    pub flags: u16,
    pub window: u16,
    /// A multiple of four bytes.
    pub options: Vec<u8>,
}

impl Tcp {
    pub fn segment(&self, payload: &[u8]) -> Vec<u8> {
        let words = u16::try_from(5 + self.options.len() / 4).unwrap();
        let mut head = Vec::new();
        head.extend(self.src.to_be_bytes());
        head.extend(self.dst.to_be_bytes());
        head.extend(self.seq.to_be_bytes());
        head.extend(self.ack.to_be_bytes());
        head.extend((words << 12 | self.flags).to_be_bytes());
        head.extend(self.window.to_be_bytes());
        head.extend([0, 0, 0, 0]);
        head.extend(&self.options);
        head.extend(payload);
        head
    }
}

/// An ARP packet for IPv4 over Ethernet.
pub fn arp(op: u16, who: [u8; 6], from: [u8; 4], whom: [u8; 6], about: [u8; 4]) -> Vec<u8> {
    [&[0, 1, 8, 0, 6, 4][..], &op.to_be_bytes(), &who, &from, &whom, &about].concat()
}

const HOSTS: [[u8; 4]; 5] = [
    [10, 62, 148, 225],
    [10, 62, 148, 1],
    [172, 31, 200, 100],
    [173, 37, 145, 8],
    [224, 0, 0, 251],
];
const PORTS: [u16; 10] = [22, 53, 67, 80, 123, 443, 514, 8080, 40_000, 65_535];

fn host6(rng: &mut Rng) -> [u8; 16] {
    pick(
        rng,
        &[
            [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xff, 0xfe, 0x10, 0, 1],
            [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb],
        ],
    )
}

/// What an IP packet carries, with its protocol's number.
fn carried(rng: &mut Rng) -> (u8, Vec<u8>) {
    let (src, dst) = (pick(rng, &PORTS), pick(rng, &PORTS));
    let len = pick(rng, &[0, 1, 7, 40, 300]);
    let data = noise(rng, len);
    match below(rng, 12) {
        0..=3 => {
            let flags = pick(rng, &[0x002, 0x012, 0x010, 0x018, 0x011, 0x004, 0x0c2, 0x1ff, 0]);
            let count = pick(rng, &[0, 0, 4, 12, 40]);
            let (seq, ack) = (rng.next_u64() as u32, rng.next_u64() as u32);
            let (window, options) = (rng.next_u64() as u16, noise(rng, count));
            (6, Tcp { src, dst, seq, ack, flags, window, options }.segment(&data))
        }
        4..=6 => (17, udp(src, dst, &data)),
        7 => (1, [vec![pick(rng, &[0, 3, 5, 8, 11, 13]), 1, 0, 0, 0, 1, 0, 2], data].concat()),
        8 => (58, [vec![pick(rng, &[1, 2, 128, 129, 135, 136]), 0, 0, 0], data].concat()),
        9 => (132, [&src.to_be_bytes()[..], &dst.to_be_bytes(), &[0; 8], &data].concat()),
        10 => (2, vec![0x16, 0, 0, 0, 224, 0, 0, 251]),
        _ => (pick(rng, &[9, 41, 47, 50, 51, 89, 103, 112, 255]), data),
    }
}

fn packet(rng: &mut Rng) -> (u16, Vec<u8>) {
    match below(rng, 20) {
        0..=9 => {
            let (proto, payload) = carried(rng);
            let mut ip = Ip4::new(pick(rng, &HOSTS), pick(rng, &HOSTS), proto);
            ip.fragment = pick(rng, &[0x4000, 0x4000, 0, 0x2000, 0x00b9, 0x20b9, 0x1fff]);
            ip.ttl = rng.next_u64() as u8;
            let options = pick(rng, &[0, 0, 0, 4, 40]);
            ip.options = noise(rng, options);
            let mut packet = ip.packet(&payload);
            if rng.one_in(20) {
                // A header length that can't be, or a version that is not.
                packet[0] = rng.next_u64() as u8;
            }
            (0x0800, packet)
        }
        10..=14 => {
            let (proto, payload) = carried(rng);
            let (src, dst) = (host6(rng), host6(rng));
            match below(rng, 4) {
                0 => {
                    let more = pick(rng, &[0, 1, 8, 9]);
                    let fragment = [vec![proto, 0, 0, more, 0, 0, 0, 7], payload].concat();
                    (0x86dd, ip6(src, dst, 44, 64, &fragment))
                }
                1 => {
                    let hops = [vec![proto, 0, 5, 2, 0, 0, 1, 0], payload].concat();
                    (0x86dd, ip6(src, dst, 0, 1, &hops))
                }
                _ => (0x86dd, ip6(src, dst, proto, 64, &payload)),
            }
        }
        15 | 16 => {
            let (from, about) = (pick(rng, &HOSTS), pick(rng, &HOSTS));
            let kind = pick(rng, &[0x0806, 0x0806, 0x8035]);
            (kind, arp(pick(rng, &[1, 2, 3, 4]), ALICE, from, BOB, about))
        }
        17 => {
            // 802.3 with an 802.2 header: the type is a length.
            let llc = pick(
                rng,
                &[
                    vec![0x42, 0x42, 3, 0, 0],
                    vec![0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0x37],
                    vec![0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b],
                    vec![0xaa, 0xaa, 3, 0, 0, 0, 0x80, 0xf3],
                    vec![0xff, 0xff, 0, 30],
                    vec![0xe0, 0xe0, 3],
                    vec![0xfe, 0xfe, 3, 0x83],
                    vec![0xf0, 0xf0, 3],
                    vec![6, 6, 3, 0x45],
                ],
            );
            let len = pick(rng, &[1, 50]);
            let payload = [llc, noise(rng, len)].concat();
            (u16::try_from(payload.len()).unwrap(), payload)
        }
        18 => {
            let kinds = [0x8863, 0x8864, 0x8847, 0x88cc, 0x6003, 0x809b, 0x80f3, 0x8137, 0x05dc];
            let len = pick(rng, &[0, 4, 46]);
            (pick(rng, &kinds), noise(rng, len))
        }
        _ => (rng.next_u64() as u16, noise(rng, 30)),
    }
}

/// A frame of any kind; one in six is tagged, some twice.
pub fn any(rng: &mut Rng) -> Vec<u8> {
    let (mut kind, mut payload) = packet(rng);
    let tags = pick(rng, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    for _ in 0..tags {
        let vlan = pick(rng, &[0x0001, 0x2064, 0x6fff, 0x0000]);
        payload = tagged(vlan, kind, &payload);
        kind = pick(rng, &[0x8100, 0x8100, 0x88a8, 0x9100]);
    }
    let group = [0x01, 0, 0x5e, 0, 0, 0xfb];
    let dst = pick(rng, &[BOB, BOB, ALICE, [0xff; 6], group]);
    ether(dst, pick(rng, &[ALICE, ALICE, BOB]), kind, &payload)
}
