//! The pager.

use super::*;

/// A screen of four rows that shows the first three of nine lines.
fn paged() -> Session<Lab> {
    let mut session = Session::sized(20, 4);
    let shown = session.keys("show lines 9\n");
    assert_eq!(shown, "show lines 9\r\nline 1\r\nline 2\r\nline 3\r\n--More--");
    session
}

#[test]
fn keys_at_the_foot_of_a_full_screen() {
    let table = [
        (" ", "\r\x1b[Kline 4\r\nline 5\r\nline 6\r\n--More--"),
        ("\r", "\r\x1b[Kline 4\r\n--More--"),
        ("\n", "\r\x1b[Kline 4\r\n--More--"),
        ("\r\n", "\r\x1b[Kline 4\r\n--More--"),
        ("q", "\r\x1b[Klab# "),
        ("Q", "\r\x1b[Klab# "),
        ("\x03", "\r\x1b[Klab# "),
        ("x", "\x07"),
        (
            "  ",
            "\r\x1b[Kline 4\r\nline 5\r\nline 6\r\n--More--\r\x1b[Kline 7\r\nline 8\r\nline 9\r\nlab# ",
        ),
        // A client that answers with a space or a q goes on with its next command at once.
        ("qshow clock\r", "\r\x1b[Klab# show clock\r\n09:55:50\r\nlab# "),
    ];
    for (keys, want) in table {
        assert_eq!(paged().keys(keys), want, "{keys:?}");
    }
}

#[test]
fn a_pattern_is_searched_for() {
    let found = "...skipping\r\nline 8\r\nline 9\r\nlab# ";
    let table = [
        ("/8\r", format!("\r\x1b[K/\r\x1b[K/8\r\x1b[K{found}")),
        ("/[78]x\x7f\x7f\x7f\x7f\x7f8\r", String::new()),
        ("/nothing\r", String::new()),
        ("/[\r", String::new()),
        ("/x\x03", String::new()),
        ("/\x7f", String::new()),
        ("/\r", "\r\x1b[K/\r\x1b[K...skipping\r\nline 4\r\nline 5\r\n--More--".to_owned()),
    ];
    for (keys, want) in table {
        let shown = paged().keys(keys);
        match keys {
            _ if !want.is_empty() => assert_eq!(shown, want, "{keys:?}"),
            "/[78]x\x7f\x7f\x7f\x7f\x7f8\r" => assert!(shown.ends_with(found), "{shown:?}"),
            "/nothing\r" | "/[\r" => {
                assert!(shown.ends_with("\r\x1b[KPattern not found\r\n--More--"), "{shown:?}");
            }
            _ => assert!(shown.ends_with("\r\x1b[K--More--"), "{keys:?}: {shown:?}"),
        }
    }
    // A search that fails leaves the listing where it was.
    let mut session = paged();
    session.keys("/nothing\r");
    assert_eq!(session.keys("\r"), "\r\x1b[Kline 4\r\n--More--");
}

#[test]
fn what_fits_is_not_paged() {
    let mut session = Session::sized(20, 4);
    assert_eq!(session.keys("show lines 3\r").lines().last(), Some("lab# "));
    assert!(session.keys("show lines 4\r").ends_with("line 3\r\n--More--"));
}

#[test]
fn a_line_that_wraps_takes_its_rows() {
    let mut session = Session::sized(10, 4);
    assert!(session.keys("show lines 9 | tr \" \" \\n | head 2\r").ends_with("lab# "));
    session.terminal.resize(4, 4);
    // `line N` takes two rows of four columns, so that one fits above the foot.
    assert!(session.keys("show lines 5\r").ends_with("\r\nline 1\r\n--More--"));
    assert_eq!(session.keys(" "), "\r\x1b[Kline 2\r\n--More--");
}

#[test]
fn terminal_length_counts_and_outlasts_a_resize() {
    let mut session = Session::sized(80, 24);
    session.enter("terminal length 0");
    assert!(session.enter("show lines 99").ends_with("line 99\nlab# "));
    // unicon and netmiko set it once; a window that changes must not bring the pager back.
    session.terminal.resize(100, 30);
    assert!(session.enter("show lines 99").ends_with("line 99\nlab# "));
    session.enter("term len 3");
    assert!(session.keys("show lines 9\r").ends_with("line 2\r\n--More--"));
    assert_eq!(session.keys(" "), "\r\x1b[Kline 3\r\nline 4\r\n--More--");
    session.terminal.resize(0, 0);
    assert_eq!(session.keys(" "), "\r\x1b[Kline 5\r\nline 6\r\n--More--");
    // A session without a screen, as for `ssh HOST command`, is never paged.
    let mut session = Session::sized(0, 0);
    assert!(session.enter("show lines 999 | less").ends_with("line 999\nlab# "));
}

#[test]
fn pipes_turn_the_pager_off_and_on() {
    let mut session = Session::sized(80, 4);
    assert!(session.enter("show lines 9 | no-more").ends_with("line 9\nlab# "));
    session.enter("terminal length 0");
    assert!(session.keys("show lines 9 | less\r").ends_with("line 3\r\n--More--"));
    assert_eq!(session.keys(" "), "\r\x1b[Kline 4\r\nline 5\r\nline 6\r\n--More--");
}

#[test]
fn a_refusal_behind_a_full_screen_is_part_of_it() {
    let mut session = Session::sized(80, 2);
    assert_eq!(session.keys("fail; show clock\r"), "fail; show clock\r\nhalf\r\n--More--");
    assert_eq!(session.keys(" "), "\r\x1b[KError: no more\r\nlab# ");
}
