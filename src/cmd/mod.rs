//! Floor 4: the processes. Composition only.

use std::process::ExitCode;

/// Runs the subcommand named on the command line.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
