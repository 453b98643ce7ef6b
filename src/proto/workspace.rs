//! The workspace: the folders and files that an operator of the chassis has.
//!
//! This is the tree alone. What a file holds stands in pieces on flash, under numbers that the tree
//! gives out; a piece is never changed, so a copy shares the pieces of what it was copied from.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::time::Utc;

#[cfg(test)]
mod tests;

/// Bytes that there is room for.
///
/// # Source
/// Ours: the seed's chassis has 3999125504, which no lab on a laptop should be able to fill.
pub const ROOM: u64 = 64 * 1024 * 1024;
/// Most files and folders together.
pub const ENTRIES_MAX: usize = 4096;
/// Deepest folder.
pub const DEPTH_MAX: usize = 16;
/// Longest name of a file or folder, in bytes.
pub const NAME_MAX: usize = 255;
/// Most bytes of one piece.
pub const PIECE_MAX: usize = 256 * 1024;
/// What files and folders are rounded up to when room is counted; a folder takes one.
///
/// # Source
/// Seed: `2  4096 Dec 07 17:28:46 2018 debug_plugin/`.
const BLOCK: u64 = 4096;
/// Folders that a chassis comes with.
///
/// # Source
/// Seed, its `dir`.
const FACTORY: [&str; 3] = ["debug_plugin", "lost+found", "techsupport"];

/// The folder that everything lies in, as an operator types it.
pub const ROOT: &str = "workspace:";

/// A file's or folder's place: names from the top down; none for the top itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(Vec<String>);

/// What stands on flash: the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    root: Folder,
    /// Number of the piece that was made last.
    last: u64,
}

/// One piece of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub number: u64,
    pub len: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Node {
    Folder(Folder),
    File(File),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Folder {
    changed: Utc,
    entries: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    changed: Utc,
    pieces: Vec<Piece>,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_folder: bool,
    /// 1 for a file; for a folder 2 and one for each folder in it.
    pub links: usize,
    pub size: u64,
    pub changed: Utc,
}

/// What there is room for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub total: u64,
    pub used: u64,
}

/// What must be written to flash, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// A new piece.
    Put { number: u64, bytes: Vec<u8> },
    /// The tree as it is now.
    Tree(Stored),
    /// A piece that no file has any more.
    Drop { number: u64 },
}

/// Why something can't be done. The text is what the operator sees.
///
/// # Source
/// Recall: the words of the C library, as the commands of Linux print them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FileError {
    #[error("{0}: No such file or directory")]
    Absent(String),
    #[error("{0}: Not a directory")]
    NotFolder(String),
    #[error("{0}: Is a directory")]
    IsFolder(String),
    #[error("{0}: File exists")]
    Exists(String),
    #[error("{0}: Directory not empty")]
    NotEmpty(String),
    #[error("{0}: File name too long")]
    Name(String),
    #[error("{0}: Invalid argument")]
    Invalid(String),
    #[error("{0}: No space left on device")]
    Full(String),
    /// Ours: the other file systems of a chassis are not emulated.
    #[error("{0}: only workspace: holds files on this emulated chassis")]
    Elsewhere(String),
}

/// The workspace of a chassis.
#[derive(Debug)]
pub struct Workspace {
    root: Folder,
    last: u64,
    /// Where each session stands, if not at the top.
    standing: BTreeMap<u32, Place>,
    outputs: VecDeque<Output>,
}

impl Place {
    /// Returns the place as the shell prints it, `workspace:/techsupport`.
    pub fn shown(&self) -> String {
        if self.0.is_empty() { ROOT.to_owned() } else { format!("{ROOT}/{}", self.0.join("/")) }
    }

    /// Returns the last name; empty for the top.
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    fn split(&self) -> Option<(&[String], &str)> {
        self.0.split_last().map(|(name, above)| (above, name.as_str()))
    }

    fn within(&self, name: &str) -> Place {
        Place(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }
}

impl Stored {
    /// What a chassis comes with.
    pub fn factory(at: Utc) -> Stored {
        let folder = || Folder { changed: at, entries: BTreeMap::new() };
        let entries = FACTORY.map(|name| (name.to_owned(), Node::Folder(folder())));
        Stored { root: Folder { changed: at, entries: entries.into() }, last: 0 }
    }

    /// Returns every piece that a file has.
    pub fn pieces(&self) -> Vec<u64> {
        let mut found = Vec::new();
        self.root.each(&mut |file| found.extend(file.pieces.iter().map(|piece| piece.number)));
        found
    }
}

impl Folder {
    fn each<'a>(&'a self, work: &mut impl FnMut(&'a File)) {
        for node in self.entries.values() {
            match node {
                Node::Folder(folder) => folder.each(work),
                Node::File(file) => work(file),
            }
        }
    }

    fn count(&self) -> usize {
        let inner = |node: &Node| match node {
            Node::Folder(folder) => folder.count(),
            Node::File(_) => 0,
        };
        self.entries.len() + self.entries.values().map(inner).sum::<usize>()
    }

    /// Returns the bytes that it takes, everything in it included.
    fn takes(&self) -> u64 {
        let inner = |node: &Node| match node {
            Node::Folder(folder) => folder.takes(),
            Node::File(file) => file.size().next_multiple_of(BLOCK),
        };
        BLOCK + self.entries.values().map(inner).sum::<u64>()
    }
}

impl File {
    fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len).sum()
    }
}

impl Workspace {
    /// Makes the workspace that flash holds.
    pub fn new(stored: Stored) -> Workspace {
        let Stored { root, last } = stored;
        Workspace { root, last, standing: BTreeMap::new(), outputs: VecDeque::new() }
    }

    /// Returns the next thing to write.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns where a session stands.
    pub fn standing(&self, session: u32) -> Place {
        self.standing.get(&session).cloned().unwrap_or_default()
    }

    /// Forgets a session.
    pub fn leave(&mut self, session: u32) {
        self.standing.remove(&session);
    }

    /// Moves a session to a folder.
    ///
    /// # Errors
    /// [`FileError`] if there is none.
    pub fn enter(&mut self, session: u32, text: &str) -> Result<(), FileError> {
        let place = self.place(session, text)?;
        self.folder(&place.0).ok_or_else(|| self.why_not_folder(&place, text))?;
        self.standing.insert(session, place);
        Ok(())
    }

    /// Reads what an operator typed: `x`, `../x`, `/x`, `workspace:x`, `workspace:///x`.
    ///
    /// # Errors
    /// [`FileError`] for another file system and for a name that can't be.
    pub fn place(&self, session: u32, text: &str) -> Result<Place, FileError> {
        let (mut names, rest) = match text.split_once(':') {
            Some(("workspace", rest)) => (Vec::new(), rest),
            Some(_) => return Err(FileError::Elsewhere(text.to_owned())),
            None if text.starts_with('/') => (Vec::new(), text),
            None => (self.standing(session).0, text),
        };
        for name in rest.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop()),
                name if name.len() > NAME_MAX || names.len() >= DEPTH_MAX => {
                    return Err(FileError::Name(text.to_owned()));
                }
                name if name.chars().any(char::is_control) => {
                    return Err(FileError::Invalid(name.escape_default().to_string()));
                }
                name => names.push(name.to_owned()),
            }
        }
        Ok(Place(names))
    }

    /// Returns what there is room for.
    pub fn usage(&self) -> Usage {
        Usage { total: ROOM, used: self.root.takes() }
    }

    /// Lists a folder, or a single file.
    ///
    /// # Errors
    /// [`FileError::Absent`].
    pub fn list(&self, place: &Place) -> Result<Vec<Entry>, FileError> {
        if let Some(folder) = self.folder(&place.0) {
            return Ok(folder.entries.iter().map(|(name, node)| entry(name, node)).collect());
        }
        let node = self.node(place).ok_or_else(|| FileError::Absent(place.shown()))?;
        Ok(vec![entry(place.name(), node)])
    }

    /// Returns whether a folder is there.
    pub fn is_folder(&self, place: &Place) -> bool {
        self.folder(&place.0).is_some()
    }

    /// Returns the pieces of a file, in order.
    ///
    /// # Errors
    /// [`FileError`] if there is no such file.
    pub fn pieces(&self, place: &Place) -> Result<Vec<Piece>, FileError> {
        match self.node(place) {
            Some(Node::File(file)) => Ok(file.pieces.clone()),
            Some(Node::Folder(_)) => Err(FileError::IsFolder(place.shown())),
            None if place.0.is_empty() => Err(FileError::IsFolder(place.shown())),
            None => Err(FileError::Absent(place.shown())),
        }
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn make_folder(&mut self, at: Utc, place: &Place) -> Result<(), FileError> {
        self.room_for(place, BLOCK)?;
        if self.node(place).is_some() || place.0.is_empty() {
            return Err(FileError::Exists(place.shown()));
        }
        let folder = Folder { changed: at, entries: BTreeMap::new() };
        self.put(at, place, Node::Folder(folder))?;
        self.persist();
        Ok(())
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove_folder(&mut self, at: Utc, place: &Place) -> Result<(), FileError> {
        match self.node(place) {
            Some(Node::Folder(folder)) if folder.entries.is_empty() => {}
            Some(Node::Folder(_)) => return Err(FileError::NotEmpty(place.shown())),
            Some(Node::File(_)) => return Err(FileError::NotFolder(place.shown())),
            None if place.0.is_empty() => return Err(FileError::Invalid(place.shown())),
            None => return Err(FileError::Absent(place.shown())),
        }
        self.cut(at, place);
        self.persist();
        Ok(())
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn delete(&mut self, at: Utc, place: &Place) -> Result<(), FileError> {
        let pieces = self.pieces(place)?;
        self.cut(at, place);
        self.persist();
        self.let_go(&pieces);
        Ok(())
    }

    /// Moves a file or folder; into `to` if that is a folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn rename(&mut self, at: Utc, from: &Place, to: &Place) -> Result<(), FileError> {
        let node = self.node(from).cloned().ok_or_else(|| FileError::Absent(from.shown()))?;
        let to = self.target(from, to);
        if to == *from {
            return Ok(());
        }
        if to.0.starts_with(&from.0) {
            return Err(FileError::Invalid(to.shown()));
        }
        let over = self.overwritten(&to)?;
        let (above, _) = to.split().ok_or_else(|| FileError::Invalid(to.shown()))?;
        self.folder(above).ok_or_else(|| FileError::Absent(to.shown()))?;
        self.cut(at, from);
        self.put(at, &to, node)?;
        self.persist();
        self.let_go(&over);
        Ok(())
    }

    /// Copies a file; into `to` if that is a folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn copy(&mut self, at: Utc, from: &Place, to: &Place) -> Result<(), FileError> {
        let pieces = self.pieces(from)?;
        let to = self.target(from, to);
        if to == *from {
            return Err(FileError::Exists(to.shown()));
        }
        let over = self.overwritten(&to)?;
        let size: u64 = pieces.iter().map(|piece| piece.len).sum();
        self.room_for(&to, size.next_multiple_of(BLOCK))?;
        self.put(at, &to, Node::File(File { changed: at, pieces }))?;
        self.persist();
        self.let_go(&over);
        Ok(())
    }

    /// Makes a file with this content, in place of one of the same name.
    ///
    /// # Errors
    /// [`FileError`]; nothing has changed then.
    pub fn write(&mut self, at: Utc, place: &Place, bytes: &[u8]) -> Result<(), FileError> {
        let over = self.overwritten(place)?;
        self.room_for(place, (bytes.len() as u64).next_multiple_of(BLOCK))?;
        self.put(at, place, Node::File(File { changed: at, pieces: Vec::new() }))?;
        let pieces = self.store(bytes);
        if let Some(file) = self.file_mut(place) {
            file.pieces = pieces;
        }
        self.persist();
        self.let_go(&over);
        Ok(())
    }

    /// Adds to a file, which is made if it does not exist.
    ///
    /// # Errors
    /// [`FileError`]; nothing has changed then.
    pub fn append(&mut self, at: Utc, place: &Place, bytes: &[u8]) -> Result<(), FileError> {
        if self.node(place).is_none() {
            return self.write(at, place, bytes);
        }
        self.pieces(place)?;
        self.room_for(place, (bytes.len() as u64).next_multiple_of(BLOCK))?;
        let pieces = self.store(bytes);
        if let Some(file) = self.file_mut(place) {
            file.changed = at;
            file.pieces.extend(pieces);
        }
        self.persist();
        Ok(())
    }

    /// Writes bytes as new pieces.
    fn store(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in bytes.chunks(PIECE_MAX) {
            self.last += 1;
            let number = self.last;
            pieces.push(Piece { number, len: part.len() as u64 });
            self.outputs.push_back(Output::Put { number, bytes: part.to_vec() });
        }
        pieces
    }

    /// Drops those pieces that no file has any more.
    fn let_go(&mut self, pieces: &[Piece]) {
        if pieces.is_empty() {
            return;
        }
        let mut used = std::collections::BTreeSet::new();
        self.root.each(&mut |file| used.extend(file.pieces.iter().map(|piece| piece.number)));
        for piece in pieces.iter().filter(|piece| !used.contains(&piece.number)) {
            self.outputs.push_back(Output::Drop { number: piece.number });
        }
    }

    fn persist(&mut self) {
        let stored = Stored { root: self.root.clone(), last: self.last };
        // The newest tree stands for those before it.
        if let Some(Output::Tree(tree)) = self.outputs.back_mut() {
            *tree = stored;
        } else {
            self.outputs.push_back(Output::Tree(stored));
        }
    }

    /// Returns the pieces of a file that is about to be overwritten.
    fn overwritten(&self, place: &Place) -> Result<Vec<Piece>, FileError> {
        match self.node(place) {
            Some(Node::File(file)) => Ok(file.pieces.clone()),
            Some(Node::Folder(_)) => Err(FileError::IsFolder(place.shown())),
            None if place.0.is_empty() => Err(FileError::IsFolder(place.shown())),
            None => Ok(Vec::new()),
        }
    }

    fn room_for(&self, place: &Place, bytes: u64) -> Result<(), FileError> {
        let Usage { total, used } = self.usage();
        let crowded = self.root.count() >= ENTRIES_MAX && self.node(place).is_none();
        if crowded || used.saturating_add(bytes) > total {
            return Err(FileError::Full(place.shown()));
        }
        Ok(())
    }

    /// Returns where something goes that is moved or copied to `to`.
    fn target(&self, from: &Place, to: &Place) -> Place {
        if self.folder(&to.0).is_some() { to.within(from.name()) } else { to.clone() }
    }

    fn folder(&self, names: &[String]) -> Option<&Folder> {
        names.iter().try_fold(&self.root, |folder, name| match folder.entries.get(name)? {
            Node::Folder(folder) => Some(folder),
            Node::File(_) => None,
        })
    }

    fn folder_mut(&mut self, names: &[String]) -> Option<&mut Folder> {
        names.iter().try_fold(&mut self.root, |folder, name| {
            match folder.entries.get_mut(name)? {
                Node::Folder(folder) => Some(folder),
                Node::File(_) => None,
            }
        })
    }

    fn node(&self, place: &Place) -> Option<&Node> {
        let (above, name) = place.split()?;
        self.folder(above)?.entries.get(name)
    }

    fn file_mut(&mut self, place: &Place) -> Option<&mut File> {
        let (above, name) = place.split()?;
        match self.folder_mut(above)?.entries.get_mut(name)? {
            Node::File(file) => Some(file),
            Node::Folder(_) => None,
        }
    }

    fn put(&mut self, at: Utc, place: &Place, node: Node) -> Result<(), FileError> {
        let absent = FileError::Absent(place.shown());
        let Some((above, name)) = place.split() else { return Err(absent) };
        let folder = self.folder_mut(above).ok_or(absent)?;
        folder.changed = at;
        folder.entries.insert(name.to_owned(), node);
        Ok(())
    }

    fn cut(&mut self, at: Utc, place: &Place) {
        if let Some((above, name)) = place.split()
            && let Some(folder) = self.folder_mut(above)
        {
            folder.changed = at;
            folder.entries.remove(name);
        }
    }

    fn why_not_folder(&self, place: &Place, text: &str) -> FileError {
        match self.node(place) {
            Some(_) => FileError::NotFolder(text.to_owned()),
            None => FileError::Absent(text.to_owned()),
        }
    }
}

fn entry(name: &str, node: &Node) -> Entry {
    let (is_folder, links, size, changed) = match node {
        Node::Folder(folder) => {
            let inner =
                folder.entries.values().filter(|node| matches!(node, Node::Folder(_))).count();
            (true, 2 + inner, BLOCK, folder.changed)
        }
        Node::File(file) => (false, 1, file.size(), file.changed),
    };
    Entry { name: name.to_owned(), is_folder, links, size, changed }
}
