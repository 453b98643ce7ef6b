//! The chassis's own telnet client, by which `connect module` reaches a module.

use super::{Mode, Output, Terminal};
use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::cli::call::RelayKind;
use crate::cli::edit::Key;
use crate::cli::grammar::World;

/// Most bytes of a module kept while the operator stands at `telnet>`.
const HELD_MAX: usize = 64 * 1024;
/// Leads to `telnet>`; typed twice it reaches the module.
const ESCAPE: u8 = b'~';
/// Ctrl-], which with a full stop ends a telnet connection.
const BRACKET: u8 = 0x1d;
const PROMPT: &str = "telnet> ";

/// A connection to a module.
pub(super) struct Relay {
    slot: Slot,
    kind: RelayKind,
    /// True while the operator stands at `telnet>`.
    commanding: bool,
    /// What the module printed meanwhile.
    held: Vec<u8>,
    settled: bool,
    /// True behind a Ctrl-] that has not been passed on.
    bracket: bool,
}

impl Relay {
    pub(super) fn is_settled(&self) -> bool {
        self.settled || self.commanding
    }

    pub(super) fn is_commanding(&self) -> bool {
        self.commanding
    }
}

impl<X: World> Terminal<X> {
    /// Connects to a module, with what the device prints.
    ///
    /// # Source
    /// Reference fxos-cli 2.8, a published session: the line that is blank in it above the module's
    /// prompt is the one that the key which called for the prompt left.
    pub(super) fn open_relay(&mut self, slot: Slot, kind: RelayKind) {
        match kind {
            RelayKind::Console => self.show(&format!(
                "Telnet escape character is '~'.\nTrying 127.5.{slot}.1...\n\
                 Connected to 127.5.{slot}.1.\nEscape character is '~'.\n\n\
                 CISCO Serial Over LAN:\nClose Network Connection to Exit\n"
            )),
            RelayKind::Telnet => self.show("Type exit or Ctrl-] followed by . to quit.\n"),
        }
        self.mode = Mode::Relay(Relay {
            slot,
            kind,
            commanding: false,
            held: Vec::new(),
            settled: false,
            bracket: false,
        });
        self.emit(Output::OpenRelay { slot, kind });
        // A console prints its prompt when it is asked: clients send the key, a script does not.
        self.emit(Output::Relay { slot, bytes: b"\r".to_vec() });
    }

    /// Takes what the module printed.
    pub fn relay(&mut self, _: Now, _: &mut X, bytes: &[u8], settled: bool) {
        let Mode::Relay(relay) = &mut self.mode else { return };
        relay.settled |= settled;
        if relay.commanding {
            let room = HELD_MAX.saturating_sub(relay.held.len());
            relay.held.extend(bytes.iter().take(room));
        } else {
            self.screen.extend_from_slice(bytes);
        }
    }

    /// Ends the connection from the module's side.
    ///
    /// # Source
    /// Client: unicon's mock of another telnet of the chassis, `connect cimc`.
    pub fn relay_gone(&mut self, now: Now, world: &mut X) {
        let Mode::Relay(relay) = &mut self.mode else { return };
        self.screen.append(&mut relay.held);
        self.mode = Mode::Prompt;
        self.show("\nConnection closed by foreign host.\n");
        self.next_command(now, world);
        self.pump(now, world);
    }

    /// Takes one read of the keyboard while connected; what belongs to the chassis again goes back
    /// to what is typed ahead.
    ///
    /// # Source
    /// Client: kick and unicon send `~` with more in one write and count on the rest being swallowed,
    /// as BSD's telnet does; unicon sends `~` on either way in. That `~~` is a `~` for the module is
    /// BSD's.
    pub(super) fn relay_typed(&mut self, now: Now, world: &mut X, typed: &[u8]) {
        let Mode::Relay(relay) = &mut self.mode else { return };
        let (slot, mut sent, mut escaped, mut quit) = (relay.slot, Vec::new(), false, None);
        let mut keys = typed.iter().copied().enumerate().peekable();
        while let Some((at, byte)) = keys.next() {
            if std::mem::take(&mut relay.bracket) {
                if byte == b'.' {
                    quit = Some(at + 1);
                    break;
                }
                sent.push(BRACKET);
            }
            let twice = byte == ESCAPE && keys.next_if(|(_, next)| *next == ESCAPE).is_some();
            match byte {
                ESCAPE if !twice => {
                    escaped = true;
                    break;
                }
                BRACKET if relay.kind == RelayKind::Telnet => relay.bracket = true,
                _ => sent.push(byte),
            }
        }
        relay.commanding = escaped;
        if !sent.is_empty() {
            relay.settled = false;
            self.emit(Output::Relay { slot, bytes: sent });
        }
        if escaped {
            self.show("\n");
            self.ask_telnet();
        }
        if let Some(at) = quit {
            self.ahead.extend(typed.get(at..).unwrap_or_default());
            self.show("\n");
            self.close_relay(now, world);
        }
    }

    fn ask_telnet(&mut self) {
        self.show(PROMPT);
        self.edit.begin(PROMPT, false, true);
    }

    /// Takes what a key did at `telnet>`.
    ///
    /// # Source
    /// Client: unicon answers `q`, kick `"q"` with its quotes; an empty line goes on, as the end of
    /// file ends, in BSD's telnet.
    pub(super) fn telnet_key(&mut self, now: Now, world: &mut X, key: Key) {
        let line = match key {
            Key::Line(line) => line,
            Key::End => {
                self.edit.leave(&mut self.screen);
                return self.close_relay(now, world);
            }
            Key::TooLong | Key::Interrupt => return self.ask_telnet(),
            Key::Edited | Key::Help | Key::Tab => return,
        };
        let word = line.trim().trim_matches('"');
        let names = |command: &str| !word.is_empty() && command.starts_with(word);
        if names("quit") || names("close") {
            self.close_relay(now, world);
        } else if word.is_empty() {
            let Mode::Relay(relay) = &mut self.mode else { return };
            relay.commanding = false;
            self.screen.append(&mut relay.held);
        } else {
            if word == "?" {
                self.show("close\tclose current connection\nquit\texit telnet\n");
            } else {
                self.show("?Invalid command\n");
            }
            self.ask_telnet();
        }
    }

    fn close_relay(&mut self, now: Now, world: &mut X) {
        let Mode::Relay(relay) = &self.mode else { return };
        let slot = relay.slot;
        self.mode = Mode::Prompt;
        self.show("Connection closed.\n");
        self.emit(Output::CloseRelay { slot });
        self.next_command(now, world);
    }
}
