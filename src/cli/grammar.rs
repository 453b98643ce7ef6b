//! The command language as data.
//!
//! A command is a line of Cisco's own notation:
//!
//! ```text
//! register idtoken TOKEN:word(255) [force]
//! lower            a keyword, which may be abbreviated to a unique prefix
//! UPPER            an argument; UPPER:kind says which values are accepted (see `syntax::Kind`):
//!                  ipv4 ipv6 ip host name name(N) word word(N) 1-65535; without a kind, `word`;
//!                  a `?` behind the kind lets `""` stand for no value
//! [x y]            optional; neighbouring optional groups may be typed in any order, once each
//! {x | y Z}        a choice
//! LINE...          the rest of the line as typed, quotes included
//! ```
//! Tables are `static` items of this type; nothing here knows what a command does. A scope has one
//! table of its own and may include tables that it shares with others. [`faults`] proofreads them.

use std::fmt;

use super::call::{Call, Place};
use super::dialect::Dialect;
use super::syntax;
use crate::base::source::Source;
use crate::proto::accounts::Roles;

/// What the commands of a shell act on: the supervisor, a blade, a test's small world.
pub trait World: Sized + 'static {
    /// What a command may set going that ends later: a ping, a capture, a copy.
    type Job: fmt::Debug + Send;
}

/// How a handler answers: nothing more to say, or the device's refusal.
pub type Handler<X> = fn(&mut X, &mut Call<'_, X>) -> Result<(), Refusal>;

/// How a scope is opened: what to do, and the object meant.
pub type Open<X> = fn(&mut X, &mut Call<'_, X>, Verb, &Place<X>) -> Result<(), Refusal>;

/// A mode of a shell. On the supervisor, a managed object or a class of them: `scope license`
/// enters the scope named `license`. On an ASA, a configuration mode that a command enters.
pub struct Scope<X: World> {
    /// What follows the verb: the scope's name, then its keys, `app-instance NAME [IDENT]`.
    /// The first word is the scope's name in the prompt.
    pub syntax: &'static str,
    /// What `?` prints, one entry a word of `syntax`.
    pub help: &'static [&'static str],
    /// Which of `scope`, `enter`, `create`, `delete` the device accepts for it.
    pub verbs: &'static [Verb],
    /// Its own commands.
    pub commands: &'static [Command<X>],
    /// Tables that it shares with other scopes.
    pub includes: &'static [&'static [Command<X>]],
    /// The scopes that can be entered from it.
    pub scopes: &'static [&'static Scope<X>],
    /// True if the commands of the scopes around it can be typed here too (an ASA's modes).
    pub inherits: bool,
    /// What the session's role must allow to create, delete or change it.
    pub edits: Need,
    /// Says whether the object exists, creates or deletes it. `place` is the object meant, with
    /// its keys; after `Ok` of any verb but `delete` the session stands there.
    pub open: Open<X>,
    /// How we know that the real device has it.
    pub source: Source,
}

/// What can be done to a scope by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Enter what exists.
    Scope,
    /// Enter, creating it if it does not exist.
    Enter,
    /// Create and enter; refused if it exists.
    Create,
    /// Delete; refused if it does not exist.
    Delete,
}

/// One command.
pub struct Command<X: World> {
    pub syntax: &'static str,
    /// What `?` prints, one entry a word of `syntax`, choices and options included.
    pub help: &'static [&'static str],
    /// How we know that the real device accepts it.
    pub source: Source,
    pub run: Handler<X>,
    /// What the session's role must allow.
    pub need: Need,
    /// True if `?` and Tab do not show it.
    pub hidden: bool,
    /// True if, typed in a scope inside the one that owns it, the session returns to the owner
    /// first, as with an ASA's global configuration commands.
    pub returns: bool,
}

/// What a command needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Looking.
    Read,
    /// Running the device: NTP, callhome, system logs, acknowledge, tech-support.
    Operate,
    /// Users, authentication, audit.
    Accounts,
    /// Changing the configuration.
    Write,
}

/// What an account's roles come to.
///
/// # Source
/// Vendor's configuration guide, user roles: administrator, everything; AAA administrator, users,
/// roles and AAA; operations, NTP, Smart Call Home and system logs; everybody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Operations,
    Aaa,
    /// Operations and aaa.
    OperationsAaa,
    ReadOnly,
}

/// A whole shell: its scopes, its words, its prompt.
pub struct Shell<X: World> {
    /// Names it in logs and in `where`.
    pub name: &'static str,
    /// Its own words.
    pub dialect: &'static Dialect,
    /// Where it begins; its `syntax` is empty.
    pub root: &'static Scope<X>,
    /// Tables that are reachable in every scope: `up`, `top`, `exit`, `terminal length`.
    pub common: &'static [&'static [Command<X>]],
    /// Writes the prompt, its trailing blank included.
    pub prompt: fn(&X, &super::call::Login, &Place<X>) -> String,
    /// Takes the output of a line that ended in `> FILE`; `None` if the shell has no files.
    pub redirect: Option<Redirect<X>>,
    /// True if Ctrl-A d leaves it and it goes on where it stood when entered again.
    pub detaches: bool,
}

/// Takes what a command printed, where to put it, and whether to append.
pub type Redirect<X> =
    fn(&mut X, &mut Call<'_, X>, to: &str, append: bool, text: &str) -> Result<(), Refusal>;

/// Why a line did not run. `at` is a byte offset into the line, over which the caret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No command continues like this.
    Invalid { at: usize },
    /// More words are needed.
    Incomplete { at: usize },
    /// Two keywords begin like this.
    Ambiguous { at: usize },
    /// The command was understood and the device said no. The text is printed as it stands, its
    /// `Error: ` included, and ends without a line feed.
    Denied(String),
    /// As `Denied`, with a caret line above it: `ERROR: % Invalid Hostname`. [`Args::at`] says where
    /// an argument stands.
    ///
    /// [`Args::at`]: super::call::Args::at
    Marked { at: usize, text: String },
    /// The account's role does not allow the command; the dialect has the words.
    Role,
}

impl Refusal {
    /// Makes a refusal that the device prints as it stands.
    pub fn denied(text: impl Into<String>) -> Refusal {
        Refusal::Denied(text.into())
    }
}

impl Role {
    /// Returns what an account may do that has these roles.
    pub const fn of(roles: Roles) -> Role {
        match roles {
            Roles { admin: true, .. } => Role::Admin,
            Roles { operations: true, aaa: true, .. } => Role::OperationsAaa,
            Roles { operations: true, .. } => Role::Operations,
            Roles { aaa: true, .. } => Role::Aaa,
            Roles { .. } => Role::ReadOnly,
        }
    }

    /// Returns true if an account of this role may run a command that needs `need`.
    pub const fn allows(self, need: Need) -> bool {
        match (self, need) {
            (Role::Admin, _) | (_, Need::Read) => true,
            (Role::Operations | Role::OperationsAaa, Need::Operate)
            | (Role::Aaa | Role::OperationsAaa, Need::Accounts) => true,
            (Role::Operations, Need::Accounts | Need::Write)
            | (Role::Aaa, Need::Operate | Need::Write)
            | (Role::OperationsAaa, Need::Write)
            | (Role::ReadOnly, Need::Operate | Need::Accounts | Need::Write) => false,
        }
    }
}

impl Verb {
    /// Verbs of an object that always exists.
    pub const FIXED: &'static [Verb] = &[Verb::Scope, Verb::Enter];
    /// Verbs of an object that comes and goes.
    pub const ALL: &'static [Verb] = &[Verb::Scope, Verb::Enter, Verb::Create, Verb::Delete];

    /// Returns the keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Verb::Scope => "scope",
            Verb::Enter => "enter",
            Verb::Create => "create",
            Verb::Delete => "delete",
        }
    }

    /// Returns what `?` prints for the keyword.
    ///
    /// # Source
    /// Recall.
    pub const fn help(self) -> &'static str {
        match self {
            Verb::Scope => "Changes the current mode",
            Verb::Enter => "Enters a managed object",
            Verb::Create => "Create managed objects",
            Verb::Delete => "Delete managed objects",
        }
    }

    /// Returns what the session's role must allow to do this to an object that needs `edits` to be
    /// changed. Entering is looking; [`Scope::open`] refuses it where it would create.
    pub const fn need(self, edits: Need) -> Need {
        match self {
            Verb::Scope | Verb::Enter => Need::Read,
            Verb::Create | Verb::Delete => edits,
        }
    }
}

impl<X: World> Scope<X> {
    /// What most scopes are; for `..Scope::FIXED` in a table. An object that always exists.
    pub const FIXED: Scope<X> = Scope {
        syntax: "",
        help: &[],
        verbs: Verb::FIXED,
        commands: &[],
        includes: &[],
        scopes: &[],
        inherits: false,
        edits: Need::Write,
        open: always,
        source: Source::Recall,
    };

    /// Returns the name that the prompt shows; empty for a root.
    pub fn name(&self) -> &'static str {
        self.syntax.split(' ').next().unwrap_or_default()
    }

    /// Returns what one of its own commands needs: whoever may change the object may change it by
    /// every command.
    pub fn need_of(&self, command: &Command<X>) -> Need {
        match command.need {
            Need::Write => self.edits,
            need @ (Need::Read | Need::Operate | Need::Accounts) => need,
        }
    }

    /// Returns true if the scope can be entered by its name alone.
    pub fn is_keyless(&self) -> bool {
        let keys = self.syntax.split_once(' ').map_or("", |(_, keys)| keys);
        let mut depth = 0_u32;
        keys.bytes().all(|byte| {
            match byte {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth > 0 || byte == b']' || byte == b' '
        })
    }

    /// Returns its own commands, then those that it includes.
    pub fn all_commands(&self) -> impl Iterator<Item = &'static Command<X>> {
        self.commands.iter().chain(self.includes.iter().flat_map(|table| table.iter()))
    }
}

/// The [`Scope::open`] of an object that always exists.
///
/// # Errors
/// None.
pub fn always<X: World>(
    _: &mut X,
    _: &mut Call<'_, X>,
    _: Verb,
    _: &Place<X>,
) -> Result<(), Refusal> {
    Ok(())
}

impl<X: World> Command<X> {
    /// For `..Command::READ` in a table: a command that looks.
    pub const READ: Command<X> = Command {
        syntax: "",
        help: &[],
        source: Source::Recall,
        run: nothing,
        need: Need::Read,
        hidden: false,
        returns: false,
    };
    /// For `..Command::WRITE` in a table: a command that changes the configuration.
    pub const WRITE: Command<X> = Command { need: Need::Write, ..Command::READ };
}

fn nothing<X: World>(_: &mut X, _: &mut Call<'_, X>) -> Result<(), Refusal> {
    Ok(())
}

impl<X: World> fmt::Debug for Scope<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("syntax", &self.syntax).finish_non_exhaustive()
    }
}

impl<X: World> fmt::Debug for Command<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("syntax", &self.syntax).finish_non_exhaustive()
    }
}

impl<X: World> fmt::Debug for Shell<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Proofreads a shell's tables: notation that does not parse, help that does not fit its syntax.
/// Every shell has a test that this is empty.
pub fn faults<X: World>(shell: &'static Shell<X>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |place: &str, syntax: &'static str, help: &[&str]| match syntax::parse(syntax) {
        Ok(form) if form.words() != help.len() => faults.push(format!(
            "{place}: `{syntax}` has {} words and {} help texts",
            form.words(),
            help.len()
        )),
        Ok(_) => {}
        Err(fault) => faults.push(format!("{place}: `{syntax}`: {fault}")),
    };
    for command in shell.common.iter().flat_map(|table| table.iter()) {
        check("common", command.syntax, command.help);
    }
    let mut rest = vec![(String::from("/"), shell.root)];
    while let Some((place, scope)) = rest.pop() {
        if !scope.syntax.is_empty() {
            check(&place, scope.syntax, scope.help);
        }
        for command in scope.all_commands() {
            check(&place, command.syntax, command.help);
        }
        rest.extend(scope.scopes.iter().map(|s| (format!("{place}{}/", s.name()), *s)));
    }
    faults
}
