//! Every product instance, and what their accounts have in use: indexed, with running totals.

use std::collections::{BTreeMap, BTreeSet};

use super::account::AccountId;
use super::instance::Instance;
use crate::base::ident::Tag;
use crate::base::time::Utc;
use crate::wire::callhome::Use;

/// The instances and everything that follows from them.
///
/// Invariant: `by_serial`, `totals` and `deadlines` say what a walk over `instances` would say.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    instances: BTreeMap<String, Instance>,
    by_serial: BTreeMap<String, String>,
    /// Units in use by the instances of an account that aren't silent; no entry for none.
    totals: BTreeMap<(AccountId, Tag), u64>,
    deadlines: BTreeSet<(Utc, String)>,
}

/// A deadline that has passed.
#[derive(Debug)]
pub(super) enum Passed {
    /// It has fallen silent, and is in the ledger as such.
    Silent(Box<Instance>),
    /// Its certificate ended; it is no longer in the ledger.
    Ended(Box<Instance>),
}

impl Ledger {
    pub(super) fn len(&self) -> usize {
        self.instances.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    pub(super) fn of_serial(&self, serial: &str) -> Option<&Instance> {
        self.by_serial.get(serial).and_then(|id| self.instances.get(id))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// Returns the units of a tag that an account has in use.
    pub(super) fn total(&self, account: AccountId, tag: &Tag) -> u64 {
        // A tag is cloned to look it up; at most `LIST_MAX` times a request.
        self.totals.get(&(account, tag.clone())).copied().unwrap_or(0)
    }

    /// Adds an instance whose identifier and serial number are new.
    pub(super) fn insert(&mut self, instance: Instance) {
        for used in counting(&instance) {
            let total = self.totals.entry((instance.account, used.tag.clone())).or_default();
            *total += u64::from(used.count);
        }
        self.deadlines.insert((instance.deadline(), instance.id.clone()));
        self.by_serial.insert(instance.serial().to_owned(), instance.id.clone());
        self.instances.insert(instance.id.clone(), instance);
    }

    /// Takes an instance out, with all that follows from it.
    pub(super) fn remove(&mut self, id: &str) -> Option<Instance> {
        let instance = self.instances.remove(id)?;
        self.by_serial.remove(instance.serial());
        self.deadlines.remove(&(instance.deadline(), instance.id.clone()));
        for used in counting(&instance) {
            let key = (instance.account, used.tag.clone());
            if let Some(total) = self.totals.get_mut(&key) {
                *total = total.saturating_sub(u64::from(used.count));
                if *total == 0 {
                    self.totals.remove(&key);
                }
            }
        }
        Some(instance)
    }

    /// Changes an instance and returns it as it is now; `None` if there is none.
    ///
    /// `change` keeps its identifier and its serial number.
    pub(super) fn update(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Instance),
    ) -> Option<&Instance> {
        let mut instance = self.remove(id)?;
        change(&mut instance);
        self.insert(instance);
        self.instances.get(id)
    }

    /// Returns when the next deadline is.
    pub(super) fn next_deadline(&self) -> Option<Utc> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Lets the first deadline pass that lies at or before `now`.
    pub(super) fn pass_deadline(&mut self, now: Utc) -> Option<Passed> {
        let (at, id) = self.deadlines.first()?.clone();
        if at > now {
            return None;
        }
        let ended = self.instances.get(&id)?.not_after <= now;
        if ended {
            return self.remove(&id).map(|instance| Passed::Ended(Box::new(instance)));
        }
        let silent = self.update(&id, |instance| instance.silent = true)?;
        Some(Passed::Silent(Box::new(silent.clone())))
    }

    /// Returns the totals as a walk over all instances gives them.
    #[cfg(test)]
    pub(super) fn counted(&self) -> BTreeMap<(AccountId, Tag), u64> {
        let mut totals = BTreeMap::new();
        for instance in self.instances.values() {
            for used in counting(instance) {
                *totals.entry((instance.account, used.tag.clone())).or_default() +=
                    u64::from(used.count);
            }
        }
        totals
    }

    #[cfg(test)]
    pub(super) fn totals(&self) -> &BTreeMap<(AccountId, Tag), u64> {
        &self.totals
    }
}

/// Returns the uses of an instance that count: none once it is silent.
fn counting(instance: &Instance) -> &[Use] {
    if instance.silent { &[] } else { &instance.in_use }
}
