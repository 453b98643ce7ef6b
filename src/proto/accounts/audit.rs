//! The audit log: who came, who left, who changed what. Bounded, oldest out first.
//!
//! Flash keeps it in pages, so that a new record rewrites one page and not the whole log.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::base::time::Utc;

/// Records on one page of flash.
pub const PAGE_RECORDS: u64 = 32;
/// Pages that flash keeps; with the next one the oldest is written over.
pub const PAGES: u64 = 16;
/// Longest text of a field, in characters; what an unknown visitor says about himself is cut.
const FIELD_MAX: usize = 512;

/// What was done to the object.
///
/// # Source
/// Vendor's operational guide of the 4100, auditable events, `[modification]`; the sibling UCS
/// lists creation, deletion and modification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Creation,
    Deletion,
    Modification,
    /// Something was refused or happened that changes no object.
    Special,
}

impl Action {
    /// Returns the word of listings.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Creation => "Creation",
            Action::Deletion => "Deletion",
            Action::Modification => "Modification",
            Action::Special => "Special",
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Counts up from 1 and is never given twice.
    pub id: u64,
    pub at: Utc,
    /// Who did it; `internal` for the chassis itself.
    pub user: String,
    /// The session in which it was done, `pts_0_1_17`; `internal` for none.
    pub session: String,
    pub action: Action,
    /// The object, `/security/local-user jo`.
    pub object: String,
    /// The properties that changed, separated by blanks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub properties: String,
    pub text: String,
    /// How many times in a row the same thing was refused.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

fn is_once(times: &u32) -> bool {
    *times == 1
}

/// A page of flash: its number, 0 to [`PAGES`] - 1, and what stands on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub number: u64,
    pub records: Vec<Record>,
}

/// What somebody does, as far as the log does not add it by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub user: String,
    pub session: String,
    pub action: Action,
    pub object: String,
    pub properties: String,
    pub text: String,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    records: VecDeque<Record>,
    last: u64,
    unsaved: BTreeSet<u64>,
}

impl Audit {
    /// Reads what flash kept; pages may come in any order.
    pub fn restore(pages: Vec<Page>) -> Audit {
        let mut records: Vec<Record> = pages.into_iter().flat_map(|page| page.records).collect();
        records.sort_by_key(|record| record.id);
        records.dedup_by_key(|record| record.id);
        let last = records.last().map_or(0, |record| record.id);
        let mut audit = Audit { records: records.into(), last, unsaved: BTreeSet::new() };
        audit.trim();
        audit
    }

    /// Returns the records, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter()
    }

    /// Adds a record. The same refusal again only counts up, so that whoever knocks often does not
    /// push out what others did.
    pub fn push(&mut self, at: Utc, entry: Entry) {
        let Entry { user, session, action, object, properties, text } = entry;
        let [user, session, object, properties, text] =
            [user, session, object, properties, text].map(cut);
        if action == Action::Special
            && let Some(same) = self.records.back_mut()
            && same.action == action
            && (&same.user, &same.object, &same.text) == (&user, &object, &text)
        {
            same.at = at;
            same.times = same.times.saturating_add(1);
            self.unsaved.insert(page_of(same.id));
            return;
        }
        self.last += 1;
        let id = self.last;
        let record = Record { id, at, user, session, action, object, properties, text, times: 1 };
        self.records.push_back(record);
        self.unsaved.insert(page_of(id));
        self.trim();
    }

    /// Returns the pages that flash does not have yet.
    pub fn take_unsaved(&mut self) -> Vec<Page> {
        let numbers = std::mem::take(&mut self.unsaved);
        let page = |number| Page {
            number,
            records: self.records.iter().filter(|r| page_of(r.id) == number).cloned().collect(),
        };
        numbers.into_iter().map(page).collect()
    }

    fn trim(&mut self) {
        // A page is written over as a whole, so the oldest page goes as a whole.
        let first = (self.last / PAGE_RECORDS).saturating_sub(PAGES - 1) * PAGE_RECORDS;
        while self.records.front().is_some_and(|record| record.id < first) {
            self.records.pop_front();
        }
    }
}

const fn page_of(id: u64) -> u64 {
    id / PAGE_RECORDS % PAGES
}

fn cut(text: String) -> String {
    let plain = |c: char| if c.is_control() { '?' } else { c };
    text.chars().take(FIELD_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(action: Action, text: &str) -> Entry {
        let [user, session, object] = ["jo", "pts_0_1_1", "/x"].map(str::to_owned);
        Entry { user, session, action, object, properties: String::new(), text: text.to_owned() }
    }

    fn at(s: i64) -> Utc {
        Utc::from_unix_s(s)
    }

    #[test]
    fn the_oldest_go_first_and_flash_has_what_memory_has() {
        let mut audit = Audit::default();
        let mut flash = std::collections::BTreeMap::new();
        for n in 0..2000 {
            audit.push(at(n), entry(Action::Creation, &n.to_string()));
            if n % 7 == 0 {
                flash.extend(audit.take_unsaved().into_iter().map(|page| (page.number, page)));
            }
        }
        flash.extend(audit.take_unsaved().into_iter().map(|page| (page.number, page)));
        let kept: Vec<Record> = audit.records().cloned().collect();
        let full = usize::try_from(PAGES * PAGE_RECORDS).unwrap();
        assert!(kept.len() <= full && kept.len() > full - usize::try_from(PAGE_RECORDS).unwrap());
        assert_eq!(kept.last().unwrap().text, "1999");
        let again = Audit::restore(flash.into_values().rev().collect());
        assert_eq!(again.records().cloned().collect::<Vec<_>>(), kept);
        assert_eq!(again.last, audit.last);
    }

    #[test]
    fn one_record_rewrites_one_page() {
        let mut audit = Audit::default();
        for n in 0..100 {
            audit.push(at(n), entry(Action::Creation, "x"));
        }
        audit.take_unsaved();
        audit.push(at(100), entry(Action::Creation, "y"));
        let pages = audit.take_unsaved();
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0].records.last().unwrap().text, "y");
        assert_eq!(audit.take_unsaved(), []);
    }

    #[test]
    fn a_refusal_that_repeats_counts_up() {
        let mut audit = Audit::default();
        audit.push(at(1), entry(Action::Creation, "before"));
        for n in 2..1000 {
            audit.push(at(n), entry(Action::Special, "refused"));
        }
        let [before, refused] =
            <[Record; 2]>::try_from(audit.records().cloned().collect::<Vec<_>>()).unwrap();
        assert_eq!((before.text.as_str(), before.times), ("before", 1));
        assert_eq!((refused.at, refused.times), (at(999), 998));
        audit.push(at(1000), entry(Action::Special, "refused otherwise"));
        assert_eq!(audit.records().count(), 3);
    }

    #[test]
    fn what_a_visitor_says_is_cut_and_cleaned() {
        let mut audit = Audit::default();
        audit.push(at(1), entry(Action::Special, &format!("a\x1b[2J{}", "x".repeat(5000))));
        let text = &audit.records().next().unwrap().text;
        assert_eq!(text.chars().count(), FIELD_MAX);
        assert!(text.starts_with("a?[2J"));
    }
}
