//! The process's own terminal as a line of the chassis: the first-boot dialog, and `login:` if asked for.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::login::Line;
use crate::cmd::supervisor::Handle;
use crate::shell::line::{Attendant, FromLine};
use crate::sys::console;

/// Most pieces of keys and of screen that wait to be taken.
const QUEUE_MAX: usize = 16;
/// Where somebody sits who logs in at the lab's terminal.
///
/// # Source
/// Client mock of unicon, `Last login: Wed Nov  1 17:31:13 PDT 2017 on ttyS0`.
const SERIAL: &str = "ttyS0";
/// Ctrl-\, which leaves a console that only ever asks for the next name.
const LEAVE: u8 = 0x1c;

/// The terminal, or a pipe in its place.
pub(super) struct Keyboard {
    /// What is typed, and the size of the screen at the start and whenever it changes.
    pub(super) keys: mpsc::Receiver<FromLine>,
    /// The terminal, if it is one.
    pub(super) raw: Option<console::Raw>,
}

impl Keyboard {
    /// Takes the process's standard input; `leave` if Ctrl-\ is its end.
    ///
    /// # Errors
    /// What the operating system says, such as a terminal that went away.
    pub(super) fn open(leave: bool) -> io::Result<Keyboard> {
        let raw = console::is_terminal().then(console::Raw::enter).transpose()?;
        Ok(Keyboard { keys: keys(raw.is_some(), leave)?, raw })
    }

    /// Serves the console with name and password until nothing more is typed.
    pub(super) async fn log_in(self, handle: &Handle) {
        let Keyboard { keys, mut raw } = self;
        let (screen, printed) = mpsc::channel(QUEUE_MAX);
        let attend = attendant(handle).attend(keys, screen, || {});
        tokio::join!(attend, print(printed, raw.as_mut()));
    }

    /// Runs the first-boot dialog if nobody has configured the chassis. Returns what was typed behind
    /// it; `None` if the terminal went away.
    pub(super) async fn set_up(&mut self, handle: &Handle) -> Option<Vec<u8>> {
        if !handle.unconfigured {
            return Some(Vec::new());
        }
        let (screen, printed) = mpsc::channel(QUEUE_MAX);
        let attendant = attendant(handle);
        let keys = &mut self.keys;
        let set_up = async {
            let typed = attendant.set_up(keys, &screen).await.map(|(typed, _)| typed);
            drop(screen);
            typed
        };
        tokio::join!(set_up, print(printed, self.raw.as_mut())).0
    }
}

fn keys(terminal: bool, leave: bool) -> io::Result<mpsc::Receiver<FromLine>> {
    let (send, receive) = mpsc::channel(QUEUE_MAX);
    let mut typed = console::read_stdin();
    let mut resized = signal(SignalKind::window_change())?;
    let size = move || {
        let window = console::window().filter(|_| terminal);
        window.map(|(columns, rows)| FromLine::Size(columns, rows))
    };
    tokio::spawn(async move {
        let mut next = size();
        loop {
            if let Some(heard) = next.take()
                && send.send(heard).await.is_err()
            {
                return;
            }
            tokio::select! {
                bytes = typed.recv() => match bytes {
                    Some(bytes) if terminal && leave && bytes.contains(&LEAVE) => return,
                    Some(bytes) => next = Some(FromLine::Keys(bytes)),
                    None => return,
                },
                _ = resized.recv() => next = size(),
            }
        }
    });
    Ok(receive)
}

fn attendant(handle: &Handle) -> Attendant<Handle> {
    let status = handle.status.clone();
    Attendant {
        front: handle.clone(),
        prover: handle.prover.clone(),
        line: Line::Serial,
        from: SERIAL.to_owned(),
        host: Arc::new(move || status.borrow().name.clone()),
        setup: handle.unconfigured,
    }
}

/// Prints what the line says, and between it what is said to the operator of the lab.
async fn print(mut printed: mpsc::Receiver<Vec<u8>>, mut raw: Option<&mut console::Raw>) {
    loop {
        let said = async {
            match &mut raw {
                Some(raw) => raw.line().await,
                None => std::future::pending().await,
            }
        };
        let bytes = tokio::select! {
            bytes = printed.recv() => bytes,
            text = said => Some(format!("\r\n{text}\r\n").into_bytes()),
        };
        let Some(bytes) = bytes else { return };
        if console::show(bytes).await.is_err() {
            return;
        }
    }
}
