//! Any bytes whatever: never a panic, nothing without a limit, and always a way back to the prompt.

use super::device::{chassis, module};
use super::*;
use crate::base::rng::Rng;
use crate::cli::asa::{ASA, MODULE};
use crate::cli::edit::LINE_MAX;
use crate::cli::tables::{FXOS, LOCAL_MGMT, MIO};
use crate::proto::blade::Blade;
use crate::proto::mio::Mio;

/// Sessions a shell, and reads a session.
const SESSIONS: u64 = 24;
const READS: u64 = 60;

/// What makes trouble: parts of commands, of key sequences, of characters, and all that means
/// something to a shell.
const PARTS: [&[u8]; 44] = [
    b"show ",
    b"show clock",
    b"scope ",
    b"system",
    b"services",
    b"license",
    b"enter ",
    b"create ",
    b"server a",
    b"set ",
    b"name ",
    b"password",
    b"chain",
    b"ENDOFBUF",
    b"ping",
    b"enable",
    b"config",
    b"connect ",
    b"inner",
    b"module 1 console",
    b"module 1 telnet",
    b"terminal length 3",
    b"show lines 99",
    b"dns 192.0.2.1",
    b"commit-buffer",
    b"exit",
    b"| include ",
    b"| sort -k 2",
    b"| tr a-z \\",
    b" > ",
    b";",
    b"\"",
    b"\\",
    b"?",
    b"\t",
    b"\x1b[A",
    b"\x1b[1;5",
    b"\x01d",
    b"~",
    b"\x1d.",
    "größe 日本".as_bytes(),
    b"\xe2\x82",
    b"[a{99}",
    b"!",
];
const ENDS: [&[u8]; 6] = [b"\r", b"\n", b"\r\n", b"\r\0", b"\x03", b"\x04"];

/// Whole lines that lead somewhere else.
const LINES: [&[u8]; 6] = [
    b"\x15connect module 1 console\r",
    b"\x15connect module 1 telnet\r",
    b"\x15connect asa\r",
    b"\x15ping; show clock\r",
    b"\x15show lines 99; password\r",
    b"\x15scope system; enter server a\r",
];

fn read(rng: &mut Rng) -> Vec<u8> {
    let mut read = Vec::new();
    for _ in 0..rng.next_u64() % 8 {
        match rng.next_u64() % 9 {
            8 => read.extend_from_slice(LINES[(rng.next_u64() % 6) as usize]),
            0 => read.push(rng.next_u64() as u8),
            1 => read.extend_from_slice(ENDS[(rng.next_u64() % 6) as usize]),
            2 => read.extend((0..rng.next_u64() % 40).map(|_| rng.next_u64() as u8)),
            _ => read.extend_from_slice(PARTS[(rng.next_u64() % 44) as usize]),
        }
    }
    if rng.one_in(2) {
        read.extend_from_slice(ENDS[(rng.next_u64() % 4) as usize]);
    }
    if rng.one_in(200) {
        read.extend(std::iter::repeat_n(b'x', LINE_MAX + 9));
    }
    read
}

/// Types rubbish into sessions on a shell and asks each for its prompt every now and then.
///
/// Returns the names of the modes that a session was found in.
fn storm<X: World>(
    shell: &'static Shell<X>,
    world: impl Fn() -> X,
    prompt: &str,
) -> BTreeSet<&'static str> {
    let mut modes = BTreeSet::new();
    for seed in 0..SESSIONS {
        let mut rng = Rng::from_seed(seed);
        let size = [(80, 24), (5, 2), (0, 0), (511, 0), (1, 1)][(seed % 5) as usize];
        let mut session = Session::on(shell, world(), Role::Admin, size);
        for n in 0..READS {
            let read = read(&mut rng);
            let mut shown = session.keys(&read).len();
            shown += match rng.next_u64() % 16 {
                0 => session.notice("% news").len(),
                1 => session.module("\x1b[Kmodule>").len(),
                2 => session.job_output("a line\nand half").len(),
                3 => session.job_done().len(),
                4 => {
                    session
                        .terminal
                        .resize(rng.next_u64() as u16 % 100, rng.next_u64() as u16 % 50);
                    0
                }
                _ => 0,
            };
            assert!(shown < 8 * FLOOD_MAX, "SEED={seed}: {shown} bytes after {read:?}");
            assert!(session.terminal.ahead.len() <= AHEAD_MAX, "SEED={seed}");
            modes.insert(match &session.terminal.mode {
                Mode::Prompt => "prompt",
                Mode::Asking(_) => "asking",
                Mode::Paging(_) => "paging",
                Mode::Relay(relay) if relay.is_commanding() => "telnet",
                Mode::Relay(_) => "relay",
                Mode::Job(_) => "job",
                Mode::Ended => "ended",
            });
            session.wants();
            if n % 8 == 0 {
                come_back(&mut session, prompt, seed);
            }
            if let Mode::Ended = session.terminal.mode {
                assert_eq!(session.keys("show clock\r"), "", "SEED={seed} is over");
                session = Session::on(shell, world(), Role::Admin, size);
            }
        }
    }
    modes
}

/// Does what an operator does who is lost, then asks for the prompt.
fn come_back<X: World>(session: &mut Session<X>, prompt: &str, seed: u64) {
    // Out of a listing, a question, a line or a job; then out of a module, if it is one.
    session.keys("\x03");
    session.job_done();
    if let Mode::Relay(_) = session.terminal.mode {
        session.keys("~");
        session.keys("\x15quit\r");
        session.keys("\x03");
    }
    // An `exit` whose farewell filled the screen has come to its end by that.
    if let Mode::Ended = session.terminal.mode {
        return;
    }
    let shown = session.keys("\x15\r");
    let last = shown.rsplit('\n').next().unwrap_or_default();
    let inside = last.starts_with(prompt) && last.trim_end().ends_with(['#', '>']);
    assert!(
        inside || last.starts_with("inner") || last.starts_with("asa"),
        "SEED={seed}: {shown:?}"
    );
    assert!(session.terminal.is_idle(), "SEED={seed}");
    session.wants();
}

#[test]
fn the_test_shell_stands_any_bytes() {
    let modes = storm(&LAB, Lab::default, "lab");
    let all = ["asking", "ended", "job", "paging", "prompt", "relay", "telnet"];
    assert_eq!(modes, all.into(), "the storm has been everywhere");
}

#[test]
fn the_supervisor_stands_any_bytes() {
    storm::<Mio>(&MIO, chassis, "FPR4125-1");
    storm::<Mio>(&FXOS, chassis, "FPR4125-1(fxos)#");
    storm::<Mio>(&LOCAL_MGMT, chassis, "FPR4125-1(local-mgmt)#");
}

#[test]
fn the_module_and_its_asa_stand_any_bytes() {
    storm::<Blade>(&MODULE, module, "Firepower-module1>");
    storm::<Blade>(&ASA, module, "asa");
}

/// However the keys are cut into reads, the line is the same; only `~` cares about reads.
#[test]
fn the_cut_into_reads_changes_nothing() {
    let script = "say größe\x02\x02\x7fx\rshow clo\tclo\x17clock\rname\r日本\x02x\rchain\ra\rENDOFBUF\r\
                  show lines 9\r  /8\rscope system; enter server a\r\x10\x10\x15\x1b[H\x1b[3~top\r\n";
    let mut whole = Session::sized(80, 4);
    let shown = whole.keys(script);
    for seed in 0..50 {
        let mut rng = Rng::from_seed(seed);
        let mut parts = Session::sized(80, 4);
        let (mut rest, mut all) = (script.as_bytes(), String::new());
        while !rest.is_empty() {
            let cut = (rng.next_u64() as usize % 5 + 1).min(rest.len());
            let (read, behind) = rest.split_at(cut);
            all += &parts.keys(read);
            rest = behind;
        }
        assert_eq!(parts.world.log, whole.world.log, "SEED={seed}");
        assert_eq!(all.lines().last(), shown.lines().last(), "SEED={seed}");
    }
}
