//! A running `vfxos authority`, and whoever speaks to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use serde_json::Value;
use vfxos::base::ident::Udi;
use vfxos::base::time::Utc;
use vfxos::net::ca::check_answer;
use vfxos::net::tls;
use vfxos::wire::callhome::{Answer, Ask, Device, Request, SigningKey, Verdict, open, seal};

pub const BINARY: &str = env!("CARGO_BIN_EXE_vfxos");
/// What every authority's clock shows at its start.
pub const CLOCK: &str = "2020-08-04T12:00:00Z";
/// The name on every authority's certificate.
pub const NAME: &str = "authority.lab";

/// Returns what the clock shows, roughly.
pub fn noon() -> Utc {
    Utc::parse_iso(CLOCK).unwrap()
}

/// A folder of one test's own, gone when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let name = format!("vfxos-authority-test-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn join(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the binary to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).stdin(Stdio::null()).output().unwrap()
}

/// A running authority, killed when dropped.
pub struct Process {
    pub child: Child,
    pub state: PathBuf,
    /// Where chassis are served: with TLS, and without where it was asked for.
    pub secure: Option<SocketAddr>,
    pub plain: Option<SocketAddr>,
    pub api: Option<SocketAddr>,
    /// What it said at its start.
    pub told: Vec<String>,
    /// Kept open, so that what it says later goes somewhere.
    _stderr: BufReader<ChildStderr>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts an authority on ports of its own choice and waits until it serves.
    pub fn start(state: &Path, args: &[&str]) -> Process {
        let mut child = Command::new(BINARY)
            .args(["authority", "--name", NAME, "--clock", CLOCK, "--state"])
            .arg(state)
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = Vec::new();
        loop {
            let mut line = String::new();
            if stderr.read_line(&mut line).unwrap() == 0 {
                let _ = child.kill();
                panic!("it ended: {:?} {told:?}", child.wait());
            }
            told.push(line.trim().to_owned());
            if line.contains("from another terminal") {
                break;
            }
        }
        let find = |before: &str, after: char| {
            let rest = told.iter().find_map(|line| line.split_once(before)).map(|found| found.1);
            rest.map(|rest| {
                rest.split(after).next().unwrap().trim_end_matches(':').parse().unwrap()
            })
        };
        let served = |scheme: &str| {
            let lines = told.iter().filter(|line| line.contains(scheme));
            let addresses = lines.filter_map(|line| line.split_once("served on "));
            addresses.map(|(_, rest)| rest.split(": ").next().unwrap().parse().unwrap()).next()
        };
        let (secure, plain) = (served(": https://"), served(": http://"));
        let api = find("described at http://", '/');
        let state = state.to_owned();
        Process { child, state, secure, plain, api, told, _stderr: stderr }
    }

    /// Starts a cloud authority with TLS alone.
    pub fn cloud(state: &Path) -> Process {
        Process::start(state, &["--listen", "127.0.0.1:0"])
    }

    /// Asks by `vfxos ctl --json`; the answer, or what was refused.
    pub fn ctl(&self, words: &[&str]) -> Result<Value, String> {
        let state = self.state.display().to_string();
        let output = run(&[&["ctl", "--json", "--state", &state], words].concat());
        let json: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{words:?}: {output:?}"));
        match output.status.code() {
            Some(0) => Ok(json),
            Some(1) => Err(json["error"].as_str().unwrap().to_owned()),
            other => panic!("{words:?}: {other:?} {json}"),
        }
    }

    pub fn token(&self) -> String {
        self.ctl(&["token", "new"]).unwrap()["text"].as_str().unwrap().to_owned()
    }

    /// Returns a root certificate as a running authority gives it out.
    pub fn root(&self, trustpoint: &str) -> String {
        let roots = self.ctl(&["root"]).unwrap();
        let mut all = roots.as_array().unwrap().iter();
        let root = all.find(|root| root["trustpoint"] == trustpoint).unwrap();
        root["pem"].as_str().unwrap().to_owned()
    }

    /// Posts a request as a chassis does that trusts this root; status and body, or why not.
    pub fn post(&self, root: &str, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        let roots: Vec<_> =
            CertificateDer::pem_slice_iter(root.as_bytes()).collect::<Result<_, _>>().unwrap();
        let config = tls::client(&roots, noon()).unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let client = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let stream = TcpStream::connect(self.secure.unwrap()).map_err(|e| e.to_string())?;
        talk(StreamOwned::new(client, stream), "POST", path, &[], body)
    }

    /// Has a chassis ask; what the authority decided, its signature checked.
    pub fn ask(&self, roots: &Roots, bytes: &[u8]) -> Verdict {
        let (status, body) = self.post(&roots.tls, &roots.path, bytes).unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        verdict(&roots.licensing, &body)
    }
}

/// Reads an answer as a chassis does that trusts this root.
pub fn verdict(licensing: &str, body: &[u8]) -> Verdict {
    let opened = open(body).unwrap();
    check_answer(&opened, licensing, noon()).unwrap();
    Answer::parse(&opened.body).unwrap().verdict
}

/// What a chassis is set up with.
pub struct Roots {
    pub tls: String,
    pub licensing: String,
    pub path: String,
}

impl Roots {
    pub fn of(process: &Process) -> Roots {
        Roots {
            tls: process.root("CHdefault"),
            licensing: process.root("CiscoLicRoot"),
            path: process.ctl(&["authority"]).unwrap()["path"].as_str().unwrap().to_owned(),
        }
    }
}

/// Speaks one request of HTTP; status and body, or why not.
pub fn talk(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(u16, Vec<u8>), String> {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let say = |error: std::io::Error| error.to_string();
    stream.write_all(&[head.as_bytes(), body].concat()).map_err(say)?;
    stream.flush().map_err(say)?;
    let mut answer = Vec::new();
    // Whoever closes without a TLS goodbye has still said all that its head promised.
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| format!("no answer: {read:?}"))?;
    let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1).unwrap().parse();
    Ok((status.unwrap(), answer.split_off(end + 4)))
}

/// A chassis, as it signs what it sends.
pub struct Chassis {
    pub number: u32,
    pub instance: String,
    nonce: u64,
}

impl Chassis {
    pub fn new(number: u32) -> Chassis {
        Chassis { number, instance: String::new(), nonce: 0 }
    }

    pub fn serial(&self) -> String {
        format!("JAD{:08}", self.number)
    }

    fn key(&self) -> SigningKey {
        let mut seed = [1; 32];
        seed[..4].copy_from_slice(&self.number.to_be_bytes());
        SigningKey::from_seed(&seed)
    }

    /// Returns the bytes that it posts.
    pub fn sealed(&mut self, ask: Ask) -> Vec<u8> {
        self.nonce += 1;
        let device = Device {
            udi: Udi { pid: "FPR-4125-SUP".into(), serial: self.serial() },
            product: "FPR4125".into(),
            sudi_pid: "FPR-4125-SUP".into(),
            hostname: "FPR4125-1".into(),
            agent: "4.6.9_rel/104".into(),
        };
        let request = Request { sent_at: noon(), nonce: self.nonce, device, ask };
        seal(&request.to_json(), &self.key(), "")
    }

    pub fn registration(&mut self, token: &str) -> Vec<u8> {
        let public_key = self.key().public_key().to_string();
        self.sealed(Ask::Register { token: token.to_owned(), force: false, public_key })
    }

    /// Returns a request for one unit of a tag.
    pub fn use_of(&mut self, tag: &str) -> Vec<u8> {
        let tag = vfxos::base::ident::Tag::parse(tag).unwrap();
        let in_use = vec![vfxos::wire::callhome::Use { tag, count: 1 }];
        let instance = self.instance.clone();
        self.sealed(Ask::Authorize { instance, in_use })
    }
}
