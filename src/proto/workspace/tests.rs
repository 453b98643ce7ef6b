//! What the workspace allows, and what stands on flash after it.

use std::collections::BTreeMap;

use super::{FileError, Output, ROOM, Stored, Workspace};
use crate::base::time::Utc;

const AT: Utc = Utc::from_unix_s(1_596_789_575);

/// A workspace and a flash.
struct Chassis {
    files: Workspace,
    pieces: BTreeMap<u64, Vec<u8>>,
    tree: Stored,
}

impl Chassis {
    fn new() -> Chassis {
        let tree = Stored::factory(AT);
        Chassis { files: Workspace::new(tree.clone()), pieces: BTreeMap::new(), tree }
    }

    fn flush(&mut self) {
        while let Some(output) = self.files.poll() {
            match output {
                Output::Put { number, bytes } => drop(self.pieces.insert(number, bytes)),
                Output::Tree(tree) => self.tree = tree,
                Output::Drop { number } => drop(self.pieces.remove(&number)),
            }
        }
    }

    /// What a file holds after power was lost.
    fn after_power_loss(&mut self, file: &str) -> Vec<u8> {
        self.flush();
        let files = Workspace::new(self.tree.clone());
        let pieces = files.pieces(&files.place(0, file).unwrap()).unwrap();
        pieces.iter().flat_map(|piece| self.pieces[&piece.number].clone()).collect()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let place = self.files.place(0, folder).unwrap();
        self.files.list(&place).unwrap().into_iter().map(|entry| entry.name).collect()
    }
}

#[test]
fn files_are_written_copied_moved_and_deleted() {
    let mut chassis = Chassis::new();
    let place = |chassis: &Chassis, text: &str| chassis.files.place(0, text).unwrap();
    let (ssl, copy) = (place(&chassis, "workspace:///SSL.pcap"), place(&chassis, "techsupport"));
    chassis.files.write(AT, &ssl, b"one").unwrap();
    chassis.files.append(AT, &ssl, b" two").unwrap();
    chassis.files.copy(AT, &ssl, &copy).unwrap();
    assert_eq!(chassis.after_power_loss("/techsupport/SSL.pcap"), b"one two");
    chassis.files.delete(AT, &ssl).unwrap();
    assert_eq!(chassis.after_power_loss("/techsupport/SSL.pcap"), b"one two");
    let (from, to) = (place(&chassis, "techsupport/SSL.pcap"), place(&chassis, "/x"));
    chassis.files.rename(AT, &from, &to).unwrap();
    assert_eq!(chassis.names("/"), ["debug_plugin", "lost+found", "techsupport", "x"]);
    assert_eq!(chassis.after_power_loss("x"), b"one two");
    chassis.files.write(AT, &to, b"new").unwrap();
    assert_eq!(chassis.after_power_loss("x"), b"new");
    chassis.files.delete(AT, &to).unwrap();
    chassis.flush();
    assert!(chassis.pieces.is_empty(), "{:?}", chassis.pieces.keys());
    assert_eq!(chassis.tree.pieces(), Vec::<u64>::new());
}

#[test]
fn each_session_stands_somewhere() {
    let mut chassis = Chassis::new();
    let files = &mut chassis.files;
    files.make_folder(AT, &files.place(1, "a").unwrap()).unwrap();
    files.enter(1, "a").unwrap();
    files.make_folder(AT, &files.place(1, "b").unwrap()).unwrap();
    files.enter(1, "./b/").unwrap();
    assert_eq!(files.standing(1).shown(), "workspace:/a/b");
    assert_eq!(files.standing(2).shown(), "workspace:");
    files.enter(1, "../..").unwrap();
    files.enter(1, "../../..").unwrap();
    assert_eq!(files.standing(1).shown(), "workspace:");
    assert_eq!(files.enter(1, "c"), Err(FileError::Absent("c".into())));
    let place = files.place(1, "a").unwrap();
    assert_eq!(files.remove_folder(AT, &place), Err(FileError::NotEmpty("workspace:/a".into())));
    files.remove_folder(AT, &files.place(1, "a/b").unwrap()).unwrap();
    files.remove_folder(AT, &place).unwrap();
    let refused = files.place(1, "bootflash:x");
    assert_eq!(refused, Err(FileError::Elsewhere("bootflash:x".into())));
    assert!(files.place(1, &"x/".repeat(40)).is_err());
    assert!(files.place(1, &"x".repeat(300)).is_err());
    assert!(files.place(1, "a\nb").is_err());
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut chassis = Chassis::new();
    let place = chassis.files.place(0, "big").unwrap();
    let piece = vec![7; 1024 * 1024];
    let mut written = 0_u64;
    while chassis.files.append(AT, &place, &piece).is_ok() {
        written += 1024 * 1024;
        chassis.flush();
    }
    assert!(written < ROOM && written + 2 * 1024 * 1024 > ROOM, "{written}");
    let before = chassis.files.usage();
    let full = FileError::Full("workspace:/big".into());
    assert_eq!(chassis.files.append(AT, &place, &piece), Err(full));
    assert_eq!(chassis.files.usage(), before);
    assert_eq!(chassis.after_power_loss("big").len() as u64, written);
    let folder = chassis.files.place(0, "techsupport").unwrap();
    assert!(chassis.files.write(AT, &folder, b"").is_err());
    let below = chassis.files.place(0, "techsupport/x").unwrap();
    let moved = chassis.files.rename(AT, &folder, &below);
    assert_eq!(moved, Err(FileError::Invalid("workspace:/techsupport/x".into())));
}
