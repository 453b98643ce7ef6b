//! `show fault`.
//!
//! # Source
//! Recall of the UCS sibling's table and list; the codes are the MIB's.

use std::fmt::Write as _;

use super::listing;
use crate::base::time::Utc;
use crate::proto::config::schema::Column;
use crate::proto::faults::{Fault, Severity};

const COLUMNS: &[Column] = &[
    Column::new("Severity", 9),
    Column::new("Code", 8),
    Column::new("Last Transition Time", 24),
    Column::number("ID", 8),
    Column::new("Description", 11),
];

/// The table of faults.
pub fn table(faults: &[&Fault]) -> String {
    if faults.is_empty() {
        return String::new();
    }
    let row = |fault: &&Fault| {
        vec![
            fault.severity.text().to_owned(),
            code(fault),
            stamp(fault.changed),
            fault.id.to_string(),
            fault.text.clone(),
        ]
    };
    listing::table(None, COLUMNS, &faults.iter().map(row).collect::<Vec<_>>())
}

/// One list a fault.
pub fn detail(faults: &[&Fault]) -> String {
    let mut text = String::new();
    for (i, fault) in faults.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        let previous = match (fault.severity == Severity::Cleared, fault.occurrences) {
            (true, _) | (false, 1) => fault.kind.severity,
            (false, _) => Severity::Cleared,
        };
        let rows = [
            ("Severity", fault.severity.text().to_owned()),
            ("Code", code(fault)),
            ("Last Transition Time", stamp(fault.changed)),
            ("ID", fault.id.to_string()),
            ("Status", "None".to_owned()),
            ("Description", fault.text.clone()),
            ("Affected Object", fault.object.clone()),
            ("Name", fault.kind.name.to_owned()),
            ("Cause", spoken(fault.kind.cause)),
            ("Type", fault.kind.class.to_owned()),
            ("Acknowledged", "No".to_owned()),
            ("Occurrences", fault.occurrences.to_string()),
            ("Creation Time", stamp(fault.created)),
            ("Original Severity", fault.kind.severity.text().to_owned()),
            ("Previous Severity", previous.text().to_owned()),
            ("Highest Severity", fault.kind.severity.text().to_owned()),
        ];
        for (label, value) in rows {
            let _ = writeln!(text, "{label}: {value}"); // A String never fails.
        }
    }
    text
}

fn code(fault: &Fault) -> String {
    format!("F{:04}", fault.kind.code)
}

/// `link-down` as `Link Down`.
fn spoken(cause: &str) -> String {
    let words = cause.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `2020-08-04T09:55:50.000`.
pub fn stamp(at: Utc) -> String {
    let c = at.civil();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}",
        c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond
    )
}
