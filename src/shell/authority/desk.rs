//! Carries out what an operator asks of an authority, and says it in words and in JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::operation::{
    AccountRequest, ClockRequest, InstanceRequest, Operation, PoolRequest, ReservationRequest,
    SatelliteRequest, SyncRequest, TokenRequest,
};
use super::{Service, ServiceError};
use crate::base::time::{Now, Utc, days};
use crate::net::ca::fingerprint;
use crate::proto::authority::{
    AccountName, Authority, Flavour, InstanceFacts, InstanceQuery, Pool, PoolFacts,
    ReservationFacts, SatelliteFacts, SyncFacts, TokenFacts, TokenSpec, TokenState,
};
use crate::sys::clock::LabClock;
use crate::wire::sync::{Kind, SyncFile};

/// Shortest life left in a token that is shown as ready at the start.
const READY: std::time::Duration = days(1);

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// For a person; no line end at its end.
    pub text: String,
    /// For a program.
    pub json: Value,
    /// What to ask for the next page with, where there is one.
    pub next: Option<String>,
}

impl Done {
    fn new(text: impl Into<String>, json: Value) -> Done {
        Done { text: text.into(), json, next: None }
    }
}

/// Where operators are served; clones serve the same authority.
#[derive(Clone, Debug)]
pub struct Desk {
    pub service: Service,
    pub clock: LabClock,
    /// What people call this authority.
    pub name: String,
}

impl Desk {
    /// Carries out one operation.
    ///
    /// # Errors
    /// [`ServiceError`], which prints as one line for the operator.
    pub async fn perform(&self, operation: Operation) -> Result<Done, ServiceError> {
        let now = self.clock.now();
        match operation {
            Operation::Account(request) => self.account(now, request).await,
            Operation::Token(request) => self.token(now, request).await,
            Operation::Instance(request) => self.instance(now, request).await,
            Operation::Pool(request) => self.pool(now, request).await,
            Operation::Reservation(request) => self.reservation(now, request).await,
            Operation::Satellite(request) => self.satellite(now, request).await,
            Operation::Sync(request) => self.sync(now, request).await,
            Operation::Clock(request) => self.clock(request),
            Operation::Events {} => self.events(now).await,
            Operation::Root { licensing } => Ok(self.root(licensing)),
            Operation::Authority {} => self.authority(now).await,
        }
    }

    /// Returns a token for a learner to begin with: one that is there, else a new one.
    ///
    /// # Errors
    /// As [`Desk::perform`].
    pub async fn ready_token(&self) -> Result<String, ServiceError> {
        let work = |a: &mut Authority, wall: Utc| {
            let lasts = |token: &TokenFacts| {
                let active = token.state == TokenState::Active && token.uses_max.is_none();
                active && token.export_controlled && token.expires >= wall + READY
            };
            let first = a.account_list(wall).into_iter().next();
            let of_first = |token: &TokenFacts| {
                first.as_ref().is_some_and(|account| {
                    (&account.smart_account, &account.virtual_account)
                        == (&token.smart_account, &token.virtual_account)
                })
            };
            match a.tokens(wall).into_iter().rev().find(|token| lasts(token) && of_first(token)) {
                Some(token) => Ok(token.text),
                None => a.token_new(wall, &TokenSpec::default()).map(|token| token.text),
            }
        };
        self.service.operate(self.clock.now(), work).await
    }

    async fn account(&self, now: Now, request: AccountRequest) -> Result<Done, ServiceError> {
        match request {
            AccountRequest::New { smart_account, virtual_account, empty } => {
                let name = AccountName { smart_account, virtual_account };
                let work = |a: &mut Authority, wall| a.account_new(wall, &name, !empty);
                let account = self.service.operate(now, work).await?;
                Ok(Done::new(format!("account {} is open", account.virtual_account), of(&account)))
            }
            AccountRequest::List {} => {
                let all = self.service.operate(now, |a, wall| Ok(a.account_list(wall))).await?;
                let lines = all.iter().map(|one| {
                    format!(
                        "{} / {}  {} instances  {} tokens  {} satellites{}",
                        one.smart_account,
                        one.virtual_account,
                        one.instances,
                        one.tokens,
                        one.satellites,
                        compliance(one.in_compliance)
                    )
                });
                Ok(Done::new(joined(lines), of(&all)))
            }
        }
    }

    async fn token(&self, now: Now, request: TokenRequest) -> Result<Done, ServiceError> {
        let service = &self.service;
        match request {
            TokenRequest::New { export_controlled, days, uses, smart_account, virtual_account } => {
                let account = account_name(smart_account, virtual_account)?;
                let spec =
                    TokenSpec { account, valid_days: days, uses_max: uses, export_controlled };
                let token = service.operate(now, |a, wall| a.token_new(wall, &spec)).await?;
                Ok(Done::new(token.text.clone(), of(&token)))
            }
            TokenRequest::List {} => {
                let tokens = service.operate(now, |a, wall| Ok(a.tokens(wall))).await?;
                Ok(Done::new(joined(tokens.iter().map(token_line)), of(&tokens)))
            }
            TokenRequest::Revoke { token } => {
                let token = service.operate(now, |a, wall| a.token_revoke(wall, &token)).await?;
                Ok(Done::new(format!("token {} is revoked", token.id), of(&token)))
            }
        }
    }

    async fn instance(&self, now: Now, request: InstanceRequest) -> Result<Done, ServiceError> {
        let service = &self.service;
        match request {
            InstanceRequest::List { serial, smart_account, virtual_account, after, limit } => {
                let account = account_name(smart_account, virtual_account)?;
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let query = InstanceQuery { serial, account, after, limit };
                let page = service.operate(now, |a, _| a.instance_page(&query)).await?;
                let mut text = joined(page.instances.iter().map(instance_lines));
                let last = page.instances.last().map(|one| one.id.clone());
                let next = last.filter(|_| page.left > 0);
                if let Some(last) = &next {
                    let _ = write!(text, "\n{} more: --after {last}", page.left);
                }
                Ok(Done { text, json: of(&page.instances), next })
            }
            InstanceRequest::Show { instance } => {
                let one = service.operate(now, |a, _| a.instance_show(&instance)).await?;
                Ok(Done::new(instance_lines(&one), of(&one)))
            }
            InstanceRequest::Remove { instance } => {
                let work = |a: &mut Authority, wall| a.instance_remove(wall, &instance);
                let gone = service.operate(now, work).await?;
                Ok(Done::new(format!("instance {} is removed", gone.udi.serial), of(&gone)))
            }
            InstanceRequest::Transfer { instance, smart_account, virtual_account } => {
                let to = AccountName { smart_account, virtual_account };
                let work = |a: &mut Authority, wall| a.instance_transfer(wall, &instance, &to);
                let moved = service.operate(now, work).await?;
                let (serial, to) = (&moved.udi.serial, &moved.virtual_account);
                Ok(Done::new(format!("instance {serial} is in account {to}"), of(&moved)))
            }
        }
    }

    async fn pool(&self, now: Now, request: PoolRequest) -> Result<Done, ServiceError> {
        match request {
            PoolRequest::List { smart_account, virtual_account } => {
                let account = account_name(smart_account, virtual_account)?;
                let work = |a: &mut Authority, wall| a.pool_list(wall, account.as_ref());
                let pools = self.service.operate(now, work).await?;
                Ok(Done::new(joined(pools.iter().map(pool_line)), of(&pools)))
            }
            PoolRequest::Set { tag, count, expires, smart_account, virtual_account } => {
                let account = account_name(smart_account, virtual_account)?;
                let pool = Pool { bought: count, expires };
                let work = |a: &mut Authority, wall| a.pool_set(wall, account.as_ref(), &tag, pool);
                let pool = self.service.operate(now, work).await?;
                Ok(Done::new(pool_line(&pool), of(&pool)))
            }
        }
    }

    async fn reservation(
        &self,
        now: Now,
        request: ReservationRequest,
    ) -> Result<Done, ServiceError> {
        let service = &self.service;
        match request {
            ReservationRequest::Authorize { request_code, smart_account, virtual_account } => {
                let account = account_name(smart_account, virtual_account)?;
                let key = service.ca().reservation_key();
                let work = |a: &mut Authority, wall| {
                    a.reservation_authorize(wall, &request_code, account.as_ref(), key)
                };
                let made = service.operate(now, work).await?;
                Ok(Done::new(made.authorization_code.clone(), of(&made)))
            }
            ReservationRequest::Return { return_code } => {
                let work = |a: &mut Authority, wall| a.reservation_return(wall, &return_code);
                let ended = service.operate(now, work).await?;
                Ok(Done::new(format!("{} gave it back", ended.udi.serial), of(&ended)))
            }
            ReservationRequest::Remove { serial } => {
                let work = |a: &mut Authority, wall| a.reservation_remove(wall, &serial);
                let ended = service.operate(now, work).await?;
                Ok(Done::new(format!("the reservation of {serial} is removed"), of(&ended)))
            }
            ReservationRequest::List {} => {
                let all = service.operate(now, |a, _| Ok(a.reservations())).await?;
                Ok(Done::new(joined(all.iter().map(reservation_line)), of(&all)))
            }
        }
    }

    async fn satellite(&self, now: Now, request: SatelliteRequest) -> Result<Done, ServiceError> {
        match request {
            SatelliteRequest::List {} => {
                let all = self.service.operate(now, |a, wall| a.satellite_list(wall)).await?;
                Ok(Done::new(joined(all.iter().map(satellite_line)), of(&all)))
            }
            SatelliteRequest::Remove { satellite } => {
                let work = |a: &mut Authority, wall| a.satellite_remove(wall, &satellite);
                let gone = self.service.operate(now, work).await?;
                Ok(Done::new(format!("satellite {} is removed", gone.name), of(&gone)))
            }
        }
    }

    async fn sync(&self, now: Now, request: SyncRequest) -> Result<Done, ServiceError> {
        let signer = self.service.ca().signer();
        match request {
            SyncRequest::Request { out: _ } => {
                let work = |a: &mut Authority, wall| a.sync_request(wall, &self.name);
                let body = self.service.operate(now, work).await?;
                Ok(file(&SyncFile::seal(Kind::Request, &body, signer)))
            }
            SyncRequest::Answer { file: request, out: _, smart_account, virtual_account } => {
                let account = account_name(smart_account, virtual_account)?;
                let signing = self.service.signing_for(request.key, now)?;
                let work = |a: &mut Authority, wall| {
                    a.sync_answer(wall, &request, account.as_ref(), signing)
                };
                let body = self.service.operate(now, work).await?;
                Ok(file(&SyncFile::seal(Kind::Answer, &body, signer)))
            }
            SyncRequest::Install { file } => {
                let work = |a: &mut Authority, wall| a.sync_install(wall, &file);
                let facts = self.service.operate(now, work).await?;
                Ok(Done::new(sync_line(&facts), of(&facts)))
            }
            SyncRequest::Status {} => {
                let facts = self.service.operate(now, |a, wall| a.sync_status(wall)).await?;
                Ok(Done::new(sync_line(&facts), of(&facts)))
            }
        }
    }

    fn clock(&self, request: ClockRequest) -> Result<Done, ServiceError> {
        match request {
            ClockRequest::Show {} => {}
            ClockRequest::Advance { by } => drop(self.clock.advance(by)?),
            ClockRequest::Set { date } => drop(self.clock.set(date)?),
            ClockRequest::Rate { rate } => drop(self.clock.set_rate(rate)?),
            ClockRequest::Skew { .. } => {
                let why = "an authority alone has no chassis; ask the lab that the chassis is in";
                return Err(ServiceError::Lab(why.to_owned()));
            }
        }
        Ok(clock_shown(&self.clock))
    }

    async fn events(&self, now: Now) -> Result<Done, ServiceError> {
        let all = self.service.operate(now, |a, _| Ok(a.events().cloned().collect::<Vec<_>>()));
        let facts = all.await?.into_iter().map(|entry| {
            json!({
                "number": entry.number,
                "at": entry.at.iso(),
                "instance": entry.instance,
                "text": entry.text,
            })
        });
        let facts: Vec<Value> = facts.collect();
        Ok(Done::new(joined(facts.iter().map(ToString::to_string)), Value::Array(facts)))
    }

    fn root(&self, licensing: bool) -> Done {
        let (tls, licence) = (self.service.ca().root_pem(), self.service.licence_root_pem());
        let root = |name: &str, pem: &str| json!({ "trustpoint": name, "pem": pem, "sha256": fingerprint(pem) });
        let both = json!([root("CHdefault", tls), root("CiscoLicRoot", &licence),]);
        let pem = if licensing { &licence } else { tls };
        Done::new(pem.trim_end(), both)
    }

    async fn authority(&self, now: Now) -> Result<Done, ServiceError> {
        let work =
            |a: &mut Authority, wall| Ok((a.flavour(), a.account_list(wall), a.tokens(wall).len()));
        let (flavour, accounts, tokens) = self.service.operate(now, work).await?;
        let instances: usize = accounts.iter().map(|account| account.instances).sum();
        let release = match flavour {
            Flavour::Cloud => Value::Null,
            Flavour::Satellite(release) => Value::from(release.to_string()),
        };
        let text = format!(
            "{}: {} authority, {} accounts, {instances} instances, {tokens} tokens",
            self.name,
            flavour.word(),
            accounts.len()
        );
        let facts = json!({
            "name": self.name,
            "flavour": flavour.word(),
            "release": release,
            "path": flavour.path(),
            "supports_export_flag": flavour.supports_export_flag(),
            "accounts": accounts.len(),
            "instances": instances,
            "tokens": tokens,
        });
        Ok(Done::new(text, facts))
    }
}

/// Says what a clock shows.
pub fn clock_shown(clock: &LabClock) -> Done {
    let (wall, rate) = (clock.now().wall.iso(), clock.rate());
    Done::new(format!("{wall} at {rate}x"), json!({ "wall": wall, "rate": rate }))
}

fn account_name(
    smart_account: Option<String>,
    virtual_account: Option<String>,
) -> Result<Option<AccountName>, ServiceError> {
    match (smart_account, virtual_account) {
        (None, None) => Ok(None),
        (Some(smart_account), Some(virtual_account)) => {
            Ok(Some(AccountName { smart_account, virtual_account }))
        }
        (Some(_), None) | (None, Some(_)) => Err(ServiceError::HalfAccount),
    }
}

fn of(facts: &impl Serialize) -> Value {
    serde_json::to_value(facts).unwrap_or(Value::Null)
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn compliance(holds: bool) -> &'static str {
    if holds { "" } else { "  OUT OF COMPLIANCE" }
}

fn file(file: &SyncFile) -> Done {
    Done::new(file.to_json().trim_end(), of(file))
}

fn token_line(token: &TokenFacts) -> String {
    let uses = token.uses_max.map_or("-".to_owned(), |max| max.to_string());
    let (state, until) = (of(&token.state), token.expires.iso());
    format!(
        "{}  {:<8}  until {until}  used {}/{uses}  export {}  {}",
        token.id,
        state.as_str().unwrap_or_default(),
        token.uses,
        token.export_controlled,
        token.text
    )
}

fn instance_lines(one: &InstanceFacts) -> String {
    let (heard, until) = (one.last_contact.iso(), one.not_after.iso());
    let mut lines = format!(
        "{}  {}  {}  {}  heard {heard}  certificate until {until}",
        one.id, one.udi, one.hostname, one.virtual_account
    );
    for used in &one.in_use {
        let _ = write!(lines, "\n    {} x {}", used.count, used.tag);
    }
    lines
}

fn pool_line(pool: &PoolFacts) -> String {
    let leased = match pool.leased {
        0 => String::new(),
        units => format!("  {units} for satellites"),
    };
    format!(
        "{:<34} {:>4} of {:>4} in use{leased}{}",
        pool.tag,
        pool.in_use,
        pool.available,
        compliance(pool.in_compliance)
    )
}

fn reservation_line(one: &ReservationFacts) -> String {
    let returned = match one.returned_at {
        Some(at) => format!("returned {}", at.iso()),
        None => "in force".to_owned(),
    };
    let since = one.authorized_at.iso();
    format!("{}  {}  {}  since {since}  {returned}", one.udi, one.tag, one.virtual_account)
}

fn satellite_line(one: &SatelliteFacts) -> String {
    let removed = if one.removed { "  REMOVED" } else { "" };
    format!(
        "{}  {}  {}  {}  {} instances  synced {}  until {}{removed}",
        one.id,
        one.name,
        one.release,
        one.virtual_account,
        one.instances,
        one.synced_at.iso(),
        one.until.iso()
    )
}

fn sync_line(facts: &SyncFacts) -> String {
    match facts.until {
        None => "never synced: make a request with `sync request FILE`".to_owned(),
        Some(until) if facts.in_force => {
            format!("answer {} is in force until {}", facts.installed, until.iso())
        }
        Some(until) => format!("answer {} ran out on {}", facts.installed, until.iso()),
    }
}
