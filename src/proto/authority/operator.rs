//! What an operator of the authority can do and see.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::account::{AccountId, AccountName, Pool};
use super::instance::Instance;
use super::journal::Entry;
use super::record::Record;
use super::site::SyncError;
use super::token::{self, Token, TokenState};
use super::{ACCOUNTS_MAX, Authority, RESERVATIONS_MAX, TOKENS_MAX};
use crate::base::entitlement::Product;
use crate::base::ident::{Tag, Udi};
use crate::base::time::{Utc, days};
use crate::wire::reservation::CodeError;

/// Longest life of a token, in days.
///
/// # Source
/// Recall: the vendor's portal takes 1 to 365. The seed's tokens lived 30 and 90.
pub const VALID_DAYS_MAX: u32 = 365;
/// Most registrations that a token with a limit allows.
const USES_MAX: u32 = 100_000;

/// A token as an operator orders it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSpec {
    /// `None` for the default account; one that is new is opened and stocked.
    pub account: Option<AccountName>,
    /// 1 to [`VALID_DAYS_MAX`].
    pub valid_days: u32,
    /// Most registrations, 1 to 100,000; `None` for any number.
    pub uses_max: Option<u32>,
    pub export_controlled: bool,
}

impl Default for TokenSpec {
    fn default() -> TokenSpec {
        TokenSpec { account: None, valid_days: 30, uses_max: None, export_controlled: true }
    }
}

/// Why an operator was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OperatorError {
    #[error("{asked} days is no life of a token: give 1 to {VALID_DAYS_MAX}")]
    Days { asked: u32 },
    #[error("{asked} is no number of registrations: give 1 to {USES_MAX}, or none for any number")]
    Uses { asked: u32 },
    #[error("an account's names are 1 to 64 printable ASCII characters")]
    AccountName,
    #[error("there are {ACCOUNTS_MAX} accounts already: use one of them")]
    Accounts,
    #[error("{TOKENS_MAX} tokens are in force: revoke one first")]
    Tokens,
    #[error("no token {asked}: give an identifier or a text from the list of tokens")]
    NoToken { asked: String },
    #[error("no product instance {asked}: give an identifier or a serial number from the list")]
    NoInstance { asked: String },
    #[error("no account {smart_account} / {virtual_account}: order a token for it to open it")]
    NoAccount { smart_account: String, virtual_account: String },
    #[error("no entitlement {asked}: give a tag or its short name from the list of pools")]
    NoTag { asked: String },
    #[error("account {smart_account} / {virtual_account} exists already: use it")]
    AccountExists { smart_account: String, virtual_account: String },
    #[error("no satellite {asked}: give an identifier or a name from the list of satellites")]
    NoSatellite { asked: String },
    #[error("a satellite has what its cloud authority allows: do this there, then sync")]
    CloudOnly,
    #[error("this is a cloud authority: only a satellite does this")]
    SatelliteOnly,
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// What was typed is no code of the kind that is wanted.
    #[error(transparent)]
    Code(#[from] CodeError),
    #[error("this request code has served before: make a new one on the chassis")]
    RequestSpent,
    #[error("{serial} has a reservation: enter its return code first, or remove it")]
    Reserved { serial: String },
    #[error("{serial} is a product instance: deregister it on the chassis, or remove the instance")]
    Registered { serial: String },
    #[error("no universal licence is sold for {pid}: reserve for a 4100 or a 9300")]
    NoModel { pid: String },
    #[error("no {name} is left in the account: buy more, or return one")]
    NoneLeft { name: &'static str },
    #[error("no reservation in force for {asked}: give a return code or a serial number")]
    NoReservation { asked: String },
    #[error("{RESERVATIONS_MAX} reservations are in force: return one first")]
    Reservations,
}

/// A virtual account as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountFacts {
    pub smart_account: String,
    pub virtual_account: String,
    /// Tokens that still register something.
    pub tokens: usize,
    pub instances: usize,
    pub satellites: usize,
    /// Whether of every entitlement no more is taken than the account has.
    pub in_compliance: bool,
}

/// A token as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenFacts {
    pub id: String,
    pub text: String,
    pub smart_account: String,
    pub virtual_account: String,
    pub export_controlled: bool,
    #[serde(with = "crate::base::time::iso")]
    pub created_at: Utc,
    #[serde(with = "crate::base::time::iso")]
    pub expires: Utc,
    pub uses: u32,
    pub uses_max: Option<u32>,
    pub state: TokenState,
}

/// A product instance as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceFacts {
    pub id: String,
    pub udi: Udi,
    pub hostname: String,
    pub product: String,
    pub agent: String,
    pub smart_account: String,
    pub virtual_account: String,
    pub export_controlled: bool,
    #[serde(with = "crate::base::time::iso")]
    pub registered_at: Utc,
    #[serde(with = "crate::base::time::iso")]
    pub last_contact: Utc,
    #[serde(with = "crate::base::time::iso")]
    pub not_before: Utc,
    #[serde(with = "crate::base::time::iso")]
    pub not_after: Utc,
    /// True when it has been silent so long that its licences no longer count.
    pub silent: bool,
    pub in_use: Vec<UseFacts>,
}

/// What an instance uses of one entitlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UseFacts {
    /// Short name, `FIREPOWER_4100_ASA_STANDARD`.
    pub tag: String,
    pub count: u32,
}

/// A pool as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolFacts {
    pub smart_account: String,
    pub virtual_account: String,
    /// Short name, as `pool set` takes it.
    pub tag: String,
    pub name: &'static str,
    pub bought: u32,
    #[serde(with = "crate::base::time::iso::optional")]
    pub expires: Option<Utc>,
    /// Units that count now.
    pub available: u32,
    /// Units in use, at satellites too.
    pub in_use: u64,
    /// Units that satellites may hand out.
    pub leased: u64,
    /// Whether what is in use or set aside for satellites is paid for.
    pub in_compliance: bool,
}

impl Authority {
    /// Issues a token; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError`] for a life, a number or a name outside its bounds, and when there is no
    /// room.
    pub fn token_new(&mut self, now: Utc, spec: &TokenSpec) -> Result<TokenFacts, OperatorError> {
        if !(1..=VALID_DAYS_MAX).contains(&spec.valid_days) {
            return Err(OperatorError::Days { asked: spec.valid_days });
        }
        if let Some(asked) = spec.uses_max.filter(|uses| !(1..=USES_MAX).contains(uses)) {
            return Err(OperatorError::Uses { asked });
        }
        let export_controlled = spec.export_controlled && self.flavour().supports_export_flag();
        self.make_room_for_token(now)?;
        let account = match &spec.account {
            None => AccountId::FIRST,
            Some(name) => self.account_or_new(name)?,
        };
        let id = self.rng.uuid();
        let expires = now + days(u64::from(spec.valid_days));
        let token = Token {
            text: token::text(&id, expires, &mut self.rng),
            id,
            account,
            export_controlled,
            created_at: now,
            expires,
            uses: 0,
            uses_max: spec.uses_max,
            revoked: false,
        };
        self.changed.push(Record::token(&token));
        self.note(now, "", &format!("token {} issued", token.id));
        self.token_texts.insert(token.text.clone(), token.id.clone());
        let facts = self.token_facts(now, &token);
        self.tokens.insert(token.id.clone(), token);
        self.flush();
        Ok(facts)
    }

    /// Revokes a token, named by identifier or text; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::NoToken`].
    pub fn token_revoke(&mut self, now: Utc, asked: &str) -> Result<TokenFacts, OperatorError> {
        let id = self.token_texts.get(asked).map_or(asked, String::as_str);
        let Some(token) = self.tokens.get_mut(id) else {
            return Err(OperatorError::NoToken { asked: asked.to_owned() });
        };
        token.revoked = true;
        let token = token.clone();
        self.changed.push(Record::token(&token));
        self.note(now, "", &format!("token {} revoked", token.id));
        self.flush();
        Ok(self.token_facts(now, &token))
    }

    /// Returns every token, oldest first.
    pub fn tokens(&self, now: Utc) -> Vec<TokenFacts> {
        let mut list: Vec<_> = self.tokens.values().collect();
        list.sort_by_key(|token| (token.created_at, &token.id));
        list.into_iter().map(|token| self.token_facts(now, token)).collect()
    }

    /// Returns every product instance, oldest first.
    pub fn instances(&self) -> Vec<InstanceFacts> {
        let mut list: Vec<_> = self.ledger.iter().collect();
        list.sort_by_key(|instance| (instance.registered_at, &instance.id));
        list.into_iter().map(|instance| self.instance_facts(instance)).collect()
    }

    /// Removes a product instance, named by identifier or serial number; poll afterwards. The
    /// chassis learns of it when it next asks.
    ///
    /// # Errors
    /// [`OperatorError::NoInstance`].
    pub fn instance_remove(
        &mut self,
        now: Utc,
        asked: &str,
    ) -> Result<InstanceFacts, OperatorError> {
        let id = self.find_instance(asked)?;
        let removed = self.drop_instance(now, &id, "removed by the operator");
        self.flush();
        let removed = removed.as_ref().map(|instance| self.instance_facts(instance));
        removed.ok_or_else(|| OperatorError::NoInstance { asked: asked.to_owned() })
    }

    /// Moves a product instance to another account, with all it uses; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::NoInstance`], [`OperatorError::NoAccount`].
    pub fn instance_transfer(
        &mut self,
        now: Utc,
        asked: &str,
        to: &AccountName,
    ) -> Result<InstanceFacts, OperatorError> {
        let id = self.find_instance(asked)?;
        let account = self.find_account(to)?;
        let moved = self.ledger.update(&id, |instance| instance.account = account).cloned();
        let moved = moved.ok_or_else(|| OperatorError::NoInstance { asked: asked.to_owned() })?;
        self.changed.push(Record::instance(&moved));
        self.note(now, &id, &format!("{} moved to {}", moved.serial(), to.virtual_account));
        self.flush();
        Ok(self.instance_facts(&moved))
    }

    /// Returns every pool of every account.
    pub fn pools(&self, now: Utc) -> Vec<PoolFacts> {
        let each = self.accounts.iter();
        each.flat_map(|(id, account)| account.pools.keys().map(move |tag| (*id, *tag)))
            .filter_map(|(id, tag)| self.pool_facts(now, id, tag))
            .collect()
    }

    /// Sets what an account has bought of one entitlement; poll afterwards.
    ///
    /// `tag` is a whole tag or its short name, letters in either case; `account` is `None` for the
    /// default one. What reservations took already stays taken.
    ///
    /// # Errors
    /// [`OperatorError::NoAccount`], [`OperatorError::NoTag`], [`OperatorError::CloudOnly`].
    pub fn pool_set(
        &mut self,
        now: Utc,
        account: Option<&AccountName>,
        tag: &str,
        pool: Pool,
    ) -> Result<PoolFacts, OperatorError> {
        let no_tag = || OperatorError::NoTag { asked: tag.to_owned() };
        self.cloud_only()?;
        let id = account.map_or(Ok(AccountId::FIRST), |name| self.find_account(name))?;
        let row = Product::of_tag(tag).or_else(|| Product::of_short_name(tag));
        let row = row.ok_or_else(no_tag)?;
        let held = self.accounts.get_mut(&id).ok_or_else(no_tag)?;
        held.pools.insert(row.tag, pool);
        self.changed.push(Record::account(id, held));
        let until = pool.expires.map_or(String::new(), |end| format!(" until {}", end.iso()));
        self.note(now, "", &format!("{} {} bought{until}", pool.bought, row.name));
        self.flush();
        self.pool_facts(now, id, row.tag).ok_or_else(no_tag)
    }

    /// Opens an account, with the default pools or with empty ones; poll afterwards.
    ///
    /// # Errors
    /// [`OperatorError::AccountExists`], [`OperatorError::AccountName`],
    /// [`OperatorError::Accounts`], [`OperatorError::CloudOnly`].
    pub fn account_new(
        &mut self,
        now: Utc,
        name: &AccountName,
        stocked: bool,
    ) -> Result<AccountFacts, OperatorError> {
        if self.find_account(name).is_ok() {
            return Err(OperatorError::AccountExists {
                smart_account: name.smart_account.clone(),
                virtual_account: name.virtual_account.clone(),
            });
        }
        self.check_new_account(name)?;
        let id = self.open_account(name.clone(), stocked);
        self.note(now, "", &format!("account {} opened", name.virtual_account));
        self.flush();
        Ok(self.account_facts(now, id, 0))
    }

    /// Returns every account, oldest first.
    pub fn account_list(&self, now: Utc) -> Vec<AccountFacts> {
        let mut instances: BTreeMap<AccountId, usize> = BTreeMap::new();
        for instance in self.ledger.iter() {
            *instances.entry(instance.account).or_default() += 1;
        }
        let of = |id| instances.get(id).copied().unwrap_or(0);
        self.accounts.keys().map(|id| self.account_facts(now, *id, of(id))).collect()
    }

    /// Returns the event log, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.journal.iter()
    }

    /// Returns the account's identifier; opens it if it is new.
    fn account_or_new(&mut self, name: &AccountName) -> Result<AccountId, OperatorError> {
        if let Ok(id) = self.find_account(name) {
            return Ok(id);
        }
        self.check_new_account(name)?;
        Ok(self.open_account(name.clone(), true))
    }

    /// Refuses an account that can't be opened.
    fn check_new_account(&self, name: &AccountName) -> Result<(), OperatorError> {
        self.cloud_only()?;
        if !name.is_printable() {
            return Err(OperatorError::AccountName);
        }
        if self.accounts.len() >= ACCOUNTS_MAX {
            return Err(OperatorError::Accounts);
        }
        Ok(())
    }

    pub(super) fn find_account(&self, name: &AccountName) -> Result<AccountId, OperatorError> {
        let found = self.accounts.iter().find(|(_, account)| account.name == *name);
        found.map(|(id, _)| *id).ok_or_else(|| OperatorError::NoAccount {
            smart_account: name.smart_account.clone(),
            virtual_account: name.virtual_account.clone(),
        })
    }

    pub(super) fn find_instance(&self, asked: &str) -> Result<String, OperatorError> {
        let found = self.ledger.get(asked).or_else(|| self.ledger.of_serial(asked));
        found
            .map(|instance| instance.id.clone())
            .ok_or_else(|| OperatorError::NoInstance { asked: asked.to_owned() })
    }

    /// Drops the oldest token that no longer works if there are [`TOKENS_MAX`].
    fn make_room_for_token(&mut self, now: Utc) -> Result<(), OperatorError> {
        if self.tokens.len() < TOKENS_MAX {
            return Ok(());
        }
        let dead = self.tokens.values().filter(|token| token.state(now) != TokenState::Active);
        let oldest = dead.min_by_key(|token| (token.created_at, &token.id));
        let oldest = oldest.cloned().ok_or(OperatorError::Tokens)?;
        self.tokens.remove(&oldest.id);
        self.token_texts.remove(&oldest.text);
        self.changed.push(Record::delete_token(&oldest.id));
        Ok(())
    }

    pub(super) fn account_name(&self, id: AccountId) -> AccountName {
        self.accounts.get(&id).map(|account| account.name.clone()).unwrap_or_default()
    }

    fn account_facts(&self, now: Utc, id: AccountId, instances: usize) -> AccountFacts {
        let name = self.account_name(id);
        let active = |token: &&Token| token.account == id && token.state(now) == TokenState::Active;
        let mut pools = Product::all().filter_map(|sold| self.pool_facts(now, id, sold.tag));
        AccountFacts {
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            tokens: self.tokens.values().filter(active).count(),
            instances,
            satellites: self.satellites().values().filter(|known| known.account == id).count(),
            in_compliance: pools.all(|pool| pool.in_compliance),
        }
    }

    fn token_facts(&self, now: Utc, token: &Token) -> TokenFacts {
        let name = self.account_name(token.account);
        TokenFacts {
            id: token.id.clone(),
            text: token.text.clone(),
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            export_controlled: token.export_controlled,
            created_at: token.created_at,
            expires: token.expires,
            uses: token.uses,
            uses_max: token.uses_max,
            state: token.state(now),
        }
    }

    pub(super) fn instance_facts(&self, instance: &Instance) -> InstanceFacts {
        let name = self.account_name(instance.account);
        let uses = instance.in_use.iter();
        InstanceFacts {
            id: instance.id.clone(),
            udi: instance.device.udi.clone(),
            hostname: instance.device.hostname.clone(),
            product: instance.device.product.clone(),
            agent: instance.device.agent.clone(),
            smart_account: name.smart_account,
            virtual_account: name.virtual_account,
            export_controlled: instance.export_controlled,
            registered_at: instance.registered_at,
            last_contact: instance.last_contact,
            not_before: instance.not_before,
            not_after: instance.not_after,
            silent: instance.silent,
            in_use: uses
                .map(|used| UseFacts { tag: used.tag.short_name().to_owned(), count: used.count })
                .collect(),
        }
    }

    fn pool_facts(&self, now: Utc, id: AccountId, tag: &str) -> Option<PoolFacts> {
        let account = self.accounts.get(&id)?;
        let (pool, row) = (account.pools.get(tag)?, Product::of_tag(tag)?);
        let tag = Tag::parse(row.tag).ok()?;
        let available = pool.available(now);
        let (leased, claimed) = self.leased_and_claimed(now, id, &tag);
        // Of the two, one is always none: entitlements are used, universal licences are taken.
        let own = self.ledger.total(id, &tag) + u64::from(self.shelf.taken(id, row.tag));
        let taken = own.saturating_add(self.held(now, id, &tag));
        Some(PoolFacts {
            smart_account: account.name.smart_account.clone(),
            virtual_account: account.name.virtual_account.clone(),
            tag: tag.short_name().to_owned(),
            name: row.name,
            bought: pool.bought,
            expires: pool.expires,
            available,
            in_use: own.saturating_add(claimed),
            leased,
            in_compliance: taken <= u64::from(available),
        })
    }
}
