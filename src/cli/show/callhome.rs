//! `show [detail] [expand]` of `/monitoring/callhome`.
//!
//! # Source
//! Seed, `show expand`: labels, order, dashes. Its page lost the indent; four blanks a level are
//! those of other detail listings, reference 2.5.

use std::fmt::Write as _;

use crate::proto::config::schema::{Class, Property};
use crate::proto::config::{Objects, Path, facts};

/// Columns of a destination's name, protocol and address.
///
/// # Source
/// Seed, `show expand`: the dashes below them.
const DESTINATION_COLUMNS: [usize; 3] = [10, 18, 31];

/// How much of callhome is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The objects below it too.
    pub expand: bool,
    /// Lists in place of tables.
    pub detail: bool,
}

/// `show expand` and its kin.
///
/// # Source
/// Seed for `show expand`; `show detail expand`, of which it shows the command only, has lists in
/// place of the two tables by recall.
pub fn callhome(objects: &Objects, form: Form) -> String {
    let path = facts::callhome();
    let mut out = Out { text: String::new() };
    out.line(0, "Callhome:");
    out.properties(objects, &path, 1);
    if form.expand {
        for class in path.class().children {
            for (i, child) in objects.children(&path, class.name).iter().enumerate() {
                if i == 0 {
                    out.line(1, &format!("{}:", class.title));
                }
                out.below(objects, child, form);
            }
        }
    }
    out.text
}

struct Out {
    text: String,
}

impl Out {
    fn line(&mut self, level: usize, text: &str) {
        // A String never fails.
        let _ = writeln!(self.text, "{}{}", "    ".repeat(level), text.trim_end());
    }

    fn properties(&mut self, objects: &Objects, path: &Path, level: usize) {
        for (key, text) in path.class().key.iter().zip(path.key()) {
            self.line(level, &format!("{}: {text}", key.label));
        }
        for property in labelled(path.class()) {
            let value = objects.listed(path, property);
            self.line(level, &format!("{}: {value}", property.label));
        }
    }

    fn below(&mut self, objects: &Objects, path: &Path, form: Form) {
        match path.class().name {
            "anonymous-reporting" if !form.detail => {
                for property in labelled(path.class()) {
                    self.line(2, property.label);
                    self.line(2, &"-".repeat(property.label.len()));
                    self.line(2, &objects.listed(path, property));
                }
            }
            "inventory" => {
                self.properties(objects, path, 2);
                // No inventory is ever sent: its receiver is not the licence authority.
                self.line(2, "Time last sent: Never");
                self.line(2, "Next scheduled: Never");
            }
            _ => {
                self.properties(objects, path, 2);
                self.destinations(objects, path, form);
            }
        }
    }

    fn destinations(&mut self, objects: &Objects, profile: &Path, form: Form) {
        let paths = objects.children(profile, "destination");
        let Some(class) = paths.first().map(Path::class) else {
            return;
        };
        self.line(2, &format!("{}:", class.title));
        if form.detail {
            return paths.iter().for_each(|path| self.properties(objects, path, 3));
        }
        let keys = class.key.iter().map(|key| key.label);
        let labels: Vec<&str> = keys.chain(labelled(class).map(|p| p.label)).collect();
        self.row(labels.iter().copied());
        let dashes = DESTINATION_COLUMNS.map(|columns| "-".repeat(columns));
        self.row(dashes.iter().map(String::as_str));
        for path in &paths {
            let listed: Vec<String> =
                labelled(class).map(|property| objects.listed(path, property)).collect();
            self.row(std::iter::once(path.name()).chain(listed.iter().map(String::as_str)));
        }
    }

    fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        let cells = cells.zip(DESTINATION_COLUMNS);
        let padded: Vec<String> = cells.map(|(cell, columns)| format!("{cell:columns$}")).collect();
        self.line(3, &padded.join(" "));
    }
}

fn labelled(class: &'static Class) -> impl Iterator<Item = &'static Property> {
    class.all_properties().filter(|property| !property.label.is_empty())
}
