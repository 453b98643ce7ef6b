//! Authorization, renewal and their ends.

use super::*;
use crate::wire::callhome::RefusalKind;

fn mode(bench: &Bench) -> Mode {
    bench.enforced.modes[&tag(Feature::Tier)]
}

/// Registered, authorised, one tier in use.
fn licensed() -> Bench {
    let mut bench = Bench::registered(NOON, 0);
    bench.demand(tier());
    while bench.enforced.modes.values().any(|mode| *mode != Mode::Authorized) {
        bench.pass_to_ask();
        bench.authorize(Compliance::InCompliance, 0);
    }
    bench
}

#[test]
fn the_first_authorization_follows_within_seconds() {
    let mut bench = Bench::registered(NOON, 0);
    assert_eq!(bench.report().authorization, AuthorizationStatus::Waiting);
    assert_eq!(bench.report().communication.unwrap().last, None);
    bench.pass_to_ask();
    assert!((4..15).contains(&bench.now.wall.since(NOON).as_secs()));
    bench.authorize(Compliance::InCompliance, 0);
    let on = bench.now.wall;
    assert_eq!(bench.report().authorization, AuthorizationStatus::Authorized { on });
    assert!(bench.report().licences.is_empty());
}

#[test]
fn requests_share_one_exchange_after_the_hold_off() {
    let mut bench = licensed();
    bench.pass(days(1));
    let asked_at = bench.now.wall;
    let context = tag(Feature::Context);
    let mut totals = tier();
    totals.insert(context.clone(), 5);
    bench.demand(totals.clone());
    assert_eq!(bench.enforced.modes[&context], Mode::Waiting);
    assert_eq!(mode(&bench), Mode::Authorized, "what was licensed goes on");
    bench.pass(seconds(20));
    totals.insert(context.clone(), 7);
    bench.demand(totals);
    let Ask::Authorize { in_use, .. } = bench.pass_to_ask() else { panic!() };
    assert_eq!(bench.now.wall, asked_at + timing::HOLD_OFF);
    assert_eq!(in_use.iter().map(|used| used.count).collect::<Vec<_>>().len(), 2);
    assert!(in_use.iter().any(|used| used.tag == context && used.count == 7));
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(bench.enforced.modes[&context], Mode::Authorized);
}

#[test]
fn a_request_close_upon_an_exchange_waits_twice_as_long() {
    let mut bench = licensed();
    bench.pass(seconds(9));
    let asked_at = bench.now.wall;
    bench.demand(BTreeMap::from([(tag(Feature::Tier), 2)]));
    bench.pass_to_ask();
    assert_eq!(bench.now.wall, asked_at + timing::HOLD_OFF_AFTER_EXCHANGE);
}

#[test]
fn what_is_asked_during_an_exchange_waits_for_the_next() {
    let mut bench = licensed();
    bench.pass(days(1));
    bench.demand(BTreeMap::new());
    bench.pass_to_ask();
    bench.demand(tier());
    bench.answer(Verdict::Authorized(Vec::new()), 0);
    assert_eq!(mode(&bench), Mode::Waiting, "the answer did not know of it");
    let ended = bench.now.wall;
    bench.pass_to_ask();
    assert!(bench.now.wall >= ended + timing::HOLD_OFF);
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(mode(&bench), Mode::Authorized);
}

#[test]
fn out_of_compliance_asks_every_twelve_hours() {
    let mut bench = licensed();
    bench.agent.renew(bench.now);
    bench.pass_to_ask();
    bench.grant(0);
    bench.pass_to_ask();
    bench.authorize(Compliance::OutOfCompliance, 0);
    assert_eq!(mode(&bench), Mode::OutOfCompliance);
    let on = bench.now.wall;
    assert_eq!(bench.report().authorization, AuthorizationStatus::OutOfCompliance { on });
    bench.pass_to_ask();
    assert_eq!(bench.now.wall, on + seconds(43_200));
    bench.authorize(Compliance::InCompliance, 0);
    let again = bench.now.wall;
    bench.pass_to_ask();
    assert_eq!(bench.now.wall, again + days(30));
    assert_eq!((bench.logged("OUT_OF_COMPLIANCE"), bench.logged("IN_COMPLIANCE")), (1, 2));
}

#[test]
fn failed_authorizations_retry_soon_once_and_then_hourly_and_leave_the_deadline() {
    let mut bench = licensed();
    let deadline = bench.report().communication.unwrap().deadline;
    bench.pass_to_ask();
    let mut waits = Vec::new();
    for _ in 0..4 {
        let failed_at = bench.now.wall;
        bench.lose(ExchangeError::Connect);
        let report = bench.report();
        assert_eq!(report.authorization, AuthorizationStatus::Authorized { on: failed_at });
        assert_eq!(report.communication.unwrap().deadline, deadline);
        bench.pass_to_ask();
        waits.push(bench.now.wall.since(failed_at).as_secs());
    }
    assert_eq!(waits, [30, 3_599, 3_599, 3_599]);
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(bench.logged("COMM_RESTORED"), 1);
}

#[test]
fn ninety_days_of_silence_end_the_authorization_and_one_answer_restores_it() {
    let mut bench = licensed();
    let RegistrationReport::Registered { .. } = bench.report().registration else { panic!() };
    let deadline = bench.flash_authorization().deadline;
    while bench.now.wall < deadline {
        bench.pass_to_ask();
        bench.lose(ExchangeError::Resolve);
        if bench.flash_authorization().ask_at >= deadline {
            break;
        }
    }
    assert_eq!(mode(&bench), Mode::Authorized);
    bench.pass_to(deadline);
    assert_eq!(mode(&bench), Mode::AuthorizationExpired);
    assert!(bench.enforced.registered);
    let report = bench.report();
    assert!(matches!(report.authorization, AuthorizationStatus::Expired { .. }));
    assert_eq!(report.communication.unwrap().deadline, None);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(mode(&bench), Mode::Authorized);
}

#[test]
fn a_renewal_restarts_the_certificate_and_keeps_the_first_date() {
    let mut bench = licensed();
    while !matches!(bench.pass_to_ask(), Ask::Renew { .. }) {
        bench.authorize(Compliance::InCompliance, 0);
    }
    assert_eq!(bench.now.wall, NOON + days(180));
    bench.grant(0);
    let RegistrationReport::Registered {
        registered_at, last_renewal, renew_at, expires_at, ..
    } = bench.report().registration
    else {
        panic!()
    };
    assert_eq!(registered_at, NOON);
    assert_eq!(last_renewal, Some(Attempt::Succeeded { at: bench.now.wall }));
    assert_eq!(renew_at, NOON + days(360));
    assert_eq!(expires_at, NOON + days(180 + 365) - seconds(302));
}

#[test]
fn failed_renewals_retry_after_a_quarter_and_then_after_an_hour() {
    let mut bench = licensed();
    let mut waits = Vec::new();
    let mut failed_at = None;
    while waits.len() < 3 {
        match bench.pass_to_ask() {
            Ask::Renew { .. } => {
                waits.extend(failed_at.map(|at| bench.now.wall.since(at).as_secs()));
                failed_at = Some(bench.now.wall);
                let no = Verdict::Refused { kind: RefusalKind::UnknownInstance, text: "x".into() };
                bench.answer(no, 0);
                let RegistrationReport::Registered { last_renewal, .. } =
                    bench.report().registration
                else {
                    panic!()
                };
                let reason = REFUSED_TEXT.to_owned();
                assert_eq!(last_renewal, Some(Attempt::Failed { at: bench.now.wall, reason }));
            }
            Ask::Authorize { .. } => bench.authorize(Compliance::InCompliance, 0),
            other @ (Ask::Register { .. } | Ask::Deregister { .. }) => panic!("{other:?}"),
        }
    }
    assert!((900..=1_200).contains(&waits[0]), "{waits:?}");
    assert!(waits[1..].iter().all(|wait| (3_600..=3_900).contains(wait)), "{waits:?}");
}

#[test]
fn without_a_renewal_the_registration_ends_with_its_certificate() {
    let mut bench = licensed();
    let ends = NOON + days(365) - seconds(302);
    loop {
        match bench.pass_to_ask() {
            Ask::Renew { .. } => bench.lose(ExchangeError::Connect),
            Ask::Authorize { .. } => bench.authorize(Compliance::InCompliance, 0),
            other @ (Ask::Register { .. } | Ask::Deregister { .. }) => panic!("{other:?}"),
        }
        if bench.now.wall > ends - seconds(4_000) {
            break;
        }
    }
    assert_eq!(bench.logged("ID_CERT_EXPIRED_WARNING"), 1);
    bench.pass_to(ends);
    assert_eq!(bench.report().registration, RegistrationReport::Unregistered);
    assert_eq!(mode(&bench), Mode::Evaluation);
    assert!(bench.flash.farewells.is_empty(), "the authority is not told");
}

#[test]
fn a_clock_outside_the_certificate_has_an_hour_to_come_back() {
    for back in [true, false] {
        let mut bench = licensed();
        bench.set_clock(Utc::from_civil(2016, 1, 20, 22, 35, 21));
        assert_eq!(bench.logged("REG_EXPIRED_CLOCK_CHANGE"), 1);
        bench.pass(seconds(3_599));
        assert!(matches!(bench.report().registration, RegistrationReport::Registered { .. }));
        if back {
            bench.set_clock(NOON + seconds(3_700));
            assert!(bench.flash_grace().is_none());
        }
        bench.pass(seconds(2));
        let kept = matches!(bench.report().registration, RegistrationReport::Registered { .. });
        assert_eq!(kept, back);
    }
}

#[test]
fn a_clock_set_back_delays_no_retry_beyond_its_rule() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T", false).unwrap();
    bench.pass_to_ask();
    bench.lose(ExchangeError::Resolve);
    let then = NOON - days(1_000);
    bench.set_clock(then);
    bench.pass_to_ask();
    assert!(bench.now.wall.since(then) <= timing::REGISTRATION_RETRY + timing::RETRY_JITTER);
}

#[test]
fn the_expire_triggers_do_what_time_would() {
    let mut bench = licensed();
    bench.agent.expire_auth(bench.now);
    bench.drain();
    assert_eq!(mode(&bench), Mode::AuthorizationExpired);
    bench.agent.expire_id_certificate(bench.now);
    bench.event(Event::Due);
    assert_eq!(bench.report().registration, RegistrationReport::Unregistered);
    assert_eq!(mode(&bench), Mode::Evaluation);
    bench.agent.expire_eval(bench.now);
    bench.drain();
    assert_eq!(mode(&bench), Mode::EvalExpired);
    bench.pass(seconds(2 * 3_600));
    assert_eq!(bench.logged("EVAL_EXPIRED_WARNING"), 2);
}

#[test]
fn a_jump_over_everything_ends_as_the_walk_does() {
    let walk = |in_steps: bool| {
        let mut bench = Bench::registered(NOON, 0);
        bench.pass_to_ask();
        bench.authorize(Compliance::InCompliance, 0);
        bench.demand(tier());
        bench.pass_to_ask();
        bench.authorize(Compliance::InCompliance, 0);
        // Nothing answers from here on.
        let end = NOON + days(500);
        if in_steps {
            while bench.drain().is_some_and(|due| due <= bench.now.instant_of(end)) {
                let due = bench.drain().unwrap();
                bench.now = bench.now.at(due);
                bench.asked = None;
                bench.event(Event::Due);
            }
            bench.pass_to(end);
        } else {
            bench.now = bench.now.advanced(end.since(bench.now.wall));
            bench.event(Event::Due);
        }
        let order: Vec<_> = bench
            .log
            .iter()
            .filter(|line| line.severity == 5 || line.mnemonic.starts_with("ID_CERT_EXP"))
            .map(|line| (line.at, line.mnemonic))
            .collect();
        (bench.report().registration, bench.report().evaluation_left, mode(&bench), order)
    };
    let (late, walked) = (walk(false), walk(true));
    assert_eq!(late.0, RegistrationReport::Unregistered);
    assert_eq!((&late.0, late.1, late.2), (&walked.0, walked.1, walked.2));
    assert_eq!(late.3, walked.3, "the same ends, at their own dates");
    assert!(late.3.is_sorted_by_key(|(at, _)| *at));
}

impl Bench {
    fn flash_registered(&self) -> &Registered {
        let Registration::Registered(held) = &self.flash.registration else {
            panic!("{:?}", self.flash.registration)
        };
        held
    }

    fn flash_authorization(&self) -> &Authorization {
        &self.flash_registered().authorization
    }

    fn flash_grace(&self) -> Option<Utc> {
        self.flash_registered().grace_until
    }
}

/// The printed reason sends the operator to the log, so the authority's words must be there.
#[test]
fn what_the_authority_said_is_in_the_event_log() {
    let mut bench = licensed();
    bench.agent.renew(bench.now);
    bench.pass_to_ask();
    let words = "{\"product_instance\":[\"is not known\"]}\u{1b}";
    bench.answer(Verdict::Refused { kind: RefusalKind::UnknownInstance, text: words.into() }, 0);
    let event = bench.agent.events().find(|event| event.name == "SAEVT_RESPONSE_FAIL").unwrap();
    let error = "{\"product_instance\":[\"is not known\"]} ".to_owned();
    assert_eq!(event.fields, [("error", error)]);
}

#[test]
fn what_blades_asked_for_is_told_apart_from_the_regular_renewal() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    let counts = |bench: &Bench| {
        [
            "AUTH_RENEW_SUCCESS",
            "ENTITLEMENT_RENEW_SUCCESS",
            "AUTH_RENEW_FAILED",
            "ENTITLEMENT_RENEW_FAILED",
        ]
        .map(|mnemonic| bench.logged(mnemonic))
    };
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
    bench.demand(tier());
    bench.pass_to_ask();
    bench.lose(ExchangeError::Connect);
    assert_eq!(counts(&bench), [1, 0, 0, 1]);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(counts(&bench), [2, 0, 0, 1]);
    bench.demand(BTreeMap::from([(tag(Feature::Tier), 2)]));
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    assert_eq!(counts(&bench), [2, 1, 0, 1]);
}

#[test]
fn a_clock_before_the_certificate_is_named_as_such() {
    let mut bench = licensed();
    bench.set_clock(NOON - days(2));
    assert_eq!(
        (bench.logged("ID_CERT_RENEW_NOT_STARTED"), bench.logged("REG_EXPIRED_CLOCK_CHANGE")),
        (1, 1)
    );
    bench.set_clock(NOON + days(1));
    bench.set_clock(NOON + days(900));
    assert_eq!(
        (bench.logged("ID_CERT_RENEW_NOT_STARTED"), bench.logged("REG_EXPIRED_CLOCK_CHANGE")),
        (1, 2)
    );
}
