//! A module's console: its terminal, and the connection that shows it to whoever sits at the chassis.

use super::super::call::Login;
use super::super::grammar::Role as UserRole;
use super::super::terminal::{Output, Terminal};
use super::MODULE;
use crate::base::time::Now;
use crate::proto::blade::Blade;
use crate::proto::blade::port::{Happening, Port, PortError};
use crate::wire::appag::Role;

/// Longest screen kept while nobody looks, in bytes; the oldest goes first.
pub const SCREEN_MAX: usize = 64 * 1024;

/// The console of one module, from power-on to power-off.
#[derive(Debug)]
pub struct Console {
    terminal: Terminal<Blade>,
    port: Option<Port>,
    /// True while somebody sits at the chassis's end.
    watched: bool,
    /// What it shows and the supervisor has not got yet.
    screen: Vec<u8>,
}

impl Console {
    /// Makes the console as it stands after power-on.
    pub fn new(now: Now, blade: &mut Blade) -> Console {
        let login = Login {
            session: 0,
            user: "enable_1".to_owned(),
            role: UserRole::Admin,
            from: "console".to_owned(),
        };
        let mut terminal = Terminal::new(&MODULE, login, 80, 0);
        terminal.start(now, blade);
        Console { terminal, port: None, watched: false, screen: Vec::new() }
    }

    /// Begins a connection to the supervisor; returns its first bytes.
    pub fn connect(&mut self, blade: &Blade) -> Vec<u8> {
        let (port, hello) = Port::new(blade.hello(Role::Console));
        self.port = Some(port);
        hello
    }

    /// Learns that the connection is gone.
    pub fn disconnected(&mut self) {
        (self.port, self.watched) = (None, false);
    }

    /// Returns true from [`Console::connect`] until the connection is gone.
    pub fn is_connected(&self) -> bool {
        self.port.is_some()
    }

    /// Takes bytes as they were read from the connection.
    ///
    /// # Errors
    /// [`PortError`]: close the connection; the console knows that it is gone.
    pub fn received(&mut self, now: Now, blade: &mut Blade, bytes: &[u8]) -> Result<(), PortError> {
        if let Some(port) = &mut self.port {
            port.push(bytes);
        }
        while let Some(port) = &mut self.port {
            match port.pull() {
                Ok(Some(Happening::Typed(bytes))) => self.terminal.bytes(now, blade, &bytes),
                Ok(Some(Happening::Opened { width, .. })) => {
                    // A serial line keeps nothing of what was sent before somebody looked.
                    self.drain();
                    self.screen.clear();
                    self.watched = true;
                    self.terminal.resize(width, 0);
                }
                Ok(Some(Happening::Closed)) => self.watched = false,
                Ok(Some(Happening::Nothing)) => {}
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.disconnected();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Prints a line, whatever stands there.
    pub fn notice(&mut self, now: Now, blade: &mut Blade, text: &str) {
        self.terminal.notice(now, blade, text);
    }

    /// Returns what is to be sent to whoever looks; nothing while nobody does.
    pub fn frames(&mut self) -> Vec<u8> {
        self.drain();
        let Some(port) = self.port.as_mut().filter(|_| self.watched) else { return Vec::new() };
        let frames = port.print(&self.screen, self.terminal.is_idle());
        self.screen.clear();
        frames
    }

    /// Brings what the terminal shows to the screen.
    fn drain(&mut self) {
        while let Some(output) = self.terminal.poll() {
            match output {
                Output::Bytes(bytes) => self.screen.extend(bytes),
                // A module has no module of its own, no jobs, and no way out but the supervisor's.
                Output::OpenRelay { .. }
                | Output::Relay { .. }
                | Output::CloseRelay { .. }
                | Output::StartJob(_)
                | Output::CancelJob
                | Output::Closed => {}
            }
        }
        let excess = self.screen.len().saturating_sub(SCREEN_MAX);
        self.screen.drain(..excess);
    }
}
