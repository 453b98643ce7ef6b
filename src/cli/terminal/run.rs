//! Running a line: its commands one by one, what each wants to follow, and refusals.

use super::{Frame, Mode, Output, Terminal};
use crate::base::time::Now;
use crate::cli::call::{Args, Call, Go, Next, Place, Setting, Step, Then};
use crate::cli::dialect::Dialect;
use crate::cli::filter::{self, Pipeline};
use crate::cli::grammar::{Command, Need, Refusal, Scope, Shell, Verb, World};
use crate::cli::lex::{self, Rules};
use crate::cli::parse::{self, Candidate};

/// Distance of what stands in the scopes around, and of what stands anywhere.
const COMMON: u16 = 100;
const ANYWHERE: u16 = 200;

/// What a line may name.
pub(super) enum Target<X: World> {
    /// A command, with the number of scopes that its owner stands inside.
    Command(&'static Command<X>, usize),
    /// A scope, with those to be entered before it; `None` if it stands inside the present one.
    Scope(Verb, &'static Scope<X>, Option<Vec<&'static Scope<X>>>),
}

impl<X: World> Terminal<X> {
    /// Runs what waits behind the command just done, or prints the prompt.
    pub(super) fn next_command(&mut self, now: Now, world: &mut X) {
        while let Some(text) = self.rest.take() {
            match self.run(now, world, &text) {
                Ok(()) => {}
                Err(refusal) => {
                    self.rest = None;
                    self.refuse(&refusal, &text);
                }
            }
            if !matches!(self.mode, Mode::Prompt) || self.frames.is_empty() {
                return;
            }
        }
        self.prompt(world);
    }

    /// Runs the first command of a text and leaves those behind it waiting.
    fn run(&mut self, now: Now, world: &mut X, text: &str) -> Result<(), Refusal> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let (shell, place) = (frame.shell, frame.place.clone());
        let lines = lex::cut(text, rules(shell.dialect))
            .map_err(|fault| Refusal::Invalid { at: fault.at })?;
        let mut lines = lines.into_iter().filter(|line| !line.words.is_empty());
        let Some(line) = lines.next() else { return Ok(()) };
        if let Some(next) = lines.next().and_then(|next| next.words.first().map(|word| word.at)) {
            // Blanks stand for what is done, so that a later caret falls where it belongs.
            self.rest = Some(" ".repeat(next) + text.get(next..).unwrap_or_default());
        }
        let candidates = candidates(shell, &place);
        let (found, args) = parse::find(&candidates, &line.words, text, line.end)?;
        let filters = filter::parse(&line.pipes, shell.dialect.filters, text.len())?;
        if let Some(redirect) = &line.redirect {
            // No shell has files yet.
            return Err(Refusal::Invalid { at: redirect.at });
        }
        match &found.target {
            Target::Scope(verb, scope, outer) => {
                self.allow(scope.need(*verb))?;
                let mut target = match outer {
                    None => place.clone(),
                    Some(outer) => Place::new(outer.iter().map(|scope| step(scope)).collect()),
                };
                target.push(scope, args.clone());
                let login = self.login.clone();
                let mut call = Call::new(now, &login, &args, &place);
                call.columns = self.columns;
                let opened = (scope.open)(world, &mut call, *verb, &target);
                let out = std::mem::take(&mut call.out);
                self.show(&out);
                opened?;
                if *verb != Verb::Delete
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.place = target;
                }
                Ok(())
            }
            Target::Command(command, depth) => {
                let owner = match depth.checked_sub(1).and_then(|at| place.steps().get(at)) {
                    Some(step) => step.scope,
                    None => shell.root,
                };
                self.allow(owner.need_of(command))?;
                if command.returns
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.place.truncate(*depth);
                }
                let login = self.login.clone();
                let mut call = Call::new(now, &login, &args, &place);
                call.columns = self.columns;
                let ran = (command.run)(world, &mut call);
                self.finish(world, call, ran, Pipeline::new(filters), *depth)
            }
        }
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
        call.columns = self.columns;
        let ran = then(world, &mut call, answer);
        let depth = place.steps().len();
        let done = self.finish(world, call, ran, Pipeline::new(Vec::new()), depth);
        if let Err(refusal) = done {
            self.rest = None;
            self.refuse(&refusal, "");
        }
        if matches!(self.mode, Mode::Prompt) && !self.frames.is_empty() {
            self.next_command(now, world);
        }
    }

    /// Prints what a command printed and does what it wants to follow.
    fn finish(
        &mut self,
        world: &X,
        mut call: Call<'_, X>,
        ran: Result<(), Refusal>,
        mut pipeline: Pipeline,
        depth: usize,
    ) -> Result<(), Refusal> {
        let pages = pipeline.pages();
        let mut text = pipeline.push(&call.out);
        text += &pipeline.finish();
        let (go, next, setting) =
            (call.go.take(), std::mem::replace(&mut call.next, Next::Prompt), call.setting);
        let place = call.place.clone();
        match setting {
            Some(Setting::Length(rows)) => self.rows = rows,
            Some(Setting::Width(columns)) => self.columns = columns,
            None => {}
        }
        if let (Some(go), Some(frame)) = (go, self.frames.last_mut()) {
            travel(frame, go, depth);
        }
        let paging = self.page(&text, pages);
        ran?;
        match next {
            Next::Prompt => {}
            Next::Ask(ask) if !paging => self.ask(ask, place, String::new()),
            Next::Ask(_) => {}
            Next::Job(job) => {
                self.emit(Output::StartJob(job));
                self.mode = Mode::Job;
            }
            Next::Enter(shell) => {
                let parked = self.parked.remove(shell.name);
                let place = parked.unwrap_or_else(|| Place::new(Vec::new()));
                self.frames.push(Frame { shell, place });
            }
            Next::Relay { slot, kind } => self.open_relay(slot, kind),
            Next::Leave => self.leave(world),
        }
        Ok(())
    }

    /// Leaves a shell; leaving the outermost ends the session.
    fn leave(&mut self, _: &X) {
        self.frames.pop();
        if self.frames.is_empty() {
            self.mode = Mode::Ended;
            self.rest = None;
            self.ahead.clear();
            self.emit(Output::Closed);
        }
    }

    fn allow(&self, need: Need) -> Result<(), Refusal> {
        if self.login.role.allows(need) { Ok(()) } else { Err(Refusal::Role) }
    }

    /// Prints a refusal in the words of the shell.
    pub(super) fn refuse(&mut self, refusal: &Refusal, line: &str) {
        self.refused = true;
        let Some(frame) = self.frames.last() else { return };
        let dialect = frame.shell.dialect;
        let marked = |at: usize| {
            let column = self.prompt_len + line.get(..at).unwrap_or(line).chars().count();
            format!("{}^\n", " ".repeat(column))
        };
        let worded = |at: usize, text: &str| {
            if dialect.caret { marked(at) + text + "\n" } else { format!("{text}\n") }
        };
        let text = match refusal {
            Refusal::Invalid { .. } if dialect.echoes => {
                let word = line.split_ascii_whitespace().next().unwrap_or_default();
                format!("{} '{word}'\n", dialect.invalid)
            }
            Refusal::Invalid { at } => worded(*at, dialect.invalid),
            Refusal::Incomplete { at } => worded(*at, dialect.incomplete),
            Refusal::Ambiguous { at } => worded(*at, dialect.ambiguous),
            Refusal::Denied(text) => format!("{text}\n"),
            Refusal::Marked { at, text } => marked(*at) + text + "\n",
            Refusal::Role => format!("{}\n", dialect.role),
        };
        self.show(&text);
    }
}

/// Moves a session to where a command sends it.
fn travel<X: World>(frame: &mut Frame<X>, go: Go<X>, depth: usize) {
    match go {
        Go::Up => {
            frame.place.pop();
        }
        Go::Top => frame.place.truncate(0),
        Go::Into(scope) => {
            frame.place.truncate(depth);
            frame.place.push(scope, Args::default());
        }
        Go::To(scopes) => {
            frame.place.truncate(0);
            for scope in scopes {
                frame.place.push(scope, Args::default());
            }
        }
    }
}

fn step<X: World>(scope: &&'static Scope<X>) -> Step<X> {
    Step { scope, keys: Args::default() }
}

/// Returns which characters mean something to a shell.
pub(super) fn rules(dialect: &Dialect) -> Rules {
    Rules { operators: dialect.operators, pipes: !dialect.filters.is_empty() }
}

/// Returns everything that a line may name where the session stands, nearest first.
pub(super) fn candidates<X: World>(
    shell: &'static Shell<X>,
    place: &Place<X>,
) -> Vec<Candidate<Target<X>>> {
    let mut found = Vec::new();
    let here = place.scope().unwrap_or(shell.root);
    let depth = place.steps().len();
    for command in here.all_commands() {
        found.push(candidate(command, 0, depth));
    }
    for child in here.scopes {
        scope_candidates(child, None, child.verbs, 0, &mut found);
    }
    // The scopes around, as far as each lets its own surroundings through.
    let (mut inner, mut rank) = (here, 1);
    for at in (0..depth).rev() {
        if !inner.inherits {
            break;
        }
        let outer = match at.checked_sub(1).and_then(|below| place.steps().get(below)) {
            Some(step) => step.scope,
            None => shell.root,
        };
        for command in outer.all_commands() {
            found.push(candidate(command, rank, at));
        }
        (inner, rank) = (outer, rank + 1);
    }
    for command in shell.common.iter().flat_map(|table| table.iter()) {
        found.push(candidate(command, COMMON, depth));
    }
    if shell.dialect.operators {
        reachable(shell.root, &mut Vec::new(), &mut found);
    }
    found
}

fn candidate<X: World>(
    command: &'static Command<X>,
    rank: u16,
    depth: usize,
) -> Candidate<Target<X>> {
    Candidate {
        verb: None,
        syntax: command.syntax,
        help: command.help,
        rank,
        shown: !command.hidden,
        target: Target::Command(command, depth),
    }
}

fn scope_candidates<X: World>(
    scope: &'static Scope<X>,
    outer: Option<&[&'static Scope<X>]>,
    verbs: &[Verb],
    rank: u16,
    found: &mut Vec<Candidate<Target<X>>>,
) {
    for verb in verbs {
        found.push(Candidate {
            verb: Some((verb.word(), verb.help())),
            syntax: scope.syntax,
            help: scope.help,
            rank,
            shown: rank == 0,
            target: Target::Scope(*verb, scope, outer.map(<[_]>::to_vec)),
        });
    }
}

/// Adds the scopes of the whole tree, by way of those that need no key.
///
/// # Source
/// Seed: `/system # scope license` gives `/license`. Client: kick types `scope eth-uplink` in `/ssa`.
fn reachable<X: World>(
    scope: &'static Scope<X>,
    outer: &mut Vec<&'static Scope<X>>,
    found: &mut Vec<Candidate<Target<X>>>,
) {
    for child in scope.scopes {
        let rank = ANYWHERE + u16::try_from(outer.len()).unwrap_or(0);
        scope_candidates(child, Some(outer), Verb::FIXED, rank, found);
        if child.is_keyless() {
            outer.push(child);
            reachable(child, outer, found);
            outer.pop();
        }
    }
}
