//! Floor 0, above `base`: what travels. Every parser takes any bytes and never panics.

pub mod appag;
pub mod callhome;
pub mod certificate;
pub mod ntp;
pub mod reservation;
pub mod sync;
pub mod telnet;
