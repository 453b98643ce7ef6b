//! A cloud authority, two satellites and a bag of files, against a model that counts from scratch.
//!
//! Whatever file is lost, brought twice or brought late, and whoever loses power: every serial
//! number counts once, and of no entitlement more is in compliance than was bought.

use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::wire::sync::{Kind, SyncFile, SyncRequest};

/// The cloud is place 0, the satellites are 1 and 2.
const PLACES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Register(usize, u8),
    Authorize(usize, u8, Vec<(usize, u32)>),
    Deregister(usize, u8),
    Ask(usize),
    /// Brings any file that was ever written to wherever it may belong.
    Bring(prop::sample::Index),
    /// The last request answered and installed, nothing lost.
    Sync(usize),
    Buy(usize, u32),
    Wait(u16),
    Restart(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let uses = prop::collection::btree_map(0..2usize, 0..6u32, 0..3);
    prop_oneof![
        4 => (0..PLACES, 1..5u8).prop_map(|(at, n)| Step::Register(at, n)),
        8 => (0..PLACES, 1..5u8, uses)
            .prop_map(|(at, n, uses)| Step::Authorize(at, n, uses.into_iter().collect())),
        1 => (0..PLACES, 1..5u8).prop_map(|(at, n)| Step::Deregister(at, n)),
        3 => (1..PLACES).prop_map(Step::Ask),
        9 => any::<prop::sample::Index>().prop_map(Step::Bring),
        4 => (1..PLACES).prop_map(Step::Sync),
        1 => (0..2usize, 1..4u32).prop_map(|(tag, more)| Step::Buy(tag, more)),
        2 => (0..70u16).prop_map(Step::Wait),
        2 => (0..PLACES).prop_map(Step::Restart),
    ]
}

/// One instance, as some place knows it.
#[derive(Clone, Debug)]
struct Known {
    uses: Vec<(usize, u32)>,
    heard: Utc,
    ends: Utc,
}

impl Known {
    fn is_silent(&self, wall: Utc) -> bool {
        wall >= self.heard + SILENCE_MAX
    }
}

/// What the cloud took in of one satellite.
#[derive(Clone, Debug, Default)]
struct Report {
    number: u64,
    synced: Option<Utc>,
    /// How many had joined when it did.
    joined: usize,
    instances: BTreeMap<u8, Known>,
}

/// A file in the bag, and what its satellite knew when it asked.
#[derive(Clone, Debug)]
struct Paper {
    file: SyncFile,
    satellite: usize,
    number: u64,
    asked_at: Utc,
    instances: BTreeMap<u8, Known>,
}

struct World {
    labs: Vec<Lab>,
    chassis: BTreeMap<(usize, u8), Chassis>,
    /// What each place has registered.
    known: Vec<BTreeMap<u8, Known>>,
    reports: [Report; PLACES],
    bag: Vec<Paper>,
    bought: [u32; 2],
}

impl World {
    fn new() -> World {
        let labs = vec![Lab::new(), Lab::satellite(2), Lab::satellite(4)];
        let mut world = World {
            labs,
            chassis: BTreeMap::new(),
            known: vec![BTreeMap::new(); PLACES],
            reports: Default::default(),
            bag: Vec::new(),
            bought: [7, 7],
        };
        world.labs[0].pool(TIER, 7, None);
        world.labs[0].pool(CONTEXT, 7, None);
        world
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Register(at, n) => self.register(at, n),
            Step::Authorize(at, n, uses) => {
                let lab = &mut self.labs[at];
                let Some(known) = self.known[at].get_mut(&n) else { return };
                let named: Vec<_> = uses.iter().map(|(t, c)| (CATALOGUE[*t].tag, *c)).collect();
                lab.authorize(&self.chassis[&(at, n)], &named);
                (known.uses, known.heard) = (uses, lab.wall);
            }
            Step::Deregister(at, n) => {
                if self.known[at].remove(&n).is_some() {
                    let chassis = &self.chassis[&(at, n)];
                    let verdict = self.labs[at].send(chassis, chassis.deregister());
                    assert_eq!(verdict, Verdict::Deregistered);
                }
            }
            Step::Ask(at) => drop(self.ask(at)),
            Step::Bring(which) => {
                if !self.bag.is_empty() {
                    let paper = self.bag[which.index(self.bag.len())].clone();
                    self.bring(paper);
                }
            }
            Step::Sync(at) => {
                let request = self.ask(at);
                let answer = self.bring(request).expect("a new request is answered");
                let number = answer.number;
                self.bring(answer);
                let status = self.labs[at].authority.sync_status(self.labs[at].wall).unwrap();
                assert_eq!(status.installed, number);
            }
            Step::Buy(tag, more) => {
                self.bought[tag] += more;
                self.labs[0].pool(CATALOGUE[tag].tag, self.bought[tag], None);
            }
            Step::Wait(n) => self.wait(days(u64::from(n))),
            Step::Restart(at) => self.labs[at].restart(),
        }
    }

    fn register(&mut self, at: usize, n: u8) {
        let lab = &mut self.labs[at];
        let token = lab.token(&TokenSpec { valid_days: 1, ..TokenSpec::default() });
        let mut chassis = Chassis::new(n);
        let verdict = lab.register(&mut chassis, &token, false);
        if let Verdict::Registered(granted) = verdict {
            let known = Known { uses: vec![], heard: lab.wall, ends: granted.not_after };
            self.known[at].insert(n, known);
            self.chassis.insert((at, n), chassis);
        }
    }

    fn ask(&mut self, at: usize) -> Paper {
        let file = self.labs[at].ask_cloud();
        let number = SyncRequest::parse(&file.open(Kind::Request).unwrap()).unwrap().number;
        let mut instances = self.known[at].clone();
        let wall = self.labs[at].wall;
        for known in instances.values_mut().filter(|known| known.is_silent(wall)) {
            known.uses.clear();
        }
        let paper = Paper { file, satellite: at, number, asked_at: wall, instances };
        self.bag.push(paper.clone());
        paper
    }

    /// Brings a file to where it belongs; returns the answer to a request.
    fn bring(&mut self, paper: Paper) -> Option<Paper> {
        let at = paper.satellite;
        if paper.file.kind == Kind::Answer {
            let before = self.labs[at].flash.clone();
            if self.labs[at].install(&paper.file).is_err() {
                assert_eq!(self.labs[at].flash, before);
            }
            return None;
        }
        let (before, wall) = (self.labs[0].flash.clone(), self.labs[0].wall);
        let joined = self.reports.iter().filter(|report| report.number > 0).count();
        let report = &mut self.reports[at];
        let answered = self.labs[0].answer_satellite(&paper.file);
        let next = paper.number > report.number && wall <= paper.asked_at + SYNC_MAX;
        let again = paper.number == report.number;
        assert_eq!(answered.is_ok(), next || again, "{answered:?}");
        if next {
            let (number, instances) = (paper.number, paper.instances.clone());
            let joined = if report.number > 0 { report.joined } else { joined };
            *report = Report { number, synced: Some(wall), joined, instances };
        } else {
            assert_eq!(self.labs[0].flash, before);
        }
        let file = answered.ok()?;
        let answer = Paper { file, ..paper };
        self.bag.push(answer.clone());
        Some(answer)
    }

    fn wait(&mut self, by: Duration) {
        for lab in &mut self.labs {
            lab.advance(by);
        }
        let wall = self.labs[0].wall;
        for known in &mut self.known {
            known.retain(|_, known| known.ends > wall);
        }
        for report in &mut self.reports {
            if report.synced.is_some_and(|at| wall >= at + SYNC_MAX + TOLERANCE) {
                report.instances.clear();
            }
        }
    }

    /// Adds up, serial number by serial number, what the cloud has to count as in use.
    fn counted(&self, tag: usize) -> u64 {
        let wall = self.labs[0].wall;
        let mut sum = 0;
        for serial in 1..5u8 {
            let own = self.known[0].get(&serial).filter(|known| !known.is_silent(wall));
            let reports = self.reports.iter();
            let reported = reports.filter_map(|one| Some((one, one.instances.get(&serial)?)));
            // Of those that heard it last, the one that joined first.
            let last = reported.max_by_key(|(one, known)| (known.heard, Reverse(one.joined)));
            let last = last.map(|(_, known)| known);
            let uses = own.or(last).map_or(&[][..], |known| &known.uses);
            sum +=
                uses.iter().filter(|used| used.0 == tag).map(|used| u64::from(used.1)).sum::<u64>();
        }
        sum
    }

    fn check(&self) {
        for (place, lab) in self.labs.iter().enumerate() {
            let ledger = &lab.authority.ledger;
            assert_eq!(ledger.totals(), ledger.counted(), "place {place}");
        }
        for (tag, row) in CATALOGUE.iter().enumerate().take(2) {
            let pool = |at: usize| {
                let pools = self.labs[at].authority.pools(self.labs[at].wall);
                pools.into_iter().find(|pool| pool.name == row.name).unwrap()
            };
            let cloud = pool(0);
            assert_eq!(cloud.in_use, self.counted(tag), "{:?}", self.reports);
            let whole = tag_of(row.tag);
            let own = self.labs[0].authority.ledger.total(AccountId::FIRST, &whole);
            let handed_out: u64 = if cloud.in_compliance { own } else { 0 };
            let satellites = (1..PLACES).map(pool).filter(|pool| pool.in_compliance);
            let far: u64 = satellites.map(|pool| pool.in_use).sum();
            assert!(handed_out + far <= u64::from(self.bought[tag]), "{handed_out} + {far}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_counts_twice_whatever_file_is_lost_repeated_or_old(
        steps in prop::collection::vec(step(), 1..70),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
    }
}
