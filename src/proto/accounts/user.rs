//! Accounts as the configuration has them.

use std::fmt;

use super::policy::{self, Policy};
use crate::base::time::Utc;
use crate::proto::config::facts;
use crate::proto::config::schema::Verb;
use crate::proto::config::value::{self, Value};
use crate::proto::config::{Objects, Path};

/// The account that always exists, is always active and never expires.
///
/// # Source
/// Vendor's configuration guide, user management.
pub const ADMIN: &str = "admin";

/// What an account may do; every account may look.
///
/// # Source
/// Vendor's configuration guide, user roles: administrator, operations, AAA administrator, read-only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    pub admin: bool,
    pub operations: bool,
    pub aaa: bool,
}

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    /// The password's hash; `None` while no password is set.
    pub hash: Option<String>,
    pub roles: Roles,
    pub active: bool,
    /// From when on it is good for nothing; `None` for never.
    pub expires: Option<Utc>,
    /// Public keys in OpenSSH's form, one a line.
    pub keys: Vec<String>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl User {
    /// Finds an account by its name, which is case-sensitive.
    pub fn find(objects: &Objects, name: &str) -> Option<User> {
        let path = path(name)?;
        if !objects.exists(&path) || path.name() != name {
            return None;
        }
        let hash = objects.text(&path, "password");
        let roles = objects.children(&path, "role");
        let has = |word: &str| roles.iter().any(|role| role.name() == word);
        let keys = objects.text(&path, "sshkey");
        let privileged = name == ADMIN;
        Some(User {
            name: name.to_owned(),
            hash: (!hash.is_empty()).then_some(hash),
            roles: Roles {
                admin: has("admin") || privileged,
                operations: has("operations"),
                aaa: has("aaa"),
            },
            active: privileged || objects.text(&path, "account-status") != "inactive",
            expires: if privileged {
                None
            } else {
                value::date(&objects.text(&path, "expiration"))
            },
            keys: keys
                .split(';')
                .map(str::trim)
                .filter(|k| !k.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Tells whether the account is one that may log in at all.
    pub fn is_usable(&self, wall: Utc) -> bool {
        self.active && self.expires.is_none_or(|expires| wall < expires)
    }
}

/// Returns the path of an account's object.
pub fn path(name: &str) -> Option<Path> {
    Path::find(&[("security", &[]), ("local-user", &[name])])
}

/// Why a name is not taken for a new account.
///
/// # Source
/// Vendor's configuration guide, guidelines for usernames: 1 to 32 letters, digits, `_`, `-` and
/// `.`, a letter first.
pub fn is_name(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    (1..=32).contains(&name.len())
        && name.bytes().all(fine)
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// How often wrong credentials may be given, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOut {
    /// 0 for as often as anyone likes.
    pub attempts: u32,
    /// Seconds.
    pub lasts: u32,
}

/// Limits of password changes.
///
/// # Source
/// Vendor's configuration guide, password profile. But for the history they do not apply to
/// accounts with admin or aaa privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How many former passwords may not come again.
    pub history: usize,
    /// Changes allowed within `interval_h` hours; `None` if `no_change_h` counts instead.
    pub changes: Option<(usize, u32)>,
    /// Hours between two changes.
    pub no_change_h: u32,
}

/// Returns the lock-out that is configured.
pub fn lock_out(objects: &Objects) -> LockOut {
    let read = |words: &str| objects.text(&facts::security(), words).parse().unwrap_or(0);
    LockOut { attempts: read("max-login-attempts"), lasts: read("user-account-unlock-time") }
}

/// Returns the password policy that is configured.
pub fn policy(objects: &Objects) -> Policy {
    let security = facts::security();
    let strong = objects.get(&security, Verb::Set, "enforce-strong-password");
    let length = objects.text(&security, "min-password-length").parse();
    Policy { strong: strong == Value::Flag(true), length_min: length.unwrap_or(policy::LENGTH_MIN) }
}

/// Returns the password profile that is configured.
pub fn profile(objects: &Objects) -> Profile {
    let path = Path::find(&[("security", &[]), ("password-profile", &[])]).unwrap_or_default();
    let read = |words: &str| objects.text(&path, words).parse().unwrap_or(0);
    let during = objects.get(&path, Verb::Set, "change-during-interval") == Value::Flag(true);
    Profile {
        history: usize::try_from(read("history-count")).unwrap_or(0),
        changes: during
            .then(|| (usize::try_from(read("change-count")).unwrap_or(0), read("change-interval"))),
        no_change_h: read("no-change-interval"),
    }
}
