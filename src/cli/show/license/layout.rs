//! How each release of the Smart Agent lays its listings out: one row a release.

use crate::base::platform::AgentVersion;
use crate::base::time::Utc;

/// What differs between releases.
#[derive(Debug)]
pub(super) struct Layout {
    version: AgentVersion,
    /// How a date is written.
    pub(super) date: fn(Utc) -> String,
    /// Heading of the authorization block; old releases leave a blank at its end.
    pub(super) authorization_heading: &'static str,
    /// What an exchange about authorization came to when it came to something.
    pub(super) communicated: &'static str,
    /// Status of an evaluation.
    pub(super) evaluation: &'static str,
    /// Whether the registration names its accounts.
    pub(super) accounts: bool,
    /// Words for export-controlled functionality, allowed and not; absent where there is no line.
    pub(super) export: Option<[&'static str; 2]>,
    /// Whether a registration that is being retried says why the last try failed.
    pub(super) reason_while_retrying: bool,
    /// License Conversion block.
    pub(super) conversion: bool,
    /// Export Authorization Key block.
    pub(super) export_key: bool,
    /// Utility, Data Privacy and Transport blocks.
    pub(super) transport: bool,
    /// `Export status:` beside an entitlement.
    pub(super) export_status: bool,
    /// Reservation Info block.
    pub(super) reservation: bool,
}

/// Every release.
///
/// # Source
/// Seed: 1.2.2 on a 9300, 4.3.6 on a 2100's ASA, 4.6.9 on a 4125. Public ASAv and FPR-2130 listings
/// of 1.6.14. The blank after `License Authorization:` and `SUCCESS` are in those and read back to
/// 1.2.2; that 1.2.2 names no accounts is recall, for the seed shows it unregistered only.
static LAYOUTS: [Layout; 4] = [
    Layout {
        version: AgentVersion::V1_2_2,
        date: Utc::agent1,
        authorization_heading: "License Authorization: ",
        communicated: "SUCCESS",
        evaluation: "EVALUATION MODE",
        accounts: false,
        export: None,
        reason_while_retrying: false,
        conversion: false,
        export_key: false,
        transport: false,
        export_status: false,
        reservation: false,
    },
    Layout {
        version: AgentVersion::V1_6_14,
        date: Utc::agent1,
        authorization_heading: "License Authorization: ",
        communicated: "SUCCESS",
        evaluation: "EVAL MODE",
        accounts: true,
        export: Some(["Allowed", "Not Allowed"]),
        reason_while_retrying: true,
        conversion: false,
        export_key: false,
        transport: false,
        export_status: false,
        reservation: false,
    },
    Layout {
        version: AgentVersion::V4_3_6,
        date: Utc::agent4,
        authorization_heading: "License Authorization:",
        communicated: "SUCCEEDED",
        evaluation: "EVAL MODE",
        accounts: true,
        export: Some(["Allowed", "Not Allowed"]),
        reason_while_retrying: true,
        conversion: false,
        export_key: false,
        transport: true,
        export_status: false,
        reservation: false,
    },
    Layout {
        version: AgentVersion::V4_6_9,
        date: Utc::agent4,
        authorization_heading: "License Authorization:",
        communicated: "SUCCEEDED",
        evaluation: "EVAL MODE",
        accounts: true,
        export: Some(["ALLOWED", "NOT ALLOWED"]),
        reason_while_retrying: true,
        conversion: true,
        export_key: true,
        transport: true,
        export_status: true,
        reservation: true,
    },
];

impl Layout {
    /// Returns the row of a release.
    pub(super) fn of(version: AgentVersion) -> &'static Layout {
        let [oldest, ..] = &LAYOUTS;
        LAYOUTS.iter().find(|row| row.version == version).unwrap_or(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_a_row_of_its_own() {
        for version in AgentVersion::ALL {
            assert_eq!(Layout::of(version).version, version);
        }
    }
}
