//! What is known everywhere, the licence, and the shells that `connect` leads to.

use super::*;

#[test]
fn a_token_is_registered_and_the_listing_tells() {
    let mut lab = Lab::new();
    lab.type_all(&["scope license", "register idtoken ODNm%0A force"]);
    assert!(matches!(
        lab.mio.agent.stored().registration,
        crate::proto::agent::Registration::Pending { force: true, .. }
    ));
    lab.type_all(&["register idtoken ODNm%0A"]);
    let all = lab.run("show license all");
    assert!(all.contains("Command : register idtoken ODNm%0A\n"), "{all}");
    assert_eq!(lab.run("register idtoken a!b"), "Error: Invalid Value\n");
    for part in ["usage", "status", "summary", "udi", "techsupport", "eventlog", "resvcode"] {
        assert_ne!(lab.run(&format!("show license {part}")), "", "{part}");
    }
    lab.type_all(&["deregister", "scope licdebug", "renew", "expireauth", "expireidcert"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license/licdebug # ");
    lab.type_all(&["expireeval"]);
    let usage = lab.mio.agent.report(NOW);
    assert!(usage.evaluation_left.is_zero());
}

#[test]
fn common_commands_work_in_every_scope() {
    let mut lab = Lab::new();
    assert_eq!(lab.run("show clock"), "Tue Aug  4 09:55:50 UTC 2020\n");
    assert_eq!(lab.run("show timezone"), "Timezone:\n");
    lab.type_all(&["scope monitoring", "scope callhome", "terminal length 0"]);
    // From any scope, a scope of the top.
    lab.type_all(&["scope license"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license # ");
    assert_eq!(lab.run("where"), "Mode: /license\nMode Data:\n    scope license\n");
    lab.run("connect module 1 console");
    assert_eq!(lab.happened, ["module 1 Console"]);
}

/// The prompts of every shell against the expressions of unicon's `fxos` plugin and of kick.
///
/// # Source
/// Client: unicon `fxos/patterns.py`, kick `ssp/actions/patterns.py`; reference 1.1 and 1.3.
#[test]
fn prompts_are_those_that_clients_wait_for() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1, 2]);
    let host = "FPR4125-1";
    let walk: [(&[&str], &str, &str); 12] = [
        (&[], r"^(.*?)[-\.\w]+(\*\s)?#\s*$", r"(HOST|firepower)([ /\w\-\*]+)?# $"),
        (
            &["scope system", "scope services"],
            r"^(.*?)[-\.\w]+(\s+(/[-\w]+)+)\*?\s?#\s*$",
            r"(HOST|firepower)([ /\w\-\*]+)?# $",
        ),
        (
            &["create dns 192.0.2.1"],
            r"^(.*?)[-\.\w]+(\s+(/[-\w]+)+)\*?\s?#\s*$",
            r"(HOST|firepower)([ /\w\-\*]+)?# $",
        ),
        (&["top"], r"^(.*?)[-\.\w]+(\*\s)?#\s*$", r"(HOST|firepower)([ /\w\-\*]+)?# $"),
        (
            &["discard", "connect local-mgmt"],
            r"^(.*?)[-\.\w]+\(local-mgmt\)#\s*$",
            r"(HOST|firepower)\(local\-mgmt\)# $",
        ),
        (&["reboot"], r"Do you still want to reboot\? \(yes/no\):\s*$", "reboot"),
        (
            &["no", "exit", "connect fxos"],
            r"^(.*?)[-\.\w]+\s?\(fxos\)#\s*$",
            r"(HOST|firepower)\(fxos\)# $",
        ),
        (&["exit", "connect cimc 1/1"], r"^(.*?)\[\s+[-\w]+\s+\]#\s*$", r"^\[.*\]# $"),
        (&["exit", "connect adapter 1/2/1"], r"^(.*?)adapter \S+ #\s*$", "adapter 1/2/1 # "),
        (&["connect"], r"^(.*?)adapter \S+ \(top\):\d+#\s*$", "adapter 1/2/1"),
        (&["attach-fls"], r"^(.*?)adapter \S+ \(fls\):\d+#\s*$", "adapter 1/2/1"),
        (&["exit", "attach-mcp"], r"^(.*?)adapter \S+ \(mcp\):\d+#\s*$", "adapter 1/2/1"),
    ];
    for (lines, unicon, kick) in walk {
        for line in lines {
            lab.run(line);
        }
        for pattern in [unicon.to_owned(), kick.replace("HOST", host)] {
            let regex = regex_lite::Regex::new(&pattern).unwrap();
            assert!(regex.is_match(&lab.prompt), "`{}` is not {pattern}", lab.prompt);
        }
    }
    // The way back, one `exit` a shell.
    for prompt in ["adapter 1/2/1 (top):1# ", "adapter 1/2/1 # ", "FPR4125-1# "] {
        lab.run("exit");
        assert_eq!(lab.prompt, prompt);
    }
    assert_eq!(lab.run("connect cimc 1/3"), ABSENT, "the slot is empty");
    assert_eq!(lab.run("connect adapter 1/1/2"), ABSENT);
}

#[test]
fn a_ping_is_a_job_and_ctrl_c_ends_it() {
    let mut lab = Lab::new();
    lab.run("connect local-mgmt");
    lab.run("ping tools.example count 3 packet-size 100");
    assert_eq!(lab.happened, ["job"]);
    let Some(Job::Ping(ping)) = lab.job.clone() else { panic!("{:?}", lab.job) };
    assert_eq!((ping.host.as_str(), ping.count, ping.size), ("tools.example", Some(3), 100));
    lab.terminal.job_output("PING tools.example\n");
    lab.bytes(b"\x03");
    assert_eq!(lab.happened, ["cancel"]);
    lab.terminal.job_output("--- tools.example ping statistics ---\n");
    lab.terminal.job_done(NOW, &mut lab.mio);
    lab.read();
    assert_eq!(lab.prompt, "FPR4125-1(local-mgmt)# ");
    assert!(lab.run("ping 1.2.3").ends_with("% Invalid Command at '^' marker\n"));
    lab.run("traceroute6 host.example");
    assert!(matches!(&lab.job, Some(Job::Traceroute(trace)) if trace.host == "host.example"));
}

/// Each dialog asks until it is answered, and only `yes` has an effect.
#[test]
fn restarts_are_asked_for_and_told_to_the_edge() {
    use crate::proto::mio::{Output as Wish, Restart};
    let restarts = |lab: &mut Lab| -> Vec<Restart> {
        let wishes = lab.settle().into_iter();
        let how = |wish| if let Wish::Restart { how, .. } = wish { Some(how) } else { None };
        wishes.filter_map(how).collect()
    };
    let mut lab = Lab::new();
    lab.run("connect local-mgmt");
    for (command, refuse, agree, how) in [
        ("reboot", "no", "yes", Restart::Reboot),
        ("shutdown", "NO", "YES", Restart::PowerOff),
        ("erase configuration", "no", "yes", Restart::Erase),
    ] {
        lab.run(command);
        let question = lab.prompt.clone();
        lab.run("perhaps");
        assert_eq!(lab.prompt, question, "{command}");
        lab.run(refuse);
        assert_eq!(restarts(&mut lab), []);
        assert_eq!(lab.prompt, "FPR4125-1(local-mgmt)# ");
        lab.run(command);
        lab.run(agree);
        assert_eq!(restarts(&mut lab), [how], "{command}");
    }
    lab.run("exit");
    lab.type_all(&["scope chassis", "reboot \"new module\" no-prompt"]);
    assert_eq!(restarts(&mut lab), [Restart::Reboot]);
}

/// Who may only look restarts nothing and edits nothing.
#[test]
fn roles_hold_in_derived_commands_and_in_shells() {
    let refusal = "Error: User does not have privileges to perform the operation\n";
    let mut reader = Lab::of("FPR-4125", Role::ReadOnly, &[]);
    for line in [
        "set name x",
        "create dns 192.0.2.1",
        "enable telnet-server",
        "create ip-block 10.0.0.0 8 ssh",
    ] {
        reader.type_all(&["scope system"]);
        if line != "set name x" {
            reader.type_all(&["scope services"]);
        }
        assert_eq!(reader.run(line), refusal, "{line}");
    }
    assert_eq!(reader.run("enter ntp-server 192.0.2.9"), ABSENT, "it would create it");
    assert!(!reader.prompt.contains('*'), "{}", reader.prompt);
    reader.run("connect local-mgmt");
    assert_eq!(reader.run("reboot"), refusal);
    // Accounts and authentication are the business of `aaa`; the rest is not.
    let mut aaa = Lab::of("FPR-4125", Role::Aaa, &[]);
    aaa.type_all(&[
        "scope security",
        "scope radius",
        "create server 192.0.2.5",
        "set authport 1813",
    ]);
    aaa.type_all(&[
        "commit-buffer",
        "scope default-auth",
        "set session-timeout 300",
        "commit-buffer",
    ]);
    aaa.type_all(&["scope system"]);
    assert_eq!(aaa.run("set name x"), refusal);
}
