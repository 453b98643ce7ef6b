//! Floor 1: the state machines. An event goes in with the time, outputs come out; nothing in here
//! reads a clock, a socket or a file.

use crate::base::time::Instant;

pub mod accounts;
pub mod agent;
pub mod authority;
pub mod blade;
pub mod broker;
pub mod capture;
mod conditions;
pub mod config;
pub mod faults;
pub mod images;
pub mod mio;
pub mod ntp;
pub mod observed;
pub mod workspace;

/// What a machine's `poll` answers. A deadline can only be had once nothing is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<O> {
    /// Do this, then poll again.
    Do(O),
    /// Nothing to do. Come back with an event, or with a `Due` event at the instant given.
    Wait(Option<Instant>),
}
