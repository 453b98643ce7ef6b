//! Where an object stands in the tree.

use std::cmp::Ordering;
use std::fmt;

use super::schema::{Class, ROOT};

/// One level of a path: a class and, where it has keys, which instance.
#[derive(Clone, Debug)]
pub struct Step {
    pub class: &'static Class,
    /// One text a key of the class, in canonical form.
    pub key: Vec<String>,
}

/// The way from the root to an object; the root's own is empty.
///
/// Paths sort as listings do: natural order without regard to case, so that `Ethernet1/2` comes
/// before `Ethernet1/10`, and a subtree is one contiguous range.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root.
    pub const fn root() -> Path {
        Path(Vec::new())
    }

    /// Returns the path of a child.
    pub fn child(&self, class: &'static Class, key: &[&str]) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step { class, key: key.iter().map(|&part| part.to_owned()).collect() });
        Path(steps)
    }

    /// Builds a path from names, `[("system", &[]), ("services", &[])]`; `None` if the schema has
    /// no such class there or the number of keys differs.
    pub fn find(names: &[(&str, &[&str])]) -> Option<Path> {
        names.iter().try_fold(Path::root(), |path, (name, key)| {
            let class = path.class().child(name)?;
            (class.key.len() == key.len()).then(|| path.child(class, key))
        })
    }

    /// Returns the path of the object above; `None` for the root.
    pub fn parent(&self) -> Option<Path> {
        let (_, above) = self.0.split_last()?;
        Some(Path(above.to_vec()))
    }

    /// Returns the class of the object at this path.
    pub fn class(&self) -> &'static Class {
        self.0.last().map_or(&ROOT, |step| step.class)
    }

    /// Returns the keys of the object at this path.
    pub fn key(&self) -> &[String] {
        self.0.last().map_or(&[], |step| &step.key)
    }

    /// Returns the first key, or nothing for a class without keys.
    pub fn name(&self) -> &str {
        self.key().first().map_or("", String::as_str)
    }

    /// Returns the levels, the topmost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Tells whether this is `other` or lies below it.
    pub fn is_within(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Returns the mode's name as prompts print it, `/system/services`; empty for the root.
    ///
    /// # Source
    /// Seed and published captures: the names of the modes, without keys.
    pub fn mode(&self) -> String {
        self.0.iter().map(|step| format!("/{}", step.class.name)).collect()
    }
}

impl fmt::Display for Path {
    /// Writes `/system/services/ntp-server 172.18.108.14`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            write!(f, "/{}", step.class.name)?;
            for key in &step.key {
                write!(f, " {key}")?;
            }
        }
        Ok(())
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Step) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Step) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Step {
    fn cmp(&self, other: &Step) -> Ordering {
        let keys = || {
            let pairs = self.key.iter().zip(&other.key);
            let first = pairs.map(|(a, b)| natural(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| self.key.len().cmp(&other.key.len()))
        };
        self.class.name.cmp(other.class.name).then_with(keys)
    }
}

/// Compares runs of digits as numbers and letters without regard to case; equal only if identical.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, m) = (digits(&mut left), digits(&mut right));
            n.len().cmp(&m.len()).then_with(|| n.cmp(m))
        } else {
            left = left.get(x.len_utf8()..).unwrap_or_default();
            right = right.get(y.len_utf8()..).unwrap_or_default();
            x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase())
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the leading digits off `text` and returns them without leading zeros.
fn digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    run.trim_start_matches('0')
}
