//! `/eth-uplink`: interfaces, port-channels, subinterfaces.

use super::{Class, KICK, Key, Kind, Property, Word};

/// Most port-channels of a chassis.
///
/// # Source
/// Recall.
const PORT_CHANNELS_MAX: usize = 48;
/// Most members of a port-channel.
///
/// # Source
/// Recall.
const MEMBERS_MAX: usize = 16;
/// Most subinterfaces of one interface.
///
/// # Source
/// Recall.
const SUBINTERFACES_MAX: usize = 500;

/// `/eth-uplink`.
pub(super) static UPLINK: Class =
    Class::single("eth-uplink", "Ethernet Uplink", KICK).over(&[&FABRIC]);

const SIDES: [Word; 1] = [("a", "A")];

static FABRIC: Class =
    Class::hardware("fabric", "Fabric", &[Key::new("ID", "ID", Kind::Words(&SIDES))], KICK)
        .over(&[&INTERFACE, &PORT_CHANNEL]);

static INTERFACE: Class =
    Class::hardware("interface", "Interface", &[Key::new("NAME", "Port Name", Kind::Port)], KICK)
        .with(LINK_PROPERTIES)
        .over(&[&SUBINTERFACE]);

/// Kick checks the labels `Port Type`, `Admin State` and their values after a commit.
static LINK_PROPERTIES: &[Property] = &[
    Property::enable("", "Admin State").from(KICK),
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::set("admin-speed", "Admin Speed", Kind::Words(&SPEEDS)).default("10gbps").quiet(),
    Property::set("auto-negotiation", "Auto negotiation", super::YES_NO).default("yes").quiet(),
    Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet(),
];

const PORT_TYPES: [Word; 5] = [
    ("cluster", "Cluster"),
    ("data", "Data"),
    ("data-sharing", "Data Sharing"),
    ("firepower-eventing", "Firepower Eventing"),
    ("mgmt", "Mgmt"),
];

const SPEEDS: [Word; 6] = [
    ("100mbps", "100 Mbps"),
    ("1gbps", "1 Gbps"),
    ("10gbps", "10 Gbps"),
    ("25gbps", "25 Gbps"),
    ("40gbps", "40 Gbps"),
    ("100gbps", "100 Gbps"),
];

static PORT_CHANNEL: Class = Class::operator(
    "port-channel",
    "Port Channel",
    &[Key::new("ID", "Port Channel Id", Kind::Number { min: 1, max: 48 })],
    PORT_CHANNELS_MAX,
    KICK,
)
.with(&[
    Property::enable("", "Admin State").from(KICK),
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::set("port-channel-mode", "Port Channel Mode", Kind::Words(&MODES))
        .default("active")
        .quiet(),
    Property::set("speed", "Speed", Kind::Words(&SPEEDS)).default("10gbps").quiet(),
])
.over(&[&MEMBER_PORT, &SUBINTERFACE]);

const MODES: [Word; 2] = [("active", "Active"), ("on", "On")];

static MEMBER_PORT: Class = Class::operator(
    "member-port",
    "Member Port",
    &[Key::new("NAME", "Port Name", Kind::Port)],
    MEMBERS_MAX,
    KICK,
);

static SUBINTERFACE: Class = Class::operator(
    "subinterface",
    "Sub Interface",
    &[Key::new("ID", "Sub-If Id", Kind::Number { min: 1, max: 4_294_967_295 })],
    SUBINTERFACES_MAX,
    KICK,
)
.with(&[
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::set("vlan", "VLAN", Kind::Number { min: 1, max: 4094 }).from(KICK),
]);
