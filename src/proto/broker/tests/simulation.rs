//! A supervisor and three blades, each losing power after any write, links breaking at any time. A
//! seed replays exactly: `SEED=17 cargo test --lib simulation`; `SEEDS=10000` asks for more.

use std::collections::{BTreeMap, VecDeque};

use crate::base::entitlement::{Entitlement, Feature};
use crate::base::platform::Module;
use crate::base::rng::Rng;
use crate::proto::blade::{self, Blade};
use crate::wire::appag::{Decoder, Encoder};

use super::*;

const SEEDS: u64 = 300;
const TURNS: u32 = 250;

/// One blade, its socket, and what its flash holds.
struct Module9k {
    blade: Blade,
    flash: blade::Stored,
    link: Option<LinkId>,
    encoder: Encoder,
    decoder: Decoder,
    to_blade: VecDeque<Vec<u8>>,
    to_broker: VecDeque<Vec<u8>>,
    /// Acknowledged and not given back: what a power cut must not lose.
    acknowledged: BTreeMap<Handle, u32>,
}

struct World {
    seed: u64,
    rng: Rng,
    now: Now,
    broker: Broker,
    flash: Stored,
    demand: BTreeMap<Tag, u32>,
    links: u64,
    modules: BTreeMap<Slot, Module9k>,
    verdict: Verdict,
}

#[test]
fn nothing_is_counted_twice_and_nothing_acknowledged_is_lost() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    };
    let count = usize::try_from(seeds.end - seeds.start).unwrap();
    let mut acknowledged = 0;
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..TURNS {
            world.turn();
            world.check();
        }
        world.settle();
        world.check_settled();
        acknowledged +=
            world.modules.values().map(|module| module.acknowledged.len()).sum::<usize>();
    }
    // Of a few seeds none need end with anything held.
    let few = if count < 10 { 0 } else { count };
    assert!(acknowledged >= few, "the simulation does something: {acknowledged} are held");
}

impl World {
    fn new(seed: u64) -> World {
        let modules = (1..=3).map(|n| (slot(n), Module9k::new(n, blade::Stored::default(), NOON)));
        let equipped = (1..=3).filter_map(Slot::new).collect();
        let facts =
            Facts { model: "FPR-9300".to_owned(), hostname: "x".to_owned(), slots: 3, equipped };
        World {
            seed,
            rng: Rng::from_seed(seed),
            now: NOON,
            broker: Broker::new(facts, Stored::default(), NOON),
            flash: Stored::default(),
            demand: BTreeMap::new(),
            links: 0,
            modules: modules.collect(),
            verdict: Verdict { registered: true, ..Verdict::default() },
        }
    }

    /// One thing happens, whichever the seed says.
    fn turn(&mut self) {
        let slot = slot(1 + u8::try_from(self.rng.next_u64() % 3).unwrap());
        self.now = self.now.advanced(Duration::from_millis(self.rng.next_u64() % 400));
        match self.rng.next_u64() % 16 {
            0 => self.restart_broker(),
            1 => self.restart_blade(slot),
            2 => self.break_link(slot),
            3..=8 => self.configure(slot),
            9 => self.enforce(),
            _ => {}
        }
        self.run(Some(2));
    }

    fn configure(&mut self, slot: Slot) {
        let feature = Feature::ALL[usize::try_from(self.rng.next_u64() % 4).unwrap()];
        let count = 1 + u32::try_from(self.rng.next_u64() % 20).unwrap();
        let count = if feature == Feature::Context { count } else { 1 };
        let (now, give_back) = (self.now, self.rng.one_in(4));
        let module = self.modules.get_mut(&slot).unwrap();
        // A refusal changes nothing, and what is refused is tested elsewhere.
        if give_back {
            if module.blade.no_feature(feature).is_ok() {
                let held: Vec<Handle> = module.blade.held().map(|(_, held)| held.handle).collect();
                module.acknowledged.retain(|handle, _| held.contains(handle));
            }
        } else {
            let _ = module.blade.feature(now, feature, count);
        }
    }

    fn enforce(&mut self) {
        for row in &CATALOGUE {
            let mode = if self.rng.one_in(5) { Mode::OutOfCompliance } else { Mode::Authorized };
            self.verdict.modes.insert(tag(row.tag), mode);
        }
        self.broker.handle(self.now, Event::Verdict(self.verdict.clone()));
    }

    /// The supervisor loses power: everything but its flash is gone, and every socket breaks.
    fn restart_broker(&mut self) {
        let facts = self.broker.facts.clone();
        self.broker = Broker::new(facts, self.flash.clone(), self.now);
        for module in self.modules.values_mut() {
            module.unlink();
            module.blade.handle(self.now, blade::Event::Unlinked);
        }
    }

    fn restart_blade(&mut self, slot: Slot) {
        let module = self.modules.get_mut(&slot).unwrap();
        let (flash, link) = (module.flash.clone(), module.link);
        let acknowledged = std::mem::take(&mut module.acknowledged);
        *module = Module9k::new(slot.number(), flash, self.now);
        module.acknowledged = acknowledged;
        if let Some(link) = link {
            self.broker.handle(self.now, Event::Gone { link });
        }
    }

    fn break_link(&mut self, slot: Slot) {
        let module = self.modules.get_mut(&slot).unwrap();
        let link = module.link;
        module.unlink();
        module.blade.handle(self.now, blade::Event::Unlinked);
        if let Some(link) = link {
            self.broker.handle(self.now, Event::Gone { link });
        }
    }

    /// Carries bytes and effects, `steps` of each or until nothing moves.
    fn run(&mut self, steps: Option<u32>) {
        let mut left = steps.unwrap_or(10_000);
        loop {
            let mut moved = self.run_broker(steps.is_some());
            for slot in (1..=3).map(slot) {
                moved |= self.run_blade(slot, steps.is_some());
                moved |= self.carry(slot);
            }
            left -= 1;
            if !moved || left == 0 {
                assert!(steps.is_some() || left > 0, "SEED={} never comes to rest", self.seed);
                return;
            }
        }
    }

    fn run_broker(&mut self, cuts: bool) -> bool {
        self.broker.handle(self.now, Event::Due);
        let mut moved = false;
        while let Next::Do(output) = self.broker.poll(self.now) {
            moved = true;
            match output {
                Output::Persist(stored) => {
                    self.flash = stored;
                    if cuts && self.rng.one_in(10) {
                        self.restart_broker();
                    }
                }
                Output::Send { link, bytes } => {
                    let to = self.modules.values_mut().find(|module| module.link == Some(link));
                    if let Some(module) = to {
                        module.to_blade.push_back(bytes);
                    }
                }
                Output::Close { link, .. } => {
                    let now = self.now;
                    for module in self.modules.values_mut().filter(|m| m.link == Some(link)) {
                        module.unlink();
                        module.blade.handle(now, blade::Event::Unlinked);
                    }
                }
                Output::Demand(totals) => self.demand = totals,
                Output::ConsoleOut { .. }
                | Output::ConsoleDown { .. }
                | Output::Frame { .. }
                | Output::Log(_) => {}
            }
        }
        moved
    }

    fn run_blade(&mut self, slot: Slot, cuts: bool) -> bool {
        let now = self.now;
        let mut moved = false;
        self.modules.get_mut(&slot).unwrap().blade.handle(now, blade::Event::Due);
        loop {
            let module = self.modules.get_mut(&slot).unwrap();
            let Next::Do(output) = module.blade.poll(now) else { return moved };
            moved = true;
            match output {
                blade::Output::Persist(stored) => {
                    module.flash = *stored;
                    if cuts && self.rng.one_in(10) {
                        self.restart_blade(slot);
                    }
                }
                blade::Output::Connect => {
                    self.links += 1;
                    let link = LinkId(self.links);
                    module.link = Some(link);
                    self.broker.handle(now, Event::Opened { link });
                    module.blade.handle(now, blade::Event::Linked);
                }
                blade::Output::Disconnect => {
                    let link = module.link.take();
                    module.unlink();
                    if let Some(link) = link {
                        self.broker.handle(now, Event::Gone { link });
                    }
                }
                blade::Output::Send(message) => {
                    let bytes = module.encoder.encode(&message);
                    module.to_broker.push_back(bytes);
                }
                blade::Output::Clock { .. } | blade::Output::Console(_) | blade::Output::Log(_) => {
                }
            }
        }
    }

    /// Moves one write in each direction, in two pieces.
    fn carry(&mut self, slot: Slot) -> bool {
        let now = self.now;
        let module = self.modules.get_mut(&slot).unwrap();
        let mut moved = false;
        if let (Some(bytes), Some(link)) = (module.to_broker.pop_front(), module.link) {
            moved = true;
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            for piece in [head, tail] {
                let bytes = piece.to_vec();
                self.broker.handle(now, Event::Received { link, bytes });
            }
        }
        if let Some(bytes) = module.to_blade.pop_front() {
            moved = true;
            module.decoder.push(&bytes);
            while let Some(message) = module.decoder.pull().expect("the broker's own frames") {
                if let Message::Ack { handle } = message {
                    let held = module.blade.held().find(|(_, held)| held.handle == handle);
                    if let Some((_, held)) = held {
                        module.acknowledged.insert(handle, held.count);
                    }
                }
                module.blade.handle(now, blade::Event::Message(message));
            }
        }
        moved
    }

    /// What holds at every moment.
    fn check(&self) {
        let seed = self.seed;
        for bay in self.broker.stored().bays.values() {
            let counted: Vec<&StoredEntry> = bay.entries.values().filter(|e| e.counted).collect();
            let mut tags: Vec<&Tag> = counted.iter().map(|entry| &entry.tag).collect();
            tags.sort();
            tags.dedup();
            assert_eq!(tags.len(), counted.len(), "SEED={seed} counts a tag twice in one slot");
            let next = bay.next;
            assert!(bay.entries.keys().all(|handle| *handle < next), "SEED={seed} lost count");
        }
        for module in self.modules.values() {
            for handle in module.acknowledged.keys() {
                let kept = module.flash.held.values().any(|held| held.handle == *handle);
                let gone = !module.blade.held().any(|(_, held)| held.handle == *handle);
                assert!(kept || gone, "SEED={seed} a blade forgot what was acknowledged");
            }
        }
    }

    /// Leaves everybody in peace until the last grace is over.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.run(None);
            self.now = self.now.advanced(RETURN_WAIT);
        }
        self.enforce();
        self.run(None);
    }

    /// What holds once nothing is on its way.
    fn check_settled(&self) {
        let seed = self.seed;
        let mut sum: BTreeMap<Tag, u32> = BTreeMap::new();
        for module in self.modules.values() {
            assert!(module.blade.is_attached(), "SEED={seed} a blade is still away");
            for (_, held) in module.blade.held() {
                *sum.entry(held.tag.clone()).or_default() += held.count;
                assert_eq!(held.mode, self.verdict.mode(&held.tag), "SEED={seed} not told");
            }
            let held: Vec<Handle> = module.blade.held().map(|(_, held)| held.handle).collect();
            let lost = module.acknowledged.keys().find(|handle| !held.contains(handle));
            assert_eq!(lost, None, "SEED={seed} lost what was acknowledged");
        }
        assert_eq!(self.broker.totals(), sum, "SEED={seed} totals are not the sum of the blades");
        assert_eq!(self.demand, sum, "SEED={seed} the agent was told something else");
    }
}

impl Module9k {
    fn new(number: u8, flash: blade::Stored, now: Now) -> Module9k {
        let facts = blade::Facts {
            slot: slot(number),
            serial: format!("FCH1234500{number}"),
            module: Module::find("FPR9K-SM-24").unwrap(),
            release: "9.14(1)".to_owned(),
        };
        assert!(Entitlement::find(facts.module.family, Feature::Tier).is_some());
        Module9k {
            blade: Blade::new(facts, flash.clone(), now),
            flash,
            link: None,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            to_blade: VecDeque::new(),
            to_broker: VecDeque::new(),
            acknowledged: BTreeMap::new(),
        }
    }

    fn unlink(&mut self) {
        self.link = None;
        self.encoder = Encoder::default();
        self.decoder = Decoder::default();
        self.to_blade.clear();
        self.to_broker.clear();
    }
}
