//! A display filter cut into words, values and signs.

use super::{DisplayError, Why};

/// One piece of a filter, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub at: usize,
    pub kind: Kind,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a number, an address or an operator in letters.
    Word(String),
    /// A text in quotes, which are removed.
    Quoted(String),
    /// A sign, `==` or `(`.
    Sign(&'static str),
}

impl Token {
    /// Returns how it is shown in a message.
    pub fn shown(&self) -> String {
        match &self.kind {
            Kind::Word(text) | Kind::Quoted(text) => text.clone(),
            Kind::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// Signs, each before those that it begins with.
const SIGNS: [&str; 19] = [
    "===", "!==", "==", "!=", "~=", ">=", "<=", "&&", "||", "..", ">", "<", "!", "~", "(", ")",
    "{", "}", ",",
];

/// Cuts a text.
///
/// # Errors
/// [`DisplayError`] at a character that begins nothing and at quotes that stay open.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, DisplayError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token { at, kind: Kind::Sign(sign) });
            at += sign.len();
            continue;
        }
        if first == '"' {
            let (quoted, len) =
                quoted(rest).ok_or(DisplayError { offset: at, why: Why::Quotes })?;
            tokens.push(Token { at, kind: Kind::Quoted(quoted) });
            at += len;
            continue;
        }
        let len = word_len(rest);
        if len == 0 {
            return Err(DisplayError { offset: at, why: Why::Unexpected(first.to_string()) });
        }
        let word = rest.get(..len).unwrap_or_default().to_owned();
        tokens.push(Token { at, kind: Kind::Word(word) });
        at += len;
    }
    Ok(tokens)
}

/// Returns how many bytes a word at the start of `rest` has; `..` ends one.
fn word_len(rest: &str) -> usize {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte);
    let len = rest.bytes().take_while(|byte| plain(*byte)).count();
    let word = rest.get(..len).unwrap_or_default();
    word.find("..").unwrap_or(len)
}

/// Reads a text in quotes at the start of `rest`; returns it and how many bytes it took.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, at + 1)),
            '\\' => match letters.next()?.1 {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                escaped @ ('"' | '\\' | '\'') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            letter => text.push(letter),
        }
    }
    None
}
