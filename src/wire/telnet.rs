//! Telnet, as far as a login needs it: RFC 854, the options echo (857), suppress-go-ahead (858) and
//! window size (1073).

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const INTERRUPT: u8 = 244;
const SE: u8 = 240;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const WINDOW_SIZE: u8 = 31;

/// What a server says first: it echoes, both sides speak at once, and it wants to know the window.
pub const OFFER: [u8; 12] = [
    IAC,
    WILL,
    ECHO,
    IAC,
    WILL,
    SUPPRESS_GO_AHEAD,
    IAC,
    DO,
    SUPPRESS_GO_AHEAD,
    IAC,
    DO,
    WINDOW_SIZE,
];
/// Longest subnegotiation that is kept; what is longer is none that we know.
const SUB_MAX: usize = 16;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Keys.
    Keys(Vec<u8>),
    /// The window's columns and rows.
    Size(u16, u16),
    /// The server has to answer this.
    Answer([u8; 3]),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    Command,
    Option(u8),
    Sub,
    SubCommand,
}

/// Reads what a client sends, in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
    sub: Vec<u8>,
}

impl Decoder {
    /// Takes bytes and returns what they say, in order.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut keys = Vec::new();
        for byte in bytes {
            let event = self.byte(*byte, &mut keys);
            if let Some(event) = event {
                if !keys.is_empty() {
                    events.push(Event::Keys(std::mem::take(&mut keys)));
                }
                events.push(event);
            }
        }
        if !keys.is_empty() {
            events.push(Event::Keys(keys));
        }
        events
    }

    fn byte(&mut self, byte: u8, keys: &mut Vec<u8>) -> Option<Event> {
        match (self.state, byte) {
            (State::Data, IAC) => self.state = State::Command,
            (State::Data, _) => keys.push(byte),
            (State::Command, WILL | WONT | DO | DONT) => self.state = State::Option(byte),
            (State::Command, SB) => {
                self.sub.clear();
                self.state = State::Sub;
            }
            (State::Command, _) => {
                self.state = State::Data;
                match byte {
                    IAC => keys.push(IAC),
                    INTERRUPT => keys.push(3),
                    _ => {}
                }
            }
            (State::Option(verb), option) => {
                self.state = State::Data;
                return answer(verb, option).map(Event::Answer);
            }
            (State::Sub, IAC) => self.state = State::SubCommand,
            (State::Sub, _) => self.keep(byte),
            (State::SubCommand, SE) => {
                self.state = State::Data;
                return self.subnegotiated();
            }
            (State::SubCommand, _) => {
                self.state = State::Sub;
                self.keep(byte);
            }
        }
        None
    }

    fn keep(&mut self, byte: u8) {
        if self.sub.len() < SUB_MAX {
            self.sub.push(byte);
        }
    }

    fn subnegotiated(&self) -> Option<Event> {
        match self.sub[..] {
            [WINDOW_SIZE, a, b, c, d] => {
                Some(Event::Size(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
            }
            _ => None,
        }
    }
}

/// Refuses every option that [`OFFER`] did not name; answers to the offer need none.
fn answer(verb: u8, option: u8) -> Option<[u8; 3]> {
    match (verb, option) {
        (DO, ECHO | SUPPRESS_GO_AHEAD) | (WILL, SUPPRESS_GO_AHEAD | WINDOW_SIZE) => None,
        (DO, _) => Some([IAC, WONT, option]),
        (WILL, _) => Some([IAC, DONT, option]),
        _ => None,
    }
}

/// Returns bytes as they go on the wire: 255 doubled.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        out.push(*byte);
        if *byte == IAC {
            out.push(IAC);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Event {
        Event::Keys(bytes.to_vec())
    }

    #[test]
    fn options_are_taken_out_of_the_keys_wherever_reads_cut() {
        let sent = [
            b'a',
            IAC,
            WILL,
            WINDOW_SIZE,
            IAC,
            SB,
            WINDOW_SIZE,
            0,
            132,
            0,
            40,
            IAC,
            SE,
            b'b',
            IAC,
            IAC,
            IAC,
            DO,
            24,
            IAC,
            WILL,
            24,
            IAC,
            INTERRUPT,
            b'c',
        ];
        let whole = vec![
            keys(b"a"),
            Event::Size(132, 40),
            keys(&[b'b', IAC]),
            Event::Answer([IAC, WONT, 24]),
            Event::Answer([IAC, DONT, 24]),
            keys(&[3, b'c']),
        ];
        assert_eq!(Decoder::default().take(&sent), whole);
        for size in 1..sent.len() {
            let mut decoder = Decoder::default();
            let mut events: Vec<Event> = Vec::new();
            for event in sent.chunks(size).flat_map(|part| decoder.take(part)) {
                match (events.last_mut(), event) {
                    (Some(Event::Keys(last)), Event::Keys(more)) => last.extend(more),
                    (_, event) => events.push(event),
                }
            }
            assert_eq!(events, whole, "cut into {size}");
        }
    }

    #[test]
    fn a_window_may_be_255_wide_and_a_long_subnegotiation_is_bounded() {
        let mut decoder = Decoder::default();
        let sent = [IAC, SB, WINDOW_SIZE, 0, IAC, IAC, 0, 24, IAC, SE];
        assert_eq!(decoder.take(&sent), [Event::Size(255, 24)]);
        let long = [&[IAC, SB][..], &[7; 5000], &[IAC, SE, b'x']].concat();
        assert_eq!(decoder.take(&long), [keys(b"x")]);
        assert!(decoder.sub.len() <= SUB_MAX);
    }

    #[test]
    fn what_is_sent_is_read_again() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Decoder::default().take(&encode(&bytes)), [keys(&bytes)]);
        assert_eq!(Decoder::default().take(&OFFER[6..9]), []);
    }
}
