//! The network floor, whole: hosts on switches in memory, real time, no root.
//!
//! Nothing waits for a fixed time but where the test is about time passing.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

mod callhome;
mod hosts;
mod http;
mod network;
mod stack;
