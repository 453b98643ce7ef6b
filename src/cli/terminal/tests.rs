//! The terminal's specification: what is typed, and what the screen then shows.
//!
//! [`Lab`] is a small world with two shells of its own, a supervisor-like `lab` and an ASA-like
//! `inner`; `device` holds the real shells, for the words that the device says.

mod device;
mod editing;
mod fuzz;
mod help;
mod jobs;
mod lines;
mod navigation;
mod paging;
mod pipes;
mod questions;
mod relay;
mod screen;
mod sequences;
mod wrapping;

use std::collections::BTreeSet;

use super::*;
use crate::base::time::{Instant, Utc};
use crate::cli::call::{Ask, Call};
use crate::cli::dialect;
use crate::cli::grammar::{Command, Handler, Need, Role, Scope, Verb};

const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

/// What the test shells act on.
#[derive(Default)]
struct Lab {
    /// What handlers were given, in order.
    log: Vec<String>,
    /// The servers that exist.
    servers: BTreeSet<String>,
}

impl World for Lab {
    type Job = &'static str;
}

/// A terminal and the world it acts on, with what came out.
struct Session<X: World> {
    world: X,
    terminal: Terminal<X>,
    /// Every output but what was shown, since it was last taken.
    wants: Vec<String>,
}

impl Session<Lab> {
    /// A session at `lab# ` on a screen that is never full and never wraps.
    fn new() -> Session<Lab> {
        Session::sized(0, 0)
    }

    /// A session on a screen of this size.
    fn sized(columns: u16, rows: u16) -> Session<Lab> {
        Session::on(&LAB, Lab::default(), Role::Admin, (columns, rows))
    }
}

impl<X: World> Session<X> {
    fn on(
        shell: &'static Shell<X>,
        mut world: X,
        role: Role,
        (columns, rows): (u16, u16),
    ) -> Session<X> {
        let login = Login { session: 1, user: "admin".into(), role, from: "console".into() };
        let mut terminal = Terminal::new(shell, login, columns, rows);
        terminal.start(NOW, &mut world);
        let mut session = Session { world, terminal, wants: Vec::new() };
        session.shown();
        session
    }

    /// Types one read of the keyboard; returns what the screen gets.
    fn keys(&mut self, keys: impl AsRef<[u8]>) -> String {
        self.terminal.bytes(NOW, &mut self.world, keys.as_ref());
        self.shown()
    }

    /// Types a line and Enter; returns what the screen gets behind the echo.
    fn enter(&mut self, line: &str) -> String {
        let shown = self.keys(format!("{line}\r"));
        let behind = shown.strip_prefix(line).and_then(|rest| rest.strip_prefix("\r\n"));
        behind.unwrap_or_else(|| panic!("no echo of {line:?} in {shown:?}")).replace("\r\n", "\n")
    }

    /// Enters lines that are accepted, whatever they print.
    fn enter_all(&mut self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.enter(line)).last().unwrap_or_default()
    }

    /// Enters an empty line; returns the prompt.
    fn prompt(&mut self) -> String {
        self.enter("")
    }

    /// Returns what is to be shown, and keeps every other output.
    fn shown(&mut self) -> String {
        let mut bytes = Vec::new();
        while let Some(output) = self.terminal.poll() {
            match output {
                Output::Bytes(more) => bytes.extend(more),
                Output::OpenRelay { slot, kind } => {
                    self.wants.push(format!("open {slot} {kind:?}"))
                }
                Output::Relay { slot, bytes } => {
                    self.wants.push(format!("{slot} {:?}", String::from_utf8_lossy(&bytes)));
                }
                Output::CloseRelay { slot } => self.wants.push(format!("close {slot}")),
                Output::StartJob(job) => self.wants.push(format!("start {job:?}")),
                Output::CancelJob => self.wants.push("cancel".to_owned()),
                Output::Closed => self.wants.push("closed".to_owned()),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wants(&mut self) -> Vec<String> {
        mem::take(&mut self.wants)
    }

    fn job_output(&mut self, text: &str) -> String {
        self.terminal.job_output(text);
        self.shown()
    }

    fn job_done(&mut self) -> String {
        self.terminal.job_done(NOW, &mut self.world);
        self.shown()
    }

    fn notice(&mut self, text: &str) -> String {
        self.terminal.notice(NOW, &mut self.world, text);
        self.shown()
    }

    fn module(&mut self, text: &str) -> String {
        self.terminal.relay(NOW, &mut self.world, text.as_bytes(), true);
        self.shown()
    }
}

/// A shell in the supervisor's dialect.
static LAB: Shell<Lab> = Shell {
    name: "lab",
    dialect: &dialect::MIO,
    root: &ROOT,
    common: &[COMMON],
    prompt: |_, _, place| match place.scope() {
        None => "lab# ".to_owned(),
        Some(_) => format!("lab {} # ", place.path()),
    },
    redirect: None,
    detaches: false,
};

/// As [`LAB`], with files.
static FILING: Shell<Lab> = Shell {
    redirect: Some(|lab, _, to, append, text| {
        lab.log.push(format!("{to} {append} {text:?}"));
        Ok(())
    }),
    ..LAB
};

/// A shell in the ASA's dialect, with modes inside each other, that Ctrl-A d leaves.
static INNER: Shell<Lab> = Shell {
    name: "inner",
    dialect: &dialect::ASA,
    root: &USER,
    common: &[],
    prompt: |_, _, place| format!("inner{}> ", place.path()),
    redirect: None,
    detaches: true,
};

static ROOT: Scope<Lab> = Scope {
    commands: &[
        read("show clock", &["Show", "Clock"], |_, call| print(call, "09:55:50")),
        read("show clones", &["Show", "Clones"], |_, call| print(call, "none")),
        read("show lines LINES:1-9999", &["Show", "Lines", "Number"], |_, call| {
            (1..=number(call, "LINES")).for_each(|n| call.line(format!("line {n}")));
            Ok(())
        }),
        read("say TEXT...", &["Say", "Text"], |_, call| print(call, call.args.text("TEXT"))),
        read("note TEXT:word", &["Note", "Text"], |lab, call| {
            lab.log.push(call.args.text("TEXT").to_owned());
            Ok(())
        }),
        read("fail", &["Fail"], |_, call| {
            call.line("half");
            Err(Refusal::denied("Error: no more"))
        }),
        read("host NAME:host", &["Host", "Name"], |_, call| {
            let at = call.args.at("NAME");
            Err(Refusal::Marked { at, text: "Error: unknown host".to_owned() })
        }),
        read(
            "address {ipv4 A:ipv4 | ipv6 B:ipv6} [port PORT:1-65535] [name NAME]",
            &["Address", "Of four", "Four", "Of six", "Six", "Port", "Port", "Name", "Name"],
            |lab, call| {
                lab.log.push(format!("{:?} {:?}", call.args.words(), call.args.values()));
                Ok(())
            },
        ),
        read("name", &["Ask for a name"], ask_name),
        read("password", &["Ask for a password"], ask_password),
        read("chain", &["Ask for lines"], ask_chain),
        read("lecture", &["Print much, then ask"], |lab, call| {
            (1..=9).for_each(|n| call.line(format!("line {n}")));
            ask_name(lab, call)
        }),
        read("ping", &["Begin a job"], |_, call| {
            call.line("pinging");
            call.start("ping");
            Ok(())
        }),
        read(
            "connect {module SLOT:1-3 {console | telnet} | inner}",
            &["Connect", "Module", "Slot", "Serial", "Telnet", "Shell"],
            connect,
        ),
        Command { hidden: true, ..read("secretly", &["Not shown"], |_, _| Ok(())) },
    ],
    scopes: &[&SYSTEM, &LICENSE, &UPLINK, &INTERCONNECT],
    ..Scope::FIXED
};

static SYSTEM: Scope<Lab> = Scope {
    syntax: "system",
    help: &["Systems"],
    scopes: &[&SERVER],
    commands: &[Command {
        need: Need::Write,
        ..read("set name NAME:name(8)", &["Set", "Name", "Name"], |lab, call| {
            lab.log.push(call.args.text("NAME").to_owned());
            Ok(())
        })
    }],
    ..Scope::FIXED
};

static SERVER: Scope<Lab> = Scope {
    syntax: "server NAME:name(8)",
    help: &["Server", "Name"],
    verbs: Verb::ALL,
    scopes: &[&PORT, &DISK],
    open: open_server,
    ..Scope::FIXED
};

static PORT: Scope<Lab> =
    Scope { syntax: "port NUMBER:1-9", help: &["Port", "Number"], ..Scope::FIXED };
static DISK: Scope<Lab> = Scope { syntax: "disk", help: &["Disk"], ..Scope::FIXED };
static LICENSE: Scope<Lab> =
    Scope { syntax: "license", help: &["License"], scopes: &[&DEBUG], ..Scope::FIXED };
static DEBUG: Scope<Lab> = Scope { syntax: "licdebug", help: &["Debug"], ..Scope::FIXED };
static UPLINK: Scope<Lab> =
    Scope { syntax: "eth-uplink", help: &["Uplink"], scopes: &[&FABRIC], ..Scope::FIXED };
static FABRIC: Scope<Lab> =
    Scope { syntax: "fabric ID:name(1)", help: &["Fabric", "Id"], ..Scope::FIXED };
static INTERCONNECT: Scope<Lab> = Scope {
    syntax: "fabric-interconnect ID:name(1)",
    help: &["Interconnect", "Id"],
    ..Scope::FIXED
};

static COMMON: &[Command<Lab>] = &[
    read("up", &["Up"], |_, call| {
        call.up();
        Ok(())
    }),
    read("top", &["Top"], |_, call| {
        call.top();
        Ok(())
    }),
    read("exit", &["Exit"], |_, call| {
        match call.place.scope() {
            Some(_) => call.up(),
            None => call.leave(),
        }
        Ok(())
    }),
    read("terminal {length | width} N:0-511", &["Terminal", "Rows", "Columns", "Number"], {
        |_, call| {
            let n = u16::try_from(number(call, "N")).unwrap_or_default();
            if call.args.has("length") {
                call.set_length(n)
            } else {
                call.set_width(n)
            }
            Ok(())
        }
    }),
];

static USER: Scope<Lab> = Scope {
    verbs: &[],
    scopes: &[&PRIVILEGED],
    commands: &[
        read("enable", &["Enable"], |_, call| {
            call.to(vec![&PRIVILEGED]);
            Ok(())
        }),
        read("show clock", &["Show", "Clock"], |_, call| print(call, "09:55:50")),
        read("show lines", &["Show", "Lines"], |_, call| {
            (1..=9).for_each(|n| call.line(format!("line {n}")));
            Ok(())
        }),
        read("password", &["Ask for a password"], ask_password),
        read("exit", &["Exit"], |_, call| {
            call.leave();
            Ok(())
        }),
    ],
    ..Scope::FIXED
};

static PRIVILEGED: Scope<Lab> = Scope {
    syntax: "enable",
    help: &["Privileged"],
    verbs: &[],
    inherits: true,
    scopes: &[&CONFIG],
    commands: &[
        read("config", &["Configure"], |_, call| {
            call.into(&CONFIG);
            Ok(())
        }),
        read("disable", &["Disable"], |_, call| {
            call.top();
            Ok(())
        }),
    ],
    ..Scope::FIXED
};

static CONFIG: Scope<Lab> = Scope {
    syntax: "config",
    help: &["Configuration"],
    verbs: &[],
    inherits: true,
    scopes: &[&MODE],
    commands: &[
        Command {
            returns: true,
            ..read("mode", &["Mode"], |_, call| {
                call.into(&MODE);
                Ok(())
            })
        },
        Command { returns: true, ..read("hostname NAME", &["Name", "Name"], |_, _| Ok(())) },
    ],
    ..Scope::FIXED
};

static MODE: Scope<Lab> =
    Scope { syntax: "mode", help: &["Mode"], verbs: &[], inherits: true, ..Scope::FIXED };

const fn read(
    syntax: &'static str,
    help: &'static [&'static str],
    run: Handler<Lab>,
) -> Command<Lab> {
    Command { syntax, help, run, ..Command::READ }
}

fn print(call: &mut Call<'_, Lab>, text: &str) -> Result<(), Refusal> {
    call.line(text);
    Ok(())
}

fn number(call: &Call<'_, Lab>, name: &str) -> u64 {
    call.args.number(name).unwrap_or_default()
}

fn ask_name(_: &mut Lab, call: &mut Call<'_, Lab>) -> Result<(), Refusal> {
    call.ask(Ask::line("Name: ", |lab: &mut Lab, call, answer| {
        lab.log.push(answer.to_owned());
        if answer == "bad" {
            return Err(Refusal::denied("Error: bad name"));
        }
        print(call, &format!("hello {answer}"))
    }));
    Ok(())
}

/// Asks twice, as for a new password.
fn ask_password(_: &mut Lab, call: &mut Call<'_, Lab>) -> Result<(), Refusal> {
    call.ask(Ask::secret("Password: ", |_, call, first| {
        let first = first.to_owned();
        call.ask(Ask::secret("Again: ", move |lab: &mut Lab, call, second| {
            lab.log.push(format!("{first}/{second}"));
            print(call, if first == second { "ok" } else { "they differ" })
        }));
        Ok(())
    }));
    Ok(())
}

fn ask_chain(_: &mut Lab, call: &mut Call<'_, Lab>) -> Result<(), Refusal> {
    call.line("Enter lines one at a time. Enter ENDOFBUF to finish.");
    call.ask(Ask::until("> ", "ENDOFBUF", |lab: &mut Lab, _, answer| {
        lab.log.push(answer.to_owned());
        Ok(())
    }));
    Ok(())
}

fn connect(_: &mut Lab, call: &mut Call<'_, Lab>) -> Result<(), Refusal> {
    if call.args.has("inner") {
        call.line("connecting");
        call.enter(&INNER);
        return Ok(());
    }
    let slot = u8::try_from(number(call, "SLOT")).ok().and_then(Slot::new);
    let slot = slot.ok_or(Refusal::denied("Error: no such slot"))?;
    let console = call.args.has("console");
    call.relay(slot, if console { RelayKind::Console } else { RelayKind::Telnet });
    Ok(())
}

fn open_server(
    lab: &mut Lab,
    call: &mut Call<'_, Lab>,
    verb: Verb,
    place: &Place<Lab>,
) -> Result<(), Refusal> {
    let name = place.key("NAME").unwrap_or_default().to_owned();
    let exists = lab.servers.contains(&name);
    match (verb, exists) {
        (Verb::Create, true) => return Err(Refusal::denied("Error: exists")),
        (Verb::Scope | Verb::Delete, false) => return Err(Refusal::denied("Error: absent")),
        (Verb::Delete, true) => drop(lab.servers.remove(&name)),
        (Verb::Create | Verb::Enter, false) => {
            call.line("created");
            lab.servers.insert(name);
        }
        (Verb::Scope | Verb::Enter, true) => {}
    }
    Ok(())
}
