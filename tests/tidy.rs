//! What the compiler does not check: floors, file and function length, module docs, banned calls,
//! the evidence of every device fact.

use std::fs;
use std::path::{Path, PathBuf};

/// The one order. A module may name only modules to its left, and only `cmd` and `shell` join the
/// halves: of those right of `cli`, `net` may not name `sys` nor be named by the machines.
const ORDER: [&str; 8] = ["base", "wire", "proto", "cli", "net", "sys", "shell", "cmd"];
/// Longest source file, in lines, tests apart.
const LINES_MAX: usize = 650;
/// Longest function, in lines.
const FN_LINES_MAX: usize = 80;
/// What makes a run unrepeatable or a machine impure; allowed where `EXEMPT` says.
const BANNED: [&str; 6] = [
    "std::time::Instant::now",
    "SystemTime::now",
    "thread::sleep",
    "HashMap",
    "std::net::TcpStream",
    "std::net::UdpSocket",
];
/// Impure words that may not stand in the machines' half at all.
const IMPURE: [&str; 6] =
    ["async fn", "tokio::", "Mutex", "RwLock", "std::fs", "std::net::TcpListener"];
/// Module names that say nothing.
const NAMELESS: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];

#[test]
fn tree_is_tidy() {
    let mut faults = Vec::new();
    for path in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&path).expect("UTF-8 source");
        faults.extend(check(&path, &text).into_iter().map(|f| format!("{}: {f}", path.display())));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_rules_bite() {
    let say = |path: &str, text: &str| check(Path::new(path), text).join("\n");
    assert!(say("src/base/x.rs", "fn a() {}").contains("no module doc"));
    assert!(
        say("src/proto/x.rs", "//! X.\nuse crate::net::dns;").contains("proto may not name net")
    );
    assert!(say("src/net/x.rs", "//! X.\nuse crate::sys::flash;").contains("net may not name sys"));
    assert!(say("src/wire/x.rs", "//! X.\nasync fn a() {}").contains("async fn in the machines"));
    assert!(say("src/cmd/x.rs", "//! X.\nlet h: HashMap<u8, u8>;").contains("HashMap outside"));
    assert!(say("src/cmd/utils.rs", "//! X.").contains("says nothing"));
    let long = format!("//! X.\nfn a() {{\n{}}}\n", "    b();\n".repeat(FN_LINES_MAX + 1));
    assert!(say("src/cmd/x.rs", &long).contains("fn a: over"));
    assert!(say("src/cmd/x.rs", &"//! X.\n".repeat(LINES_MAX + 1)).contains("lines"));
    assert_eq!(say("src/sys/clock.rs", "//! X.\nSystemTime::now()"), "");
}

fn check(path: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if is_test(path) {
        return faults;
    }
    if !text.starts_with("//!") {
        faults.push("no module doc on line 1".to_owned());
    }
    if text.lines().count() > LINES_MAX {
        faults.push(format!("over {LINES_MAX} lines"));
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if NAMELESS.contains(&stem) {
        faults.push(format!("`{stem}` says nothing about what is inside"));
    }
    faults.extend(long_functions(text));
    let Some(own) = floor_of(path) else { return faults };
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in (1..).zip(shipped.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for (rank, name) in ORDER.iter().enumerate().filter(|(_, n)| names(code, n)) {
            if rank > own || (ORDER[own] == "sys" && *name == "net") {
                faults.push(format!("line {number}: {} may not name {name}", ORDER[own]));
            }
        }
        for banned in BANNED.iter().filter(|b| ORDER[own] != "sys" && code.contains(**b)) {
            faults.push(format!("line {number}: {banned} outside sys"));
        }
        for impure in IMPURE.iter().filter(|word| own < 4 && code.contains(**word)) {
            faults.push(format!("line {number}: {impure} in the machines"));
        }
    }
    faults
}

/// Finds functions over the limit by their indentation, which rustfmt guarantees.
fn long_functions(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Option<(usize, String, usize)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let signature =
            ["fn ", "pub fn ", "async fn ", "pub async fn ", "const fn ", "pub const fn "]
                .iter()
                .find_map(|start| code.strip_prefix(start));
        match (&open, signature) {
            (None, Some(rest)) if !code.ends_with(';') && !code.ends_with('}') => {
                let name = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
                open = Some((indent, name, number));
            }
            (Some((at, name, start)), _) if code == "}" && indent == *at => {
                if number - start > FN_LINES_MAX {
                    faults.push(format!("fn {name}: over {FN_LINES_MAX} lines"));
                }
                open = None;
            }
            _ => {}
        }
    }
    faults
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "tests.rs" || path.components().any(|part| part.as_os_str() == "tests")
}

fn names(code: &str, module: &str) -> bool {
    code.split("crate::").skip(1).any(|rest| {
        rest.strip_prefix(module)
            .is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

fn floor_of(path: &Path) -> Option<usize> {
    let top = path.components().nth(1)?.as_os_str().to_str()?.trim_end_matches(".rs");
    ORDER.iter().position(|name| *name == top)
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("readable dir") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
