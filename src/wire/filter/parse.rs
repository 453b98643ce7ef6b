//! The grammar of the filter language, read from left to right in one pass.
//!
//! `or 443` borrows the qualifiers of what stands before it, through parentheses and `not`; `and`
//! and `or` bind equally. In arithmetic `%` and `^` take all of what follows them, as in libpcap.
//!
//! # Source
//! pcap-filter(7); where it is silent, what libpcap 1.10 accepts.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "to a parser all tokens but those it asks for are alike"
)]

mod address;
mod arithmetic;

use super::lex::{Tok, Token};
use super::meaning::{Dir, Meaning, Number};
use super::program::{Cond, Node};
use super::words::{Proto, Word};
use super::{DEPTH_MAX, FilterError, Why};

/// What an address or a number after qualifiers means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing but a direction was written: a host.
    Plain,
    Host,
    Net,
    Port,
    PortRange,
    Protocol,
}

/// The qualifiers before an address, kept for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quals {
    proto: Option<Proto>,
    dir: Option<Dir>,
    kind: Kind,
}

/// A part of an expression; which of these it is shows only at its end.
enum Item {
    /// A bare number: an address, a port, or the beginning of arithmetic.
    Bare(u32),
    Number(Number),
    /// An address or a list of them, after qualifiers written or borrowed.
    Id(Node, Option<Quals>),
    /// A complete condition, and the qualifiers that what follows may borrow.
    Term(Node, Option<Quals>),
}

/// What may stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowed {
    /// A condition.
    Term,
    /// An address, after its qualifiers.
    Id,
    /// Either: after `and` and `or`.
    Both,
}

/// Parses a whole filter; `None` for a blank one.
pub(super) fn parse(tokens: &[Token<'_>], mask: Option<u32>) -> Result<Option<Node>, FilterError> {
    let mut parser = Parser { tokens, at: 0, depth: 0, mask, meaning: Meaning::default() };
    if parser.peek() == Tok::End {
        return Ok(None);
    }
    let (root, _) = parser.expression(None)?;
    match parser.peek() {
        Tok::End => Ok(Some(root)),
        _ => Err(parser.error(Why::Syntax)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    depth: u32,
    mask: Option<u32>,
    meaning: Meaning,
}

type Parsed<T> = Result<T, FilterError>;

impl Parser<'_> {
    fn token(&self) -> Token<'_> {
        let last = self.tokens.last().copied();
        let end = last.unwrap_or(Token { tok: Tok::End, at: 0, text: "" });
        self.tokens.get(self.at).copied().unwrap_or(end)
    }

    fn peek(&self) -> Tok {
        self.token().tok
    }

    fn take(&mut self, tok: Tok) -> bool {
        let is = self.peek() == tok;
        self.at += usize::from(is);
        is
    }

    fn take_word(&mut self, word: Word) -> bool {
        self.take(Tok::Word(word))
    }

    fn error(&self, why: Why) -> FilterError {
        FilterError { offset: self.token().at, why }
    }

    fn expect(&mut self, mark: u8) -> Parsed<()> {
        if self.take(Tok::Mark(mark)) { Ok(()) } else { Err(self.error(Why::Syntax)) }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.error(Why::TooDeep)) } else { Ok(()) }
    }

    /// Conditions and addresses joined by `and` and `or`, the first one a condition.
    fn expression(&mut self, lent: Option<Quals>) -> Parsed<(Node, Option<Quals>)> {
        let start = self.token().at;
        match self.item(lent, Allowed::Term)? {
            Item::Term(node, quals) => self.joined(node, quals),
            Item::Bare(_) | Item::Number(_) | Item::Id(..) => {
                Err(FilterError { offset: start, why: Why::Syntax })
            }
        }
    }

    /// What follows a condition.
    fn joined(&mut self, node: Node, quals: Option<Quals>) -> Parsed<(Node, Option<Quals>)> {
        let (mut node, mut quals) = (node, quals);
        loop {
            let is_and = match self.peek() {
                Tok::Word(Word::And) => true,
                Tok::Word(Word::Or) => false,
                _ => return Ok((node, quals)),
            };
            self.at += 1;
            let start = self.at;
            let next = match self.item(quals, Allowed::Both)? {
                Item::Term(next, lends) | Item::Id(next, lends) => {
                    quals = lends;
                    next
                }
                Item::Bare(number) => self.bare(start, number, quals)?,
                Item::Number(_) => return Err(self.error(Why::Syntax)),
            };
            node = if is_and { node.and(next) } else { node.or(next) };
        }
    }

    /// One condition, address or number; `lent` are the qualifiers that an address here has.
    fn item(&mut self, lent: Option<Quals>, allowed: Allowed) -> Parsed<Item> {
        let start = self.at;
        match self.peek() {
            Tok::Mark(b'!') | Tok::Word(Word::Not) => {
                self.at += 1;
                self.deeper()?;
                let inner = self.at;
                let item = match self.item(lent, allowed)? {
                    Item::Term(node, quals) => Item::Term(node.negated(), quals),
                    Item::Id(node, quals) => Item::Id(node.negated(), quals),
                    Item::Bare(number) if allowed != Allowed::Term => {
                        Item::Id(self.bare(inner, number, lent)?.negated(), lent)
                    }
                    Item::Bare(_) | Item::Number(_) => return Err(self.error(Why::Syntax)),
                };
                self.depth -= 1;
                Ok(item)
            }
            Tok::Mark(b'(') => {
                self.at += 1;
                self.deeper()?;
                let item = self.inside(lent, allowed)?;
                self.expect(b')')?;
                self.depth -= 1;
                self.maybe_relation(item, allowed)
            }
            Tok::Num(number) => {
                self.at += 1;
                self.maybe_relation(Item::Bare(number), allowed)
            }
            Tok::V4(..) | Tok::V6(_) | Tok::Mac(_) | Tok::Name if allowed != Allowed::Term => {
                Ok(Item::Id(self.address(start, lent)?, lent))
            }
            Tok::Mark(b'-') | Tok::Word(Word::Len) if allowed != Allowed::Id => {
                let left = self.arithmetic(0)?;
                self.maybe_relation(Item::Number(left), allowed)
            }
            Tok::Word(word) if allowed != Allowed::Id => self.primitive(word),
            _ => Err(self.error(Why::Syntax)),
        }
    }

    /// What stands in parentheses.
    fn inside(&mut self, lent: Option<Quals>, allowed: Allowed) -> Parsed<Item> {
        let start = self.at;
        let bracketed = self.peek() == Tok::Mark(b'(');
        match self.item(lent, allowed)? {
            Item::Term(node, quals) => {
                let (node, _) = self.joined(node, quals)?;
                // What follows the parentheses borrows what stood before them.
                Ok(Item::Term(node, lent))
            }
            Item::Number(number) => Ok(Item::Number(number)),
            Item::Bare(number) => match self.peek() {
                Tok::Word(Word::And | Word::Or) if allowed != Allowed::Term => {
                    let first = self.bare(start, number, lent)?;
                    self.list(first, lent)
                }
                _ => Ok(Item::Bare(number)),
            },
            // A list in parentheses may not begin with another one.
            Item::Id(..) if bracketed => Err(self.error(Why::Syntax)),
            Item::Id(node, quals) => self.list(node, quals),
        }
    }

    /// A list of addresses in parentheses, after its first.
    fn list(&mut self, first: Node, quals: Option<Quals>) -> Parsed<Item> {
        let mut node = first;
        loop {
            let is_and = match self.peek() {
                Tok::Word(Word::And) => true,
                Tok::Word(Word::Or) => false,
                _ => return Ok(Item::Id(node, quals)),
            };
            self.at += 1;
            let start = self.at;
            let next = match self.item(quals, Allowed::Id)? {
                Item::Id(next, _) => next,
                Item::Bare(number) => self.bare(start, number, quals)?,
                Item::Term(..) | Item::Number(_) => return Err(self.error(Why::Syntax)),
            };
            node = if is_and { node.and(next) } else { node.or(next) };
        }
    }

    /// Goes on with arithmetic and a comparison if `item` is the beginning of one.
    fn maybe_relation(&mut self, item: Item, allowed: Allowed) -> Parsed<Item> {
        let goes_on = matches!(
            self.peek(),
            Tok::Mark(b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'=' | b'<' | b'>')
                | Tok::NotEqual
                | Tok::AtLeast
                | Tok::AtMost
                | Tok::ShiftLeft
                | Tok::ShiftRight
        );
        let left = match item {
            Item::Bare(number) if goes_on && allowed != Allowed::Id => {
                let offset = self.token().at;
                let number = self.meaning.constant(number);
                number.map_err(|why| FilterError { offset, why })?
            }
            Item::Number(number) => number,
            Item::Bare(_) | Item::Id(..) | Item::Term(..) => return Ok(item),
        };
        let left = self.operators(left, 0)?;
        let (cond, opposite) = match self.peek() {
            Tok::Mark(b'=') => (Cond::Equal, false),
            Tok::Mark(b'>') => (Cond::Above, false),
            Tok::AtLeast => (Cond::AtLeast, false),
            Tok::NotEqual => (Cond::Equal, true),
            Tok::AtMost => (Cond::Above, true),
            Tok::Mark(b'<') => (Cond::AtLeast, true),
            _ => return Ok(Item::Number(left)),
        };
        self.at += 1;
        let right = self.arithmetic(0)?;
        Ok(Item::Term(self.meaning.relation(cond, opposite, left, right), None))
    }

    /// A condition that begins with a word.
    fn primitive(&mut self, word: Word) -> Parsed<Item> {
        let start = self.at;
        self.at += 1;
        let place = |tokens: &[Token<'_>], why| FilterError {
            offset: tokens.get(start).map_or(0, |token| token.at),
            why,
        };
        let term = |node| Ok(Item::Term(node, None));
        match word {
            Word::Proto(proto) => match self.peek() {
                Tok::Mark(b'[') => {
                    self.at = start;
                    let left = self.arithmetic(0)?;
                    self.maybe_relation(Item::Number(left), Allowed::Both)
                }
                Tok::Word(
                    Word::Src
                    | Word::Dst
                    | Word::Host
                    | Word::Net
                    | Word::Port
                    | Word::PortRange
                    | Word::ByProto,
                ) => self.qualified(Some(proto)),
                Tok::Word(Word::Broadcast) => {
                    let node = self.meaning.broadcast(Some(proto), self.mask);
                    let node = node.map_err(|why| self.error(why))?;
                    self.at += 1;
                    term(node)
                }
                Tok::Word(Word::Multicast) => {
                    let node = self.meaning.multicast(Some(proto));
                    let node = node.map_err(|why| self.error(why))?;
                    self.at += 1;
                    term(node)
                }
                _ => {
                    let node = self.meaning.protocol(proto);
                    term(node.map_err(|why| place(self.tokens, why))?)
                }
            },
            Word::Src
            | Word::Dst
            | Word::Host
            | Word::Net
            | Word::Port
            | Word::PortRange
            | Word::ByProto => {
                self.at = start;
                self.qualified(None)
            }
            Word::Broadcast => {
                let node = self.meaning.broadcast(None, self.mask);
                term(node.map_err(|why| place(self.tokens, why))?)
            }
            Word::Multicast => {
                let node = self.meaning.multicast(None);
                term(node.map_err(|why| place(self.tokens, why))?)
            }
            Word::Greater => term(Meaning::length(Cond::AtLeast, self.plain_number()?)),
            Word::Less => term(Meaning::length(Cond::Above, self.plain_number()?).negated()),
            Word::Byte => term(self.byte()?),
            Word::Vlan => {
                let at = self.at;
                let number = match self.peek() {
                    Tok::Num(_) | Tok::Mark(b'(') => Some(self.bracketed_number()?),
                    _ => None,
                };
                let node = self.meaning.vlan(number);
                term(node.map_err(|why| FilterError { offset: self.tokens[at].at, why })?)
            }
            Word::Llc if self.peek() == Tok::Name => {
                Err(self.error(Why::Unsupported("kinds of 802.2 frames")))
            }
            Word::Llc => term(self.meaning.llc()),
            Word::PppoeDiscovery => term(self.meaning.ether_proto(0x8863)),
            Word::Mask | Word::And | Word::Or | Word::Not | Word::Len => {
                Err(place(self.tokens, Why::Syntax))
            }
        }
    }

    fn plain_number(&mut self) -> Parsed<u32> {
        let Tok::Num(number) = self.peek() else { return Err(self.error(Why::Syntax)) };
        self.at += 1;
        Ok(number)
    }

    /// A number that may stand in parentheses.
    fn bracketed_number(&mut self) -> Parsed<u32> {
        if !self.take(Tok::Mark(b'(')) {
            return self.plain_number();
        }
        self.deeper()?;
        let number = self.bracketed_number()?;
        self.depth -= 1;
        self.expect(b')')?;
        Ok(number)
    }

    /// `byte PLACE = VALUE`. Its `&` and `|` look at nothing in libpcap, so they are refused.
    fn byte(&mut self) -> Parsed<Node> {
        let place = self.plain_number()?;
        let (cond, opposite) = match self.peek() {
            Tok::Mark(b'=') => (Cond::Equal, false),
            Tok::Mark(b'>') => (Cond::Above, false),
            Tok::Mark(b'<') => (Cond::AtLeast, true),
            Tok::Mark(b'&' | b'|') => {
                return Err(self.error(Why::Unsupported("bits of a `byte`; write `ether[N] & M`")));
            }
            _ => return Err(self.error(Why::Syntax)),
        };
        self.at += 1;
        let value = self.plain_number()?;
        let node = self.meaning.byte(place, cond, value);
        Ok(if opposite { node.negated() } else { node })
    }

    /// Qualifiers after the protocol's word, and the address or list after them.
    fn qualified(&mut self, proto: Option<Proto>) -> Parsed<Item> {
        let dir = self.direction();
        let kind = match self.peek() {
            Tok::Word(Word::Host) => Kind::Host,
            Tok::Word(Word::Net) => Kind::Net,
            Tok::Word(Word::Port) => Kind::Port,
            Tok::Word(Word::PortRange) => Kind::PortRange,
            Tok::Word(Word::ByProto) if dir.is_none() => Kind::Protocol,
            Tok::Word(_) => return Err(self.error(Why::Syntax)),
            _ => Kind::Plain,
        };
        self.at += usize::from(kind != Kind::Plain);
        let quals = Some(Quals { proto, dir, kind });
        let start = self.at;
        let node = match self.item(quals, Allowed::Id)? {
            Item::Id(node, _) => node,
            Item::Bare(number) => self.bare(start, number, quals)?,
            Item::Term(..) | Item::Number(_) => return Err(self.error(Why::Syntax)),
        };
        Ok(Item::Term(node, quals))
    }

    fn direction(&mut self) -> Option<Dir> {
        let (one, other, dir) = match self.peek() {
            Tok::Word(Word::Src) => (Word::Src, Word::Dst, Dir::Src),
            Tok::Word(Word::Dst) => (Word::Dst, Word::Src, Dir::Dst),
            _ => return None,
        };
        self.take_word(one);
        let next = self.tokens.get(self.at + 1).map(|token| token.tok);
        let joined = match self.peek() {
            Tok::Word(Word::Or) => Dir::Either,
            Tok::Word(Word::And) => Dir::Both,
            _ => return Some(dir),
        };
        if next != Some(Tok::Word(other)) {
            return Some(dir);
        }
        self.at += 2;
        Some(joined)
    }
}
