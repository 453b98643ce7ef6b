//! `vfxos ctl`: one control word to a running lab or authority, its answer to the terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::control::{Answer, Ctl, LINE_MAX, SOCKET};

/// Runs `vfxos ctl` and returns its exit status: 0 done, 1 refused, 2 nobody to talk to.
pub fn run(ctl: &Ctl, state: &Path) -> ExitCode {
    let path = ctl.control.clone().unwrap_or_else(|| state.join(SOCKET));
    match ask(ctl, &path).map(|answer| answer.kept(&ctl.request)) {
        Ok(answer) => {
            let text = if ctl.json { answer.json.to_string() } else { answer.text };
            let code = if answer.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            if answer.ok || ctl.json {
                print(&text);
            } else {
                eprintln!("vfxos ctl: {text}");
            }
            code
        }
        Err(error) => {
            eprintln!(
                "vfxos ctl: nobody answers at {} ({error}); start `vfxos lab` or `vfxos \
                 authority`, or name its folder with --state",
                path.display()
            );
            ExitCode::from(2)
        }
    }
}

/// Prints a text with a line end; a closed pipe is the reader's choice and no error.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
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
