//! stub
use super::call::{Call, Login, Place};
use super::dialect;
use super::grammar::{Scope, Shell, World};
use crate::base::source::Source;
use crate::proto::mio::Mio;
/// x
#[derive(Debug)]
pub enum NoJob {}
impl World for Mio { type Job = NoJob; }
static ROOT: Scope<Mio> = Scope { syntax: "", help: &[], verbs: &[], commands: &[], includes: &[], scopes: &[], inherits: false, open: super::grammar::always, source: Source::Ours };
/// x
pub static MIO: Shell<Mio> = Shell { name: "mio", dialect: &dialect::MIO, root: &ROOT, common: &[], prompt, redirect: None, detaches: false };
fn prompt(_: &Mio, _: &Login, _: &Place<Mio>) -> String { "x# ".to_owned() }
fn _c(_: Call<'_, Mio>) {}
