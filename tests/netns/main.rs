//! A chassis beside real servers: TAP and AF_PACKET in network namespaces. They need root; without
//! it, or without a program, a test says that it was skipped, and why.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]
#![allow(clippy::disallowed_methods, reason = "real servers live by the host's time")]

mod network;
mod servers;
mod wire;

/// Builds the network, or leaves the test and says why.
macro_rules! wired {
    ($($tool:expr),*) => {
        match $crate::network::lacking(&[$($tool),*]) {
            None => $crate::network::Network::new(),
            Some(why) => {
                eprintln!("skipped: {why}");
                return;
            }
        }
    };
}
pub(crate) use wired;
