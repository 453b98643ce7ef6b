//! The three codes of a licence reservation, which a person carries between a chassis and the
//! authority where no network joins them.
//!
//! ```text
//! VFXREQ-FPR-4125-SUP:JAD12345678-<commitment>-<check>    from the chassis: who asks
//! VFXAUTH-<commitment, signature>-<check>                 from the authority: that chassis may
//! VFXRET-<secret>-<check>                                 from the chassis: it may no longer
//! ```
//! They are ours alone: their first word says so, and nothing but this lab's own authority and its
//! chassis can read them. A chassis draws a secret for each request and shows only its hash, the
//! commitment; so an authorization fits one request of one chassis, and only the chassis can give
//! it back. The authorization is signed with the key of the certificate that the chassis holds as
//! trustpoint CiscoLicRoot, so it needs no chain and stays a line. Two check characters catch every
//! mistyped character and every two that were swapped.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::callhome::{PublicKey, SigningKey, verify};
use crate::base::ident::Udi;
use crate::base::rng::Rng;

#[cfg(test)]
mod tests;

/// Longest code accepted, in bytes.
pub const CODE_MAX: usize = 255;

/// Length of a commitment, in bytes.
const COMMITMENT: usize = 10;
/// Length of a secret, in bytes.
const SECRET: usize = 15;
/// Length of an Ed25519 signature, in bytes.
const SIGNATURE: usize = 64;
/// Version of the authorization's content; the only one there is.
const VERSION: u8 = 1;
/// Characters between two dashes.
///
/// # Source
/// A public listing of an IOS return code: `ChWhde-okvz5f-...`.
const GROUP: usize = 6;
/// Crockford's base 32: no I, L, O or U, which are misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const REQUEST: &str = "VFXREQ";
const AUTHORIZATION: &str = "VFXAUTH";
const RETURN: &str = "VFXRET";

/// Why a text is not the code it should be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CodeError {
    /// It is another kind of code, or none of ours.
    #[error("a code that begins with {expected}- is expected here")]
    Prefix { expected: &'static str },
    #[error("the code is cut short or too long: {got} characters, expected {expected}")]
    Length { got: usize, expected: usize },
    #[error("the character at offset {at} occurs in no code")]
    Character { at: usize },
    /// A mistyped or swapped character.
    #[error("the check characters do not fit: compare what was typed with the code")]
    Check,
    /// It lacks one of its parts, or has one that makes no sense.
    #[error("the code lacks its {part}")]
    Part { part: &'static str },
}

/// What a chassis keeps to itself until it gives a reservation back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret([u8; SECRET]);

/// What a chassis shows of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment([u8; COMMITMENT]);

/// From the chassis: it asks for a reservation of everything that its platform can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestCode {
    pub udi: Udi,
    pub commitment: Commitment,
}

/// From the authority: the chassis of one request may use everything that its platform can do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorizationCode {
    pub commitment: Commitment,
    signature: [u8; SIGNATURE],
}

/// From the chassis: its reservation is over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnCode(Secret);

impl Secret {
    /// Draws a secret. It guards a lab's count of licences and nothing else, so the machines' own
    /// generator is good enough.
    pub fn draw(rng: &mut Rng) -> Secret {
        let mut drawn = [0; SECRET];
        for chunk in drawn.chunks_mut(8) {
            chunk.copy_from_slice(&rng.next_u64().to_be_bytes()[..chunk.len()]);
        }
        // A hash of what was drawn: the generator's state can't be read off a return code.
        Secret(hash(b"vfxos reservation secret", &drawn))
    }

    /// Returns what may be shown of it.
    pub fn commitment(&self) -> Commitment {
        Commitment(hash(b"vfxos reservation commitment", &self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(of {:?})", self.commitment())
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl RequestCode {
    /// Parses what an operator of the authority typed.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<RequestCode, CodeError> {
        let text = bounded(text)?;
        let body = strip(text, REQUEST)?;
        // Product numbers have dashes of their own, so the parts are counted from the end.
        let (rest, typed) = body.rsplit_once('-').ok_or(CodeError::Part { part: "check" })?;
        let parts = rest.rsplit_once('-').ok_or(CodeError::Part { part: "commitment" })?;
        let (udi, commitment) = parts;
        let commitment = Commitment(decode(commitment)?);
        if !fits(typed, &format!("{REQUEST}-{udi}-{commitment}")) {
            return Err(CodeError::Check);
        }
        let (pid, serial) = udi.split_once(':').ok_or(CodeError::Part { part: "serial number" })?;
        if pid.is_empty() || serial.is_empty() || udi.chars().any(char::is_control) {
            return Err(CodeError::Part { part: "serial number" });
        }
        Ok(RequestCode { udi: Udi { pid: pid.into(), serial: serial.into() }, commitment })
    }
}

impl fmt::Display for RequestCode {
    /// Writes `VFXREQ-FPR-4125-SUP:JAD12345678-7K2M9PX4QW3T8HZB-5N`.
    ///
    /// # Source
    /// The outline is a public listing's of IOS, `CB-ZC9300-24UX:FCW2134L0RN-AK9A6sMTr-86`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = format!("{REQUEST}-{}:{}-{}", self.udi.pid, self.udi.serial, self.commitment);
        write!(f, "{head}-{}", check(&head))
    }
}

impl AuthorizationCode {
    /// Makes the authorization that answers a request.
    pub fn sign(request: &RequestCode, key: &SigningKey) -> AuthorizationCode {
        let signed = key.sign(&statement(&request.udi, request.commitment));
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&signed);
        AuthorizationCode { commitment: request.commitment, signature }
    }

    /// Parses what an operator of the chassis typed.
    ///
    /// # Errors
    /// [`CodeError`]. Who made the code is for [`AuthorizationCode::is_for`] to say.
    pub fn parse(text: &str) -> Result<AuthorizationCode, CodeError> {
        const LEN: usize = 1 + COMMITMENT + SIGNATURE;
        let [version, rest @ ..]: [u8; LEN] = plain(text, AUTHORIZATION)?;
        if version != VERSION {
            return Err(CodeError::Part { part: "version" });
        }
        let (mut commitment, mut signature) = ([0; COMMITMENT], [0; SIGNATURE]);
        commitment.copy_from_slice(&rest[..COMMITMENT]);
        signature.copy_from_slice(&rest[COMMITMENT..]);
        Ok(AuthorizationCode { commitment: Commitment(commitment), signature })
    }

    /// Returns whether the holder of one of `keys` made this code for this chassis.
    pub fn is_for(&self, udi: &Udi, keys: &[PublicKey]) -> bool {
        let statement = statement(udi, self.commitment);
        keys.iter().any(|key| verify(key, &statement, &self.signature))
    }
}

impl fmt::Display for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend(self.commitment.0);
        bytes.extend(self.signature);
        f.write_str(&written(AUTHORIZATION, &bytes))
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationCode({self})")
    }
}

impl ReturnCode {
    /// Makes the code that gives back what `secret` asked for.
    pub fn new(secret: Secret) -> ReturnCode {
        ReturnCode(secret)
    }

    /// Parses what an operator of the authority typed.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<ReturnCode, CodeError> {
        plain(text, RETURN).map(|secret| ReturnCode(Secret(secret)))
    }

    /// Returns the commitment of the request that this code gives back.
    pub fn commitment(&self) -> Commitment {
        self.0.commitment()
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(RETURN, &self.0.0))
    }
}

impl fmt::Debug for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnCode({self})")
    }
}

/// What an authorization's signature is over.
fn statement(udi: &Udi, commitment: Commitment) -> Vec<u8> {
    let Udi { pid, serial } = udi;
    let head = format!("vfxos universal licence reservation {VERSION}\n{pid}\n{serial}\n");
    [head.as_bytes(), &commitment.0].concat()
}

/// Returns the first bytes of a hash of `bytes`; `purpose` keeps two kinds of hash apart.
fn hash<const N: usize>(purpose: &[u8], bytes: &[u8]) -> [u8; N] {
    let whole = digest(&SHA256, &[purpose, b"\n", bytes].concat());
    let mut start = [0; N];
    start.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
    start
}

/// Returns two characters that differ for every two texts that differ in one character or by a
/// swap of two: the bytes as digits of base 10 modulo 1021, a prime of which 10 is a primitive root.
fn check(text: &str) -> String {
    let sum = text.bytes().fold(0, |sum, byte| (sum * 10 + usize::from(byte)) % 1021);
    [sum / 32, sum % 32].map(|digit| char::from(ALPHABET[digit])).iter().collect()
}

/// Returns whether the check characters that were typed are those of `text`.
fn fits(typed: &str, text: &str) -> bool {
    typed.bytes().map(value).eq(check(text).bytes().map(value))
}

/// Writes bytes behind a prefix, in groups, with the check characters.
fn written(prefix: &str, bytes: &[u8]) -> String {
    let data = encode(bytes);
    let check = check(&format!("{prefix}{data}"));
    let mut text = prefix.to_owned();
    for (at, character) in data.chars().enumerate() {
        if at.is_multiple_of(GROUP) {
            text.push('-');
        }
        text.push(character);
    }
    text + "-" + &check
}

/// Reads what [`written`] wrote, with its dashes or with none.
fn plain<const N: usize>(text: &str, prefix: &'static str) -> Result<[u8; N], CodeError> {
    let body = strip(bounded(text)?, prefix)?;
    let data: String = body.chars().filter(|c| *c != '-').collect();
    // All-ASCII, so that it can be cut anywhere.
    if let Some(at) = data.bytes().position(|byte| value(byte).is_none()) {
        return Err(CodeError::Character { at });
    }
    let expected = (N * 8).div_ceil(5);
    let Some((data, typed)) = data.split_at_checked(expected).filter(|(_, rest)| rest.len() == 2)
    else {
        return Err(CodeError::Length { got: data.len(), expected: expected + 2 });
    };
    let bytes = decode(data)?;
    let dashes = |text: &str| -> Vec<bool> { text.bytes().map(|byte| byte == b'-').collect() };
    let grouped = !body.contains('-') || dashes(text.trim()) == dashes(&written(prefix, &bytes));
    let fits = fits(typed, &format!("{prefix}{}", encode(&bytes)));
    if grouped && fits { Ok(bytes) } else { Err(CodeError::Check) }
}

fn bounded(text: &str) -> Result<&str, CodeError> {
    let text = text.trim();
    if text.len() > CODE_MAX {
        return Err(CodeError::Length { got: text.len(), expected: CODE_MAX });
    }
    Ok(text)
}

/// Returns what follows `PREFIX-`, letters in either case.
fn strip<'a>(text: &'a str, prefix: &'static str) -> Result<&'a str, CodeError> {
    let (head, body) = text.split_once('-').unwrap_or((text, ""));
    let same = head.eq_ignore_ascii_case(prefix);
    if same { Ok(body) } else { Err(CodeError::Prefix { expected: prefix }) }
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(character(held << (5 - bits)));
    }
    text
}

fn character(digit: u32) -> char {
    ALPHABET.get(digit as usize % 32).map_or('0', |byte| char::from(*byte))
}

/// Decodes exactly `N` bytes; bits that are left over must be zero.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], CodeError> {
    let expected = (N * 8).div_ceil(5);
    if text.len() != expected {
        return Err(CodeError::Length { got: text.len(), expected });
    }
    let mut bytes = [0; N];
    let (mut at, mut bits, mut held) = (0, 0_u32, 0_u32);
    for (offset, byte) in text.bytes().enumerate() {
        let digit = value(byte).ok_or(CodeError::Character { at: offset })?;
        held = held << 5 | u32::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            if let Some(place) = bytes.get_mut(at) {
                *place = (held >> bits) as u8;
            }
            at += 1;
            held &= (1 << bits) - 1;
        }
    }
    if held == 0 { Ok(bytes) } else { Err(CodeError::Check) }
}

/// Returns the digit that a character stands for, read as a person would: O is zero, I and L one.
fn value(byte: u8) -> Option<u8> {
    let upper = match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.iter().position(|known| *known == upper).and_then(|at| u8::try_from(at).ok())
}

/// Codes are kept as they are written.
macro_rules! kept_as_text {
    ($($code:ty),+) => {$(
        impl TryFrom<String> for $code {
            type Error = CodeError;
            fn try_from(text: String) -> Result<$code, CodeError> {
                <$code>::parse(&text)
            }
        }

        impl From<$code> for String {
            fn from(code: $code) -> String {
                code.to_string()
            }
        }
    )+};
}

kept_as_text!(RequestCode, AuthorizationCode, ReturnCode);

impl TryFrom<String> for Secret {
    type Error = CodeError;
    fn try_from(text: String) -> Result<Secret, CodeError> {
        decode(&text).map(Secret)
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        encode(&secret.0)
    }
}

impl TryFrom<String> for Commitment {
    type Error = CodeError;
    fn try_from(text: String) -> Result<Commitment, CodeError> {
        decode(&text).map(Commitment)
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> String {
        commitment.to_string()
    }
}
