//! Floor 3: what people and devices talk to.

pub mod authority;
pub mod proof;
pub mod sessions;
pub mod ssh;
