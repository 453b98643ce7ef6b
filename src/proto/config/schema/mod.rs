//! The schema: every class of managed object, its properties, and where each fact comes from.
//!
//! One table is the source of `create`, `enter`, `delete`, `set`, `enable`, `show`, `show
//! configuration`, the web page and the flash. A property is one row here and nothing elsewhere; a
//! value that is measured is one row here and one in [`observed`](crate::proto::observed).

mod firmware;
mod hardware;
mod monitoring;
mod security;
mod ssa;
mod system;
mod uplink;

pub use security::ROLES;

use super::value::{Kind, Value, Word};
use crate::base::source::Source;

/// A class of managed object; also a mode of the command line.
#[derive(Debug)]
pub struct Class {
    /// The word that is typed, and the mode's name in prompts.
    pub name: &'static str,
    /// Heading of a listing, `Destination Profile`.
    pub title: &'static str,
    pub help: &'static str,
    pub key: &'static [Key],
    pub origin: Origin,
    /// Whether `create` and `enter` move into the object. `enter dns A` does not.
    pub mode: bool,
    /// Properties given with `create` and fixed from then on, `APP SLOT TYPE` of a logical device.
    pub born_with: &'static [Property],
    pub properties: &'static [Property],
    pub children: &'static [&'static Class],
    /// First keys of instances that may not be deleted.
    pub locked: &'static [&'static str],
    pub listing: Listing,
    pub source: Source,
}

/// How the objects of a class are listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Columns of its table; empty for a class that is always a list.
    pub table: &'static [Column],
    /// Labels of its list in their order; empty for keys first, then properties as they stand.
    pub detail: &'static [&'static str],
    /// True if neither heading nor indent stands around it.
    pub bare: bool,
    /// True if its properties are listed by their first word, one list each: `show https`.
    pub sections: bool,
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Label of the key or property.
    pub label: &'static str,
    pub width: usize,
    /// True if values stand at its right.
    pub right: bool,
}

/// One part of the name that tells instances apart.
#[derive(Debug)]
pub struct Key {
    /// As syntax lines print it, `PREFIX`.
    pub name: &'static str,
    /// As listings print it, `Prefix Length`.
    pub label: &'static str,
    pub kind: Kind,
    pub missing: Missing,
}

/// What a key is that was not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It must be typed.
    Refused,
    /// The first key's text (`app-instance ftd`).
    First,
    /// This text (`scope fabric`).
    Text(&'static str),
}

/// Who makes instances of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Exactly one below each parent, as long as the parent lives.
    Single,
    /// As many as the hardware has; nobody creates or deletes them.
    Hardware,
    /// The operator, at most so many below one parent.
    Operator { max: usize },
    /// The chassis, as images come to it; the operator may delete them.
    Stock,
    /// A commit, from other objects: a port that was broken out has lanes.
    Derived,
}

/// One property of a class.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// The words after the verb, `https port`; empty for a bare `enable`. With the verb they are
    /// unique in the class: `create ssh-server host-key rsa` is not `set ssh-server host-key rsa`.
    pub words: &'static str,
    pub verb: Verb,
    /// Leading words shared by properties that one `set` line gives together.
    pub group: Option<&'static str>,
    pub kind: Kind,
    /// As it is typed; empty for none.
    pub default: &'static str,
    /// As detail listings print it; empty if they don't.
    pub label: &'static str,
    pub shown: Shown,
    /// What `set WORDS` asks for a value that is not typed in the line.
    pub question: Option<Question>,
    pub source: Source,
}

/// How a value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// A line printed before, for a value of several lines; else the prompt.
    pub prompt: &'static str,
    /// Prompt for the same value once more.
    pub again: Option<&'static str>,
}

/// How a property is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `set WORDS VALUE`.
    Set,
    /// `enable WORDS` and `disable WORDS`.
    Enable,
    /// `create WORDS` and `delete WORDS`.
    Create,
    /// `WORDS` alone, with no way back. One without a label is done when it is committed, and not
    /// kept: `reinitialize`.
    Act,
    /// Not set by anyone: a label whose value is measured. Its words are the label.
    Fact,
}

/// What tells a property from the others of its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PropertyId {
    pub verb: Verb,
    pub words: &'static str,
}

/// When `show configuration` prints a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Always,
    /// When it differs from the default; `show configuration all` prints it always.
    Changed,
}

/// `on` and `off`.
pub const ON_OFF: Kind = Kind::Flag(&[("on", "On"), ("off", "Off")]);
/// `yes` and `no`.
pub const YES_NO: Kind = Kind::Flag(&[("yes", "Yes"), ("no", "No")]);
/// For [`Verb::Enable`]: listings print `Enabled` and `Disabled`.
pub const ENABLED: Kind = Kind::Flag(&[("enabled", "Enabled"), ("disabled", "Disabled")]);

impl Property {
    /// A `set` property, printed always, known by recall until [`Property::from`] says better.
    pub const fn set(words: &'static str, label: &'static str, kind: Kind) -> Property {
        Property {
            words,
            verb: Verb::Set,
            group: None,
            kind,
            default: "",
            label,
            shown: Shown::Always,
            question: None,
            source: Source::Recall,
        }
    }

    /// A label of listings whose value is measured, known by recall.
    pub const fn fact(label: &'static str) -> Property {
        let property = Property::set(label, label, Kind::Text { max: 255 });
        Property { verb: Verb::Fact, shown: Shown::Changed, ..property }
    }

    /// As [`Property::fact`], with words of its own, so that it stands in a section.
    pub const fn measured(words: &'static str, label: &'static str) -> Property {
        Property { words, ..Property::fact(label) }
    }

    /// A secret, asked for behind `prompt`.
    pub const fn secret(words: &'static str, label: &'static str, max: usize) -> Property {
        Property::set(words, label, Kind::Secret { max }).asks("Value: ")
    }

    /// A property that a command of its words alone turns on.
    pub const fn act(words: &'static str, label: &'static str) -> Property {
        let property = Property::set(words, label, YES_NO);
        Property { verb: Verb::Act, default: "no", shown: Shown::Changed, ..property }
    }

    /// Sets what is asked for its value.
    pub const fn asks(self, prompt: &'static str) -> Property {
        Property { question: Some(Question { prompt, again: None }), ..self }
    }

    /// Sets what is asked for its value, and what for the same once more.
    pub const fn asks_twice(self, prompt: &'static str, again: &'static str) -> Property {
        Property { question: Some(Question { prompt, again: Some(again) }), ..self }
    }

    /// An `enable` and `disable` property, off by default.
    pub const fn enable(words: &'static str, label: &'static str) -> Property {
        let property = Property::set(words, label, ENABLED);
        Property { verb: Verb::Enable, default: "disabled", ..property }
    }

    /// A `create` and `delete` property without an object of its own, off by default.
    pub const fn create(words: &'static str, label: &'static str) -> Property {
        Property { verb: Verb::Create, ..Property::enable(words, label) }
    }

    /// Sets the default.
    pub const fn default(self, default: &'static str) -> Property {
        Property { default, ..self }
    }

    /// Puts it on one line with the others of `group`.
    pub const fn group(self, group: &'static str) -> Property {
        Property { group: Some(group), ..self }
    }

    /// Leaves it out of `show configuration` as long as it has its default.
    pub const fn quiet(self) -> Property {
        Property { shown: Shown::Changed, ..self }
    }

    /// Says where it is known from.
    pub const fn from(self, source: Source) -> Property {
        Property { source, ..self }
    }

    /// Returns what tells it from the others of its class.
    pub const fn id(&self) -> PropertyId {
        PropertyId { verb: self.verb, words: self.words }
    }

    /// Returns the default as a value.
    pub fn default_value(&self) -> Value {
        // A test parses every default of the schema.
        self.kind.parse(self.default).unwrap_or(Value::Unset)
    }

    /// Tells whether `set WORDS ""` is allowed, which clears it.
    pub const fn is_clearable(&self) -> bool {
        self.default.is_empty()
    }

    /// Tells whether it is done once and not kept.
    pub const fn is_deed(&self) -> bool {
        matches!(self.verb, Verb::Act) && self.label.is_empty()
    }

    /// Tells whether somebody can set it.
    pub const fn is_configured(&self) -> bool {
        !matches!(self.verb, Verb::Fact)
    }

    /// Tells whether its value must not be printed.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret { .. })
    }

    /// Returns the words that a group's line has before this one's value: `ip` in
    /// `set out-of-band ip A netmask M`; the whole words where there is no group.
    pub fn keyword(&self) -> &'static str {
        let rest = self.group.and_then(|group| self.words.strip_prefix(group));
        rest.unwrap_or(self.words).trim_start()
    }
}

impl Key {
    /// A key that must be given.
    pub const fn new(name: &'static str, label: &'static str, kind: Kind) -> Key {
        Key { name, label, kind, missing: Missing::Refused }
    }

    /// Says what it is where it is not typed.
    pub const fn or(self, missing: Missing) -> Key {
        Key { missing, ..self }
    }
}

impl Column {
    /// A column as wide as its label or wider.
    pub const fn new(label: &'static str, width: usize) -> Column {
        let width = if width < label.len() { label.len() } else { width };
        Column { label, width, right: false }
    }

    /// A column of numbers.
    pub const fn number(label: &'static str, width: usize) -> Column {
        Column { right: true, ..Column::new(label, width) }
    }
}

impl Class {
    /// A class of which there is one below each parent.
    pub const fn single(name: &'static str, title: &'static str, source: Source) -> Class {
        Class {
            name,
            title,
            help: title,
            key: &[],
            origin: Origin::Single,
            mode: true,
            born_with: &[],
            properties: &[],
            children: &[],
            locked: &[],
            listing: Listing { table: &[], detail: &[], bare: false, sections: false },
            source,
        }
    }

    /// A class whose instances the operator makes, at most `max` below one parent.
    pub const fn operator(
        name: &'static str,
        title: &'static str,
        key: &'static [Key],
        max: usize,
        source: Source,
    ) -> Class {
        Class { key, origin: Origin::Operator { max }, ..Class::single(name, title, source) }
    }

    /// A class whose instances the hardware has.
    pub const fn hardware(
        name: &'static str,
        title: &'static str,
        key: &'static [Key],
        source: Source,
    ) -> Class {
        Class { key, origin: Origin::Hardware, ..Class::single(name, title, source) }
    }

    /// A class of which there is one below each parent and which is only looked at.
    pub const fn shown(name: &'static str, title: &'static str, source: Source) -> Class {
        Class { mode: false, ..Class::single(name, title, source) }
    }

    /// A class whose instances come with images.
    pub const fn stock(
        name: &'static str,
        title: &'static str,
        key: &'static [Key],
        source: Source,
    ) -> Class {
        Class { key, origin: Origin::Stock, ..Class::single(name, title, source) }
    }

    /// A class whose instances a commit makes from others.
    pub const fn derived(
        name: &'static str,
        title: &'static str,
        key: &'static [Key],
        source: Source,
    ) -> Class {
        Class { key, origin: Origin::Derived, ..Class::single(name, title, source) }
    }

    /// Returns the class without a mode of its own: `enter dns A` moves nowhere.
    pub const fn modeless(self) -> Class {
        Class { mode: false, ..self }
    }

    /// Returns the class with these properties given at birth.
    pub const fn born_with(self, born_with: &'static [Property]) -> Class {
        Class { born_with, ..self }
    }

    /// Returns the class with instances that may not be deleted.
    pub const fn locked(self, locked: &'static [&'static str]) -> Class {
        Class { locked, ..self }
    }

    /// Returns the class with a table.
    pub const fn table(self, table: &'static [Column]) -> Class {
        Class { listing: Listing { table, ..self.listing }, ..self }
    }

    /// Returns the class with its list in this order.
    pub const fn detail(self, detail: &'static [&'static str]) -> Class {
        Class { listing: Listing { detail, ..self.listing }, ..self }
    }

    /// Returns the class with listings that have neither heading nor indent.
    pub const fn bare(self) -> Class {
        Class { listing: Listing { bare: true, ..self.listing }, ..self }
    }

    /// Returns the class with one list for each first word of its properties.
    pub const fn sections(self) -> Class {
        Class { listing: Listing { sections: true, ..self.listing }, ..self }
    }

    /// Tells whether there is anything in the class, or below it, that somebody can set.
    pub fn is_configured(&self) -> bool {
        matches!(self.origin, Origin::Operator { .. })
            || self.all_properties().any(Property::is_configured)
            || self.children.iter().any(|class| class.is_configured())
    }

    /// Returns the class with these properties.
    pub const fn with(self, properties: &'static [Property]) -> Class {
        Class { properties, ..self }
    }

    /// Returns the class with these classes below it.
    pub const fn over(self, children: &'static [&'static Class]) -> Class {
        Class { children, ..self }
    }

    /// Returns the child class with this name.
    pub fn child(&self, name: &str) -> Option<&'static Class> {
        self.children.iter().find(|class| class.name == name).copied()
    }

    /// Returns every property, those given at birth first.
    pub fn all_properties(&self) -> impl Iterator<Item = &'static Property> + use<> {
        self.born_with.iter().chain(self.properties)
    }

    /// Returns the property with this verb and these words.
    pub fn property(&self, verb: Verb, words: &str) -> Option<&'static Property> {
        self.all_properties().find(|property| property.verb == verb && property.words == words)
    }

    /// Returns the properties that share a `set` line with `property`, itself included.
    pub fn line_of(&self, property: &Property) -> Vec<&'static Property> {
        let same = |other: &&Property| match property.group {
            Some(_) => other.group == property.group,
            None => other.id() == property.id(),
        };
        self.properties.iter().filter(same).collect()
    }
}

/// The top of the tree. It has no properties; its children are the scopes known everywhere.
pub static ROOT: Class = Class::single("", "", Source::Seed("FPR4125-1# scope system")).over(&[
    &hardware::CABLING,
    &hardware::CHASSIS,
    &uplink::UPLINK,
    &hardware::FABRIC_INTERCONNECT,
    &firmware::FIRMWARE,
    &system::LICENSE,
    &monitoring::MONITORING,
    &security::SECURITY,
    &hardware::SERVER,
    &ssa::SSA,
    &system::SYSTEM,
]);

/// A short name for long tables.
const fn seed(text: &'static str) -> Source {
    Source::Seed(text)
}

/// The fact is in the code of firepower-kickstart, which drives real chassis.
const KICK: Source = Source::Client("firepower-kickstart kick/device2/ssp/actions/ssp.py");

/// A list of words whose listing form is the typed one.
const fn plain<const N: usize>(words: [&'static str; N]) -> [Word; N] {
    let mut pairs = [("", ""); N];
    let mut i = 0;
    while i < N {
        pairs[i] = (words[i], words[i]);
        i += 1;
    }
    pairs
}

#[cfg(test)]
mod tests;
