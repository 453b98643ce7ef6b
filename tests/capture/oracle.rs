//! The tools whose word counts, and files to show them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use vfxos::wire::pcap::{FileFormat, Stamp, Way};

/// Returns whether `tool` runs here; if not, says that the test is skipped.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").stdin(Stdio::null()).output();
    let runs = found.is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: {tool} is not installed");
    }
    runs
}

/// A file of its own name that goes when this does.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(bytes: &[u8]) -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vfxos-capture-{}-{count}.pcap", std::process::id());
        let scratch = Scratch(std::env::temp_dir().join(name));
        fs::write(&scratch.0, bytes).unwrap();
        scratch
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A frame and how long it was before it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    pub at: Stamp,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
}

impl Shot {
    pub fn whole(at: Stamp, bytes: Vec<u8>) -> Shot {
        Shot { at, wire_len: u32::try_from(bytes.len()).unwrap(), bytes }
    }
}

/// Writes frames as a file.
pub fn file(format: FileFormat, shots: &[Shot]) -> Vec<u8> {
    let mut out = Vec::new();
    format.head(&mut out, "eth0", 262_144);
    for shot in shots {
        format.frame(&mut out, shot.at, Way::In, shot.wire_len, &shot.bytes);
    }
    out
}
