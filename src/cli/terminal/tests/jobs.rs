//! Commands that go on after they were typed: their output, their end, Ctrl-C.

use super::*;

#[test]
fn a_job_prints_as_it_goes_and_the_prompt_comes_when_it_is_done() {
    let mut session = Session::new();
    assert_eq!(session.keys("ping\r"), "ping\r\npinging\r\n");
    assert_eq!(session.wants(), [r#"start "ping""#]);
    assert!(!session.terminal.is_idle());
    assert_eq!(session.job_output("64 bytes\n."), "64 bytes\r\n.");
    assert_eq!(session.job_output(".\n"), ".\r\n");
    assert_eq!(session.job_done(), "lab# ");
    assert!(session.terminal.is_idle());
    assert_eq!(session.job_output("late"), "", "it has ended");
    assert_eq!(session.job_done(), "");
}

#[test]
fn a_job_prints_through_its_pipes() {
    let mut session = Session::new();
    assert_eq!(session.keys("ping | include b | count\r"), "ping | include b | count\r\n");
    assert_eq!(session.job_output("a\nb\nb"), "");
    assert_eq!(session.job_output("b\n"), "");
    assert_eq!(session.job_done(), "2\r\nlab# ");
    session.keys("ping | egrep \"b|pin\"\r");
    assert_eq!(session.job_output("a\nab\n"), "ab\r\n");
}

#[test]
fn what_is_typed_meanwhile_is_typed_ahead() {
    let mut session = Session::new();
    session.keys("ping\r");
    assert_eq!(session.keys("show cl"), "");
    assert_eq!(session.keys("ock\rshow clo"), "");
    assert_eq!(session.job_done(), "lab# show clock\r\n09:55:50\r\nlab# show clo");
    assert_eq!(session.keys("nes\r"), "nes\r\nnone\r\nlab# ");
}

#[test]
fn ctrl_c_ends_a_job_and_forgets_what_was_typed_before_it() {
    let mut session = Session::new();
    session.keys("ping; show clock\r");
    session.keys("bogus\r");
    assert_eq!(session.keys("more\x03\x03show clones\r"), "^C\r\n");
    assert_eq!(session.wants(), [r#"start "ping""#, "cancel"]);
    // The job has its last words, and what was behind `;` is not run.
    assert_eq!(session.job_output("4 packets transmitted\n"), "4 packets transmitted\r\n");
    assert_eq!(session.job_done(), "lab# show clones\r\nnone\r\nlab# ");
    // In the read that started it.
    session.keys("ping\r\x03");
    assert_eq!(session.wants(), [r#"start "ping""#, "cancel"]);
}

#[test]
fn type_ahead_has_a_limit_and_ctrl_c_passes_it() {
    let mut session = Session::new();
    session.keys("ping\r");
    let chunk = "x".repeat(AHEAD_MAX);
    assert_eq!(session.keys(&chunk), "");
    assert_eq!(session.keys("y"), "\x07", "full");
    for _ in 0..4 {
        assert_eq!(session.keys(&chunk), "\x07");
    }
    assert_eq!(session.terminal.ahead.len(), AHEAD_MAX);
    assert_eq!(session.keys(format!("{chunk}\x03show clock\r")), "\x07^C\r\n");
    assert_eq!(session.job_done(), "lab# show clock\r\n09:55:50\r\nlab# ");
    // At a prompt a read of any length is taken.
    assert_eq!(session.keys("show clock\r".repeat(6000)).matches("09:55:50").count(), 6000);
}
