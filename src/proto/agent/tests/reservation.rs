//! Licence reservation: every state with every command, what a code must be, and power cuts.

use super::*;
use crate::wire::callhome::{PublicKey, SigningKey};
use crate::wire::reservation::{AuthorizationCode, RequestCode, ReturnCode};

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn trusted() -> [PublicKey; 1] {
    [key().public_key()]
}

/// What an authority answers to the request code that a listing shows.
fn authorization(bench: &Bench) -> String {
    let typed = bench.report().reservation.request_code.expect("a request code is shown");
    AuthorizationCode::sign(&RequestCode::parse(&typed).unwrap(), &key()).to_string()
}

fn letter(bench: &Bench) -> char {
    match &bench.agent.stored.reservation {
        Reservation::Disabled => 'D',
        Reservation::Enabled => 'E',
        Reservation::Requested { .. } => 'Q',
        Reservation::Authorized { .. } => 'A',
        Reservation::Returned { .. } => 'T',
    }
}

fn bench_in(state: char) -> Bench {
    let mut bench = Bench::new(NOON, Stored::default());
    if state != 'D' {
        bench.operate(|agent, now| agent.set_reservation(now, true)).unwrap();
    }
    if "QAT".contains(state) {
        bench.operate(|agent, now| agent.request_reservation(now)).unwrap();
    }
    if "AT".contains(state) {
        let code = authorization(&bench);
        bench.operate(|agent, now| agent.install_reservation(now, &code, &trusted())).unwrap();
    }
    if state == 'T' {
        bench.operate(|agent, now| agent.return_reservation(now)).unwrap();
    }
    assert_eq!(letter(&bench), state);
    bench
}

#[test]
fn every_state_meets_every_command() {
    use ConfigError::*;
    type Step<'a> = &'a dyn Fn(&mut Bench) -> Result<(), ConfigError>;
    let install = |bench: &mut Bench| {
        let requested = bench.report().reservation.in_progress;
        let code = if requested { authorization(bench) } else { "anything".to_owned() };
        bench.operate(|agent, now| agent.install_reservation(now, &code, &trusted()))
    };
    let steps: [(&str, Step); 8] = [
        ("enable", &|b: &mut Bench| b.operate(|agent, now| agent.set_reservation(now, true))),
        ("disable", &|b: &mut Bench| b.operate(|agent, now| agent.set_reservation(now, false))),
        ("request", &|b: &mut Bench| b.operate(|agent, now| agent.request_reservation(now))),
        ("cancel", &|b: &mut Bench| b.operate(|agent, now| agent.cancel_reservation(now))),
        ("install", &install),
        ("return", &|b: &mut Bench| b.operate(|agent, now| agent.return_reservation(now))),
        ("register", &|b: &mut Bench| b.register("T", true)),
        ("deregister", &|b: &mut Bench| b.operate(|agent, now| agent.deregister(now))),
    ];
    // The state afterwards, and why not if it was refused.
    let fine = |state| (state, None);
    let no = |state, error| (state, Some(error));
    let table = [
        (
            'D',
            [
                fine('E'),
                fine('D'),
                no('D', NotReservationMode),
                no('D', NotReservationMode),
                no('D', NotReservationMode),
                no('D', NotReservationMode),
                fine('D'),
                no('D', NotRegistered),
            ],
        ),
        (
            'E',
            [
                fine('E'),
                fine('D'),
                fine('Q'),
                no('E', NoReservationInProgress),
                no('E', NoReservationInProgress),
                no('E', NoAuthorizationInstalled),
                no('E', Reserved),
                no('E', NotRegistered),
            ],
        ),
        (
            'Q',
            [
                fine('Q'),
                no('Q', ReservationInProgress),
                no('Q', ReservationInProgress),
                fine('E'),
                fine('A'),
                no('Q', NoAuthorizationInstalled),
                no('Q', Reserved),
                no('Q', NotRegistered),
            ],
        ),
        (
            'A',
            [
                fine('A'),
                no('A', Reserved),
                no('A', AlreadyRegistered),
                no('A', NoReservationInProgress),
                no('A', AlreadyInstalled),
                fine('T'),
                no('A', Reserved),
                no('A', Reserved),
            ],
        ),
        (
            'T',
            [
                fine('T'),
                fine('D'),
                fine('Q'),
                no('T', NoReservationInProgress),
                no('T', NoReservationInProgress),
                no('T', NoAuthorizationInstalled),
                no('T', Reserved),
                no('T', NotRegistered),
            ],
        ),
    ];
    for (state, row) in table {
        for ((name, step), (after, refused)) in steps.iter().zip(row) {
            let mut bench = bench_in(state);
            let verdict = step(&mut bench);
            assert_eq!(verdict.err(), refused, "{state} on {name}");
            assert_eq!(letter(&bench), after, "{state} on {name}");
            let kept = bench.report().last_refusal.map(|refusal| refusal.error);
            assert_eq!(kept, refused.map(|error| error.device_text().to_owned()), "{name}");
            assert_eq!(bench.flash, *bench.agent.stored(), "{state} on {name} is not in flash");
        }
    }
}

#[test]
fn a_registration_keeps_reservation_from_being_enabled() {
    let enable = |bench: &mut Bench| bench.operate(|agent, now| agent.set_reservation(now, true));
    let mut bench = Bench::registered(NOON, 0);
    assert_eq!(enable(&mut bench), Err(ConfigError::AlreadyRegistered));
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T", false).unwrap();
    assert_eq!(enable(&mut bench), Err(ConfigError::InProgress));
    bench.pass_to_ask();
    bench.lose(ExchangeError::Resolve);
    assert_eq!(enable(&mut bench), Err(ConfigError::InProgress), "a retry is waited for");
    bench.pass_to_ask();
    bench.lose(ExchangeError::Connect);
    assert!(matches!(bench.report().registration, RegistrationReport::Failed { .. }));
    assert_eq!(enable(&mut bench), Ok(()));
    assert_eq!(bench.report().registration, RegistrationReport::Unregistered);
}

/// A grant that comes when the chassis is reserved already: nobody wants it any more.
#[test]
fn a_late_grant_does_not_make_a_reserved_chassis_registered() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T", false).unwrap();
    bench.pass_to_ask();
    bench.operate(|agent, now| agent.deregister(now)).unwrap();
    bench.operate(|agent, now| agent.set_reservation(now, true)).unwrap();
    bench.operate(|agent, now| agent.request_reservation(now)).unwrap();
    let code = authorization(&bench);
    bench.operate(|agent, now| agent.install_reservation(now, &code, &trusted())).unwrap();
    bench.grant(0);
    assert_eq!(
        bench.report().registration,
        RegistrationReport::Reserved { at: NOON.shifted_ms(1000) }
    );
    assert_eq!(bench.pass_to_ask(), Ask::Deregister { instance: "inst-1".into() });
    bench.answer(Verdict::Deregistered, 0);
    bench.pass(days(400));
    assert!(bench.asked.is_none(), "a reservation asks nobody");
    assert_eq!(letter(&bench), 'A');
}

#[test]
fn an_installed_reservation_licenses_all_that_is_asked_for_and_stops_the_evaluation() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.demand(tier());
    bench.pass(days(3));
    let left = bench.report().evaluation_left;
    bench.operate(|agent, now| agent.set_reservation(now, true)).unwrap();
    bench.operate(|agent, now| agent.request_reservation(now)).unwrap();
    assert_eq!(bench.enforced.modes.values().next(), Some(&Mode::Evaluation));
    assert_eq!(bench.report().registration, RegistrationReport::Reserving);
    let code = authorization(&bench);
    bench.operate(|agent, now| agent.install_reservation(now, &code, &trusted())).unwrap();
    assert!(bench.enforced.export_controlled && bench.enforced.registered);

    let mut totals = tier();
    totals.insert(tag(Feature::Context), 240);
    bench.demand(totals);
    let reserved = |mode: &Mode| *mode == Mode::ReservedAuthorized;
    assert_eq!(bench.enforced.modes.len(), 2);
    assert!(bench.enforced.modes.values().all(reserved), "{:?}", bench.enforced.modes);
    bench.pass(days(200));
    assert!(bench.asked.is_none());
    let report = bench.report();
    let on = NOON + days(3);
    assert_eq!(report.authorization, AuthorizationStatus::Reserved { on });
    assert_eq!(report.registration, RegistrationReport::Reserved { at: on });
    assert_eq!(report.evaluation_left, left);
    assert_eq!((report.communication, report.certificate), (None, None));
    assert!(report.licences.iter().all(|one| one.status == LicenceStatus::Reserved));

    bench.operate(|agent, now| agent.return_reservation(now)).unwrap();
    assert!(!bench.enforced.export_controlled && !bench.enforced.registered);
    assert!(bench.enforced.modes.values().all(|mode| *mode == Mode::Evaluation));
    assert_eq!(bench.report().registration, RegistrationReport::Unregistered);
    bench.pass(days(1));
    assert_eq!(bench.report().evaluation_left, left - days(1), "it goes on where it stood");
}

#[test]
fn a_code_is_taken_only_as_it_was_made_for_this_request() {
    let refused = |code: &str, keys: &[PublicKey]| {
        let mut bench = bench_in('Q');
        let verdict = bench.operate(|agent, now| agent.install_reservation(now, code, keys));
        assert_eq!(letter(&bench), 'Q', "{code}");
        let failed = bench.agent.events().last().unwrap();
        assert_eq!(failed.name, "SAEVT_RESERVE_INSTALL_FAIL");
        verdict.unwrap_err()
    };
    // Every bench draws the same secret, so that one's code fits another.
    let good = authorization(&bench_in('Q'));
    let mut bench = bench_in('Q');
    bench.operate(|agent, now| agent.install_reservation(now, &good, &trusted())).unwrap();

    let mistyped = good.replacen(&good[20..21], if &good[20..21] == "7" { "8" } else { "7" }, 1);
    for damaged in ["", "x", &mistyped, &good[..100], &good.replace("VFXAUTH", "VFXRET")] {
        assert_eq!(refused(damaged, &trusted()), ConfigError::CodeUnreadable, "{damaged}");
    }
    let mut other = bench_in('E');
    other.agent.rng = Rng::from_seed(99);
    other.operate(|agent, now| agent.request_reservation(now)).unwrap();
    assert_eq!(refused(&authorization(&other), &trusted()), ConfigError::CodeMismatch);
    assert_eq!(refused(&good, &[]), ConfigError::NoTrustChain);
    let stranger = SigningKey::from_seed(&[8; 32]);
    assert_eq!(refused(&good, &[stranger.public_key()]), ConfigError::CodeInvalid);
    let request = RequestCode::parse(&bench.report().reservation.request_code.unwrap()).unwrap();
    let elsewhere =
        RequestCode { udi: Udi { serial: "JAD87654321".into(), ..request.udi }, ..request };
    let code = AuthorizationCode::sign(&elsewhere, &key()).to_string();
    assert_eq!(refused(&code, &trusted()), ConfigError::CodeInvalid, "another chassis's");
}

#[test]
fn a_code_serves_once() {
    let mut bench = bench_in('A');
    let code = bench.report().reservation.authorization_code.unwrap();
    bench.operate(|agent, now| agent.return_reservation(now)).unwrap();
    let again = |bench: &mut Bench| {
        bench.operate(|agent, now| agent.install_reservation(now, &code, &trusted()))
    };
    assert_eq!(again(&mut bench), Err(ConfigError::NoReservationInProgress));
    bench.operate(|agent, now| agent.request_reservation(now)).unwrap();
    assert_eq!(again(&mut bench), Err(ConfigError::CodeMismatch));
}

#[test]
fn a_return_code_is_kept_until_the_next_and_opens_its_request() {
    let mut bench = bench_in('Q');
    let request = RequestCode::parse(&bench.report().reservation.request_code.unwrap()).unwrap();
    assert_eq!(bench.report().reservation.return_code, None, "no secret is shown before");
    // What is cancelled may have been authorised meanwhile, so it can be given back too.
    bench.operate(|agent, now| agent.cancel_reservation(now)).unwrap();
    let code = bench.report().reservation.return_code.unwrap();
    assert_eq!(ReturnCode::parse(&code).unwrap().commitment(), request.commitment);
    assert_eq!(bench.report().reservation.request_code, None);

    let mut bench = bench_in('T');
    let code = bench.report().reservation.return_code;
    assert!(code.is_some());
    bench.operate(|agent, now| agent.set_reservation(now, false)).unwrap();
    bench.register("T", false).unwrap();
    bench.power_cut();
    assert_eq!(bench.report().reservation.return_code, code, "it outlives all that follows");
    assert!(!bench.report().reservation.enabled);
}

#[test]
fn power_cuts_leave_what_was_shown() {
    for state in ['E', 'Q', 'A', 'T'] {
        let mut bench = bench_in(state);
        bench.demand(tier());
        let before = bench.report().reservation;
        bench.enforced = Enforcement::default();
        bench.power_cut();
        assert_eq!(letter(&bench), state);
        assert_eq!(bench.report().reservation, before);
        let reserved = state == 'A';
        assert_eq!(bench.enforced.registered, reserved);
        assert_eq!(
            bench.enforced.modes.values().all(|mode| *mode == Mode::ReservedAuthorized),
            reserved
        );
    }
}

#[test]
fn flash_of_another_chassis_reserves_nothing_here() {
    for state in ['Q', 'A'] {
        let mut flash = bench_in(state).flash;
        let json = serde_json::to_string(&flash).unwrap();
        assert_eq!(serde_json::from_str::<Stored>(&json).unwrap(), flash);
        match &mut flash.reservation {
            Reservation::Requested { request, .. } | Reservation::Authorized { request, .. } => {
                request.udi.serial = "JAD87654321".into();
            }
            other @ (Reservation::Disabled
            | Reservation::Enabled
            | Reservation::Returned { .. }) => panic!("{other:?}"),
        }
        let bench = Bench::new(NOON, flash);
        assert_eq!(letter(&bench), 'E');
        assert!(!bench.enforced.registered);
        assert!(bench.agent.events().any(|event| event.name == "SAEVT_RESERVE_UDI_MISMATCH"));
    }
}

/// Flash from before there were reservations.
#[test]
fn old_flash_is_read() {
    let mut json = serde_json::to_value(Stored::default()).unwrap();
    json.as_object_mut().unwrap().remove("last_return");
    json["reservation"] = "Enabled".into();
    let stored: Stored = serde_json::from_value(json).unwrap();
    assert_eq!(stored.reservation, Reservation::Enabled);
}

#[test]
fn the_trigger_ends_a_reservation_as_a_return_does() {
    let mut bench = bench_in('A');
    bench.agent.expire_reservation(bench.now);
    bench.drain();
    assert_eq!(letter(&bench), 'T');
    assert!(bench.report().reservation.return_code.is_some());
    let mut bench = bench_in('Q');
    bench.agent.expire_reservation(bench.now);
    assert_eq!(letter(&bench), 'Q', "there is nothing to end");
}
