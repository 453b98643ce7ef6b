//! Finding the one command that a line names, and what may come next in it.
//!
//! All candidates are walked together, a word at a time, each as a set of places in its notation.
//! A nearer candidate beats one that lies further out; among those equally near, a keyword typed in
//! full beats a prefix, and a prefix beats an argument. Nothing here knows what a command does.

use super::call::Args;
use super::grammar::Refusal;
use super::lex::Word;
use super::syntax::{self, Form, Step};

/// Most places in all notations at once; more are forgotten, the furthest out first.
const WALKS_MAX: usize = 4096;

/// A command that a line may name.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<T> {
    /// A keyword in front of `syntax`, with its help.
    pub verb: Option<(&'static str, &'static str)>,
    pub syntax: &'static str,
    pub help: &'static [&'static str],
    /// 0 is nearest.
    pub rank: u16,
    /// False if help and completion do not show it.
    pub shown: bool,
    pub target: T,
}

/// What may stand at a place of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Keywords and kinds of values, sorted, keywords without a duplicate.
    pub items: Vec<Item>,
    /// True if the line may end here.
    pub end: bool,
}

/// One line of help.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    pub word: String,
    pub help: &'static str,
    /// True if `word` can be typed as it stands.
    pub keyword: bool,
}

impl Item {
    /// Makes a line of help for what can be typed as it stands.
    pub fn keyword(word: impl Into<String>, help: &'static str) -> Item {
        Item { word: word.into(), help, keyword: true }
    }

    /// Makes a line of help for a kind of values.
    pub fn value(word: impl Into<String>, help: &'static str) -> Item {
        Item { word: word.into(), help, keyword: false }
    }
}

/// A place in one candidate's notation, and how it was reached.
#[derive(Clone)]
struct Walk {
    candidate: usize,
    at: usize,
    /// The optional groups used, one bit each.
    used: u32,
    taken: Vec<Taken>,
}

#[derive(Clone, Copy)]
enum Taken {
    Key(&'static str),
    Value(&'static str, usize),
    Rest(&'static str, usize),
}

/// Finds the command that `words` name; `line` is the whole text and `end` where the command ends.
///
/// # Errors
/// The refusal with its caret; [`Refusal::Invalid`] at 0 for no words at all.
pub fn find<'c, T>(
    candidates: &'c [Candidate<T>],
    words: &[Word<'_>],
    line: &str,
    end: usize,
) -> Result<(&'c Candidate<T>, Args), Refusal> {
    let forms = Forms::build(candidates, words.first());
    let walks = forms.walk(candidates, words)?;
    let complete = walks.iter().filter(|walk| forms.step(walk) == Some(&Step::End));
    let best = complete.min_by_key(|walk| candidates[walk.candidate].rank);
    let Some(walk) = best else {
        return Err(Refusal::Incomplete { at: incomplete_at(words, end) });
    };
    let mut args = Args::default();
    for taken in &walk.taken {
        match *taken {
            Taken::Key(word) => args.push_word(word),
            Taken::Value(name, i) => {
                args.push_value(name, words[i].text.to_string(), words[i].at);
            }
            Taken::Rest(name, i) => {
                let at = words[i].at;
                args.push_value(name, line[at..end.max(at)].trim_end().to_owned(), at);
            }
        }
    }
    Ok((&candidates[walk.candidate], args))
}

/// Returns what may follow `words`, as far as it begins with `prefix`, which stands at `at`.
///
/// # Errors
/// The refusal that the words alone would meet, or [`Refusal::Invalid`] if nothing begins so.
pub fn expect<T>(
    candidates: &[Candidate<T>],
    words: &[Word<'_>],
    prefix: &str,
    at: usize,
) -> Result<Expected, Refusal> {
    let forms = Forms::build(candidates, words.first());
    let walks = forms.walk(candidates, words)?;
    let (mut keywords, mut values, mut end) = (Vec::new(), Vec::new(), false);
    for walk in &walks {
        let candidate = &candidates[walk.candidate];
        let help = |word: usize| match (candidate.verb, word) {
            (Some((_, help)), 0) => help,
            (Some(_), n) => candidate.help.get(n - 1).copied().unwrap_or_default(),
            (None, n) => candidate.help.get(n).copied().unwrap_or_default(),
        };
        match forms.step(walk) {
            Some(Step::Key { text, word }) if text.starts_with(prefix) && candidate.shown => {
                keywords.push(Item::keyword(*text, help(*word)));
            }
            Some(Step::Arg { kind, word, .. }) => {
                let fits = prefix.is_empty() || kind.accepts(prefix);
                values.push((fits, Item::value(kind.help_word(), help(*word))));
            }
            Some(Step::Rest { word, .. }) => values.push((true, Item::value("LINE", help(*word)))),
            Some(Step::End) => end |= prefix.is_empty(),
            Some(Step::Key { .. } | Step::Split(_) | Step::Options { .. } | Step::Jump(_)) => {}
            None => {}
        }
    }
    // A value that is not complete yet fits no kind, so with nothing else each may be meant.
    let open = keywords.is_empty() && values.iter().all(|(fits, _)| !fits);
    let values = values.into_iter().filter(|(fits, _)| *fits || open).map(|(_, item)| item);
    let mut items: Vec<Item> = keywords.into_iter().chain(values).collect();
    items.sort_by(|a, b| (!a.keyword, &a.word).cmp(&(!b.keyword, &b.word)));
    items.dedup_by(|a, b| a.word == b.word && (a.keyword || a.help == b.help));
    if items.is_empty() && !end {
        let word = Word { at, end: at + prefix.len(), text: prefix.into(), quoted: false };
        return Err(Refusal::Invalid { at: at + forms.known(&walks, &word) });
    }
    Ok(Expected { items, end })
}

/// One column behind the last word, where the next would begin.
fn incomplete_at(words: &[Word<'_>], end: usize) -> usize {
    words.last().map_or(0, |word| (word.end + 1).min(end.max(word.end)))
}

/// The notations of the candidates that the first word allows.
struct Forms(Vec<Option<Form>>);

impl Forms {
    fn build<T>(candidates: &[Candidate<T>], first: Option<&Word<'_>>) -> Forms {
        let build = |candidate: &Candidate<T>| {
            let keyword = candidate.verb.map_or(candidate.syntax, |(verb, _)| verb);
            // Cheap and exact for a leading keyword; an argument or a group in front stays in.
            let leads = keyword.starts_with(|c: char| c.is_ascii_lowercase());
            if leads && first.is_some_and(|word| !keyword.starts_with(word.text.as_ref())) {
                return None;
            }
            syntax::parse_after(candidate.verb.map(|(verb, _)| verb), candidate.syntax).ok()
        };
        Forms(candidates.iter().map(build).collect())
    }

    fn step(&self, walk: &Walk) -> Option<&Step> {
        self.0.get(walk.candidate)?.as_ref()?.steps.get(walk.at)
    }

    fn walk<T>(
        &self,
        candidates: &[Candidate<T>],
        words: &[Word<'_>],
    ) -> Result<Vec<Walk>, Refusal> {
        let mut walks = self.begin();
        for (index, word) in words.iter().enumerate() {
            let next = self.advance(candidates, &walks, index, word)?;
            if next.is_empty() {
                // What the first word ruled out was not built, and may still begin like it.
                let known = if index == 0 {
                    let all = Forms::build(candidates, None);
                    all.known(&all.begin(), word)
                } else {
                    self.known(&walks, word)
                };
                return Err(Refusal::Invalid { at: word.at + known });
            }
            walks = next;
        }
        Ok(walks)
    }

    fn begin(&self) -> Vec<Walk> {
        let mut walks = Vec::new();
        for (candidate, form) in self.0.iter().enumerate() {
            if form.is_some() {
                let start = Walk { candidate, at: 0, used: 0, taken: Vec::new() };
                self.close(start, &mut walks);
            }
        }
        walks
    }

    /// Follows what needs no word, until each walk stands before a word or at the end.
    fn close(&self, start: Walk, into: &mut Vec<Walk>) {
        let mut rest = vec![start];
        let first = into.len();
        while let Some(walk) = rest.pop() {
            let mut go = |at: usize, used: u32| {
                rest.push(Walk { candidate: walk.candidate, at, used, taken: walk.taken.clone() });
            };
            match self.step(&walk) {
                Some(Step::Jump(at)) => go(*at, walk.used),
                Some(Step::Split(starts)) => starts.iter().rev().for_each(|at| go(*at, walk.used)),
                Some(Step::Options { groups, behind }) => {
                    go(*behind, walk.used);
                    for (group, at) in groups.iter().rev() {
                        if walk.used & 1 << group == 0 {
                            go(*at, walk.used | 1 << group);
                        }
                    }
                }
                Some(Step::Key { .. } | Step::Arg { .. } | Step::Rest { .. } | Step::End) => {
                    let known =
                        into[first..].iter().any(|w| w.at == walk.at && w.used == walk.used);
                    if !known && into.len() < WALKS_MAX {
                        into.push(walk);
                    }
                }
                None => {}
            }
        }
    }

    fn advance<T>(
        &self,
        candidates: &[Candidate<T>],
        walks: &[Walk],
        index: usize,
        word: &Word<'_>,
    ) -> Result<Vec<Walk>, Refusal> {
        let keyword = self.keyword(candidates, walks, word)?;
        let mut next = Vec::new();
        for walk in walks {
            let (at, taken) = match (self.step(walk), keyword) {
                (Some(Step::Key { text, .. }), Some(key)) if *text == key => {
                    (walk.at + 1, Taken::Key(text))
                }
                (Some(Step::Arg { name, kind, empty, .. }), None)
                    if kind.accepts(&word.text) || *empty && word.text.is_empty() =>
                {
                    (walk.at + 1, Taken::Value(name, index))
                }
                (Some(Step::Rest { name, .. }), None) => (walk.at, Taken::Rest(name, index)),
                _ => continue,
            };
            let mut walk = Walk { at, ..walk.clone() };
            match (taken, walk.taken.last()) {
                // The rest of a line is taken once, at its first word.
                (Taken::Rest(..), Some(Taken::Rest(..))) => {}
                _ => walk.taken.push(taken),
            }
            if let Taken::Rest(..) = taken {
                let behind = Walk { at: at + 1, ..walk.clone() };
                next.push(walk);
                self.close(behind, &mut next);
            } else {
                self.close(walk, &mut next);
            }
        }
        Ok(next)
    }

    /// Returns how much of a refused word still began a keyword: the caret stands behind that.
    ///
    /// # Source
    /// Published sessions: a Nexus marks the `e` of `set outer ipv4 dest_ip`, which should have been
    /// `dst_ip`; an FWSM, whose words the ASA has, the `d` of `show conduit` beside `show conn`.
    fn known(&self, walks: &[Walk], word: &Word<'_>) -> usize {
        let keys = walks.iter().filter_map(|walk| match self.step(walk) {
            Some(Step::Key { text, .. }) if !word.quoted => Some(text),
            _ => None,
        });
        let shared = |key: &&str| {
            key.bytes().zip(word.text.bytes()).take_while(|(known, typed)| known == typed).count()
        };
        keys.map(shared).max().unwrap_or(0)
    }

    /// Returns the one keyword that `word` stands for here; `None` if it is an argument or nothing.
    fn keyword<T>(
        &self,
        candidates: &[Candidate<T>],
        walks: &[Walk],
        word: &Word<'_>,
    ) -> Result<Option<&'static str>, Refusal> {
        let typed = word.text.as_ref();
        let (mut best, mut found, mut several) = ((u16::MAX, Fit::Argument), None, false);
        for walk in walks {
            let (fit, text) = match self.step(walk) {
                Some(Step::Key { text, .. }) if word.quoted || !text.starts_with(typed) => continue,
                Some(Step::Key { text, .. }) if *text == typed => (Fit::Keyword, Some(*text)),
                Some(Step::Key { text, .. }) => (Fit::Prefix, Some(*text)),
                Some(Step::Arg { kind, .. }) if kind.accepts(typed) => (Fit::Argument, None),
                Some(Step::Rest { .. }) => (Fit::Argument, None),
                _ => continue,
            };
            let this = (candidates[walk.candidate].rank, fit);
            if this < best {
                (best, found, several) = (this, text, false);
            } else if this == best {
                several |= found != text;
            }
        }
        if several { Err(Refusal::Ambiguous { at: word.at }) } else { Ok(found) }
    }
}

/// How well a word fits a step, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Keyword,
    Prefix,
    Argument,
}
