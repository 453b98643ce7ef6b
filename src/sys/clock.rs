//! The lab's clock: real time that a learner can advance, set and speed up.
//!
//! Monotonic time is what has passed since the start, each real second counted `rate` times, plus
//! every advance. Wall time is monotonic time plus an offset, so that both always move alike and
//! setting the date moves the offset alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::watch;

use crate::base::time::{Instant, Now, Utc};

#[cfg(test)]
mod tests;

/// Highest rate: a day in a second.
pub const RATE_MAX: u32 = 86_400;

/// Why the clock could not be moved.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClockError {
    #[error("a clock rate is 1 to {RATE_MAX}")]
    Rate,
    #[error("the clock can't go beyond {}", Utc::MAX.iso())]
    Range,
}

/// How a lab's clock stood against the host's at one moment: enough to go on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// The host's date.
    pub host: Utc,
    /// What the lab's clock showed then.
    pub wall: Utc,
    /// Lab seconds in a real second.
    pub rate: u32,
}

/// A handle to the one clock of a lab; clones share it.
#[derive(Clone, Debug)]
pub struct LabClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Counts what was done to the clock, so that sleepers work out their wait anew.
    moved: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Since the machine's own start; `mono` is the lab's time at that reading.
    real: Duration,
    mono: Duration,
    rate: u32,
    /// Wall time at monotonic zero, in Unix milliseconds.
    offset_ms: i64,
}

impl State {
    fn mono_at(&self, real: Duration) -> Duration {
        let passed = real.saturating_sub(self.real);
        self.mono.saturating_add(passed.saturating_mul(self.rate))
    }
}

impl LabClock {
    /// Makes a clock that begins at `wall`, or at the host's date.
    pub fn new(wall: Option<Utc>) -> LabClock {
        let offset_ms = wall.unwrap_or_else(host_date).unix_ms();
        let state = State { real: host_uptime(), mono: Duration::ZERO, rate: 1, offset_ms };
        LabClock(Arc::new(Shared { state: Mutex::new(state), moved: watch::Sender::new(0) }))
    }

    /// Makes a clock that goes on where another stood. What has passed at the host since then has
    /// passed in the lab as well, at its own speed: a lab that is switched off is not sped up.
    pub fn resumed(course: Course) -> LabClock {
        let passed = host_date().since(course.host);
        let clock = LabClock::new(Some((course.wall + passed).clamp(Utc::MIN, Utc::MAX)));
        clock.0.state.lock().rate = course.rate.clamp(1, RATE_MAX);
        clock
    }

    /// Returns how it stands against the host's date now.
    pub fn course(&self) -> Course {
        Course { host: host_date(), wall: self.now().wall, rate: self.rate() }
    }

    /// Reads both clocks at once.
    pub fn now(&self) -> Now {
        let state = *self.0.state.lock();
        reading(&state, host_uptime())
    }

    /// Returns the rate: lab seconds in a real second.
    pub fn rate(&self) -> u32 {
        self.0.state.lock().rate
    }

    /// Moves both clocks forward.
    ///
    /// What falls due in between is seen by a machine at its own time only if its caller steps it
    /// there: advance to the earliest deadline, let everything settle, and go on.
    ///
    /// # Errors
    /// [`ClockError::Range`] past the last date a device can show.
    pub fn advance(&self, by: Duration) -> Result<Now, ClockError> {
        self.change(|state| {
            state.mono = state.mono.saturating_add(by);
            let end = reading(state, state.real).wall;
            if end > Utc::MAX { Err(ClockError::Range) } else { Ok(()) }
        })
    }

    /// Sets the date; monotonic time goes on as before.
    ///
    /// # Errors
    /// [`ClockError::Range`] outside [`Utc::MIN`]..=[`Utc::MAX`].
    pub fn set(&self, wall: Utc) -> Result<Now, ClockError> {
        self.change(|state| {
            if !(Utc::MIN..=Utc::MAX).contains(&wall) {
                return Err(ClockError::Range);
            }
            state.offset_ms = wall.unix_ms().saturating_sub(whole_ms(state.mono));
            Ok(())
        })
    }

    /// Sets how many lab seconds pass in a real one, 1 to [`RATE_MAX`].
    ///
    /// # Errors
    /// [`ClockError::Rate`].
    pub fn set_rate(&self, rate: u32) -> Result<Now, ClockError> {
        self.change(|state| {
            if !(1..=RATE_MAX).contains(&rate) {
                return Err(ClockError::Rate);
            }
            state.rate = rate;
            Ok(())
        })
    }

    /// Returns how long to wait in real time for `deadline`; zero if it has passed.
    ///
    /// Rounded up, so that whoever waits this long finds the deadline passed.
    pub fn next_real_wait(&self, deadline: Instant) -> Duration {
        let state = *self.0.state.lock();
        let left = deadline.since(reading(&state, host_uptime()).mono);
        let nanoseconds = left.as_nanos().div_ceil(u128::from(state.rate));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Waits until the lab's clock has passed `deadline`, whatever is done to it meanwhile;
    /// forever for `None`.
    pub async fn sleep_until(&self, deadline: Option<Instant>) {
        let mut moved = self.0.moved.subscribe();
        loop {
            let wait = deadline.map(|deadline| self.next_real_wait(deadline));
            match wait {
                Some(Duration::ZERO) => return,
                Some(wait) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    _ = moved.changed() => {}
                },
                None => std::future::pending().await,
            }
        }
    }

    /// Returns a receiver that changes whenever the clock was advanced, set or sped up.
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }

    /// Makes the clock of one chassis, which is `skew_ms` ahead of the lab's.
    pub fn for_chassis(&self, skew_ms: i64) -> ChassisClock {
        ChassisClock { lab: self.clone(), skew_ms: Arc::new(AtomicI64::new(skew_ms)) }
    }

    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), ClockError>,
    ) -> Result<Now, ClockError> {
        let mut state = self.0.state.lock();
        let real = host_uptime();
        let mut next = State { real, mono: state.mono_at(real), ..*state };
        change(&mut next)?;
        *state = next;
        drop(state);
        self.0.moved.send_modify(|count| *count += 1);
        Ok(reading(&next, real))
    }
}

/// The clock of one chassis: the lab's, off by a skew that NTP or an operator changes. Clones
/// share the skew.
#[derive(Clone, Debug)]
pub struct ChassisClock {
    lab: LabClock,
    skew_ms: Arc<AtomicI64>,
}

impl ChassisClock {
    /// Reads both clocks at once; the date stays within what a device can show.
    pub fn now(&self) -> Now {
        let Now { mono, wall } = self.lab.now();
        Now { mono, wall: wall.shifted_ms(self.skew_ms()).clamp(Utc::MIN, Utc::MAX) }
    }

    /// Reads the date in nanoseconds since 1970, for what is finer than a millisecond.
    pub fn wall_ns(&self) -> u64 {
        let state = *self.lab.0.state.lock();
        let mono = i128::try_from(state.mono_at(host_uptime()).as_nanos()).unwrap_or(i128::MAX);
        let offset = i128::from(state.offset_ms.saturating_add(self.skew_ms()));
        u64::try_from(offset.saturating_mul(1_000_000).saturating_add(mono)).unwrap_or(0)
    }

    /// Returns how far this clock is ahead of the lab's, in milliseconds.
    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }

    /// Sets how far this clock is ahead of the lab's, in milliseconds.
    pub fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
        self.lab.0.moved.send_modify(|count| *count += 1);
    }

    /// Sets this clock's date, as NTP or an operator of the chassis does.
    pub fn set(&self, wall: Utc) {
        self.set_skew_ms(wall.unix_ms().saturating_sub(self.lab.now().wall.unix_ms()));
    }

    /// Returns how it stands against the host's date now.
    pub fn course(&self) -> Course {
        Course { host: host_date(), wall: self.now().wall, rate: self.lab.rate() }
    }

    /// Returns the lab's clock.
    pub fn lab(&self) -> &LabClock {
        &self.lab
    }
}

fn reading(state: &State, real: Duration) -> Now {
    let mono = state.mono_at(real);
    let wall = Utc::from_unix_ms(state.offset_ms.saturating_add(whole_ms(mono)));
    Now { mono: Instant::from_elapsed(mono), wall }
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the real time since this process first asked.
fn host_uptime() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "here the real clock becomes the lab's")]
    let now = std::time::Instant::now();
    now.saturating_duration_since(*START.get_or_init(|| now))
}

/// Returns the host's date, held to what a device can show.
fn host_date() -> Utc {
    #[allow(clippy::disallowed_methods, reason = "here the real clock becomes the lab's")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Utc::from_unix_ms(whole_ms(since)).clamp(Utc::MIN, Utc::MAX)
}
