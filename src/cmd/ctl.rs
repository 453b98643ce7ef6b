//! `vfxos ctl`: one control word to a running lab or authority, its answer to the terminal.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::control::{Answer, ConsoleRequest, Ctl, LINE_MAX, Request, SOCKET};
use crate::sys::console;

/// Most bytes taken from the lab at once.
const READ_MAX: usize = 4096;

/// Runs `vfxos ctl` and returns its exit status: 0 done, 1 refused, 2 nobody to talk to.
pub fn run(ctl: &Ctl, state: &Path) -> ExitCode {
    let path = ctl.control.clone().unwrap_or_else(|| state.join(SOCKET));
    let done = if let Request::Console(request) = &ctl.request {
        attach(request, &path)
    } else {
        ask(&ctl.request, &path).map(|(answer, _)| answer.kept(&ctl.request))
    };
    match done {
        Ok(answer) => {
            let text = if ctl.json { answer.json.to_string() } else { answer.text };
            let code = if answer.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            if !answer.ok && !ctl.json {
                console::say(&format!("vfxos ctl: {text}"));
            } else if !text.is_empty() && !matches!(ctl.request, Request::Console(_)) {
                // A closed pipe is the reader's choice and no error.
                let _ = console::print(&format!("{text}\n"));
            }
            code
        }
        Err(error) => {
            console::say(&format!(
                "vfxos ctl: nobody answers at {} ({error}); start `vfxos lab` or `vfxos \
                 authority`, or name its folder with --state",
                path.display()
            ));
            ExitCode::from(2)
        }
    }
}

/// Asks one thing; returns the answer, and the connection behind it.
fn ask(request: &Request, path: &Path) -> io::Result<(Answer, BufReader<UnixStream>)> {
    let mut stream = UnixStream::connect(path)?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    stream.by_ref().take(LINE_MAX as u64).read_line(&mut answer)?;
    Ok((serde_json::from_str(&answer)?, stream))
}

/// Carries this terminal to a chassis until either ends.
fn attach(request: &ConsoleRequest, path: &Path) -> io::Result<Answer> {
    let (columns, rows) = match console::window() {
        Some(size) if console::is_terminal() => size,
        Some(_) | None => (request.columns, request.rows),
    };
    let request = Request::Console(ConsoleRequest { columns, rows, ..request.clone() });
    let (answer, mut stream) = ask(&request, path)?;
    if !answer.ok {
        return Ok(answer);
    }
    let raw = if console::is_terminal() { Some(console::Raw::enter()?) } else { None };
    let mut keys = console::read_stdin();
    let mut typed = stream.get_ref().try_clone()?;
    std::thread::spawn(move || {
        while let Some(bytes) = keys.blocking_recv() {
            if typed.write_all(&bytes).is_err() {
                return;
            }
        }
        // Nobody types any more; what is still printed is waited for.
        let _ = typed.shutdown(Shutdown::Write);
    });
    let (mut buffer, mut screen) = (vec![0; READ_MAX], io::stdout());
    loop {
        let read = stream.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() || screen.write_all(bytes).and_then(|()| screen.flush()).is_err() {
            break;
        }
    }
    drop(raw);
    Ok(answer)
}
