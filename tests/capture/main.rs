//! Captures beside the tools that people trust: filters give tcpdump's verdicts, lines are tshark's.
//!
//! A test that needs a tool which is not here says so and passes.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

mod filter;
mod frames;
mod oracle;
mod summary;
