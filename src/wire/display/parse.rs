//! Display filters: from pieces to nodes.

use std::net::{Ipv4Addr, Ipv6Addr};

use regex_lite::RegexBuilder;

use super::lex::{Kind, Token};
use super::{DEPTH_MAX, DisplayError, Literal, Node, Order, Pattern, Test, Why};
use crate::wire::summary::{Field, Shape};

/// Names that stand for a protocol, and the layers that are it.
const LAYERS: [(&str, &[&str]); 25] = [
    ("frame", &["frame"]),
    ("eth", &["eth"]),
    ("vlan", &["vlan"]),
    ("llc", &["llc"]),
    ("arp", &["arp", "rarp"]),
    ("ip", &["ip"]),
    ("ipv6", &["ipv6"]),
    ("icmp", &["icmp"]),
    ("icmpv6", &["icmpv6"]),
    ("tcp", &["tcp"]),
    ("udp", &["udp"]),
    ("dns", &["dns"]),
    ("mdns", &["mdns"]),
    ("llmnr", &["llmnr"]),
    ("ntp", &["ntp"]),
    ("dhcp", &["dhcp"]),
    ("bootp", &["dhcp"]),
    ("tls", &["tls"]),
    ("ssl", &["tls"]),
    ("http", &["http"]),
    ("ssh", &["ssh"]),
    ("syslog", &["syslog"]),
    ("tftp", &["tftp"]),
    ("ftp", &["ftp"]),
    ("ftp-data", &["ftp-data"]),
];

/// Names that stand for several fields.
const GROUPS: [(&str, &[Field]); 6] = [
    ("eth.addr", &[Field::EthDst, Field::EthSrc]),
    ("ip.addr", &[Field::IpSrc, Field::IpDst]),
    ("ip.host", &[Field::IpSrc, Field::IpDst]),
    ("ipv6.addr", &[Field::Ip6Src, Field::Ip6Dst]),
    ("tcp.port", &[Field::TcpSrc, Field::TcpDst]),
    ("udp.port", &[Field::UdpSrc, Field::UdpDst]),
];

/// Turns the pieces of a text of `len` bytes into a node.
///
/// # Errors
/// [`DisplayError`] with the place of the piece that does not fit.
pub(super) fn parse(tokens: &[Token], len: usize) -> Result<Node, DisplayError> {
    if tokens.is_empty() {
        return Ok(Node::All);
    }
    let mut parser = Parser { tokens, next: 0, len, depth: 0 };
    let node = parser.any()?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(unexpected(token)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    len: usize,
    depth: u32,
}

fn unexpected(token: &Token) -> DisplayError {
    DisplayError { offset: token.at, why: Why::Unexpected(token.shown()) }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Result<&'a Token, DisplayError> {
        let end = DisplayError { offset: self.len, why: Why::End };
        let token = self.peek().ok_or(end)?;
        self.next += 1;
        Ok(token)
    }

    /// Takes the next piece if it is one of these.
    fn accept(&mut self, words: &[&str]) -> bool {
        let is = self.peek().is_some_and(|token| match &token.kind {
            Kind::Word(text) => words.contains(&text.as_str()),
            Kind::Sign(sign) => words.contains(sign),
            Kind::Quoted(_) => false,
        });
        self.next += usize::from(is);
        is
    }

    fn any(&mut self) -> Result<Node, DisplayError> {
        let mut node = self.both()?;
        while self.accept(&["or", "||"]) {
            node = Node::Or(Box::new(node), Box::new(self.both()?));
        }
        Ok(node)
    }

    fn both(&mut self) -> Result<Node, DisplayError> {
        let mut node = self.one()?;
        while self.accept(&["and", "&&"]) {
            node = Node::And(Box::new(node), Box::new(self.one()?));
        }
        Ok(node)
    }

    fn one(&mut self) -> Result<Node, DisplayError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let offset = self.peek().map_or(self.len, |token| token.at);
            return Err(DisplayError { offset, why: Why::TooDeep });
        }
        let node = if self.accept(&["not", "!"]) {
            Node::Not(Box::new(self.one()?))
        } else if self.accept(&["("]) {
            let node = self.any()?;
            if !self.accept(&[")"]) {
                return Err(unexpected(self.take()?));
            }
            node
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(node)
    }

    /// A protocol, a field, or a field with what is asked of it.
    fn test(&mut self) -> Result<Node, DisplayError> {
        let token = self.take()?;
        let Kind::Word(name) = &token.kind else { return Err(unexpected(token)) };
        let compared = self.operator();
        if let Some((_, layers)) = LAYERS.iter().find(|(known, _)| known == name) {
            return match compared {
                None => Ok(Node::Layer(layers)),
                Some(_) => Err(DisplayError { offset: token.at, why: Why::Protocol }),
            };
        }
        let unknown = DisplayError { offset: token.at, why: Why::Unknown(name.clone()) };
        let fields = fields(name).ok_or(unknown)?;
        let Some(operator) = compared else { return Ok(Node::Exists(fields)) };
        let shape = fields.first().map_or(Shape::Number, |field| field.shape());
        let (test, all) = self.asked(operator, shape)?;
        Ok(Node::Is { fields, test, all })
    }

    fn operator(&mut self) -> Option<Operator> {
        const OPERATORS: [(&[&str], Operator); 11] = [
            (&["===", "all_eq"], Operator::Order(Order::Equal, true)),
            (&["!==", "~=", "any_ne"], Operator::Order(Order::Unequal, false)),
            (&["==", "eq", "any_eq"], Operator::Order(Order::Equal, false)),
            (&["!=", "ne", "all_ne"], Operator::Order(Order::Unequal, true)),
            (&[">=", "ge"], Operator::Order(Order::GreaterEqual, false)),
            (&["<=", "le"], Operator::Order(Order::LessEqual, false)),
            (&[">", "gt"], Operator::Order(Order::Greater, false)),
            (&["<", "lt"], Operator::Order(Order::Less, false)),
            (&["contains"], Operator::Contains),
            (&["matches", "~"], Operator::Matches),
            (&["in"], Operator::In { out: false }),
        ];
        let before = self.next;
        if self.accept(&["not"]) {
            if self.accept(&["in"]) {
                return Some(Operator::In { out: true });
            }
            self.next = before;
            return None;
        }
        OPERATORS.into_iter().find(|(words, _)| self.accept(words)).map(|(_, operator)| operator)
    }

    /// Reads what a field is compared with.
    fn asked(&mut self, operator: Operator, shape: Shape) -> Result<(Test, bool), DisplayError> {
        match operator {
            Operator::Order(order, all) => {
                let token = self.take()?;
                Ok((Test::Compare(order, literal(token, shape)?), all))
            }
            Operator::Contains | Operator::Matches => {
                let name = if operator == Operator::Contains { "contains" } else { "matches" };
                let before = self.next.saturating_sub(1);
                let token = self.take()?;
                if shape != Shape::Text {
                    let offset = self.tokens.get(before).map_or(0, |one| one.at);
                    return Err(DisplayError { offset, why: Why::Search(name) });
                }
                let (Kind::Word(text) | Kind::Quoted(text)) = &token.kind else {
                    return Err(unexpected(token));
                };
                if operator == Operator::Contains {
                    return Ok((Test::Contains(text.clone()), false));
                }
                // Letters of either case match, as in tshark.
                let regex = RegexBuilder::new(text).case_insensitive(true).build();
                let regex = regex.map_err(|_| bad(token, "regular expression"))?;
                Ok((Test::Matches(Pattern(regex)), false))
            }
            Operator::In { out } => Ok((Test::In { ranges: self.set(shape)?, out }, out)),
        }
    }

    /// Reads `{80, 443, 8000 .. 8080}`.
    fn set(&mut self, shape: Shape) -> Result<Vec<(Literal, Literal)>, DisplayError> {
        if !self.accept(&["{"]) {
            return Err(unexpected(self.take()?));
        }
        let mut ranges = Vec::new();
        loop {
            let low = literal(self.take()?, shape)?;
            let high =
                if self.accept(&[".."]) { literal(self.take()?, shape)? } else { low.clone() };
            ranges.push((low, high));
            if self.accept(&["}"]) {
                return Ok(ranges);
            }
            if !self.accept(&[","]) {
                return Err(unexpected(self.take()?));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// How, and whether every value must.
    Order(Order, bool),
    Contains,
    Matches,
    In {
        out: bool,
    },
}

fn fields(name: &str) -> Option<Vec<Field>> {
    let name = name.replacen("ssl.", "tls.", 1).replacen("bootp.", "dhcp.", 1);
    if let Some((_, fields)) = GROUPS.iter().find(|(known, _)| *known == name) {
        return Some(fields.to_vec());
    }
    let found: Vec<Field> =
        Field::ALL.iter().copied().filter(|field| field.name() == name).collect();
    (!found.is_empty()).then_some(found)
}

fn bad(token: &Token, what: &'static str) -> DisplayError {
    DisplayError { offset: token.at, why: Why::Value { text: token.shown(), what } }
}

/// Reads a value of a field's kind.
fn literal(token: &Token, shape: Shape) -> Result<Literal, DisplayError> {
    let (Kind::Word(text) | Kind::Quoted(text)) = &token.kind else {
        return Err(unexpected(token));
    };
    let found = match shape {
        Shape::Number => number(text).map(Literal::Number),
        Shape::Flag => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Literal::Number(1)),
            "false" => Some(Literal::Number(0)),
            // Whatever is not 0 is true.
            other => number(other).map(|number| Literal::Number(u64::from(number != 0))),
        },
        Shape::Mac => mac(text).map(Literal::Mac),
        Shape::V4 => v4(text),
        Shape::V6 => v6(text),
        Shape::Text => Some(Literal::Text(text.clone())),
    };
    found.ok_or_else(|| match shape {
        Shape::Number | Shape::Flag => bad(token, "number"),
        Shape::Mac => bad(token, "Ethernet address"),
        Shape::V4 => bad(token, "IPv4 address"),
        Shape::V6 => bad(token, "IPv6 address"),
        Shape::Text => bad(token, "text"),
    })
}

/// A number in decimal, or in hexadecimal or octal as in C.
fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        Some(digits) => u64::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let mut parts = text.split([':', '-', '.']);
    let mut mac = [0; 6];
    for byte in &mut mac {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

fn v4(text: &str) -> Option<Literal> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
    let address = address.parse::<Ipv4Addr>().ok()?.to_bits();
    let prefix = prefix.parse::<u32>().ok().filter(|prefix| *prefix <= 32)?;
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    Some(Literal::V4 { address, mask })
}

fn v6(text: &str) -> Option<Literal> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "128"));
    let address = address.parse::<Ipv6Addr>().ok()?.to_bits();
    let prefix = prefix.parse::<u32>().ok().filter(|prefix| *prefix <= 128)?;
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    Some(Literal::V6 { address, mask })
}
