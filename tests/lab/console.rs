//! What a script's console makes of bytes that no operator would type, of readers that leave, and
//! of signals.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use vfxos::base::rng::Rng;

use crate::process::{Folder, Held, Lab, Said, ctl, gone, script, vfxos};

/// Runs a script of bytes.
fn bytes(folder: &Folder, input: &[u8]) -> crate::process::Ended {
    crate::process::run(vfxos().args(["lab", "--state"]).arg(folder.state()), input)
}

#[test]
fn binary_garbage_is_refused_line_by_line() {
    let folder = Folder::new();
    let mut rng = Rng::from_seed(0xb1_4a21);
    let mut input = Vec::new();
    for line in 0..300 {
        // At the module's console for the second half.
        if line == 150 {
            input.extend(b"\x03\nconnect module 1 console\nconnect asa\n");
        }
        let len = rng.next_u64() % 60;
        let garbage = (0..len).map(|_| u8::try_from(rng.next_u64() & 0xff).unwrap());
        // ^D ends a session, ~ leaves a module, and a line of @ is not the console's.
        input.extend(garbage.filter(|b| ![4, b'~', b'@', b'\n', b'\r', 1, 0x1d].contains(b)));
        input.push(b'\n');
    }
    input.extend(b"\x03\n~\nquit\nend\nshow clock\n");
    let ended = bytes(&folder, &input).with(0);
    let last = ended.out.trim_end().rsplit('\n').nth(1).unwrap();
    assert!(last.contains("UTC 20"), "{last}");
    assert!(ended.out.matches("% Invalid").count() > 50, "{}", ended.out);
    assert_eq!(ended.err.lines().count(), 4, "{}", ended.err);
}

#[test]
fn a_line_longer_than_any_command_is_refused_whole() {
    let folder = Folder::new();
    for len in [64 * 1024 - 20, 64 * 1024 + 1, 255 * 1024, 300 * 1024, 3 << 20] {
        let mut input = b"scope system\nset name ".to_vec();
        input.extend(std::iter::repeat_n(b'x', len));
        input.extend(b"\nshow clock\n");
        let ended = bytes(&folder, &input).with(0);
        let (_, rest) = ended.out.split_once("/system # set name xxx").unwrap();
        assert!(rest.contains("% Invalid Command at '^' marker\n"), "{len}");
        let clocks = rest.matches("# show clock\n").count();
        assert_eq!(clocks, 1, "{len}: the line behind it is a command of its own");
        assert!(rest.trim_end().rsplit('\n').nth(1).unwrap().contains("UTC 20"), "{len}");
    }
    let mut input = b"connect module 1 console\nconnect asa\n".to_vec();
    input.extend(std::iter::repeat_n(b'y', 100_000));
    input.extend(b"\nshow clock\n~\nquit\nshow clock\n");
    let ended = bytes(&folder, &input).with(0);
    assert!(ended.out.contains("\nasa> show clock\n"), "the module goes on");
    assert!(ended.out.contains("\nFPR4125-1# show clock\n"), "the chassis goes on");
}

#[test]
fn keys_that_interrupt_and_end_do_so_in_a_script() {
    let folder = Folder::new();
    // ^C throws a line away, and a dialog.
    let input = b"scope security\nscope sys\x03\ncreate trustpoint t\nset certchain\nabc\n\x03\nshow clock\n";
    let ended = bytes(&folder, input).with(0);
    assert!(ended.out.contains("/security # scope sys^C\n"), "{}", ended.out);
    let (_, dialog) = ended.out.split_once("Trustpoint Certificate Chain:\n").unwrap();
    assert!(dialog.starts_with(">abc\n>^C\nFPR4125-1 /security/trustpoint* # "), "{dialog}");
    assert!(dialog.contains("# show clock\n"), "{dialog}");

    // ^D on an empty line is `exit`: up, and at the top out.
    let ended = bytes(&folder, b"scope system\n\x04show clock\n\x04\nshow version\n").with(0);
    assert!(ended.out.contains("FPR4125-1# show clock\n"), "{}", ended.out);
    assert!(!ended.out.contains("show version"), "{}", ended.out);
    // Anything else ends with the input: no line end is needed, and CR LF is one.
    let ended = bytes(&folder, b"scope system\r\nshow clock\r\nup").with(0);
    assert!(ended.out.ends_with("FPR4125-1 /system # up\nFPR4125-1# \n"), "{:?}", ended.out);
    assert_eq!(ended.out.matches("FPR4125-1 /system # ").count(), 2, "{:?}", ended.out);
}

#[test]
fn readers_that_leave_end_the_lab_in_words() {
    let folder = Folder::new();
    let start = |out: Stdio, err: Stdio| {
        let mut command = vfxos();
        command.args(["lab", "--state"]).arg(folder.state());
        Held(command.stdin(Stdio::piped()).stdout(out).stderr(err).spawn().unwrap())
    };
    // Nobody reads the screen any more.
    let mut lab = start(Stdio::piped(), Stdio::piped());
    drop(lab.0.stdout.take());
    let mut input = lab.0.stdin.take().unwrap();
    let _ = std::io::Write::write_all(&mut input, b"show clock\nshow clock\n");
    let said = Said::new(lab.0.stderr.take().unwrap()).rest();
    assert_eq!(lab.0.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.trim_end().ends_with("vfxos lab: output: Broken pipe (os error 32)"), "{said}");
    assert!(!said.contains("panicked"), "{said}");

    // Nobody reads what is said to the operator: the lab has better to do than to mind.
    let mut lab = start(Stdio::piped(), Stdio::piped());
    drop(lab.0.stderr.take());
    let mut input = lab.0.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"@status\n@fly\nshow clock\n").unwrap();
    drop(input);
    let printed = Said::new(lab.0.stdout.take().unwrap()).rest();
    assert_eq!(lab.0.wait().unwrap().code(), Some(0), "{printed}");
    assert!(printed.contains("# show clock\n"), "{printed}");

    // Nor do the words that only print mind a reader that leaves.
    for words in [&["lab", "--print-topology"][..], &["drill", "list"]] {
        let text = format!("{} {} | true", env!("CARGO_BIN_EXE_vfxos"), words.join(" "));
        let shell = Command::new("sh").args(["-c", &text]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shell.stderr), "", "{text}");
    }
}

#[test]
fn a_reader_that_is_slow_holds_up_its_own_console_and_nothing_else() {
    let folder = Folder::new();
    let mut command = vfxos();
    command.args(["lab", "--state"]).arg(folder.state());
    let mut lab = Held(
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut err = Said::new(lab.0.stderr.take().unwrap());
    err.through("status\n");
    // Far more than a pipe holds, and the last line says when it is done.
    let mut input = lab.0.stdin.take().unwrap();
    let text = "show license all\n".repeat(200) + "@status\n";
    std::io::Write::write_all(&mut input, text.as_bytes()).unwrap();
    for _ in 0..3 {
        let status = ctl(&folder.state(), "wait attached 60s").with(0);
        assert_eq!(status.out, "FPR4125-1 is there\n");
        ctl(&folder.state(), "clock advance 1d").with(0);
    }
    let mut out = Said::new(lab.0.stdout.take().unwrap());
    err.through("@status: ");
    drop(input);
    let printed = out.rest();
    assert_eq!(printed.matches("Smart Licensing is ENABLED").count(), 200);
    assert_eq!(lab.0.wait().unwrap().code(), Some(0));
}

#[test]
fn signals_end_a_lab_in_order_and_a_throw_away_one_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let folder = Folder::new();
        let mut command = vfxos();
        command.args(["lab", "--ephemeral"]).env("TMPDIR", folder.path());
        let mut lab = Lab::spawn(&folder, command.process_group(0));
        let said = lab.err().through("status\n");
        let state =
            said.lines().find_map(|line| line.strip_prefix("vfxos lab: state in ")).unwrap();
        assert!(state.starts_with(&folder.path().display().to_string()), "{state}");
        ctl(state.as_ref(), "wait attached 60s").with(0);
        let status = ctl(state.as_ref(), "status --json").with(0).out;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let blade = i32::try_from(status[0]["blades"][0]["pid"].as_i64().unwrap()).unwrap();

        // To all of its group, as a terminal's keys do: the blades are not of it.
        killpg(lab.pid(), signal).unwrap();
        let ended = lab.ended().with(0);
        assert_eq!(ended.err, format!("vfxos lab: ended by {signal}\n"));
        gone(nix::unistd::Pid::from_raw(blade));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{signal} leaves something");
    }
    // A power cut may leave its folder, and never harms the next lab.
    let folder = Folder::new();
    let start = || {
        let mut command = vfxos();
        command.args(["lab", "--ephemeral"]).env("TMPDIR", folder.path());
        Lab::spawn(&folder, &mut command)
    };
    start().kill();
    start().finish().with(0);
}

#[test]
fn a_signal_ends_a_script_in_the_middle_and_keeps_what_it_did() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.enter(&["scope system", "scope services", "create dns 192.0.2.9", "commit-buffer"]);
    kill(lab.pid(), Signal::SIGINT).unwrap();
    lab.ended().with(0);
    let again = script(&folder, &[], "scope system\nscope services\nshow dns\n").with(0);
    assert!(again.out.contains("192.0.2.9"), "{}", again.out);
}
