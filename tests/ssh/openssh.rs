//! OpenSSH's own client, where it is installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use crate::client::PASSWORD;
use crate::lab::Lab;

/// Returns false, with words, where there is no `ssh`.
fn is_installed() -> bool {
    let found = Command::new("ssh").arg("-V").stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: no OpenSSH client is installed");
    }
    found
}

/// Runs `ssh OPTIONS admin@LAB LINE`, with the password where it asks for one.
fn ssh(lab: &Lab, options: &[&str], line: Option<&str>, typed: &str) -> Output {
    use std::io::Write;

    let ask = lab.folder.path().join("askpass");
    fs::write(&ask, format!("#!/bin/sh\necho {PASSWORD}\n")).unwrap();
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
    let mut child = Command::new("ssh")
        .args(["-F", "none", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
        .args(["-o", "IdentityAgent=none", "-o", "NumberOfPasswordPrompts=1"])
        .args(options)
        .args(["-p", &lab.address.port().to_string(), "admin@127.0.0.1"])
        .args(line)
        .env("SSH_ASKPASS", &ask)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn it_runs_a_command_and_has_its_status() {
    if !is_installed() {
        return;
    }
    let lab = Lab::start();
    let output = ssh(&lab, &[], Some("show version | inc Version"), "");
    assert!(shown(&output).starts_with("    Version: "), "{}", shown(&output));
    assert_eq!(output.status.code(), Some(0));
    let output = ssh(&lab, &[], Some("show clock; bogus"), "");
    assert!(shown(&output).contains("% Invalid Command"), "{}", shown(&output));
    assert_eq!(output.status.code(), Some(1));
    for method in ["password", "keyboard-interactive"] {
        let only = format!("PreferredAuthentications={method}");
        let output = ssh(&lab, &["-o", &only], Some("show clock"), "");
        assert_eq!(output.status.code(), Some(0), "{method}: {}", shown(&output));
    }
    let output = ssh(&lab, &["-o", "PreferredAuthentications=none"], Some("show clock"), "");
    assert_eq!(output.status.code(), Some(255), "{}", shown(&output));
}

#[test]
fn it_has_a_terminal_and_a_pipe() {
    if !is_installed() {
        return;
    }
    let lab = Lab::start();
    let output = ssh(&lab, &["-tt"], None, "terminal length 0\rshow timezone\rexit\r");
    let text = shown(&output);
    assert!(text.contains("Cisco Firepower Extensible Operating System"), "{text}");
    assert!(text.contains("FPR4125-1# show timezone\r\nTimezone:"), "{text}");
    assert_eq!(output.status.code(), Some(0));
    let output = ssh(&lab, &["-T"], None, "show timezone\n");
    let text = shown(&output);
    assert!(text.ends_with("FPR4125-1# \nTimezone:\nFPR4125-1# "), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn old_algorithms_will_do() {
    if !is_installed() {
        return;
    }
    let lab = Lab::start();
    let old = [
        "-o",
        "KexAlgorithms=diffie-hellman-group14-sha1",
        "-o",
        "Ciphers=aes128-cbc",
        "-o",
        "MACs=hmac-sha1",
    ];
    let output = ssh(&lab, &old, Some("show clock"), "");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let sftp = ssh(&lab, &["-s"], Some("sftp"), "");
    assert_ne!(sftp.status.code(), Some(0), "there are no files to have");
}

#[test]
fn a_key_file_is_as_good() {
    if !is_installed() {
        return;
    }
    let lab = Lab::start();
    let file = lab.folder.path().join("id");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"])
        .arg(&file)
        .status();
    if !made.is_ok_and(|made| made.success()) {
        eprintln!("skipped: no ssh-keygen is installed");
        return;
    }
    let public = fs::read_to_string(file.with_extension("pub")).unwrap();
    let key = ["-o", "PreferredAuthentications=publickey", "-i", file.to_str().unwrap()];
    let output = ssh(&lab, &key, Some("show clock"), "");
    assert_eq!(output.status.code(), Some(255), "nobody knows it yet");
    // By the dialog, whose questions a pipe answers.
    let line = "scope security; scope local-user admin; set sshkey; commit-buffer";
    let output = ssh(&lab, &[], Some(line), &format!("{public}ENDOFBUF\n"));
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let output = ssh(&lab, &key, Some("show clock"), "");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}
