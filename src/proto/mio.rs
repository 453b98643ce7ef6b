//! The supervisor as one machine: Smart Agent, License Manager, accounts and configuration, and what
//! passes between them.
//!
//! ```text
//!  operator ──▶ config ─┐                    ┌─ Persist ──▶ flash
//!  operator ──▶ agent ──┼──▶ poll ──▶ Output ┼─ Ask ──────▶ authority
//!  blades   ──▶ broker ─┘   │    ▲           └─ Send ─────▶ blades
//!                 Demand ───┘    └─── Enforce
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::Next;
use super::accounts::{self, Accounts};
use super::agent::{self, Agent};
use super::broker::{self, Broker, LinkId};
use super::config::{self, CommitError, Difference, Pending, Tree};
use crate::base::ident::{ExchangeId, Slot};
use crate::base::platform;
use crate::base::time::Now;
use crate::wire::callhome::Request;

/// What the machines of the supervisor do not know and the edge tells: measured, not configured.
#[derive(Clone, Debug)]
pub struct Facts {
    pub chassis: &'static platform::Chassis,
    /// Serial number of the chassis.
    pub serial: String,
    /// What `show ntp-server` prints beside each server, by name.
    pub ntp: BTreeMap<String, String>,
    /// What `show trustpoint` prints after `Cert Status: `, by trustpoint.
    pub certificates: BTreeMap<String, String>,
}

/// What happens to the supervisor.
#[derive(Clone, Debug)]
pub enum Event {
    Agent(agent::Event),
    Broker(broker::Event),
    /// The wall clock was set, or runs at another speed; 1000 is real time.
    ClockSet {
        rate_milli: u32,
    },
    /// Statuses of the NTP servers, by name.
    Ntp(BTreeMap<String, String>),
    /// Statuses of the trustpoints, by name.
    Certificates(BTreeMap<String, String>),
    /// The deadline that `poll` gave has come.
    Due,
}

/// What the supervisor wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Write this to flash before anything that follows.
    Persist(Piece),
    /// Ask the authority, and bring back one event of the agent.
    Ask { exchange: ExchangeId, request: Request },
    /// Write these bytes to a connection.
    Send { link: LinkId, bytes: Vec<u8> },
    /// Close a connection, after what was sent to it before.
    Close { link: LinkId, reason: String },
    /// A blade's console printed this.
    ConsoleOut { slot: Slot, bytes: Vec<u8>, settled: Option<u32> },
    /// A blade's console went away, or there is none to type into.
    ConsoleDown { slot: Slot },
    /// The committed configuration differs like this.
    Configured(Vec<Difference>),
    /// End this operator's session, after showing it the text.
    EndSession { session: u32, text: Option<&'static str> },
    /// A line for the system log: severity 0 to 7, and the text.
    Log { severity: u8, text: String },
}

/// One part of what flash keeps.
#[derive(Clone, Debug)]
pub enum Piece {
    Agent(Box<agent::Stored>),
    Broker(broker::Stored),
    Config(config::Stored),
    Accounts(accounts::Stored),
    AuditPage(accounts::Page),
}

/// The supervisor.
#[derive(Debug)]
pub struct Mio {
    pub agent: Agent,
    pub broker: Broker,
    pub config: Tree,
    /// What happens to the accounts; one that remembers nothing until its owner puts another here.
    pub accounts: Accounts,
    pub facts: Facts,
    /// Uncommitted changes, by session.
    pub pending: BTreeMap<u32, Pending>,
    outputs: VecDeque<Output>,
}

impl Mio {
    /// Composes the machines as they stand after power-on.
    pub fn new(agent: Agent, broker: Broker, config: Tree, facts: Facts) -> Mio {
        let accounts = Accounts::default();
        let (pending, outputs) = (BTreeMap::new(), VecDeque::new());
        Mio { agent, broker, config, accounts, facts, pending, outputs }
    }

    /// Applies one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Agent(event) => self.agent.handle(now, event),
            Event::Broker(event) => self.broker.handle(now, event),
            Event::ClockSet { rate_milli } => {
                self.agent.handle(now, agent::Event::ClockStepped);
                self.broker.handle(now, broker::Event::ClockSet { rate_milli });
            }
            Event::Ntp(statuses) => self.facts.ntp = statuses,
            Event::Certificates(statuses) => self.facts.certificates = statuses,
            Event::Due => {
                self.agent.handle(now, agent::Event::Due);
                self.broker.handle(now, broker::Event::Due);
            }
        }
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, now: Now) -> Next<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Next::Do(output);
            }
            let agent_due = match self.agent.poll(now) {
                Next::Do(output) => {
                    self.route_agent(now, output);
                    continue;
                }
                Next::Wait(due) => due,
            };
            let accounts_due = match self.accounts.poll(now) {
                Next::Do(output) => {
                    self.route_accounts(output);
                    continue;
                }
                Next::Wait(due) => due,
            };
            match self.broker.poll(now) {
                Next::Do(output) => self.route_broker(now, output),
                Next::Wait(due) => {
                    let dues = due.into_iter().chain(agent_due).chain(accounts_due);
                    return Next::Wait(dues.min());
                }
            }
        }
    }

    /// Commits a session's changes: all of them or none.
    ///
    /// # Errors
    /// [`CommitError`], and the changes stay pending.
    pub fn commit(&mut self, now: Now, session: u32) -> Result<(), CommitError> {
        let tree = self.config.clone();
        let before = config::facts::hostname(tree.objects());
        let differences = self.config.commit(self.pending.entry(session).or_default())?;
        if differences.is_empty() {
            return Ok(());
        }
        self.accounts.committed(now, session, &differences, tree.objects());
        self.outputs.push_back(Output::Persist(Piece::Config(self.config.stored())));
        let hostname = config::facts::hostname(self.config.objects());
        if hostname != before {
            self.agent.set_hostname(hostname.clone());
            self.broker.handle(now, broker::Event::Renamed { hostname });
        }
        self.outputs.push_back(Output::Configured(differences));
        Ok(())
    }

    fn route_agent(&mut self, now: Now, output: agent::Output) {
        match output {
            agent::Output::Persist(stored) => {
                self.outputs.push_back(Output::Persist(Piece::Agent(stored)));
            }
            agent::Output::Ask { exchange, request } => {
                self.outputs.push_back(Output::Ask { exchange, request });
            }
            agent::Output::Enforce(enforcement) => {
                let verdict = broker::Verdict {
                    modes: enforcement.modes,
                    export_controlled: enforcement.export_controlled,
                    registered: enforcement.registered,
                };
                self.broker.handle(now, broker::Event::Verdict(verdict));
            }
            agent::Output::Log(line) => {
                let (severity, text) = (line.severity, line.to_string());
                self.outputs.push_back(Output::Log { severity, text });
            }
        }
    }

    fn route_accounts(&mut self, output: accounts::Output) {
        self.outputs.push_back(match output {
            accounts::Output::Persist(stored) => Output::Persist(Piece::Accounts(stored)),
            accounts::Output::PersistPage(page) => Output::Persist(Piece::AuditPage(page)),
            accounts::Output::End { session, text } => Output::EndSession { session, text },
        });
    }

    fn route_broker(&mut self, now: Now, output: broker::Output) {
        let output = match output {
            broker::Output::Persist(stored) => Output::Persist(Piece::Broker(stored)),
            broker::Output::Send { link, bytes } => Output::Send { link, bytes },
            broker::Output::Close { link, reason } => Output::Close { link, reason },
            broker::Output::Demand(totals) => return self.agent.demand(now, totals),
            broker::Output::ConsoleOut { slot, bytes, settled } => {
                Output::ConsoleOut { slot, bytes, settled }
            }
            broker::Output::ConsoleDown { slot } => Output::ConsoleDown { slot },
            broker::Output::Log(text) => Output::Log { severity: 5, text },
        };
        self.outputs.push_back(output);
    }
}
