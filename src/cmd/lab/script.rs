//! The lab's console: a person at a terminal, or a script on standard input.

use std::io::{self, Write};
use std::process::ExitCode;

use tokio::sync::{mpsc, oneshot};

use super::control::Lab;
use crate::cmd::control::parse_words;
use crate::cmd::supervisor::Handle;
use crate::shell::sessions::{FromSession, Opened, SessionId, ToSession};
use crate::sys::console;

/// Longest line of a script kept, in bytes; the session refuses far shorter ones.
const LINE_MAX: usize = 256 * 1024;

/// Serves the console until its end.
pub(super) async fn attend(
    lab: &Lab,
    token: String,
    stop_on_refusal: bool,
) -> Result<ExitCode, String> {
    let handle = lab.first().ok_or("the lab has no chassis")?.clone();
    let terminal = console::is_terminal();
    let (columns, rows) = if terminal { console::window().unwrap_or((80, 24)) } else { (511, 0) };
    let (reply, opened) = oneshot::channel();
    let (user, from) = ("admin".to_owned(), "console".to_owned());
    handle.session(ToSession::Open { user, from, columns, rows, reply }).await;
    let opened = opened.await.map_err(|_| "the supervisor opens no session".to_owned())?;
    if terminal {
        interactive(&handle, opened).await
    } else {
        Script { lab, handle, token, stop_on_refusal, serial: 0, id: opened.id }.run(opened).await
    }
}

async fn interactive(handle: &Handle, mut opened: Opened) -> Result<ExitCode, String> {
    let _raw = console::Raw::enter().map_err(|error| error.to_string())?;
    let mut keys = console::read_stdin();
    let mut serial = 0;
    loop {
        tokio::select! {
            typed = keys.recv() => {
                let Some(bytes) = typed else { return Ok(ExitCode::SUCCESS) };
                serial += 1;
                handle.session(ToSession::Bytes { id: opened.id, serial, bytes }).await;
            }
            printed = opened.output.recv() => match printed {
                Some(FromSession::Bytes(bytes)) => show(&bytes)?,
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed) | None => return Ok(ExitCode::SUCCESS),
            }
        }
    }
}

fn show(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| format!("output: {error}"))
}

/// A script: one command a line, `@` lines for the lab.
struct Script<'a> {
    lab: &'a Lab,
    handle: Handle,
    /// What `$TOKEN` stands for: the token made last.
    token: String,
    stop_on_refusal: bool,
    serial: u64,
    id: SessionId,
}

impl Script<'_> {
    async fn run(mut self, mut opened: Opened) -> Result<ExitCode, String> {
        let mut input = Lines { source: console::read_stdin(), buffer: Vec::new(), over: false };
        if !self.settled(&mut opened).await?.1 {
            return Ok(ExitCode::SUCCESS);
        }
        while let Some(line) = input.next().await {
            let refused = if let Some(words) = line.strip_prefix(b"@") {
                self.direct(&String::from_utf8_lossy(words)).await
            } else {
                let (printed, open) = self.enter(&line, &mut opened).await?;
                if !open {
                    return Ok(ExitCode::SUCCESS);
                }
                is_refusal(&printed)
            };
            if refused && self.stop_on_refusal {
                show(b"\n")?;
                return Ok(ExitCode::FAILURE);
            }
        }
        show(b"\n")?;
        Ok(ExitCode::SUCCESS)
    }

    /// Carries out an `@` line; true if the lab refused it.
    async fn direct(&mut self, words: &str) -> bool {
        let words = words.replace("$TOKEN", &self.token);
        let answer = match parse_words(&words) {
            Ok(request) => self.lab.answer(request.clone()).await.kept(&request),
            Err(why) => crate::cmd::control::Answer::refused(why),
        };
        eprintln!("@{}: {}", words.trim(), answer.text);
        if let (true, Some("token"), Some(text)) = (
            answer.ok,
            words.split_ascii_whitespace().next(),
            answer.json.get("text").and_then(serde_json::Value::as_str),
        ) {
            self.token = text.to_owned();
        }
        !answer.ok
    }

    /// Types a line; returns what was printed, and whether the session is still open.
    async fn enter(&mut self, line: &[u8], opened: &mut Opened) -> Result<(Vec<u8>, bool), String> {
        let mut bytes = replace(line, b"$TOKEN", self.token.as_bytes());
        // Two keys that a line may end in are control bytes of their own and need no newline.
        bytes.push(b'\r');
        self.serial += 1;
        let (id, serial) = (self.id, self.serial);
        self.handle.session(ToSession::Bytes { id, serial, bytes }).await;
        self.settled(opened).await
    }

    /// Shows output until the session has settled; false once it has ended.
    async fn settled(&mut self, opened: &mut Opened) -> Result<(Vec<u8>, bool), String> {
        let mut printed = Vec::new();
        loop {
            match opened.output.recv().await {
                Some(FromSession::Bytes(bytes)) => {
                    let plain: Vec<u8> = bytes.into_iter().filter(|b| *b != b'\r').collect();
                    show(&plain)?;
                    printed.extend(plain);
                }
                Some(FromSession::Settled(serial)) if serial == self.serial => {
                    return Ok((printed, true));
                }
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed) | None => return Ok((printed, false)),
            }
        }
    }
}

/// Tells a refusal by the words that every shell of the device begins one with.
///
/// # Source
/// Client: unicon's `ERROR_PATTERN` for FXOS and ASA.
fn is_refusal(printed: &[u8]) -> bool {
    let text = String::from_utf8_lossy(printed);
    text.lines().any(|line| {
        ["% ", "Error:", "ERROR:", "No such command"].iter().any(|start| line.starts_with(start))
    })
}

fn replace(line: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Standard input by lines.
struct Lines {
    source: mpsc::Receiver<Vec<u8>>,
    buffer: Vec<u8>,
    over: bool,
}

impl Lines {
    /// Returns the next line without its end; a longer one than [`LINE_MAX`] is cut.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.truncate(end.min(LINE_MAX));
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Some(line);
            }
            if self.over {
                return (!self.buffer.is_empty()).then(|| std::mem::take(&mut self.buffer));
            }
            match self.source.recv().await {
                Some(bytes) if self.buffer.len() <= LINE_MAX => self.buffer.extend(bytes),
                // The rest of a line that is too long: only its end matters.
                Some(bytes) => {
                    if let Some(end) = bytes.iter().position(|b| *b == b'\n') {
                        self.buffer.extend_from_slice(&bytes[end..]);
                    }
                }
                None => self.over = true,
            }
        }
    }
}
