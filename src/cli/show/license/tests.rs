//! Words that no transcript reaches: tests/transcripts has the others.

use std::collections::BTreeMap;

use super::*;
use crate::base::enforcement::Mode;
use crate::base::entitlement::CATALOGUE;
use crate::base::ident::{Tag, Udi};
use crate::base::platform::AgentVersion;
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, days};
use crate::proto::agent::{
    Agent, Authorization, Identity, Registered, Registration, Standing, Stored, Usage,
};

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
         2020-08-04 09:00:00.000 UTC SAEVT_ENDPOINT_USAGE count=\"2\" \
         entitlementTag=\"regid.2020-01.org.vfxos.T,1.0_x\"\n\
         2020-08-04 09:00:00.000 UTC SAEVT_EVAL_START\n"
    );
}

fn agent(stored: Stored) -> Agent {
    let identity = Identity {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        version: AgentVersion::V4_6_9,
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
