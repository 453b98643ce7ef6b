//! The command language: bytes from an operator in, bytes and effects out.
//!
//! [`grammar`] is the language as data, [`call`] what a command may touch, [`dialect`] the words of
//! each shell, [`syntax`] the notation of a command, [`filter`] the pipes.

pub mod call;
pub mod dialect;
pub mod filter;
pub mod grammar;
pub mod lex;
pub mod parse;
pub mod syntax;
