//! The authority's event log: the last things that happened, in a ring.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::base::time::Utc;

/// Entries kept; a newer one takes the place of the oldest, in flash too.
pub const EVENTS_MAX: usize = 1_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counts from 0 and never goes back.
    pub number: u64,
    pub at: Utc,
    /// Product instance identifier; empty for what concerns none.
    pub instance: String,
    /// One sentence.
    pub text: String,
}

/// The entries, oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Journal {
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Adds an entry; returns it with its place in the ring.
    pub(super) fn note(&mut self, at: Utc, instance: &str, text: &str) -> (u64, &Entry) {
        if self.entries.len() >= EVENTS_MAX {
            self.entries.pop_front();
        }
        let number = self.next;
        self.next += 1;
        let entry = Entry { number, at, instance: instance.to_owned(), text: text.to_owned() };
        self.entries.push_back(entry);
        let last = self.entries.back().expect("one was pushed above");
        (number % EVENTS_MAX as u64, last)
    }

    /// Puts back an entry that was read from flash; they come in any order.
    pub(super) fn restore(&mut self, entry: Entry) {
        self.next = self.next.max(entry.number.saturating_add(1));
        let at = self.entries.partition_point(|known| known.number < entry.number);
        self.entries.insert(at, entry);
    }
}
