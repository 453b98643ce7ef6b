//! What the authority decides about one request.

use std::collections::BTreeSet;

use super::account::AccountId;
use super::instance::{Freshness, Instance, Seen};
use super::record::Record;
use super::refusal::{self, Refusal};
use super::token::TokenState;
use super::{Authority, INSTANCES_MAX};
use crate::base::entitlement::{Entitlement, Product};
use crate::base::ident::Tag;
use crate::base::time::Utc;
use crate::wire::callhome::{
    Ask, Authorization, Compliance, Grant, PublicKey, Request, Use, Verdict, verify,
};

/// A request with what proves it.
#[derive(Clone, Copy)]
struct Signed<'a> {
    request: &'a Request,
    body: &'a [u8],
    signature: &'a [u8],
}

/// What was typed after `register`.
#[derive(Clone, Copy)]
struct Registration<'a> {
    token: &'a str,
    force: bool,
    public_key: &'a str,
}

impl Authority {
    /// Decides about one request.
    pub(super) fn decide(
        &mut self,
        now: Utc,
        request: &Request,
        body: &[u8],
        signature: &[u8],
    ) -> Verdict {
        let signed = Signed { request, body, signature };
        let decided = match &request.ask {
            Ask::Register { token, force, public_key } => {
                self.register(now, signed, Registration { token, force: *force, public_key })
            }
            Ask::Renew { instance } => self.renew(now, signed, instance),
            Ask::Authorize { instance, in_use } => self.authorize(now, signed, instance, in_use),
            Ask::Deregister { instance } => self.deregister(now, signed, instance),
        };
        decided.unwrap_or_else(|refusal| {
            let serial = &request.device.udi.serial;
            // Not persisted: a flood of nonsense must not wear the flash.
            self.journal.note(now, "", &format!("{serial} refused: {}", refusal.text));
            refusal.into()
        })
    }

    /// Makes a product instance: timestamp, token and serial number are judged in this order.
    ///
    /// # Source
    /// The texts are the seed's; their order is ours.
    fn register(
        &mut self,
        now: Utc,
        signed: Signed<'_>,
        asked: Registration<'_>,
    ) -> Result<Verdict, Refusal> {
        let Request { device, nonce, .. } = signed.request;
        let settings = self.settings.of(&device.udi.serial);
        let (taken, refuse) = (settings.already_registered, settings.refuse_token);
        let public_key = PublicKey::parse(asked.public_key)
            .map_err(|_| refusal::malformed("The public key is damaged."))?;
        if !verify(&public_key, signed.body, signed.signature) {
            return Err(refusal::signature());
        }
        self.check_timestamp(now, signed.request)?;

        let holder = self.ledger.of_serial(&device.udi.serial);
        let again = holder.filter(|known| {
            let (token, first_nonce) = &known.registered_by;
            let same = known.public_key == public_key && token == asked.token;
            same && (first_nonce == nonce || !known.confirmed)
        });
        if let Some(known) = again.filter(|_| !taken && !refuse) {
            return Ok(Verdict::Registered(self.grant(known)));
        }

        let account = self.check_token(now, signed.request, asked.token)?;
        let holder = holder.map(|known| known.id.clone());
        // A reservation is given back by its code; no `force` takes its place.
        let reserved = self.shelf.of_serial(&device.udi.serial).is_some();
        if taken || reserved || (holder.is_some() && !asked.force) {
            return Err(refusal::already_registered(device));
        }
        if let Some(old) = holder {
            self.drop_instance(now, &old, "replaced by force");
        }
        if self.ledger.len() >= INSTANCES_MAX {
            return Err(refusal::malformed("The authority has no room for more instances."));
        }
        let export_controlled = self.spend_token(asked.token);
        let mut instance = Instance {
            id: self.rng.uuid(),
            account,
            device: device.clone(),
            public_key,
            export_controlled,
            registered_at: now,
            not_before: now,
            not_after: now,
            last_contact: now,
            in_use: Vec::new(),
            registered_by: (asked.token.to_owned(), *nonce),
            confirmed: false,
            seen: Seen::default(),
            silent: false,
        };
        instance.certify(now);
        self.note(now, &instance.id, &format!("{} registered", instance.serial()));
        self.changed.push(Record::instance(&instance));
        let grant = self.grant(&instance);
        self.ledger.insert(instance);
        Ok(Verdict::Registered(grant))
    }

    /// Begins a new certificate for an instance.
    fn renew(&mut self, now: Utc, signed: Signed<'_>, id: &str) -> Result<Verdict, Refusal> {
        let freshness = self.authenticate(now, signed, id)?;
        if self.settings.of(&signed.request.device.udi.serial).refuse_renewal {
            return Err(refusal::renewal());
        }
        self.heard(now, signed.request, id, |instance| {
            if freshness == Freshness::New {
                instance.certify(now);
            }
        });
        let instance = self.ledger.get(id).ok_or_else(|| refusal::unknown_instance(id))?;
        let (serial, grant) = (instance.serial().to_owned(), self.grant(instance));
        if freshness == Freshness::New {
            self.note(now, id, &format!("{serial} renewed"));
        }
        Ok(Verdict::Renewed(grant))
    }

    /// Takes an instance's whole list of uses and says which are paid for.
    fn authorize(
        &mut self,
        now: Utc,
        signed: Signed<'_>,
        id: &str,
        in_use: &[Use],
    ) -> Result<Verdict, Refusal> {
        self.authenticate(now, signed, id)?;
        let tags: BTreeSet<_> = in_use.iter().map(|used| &used.tag).collect();
        if tags.len() != in_use.len() {
            return Err(refusal::malformed("A tag stands in the list twice."));
        }
        // What isn't sold can't be counted: it would fill the totals with a sender's inventions.
        let counted: Vec<Use> = in_use
            .iter()
            .filter(|used| used.count > 0 && Entitlement::of_tag(used.tag.as_str()).is_some())
            .cloned()
            .collect();
        let changed = self.ledger.get(id).is_some_and(|known| known.in_use != counted);
        self.heard(now, signed.request, id, |instance| instance.in_use = counted);
        let instance = self.ledger.get(id).ok_or_else(|| refusal::unknown_instance(id))?;
        let (account, serial) = (instance.account, instance.serial().to_owned());
        if changed {
            self.note(now, id, &format!("{serial} uses {}", written(in_use)));
        }
        let short = self.settings.of(&serial).pool_short;
        let answers = in_use.iter().map(|used| {
            let available = if short { 0 } else { self.available(now, account, &used.tag) };
            self.authorization(now, account, used, available)
        });
        let answers = answers.collect();
        Ok(Verdict::Authorized(answers))
    }

    /// Forgets an instance.
    fn deregister(&mut self, now: Utc, signed: Signed<'_>, id: &str) -> Result<Verdict, Refusal> {
        self.authenticate(now, signed, id)?;
        self.drop_instance(now, id, "deregistered");
        Ok(Verdict::Deregistered)
    }

    /// Checks that a request comes from the instance that it names, now.
    fn authenticate(&self, now: Utc, signed: Signed<'_>, id: &str) -> Result<Freshness, Refusal> {
        let Request { sent_at, nonce, device, .. } = signed.request;
        let instance = self.ledger.get(id).ok_or_else(|| refusal::unknown_instance(id))?;
        let same = instance.device.udi == device.udi;
        if !same || !verify(&instance.public_key, signed.body, signed.signature) {
            return Err(refusal::signature());
        }
        self.check_timestamp(now, signed.request)?;
        let tolerance = self.settings.of(&device.udi.serial).tolerance;
        match instance.seen.judge(*sent_at, *nonce, now - tolerance, now + tolerance) {
            Freshness::Replay => Err(refusal::replay()),
            fresh @ (Freshness::New | Freshness::Repeat) => Ok(fresh),
        }
    }

    fn check_timestamp(&self, now: Utc, request: &Request) -> Result<(), Refusal> {
        let (sent_at, serial) = (request.sent_at, &request.device.udi.serial);
        let off = now.since(sent_at).max(sent_at.since(now));
        let within = off <= self.settings.of(serial).tolerance;
        if within { Ok(()) } else { Err(refusal::timestamp(sent_at)) }
    }

    /// Returns the account of a token that works.
    fn check_token(&self, now: Utc, request: &Request, typed: &str) -> Result<AccountId, Refusal> {
        let refuse = self.settings.of(&request.device.udi.serial).refuse_token;
        let token = self.token_texts.get(typed).and_then(|id| self.tokens.get(id));
        token
            .filter(|token| token.state(now) == TokenState::Active && !refuse)
            .map(|token| token.account)
            .ok_or_else(|| refusal::token(typed))
    }

    /// Counts one use of a token; returns whether it allows export-controlled functionality.
    fn spend_token(&mut self, typed: &str) -> bool {
        let id = self.token_texts.get(typed);
        let Some(token) = id.and_then(|id| self.tokens.get_mut(id)) else { return false };
        token.uses = token.uses.saturating_add(1);
        self.changed.push(Record::token(token));
        token.export_controlled
    }

    /// Notes that an instance spoke, with whatever else its request changes.
    fn heard(&mut self, now: Utc, request: &Request, id: &str, change: impl FnOnce(&mut Instance)) {
        let updated = self.ledger.update(id, |instance| {
            instance.silent = false;
            instance.confirmed = true;
            instance.last_contact = now;
            instance.device = request.device.clone();
            instance.seen.note(request.sent_at, request.nonce);
            change(instance);
        });
        self.changed.extend(updated.map(Record::instance));
    }

    /// Removes an instance and frees what it uses.
    pub(super) fn drop_instance(&mut self, now: Utc, id: &str, why: &str) -> Option<Instance> {
        let instance = self.ledger.remove(id)?;
        self.note(now, id, &format!("{} {why}", instance.serial()));
        self.changed.push(Record::delete_instance(id));
        Some(instance)
    }

    /// Writes the grant of an instance; the certificate is added where keys are kept.
    fn grant(&self, instance: &Instance) -> Grant {
        let name = self.accounts.get(&instance.account).map(|account| account.name.clone());
        let name = name.unwrap_or_default();
        Grant {
            instance: instance.id.clone(),
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            export_controlled: instance.export_controlled,
            not_before: instance.not_before,
            not_after: instance.not_after,
            certificate: String::new(),
        }
    }

    /// Says whether a use is paid for: the account's total of the tag against what it has.
    fn authorization(
        &self,
        now: Utc,
        account: AccountId,
        used: &Use,
        available: u64,
    ) -> Authorization {
        let row = Entitlement::of_tag(used.tag.as_str());
        let name = row.map_or("", |row| row.name);
        let compliance = if row.is_none() {
            Compliance::UnknownTag
        } else if used.count == 0 || self.taken(now, account, &used.tag) <= available {
            Compliance::InCompliance
        } else {
            Compliance::OutOfCompliance
        };
        Authorization {
            tag: used.tag.clone(),
            name: name.to_owned(),
            // Seed: the tier's description is its name.
            description: name.to_owned(),
            count: used.count,
            compliance,
        }
    }

    /// Returns the units of a tag that an account has in use or has set aside for its satellites.
    pub(super) fn taken(&self, now: Utc, account: AccountId, tag: &Tag) -> u64 {
        // Of the two, one is always none: entitlements are used, universal licences are reserved.
        let sold = Product::of_tag(tag.as_str());
        let reserved = sold.map_or(0, |sold| u64::from(self.shelf.taken(account, sold.tag)));
        let used = self.ledger.total(account, tag).saturating_add(reserved);
        used.saturating_add(self.held(now, account, tag))
    }

    /// Returns the units of a tag that an account may use at `now`.
    pub(super) fn available(&self, now: Utc, account: AccountId, tag: &Tag) -> u64 {
        let pools = self.accounts.get(&account).map(|account| &account.pools);
        let pool = pools.and_then(|pools| pools.get(tag.as_str()));
        pool.map_or(0, |pool| u64::from(pool.available(now)))
    }
}

/// Writes a list of uses for the event log; it names what the catalogue knows.
fn written(in_use: &[Use]) -> String {
    let known = in_use.iter().filter(|used| Entitlement::of_tag(used.tag.as_str()).is_some());
    let list: Vec<_> =
        known.map(|used| format!("{} {}", used.count, used.tag.short_name())).collect();
    if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
}
