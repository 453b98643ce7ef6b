//! `vfxos ctl`: one control word to a running lab, its answer to the terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::control::{Answer, Ctl, LINE_MAX, SOCKET};
use crate::sys::console;

/// Runs `vfxos ctl` and returns its exit status: 0 done, 1 refused, 2 no lab to talk to.
pub fn run(ctl: &Ctl, state: &Path) -> ExitCode {
    let path = state.join(SOCKET);
    match ask(ctl, &path) {
        Ok(answer) => {
            let text = if ctl.json { answer.json.to_string() } else { answer.text };
            let code = if answer.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            if answer.ok || ctl.json {
                // A closed pipe is the reader's choice and no error.
                let _ = console::print(&format!("{text}\n"));
            } else {
                console::say(&format!("vfxos ctl: {text}"));
            }
            code
        }
        Err(error) => {
            console::say(&format!(
                "vfxos ctl: no lab answers at {} ({error}); start one with `vfxos lab`, or name \
                 its folder with --state",
                path.display()
            ));
            ExitCode::from(2)
        }
    }
}

fn ask(ctl: &Ctl, path: &Path) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(path)?;
    let mut line = serde_json::to_string(&ctl.request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_MAX as u64)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
