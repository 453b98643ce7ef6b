//! The shells of a security module: its boot CLI and the ASA that runs on it.
//!
//! Both act on a [`Blade`]. Licences are all that this ASA knows of; it forwards no packet.

use super::call::{Login, Place};
use super::dialect;
use super::grammar::{Scope, Shell, World};
use crate::proto::blade::Blade;

mod cluster;
mod config;
mod console;
mod exec;
mod failover;
mod module;
pub mod show;

pub use console::{Console, SCREEN_MAX};

/// An ASA starts nothing that ends later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJob {}

impl World for Blade {
    type Job = NoJob;
}

/// The ASA's own command line.
///
/// # Source
/// Seed: prompts `asa#`, `asa(config)#` and `asa(config-smart-lic)#`, each with a blank behind it.
pub static ASA: Shell<Blade> = Shell {
    name: "asa",
    dialect: &dialect::ASA,
    root: &exec::USER,
    common: &[],
    prompt: asa_prompt,
    redirect: None,
    detaches: true,
};

/// The boot CLI, which the chassis's `connect module` reaches.
///
/// # Source
/// Client: fxos-cli 2.8, `Firepower-module1>` without a blank behind it.
pub static MODULE: Shell<Blade> = Shell {
    name: "module",
    dialect: &dialect::MODULE,
    root: &module::ROOT,
    common: &[],
    prompt: module_prompt,
    redirect: None,
    detaches: false,
};

fn asa_prompt(blade: &Blade, _: &Login, place: &Place<Blade>) -> String {
    let host = blade.prompt();
    match place.scope() {
        None => format!("{host}> "),
        Some(scope) if same(scope, &exec::PRIVILEGED) => format!("{host}# "),
        Some(scope) => format!("{host}({})# ", scope.name()),
    }
}

fn module_prompt(blade: &Blade, _: &Login, _: &Place<Blade>) -> String {
    format!("Firepower-module{}>", blade.facts().slot)
}

/// Returns true if the two are one scope, not merely of one name.
fn same(a: &'static Scope<Blade>, b: &'static Scope<Blade>) -> bool {
    std::ptr::eq(a, b)
}

#[cfg(test)]
mod tests;
