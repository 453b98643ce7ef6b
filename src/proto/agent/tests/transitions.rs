//! The registration's transitions, and what each failure leads to.

use super::*;
use crate::wire::callhome::RefusalKind;

/// One letter a state.
fn letter(bench: &Bench) -> char {
    match &bench.agent.stored.registration {
        Registration::Unregistered => 'U',
        Registration::Pending { .. } => 'P',
        Registration::Waiting { .. } => 'W',
        Registration::Failed { .. } => 'F',
        Registration::Registered(_) => 'R',
    }
}

fn bench_in(state: char) -> Bench {
    let mut bench = Bench::new(NOON, Stored::default());
    if state != 'U' {
        bench.register("T", false).unwrap();
    }
    if "WFRA".contains(state) {
        bench.pass_to_ask();
    }
    match state {
        'W' => bench.lose(ExchangeError::Resolve),
        'F' => bench.lose(ExchangeError::Connect),
        'R' => bench.grant(0),
        _ => {}
    }
    bench
}

#[test]
fn every_state_meets_every_event() {
    type Step<'a> = &'a dyn Fn(&mut Bench);
    // An answer or a loss with nothing under way is a late one. `A` is Pending with its try away.
    let late = |bench: &mut Bench, verdict: Option<Verdict>| {
        let exchange = bench.asked.take().map_or(ExchangeId(99), |(exchange, _)| exchange);
        let nonce = bench.agent.flight.as_ref().map_or(0, |flight| flight.nonce);
        bench.event(match verdict {
            Some(verdict) => {
                let issued_at = bench.now.wall;
                Event::Answered { exchange, answer: Answer { nonce, issued_at, verdict } }
            }
            None => Event::Lost { exchange, reason: ExchangeError::Resolve },
        });
    };
    let granted = |bench: &mut Bench| {
        late(bench, Some(Verdict::Registered(grant_at(bench.now.wall, "inst-1"))));
    };
    let refused = |bench: &mut Bench| {
        late(bench, Some(Verdict::Refused { kind: RefusalKind::Token, text: "no".into() }));
    };
    let lost = |bench: &mut Bench| late(bench, None);
    let steps: [(&str, Step); 9] = [
        (
            "register",
            &(|b: &mut Bench| {
                let _ = b.register("T2", false);
            }),
        ),
        (
            "force",
            &(|b: &mut Bench| {
                let _ = b.register("T2", true);
            }),
        ),
        (
            "deregister",
            &(|b: &mut Bench| {
                let _ = b.agent.deregister(b.now);
            }),
        ),
        ("granted", &granted),
        ("refused", &refused),
        ("lost", &lost),
        ("due", &(|b: &mut Bench| b.event(Event::Due))),
        ("renew", &(|b: &mut Bench| b.agent.renew(b.now))),
        ("certificate ends", &(|b: &mut Bench| b.agent.expire_id_certificate(b.now))),
    ];
    let table = [
        ('U', "PPUUUUUUU"),
        ('P', "PPUPPPPPP"),
        ('A', "PPURFWPPP"),
        ('W', "PPUWWWWWW"),
        ('F', "PPUFFFFFF"),
        ('R', "RRURRRRRU"),
    ];
    for (state, row) in table {
        for ((name, step), want) in steps.iter().zip(row.chars()) {
            let mut bench = bench_in(state);
            step(&mut bench);
            bench.drain();
            assert_eq!(letter(&bench), want, "{state} on {name}");
            assert_eq!(bench.flash, *bench.agent.stored(), "{state} on {name} is not in flash");
        }
    }
}

#[test]
fn every_failure_has_the_devices_words_and_its_class() {
    use AgentVersion::{V1_2_2, V4_3_6, V4_6_9};
    const SEND: &str = "Communication message send error";
    const STATUS: &str = "HTTP server returns error code >= 400. Contact proxy server admin if \
                          proxy configuration is enabled";
    // Just before a minute has passed since the failure, and just then: F is failed, R is being retried.
    let table = [
        (V4_6_9, ExchangeError::Resolve, "Failed to resolve host", "RR"),
        (V4_6_9, ExchangeError::Connect, "Couldn't connect to host", "FF"),
        (V4_6_9, ExchangeError::Authenticate, "Failed to authenticate server", "FF"),
        (V4_6_9, ExchangeError::Status { status: 407 }, STATUS, "FF"),
        (V4_6_9, ExchangeError::Transport, "HTTP transport failed", "FR"),
        (V4_6_9, ExchangeError::Parse, "Parsing backend response message failed", "FR"),
        (V4_6_9, ExchangeError::Signature, "Data and signature do not match", "FF"),
        (V4_6_9, ExchangeError::Unsigned, "Response Message not signed", "FF"),
        (V4_6_9, ExchangeError::SignerExpired, "The certificate has expired", "FF"),
        (V1_2_2, ExchangeError::Resolve, "Failed to resolve host", "RR"),
        (V1_2_2, ExchangeError::Transport, "HTTP transport failed", "FR"),
        (V1_2_2, ExchangeError::Connect, "Couldn't connect to host", "FF"),
        (V4_3_6, ExchangeError::Resolve, SEND, "RR"),
        (V4_3_6, ExchangeError::Connect, SEND, "RR"),
        (V4_3_6, ExchangeError::Authenticate, SEND, "RR"),
        (V4_3_6, ExchangeError::Transport, SEND, "RR"),
        (V4_3_6, ExchangeError::Unsigned, "Response Message not signed", "FF"),
    ];
    for (version, error, text, classes) in table {
        let mut bench = Bench::of(version, NOON, Stored::default());
        bench.register("T", false).unwrap();
        bench.pass_to_ask();
        bench.lose(error);
        assert_eq!(bench.logged("CERTIFICATE_VALIDATION"), usize::from(error.is_distrust()));
        for (class, later) in classes.chars().zip([seconds(59), seconds(1)]) {
            bench.pass(later);
            let failed_at = NOON + timing::FIRST_TRY_AFTER;
            match (bench.report().registration, class) {
                (RegistrationReport::Failed { at, reason }, 'F') => {
                    assert_eq!((at, reason.as_str()), (failed_at, text));
                }
                (RegistrationReport::Retrying { at, reason, next_at: Some(_) }, 'R') => {
                    assert_eq!((at, reason.as_str()), (failed_at, text));
                }
                (other, _) => panic!("{version:?} {error:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_refused_registration_prints_the_authoritys_words() {
    let words = r#"{"token":["The token 'ODNm' is not valid."]}"#;
    let mut bench = bench_in('P');
    bench.pass_to_ask();
    bench.answer(Verdict::Refused { kind: RefusalKind::Token, text: words.into() }, 0);
    let at = bench.now.wall;
    assert_eq!(
        bench.report().registration,
        RegistrationReport::Failed { at, reason: words.into() }
    );
    bench.pass(days(2));
    assert!(bench.asked.is_none(), "only a new token helps");
}

#[test]
fn a_retry_under_way_prints_no_next_attempt() {
    let mut bench = bench_in('W');
    assert!(matches!(bench.pass_to_ask(), Ask::Register { .. }));
    let report = bench.report().registration;
    assert!(matches!(report, RegistrationReport::Retrying { next_at: None, .. }), "{report:?}");
    assert_eq!(bench.register("T2", false), Err(ConfigError::InProgress));
}

#[test]
fn renew_hastens_the_retry() {
    let mut bench = bench_in('W');
    let failed_at = bench.now.wall;
    bench.pass(seconds(5));
    bench.agent.renew(bench.now);
    bench.drain();
    assert!(matches!(bench.asked, Some((_, callhome::Request { ask: Ask::Register { .. }, .. }))));
    assert_eq!(bench.now.wall, failed_at + seconds(5));
}

#[test]
fn the_first_try_waits_a_moment_and_carries_who_we_are() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T%3D", true).unwrap();
    assert!(bench.asked.is_none());
    assert_eq!(bench.report().registration, RegistrationReport::Pending);
    bench.pass(timing::FIRST_TRY_AFTER);
    let (_, request) = bench.asked.clone().unwrap();
    assert_eq!(request.sent_at, bench.now.wall);
    assert_eq!(request.device.hostname, "FPR4125-1");
    assert_eq!(request.device.agent, "4.6.9_rel/104");
    let ask = Ask::Register { token: "T%3D".into(), force: true, public_key: "key".into() };
    assert_eq!(request.ask, ask);
    bench.grant(0);
    bench.agent.set_privacy(Privacy {
        licensing_hostname: true,
        version: true,
        ..Default::default()
    });
    bench.pass_to_ask();
    let (_, request) = bench.asked.clone().unwrap();
    assert_eq!((request.device.hostname.as_str(), request.device.agent.as_str()), ("", ""));
}

#[test]
fn deregistering_forgets_at_once_and_tells_the_authority_once() {
    for reachable in [true, false] {
        let mut bench = bench_in('R');
        bench.demand(tier());
        bench.pass_to_ask();
        bench.authorize(Compliance::InCompliance, 0);
        assert_eq!(bench.enforced.modes.values().next(), Some(&Mode::Authorized));
        bench.agent.deregister(bench.now).unwrap();
        bench.drain();
        let report = bench.report();
        assert_eq!(report.registration, RegistrationReport::Unregistered);
        assert!(matches!(report.authorization, AuthorizationStatus::Evaluation { .. }));
        assert_eq!(report.licences[0].name, "");
        assert_eq!(bench.enforced.modes.values().next(), Some(&Mode::Evaluation));
        assert!(!bench.enforced.registered && !bench.enforced.export_controlled);
        assert_eq!(bench.pass_to_ask(), Ask::Deregister { instance: "inst-1".into() });
        if reachable {
            bench.answer(Verdict::Deregistered, 0);
        } else {
            bench.lose(ExchangeError::Connect);
        }
        assert!(bench.flash.farewells.is_empty());
        bench.pass(days(3));
        assert!(bench.asked.is_none());
    }
}

#[test]
fn a_new_token_waits_for_the_farewell_of_the_old() {
    let mut bench = bench_in('R');
    bench.agent.deregister(bench.now).unwrap();
    bench.drain();
    bench.register("T2", false).unwrap();
    bench.pass(seconds(10));
    assert!(matches!(
        bench.asked,
        Some((_, callhome::Request { ask: Ask::Deregister { .. }, .. }))
    ));
    bench.answer(Verdict::Deregistered, 0);
    assert!(matches!(bench.pass_to_ask(), Ask::Register { .. }));
}

#[test]
fn a_grant_that_nobody_wants_any_more_is_given_back() {
    let mut bench = bench_in('A');
    bench.pass_to_ask();
    bench.agent.deregister(bench.now).unwrap();
    bench.register("T2", false).unwrap();
    bench.answer(Verdict::Registered(grant_at(bench.now.wall, "unwanted")), 0);
    assert_eq!(letter(&bench), 'P');
    assert_eq!(bench.pass_to_ask(), Ask::Deregister { instance: "unwanted".into() });
    bench.answer(Verdict::Deregistered, 0);
    let Ask::Register { token, .. } = bench.pass_to_ask() else { panic!() };
    assert_eq!(token, "T2");
}

#[test]
fn force_keeps_the_old_registration_until_the_new_one_succeeds() {
    let mut bench = bench_in('R');
    let first = bench.now.wall;
    bench.register("T2", true).unwrap();
    assert_eq!(bench.register("T3", true), Err(ConfigError::InProgress));
    bench.pass(timing::FIRST_TRY_AFTER);
    assert!(matches!(
        &bench.asked,
        Some((_, callhome::Request { ask: Ask::Register { force: true, .. }, .. }))
    ));
    bench.answer(Verdict::Refused { kind: RefusalKind::Token, text: "no".into() }, 0);
    assert_eq!(letter(&bench), 'R');
    let refusal = bench.report().last_refusal.unwrap();
    assert_eq!(
        (refusal.command.as_str(), refusal.error.as_str()),
        ("register idtoken T2 force", "no")
    );

    bench.register("T4", true).unwrap();
    assert!(bench.report().last_refusal.is_none());
    while !matches!(bench.pass_to_ask(), Ask::Register { .. }) {
        bench.authorize(Compliance::InCompliance, 0);
    }
    bench.grant(0);
    let RegistrationReport::Registered { registered_at, .. } = bench.report().registration else {
        panic!()
    };
    assert!(registered_at > first);
    assert_eq!(bench.flash.replacement, None);
}
