//! The command language: bytes from an operator in, bytes and effects out.
//!
//! [`grammar`] is the language as data, [`call`] what a command may touch, [`dialect`] the words of
//! each shell, [`syntax`] the notation of a command, [`lex`] and [`parse`] find what a line means,
//! [`filter`] the pipes. A [`terminal`] is what one operator sits at, with [`edit`] for its line; the
//! [`desk`] is all of a supervisor's. [`show`] lays facts out, [`asa`] is the module's and the ASA's
//! language. [`setup`], [`day0`], [`login`] and [`greeting`] are what comes before the first prompt.

pub mod asa;
pub mod call;
pub mod day0;
pub mod desk;
pub mod dialect;
pub mod edit;
pub mod field;
pub mod filter;
pub mod grammar;
pub mod greeting;
pub mod job;
pub mod lex;
pub mod login;
pub mod parse;
pub mod setup;
pub mod show;
pub mod syntax;
pub mod tables;
pub mod terminal;
pub mod transfer;
