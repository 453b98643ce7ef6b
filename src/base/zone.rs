//! Time zones: their names, where they are, and the rule of today by which their clocks run.
//!
//! `zones.tsv` is the tz database 2025b (public domain): `zone.tab` and `iso3166.tab`, with the POSIX
//! rule at the end of each compiled zone. Rules of former years are not kept.

use crate::base::time::Utc;

const TABLE: &str = include_str!("zones.tsv");

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// `Europe`, `Americas`, `Indian Ocean`.
    pub continent: &'static str,
    pub country: &'static str,
    /// `Europe/Brussels`.
    pub name: &'static str,
    /// `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub rule: &'static str,
    /// What tells zones of one country apart; may be empty.
    pub comment: &'static str,
}

/// What a clock shows somewhere: how far it is ahead of UTC, and the zone's letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub ahead_s: i64,
    pub letters: &'static str,
}

/// Returns every zone, by country as the tz database has them.
pub fn zones() -> impl Iterator<Item = Zone> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let (continent, country, name) = (cells.next()?, cells.next()?, cells.next()?);
        let (rule, comment) = (cells.next()?, cells.next()?);
        Some(Zone { continent, country, name, rule, comment })
    })
}

/// Returns the zone of a name.
pub fn find(name: &str) -> Option<Zone> {
    zones().find(|zone| zone.name == name)
}

impl Zone {
    /// Writes `Tue Aug  4 11:55:50 CEST 2020`, as [`Utc::clock`] with the hour and letters there.
    pub fn clock(&self, at: Utc) -> String {
        let local = self.local(at);
        at.shifted_ms(local.ahead_s * 1000).clock().replace("UTC", local.letters)
    }

    /// Returns what a clock there shows at a moment.
    ///
    /// # Source
    /// POSIX.1, the environment variable TZ; offsets count west of Greenwich.
    pub fn local(&self, at: Utc) -> Local {
        let utc = Local { ahead_s: 0, letters: "UTC" };
        read(self.rule, at).unwrap_or(utc)
    }
}

fn read(rule: &'static str, at: Utc) -> Option<Local> {
    let (zone, changes) = rule.split_once(',').map_or((rule, None), |(z, c)| (z, Some(c)));
    let (letters, rest) = letters(zone)?;
    let (west_s, rest) = span(rest)?;
    let standard = Local { ahead_s: -west_s, letters };
    let Some(changes) = changes else { return Some(standard) };
    let (letters, rest) = self::letters(rest)?;
    let ahead_s = span(rest).map_or(standard.ahead_s + 3600, |(west_s, _)| -west_s);
    let summer = Local { ahead_s, letters };
    let (begin, end) = changes.split_once(',')?;
    let unix_s = at.unix_s();
    // The year by the clock there; a change lies months from its turn.
    let year = Utc::from_unix_s(unix_s + standard.ahead_s).civil().year;
    let begin = change(begin, year)? - standard.ahead_s;
    let end = change(end, year)? - summer.ahead_s;
    let is_summer =
        if begin < end { (begin..end).contains(&unix_s) } else { !(end..begin).contains(&unix_s) };
    Some(if is_summer { summer } else { standard })
}

/// Splits off the letters: `CET`, or `<+04>` without its brackets.
fn letters(text: &'static str) -> Option<(&'static str, &'static str)> {
    match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>'),
        None => {
            let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
            (end > 0).then(|| text.split_at(end))
        }
    }
}

/// Splits off `[-]H[:MM]` and returns it in seconds.
fn span(text: &str) -> Option<(i64, &str)> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    Some((sign * seconds, rest))
}

/// Returns when a change falls in a year, by the clock before it: `M3.5.0/3`, the last Sunday of
/// March at three; at two without a time.
fn change(text: &str, year: i64) -> Option<i64> {
    let (day, time) = text.split_once('/').map_or((text, "2"), |(day, time)| (day, time));
    let mut parts = day.strip_prefix('M')?.split('.').map(str::parse::<u8>);
    let (month, week, weekday) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let first = Utc::from_civil(year, month, 1, 0, 0, 0);
    let ahead = (i64::from(weekday) - i64::from(first.civil().weekday)).rem_euclid(7);
    let mut of_month = ahead + 7 * (i64::from(week) - 1);
    let days = Utc::from_civil(year, month + 1, 1, 0, 0, 0).unix_s() - first.unix_s();
    while of_month >= days / 86_400 {
        of_month -= 7;
    }
    Some(first.unix_s() + of_month * 86_400 + span(time)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, y: i64, month: u8, day: u8, h: u8, m: u8) -> (i64, &'static str) {
        let local = find(name).unwrap().local(Utc::from_civil(y, month, day, h, m, 0));
        (local.ahead_s, local.letters)
    }

    /// Moments at both sides of changes, as `TZ=... date` of a Linux host prints them.
    #[test]
    fn clocks_change_when_they_do() {
        assert_eq!(at("Europe/Brussels", 2020, 3, 29, 0, 59), (3600, "CET"));
        assert_eq!(at("Europe/Brussels", 2020, 3, 29, 1, 0), (7200, "CEST"));
        assert_eq!(at("Europe/Brussels", 2020, 10, 25, 0, 59), (7200, "CEST"));
        assert_eq!(at("Europe/Brussels", 2020, 10, 25, 1, 0), (3600, "CET"));
        assert_eq!(at("America/Los_Angeles", 2020, 3, 8, 9, 59), (-28_800, "PST"));
        assert_eq!(at("America/Los_Angeles", 2020, 3, 8, 10, 0), (-25_200, "PDT"));
        // South of the equator summer lies over the turn of the year.
        assert_eq!(at("Australia/Sydney", 2020, 1, 1, 0, 0), (39_600, "AEDT"));
        assert_eq!(at("Australia/Sydney", 2020, 4, 4, 15, 59), (39_600, "AEDT"));
        assert_eq!(at("Australia/Sydney", 2020, 4, 4, 16, 0), (36_000, "AEST"));
        assert_eq!(at("Asia/Dubai", 2020, 7, 1, 0, 0), (14_400, "+04"));
        assert_eq!(at("Asia/Kathmandu", 2020, 7, 1, 0, 0), (20_700, "+0545"));
        assert_eq!(at("America/Nuuk", 2024, 7, 1, 0, 0), (-3600, "-01"));
        let brussels = find("Europe/Brussels").unwrap();
        let midnight = Utc::from_civil(2020, 8, 3, 22, 0, 0);
        assert_eq!(brussels.clock(midnight), "Tue Aug  4 00:00:00 CEST 2020");
        // Winter is the exception in Ireland.
        assert_eq!(at("Europe/Dublin", 2020, 1, 1, 0, 0), (0, "GMT"));
        assert_eq!(at("Europe/Dublin", 2020, 7, 1, 0, 0), (3600, "IST"));
    }

    #[test]
    fn every_row_of_the_table_can_be_read() {
        assert_eq!(zones().count(), TABLE.lines().count());
        for zone in zones() {
            for month in 1..=12 {
                let at = Utc::from_civil(2026, month, 15, 12, 0, 0);
                assert!(read(zone.rule, at).is_some(), "{} {}", zone.name, zone.rule);
            }
        }
    }
}
