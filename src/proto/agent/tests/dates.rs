//! Every dated listing that concerns a chassis, to the second. `A - D` is how far the authority's
//! clock was ahead of the device's when each answer was given.

use super::*;

fn at(y: i64, mo: u8, d: u8, h: u8, mi: u8, s: u8, ms: i64) -> Utc {
    Utc::from_civil(y, mo, d, h, mi, s).shifted_ms(ms)
}

/// The printed dates of a registered chassis: renewal, end, next communication, deadline.
fn printed(bench: &Bench) -> [String; 4] {
    let report = bench.report();
    let RegistrationReport::Registered { renew_at, expires_at, .. } = report.registration else {
        panic!("not registered");
    };
    let communication = report.communication.unwrap();
    let deadline = communication.deadline.map_or("DEADLINE EXCEEDED".to_owned(), Utc::agent4);
    [renew_at.agent4(), expires_at.agent4(), communication.next_at.agent4(), deadline]
}

/// S-A: seed, FPR-2140 primary; the tier was configured between registration and authorization.
#[test]
fn dates_of_the_primary_2140() {
    let mut bench = Bench::registered(at(2020, 11, 25, 16, 43, 59, 500), 15_100);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    bench.pass_to(at(2020, 11, 25, 16, 47, 12, 500));
    bench.demand(tier());
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 6_300);
    bench.now = bench.now.advanced(Duration::from_millis(100));
    assert_eq!(
        printed(&bench),
        [
            "May 24 2021 16:43:58 UTC",
            "Nov 25 2021 16:39:12 UTC",
            "Dec 25 2020 16:47:41 UTC",
            "Feb 23 2021 16:42:46 UTC",
        ]
    );
}

/// S-B: seed, FPR-2140 secondary.
#[test]
fn dates_of_the_secondary_2140() {
    let mut bench = Bench::registered(at(2020, 11, 25, 17, 6, 51, 300), -2_000);
    bench.pass_to_ask();
    bench.now.wall = at(2020, 11, 25, 17, 7, 28, 300);
    bench.authorize(Compliance::InCompliance, -11_000);
    bench.now.wall = at(2020, 11, 25, 17, 30, 0, 100);
    assert_eq!(
        printed(&bench),
        [
            "May 24 2021 17:06:51 UTC",
            "Nov 25 2021 17:01:47 UTC",
            "Dec 25 2020 17:07:28 UTC",
            "Feb 23 2021 17:02:15 UTC",
        ]
    );
}

/// A 4125 as the seed has it since March 2020: registered in 2018, renewed by hand.
fn renewed_4125() -> Bench {
    let mut bench = Bench::registered(at(2018, 12, 10, 23, 30, 2, 0), 0);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    let renewed = at(2020, 3, 12, 23, 16, 11, 300);
    while bench.now.wall < renewed - days(40) {
        match bench.pass_to_ask() {
            Ask::Renew { .. } => bench.grant(0),
            Ask::Authorize { .. } => bench.authorize(Compliance::InCompliance, 0),
            Ask::Register { .. } | Ask::Deregister { .. } => panic!("registers by itself"),
        }
    }
    // 457 d 23:46:09 after the registration lies between two regular renewals.
    bench.now.wall = renewed;
    bench.agent.renew(bench.now);
    assert!(matches!(bench.pass_to_ask(), Ask::Renew { .. }));
    bench.grant(400);
    assert!(matches!(bench.pass_to_ask(), Ask::Authorize { .. }));
    bench.authorize(Compliance::InCompliance, 400);
    bench
}

/// S-D: seed, web page of the same chassis in July.
fn july_4125() -> Bench {
    let mut bench = renewed_4125();
    bench.now.wall = at(2020, 7, 5, 17, 49, 15, 300);
    bench.agent.handle(bench.now, Event::Due);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 400);
    bench
}

#[test]
fn dates_of_the_4125_in_july() {
    let mut bench = july_4125();
    bench.now.wall = at(2020, 7, 5, 17, 50, 0, 500);
    assert_eq!(
        printed(&bench),
        [
            "Sep 08 2020 23:16:10 UTC",
            "Mar 12 2021 23:11:09 UTC",
            "Aug 04 2020 17:49:14 UTC",
            "Oct 03 2020 17:44:13 UTC",
        ]
    );
}

/// S-C: seed, `show license all` of the 4125. A blade asks at 07:58:13, the exchange is over at
/// 07:58:46, and it counts as the communication that was due at 17:49:14.
#[test]
fn dates_of_the_4125_in_august() {
    let mut bench = july_4125();
    bench.pass_to(at(2020, 8, 4, 7, 58, 13, 300));
    bench.demand(tier());
    assert_eq!(bench.pass_to_ask(), ask_authorize("inst-1", 1));
    assert_eq!(bench.now.wall, at(2020, 8, 4, 7, 58, 43, 300));
    bench.now = bench.now.advanced(seconds(3));
    bench.authorize(Compliance::InCompliance, 400);
    let report = bench.report();
    assert_eq!(report.authorization, AuthorizationStatus::Authorized { on: bench.now.wall });
    assert_eq!(bench.now.wall.agent4(), "Aug 04 2020 07:58:46 UTC");
    bench.now = bench.now.advanced(Duration::from_millis(200));
    assert_eq!(
        printed(&bench),
        [
            "Sep 08 2020 23:16:10 UTC",
            "Mar 12 2021 23:11:09 UTC",
            "Sep 03 2020 07:58:45 UTC",
            "Nov 02 2020 07:53:44 UTC",
        ]
    );
}

fn ask_authorize(instance: &str, count: u32) -> Ask {
    let in_use = vec![callhome::Use { tag: tag(Feature::Tier), count }];
    Ask::Authorize { instance: instance.into(), in_use }
}

/// S-E: seed, "Verlopen autorisatie". The renewal of May fails ever since; the authorization's last
/// success is more than 90 days back.
#[test]
fn dates_of_the_expired_authorization() {
    let mut bench = Bench::registered(at(2019, 11, 22, 8, 17, 30, 100), -7_500);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    let outage = at(2020, 4, 20, 0, 0, 0, 0);
    let end = at(2020, 8, 4, 7, 10, 0, 0);
    let mut first_renewal = None;
    while bench.now.wall < end {
        match bench.pass_to_ask() {
            Ask::Renew { .. } => {
                first_renewal.get_or_insert(bench.now.wall);
                bench.answer(refusal(callhome::RefusalKind::UnknownInstance), 0);
            }
            Ask::Authorize { .. } if bench.now.wall < outage => {
                bench.authorize(Compliance::InCompliance, 0);
            }
            Ask::Authorize { .. } => bench.lose(ExchangeError::Signature),
            Ask::Register { .. } | Ask::Deregister { .. } => panic!("registers by itself"),
        }
    }
    assert_eq!(first_renewal, Some(at(2020, 5, 20, 8, 17, 30, 100)));
    if bench.asked.is_some() {
        bench.lose(ExchangeError::Signature);
    }
    // The two attempts of the listing, each at its own time.
    bench.now.wall = at(2020, 8, 4, 7, 10, 16, 100);
    bench.agent.renew(bench.now);
    bench.pass_to_ask();
    bench.answer(refusal(callhome::RefusalKind::UnknownInstance), 0);
    bench.pass_to_ask();
    bench.lose(ExchangeError::Signature);
    bench.now.wall = at(2020, 8, 4, 7, 10, 16, 500);
    let report = bench.report();
    let on = at(2020, 8, 4, 7, 10, 16, 100);
    assert_eq!(report.authorization, AuthorizationStatus::Expired { on });
    assert_eq!(report.communication.unwrap().next_at.agent4(), "Aug 04 2020 08:10:14 UTC");
    let [_, expires, _, deadline] = printed(&bench);
    assert_eq!(expires, "Nov 21 2020 08:12:20 UTC");
    assert_eq!(deadline, "DEADLINE EXCEEDED");

    let verdict = bench.register("ZDA2MjFl", false);
    assert_eq!(verdict, Err(ConfigError::AlreadyRegistered));
    let refusal = bench.report().last_refusal.unwrap();
    assert_eq!(refusal.command, "register idtoken ZDA2MjFl");
    assert_eq!(refusal.error, "Smart Agent already registered");
    assert_eq!(bench.flash.last_refusal.as_ref(), Some(&refusal));
}

fn refusal(kind: callhome::RefusalKind) -> Verdict {
    Verdict::Refused { kind, text: "the instance is not known here".into() }
}

/// S-F, S-G, S-H and S-E's renewal: what each listing leaves between a failure and the next try is
/// a wait that the rule can draw, and the rule draws nothing else.
#[test]
fn gaps_between_tries_cover_the_listings_and_nothing_else() {
    let gap = |version, error, seed| {
        let mut bench = Bench::of(version, NOON, Stored::default());
        bench.agent.rng = Rng::from_seed(seed);
        bench.register("T", false).unwrap();
        bench.pass_to_ask();
        bench.lose(error);
        let failed_at = bench.now.wall;
        bench.pass_to_ask();
        bench.now.wall.since(failed_at).as_secs()
    };
    for (version, error, listed) in [
        (AgentVersion::V1_2_2, ExchangeError::Transport, 1169),
        (AgentVersion::V4_6_9, ExchangeError::Resolve, 1076),
        (AgentVersion::V4_3_6, ExchangeError::Connect, 991),
    ] {
        let gaps: Vec<u64> = (0..3_000).map(|seed| gap(version, error, seed)).collect();
        assert!(gaps.contains(&listed), "{listed}");
        assert!(gaps.iter().all(|gap| (900..=1_200).contains(gap)));
    }
}

/// S-E: 07:32:08 to 08:33:48, a renewal that had failed before.
#[test]
fn the_gap_after_a_later_failed_renewal_covers_the_listing() {
    let gap = |seed| {
        let mut bench = Bench::registered(NOON, 0);
        bench.agent.rng = Rng::from_seed(seed);
        bench.agent.renew(bench.now);
        let mut failed_at = NOON;
        for _ in 0..2 {
            while !matches!(bench.pass_to_ask(), Ask::Renew { .. }) {
                bench.authorize(Compliance::InCompliance, 0);
            }
            failed_at = bench.now.wall;
            bench.answer(refusal(callhome::RefusalKind::UnknownInstance), 0);
        }
        while !matches!(bench.pass_to_ask(), Ask::Renew { .. }) {
            bench.authorize(Compliance::InCompliance, 0);
        }
        bench.now.wall.since(failed_at).as_secs()
    };
    let gaps: Vec<u64> = (0..3_000).map(gap).collect();
    assert!(gaps.contains(&3_700));
    assert!(gaps.iter().all(|gap| (3_600..=3_900).contains(gap)));
}

/// S-F: seed, 9300 with agent 1.2.2; 9 h 33 m 40 s of the evaluation were spent, over more than one
/// period, and the listing of the failure had shown nothing in use.
#[test]
fn evaluation_of_the_9300() {
    let start = at(2020, 8, 3, 10, 0, 0, 0);
    let mut bench = Bench::of(AgentVersion::V1_2_2, start, Stored::default());
    bench.demand(tier());
    bench.pass(seconds(9 * 3_600 + 20 * 60));
    bench.demand(BTreeMap::new());
    bench.pass_to(at(2020, 8, 4, 4, 46, 46, 0));
    bench.register("T", false).unwrap();
    bench.pass_to_ask();
    assert_eq!(bench.now.wall.agent1(), "Aug 04 04:46:47 2020 UTC");
    bench.lose(ExchangeError::Transport);
    assert_eq!(bench.report().authorization, AuthorizationStatus::NoLicensesInUse);
    assert!(matches!(bench.report().registration, RegistrationReport::Failed { .. }));
    bench.pass(seconds(60));
    bench.demand(tier());
    bench.pass(seconds(13 * 60 + 40));
    let left = seconds(89 * 86_400 + 14 * 3_600 + 26 * 60 + 20);
    assert_eq!(bench.report().authorization, AuthorizationStatus::Evaluation { left });
    assert_eq!(spelled(left), "89 days, 14 hours, 26 minutes, 20 seconds");
    assert!(matches!(bench.report().registration, RegistrationReport::Retrying { .. }));
}

/// A registered chassis spends none of it, and one that is unregistered again goes on.
#[test]
fn evaluation_stands_still_while_registered() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.demand(tier());
    bench.pass(seconds(22 * 60 + 18 - 1));
    bench.register("T", false).unwrap();
    bench.pass_to_ask();
    bench.grant(0);
    let left = timing::EVALUATION - seconds(22 * 60 + 18);
    assert_eq!(bench.report().evaluation_left, left);
    bench.pass(days(8));
    assert_eq!(bench.report().evaluation_left, left);
    bench.agent.deregister(bench.now).unwrap();
    bench.pass(days(1));
    assert_eq!(bench.report().evaluation_left, left - days(1));
}

#[test]
fn spelled_drops_leading_zero_units_only() {
    assert_eq!(spelled(seconds(53 * 60 + 21)), "53 minutes, 21 seconds");
    let long = seconds(297 * 86_400 + 42 * 60 + 59);
    assert_eq!(spelled(long), "297 days, 0 hours, 42 minutes, 59 seconds");
    assert_eq!(spelled(Duration::ZERO), "0 seconds");
}
