//! `vfxos ctl`: every word, from another process, in text and in JSON.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::process::{CHASSIS, Folder, Lab, ctl};

/// Registers the chassis with a token that `ctl` made.
fn register(lab: &mut Lab) {
    let token = lab.asked("token new");
    lab.enter(&["scope license", &format!("register idtoken {token}")]);
    lab.asked("clock advance 2s");
    lab.asked("wait registered 30s");
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let folder = Folder::new();
    let lab = Lab::start(&folder);
    let plain = lab.asked("token new");
    assert!(plain.len() > 100 && plain.bytes().all(|b| b.is_ascii_graphic()), "{plain}");
    let words =
        "token new --export-controlled no --days 3 --uses 2 --account A --virtual-account B";
    let strict = lab.json(words);
    let text = strict["text"].as_str().unwrap();
    for (name, want) in [
        ("export_controlled", json!(false)),
        ("uses_max", json!(2)),
        ("smart_account", json!("A")),
        ("virtual_account", json!("B")),
        ("state", json!("active")),
    ] {
        assert_eq!(strict[name], want, "{name}");
    }

    let id = strict["id"].as_str().unwrap();
    assert_eq!(lab.asked(&format!("token revoke {id}")), format!("token {id} is revoked"));
    let list = lab.asked("token list");
    let of = |text: &str| list.lines().find(|line| line.ends_with(text)).unwrap().to_owned();
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(of(text).contains("revoked") && of(text).contains("used 0/2"), "{list}");
    assert!(of(&plain).contains("active") && of(&plain).contains("used 0/-"), "{list}");
    let list = lab.json("token list");
    let states: Vec<&Value> = list.as_array().unwrap().iter().map(|t| &t["state"]).collect();
    assert_eq!(states, [&json!("active"), &json!("active"), &json!("revoked")]);

    let twice = lab.json(&format!("token revoke {plain}"));
    assert_eq!(twice["state"], "revoked");
}

#[test]
fn instances_and_pools_are_listed_and_changed() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    assert_eq!(lab.asked("instance list"), "");
    assert_eq!(lab.json("instance list"), json!([]));
    register(&mut lab);
    let list = lab.asked("instance list");
    assert!(list.contains("JAD12345678") && list.contains(CHASSIS), "{list}");
    let list = lab.json("instance list");
    assert_eq!(list[0]["udi"]["serial"], "JAD12345678");

    let pools = lab.json("pool list");
    let tags: Vec<&str> =
        pools.as_array().unwrap().iter().map(|p| p["tag"].as_str().unwrap()).collect();
    assert!(tags.contains(&"FIREPOWER_4100_ASA_STANDARD"), "{tags:?}");
    let set = lab.asked("pool set firepower_4100_asa_standard 3 --expires 2060-12-31");
    assert!(set.starts_with("FIREPOWER_4100_ASA_STANDARD "), "{set}");
    assert!(set.ends_with("0 of    3 in use"), "{set}");
    let row = lab.json("pool set FIREPOWER_4100_ASA_STANDARD 4 --expires 2020-01-01");
    assert_eq!(row["expires"], "2020-01-01T00:00:00Z");
    assert_eq!((&row["bought"], &row["available"]), (&json!(4), &json!(0)), "expired");

    let removed = lab.json("instance remove JAD12345678");
    assert_eq!(removed["udi"]["serial"], "JAD12345678");
    assert_eq!(lab.json("instance list"), json!([]));
    let events = lab.json("events");
    let texts: Vec<&str> =
        events.as_array().unwrap().iter().map(|e| e["text"].as_str().unwrap()).collect();
    assert!(
        texts.iter().any(|t| t.contains("JAD12345678") && t.contains("registered")),
        "{texts:?}"
    );
    assert!(texts.last().unwrap().contains("removed by the operator"), "{texts:?}");
    assert_eq!(lab.asked("events").lines().count(), texts.len());
}

#[test]
fn the_clock_is_shown_advanced_set_and_sped_up() {
    let folder = Folder::new();
    let topology = folder.changed(&[("clock = \"now\"", "clock = \"2020-08-04T07:58:13Z\"")]);
    let mut lab = Lab::of(&folder, &topology);
    let shown = lab.asked("clock show");
    assert!(shown.starts_with("2020-08-04T07:5") && shown.ends_with("Z at 1x"), "{shown}");
    let advanced = lab.asked("clock advance 31d");
    assert!(advanced.starts_with("2020-09-04T"), "{advanced}");
    let set = lab.json("clock set 2030-01-01");
    assert!(set["wall"].as_str().unwrap().starts_with("2030-01-01T00:00:0"), "{set}");
    assert_eq!(lab.json("clock rate 60")["rate"], 60);
    assert!(lab.asked("clock show").ends_with(" at 60x"));
    assert_eq!(lab.json("clock rate 1")["rate"], 1);
    let clock = lab.say("show clock");
    assert!(clock.ends_with("UTC 2030\n"), "the chassis has the same date: {clock}");
}

#[test]
fn the_clock_of_one_chassis_is_put_off() {
    let folder = Folder::new();
    let from = "clock = \"now\"";
    let topology = folder.changed(&[(from, "clock = \"2020-08-04T07:58:13Z\"")]);
    let mut lab = Lab::of(&folder, &topology);
    // What NTP corrects at the start comes first.
    lab.asked("wait synchronized 60s");
    let ahead = lab.json("clock skew FPR4125-1 1461d");
    assert_eq!(ahead["skew_ms"], 1461_i64 * 86_400_000, "{ahead}");
    let shown = lab.say("show clock");
    assert!(shown.ends_with("UTC 2024\n"), "{shown}");
    assert!(lab.asked("clock show").starts_with("2020-08-04T"), "the lab's own stays");
    let behind = lab.asked("clock skew FPR4125-1 -8s");
    assert!(behind.ends_with(", 8.000 s behind the lab"), "{behind}");
    let nobody = lab.ctl("clock skew FPR9300-7 1s").with(1);
    assert_eq!(nobody.one_line(), "vfxos ctl: no chassis FPR9300-7");
}

#[test]
fn waiting_ends_when_it_is_so_or_with_status_1() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    assert_eq!(lab.asked("wait attached 60s"), "FPR4125-1 is there");
    assert_eq!(lab.json("wait unregistered 60s --chassis FPR4125-1")["name"], CHASSIS);
    let late = lab.ctl("wait registered 0s").with(1);
    let line = late.one_line();
    assert!(line.starts_with("vfxos ctl: FPR4125-1 is not Registered after 0 s: {"), "{line}");
    let late = lab.ctl("wait registered 0s --json").with(1);
    assert!(late.out.starts_with("{\"error\":\"FPR4125-1 is not Registered"), "{}", late.out);
    let nobody = lab.ctl("wait registered 1s --chassis FPR4125-2").with(1);
    assert_eq!(nobody.one_line(), "vfxos ctl: no chassis FPR4125-2");

    register(&mut lab);
    let status = lab.asked("status");
    assert!(status.starts_with("FPR4125-1  registered  authorized false"), "{status}");
    assert!(status.contains("\n    blade 1  FCH12345ABC  attached  process "), "{status}");
    let status = lab.json("status");
    assert_eq!(status[0]["registration"], "registered");
    assert_eq!(status[0]["blades"][0]["attached"], true);
    assert!(status[0]["blades"][0]["pid"].as_u64().is_some(), "{status}");
}

#[test]
fn stop_ends_the_lab_and_then_nobody_answers() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    assert_eq!(lab.asked("stop"), "stopping");
    let ended = lab.ended().with(0);
    assert_eq!(ended.err.lines().count(), 4, "{}", ended.err);
    for words in ["status", "status --json", "token new", "stop"] {
        let none = ctl(&folder.state(), words).with(2);
        let (line, socket) = (none.one_line(), folder.state().join("ctl.sock"));
        assert!(line.starts_with(&format!("vfxos ctl: nobody answers at {}", socket.display())));
        assert!(line.contains("start `vfxos lab`") && line.contains("--state"), "{line}");
    }
}

#[test]
fn a_lab_that_was_killed_answers_nobody() {
    let folder = Folder::new();
    Lab::start(&folder).kill();
    assert!(folder.state().join("ctl.sock").exists(), "a killed lab leaves its socket");
    let none = ctl(&folder.state(), "status").with(2);
    assert!(none.one_line().contains("Connection refused"), "{}", none.err);
    ctl(&folder.path().join("never"), "status").with(2);
}

#[test]
fn words_that_make_no_sense_are_status_2_and_refused_ones_1() {
    let folder = Folder::new();
    let lab = Lab::start(&folder);
    for words in [
        "",
        "fly",
        "token",
        "token fly",
        "token new --days 0",
        "token new --days 366",
        "token new --uses 0",
        "token new --export-controlled maybe",
        "token revoke",
        "instance remove",
        "pool set",
        "pool set FIREPOWER_4100_ASA_STANDARD many",
        "pool set FIREPOWER_4100_ASA_STANDARD 1 --expires never",
        "clock advance",
        "clock advance soon",
        "clock set tomorrow",
        "clock rate 0",
        "clock rate 86401",
        "wait registered",
        "wait never 1s",
        "wait registered soon",
        "status --fly",
    ] {
        let ended = lab.ctl(words).with(2);
        assert_eq!(ended.out, "", "{words}");
        let said = ended.err.contains("Usage: ") || ended.err.starts_with("error: ");
        assert!(said, "{words}\n{}", ended.err);
    }
    lab.asked("clock set 2199-12-01");
    for (words, why) in [
        ("token revoke nothing", "no token nothing"),
        ("token new --account A", "give both or none"),
        ("instance remove nothing", "no product instance nothing"),
        ("pool set NOTHING 1", "no entitlement NOTHING"),
        (
            "pool set FIREPOWER_4100_ASA_STANDARD 1 --account A --virtual-account B",
            "no account A / B",
        ),
        ("clock advance 60d", "the clock can't go beyond 2199-12-31"),
    ] {
        let ended = lab.ctl(words).with(1);
        assert!(ended.one_line().starts_with("vfxos ctl: "), "{words}\n{}", ended.err);
        assert!(ended.err.contains(why), "{words}\n{}", ended.err);
        let ended = lab.ctl(&format!("{words} --json")).with(1);
        let said: Value = serde_json::from_str(&ended.out).unwrap();
        assert!(said["error"].as_str().unwrap().contains(why), "{words}\n{}", ended.out);
        assert_eq!(ended.err, "", "{words}");
    }
    let clock = lab.asked("clock show");
    assert!(clock.starts_with("2199-12-01T"), "a refused advance moves nothing: {clock}");
}

#[test]
fn nonsense_on_the_control_socket_is_refused_and_the_lab_goes_on() {
    let folder = Folder::new();
    let lab = Lab::start(&folder);
    let socket = folder.state().join("ctl.sock");
    let ask = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // It may be closed before everything was written.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line
    };
    let endless = vec![b'x'; vfxos::cmd::control::LINE_MAX + 1];
    for bytes in [&b"\n"[..], b"", b"{}\n", b"\"fly\"\n", b"\0\xff\n", b"{\"wait\":", &endless] {
        let said = ask(bytes);
        let refused = said.is_empty() || said.contains("no request of this version");
        assert!(refused, "{said}");
    }
    // One that says nothing holds up nobody.
    let _silent = UnixStream::connect(&socket).unwrap();
    assert!(ask(b"\"status\"\n").contains("\"ok\":true"));
    lab.asked("status");
}

#[test]
fn a_lab_in_which_nothing_happens_does_nothing() {
    let folder = Folder::new();
    let servers = "ntp = [\"10.62.148.75\", \"172.18.108.14\", \"172.18.108.15\"]";
    let topology = folder.changed(&[(servers, "ntp = []")]);
    let lab = Lab::of(&folder, &topology);
    lab.asked("wait attached 60s");
    let woken = || {
        let status = fs::read_to_string(format!("/proc/{}/status", lab.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:"));
        line.unwrap().split_whitespace().nth(1).unwrap().parse::<u32>().unwrap()
    };
    // What is done after a start, such as making an RSA key, comes to rest in one of these.
    let mut times = Vec::new();
    for _ in 0..6 {
        let before = woken();
        lab.ctl("wait failed 3s").with(1);
        times.push(woken() - before);
        if times.last().is_some_and(|times| *times < 10) {
            return;
        }
    }
    panic!("it woke up so often, every 3 s: {times:?}");
}
