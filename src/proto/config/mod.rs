//! The configuration: a tree of managed objects, changed in transactions.
//!
//! ```text
//!   Tree ── first edit ──▶ Pending { base, draft } ── commit ──▶ merged, checked, Tree again
//!    ▲                        │ edits touch the draft only           │ conflict, rule broken:
//!    └──────── discard ───────┘                                      └ refused, draft kept
//! ```
//! [`schema`] says which classes and properties there are; everything else is derived from it. The
//! tree is kept as an immutable snapshot behind an `Arc`, so a transaction costs nothing until its
//! first edit, and a commit is one three-way merge: what this session changed, against what others
//! committed since.
//!
//! Two sessions may want the same object. `enter` asks that it exists: it merges with the object
//! that another session made meanwhile, as long as both want the same values. `create` asks that it
//! did not exist before, and that is asked again at the commit, whatever the values: on UCS Manager,
//! whose database FXOS shares, an object sent as `created` is refused if it is there, and one sent as
//! `created,modified` is not.

mod complete;
mod error;
mod factory;
pub mod facts;
mod objects;
mod path;
mod pending;
mod render;
mod rules;
pub mod schema;
mod stored;
pub mod value;

use std::sync::Arc;

pub use error::{CommitError, EditError, StoredError};
pub use factory::{AUTHORITY_URL, Factory, OutOfBand, Trustpoint};
pub use objects::{OBJECTS_MAX, Objects, locate};
pub use path::{Path, natural};
pub use pending::{Difference, Pending};
pub use render::{configuration, pending_configuration};
pub use stored::{Record, Stored};

use pending::{Work, differences};
use schema::Origin;

/// The committed configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    objects: Arc<Objects>,
    revision: u64,
}

impl Tree {
    /// Returns the committed objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Returns how many commits there have been.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Makes the session's changes the configuration, all or none, and returns what changed.
    ///
    /// The caller persists [`Tree::stored`] before it tells anyone. Afterwards the transaction is
    /// empty; a transaction without changes is no commit.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if another session committed another change of the same property or
    /// object since this one's first edit, [`CommitError::Exists`] if it made an object that this
    /// one creates, [`CommitError::Invalid`] if the result would not make sense. The tree is
    /// unchanged and the transaction still pending.
    pub fn commit(&mut self, pending: &mut Pending) -> Result<Vec<Difference>, CommitError> {
        let Some(work) = pending.work() else {
            return Ok(Vec::new());
        };
        let mut merged = self.merged(work)?;
        let changes = differences(&self.objects, &merged);
        complete::forget_deeds(&mut merged);
        if !changes.is_empty() {
            self.objects = Arc::new(merged);
            self.revision += 1;
        }
        pending.discard();
        Ok(changes)
    }

    /// Tells whether [`Tree::commit`] would succeed now, and changes nothing.
    ///
    /// # Errors
    /// As [`Tree::commit`].
    pub fn verify(&self, pending: &Pending) -> Result<(), CommitError> {
        pending.work().map_or(Ok(()), |work| self.merged(work).map(drop))
    }

    /// Puts an object on the shelf, or brings one there up to date: class names down to its own, its
    /// name, and its facts by label. False if that is no object.
    ///
    /// It is no commit of an operator's, so nobody's transaction is in its way.
    pub fn stock(&mut self, classes: &[&str], name: &str, facts: &[(&str, &str)]) -> bool {
        let Some((last, above)) = classes.split_last() else { return false };
        let parents: Vec<(&str, &[&str])> = above.iter().map(|class| (*class, &[][..])).collect();
        let parent = Path::find(&parents);
        let path =
            parent.and_then(|parent| locate(&parent, parent.class().child(last)?, &[name]).ok());
        let Some(path) = path.filter(|path| path.class().origin == Origin::Stock) else {
            return false;
        };
        let mut objects = Objects::clone(&self.objects);
        if !objects.exists(&path) && objects.len() >= OBJECTS_MAX {
            return false;
        }
        objects.insert(&path, objects::Values::new());
        for (label, text) in facts {
            let property = path.class().properties.iter().find(|p| p.label == *label);
            if let Some((property, value)) =
                property.and_then(|p| Some((p, p.kind.parse(text).ok()?)))
            {
                objects.put(&path, property, value);
            }
        }
        self.objects = Arc::new(objects);
        self.revision += 1;
        true
    }

    fn merged(&self, work: &Work) -> Result<Objects, CommitError> {
        let mut merged = if Arc::ptr_eq(&work.base, &self.objects) {
            work.draft.clone()
        } else {
            merge(work, &self.objects)?
        };
        complete::complete(&mut merged);
        rules::check(&merged).map_err(|reason| CommitError::Invalid { reason })?;
        Ok(merged)
    }

    fn shared(&self) -> &Arc<Objects> {
        &self.objects
    }
}

/// Applies to `current` what leads from the transaction's base to its draft.
fn merge(work: &Work, current: &Objects) -> Result<Objects, CommitError> {
    let (base, draft) = (work.base.as_ref(), &work.draft);
    let mut merged = current.clone();
    for (path, before) in &base.0 {
        let conflict = || CommitError::Conflict { object: path.to_string() };
        match (draft.0.get(path), current.0.get(path)) {
            // Gone on both sides, or not touched here.
            (None, None) => {}
            (Some(after), _) if after == before => {}
            (None, Some(now)) => {
                let grown = current.below(path).any(|(child, _)| !base.exists(child));
                if now != before || grown {
                    return Err(conflict());
                }
                merged.0.remove(path);
            }
            (Some(_), None) => return Err(conflict()),
            (Some(after), Some(now)) => {
                for property in path.class().all_properties() {
                    let id = property.id();
                    let (was, ours, theirs) = (before.get(&id), after.get(&id), now.get(&id));
                    if was == ours || ours == theirs {
                        continue;
                    }
                    if was != theirs {
                        return Err(conflict());
                    }
                    merged.put(path, property, draft.value(path, property));
                }
            }
        }
    }
    for (path, values) in draft.0.iter().filter(|(path, _)| !base.exists(path)) {
        if current.exists(path) && work.created.contains(path) {
            return Err(CommitError::Exists { object: path.to_string() });
        }
        let orphan = path.parent().is_some_and(|parent| !merged.exists(&parent));
        let differs = current.0.get(path).is_some_and(|now| now != values);
        if orphan || differs {
            return Err(CommitError::Conflict { object: path.to_string() });
        }
        merged.0.insert(path.clone(), values.clone());
    }
    Ok(merged)
}

#[cfg(test)]
mod tests;
