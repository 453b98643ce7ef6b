//! A typed line cut into commands, words, pipes and a redirection. Pure, for any text.

use std::borrow::Cow;

/// Most commands on one line, between `;`.
pub const COMMANDS_MAX: usize = 64;
/// Most pipes behind one command.
pub const PIPES_MAX: usize = 16;

/// One word, with its place in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Byte offset of its first character, the quote included.
    pub at: usize,
    /// Byte offset behind its last character, the quote included.
    pub end: usize,
    /// The word without its quotes.
    pub text: Cow<'a, str>,
    /// True if any part of it was quoted, so that it cannot be a keyword.
    pub quoted: bool,
}

/// Where the output of a command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// Byte offset of `>`.
    pub at: usize,
    /// True for `>>`.
    pub append: bool,
    /// Missing if nothing follows.
    pub to: Option<Word<'a>>,
}

/// One command of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line<'a> {
    pub words: Vec<Word<'a>>,
    /// The words behind each `|`.
    pub pipes: Vec<Vec<Word<'a>>>,
    pub redirect: Option<Redirect<'a>>,
    /// Byte offset where the command proper ends: before `|`, `>`, `;` or at the line's end.
    pub end: usize,
}

/// What the lexer may not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset of the fault.
    pub at: usize,
}

/// Which characters mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `;` separates, `"` quotes, `>` redirects.
    pub operators: bool,
    /// `|` pipes.
    pub pipes: bool,
}

/// Cuts a line.
///
/// # Errors
/// [`Fault`] at a quote that is not closed, at a second redirection or a word behind one, and at
/// the first command or pipe too many.
pub fn cut(text: &str, rules: Rules) -> Result<Vec<Line<'_>>, Fault> {
    let mut cutter = Cutter { text, rules, at: 0, lines: Vec::new(), line: Line::default() };
    cutter.run()?;
    Ok(cutter.lines)
}

/// Returns where the word under way at the end of `text` begins, for help and completion, and
/// whether it stands in an open quote.
pub fn tail(text: &str, rules: Rules) -> (usize, bool) {
    let (mut start, mut open) = (0, false);
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        match c {
            _ if escaped => escaped = false,
            '\\' if open => escaped = true,
            '"' if rules.operators => open = !open,
            ';' | '>' if rules.operators && !open => start = next,
            '|' if rules.pipes && !open => start = next,
            c if c.is_ascii_whitespace() && !open => start = next,
            _ => {}
        }
    }
    (start, open)
}

struct Cutter<'a> {
    text: &'a str,
    rules: Rules,
    at: usize,
    lines: Vec<Line<'a>>,
    line: Line<'a>,
}

impl<'a> Cutter<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some(byte) = self.peek() {
            match byte {
                b if b.is_ascii_whitespace() => self.at += 1,
                b';' if self.rules.operators => {
                    self.finish()?;
                    self.at += 1;
                }
                b'|' if self.rules.pipes => self.pipe()?,
                b'>' if self.rules.operators => self.redirect()?,
                _ => self.word()?,
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let mut line = std::mem::take(&mut self.line);
        if line.pipes.is_empty() && line.redirect.is_none() {
            line.end = self.at;
        }
        if !line.words.is_empty() || !line.pipes.is_empty() || line.redirect.is_some() {
            if self.lines.len() >= COMMANDS_MAX {
                return Err(Fault { at: line.words.first().map_or(self.at, |word| word.at) });
            }
            self.lines.push(line);
        }
        Ok(())
    }

    fn pipe(&mut self) -> Result<(), Fault> {
        if self.line.pipes.len() >= PIPES_MAX || self.line.redirect.is_some() {
            return Err(Fault { at: self.at });
        }
        if self.line.pipes.is_empty() {
            self.line.end = self.at;
        }
        self.line.pipes.push(Vec::new());
        self.at += 1;
        Ok(())
    }

    fn redirect(&mut self) -> Result<(), Fault> {
        if self.line.redirect.is_some() {
            return Err(Fault { at: self.at });
        }
        if self.line.pipes.is_empty() {
            self.line.end = self.at;
        }
        let at = self.at;
        self.at += 1;
        let append = self.peek() == Some(b'>');
        self.at += usize::from(append);
        self.line.redirect = Some(Redirect { at, append, to: None });
        Ok(())
    }

    fn word(&mut self) -> Result<(), Fault> {
        let word = self.take_word()?;
        if let Some(redirect) = &mut self.line.redirect {
            if redirect.to.is_some() {
                return Err(Fault { at: word.at });
            }
            redirect.to = Some(word);
        } else if let Some(pipe) = self.line.pipes.last_mut() {
            pipe.push(word);
        } else {
            self.line.words.push(word);
        }
        Ok(())
    }

    /// A word ends at a blank or an operator; `>` is one only in front of a word.
    fn take_word(&mut self) -> Result<Word<'a>, Fault> {
        let at = self.at;
        let (mut quoted, mut open) = (false, None);
        let mut text: Option<String> = None;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' if self.rules.operators => {
                    text.get_or_insert_with(|| self.text[at..self.at].to_owned());
                    open = if open.is_some() { None } else { Some(self.at) };
                    quoted = true;
                    self.at += 1;
                }
                b'\\' if open.is_some() => {
                    self.at += 1;
                    self.take_char(&mut text, true);
                }
                b';' if self.rules.operators && open.is_none() => break,
                b'|' if self.rules.pipes && open.is_none() => break,
                b if b.is_ascii_whitespace() && open.is_none() => break,
                _ => self.take_char(&mut text, false),
            }
        }
        if let Some(at) = open {
            return Err(Fault { at });
        }
        let text = text.map_or(Cow::Borrowed(&self.text[at..self.at]), Cow::Owned);
        Ok(Word { at, end: self.at, text, quoted })
    }

    /// Takes one character; behind a backslash only `"` and `\` lose it, as in a regular
    /// expression `"\."` the backslash is meant.
    fn take_char(&mut self, text: &mut Option<String>, escaped: bool) {
        let Some(c) = self.text[self.at..].chars().next() else {
            return;
        };
        if let Some(text) = text {
            if escaped && c != '"' && c != '\\' {
                text.push('\\');
            }
            text.push(c);
        }
        self.at += c.len_utf8();
    }
}
