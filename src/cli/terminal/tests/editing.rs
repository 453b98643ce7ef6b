//! The keys of the line editor, each by the line that Enter then gives.

use crate::cli::edit::{Edit, HISTORY_MAX, Key, LINE_MAX};

/// Types keys into an editor; returns what the last did and what was shown.
fn typed(edit: &mut Edit, keys: &[u8]) -> (Key, String) {
    let (mut screen, mut last) = (Vec::new(), Key::Edited);
    for key in keys {
        last = edit.key(*key, &mut screen);
    }
    (last, String::from_utf8(screen).unwrap())
}

/// Returns the line that keys and Enter make.
fn line(keys: &[u8]) -> String {
    let mut edit = Edit::default();
    edit.begin("# ", false, false);
    entered(&mut edit, keys)
}

fn entered(edit: &mut Edit, keys: &[u8]) -> String {
    let keys = [keys, b"\r"].concat();
    let (key, _) = typed(edit, &keys);
    let Key::Line(line) = key else { panic!("{keys:?} gave {key:?}") };
    line
}

#[test]
fn every_key_edits_the_line() {
    let table: &[(&[u8], &str)] = &[
        (b"show clock", "show clock"),
        (b"how\x01s", "show"),                           // Ctrl-A: to the start
        (b"ow\x01sh\x05 clock", "show clock"),           // Ctrl-E: to the end
        (b"shw\x02o", "show"),                           // Ctrl-B: back
        (b"sw\x01\x06ho", "show"),                       // Ctrl-F: forth
        (b"showx\x02\x04", "show"),                      // Ctrl-D: delete under the cursor
        (b"show\x04", "show"),                           // Ctrl-D at the end deletes nothing
        (b"show clock\x01\x06\x06\x06\x06\x0b", "show"), // Ctrl-K: to the end
        (b"bogus\x15show", "show"),                      // Ctrl-U: to the start
        (b"no show\x02\x02\x02\x02\x15", "show"),        // Ctrl-U keeps what stands behind
        (b"show  bogus  \x17clock", "show  clock"),      // Ctrl-W: a word and the blanks behind it
        (b"one\x17\x17two", "two"),                      // Ctrl-W at the start does nothing
        (b"sho\x7f\x7f\x7fshow", "show"),                // Backspace as DEL
        (b"shoo\x08w", "show"),                          // Backspace as BS
        (b"sxhow\x02\x02\x02\x7f", "show"),              // within the line
        (b"\x7f\x08show", "show"),                       // nothing to delete
        (b"sh\x0cow", "show"),                           // Ctrl-L: draw again
        (b"sh\x12ow", "show"),                           // Ctrl-R: draw again
        (b"a\x16?b", "a?b"),                             // Ctrl-V: the key itself
        (b"a\x16\tb", "a\tb"),
        (b"a\x16\x7f\x7fb", "b"),  // but Enter stays Enter
        (b"\x01\x0bshow", "show"), // what unicon sends to clear a line
        (b"ab\x00c\x18", "abc"),   // keys without a meaning
    ];
    for (keys, want) in table {
        assert_eq!(line(keys), *want, "{:?}", String::from_utf8_lossy(keys));
    }
}

#[test]
fn sequences_of_keys_are_read_whole() {
    let table: &[(&[u8], &str)] = &[
        (b"shw\x1b[Do", "show"),                // Left
        (b"shw\x1bODo", "show"),                // Left of a keypad in application mode
        (b"hw\x1b[D\x1b[D\x1b[Cox\x7f", "how"), // Right
        (b"how\x1b[Hs", "show"),                // Home
        (b"how\x1b[1~s", "show"),               // Home of a VT220
        (b"how\x1b[7~s", "show"),               // Home of an rxvt
        (b"how\x1bOHs", "show"),
        (b"ow\x1b[Hsh\x1b[F!", "show!"), // End
        (b"ow\x1b[Hsh\x1b[4~!", "show!"),
        (b"ow\x1b[Hsh\x1b[8~!", "show!"),
        (b"showx\x1b[D\x1b[3~", "show"),     // Delete
        (b"show\x1b[3~", "show"),            // Delete at the end
        (b"\x1b[3~show", "show"),            // Delete on nothing
        (b"show\x1b[1;5Dx", "shoxw"),        // Ctrl-Left: its modifier changes nothing
        (b"show\x1b[11~", "show"),           // F1 is not Home
        (b"show\x1b[24~", "show"),           // F12
        (b"\x1b[200~show\x1b[201~", "show"), // a bracketed paste
        (b"show\x1b[?1;2c", "show"),         // a terminal that answers who it is
        (b"show\x1bb", "show"),              // Alt-B
        (b"show\x1b", "show"),               // a stray ESC, and Enter is still Enter
        (b"show\x1b[", "show"),
        (b"show\x1b[99999999999999999999~", "show"),
        (b"show\x1b\x1b[Dx", "shoxw"), // ESC twice
        ("sh\x1bé".as_bytes(), "shé"),
    ];
    for (keys, want) in table {
        assert_eq!(line(keys), *want, "{:?}", String::from_utf8_lossy(keys));
    }
}

#[test]
fn characters_of_several_bytes_are_one() {
    let table: &[(&[u8], &str)] = &[
        ("größe".as_bytes(), "größe"),
        ("日本\x7f語".as_bytes(), "日語"),
        ("né\x02\x04e".as_bytes(), "ne"),
        ("😀a\x01\x04".as_bytes(), "a"),
        (b"a\xffb", "ab"),              // no UTF-8 at all
        (b"a\xc3b", "ab"),              // half a character
        (b"a\xe2\x82\xc3\xa9b", "aéb"), // half a character before a whole one
        (b"a\xc2\x85b", "ab"),          // a control character of Latin-1
        (b"a\xed\xa0\x80b", "ab"),      // a surrogate
        (b"a\xf4\x90\x80\x80b", "ab"),  // beyond Unicode
        (b"a\xc0\xafb", "ab"),          // an overlong slash
    ];
    for (keys, want) in table {
        assert_eq!(line(keys), *want, "{keys:?}");
    }
}

#[test]
fn keys_that_are_not_editing_are_told_apart() {
    let table: &[(&[u8], Key)] = &[
        (b"abc\x03", Key::Interrupt),
        (b"\x04", Key::End),
        (b"a\x7f\x04", Key::End),
        (b"a\x04", Key::Edited),
        (b"sh?", Key::Help),
        (b"sh\t", Key::Tab),
        (b"\n", Key::Line(String::new())),
        (b"a\x16\r", Key::Line("a".into())),
    ];
    for (keys, want) in table {
        let mut edit = Edit::default();
        edit.begin("# ", false, false);
        assert_eq!(typed(&mut edit, keys).0, *want, "{keys:?}");
    }
}

#[test]
fn in_an_answer_question_marks_and_tabs_are_characters() {
    let mut edit = Edit::default();
    edit.begin("Name: ", false, true);
    assert_eq!(entered(&mut edit, b"why?\tso"), "why?\tso");
}

#[test]
fn a_secret_is_edited_and_never_shown() {
    let mut edit = Edit::default();
    edit.begin("Password: ", true, true);
    let (key, shown) = typed(&mut edit, b"wrongx\x02\x7f\x01\x0b\x0c\x1b[Asecrex\x7ft\r");
    assert_eq!((key, shown.as_str()), (Key::Line("secret".into()), "\r\x1b[KPassword: \r\n"));
    edit.begin("Password: ", true, true);
    let (_, shown) = typed(&mut edit, b"secret\x12");
    assert!(!shown.contains('s'), "{shown:?}");
}

#[test]
fn the_history_goes_up_and_down_and_keeps_what_was_typed() {
    let up = b"\x10";
    let mut edit = Edit::default();
    for line in ["one", "two", "two", "", "  ", "three"] {
        edit.remember(line);
    }
    edit.begin("# ", false, false);
    let table: &[(&[u8], &str)] = &[
        (b"\x10", "three"),
        (b"\x1b[A\x1b[A", "two"), // a line twice is one, a blank one is none
        (b"\x10\x10\x10\x10\x10", "one"), // there is nothing above the oldest
        (b"\x10\x10\x0e", "three"),
        (b"draft\x10\x10\x1b[B\x1b[B", "draft"), // below the newest is what was typed
        (b"draft\x0e", "draft"),
        (b"\x10\x7f\x7f", "thr"),         // a line called back can be edited
        (b"\x10\x10\x0b\x0e\x10", "two"), // and the history is not
    ];
    for (keys, want) in table {
        assert_eq!(entered(&mut edit, keys), *want, "{keys:?}");
    }

    for n in 0..HISTORY_MAX {
        edit.remember(&n.to_string());
    }
    assert_eq!(entered(&mut edit, &up.repeat(2 * HISTORY_MAX)), "0", "the oldest went");

    // Not where an answer is typed.
    for secret in [false, true] {
        edit.begin("Name: ", secret, true);
        assert_eq!(entered(&mut edit, b"me\x10\x1b[A\x0e"), "me");
    }
}

#[test]
fn a_line_over_the_limit_is_taken_to_its_end_and_said_to_be_too_long() {
    let mut edit = Edit::default();
    edit.begin("# ", false, false);
    let full = vec![b'x'; LINE_MAX];
    assert_eq!(entered(&mut edit, &full).len(), LINE_MAX);
    let (key, shown) = typed(&mut edit, &[full.as_slice(), b"yyy\r"].concat());
    assert_eq!(key, Key::TooLong);
    assert_eq!(shown.matches('\x07').count(), 1, "one bell is enough");
    assert_eq!(entered(&mut edit, b"next"), "next");
    // Cleared by Ctrl-U, as kick does behind a bell, it is no longer too long.
    assert_eq!(entered(&mut edit, &[full.as_slice(), b"yyy\x15top"].concat()), "top");
}

#[test]
fn a_key_that_changes_nothing_draws_nothing() {
    for key in
        [b"\x01" as &[u8], b"\x02", b"\x05", b"\x06", b"\x0b", b"\x0e", b"\x10", b"\x15", b"\x17"]
    {
        let mut edit = Edit::default();
        edit.begin("# ", false, false);
        let mut screen = Vec::new();
        edit.key(key[0], &mut screen);
        edit.refresh(&mut screen);
        assert_eq!(screen, b"", "{key:?}");
    }
}

#[test]
fn a_paste_into_the_middle_is_drawn_once() {
    let mut edit = Edit::default();
    edit.begin("# ", false, false);
    let (_, echo) = typed(&mut edit, b"ad");
    assert_eq!(echo, "ad");
    let mut screen = Vec::new();
    for key in b"\x02bc" {
        edit.key(*key, &mut screen);
    }
    edit.refresh(&mut screen);
    assert_eq!(screen, b"\r\x1b[K# abcd\x08");
}
