//! The chassis's own telnet client, by which `connect module` reaches a module.

use super::{Mode, Output, Terminal};
use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::cli::call::RelayKind;
use crate::cli::grammar::World;

/// Most bytes of a module kept while the operator stands at `telnet>`.
const HELD_MAX: usize = 64 * 1024;

/// A connection to a module.
pub(super) struct Relay {
    slot: Slot,
    kind: RelayKind,
    /// The line typed at `telnet>`, while it stands there.
    command: Option<String>,
    held: Vec<u8>,
    settled: bool,
    /// True after Ctrl-] on a telnet connection.
    bracket: bool,
}

impl Relay {
    pub(super) fn is_settled(&self) -> bool {
        self.settled || self.command.is_some()
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
            command: None,
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
        if relay.command.is_some() {
            let room = HELD_MAX.saturating_sub(relay.held.len());
            relay.held.extend(bytes.iter().take(room));
        } else {
            self.screen.extend_from_slice(bytes);
        }
    }

    /// Ends the connection from the module's side.
    pub fn relay_gone(&mut self, now: Now, world: &mut X) {
        if matches!(self.mode, Mode::Relay(_)) {
            self.show("\nConnection closed.\n");
            self.mode = Mode::Prompt;
            self.next_command(now, world);
        }
    }

    /// Takes one read of the keyboard while connected.
    pub(super) fn relay_typed(&mut self, world: &X, typed: &[u8]) {
        let Mode::Relay(relay) = &mut self.mode else { return };
        if relay.command.is_some() {
            return self.telnet_typed(world, typed);
        }
        let slot = relay.slot;
        let escape = match relay.kind {
            RelayKind::Console => typed.iter().position(|byte| *byte == b'~'),
            RelayKind::Telnet => None,
        };
        if relay.kind == RelayKind::Telnet {
            let quit = typed.windows(2).any(|pair| pair == [0x1d, b'.'])
                || relay.bracket && typed.first() == Some(&b'.');
            relay.bracket = typed.last() == Some(&0x1d);
            if quit {
                // The module's line stands unfinished.
                self.show("\n");
                return self.close_relay(world, slot);
            }
        }
        let sent = typed.get(..escape.unwrap_or(typed.len())).unwrap_or_default();
        if !sent.is_empty() {
            relay.settled = false;
        }
        if escape.is_some() {
            relay.command = Some(String::new());
        }
        if !sent.is_empty() {
            self.emit(Output::Relay { slot, bytes: sent.to_vec() });
        }
        // What stands behind the escape in the same read is swallowed, as clients rely on.
        if escape.is_some() {
            self.show("\ntelnet> ");
        }
    }

    /// Takes keys at `telnet>`.
    fn telnet_typed(&mut self, world: &X, typed: &[u8]) {
        for byte in typed {
            let Mode::Relay(relay) = &mut self.mode else { return };
            let Some(command) = &mut relay.command else { return };
            match byte {
                b'\r' | b'\n' => {
                    let word = command.trim().trim_matches('"').to_owned();
                    command.clear();
                    let slot = relay.slot;
                    self.show("\n");
                    match word.as_str() {
                        "q" | "quit" | "close" => return self.close_relay(world, slot),
                        "" => {
                            let Mode::Relay(relay) = &mut self.mode else { return };
                            relay.command = None;
                            let held = std::mem::take(&mut relay.held);
                            self.screen.extend(held);
                        }
                        _ => self.show("?Invalid command\ntelnet> "),
                    }
                }
                8 | 0x7f if command.pop().is_some() => {
                    self.screen.extend_from_slice(b"\x08 \x08");
                }
                0x20..0x7f if command.len() < 64 => {
                    command.push(char::from(*byte));
                    self.screen.push(*byte);
                }
                _ => {}
            }
        }
    }

    fn close_relay(&mut self, world: &X, slot: Slot) {
        self.show("Connection closed.\n");
        self.emit(Output::CloseRelay { slot });
        self.mode = Mode::Prompt;
        self.rest = None;
        self.prompt(world);
    }
}
