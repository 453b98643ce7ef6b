//! stub

pub mod ca;
