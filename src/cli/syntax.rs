//! Cisco's command notation, parsed; and the kinds of values that an argument takes.

use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// Most neighbouring optional groups in one line of notation.
pub const OPTIONS_MAX: usize = 32;
/// Longest word accepted where the notation names no length, in bytes.
pub const WORD_MAX: usize = 512;

/// A line of notation as a small program: every step names where it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub(super) steps: Vec<Step>,
    words: usize,
}

/// One step of a [`Form`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A keyword; `word` counts the words of the notation.
    Key { text: &'static str, word: usize },
    /// An argument; `empty` if `""` is a value of it too.
    Arg { name: &'static str, kind: Kind, empty: bool, word: usize },
    /// The rest of the line.
    Rest { name: &'static str, word: usize },
    /// Goes on at any of these.
    Split(Vec<usize>),
    /// Goes on at the body of any group not used yet, or behind them all. A group is its number
    /// in the form and where its body begins.
    Options { groups: Vec<(u8, usize)>, behind: usize },
    /// Goes on there.
    Jump(usize),
    /// The line may end here.
    End,
}

/// Which values an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `word` and `word(N)`: any text of up to N bytes; an empty one can only be typed as `""`.
    Word { max: usize },
    /// `name` and `name(N)`: letters, digits and `-_.:+`, 1 to N of them.
    Name { max: usize },
    /// `MIN-MAX`: a decimal number.
    Number { min: u64, max: u64 },
    /// `ipv4`: dotted decimal.
    Ipv4,
    /// `ipv6`.
    Ipv6,
    /// `ip`: either.
    Ip,
    /// `host`: an address or a DNS name.
    Host,
}

/// What is wrong with a line of notation. Tables are static, so a test meets it, not an operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SyntaxError {
    #[error("bracket is not closed, or closed twice")]
    Bracket,
    #[error("unknown kind `{0}`: use ipv4, ipv6, ip, host, name(N), word(N) or MIN-MAX")]
    Kind(&'static str),
    #[error("LINE... must stand last")]
    Rest,
    #[error("an empty group or choice")]
    Empty,
    #[error("more than 32 optional groups")]
    Options,
}

impl Kind {
    fn parse(text: &'static str) -> Result<Kind, SyntaxError> {
        let (head, len) = match text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            Some((head, len)) => (head, len.parse().map_err(|_| SyntaxError::Kind(text))?),
            None => (text, if text == "name" { 32 } else { WORD_MAX }),
        };
        match head {
            "word" => Ok(Kind::Word { max: len }),
            "name" => Ok(Kind::Name { max: len }),
            "ipv4" => Ok(Kind::Ipv4),
            "ipv6" => Ok(Kind::Ipv6),
            "ip" => Ok(Kind::Ip),
            "host" => Ok(Kind::Host),
            _ => {
                let range = head.split_once('-').and_then(|(min, max)| {
                    Some(Kind::Number { min: min.parse().ok()?, max: max.parse().ok()? })
                });
                range.ok_or(SyntaxError::Kind(text))
            }
        }
    }

    /// Returns true if the device takes `text` for it.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Kind::Word { max } => text.len() <= max,
            Kind::Name { max } => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b);
                (1..=max).contains(&text.len()) && text.bytes().all(plain)
            }
            Kind::Number { min, max } => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                digits && text.parse().is_ok_and(|n: u64| (min..=max).contains(&n))
            }
            Kind::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Kind::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Kind::Ip => Kind::Ipv4.accepts(text) || Kind::Ipv6.accepts(text),
            Kind::Host => Kind::Ip.accepts(text) || is_dns_name(text),
        }
    }

    /// Returns what `?` prints in the place of the word.
    ///
    /// # Source
    /// Recall of the NX-OS family: `A.B.C.D`, `<1-65535>`, `WORD`.
    pub fn help_word(self) -> String {
        match self {
            Kind::Word { .. } | Kind::Name { .. } | Kind::Host => String::from("WORD"),
            Kind::Number { min, max } => format!("<{min}-{max}>"),
            Kind::Ipv4 => String::from("A.B.C.D"),
            Kind::Ipv6 => String::from("X:X:X::X"),
            Kind::Ip => String::from("A.B.C.D|X:X:X::X"),
        }
    }
}

/// Letters, digits and hyphens in labels of 1 to 63, 253 in all; not what looks like an address.
fn is_dns_name(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.len() <= 253 && !numeric && text.split('.').all(label)
}

impl Form {
    /// Returns how many words the notation has, choices and options included.
    pub fn words(&self) -> usize {
        self.words
    }
}

/// Parses a line of notation.
///
/// # Errors
/// [`SyntaxError`] names the fault.
pub fn parse(syntax: &'static str) -> Result<Form, SyntaxError> {
    parse_after(None, syntax)
}

/// Parses a line of notation that has a keyword in front: a verb and a scope.
///
/// # Errors
/// [`SyntaxError`] names the fault.
pub fn parse_after(verb: Option<&'static str>, syntax: &'static str) -> Result<Form, SyntaxError> {
    let mut build = Build { steps: Vec::new(), words: 0, groups: 0, tokens: tokens(syntax), at: 0 };
    if let Some(text) = verb {
        build.word(text)?;
    }
    build.sequence()?;
    if build.at != build.tokens.len() {
        return Err(SyntaxError::Bracket);
    }
    build.steps.push(Step::End);
    let rest = build.steps.iter().position(|step| matches!(step, Step::Rest { .. }));
    if rest.is_some_and(|at| at + 2 != build.steps.len() && !build.closes(at + 1)) {
        return Err(SyntaxError::Rest);
    }
    Ok(Form { steps: build.steps, words: build.words })
}

fn tokens(syntax: &'static str) -> Vec<&'static str> {
    let mut tokens = Vec::new();
    for word in syntax.split_ascii_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['[', ']', '{', '}', '|']) {
            let (before, bracket) = rest.split_at(at);
            tokens.extend(Some(before).filter(|b| !b.is_empty()));
            let (bracket, after) = bracket.split_at(1);
            tokens.push(bracket);
            rest = after;
        }
        tokens.extend(Some(rest).filter(|r| !r.is_empty()));
    }
    tokens
}

/// The recursive descent from tokens to steps.
struct Build {
    steps: Vec<Step>,
    words: usize,
    groups: u8,
    tokens: Vec<&'static str>,
    at: usize,
}

impl Build {
    fn peek(&self) -> Option<&'static str> {
        self.tokens.get(self.at).copied()
    }

    fn close(&mut self, bracket: &str) -> Result<(), SyntaxError> {
        if self.peek() != Some(bracket) {
            return Err(SyntaxError::Bracket);
        }
        self.at += 1;
        Ok(())
    }

    /// Builds until a bracket closes, a bar, or the end.
    fn sequence(&mut self) -> Result<(), SyntaxError> {
        while let Some(token) = self.peek() {
            match token {
                "]" | "}" | "|" => break,
                "[" => self.options()?,
                "{" => self.choice()?,
                word => {
                    self.at += 1;
                    self.word(word)?;
                }
            }
        }
        Ok(())
    }

    fn word(&mut self, text: &'static str) -> Result<(), SyntaxError> {
        let word = self.words;
        self.words += 1;
        let step = if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
            Step::Key { text, word }
        } else if let Some(name) = text.strip_suffix("...") {
            Step::Rest { name, word }
        } else {
            let (name, kind) = text.split_once(':').unwrap_or((text, "word"));
            let (kind, empty) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
            Step::Arg { name, kind: Kind::parse(kind)?, empty, word }
        };
        self.steps.push(step);
        Ok(())
    }

    /// Neighbouring optional groups become one step, so that their order is free.
    fn options(&mut self) -> Result<(), SyntaxError> {
        let hub = self.steps.len();
        self.steps.push(Step::End);
        let mut groups = Vec::new();
        while self.peek() == Some("[") {
            self.at += 1;
            if usize::from(self.groups) >= OPTIONS_MAX {
                return Err(SyntaxError::Options);
            }
            groups.push((self.groups, self.steps.len()));
            self.groups += 1;
            self.body("]", hub)?;
        }
        self.steps[hub] = Step::Options { groups, behind: self.steps.len() };
        Ok(())
    }

    /// Builds `a | b` up to `bracket`; each alternative then goes on at `next`.
    fn body(&mut self, bracket: &str, next: usize) -> Result<(), SyntaxError> {
        let fork = self.steps.len();
        self.steps.push(Step::End);
        let mut starts = Vec::new();
        loop {
            let start = self.steps.len();
            self.sequence()?;
            if self.steps.len() == start {
                return Err(SyntaxError::Empty);
            }
            starts.push(start);
            self.steps.push(Step::Jump(next));
            if self.peek() != Some("|") {
                break;
            }
            self.at += 1;
        }
        self.close(bracket)?;
        self.steps[fork] = Step::Split(starts);
        Ok(())
    }

    fn choice(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        // Where the choice ends is known once it is built, so its alternatives meet in front of it.
        let enter = self.steps.len();
        self.steps.push(Step::End);
        let meet = self.steps.len();
        self.steps.push(Step::End);
        self.body("}", meet)?;
        self.steps[enter] = Step::Jump(meet + 1);
        self.steps[meet] = Step::Jump(self.steps.len());
        Ok(())
    }

    /// Returns true if nothing but the line's end can follow the step at `at`.
    fn closes(&self, mut at: usize) -> bool {
        let mut hops = 0;
        while hops <= self.steps.len() {
            hops += 1;
            match self.steps.get(at) {
                Some(Step::Jump(next)) => at = *next,
                Some(Step::Options { behind, .. }) => at = *behind,
                Some(Step::End) => return true,
                Some(Step::Key { .. } | Step::Arg { .. } | Step::Rest { .. } | Step::Split(_))
                | None => return false,
            }
        }
        false
    }
}
