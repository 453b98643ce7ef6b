//! A licence reservation carried between a chassis and the lab's authority, code by code.

use crate::process::{Folder, Lab};

/// Returns the value behind `NAME: ` in what `show license resvcode` prints.
fn shown(lab: &mut Lab, name: &str) -> String {
    let listing = lab.say("show license resvcode");
    let line = listing.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{listing}")).to_owned()
}

#[test]
fn codes_are_carried_to_the_authority_and_back() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.enter(&["scope license", "enable reservation", "commit-buffer", "scope reservation"]);
    lab.enter(&["request universal"]);
    let request = shown(&mut lab, "Reservation request code");
    let code = lab.asked(&format!("reservation authorize {request}"));
    assert_eq!(lab.asked(&format!("reservation authorize {request}")), code, "brought again");
    lab.enter(&[&format!("install {code}")]);
    let all = lab.say("show license all");
    assert!(all.contains("  Status: REGISTERED - UNIVERSAL LICENSE RESERVATION\n"), "{all}");
    let known = lab.json("reservation list");
    assert_eq!(known[0]["udi"]["serial"], "JAD12345678");
    assert_eq!(known[0]["returned_at"], serde_json::Value::Null);

    lab.enter(&["return"]);
    let back = shown(&mut lab, "Reservation return code");
    lab.asked(&format!("reservation return {back}"));
    let again = lab.ctl(&format!("reservation return {back}")).with(1);
    assert!(again.one_line().contains("no reservation in force"), "{}", again.err);
    let spent = lab.ctl(&format!("reservation authorize {request}")).with(1);
    assert!(spent.one_line().contains("has served before"), "{}", spent.err);
    assert!(lab.json("reservation list")[0]["returned_at"].is_string());
}
