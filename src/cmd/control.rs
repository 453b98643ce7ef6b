//! The lab's control words: `vfxos ctl WORDS`, a script's `@WORDS`, and the line of JSON that
//! carries them over the control socket.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::base::time::{Utc, parse_duration};

/// Longest request or answer on the control socket, in bytes, its line end included.
pub const LINE_MAX: usize = 4 << 20;
/// Name of the control socket in a state folder.
pub const SOCKET: &str = "ctl.sock";

/// What `vfxos ctl` takes.
#[derive(Clone, Debug, Parser)]
#[command(name = "ctl", about = "Talk to a running lab", disable_help_subcommand = true)]
pub struct Ctl {
    /// State folder of the lab to talk to.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub request: Request,
}

/// One thing asked of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Registration tokens.
    #[command(subcommand)]
    Token(TokenRequest),
    /// Product instances: the chassis that the authority knows.
    #[command(subcommand)]
    Instance(InstanceRequest),
    /// What the account has bought.
    #[command(subcommand)]
    Pool(PoolRequest),
    /// The lab's clock.
    #[command(subcommand)]
    Clock(ClockRequest),
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
    /// What the authority did, newest last.
    Events,
    /// Chassis, blades and their states.
    Status,
    /// Stop the lab, as ^D at its console does.
    Stop,
}

/// `token ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum TokenRequest {
    /// Make a token.
    New {
        /// Whether chassis registered with it may use export-controlled functionality.
        #[arg(long, visible_alias = "export", value_enum, default_value = "yes")]
        export_controlled: YesNo,
        /// Days until it expires.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        /// How many registrations it is good for.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        uses: Option<u32>,
        #[arg(long)]
        account: Option<String>,
        #[arg(long)]
        virtual_account: Option<String>,
    },
    /// List tokens.
    List,
    /// Make a token worthless, by its text or its identifier.
    Revoke { token: String },
}

/// `instance ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum InstanceRequest {
    /// List product instances.
    List,
    /// Remove one, by its serial number or its identifier.
    Remove { instance: String },
}

/// `pool ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum PoolRequest {
    /// List what is bought and what is used.
    List,
    /// Set how many of a tag the account owns.
    Set {
        /// The tag, or its short name such as FIREPOWER_4100_ASA_STANDARD.
        tag: String,
        count: u32,
        /// Last day the purchase counts, such as 2030-12-31.
        #[arg(long, value_parser = date)]
        expires: Option<Utc>,
        #[arg(long)]
        account: Option<String>,
        #[arg(long)]
        virtual_account: Option<String>,
    },
}

/// `clock ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum ClockRequest {
    /// Show it.
    Show,
    /// Let time pass at once, every deadline at its own moment, such as 31d.
    Advance {
        #[arg(value_parser = duration)]
        by: Duration,
    },
    /// Set it, as an operator would; what was due in between is late, not skipped.
    Set {
        #[arg(value_parser = date)]
        date: Utc,
    },
    /// Let it run N times as fast as the host's.
    Rate {
        #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
        rate: u32,
    },
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

/// `yes` or `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum YesNo {
    Yes,
    No,
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
}

/// What a lab answers.
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
    if words.get(1).is_some_and(|word| word == "token") && bare(words.get(2)) {
        words.insert(2, "new".to_owned());
    }
    Ctl::try_parse_from(words).map(|ctl| ctl.request).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write it as 30s, 15m, 12h or 31d".to_owned())
}

fn date(text: &str) -> Result<Utc, String> {
    Utc::parse_iso(text).ok_or_else(|| "write it as 2020-08-04 or 2020-08-04T07:58:13Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_words_are_those_of_ctl() {
        let wait = |condition, timeout| Request::Wait { condition, timeout, chassis: None };
        let thirty = Duration::from_secs(30);
        assert_eq!(parse_words("wait registered 30s"), Ok(wait(WaitFor::Registered, thirty)));
        let days = Duration::from_secs(31 * 86_400);
        let advance = Request::Clock(ClockRequest::Advance { by: days });
        assert_eq!(parse_words("clock advance 31d"), Ok(advance));
        let long = parse_words("token new --export-controlled no --days 3");
        assert_eq!(parse_words("token export=no days=3"), long);
        assert!(matches!(long, Ok(Request::Token(TokenRequest::New { days: 3, .. }))));
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
        let request = parse_words("pool set FIREPOWER_4100_ASA_STANDARD 2 expires=2030-12-31");
        let json = serde_json::to_string(&request.clone().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&json).map_err(|e| e.to_string()), request);
    }
}
