//! Moving the clock: every deadline at its own moment, every exchange to its end.

use std::time::Duration;

use super::chassis::Running;
use super::{Rack, Site};
use crate::base::time::{Now, Utc};
use crate::sys::clock::ClockError;

/// Most stops of one advance; past that time jumps to the end.
const STOPS_MAX: u32 = 1_000_000;

/// Lets `by` pass at once. After each stop every chassis settles before time goes on, and what
/// falls due beside them, such as the end of a fault, happens.
///
/// # Errors
/// A line for the operator: a clock cannot be moved so far.
pub(super) async fn advance(site: &impl Site, by: Duration) -> Result<Now, String> {
    let Rack { chassis, clock, .. } = site.rack();
    let start = clock.now();
    if start.wall + by > Utc::MAX {
        // Known before anything has moved.
        return Err(ClockError::Range.to_string());
    }
    let end = start.mono + by;
    for _ in 0..STOPS_MAX {
        settle(chassis).await;
        let now = clock.now();
        let deadlines = chassis.iter().filter_map(|one| *one.handle.deadline.borrow());
        let due = deadlines.chain(site.due()).min();
        match due.filter(|due| *due < end) {
            None => break,
            Some(due) => {
                let now = clock.advance(due.since(now.mono)).map_err(|error| error.to_string())?;
                site.expire(now)?;
            }
        }
    }
    let left = end.since(clock.now().mono);
    let now = clock.advance(left).map_err(|error| error.to_string())?;
    site.expire(now)?;
    settle(chassis).await;
    for one in chassis {
        one.handle.seen().await;
    }
    Ok(now)
}

async fn settle(chassis: &[Running]) {
    for one in chassis {
        one.handle.settled().await;
    }
}
