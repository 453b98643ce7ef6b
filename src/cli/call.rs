//! What a command is given and what it may set going.

use std::fmt;

use super::grammar::{Refusal, Role, Scope, Shell, World};
use crate::base::ident::Slot;
use crate::base::time::Now;

/// Who sits at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Names the session; each has its own uncommitted changes.
    pub session: u32,
    pub user: String,
    pub role: Role,
    /// Where from: `console`, or an address.
    pub from: String,
}

/// The words that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    values: Vec<(&'static str, String)>,
    words: Vec<&'static str>,
    /// Where each of `values` stands in the line, in bytes.
    offsets: Vec<usize>,
}

/// Where a session stands: the scopes entered, outermost first, with the keys typed for each.
pub struct Place<X: World>(Vec<Step<X>>);

/// One scope of a [`Place`].
pub struct Step<X: World> {
    pub scope: &'static Scope<X>,
    pub keys: Args,
}

/// One run of a command.
///
/// A handler prints into [`Call::out`] and may ask for one thing to follow: a question, a job,
/// another shell, the end of the session. The prompt comes back when that is over.
pub struct Call<'a, X: World> {
    pub now: Now,
    pub login: &'a Login,
    pub args: &'a Args,
    /// Where the session stood when the line was typed; for an included or inherited command too.
    pub place: &'a Place<X>,
    /// Columns of the screen.
    pub columns: u16,
    /// What the operator sees; lines end in `\n` here, the terminal sends `\r\n`.
    pub out: String,
    pub(super) go: Option<Go<X>>,
    pub(super) next: Next<X>,
    pub(super) setting: Option<Setting>,
}

/// What follows a command.
pub(super) enum Next<X: World> {
    /// The prompt.
    Prompt,
    Ask(Ask<X>),
    Job(X::Job),
    Enter(&'static Shell<X>),
    Relay {
        slot: Slot,
        kind: RelayKind,
    },
    /// Leaves the shell; leaving the outermost ends the session.
    Leave,
}

/// Where the session goes.
pub(super) enum Go<X: World> {
    Up,
    Top,
    Into(&'static Scope<X>),
    To(Vec<&'static Scope<X>>),
}

/// A property of the terminal that a command sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Length(u16),
    Width(u16),
}

/// By which way `connect module` reaches a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayKind {
    /// Serial over LAN through the chassis's telnet client; `~` is the way out.
    Console,
    /// The module's own telnet; `exit` on it is the way out.
    Telnet,
}

/// What happens with the answer to a question.
pub type Then<X> = Box<dyn FnOnce(&mut X, &mut Call<'_, X>, &str) -> Result<(), Refusal> + Send>;

/// A question to the operator as part of a command. Ctrl-C at it ends the command.
pub struct Ask<X: World> {
    pub prompt: String,
    pub input: Input,
    /// Gets the answer; may ask again.
    pub then: Then<X>,
}

/// How an answer is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// One line, shown.
    Line,
    /// One line, not shown and not kept in the history.
    Secret,
    /// Lines up to one that equals this; the answer is what stood before, joined by `\n`.
    Until(&'static str),
}

impl Args {
    /// Makes arguments by hand: for tests, and for what runs a command without a line.
    pub fn new(words: Vec<&'static str>, values: Vec<(&'static str, String)>) -> Args {
        Args { values, words, offsets: Vec::new() }
    }

    pub(super) fn push_word(&mut self, word: &'static str) {
        self.words.push(word);
    }

    pub(super) fn push_value(&mut self, name: &'static str, text: String, at: usize) {
        self.values.push((name, text));
        self.offsets.push(at);
    }

    /// Returns where the argument stands in the line, in bytes; 0 if it was not typed.
    pub fn at(&self, name: &str) -> usize {
        let index = self.values.iter().position(|(n, _)| *n == name);
        index.and_then(|i| self.offsets.get(i)).copied().unwrap_or(0)
    }

    /// Returns the text typed for the argument `UPPER`, quotes removed.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str())
    }

    /// Returns the text typed for `UPPER`, empty if it was optional and not typed.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Returns the number typed for `UPPER`, whose kind is a range.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Returns true if the keyword was typed, in full or abbreviated.
    pub fn has(&self, keyword: &str) -> bool {
        self.words.contains(&keyword)
    }

    /// Returns the keywords typed, in full: `["set", "address"]`.
    pub fn words(&self) -> &[&'static str] {
        &self.words
    }

    /// Returns the arguments in the order typed.
    pub fn values(&self) -> &[(&'static str, String)] {
        &self.values
    }
}

impl<X: World> Place<X> {
    /// The top of a shell.
    pub const TOP: Place<X> = Place(Vec::new());

    /// Makes a place from its steps.
    pub fn new(steps: Vec<Step<X>>) -> Place<X> {
        Place(steps)
    }

    /// Returns the scopes entered, outermost first.
    pub fn steps(&self) -> &[Step<X>] {
        &self.0
    }

    /// Returns the innermost scope; `None` at the top.
    pub fn scope(&self) -> Option<&'static Scope<X>> {
        self.0.last().map(|step| step.scope)
    }

    /// Returns the text typed for a key of the innermost scope that has one of this name.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find_map(|step| step.keys.get(name))
    }

    /// Returns the path of mode names, `/system/services`; empty at the top.
    pub fn path(&self) -> String {
        self.0.iter().flat_map(|step| ["/", step.scope.name()]).collect()
    }

    pub(super) fn pop(&mut self) -> bool {
        self.0.pop().is_some()
    }

    pub(super) fn push(&mut self, scope: &'static Scope<X>, keys: Args) {
        self.0.push(Step { scope, keys });
    }

    pub(super) fn truncate(&mut self, depth: usize) {
        self.0.truncate(depth);
    }
}

impl<'a, X: World> Call<'a, X> {
    /// Makes a call that has printed nothing yet and is followed by the prompt.
    pub fn new(now: Now, login: &'a Login, args: &'a Args, place: &'a Place<X>) -> Call<'a, X> {
        let (out, columns) = (String::new(), 80);
        Call { now, login, args, place, columns, out, go: None, next: Next::Prompt, setting: None }
    }

    /// Prints a line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    /// Asks the operator; the command goes on with the answer.
    pub fn ask(&mut self, ask: Ask<X>) {
        self.next = Next::Ask(ask);
    }

    /// Sets a job going; the prompt comes back when it is done, Ctrl-C cancels it.
    pub fn start(&mut self, job: X::Job) {
        self.next = Next::Job(job);
    }

    /// Enters another shell; `exit` there comes back here.
    pub fn enter(&mut self, shell: &'static Shell<X>) {
        self.next = Next::Enter(shell);
    }

    /// Connects the operator to a module.
    pub fn relay(&mut self, slot: Slot, kind: RelayKind) {
        self.next = Next::Relay { slot, kind };
    }

    /// Leaves this shell; leaving the outermost ends the session.
    pub fn leave(&mut self) {
        self.next = Next::Leave;
    }

    /// Goes one scope up; nowhere at the top.
    pub fn up(&mut self) {
        self.go = Some(Go::Up);
    }

    /// Goes to the top of the shell.
    pub fn top(&mut self) {
        self.go = Some(Go::Top);
    }

    /// Goes into a scope inside the one that owns the command (an ASA's modes).
    pub fn into(&mut self, scope: &'static Scope<X>) {
        self.go = Some(Go::Into(scope));
    }

    /// Goes to exactly these scopes, outermost first (an ASA's `end`, `disable`).
    pub fn to(&mut self, scopes: Vec<&'static Scope<X>>) {
        self.go = Some(Go::To(scopes));
    }

    /// Sets the lines of a screen; 0 turns the pager off.
    pub fn set_length(&mut self, lines: u16) {
        self.setting = Some(Setting::Length(lines));
    }

    /// Sets the columns of a screen.
    pub fn set_width(&mut self, columns: u16) {
        self.setting = Some(Setting::Width(columns));
    }
}

impl<X: World> Ask<X> {
    /// A question whose answer is shown as it is typed.
    pub fn line<F>(prompt: impl Into<String>, then: F) -> Ask<X>
    where
        F: FnOnce(&mut X, &mut Call<'_, X>, &str) -> Result<(), Refusal> + Send + 'static,
    {
        Ask { prompt: prompt.into(), input: Input::Line, then: Box::new(then) }
    }

    /// A question whose answer is not shown.
    pub fn secret<F>(prompt: impl Into<String>, then: F) -> Ask<X>
    where
        F: FnOnce(&mut X, &mut Call<'_, X>, &str) -> Result<(), Refusal> + Send + 'static,
    {
        Ask { prompt: prompt.into(), input: Input::Secret, then: Box::new(then) }
    }

    /// Lines up to `end`, each behind `prompt`.
    pub fn until<F>(prompt: impl Into<String>, end: &'static str, then: F) -> Ask<X>
    where
        F: FnOnce(&mut X, &mut Call<'_, X>, &str) -> Result<(), Refusal> + Send + 'static,
    {
        Ask { prompt: prompt.into(), input: Input::Until(end), then: Box::new(then) }
    }
}

impl<X: World> Clone for Step<X> {
    fn clone(&self) -> Step<X> {
        Step { scope: self.scope, keys: self.keys.clone() }
    }
}

impl<X: World> Clone for Place<X> {
    fn clone(&self) -> Place<X> {
        Place(self.0.clone())
    }
}

impl<X: World> fmt::Debug for Step<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.scope.name(), self.keys.values)
    }
}

impl<X: World> fmt::Debug for Place<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<X: World> fmt::Debug for Ask<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("prompt", &self.prompt).finish_non_exhaustive()
    }
}

impl<X: World> fmt::Debug for Call<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("args", &self.args).finish_non_exhaustive()
    }
}
