//! A failover pair on a wire that loses, is cut, and mends; units that are killed and come back from
//! flash; operators who type at the wrong moment. However bad it was: a calm hold time later exactly
//! one unit is active, and only that one asks for licences.

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
use vfxos::wire::units::{Interface, Unit};

use super::{each_seed, seconds};

const SEEDS: u64 = 60;
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

struct Pair {
    seed: u64,
    rng: Rng,
    now: Now,
    nodes: [Node; 2],
    wire: VecDeque<(Instant, usize, String, Vec<u8>)>,
    /// One frame in so many is lost; 0 loses none.
    loss: u64,
    cut: bool,
    /// When nothing was wrong for the first time since.
    calm_since: Instant,
}

#[test]
fn a_calm_pair_has_one_active_unit_that_alone_asks() {
    each_seed(SEEDS, |seed| {
        let mut pair = Pair::new(seed);
        for _ in 0..ROUNDS {
            pair.disturb();
            pair.settle();
        }
    });
}

impl Pair {
    fn new(seed: u64) -> Pair {
        let now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
        let nodes = ["FCH12345ABC", "FCH12455DEF"].map(|serial| Node {
            facts: Facts {
                slot: Slot::new(1).expect("a slot"),
                serial: serial.to_owned(),
                module: Module::find("FPR4K-SM-32S").expect("a module"),
                release: "9.14(1)".to_owned(),
            },
            flash: Stored::default(),
            blade: None,
            demand: BTreeMap::new(),
            meanings: BTreeMap::new(),
        });
        let rng = Rng::from_seed(seed);
        let (wire, loss, cut) = (VecDeque::new(), 0, false);
        let mut pair = Pair { seed, rng, now, nodes, wire, loss, cut, calm_since: now.mono };
        for (at, unit) in [(0, Unit::Primary), (1, Unit::Secondary)] {
            pair.start(at);
            pair.with(at, |blade, now| {
                let lan = Interface { name: "fover".into(), port: "Ethernet1/4".into() };
                blade.set_unit(unit).expect("off");
                blade.set_pair_lan(Some(lan)).expect("off");
                if unit == Unit::Primary {
                    blade.feature(now, Feature::Tier, 1).expect("a tier");
                }
                blade.set_failover(now, true).expect("an interface");
                blade.write_memory();
            });
        }
        pair.settle();
        pair
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
                Output::Persist(stored) => self.nodes[at].flash = stored,
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
                        Some(known) => assert_eq!(known, tag, "SEED={} a handle changed", self.seed),
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
                        let delay = std::time::Duration::from_millis(self.rng.next_u64() % 50);
                        let last = self.wire.back().map_or(now.mono, |(due, ..)| *due);
                        self.wire.push_back(((now.mono + delay).max(last), 1 - at, port, bytes));
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
            for at in 0..2 {
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
        let active = self.nodes.iter().filter(|node| {
            node.blade.as_ref().is_some_and(|blade| blade.failover().is_active())
        });
        assert!(!calm || active.count() <= 1, "SEED={} two active units", self.seed);
    }

    fn disturb(&mut self) {
        for _ in 0..self.rng.next_u64() % 5 {
            let at = usize::from(self.rng.one_in(2));
            self.calm_since = self.now.mono + seconds(1_000_000);
            match self.rng.next_u64() % 8 {
                0 | 1 => self.kill(at),
                2 => self.start(at),
                3 => self.cut = !self.cut,
                4 => self.loss = 1 + self.rng.next_u64() % 4,
                5 => self.with(at, |blade, now| drop(blade.claim(now))),
                6 => self.with(at, |blade, now| drop(blade.stand_down(now))),
                _ => {
                    let count = 1 + u32::try_from(self.rng.next_u64() % 9).expect("small");
                    self.with(at, |blade, now| drop(blade.feature(now, Feature::Context, count)));
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
        for at in 0..2 {
            self.start(at);
        }
        self.live(CALM_S);
        let seed = self.seed;
        let blades: Vec<&Blade> = self.nodes.iter().filter_map(|n| n.blade.as_ref()).collect();
        let active = blades.iter().filter(|blade| blade.failover().is_active()).count();
        let states: Vec<&str> = blades.iter().map(|b| b.failover().state_text()).collect();
        assert_eq!(active, 1, "SEED={seed} {states:?}");
        assert!(states.contains(&"Standby Ready"), "SEED={seed} {states:?}");
        for node in &self.nodes {
            let blade = node.blade.as_ref().expect("started");
            let asked = node.demand.len();
            let wanted = blade.running().features.len();
            let expected = if blade.failover().is_active() { wanted } else { 0 };
            assert_eq!(asked, expected, "SEED={seed} {}", node.facts.serial);
        }
        let [one, two] = [0, 1].map(|at: usize| blades[at].running());
        assert_eq!(one.features, two.features, "SEED={seed} the configuration is replicated");
        let shared: Vec<_> = blades.iter().map(|blade| blade.shared(self.now)).collect();
        assert_eq!(shared[0], shared[1], "SEED={seed} both say the same of the pair");
        assert!(shared[0].is_some_and(|can| can.contexts >= 20), "SEED={seed} {shared:?}");
    }
}
