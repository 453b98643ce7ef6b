//! The terminal the process was started from: raw mode, its size, its bytes, and what is said to
//! whoever sits there.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use nix::sys::termios::{self, SetArg, Termios};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Most bytes taken from the terminal at once.
const READ_MAX: usize = 4096;
/// How many reads may wait for the session before the terminal is no longer read.
const QUEUE_MAX: usize = 16;
/// Most lines that wait for whoever draws the screen; what comes beyond is written over it.
const LINES_MAX: usize = 256;

/// Where lines for the operator go while the screen belongs to a session.
static SCREEN: Mutex<Option<mpsc::Sender<String>>> = Mutex::new(None);

/// Tells whether a person sits at standard input.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Says one line to the operator, on standard error or, while there is a session on the same
/// screen, by [`Raw::line`].
///
/// Unlike `eprintln` it does not panic when nobody is left to read it.
pub fn say(line: &str) {
    let mut screen = SCREEN.lock();
    let left = match &*screen {
        Some(sender) => sender.try_send(line.to_owned()).err(),
        None => Some(mpsc::error::TrySendError::Closed(line.to_owned())),
    };
    if let Some(mpsc::error::TrySendError::Closed(_)) = left {
        *screen = None;
    }
    if left.is_some() {
        // Nobody is left to be told that this failed.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Prints a text on standard output.
///
/// # Errors
/// What the operating system says, such as a broken pipe.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints bytes on standard output, in a thread of its own: whoever reads too slowly holds up
/// nobody but the caller.
///
/// # Errors
/// What the operating system says, such as a broken pipe.
pub async fn show(bytes: Vec<u8>) -> io::Result<()> {
    let write = move || {
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    };
    tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Takes one log line at a time and says it.
#[derive(Debug)]
pub struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        say(String::from_utf8_lossy(line).trim_end_matches('\n'));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal in raw mode; dropping it puts the terminal back as it was.
#[derive(Debug)]
pub struct Raw {
    saved: Termios,
    lines: mpsc::Receiver<String>,
}

impl Raw {
    /// Puts standard input into raw mode: no echo, no line discipline, no signals from keys.
    ///
    /// Where standard error is a terminal, what is said from now on comes by [`Raw::line`].
    ///
    /// # Errors
    /// What the operating system says when standard input is no terminal.
    pub fn enter() -> io::Result<Raw> {
        let stdin = io::stdin();
        let saved = termios::tcgetattr(stdin.as_fd())?;
        let mut raw = saved.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(stdin.as_fd(), SetArg::TCSADRAIN, &raw)?;
        let (sender, lines) = mpsc::channel(LINES_MAX);
        *SCREEN.lock() = io::stderr().is_terminal().then_some(sender);
        Ok(Raw { saved, lines })
    }

    /// Waits for the next line that somebody says to the operator.
    pub async fn line(&mut self) -> String {
        match self.lines.recv().await {
            Some(line) => line,
            // Lines go to standard error.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that has gone away cannot be put back, and nobody is left to care.
        let _ = termios::tcsetattr(io::stdin().as_fd(), SetArg::TCSADRAIN, &self.saved);
        *SCREEN.lock() = None;
        while let Ok(line) = self.lines.try_recv() {
            say(&line);
        }
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
