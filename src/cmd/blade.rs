//! `vfxos blade`: one emulated ASA security module, a process of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::base::ident::Slot;
use crate::base::platform::{ASA_RELEASE, Module};
use crate::base::time::{Instant, Now};
use crate::cli::asa::Console;
use crate::proto::Next;
use crate::proto::blade::{Blade, Event, Facts, Output, Stored};
use crate::sys::clock::LabClock;
use crate::sys::flash::{Change, FILE, Flash, FlashError, Kind};
use crate::sys::{console, process};
use crate::wire::appag::{Decoder, Encoder};

/// Key of the blade's part in flash.
const KEY: &str = "blade";
/// Most bytes taken from the supervisor at once.
const READ_MAX: usize = 16 * 1024;
/// How long to wait before the console is connected again.
const CONSOLE_WAIT: Duration = Duration::from_secs(1);
/// Release that the blade reports and `show version` prints.
pub const RELEASE: &str = ASA_RELEASE;

/// What `vfxos blade` takes.
#[derive(Clone, Debug, Args)]
pub struct BladeArgs {
    /// AppAG socket of the supervisor.
    #[arg(long)]
    pub socket: PathBuf,
    #[arg(long)]
    pub slot: u8,
    /// Security module, such as FPR4K-SM-32S.
    #[arg(long)]
    pub module: String,
    #[arg(long)]
    pub serial: String,
    /// Folder of the blade's flash.
    #[arg(long)]
    pub state: PathBuf,
    /// End when the process with this id ends.
    #[arg(long)]
    pub parent: Option<u32>,
}

/// Runs a blade until it is killed; 2 when it cannot start.
pub fn run(args: &BladeArgs) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            console::say(&format!("vfxos blade {}: {why}", args.slot));
            ExitCode::from(2)
        }
    }
}

fn start(args: &BladeArgs) -> Result<(), String> {
    if let Some(parent) = args.parent {
        process::die_with_parent(parent).map_err(|error| error.to_string())?;
    }
    let slot = Slot::new(args.slot).ok_or("a chassis has slots 1 to 3")?;
    let module = Module::find(&args.module)
        .ok_or_else(|| format!("no security module \"{}\" is known", args.module))?;
    // A blade of a lab that was killed takes a moment to follow it.
    let flash = Flash::open_next(&args.state, Kind::Blade).map_err(|error| error.to_string())?;
    let stored = stored(&flash)?;
    let clock = LabClock::new(None);
    let facts = Facts { slot, serial: args.serial.clone(), module, release: RELEASE.to_owned() };
    let blade = Blade::new(facts, stored, clock.now());
    let runtime = super::runtime().map_err(|error| error.to_string())?;
    runtime.block_on(Process::new(blade, clock, flash, args.socket.clone()).run())
}

/// Returns what a blade's flash holds.
fn stored(flash: &Flash) -> Result<Stored, String> {
    match flash.get(KEY).map_err(|error| error.to_string())? {
        None => Ok(Stored::default()),
        Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            format!("{}: {error}; restore it from a copy, or move it away", flash.path().display())
        }),
    }
}

/// Looks whether a blade can start from the flash in `state`, if it has one yet.
///
/// # Errors
/// Why not: one line, which file, what to do.
pub(super) fn examine(state: &Path) -> Result<(), String> {
    if !state.join(FILE).exists() {
        return Ok(());
    }
    match Flash::open(state, Kind::Blade) {
        Ok(flash) => stored(&flash).map(drop),
        // A blade of a lab that was killed is about to follow it; the next one waits for that.
        Err(FlashError::InUse { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// One connection to the supervisor.
struct Link {
    stream: UnixStream,
    decoder: Decoder,
    encoder: Encoder,
}

struct Process {
    blade: Blade,
    clock: LabClock,
    flash: Flash,
    socket: PathBuf,
    link: Option<Link>,
    console: Console,
    /// The console's connection to the supervisor.
    line: Option<UnixStream>,
    connect: bool,
}

impl Process {
    fn new(mut blade: Blade, clock: LabClock, flash: Flash, socket: PathBuf) -> Process {
        let console = Console::new(clock.now(), &mut blade);
        let (link, line, connect) = (None, None, false);
        Process { blade, clock, flash, socket, link, console, line, connect }
    }

    async fn run(mut self) -> Result<(), String> {
        let mut license = vec![0; READ_MAX];
        let mut typed = vec![0; READ_MAX];
        loop {
            let due = self.turn().await?;
            if std::mem::take(&mut self.connect) {
                self.connect().await;
                continue;
            }
            let retry = self.line.is_none() && self.link.is_some();
            tokio::select! {
                // What the supervisor said before somebody typed is heard before it.
                biased;
                read = receive(self.link.as_mut().map(|link| &mut link.stream), &mut license) => {
                    self.heard(license.get(..read).unwrap_or_default());
                }
                read = receive(self.line.as_mut(), &mut typed) => {
                    self.typed(typed.get(..read).unwrap_or_default());
                }
                () = self.clock.sleep_until(due) => {
                    let now = self.clock.now();
                    self.blade.handle(now, Event::Due);
                }
                () = tokio::time::sleep(CONSOLE_WAIT), if retry => self.open_console().await,
            }
        }
    }

    /// Lets the machine run until it waits and carries out what it wants.
    async fn turn(&mut self) -> Result<Option<Instant>, String> {
        loop {
            let now = self.clock.now();
            match self.blade.poll(now) {
                Next::Wait(due) => {
                    self.show().await;
                    return Ok(due);
                }
                Next::Do(output) => self.perform(now, output).await?,
            }
        }
    }

    async fn perform(&mut self, now: Now, output: Output) -> Result<(), String> {
        match output {
            Output::Persist(stored) => {
                let value = serde_json::to_vec(&stored).map_err(|error| error.to_string())?;
                self.flash.write(&[Change::Put(KEY, &value)]).map_err(|error| error.to_string())?;
            }
            Output::Connect => self.connect = true,
            Output::Disconnect => self.link = None,
            Output::Send(message) => {
                if let Some(link) = &mut self.link {
                    let bytes = link.encoder.encode(&message);
                    if link.stream.write_all(&bytes).await.is_err() {
                        self.link = None;
                        self.blade.handle(now, Event::Unlinked);
                    }
                }
            }
            Output::Clock { wall, rate_milli } => {
                let rate = (rate_milli / 1000).max(1);
                let moved = self.clock.set_rate(rate).and_then(|_| self.clock.set(wall));
                if let Err(error) = moved {
                    tracing::warn!("the supervisor's clock is refused: {error}");
                }
            }
            Output::Console(text) => self.console.notice(now, &mut self.blade, &text),
            Output::Log(text) => tracing::info!("{text}"),
        }
        Ok(())
    }

    async fn connect(&mut self) {
        let event = match UnixStream::connect(&self.socket).await {
            Ok(stream) => {
                let (decoder, encoder) = (Decoder::default(), Encoder::default());
                self.link = Some(Link { stream, decoder, encoder });
                Event::Linked
            }
            Err(_) => Event::Unlinked,
        };
        let now = self.clock.now();
        self.blade.handle(now, event);
        if self.link.is_some() && self.line.is_none() {
            self.open_console().await;
        }
    }

    async fn open_console(&mut self) {
        let Ok(mut line) = UnixStream::connect(&self.socket).await else { return };
        let hello = self.console.connect(&self.blade);
        if line.write_all(&hello).await.is_ok() {
            self.line = Some(line);
        } else {
            self.console.disconnected();
        }
    }

    /// Takes what the supervisor said; nothing at all means that the connection is gone.
    fn heard(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        let Some(link) = &mut self.link else { return };
        link.decoder.push(bytes);
        let mut gone = bytes.is_empty();
        loop {
            match link.decoder.pull() {
                Ok(Some(message)) => self.blade.handle(now, Event::Message(message)),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("the supervisor is not understood: {error}");
                    gone = true;
                    break;
                }
            }
        }
        if gone {
            self.link = None;
            self.blade.handle(now, Event::Unlinked);
        }
    }

    /// Takes what was typed; nothing at all means that the console's connection is gone.
    fn typed(&mut self, bytes: &[u8]) {
        let now = self.clock.now();
        if bytes.is_empty() {
            self.console.disconnected();
        } else if let Err(error) = self.console.received(now, &mut self.blade, bytes) {
            tracing::warn!("the console is not understood: {error}");
        }
        if !self.console.is_connected() {
            self.line = None;
        }
    }

    /// Sends the screen to whoever looks.
    async fn show(&mut self) {
        let frames = self.console.frames();
        let Some(line) = &mut self.line else { return };
        if !frames.is_empty() && line.write_all(&frames).await.is_err() {
            self.console.disconnected();
            self.line = None;
        }
    }
}

/// Reads from a connection, 0 at its end; waits forever without one.
async fn receive(stream: Option<&mut UnixStream>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}
