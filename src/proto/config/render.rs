//! `show configuration [all] [pending]`.
//!
//! Column 0 is the mark: blank, `+` or `-`. Then come four blanks a level. A secret is a comment: a
//! `!` in the first column of its indent, and no value.
//!
//! # Source
//! Seed, `show configuration` of `/system/services`: columns, order of the verbs (create, delete,
//! disable, enable, enter, scope, set), quotes, `exit`. Client mock of unicon: `+` at column 0.

use std::fmt::Write as _;

use super::objects::Objects;
use super::path::Path;
use super::schema::{Class, Origin, Property, Shown, Verb};
use super::value::{Kind, Value};

/// Returns the commands that make the object at `path` and all below it; at the root those of
/// every object. With `all` the properties with their defaults are printed too.
pub fn configuration(objects: &Objects, path: &Path, all: bool) -> String {
    let show = Show { before: objects, after: objects, all, changes: false };
    show.text(path)
}

/// Returns what leads from one tree to another, at `path` and below.
pub fn pending_configuration(before: &Objects, after: &Objects, path: &Path) -> String {
    let show = Show { before, after, all: false, changes: true };
    show.text(path)
}

struct Show<'a> {
    before: &'a Objects,
    after: &'a Objects,
    all: bool,
    /// Print only what differs, and the scopes around it.
    changes: bool,
}

/// One printed line, before its indent.
#[derive(Clone, Debug)]
struct Line {
    mark: char,
    level: usize,
    comment: bool,
    text: String,
}

/// Lines that stay together, and the rank of their verb.
type Entry = (Rank, Vec<Line>);

/// The order of verbs in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Create,
    Delete,
    Disable,
    Enable,
    Enter,
    Scope,
    Set,
    Act,
}

impl Show<'_> {
    fn text(&self, path: &Path) -> String {
        let lines = if path.steps().is_empty() {
            self.body(path, 0, ' ')
        } else {
            self.object(path, 0).map(|(_, lines)| lines).unwrap_or_default()
        };
        let mut text = String::new();
        for line in lines {
            let columns = line.level * 4;
            let indent = match (line.comment, columns) {
                (true, 0) => "! ".to_owned(),
                (true, columns) => format!("!{}", " ".repeat(columns - 1)),
                (false, columns) => " ".repeat(columns),
            };
            let _ = writeln!(text, "{}{indent}{}", line.mark, line.text); // A String never fails.
        }
        text
    }

    /// Returns the lines of one object, opening and `exit` included; `None` for none.
    fn object(&self, path: &Path, level: usize) -> Option<Entry> {
        let (was, is) = (self.before.exists(path), self.after.exists(path));
        let mark = match (was, is) {
            (true, true) => ' ',
            (false, true) => '+',
            (true, false) => '-',
            (false, false) => return None,
        };
        let class = path.class();
        let body = if class.mode { self.body(path, level + 1, mark) } else { Vec::new() };
        let made = matches!(class.origin, Origin::Operator { .. });
        if body.is_empty() && (self.changes && mark == ' ' || !made && level > 0) {
            return None;
        }
        let (rank, word) = match (class.origin, mark) {
            (Origin::Single | Origin::Hardware | Origin::Stock | Origin::Derived, _) => {
                (Rank::Scope, "scope")
            }
            // Client mock of unicon: a new object is pending as `create`.
            (Origin::Operator { .. }, '+') => (Rank::Enter, "create"),
            (Origin::Operator { .. }, _) => (Rank::Enter, "enter"),
        };
        let side = if is { self.after } else { self.before };
        let mut text = format!("{word} {}", class.name);
        for key in path.key() {
            text = text + " " + &quoted(key);
        }
        for property in class.born_with {
            text = text + " " + &quoted(&property.kind.typed(&side.value(path, property)));
        }
        let line = |text: String| Line { mark, level, comment: false, text };
        let mut lines = vec![line(text)];
        if class.mode {
            lines.extend(body);
            lines.push(line("exit".to_owned()));
        }
        Some((rank, lines))
    }

    /// Returns properties and children of an object, sorted as listings are.
    fn body(&self, path: &Path, level: usize, mark: char) -> Vec<Line> {
        let mut entries: Vec<Entry> = Vec::new();
        for class in path.class().children.iter().filter(|class| class.is_configured()) {
            entries.extend(self.paths(path, class).iter().filter_map(|p| self.object(p, level)));
        }
        let properties = path.class().properties;
        for property in properties.iter().filter(|property| property.is_configured()) {
            let line = path.class().line_of(property);
            if line.first().is_some_and(|first| first.id() == property.id()) {
                entries.extend(self.property(path, &line, level, mark));
            }
        }
        entries.sort_by_key(|(rank, _)| *rank);
        entries.into_iter().flat_map(|(_, lines)| lines).collect()
    }

    fn paths(&self, path: &Path, class: &Class) -> Vec<Path> {
        let mut paths = self.after.children(path, class.name);
        if self.changes {
            paths.extend(self.before.children(path, class.name));
            paths.sort();
            paths.dedup();
        }
        paths
    }

    /// Returns the line of a property, or of a group; two if its value is pending.
    fn property(&self, path: &Path, line: &[&Property], level: usize, mark: char) -> Vec<Entry> {
        let render = |objects: &Objects, mark: char| {
            let (rank, texts) = self.property_text(objects, path, line)?;
            let comment = line.iter().any(|property| property.is_secret());
            let lines = texts.into_iter().map(|text| Line { mark, level, comment, text });
            Some((rank, lines.collect::<Vec<Line>>()))
        };
        let same = line
            .iter()
            .all(|property| self.before.value(path, property) == self.after.value(path, property));
        match mark {
            '-' => render(self.before, '-').into_iter().collect(),
            '+' => render(self.after, '+').into_iter().collect(),
            _ if same && self.changes => Vec::new(),
            _ if same => render(self.after, ' ').into_iter().collect(),
            _ => {
                [render(self.before, '-'), render(self.after, '+')].into_iter().flatten().collect()
            }
        }
    }

    /// Returns the text of a property or group; several lines for certificates.
    fn property_text(
        &self,
        objects: &Objects,
        path: &Path,
        line: &[&Property],
    ) -> Option<(Rank, Vec<String>)> {
        let first = line.first()?;
        let value = objects.value(path, first);
        let usual = line.iter().all(|p| objects.value(path, p) == p.default_value());
        if usual && !self.all && line.iter().all(|p| p.shown == Shown::Changed) {
            return None;
        }
        let on = value == Value::Flag(true);
        let (rank, verb) = match (first.verb, on) {
            (Verb::Enable, true) => (Rank::Enable, "enable"),
            (Verb::Enable, false) => (Rank::Disable, "disable"),
            (Verb::Create, true) => (Rank::Create, "create"),
            (Verb::Create, false) => (Rank::Delete, "delete"),
            (Verb::Act, true) => (Rank::Act, ""),
            (Verb::Act, false) | (Verb::Fact, _) => return None,
            (Verb::Set, _) => {
                return set_text(objects, path, line).map(|texts| (Rank::Set, texts));
            }
        };
        Some((rank, vec![format!("{verb} {}", first.words).trim().to_owned()]))
    }
}

/// Returns the `set` line of a property or group.
fn set_text(objects: &Objects, path: &Path, line: &[&Property]) -> Option<Vec<String>> {
    let first = line.first()?;
    if first.is_secret() {
        return Some(vec![format!("set {}", first.words)]);
    }
    let value = objects.value(path, first);
    if let (Kind::Pem, Value::Text(chain)) = (first.kind, &value) {
        let mut lines = vec![format!("set {}", first.words)];
        lines.extend(chain.lines().map(str::to_owned));
        lines.push("ENDOFBUF".to_owned());
        return Some(lines);
    }
    let Some(group) = first.group else {
        let text = value_text(first, &value)?;
        return Some(vec![format!("set {} {text}", first.words)]);
    };
    let mut text = format!("set {group}").trim_end().to_owned();
    let mut any = false;
    for property in line {
        if let Some(value) = value_text(property, &objects.value(path, property)) {
            text = text + " " + property.keyword() + " " + &value;
            any = true;
        }
    }
    any.then(|| vec![text])
}

/// Returns a value as it is typed, quoted where it must be; `None` for what can't be typed.
fn value_text(property: &Property, value: &Value) -> Option<String> {
    match (property.kind, value) {
        (Kind::Text { .. } | Kind::Name { .. } | Kind::SshKeys { .. }, Value::Unset) => {
            Some("\"\"".to_owned())
        }
        (_, Value::Unset) => None,
        // A list, a range and a date are several words, not one with blanks.
        (Kind::List(_) | Kind::Range4 | Kind::Range6 | Kind::Date, value) => {
            Some(property.kind.typed(value))
        }
        (_, value) => Some(quoted(&property.kind.typed(value))),
    }
}

/// Puts quotes around a text that the command line would not read as one plain word.
fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/,@+%=*".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}
