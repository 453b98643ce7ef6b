//! What an address, a number or a name means after its qualifiers.

use super::{Kind, Parsed, Parser, Quals};
use crate::wire::filter::lex::Tok;
use crate::wire::filter::meaning::Dir;
use crate::wire::filter::program::Node;
use crate::wire::filter::words::{self, Proto, Word};
use crate::wire::filter::{FilterError, Why};
use crate::wire::service::{self, Transport};

impl Parser<'_> {
    /// The meaning of the bare number at token `start`.
    pub(super) fn bare(&mut self, start: usize, number: u32, quals: Option<Quals>) -> Parsed<Node> {
        let offset = self.tokens.get(start).map_or(0, |token| token.at);
        self.meant_number(number, quals).map_err(|why| FilterError { offset, why })
    }

    fn meant_number(&self, number: u32, quals: Option<Quals>) -> Result<Node, Why> {
        let Quals { proto, dir, kind } = quals.ok_or(Why::Syntax)?;
        let either = dir.unwrap_or(Dir::Either);
        match kind {
            Kind::Plain | Kind::Host | Kind::Net => {
                let (mut address, mut mask) = (number, u32::MAX);
                // `net 10` is 10.0.0.0/8.
                while kind == Kind::Net && address != 0 && address >> 24 == 0 {
                    (address, mask) = (address << 8, mask << 8);
                }
                self.meaning.host(proto, either, address, mask)
            }
            Kind::Port | Kind::PortRange => {
                let over = port_protocol(proto)?;
                let port = u16::try_from(number).map_err(|_| Why::Port)?;
                Ok(self.meaning.ports(over, either, port, port))
            }
            Kind::Protocol => self.meant_protocol(number, proto, dir),
        }
    }

    fn meant_protocol(
        &self,
        number: u32,
        proto: Option<Proto>,
        dir: Option<Dir>,
    ) -> Result<Node, Why> {
        match proto {
            _ if dir.is_some() => Err(Why::Qualifier),
            None => Ok(self.meaning.either_proto(number)),
            Some(Proto::Link) => Ok(self.meaning.ether_proto(number)),
            Some(Proto::Ip) => Ok(self.meaning.ip_proto(number)),
            Some(Proto::Ip6) => Ok(self.meaning.ip6_proto(number)),
            Some(Proto::Sap(0xfe)) => Err(Why::Unsupported("OSI protocols")),
            Some(_) => Err(Why::Qualifier),
        }
    }

    /// The meaning of the address or name at token `start`, which is taken.
    pub(super) fn address(&mut self, start: usize, quals: Option<Quals>) -> Parsed<Node> {
        let token = self.token();
        let (tok, offset) = (token.tok, token.at);
        let text = token.text.to_owned();
        self.at = start + 1;
        let found = match (tok, quals) {
            (_, None) => Err(Why::Syntax),
            (Tok::V4(address, bits), Some(quals)) => self.v4(address, bits, quals)?,
            (Tok::V6(address), Some(quals)) => {
                let len = if self.take(Tok::Mark(b'/')) { self.plain_number()? } else { 128 };
                self.v6(u128::from(address), len, quals)
            }
            (Tok::Mac(mac), Some(Quals { proto: Some(Proto::Link), dir, kind })) => match kind {
                Kind::Plain | Kind::Host => {
                    Ok(self.meaning.ether_host(dir.unwrap_or(Dir::Either), mac))
                }
                Kind::Net | Kind::Port | Kind::PortRange | Kind::Protocol => Err(Why::EtherAddress),
            },
            (Tok::Mac(_), Some(_)) => Err(Why::EtherAddress),
            (_, Some(quals)) => self.name(&text, quals),
        };
        found.map_err(|why| FilterError { offset, why })
    }

    /// An IPv4 address with what may follow it: `/LENGTH` or `mask MASK`.
    fn v4(&mut self, part: u32, bits: u32, quals: Quals) -> Parsed<Result<Node, Why>> {
        let shifted = |part: u32, bits: u32| part.checked_shl(32 - bits).unwrap_or(0);
        let address = shifted(part, bits);
        let mask = if self.take(Tok::Mark(b'/')) {
            let len = self.plain_number()?;
            if len > 32 {
                return Ok(Err(Why::MaskLength));
            }
            u32::MAX.checked_shl(32 - len).unwrap_or(0)
        } else if self.take_word(Word::Mask) {
            let Tok::V4(mask, mask_bits) = self.peek() else {
                return Err(self.error(Why::Syntax));
            };
            self.at += 1;
            shifted(mask, mask_bits)
        } else {
            let either = quals.dir.unwrap_or(Dir::Either);
            let mask = shifted(u32::MAX >> (32 - bits), bits);
            return Ok(match quals.kind {
                Kind::Plain | Kind::Host | Kind::Net => {
                    self.meaning.host(quals.proto, either, address, mask)
                }
                Kind::Port | Kind::PortRange | Kind::Protocol => Err(Why::Qualifier),
            });
        };
        Ok(if address & !mask != 0 {
            Err(Why::HostBits)
        } else if quals.kind == Kind::Net {
            self.meaning.host(quals.proto, quals.dir.unwrap_or(Dir::Either), address, mask)
        } else {
            Err(Why::MaskOnHost)
        })
    }

    fn v6(&self, address: u128, len: u32, quals: Quals) -> Result<Node, Why> {
        if len > 128 {
            return Err(Why::MaskLength);
        }
        let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
        if address & !mask != 0 {
            return Err(Why::HostBits);
        }
        match quals.kind {
            Kind::Plain | Kind::Host if len != 128 => Err(Why::MaskOnHost),
            Kind::Plain | Kind::Host | Kind::Net => {
                let either = quals.dir.unwrap_or(Dir::Either);
                self.meaning.host6(quals.proto, either, address, mask)
            }
            Kind::Port | Kind::PortRange | Kind::Protocol => Err(Why::Qualifier),
        }
    }

    /// The meaning of a name: of a port, of a range of them, or of a protocol.
    fn name(&self, text: &str, quals: Quals) -> Result<Node, Why> {
        let Quals { proto, dir, kind } = quals;
        let either = dir.unwrap_or(Dir::Either);
        match kind {
            Kind::Plain | Kind::Host | Kind::Net => Err(Why::HostName),
            Kind::Port => {
                let over = port_protocol(proto)?;
                let (port, on) = service::port(text).ok_or(Why::PortName)?;
                Ok(self.meaning.ports(narrowed(over, on)?, either, port, port))
            }
            Kind::PortRange => {
                let over = port_protocol(proto)?;
                let (low, high) = text.split_once('-').ok_or(Why::PortName)?;
                if let (Ok(low), Ok(high)) = (low.parse::<u32>(), high.parse::<u32>()) {
                    let port = |number| u16::try_from(number).map_err(|_| Why::Port);
                    return Ok(self.meaning.ports(over, either, port(low)?, port(high)?));
                }
                let (low, low_on) = ends(low)?;
                let (high, high_on) = ends(high)?;
                let on = if low_on == high_on { low_on } else { Transport::Both };
                Ok(self.meaning.ports(narrowed(over, on)?, either, low, high))
            }
            Kind::Protocol => {
                let number = match proto {
                    None | Some(Proto::Ip | Proto::Ip6) => words::ip_protocol(text),
                    Some(Proto::Link) => words::ether_protocol(text),
                    Some(_) => return Err(Why::Qualifier),
                };
                self.meant_protocol(number.ok_or(Why::ProtocolName)?, proto, dir)
            }
        }
    }
}

/// The protocol that `tcp port` and its like ask for; `None` for any with ports.
fn port_protocol(proto: Option<Proto>) -> Result<Option<u8>, Why> {
    match proto {
        None => Ok(None),
        Some(Proto::Over(number @ (6 | 17 | 132))) => Ok(Some(number)),
        Some(_) => Err(Why::Qualifier),
    }
}

/// The protocol that a named port is looked for on.
fn narrowed(asked: Option<u8>, on: Transport) -> Result<Option<u8>, Why> {
    match (asked, on) {
        (None, Transport::Both) => Ok(None),
        (None | Some(6), Transport::Tcp) | (Some(6), Transport::Both) => Ok(Some(6)),
        (None | Some(17), Transport::Udp) | (Some(17), Transport::Both) => Ok(Some(17)),
        (Some(other), Transport::Both) => Ok(Some(other)),
        (Some(_), Transport::Tcp | Transport::Udp) => Err(Why::PortProtocol),
    }
}

/// An end of a range: a number or a name.
fn ends(text: &str) -> Result<(u16, Transport), Why> {
    match text.parse::<u16>() {
        Ok(port) => Ok((port, Transport::Both)),
        Err(_) => service::port(text).ok_or(Why::PortName),
    }
}
