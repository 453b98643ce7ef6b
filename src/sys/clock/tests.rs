//! Arithmetic of the lab's clock. Real time passes while these run, so they compare with bounds
//! that no delay of the host can break.

use super::*;
use crate::base::time::days;

const START: Utc = Utc::from_civil(2020, 8, 4, 7, 58, 13);

#[test]
fn advancing_moves_both_clocks_alike() {
    let clock = LabClock::new(Some(START));
    let before = clock.now();
    let after = clock.advance(days(91)).unwrap();
    assert!(after.mono.since(before.mono) >= days(91));
    assert!(after.wall >= before.wall + days(91));
    let skewed_apart = after.mono.since(before.mono).abs_diff(after.wall.since(before.wall));
    assert!(skewed_apart <= Duration::from_millis(1), "{skewed_apart:?}");
}

#[test]
fn setting_moves_the_date_alone() {
    let clock = LabClock::new(Some(START));
    let before = clock.advance(days(5)).unwrap();
    let back = Utc::from_civil(2019, 1, 1, 0, 0, 0);
    let after = clock.set(back).unwrap();
    assert_eq!(after.wall, back);
    assert!(after.mono >= before.mono);
    assert!(after.mono.since(before.mono) < days(1));
}

#[test]
fn a_rate_changes_what_passes_from_now_on() {
    let clock = LabClock::new(Some(START));
    let deadline = clock.now().mono + days(1);
    assert!(clock.next_real_wait(deadline) > Duration::from_secs(80_000));
    clock.set_rate(RATE_MAX).unwrap();
    assert!(clock.next_real_wait(deadline) <= Duration::from_secs(1));
    assert_eq!(clock.rate(), RATE_MAX);
    assert!(clock.now().wall >= START);
}

#[test]
fn a_wait_ends_after_its_deadline_never_before() {
    let clock = LabClock::new(Some(START));
    let deadline = Instant::ZERO + Duration::from_nanos(1);
    clock.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(clock.next_real_wait(deadline), Duration::ZERO);
    clock.set_rate(7).unwrap();
    let far = clock.now().mono + days(7);
    assert!(clock.next_real_wait(far) * 7 >= far.since(clock.now().mono));
}

#[test]
fn what_no_device_can_show_is_refused_and_changes_nothing() {
    let clock = LabClock::new(Some(START));
    assert_eq!(clock.set(Utc::from_unix_ms(-1)), Err(ClockError::Range));
    assert_eq!(clock.advance(days(200 * 366)), Err(ClockError::Range));
    assert_eq!(clock.set_rate(0), Err(ClockError::Rate));
    assert_eq!(clock.set_rate(RATE_MAX + 1), Err(ClockError::Rate));
    assert!(clock.now().wall.since(START) < days(1));
}

#[test]
fn a_chassis_is_off_by_its_skew() {
    let lab = LabClock::new(Some(START));
    let chassis = lab.for_chassis(-62_000);
    assert!(chassis.now().wall < lab.now().wall);
    chassis.set(Utc::from_civil(2016, 1, 20, 22, 35, 21));
    assert_eq!(chassis.now().wall.civil().year, 2016);
    assert_eq!(lab.now().wall.civil().year, 2020);
    let other = chassis.clone();
    other.set_skew_ms(0);
    assert_eq!(chassis.skew_ms(), 0);
    chassis.set_skew_ms(i64::MIN);
    assert_eq!(chassis.now().wall, Utc::MIN);
}

#[tokio::test]
async fn a_sleeper_wakes_when_the_clock_is_advanced_past_its_deadline() {
    let clock = LabClock::new(Some(START));
    let deadline = clock.now().mono + days(30);
    let sleeper = clock.sleep_until(Some(deadline));
    tokio::pin!(sleeper);
    tokio::select! {
        biased;
        () = &mut sleeper => panic!("woke 30 days early"),
        () = std::future::ready(()) => {}
    }
    clock.advance(days(31)).unwrap();
    sleeper.await;
    assert!(clock.now().mono >= deadline);
}

#[test]
fn a_clock_goes_on_where_it_stood() {
    let clock = LabClock::new(Some(Utc::from_civil(2030, 1, 2, 3, 4, 5)));
    clock.set_rate(60).unwrap();
    clock.advance(Duration::from_secs(86_400)).unwrap();
    let course = clock.course();
    let again = LabClock::resumed(course);
    assert_eq!(again.rate(), 60);
    let apart = again.now().wall.since(course.wall);
    assert!(apart < Duration::from_secs(3600), "{apart:?}");

    // An hour with the lab switched off is an hour, however fast it ran.
    let earlier = Course { host: course.host.shifted_ms(-3_600_000), ..course };
    let apart = LabClock::resumed(earlier).now().wall.since(course.wall);
    assert!((3600..7200).contains(&apart.as_secs()), "{apart:?}");

    // A host that was set back does not take the lab with it; no date is out of range.
    let later = Course { host: course.host.shifted_ms(86_400_000), ..course };
    assert!(LabClock::resumed(later).now().wall >= course.wall);
    let last = Course { host: Utc::MIN, wall: Utc::MAX, rate: 0 };
    let clock = LabClock::resumed(last);
    assert!(clock.now().wall >= Utc::MAX);
    assert_eq!(clock.rate(), 1);
}
