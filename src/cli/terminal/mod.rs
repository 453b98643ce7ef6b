//! One operator's terminal: the editor, the shells entered, questions, the pager and the relay to a
//! module. Bytes in, [`Output`]s out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::call::{Ask, Input, Login, Place, RelayKind};
use super::edit::{Edit, Key};
use super::grammar::{Refusal, Shell, World};
use crate::base::ident::Slot;
use crate::base::time::Now;

mod help;
mod relay;
mod run;
#[cfg(test)]
mod tests;

/// Most bytes typed ahead that are kept.
pub const AHEAD_MAX: usize = 64 * 1024;
/// Most bytes of answers to one question.
const ANSWER_MAX: usize = 256 * 1024;

/// What a terminal wants done.
#[derive(Debug)]
pub enum Output<X: World> {
    /// Show this.
    Bytes(Vec<u8>),
    /// Connect to a module.
    OpenRelay { slot: Slot, kind: RelayKind },
    /// Type this into the module.
    Relay { slot: Slot, bytes: Vec<u8> },
    /// Leave the module.
    CloseRelay { slot: Slot },
    /// Begin a job.
    StartJob(X::Job),
    /// End the job under way.
    CancelJob,
    /// The session has ended.
    Closed,
}

/// A shell that was entered, and where in it the session stands.
struct Frame<X: World> {
    shell: &'static Shell<X>,
    place: Place<X>,
}

/// What the next key means.
enum Mode<X: World> {
    Prompt,
    Asking { ask: Ask<X>, place: Place<X>, answers: String },
    Paging { left: VecDeque<String> },
    Relay(relay::Relay),
    Job,
    Ended,
}

/// An operator's terminal on one outermost shell.
pub struct Terminal<X: World> {
    frames: Vec<Frame<X>>,
    /// Where detached shells stood.
    parked: BTreeMap<&'static str, Place<X>>,
    login: Login,
    columns: u16,
    rows: u16,
    edit: Edit,
    mode: Mode<X>,
    ahead: VecDeque<u8>,
    screen: Vec<u8>,
    outputs: VecDeque<Output<X>>,
    /// Commands behind a `;` that wait for the one before them.
    rest: Option<String>,
    /// Length of the prompt that the line under way stands behind.
    prompt_len: usize,
    /// True after a Ctrl-A in a shell that Ctrl-A d leaves.
    prefix: bool,
    /// True if it runs one line for somebody who sees no prompt, and ends.
    batch: bool,
    /// True once something was refused.
    refused: bool,
}

impl<X: World> fmt::Debug for Terminal<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("login", &self.login).finish_non_exhaustive()
    }
}

impl<X: World> Terminal<X> {
    /// Makes a terminal; without `rows` nothing is paged.
    pub fn new(shell: &'static Shell<X>, login: Login, columns: u16, rows: u16) -> Terminal<X> {
        Terminal {
            frames: vec![Frame { shell, place: Place::new(Vec::new()) }],
            parked: BTreeMap::new(),
            login,
            columns,
            rows,
            edit: Edit::default(),
            mode: Mode::Prompt,
            ahead: VecDeque::new(),
            screen: Vec::new(),
            outputs: VecDeque::new(),
            rest: None,
            prompt_len: 0,
            prefix: false,
            batch: false,
            refused: false,
        }
    }

    /// Prints the first prompt.
    pub fn start(&mut self, _: Now, world: &mut X) {
        self.prompt(world);
    }

    /// Runs a line without a prompt and without a screen to fill, and ends; what is typed answers
    /// questions.
    pub fn run_line(&mut self, now: Now, world: &mut X, line: &str) {
        (self.batch, self.rows) = (true, 0);
        self.edit.mute();
        self.rest = Some(line.lines().collect::<Vec<_>>().join("; "));
        self.next_command(now, world);
    }

    /// Shows no longer what is typed: nobody sits there.
    pub fn mute(&mut self) {
        self.edit.mute();
    }

    /// Returns true once something was refused.
    pub fn has_refused(&self) -> bool {
        self.refused
    }

    /// Returns who sits here.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// Takes bytes from the keyboard.
    pub fn bytes(&mut self, now: Now, world: &mut X, bytes: &[u8]) {
        let room = AHEAD_MAX.saturating_sub(self.ahead.len()).max(bytes.len().min(AHEAD_MAX));
        self.ahead.extend(bytes.iter().take(room));
        self.pump(now, world);
    }

    /// Takes what a job printed.
    pub fn job_output(&mut self, text: &str) {
        self.show(text);
    }

    /// Ends the job under way.
    pub fn job_done(&mut self, now: Now, world: &mut X) {
        if matches!(self.mode, Mode::Job) {
            self.mode = Mode::Prompt;
            self.next_command(now, world);
            self.pump(now, world);
        }
    }

    /// Prints a line in between; what is being typed stands below it again.
    pub fn notice(&mut self, _: Now, _: &mut X, text: &str) {
        let typing = matches!(self.mode, Mode::Prompt | Mode::Asking { .. });
        if typing {
            self.screen.extend_from_slice(b"\r\x1b[K");
        }
        self.show(text);
        if !text.ends_with('\n') {
            self.show("\n");
        }
        if typing {
            self.edit.redraw(&mut self.screen);
        }
    }

    /// Sets the size of the screen.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        (self.columns, self.rows) = (columns, rows);
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Output<X>> {
        self.flush();
        self.outputs.pop_front()
    }

    /// Returns true at a prompt with nothing pending, or beside a module that stands at its own.
    pub fn is_idle(&self) -> bool {
        let still = self.ahead.is_empty() && self.outputs.is_empty() && self.screen.is_empty();
        still
            && match &self.mode {
                Mode::Prompt | Mode::Asking { .. } | Mode::Paging { .. } | Mode::Ended => true,
                Mode::Relay(relay) => relay.is_settled(),
                Mode::Job => false,
            }
    }

    fn pump(&mut self, now: Now, world: &mut X) {
        while !self.ahead.is_empty() {
            if let Mode::Relay(_) = self.mode {
                let typed: Vec<u8> = self.ahead.drain(..).collect();
                self.relay_typed(world, &typed);
                continue;
            }
            let Some(byte) = self.ahead.pop_front() else { return };
            match self.mode {
                Mode::Prompt | Mode::Asking { .. } => self.key(now, world, byte),
                Mode::Paging { .. } => self.page_key(now, world, byte),
                Mode::Job if byte == 3 => {
                    self.ahead.clear();
                    self.outputs.push_back(Output::CancelJob);
                }
                Mode::Job => {
                    self.ahead.push_front(byte);
                    return;
                }
                Mode::Relay(_) => {}
                Mode::Ended => self.ahead.clear(),
            }
        }
    }

    fn key(&mut self, now: Now, world: &mut X, byte: u8) {
        let detaches = self.frame().is_some_and(|frame| frame.shell.detaches);
        if std::mem::take(&mut self.prefix) && byte == b'd' {
            return self.detach(world);
        }
        self.prefix = detaches && byte == 1;
        match self.edit.key(byte, &mut self.screen) {
            Key::Edited => {}
            Key::Line(line) => self.line(now, world, line),
            Key::TooLong => {
                let refusal = Refusal::Invalid { at: 0 };
                self.refuse(&refusal, "");
                self.prompt(world);
            }
            Key::Interrupt => {
                self.rest = None;
                self.mode = Mode::Prompt;
                self.prompt(world);
            }
            Key::End => {
                if matches!(self.mode, Mode::Prompt) {
                    self.line(now, world, "exit".to_owned());
                }
            }
            Key::Help => self.help(world),
            Key::Tab => self.complete(world),
        }
    }

    fn line(&mut self, now: Now, world: &mut X, line: String) {
        if matches!(self.mode, Mode::Asking { .. }) {
            return self.answered(now, world, &line);
        }
        self.edit.remember(&line);
        self.rest = Some(line);
        self.next_command(now, world);
    }

    /// Takes one line of an answer; hands it over once it is whole.
    fn answered(&mut self, now: Now, world: &mut X, line: &str) {
        let Mode::Asking { ask, place, mut answers } =
            std::mem::replace(&mut self.mode, Mode::Prompt)
        else {
            return;
        };
        match ask.input {
            Input::Until(end) if line.trim() != end && answers.len() < ANSWER_MAX => {
                answers.push_str(line);
                answers.push('\n');
                self.ask(ask, place, answers);
            }
            Input::Until(_) => self.resume(now, world, ask.then, &place, &answers),
            Input::Line | Input::Secret => self.resume(now, world, ask.then, &place, line),
        }
    }

    fn ask(&mut self, ask: Ask<X>, place: Place<X>, answers: String) {
        self.show(&ask.prompt.clone());
        self.edit.begin(&ask.prompt, ask.input == Input::Secret, true);
        self.mode = Mode::Asking { ask, place, answers };
    }

    fn frame(&self) -> Option<&Frame<X>> {
        self.frames.last()
    }

    /// Prints the prompt and begins a line behind it.
    fn prompt(&mut self, world: &X) {
        if self.batch {
            self.frames.clear();
            self.mode = Mode::Ended;
            self.ahead.clear();
            return self.emit(Output::Closed);
        }
        let Some(frame) = self.frames.last() else { return };
        let prompt = (frame.shell.prompt)(world, &self.login, &frame.place);
        self.prompt_len = prompt.chars().count();
        self.show(&prompt);
        self.edit.begin(&prompt, false, false);
        self.mode = Mode::Prompt;
    }

    /// Leaves a shell by Ctrl-A d; it goes on where it stood when it is entered again.
    fn detach(&mut self, world: &X) {
        if let Some(frame) = self.frames.pop() {
            self.parked.insert(frame.shell.name, frame.place);
        }
        self.mode = Mode::Prompt;
        self.rest = None;
        self.show("\nConsole connection detached.\n");
        self.prompt(world);
    }

    /// Shows a text whose lines end in `\n`.
    fn show(&mut self, text: &str) {
        let mut last = self.screen.last().copied();
        for byte in text.bytes() {
            if byte == b'\n' && last != Some(b'\r') {
                self.screen.push(b'\r');
            }
            self.screen.push(byte);
            last = Some(byte);
        }
    }

    fn flush(&mut self) {
        if !self.screen.is_empty() {
            let bytes = std::mem::take(&mut self.screen);
            self.outputs.push_back(Output::Bytes(bytes));
        }
    }

    fn emit(&mut self, output: Output<X>) {
        self.flush();
        self.outputs.push_back(output);
    }

    /// Prints as much as the screen takes; the rest waits for a key.
    fn page(&mut self, text: &str, pages: Option<bool>) -> bool {
        let rows = usize::from(self.rows.max(1)) - 1;
        let lines: VecDeque<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let off = self.rows < 2 || pages == Some(false) || lines.len() <= rows;
        if off {
            self.show(text);
            return false;
        }
        self.mode = Mode::Paging { left: lines };
        self.turn_page(rows);
        true
    }

    fn turn_page(&mut self, rows: usize) {
        let Mode::Paging { left } = &mut self.mode else { return };
        let shown: String = left.drain(..rows.min(left.len())).collect();
        let more = !left.is_empty();
        self.show(&shown);
        if more {
            let text = self.frame().map_or("--More--", |frame| frame.shell.dialect.more);
            self.show(text);
        }
    }

    fn page_key(&mut self, now: Now, world: &mut X, byte: u8) {
        let rows = match byte {
            b' ' => usize::from(self.rows.max(2)) - 1,
            b'\r' | b'\n' => 1,
            b'q' | b'Q' | 3 => 0,
            _ => return self.screen.push(7),
        };
        self.screen.extend_from_slice(b"\r\x1b[K");
        if rows > 0 {
            self.turn_page(rows);
        }
        let done = !matches!(&self.mode, Mode::Paging { left } if rows > 0 && !left.is_empty());
        if done {
            self.mode = Mode::Prompt;
            self.next_command(now, world);
        }
    }
}
