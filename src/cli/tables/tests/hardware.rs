//! What is computed from the state of modules and ports, and the faults that follow from it.

use super::*;
use crate::proto::mio::Output as Wish;

#[test]
fn a_port_is_up_when_it_is_enabled_and_plugged_in() {
    let mut lab = Lab::new();
    lab.mio.unplugged.insert("Ethernet1/2".into());
    lab.type_all(&["scope eth-uplink", "scope fabric a"]);
    for port in ["1", "2", "3"] {
        lab.type_all(&[&format!("enter port-channel {port}")]);
        let member = if port == "3" { "2" } else { port };
        lab.type_all(&[&format!("create member-port Ethernet1/{member}"), "up", "enable", "up"]);
        if port == "1" {
            lab.type_all(&["scope interface Ethernet1/1", "enable", "up"]);
        }
        if port == "2" {
            lab.type_all(&["delete port-channel 2"]);
        }
    }
    lab.type_all(&["commit-buffer"]);
    assert_eq!(
        lab.run("show port-channel"),
        "Port Channel:
    Port Channel Id Name             Port Type          Admin State Oper State       State Reason
    --------------- ---------------- ------------------ ----------- ---------------- ------------
    1               Port-channel1    Data               Enabled     Up
    3               Port-channel3    Data               Enabled     Failed           No operational members
    48              Port-channel48   Cluster            Disabled    Admin Down       Administratively down
"
    );
    let ports = lab.run("show interface");
    assert_lines(
        &ports,
        &[
            "    Ethernet1/1     Data               Enabled     Up               All",
            // Its channel switches it, and it has no cable.
            "    Ethernet1/2     Data               Disabled    Link Down        All          Link failure or not-connected",
            "    Ethernet1/3     Data               Disabled    Admin Down       All          Administratively down",
        ],
    );
    lab.type_all(&["scope port-channel 3"]);
    assert_eq!(
        lab.run("show member-port"),
        "Member Port:
    Port Name       Membership         Oper State       State Reason
    --------------- ------------------ ---------------- ------------
    Ethernet1/2     Down               Link Down        Link failure or not-connected
"
    );
}

/// A table as kick has it: the heading, then the rows, an empty slot among them.
#[test]
fn slots_tell_whether_their_module_is_there() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1]);
    lab.type_all(&["scope ssa"]);
    assert_eq!(
        lab.run("show slot"),
        "Slot:
    Slot ID    Log Level Admin State  Oper State
    ---------- --------- ------------ ----------
    1          Info      Ok           Online
    2          Info      Ok           Not Available
    3          Info      Ok           Not Available
"
    );
    let gone = broker::Event::Gone { link: LinkId(1) };
    lab.mio.handle(NOW, Event::Broker(gone));
    assert!(lab.run("show slot 1 detail").contains("    Oper State: Offline\n"));
    let instance = lab.run("show app-instance detail");
    assert_lines(&instance, &["Oper State: Starting", "Running Version:"]);
    assert_eq!(lab.run("show slot 9").lines().last(), Some("% Invalid Command at '^' marker"));
}

#[test]
fn a_servers_power_is_switched_by_a_commit() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1]);
    lab.type_all(&["scope server 1/1", "power down"]);
    assert_eq!(lab.prompt, "FPR4125-1 /server* # ");
    assert!(lab.run("show detail").contains("Oper Power: On\n"));
    lab.type_all(&["commit-buffer"]);
    let wishes = lab.settle();
    assert!(wishes.iter().any(|wish| matches!(wish, Wish::Close { .. })), "{wishes:?}");
    assert!(lab.run("show detail").contains("Oper Power: Off\n"));
    assert!(!lab.run("show configuration").contains("power"), "it is done, not configured");
    lab.type_all(&["power up", "commit-buffer"]);
    lab.attach(1, LinkId(9));
    assert!(lab.run("show detail").contains("Overall Status: Ok\n"));
}

/// Client kick disables and enables an instance and waits for what `show detail` says.
#[test]
fn an_application_that_is_disabled_detaches_and_its_slot_stays_online() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1]);
    lab.console(1, LinkId(7));
    lab.type_all(&["scope ssa", "scope slot 1", "scope app-instance asa", "disable"]);
    assert!(lab.run("show detail").contains("    Oper State: Online\n"), "not yet");
    lab.type_all(&["commit-buffer"]);
    let wishes = lab.settle();
    let closed = wishes.iter().any(|wish| matches!(wish, Wish::Close { link: LinkId(1), .. }));
    assert!(closed, "{wishes:?}");
    let shown = lab.run("show detail");
    assert_lines(&shown, &["    Admin State: Disabled", "    Oper State: Offline"]);
    assert!(lab.run("show slot 1 detail").contains("Oper State: Online\n"));
    lab.type_all(&["enable", "commit-buffer"]);
    assert!(lab.run("show detail").contains("    Oper State: Starting\n"));
    lab.attach(1, LinkId(8));
    assert!(lab.run("show detail").contains("    Oper State: Online\n"));
    // Without its instance there is nothing to run, and a logical device brings one along.
    lab.type_all(&["up", "delete app-instance asa", "scope ssa", "delete logical-device asa1"]);
    lab.type_all(&["commit-buffer"]);
    assert!(lab.settle().iter().any(|wish| matches!(wish, Wish::Close { .. })));
    assert_eq!(lab.run("show app-instance"), "");
    lab.type_all(&["create logical-device edge asa 1 standalone", "commit-buffer"]);
    assert_lines(&lab.run("show app-instance detail"), &["App Name: asa", "Oper State: Starting"]);
}

#[test]
fn faults_come_and_go_with_what_is_wrong() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1]);
    lab.mio.facts.ntp.clear();
    assert_eq!(lab.run("show fault"), "");
    let gone = broker::Event::Gone { link: LinkId(1) };
    lab.mio.handle(NOW, Event::Broker(gone));
    lab.settle();
    assert_eq!(lab.run("show fault"), "", "a module may restart");
    lab.now = NOW.advanced(std::time::Duration::from_secs(60));
    lab.mio.handle(lab.now, Event::Due);
    let wishes = lab.settle();
    let logged = wishes.iter().any(|wish| {
        matches!(wish, Wish::Log { severity: 2, text } if text.starts_with(
            "%FPRM-2-LINK_DOWN: [F0209][critical][link-down][sys/chassis-1/blade-1/adaptor-1/ext-eth-1] Adapter"
        ))
    });
    assert!(logged, "{wishes:?}");
    assert_eq!(
        lab.run("show fault"),
        "Severity  Code     Last Transition Time     ID       Description
--------- -------- ------------------------ -------- -----------
Critical  F0209    2020-08-04T09:56:50.000         1 Adapter uplink interface 1/1/1/1 on security module 1 link state: down. Please check switch blade-facing port status. Resetting security module might be required.
"
    );
    lab.attach(1, LinkId(5));
    assert!(
        lab.run("show fault").contains("Cleared   F0209    2020-08-04T09:56:50.000         1 ")
    );
    let detail = lab.run("show fault 1 detail");
    assert_lines(
        &detail,
        &["Severity: Cleared", "Previous Severity: Critical", "Cause: Link Down", "Occurrences: 1"],
    );
    assert_eq!(lab.run("show fault 2"), ABSENT);
    assert_eq!(lab.run("show fault severity major"), "");
}

#[test]
fn a_dead_time_server_an_old_certificate_and_a_lost_cable_are_faults() {
    let mut lab = Lab::new();
    lab.mio.unplugged.insert("Ethernet1/4".into());
    lab.type_all(&["scope interface Ethernet1/4", "enable", "commit-buffer"]);
    lab.mio.facts.ntp.insert("10.62.148.75".into(), crate::proto::observed::UNREACHABLE.into());
    lab.now = Now { wall: Utc::from_civil(2052, 1, 1, 0, 0, 0), ..NOW };
    lab.mio.handle(lab.now, Event::Due);
    lab.settle();
    lab.now = lab.now.advanced(std::time::Duration::from_secs(10));
    lab.mio.handle(lab.now, Event::Due);
    lab.settle();
    let shown = lab.run("show fault");
    for (code, text) in [
        ("F0276", "ether port 1/4 on fabric interconnect A oper state: link-down"),
        ("F0910", "CHdefault Trustpoint's cert-chain is invalid, reason: expired."),
        (
            "F1661",
            "NTP Configuration failed, please check the error message on Ntp host 10.62.148.75",
        ),
    ] {
        let row = shown.lines().find(|line| line.contains(code));
        assert!(row.is_some_and(|row| row.contains(text)), "no {code} {text} in\n{shown}");
    }
}

/// The machine says when it must be looked at: a certificate that expires is noticed then.
#[test]
fn the_deadline_is_when_a_certificate_expires() {
    let mut lab = Lab::new();
    lab.settle();
    let crate::proto::Next::Wait(Some(due)) = lab.mio.poll(NOW) else { panic!("no deadline") };
    let at = NOW.at(due);
    lab.mio.handle(at, Event::Due);
    lab.now = Now { wall: Utc::from_civil(2051, 6, 7, 8, 9, 11), ..at };
    lab.mio.handle(lab.now, Event::Due);
    lab.settle();
    assert!(lab.run("show fault").contains("F0910"));
    let last = Utc::from_civil(2051, 6, 7, 8, 9, 10);
    assert!(at.wall <= last, "it slept through");
}

/// Inventories name what the platform table has.
#[test]
fn inventories_are_those_of_the_model() {
    for (model, pid, module, fans) in [
        ("FPR-4125", "FPR-4125-K9", "FPR4K-SM-32S", 6),
        ("FPR-9300", "FPR-C9300-AC", "FPR9K-SM-24", 4),
    ] {
        let mut lab = Lab::of(model, Role::Admin, &[1]);
        let all = lab.run("show inventory");
        assert_lines(
            &all,
            &[&format!("    PID: {pid}"), &format!("        Equipped PID: {module}")],
        );
        assert_eq!(all.matches("Fan Module ").count(), fans, "{all}");
        let fan = lab.run("show chassis inventory fan");
        assert!(fan.starts_with("Chassis 1:\n    Fan Module 1:\n        PID: "), "{fan}");
        // Client mock of unicon: two parts begin like this.
        let refused = lab.run("show chassis inventory 1 fa");
        assert!(refused.ends_with("% Ambiguous command at '^' marker\n"), "{refused}");
    }
}
