//! The one binary: `vfxos lab`, `blade`, `authority`, `ctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    vfxos::cmd::main()
}
