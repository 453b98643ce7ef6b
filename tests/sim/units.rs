//! Failover pairs and clusters on a wire that loses, is cut, and mends; units that are killed and come
//! back from flash; operators who type at the wrong moment. However bad it was: a calm hold time
//! later exactly one unit leads, and only that one asks for the licences of all.

use std::collections::{BTreeMap, VecDeque};

use vfxos::base::enforcement::Mode;
use vfxos::base::entitlement::Feature;
use vfxos::base::ident::{Handle, Slot, Tag};
use vfxos::base::platform::Module;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc};
use vfxos::proto::Next;
use vfxos::proto::blade::{Blade, Event, Facts, Output, Stored};
use vfxos::wire::appag::{Message, Welcome};
use vfxos::wire::units::{Interface, Standing, Unit};

use super::{each_seed, seconds};

const SEEDS: u64 = 20;
/// Disturbances of one seed.
const ROUNDS: u32 = 12;
/// Hold time and a few hellos more, in seconds.
const CALM_S: u64 = 40;

/// One unit: its flash, its blade while it runs, and a supervisor that only counts.
struct Node {
    facts: Facts,
    flash: Stored,
    blade: Option<Blade>,
    /// What its supervisor counts for it.
    demand: BTreeMap<Handle, (Tag, u32)>,
    /// Highest handle of a new request, and what each handle was for.
    meanings: BTreeMap<Handle, Tag>,
}

/// What the units are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pair,
    /// Of three units.
    Cluster,
}

struct Units {
    kind: Kind,
    seed: u64,
    rng: Rng,
    now: Now,
    nodes: Vec<Node>,
    wire: VecDeque<(Instant, usize, String, Vec<u8>)>,
    /// One frame in so many is lost; 0 loses none.
    loss: u64,
    cut: bool,
    /// When nothing was wrong for the first time since.
    calm_since: Instant,
}

#[test]
fn a_calm_pair_has_one_active_unit_that_alone_asks() {
    each_seed(SEEDS, |seed| live_through(Kind::Pair, seed));
}

#[test]
fn a_calm_cluster_has_one_control_node_that_alone_asks_for_the_tier() {
    each_seed(SEEDS, |seed| live_through(Kind::Cluster, seed));
}

fn live_through(kind: Kind, seed: u64) {
    let mut units = Units::new(kind, seed);
    for _ in 0..ROUNDS {
        units.disturb();
        units.settle();
    }
}

/// Tells whether a unit leads the others.
fn leads(blade: &Blade) -> bool {
    matches!(blade.standing(), Standing::Active | Standing::Control)
}

fn pair(blade: &mut Blade, now: Now, at: usize) {
    let lan = Interface { name: "fover".into(), port: "Ethernet1/4".into() };
    blade.set_unit(if at == 0 { Unit::Primary } else { Unit::Secondary }).expect("off");
    blade.set_pair_lan(Some(lan)).expect("off");
    if at == 0 {
        blade.feature(now, Feature::Tier, 1).expect("a tier");
    }
    blade.set_failover(now, true).expect("an interface");
}

/// Every unit has its own strong encryption.
fn cluster(blade: &mut Blade, now: Now, at: usize) {
    blade.feature(now, Feature::Tier, 1).expect("a tier");
    // The answer, which a supervisor would have given by now.
    let handle = Handle(1);
    blade.handle(now, Event::Message(Message::Enforce { handle, mode: Mode::Authorized }));
    blade.feature(now, Feature::StrongEncryption, 1).expect("a tier is there");
    blade.set_group(now, "GROUP1", true).expect("no other");
    let edit = |group: &mut vfxos::proto::blade::cluster::Group| {
        group.unit = format!("unit-{}-1", at + 1);
        group.port = "Port-channel48".to_owned();
    };
    blade.edit_group(edit).expect("off");
    blade.set_cluster(now, true).expect("complete");
}

impl Units {
    fn new(kind: Kind, seed: u64) -> Units {
        let now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
        let serials = ["FCH12345ABC", "FCH12455DEF", "FCH12345A6B"];
        let count = if kind == Kind::Pair { 2 } else { 3 };
        let nodes = serials.iter().take(count).map(|serial| Node {
            facts: Facts {
                slot: Slot::new(1).expect("a slot"),
                serial: (*serial).to_owned(),
                module: Module::find("FPR4K-SM-32S").expect("a module"),
                release: "9.14(1)".to_owned(),
            },
            flash: Stored::default(),
            blade: None,
            demand: BTreeMap::new(),
            meanings: BTreeMap::new(),
        });
        let nodes = nodes.collect();
        let rng = Rng::from_seed(seed);
        let (wire, loss, cut) = (VecDeque::new(), 0, false);
        let calm_since = now.mono;
        let mut units = Units { kind, seed, rng, now, nodes, wire, loss, cut, calm_since };
        for at in 0..count {
            units.start(at);
            units.with(at, |blade, now| {
                match kind {
                    Kind::Pair => pair(blade, now, at),
                    Kind::Cluster => cluster(blade, now, at),
                }
                blade.write_memory();
            });
        }
        units.settle();
        units
    }

    fn with(&mut self, at: usize, work: impl FnOnce(&mut Blade, Now)) {
        let now = self.now;
        if let Some(blade) = &mut self.nodes[at].blade {
            work(blade, now);
        }
        self.drain(at);
    }

    fn start(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if node.blade.is_none() {
            node.blade = Some(Blade::new(node.facts.clone(), node.flash.clone(), self.now));
            self.drain(at);
        }
    }

    fn kill(&mut self, at: usize) {
        self.nodes[at].blade = None;
        // Its supervisor sees the connection end.
        self.nodes[at].demand.clear();
    }

    /// Carries out what a unit wants.
    fn drain(&mut self, at: usize) {
        let now = self.now;
        while let Some(Next::Do(output)) = self.nodes[at].blade.as_mut().map(|b| b.poll(now)) {
            match output {
                Output::Persist(stored) => self.nodes[at].flash = *stored,
                Output::Connect => {
                    let next_handle = self.nodes[at].meanings.keys().next_back();
                    let next_handle = Handle(next_handle.map_or(1, |handle| handle.0 + 1));
                    let welcome = Welcome {
                        wall: now.wall,
                        rate_milli: 1000,
                        model: "FPR-4125".to_owned(),
                        hostname: "FPR4125".to_owned(),
                        export_controlled: true,
                        registered: true,
                        next_handle,
                    };
                    self.tell(at, Event::Linked);
                    self.tell(at, Event::Message(Message::Welcome(welcome)));
                }
                Output::Send(Message::Request { handle, tag, count }) => {
                    let known = self.nodes[at].meanings.get(&handle).cloned();
                    let highest = self.nodes[at].meanings.keys().next_back().copied();
                    match known {
                        Some(known) => {
                            assert_eq!(known, tag, "SEED={} a handle changed", self.seed)
                        }
                        None => assert!(
                            highest.is_none_or(|highest| highest < handle),
                            "SEED={} handle {} goes back",
                            self.seed,
                            handle.0
                        ),
                    }
                    self.nodes[at].meanings.insert(handle, tag.clone());
                    self.nodes[at].demand.insert(handle, (tag, count));
                    self.tell(at, Event::Message(Message::Ack { handle }));
                    let mode = Mode::Authorized;
                    self.tell(at, Event::Message(Message::Enforce { handle, mode }));
                }
                Output::Send(Message::Release { handle }) => {
                    self.nodes[at].demand.remove(&handle);
                }
                Output::Send(Message::Frame { port, bytes }) => {
                    if !self.cut && (self.loss == 0 || !self.rng.one_in(self.loss)) {
                        let others = (0..self.nodes.len()).filter(|other| *other != at);
                        let delay = std::time::Duration::from_millis(self.rng.next_u64() % 50);
                        let last = self.wire.back().map_or(now.mono, |(due, ..)| *due);
                        let due = (now.mono + delay).max(last);
                        for to in others {
                            self.wire.push_back((due, to, port.clone(), bytes.clone()));
                        }
                    }
                }
                Output::Disconnect
                | Output::Send(_)
                | Output::Clock { .. }
                | Output::Console(_)
                | Output::Log(_) => {}
            }
        }
    }

    fn tell(&mut self, at: usize, event: Event) {
        let now = self.now;
        if let Some(blade) = &mut self.nodes[at].blade {
            blade.handle(now, event);
        }
    }

    /// Lets so many seconds pass.
    fn live(&mut self, span: u64) {
        let end = self.now.mono + seconds(span);
        loop {
            let now = self.now;
            let mut due = self.wire.front().map(|(due, ..)| *due);
            for node in &mut self.nodes {
                if let Some(Next::Wait(Some(wait))) = node.blade.as_mut().map(|b| b.poll(now)) {
                    due = Some(due.map_or(wait, |due| due.min(wait)));
                }
            }
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = self.now.at(due.max(self.now.mono));
            while self.wire.front().is_some_and(|(due, ..)| *due <= self.now.mono) {
                let Some((_, to, port, bytes)) = self.wire.pop_front() else { break };
                self.tell(to, Event::Message(Message::Frame { port, bytes }));
                self.drain(to);
            }
            for at in 0..self.nodes.len() {
                self.tell(at, Event::Due);
                self.drain(at);
            }
            self.watch();
        }
        self.now = self.now.at(end);
    }

    /// Two may be active only as long as they cannot know of each other.
    fn watch(&self) {
        let calm = self.now.mono.since(self.calm_since) > seconds(CALM_S / 2);
        let active = self.nodes.iter().filter(|node| node.blade.as_ref().is_some_and(leads));
        assert!(!calm || active.count() <= 1, "SEED={} two units lead", self.seed);
    }

    fn disturb(&mut self) {
        for _ in 0..self.rng.next_u64() % 5 {
            let at = usize::try_from(self.rng.next_u64()).expect("64 bits") % self.nodes.len();
            self.calm_since = self.now.mono + seconds(1_000_000);
            match self.rng.next_u64() % 8 {
                0 | 1 => self.kill(at),
                2 => self.start(at),
                3 => self.cut = !self.cut,
                4 => self.loss = 1 + self.rng.next_u64() % 4,
                5 => self.with(at, |blade, now| {
                    let _ = blade.claim(now);
                }),
                6 => self.with(at, |blade, now| {
                    let _ = blade.stand_down(now);
                }),
                _ => {
                    let count = 1 + u32::try_from(self.rng.next_u64() % 9).expect("small");
                    self.with(at, |blade, now| {
                        if blade.may_ask() {
                            let _ = blade.feature(now, Feature::Context, count);
                        }
                    });
                }
            }
            let span = self.rng.next_u64() % 20;
            self.live(span);
        }
    }

    /// Mends everything, waits, and looks.
    fn settle(&mut self) {
        (self.cut, self.loss) = (false, 0);
        self.calm_since = self.now.mono;
        for at in 0..self.nodes.len() {
            self.start(at);
        }
        self.live(CALM_S);
        let seed = self.seed;
        let blades: Vec<&Blade> = self.nodes.iter().filter_map(|n| n.blade.as_ref()).collect();
        let leaders = blades.iter().filter(|blade| leads(blade)).count();
        let standings: Vec<Standing> = blades.iter().map(|blade| blade.standing()).collect();
        assert_eq!(leaders, 1, "SEED={seed} {standings:?}");
        let (follower, own) = match self.kind {
            Kind::Pair => (Standing::Standby, 0),
            Kind::Cluster => (Standing::Data, 1),
        };
        let followers = standings.iter().filter(|standing| **standing == follower).count();
        assert_eq!(followers, blades.len() - 1, "SEED={seed} {standings:?}");
        let leader = blades.iter().find(|blade| leads(blade)).expect("counted");
        for node in &self.nodes {
            let blade = node.blade.as_ref().expect("started");
            let running = blade.running().features;
            let asked = node.demand.len();
            let expected = if leads(blade) { running.len() } else { own };
            assert_eq!(asked, expected, "SEED={seed} {}", node.facts.serial);
            assert_eq!(running, leader.running().features, "SEED={seed} not replicated");
            let shared = blade.shared(self.now);
            assert_eq!(shared, leader.shared(self.now), "SEED={seed} {}", node.facts.serial);
        }
        let shared = leader.shared(self.now).map_or(0, |can| can.contexts);
        assert!(shared >= 10 * blades.len() as u32, "SEED={seed} {shared} contexts");
    }
}
