//! `vfxos lab`: a chassis, its blades, a network and the licence authority in one command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::topology::Topology;
use crate::sys::flash::{Flash, FolderLock, Kind};
use crate::sys::process;

mod blades;
mod chassis;
mod control;
mod faults;
mod script;
mod time;
mod world;

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
}

/// Runs a lab; 2 when it cannot start or has to stop.
pub fn run(args: &LabArgs) -> ExitCode {
    if args.print_topology {
        print!("{}", super::topology::DEFAULT);
        return ExitCode::SUCCESS;
    }
    match start(args) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("vfxos lab: {why}");
            ExitCode::from(2)
        }
    }
}

fn start(args: &LabArgs) -> Result<ExitCode, String> {
    let topology = match &args.file {
        Some(file) => Topology::read(file),
        None => Topology::built_in(),
    }
    .map_err(|error| error.to_string())?;
    process::private_files();
    let state = State::prepare(args, &topology)?;
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let code = local.block_on(&runtime, live(args, &topology, &state.folder));
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

async fn live(args: &LabArgs, topology: &Topology, folder: &Path) -> Result<ExitCode, String> {
    let flash = Flash::open(&folder.join("authority"), Kind::Authority)
        .map_err(|error| error.to_string())?;
    let world = world::World::build(topology, flash)?;
    let mut chassis = Vec::new();
    for one in &topology.chassis {
        chassis.push(chassis::start(one, &world, &folder.join("chassis").join(&one.name))?);
    }
    let lab = control::Lab::new(world, chassis);
    let token = lab.first_token().await?;
    eprintln!("vfxos lab: state in {}", folder.display());
    eprintln!("vfxos lab: a token is ready: {token}");
    eprintln!("vfxos lab: try `scope license`, `register idtoken TOKEN`, `show license all`");
    eprintln!("vfxos lab: from another terminal: vfxos ctl --state {} status", folder.display());
    let socket = control::serve(&lab, &folder.join(super::control::SOCKET))?;
    let watched = lab.clone();
    tokio::task::spawn_local(async move { watched.watch_faults().await });
    let ended = lab.ended();
    let code = tokio::select! {
        code = script::attend(&lab, token, args.stop_on_refusal) => code,
        why = ended => Err(why),
    };
    lab.stop().await;
    drop(socket);
    code
}
