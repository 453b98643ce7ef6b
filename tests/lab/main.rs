//! The shipped binary as whoever runs it meets it: labs as processes, driven by scripts, by
//! `vfxos ctl`, at a pseudo terminal, by hostile neighbours, and killed at any moment.
//!
//! Nothing waits for a fixed time: a test waits for what a process says, and a watchdog ends what
//! says nothing.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

mod process;

mod api;
mod appag;
mod capture;
mod console;
mod ctl;
mod failures;
mod persistence;
mod refusals;
mod reservation;
mod satellite;
mod script;
mod terminal;
mod topologies;
mod units;
