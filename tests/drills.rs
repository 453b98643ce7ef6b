//! Every drill as a learner meets it: broken at first, and mended by its own solution. And every
//! fault by its name, with what the chassis concludes from it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");

/// Runs the binary on a script; ends with it.
fn run(args: &[&str], script: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let script = script.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    // A lab that has ended early reads no more.
    let _ = writer.join();
    output
}

fn names() -> Vec<String> {
    let output = run(&["drill", "list"], "");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// What `vfxos drill solution` says of it; `$TOKEN` and `$ROOT` stand in it for the lab to fill.
fn solution(name: &str) -> String {
    let path = format!("{}/src/cmd/lab/drills/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the drill's file");
    let table: toml::Table = text.parse().expect("TOML");
    table["solution"].as_str().expect("a text").trim().to_owned()
}

#[test]
fn every_drill_is_broken_until_its_solution_mends_it() {
    let names = names();
    assert!(names.len() >= 15, "{names:?}");
    // Two at a time: most of a drill is waiting for a deadline.
    let halves = names.chunks(names.len().div_ceil(2));
    let threads: Vec<_> = halves
        .map(|half| half.to_vec())
        .map(|half| std::thread::spawn(move || half.iter().for_each(|name| solve(name))))
        .collect();
    for thread in threads {
        thread.join().expect("each drill");
    }
}

fn solve(name: &str) {
    let script = format!("@drill check\n{}\n@drill check\n", solution(name));
    let output = run(&["drill", "start", name, "--ephemeral"], &script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {said}");
    let checks: Vec<_> = said.lines().filter(|line| line.starts_with("@drill check: ")).collect();
    let solved = format!("@drill check: {name}: solved");
    let [before, after] = checks[..] else { panic!("{name}: {said}") };
    assert_ne!(before, solved, "{name} is solved before anybody has begun");
    assert_eq!(after, solved, "{name}:\n{printed}\n{said}");
}

/// Fault, and what `Failure reason: ` of a registration then begins with; empty for none.
const CONCLUSIONS: [(&str, &str); 20] = [
    ("dns-nxdomain", "Failed to resolve host"),
    ("dns-silent", "Failed to resolve host"),
    ("dns-wrong-address", "Couldn't connect to host"),
    ("connection-refused", "Couldn't connect to host"),
    ("reset-after-hello", "HTTP transport failed"),
    ("wrong-ca", "Failed to authenticate server"),
    ("expired-certificate", "Failed to authenticate server"),
    ("wrong-name", "Failed to authenticate server"),
    ("interception", "Failed to authenticate server"),
    ("http-403", "HTTP server returns error code >= 400."),
    ("http-407", "HTTP server returns error code >= 400."),
    ("http-500", "HTTP server returns error code >= 400."),
    ("login-page", "Parsing backend response message failed"),
    ("empty-answer", "HTTP transport failed"),
    ("cut-answer", "HTTP transport failed"),
    ("refuse-token", "{\"token\":[\"The token '"),
    ("already-registered", "{\"sudi\":[\"The product 'firepower.com.cisco.FPR4125,1.0_"),
    ("clock-tolerance", "{\"timestamp\":[\"The device date '"),
    ("latency", ""),
    ("duplicate", ""),
];

#[test]
fn every_fault_leads_to_its_conclusion() {
    let mut script = "@wait synchronized 60s\nscope license\n".to_owned();
    for (fault, _) in CONCLUSIONS {
        // The marks tell the listings apart; a token of its own, so that no answer is a repeat.
        script += &format!(
            "@token\n@fault set {fault}\nregister idtoken $TOKEN force\n@wait attempted 90s\n\
             show license all | egrep \"Failure|Status: R\"\n@fault clear\nderegister\n\
             @wait attempted 90s\n"
        );
    }
    let output = run(&["lab", "--ephemeral"], &script);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut listings = printed.split("show license all | egrep").skip(1);
    for (fault, reason) in CONCLUSIONS {
        let listing = listings.next().unwrap_or_default();
        let listing = listing.split("FPR4125-1 /license #").next().unwrap_or_default();
        let found = listing.lines().find_map(|line| line.trim().strip_prefix("Failure reason: "));
        let registered = listing.contains("Status: REGISTERED\n");
        let want = (!reason.is_empty()).then_some(reason);
        let begins = |found: &str| want.is_some_and(|want| found.starts_with(want));
        assert!(found.map_or(want.is_none() && registered, begins), "{fault}: {listing}");
    }
}

#[test]
fn a_fault_ends_when_its_time_is_over_and_is_for_one_chassis_alone() {
    let script = "@fault set refuse-token for 20m chassis FPR4125-1\nscope license\n\
        register idtoken $TOKEN\n@wait failed 60s\n@clock advance 19m\n@fault list\n\
        @clock advance 1m\nregister idtoken $TOKEN\n@wait registered 60s\n\
        @fault set nonsense\n@fault set latency for ever\n@fault set latency chassis Nobody\n\
        @fault clear nonsense\n";
    let output = run(&["lab", "--ephemeral"], script);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).map(str::to_owned);
    let left = line("refuse-token").unwrap_or_default();
    let left = left.split("for FPR4125-1; ").nth(1).and_then(|left| left.strip_suffix(" s left"));
    let left: Option<u64> = left.and_then(|left| left.parse().ok());
    assert!(left.is_some_and(|left| (1..=60).contains(&left)), "{said}");
    assert_eq!(line("@wait registered"), Some("@wait registered 60s: FPR4125-1 is there".into()));
    assert!(line("@fault set nonsense").is_some_and(|l| l.contains("there is no fault nonsense")));
    assert!(line("@fault set latency for ever").is_some_and(|l| l.contains("30s, 15m, 12h")));
    assert!(line("@fault set latency chassis").is_some_and(|l| l.contains("no chassis Nobody")));
    assert!(line("@fault clear nonsense").is_some_and(|l| l.contains("there is no fault")));
}
