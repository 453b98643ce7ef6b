//! What process 1 waits for: children that end, signals, the power button, a line at the console.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Size of the kernel's `struct input_event` on 64 bits: two times, type, code, value.
const INPUT_EVENT: usize = 24;
/// Type and code of the power key.
///
/// # Source
/// Linux `input-event-codes.h`: `EV_KEY`, `KEY_POWER`.
const POWER_KEY: (u16, u16) = (1, 116);
/// Longest line that is taken from the console, in bytes.
const LINE_MAX: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A child ended: its status as a shell would give it.
    Ended { pid: i32, status: i32 },
    /// Somebody asks for an end: `docker stop`, a service manager.
    Terminate,
    /// Somebody asks to begin anew: Ctrl-Alt-Del.
    Interrupt,
    /// The power button.
    Button,
    /// A line was typed.
    Line(String),
    /// Nothing, for as long as was waited.
    Nothing,
}

/// A moment to come.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the moment that is so far from now.
    #[allow(clippy::disallowed_methods, reason = "process 1 waits in the machine's own time")]
    pub fn after(wait: Duration) -> Deadline {
        Deadline(Instant::now() + wait)
    }

    /// Returns how long it is until then; zero once it has passed.
    #[allow(clippy::disallowed_methods, reason = "process 1 waits in the machine's own time")]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// The one who waits.
#[derive(Debug)]
pub struct Watch {
    signals: SignalFd,
    button: Option<File>,
    seen: VecDeque<Seen>,
    typed: Vec<u8>,
    /// False once standard input has ended.
    listening: bool,
}

impl Watch {
    /// Takes the signals that are meant for process 1; they reach no handler any more.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new() -> io::Result<Watch> {
        let mut mask = SigSet::empty();
        for signal in [
            Signal::SIGCHLD,
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGPIPE,
            Signal::SIGUSR1,
            Signal::SIGUSR2,
        ] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals = SignalFd::with_flags(&mask, flags)?;
        let (seen, typed) = (VecDeque::new(), Vec::new());
        Ok(Watch { signals, button: button(), seen, typed, listening: true })
    }

    /// Tells whether there is a power button.
    pub fn has_button(&self) -> bool {
        self.button.is_some()
    }

    /// Waits for the next thing to happen, for `longest` at most; lines only if `lines`.
    pub fn next(&mut self, longest: Option<Duration>, lines: bool) -> Seen {
        let end = longest.map(Deadline::after);
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            let left = end.map(Deadline::left);
            let timeout = left.map_or(PollTimeout::NONE, |left| {
                // Rounded up: a wait that ends early would spin.
                let left = left.as_millis().saturating_add(1).min(60_000);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            });
            self.look(timeout, lines && self.listening);
            if self.seen.is_empty() && left == Some(Duration::ZERO) {
                return Seen::Nothing;
            }
        }
    }

    /// Polls once and takes what is there.
    fn look(&mut self, timeout: PollTimeout, lines: bool) {
        let input = io::stdin();
        let mut sources: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
        sources.extend(self.button.as_ref().map(|button| button.as_fd()));
        sources.extend(lines.then(|| input.as_fd()));
        let mut sources: Vec<PollFd<'_>> =
            sources.into_iter().map(|source| PollFd::new(source, PollFlags::POLLIN)).collect();
        // An interrupted wait is begun again by the caller.
        let _ = poll(&mut sources, timeout);
        let ready = sources.last().and_then(PollFd::any).unwrap_or(false);
        drop(sources);
        self.take_signals();
        self.take_button();
        if lines && ready {
            self.take_line();
        }
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            match i32::try_from(info.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok()) {
                Some(Signal::SIGTERM | Signal::SIGUSR2) => self.seen.push_back(Seen::Terminate),
                Some(Signal::SIGINT) => self.seen.push_back(Seen::Interrupt),
                // A child's end is asked for below; the others are nobody's.
                _ => {}
            }
        }
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => (pid, status),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            self.seen.push_back(Seen::Ended { pid: pid.as_raw(), status });
        }
    }

    fn take_button(&mut self) {
        let Some(button) = &mut self.button else { return };
        let mut event = [0; INPUT_EVENT];
        loop {
            match button.read(&mut event) {
                Ok(INPUT_EVENT) if is_power_key(&event) => self.seen.push_back(Seen::Button),
                Ok(INPUT_EVENT) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    // A button that cannot be read must not keep the wait from waiting.
                    self.button = None;
                    return;
                }
            }
        }
    }

    fn take_line(&mut self) {
        let mut bytes = [0; LINE_MAX];
        match nix::unistd::read(io::stdin().as_fd(), &mut bytes) {
            Ok(read) if read > 0 => self.typed.extend(bytes.iter().take(read)),
            Err(nix::Error::EINTR | nix::Error::EAGAIN) => {}
            _ => self.listening = false,
        }
        while let Some(end) = self.typed.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let line: Vec<u8> = self.typed.drain(..=end).collect();
            self.seen.push_back(Seen::Line(String::from_utf8_lossy(&line).trim().to_owned()));
        }
        if self.typed.len() > LINE_MAX {
            self.typed.clear();
        }
    }
}

fn is_power_key(event: &[u8; INPUT_EVENT]) -> bool {
    let [.., t0, t1, c0, c1, v0, v1, v2, v3] = *event;
    let key = (u16::from_ne_bytes([t0, t1]), u16::from_ne_bytes([c0, c1]));
    // Pressed, not let go.
    key == POWER_KEY && i32::from_ne_bytes([v0, v1, v2, v3]) == 1
}

/// Finds the input device that is the power button.
fn button() -> Option<File> {
    let entries = fs::read_dir("/sys/class/input").ok()?;
    entries.flatten().find_map(|entry| {
        let name = fs::read_to_string(entry.path().join("device/name")).ok()?;
        let file = PathBuf::from("/dev/input").join(entry.file_name());
        let mut options = OpenOptions::new();
        let open = options.read(true).custom_flags(nix::libc::O_NONBLOCK).open(file);
        (name.trim() == "Power Button").then(|| open.ok())?
    })
}

/// Starts this binary again with other arguments, on our own standard streams; returns its process.
///
/// # Errors
/// What the operating system says.
pub fn start_self(args: &[String], env: &[(&str, String)]) -> io::Result<i32> {
    let mut command = Command::new("/proc/self/exe");
    command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
    let child = command.stdin(Stdio::inherit()).spawn()?;
    // It is reaped by [`Watch::next`], so the handle is of no use.
    Ok(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// Asks a process to end.
pub fn ask_to_end(pid: i32) {
    // It may have ended already.
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
}

/// Ends every process but this one, in a machine or container that is ours alone.
pub fn end_all() {
    if std::process::id() == 1 {
        // There may be none.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pressed_power_key_is_the_button() {
        let event = |kind: u16, code: u16, value: i32| {
            let mut event = [0; INPUT_EVENT];
            event[16..18].copy_from_slice(&kind.to_ne_bytes());
            event[18..20].copy_from_slice(&code.to_ne_bytes());
            event[20..].copy_from_slice(&value.to_ne_bytes());
            event
        };
        assert!(is_power_key(&event(1, 116, 1)));
        assert!(!is_power_key(&event(1, 116, 0)));
        assert!(!is_power_key(&event(0, 116, 1)));
        assert!(!is_power_key(&event(1, 28, 1)));
    }
}
