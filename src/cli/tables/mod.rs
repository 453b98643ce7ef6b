//! The supervisor's shells: its scopes and commands, `connect local-mgmt` and `connect fxos`.
//!
//! A scope of these tables is a class of the configuration's schema by its name and keys, so one
//! [`edit::open`] and one handler a verb serve every scope.

use super::call::{Login, Place};
use super::dialect;
use super::grammar::{Scope, Shell, World};
use crate::base::source::Source;
use crate::proto::config::facts;
use crate::proto::mio::Mio;

mod accounts;
mod edit;
mod everywhere;
mod fabric;
mod license;
mod monitoring;
mod security;
pub mod setup;
mod system;

/// The supervisor's commands end at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJob {}

impl World for Mio {
    type Job = NoJob;
}

/// The supervisor's own command line.
///
/// # Source
/// Seed: prompts `FPR4125-1#` and `FPR4125-1 /system/services #`, each with a blank behind it.
/// Client mock of unicon: `*` glued to the path while something is uncommitted.
pub static MIO: Shell<Mio> = Shell {
    name: "mio",
    dialect: &dialect::MIO,
    root: &ROOT,
    common: &[everywhere::COMMANDS, license::SHOW],
    prompt: mio_prompt,
    redirect: None,
    detaches: false,
};

/// `connect local-mgmt`.
pub static LOCAL_MGMT: Shell<Mio> = Shell {
    name: "local-mgmt",
    dialect: &dialect::MIO,
    root: &INNER_ROOT,
    common: &[everywhere::INNER],
    prompt: |mio, _, _| format!("{}(local-mgmt)# ", facts::hostname(mio.config.objects())),
    redirect: None,
    detaches: false,
};

/// `connect fxos`.
pub static FXOS: Shell<Mio> = Shell {
    name: "fxos",
    dialect: &dialect::FXOS,
    root: &INNER_ROOT,
    common: &[everywhere::INNER],
    prompt: |mio, _, _| format!("{}(fxos)# ", facts::hostname(mio.config.objects())),
    redirect: None,
    detaches: false,
};

static ROOT: Scope<Mio> = Scope {
    scopes: &[
        &fabric::FABRIC_INTERCONNECT,
        &license::LICENSE,
        &monitoring::MONITORING,
        &security::SECURITY,
        &system::SYSTEM,
    ],
    source: Source::Seed("FPR4125-1# scope system"),
    ..Scope::FIXED
};

static INNER_ROOT: Scope<Mio> =
    Scope { source: Source::Seed("FPR4125-1# connect local-mgmt"), ..Scope::FIXED };

fn mio_prompt(mio: &Mio, login: &Login, place: &Place<Mio>) -> String {
    let host = facts::hostname(mio.config.objects());
    let dirty = mio.pending.get(&login.session).is_some_and(|pending| pending.is_dirty());
    match (place.scope(), dirty) {
        (None, false) => format!("{host}# "),
        (None, true) => format!("{host}* # "),
        (Some(_), false) => format!("{host} {} # ", place.path()),
        (Some(_), true) => format!("{host} {}* # ", place.path()),
    }
}

#[cfg(test)]
mod tests;
