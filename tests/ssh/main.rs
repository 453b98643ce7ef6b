//! SSH to the shipped binary, as a person or a script meets it: a lab as a process, a russh client
//! and OpenSSH's through the port that the lab opens on the host.
//!
//! Nothing waits for a fixed time: a test waits for what a process says.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]

mod client;
mod lab;

mod crowds;
mod openssh;
mod sessions;
mod ways_in;
