//! Floor 0, above `base`: what travels. Every parser takes any bytes and never panics.

pub mod appag;
pub mod callhome;
pub mod ntp;
pub mod telnet;
