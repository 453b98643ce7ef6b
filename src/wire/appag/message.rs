//! The messages of AppAG and their bodies, field by field.

use std::ops::RangeInclusive;

use thiserror::Error;

use crate::base::enforcement::Mode;
use crate::base::ident::{Handle, Slot, Tag};
use crate::base::time::Utc;

use super::{BODY_MAX, CONSOLE_CHUNK_MAX, FrameError};
use crate::wire::units::{Bootstrap, PACKET_MAX, PORT_MAX, Standing};

/// Longest text field, in bytes.
pub const TEXT_MAX: usize = 255;

/// One message. The comment above each group says who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    // Blade to supervisor, first on every connection.
    /// Who connects, and what for.
    Hello(Hello),

    // Supervisor to blade, in answer.
    /// The connection stands.
    Welcome(Welcome),
    /// The connection is about to be closed.
    Refused { reason: Refusal },

    // Blade to supervisor, licensing.
    /// Asks for `count` units under `handle`; repeated with the same handle it changes the count.
    Request { handle: Handle, tag: Tag, count: u32 },
    /// Gives a handle back for good.
    Release { handle: Handle },

    // Supervisor to blade, licensing.
    /// What was asked under `handle`, request or release, is in the supervisor's flash.
    Ack { handle: Handle },
    /// What was asked under `handle` is against the rules and has changed nothing.
    Denied { handle: Handle, reason: Denial },
    /// What the authority's word now means for `handle`.
    Enforce { handle: Handle, mode: Mode },
    /// What the chassis's registration means for every blade.
    Policy { export_controlled: bool, registered: bool },
    /// The chassis's clock: its time now and how fast it runs, 1000 for real time.
    Clock { wall: Utc, rate_milli: u32 },

    // Either way.
    /// Asks for a [`Message::Pong`] with the same number.
    Ping { number: u32 },
    /// Answers a [`Message::Ping`].
    Pong { number: u32 },

    // Supervisor to blade, console.
    /// Somebody sits down at the console, with a window of this size in characters.
    ConsoleOpen { width: u16, height: u16 },
    /// Bytes typed. `serial` counts up from 1.
    ConsoleIn { serial: u32, bytes: Vec<u8> },
    // Blade to supervisor, console.
    /// Bytes printed. `settled` is there when the console stands at a prompt and waits: the serial
    /// of the last input that was worked off.
    ConsoleOut { bytes: Vec<u8>, settled: Option<u32> },
    // Either way.
    /// The console session is over.
    ConsoleClosed,
    /// Something on the wire of a blade's port, to or from other units.
    Frame { port: String, bytes: Vec<u8> },
    // Blade to supervisor, units.
    /// Where the blade stands among others.
    Standing(Standing),
    // Supervisor to blade, units.
    /// What the chassis's configuration makes the blade.
    Bootstrap(Bootstrap),
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    License,
    Console,
}

/// What a blade says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub role: Role,
    pub slot: Slot,
    /// Serial number of the module, `FCH12345ABC`.
    pub serial: String,
    /// Product identifier of the module, `FPR4K-SM-32S`.
    pub module: String,
    /// Release of the software it runs, `9.14(1)`.
    pub release: String,
}

/// What the supervisor answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    pub wall: Utc,
    /// Speed of the clock, 1000 for real time.
    pub rate_milli: u32,
    /// Model of the chassis, `FPR-4125`.
    pub model: String,
    /// Name of the chassis.
    pub hostname: String,
    pub export_controlled: bool,
    pub registered: bool,
    /// Lowest handle that this slot has never used: a blade that lost its flash starts from here.
    pub next_handle: Handle,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    #[error("another blade is attached in that slot")]
    SlotTaken = 1,
    #[error("the chassis has no such slot")]
    SlotAbsent = 2,
    #[error("blade and supervisor are of different AppAG versions")]
    Version = 3,
    #[error("the frames make no sense")]
    Protocol = 4,
    #[error("too many connections")]
    Crowded = 5,
    #[error("the slot is switched off")]
    SlotOff = 6,
    #[error("the application is stopped")]
    Stopped = 7,
}

impl Refusal {
    const ALL: [Refusal; 7] = [
        Refusal::SlotTaken,
        Refusal::SlotAbsent,
        Refusal::Version,
        Refusal::Protocol,
        Refusal::Crowded,
        Refusal::SlotOff,
        Refusal::Stopped,
    ];
}

/// Why a request or a release is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    #[error("the feature tier must be requested first")]
    TierFirst = 1,
    #[error("the feature tier must be released last")]
    TierLast = 2,
    #[error("the handle was used before, for something else")]
    HandleStale = 3,
    #[error("the tag is already held under another handle")]
    TagHeld = 4,
    #[error("the count is outside what the tag allows")]
    Count = 5,
    #[error("the blade holds as many entitlements as a blade may")]
    Full = 6,
    #[error("the handle is not held")]
    HandleUnknown = 7,
}

impl Denial {
    const ALL: [Denial; 7] = [
        Denial::TierFirst,
        Denial::TierLast,
        Denial::HandleStale,
        Denial::TagHeld,
        Denial::Count,
        Denial::Full,
        Denial::HandleUnknown,
    ];
}

impl Message {
    /// The kinds there are, as the header's sixth byte names them.
    pub const KINDS: RangeInclusive<u8> = 1..=19;

    /// Returns the byte that names this kind of message in a header.
    pub const fn kind(&self) -> u8 {
        match self {
            Message::Hello(_) => 1,
            Message::Welcome(_) => 2,
            Message::Refused { .. } => 3,
            Message::Request { .. } => 4,
            Message::Release { .. } => 5,
            Message::Ack { .. } => 6,
            Message::Denied { .. } => 7,
            Message::Enforce { .. } => 8,
            Message::Policy { .. } => 9,
            Message::Clock { .. } => 10,
            Message::Ping { .. } => 11,
            Message::Pong { .. } => 12,
            Message::ConsoleOpen { .. } => 13,
            Message::ConsoleIn { .. } => 14,
            Message::ConsoleOut { .. } => 15,
            Message::ConsoleClosed => 16,
            Message::Frame { .. } => 17,
            Message::Standing(_) => 18,
            Message::Bootstrap(_) => 19,
        }
    }

    /// Returns the name of this kind, for a log line.
    pub const fn name(&self) -> &'static str {
        match self {
            Message::Hello(_) => "Hello",
            Message::Welcome(_) => "Welcome",
            Message::Refused { .. } => "Refused",
            Message::Request { .. } => "Request",
            Message::Release { .. } => "Release",
            Message::Ack { .. } => "Ack",
            Message::Denied { .. } => "Denied",
            Message::Enforce { .. } => "Enforce",
            Message::Policy { .. } => "Policy",
            Message::Clock { .. } => "Clock",
            Message::Ping { .. } => "Ping",
            Message::Pong { .. } => "Pong",
            Message::ConsoleOpen { .. } => "ConsoleOpen",
            Message::ConsoleIn { .. } => "ConsoleIn",
            Message::ConsoleOut { .. } => "ConsoleOut",
            Message::ConsoleClosed => "ConsoleClosed",
            Message::Frame { .. } => "Frame",
            Message::Standing(_) => "Standing",
            Message::Bootstrap(_) => "Bootstrap",
        }
    }

    /// Appends the body to `out`.
    pub(super) fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Message::Hello(hello) => {
                out.extend([hello.role as u8, hello.slot.number()]);
                put_text(out, &hello.serial);
                put_text(out, &hello.module);
                put_text(out, &hello.release);
            }
            Message::Welcome(welcome) => {
                out.extend(welcome.wall.unix_ms().to_be_bytes());
                out.extend(welcome.rate_milli.to_be_bytes());
                put_text(out, &welcome.model);
                put_text(out, &welcome.hostname);
                out.extend([u8::from(welcome.export_controlled), u8::from(welcome.registered)]);
                out.extend(welcome.next_handle.0.to_be_bytes());
            }
            Message::Refused { reason } => out.push(*reason as u8),
            Message::Request { handle, tag, count } => {
                out.extend(handle.0.to_be_bytes());
                out.extend(count.to_be_bytes());
                put_text(out, tag.as_str());
            }
            Message::Release { handle } | Message::Ack { handle } => {
                out.extend(handle.0.to_be_bytes());
            }
            Message::Denied { handle, reason } => {
                out.extend(handle.0.to_be_bytes());
                out.push(*reason as u8);
            }
            Message::Enforce { handle, mode } => {
                out.extend(handle.0.to_be_bytes());
                out.push(mode.code());
            }
            Message::Policy { export_controlled, registered } => {
                out.extend([u8::from(*export_controlled), u8::from(*registered)]);
            }
            Message::Clock { wall, rate_milli } => {
                out.extend(wall.unix_ms().to_be_bytes());
                out.extend(rate_milli.to_be_bytes());
            }
            Message::Ping { number } | Message::Pong { number } => out.extend(number.to_be_bytes()),
            Message::ConsoleOpen { width, height } => {
                out.extend(width.to_be_bytes());
                out.extend(height.to_be_bytes());
            }
            Message::ConsoleIn { serial, bytes } => {
                out.extend(serial.to_be_bytes());
                put_bytes(out, bytes);
            }
            Message::ConsoleOut { bytes, settled } => {
                out.push(u8::from(settled.is_some()));
                out.extend(settled.unwrap_or_default().to_be_bytes());
                put_bytes(out, bytes);
            }
            Message::ConsoleClosed => {}
            Message::Frame { port, bytes } => {
                put_text(out, port);
                put_bytes(out, bytes);
            }
            Message::Standing(standing) => out.push(*standing as u8),
            Message::Bootstrap(cluster) => {
                put_text(out, &cluster.group);
                put_text(out, &cluster.unit);
                put_text(out, &cluster.port);
                out.extend(cluster.address.octets());
                out.extend(cluster.mask.octets());
                out.extend(cluster.priority.to_be_bytes());
                put_text(out, &cluster.key);
            }
        }
    }

    /// Parses a body of this kind, to its last byte.
    pub(super) fn decode_body(kind: u8, body: &[u8]) -> Result<Message, FrameError> {
        debug_assert!(body.len() <= BODY_MAX, "the header was checked");
        let mut fields = Fields { kind, body, at: 0 };
        let message = fields.message()?;
        if fields.at != body.len() {
            return Err(fields.error(fields.at));
        }
        Ok(message)
    }
}

/// Appends a text with its length, cut at a character boundary if it is too long.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let cut = text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
    out.push(u8::try_from(cut.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(cut.as_bytes());
}

/// Appends the bytes that end a body.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    debug_assert!(bytes.len() <= CONSOLE_CHUNK_MAX, "who prints more sends several messages");
    out.extend(bytes.iter().take(CONSOLE_CHUNK_MAX));
}

/// A reader over one body, which knows where it stands.
struct Fields<'a> {
    kind: u8,
    body: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn message(&mut self) -> Result<Message, FrameError> {
        Ok(match self.kind {
            1 => Message::Hello(Hello {
                role: self.choice(|code| [Role::License, Role::Console].get(code).copied())?,
                slot: self.choice(|code| Slot::new(u8::try_from(code).ok()?))?,
                serial: self.text()?.to_owned(),
                module: self.text()?.to_owned(),
                release: self.text()?.to_owned(),
            }),
            2 => Message::Welcome(Welcome {
                wall: self.wall()?,
                rate_milli: self.u32()?,
                model: self.text()?.to_owned(),
                hostname: self.text()?.to_owned(),
                export_controlled: self.flag()?,
                registered: self.flag()?,
                next_handle: self.handle()?,
            }),
            3 => Message::Refused {
                reason: self.choice(|code| Refusal::ALL.get(code.checked_sub(1)?).copied())?,
            },
            4 => {
                let (handle, count) = (self.handle()?, self.u32()?);
                Message::Request { handle, tag: self.tag()?, count }
            }
            5 => Message::Release { handle: self.handle()? },
            6 => Message::Ack { handle: self.handle()? },
            7 => Message::Denied {
                handle: self.handle()?,
                reason: self.choice(|code| Denial::ALL.get(code.checked_sub(1)?).copied())?,
            },
            8 => Message::Enforce {
                handle: self.handle()?,
                mode: self.choice(|code| Mode::from_code(u8::try_from(code).ok()?))?,
            },
            9 => Message::Policy { export_controlled: self.flag()?, registered: self.flag()? },
            10 => Message::Clock { wall: self.wall()?, rate_milli: self.u32()? },
            11 => Message::Ping { number: self.u32()? },
            12 => Message::Pong { number: self.u32()? },
            13 => Message::ConsoleOpen { width: self.u16()?, height: self.u16()? },
            14 => Message::ConsoleIn { serial: self.u32()?, bytes: self.rest()? },
            15 => {
                let (there, serial) = (self.flag()?, self.u32()?);
                if !there && serial != 0 {
                    return Err(self.error(1));
                }
                Message::ConsoleOut { settled: there.then_some(serial), bytes: self.rest()? }
            }
            16 => Message::ConsoleClosed,
            17 => {
                let at = self.at;
                let port = self.text()?.to_owned();
                let bytes = self.rest()?;
                if port.len() > PORT_MAX || bytes.len() > PACKET_MAX {
                    return Err(self.error(at));
                }
                Message::Frame { port, bytes }
            }
            18 => Message::Standing(self.choice(|code| Standing::ALL.get(code).copied())?),
            19 => Message::Bootstrap(Bootstrap {
                group: self.text()?.to_owned(),
                unit: self.text()?.to_owned(),
                port: self.text()?.to_owned(),
                address: self.array::<4>()?.into(),
                mask: self.array::<4>()?.into(),
                priority: self.u32()?,
                key: self.text()?.to_owned(),
            }),
            got => return Err(FrameError::Kind { got }),
        })
    }

    fn error(&self, at: usize) -> FrameError {
        FrameError::Body { kind: self.kind, at }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let field = rest.first_chunk::<N>().ok_or_else(|| self.error(self.body.len()))?;
        self.at += N;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    fn handle(&mut self) -> Result<Handle, FrameError> {
        self.u32().map(Handle)
    }

    /// A time no clock can be set to is malformed: nobody behind this needs to fear an overflow.
    fn wall(&mut self) -> Result<Utc, FrameError> {
        let at = self.at;
        let wall = Utc::from_unix_ms(self.array().map(i64::from_be_bytes)?);
        if (Utc::MIN..=Utc::MAX).contains(&wall) { Ok(wall) } else { Err(self.error(at)) }
    }

    fn flag(&mut self) -> Result<bool, FrameError> {
        self.choice(|code| [false, true].get(code).copied())
    }

    fn choice<T>(&mut self, of_code: impl Fn(usize) -> Option<T>) -> Result<T, FrameError> {
        let at = self.at;
        let [code] = self.array()?;
        of_code(usize::from(code)).ok_or_else(|| self.error(at))
    }

    fn text(&mut self) -> Result<&'a str, FrameError> {
        let at = self.at;
        let [len] = self.array()?;
        let end = self.at + usize::from(len);
        let field = self.body.get(self.at..end).ok_or_else(|| self.error(self.body.len()))?;
        self.at = end;
        std::str::from_utf8(field).map_err(|_| self.error(at))
    }

    fn tag(&mut self) -> Result<Tag, FrameError> {
        let at = self.at;
        Tag::parse(self.text()?).map_err(|_| self.error(at))
    }

    fn rest(&mut self) -> Result<Vec<u8>, FrameError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        if rest.len() > CONSOLE_CHUNK_MAX {
            return Err(self.error(self.at + CONSOLE_CHUNK_MAX));
        }
        self.at = self.body.len();
        Ok(rest.to_vec())
    }
}
