//! Lines: how they end, how they are given up, and what is said in between.

use super::*;
use crate::cli::edit::LINE_MAX;

#[test]
fn a_line_ends_the_way_the_client_ends_it() {
    // kick and unicon send CR, netmiko and scrapli LF, telnet CR LF or CR NUL.
    for end in ["\r", "\n", "\r\n", "\r\0"] {
        let mut session = Session::new();
        let shown = session.keys(format!("show clock{end}show clock{end}"));
        let once = "show clock\r\n09:55:50\r\nlab# ";
        assert_eq!(shown, once.repeat(2), "{end:?}");
    }
    // The two keys of one Enter may come in two reads; two Enters stay two.
    let mut session = Session::new();
    assert_eq!(session.keys("\r"), "\r\nlab# ");
    assert_eq!(session.keys("\n"), "");
    assert_eq!(session.keys("\n"), "\r\nlab# ");
    assert_eq!(session.keys("\r\r"), "\r\nlab# \r\nlab# ");
    assert_eq!(session.keys("\0"), "", "a NUL behind CR is none of the line");
}

#[test]
fn an_enter_of_two_keys_is_one_wherever_it_leads() {
    // Into the pager: the line feed would have been a line more.
    let mut session = Session::sized(80, 4);
    assert!(session.keys("show lines 9\r\n").ends_with("line 3\r\n--More--"));
    // Into a question: the line feed would have been an empty answer.
    let mut session = Session::new();
    assert_eq!(session.keys("name\r\n"), "name\r\nName: ");
    // Into a module: the line feed would have been a key of the module's.
    session.keys("me\r\n");
    session.keys("connect module 1 console\r\n");
    assert_eq!(session.wants(), ["open 1 Console", r#"1 "\r""#]);
    // And out of it.
    session.keys("~");
    assert_eq!(session.keys("q\r\n"), "q\r\nConnection closed.\r\nlab# ");
}

#[test]
fn ctrl_c_gives_up_what_is_under_way() {
    let mut session = Session::new();
    assert_eq!(session.keys("show clo\x03"), "show clo^C\r\nlab# ");
    assert_eq!(session.keys("\x03"), "^C\r\nlab# ");
    assert_eq!(session.keys("clock\x01show \x03\r").lines().last(), Some("lab# "));
    // A question, with all that waits behind it.
    session.keys("name; show clock\r");
    assert_eq!(session.keys("me\x03"), "me^C\r\nlab# ");
    assert_eq!(session.world.log, Vec::<String>::new());
    // A listing, with all that waits behind it.
    let mut session = Session::sized(80, 4);
    session.keys("show lines 9; show clock\r");
    assert_eq!(session.keys("\x03"), "\r\x1b[Klab# ");
    // Nothing of it is called back by the arrow keys.
    session.keys("bogus\x03");
    assert_eq!(session.keys("\x10"), "\r\x1b[Klab# show lines 9; show clock");
}

#[test]
fn ctrl_d_on_an_empty_line_is_exit() {
    let mut session = Session::new();
    session.enter("scope license");
    assert_eq!(session.keys("\x04"), "\r\nlab# ");
    assert_eq!(session.keys("x\x04\x15"), "x\r\x1b[Klab# ", "with a line it deletes");
    session.keys("name\r");
    assert_eq!(session.keys("\x04"), "", "a question has no way out but Ctrl-C");
    session.keys("\x03");
    assert_eq!(session.keys("\x10"), "\r\x1b[Klab# name", "it is no line that was typed");
    assert_eq!(session.keys("\x15\x04"), "\r\x1b[Klab# \r\n");
    assert_eq!(session.wants(), ["closed"]);
    assert_eq!(session.keys("show clock\r\n?\t\x03"), "", "nobody is there any more");
    assert!(session.terminal.is_idle());
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_session_goes_on() {
    let garbage = "x".repeat(LINE_MAX + 1);
    let mut session = Session::new();
    let shown = session.keys(format!("{garbage}\r"));
    assert!(shown.ends_with("\r\n     ^\r\n% Invalid Command at '^' marker\r\nlab# "));
    assert_eq!(session.enter("show clock"), "09:55:50\nlab# ");
    // As an answer it ends the command.
    session.keys("name; show clock\r");
    let shown = session.keys(format!("{garbage}\r"));
    assert!(shown.ends_with("% Invalid Command at '^' marker\r\nlab# "));
    assert_eq!(session.world.log, Vec::<String>::new());
}

#[test]
fn a_remark_is_no_command() {
    let mut session = Session::new();
    for remark in ["!", "! show clock", "   !       set ntp-sha1-key-string \"", "!; show clock"] {
        assert_eq!(session.enter(remark), "lab# ", "{remark}");
    }
    assert_eq!(session.enter("show clock; ! and more"), "09:55:50\nlab# ");
    let mut session = Session::new();
    session.enter("connect inner");
    assert_eq!(session.enter(": Saved"), "inner> ");
}

#[test]
fn what_is_typed_comes_again_below_a_notice() {
    let mut session = Session::new();
    assert_eq!(session.notice("% news"), "\r\x1b[K% news\r\nlab# ");
    session.keys("show clo");
    assert_eq!(session.notice("% news\n"), "\r\x1b[K% news\r\nlab# show clo");
    session.keys("\x02\x02");
    assert_eq!(session.notice("% a\n% b"), "\r\x1b[K% a\r\n% b\r\nlab# show clo\x08\x08");
    assert_eq!(session.keys("\x05ck\r").lines().nth(1), Some("09:55:50"));
    // At a question, whose answer may be a secret.
    session.keys("password\rsecret");
    assert_eq!(session.notice("% news"), "\r\x1b[K% news\r\nPassword: ");
    session.keys("\x03");
    // At `telnet>`.
    session.keys("connect module 1 console\r");
    session.keys("~");
    session.keys("qu");
    assert_eq!(session.notice("% news"), "\r\x1b[K% news\r\ntelnet> qu");
    // In a listing, at its foot; the listing goes on.
    let mut session = Session::sized(80, 4);
    session.keys("show lines 9\r");
    assert_eq!(session.notice("% news"), "\r\x1b[K% news\r\n--More--");
    assert_eq!(session.keys("\r"), "\r\x1b[Kline 4\r\n--More--");
    // Among the lines of a job.
    let mut session = Session::new();
    session.keys("ping\r");
    assert_eq!(session.notice("% news"), "% news\r\n");
}

#[test]
fn a_whole_dialogue_may_be_typed_ahead() {
    let mut session = Session::sized(80, 4);
    let shown =
        session.keys("name\rme\rpassword\ra\ra\rshow lines 5\r \rscope license\rtop; exit\r");
    assert_eq!(session.world.log, ["me", "a/a"]);
    assert!(shown.contains("hello me\r\nlab# "), "{shown}");
    assert!(shown.contains("line 5\r\nlab# \r\nlab# scope license\r\nlab /license # "), "{shown}");
    assert_eq!(session.wants(), ["closed"]);
}
