//! The 48 bytes of NTP version 4, and its way to write a time.
//!
//! # Source
//! RFC 5905, sections 6 and 7.3.

use std::time::Duration;

use thiserror::Error;

use crate::base::time::Utc;

/// Bytes of a packet without extension fields and without a key.
pub const LEN: usize = 48;
/// Version that this code writes; it reads 1 to 4.
pub const VERSION: u8 = 4;
/// Seconds from 1900-01-01 to 1970-01-01.
const EPOCH: i64 = 2_208_988_800;
/// Seconds after which the timestamp starts again.
const ERA: i64 = 1 << 32;

/// A time as NTP writes it: seconds since 1900 in 32 bits, and 32 bits of fraction.
///
/// It starts again in 2036, so it means a time only together with another one nearby.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Writes `time`. `filler` goes into the bits of the fraction that stand for less than a
    /// millisecond: random bits make an answer hard to guess.
    pub fn from_utc(time: Utc, filler: u32) -> Timestamp {
        let ms = time.unix_ms();
        let seconds = (ms.div_euclid(1000) + EPOCH).rem_euclid(ERA);
        // Rounded up, so that reading it gives the same millisecond.
        let fraction = (ms.rem_euclid(1000) * ERA + 999) / 1000 + i64::from(filler >> 11);
        let (seconds, fraction) = (seconds.unsigned_abs(), fraction.unsigned_abs());
        Timestamp((seconds << 32) | fraction.min(u64::from(u32::MAX)))
    }

    /// Reads the time of this timestamp that lies nearest to `near`, to the millisecond below.
    pub fn to_utc(self, near: Utc) -> Utc {
        let seconds = i64::try_from(self.0 >> 32).unwrap_or(0) - EPOCH;
        let eras = (near.unix_s() - seconds + ERA / 2).div_euclid(ERA);
        let ms = i64::try_from(((self.0 & 0xffff_ffff) * 1000) >> 32).unwrap_or(0);
        Utc::from_unix_ms((seconds + eras * ERA) * 1000 + ms)
    }
}

/// A length of time in 16 bits of seconds and 16 of fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Short(pub u32);

impl Short {
    /// Returns the duration.
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos((u64::from(self.0) * 1_000_000_000) >> 16)
    }
}

/// What is about to happen to the minute, or that the sender has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leap {
    None,
    Insert,
    Delete,
    /// The sender's clock is not synchronised.
    Unsynchronised,
}

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Client,
    Server,
    /// Any other: symmetric, broadcast, control.
    Other(u8),
}

/// One packet. Extension fields and a key's digest after it are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub leap: Leap,
    /// 1 to 4.
    pub version: u8,
    pub mode: Mode,
    /// 0 is a refusal, 1 has a clock of its own, 16 has no time.
    pub stratum: u8,
    /// Logarithm of the poll interval in seconds.
    pub poll: i8,
    /// Logarithm of the clock's precision in seconds.
    pub precision: i8,
    pub root_delay: Short,
    pub root_dispersion: Short,
    /// The source of the time, or the code of a refusal: `RATE`, `DENY`.
    pub reference_id: [u8; 4],
    pub reference: Timestamp,
    pub origin: Timestamp,
    pub receive: Timestamp,
    pub transmit: Timestamp,
}

/// Why bytes are not an NTP packet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PacketError {
    #[error("NTP packet of {len} bytes, expected at least {LEN}")]
    Length { len: usize },
    #[error("NTP version {version}, expected 1 to {VERSION}")]
    Version { version: u8 },
}

impl Packet {
    /// Makes a client's question that carries nothing but the time it is asked at.
    pub const fn question(transmit: Timestamp) -> Packet {
        Packet {
            leap: Leap::Unsynchronised,
            version: VERSION,
            mode: Mode::Client,
            stratum: 0,
            poll: 6,
            precision: -10,
            root_delay: Short(0),
            root_dispersion: Short(0),
            reference_id: [0; 4],
            reference: Timestamp(0),
            origin: Timestamp(0),
            receive: Timestamp(0),
            transmit,
        }
    }

    /// Reads the first [`LEN`] bytes.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn parse(bytes: &[u8]) -> Result<Packet, PacketError> {
        let short = PacketError::Length { len: bytes.len() };
        let head: &[u8; LEN] = bytes.first_chunk().ok_or(short)?;
        let version = head[0] >> 3 & 7;
        if version == 0 || version > VERSION {
            return Err(PacketError::Version { version });
        }
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let time = |at: usize| Timestamp(u64::from(word(at)) << 32 | u64::from(word(at + 4)));
        Ok(Packet {
            leap: match head[0] >> 6 {
                0 => Leap::None,
                1 => Leap::Insert,
                2 => Leap::Delete,
                _ => Leap::Unsynchronised,
            },
            version,
            mode: match head[0] & 7 {
                3 => Mode::Client,
                4 => Mode::Server,
                other => Mode::Other(other),
            },
            stratum: head[1],
            poll: i8::from_be_bytes([head[2]]),
            precision: i8::from_be_bytes([head[3]]),
            root_delay: Short(word(4)),
            root_dispersion: Short(word(8)),
            reference_id: [head[12], head[13], head[14], head[15]],
            reference: time(16),
            origin: time(24),
            receive: time(32),
            transmit: time(40),
        })
    }

    /// Writes the packet.
    pub fn to_bytes(self) -> [u8; LEN] {
        let leap = match self.leap {
            Leap::None => 0,
            Leap::Insert => 1,
            Leap::Delete => 2,
            Leap::Unsynchronised => 3,
        };
        let mode = match self.mode {
            Mode::Client => 3,
            Mode::Server => 4,
            Mode::Other(other) => other & 7,
        };
        let mut bytes = [0; LEN];
        bytes[0] = leap << 6 | (self.version & 7) << 3 | mode;
        bytes[1] = self.stratum;
        bytes[2] = self.poll.to_be_bytes()[0];
        bytes[3] = self.precision.to_be_bytes()[0];
        bytes[4..8].copy_from_slice(&self.root_delay.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.root_dispersion.0.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.reference_id);
        let times = [self.reference, self.origin, self.receive, self.transmit];
        for (slot, time) in bytes[16..].chunks_exact_mut(8).zip(times) {
            slot.copy_from_slice(&time.0.to_be_bytes());
        }
        bytes
    }
}

/// A key that a client and a server share.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    pub id: u32,
    secret: Vec<u8>,
}

impl std::fmt::Debug for Key {
    /// Writes everything but the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Bytes that a key's number and its SHA-1 digest add to a packet.
pub const MAC_LEN: usize = 24;

impl Key {
    /// Makes a key of what is typed: 40 hexadecimal digits are 20 bytes, anything else is the text
    /// itself.
    ///
    /// # Source
    /// ntp.keys(5): a key longer than 20 characters is hexadecimal.
    pub fn new(id: u32, text: &str) -> Key {
        let hex = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let pairs = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let secret = if hex { pairs.filter_map(byte).collect() } else { text.as_bytes().to_vec() };
        Key { id, secret }
    }

    /// Returns what proves that who wrote `packet` has the key.
    ///
    /// # Source
    /// RFC 5905, section 7.3: the digest is taken of the key and then of the packet.
    pub fn proof(&self, packet: &[u8; LEN]) -> [u8; MAC_LEN] {
        let mut whole = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
        whole.update(&self.secret);
        whole.update(packet);
        let mut proof = [0; MAC_LEN];
        proof[..4].copy_from_slice(&self.id.to_be_bytes());
        proof[4..].copy_from_slice(whole.finish().as_ref());
        proof
    }

    /// Tells whether a whole datagram is proved by this key.
    pub fn vouches(&self, datagram: &[u8]) -> bool {
        let (Some(packet), Some(proof)) = (datagram.first_chunk::<LEN>(), datagram.get(LEN..))
        else {
            return false;
        };
        proof == self.proof(packet)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_packet_reads_as_it_was_captured() {
        // RFC 5905's layout, written out by hand: a stratum 2 answer at 2020-08-07T06:58:46.5Z.
        let mut bytes = [0; LEN];
        bytes[..16]
            .copy_from_slice(&[0x24, 2, 6, 0xe9, 0, 0, 0x80, 0, 0, 1, 0, 0, 172, 18, 108, 1]);
        let seconds = u32::try_from(1_596_783_526 + EPOCH).unwrap();
        bytes[40..44].copy_from_slice(&seconds.to_be_bytes());
        bytes[44] = 0x80;
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.leap, packet.version, packet.mode), (Leap::None, 4, Mode::Server));
        assert_eq!((packet.stratum, packet.poll, packet.precision), (2, 6, -23));
        assert_eq!(packet.root_delay.to_duration(), Duration::from_millis(500));
        assert_eq!(packet.root_dispersion.to_duration(), Duration::from_secs(1));
        let near = Utc::from_unix_s(1_596_000_000);
        assert_eq!(packet.transmit.to_utc(near), Utc::from_unix_ms(1_596_783_526_500));
        assert_eq!(packet.to_bytes(), bytes);
    }

    /// The digest was made by `printf` and `sha1sum` of the key and the packet.
    #[test]
    fn a_key_proves_its_packet_and_no_other() {
        let key = Key::new(7, "secret");
        let packet = [0; LEN];
        let mut datagram = packet.to_vec();
        assert!(!key.vouches(&datagram), "nothing proves it");
        datagram.extend(key.proof(&packet));
        assert!(key.vouches(&datagram));
        assert_eq!(datagram[LEN..LEN + 4], [0, 0, 0, 7]);
        for at in [0, LEN - 1, LEN, LEN + 4, LEN + MAC_LEN - 1] {
            let mut bent = datagram.clone();
            bent[at] ^= 1;
            assert!(!key.vouches(&bent), "byte {at}");
        }
        assert!(!Key::new(7, "other").vouches(&datagram));
        let hex = Key::new(1, "7365637265740000000000000000000000000000");
        assert_eq!(hex.secret.len(), 20);
        assert_eq!(hex.secret[..6], *b"secret");
    }

    #[test]
    fn short_packets_and_other_versions_are_refused() {
        let good = Packet::question(Timestamp(1)).to_bytes();
        assert_eq!(Packet::parse(&good[..47]), Err(PacketError::Length { len: 47 }));
        for version in [0, 5, 7] {
            let mut bad = good;
            bad[0] = version << 3 | 3;
            assert_eq!(Packet::parse(&bad), Err(PacketError::Version { version }));
        }
    }

    #[test]
    fn times_on_both_sides_of_2036_are_read_by_what_is_near() {
        for iso in ["1970-01-01", "2020-08-07", "2036-02-07T06:28:16", "2050-01-01", "2199-12-31"] {
            let time = Utc::parse_iso(iso).unwrap();
            let stamp = Timestamp::from_utc(time, u32::MAX);
            for years in [-60, 0, 60] {
                let near = time.shifted_ms(years * 365 * 86_400_000);
                assert_eq!(stamp.to_utc(near), time, "{iso} near {years} years");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert_eq!(&packet.to_bytes()[..], &bytes[..LEN]);
            }
        }

        #[test]
        fn a_millisecond_survives(ms in 0_i64..7_258_118_399_000, filler: u32) {
            let time = Utc::from_unix_ms(ms);
            prop_assert_eq!(Timestamp::from_utc(time, filler).to_utc(time), time);
        }
    }
}
