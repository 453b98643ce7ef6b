//! Floor 0, above `base`: what travels. Every parser takes any bytes and never panics.

pub mod appag;
pub mod callhome;
pub mod certificate;
pub mod display;
pub mod filter;
pub mod ntp;
pub mod pcap;
pub mod reservation;
pub mod service;
pub mod summary;
pub mod sync;
pub mod telnet;
pub mod units;
