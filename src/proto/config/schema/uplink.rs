//! `/eth-uplink`: interfaces, port-channels, subinterfaces, lanes of ports that are broken out.

use super::hardware::SIDE;
use super::{Class, Column, KICK, Key, Kind, Property, Word};
use crate::base::source::Source;

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

const TABLE: Source = Source::Device("kick-show-port-channel.txt");

/// `/eth-uplink`.
pub(super) static UPLINK: Class =
    Class::single("eth-uplink", "Ethernet Uplink", KICK).over(&[&FABRIC]);

static FABRIC: Class = Class::hardware("fabric", "Fabric", &[SIDE], KICK).over(&[
    &AGGR_INTERFACE,
    &INTERFACE,
    &PORT_CHANNEL,
]);

static INTERFACE: Class =
    Class::hardware("interface", "Interface", &[Key::new("NAME", "Port Name", Kind::Port)], KICK)
        .with(LINK_PROPERTIES)
        .table(LINK_TABLE)
        .over(&[&SUBINTERFACE]);

/// Kick checks the labels `Port Type`, `Admin State` and their values after a commit.
static LINK_PROPERTIES: &[Property] = &[
    Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet(),
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::enable("", "Admin State").from(KICK),
    Property::fact("Oper State").from(TABLE),
    Property::fact("State Reason").from(TABLE),
    Property::set("admin-speed", "Admin Speed", Kind::Words(&SPEEDS)).default("10gbps").quiet(),
    Property::set("admin-duplex", "Admin Duplex", Kind::Words(&DUPLEXES))
        .default("fullduplex")
        .quiet(),
    Property::fact("Oper Speed"),
    Property::set("auto-negotiation", "Auto negotiation", super::YES_NO).default("yes").quiet(),
    Property::fact("Allowed Vlan").default("All"),
];

static LINK_TABLE: &[Column] = &[
    Column::new("Port Name", 15),
    Column::new("Port Type", 18),
    Column::new("Admin State", 11),
    Column::new("Oper State", 16),
    Column::new("Allowed Vlan", 12),
    Column::new("State Reason", 12),
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

const DUPLEXES: [Word; 2] = [("fullduplex", "Full Duplex"), ("halfduplex", "Half Duplex")];

static PORT_CHANNEL: Class = Class::operator(
    "port-channel",
    "Port Channel",
    &[Key::new("ID", "Port Channel Id", Kind::Number { min: 1, max: 48 })],
    PORT_CHANNELS_MAX,
    KICK,
)
.with(&[
    Property::fact("Name").from(TABLE),
    Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet(),
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::enable("", "Admin State").from(KICK),
    Property::fact("Oper State").from(TABLE),
    Property::fact("State Reason").from(TABLE),
    Property::set("port-channel-mode", "Port Channel Mode", Kind::Words(&MODES))
        .default("active")
        .quiet(),
    Property::set("speed", "Speed", Kind::Words(&SPEEDS)).default("10gbps").quiet(),
    Property::set("duplex", "Duplex", Kind::Words(&DUPLEXES)).default("fullduplex").quiet(),
    Property::set("auto-negotiation", "Auto negotiation", super::YES_NO).default("yes").quiet(),
])
.table(&[
    Column::new("Port Channel Id", 15),
    Column::new("Name", 16),
    Column::new("Port Type", 18),
    Column::new("Admin State", 11),
    Column::new("Oper State", 16),
    Column::new("State Reason", 12),
])
.over(&[&MEMBER_PORT, &SUBINTERFACE]);

const MODES: [Word; 2] = [("active", "Active"), ("on", "On")];

static MEMBER_PORT: Class = Class::operator(
    "member-port",
    "Member Port",
    &[Key::new("NAME", "Port Name", Kind::Port)],
    MEMBERS_MAX,
    KICK,
)
.with(&[
    Property::fact("Membership").from(TABLE),
    Property::enable("", "Admin State").default("enabled").quiet().from(KICK),
    Property::fact("Oper State").from(TABLE),
    Property::fact("State Reason").from(TABLE),
])
.table(&[
    Column::new("Port Name", 15),
    Column::new("Membership", 18),
    Column::new("Oper State", 16),
    Column::new("State Reason", 12),
]);

/// Kick reads `Sub-If Id`, `Sub-Interface Name`, `Port Type` and `VLAN`, and switches it.
static SUBINTERFACE: Class = Class::operator(
    "subinterface",
    "Sub Interface",
    &[Key::new("ID", "Sub-If Id", Kind::Number { min: 1, max: 4_294_967_295 })],
    SUBINTERFACES_MAX,
    KICK,
)
.with(&[
    Property::fact("Sub-Interface Name").from(KICK),
    Property::set("port-type", "Port Type", Kind::Words(&PORT_TYPES)).default("data").from(KICK),
    Property::set("vlan", "VLAN", Kind::Number { min: 1, max: 4094 }).from(KICK),
    Property::enable("", "Admin State").default("enabled").quiet().from(KICK),
])
.table(&[
    Column::number("Sub-If Id", 10),
    Column::new("Sub-Interface Name", 20),
    Column::number("VLAN", 5),
    Column::new("Port Type", 18),
]);

/// A port that is broken out; its lanes are the interfaces below it.
static AGGR_INTERFACE: Class = Class::derived(
    "aggr-interface",
    "Aggregate Interface",
    &[Key::new("NAME", "Port Name", Kind::Port)],
    KICK,
)
.with(&[Property::fact("Config State").from(KICK)])
.table(&[Column::new("Port Name", 15), Column::new("Config State", 12)])
.over(&[&LANE]);

static LANE: Class =
    Class::derived("interface", "Interface", &[Key::new("NAME", "Port Name", Kind::Port)], KICK)
        .with(LINK_PROPERTIES)
        .table(LINK_TABLE)
        .over(&[&SUBINTERFACE]);
