//! Comparing a password with its hash without holding anybody up.
//!
//! A comparison costs milliseconds and megabytes, so it is done on a thread of its own, one at a
//! time. A password that was right is remembered as a keyed digest until the process ends, so that
//! automation which logs in all day pays once; who could read it could read the host keys as well.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use ring::hmac;
use tokio::sync::Semaphore;

use crate::proto::accounts::hash;
use crate::sys::random;

/// Comparisons at once.
const AT_ONCE: usize = 1;
/// Most accounts whose last right password is remembered; the device has 48.
const REMEMBERED_MAX: usize = 64;
/// Longest password that is looked at, in bytes.
const PASSWORD_MAX: usize = 1024;

/// Compares passwords. Clones share what they remember.
#[derive(Clone)]
pub struct Prover(Arc<Inner>);

struct Inner {
    turn: Semaphore,
    key: hmac::Key,
    /// By account.
    right: Mutex<BTreeMap<String, hmac::Tag>>,
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

impl Default for Prover {
    /// Makes one that remembers nothing.
    fn default() -> Prover {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::seed());
        let right = Mutex::new(BTreeMap::new());
        Prover(Arc::new(Inner { turn: Semaphore::new(AT_ONCE), key, right }))
    }
}

impl Prover {
    /// Tells whether `password` is the one that was hashed to `stored`.
    pub async fn matches(&self, user: &str, password: &str, stored: &str) -> bool {
        if password.len() > PASSWORD_MAX {
            return false;
        }
        let proof = [stored.as_bytes(), &[0], password.as_bytes()].concat();
        let remembered = self.0.right.lock().get(user).copied();
        if remembered.is_some_and(|tag| hmac::verify(&self.0.key, &proof, tag.as_ref()).is_ok()) {
            return true;
        }
        // The semaphore is never closed.
        let Ok(_turn) = self.0.turn.acquire().await else { return false };
        let (typed, stored) = (password.to_owned(), stored.to_owned());
        let compared = tokio::task::spawn_blocking(move || hash::verify(&typed, &stored));
        let right = compared.await.unwrap_or(false);
        if right {
            let tag = hmac::sign(&self.0.key, &proof);
            let mut remembered = self.0.right.lock();
            if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(user) {
                remembered.pop_first();
            }
            remembered.insert(user.to_owned(), tag);
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[tokio::test]
    async fn what_is_remembered_is_that_password_of_that_hash_of_that_user() {
        let prover = Prover::default();
        let mut rng = Rng::from_seed(1);
        let [one, other] = ["Admin123", "Other123"].map(|password| hash::hash(password, &mut rng));
        for _ in 0..2 {
            assert!(prover.matches("admin", "Admin123", &one).await);
            assert!(!prover.matches("admin", "Other123", &one).await);
            assert!(!prover.matches("admin", "Admin123", &other).await);
            assert!(!prover.matches("jo", "Other123", &one).await);
            assert!(prover.matches("admin", "Other123", &other).await);
        }
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let prover = Prover::default();
        let stored = hash::hash("Admin123", &mut Rng::from_seed(1));
        for n in 0..REMEMBERED_MAX + 3 {
            assert!(prover.matches(&n.to_string(), "Admin123", &stored).await);
        }
        assert_eq!(prover.0.right.lock().len(), REMEMBERED_MAX);
        assert!(!prover.matches("admin", &"x".repeat(PASSWORD_MAX + 1), &stored).await);
    }
}
