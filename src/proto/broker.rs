//! The License Manager: collects what the blades ask for, and hands back what the agent says.
//!
//! ```text
//!  blade ──AppAG──▶ Link ──▶ Bay (one a slot: handles, tier rules) ──▶ totals per tag ──▶ agent
//!  blade ◀──Enforce──────────────── modes per tag ◀─────────────────── Verdict ◀───────── agent
//! ```
//! The edge moves bytes and nothing else: it says that a connection was opened, what was read from
//! it and that it is gone. Which slot a connection speaks for is settled by its first message.
//!
//! Several events may be handled before the next poll: then one [`Output::Persist`] covers them
//! all, ahead of every acknowledgement among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::enforcement::Mode;
use crate::base::ident::{Handle, Slot, Tag};
use crate::base::time::{Instant, Now};
use crate::proto::Next;
use crate::wire::appag::{CONSOLE_CHUNK_MAX, FrameError, Hello, Message, Refusal, Role, Welcome};

use crate::wire::units::{Bootstrap, Standing};

mod bay;
mod link;

pub use bay::{ENTRIES_MAX, StoredBay, StoredEntry, UNKNOWN_COUNT_MAX};

use bay::{Bay, Visitor};
use link::{Fault, Link, Step};

/// Most connections at a time: a license and a console link for each of three slots, and as many
/// again that are on their way in or out.
pub const LINKS_MAX: usize = 12;
/// How long a connection may keep silent before it has said who it is.
pub const HELLO_WAIT: Duration = Duration::from_secs(10);
/// How long after a start a blade may take to come back before its entitlements are given up.
pub const RETURN_WAIT: Duration = Duration::from_secs(120);
/// How long somebody who sits down at the console of a blade that is still starting waits for it.
pub const CONSOLE_WAIT: Duration = Duration::from_secs(30);
/// Most bytes that the edge may keep for a peer that doesn't read them; then it closes the link.
pub const UNREAD_MAX: usize = 256 * 1024;

/// Names one connection; the edge counts them up and never uses a number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// What the broker knows of its chassis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Model of the chassis, `FPR-4125`.
    pub model: String,
    /// Name of the chassis.
    pub hostname: String,
    /// Number of module slots.
    pub slots: u8,
    /// Slots that hold a module: its console is worth waiting for.
    pub equipped: BTreeSet<Slot>,
}

/// What the agent last said: a mode for every tag, and two facts of the registration.
///
/// A tag without a mode is waiting for an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub modes: BTreeMap<Tag, Mode>,
    pub export_controlled: bool,
    pub registered: bool,
}

impl Verdict {
    /// Returns the mode of a tag.
    pub fn mode(&self, tag: &Tag) -> Mode {
        self.modes.get(tag).copied().unwrap_or(Mode::Waiting)
    }
}

/// What can happen to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was accepted, from a peer of our own user.
    Opened { link: LinkId },
    /// Bytes were read.
    Received { link: LinkId, bytes: Vec<u8> },
    /// A connection is closed, broken, or more than [`UNREAD_MAX`] behind.
    Gone { link: LinkId },
    /// The agent's word changed.
    Verdict(Verdict),
    /// The chassis's clock was set, or runs at another speed; 1000 is real time.
    ClockSet { rate_milli: u32 },
    /// The chassis has another name.
    Renamed { hostname: String },
    /// A slot is switched off or on again.
    Power { slot: Slot, on: bool },
    /// A slot's application is to run, or not: stopping it gives its entitlements back.
    Application { slot: Slot, running: bool },
    /// Somebody sits down at a blade's console; window size in characters.
    ConsoleOpen { slot: Slot, width: u16, height: u16 },
    /// Somebody typed; serials count up from 1.
    ConsoleIn { slot: Slot, serial: u32, bytes: Vec<u8> },
    /// Somebody left a blade's console.
    ConsoleClose { slot: Slot },
    /// What the configuration makes the ASA of a slot; `None` if it is none of a cluster.
    Bootstrap { slot: Slot, cluster: Option<Bootstrap> },
    /// Something came over the wire of a port, from another chassis.
    Frame { port: String, bytes: Vec<u8> },
    /// The deadline that `poll` gave has come.
    Due,
}

/// What the broker wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this to flash before anything that follows.
    Persist(Stored),
    /// Write these bytes to a connection.
    Send { link: LinkId, bytes: Vec<u8> },
    /// Close a connection, after what was sent to it before.
    Close { link: LinkId, reason: String },
    /// Units in use per tag, all blades together; the whole map every time it changes.
    Demand(BTreeMap<Tag, u32>),
    /// A blade's console printed this. `settled` as in [`Message::ConsoleOut`].
    ConsoleOut { slot: Slot, bytes: Vec<u8>, settled: Option<u32> },
    /// A blade's console went away, or there is none to type into.
    ConsoleDown { slot: Slot },
    /// A blade sends this over the wire of its port; the other blades of the chassis have it already.
    Frame { slot: Slot, port: String, bytes: Vec<u8> },
    /// A line for the log.
    Log(String),
}

/// What must survive a power cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub bays: BTreeMap<Slot, StoredBay>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Broker {
    facts: Facts,
    rate_milli: u32,
    verdict: Verdict,
    bays: BTreeMap<Slot, Bay>,
    links: BTreeMap<LinkId, Link>,
    /// When the blades that were there before the last stop must be back; `None` once they had time.
    return_by: Option<Instant>,
    outputs: VecDeque<Output>,
    unwritten: bool,
    demanded: Option<BTreeMap<Tag, u32>>,
}

impl Broker {
    /// Starts with what flash holds.
    ///
    /// What was acknowledged before the stop stays counted, so that the authority sees no dip,
    /// until its blade asks again or [`RETURN_WAIT`] has passed.
    pub fn new(facts: Facts, stored: Stored, now: Now) -> Broker {
        let slots = (1..=facts.slots).filter_map(Slot::new);
        let mut stored = stored.bays;
        let bays = slots
            .map(|slot| (slot, Bay::restore(stored.remove(&slot).unwrap_or_default())))
            .collect::<BTreeMap<Slot, Bay>>();
        let waits = bays.values().any(Bay::is_counted);
        Broker {
            facts,
            rate_milli: 1000,
            verdict: Verdict::default(),
            bays,
            links: BTreeMap::new(),
            return_by: waits.then(|| now.mono + RETURN_WAIT),
            outputs: VecDeque::new(),
            unwritten: false,
            demanded: None,
        }
    }

    /// Applies one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Opened { link } => self.opened(now, link),
            Event::Received { link, bytes } => self.received(now, link, &bytes),
            Event::Gone { link } => self.forget(link),
            Event::Verdict(verdict) => self.enforce(verdict),
            Event::ClockSet { rate_milli } => {
                self.rate_milli = rate_milli;
                self.tell_all(&Message::Clock { wall: now.wall, rate_milli });
            }
            Event::Renamed { hostname } => self.facts.hostname = hostname,
            Event::Power { slot, on } => self.power(slot, on),
            Event::Application { slot, running } => self.application(slot, running),
            Event::ConsoleOpen { slot, width, height } => {
                let open = Message::ConsoleOpen { width, height };
                match self.bays.get_mut(&slot) {
                    Some(bay)
                        if bay.console.is_none()
                            && !bay.off
                            && self.facts.equipped.contains(&slot) =>
                    {
                        let until = now.mono + CONSOLE_WAIT;
                        bay.visitor = Some(Visitor { until, said: vec![open] });
                    }
                    Some(_) | None => self.type_into(slot, open),
                }
            }
            Event::ConsoleIn { slot, serial, bytes } => self.console_in(slot, serial, &bytes),
            Event::ConsoleClose { slot } => {
                let waited = self.bays.get_mut(&slot).and_then(|bay| bay.visitor.take());
                if waited.is_none() && self.console_is_up(slot) {
                    self.type_into(slot, Message::ConsoleClosed);
                }
            }
            Event::Bootstrap { slot, cluster } => self.bootstrap(slot, cluster),
            Event::Frame { port, bytes } => self.flood(None, &port, &bytes),
            Event::Due => self.due(now),
        }
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, _now: Now) -> Next<Output> {
        if std::mem::take(&mut self.unwritten) {
            return Next::Do(Output::Persist(self.stored()));
        }
        if let Some(output) = self.outputs.pop_front() {
            return Next::Do(output);
        }
        let totals = self.totals();
        if self.demanded.as_ref() != Some(&totals) {
            self.demanded = Some(totals.clone());
            return Next::Do(Output::Demand(totals));
        }
        let greetings = self.links.values().filter_map(Link::deadline);
        let visitors = self.bays.values().filter_map(|bay| Some(bay.visitor.as_ref()?.until));
        Next::Wait(greetings.chain(visitors).chain(self.return_by).min())
    }

    /// Returns the units in use per tag: those of attached blades, and of blades that may yet return.
    pub fn totals(&self) -> BTreeMap<Tag, u32> {
        let mut totals = BTreeMap::new();
        for (tag, count) in self.bays.values().flat_map(Bay::counted) {
            let total: &mut u32 = totals.entry(tag.clone()).or_default();
            *total = total.saturating_add(count);
        }
        totals
    }

    /// Returns what the blade in a slot said of itself, while it is attached.
    pub fn attached(&self, slot: Slot) -> Option<&Hello> {
        self.bays.get(&slot)?.hello.as_ref()
    }

    /// Returns where the ASA in a slot stands among others.
    pub fn standing(&self, slot: Slot) -> Standing {
        self.bays.get(&slot).map_or(Standing::Alone, |bay| bay.standing)
    }

    /// Tells whether a slot holds a module, attached or not.
    pub fn is_equipped(&self, slot: Slot) -> bool {
        self.facts.equipped.contains(&slot) || self.attached(slot).is_some()
    }

    /// Tells whether a slot's module is up: its application is attached, or its console.
    pub fn is_up(&self, slot: Slot) -> bool {
        self.attached(slot).is_some() || self.console_is_up(slot)
    }

    /// Tells whether a slot is switched off.
    pub fn is_off(&self, slot: Slot) -> bool {
        self.bays.get(&slot).is_some_and(|bay| bay.off)
    }

    /// Returns true while a slot's blade has a console to type into.
    pub fn console_is_up(&self, slot: Slot) -> bool {
        self.bays.get(&slot).is_some_and(|bay| bay.console.is_some())
    }

    fn stored(&self) -> Stored {
        Stored { bays: self.bays.iter().map(|(slot, bay)| (*slot, bay.stored())).collect() }
    }

    fn opened(&mut self, now: Now, id: LinkId) {
        let crowded = self.links.len() >= LINKS_MAX;
        self.links.insert(id, Link::new(now.mono + HELLO_WAIT));
        if crowded {
            self.refuse(id, Refusal::Crowded, Refusal::Crowded.to_string());
        }
    }

    fn received(&mut self, now: Now, id: LinkId, bytes: &[u8]) {
        if let Some(link) = self.links.get_mut(&id) {
            link.push(bytes);
        }
        // A step may close the link that it came from.
        while let Some(link) = self.links.get_mut(&id) {
            match link.pull() {
                Ok(Some(step)) => self.step(now, id, step),
                Ok(None) => return,
                Err(fault) => {
                    let refusal = match fault {
                        Fault::Frame(FrameError::Version { .. }) => Refusal::Version,
                        Fault::Frame(_) | Fault::Unexpected { .. } => Refusal::Protocol,
                    };
                    self.refuse(id, refusal, fault.to_string());
                }
            }
        }
    }

    fn step(&mut self, now: Now, id: LinkId, step: Step) {
        match step {
            Step::Greet(hello) => self.greet(now, id, hello),
            Step::Request { slot, handle, tag, count } => {
                let done = self.bays.get_mut(&slot).map(|bay| bay.request(handle, tag, count));
                self.answer(id, slot, handle, done);
            }
            Step::Release { slot, handle } => {
                let done = self.bays.get_mut(&slot).map(|bay| bay.release(handle));
                self.answer(id, slot, handle, done);
            }
            Step::Ping { number } => self.send(id, &Message::Pong { number }),
            Step::ConsoleOut { slot, bytes, settled } => {
                self.outputs.push_back(Output::ConsoleOut { slot, bytes, settled });
            }
            Step::ConsoleClosed { slot } => self.outputs.push_back(Output::ConsoleDown { slot }),
            Step::Frame { slot, port, bytes } => {
                self.flood(Some(slot), &port, &bytes);
                self.outputs.push_back(Output::Frame { slot, port, bytes });
            }
            Step::Standing { slot, standing } => {
                if let Some(bay) = self.bays.get_mut(&slot) {
                    bay.standing = standing;
                }
            }
            Step::Nothing => {}
        }
    }

    /// Tells the ASA of a slot what the configuration makes it, if that is news.
    fn bootstrap(&mut self, slot: Slot, cluster: Option<Bootstrap>) {
        let Some(bay) = self.bays.get_mut(&slot) else { return };
        if bay.bootstrap == cluster {
            return;
        }
        bay.bootstrap.clone_from(&cluster);
        if let Some(id) = bay.license {
            self.send(id, &Message::Bootstrap(cluster.unwrap_or_else(none)));
        }
    }

    /// Hands what is on the wire of a port to every blade but the one that sent it.
    fn flood(&mut self, from: Option<Slot>, port: &str, bytes: &[u8]) {
        let seats = self.bays.iter().filter(|(slot, _)| Some(**slot) != from);
        let seats: Vec<LinkId> = seats.filter_map(|(_, bay)| bay.license).collect();
        for id in seats {
            self.send(id, &Message::Frame { port: port.to_owned(), bytes: bytes.to_vec() });
        }
    }

    /// Answers a request or a release; `done` is what its bay made of it.
    fn answer(
        &mut self,
        id: LinkId,
        slot: Slot,
        handle: Handle,
        done: Option<Result<bay::Change, crate::wire::appag::Denial>>,
    ) {
        match done {
            Some(Ok(change)) => {
                self.unwritten |= change == bay::Change::Made;
                self.send(id, &Message::Ack { handle });
                self.enforce_slot(slot, id);
            }
            Some(Err(reason)) => {
                self.outputs.push_back(Output::Log(format!(
                    "blade {slot}: handle {handle} is refused: {reason}",
                    handle = handle.0
                )));
                self.send(id, &Message::Denied { handle, reason });
            }
            // A link's slot was checked against the bays when it greeted.
            None => debug_assert!(false, "link of a slot without a bay"),
        }
    }

    fn greet(&mut self, now: Now, id: LinkId, hello: Hello) {
        let (role, slot) = (hello.role, hello.slot);
        let Some(bay) = self.bays.get_mut(&slot) else {
            let reason = format!("blade {slot}: the chassis has {} slots", self.facts.slots);
            return self.refuse(id, Refusal::SlotAbsent, reason);
        };
        if bay.off {
            return self.refuse(id, Refusal::SlotOff, format!("blade {slot}: the slot is off"));
        }
        if bay.stopped && role == Role::License {
            let reason = format!("blade {slot}: its application is stopped");
            return self.refuse(id, Refusal::Stopped, reason);
        }
        let seat = match role {
            Role::License => &mut bay.license,
            Role::Console => &mut bay.console,
        };
        if seat.is_some() {
            let reason = format!("blade {slot}: another blade is attached there");
            return self.refuse(id, Refusal::SlotTaken, reason);
        }
        *seat = Some(id);
        if role == Role::License {
            let serial = &hello.serial;
            self.outputs.push_back(Output::Log(format!("blade {slot}: {serial} is attached")));
            bay.hello = Some(hello);
        }
        let welcome = Welcome {
            wall: now.wall,
            rate_milli: self.rate_milli,
            model: self.facts.model.clone(),
            hostname: self.facts.hostname.clone(),
            export_controlled: self.verdict.export_controlled,
            registered: self.verdict.registered,
            next_handle: bay.next,
        };
        let visitor = match role {
            Role::Console => bay.visitor.take(),
            Role::License => None,
        };
        if let Some(link) = self.links.get_mut(&id) {
            link.seat(role, slot);
        }
        self.send(id, &Message::Welcome(welcome));
        let bootstrap = self.bays.get(&slot).and_then(|bay| bay.bootstrap.clone());
        if let (Role::License, Some(cluster)) = (role, bootstrap) {
            self.send(id, &Message::Bootstrap(cluster));
        }
        for message in visitor.into_iter().flat_map(|visitor| visitor.said) {
            self.send(id, &message);
        }
    }

    /// Drops a link; a license link takes its blade's entitlements with it.
    fn forget(&mut self, id: LinkId) {
        self.links.remove(&id);
        for (slot, bay) in &mut self.bays {
            if bay.license == Some(id) {
                bay.license = None;
                bay.hello = None;
                bay.standing = Standing::default();
                self.unwritten |= bay.lapse() == bay::Change::Made;
                self.outputs.push_back(Output::Log(format!("blade {slot}: detached")));
            }
            if bay.console == Some(id) {
                bay.console = None;
                self.outputs.push_back(Output::ConsoleDown { slot: *slot });
            }
        }
    }

    fn refuse(&mut self, id: LinkId, refusal: Refusal, reason: String) {
        self.send(id, &Message::Refused { reason: refusal });
        self.close(id, reason);
    }

    fn close(&mut self, id: LinkId, reason: String) {
        self.outputs.push_back(Output::Close { link: id, reason });
        self.forget(id);
    }

    fn power(&mut self, slot: Slot, on: bool) {
        let Some(bay) = self.bays.get_mut(&slot) else { return };
        bay.off = !on;
        if !on {
            if bay.visitor.take().is_some() {
                self.outputs.push_back(Output::ConsoleDown { slot });
            }
            for id in [bay.license, bay.console].into_iter().flatten() {
                self.refuse(id, Refusal::SlotOff, format!("blade {slot}: the slot is off"));
            }
        }
    }

    fn application(&mut self, slot: Slot, running: bool) {
        let Some(bay) = self.bays.get_mut(&slot) else { return };
        if bay.stopped != running {
            return;
        }
        bay.stopped = !running;
        self.unwritten = true;
        if let Some(id) = bay.license.filter(|_| !running) {
            self.refuse(id, Refusal::Stopped, format!("blade {slot}: its application is stopped"));
        }
    }

    fn enforce(&mut self, verdict: Verdict) {
        let before = std::mem::replace(&mut self.verdict, verdict);
        let (export_controlled, registered) =
            (self.verdict.export_controlled, self.verdict.registered);
        if (before.export_controlled, before.registered) != (export_controlled, registered) {
            self.tell_all(&Message::Policy { export_controlled, registered });
        }
        let seats = self.bays.iter().filter_map(|(slot, bay)| Some((*slot, bay.license?)));
        for (slot, id) in seats.collect::<Vec<_>>() {
            self.enforce_slot(slot, id);
        }
    }

    /// Tells a blade every mode that it hasn't been told yet.
    fn enforce_slot(&mut self, slot: Slot, id: LinkId) {
        let Some(bay) = self.bays.get_mut(&slot) else { return };
        for (handle, mode) in bay.news(&self.verdict) {
            self.send(id, &Message::Enforce { handle, mode });
        }
    }

    fn tell_all(&mut self, message: &Message) {
        let seats: Vec<LinkId> = self.bays.values().filter_map(|bay| bay.license).collect();
        for id in seats {
            self.send(id, message);
        }
    }

    fn send(&mut self, id: LinkId, message: &Message) {
        if let Some(link) = self.links.get_mut(&id) {
            let bytes = link.encode(message);
            self.outputs.push_back(Output::Send { link: id, bytes });
        }
    }

    /// Splits what was typed. Only the last piece bears the serial: the one before is settled.
    fn console_in(&mut self, slot: Slot, serial: u32, bytes: &[u8]) {
        let mut pieces = bytes.chunks(CONSOLE_CHUNK_MAX).peekable();
        while let Some(piece) = pieces.next() {
            let serial = if pieces.peek().is_some() { serial.saturating_sub(1) } else { serial };
            self.type_into(slot, Message::ConsoleIn { serial, bytes: piece.to_vec() });
        }
    }

    fn type_into(&mut self, slot: Slot, message: Message) {
        let Some(bay) = self.bays.get_mut(&slot) else {
            return self.outputs.push_back(Output::ConsoleDown { slot });
        };
        match (bay.console, &mut bay.visitor) {
            (Some(id), _) => self.send(id, &message),
            (None, Some(visitor)) => visitor.say(message),
            (None, None) => self.outputs.push_back(Output::ConsoleDown { slot }),
        }
    }

    fn due(&mut self, now: Now) {
        let late = |link: &Link| link.deadline().is_some_and(|until| until <= now.mono);
        let late: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| late(link)).map(|(id, _)| *id).collect();
        for id in late {
            self.close(id, format!("said nothing for {} s", HELLO_WAIT.as_secs()));
        }
        for (slot, bay) in &mut self.bays {
            if bay.visitor.take_if(|visitor| visitor.until <= now.mono).is_some() {
                self.outputs.push_back(Output::ConsoleDown { slot: *slot });
            }
        }
        if self.return_by.is_some_and(|until| until <= now.mono) {
            self.return_by = None;
            for (slot, bay) in &mut self.bays {
                if bay.give_up() == bay::Change::Made {
                    self.unwritten = true;
                    let text = format!("blade {slot}: did not come back for its entitlements");
                    self.outputs.push_back(Output::Log(text));
                }
            }
        }
    }
}

/// What an ASA is told that is none of a cluster any more.
fn none() -> Bootstrap {
    let unset = std::net::Ipv4Addr::UNSPECIFIED;
    Bootstrap {
        group: String::new(),
        unit: String::new(),
        port: String::new(),
        address: unset,
        mask: unset,
        priority: 0,
        key: String::new(),
    }
}

#[cfg(test)]
mod tests;
