//! `/system/services`; the seed's listings are in tests/transcripts.

use super::*;

#[test]
fn an_edit_marks_the_prompt_until_it_is_committed_or_discarded() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services", "create ntp-server 192.168.200.101"]);
    assert_eq!(lab.prompt, "FPR4125-1 /system/services/ntp-server* # ");
    lab.type_all(&["exit"]);
    let pending = " scope services\n+    create ntp-server 192.168.200.101\n";
    assert!(lab.run("show configuration pending").starts_with(pending));
    lab.type_all(&["top"]);
    assert_eq!(lab.prompt, "FPR4125-1* # ");
    lab.type_all(&["discard-buffer"]);
    assert_eq!(lab.prompt, "FPR4125-1# ");
    lab.type_all(&["scope system", "set name edge-1", "commit-buffer verify-only"]);
    assert_eq!(lab.prompt, "FPR4125-1 /system* # ");
    lab.type_all(&["commit-buffer"]);
    assert_eq!(lab.prompt, "edge-1 /system # ");
}

#[test]
fn servers_are_created_and_deleted_once() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services", "create dns 192.0.2.9", "commit-buffer"]);
    let both = "Domain Name Servers:\n   IP Address: 172.16.200.100\n   IP Address: 192.0.2.9\n";
    assert_eq!(lab.run("show dns"), both);
    assert_eq!(lab.run("create dns 192.0.2.9"), EXISTS);
    lab.type_all(&["enter dns 192.0.2.9", "delete dns 192.0.2.9", "delete dns 172.16.200.100"]);
    assert_eq!(lab.run("show dns"), "");
    assert_eq!(lab.run("delete dns 192.0.2.9"), ABSENT);
    assert_eq!(lab.run("scope ntp-server 192.0.2.1"), ABSENT);
    lab.type_all(&["delete ntp-server 10.62.148.75", "disable ssh-server", "set https port 8443"]);
    lab.type_all(&["set domain-name example.test", "delete ssh-server host-key rsa"]);
    let shown = lab.run("show configuration pending");
    assert_lines(
        &shown,
        &["+    disable ssh-server", "+    set https port 8443", "-    enter dns 192.0.2.9"],
    );
}

#[test]
fn algorithms_keys_and_limits_are_set() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services"]);
    lab.type_all(&["set ssh-server mac-algorithm hmac-sha2-512 hmac-sha2-256"]);
    lab.type_all(&["set https crl-mode relaxed", "set ssh-server host-key ecdsa secp384r1"]);
    lab.type_all(&["set ssh-server rekey-limit volume none time 60"]);
    lab.type_all(&["scope web-session-limits", "set per-user 8", "set total 8", "up"]);
    lab.type_all(&["enter ip-block 192.0.2.0 24 snmp", "up", "scope telemetry", "enable", "up"]);
    lab.type_all(&["scope ntp-server 172.18.108.14", "set ntp-sha1-key-string"]);
    assert_eq!(lab.prompt, "NTP SHA-1 key string: ");
    assert_eq!(lab.run("0123456789abcdef0123456789abcdef01234567"), "");
    lab.type_all(&["set ntp-sha1-key-id 7", "up", "commit-buffer"]);
    let shown = lab.run("show configuration");
    assert_lines(
        &shown,
        &[
            "     set ssh-server mac-algorithm hmac-sha2-256 hmac-sha2-512",
            "     set https crl-mode relaxed",
            "     set ssh-server host-key ecdsa secp384r1",
            "     set ssh-server rekey-limit volume none time 60",
            "         set total 8",
            "         enable",
            "     enter ip-block 192.0.2.0 24 snmp",
            "         set ntp-sha1-key-id 7",
        ],
    );
    assert!(!shown.contains("0123456789abcdef"), "the key is a secret");
    lab.type_all(&["scope shell-session-limits"]);
    assert!(lab.run("set total 64").ends_with("% Invalid Command at '^' marker\n"));
}

/// Client kick looks for the name behind `show domain-name` and the server behind `Name:`.
#[test]
fn what_was_set_is_shown_by_its_word() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services", "set domain-name example.test"]);
    lab.type_all(&["commit-buffer"]);
    assert_eq!(lab.run("show domain-name"), "Domain Name: example.test\n");
    assert_eq!(lab.run("show timezone"), "Timezone:\n");
    let detail = lab.run("show ntp-server detail");
    assert!(detail.starts_with("NTP server hostname:\n    Name: 10.62.148.75\n"), "{detail}");
    assert_lines(&detail, &["    Time Sync Status: Candidate"]);
    let https = lab.run("show https");
    assert!(https.starts_with("Name: https\n    Admin State: Enabled\n"), "{https}");
    assert_lines(&https, &["    Port: 443", "    Key Ring: default"]);
    lab.type_all(&["set domain-name \"\"", "commit-buffer"]);
    assert_eq!(lab.run("show domain-name"), "Domain Name:\n");
}

/// Reference 2.6: continent, country, region and a yes; a country of one zone has no regions.
#[test]
fn the_time_zone_is_asked_for_step_by_step() {
    let mut lab = Lab::new();
    lab.type_all(&["scope system", "scope services"]);
    lab.type_all(&["terminal width 80"]);
    let asked = lab.run("set timezone");
    assert!(asked.starts_with("Please identify a location so that time zone rules can be set"));
    assert!(asked.contains("\n1) Africa\t     4) Arctic Ocean\t"), "{asked}");
    assert_eq!(lab.prompt, "#? ");
    assert_eq!(lab.run("11"), "Please enter a number in range.\n");
    assert!(lab.run("").starts_with("1) Africa"));
    let countries = lab.run("2");
    assert!(countries.starts_with("Please select a country.\n"), "{countries}");
    let number = |menu: &str, item: &str| {
        let (before, _) = menu.split_once(&format!(") {item}")).unwrap();
        before.rsplit([' ', '\t', '\n']).next().unwrap().to_owned()
    };
    let regions = lab.run(&number(&countries, "United States"));
    assert!(regions.starts_with("Please select one of the following time zone regions.\n"));
    let summary = lab.run(&number(&regions, "Pacific"));
    assert_lines(
        &summary,
        &[
            "The following information has been given:",
            "\tUnited States",
            "\tPacific",
            "Therefore timezone 'America/Los_Angeles' will be set.",
            "Is the above information OK?",
            "2) No",
        ],
    );
    assert!(lab.run("2").starts_with("Please identify a location"));
    let countries = lab.run("8");
    let summary = lab.run(&number(&countries, "Belgium"));
    assert!(summary.contains("\tBelgium\n\nTherefore timezone 'Europe/Brussels' will be set.\n"));
    assert_eq!(lab.run("1"), "");
    assert_eq!(lab.prompt, "FPR4125-1 /system/services* # ");
    assert!(lab.run("show clock").contains(" UTC "), "nothing is committed");
    lab.type_all(&["commit-buffer"]);
    assert_eq!(lab.run("show timezone"), "Timezone: Europe/Brussels\n");
    assert!(lab.run("show clock").contains(" CEST "), "the lab's day is in summer");
    lab.type_all(&["set timezone Europe/Atlantis"]);
    let refused = "Error: Update failed: [Timezone Europe/Atlantis does not exist.]\n";
    assert_eq!(lab.run("commit-buffer"), refused);
    lab.type_all(&["discard-buffer", "set timezone \"\"", "commit-buffer"]);
    assert_eq!(lab.run("show timezone"), "Timezone:\n");
}
