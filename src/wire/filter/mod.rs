//! Capture filters: libpcap's language, compiled once to a small program.
//!
//! Frames are Ethernet. Addresses are numbers: no name of a host or network is looked up. What this
//! code does not know is refused with its place in the text, never guessed at.
//!
//! # Source
//! pcap-filter(7) of libpcap 1.10, and that library's verdicts, which a test compares with ours.

use thiserror::Error;

mod lex;
mod meaning;
mod parse;
mod program;
mod words;

/// Longest filter accepted, in bytes.
pub const TEXT_MAX: usize = 4096;
/// Deepest nesting of parentheses, `not` and `-` accepted.
pub const DEPTH_MAX: u32 = 64;

/// A compiled filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    steps: Vec<program::Step>,
}

impl Filter {
    /// Compiles `text`; blank text takes every frame. `mask` is that of the port's IPv4 network,
    /// which only `ip broadcast` asks for.
    ///
    /// # Errors
    /// [`FilterError`] with the place where it stops making sense.
    pub fn compile(text: &str, mask: Option<u32>) -> Result<Filter, FilterError> {
        if text.len() > TEXT_MAX {
            return Err(FilterError { offset: TEXT_MAX, why: Why::TooLong });
        }
        let steps = match parse::parse(&lex::tokens(text)?, mask)? {
            None => vec![program::Step::Answer(true)],
            Some(root) => {
                let end = FilterError { offset: text.len(), why: Why::TooLong };
                program::assemble(&root).ok_or(end)?
            }
        };
        Ok(Filter { steps })
    }

    /// Makes the filter that takes every frame.
    pub fn all() -> Filter {
        Filter { steps: vec![program::Step::Answer(true)] }
    }

    /// Returns whether the filter takes a frame that had `wire_len` bytes on the wire, and of which
    /// `frame` was captured.
    pub fn matches(&self, frame: &[u8], wire_len: u32) -> bool {
        program::run(&self.steps, frame, wire_len)
    }
}

/// Why a text is not a filter.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{why}")]
pub struct FilterError {
    /// Byte of the text where a caret belongs.
    pub offset: usize,
    pub why: Why,
}

/// What is wrong with a filter.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Why {
    #[error("syntax error in filter expression")]
    Syntax,
    #[error("no word or number begins with this character")]
    Character,
    #[error("filters on {0} are not supported")]
    Unsupported(&'static str),
    #[error("names of hosts and networks are not looked up; write the address")]
    HostName,
    #[error("unknown port name; write the number")]
    PortName,
    #[error("the port of that name is not one of this protocol")]
    PortProtocol,
    #[error("unknown protocol name; write the number")]
    ProtocolName,
    #[error("not an address")]
    Address,
    #[error("port number greater than 65535")]
    Port,
    #[error("this qualifier can't stand before that")]
    Qualifier,
    #[error("mask length greater than the address is long")]
    MaskLength,
    #[error("bits outside the mask are set in the network's address")]
    HostBits,
    #[error("a mask is for networks only; write `net`")]
    MaskOnHost,
    #[error("an Ethernet address is for `ether host` only")]
    EtherAddress,
    #[error("VLAN number greater than 4095")]
    Vlan,
    #[error("number too large")]
    Number,
    #[error("8 and 9 are no digits of a number that begins with 0")]
    Octal,
    #[error("division by zero")]
    DivisionByZero,
    #[error("shift by more than 31 bits")]
    Shift,
    #[error("the size must be 1, 2 or 4")]
    Size,
    #[error("the bytes of this protocol can't be looked at")]
    Index,
    #[error("nested too deeply")]
    TooDeep,
    #[error("the filter is too long")]
    TooLong,
}

#[cfg(test)]
mod tests;
