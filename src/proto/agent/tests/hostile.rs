//! Answers that are late, repeated, another's, or absurd.

use super::*;

#[test]
fn late_and_repeated_answers_change_nothing() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    let (exchange, request) = bench.asked.clone().unwrap();
    bench.authorize(Compliance::InCompliance, 0);
    let before = bench.agent.stored().clone();
    let answer = Answer {
        nonce: request.nonce,
        issued_at: bench.now.wall,
        verdict: Verdict::Authorized(Vec::new()),
    };
    bench.event(Event::Answered { exchange, answer });
    bench.event(Event::Lost { exchange, reason: ExchangeError::Connect });
    assert_eq!(*bench.agent.stored(), before);
}

#[test]
fn an_answer_to_another_request_is_a_signature_that_does_not_match() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    let (exchange, request) = bench.asked.take().unwrap();
    let answer = Answer {
        nonce: request.nonce ^ 1,
        issued_at: bench.now.wall,
        verdict: Verdict::Authorized(Vec::new()),
    };
    bench.event(Event::Answered { exchange, answer });
    let last = bench.report().communication.unwrap().last;
    let reason = SIGNATURE_TEXT.to_owned();
    assert_eq!(last, Some(Attempt::Failed { at: bench.now.wall, reason }));
}

#[test]
fn a_verdict_on_something_else_does_not_parse() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    bench.answer(Verdict::Registered(grant_at(NOON, "other")), 0);
    let last = bench.report().communication.unwrap().last;
    assert!(matches!(last, Some(Attempt::Failed { reason, .. }) if reason.starts_with("Parsing")));
}

#[test]
fn texts_of_the_authority_are_fit_for_a_terminal() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T", false).unwrap();
    bench.pass_to_ask();
    let text = format!("no\r\n\u{1b}[2J{}", "x".repeat(10_000));
    bench.answer(Verdict::Refused { kind: callhome::RefusalKind::Token, text }, 0);
    let RegistrationReport::Failed { reason, .. } = bench.report().registration else { panic!() };
    assert!(reason.chars().count() <= 1_024 && !reason.chars().any(char::is_control));
}

#[test]
fn absurd_dates_neither_panic_nor_spin() {
    for (before, after, issued) in [
        (i64::MIN, i64::MAX, i64::MAX),
        (i64::MAX, i64::MIN, i64::MIN),
        (0, 0, 0),
        (i64::MAX, i64::MAX, 0),
    ] {
        let mut bench = Bench::new(NOON, Stored::default());
        bench.register("T", false).unwrap();
        bench.pass_to_ask();
        let mut grant = grant_at(NOON, &"i".repeat(100_000));
        grant.not_before = Utc::from_unix_ms(before);
        grant.not_after = Utc::from_unix_ms(after);
        grant.certificate = "c".repeat(1_000_000);
        let (exchange, request) = bench.asked.take().unwrap();
        let issued_at = Utc::from_unix_ms(issued);
        let verdict = Verdict::Registered(grant);
        let answer = Answer { nonce: request.nonce, issued_at, verdict };
        bench.event(Event::Answered { exchange, answer });
        bench.report();
        bench.set_clock(Utc::MAX);
        bench.set_clock(Utc::MIN);
        bench.pass(days(2));
        bench.report();
        assert!(serde_json::to_string(&bench.flash).unwrap().len() < 8_192);
    }
}

#[test]
fn more_tags_than_a_table_holds_are_dropped() {
    let mut bench = Bench::registered(NOON, 0);
    let totals = (0..1_000)
        .map(|n| (Tag::parse(&format!("regid.2020-01.org.vfxos.T{n},1.0_x")).unwrap(), 1))
        .collect();
    bench.demand(totals);
    assert_eq!(bench.enforced.modes.len(), Agent::TAGS_MAX);
}

#[test]
fn an_answer_that_forgets_an_entitlement_does_not_authorise_it() {
    let mut bench = Bench::registered(NOON, 0);
    bench.demand(tier());
    bench.pass_to_ask();
    bench.answer(Verdict::Authorized(Vec::new()), 0);
    assert_eq!(bench.enforced.modes[&tag(Feature::Tier)], Mode::NotAuthorized);
}

#[test]
fn an_edge_that_never_answers_is_not_waited_for() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    let asked_at = bench.now.wall;
    let (exchange, _) = bench.asked.take().unwrap();
    bench.pass(timing::EXCHANGE_DEADLINE);
    let last = bench.report().communication.unwrap().last;
    let reason = "HTTP transport failed".to_owned();
    assert_eq!(last, Some(Attempt::Failed { at: asked_at + timing::EXCHANGE_DEADLINE, reason }));
    let before = bench.agent.stored().clone();
    bench.event(Event::Lost { exchange, reason: ExchangeError::Connect });
    assert_eq!(*bench.agent.stored(), before);
}

#[test]
fn the_event_log_and_the_lines_are_bounded() {
    let mut bench = Bench::new(NOON, Stored::default());
    for _ in 0..1_000 {
        let _ = bench.agent.deregister(bench.now);
    }
    assert_eq!(bench.agent.events().count(), EventLog::LEN_MAX);
    assert!(bench.agent.lines.len() <= Agent::LINES_MAX);
}
