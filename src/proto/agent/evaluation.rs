//! The evaluation period: a budget that runs only while unregistered with licences in use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::{Utc, days};

use super::timing::{EVALUATION, EVALUATION_STEP};

/// How much of the evaluation is left. It is given once in a chassis's life.
///
/// # Source
/// Seed: more had been used than the listing's own session explains, so periods add up. Public
/// FPR-2130 tech-support: it stands still while registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evaluation {
    /// Not running.
    Paused { left: Duration },
    /// Running: `left` is what was left at `since`.
    Running { left: Duration, since: Utc },
    /// Used up.
    Expired { at: Utc },
}

impl Default for Evaluation {
    fn default() -> Evaluation {
        Evaluation::Paused { left: EVALUATION }
    }
}

/// What a [`Evaluation::step`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing to tell.
    Quiet,
    /// An end that comes nearer.
    Warning { left: Duration },
    /// The end.
    Expired,
}

impl Evaluation {
    /// Returns what is left; zero once expired.
    pub fn left(&self, now: Utc) -> Duration {
        match self {
            Evaluation::Paused { left } => *left,
            Evaluation::Running { left, since } => left.saturating_sub(now.since(*since)),
            Evaluation::Expired { .. } => Duration::ZERO,
        }
    }

    /// Starts or stops the count. Returns true when it started.
    pub fn run(&mut self, now: Utc, running: bool) -> bool {
        match (*self, running) {
            (Evaluation::Paused { left }, true) => {
                *self = Evaluation::Running { left, since: now };
                true
            }
            // A clock set back takes nothing and gives nothing.
            (Evaluation::Running { left, since }, true) if since > now => {
                *self = Evaluation::Running { left, since: now };
                false
            }
            (Evaluation::Running { .. }, false) => {
                *self = Evaluation::Paused { left: self.left(now) };
                false
            }
            (Evaluation::Running { .. } | Evaluation::Expired { .. }, true)
            | (Evaluation::Paused { .. } | Evaluation::Expired { .. }, false) => false,
        }
    }

    /// Returns when [`Evaluation::step`] is due, if the count runs.
    pub fn due(&self) -> Option<Utc> {
        match self {
            Evaluation::Running { left, since } => {
                Some(*since + left.saturating_sub(next_mark(*left)))
            }
            Evaluation::Paused { .. } | Evaluation::Expired { .. } => None,
        }
    }

    /// Counts down to the next mark, at its own date `at`.
    pub fn step(&mut self, at: Utc) -> Mark {
        let Evaluation::Running { left, .. } = *self else { return Mark::Quiet };
        let left = next_mark(left);
        if left.is_zero() {
            *self = Evaluation::Expired { at };
            return Mark::Expired;
        }
        *self = Evaluation::Running { left, since: at };
        if warns(left) { Mark::Warning { left } } else { Mark::Quiet }
    }

    /// Ends the evaluation at once, unless it has ended.
    pub fn expire(&mut self, at: Utc) {
        if !matches!(self, Evaluation::Expired { .. }) {
            *self = Evaluation::Expired { at };
        }
    }

    /// Counts on after a power cut: time without power is no use, whatever the clock says now.
    pub fn restored(self, now: Utc) -> Evaluation {
        match self {
            Evaluation::Running { left, .. } => Evaluation::Running { left, since: now },
            Evaluation::Paused { .. } | Evaluation::Expired { .. } => self,
        }
    }
}

/// The next multiple of [`EVALUATION_STEP`] below `left`.
fn next_mark(left: Duration) -> Duration {
    let step = EVALUATION_STEP.as_millis().max(1);
    let marks = left.as_millis().saturating_sub(1) / step;
    EVALUATION_STEP.saturating_mul(u32::try_from(marks).unwrap_or(u32::MAX))
}

/// Whether so much left is worth a warning: 60, 30, 21 and 14 days, each day of the last week, each
/// hour of the last day. Recall.
fn warns(left: Duration) -> bool {
    const HOUR: u64 = 3_600;
    let whole_days = left.as_secs().is_multiple_of(24 * HOUR);
    [60, 30, 21, 14].map(days).contains(&left)
        || (left <= days(7) && whole_days)
        || (left <= days(1) && left.as_secs().is_multiple_of(HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Utc = Utc::from_civil(2020, 8, 4, 0, 0, 0);

    /// Runs to the end, deadline by deadline.
    fn all_marks() -> Vec<(Utc, Mark)> {
        let mut evaluation = Evaluation::default();
        assert!(evaluation.run(START, true));
        let mut marks = Vec::new();
        while let Some(at) = evaluation.due() {
            let mark = evaluation.step(at);
            if mark != Mark::Quiet {
                marks.push((at, mark));
            }
        }
        marks
    }

    #[test]
    fn it_warns_at_its_marks_and_ends_after_ninety_days() {
        let marks = all_marks();
        let lefts: Vec<u64> = marks
            .iter()
            .filter_map(|(_, mark)| match mark {
                Mark::Warning { left } => Some(left.as_secs() / 3_600),
                Mark::Quiet | Mark::Expired => None,
            })
            .collect();
        let mut want: Vec<u64> = [60, 30, 21, 14, 7, 6, 5, 4, 3, 2, 1].map(|d| d * 24).to_vec();
        want.extend((1..24).rev());
        assert_eq!(lefts, want);
        assert_eq!(marks.last(), Some(&(START + EVALUATION, Mark::Expired)));
    }

    #[test]
    fn periods_add_up_and_a_pause_costs_nothing() {
        let mut evaluation = Evaluation::default();
        evaluation.run(START, true);
        let later = START + Duration::from_secs(4 * 3_600);
        evaluation.run(later, false);
        let again = later + days(300);
        assert_eq!(evaluation.left(again), EVALUATION - Duration::from_secs(4 * 3_600));
        evaluation.run(again, true);
        let then = again + Duration::from_secs(5 * 3_600 + 33 * 60 + 40);
        let left = EVALUATION - Duration::from_secs(9 * 3_600 + 33 * 60 + 40);
        assert_eq!(evaluation.left(then), left);
    }

    #[test]
    fn a_clock_set_back_neither_takes_nor_gives() {
        let mut evaluation = Evaluation::default();
        evaluation.run(START, true);
        evaluation.step(START + EVALUATION_STEP);
        evaluation.run(START - days(1000), true);
        assert_eq!(evaluation.left(START - days(1000)), EVALUATION - EVALUATION_STEP);
        assert_eq!(evaluation.due(), Some(START - days(1000) + EVALUATION_STEP));
    }
}
