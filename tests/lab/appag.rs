//! Hostile neighbours on the AppAG socket of a chassis whose blade is at work.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::unistd::Pid;
use vfxos::base::ident::{Handle, Slot, Tag};
use vfxos::base::rng::Rng;
use vfxos::base::time::Utc;
use vfxos::proto::broker::LINKS_MAX;
use vfxos::wire::appag::{Decoder, Encoder, Hello, Message, Refusal, Role, Welcome};

use crate::process::{CHASSIS, Folder, Held, Lab, PATIENCE, run};

/// A lab, and the process of its blade before anybody molested it.
struct Victim {
    folder: Folder,
    lab: Lab,
    blade: Pid,
}

impl Victim {
    fn new() -> Victim {
        let folder = Folder::new();
        let lab = Lab::start(&folder);
        lab.asked("wait attached 60s");
        let blade = lab.blades(0)[0].unwrap();
        Victim { folder, lab, blade }
    }

    fn socket(&self) -> PathBuf {
        self.folder.state().join("chassis").join(CHASSIS).join("appag.sock")
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Says something and returns all that is answered until the chassis hangs up.
    #[track_caller]
    fn told(&self, bytes: &[u8]) -> Vec<Message> {
        let mut stream = self.connect();
        // It may be closed before everything was written.
        let _ = stream.write_all(bytes);
        heard(&mut stream)
    }

    /// Proves that supervisor and blade are the ones they were, and work.
    #[track_caller]
    fn goes_on(mut self) {
        self.lab.asked("wait attached 60s");
        assert_eq!(self.lab.blades(0)[0], Some(self.blade), "the blade is another process");
        let token = self.lab.asked("token new");
        self.lab.enter(&["scope license", &format!("register idtoken {token}")]);
        self.lab.asked("clock advance 2s");
        self.lab.asked("wait registered 60s");
        self.lab.enter(&["connect module 1 console", "connect asa", "enable", ""]);
        self.lab.enter(&["configure terminal", "license smart", "feature tier standard", "end"]);
        self.lab.asked("clock advance 1m");
        self.lab.asked("wait authorized 60s");
        let asa = self.lab.say("show license all");
        assert!(asa.contains("Overall licensed status: Authorized (3)"), "{asa}");
    }
}

/// Reads until the other side hangs up.
#[track_caller]
fn heard(stream: &mut UnixStream) -> Vec<Message> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // What was written last was not read: then the end is a reset.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection is not closed: {error}"),
    }
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    std::iter::from_fn(|| decoder.pull().unwrap()).collect()
}

fn hello(role: Role, slot: u8) -> Message {
    Message::Hello(Hello {
        role,
        slot: Slot::new(slot).unwrap(),
        serial: "FCH99999XYZ".to_owned(),
        module: "FPR4K-SM-32S".to_owned(),
        release: "9.14(1)".to_owned(),
    })
}

fn request() -> Message {
    let tag = "regid.2015-10.com.cisco.FIREPOWER_4100_ASA_STANDARD,1.0_7d7f5ee2-1398-4b0e-aced-b3f7fb1cacfc";
    Message::Request { handle: Handle(1), tag: Tag::parse(tag).unwrap(), count: 1 }
}

fn welcome() -> Message {
    Message::Welcome(Welcome {
        wall: Utc::MIN,
        rate_milli: 1000,
        model: "FPR-4125".to_owned(),
        hostname: "impostor".to_owned(),
        export_controlled: true,
        registered: true,
        next_handle: Handle(1),
    })
}

/// Returns messages as one peer's frames.
fn frames(messages: &[Message]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    messages.iter().flat_map(|message| encoder.encode(message)).collect()
}

/// Returns a good greeting with some bytes changed.
fn spoilt(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = frames(&[hello(Role::License, 1)]);
    for (at, byte) in changes {
        bytes[*at] = *byte;
    }
    bytes
}

#[test]
fn whoever_speaks_out_of_turn_is_told_closed_and_logged() {
    let mut victim = Victim::new();
    let table: [(&[u8], Refusal, &str); 12] = [
        (b"GET / HTTP/1.1\r\n\r\n", Refusal::Protocol, "not an AppAG frame"),
        (&spoilt(&[(4, 1)]), Refusal::Version, "AppAG version 1, expected 2"),
        (&spoilt(&[(5, 99)]), Refusal::Protocol, "AppAG message kind 99 is unknown"),
        (&spoilt(&[(9, 5)]), Refusal::Protocol, "AppAG frame number 5, expected 0"),
        (&spoilt(&[(10, 0xff)]), Refusal::Protocol, "bytes, expected at most 16384"),
        (&spoilt(&[(14, 77)]), Refusal::Protocol, "AppAG message kind 1 is malformed"),
        (&frames(&[request()]), Refusal::Protocol, "Request is not for this peer to say now"),
        (&frames(&[welcome()]), Refusal::Protocol, "Welcome is not for this peer to say now"),
        (&frames(&[hello(Role::License, 1)]), Refusal::SlotTaken, "another blade is attached"),
        (&frames(&[hello(Role::Console, 1)]), Refusal::SlotTaken, "another blade is attached"),
        (&frames(&[hello(Role::License, 2)]), Refusal::SlotAbsent, "the chassis has 1 slots"),
        (
            &frames(&[hello(Role::License, 3), request(), request()]),
            Refusal::SlotAbsent,
            "the chassis has 1 slots",
        ),
    ];
    for (bytes, reason, why) in table {
        assert_eq!(victim.told(bytes), [Message::Refused { reason }], "{why}");
        let line = victim.lab.err().through(why);
        assert!(line.contains("WARN") && line.contains("AppAG: link "), "{line}");
    }
    victim.goes_on();
}

#[test]
fn a_greeting_that_never_ends_is_waited_for_in_vain() {
    let mut victim = Victim::new();
    let good = frames(&[hello(Role::License, 1)]);
    // Cut and gone: nobody's fault, nobody's line.
    for cut in [0, 3, 13, 14, good.len() - 1] {
        let mut stream = victim.connect();
        stream.write_all(&good[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(heard(&mut stream), [], "cut to {cut}");
    }
    // Cut and silent.
    let mut silent = victim.connect();
    silent.write_all(&good[..good.len() - 1]).unwrap();
    let mut mute = victim.connect();
    // What was connected before is known before a later question is answered.
    victim.lab.enter(&["show clock"]);
    victim.lab.asked("clock advance 11s");
    assert_eq!(heard(&mut silent), []);
    assert_eq!(heard(&mut mute), []);
    victim.lab.err().through("closed: said nothing for 10 s");
    victim.goes_on();
}

#[test]
fn a_crowd_is_turned_away_and_the_blade_keeps_its_seat() {
    let mut victim = Victim::new();
    let mut crowd: Vec<UnixStream> = (0..3 * LINKS_MAX).map(|_| victim.connect()).collect();
    let last = crowd.last_mut().unwrap();
    assert_eq!(heard(last), [Message::Refused { reason: Refusal::Crowded }]);
    victim.lab.err().through("too many connections");
    drop(crowd);
    victim.goes_on();
}

#[test]
fn random_bytes_and_random_frames_close_their_connection_and_nothing_else() {
    let mut rng = Rng::from_seed(0xa99a_6001);
    let victim = Victim::new();
    let mut refused = 0;
    for _ in 0..300 {
        let bytes = nonsense(&mut rng);
        let mut stream = victim.connect();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        refused += heard(&mut stream).len();
    }
    assert!(refused > 100, "{refused}");
    victim.goes_on();
}

/// Makes up what a broken or hostile peer may say.
fn nonsense(rng: &mut Rng) -> Vec<u8> {
    let below = |rng: &mut Rng, n: u64| usize::try_from(rng.next_u64() % n).unwrap();
    let byte = |rng: &mut Rng| u8::try_from(rng.next_u64() & 0xff).unwrap();
    let any = [
        hello(Role::License, 1),
        hello(Role::Console, 2),
        request(),
        welcome(),
        Message::Release { handle: Handle(7) },
        Message::Ping { number: 1 },
        Message::ConsoleClosed,
        Message::ConsoleOut { bytes: vec![0x1b; 300], settled: Some(3) },
        Message::Ack { handle: Handle(1) },
    ];
    let count = 1 + below(rng, 5);
    let some: Vec<Message> = (0..count).map(|_| any[below(rng, 9)].clone()).collect();
    let mut bytes = frames(&some);
    match rng.next_u64() % 4 {
        0 => {
            let len = 1 + below(rng, 400);
            bytes = (0..len).map(|_| byte(rng)).collect();
        }
        1 => {
            let at = below(rng, bytes.len() as u64);
            bytes[at] = byte(rng);
        }
        2 => bytes.truncate(below(rng, bytes.len() as u64)),
        _ => {}
    }
    bytes
}

/// A 9300 with a blade in slot 1 and nobody in slot 2.
const HALF_EMPTY: &[(&str, &str)] = &[
    ("name = \"FPR4125-1\"", "name = \"FPR9300-1\""),
    ("model = \"FPR-4125\"", "model = \"FPR-9300\""),
];

#[test]
fn a_peer_that_reads_nothing_is_given_up() {
    let folder = Folder::new();
    let topology = folder.changed(HALF_EMPTY);
    let mut lab = Lab::of(&folder, &topology);
    lab.asked("wait attached 60s");
    let socket = folder.state().join("chassis/FPR9300-1/appag.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut encoder = Encoder::default();
    stream.write_all(&encoder.encode(&hello(Role::License, 2))).unwrap();
    // Each ping is answered by a pong that nobody reads.
    let mut closed = false;
    for _ in 0..2_000 {
        let batch: Vec<u8> =
            (0..100).flat_map(|number| encoder.encode(&Message::Ping { number })).collect();
        if stream.write_all(&batch).is_err() {
            closed = true;
            break;
        }
    }
    assert!(closed, "200,000 answers are kept for a peer that reads none");
    lab.err().through("reads nothing; closed");
    // The slot is free for one that does.
    drop(stream);
    let said = lab.say("show clock");
    assert!(said.contains("UTC"), "{said}");
    lab.asked("wait attached 10s");
    lab.finish().with(0);
}

#[test]
fn the_sockets_are_our_user_s_alone() {
    let victim = Victim::new();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let chassis = victim.folder.state().join("chassis").join(CHASSIS);
    assert_eq!(mode(victim.socket()), 0o600);
    assert_eq!(mode(victim.folder.state().join("ctl.sock")) & 0o077, 0);
    for folder in [victim.folder.state(), chassis.clone(), chassis.join("blade-1")] {
        assert_eq!(mode(folder.clone()), 0o700, "{}", folder.display());
    }
    for file in ["flash.redb", "authority/flash.redb"] {
        assert_eq!(mode(victim.folder.state().join(file)), 0o600, "{file}");
    }
}

/// Some user who is not root.
const NOBODY: u32 = 65_534;

#[test]
fn another_user_is_turned_away_even_where_the_folder_is_open() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let mut victim = Victim::new();
    let state = victim.folder.state();
    let binary = victim.folder.path().join("vfxos");
    fs::copy(env!("CARGO_BIN_EXE_vfxos"), &binary).unwrap();
    let other = |args: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(args).uid(NOBODY).gid(NOBODY).current_dir("/").env_remove("VFXOS_LOG");
        command
    };
    let path = state.display().to_string();
    let ask = || run(&mut other(&["ctl", "--state", &path, "status"]), b"").with(2);
    assert!(ask().one_line().contains("ermission denied"));

    // Now only the sockets' own look at who connects is left.
    let chassis = state.join("chassis").join(CHASSIS);
    for path in [state.clone(), state.join("chassis"), chassis.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for socket in [victim.socket(), state.join("ctl.sock")] {
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
    }
    assert!(ask().one_line().contains("nobody answers"));

    let flash = victim.folder.path().join("flash");
    fs::create_dir(&flash).unwrap();
    std::os::unix::fs::chown(&flash, Some(NOBODY), Some(NOBODY)).unwrap();
    let (socket, flash) = (victim.socket().display().to_string(), flash.display().to_string());
    let blade = other(&["blade", "--slot", "1", "--module", "FPR4K-SM-32S", "--serial", "X"])
        .args(["--socket", &socket, "--state", &flash])
        .stdin(Stdio::null())
        .spawn();
    let _blade = Held(blade.unwrap());
    let said = victim.lab.err().through(&format!("turned away: Ok({NOBODY})"));
    assert!(said.contains("AppAG: a peer of another user is "), "{said}");
    victim.goes_on();
}
