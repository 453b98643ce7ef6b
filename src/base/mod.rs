//! Floor 0: plain data and time. No state, no I/O.

pub mod enforcement;
pub mod entitlement;
pub mod ident;
pub mod platform;
pub mod rng;
pub mod source;
pub mod time;
pub mod zone;
