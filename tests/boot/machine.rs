//! A QEMU with the image in it, watched over its serial line; none outlives its test.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything: software emulation on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
const QEMU: &str = "qemu-system-x86_64";

/// Returns the folder of the image, or says why the test is skipped.
pub fn image() -> Option<PathBuf> {
    let folder = std::env::var_os("VFXOS_IMAGE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/image"), PathBuf::from);
    if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: {QEMU} is not installed (apt-get install qemu-system-x86)");
        return None;
    }
    if !folder.join("SHA256SUMS").exists() {
        eprintln!("skipped: there is no image in {} (make image)", folder.display());
        return None;
    }
    Some(folder)
}

/// Tells whether the kernel is our own: Debian's has fewer drivers and wants more memory.
pub fn has_own_kernel(image: &Path) -> bool {
    fs::read_to_string(image.join("kernel.txt")).unwrap().starts_with("linux-source")
}

/// Returns the disk in a folder.
pub fn disk(image: &Path) -> PathBuf {
    let files = fs::read_dir(image).unwrap().map(|file| file.unwrap().path());
    files.into_iter().find(|file| file.extension().is_some_and(|end| end == "qcow2")).unwrap()
}

/// A folder of a test's own, gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("vfb-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Makes a disk of the test's own on top of the image's.
    pub fn overlay(&self, image: &Path) -> PathBuf {
        let path = self.join("disk.qcow2");
        let base = format!("{}", disk(image).canonicalize().unwrap().display());
        let args = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &base];
        let made = Command::new("qemu-img").args(args).arg(&path).status().unwrap();
        assert!(made.success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns a port that is free at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns how QEMU runs the guest: in software, unless who runs the tests knows that KVM works.
///
/// A probe is no help: there are machines whose KVM runs simple code and fails in the boot loader.
fn accelerator() -> String {
    std::env::var("ACCEL").unwrap_or_else(|_| "tcg".to_owned())
}

/// A running machine, killed when dropped.
pub struct Machine {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    /// Everything it printed, and how much of it has been looked at.
    pub printed: String,
    seen: usize,
    monitor: PathBuf,
    _folder: Folder,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Machine {
    /// Starts QEMU with 256 MB unless `args` says another number.
    pub fn start(args: &[String]) -> Machine {
        let folder = Folder::new();
        let monitor = folder.join("qmp");
        let qmp = format!("unix:{},server=on,wait=off", monitor.display());
        let memory: &[&str] = if args.iter().any(|arg| arg == "-m") { &[] } else { &["-m", "256"] };
        let mut child = Command::new(QEMU)
            .args(["-accel", &accelerator(), "-display", "none", "-no-user-config", "-no-reboot"])
            .args(["-serial", "stdio", "-monitor", "none", "-qmp", &qmp])
            .args(memory)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (send, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut buffer) {
                if send.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Machine { child, keys, screen, printed: String::new(), seen: 0, monitor, _folder: folder }
    }

    /// Starts QEMU with a disk.
    pub fn with_disk(disk: &Path, args: &[&str]) -> Machine {
        let drive = format!("file={},if=virtio,cache=writeback", disk.display());
        let all = ["-drive".to_owned(), drive].into_iter();
        Machine::start(&all.chain(args.iter().map(|arg| (*arg).to_owned())).collect::<Vec<_>>())
    }

    /// Waits until one of the texts has been printed; returns which.
    pub fn expect_any(&mut self, texts: &[&str]) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            let fresh = &self.printed[self.seen..];
            let found = texts
                .iter()
                .enumerate()
                .filter_map(|(which, text)| fresh.find(text).map(|at| (at + text.len(), which)));
            if let Some((after, which)) = found.min() {
                self.seen += after;
                return which;
            }
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.printed.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {texts:?} after {PATIENCE:?}:\n{}", self.printed)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without {texts:?}:\n{}", self.printed)
                }
            }
        }
    }

    pub fn expect(&mut self, text: &str) {
        self.expect_any(&[text]);
    }

    pub fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\r").as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Logs in as admin.
    pub fn log_in(&mut self, password: &str) {
        self.expect("login: ");
        self.type_line("admin");
        self.expect("assword: ");
        self.type_line(password);
        self.expect("# ");
    }

    /// Types a command and returns what is printed before the next prompt.
    pub fn command(&mut self, line: &str) -> String {
        let from = self.seen;
        self.type_line(line);
        self.expect("# ");
        self.printed[from..self.seen].to_owned()
    }

    /// Types a command again and again until it prints a text.
    pub fn command_until(&mut self, line: &str, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let printed = self.command(line);
            if printed.contains(text) {
                return printed;
            }
            assert!(Instant::now() < end, "{line}: no {text}:\n{printed}");
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// Presses the power button.
    pub fn power_button(&self) {
        let mut monitor = UnixStream::connect(&self.monitor).unwrap();
        let mut line = [0; 4096];
        let _ = monitor.read(&mut line).unwrap();
        monitor.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").unwrap();
        let _ = monitor.read(&mut line).unwrap();
        monitor.write_all(b"{\"execute\":\"system_powerdown\"}\n").unwrap();
        let _ = monitor.read(&mut line).unwrap();
    }

    /// Waits for the end of the machine, `longest` at most; returns how long it took.
    pub fn ends_within(&mut self, longest: Duration) -> Duration {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < longest, "it is still there:\n{}", self.rest());
            thread::sleep(Duration::from_millis(20));
        }
        start.elapsed()
    }

    /// Cuts the power.
    pub fn cut(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Returns everything that it has printed.
    pub fn rest(&mut self) -> String {
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_millis(50)) {
            self.printed.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.printed.clone()
    }
}
