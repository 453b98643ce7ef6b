//! What an operator sets going, over the wire of a whole lab: the shipped binary, a script on its
//! standard input.

#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A lab under way; it ends and its folder goes with this.
struct Lab {
    child: Option<Child>,
    folder: PathBuf,
}

impl Lab {
    /// Runs a script to its end; returns what the console showed.
    fn run(name: &str, script: &[&str]) -> String {
        let folder = std::env::temp_dir().join(format!("vfxos-{name}-{}", std::process::id()));
        let mut lab = Lab { child: None, folder };
        lab.play(script)
    }

    fn play(&mut self, script: &[&str]) -> String {
        let child = Command::new(env!("CARGO_BIN_EXE_vfxos"))
            .args(["lab", "--state"])
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let child = self.child.insert(child.unwrap());
        let mut typed = child.stdin.take().unwrap();
        typed.write_all((script.join("\n") + "\n").as_bytes()).unwrap();
        drop(typed);
        let done = self.child.take().unwrap().wait_with_output().unwrap();
        String::from_utf8(done.stdout).unwrap().replace('\r', "")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_ping_and_a_trace_go_over_the_labs_wire() {
    let shown = Lab::run(
        "operator-ping",
        &[
            "connect local-mgmt",
            "ping tools.cisco.com count 2",
            "ping 10.62.148.75 count 1",
            "ping nowhere.example",
            "traceroute tools.cisco.com",
            "ping6 2001:db8::1",
        ],
    );
    for wanted in [
        "PING tools.cisco.com (72.163.4.38) from 10.62.148.225 eth0: 56(84) bytes of data.\n",
        "64 bytes from tools.cisco.com (72.163.4.38): icmp_seq=2 ttl=63 time=",
        "2 packets transmitted, 2 received, 0% packet loss, time ",
        // Nobody has that address on the chassis's own wire.
        "From 10.62.148.225 icmp_seq=1 Destination Host Unreachable\n",
        "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time ",
        "ping: unknown host nowhere.example\n",
        "traceroute to tools.cisco.com (72.163.4.38), 30 hops max, 60 byte packets\n 1  10.62.148.129 (10.62.148.129)  ",
        "\n 2  72.163.4.38 (72.163.4.38)  ",
        "connect: Network is unreachable\n",
    ] {
        assert!(shown.contains(wanted), "no `{wanted}` in\n{shown}");
    }
}

#[test]
fn what_was_committed_is_there_after_a_restart_and_gone_after_an_erase() {
    let folder = std::env::temp_dir().join(format!("vfxos-operator-{}", std::process::id()));
    let mut lab = Lab { child: None, folder };
    let shown = lab.play(&[
        "scope system",
        "set name edge-9",
        "commit-buffer",
        "top",
        "connect local-mgmt",
        "reboot",
        "yes",
    ]);
    assert!(shown.contains("Broadcast message from root@edge-9 ("), "{shown}");
    let shown = lab.play(&["connect local-mgmt", "erase configuration", "yes"]);
    assert!(shown.starts_with("edge-9# "), "{shown}");
    let shown = lab.play(&["show clock"]);
    assert!(shown.starts_with("FPR4125-1# "), "{shown}");
}
