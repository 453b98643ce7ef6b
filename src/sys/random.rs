//! Randomness of the operating system: seeds for the machines' generators, and keys.

use ring::rand::{SecureRandom, SystemRandom};

use crate::base::rng::Rng;
use crate::wire::callhome::SigningKey;

/// Returns 32 bytes that nobody can guess.
///
/// # Panics
/// If the operating system has no randomness to give; nothing can be done without it.
pub fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).expect("getrandom works on every system we run on");
    seed
}

/// Returns a generator that begins somewhere else each time.
pub fn rng() -> Rng {
    let [a, b, c, d, e, f, g, h, ..] = seed();
    Rng::from_seed(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// Returns a new private key.
pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&seed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_seeds_are_alike() {
        assert_ne!(seed(), seed());
        assert_ne!(rng().next_u64(), rng().next_u64());
        assert_ne!(signing_key().public_key(), signing_key().public_key());
    }
}
