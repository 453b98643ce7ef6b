//! `vfxos mio` as a process, on a tunnel: no root, no interface.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vfxos::net::link::Mac;
use vfxos::net::link::tunnel::{UdpTunnel, UnixTunnel};
use vfxos::net::stack::{Stack, StackConfig};

const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");
const CHASSIS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 15);
const SOON: Duration = Duration::from_secs(20);

/// A folder of a test's own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Short: the path of a unix socket has at most 107 bytes.
        let path = std::env::temp_dir().join(format!("vfm-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running chassis; killed when dropped.
struct Mio(Child);

impl Mio {
    /// Starts it and waits until it is up.
    fn start(words: &[&str]) -> Mio {
        let mut child = Command::new(BINARY)
            .arg("mio")
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let up = said.find(|line| line.contains("from another terminal"));
        assert!(up.is_some(), "it does not start");
        std::thread::spawn(move || said.for_each(drop));
        Mio(child)
    }

    fn end(mut self) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGTERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Mio {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn once(words: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(BINARY)
        .arg("mio")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses to start does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn config() -> StackConfig {
    StackConfig {
        mac: Mac([2, 0, 0, 0, 0, 1]),
        addresses: vec!["192.0.2.1/24".parse().unwrap()],
        gateway: None,
        slaac: false,
    }
}

/// Waits until the chassis has its address: it says that it is up a moment before.
async fn answers(stack: &Stack) {
    let mut pinger = stack.pinger();
    let second = Duration::from_secs(1);
    for sequence in 1..20 {
        if pinger.ping(CHASSIS, sequence, 64, &[7; 56], second).await.is_ok() {
            return;
        }
    }
    panic!("{CHASSIS} does not answer");
}

/// Returns an address of loopback where nobody is.
fn free() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_chassis_at_the_end_of_a_udp_tunnel_answers_and_keeps_its_address() {
    let folder = Folder::new();
    let (near, far) = (free(), free());
    let stack = Stack::spawn(config(), UdpTunnel::open(near, far, 1500).await.unwrap()).unwrap();
    let (mgmt, state) = (format!("udp:{far}:{near}"), folder.path("s"));
    let common = ["--mgmt", &mgmt, "--state", &state, "--blade", "none"];
    let first = [&common[..], &["--address", "192.0.2.15/24"]].concat();
    for words in [&first[..], &common[..]] {
        let mio = Mio::start(words);
        answers(&stack).await;
        let at = SocketAddr::from((CHASSIS, 22));
        stack.connect(at, SOON).await.expect("SSH listens");
        assert_eq!(mio.end(), Some(0));
    }
}

#[tokio::test]
async fn a_unix_tunnel_leads_to_the_first_boot_dialog_without_an_address() {
    let folder = Folder::new();
    let (near, far) = (folder.path("near"), folder.path("far"));
    let link = UnixTunnel::open(Path::new(&near), Some(far.clone().into()), 1500).await.unwrap();
    let stack = Stack::spawn(config(), link).unwrap();
    let (mgmt, state) = (format!("unix:{far}:{near}"), folder.path("s"));
    let mio = Mio::start(&["--mgmt", &mgmt, "--state", &state, "--blade", "none"]);
    let silent = stack.pinger().ping(CHASSIS, 1, 64, &[], Duration::from_millis(300)).await;
    assert!(silent.is_err(), "nobody has given it an address");
    assert_eq!(mio.end(), Some(0));
    assert!(!Path::new(&far).exists(), "its socket goes with it");
}

#[test]
fn the_console_is_on_the_terminal_and_its_end_is_the_end() {
    let folder = Folder::new();
    let (mgmt, state) = (format!("unix:{}", folder.path("wire")), folder.path("s"));
    let words =
        ["--mgmt", &mgmt, "--state", &state, "--blade", "none", "--address", "192.0.2.15/24"];
    let words = [&words[..], &["--name", "edge", "--model", "FPR-4140", "--console"]].concat();
    let said = once(&words, "show fabric-interconnect\n@status\n@token new\n");
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "{err}");
    assert!(out.contains("edge# show fabric-interconnect") && out.contains("192.0.2.15"), "{out}");
    assert!(err.contains("@status: edge  unregistered"), "{err}");
    assert!(err.contains("a chassis by itself has no authority"), "{err}");
    let again = once(&[&words[..], &["--serial", "JAD000"]].concat(), "");
    let err = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(2), "{err}");
    assert!(err.contains("leave --serial out"), "{err}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let folder = Folder::new();
    let (wire, state) = (format!("unix:{}", folder.path("wire")), folder.path("s"));
    for (words, why) in [
        (&["--mgmt", "packet:no-such-one"][..], "see `ip link`"),
        (&["--mgmt", "tap:a/b"], "no name of an interface"),
        (&["--mgmt", &wire, "--model", "FPR-1"], "--model FPR-1: there are"),
        (&["--mgmt", &wire, "--gateway", "192.0.2.1"], "give both"),
        (
            &["--mgmt", &wire, "--address", "192.0.2.15/24", "--gateway", "10.0.0.1"],
            "not on its network",
        ),
        (&["--mgmt", &wire, "--root", "/dev/null"], "no certificate in it"),
        (&["--mgmt", &wire, "--blade", "9"], "no slot 9"),
    ] {
        let said = once(&[words, &["--state", &state]].concat(), "");
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{words:?}: {err}");
        assert!(err.contains(why) && err.lines().count() == 1, "{words:?}: {err}");
    }
}
