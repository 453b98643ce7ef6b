//! Readings of chassis, supervisor and modules as hardware.

use super::{Look, Reading, ports};
use crate::base::ident::Slot;
use crate::base::platform::{FXOS_RELEASE, Module};
use crate::proto::config::Path;
use crate::proto::mio::Mio;

/// Most VLAN groups and forwarding paths of the switch.
///
/// # Source
/// Recall.
const VLAN_GROUPS_MAX: usize = 500;
const FORWARDING_PATHS_MAX: usize = 1021;
/// Letters that serial numbers of power supplies and of fans begin with.
///
/// # Source
/// Ours: two makers' letters, and digits of the chassis's own number.
const PSU_MAKER: &str = "LIT";
const FAN_MAKER: &str = "NWG";

pub(super) static READINGS: &[Reading] = &[
    ("/fabric-interconnect", "Product Name", |look| look.mio.facts.chassis.title.to_owned()),
    ("/fabric-interconnect", "PID", |look| look.mio.facts.chassis.udi_pid.to_owned()),
    ("/fabric-interconnect", "Serial (SN)", |look| look.mio.facts.serial.clone()),
    ("/fabric-interconnect", "Total Memory (MB)", |look| {
        look.mio.facts.chassis.memory_mb.to_string()
    }),
    ("/fabric-interconnect", VLAN_GROUPS, vlan_groups),
    ("/fabric-interconnect", FORWARDING_PATHS, forwarding_paths),
    ("/chassis/fabric-interconnect", "Product Name", |look| {
        look.mio.facts.chassis.title.to_owned()
    }),
    ("/chassis/fabric-interconnect", "PID", |look| look.mio.facts.chassis.udi_pid.to_owned()),
    ("/chassis/fabric-interconnect", "Serial (SN)", |look| look.mio.facts.serial.clone()),
    ("/chassis/fabric-interconnect", VLAN_GROUPS, vlan_groups),
    ("/chassis/fabric-interconnect", FORWARDING_PATHS, forwarding_paths),
    ("/chassis", "Product Name", |look| look.mio.facts.chassis.title.to_owned()),
    ("/chassis", "PID", |look| look.mio.facts.chassis.pid.to_owned()),
    ("/chassis", "Model", |look| look.mio.facts.chassis.pid.to_owned()),
    ("/chassis", "Serial (SN)", |look| look.mio.facts.serial.clone()),
    ("/chassis/fan-module", "PID", |look| look.mio.facts.chassis.fan_pid.to_owned()),
    ("/chassis/fan-module", "Serial (SN)", |look| part_serial(look, FAN_MAKER)),
    ("/chassis/psu", "PID", |look| look.mio.facts.chassis.psu_pid.to_owned()),
    ("/chassis/psu", "Serial (SN)", |look| part_serial(look, PSU_MAKER)),
    ("/server", "Slot Status", |look| seat(look, "Equipped", "Empty")),
    ("/server", "Equipped Conn Path", |look| seat(look, "A", "Unknown")),
    ("/server", "Equipped Conn Status", |look| seat(look, "A", "Unknown")),
    ("/server", "Equipped Managing Instance", |look| seat(look, "A", "")),
    ("/server", "Availability", |look| seat(look, "Unavailable", "")),
    ("/server", "Admin State", |look| seat(look, "In Service", "")),
    ("/server", "Overall Status", overall_status),
    ("/server", "Oper Qualifier", |look| seat(look, "N/A", "")),
    ("/server", "Discovery", |look| match module_state(look) {
        ModuleState::Empty => String::new(),
        ModuleState::Attached => "Complete".to_owned(),
        ModuleState::Off | ModuleState::Silent => "In Progress".to_owned(),
    }),
    ("/server", "Check Point", |look| match module_state(look) {
        ModuleState::Empty => String::new(),
        ModuleState::Attached => "Discovered".to_owned(),
        ModuleState::Off | ModuleState::Silent => "Shallow Checkpoint".to_owned(),
    }),
    ("/server", "Oper Power", |look| match module_state(look) {
        ModuleState::Empty => String::new(),
        ModuleState::Off => "Off".to_owned(),
        ModuleState::Attached | ModuleState::Silent => "On".to_owned(),
    }),
    ("/server", "Equipped Product Name", |look| {
        module(look).map_or(String::new(), |module| product_name(module.pid))
    }),
    ("/server", "Equipped PID", |look| {
        module(look).map_or(String::new(), |module| module.pid.to_owned())
    }),
    ("/server", "Equipped Serial (SN)", |look| {
        let hello = look.slot().and_then(|slot| look.mio.broker.attached(slot));
        hello.map_or(String::new(), |hello| hello.serial.clone())
    }),
    ("/server", "Cores", |look| module(look).map_or(String::new(), |m| m.cores.to_string())),
    ("/server", "Memory (MB)", |look| {
        module(look).map_or(String::new(), |module| module.memory_mb.to_string())
    }),
    ("/firmware/auto-install", "Package-Vers", |_| FXOS_RELEASE.to_owned()),
];

const VLAN_GROUPS: &str = "Ingress VLAN Group Entry Count (Current/Max)";
const FORWARDING_PATHS: &str = "Switch Forwarding Path Entry Count (Current/Max)";

/// How a slot's module stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModuleState {
    /// There is none.
    Empty,
    /// An operator switched it off.
    Off,
    /// It is there and has not come up, or has gone.
    Silent,
    Attached,
}

pub(super) fn module_state(look: Look<'_>) -> ModuleState {
    look.slot().map_or(ModuleState::Empty, |slot| state_of(look.mio, slot))
}

pub(super) fn state_of(mio: &Mio, slot: Slot) -> ModuleState {
    let broker = &mio.broker;
    if broker.is_up(slot) {
        ModuleState::Attached
    } else if !broker.is_equipped(slot) {
        ModuleState::Empty
    } else if broker.is_off(slot) {
        ModuleState::Off
    } else {
        ModuleState::Silent
    }
}

/// Returns the module that a slot holds: what it said of itself, or what the chassis comes with.
pub(super) fn module(look: Look<'_>) -> Option<&'static Module> {
    let slot = look.slot()?;
    let said = look.mio.broker.attached(slot).and_then(|hello| Module::find(&hello.module));
    let usual = || Module::find(look.mio.facts.chassis.module);
    said.or_else(|| usual().filter(|_| module_state(look) != ModuleState::Empty))
}

/// # Source
/// Recall of the shape, `Cisco Firepower 9000 Series High Performance Security Module`.
fn product_name(pid: &str) -> String {
    let series = if pid.starts_with("FPR9K") { "9000" } else { "4100" };
    format!(
        "Cisco Firepower {series} Series Security Module {}",
        pid.rsplit('-').next().unwrap_or("")
    )
}

fn seat(look: Look<'_>, equipped: &str, empty: &str) -> String {
    let is_empty = module_state(look) == ModuleState::Empty;
    (if is_empty { empty } else { equipped }).to_owned()
}

fn overall_status(look: Look<'_>) -> String {
    let text = match module_state(look) {
        ModuleState::Empty => "",
        ModuleState::Off => "Power Off",
        ModuleState::Silent => "Discovery",
        ModuleState::Attached => "Ok",
    };
    text.to_owned()
}

fn part_serial(look: Look<'_>, maker: &str) -> String {
    let serial = &look.mio.facts.serial;
    let tail = serial.get(3..).unwrap_or(serial);
    format!("{maker}{tail}-{}", look.path.name())
}

fn vlan_groups(look: Look<'_>) -> String {
    let Some(fabric) = Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]) else {
        return String::new();
    };
    let objects = look.objects();
    let parents = ["interface", "port-channel"].map(|class| objects.children(&fabric, class));
    let count = |parent: &Path| objects.children(parent, "subinterface").len();
    let vlans: usize = parents.iter().flatten().map(count).sum();
    format!("{vlans}/{VLAN_GROUPS_MAX}")
}

fn forwarding_paths(look: Look<'_>) -> String {
    let devices = Path::find(&[("ssa", &[])])
        .map_or(Vec::new(), |ssa| look.objects().children(&ssa, "logical-device"));
    let links = devices.iter().map(|device| ports::linked(look.objects(), device).len());
    format!("{}/{FORWARDING_PATHS_MAX}", links.sum::<usize>())
}
