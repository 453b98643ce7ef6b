//! Writing command notation from the schema: each word with its help.

use crate::proto::config::schema::{Class, Key, Missing, Property};
use crate::proto::config::value::Kind;

/// A line of notation under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Notation {
    syntax: String,
    help: Vec<&'static str>,
}

impl Notation {
    /// Adds keywords; the last has this help, those before it their own letters.
    pub(super) fn words(mut self, words: &'static str, help: &'static str) -> Notation {
        let mut rest = words.split(' ').filter(|word| !word.is_empty()).peekable();
        while let Some(word) = rest.next() {
            let last = rest.peek().is_none();
            self.word(word, if last && !help.is_empty() { help } else { leak(spoken(word)) });
        }
        self
    }

    /// Adds a choice of keywords.
    pub(super) fn choice(mut self, words: &[(&str, &'static str)]) -> Notation {
        self.bracket("{");
        for (i, (word, help)) in words.iter().enumerate() {
            if i > 0 {
                self.bracket("|");
            }
            self.word(word, help);
        }
        self.bracket("}");
        self
    }

    /// Adds keywords that may be left out, each.
    pub(super) fn options(mut self, words: &[(&str, &'static str)]) -> Notation {
        for (word, help) in words {
            self.bracket("[");
            self.word(word, help);
            self.bracket("]");
        }
        self
    }

    /// Adds the keys of a class as they are typed.
    pub(super) fn keys(mut self, class: &Class) -> Notation {
        let mut open = 0;
        for key in class.key {
            if key.missing != Missing::Refused {
                self.bracket("[");
                open += 1;
            }
            self = self.key(key);
        }
        (0..open).for_each(|_| self.bracket("]"));
        self
    }

    /// Adds the keys of a class, from the first on as many as one likes.
    pub(super) fn some_keys(mut self, class: &Class) -> Notation {
        for key in class.key {
            self.bracket("[");
            self = self.key(key);
        }
        class.key.iter().for_each(|_| self.bracket("]"));
        self
    }

    fn key(self, key: &Key) -> Notation {
        self.value(key.name, &key.kind, key.label, false)
    }

    /// Adds the properties that are given when an object is made.
    pub(super) fn born(self, class: &'static Class) -> Notation {
        class.born_with.iter().fold(self, |notation, property| {
            notation.value(property.words, &property.kind, property.label, false)
        })
    }

    /// Adds a value; `empty` if `""` is one.
    pub(super) fn value(
        mut self,
        name: &str,
        kind: &Kind,
        help: &'static str,
        empty: bool,
    ) -> Notation {
        let tail = if empty { "?" } else { "" };
        let mut arg = |kind: &str| self.word(&format!("{name}:{kind}{tail}"), help);
        match kind {
            Kind::Flag(words) => return self.choice(words.as_slice()),
            Kind::Words(words) => return self.choice(words),
            Kind::List(words) => return self.choice(words).options(words),
            Kind::NumberOr { word, min, max } => {
                self.bracket("{");
                self.word(word, "None");
                self.bracket("|");
                self.word(&format!("{name}:{min}-{max}"), help);
                self.bracket("}");
            }
            Kind::Number { min, max } => arg(&format!("{min}-{max}")),
            Kind::Ipv4 | Kind::Mask => arg("ipv4"),
            Kind::Ipv6 => arg("ipv6"),
            Kind::Ip => arg("ip"),
            Kind::Host => arg("host"),
            Kind::Url => arg("word(255)"),
            Kind::Text { max } | Kind::Secret { max } | Kind::SshKeys { max } => {
                arg(&format!("word({max})"));
            }
            Kind::Name { max } => arg(&format!("name({max})")),
            Kind::Pem => arg("word"),
            Kind::Port => arg("word(32)"),
            Kind::Range4 => {
                self.word("FIRST:ipv4", help);
                self.word("LAST:ipv4", help);
            }
            Kind::Range6 => {
                self.word("FIRST:ipv6", help);
                self.word("LAST:ipv6", help);
            }
            Kind::Date => {
                self.bracket("{");
                self.word("never", "Never");
                self.bracket("|");
                for (word, help) in [
                    ("MONTH:name(3)", "Month, jan to dec"),
                    ("DAY:1-31", "Day"),
                    ("YEAR:1970-2199", "Year"),
                ] {
                    self.word(word, help);
                }
                self.bracket("[");
                for (word, help) in
                    [("HOUR:0-23", "Hour"), ("MINUTE:0-59", "Minute"), ("SECOND:0-59", "Second")]
                {
                    self.word(word, help);
                }
                self.bracket("]");
                self.bracket("}");
            }
        }
        self
    }

    /// Adds what one `set` line of a group takes: one member, then others in any order.
    pub(super) fn members(mut self, members: &[&'static Property]) -> Notation {
        self.bracket("{");
        for (i, member) in members.iter().enumerate() {
            if i > 0 {
                self.bracket("|");
            }
            self = self.member(member);
        }
        self.bracket("}");
        for member in members {
            self.bracket("[");
            self = self.member(member);
            self.bracket("]");
        }
        self
    }

    fn member(self, member: &'static Property) -> Notation {
        let name = argument_name(member);
        self.words(member.keyword(), member.label).value(
            &name,
            &member.kind,
            member.label,
            member.is_clearable(),
        )
    }

    fn word(&mut self, text: &str, help: &'static str) {
        self.bracket(text);
        self.help.push(help);
    }

    fn bracket(&mut self, text: &str) {
        if !self.syntax.is_empty() {
            self.syntax.push(' ');
        }
        self.syntax.push_str(text);
    }

    /// Ends the line; it lives as long as the tables do.
    pub(super) fn finish(self) -> (&'static str, &'static [&'static str]) {
        (leak(self.syntax), leak_all(self.help))
    }
}

/// Returns the name that a group's member has as an argument, `PREFIX-LENGTH`.
pub(super) fn argument_name(member: &Property) -> String {
    member.keyword().to_ascii_uppercase()
}

/// Returns a keyword as a person would say it, `Rekey limit`.
fn spoken(word: &str) -> String {
    let text = word.replace('-', " ");
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Keeps a text for good: the tables are built once and end with the process.
pub(super) fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// As [`leak`], for a table.
pub(super) fn leak_all<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}
