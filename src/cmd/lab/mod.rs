//! `vfxos lab`: a chassis, its blades, a network and the licence authority in one command.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::topology::Topology;
use crate::sys::flash::{Flash, FolderLock, Kind};
use crate::sys::process;
use drill::Drill;

mod attach;
mod blades;
mod chassis;
mod control;
pub(in crate::cmd) mod drill;
mod faults;
mod forward;
mod keyboard;
mod script;
mod time;
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
}

/// Runs a lab; 2 when it cannot start or has to stop.
pub fn run(args: &LabArgs) -> ExitCode {
    if args.print_topology {
        print!("{}", super::topology::DEFAULT);
        return ExitCode::SUCCESS;
    }
    match start(args, None) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("vfxos lab: {why}");
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
    let state = State::prepare(args, &topology)?;
    if drill.is_some() {
        state.empty()?;
    }
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let code = local.block_on(&runtime, live(args, &topology, &state.folder, drill));
    drop(local);
    // A thread may still wait for a key that nobody will press.
    runtime.shutdown_background();
    code
}

/// The lab's folder, locked; a throw-away one goes when this is dropped.
struct State {
    folder: PathBuf,
    ephemeral: bool,
    _lock: FolderLock,
}

impl State {
    fn prepare(args: &LabArgs, topology: &Topology) -> Result<State, String> {
        let folder = if args.ephemeral {
            std::env::temp_dir().join(format!("vfxos-lab-{}", process::id()))
        } else {
            args.state.clone().or_else(|| topology.state.clone()).map_or_else(default_folder, Ok)?
        };
        let say = |error: io::Error| {
            format!(
                "state folder {}: {error}; name one that can be written with --state",
                folder.display()
            )
        };
        fs::create_dir_all(&folder).map_err(say)?;
        let lock = FolderLock::take(&folder).map_err(|error| error.to_string())?;
        Ok(State { folder, ephemeral: args.ephemeral, _lock: lock })
    }
}

/// Parts of a lab's state in its folder.
const PARTS: [&str; 2] = ["authority", "chassis"];
/// Marks the folder of a drill, which may be emptied.
const DRILL: &str = "drill";

impl State {
    /// Forgets what an earlier drill left; a folder that holds anything else is refused.
    fn empty(&self) -> Result<(), String> {
        let say = |error: io::Error| format!("state folder {}: {error}", self.folder.display());
        let mark = self.folder.join(DRILL);
        let parts = PARTS.map(|part| self.folder.join(part));
        if !mark.exists() && parts.iter().any(|part| part.exists()) {
            return Err(format!(
                "state folder {} holds a lab that a drill would empty; name another with --state",
                self.folder.display()
            ));
        }
        fs::write(&mark, "").map_err(say)?;
        for part in parts.iter().filter(|part| part.exists()) {
            fs::remove_dir_all(part).map_err(say)?;
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.ephemeral {
            // What is left of it is in the temporary folder, where it is nobody's loss.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Returns the folder that `vfxos lab` and `vfxos ctl` use when none is named.
///
/// # Errors
/// A line for the operator when the environment names no home.
pub fn default_folder() -> Result<PathBuf, String> {
    let base =
        std::env::var_os("XDG_STATE_HOME").filter(|text| !text.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    base.or_else(home).map(|base| base.join("vfxos/lab")).ok_or_else(|| {
        "neither XDG_STATE_HOME nor HOME is set; name a state folder with --state".to_owned()
    })
}

async fn live(
    args: &LabArgs,
    topology: &Topology,
    folder: &Path,
    drill: Option<Drill>,
) -> Result<ExitCode, String> {
    let flash =
        Flash::open(&folder.join(PARTS[0]), Kind::Authority).map_err(|error| error.to_string())?;
    let world = world::World::build(topology, flash)?;
    let mut chassis = Vec::new();
    for one in &topology.chassis {
        chassis.push(chassis::start(one, &world, &folder.join(PARTS[1]).join(&one.name))?);
    }
    let (prepare, story) = drill.as_ref().map_or_else(Default::default, |drill| {
        (drill.prepare.clone(), format!("\n{}\n{}\n", drill.title, drill.story))
    });
    let forwards = forwards(args, &world, &chassis).await?;
    let ssh = forwards.iter().map(Forward::address).collect();
    let lab = control::Lab::new(world, chassis, drill, ssh);
    let token = lab.first_token().await?;
    eprintln!("vfxos lab: state in {}", folder.display());
    eprintln!("vfxos lab: a token is ready: {token}");
    eprintln!("vfxos lab: try `scope license`, `register idtoken TOKEN`, `show license all`");
    eprintln!("vfxos lab: from another terminal: vfxos ctl --state {} status", folder.display());
    for (at, one) in forwards.iter().map(Forward::address).zip(lab.names()) {
        let (ip, port) = (at.ip(), at.port());
        eprintln!("vfxos lab: ssh -p {port} admin@{ip} leads to {one}, password Admin123");
    }
    let socket = control::serve(&lab, &folder.join(super::control::SOCKET))?;
    let watched = lab.clone();
    tokio::task::spawn_local(async move { watched.watch_faults().await });
    let ended = lab.ended();
    let (stop_on_refusal, login) = (args.stop_on_refusal, args.login);
    let task = script::Task { token, prepare, story, stop_on_refusal, login };
    let code = tokio::select! {
        code = script::attend(&lab, task) => code,
        why = ended => Err(why),
    };
    lab.stop().await;
    drop((socket, forwards));
    code
}

/// Opens the host's ports that lead to the chassis, in their order.
async fn forwards(
    args: &LabArgs,
    world: &world::World,
    chassis: &[chassis::Running],
) -> Result<Vec<Forward>, String> {
    let mut forwards = Vec::new();
    for (number, one) in (0..).zip(chassis) {
        let Some(at) = args.ssh else { break };
        let port = if at.port() == 0 { 0 } else { at.port().saturating_add(number) };
        let at = SocketAddr::new(at.ip(), port);
        forwards.push(Forward::start(at, world.operator.clone(), one.address.into()).await?);
    }
    Ok(forwards)
}
