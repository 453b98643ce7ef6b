//! `show trustpoint` of `/security`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::proto::config::{Objects, facts};

/// `show trustpoint`; `statuses` are by name, a trustpoint without one is valid.
///
/// # Source
/// Seed, `show trustpoint`.
pub fn trustpoints(objects: &Objects, statuses: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for trustpoint in facts::trustpoints(objects) {
        let status = statuses.get(&trustpoint.name).map_or("Valid", String::as_str);
        let chain = format!("Trustpoint certificate chain: {}", trustpoint.chain.trim_end());
        // A String never fails.
        let _ = writeln!(text, "Trustpoint Name: {}", trustpoint.name);
        let _ = writeln!(text, "{}", chain.trim_end());
        let _ = writeln!(text, "Cert Status: {status}");
    }
    text
}
