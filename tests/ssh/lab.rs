//! A lab as a process; it ends, and its folder goes, when the test does.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");

/// A folder of this test's own.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ssh-{}-{number}", std::process::id());
        // A socket's path has to be short.
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running lab whose chassis is reached at `address`.
pub struct Lab {
    pub address: SocketAddr,
    pub folder: Folder,
    child: Child,
    /// Its end is the end of the lab.
    stdin: Option<ChildStdin>,
}

impl Lab {
    pub fn start() -> Lab {
        Lab::start_in(Folder::new())
    }

    pub fn start_in(folder: Folder) -> Lab {
        let mut child = Command::new(BINARY)
            .args(["lab", "--ssh", "127.0.0.1:0", "--state"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let port = said.find_map(|line| {
            let line = line.unwrap();
            let port = line.strip_prefix("vfxos lab: ssh -p ")?.split(' ').next()?;
            port.parse().ok()
        });
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("a lab that says its port")));
        Lab { address, folder, child, stdin }
    }

    /// Asks the lab for something, as `vfxos ctl` does.
    pub fn ctl(&self, words: &str) -> String {
        let output = Command::new(BINARY)
            .args(["ctl", "--json", "--state"])
            .arg(self.folder.path())
            .args(words.split(' '))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "ctl {words}: {said}");
        said
    }

    /// Ends it without a word, as a power cut does, and returns what it kept.
    pub fn kill(mut self) -> Folder {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, Folder::new())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
