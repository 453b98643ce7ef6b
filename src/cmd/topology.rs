//! A lab's topology: what a TOML file may say, what it means, and why it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::ident::Slot;
use crate::base::platform::{Chassis as Model, Module};
use crate::base::time::Utc;
use crate::proto::authority::{AccountName, Release};

/// The topology that `vfxos lab` runs without a file, as `--print-topology` shows it.
pub const DEFAULT: &str = include_str!("default-topology.toml");
/// Longest topology file, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// Most chassis in one lab, all `count`s added up.
pub const CHASSIS_MAX: usize = 4096;
/// Most satellites in one lab.
const SATELLITES_MAX: usize = 16;
/// Longest name of a chassis, in bytes.
///
/// # Source
/// Recall: a system name takes up to 30 characters.
const NAME_LEN_MAX: usize = 30;
/// Longest serial number, in bytes.
///
/// # Source
/// Recall: the vendor's have 11 characters.
const SERIAL_LEN_MAX: usize = 32;

/// A whole lab, checked.
#[derive(Clone, Debug)]
pub struct Topology {
    /// What the lab's clock shows at its first start; the host's time without it.
    pub clock: Option<Utc>,
    /// State folder, where the command line names none.
    pub state: Option<PathBuf>,
    pub dns: Dns,
    pub ntp: Vec<Ipv4Addr>,
    pub authority: Authority,
    /// Where the lab's operator sits: connections from the host come from there.
    pub operator: Ipv4Addr,
    pub satellites: Vec<Satellite>,
    pub chassis: Vec<Chassis>,
}

/// The lab's name server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    pub address: Ipv4Addr,
    /// Names it knows besides the authority's.
    #[serde(default)]
    pub zone: BTreeMap<String, Vec<IpAddr>>,
}

/// The licence authority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Name under which the chassis call it.
    pub name: String,
    pub addresses: Vec<Ipv4Addr>,
    #[serde(default = "smart_account")]
    pub smart_account: String,
    #[serde(default = "virtual_account")]
    pub virtual_account: String,
}

impl Authority {
    /// Returns what its first account is called.
    pub fn account(&self) -> AccountName {
        let (smart_account, virtual_account) = (&self.smart_account, &self.virtual_account);
        AccountName {
            smart_account: smart_account.clone(),
            virtual_account: virtual_account.clone(),
        }
    }
}

fn smart_account() -> String {
    "vfxos Lab".to_owned()
}

fn virtual_account() -> String {
    "Default".to_owned()
}

/// A satellite of the licence authority, inside the chassis's own network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Satellite {
    /// Name under which the chassis call it, and `vfxos ctl at`.
    pub name: String,
    pub address: Ipv4Addr,
    /// Before 2.3.0 its tokens carry no export flag.
    #[serde(default = "current")]
    pub version: Release,
}

const fn current() -> Release {
    Release::CURRENT
}

/// One chassis.
#[derive(Clone, Debug)]
pub struct Chassis {
    pub name: String,
    pub model: &'static Model,
    pub serial: String,
    pub address: Ipv4Addr,
    pub prefix_len: u8,
    pub gateway: Ipv4Addr,
    pub dns: Vec<IpAddr>,
    pub ntp: Vec<IpAddr>,
    pub domain: String,
    /// How far its clock runs ahead of the lab's when it starts, in milliseconds.
    pub clock_skew_ms: i64,
    /// True if nobody has configured it: its console begins with the first-boot dialog.
    pub setup: bool,
    pub blades: Vec<Blade>,
}

/// One ASA security module.
#[derive(Clone, Debug)]
pub struct Blade {
    pub slot: Slot,
    pub module: &'static Module,
    pub serial: String,
}

/// Why a topology is refused: where, what, and what to do.
#[derive(Debug, Error)]
#[error("topology {file}: {what}")]
pub struct TopologyError {
    file: String,
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    lab: Lab,
    dns: Dns,
    ntp: Ntp,
    authority: Authority,
    #[serde(default)]
    operator: Operator,
    #[serde(default)]
    satellite: Vec<Satellite>,
    chassis: Vec<ChassisRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operator {
    address: Ipv4Addr,
}

impl Default for Operator {
    /// # Source
    /// Client kick: `Last login: Wed Jun 26 22:17:30 2019 from 10.83.65.41`.
    fn default() -> Operator {
        Operator { address: Ipv4Addr::new(10, 83, 65, 41) }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lab {
    clock: Option<String>,
    state: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ntp {
    servers: Vec<Ipv4Addr>,
}

/// One `[[chassis]]` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChassisRow {
    pub name: String,
    pub model: String,
    #[serde(default)]
    pub serial: Option<String>,
    pub address: String,
    /// 0.0.0.0 for none, which only a chassis by itself may have.
    pub gateway: Ipv4Addr,
    #[serde(default)]
    pub dns: Vec<IpAddr>,
    #[serde(default)]
    pub ntp: Vec<IpAddr>,
    #[serde(default)]
    pub domain: String,
    #[serde(default)]
    pub clock_skew_ms: i64,
    #[serde(default)]
    pub setup: bool,
    #[serde(default = "one")]
    pub count: u32,
    #[serde(default)]
    pub blade: Vec<BladeRow>,
}

impl ChassisRow {
    /// Returns the one chassis that it describes, checked as those of a topology are.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn chassis(&self) -> Result<Chassis, String> {
        let mut all = Vec::new();
        expand(self, &mut all)?;
        let chassis = all.pop().ok_or("no chassis")?;
        let own = [&chassis.serial].into_iter();
        for serial in own.chain(chassis.blades.iter().map(|blade| &blade.serial)) {
            check_serial(serial, &chassis.name)?;
        }
        Ok(chassis)
    }
}

const fn one() -> u32 {
    1
}

/// One `[[chassis.blade]]` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BladeRow {
    pub slot: u8,
    #[serde(default)]
    pub module: Option<String>,
    #[serde(default)]
    pub serial: Option<String>,
}

impl Topology {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`TopologyError`] for a file that is missing, too long, not TOML, with an unknown key, or
    /// that describes a lab which cannot be: one line that names the file and the remedy.
    pub fn read(path: &Path) -> Result<Topology, TopologyError> {
        let refuse = |what: String| TopologyError { file: path.display().to_string(), what };
        let size = fs::metadata(path).map_err(|error| {
            refuse(format!("{error}; name a file that exists, or print one with --print-topology"))
        })?;
        if size.is_dir() {
            return Err(refuse(
                "it is a folder; name a file, or print one with --print-topology".to_owned(),
            ));
        }
        if size.len() > FILE_MAX {
            return Err(refuse(format!("{} bytes; a topology has at most {FILE_MAX}", size.len())));
        }
        let text = fs::read_to_string(path)
            .map_err(|error| refuse(format!("{error}; name a file that can be read, in UTF-8")))?;
        Topology::parse(&text, &path.display().to_string())
    }

    /// Returns the topology of [`DEFAULT`].
    ///
    /// # Errors
    /// Never for the text as shipped; a test holds it.
    pub fn built_in() -> Result<Topology, TopologyError> {
        Topology::parse(DEFAULT, "(built in)")
    }

    /// Checks the text of a file; `file` is what errors name.
    ///
    /// # Errors
    /// As [`Topology::read`].
    pub fn parse(text: &str, file: &str) -> Result<Topology, TopologyError> {
        let refuse = |what: String| TopologyError { file: file.to_owned(), what };
        let raw: File = toml::from_str(text).map_err(|error| refuse(one_line(text, &error)))?;
        let clock = match raw.lab.clock.as_deref() {
            None | Some("now") => None,
            Some(date) => Some(Utc::parse_iso(date).ok_or_else(|| {
                refuse(format!("lab.clock = \"{date}\" is no date; write 2020-08-04T07:58:13Z"))
            })?),
        };
        let mut chassis = Vec::new();
        for row in &raw.chassis {
            expand(row, &mut chassis).map_err(&refuse)?;
        }
        let topology = Topology {
            clock,
            state: raw.lab.state,
            dns: raw.dns,
            ntp: raw.ntp.servers,
            authority: raw.authority,
            operator: raw.operator.address,
            satellites: raw.satellite,
            chassis,
        };
        topology.check().map_err(refuse)?;
        Ok(topology)
    }

    /// Returns every address a lab host holds, with the name an error gives it.
    fn addresses(&self) -> impl Iterator<Item = (Ipv4Addr, String)> {
        let gateways: BTreeMap<Ipv4Addr, String> =
            self.chassis.iter().map(|chassis| (chassis.gateway, "a gateway".to_owned())).collect();
        let hosts = [
            (self.dns.address, "dns.address".to_owned()),
            (self.operator, "operator.address".to_owned()),
        ]
        .into_iter();
        hosts
            .chain(self.ntp.iter().map(|ip| (*ip, "ntp.servers".to_owned())))
            .chain(
                self.authority.addresses.iter().map(|ip| (*ip, "authority.addresses".to_owned())),
            )
            .chain(
                self.satellites.iter().map(|one| (one.address, format!("satellite {}", one.name))),
            )
            .chain(gateways)
            .chain(self.chassis.iter().map(|c| (c.address, format!("chassis {}", c.name))))
    }

    fn check(&self) -> Result<(), String> {
        if self.chassis.is_empty() {
            return Err("no [[chassis]]; a lab needs at least one".to_owned());
        }
        if self.authority.addresses.is_empty() {
            return Err("authority.addresses is empty; give it at least one address".to_owned());
        }
        if !is_host_name(&self.authority.name) {
            return Err(format!("authority.name = \"{}\" is no host name", self.authority.name));
        }
        if !self.authority.account().is_printable() {
            let max = AccountName::LEN_MAX;
            return Err(format!(
                "authority.smart_account and authority.virtual_account are 1 to {max} printable \
                 ASCII characters"
            ));
        }
        let mut taken: BTreeMap<Ipv4Addr, String> = BTreeMap::new();
        for (ip, who) in self.addresses() {
            if ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || ip.is_loopback() {
                return Err(format!("{who}: {ip} is no host address"));
            }
            if let Some(other) = taken.insert(ip, who.clone()) {
                return Err(format!("{who} and {other} both have {ip}; give each its own"));
            }
        }
        let mut names = BTreeMap::new();
        let mut serials = BTreeMap::new();
        for chassis in &self.chassis {
            if names.insert(&chassis.name, ()).is_some() {
                return Err(format!("two chassis are named {}; names are unique", chassis.name));
            }
            let own = [&chassis.serial].into_iter();
            for serial in own.chain(chassis.blades.iter().map(|blade| &blade.serial)) {
                check_serial(serial, &chassis.name)?;
                if serials.insert(serial, ()).is_some() {
                    return Err(format!("serial number {serial} is given twice"));
                }
            }
        }
        self.check_satellites()?;
        self.check_networks()
    }

    fn check_satellites(&self) -> Result<(), String> {
        if self.satellites.len() > SATELLITES_MAX {
            let count = self.satellites.len();
            return Err(format!("{count} satellites; a lab has at most {SATELLITES_MAX}"));
        }
        let mut names = BTreeSet::from([self.authority.name.to_ascii_lowercase()]);
        for satellite in &self.satellites {
            let name = &satellite.name;
            // Its state stands in a folder of this name.
            if !is_host_name(name) || name.starts_with('.') {
                return Err(format!(
                    "satellite name \"{}\" is no host name",
                    name.escape_default()
                ));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(format!("two authorities are named {name}; names are unique"));
            }
        }
        Ok(())
    }

    /// Refuses networks that overlap without being one, and hosts inside a chassis's network.
    fn check_networks(&self) -> Result<(), String> {
        let mut networks: BTreeMap<(Ipv4Addr, u8), &str> = BTreeMap::new();
        for chassis in &self.chassis {
            networks.insert(
                (network(chassis.address, chassis.prefix_len), chassis.prefix_len),
                &chassis.name,
            );
        }
        let all: Vec<_> = networks.iter().collect();
        for (i, ((net, len), name)) in all.iter().enumerate() {
            for ((other, other_len), other_name) in all.iter().skip(i + 1).copied() {
                let shorter = (*len).min(*other_len);
                if network(*net, shorter) == network(*other, shorter) {
                    return Err(format!(
                        "the networks of {name} ({net}/{len}) and {other_name} ({other}/{other_len}) overlap"
                    ));
                }
            }
            let far = self.satellites.iter().map(|satellite| satellite.address);
            let near = [self.dns.address, self.operator].into_iter();
            let remote = near.chain(self.ntp.iter().copied()).chain(far);
            for host in remote.chain(self.authority.addresses.iter().copied()) {
                if network(host, *len) == *net {
                    return Err(format!(
                        "{host} lies inside the management network {net}/{len} of {name}; \
                         the lab's servers stand behind the router"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Turns one `[[chassis]]` with its `count` into that many chassis.
fn expand(row: &ChassisRow, into: &mut Vec<Chassis>) -> Result<(), String> {
    let name = &row.name;
    // It names a folder too, so it may not be `.` or `..`.
    if !is_host_name(name) || name.len() > NAME_LEN_MAX || name.starts_with('.') {
        return Err(format!(
            "chassis name \"{name}\" is not 1 to {NAME_LEN_MAX} letters, digits, '-', '_' or '.', \
             the first no '.'"
        ));
    }
    let model = Model::find(&row.model).ok_or_else(|| {
        let known: Vec<_> = crate::base::platform::CHASSIS.iter().map(|c| c.model).collect();
        format!("chassis {name}: no model \"{}\"; there are {}", row.model, known.join(", "))
    })?;
    let bad = || format!("chassis {name}: address \"{}\" is not A.B.C.D/LEN", row.address);
    let (address, len) = row.address.split_once('/').ok_or_else(bad)?;
    let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
    let prefix_len: u8 = len.parse().ok().filter(|len| (1..=30).contains(len)).ok_or_else(bad)?;
    let on_link = |address| {
        // A lab refuses one without a gateway further on.
        row.gateway.is_unspecified()
            || network(address, prefix_len) == network(row.gateway, prefix_len)
    };
    if !on_link(address) {
        return Err(format!("chassis {name}: gateway {} is not on its network", row.gateway));
    }
    if row.count == 0 || into.len() + row.count as usize > CHASSIS_MAX {
        return Err(format!("chassis {name}: count = {}; a lab has 1 to {CHASSIS_MAX}", row.count));
    }
    if !row.domain.is_empty() && !is_host_name(&row.domain) {
        return Err(format!("chassis {name}: domain \"{}\" is no domain name", row.domain));
    }
    for index in 0..row.count {
        let address = Ipv4Addr::from(u32::from(address).wrapping_add(index));
        if !on_link(address) {
            return Err(format!("chassis {name}: count = {} leaves its network", row.count));
        }
        let name = if row.count == 1 { name.clone() } else { format!("{name}-{}", index + 1) };
        into.push(Chassis {
            serial: numbered(
                row.serial.as_deref().unwrap_or("JAD12345678"),
                into.len(),
                row,
                index,
            ),
            blades: blades(row, model, &name, into.len())?,
            name,
            model,
            address,
            prefix_len,
            gateway: row.gateway,
            dns: row.dns.clone(),
            ntp: row.ntp.clone(),
            domain: row.domain.clone(),
            clock_skew_ms: row.clock_skew_ms,
            setup: row.setup,
        });
    }
    Ok(())
}

/// Returns a serial number: the one given, or a made-up one that differs for every chassis.
fn numbered(given: &str, ordinal: usize, row: &ChassisRow, index: u32) -> String {
    match (row.serial.is_some(), row.count, ordinal) {
        (true, 1, _) | (false, _, 0) => given.to_owned(),
        (true, _, _) => format!("{given}{index:03X}"),
        (false, _, ordinal) => format!("JAD9{ordinal:07}"),
    }
}

fn blades(
    row: &ChassisRow,
    model: &'static Model,
    name: &str,
    ordinal: usize,
) -> Result<Vec<Blade>, String> {
    let mut blades: Vec<Blade> = Vec::new();
    for blade in &row.blade {
        let slot =
            Slot::new(blade.slot).filter(|slot| slot.number() <= model.slots).ok_or_else(|| {
                format!(
                    "chassis {name}: no slot {}; {} has {}",
                    blade.slot, model.model, model.slots
                )
            })?;
        if blades.iter().any(|other| other.slot == slot) {
            return Err(format!("chassis {name}: two blades in slot {slot}; a slot holds one"));
        }
        let pid = blade.module.as_deref().unwrap_or(model.module);
        let module =
            Module::find(pid).filter(|module| module.family == model.family).ok_or_else(|| {
                format!("chassis {name}: module \"{pid}\" does not exist or does not fit")
            })?;
        let serial = match (&blade.serial, ordinal, slot.number()) {
            (Some(serial), _, _) if row.count == 1 => serial.clone(),
            (Some(serial), ordinal, _) => format!("{serial}{ordinal:03X}"),
            (None, 0, 1) => "FCH12345ABC".to_owned(),
            (None, ordinal, slot) => format!("FCH{slot}{ordinal:07}"),
        };
        blades.push(Blade { slot, module, serial });
    }
    Ok(blades)
}

fn check_serial(serial: &str, chassis: &str) -> Result<(), String> {
    let fine = serial.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fine && (1..=SERIAL_LEN_MAX).contains(&serial.len()) {
        return Ok(());
    }
    Err(format!(
        "serial number \"{}\" of {chassis} is not 1 to {SERIAL_LEN_MAX} letters and digits",
        serial.escape_default()
    ))
}

fn network(address: Ipv4Addr, prefix_len: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix_len)).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}

fn is_host_name(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !name.is_empty() && name.len() <= 253 && name.bytes().all(fine)
}

/// Puts a TOML error on one line, with its place in the file.
fn one_line(text: &str, error: &toml::de::Error) -> String {
    let place = error.span().map_or(String::new(), |span| {
        let before = text.get(..span.start).unwrap_or_default();
        format!("line {}: ", before.matches('\n').count() + 1)
    });
    format!("{place}{}", error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests;
