//! Regular expressions as an operator types them, basic or extended, over a linear-time matcher.

use regex_lite::{Regex, RegexBuilder};

/// Longest pattern accepted, in bytes.
pub const PATTERN_MAX: usize = 256;
/// Most memory a compiled pattern may take, in bytes; `a{1000}{1000}` is refused.
const COMPILED_MAX: usize = 256 * 1024;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `grep`: `+ ? | ( ) { }` are literal unless a backslash stands in front.
    pub basic: bool,
    pub ignore_case: bool,
    pub whole_word: bool,
    pub whole_line: bool,
}

impl Pattern {
    /// Compiles a pattern; `None` if it is not one, or is too large.
    pub fn new(text: &str, reading: Reading) -> Option<Pattern> {
        if text.len() > PATTERN_MAX {
            return None;
        }
        let mut pattern = translate(text, reading.basic);
        if reading.whole_word {
            pattern = format!(r"\b(?:{pattern})\b");
        }
        if reading.whole_line {
            pattern = format!("^(?:{pattern})$");
        }
        let mut builder = RegexBuilder::new(&pattern);
        builder.case_insensitive(reading.ignore_case).size_limit(COMPILED_MAX);
        builder.build().ok().map(Pattern)
    }

    /// Returns true if the line holds a match.
    pub fn matches(&self, line: &str) -> bool {
        self.0.is_match(line)
    }
}

/// Rewrites a POSIX pattern into the matcher's notation, which is close to the extended one.
fn translate(text: &str, basic: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '[' => {
                let len = bracket_len(&text[at..]);
                let inside = &text[at..at + len];
                // Within brackets POSIX has no escapes.
                out.push_str(&inside.replace('\\', r"\\"));
                while rest.next_if(|(i, _)| *i < at + len).is_some() {}
            }
            '\\' => match rest.next().map(|(_, c)| c) {
                Some('<' | '>') => out.push_str(r"\b"),
                Some(c @ ('+' | '?' | '|' | '(' | ')' | '{' | '}')) if basic => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push_str(r"\\"),
            },
            '+' | '?' | '|' | '(' | ')' | '{' | '}' if basic => out.extend(['\\', c]),
            // A star with nothing in front of it is itself.
            '*' if out.is_empty() || out == "^" => out.push_str(r"\*"),
            c => out.push(c),
        }
    }
    out
}

/// Returns the length of a bracket expression, `[^]a-z[:digit:]]`; 1 if it does not close, which
/// the compiler then refuses.
fn bracket_len(text: &str) -> usize {
    let mut at = 1;
    at += usize::from(text[at..].starts_with('^'));
    at += usize::from(text[at..].starts_with(']'));
    while let Some(c) = text[at..].chars().next() {
        if c == ']' {
            return at + 1;
        }
        let class = text[at..].strip_prefix("[:").and_then(|class| class.find(":]"));
        at += class.map_or(c.len_utf8(), |len| len + 4);
    }
    1
}
