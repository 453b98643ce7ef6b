//! A lab without I/O: one supervisor, its blades and the licence authority on one virtual clock.
//!
//! Every machine is the shipped one, driven as `cmd` drives it: what passes between supervisor and
//! blade are AppAG frames, what passes between agent and authority are sealed envelopes, what power
//! leaves behind is JSON in flash. Time jumps exactly to what is due first.

use std::collections::BTreeMap;
use std::time::Duration;

use vfxos::base::ident::{ExchangeId, Slot};
use vfxos::base::time::{Instant, Now, Utc};
use vfxos::cli::desk::{Output, SessionId, Visitor};
use vfxos::proto::broker::{self, LinkId};
use vfxos::proto::mio::Event;

mod authority;
mod bay;
mod chassis;
mod screen;
mod setup;
mod words;

pub use authority::Authority;
pub use setup::Setup;

use bay::Bay;
use chassis::Chassis;
use screen::Screen;

/// Most rounds of the machines at one moment, and most moments that bring time no further.
const ROUNDS_MAX: u32 = 1_000;
/// How long somebody at the terminal waits for the prompt.
const PATIENCE: Duration = Duration::from_secs(60);
/// Width of the terminal: no line of a transcript is folded.
const COLUMNS: u16 = 511;

/// An exchange between agent and authority under way.
struct Coming {
    at: Instant,
    exchange: ExchangeId,
    /// The sealed request.
    body: Vec<u8>,
}

/// The world.
pub struct World {
    /// The chassis's clocks.
    now: Now,
    /// How far the authority's clock is ahead of the chassis's, in milliseconds: A - D.
    ahead_ms: i64,
    chassis: Chassis,
    bays: BTreeMap<Slot, Bay>,
    authority: Authority,
    coming: Vec<Coming>,
    last_link: u64,
    session: Option<SessionId>,
    /// Serial of what was typed last, and of what the session says is done.
    typed: u64,
    settled: u64,
    screen: Screen,
}

impl World {
    /// Switches everything on and sits down at the supervisor's console.
    pub fn new(setup: Setup) -> World {
        let now = Now { mono: Instant::ZERO, wall: setup.clock };
        let ahead_ms = setup.skew_ms;
        let wall = setup.clock.shifted_ms(ahead_ms);
        let mut world = World {
            now,
            ahead_ms,
            authority: Authority::new(&setup, wall),
            bays: setup.bays().into_iter().map(|facts| (facts.slot, Bay::new(facts))).collect(),
            chassis: Chassis::new(setup),
            coming: Vec::new(),
            last_link: 0,
            session: None,
            typed: 0,
            settled: 0,
            screen: Screen::default(),
        };
        world.power_on();
        world
    }

    /// Returns the line that the terminal stands in: the prompt, once everything has settled.
    pub fn prompt(&self) -> String {
        self.screen.line()
    }

    /// Returns the whole lines that the terminal has shown since the last call.
    pub fn shown(&mut self) -> Vec<String> {
        self.screen.take()
    }

    /// Types a line and waits for what comes of it.
    ///
    /// # Errors
    /// When there is nobody to type to, or no prompt comes back.
    pub fn enter(&mut self, line: &str) -> Result<(), String> {
        self.press(format!("{line}\r").as_bytes())
    }

    /// Presses keys and waits for what comes of it.
    ///
    /// # Errors
    /// As [`World::enter`].
    pub fn press(&mut self, keys: &[u8]) -> Result<(), String> {
        let id = self.session.ok_or("the session has ended")?;
        self.typed += 1;
        self.chassis.typed(self.now, id, self.typed, keys);
        let until = self.now.mono + PATIENCE;
        loop {
            self.settle();
            if self.session.is_none() || self.settled == self.typed {
                return Ok(());
            }
            let due = self.due().filter(|due| *due <= until);
            let due = due.ok_or_else(|| format!("no prompt within {PATIENCE:?}"))?;
            self.pass(due);
        }
    }

    /// Carries out the words behind an `@`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn act(&mut self, words: &str) -> Result<(), String> {
        words::act(self, words)
    }

    /// Lets time pass until then, every deadline at its own moment.
    fn live(&mut self, until: Instant) {
        self.settle();
        let mut stalled = 0;
        while let Some(due) = self.due().filter(|due| *due <= until) {
            stalled = if due <= self.now.mono { stalled + 1 } else { 0 };
            assert!(stalled < ROUNDS_MAX, "something is due again and again at {}", self.now.wall);
            self.pass(due);
        }
        self.now = self.now.at(until);
    }

    /// Jumps to what is due and lets it happen.
    fn pass(&mut self, due: Instant) {
        self.now = self.now.at(due);
        self.chassis.due(self.now);
        for bay in self.bays.values_mut() {
            bay.due(self.now);
        }
        let now = self.now.mono;
        let (arrived, coming) =
            std::mem::take(&mut self.coming).into_iter().partition(|coming| coming.at <= now);
        self.coming = coming;
        let arrived: Vec<Coming> = arrived;
        for Coming { exchange, body, .. } in arrived {
            let wall = self.authority_wall();
            let event = self.authority.exchange(Now { mono: now, wall }, exchange, &body);
            self.chassis.handle(self.now, Event::Agent(event));
        }
        self.settle();
    }

    /// Returns when something is due next.
    fn due(&self) -> Option<Instant> {
        let bays = self.bays.values().filter_map(Bay::deadline);
        let coming = self.coming.iter().map(|coming| coming.at);
        bays.chain(coming).chain(self.chassis.deadline()).min()
    }

    fn authority_wall(&self) -> Utc {
        self.now.wall.shifted_ms(self.ahead_ms)
    }

    /// Lets the machines do all there is to do at this moment.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut still = true;
            for deed in self.chassis.turn(self.now) {
                still = false;
                self.chassis_wants(deed);
            }
            for slot in self.bays.keys().copied().collect::<Vec<_>>() {
                let deeds = self.bays.get_mut(&slot).map_or(Vec::new(), |bay| bay.turn(self.now));
                for deed in deeds {
                    still = false;
                    self.bay_wants(slot, deed);
                }
            }
            if still {
                return self.look();
            }
        }
        panic!("the machines never come to rest at {}", self.now.wall);
    }

    /// Looks at what the session has for its terminal.
    fn look(&mut self) {
        for output in self.chassis.read() {
            match output {
                Output::Bytes { bytes, .. } => self.screen.show(&bytes),
                Output::Settled { serial, .. } => self.settled = serial,
                Output::Closed { .. } => self.session = None,
                Output::StartJob { job, .. } => panic!("no network of this world carries {job:?}"),
                Output::CancelJob { .. } => {}
            }
        }
    }

    fn chassis_wants(&mut self, deed: chassis::Deed) {
        match deed {
            chassis::Deed::Ask { exchange, body } => {
                let at = self.now.mono + self.authority.latency;
                self.coming.push(Coming { at, exchange, body });
            }
            chassis::Deed::Send { link, bytes } => {
                for bay in self.bays.values_mut() {
                    bay.received(self.now, link, &bytes);
                }
            }
            chassis::Deed::Close { link } => {
                for bay in self.bays.values_mut() {
                    bay.gone(self.now, link);
                }
            }
        }
    }

    fn bay_wants(&mut self, slot: Slot, deed: bay::Deed) {
        match deed {
            bay::Deed::Connect => {
                let lacks = self.bays.get(&slot).is_some_and(bay::Bay::lacks_console);
                let links = self
                    .chassis
                    .is_on()
                    .then(|| (self.open_link(), lacks.then(|| self.open_link())));
                if let Some(bay) = self.bays.get_mut(&slot) {
                    bay.connected(self.now, links);
                }
            }
            bay::Deed::Send { link, bytes } => self.tell(broker::Event::Received { link, bytes }),
            bay::Deed::Close { link } => self.tell(broker::Event::Gone { link }),
        }
    }

    fn open_link(&mut self) -> LinkId {
        self.last_link += 1;
        let link = LinkId(self.last_link);
        self.tell(broker::Event::Opened { link });
        link
    }

    fn tell(&mut self, event: broker::Event) {
        self.chassis.handle(self.now, Event::Broker(event));
    }

    /// Switches the chassis on, its blades with it, and opens a session.
    fn power_on(&mut self) {
        for bay in self.bays.values_mut() {
            bay.start(self.now);
        }
        self.boot();
    }

    /// Starts the supervisor from flash and opens a session.
    fn boot(&mut self) {
        self.chassis.boot(self.now);
        self.screen.begin();
        self.session = self.chassis.open(self.now, Visitor::at_terminal(COLUMNS, 0));
        (self.typed, self.settled) = (0, 0);
        self.settle();
    }

    /// Takes the power from the supervisor alone: its blades go on and look for it.
    fn cut(&mut self) {
        self.chassis.stop();
        self.coming.clear();
        self.session = None;
        for bay in self.bays.values_mut() {
            bay.cut_off(self.now);
        }
    }

    /// Ends a blade's process.
    fn kill(&mut self, slot: Slot) {
        let links = self.bays.get_mut(&slot).map_or(Vec::new(), Bay::stop);
        for link in links {
            self.tell(broker::Event::Gone { link });
        }
        self.settle();
    }

    /// Sets the chassis's clock, as an operator or NTP does; the authority's goes on.
    fn set_clock(&mut self, wall: Utc) {
        self.ahead_ms += self.now.wall.unix_ms() - wall.unix_ms();
        self.now.wall = wall;
        self.chassis.handle(self.now, Event::ClockSet { rate_milli: 1000 });
        self.settle();
    }
}
