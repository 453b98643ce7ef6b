//! Readings of interfaces, port-channels and their members.

use super::{Look, Reading};
use crate::proto::config::{Objects, Path};
use crate::proto::mio::Mio;

/// How a port, or a port-channel, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Up,
    /// Switched off by an operator.
    AdminDown,
    /// Nothing is plugged in.
    Down,
    /// A port-channel none of whose members is up.
    Failed,
}

impl Link {
    /// Returns what listings print as `Oper State`.
    ///
    /// # Source
    /// `kick-show-port-channel.txt` for `Admin Down`; the others are recall.
    pub const fn text(self) -> &'static str {
        match self {
            Link::Up => "Up",
            Link::AdminDown => "Admin Down",
            Link::Down => "Link Down",
            Link::Failed => "Failed",
        }
    }

    /// Returns what listings print as `State Reason`.
    ///
    /// # Source
    /// `kick-show-port-channel.txt` for `Administratively down`; the others are recall.
    pub const fn reason(self) -> &'static str {
        match self {
            Link::Up => "",
            Link::AdminDown => "Administratively down",
            Link::Down => "Link failure or not-connected",
            Link::Failed => "No operational members",
        }
    }
}

const INTERFACE: &str = "/eth-uplink/fabric/interface";
const LANE: &str = "/eth-uplink/fabric/aggr-interface/interface";
const CHANNEL: &str = "/eth-uplink/fabric/port-channel";
const MEMBER: &str = "/eth-uplink/fabric/port-channel/member-port";

pub(super) static READINGS: &[Reading] = &[
    (INTERFACE, "Oper State", state),
    (INTERFACE, "State Reason", reason),
    (INTERFACE, "Oper Speed", speed),
    (LANE, "Oper State", state),
    (LANE, "State Reason", reason),
    (LANE, "Oper Speed", speed),
    (CHANNEL, "Name", |look| port_name(look.path)),
    (CHANNEL, "Oper State", state),
    (CHANNEL, "State Reason", reason),
    (MEMBER, "Membership", |look| {
        (if link_of(look.mio, look.path) == Link::Up { "Up" } else { "Down" }).to_owned()
    }),
    (MEMBER, "Oper State", state),
    (MEMBER, "State Reason", reason),
    ("/eth-uplink/fabric/interface/subinterface", "Sub-Interface Name", sub_name),
    ("/eth-uplink/fabric/port-channel/subinterface", "Sub-Interface Name", sub_name),
    ("/eth-uplink/fabric/aggr-interface/interface/subinterface", "Sub-Interface Name", sub_name),
    ("/eth-uplink/fabric/aggr-interface", "Config State", |_| "Applied".to_owned()),
];

fn state(look: Look<'_>) -> String {
    link_of(look.mio, look.path).text().to_owned()
}

fn reason(look: Look<'_>) -> String {
    link_of(look.mio, look.path).reason().to_owned()
}

fn speed(look: Look<'_>) -> String {
    let class = look.path.class();
    let property = class.properties.iter().find(|property| property.words == "admin-speed");
    property.map_or(String::new(), |property| look.objects().listed(look.path, property))
}

fn sub_name(look: Look<'_>) -> String {
    let parent = look.path.parent().unwrap_or_default();
    format!("{}.{}", port_name(&parent), look.path.name())
}

/// Returns a port's name as links of logical devices have it.
pub(super) fn port_name(path: &Path) -> String {
    match path.class().name {
        "port-channel" => format!("Port-channel{}", path.name()),
        _ => path.name().to_owned(),
    }
}

/// Returns how an interface, a lane, a port-channel or a member stands.
pub fn link_of(mio: &Mio, path: &Path) -> Link {
    let objects = mio.config.objects();
    match path.class().name {
        "port-channel" if !objects.is_enabled(path, "") => Link::AdminDown,
        "port-channel" => {
            let members = objects.children(path, "member-port");
            let up = members.iter().any(|member| link_of(mio, member) == Link::Up);
            if up { Link::Up } else { Link::Failed }
        }
        "member-port" => {
            let channel = path.parent().unwrap_or_default();
            let on = objects.is_enabled(&channel, "") && objects.is_enabled(path, "");
            port(mio, on, path.name())
        }
        _ => match membership(objects, path) {
            // The channel switches its members.
            Some(member) => link_of(mio, &member),
            None => port(mio, objects.is_enabled(path, ""), path.name()),
        },
    }
}

/// Returns the member of a port-channel that an interface is.
fn membership(objects: &Objects, interface: &Path) -> Option<Path> {
    let fabric = interface.parent()?;
    let channels = objects.children(&fabric, "port-channel").into_iter();
    let mut members = channels.flat_map(|channel| objects.children(&channel, "member-port"));
    members.find(|member| member.name() == interface.name())
}

fn port(mio: &Mio, on: bool, name: &str) -> Link {
    match (on, mio.unplugged.contains(name)) {
        (false, _) => Link::AdminDown,
        (true, true) => Link::Down,
        (true, false) => Link::Up,
    }
}

/// Returns the links of a logical device.
pub(super) fn linked(objects: &Objects, device: &Path) -> Vec<Path> {
    objects.children(device, "external-port-link")
}

/// Returns the type of a port that a link names, `Data`; empty if there is no such port.
pub(super) fn type_of(objects: &Objects, name: &str) -> String {
    let Some(fabric) = Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]) else {
        return String::new();
    };
    let below = |parent: &Path, class: &str| objects.children(parent, class);
    let lanes = below(&fabric, "aggr-interface").into_iter().flat_map(|p| below(&p, "interface"));
    let ports = below(&fabric, "interface").into_iter().chain(below(&fabric, "port-channel"));
    for port in ports.chain(lanes) {
        let whole = port_name(&port);
        if whole.eq_ignore_ascii_case(name) {
            return listed_type(objects, &port);
        }
        for sub in below(&port, "subinterface") {
            if format!("{whole}.{}", sub.name()).eq_ignore_ascii_case(name) {
                return listed_type(objects, &sub);
            }
        }
    }
    String::new()
}

fn listed_type(objects: &Objects, path: &Path) -> String {
    let property = path.class().properties.iter().find(|property| property.words == "port-type");
    property.map_or(String::new(), |property| objects.listed(path, property))
}
