//! `vfxos authority` driven as a process: over TLS as a chassis does, by `vfxos ctl`, by its JSON
//! API, killed at any moment, and two of them that exchange files.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the variant that it wants")]
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a test may, outside its test functions too"
)]

mod api;
mod killed;
mod process;
mod satellite;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::{Chassis, Folder, NAME, Process, Roots, run, verdict};
use vfxos::wire::callhome::{RefusalKind, Verdict};

#[test]
fn a_chassis_registers_over_tls_against_the_printed_roots() {
    let folder = Folder::new("registers");
    let state = folder.join("state");
    let printed = |which: &str| {
        let output = run(&["authority", "--state", &state, "--print-root", which]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = "/its/service/oddce/services/DDCEService".to_owned();
    let roots = Roots { tls: printed("tls"), licensing: printed("licensing"), path };
    let process = Process::cloud(state.as_ref());
    let ready = process.told.iter().find_map(|line| line.split_once("a token is ready: "));
    let tokens = [ready.unwrap().1.to_owned(), process.token()];
    for (number, token) in (1..).zip(&tokens) {
        let mut chassis = Chassis::new(number);
        let verdict = process.ask(&roots, &chassis.registration(token));
        let Verdict::Registered(grant) = verdict else { panic!("{verdict:?}") };
        assert!(grant.certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{grant:?}");
    }
    let known = process.ctl(&["instance", "list"]).unwrap();
    assert_eq!(known[0]["udi"]["serial"], "JAD00000001");
    assert_eq!(known.as_array().unwrap().len(), 2);

    let refused = process.ask(&roots, &Chassis::new(3).registration("ODNm"));
    assert!(matches!(refused, Verdict::Refused { kind: RefusalKind::Token, .. }), "{refused:?}");
}

#[test]
fn whoever_is_not_meant_is_told_so_in_tls_and_http() {
    let folder = Folder::new("strangers");
    let process = Process::cloud(&folder.0.join("state"));
    let other = Process::cloud(&folder.0.join("other"));
    let (roots, foreign) = (Roots::of(&process), Roots::of(&other));
    let request = Chassis::new(1).registration(&process.token());
    // A chassis that trusts another authority does not even ask.
    let refused = process.post(&foreign.tls, &roots.path, &request).unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    let status = |path: &str, body: &[u8]| process.post(&roots.tls, path, body).unwrap().0;
    assert_eq!(status("/Transportgateway/services/DeviceRequestHandler", &request), 404);
    assert_eq!(status("/", &request), 200);
    assert_eq!(status("/its", &request), 404);
    assert_eq!(status(&roots.path, b"<html>"), 400);
    assert_eq!(status(&roots.path, b""), 400);
    assert_eq!(status(&roots.path, &vec![b' '; 70_000]), 413);
    assert_eq!(process.ctl(&["instance", "list"]).unwrap().as_array().unwrap().len(), 0);
    // And after all that it serves.
    assert!(matches!(process.ask(&roots, &request), Verdict::Registered(_)));
}

#[test]
fn a_second_authority_on_one_state_folder_is_refused() {
    let folder = Folder::new("second");
    let state = folder.join("state");
    let _first = Process::cloud(state.as_ref());
    let refused = |args: &[&str]| {
        let output = run(&[&["authority", "--state", &state], args].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for args in [&["--listen", "127.0.0.1:0"][..], &["--print-root"]] {
        let said = refused(args);
        assert!(said.contains("is in use by another process"), "{said}");
        assert!(said.contains("vfxos ctl --state"), "{said}");
    }
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_served() {
    let folder = Folder::new("refused");
    let state = folder.join("state");
    drop(Process::cloud(state.as_ref()));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let table: [(&[&str], &str); 6] = [
        (&["--flavour", "satellite"], "belongs to a cloud authority and not to a satellite"),
        (&["--version", "2.3.0"], "add --flavour satellite"),
        (&["--listen", &taken], "name another address or port"),
        (&["--listen", "127.0.0.1:0", "--name", "no\u{e9}"], "--name"),
        (&["--listen", "127.0.0.1:0", "--api", "0.0.0.0:0"], "--api-anywhere"),
        (&["--listen", "127.0.0.1:0", "--control", &state], "something else is there"),
    ];
    for (args, want) in table {
        let output = run(&[&["authority", "--state", &state], args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(want) && said.lines().count() == 1, "{args:?}: {said}");
    }
}

#[test]
fn it_ends_cleanly_when_it_is_asked_to() {
    let folder = Folder::new("ends");
    let state = folder.0.join("state");
    let signal = |process: &Process, signal| {
        kill(Pid::from_raw(process.child.id().try_into().unwrap()), signal).unwrap();
    };
    for how in ["terminate", "interrupt", "stop"] {
        let mut process = Process::cloud(&state);
        assert!(state.join("ctl.sock").exists());
        match how {
            "terminate" => signal(&process, Signal::SIGTERM),
            "interrupt" => signal(&process, Signal::SIGINT),
            _ => drop(process.ctl(&["stop"])),
        }
        assert!(process.child.wait().unwrap().success(), "{how}");
        assert!(!state.join("ctl.sock").exists(), "{how}");
    }
}

#[test]
fn a_restart_prints_the_same_token_as_long_as_it_is_good() {
    let folder = Folder::new("token");
    let ready = || {
        let process = Process::cloud(&folder.0.join("state"));
        let token = process.told.iter().find_map(|line| line.split_once("a token is ready: "));
        (token.unwrap().1.to_owned(), process)
    };
    let (first, process) = ready();
    drop(process);
    let (again, process) = ready();
    assert_eq!(again, first);
    process.ctl(&["token", "revoke", &first]).unwrap();
    drop(process);
    assert_ne!(ready().0, first);
}

#[test]
fn the_clock_moves_on_request_and_an_answer_says_so() {
    let folder = Folder::new("clock");
    let process = Process::cloud(&folder.0.join("state"));
    let roots = Roots::of(&process);
    let token = process.token();
    let shown = process.ctl(&["clock", "advance", "31d"]).unwrap();
    assert!(shown["wall"].as_str().unwrap().starts_with("2020-09-04T12:0"), "{shown}");
    // A chassis that has stayed behind is told by its own date.
    let (_, body) =
        process.post(&roots.tls, &roots.path, &Chassis::new(1).registration(&token)).unwrap();
    let refused = verdict(&roots.licensing, &body);
    assert!(
        matches!(refused, Verdict::Refused { kind: RefusalKind::Timestamp, .. }),
        "{refused:?}"
    );
    assert_eq!(process.ctl(&["token", "list"]).unwrap()[0]["state"], "expired");
    assert!(NAME.ends_with(".lab"));
}
