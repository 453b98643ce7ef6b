//! Registration tokens, in the shape an operator knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::account::AccountId;
use crate::base::rng::Rng;
use crate::base::time::Utc;

/// What the random tail of every token begins with, so that none is taken for a vendor's.
const MARK: &[u8; 10] = b"vfxos-lab-";
/// Length of the tail before its base64, in bytes: 44 characters after it.
const TAIL: usize = 32;
/// Characters before each escaped line end.
///
/// # Source
/// Seed: both tokens break after 60, which is how a Ruby server writes base64.
const LINE: usize = 60;

/// A registration token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The UUID inside the text.
    pub id: String,
    /// What is typed after `idtoken`.
    pub text: String,
    pub account: AccountId,
    pub export_controlled: bool,
    pub created_at: Utc,
    pub expires: Utc,
    /// Registrations made with it.
    pub uses: u32,
    /// Most registrations; `None` for any number.
    pub uses_max: Option<u32>,
    pub revoked: bool,
}

/// Whether a token still registers anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    Active,
    Expired,
    Revoked,
    UsedUp,
}

impl Token {
    /// Returns whether the token works at `now`, or why not.
    pub fn state(&self, now: Utc) -> TokenState {
        if self.revoked {
            TokenState::Revoked
        } else if now >= self.expires {
            TokenState::Expired
        } else if self.uses_max.is_some_and(|max| self.uses >= max) {
            TokenState::UsedUp
        } else {
            TokenState::Active
        }
    }
}

/// Writes the text of a token: base64 of `UUID-EXPIRY|TAIL`, its line ends and `=` percent-encoded.
///
/// # Source
/// Seed, both tokens: decoded they are a UUID, `-`, the expiry in Unix milliseconds, `|` and 44
/// characters of base64. The tail is the lab's own and says so.
pub(super) fn text(id: &str, expires: Utc, rng: &mut Rng) -> String {
    let mut tail = MARK.to_vec();
    while tail.len() < TAIL {
        tail.extend(rng.next_u64().to_be_bytes());
    }
    tail.truncate(TAIL);
    let plain = format!("{id}-{}|{}", expires.unix_ms(), STANDARD.encode(tail));
    let mut text = String::new();
    for (at, character) in STANDARD.encode(plain).chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push_str("%0A");
        }
        match character {
            '=' => text.push_str("%3D"),
            other => text.push(other),
        }
    }
    text.push_str("%0A");
    text
}
