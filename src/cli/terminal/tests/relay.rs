//! The way to a module and back.

use super::*;

/// A session that stands at a module.
fn connected(kind: &str) -> Session<Lab> {
    let mut session = Session::new();
    session.keys(format!("connect module 1 {kind}\r"));
    session.wants();
    session.module("Firepower-module1>");
    session
}

#[test]
fn connecting_prints_what_clients_wait_for() {
    let mut session = Session::new();
    let shown = session.enter("connect module 1 console");
    assert_eq!(
        shown,
        "Telnet escape character is '~'.\nTrying 127.5.1.1...\nConnected to 127.5.1.1.\n\
         Escape character is '~'.\n\nCISCO Serial Over LAN:\nClose Network Connection to Exit\n"
    );
    assert_eq!(session.wants(), ["open 1 Console", r#"1 "\r""#]);
    let mut session = Session::new();
    let shown = session.enter("connect module 2 telnet");
    assert_eq!(shown, "Type exit or Ctrl-] followed by . to quit.\n");
    assert_eq!(session.wants(), ["open 2 Telnet", r#"2 "\r""#]);
}

#[test]
fn keys_go_to_the_module_and_its_screen_comes_back() {
    let mut session = connected("console");
    assert_eq!(session.keys("show\x03\x04\x1b[A?\t\x1d.\r"), "", "the module echoes");
    assert_eq!(session.wants(), ["1 \"show\\u{3}\\u{4}\\u{1b}[A?\\t\\u{1d}.\\r\""]);
    assert_eq!(session.module("\x1b[Kraw\r\n"), "\x1b[Kraw\r\n");
    assert_eq!(session.keys("a~~b"), "", "two are one for the module");
    assert_eq!(session.wants(), [r#"1 "a~b""#]);
}

#[test]
fn what_a_client_types_to_come_back() {
    // Each element one read, and what the module gets of it. Then `telnet> ` is there.
    let table: &[(&[&str], &[&str])] = &[
        (&["~\r"], &[]),                    // kick: the Enter is swallowed
        (&["~\x17"], &[]),                  // unicon: so is Ctrl-W
        (&["~"], &[]),                      // a person
        (&["abc~quit\r"], &[r#"1 "abc""#]), // what stood before it is passed on
        (&["~", "\x17"], &[]),              // Ctrl-W in a read of its own edits an empty line
    ];
    for kind in ["console", "telnet"] {
        for (reads, want) in table {
            let mut session = connected(kind);
            let shown: String = reads.iter().map(|read| session.keys(read)).collect();
            assert_eq!(shown, "\r\ntelnet> ", "{reads:?}");
            assert_eq!(session.wants(), *want, "{reads:?}");
        }
    }
}

#[test]
fn words_at_the_telnet_prompt() {
    // kick answers `"q"`, quotes and all.
    for word in ["q", "\"q\"", "quit", "\"quit\"", " quit ", "close", "c", "bo\x15q"] {
        let mut session = connected("console");
        session.keys("~");
        let shown = session.keys(format!("{word}\r"));
        assert!(shown.ends_with("\r\nConnection closed.\r\nlab# "), "{word}: {shown:?}");
        assert_eq!(session.wants(), ["close 1"], "{word}");
        assert_eq!(session.enter("show clock"), "09:55:50\nlab# ");
    }
    let mut session = connected("console");
    session.keys("~");
    assert_eq!(session.keys("bogus\r"), "bogus\r\n?Invalid command\r\ntelnet> ");
    assert_eq!(session.keys("quitt\r"), "quitt\r\n?Invalid command\r\ntelnet> ");
    assert!(session.keys("?\r").contains("quit\texit telnet\r\ntelnet> "));
    assert_eq!(session.keys("qq\x7fx\x03"), "qq\x08 \x08x^C\r\ntelnet> ");
    assert_eq!(session.keys("\x10~"), "~", "no history, and the escape is a character here");
    assert_eq!(session.keys("\x15\x04"), "\r\x1b[Ktelnet> \r\nConnection closed.\r\nlab# ");
}

#[test]
fn an_empty_line_resumes_and_shows_what_the_module_printed_meanwhile() {
    let mut session = connected("console");
    session.keys("~");
    assert_eq!(session.module("news\r\n"), "");
    assert_eq!(session.keys("\r"), "\r\nnews\r\n");
    session.keys("x");
    assert_eq!(session.wants(), [r#"1 "x""#]);
    // What is kept meanwhile is limited.
    session.keys("~");
    for _ in 0..100 {
        session.module(&"x".repeat(10_000));
    }
    assert_eq!(session.keys("\r").len(), 2 + 64 * 1024);
}

#[test]
fn ctrl_bracket_and_a_full_stop_end_a_telnet_connection() {
    for reads in [&["\x1d."] as &[&str], &["\x1d", "."], &["abc\x1d", ".show clock\r"]] {
        let mut session = connected("telnet");
        let shown: String = reads.iter().map(|read| session.keys(read)).collect();
        assert!(shown.starts_with("\r\nConnection closed.\r\nlab# "), "{reads:?}: {shown:?}");
        assert_eq!(session.wants().last().map(String::as_str), Some("close 1"), "{reads:?}");
        // What was typed behind it is for the chassis.
        assert_eq!(shown.contains("09:55:50"), reads.last().unwrap().contains("clock"));
    }
    // Followed by anything else it is a key of the module's.
    let mut session = connected("telnet");
    session.keys("\x1d");
    assert_eq!(session.wants(), Vec::<String>::new());
    session.keys("x\x1d\x1d");
    assert_eq!(session.wants(), ["1 \"\\u{1d}x\\u{1d}\""]);
}

#[test]
fn what_is_typed_behind_the_answer_is_for_the_chassis() {
    let mut session = connected("console");
    session.keys("~");
    assert_eq!(session.keys("q\rshow clock\r"), {
        "q\r\nConnection closed.\r\nlab# show clock\r\n09:55:50\r\nlab# "
    });
}

#[test]
fn a_module_that_goes_away_leaves_the_operator_at_the_chassis() {
    let closed = "\r\nConnection closed by foreign host.\r\nlab# ";
    let mut session = connected("console");
    session.terminal.relay_gone(NOW, &mut session.world);
    assert_eq!(session.shown(), closed);
    assert_eq!(session.enter("show clock"), "09:55:50\nlab# ");
    // At `telnet> `, with something kept.
    let mut session = connected("console");
    session.keys("~");
    session.module("last words");
    session.keys("qu");
    session.terminal.relay_gone(NOW, &mut session.world);
    assert_eq!(session.shown(), format!("last words{closed}"));
    assert_eq!(session.prompt(), "lab# ");
    // Twice, or to somebody who is not there: nothing.
    session.keys("name\r");
    session.terminal.relay_gone(NOW, &mut session.world);
    assert_eq!(session.module("late"), "");
    assert_eq!(session.shown(), "");
    assert_eq!(session.keys("me\r"), "me\r\nhello me\r\nlab# ");
}

#[test]
fn a_relay_is_settled_when_the_module_says_so() {
    let mut session = connected("console");
    assert!(session.terminal.is_idle());
    session.keys("x");
    assert!(!session.terminal.is_idle(), "the module has not answered");
    session.module("x");
    assert!(session.terminal.is_idle());
    session.keys("y~");
    assert!(session.terminal.is_idle(), "at `telnet> ` nobody else is waited for");
}
