//! Typed values of properties and keys: parsed once, printed in the CLI's and the listings' voice.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::base::time::Utc;

/// A choice: the word that is typed and the word that listings print.
pub type Word = (&'static str, &'static str);

/// Longest certificate chain accepted, in bytes.
pub const PEM_MAX: usize = 64 * 1024;

/// What a property or a key may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Two choices, the true one first.
    Flag(&'static [Word; 2]),
    /// One of several words.
    Words(&'static [Word]),
    /// Several of several words, printed in the table's order.
    List(&'static [Word]),
    Number {
        min: u32,
        max: u32,
    },
    /// A number, or one word that stands for none.
    NumberOr {
        word: &'static str,
        min: u32,
        max: u32,
    },
    Ipv4,
    /// An IPv4 netmask: ones, then zeros.
    Mask,
    Ipv6,
    Ip,
    /// An address or a DNS name.
    Host,
    /// `http://` or `https://` with a host.
    Url,
    /// Printable text without `"` and `\`, at most so many bytes.
    Text {
        max: usize,
    },
    /// Letters, digits and `-_.:+`, at most so many bytes.
    Name {
        max: usize,
    },
    /// As [`Kind::Text`], never printed.
    Secret {
        max: usize,
    },
    /// One or more certificates.
    Pem,
    /// `Ethernet1/2`, or `Ethernet1/2/3` for a breakout port.
    Port,
    /// First and last address of a range, two words.
    Range4,
    /// As [`Kind::Range4`], for IPv6.
    Range6,
    /// `never`, or a day and maybe its time: `jan 31 2027 23 59 59`.
    Date,
    /// Public keys as OpenSSH writes them, separated by `;` or line feeds.
    SshKeys {
        max: usize,
    },
}

/// One value.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing was set and nothing is the default.
    Unset,
    Flag(bool),
    Word(&'static str),
    List(Vec<&'static str>),
    Number(u32),
    Address(IpAddr),
    Text(String),
    Secret(String),
}

impl fmt::Debug for Value {
    /// Writes the value, but for a secret only that there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unset => f.write_str("Unset"),
            Value::Flag(on) => write!(f, "{on}"),
            Value::Word(word) => f.write_str(word),
            Value::List(words) => write!(f, "{words:?}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Address(address) => write!(f, "{address}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Secret(_) => f.write_str("Secret"),
        }
    }
}

/// Why a typed text is no value of its kind.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueError {
    #[error("not one of the choices")]
    Choice,
    #[error("not a number from {min} to {max}")]
    Range { min: u32, max: u32 },
    #[error("not an address of the expected kind")]
    Address,
    #[error("not a host name or address")]
    Host,
    #[error("not an http or https URL")]
    Url,
    #[error("longer than {max} bytes")]
    Length { max: usize },
    #[error("contains a character that is not allowed")]
    Character,
    #[error("not a PEM certificate chain")]
    Pem,
    #[error("not an interface name such as Ethernet1/2")]
    Port,
    #[error("not `never` or a date such as jan 31 2027")]
    Date,
    #[error("not a public key of SSH")]
    SshKey,
    #[error("may not be empty")]
    Empty,
}

impl Kind {
    /// Parses what was typed. Words may not be abbreviated here; the command line expands them.
    ///
    /// # Errors
    /// A [`ValueError`] that says what was expected.
    pub fn parse(&self, text: &str) -> Result<Value, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        match self {
            Kind::Flag([on, off]) => match text {
                _ if text == on.0 => Ok(Value::Flag(true)),
                _ if text == off.0 => Ok(Value::Flag(false)),
                _ => Err(ValueError::Choice),
            },
            Kind::Words(words) => find(words, text).map(Value::Word),
            Kind::List(words) => list(words, text),
            Kind::Number { min, max } => number(text, *min, *max),
            Kind::NumberOr { word, min, max } => {
                if text == *word {
                    Ok(Value::Word(word))
                } else {
                    number(text, *min, *max)
                }
            }
            Kind::Ipv4 => ipv4(text),
            Kind::Mask => mask(text),
            Kind::Ipv6 => {
                let parsed = text.parse::<Ipv6Addr>().map_err(|_| ValueError::Address)?;
                Ok(Value::Address(IpAddr::V6(parsed)))
            }
            Kind::Ip => text.parse().map(Value::Address).map_err(|_| ValueError::Address),
            Kind::Host if is_host(text) => Ok(Value::Text(text.to_owned())),
            Kind::Host => Err(ValueError::Host),
            Kind::Url => url(text),
            Kind::Text { max } => free_text(text, *max).map(Value::Text),
            Kind::Secret { max } => free_text(text, *max).map(Value::Secret),
            Kind::Name { max } => {
                let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b);
                if !text.bytes().all(allowed) {
                    return Err(ValueError::Character);
                }
                free_text(text, *max).map(Value::Text)
            }
            Kind::Pem => pem(text).map(Value::Text),
            Kind::Port => port(text).map(Value::Text),
            Kind::Range4 => range::<Ipv4Addr>(text),
            Kind::Range6 => range::<Ipv6Addr>(text),
            Kind::Date if text == NEVER => Ok(Value::Word(NEVER)),
            Kind::Date if date(text).is_some() => Ok(Value::Text(text.to_owned())),
            Kind::Date => Err(ValueError::Date),
            Kind::SshKeys { max } => ssh_keys(text, *max),
        }
    }

    /// Returns the value as it is typed, without quotes; a list's words are separated by blanks.
    pub fn typed(&self, value: &Value) -> String {
        match (self, value) {
            (Kind::Flag(words), Value::Flag(on)) => words[usize::from(!*on)].0.to_owned(),
            (_, Value::Unset) => String::new(),
            (_, Value::Flag(on)) => on.to_string(),
            (_, Value::Word(word)) => (*word).to_owned(),
            (_, Value::List(words)) => words.join(" "),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Address(address)) => address.to_string(),
            (_, Value::Text(text) | Value::Secret(text)) => text.clone(),
        }
    }

    /// Returns the value as a listing prints it: labels for words, asterisks for a secret.
    pub fn listed(&self, value: &Value) -> String {
        let label = |words: &[Word], word: &str| {
            let found = words.iter().find(|(typed, _)| *typed == word);
            found.map_or(word, |(_, label)| label).to_owned()
        };
        match (self, value) {
            (Kind::Flag(words), Value::Flag(on)) => words[usize::from(!*on)].1.to_owned(),
            (Kind::Words(words), Value::Word(word)) => label(words, word),
            (Kind::List(words), Value::List(list)) => {
                list.iter().map(|word| label(words, word)).collect::<Vec<_>>().join(",")
            }
            (_, Value::Secret(_)) => "****".to_owned(),
            (_, _) => self.typed(value),
        }
    }

    /// Tells whether a value is one of a few words and nothing else.
    pub const fn is_choice(&self) -> bool {
        matches!(self, Kind::Flag(_) | Kind::Words(_))
    }

    /// Returns the words that may be typed, for help and completion; empty where any text may.
    pub fn choices(&self) -> Vec<&'static str> {
        match self {
            Kind::Flag(words) => words.iter().map(|word| word.0).collect(),
            Kind::Words(words) | Kind::List(words) => words.iter().map(|word| word.0).collect(),
            Kind::NumberOr { word, .. } => vec![word],
            Kind::Date => vec![NEVER],
            Kind::Number { .. }
            | Kind::Ipv4
            | Kind::Mask
            | Kind::Ipv6
            | Kind::Ip
            | Kind::Host
            | Kind::Url
            | Kind::Text { .. }
            | Kind::Name { .. }
            | Kind::Secret { .. }
            | Kind::Pem
            | Kind::Port
            | Kind::Range4
            | Kind::Range6
            | Kind::SshKeys { .. } => Vec::new(),
        }
    }
}

fn find(words: &'static [Word], text: &str) -> Result<&'static str, ValueError> {
    words.iter().find(|word| word.0 == text).map(|word| word.0).ok_or(ValueError::Choice)
}

/// Sorts into the table's order, so that equal sets are equal values.
fn list(words: &'static [Word], text: &str) -> Result<Value, ValueError> {
    for typed in text.split_ascii_whitespace() {
        find(words, typed)?;
    }
    let typed = |word: &Word| text.split_ascii_whitespace().any(|typed| typed == word.0);
    Ok(Value::List(words.iter().filter(|word| typed(word)).map(|word| word.0).collect()))
}

fn number(text: &str, min: u32, max: u32) -> Result<Value, ValueError> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let parsed = text.parse::<u32>().ok().filter(|n| digits && (min..=max).contains(n));
    parsed.map(Value::Number).ok_or(ValueError::Range { min, max })
}

fn ipv4(text: &str) -> Result<Value, ValueError> {
    let parsed = text.parse::<Ipv4Addr>().map_err(|_| ValueError::Address)?;
    Ok(Value::Address(IpAddr::V4(parsed)))
}

fn mask(text: &str) -> Result<Value, ValueError> {
    let parsed = text.parse::<Ipv4Addr>().map_err(|_| ValueError::Address)?;
    let bits = parsed.to_bits();
    if bits.leading_ones() + bits.trailing_zeros() < 32 {
        return Err(ValueError::Address);
    }
    Ok(Value::Address(IpAddr::V4(parsed)))
}

/// Reads the two addresses of a range; whether the first is the lower one is the reader's business.
fn range<A: std::str::FromStr + fmt::Display>(text: &str) -> Result<Value, ValueError> {
    let (first, last) = text.split_once(' ').ok_or(ValueError::Address)?;
    let read = |text: &str| text.trim().parse::<A>().map_err(|_| ValueError::Address);
    Ok(Value::Text(format!("{} {}", read(first)?, read(last)?)))
}

/// Tells whether `text` is an address or a DNS name of at most 253 bytes (RFC 1123, section 2.1).
pub fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let edges = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(allowed) && edges
    };
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    // A name of digits and dots alone is a mistyped address.
    let letters = text.bytes().any(|b| b.is_ascii_alphabetic());
    let name = text.strip_suffix('.').unwrap_or(text);
    letters && name.len() <= 253 && name.split('.').all(label)
}

/// Splits an URL into `(https, host, port, path)`; the path begins with `/`.
pub fn split_url(text: &str) -> Option<(bool, &str, Option<u16>, &str)> {
    let (https, rest) = match text.split_once("://")? {
        ("https", rest) => (true, rest),
        ("http", rest) => (false, rest),
        _ => return None,
    };
    let cut = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, port) = inner.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(digits) => Some(digits.parse::<u16>().ok().filter(|port| *port != 0)?),
        None => None,
    };
    is_host(host).then_some((https, host, port, if path.is_empty() { "/" } else { path }))
}

fn url(text: &str) -> Result<Value, ValueError> {
    let printable = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    if text.len() > 255 {
        return Err(ValueError::Length { max: 255 });
    }
    if !printable || split_url(text).is_none() {
        return Err(ValueError::Url);
    }
    Ok(Value::Text(text.to_owned()))
}

fn free_text(text: &str, max: usize) -> Result<String, ValueError> {
    if text.len() > max {
        return Err(ValueError::Length { max });
    }
    if text.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
        return Err(ValueError::Character);
    }
    Ok(text.to_owned())
}

/// Returns the chain in one layout: every line trimmed, each ended by `\n`.
fn pem(text: &str) -> Result<String, ValueError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if text.len() > PEM_MAX {
        return Err(ValueError::Length { max: PEM_MAX });
    }
    let mut chain = String::new();
    let mut body: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        body = match (body.take(), line) {
            (None, BEGIN) => Some(String::new()),
            (Some(whole), END) => {
                let der = STANDARD.decode(&whole).map_err(|_| ValueError::Pem)?;
                // Every certificate is a DER SEQUENCE; whether it verifies is told by its status.
                if der.first() != Some(&0x30) {
                    return Err(ValueError::Pem);
                }
                None
            }
            (Some(whole), line) => Some(whole + line),
            (None, _) => return Err(ValueError::Pem),
        };
        chain += line;
        chain.push('\n');
    }
    if body.is_some() || chain.is_empty() { Err(ValueError::Pem) } else { Ok(chain) }
}

/// Stands for no date.
const NEVER: &str = "never";
/// Months as a date's first word.
///
/// # Source
/// Vendor's configuration guide, `set expiration`: the month by its first three letters.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Returns the moment that a [`Kind::Date`] names; `None` for `never`, and for what is no date.
pub fn date(text: &str) -> Option<Utc> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (month, rest) = words.split_first()?;
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let (day, year, clock) = match rest {
        [day, year] => (day, year, ["0"; 3]),
        [day, year, h, m, s] => (day, year, [*h, *m, *s]),
        _ => return None,
    };
    Utc::parse_iso(&format!("{year}-{month}-{day}T{}", clock.join(":")))
}

/// Tells whether a line is a public key as OpenSSH writes it: a type, and a blob that begins with
/// that type.
fn is_ssh_key(line: &str) -> bool {
    const TYPES: [&str; 5] = [
        "ssh-rsa",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
    ];
    let mut parts = line.split_ascii_whitespace();
    let (Some(kind), Some(blob)) = (parts.next(), parts.next()) else { return false };
    let Ok(blob) = STANDARD.decode(blob) else { return false };
    let length = u32::try_from(kind.len()).unwrap_or(0).to_be_bytes();
    TYPES.contains(&kind) && blob.starts_with(&[&length[..], kind.as_bytes()].concat())
}

fn ssh_keys(text: &str, max: usize) -> Result<Value, ValueError> {
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    if lines.is_empty() || !lines.iter().all(|line| is_ssh_key(line)) {
        return Err(ValueError::SshKey);
    }
    free_text(&lines.join(";"), max).map(Value::Text)
}

fn port(text: &str) -> Result<String, ValueError> {
    let prefix = text.get(..8).filter(|prefix| prefix.eq_ignore_ascii_case("ethernet"));
    let numbers = prefix.and_then(|_| text.get(8..)).ok_or(ValueError::Port)?;
    let parsed: Option<Vec<u8>> = numbers
        .split('/')
        .map(|part| part.parse::<u8>().ok().filter(|n| *n != 0 && !part.starts_with(['+', '0'])))
        .collect();
    match parsed.map(|parts| parts.len()) {
        Some(2 | 3) => Ok(format!("Ethernet{numbers}")),
        Some(_) | None => Err(ValueError::Port),
    }
}
