//! Running a line: its commands one by one, what each wants to follow, and refusals.

use super::reach::{Target, candidates};
use super::{Frame, Mode, Output, Question, Terminal};
use crate::base::time::Now;
use crate::cli::call::{Args, Call, Go, Next, Place, Setting, Then};
use crate::cli::dialect::Dialect;
use crate::cli::edit;
use crate::cli::filter::{self, Pipeline};
use crate::cli::grammar::{Need, Refusal, Scope, Shell, Verb, World};
use crate::cli::lex::{self, Redirect, Rules};
use crate::cli::parse;

/// How a command ended, and where its output goes.
struct Ran {
    done: Result<(), Refusal>,
    pipeline: Pipeline,
    /// A file, and whether to append to it.
    file: Option<(String, bool)>,
    /// Number of scopes that the owner of the command stands inside.
    depth: usize,
}

impl<X: World> Terminal<X> {
    /// Runs what waits behind the command just done, or prints the prompt.
    pub(super) fn next_command(&mut self, now: Now, world: &mut X) {
        while let Some(text) = self.rest.take() {
            if let Err(refusal) = self.run(now, world, &text) {
                self.rest = None;
                self.refuse(&refusal, &text);
            }
            if !matches!(self.mode, Mode::Prompt) {
                return;
            }
        }
        self.prompt(world);
    }

    /// Runs the first command of a text and leaves those behind it waiting.
    fn run(&mut self, now: Now, world: &mut X, text: &str) -> Result<(), Refusal> {
        let Some(frame) = self.frame() else { return Ok(()) };
        let (shell, place) = (frame.shell, frame.place.clone());
        if text.trim_start().starts_with(shell.dialect.remarks) {
            return Ok(());
        }
        let lines = lex::cut(text, rules(shell.dialect));
        let mut lines = lines.map_err(|fault| Refusal::Invalid { at: fault.at })?.into_iter();
        let Some(line) = lines.next() else { return Ok(()) };
        if line.words.is_empty() {
            // A pipe or a redirection of nothing.
            return Err(Refusal::Invalid { at: line.end });
        }
        if let Some(next) = lines.next() {
            // Blanks stand for what is done, so that a later caret falls where it belongs.
            let from = next.words.first().map_or(next.end, |word| word.at);
            let (done, rest) = text.split_at_checked(from).unwrap_or((text, ""));
            self.rest = Some(" ".repeat(edit::columns_of(done)) + rest);
        }
        let candidates = candidates(shell, &place);
        let (found, args) = parse::find(&candidates, &line.words, text, line.end)?;
        let filters = filter::parse(&line.pipes, shell.dialect.filters)?;
        let file = match &line.redirect {
            Some(redirect) => Some(file(shell, redirect, text)?),
            None => None,
        };
        let login = self.login.clone();
        let mut call = Call::new(now, &login, &args, &place);
        call.columns = self.columns();
        let (done, depth) = match &found.target {
            Target::Scope(verb, scope, inside) => {
                let mut target = inside.of(&place);
                target.push(scope, args.clone());
                (self.open(world, &mut call, *verb, scope, target), place.steps().len())
            }
            Target::Command(command, depth) => {
                let owner = match depth.checked_sub(1).and_then(|at| place.steps().get(at)) {
                    Some(step) => step.scope,
                    None => shell.root,
                };
                self.allow(owner.need_of(command))?;
                if let Some(frame) = self.frames.last_mut().filter(|_| command.returns) {
                    frame.place.truncate(*depth);
                }
                ((command.run)(world, &mut call), *depth)
            }
        };
        let ran = Ran { done, pipeline: Pipeline::new(filters), file, depth };
        self.finish(world, call, ran, text);
        Ok(())
    }

    /// Does one of the four verbs to a scope, and moves the session into it.
    fn open(
        &mut self,
        world: &mut X,
        call: &mut Call<'_, X>,
        verb: Verb,
        scope: &'static Scope<X>,
        target: Place<X>,
    ) -> Result<(), Refusal> {
        // Who may only look enters what exists and creates nothing by it.
        let looks = verb == Verb::Enter && self.allow(scope.edits).is_err();
        let verb = if looks { Verb::Scope } else { verb };
        self.allow(verb.need(scope.edits))?;
        (scope.open)(world, call, verb, &target)?;
        if let Some(frame) = self.frames.last_mut().filter(|_| verb != Verb::Delete) {
            frame.place = target;
        }
        Ok(())
    }

    /// Goes on with a command whose question was answered.
    pub(super) fn resume(
        &mut self,
        now: Now,
        world: &mut X,
        then: Then<X>,
        place: &Place<X>,
        answer: &str,
    ) {
        let (login, args) = (self.login.clone(), Args::default());
        let mut call = Call::new(now, &login, &args, place);
        call.columns = self.columns();
        let done = then(world, &mut call, answer);
        let (pipeline, depth) = (Pipeline::new(Vec::new()), place.steps().len());
        self.finish(world, call, Ran { done, pipeline, file: None, depth }, "");
        if matches!(self.mode, Mode::Prompt) {
            self.next_command(now, world);
        }
    }

    /// Prints what a command printed, or why it was refused, and does what it wants to follow.
    fn finish(&mut self, world: &mut X, mut call: Call<'_, X>, mut ran: Ran, line: &str) {
        let mut next = std::mem::replace(&mut call.next, Next::Prompt);
        let mut text = ran.pipeline.push(&std::mem::take(&mut call.out));
        if !matches!(next, Next::Job(_)) {
            text += &ran.pipeline.finish();
        }
        let redirect = self.frame().and_then(|frame| frame.shell.redirect);
        if let (Ok(()), Some((to, append)), Some(redirect)) = (&ran.done, &ran.file, redirect) {
            ran.done = redirect(world, &mut call, to, *append, &text);
            text = std::mem::take(&mut call.out);
        }
        match ran.done {
            Ok(()) => {
                match call.setting {
                    Some(Setting::Length(rows)) => self.length = Some(rows),
                    Some(Setting::Width(columns)) => self.width = Some(columns),
                    None => {}
                }
                if let (Some(go), Some(frame)) = (call.go.take(), self.frames.last_mut()) {
                    travel(frame, go, ran.depth);
                }
            }
            Err(refusal) => {
                (self.rest, self.refused) = (None, true);
                next = Next::Prompt;
                text += &self.worded(&refusal, line);
            }
        }
        let place = call.place.clone();
        let pages = ran.pipeline.pages();
        self.print(world, &text, pages, (next, place, ran.pipeline));
    }

    /// Does what a command wants to follow, once the operator has seen what it printed.
    pub(super) fn follow(
        &mut self,
        world: &X,
        next: Next<X>,
        place: &Place<X>,
        pipeline: Pipeline,
    ) {
        match next {
            Next::Prompt => {}
            Next::Ask(ask) => self.ask(Question::new(ask, place.clone())),
            Next::Job(job) => {
                self.emit(Output::StartJob(job));
                self.mode = Mode::Job(pipeline);
            }
            Next::Enter(shell) => {
                let parked = self.parked.remove(shell.name);
                self.frames.push(Frame { shell, place: parked.unwrap_or(Place::TOP) });
            }
            Next::Relay { slot, kind } => self.open_relay(slot, kind),
            Next::Leave => self.leave(world),
        }
    }

    /// Leaves a shell; leaving the outermost ends the session.
    fn leave(&mut self, _: &X) {
        self.frames.pop();
        if self.frames.is_empty() {
            self.mode = Mode::Ended;
            self.rest = None;
            self.emit(Output::Closed);
        }
    }

    fn allow(&self, need: Need) -> Result<(), Refusal> {
        if self.login.role.allows(need) { Ok(()) } else { Err(Refusal::Role) }
    }

    /// Prints a refusal in the words of the shell.
    pub(super) fn refuse(&mut self, refusal: &Refusal, line: &str) {
        self.refused = true;
        let text = self.worded(refusal, line);
        self.show(&text);
    }

    /// Returns a refusal in the words of the shell, below its caret line.
    fn worded(&self, refusal: &Refusal, line: &str) -> String {
        let Some(frame) = self.frame() else { return String::new() };
        let dialect = frame.shell.dialect;
        let marked = |at: usize, text: &str| {
            let column = self.prompt_columns + edit::columns_of(line.get(..at).unwrap_or(line));
            format!("{}^\n{text}\n", " ".repeat(column))
        };
        let worded = |at: usize, text: &str| {
            if text.contains('^') { marked(at, text) } else { format!("{text}\n") }
        };
        match refusal {
            Refusal::Invalid { .. } if dialect.echoes => {
                let word = line.split_ascii_whitespace().next().unwrap_or_default();
                format!("{} '{word}'\n", dialect.invalid)
            }
            Refusal::Invalid { at } => worded(*at, dialect.invalid),
            Refusal::Incomplete { at } => worded(*at, dialect.incomplete),
            Refusal::Ambiguous { at } => worded(*at, dialect.ambiguous),
            Refusal::Denied(text) => format!("{text}\n"),
            Refusal::Marked { at, text } => marked(*at, text),
            Refusal::Role => worded(line.len() - line.trim_start().len(), dialect.role),
        }
    }
}

/// Moves a session to where a command sends it.
fn travel<X: World>(frame: &mut Frame<X>, go: Go<X>, depth: usize) {
    let scopes = match go {
        Go::Up => {
            frame.place.pop();
            return;
        }
        Go::Top => return frame.place.truncate(0),
        Go::Into(scope) => {
            frame.place.truncate(depth);
            vec![scope]
        }
        Go::To(scopes) => {
            frame.place.truncate(0);
            scopes
        }
    };
    for scope in scopes {
        frame.place.push(scope, Args::default());
    }
}

/// Returns which characters mean something to a shell.
pub(super) fn rules(dialect: &Dialect) -> Rules {
    Rules { operators: dialect.operators, pipes: !dialect.filters.is_empty() }
}

/// Reads where a command's output shall go.
fn file<X: World>(
    shell: &Shell<X>,
    redirect: &Redirect<'_>,
    text: &str,
) -> Result<(String, bool), Refusal> {
    if shell.redirect.is_none() {
        return Err(no_files(redirect));
    }
    let to = redirect.to.as_ref().ok_or(Refusal::Incomplete { at: text.trim_end().len() })?;
    Ok((to.text.to_string(), redirect.append))
}

/// The refusal of `>` in a shell without files, in our words: a real chassis has them.
pub(super) fn no_files(redirect: &Redirect<'_>) -> Refusal {
    let text = "Error: Output cannot be redirected, this shell has no files; use a pipe";
    Refusal::Marked { at: redirect.at, text: text.to_owned() }
}
