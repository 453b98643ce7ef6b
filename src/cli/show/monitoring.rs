//! `show syslog`.
//!
//! # Source
//! Recall of the UCS sibling: blocks without heading, blanks between them.

use std::fmt::Write as _;

use super::listing;
use crate::proto::config::schema::{Column, Verb};
use crate::proto::config::{Objects, Path};

/// Words that stand for the three servers, and how a listing calls them.
const SERVERS: [(&str, &str); 3] =
    [("server-1", "Server 1"), ("server-2", "Server 2"), ("server-3", "Server 3")];

/// `show syslog`.
pub fn syslog(objects: &Objects) -> String {
    let path = Path::find(&[("monitoring", &[])]).unwrap_or_default();
    let listed = |verb: Verb, words: &str| {
        let property = path.class().property(verb, words);
        property.map_or(String::new(), |property| objects.listed(&path, property))
    };
    let mut text = String::new();
    for target in ["console", "monitor", "file"] {
        let words = |what: &str| format!("syslog {target} {what}");
        let _ = writeln!(text, "{target}");
        let state = listed(Verb::Enable, &format!("syslog {target}"));
        let _ = writeln!(text, "    state: {state}");
        let _ = writeln!(text, "    level: {}", listed(Verb::Set, &words("level")));
        if target == "file" {
            let _ = writeln!(text, "    name: {}", listed(Verb::Set, &words("name")));
            let _ = writeln!(text, "    size: {}", listed(Verb::Set, &words("size")));
        }
        text.push('\n');
    }
    let columns = [
        Column::new("Name", 8),
        Column::new("Hostname", 20),
        Column::new("State", 8),
        Column::new("Level", 13),
        Column::new("Facility", 8),
    ];
    let rows: Vec<Vec<String>> = SERVERS
        .iter()
        .map(|(word, title)| {
            let words = |what: &str| format!("syslog remote-destination {word} {what}");
            let host = objects.text(&path, &words("hostname"));
            let host = if host.is_empty() { "none".to_owned() } else { host };
            vec![
                (*title).to_owned(),
                host,
                listed(Verb::Enable, &format!("syslog remote-destination {word}")),
                listed(Verb::Set, &words("level")),
                listed(Verb::Set, &words("facility")),
            ]
        })
        .collect();
    text += "remote destinations\n\n";
    let table = listing::table(None, &columns, &rows);
    table.lines().for_each(|line| {
        let _ = writeln!(text, "    {line}");
    });
    text += "\nsources\n";
    for source in ["faults", "audits", "events"] {
        let state = listed(Verb::Enable, &format!("syslog source {source}"));
        let _ = writeln!(text, "    {source}: {state}"); // A String never fails.
    }
    text
}
