//! The blade's end of its console connection: frames in, keystrokes out, and back.

use thiserror::Error;

use crate::wire::appag::{
    CONSOLE_CHUNK_MAX, Decoder, Encoder, FrameError, Hello, Message, Refusal,
};

/// A console connection, from the moment it is connected until it breaks.
#[derive(Clone, Debug)]
pub struct Port {
    decoder: Decoder,
    encoder: Encoder,
    state: State,
    /// Serial of the last input handed out; 0 before the first.
    typed: u32,
    /// Serial of the last input reported as worked off.
    settled: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Ready,
}

/// What came over the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Somebody sits down; window size in characters.
    Opened { width: u16, height: u16 },
    /// Somebody typed.
    Typed(Vec<u8>),
    /// Somebody left.
    Closed,
    /// Nothing for the console.
    Nothing,
}

/// Why the connection can't go on: close it and connect again after [`super::RECONNECT_WAIT`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PortError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the supervisor refuses the console: {0}")]
    Refused(Refusal),
    #[error("{name} is not for a supervisor to say on a console connection")]
    Unexpected { name: &'static str },
}

impl Port {
    /// Begins a connection; returns it with the first bytes to send.
    ///
    /// `hello` is that of [`super::Blade::hello`] for the role of a console.
    pub fn new(hello: Hello) -> (Port, Vec<u8>) {
        let mut encoder = Encoder::default();
        let first = encoder.encode(&Message::Hello(hello));
        let state = State::Greeting;
        (Port { decoder: Decoder::default(), encoder, state, typed: 0, settled: 0 }, first)
    }

    /// Takes bytes as they were read; then pull until `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// Returns what the next whole message means; `None` until more bytes come.
    ///
    /// # Errors
    /// [`PortError`]: close the connection.
    pub fn pull(&mut self) -> Result<Option<Happening>, PortError> {
        let Some(message) = self.decoder.pull()? else { return Ok(None) };
        let name = message.name();
        Ok(Some(match (self.state, message) {
            (State::Greeting, Message::Welcome(_)) => {
                self.state = State::Ready;
                Happening::Nothing
            }
            (State::Greeting | State::Ready, Message::Refused { reason }) => {
                return Err(PortError::Refused(reason));
            }
            (State::Ready, Message::ConsoleOpen { width, height }) => {
                // Serials begin anew with each session; so does what is owed to it.
                (self.typed, self.settled) = (0, 0);
                Happening::Opened { width, height }
            }
            (State::Ready, Message::ConsoleIn { serial, bytes }) => {
                self.typed = serial;
                Happening::Typed(bytes)
            }
            (State::Ready, Message::ConsoleClosed) => Happening::Closed,
            (State::Ready, Message::Pong { .. } | Message::Clock { .. }) => Happening::Nothing,
            (
                State::Greeting,
                Message::ConsoleOpen { .. }
                | Message::ConsoleIn { .. }
                | Message::ConsoleClosed
                | Message::Pong { .. }
                | Message::Clock { .. },
            )
            | (State::Ready, Message::Welcome(_))
            | (
                State::Greeting | State::Ready,
                Message::Hello(_)
                | Message::Request { .. }
                | Message::Release { .. }
                | Message::Ack { .. }
                | Message::Denied { .. }
                | Message::Enforce { .. }
                | Message::Policy { .. }
                | Message::Ping { .. }
                | Message::Frame { .. }
                | Message::Standing(_)
                | Message::Bootstrap(_)
                | Message::ConsoleOut { .. },
            ) => return Err(PortError::Unexpected { name }),
        }))
    }

    /// Returns the frames that carry what the console printed.
    ///
    /// `at_prompt` says that it now waits for input: then the last frame reports everything typed
    /// as worked off, and there is a frame even for nothing printed if that is news.
    pub fn print(&mut self, text: &[u8], at_prompt: bool) -> Vec<u8> {
        let news = at_prompt && self.settled != self.typed;
        let mut frames = Vec::new();
        let mut pieces = text.chunks(CONSOLE_CHUNK_MAX).peekable();
        if pieces.peek().is_none() && news {
            frames = self.frame(&[], true);
        }
        while let Some(piece) = pieces.next() {
            let last = pieces.peek().is_none();
            frames.extend(self.frame(piece, last && at_prompt));
        }
        frames
    }

    fn frame(&mut self, bytes: &[u8], settled: bool) -> Vec<u8> {
        if settled {
            self.settled = self.typed;
        }
        let settled = settled.then_some(self.typed);
        self.encoder.encode(&Message::ConsoleOut { bytes: bytes.to_vec(), settled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::{Handle, Slot};
    use crate::base::time::Utc;
    use crate::wire::appag::{Role, Welcome};

    #[test]
    fn what_is_typed_is_settled_when_the_prompt_stands() {
        let (mut port, mut supervisor) = ready();
        port.push(&supervisor.encode(&Message::ConsoleOpen { width: 80, height: 24 }));
        port.push(&supervisor.encode(&Message::ConsoleIn { serial: 7, bytes: b"show".to_vec() }));
        assert_eq!(port.pull(), Ok(Some(Happening::Opened { width: 80, height: 24 })));
        assert_eq!(port.pull(), Ok(Some(Happening::Typed(b"show".to_vec()))));
        assert_eq!(heard(&port.print(b"show", false)), [(4, None)], "echo is no prompt");
        assert_eq!(heard(&port.print(b"", false)), []);
        assert_eq!(heard(&port.print(b"", true)), [(0, Some(7))], "a silent command settles too");
        assert_eq!(heard(&port.print(b"", true)), [], "once");
        let long = vec![b'x'; CONSOLE_CHUNK_MAX + 1];
        let both = [(CONSOLE_CHUNK_MAX, None), (1, Some(7))];
        assert_eq!(heard(&port.print(&long, true)), both, "only the last frame settles");
    }

    #[test]
    fn what_a_supervisor_may_not_say_ends_the_connection() {
        let (mut port, mut supervisor) = ready();
        port.push(&supervisor.encode(&Message::Ack { handle: Handle(1) }));
        assert_eq!(port.pull(), Err(PortError::Unexpected { name: "Ack" }));

        let (mut port, _) = Port::new(hello());
        let refused = Message::Refused { reason: Refusal::SlotTaken };
        port.push(&Encoder::default().encode(&refused));
        assert_eq!(port.pull(), Err(PortError::Refused(Refusal::SlotTaken)));

        let (mut port, _) = Port::new(hello());
        port.push(b"login: ");
        assert_eq!(port.pull(), Err(PortError::Frame(FrameError::Magic)));
    }

    fn hello() -> Hello {
        Hello {
            role: Role::Console,
            slot: Slot::new(1).unwrap(),
            serial: "FCH12345ABC".to_owned(),
            module: "FPR4K-SM-32S".to_owned(),
            release: "9.14(1)".to_owned(),
        }
    }

    fn ready() -> (Port, Encoder) {
        let (mut port, first) = Port::new(hello());
        let mut decoder = Decoder::default();
        decoder.push(&first);
        assert_eq!(decoder.pull(), Ok(Some(Message::Hello(hello()))));
        let mut supervisor = Encoder::default();
        let welcome = Welcome {
            wall: Utc::MIN,
            rate_milli: 1000,
            model: String::new(),
            hostname: String::new(),
            export_controlled: false,
            registered: false,
            next_handle: Handle(1),
        };
        port.push(&supervisor.encode(&Message::Welcome(welcome)));
        assert_eq!(port.pull(), Ok(Some(Happening::Nothing)));
        (port, supervisor)
    }

    /// Length and settled serial of each frame; frames of one port, so their sequence goes on.
    fn heard(mut frames: &[u8]) -> Vec<(usize, Option<u32>)> {
        let mut out = Vec::new();
        while let Some((header, rest)) = frames.split_at_checked(14) {
            let mut one = header.to_vec();
            one[6..10].copy_from_slice(&[0; 4]);
            let len = u32::from_be_bytes([header[10], header[11], header[12], header[13]]);
            let (body, after) = rest.split_at(usize::try_from(len).unwrap());
            one.extend(body);
            let mut decoder = Decoder::default();
            decoder.push(&one);
            if let Ok(Some(Message::ConsoleOut { bytes, settled })) = decoder.pull() {
                out.push((bytes.len(), settled));
            }
            frames = after;
        }
        out
    }
}
