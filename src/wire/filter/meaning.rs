//! What the filter language's primitives ask of an Ethernet frame.
//!
//! # Source
//! pcap-filter(7) and the programs that `tcpdump -d` prints: which header is looked at first, which
//! fragments count, what IPv6's next header may be.

use super::Why;
use super::program::{Alu, CELLS, Cond, Node, Size, Step, Test};
use super::words::Proto;

/// Where a field is counted from.
#[derive(Clone, Copy, Debug)]
enum From {
    Frame,
    /// The Ethernet type, behind the VLAN tags that the filter has asked for so far.
    Type,
    /// What the Ethernet type announces.
    Payload,
    /// Behind the IPv4 header, whatever its length.
    Transport4,
    /// Behind the fixed IPv6 header.
    Transport6,
}

/// Which of a frame's two addresses or ports is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dir {
    Src,
    Dst,
    Either,
    Both,
}

/// Largest number in the length field that is a length and not a type.
const ETHER_LENGTH_MAX: u32 = 1500;
const ETHER_IP: u32 = 0x0800;
const ETHER_IP6: u32 = 0x86dd;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const IP6_FRAGMENT: u32 = 44;

/// Writes tests. It knows how many VLAN tags the filter has asked for up to here: as in libpcap,
/// everything to the right of a `vlan` looks behind that tag.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    tags: u32,
    cells: [bool; CELLS],
}

/// A number that is computed from the frame.
#[derive(Debug)]
pub(super) struct Number {
    steps: Vec<Step>,
    cell: u8,
    /// What the frame must be for the number to make sense.
    guard: Option<Node>,
}

impl Meaning {
    fn load(&self, from: From, offset: u32, size: Size) -> Vec<Step> {
        let behind = 4 * self.tags;
        match from {
            From::Frame => vec![Step::Load(size, offset)],
            From::Type => vec![Step::Load(size, 12 + behind + offset)],
            From::Payload => vec![Step::Load(size, 14 + behind + offset)],
            From::Transport4 => {
                vec![Step::HeaderLen(14 + behind), Step::LoadAt(size, 14 + behind + offset)]
            }
            From::Transport6 => vec![Step::Load(size, 54 + behind + offset)],
        }
    }

    fn test(&self, from: From, offset: u32, size: Size, cond: Cond, value: u32) -> Node {
        Node::Test(Test { steps: self.load(from, offset, size), cond, with: Some(value) })
    }

    fn equal(&self, from: From, offset: u32, size: Size, value: u32) -> Node {
        self.test(from, offset, size, Cond::Equal, value)
    }

    fn masked(&self, from: From, offset: u32, size: Size, value: u32, mask: u32) -> Node {
        let mut steps = self.load(from, offset, size);
        if mask != u32::MAX {
            steps.push(Step::With(Alu::And, mask));
        }
        Node::Test(Test { steps, cond: Cond::Equal, with: Some(value) })
    }

    /// `bytes`, at most 8, compared from the back: first whole words, then halves.
    fn bytes(&self, from: From, offset: u32, bytes: &[u8]) -> Node {
        let (mut end, mut all) = (bytes.len(), None);
        while end > 0 {
            let (size, len) = if end >= 4 { (Size::Word, 4) } else { (Size::Half, 2.min(end)) };
            let part = bytes.get(end - len..end).unwrap_or_default();
            let value = part.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
            end -= len;
            // At most 8.
            let node = self.equal(from, offset + end as u32, size, value);
            all = Some(match all {
                None => node,
                Some(all) => Node::and(all, node),
            });
        }
        all.unwrap_or_else(|| self.equal(from, offset, Size::Byte, 0))
    }

    fn is_length(&self) -> Node {
        self.test(From::Type, 0, Size::Half, Cond::Above, ETHER_LENGTH_MAX).negated()
    }

    fn snap(&self, organisation: u32, kind: u16) -> Node {
        let [_, a, b, c] = organisation.to_be_bytes();
        let [d, e] = kind.to_be_bytes();
        self.bytes(From::Payload, 0, &[0xaa, 0xaa, 3, a, b, c, d, e])
    }

    /// `ether proto NUMBER`: an Ethernet type, or an 802.2 access point.
    pub(super) fn ether_proto(&self, number: u32) -> Node {
        match number {
            // ISO, IP and NetBIOS over 802.2: both access points.
            0xfe | 0x06 | 0xf0 => {
                self.is_length().and(self.equal(From::Payload, 0, Size::Half, number << 8 | number))
            }
            // IPX, in any of its four framings.
            0xe0 => {
                let sap = self.equal(From::Payload, 0, Size::Byte, 0xe0);
                let raw = self.equal(From::Payload, 0, Size::Half, 0xffff);
                let plain = self.snap(0, 0x8137).or(sap.or(raw));
                let typed = self.equal(From::Type, 0, Size::Half, 0x8137);
                typed.or(self.is_length().and(plain))
            }
            0x809b | 0x80f3 => {
                let apple = number == u32::from(Proto::ATALK);
                let snap = if apple { self.snap(0x08_0007, 0x809b) } else { self.snap(0, 0x80f3) };
                let typed = self.equal(From::Type, 0, Size::Half, number);
                typed.or(self.is_length().and(snap))
            }
            sap @ 0..=ETHER_LENGTH_MAX => {
                self.is_length().and(self.equal(From::Type, 2, Size::Byte, sap))
            }
            kind => self.equal(From::Type, 0, Size::Half, kind),
        }
    }

    /// `ip proto NUMBER`.
    pub(super) fn ip_proto(&self, number: u32) -> Node {
        self.ether_proto(ETHER_IP).and(self.equal(From::Payload, 9, Size::Byte, number))
    }

    /// `ip6 proto NUMBER`: the next header, or the one behind a fragment header.
    pub(super) fn ip6_proto(&self, number: u32) -> Node {
        let fragment = self.equal(From::Payload, 6, Size::Byte, IP6_FRAGMENT);
        let behind = fragment.and(self.equal(From::Payload, 40, Size::Byte, number));
        let next = self.equal(From::Payload, 6, Size::Byte, number);
        self.ether_proto(ETHER_IP6).and(next.or(behind))
    }

    /// `proto NUMBER`: over either of the two.
    pub(super) fn either_proto(&self, number: u32) -> Node {
        self.ip_proto(number).or(self.ip6_proto(number))
    }

    /// A protocol's word alone.
    pub(super) fn protocol(&self, proto: Proto) -> Result<Node, Why> {
        Ok(match proto {
            Proto::Link => return Err(Why::Syntax),
            Proto::Ip => self.ether_proto(ETHER_IP),
            Proto::Ip6 => self.ether_proto(ETHER_IP6),
            Proto::Type(kind) => self.ether_proto(u32::from(kind)),
            Proto::Sap(sap) => self.ether_proto(u32::from(sap)),
            Proto::Over(number) => self.either_proto(u32::from(number)),
            Proto::OverIp(number) => self.ip_proto(u32::from(number)),
            Proto::Icmp6 => self.ip6_proto(58),
        })
    }

    fn directed(dir: Dir, one: impl Fn(bool) -> Node) -> Node {
        match dir {
            Dir::Src => one(true),
            Dir::Dst => one(false),
            Dir::Either => one(true).or(one(false)),
            Dir::Both => one(true).and(one(false)),
        }
    }

    /// An IPv4 address or network in an IPv4, ARP or RARP packet.
    fn host_in(&self, kind: u32, dir: Dir, address: u32, mask: u32) -> Node {
        let (src, dst) = if kind == ETHER_IP { (12, 16) } else { (14, 24) };
        Meaning::directed(dir, |is_src| {
            let offset = if is_src { src } else { dst };
            let field = self.masked(From::Payload, offset, Size::Word, address, mask);
            self.ether_proto(kind).and(field)
        })
    }

    /// `host` or `net` with an IPv4 address.
    pub(super) fn host(
        &self,
        proto: Option<Proto>,
        dir: Dir,
        address: u32,
        mask: u32,
    ) -> Result<Node, Why> {
        let kind = |kind| self.host_in(kind, dir, address, mask);
        match proto {
            None => Ok(kind(ETHER_IP).or(kind(0x0806)).or(kind(0x8035))),
            Some(Proto::Ip) => Ok(kind(ETHER_IP)),
            Some(Proto::ARP) => Ok(kind(0x0806)),
            Some(Proto::RARP) => Ok(kind(0x8035)),
            Some(_) => Err(Why::Qualifier),
        }
    }

    /// `host` or `net` with an IPv6 address.
    pub(super) fn host6(
        &self,
        proto: Option<Proto>,
        dir: Dir,
        address: u128,
        mask: u128,
    ) -> Result<Node, Why> {
        if !matches!(proto, None | Some(Proto::Ip6)) {
            return Err(Why::Qualifier);
        }
        Ok(Meaning::directed(dir, |is_src| {
            let start = if is_src { 8 } else { 24 };
            // The four words of the address, the first one first.
            let word = |value: u128, index: u32| (value >> (96 - 32 * index)) as u32;
            let words = [0, 1, 2, 3].map(|index| {
                let (value, mask) = (word(address, index), word(mask, index));
                self.masked(From::Payload, start + 4 * index, Size::Word, value, mask)
            });
            words.into_iter().fold(self.ether_proto(ETHER_IP6), Node::and)
        }))
    }

    /// `ether host`.
    pub(super) fn ether_host(&self, dir: Dir, mac: [u8; 6]) -> Node {
        Meaning::directed(dir, |is_src| self.bytes(From::Frame, if is_src { 6 } else { 0 }, &mac))
    }

    /// Not an IPv4 fragment, or the first one: only that has the ports.
    fn first_fragment(&self) -> Node {
        self.test(From::Payload, 6, Size::Half, Cond::AnyBit, 0x1fff).negated()
    }

    /// `portrange`, and `port` as a range of one. `proto` is TCP, UDP or SCTP, or all of them.
    pub(super) fn ports(&self, proto: Option<u8>, dir: Dir, low: u16, high: u16) -> Node {
        let (low, high) = (u32::from(low.min(high)), u32::from(low.max(high)));
        let port = |from: From, is_src: bool| {
            let offset = if is_src { 0 } else { 2 };
            if low == high {
                return self.equal(from, offset, Size::Half, low);
            }
            let least = self.test(from, offset, Size::Half, Cond::AtLeast, low);
            least.and(self.test(from, offset, Size::Half, Cond::Above, high).negated())
        };
        let over4 = |proto: u8| {
            let is = self.equal(From::Payload, 9, Size::Byte, u32::from(proto));
            let ports = Meaning::directed(dir, |is_src| port(From::Transport4, is_src));
            is.and(self.first_fragment()).and(ports)
        };
        let over6 = |proto: u8| {
            let is = self.equal(From::Payload, 6, Size::Byte, u32::from(proto));
            is.and(Meaning::directed(dir, |is_src| port(From::Transport6, is_src)))
        };
        let (four, six) = match proto {
            Some(proto) => (over4(proto), over6(proto)),
            None => (
                over4(SCTP).or(over4(TCP).or(over4(UDP))),
                over6(SCTP).or(over6(TCP).or(over6(UDP))),
            ),
        };
        self.ether_proto(ETHER_IP6).and(six).or(self.ether_proto(ETHER_IP).and(four))
    }

    /// `broadcast`; `ip broadcast` needs the network's mask.
    pub(super) fn broadcast(&self, proto: Option<Proto>, mask: Option<u32>) -> Result<Node, Why> {
        match proto {
            None | Some(Proto::Link) => Ok(self.ether_host(Dir::Dst, [0xff; 6])),
            Some(Proto::Ip) => {
                let host = !mask.unwrap_or(0);
                let zero = self.masked(From::Payload, 16, Size::Word, 0, host);
                let ones = self.masked(From::Payload, 16, Size::Word, host, host);
                Ok(self.ether_proto(ETHER_IP).and(zero.or(ones)))
            }
            Some(_) => Err(Why::Qualifier),
        }
    }

    /// `multicast`.
    pub(super) fn multicast(&self, proto: Option<Proto>) -> Result<Node, Why> {
        match proto {
            None | Some(Proto::Link) => Ok(self.test(From::Frame, 0, Size::Byte, Cond::AnyBit, 1)),
            Some(Proto::Ip) => {
                let group = self.test(From::Payload, 16, Size::Byte, Cond::AtLeast, 224);
                Ok(self.ether_proto(ETHER_IP).and(group))
            }
            Some(Proto::Ip6) => {
                let group = self.equal(From::Payload, 24, Size::Byte, 255);
                Ok(self.ether_proto(ETHER_IP6).and(group))
            }
            Some(_) => Err(Why::Qualifier),
        }
    }

    /// `greater`: at least so long; `less` is `not` the other with `Above`.
    pub(super) fn length(cond: Cond, len: u32) -> Node {
        Node::Test(Test { steps: vec![Step::Length], cond, with: Some(len) })
    }

    /// `byte PLACE = VALUE` and its like.
    pub(super) fn byte(&self, place: u32, cond: Cond, value: u32) -> Node {
        self.test(From::Frame, place, Size::Byte, cond, value)
    }

    /// `vlan`: a tag, of a number if one is given. What follows looks behind it.
    pub(super) fn vlan(&mut self, number: Option<u32>) -> Result<Node, Why> {
        let kind = |kind| self.ether_proto(kind);
        let mut node = kind(0x8100).or(kind(0x88a8)).or(kind(0x9100));
        if let Some(number) = number {
            if number > 0xfff {
                return Err(Why::Vlan);
            }
            node = node.and(self.masked(From::Payload, 0, Size::Half, number, 0xfff));
        }
        self.tags += 1;
        Ok(node)
    }

    /// `llc`: a frame with an 802.2 header.
    pub(super) fn llc(&self) -> Node {
        let netware = self.equal(From::Payload, 0, Size::Half, 0xffff);
        self.is_length().and(netware.negated())
    }

    fn take_cell(&mut self) -> Result<u8, Why> {
        let free = self.cells.iter().position(|used| !used).ok_or(Why::TooDeep)?;
        self.cells[free] = true;
        // Below CELLS.
        Ok(free as u8)
    }

    fn free_cell(&mut self, cell: u8) {
        self.cells[usize::from(cell) % CELLS] = false;
    }

    pub(super) fn constant(&mut self, value: u32) -> Result<Number, Why> {
        let cell = self.take_cell()?;
        Ok(Number { steps: vec![Step::Number(value), Step::Keep(cell)], cell, guard: None })
    }

    pub(super) fn frame_length(&mut self) -> Result<Number, Why> {
        let cell = self.take_cell()?;
        Ok(Number { steps: vec![Step::Length, Step::Keep(cell)], cell, guard: None })
    }

    pub(super) fn negative(mut number: Number) -> Number {
        number.steps.extend([Step::Fetch(number.cell), Step::Negate, Step::Keep(number.cell)]);
        number
    }

    /// `left alu right`. As in libpcap the right side's condition is not asked: `1 + tcp[0]` looks
    /// into frames that are not TCP.
    pub(super) fn arithmetic(
        &mut self,
        alu: Alu,
        mut left: Number,
        right: Number,
    ) -> Result<Number, Why> {
        match (alu, right.steps.first()) {
            (Alu::Div | Alu::Mod, Some(Step::Number(0))) => return Err(Why::DivisionByZero),
            (Alu::ShiftLeft | Alu::ShiftRight, Some(Step::Number(32..))) => {
                return Err(Why::Shift);
            }
            (_, _) => {}
        }
        left.steps.extend(right.steps);
        left.steps.extend([Step::FetchX(right.cell), Step::Fetch(left.cell), Step::WithX(alu)]);
        self.free_cell(left.cell);
        self.free_cell(right.cell);
        left.cell = self.take_cell()?;
        left.steps.push(Step::Keep(left.cell));
        Ok(left)
    }

    /// `proto[index:size]`.
    pub(super) fn index(&mut self, proto: Proto, index: Number, size: u32) -> Result<Number, Why> {
        let size = match size {
            1 => Size::Byte,
            2 => Size::Half,
            4 => Size::Word,
            _ => return Err(Why::Size),
        };
        let cell = self.take_cell()?;
        self.free_cell(index.cell);
        let Number { mut steps, cell: at, guard } = index;
        let payload = 14 + 4 * self.tags;
        let and = |guard: Option<Node>, node: Node| match guard {
            Some(guard) => guard.and(node),
            None => node,
        };
        let guard = match proto {
            Proto::Link => {
                steps.extend([Step::FetchX(at), Step::LoadAt(size, 0)]);
                guard
            }
            Proto::Ip | Proto::Ip6 | Proto::Type(_) => {
                if proto == Proto::Type(Proto::AARP) {
                    return Err(Why::Index);
                }
                steps.extend([Step::FetchX(at), Step::LoadAt(size, payload)]);
                Some(and(guard, self.protocol(proto)?))
            }
            Proto::Over(50 | 51) | Proto::Sap(_) => return Err(Why::Index),
            Proto::Over(_) | Proto::OverIp(_) => {
                steps.extend([
                    Step::HeaderLen(payload),
                    Step::Fetch(at),
                    Step::WithX(Alu::Add),
                    Step::ToX,
                    Step::LoadAt(size, payload),
                ]);
                let first = self.protocol(proto)?.and(self.first_fragment());
                Some(self.ether_proto(ETHER_IP).and(and(guard, first)))
            }
            Proto::Icmp6 => {
                steps.extend([Step::FetchX(at), Step::LoadAt(size, payload + 40)]);
                let is = and(guard, self.ether_proto(ETHER_IP6));
                Some(is.and(self.equal(From::Payload, 6, Size::Byte, 58)))
            }
        };
        steps.push(Step::Keep(cell));
        Ok(Number { steps, cell, guard })
    }

    /// `left cond right`, or its opposite.
    pub(super) fn relation(
        &mut self,
        cond: Cond,
        opposite: bool,
        left: Number,
        right: Number,
    ) -> Node {
        self.free_cell(left.cell);
        self.free_cell(right.cell);
        let mut steps = left.steps;
        steps.extend(right.steps);
        steps.extend([Step::FetchX(right.cell), Step::Fetch(left.cell)]);
        let test = Node::Test(Test { steps, cond, with: None });
        let test = if opposite { test.negated() } else { test };
        match (left.guard, right.guard) {
            (Some(left), Some(right)) => left.and(right).and(test),
            (Some(guard), None) | (None, Some(guard)) => guard.and(test),
            (None, None) => test,
        }
    }
}
