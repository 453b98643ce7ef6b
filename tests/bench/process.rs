//! A lab as a process of its own, and what `/proc` says of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use crate::Failure;

/// The binary under measurement.
pub const VFXOS: &str = env!("CARGO_BIN_EXE_vfxos");
/// Longest wait for anything that a lab prints.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lab that takes a script from us. It ends when this is dropped, however that comes about.
#[derive(Debug)]
pub struct Lab {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    /// Folder of a lab that keeps nothing: what is left if it had to be killed.
    ephemeral: Option<PathBuf>,
}

impl Lab {
    /// Starts `vfxos lab ARGS` in a folder, so that the paths of its sockets are short ones.
    pub fn start(folder: &Path, args: &[&str]) -> Result<Lab, Failure> {
        let mut child = Command::new(VFXOS)
            .arg("lab")
            .args(args)
            .current_dir(folder)
            .env_remove("VFXOS_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = pump(child.stdout.take());
        let errors = pump(child.stderr.take());
        let folder = std::env::temp_dir().join(format!("vfxos-lab-{}", child.id()));
        let ephemeral = args.contains(&"--ephemeral").then_some(folder);
        Ok(Lab { child, input, output, errors, ephemeral })
    }

    /// Waits until it prints a prompt.
    pub fn prompt(&mut self) -> Result<(), Failure> {
        self.prompt_within(PATIENCE)
    }

    /// As [`Lab::prompt`], for a lab that takes longer.
    pub fn prompt_within(&mut self, patience: Duration) -> Result<(), Failure> {
        let mut printed = Vec::new();
        while !printed.ends_with(b"# ") {
            printed.extend(next_within(&self.output, patience)?);
        }
        Ok(())
    }

    /// Writes lines of a script.
    pub fn type_lines(&mut self, lines: &str) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("the lab takes no more input")?;
        input.write_all(lines.as_bytes())?;
        Ok(input.flush()?)
    }

    /// Has an `@` line carried out, and returns what the lab says to it.
    pub fn direct(&mut self, words: &str) -> Result<String, Failure> {
        self.type_lines(&format!("@{words}\n"))?;
        let start = format!("@{words}: ");
        let mut text = String::new();
        loop {
            text.push_str(&String::from_utf8_lossy(&next(&self.errors)?));
            if let Some(at) = text.find(&start)
                && let Some(end) = text[at..].find('\n')
            {
                return Ok(text[at + start.len()..at + end].to_owned());
            }
        }
    }

    /// Returns the process ids of the lab, then of its blades.
    pub fn processes(&self) -> Result<Vec<u32>, Failure> {
        let mut found = vec![self.child.id()];
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // Whoever ended meanwhile is nobody's child.
            if fields(id).is_ok_and(|fields| fields.get(1) == Some(&self.child.id().to_string())) {
                found.push(id);
            }
        }
        Ok(found)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.input = None;
        let ended = loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
        };
        if !ended {
            // Its blades die with it.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if let Some(folder) = &self.ephemeral {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Reads a pipe in a thread, so that waiting for it can end.
fn pump(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    if let Some(mut pipe) = pipe {
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                if send.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
    }
    receive
}

fn next(pipe: &Receiver<Vec<u8>>) -> Result<Vec<u8>, Failure> {
    next_within(pipe, PATIENCE)
}

fn next_within(pipe: &Receiver<Vec<u8>>, patience: Duration) -> Result<Vec<u8>, Failure> {
    pipe.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("the lab said nothing for {patience:?}").into(),
        RecvTimeoutError::Disconnected => "the lab has ended".into(),
    })
}

/// What a process has used.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Time on a processor, in seconds, of threads that have ended too.
    pub cpu: f64,
    /// How often each living thread went to wait by itself.
    waits: BTreeMap<OsString, f64>,
    /// Resident memory, in bytes.
    pub memory: f64,
}

impl Used {
    /// Asks the clock of the process and reads `/proc`.
    pub fn of(process: u32) -> Result<Used, Failure> {
        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(process)?))?.now()?;
        let cpu = Duration::from(clock).as_secs_f64();
        let mut used = Used { cpu, waits: BTreeMap::new(), memory: f64::NAN };
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let task = task?;
            let status = fs::read_to_string(task.path().join("status"))?;
            let waits = field(&status, "voluntary_ctxt_switches:").unwrap_or(0.0);
            used.waits.insert(task.file_name(), waits);
            used.memory = field(&status, "VmRSS:").ok_or("no VmRSS")? * 1024.0;
        }
        Ok(used)
    }

    /// How often the threads that live now went to wait since an earlier reading.
    pub fn waits_since(&self, before: &Used) -> f64 {
        let earlier = |thread| before.waits.get(thread).copied().unwrap_or(0.0);
        self.waits.iter().map(|(thread, now)| now - earlier(thread)).sum()
    }
}

/// The fields of `/proc/PID/stat` behind the command's name: state first, then the parent.
fn fields(process: u32) -> Result<Vec<String>, Failure> {
    let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"))?;
    let (_, behind) = stat.rsplit_once(')').ok_or("no command in stat")?;
    Ok(behind.split_whitespace().map(str::to_owned).collect())
}

fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
