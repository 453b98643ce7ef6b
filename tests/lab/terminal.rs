//! A lab in front of a person: the shipped binary on a pseudo terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use crate::process::{Folder, Held, Said, Watchdog, ctl, gone, pid_of, prompt, script, vfxos};

/// What the arrow up and the arrow left send.
const UP: &[u8] = b"\x1b[A";
const LEFT: &[u8] = b"\x1b[D";

/// A lab on a terminal of 24 lines of 80 characters.
struct Desk {
    child: Held,
    /// The side where a person sits.
    master: File,
    /// The lab's side, to see how it is left.
    line: OwnedFd,
    before: Termios,
    state: PathBuf,
    _watchdog: Watchdog,
}

impl Desk {
    /// Starts the built-in lab as the leader of a session with that terminal.
    fn new(folder: &Folder) -> Desk {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let mut command = vfxos();
        command.args(["lab", "--state"]).arg(folder.state());
        let stdio = || slave.try_clone().unwrap();
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let (own, line) = (master.as_raw_fd(), slave.as_raw_fd());
        #[allow(unsafe_code, reason = "nothing else makes a session leader of a child")]
        // SAFETY: between fork and exec it only makes system calls on descriptors that are open.
        unsafe {
            command.pre_exec(move || {
                nix::unistd::setsid()?;
                nix::libc::close(own);
                if nix::libc::ioctl(line, nix::libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                // Standard input holds it now.
                nix::libc::close(line);
                Ok(())
            });
        }
        let child = Held(command.spawn().unwrap());
        let watchdog = Watchdog::new(pid_of(&child.0));
        let (master, state) = (File::from(master), folder.state());
        Desk { child, master, line: slave, before, state, _watchdog: watchdog }
    }

    fn blade(&self) -> Pid {
        ctl(&self.state, "wait attached 60s").with(0);
        let status = ctl(&self.state, "status --json").with(0).out;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        Pid::from_raw(i32::try_from(status[0]["blades"][0]["pid"].as_i64().unwrap()).unwrap())
    }
}

/// Somebody at that terminal, with the screen in view.
struct Seat {
    desk: Desk,
    screen: Said,
}

impl Seat {
    fn new(folder: &Folder) -> Seat {
        let desk = Desk::new(folder);
        let mut screen = Said::new(desk.master.try_clone().unwrap());
        screen.until("the first prompt", prompt);
        Seat { desk, screen }
    }

    fn press(&mut self, keys: &[u8]) {
        self.desk.master.write_all(keys).unwrap();
    }

    /// Types keys and returns what the screen showed up to `mark`.
    #[track_caller]
    fn shows(&mut self, keys: &[u8], mark: &str) -> String {
        self.press(keys);
        self.screen.through(mark)
    }

    /// Waits for the lab's end, which must leave terminal and machine as they were.
    #[track_caller]
    fn ends(mut self, blade: Pid) {
        let desk = &mut self.desk;
        assert_eq!(desk.child.0.wait().unwrap().code(), Some(0));
        let after = tcgetattr(&desk.line).unwrap();
        assert_eq!(after, desk.before, "the terminal is not as it was");
        gone(blade);
        assert!(!desk.state.join("ctl.sock").exists());
    }
}

#[test]
fn lines_are_edited_recalled_completed_and_explained() {
    let folder = Folder::new();
    let mut seat = Seat::new(&folder);
    // Typed wrong and mended: an o after the first two letters, and the rest erased.
    seat.shows(b"shw clockk", "shw clockk");
    seat.press(b"\x7f\x01\x06\x06o\r");
    seat.screen.through("UTC 20");
    seat.shows(b"", "FPR4125-1# ");

    // Left over a word, and a letter put in.
    seat.press(b"show clck");
    seat.press(&[LEFT, LEFT, b"o\r"].concat());
    seat.screen.through("UTC 20");

    // The last two lines are one: it comes back once, then the one before.
    seat.shows(b"", "FPR4125-1# ");
    seat.shows(b"scope system\r", "/system # ");
    seat.press(UP);
    seat.screen.through("/system # scope system");
    seat.press(UP);
    seat.screen.through("/system # show clock");
    seat.press(b"\r");
    seat.screen.through("UTC 20");
    seat.shows(b"", "/system # ");

    // Tab completes what is not in doubt.
    seat.shows(b"scope serv\t", "services");
    seat.shows(b"\r", "/system/services # ");
    // ? explains and leaves what was typed standing.
    let help = seat.shows(b"show ntp?", "/system/services # show ntp");
    assert!(help.contains("ntp-server"), "{help}");
    let list = seat.shows(b"-server\r", "/system/services # ");
    assert!(list.contains("NTP server hostname:\r\n") || list.contains("172.18.108.14"), "{list}");

    // ^C throws a line away, ^D on an empty one goes up.
    seat.shows(b"create dns", "create dns");
    seat.shows(b"\x03", "^C\r\nFPR4125-1 /system/services # ");
    seat.shows(b"\x04", "FPR4125-1 /system # ");
}

#[test]
fn long_listings_stop_at_the_end_of_the_screen() {
    let folder = Folder::new();
    let mut seat = Seat::new(&folder);
    let page = seat.shows(b"show license all\r", "--More--");
    assert_eq!(page.matches("\r\n").count(), 24, "the command, and 23 lines: {page}");
    let next = seat.shows(b" ", "--More--");
    assert!(next.matches("\r\n").count() >= 20, "{next}");
    let line = seat.shows(b"\r", "--More--");
    assert_eq!(line.matches("\r\n").count(), 1, "{line}");
    seat.shows(b"q", "FPR4125-1# ");

    // A window that grows is believed.
    let size = Winsize { ws_row: 200, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    nix::ioctl_write_ptr_bad!(resize, nix::libc::TIOCSWINSZ, Winsize);
    #[allow(unsafe_code, reason = "no safe way to resize a terminal")]
    // SAFETY: the call reads one Winsize, alive during the call.
    unsafe { resize(seat.desk.master.as_raw_fd(), &raw const size) }.unwrap();
    // The signal takes its own way: what is asked of the lab after it has come is answered after it.
    ctl(&seat.desk.state, "status").with(0);
    let all = seat.shows(b"show license all\r", "License reservation: DISABLED\r\nFPR4125-1# ");
    assert!(!all.contains("--More--"), "{all}");
    seat.shows(b"terminal length 5\r", "FPR4125-1# ");
    seat.shows(b"show license all\r", "--More--");
    seat.shows(b"\x03", "FPR4125-1# ");
    seat.shows(b"terminal length 0\r", "FPR4125-1# ");
    seat.shows(b"show license all\r", "License reservation: DISABLED\r\nFPR4125-1# ");
}

#[test]
fn a_module_s_console_is_entered_and_left() {
    let folder = Folder::new();
    let mut seat = Seat::new(&folder);
    seat.shows(b"connect module 1 console\r", "Firepower-module1>");
    seat.shows(b"connect asa\r", "asa> ");
    seat.shows(b"en", "en");
    seat.shows(b"\t", "able");
    seat.shows(b"\r", "Password: ");
    seat.shows(b"\r", "asa# ");
    seat.shows(b"show clock\r", "UTC");
    seat.shows(b"\x01d", "Console connection detached.\r\nFirepower-module1>");
    seat.shows(b"~", "telnet> ");
    seat.shows(b"quit\r", "Connection closed.\r\nFPR4125-1# ");
}

#[test]
fn what_the_lab_has_to_say_stands_above_what_is_typed() {
    let folder = Folder::new();
    let mut seat = Seat::new(&folder);
    seat.shows(b"show lic", "show lic");
    let socket = folder.state().join("chassis/FPR4125-1/appag.sock");
    UnixStream::connect(socket).unwrap().write_all(b"nonsense").unwrap();
    let said = seat.screen.through("not an AppAG frame: it does not begin with VFAG");
    assert!(said.contains("\r\x1b[K WARN"), "{said:?}");
    let after = seat.screen.through("FPR4125-1# show lic");
    assert!(after.contains("\r\n"), "{after:?}");
    // What was typed is what is run.
    seat.shows(b"ense udi\r", "SN:JAD12345678");
}

#[test]
fn every_end_leaves_the_terminal_as_it_was() {
    type End = fn(&mut Seat);
    let ends: [(&str, End); 5] = [
        ("exit", |seat| seat.press(b"exit\r")),
        ("^D", |seat| seat.press(b"\x04")),
        ("SIGTERM", |seat| kill(pid_of(&seat.desk.child.0), Signal::SIGTERM).unwrap()),
        ("SIGHUP", |seat| kill(pid_of(&seat.desk.child.0), Signal::SIGHUP).unwrap()),
        ("ctl stop", |seat| assert_eq!(ctl(&seat.desk.state, "stop").with(0).out, "stopping\n")),
    ];
    let folder = Folder::new();
    for (name, end) in ends {
        let mut seat = Seat::new(&folder);
        let blade = seat.desk.blade();
        assert_ne!(
            tcgetattr(&seat.desk.line).unwrap(),
            seat.desk.before,
            "{name}: raw while it runs"
        );
        end(&mut seat);
        seat.ends(blade);
    }
}

#[test]
fn ctrl_c_is_a_key_and_no_signal() {
    let folder = Folder::new();
    let mut seat = Seat::new(&folder);
    let blade = seat.desk.blade();
    for _ in 0..3 {
        seat.shows(b"\x03", "^C\r\nFPR4125-1# ");
    }
    assert_eq!(seat.desk.blade(), blade, "keys of the terminal reach the blades");
}

#[test]
fn a_terminal_that_goes_away_ends_the_lab() {
    let folder = Folder::new();
    let mut desk = Desk::new(&folder);
    // Read here and not in a thread: whoever still reads it holds a terminal open.
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while prompt(&shown).is_none() {
        let read = desk.master.read(&mut buffer).unwrap();
        shown += &String::from_utf8_lossy(&buffer[..read]);
    }
    let blade = desk.blade();
    let Desk { mut child, master, line, before: _, state, _watchdog } = desk;
    drop((master, line));
    assert_eq!(child.0.wait().unwrap().code(), Some(0), "it did not end in order");
    gone(blade);
    assert!(!state.join("ctl.sock").exists(), "it did not end in order");
    // The next lab finds everything as it should be.
    script(&folder, &[], "show clock\n").with(0);
}
