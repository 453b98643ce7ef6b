//! What outlives a restart, a power cut at any moment, and the death of a blade.

use nix::sys::signal::{Signal, kill};
use vfxos::base::rng::Rng;

use crate::process::{Ended, Folder, Lab, gone, lines, script};

/// Types what makes the ASA ask for its tier.
const LICENSE_ASA: &[&str] = &[
    "connect module 1 console",
    "connect asa",
    "enable",
    "",
    "configure terminal",
    "hostname asa-one",
    "license smart",
    "feature tier standard",
    "end",
    "write memory",
];

/// Leaves the ASA and its module.
fn leave(lab: &mut Lab) {
    for line in ["\u{1}d", "~"] {
        lab.say(line);
    }
    lab.say("quit");
}

/// Registers the chassis and licenses its ASA.
fn licensed(lab: &mut Lab) {
    let token = lab.asked("token new");
    lab.enter(&["scope license", &format!("register idtoken {token}")]);
    lab.asked("clock advance 2s");
    lab.asked("wait registered 30s");
    lab.enter(LICENSE_ASA);
    leave(lab);
    lab.asked("clock advance 1m");
    lab.asked("wait authorized 30s");
}

/// Returns what the ASA shows.
fn on_asa(lab: &mut Lab, command: &str) -> String {
    lab.enter(&["top", "connect module 1 console", "connect asa"]);
    let prompt = lab.say("enable");
    assert!(prompt.is_empty(), "{prompt}");
    lab.say("");
    let said = lab.say(command);
    leave(lab);
    said
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    licensed(&mut lab);
    lab.enter(&["top", "scope system", "scope services", "create dns 192.0.2.9"]);
    lab.enter(&["set domain-name lab.example", "commit-buffer"]);
    lab.asked("token new --days 200 --uses 3 --account A --virtual-account B");
    lab.asked("pool set FIREPOWER_4100_ASA_CARRIER 7");
    lab.asked("clock rate 2");
    lab.asked("clock advance 20d");
    let before = seen(&mut lab);
    lab.finish().with(0);

    let mut lab = Lab::start(&folder);
    lab.asked("wait registered 0s");
    lab.asked("wait attached 60s");
    lab.asked("wait authorized 60s");
    let after = seen(&mut lab);
    for (before, after) in before.facts.iter().zip(&after.facts) {
        assert_eq!(before, after);
    }
    assert_eq!(before.facts.len(), after.facts.len());
    assert!(after.clock >= before.clock, "{} is before {}", after.clock, before.clock);
    assert!(after.clock < before.clock + 3_600_000, "{} is long after", after.clock);
    assert!(lab.asked("clock show").ends_with(" at 2x"));
    let asa = on_asa(&mut lab, "show license all");
    assert!(asa.contains("Overall licensed status: Authorized (3)"), "{asa}");
    lab.finish().with(0);
}

/// What an operator can see.
struct Seen {
    facts: Vec<String>,
    /// Unix milliseconds.
    clock: i64,
}

fn seen(lab: &mut Lab) -> Seen {
    let mut facts = Vec::new();
    lab.enter(&["top", "scope license"]);
    let all = lab.say("show license all");
    let (_, registration) = all.split_once("Registration:\n").unwrap();
    // Dates to come are printed to the second or one less, as on the device.
    let past = |line: &&str| !line.contains("Next ") && !line.contains("Expires:");
    let lines = registration.lines().take_while(|line| !line.is_empty()).filter(past);
    facts.extend(lines.map(str::to_owned));
    lab.enter(&["top", "scope system"]);
    facts.push(lab.say("show configuration"));
    for words in ["token list", "pool list"] {
        facts.push(lab.asked(&format!("{words} --json")));
    }
    // Who starts again asks again: that it was heard is news, the rest is not.
    let mut instances = lab.json("instance list");
    instances[0]["last_contact"].take();
    facts.push(instances.to_string());
    facts.push(on_asa(lab, "show running-config"));
    facts.push(on_asa(lab, "show startup-config"));
    let clock = lab.json("clock show");
    let wall = vfxos::base::time::Utc::parse_iso(clock["wall"].as_str().unwrap()).unwrap();
    Seen { facts, clock: wall.unix_ms() }
}

/// Lines of a script, each of which something is to be remembered of.
const EVENTFUL: &[&str] = &[
    "scope system",
    "scope services",
    "create dns 192.0.2.9",
    "commit-buffer",
    "show dns",
    "@token days=9",
    "@pool set FIREPOWER_4100_ASA_CARRIER 7",
    "scope license",
    "register idtoken $TOKEN",
    "show license udi",
    "@clock advance 2s",
    "@wait registered 60s",
    "connect module 1 console",
    "connect asa",
    "enable",
    "",
    "configure terminal",
    "hostname asa-one",
    "license smart",
    "feature tier standard",
    "end",
    "write memory",
    "show running-config license",
    "@clock advance 1m",
    "@wait authorized 60s",
    "@clock advance 31d",
    "show license entitlement",
];

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged() {
    // Seeds differ in where they cut; each is run whole.
    let mut rng = Rng::from_seed(0x0c0f_fee0);
    let mut acknowledged = [0; 6];
    for stretch in 0..9 {
        let after = stretch * 5 + usize::try_from(rng.next_u64() % 5).unwrap();
        let folder = Folder::new();
        let cut = cut(&folder, after);
        let kept = check(&folder, &cut, after);
        acknowledged.iter_mut().zip(kept).for_each(|(n, kept)| *n += usize::from(kept));
    }
    assert!(
        acknowledged.iter().all(|n| *n > 0),
        "something is never acknowledged: {acknowledged:?}"
    );
}

/// Runs a lab and kills it after so many lines of its output.
fn cut(folder: &Folder, after: usize) -> Ended {
    let mut lab = Lab::start(folder);
    // Its input stays open: it is the power cut that ends this lab, nothing else.
    lab.send(lines(EVENTFUL).as_bytes());
    let end = |text: &str| text.match_indices('\n').nth(after).map(|(at, _)| at);
    let seen = lab.out().until("lines to cut after", end);
    let mut ended = lab.kill();
    ended.out.insert_str(0, &seen);
    ended
}

/// Starts the lab again and looks for all that the one before had acknowledged; returns what that was.
fn check(folder: &Folder, cut: &Ended, after: usize) -> [bool; 6] {
    // A line was carried out once the prompt of the next stands behind it.
    let done = |line: &str| {
        cut.out
            .split_once(&format!("{line}\n"))
            .is_some_and(|(_, rest)| rest.ends_with("# ") || rest.contains("# "))
    };
    let said = |words: &str| cut.err.lines().find_map(|l| l.strip_prefix(&format!("@{words}: ")));

    let mut lab = Lab::start(folder);
    let context = format!("cut after {after} lines\n{}\n{}", cut.out, cut.err);
    let committed = done("commit-buffer");
    if committed {
        lab.enter(&["scope system", "scope services"]);
        assert!(lab.say("show dns").contains("192.0.2.9"), "{context}");
    }
    if let Some(token) = said("token days=9") {
        assert!(lab.asked("token list").contains(token), "{context}");
    }
    let pool = said("pool set FIREPOWER_4100_ASA_CARRIER 7");
    if pool.is_some() {
        let pools = lab.asked("pool list");
        let row = pools.lines().find(|line| line.starts_with("FIREPOWER_4100_ASA_CARRIER"));
        assert!(row.unwrap().contains("of    7"), "{context}\n{pools}");
    }
    // A registration that was begun goes on by itself.
    let begun = cut.out.split_once("register idtoken").is_some_and(|(_, rest)| rest.contains("# "));
    if begun {
        lab.asked("clock advance 2s");
        lab.asked("wait registered 60s");
        assert_eq!(lab.json("instance list").as_array().unwrap().len(), 1, "{context}");
    }
    let asked = done("feature tier standard");
    if asked {
        let running = on_asa(&mut lab, "show running-config license");
        assert!(running.contains(" feature tier standard\n"), "{context}\n{running}");
        lab.asked("clock advance 1m");
        lab.asked("wait authorized 60s");
    }
    if done("write memory") {
        let startup = on_asa(&mut lab, "show startup-config");
        assert!(startup.contains("hostname asa-one\n"), "{context}\n{startup}");
    }
    let advanced = said("clock advance 31d");
    if let Some(shown) = advanced {
        let now = lab.asked("clock show");
        assert!(now.as_str() >= shown, "{context}\n{now}");
    }
    lab.finish().with(0);
    [committed, pool.is_some(), begun, asked, done("write memory"), advanced.is_some()]
}

#[test]
fn a_blade_that_dies_frees_what_it_held_and_comes_back_for_it() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    licensed(&mut lab);
    lab.enter(&["top", "scope license"]);
    let usage = lab.say("show license usage");
    assert!(usage.contains("(FIREPOWER_4100_ASA_STANDARD):\n"), "{usage}");
    let blade = lab.blades(0)[0].unwrap();

    kill(blade, Signal::SIGKILL).unwrap();
    lab.err().through("blade 1 ended (signal: 9 (SIGKILL)); it is started again");
    let usage = lab.say("show license usage");
    let back = lab.blades(0)[0];
    assert!(usage.contains("No licenses in use") || back.is_some(), "{usage}");

    lab.asked("wait attached 60s");
    let back = lab.blades(0)[0].unwrap();
    assert_ne!(back, blade);
    lab.asked("clock advance 1m");
    lab.asked("wait authorized 60s");
    let usage = lab.say("show license usage");
    assert!(usage.contains("(FIREPOWER_4100_ASA_STANDARD):\n"), "{usage}");
    let asa = on_asa(&mut lab, "show license all");
    assert!(asa.contains("Overall licensed status: Authorized (3)"), "{asa}");
    assert!(asa.contains("Handle: 1\n"), "it asks under the handle that it had: {asa}");
}

#[test]
fn a_console_whose_blade_dies_is_closed() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.asked("wait attached 60s");
    lab.enter(&["connect module 1 console", "connect asa"]);
    kill(lab.blades(0)[0].unwrap(), Signal::SIGKILL).unwrap();
    lab.out().through("\nConnection closed by foreign host.\nFPR4125-1# ");
    lab.enter(&["show clock"]);
}

#[test]
fn blades_die_with_their_lab() {
    let folder = Folder::new();
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut lab = Lab::start(&folder);
        lab.asked("wait attached 60s");
        let blade = lab.blades(0)[0].unwrap();
        kill(lab.pid(), signal).unwrap();
        let ended = lab.ended();
        assert_eq!(ended.code, (signal == Signal::SIGTERM).then_some(0), "{}", ended.err);
        gone(blade);
    }
    // And the next lab finds nothing in its way.
    let ended = script(&folder, &[], "@wait attached 60s\n").with(0);
    assert!(ended.err.contains("is there"), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 5, "{}", ended.err);
}
