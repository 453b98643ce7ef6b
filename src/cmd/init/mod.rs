//! Process 1 of the appliance and of a container: prepares what there is, starts the supervisor,
//! starts it again when it dies, and brings everything down cleanly.
//!
//! Nothing in here may end the process by itself: where something fails it says so and goes on.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::control::SOCKET;
use super::lab;
use crate::sys::boot::disk::{self, Block};
use crate::sys::boot::watch::{Deadline, Seen, Watch, ask_to_end, end_all, start_self};
use crate::sys::boot::{self, Ground, Power, address, media};
use crate::sys::{console, process};

mod flash;
mod options;

use options::Options;

/// Status with which a supervisor ends that wants to be started afresh, as after `reboot`.
pub(in crate::cmd) const AFRESH: u8 = 75;
/// The same after `erase configuration`.
pub(in crate::cmd) const ERASED: u8 = 76;
/// Least memory for processes that a chassis works with, in KiB: what is left of 64 MB.
const MEMORY_MIN: u64 = 40 * 1024;
/// How long whoever sits at the console can read why the machine stops.
const READ_TIME: Duration = Duration::from_secs(10);
/// Longest wait for the supervisor to end by itself: with what follows it is less than 10 s.
const END_WAIT: Duration = Duration::from_secs(7);
/// Shortest and longest wait before a supervisor that died is started again.
const AGAIN_MIN: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// Longest wait for the network cards that a container lab adds after the start.
const CARDS_WAIT: Duration = Duration::from_secs(60);
/// Where a day 0 that was found is left for the supervisor.
const DAY0: &str = "/run/day0-config";
/// Where it is said how the chassis is, as vrnetlab's containers do.
const HEALTH: &str = "/health";

/// How one life of the chassis ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Off,
    Afresh,
}

/// Returns the folder that `vfxos ctl` asks in when none is named: the appliance's, if this is one.
///
/// # Errors
/// As [`lab::default_folder`].
pub fn ctl_folder() -> Result<PathBuf, String> {
    let own = PathBuf::from(options::STATE);
    if own.join(SOCKET).exists() { Ok(own) } else { lab::default_folder() }
}

/// Runs process 1.
pub fn run() -> ExitCode {
    if process::id() != 1 {
        console::say(
            "vfxos init: it is process 1 of the appliance or of a container; try vfxos lab",
        );
        return ExitCode::from(2);
    }
    let ground = boot::ground();
    let mut faults = Vec::new();
    if ground == Ground::Machine {
        faults = boot::mount_system();
        faults.extend(boot::load_modules());
        boot::hush_kernel();
        boot::take_three_keys();
    }
    for fault in faults {
        say(&fault);
    }
    let watch = match Watch::new() {
        Ok(watch) => watch,
        Err(error) => {
            say(&format!("signals: {error}"));
            return down(ground, Power::Off);
        }
    };
    let options = Options::read(ground);
    let mut init = Init { ground, watch, options, flash: None };
    loop {
        match (init.live(), ground) {
            (End::Off, _) => return down(ground, Power::Off),
            (End::Afresh, Ground::Machine) => return down(ground, Power::Restart),
            // Who ends loses its interfaces with it: begin anew right here.
            (End::Afresh, Ground::Container) => {}
        }
    }
}

fn say(text: &str) {
    console::say(&format!("vfxos init: {text}"));
}

/// Ends everything, and the machine; a container ends by our return.
fn down(ground: Ground, how: Power) -> ExitCode {
    end_all();
    disk::unmount_flash();
    if ground == Ground::Machine {
        console::say(match how {
            Power::Off => "Power down.",
            Power::Restart => "Restarting system.",
        });
        say(&boot::power(how).to_string());
    }
    ExitCode::SUCCESS
}

struct Init {
    ground: Ground,
    watch: Watch,
    options: Options,
    /// The partition that is flash, once it is mounted.
    flash: Option<Block>,
}

impl Init {
    /// One life: from the first message to the supervisor's end.
    fn live(&mut self) -> End {
        self.health("1 starting");
        self.message("INIT: Entering runlevel: 3");
        if self.ground == Ground::Machine {
            if let Some(end) = self.check_memory() {
                return end;
            }
            if let Some(end) = self.mount_flash() {
                return end;
            }
        }
        self.message("System is coming up ... Please wait ...");
        if let Some(end) = self.await_cards() {
            return end;
        }
        let arguments = self.arguments();
        self.supervise(&arguments)
    }

    /// Prints what a chassis prints while it starts, unless nobody wants it.
    ///
    /// # Source
    /// Client mock of unicon, `fp4k_mgmt_boot.txt`.
    fn message(&self, text: &str) {
        if !self.options.quiet {
            console::say(text);
        }
    }

    fn health(&self, text: &str) {
        if self.ground == Ground::Container {
            // Where nothing can be written, `vfxos ctl health` still answers.
            let _ = fs::write(HEALTH, format!("{text}\n"));
        }
    }

    /// Says so and stops where the memory would not do.
    fn check_memory(&mut self) -> Option<End> {
        let memory = boot::memory().filter(|memory| *memory < MEMORY_MIN)?;
        say(&format!(
            "{} MB of memory are left for the chassis and it needs {}: give the machine 64 MB or more",
            memory / 1024,
            MEMORY_MIN / 1024
        ));
        // Whatever happens is no reason to wait any longer.
        self.watch.next(Some(READ_TIME), false);
        Some(End::Off)
    }

    /// Waits for as many cards as the lab has announced.
    fn await_cards(&mut self) -> Option<End> {
        let wanted = self.options.cards?;
        let end = Deadline::after(CARDS_WAIT);
        // The management interface is not counted.
        while boot::cards().len() <= wanted {
            if end.left().is_zero() {
                say(&format!(
                    "{} of {wanted} interfaces have appeared; going on",
                    boot::cards().len()
                ));
                break;
            }
            match self.watch.next(Some(Duration::from_millis(100)), false) {
                Seen::Terminate => return Some(End::Off),
                Seen::Button
                | Seen::Interrupt
                | Seen::Ended { .. }
                | Seen::Line(_)
                | Seen::Nothing => {}
            }
        }
        None
    }

    /// Returns how the supervisor is started here.
    fn arguments(&mut self) -> Vec<String> {
        let cards = boot::cards();
        for card in cards.iter().filter(|_| self.ground == Ground::Machine) {
            if let Err(error) = address::bring_up(&card.name) {
                say(&format!("{}: {error}", card.name));
            }
        }
        if let (Ground::Container, Some(first)) = (self.ground, cards.first())
            && let Err(why) = self.options.take_address(first)
        {
            say(&why);
        }
        let mut notes = Vec::new();
        let own = self.flash.as_ref().map(|block| block.name.as_str());
        let found = media::find(&boot::command_line(), own, &mut notes);
        for note in notes {
            say(&format!("day 0: {note}"));
        }
        let day0 = found.and_then(|found| match fs::write(DAY0, &found.bytes) {
            Ok(()) => Some((DAY0.to_owned(), found.from)),
            Err(error) => {
                say(&format!("day 0 of {}: {error}", found.from));
                None
            }
        });
        if cards.is_empty() {
            say("there is no network card: the chassis has no wire");
        }
        self.options.arguments(self.ground, &cards, day0)
    }

    /// Keeps the supervisor running until somebody wants an end.
    fn supervise(&mut self, arguments: &[String]) -> End {
        let mut wait = AGAIN_MIN;
        let mut restarts = 0_u32;
        loop {
            let lasted = Deadline::after(AGAIN_MAX);
            let mut own = arguments.to_vec();
            if restarts > 0 {
                own.extend(["--restarted".to_owned(), restarts.to_string()]);
            }
            let ended = match start_self(&own, &[]) {
                Ok(pid) => self.watch_over(pid),
                Err(error) => Err(format!("it cannot be started: {error}")),
            };
            let why = match ended {
                Ok(end) => return end,
                Err(why) => why,
            };
            wait = if lasted.left().is_zero() { AGAIN_MIN } else { (wait * 2).min(AGAIN_MAX) };
            restarts = restarts.saturating_add(1);
            self.health("1 restarting");
            say(&format!("the supervisor has died ({why}); it is started again"));
            if let Some(end) = self.pause(wait) {
                return end;
            }
        }
    }

    /// Waits before the next start; an end if somebody wants one meanwhile.
    fn pause(&mut self, wait: Duration) -> Option<End> {
        let until = Deadline::after(wait);
        loop {
            match self.watch.next(Some(until.left()), false) {
                Seen::Nothing => return None,
                Seen::Terminate | Seen::Button => return Some(End::Off),
                Seen::Interrupt => return Some(End::Afresh),
                Seen::Ended { .. } | Seen::Line(_) => {}
            }
        }
    }

    /// Waits for the end of a supervisor; an error says how it died.
    fn watch_over(&mut self, pid: i32) -> Result<End, String> {
        loop {
            match self.watch.next(None, false) {
                Seen::Ended { pid: ended, status } if ended == pid => {
                    return match status {
                        0 => Ok(End::Off),
                        status if [AFRESH, ERASED].map(i32::from).contains(&status) => {
                            Ok(End::Afresh)
                        }
                        status => Err(format!("status {status}")),
                    };
                }
                // A grandchild that was left to us.
                Seen::Ended { .. } | Seen::Line(_) | Seen::Nothing => {}
                Seen::Terminate | Seen::Button => return Ok(self.stop(pid, End::Off)),
                Seen::Interrupt => {
                    let end = if self.ground == Ground::Machine { End::Afresh } else { End::Off };
                    return Ok(self.stop(pid, end));
                }
            }
        }
    }

    /// Lets the supervisor end, and ends it if it does not.
    fn stop(&mut self, pid: i32, end: End) -> End {
        console::say("Sending all processes the TERM signal...");
        ask_to_end(pid);
        let until = Deadline::after(END_WAIT);
        loop {
            match self.watch.next(Some(until.left()), false) {
                Seen::Ended { pid: ended, .. } if ended == pid => return end,
                Seen::Nothing => {
                    console::say("Sending all processes the KILL signal...");
                    return end;
                }
                Seen::Ended { .. }
                | Seen::Terminate
                | Seen::Interrupt
                | Seen::Button
                | Seen::Line(_) => {}
            }
        }
    }
}
