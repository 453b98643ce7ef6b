//! `vfxos authority` on this machine's loopback, where QEMU's user network leads its guests.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use super::machine::Folder;

const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");
/// Where a guest finds the loopback of its host.
const HOST: &str = "10.0.0.2";

/// A running authority, killed when dropped.
pub struct Authority {
    child: Child,
    port: u16,
    roots: [String; 2],
    pub token: String,
    /// Kept open, so that what it says later goes somewhere.
    _stderr: BufReader<ChildStderr>,
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Authority {
    pub fn start(folder: &Folder) -> Authority {
        let state = folder.join("authority");
        let mut child = Command::new(BINARY)
            .args(["authority", "--listen", "127.0.0.1:0", "--name", HOST, "--state"])
            .arg(&state)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("from another terminal") {
            assert!(stderr.read_line(&mut told).unwrap() > 0, "it ended: {told}");
        }
        let after = |before: &str| told.split(before).nth(1).unwrap().to_owned();
        let port = after("served on 127.0.0.1:").split(':').next().unwrap().parse().unwrap();
        let token = after("token is ready: ").lines().next().unwrap().trim().to_owned();
        let roots = ["tls", "licensing"].map(|which| {
            let mut command = Command::new(BINARY);
            command.args(["ctl", "--state"]).arg(&state).arg("root");
            if which == "licensing" {
                command.arg("--licensing");
            }
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        });
        Authority { child, port, roots, token, _stderr: stderr }
    }

    /// Returns day 0 of a chassis that is to register here.
    pub fn day0(&self, password: &str) -> String {
        let [tls, licensing] = &self.roots;
        let url = format!("https://{HOST}:{}/its/service/oddce/services/DDCEService", self.port);
        format!(
            "# vfxos\nhostname = \"edge-1\"\npassword = \"{password}\"\naddress = \"10.0.0.15/24\"\n\
             gateway = \"{HOST}\"\nauthority-root = \"\"\"\n{tls}\"\"\"\nlicensing-root = \"\"\"\n{licensing}\"\"\"\n\
             commands = [\"top\", \"scope monitoring\", \"scope callhome\", \"scope profile SLProfile\", \
             \"scope destination SLDest\", \"set address {url}\", \"commit-buffer\"]\n"
        )
    }
}
