//! Facts to text: one file a family of listings.

pub mod license;
pub mod listing;
pub mod services;
