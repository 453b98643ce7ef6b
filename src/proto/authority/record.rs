//! What the authority keeps in flash: one record for each thing, so that a request writes what it
//! changed and no more.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::account::{Account, AccountId, AccountName, Pool};
use super::instance::Instance;
use super::journal::{EVENTS_MAX, Entry};
use super::ledger::Claim;
use super::reservation::Reservation;
use super::satellite::{SATELLITES_MAX, Satellite, SatelliteId};
use super::site::Site;
use super::token::Token;
use super::{Authority, INSTANCES_MAX, Role, TOKENS_MAX};
use crate::base::entitlement::Product;
use crate::wire::reservation::Commitment;

/// What every key of the authority begins with.
pub const PREFIX: &str = "authority/";

/// One change of flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: String,
    /// JSON; `None` deletes the key.
    pub value: Option<Vec<u8>>,
}

/// Why the authority can't start from what is in flash.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    #[error("record {key} is not the JSON of an authority's record: {reason}")]
    Json { key: String, reason: String },
    #[error("record {key} is of no kind that this version knows")]
    Kind { key: String },
    #[error("record {key} names account {account}, which does not exist")]
    Account { key: String, account: u32 },
    #[error("record {key} contradicts another record, or there are too many of its kind")]
    Contradiction { key: String },
    #[error("it belongs to {found} and not to {wanted}: name another state folder")]
    Flavour { found: &'static str, wanted: &'static str },
}

impl RecordError {
    const IS_CLOUD: RecordError =
        RecordError::Flavour { found: "a cloud authority", wanted: "a satellite" };
    const IS_SATELLITE: RecordError =
        RecordError::Flavour { found: "a satellite", wanted: "a cloud authority" };
}

/// A virtual account as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAccount {
    name: AccountName,
    pools: Vec<(String, Pool)>,
}

/// A satellite as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSatellite {
    satellite: Satellite,
    claims: Vec<Claim>,
}

impl Record {
    pub(super) fn account(id: AccountId, account: &Account) -> Record {
        let pools = account.pools.iter().map(|(tag, pool)| ((*tag).to_owned(), *pool)).collect();
        let stored = StoredAccount { name: account.name.clone(), pools };
        Record::put(format!("{PREFIX}account/{:04}", id.0), &stored)
    }

    pub(super) fn token(token: &Token) -> Record {
        Record::put(format!("{PREFIX}token/{}", token.id), token)
    }

    pub(super) fn delete_token(id: &str) -> Record {
        Record { key: format!("{PREFIX}token/{id}"), value: None }
    }

    pub(super) fn instance(instance: &Instance) -> Record {
        Record::put(format!("{PREFIX}instance/{}", instance.id), instance)
    }

    pub(super) fn delete_instance(id: &str) -> Record {
        Record { key: format!("{PREFIX}instance/{id}"), value: None }
    }

    pub(super) fn reservation(reservation: &Reservation) -> Record {
        let commitment = reservation.request.commitment;
        Record::put(format!("{PREFIX}reservation/{commitment}"), reservation)
    }

    pub(super) fn delete_reservation(commitment: Commitment) -> Record {
        Record { key: format!("{PREFIX}reservation/{commitment}"), value: None }
    }

    pub(super) fn event(slot: u64, entry: &Entry) -> Record {
        Record::put(format!("{PREFIX}event/{slot:04}"), entry)
    }

    pub(super) fn satellite(id: SatelliteId, satellite: &Satellite, claims: Vec<Claim>) -> Record {
        let stored = StoredSatellite { satellite: satellite.clone(), claims };
        Record::put(format!("{PREFIX}satellite/{:04}", id.0), &stored)
    }

    pub(super) fn delete_satellite(id: SatelliteId) -> Record {
        Record { key: format!("{PREFIX}satellite/{:04}", id.0), value: None }
    }

    pub(super) fn site(site: &Site) -> Record {
        Record::put(format!("{PREFIX}site/self"), site)
    }

    fn put(key: String, value: &impl Serialize) -> Record {
        let json = serde_json::to_vec(value).expect("records hold plain fields and lists only");
        Record { key, value: Some(json) }
    }
}

impl Authority {
    /// Takes back one record.
    pub(super) fn restore(&mut self, key: &str, value: &[u8]) -> Result<(), RecordError> {
        let kind = || RecordError::Kind { key: key.to_owned() };
        let contradiction = || RecordError::Contradiction { key: key.to_owned() };
        let (sort, name) =
            key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or_else(kind)?;
        match sort {
            "account" => {
                let id = AccountId(name.parse().map_err(|_| kind())?);
                let stored: StoredAccount = parse(key, value)?;
                // What is sold since the account was opened: it has bought none of it.
                let none = Pool { bought: 0, expires: None };
                let pools = Product::all().map(|sold| (sold.tag, none)).collect();
                let mut account = Account { name: stored.name, pools };
                for (tag, pool) in stored.pools {
                    // A product that is no longer sold has no pool.
                    if let Some(sold) = Product::of_tag(&tag) {
                        account.pools.insert(sold.tag, pool);
                    }
                }
                self.accounts.insert(id, account);
            }
            "token" => {
                let token: Token = parse(key, value)?;
                let known = self.token_texts.insert(token.text.clone(), token.id.clone());
                if token.id != name || known.is_some() || self.tokens.len() >= TOKENS_MAX {
                    return Err(contradiction());
                }
                self.tokens.insert(token.id.clone(), token);
            }
            "instance" => {
                let instance: Instance = parse(key, value)?;
                let twice = self.ledger.of_serial(instance.serial()).is_some();
                if instance.id != name || twice || self.ledger.len() >= INSTANCES_MAX {
                    return Err(contradiction());
                }
                self.ledger.insert(instance);
            }
            "reservation" => {
                let reservation: Reservation = parse(key, value)?;
                let named = reservation.request.commitment.to_string() == name;
                let serial = reservation.request.udi.serial.clone();
                let in_force = reservation.returned_at.is_none();
                if !named || !self.shelf.restore(reservation) {
                    return Err(contradiction());
                }
                if in_force {
                    self.ledger.set_reserved(&serial, true);
                }
            }
            "event" => {
                let entry: Entry = parse(key, value)?;
                let slot: u64 = name.parse().map_err(|_| kind())?;
                if entry.number % EVENTS_MAX as u64 != slot {
                    return Err(contradiction());
                }
                self.journal.restore(entry);
            }
            "satellite" => {
                let id = SatelliteId(name.parse().map_err(|_| kind())?);
                let StoredSatellite { satellite, claims } = parse(key, value)?;
                let Role::Cloud { satellites } = &mut self.role else {
                    return Err(RecordError::IS_CLOUD);
                };
                if satellites.len() >= SATELLITES_MAX {
                    return Err(contradiction());
                }
                satellites.insert(id, satellite);
                self.ledger.set_claims(id, claims);
            }
            "site" => {
                let stored: Site = parse(key, value)?;
                let Role::Satellite { site, .. } = &mut self.role else {
                    return Err(RecordError::IS_SATELLITE);
                };
                *site = stored;
            }
            _ => return Err(kind()),
        }
        Ok(())
    }

    /// Checks that every token, instance, reservation and satellite belongs to an account that
    /// exists, and that no chassis is both registered and reserved.
    pub(super) fn check_references(&self) -> Result<(), RecordError> {
        if let Role::Satellite { site, .. } = &self.role
            && site.uuid.is_empty()
            && !self.accounts.is_empty()
        {
            return Err(RecordError::IS_CLOUD);
        }
        let satellites = self.satellites().iter().map(|(id, known)| (id, known.account));
        for (id, account) in satellites {
            if !self.accounts.contains_key(&account) {
                let key = format!("{PREFIX}satellite/{:04}", id.0);
                return Err(RecordError::Account { key, account: account.0 });
            }
        }
        let tokens = self.tokens.values().map(|token| ("token", &token.id, token.account));
        let instances = self.ledger.iter().map(|known| ("instance", &known.id, known.account));
        for (sort, id, account) in tokens.chain(instances) {
            if !self.accounts.contains_key(&account) {
                let key = format!("{PREFIX}{sort}/{id}");
                return Err(RecordError::Account { key, account: account.0 });
            }
        }
        for reservation in self.shelf.iter() {
            let (account, request) = (reservation.account, &reservation.request);
            let key = || format!("{PREFIX}reservation/{}", request.commitment);
            if !self.accounts.contains_key(&account) {
                return Err(RecordError::Account { key: key(), account: account.0 });
            }
            let in_force = reservation.returned_at.is_none();
            if in_force && self.ledger.of_serial(&request.udi.serial).is_some() {
                return Err(RecordError::Contradiction { key: key() });
            }
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(value)
        .map_err(|error| RecordError::Json { key: key.to_owned(), reason: error.to_string() })
}
