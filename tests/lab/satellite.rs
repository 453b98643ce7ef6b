//! A lab with a satellite: a chassis that moves to it and back, in the right order and in the wrong
//! one.

use crate::failures::{
    FAILED, PATH, failed, outcome, point_to, registered, trust, try_to_register,
};
use crate::process::{Folder, Lab};

/// Where a satellite answers.
const SATELLITE: &str = "https://satellite.lab/Transportgateway/services/DeviceRequestHandler";

/// Starts a lab with a satellite that has synced, and a chassis that trusts the servers of both.
fn lab(folder: &Folder) -> Lab {
    let row = "[[satellite]]\nname = \"satellite.lab\"\naddress = \"172.16.201.10\"\n\n";
    let topology = folder.changed(&[("[[chassis]]", &format!("{row}[[chassis]]"))]);
    let mut lab = Lab::of(folder, &topology);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (request, answer) = (path("request"), path("answer"));
    let said = lab.asked(&format!("at satellite.lab sync request {request}"));
    assert_eq!(said, format!("written to {request}"));
    lab.asked(&format!("sync answer {request} {answer}"));
    lab.asked(&format!("at satellite.lab sync install {answer}"));
    let roots = [lab.asked("root"), lab.asked("at satellite.lab root")].join("\n");
    trust(&mut lab, "CHdefault", &roots);
    lab
}

fn cloud() -> String {
    format!("https://tools.cisco.com{PATH}")
}

/// Returns the serial numbers that an authority knows, by the words that lead to it.
fn known(lab: &Lab, at: &str) -> Vec<String> {
    let list = lab.json(&format!("{at}instance list"));
    let each = list.as_array().unwrap().iter();
    each.map(|one| one["udi"]["serial"].as_str().unwrap().to_owned()).collect()
}

fn deregister(lab: &mut Lab) {
    lab.enter(&["top", "scope license", "deregister"]);
    lab.asked("wait unregistered 30s");
}

fn register(lab: &mut Lab, at: &str) {
    let token = lab.asked(&format!("{at}token new"));
    try_to_register(lab, &token);
}

#[test]
fn who_deregisters_first_and_then_changes_the_address_moves_freely() {
    let folder = Folder::new();
    let mut lab = lab(&folder);
    register(&mut lab, "");
    registered(&mut lab);
    deregister(&mut lab);
    point_to(&mut lab, SATELLITE);
    register(&mut lab, "at satellite.lab ");
    registered(&mut lab);
    assert_eq!(known(&lab, ""), [""; 0]);
    assert_eq!(known(&lab, "at satellite.lab "), ["JAD12345678"]);
    deregister(&mut lab);
    point_to(&mut lab, &cloud());
    register(&mut lab, "");
    registered(&mut lab);
    assert_eq!(known(&lab, "at satellite.lab "), [""; 0]);
}

/// Seed: "Verkeerde volgorde van bewerkingen wanneer u switch tussen een Satellite en een
/// Production server".
#[test]
fn who_changes_the_address_first_finds_the_old_registration_on_the_way_back() {
    let folder = Folder::new();
    let mut lab = lab(&folder);
    register(&mut lab, "");
    registered(&mut lab);
    // The satellite is asked to forget what it never knew; the chassis forgets all the same.
    point_to(&mut lab, SATELLITE);
    deregister(&mut lab);
    register(&mut lab, "at satellite.lab ");
    registered(&mut lab);
    assert_eq!(known(&lab, ""), ["JAD12345678"]);

    deregister(&mut lab);
    point_to(&mut lab, &cloud());
    register(&mut lab, "");
    let said = outcome(&mut lab);
    assert!(said.contains(FAILED) && said.contains("have already been registered"), "{said}");
    // As the seed advises: look for the serial number, remove the old instance.
    assert_eq!(lab.json("instance list --serial JAD12345678").as_array().unwrap().len(), 1);
    lab.asked("instance remove JAD12345678");
    register(&mut lab, "");
    registered(&mut lab);
}

#[test]
fn a_token_of_the_other_authority_and_a_server_that_is_not_trusted_are_refused() {
    let folder = Folder::new();
    let mut lab = lab(&folder);
    point_to(&mut lab, SATELLITE);
    register(&mut lab, "");
    let said = outcome(&mut lab);
    assert!(said.contains(FAILED) && said.contains("\"token\":[\"The token '"), "{said}");
    let root = lab.asked("root");
    trust(&mut lab, "CHdefault", &root);
    register(&mut lab, "at satellite.lab ");
    failed(&mut lab, FAILED, "Failed to authenticate server");
}

#[test]
fn a_satellite_keeps_its_state_and_one_that_is_not_there_is_named() {
    let folder = Folder::new();
    let first = lab(&folder);
    let status = first.json("at satellite.lab sync status");
    assert_eq!((&status["installed"], &status["in_force"]), (&1.into(), &true.into()));
    first.kill();
    let row = "[[satellite]]\nname = \"satellite.lab\"\naddress = \"172.16.201.10\"\n\n";
    let topology = folder.changed(&[("[[chassis]]", &format!("{row}[[chassis]]"))]);
    let again = Lab::of(&folder, &topology);
    let kept = again.json("at satellite.lab sync status");
    assert_eq!((&kept["id"], &kept["installed"]), (&status["id"], &status["installed"]));
    let refused = again.ctl("at nowhere.lab token new").with(1);
    assert!(refused.one_line().contains("no satellite nowhere.lab"), "{}", refused.err);
}
