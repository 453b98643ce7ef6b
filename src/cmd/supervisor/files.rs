//! The workspace as jobs see it: changes through the machine, content from flash.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Input, key};
use crate::base::time::Now;
use crate::proto::workspace::{FileError, Place, Workspace};
use crate::sys::flash::Flash;

/// What a job wants done to the workspace, and where to say how it went.
#[derive(Debug)]
pub(crate) struct Change {
    what: What,
    reply: oneshot::Sender<Result<Done, FileError>>,
}

#[derive(Debug)]
enum What {
    Write(Place, Vec<u8>),
    Append(Place, Vec<u8>),
    Delete(Place),
    /// Say which pieces a file has.
    Look(Place),
    /// Read a name that was built from another.
    Name(String),
}

/// What came of it.
#[derive(Debug)]
enum Done {
    Changed,
    Pieces(Vec<u64>),
    Named(Place),
}

impl Change {
    /// Does it.
    pub(super) fn apply(self, now: Now, files: &mut Workspace) {
        let done = match self.what {
            What::Write(place, bytes) => {
                files.write(now.wall, &place, &bytes).map(|()| Done::Changed)
            }
            What::Append(place, bytes) => {
                files.append(now.wall, &place, &bytes).map(|()| Done::Changed)
            }
            What::Delete(place) => files.delete(now.wall, &place).map(|()| Done::Changed),
            What::Look(place) => files
                .pieces(&place)
                .map(|pieces| Done::Pieces(pieces.iter().map(|piece| piece.number).collect())),
            What::Name(text) => files.place(0, &text).map(Done::Named),
        };
        // The job may have been cancelled.
        let _ = self.reply.send(done);
    }
}

/// The workspace in a job's hands.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) outbox: mpsc::Sender<Input>,
    pub(super) flash: Arc<Flash>,
}

impl Files {
    async fn ask(&self, what: What) -> Result<Done, String> {
        let (reply, done) = oneshot::channel();
        let gone = || "the chassis is going down".to_owned();
        let sent = self.outbox.send(Input::File(Change { what, reply })).await;
        sent.map_err(|_| gone())?;
        done.await.map_err(|_| gone())?.map_err(|error| error.to_string())
    }

    /// Reads the name of a file, absolute.
    pub(super) async fn place(&self, text: &str) -> Result<Place, String> {
        match self.ask(What::Name(text.to_owned())).await? {
            Done::Named(place) => Ok(place),
            Done::Changed | Done::Pieces(_) => Err(format!("{text}: Invalid argument")),
        }
    }

    /// Makes a file.
    pub(super) async fn write(&self, place: &Place, bytes: Vec<u8>) -> Result<(), String> {
        self.ask(What::Write(place.clone(), bytes)).await.map(|_| ())
    }

    /// Adds to a file.
    pub(super) async fn append(&self, place: &Place, bytes: Vec<u8>) -> Result<(), String> {
        self.ask(What::Append(place.clone(), bytes)).await.map(|_| ())
    }

    /// Deletes a file.
    pub(super) async fn delete(&self, place: &Place) -> Result<(), String> {
        self.ask(What::Delete(place.clone())).await.map(|_| ())
    }

    /// Returns the pieces of a file.
    pub(super) async fn pieces(&self, place: &Place) -> Result<Vec<u64>, String> {
        match self.ask(What::Look(place.clone())).await? {
            Done::Pieces(pieces) => Ok(pieces),
            Done::Changed | Done::Named(_) => Ok(Vec::new()),
        }
    }

    /// Reads one piece; a file may be deleted while it is read.
    pub(super) fn piece(&self, place: &Place, number: u64) -> Result<Vec<u8>, String> {
        let found = self.flash.get(&key::file_piece(number)).map_err(|error| error.to_string())?;
        found.ok_or_else(|| format!("{}: No such file or directory", place.shown()))
    }

    /// Reads a whole file, which is never larger than the workspace.
    pub(super) async fn read(&self, place: &Place) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        for number in self.pieces(place).await? {
            content.extend(self.piece(place, number)?);
        }
        Ok(content)
    }
}
