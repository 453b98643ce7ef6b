//! Lines wider than the screen: what stands on it is prompt and line, wherever the cursor is.

use super::screen::Screen;
use super::*;
use crate::base::rng::Rng;

/// A session whose output goes to a screen, from the prompt on.
fn on_screen(columns: u16, keys: &[&str]) -> Screen {
    let mut session = Session::sized(columns, 0);
    let mut screen = Screen::new(columns.into());
    screen.show("lab# ");
    for read in keys {
        screen.show(&session.keys(read));
    }
    screen
}

#[test]
fn a_long_line_wraps_and_redraws_in_place() {
    // A screen of ten columns, so that `lab# ` leaves five for the first row.
    let table: &[(&[&str], &str)] = &[
        (&["abcde"], "lab# abcde"),
        (&["abcdef"], "lab# abcde/f"),
        (&["abcdef", "\x7f"], "lab# abcde/"),
        (&["abcdef", "\x7f\x7f\x7f", "xyz"], "lab# abcxy/z"),
        (&["bcdefghijklmnopq", "\x01", "a"], "lab# abcde/fghijklmno/pq"),
        (&["abcdefghijklmnopq", "\x01", "\x0b"], "lab#"),
        (&["abcdefghijklmnopq", "\x1b[D\x1b[D\x1b[D", "-"], "lab# abcde/fghijklmn-/opq"),
        (&["abcde", "\x02", "x"], "lab# abcdx/e"),
        (&["abcdefghijklmno", "\x0c"], "lab# abcde/fghijklmno"),
        // A character of two columns does not part: the first row ends a column early.
        (&["日本語日", "\x01", "a"], "lab# a日日本本/語語日日"),
        (&["日本語日", "\x02\x02", "a"], "lab# 日日本本a/語語日日"),
    ];
    for (keys, want) in table {
        assert_eq!(on_screen(10, keys).text(), *want, "{keys:?}");
    }
}

#[test]
fn what_follows_a_long_line_stands_below_all_of_it() {
    for keys in [
        &["bogusbogusbogus", "\x01", "\r"] as &[&str],
        &["bogusbogusbogus", "\r"],
        &["bogusbogusbogus\x01\r"],
    ] {
        let shown = on_screen(10, keys).text();
        assert!(shown.starts_with("lab# bogus/bogusbogus/     ^/% Invalid"), "{keys:?}: {shown}");
    }
    let shown = on_screen(10, &["bogusbogusbogus", "\x01", "\x03"]).text();
    assert_eq!(shown, "lab# bogus/bogusbogus/^C/lab#");
}

#[test]
fn a_notice_takes_all_rows_of_the_line_away_and_brings_them_back() {
    let mut session = Session::sized(10, 0);
    let mut screen = Screen::new(10);
    screen.show("lab# ");
    screen.show(&session.keys("abcdefghij\x01"));
    screen.show(&session.notice("news"));
    assert_eq!(screen.text(), "news/lab# abcde/fghij");
    assert_eq!(screen.cell(), 10 + 5, "the cursor is back at the start");
}

#[test]
fn a_resize_counts_from_then_on() {
    let mut session = Session::sized(80, 0);
    session.keys("abcdefghij");
    session.terminal.resize(10, 0);
    // The screen has wrapped what stood on it, so the first row is one up.
    assert_eq!(session.keys("\x01"), "\x1b[1A\r\x1b[Jlab# abcdefghij\x1b[1A\r\x1b[5C");
}

#[test]
fn terminal_width_says_where_lines_wrap() {
    let mut session = Session::sized(10, 0);
    session.enter("terminal width 511");
    assert_eq!(
        session.keys("abcdefghij\x01x"),
        "abcdefghij\r\x1b[Klab# xabcdefghij".to_owned() + &"\x08".repeat(10)
    );
}

/// Any keys, in reads of any length, against a line that is a vector of characters.
#[test]
fn the_screen_always_shows_the_line() {
    for seed in 0..400 {
        let mut rng = Rng::from_seed(seed);
        let columns = 6 + rng.next_u64() % 9;
        let mut session = Session::sized(u16::try_from(columns).unwrap(), 0);
        let mut screen = Screen::new(usize::try_from(columns).unwrap());
        screen.show("lab# ");
        let (mut line, mut cursor) = (Vec::new(), 0_usize);
        for _ in 0..60 {
            let mut read = String::new();
            for _ in 0..=rng.next_u64() % 3 {
                read += press(&mut line, &mut cursor, rng.next_u64());
            }
            screen.show(&session.keys(&read));
            let text: String = "lab# ".chars().chain(line.iter().copied()).collect();
            let seen = screen.text().replace('/', "");
            assert_eq!(seen.trim_end(), text.trim_end(), "SEED={seed} after {read:?}");
            assert_eq!(screen.cell(), 5 + cursor, "SEED={seed} cursor after {read:?}");
        }
    }
}

/// Applies one key to the model; returns it.
fn press(line: &mut Vec<char>, cursor: &mut usize, draw: u64) -> &'static str {
    let at = *cursor;
    match draw % 16 {
        0 => {
            *cursor = 0;
            "\x01"
        }
        1 => {
            *cursor = line.len();
            "\x05"
        }
        2 => {
            *cursor = at.saturating_sub(1);
            "\x1b[D"
        }
        3 => {
            *cursor = (at + 1).min(line.len());
            "\x06"
        }
        4 | 5 if at > 0 => {
            line.remove(at - 1);
            *cursor = at - 1;
            "\x7f"
        }
        6 if at < line.len() => {
            line.remove(at);
            "\x1b[3~"
        }
        7 => {
            line.drain(..at);
            *cursor = 0;
            "\x15"
        }
        8 => {
            line.truncate(at);
            "\x0b"
        }
        n => {
            let (key, c) = if n % 2 == 0 { ("x", 'x') } else { ("-", '-') };
            line.insert(at, c);
            *cursor = at + 1;
            key
        }
    }
}
