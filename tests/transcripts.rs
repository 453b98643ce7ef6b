//! What an operator sees, byte for byte: each file under `tests/transcripts` is a session at a
//! terminal, typed again and compared whole. `tests/transcripts/README.md` says how to add one.

#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "transcripts/difference.rs"]
mod difference;
#[path = "transcripts/lock.rs"]
mod lock;
#[path = "transcripts/replay.rs"]
mod replay;
mod world;

use lock::Lock;
use replay::{Origin, replay};

/// Where the transcripts are.
const FOLDER: &str = "tests/transcripts";

#[test]
fn every_transcript_is_what_the_terminal_shows() {
    let bless = env::var_os("BLESS").is_some_and(|value| value == "1");
    let only = env::var("ONLY").unwrap_or_default();
    let faults = check(Path::new(FOLDER), bless, &only);
    assert!(faults.is_empty(), "\n\n{}", faults.join("\n"));
}

/// Replays the files of a folder whose names contain `only`, and holds those that are not ours
/// against the lock. Blessing rewrites what is ours and locks what is new; it changes nothing else.
fn check(folder: &Path, bless: bool, only: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut lock = Lock::read(folder);
    let mut foreign = Vec::new();
    for path in transcripts(folder) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).expect("UTF-8 transcript");
        let origin = match replay::origin(&text) {
            Ok(origin) => origin,
            Err(fault) => {
                faults.push(format!("{name}: {fault}"));
                continue;
            }
        };
        if origin == Origin::Foreign {
            foreign.push((name.clone(), text.clone()));
        }
        if !name.contains(only) {
            continue;
        }
        match replay(&text) {
            Ok(replayed) if replayed == text => {
                if bless && origin == Origin::Foreign {
                    lock.add(&name, &text);
                }
            }
            Ok(replayed) if bless && origin == Origin::Ours => {
                // What is kept must hold by itself.
                if replay(&replayed).as_ref() == Ok(&replayed) {
                    fs::write(&path, replayed).expect("writable transcript");
                } else {
                    faults.push(format!("{name}: typed again, it shows something else again"));
                }
            }
            Ok(replayed) => {
                let difference = difference::between(&text, &replayed);
                faults.push(format!("{name}: the terminal shows something else\n{difference}"));
            }
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    faults.extend(lock.faults(&foreign));
    if bless {
        lock.write(folder);
    }
    faults
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("readable folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

/// A folder of transcripts that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Folder {
        let name = format!("transcripts-{}-{test}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn check(&self, bless: bool) -> String {
        check(&self.0, bless, "").join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that fails leaves its reason in its output.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A session whose second line of output is right or wrong.
fn session(source: &str, shown: &str) -> String {
    format!("# source: {source}\n# clock: 2020-08-04T09:55:50\nFPR4125-1# show clock\n{shown}\n")
}

const RIGHT: &str = "Tue Aug  4 09:55:50 UTC 2020";
const WRONG: &str = "Tue Aug  4 09:55:51 UTC 2020";

#[test]
fn blessing_rewrites_what_is_ours_and_nothing_else() {
    let seed = session("seed, \"show clock\"", WRONG);
    let device = session("device, a public capture", WRONG);
    let ours = session("ours", WRONG);
    let files = [("a.txt", &*seed), ("b.txt", &*device), ("c.txt", &*ours)];
    let folder = Folder::new("bless", &files);
    let faults = folder.check(true);
    assert!(faults.contains("a.txt: the terminal shows something else"), "{faults}");
    assert!(faults.contains("b.txt: the terminal shows something else"), "{faults}");
    assert!(!faults.contains("c.txt"), "{faults}");
    assert_eq!(folder.read("a.txt"), seed);
    assert_eq!(folder.read("b.txt"), device);
    assert_eq!(folder.read("c.txt"), session("ours", RIGHT));
    assert_eq!(folder.read("LOCK"), "", "what does not hold is not locked either");
}

#[test]
fn without_blessing_nothing_is_written() {
    let ours = session("ours", WRONG);
    let folder = Folder::new("dry", &[("c.txt", &ours)]);
    let faults = folder.check(false);
    assert!(faults.contains(&format!("-{WRONG}\n+{RIGHT}\n")), "{faults}");
    assert_eq!(folder.read("c.txt"), ours);
    assert!(!folder.0.join("LOCK").exists());
}

#[test]
fn the_lock_shows_what_was_changed_added_or_taken_away() {
    let seed = session("seed, \"show clock\"", RIGHT);
    let folder = Folder::new("lock", &[("a.txt", &seed), ("c.txt", &session("ours", RIGHT))]);
    assert!(folder.check(false).contains("a.txt is not in LOCK"), "new ones are to be locked");
    assert_eq!(folder.check(true), "");
    let lock = folder.read("LOCK");
    assert!(lock.ends_with("  a.txt\n") && lock.lines().count() == 1, "{lock}");
    assert_eq!(folder.check(false), "");

    // Another session that holds just as well: only the lock can tell.
    folder.write("a.txt", &seed.replace("show clock", "show clo"));
    assert!(folder.check(false).contains("a.txt is not what LOCK says"));
    assert!(folder.check(true).contains("a.txt is not what LOCK says"), "nor with a blessing");
    assert_eq!(folder.read("LOCK"), lock);

    // Calling it ours does not help.
    folder.write("a.txt", &session("ours", RIGHT));
    assert!(folder.check(true).contains("a.txt is in LOCK"));
    fs::remove_file(folder.0.join("a.txt")).unwrap();
    assert!(folder.check(true).contains("a.txt is in LOCK"));
    assert_eq!(folder.read("LOCK"), lock);
}

#[test]
fn what_cannot_be_typed_is_not_blessed_away() {
    let lost = session("ours", RIGHT) + "FPR4125-2# show clock\n" + RIGHT + "\n";
    let folder = Folder::new("typed", &[("c.txt", &lost)]);
    let faults = folder.check(true);
    assert!(faults.contains("line 5: nothing asks for `FPR4125-2# show clock`"), "{faults}");
    assert_eq!(folder.read("c.txt"), lost);

    let wrong = session("ours", RIGHT) + "@ clock backwards\n";
    folder.write("c.txt", &wrong);
    assert!(folder.check(true).contains("line 5: no form fits `@ clock backwards`"));
    folder.write("c.txt", "# source: hearsay\n");
    assert!(folder.check(true).contains("`# source:` is seed, device, client or ours"));
}
