//! FTP: commands and answers, one line a segment, and the connections that carry files.
//!
//! # Source
//! RFC 959 and RFC 2428 for the lines; tshark 4.0 for the words.

use std::net::Ipv4Addr;

use super::part::Short;
use super::tcp::{Key, Shown, Took, note_text};
use super::{Field, Pass, text};

/// Most connections for files that are waited for.
const TRANSFERS_MAX: usize = 256;
/// Longest command that is repeated beside a file's bytes.
const COMMAND_MAX: usize = 256;

/// What is known of a conversation.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Whether TLS begins now.
    secured: bool,
    number: u32,
    from: [u8; 16],
    to: [u8; 16],
}

impl Session {
    /// Returns whether TLS begins now, once.
    pub(super) fn take_secured(&mut self) -> bool {
        std::mem::take(&mut self.secured)
    }

    /// Says whom the next line is from and to, and in which conversation.
    pub(super) const fn between(&mut self, number: u32, from: [u8; 16], to: [u8; 16]) {
        (self.number, self.from, self.to) = (number, from, to);
    }
}

/// Connections that were announced, the newest last.
#[derive(Debug, Default)]
pub(super) struct Transfers(Vec<Transfer>);

#[derive(Debug)]
struct Transfer {
    address: [u8; 16],
    port: u16,
    mode: &'static str,
    /// What asked for the file.
    command: String,
    /// The conversation that announced it.
    by: u32,
}

impl Transfers {
    fn announce(&mut self, by: u32, mode: &'static str, (address, port): ([u8; 16], u16)) {
        self.0.retain(|old| (old.address, old.port) != (address, port));
        if self.0.len() == TRANSFERS_MAX {
            self.0.remove(0);
        }
        self.0.push(Transfer { address, port, mode, command: String::new(), by });
    }
}

/// Tells of a file's bytes if the conversation was announced as one for files.
pub(super) fn data(pass: &mut Pass<'_>, key: &Key, len: usize) -> bool {
    let (first, second) = *key;
    let transfers = &pass.state.files.0;
    let found = transfers.iter().rev().find(|file| {
        let end = (file.address, file.port);
        end == first || end == second
    });
    let Some(file) = found else { return false };
    let command = match file.command.as_str() {
        "" => String::new(),
        command => format!(" ({command})"),
    };
    let mode = file.mode;
    pass.name("FTP-DATA");
    pass.facts.layer("ftp-data");
    pass.clear();
    pass.add(format_args!("FTP Data: {len} bytes ({mode}){command}"));
    true
}

/// Reads the first line.
pub(super) fn line(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
) -> Result<Took, Short> {
    let bytes = shown.data.captured();
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    let answer = shown.src == 21;
    pass.name("FTP");
    pass.facts.layer("ftp");
    pass.clear().push_str(if answer { "Response: " } else { "Request: " });
    text::push(&mut pass.line.info, line);
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let said = String::from_utf8_lossy(line);
    if answer {
        session.secured = word == b"234";
        let code = word.get(..3).and_then(|code| std::str::from_utf8(code).ok());
        if let Some(code) = code.and_then(|code| code.parse().ok()) {
            pass.facts.number(Field::FtpResponse, code);
        }
        let announced = match word {
            b"227" => passive(&said).map(|end| ("PASV", end)),
            b"229" => extended(&said).map(|port| ("EPASV", (session.from, port))),
            _ => None,
        };
        if let Some((mode, end)) = announced {
            pass.state.files.announce(session.number, mode, end);
        }
    } else {
        note_text(pass, Field::FtpRequest, word);
        request(pass, session, &word.to_ascii_uppercase(), &said);
    }
    Ok(Took::All)
}

fn request(pass: &mut Pass<'_>, session: &Session, word: &[u8], said: &str) {
    match word {
        b"PORT" => {
            if let Some(end) = passive(said) {
                pass.state.files.announce(session.number, "PORT", end);
            }
        }
        b"EPRT" => {
            if let Some(port) = said.split('|').nth(3).and_then(|port| port.parse().ok()) {
                pass.state.files.announce(session.number, "EPRT", (session.from, port));
            }
        }
        b"RETR" | b"STOR" | b"APPE" | b"STOU" | b"LIST" | b"NLST" | b"MLSD" => {
            let files = &mut pass.state.files.0;
            if let Some(file) = files.iter_mut().rev().find(|file| file.by == session.number) {
                let mut command = String::new();
                text::push(&mut command, said.as_bytes());
                let cut = command.floor_char_boundary(COMMAND_MAX);
                command.truncate(cut);
                file.command = command;
            }
        }
        _ => {}
    }
}

/// Reads `10,62,148,1,156,64`, wherever it stands in the line.
fn passive(said: &str) -> Option<([u8; 16], u16)> {
    let start = said.find(|c: char| c.is_ascii_digit() || c == '(')?;
    // The code of an answer is no part of it.
    let said = said.split_once('(').map_or(said.get(start..)?, |(_, rest)| rest);
    let said = said.split(|c: char| !c.is_ascii_digit() && c != ',').next()?;
    let mut parts = said.split(',').map(|part| part.parse::<u8>().ok());
    let mut next = || parts.next().flatten();
    let address = Ipv4Addr::new(next()?, next()?, next()?, next()?);
    let port = u16::from_be_bytes([next()?, next()?]);
    Some((address.to_ipv6_mapped().octets(), port))
}

/// Reads the port of `229 ... (|||40001|)`.
fn extended(said: &str) -> Option<u16> {
    said.split('|').nth(3)?.parse().ok()
}
