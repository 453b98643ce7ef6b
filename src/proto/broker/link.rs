//! One AppAG connection: who speaks on it, and what that peer may say.

use thiserror::Error;

use crate::base::ident::{Handle, Slot, Tag};
use crate::base::time::Instant;
use crate::wire::appag::{Decoder, Encoder, FrameError, Hello, Message, Role};
use crate::wire::units::Standing;

/// A connection, from the moment it is accepted.
#[derive(Clone, Debug)]
pub(super) struct Link {
    decoder: Decoder,
    encoder: Encoder,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has spoken; somebody must before `until`.
    Greeting {
        until: Instant,
    },
    /// A Hello is with the broker, which seats the link or closes it.
    Greeted,
    License {
        slot: Slot,
    },
    Console {
        slot: Slot,
    },
}

/// What a message asks of the broker, the slot already filled in from the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Greet(Hello),
    Request { slot: Slot, handle: Handle, tag: Tag, count: u32 },
    Release { slot: Slot, handle: Handle },
    Ping { number: u32 },
    ConsoleOut { slot: Slot, bytes: Vec<u8>, settled: Option<u32> },
    ConsoleClosed { slot: Slot },
    Frame { slot: Slot, port: String, bytes: Vec<u8> },
    Standing { slot: Slot, standing: Standing },
    Nothing,
}

/// Why a connection can't go on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Fault {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{name} is not for this peer to say now")]
    Unexpected { name: &'static str },
}

impl Link {
    pub(super) fn new(until: Instant) -> Link {
        let state = State::Greeting { until };
        Link { decoder: Decoder::default(), encoder: Encoder::default(), state }
    }

    /// Returns when the peer must have introduced itself; `None` once it has.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Greeting { until } => Some(until),
            State::Greeted | State::License { .. } | State::Console { .. } => None,
        }
    }

    /// Makes the connection speak for a slot from now on.
    pub(super) fn seat(&mut self, role: Role, slot: Slot) {
        self.state = match role {
            Role::License => State::License { slot },
            Role::Console => State::Console { slot },
        };
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    pub(super) fn encode(&mut self, message: &Message) -> Vec<u8> {
        self.encoder.encode(message)
    }

    /// Returns what the next whole message asks for.
    pub(super) fn pull(&mut self) -> Result<Option<Step>, Fault> {
        let Some(message) = self.decoder.pull()? else { return Ok(None) };
        let name = message.name();
        let step = match (self.state, message) {
            (State::Greeting { .. }, Message::Hello(hello)) => {
                self.state = State::Greeted;
                Step::Greet(hello)
            }
            (State::License { slot }, Message::Request { handle, tag, count }) => {
                Step::Request { slot, handle, tag, count }
            }
            (State::License { slot }, Message::Release { handle }) => Step::Release { slot, handle },
            (State::License { slot }, Message::Frame { port, bytes }) => {
                Step::Frame { slot, port, bytes }
            }
            (State::License { slot }, Message::Standing(standing)) => {
                Step::Standing { slot, standing }
            }
            (State::Console { slot }, Message::ConsoleOut { bytes, settled }) => {
                Step::ConsoleOut { slot, bytes, settled }
            }
            (State::Console { slot }, Message::ConsoleClosed) => Step::ConsoleClosed { slot },
            (State::License { .. } | State::Console { .. }, Message::Ping { number }) => {
                Step::Ping { number }
            }
            (State::License { .. } | State::Console { .. }, Message::Pong { .. }) => Step::Nothing,

            // First things first, and each role has its own vocabulary.
            (
                State::Greeting { .. } | State::Greeted,
                Message::Request { .. }
                | Message::Release { .. }
                | Message::Ping { .. }
                | Message::Pong { .. }
                | Message::ConsoleOut { .. }
                | Message::ConsoleClosed
                | Message::Frame { .. }
                | Message::Standing(_),
            )
            | (State::License { .. }, Message::ConsoleOut { .. } | Message::ConsoleClosed)
            | (
                State::Console { .. },
                Message::Request { .. }
                | Message::Release { .. }
                | Message::Frame { .. }
                | Message::Standing(_),
            )
            | (
                State::Greeted | State::License { .. } | State::Console { .. },
                Message::Hello(_),
            )
            // Only a supervisor says these.
            | (
                State::Greeting { .. }
                | State::Greeted
                | State::License { .. }
                | State::Console { .. },
                Message::Welcome(_)
                | Message::Refused { .. }
                | Message::Ack { .. }
                | Message::Denied { .. }
                | Message::Enforce { .. }
                | Message::Policy { .. }
                | Message::Clock { .. }
                | Message::Bootstrap(_)
                | Message::ConsoleOpen { .. }
                | Message::ConsoleIn { .. },
            ) => return Err(Fault::Unexpected { name }),
        };
        Ok(Some(step))
    }
}
