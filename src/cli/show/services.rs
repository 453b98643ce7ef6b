//! Listings of `/system/services`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::proto::config::{Objects, facts};
use crate::proto::observed::UNREACHABLE;

/// Columns of a server's name.
///
/// # Source
/// Seed, `show ntp-server`: the dashes below `Name`.
const NAME_COLUMNS: usize = 64;

/// `show dns`.
///
/// # Source
/// Seed, `show dns`. More than one server is recall: one line each.
pub fn dns(objects: &Objects) -> String {
    let servers = facts::dns_servers(objects);
    if servers.is_empty() {
        return String::new();
    }
    let mut text = String::from("Domain Name Servers:\n");
    for server in servers {
        let _ = writeln!(text, "   IP Address: {server}"); // A String never fails.
    }
    text
}

/// `show ntp-server`; `statuses` are by name, a server without one is unreachable.
///
/// # Source
/// Seed, `show ntp-server`.
pub fn ntp_server(objects: &Objects, statuses: &BTreeMap<String, String>) -> String {
    let servers = facts::ntp_servers(objects);
    if servers.is_empty() {
        return String::new();
    }
    let mut text = String::from("NTP server hostname:\n");
    let mut row = |name: &str, status: &str| {
        let _ = writeln!(text, "   {name:NAME_COLUMNS$} {status}"); // A String never fails.
    };
    row("Name", "Time Sync Status");
    row(&"-".repeat(NAME_COLUMNS), "----------------");
    for server in &servers {
        row(server, statuses.get(server).map_or(UNREACHABLE, String::as_str));
    }
    text
}
