//! The console: a person at a terminal, or a script on standard input.

use std::collections::BTreeMap;
use std::process::ExitCode;

use tokio::sync::mpsc;

use super::Site;
use super::keyboard::Keyboard;
use crate::cmd::control::parse_words;
use crate::cmd::supervisor::Handle;
use crate::shell::line::FromLine;
use crate::shell::sessions::{FromSession, Front, Opened, ToSession, Visitor, ask};
use crate::sys::console;

/// Longest line of a script kept, in bytes; the session refuses far shorter ones.
const LINE_MAX: usize = 256 * 1024;
/// Columns of a script's terminal: as wide as the device allows, so that no line is broken.
const SCRIPT_COLUMNS: u16 = 511;

/// What a console has to do.
pub(in crate::cmd) struct Task {
    /// What `$TOKEN` stands for until another is made.
    pub(in crate::cmd) token: String,
    /// Lines carried out in silence before anybody is served.
    pub(in crate::cmd) prepare: String,
    /// Shown before the first prompt, on standard error.
    pub(in crate::cmd) story: String,
    pub(in crate::cmd) stop_on_refusal: bool,
    /// True if the console asks for name and password.
    pub(in crate::cmd) login: bool,
    /// True if it never ends, whatever is typed.
    pub(in crate::cmd) stays: bool,
}

/// Serves the console until its end.
pub(in crate::cmd) async fn attend(site: &impl Site, task: Task) -> Result<ExitCode, String> {
    let first = site.rack().chassis(None)?;
    let mut script = Script {
        site,
        at: first.name.clone(),
        consoles: BTreeMap::new(),
        token: task.token,
        silent: true,
    };
    if let Some(line) = script.prepare(&task.prepare).await? {
        return Err(format!("the console could not be prepared: {line}"));
    }
    // Whoever comes next finds a console that nobody has used.
    script.hang_up().await;
    if !task.story.is_empty() {
        console::say(&script.site.filled(&task.story).replace("$TOKEN", &script.token));
    }
    let handle = script.handle()?;
    let mut keyboard = Keyboard::open(!task.stays).map_err(|error| error.to_string())?;
    if task.login {
        keyboard.log_in(&handle).await;
        if task.stays {
            // A line that was lost is no reason for a chassis to end.
            std::future::pending::<()>().await;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(ahead) = keyboard.set_up(&handle).await else {
        return Ok(ExitCode::SUCCESS);
    };
    let Keyboard { keys, raw } = keyboard;
    if let Some(raw) = raw {
        let (columns, rows) = console::window().unwrap_or((80, 24));
        let opened = open(&handle, columns, rows).await?;
        interactive(&handle, opened, keys, raw, ahead).await
    } else {
        script.silent = false;
        let input = Lines { source: keys, buffer: ahead, over: false };
        script.run(input, task.stop_on_refusal).await
    }
}

/// Opens a session on a chassis.
pub(in crate::cmd) async fn open(
    handle: &Handle,
    columns: u16,
    rows: u16,
) -> Result<Opened, String> {
    let visitor = Visitor::at_terminal(columns, rows);
    match ask(handle, |reply| ToSession::Open { visitor, reply }).await {
        Some(Ok(opened)) => Ok(opened),
        Some(Err(refused)) => Err(format!("the supervisor opens no session: {}", refused.0)),
        None => Err("the supervisor opens no session".to_owned()),
    }
}

async fn interactive(
    handle: &Handle,
    mut opened: Opened,
    mut keys: mpsc::Receiver<FromLine>,
    mut raw: console::Raw,
    ahead: Vec<u8>,
) -> Result<ExitCode, String> {
    let (id, mut serial) = (opened.id, 1);
    handle.tell(ToSession::Bytes { id, serial, bytes: ahead }).await;
    loop {
        tokio::select! {
            typed = keys.recv() => match typed {
                Some(FromLine::Keys(bytes)) => {
                    serial += 1;
                    handle.tell(ToSession::Bytes { id, serial, bytes }).await;
                }
                Some(FromLine::Size(columns, rows)) => {
                    handle.tell(ToSession::Resize { id, columns, rows }).await;
                }
                None => return Ok(ExitCode::SUCCESS),
            },
            text = raw.line() => {
                handle.tell(ToSession::Notice { id, text }).await;
            }
            printed = opened.output.recv() => match printed {
                Some(FromSession::Bytes(bytes)) => show(bytes).await?,
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed { .. }) => return Ok(ExitCode::SUCCESS),
                None => return Err(cut_off(handle).await),
            }
        }
    }
}

/// Returns why a session was cut off. Where its supervisor has ended, whoever watches that one knows
/// better, so this never returns.
async fn cut_off(handle: &Handle) -> String {
    if handle.has_ended() {
        std::future::pending::<()>().await;
    }
    "the console was cut off: more was printed than is kept for one that does not read".to_owned()
}

async fn show(bytes: Vec<u8>) -> Result<(), String> {
    console::show(bytes).await.map_err(|error| format!("output: {error}"))
}

/// A script: one command a line, `@` lines for the lab. `$TOKEN` is the token made last, `$ROOT`
/// the certificate that CHdefault has to hold.
struct Script<'a, S> {
    site: &'a S,
    /// The chassis whose console is typed into, and the consoles opened so far.
    at: String,
    consoles: BTreeMap<String, Console>,
    /// What `$TOKEN` stands for: the token made last.
    token: String,
    /// True while nothing is shown.
    silent: bool,
}

/// A console that a script types into.
struct Console {
    handle: Handle,
    opened: Opened,
    serial: u64,
}

/// What came of one line.
enum Line {
    Done,
    Refused,
    /// The session has ended.
    Over,
}

impl<S: Site> Script<'_, S> {
    /// Runs the lines of standard input.
    async fn run(mut self, mut input: Lines, stop_on_refusal: bool) -> Result<ExitCode, String> {
        if matches!(self.console().await?, Line::Over) {
            return Ok(ExitCode::SUCCESS);
        }
        while let Some(line) = self.next(&mut input).await? {
            match self.line(&line).await? {
                Line::Over => return Ok(ExitCode::SUCCESS),
                Line::Refused if stop_on_refusal => {
                    self.show(b"\n").await?;
                    return Ok(ExitCode::FAILURE);
                }
                Line::Refused | Line::Done => {}
            }
        }
        self.show(b"\n").await?;
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the next line, and shows what is printed until it comes; `None` at the end of the
    /// input or of the session.
    async fn next(&mut self, input: &mut Lines) -> Result<Option<Vec<u8>>, String> {
        loop {
            let Some(console) = self.consoles.get_mut(&self.at) else {
                return Ok(input.next().await);
            };
            tokio::select! {
                line = input.next() => return Ok(line),
                printed = console.opened.output.recv() => match printed {
                    Some(FromSession::Bytes(bytes)) => self.show(&plain(bytes)).await?,
                    Some(FromSession::Settled(_)) => {}
                    Some(FromSession::Closed { .. }) => return Ok(None),
                    None => return Err(cut_off(&console.handle).await),
                }
            }
        }
    }

    /// Runs the lines of a text; returns the first that was refused.
    async fn prepare(&mut self, text: &str) -> Result<Option<String>, String> {
        for line in text.trim_start_matches('\n').lines() {
            if self.line(line.as_bytes()).await.is_ok_and(|done| !matches!(done, Line::Done)) {
                return Ok(Some(line.to_owned()));
            }
        }
        Ok(None)
    }

    async fn line(&mut self, line: &[u8]) -> Result<Line, String> {
        if let Some(words) = line.strip_prefix(b"@") {
            return self.direct(&String::from_utf8_lossy(words)).await;
        }
        // What stands for a certificate is many lines.
        let text = std::str::from_utf8(line).ok().filter(|text| text.contains("ROOT"));
        let Some(text) = text.map(|text| self.site.filled(text)) else {
            return self.enter(line).await;
        };
        let mut done = Line::Done;
        for line in text.lines() {
            match self.enter(line.as_bytes()).await? {
                Line::Over => return Ok(Line::Over),
                Line::Refused => done = Line::Refused,
                Line::Done => {}
            }
        }
        Ok(done)
    }

    /// Leaves every console.
    async fn hang_up(&mut self) {
        for console in std::mem::take(&mut self.consoles).into_values() {
            console.handle.tell(ToSession::Hangup { id: console.opened.id }).await;
        }
    }

    /// Carries out an `@` line.
    async fn direct(&mut self, words: &str) -> Result<Line, String> {
        let words = words.replace("$TOKEN", &self.token);
        let words = words.replace("$STATE", &self.site.folder().display().to_string());
        if let Some(name) = words.trim().strip_prefix("console ") {
            return self.turn_to(name.trim()).await;
        }
        let answer = match parse_words(&words) {
            Ok(request) => self.site.answer(request.clone()).await.kept(&request),
            Err(why) => crate::cmd::control::Answer::refused(why),
        };
        if !self.silent || !answer.ok {
            console::say(&format!("@{}: {}", words.trim(), answer.text));
        }
        let mut said = words.split_ascii_whitespace();
        let at = said.clone().next() == Some("at");
        if let (true, Some("token"), Some(text)) = (
            answer.ok,
            said.nth(if at { 2 } else { 0 }),
            answer.json.get("text").and_then(serde_json::Value::as_str),
        ) {
            self.token = text.to_owned();
        }
        Ok(if answer.ok { Line::Done } else { Line::Refused })
    }

    /// Types into another chassis from now on.
    async fn turn_to(&mut self, name: &str) -> Result<Line, String> {
        if let Err(why) = self.site.rack().chassis(Some(name)) {
            console::say(&format!("@console {name}: {why}"));
            return Ok(Line::Refused);
        }
        self.at = name.to_owned();
        self.console().await
    }

    fn handle(&self) -> Result<Handle, String> {
        Ok(self.site.rack().chassis(Some(&self.at))?.handle.clone())
    }

    /// Opens the console that is typed into, unless it is open.
    async fn console(&mut self) -> Result<Line, String> {
        if self.consoles.contains_key(&self.at) {
            return Ok(Line::Done);
        }
        let handle = self.handle()?;
        let opened = open(&handle, SCRIPT_COLUMNS, 0).await?;
        self.consoles.insert(self.at.clone(), Console { handle, opened, serial: 0 });
        let (_, open) = self.settled().await?;
        Ok(if open { Line::Done } else { Line::Over })
    }

    /// Types a line.
    async fn enter(&mut self, line: &[u8]) -> Result<Line, String> {
        if matches!(self.console().await?, Line::Over) {
            return Ok(Line::Over);
        }
        let mut bytes = replace(line, b"$TOKEN", self.token.as_bytes());
        // Two keys that a line may end in are control bytes of their own and need no newline.
        bytes.push(b'\r');
        if let Some(console) = self.consoles.get_mut(&self.at) {
            console.serial += 1;
            let (id, serial) = (console.opened.id, console.serial);
            console.handle.tell(ToSession::Bytes { id, serial, bytes }).await;
        }
        let (printed, open) = self.settled().await?;
        Ok(match (open, is_refusal(&printed)) {
            (false, _) => Line::Over,
            (true, true) => Line::Refused,
            (true, false) => Line::Done,
        })
    }

    /// Shows output until the session has settled; false once it has ended.
    async fn settled(&mut self) -> Result<(Vec<u8>, bool), String> {
        let mut printed = Vec::new();
        loop {
            let Some(console) = self.consoles.get_mut(&self.at) else {
                return Ok((printed, false));
            };
            match console.opened.output.recv().await {
                Some(FromSession::Bytes(bytes)) => {
                    let bytes = plain(bytes);
                    self.show(&bytes).await?;
                    printed.extend(bytes);
                }
                Some(FromSession::Settled(serial)) if serial == console.serial => {
                    return Ok((printed, true));
                }
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed { .. }) => return Ok((printed, false)),
                None => return Err(cut_off(&console.handle).await),
            }
        }
    }

    async fn show(&self, bytes: &[u8]) -> Result<(), String> {
        if self.silent { Ok(()) } else { show(bytes.to_vec()).await }
    }
}

/// Leaves out what only a terminal needs.
fn plain(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.retain(|byte| *byte != b'\r');
    bytes
}

/// Tells a refusal by the words that every shell of the device begins one with.
///
/// # Source
/// Client: unicon's `ERROR_PATTERN` for FXOS and ASA.
pub(in crate::cmd) fn is_refusal(printed: &[u8]) -> bool {
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
    source: mpsc::Receiver<FromLine>,
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
                // A script has no screen.
                Some(FromLine::Size(..)) => {}
                Some(FromLine::Keys(bytes)) if self.buffer.len() <= LINE_MAX => {
                    self.buffer.extend(bytes);
                }
                // The rest of a line that is too long: only its end matters.
                Some(FromLine::Keys(bytes)) => {
                    if let Some(end) = bytes.iter().position(|b| *b == b'\n') {
                        self.buffer.extend_from_slice(&bytes[end..]);
                    }
                }
                None => self.over = true,
            }
        }
    }
}
