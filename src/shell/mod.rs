//! Floor 3: what people and devices talk to.

pub mod authority;
pub mod gate;
pub mod https;
pub mod leash;
pub mod line;
pub mod proof;
pub mod sessions;
pub mod ssh;
pub mod telnet;

#[cfg(test)]
mod tests;
