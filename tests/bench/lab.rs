//! A lab as it ships, in a process of its own: its start, ten years of it, and what it costs while
//! nobody does anything.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::machines::TEN_YEARS;
use crate::process::{Lab, Used, VFXOS};
use crate::table::{Budget, Figure, Unit};
use crate::timing::{beside, since_start, stand, timed};

/// Shortest time that an idle lab is watched.
const WATCHED: Duration = Duration::from_secs(20);
/// Requests that a licensed chassis makes in ten years: a renewal every 180 days, an authorization
/// every 30.
const EXCHANGES: u32 = 20 + 121;
/// Times that an evaluation is written down: nine days of ten minutes.
const EVALUATION_STEPS: u32 = 9 * 144;
/// Bytes of what is written then.
const RECORD: usize = 2048;
/// What a blade's operator types for the tier.
const TIER: &str = "connect module 1 console\nconnect asa\nenable\n\nconfigure terminal\n\
                    license smart\nfeature tier standard\n";
/// The peer of a process.
const LEAST: &str = "the same binary, waiting";
/// Most memory of one process, in bytes.
const MEMORY: f64 = 16.0 * 1024.0 * 1024.0;
/// Bytes of a request and of its answer, as they are in the ten years.
const REQUEST: usize = 600;
const ANSWER: usize = 2600;

pub fn figures(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let mut figures = vec![start(folder)?];
    figures.extend(ten_years(&folder.join("ten-years"))?);
    figures.push(evaluation(&folder.join("evaluation"))?);
    Ok(figures)
}

fn start(folder: &Path) -> Result<Figure, Failure> {
    let taken = beside(
        15,
        || {
            let (took, lab) = timed(|| {
                let mut lab = Lab::start(folder, &["--ephemeral"])?;
                lab.prompt()?;
                Ok::<_, Failure>(lab)
            });
            lab.map(|_| took)
        },
        || {
            let (took, done) = timed(|| {
                let piped = Command::new("/bin/true")
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn();
                piped.and_then(Child::wait_with_output)
            });
            done.map(|_| took).map_err(Failure::from)
        },
    )?;
    Ok(Figure {
        name: "lab, start to first prompt",
        unit: Unit::Time,
        subject: taken.subject,
        beside: "/bin/true",
        peer: taken.peer,
        budget: Budget::Longer(Duration::from_millis(150)),
    })
}

/// Three times ten years of one lab, and what it holds after them.
fn ten_years(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let mut lab = licensed(folder)?;
    let days = TEN_YEARS.as_secs() / 86_400;
    let mut year = 2020;
    let taken = beside(
        3,
        || {
            let (took, said) = timed(|| lab.direct(&format!("clock advance {days}d")));
            let said = said?;
            year += 10;
            if !said.starts_with(&format!("{year}-")) {
                return Err(format!("after ten years: {said}").into());
            }
            lab.direct("wait authorized 5s").map(|_| took)
        },
        || {
            let (took, done) = timed(round_trips);
            done.map(|()| took)
        },
    )?;
    let known = lab.direct("instance list")?;
    // What was heard of the chassis last is a month old at most: it did live through it all.
    if !known.contains(&format!("heard {year}-")) {
        return Err(format!("the authority heard nothing: {known}").into());
    }
    let [supervisor, _] = lab.processes()?[..] else {
        return Err("a lab of one blade is two processes".into());
    };
    let waiting = Waiting::begin(folder)?;
    Ok(vec![
        Figure {
            name: "`clock advance 3652d` of a licensed lab",
            unit: Unit::Time,
            subject: taken.subject,
            beside: "as many bare TCP exchanges",
            peer: taken.peer,
            budget: Budget::Most(1.0),
        },
        Figure {
            name: "the lab after it, memory",
            unit: Unit::Memory,
            subject: Used::of(supervisor)?.memory,
            beside: LEAST,
            peer: Used::of(waiting.child.id())?.memory,
            budget: Budget::Most(MEMORY),
        },
    ])
}

/// Nine days of an evaluation, which writes down every ten minutes how much of it is left.
fn evaluation(folder: &Path) -> Result<Figure, Failure> {
    let mut lab = started(folder)?;
    lab.type_lines(TIER)?;
    lab.direct("clock advance 1m")?;
    let (file, record) = (fs::File::create(folder.join("bare"))?, [7; RECORD]);
    let taken = beside(
        7,
        || {
            let (took, advanced) = timed(|| lab.direct("clock advance 9d"));
            advanced?;
            let said = lab.direct("wait evaluation 5s")?;
            if said.contains("is there") { Ok(took) } else { Err(Failure::from(said)) }
        },
        || {
            let write = |_| file.write_all_at(&record, 0).and_then(|()| file.sync_data());
            let (took, done) = timed(|| (0..EVALUATION_STEPS).try_for_each(write));
            done.map(|()| took).map_err(Failure::from)
        },
    )?;
    Ok(Figure {
        name: "`clock advance 9d` of an evaluation",
        unit: Unit::Time,
        subject: taken.subject,
        beside: "as many bare fdatasyncs",
        peer: taken.peer,
        budget: Budget::Times(6.0),
    })
}

/// As many exchanges as ten years take, over the host's loopback, without TLS or HTTP.
fn round_trips() -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = listener.local_addr()?;
    let server = std::thread::spawn(move || {
        for _ in 0..EXCHANGES {
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; REQUEST])?;
            stream.write_all(&[7; ANSWER])?;
        }
        Ok::<_, std::io::Error>(())
    });
    for _ in 0..EXCHANGES {
        #[allow(clippy::disallowed_types, reason = "the peer is the host's own TCP")]
        let mut stream = TcpStream::connect(to)?;
        stream.write_all(&[7; REQUEST])?;
        stream.read_exact(&mut [0; ANSWER])?;
    }
    server.join().map_err(|_| "the peer's server fell over")??;
    Ok(())
}

/// Starts a lab in 2020 and waits until all of it stands.
fn started(folder: &Path) -> Result<Lab, Failure> {
    let topology = Command::new(VFXOS).args(["lab", "--print-topology"]).output()?.stdout;
    let topology = String::from_utf8(topology)?;
    let file = folder.join("lab.toml");
    fs::create_dir_all(folder)?;
    fs::write(&file, topology.replace("\"now\"\n", "\"2020-08-04T07:58:13Z\"\n"))?;
    let mut lab = Lab::start(folder, &["lab.toml", "--state", "state"])?;
    lab.prompt()?;
    for wanted in ["attached", "synchronized"] {
        lab.direct(&format!("wait {wanted} 30s"))?;
    }
    Ok(lab)
}

/// Starts a lab, registers its chassis and licenses its blade.
fn licensed(folder: &Path) -> Result<Lab, Failure> {
    let mut lab = started(folder)?;
    lab.type_lines("scope license\nregister idtoken $TOKEN\n")?;
    lab.direct("wait registered 30s")?;
    lab.type_lines(TIER)?;
    lab.direct("clock advance 1m")?;
    let said = lab.direct("wait authorized 30s")?;
    if said.contains("is there") { Ok(lab) } else { Err(said.into()) }
}

/// A licensed lab that nobody does anything with.
pub struct Idle {
    _lab: Lab,
    _waiting: Waiting,
    /// The lab, its blade, and the least that a process of the same binary can be.
    before: [(u32, Used); 3],
    began: Duration,
}

impl Idle {
    /// Starts it and takes the first reading.
    pub fn begin(folder: &Path) -> Result<Idle, Failure> {
        let lab = licensed(folder)?;
        let waiting = Waiting::begin(folder)?;
        let [supervisor, blade] = lab.processes()?[..] else {
            return Err("a lab of one blade is two processes".into());
        };
        let read = |process| Ok::<_, Failure>((process, Used::of(process)?));
        let before = [read(supervisor)?, read(blade)?, read(waiting.child.id())?];
        Ok(Idle { _lab: lab, _waiting: waiting, before, began: since_start() })
    }

    /// Takes the second reading, [`WATCHED`] after the first at the earliest.
    pub fn figures(self) -> Result<Vec<Figure>, Failure> {
        stand(WATCHED.saturating_sub(since_start().saturating_sub(self.began)));
        let passed = since_start().saturating_sub(self.began).as_secs_f64();
        let mut rates = [Rates::default(); 3];
        for (rates, (process, before)) in rates.iter_mut().zip(&self.before) {
            let now = Used::of(*process)?;
            let (cpu, waits) = (now.cpu - before.cpu, now.waits_since(before));
            *rates = Rates { cpu: cpu / passed, waits: waits / passed, memory: now.memory };
        }
        let [lab, blade, least] = rates;
        let figure = |name, unit, subject, peer, budget| Figure {
            name,
            unit,
            subject,
            beside: LEAST,
            peer,
            budget: Budget::Most(budget),
        };
        let (share, often, memory) = (Unit::Share, Unit::Frequency, Unit::Memory);
        let (cpu, waits) = (lab.cpu + blade.cpu, lab.waits + blade.waits);
        Ok(vec![
            figure("idle lab with its blade, of a core", share, cpu, least.cpu, 0.001),
            figure("idle lab with its blade, wake-ups", often, waits, least.waits, 2.0),
            figure("licensed lab, memory", memory, lab.memory, least.memory, MEMORY),
            figure("licensed blade, memory", memory, blade.memory, least.memory, MEMORY),
        ])
    }
}

/// What a process uses as time passes.
#[derive(Clone, Copy, Default)]
struct Rates {
    /// Of one processor.
    cpu: f64,
    /// Times a second that a thread goes to wait.
    waits: f64,
    /// Resident bytes at the end.
    memory: f64,
}

/// The least that a process of this binary can be: `vfxos ctl` at a socket that says nothing.
struct Waiting {
    child: Child,
    _connection: UnixStream,
}

impl Waiting {
    fn begin(folder: &Path) -> Result<Waiting, Failure> {
        let socket = folder.join("ctl.sock");
        let listener = UnixListener::bind(&socket)?;
        let child = Command::new(VFXOS)
            .args(["ctl", "--state", ".", "status"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // Once it has asked it has all that it needs.
        let (mut connection, _) = listener.accept()?;
        connection.read_exact(&mut [0; 1])?;
        Ok(Waiting { child, _connection: connection })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
