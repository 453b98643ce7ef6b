//! Passwords as flash keeps them: argon2id in the usual text form,
//! `$argon2id$v=19$m=4096,t=3,p=1$SALT$HASH`.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::base::rng::Rng;

/// Memory of one hash, in KiB.
///
/// 4 MiB is less than the usual advice of 19 MiB: a whole supervisor is to live in 13 MiB, and it
/// makes up for it with a pass more. What an attacker could guess against is a file that only the
/// owner of the machine can read.
const MEMORY_KIB: u32 = 4096;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Most memory and passes that a stored text may ask for.
const MEMORY_MAX_KIB: u32 = 64 * 1024;
const PASSES_MAX: u32 = 16;
/// Length of salt and hash, in bytes.
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// A text that no password matches and that costs as much to try as a real one, so that a wrong
/// name takes as long to refuse as a wrong password.
pub const DECOY: &str = "$argon2id$v=19$m=4096,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password. It takes milliseconds of work.
pub fn hash(password: &str, rng: &mut Rng) -> String {
    let [a, b] = [rng.next_u64(), rng.next_u64()].map(u64::to_le_bytes);
    let salt = [a, b].concat();
    let cost = Cost { memory_kib: MEMORY_KIB, passes: PASSES };
    let hash = cost.run(password, &salt).unwrap_or_default();
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}", text(&salt), text(&hash))
}

/// Tells whether a password is the one that was hashed; false for a text of another form. It takes
/// milliseconds of work, the same for every password.
pub fn verify(password: &str, stored: &str) -> bool {
    let Some((cost, salt, hash)) = parse(stored) else { return false };
    let Some(tried) = cost.run(password, &salt) else { return false };
    // Every byte is looked at, so that the time tells nothing about where they differ.
    tried.iter().zip(&hash).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    fn run(&self, password: &str, salt: &[u8]) -> Option<Vec<u8>> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(HASH_LEN)).ok()?;
        let mut out = vec![0; HASH_LEN];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(password.as_bytes(), salt, &mut out).ok()?;
        Some(out)
    }
}

fn parse(stored: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = stored.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let mut costs = costs.split(',');
    let memory_kib = costs.next()?.strip_prefix("m=")?.parse().ok()?;
    let passes = costs.next()?.strip_prefix("t=")?.parse().ok()?;
    let fine = memory_kib <= MEMORY_MAX_KIB
        && passes <= PASSES_MAX
        && costs.next() == Some("p=1")
        && costs.next().is_none()
        && parts.next().is_none();
    let (salt, hash) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
    (fine && salt.len() == SALT_LEN && hash.len() == HASH_LEN).then_some((
        Cost { memory_kib, passes },
        salt,
        hash,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_that_was_hashed_matches() {
        let stored = hash("Admin123", &mut Rng::from_seed(1));
        assert!(verify("Admin123", &stored));
        for wrong in ["admin123", "Admin123 ", "", "Admin1234"] {
            assert!(!verify(wrong, &stored), "{wrong:?}");
        }
    }

    #[test]
    fn equal_passwords_have_different_texts() {
        let mut rng = Rng::from_seed(1);
        assert_ne!(hash("Admin123", &mut rng), hash("Admin123", &mut rng));
    }

    #[test]
    fn the_decoy_is_well_formed_and_matches_nothing() {
        assert!(parse(DECOY).is_some());
        assert!(!verify("", DECOY));
    }

    #[test]
    fn another_form_matches_nothing() {
        let stored = hash("x", &mut Rng::from_seed(1));
        for bad in [
            "",
            "x",
            "$1$abc$def",
            "$argon2id$v=19$",
            &stored.replace("m=4096", "m=4000000000"),
            &stored.replace("t=3", "t=4000000000"),
            &stored.replace("p=1", "p=2"),
            &format!("{stored}$"),
        ] {
            assert!(!verify("x", bad), "{bad}");
        }
    }
}
