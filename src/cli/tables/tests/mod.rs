//! Typed lines through the terminal as it ships, one file a subject.

use std::collections::BTreeMap;

use crate::base::ident::{Slot, Udi};
use crate::base::platform::{AgentVersion, Chassis};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, Utc};
use crate::cli::call::Login;
use crate::cli::grammar::{self, Role};
use crate::cli::job::Job;
use crate::cli::terminal::{Output, Terminal};
use crate::proto::agent::{Agent, Identity, Stored};
use crate::proto::broker::{self, Broker, LinkId};
use crate::proto::config::{Factory, Tree, Trustpoint};
use crate::proto::mio::{Event, Facts};
use crate::wire::appag::{Encoder, Hello, Message, Role as LinkRole};

use super::*;

mod callhome;
mod files;
mod hardware;
mod replay;
mod reservation;
mod security;
mod services;
mod shells;
mod sources;
mod tree;
mod vocabulary;

/// When the seed's `show clock` was typed.
const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

/// A real certificate, valid in 2020.
const CHAIN: &str = include_str!("../../../wire/certificate/lab-root.pem");

#[test]
fn the_tables_are_well_formed() {
    for shell in [&*MIO, &LOCAL_MGMT, &FXOS] {
        assert_eq!(grammar::faults(shell), Vec::<String>::new(), "{}", shell.name);
    }
}

/// A supervisor and one session on it.
struct Lab {
    mio: Mio,
    terminal: Terminal<Mio>,
    now: Now,
    /// The line that the cursor stands in: a prompt, or a question.
    prompt: String,
    /// What the last line led to besides text: jobs, relays, the end.
    happened: Vec<String>,
    job: Option<Job>,
}

impl Lab {
    fn new() -> Lab {
        Lab::of("FPR-4125", Role::Admin, &[])
    }

    /// A chassis of a model, with a blade attached in each of `slots`.
    fn of(model: &str, role: Role, slots: &[u8]) -> Lab {
        let chassis = Chassis::find(model).unwrap();
        let factory = Factory {
            hostname: "FPR4125-1".into(),
            chassis,
            deployed: slots.iter().filter_map(|slot| Slot::new(*slot)).collect(),
            dns: vec!["172.16.200.100".parse().unwrap()],
            ntp: ["10.62.148.75", "172.18.108.14", "172.18.108.15"].map(str::to_owned).to_vec(),
            trustpoints: vec![Trustpoint { name: "CHdefault".into(), chain: CHAIN.into() }],
            ..Factory::default()
        };
        let mut lab = Lab::with(&factory, role, Tree::factory(&factory));
        for (slot, link) in slots.iter().zip(1..) {
            lab.attach(*slot, LinkId(link));
        }
        lab
    }

    fn with(factory: &Factory, role: Role, tree: Tree) -> Lab {
        let chassis = factory.chassis;
        let identity = Identity {
            udi: Udi { pid: chassis.udi_pid.into(), serial: "JAD12345678".into() },
            product: chassis.product.into(),
            sudi_pid: chassis.sudi_pid.into(),
            hostname: "FPR4125-1".into(),
            version: AgentVersion::V4_6_9,
            public_key: "key".into(),
        };
        let hardware = broker::Facts {
            model: chassis.model.into(),
            hostname: "FPR4125-1".into(),
            slots: chassis.slots,
            equipped: factory.deployed.clone(),
        };
        let ntp = [("172.18.108.14", "Time Synchronized"), ("172.18.108.15", "Candidate")];
        let facts = Facts {
            chassis,
            serial: "JAD12345678".into(),
            ntp: ntp.map(|(name, status)| (name.to_owned(), status.to_owned())).into(),
            certificates: BTreeMap::new(),
            leased_dns: Vec::new(),
            died: 0,
        };
        let agent = Agent::new(identity, Stored::default(), Rng::from_seed(1), NOW);
        let broker = Broker::new(hardware, broker::Stored::default(), NOW);
        let login = Login { session: 1, user: "admin".into(), role, from: "console".into() };
        let mut lab = Lab {
            mio: Mio::new(agent, broker, tree, facts),
            terminal: Terminal::new(&MIO, login, 511, 0),
            now: NOW,
            prompt: String::new(),
            happened: Vec::new(),
            job: None,
        };
        lab.terminal.start(NOW, &mut lab.mio);
        lab.read();
        lab
    }

    /// A blade connects and says who it is.
    fn attach(&mut self, slot: u8, link: LinkId) {
        self.greet(slot, link, LinkRole::License);
    }

    /// A blade's console connects.
    fn console(&mut self, slot: u8, link: LinkId) {
        self.greet(slot, link, LinkRole::Console);
    }

    fn greet(&mut self, slot: u8, link: LinkId, role: LinkRole) {
        let hello = Hello {
            role,
            slot: Slot::new(slot).unwrap(),
            serial: format!("FCH1234{slot}ABC"),
            module: self.mio.facts.chassis.module.into(),
            release: "9.14(1)".into(),
        };
        let bytes = Encoder::default().encode(&Message::Hello(hello));
        self.mio.handle(self.now, Event::Broker(broker::Event::Opened { link }));
        self.mio.handle(self.now, Event::Broker(broker::Event::Received { link, bytes }));
        self.settle();
    }

    /// Lets the machine do what it has to; returns what it wants of the edge.
    fn settle(&mut self) -> Vec<crate::proto::mio::Output> {
        let mut outputs = Vec::new();
        while let crate::proto::Next::Do(output) = self.mio.poll(self.now) {
            outputs.push(output);
        }
        outputs
    }

    /// Runs lines that are accepted in silence.
    fn type_all(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.run(line), "", "{line}");
        }
    }

    /// Types a line; returns what is printed before the next prompt.
    fn run(&mut self, line: &str) -> String {
        self.bytes(format!("{line}\r").as_bytes())
    }

    /// Types bytes; returns what is printed behind the first line feed and before the prompt.
    fn bytes(&mut self, typed: &[u8]) -> String {
        self.happened.clear();
        self.terminal.bytes(self.now, &mut self.mio, typed);
        self.read()
    }

    fn read(&mut self) -> String {
        let mut screen = Vec::new();
        while let Some(output) = self.terminal.poll() {
            match output {
                Output::Bytes(bytes) => screen.extend(bytes),
                Output::OpenRelay { slot, kind } => {
                    self.happened.push(format!("module {slot} {kind:?}"));
                }
                Output::StartJob(job) => {
                    self.job = Some(job);
                    self.happened.push("job".to_owned());
                }
                Output::CancelJob => self.happened.push("cancel".to_owned()),
                Output::Closed => self.happened.push("closed".to_owned()),
                Output::Relay { .. } | Output::CloseRelay { .. } => {}
            }
        }
        let text = String::from_utf8(screen).unwrap().replace("\r\n", "\n");
        let (_, text) = text.split_once('\n').unwrap_or(("", &text));
        let end = text.rfind('\n').map_or(0, |at| at + 1);
        self.prompt = text[end..].to_owned();
        text[..end].to_owned()
    }
}

/// Asserts that a listing has these lines.
fn assert_lines(shown: &str, lines: &[&str]) {
    for line in lines {
        assert!(shown.lines().any(|l| l == *line), "no `{line}` in\n{shown}");
    }
}

const ABSENT: &str = "Error: Managed object does not exist\n";
const EXISTS: &str = "Error: Managed object already exists\n";
