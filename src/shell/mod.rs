//! Floor 3: what people and devices talk to.

pub mod authority;
pub mod sessions;
