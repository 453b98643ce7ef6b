//! The supervisor's shells: its scopes and commands, and the shells that `connect` leads to.
//!
//! Every class of the configuration's schema is a scope; [`derive`] makes it with its commands. A
//! table of this folder holds what is special about one scope:
//!
//! ```ignore
//! static SERVICES: Table = Table {
//!     class: "services",
//!     commands: &[Command {
//!         syntax: "show dns",
//!         help: &[SHOW, "Domain name servers"],
//!         source: Source::Seed("FPR4125-1 /system/services # show dns"),
//!         run: show_dns,
//!         ..Command::READ
//!     }],
//!     ..Table::EMPTY
//! };
//! ```

use std::sync::LazyLock;

use super::call::{Call, Login, Place};
use super::dialect;
use super::grammar::{Scope, Shell, World};
use super::job::Job;
use super::show::listing::View;
use crate::proto::config::facts;
use crate::proto::config::schema;
use crate::proto::mio::Mio;
use derive::Table;

mod accounts;
mod derive;
mod edit;
mod ethanalyzer;
mod everywhere;
mod files;
mod firmware;
mod fxos;
mod hardware;
mod license;
mod local_mgmt;
mod monitoring;
mod notation;
mod parts;
mod security;
pub mod setup;
mod ssa;
mod support;
mod system;
mod timezone;
mod top;

impl World for Mio {
    type Job = Job;
}

/// The supervisor's own command line.
///
/// # Source
/// Seed: prompts `FPR4125-1#` and `FPR4125-1 /system/services #`, each with a blank behind it.
/// Client mock of unicon: `*` glued to the path while something is uncommitted.
pub static MIO: LazyLock<Shell<Mio>> = LazyLock::new(|| {
    let root: &'static Scope<Mio> = Box::leak(Box::new(derive::scope(&schema::ROOT, &ROOT)));
    Shell {
        name: "mio",
        dialect: &dialect::MIO,
        root,
        // What the top shows is shown everywhere, what it does is done at the top.
        common: notation::leak_all(vec![
            everywhere::COMMANDS,
            license::SHOW,
            top::SHOWS,
            accounts::SHOWS,
            derive::shows_of(root),
        ]),
        prompt: mio_prompt,
        redirect: Some(files::redirect),
        detaches: false,
    }
});

/// `connect local-mgmt`.
pub static LOCAL_MGMT: Shell<Mio> = Shell {
    name: "local-mgmt",
    dialect: &dialect::MIO,
    root: &INNER_ROOT,
    common: &[everywhere::INNER, local_mgmt::COMMANDS, files::COMMANDS, support::COMMANDS],
    prompt: |mio, _, _| format!("{}(local-mgmt)# ", facts::hostname(mio.config.objects())),
    redirect: Some(files::redirect),
    detaches: false,
};

/// `connect fxos`.
pub static FXOS: Shell<Mio> = Shell {
    name: "fxos",
    dialect: &dialect::FXOS,
    root: &INNER_ROOT,
    common: &[everywhere::INNER, fxos::COMMANDS, ethanalyzer::COMMANDS],
    prompt: |mio, _, _| format!("{}(fxos)# ", facts::hostname(mio.config.objects())),
    redirect: Some(files::redirect),
    detaches: false,
};

/// What is special about each scope; the rest follows from the schema.
static ROOT: Table = Table {
    scopes: &[
        &firmware::FIRMWARE,
        &hardware::CHASSIS,
        &license::LICENSE,
        &monitoring::MONITORING,
        &security::SECURITY,
        &ssa::SSA,
        &system::SYSTEM,
    ],
    ..Table::EMPTY
};

static INNER_ROOT: Scope<Mio> = Scope::FIXED;

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

/// Returns what listings read: the configuration as the session sees it, and the machine.
fn view<'a>(mio: &'a Mio, call: &Call<'_, Mio>) -> View<'a> {
    View { mio, objects: edit::view(mio, call), unix_s: call.now.wall.unix_s() }
}

#[cfg(test)]
mod tests;
