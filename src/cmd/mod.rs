//! Floor 4: the processes. Composition only.

pub mod control;
pub mod topology;

use std::process::ExitCode;

/// Runs the subcommand named on the command line.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
