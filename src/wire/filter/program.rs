//! What a filter becomes: a short program that only jumps ahead, as the packet filters of kernels
//! run.
//!
//! # Source
//! McCanne and Jacobson, "The BSD Packet Filter", for the machine; its rule that a look beyond the
//! frame's end refuses the frame is kept.

/// How many scratch cells a program may use; libpcap's limit too.
pub(super) const CELLS: usize = 16;

/// How much is read at once, in network order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Byte,
    Half,
    Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cond {
    Equal,
    Above,
    AtLeast,
    AnyBit,
}

/// One step. `a` and `x` are the machine's two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// a = what stands at this place of the frame.
    Load(Size, u32),
    /// a = what stands at this place plus x.
    LoadAt(Size, u32),
    /// a = the frame's length on the wire.
    Length,
    Number(u32),
    /// x = the length of the IPv4 header that begins at this place.
    HeaderLen(u32),
    /// x = a.
    ToX,
    Keep(u8),
    Fetch(u8),
    FetchX(u8),
    /// a = a op number.
    With(Alu, u32),
    /// a = a op x.
    WithX(Alu),
    Negate,
    /// Compares a with a number, or with x, and goes on at the first or at the second place.
    Jump(Cond, u32, u16, u16),
    JumpX(Cond, u16, u16),
    /// The end: take the frame or not.
    Answer(bool),
}

/// Runs `steps` over a frame of `wire_len` bytes of which `frame` is what was captured.
pub(super) fn run(steps: &[Step], frame: &[u8], wire_len: u32) -> bool {
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
    let mut cells = [0_u32; CELLS];
    // A jump goes ahead only, so every turn of the loop comes nearer to the end.
    while let Some(step) = steps.get(at) {
        at += 1;
        match *step {
            Step::Load(size, place) => match load(frame, size, u64::from(place)) {
                Some(value) => a = value,
                None => return false,
            },
            Step::LoadAt(size, place) => match load(frame, size, u64::from(place) + u64::from(x)) {
                Some(value) => a = value,
                None => return false,
            },
            Step::Length => a = wire_len,
            Step::Number(number) => a = number,
            Step::HeaderLen(place) => match load(frame, Size::Byte, u64::from(place)) {
                Some(first) => x = (first & 0xf) * 4,
                None => return false,
            },
            Step::ToX => x = a,
            Step::Keep(cell) => cells[usize::from(cell) % CELLS] = a,
            Step::Fetch(cell) => a = cells[usize::from(cell) % CELLS],
            Step::FetchX(cell) => x = cells[usize::from(cell) % CELLS],
            Step::With(alu, number) => match calculate(alu, a, number) {
                Some(value) => a = value,
                None => return false,
            },
            Step::WithX(alu) => match calculate(alu, a, x) {
                Some(value) => a = value,
                None => return false,
            },
            Step::Negate => a = a.wrapping_neg(),
            Step::Jump(cond, number, yes, no) => {
                at = usize::from(if holds(cond, a, number) { yes } else { no });
            }
            Step::JumpX(cond, yes, no) => {
                at = usize::from(if holds(cond, a, x) { yes } else { no });
            }
            Step::Answer(answer) => return answer,
        }
    }
    false
}

fn load(frame: &[u8], size: Size, place: u64) -> Option<u32> {
    let rest = frame.get(usize::try_from(place).ok()?..)?;
    match size {
        Size::Byte => rest.first().map(|byte| u32::from(*byte)),
        Size::Half => rest.first_chunk().map(|half| u32::from(u16::from_be_bytes(*half))),
        Size::Word => rest.first_chunk().map(|word| u32::from_be_bytes(*word)),
    }
}

/// Calculates in 32 bits; `None` for a division by zero, which refuses the frame.
fn calculate(alu: Alu, a: u32, b: u32) -> Option<u32> {
    Some(match alu {
        Alu::Add => a.wrapping_add(b),
        Alu::Sub => a.wrapping_sub(b),
        Alu::Mul => a.wrapping_mul(b),
        Alu::Div => a.checked_div(b)?,
        Alu::Mod => a.checked_rem(b)?,
        Alu::And => a & b,
        Alu::Or => a | b,
        Alu::Xor => a ^ b,
        Alu::ShiftLeft => a.checked_shl(b).unwrap_or(0),
        Alu::ShiftRight => a.checked_shr(b).unwrap_or(0),
    })
}

fn holds(cond: Cond, a: u32, b: u32) -> bool {
    match cond {
        Cond::Equal => a == b,
        Cond::Above => a > b,
        Cond::AtLeast => a >= b,
        Cond::AnyBit => a & b != 0,
    }
}

/// A test of a frame: steps that leave a value in a, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub steps: Vec<Step>,
    pub cond: Cond,
    /// What a is compared with; x if `None`.
    pub with: Option<u32>,
}

/// A filter as a tree. Its order from left to right is the order in which a frame is looked at.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Test(Test),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
}

impl Node {
    pub(super) fn and(self, then: Node) -> Node {
        Node::And(Box::new(self), Box::new(then))
    }

    pub(super) fn or(self, then: Node) -> Node {
        Node::Or(Box::new(self), Box::new(then))
    }

    pub(super) fn negated(self) -> Node {
        Node::Not(Box::new(self))
    }
}

/// Turns the tree into a program; `None` if it would be longer than jumps reach.
pub(super) fn assemble(root: &Node) -> Option<Vec<Step>> {
    // It is written from its end to its beginning, so that every jump's target is known; places
    // are counted from the end until the last line.
    let mut steps = vec![Step::Answer(false), Step::Answer(true)];
    write(root, &mut steps, 1, 0)?;
    let last = u16::try_from(steps.len() - 1).ok()?;
    steps.reverse();
    for step in &mut steps {
        match step {
            Step::Jump(_, _, yes, no) | Step::JumpX(_, yes, no) => {
                (*yes, *no) = (last - *yes, last - *no);
            }
            Step::Load(..)
            | Step::LoadAt(..)
            | Step::Length
            | Step::Number(_)
            | Step::HeaderLen(_)
            | Step::ToX
            | Step::Keep(_)
            | Step::Fetch(_)
            | Step::FetchX(_)
            | Step::With(..)
            | Step::WithX(_)
            | Step::Negate
            | Step::Answer(_) => {}
        }
    }
    Some(steps)
}

/// Writes `node`, which goes on at `yes` or at `no`; returns where it begins.
fn write(node: &Node, steps: &mut Vec<Step>, yes: u16, no: u16) -> Option<u16> {
    match node {
        Node::And(first, then) => {
            let then = write(then, steps, yes, no)?;
            write(first, steps, then, no)
        }
        Node::Or(first, then) => {
            let then = write(then, steps, yes, no)?;
            write(first, steps, yes, then)
        }
        Node::Not(inner) => write(inner, steps, no, yes),
        Node::Test(test) => {
            steps.push(match test.with {
                Some(number) => Step::Jump(test.cond, number, yes, no),
                None => Step::JumpX(test.cond, yes, no),
            });
            steps.extend(test.steps.iter().rev());
            u16::try_from(steps.len() - 1).ok()
        }
    }
}
