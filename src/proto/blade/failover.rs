//! A failover pair, as one of its units sees it.
//!
//! ```text
//!               on                 an active mate             has its configuration
//!  Disabled ─────────▶ Negotiation ──────────────▶ ColdStandby ──────▶ StandbyReady
//!     ▲                    │  nobody for the hold time, or           │    ▲
//!     │ off                │  primary beside another that negotiates │    │ the mate claims
//!     └──────── any        └──────────────▶ Active ◀─────────────────┘    │
//!                                             └───────────────────────────┘
//!                                  the mate is silent, stands down, or isn't active
//! ```
//! Every packet tells how its sender stands, again and again; there is nothing that a lost one could
//! leave half done. Two that find each other active: the primary stays.
//!
//! Hold and poll time run with the host's clock, not the lab's: a lab that runs a thousand times as
//! fast must not lose its pairs to the scheduler.
//!
//! # Source
//! Vendor's guide on failover, from memory: hello every second, hold time of 15; the states, reasons
//! and console lines are those of public `show failover history` listings, likewise recall.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Capabilities;
use crate::base::time::{Instant, Now, Utc, days};
use crate::wire::units::{Body, Hello, Packet, Pair, PairState, Replica, Unit, fingerprint};

/// Milliseconds between hellos, and without one until the mate is given up, as the factory has them.
///
/// # Source
/// Public `show failover`: `Unit Poll frequency 1 seconds, holdtime 15 seconds`.
pub const POLL_MS: (u32, u32) = (1_000, 15_000);
/// Most transitions that the history keeps.
pub const HISTORY_MAX: usize = 60;
/// How often the active unit tells its mate that failover is switched off.
const FAREWELLS: u32 = 3;
/// How long what a pair may do together outlives the mate that brought it.
///
/// # Source
/// Vendor's guide on licensing of failover pairs, recall: a grace period of 30 days.
pub const GRACE: Duration = days(30);

impl Pair {
    /// Returns a pair that nobody has configured.
    pub fn unconfigured() -> Pair {
        Pair {
            on: false,
            lan: None,
            link: None,
            addresses: std::collections::BTreeMap::new(),
            key: None,
            poll_ms: POLL_MS.0,
            hold_ms: POLL_MS.1,
        }
    }
}

/// What the pair may do together, kept for as long as the grace lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cached {
    pub can: Capabilities,
    pub until: Utc,
}

/// What the machine is told about its own unit whenever it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub serial: String,
    pub release: String,
    pub module: String,
    pub slot: u8,
    pub can: Capabilities,
    /// What the pair may do together, if this unit is the one to say.
    pub shared: Option<Capabilities>,
    pub replica: Replica,
    /// Speed of the clock that `now.mono` is read from, 1000 for the host's own.
    pub rate_milli: u32,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send this over the failover link.
    Send(Packet),
    /// Print a line on the console.
    Console(&'static str),
    /// Take this configuration.
    Apply(Replica),
    /// Licences are this unit's to ask for from now on, or no longer.
    Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Off. `standby` if the unit was the standby of a pair: then it stays out of the way.
    Disabled {
        standby: bool,
    },
    Negotiation {
        until: Instant,
    },
    ColdStandby,
    StandbyReady,
    Active,
}

/// The other unit, as last heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mate {
    pub serial: String,
    pub hello: Hello,
    /// False once it has been silent for the hold time.
    pub alive: bool,
    heard_at: Instant,
}

/// One line of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub at: Utc,
    pub from: &'static str,
    pub to: &'static str,
    pub reason: &'static str,
}

/// Counters of the failover link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub sent: u64,
    pub received: u64,
    /// Packets of strangers, and what was none.
    pub dropped: u64,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Failover {
    pub unit: Unit,
    state: State,
    mate: Option<Mate>,
    history: VecDeque<Change>,
    hello_at: Instant,
    /// Since when the unit is what it is, for its active time.
    since: Instant,
    switched_at: Option<Utc>,
    /// True if it stood down for its mate, which has not taken over yet.
    yields: bool,
    /// True if its operator wants it active.
    claims: bool,
    /// True while the mate is being sent the configuration.
    sending: bool,
    counters: Counters,
    acts: VecDeque<Act>,
}

/// Words of the states in listings.
mod word {
    pub(super) const DISABLED: &str = "Disabled";
    pub(super) const NEGOTIATION: &str = "Negotiation";
    pub(super) const COLD: &str = "Cold Standby";
    pub(super) const READY: &str = "Standby Ready";
    pub(super) const ACTIVE: &str = "Active";
    /// What a unit passes on its way to `Active`.
    pub(super) const TO_ACTIVE: [&str; 4] =
        ["Just Active", "Active Drain", "Active Applying Config", "Active Config Applied"];
    /// What a unit passes on its way to `Standby Ready`.
    pub(super) const TO_READY: [&str; 3] = ["Sync Config", "Sync File System", "Bulk Sync"];
}

/// Reasons in the history.
mod why {
    pub(super) const ALONE: &str = "No Active unit found";
    pub(super) const SILENT: &str = "HELLO not heard from mate";
    pub(super) const COMMAND: &str = "Set by the config command";
    pub(super) const DETECTED: &str = "Detected an Active mate";
    pub(super) const WANTED_ACTIVE: &str = "Other unit wants me Active";
    pub(super) const WANTED_STANDBY: &str = "Other unit wants me Standby";
}

impl Failover {
    /// Makes the machine as it stands at power-on.
    pub fn new(now: Now, unit: Unit, pair: &Pair) -> Failover {
        let mut failover = Failover {
            unit,
            state: State::Disabled { standby: false },
            mate: None,
            history: VecDeque::new(),
            hello_at: now.mono,
            since: now.mono,
            switched_at: None,
            yields: false,
            claims: false,
            sending: false,
            counters: Counters::default(),
            acts: VecDeque::new(),
        };
        if pair.on {
            failover.begin(now, pair, 1000);
        }
        failover
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// Returns when something is due.
    pub fn deadline(&self, pair: &Pair, rate_milli: u32) -> Option<Instant> {
        if let State::Disabled { .. } = self.state {
            return None;
        }
        let silent = self
            .mate
            .as_ref()
            .filter(|mate| mate.alive)
            .map(|mate| mate.heard_at + scaled(pair.hold_ms, rate_milli));
        let negotiated = match self.state {
            State::Negotiation { until } => Some(until),
            State::Disabled { .. } | State::ColdStandby | State::StandbyReady | State::Active => {
                None
            }
        };
        silent.into_iter().chain(negotiated).chain([self.hello_at]).min()
    }

    /// Turns failover on.
    pub fn begin(&mut self, now: Now, pair: &Pair, rate_milli: u32) {
        if let State::Disabled { .. } = self.state {
            let until = now.mono + scaled(pair.hold_ms, rate_milli);
            self.mate = None;
            self.hello_at = now.mono;
            self.go(now, State::Negotiation { until }, "");
        }
    }

    /// Turns failover off; a unit that isn't the active one stays out of the way. The active one has
    /// its mate do the same, and says so several times: it will not be there to repeat it.
    pub fn end(&mut self, now: Now, own: &Own) {
        let standby = match self.state {
            State::Disabled { standby } => standby,
            State::Negotiation { .. } => false,
            State::Active => {
                for _ in 0..FAREWELLS {
                    self.send(own, Body::Replica(own.replica.clone()));
                }
                false
            }
            State::ColdStandby | State::StandbyReady => true,
        };
        self.mate = None;
        self.go(now, State::Disabled { standby }, why::COMMAND);
    }

    /// `failover active`: has the pair change places, once the mate agrees.
    pub fn claim(&mut self, now: Now) {
        match self.state {
            State::StandbyReady if self.mate_is_alive() => {
                self.claims = true;
                self.hello_at = now.mono;
            }
            State::StandbyReady => self.go(now, State::Active, why::COMMAND),
            State::Disabled { .. }
            | State::Negotiation { .. }
            | State::ColdStandby
            | State::Active => {}
        }
    }

    /// `no failover active`: stands down for a mate that is ready; false if there is none.
    pub fn yield_to_mate(&mut self, now: Now) -> bool {
        let ready = self
            .mate
            .as_ref()
            .is_some_and(|mate| mate.alive && mate.hello.state == PairState::StandbyReady);
        if self.state != State::Active || !ready {
            return false;
        }
        self.stand_down(now, why::COMMAND);
        true
    }

    /// Applies what came over the failover link.
    pub fn hear(&mut self, now: Now, packet: Packet, own: &Own) {
        let (group, key) = address(&own.replica.failover);
        let meant = packet.group == group && packet.key == key && packet.serial != own.serial;
        let other = self.mate.as_ref().is_some_and(|m| m.alive && m.serial != packet.serial);
        if matches!(self.state, State::Disabled { .. }) || !meant || other {
            self.counters.dropped = self.counters.dropped.saturating_add(1);
            return;
        }
        match packet.body {
            Body::Hello(hello) if hello.unit != self.unit => {
                self.counters.received = self.counters.received.saturating_add(1);
                let (serial, heard_at) = (packet.serial, now.mono);
                self.mate = Some(Mate { serial, hello: hello.clone(), alive: true, heard_at });
                self.meet(now, &hello);
            }
            Body::Replica(replica) => self.replicate(now, replica, own),
            // Two units that both say they are the primary, and what is a cluster's.
            Body::Hello(_) | Body::Member(_) | Body::Rejected { .. } | Body::Shared(_) => {
                self.counters.dropped = self.counters.dropped.saturating_add(1);
            }
        }
    }

    /// Counts something that was no packet.
    pub fn garbled(&mut self) {
        self.counters.dropped = self.counters.dropped.saturating_add(1);
    }

    /// Begins every wait anew: the clock runs at another speed from now on.
    pub fn repace(&mut self, now: Now, pair: &Pair, rate_milli: u32) {
        self.hello_at = now.mono;
        if let Some(mate) = &mut self.mate {
            mate.heard_at = now.mono;
        }
        if let State::Negotiation { until } = &mut self.state {
            *until = now.mono + scaled(pair.hold_ms, rate_milli);
        }
    }

    /// Lets time pass.
    pub fn due(&mut self, now: Now, own: &Own) {
        let pair = &own.replica.failover;
        if let State::Disabled { .. } = self.state {
            return;
        }
        let hold = scaled(pair.hold_ms, own.rate_milli);
        let silent = |mate: &&mut Mate| mate.alive && mate.heard_at + hold <= now.mono;
        if let Some(mate) = self.mate.as_mut().filter(silent) {
            mate.alive = false;
            (self.sending, self.claims) = (false, false);
            match self.state {
                State::StandbyReady | State::ColdStandby => {
                    self.acts.push_back(Act::Console("        Switching to Active"));
                    self.go(now, State::Active, why::SILENT);
                }
                State::Active | State::Negotiation { .. } | State::Disabled { .. } => {}
            }
        }
        if let State::Negotiation { until } = self.state
            && until <= now.mono
        {
            self.acts.push_back(Act::Console("        No Response from Mate"));
            self.acts.push_back(Act::Console("        Switching to Active"));
            self.go(now, State::Active, why::ALONE);
        }
        if self.hello_at <= now.mono {
            self.hello_at = now.mono + scaled(pair.poll_ms, own.rate_milli);
            self.greet(own);
        }
    }

    /// Tells the mate how this unit stands, and what it should have.
    fn greet(&mut self, own: &Own) {
        let state = match self.state {
            State::Disabled { .. } => return,
            State::Negotiation { .. } => PairState::Negotiation,
            State::ColdStandby => PairState::ColdStandby,
            State::StandbyReady => PairState::StandbyReady,
            State::Active => PairState::Active,
        };
        let print = print_of(&own.replica);
        let hello = Hello {
            unit: self.unit,
            state,
            release: own.release.clone(),
            slot: own.slot,
            module: own.module.clone(),
            yields: self.yields,
            claims: self.claims,
            own: own.can,
            shared: own.shared,
            fingerprint: print,
        };
        self.send(own, Body::Hello(hello));
        let behind = self.mate.as_ref().is_some_and(|mate| {
            let cold = mate.hello.state == PairState::ColdStandby;
            let standby = cold || mate.hello.state == PairState::StandbyReady;
            mate.alive && standby && (cold || mate.hello.fingerprint != print)
        });
        if self.state == State::Active && behind {
            self.send(own, Body::Replica(own.replica.clone()));
        }
    }

    /// Draws the conclusions from how the mate stands.
    fn meet(&mut self, now: Now, mate: &Hello) {
        match (self.state, mate.state) {
            (State::Negotiation { .. }, PairState::Active) => {
                self.acts.push_back(Act::Console("        Detected an Active mate"));
                self.go(now, State::ColdStandby, why::DETECTED);
            }
            (State::Negotiation { .. }, _) if self.unit == Unit::Primary => {
                self.acts.push_back(Act::Console("        No Active mate detected"));
                self.go(now, State::Active, why::ALONE);
            }
            (State::Active, PairState::Active) if self.unit == Unit::Secondary => {
                self.go(now, State::ColdStandby, why::DETECTED);
            }
            (State::Active, PairState::StandbyReady) if mate.claims => {
                self.stand_down(now, why::WANTED_STANDBY);
            }
            (State::Active, PairState::ColdStandby) if !self.sending => {
                self.sending = true;
                let text = "Beginning configuration replication: Sending to mate.";
                self.acts.push_back(Act::Console(text));
                self.hello_at = now.mono;
            }
            (State::Active, PairState::StandbyReady) if self.sending => {
                self.sending = false;
                let text = "End Configuration Replication to mate";
                self.acts.push_back(Act::Console(text));
            }
            (State::StandbyReady, PairState::Active) => self.yields = false,
            (State::StandbyReady, PairState::StandbyReady) if mate.yields && self.yields => {
                if self.unit == Unit::Primary {
                    self.go(now, State::Active, why::WANTED_ACTIVE);
                }
            }
            (State::StandbyReady, PairState::StandbyReady) if mate.yields => {
                let reason = if self.claims { why::COMMAND } else { why::WANTED_ACTIVE };
                self.go(now, State::Active, reason);
            }
            (State::StandbyReady, PairState::StandbyReady)
                if !self.yields && self.unit == Unit::Primary =>
            {
                self.go(now, State::Active, why::WANTED_ACTIVE);
            }
            // The mate began anew: nobody but this unit has the configuration.
            (State::StandbyReady, PairState::Negotiation | PairState::ColdStandby) => {
                self.go(now, State::Active, why::ALONE);
            }
            // Neither has it: whoever is the primary begins.
            (State::ColdStandby, PairState::Negotiation | PairState::ColdStandby)
                if self.unit == Unit::Primary =>
            {
                self.go(now, State::Active, why::ALONE);
            }
            (State::ColdStandby, PairState::Active | PairState::StandbyReady)
            | (State::ColdStandby, PairState::Negotiation | PairState::ColdStandby)
            | (
                State::Negotiation { .. },
                PairState::Negotiation | PairState::ColdStandby | PairState::StandbyReady,
            )
            | (
                State::Active,
                PairState::Active
                | PairState::Negotiation
                | PairState::ColdStandby
                | PairState::StandbyReady,
            )
            | (State::StandbyReady, PairState::StandbyReady)
            | (State::Disabled { .. }, _) => {}
        }
    }

    /// Takes the configuration that the active unit sends.
    fn replicate(&mut self, now: Now, replica: Replica, own: &Own) {
        let active = self
            .mate
            .as_ref()
            .is_some_and(|mate| mate.alive && mate.hello.state == PairState::Active);
        match self.state {
            State::ColdStandby if active => {
                let begin = "Beginning configuration replication from mate.";
                self.acts.push_back(Act::Console(begin));
                self.acts.push_back(Act::Apply(replica));
                self.acts.push_back(Act::Console("End configuration replication from mate."));
                self.go(now, State::StandbyReady, why::DETECTED);
                self.hello_at = now.mono;
            }
            State::StandbyReady if active && replica != own.replica => {
                self.acts.push_back(Act::Apply(replica));
                self.hello_at = now.mono;
            }
            State::Disabled { .. }
            | State::Negotiation { .. }
            | State::ColdStandby
            | State::StandbyReady
            | State::Active => {}
        }
    }

    fn stand_down(&mut self, now: Now, reason: &'static str) {
        self.go(now, State::StandbyReady, reason);
        self.yields = true;
    }

    /// Changes the state, with every step of it in the history.
    fn go(&mut self, now: Now, to: State, reason: &'static str) {
        let from = self.state;
        if std::mem::discriminant(&from) == std::mem::discriminant(&to) {
            self.state = to;
            return;
        }
        let reason = if reason.is_empty() { why::COMMAND } else { reason };
        let steps: &[&'static str] = match (from, to) {
            (_, State::Active) => &word::TO_ACTIVE,
            (State::ColdStandby, State::StandbyReady) => &word::TO_READY,
            (State::Active, State::StandbyReady)
            | (
                State::Disabled { .. } | State::Negotiation { .. } | State::StandbyReady,
                State::StandbyReady,
            )
            | (_, State::Disabled { .. } | State::Negotiation { .. } | State::ColdStandby) => &[],
        };
        let mut at = text(from);
        for next in steps.iter().copied().chain([text(to)]) {
            if self.history.len() >= HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(Change { at: now.wall, from: at, to: next, reason });
            at = next;
        }
        let (was, is) = (is_active(from), is_active(to));
        self.state = to;
        (self.yields, self.claims, self.sending) = (false, false, false);
        self.hello_at = now.mono;
        if was != is {
            self.since = now.mono;
            self.switched_at = Some(now.wall);
        }
        self.acts.push_back(Act::Role);
    }

    fn send(&mut self, own: &Own, body: Body) {
        let (group, key) = address(&own.replica.failover);
        self.counters.sent = self.counters.sent.saturating_add(1);
        self.acts.push_back(Act::Send(Packet { group, key, serial: own.serial.clone(), body }));
    }

    /// Returns true while licences are this unit's to ask for: it is active, or no pair at all.
    pub fn may_ask(&self) -> bool {
        matches!(self.state, State::Active | State::Disabled { standby: false })
    }

    /// Returns true while failover is on.
    pub fn is_on(&self) -> bool {
        !matches!(self.state, State::Disabled { .. })
    }

    /// Returns true for the active unit of a pair.
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Returns true for a unit that waits for the other's end, also one switched off in that state.
    pub fn is_standby(&self) -> bool {
        matches!(
            self.state,
            State::ColdStandby | State::StandbyReady | State::Disabled { standby: true }
        )
    }

    /// Returns the other unit, if one was heard.
    pub fn mate(&self) -> Option<&Mate> {
        self.mate.as_ref()
    }

    /// Returns true while the other unit is heard.
    pub fn mate_is_alive(&self) -> bool {
        self.mate.as_ref().is_some_and(|mate| mate.alive)
    }

    /// Returns the unit's state, as listings have it.
    pub fn state_text(&self) -> &'static str {
        text(self.state)
    }

    /// Returns the mate's state, as listings have it.
    pub fn mate_text(&self) -> &'static str {
        match &self.mate {
            None => "Not Detected",
            Some(mate) if !mate.alive => "Failed",
            Some(mate) => match mate.hello.state {
                PairState::Negotiation => word::NEGOTIATION,
                PairState::ColdStandby => word::COLD,
                PairState::StandbyReady => word::READY,
                PairState::Active => word::ACTIVE,
            },
        }
    }

    /// Returns the word that `prompt state` shows.
    ///
    /// # Source
    /// Seed: `act`, `stby`. Vendor's command reference, recall: the other two.
    pub fn prompt_text(&self) -> &'static str {
        match self.state {
            State::Active => "act",
            State::Negotiation { .. } | State::ColdStandby | State::StandbyReady => "stby",
            State::Disabled { standby: false } => "actNoFailover",
            State::Disabled { standby: true } => "stbyNoFailover",
        }
    }

    /// Returns the transitions kept, oldest first.
    pub fn history(&self) -> impl Iterator<Item = &Change> {
        self.history.iter()
    }

    /// Returns when the pair last changed places, as far as this unit had a part in it.
    pub fn switched_at(&self) -> Option<Utc> {
        self.switched_at
    }

    /// Returns how long the active unit has been active, as this one saw it.
    pub fn since(&self, now: Now) -> Duration {
        now.mono.since(self.since)
    }

    /// Returns the counters of the failover link.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

fn is_active(state: State) -> bool {
    matches!(state, State::Active | State::Disabled { standby: false })
}

fn text(state: State) -> &'static str {
    match state {
        State::Disabled { .. } => word::DISABLED,
        State::Negotiation { .. } => word::NEGOTIATION,
        State::ColdStandby => word::COLD,
        State::StandbyReady => word::READY,
        State::Active => word::ACTIVE,
    }
}

/// Returns the group and the key's fingerprint that packets of a pair bear.
fn address(pair: &Pair) -> (String, u64) {
    let group = pair.lan.as_ref().map_or(String::new(), |lan| lan.name.clone());
    (group, fingerprint(pair.key.as_deref().unwrap_or_default().as_bytes()))
}

fn print_of(replica: &Replica) -> u64 {
    serde_json::to_vec(replica).map_or(0, |bytes| fingerprint(&bytes))
}

fn scaled(ms: u32, rate_milli: u32) -> Duration {
    Duration::from_millis(u64::from(ms).saturating_mul(u64::from(rate_milli.max(1))) / 1000)
}
