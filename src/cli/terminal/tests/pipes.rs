//! Pipes and redirections behind a command; what each filter prints is `filter`'s own test.

use super::*;

#[test]
fn pipes_are_chained() {
    // What client scripts type, and what it prints here.
    let table = [
        ("show lines 12 | inc 1", "line 1\nline 10\nline 11\nline 12\n"),
        ("show lines 12 | include 1 | exclude 2", "line 1\nline 10\nline 11\n"),
        ("show lines 12 | begin 11", "line 11\nline 12\n"),
        ("show lines 12 | end 2", "line 1\nline 2\n"),
        ("show lines 12 | count", "12\n"),
        ("show lines 12 | grep -v 1 | head 2", "line 2\nline 3\n"),
        ("show lines 12 | eg -V \"default|1\" | cut -f 2 -d \" \" | last 1", "9\n"),
        ("show lines 12 | egrep \"0|2\" | sort -r", "line 2\nline 12\nline 10\n"),
        ("show lines 3 | tr a-z A-Z | no-more", "LINE 1\nLINE 2\nLINE 3\n"),
        ("show lines 3|wc -l", "3\n"),
        ("show lines 3 | cut -c 1-4 | uniq -c", "      3 line\n"),
        ("say \"a|b\" | include a", "\"a|b\"\n"),
        ("show lines 12 | grep ignore-case LINE | grep count 1", "4\n"),
        ("show lines 12 | grep invert-match word-exp 1 | count", "11\n"),
        ("show lines 12 | grep count", ""),
        ("show lines 3 | inc -i LINE | last 1", "line 3\n"),
        ("fail | count", "1\nError: no more\n"),
    ];
    for (line, want) in table {
        assert_eq!(Session::new().enter(line), format!("{want}lab# "), "{line}");
    }
}

#[test]
fn a_bad_pipe_is_refused_before_the_command_runs() {
    // The caret's column in the line, and the refusal.
    let table = [
        ("note x | bogus", 9, "% Invalid Command at '^' marker"),
        ("note x | c", 9, "% Ambiguous command at '^' marker"),
        ("note x |", 8, "% Incomplete Command at '^' marker"),
        ("note x | include", 16, "% Incomplete Command at '^' marker"),
        ("note x | include | count", 17, "% Incomplete Command at '^' marker"),
        ("note x | include; show clock", 16, "% Incomplete Command at '^' marker"),
        ("note x | include [", 17, "% Invalid Command at '^' marker"),
        ("note x | head x", 14, "% Invalid Command at '^' marker"),
        ("| count", 0, "% Invalid Command at '^' marker"),
        ("; | count", 2, "% Invalid Command at '^' marker"),
        // The command's own fault comes first.
        ("bogus | bogus", 0, "% Invalid Command at '^' marker"),
    ];
    for (line, column, want) in table {
        let mut session = Session::new();
        let caret = " ".repeat("lab# ".len() + column) + "^";
        assert_eq!(session.enter(line), format!("{caret}\n{want}\nlab# "), "{line}");
        assert_eq!(session.world.log, Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_redirection_is_refused_clearly_where_there_are_no_files() {
    for (line, column) in
        [("note x > workspace:///x", 7), ("note x | count >> x", 15), ("note x >", 7)]
    {
        let mut session = Session::new();
        let caret = " ".repeat("lab# ".len() + column) + "^";
        let text = "Error: Output cannot be redirected, this shell has no files; use a pipe";
        assert_eq!(session.enter(line), format!("{caret}\n{text}\nlab# "), "{line}");
        assert_eq!(session.world.log, Vec::<String>::new(), "{line}");
    }
    // Within a word it is a character.
    assert_eq!(Session::new().enter("say a>b"), "a>b\nlab# ");
}

#[test]
fn a_shell_with_files_takes_what_would_have_been_shown() {
    let mut session = Session::on(&FILING, Lab::default(), Role::Admin, (80, 4));
    assert_eq!(session.enter("show lines 9 | include 1 > workspace:///x"), "lab# ");
    assert_eq!(session.enter("say a >> \"b c\""), "lab# ");
    assert_eq!(session.world.log, [r#"workspace:///x false "line 1\n""#, r#"b c true "a\n""#]);
    let incomplete = "^\n% Incomplete Command at '^' marker\nlab# ";
    assert!(session.enter("show clock >").ends_with(incomplete));
    let invalid = "^\n% Invalid Command at '^' marker\nlab# ";
    assert!(session.enter("show clock > a b").ends_with(invalid));
    assert_eq!(session.enter("fail > x"), "half\nError: no more\nlab# ");
    assert_eq!(session.world.log.len(), 2);
}

#[test]
fn a_shell_without_pipes_has_bars_in_its_words() {
    let mut session = Session::new();
    session.enter("connect inner");
    assert_eq!(session.enter("show lines | include 9"), "line 9\ninner> ");
    let refused = session.enter("show lines | sort");
    assert_eq!(
        refused,
        "                    ^\nERROR: % Invalid input detected at '^' marker.\ninner> "
    );
    // `;`, `>` and quotes mean nothing to an ASA.
    session.enter_all(&["enable", "config"]);
    assert_eq!(session.enter("hostname a;b>\"c"), "inner/enable/config> ");
}
