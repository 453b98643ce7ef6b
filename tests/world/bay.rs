//! A slot of the chassis in the world: the blade's flash, and its process while it runs.

use vfxos::base::time::{Instant, Now, Utc};
use vfxos::cli::asa::Console;
use vfxos::proto::Next;
use vfxos::proto::blade::{Blade, Event, Facts, Output};
use vfxos::proto::broker::LinkId;
use vfxos::wire::appag::{Decoder, Encoder};

/// What a blade wants of the world.
pub enum Deed {
    /// Connect to the supervisor, the console as well.
    Connect,
    Send {
        link: LinkId,
        bytes: Vec<u8>,
    },
    Close {
        link: LinkId,
    },
}

/// A slot and what its blade keeps.
pub struct Bay {
    facts: Facts,
    /// JSON; nothing before the first write.
    flash: Option<Vec<u8>>,
    process: Option<Process>,
}

struct Process {
    blade: Blade,
    console: Console,
    license: Option<License>,
    /// The console's connection.
    line: Option<LinkId>,
    /// The blade's own clock: what it showed at a moment.
    clock: (Instant, Utc),
    deadline: Option<Instant>,
}

struct License {
    link: LinkId,
    decoder: Decoder,
    encoder: Encoder,
}

impl Bay {
    pub fn new(facts: Facts) -> Bay {
        Bay { facts, flash: None, process: None }
    }

    /// Starts the blade from its flash, unless it runs.
    pub fn start(&mut self, now: Now) {
        if self.process.is_some() {
            return;
        }
        let stored = self.flash.as_ref().map(|json| serde_json::from_slice(json));
        let stored = stored.transpose().expect("what was written is read").unwrap_or_default();
        let mut blade = Blade::new(self.facts.clone(), stored, now);
        let console = Console::new(now, &mut blade);
        let (license, line, deadline) = (None, None, None);
        let clock = (now.mono, now.wall);
        self.process = Some(Process { blade, console, license, line, clock, deadline });
    }

    /// Ends the blade; returns the connections that break with it.
    pub fn stop(&mut self) -> Vec<LinkId> {
        let Some(process) = self.process.take() else { return Vec::new() };
        process.license.map(|license| license.link).into_iter().chain(process.line).collect()
    }

    /// Both connections broke.
    pub fn cut_off(&mut self, now: Now) {
        if let Some(process) = &mut self.process {
            let now = process.own(now);
            process.hang_up();
            if process.license.take().is_some() {
                process.blade.handle(now, Event::Unlinked);
            }
        }
    }

    /// Tells whether the blade has no connection for its console.
    pub fn lacks_console(&self) -> bool {
        self.process.as_ref().is_none_or(|process| process.line.is_none())
    }

    /// The outcome of [`Deed::Connect`]: a connection for licences, and one for the console unless
    /// there is one.
    pub fn connected(&mut self, now: Now, links: Option<(LinkId, Option<LinkId>)>) {
        let Some(process) = &mut self.process else { return };
        let now = process.own(now);
        let Some((link, line)) = links else { return process.blade.handle(now, Event::Unlinked) };
        let (decoder, encoder) = (Decoder::default(), Encoder::default());
        process.license = Some(License { link, decoder, encoder });
        process.blade.handle(now, Event::Linked);
        process.line = line.or(process.line);
    }

    /// Bytes came on a connection, of this blade or another.
    pub fn received(&mut self, now: Now, link: LinkId, bytes: &[u8]) {
        let Some(process) = &mut self.process else { return };
        let now = process.own(now);
        if process.line == Some(link) {
            // It may be refused, as one of a slot that is off is.
            if process.console.received(now, &mut process.blade, bytes).is_err() {
                process.hang_up();
            }
        }
        let Some(license) = process.license.as_mut().filter(|license| license.link == link) else {
            return;
        };
        license.decoder.push(bytes);
        while let Some(message) = license.decoder.pull().expect("the supervisor speaks AppAG") {
            process.blade.handle(now, Event::Message(message));
        }
    }

    /// The supervisor closed a connection, of this blade or another.
    pub fn gone(&mut self, now: Now, link: LinkId) {
        let Some(process) = &mut self.process else { return };
        let now = process.own(now);
        if process.line == Some(link) {
            process.hang_up();
        }
        if process.license.as_ref().is_some_and(|license| license.link == link) {
            process.license = None;
            process.blade.handle(now, Event::Unlinked);
        }
    }

    /// Lets the blade run until it waits.
    pub fn turn(&mut self, now: Now) -> Vec<Deed> {
        let Some(process) = &mut self.process else { return Vec::new() };
        let mut deeds = Vec::new();
        process.deadline = loop {
            let own = process.own(now);
            match process.blade.poll(own) {
                Next::Wait(deadline) => break deadline,
                Next::Do(Output::Persist(stored)) => {
                    self.flash = Some(serde_json::to_vec(&stored).expect("flash holds JSON"));
                }
                Next::Do(output) => deeds.extend(process.perform(own, output)),
            }
        };
        if let Some(link) = process.line {
            if !process.console.is_connected() {
                let bytes = process.console.connect(&process.blade);
                deeds.push(Deed::Send { link, bytes });
            }
            let bytes = process.console.frames();
            if !bytes.is_empty() {
                deeds.push(Deed::Send { link, bytes });
            }
        }
        deeds
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.process.as_ref()?.deadline
    }

    /// Tells the blade that its deadline has come, if it has.
    pub fn due(&mut self, now: Now) {
        if let Some(process) = &mut self.process
            && process.deadline.is_some_and(|deadline| deadline <= now.mono)
        {
            let now = process.own(now);
            process.blade.handle(now, Event::Due);
        }
    }
}

impl Process {
    /// Returns this moment by the blade's own clock.
    fn own(&self, now: Now) -> Now {
        let (mono, wall) = self.clock;
        Now { mono: now.mono, wall: wall + now.mono.since(mono) }
    }

    fn perform(&mut self, now: Now, output: Output) -> Option<Deed> {
        match output {
            Output::Connect => return Some(Deed::Connect),
            Output::Disconnect => {
                return self.license.take().map(|license| Deed::Close { link: license.link });
            }
            Output::Send(message) => {
                let license = self.license.as_mut()?;
                let bytes = license.encoder.encode(&message);
                return Some(Deed::Send { link: license.link, bytes });
            }
            Output::Clock { wall, .. } => self.clock = (now.mono, wall),
            Output::Console(text) => self.console.notice(now, &mut self.blade, &text),
            Output::Persist(_) | Output::Log(_) => {}
        }
        None
    }

    fn hang_up(&mut self) {
        self.console.disconnected();
        self.line = None;
    }
}
