use std::time::Duration;

use super::*;

const SAMPLE: Utc = Utc::from_civil(2020, 8, 4, 7, 58, 13);

#[test]
fn every_layout_prints_the_seed_s_dates() {
    assert_eq!(SAMPLE.agent4(), "Aug 04 2020 07:58:13 UTC");
    assert_eq!(SAMPLE.agent1(), "Aug 04 07:58:13 2020 UTC");
    assert_eq!(SAMPLE.rfc1123(), "Tue, 04 Aug 2020 07:58:13 UTC");
    assert_eq!(SAMPLE.clock(), "Tue Aug  4 07:58:13 UTC 2020");
    assert_eq!(SAMPLE.iso(), "2020-08-04T07:58:13Z");
    let asa = Utc::from_civil(2017, 8, 16, 15, 48, 33).shifted_ms(799);
    assert_eq!(asa.asa_clock(), "15:48:33.799 UTC Wed Aug 16 2017");
}

#[test]
fn civil_and_back_is_the_identity_over_two_centuries() {
    let mut at = Utc::MIN;
    while at < Utc::MAX {
        let c = at.civil();
        let back = Utc::from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second);
        assert_eq!(back, at);
        at = at + Duration::from_secs(86_400 * 3 + 7 * 3_600 + 11);
    }
}

#[test]
fn a_printed_deadline_loses_a_second_when_its_fraction_is_the_larger() {
    let now = |ms| Now { mono: Instant::ZERO, wall: SAMPLE.shifted_ms(ms) };
    let deadline = SAMPLE.shifted_ms(100_500);
    assert_eq!(now(500).printed(deadline), SAMPLE + Duration::from_secs(100));
    assert_eq!(now(499).printed(deadline), SAMPLE + Duration::from_secs(100));
    assert_eq!(now(501).printed(deadline), SAMPLE + Duration::from_secs(99));
}

#[test]
fn dates_are_parsed_strictly() {
    assert_eq!(Utc::parse_iso("2020-08-04T07:58:13Z"), Some(SAMPLE));
    assert_eq!(Utc::parse_iso("2020-08-04 07:58:13"), Some(SAMPLE));
    assert_eq!(Utc::parse_iso("2020-08-04"), Some(Utc::from_civil(2020, 8, 4, 0, 0, 0)));
    for bad in ["", "2020", "2020-13-01", "2021-02-29", "1969-12-31", "2020-08-04T24:00", "x-y-z"] {
        assert_eq!(Utc::parse_iso(bad), None, "{bad}");
    }
}

#[test]
fn durations_are_parsed_strictly() {
    assert_eq!(parse_duration("31d"), Some(days(31)));
    assert_eq!(parse_duration("1d12h"), Some(days(1) + Duration::from_secs(43_200)));
    assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
    assert_eq!(parse_duration("90"), Some(Duration::from_secs(90)));
    for bad in ["", "d", "3w", "1d2", "-1s", "99999999d", "1 d"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
}
