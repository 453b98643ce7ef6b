//! `?` and Tab.

use super::reach::candidates;
use super::run::{no_files, rules};
use super::{FLOOD_MAX, Terminal};
use crate::cli::filter;
use crate::cli::grammar::{Refusal, World};
use crate::cli::lex::{self, Tail};
use crate::cli::parse::{self, Expected, Item};

/// Columns between a word and its help.
const GAP: usize = 2;

impl<X: World> Terminal<X> {
    /// Prints what may come next, then the line again; in an open quote `?` is a character.
    ///
    /// # Source
    /// Published sessions of the siblings: the `?` shows, the list stands below, the line again
    /// below that; what is wrong so far is refused as if it had been entered.
    pub(super) fn help(&mut self) {
        let before = self.edit.before();
        if self.tail(&before).is_ok_and(|tail| tail.quoted) {
            return self.edit.insert("?", &mut self.screen);
        }
        self.list(b"?");
    }

    /// Completes the word under way, or lists what it may become.
    pub(super) fn complete(&mut self) {
        let before = self.edit.before();
        let Ok(tail) = self.tail(&before) else { return self.screen.push(7) };
        let expected = self.expected(&tail).unwrap_or_default();
        let mut words = expected.items.iter().filter(|item| item.keyword);
        match (words.next(), words.next()) {
            _ if tail.quoted => self.screen.push(7),
            (Some(only), None) => {
                let rest = only.word.strip_prefix(tail.word).unwrap_or_default();
                self.edit.insert(&format!("{rest} "), &mut self.screen);
            }
            (Some(_), Some(_)) => self.list(b""),
            (None, _) => self.screen.push(7),
        }
    }

    fn list(&mut self, key: &[u8]) {
        // A paste of nothing but `?` would be answered a thousandfold.
        if self.screen.len() > FLOOD_MAX {
            return self.screen.push(7);
        }
        let before = self.edit.before();
        self.edit.refresh(&mut self.screen);
        self.screen.extend_from_slice(key);
        self.edit.leave(&mut self.screen);
        match self.tail(&before).and_then(|tail| self.expected(&tail)) {
            Ok(expected) => {
                let text = self.layout(&expected);
                self.show(&text);
            }
            Err(refusal) => self.refuse(&refusal, &before),
        }
        self.edit.draw(&mut self.screen);
    }

    fn layout(&self, expected: &Expected) -> String {
        let Some(dialect) = self.frame().map(|frame| frame.shell.dialect) else {
            return String::new();
        };
        let end = expected.end.then(|| Item::value(dialect.cr, ""));
        let (first, last) = if dialect.cr_first { (end, None) } else { (None, end) };
        let items: Vec<&Item> = first.iter().chain(&expected.items).chain(&last).collect();
        let width = items.iter().map(|item| item.word.chars().count()).max().unwrap_or(0) + GAP;
        let line = |item: &&Item| {
            let line = format!("  {:<width$}{}", item.word, item.help);
            format!("{}\n", line.trim_end())
        };
        items.iter().map(line).collect()
    }

    fn tail<'t>(&self, before: &'t str) -> Result<Tail<'t>, Refusal> {
        let frame = self.frame().ok_or(Refusal::Invalid { at: 0 })?;
        let tail = lex::tail(before, rules(frame.shell.dialect));
        tail.map_err(|fault| Refusal::Invalid { at: fault.at })
    }

    /// Returns what may stand where a line ends; not nothing at all.
    fn expected(&self, tail: &Tail<'_>) -> Result<Expected, Refusal> {
        let frame = self.frame().ok_or(Refusal::Invalid { at: 0 })?;
        let (shell, line, prefix) = (frame.shell, &tail.line, tail.word);
        let mut expected = match (&line.redirect, line.pipes.last()) {
            (Some(redirect), _) if shell.redirect.is_none() => return Err(no_files(redirect)),
            (Some(redirect), _) => {
                let end = redirect.to.is_some();
                let file = (!end).then(|| Item::value("WORD", "File name"));
                Expected { items: file.into_iter().collect(), end }
            }
            (None, Some(pipe)) => filter::expect(pipe, shell.dialect.filters, prefix)?,
            (None, None) => {
                let candidates = candidates(shell, &frame.place);
                parse::expect(&candidates, &line.words, prefix, tail.at)?
            }
        };
        if expected.end && prefix.is_empty() && line.redirect.is_none() {
            if shell.redirect.is_some() {
                let over = Item::value(">", "Redirect it to a file");
                let behind = Item::value(">>", "Redirect it to a file in append mode");
                expected.items.splice(0..0, [over, behind]);
            }
            if !shell.dialect.filters.is_empty() {
                expected.items.push(Item::value("|", shell.dialect.pipe));
            }
        }
        if expected.items.is_empty() && !(expected.end && prefix.is_empty()) {
            return Err(Refusal::Invalid { at: tail.at });
        }
        Ok(expected)
    }
}
