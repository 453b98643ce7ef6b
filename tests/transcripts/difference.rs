//! Two texts side by side: the lines that differ, and a few around them.

/// Lines around a difference that are shown with it.
const AROUND: usize = 2;

/// Lists the lines that only one of two texts has: `-` what should be, `+` what is. Blanks at the
/// end of such a line are shown as `·`.
pub fn between(want: &str, got: &str) -> String {
    let want: Vec<&str> = want.split('\n').collect();
    let got: Vec<&str> = got.split('\n').collect();
    let marked = marked(&want, &got);
    let differs = |at: usize| marked.get(at).is_some_and(|(mark, _)| *mark != ' ');
    let mut text = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in marked.iter().enumerate() {
        if (at.saturating_sub(AROUND)..=at + AROUND).any(differs) {
            if std::mem::take(&mut skipped) {
                text.push_str(" ...\n");
            }
            text.push(*mark);
            text.push_str(&if *mark == ' ' { (*line).to_owned() } else { visible(line) });
            text.push('\n');
        } else {
            skipped = true;
        }
    }
    text
}

/// Every line of both texts, in order, with its mark; what both have stands once.
fn marked<'a>(want: &[&'a str], got: &[&'a str]) -> Vec<(char, &'a str)> {
    // Length of the longest common part of what follows each pair of places.
    let mut common = vec![vec![0_u32; got.len() + 1]; want.len() + 1];
    for w in (0..want.len()).rev() {
        for g in (0..got.len()).rev() {
            common[w][g] = if want[w] == got[g] {
                common[w + 1][g + 1] + 1
            } else {
                common[w + 1][g].max(common[w][g + 1])
            };
        }
    }
    let (mut w, mut g, mut lines) = (0, 0, Vec::new());
    while w < want.len() || g < got.len() {
        if w < want.len() && g < got.len() && want[w] == got[g] {
            lines.push((' ', want[w]));
            (w, g) = (w + 1, g + 1);
        } else if w < want.len() && (g == got.len() || common[w + 1][g] >= common[w][g + 1]) {
            lines.push(('-', want[w]));
            w += 1;
        } else {
            lines.push(('+', got[g]));
            g += 1;
        }
    }
    lines
}

fn visible(line: &str) -> String {
    let kept = line.trim_end_matches(' ');
    kept.to_owned() + &"·".repeat(line.len() - kept.len())
}

#[test]
fn a_difference_is_shown_with_what_stands_around_it() {
    let want = "1\n2\n3\n4\n5\n6\n7\nend\n";
    let got = "1\n2\n3\n4\nfive \n6\n7\nend\n";
    assert_eq!(between(want, got), " ...\n 3\n 4\n-5\n+five·\n 6\n 7\n");
    assert_eq!(between("a\nb\n", "b\n"), "-a\n b\n \n");
    assert_eq!(between("a\n", "a"), " a\n-\n", "a line end at the end is one too");
    assert_eq!(between(want, want), "");
}
