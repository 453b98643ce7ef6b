//! The files for labs under `images/` against the schemas of their tools, each with a broken twin.

#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

use std::path::Path;
use std::process::Command;

/// What the checker ends with where it lacks something.
const SKIPPED: i32 = 77;

#[test]
fn every_lab_file_is_what_its_tool_takes_and_a_broken_one_is_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join(".venv-ci/bin/python");
    let python = if own.exists() { own } else { "python3".into() };
    let Ok(done) = Command::new(&python).arg(root.join("tests/labs/check.py")).output() else {
        eprintln!("skipped: {} is not installed", python.display());
        return;
    };
    let said = String::from_utf8_lossy(&done.stdout);
    match done.status.code() {
        Some(0) => {}
        Some(SKIPPED) => eprintln!("{said}"),
        _ => panic!("{said}{}", String::from_utf8_lossy(&done.stderr)),
    }
}
