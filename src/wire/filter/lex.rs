//! Words of the filter language, each with its place: the longest match wins, as in libpcap's
//! scanner.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words::{self, Word};
use super::{FilterError, Why};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    Word(Word),
    Num(u32),
    /// An IPv4 address or the beginning of one, with how many bits of it were written.
    V4(u32, u32),
    V6(Ipv6Addr),
    Mac([u8; 6]),
    /// A name; escaped by `\` if it would be a word otherwise.
    Name,
    /// One of `+ - * / % : [ ] < > ( ) & | ^ = !`.
    Mark(u8),
    NotEqual,
    AtLeast,
    AtMost,
    ShiftLeft,
    ShiftRight,
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub tok: Tok,
    pub at: usize,
    /// A name without its escape.
    pub text: &'a str,
}

/// Cuts the whole text; the last token is [`Tok::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, FilterError> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        at += blank;
        let rest = rest.get(blank..).unwrap_or_default();
        if rest.is_empty() {
            found.push(Token { tok: Tok::End, at, text: "" });
            return Ok(found);
        }
        let (tok, len) = token(rest).map_err(|why| FilterError { offset: at, why })?;
        let text = rest.get(..len).unwrap_or_default();
        let text = text.strip_prefix('\\').unwrap_or(text);
        found.push(Token { tok, at, text });
        at += len;
    }
}

/// Reads one token at the start of `rest`, which is not empty and does not start with a blank.
fn token(rest: &str) -> Result<(Tok, usize), Why> {
    let bytes = rest.as_bytes();
    if let Some(found) = mark(bytes) {
        return Ok(found);
    }
    if bytes.first() == Some(&b'\\') {
        let stop = |b: &u8| matches!(b, b' ' | b'!' | b'(' | b')' | b'\n' | b'\t');
        let len = bytes.iter().position(stop).unwrap_or(bytes.len());
        return if len > 1 { Ok((Tok::Name, len)) } else { Err(Why::Character) };
    }
    if bytes.first() == Some(&b'$') {
        return Err(Why::Unsupported("ARCnet addresses"));
    }
    // In the order in which libpcap's scanner prefers them at equal lengths.
    let name = name_len(bytes);
    let (mac, v6, v4, num) = (mac_len(bytes), v6_len(rest), v4_len(bytes), num_len(bytes));
    let longest = name.max(mac).max(v6).max(v4).max(num);
    let text = rest.get(..longest).unwrap_or_default();
    if longest == 0 {
        return Err(Why::Character);
    }
    if name == longest
        && let Some(word) = words::word(text)?
    {
        return Ok((Tok::Word(word), longest));
    }
    if mac == longest {
        return Ok((Tok::Mac(mac_of(text)), longest));
    }
    if num == longest {
        return Ok((Tok::Num(number(text)?), longest));
    }
    if v4 == longest {
        let (address, bits) = v4_of(text).ok_or(Why::Address)?;
        return Ok((Tok::V4(address, bits), longest));
    }
    if v6 == longest {
        return Ok((Tok::V6(text.parse().map_err(|_| Why::Address)?), longest));
    }
    match words::number(text) {
        Some(number) => Ok((Tok::Num(number), longest)),
        None => Ok((Tok::Name, longest)),
    }
}

fn mark(bytes: &[u8]) -> Option<(Tok, usize)> {
    let two = match bytes {
        [b'>', b'=', ..] => Some(Tok::AtLeast),
        [b'<', b'=', ..] => Some(Tok::AtMost),
        [b'!', b'=', ..] => Some(Tok::NotEqual),
        [b'=', b'=', ..] => Some(Tok::Mark(b'=')),
        [b'<', b'<', ..] => Some(Tok::ShiftLeft),
        [b'>', b'>', ..] => Some(Tok::ShiftRight),
        [b'&', b'&', ..] => Some(Tok::Word(Word::And)),
        [b'|', b'|', ..] => Some(Tok::Word(Word::Or)),
        _ => None,
    };
    if let Some(tok) = two {
        return Some((tok, 2));
    }
    match bytes.first()? {
        // An address may begin with a colon.
        b':' if bytes.get(1) == Some(&b':') => None,
        mark if b"+-*/%:[]!<>()&|^=".contains(mark) => Some((Tok::Mark(*mark), 1)),
        _ => None,
    }
}

fn run(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| !is(*b)).unwrap_or(bytes.len())
}

/// `[A-Za-z0-9]([-_.A-Za-z0-9]*[.A-Za-z0-9])?`
fn name_len(bytes: &[u8]) -> usize {
    if !bytes.first().is_some_and(u8::is_ascii_alphanumeric) {
        return 0;
    }
    let len = run(bytes, |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let ends = bytes.iter().take(len).rposition(|b| b.is_ascii_alphanumeric() || *b == b'.');
    ends.map_or(0, |last| last + 1)
}

/// `[0-9]+|0[xX][0-9A-Fa-f]+`
fn num_len(bytes: &[u8]) -> usize {
    let digits = run(bytes, |b| b.is_ascii_digit());
    if let [b'0', b'x' | b'X', hex @ ..] = bytes {
        let len = run(hex, |b| b.is_ascii_hexdigit());
        return if len > 0 { 2 + len } else { digits };
    }
    digits
}

/// Two to four decimal numbers with dots between them.
fn v4_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    for part in 0..4 {
        let start = if part == 0 { 0 } else { len + 1 };
        if part > 0 && bytes.get(len) != Some(&b'.') {
            break;
        }
        let digits = run(bytes.get(start..).unwrap_or_default(), |b| b.is_ascii_digit());
        if digits == 0 {
            break;
        }
        len = start + digits;
    }
    if bytes.iter().take(len).any(|b| *b == b'.') { len } else { 0 }
}

/// Reads the parts as bytes from the left; the parts that are missing are not filled.
fn v4_of(text: &str) -> Option<(u32, u32)> {
    let (mut address, mut bits) = (0, 0);
    for part in text.split('.') {
        // Leading zeros are decimal here, as in libpcap.
        let byte = part.parse::<u32>().ok().filter(|byte| *byte <= 255)?;
        address = address << 8 | byte;
        bits += 8;
    }
    Some((address, bits))
}

/// Six bytes with `:`, `-` or `.` between them, three times four digits with `.`, or twelve digits.
fn mac_len(bytes: &[u8]) -> usize {
    let hex = |at: usize| run(bytes.get(at..).unwrap_or_default(), |b| b.is_ascii_hexdigit());
    if let Some(mark @ (b':' | b'-' | b'.')) = bytes.get(hex(0).min(2)) {
        let mut at = 0;
        let whole = (0..6).all(|part| {
            at += usize::from(part > 0 && bytes.get(at) == Some(mark));
            let digits = hex(at).min(2);
            let right = digits > 0 && (part == 0 || bytes.get(at - 1) == Some(mark));
            at += digits;
            right
        });
        return if whole { at } else { 0 };
    }
    let dotted = [4, 9].iter().all(|at| bytes.get(*at) == Some(&b'.'));
    if dotted && hex(0) == 4 && hex(5) == 4 && hex(10) >= 4 {
        return 14;
    }
    if hex(0) >= 12 { 12 } else { 0 }
}

fn mac_of(text: &str) -> [u8; 6] {
    let mut mac = [0; 6];
    let byte = |digits: &str| u8::from_str_radix(digits, 16).unwrap_or(0);
    let marked = text.split([':', '-', '.']);
    if marked.clone().count() == 6 {
        for (slot, digits) in mac.iter_mut().zip(marked) {
            *slot = byte(digits);
        }
        return mac;
    }
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    for (at, slot) in mac.iter_mut().enumerate() {
        *slot = byte(digits.get(at * 2..at * 2 + 2).unwrap_or_default());
    }
    mac
}

/// The longest beginning that is shaped as an IPv6 address.
fn v6_len(rest: &str) -> usize {
    let shaped = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
    let most = run(rest.as_bytes(), shaped).min(64);
    let tries = (2..=most).rev().filter_map(|len| rest.get(..len));
    tries.filter(|text| text.contains(':')).find(|text| is_v6(text)).map_or(0, str::len)
}

/// Whether `text` has the groups of an address; a dotted end may still be out of range.
fn is_v6(text: &str) -> bool {
    if text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let Some((head, tail)) = text.rsplit_once(':') else { return false };
    let dotted = tail.split('.').count() == 4
        && tail.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    dotted && format!("{head}:{}", Ipv4Addr::UNSPECIFIED).parse::<Ipv6Addr>().is_ok()
}

/// Reads a number as C does: decimal, `0` octal, `0x` hexadecimal.
fn number(text: &str) -> Result<u32, Why> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if radix == 8 && text.contains(['8', '9']) {
        return Err(Why::Octal);
    }
    u32::from_str_radix(digits, radix).map_err(|_| Why::Number)
}
