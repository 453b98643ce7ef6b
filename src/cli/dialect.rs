//! The words of each shell: one row of texts a dialect.

use super::filter::Name;

/// How a shell refuses, pages and helps. A text that speaks of the `^` marker stands below a line
/// with the caret.
#[derive(Debug)]
pub struct Dialect {
    /// No command continues like this.
    pub invalid: &'static str,
    /// More words are needed.
    pub incomplete: &'static str,
    /// Two keywords begin like this.
    pub ambiguous: &'static str,
    /// The account's role does not allow it.
    pub role: &'static str,
    /// True if the refused word follows `invalid`, `No such command 'exit'`.
    pub echoes: bool,
    /// What stands at the foot of a full screen.
    pub more: &'static str,
    /// What `?` prints where the line may end.
    pub cr: &'static str,
    /// True if `cr` stands above the words.
    pub cr_first: bool,
    /// What `?` prints beside `|`.
    pub pipe: &'static str,
    /// True if `;` separates commands, `"` quotes, and `>` redirects.
    pub operators: bool,
    /// A line that begins with one of these is a remark.
    pub remarks: &'static [char],
    /// The pipes that it knows.
    pub filters: &'static [Name],
}

/// The supervisor's shell and `connect local-mgmt`.
///
/// # Source
/// Client: unicon's mock and patterns (`Invalid Command`, `Ambiguous command`), kick (`Incomplete
/// Command`). Seed: `show configuration` prints a secret as a remark, `!`. The tail of `Incomplete`, the
/// caret line, the layout of help and the refusal of a role are recall of the siblings.
pub static MIO: Dialect = Dialect {
    invalid: "% Invalid Command at '^' marker",
    incomplete: "% Incomplete Command at '^' marker",
    ambiguous: "% Ambiguous command at '^' marker",
    role: "Error: User does not have privileges to perform the operation",
    echoes: false,
    more: "--More--",
    cr: "<cr>",
    cr_first: false,
    pipe: "Pipe command output to filter",
    operators: true,
    remarks: &['!'],
    filters: &Name::ALL,
};

/// `connect fxos`, an NX-OS shell.
///
/// # Source
/// Published sessions of the Nexus sibling: the three refusals, `<CR>` above the words of a help
/// list and `|` below them, the pager in reverse video.
pub static FXOS: Dialect = Dialect {
    invalid: "% Invalid command at '^' marker.",
    incomplete: "% Incomplete command at '^' marker.",
    ambiguous: "% Ambiguous command at '^' marker.",
    role: "% Permission denied for the role",
    more: "\x1b[7m--More--\x1b[m",
    cr: "<CR>",
    cr_first: true,
    ..MIO
};

/// The controllers of a module and its adapter.
///
/// # Source
/// Recall; clients only enter and leave them.
pub static PART: Dialect = Dialect {
    invalid: "Unknown command",
    incomplete: "Incomplete command",
    ambiguous: "Ambiguous command",
    operators: false,
    filters: &[],
    ..MIO
};

/// An ASA.
///
/// # Source
/// Client: unicon `ERROR: % Invalid input detected`; seed: the caret line above `ERROR: % Invalid
/// Hostname`; a published session: `ERROR: % Incomplete command` with no caret line. The other texts
/// are recall.
pub static ASA: Dialect = Dialect {
    invalid: "ERROR: % Invalid input detected at '^' marker.",
    incomplete: "ERROR: % Incomplete command",
    ambiguous: "ERROR: % Ambiguous command",
    role: "ERROR: % Invalid input detected at '^' marker.",
    echoes: false,
    more: "<--- More --->",
    cr: "<cr>",
    cr_first: false,
    pipe: "Output modifiers",
    operators: false,
    remarks: &['!', ':'],
    filters: &[Name::Begin, Name::Exclude, Name::Grep, Name::Include],
};

/// The boot CLI of a module.
///
/// # Source
/// Client: kick matches `No such command.+exit`, unicon `Syntax error: The command is not
/// completed`. The quotes are recall.
pub static MODULE: Dialect = Dialect {
    invalid: "No such command",
    incomplete: "Syntax error: The command is not completed",
    ambiguous: "Ambiguous command",
    role: "Permission denied",
    echoes: true,
    more: "--More--",
    cr: "<cr>",
    cr_first: false,
    pipe: "",
    operators: false,
    remarks: &[],
    filters: &[],
};
