//! The supervisor as one machine: Smart Agent, License Manager, accounts and configuration, and what
//! passes between them.
//!
//! ```text
//!  operator ──▶ config ─┐                    ┌─ Persist ──▶ flash
//!  operator ──▶ agent ──┼──▶ poll ──▶ Output ┼─ Ask ──────▶ authority
//!  blades   ──▶ broker ─┘   │    ▲           └─ Send ─────▶ blades
//!                 Demand ───┘    └─── Enforce
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use super::Next;
use super::accounts::{self, Accounts};
use super::agent::{self, Agent, ConfigError};
use super::broker::{self, Broker, LinkId};
use super::conditions;
use super::config::facts::{self, LICENCE_TRUSTPOINT};
use super::config::{self, CommitError, Difference, Pending, Tree};
use super::faults::Ledger;
use super::images::Download;
use super::workspace::{self, Workspace};
use crate::base::ident::{ExchangeId, Slot};
use crate::base::platform;
use crate::base::time::{Now, Utc};
use crate::wire::callhome::{PublicKey, Request, trusted_keys};

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
    /// Name servers that came with a leased address.
    pub leased_dns: Vec<IpAddr>,
    /// How often the supervisor has died since the machine started.
    pub died: u32,
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
    /// A blade sends this to the chassis that are cabled to a port of its own.
    Frame { slot: Slot, port: String, bytes: Vec<u8> },
    /// Restart the chassis, or switch it off.
    Restart { how: Restart, reason: String },
    /// The committed configuration differs like this.
    Configured(Vec<Difference>),
    /// End this operator's session, after showing it the text.
    EndSession { session: u32, text: Option<&'static str> },
    /// A line for the system log: severity 0 to 7, and the text.
    Log { severity: u8, text: String },
}

/// How the chassis is to go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Reboot,
    /// Forget the configuration, then come up as new.
    Erase,
    PowerOff,
}

/// One part of what flash keeps.
#[derive(Clone, Debug)]
pub enum Piece {
    Agent(Box<agent::Stored>),
    Broker(broker::Stored),
    Config(config::Stored),
    Accounts(accounts::Stored),
    AuditPage(accounts::Page),
    Workspace(workspace::Stored),
    /// A piece of a file in the workspace; `None` if it is no file's any more.
    FilePiece {
        number: u64,
        bytes: Option<Vec<u8>>,
    },
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
    /// Ports without a cable, `Ethernet1/2`.
    pub unplugged: BTreeSet<String>,
    /// The files of its operators; a factory's until its owner puts another here.
    pub workspace: Workspace,
    /// What is wrong, and what was a moment ago.
    pub faults: Ledger,
    /// True if something happened since the conditions of faults were looked at.
    unobserved: bool,
    /// When a certificate begins or ceases to be valid next.
    certificate_due: Option<Utc>,
    outputs: VecDeque<Output>,
    /// False until agent and configuration have been compared after power-on.
    agreed: bool,
}

impl Mio {
    /// Composes the machines as they stand after power-on.
    pub fn new(agent: Agent, broker: Broker, config: Tree, facts: Facts) -> Mio {
        Mio {
            agent,
            broker,
            config,
            accounts: Accounts::default(),
            facts,
            pending: BTreeMap::new(),
            unplugged: BTreeSet::new(),
            workspace: Workspace::new(workspace::Stored::factory(Utc::MIN)),
            faults: Ledger::default(),
            unobserved: true,
            certificate_due: None,
            outputs: VecDeque::new(),
            agreed: false,
        }
    }

    /// Returns the name servers to ask: those configured, else those that came with the address.
    pub fn dns_servers(&self) -> Vec<IpAddr> {
        let configured = facts::dns_servers(self.config.objects());
        if configured.is_empty() { self.facts.leased_dns.clone() } else { configured }
    }

    /// Applies one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        // What units say to each other changes nothing of the chassis, and is said every second.
        self.unobserved |= !matches!(event, Event::Broker(broker::Event::Frame { .. }));
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
        if !std::mem::replace(&mut self.agreed, true) {
            self.agree(now);
        }
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
            let broker_due = match self.broker.poll(now) {
                Next::Do(output) => {
                    self.route_broker(now, output);
                    continue;
                }
                Next::Wait(due) => due,
            };
            if let Some(output) = self.workspace.poll() {
                return Next::Do(Output::Persist(match output {
                    workspace::Output::Put { number, bytes } => {
                        Piece::FilePiece { number, bytes: Some(bytes) }
                    }
                    workspace::Output::Drop { number } => Piece::FilePiece { number, bytes: None },
                    workspace::Output::Tree(stored) => Piece::Workspace(stored),
                }));
            }
            if std::mem::take(&mut self.unobserved) {
                self.observe(now);
                continue;
            }
            let faults = [self.faults.deadline(), self.certificate_due];
            let faults = faults.into_iter().flatten().map(|due| now.instant_of(due));
            let dues = broker_due.into_iter().chain(accounts_due).chain(agent_due);
            return Next::Wait(dues.chain(faults).min());
        }
    }

    /// Raises and clears faults by what is wrong now, and logs what changed.
    fn observe(&mut self, now: Now) {
        let conditions = conditions::conditions(self, now);
        self.certificate_due = conditions::deadline(self, now);
        for fault in self.faults.observe(now.wall, &conditions) {
            let severity = fault.severity.syslog();
            self.outputs.push_back(Output::Log { severity, text: fault.log_line() });
        }
    }

    /// Commits a session's changes: all of them or none.
    ///
    /// # Errors
    /// [`CommitError`], and the changes stay pending; also where the agent can't do what they say.
    pub fn commit(&mut self, now: Now, session: u32) -> Result<(), CommitError> {
        let (tree, differences) = self.tried(session)?;
        if differences.is_empty() {
            self.pending.remove(&session);
            return Ok(());
        }
        let reserve = facts::is_reservation_on(tree.objects());
        if reserve != facts::is_reservation_on(self.config.objects()) {
            self.agent.set_reservation(now, reserve).map_err(refused)?;
        }
        self.accounts.committed(now, session, &differences, self.config.objects());
        let before = facts::hostname(self.config.objects());
        self.pending.remove(&session);
        self.config = tree;
        self.outputs.push_back(Output::Persist(Piece::Config(self.config.stored())));
        let hostname = facts::hostname(self.config.objects());
        if hostname != before {
            self.agent.set_hostname(hostname.clone());
            self.broker.handle(now, broker::Event::Renamed { hostname });
        }
        for difference in &differences {
            self.carry_out(now, difference);
        }
        self.bootstrap_blades(now);
        self.outputs.push_back(Output::Configured(differences));
        self.unobserved = true;
        Ok(())
    }

    /// Does what a committed change asks of the modules.
    fn carry_out(&mut self, now: Now, difference: &Difference) {
        let (Difference::Created(path) | Difference::Deleted(path) | Difference::Changed(path, _)) =
            difference;
        if path.class().name == "app-instance" {
            self.run_application(now, path);
        }
        let Difference::Changed(path, words) = difference else { return };
        let slot = path.name().rsplit('/').next().and_then(|number| number.parse().ok());
        let Some(slot) = slot.and_then(Slot::new) else { return };
        let power: &[bool] = match (path.mode().as_str(), words.as_slice()) {
            ("/server", words) if words.contains(&"power down") => &[false],
            ("/server", words) if words.contains(&"power up") => &[true],
            ("/server", words) if words.iter().any(|word| word.contains(' ')) => &[false, true],
            ("/ssa/slot", words) if words.contains(&"reinitialize") => &[false, true],
            _ => &[],
        };
        for on in power {
            self.broker.handle(now, broker::Event::Power { slot, on: *on });
        }
    }

    /// Lets the chassis go down.
    pub fn restart(&mut self, how: Restart, reason: &str) {
        let what = match how {
            Restart::Reboot => "reboot",
            Restart::Erase => "erase of the configuration",
            Restart::PowerOff => "power-off",
        };
        let text = format!("{what} requested by an operator: {reason}");
        self.outputs.push_back(Output::Log { severity: 5, text });
        self.outputs.push_back(Output::Restart { how, reason: reason.to_owned() });
    }

    /// Begins to fetch an image.
    pub fn download(&mut self, download: &Download) {
        let facts = [
            ("Protocol", download.protocol.text()),
            ("Server", &download.server),
            ("Port", &download.port.to_string()),
            ("Userid", &download.user),
            ("Path", &download.path),
            // Ours: nothing is fetched, and the listing says so instead of waiting for ever.
            ("State", "Failed"),
            ("Status", "Transfer of image files is not available on an emulated chassis."),
        ];
        if self.config.stock(&["firmware", "download-task"], download.file(), &facts) {
            self.outputs.push_back(Output::Persist(Piece::Config(self.config.stored())));
        }
    }

    /// Starts or stops the application of the slot that an instance lies in.
    fn run_application(&mut self, now: Now, instance: &config::Path) {
        let Some(bay) = instance.parent() else { return };
        let Some(slot) = bay.name().parse().ok().and_then(Slot::new) else { return };
        let objects = self.config.objects();
        let mut instances = objects.children(&bay, "app-instance").into_iter();
        let running = instances.any(|one| one.name() == "asa" && objects.is_enabled(&one, ""));
        self.broker.handle(now, broker::Event::Application { slot, running });
    }

    /// Tells whether [`Mio::commit`] would succeed now, and changes nothing.
    ///
    /// # Errors
    /// As there.
    pub fn verify(&self, session: u32) -> Result<(), CommitError> {
        let (tree, _) = self.tried(session)?;
        let reserve = facts::is_reservation_on(tree.objects());
        if reserve == facts::is_reservation_on(self.config.objects()) {
            return Ok(());
        }
        self.agent.may_set_reservation(reserve).map_err(refused)
    }

    /// Installs an authorization code, if the chassis's licence trustpoint vouches for it.
    ///
    /// # Errors
    /// As [`Agent::install_reservation`].
    pub fn install_reservation(&mut self, now: Now, code: &str) -> Result<(), ConfigError> {
        let trusted = self.licence_keys();
        self.agent.install_reservation(now, code, &trusted)
    }

    fn licence_keys(&self) -> Vec<PublicKey> {
        let trustpoints = facts::trustpoints(self.config.objects());
        let chain = trustpoints.iter().find(|point| point.name == LICENCE_TRUSTPOINT);
        chain.map_or(Vec::new(), |point| trusted_keys(&point.chain))
    }

    /// Returns the configuration as it would be after a commit, and what would differ.
    fn tried(&self, session: u32) -> Result<(Tree, Vec<Difference>), CommitError> {
        let mut tree = self.config.clone();
        let mut pending = self.pending.get(&session).cloned().unwrap_or_default();
        let differences = tree.commit(&mut pending)?;
        Ok((tree, differences))
    }

    /// Has the agent follow the configuration, of which it may not have heard before power failed.
    fn agree(&mut self, now: Now) {
        let reserve = facts::is_reservation_on(self.config.objects());
        if reserve != self.agent.stored().reservation.is_enabled() {
            // What the agent refuses stays as the agent has it: a licence is not lost by this.
            let _ = self.agent.set_reservation(now, reserve);
        }
        self.bootstrap_blades(now);
    }

    /// Tells the broker what the logical devices make of each slot's ASA.
    fn bootstrap_blades(&mut self, now: Now) {
        let mut clusters = facts::clusters(self.config.objects());
        for slot in (1..=Slot::MAX).filter_map(Slot::new) {
            let cluster = clusters.remove(&slot);
            self.broker.handle(now, broker::Event::Bootstrap { slot, cluster });
        }
    }

    fn route_agent(&mut self, now: Now, output: agent::Output) {
        self.unobserved = true;
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
            broker::Output::Frame { slot, port, bytes } => Output::Frame { slot, port, bytes },
            broker::Output::Log(text) => Output::Log { severity: 5, text },
        };
        self.outputs.push_back(output);
    }
}

/// What the agent refuses is refused as a whole commit.
fn refused(error: ConfigError) -> CommitError {
    CommitError::Invalid { reason: error.device_text().to_owned() }
}

#[cfg(test)]
mod tests;
