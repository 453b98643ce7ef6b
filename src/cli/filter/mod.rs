//! The pipes behind a command: `| include X | count`. Text goes through them as it is printed.

mod options;
mod pattern;
mod run;

pub use pattern::{PATTERN_MAX, Pattern, Reading};
pub use run::Pipeline;

use super::grammar::Refusal;
use super::lex::Pipe;
use super::parse::{Expected, Item};

/// Most text that one filter holds back (`sort`, `last`), in bytes; what comes beyond is dropped.
pub const HELD_MAX: usize = 4 << 20;

/// A filter, by its keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Include,
    Exclude,
    Begin,
    End,
    Count,
    Egrep,
    Grep,
    Head,
    Last,
    Less,
    NoMore,
    Sort,
    Tr,
    Uniq,
    Wc,
    Cut,
}

/// One filter with its options.
#[derive(Clone, Debug)]
pub enum Filter {
    /// `include`, `exclude`, `grep`, `egrep`.
    Match(Match),
    /// From the first line that matches.
    Begin(Pattern),
    /// Up to and with the first line that matches.
    End(Pattern),
    /// How many lines.
    Count,
    /// The first lines.
    Head(usize),
    /// The last lines.
    Last(usize),
    /// Pages even where the terminal's length is 0; the pager sees to it.
    Less,
    /// Does not page.
    NoMore,
    Sort(Sort),
    Tr(Tr),
    Uniq(Uniq),
    Wc(Wc),
    Cut(Cut),
}

/// Which lines a grep passes, and how it prints them.
#[derive(Clone, Debug)]
pub struct Match {
    pub pattern: Pattern,
    pub invert: bool,
    pub count: bool,
    pub number: bool,
}

/// The options of `sort`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    pub reverse: bool,
    pub numeric: bool,
    pub unique: bool,
    pub fold: bool,
    /// The field to sort by, from 1; 0 for the whole line.
    pub key: usize,
    /// What parts fields; blanks if `None`.
    pub separator: Option<char>,
}

/// The sets of `tr`, ranges expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tr {
    pub from: Vec<char>,
    pub to: Vec<char>,
    pub complement: bool,
    pub delete: bool,
    pub squeeze: bool,
}

/// The options of `uniq`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uniq {
    pub count: bool,
    pub repeated: bool,
    pub unique: bool,
    pub fold: bool,
}

/// What `wc` counts; everything if nothing is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wc {
    pub lines: bool,
    pub words: bool,
    pub bytes: bool,
}

/// What `cut` keeps of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Ranges from 1, both ends included.
    pub ranges: Vec<(usize, usize)>,
    /// `None` cuts characters, else fields between this.
    pub delimiter: Option<char>,
    /// Drops lines without the delimiter.
    pub only_delimited: bool,
}

impl Name {
    /// Every filter, in the order that `| ?` lists them.
    pub const ALL: [Name; 16] = [
        Name::Begin,
        Name::Count,
        Name::Cut,
        Name::Egrep,
        Name::End,
        Name::Exclude,
        Name::Grep,
        Name::Head,
        Name::Include,
        Name::Last,
        Name::Less,
        Name::NoMore,
        Name::Sort,
        Name::Tr,
        Name::Uniq,
        Name::Wc,
    ];

    /// Returns the keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Name::Include => "include",
            Name::Exclude => "exclude",
            Name::Begin => "begin",
            Name::End => "end",
            Name::Count => "count",
            Name::Egrep => "egrep",
            Name::Grep => "grep",
            Name::Head => "head",
            Name::Last => "last",
            Name::Less => "less",
            Name::NoMore => "no-more",
            Name::Sort => "sort",
            Name::Tr => "tr",
            Name::Uniq => "uniq",
            Name::Wc => "wc",
            Name::Cut => "cut",
        }
    }

    /// Returns what `| ?` prints for it.
    ///
    /// # Source
    /// Recall of the NX-OS family.
    pub const fn help(self) -> &'static str {
        match self {
            Name::Include => "Include lines that match",
            Name::Exclude => "Exclude lines that match",
            Name::Begin => "Begin with the line that matches",
            Name::End => "End with the line that matches",
            Name::Count => "Count number of lines",
            Name::Egrep => "Egrep - print lines matching a pattern",
            Name::Grep => "Grep - print lines matching a pattern",
            Name::Head => "Display first lines",
            Name::Last => "Display last lines",
            Name::Less => "Filter for paging",
            Name::NoMore => "Turn-off pagination for command output",
            Name::Sort => "Stream Sorter",
            Name::Tr => "Translate, squeeze, and/or delete characters",
            Name::Uniq => "Discard all but one of successive identical lines",
            Name::Wc => "Count words, lines, characters",
            Name::Cut => "Print selected parts of lines",
        }
    }
}

/// Reads the pipes of one line; `known` are the filters of the shell.
///
/// # Errors
/// The refusal with its caret: an unknown or ambiguous filter, a bad option, a bad pattern, or
/// [`Refusal::Incomplete`] where a filter or its argument is missing.
pub fn parse(pipes: &[Pipe<'_>], known: &[Name]) -> Result<Vec<Filter>, Refusal> {
    pipes.iter().map(|pipe| options::parse(pipe, known)).collect()
}

/// Returns what may follow the words of a pipe, as far as it begins with `prefix`.
///
/// # Errors
/// An unknown or ambiguous filter.
pub fn expect(pipe: &Pipe<'_>, known: &[Name], prefix: &str) -> Result<Expected, Refusal> {
    let Some(first) = pipe.words.first() else {
        let names = known.iter().filter(|name| name.word().starts_with(prefix));
        let item = |name: &Name| Item::keyword(name.word(), name.help());
        return Ok(Expected { items: names.map(item).collect(), end: false });
    };
    let options = options::find(first, known)?.options().iter();
    let items = options.filter(|(word, _)| word.starts_with(prefix) || *word == options::PATTERN);
    let items = items.map(|(word, help)| match *word {
        options::PATTERN | options::NUMBER => Item::value(*word, help),
        word => Item::keyword(word, help),
    });
    Ok(Expected { items: items.collect(), end: options::parse(pipe, known).is_ok() })
}

#[cfg(test)]
mod tests;
