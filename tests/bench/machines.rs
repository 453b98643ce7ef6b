//! The machines alone, without a socket, a file or a clock: ten years of licensing, a typed line, a
//! listing.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use vfxos::base::entitlement::Feature;
use vfxos::base::ident::{ExchangeId, IdToken, Slot, Udi};
use vfxos::base::platform::{Chassis, Module};
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc, days};
use vfxos::cli::call::Login;
use vfxos::cli::grammar::Role;
use vfxos::cli::show::license;
use vfxos::cli::tables::MIO;
use vfxos::cli::terminal::Terminal;
use vfxos::proto::Next;
use vfxos::proto::agent::{self, Agent, AuthorizationStatus, Identity};
use vfxos::proto::authority::{self, Authority, Settings, TokenSpec};
use vfxos::proto::blade::{self, Blade};
use vfxos::proto::broker::{self, Broker, LinkId};
use vfxos::proto::config::{Factory, Tree};
use vfxos::proto::mio::{self, Mio};
use vfxos::wire::appag::{Decoder, Encoder};
use vfxos::wire::callhome::{Answer, Ask, Request, SigningKey, open, seal, verify};

use crate::Failure;
use crate::table::{Budget, Figure, Unit};
use crate::timing::{beside, beside_short, timed};

/// When the simulated chassis is switched on.
const START: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
/// Ten years.
pub const TEN_YEARS: std::time::Duration = days(3_652);

pub fn figures() -> Result<Vec<Figure>, Failure> {
    let mut lived = ten_years()?;
    let exchanges: u32 = lived.asked.values().sum();
    let years = beside(
        7,
        || {
            let (took, lived) = timed(ten_years);
            lived.map(|_| took)
        },
        || Ok::<_, Failure>(timed(|| (0..exchanges).for_each(|_| sign_and_verify())).0),
    )?;

    let report = lived.mio.agent.report(lived.now);
    let text = license::all(&report);
    let mut copy = vec![0; text.len()];
    let listing = beside_short(
        15,
        || drop(black_box(license::all(black_box(&report)))),
        || black_box(&mut copy).copy_from_slice(black_box(text.as_bytes())),
    );

    let (mut terminal, line) = (at_license(&mut lived)?, "register idtoken ODNmNTExMTAt force");
    let typed = format!("{line}\r").into_bytes();
    let now = lived.now;
    let command = beside_short(
        15,
        || {
            terminal.bytes(now, &mut lived.mio, black_box(&typed));
            while let Some(output) = terminal.poll() {
                black_box(&output);
            }
        },
        || drop(black_box(black_box(line).split_ascii_whitespace().collect::<Vec<_>>())),
    );

    Ok(vec![
        Figure {
            name: "ten years of one chassis, machines",
            unit: Unit::Time,
            subject: years.subject,
            beside: "their signatures alone",
            peer: years.peer,
            budget: Budget::Most(1.0),
        },
        Figure {
            name: "`show license all` laid out",
            unit: Unit::Time,
            subject: listing.subject,
            beside: "copying its bytes",
            peer: listing.peer,
            budget: Budget::Most(100e-6),
        },
        Figure {
            name: "`register idtoken TOKEN force` typed",
            unit: Unit::Time,
            subject: command.subject,
            beside: "splitting its words",
            peer: command.peer,
            budget: Budget::Most(1e-3),
        },
    ])
}

/// What one exchange signs and checks, each way.
fn sign_and_verify() {
    let body = [7_u8; 512];
    let key = SigningKey::from_seed(&[1; 32]);
    let public = key.public_key();
    for _ in 0..2 {
        assert!(verify(&public, black_box(&body), &key.sign(&body)), "what was signed verifies");
    }
}

/// A chassis with one blade, and its authority; every message between them passes as bytes.
struct World {
    now: Now,
    mio: Mio,
    key: SigningKey,
    blade: Blade,
    link: Option<LinkId>,
    links: u64,
    to_broker: Encoder,
    to_blade: Decoder,
    authority: Authority,
    signer: SigningKey,
    /// How often each kind of request was made.
    asked: BTreeMap<&'static str, u32>,
}

/// Registers, licenses the blade, and goes from deadline to deadline for ten years.
fn ten_years() -> Result<World, Failure> {
    let mut world = World::new()?;
    world.rest()?;
    let token = world.authority.token_new(START.wall, &TokenSpec::default())?.text;
    world.drain_authority();
    world.mio.agent.register(world.now, IdToken::parse(&token)?, false).map_err(|_| "refused")?;
    world.blade.feature(world.now, Feature::Tier, 1)?;
    let end = START.mono + TEN_YEARS;
    loop {
        let due = world.rest()?;
        if due > end {
            break;
        }
        world.now = world.now.at(due);
        world.mio.handle(world.now, mio::Event::Due);
        world.blade.handle(world.now, blade::Event::Due);
        world.authority.handle(world.now, authority::Event::Due);
        world.drain_authority();
    }
    world.now = world.now.at(end);
    let standing = world.mio.agent.report(world.now).authorization;
    if matches!(standing, AuthorizationStatus::Authorized { .. }) {
        Ok(world)
    } else {
        Err(format!("not authorized after ten years: {standing:?}").into())
    }
}

impl World {
    fn new() -> Result<World, Failure> {
        let chassis = Chassis::find("FPR-4125").ok_or("no such chassis")?;
        let module = Module::find(chassis.module).ok_or("no such module")?;
        let slot = Slot::new(1).ok_or("no such slot")?;
        let (key, serial) = (SigningKey::from_seed(&[2; 32]), "JAD12345678".to_owned());
        let factory = Factory { hostname: "FPR4125-1".to_owned(), ..Factory::default() };
        let identity = Identity {
            udi: Udi { pid: chassis.udi_pid.to_owned(), serial: serial.clone() },
            product: chassis.product.to_owned(),
            sudi_pid: chassis.sudi_pid.to_owned(),
            hostname: factory.hostname.clone(),
            version: chassis.agent,
            public_key: key.public_key().to_string(),
        };
        let facts = broker::Facts {
            model: chassis.model.to_owned(),
            hostname: factory.hostname.clone(),
            slots: chassis.slots,
            equipped: BTreeSet::from([slot]),
        };
        let mio = Mio::new(
            Agent::new(identity, agent::Stored::default(), Rng::from_seed(1), START),
            Broker::new(facts, broker::Stored::default(), START),
            Tree::factory(&factory),
            mio::Facts {
                chassis,
                serial,
                ntp: BTreeMap::new(),
                certificates: BTreeMap::new(),
                leased_dns: Vec::new(),
                died: 0,
            },
        );
        let facts = blade::Facts {
            slot,
            serial: "FCH12345ABC".to_owned(),
            module,
            release: "9.14(1)".to_owned(),
        };
        Ok(World {
            now: START,
            mio,
            key,
            blade: Blade::new(facts, blade::Stored::default(), START),
            link: None,
            links: 0,
            to_broker: Encoder::default(),
            to_blade: Decoder::default(),
            authority: Authority::new([], Settings::default(), Rng::from_seed(2))?,
            signer: SigningKey::from_seed(&[3; 32]),
            asked: BTreeMap::new(),
        })
    }

    /// Lets everything happen that can; returns when the next thing is due.
    fn rest(&mut self) -> Result<Instant, Failure> {
        loop {
            let supervisor = match self.mio.poll(self.now) {
                Next::Do(output) => {
                    self.perform(output)?;
                    continue;
                }
                Next::Wait(due) => due,
            };
            match self.blade.poll(self.now) {
                Next::Do(output) => self.perform_blade(output),
                Next::Wait(due) => {
                    let authority = self.drain_authority();
                    let dues = [supervisor, due, authority].into_iter().flatten();
                    return dues.min().ok_or_else(|| "nothing is ever due".into());
                }
            }
        }
    }

    fn perform(&mut self, output: mio::Output) -> Result<(), Failure> {
        match output {
            mio::Output::Ask { exchange, request } => {
                let answer = self.exchange(exchange, &request)?;
                let answered = agent::Event::Answered { exchange, answer };
                self.mio.handle(self.now, mio::Event::Agent(answered));
            }
            mio::Output::Send { link, bytes } if Some(link) == self.link => {
                self.to_blade.push(&bytes);
                while let Some(message) = self.to_blade.pull()? {
                    self.blade.handle(self.now, blade::Event::Message(message));
                }
            }
            mio::Output::Close { reason, .. } => return Err(reason.into()),
            mio::Output::Send { .. }
            | mio::Output::Persist(_)
            | mio::Output::Frame { .. }
            | mio::Output::ConsoleOut { .. }
            | mio::Output::ConsoleDown { .. }
            | mio::Output::Restart { .. }
            | mio::Output::EndSession { .. }
            | mio::Output::Configured(_)
            | mio::Output::Log { .. } => {}
        }
        Ok(())
    }

    fn perform_blade(&mut self, output: blade::Output) {
        let now = self.now;
        let mut tell = |event| self.mio.handle(now, mio::Event::Broker(event));
        match output {
            blade::Output::Connect => {
                self.links += 1;
                let link = LinkId(self.links);
                (self.link, self.to_broker, self.to_blade) =
                    (Some(link), Encoder::default(), Decoder::default());
                tell(broker::Event::Opened { link });
                self.blade.handle(now, blade::Event::Linked);
            }
            blade::Output::Disconnect => {
                if let Some(link) = self.link.take() {
                    tell(broker::Event::Gone { link });
                }
            }
            blade::Output::Send(message) => {
                if let Some(link) = self.link {
                    let bytes = self.to_broker.encode(&message);
                    tell(broker::Event::Received { link, bytes });
                }
            }
            blade::Output::Persist(_)
            | blade::Output::Clock { .. }
            | blade::Output::Console(_)
            | blade::Output::Log(_) => {}
        }
    }

    /// Signs, sends, decides, signs, brings back and checks: all but the way and the certificates.
    fn exchange(&mut self, exchange: ExchangeId, request: &Request) -> Result<Answer, Failure> {
        let kind = match request.ask {
            Ask::Register { .. } => "register",
            Ask::Renew { .. } => "renew",
            Ask::Authorize { .. } => "authorize",
            Ask::Deregister { .. } => "deregister",
        };
        *self.asked.entry(kind).or_default() += 1;
        let opened = open(&seal(&request.to_json(), &self.key, ""))?;
        let request = Box::new(Request::parse(&opened.body)?);
        let (body, signature) = (opened.body, opened.signature);
        self.authority
            .handle(self.now, authority::Event::Request { exchange, request, body, signature });
        let answer = loop {
            match self.authority.poll(self.now) {
                Next::Do(authority::Output::Reply { answer, .. }) => break answer,
                Next::Do(authority::Output::Persist(_)) => {}
                Next::Wait(_) => return Err("the authority says nothing".into()),
            }
        };
        let opened = open(&seal(&answer.to_json(), &self.signer, ""))?;
        if !verify(&self.signer.public_key(), &opened.body, &opened.signature) {
            return Err("the answer's signature is not the authority's".into());
        }
        Ok(Answer::parse(&opened.body)?)
    }

    fn drain_authority(&mut self) -> Option<Instant> {
        loop {
            match self.authority.poll(self.now) {
                Next::Do(authority::Output::Persist(_) | authority::Output::Reply { .. }) => {}
                Next::Wait(due) => return due,
            }
        }
    }
}

/// Returns a session that stands in `scope license`.
fn at_license(world: &mut World) -> Result<Terminal<Mio>, Failure> {
    let (user, from) = ("admin".to_owned(), "console".to_owned());
    let login = Login { session: 1, user, role: Role::Admin, from };
    let mut terminal = Terminal::new(&MIO, login, 511, 0);
    terminal.start(world.now, &mut world.mio);
    terminal.bytes(world.now, &mut world.mio, b"scope license\r");
    let mut screen = Vec::new();
    while let Some(output) = terminal.poll() {
        if let vfxos::cli::terminal::Output::Bytes(bytes) = output {
            screen.extend(bytes);
        }
    }
    if screen.ends_with(b"/license # ") {
        Ok(terminal)
    } else {
        Err(format!("no such scope: {}", String::from_utf8_lossy(&screen)).into())
    }
}
