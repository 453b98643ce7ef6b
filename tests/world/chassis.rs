//! The supervisor in the world: what flash holds, and what runs while there is power.

use std::collections::BTreeMap;

use vfxos::base::ident::{ExchangeId, Udi};
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now};
use vfxos::cli::desk::{self, Desk, SessionId, Visitor};
use vfxos::proto::Next;
use vfxos::proto::accounts::Accounts;
use vfxos::proto::agent::{Agent, Identity};
use vfxos::proto::broker::{self, Broker, LinkId};
use vfxos::proto::config::{self, Tree, facts};
use vfxos::proto::mio::{Event, Facts, Mio, Output, Piece};
use vfxos::proto::workspace::{self, Workspace};
use vfxos::wire::callhome::{SigningKey, seal};

use super::Setup;

/// What the supervisor wants of the world.
pub enum Deed {
    /// Bring this to the authority.
    Ask {
        exchange: ExchangeId,
        body: Vec<u8>,
    },
    Send {
        link: LinkId,
        bytes: Vec<u8>,
    },
    Close {
        link: LinkId,
    },
    /// Carry this to the ports of that name of every other chassis.
    Frame {
        port: String,
        bytes: Vec<u8>,
    },
}

/// The supervisor and its flash.
pub struct Chassis {
    setup: Setup,
    /// JSON by part; what is not there is as the factory left it.
    flash: BTreeMap<String, Vec<u8>>,
    /// Flash was erased so often: each time the chassis makes itself another key.
    erased: u8,
    boots: u64,
    power: Option<Power>,
}

struct Power {
    mio: Mio,
    desk: Desk,
    key: SigningKey,
    deadline: Option<Instant>,
}

impl Chassis {
    pub fn new(setup: Setup) -> Chassis {
        Chassis { setup, flash: BTreeMap::new(), erased: 0, boots: 0, power: None }
    }

    /// Starts from flash.
    pub fn boot(&mut self, now: Now) {
        let setup = &self.setup;
        let config = self.stored::<Option<config::Stored>>("config");
        let tree = config.map_or_else(
            || Tree::factory(&setup.factory()),
            |stored| Tree::restore(&stored, &setup.factory()).expect("what was written is read"),
        );
        let hostname = facts::hostname(tree.objects());
        let key = SigningKey::from_seed(&[0x10 + self.erased; 32]);
        let identity = Identity {
            udi: Udi { pid: setup.udi_pid().to_owned(), serial: setup.serial.clone() },
            product: setup.model.product.to_owned(),
            sudi_pid: setup.model.sudi_pid.to_owned(),
            hostname: hostname.clone(),
            version: setup.agent(),
            public_key: key.public_key().to_string(),
        };
        let equipped = setup.bays().into_iter().map(|bay| bay.slot).collect();
        let model = setup.model.model.to_owned();
        let facts = broker::Facts { model, hostname, slots: setup.model.slots, equipped };
        let rng = Rng::from_seed(setup.seed + self.boots);
        let agent = Agent::new(identity, self.stored("agent"), rng, now);
        let broker = Broker::new(facts, self.stored("broker"), now);
        let facts = Facts {
            chassis: setup.model,
            serial: setup.serial.clone(),
            ntp: BTreeMap::new(),
            certificates: BTreeMap::new(),
            leased_dns: Vec::new(),
            died: 0,
        };
        let mut mio = Mio::new(agent, broker, tree, facts);
        let pages = self.flash.iter().filter(|(part, _)| part.starts_with("audit/"));
        let pages = pages.map(|(_, json)| serde_json::from_slice(json));
        let pages = pages.collect::<Result<_, _>>().expect("what was written is read");
        let rng = Rng::from_seed(!setup.seed);
        mio.accounts = Accounts::new(self.stored("accounts"), pages, rng);
        let files: Option<workspace::Stored> = self.stored("workspace");
        let files = files.unwrap_or_else(|| workspace::Stored::factory(now.wall));
        mio.workspace = Workspace::new(files);
        let known = setup.ntp.iter().filter(|(_, status)| !status.is_empty());
        mio.handle(now, Event::Ntp(known.cloned().collect()));
        self.power = Some(Power { mio, desk: Desk::default(), key, deadline: None });
        self.boots += 1;
    }

    fn stored<T: serde::de::DeserializeOwned + Default>(&self, part: &str) -> T {
        let json = self.flash.get(part).map(|json| serde_json::from_slice(json));
        json.transpose().expect("what was written is read").unwrap_or_default()
    }

    pub fn stop(&mut self) {
        self.power = None;
    }

    /// Forgets everything: the next start is the first.
    pub fn erase(&mut self) {
        self.flash.clear();
        self.erased += 1;
    }

    pub fn is_on(&self) -> bool {
        self.power.is_some()
    }

    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Lets the machine run until it waits; flash is written before anything is carried out.
    pub fn turn(&mut self, now: Now) -> Vec<Deed> {
        let Some(Power { mio, desk, key, deadline }) = &mut self.power else { return Vec::new() };
        let mut deeds = Vec::new();
        loop {
            let mut outputs = Vec::new();
            *deadline = loop {
                match mio.poll(now) {
                    Next::Do(output) => outputs.push(output),
                    Next::Wait(deadline) => break deadline,
                }
            };
            for output in &outputs {
                let Output::Persist(piece) = output else { continue };
                let (part, json) = match piece {
                    Piece::Agent(stored) => ("agent".to_owned(), serde_json::to_vec(stored)),
                    Piece::Broker(stored) => ("broker".to_owned(), serde_json::to_vec(stored)),
                    Piece::Config(stored) => ("config".to_owned(), serde_json::to_vec(stored)),
                    Piece::Accounts(stored) => ("accounts".to_owned(), serde_json::to_vec(stored)),
                    Piece::Workspace(stored) => {
                        ("workspace".to_owned(), serde_json::to_vec(stored))
                    }
                    // No scenario of the world reads a file's content back.
                    Piece::FilePiece { .. } => continue,
                    Piece::AuditPage(page) => {
                        (format!("audit/{:02}", page.number), serde_json::to_vec(page))
                    }
                };
                self.flash.insert(part, json.expect("flash holds JSON"));
            }
            let idle = outputs.is_empty();
            for output in outputs {
                match output {
                    Output::Ask { exchange, request } => {
                        let body = seal(&request.to_json(), key, "");
                        deeds.push(Deed::Ask { exchange, body });
                    }
                    Output::Send { link, bytes } => deeds.push(Deed::Send { link, bytes }),
                    Output::Close { link, .. } => deeds.push(Deed::Close { link }),
                    Output::Frame { port, bytes, .. } => deeds.push(Deed::Frame { port, bytes }),
                    Output::ConsoleOut { slot, bytes, settled } => {
                        desk.console_out(now, mio, slot, &bytes, settled);
                    }
                    Output::ConsoleDown { slot } => desk.console_down(now, mio, slot),
                    Output::EndSession { session, text } => desk.end(session, text),
                    Output::Persist(_)
                    | Output::Configured(_)
                    | Output::Restart { .. }
                    | Output::Log { .. } => {}
                }
            }
            if idle && !desk.flush(now, mio) {
                return deeds;
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.power.as_ref()?.deadline
    }

    /// Tells the machine that its deadline has come, if it has.
    pub fn due(&mut self, now: Now) {
        if self.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.handle(now, Event::Due);
        }
    }

    /// Brings an event; without power nobody notices.
    pub fn handle(&mut self, now: Now, event: Event) {
        if let Some(power) = &mut self.power {
            power.mio.handle(now, event);
        }
    }

    pub fn open(&mut self, now: Now, visitor: Visitor) -> Option<SessionId> {
        let Power { mio, desk, .. } = self.power.as_mut()?;
        desk.open(now, mio, visitor).ok()
    }

    pub fn typed(&mut self, now: Now, id: SessionId, serial: u64, keys: &[u8]) {
        if let Some(Power { mio, desk, .. }) = &mut self.power {
            desk.typed(now, mio, id, serial, keys);
        }
    }

    /// Returns what the sessions have for their ways in.
    pub fn read(&mut self) -> Vec<desk::Output> {
        let Some(Power { desk, .. }) = &mut self.power else { return Vec::new() };
        std::iter::from_fn(|| desk.poll()).collect()
    }
}
