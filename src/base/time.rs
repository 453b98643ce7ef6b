//! Time as a value. Nothing in the machines reads a clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod iso;

/// Monotonic time since power-on. It never goes back; event-loop deadlines are made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

/// Wall time in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// It steps when NTP, an operator or a lab sets it, so a deadline that must survive a reboot or be
/// printed with a date is kept as `Utc` and turned into an [`Instant`] at the last moment, by
/// [`Now::instant_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Utc(i64);

/// One reading of both clocks, taken once a turn of the event loop and passed down by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Drives what no operator sees.
    pub mono: Instant,
    /// Drives everything the device prints or stores.
    pub wall: Utc,
}

impl Now {
    /// Returns when the wall clock will read `deadline`; `self.mono` if it already has.
    pub fn instant_of(self, deadline: Utc) -> Instant {
        Instant(self.mono.0 + deadline.since(self.wall))
    }

    /// Returns this reading as it will be at `due`; unchanged if that has passed.
    pub fn at(self, due: Instant) -> Now {
        self.advanced(due.0.saturating_sub(self.mono.0))
    }

    /// Moves both clocks forward by `step`.
    pub fn advanced(self, step: Duration) -> Now {
        Now { mono: self.mono + step, wall: self.wall + step }
    }

    /// Returns `deadline` as a device prints it: whole seconds now, plus whole seconds left.
    ///
    /// A device keeps a counter of seconds left and adds it to its clock when asked, so what it
    /// prints is the deadline or one second less.
    ///
    /// # Source
    /// Seed, every pair of dates; the public pair X5/X7 prints one timer as :23 and as :24.
    pub fn printed(self, deadline: Utc) -> Utc {
        let left_s = (deadline.0 - self.wall.0).div_euclid(1000);
        Utc((self.wall.0.div_euclid(1000) + left_s) * 1000)
    }
}

impl Instant {
    /// The moment of power-on.
    pub const ZERO: Instant = Instant(Duration::ZERO);

    /// Makes an instant from the time since power-on.
    pub const fn from_elapsed(elapsed: Duration) -> Instant {
        Instant(elapsed)
    }

    /// Returns the time since `earlier`; zero if that lies ahead.
    pub fn since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, step: Duration) -> Instant {
        Instant(self.0.saturating_add(step))
    }
}

/// The parts of a date in the proleptic Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub millisecond: u16,
    /// 0 is Sunday.
    pub weekday: u8,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Civil {
    /// Returns the month's three letters.
    pub fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month).wrapping_sub(1)).unwrap_or(&"???")
    }

    /// Returns the weekday's three letters.
    pub fn weekday_name(self) -> &'static str {
        WEEKDAYS.get(usize::from(self.weekday)).unwrap_or(&"???")
    }
}

impl Utc {
    /// Earliest time a clock can be set to, 1970-01-01.
    pub const MIN: Utc = Utc(0);
    /// Latest time a clock can be set to, 2199-12-31: far from every overflow.
    pub const MAX: Utc = Utc(7_258_118_399_000);

    /// Makes a wall time from whole seconds since the Unix epoch.
    pub const fn from_unix_s(seconds: i64) -> Utc {
        Utc(seconds.saturating_mul(1000))
    }

    /// Makes a wall time from milliseconds since the Unix epoch.
    pub const fn from_unix_ms(milliseconds: i64) -> Utc {
        Utc(milliseconds)
    }

    /// Makes a wall time from a date; parts outside their range carry over.
    pub const fn from_civil(y: i64, month: u8, day: u8, h: u8, m: u8, s: u8) -> Utc {
        let (month, year) = (month as i64, if month <= 2 { y - 1 } else { y });
        let era = year.div_euclid(400);
        let yoe = year - era * 400;
        let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day as i64 - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        Utc((days * 86_400 + h as i64 * 3_600 + m as i64 * 60 + s as i64) * 1000)
    }

    /// Returns whole seconds since the Unix epoch, rounded down.
    pub const fn unix_s(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Returns the time since `earlier`; zero if that lies ahead.
    pub fn since(self, earlier: Utc) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns this time moved by a signed number of milliseconds.
    pub const fn shifted_ms(self, by: i64) -> Utc {
        Utc(self.0.saturating_add(by))
    }

    /// Returns the calendar parts.
    pub fn civil(self) -> Civil {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let part = |value: i64| u8::try_from(value).unwrap_or(0);
        Civil {
            year: yoe + era * 400 + i64::from(month <= 2),
            month: part(month),
            day: part(doy - (153 * mp + 2) / 5 + 1),
            hour: part(ms / 3_600_000),
            minute: part(ms / 60_000 % 60),
            second: part(ms / 1000 % 60),
            millisecond: u16::try_from(ms % 1000).unwrap_or(0),
            weekday: part((days + 4).rem_euclid(7)),
        }
    }

    /// Writes `Aug 07 2020 06:58:46 UTC`, the layout of agent 4.x.
    pub fn agent4(self) -> String {
        let c = self.civil();
        let (name, h, m, s) = (c.month_name(), c.hour, c.minute, c.second);
        format!("{name} {:02} {} {h:02}:{m:02}:{s:02} UTC", c.day, c.year)
    }

    /// Writes `Aug 07 06:58:46 2020 UTC`, the layout of agent 1.x.
    pub fn agent1(self) -> String {
        let c = self.civil();
        let (name, h, m, s) = (c.month_name(), c.hour, c.minute, c.second);
        format!("{name} {:02} {h:02}:{m:02}:{s:02} {} UTC", c.day, c.year)
    }

    /// Writes `Tue Aug  4 09:55:50 UTC 2020`, as `show clock` on the supervisor.
    pub fn clock(self) -> String {
        let c = self.civil();
        let (day, name, h, m, s) = (c.weekday_name(), c.month_name(), c.hour, c.minute, c.second);
        format!("{day} {name} {:>2} {h:02}:{m:02}:{s:02} UTC {}", c.day, c.year)
    }

    /// Writes `2020 Aug  4 07:58:13 UTC`, the date of a line that goes to a log server.
    ///
    /// # Source
    /// Recall of NX-OS and UCS, whose lines have year and zone.
    pub fn syslog(self) -> String {
        let c = self.civil();
        let (name, h, m, s) = (c.month_name(), c.hour, c.minute, c.second);
        format!("{} {name} {:>2} {h:02}:{m:02}:{s:02} UTC", c.year, c.day)
    }

    /// Writes `15:48:33.799 UTC Wed Aug 16 2017`, as `show clock` on an ASA.
    pub fn asa_clock(self) -> String {
        let c = self.civil();
        let (day, name, h, m, s) = (c.weekday_name(), c.month_name(), c.hour, c.minute, c.second);
        format!("{h:02}:{m:02}:{s:02}.{:03} UTC {day} {name} {} {}", c.millisecond, c.day, c.year)
    }

    /// Writes `Tue, 04 Aug 2020 07:58:13 UTC`, as the ASA's `Requested time:`.
    pub fn rfc1123(self) -> String {
        let c = self.civil();
        let (day, name, h, m, s) = (c.weekday_name(), c.month_name(), c.hour, c.minute, c.second);
        format!("{day}, {:02} {name} {} {h:02}:{m:02}:{s:02} UTC", c.day, c.year)
    }

    /// Writes `2021 Jan 29 06:41:52`, as a chassis's messages at its console begin.
    ///
    /// # Source
    /// Client mock of unicon, `fp4k_mgmt_boot.txt`.
    pub fn console(self) -> String {
        let c = self.civil();
        let (name, h, m, s) = (c.month_name(), c.hour, c.minute, c.second);
        format!("{} {name} {:02} {h:02}:{m:02}:{s:02}", c.year, c.day)
    }

    /// Writes `2020-08-07T06:58:46Z`, the lab's own layout.
    pub fn iso(self) -> String {
        let c = self.civil();
        let (y, mo, d) = (c.year, c.month, c.day);
        format!("{y:04}-{mo:02}-{d:02}T{:02}:{:02}:{:02}Z", c.hour, c.minute, c.second)
    }

    /// Parses the lab's own layout: `2020-08-07`, or that with `T06:58:46` or ` 06:58:46`,
    /// seconds optional, `Z` optional. `None` for anything else and for dates outside
    /// [`Utc::MIN`]..=[`Utc::MAX`].
    pub fn parse_iso(text: &str) -> Option<Utc> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
        let mut date = date.splitn(3, '-').map(|part| part.parse::<u16>().ok());
        let (y, mo, d) = (date.next()??, date.next()??, date.next()??);
        let mut clock = clock.splitn(3, ':').map(|part| part.parse::<u8>().ok());
        let (h, mi) = (clock.next()??, clock.next()??);
        let s = clock.next().unwrap_or(Some(0))?;
        let (month, day) = (u8::try_from(mo).ok()?, u8::try_from(d).ok()?);
        let utc = Utc::from_civil(i64::from(y), month, day, h, mi, s);
        let c = utc.civil();
        let same = (c.year, c.month, c.day, c.hour, c.minute, c.second)
            == (i64::from(y), month, day, h, mi, s);
        (same && (Utc::MIN..=Utc::MAX).contains(&utc)).then_some(utc)
    }
}

impl Add<Duration> for Utc {
    type Output = Utc;
    fn add(self, step: Duration) -> Utc {
        Utc(self.0.saturating_add(i64::try_from(step.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Utc {
    type Output = Utc;
    fn sub(self, step: Duration) -> Utc {
        Utc(self.0.saturating_sub(i64::try_from(step.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.agent4())
    }
}

/// Whole days as a duration.
pub const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

/// Parses `90s`, `15m`, `12h`, `31d`, `250ms`, or sums of them such as `1d12h`; a bare number is
/// seconds. `None` for anything else and for more than 100 years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const MAX: Duration = days(36_525);
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds)).filter(|d| *d <= MAX);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let value: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let step_ms = match rest.get(..unit)? {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(value.checked_mul(step_ms)?))?;
        rest = rest.get(unit..)?;
    }
    (!text.is_empty() && total <= MAX).then_some(total)
}

#[cfg(test)]
mod tests;
