//! The command language.

pub mod show;
