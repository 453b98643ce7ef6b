//! Words that no transcript reaches: tests/transcripts has the others.

use std::collections::BTreeMap;

use super::*;
use crate::base::enforcement::Mode;
use crate::base::entitlement::{CATALOGUE, Entitlement, Feature};
use crate::base::ident::{Tag, Udi};
use crate::base::platform::{AgentVersion, Family};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, days};
use crate::proto::agent::{
    Agent, Authorization, ConfigError, Identity, Registered, Registration, Standing, Stored, Usage,
};
use crate::wire::callhome::SigningKey;
use crate::wire::reservation::{AuthorizationCode, RequestCode};

const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 0, 0) };

#[test]
fn words_of_rare_states() {
    for (standing, mode, status, licence) in [
        (Standing::Expired, Mode::Authorized, "AUTH EXPIRED", "AUTHORIZATION EXPIRED"),
        (Standing::InCompliance, Mode::InvalidTag, "AUTHORIZED", "INVALID TAG"),
        (Standing::InCompliance, Mode::NotAuthorized, "AUTHORIZED", "NOT AUTHORIZED"),
    ] {
        let report = agent(registered(standing, mode)).report(NOW);
        let listing = usage(&report);
        assert!(listing.contains(&format!("  Status: {status} on Aug 04 2020 09:00:00 UTC\n\n")));
        assert!(listing.contains(&format!("  Status: {licence}\n  Export")), "{listing}");
    }
}

#[test]
fn small_listings() {
    let mut agent = agent(Stored::default());
    let report = agent.report(NOW);
    assert!(resvcode(&report).starts_with("License reservation: DISABLED\n"));
    assert_eq!(eventlog(std::iter::empty()), " No EventLog Found.\n");
    let tag = Tag::parse("regid.2020-01.org.vfxos.T,1.0_x").unwrap();
    agent.demand(NOW, BTreeMap::from([(tag, 2)]));
    assert_eq!(
        eventlog(agent.events()),
        "**** Event Log ****\n\n\
         2020-08-04 09:00:00.000 UTC SAEVT_READY\n\
         2020-08-04 09:00:00.000 UTC SAEVT_ENABLED\n\
         2020-08-04 09:00:00.000 UTC SAEVT_ENDPOINT_USAGE count=\"2\" \
         entitlementTag=\"regid.2020-01.org.vfxos.T,1.0_x\"\n\
         2020-08-04 09:00:00.000 UTC SAEVT_EVAL_START\n"
    );
}

fn agent(stored: Stored) -> Agent {
    agent_of(AgentVersion::V4_6_9, "FPR-4125-SUP", stored)
}

fn agent_of(version: AgentVersion, pid: &str, stored: Stored) -> Agent {
    let identity = Identity {
        udi: Udi { pid: pid.into(), serial: "JAD12345678".into() },
        product: "FPR4125".into(),
        sudi_pid: pid.into(),
        hostname: "FPR4125-1".into(),
        version,
        public_key: "key".into(),
    };
    Agent::new(identity, stored, Rng::from_seed(1), NOW)
}

/// A registered chassis with one entitlement, which the authority answered by `mode`.
fn registered(standing: Standing, mode: Mode) -> Stored {
    let later = NOW.wall + days(30);
    let authorization = Authorization {
        standing,
        last: Some(Attempt::Succeeded { at: NOW.wall }),
        ask_at: later,
        failures: 0,
        deadline: later,
    };
    let registered = Registered {
        instance: "instance".into(),
        smart_account: "Account".into(),
        virtual_account: "Virtual".into(),
        export_controlled: true,
        not_before: NOW.wall,
        expires_at: later,
        certificate: String::new(),
        registered_at: NOW.wall,
        last_renewal: None,
        renew_at: later,
        renewal_failures: 0,
        authorization,
        warned: false,
        grace_until: None,
    };
    let usage = Usage {
        count: 1,
        name: String::new(),
        description: String::new(),
        answer: Some(mode),
        requested_at: NOW.wall,
        mode_at: NOW.wall,
    };
    Stored {
        registration: Registration::Registered(Box::new(registered)),
        usage: BTreeMap::from([(Tag::parse(CATALOGUE[0].tag).unwrap(), usage)]),
        ..Stored::default()
    }
}

/// The 4125 under a reservation, one tier in use.
fn reserved(version: AgentVersion, pid: &str) -> (Agent, Now) {
    let at = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 0, 0) };
    let mut agent = agent_of(version, pid, Stored::default());
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
    let at = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 0, 0) };
    let mut agent = agent(Stored::default());
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
