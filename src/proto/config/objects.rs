//! A consistent set of managed objects: what a listing reads and a transaction edits.

use std::collections::BTreeMap;

use super::error::EditError;
use super::path::Path;
use super::schema::{Class, Missing, Origin, Property, PropertyId, Verb};
use super::value::Value;

/// Most objects in the tree.
pub const OBJECTS_MAX: usize = 8192;

/// What an object holds: the values that differ from their defaults.
pub(super) type Values = BTreeMap<PropertyId, Value>;

/// Every object, by its path. The root always exists and is not in the map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects(pub(super) BTreeMap<Path, Values>);

impl Objects {
    /// Tells whether the object exists.
    pub fn exists(&self, path: &Path) -> bool {
        path.steps().is_empty() || self.0.contains_key(path)
    }

    /// Returns the value of a property, or its default; [`Value::Unset`] if the class has no such
    /// property or the object does not exist.
    pub fn get(&self, path: &Path, verb: Verb, words: &str) -> Value {
        let property = path.class().property(verb, words).filter(|_| self.exists(path));
        property.map_or(Value::Unset, |property| self.value(path, property))
    }

    /// Returns the value that an existing object has for a property of its class.
    pub fn value(&self, path: &Path, property: &Property) -> Value {
        let set = self.0.get(path).and_then(|values| values.get(&property.id()));
        set.cloned().unwrap_or_else(|| property.default_value())
    }

    /// Returns a value as it is typed; empty if there is none.
    pub fn text(&self, path: &Path, words: &str) -> String {
        let property = path.class().property(Verb::Set, words);
        property.map_or(String::new(), |p| p.kind.typed(&self.value(path, p)))
    }

    /// Returns a value as a listing prints it; empty if there is none.
    pub fn listed(&self, path: &Path, property: &Property) -> String {
        property.kind.listed(&self.value(path, property))
    }

    /// Tells whether an `enable` property is on.
    pub fn is_enabled(&self, path: &Path, words: &str) -> bool {
        self.get(path, Verb::Enable, words) == Value::Flag(true)
    }

    /// Returns the objects of one class directly below `path`, in the order of listings.
    pub fn children(&self, path: &Path, class: &str) -> Vec<Path> {
        let depth = path.steps().len() + 1;
        let below = self.below(path).filter(|(child, _)| child.steps().len() == depth);
        below.filter(|(child, _)| child.class().name == class).map(|(p, _)| p.clone()).collect()
    }

    /// Returns the path of every object, in the order of listings; the root is not among them.
    pub fn paths(&self) -> Vec<Path> {
        self.0.keys().cloned().collect()
    }

    /// Returns everything below `path`.
    pub(super) fn below(&self, path: &Path) -> impl Iterator<Item = (&Path, &Values)> {
        let here = path.clone();
        let from = self.0.range(path.clone()..).skip_while(move |(other, _)| **other == here);
        let top = path.clone();
        from.take_while(move |(other, _)| other.is_within(&top))
    }

    /// Adds an object with the single objects that belong to it.
    pub(super) fn insert(&mut self, path: &Path, values: Values) {
        self.0.insert(path.clone(), values);
        self.insert_singles(path);
    }

    /// Adds the single objects below `path` that are not there yet.
    pub(super) fn insert_singles(&mut self, path: &Path) {
        for class in path.class().children {
            if class.origin == Origin::Single && !self.exists(&path.child(class, &[])) {
                self.insert(&path.child(class, &[]), Values::new());
            }
        }
    }

    /// Tells whether an object may be created here.
    pub(super) fn may_create(&self, path: &Path) -> Result<(), EditError> {
        let Origin::Operator { max } = path.class().origin else {
            return Err(EditError::Fixed);
        };
        let parent = path.parent().ok_or(EditError::Fixed)?;
        if !self.exists(&parent) {
            return Err(EditError::Absent);
        }
        if self.exists(path) {
            return Err(EditError::Exists);
        }
        if self.children(&parent, path.class().name).len() >= max || self.0.len() >= OBJECTS_MAX {
            return Err(EditError::Full { max });
        }
        Ok(())
    }

    /// Tells whether an object may be deleted.
    pub(super) fn may_delete(&self, path: &Path) -> Result<(), EditError> {
        let class = path.class();
        let made = matches!(class.origin, Origin::Operator { .. } | Origin::Stock);
        if !made || class.locked.contains(&path.name()) {
            return Err(EditError::Fixed);
        }
        if self.exists(path) { Ok(()) } else { Err(EditError::Absent) }
    }

    /// Removes an object and all below it.
    pub(super) fn remove(&mut self, path: &Path) {
        let gone: Vec<Path> = self.below(path).map(|(child, _)| child.clone()).collect();
        for child in gone.iter().chain([path]) {
            self.0.remove(child);
        }
    }

    /// Gives a property a value; the default is not kept, so equal trees are equal values.
    pub(super) fn put(&mut self, path: &Path, property: &Property, value: Value) {
        if let Some(values) = self.0.get_mut(path) {
            if value == property.default_value() {
                values.remove(&property.id());
            } else {
                values.insert(property.id(), value);
            }
        }
    }
}

/// Parses the keys typed for an object of `class` below `parent` into its path.
///
/// # Errors
/// [`EditError::Keys`] for a wrong number of keys, [`EditError::Value`] for one that is no value
/// of its kind.
pub fn locate(parent: &Path, class: &'static Class, typed: &[&str]) -> Result<Path, EditError> {
    let required = class.key.iter().filter(|key| key.missing == Missing::Refused).count();
    if typed.len() < required || typed.len() > class.key.len() {
        return Err(EditError::Keys { class: class.name });
    }
    let mut keys: Vec<String> = Vec::with_capacity(class.key.len());
    for (at, key) in class.key.iter().enumerate() {
        let text = match typed.get(at) {
            Some(text) => text,
            None => match key.missing {
                Missing::Refused => "",
                Missing::First => keys.first().map_or("", String::as_str),
                Missing::Text(text) => text,
            },
        };
        let value = key.kind.parse(text)?;
        keys.push(key.kind.typed(&value));
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    Ok(parent.child(class, &keys))
}
