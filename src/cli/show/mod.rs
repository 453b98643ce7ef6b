//! Facts to text: one file a family of listings.

pub mod accounts;
pub mod callhome;
pub mod license;
pub mod services;
pub mod trustpoint;
