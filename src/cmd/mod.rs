//! Floor 4: the processes. Composition only.

pub mod authority;
pub mod blade;
pub mod control;
pub mod ctl;
pub mod dissect;
pub mod drill;
pub mod init;
pub mod lab;
pub mod mio;
mod rack;
pub mod supervisor;
pub mod topology;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::sys::{console, process};

/// What is logged unless `VFXOS_LOG` says otherwise: our own warnings, and errors of anybody; what the
/// device writes into its own log is under `device`.
const LOG: &str = "error,vfxos=warn,device=off";

/// A virtual FXOS supervisor, its ASA blades and the licence authority they talk to.
#[derive(Debug, Parser)]
#[command(name = "vfxos", version)]
struct Vfxos {
    #[command(subcommand)]
    command: Option<Process>,
}

#[derive(Debug, Subcommand)]
enum Process {
    /// Run a whole lab in front of its console (the default).
    Lab(lab::LabArgs),
    /// Run one supervisor on a real network: a TAP interface, an interface of this machine or a tunnel.
    Mio(Box<mio::MioArgs>),
    /// Run the licence authority alone, on this machine's own sockets.
    Authority(authority::AuthorityArgs),
    /// Talk to a running lab, mio or authority.
    Ctl(control::Ctl),
    /// Practise: a broken lab, hints and a judge.
    Drill(drill::DrillArgs),
    /// Print a capture file in the lines of the chassis's own capture command.
    Dissect(dissect::DissectArgs),
    /// Be process 1 of the appliance or of a container.
    Init {
        /// More for the supervisor of a container.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Run one ASA security module; a lab starts its own.
    #[command(hide = true)]
    Blade(blade::BladeArgs),
}

/// Runs the subcommand named on the command line.
pub fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("VFXOS_LOG").unwrap_or_else(|_| EnvFilter::new(LOG));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| console::Log);
    log.without_time().log_internal_errors(false).init();
    process::survive_size_limit();
    // The kernel gives process 1 whatever words on its command line it does not know.
    if process::id() == 1 && std::env::args().next().is_some_and(|own| own.ends_with("/init")) {
        return init::run();
    }
    match Vfxos::parse().command {
        Some(Process::Lab(args)) => lab::run(&args),
        Some(Process::Mio(args)) => mio::run(&args),
        Some(Process::Authority(args)) => authority::run(&args),
        Some(Process::Blade(args)) => blade::run(&args),
        Some(Process::Ctl(ctl)) => match ctl.state.clone().map_or_else(init::ctl_folder, Ok) {
            Ok(folder) => ctl::run(&ctl, &folder),
            Err(why) => {
                console::say(&format!("vfxos ctl: {why}"));
                ExitCode::from(2)
            }
        },
        Some(Process::Drill(args)) => drill::run(&args),
        Some(Process::Init { .. }) => init::run(),
        Some(Process::Dissect(args)) => dissect::run(&args),
        None => lab::run(&lab::LabArgs::default()),
    }
}

/// Makes the one-threaded runtime that every process of ours runs on.
///
/// # Errors
/// What the operating system says.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
