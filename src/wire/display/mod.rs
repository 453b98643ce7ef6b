//! Display filters: the comparisons that people use, over the [`Facts`] of a dissected frame.
//!
//! A frame has a field none, one or several times. `==`, `<`, `contains` and `matches` ask whether any
//! of its values fits, `!=` and `===` whether all of them do, and a frame without the field never fits.
//! A word that is not known here is refused with its place, never guessed at.
//!
//! # Source
//! wireshark-filter(4) of Wireshark 4.0, with whose choice of frames a test compares ours.

use std::fmt;

use regex_lite::Regex;
use thiserror::Error;

use crate::wire::summary::{Facts, Field, Value};

mod lex;
mod parse;

#[cfg(test)]
mod tests;

/// Longest filter accepted, in bytes.
pub const TEXT_MAX: usize = 4096;
/// Deepest nesting of parentheses and `not` accepted.
pub const DEPTH_MAX: u32 = 64;

/// A compiled filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    root: Node,
}

impl Display {
    /// Compiles `text`; blank text takes every frame.
    ///
    /// # Errors
    /// [`DisplayError`] with the place where it stops making sense.
    pub fn compile(text: &str) -> Result<Display, DisplayError> {
        if text.len() > TEXT_MAX {
            return Err(DisplayError { offset: TEXT_MAX, why: Why::TooLong });
        }
        parse::parse(&lex::tokens(text)?, text.len()).map(|root| Display { root })
    }

    /// Returns whether the filter takes a frame of which these facts were noted.
    pub fn matches(&self, facts: &Facts) -> bool {
        self.root.holds(facts)
    }
}

/// Why a text is not a filter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{why}")]
pub struct DisplayError {
    /// Byte of the text where a caret belongs.
    pub offset: usize,
    pub why: Why,
}

/// What is wrong with a filter.
///
/// # Source
/// tshark 4.0 for the first four texts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Why {
    #[error("\"{0}\" is not a valid protocol or protocol field.")]
    Unknown(String),
    #[error("\"{0}\" was unexpected in this context.")]
    Unexpected(String),
    #[error("Unexpected end of filter expression.")]
    End,
    #[error("\"{text}\" is not a valid {what}.")]
    Value { text: String, what: &'static str },
    #[error("A protocol can only be asked for, not compared.")]
    Protocol,
    #[error("Only texts can be searched by \"{0}\".")]
    Search(&'static str),
    #[error("The quotes are not closed.")]
    Quotes,
    #[error("The filter is nested too deeply.")]
    TooDeep,
    #[error("The filter is too long.")]
    TooLong,
}

/// One node of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    All,
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Layer(&'static [&'static str]),
    Exists(Vec<Field>),
    Is { fields: Vec<Field>, test: Test, all: bool },
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Compare(Order, Literal),
    Contains(String),
    Matches(Pattern),
    /// In any of these ranges, both ends included.
    In {
        ranges: Vec<(Literal, Literal)>,
        out: bool,
    },
}

/// How a value compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A value as it is typed; of addresses the bits that count.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Number(u64),
    Mac([u8; 6]),
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
    Text(String),
}

/// A compiled expression; two are equal if their texts are.
#[derive(Clone)]
struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_str())
    }
}

impl Node {
    fn holds(&self, facts: &Facts) -> bool {
        match self {
            Node::All => true,
            Node::And(a, b) => a.holds(facts) && b.holds(facts),
            Node::Or(a, b) => a.holds(facts) || b.holds(facts),
            Node::Not(node) => !node.holds(facts),
            Node::Layer(names) => facts.layers().iter().any(|layer| names.contains(layer)),
            Node::Exists(fields) => facts.facts().iter().any(|fact| fields.contains(&fact.field)),
            Node::Is { fields, test, all } => {
                let mut values =
                    facts.facts().iter().filter(|fact| fields.contains(&fact.field)).peekable();
                if values.peek().is_none() {
                    return false;
                }
                if *all {
                    values.all(|fact| test.fits(&fact.value))
                } else {
                    values.any(|fact| test.fits(&fact.value))
                }
            }
        }
    }
}

impl Test {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Test::Compare(order, literal) => {
                let Some(found) = literal.against(value) else { return false };
                match order {
                    Order::Equal => found.is_eq(),
                    Order::Unequal => found.is_ne(),
                    Order::Less => found.is_lt(),
                    Order::LessEqual => found.is_le(),
                    Order::Greater => found.is_gt(),
                    Order::GreaterEqual => found.is_ge(),
                }
            }
            Test::Contains(part) => match value {
                Value::Text(text) => text.contains(part.as_str()),
                Value::Number(_) | Value::Mac(_) | Value::V4(_) | Value::V6(_) => false,
            },
            Test::Matches(Pattern(regex)) => match value {
                Value::Text(text) => regex.is_match(text),
                Value::Number(_) | Value::Mac(_) | Value::V4(_) | Value::V6(_) => false,
            },
            Test::In { ranges, out } => {
                let within = |(low, high): &(Literal, Literal)| {
                    low.against(value).is_some_and(|found| found.is_ge())
                        && high.against(value).is_some_and(|found| found.is_le())
                };
                ranges.iter().any(within) != *out
            }
        }
    }
}

impl Literal {
    /// Compares a frame's value with this one; `None` if they are of different kinds.
    fn against(&self, value: &Value) -> Option<std::cmp::Ordering> {
        Some(match (value, self) {
            (Value::Number(value), Literal::Number(own)) => value.cmp(own),
            (Value::Mac(value), Literal::Mac(own)) => value.cmp(own),
            (Value::V4(value), Literal::V4 { address, mask }) => {
                (value.to_bits() & mask).cmp(&(address & mask))
            }
            (Value::V6(value), Literal::V6 { address, mask }) => {
                (value.to_bits() & mask).cmp(&(address & mask))
            }
            (Value::Text(value), Literal::Text(own)) => value.as_str().cmp(own),
            (
                Value::Number(_) | Value::Mac(_) | Value::V4(_) | Value::V6(_) | Value::Text(_),
                _,
            ) => {
                return None;
            }
        })
    }
}
