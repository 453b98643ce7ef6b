//! A licence reservation as it is typed.

use super::*;
use crate::proto::authority::{Authority, Settings};
use crate::wire::callhome::SigningKey;

const ROOT_PEM: &str = include_str!("../../../wire/callhome/tests/root.pem");

/// The value behind `NAME: ` in what `show license resvcode` prints.
fn shown(lab: &mut Lab, name: &str) -> String {
    let listing = lab.run("show license resvcode");
    let line = listing.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{listing}")).to_owned()
}

/// The last two lines of the block that keeps a refusal; empty without one.
fn last_error(lab: &mut Lab) -> String {
    let listing = lab.run("show license all");
    let block = listing.split_once("Last Configuration Error\n=========================\n");
    block.map_or(String::new(), |(_, rest)| rest.lines().take(2).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_reservation_is_typed_from_end_to_end() {
    let mut authority = Authority::new([], Settings::default(), Rng::from_seed(1)).unwrap();
    let key = SigningKey::from_seed(&[42; 32]);
    let mut lab = Lab::new();
    lab.type_all(&["scope security", "create trustpoint CiscoLicRoot"]);
    lab.run("set certchain");
    lab.bytes(ROOT_PEM.trim_end().replace('\n', "\r").as_bytes());
    lab.run("\rENDOFBUF");
    lab.type_all(&["commit-buffer", "top", "scope license", "enable reservation"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license* # ");
    let pending = " scope license\n+    enable reservation\n exit\n";
    assert_eq!(lab.run("show configuration pending"), pending);
    assert_eq!(shown(&mut lab, "License reservation"), "DISABLED", "a commit decides");
    lab.type_all(&["commit-buffer", "scope reservation"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license/reservation # ");
    assert_eq!(shown(&mut lab, "License reservation"), "ENABLED");
    assert_eq!(shown(&mut lab, "Reservation request code"), "<empty>");

    lab.type_all(&["request universal"]);
    let request = shown(&mut lab, "Reservation request code");
    let facts = authority.reservation_authorize(NOW.wall, &request, None, &key).unwrap();
    let code = facts.authorization_code;
    lab.type_all(&[&format!("install {code}")]);
    assert_eq!(last_error(&mut lab), "");
    let all = lab.run("show license all");
    assert!(all.contains("  Status: REGISTERED - UNIVERSAL LICENSE RESERVATION\n"), "{all}");
    assert_eq!(shown(&mut lab, "Reservation authorization code"), code);

    lab.type_all(&["up", "disable reservation"]);
    let reserved = "Operation not supported because the agent is running in permanent License \
                    reservation mode";
    let refused = format!("Error: Update failed: [{reserved}]\n");
    assert_eq!(lab.run("commit-buffer verify-only"), refused);
    assert_eq!(lab.run("commit-buffer"), refused);
    let kept = format!("Command : disable reservation\nError : {reserved}");
    assert_eq!(last_error(&mut lab), kept);
    lab.type_all(&["discard-buffer", "scope reservation", "return"]);
    let back = shown(&mut lab, "Reservation return code");
    authority.reservation_return(NOW.wall, &back).unwrap();
    lab.type_all(&["up", "disable reservation", "commit-buffer"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license # ");
    assert_eq!(shown(&mut lab, "License reservation"), "DISABLED");
    assert_eq!(shown(&mut lab, "Reservation return code"), back, "it is still to be had");
}

#[test]
fn a_refusal_prints_nothing_and_is_kept() {
    let mut lab = Lab::new();
    lab.type_all(&["scope license", "scope reservation"]);
    let check = |lab: &mut Lab, line: &str, error: &str| {
        lab.type_all(&[line]);
        assert_eq!(last_error(lab), format!("Command : {line}\nError : {error}"));
    };
    for line in ["request universal", "cancel", "install VFXAUTH-0", "return"] {
        check(&mut lab, line, "Not in license reservation mode");
    }
    lab.type_all(&["up", "enable reservation", "commit-buffer", "scope reservation"]);
    assert_eq!(last_error(&mut lab), "", "what is accepted clears it");
    check(&mut lab, "cancel", "No license reservation is in progress");
    check(&mut lab, "return", "No authorization code installed in device");
    lab.type_all(&["request universal"]);
    check(&mut lab, "request universal", "License reservation is in progress");
    check(&mut lab, "install VFXAUTH-0", "Failed to parse reservation authorization code");
    lab.type_all(&["up"]);
    check(
        &mut lab,
        "register idtoken ODNm",
        "Operation not supported because the agent is running in permanent License reservation \
         mode",
    );
    lab.type_all(&["scope reservation", "cancel", "up", "scope licdebug", "expireresv"]);
    assert!(shown(&mut lab, "Reservation return code").starts_with("VFXRET-"));
}
