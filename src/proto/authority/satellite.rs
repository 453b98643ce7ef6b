//! The cloud's side of a satellite: what it may hand out, and what it reported.
//!
//! # Nothing counts twice
//! A satellite hands out units of its account without asking, so the cloud sets them aside: each
//! answer is a *lease* of units until a date. Which of several answers a satellite installed shows
//! only in its next request, so until then, or until the lease runs out, the largest counts. What a
//! satellite reports replaces what it reported before, and a serial number that is registered here
//! as well counts here. A request is answered once: brought again it gets the very same answer, and
//! an older one is refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::{AccountId, AccountName};
use super::ledger::Claim;
use super::operator::{OperatorError, UseFacts};
use super::record::Record;
use super::site::SyncError;
use super::{Authority, Role, TOLERANCE};
use crate::base::entitlement::{CATALOGUE, Entitlement};
use crate::base::ident::Tag;
use crate::base::time::{Utc, days};
use crate::wire::callhome::{PublicKey, Use};
use crate::wire::sync::{
    self, ELSEWHERE_MAX, Kind, Share, Signing, SyncAnswer, SyncFile, SyncRequest, fingerprint,
};

/// Most satellites of one cloud authority.
pub const SATELLITES_MAX: usize = 64;
/// Most product instances that all satellites together may report.
pub const CLAIMS_MAX: usize = 200_000;
/// How long a satellite may hand out licences without a sync.
///
/// # Source
/// Recall: guides of the vendor's satellite ask for a sync every 30 days and allow 90.
pub const SYNC_MAX: Duration = days(90);
/// How long after its end a lease still counts, because two clocks are never quite alike.
pub(super) const LEASE_MARGIN: Duration = TOLERANCE;
/// Leases remembered; of more the oldest two count as one.
const LEASES_MAX: usize = 8;

/// Names one satellite inside its cloud authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SatelliteId(pub u32);

/// A satellite as its cloud authority knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Satellite {
    /// Its own identifier, a UUID.
    pub(super) uuid: String,
    pub(super) name: String,
    pub(super) release: String,
    pub(super) account: AccountId,
    /// Checks every request after the first.
    pub(super) key: PublicKey,
    pub(super) joined_at: Utc,
    pub(super) synced_at: Utc,
    /// The last request that was taken in, and the fingerprint of its body.
    pub(super) number: u64,
    pub(super) request: String,
    /// The body that answered it.
    pub(super) answer: String,
    /// Oldest first; none once all have run out.
    pub(super) leases: Vec<Lease>,
    /// True when the operator took it out while a lease was still running.
    pub(super) removed: bool,
}

/// What one answer allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lease {
    /// Number of the request that it answered.
    number: u64,
    until: Utc,
    shares: Vec<Share>,
}

impl Satellite {
    /// Makes what is known of a satellite before its first request was taken in.
    fn joining(
        now: Utc,
        request: &SyncRequest,
        key: PublicKey,
        account: Option<AccountId>,
    ) -> Satellite {
        Satellite {
            uuid: request.satellite.clone(),
            name: String::new(),
            release: String::new(),
            account: account.unwrap_or(AccountId::FIRST),
            key,
            joined_at: now,
            synced_at: now,
            number: 0,
            request: String::new(),
            answer: String::new(),
            leases: Vec::new(),
            removed: false,
        }
    }

    /// Returns how many of a tag it may be handing out at `now`.
    fn leased(&self, now: Utc, tag: &Tag) -> u64 {
        let shares = self.leases.iter().flat_map(|lease| &lease.shares);
        let running = shares.filter(|share| share.tag == *tag && now < share.until + LEASE_MARGIN);
        u64::from(running.map(|share| share.count).max().unwrap_or(0))
    }

    /// Returns when nothing of it counts any more unless it syncs; `None` once that has passed.
    pub(super) fn lapses_at(&self) -> Option<Utc> {
        self.leases.iter().map(|lease| lease.until + LEASE_MARGIN).max()
    }

    /// Remembers a lease.
    fn lease(&mut self, lease: Lease) {
        self.leases.push(lease);
        if self.leases.len() > LEASES_MAX {
            let older = self.leases.remove(0);
            let merged = &mut self.leases[0];
            merged.until = merged.until.max(older.until);
            for share in older.shares {
                match merged.shares.iter_mut().find(|known| known.tag == share.tag) {
                    Some(known) => {
                        known.count = known.count.max(share.count);
                        known.until = known.until.max(share.until);
                    }
                    None => merged.shares.push(share),
                }
            }
        }
    }
}

/// A satellite as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SatelliteFacts {
    pub id: String,
    pub name: String,
    pub release: String,
    pub smart_account: String,
    pub virtual_account: String,
    #[serde(with = "crate::base::time::iso")]
    pub joined_at: Utc,
    #[serde(with = "crate::base::time::iso")]
    pub synced_at: Utc,
    /// Number of its last request.
    pub number: u64,
    /// When it has to have synced again.
    #[serde(with = "crate::base::time::iso")]
    pub until: Utc,
    /// Product instances that it reported.
    pub instances: usize,
    /// What of that counts here.
    pub in_use: Vec<UseFacts>,
    /// What it may be handing out.
    pub leased: Vec<UseFacts>,
    /// True when it was removed and only its lease still runs.
    pub removed: bool,
}

impl Authority {
    /// Takes in a satellite's request and returns the body of the answer, to be signed; poll
    /// afterwards.
    ///
    /// A satellite that is new joins `account`, or the default one; a known one stays where it is.
    /// `signing` is for the key that signed the request.
    ///
    /// # Errors
    /// [`OperatorError::CloudOnly`], [`OperatorError::NoAccount`], and [`OperatorError::Sync`] with
    /// what is wrong with the file.
    pub fn sync_answer(
        &mut self,
        now: Utc,
        file: &SyncFile,
        account: Option<&AccountName>,
        signing: Signing,
    ) -> Result<Vec<u8>, OperatorError> {
        if matches!(self.role, Role::Satellite { .. }) {
            return Err(OperatorError::CloudOnly);
        }
        let body = file.open(Kind::Request).map_err(SyncError::File)?;
        let request = SyncRequest::parse(&body).map_err(|error| SyncError::File(error.into()))?;
        let named = account.map(|name| self.find_account(name)).transpose()?;
        let digest = fingerprint(&body);
        let known = self.satellites().iter().find(|(_, known)| known.uuid == request.satellite);
        let id = match known {
            Some((id, known)) => {
                if let Some(answer) = known.judge(file.key, &request, &digest, named)? {
                    return Ok(answer);
                }
                *id
            }
            None => self.place_for_satellite(&request)?,
        };
        if request.made_at > now + TOLERANCE || request.made_at < now - SYNC_MAX {
            return Err(SyncError::Date { at: request.made_at, now }.into());
        }
        if self.ledger.claims_beside(id) + request.claims.len() > CLAIMS_MAX {
            return Err(SyncError::Claims.into());
        }
        self.admit(now, id, file.key, named, &request);
        Ok(self.answer(now, id, request, digest, signing))
    }

    /// Takes a satellite out: what it reported no longer counts, and its lease does until its end;
    /// poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::CloudOnly`], [`OperatorError::NoSatellite`].
    pub fn satellite_remove(
        &mut self,
        now: Utc,
        asked: &str,
    ) -> Result<SatelliteFacts, OperatorError> {
        let Role::Cloud { satellites } = &mut self.role else {
            return Err(OperatorError::CloudOnly);
        };
        let named = |known: &Satellite| known.uuid == asked || known.name == asked;
        let live = satellites.iter_mut().filter(|(_, known)| !known.removed);
        let found = live.map(|(id, known)| (*id, known)).find(|(_, known)| named(known));
        let Some((id, satellite)) = found else {
            return Err(OperatorError::NoSatellite { asked: asked.to_owned() });
        };
        satellite.removed = true;
        let satellite = satellite.clone();
        self.ledger.set_claims(id, Vec::new());
        self.note(now, "", &format!("satellite {} removed by the operator", satellite.name));
        let facts = self.satellite_facts(now, id, &satellite);
        if satellite.leases.is_empty() {
            self.forget_satellite(id);
        } else {
            self.keep_satellite(id);
        }
        self.flush();
        Ok(facts)
    }

    /// Returns every satellite, the one that joined first first.
    ///
    /// # Errors
    /// [`OperatorError::CloudOnly`].
    pub fn satellite_list(&self, now: Utc) -> Result<Vec<SatelliteFacts>, OperatorError> {
        match &self.role {
            Role::Cloud { satellites } => {
                let each = satellites.iter();
                Ok(each.map(|(id, known)| self.satellite_facts(now, *id, known)).collect())
            }
            Role::Satellite { .. } => Err(OperatorError::CloudOnly),
        }
    }

    /// Returns the units of a tag that satellites of an account use or may hand out.
    pub(super) fn held(&self, now: Utc, account: AccountId, tag: &Tag) -> u64 {
        let of_account = self.satellites().iter().filter(|(_, known)| known.account == account);
        of_account.map(|(id, known)| self.held_by(now, *id, known, tag)).sum()
    }

    /// Returns the units of a tag that satellites of an account may hand out, and that they use.
    pub(super) fn leased_and_claimed(&self, now: Utc, account: AccountId, tag: &Tag) -> (u64, u64) {
        let of_account = self.satellites().iter().filter(|(_, known)| known.account == account);
        of_account.fold((0, 0), |(leased, claimed), (id, known)| {
            (leased + known.leased(now, tag), claimed + self.ledger.claimed(*id, tag))
        })
    }

    /// Forgets what satellites reported that have not synced for too long.
    pub(super) fn pass_leases(&mut self, now: Utc) {
        let lapsed = |known: &Satellite| known.lapses_at().is_some_and(|at| at <= now);
        let ids: Vec<_> =
            self.satellites().iter().filter(|(_, s)| lapsed(s)).map(|(id, _)| *id).collect();
        for id in ids {
            let Role::Cloud { satellites } = &mut self.role else { return };
            let Some(satellite) = satellites.get_mut(&id) else { continue };
            satellite.leases.clear();
            let (name, removed) = (satellite.name.clone(), satellite.removed);
            self.ledger.set_claims(id, Vec::new());
            if removed {
                self.forget_satellite(id);
            } else {
                self.note(now, "", &format!("satellite {name} has not synced: licences freed"));
                self.keep_satellite(id);
            }
        }
    }

    /// Judges the place of a satellite that is not known; returns the number it would get.
    fn place_for_satellite(&self, request: &SyncRequest) -> Result<SatelliteId, SyncError> {
        let satellites = self.satellites();
        if satellites.len() >= SATELLITES_MAX {
            return Err(SyncError::Satellites);
        }
        if request.installed > 0 {
            return Err(SyncError::Foreign);
        }
        let last = satellites.keys().next_back();
        Ok(last.map_or(SatelliteId(1), |last| SatelliteId(last.0.saturating_add(1))))
    }

    /// Makes a request count.
    fn admit(
        &mut self,
        now: Utc,
        id: SatelliteId,
        key: PublicKey,
        named: Option<AccountId>,
        request: &SyncRequest,
    ) {
        self.ledger.set_claims(id, counted(request));
        let Role::Cloud { satellites } = &mut self.role else { return };
        let joining = || Satellite::joining(now, request, key, named);
        let satellite = satellites.entry(id).or_insert_with(joining);
        satellite.name.clone_from(&request.name);
        satellite.release.clone_from(&request.release);
        satellite.synced_at = now;
        satellite.number = request.number;
        // It installed that answer, so it never goes back to an older one.
        satellite.leases.retain(|lease| lease.number >= request.installed);
    }

    /// Writes the body of the answer to a request that counts, and keeps it.
    fn answer(
        &mut self,
        now: Utc,
        id: SatelliteId,
        request: SyncRequest,
        digest: String,
        signing: Signing,
    ) -> Vec<u8> {
        let account = self.satellites().get(&id).map_or(AccountId::FIRST, |known| known.account);
        let until = now + SYNC_MAX;
        let shares = self.shares(now, id, account, until);
        let serials = request.claims.iter().map(|claim| &claim.udi.serial);
        let elsewhere = serials.filter(|serial| self.ledger.counts_elsewhere(id, serial));
        let name = self.account_name(account);
        let answer = SyncAnswer {
            satellite: request.satellite,
            number: request.number,
            request: digest.clone(),
            answered_at: now,
            until,
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            signing,
            shares: shares.clone(),
            elsewhere: elsewhere.take(ELSEWHERE_MAX).cloned().collect(),
        };
        let body = answer.to_json();
        if let Role::Cloud { satellites } = &mut self.role
            && let Some(satellite) = satellites.get_mut(&id)
        {
            satellite.request = digest;
            satellite.answer = String::from_utf8_lossy(&body).into_owned();
            satellite.lease(Lease { number: request.number, until, shares });
        }
        let (name, number, count) = (request.name, request.number, request.claims.len());
        self.note(
            now,
            "",
            &format!("satellite {name} synced: request {number}, {count} instances"),
        );
        self.keep_satellite(id);
        self.flush();
        body
    }

    /// Works out what a satellite may hand out: what its account has that nobody else has.
    fn shares(&self, now: Utc, id: SatelliteId, account: AccountId, until: Utc) -> Vec<Share> {
        let others = || {
            let of_account = self.satellites().iter().filter(|(_, s)| s.account == account);
            of_account.filter(|(other, _)| **other != id)
        };
        let rows = CATALOGUE.iter().filter_map(|row| Tag::parse(row.tag).ok());
        let mut shares = Vec::new();
        for tag in rows {
            let held: u64 = others().map(|(id, known)| self.held_by(now, *id, known, &tag)).sum();
            let taken = self.ledger.total(account, &tag).saturating_add(held);
            let free = self.available(now, account, &tag).saturating_sub(taken);
            let end = self.accounts.get(&account).and_then(|a| a.pools.get(tag.as_str())?.expires);
            let ends = end.map_or(until, |end| end.min(until));
            if free > 0 {
                let count = u32::try_from(free).unwrap_or(u32::MAX);
                shares.push(Share { tag, count, until: ends });
            }
        }
        shares
    }

    /// Returns the units of a tag that one satellite uses or may hand out.
    fn held_by(&self, now: Utc, id: SatelliteId, known: &Satellite, tag: &Tag) -> u64 {
        known.leased(now, tag).max(self.ledger.claimed(id, tag))
    }

    fn satellite_facts(&self, now: Utc, id: SatelliteId, known: &Satellite) -> SatelliteFacts {
        let account = self.account_name(known.account);
        let units = |count: &dyn Fn(&Tag) -> u64| -> Vec<UseFacts> {
            let tags = CATALOGUE.iter().filter_map(|row| Tag::parse(row.tag).ok());
            let each = tags.map(|tag| (tag.short_name().to_owned(), count(&tag)));
            let some = each.filter(|(_, count)| *count > 0);
            let fact =
                |(tag, count)| UseFacts { tag, count: u32::try_from(count).unwrap_or(u32::MAX) };
            some.map(fact).collect()
        };
        SatelliteFacts {
            id: known.uuid.clone(),
            name: known.name.clone(),
            release: known.release.clone(),
            smart_account: account.smart_account,
            virtual_account: account.virtual_account,
            joined_at: known.joined_at,
            synced_at: known.synced_at,
            number: known.number,
            until: known.synced_at + SYNC_MAX,
            instances: self.ledger.claims(id).count(),
            in_use: units(&|tag| self.ledger.claimed(id, tag)),
            leased: units(&|tag| known.leased(now, tag)),
            removed: known.removed,
        }
    }

    /// Has a satellite written to flash.
    fn keep_satellite(&mut self, id: SatelliteId) {
        let Role::Cloud { satellites } = &self.role else { return };
        if let Some(satellite) = satellites.get(&id) {
            let claims = self.ledger.claims(id).cloned().collect();
            self.changed.push(Record::satellite(id, satellite, claims));
        }
    }

    fn forget_satellite(&mut self, id: SatelliteId) {
        if let Role::Cloud { satellites } = &mut self.role {
            satellites.remove(&id);
            self.changed.push(Record::delete_satellite(id));
        }
    }
}

impl Satellite {
    /// Judges a request of a satellite that is known: the answer if it was answered already, `None`
    /// if it is the next one.
    fn judge(
        &self,
        key: PublicKey,
        request: &SyncRequest,
        digest: &str,
        named: Option<AccountId>,
    ) -> Result<Option<Vec<u8>>, SyncError> {
        if key != self.key {
            return Err(SyncError::Key);
        }
        if self.removed {
            return Err(SyncError::Removed);
        }
        if named.is_some_and(|account| account != self.account) {
            return Err(SyncError::OtherAccount);
        }
        if request.number == self.number && digest == self.request {
            return Ok(Some(self.answer.clone().into_bytes()));
        }
        if request.number == self.number {
            return Err(SyncError::Copied);
        }
        if request.number < self.number {
            return Err(SyncError::Old { number: request.number, last: self.number });
        }
        if request.installed > self.number {
            return Err(SyncError::Foreign);
        }
        Ok(None)
    }
}

/// Returns what of a request counts: what isn't sold and what isn't used takes no room.
fn counted(request: &SyncRequest) -> Vec<Claim> {
    let sold: Vec<Option<&Tag>> = request
        .tags
        .iter()
        .map(|tag| Some(tag).filter(|tag| Entitlement::of_tag(tag.as_str()).is_some()))
        .collect();
    let used = |(place, count): &(u16, u32)| {
        let tag = (*sold.get(usize::from(*place))?)?;
        (*count > 0).then(|| Use { tag: tag.clone(), count: *count })
    };
    let claim = |claim: &sync::Claim| Claim {
        serial: claim.udi.serial.clone(),
        heard_at: claim.heard_at,
        in_use: claim.in_use.iter().filter_map(used).collect(),
    };
    request.claims.iter().map(claim).collect()
}
