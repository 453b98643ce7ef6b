//! The machines in a hostile world, thousands of seeds of it. A seed replays exactly:
//! `SEED=17 cargo test --test sim`. `SEEDS=10000` asks for more of them, as `make sim` does.

use std::env;
use std::time::Duration;

mod agent;
mod backend;
mod desk;
mod fleet;
mod units;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Runs the seed that `SEED` names, or as many as `SEEDS` says, or `default` of them.
fn each_seed(default: u64, run: impl Fn(u64)) {
    let number = |name| env::var(name).ok().map(|text| text.parse().expect("a number"));
    match number("SEED") {
        Some(seed) => run(seed),
        None => (0..number("SEEDS").unwrap_or(default)).for_each(run),
    }
}
