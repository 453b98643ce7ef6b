//! Several commands on one line.

use super::*;

#[test]
fn commands_behind_each_other_run_in_turn() {
    // What is typed at `lab# `, and what follows.
    let table = [
        ("show clock; show clones", "09:55:50\nnone\nlab# "),
        ("show clock;show clones;", "09:55:50\nnone\nlab# "),
        (";; show clock ; ;", "09:55:50\nlab# "),
        (";", "lab# "),
        (
            "scope system; scope server; top",
            "                               ^\n% Incomplete Command at '^' marker\nlab /system # ",
        ),
        (
            "scope license; scope licdebug; show clock",
            "                                     ^\n% Invalid Command at '^' marker\nlab /license/licdebug # ",
        ),
        ("top; scope license; up; show clock", "09:55:50\nlab# "),
        (
            "show clock; bogus; show clones",
            "09:55:50\n                 ^\n% Invalid Command at '^' marker\nlab# ",
        ),
        ("fail; show clock", "half\nError: no more\nlab# "),
        ("say \"a;b\"; show clock", "\"a;b\"\n09:55:50\nlab# "),
        ("say grün; bogus", "grün\n               ^\n% Invalid Command at '^' marker\nlab# "),
        ("show clones | count; show clones | grep -c x", "1\n0\nlab# "),
        // A quote that is not closed spoils the line as a whole.
        ("show clock; say \"x", "                     ^\n% Invalid Command at '^' marker\nlab# "),
    ];
    for (line, want) in table {
        assert_eq!(Session::new().enter(line), want, "{line}");
    }
}

#[test]
fn a_command_waits_for_the_one_before_it() {
    let mut session = Session::sized(80, 4);
    session.keys("name; show clock\r");
    assert_eq!(session.keys("me\r"), "me\r\nhello me\r\n09:55:50\r\nlab# ");
    session.keys("name; show clock\r");
    assert_eq!(session.keys("bad\r"), "bad\r\nError: bad name\r\nlab# ", "a refusal ends the line");
    session.keys("show lines 4; show clock\r");
    assert_eq!(session.keys("q"), "\r\x1b[K09:55:50\r\nlab# ");
    session.keys("ping; show clock\r");
    assert_eq!(session.job_done(), "09:55:50\r\nlab# ");
    session.keys("connect module 1 console; show clock\r~");
    assert_eq!(session.keys("q\r"), "q\r\nConnection closed.\r\n09:55:50\r\nlab# ");
    session.keys("connect inner; enable\r");
    assert_eq!(session.prompt(), "inner/enable> ");
}

#[test]
fn a_line_ends_with_the_session() {
    let mut session = Session::new();
    assert_eq!(session.keys("top; exit; show clock\rshow clock\r"), "top; exit; show clock\r\n");
    assert_eq!(session.wants(), ["closed"]);
}

#[test]
fn there_may_be_sixty_four() {
    let mut session = Session::new();
    assert_eq!(session.enter(&"show clones;".repeat(64)).matches("none").count(), 64);
    let refused = session.enter(&"show clones;".repeat(65));
    assert!(
        refused.ends_with("^\n% Invalid Command at '^' marker\nlab# ") && !refused.contains("none")
    );
}
