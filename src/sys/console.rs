//! The terminal the process was started from: raw mode, its size, and its bytes.

use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;

use nix::sys::termios::{self, SetArg, Termios};
use tokio::sync::mpsc;

/// Most bytes taken from the terminal at once.
const READ_MAX: usize = 4096;
/// How many reads may wait for the session before the terminal is no longer read.
const QUEUE_MAX: usize = 16;

/// Tells whether a person sits at standard input.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// A terminal in raw mode; dropping it puts the terminal back as it was.
#[derive(Debug)]
pub struct Raw {
    saved: Termios,
}

impl Raw {
    /// Puts standard input into raw mode: no echo, no line discipline, no signals from keys.
    ///
    /// # Errors
    /// What the operating system says when standard input is no terminal.
    pub fn enter() -> io::Result<Raw> {
        let stdin = io::stdin();
        let saved = termios::tcgetattr(stdin.as_fd())?;
        let mut raw = saved.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(stdin.as_fd(), SetArg::TCSADRAIN, &raw)?;
        Ok(Raw { saved })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that has gone away cannot be put back, and nobody is left to care.
        let _ = termios::tcsetattr(io::stdin().as_fd(), SetArg::TCSADRAIN, &self.saved);
    }
}

/// Returns columns and rows of the terminal at standard output, if it has any.
pub fn window() -> Option<(u16, u16)> {
    nix::ioctl_read_bad!(window_size, nix::libc::TIOCGWINSZ, nix::libc::winsize);
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one, alive during the call.
    #[allow(unsafe_code)]
    let answered = unsafe { window_size(nix::libc::STDOUT_FILENO, &raw mut size) };
    (answered.is_ok() && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Reads standard input in a thread of its own; the channel closes at its end.
///
/// A thread, because a read of a terminal cannot be cancelled and putting a shared terminal into
/// non-blocking mode would change it for the shell as well.
pub fn read_stdin() -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel(QUEUE_MAX);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; READ_MAX];
        loop {
            let read = match stdin.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let Some(bytes) = buffer.get(..read) else { return };
            if send.blocking_send(bytes.to_vec()).is_err() {
                return;
            }
        }
    });
    receive
}
