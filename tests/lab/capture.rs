//! Captures and files in a whole lab: from the wire to the workspace, to another host, through a crash.

use std::fs;
use std::process::Command;

use crate::process::{Folder, Lab, vfxos};

/// The host of the lab that takes and gives files.
const FILES: &str = "10.83.65.41";

/// A supervisor asks its NTP servers whatever happens, so four frames always come.
const CAPTURE: &str = "ethanalyzer local interface mgmt capture-filter \"udp port 123 or arp\" \
                       limit-captured-frames 4 limit-frame-size 64 write workspace:///A.pcap";

#[test]
fn a_capture_is_written_copied_and_read_back_after_a_crash() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.enter(&["connect fxos"]);
    let captured = lab.say(CAPTURE);
    let lines: Vec<&str> = captured.lines().collect();
    assert_eq!(lines.len(), 6, "{captured}");
    assert_eq!((lines[0], lines[5]), ("Capturing on 'eth0'", "4 packets captured"));
    assert!(lines[1].starts_with("   1 "), "{captured}");
    let read = lab.say("ethanalyzer local read workspace:///A.pcap");
    assert_eq!(read.lines().collect::<Vec<_>>(), lines[1..5], "the same lines");
    let one = lab.say("ethanalyzer local read workspace:///A.pcap limit-captured-frames 1 detail");
    assert!(one.contains("\n    Capture Length: "), "{one}");
    assert_eq!(lab.say("ethanalyzer local read workspace:///A.pcap display-filter \"tcp\""), "");
    lab.enter(&["exit", "connect local-mgmt"]);
    for url in ["ftp", "tftp", "http"] {
        let copied = lab.say(&format!("copy workspace:///A.pcap {url}://{FILES}/{url}.pcap"));
        assert_eq!(copied, "", "{url}");
    }
    let file = |name: &str| fs::read(folder.state().join("files").join(name)).unwrap();
    let first = file("ftp.pcap");
    assert!(first.starts_with(&0xa1b2_3c4d_u32.to_le_bytes()), "pcap to the nanosecond");
    assert!(first == file("tftp.pcap") && first == file("http.pcap"));
    let text = lab.say(&format!("copy ftp://{FILES}/none workspace:///none"));
    assert_eq!(text, format!("ftp://{FILES}/none: 550 none: no such file\n"));
    for scheme in ["ftp", "tftp", "http"] {
        let line = format!("copy {scheme}://{FILES}/ftp.pcap workspace:///{scheme}-back.pcap");
        assert_eq!(lab.say(&line), "");
    }
    lab.kill();
    let mut lab = Lab::start(&folder);
    lab.enter(&["connect fxos"]);
    for name in ["A.pcap", "ftp-back.pcap", "tftp-back.pcap", "http-back.pcap"] {
        assert_eq!(lab.say(&format!("ethanalyzer local read workspace:///{name}")), read, "{name}");
    }
    lab.finish().with(0);
}

#[test]
fn the_archive_for_support_holds_what_support_asks_for() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.enter(&["connect local-mgmt"]);
    let said = lab.say("show tech-support chassis 1 detail");
    let place = said.lines().last().and_then(|line| line.split("located at ").nth(1)).unwrap();
    assert!(place.ends_with("_FPR4125-1_BC1_all.tar.gz"), "{said}");
    assert_eq!(lab.say(&format!("copy {place} tftp://{FILES}/ts.tar.gz")), "");
    let archive = folder.state().join("files/ts.tar.gz");
    let unpacked = Command::new("tar").args(["-xzOf"]).arg(archive).output().unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let text = String::from_utf8(unpacked.stdout).unwrap();
    for part in [
        "Smart Licensing Status\n",
        "`show license techsupport`",
        "Trustpoint Name: CHdefault",
        "svc_sam_licenseAG",
        "scope system\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("% Invalid"), "a listing was refused\n{text}");
    lab.finish().with(0);
}

#[test]
fn a_lab_that_keeps_secrets_writes_pcapng() {
    let folder = Folder::new();
    let mut command = vfxos();
    command.args(["lab", "--keylog", "--state"]).arg(folder.state());
    let mut lab = Lab::spawn(&folder, &mut command);
    lab.enter(&["connect fxos"]);
    lab.say(CAPTURE);
    lab.enter(&["exit", "connect local-mgmt"]);
    assert_eq!(lab.say(&format!("copy A.pcap tftp://{FILES}/")), "");
    let bytes = fs::read(folder.state().join("files/A.pcap")).unwrap();
    assert!(bytes.starts_with(&0x0a0d_0d0a_u32.to_le_bytes()));
    lab.finish().with(0);
}
