//! Failover between two chassis, as processes: a pair that forms, and a unit that is killed.

use crate::process::{Folder, Lab};
use nix::sys::signal::{Signal, kill};

const TWO: &str = r#"
[dns]
address = "198.51.100.53"

[ntp]
servers = ["198.51.100.123"]

[authority]
name = "authority.lab.example"
addresses = ["203.0.113.8"]

[[chassis]]
name = "FPR4125"
model = "FPR-4125"
count = 2
address = "192.0.2.10/24"
gateway = "192.0.2.1"
dns = ["198.51.100.53"]
ntp = ["198.51.100.123"]

[[chassis.blade]]
slot = 1
"#;

#[test]
fn the_standby_unit_takes_over_from_one_that_is_killed_and_asks_its_own_chassis() {
    let folder = Folder::new();
    let topology = folder.topology(TWO);
    let mut lab = Lab::of(&folder, &topology);
    for (name, unit) in [("FPR4125-1", "primary"), ("FPR4125-2", "secondary")] {
        if unit == "secondary" {
            lab.send(format!("@console {name}\n").as_bytes());
            lab.out().through(&format!("{name}# "));
        }
        lab.asked(&format!("wait attached 60s --chassis {name}"));
        let token = lab.asked("token new");
        lab.enter(&["scope license", &format!("register idtoken {token}"), "top"]);
        lab.asked("clock advance 2s");
        lab.asked(&format!("wait registered 60s --chassis {name}"));
        lab.enter(&["connect module 1 console", "connect asa", "enable", "", "configure terminal"]);
        lab.enter(&[
            &format!("failover lan unit {unit}"),
            "failover lan interface fover Ethernet1/4",
            "failover polltime unit msec 500 holdtime 3",
        ]);
        if unit == "primary" {
            lab.enter(&["license smart", "feature tier standard", "exit"]);
        }
        lab.enter(&["failover"]);
        let place = if unit == "primary" { "active" } else { "standby" };
        lab.asked(&format!("wait {place} 60s --chassis {name}"));
        if unit == "secondary" {
            // It comes by itself, above the prompt.
            lab.out().through("End configuration replication from mate.");
            lab.out().through("# ");
        }
        lab.enter(&["end"]);
    }
    lab.asked("clock advance 1m");
    lab.asked("wait authorized 60s --chassis FPR4125-1");
    let standby = lab.say("show license all");
    assert!(standby.contains("Not applicable in standby state"), "{standby}");
    assert!(standby.contains("Failover cluster licensed features"), "{standby}");
    assert!(lab.say("show running-config license").contains("feature tier standard"));

    kill(lab.blades(0)[0].unwrap(), Signal::SIGKILL).unwrap();
    lab.asked("wait active 60s --chassis FPR4125-2");
    lab.out().through("Switching to Active");
    lab.out().through("# ");
    lab.asked("clock advance 1m");
    lab.asked("wait authorized 60s --chassis FPR4125-2");
    let history = lab.say("show failover history");
    assert!(history.contains("HELLO not heard from mate"), "{history}");
    assert!(lab.say("show license all").contains("Overall licensed status: Authorized (3)"));
    lab.finish().with(0);
}
