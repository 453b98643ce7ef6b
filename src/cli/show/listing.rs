//! `show`, `show detail`, `show expand` of every class of the schema: tables and lists.
//!
//! # Source
//! Reference 2.5: a heading, then four blanks a level; a value wider than its column pushes the rest
//! of the row to a new line. Seed, `show expand` of callhome: the same heading and blanks for what
//! lies below an object. Clients split records of a detail listing at blank lines.

use crate::proto::config::schema::{Class, Column, Property, Verb};
use crate::proto::config::{Objects, Path};
use crate::proto::mio::Mio;
use crate::proto::observed;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Lists in place of tables.
    pub detail: bool,
    /// The objects below too.
    pub expand: bool,
}

/// What is looked at: the configuration as one session sees it, and the machine.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub mio: &'a Mio,
    pub objects: &'a Objects,
    /// Wall time, Unix seconds.
    pub unix_s: i64,
}

/// `show [detail] [expand]` of one object.
pub fn object(view: View<'_>, path: &Path, form: Form) -> String {
    let mut out = Out { view, form, text: String::new() };
    if path.class().listing.sections {
        out.sections(path);
    } else {
        out.group(std::slice::from_ref(path), 0, false);
    }
    if form.expand && path.class().listing.sections {
        out.below(path, 0);
    }
    out.text
}

/// `show CLASS [KEY] [detail] [expand]`: these objects of one class.
pub fn objects(view: View<'_>, paths: &[Path], form: Form) -> String {
    let mut out = Out { view, form, text: String::new() };
    out.group(paths, 0, false);
    out.text
}

/// As [`objects`], without heading and indent: objects of several parents.
pub fn bare(view: View<'_>, paths: &[Path], form: Form) -> String {
    let text = objects(view, paths, form);
    let lines = text.lines().skip(1).map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// `show WORD`: the properties of an object whose words begin with `word`.
pub fn section(view: View<'_>, path: &Path, word: &str) -> String {
    let mut out = Out { view, form: Form::default(), text: String::new() };
    out.section(path, word);
    out.text
}

/// Returns the first words of the labelled properties of a class, each once.
pub fn section_words(class: &'static Class) -> Vec<&'static str> {
    let mut words = Vec::new();
    for property in labelled(class) {
        let word = first_word(property);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// Tells whether there is anything to list of a class itself.
pub fn is_listed(class: &'static Class) -> bool {
    !labels(class).is_empty()
}

/// Lays out a table of one's own: heading, columns, rows.
pub fn table(title: Option<&str>, columns: &[Column], rows: &[Vec<String>]) -> String {
    let mut text = title.map_or(String::new(), |title| format!("{title}:\n"));
    let indent = if title.is_some() { INDENT } else { 0 };
    lay_out(&mut text, columns, rows, indent);
    text
}

/// Blanks a level.
const INDENT: usize = 4;

struct Out<'a> {
    view: View<'a>,
    form: Form,
    text: String,
}

impl Out<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        let line = format!("{}{}", " ".repeat(indent), text);
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Lists objects of one class. `nested` is false for those that were asked for.
    fn group(&mut self, paths: &[Path], indent: usize, nested: bool) {
        let Some(class) = paths.first().map(Path::class) else { return };
        if !is_listed(class) {
            // Nothing to say of it; what lies below may have.
            let looked_into = if self.form.expand { paths } else { &[] };
            return looked_into.iter().for_each(|path| self.below(path, indent));
        }
        let bare = class.listing.bare && !nested;
        if !bare {
            self.line(indent, &format!("{}:", class.title));
        }
        let indent = if bare { indent } else { indent + INDENT };
        let deep = self.form.expand && !class.children.is_empty();
        if !self.form.detail && !deep && !class.listing.table.is_empty() {
            let columns = class.listing.table;
            let view = self.view;
            let cells =
                |path| columns.iter().map(|column| cell(view, path, column.label)).collect();
            let rows: Vec<Vec<String>> = paths.iter().map(cells).collect();
            return lay_out(&mut self.text, columns, &rows, indent);
        }
        for (i, path) in paths.iter().enumerate() {
            if i > 0 && self.form.detail {
                self.text.push('\n');
            }
            for label in labels(class) {
                let value = cell(self.view, path, label);
                self.line(indent, &format!("{label}: {}", value.trim_end()));
            }
            if self.form.expand {
                self.below(path, indent);
            }
        }
    }

    fn below(&mut self, path: &Path, indent: usize) {
        for class in path.class().children {
            let children = self.view.objects.children(path, class.name);
            self.group(&children, indent, true);
        }
    }

    fn sections(&mut self, path: &Path) {
        for word in section_words(path.class()) {
            self.section(path, word);
        }
    }

    /// # Source
    /// Seed, `show timezone`, for a property alone; the UCS sibling's `Name: https` for several, by
    /// recall.
    fn section(&mut self, path: &Path, word: &str) {
        let class = path.class();
        let of_it: Vec<&Property> = labelled(class).filter(|p| first_word(p) == word).collect();
        if let [only] = of_it[..]
            && only.words == word
        {
            return self.line(0, &format!("{}: {}", only.label, value(self.view, path, only)));
        }
        self.line(0, &format!("Name: {}", word.trim_end_matches("-server")));
        for property in of_it {
            let value = value(self.view, path, property);
            self.line(INDENT, &format!("{}: {value}", property.label));
        }
    }
}

fn first_word(property: &Property) -> &'static str {
    property.words.split(' ').next().unwrap_or_default()
}

/// Returns the properties that listings show.
fn labelled(class: &'static Class) -> impl Iterator<Item = &'static Property> {
    class.all_properties().filter(|property| !property.label.is_empty())
}

/// Returns the labels of a list in their order.
fn labels(class: &'static Class) -> Vec<&'static str> {
    if !class.listing.detail.is_empty() {
        return class.listing.detail.to_vec();
    }
    let keys = class.key.iter().map(|key| key.label);
    keys.chain(labelled(class).map(|property| property.label)).collect()
}

/// Returns what an object shows under a label.
pub fn cell(view: View<'_>, path: &Path, label: &str) -> String {
    let class = path.class();
    if let Some(at) = class.key.iter().position(|key| key.label == label) {
        let (kind, text) = (class.key[at].kind, path.key().get(at).map_or("", String::as_str));
        return kind.parse(text).map_or(text.to_owned(), |value| kind.listed(&value));
    }
    let property = labelled(class).find(|property| property.label == label);
    property.map_or(String::new(), |property| value(view, path, property))
}

fn value(view: View<'_>, path: &Path, property: &Property) -> String {
    let measured = match property.verb {
        Verb::Fact => observed::read(view.mio, view.unix_s, path, property),
        Verb::Set | Verb::Enable | Verb::Create | Verb::Act => None,
    };
    measured.unwrap_or_else(|| view.objects.listed(path, property))
}

fn lay_out(text: &mut String, columns: &[Column], rows: &[Vec<String>], indent: usize) {
    let labels: Vec<String> = columns.iter().map(|column| column.label.to_owned()).collect();
    let dashes: Vec<String> = columns.iter().map(|column| "-".repeat(column.width)).collect();
    let left = |column: &Column| Column { right: false, ..*column };
    let heads: Vec<Column> = columns.iter().map(left).collect();
    row(text, &heads, &labels, indent);
    row(text, &heads, &dashes, indent);
    for cells in rows {
        row(text, columns, cells, indent);
    }
}

/// Writes one row. What is wider than its column stands alone, and the next column begins where it
/// would have on a line below.
fn row(text: &mut String, columns: &[Column], cells: &[String], indent: usize) {
    let mut line = " ".repeat(indent);
    let mut start = indent;
    for (i, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let width = cell.chars().count();
        let room = column.width.saturating_sub(width);
        start += column.width + 1;
        if column.right {
            line.push_str(&" ".repeat(room));
        }
        line.push_str(cell);
        if i + 1 == columns.len() {
            break;
        }
        if width > column.width {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(start);
        } else {
            line.push_str(&" ".repeat(if column.right { 1 } else { room + 1 }));
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
