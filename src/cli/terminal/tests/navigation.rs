//! Where commands lead: scopes, shells, and who may go there.

use super::*;

#[test]
fn scopes_are_reached_from_anywhere() {
    // Where the session stands, what is typed, where it then stands.
    let table = [
        ("", "scope system", "lab /system # "),
        ("scope license", "scope licdebug", "lab /license/licdebug # "),
        ("scope license; scope licdebug", "up", "lab /license # "),
        ("scope license; scope licdebug", "exit", "lab /license # "),
        ("scope license; scope licdebug", "top", "lab# "),
        ("", "up", "lab# "),
        // Of the top, from inside another: the seed's `scope license` in /system.
        ("scope system", "scope license", "lab /license # "),
        ("scope system; enter server a", "scope eth-uplink", "lab /eth-uplink # "),
        // One inside a scope without keys: `scope auto-install` is typed at the top.
        ("", "scope licdebug", "lab /license/licdebug # "),
        ("scope system", "enter server a", "lab /system/server # "),
        ("scope license", "scope server a", "lab /system/server # "),
        // Beside the one that the session stands in, with its keys.
        ("scope system; enter server a; scope port 1", "scope disk", "lab /system/server/disk # "),
        (
            "scope system; enter server a; scope port 1",
            "scope port 2",
            "lab /system/server/port # ",
        ),
        // `scope fabric a` is the interconnect at the top and the uplink's inside the uplink.
        ("", "scope fabric a", "lab /fabric-interconnect # "),
        ("scope system", "scope fabric-i a", "lab /fabric-interconnect # "),
        ("scope eth-up", "scope fabric a", "lab /eth-uplink/fabric # "),
        ("", "sc eth; sc fab a", "lab /eth-uplink/fabric # "),
    ];
    for (stand, line, want) in table {
        let mut session = Session::new();
        session.world.servers.insert("a".to_owned());
        session.enter(stand);
        assert!(session.enter(line).ends_with(want), "{stand} > {line}");
        assert_eq!(session.prompt(), want, "{stand} > {line}");
    }
}

#[test]
fn the_four_verbs_of_an_object() {
    let mut session = Session::new();
    session.enter("scope system");
    let table = [
        ("scope server a", "Error: absent\nlab /system # "),
        ("delete server a", "Error: absent\nlab /system # "),
        ("create server a", "created\nlab /system/server # "),
        ("up; create server a", "Error: exists\nlab /system # "),
        ("enter server a", "lab /system/server # "),
        ("enter server b", "created\nlab /system/server # "),
        ("up; delete server a", "lab /system # "),
        ("scope server a", "Error: absent\nlab /system # "),
        // Where a scope does not stand it is entered only.
        ("top; create server c", "                    ^\n% Invalid Command at '^' marker\nlab# "),
    ];
    for (line, want) in table {
        assert_eq!(session.enter(line), want, "{line}");
    }
}

#[test]
fn a_role_is_asked_before_anything_is_done() {
    let refused = "Error: User does not have privileges to perform the operation";
    let mut session = Session::on(&LAB, Lab::default(), Role::ReadOnly, (0, 0));
    session.enter("scope system");
    assert_eq!(session.enter("set name x"), format!("{refused}\nlab /system # "));
    assert_eq!(session.enter("create server a"), format!("{refused}\nlab /system # "));
    // Entering creates for those who may, and looks for those who may not.
    assert_eq!(session.enter("enter server a"), "Error: absent\nlab /system # ");
    session.world.servers.insert("a".to_owned());
    assert_eq!(session.enter("enter server a"), "lab /system/server # ");
    assert_eq!(session.world.log, Vec::<String>::new());
}

#[test]
fn keywords_may_be_abbreviated_as_long_as_they_are_unique() {
    // What is typed at `lab# `, and what it is taken for.
    let table = [
        ("sh clock", "09:55:50\nlab# "),
        ("show cloc", "09:55:50\nlab# "),
        ("sh clon", "none\nlab# "),
        ("ter len 0", "lab# "),
        ("t l 0", "     ^\n% Ambiguous command at '^' marker\nlab# "),
        ("te l 0", "lab# "),
        ("sh clo", "        ^\n% Ambiguous command at '^' marker\nlab# "),
        ("s", "     ^\n% Ambiguous command at '^' marker\nlab# "),
        ("sh", "       ^\n% Incomplete Command at '^' marker\nlab# "),
        // A quoted word is never a keyword.
        ("\"show\" clock", "     ^\n% Invalid Command at '^' marker\nlab# "),
        ("sh \"clock\"", "        ^\n% Invalid Command at '^' marker\nlab# "),
        // A keyword is lower case.
        ("Show clock", "     ^\n% Invalid Command at '^' marker\nlab# "),
        ("secretly", "lab# "),
    ];
    for (line, want) in table {
        let want =
            if line == "t l 0" { "     ^\n% Ambiguous command at '^' marker\nlab# " } else { want };
        assert_eq!(Session::new().enter(line), want, "{line}");
    }
}

#[test]
fn choices_and_options_are_taken_in_any_order() {
    let table = [
        ("address ipv4 192.0.2.1", r#"["address", "ipv4"] [("A", "192.0.2.1")]"#),
        (
            "addr ipv6 2001:db8::1 name x port 80",
            r#"["address", "ipv6", "name", "port"] [("B", "2001:db8::1"), ("NAME", "x"), ("PORT", "80")]"#,
        ),
        (
            "addr ipv4 192.0.2.1 port 1 name \"a b\"",
            r#"["address", "ipv4", "port", "name"] [("A", "192.0.2.1"), ("PORT", "1"), ("NAME", "a b")]"#,
        ),
        (
            "addr ipv4 192.0.2.1 name \"\"",
            r#"["address", "ipv4", "name"] [("A", "192.0.2.1"), ("NAME", "")]"#,
        ),
    ];
    for (line, want) in table {
        let mut session = Session::new();
        assert_eq!(session.enter(line), "lab# ", "{line}");
        assert_eq!(session.world.log, [want], "{line}");
    }
    for line in [
        "address ipv4 192.0.2.256",
        "address ipv4 2001:db8::1",
        "address ipv4 192.0.2.1 port 0",
        "address ipv4 192.0.2.1 port 65536",
        "address ipv4 192.0.2.1 port 80 port 81",
        "address ipv4 192.0.2.1 more",
    ] {
        assert!(
            Session::new().enter(line).contains("^\n% Invalid Command at '^' marker\n"),
            "{line}"
        );
    }
}

#[test]
fn an_inner_shell_returns_where_it_was_entered() {
    let mut session = Session::new();
    session.world.servers.insert("a".to_owned());
    session.enter("scope server a");
    assert_eq!(session.keys("connect inner\r"), {
        "connect inner\r\n                     ^\r\n% Invalid Command at '^' marker\r\nlab /system/server # "
    });
    session.enter("top");
    assert_eq!(session.enter("connect inner"), "connecting\ninner> ");
    assert_eq!(session.enter("exit"), "lab# ");
}

#[test]
fn modes_hear_the_commands_around_them() {
    let mut session = Session::new();
    session.enter("connect inner");
    // What is typed, and where the session then stands: the shell has the modes of an ASA.
    let table = [
        ("enable", "inner/enable> "),
        ("config", "inner/enable/config> "),
        ("mode", "inner/enable/config/mode> "),
        ("show clock", "inner/enable/config/mode> "),
        // A command of the mode around returns there.
        ("hostname x", "inner/enable/config> "),
        ("mode", "inner/enable/config/mode> "),
        ("mode", "inner/enable/config/mode> "),
        ("config", "inner/enable/config> "),
        ("disable", "inner> "),
        ("config", "inner> "),
    ];
    for (line, want) in table {
        session.enter(line);
        assert_eq!(session.prompt(), want, "{line}");
    }
}

#[test]
fn ctrl_a_d_detaches_and_the_next_visit_goes_on_in_the_same_mode() {
    let mut session = Session::new();
    session.enter_all(&["connect inner", "enable", "config"]);
    let detached = "\r\nConsole connection detached.\r\nlab# ";
    // unicon sends both keys in one write; a person presses them one after the other.
    assert!(session.keys("half a line\x01d").ends_with(detached));
    assert_eq!(session.enter("connect inner"), "connecting\ninner/enable/config> ");
    session.keys("\x01");
    assert_eq!(session.keys("d"), detached);
    // From a question and from a full screen too.
    session.enter_all(&["connect inner", "terminal length 4"]);
    session.keys("password\r");
    assert!(session.keys("x\x01d").ends_with(detached));
    session.enter_all(&["terminal length 4", "connect inner"]);
    assert!(session.keys("show lines\r").ends_with("line 3\r\n<--- More --->"));
    assert!(session.keys("\x01d").ends_with(detached));
    // Ctrl-A is otherwise the start of the line, and leaving is leaving.
    session.enter_all(&["connect inner"]);
    assert!(session.keys("ow clock\x01sh\r").contains("09:55:50"));
    session.enter_all(&["exit", "connect inner"]);
    assert_eq!(session.prompt(), "inner> ");
    session.enter("exit");
    assert_eq!(session.keys("a\x01d"), "a\r\x1b[Klab# da\x08", "no shell to leave that way");
    let mut session = Session::on(&INNER, Lab::default(), Role::Admin, (0, 0));
    assert_eq!(session.keys("\x01d"), "d", "nor from the outermost");
}
