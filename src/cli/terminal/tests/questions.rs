//! Questions that a command asks.

use super::*;

#[test]
fn an_answer_is_handed_over_and_a_refusal_printed() {
    let mut session = Session::new();
    assert_eq!(session.keys("name\r"), "name\r\nName: ");
    assert_eq!(session.keys("m\x7fyou\r"), "m\x08 \x08you\r\nhello you\r\nlab# ");
    session.keys("name\r");
    assert_eq!(session.keys("bad\r"), "bad\r\nError: bad name\r\nlab# ");
    session.keys("name\r");
    assert_eq!(
        session.keys("  show clock; ? | x\r").lines().nth(1),
        Some("hello   show clock; ? | x")
    );
    session.keys("name\r");
    assert_eq!(session.keys("\r"), "\r\nhello \r\nlab# ", "an empty answer is one");
}

#[test]
fn a_secret_is_not_shown_and_not_kept() {
    let mut session = Session::new();
    assert_eq!(session.keys("password\r"), "password\r\nPassword: ");
    assert_eq!(session.keys("sesame\r"), "\r\nAgain: ");
    assert_eq!(session.keys("sesamw\x7fe\r"), "\r\nok\r\nlab# ");
    assert_eq!(session.world.log, ["sesame/sesame"]);
    assert_eq!(session.keys("\x10"), "\r\x1b[Klab# password");
    assert_eq!(session.keys("\x10"), "", "there is nothing older");
}

#[test]
fn lines_are_taken_up_to_the_last_word() {
    let mut session = Session::new();
    let asked = "Enter lines one at a time. Enter ENDOFBUF to finish.\r\n> ";
    assert_eq!(session.keys("chain\r"), format!("chain\r\n{asked}"));
    assert_eq!(session.keys("-----BEGIN; a|b?\r"), "-----BEGIN; a|b?\r\n> ");
    assert_eq!(session.keys("\r"), "\r\n> ");
    assert_eq!(session.keys("END\r\n  ENDOFBUF \r\n"), "END\r\n>   ENDOFBUF \r\nlab# ");
    assert_eq!(session.world.log, ["-----BEGIN; a|b?\n\nEND\n"]);
    session.keys("chain\rMII\r");
    assert_eq!(session.keys("\x03"), "^C\r\nlab# ");
    assert_eq!(session.world.log.len(), 1, "given up is not answered");
}

#[test]
fn lines_over_the_limit_are_read_to_their_end_and_refused() {
    let mut session = Session::new();
    session.keys("chain; show clock\r");
    let line = "x".repeat(1023);
    for _ in 0..ANSWER_MAX / 1024 {
        assert!(session.keys(format!("{line}\r")).ends_with("\r\n> "));
    }
    assert!(session.keys("show clock\r").ends_with("\r\n> "), "still lines of the answer");
    let refused = "ENDOFBUF\r\nError: Invalid Value, it is longer than 262144 bytes\r\nlab# ";
    assert_eq!(session.keys("ENDOFBUF\r"), refused);
    assert_eq!(session.world.log, Vec::<String>::new());
}

#[test]
fn a_question_waits_until_the_listing_before_it_was_seen() {
    let mut session = Session::sized(80, 5);
    assert!(session.keys("lecture\r").ends_with("line 4\r\n--More--"));
    assert!(session.keys(" ").ends_with("line 8\r\n--More--"));
    assert_eq!(session.keys(" "), "\r\x1b[Kline 9\r\nName: ");
    assert_eq!(session.keys("me\r"), "me\r\nhello me\r\nlab# ");
    session.keys("lecture\r");
    assert_eq!(session.keys("q"), "\r\x1b[KName: ");
}
