//! What must hold between objects; asked once, at commit.

use std::net::{IpAddr, Ipv4Addr};

use super::objects::Objects;
use super::path::Path;
use super::schema::{Origin, Verb};
use super::value::{Value, split_url};
use crate::base::zone;

/// Checks a whole tree.
///
/// # Errors
/// The reason, a sentence for `Error: Update failed: [...]`. The rules and their words are ours: a
/// real chassis has them in its database, and no listing shows one.
pub(super) fn check(objects: &Objects) -> Result<(), String> {
    for path in objects.0.keys() {
        limit(objects, path)?;
        match path.class().name {
            "services" => services(objects, path)?,
            "ip-block" => ip_block(path)?,
            "shell-session-limits" | "web-session-limits" => session_limits(objects, path)?,
            "fabric-interconnect" => out_of_band(objects, path)?,
            "callhome" => proxy(objects, path)?,
            "destination" => destination(objects, path)?,
            "keyring" => keyring(objects, path)?,
            "local-user" => local_user(objects, path)?,
            "port-channel" => port_channel(objects, path)?,
            "interface" => subinterfaces(objects, path)?,
            "app-instance" => app_instance(objects, path)?,
            "breakout" => breakout(objects, path)?,
            "external-port-link" => port_link(objects, path)?,
            "logical-device" => logical_device(objects, path)?,
            _ => {}
        }
    }
    Ok(())
}

/// Two sessions may each have stayed below the limit.
fn limit(objects: &Objects, path: &Path) -> Result<(), String> {
    for class in path.class().children {
        let Origin::Operator { max } = class.origin else { continue };
        if objects.children(path, class.name).len() > max {
            return Err(format!("There may be at most {max} {} objects.", class.name));
        }
    }
    Ok(())
}

fn services(objects: &Objects, path: &Path) -> Result<(), String> {
    let timezone = objects.text(path, "timezone");
    if !timezone.is_empty() && zone::find(&timezone).is_none() {
        return Err(format!("Timezone {timezone} does not exist."));
    }
    let name = objects.text(path, "https keyring");
    exists(objects, &[("security", &[]), ("keyring", &[&name])], "Keyring", &name)
}

fn exists(
    objects: &Objects,
    names: &[(&str, &[&str])],
    what: &str,
    name: &str,
) -> Result<(), String> {
    let found = Path::find(names).is_some_and(|path| objects.exists(&path));
    if found { Ok(()) } else { Err(format!("{what} {name} does not exist.")) }
}

fn ip_block(path: &Path) -> Result<(), String> {
    let [address, prefix, ..] = path.key() else { return Ok(()) };
    let bits: u32 = prefix.parse().unwrap_or(u32::MAX);
    let clean = match address.parse() {
        Ok(IpAddr::V4(v4)) => bits <= 32 && v4.to_bits().checked_shl(bits).unwrap_or(0) == 0,
        Ok(IpAddr::V6(v6)) => bits <= 128 && v6.to_bits().checked_shl(bits).unwrap_or(0) == 0,
        Err(_) => false,
    };
    if clean { Ok(()) } else { Err(format!("{address} is no network of prefix length {prefix}.")) }
}

fn session_limits(objects: &Objects, path: &Path) -> Result<(), String> {
    let (each, total) = (number(objects, path, "per-user"), number(objects, path, "total"));
    if each > total {
        return Err(format!("Sessions per user ({each}) may not exceed the total ({total})."));
    }
    Ok(())
}

fn number(objects: &Objects, path: &Path, words: &str) -> u32 {
    match objects.get(path, Verb::Set, words) {
        Value::Number(number) => number,
        Value::Unset
        | Value::Flag(_)
        | Value::Word(_)
        | Value::List(_)
        | Value::Address(_)
        | Value::Text(_)
        | Value::Secret(_) => 0,
    }
}

fn out_of_band(objects: &Objects, path: &Path) -> Result<(), String> {
    let read =
        |words: &str| -> u32 { objects.text(path, words).parse().map_or(0, Ipv4Addr::to_bits) };
    let (ip, mask, gateway) =
        (read("out-of-band ip"), read("out-of-band netmask"), read("out-of-band gw"));
    if ip == 0 {
        return Ok(());
    }
    let host = ip & !mask;
    // Networks of 31 and 32 bits have no network and broadcast address of their own.
    let reserved = mask.leading_ones() < 31 && (host == 0 || host == !mask);
    if mask == 0 || reserved {
        return Err("Out-of-band IP address and netmask do not fit together.".to_owned());
    }
    if gateway != 0 && (gateway & mask != ip & mask || gateway == ip) {
        return Err("Out-of-band gateway is not in the subnet of the IP address.".to_owned());
    }
    Ok(())
}

fn proxy(objects: &Objects, path: &Path) -> Result<(), String> {
    let on = objects.get(path, Verb::Set, "http-proxy-server-enable") == Value::Flag(true);
    if on && objects.text(path, "http-proxy-server-url").is_empty() {
        return Err("HTTP/HTTPS proxy server address must be set.".to_owned());
    }
    Ok(())
}

fn destination(objects: &Objects, path: &Path) -> Result<(), String> {
    let address = objects.text(path, "address");
    let fits = match objects.text(path, "protocol").as_str() {
        "email" => address.contains('@'),
        _ => split_url(&address).is_some(),
    };
    if fits || address.is_empty() {
        return Ok(());
    }
    Err(format!("Destination {}: address does not fit its transport protocol.", path.name()))
}

fn keyring(objects: &Objects, path: &Path) -> Result<(), String> {
    let name = objects.text(path, "trustpoint");
    if name.is_empty() {
        return Ok(());
    }
    exists(objects, &[("security", &[]), ("trustpoint", &[&name])], "Trustpoint", &name)
}

/// # Source
/// Vendor's configuration guide, user management: which names there may be, and that the account
/// `admin` is always active, does not expire and keeps its role. The sentences are ours.
fn local_user(objects: &Objects, path: &Path) -> Result<(), String> {
    let name = path.name();
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if !name.bytes().all(fine) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!(
            "User name {name} must begin with a letter and consist of letters, digits, _, - and ."
        ));
    }
    if name != "admin" {
        return Ok(());
    }
    if objects.text(path, "account-status") != "active" {
        return Err("User admin must be active.".to_owned());
    }
    if objects.text(path, "expiration") != "never" {
        return Err("User admin may not expire.".to_owned());
    }
    if !objects.children(path, "role").iter().any(|role| role.name() == "admin") {
        return Err("User admin must have the role admin.".to_owned());
    }
    Ok(())
}

fn port_channel(objects: &Objects, path: &Path) -> Result<(), String> {
    subinterfaces(objects, path)?;
    let Some(fabric) = path.parent() else { return Ok(()) };
    for member in objects.children(path, "member-port") {
        let port = member.name();
        let Some(class) = fabric.class().child("interface") else { continue };
        let interface = fabric.child(class, &[port]);
        if !objects.exists(&interface) {
            return Err(format!("Interface {port} does not exist."));
        }
        if !objects.children(&interface, "subinterface").is_empty() {
            return Err(format!("Interface {port} has subinterfaces."));
        }
        let holders = objects.children(&fabric, "port-channel");
        let in_it = |channel: &&Path| {
            objects.children(channel, "member-port").iter().any(|other| other.name() == port)
        };
        if holders.iter().filter(in_it).count() > 1 {
            return Err(format!("Interface {port} is a member of more than one port-channel."));
        }
    }
    Ok(())
}

fn subinterfaces(objects: &Objects, path: &Path) -> Result<(), String> {
    let mut vlans: Vec<u32> = Vec::new();
    for sub in objects.children(path, "subinterface") {
        let vlan = number(objects, &sub, "vlan");
        if vlan == 0 {
            return Err(format!("VLAN of subinterface {} must be set.", sub.name()));
        }
        if vlans.contains(&vlan) {
            return Err(format!("VLAN {vlan} is used twice on {}.", path.name()));
        }
        vlans.push(vlan);
    }
    Ok(())
}

fn app_instance(objects: &Objects, path: &Path) -> Result<(), String> {
    let profile = objects.text(path, "resource-profile-name");
    let container = objects.text(path, "deploy-type") == "container";
    if profile.is_empty() {
        return Ok(());
    }
    if !container {
        return Err("A resource profile needs deploy type container.".to_owned());
    }
    exists(
        objects,
        &[("ssa", &[]), ("resource-profile", &[&profile])],
        "Resource profile",
        &profile,
    )
}

fn breakout(objects: &Objects, path: &Path) -> Result<(), String> {
    let [card, port] = path.key() else { return Ok(()) };
    let name = format!("Ethernet{card}/{port}");
    let names: [(&str, &[&str]); 3] =
        [("eth-uplink", &[]), ("fabric", &["a"]), ("interface", &[&name])];
    exists(objects, &names, "Interface", &name)
}

/// Finds the interface, lane, port-channel or subinterface of one that a link names.
fn port_link(objects: &Objects, path: &Path) -> Result<(), String> {
    let port = objects.text(path, "PORT");
    let uplink: [(&str, &[&str]); 2] = [("eth-uplink", &[]), ("fabric", &["a"])];
    let number = port.to_ascii_lowercase().strip_prefix("port-channel").map(str::to_owned);
    let (base, sub) = match port.split_once('.') {
        Some((base, sub)) => (base.to_owned(), Some(sub.to_owned())),
        None => (port.clone(), None),
    };
    let number = number.map(|n| n.split('.').next().unwrap_or_default().to_owned());
    let parent = match (&number, base.matches('/').count()) {
        (Some(number), _) => Path::find(&[uplink[0], uplink[1], ("port-channel", &[number])]),
        (None, 2) => {
            let whole = base.rsplit_once('/').map_or("", |(port, _)| port);
            let lane: (&str, &[&str]) = ("interface", &[&base]);
            Path::find(&[uplink[0], uplink[1], ("aggr-interface", &[whole]), lane])
        }
        (None, _) => Path::find(&[uplink[0], uplink[1], ("interface", &[&base])]),
    };
    let found = parent.and_then(|parent| match &sub {
        Some(sub) => Some(parent.child(parent.class().child("subinterface")?, &[sub])),
        None => Some(parent),
    });
    if found.is_some_and(|path| objects.exists(&path)) {
        return Ok(());
    }
    Err(format!("Interface {port} does not exist."))
}

fn logical_device(objects: &Objects, path: &Path) -> Result<(), String> {
    let slots = objects.text(path, "SLOTS");
    for slot in slots.split(',').filter(|slot| !slot.is_empty()) {
        exists(objects, &[("ssa", &[]), ("slot", &[slot])], "Slot", slot)?;
    }
    Ok(())
}
