use super::*;

/// Types lines and returns what was shown and what is to be applied.
fn dialog(setup: &mut Setup, lines: &[&str]) -> (String, Option<Answers>) {
    let (mut shown, mut answers) = (Vec::new(), None);
    let mut drain = |setup: &mut Setup| {
        while let Some(output) = setup.poll() {
            match output {
                Output::Bytes(bytes) => shown.extend(bytes),
                Output::Apply(found) => answers = Some(*found),
            }
        }
    };
    drain(setup);
    for line in lines {
        setup.keys(format!("{line}\r").as_bytes());
        drain(setup);
    }
    (String::from_utf8(shown).unwrap(), answers)
}

const FULL: [&str; 20] = [
    "setup",
    "y",
    "",
    "Go4th!Xk9",
    "Go4th!Xk9",
    "FPR4125-1",
    "10.62.148.225",
    "255.255.255.0",
    "10.62.148.129",
    "yes",
    "10.0.0.7",
    "255.0.0.0",
    "",
    "0.0.0.0",
    "0.0.0.0",
    "y",
    "172.16.200.100",
    "y",
    "lab.example",
    "yes",
];

fn full() -> Answers {
    let ip = |text: &str| text.parse::<Ipv4Addr>().unwrap();
    let access =
        |network: &str, netmask: &str| Some(Access { network: ip(network), netmask: ip(netmask) });
    Answers {
        strong: true,
        password: "Go4th!Xk9".to_owned(),
        name: "FPR4125-1".to_owned(),
        ip: ip("10.62.148.225"),
        netmask: ip("255.255.255.0"),
        gateway: ip("10.62.148.129"),
        ssh: access("10.0.0.0", "255.0.0.0"),
        https: access("0.0.0.0", "0.0.0.0"),
        dns: Some(ip("172.16.200.100")),
        domain: Some("lab.example".to_owned()),
    }
}

#[test]
fn the_whole_dialog_gives_a_configuration() {
    let mut setup = Setup::default();
    let (shown, answers) = dialog(&mut setup, &FULL);
    assert_eq!(answers, Some(full()));
    assert!(!shown.contains("Go4th!Xk9"), "a password is never shown");
    for text in [
        "You have chosen to setup a new Security Appliance. Continue? (y/n): y\r\n",
        "Do you want to configure SSH Mgmt Access? (yes/no) [y]: yes\r\n",
        "Following configurations will be applied:",
        "    System Name=FPR4125-1\r\n",
        "    SSH Access Configured=yes\r\n        SSH IP Address=10.0.0.0\r\n",
        "    Domain Name=lab.example\r\n",
        "Applying configuration. Please wait.",
    ] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    setup.keys(b"typed ahead");
    assert_eq!(setup.applied(), b"typed ahead");
    assert_eq!(dialog(&mut setup, &["x"]).0, "Configuration file - Ok\r\n");
}

#[test]
fn what_is_optional_may_be_left_out() {
    let lines = [
        "setup",
        "y",
        "no",
        "Admin123",
        "Admin123",
        "fp",
        "192.0.2.2",
        "255.255.255.0",
        "192.0.2.1",
        "no",
        "no",
        "",
        "",
        "yes",
    ];
    let (_, answers) = dialog(&mut Setup::default(), &lines);
    let answers = answers.unwrap();
    assert_eq!((answers.ssh, answers.https, answers.dns), (None, None, None));
    assert!(!answers.strong && answers.domain.is_none());
}

#[test]
fn a_bad_answer_is_asked_for_again() {
    let mut setup = Setup::default();
    let wrong: [(usize, &str, &str); 9] = [
        (0, "restore", "cannot be restored"),
        (1, "", "'yes' or 'no'"),
        (3, "Admin123", "Password refused"),
        (5, "4711", "a letter first"),
        (6, "255.255.255.255", "Not an IPv4 address of a host"),
        (7, "255.0.255.0", "Not an IPv4 netmask"),
        (8, "10.62.149.1", "must be in the subnet"),
        (16, "dns", "Not an IPv4 address of a host"),
        (18, "-", "Not a domain name"),
    ];
    let mut answers = None;
    for (at, line) in FULL.iter().enumerate() {
        for (_, bad, words) in wrong.iter().filter(|(place, ..)| *place == at) {
            let (shown, _) = dialog(&mut setup, &[bad]);
            assert!(shown.contains(words), "{bad}: {shown}");
        }
        answers = dialog(&mut setup, &[line]).1;
    }
    assert_eq!(answers, Some(full()));
}

#[test]
fn passwords_that_differ_are_both_asked_for_again() {
    let mut setup = Setup::default();
    dialog(&mut setup, &FULL[..4]);
    let (shown, _) = dialog(&mut setup, &["Other!Xk9"]);
    assert!(shown.contains("Passwords do not match."));
    assert!(shown.ends_with("Enter the password for \"admin\": "));
    assert_eq!(dialog(&mut setup, &FULL[3..]).1, Some(full()));
}

#[test]
fn no_at_the_end_ctrl_c_and_a_refusal_begin_anew() {
    let start = "(setup/restore) ? ";
    let mut setup = Setup::default();
    let (shown, answers) = dialog(&mut setup, &[&FULL[..19], &["no"]].concat());
    assert!(shown.ends_with(start) && answers.is_none());
    dialog(&mut setup, &FULL[..9]);
    setup.keys(b"ye\x03");
    assert!(dialog(&mut setup, &[]).0.ends_with(start));
    assert_eq!(dialog(&mut setup, &FULL).1, Some(full()));
    setup.refused("Error: Update failed: [no]");
    let (shown, _) = dialog(&mut setup, &[]);
    assert!(shown.contains("Error: Update failed") && shown.ends_with(start));
    assert_eq!(dialog(&mut setup, &FULL).1, Some(full()));
}
