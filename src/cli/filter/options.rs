//! The words behind a `|`, read into a [`Filter`].

use super::pattern::{Pattern, Reading};
use super::{Cut, Filter, Match, Name, Sort, Tr, Uniq, Wc};
use crate::cli::grammar::Refusal;
use crate::cli::lex::{Pipe, Word};

/// Lines of `head` and `last` without a number.
///
/// # Source
/// Recall: NX-OS says 10 for both.
const LINES_DEFAULT: usize = 10;

/// What `?` prints for a pattern and for a number.
pub(super) const PATTERN: &str = "WORD";
pub(super) const NUMBER: &str = "<1-2147483647>";

/// Options of a grep: the letters of the tool and the words of NX-OS.
const GREP: &[(&str, &str)] = &[
    ("-c", "Print a total count of matching lines only"),
    ("-i", "Ignore case difference when comparing strings"),
    ("-n", "Print each match preceded by its line number"),
    ("-v", "Print only lines that contain no matches for <expr>"),
    ("-w", "Print only lines where the match is a complete word"),
    ("-x", "Print only lines where the match is a whole line"),
    (PATTERN, "Search for the expression"),
];

impl Name {
    /// Returns what `?` prints behind the filter's name: words and their help.
    ///
    /// # Source
    /// Recall of the NX-OS family, and of the tools whose names the filters have.
    pub(super) const fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Name::Include | Name::Exclude | Name::Begin | Name::End => &[
                ("-i", "Ignore case difference when comparing strings"),
                ("-x", "Print only lines where the match is a whole line"),
                (PATTERN, "Search for the expression"),
            ],
            Name::Grep | Name::Egrep => GREP,
            Name::Head | Name::Last => &[("-n", "Number of lines"), (NUMBER, "Number of lines")],
            Name::Sort => &[
                ("-f", "Fold lower case to upper case characters"),
                ("-k", "Start a key at this field"),
                ("-n", "Compare according to string numerical value"),
                ("-r", "Reverse the result of comparisons"),
                ("-t", "Field separator"),
                ("-u", "Output only the first of equal lines"),
            ],
            Name::Tr => &[
                ("-c", "Complement the first set"),
                ("-d", "Delete characters of the first set"),
                ("-s", "Squeeze repeated characters"),
                (PATTERN, "Set of characters"),
            ],
            Name::Uniq => &[
                ("-c", "Print the number of occurrences along with each line"),
                ("-d", "Only print duplicate lines"),
                ("-i", "Ignore case difference when comparing lines"),
                ("-u", "Only print unique lines"),
            ],
            Name::Wc => &[
                ("-c", "Output bytes count"),
                ("-l", "Output lines count"),
                ("-w", "Output words count"),
            ],
            Name::Cut => &[
                ("-c", "Output only these characters"),
                ("-d", "Delimiter between fields"),
                ("-f", "Output only these fields"),
                ("-s", "Do not output lines without the delimiter"),
            ],
            Name::Count | Name::Less | Name::NoMore => &[],
        }
    }
}

/// Reads one filter.
pub(super) fn parse(pipe: &Pipe<'_>, known: &[Name]) -> Result<Filter, Refusal> {
    let mut cursor = Cursor { words: &pipe.words, next: 0, end: pipe.end };
    let filter = match find(cursor.require()?, known)? {
        Name::Include => Filter::Match(plain(searched(&mut cursor)?, false)),
        Name::Exclude => Filter::Match(plain(searched(&mut cursor)?, true)),
        Name::Begin => Filter::Begin(searched(&mut cursor)?),
        Name::End => Filter::End(searched(&mut cursor)?),
        Name::Grep => grep(&mut cursor, true)?,
        Name::Egrep => grep(&mut cursor, false)?,
        Name::Count => Filter::Count,
        Name::Head => Filter::Head(lines(&mut cursor)?),
        Name::Last => Filter::Last(lines(&mut cursor)?),
        Name::Less => Filter::Less,
        Name::NoMore => Filter::NoMore,
        Name::Sort => sort(&mut cursor)?,
        Name::Tr => tr(&mut cursor)?,
        Name::Uniq => uniq(&mut cursor)?,
        Name::Wc => wc(&mut cursor)?,
        Name::Cut => cut(&mut cursor)?,
    };
    match cursor.take() {
        None => Ok(filter),
        Some(word) => Err(invalid(word)),
    }
}

/// Finds the filter by its name or a unique prefix of it.
pub(super) fn find(word: &Word<'_>, known: &[Name]) -> Result<Name, Refusal> {
    let text = word.text.as_ref();
    if let Some(name) = known.iter().find(|name| name.word() == text) {
        return Ok(*name);
    }
    let mut found = known.iter().filter(|name| !text.is_empty() && name.word().starts_with(text));
    match (found.next(), found.next()) {
        (Some(name), None) => Ok(*name),
        (Some(_), Some(_)) => Err(Refusal::Ambiguous { at: word.at }),
        (None, _) => Err(invalid(word)),
    }
}

fn invalid(word: &Word<'_>) -> Refusal {
    Refusal::Invalid { at: word.at }
}

fn plain(pattern: Pattern, invert: bool) -> Match {
    Match { pattern, invert, count: false, number: false }
}

/// Raises the flag that lists a letter; false if none does.
fn raise(flags: &mut [(&str, &mut bool)], letter: char) -> bool {
    let flag = flags.iter_mut().find(|(letters, _)| letters.contains(letter));
    flag.map(|(_, raised)| **raised = true).is_some()
}

/// The words not read yet.
struct Cursor<'w, 'a> {
    words: &'w [Word<'a>],
    next: usize,
    end: usize,
}

impl<'w, 'a> Cursor<'w, 'a> {
    fn take(&mut self) -> Option<&'w Word<'a>> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn require(&mut self) -> Result<&'w Word<'a>, Refusal> {
        self.take().ok_or(Refusal::Incomplete { at: self.end })
    }

    /// Takes `-abc`; a quoted word and a lone `-` are no options.
    fn options(&mut self) -> Option<(&'w Word<'a>, &'w str)> {
        let word = self.words.get(self.next)?;
        let letters = word.text.strip_prefix('-').filter(|l| !l.is_empty() && !word.quoted)?;
        self.next += 1;
        Some((word, letters))
    }

    /// Takes every `-abc` in front, each letter the flag that lists it.
    fn flags(&mut self, flags: &mut [(&str, &mut bool)]) -> Result<(), Refusal> {
        while let Some((word, letters)) = self.options() {
            if !letters.chars().all(|letter| raise(flags, letter)) {
                return Err(invalid(word));
            }
        }
        Ok(())
    }

    /// Takes an option of `grep` that is a word, as its letter. The last word is the pattern.
    ///
    /// # Source
    /// Recall of NX-OS 5.x: `grep {count | ignore-case | invert-match | line-exp | line-number |
    /// word-exp} WORD`.
    fn long_option(&mut self) -> Option<char> {
        let [word, _, ..] = self.words.get(self.next..)? else { return None };
        let letter = match word.text.as_ref() {
            _ if word.quoted => return None,
            "count" => 'c',
            "ignore-case" => 'i',
            "invert-match" => 'v',
            "line-exp" => 'x',
            "line-number" => 'n',
            "word-exp" => 'w',
            _ => return None,
        };
        self.next += 1;
        Some(letter)
    }

    /// Takes what is left as one pattern: `include Version 2` needs no quotes.
    ///
    /// # Source
    /// Recall: the NX-OS family reads an unquoted pattern to the end of the pipe.
    fn pattern(&mut self, reading: Reading) -> Result<Pattern, Refusal> {
        let first = self.require()?;
        let mut text = first.text.to_string();
        while let Some(word) = self.take() {
            text.push(' ');
            text.push_str(&word.text);
        }
        Pattern::new(&text, reading).ok_or(invalid(first))
    }

    /// Takes the value of an option: the rest of its word, or the next word.
    fn value(&mut self, rest: &'w str, at: usize) -> Result<(&'w str, usize), Refusal> {
        if !rest.is_empty() {
            return Ok((rest, at));
        }
        let word = self.require()?;
        Ok((word.text.as_ref(), word.at))
    }
}

/// Reads the pattern of `include` and its like.
fn searched(cursor: &mut Cursor<'_, '_>) -> Result<Pattern, Refusal> {
    let mut reading = Reading::default();
    cursor.flags(&mut [("i", &mut reading.ignore_case), ("x", &mut reading.whole_line)])?;
    cursor.pattern(reading)
}

fn grep(cursor: &mut Cursor<'_, '_>, basic: bool) -> Result<Filter, Refusal> {
    let mut reading = Reading { basic, ..Reading::default() };
    let (mut invert, mut count, mut number) = (false, false, false);
    let mut flags = [
        ("i", &mut reading.ignore_case),
        // `egrep -V` stands in scripts for UCS.
        ("vV", &mut invert),
        ("c", &mut count),
        ("n", &mut number),
        ("w", &mut reading.whole_word),
        ("x", &mut reading.whole_line),
    ];
    cursor.flags(&mut flags)?;
    while let Some(letter) = cursor.long_option() {
        raise(&mut flags, letter);
    }
    Ok(Filter::Match(Match { pattern: cursor.pattern(reading)?, invert, count, number }))
}

/// Reads `5`, `-5`, `-n 5` and `lines 5`.
fn lines(cursor: &mut Cursor<'_, '_>) -> Result<usize, Refusal> {
    let Some(word) = cursor.take() else {
        return Ok(LINES_DEFAULT);
    };
    let (text, at) = match word.text.as_ref() {
        "-n" | "lines" => {
            let word = cursor.require()?;
            (word.text.as_ref(), word.at)
        }
        text => (text.strip_prefix('-').unwrap_or(text), word.at),
    };
    text.parse().map_err(|_| Refusal::Invalid { at })
}

fn sort(cursor: &mut Cursor<'_, '_>) -> Result<Filter, Refusal> {
    let mut sort = Sort::default();
    while let Some((word, letters)) = cursor.options() {
        for (i, letter) in letters.char_indices() {
            match letter {
                'r' => sort.reverse = true,
                'n' | 'g' => sort.numeric = true,
                'u' => sort.unique = true,
                'f' => sort.fold = true,
                'k' => {
                    let (text, at) = cursor.value(&letters[i + 1..], word.at)?;
                    let field = text.split(',').next().unwrap_or_default();
                    let number = field.parse().ok().filter(|n| *n > 0);
                    sort.key = number.ok_or(Refusal::Invalid { at })?;
                    break;
                }
                't' => {
                    let (text, at) = cursor.value(&letters[i + 1..], word.at)?;
                    sort.separator = Some(one_char(text, at)?);
                    break;
                }
                _ => return Err(invalid(word)),
            }
        }
    }
    Ok(Filter::Sort(sort))
}

fn tr(cursor: &mut Cursor<'_, '_>) -> Result<Filter, Refusal> {
    let mut tr = Tr::default();
    cursor.flags(&mut [
        ("cC", &mut tr.complement),
        ("d", &mut tr.delete),
        ("s", &mut tr.squeeze),
    ])?;
    let first = cursor.require()?;
    tr.from = set(&first.text).ok_or(invalid(first))?;
    match cursor.take() {
        // Deleting takes one set, unless what is left is squeezed by another.
        Some(word) if tr.delete && !tr.squeeze => return Err(invalid(word)),
        Some(word) => tr.to = set(&word.text).ok_or(invalid(word))?,
        None if tr.delete || tr.squeeze => {}
        None => return Err(Refusal::Incomplete { at: cursor.end }),
    }
    Ok(Filter::Tr(tr))
}

/// Expands `a-z`, `\n`, `[:upper:]`; `None` for a backward range.
fn set(text: &str) -> Option<Vec<char>> {
    let classes = [
        ("[:upper:]", 'A'..='Z'),
        ("[:lower:]", 'a'..='z'),
        ("[:digit:]", '0'..='9'),
        ("[:space:]", '\t'..='\r'),
    ];
    let mut set: Vec<char> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((name, range)) = classes.iter().find(|(name, _)| rest.starts_with(name)) {
            set.extend(range.clone());
            set.extend(Some(' ').filter(|_| *name == "[:space:]"));
            rest = &rest[name.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let mut c = c;
        if c == '\\' {
            let escaped = rest.chars().next();
            rest = &rest[escaped.map_or(0, char::len_utf8)..];
            c = match escaped {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(c) => c,
                None => '\\',
            };
        }
        let mut ahead = rest.chars();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                rest = ahead.as_str();
                // Bounded: a range over all of Unicode would hold a million characters.
                if last < c || !last.is_ascii() {
                    return None;
                }
                set.extend(c..=last);
            }
            _ => set.push(c),
        }
    }
    Some(set).filter(|set| !set.is_empty())
}

fn uniq(cursor: &mut Cursor<'_, '_>) -> Result<Filter, Refusal> {
    let mut uniq = Uniq::default();
    cursor.flags(&mut [
        ("c", &mut uniq.count),
        ("d", &mut uniq.repeated),
        ("u", &mut uniq.unique),
        ("i", &mut uniq.fold),
    ])?;
    Ok(Filter::Uniq(uniq))
}

fn wc(cursor: &mut Cursor<'_, '_>) -> Result<Filter, Refusal> {
    let mut wc = Wc::default();
    cursor.flags(&mut [("l", &mut wc.lines), ("w", &mut wc.words), ("c", &mut wc.bytes)])?;
    Ok(Filter::Wc(wc))
}

fn cut(cursor: &mut Cursor<'_, '_>) -> Result<Filter, Refusal> {
    let (mut fields, mut chars, mut only_delimited) = (None, None, false);
    let mut delimiter = '\t';
    while let Some((word, letters)) = cursor.options() {
        for (i, letter) in letters.char_indices() {
            let rest = &letters[i + letter.len_utf8()..];
            match letter {
                'f' | 'c' | 'b' => {
                    let (text, at) = cursor.value(rest, word.at)?;
                    let list = Some(ranges(text).ok_or(Refusal::Invalid { at })?);
                    if letter == 'f' {
                        fields = list;
                    } else {
                        chars = list;
                    }
                    break;
                }
                'd' => {
                    let (text, at) = cursor.value(rest, word.at)?;
                    delimiter = one_char(text, at)?;
                    break;
                }
                's' => only_delimited = true,
                _ => return Err(invalid(word)),
            }
        }
    }
    match (fields, chars) {
        (Some(ranges), None) => {
            Ok(Filter::Cut(Cut { ranges, delimiter: Some(delimiter), only_delimited }))
        }
        (None, Some(ranges)) => Ok(Filter::Cut(Cut { ranges, delimiter: None, only_delimited })),
        (Some(_), Some(_)) => Err(Refusal::Invalid { at: cursor.words[0].at }),
        (None, None) => Err(Refusal::Incomplete { at: cursor.end }),
    }
}

/// Reads `1,3-5,7-,-2`.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    let mut list = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some(("", "")) => return None,
            Some(("", last)) => (1, last.parse().ok()?),
            Some((first, "")) => (first.parse().ok()?, usize::MAX),
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => {
                let only = part.parse().ok()?;
                (only, only)
            }
        };
        if first == 0 || last < first {
            return None;
        }
        list.push((first, last));
    }
    Some(list)
}

fn one_char(text: &str, at: usize) -> Result<char, Refusal> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        (None | Some(_), _) => Err(Refusal::Invalid { at }),
    }
}
