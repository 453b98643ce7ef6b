//! What an operator asks of an authority: the words of `vfxos ctl`, the JSON that carries them
//! over a control socket, and what the routes of the JSON API are made of. One table for all three.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Subcommand};
use serde::{Deserialize, Serialize};

use crate::base::time::{Utc, parse_duration};
use crate::wire::sync::{FILE_MAX, SyncFile};

/// One thing asked of an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Smart accounts and their virtual accounts.
    #[command(subcommand)]
    Account(AccountRequest),
    /// Registration tokens.
    #[command(subcommand)]
    Token(TokenRequest),
    /// Product instances: the chassis that the authority knows.
    #[command(subcommand)]
    Instance(InstanceRequest),
    /// What the accounts have bought.
    #[command(subcommand)]
    Pool(PoolRequest),
    /// Licences that chassis hold for good, by codes that people carry.
    #[command(subcommand)]
    Reservation(ReservationRequest),
    /// The satellites of a cloud authority.
    #[command(subcommand)]
    Satellite(SatelliteRequest),
    /// The files that a satellite and its cloud authority exchange.
    #[command(subcommand)]
    Sync(SyncRequest),
    /// The clock.
    #[command(subcommand)]
    Clock(ClockRequest),
    /// What the authority did, newest last.
    Events {},
    /// The root certificate for a chassis's trustpoint.
    Root {
        /// The one that vouches for answers, CiscoLicRoot, in place of the TLS servers' CHdefault.
        #[arg(long)]
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        licensing: bool,
    },
    /// What kind of authority it is and how much it knows.
    Authority {},
}

/// `account ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountRequest {
    /// Open a virtual account.
    New {
        #[arg(value_name = "SMART-ACCOUNT")]
        smart_account: String,
        #[arg(value_name = "VIRTUAL-ACCOUNT")]
        virtual_account: String,
        /// With nothing bought, instead of enough for a small lab.
        #[arg(long)]
        #[serde(default)]
        empty: bool,
    },
    /// List them.
    List {},
}

/// `token ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenRequest {
    /// Make a token.
    New {
        /// Whether chassis registered with it may use export-controlled functionality.
        #[arg(long, visible_alias = "export", value_name = "yes|no", default_value = "yes")]
        #[arg(action = ArgAction::Set, value_parser = yes_no)]
        #[serde(default = "yes")]
        export_controlled: bool,
        /// Days until it expires.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
        #[serde(default = "thirty")]
        days: u32,
        /// How many registrations it is good for; any number without it.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        uses: Option<u32>,
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// List tokens.
    List {},
    /// Make a token worthless, by its text or its identifier.
    Revoke { token: String },
}

/// `instance ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InstanceRequest {
    /// List product instances, oldest first.
    List {
        /// The one with this serial number, whatever account it is in.
        #[arg(long)]
        serial: Option<String>,
        /// Those of one account.
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
        /// Those after this one: the last of the page before.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// Most of them on one page.
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=1000))]
        #[serde(default = "page", deserialize_with = "number")]
        limit: u32,
    },
    /// Show one, by its serial number or its identifier.
    Show { instance: String },
    /// Remove one, by its serial number or its identifier.
    Remove { instance: String },
    /// Move one to another virtual account, with all it uses.
    Transfer {
        instance: String,
        #[arg(long = "account", value_name = "NAME")]
        smart_account: String,
        #[arg(long, value_name = "NAME")]
        virtual_account: String,
    },
}

/// `pool ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PoolRequest {
    /// List what is bought and what is used.
    List {
        /// Those of one account.
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// Set how many of a tag the account owns.
    Set {
        /// The tag, or its short name such as FIREPOWER_4100_ASA_STANDARD.
        tag: String,
        count: u32,
        /// Last day the purchase counts, such as 2030-12-31.
        #[arg(long, value_parser = date)]
        #[serde(default, with = "crate::base::time::iso::optional")]
        expires: Option<Utc>,
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
    },
}

/// `reservation ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReservationRequest {
    /// Answer the request code of a chassis with an authorization code.
    Authorize {
        #[arg(value_name = "REQUEST-CODE")]
        request_code: String,
        /// The account that pays for it.
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// Take a reservation back by the return code that its chassis made.
    Return {
        #[arg(value_name = "RETURN-CODE")]
        return_code: String,
    },
    /// Take the reservation of a chassis back that is gone, by its serial number.
    Remove { serial: String },
    /// List them, those given back too.
    List {},
}

/// `satellite ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SatelliteRequest {
    /// List them, with what they use and may hand out.
    List {},
    /// Remove one, by its name or its identifier; what it may hand out stays set aside to the end.
    Remove { satellite: String },
}

/// `sync ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SyncRequest {
    /// At a satellite: write a request for its cloud authority.
    Request {
        /// File to write; the terminal without it.
        #[serde(skip)]
        out: Option<PathBuf>,
    },
    /// At a cloud authority: take a satellite's request in, and write the answer.
    Answer {
        /// The request.
        #[arg(value_parser = sync_file)]
        file: SyncFile,
        /// File to write; the terminal without it.
        #[serde(skip)]
        out: Option<PathBuf>,
        /// The account that a new satellite joins.
        #[arg(long = "account", value_name = "NAME")]
        smart_account: Option<String>,
        #[arg(long, value_name = "NAME")]
        virtual_account: Option<String>,
    },
    /// At a satellite: install the answer.
    Install {
        #[arg(value_parser = sync_file)]
        file: SyncFile,
    },
    /// At a satellite: show what is in force, and until when.
    Status {},
}

/// `clock ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockRequest {
    /// Show it.
    Show {},
    /// Let time pass at once, every deadline at its own moment, such as 31d.
    Advance {
        #[arg(value_parser = duration)]
        #[serde(with = "span")]
        by: Duration,
    },
    /// Set it, as an operator would; what was due in between is late, not skipped.
    Set {
        #[arg(value_parser = date)]
        #[serde(with = "crate::base::time::iso")]
        date: Utc,
    },
    /// Let it run N times as fast as the host's.
    Rate {
        #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
        rate: u32,
    },
    /// Put one chassis's clock ahead of the lab's, or with a minus behind it; NTP mends it again.
    Skew {
        chassis: String,
        /// Such as 15s or -4h; without it the skew is only shown.
        #[arg(value_parser = ahead_ms, allow_hyphen_values = true)]
        ahead: Option<i64>,
    },
}

impl Operation {
    /// Returns the file that the answer's text is to be written to, if one was named.
    pub fn out(&self) -> Option<&Path> {
        match self {
            Operation::Sync(SyncRequest::Request { out } | SyncRequest::Answer { out, .. }) => {
                out.as_deref()
            }
            Operation::Sync(SyncRequest::Install { .. } | SyncRequest::Status {})
            | Operation::Account(_)
            | Operation::Token(_)
            | Operation::Instance(_)
            | Operation::Pool(_)
            | Operation::Reservation(_)
            | Operation::Satellite(_)
            | Operation::Clock(_)
            | Operation::Events {}
            | Operation::Root { .. }
            | Operation::Authority {} => None,
        }
    }
}

/// Most product instances on a page when nobody says otherwise, and at all.
pub const PAGE: u32 = 1_000;

const fn page() -> u32 {
    PAGE
}

const fn yes() -> bool {
    true
}

const fn thirty() -> u32 {
    30
}

fn yes_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

/// Parses a duration as a person types it.
///
/// # Errors
/// How to write one.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write it as 30s, 15m, 12h or 31d".to_owned())
}

/// Parses how far a clock is ahead, in milliseconds, as a person types it.
///
/// # Errors
/// How to write it.
pub fn ahead_ms(text: &str) -> Result<i64, String> {
    let (behind, length) = match text.strip_prefix('-') {
        Some(length) => (true, length),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = parse_duration(length).and_then(|length| i64::try_from(length.as_millis()).ok());
    let length = length.ok_or("write it as 15s, 4h or, for a clock that is behind, -8s")?;
    Ok(if behind { -length } else { length })
}

/// Parses a date as a person types it.
///
/// # Errors
/// How to write one.
pub fn date(text: &str) -> Result<Utc, String> {
    Utc::parse_iso(text).ok_or_else(|| "write it as 2020-08-04 or 2020-08-04T07:58:13Z".to_owned())
}

/// Reads a sync file where it was named: on the side of whoever typed its path.
fn sync_file(path: &str) -> Result<SyncFile, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if usize::try_from(length).is_ok_and(|length| length > FILE_MAX) {
        return Err(format!("{length} bytes; a sync file has at most {FILE_MAX}"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    SyncFile::parse(&bytes).map_err(|error| error.to_string())
}

/// Reads the length of a page, which comes as text in a URL.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Value(u32),
        Text(String),
    }
    let value = match Number::deserialize(deserializer) {
        Ok(Number::Value(value)) => Some(value),
        Ok(Number::Text(text)) => text.parse().ok(),
        Err(_) => None,
    };
    let wrong = || serde::de::Error::custom("a page has from 1 to 1000 instances");
    value.filter(|value| (1..=PAGE).contains(value)).ok_or_else(wrong)
}

/// A duration in JSON, as a person types it.
mod span {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&format!("{}ms", span.as_millis()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(d)?;
        super::duration(&text).map_err(serde::de::Error::custom)
    }
}
