//! `?` and Tab.

use super::*;

/// Types keys at `lab# ` of a session; returns what the screen gets behind their echo.
fn helped(keys: &str) -> String {
    let shown = Session::new().keys(keys);
    let echo = keys.trim_end_matches('\t');
    shown.strip_prefix(echo).unwrap_or(&shown).replace("\r\n", "\n")
}

#[test]
fn a_question_mark_lists_what_may_come_next() {
    let table = [
        ("show ?", "  clock   Clock\n  clones  Clones\n  lines   Lines\n", "show "),
        ("show clo?", "  clock   Clock\n  clones  Clones\n", "show clo"),
        ("show clock ?", "  |     Pipe command output to filter\n  <cr>\n", "show clock "),
        ("show clock?", "  clock  Clock\n", "show clock"),
        ("show lines ?", "  <1-9999>  Number\n", "show lines "),
        ("show lines 1?", "  <1-9999>  Number\n", "show lines 1"),
        // What is not complete yet fits no kind; the kinds are shown all the same.
        ("address ipv4 192.?", "  A.B.C.D  Four\n", "address ipv4 192."),
        ("address ?", "  ipv4  Of four\n  ipv6  Of six\n", "address "),
        (
            "address ipv6 ::1 name x ?",
            "  port  Port\n  |     Pipe command output to filter\n  <cr>\n",
            "address ipv6 ::1 name x ",
        ),
        ("say ?", "  LINE  Text\n", "say "),
        ("te?", "  terminal  Terminal\n", "te"),
        ("scope e?", "  eth-uplink  Uplink\n", "scope e"),
        ("scope server ?", "  WORD  Name\n", "scope server "),
        // A command that is not shown is not listed, though it is known.
        ("sec?", "        ^\n% Invalid Command at '^' marker\n", "sec"),
        // What is wrong so far is refused as if it had been entered.
        ("show bogus ?", "          ^\n% Invalid Command at '^' marker\n", "show bogus "),
        ("show clx?", "            ^\n% Invalid Command at '^' marker\n", "show clx"),
        ("sh clo ?", "        ^\n% Ambiguous command at '^' marker\n", "sh clo "),
        // Behind `;` a command begins.
        ("show clock; te?", "  terminal  Terminal\n", "show clock; te"),
        ("show clock;te?", "  terminal  Terminal\n", "show clock;te"),
    ];
    for (keys, list, again) in table {
        let want = format!("\n{list}lab# {again}");
        let got = helped(keys);
        assert_eq!(got, want, "{keys}");
    }
}

#[test]
fn at_the_prompt_everything_known_is_listed() {
    let list = helped("?");
    let words: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let words: Vec<&str> = words.iter().filter_map(|line| line.split(' ').next()).collect();
    let want = [
        "address", "chain", "connect", "enter", "exit", "fail", "host", "lecture", "name", "note",
        "password", "ping", "say", "scope", "show", "terminal", "top", "up",
    ];
    assert_eq!(words, want, "sorted, without what is hidden");
    assert!(list.contains("\n  scope     Changes the current mode\n"), "in columns");
}

#[test]
fn pipes_are_listed_too() {
    let table = [
        (
            "show clock | e?",
            "  egrep    Egrep - print lines matching a pattern\n  end      End with the line that matches\n  exclude  Exclude lines that match\n",
        ),
        ("show clock | count ?", "  |     Pipe command output to filter\n  <cr>\n"),
        (
            "show clock | head ?",
            "  -n              Number of lines\n  <1-2147483647>  Number of lines\n  |               Pipe command output to filter\n  <cr>\n",
        ),
        (
            "show clock | include ?",
            "  -i    Ignore case difference when comparing strings\n  -x    Print only lines where the match is a whole line\n  WORD  Search for the expression\n",
        ),
        ("show clock | bogus ?", "                  ^\n% Invalid Command at '^' marker\n"),
        (
            "show clock > ?",
            "                ^\nError: Output cannot be redirected, this shell has no files; use a pipe\n",
        ),
    ];
    for (keys, list) in table {
        let got = helped(keys);
        let (_, got) = got.split_once('\n').unwrap();
        let (got, _) = got.rsplit_once("lab# ").unwrap();
        assert_eq!(got, list, "{keys}");
    }
    let names = helped("show clock | ?");
    assert_eq!(names.matches("\n  ").count(), 16, "{names}");
    let mut session = Session::on(&FILING, Lab::default(), Role::Admin, (0, 0));
    let shown = session.keys("show clock ?");
    assert!(
        shown.contains(
            "\r\n  >     Redirect it to a file\r\n  >>    Redirect it to a file in append"
        )
    );
    assert!(session.keys("> ?").contains("\r\n  WORD  File name\r\n"));
}

#[test]
fn in_an_open_quote_a_question_mark_is_a_character() {
    let mut session = Session::new();
    session.keys("note \"why?\"\r");
    session.keys("note a\x16?b\r");
    assert_eq!(session.world.log, ["why?", "a?b"]);
}

#[test]
fn tab_completes_lists_or_does_nothing() {
    // What is typed, and what stands on the line then; `None` if there is a list.
    let table = [
        ("sh\t", Some("show ")),
        ("show\t", Some("show ")),
        ("show li\t", Some("show lines ")),
        ("show clock;sho\t", Some("show clock;show ")),
        ("show clock | inc\t", Some("show clock | include ")),
        ("scope sys\t", Some("scope system ")),
        ("show clo\t", None),
        ("show \t", None),
        ("bogus\t", Some("bogus\x07")),
        ("show lines \t", Some("show lines \x07")),
        ("show clock \t", Some("show clock \x07")),
        ("note \"sh\t", Some("note \"sh\x07")),
        ("bogus \t", Some("bogus \x07")),
    ];
    for (keys, want) in table {
        let shown = Session::new().keys(keys);
        match want {
            Some(line) => assert_eq!(shown, line, "{keys:?}"),
            None => assert!(shown.contains("\r\n  clock   Clock\r\n"), "{keys:?}: {shown:?}"),
        }
    }
    // In the middle of a line the word before the cursor is completed.
    let mut session = Session::new();
    session.keys("sh clock\x01\x06\x06");
    assert_eq!(session.keys("\t"), "\r\x1b[Klab# show  clock\x08\x08\x08\x08\x08\x08");
}

#[test]
fn the_cursor_stays_where_it_was() {
    let mut session = Session::new();
    session.keys("show clock\x01\x06\x06\x06\x06\x06");
    let shown = session.keys("?");
    assert!(shown.contains("lines   Lines\r\n"), "{shown}");
    assert!(shown.ends_with("lab# show clock\x08\x08\x08\x08\x08"), "{shown:?}");
}

#[test]
fn each_dialect_has_its_own_layout() {
    let mut session = Session::new();
    session.enter("connect inner");
    let shown = session.keys("show clock ?");
    assert!(shown.contains("\r\n  |     Output modifiers\r\n  <cr>\r\n"), "{shown:?}");
    // A Nexus has `<CR>` above the words.
    static NEXUS: Shell<Lab> = Shell { dialect: &dialect::FXOS, ..LAB };
    let mut session = Session::on(&NEXUS, Lab::default(), Role::Admin, (0, 0));
    let shown = session.keys("address ipv6 ::1 name x ?");
    let list = "\r\n  <CR>\r\n  port  Port\r\n  |     Pipe command output to filter\r\n";
    assert!(shown.contains(list), "{shown:?}");
}

#[test]
fn a_paste_of_question_marks_is_not_answered_without_end() {
    let shown = Session::new().keys("?".repeat(AHEAD_MAX));
    assert!(shown.len() < 2 * FLOOD_MAX, "{}", shown.len());
}
