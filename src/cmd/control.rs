//! The control words: `vfxos ctl WORDS`, a script's `@WORDS`, and the line of JSON that carries
//! them over the control socket of a lab or an authority.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::shell::authority::desk::Done;
use crate::shell::authority::operation::{Operation, duration};
use crate::wire::sync::FILE_MAX;

pub mod socket;

/// Longest request or answer on the control socket, in bytes, its line end included: a sync file
/// with its quotes escaped, as text and as JSON.
pub const LINE_MAX: usize = 3 * FILE_MAX;
/// Name of the control socket in a state folder.
pub const SOCKET: &str = "ctl.sock";

/// What `vfxos ctl` takes.
#[derive(Clone, Debug, Parser)]
#[command(name = "ctl", about = "Talk to a running lab, mio or authority")]
#[command(disable_help_subcommand = true)]
pub struct Ctl {
    /// State folder of the lab, mio or authority to talk to.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Its control socket, where that is not in the state folder.
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "state")]
    pub control: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub request: Request,
}

/// One thing asked of a lab or an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// What is broken on purpose.
    #[command(subcommand)]
    Fault(FaultRequest),
    /// Sit down at a chassis's console; ^D at its top, or its `exit`, ends it.
    Console(ConsoleRequest),
    /// The drill under way.
    #[command(subcommand)]
    Drill(DrillRequest),
    /// Wait until a chassis is in a state.
    Wait {
        condition: WaitFor,
        /// Longest wait in real time, such as 30s.
        #[arg(value_parser = duration)]
        timeout: Duration,
        /// The chassis; the first one without it.
        #[arg(long)]
        chassis: Option<String>,
    },
    /// Chassis, blades and their states.
    Status,
    /// One line: 0 once every chassis takes whoever comes, else 1 and an end with status 1.
    Health,
    /// Stop the lab, as ^D at its console does, the mio or the authority.
    Stop,
    /// What a satellite of the lab does: at NAME, then the words.
    At {
        #[arg(value_name = "NAME")]
        satellite: String,
        #[command(subcommand)]
        operation: Operation,
    },
    /// What an authority does.
    #[command(flatten)]
    #[serde(untagged)]
    Authority(Operation),
}

/// `fault ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum FaultRequest {
    /// Break something: `fault set NAME [for DURATION] [chassis C]`.
    Set {
        name: String,
        /// `for DURATION` of the lab's time, `chassis C` for one chassis alone.
        words: Vec<String>,
    },
    /// List what can be broken, and what is.
    List,
    /// Mend one thing, or everything.
    Clear { name: Option<String> },
}

/// `console [CHASSIS]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ConsoleRequest {
    /// The chassis; the first one without it.
    pub chassis: Option<String>,
    #[arg(skip = 80_u16)]
    pub columns: u16,
    /// Rows of the screen, for the pager; 0 for none.
    #[arg(skip = 0_u16)]
    pub rows: u16,
}

/// `drill ...` in a lab that was started for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum DrillRequest {
    /// Give the next hint.
    Hint,
    /// Say what is still wrong; exit status 1 while anything is.
    Check,
    /// Say what mends it.
    Solution,
}

/// How long a fault lasts, and whom it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub lasts: Option<Duration>,
    pub chassis: Option<String>,
}

impl Extent {
    /// Parses `for DURATION` and `chassis C`, in either order.
    ///
    /// # Errors
    /// What is wrong, on one line.
    pub fn parse(words: &[String]) -> Result<Extent, String> {
        let mut extent = Extent::default();
        for pair in words.chunks(2) {
            match pair {
                [word, length] if word == "for" => extent.lasts = Some(duration(length)?),
                [word, chassis] if word == "chassis" => extent.chassis = Some(chassis.clone()),
                _ => return Err(format!("\"{}\": write for DURATION, chassis C", pair.join(" "))),
            }
        }
        Ok(extent)
    }
}

/// What `wait` can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    /// The chassis is registered.
    Registered,
    /// The chassis is not registered and tries nothing.
    Unregistered,
    /// The last registration failed for good.
    Failed,
    /// A registration failed and will be tried again.
    Retrying,
    /// What the blades ask for is authorised, and at least one entitlement is asked for.
    Authorized,
    /// The authority says that more is used than bought.
    OutOfCompliance,
    /// The last renewal of the registration failed.
    RenewalFailing,
    /// Entitlements are used on the evaluation period.
    Evaluation,
    /// Nothing was heard for 90 days.
    AuthExpired,
    /// No try is under way and none is due.
    Attempted,
    /// Every configured blade is attached.
    Attached,
    /// The clock is synchronised to an NTP server.
    Synchronized,
    /// A blade is the active unit of a failover pair.
    Active,
    /// A blade is the standby unit of a failover pair, and ready.
    Standby,
    /// A blade is the control node of a cluster.
    Control,
    /// A blade is a data node of a cluster.
    Data,
    /// A blade's cluster is switched off, or turned it away.
    Outside,
}

/// What a lab or an authority answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub ok: bool,
    /// For a person; no line end at its end.
    pub text: String,
    /// For a program.
    pub json: serde_json::Value,
}

impl Answer {
    /// Makes an answer that went well.
    pub fn done(text: impl Into<String>, json: serde_json::Value) -> Answer {
        Answer { ok: true, text: text.into(), json }
    }

    /// Makes an answer of what came of an authority's operation.
    pub fn of<E: std::fmt::Display>(result: Result<Done, E>) -> Answer {
        match result {
            Ok(done) => Answer::done(done.text, done.json),
            Err(error) => Answer::refused(error.to_string()),
        }
    }

    /// Writes the text of an answer to the file that its request named, if it named one, and says
    /// so instead.
    #[must_use]
    pub fn kept(self, request: &Request) -> Answer {
        let out = match request {
            Request::Authority(operation) | Request::At { operation, .. } => operation.out(),
            Request::Fault(_)
            | Request::Console(_)
            | Request::Drill(_)
            | Request::Wait { .. }
            | Request::Status
            | Request::Health
            | Request::Stop => None,
        };
        let Some(path) = out.filter(|_| self.ok) else { return self };
        match write_whole(path, &self.text) {
            Ok(()) => Answer { text: format!("written to {}", path.display()), ..self },
            Err(error) => Answer::refused(format!("{}: {error}", path.display())),
        }
    }

    /// Returns the line that carries it over the control socket.
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Makes a refusal: what is wrong and what to do.
    pub fn refused(why: impl Into<String>) -> Answer {
        let text = why.into();
        let json = serde_json::json!({ "error": text });
        Answer { ok: false, text, json }
    }
}

/// Writes a file under another name first, so that nobody finds half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = fs::File::create(&partial)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

/// Parses the words after `@`: those of `vfxos ctl`, or the short form `token export=yes`.
///
/// # Errors
/// What is wrong with them, on one line.
pub fn parse_words(line: &str) -> Result<Request, String> {
    let mut words: Vec<String> = vec!["ctl".to_owned()];
    for word in line.split_ascii_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.starts_with('-') => {
                words.extend([format!("--{name}"), value.to_owned()]);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let bare = |word: Option<&String>| word.is_none_or(|word| word.starts_with("--"));
    let first = if words.get(1).is_some_and(|word| word == "at") { 3 } else { 1 };
    if words.get(first).is_some_and(|word| word == "token") && bare(words.get(first + 1)) {
        words.insert(first + 1, "new".to_owned());
    }
    Ctl::try_parse_from(words).map(|ctl| ctl.request).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::authority::operation::{ClockRequest, TokenRequest};

    #[test]
    fn script_words_are_those_of_ctl() {
        let wait = |condition, timeout| Request::Wait { condition, timeout, chassis: None };
        let thirty = Duration::from_secs(30);
        assert_eq!(parse_words("wait registered 30s"), Ok(wait(WaitFor::Registered, thirty)));
        let days = Duration::from_secs(31 * 86_400);
        let advance = Request::Authority(Operation::Clock(ClockRequest::Advance { by: days }));
        assert_eq!(parse_words("clock advance 31d"), Ok(advance));
        let long = parse_words("token new --export-controlled no --days 3");
        assert_eq!(parse_words("token export=no days=3"), long);
        let token = TokenRequest::New {
            export_controlled: false,
            days: 3,
            uses: None,
            smart_account: None,
            virtual_account: None,
        };
        assert_eq!(long, Ok(Request::Authority(Operation::Token(token))));
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line() {
        for bad in
            ["", "fly", "wait registered soon", "clock set never", "token days=0", "pool set"]
        {
            let said = parse_words(bad).unwrap_err();
            assert!(!said.is_empty() && !said.contains('\n'), "{bad}: {said}");
        }
    }

    #[test]
    fn a_request_survives_the_socket() {
        for words in [
            "pool set FIREPOWER_4100_ASA_STANDARD 2 expires=2030-12-31",
            "clock advance 1h30m",
            "clock set 2030-01-01T10:00:00Z",
            "wait attempted 2m --chassis FPR4125-1",
            "fault set loss for 3m",
            "instance list --serial JAD1",
            "account new A B --empty",
            "events",
            "status",
            "sync status",
            "at satellite.lab token export=no",
            "at satellite.lab sync status",
        ] {
            let request = parse_words(words);
            let json = serde_json::to_string(&request.clone().unwrap()).unwrap();
            let read = serde_json::from_str::<Request>(&json).map_err(|error| error.to_string());
            assert_eq!(read, request, "{json}");
        }
    }
}
