//! A lab driven by a script on its standard input.

use crate::process::{CHASSIS, Ended, Folder, lines, script};

/// Returns the token that a lab offered at its start.
fn offered(ended: &Ended) -> &str {
    let line = ended.err.lines().find_map(|line| line.split_once("a token is ready: "));
    line.expect("no token is offered").1
}

/// Returns what stands below one command of a script's output, up to the next prompt.
#[track_caller]
fn below<'a>(out: &'a str, command: &str) -> &'a str {
    let (_, rest) = out.split_once(&format!("{command}\n")).unwrap_or_else(|| {
        panic!("{command} is not in\n{out}");
    });
    let ends = ["\nFPR", "\nasa"].iter().filter_map(|prompt| rest.find(prompt));
    &rest[..ends.min().unwrap_or(rest.len())]
}

#[test]
fn prints_prompts_commands_and_output_and_nothing_else() {
    let folder = Folder::new();
    let text = lines(&[
        "scope system",
        "scope services",
        "show dns",
        "flap",
        "up",
        "",
        "@token days=3 uses=7",
        "scope license",
        "register idtoken $TOKEN",
        "@token list",
        "@fly",
        "top",
    ]);
    let ended = script(&folder, &[], &text).with(0);
    let made = ended.err.lines().find_map(|line| line.strip_prefix("@token days=3 uses=7: "));
    let token = made.expect("the token that was made stands behind its words");
    let want = format!(
        "\
FPR4125-1# scope system
FPR4125-1 /system # scope services
FPR4125-1 /system/services # show dns
Domain Name Servers:
   IP Address: 172.16.200.100
FPR4125-1 /system/services # flap
                             ^
% Invalid Command at '^' marker
FPR4125-1 /system/services # up
FPR4125-1 /system #\x20
FPR4125-1 /system # scope license
FPR4125-1 /license # register idtoken {token}
FPR4125-1 /license # top
FPR4125-1#\x20
"
    );
    assert_eq!(ended.out, want);
    assert_ne!(token, offered(&ended));
    let list: Vec<&str> = ended.err.lines().filter(|line| line.contains("used 0/")).collect();
    assert_eq!(list.len(), 2, "{}", ended.err);
    assert!(list[0].ends_with(offered(&ended)) && list[1].ends_with(token), "{list:?}");
    assert!(list[1].contains("used 0/7"), "{list:?}");
    let refused = ended.err.lines().find(|line| line.starts_with("@fly: ")).unwrap();
    assert!(refused.contains("unrecognized subcommand 'fly'"), "{refused}");
    let state = folder.state().display().to_string();
    assert!(ended.err.starts_with(&format!("vfxos lab: state in {state}\n")), "{}", ended.err);
}

/// From a token to a licensed ASA, and out again by every door.
const WHOLE: &[&str] = &[
    "scope license",
    "register idtoken $TOKEN",
    "@clock advance 2s",
    "@wait registered 30s",
    "show license all",
    "connect module 1 console",
    "connect asa",
    "enable",
    "",
    "configure terminal",
    "license smart",
    "feature context 5",
    "feature tier standard",
    "@clock advance 1m",
    "@wait authorized 30s",
    "feature context 5",
    "feature strong-encryption",
    "feature carrier",
    "end",
    "@clock advance 1m",
    "show license all",
    "show running-config license",
    "write memory",
    "exit",
    "exit",
    "show services status",
    "connect asa",
    "enable",
    "",
    "\u{1}d",
    "~",
    "bogus",
    "",
    "show clock",
    "~",
    "quit",
    "show license usage",
    "exit",
    "exit",
    "show clock",
];

#[test]
fn leads_the_whole_way_from_a_token_to_a_licensed_asa() {
    let folder = Folder::new();
    let ended = script(&folder, &[], &lines(WHOLE)).with(0);
    let out = ended.out.as_str();

    let all = below(out, "/license # show license all");
    for fact in [
        "Status: REGISTERED",
        "Smart Account: vfxos Lab\n",
        "Virtual Account: Default\n",
        "Export-Controlled Functionality: ALLOWED",
        "UDI: PID:FPR-4125-SUP,SN:JAD12345678",
    ] {
        assert!(all.contains(fact), "{fact} is not in\n{all}");
    }

    let early = below(out, "(config-smart-lic)# feature context 5");
    assert!(early.starts_with("ERROR: A valid feature tier entitlement must be obtained"), "{out}");
    let (_, late) = out.split_once("# feature tier standard\n").unwrap();
    assert!(late.starts_with("asa(config-smart-lic)# feature context 5\nasa(config-smart-lic)# "));
    let asa = below(out, "asa# show license all");
    for fact in [
        "Overall licensed status: Authorized (3)",
        "Serial Number:  FCH12345ABC",
        "Security Contexts                 : 15 ",
        "Carrier                           : Enabled",
    ] {
        assert!(asa.contains(fact), "{fact} is not in\n{asa}");
    }
    assert_eq!(asa.matches("Enforcement mode: Authorized").count(), 4, "{asa}");
    let want = "license smart\n feature tier standard\n feature context 5\n \
                feature strong-encryption\n feature carrier";
    assert_eq!(below(out, "show running-config license"), want);

    // `exit` twice leaves the ASA, Ctrl-A d leaves it where it stands, ~ leaves the module.
    assert_eq!(out.matches("Logoff\n").count(), 2, "{out}");
    assert!(out.contains("Firepower-module1>show services status\n"), "{out}");
    assert!(out.contains("\nConsole connection detached.\nFirepower-module1>"), "{out}");
    assert!(out.contains("\ntelnet> bogus\n?Invalid command\ntelnet> \n"), "{out}");
    assert!(out.contains("\ntelnet> quit\nConnection closed.\nFPR4125-1 /license # "), "{out}");

    let usage = below(out, "show license usage");
    for (tag, count) in [("STANDARD", 1), ("CONTEXTS", 5), ("ENCRYPTION", 1), ("CARRIER", 1)] {
        let (_, of_tag) =
            usage.split_once(&format!("_{tag})")).unwrap_or_else(|| panic!("{usage}"));
        assert!(of_tag.contains(&format!("Count: {count}\n")), "{tag}\n{usage}");
    }
    assert_eq!(usage.matches("\n  Status: AUTHORIZED\n").count(), 4, "{usage}");
}

#[test]
fn exit_at_the_top_ends_the_lab_and_what_follows_is_not_read() {
    let folder = Folder::new();
    let ended = script(&folder, &[], "exit\nshow clock\n@token\n").with(0);
    assert!(ended.out.starts_with(&format!("{CHASSIS}# exit\n")), "{}", ended.out);
    assert_eq!(ended.out.trim_end().lines().count(), 1, "{}", ended.out);
    assert!(!ended.err.contains("@token"), "{}", ended.err);
}

#[test]
fn a_refusal_ends_it_with_status_1_only_if_asked_to() {
    let folder = Folder::new();
    for (text, last) in [
        ("scope system\nflap\nshow clock\n", "% Invalid Command at '^' marker"),
        ("@wait registered 0s\nshow clock\n", "FPR4125-1#"),
        ("@fly\nshow clock\n", "FPR4125-1#"),
        ("connect module 1 console\nconnect asa\nflap\nshow clock\n", "ERROR: % Invalid input"),
        ("scope license\nregister idtoken a\u{7f}b!\nshow clock\n", "Error: "),
    ] {
        let ended = script(&folder, &["--stop-on-refusal"], text).with(1);
        assert!(!ended.out.contains("show clock"), "{text}\n{}", ended.out);
        assert!(ended.out.contains(last), "{text}\n{}", ended.out);
        let ended = script(&folder, &[], text).with(0);
        assert!(ended.out.contains("show clock\n"), "{text}\n{}", ended.out);
    }
    let fine = "scope license\nregister idtoken $TOKEN\n@clock show\n";
    script(&folder, &["--stop-on-refusal"], fine).with(0);
}
