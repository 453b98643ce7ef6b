//! Taking times: one reading, and subject and peer in turns.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Shortest time of one repetition of something that is repeated until it takes that long.
const REPETITION: Duration = Duration::from_millis(10);

/// Returns the real time since this process first asked.
pub fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "a measurement reads the real clock")]
    let now = Instant::now();
    now.saturating_duration_since(*START.get_or_init(|| now))
}

/// Returns how long `work` took, and what it returned.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = since_start();
    let result = work();
    (since_start().saturating_sub(start), result)
}

/// Waits.
pub fn stand(time: Duration) {
    let (_open, silent) = std::sync::mpsc::channel::<()>();
    // Nothing is ever sent.
    let _ = silent.recv_timeout(time);
}

/// The medians of subject and peer, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    pub subject: f64,
    pub peer: f64,
}

/// Takes subject and peer in turns, `rounds` of each, and now one, now the other first.
///
/// # Errors
/// The first error of either.
pub fn beside<E>(
    rounds: usize,
    mut subject: impl FnMut() -> Result<Duration, E>,
    mut peer: impl FnMut() -> Result<Duration, E>,
) -> Result<Beside, E> {
    let (mut subjects, mut peers) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            subjects.push(subject()?);
            peers.push(peer()?);
        } else {
            peers.push(peer()?);
            subjects.push(subject()?);
        }
    }
    Ok(Beside { subject: median(subjects), peer: median(peers) })
}

/// As [`beside`], for what is too short to be timed once: the times are of one call.
pub fn beside_short(rounds: usize, mut subject: impl FnMut(), mut peer: impl FnMut()) -> Beside {
    let (many, few) = (calls(&mut subject), calls(&mut peer));
    let taken = beside(
        rounds,
        || Ok::<_, std::convert::Infallible>(timed(|| (0..many).for_each(|_| subject())).0),
        || Ok(timed(|| (0..few).for_each(|_| peer())).0),
    );
    let Ok(taken) = taken;
    Beside { subject: taken.subject / f64::from(many), peer: taken.peer / f64::from(few) }
}

/// Returns how many calls take about [`REPETITION`].
fn calls(work: &mut impl FnMut()) -> u32 {
    let mut count = 1_u32;
    while count < 1 << 30 && timed(|| (0..count).for_each(|_| work())).0 < REPETITION {
        count *= 2;
    }
    count
}

/// Returns the median in seconds; not a number for none.
pub fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}
