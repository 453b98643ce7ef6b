//! A lab without I/O: supervisors, their blades and the licence authority on one virtual clock.
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
    site: usize,
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
    sites: Vec<Site>,
    /// The chassis at whose console the terminal stands.
    at: usize,
    authority: Authority,
    coming: Vec<Coming>,
    last_link: u64,
}

/// One chassis, its blades, and the terminal at its console.
struct Site {
    chassis: Chassis,
    bays: BTreeMap<Slot, Bay>,
    /// True if nothing gets from its data ports to those of the others.
    unplugged: bool,
    session: Option<SessionId>,
    /// Serial of what was typed last, and of what the session says is done.
    typed: u64,
    settled: u64,
    screen: Screen,
}

impl World {
    /// Switches everything on and sits down at the first supervisor's console.
    pub fn new(setup: Setup) -> World {
        let now = Now { mono: Instant::ZERO, wall: setup.clock };
        let ahead_ms = setup.skew_ms;
        let wall = setup.clock.shifted_ms(ahead_ms);
        let site = |setup: Setup| Site {
            bays: setup.bays().into_iter().map(|facts| (facts.slot, Bay::new(facts))).collect(),
            chassis: Chassis::new(setup),
            unplugged: false,
            session: None,
            typed: 0,
            settled: 0,
            screen: Screen::default(),
        };
        let authority = Authority::new(&setup, wall);
        let mut world = World {
            now,
            ahead_ms,
            authority,
            sites: setup.all().into_iter().map(site).collect(),
            at: 0,
            coming: Vec::new(),
            last_link: 0,
        };
        for at in (0..world.sites.len()).rev() {
            world.at = at;
            world.power_on();
        }
        world
    }

    fn here(&self) -> &Site {
        &self.sites[self.at]
    }

    fn here_mut(&mut self) -> &mut Site {
        &mut self.sites[self.at]
    }

    /// Turns to the console of another chassis.
    fn turn_to(&mut self, name: &str) -> Result<(), String> {
        let found = self.sites.iter().position(|site| site.chassis.setup().hostname == name);
        self.at = found.ok_or_else(|| format!("there is no chassis {name}"))?;
        Ok(())
    }

    /// Returns the line that the terminal stands in: the prompt, once everything has settled.
    pub fn prompt(&self) -> String {
        self.here().screen.line()
    }

    /// Returns the whole lines that the terminal has shown since the last call.
    pub fn shown(&mut self) -> Vec<String> {
        self.here_mut().screen.take()
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
        let now = self.now;
        let here = self.here_mut();
        let id = here.session.ok_or("the session has ended")?;
        here.typed += 1;
        here.chassis.typed(now, id, here.typed, keys);
        let until = self.now.mono + PATIENCE;
        loop {
            self.settle();
            let here = self.here();
            if here.session.is_none() || here.settled == here.typed {
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
        for site in &mut self.sites {
            site.chassis.due(self.now);
            for bay in site.bays.values_mut() {
                bay.due(self.now);
            }
        }
        let now = self.now.mono;
        let (arrived, coming) =
            std::mem::take(&mut self.coming).into_iter().partition(|coming| coming.at <= now);
        self.coming = coming;
        let arrived: Vec<Coming> = arrived;
        for Coming { site, exchange, body, .. } in arrived {
            let wall = self.authority_wall();
            let event = self.authority.exchange(Now { mono: now, wall }, exchange, &body);
            self.sites[site].chassis.handle(self.now, Event::Agent(event));
        }
        self.settle();
    }

    /// Returns when something is due next.
    fn due(&self) -> Option<Instant> {
        let bays = self.sites.iter().flat_map(|site| site.bays.values()).filter_map(Bay::deadline);
        let chassis = self.sites.iter().filter_map(|site| site.chassis.deadline());
        let coming = self.coming.iter().map(|coming| coming.at);
        bays.chain(coming).chain(chassis).min()
    }

    fn authority_wall(&self) -> Utc {
        self.now.wall.shifted_ms(self.ahead_ms)
    }

    /// Lets the machines do all there is to do at this moment.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut still = true;
            for site in 0..self.sites.len() {
                for deed in self.sites[site].chassis.turn(self.now) {
                    still = false;
                    self.chassis_wants(site, deed);
                }
                for slot in self.sites[site].bays.keys().copied().collect::<Vec<_>>() {
                    let bay = self.sites[site].bays.get_mut(&slot);
                    for deed in bay.map_or(Vec::new(), |bay| bay.turn(self.now)) {
                        still = false;
                        self.bay_wants(site, slot, deed);
                    }
                }
            }
            if still {
                return self.sites.iter_mut().for_each(Site::look);
            }
        }
        panic!("the machines never come to rest at {}", self.now.wall);
    }

    fn chassis_wants(&mut self, site: usize, deed: chassis::Deed) {
        match deed {
            chassis::Deed::Ask { exchange, body } => {
                let at = self.now.mono + self.authority.latency;
                self.coming.push(Coming { site, at, exchange, body });
            }
            chassis::Deed::Send { link, bytes } => {
                for bay in self.sites[site].bays.values_mut() {
                    bay.received(self.now, link, &bytes);
                }
            }
            chassis::Deed::Close { link } => {
                for bay in self.sites[site].bays.values_mut() {
                    bay.gone(self.now, link);
                }
            }
            chassis::Deed::Frame { port, bytes } => {
                let cut = self.sites[site].unplugged;
                let others = self.sites.iter_mut().enumerate();
                for (_, other) in
                    others.filter(|(number, other)| *number != site && !cut && !other.unplugged)
                {
                    let (port, bytes) = (port.clone(), bytes.clone());
                    let event = broker::Event::Frame { port, bytes };
                    other.chassis.handle(self.now, Event::Broker(event));
                }
            }
        }
    }

    fn bay_wants(&mut self, site: usize, slot: Slot, deed: bay::Deed) {
        match deed {
            bay::Deed::Connect => {
                let lacks = self.sites[site].bays.get(&slot).is_some_and(bay::Bay::lacks_console);
                let on = self.sites[site].chassis.is_on();
                let links = on.then(|| (self.open_link(site), lacks.then(|| self.open_link(site))));
                if let Some(bay) = self.sites[site].bays.get_mut(&slot) {
                    bay.connected(self.now, links);
                }
            }
            bay::Deed::Send { link, bytes } => {
                self.tell(site, broker::Event::Received { link, bytes });
            }
            bay::Deed::Close { link } => self.tell(site, broker::Event::Gone { link }),
        }
    }

    fn open_link(&mut self, site: usize) -> LinkId {
        self.last_link += 1;
        let link = LinkId(self.last_link);
        self.tell(site, broker::Event::Opened { link });
        link
    }

    fn tell(&mut self, site: usize, event: broker::Event) {
        self.sites[site].chassis.handle(self.now, Event::Broker(event));
    }

    /// Switches the chassis on, its blades with it, and opens a session.
    fn power_on(&mut self) {
        let now = self.now;
        for bay in self.here_mut().bays.values_mut() {
            bay.start(now);
        }
        self.boot();
    }

    /// Starts the supervisor from flash and opens a session.
    fn boot(&mut self) {
        let now = self.now;
        let here = self.here_mut();
        here.chassis.boot(now);
        here.screen.begin();
        here.session = here.chassis.open(now, Visitor::at_terminal(COLUMNS, 0));
        (here.typed, here.settled) = (0, 0);
        self.settle();
    }

    /// Takes the power from the supervisor alone: its blades go on and look for it.
    fn cut(&mut self) {
        let (now, at) = (self.now, self.at);
        self.coming.retain(|coming| coming.site != at);
        let here = self.here_mut();
        here.chassis.stop();
        here.session = None;
        for bay in here.bays.values_mut() {
            bay.cut_off(now);
        }
    }

    /// Ends a blade's process.
    fn kill(&mut self, slot: Slot) {
        let links = self.here_mut().bays.get_mut(&slot).map_or(Vec::new(), Bay::stop);
        for link in links {
            self.tell(self.at, broker::Event::Gone { link });
        }
        self.settle();
    }

    /// Sets the chassis's clock, as an operator or NTP does; the authority's goes on.
    fn set_clock(&mut self, wall: Utc) {
        self.ahead_ms += self.now.wall.unix_ms() - wall.unix_ms();
        self.now.wall = wall;
        for site in &mut self.sites {
            site.chassis.handle(self.now, Event::ClockSet { rate_milli: 1000 });
        }
        self.settle();
    }
}

impl Site {
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
}
