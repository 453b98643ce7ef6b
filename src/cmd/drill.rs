//! `vfxos drill`: a broken lab to practise on, hints, and a judge.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::control::{Ctl, DrillRequest, Request};
use super::lab::drill::Drill;
use super::{ctl, lab};
use crate::sys::console;

/// What `vfxos drill` takes.
#[derive(Clone, Debug, Args)]
pub struct DrillArgs {
    /// State folder of the drill's lab.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(subcommand)]
    pub word: Word,
}

/// `drill ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum Word {
    /// List the drills.
    List,
    /// Start a lab that is broken in one way, in front of its console.
    Start {
        name: String,
        /// Keep nothing: state in a folder that goes when the lab ends.
        #[arg(long, conflicts_with = "state")]
        ephemeral: bool,
        /// In a script, end with status 1 at the first refused command.
        #[arg(long)]
        stop_on_refusal: bool,
    },
    #[command(flatten)]
    Under(DrillRequest),
}

/// Runs `vfxos drill`: 0 done or solved, 1 not solved, 2 impossible.
pub fn run(args: &DrillArgs) -> ExitCode {
    let done = match &args.word {
        Word::List => list(),
        Word::Start { name, ephemeral, stop_on_refusal } => {
            start(args, name, *ephemeral, *stop_on_refusal)
        }
        Word::Under(request) => folder(args).map(|state| {
            let request = Request::Drill(*request);
            ctl::run(&Ctl { state: None, control: None, json: false, request }, &state)
        }),
    };
    done.unwrap_or_else(|why| {
        console::say(&format!("vfxos drill: {why}"));
        ExitCode::from(2)
    })
}

fn list() -> Result<ExitCode, String> {
    let line =
        |drill: &Drill| format!("{:<24} {}  (seed: {})\n", drill.name, drill.title, drill.seed);
    let text: String = Drill::all()?.iter().map(line).collect();
    // A closed pipe is the reader's choice and no error.
    let _ = console::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn start(
    args: &DrillArgs,
    name: &str,
    ephemeral: bool,
    stop_on_refusal: bool,
) -> Result<ExitCode, String> {
    let drill = Drill::find(name)?;
    let state = if ephemeral { None } else { Some(folder(args)?) };
    let lab = lab::LabArgs { state, ephemeral, stop_on_refusal, ..lab::LabArgs::default() };
    lab::run_drill(&lab, drill)
}

/// Returns the folder in which a drill's lab lives; it starts empty every time.
fn folder(args: &DrillArgs) -> Result<PathBuf, String> {
    match &args.state {
        Some(state) => Ok(state.clone()),
        None => lab::default_folder().map(|lab| lab.with_file_name("drill")),
    }
}
