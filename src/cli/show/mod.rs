//! Facts to text: one file a family of listings.

pub mod accounts;
pub mod faults;
pub mod hardware;
pub mod license;
pub mod listing;
pub mod monitoring;
pub mod processes;
pub mod services;
pub mod switch;
