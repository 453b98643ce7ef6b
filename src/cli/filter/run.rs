//! Text through a chain of filters, line by line.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::{Cut, Filter, HELD_MAX, Match, Sort, Tr, Uniq, Wc};

/// The filters of one command, with what each holds back.
#[derive(Debug)]
pub struct Pipeline {
    stages: Vec<Stage>,
    /// A line whose end has not come yet.
    partial: String,
}

/// One filter at work.
#[derive(Debug)]
struct Stage {
    filter: Filter,
    /// Lines seen; what it means is the filter's affair.
    seen: usize,
    words: usize,
    bytes: usize,
    /// True once `begin` has met its line, `end` its last.
    met: bool,
    held: VecDeque<String>,
    held_bytes: usize,
}

impl Pipeline {
    /// Makes a chain; an empty one passes everything.
    pub fn new(filters: Vec<Filter>) -> Pipeline {
        Pipeline { stages: filters.into_iter().map(Stage::new).collect(), partial: String::new() }
    }

    /// Returns true if nothing stands between the command and the screen.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Returns whether the pipes turn the pager on (`less`) or off (`no-more`).
    pub fn pages(&self) -> Option<bool> {
        self.stages.iter().rev().find_map(|stage| match stage.filter {
            Filter::Less => Some(true),
            Filter::NoMore => Some(false),
            Filter::Match(_)
            | Filter::Begin(_)
            | Filter::End(_)
            | Filter::Count
            | Filter::Head(_)
            | Filter::Last(_)
            | Filter::Sort(_)
            | Filter::Tr(_)
            | Filter::Uniq(_)
            | Filter::Wc(_)
            | Filter::Cut(_) => None,
        })
    }

    /// Takes text and returns what comes out at the other end so far.
    pub fn push(&mut self, text: &str) -> String {
        if self.stages.is_empty() {
            return text.to_owned();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((line, behind)) = rest.split_once('\n') {
            rest = behind;
            if self.partial.is_empty() {
                pass(&mut self.stages, line, &mut out);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.push_str(line);
                pass(&mut self.stages, &whole, &mut out);
            }
        }
        if self.partial.len() + rest.len() <= HELD_MAX {
            self.partial.push_str(rest);
        }
        out
    }

    /// Returns what was held back: the input has ended.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            pass(&mut self.stages, &line, &mut out);
        }
        for index in 0..self.stages.len() {
            let (stage, behind) = self.stages[index..].split_first_mut().expect("index < len");
            for line in stage.end() {
                pass(behind, &line, &mut out);
            }
        }
        out
    }
}

/// Sends one line through the stages.
fn pass(stages: &mut [Stage], line: &str, out: &mut String) {
    let Some((stage, behind)) = stages.split_first_mut() else {
        out.push_str(line);
        out.push('\n');
        return;
    };
    stage.line(line, &mut |line| pass(behind, line, out));
}

impl Stage {
    fn new(filter: Filter) -> Stage {
        let held = VecDeque::new();
        Stage { filter, seen: 0, words: 0, bytes: 0, met: false, held, held_bytes: 0 }
    }

    /// Takes one line and passes on what is due.
    fn line(&mut self, line: &str, next: &mut dyn FnMut(&str)) {
        self.seen += 1;
        match &self.filter {
            Filter::Match(Match { pattern, invert, count, number }) => {
                if pattern.matches(line) != *invert {
                    self.words += 1;
                    match (*count, *number) {
                        (true, _) => {}
                        (false, true) => next(&format!("{}:{line}", self.seen)),
                        (false, false) => next(line),
                    }
                }
            }
            Filter::Begin(pattern) => {
                self.met = self.met || pattern.matches(line);
                if self.met {
                    next(line);
                }
            }
            Filter::End(pattern) => {
                if !self.met {
                    self.met = pattern.matches(line);
                    next(line);
                }
            }
            Filter::Head(lines) => {
                if self.seen <= *lines {
                    next(line);
                }
            }
            Filter::Less | Filter::NoMore => next(line),
            Filter::Cut(cut) => {
                if let Some(part) = cut.of(line) {
                    next(&part);
                }
            }
            Filter::Tr(_) => self.translate(line, next),
            Filter::Uniq(uniq) => {
                let uniq = *uniq;
                self.unique(uniq, line, next);
            }
            Filter::Count => {}
            Filter::Wc(_) => {
                self.words += line.split_ascii_whitespace().count();
                self.bytes += line.len() + 1;
            }
            Filter::Last(lines) => {
                let lines = *lines;
                self.hold(line);
                while self.held.len() > lines {
                    let gone = self.held.pop_front();
                    self.held_bytes -= gone.map_or(0, |line| line.len() + 1);
                }
            }
            Filter::Sort(_) => self.hold(line),
        }
    }

    fn hold(&mut self, line: &str) {
        if self.held_bytes + line.len() < HELD_MAX {
            self.held_bytes += line.len() + 1;
            self.held.push_back(line.to_owned());
        }
    }

    /// Returns what is due once the last line was taken.
    fn end(&mut self) -> Vec<String> {
        let mut held = Vec::from(std::mem::take(&mut self.held));
        match &self.filter {
            Filter::Match(Match { count: true, .. }) => vec![self.words.to_string()],
            Filter::Count => vec![self.seen.to_string()],
            Filter::Wc(wc) => vec![wc.line(self.seen, self.words, self.bytes)],
            Filter::Sort(sort) => {
                sort.apply(&mut held);
                held
            }
            Filter::Uniq(uniq) => {
                let (uniq, last) = (*uniq, held.pop());
                last.and_then(|line| uniq.shown(line, self.words)).into_iter().collect()
            }
            Filter::Tr(_) | Filter::Last(_) => held,
            Filter::Match(_)
            | Filter::Begin(_)
            | Filter::End(_)
            | Filter::Head(_)
            | Filter::Less
            | Filter::NoMore
            | Filter::Cut(_) => Vec::new(),
        }
    }

    /// A line feed is a character like others to `tr`, so lines may join or part.
    fn translate(&mut self, line: &str, next: &mut dyn FnMut(&str)) {
        let Filter::Tr(tr) = &self.filter else { return };
        let mut open = self.held.pop_front().unwrap_or_default();
        for c in line.chars().chain(['\n']) {
            let Some(c) = tr.of(c) else { continue };
            let squeezed = tr.squeeze && tr.squeezes(c);
            // `words` holds the character before, 0 for none.
            if squeezed && self.words == c as usize {
                continue;
            }
            self.words = c as usize;
            if c == '\n' {
                next(&open);
                open.clear();
            } else if open.len() < HELD_MAX {
                open.push(c);
            }
        }
        self.held.extend(Some(open).filter(|open| !open.is_empty()));
    }

    /// Holds the line of a run back until the run ends; `words` counts the run.
    fn unique(&mut self, uniq: Uniq, line: &str, next: &mut dyn FnMut(&str)) {
        let same = self.held.front().is_some_and(|held| {
            if uniq.fold { held.eq_ignore_ascii_case(line) } else { held == line }
        });
        if same {
            self.words += 1;
            return;
        }
        if let Some(done) = self.held.pop_front().and_then(|held| uniq.shown(held, self.words)) {
            next(&done);
        }
        self.words = 1;
        self.held.push_back(line.to_owned());
    }
}

impl Uniq {
    fn shown(self, line: String, run: usize) -> Option<String> {
        let wanted = (!self.repeated || run > 1) && (!self.unique || run == 1);
        wanted.then(|| if self.count { format!("{run:>7} {line}") } else { line })
    }
}

impl Wc {
    /// One number stands alone, several are padded to 7 columns, as GNU prints a pipe.
    fn line(self, lines: usize, words: usize, bytes: usize) -> String {
        let all = !(self.lines || self.words || self.bytes);
        let wanted = [(self.lines, lines), (self.words, words), (self.bytes, bytes)];
        let shown: Vec<usize> =
            wanted.into_iter().filter(|(on, _)| *on || all).map(|(_, n)| n).collect();
        match shown[..] {
            [one] => one.to_string(),
            _ => shown.iter().map(|n| format!("{n:>7}")).collect::<Vec<_>>().join(" "),
        }
    }
}

impl Sort {
    fn apply(&self, lines: &mut Vec<String>) {
        // The last resort is the whole line, as in GNU's sort; `-u` has none.
        lines.sort_by(|a, b| {
            let order = self.compare(a, b);
            let order = if self.unique { order } else { order.then_with(|| a.cmp(b)) };
            if self.reverse { order.reverse() } else { order }
        });
        if self.unique {
            lines.dedup_by(|a, b| self.compare(a, b) == Ordering::Equal);
        }
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        let (a, b) = (self.key_of(a), self.key_of(b));
        if self.numeric {
            return number(a).total_cmp(&number(b));
        }
        if self.fold {
            return a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase());
        }
        a.cmp(b)
    }

    /// A key reaches from its field to the line's end.
    fn key_of<'l>(&self, line: &'l str) -> &'l str {
        let mut rest = line;
        for _ in 1..self.key {
            rest = match self.separator {
                Some(separator) => rest.split_once(separator).map_or("", |(_, behind)| behind),
                None => {
                    let field = rest.trim_start_matches([' ', '\t']);
                    field.find([' ', '\t']).map_or("", |at| &field[at..])
                }
            };
        }
        rest
    }
}

/// The number that a text begins with; 0 if it begins with none.
fn number(text: &str) -> f64 {
    let text = text.trim_start();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let len = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    text[..text.len() - digits.len() + len].parse().unwrap_or(0.0)
}

impl Tr {
    fn of(&self, c: char) -> Option<char> {
        let place = self.from.iter().position(|f| *f == c);
        let hit = place.is_some() != self.complement;
        if !hit {
            return Some(c);
        }
        if self.delete {
            return None;
        }
        // A short second set is filled up with its last character.
        let last = self.to.last().copied();
        place.and_then(|place| self.to.get(place).copied()).or(last).or(Some(c))
    }

    /// Squeezing goes by the last set given.
    fn squeezes(&self, c: char) -> bool {
        if self.to.is_empty() {
            self.from.contains(&c) != self.complement
        } else {
            self.to.contains(&c)
        }
    }
}

impl Cut {
    fn of(&self, line: &str) -> Option<String> {
        let kept = |n: usize| self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&n));
        let Some(delimiter) = self.delimiter else {
            let chars = line.chars().enumerate().filter(|(i, _)| kept(i + 1));
            return Some(chars.map(|(_, c)| c).collect());
        };
        if !line.contains(delimiter) {
            return (!self.only_delimited).then(|| line.to_owned());
        }
        let fields = line.split(delimiter).enumerate().filter(|(i, _)| kept(i + 1));
        let fields: Vec<&str> = fields.map(|(_, field)| field).collect();
        Some(fields.join(delimiter.encode_utf8(&mut [0; 4])))
    }
}
