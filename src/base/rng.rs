//! The only randomness of the machines: seeded, owned by whoever needs it.

use std::time::Duration;

/// A small seeded generator (SplitMix64). Not for keys.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Makes a generator; equal seeds give equal sequences.
    pub const fn from_seed(seed: u64) -> Rng {
        Rng(seed)
    }

    /// Returns the next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a whole number of seconds below `max`.
    pub fn below(&mut self, max: Duration) -> Duration {
        Duration::from_secs(self.next_u64() % max.as_secs().max(1))
    }

    /// Returns true once in `n` draws on average; never for 0.
    pub fn one_in(&mut self, n: u64) -> bool {
        n != 0 && self.next_u64().is_multiple_of(n)
    }

    /// Returns a version 4 shaped UUID in lower-case hexadecimal.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.next_u64(), self.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0x3fff | 0x8000,
            b & 0xffff_ffff_ffff
        )
    }
}
