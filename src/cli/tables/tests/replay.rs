//! `show configuration`, typed line by line into an empty chassis, makes the same configuration.

use super::*;
use crate::proto::config::schema::{Class, Missing, Origin, Property, Verb};
use crate::proto::config::value::{Kind, Value};
use crate::proto::config::{EditError, Path, Pending, locate};

/// Random configurations tried, and edits in each.
const TREES: u64 = 32;
const EDITS: usize = 120;

/// A source of edits that the schema allows; whether the rules do is asked of the tree.
struct Author(Rng);

impl Author {
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.0.next_u64() % n.max(1) as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(from.len());
        from.get(at).copied()
    }

    fn text(&mut self, letters: &str, max: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        let mut text = String::new();
        for _ in 0..=self.below(max.min(24)) {
            let letter = letters[self.below(letters.len())];
            if text.len() + letter.len_utf8() <= max {
                text.push(letter);
            }
        }
        text
    }

    /// A value as it is typed.
    fn value(&mut self, kind: &Kind) -> String {
        let number = |author: &mut Author, min: u32, max: u32| {
            let span = u64::from(max - min) + 1;
            (u64::from(min) + author.0.next_u64() % span).to_string()
        };
        let small = |author: &mut Author| u8::try_from(author.below(250) + 1).unwrap();
        match kind {
            Kind::Flag(words) => words[self.below(2)].0.to_owned(),
            Kind::Words(words) => self.pick(words).unwrap().0.to_owned(),
            Kind::List(words) => {
                let count = self.below(words.len()) + 1;
                let first = self.below(words.len());
                let some = words.iter().cycle().skip(first).take(count);
                some.map(|word| word.0).collect::<Vec<_>>().join(" ")
            }
            Kind::Number { min, max } => number(self, *min, *max),
            Kind::NumberOr { word, .. } if self.0.one_in(3) => (*word).to_owned(),
            Kind::NumberOr { min, max, .. } => number(self, *min, *max),
            Kind::Ipv4 => format!("10.{}.{}.{}", small(self), small(self), small(self)),
            Kind::Mask => std::net::Ipv4Addr::from(u32::MAX << self.below(25)).to_string(),
            Kind::Ipv6 => format!("2001:db8::{:x}", self.below(0xffff)),
            Kind::Ip if self.0.one_in(3) => self.value(&Kind::Ipv6),
            Kind::Ip => self.value(&Kind::Ipv4),
            Kind::Host if self.0.one_in(2) => self.value(&Kind::Ipv4),
            Kind::Host => format!("h{}.example.test", self.below(1000)),
            Kind::Url => format!("https://h{}.example.test/a", self.below(1000)),
            Kind::Text { max } | Kind::Secret { max } => self.text(TEXT, *max),
            Kind::Name { max } => self.text("abcXYZ019-_.:+", *max),
            Kind::Pem => CHAIN.to_owned(),
            Kind::Port => format!("Ethernet1/{}", self.below(8) + 1),
            Kind::Range4 => format!("{} {}", self.value(&Kind::Ipv4), self.value(&Kind::Ipv4)),
            Kind::Date if self.0.one_in(3) => "never".to_owned(),
            Kind::Date => {
                let date = format!("{} {} 2030", ["jan", "dec"][self.below(2)], self.below(31) + 1);
                if self.0.one_in(2) { date } else { date + " 23 59 0" }
            }
            Kind::SshKeys { .. } => {
                let count = self.below(3) + 1;
                vec![format!("{SSH_KEY} {}", self.text("a@", 9)); count].join(";")
            }
            Kind::Range6 => format!("{} {}", self.value(&Kind::Ipv6), self.value(&Kind::Ipv6)),
        }
    }

    /// Makes one edit somewhere.
    fn edit(&mut self, tree: &Tree, pending: &mut Pending) -> Result<(), EditError> {
        let paths = pending.view(tree).paths();
        let path = paths[self.below(paths.len())].clone();
        let makes: Vec<&'static Class> = path
            .class()
            .children
            .iter()
            .copied()
            .filter(|class| matches!(class.origin, Origin::Operator { .. }))
            .collect();
        if let Some(class) = self.pick(&makes).filter(|_| !self.0.one_in(4)) {
            let keys = class.key.iter().filter(|key| key.missing == Missing::Refused);
            let keys: Vec<String> = keys.map(|key| self.value(&key.kind)).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let born: Vec<String> =
                class.born_with.iter().map(|property| self.value(&property.kind)).collect();
            let born: Vec<&str> = born.iter().map(String::as_str).collect();
            return pending.create(tree, &locate(&path, class, &keys)?, &born);
        }
        let set: Vec<&'static Property> =
            path.class().properties.iter().filter(|p| p.verb != Verb::Fact).collect();
        match self.pick(&set) {
            Some(property) if property.verb == Verb::Set => {
                let text = self.value(&property.kind);
                pending.set(tree, &path, (Verb::Set, property.words), &text)
            }
            Some(property) => {
                let on = property.verb == Verb::Act || self.0.one_in(2);
                pending.switch(tree, &path, (property.verb, property.words), on)
            }
            None if matches!(path.class().origin, Origin::Operator { .. }) => {
                pending.delete(tree, &path)
            }
            None => Ok(()),
        }
    }

    /// Makes a configuration that the rules accept.
    fn tree(&mut self, mut tree: Tree) -> Tree {
        let mut pending = Pending::default();
        for _ in 0..EDITS {
            let before = pending.clone();
            if self.edit(&tree, &mut pending).is_err() || tree.verify(&pending).is_err() {
                pending = before;
            }
        }
        tree.commit(&mut pending).unwrap();
        tree
    }
}

/// A public key of SSH.
const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
/// Everything that a text may hold and a line must not mistake.
const TEXT: &str = "abc XYZ 019 ?;|>!#$%&'()*+,-./:<=@[]^_`{}~ äß→";

/// What of a tree can be typed from its listing: everything but secrets.
fn told(tree: &Tree) -> BTreeMap<String, String> {
    let objects = tree.objects();
    let told = |path: Path| {
        let values = path.class().all_properties().filter(|property| !property.is_secret());
        let text =
            |p: &Property| format!("{:?} {}={:?}; ", p.verb, p.words, objects.value(&path, p));
        (path.to_string(), values.map(text).collect::<String>())
    };
    objects.paths().into_iter().map(told).collect()
}

#[test]
fn a_configuration_replayed_into_an_empty_chassis_is_the_same() {
    let factory = Factory::default();
    let mut lines = 0;
    for seed in 0..TREES {
        let tree = Author(Rng::from_seed(seed)).tree(Tree::factory(&factory));
        let mut from = Lab::with(&factory, Role::Admin, tree);
        let listing = from.run("show configuration");
        let mut to = Lab::with(&factory, Role::Admin, Tree::bare(&factory));
        for line in listing.lines() {
            let printed = to.run(line);
            let dialog = printed.starts_with("Enter lines one at a time");
            assert!(printed.is_empty() || dialog, "SEED={seed} `{line}` prints {printed}");
            lines += 1;
        }
        assert_eq!(to.run("commit-buffer"), "", "SEED={seed}\n{listing}");
        assert_eq!(told(&to.mio.config), told(&from.mio.config), "SEED={seed}\n{listing}");
    }
    assert!(lines > 5000, "{lines} lines say little");
}

/// A secret shows neither in `show configuration` nor in any `show`.
#[test]
fn no_listing_prints_a_secret() {
    let factory = Factory::default();
    let mut tree = Tree::factory(&factory);
    let mut pending = Pending::default();
    let services = [("system", &[][..]), ("services", &[]), ("ntp-server", &["192.0.2.1"])];
    let monitoring = [("monitoring", &[][..]), ("snmp-user", &["watch"])];
    for names in [&services[..], &monitoring] {
        pending.create(&tree, &Path::find(names).unwrap(), &[]).unwrap();
    }
    let mut secrets = 0;
    for path in pending.view(&tree).paths() {
        for property in path.class().properties.iter().filter(|property| property.is_secret()) {
            pending.set(&tree, &path, (Verb::Set, property.words), "Tr0ubador").unwrap();
            secrets += 1;
        }
    }
    tree.commit(&mut pending).unwrap();
    assert!(secrets > 2);
    let mut lab = Lab::with(&factory, Role::Admin, tree);
    let mut seen = lab.run("show configuration all");
    for scope in ["monitoring", "security", "system"] {
        lab.type_all(&[&format!("scope {scope}")]);
        seen += &lab.run("show detail expand");
    }
    assert!(!seen.contains("Tr0ubador"), "{seen}");
    let held = lab.mio.config.objects().paths().into_iter().any(|path| {
        let values = path.class().properties.iter();
        values
            .filter(|p| p.is_secret())
            .any(|p| lab.mio.config.objects().value(&path, p) == Value::Secret("Tr0ubador".into()))
    });
    assert!(held, "the secrets were set");
}
