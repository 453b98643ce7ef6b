//! Answers that are late, repeated, another's, or absurd.

use proptest::prelude::*;

use super::*;
use crate::wire::callhome::RefusalKind;

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

/// One thing that a hostile world does to an agent.
#[derive(Clone, Debug)]
enum Blow {
    /// An answer, to what was asked or to something else.
    Answer {
        right: bool,
        nonce: bool,
        issued_ms: i64,
        verdict: Verdict,
    },
    Lose(u8),
    Pass(u32),
    SetClock(i64),
    Register(bool),
    Deregister,
    Demand(Vec<(u8, u32)>),
    Reserve(u8),
    Trigger(u8),
    PowerCut,
}

/// Any moment, and some at the edges of what can be counted.
fn moment() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        any::<i64>(),
        (NOON.unix_ms() - 4_000_000_000..NOON.unix_ms() + 40_000_000_000),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", (0..3_000usize).prop_map(|len| "\u{1b}x".repeat(len))]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let grant = || {
        (text(), text(), moment(), moment(), any::<bool>(), 0..60_000usize).prop_map(
            |(instance, account, before, after, export_controlled, len)| Grant {
                instance: if len % 2 == 0 { "inst-1".into() } else { instance },
                smart_account: account.clone(),
                virtual_account: account,
                export_controlled,
                not_before: Utc::from_unix_ms(before),
                not_after: Utc::from_unix_ms(after),
                certificate: "c".repeat(len),
            },
        )
    };
    let compliance = prop::sample::select(vec![
        Compliance::InCompliance,
        Compliance::OutOfCompliance,
        Compliance::UnknownTag,
    ]);
    let words =
        prop::collection::vec((0..4u8, any::<u32>(), text(), compliance), 0..8).prop_map(|words| {
            let word = |(feature, count, name, compliance): (u8, u32, String, _)| Word {
                tag: tag(Feature::ALL[usize::from(feature)]),
                name: name.clone(),
                description: name,
                count,
                compliance,
            };
            Verdict::Authorized(words.into_iter().map(word).collect())
        });
    let kind = prop::sample::select(vec![
        RefusalKind::Timestamp,
        RefusalKind::Token,
        RefusalKind::AlreadyRegistered,
        RefusalKind::UnknownInstance,
        RefusalKind::Signature,
        RefusalKind::Malformed,
    ]);
    prop_oneof![
        grant().prop_map(Verdict::Registered),
        grant().prop_map(Verdict::Renewed),
        words,
        Just(Verdict::Deregistered),
        (kind, text()).prop_map(|(kind, text)| Verdict::Refused { kind, text }),
    ]
}

fn blow() -> impl Strategy<Value = Blow> {
    let answer = (prop::bool::weighted(0.9), prop::bool::weighted(0.9), moment(), verdict());
    prop_oneof![
        8 => answer.prop_map(|(right, nonce, issued_ms, verdict)| {
            Blow::Answer { right, nonce, issued_ms, verdict }
        }),
        2 => (0..9u8).prop_map(Blow::Lose),
        4 => (0..200_000u32).prop_map(Blow::Pass),
        1 => moment().prop_map(Blow::SetClock),
        3 => any::<bool>().prop_map(Blow::Register),
        1 => Just(Blow::Deregister),
        2 => prop::collection::vec((0..4u8, 0..3u32), 0..4).prop_map(Blow::Demand),
        2 => (0..6u8).prop_map(Blow::Reserve),
        1 => (0..6u8).prop_map(Blow::Trigger),
        1 => Just(Blow::PowerCut),
    ]
}

/// Every way in which an exchange breaks.
const LOSSES: [ExchangeError; 9] = [
    ExchangeError::Resolve,
    ExchangeError::Connect,
    ExchangeError::Authenticate,
    ExchangeError::Status { status: 503 },
    ExchangeError::Transport,
    ExchangeError::Parse,
    ExchangeError::Signature,
    ExchangeError::Unsigned,
    ExchangeError::SignerExpired,
];

fn strike(bench: &mut Bench, blow: Blow) {
    let now = bench.now;
    match blow {
        Blow::Answer { right, nonce, issued_ms, verdict } => {
            let asked = if right { bench.asked.take() } else { None };
            let (exchange, sent) =
                asked.map_or((ExchangeId(77), 0), |(exchange, request)| (exchange, request.nonce));
            let nonce = if nonce { sent } else { !sent };
            let issued_at = Utc::from_unix_ms(issued_ms);
            bench.event(Event::Answered { exchange, answer: Answer { nonce, issued_at, verdict } });
        }
        Blow::Lose(which) => {
            let exchange = bench.asked.take().map_or(ExchangeId(77), |(exchange, _)| exchange);
            bench.event(Event::Lost { exchange, reason: LOSSES[usize::from(which)] });
        }
        Blow::Pass(time) => bench.pass(seconds(u64::from(time))),
        Blow::SetClock(ms) => bench.set_clock(Utc::from_unix_ms(ms).clamp(Utc::MIN, Utc::MAX)),
        Blow::Register(force) => drop(bench.register("T", force)),
        Blow::Deregister => drop(bench.operate(|agent, now| agent.deregister(now))),
        Blow::Demand(totals) => bench.demand(
            totals
                .into_iter()
                .map(|(n, count)| (tag(Feature::ALL[usize::from(n)]), count))
                .collect(),
        ),
        Blow::Reserve(which) => drop(bench.operate(|agent, now| match which {
            0 => agent.set_reservation(now, true),
            1 => agent.set_reservation(now, false),
            2 => agent.request_reservation(now),
            3 => agent.cancel_reservation(now),
            4 => agent.install_reservation(now, "VFXAUTH-\u{1b}[2J", &[]),
            _ => agent.return_reservation(now),
        })),
        Blow::Trigger(which) => match which {
            0 => bench.agent.renew(now),
            1 => bench.agent.expire_auth(now),
            2 => bench.agent.expire_eval(now),
            3 => bench.agent.expire_id_certificate(now),
            4 => bench.agent.expire_reservation(now),
            _ => bench.event(Event::Due),
        },
        Blow::PowerCut => bench.power_cut(),
    }
    bench.drain();
}

/// Every text of the authority that a listing prints.
fn texts(report: &Report) -> Vec<String> {
    let reason = |attempt: &Option<Attempt>| match attempt {
        Some(Attempt::Failed { reason, .. }) => reason.clone(),
        Some(Attempt::Succeeded { .. }) | None => String::new(),
    };
    let mut texts = match &report.registration {
        RegistrationReport::Failed { reason, .. } | RegistrationReport::Retrying { reason, .. } => {
            vec![reason.clone()]
        }
        RegistrationReport::Registered { smart_account, virtual_account, last_renewal, .. } => {
            vec![smart_account.clone(), virtual_account.clone(), reason(last_renewal)]
        }
        RegistrationReport::Unregistered
        | RegistrationReport::Pending
        | RegistrationReport::Reserving
        | RegistrationReport::Reserved { .. } => Vec::new(),
    };
    texts.extend(report.communication.iter().map(|one| reason(&one.last)));
    texts.extend(report.certificate.iter().map(|one| one.instance.clone()));
    texts
        .extend(report.licences.iter().flat_map(|one| [one.name.clone(), one.description.clone()]));
    texts
}

proptest! {
    #[test]
    fn whatever_comes_the_agent_stays_bounded_and_fit_for_a_terminal(
        blows in prop::collection::vec(blow(), 1..60),
    ) {
        let mut bench = Bench::new(NOON, Stored::default());
        for blow in blows {
            strike(&mut bench, blow);
            let report = bench.report();
            let texts = texts(&report);
            prop_assert!(!texts.iter().any(|text| text.chars().any(char::is_control)), "{texts:?}");
            let typed = report.last_refusal.is_none_or(|refusal| {
                !refusal.command.chars().chain(refusal.error.chars()).any(char::is_control)
            });
            prop_assert!(typed, "a refusal is not fit for a terminal");
            prop_assert_eq!(&bench.flash, bench.agent.stored());
            let size = serde_json::to_string(&bench.flash).unwrap().len();
            prop_assert!(size < 64 * 1024, "{size} bytes of flash");
            prop_assert!(bench.agent.events().count() <= EventLog::LEN_MAX);
            let registered = matches!(report.registration, RegistrationReport::Registered { .. });
            prop_assert!(!(registered && report.reservation.enabled));
            bench.log.clear();
        }
    }
}
