//! One session's uncommitted changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Tree;
use super::complete;
use super::error::EditError;
use super::objects::{Objects, Values};
use super::path::Path;
use super::schema::{Origin, Property, Verb};
use super::value::Value;

/// A transaction: empty until the first edit, then a working copy beside the tree it began from.
#[derive(Clone, Debug, Default)]
pub struct Pending(Option<Work>);

#[derive(Clone, Debug)]
pub(super) struct Work {
    /// The tree as it was at the first edit.
    pub(super) base: Arc<Objects>,
    pub(super) draft: Objects,
    /// What `create` made and `base` lacks: nobody else may have made it when this is committed.
    pub(super) created: BTreeSet<Path>,
}

/// One object that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    Created(Path),
    Deleted(Path),
    /// An object with the properties that differ.
    Changed(Path, Vec<&'static str>),
}

impl Pending {
    /// Tells whether there is something to commit. A change that was taken back is none.
    pub fn is_dirty(&self) -> bool {
        self.0.as_ref().is_some_and(|work| *work.base != work.draft)
    }

    /// Forgets every change.
    pub fn discard(&mut self) {
        self.0 = None;
    }

    /// Returns the tree as this session sees it, its own changes included.
    pub fn view<'a>(&'a self, tree: &'a Tree) -> &'a Objects {
        self.0.as_ref().map_or(tree.objects(), |work| &work.draft)
    }

    /// Returns the tree as it was when this session's first change was made.
    pub fn base<'a>(&'a self, tree: &'a Tree) -> &'a Objects {
        self.0.as_ref().map_or(tree.objects(), |work| &work.base)
    }

    /// Returns what a commit would change.
    pub fn differences(&self) -> Vec<Difference> {
        self.0.as_ref().map_or(Vec::new(), |work| differences(&work.base, &work.draft))
    }

    pub(super) fn work(&self) -> Option<&Work> {
        self.0.as_ref()
    }

    /// Creates an object; if another session commits the same first, this one's commit is refused.
    /// `born` are the texts of the properties given at birth, in their order.
    ///
    /// # Errors
    /// [`EditError`] if it exists, its parent does not, its class can't be created, or a text is
    /// no value.
    pub fn create(&mut self, tree: &Tree, path: &Path, born: &[&str]) -> Result<(), EditError> {
        let work = self.add(tree, path, born)?;
        if !work.base.exists(path) {
            work.created.insert(path.clone());
        }
        Ok(())
    }

    /// Makes sure that an object exists, whoever makes it first.
    ///
    /// # Errors
    /// As [`Pending::create`], but for an object that exists; then the texts given at birth must
    /// be those it was born with.
    pub fn enter(&mut self, tree: &Tree, path: &Path, born: &[&str]) -> Result<(), EditError> {
        let view = self.view(tree);
        if !view.exists(path) {
            return self.add(tree, path, born).map(drop);
        }
        let given = birth(path, born)?;
        let differs = |property: &&Property| {
            let given = given.get(&property.id()).cloned().unwrap_or(property.default_value());
            given != view.value(path, property)
        };
        match path.class().born_with.iter().find(differs) {
            Some(_) if !born.is_empty() => Err(EditError::Birth),
            Some(_) | None => Ok(()),
        }
    }

    /// Deletes an object with all below it.
    ///
    /// # Errors
    /// [`EditError`] if it does not exist or belongs to the chassis.
    pub fn delete(&mut self, tree: &Tree, path: &Path) -> Result<(), EditError> {
        self.view(tree).may_delete(path)?;
        let work = self.begin(tree);
        work.draft.remove(path);
        work.created.retain(|made| !made.is_within(path));
        complete::lanes(&mut work.draft);
        Ok(())
    }

    /// Gives a property a value from what was typed. An empty text clears a property that has no
    /// default.
    ///
    /// # Errors
    /// [`EditError`] if object or property does not exist or the text is no value.
    pub fn set(
        &mut self,
        tree: &Tree,
        path: &Path,
        (verb, words): (Verb, &str),
        text: &str,
    ) -> Result<(), EditError> {
        if !self.view(tree).exists(path) {
            return Err(EditError::Absent);
        }
        let class = path.class();
        let property = class.property(verb, words).ok_or(EditError::Property)?;
        if class.born_with.iter().any(|born| born.id() == property.id()) {
            return Err(EditError::Birth);
        }
        let value = match text {
            "" if property.is_clearable() => Value::Unset,
            text => property.kind.parse(text)?,
        };
        self.begin(tree).draft.put(path, property, value);
        Ok(())
    }

    /// Turns an `enable` or `create` property on or off.
    ///
    /// # Errors
    /// As [`Pending::set`].
    pub fn switch(
        &mut self,
        tree: &Tree,
        path: &Path,
        (verb, words): (Verb, &str),
        on: bool,
    ) -> Result<(), EditError> {
        let property = path.class().property(verb, words).ok_or(EditError::Property)?;
        let text = property.kind.typed(&Value::Flag(on));
        self.set(tree, path, (verb, words), &text)
    }

    fn add(&mut self, tree: &Tree, path: &Path, born: &[&str]) -> Result<&mut Work, EditError> {
        let values = birth(path, born)?;
        // Asked of the view first: a refused edit must not begin a transaction.
        self.view(tree).may_create(path)?;
        let work = self.begin(tree);
        work.draft.insert(path, values);
        complete::lanes(&mut work.draft);
        Ok(work)
    }

    /// Returns the transaction, begun at the first edit.
    fn begin(&mut self, tree: &Tree) -> &mut Work {
        self.0.get_or_insert_with(|| Work {
            base: Arc::clone(tree.shared()),
            draft: tree.objects().clone(),
            created: BTreeSet::new(),
        })
    }
}

/// Parses the texts of the properties that are given at birth.
fn birth(path: &Path, born: &[&str]) -> Result<Values, EditError> {
    let class = path.class();
    if born.len() > class.born_with.len() {
        return Err(EditError::Keys { class: class.name });
    }
    let pairs = class.born_with.iter().zip(born);
    pairs.map(|(property, text)| Ok((property.id(), property.kind.parse(text)?))).collect()
}

/// Returns what leads from one tree to another, without the single objects that come and go with
/// others.
pub(super) fn differences(before: &Objects, after: &Objects) -> Vec<Difference> {
    let mut found = Vec::new();
    let operator =
        |path: &Path| matches!(path.class().origin, Origin::Operator { .. } | Origin::Stock);
    for (path, values) in &before.0 {
        match after.0.get(path) {
            None if operator(path) => found.push(Difference::Deleted(path.clone())),
            None => {}
            Some(now) if now == values => {}
            Some(now) => {
                let differs = |p: &&Property| values.get(&p.id()) != now.get(&p.id());
                let words = path.class().all_properties().filter(|p| differs(p)).map(|p| p.words);
                found.push(Difference::Changed(path.clone(), words.collect()));
            }
        }
    }
    let new = after.0.keys().filter(|path| !before.exists(path) && operator(path));
    found.extend(new.cloned().map(Difference::Created));
    found
}
