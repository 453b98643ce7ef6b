//! An ASA among others: what it replicates, what it asks for in which role, and what they share.

use thiserror::Error;

use super::cluster::{self, Cluster, Group};
use super::failover::{Act, Cached, Failover, GRACE, Own};
use super::{Blade, Capabilities, Link, Output, Status};
use crate::base::enforcement::Mode;
use crate::base::entitlement::Feature;
use crate::base::time::{Instant, Now};
use crate::wire::appag::Message;
use crate::wire::units::{
    Addresses, Interface, Packet, Pair, PromptPart, Replica, Shared, Standing, Unit,
};

/// Why a line of the failover configuration is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PairError {
    #[error("failover has no interface to speak over")]
    NoInterface,
    #[error("the hold time is shorter than three hellos")]
    HoldTime,
    #[error("no such failover interface")]
    UnknownInterface,
    #[error("failover is on: its interface can't change")]
    On,
    #[error("no mate is ready to take over")]
    NoMate,
    #[error("failover is off")]
    Off,
    #[error("a cluster and a failover pair exclude each other")]
    Both,
    #[error("another cluster group is configured")]
    OtherGroup,
    #[error("the cluster lacks the unit's name or its interface")]
    Incomplete,
    #[error("the cluster is on: its configuration can't change")]
    Enabled,
}

/// What a unit may ask its supervisor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    All,
    /// What every unit of a cluster needs for itself.
    PerUnit,
    Nothing,
    /// Its place is not known yet: what it holds stays, and nothing is added.
    Later,
}

impl PairError {
    /// Returns the line that the ASA prints.
    ///
    /// # Source
    /// Recall for the words about the hold time; ours for the others.
    pub const fn device_text(self) -> &'static str {
        match self {
            PairError::NoInterface => {
                "ERROR: Failover cannot be enabled: configure `failover lan interface` first."
            }
            PairError::HoldTime => {
                "ERROR: The unit holdtime must be at least three times the unit polltime."
            }
            PairError::UnknownInterface => {
                "ERROR: There is no such failover interface: configure `failover lan interface` \
                 or `failover link` first."
            }
            PairError::On => "ERROR: Failover is on: enter `no failover` first.",
            PairError::NoMate => "ERROR: The other unit is not ready to take over.",
            PairError::Off => "ERROR: Failover is off.",
            PairError::Both => {
                "ERROR: Failover and clustering exclude each other: switch one of them off first."
            }
            PairError::OtherGroup => {
                "ERROR: Another cluster group is configured: enter `no cluster group` first."
            }
            PairError::Incomplete => {
                "ERROR: Clustering cannot be enabled: configure `local-unit` and \
                 `cluster-interface` first."
            }
            PairError::Enabled => "ERROR: Clustering is enabled: enter `no enable` first.",
        }
    }
}

impl Blade {
    /// Returns the failover machine, to be looked at.
    pub fn failover(&self) -> &Failover {
        &self.failover
    }

    /// Returns the configuration of failover as it stands.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Returns the cluster machine, to be looked at.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the configuration of the cluster as it stands.
    pub fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    fn asking(&self) -> Asking {
        if self.failover.is_standby() {
            Asking::Nothing
        } else if self.cluster.is_data() || self.cluster.has_left() {
            Asking::PerUnit
        } else if !self.failover.may_ask() || self.cluster.is_on() && !self.cluster.is_control() {
            Asking::Later
        } else {
            Asking::All
        }
    }

    /// Returns true while all licences are this unit's to ask for.
    pub fn may_ask(&self) -> bool {
        self.asking() == Asking::All
    }

    /// Returns true while any licence is.
    pub(super) fn asks(&self) -> bool {
        matches!(self.asking(), Asking::All | Asking::PerUnit)
    }

    /// Returns true while an entitlement of this feature is this unit's to ask for.
    ///
    /// # Source
    /// Seed, "ASA-cluster": a data unit keeps its per-unit entitlements, strong encryption.
    pub(super) fn asks_for(&self, feature: Feature) -> bool {
        match self.asking() {
            Asking::All => true,
            Asking::PerUnit => feature == Feature::StrongEncryption,
            Asking::Nothing | Asking::Later => false,
        }
    }

    /// Returns true if other units give this one what it may do.
    pub fn shares(&self) -> bool {
        self.failover.is_on() || self.cluster.is_on()
    }

    /// Returns where this unit stands among others.
    pub fn standing(&self) -> Standing {
        if self.failover.is_on() {
            return match (self.failover.is_active(), self.failover.state_text()) {
                (true, _) => Standing::Active,
                (false, "Standby Ready") => Standing::Standby,
                (false, _) => Standing::Seeking,
            };
        }
        match &self.group {
            None => Standing::Alone,
            Some(_) if self.cluster.is_control() => Standing::Control,
            Some(_) if self.cluster.is_data() => Standing::Data,
            Some(_) if self.cluster.is_on() => Standing::Seeking,
            Some(_) => Standing::Outside,
        }
    }

    /// Tells the supervisor where this unit stands, if that is news.
    pub(super) fn tell_standing(&mut self) {
        let standing = self.standing();
        if self.link == Link::Up && self.told != standing {
            self.told = standing;
            self.send(Message::Standing(standing));
        }
    }

    /// Returns what stands in the prompt before its sign.
    pub fn prompt(&self) -> String {
        let parts = self.prompt.iter().map(|part| match part {
            PromptPart::Hostname => self.hostname.as_str(),
            PromptPart::ClusterUnit => self.group.as_ref().map_or("", |group| group.unit.as_str()),
            PromptPart::Priority => match self.failover.unit {
                Unit::Primary => "pri",
                Unit::Secondary => "sec",
            },
            PromptPart::State => self.failover.prompt_text(),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Sets what the prompt is made of.
    pub fn set_prompt(&mut self, parts: Vec<PromptPart>) {
        self.prompt = if parts.is_empty() { super::hostname_alone() } else { parts };
    }

    /// `failover lan unit`.
    ///
    /// # Errors
    /// [`PairError::On`].
    pub fn set_unit(&mut self, unit: Unit) -> Result<(), PairError> {
        if self.failover.is_on() && unit != self.failover.unit {
            return Err(PairError::On);
        }
        self.failover.unit = unit;
        Ok(())
    }

    /// `failover lan interface` and its negation.
    ///
    /// # Errors
    /// [`PairError::On`].
    pub fn set_pair_lan(&mut self, lan: Option<Interface>) -> Result<(), PairError> {
        if self.failover.is_on() && self.pair.lan != lan {
            return Err(PairError::On);
        }
        self.pair.lan = lan;
        Ok(())
    }

    /// `failover link NAME [PORT]`, and its negation. Without a port it shares the failover link's.
    ///
    /// # Errors
    /// [`PairError::UnknownInterface`] for a new name without a port.
    pub fn set_pair_link(&mut self, link: Option<(&str, Option<&str>)>) -> Result<(), PairError> {
        let Some((name, port)) = link else {
            self.pair.link = None;
            return Ok(());
        };
        let lan = self.pair.lan.as_ref().filter(|lan| lan.name == name);
        let port = port.map(str::to_owned).or_else(|| lan.map(|lan| lan.port.clone()));
        let port = port.ok_or(PairError::UnknownInterface)?;
        self.pair.link = Some(Interface { name: name.to_owned(), port });
        Ok(())
    }

    /// `failover interface ip`, and its negation.
    ///
    /// # Errors
    /// [`PairError::UnknownInterface`].
    pub fn set_pair_addresses(
        &mut self,
        name: &str,
        addresses: Option<Addresses>,
    ) -> Result<(), PairError> {
        let known = [&self.pair.lan, &self.pair.link];
        let known = known.into_iter().flatten().any(|interface| interface.name == name);
        match addresses {
            Some(addresses) if known => {
                self.pair.addresses.insert(name.to_owned(), addresses);
            }
            Some(_) => return Err(PairError::UnknownInterface),
            None => {
                self.pair.addresses.remove(name);
            }
        }
        Ok(())
    }

    /// `failover key`, and its negation.
    pub fn set_pair_key(&mut self, key: Option<String>) {
        self.pair.key = key;
    }

    /// `failover polltime unit`, in milliseconds; a hold time that is not given stays, unless it is too
    /// short for the new poll time.
    ///
    /// # Errors
    /// [`PairError::HoldTime`].
    ///
    /// # Source
    /// Vendor's command reference, recall: the hold time is at least three times the poll time.
    pub fn set_pair_times(
        &mut self,
        now: Now,
        poll_ms: u32,
        hold_ms: Option<u32>,
    ) -> Result<(), PairError> {
        let hold_ms = hold_ms.unwrap_or_else(|| self.pair.hold_ms.max(poll_ms.saturating_mul(3)));
        if hold_ms < poll_ms.saturating_mul(3) {
            return Err(PairError::HoldTime);
        }
        (self.pair.poll_ms, self.pair.hold_ms) = (poll_ms, hold_ms);
        self.failover.repace(now, &self.pair, self.rate_milli);
        Ok(())
    }

    /// `failover` and `no failover`.
    ///
    /// # Errors
    /// [`PairError::NoInterface`].
    pub fn set_failover(&mut self, now: Now, on: bool) -> Result<(), PairError> {
        if on && self.pair.lan.is_none() {
            return Err(PairError::NoInterface);
        }
        if on && self.cluster.is_on() {
            return Err(PairError::Both);
        }
        if self.pair.on == on && self.failover.is_on() == on {
            return Ok(());
        }
        self.pair.on = on;
        if on {
            self.failover.begin(now, &self.pair, self.rate_milli);
        } else {
            let own = self.own(now);
            self.failover.end(now, &own);
        }
        self.pump(now);
        Ok(())
    }

    /// `failover active`.
    ///
    /// # Errors
    /// [`PairError::Off`].
    pub fn claim(&mut self, now: Now) -> Result<(), PairError> {
        if !self.failover.is_on() {
            return Err(PairError::Off);
        }
        self.failover.claim(now);
        self.pump(now);
        Ok(())
    }

    /// `no failover active`.
    ///
    /// # Errors
    /// [`PairError::Off`]; [`PairError::NoMate`].
    pub fn stand_down(&mut self, now: Now) -> Result<(), PairError> {
        if !self.failover.is_on() {
            return Err(PairError::Off);
        }
        if self.failover.is_standby() {
            return Ok(());
        }
        if !self.failover.yield_to_mate(now) {
            return Err(PairError::NoMate);
        }
        self.pump(now);
        Ok(())
    }

    /// Returns what several units may do together; `None` for one that is alone.
    ///
    /// # Source
    /// Seed, FAQ on unused licences: the licences of a pair come to one, which the standby unit keeps
    /// for when it becomes the active one. Vendor's guide, recall: for 30 days.
    pub fn shared(&self, now: Now) -> Option<Capabilities> {
        if !self.shares() {
            return None;
        }
        let (fresh, here) = self.reckoned();
        let cached = self.cached.filter(|cached| now.wall < cached.until);
        Some(match cached {
            Some(cached) if !fresh => cached.can.or(here),
            Some(_) | None => here,
        })
    }

    /// Returns what the units may do together by what is known now, and whether that is all.
    fn reckoned(&self) -> (bool, Capabilities) {
        let (own, module) = (self.capabilities(), self.facts.module);
        if self.cluster.is_control() {
            let others = self.cluster.members().map(|(_, peer)| peer.member.own);
            let units: Vec<Capabilities> = std::iter::once(own).chain(others).collect();
            return (self.is_answered(), Capabilities::shared(module, &units));
        }
        if self.cluster.is_on() {
            return match self.cluster.control_says() {
                Some(shared) if self.cluster.is_data() => (true, shared),
                Some(_) | None => (false, Capabilities::shared(module, &[own])),
            };
        }
        let mate = self.failover.mate().filter(|mate| mate.alive);
        match mate {
            None => (false, Capabilities::shared(module, &[own])),
            Some(mate) => match mate.hello.shared.filter(|_| !self.failover.is_active()) {
                Some(shared) => (true, shared),
                None => {
                    let both = Capabilities::shared(module, &[own, mate.hello.own]);
                    (self.failover.is_active() && self.is_answered(), both)
                }
            },
        }
    }

    /// Returns true once everything that is configured has been answered.
    fn is_answered(&self) -> bool {
        self.features.keys().all(|feature| {
            self.held
                .get(feature)
                .is_some_and(|held| held.status == Status::Complete && held.mode != Mode::Waiting)
        })
    }

    /// Keeps what the units may do together for when there are fewer.
    fn keep(&mut self, now: Now) {
        let (fresh, can) = self.reckoned();
        if !fresh {
            return;
        }
        let until = now.wall + GRACE;
        // Flash is spared: what was written is renewed once a day.
        let stale =
            self.kept.is_none_or(|kept| kept.can != can || until.since(kept.until) >= KEPT_FRESH);
        self.cached = Some(Cached { can, until });
        if stale {
            self.kept = self.cached;
            self.unwritten = true;
        }
    }

    pub(super) fn own(&self, now: Now) -> Own {
        Own {
            serial: self.facts.serial.clone(),
            release: self.facts.release.clone(),
            module: self.facts.module.pid.to_owned(),
            slot: self.facts.slot.number(),
            can: self.capabilities(),
            shared: if self.failover.is_active() { self.shared(now) } else { None },
            replica: Replica {
                hostname: self.hostname.clone(),
                prompt: self.prompt.clone(),
                features: self.features.clone(),
                failover: self.pair.clone(),
                saved: self.saved,
            },
            rate_milli: self.rate_milli,
        }
    }

    fn own_of(&self, now: Now, group: &Group) -> cluster::Own {
        cluster::Own {
            serial: self.facts.serial.clone(),
            release: self.facts.release.clone(),
            module: self.facts.module.pid.to_owned(),
            can: self.capabilities(),
            shared: if self.cluster.is_control() { self.shared(now) } else { None },
            config: Shared {
                hostname: self.hostname.clone(),
                prompt: self.prompt.clone(),
                features: self.of_the_whole().collect(),
                saved: self.saved,
            },
            group: group.clone(),
            rate_milli: self.rate_milli,
        }
    }

    /// Returns the features that are not each unit's own.
    fn of_the_whole(&self) -> impl Iterator<Item = (Feature, u32)> {
        let features = self.features.iter().map(|(feature, count)| (*feature, *count));
        features.filter(|(feature, _)| *feature != Feature::StrongEncryption)
    }

    /// Returns when the units are due.
    pub(super) fn units_deadline(&self) -> Option<Instant> {
        let pair = self.failover.deadline(&self.pair, self.rate_milli);
        pair.into_iter().chain(self.cluster.deadline()).min()
    }

    /// Lets the units' time pass.
    pub(super) fn units_due(&mut self, now: Now) {
        if self.failover.is_on() {
            let own = self.own(now);
            self.failover.due(now, &own);
        }
        if let Some(group) = self.group.clone().filter(|_| self.cluster.is_on()) {
            let own = self.own_of(now, &group);
            self.cluster.due(now, &own);
        }
    }

    /// Takes what came over the wire of a port.
    pub(super) fn hear(&mut self, now: Now, port: &str, bytes: &[u8]) {
        let lan = self.pair.lan.as_ref();
        if self.failover.is_on() && lan.is_some_and(|lan| lan.port.eq_ignore_ascii_case(port)) {
            match Packet::decode(bytes) {
                Ok(packet) => {
                    let own = self.own(now);
                    self.failover.hear(now, packet, &own);
                    self.keep(now);
                }
                Err(_) => self.failover.garbled(),
            }
        }
        let group = self.group.clone().filter(|_| self.cluster.is_on());
        if let Some(group) = group.filter(|group| group.port.eq_ignore_ascii_case(port)) {
            match Packet::decode(bytes) {
                Ok(packet) => {
                    let own = self.own_of(now, &group);
                    self.cluster.hear(now, packet, &own);
                    self.keep(now);
                }
                Err(_) => self.cluster.garbled(),
            }
        }
    }

    pub(super) fn set_rate(&mut self, now: Now, rate_milli: u32) {
        if std::mem::replace(&mut self.rate_milli, rate_milli) != rate_milli {
            self.failover.repace(now, &self.pair, rate_milli);
            self.cluster.repace(now, rate_milli);
        }
    }

    /// Carries out what the units' machines want.
    pub(super) fn pump(&mut self, now: Now) {
        while let Some(act) = self.failover.poll() {
            match act {
                Act::Send(packet) => {
                    let port = self.pair.lan.as_ref().map(|lan| lan.port.clone());
                    if let (Link::Up, Some(port), Some(bytes)) = (self.link, port, packet.encode())
                    {
                        self.send(Message::Frame { port, bytes });
                    }
                }
                Act::Console(text) => self.outputs.push_back(Output::Console(text.to_owned())),
                Act::Apply(replica) => self.apply(now, replica),
                Act::Role => self.take_role(now),
            }
        }
        while let Some(act) = self.cluster.poll() {
            match act {
                cluster::Act::Send(packet) => {
                    let port = self.group.as_ref().map(|group| group.port.clone());
                    self.send_over(port, &packet);
                }
                cluster::Act::Console(text) => self.outputs.push_back(Output::Console(text)),
                cluster::Act::Apply(shared) => self.apply_shared(shared),
                cluster::Act::Role => self.take_role(now),
                cluster::Act::Off => {
                    if let Some(group) = &mut self.group {
                        group.on = false;
                    }
                }
            }
        }
        self.tell_standing();
    }

    fn send_over(&mut self, port: Option<String>, packet: &Packet) {
        if let (Link::Up, Some(port), Some(bytes)) = (self.link, port, packet.encode()) {
            self.send(Message::Frame { port, bytes });
        }
    }

    /// Takes the configuration of the control node; what is each unit's own stays.
    fn apply_shared(&mut self, shared: Shared) {
        let Shared { hostname, prompt, features, saved } = shared;
        (self.hostname, self.prompt) = (hostname, prompt);
        self.features.retain(|feature, _| *feature == Feature::StrongEncryption);
        self.features.extend(
            features.into_iter().filter(|(feature, _)| *feature != Feature::StrongEncryption),
        );
        if saved != self.saved {
            self.write_memory();
            self.saved = saved;
        }
    }

    /// Takes the configuration of the active unit.
    fn apply(&mut self, now: Now, replica: Replica) {
        let Replica { hostname, prompt, features, failover, saved } = replica;
        (self.hostname, self.prompt, self.features) = (hostname, prompt, features);
        self.pair = failover;
        if saved != self.saved {
            self.write_memory();
            self.saved = saved;
        }
        if !self.pair.on {
            let own = self.own(now);
            self.failover.end(now, &own);
        }
    }

    /// Asks for what is configured, or gives it back, as the role demands.
    ///
    /// # Source
    /// Seed, FAQ on unused licences: only the active unit asks for licences.
    fn take_role(&mut self, now: Now) {
        // The supervisor must know of a data unit before it hears of encryption without a tier.
        self.tell_standing();
        if self.asking() == Asking::Later {
            return;
        }
        // The tier goes last.
        for feature in Feature::ALL.into_iter().rev() {
            if !self.asks_for(feature) {
                self.give_back(feature);
            }
        }
        self.ask_missing(now);
        if self.link == Link::Up && self.asks() {
            self.ask_again(now.wall, |held| !held.asked);
        }
    }
}

/// How much older what flash keeps may be than what is true.
const KEPT_FRESH: std::time::Duration = crate::base::time::days(1);
