//! The configuration as other machines need it: typed, with names instead of paths.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::factory::{OutOfBand, Trustpoint};
use super::objects::Objects;
use super::path::Path;
use super::schema::Verb;
use super::value::{Value, split_url};
use crate::base::ident::Slot;
use crate::wire::units::Bootstrap;

/// An address range that may reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpBlock {
    pub network: IpAddr,
    /// Bits.
    pub prefix: u8,
    pub service: Service,
}

/// A service of the chassis that ip-blocks guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Https,
    Ssh,
    Snmp,
}

/// Most sessions of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    pub per_user: usize,
    pub total: usize,
}

/// Session time-outs in seconds; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub idle: u32,
    pub absolute: u32,
    pub console_idle: u32,
    pub console_absolute: u32,
}

/// The HTTP proxy of callhome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Name or address.
    pub host: String,
    pub port: u16,
}

impl IpBlock {
    /// Tells whether `address` lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width.saturating_sub(u32::from(self.prefix));
            a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
        };
        match (self.network, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Trustpoint that vouches for the licence authority's word.
///
/// # Source
/// Seed, `show trustpoint`.
pub const LICENCE_TRUSTPOINT: &str = "CiscoLicRoot";

fn at(names: &[(&str, &[&str])]) -> Path {
    let path = Path::find(names);
    debug_assert!(path.is_some(), "{names:?} is not in the schema");
    path.unwrap_or_default()
}

/// Returns the path of `/system/services`.
pub fn services() -> Path {
    at(&[("system", &[]), ("services", &[])])
}

/// Returns the path of `/monitoring/callhome`.
pub fn callhome() -> Path {
    at(&[("monitoring", &[]), ("callhome", &[])])
}

/// Returns the path of `/security`.
pub fn security() -> Path {
    at(&[("security", &[])])
}

/// Returns the chassis's name, as prompts begin with it.
pub fn hostname(objects: &Objects) -> String {
    objects.text(&at(&[("system", &[])]), "name")
}

/// Returns the DNS servers, in the order of listings.
pub fn dns_servers(objects: &Objects) -> Vec<IpAddr> {
    let servers = objects.children(&services(), "dns");
    servers.iter().filter_map(|path| path.name().parse().ok()).collect()
}

/// Returns names or addresses of the NTP servers, in the order of listings.
pub fn ntp_servers(objects: &Objects) -> Vec<String> {
    let servers = objects.children(&services(), "ntp-server");
    servers.iter().map(|path| path.name().to_owned()).collect()
}

/// Returns the number and the text of the keys of the NTP servers, by name; none where NTP
/// authentication is off.
pub fn ntp_keys(objects: &Objects) -> Vec<(String, u32, String)> {
    if !is_service_on(objects, "ntp-authentication") {
        return Vec::new();
    }
    let servers = objects.children(&services(), "ntp-server");
    let key = |path: &Path| {
        let id = objects.text(path, "ntp-sha1-key-id").parse().ok().filter(|id| *id > 0)?;
        let text = objects.text(path, "ntp-sha1-key-string");
        (!text.is_empty()).then(|| (path.name().to_owned(), id, text))
    };
    servers.iter().filter_map(key).collect()
}

/// A server that the system log is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogServer {
    /// Name or address.
    pub host: String,
    /// Least urgent severity that is sent, 0 to 7.
    pub level: u8,
    /// Number of the facility, 16 for local0.
    pub facility: u8,
}

/// Returns the servers that the system log is sent to.
///
/// # Source
/// RFC 5424 section 6.2.1 for the numbers.
pub fn syslog_servers(objects: &Objects) -> Vec<SyslogServer> {
    const LEVELS: [&str; 8] = [
        "emergencies",
        "alerts",
        "critical",
        "errors",
        "warnings",
        "notifications",
        "information",
        "debugging",
    ];
    let path = at(&[("monitoring", &[])]);
    let server = |number: u8| {
        let words = format!("syslog remote-destination server-{number}");
        let read = |what: &str| objects.text(&path, &format!("{words} {what}"));
        let (host, level, facility) = (read("hostname"), read("level"), read("facility"));
        let level = LEVELS.iter().position(|word| *word == level)?;
        let facility: u8 = facility.strip_prefix("local")?.parse().ok()?;
        let on = objects.is_enabled(&path, &words) && !host.is_empty() && host != "none";
        let level = u8::try_from(level).ok()?;
        on.then_some(SyslogServer { host, level, facility: 16 + facility })
    };
    (1..=3).filter_map(server).collect()
}

/// Returns the DNS domain appended to names without a dot; empty for none.
pub fn domain_name(objects: &Objects) -> String {
    objects.text(&services(), "domain-name")
}

/// Returns the time zone, `Europe/Brussels`; empty for UTC.
pub fn timezone(objects: &Objects) -> String {
    objects.text(&services(), "timezone")
}

/// Returns the management port's address; `None` while it has none.
pub fn out_of_band(objects: &Objects) -> Option<OutOfBand> {
    let path = at(&[("fabric-interconnect", &["a"])]);
    let read = |words: &str| objects.text(&path, words).parse::<Ipv4Addr>().ok();
    let ip = read("out-of-band ip")?;
    let (netmask, gateway) = (read("out-of-band netmask")?, read("out-of-band gw")?);
    (!ip.is_unspecified()).then_some(OutOfBand { ip, netmask, gateway })
}

/// Returns the management port's address of IPv6, its prefix length and the gateway; `None` while it
/// has none.
pub fn out_of_band6(objects: &Objects) -> Option<(Ipv6Addr, u8, Option<Ipv6Addr>)> {
    let path = at(&[("fabric-interconnect", &["a"]), ("ipv6-config", &[])]);
    let read = |words: &str| objects.text(&path, words).parse::<Ipv6Addr>().ok();
    let address = read("out-of-band ipv6").filter(|address| !address.is_unspecified())?;
    let prefix = objects.text(&path, "out-of-band ipv6-prefix").parse().ok()?;
    let gateway = read("out-of-band ipv6-gw").filter(|gateway| !gateway.is_unspecified());
    Some((address, prefix, gateway))
}

/// Returns the URL of the licence authority; `None` while SLDest has none.
pub fn callhome_destination(objects: &Objects) -> Option<String> {
    let names: [(&str, &[&str]); 4] = [
        ("monitoring", &[]),
        ("callhome", &[]),
        ("profile", &["SLProfile"]),
        ("destination", &["SLDest"]),
    ];
    Some(objects.text(&at(&names), "address")).filter(|url| split_url(url).is_some())
}

/// Returns the proxy that callhome goes through, if one is on.
pub fn callhome_proxy(objects: &Objects) -> Option<Proxy> {
    let path = callhome();
    let on = objects.get(&path, Verb::Set, "http-proxy-server-enable") == Value::Flag(true);
    let host = objects.text(&path, "http-proxy-server-url");
    let port = objects.text(&path, "http-proxy-server-port").parse().unwrap_or(80);
    (on && !host.is_empty()).then_some(Proxy { host, port })
}

/// Returns the trustpoints, in the order of listings; those without certificates included.
pub fn trustpoints(objects: &Objects) -> Vec<Trustpoint> {
    let paths = objects.children(&security(), "trustpoint");
    let read = |path: &Path| Trustpoint {
        name: path.name().to_owned(),
        chain: objects.text(path, "certchain"),
    };
    paths.iter().map(read).collect()
}

/// Tells whether licences are to be reserved instead of registered for.
pub fn is_reservation_on(objects: &Objects) -> bool {
    objects.is_enabled(&at(&[("license", &[])]), "reservation")
}

/// Returns who may reach which service.
pub fn ip_blocks(objects: &Objects) -> Vec<IpBlock> {
    let read = |path: &Path| {
        let [network, prefix, service] = path.key() else { return None };
        let service = match service.as_str() {
            "https" => Service::Https,
            "ssh" => Service::Ssh,
            _ => Service::Snmp,
        };
        Some(IpBlock { network: network.parse().ok()?, prefix: prefix.parse().ok()?, service })
    };
    objects.children(&services(), "ip-block").iter().filter_map(read).collect()
}

/// Returns how many shell sessions there may be.
pub fn shell_limits(objects: &Objects) -> SessionLimits {
    limits(objects, "shell-session-limits")
}

/// Returns how many web sessions there may be.
pub fn web_limits(objects: &Objects) -> SessionLimits {
    limits(objects, "web-session-limits")
}

fn limits(objects: &Objects, class: &str) -> SessionLimits {
    let path = at(&[("system", &[]), ("services", &[]), (class, &[])]);
    let read = |words: &str| objects.text(&path, words).parse().unwrap_or(1);
    SessionLimits { per_user: read("per-user"), total: read("total") }
}

/// Returns when sessions end by themselves.
pub fn timeouts(objects: &Objects) -> Timeouts {
    let path = at(&[("security", &[]), ("default-auth", &[])]);
    let read = |words: &str| objects.text(&path, words).parse().unwrap_or(0);
    Timeouts {
        idle: read("session-timeout"),
        absolute: read("absolute-session-timeout"),
        console_idle: read("con-session-timeout"),
        console_absolute: read("con-absolute-session-timeout"),
    }
}

/// The SSH server, as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshServer {
    pub enabled: bool,
    /// Names as the CLI spells them; `None` where the default was left alone.
    pub kex: Option<Vec<String>>,
    pub mac: Option<Vec<String>>,
    pub ciphers: Option<Vec<String>>,
    /// Size of the RSA host key in bits; `None` if there is to be none.
    pub rsa_bits: Option<u32>,
    /// Curve of the ECDSA host key, `secp256r1`; `None` if there is to be none.
    pub curve: Option<String>,
    /// Volume in bytes and time in seconds after which keys are exchanged anew.
    pub rekey_volume: Option<u64>,
    pub rekey_s: Option<u64>,
}

/// Returns how the SSH server is configured.
pub fn ssh_server(objects: &Objects) -> SshServer {
    let path = services();
    let list = |words: &str| {
        let property = path.class().property(Verb::Set, words)?;
        let text = objects.text(&path, words);
        let default = property.kind.typed(&property.default_value());
        (text != default).then(|| text.split_ascii_whitespace().map(str::to_owned).collect())
    };
    let number = |words: &str| objects.text(&path, words).parse::<u64>().ok();
    let key = |words: &str| objects.get(&path, Verb::Create, words) == Value::Flag(true);
    let curve = objects.text(&path, "ssh-server host-key ecdsa");
    let bits = number("ssh-server host-key rsa").and_then(|bits| u32::try_from(bits).ok());
    SshServer {
        enabled: is_service_on(objects, "ssh-server"),
        kex: list("ssh-server kex-algorithm"),
        mac: list("ssh-server mac-algorithm"),
        ciphers: list("ssh-server encrypt-algorithm"),
        rsa_bits: bits.filter(|_| key("ssh-server host-key rsa")),
        curve: key("ssh-server host-key ecdsa").then_some(curve),
        rekey_volume: number("ssh-server rekey-limit volume").map(|kib| kib * 1024),
        rekey_s: number("ssh-server rekey-limit time").map(|minutes| minutes * 60),
    }
}

/// Tells whether `address` may reach a service.
///
/// # Source
/// Vendor's configuration guide: an access list of nothing lets nobody in; seed: `0.0.0.0 0` lets
/// everybody in.
pub fn may_reach(objects: &Objects, service: Service, address: IpAddr) -> bool {
    let blocks = ip_blocks(objects);
    blocks.iter().any(|block| block.service == service && block.contains(address))
}

/// Tells whether a service of `/system/services` is enabled: `https`, `ssh-server`,
/// `telnet-server`, `ntp-authentication`.
pub fn is_service_on(objects: &Objects, words: &str) -> bool {
    objects.is_enabled(&services(), words)
}

/// Returns what each slot of a clustered logical device is in its cluster.
///
/// # Source
/// Vendor's guide on clusters of a 9300, recall: units are named `unit-CHASSIS-SLOT`, their addresses
/// on the cluster control link are `127.2.CHASSIS.SLOT`, and it is port-channel 48.
pub fn clusters(objects: &Objects) -> BTreeMap<Slot, Bootstrap> {
    let mut clusters = BTreeMap::new();
    for device in objects.children(&at(&[("ssa", &[])]), "logical-device") {
        let bootstraps = objects.children(&device, "cluster-bootstrap");
        let Some(given) = bootstraps.first() else { continue };
        if objects.text(&device, "TYPE") != "clustered" {
            continue;
        }
        let chassis = objects.text(given, "chassis-id").parse::<u8>().unwrap_or(1);
        let name = objects.text(given, "name");
        let network = objects.text(given, "cluster-control-link network");
        let network = network.parse().ok().filter(|ip: &Ipv4Addr| !ip.is_unspecified());
        let [a, b, _, _] = network.unwrap_or(Ipv4Addr::new(127, 2, 0, 0)).octets();
        for slot in objects.text(&device, "SLOTS").split(',') {
            let Some(slot) = slot.trim().parse().ok().and_then(Slot::new) else { continue };
            let bootstrap = Bootstrap {
                group: if name.is_empty() { device.name().to_owned() } else { name.clone() },
                unit: format!("unit-{chassis}-{slot}"),
                port: "Port-channel48".to_owned(),
                address: Ipv4Addr::new(a, b, chassis, slot.number()),
                mask: Ipv4Addr::new(255, 255, 0, 0),
                // Ours: the first slot of the first chassis leads.
                priority: u32::from(chassis.saturating_sub(1)) * 3 + u32::from(slot.number()),
                key: objects.text(given, "key"),
            };
            clusters.insert(slot, bootstrap);
        }
    }
    clusters
}
