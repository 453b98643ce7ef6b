//! `make bench`: what the design lives from, each figure beside a peer measured in the same run.
//!
//! A figure is a median of repetitions in which subject and peer take turns, so that whatever else
//! the machine does meets both. The table is the result; over budget is a word in it and no error.
//! The exit status is 1 only if something could not be measured.
//! `cargo bench --bench figures -- WORD` measures the groups whose name begins with WORD.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod disk;
mod lab;
mod machines;
mod network;
mod process;
mod table;
mod timing;

use table::Figure;

/// Why something could not be measured.
type Failure = Box<dyn std::error::Error>;

/// Figures that are measured together.
type Group = (&'static str, fn(&Path) -> Result<Vec<Figure>, Failure>);

const GROUPS: [Group; 4] = [
    ("machines", |_| machines::figures()),
    ("network", |_| network::figures()),
    ("disk", disk::figures),
    ("lab", lab::figures),
];

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.starts_with(word));
    let folder = match Folder::new() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("figures: no folder to work in: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut figures, mut failed) = (Vec::new(), false);
    // It stands idle while everything else is measured.
    let idle = wanted("idle").then(|| lab::Idle::begin(&folder.0.join("idle")));
    for (name, measure) in GROUPS.into_iter().filter(|(name, _)| wanted(name)) {
        eprintln!("figures: {name} ...");
        match measure(&folder.0) {
            Ok(found) => figures.extend(found),
            Err(error) => {
                eprintln!("figures: {name} could not be measured: {error}");
                failed = true;
            }
        }
    }
    if let Some(begun) = idle {
        eprintln!("figures: idle ...");
        match begun.and_then(lab::Idle::figures) {
            Ok(found) => figures.extend(found),
            Err(error) => {
                eprintln!("figures: the idle lab could not be measured: {error}");
                failed = true;
            }
        }
    }
    print!("{}", table::render(&figures));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where this run keeps its files: on the disk that the build is on, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Folder> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = path.join(format!("figures-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A rest of it is in the build's own temporary folder, where it is nobody's loss.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
