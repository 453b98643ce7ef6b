//! The selection: who tells the truth, who of them is followed.

use super::{Ntp, SAMPLES_MIN, Sample, Server, Status};

/// Survivors below which nobody is dropped for being an outlier.
///
/// # Source
/// RFC 5905, `NMIN`.
const SURVIVORS_MIN: usize = 3;

impl Ntp {
    /// Gives every server its status and decides who is followed.
    pub(super) fn select(&mut self) {
        let mut fit = Vec::new();
        for (at, server) in self.servers.iter_mut().enumerate() {
            let heard = server.reach != 0 && server.valid;
            server.status = match (server.tried, heard, server.best()) {
                (false, ..) => Status::InProgress,
                (true, true, Some(sample)) if server.samples.len() >= SAMPLES_MIN => {
                    fit.push((at, sample));
                    Status::Falsetick
                }
                (true, true, _) => Status::InProgress,
                (true, false, _) => Status::Unreachable,
            };
        }
        let Some((low, high)) = intersection(fit.iter().map(|(_, sample)| *sample)) else {
            self.followed = None;
            return;
        };
        let truth = |sample: &Sample| {
            sample.offset_ms + sample.error_ms >= low && sample.offset_ms - sample.error_ms <= high
        };
        let mut survivors: Vec<(usize, Sample)> =
            fit.into_iter().filter(|(_, sample)| truth(sample)).collect();
        for (at, _) in &survivors {
            self.servers[*at].status = Status::Candidate;
        }
        while let Some(dropped) = outlier(&survivors, &self.servers) {
            let (at, _) = survivors.remove(dropped);
            self.servers[at].status = Status::Outlier;
        }
        self.follow(&survivors);
    }

    /// Follows the survivor of the lowest stratum. Among equals whoever is followed stays, so
    /// that the clock does not hop; then the order of the configuration decides.
    fn follow(&mut self, survivors: &[(usize, Sample)]) {
        let rank = |at: usize| {
            let server = &self.servers[at];
            (server.stratum, self.followed.as_deref() != Some(server.name.as_str()), at)
        };
        let best = survivors.iter().map(|(at, _)| *at).min_by_key(|at| rank(*at));
        self.followed = best.map(|at| {
            self.servers[at].status = Status::Synchronized;
            self.servers[at].name.clone()
        });
    }
}

/// Returns the offsets that a majority agrees on; `None` when there is no majority.
///
/// # Source
/// RFC 5905 section 11.2.1.
fn intersection(samples: impl Iterator<Item = Sample> + Clone) -> Option<(i64, i64)> {
    let count = samples.clone().count();
    // Ends of the intervals, the lower ones first where they touch.
    let mut ends: Vec<(i64, bool)> = samples
        .flat_map(|sample| {
            [
                (sample.offset_ms - sample.error_ms, false),
                (sample.offset_ms + sample.error_ms, true),
            ]
        })
        .collect();
    ends.sort_unstable();
    for liars in 0..count.div_ceil(2) {
        let wanted = count - liars;
        let low = reach(ends.iter().copied(), wanted);
        let high = reach(ends.iter().rev().map(|(at, upper)| (*at, !upper)), wanted);
        if let (Some(low), Some(high)) = (low, high)
            && low <= high
        {
            return Some((low, high));
        }
    }
    None
}

/// Walks over the ends and returns where `wanted` intervals are open at once.
fn reach(ends: impl Iterator<Item = (i64, bool)>, wanted: usize) -> Option<i64> {
    let mut open = 0_usize;
    for (at, closes) in ends {
        if closes {
            open = open.saturating_sub(1);
        } else {
            open += 1;
            if open == wanted {
                return Some(at);
            }
        }
    }
    None
}

/// Returns the survivor that lies farthest from the others, if it does so by more than the
/// steadiest of them wavers.
///
/// # Source
/// RFC 5905 section 11.2.2, with mean distances in place of root mean squares.
fn outlier(survivors: &[(usize, Sample)], servers: &[Server]) -> Option<usize> {
    if survivors.len() <= SURVIVORS_MIN {
        return None;
    }
    let distance = |of: &Sample| -> i64 {
        let all = survivors.iter().map(|(_, other)| (other.offset_ms - of.offset_ms).abs());
        all.sum::<i64>() / i64::try_from(survivors.len() - 1).unwrap_or(1)
    };
    let (at, farthest) = survivors
        .iter()
        .enumerate()
        .map(|(at, (_, sample))| (at, distance(sample)))
        .max_by_key(|(_, distance)| *distance)?;
    let steadiest = survivors.iter().map(|(at, best)| waver(&servers[*at], *best)).min()?;
    (farthest > steadiest).then_some(at)
}

/// Returns the mean distance of a server's samples from its best, at least 1 ms.
fn waver(server: &Server, best: Sample) -> i64 {
    let sum: i64 = server.samples.iter().map(|s| (s.offset_ms - best.offset_ms).abs()).sum();
    (sum / i64::try_from(server.samples.len().max(1)).unwrap_or(1)).max(1)
}
