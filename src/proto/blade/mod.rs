//! One emulated ASA on a security module: its licence configuration and its way to the supervisor.
//!
//! ```text
//!            Linked            Welcome
//! Connecting ───────▶ Greeting ───────▶ Up        every request is repeated on the way to Up
//!   ▲   │                │              │
//!   │   └── Unlinked ────┴──────────────┘
//!  Due   ▼
//!   └── Down
//! ```
//! What an ASA holds is in flash and outlives every restart; the supervisor learns of it again each
//! time the two meet, tier first.
//!
//! # Source
//! Seed, "Rechtvaardigingsstatus tijdens opnieuw opstarten": entitlements are kept in flash, set from
//! the stored enforcement mode at boot, and asked for again after every restart.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::enforcement::Mode;
use crate::base::entitlement::{Entitlement, Feature};
use crate::base::ident::{Handle, Slot, Tag};
use crate::base::platform::Module;
use crate::base::time::{Instant, Now, Utc};
use crate::proto::Next;
use crate::wire::appag::{Denial, Hello, Message, Refusal, Role, Welcome};
use crate::wire::units::{Pair, PromptPart, Standing, Unit};

mod capability;
pub mod cluster;
pub mod failover;
mod feature;
mod group;
pub mod port;
mod units;

pub use capability::Capabilities;
pub use feature::FeatureError;
pub use units::PairError;

use cluster::{Cluster, Group};
use failover::{Cached, Failover};

/// How long a blade waits before it tries to reach its supervisor again.
pub const RECONNECT_WAIT: Duration = Duration::from_secs(1);

/// What is true of one blade from power-on to power-off.
#[derive(Clone, Debug)]
pub struct Facts {
    pub slot: Slot,
    /// Serial number of the module, `FCH12345ABC`.
    pub serial: String,
    pub module: &'static Module,
    /// Software release, `9.14(1)`.
    pub release: String,
}

/// What can happen to a blade, its console apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The socket to the supervisor is connected.
    Linked,
    /// It couldn't be connected, or broke.
    Unlinked,
    /// The supervisor says something.
    Message(Message),
    /// The deadline that `poll` gave has come.
    Due,
}

/// What a blade wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this to flash before anything that follows.
    Persist(Box<Stored>),
    /// Connect to the supervisor; answered by [`Event::Linked`] or [`Event::Unlinked`].
    Connect,
    /// Close the connection; no [`Event::Unlinked`] is needed.
    Disconnect,
    /// Say this to the supervisor.
    Send(Message),
    /// Set the blade's clock, and let it run at this speed; 1000 is real time.
    Clock { wall: Utc, rate_milli: u32 },
    /// Print a line on the console, whatever stands there.
    Console(String),
    /// A line for the log.
    Log(String),
}

/// What `write memory` saves and a boot reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub hostname: String,
    /// Units by feature, as the lines under `license smart` say.
    pub features: BTreeMap<Feature, u32>,
    #[serde(default = "hostname_alone")]
    pub prompt: Vec<PromptPart>,
    /// Which of a failover pair this unit is.
    #[serde(default)]
    pub unit: Unit,
    #[serde(default = "Pair::unconfigured")]
    pub failover: Pair,
    #[serde(default)]
    pub cluster: Option<Group>,
}

impl Default for Config {
    /// # Source
    /// Seed: every prompt of a 4100's blade begins with `asa`.
    fn default() -> Config {
        Config {
            hostname: "asa".to_owned(),
            features: BTreeMap::new(),
            prompt: hostname_alone(),
            unit: Unit::default(),
            failover: Pair::unconfigured(),
            cluster: None,
        }
    }
}

/// What a prompt is made of until somebody says otherwise.
fn hostname_alone() -> Vec<PromptPart> {
    vec![PromptPart::Hostname]
}

/// What must survive a power cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub startup: Config,
    pub held: BTreeMap<Feature, Held>,
    /// The number that the next request gets.
    pub next: Handle,
    pub policy: Policy,
    /// What the pair or cluster could do together.
    #[serde(default)]
    pub cached: Option<Cached>,
}

impl Default for Stored {
    fn default() -> Stored {
        Stored {
            startup: Config::default(),
            held: BTreeMap::new(),
            next: Handle(1),
            policy: Policy::default(),
            cached: None,
        }
    }
}

/// What the chassis's registration means for its blades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub export_controlled: bool,
    pub registered: bool,
}

/// One entitlement that this ASA asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub tag: Tag,
    /// Units asked for.
    pub count: u32,
    /// Units that the last answer covered; the others are not in force yet.
    pub granted: u32,
    pub handle: Handle,
    pub requested_at: Utc,
    /// The last answer. It stays in force while a newer one is awaited.
    pub mode: Mode,
    /// Whether the supervisor has answered since the last request.
    #[serde(skip)]
    pub status: Status,
    /// Whether it was asked for since the blade was started.
    #[serde(skip)]
    asked: bool,
}

/// What `Request status:` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Pending,
    Complete,
}

impl Status {
    /// # Source
    /// Seed for `Complete`; `Pending` is ours.
    pub const fn asa_word(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::Complete => "Complete",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down { retry_at: Instant },
    Connecting,
    Greeting,
    Up,
}

/// The machine.
#[derive(Debug)]
pub struct Blade {
    facts: Facts,
    link: Link,
    /// True while the supervisor says that the application is not to run.
    stopped: bool,
    hostname: String,
    startup: Config,
    /// Units by feature, as configured; a standby unit asks for none of them.
    features: BTreeMap<Feature, u32>,
    held: BTreeMap<Feature, Held>,
    next: Handle,
    policy: Policy,
    prompt: Vec<PromptPart>,
    pair: Pair,
    failover: Failover,
    group: Option<Group>,
    cluster: Cluster,
    /// What the supervisor was told last.
    told: Standing,
    cached: Option<Cached>,
    /// What flash has of it.
    kept: Option<Cached>,
    /// How often the configuration was saved.
    saved: u32,
    /// Speed of the clock, 1000 for the host's own.
    rate_milli: u32,
    /// Level of `debug license`; 0 is off.
    debug_level: u8,
    booted_at: Instant,
    outputs: VecDeque<Output>,
    unwritten: bool,
}

impl Blade {
    /// Boots with what flash holds: entitlements in the mode they had, startup-config on top.
    ///
    /// An entitlement in flash is its line under `license smart`, so it comes back with or without
    /// `write memory`; the rest of the configuration comes back only if it was written.
    pub fn new(facts: Facts, stored: Stored, now: Now) -> Blade {
        let family = facts.module.family;
        let Stored { startup, mut held, next, policy, cached } = stored;
        held.retain(|feature, held| {
            Entitlement::find(family, *feature).is_some_and(|row| row.tag == held.tag.as_str())
        });
        let mut features = startup.features.clone();
        features.extend(held.iter().map(|(feature, held)| (*feature, held.count)));
        let mut blade = Blade {
            facts,
            link: Link::Connecting,
            stopped: false,
            hostname: startup.hostname.clone(),
            prompt: startup.prompt.clone(),
            pair: startup.failover.clone(),
            failover: Failover::new(now, startup.unit, &startup.failover),
            group: startup.cluster.clone(),
            cluster: Cluster::new(now, startup.cluster.as_ref()),
            told: Standing::Alone,
            startup,
            features,
            held,
            next,
            policy,
            cached,
            kept: cached,
            saved: 0,
            rate_milli: 1000,
            debug_level: 0,
            booted_at: now.mono,
            outputs: VecDeque::from([Output::Connect]),
            unwritten: false,
        };
        blade.ask_missing(now);
        // Until the supervisor has set the clock, the time of a request would be a guess.
        for held in blade.held.values_mut() {
            (held.asked, held.status) = (false, Status::Pending);
        }
        blade
    }

    /// Applies one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        if event == Event::Due {
            self.units_due(now);
        }
        match (self.link, event) {
            (Link::Connecting, Event::Linked) => {
                self.link = Link::Greeting;
                self.send(Message::Hello(self.hello(Role::License)));
            }
            (Link::Greeting, Event::Message(Message::Welcome(welcome))) => {
                self.welcome(now, &welcome);
            }
            (Link::Greeting, Event::Message(Message::Refused { reason })) => {
                self.stopped = reason == Refusal::Stopped;
                self.hang_up(now, format!("the supervisor refuses: {reason}"));
            }
            (Link::Up, Event::Message(message)) => self.listen(now, message),
            (Link::Greeting, Event::Message(message)) => {
                self.hang_up(now, format!("the supervisor says {} too early", message.name()));
            }
            (Link::Connecting | Link::Greeting | Link::Up, Event::Unlinked) => self.fall(now),
            (Link::Down { retry_at }, Event::Due) if retry_at <= now.mono => {
                self.link = Link::Connecting;
                self.outputs.push_back(Output::Connect);
            }

            // Late: of a connection that was given up, or a deadline that no longer applies.
            (
                Link::Down { .. },
                Event::Linked | Event::Unlinked | Event::Message(_) | Event::Due,
            )
            | (Link::Connecting, Event::Message(_) | Event::Due)
            | (Link::Greeting | Link::Up, Event::Linked | Event::Due) => {}
        }
        self.pump(now);
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, _now: Now) -> Next<Output> {
        if std::mem::take(&mut self.unwritten) {
            return Next::Do(Output::Persist(Box::new(self.stored())));
        }
        if let Some(output) = self.outputs.pop_front() {
            return Next::Do(output);
        }
        let retry = match self.link {
            Link::Down { retry_at } => Some(retry_at),
            Link::Connecting | Link::Greeting | Link::Up => None,
        };
        Next::Wait(retry.into_iter().chain(self.units_deadline()).min())
    }

    /// Returns what this blade says first on a connection of this role.
    pub fn hello(&self, role: Role) -> Hello {
        Hello {
            role,
            slot: self.facts.slot,
            serial: self.facts.serial.clone(),
            module: self.facts.module.pid.to_owned(),
            release: self.facts.release.clone(),
        }
    }

    /// Returns what is true of this blade from power-on to power-off.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the entitlements asked for, in the order an ASA lists them.
    pub fn held(&self) -> impl Iterator<Item = (Feature, &Held)> {
        self.held.iter().map(|(feature, held)| (*feature, held))
    }

    /// Returns true while the supervisor is reached.
    pub fn is_attached(&self) -> bool {
        self.link == Link::Up
    }

    /// Returns true if the ASA runs; the module does in any case.
    pub fn is_running(&self) -> bool {
        !self.stopped
    }

    /// Returns what the chassis's registration means, as last heard.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Returns the configuration as it stands.
    pub fn running(&self) -> Config {
        Config {
            hostname: self.hostname.clone(),
            features: self.features.clone(),
            prompt: self.prompt.clone(),
            unit: self.failover.unit,
            failover: self.pair.clone(),
            cluster: self.group.clone(),
        }
    }

    /// Returns the configuration that `write memory` saved last.
    pub fn startup(&self) -> &Config {
        &self.startup
    }

    /// Returns the name in the prompt.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Returns the time since the boot.
    pub fn uptime(&self, now: Now) -> Duration {
        now.mono.since(self.booted_at)
    }

    /// Gives the blade a name; whether it is one that an ASA takes is the caller's to know.
    pub fn rename(&mut self, hostname: &str) {
        hostname.clone_into(&mut self.hostname);
    }

    /// Saves the configuration, as `write memory` does.
    pub fn write_memory(&mut self) {
        // A mate that is told of a higher number saves too.
        self.saved = self.saved.saturating_add(1);
        let running = self.running();
        self.unwritten |= self.startup != running;
        self.startup = running;
    }

    /// Sets the level of `debug license`, 0 for off.
    pub fn set_debug_level(&mut self, level: u8) {
        self.debug_level = level;
    }

    fn stored(&self) -> Stored {
        Stored {
            startup: self.startup.clone(),
            held: self.held.clone(),
            next: self.next,
            policy: self.policy,
            cached: self.cached,
        }
    }

    fn welcome(&mut self, now: Now, welcome: &Welcome) {
        self.link = Link::Up;
        self.stopped = false;
        let clock = Output::Clock { wall: welcome.wall, rate_milli: welcome.rate_milli };
        self.outputs.push_back(clock);
        self.set_policy(welcome.export_controlled, welcome.registered);
        // A blade with a new flash in an old slot: its numbers go on where the others ended.
        if self.next < welcome.next_handle {
            self.next = welcome.next_handle;
            self.unwritten = true;
        }
        self.set_rate(now, welcome.rate_milli);
        self.told = Standing::Alone;
        self.tell_standing();
        if self.asks() {
            self.ask_again(welcome.wall, |_| true);
        } else {
            // The supervisor forgot them with the last connection.
            self.held.values_mut().for_each(|held| held.asked = false);
        }
    }

    /// Asks the supervisor for what is held, as after every restart of either.
    fn ask_again(&mut self, wall: Utc, which: impl Fn(&Held) -> bool) {
        let mut requests = Vec::new();
        for held in self.held.values_mut().filter(|held| which(held)) {
            held.status = Status::Pending;
            if !std::mem::replace(&mut held.asked, true) {
                held.requested_at = wall;
                self.unwritten = true;
            }
            requests.push(held.request());
        }
        self.outputs.extend(requests.into_iter().map(Output::Send));
    }

    fn listen(&mut self, now: Now, message: Message) {
        match message {
            Message::Ack { handle } => self.debug(&format!("handle {} acknowledged", handle.0)),
            Message::Enforce { handle, mode } => self.enforce(handle, mode),
            Message::Denied { handle, reason } => self.denied(handle, reason),
            Message::Policy { export_controlled, registered } => {
                self.set_policy(export_controlled, registered);
            }
            Message::Clock { wall, rate_milli } => {
                self.set_rate(now, rate_milli);
                self.outputs.push_back(Output::Clock { wall, rate_milli });
            }
            Message::Bootstrap(cluster) => self.bootstrap(now, cluster),
            Message::Frame { port, bytes } => self.hear(now, &port, &bytes),
            Message::Ping { number } => self.send(Message::Pong { number }),
            Message::Pong { .. } => {}
            Message::Refused { reason } => {
                self.stopped = reason == Refusal::Stopped;
                self.hang_up(now, format!("the supervisor closes the connection: {reason}"));
            }
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Request { .. }
            | Message::Release { .. }
            | Message::Standing(_)
            | Message::ConsoleOpen { .. }
            | Message::ConsoleIn { .. }
            | Message::ConsoleOut { .. }
            | Message::ConsoleClosed => {
                self.hang_up(now, format!("{} is not for a supervisor to say", message.name()));
            }
        }
    }

    fn enforce(&mut self, handle: Handle, mode: Mode) {
        // An answer to what was released meanwhile: nothing of it is left.
        let Some(held) = self.held.values_mut().find(|held| held.handle == handle) else { return };
        let before = (held.mode, held.granted);
        if mode == Mode::Waiting {
            held.status = Status::Pending;
            if matches!(held.mode, Mode::Invalid | Mode::Init) {
                held.mode = mode;
            }
        } else {
            held.status = Status::Complete;
            held.mode = mode;
            held.granted = held.count;
        }
        let changed = before != (held.mode, held.granted);
        let text = format!(
            "handle {} tag {} mode {} ({})",
            handle.0,
            held.tag.short_name(),
            mode.asa_word(),
            mode.code()
        );
        self.unwritten |= changed;
        self.debug(&text);
    }

    fn denied(&mut self, handle: Handle, reason: Denial) {
        self.outputs.push_back(Output::Log(format!("handle {} is refused: {reason}", handle.0)));
        let next = self.next;
        let Some(held) = self.held.values_mut().find(|held| held.handle == handle) else { return };
        self.unwritten = true;
        if reason == Denial::HandleStale {
            held.handle = next;
            self.next = Handle(next.0.saturating_add(1));
            let request = held.request();
            self.send(request);
        } else {
            held.status = Status::Complete;
            held.mode = Mode::NotAuthorized;
            held.granted = 0;
        }
    }

    fn set_policy(&mut self, export_controlled: bool, registered: bool) {
        let policy = Policy { export_controlled, registered };
        if self.policy != policy {
            self.policy = policy;
            self.unwritten = true;
            let word = if export_controlled { "allowed" } else { "not allowed" };
            self.debug(&format!("export-controlled functionality {word}"));
        }
    }

    fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(message));
    }

    /// # Source
    /// Ours: no output of `debug license` is public.
    fn debug(&mut self, text: &str) {
        if self.debug_level > 0 {
            self.outputs.push_back(Output::Console(format!("license: {text}")));
        }
    }

    fn hang_up(&mut self, now: Now, reason: String) {
        self.outputs.push_back(Output::Log(reason));
        self.outputs.push_back(Output::Disconnect);
        self.fall(now);
    }

    fn fall(&mut self, now: Now) {
        self.link = Link::Down { retry_at: now.mono + RECONNECT_WAIT };
    }
}

impl Held {
    fn request(&self) -> Message {
        Message::Request { handle: self.handle, tag: self.tag.clone(), count: self.count }
    }
}

#[cfg(test)]
mod tests;
