//! Each filter against what GNU's own tool prints for the same text, `LC_ALL=C`.

use super::*;
use crate::cli::lex::{self, Rules};

const RULES: Rules = Rules { operators: true, pipes: true };
const SAMPLE: &str = "b 10 x\na 9 y\na 9 y\nC  2 z\nno-blank\n";

#[allow(clippy::unwrap_in_result)]
fn read(pipes: &str) -> Result<Vec<Filter>, Refusal> {
    let line = format!("x | {pipes}");
    let cut = lex::cut(&line, RULES).unwrap();
    parse(&cut[0].pipes, &Name::ALL)
}

fn through(pipes: &str, text: &str) -> String {
    let mut pipeline = Pipeline::new(read(pipes).unwrap());
    let mut out = pipeline.push(text);
    out.push_str(&pipeline.finish());
    out
}

#[test]
fn filters_print_what_the_real_tools_print() {
    let table = [
        ("grep -n a", "2:a 9 y\n3:a 9 y\n5:no-blank\n"),
        ("grep -c a", "3\n"),
        ("grep -vi A", "b 10 x\nC  2 z\n"),
        ("egrep \"x|z\"", "b 10 x\nC  2 z\n"),
        ("eg -V \"x|z\"", "a 9 y\na 9 y\nno-blank\n"),
        ("grep \"x|z\"", ""),
        ("grep \"x\\|z\"", "b 10 x\nC  2 z\n"),
        ("grep -w 9", "a 9 y\na 9 y\n"),
        ("grep -x no-blank", "no-blank\n"),
        ("inc 10", "b 10 x\n"),
        ("include 9 y", "a 9 y\na 9 y\n"),
        ("exclude [ab]", "C  2 z\n"),
        ("begin C", "C  2 z\nno-blank\n"),
        ("end 9", "b 10 x\na 9 y\n"),
        ("count", "5\n"),
        ("sort", "C  2 z\na 9 y\na 9 y\nb 10 x\nno-blank\n"),
        ("sort -n -k 2", "no-blank\nC  2 z\na 9 y\na 9 y\nb 10 x\n"),
        ("sort -r", "no-blank\nb 10 x\na 9 y\na 9 y\nC  2 z\n"),
        ("sort -u", "C  2 z\na 9 y\nb 10 x\nno-blank\n"),
        ("sort -f", "a 9 y\na 9 y\nb 10 x\nC  2 z\nno-blank\n"),
        ("sort -t \" \" -k 2", "no-blank\nC  2 z\nb 10 x\na 9 y\na 9 y\n"),
        ("tr a-c A-C", "B 10 x\nA 9 y\nA 9 y\nC  2 z\nno-BlAnk\n"),
        ("tr -d \" \"", "b10x\na9y\na9y\nC2z\nno-blank\n"),
        ("tr -s \" \"", "b 10 x\na 9 y\na 9 y\nC 2 z\nno-blank\n"),
        ("tr \" \" \\n | count", "14\n"),
        ("tr \\n ,", "b 10 x,a 9 y,a 9 y,C  2 z,no-blank,\n"),
        ("tr -c \"a-z\\n\" .", "b....x\na...y\na...y\n.....z\nno.blank\n"),
        ("uniq -c", "      1 b 10 x\n      2 a 9 y\n      1 C  2 z\n      1 no-blank\n"),
        ("uniq -d", "a 9 y\n"),
        ("uniq -u", "b 10 x\nC  2 z\nno-blank\n"),
        ("wc", "      5      13      35\n"),
        ("wc -l", "5\n"),
        ("wc -lc", "      5      35\n"),
        ("cut -f 2 -d \" \"", "10\n9\n9\n\nno-blank\n"),
        ("cut -c 1-3", "b 1\na 9\na 9\nC  \nno-\n"),
        ("cut -d \" \" -f 2-", "10 x\n9 y\n9 y\n 2 z\nno-blank\n"),
        ("cut -s -d \" \" -f 1,3", "b x\na y\na y\nC 2\n"),
        ("head -n 2", "b 10 x\na 9 y\n"),
        ("head 1", "b 10 x\n"),
        ("last 2", "C  2 z\nno-blank\n"),
        ("no-more", SAMPLE),
        ("grep a | sort -r | head lines 1", "no-blank\n"),
    ];
    for (pipes, want) in table {
        assert_eq!(through(pipes, SAMPLE), want, "| {pipes}");
    }
}

#[test]
fn text_may_come_in_pieces() {
    for cut in 0..SAMPLE.len() {
        for pipes in ["include a", "uniq -c", "tr -s \" \"", "sort -n", "wc"] {
            let mut pipeline = Pipeline::new(read(pipes).unwrap());
            let mut out = pipeline.push(&SAMPLE[..cut]);
            out += &pipeline.push(&SAMPLE[cut..]);
            out += &pipeline.finish();
            assert_eq!(out, through(pipes, SAMPLE), "| {pipes}, cut at {cut}");
        }
    }
}

#[test]
fn what_is_not_a_filter_is_refused_at_its_caret() {
    // The pipe's first word stands at offset 4.
    let table = [
        ("bogus", Refusal::Invalid { at: 4 }),
        ("e x", Refusal::Ambiguous { at: 4 }),
        ("", Refusal::Incomplete { at: 4 }),
        ("include", Refusal::Incomplete { at: 11 }),
        ("include [a", Refusal::Invalid { at: 12 }),
        ("egrep a{1000}{1000}{1000}", Refusal::Invalid { at: 10 }),
        ("grep -q x", Refusal::Invalid { at: 9 }),
        ("count x", Refusal::Invalid { at: 10 }),
        ("head x", Refusal::Invalid { at: 9 }),
        ("cut -d \" \"", Refusal::Incomplete { at: 14 }),
        ("cut -f 0 -d x", Refusal::Invalid { at: 11 }),
        ("cut -f 3-1 -d x", Refusal::Invalid { at: 11 }),
        ("tr z-a b", Refusal::Invalid { at: 7 }),
        ("tr a", Refusal::Incomplete { at: 8 }),
        ("sort -k 0", Refusal::Invalid { at: 12 }),
    ];
    for (pipes, want) in table {
        assert_eq!(read(pipes).unwrap_err(), want, "| {pipes}");
    }
}

#[test]
fn the_last_pager_word_counts() {
    let pages = |pipes: &str| Pipeline::new(read(pipes).unwrap()).pages();
    assert_eq!(pages("count"), None);
    assert_eq!(pages("no-more"), Some(false));
    assert_eq!(pages("no-more | less"), Some(true));
}
