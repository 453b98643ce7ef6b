//! `/security`: trustpoints and key rings; accounts are tested where they live.

use super::*;

#[test]
fn trustpoints_show_their_status_and_take_a_chain() {
    let mut lab = Lab::new();
    lab.mio.facts.certificates.insert("CHdefault".into(), "Expired".into());
    lab.type_all(&["scope security", "create trustpoint Lab"]);
    let asked = lab.run("set certchain");
    assert_eq!(
        asked,
        "Enter lines one at a time. Enter ENDOFBUF to finish. Press ^C to abort.\n\
         Trustpoint Certificate Chain:\n"
    );
    assert_eq!(lab.prompt, ">");
    lab.bytes(CHAIN.replace('\n', "\r").as_bytes());
    assert_eq!(lab.run("ENDOFBUF"), "");
    lab.type_all(&["up", "commit-buffer"]);
    let one = |name: &str, status: &str| {
        format!(
            "Trustpoint Name: {name}\nTrustpoint certificate chain: {CHAIN}Cert Status: {status}\n"
        )
    };
    assert_eq!(lab.run("show trustpoint"), one("CHdefault", "Expired") + &one("Lab", "Valid"));
    assert_eq!(lab.run("show trustpoint Lab"), one("Lab", "Valid"));
    lab.type_all(&["enter trustpoint Lab"]);
    lab.run("set certchain");
    assert_eq!(
        lab.bytes(b"no certificate\rENDOFBUF\r").lines().last(),
        Some("Error: Invalid Value")
    );
    assert_eq!(lab.prompt, "FPR4125-1 /security/trustpoint # ");
}

/// The status comes from the dates in the certificate and the chassis's own clock.
#[test]
fn a_certificate_expires_when_its_time_has_come() {
    let mut lab = Lab::new();
    lab.type_all(&["scope security"]);
    let status = |lab: &mut Lab| lab.run("show trustpoint | grep Status");
    assert_eq!(status(&mut lab), "Cert Status: Valid\n");
    lab.now.wall = Utc::from_civil(2051, 6, 7, 8, 9, 11);
    assert_eq!(status(&mut lab), "Cert Status: Expired\n");
    lab.now.wall = Utc::from_civil(2019, 1, 1, 0, 0, 0);
    assert_eq!(status(&mut lab), "Cert Status: Not Yet Valid\n");
}

/// What a chain is shows when it is committed: a root vouches for itself in a key ring alone, and a
/// chain has an end.
#[test]
fn a_chain_is_judged_by_what_it_holds() {
    let mut lab = Lab::new();
    lab.type_all(&["scope security", "create trustpoint Long"]);
    lab.run("set certchain");
    lab.bytes(CHAIN.repeat(10).replace('\n', "\r").as_bytes());
    lab.run("ENDOFBUF");
    lab.type_all(&["up", "commit-buffer"]);
    assert_eq!(lab.run("show trustpoint Long | grep Status"), "Cert Status: Cert Chain Too Long\n");
    lab.type_all(&["create trustpoint None", "up", "commit-buffer"]);
    assert_eq!(lab.run("show trustpoint None | grep Status"), "Cert Status: Empty Cert\n");
    lab.type_all(&["create keyring Own"]);
    lab.run("set cert");
    lab.bytes(CHAIN.replace('\n', "\r").as_bytes());
    lab.run("ENDOFBUF");
    lab.type_all(&["up", "commit-buffer"]);
    let shown = lab.run("show keyring Own detail");
    assert!(shown.contains("Self Signed Certificate"), "{shown}");
}

#[test]
fn a_secret_that_is_typed_twice_must_be_the_same() {
    let mut lab = Lab::new();
    lab.type_all(&["scope security", "scope radius", "create server 192.0.2.5", "set key"]);
    assert_eq!(lab.prompt, "Enter the key: ");
    lab.run("one");
    assert_eq!(lab.prompt, "Confirm the key: ");
    assert_eq!(lab.run("two"), "Error: The two values do not match\n");
    lab.type_all(&["set key", "one", "one", "commit-buffer"]);
    let shown = lab.run("show configuration");
    assert!(shown.contains("!       set key\n") || shown.contains("set key\n"), "{shown}");
    assert!(!shown.contains("one"), "{shown}");
}

/// Client kick sets these three; zero means never.
#[test]
fn time_outs_are_set_and_shown() {
    let mut lab = Lab::new();
    lab.type_all(&["scope security", "scope default-auth", "set absolute-session-timeout 0"]);
    lab.type_all(&["set con-absolute-session-timeout 0", "set con-session-timeout 0"]);
    lab.type_all(&["commit-buffer"]);
    let shown = lab.run("show detail");
    assert!(shown.starts_with("Default authentication:\n"), "{shown}");
    assert_lines(&shown, &["    Serial Console Session timeout(in secs): 0"]);
    assert_eq!(facts::timeouts(lab.mio.config.objects()).absolute, 0);
}
