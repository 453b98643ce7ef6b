//! `login:` and `Password:` of the serial console and of telnet, as a machine: keys in, screen out.
//!
//! ```text
//!            name            password           Admitted
//!   Name ───────────▶ Secret ─────────▶ Checking ─────────▶ Inside ── ended ──▶ Name | Done
//!    ▲                  │ a minute         │ Refused                  (serial)   (telnet)
//!    └──────────────────┴──────────────────┘
//! ```
//! While somebody is inside, keys pass through untouched. `patience` is the time of the person who
//! sits there.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::field::{Field, Key, show};
use crate::base::time::Instant;
use crate::proto::Next;

/// What stands above the first `login:` of the console.
///
/// # Source
/// Reference 2.7, published output.
const SERIAL_GREETING: &str = "Cisco FPR Series Security Appliance";
/// How long somebody may take for the password.
///
/// # Source
/// login(1) of Linux, `LOGIN_TIMEOUT`; on the device it is recall.
const PATIENCE: Duration = Duration::from_secs(60);
/// Refusals after which telnet hangs up.
///
/// # Source
/// login(1) of Linux, `LOGIN_RETRIES`; on the device it is recall.
const RETRIES: u32 = 3;
/// Most keys typed ahead that are kept while a password is compared.
const AHEAD_MAX: usize = 64 * 1024;

/// Which way in it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It begins anew when a session ends.
    Serial,
    /// It hangs up when a session ends, and after a few refusals.
    Telnet,
}

/// What the machine wants done.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Show this.
    Bytes(Vec<u8>),
    /// Compare these credentials, and bring back [`Login::admitted`] or [`Login::refused`].
    Check { user: String, password: String },
    /// Type this into the session.
    Keys(Vec<u8>),
    /// Hang up.
    Done,
}

impl fmt::Debug for Output {
    /// Writes everything but the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Bytes(bytes) => write!(f, "Bytes({:?})", String::from_utf8_lossy(bytes)),
            Output::Check { user, .. } => write!(f, "Check({user})"),
            Output::Keys(keys) => write!(f, "Keys({})", keys.len()),
            Output::Done => f.write_str("Done"),
        }
    }
}

enum State {
    Name,
    Secret { user: String, until: Instant },
    Checking,
    Inside,
    Done,
}

/// The machine.
pub struct Login {
    line: Line,
    host: String,
    state: State,
    field: Field,
    refusals: u32,
    ahead: VecDeque<u8>,
    screen: Vec<u8>,
    outputs: VecDeque<Output>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Login {
    /// Makes the machine and prints the first prompt; `host` is the chassis's name.
    pub fn new(line: Line, host: &str) -> Login {
        let mut login = Login {
            line,
            host: host.to_owned(),
            state: State::Name,
            field: Field::default(),
            refusals: 0,
            ahead: VecDeque::new(),
            screen: Vec::new(),
            outputs: VecDeque::new(),
        };
        if line == Line::Serial {
            login.show(&format!("\n{SERIAL_GREETING}\n"));
        }
        login.ask_name();
        login
    }

    /// Takes the chassis's name from the next prompt on.
    pub fn rename(&mut self, host: &str) {
        host.clone_into(&mut self.host);
    }

    /// Takes keys.
    pub fn keys(&mut self, patience: Instant, keys: &[u8]) {
        if let State::Inside = self.state {
            return self.emit(Output::Keys(keys.to_vec()));
        }
        let room = AHEAD_MAX.saturating_sub(self.ahead.len());
        self.ahead.extend(keys.iter().take(room));
        self.pump(patience);
    }

    /// Lets the visitor in: shows the greeting, and passes on keys from now on.
    pub fn admitted(&mut self, greeting: &str) {
        if let State::Checking = self.state {
            self.show(greeting);
            (self.state, self.refusals) = (State::Inside, 0);
            let ahead: Vec<u8> = self.ahead.drain(..).collect();
            if !ahead.is_empty() {
                self.emit(Output::Keys(ahead));
            }
        }
    }

    /// Turns the visitor away; `text` stands instead of `Login incorrect`.
    ///
    /// # Source
    /// Client unicon, `Login incorrect`.
    pub fn refused(&mut self, patience: Instant, text: Option<&str>) {
        if let State::Checking = self.state {
            self.refusals += 1;
            self.show(&format!("{}\n", text.unwrap_or("Login incorrect")));
            if self.line == Line::Telnet && self.refusals >= RETRIES {
                return self.hang_up();
            }
            self.show("\n");
            self.ask_name();
            self.pump(patience);
        }
    }

    /// Ends the session: back to `login:`, or the end.
    pub fn ended(&mut self, patience: Instant) {
        match (&self.state, self.line) {
            (State::Inside | State::Checking, Line::Serial) => {
                self.show("\n");
                self.ask_name();
                self.pump(patience);
            }
            (State::Inside | State::Checking, Line::Telnet) => self.hang_up(),
            (State::Name | State::Secret { .. } | State::Done, _) => {}
        }
    }

    /// Returns true while keys go to a session.
    pub fn is_inside(&self) -> bool {
        matches!(self.state, State::Inside)
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, patience: Instant) -> Next<Output> {
        if let State::Secret { until, .. } = self.state
            && until <= patience
        {
            self.show(&format!("\nLogin timed out after {} seconds.\n", PATIENCE.as_secs()));
            match self.line {
                Line::Serial => self.ask_name(),
                Line::Telnet => self.hang_up(),
            }
        }
        self.flush();
        match (self.outputs.pop_front(), &self.state) {
            (Some(output), _) => Next::Do(output),
            (None, State::Secret { until, .. }) => Next::Wait(Some(*until)),
            (None, State::Name | State::Checking | State::Inside | State::Done) => Next::Wait(None),
        }
    }

    fn pump(&mut self, patience: Instant) {
        while let State::Name | State::Secret { .. } = self.state {
            let Some(key) = self.ahead.pop_front() else { return };
            self.key(patience, key);
        }
        if let State::Done = self.state {
            self.ahead.clear();
        }
    }

    fn key(&mut self, patience: Instant, key: u8) {
        let echo = matches!(self.state, State::Name);
        match self.field.key(key, echo, &mut self.screen) {
            Key::Typed => {}
            Key::Line(field) => self.entered(patience, field),
            Key::Interrupt => self.ask_name(),
            Key::End if self.line == Line::Telnet => self.hang_up(),
            Key::End => {
                self.show("\n");
                self.ask_name();
            }
        }
    }

    fn entered(&mut self, patience: Instant, field: String) {
        match std::mem::replace(&mut self.state, State::Checking) {
            State::Name if field.trim().is_empty() => self.ask_name(),
            State::Name => {
                self.show("Password: ");
                let user = field.trim().to_owned();
                self.state = State::Secret { user, until: patience + PATIENCE };
            }
            State::Secret { user, .. } => self.emit(Output::Check { user, password: field }),
            other @ (State::Checking | State::Inside | State::Done) => self.state = other,
        }
    }

    /// # Source
    /// Reference 2.7: `HOST login: admin`.
    fn ask_name(&mut self) {
        self.field.clear();
        self.state = State::Name;
        let prompt = format!("{} login: ", self.host);
        self.show(&prompt);
    }

    fn hang_up(&mut self) {
        self.state = State::Done;
        self.ahead.clear();
        self.emit(Output::Done);
    }

    fn show(&mut self, text: &str) {
        show(&mut self.screen, text);
    }

    fn flush(&mut self) {
        if !self.screen.is_empty() {
            let bytes = std::mem::take(&mut self.screen);
            self.outputs.push_back(Output::Bytes(bytes));
        }
    }

    fn emit(&mut self, output: Output) {
        self.flush();
        self.outputs.push_back(output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(s: u64) -> Instant {
        Instant::from_elapsed(Duration::from_secs(s))
    }

    /// Returns what is shown, and what else is wanted.
    fn drain(login: &mut Login, s: u64) -> (String, Vec<Output>) {
        let (mut shown, mut wanted) = (Vec::new(), Vec::new());
        loop {
            match login.poll(now(s)) {
                Next::Do(Output::Bytes(bytes)) => shown.extend(bytes),
                Next::Do(output) => wanted.push(output),
                Next::Wait(_) => return (String::from_utf8(shown).unwrap(), wanted),
            }
        }
    }

    fn check(user: &str, password: &str) -> Vec<Output> {
        vec![Output::Check { user: user.to_owned(), password: password.to_owned() }]
    }

    #[test]
    fn the_console_asks_lets_in_and_begins_anew() {
        let mut login = Login::new(Line::Serial, "FPR4125-1");
        let greeting = "\r\nCisco FPR Series Security Appliance\r\nFPR4125-1 login: ";
        assert_eq!(drain(&mut login, 0), (greeting.to_owned(), vec![]));
        login.keys(now(0), b"admin\r\n");
        assert_eq!(drain(&mut login, 0), ("admin\r\nPassword: ".to_owned(), vec![]));
        login.keys(now(1), b"Admin123\n");
        assert_eq!(drain(&mut login, 1), ("\r\n".to_owned(), check("admin", "Admin123")));
        login.keys(now(1), b"show clock\r");
        assert_eq!(drain(&mut login, 1), (String::new(), vec![]), "typed ahead");
        login.admitted("Welcome\n");
        let typed = vec![Output::Keys(b"show clock\r".to_vec())];
        assert_eq!(drain(&mut login, 1), ("Welcome\r\n".to_owned(), typed));
        login.keys(now(2), b"\x03?\t");
        assert_eq!(drain(&mut login, 2).1, [Output::Keys(b"\x03?\t".to_vec())]);
        login.rename("FPR9300-2");
        login.ended(now(3));
        assert_eq!(drain(&mut login, 3), ("\r\nFPR9300-2 login: ".to_owned(), vec![]));
    }

    #[test]
    fn a_wrong_password_is_refused_and_asked_again() {
        let mut login = Login::new(Line::Serial, "fp");
        drain(&mut login, 0);
        for _ in 0..10 {
            login.keys(now(0), b"admin\nwrong\n");
            assert_eq!(drain(&mut login, 0).1, check("admin", "wrong"));
            login.refused(now(0), None);
            assert_eq!(drain(&mut login, 0).0, "Login incorrect\r\n\r\nfp login: ");
        }
        login.keys(now(0), b"admin\nright\n");
        drain(&mut login, 0);
        login.refused(now(0), Some("Too many logins for 'admin'"));
        assert!(drain(&mut login, 0).0.starts_with("Too many logins for 'admin'\r\n"));
    }

    #[test]
    fn telnet_hangs_up_after_three_refusals_and_after_a_session() {
        let mut login = Login::new(Line::Telnet, "fp");
        assert_eq!(drain(&mut login, 0).0, "fp login: ");
        for round in 0..3 {
            login.keys(now(0), b"eve\r\0x\r\0");
            assert_eq!(drain(&mut login, 0).1, check("eve", "x"));
            login.refused(now(0), None);
            let (shown, wanted) = drain(&mut login, 0);
            assert!(shown.starts_with("Login incorrect"));
            assert_eq!(wanted, if round == 2 { vec![Output::Done] } else { vec![] });
        }
        let mut login = Login::new(Line::Telnet, "fp");
        login.keys(now(0), b"admin\ny\n");
        drain(&mut login, 0);
        login.admitted("");
        login.ended(now(1));
        assert_eq!(drain(&mut login, 1).1, [Output::Done]);
        login.keys(now(1), b"more\n");
        assert_eq!(drain(&mut login, 1), (String::new(), vec![]));
    }

    #[test]
    fn who_takes_too_long_for_the_password_begins_anew() {
        let mut login = Login::new(Line::Serial, "fp");
        drain(&mut login, 0);
        login.keys(now(0), b"admin\n");
        assert_eq!(drain(&mut login, 59).1, []);
        assert_eq!(login.poll(now(59)), Next::Wait(Some(now(60))));
        let (shown, wanted) = drain(&mut login, 60);
        assert_eq!(shown, "\r\nLogin timed out after 60 seconds.\r\nfp login: ");
        assert_eq!((wanted, login.poll(now(60))), (vec![], Next::Wait(None)));
    }

    #[test]
    fn the_password_is_not_shown_and_an_empty_name_is_none() {
        let mut login = Login::new(Line::Serial, "fp");
        drain(&mut login, 0);
        login.keys(now(0), b"admin\nse\x7f\x7fcret\n");
        let (shown, wanted) = drain(&mut login, 0);
        assert_eq!((shown.as_str(), wanted), ("admin\r\nPassword: \r\n", check("admin", "cret")));
        login.refused(now(0), None);
        drain(&mut login, 0);
        login.keys(now(0), b"\n\n");
        assert_eq!(drain(&mut login, 0).0, "\r\nfp login: \r\nfp login: ");
        login.keys(now(0), b"admin\nab\x03");
        assert!(drain(&mut login, 0).0.ends_with("\r\nfp login: "), "Ctrl-C begins anew");
    }

    #[test]
    fn no_input_panics_and_fields_are_bounded() {
        let mut login = Login::new(Line::Telnet, "fp");
        let junk: Vec<u8> = (0..200_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        login.keys(now(0), &junk);
        login.keys(now(0), &[b'a'; 4096]);
        drain(&mut login, 0);
        assert!(login.ahead.len() <= AHEAD_MAX);
    }
}
