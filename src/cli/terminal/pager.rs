//! The pager: a screen at a time, the rest on a key.

use std::collections::VecDeque;

use super::{Mode, Terminal};
use crate::base::time::Now;
use crate::cli::call::{Next, Place};
use crate::cli::edit;
use crate::cli::filter::{PATTERN_MAX, Pattern, Pipeline, Reading};
use crate::cli::grammar::World;

const ERASE: &[u8] = b"\r\x1b[K";

/// What is not shown yet, and what follows it.
pub(super) struct Pager<X: World> {
    left: VecDeque<String>,
    /// Rows that a space shows.
    full: usize,
    /// What the command wants to follow, once the operator has seen what it printed.
    next: Next<X>,
    place: Place<X>,
    pipeline: Pipeline,
    /// The pattern under way behind a `/`.
    search: Option<String>,
}

impl<X: World> Terminal<X> {
    /// Shows as much of a text as the screen takes; the rest waits for a key, and `next` for the
    /// rest. `pages` is what the pipes say: `less` pages where `terminal length 0` does not.
    pub(super) fn print(
        &mut self,
        world: &X,
        text: &str,
        pages: Option<bool>,
        (next, place, pipeline): (Next<X>, Place<X>, Pipeline),
    ) {
        let rows = match pages {
            Some(false) => 0,
            Some(true) => usize::from(self.window.rows),
            None => self.rows(),
        };
        let columns = self.columns();
        let lines = || text.split_inclusive('\n');
        if rows < 2 || lines().map(|line| rows_of(line, columns)).sum::<usize>() < rows {
            self.show(text);
            return self.follow(world, next, &place, pipeline);
        }
        let (left, full) = (lines().map(str::to_owned).collect(), rows - 1);
        self.mode = Mode::Paging(Pager { left, full, next, place, pipeline, search: None });
        self.turn_page(full);
    }

    /// Shows lines up to so many rows, one at least.
    fn turn_page(&mut self, rows: usize) {
        let columns = self.columns();
        let Mode::Paging(pager) = &mut self.mode else { return };
        let (mut shown, mut taken) = (String::new(), 0);
        while let Some(line) = pager.left.front() {
            taken += rows_of(line, columns);
            if taken > rows && !shown.is_empty() {
                break;
            }
            shown.push_str(line);
            pager.left.pop_front();
        }
        self.show(&shown);
        self.ask_more();
    }

    /// Draws the foot of the screen anew, if there is more to come.
    pub(super) fn ask_more(&mut self) {
        let Mode::Paging(pager) = &self.mode else { return };
        if let Some(pattern) = &pager.search {
            let pattern = format!("/{pattern}");
            self.screen.extend_from_slice(pattern.as_bytes());
        } else if !pager.left.is_empty() {
            let more = self.frame().map_or("--More--", |frame| frame.shell.dialect.more);
            self.screen.extend_from_slice(more.as_bytes());
        }
    }

    /// Takes the foot of the screen away.
    pub(super) fn erase_more(&mut self) {
        self.screen.extend_from_slice(ERASE);
    }

    /// Takes a key at the foot of a full screen.
    pub(super) fn page_key(&mut self, now: Now, world: &mut X, byte: u8) {
        let Mode::Paging(pager) = &mut self.mode else { return };
        if pager.search.is_some() {
            return self.search_key(now, world, byte);
        }
        let full = pager.full;
        match byte {
            b' ' | b'f' => self.page_on(now, world, full),
            b'\r' | b'\n' => self.page_on(now, world, 1),
            b'q' | b'Q' => self.page_on(now, world, 0),
            3 => {
                self.rest = None;
                self.page_on(now, world, 0);
            }
            b'/' => {
                pager.search = Some(String::new());
                self.erase_more();
                self.ask_more();
            }
            _ => self.screen.push(7),
        }
    }

    /// Shows so many rows more; none ends the listing.
    fn page_on(&mut self, now: Now, world: &mut X, rows: usize) {
        self.erase_more();
        if rows > 0 {
            self.turn_page(rows);
        } else if let Mode::Paging(pager) = &mut self.mode {
            pager.left.clear();
        }
        self.page_end(now, world);
    }

    /// Goes on with what follows the listing once it is over.
    fn page_end(&mut self, now: Now, world: &mut X) {
        if matches!(&self.mode, Mode::Paging(pager) if !pager.left.is_empty()) {
            return;
        }
        let Mode::Paging(pager) = std::mem::replace(&mut self.mode, Mode::Prompt) else { return };
        self.follow(world, pager.next, &pager.place, pager.pipeline);
        if matches!(self.mode, Mode::Prompt) {
            self.next_command(now, world);
        }
    }

    /// Takes a key of the pattern behind `/`; Enter goes on at the next line that holds it.
    ///
    /// # Source
    /// Recall: the `more` of the family says `...skipping` and `Pattern not found`.
    fn search_key(&mut self, now: Now, world: &mut X, byte: u8) {
        let Mode::Paging(pager) = &mut self.mode else { return };
        let Some(text) = &mut pager.search else { return };
        match byte {
            b'\r' | b'\n' => {
                let found = Pattern::new(text, Reading::default())
                    .and_then(|pattern| pager.left.iter().position(|line| pattern.matches(line)));
                pager.search = None;
                pager.left.drain(..found.unwrap_or(0));
                let rows = pager.full.saturating_sub(1).max(1);
                self.erase_more();
                if found.is_none() {
                    self.show("Pattern not found\n");
                    return self.ask_more();
                }
                self.show("...skipping\n");
                self.turn_page(rows);
                return self.page_end(now, world);
            }
            3 => pager.search = None,
            8 | 0x7f => {
                if text.pop().is_none() {
                    pager.search = None;
                }
            }
            0x20..0x7f if text.len() < PATTERN_MAX => text.push(char::from(byte)),
            _ => self.screen.push(7),
        }
        self.erase_more();
        self.ask_more();
    }
}

/// Returns how many rows of the screen a line takes; 0 columns are as many as it needs.
fn rows_of(line: &str, columns: u16) -> usize {
    let taken = edit::columns_of(line.trim_end_matches(['\r', '\n']));
    match usize::from(columns) {
        0 => 1,
        columns => taken.div_ceil(columns).max(1),
    }
}
