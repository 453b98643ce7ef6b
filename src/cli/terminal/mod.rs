//! One operator's terminal: the editor, the shells entered, questions, the pager and the relay to a
//! module. Bytes in, [`Output`]s out.

use std::collections::{BTreeMap, VecDeque};
use std::{fmt, mem};

use super::call::{Ask, Input, Login, Place, RelayKind};
use super::edit::{self, Edit, Key};
use super::filter::Pipeline;
use super::grammar::{Refusal, Shell, World};
use crate::base::ident::Slot;
use crate::base::time::Now;

mod help;
mod pager;
mod reach;
mod relay;
mod run;
#[cfg(test)]
mod tests;

/// Most bytes typed ahead that are kept; what is typed beyond is dropped with a bell.
pub const AHEAD_MAX: usize = 64 * 1024;
/// Most bytes of answers to one question.
pub const ANSWER_MAX: usize = 256 * 1024;
/// Most bytes waiting to be shown while `?` still lists.
const FLOOD_MAX: usize = 1024 * 1024;
const BELL: u8 = 7;
const INTERRUPT: u8 = 3;

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
    /// End the job under way; [`Terminal::job_done`] says that it has.
    CancelJob,
    /// The session has ended.
    Closed,
}

/// A shell that was entered, and where in it the session stands.
struct Frame<X: World> {
    shell: &'static Shell<X>,
    place: Place<X>,
}

/// A question that waits for its answer.
struct Question<X: World> {
    ask: Ask<X>,
    place: Place<X>,
    /// The lines so far.
    answers: String,
    /// True once they were more than an answer may hold.
    too_long: bool,
}

/// What the next key means.
enum Mode<X: World> {
    Prompt,
    Asking(Question<X>),
    Paging(pager::Pager<X>),
    Relay(relay::Relay),
    /// A job's output goes through the pipes of its command.
    Job(Pipeline),
    Ended,
}

#[derive(Clone, Copy)]
struct Window {
    columns: u16,
    rows: u16,
}

/// An operator's terminal on one outermost shell.
pub struct Terminal<X: World> {
    frames: Vec<Frame<X>>,
    /// Where detached shells stood.
    parked: BTreeMap<&'static str, Place<X>>,
    login: Login,
    window: Window,
    /// What `terminal length` and `terminal width` say; they outlast a resize.
    length: Option<u16>,
    width: Option<u16>,
    edit: Edit,
    mode: Mode<X>,
    ahead: VecDeque<u8>,
    /// True if the key before was Enter: the line feed or NUL of a network terminal is part of it.
    after_cr: bool,
    /// True after a Ctrl-A in a shell that Ctrl-A d leaves.
    prefix: bool,
    screen: Vec<u8>,
    outputs: VecDeque<Output<X>>,
    /// Commands behind a `;` that wait for the one before them.
    rest: Option<String>,
    /// Columns of the prompt that the last line was typed behind.
    prompt_columns: usize,
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

impl<X: World> Question<X> {
    fn new(ask: Ask<X>, place: Place<X>) -> Question<X> {
        Question { ask, place, answers: String::new(), too_long: false }
    }
}

impl<X: World> Terminal<X> {
    /// Makes a terminal; without `rows` nothing is paged, without `columns` no line wraps.
    pub fn new(shell: &'static Shell<X>, login: Login, columns: u16, rows: u16) -> Terminal<X> {
        Terminal {
            frames: vec![Frame { shell, place: Place::TOP }],
            parked: BTreeMap::new(),
            login,
            window: Window { columns, rows },
            length: None,
            width: None,
            edit: Edit::default(),
            mode: Mode::Prompt,
            ahead: VecDeque::new(),
            after_cr: false,
            prefix: false,
            screen: Vec::new(),
            outputs: VecDeque::new(),
            rest: None,
            prompt_columns: 0,
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
        (self.batch, self.length) = (true, Some(0));
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

    /// Takes bytes from the keyboard, one read.
    pub fn bytes(&mut self, now: Now, world: &mut X, bytes: &[u8]) {
        for mut part in bytes.chunks(AHEAD_MAX) {
            // What fills up behind a job must not keep its end out.
            let interrupt = part.iter().rposition(|byte| *byte == INTERRUPT);
            if let (Mode::Job(_), Some(at)) = (&self.mode, interrupt) {
                self.ahead.clear();
                self.cancel_job();
                part = part.get(at + 1..).unwrap_or_default();
            }
            let room = AHEAD_MAX - self.ahead.len();
            if part.len() > room {
                self.screen.push(BELL);
            }
            self.ahead.extend(part.iter().take(room));
            self.pump(now, world);
        }
    }

    /// Takes what a job printed.
    pub fn job_output(&mut self, text: &str) {
        if let Mode::Job(pipeline) = &mut self.mode {
            let text = pipeline.push(text);
            self.show(&text);
        }
    }

    /// Ends the job under way.
    pub fn job_done(&mut self, now: Now, world: &mut X) {
        if let Mode::Job(pipeline) = &mut self.mode {
            let text = pipeline.finish();
            self.show(&text);
            self.mode = Mode::Prompt;
            self.next_command(now, world);
            self.pump(now, world);
        }
    }

    fn cancel_job(&mut self) {
        self.rest = None;
        self.show("^C\n");
        self.emit(Output::CancelJob);
    }

    /// Prints a line in between; what is being typed stands below it again.
    pub fn notice(&mut self, _: Now, _: &mut X, text: &str) {
        let (typing, paging) = (self.is_typing(), matches!(self.mode, Mode::Paging(_)));
        if typing {
            self.edit.erase(&mut self.screen);
        } else if paging {
            self.erase_more();
        }
        self.show(text);
        if !text.ends_with('\n') {
            self.show("\n");
        }
        if typing {
            self.edit.draw(&mut self.screen);
        } else if paging {
            self.ask_more();
        }
    }

    /// Sets the size of the screen.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.window = Window { columns, rows };
        self.edit.set_columns(self.columns());
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
                Mode::Prompt | Mode::Asking(_) | Mode::Paging(_) | Mode::Ended => true,
                Mode::Relay(relay) => relay.is_settled(),
                Mode::Job(_) => false,
            }
    }

    /// Returns the columns in force; 0 if nothing wraps.
    fn columns(&self) -> u16 {
        self.width.unwrap_or(self.window.columns)
    }

    /// Returns the rows in force; 0 if nothing is paged.
    fn rows(&self) -> usize {
        usize::from(self.length.unwrap_or(self.window.rows))
    }

    /// Returns true while the line editor has the keys.
    fn is_typing(&self) -> bool {
        match &self.mode {
            Mode::Prompt | Mode::Asking(_) => true,
            Mode::Relay(relay) => relay.is_commanding(),
            Mode::Paging(_) | Mode::Job(_) | Mode::Ended => false,
        }
    }

    /// Takes what is typed ahead as far as it can be taken now, and shows the line once.
    fn pump(&mut self, now: Now, world: &mut X) {
        while !self.ahead.is_empty() && self.take_key(now, world) {}
        if self.is_typing() {
            self.edit.refresh(&mut self.screen);
        }
    }

    /// Takes the next key; false if it has to wait for a job to end.
    fn take_key(&mut self, now: Now, world: &mut X) -> bool {
        let enter_goes_on = matches!(self.ahead.front(), Some(b'\n' | 0));
        if mem::take(&mut self.after_cr) && enter_goes_on {
            self.ahead.pop_front();
            return true;
        }
        match &self.mode {
            Mode::Relay(relay) if !relay.is_commanding() => {
                // Read by read: what an escape swallows is what was typed along with it.
                let typed: Vec<u8> = self.ahead.drain(..).collect();
                self.relay_typed(now, world, &typed);
                return true;
            }
            Mode::Job(_) => {
                let Some(at) = self.ahead.iter().rposition(|byte| *byte == INTERRUPT) else {
                    return false;
                };
                self.ahead.drain(..=at);
                self.cancel_job();
                return true;
            }
            Mode::Ended => {
                self.ahead.clear();
                return true;
            }
            Mode::Prompt | Mode::Asking(_) | Mode::Paging(_) | Mode::Relay(_) => {}
        }
        let Some(byte) = self.ahead.pop_front() else { return true };
        self.after_cr = byte == b'\r';
        let detaches = self.frames.len() > 1 && self.frame().is_some_and(|f| f.shell.detaches);
        if mem::replace(&mut self.prefix, detaches && byte == 1) && byte == b'd' {
            self.detach(world);
        } else if !matches!(self.mode, Mode::Paging(_)) {
            self.key(now, world, byte);
        } else if !self.prefix {
            self.page_key(now, world, byte);
        }
        true
    }

    fn key(&mut self, now: Now, world: &mut X, byte: u8) {
        let key = self.edit.key(byte, &mut self.screen);
        if let Mode::Relay(_) = self.mode {
            return self.telnet_key(now, world, key);
        }
        match key {
            Key::Edited => {}
            Key::Line(line) => self.line(now, world, line),
            Key::TooLong => {
                self.rest = None;
                self.refuse(&Refusal::Invalid { at: 0 }, "");
                self.prompt(world);
            }
            Key::Interrupt => {
                self.rest = None;
                self.prompt(world);
            }
            Key::End => {
                if let Mode::Prompt = self.mode {
                    self.edit.leave(&mut self.screen);
                    self.rest = Some("exit".to_owned());
                    self.next_command(now, world);
                }
            }
            Key::Help => self.help(),
            Key::Tab => self.complete(),
        }
    }

    fn line(&mut self, now: Now, world: &mut X, line: String) {
        if let Mode::Asking(_) = self.mode {
            return self.answered(now, world, &line);
        }
        self.edit.remember(&line);
        self.rest = Some(line);
        self.next_command(now, world);
    }

    /// Takes one line of an answer; hands it over once it is whole.
    fn answered(&mut self, now: Now, world: &mut X, line: &str) {
        let Mode::Asking(mut question) = mem::replace(&mut self.mode, Mode::Prompt) else {
            return;
        };
        let answer = match question.ask.input {
            Input::Line | Input::Secret => line,
            Input::Until(end) if line.trim() == end => &question.answers,
            Input::Until(_) => {
                // Read to its end all the same: the rest of it must not become commands.
                question.too_long |= question.answers.len() + line.len() >= ANSWER_MAX;
                if !question.too_long {
                    question.answers.push_str(line);
                    question.answers.push('\n');
                }
                return self.ask(question);
            }
        };
        if question.too_long {
            self.rest = None;
            let text = format!("Error: Invalid Value, it is longer than {ANSWER_MAX} bytes");
            self.refuse(&Refusal::denied(text), "");
            return self.prompt(world);
        }
        self.resume(now, world, question.ask.then, &question.place, answer);
    }

    fn ask(&mut self, question: Question<X>) {
        self.show(&question.ask.prompt);
        self.edit.set_columns(self.columns());
        self.edit.begin(&question.ask.prompt, question.ask.input == Input::Secret, true);
        self.mode = Mode::Asking(question);
    }

    fn frame(&self) -> Option<&Frame<X>> {
        self.frames.last()
    }

    /// Prints the prompt and begins a line behind it.
    fn prompt(&mut self, world: &X) {
        if self.batch {
            self.frames.clear();
            self.mode = Mode::Ended;
            return self.emit(Output::Closed);
        }
        let Some(frame) = self.frame() else { return };
        let prompt = (frame.shell.prompt)(world, &self.login, &frame.place);
        self.prompt_columns = edit::columns_of(&prompt);
        self.show(&prompt);
        self.edit.set_columns(self.columns());
        self.edit.begin(&prompt, false, false);
        self.mode = Mode::Prompt;
    }

    /// Leaves a shell by Ctrl-A d; it goes on where it stood when it is entered again.
    ///
    /// # Source
    /// Client: `Console connection detached.`, fxos-cli 2.8.
    fn detach(&mut self, world: &X) {
        if let Some(frame) = self.frames.pop() {
            self.parked.insert(frame.shell.name, frame.place);
        }
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
            let bytes = mem::take(&mut self.screen);
            self.outputs.push_back(Output::Bytes(bytes));
        }
    }

    fn emit(&mut self, output: Output<X>) {
        self.flush();
        self.outputs.push_back(output);
    }
}
