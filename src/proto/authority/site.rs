//! A satellite's own side: the requests it made, the answer that is in force, why a file is refused.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::account::{AccountId, AccountName, Pool};
use super::operator::OperatorError;
use super::record::Record;
use super::{Authority, Flavour, Role, TOLERANCE};
use crate::base::entitlement::{CATALOGUE, Entitlement};
use crate::base::time::Utc;
use crate::wire::callhome::{PublicKey, Use};
use crate::wire::sync::{
    CLAIMS_MAX, Claim, FileError, Kind, Signing, SyncAnswer, SyncFile, SyncRequest, fingerprint,
};

/// Requests remembered until one is answered; the answer to an older one is refused.
const ASKED_MAX: usize = 16;

/// Why a sync file is refused: what is wrong and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SyncError {
    #[error("the file can't be used: {0}")]
    File(FileError),
    #[error(
        "the request is signed by another key than this satellite's: remove the satellite here if it was set up anew"
    )]
    Key,
    #[error("this satellite was removed here: set it up with a new state folder")]
    Removed,
    #[error("this satellite belongs to another account: leave the account out, or remove it first")]
    OtherAccount,
    #[error(
        "another request with this number was answered: the satellite was restored from a copy, so remove it here and set it up anew"
    )]
    Copied,
    #[error(
        "request {number} is old, request {last} was taken in: make a new one with `sync request`"
    )]
    Old { number: u64, last: u64 },
    #[error(
        "the satellite holds an answer that this authority did not give: remove it here and set it up anew"
    )]
    Foreign,
    #[error("the file is dated {} and the date here is {}: check both clocks, or make a new one", .at.iso(), .now.iso())]
    Date { at: Utc, now: Utc },
    #[error("there are {} satellites already: remove one first", super::SATELLITES_MAX)]
    Satellites,
    #[error(
        "the satellites together report more than {} instances: remove some there",
        super::satellite::CLAIMS_MAX
    )]
    Claims,
    #[error("more than {CLAIMS_MAX} instances fit into no sync file: remove some")]
    TooMany,
    #[error("the answer is for another satellite: install it there")]
    NotOurs,
    #[error("the answer is from another authority than the one this satellite belongs to")]
    OtherCloud,
    #[error(
        "the answer to request {number} is old, that to {installed} is in force: nothing is to be done, or make a new request"
    )]
    Superseded { number: u64, installed: u64 },
    #[error(
        "the answer belongs to no request that this satellite remembers: make a new one with `sync request`"
    )]
    Unasked,
    #[error("the answer ran out on {}: make a new request with `sync request`", .until.iso())]
    RanOut { until: Utc },
}

/// What a satellite knows of itself and its cloud authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    /// Its own identifier, a UUID.
    pub(super) uuid: String,
    /// Requests made so far.
    pub(super) requests: u64,
    /// Those that may still be answered, oldest first.
    asked: VecDeque<Asked>,
    joined: Option<Joined>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    number: u64,
    /// Fingerprint of its body.
    request: String,
}

/// What the first answer brought, and the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Joined {
    /// Signs every answer.
    cloud: PublicKey,
    /// Number of the request whose answer is in force.
    number: u64,
    installed_at: Utc,
    until: Utc,
    signing: Signing,
}

impl Site {
    pub(super) fn new(uuid: String) -> Site {
        Site { uuid, requests: 0, asked: VecDeque::new(), joined: None }
    }
}

/// Where a satellite stands, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncFacts {
    /// The satellite's identifier.
    pub id: String,
    pub release: String,
    /// Requests made so far.
    pub requests: u64,
    /// Number of the request whose answer is in force; 0 for none.
    pub installed: u64,
    #[serde(with = "crate::base::time::iso::optional")]
    pub installed_at: Option<Utc>,
    /// Until when it may hand out licences.
    #[serde(with = "crate::base::time::iso::optional")]
    pub until: Option<Utc>,
    /// Whether it may now.
    pub in_force: bool,
}

impl Authority {
    /// Returns the body of a request to the cloud authority, to be signed; poll afterwards.
    ///
    /// `name` is what people call this satellite.
    ///
    /// # Errors
    /// [`OperatorError::SatelliteOnly`], and [`OperatorError::Sync`] for too many instances.
    pub fn sync_request(&mut self, now: Utc, name: &str) -> Result<Vec<u8>, OperatorError> {
        let mut request = SyncRequest {
            satellite: String::new(),
            name: name.to_owned(),
            release: String::new(),
            number: 0,
            made_at: now,
            installed: 0,
            tags: CATALOGUE.iter().filter_map(|row| row.tag.to_owned().try_into().ok()).collect(),
            claims: self.claims_to_report(),
        };
        if request.claims.len() > CLAIMS_MAX {
            return Err(SyncError::TooMany.into());
        }
        let Role::Satellite { release, site } = &mut self.role else {
            return Err(OperatorError::SatelliteOnly);
        };
        site.requests += 1;
        request.satellite = site.uuid.clone();
        request.release = release.to_string();
        request.number = site.requests;
        request.installed = site.joined.as_ref().map_or(0, |joined| joined.number);
        let body = request.to_json();
        site.asked.push_back(Asked { number: request.number, request: fingerprint(&body) });
        if site.asked.len() > ASKED_MAX {
            site.asked.pop_front();
        }
        self.changed.push(Record::site(site));
        self.note(now, "", &format!("sync request {} made", request.number));
        self.flush();
        Ok(body)
    }

    /// Makes an answer of the cloud authority count; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::SatelliteOnly`], and [`OperatorError::Sync`] with what is wrong with it.
    pub fn sync_install(&mut self, now: Utc, file: &SyncFile) -> Result<SyncFacts, OperatorError> {
        let Role::Satellite { site, .. } = &mut self.role else {
            return Err(OperatorError::SatelliteOnly);
        };
        let body = file.open(Kind::Answer).map_err(SyncError::File)?;
        let answer = SyncAnswer::parse(&body).map_err(|error| SyncError::File(error.into()))?;
        site.judge(now, file.key, &answer)?;
        let number = answer.number;
        site.asked.retain(|asked| asked.number > number);
        let (cloud, until) = (file.key, answer.until);
        let signing = answer.signing.clone();
        site.joined = Some(Joined { cloud, number, installed_at: now, until, signing });
        self.changed.push(Record::site(site));
        self.hand_out(&answer);
        self.note(now, "", &format!("sync answer {number} installed, good until {}", until.iso()));
        for serial in &answer.elsewhere {
            let text = format!("{serial} is registered elsewhere too, and counts there");
            self.note(now, "", &text);
        }
        self.flush();
        self.sync_status(now)
    }

    /// Returns where this satellite stands with its cloud authority.
    ///
    /// # Errors
    /// [`OperatorError::SatelliteOnly`].
    pub fn sync_status(&self, now: Utc) -> Result<SyncFacts, OperatorError> {
        let Role::Satellite { release, site } = &self.role else {
            return Err(OperatorError::SatelliteOnly);
        };
        let joined = site.joined.as_ref();
        Ok(SyncFacts {
            id: site.uuid.clone(),
            release: release.to_string(),
            requests: site.requests,
            installed: joined.map_or(0, |joined| joined.number),
            installed_at: joined.map(|joined| joined.installed_at),
            until: joined.map(|joined| joined.until),
            in_force: joined.is_some_and(|joined| now < joined.until),
        })
    }

    /// Returns what the cloud authority gave for this satellite's signature; `None` for a cloud
    /// authority and for a satellite that never synced, which vouch for themselves.
    pub fn signing(&self) -> Option<&Signing> {
        match &self.role {
            Role::Satellite { site, .. } => site.joined.as_ref().map(|joined| &joined.signing),
            Role::Cloud { .. } => None,
        }
    }

    /// Refuses what only the cloud's operator may do.
    pub(super) fn cloud_only(&self) -> Result<(), OperatorError> {
        match self.role {
            Role::Cloud { .. } => Ok(()),
            Role::Satellite { .. } => Err(OperatorError::CloudOnly),
        }
    }

    /// Makes the one account of a satellite what the cloud authority says.
    fn hand_out(&mut self, answer: &SyncAnswer) {
        let Some(account) = self.accounts.get_mut(&AccountId::FIRST) else { return };
        account.name = AccountName {
            smart_account: answer.smart_account.clone(),
            virtual_account: answer.virtual_account.clone(),
        };
        for row in &CATALOGUE {
            account.pools.insert(row.tag, Pool { bought: 0, expires: Some(answer.until) });
        }
        for share in &answer.shares {
            if let Some(row) = Entitlement::of_tag(share.tag.as_str()) {
                let expires = Some(share.until.min(answer.until));
                account.pools.insert(row.tag, Pool { bought: share.count, expires });
            }
        }
        self.changed.push(Record::account(AccountId::FIRST, account));
    }

    fn claims_to_report(&self) -> Vec<Claim> {
        let place = |used: &Use| {
            let place = CATALOGUE.iter().position(|row| row.tag == used.tag.as_str())?;
            Some((u16::try_from(place).ok()?, used.count))
        };
        let claims = self.ledger.iter().map(|instance| {
            let counts: &[Use] = if instance.silent { &[] } else { &instance.in_use };
            Claim {
                udi: instance.device.udi.clone(),
                heard_at: instance.last_contact,
                in_use: counts.iter().filter_map(place).collect(),
            }
        });
        claims.collect()
    }
}

impl Site {
    /// Judges an answer whose signature holds.
    fn judge(&self, now: Utc, key: PublicKey, answer: &SyncAnswer) -> Result<(), SyncError> {
        if answer.satellite != self.uuid {
            return Err(SyncError::NotOurs);
        }
        if let Some(joined) = &self.joined {
            if joined.cloud != key {
                return Err(SyncError::OtherCloud);
            }
            if answer.number <= joined.number {
                let (number, installed) = (answer.number, joined.number);
                return Err(SyncError::Superseded { number, installed });
            }
        }
        let asked =
            |asked: &Asked| asked.number == answer.number && asked.request == answer.request;
        if !self.asked.iter().any(asked) {
            return Err(SyncError::Unasked);
        }
        // A clock that is behind would hand out for longer than the cloud sets units aside.
        if answer.answered_at > now + TOLERANCE {
            return Err(SyncError::Date { at: answer.answered_at, now });
        }
        let until = answer.until;
        if until <= now { Err(SyncError::RanOut { until }) } else { Ok(()) }
    }
}

impl Authority {
    /// Returns what kind of authority this is.
    pub fn flavour(&self) -> Flavour {
        match &self.role {
            Role::Cloud { .. } => Flavour::Cloud,
            Role::Satellite { release, .. } => Flavour::Satellite(*release),
        }
    }
}
