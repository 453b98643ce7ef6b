//! Moving a lab's clock: every deadline at its own moment, every exchange to its end.

use std::time::Duration;

use super::chassis::Running;
use crate::base::time::Now;
use crate::sys::clock::{ClockError, LabClock};

/// Most stops of one advance; past that time jumps to the end.
const STOPS_MAX: u32 = 1_000_000;

/// Lets `by` pass at once. After each stop every chassis settles before time goes on.
pub(super) async fn advance(
    clock: &LabClock,
    chassis: &[Running],
    by: Duration,
) -> Result<Now, ClockError> {
    let end = clock.now().mono + by;
    for _ in 0..STOPS_MAX {
        for one in chassis {
            one.handle.settled().await;
        }
        let now = clock.now();
        let due = chassis.iter().filter_map(|one| *one.handle.deadline.borrow()).min();
        match due.filter(|due| *due < end) {
            None => break,
            Some(due) => {
                clock.advance(due.since(now.mono))?;
            }
        }
    }
    let left = end.since(clock.now().mono);
    let now = clock.advance(left)?;
    for one in chassis {
        one.handle.settled().await;
    }
    Ok(now)
}
