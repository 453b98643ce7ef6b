//! Power cuts: what was under way is asked again, and what was told stays told.

use super::*;

#[test]
fn a_registration_under_way_is_asked_again() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.register("T", false).unwrap();
    let before = bench.pass_to_ask();
    bench.power_cut();
    assert_eq!(bench.report().registration, RegistrationReport::Pending);
    assert_eq!(bench.pass_to_ask(), before);
    bench.lose(ExchangeError::Resolve);
    let reported = bench.report().registration;
    bench.power_cut();
    assert_eq!(bench.report().registration, reported);
}

#[test]
fn a_farewell_under_way_is_asked_again() {
    let mut bench = Bench::registered(NOON, 0);
    bench.agent.deregister(bench.now).unwrap();
    bench.drain();
    let before = bench.pass_to_ask();
    bench.power_cut();
    assert_eq!(bench.pass_to_ask(), before);
}

#[test]
fn entitlements_keep_their_mode_and_are_asked_for_again() {
    let mut bench = Bench::registered(NOON, 0);
    bench.demand(tier());
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    bench.pass(days(1));
    assert!(bench.asked.is_none());
    bench.enforced = Enforcement::default();
    bench.power_cut();
    assert_eq!(bench.enforced.modes[&tag(Feature::Tier)], Mode::Authorized);
    assert!(bench.enforced.registered && bench.enforced.export_controlled);
    let back = bench.now.wall;
    bench.demand(tier());
    bench.pass_to_ask();
    assert_eq!(bench.now.wall, back + timing::HOLD_OFF);
}

#[test]
fn time_without_power_is_no_evaluation() {
    let mut bench = Bench::new(NOON, Stored::default());
    bench.demand(tier());
    bench.pass(days(2) + seconds(700));
    let left = bench.report().evaluation_left;
    bench.now = bench.now.advanced(days(100));
    bench.power_cut();
    // At most one step is given back.
    let given = bench.report().evaluation_left - left;
    assert!(given < timing::EVALUATION_STEP, "{given:?}");
}

#[test]
fn a_long_sleep_meets_all_that_was_missed() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    bench.now = bench.now.advanced(days(200));
    bench.power_cut();
    assert!(matches!(bench.pass_to_ask(), Ask::Renew { .. }));
    bench.grant(0);
    assert!(matches!(bench.pass_to_ask(), Ask::Authorize { .. }));
    let report = bench.report();
    assert!(matches!(report.authorization, AuthorizationStatus::Expired { .. }));
    bench.authorize(Compliance::InCompliance, 0);
    assert!(matches!(bench.report().authorization, AuthorizationStatus::Authorized { .. }));
}

#[test]
fn what_is_kept_reads_back() {
    let mut bench = Bench::registered(NOON, 0);
    bench.demand(tier());
    bench.pass_to_ask();
    bench.authorize(Compliance::OutOfCompliance, 0);
    let text = serde_json::to_string(&bench.flash).unwrap();
    let back: Stored = serde_json::from_str(&text).unwrap();
    assert_eq!(back, bench.flash);
}

#[test]
fn an_idle_agent_writes_nothing() {
    let mut bench = Bench::registered(NOON, 0);
    bench.pass_to_ask();
    bench.authorize(Compliance::InCompliance, 0);
    let before = bench.persists;
    bench.pass(days(29));
    assert_eq!(bench.persists, before);
}
