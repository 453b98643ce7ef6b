//! `vfxos lab`: a chassis, its blades, a network and the licence authority in one command.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::rack::chassis::{self, Running};
use super::rack::state::State;
use super::rack::{self, Supervisors, script};
use super::topology::Topology;
use crate::net::hosts::{FileServer, Shelf};
use crate::net::tls;
use crate::sys::flash::{Flash, Kind};
use crate::sys::{console, process};
use drill::Drill;

mod api;
mod control;
pub(in crate::cmd) mod drill;
mod faults;
mod forward;
mod satellites;
mod world;

use forward::Forward;

/// What `vfxos lab` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct LabArgs {
    /// Topology file; the built-in lab without it.
    pub file: Option<PathBuf>,
    /// Print the built-in topology and end.
    #[arg(long)]
    pub print_topology: bool,
    /// Folder for flash and the authority's state.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Keep nothing: state in a folder that goes when the lab ends.
    #[arg(long, conflicts_with = "state")]
    pub ephemeral: bool,
    /// Loopback address and port for the JSON API of the lab's authority.
    #[arg(long, value_name = "ADDR:PORT")]
    pub api: Option<SocketAddr>,
    /// In a script, end with status 1 at the first refused command.
    #[arg(long)]
    pub stop_on_refusal: bool,
    /// Lead SSH connections from this address of the host to the chassis, such as 127.0.0.1:2222;
    /// port 0 is any that is free, further chassis have the ports that follow.
    #[arg(long, value_name = "ADDR:PORT")]
    pub ssh: Option<SocketAddr>,
    /// Ask for name and password at the console, as the serial line of a chassis does.
    #[arg(long)]
    pub login: bool,
    /// Let captures hold the secrets of TLS, so that Wireshark shows the exchange with the authority
    /// in clear; files are written as pcapng then.
    #[arg(long)]
    pub keylog: bool,
}

/// Runs a lab; 2 when it cannot start or has to stop.
pub fn run(args: &LabArgs) -> ExitCode {
    if args.print_topology {
        // A closed pipe is the reader's choice and no error.
        let _ = console::print(super::topology::DEFAULT);
        return ExitCode::SUCCESS;
    }
    match start(args, None) {
        Ok(code) => code,
        Err(why) => {
            console::say(&format!("vfxos lab: {why}"));
            ExitCode::from(2)
        }
    }
}

/// Runs a lab that a drill has broken.
///
/// # Errors
/// A line for the operator.
pub(in crate::cmd) fn run_drill(args: &LabArgs, drill: Drill) -> Result<ExitCode, String> {
    start(args, Some(drill))
}

fn start(args: &LabArgs, drill: Option<Drill>) -> Result<ExitCode, String> {
    let own = drill.as_ref().and_then(|drill| drill.topology.as_deref());
    let topology = match (&args.file, own) {
        (Some(file), _) => Topology::read(file),
        (None, Some(text)) => Topology::parse(text, "of the drill"),
        (None, None) => Topology::built_in(),
    }
    .map_err(|error| error.to_string())?;
    process::private_files();
    process::raise_open_files();
    let state = {
        let named = args.state.clone().or_else(|| topology.state.clone());
        State::prepare(args.ephemeral, named, default_folder)?
    };
    if drill.is_some() {
        state.empty()?;
    }
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let code = local.block_on(&runtime, live(args, &topology, &state, drill));
    drop(local);
    // A thread may still wait for a key that nobody will press.
    runtime.shutdown_background();
    code
}

/// Returns the folder that `vfxos lab` and `vfxos ctl` use when none is named.
///
/// # Errors
/// A line for the operator when the environment names no home.
pub fn default_folder() -> Result<PathBuf, String> {
    state_folder("lab")
}

/// Returns the folder of a process when none is named.
///
/// # Errors
/// As [`default_folder`].
pub(in crate::cmd) fn state_folder(process: &str) -> Result<PathBuf, String> {
    let base =
        std::env::var_os("XDG_STATE_HOME").filter(|text| !text.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    base.or_else(home).map(|base| base.join("vfxos").join(process)).ok_or_else(|| {
        "neither XDG_STATE_HOME nor HOME is set; name a state folder with --state".to_owned()
    })
}

async fn live(
    args: &LabArgs,
    topology: &Topology,
    state: &State,
    drill: Option<Drill>,
) -> Result<ExitCode, String> {
    if args.keylog {
        tls::keep_secrets();
    }
    let signalled = signalled().map_err(|error| format!("signals: {error}"))?;
    let flash = Flash::open(&state.authority(), Kind::Authority).map_err(|e| e.to_string())?;
    let satellites = topology.satellites.iter().map(|satellite| {
        let folder = state.satellite(&satellite.name);
        Flash::open(&folder, Kind::Authority).map_err(|error| error.to_string())
    });
    let satellites = satellites.collect::<Result<_, _>>()?;
    let world = world::World::build(topology, state.clock(topology.clock)?, flash, satellites)?;
    let server = FileServer::spawn(&world.operator, Shelf::open(state.folder())?);
    let server = server.ok_or_else(|| "the operator's host has no port for files".to_owned())?;
    let forwards = forwards(args, &world, topology).await?;
    let (chassis, supervisors) = power_on(topology, &world, state)?;
    let (prepare, story) = drill.as_ref().map_or_else(Default::default, |drill| {
        (drill.prepare.clone(), format!("\n{}\n{}", drill.title, drill.story))
    });
    let ssh = forwards.iter().map(Forward::address).collect();
    let lab = control::Lab::new(world, chassis, state.clone(), drill, ssh);
    let token = lab.first_token().await?;
    let api = match args.api {
        Some(address) => Some(api::serve(&lab, address).await?),
        None => None,
    };
    announce(topology, state, &token, &forwards, api.as_ref().map(|api| api.address));
    let socket = rack::listen(&lab, &state.socket())?;
    let (faults, clock) = (lab.clone(), lab.clone());
    tokio::task::spawn_local(async move { faults.watch_faults().await });
    tokio::task::spawn_local(async move { clock.watch_clock().await });
    let (stop_on_refusal, login) = (args.stop_on_refusal, args.login);
    let task = script::Task { token, prepare, story, stop_on_refusal, login, stays: false };
    let code = rack::live(&lab, "vfxos lab", Some(task), supervisors, signalled).await;
    drop((socket, api, forwards, server));
    code
}

/// Says where everything is.
fn announce(
    topology: &Topology,
    state: &State,
    token: &str,
    forwards: &[Forward],
    api: Option<SocketAddr>,
) {
    let folder = state.folder().display();
    console::say(&format!("vfxos lab: state in {folder}"));
    console::say(&format!("vfxos lab: a token is ready: {token}"));
    console::say("vfxos lab: try `scope license`, `register idtoken TOKEN`, `show license all`");
    console::say(&format!("vfxos lab: from another terminal: vfxos ctl --state {folder} status"));
    for (at, one) in forwards.iter().map(Forward::address).zip(&topology.chassis) {
        let (ip, port, name) = (at.ip(), at.port(), &one.name);
        let login = format!("ssh -p {port} admin@{ip}");
        console::say(&format!("vfxos lab: {login} leads to {name}, password Admin123"));
    }
    if let Some(address) = api {
        console::say(&format!("vfxos lab: the API is described at http://{address}/openapi.json"));
    }
}

/// Starts every chassis; the blades last, so that none runs where another chassis cannot start.
fn power_on(
    topology: &Topology,
    world: &world::World,
    state: &State,
) -> Result<(Vec<Running>, Supervisors), String> {
    let (mut running, mut supervisors) = (Vec::new(), Supervisors::new());
    for one in &topology.chassis {
        let folder = state.chassis(&one.name);
        let (chassis, task) = chassis::start(world.plan(one)?, &folder)?;
        supervisors.watch(one.name.clone(), task);
        running.push(chassis);
    }
    for (chassis, one) in running.iter_mut().zip(&topology.chassis) {
        chassis.start_blades(&one.blades, &state.chassis(&one.name));
    }
    Ok((running, supervisors))
}

/// Waits for a signal that asks this process to end, from a shell, a service manager or a terminal
/// that has gone; returns its name.
///
/// # Errors
/// What the operating system says.
pub(in crate::cmd) fn signalled() -> io::Result<impl Future<Output = &'static str>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = hangup.recv() => "SIGHUP",
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Opens the host's ports that lead to the chassis, in their order.
async fn forwards(
    args: &LabArgs,
    world: &world::World,
    topology: &Topology,
) -> Result<Vec<Forward>, String> {
    let mut forwards = Vec::new();
    for (number, one) in (0..).zip(&topology.chassis) {
        let Some(at) = args.ssh else { break };
        let port = if at.port() == 0 { 0 } else { at.port().saturating_add(number) };
        let at = SocketAddr::new(at.ip(), port);
        forwards.push(Forward::start(at, world.operator.clone(), one.address.into()).await?);
    }
    Ok(forwards)
}
