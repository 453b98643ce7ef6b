//! `?` and Tab.

use super::run::{candidates, rules};
use super::{Mode, Terminal};
use crate::cli::grammar::World;
use crate::cli::lex;
use crate::cli::parse::{self, Expected};

/// Columns between a word and its help.
const GAP: usize = 2;

impl<X: World> Terminal<X> {
    /// Prints what may come next, then the line again.
    pub(super) fn help(&mut self, _: &X) {
        self.show("\n");
        match self.expected() {
            Some(expected) => {
                let width = expected.items.iter().map(|item| item.word.chars().count()).max();
                let width = width.unwrap_or(0) + GAP;
                let mut text = String::new();
                for item in &expected.items {
                    text += &format!("  {:<width$}{}\n", item.word, item.help);
                }
                if expected.end {
                    let cr = self.frame().map_or("<cr>", |frame| frame.shell.dialect.cr);
                    text += &format!("  {cr}\n");
                }
                self.show(&text);
            }
            None => self.screen.push(7),
        }
        self.edit.redraw(&mut self.screen);
    }

    /// Completes the word under way, or lists what it may become.
    pub(super) fn complete(&mut self, world: &X) {
        let before = self.edit.before();
        let Some(expected) = self.expected() else { return self.screen.push(7) };
        let prefix = before.rsplit(' ').next().unwrap_or_default().to_owned();
        let words: Vec<&str> = expected
            .items
            .iter()
            .filter(|item| item.keyword)
            .map(|item| item.word.as_str())
            .collect();
        match words[..] {
            [word] => {
                let rest = word.get(prefix.len()..).unwrap_or_default().to_owned() + " ";
                self.edit.insert(&rest, &mut self.screen);
            }
            [] => self.screen.push(7),
            [_, _, ..] => self.help(world),
        }
    }

    fn expected(&self) -> Option<Expected> {
        if !matches!(self.mode, Mode::Prompt) {
            return None;
        }
        let frame = self.frame()?;
        let before = self.edit.before();
        let rules = rules(frame.shell.dialect);
        let (start, open) = lex::tail(&before, rules);
        if open {
            return None;
        }
        let (done, prefix) = before.split_at_checked(start)?;
        let lines = lex::cut(done, rules).ok()?;
        let words = lines.last().map(|line| line.words.clone()).unwrap_or_default();
        let words = if done.trim_end().ends_with(';') { Vec::new() } else { words };
        let candidates = candidates(frame.shell, &frame.place);
        parse::expect(&candidates, &words, prefix).ok()
    }
}
