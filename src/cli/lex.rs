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

/// The words behind one `|`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipe<'a> {
    pub words: Vec<Word<'a>>,
    /// Byte offset where it ends: before the next operator or at the line's end.
    pub end: usize,
}

/// One command of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line<'a> {
    pub words: Vec<Word<'a>>,
    pub pipes: Vec<Pipe<'a>>,
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

/// The end of a text that is still being typed, for help and completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// The command under way, without the word under way.
    pub line: Line<'a>,
    /// The word under way, maybe empty.
    pub word: &'a str,
    /// Byte offset of the word under way.
    pub at: usize,
    /// True if the word stands in an open quote.
    pub quoted: bool,
}

/// Reads the end of a text that is still being typed.
///
/// # Errors
/// As [`cut`], for what stands before the word under way.
pub fn tail(text: &str, rules: Rules) -> Result<Tail<'_>, Fault> {
    let (mut at, mut quoted, mut escaped) = (0, false, false);
    for (here, c) in text.char_indices() {
        let operator = match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => {
                escaped = quoted;
                continue;
            }
            '"' if rules.operators => {
                quoted = !quoted;
                continue;
            }
            ';' => rules.operators,
            // As in `cut`, a redirection only in front of a word.
            '>' => rules.operators && here == at,
            '|' => rules.pipes,
            c => c.is_ascii_whitespace(),
        };
        if operator && !quoted {
            at = here + c.len_utf8();
        }
    }
    let (done, word) = text.split_at(at);
    let mut cutter = Cutter { text: done, rules, at: 0, lines: Vec::new(), line: Line::default() };
    cutter.read()?;
    Ok(Tail { line: cutter.line, word, at, quoted })
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
        self.read()?;
        self.finish()
    }

    /// Reads to the end and leaves the last command open.
    fn read(&mut self) -> Result<(), Fault> {
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
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.close();
        let line = std::mem::take(&mut self.line);
        if !line.words.is_empty() || !line.pipes.is_empty() || line.redirect.is_some() {
            if self.lines.len() >= COMMANDS_MAX {
                return Err(Fault { at: line.words.first().map_or(self.at, |word| word.at) });
            }
            self.lines.push(line);
        }
        Ok(())
    }

    /// Notes where the command or its last pipe ends.
    fn close(&mut self) {
        match (&self.line.redirect, self.line.pipes.last_mut()) {
            (Some(_), _) => {}
            (None, Some(pipe)) => pipe.end = self.at,
            (None, None) => self.line.end = self.at,
        }
    }

    fn pipe(&mut self) -> Result<(), Fault> {
        if self.line.pipes.len() >= PIPES_MAX || self.line.redirect.is_some() {
            return Err(Fault { at: self.at });
        }
        self.close();
        self.line.pipes.push(Pipe::default());
        self.at += 1;
        Ok(())
    }

    fn redirect(&mut self) -> Result<(), Fault> {
        if self.line.redirect.is_some() {
            return Err(Fault { at: self.at });
        }
        self.close();
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
            pipe.words.push(word);
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
