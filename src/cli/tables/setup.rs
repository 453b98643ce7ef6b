//! What the first-boot dialog found out, as a commit.

use super::super::setup::{Access, Answers};
use crate::base::time::Now;
use crate::proto::config::schema::Verb;
use crate::proto::config::{EditError, Path, Pending, Tree, facts};
use crate::proto::mio::Mio;

/// Number of the session that commits it; no operator has it.
const SESSION: u32 = 0;

/// Configures the chassis: all of it or nothing.
///
/// # Errors
/// The device's words.
pub fn apply(now: Now, mio: &mut Mio, answers: &Answers) -> Result<(), String> {
    let objects = mio.config.objects();
    let hash = mio.accounts.new_password(now, objects, "admin", &answers.password);
    let hash = hash.map_err(|unfit| format!("Error: Update failed: [{unfit}]"))?;
    let mut pending = Pending::default();
    edit(&mut pending, &mio.config, answers, &hash).map_err(|error| error.device_text())?;
    mio.pending.insert(SESSION, pending);
    let done = mio.commit(now, SESSION);
    mio.pending.remove(&SESSION);
    done.map_err(|error| error.device_text())
}

fn edit(
    pending: &mut Pending,
    tree: &Tree,
    answers: &Answers,
    hash: &str,
) -> Result<(), EditError> {
    let at = |names: &[(&str, &[&str])]| Path::find(names).ok_or(EditError::Absent);
    let (services, security) = (facts::services(), facts::security());
    let admin = at(&[("security", &[]), ("local-user", &["admin"])])?;
    let side = at(&[("fabric-interconnect", &["a"])])?;
    let strong = if answers.strong { "yes" } else { "no" };
    let domain = answers.domain.as_deref().unwrap_or_default();
    let [ip, netmask, gateway] =
        [answers.ip, answers.netmask, answers.gateway].map(|ip| ip.to_string());
    for (path, words, text) in [
        (&security, "enforce-strong-password", strong),
        (&admin, "password", hash),
        (&at(&[("system", &[])])?, "name", answers.name.as_str()),
        (&side, "out-of-band ip", ip.as_str()),
        (&side, "out-of-band netmask", netmask.as_str()),
        (&side, "out-of-band gw", gateway.as_str()),
        (&services, "domain-name", domain),
    ] {
        pending.set(tree, path, (Verb::Set, words), text)?;
    }
    for (service, access) in [("ssh", answers.ssh), ("https", answers.https)] {
        for block in tree.objects().children(&services, "ip-block") {
            if block.key().get(2).is_some_and(|of| of == service) {
                pending.delete(tree, &block)?;
            }
        }
        if let Some(Access { network, netmask }) = access {
            let (network, prefix) =
                (network.to_string(), netmask.to_bits().leading_ones().to_string());
            let keys = [network.as_str(), prefix.as_str(), service];
            let block = at(&[("system", &[]), ("services", &[]), ("ip-block", &keys)])?;
            pending.enter(tree, &block, &[])?;
        }
    }
    if let Some(dns) = answers.dns {
        let dns = dns.to_string();
        let keys = [dns.as_str()];
        pending.enter(tree, &at(&[("system", &[]), ("services", &[]), ("dns", &keys)])?, &[])?;
    }
    Ok(())
}
