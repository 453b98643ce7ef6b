//! Labs as processes, watched: none outlives its test, however the test ends.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest wait for anything; what takes so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The chassis of the built-in topology, and its prompt at the top.
pub const CHASSIS: &str = "FPR4125-1";

/// A folder of a test's own, gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Short: the path of a unix socket has at most 107 bytes.
        let path = std::env::temp_dir().join(format!("vfl-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the state folder of this folder's lab.
    pub fn state(&self) -> PathBuf {
        self.0.join("s")
    }

    /// Writes a topology and returns its path.
    pub fn topology(&self, text: &str) -> PathBuf {
        let path = self.0.join("topology.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the built-in topology after some changes, each of which must find its place.
    pub fn changed(&self, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = vfxos::cmd::topology::DEFAULT.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "the built-in topology has no {from}");
            text = text.replacen(from, to, 1);
        }
        self.topology(&text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    /// Exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Asserts an exit status, and shows everything where it is another.
    #[track_caller]
    pub fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard error is one line, and returns it.
    #[track_caller]
    pub fn one_line(&self) -> &str {
        let line = self.err.strip_suffix('\n').unwrap_or("no line end");
        assert!(!line.is_empty() && !line.contains('\n'), "not one line:\n{}", self.err);
        line
    }
}

/// Kills a process that is still there when nobody believes in it any more.
pub struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    pub fn new(pid: Pid) -> Watchdog {
        let (alive, ended) = mpsc::channel();
        thread::spawn(move || {
            if ended.recv_timeout(2 * PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        Watchdog { _alive: alive }
    }
}

/// Reads to the end in a thread of its own; what was read comes in pieces.
pub fn pieces(mut source: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = source.read(&mut buffer) {
            if send.send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receive
}

/// A stream of text that is waited for.
pub struct Said {
    pieces: Receiver<Vec<u8>>,
    /// What was read and not yet taken.
    text: Vec<u8>,
    /// Everything, for whoever has to find out why a test failed.
    all: String,
}

impl Said {
    pub fn new(source: impl Read + Send + 'static) -> Said {
        Said { pieces: pieces(source), text: Vec::new(), all: String::new() }
    }

    /// Takes text up to where `end` finds the end of what is waited for.
    #[track_caller]
    pub fn until(&mut self, what: &str, end: impl Fn(&str) -> Option<usize>) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.text).into_owned();
            if let Some(at) = end(&text) {
                self.text = text.as_bytes()[at..].to_vec();
                return text[..at].to_owned();
            }
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => {
                    self.all += &String::from_utf8_lossy(&piece);
                    self.text.extend(piece);
                }
                Err(error) => panic!("{error} while waiting for {what}, after\n{}", self.all),
            }
        }
    }

    /// Takes text up to and with `mark`.
    #[track_caller]
    pub fn through(&mut self, mark: &str) -> String {
        self.until(mark, |text| text.find(mark).map(|at| at + mark.len()))
    }

    /// Takes the rest, to the end of the stream.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        loop {
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => self.text.extend(piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("{error} while waiting for the end"),
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.text)).into_owned()
    }
}

/// Makes the command that runs the shipped binary, in an environment that says nothing.
pub fn vfxos() -> Command {
    quiet(Command::new(env!("CARGO_BIN_EXE_vfxos")))
}

fn quiet(mut command: Command) -> Command {
    for name in ["VFXOS_LOG", "XDG_STATE_HOME", "HOME"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Ended {
    let mut piped = Piped::spawn(command);
    let (mut stdin, input) = (piped.input.take().unwrap(), input.to_vec());
    // It may end before it has read everything.
    thread::spawn(move || stdin.write_all(&input));
    piped.ended()
}

/// A process with pipes on all sides.
struct Piped {
    child: Held,
    input: Option<ChildStdin>,
    out: Said,
    err: Said,
    _watchdog: Watchdog,
}

impl Piped {
    fn spawn(command: &mut Command) -> Piped {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        Piped {
            _watchdog: Watchdog::new(pid_of(&child)),
            input: child.stdin.take(),
            out: Said::new(child.stdout.take().unwrap()),
            err: Said::new(child.stderr.take().unwrap()),
            child: Held(child),
        }
    }

    /// Waits for it to end by itself.
    #[track_caller]
    fn ended(&mut self) -> Ended {
        let (out, err) = (self.out.rest(), self.err.rest());
        Ended { code: self.child.0.wait().unwrap().code(), out, err }
    }
}

/// Runs a lab in `folder` over a script.
pub fn script(folder: &Folder, args: &[&str], text: &str) -> Ended {
    let state = folder.state();
    run(vfxos().arg("lab").arg("--state").arg(state).args(args), text.as_bytes())
}

/// Asks the lab in `state`.
pub fn ctl(state: &Path, words: &str) -> Ended {
    run(vfxos().arg("ctl").arg("--state").arg(state).args(words.split_whitespace()), b"")
}

pub fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

/// A process that ends with the test that started it.
pub struct Held(pub Child);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A lab that lives as long as a test wants it to, its console open.
pub struct Lab {
    piped: Piped,
    state: PathBuf,
}

impl Lab {
    /// Starts the built-in lab.
    pub fn start(folder: &Folder) -> Lab {
        Lab::spawn(folder, vfxos().arg("lab").arg("--state").arg(folder.state()))
    }

    /// Starts the lab of a topology.
    pub fn of(folder: &Folder, topology: &Path) -> Lab {
        Lab::spawn(folder, vfxos().arg("lab").arg(topology).arg("--state").arg(folder.state()))
    }

    /// Starts a lab by a command; returns once its first prompt stands.
    #[track_caller]
    pub fn spawn(folder: &Folder, command: &mut Command) -> Lab {
        let mut lab = Lab { piped: Piped::spawn(command), state: folder.state() };
        lab.out().until("the first prompt", prompt);
        lab
    }

    /// Returns what it prints.
    pub fn out(&mut self) -> &mut Said {
        &mut self.piped.out
    }

    /// Returns what it says to its operator.
    pub fn err(&mut self) -> &mut Said {
        &mut self.piped.err
    }

    pub fn pid(&self) -> Pid {
        pid_of(&self.piped.child.0)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        let input = self.piped.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap();
    }

    /// Types a line and returns what was printed under it, up to the next prompt.
    #[track_caller]
    pub fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\n").as_bytes());
        let text = self.out().until(line, prompt);
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        body.rsplit_once('\n').map_or(String::new(), |(body, _)| format!("{body}\n"))
    }

    /// Types lines of which none may be refused.
    #[track_caller]
    pub fn enter(&mut self, lines: &[&str]) {
        for line in lines {
            let said = self.say(line);
            let refused = ["% ", "Error:", "ERROR:", "Invalid"].iter().any(|w| said.contains(w));
            assert!(!refused, "{line}\n{said}");
        }
    }

    /// Asks the lab from another process.
    pub fn ctl(&self, words: &str) -> Ended {
        ctl(&self.state, words)
    }

    /// Asks the lab, which must say yes; returns its words without their line end.
    #[track_caller]
    pub fn asked(&self, words: &str) -> String {
        let ended = self.ctl(words).with(0);
        assert_eq!(ended.err, "", "{words}");
        ended.out.trim_end_matches('\n').to_owned()
    }

    /// Asks the lab, which must say yes, and returns its JSON.
    #[track_caller]
    pub fn json(&self, words: &str) -> serde_json::Value {
        serde_json::from_str(&self.asked(&format!("{words} --json"))).unwrap()
    }

    /// Returns the processes of the blades, by slot, of one chassis.
    #[track_caller]
    pub fn blades(&self, chassis: usize) -> Vec<Option<Pid>> {
        let status = self.json("status");
        let blades = status[chassis]["blades"].as_array().unwrap().clone();
        let pid = |blade: &serde_json::Value| blade["pid"].as_i64();
        blades.iter().map(|b| pid(b).map(|n| Pid::from_raw(i32::try_from(n).unwrap()))).collect()
    }

    /// Ends the input and returns what the lab left behind.
    #[track_caller]
    pub fn finish(mut self) -> Ended {
        drop(self.piped.input.take());
        self.ended()
    }

    /// Waits for the lab to end by itself.
    #[track_caller]
    pub fn ended(&mut self) -> Ended {
        self.piped.ended()
    }

    /// Ends the lab as a power cut does.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        self.ended()
    }
}

/// Returns the end of a text that ends in a prompt.
pub fn prompt(text: &str) -> Option<usize> {
    let last = text.rsplit('\n').next().unwrap_or_default().trim_start_matches('\r');
    let begins = ["FPR", "asa", "Firepower-module", "telnet>", "Password:"];
    let ends = ["# ", "> ", ">", "Password: "];
    let stands = begins.iter().any(|word| last.starts_with(word))
        && ends.iter().any(|word| last.ends_with(word))
        || last == ">";
    stands.then_some(text.len())
}

/// Waits until a process is gone: nobody's, and nobody's zombie.
#[track_caller]
pub fn gone(pid: Pid) {
    use std::os::fd::FromRawFd;
    // A process descriptor is readable once its process has ended; without one it has already.
    #[allow(unsafe_code, reason = "no safe way to wait for a process that is not our child")]
    // SAFETY: the call takes two numbers; what it returns is a descriptor of ours or an error.
    let opened = unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let Ok(fd @ 0..) = i32::try_from(opened) else { return };
    #[allow(unsafe_code, reason = "as above")]
    // SAFETY: the descriptor was opened just now and belongs to nobody else.
    let fd = unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) };
    let poll = nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&fd), nix::poll::PollFlags::POLLIN);
    let timeout = u16::try_from(PATIENCE.as_millis()).unwrap();
    let ended = nix::poll::poll(&mut [poll], timeout).unwrap();
    assert_eq!(ended, 1, "process {pid} is still there");
}

/// Writes lines, each with its end.
pub fn lines(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}
