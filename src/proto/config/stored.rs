//! The configuration as flash keeps it: names and texts, readable by later versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::StoredError;
use super::objects::{OBJECTS_MAX, Objects, Values};
use super::path::Path;
use super::schema::{Origin, Property, Verb};
use super::{Factory, Tree};

/// A whole tree.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub revision: u64,
    pub objects: Vec<Record>,
}

/// One object. Only values that differ from the default are kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Class and keys of every level, `[["system"], ["services"], ["dns", "192.0.2.1"]]`.
    pub path: Vec<Vec<String>>,
    /// `set https port` to `443`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl std::fmt::Debug for Record {
    /// Writes the path and which properties are set; a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.path, self.values.keys())
    }
}

impl Tree {
    /// Returns what flash keeps.
    pub fn stored(&self) -> Stored {
        let record = |(path, values): (&Path, &Values)| Record {
            path: path
                .steps()
                .iter()
                .map(|step| [&[step.class.name.to_owned()], step.key.as_slice()].concat())
                .collect(),
            values: values
                .iter()
                .filter_map(|(id, value)| {
                    let property = path.class().property(id.verb, id.words)?;
                    Some((property_name(property), property.kind.typed(value)))
                })
                .collect(),
        };
        Stored { revision: self.revision, objects: self.objects.0.iter().map(record).collect() }
    }

    /// Reads what flash kept, on a chassis with the hardware of `factory`.
    ///
    /// Objects of the hardware that flash does not have appear with their defaults; those that
    /// the hardware no longer has stay. Images are those that flash has: some may be deleted.
    ///
    /// # Errors
    /// [`StoredError`] names what this version can't read.
    pub fn restore(stored: &Stored, factory: &Factory) -> Result<Tree, StoredError> {
        if stored.objects.len() > OBJECTS_MAX {
            return Err(StoredError::Size);
        }
        let mut objects = Tree::bare(factory).objects().clone();
        objects.0.retain(|path, _| path.steps().iter().all(|s| s.class.origin != Origin::Stock));
        for record in &stored.objects {
            let path = path_of(record)?;
            let mut values = Values::new();
            for (name, text) in &record.values {
                let object = path.to_string();
                let property = property_named(&path, name).ok_or_else(|| {
                    StoredError::Property { object: object.clone(), property: name.clone() }
                })?;
                let value = property.kind.parse(text).map_err(|error| StoredError::Value {
                    object,
                    property: name.clone(),
                    error,
                })?;
                values.insert(property.id(), value);
            }
            objects.insert(&path, values);
        }
        Ok(Tree { objects: Arc::new(objects), revision: stored.revision })
    }
}

fn path_of(record: &Record) -> Result<Path, StoredError> {
    let unknown = || StoredError::Class {
        object: record.path.iter().map(|step| format!("/{}", step.join(" "))).collect(),
    };
    record.path.iter().try_fold(Path::root(), |path, step| {
        let (name, keys) = step.split_first().ok_or_else(unknown)?;
        let class = path.class().child(name).ok_or_else(unknown)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        super::locate(&path, class, &keys).map_err(|_| unknown())
    })
}

fn property_name(property: &Property) -> String {
    let verb = match property.verb {
        Verb::Set => "set",
        Verb::Enable => "enable",
        Verb::Create => "create",
        Verb::Act => "act",
        Verb::Fact => "fact",
    };
    format!("{verb} {}", property.words).trim_end().to_owned()
}

fn property_named(path: &Path, name: &str) -> Option<&'static Property> {
    path.class().all_properties().find(|property| property_name(property) == name)
}

impl Objects {
    /// Returns how many objects there are, the root not counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
