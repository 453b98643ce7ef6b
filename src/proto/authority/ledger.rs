//! Every product instance, and what their accounts have in use: indexed, with running totals.
//!
//! A chassis may be registered here and, going by their reports, with satellites as well. Its
//! serial number counts once: by its reservation if it has one, else here if it was heard here,
//! else where it was heard last.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::account::AccountId;
use super::instance::Instance;
use super::satellite::SatelliteId;
use crate::base::ident::Tag;
use crate::base::time::Utc;
use crate::wire::callhome::Use;

/// The instances and everything that follows from them.
///
/// Invariant: `by_serial`, `totals`, `claimed` and `deadlines` say what a walk over `instances` and
/// `claims` would say.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    instances: BTreeMap<String, Instance>,
    by_serial: BTreeMap<String, String>,
    /// What each satellite reported last, by serial number; no entry for one that reported nothing.
    claims: BTreeMap<SatelliteId, BTreeMap<String, Claim>>,
    /// Units in use by the instances of an account that aren't silent; no entry for none.
    totals: BTreeMap<(AccountId, Tag), u64>,
    /// Units that count as in use by a satellite; no entry for none.
    claimed: BTreeMap<(SatelliteId, Tag), u64>,
    /// Serial numbers that have a reservation: whatever they use is paid for by that.
    reserved: BTreeSet<String>,
    deadlines: BTreeSet<(Utc, String)>,
}

/// One product instance of a satellite, as it reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) serial: String,
    pub(super) heard_at: Utc,
    pub(super) in_use: Vec<Use>,
}

/// Whom the use of a serial number counts for.
#[derive(Clone, Copy, Debug)]
enum Holder<'a> {
    Account(AccountId, &'a [Use]),
    Satellite(SatelliteId, &'a [Use]),
    /// Its reservation, which uses no pool of an entitlement.
    Reservation,
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

    /// Returns the units of a tag that count as in use by a satellite.
    pub(super) fn claimed(&self, satellite: SatelliteId, tag: &Tag) -> u64 {
        self.claimed.get(&(satellite, tag.clone())).copied().unwrap_or(0)
    }

    /// Returns what a satellite reported last.
    pub(super) fn claims(&self, satellite: SatelliteId) -> impl Iterator<Item = &Claim> {
        self.claims.get(&satellite).into_iter().flat_map(BTreeMap::values)
    }

    /// Returns how many instances all satellites but this one reported.
    pub(super) fn claims_beside(&self, satellite: SatelliteId) -> usize {
        let others = self.claims.iter().filter(|(other, _)| **other != satellite);
        others.map(|(_, claims)| claims.len()).sum()
    }

    /// Returns whether a serial number that a satellite reports counts somewhere else.
    pub(super) fn counts_elsewhere(&self, satellite: SatelliteId, serial: &str) -> bool {
        match self.holder(serial) {
            Some(Holder::Account(..) | Holder::Reservation) => true,
            Some(Holder::Satellite(holder, _)) => holder != satellite,
            None => false,
        }
    }

    /// Returns whether a satellite reports this serial number as its own.
    pub(super) fn is_claimed(&self, serial: &str) -> bool {
        self.claims.values().any(|claims| claims.contains_key(serial))
    }

    /// Notes that a serial number has a reservation now, or no longer.
    pub(super) fn set_reserved(&mut self, serial: &str, reserved: bool) {
        self.count(serial, false);
        if reserved {
            self.reserved.insert(serial.to_owned());
        } else {
            self.reserved.remove(serial);
        }
        self.count(serial, true);
    }

    /// Replaces all that a satellite reported.
    pub(super) fn set_claims(&mut self, satellite: SatelliteId, claims: Vec<Claim>) {
        let claims: BTreeMap<_, _> =
            claims.into_iter().map(|claim| (claim.serial.clone(), claim)).collect();
        let before = self.claims.get(&satellite);
        let serials = before.into_iter().flat_map(BTreeMap::keys).chain(claims.keys());
        let serials: BTreeSet<String> = serials.cloned().collect();
        for serial in &serials {
            self.count(serial, false);
        }
        if claims.is_empty() {
            self.claims.remove(&satellite);
        } else {
            self.claims.insert(satellite, claims);
        }
        for serial in &serials {
            self.count(serial, true);
        }
    }

    /// Adds an instance whose identifier and serial number are new.
    pub(super) fn insert(&mut self, instance: Instance) {
        let serial = instance.serial().to_owned();
        self.count(&serial, false);
        self.deadlines.insert((instance.deadline(), instance.id.clone()));
        self.by_serial.insert(serial.clone(), instance.id.clone());
        self.instances.insert(instance.id.clone(), instance);
        self.count(&serial, true);
    }

    /// Takes an instance out, with all that follows from it.
    pub(super) fn remove(&mut self, id: &str) -> Option<Instance> {
        let serial = self.instances.get(id)?.serial().to_owned();
        self.count(&serial, false);
        let instance = self.instances.remove(id)?;
        self.by_serial.remove(&serial);
        self.deadlines.remove(&(instance.deadline(), instance.id.clone()));
        self.count(&serial, true);
        Some(instance)
    }

    /// Returns whom the use of a serial number counts for.
    fn holder(&self, serial: &str) -> Option<Holder<'_>> {
        if self.reserved.contains(serial) {
            return Some(Holder::Reservation);
        }
        holder(&self.instances, &self.by_serial, &self.claims, serial)
    }

    /// Adds the use of a serial number to the totals, or takes it off.
    fn count(&mut self, serial: &str, add: bool) {
        if self.reserved.contains(serial) {
            return;
        }
        let Ledger { instances, by_serial, claims, totals, claimed, .. } = self;
        match holder(instances, by_serial, claims, serial) {
            None | Some(Holder::Reservation) => {}
            Some(Holder::Account(account, in_use)) => {
                for used in in_use {
                    change(totals, (account, used.tag.clone()), used.count, add);
                }
            }
            Some(Holder::Satellite(satellite, in_use)) => {
                for used in in_use {
                    change(claimed, (satellite, used.tag.clone()), used.count, add);
                }
            }
        }
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

    /// Returns the totals as a walk over all instances and claims gives them.
    #[cfg(test)]
    pub(super) fn counted(&self) -> Totals {
        let reported = self.claims.values().flat_map(BTreeMap::keys);
        let serials: BTreeSet<_> = self.by_serial.keys().chain(reported).collect();
        let (mut totals, mut claimed) = Totals::default();
        for serial in serials {
            match self.holder(serial) {
                Some(Holder::Account(account, in_use)) => {
                    for used in in_use.iter().filter(|used| used.count > 0) {
                        *totals.entry((account, used.tag.clone())).or_default() +=
                            u64::from(used.count);
                    }
                }
                Some(Holder::Satellite(id, in_use)) => {
                    for used in in_use.iter().filter(|used| used.count > 0) {
                        *claimed.entry((id, used.tag.clone())).or_default() +=
                            u64::from(used.count);
                    }
                }
                None | Some(Holder::Reservation) => {}
            }
        }
        (totals, claimed)
    }

    #[cfg(test)]
    pub(super) fn totals(&self) -> Totals {
        (self.totals.clone(), self.claimed.clone())
    }
}

/// Units in use, of accounts and of satellites.
#[cfg(test)]
type Totals = (BTreeMap<(AccountId, Tag), u64>, BTreeMap<(SatelliteId, Tag), u64>);

fn holder<'a>(
    instances: &'a BTreeMap<String, Instance>,
    by_serial: &BTreeMap<String, String>,
    claims: &'a BTreeMap<SatelliteId, BTreeMap<String, Claim>>,
    serial: &str,
) -> Option<Holder<'a>> {
    let own = by_serial.get(serial).and_then(|id| instances.get(id));
    if let Some(instance) = own.filter(|instance| !instance.silent) {
        return Some(Holder::Account(instance.account, &instance.in_use));
    }
    let reported = claims.iter().filter_map(|(id, claims)| Some((*id, claims.get(serial)?)));
    // Of two that heard it at the same moment, the one that joined first.
    let last = reported.rev().max_by_key(|(_, claim)| claim.heard_at);
    last.map(|(id, claim)| Holder::Satellite(id, &claim.in_use))
}

/// Adds units to a total or takes them off; a total of nothing has no entry.
fn change<K: Ord>(totals: &mut BTreeMap<K, u64>, key: K, units: u32, add: bool) {
    let units = u64::from(units);
    match totals.entry(key) {
        Entry::Vacant(free) => {
            if add && units > 0 {
                free.insert(units);
            }
        }
        Entry::Occupied(mut held) => {
            let before = *held.get();
            let after =
                if add { before.saturating_add(units) } else { before.saturating_sub(units) };
            if after == 0 {
                held.remove();
            } else {
                held.insert(after);
            }
        }
    }
}
