//! What is measured, not configured: the value of every [`Verb::Fact`] of the schema.
//!
//! The command line and the web page read it here, so both say the same. A state is computed from
//! the committed configuration and from what the machines know: blades attached, ports plugged in.
//!
//! [`Verb::Fact`]: super::config::schema::Verb::Fact

use super::config::schema::Property;
use super::config::{Objects, Path, facts};
use super::mio::Mio;
use crate::base::ident::Slot;
use crate::wire::certificate;

mod hardware;
mod ports;
mod ssa;

pub use ports::{Link, link_of};

/// What a reading is taken of.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) mio: &'a Mio,
    pub(crate) path: &'a Path,
    /// Wall time, Unix seconds.
    pub(crate) unix_s: i64,
}

/// How one label of one mode is read.
type Reading = (&'static str, &'static str, fn(Look<'_>) -> String);

/// Returns what a fact reads now; `None` for one that the schema or the object itself answers.
pub fn read(mio: &Mio, unix_s: i64, path: &Path, property: &Property) -> Option<String> {
    let mode = path.mode();
    let found = tables().find(|(at, label, _)| *at == mode && *label == property.label);
    found.map(|(_, _, reading)| reading(Look { mio, path, unix_s }))
}

/// Returns mode and label of everything that is read.
pub fn readings() -> impl Iterator<Item = (&'static str, &'static str)> {
    tables().map(|(mode, label, _)| (*mode, *label))
}

/// Tells whether some table reads this label of this mode.
pub fn is_read(mode: &str, label: &str) -> bool {
    readings().any(|known| known == (mode, label))
}

fn tables() -> impl Iterator<Item = &'static Reading> {
    [SERVICES, hardware::READINGS, ports::READINGS, ssa::READINGS].into_iter().flatten()
}

impl<'a> Look<'a> {
    /// Returns the committed configuration.
    fn objects(self) -> &'a Objects {
        self.mio.config.objects()
    }

    /// Returns the number of the slot that the object is, or lies in.
    fn slot(self) -> Option<Slot> {
        let steps = self.path.steps().iter();
        let key = steps.filter(|step| ["slot", "server"].contains(&step.class.name));
        let key = key.filter_map(|step| step.key.first()).next_back()?;
        Slot::new(key.rsplit('/').next()?.parse().ok()?)
    }
}

/// What a server that nothing is known of shows.
///
/// # Source
/// Seed, `show ntp-server`.
pub const UNREACHABLE: &str = "Unreachable Or Invalid Ntp Server";

static SERVICES: &[Reading] = &[
    ("/system/services/ntp-server", "Time Sync Status", |look| {
        let status = look.mio.facts.ntp.get(look.path.name());
        status.map_or(UNREACHABLE, String::as_str).to_owned()
    }),
    ("/system/services", "Operational port", |look| {
        look.objects().text(&facts::services(), "https port")
    }),
    ("/monitoring", "Is Community Set", |look| {
        let set = !look.objects().text(look.path, "snmp community").is_empty();
        (if set { "Yes" } else { "No" }).to_owned()
    }),
    ("/security/trustpoint", "Cert Status", |look| {
        trustpoint_status(look.mio, look.unix_s, look.path.name()).to_owned()
    }),
    ("/security/keyring", "Cert Status", |look| keyring_status(look).to_owned()),
    ("/security/role", "Priv", |look| look.path.name().to_owned()),
];

/// What a certificate is while nothing is wrong with it.
///
/// # Source
/// Seed, `Cert Status: Valid`.
pub const VALID: &str = "Valid";

/// What a certificate is that nobody but itself vouches for.
///
/// # Source
/// MIB enumeration of reference licensing 3.3, its wording is recall.
const SELF_SIGNED: &str = "Self Signed Certificate";
/// Most certificates of a chain that can be verified.
///
/// # Source
/// Recall: OpenSSL's default depth.
pub const CHAIN_MAX: usize = 9;

/// Returns the status of a key ring: of its certificate, and of who signed it.
fn keyring_status(look: Look<'_>) -> &'static str {
    let objects = look.objects();
    let chain = objects.text(look.path, "cert");
    if chain.is_empty() {
        // The key ring of the factory signs for itself.
        return SELF_SIGNED;
    }
    let status = chain_status(look.unix_s, &chain);
    let certificates = certificate::read(&chain);
    let Some(leaf) = certificates.first().filter(|_| status == VALID) else { return status };
    if leaf.is_self_signed() {
        return SELF_SIGNED;
    }
    let name = objects.text(look.path, "trustpoint");
    let trustpoints = facts::trustpoints(objects);
    let Some(trustpoint) = trustpoints.iter().find(|trustpoint| trustpoint.name == name) else {
        return status;
    };
    // The last of the chain has to be signed by one that the trustpoint holds.
    let above = certificate::read(&trustpoint.chain);
    let last = certificates.last().unwrap_or(leaf);
    let known = above.iter().any(|above| [&last.issuer, &last.subject].contains(&&above.subject));
    if known { status } else { "Failed To Verify With Tp" }
}

/// Returns the status of a chain of certificates at a wall time.
///
/// # Source
/// Seed, `Cert Status: Valid`; MIB enumeration of reference licensing 3.3 for the others.
pub fn chain_status(unix_s: i64, chain: &str) -> &'static str {
    let dates = certificate::validities(chain);
    if chain.is_empty() {
        "Empty Cert"
    } else if certificate::count(chain) > CHAIN_MAX {
        "Cert Chain Too Long"
    } else if dates.is_empty() {
        // Nobody could dial through it either.
        "Unknown"
    } else if dates.iter().any(|date| date.not_after.unix_s() < unix_s) {
        "Expired"
    } else if dates.iter().any(|date| date.not_before.unix_s() > unix_s) {
        "Not Yet Valid"
    } else {
        VALID
    }
}

/// Returns the status of a trustpoint.
pub fn trustpoint_status<'a>(mio: &'a Mio, unix_s: i64, name: &str) -> &'a str {
    if let Some(status) = mio.facts.certificates.get(name) {
        return status;
    }
    let trustpoints = facts::trustpoints(mio.config.objects());
    let chain = trustpoints.iter().find(|trustpoint| trustpoint.name == name);
    chain_status(unix_s, chain.map_or("", |trustpoint| &trustpoint.chain))
}
