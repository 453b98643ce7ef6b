//! Smart accounts, virtual accounts, and the pools of licences they bought.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::entitlement::{Entitlement, Feature};
use crate::base::time::Utc;

/// Names one virtual account inside this authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountId(pub u32);

impl AccountId {
    /// The account that every authority begins with.
    pub const FIRST: AccountId = AccountId(1);

    /// Returns the identifier after this one.
    pub(super) const fn next(self) -> AccountId {
        AccountId(self.0.saturating_add(1))
    }
}

/// The two names of a virtual account, as listings print them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountName {
    pub smart_account: String,
    pub virtual_account: String,
}

impl AccountName {
    /// Longest name, in bytes.
    pub const LEN_MAX: usize = 64;

    /// Returns whether both names can be printed on one line of a listing.
    pub fn is_printable(&self) -> bool {
        [&self.smart_account, &self.virtual_account].into_iter().all(|name| {
            let fits = !name.trim().is_empty() && name.len() <= AccountName::LEN_MAX;
            fits && name.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        })
    }
}

impl Default for AccountName {
    /// Visibly the lab's own.
    fn default() -> AccountName {
        AccountName {
            smart_account: "vfxos Lab".to_owned(),
            virtual_account: "vfxos Default".to_owned(),
        }
    }
}

/// A virtual account: a name and what it bought, by tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: AccountName,
    /// One pool for each product.
    pub pools: BTreeMap<&'static str, Pool>,
}

/// Licences bought of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub bought: u32,
    /// From this moment the pool is empty; `None` for licences without an end.
    pub expires: Option<Utc>,
}

impl Pool {
    /// Nothing bought.
    pub const EMPTY: Pool = Pool { bought: 0, expires: None };

    /// Returns how many licences of this pool are good at `now`.
    pub fn available(self, now: Utc) -> u32 {
        if self.expires.is_none_or(|end| now < end) { self.bought } else { 0 }
    }

    /// What a new account holds: enough for a lab of ten chassis, two of them reserved.
    pub(super) fn stocked(tag: &str) -> Pool {
        let bought = match Entitlement::of_tag(tag).map(|row| row.feature) {
            Some(Feature::Tier | Feature::StrongEncryption | Feature::Carrier) => 10,
            Some(Feature::Context) => 40,
            // A universal licence.
            None => 2,
        };
        Pool { bought, expires: None }
    }
}
