//! Labs of other shapes: several chassis, several blades, and the built-in one as a file.

use nix::unistd::Pid;

use crate::process::{Folder, Lab, run, vfxos};

/// Two wires behind one router: two 4100 chassis on the first, a 9300 with three blades on the other.
const THREE: &str = r#"
[lab]
clock = "2024-02-29T12:00:00Z"

[dns]
address = "198.51.100.53"

[ntp]
servers = ["198.51.100.123"]

[authority]
name = "authority.lab.example"
addresses = ["203.0.113.8"]
smart_account = "Example"
virtual_account = "Brussels"

[[chassis]]
name = "FPR4125"
model = "FPR-4125"
count = 2
address = "192.0.2.10/24"
gateway = "192.0.2.1"
dns = ["198.51.100.53"]
ntp = ["198.51.100.123"]
domain = "lab.example"

[[chassis.blade]]
slot = 1

[[chassis]]
name = "FPR9300-1"
model = "FPR-9300"
serial = "JMX1234567A"
address = "10.20.30.40/16"
gateway = "10.20.0.1"
dns = ["198.51.100.53"]
ntp = ["198.51.100.123"]

[[chassis.blade]]
slot = 1
serial = "FLM1111111A"

[[chassis.blade]]
slot = 2
module = "FPR9K-SM-36"
serial = "FLM2222222B"

[[chassis.blade]]
slot = 3
serial = "FLM3333333C"
"#;

/// Registers the chassis whose console is typed into.
fn register(lab: &mut Lab, chassis: &str) {
    let token = lab.asked("token new");
    lab.enter(&["top", "scope license", &format!("register idtoken {token}")]);
    lab.asked("clock advance 2s");
    lab.asked(&format!("wait registered 60s --chassis {chassis}"));
}

/// Has the ASA in a slot ask for its tier.
fn license(lab: &mut Lab, slot: u8) {
    lab.enter(&[&format!("connect module {slot} console"), "connect asa", "enable", ""]);
    lab.enter(&["configure terminal", "license smart", "feature tier standard", "end"]);
    lab.say("\u{1}d");
    lab.say("~");
    lab.say("quit");
}

#[test]
fn several_chassis_and_a_9300_with_three_blades_are_licensed_side_by_side() {
    let folder = Folder::new();
    let topology = folder.topology(THREE);
    let mut lab = Lab::of(&folder, &topology);
    let names = ["FPR4125-1", "FPR4125-2", "FPR9300-1"];
    for name in names {
        lab.asked(&format!("wait attached 60s --chassis {name}"));
    }
    let mut blades: Vec<Pid> = (0..3).flat_map(|one| lab.blades(one)).map(Option::unwrap).collect();
    assert_eq!(blades.len(), 5);
    blades.sort();
    blades.dedup();
    assert_eq!(blades.len(), 5, "each blade is a process of its own");

    register(&mut lab, "FPR4125-1");
    let all = lab.say("show license all");
    for fact in ["Smart Account: Example\n", "Virtual Account: Brussels\n", "on Feb 29 2024 12:0"] {
        assert!(all.contains(fact), "{fact} is not in\n{all}");
    }
    lab.enter(&["top", "scope system", "scope services"]);
    let configuration = lab.say("show configuration");
    assert!(configuration.contains("set domain-name lab.example\n"), "{configuration}");
    license(&mut lab, 1);

    turn_to(&mut lab, "FPR9300-1");
    register(&mut lab, "FPR9300-1");
    for slot in 1..=3 {
        license(&mut lab, slot);
    }
    lab.asked("clock advance 1m");
    for name in ["FPR4125-1", "FPR9300-1"] {
        lab.asked(&format!("wait authorized 60s --chassis {name}"));
    }
    let usage = lab.say("show license usage");
    let (_, tier) = usage.split_once("(ASA-SSP-STD):\n").unwrap_or_else(|| panic!("{usage}"));
    assert!(tier.contains("Count: 3\n"), "one for each blade: {usage}");

    // What one uses, the other does not; the third has no part in it.
    let instances = lab.json("instance list");
    let used = |serial: &str| {
        let all = instances.as_array().unwrap();
        let one = all.iter().find(|one| one["udi"]["serial"] == serial);
        let one = one.unwrap_or_else(|| panic!("{serial} is not in {instances}"));
        one["in_use"].as_array().unwrap().iter().map(|u| u["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(instances.as_array().unwrap().len(), 2);
    assert_eq!(used("JMX1234567A"), 3);
    let status = lab.json("status");
    let stands = |at: usize| (status[at]["name"].clone(), status[at]["registration"].clone());
    assert_eq!(stands(1), ("FPR4125-2".into(), "unregistered".into()));

    // The tier of one blade given back leaves those of the others.
    lab.enter(&["connect module 2 console", "connect asa"]);
    lab.enter(&["configure terminal", "license smart", "no feature tier standard", "end"]);
    lab.say("\u{1}d");
    lab.say("~");
    lab.say("quit");
    lab.asked("clock advance 1m");
    let usage = lab.say("show license usage");
    assert!(usage.contains("Count: 2\n"), "{usage}");
    lab.finish().with(0);
}

/// Types into another chassis from now on.
fn turn_to(lab: &mut Lab, name: &str) {
    lab.send(format!("@console {name}\n").as_bytes());
    lab.out().through(&format!("{name}# "));
}

#[test]
fn a_chassis_has_the_slots_that_its_model_has() {
    let folder = Folder::new();
    let topology = folder.topology(THREE);
    let mut lab = Lab::of(&folder, &topology);
    assert!(lab.say("connect module 2 console").contains("Error: "));
    turn_to(&mut lab, "FPR9300-1");
    lab.asked("wait attached 60s --chassis FPR9300-1");
    lab.enter(&["connect module 3 console", "connect asa", "enable", ""]);
    let version = lab.say("show version");
    assert!(version.contains("FLM3333333C") && version.contains("SSP Slot Number: 3"), "{version}");
}

#[test]
fn the_printed_topology_is_the_built_in_lab() {
    let folder = Folder::new();
    let printed = run(vfxos().args(["lab", "--print-topology"]), b"").with(0);
    assert_eq!(printed.err, "");
    let topology = folder.topology(&printed.out);
    let as_file = Lab::of(&folder, &topology).finish().with(0);
    let built_in = Lab::start(&folder).finish().with(0);
    assert_eq!(as_file.err, built_in.err, "it is the same lab, with the same state");
    assert!(!folder.path().join("never").exists());
}

#[test]
fn the_state_folder_may_stand_in_the_topology_and_the_command_line_goes_before_it() {
    let folder = Folder::new();
    let named = folder.path().join("named");
    let line = format!("state = \"{}\"", named.display());
    let topology = folder.changed(&[("# state = \"/var/lib/vfxos/lab\"", &line)]);
    let ended = run(vfxos().arg("lab").arg(&topology), b"").with(0);
    assert!(ended.err.contains(&format!("state in {}\n", named.display())), "{}", ended.err);
    assert!(named.join("flash.redb").exists() && !folder.state().exists());
    Lab::of(&folder, &topology).finish().with(0);
    assert!(folder.state().join("flash.redb").exists());
    // Without either it is the user's own.
    let home = folder.path().join("home");
    let ended = run(vfxos().arg("lab").env("HOME", &home), b"").with(0);
    assert!(ended.err.contains(".local/state/vfxos/lab\n"), "{}", ended.err);
    let ended = run(vfxos().env("XDG_STATE_HOME", &home), b"").with(0);
    let own = home.join("vfxos/lab");
    assert!(ended.err.contains(&format!("state in {}\n", own.display())), "{}", ended.err);
}
