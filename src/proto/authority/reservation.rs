//! Licence reservations: what an operator gives out by code and takes back by code.
//!
//! ```text
//!             authorize              return, remove
//!  (unknown) ───────────▶ in force ────────────────▶ returned
//! ```
//! A serial number is a product instance's or a reservation's, never both: an operator must remove
//! the one before the other can be. What a satellite reports of a reserved one counts nothing. A request code serves once: what was returned stays known, so
//! that it is not authorised again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::account::{AccountId, AccountName};
use super::operator::OperatorError;
use super::record::Record;
use super::{Authority, RESERVATIONS_MAX};
use crate::base::entitlement::Universal;
use crate::base::ident::Udi;
use crate::base::platform::Chassis;
use crate::base::time::Utc;
use crate::wire::callhome::SigningKey;
use crate::wire::reservation::{AuthorizationCode, Commitment, RequestCode, ReturnCode};

/// A reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    pub request: RequestCode,
    /// What answers it; given out again to whoever asks with the same request.
    pub code: AuthorizationCode,
    /// Whose licence it takes.
    pub account: AccountId,
    pub authorized_at: Utc,
    /// When it was given back; it takes nothing since.
    pub returned_at: Option<Utc>,
}

/// A reservation as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReservationFacts {
    pub udi: Udi,
    pub smart_account: String,
    pub virtual_account: String,
    /// Short name of what it takes, as `pool set` takes it.
    pub tag: String,
    pub request_code: String,
    /// What the chassis's operator installs.
    pub authorization_code: String,
    #[serde(with = "crate::base::time::iso")]
    pub authorized_at: Utc,
    #[serde(with = "crate::base::time::iso::optional")]
    pub returned_at: Option<Utc>,
}

/// Every reservation, with running totals.
///
/// Invariant: `in_force` and `taken` say what a walk over `all` would say.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    all: BTreeMap<Commitment, Reservation>,
    /// By serial number, those that were not returned.
    in_force: BTreeMap<String, Commitment>,
    /// Licences taken of an account, by tag; no entry for none.
    taken: BTreeMap<(AccountId, &'static str), u32>,
}

impl Reservation {
    fn serial(&self) -> &str {
        &self.request.udi.serial
    }

    /// Returns what it takes; `None` for a model that is no longer known.
    fn universal(&self) -> Option<&'static Universal> {
        universal_of(&self.request.udi.pid)
    }
}

/// Returns what a reservation takes for a chassis with this product identifier.
fn universal_of(pid: &str) -> Option<&'static Universal> {
    Chassis::of_udi(pid).and_then(|chassis| Universal::find(chassis.family))
}

impl Shelf {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.all.values()
    }

    /// Returns the reservation in force of a chassis.
    pub(super) fn of_serial(&self, serial: &str) -> Option<&Reservation> {
        self.in_force.get(serial).and_then(|commitment| self.all.get(commitment))
    }

    /// Returns how many licences of a kind an account's reservations take.
    pub(super) fn taken(&self, account: AccountId, tag: &'static str) -> u32 {
        self.taken.get(&(account, tag)).copied().unwrap_or(0)
    }

    /// Puts back what was read from flash; false if it contradicts what is there.
    pub(super) fn restore(&mut self, reservation: Reservation) -> bool {
        let twice = self.all.contains_key(&reservation.request.commitment);
        let serial = reservation.serial();
        let second = reservation.returned_at.is_none() && self.in_force.contains_key(serial);
        let fits = !twice && !second && self.all.len() < RESERVATIONS_MAX;
        if fits {
            self.insert(reservation);
        }
        fits
    }

    fn insert(&mut self, reservation: Reservation) {
        let commitment = reservation.request.commitment;
        if reservation.returned_at.is_none() {
            self.in_force.insert(reservation.serial().to_owned(), commitment);
            if let Some(universal) = reservation.universal() {
                *self.taken.entry((reservation.account, universal.tag)).or_default() += 1;
            }
        }
        self.all.insert(commitment, reservation);
    }

    fn remove(&mut self, commitment: Commitment) -> Option<Reservation> {
        let reservation = self.all.remove(&commitment)?;
        if reservation.returned_at.is_none() {
            self.in_force.remove(reservation.serial());
            if let Some(universal) = reservation.universal() {
                let key = (reservation.account, universal.tag);
                let left = self.taken.get(&key).map_or(0, |taken| taken.saturating_sub(1));
                if left == 0 {
                    self.taken.remove(&key);
                } else {
                    self.taken.insert(key, left);
                }
            }
        }
        Some(reservation)
    }

    /// Returns the totals as a walk over all reservations gives them.
    #[cfg(test)]
    pub(super) fn counted(&self) -> BTreeMap<(AccountId, &'static str), u32> {
        let mut taken = BTreeMap::new();
        for reservation in self.all.values().filter(|one| one.returned_at.is_none()) {
            if let Some(universal) = reservation.universal() {
                *taken.entry((reservation.account, universal.tag)).or_default() += 1;
            }
        }
        taken
    }

    #[cfg(test)]
    pub(super) fn totals(&self) -> &BTreeMap<(AccountId, &'static str), u32> {
        &self.taken
    }
}

impl Authority {
    /// Answers a request code: takes one universal licence from an account, `None` for the default
    /// one, and makes the authorization code of that chassis, signed with `key`, the licence
    /// root's. The same request is answered with the same code, and counted once. Poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError`]: a code that can't be read, was given back already or is another chassis's
    /// too; a chassis that is a product instance, here or at a satellite, has a reservation, or is of
    /// an unknown model; an account that does not exist or has no universal licence left; no room;
    /// and [`OperatorError::CloudOnly`], for a satellite has no universal licences to give.
    pub fn reservation_authorize(
        &mut self,
        now: Utc,
        request_code: &str,
        account: Option<&AccountName>,
        key: &SigningKey,
    ) -> Result<ReservationFacts, OperatorError> {
        self.cloud_only()?;
        let request = RequestCode::parse(request_code)?;
        if let Some(known) = self.shelf.all.get(&request.commitment) {
            if known.returned_at.is_some() || known.request != request {
                return Err(OperatorError::RequestSpent);
            }
            return Ok(self.reservation_facts(known));
        }
        let serial = request.udi.serial.clone();
        if self.shelf.of_serial(&serial).is_some() {
            return Err(OperatorError::Reserved { serial });
        }
        if self.ledger.of_serial(&serial).is_some() || self.ledger.is_claimed(&serial) {
            return Err(OperatorError::Registered { serial });
        }
        let universal = universal_of(&request.udi.pid)
            .ok_or_else(|| OperatorError::NoModel { pid: request.udi.pid.clone() })?;
        let account = account.map_or(Ok(AccountId::FIRST), |name| self.find_account(name))?;
        if self.universal_left(now, account, universal, &serial) == 0 {
            return Err(OperatorError::NoneLeft { name: universal.name });
        }
        self.make_room_for_reservation()?;
        let code = AuthorizationCode::sign(&request, key);
        let reservation =
            Reservation { request, code, account, authorized_at: now, returned_at: None };
        self.changed.push(Record::reservation(&reservation));
        self.note(now, "", &format!("{serial} reserved {}", universal.sku));
        let facts = self.reservation_facts(&reservation);
        self.shelf.insert(reservation);
        self.ledger.set_reserved(&serial, true);
        self.flush();
        Ok(facts)
    }

    /// Takes a reservation back by the return code that its chassis made; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::Code`], [`OperatorError::NoReservation`] for one that was never authorised
    /// here or was given back before.
    pub fn reservation_return(
        &mut self,
        now: Utc,
        return_code: &str,
    ) -> Result<ReservationFacts, OperatorError> {
        let commitment = ReturnCode::parse(return_code)?.commitment();
        self.end_reservation(now, commitment, "gave its reservation back")
            .ok_or_else(|| OperatorError::NoReservation { asked: return_code.trim().to_owned() })
    }

    /// Takes a chassis's reservation back without a return code: the operator knows that the chassis
    /// is gone. Poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::NoReservation`].
    pub fn reservation_remove(
        &mut self,
        now: Utc,
        serial: &str,
    ) -> Result<ReservationFacts, OperatorError> {
        let commitment = self.shelf.in_force.get(serial).copied();
        commitment
            .and_then(|commitment| {
                self.end_reservation(now, commitment, "lost its reservation to the operator")
            })
            .ok_or_else(|| OperatorError::NoReservation { asked: serial.to_owned() })
    }

    /// Returns every reservation that is known, oldest first.
    pub fn reservations(&self) -> Vec<ReservationFacts> {
        let mut list: Vec<_> = self.shelf.iter().collect();
        list.sort_by_key(|one| (one.authorized_at, one.request.commitment));
        list.into_iter().map(|one| self.reservation_facts(one)).collect()
    }

    fn end_reservation(
        &mut self,
        now: Utc,
        commitment: Commitment,
        what: &str,
    ) -> Option<ReservationFacts> {
        self.shelf.all.get(&commitment).filter(|known| known.returned_at.is_none())?;
        let mut reservation = self.shelf.remove(commitment)?;
        reservation.returned_at = Some(now);
        self.ledger.set_reserved(reservation.serial(), false);
        self.changed.push(Record::reservation(&reservation));
        self.note(now, "", &format!("{} {what}", reservation.serial()));
        let facts = self.reservation_facts(&reservation);
        self.shelf.insert(reservation);
        self.flush();
        Some(facts)
    }

    /// Returns how many universal licences an account can still give to this chassis.
    fn universal_left(
        &self,
        now: Utc,
        account: AccountId,
        universal: &'static Universal,
        serial: &str,
    ) -> u32 {
        if self.settings.of(serial).pool_short {
            return 0;
        }
        let pools = self.accounts.get(&account).map(|account| &account.pools);
        let pool = pools.and_then(|pools| pools.get(universal.tag));
        let available = pool.map_or(0, |pool| pool.available(now));
        available.saturating_sub(self.shelf.taken(account, universal.tag))
    }

    /// Forgets the oldest reservation that was given back if there are [`RESERVATIONS_MAX`].
    fn make_room_for_reservation(&mut self) -> Result<(), OperatorError> {
        if self.shelf.all.len() < RESERVATIONS_MAX {
            return Ok(());
        }
        let ended = self.shelf.iter().filter(|one| one.returned_at.is_some());
        let oldest = ended.min_by_key(|one| (one.returned_at, one.request.commitment));
        let oldest = oldest.map(|one| one.request.commitment).ok_or(OperatorError::Reservations)?;
        self.shelf.remove(oldest);
        self.changed.push(Record::delete_reservation(oldest));
        Ok(())
    }

    fn reservation_facts(&self, reservation: &Reservation) -> ReservationFacts {
        let name = self.account_name(reservation.account);
        ReservationFacts {
            udi: reservation.request.udi.clone(),
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            tag: reservation.universal().map_or(String::new(), Universal::short_name),
            request_code: reservation.request.to_string(),
            authorization_code: reservation.code.to_string(),
            authorized_at: reservation.authorized_at,
            returned_at: reservation.returned_at,
        }
    }
}
