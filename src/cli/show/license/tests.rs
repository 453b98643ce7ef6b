//! The seed's listings with their real columns, locked; and ours for what the seed doesn't show.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::base::enforcement::Mode;
use crate::base::entitlement::{Entitlement, Feature};
use crate::base::ident::{IdToken, Tag, Udi};
use crate::base::platform::{AgentVersion, Family};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, days};
use crate::proto::agent::{
    Agent, Authorization, ConfigError, Evaluation, Identity, Refusal, Registered, Registration,
    Standing, Stored, Usage,
};
use crate::wire::callhome::SigningKey;
use crate::wire::reservation::{AuthorizationCode, RequestCode};

const fn utc(y: i64, mo: u8, d: u8, h: u8, mi: u8, s: u8) -> Utc {
    Utc::from_civil(y, mo, d, h, mi, s)
}

/// How an agent that holds `stored` reports at `now`.
fn report(version: AgentVersion, pid: &str, stored: Stored, now: Utc) -> Report {
    agent(version, pid, stored, now).report(Now { mono: Instant::ZERO, wall: now })
}

fn agent(version: AgentVersion, pid: &str, stored: Stored, now: Utc) -> Agent {
    let identity = Identity {
        udi: Udi { pid: pid.into(), serial: "JAD12345678".into() },
        product: "FPR".into(),
        sudi_pid: pid.into(),
        hostname: "firepower".into(),
        version,
        public_key: "key".into(),
    };
    Agent::new(identity, stored, Rng::from_seed(1), Now { mono: Instant::ZERO, wall: now })
}

fn report_4125(stored: Stored, now: Utc) -> Report {
    report(AgentVersion::V4_6_9, "FPR-4125-SUP", stored, now)
}

fn report_9300(registration: Registration) -> Report {
    let stored = Stored { registration, ..Stored::default() };
    report(AgentVersion::V1_2_2, "F9K-C9300-SUP-K9", stored, utc(2020, 8, 4, 4, 47, 0))
}

fn usage_of(family: Family, answer: Option<Mode>) -> BTreeMap<Tag, Usage> {
    let row = Entitlement::find(family, Feature::Tier).unwrap();
    let name = if answer.is_some() { row.name } else { "" };
    let at = utc(2020, 8, 4, 7, 58, 46);
    let usage = Usage {
        count: 1,
        name: name.into(),
        description: name.into(),
        answer,
        requested_at: at - Duration::from_secs(33),
        mode_at: at,
    };
    BTreeMap::from([(Tag::parse(row.tag).unwrap(), usage)])
}

/// The 4125 of the seed: registered 2018, renewed in March 2020, authorised at `authorised`.
fn registered_4125(authorised: Utc) -> Stored {
    let renewed = utc(2020, 3, 12, 23, 16, 11);
    let expires_at = renewed + days(365) - Duration::from_secs(302);
    let authorization = Authorization {
        standing: Standing::InCompliance,
        last: Some(Attempt::Succeeded { at: authorised }),
        // The counter of the device had lost a fraction of a second by the time of the listing.
        ask_at: (authorised + days(30)).shifted_ms(-1),
        failures: 0,
        deadline: authorised + days(90) - Duration::from_secs(302),
    };
    let registered = Registered {
        instance: "ed6dadbe-c965-4aeb-ab58-62e34033b453".into(),
        smart_account: "TAC Cisco Systems, Inc.".into(),
        virtual_account: "EU TAC".into(),
        export_controlled: true,
        not_before: renewed - Duration::from_secs(300),
        expires_at,
        certificate: String::new(),
        registered_at: utc(2018, 12, 10, 23, 30, 2),
        last_renewal: Some(Attempt::Succeeded { at: renewed }),
        renew_at: (renewed + days(180)).shifted_ms(-1),
        renewal_failures: 0,
        authorization,
        warned: false,
        grace_until: None,
    };
    Stored {
        registration: Registration::Registered(Box::new(registered)),
        usage: usage_of(Family::Firepower4100, Some(Mode::Authorized)),
        evaluation: Evaluation::default(),
        ..Stored::default()
    }
}

const REGISTERED_4125: &str = "\
Smart Licensing Status
======================

Smart Licensing is ENABLED

Registration:
  Status: REGISTERED
  Smart Account: TAC Cisco Systems, Inc.
  Virtual Account: EU TAC
  Export-Controlled Functionality: ALLOWED
  Initial Registration: SUCCEEDED on Dec 10 2018 23:30:02 UTC
  Last Renewal Attempt: SUCCEEDED on Mar 12 2020 23:16:11 UTC
  Next Renewal Attempt: Sep 08 2020 23:16:10 UTC
  Registration Expires: Mar 12 2021 23:11:09 UTC

License Authorization:
  Status: AUTHORIZED on Aug 04 2020 07:58:46 UTC
  Last Communication Attempt: SUCCEEDED on Aug 04 2020 07:58:46 UTC
  Next Communication Attempt: Sep 03 2020 07:58:45 UTC
  Communication Deadline: Nov 02 2020 07:53:44 UTC

License Conversion:
  Automatic Conversion Enabled: True
  Status: Not started

Export Authorization Key:
  Features Authorized:
    <none>

Utility:
  Status: DISABLED

Data Privacy:
  Sending Hostname: yes
    Callhome hostname privacy: DISABLED
    Smart Licensing hostname privacy: DISABLED
  Version privacy: DISABLED

Transport:
  Type: Callhome

License Usage
==============

Firepower 4100 ASA Standard (FIREPOWER_4100_ASA_STANDARD):
  Description: Firepower 4100 ASA Standard
  Count: 1
  Version: 1.0
  Status: AUTHORIZED
  Export status: NOT RESTRICTED

Product Information
===================
UDI: PID:FPR-4125-SUP,SN:JAD12345678

Agent Version
=============
Smart Agent for Licensing: 4.6.9_rel/104

Reservation Info
================
License reservation: DISABLED
";

#[test]
fn all_of_a_registered_4125() {
    let stored = registered_4125(utc(2020, 8, 4, 7, 58, 46));
    assert_eq!(all(&report_4125(stored, utc(2020, 8, 4, 9, 55, 50))), REGISTERED_4125);
}

#[test]
fn usage_of_a_registered_4125() {
    let stored = registered_4125(utc(2020, 8, 4, 7, 58, 46));
    let want = "\
License Authorization:
  Status: AUTHORIZED on Aug 04 2020 07:58:46 UTC

Firepower 4100 ASA Standard (FIREPOWER_4100_ASA_STANDARD):
  Description: Firepower 4100 ASA Standard
  Count: 1
  Version: 1.0
  Status: AUTHORIZED
  Export status: NOT RESTRICTED
";
    assert_eq!(usage(&report_4125(stored, utc(2020, 8, 4, 9, 55, 50))), want);
    let none = "License Authorization:\n  Status: No Licenses in Use\n\nNo licenses in use\n";
    assert_eq!(usage(&report_4125(Stored::default(), utc(2020, 8, 4, 9, 55, 50))), none);
}

/// The order of the web page's panel, whose last line (`Cisco Success Network`) is the page's own.
#[test]
fn status_of_the_expired_authorization() {
    let (renewal, failed) = (utc(2020, 8, 4, 7, 32, 8), utc(2020, 8, 4, 7, 10, 16));
    let mut stored = registered_4125(failed);
    let Registration::Registered(held) = &mut stored.registration else { panic!() };
    held.smart_account = "Cisco SVS temp - request access through licensing@cisco.com".into();
    held.virtual_account = "Sample Account".into();
    held.registered_at = utc(2019, 11, 22, 8, 17, 30);
    let reason = crate::proto::agent::REFUSED_TEXT.into();
    held.last_renewal = Some(Attempt::Failed { at: renewal, reason });
    held.renew_at = utc(2020, 8, 4, 8, 33, 48);
    held.expires_at = utc(2020, 11, 21, 8, 12, 20);
    held.authorization = Authorization {
        standing: Standing::Expired,
        last: Some(Attempt::Failed {
            at: failed,
            reason: crate::proto::agent::SIGNATURE_TEXT.into(),
        }),
        ask_at: utc(2020, 8, 4, 8, 10, 14),
        failures: 9,
        deadline: utc(2020, 7, 1, 0, 0, 0),
    };
    stored.last_refusal = Some(Refusal {
        command: "register idtoken ZDA2MjFlODktYjllMS00%3D%0A".into(),
        error: "Smart Agent already registered".into(),
    });
    let want = "\
Smart Licensing is ENABLED

Utility:
  Status: DISABLED

Data Privacy:
  Sending Hostname: yes
    Callhome hostname privacy: DISABLED
    Smart Licensing hostname privacy: DISABLED
  Version privacy: DISABLED

Transport:
  Type: Callhome

Registration:
  Status: REGISTERED
  Smart Account: Cisco SVS temp - request access through licensing@cisco.com
  Virtual Account: Sample Account
  Export-Controlled Functionality: ALLOWED
  Initial Registration: SUCCEEDED on Nov 22 2019 08:17:30 UTC
  Last Renewal Attempt: FAILED on Aug 04 2020 07:32:08 UTC
    Failure reason: Agent received a failure status in a response message. Please check the Agent log file for the detailed message.
  Next Renewal Attempt: Aug 04 2020 08:33:48 UTC
  Registration Expires: Nov 21 2020 08:12:20 UTC

License Authorization:
  Status: AUTH EXPIRED on Aug 04 2020 07:10:16 UTC
  Last Communication Attempt: FAILED on Aug 04 2020 07:10:16 UTC
    Failure reason: Data and signature do not match
  Next Communication Attempt: Aug 04 2020 08:10:14 UTC
  Communication Deadline: DEADLINE EXCEEDED

License Conversion:
  Automatic Conversion Enabled: True
  Status: Not started

Export Authorization Key:
  Features Authorized:
    <none>

Last Configuration Error
=========================
Command : register idtoken ZDA2MjFlODktYjllMS00%3D%0A
Error : Smart Agent already registered
";
    assert_eq!(status(&report_4125(stored, utc(2020, 8, 4, 8, 0, 0))), want);
}

/// Returns the block that begins with `title`, up to the blank line.
fn block(listing: &str, title: &str) -> String {
    let from = listing.find(title).unwrap();
    listing[from..].split_inclusive("\n\n").next().unwrap().replace("\n\n", "\n")
}

fn waiting(failed_at: Utc, reason: &str, retry_at: Utc, shows_at: Utc) -> Registration {
    let token = IdToken::parse("T").unwrap();
    let reason = reason.into();
    Registration::Waiting { token, force: false, failed_at, reason, retry_at, shows_at }
}

#[test]
fn registration_blocks_of_a_4125() {
    let token = IdToken::parse("T").unwrap();
    let failed_at = utc(2020, 8, 7, 6, 58, 46);
    let listed = |registration| {
        let stored = Stored { registration, ..Stored::default() };
        block(&all(&report_4125(stored, utc(2020, 8, 7, 6, 59, 0))), "Registration:")
    };
    assert_eq!(
        listed(Registration::Unregistered),
        "Registration:\n  Status: UNREGISTERED\n  Export-Controlled Functionality: NOT ALLOWED\n"
    );
    assert_eq!(
        listed(Registration::Pending { token, force: false, ask_at: failed_at }),
        "\
Registration:
  Status: UNREGISTERED - REGISTRATION PENDING
  Export-Controlled Functionality: NOT ALLOWED
  Initial Registration: First Attempt Pending
"
    );
    let reason = r#"{"token":["The token 'ODNmNTEx%0B' is not valid."]}"#.to_owned();
    assert_eq!(
        listed(Registration::Failed { at: utc(2020, 8, 7, 6, 39, 24), reason }),
        "\
Registration:
  Status: UNREGISTERED - REGISTRATION FAILED
  Export-Controlled Functionality: NOT ALLOWED
  Initial Registration: FAILED on Aug 07 2020 06:39:24 UTC
    Failure reason: {\"token\":[\"The token 'ODNmNTEx%0B' is not valid.\"]}
"
    );
    let retry_at = utc(2020, 8, 7, 7, 16, 42);
    assert_eq!(
        listed(waiting(failed_at, "Failed to resolve host", retry_at, failed_at)),
        "\
Registration:
  Status: REGISTERING - REGISTRATION IN PROGRESS
  Export-Controlled Functionality: NOT ALLOWED
  Initial Registration: FAILED on Aug 07 2020 06:58:46 UTC
    Failure reason: Failed to resolve host
  Next Registration Attempt: Aug 07 2020 07:16:42 UTC
"
    );
}

/// The seed's first two of a 9300; `License Authorization: ` ends in a blank.
#[test]
fn all_of_a_9300_before_and_during_its_registration() {
    let listing = |lines: &str| {
        format!(
            "Smart Licensing Status\n======================\n\nSmart Licensing is ENABLED\n\n\
             Registration:\n{lines}\nLicense Authorization: \n  Status: No Licenses in Use\n\n\
             License Usage\n==============\n\nNo licenses in use\n\n\
             Product Information\n===================\n\
             UDI: PID:F9K-C9300-SUP-K9,SN:JAD12345678\n\n\
             Agent Version\n=============\nSmart Agent for Licensing: 1.2.2_throttle/6\n"
        )
    };
    let token = IdToken::parse("T").unwrap();
    let failed_at = utc(2020, 8, 4, 4, 46, 47);
    assert_eq!(all(&report_9300(Registration::Unregistered)), listing("  Status: UNREGISTERED\n"));
    assert_eq!(
        all(&report_9300(Registration::Pending { token, force: false, ask_at: failed_at })),
        listing(
            "  Status: UNREGISTERED - REGISTRATION PENDING\n  \
             Initial Registration: First Attempt Pending\n"
        )
    );
    let retry_at = utc(2020, 8, 4, 5, 6, 16);
    let shows_at = utc(2020, 8, 4, 4, 47, 47);
    assert_eq!(
        all(&report_9300(waiting(failed_at, "HTTP transport failed", retry_at, shows_at))),
        listing(
            "  Status: UNREGISTERED - REGISTRATION FAILED\n  \
             Initial Registration: FAILED on Aug 04 04:46:47 2020 UTC\n    \
             Failure reason: HTTP transport failed\n"
        )
    );
}

#[test]
fn all_of_a_9300_on_evaluation() {
    let retry_at = utc(2020, 8, 4, 5, 6, 16);
    let failed_at = utc(2020, 8, 4, 4, 46, 47);
    let left = Duration::from_secs(89 * 86_400 + 14 * 3_600 + 26 * 60 + 20);
    let stored = Stored {
        registration: waiting(failed_at, "HTTP transport failed", retry_at, failed_at),
        evaluation: Evaluation::Paused { left },
        usage: usage_of(Family::Firepower9300, None),
        ..Stored::default()
    };
    let now = utc(2020, 8, 4, 5, 0, 0);
    let listing = all(&report(AgentVersion::V1_2_2, "F9K-C9300-SUP-K9", stored, now));
    let want = "\
Registration:
  Status: REGISTERING - REGISTRATION IN PROGRESS
  Initial Registration: FAILED on Aug 04 04:46:47 2020 UTC
  Next Registration Attempt: Aug 04 05:06:16 2020 UTC

License Authorization:\x20
  Status: EVALUATION MODE
  Evaluation Period Remaining: 89 days, 14 hours, 26 minutes, 20 seconds

License Usage
==============

(ASA-SSP-STD):
  Description:\x20
  Count: 1
  Version: 1.0
  Status: EVALUATION MODE

Product Information
";
    assert!(listing.contains(want), "{listing}");
}

/// The seed's 2100: no conversion, no export key, no export status, no reservation.
#[test]
fn all_of_a_2100_asa() {
    let mut stored = registered_4125(utc(2020, 8, 4, 7, 58, 46));
    let Registration::Registered(held) = &mut stored.registration else { panic!() };
    held.last_renewal = None;
    let now = utc(2020, 8, 4, 9, 0, 0);
    let listing = all(&report(AgentVersion::V4_3_6, "FPR-2140", stored, now));
    let want = REGISTERED_4125
        .replace("Functionality: ALLOWED", "Functionality: Allowed")
        .replace("SUCCEEDED on Mar 12 2020 23:16:11 UTC", "None")
        .replace(&format!("{CONVERSION}\n"), "")
        .replace(&format!("{EXPORT_KEY}\n"), "")
        .replace("  Export status: NOT RESTRICTED\n", "")
        .replace("\nReservation Info\n================\nLicense reservation: DISABLED\n", "")
        .replace("FPR-4125-SUP", "FPR-2140")
        .replace("4.6.9_rel/104", "4.3.6_rel/38");
    assert_eq!(listing, want);
    let unregistered = report(AgentVersion::V4_3_6, "FPR-2140", Stored::default(), now);
    let block = block(&all(&unregistered), "Registration:");
    let want = "Registration:\n  Status: UNREGISTERED\n  \
                Export-Controlled Functionality: Not Allowed\n";
    assert_eq!(block, want);
}

#[test]
fn other_words_of_the_authorization() {
    let now = utc(2020, 8, 4, 9, 0, 0);
    let on = utc(2020, 8, 4, 7, 58, 46);
    for (standing, mode, status, licence) in [
        (Standing::Unknown, Mode::Waiting, "WAITING", "WAITING"),
        (
            Standing::OutOfCompliance,
            Mode::OutOfCompliance,
            "OUT OF COMPLIANCE on Aug 04 2020 07:58:46 UTC",
            "OUT OF COMPLIANCE",
        ),
        (
            Standing::Expired,
            Mode::Authorized,
            "AUTH EXPIRED on Aug 04 2020 07:58:46 UTC",
            "AUTHORIZATION EXPIRED",
        ),
        (
            Standing::InCompliance,
            Mode::InvalidTag,
            "AUTHORIZED on Aug 04 2020 07:58:46 UTC",
            "INVALID TAG",
        ),
    ] {
        let mut stored = registered_4125(on);
        let Registration::Registered(held) = &mut stored.registration else { panic!() };
        held.authorization.standing = standing;
        stored.usage = usage_of(Family::Firepower4100, Some(mode));
        let listing = usage(&report_4125(stored, now));
        assert!(listing.contains(&format!("  Status: {status}\n\n")), "{listing}");
        assert!(listing.contains(&format!("  Status: {licence}\n  Export")), "{listing}");
    }
    let stored = Stored {
        evaluation: Evaluation::Expired { at: on },
        usage: usage_of(Family::Firepower4100, None),
        ..Stored::default()
    };
    let listing = usage(&report_4125(stored, now));
    assert!(listing.contains("  Status: EVAL EXPIRED on Aug 04 2020 07:58:46 UTC\n"), "{listing}");
}

/// Source: ours, after IOS.
#[test]
fn summary_of_a_registered_4125() {
    let stored = registered_4125(utc(2020, 8, 4, 7, 58, 46));
    let want = format!(
        "\
Smart Licensing is ENABLED

Registration:
  Status: REGISTERED
  Smart Account: TAC Cisco Systems, Inc.
  Virtual Account: EU TAC
  Export-Controlled Functionality: ALLOWED
  Last Renewal Attempt: SUCCEEDED
  Next Renewal Attempt: Sep 08 2020 23:16:10 UTC

License Authorization:
  Status: AUTHORIZED
  Last Communication Attempt: SUCCEEDED
  Next Communication Attempt: Sep 03 2020 07:58:45 UTC

License Usage:
  License                 Entitlement Tag               Count Status
  {}
  Firepower 4100 ASA St.. (FIREPOWER_4100_ASA_STANDARD)     1 AUTHORIZED
",
        "-".repeat(77)
    );
    assert_eq!(summary(&report_4125(stored, utc(2020, 8, 4, 9, 55, 50))), want);
}

/// Source: ours, after a public listing of agent 1.6.14.
#[test]
fn techsupport_of_a_registered_4125() {
    let stored = registered_4125(utc(2020, 8, 4, 7, 58, 46));
    let listing = techsupport(&report_4125(stored, utc(2020, 8, 4, 9, 55, 50)));
    for part in [
        "Smart Licensing Tech Support info\n\nSmart Licensing Status\n======================\n\n",
        "Evaluation Period:\n  Evaluation Mode: Not In Use\n  \
         Evaluation Period Remaining: 90 days, 0 hours, 0 minutes, 0 seconds\n\n",
        "License Usage\n=============\nHandle: 1\n    License: Firepower 4100 ASA Standard\n",
        "    Status: AUTHORIZED(3)\n    Status time: Tue Aug 04 07:58:46.000 UTC\n    \
         Request Time: Aug 04 2020 07:58:13 UTC\n",
        "Upcoming Scheduled Jobs\n=======================\n\
         Current time: Aug 04 2020 09:55:50 UTC\n\
         IdCert Expiration Warning: Jan 11 2021 23:11:09 UTC \
         (160 days, 13 hours, 15 minutes, 19 seconds remaining)\n\
         Daily: Aug 05 2020 09:55:50 UTC (1 days, 0 hours, 0 minutes, 0 seconds remaining)\n",
        "Init Flag Check: Not Available\n",
        "Production Cert: False\nPIID: ed6dadbe-c965-4aeb-ab58-62e34033b453\n",
        "        Expiry Date: Mar 12 2021 23:11:11 UTC\n",
        "HA Info\n==========\nRP Role: Active\n",
        "Agent State: authorized\n",
    ] {
        assert!(listing.contains(part), "{part}\nis not in\n{listing}");
    }
    let listing = techsupport(&report_9300(Registration::Unregistered));
    assert!(listing.contains("Certificate Renewal: Not Available\n"), "{listing}");
    assert!(listing.contains("Agent State: unidentified\n"), "{listing}");
}

#[test]
fn small_listings() {
    let now = utc(2020, 8, 4, 9, 0, 0);
    let report = report_4125(Stored::default(), now);
    assert_eq!(udi(&report), "UDI: PID:FPR-4125-SUP,SN:JAD12345678\n");
    assert!(resvcode(&report).starts_with("License reservation: DISABLED\n"));
    assert_eq!(eventlog(std::iter::empty()), " No EventLog Found.\n");

    let mut agent = agent(AgentVersion::V4_6_9, "FPR-4125-SUP", Stored::default(), now);
    let tag = Tag::parse("regid.2020-01.org.vfxos.T,1.0_x").unwrap();
    let later = Now { mono: Instant::ZERO, wall: now.shifted_ms(921) };
    agent.demand(later, BTreeMap::from([(tag, 2)]));
    assert_eq!(
        eventlog(agent.events()),
        "**** Event Log ****\n\n\
         2020-08-04 09:00:00.000 UTC SAEVT_READY\n\
         2020-08-04 09:00:00.000 UTC SAEVT_ENABLED\n\
         2020-08-04 09:00:00.921 UTC SAEVT_ENDPOINT_USAGE count=\"2\" \
         entitlementTag=\"regid.2020-01.org.vfxos.T,1.0_x\"\n\
         2020-08-04 09:00:00.921 UTC SAEVT_EVAL_START\n"
    );
}

/// The 4125 under a reservation, one tier in use.
fn reserved(version: AgentVersion, pid: &str) -> (Agent, Now) {
    let at = Now { mono: Instant::ZERO, wall: utc(2020, 8, 4, 9, 0, 0) };
    let mut agent = agent(version, pid, Stored::default(), at.wall);
    agent.set_reservation(at, true).unwrap();
    agent.request_reservation(at).unwrap();
    let request = agent.report(at).reservation.request_code.unwrap();
    let key = SigningKey::from_seed(&[7; 32]);
    let code = AuthorizationCode::sign(&RequestCode::parse(&request).unwrap(), &key);
    agent.install_reservation(at, &code.to_string(), &[key.public_key()]).unwrap();
    let tag = Entitlement::find(Family::Firepower4100, Feature::Tier).unwrap().tag;
    agent.demand(at, BTreeMap::from([(Tag::parse(tag).unwrap(), 1)]));
    (agent, at)
}

#[test]
fn a_reserved_4125() {
    let (mut agent, at) = reserved(AgentVersion::V4_6_9, "FPR-4125-SUP");
    let shown = all(&agent.report(at));
    let start = "\
Smart Licensing Status
======================

Smart Licensing is ENABLED
License Reservation is ENABLED

Registration:
  Status: REGISTERED - UNIVERSAL LICENSE RESERVATION
  Export-Controlled Functionality: ALLOWED
  Initial Registration: SUCCEEDED on Aug 04 2020 09:00:00 UTC

License Authorization:
  Status: AUTHORIZED - RESERVED on Aug 04 2020 09:00:00 UTC

License Conversion:
";
    assert!(shown.starts_with(start), "{shown}");
    let usage = "\
(FIREPOWER_4100_ASA_STANDARD):
  Description: \n  Count: 1
  Version: 1.0
  Status: AUTHORIZED - RESERVED
  Export status: NOT RESTRICTED
";
    assert!(shown.contains(usage), "{shown}");
    let code = agent.report(at).reservation.request_code.unwrap();
    let info = format!(
        "\
Reservation Info
================
License reservation: ENABLED

Overall status:
  Active: PID:FPR-4125-SUP,SN:JAD12345678
      Reservation status: UNIVERSAL INSTALLED on Aug 04 2020 09:00:00 UTC
      Export-Controlled Functionality: ALLOWED
      Request code: {code}
"
    );
    assert!(shown.ends_with(&info), "{shown}");
    let tech = techsupport(&agent.report(at));
    let fields = format!(
        "Agent State: authorized-reservation\nReservation enable: True\n\
         Reservation in progress: False\nReservation type: Universal\n\
         Reservation request code: {code}\nReservation authorization code: VFXAUTH-"
    );
    assert!(tech.contains(&fields), "{tech}");
    assert!(tech.contains("    Status: AUTHORIZED - RESERVED(11)\n"), "{tech}");

    agent.return_reservation(at).unwrap();
    let shown = all(&agent.report(at));
    let end = "      Reservation status: NOT INSTALLED\n      Last return code: VFXRET-";
    assert!(shown.contains(end), "{shown}");
    let shown = resvcode(&agent.report(at));
    let lines: Vec<&str> = shown.lines().collect();
    let empty = "Reservation request code: <empty>\nReservation authorization code: <empty>";
    assert!(shown.contains(empty) && lines.len() == 4, "{shown}");
    assert!(lines[3].starts_with("Reservation return code: VFXRET-"), "{shown}");
}

/// Of the older agents only the status tells of a reservation, and `resvcode`.
#[test]
fn a_reserved_chassis_of_every_release() {
    for (version, pid, export, date) in [
        (AgentVersion::V1_2_2, "F9K-C9300-SUP-K9", "", "Aug 04 09:00:00 2020 UTC"),
        (
            AgentVersion::V4_3_6,
            "FPR-2140",
            "  Export-Controlled Functionality: Allowed\n",
            "Aug 04 2020 09:00:00 UTC",
        ),
    ] {
        let (agent, at) = reserved(version, pid);
        let report = agent.report(at);
        let block = format!(
            "Registration:\n  Status: REGISTERED - UNIVERSAL LICENSE RESERVATION\n{export}  \
             Initial Registration: SUCCEEDED on {date}\n"
        );
        for shown in [all(&report), status(&report), techsupport(&report)] {
            assert!(shown.contains(&block), "{shown}");
            assert!(shown.contains(&format!("Status: AUTHORIZED - RESERVED on {date}")), "{shown}");
            assert!(!shown.contains("Reservation Info"), "{shown}");
        }
        for shown in [usage(&report), summary(&report)] {
            assert!(shown.contains("AUTHORIZED - RESERVED"), "{shown}");
        }
        assert!(resvcode(&report).contains(&format!("VFXREQ-{pid}:JAD12345678-")));
    }
}

#[test]
fn a_request_is_shown_until_it_is_authorised() {
    let at = Now { mono: Instant::ZERO, wall: utc(2020, 8, 4, 9, 0, 0) };
    let mut agent = agent(AgentVersion::V4_6_9, "FPR-4125-SUP", Stored::default(), at.wall);
    agent.set_reservation(at, true).unwrap();
    agent.request_reservation(at).unwrap();
    let report = agent.report(at);
    let shown = all(&report);
    assert!(shown.contains("  Status: UNREGISTERED - RESERVATION IN PROGRESS\n"), "{shown}");
    assert!(shown.contains("      Reservation status: UNIVERSAL IN PROGRESS\n"), "{shown}");
    assert!(resvcode(&report).contains("Reservation request code: VFXREQ-FPR-4125-SUP:"));
    assert_eq!(agent.request_reservation(at), Err(ConfigError::ReservationInProgress));
    let refused = "\
Last Configuration Error
=========================
Command : request universal
Error : License reservation is in progress
";
    let shown = all(&agent.report(at));
    assert!(shown.contains(refused), "{shown}");
}
