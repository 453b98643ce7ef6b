//! `make bench-net`: the chassis's stack on a TAP interface beside the kernel's, on one bridge, in
//! one run; and what a crowd of chassis costs while nobody does anything.
//!
//! Three network namespaces hang on a bridge: a client with the kernel's stack, a server with the
//! kernel's, a server with ours. The client does the same with both, by turns. Server and client
//! are this program again.

#![allow(clippy::disallowed_methods, reason = "a bench measures the host's own time")]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use vfxos::cmd::mio::wire::plug;
use vfxos::net::http::{Limits, Listener, Opening, serve};
use vfxos::net::link::Mac;

#[allow(dead_code, reason = "the other figures need more of it")]
mod process;
#[allow(dead_code, reason = "the other figures need more of it")]
mod table;

use process::{Lab, Used, VFXOS};
use table::{Budget, Figure, Unit};

/// Why something could not be measured.
type Failure = Box<dyn std::error::Error>;

const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
const KERNEL: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);
const SINK: u16 = 5001;
const SOURCE: u16 = 5002;
const HTTP: u16 = 5003;
/// Bytes of one transfer.
const BULK: usize = 256 << 20;
/// Bytes of one write.
const PIECE: usize = 128 << 10;
/// Requests of one repetition, each on a connection of its own.
const REQUESTS: usize = 200;
/// Repetitions; the median counts.
const TURNS: usize = 5;
/// How long idle processes are watched, and what they are given before to come to rest.
const WATCHED: Duration = Duration::from_secs(20);
/// Chassis of the crowd.
const CROWD: usize = 1000;
/// Longest wait for the crowd to come to rest: each makes its keys at its first start.
const REST: Duration = Duration::from_secs(600);
/// Names the part that this program plays when it is started again.
const ROLE: &str = "VFX_ROLE";

fn main() -> ExitCode {
    let done = match std::env::var(ROLE).ok().as_deref() {
        Some("ours") => serve_ours(),
        Some("kernel") => serve_kernel(),
        Some(what) => client(what),
        None => measure(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench-net: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("bench-net: skipped: network namespaces need root");
        return Ok(());
    }
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.starts_with(word));
    let mut figures = Vec::new();
    if wanted("wire") {
        let network = Network::new()?;
        figures.extend(network.figures()?);
    }
    if wanted("idle") {
        figures.extend(idle()?);
    }
    if wanted("crowd") {
        figures.extend(crowd()?);
    }
    println!("{}", table::render(&figures));
    Ok(())
}

/// The namespaces, and the servers in two of them.
struct Network {
    number: u32,
    servers: Vec<Child>,
}

impl Network {
    fn new() -> Result<Network, Failure> {
        let number = std::process::id();
        let mut network = Network { number, servers: Vec::new() };
        let [ours, kernel, client] = ["s", "k", "c"].map(|part| network.name(part));
        for name in [&ours, &kernel, &client] {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        ip(&format!("-n {ours} link add bridge0 type bridge"))?;
        ip(&format!("-n {ours} link set bridge0 up"))?;
        for (name, port, address) in [(&kernel, "k", KERNEL), (&client, "c", CLIENT)] {
            ip(&format!("-n {ours} link add {port} type veth peer name wire netns {name}"))?;
            ip(&format!("-n {ours} link set {port} master bridge0 up"))?;
            ip(&format!("-n {name} addr add {address}/24 dev wire"))?;
            ip(&format!("-n {name} link set wire up"))?;
        }
        ip(&format!("-n {ours} tuntap add dev fx mode tap"))?;
        ip(&format!("-n {ours} link set fx master bridge0 up"))?;
        for (name, role) in [(&ours, "ours"), (&kernel, "kernel")] {
            let mut child = again(name, role).stdout(Stdio::piped()).spawn()?;
            let mut ready = [0; 1];
            child.stdout.take().ok_or("no pipe")?.read_exact(&mut ready)?;
            network.servers.push(child);
        }
        Ok(network)
    }

    fn name(&self, part: &str) -> String {
        format!("vfb-{}-{part}", self.number)
    }

    fn figures(&self) -> Result<Vec<Figure>, Failure> {
        let flow = Unit::Flow { bytes: BULK as f64 };
        [
            ("one stream into the chassis", "send", flow, Budget::Times(1.0 / 0.75)),
            ("one stream out of the chassis", "receive", flow, Budget::Times(1.0)),
            ("ping", "ping", Unit::Time, Budget::Times(2.5)),
            ("a request of HTTP", "http", Unit::Time, Budget::Times(1.5)),
        ]
        .into_iter()
        .map(|(name, what, unit, budget)| {
            eprintln!("bench-net: {name} ...");
            let (mut subject, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                subject.push(self.client(what, OURS)?);
                peer.push(self.client(what, KERNEL)?);
            }
            let (subject, peer) = (median(&mut subject), median(&mut peer));
            Ok(Figure { name, unit, subject, beside: "the kernel's stack", peer, budget })
        })
        .collect()
    }

    /// Has the client do something with a server; returns how long it took, in seconds.
    fn client(&self, what: &str, server: Ipv4Addr) -> Result<f64, Failure> {
        let mut command = again(&self.name("c"), what);
        let output = command.env("VFX_SERVER", server.to_string()).output()?;
        if !output.status.success() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // It may have ended.
            let _ = server.kill();
            let _ = server.wait();
        }
        for part in ["s", "k", "c"] {
            let _ = ip(&format!("netns del {}", self.name(part)));
        }
    }
}

/// This program again, in a namespace and with a part to play.
fn again(namespace: &str, role: &str) -> Command {
    let own = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(own).env(ROLE, role);
    command
}

fn ip(words: &str) -> Result<(), Failure> {
    let output = Command::new("ip").args(words.split(' ')).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn serve_ours() -> Result<(), Failure> {
    runtime()?.block_on(async {
        let stack = plug(&"tap:fx".parse()?, (None, Mac([2, 0, 0, 0, 0, 2])), None, false).await?;
        stack.set_address(format!("{OURS}/24").parse()?, None)?;
        let [sink, source, http] = [SINK, SOURCE, HTTP].map(|port| stack.listen(None, port, 64));
        servers(sink?, source?, http?).await;
        Ok(())
    })
}

fn serve_kernel() -> Result<(), Failure> {
    runtime()?.block_on(async {
        let bind = |port| tokio::net::TcpListener::bind(SocketAddr::from((KERNEL, port)));
        servers(bind(SINK).await?, bind(SOURCE).await?, bind(HTTP).await?).await;
        Ok(())
    })
}

/// Serves until the process is killed; says when it begins.
async fn servers<L: Listener>(sink: L, source: L, http: L) {
    let mut out = std::io::stdout();
    // Whoever waits for it sees a pipe that ends instead.
    let _ = out.write_all(b"!").and_then(|()| out.flush());
    let answer =
        |_: Parts, _: Bytes| async { Response::new(Full::from(Bytes::from_static(b"ok\n"))) };
    tokio::join!(
        each(sink, swallow),
        each(source, pour),
        serve(http, |_| Opening::Plain, Limits::default(), answer)
    );
}

async fn each<L: Listener, F: Future<Output = ()>>(
    mut listener: L,
    with: impl Fn(L::Connection) -> F,
) {
    while let Some((connection, _)) = listener.next().await {
        with(connection).await;
    }
}

/// Reads to the end, and says that it has.
async fn swallow(mut connection: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buffer = vec![0; PIECE];
    while matches!(connection.read(&mut buffer).await, Ok(1..)) {}
    let _ = connection.write_all(b"!").await;
    let _ = connection.shutdown().await;
}

/// Writes one transfer.
async fn pour(mut connection: impl AsyncRead + AsyncWrite + Unpin) {
    let buffer = vec![7; PIECE];
    for _ in 0..BULK / PIECE {
        if connection.write_all(&buffer).await.is_err() {
            return;
        }
    }
    let _ = connection.shutdown().await;
    // The other end has everything once it hangs up.
    let _ = connection.read(&mut [0]).await;
}

/// Does one thing with a server, and prints how long it took.
fn client(what: &str) -> Result<(), Failure> {
    let server: Ipv4Addr = std::env::var("VFX_SERVER")?.parse()?;
    let connect = |port| TcpStream::connect(SocketAddr::from((server, port)));
    let began = Instant::now();
    let took = match what {
        "send" => {
            let mut stream = connect(SINK)?;
            let buffer = vec![7; PIECE];
            for _ in 0..BULK / PIECE {
                stream.write_all(&buffer)?;
            }
            stream.shutdown(std::net::Shutdown::Write)?;
            stream.read_exact(&mut [0])?;
            began.elapsed().as_secs_f64()
        }
        "receive" => {
            let (mut stream, mut buffer, mut left) = (connect(SOURCE)?, vec![0; PIECE], BULK);
            while left > 0 {
                match stream.read(&mut buffer)? {
                    0 => return Err("the transfer ended early".into()),
                    read => left -= read,
                }
            }
            began.elapsed().as_secs_f64()
        }
        "http" => {
            let mut times = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                let began = Instant::now();
                let mut stream = connect(HTTP)?;
                stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer)?;
                if !answer.ends_with("ok\n") {
                    return Err(format!("no answer but {answer:?}").into());
                }
                times.push(began.elapsed().as_secs_f64());
            }
            median(&mut times)
        }
        "ping" => {
            let words = ["-q", "-c", "200", "-i", "0.002", &server.to_string()].map(str::to_owned);
            let output = Command::new("ping").args(words).output()?;
            let text = String::from_utf8(output.stdout)?;
            let mean = text.rsplit_once(" = ").and_then(|(_, times)| times.split('/').nth(1));
            mean.ok_or_else(|| format!("no figures of ping: {text}"))?.parse::<f64>()? / 1000.0
        }
        other => return Err(format!("no part {other}").into()),
    };
    println!("{took}");
    Ok(())
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Folder, Failure> {
        let path = std::env::temp_dir().join(format!("vfb-{}-{name}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Watches processes that nobody asks anything; returns their share of a processor.
fn share(processes: &[u32]) -> Result<f64, Failure> {
    let used = || processes.iter().map(|id| Used::of(*id).map(|used| used.cpu)).sum();
    let (began, before): (_, Result<f64, Failure>) = (Instant::now(), used());
    std::thread::sleep(WATCHED);
    let (before, after) = (before?, used()?);
    Ok((after - before) / began.elapsed().as_secs_f64())
}

/// Waits until a process uses next to nothing any more.
fn rest(process: u32) -> Result<(), Failure> {
    let end = Instant::now() + REST;
    let mut last = Used::of(process)?.cpu;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_secs(2));
        let now = Used::of(process)?.cpu;
        if now - last < 0.002 {
            return Ok(());
        }
        last = now;
    }
    Err(format!("it does not come to rest within {REST:?}").into())
}

/// One chassis on a tunnel.
fn idle() -> Result<Vec<Figure>, Failure> {
    eprintln!("bench-net: an idle chassis ...");
    let folder = Folder::new("idle")?;
    let mgmt = format!("unix:{}", folder.0.join("wire").display());
    let mut child = Command::new(VFXOS)
        .args(["mio", "--mgmt", &mgmt, "--address", "198.18.0.9/24", "--blade", "none", "--state"])
        .arg(folder.0.join("s"))
        .stderr(Stdio::null())
        .spawn()?;
    std::thread::sleep(Duration::from_secs(2));
    let measured = rest(child.id()).and_then(|()| {
        let memory = Used::of(child.id())?.memory;
        Ok((share(&[child.id()])?, memory))
    });
    let _ = child.kill();
    let _ = child.wait();
    let (share, memory) = measured?;
    let (beside, peer) = ("nothing", 0.0);
    let name = "an idle chassis: processor";
    Ok(vec![
        Figure {
            name,
            unit: Unit::Share,
            subject: share,
            beside,
            peer,
            budget: Budget::Most(0.0005),
        },
        Figure {
            name: "an idle chassis: memory",
            unit: Unit::Memory,
            subject: memory,
            beside,
            peer,
            budget: Budget::Most(24e6),
        },
    ])
}

/// A thousand chassis in one lab.
fn crowd() -> Result<Vec<Figure>, Failure> {
    eprintln!("bench-net: {CROWD} chassis ...");
    let folder = Folder::new("crowd")?;
    let path = folder.0.join("lab.toml");
    fs::write(&path, crowd_topology()?)?;
    let mut lab = Lab::start(&folder.0, &["lab.toml", "--state", "s"])?;
    lab.prompt_within(REST)?;
    let process = *lab.processes()?.first().ok_or("no lab")?;
    rest(process)?;
    let (memory, share) = (Used::of(process)?.memory, share(&[process])?);
    let (beside, peer) = ("nothing", 0.0);
    let name = "1000 idle chassis: memory";
    Ok(vec![
        Figure {
            name,
            unit: Unit::Memory,
            subject: memory,
            beside,
            peer,
            budget: Budget::Most(100e6),
        },
        Figure {
            name: "1000 idle chassis: processor",
            unit: Unit::Share,
            subject: share,
            beside,
            peer,
            budget: Budget::Most(0.01),
        },
    ])
}

/// The built-in topology with a crowd in place of its one chassis.
fn crowd_topology() -> Result<String, Failure> {
    let text = vfxos::cmd::topology::DEFAULT;
    let (world, _) =
        text.split_once("[[chassis]]").ok_or("the built-in topology has no chassis")?;
    Ok(format!(
        "{world}[[chassis]]\nname = \"crowd\"\nmodel = \"FPR-4125\"\naddress = \"10.62.0.10/16\"\n\
         gateway = \"10.62.255.254\"\ncount = {CROWD}\n"
    ))
}
