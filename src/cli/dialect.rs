//! The words of each shell: one row of texts a dialect.

use super::filter::Name;

/// How a shell refuses, pages and helps.
#[derive(Debug)]
pub struct Dialect {
    /// Below a caret: no command continues like this.
    pub invalid: &'static str,
    /// More words are needed.
    pub incomplete: &'static str,
    /// Two keywords begin like this.
    pub ambiguous: &'static str,
    /// The account's role does not allow it.
    pub role: &'static str,
    /// True if a line with a caret stands above the three first refusals.
    pub caret: bool,
    /// True if the refused line follows `invalid`, `No such command 'exit'`.
    pub echoes: bool,
    /// What stands at the foot of a full screen.
    pub more: &'static str,
    /// What `?` prints where the line may end.
    pub cr: &'static str,
    /// True if `;` separates commands, `"` quotes, and `>` redirects.
    pub operators: bool,
    /// The pipes that it knows.
    pub filters: &'static [Name],
    /// A filter that it does not know; below a caret if `caret`.
    pub no_filter: &'static str,
}

/// The supervisor's shell and `connect local-mgmt`.
///
/// # Source
/// Client: unicon's mock and patterns (`Invalid Command`, `Ambiguous command`), kick (`Incomplete
/// Command`). The tail of `Incomplete`, the caret line and the refusal of a role are recall.
pub static MIO: Dialect = Dialect {
    invalid: "% Invalid Command at '^' marker",
    incomplete: "% Incomplete Command at '^' marker",
    ambiguous: "% Ambiguous command at '^' marker",
    role: "Error: User does not have privileges to perform the operation",
    caret: true,
    echoes: false,
    more: "--More--",
    cr: "<cr>",
    operators: true,
    filters: &Name::ALL,
    no_filter: "% Invalid Command at '^' marker",
};

/// `connect fxos`, an NX-OS shell.
///
/// # Source
/// Recall of the Nexus sibling; reference 2.4 marks the first text as seen there.
pub static FXOS: Dialect = Dialect {
    invalid: "% Invalid command at '^' marker.",
    incomplete: "% Incomplete command at '^' marker.",
    ambiguous: "% Ambiguous command at '^' marker.",
    role: "% Permission denied for the role",
    more: "\x1b[7m--More--\x1b[m",
    cr: "<CR>",
    no_filter: "% Invalid command at '^' marker.",
    ..MIO
};

/// An ASA.
///
/// # Source
/// Client: unicon `ERROR: % Invalid input detected`; seed: the caret line above `ERROR: % Invalid
/// Hostname`. The other texts are recall.
pub static ASA: Dialect = Dialect {
    invalid: "ERROR: % Invalid input detected at '^' marker.",
    incomplete: "ERROR: % Incomplete command",
    ambiguous: "ERROR: % Ambiguous command",
    role: "ERROR: % Invalid input detected at '^' marker.",
    caret: true,
    echoes: false,
    more: "<--- More --->",
    cr: "<cr>",
    operators: false,
    filters: &[Name::Include, Name::Exclude, Name::Begin, Name::Grep],
    no_filter: "ERROR: % Invalid input detected at '^' marker.",
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
    caret: false,
    echoes: true,
    more: "--More--",
    cr: "<cr>",
    operators: false,
    filters: &[],
    no_filter: "No such command",
};
