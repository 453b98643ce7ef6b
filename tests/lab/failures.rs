//! Registrations that fail for the reason an operator would meet, through the chassis's own stack,
//! and how each is mended.

use std::fs;

use vfxos::net::ca::Ca;

use crate::process::{CHASSIS, Folder, Lab};

/// Where the authority answers.
pub const PATH: &str = "/its/service/oddce/services/DDCEService";

/// Registers with a token and lets the try come to its end.
pub fn try_to_register(lab: &mut Lab, token: &str) {
    lab.enter(&["top", "scope license", &format!("register idtoken {token}")]);
    lab.asked("clock advance 2s");
}

/// Returns the lines of the listing that tell how the registration went.
pub fn outcome(lab: &mut Lab) -> String {
    let all = lab.say("show license all");
    let (_, rest) = all.split_once("Registration:\n").unwrap_or_else(|| panic!("{all}"));
    rest.split_once("\n\n").map_or(rest, |(block, _)| block).to_owned()
}

/// Asserts that the last try failed for this reason, and what the chassis does about it.
#[track_caller]
pub fn failed(lab: &mut Lab, status: &str, reason: &str) {
    let outcome = outcome(lab);
    let has = |line: &str| outcome.lines().any(|other| other.trim() == line);
    assert!(has(&format!("Status: {status}")), "{outcome}");
    assert!(has(&format!("Failure reason: {reason}")), "{outcome}");
}

/// It is tried again, and the listing says when.
const RETRYING: &str = "REGISTERING - REGISTRATION IN PROGRESS";
/// It is not tried again, or the listing does not say so yet.
pub const FAILED: &str = "UNREGISTERED - REGISTRATION FAILED";

#[track_caller]
pub fn registered(lab: &mut Lab) {
    let outcome = outcome(lab);
    assert!(outcome.contains("Status: REGISTERED\n"), "{outcome}");
}

/// Lets the pause between two tries pass.
fn next_try(lab: &Lab) {
    lab.asked("clock advance 21m");
}

/// Gives SLDest another address.
pub fn point_to(lab: &mut Lab, url: &str) {
    lab.enter(&[
        "top",
        "scope monitoring",
        "scope callhome",
        "scope profile SLProfile",
        "scope destination SLDest",
        &format!("set address {url}"),
        "commit-buffer",
    ]);
}

/// Types a chain of certificates into a trustpoint.
pub fn trust(lab: &mut Lab, trustpoint: &str, chain: &str) {
    lab.enter(&["top", "scope security", &format!("enter trustpoint {trustpoint}")]);
    lab.enter(&["set certchain"]);
    lab.enter(&chain.lines().chain(["ENDOFBUF", "commit-buffer"]).collect::<Vec<_>>());
}

/// Returns the chain that a trustpoint holds.
fn chain(lab: &mut Lab, trustpoint: &str) -> String {
    lab.enter(&["top", "scope security"]);
    let all = lab.say("show trustpoint");
    let (_, of) = all.split_once(&format!("{trustpoint}\n")).unwrap_or_else(|| panic!("{all}"));
    let end = "-----END CERTIFICATE-----";
    let until = of.find(end).unwrap() + end.len();
    let begin = of[..until].find("-----BEGIN").unwrap();
    of[begin..until].lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn another_root() -> String {
    Ca::generate().unwrap().root_pem().trim_end().to_owned()
}

#[test]
fn a_name_server_that_is_none() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let services = ["top", "scope system", "scope services"];
    lab.enter(&services);
    lab.enter(&["delete dns 172.16.200.100", "create dns 172.18.108.14", "commit-buffer"]);
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    failed(&mut lab, RETRYING, "Failed to resolve host");
    assert!(outcome(&mut lab).contains("Next Registration Attempt: "));
    lab.asked("wait retrying 30s");

    // It goes on failing until it is mended, and then needs nobody.
    next_try(&lab);
    failed(&mut lab, RETRYING, "Failed to resolve host");
    lab.enter(&services);
    lab.enter(&["delete dns 172.18.108.14", "create dns 172.16.200.100", "commit-buffer"]);
    next_try(&lab);
    registered(&mut lab);
}

#[test]
fn a_name_that_nobody_knows() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    point_to(&mut lab, &format!("https://tools.cisco.example{PATH}"));
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    failed(&mut lab, RETRYING, "Failed to resolve host");
    point_to(&mut lab, &format!("https://tools.cisco.com{PATH}"));
    next_try(&lab);
    lab.enter(&["top", "scope license"]);
    registered(&mut lab);
}

#[test]
fn an_address_where_nobody_listens() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    // An NTP server: it is there, and serves no HTTPS.
    point_to(&mut lab, &format!("https://172.18.108.14{PATH}"));
    given_up(&mut lab, "Couldn't connect to host", |lab| {
        point_to(lab, &format!("https://tools.cisco.com{PATH}"));
    });
}

#[test]
fn a_trustpoint_that_trusts_nobody() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let root = chain(&mut lab, "CHdefault");
    lab.enter(&["top", "scope security", "delete trustpoint CHdefault", "commit-buffer"]);
    given_up(&mut lab, "Failed to authenticate server", |lab| trust(lab, "CHdefault", &root));
}

#[test]
fn a_trustpoint_that_trusts_another() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let root = chain(&mut lab, "CHdefault");
    trust(&mut lab, "CHdefault", &another_root());
    given_up(&mut lab, "Failed to authenticate server", |lab| trust(lab, "CHdefault", &root));
}

#[test]
fn a_server_under_another_name() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    point_to(&mut lab, &format!("https://72.163.4.38{PATH}"));
    given_up(&mut lab, "Failed to authenticate server", |lab| {
        point_to(lab, &format!("https://tools.cisco.com{PATH}"));
    });
}

#[test]
fn a_page_that_is_not_there() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    point_to(&mut lab, "https://tools.cisco.com/its/service");
    let reason = "HTTP server returns error code >= 400. Contact proxy server admin if proxy \
                  configuration is enabled";
    given_up(&mut lab, reason, |lab| point_to(lab, &format!("https://tools.cisco.com{PATH}")));
}

#[test]
fn a_signer_that_nobody_vouches_for() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let root = chain(&mut lab, "CiscoLicRoot");
    trust(&mut lab, "CiscoLicRoot", &another_root());
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    let said = outcome(&mut lab);
    assert!(said.contains("REGISTRATION FAILED") && said.contains("ignature"), "{said}");
    trust(&mut lab, "CiscoLicRoot", &root);
    try_to_register(&mut lab, &token);
    registered(&mut lab);
}

/// A failure that is not tried again: only a new `register` helps once it is mended.
#[track_caller]
fn given_up(lab: &mut Lab, reason: &str, mend: impl FnOnce(&mut Lab)) {
    let token = lab.asked("token new");
    try_to_register(lab, &token);
    failed(lab, FAILED, reason);
    assert!(!outcome(lab).contains("Next Registration Attempt"));
    lab.asked("wait failed 30s");
    mend(lab);
    next_try(lab);
    lab.enter(&["top", "scope license"]);
    failed(lab, FAILED, reason);
    try_to_register(lab, &token);
    registered(lab);
}

#[test]
fn an_answer_that_is_a_page_for_people() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    point_to(&mut lab, "https://tools.cisco.com/");
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    failed(&mut lab, FAILED, "Parsing backend response message failed");
    point_to(&mut lab, &format!("https://tools.cisco.com{PATH}"));
    next_try(&lab);
    registered(&mut lab);
}

#[test]
fn an_answer_with_nothing_in_it() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    // No setting of a chassis makes an authority say nothing; the lab does, for a while.
    lab.asked("fault set empty-answer for 10m");
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    failed(&mut lab, FAILED, "HTTP transport failed");
    next_try(&lab);
    registered(&mut lab);
}

#[test]
fn tokens_that_are_worth_nothing() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let unknown = "ODNmNTExYTItY2YxOS00YzZlLWE4Y2YtNTAwMjQ2NzBkYTc3LTE1OTkxMTk0".to_owned();
    let revoked = lab.asked("token new");
    lab.asked(&format!("token revoke {revoked}"));
    let expired = lab.asked("token new --days 1");
    let used = lab.asked("token new --uses 1");
    try_to_register(&mut lab, &used);
    registered(&mut lab);
    lab.enter(&["deregister"]);
    lab.asked("clock advance 25h");
    for token in [unknown, revoked, expired, used] {
        try_to_register(&mut lab, &token);
        failed(&mut lab, FAILED, &format!("{{\"token\":[\"The token '{token}' is not valid.\"]}}"));
    }
    let good = lab.asked("token new");
    try_to_register(&mut lab, &good);
    registered(&mut lab);
}

#[test]
fn a_chassis_that_is_registered_already() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    // Its own agent knows, and says so.
    try_to_register(&mut lab, &token);
    let all = lab.say("show license all");
    assert!(all.contains("Smart Agent already registered"), "{all}");
    registered(&mut lab);
    lab.enter(&[&format!("register idtoken {token} force")]);
    lab.asked("clock advance 2s");
    registered(&mut lab);
    lab.finish().with(0);

    // A chassis with a new flash does not; the authority does.
    fs::remove_dir_all(folder.state().join("chassis").join(CHASSIS)).unwrap();
    let mut lab = Lab::start(&folder);
    try_to_register(&mut lab, &token);
    let said = outcome(&mut lab);
    for part in [
        "Failure reason: {\"sudi\":[\"The product 'firepower.com.cisco.FPR4125,1.0_",
        "\\\"udi_serial_number\\\"=>\\\"JAD12345678\\\"",
        "have already been registered.\"]}",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    lab.enter(&[&format!("register idtoken {token} force")]);
    lab.asked("clock advance 2s");
    registered(&mut lab);
}

#[test]
fn a_clock_that_is_far_off() {
    let folder = Folder::new();
    let topology = folder.changed(&[
        ("ntp = [\"10.62.148.75\", \"172.18.108.14\", \"172.18.108.15\"]", "ntp = []"),
        ("# clock_skew_ms = -8000 lets", "clock_skew_ms = 7200000 # lets"),
    ]);
    let mut lab = Lab::of(&folder, &topology);
    let token = lab.asked("token new");
    try_to_register(&mut lab, &token);
    let said = outcome(&mut lab);
    let (before, after) = ("{\"timestamp\":[\"The device date '", "' is offset beyond the allowed");
    let (_, rest) = said.split_once(before).unwrap_or_else(|| panic!("{said}"));
    let (date, _) = rest.split_once(after).unwrap_or_else(|| panic!("{said}"));
    let date: i64 = date.parse().unwrap();
    assert!(date > 1_600_000_000_000, "Unix milliseconds: {date}");

    // NTP mends it.
    lab.enter(&["top", "scope system", "scope services", "create ntp-server 172.18.108.14"]);
    lab.enter(&["commit-buffer"]);
    lab.asked("wait synchronized 60s");
    try_to_register(&mut lab, &token);
    registered(&mut lab);
}
