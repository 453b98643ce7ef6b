//! `/chassis`, `/server`, `/fabric-interconnect`, `/cabling`: hardware, most of it only looked at.

use super::{Class, Column, KICK, Key, Kind, Missing, Property, Word};
use crate::base::source::Source;

const SIDES: [Word; 1] = [("a", "A")];
/// The one side that these chassis have; it may be left out.
///
/// # Source
/// Client kick types `scope fabric a` and `scope fabric`.
pub(super) const SIDE: Key = Key::new("ID", "ID", Kind::Words(&SIDES)).or(Missing::Text("a"));

const OUT_OF_BAND: Source =
    Source::Client("firepower-kickstart: set out-of-band ip A netmask M gw G");
/// A baseline script of kick reads both counters.
const TCAM: Source = Source::Client("firepower-kickstart kick/device2/fxos/baseline_ssp.py");
const USER_LABEL: Property =
    Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet();

/// `/fabric-interconnect`.
///
/// # Source
/// Client kick for `IP Addr:` and the two counters; the other labels are those of the UCS sibling,
/// by recall.
pub(super) static FABRIC_INTERCONNECT: Class =
    Class::hardware("fabric-interconnect", "Fabric Interconnect", &[SIDE], KICK)
        .with(&[
            Property::fact("Product Name"),
            Property::fact("PID"),
            Property::fact("VID").default("V01"),
            Property::fact("Vendor").default("Cisco Systems, Inc."),
            Property::fact("Serial (SN)"),
            Property::fact("HW Revision").default("0"),
            Property::fact("Total Memory (MB)"),
            Property::set("out-of-band ip", "OOB IP Addr", Kind::Ipv4)
                .default("0.0.0.0")
                .group("out-of-band")
                .from(OUT_OF_BAND),
            Property::set("out-of-band netmask", "OOB Netmask", Kind::Mask)
                .default("0.0.0.0")
                .group("out-of-band")
                .from(OUT_OF_BAND),
            Property::set("out-of-band gw", "OOB Gateway", Kind::Ipv4)
                .default("0.0.0.0")
                .group("out-of-band")
                .from(OUT_OF_BAND),
            Property::fact("Operability").default("Operable"),
            Property::fact("Thermal Status").default("Ok"),
            Property::fact(VLAN_GROUPS).from(TCAM),
            Property::fact(FORWARDING_PATHS).from(TCAM),
        ])
        .table(&[
            Column::new("ID", 4),
            Column::new("OOB IP Addr", 15),
            Column::new("OOB Gateway", 15),
            Column::new("OOB Netmask", 15),
            Column::new("Operability", 11),
        ])
        .over(&[&IPV6_CONFIG]);

const VLAN_GROUPS: &str = "Ingress VLAN Group Entry Count (Current/Max)";
const FORWARDING_PATHS: &str = "Switch Forwarding Path Entry Count (Current/Max)";

static IPV6_CONFIG: Class =
    Class::single("ipv6-config", "Management IPv6 Interface", Source::Recall).with(&[
        Property::set("out-of-band ipv6", "IPv6 Address", Kind::Ipv6)
            .default("::")
            .group("out-of-band")
            .quiet(),
        Property::set("out-of-band ipv6-prefix", "Prefix", Kind::Number { min: 1, max: 128 })
            .default("64")
            .group("out-of-band")
            .quiet(),
        Property::set("out-of-band ipv6-gw", "IPv6 Gateway", Kind::Ipv6)
            .default("::")
            .group("out-of-band")
            .quiet(),
    ]);

/// `/chassis`; labels and order are those of the UCS sibling.
pub(super) static CHASSIS: Class = Class::hardware(
    "chassis",
    "Chassis",
    &[Key::new("ID", "Chassis", Kind::Number { min: 1, max: 1 }).or(Missing::Text("1"))],
    Source::Client("unicon fxos mock: show chassis inventory 1; reference 1.3: scope chassis"),
)
.with(&[
    USER_LABEL,
    Property::fact("Overall Status").default("Operable"),
    Property::fact("Oper qualifier").default("N/A"),
    Property::fact("Operability").default("Operable"),
    Property::fact("Conf State").default("Ok"),
    Property::fact("Admin State").default("Acknowledged"),
    Property::fact("Conn Path").default("A"),
    Property::fact("Conn Status").default("A"),
    Property::fact("Managing Instance").default("A"),
    Property::fact("Product Name"),
    Property::fact("PID"),
    Property::fact("VID").default("V01"),
    Property::fact("Vendor").default("Cisco Systems, Inc."),
    Property::fact("Model"),
    Property::fact("Serial (SN)"),
    Property::fact("HW Revision").default("0"),
    Property::fact("Power State").default("Ok"),
    Property::fact("Thermal Status").default("Ok"),
    Property::fact("Current Task"),
])
.table(&[
    Column::number("Chassis", 10),
    Column::new("Overall Status", 24),
    Column::new("Admin State", 11),
])
.over(&[&CHASSIS_FABRIC, &FAN_MODULE, &PSU]);

/// The switch as part of the chassis; kick scopes to it without a key.
static CHASSIS_FABRIC: Class = Class::single("fabric-interconnect", "Fabric Interconnect", TCAM)
    .with(&[
        Property::fact("ID").default("A"),
        Property::fact("Product Name"),
        Property::fact("PID"),
        Property::fact("Serial (SN)"),
        Property::fact("Operability").default("Operable"),
        Property::fact(VLAN_GROUPS).from(TCAM),
        Property::fact(FORWARDING_PATHS).from(TCAM),
    ]);

static FAN_MODULE: Class = Class::hardware(
    "fan-module",
    "Fan Module",
    &[Key::new("ID", "Module", Kind::Number { min: 1, max: 16 })],
    Source::Recall,
)
.modeless()
.with(PART)
.table(&[
    Column::number("Module", 10),
    Column::new("PID", 20),
    Column::new("Operability", 11),
    Column::new("Thermal Status", 14),
]);

static PSU: Class = Class::hardware(
    "psu",
    "PSU",
    &[Key::new("ID", "PSU", Kind::Number { min: 1, max: 8 })],
    Source::Recall,
)
.modeless()
.with(PART)
.table(&[
    Column::number("PSU", 10),
    Column::new("PID", 20),
    Column::new("Operability", 11),
    Column::new("Thermal Status", 14),
]);

static PART: &[Property] = &[
    Property::fact("Presence").default("Equipped"),
    Property::fact("Overall Status").default("Operable"),
    Property::fact("Operability").default("Operable"),
    Property::fact("Power State").default("Ok"),
    Property::fact("Thermal Status").default("Ok"),
    Property::fact("PID"),
    Property::fact("VID").default("V01"),
    Property::fact("Vendor").default("Cisco Systems, Inc."),
    Property::fact("Serial (SN)"),
];

const SERVER_STATUS: Source = Source::Device("kick-show-server-status-detail.txt");

/// `/server`: what a slot holds, as hardware.
pub(super) static SERVER: Class = Class::hardware(
    "server",
    "Server",
    &[Key::new("ID", "Server", Kind::Text { max: 3 })],
    Source::Client("firepower-kickstart: show server status detail"),
)
.with(&[
    USER_LABEL,
    Property::act("power up", ""),
    Property::act("power down", ""),
    Property::act("cycle cycle-immediate", ""),
    Property::act("cycle cycle-wait", ""),
    Property::act("reset hard-reset-immediate", ""),
    Property::act("reset hard-reset-wait", ""),
    Property::fact("Slot Status").from(SERVER_STATUS),
    Property::fact("Equipped Conn Path").from(SERVER_STATUS),
    Property::fact("Equipped Conn Status").from(SERVER_STATUS),
    Property::fact("Equipped Managing Instance").from(SERVER_STATUS),
    Property::fact("Availability").from(SERVER_STATUS),
    Property::fact("Admin State").from(SERVER_STATUS),
    Property::fact("Overall Status").from(SERVER_STATUS),
    Property::fact("Oper Qualifier").from(SERVER_STATUS),
    Property::fact("Discovery").from(SERVER_STATUS),
    Property::fact("Current Task").from(SERVER_STATUS),
    Property::fact("Check Point").from(SERVER_STATUS),
    Property::fact("Oper Power"),
    Property::fact("Equipped Product Name"),
    Property::fact("Equipped PID"),
    Property::fact("Equipped VID").default("V01"),
    Property::fact("Equipped Serial (SN)"),
    Property::fact("Cores"),
    Property::fact("Memory (MB)"),
])
.table(&[
    Column::new("Server", 7),
    Column::new("Overall Status", 21),
    Column::new("Oper Power", 10),
    Column::new("Discovery", 9),
]);

/// `/cabling`: ports that are broken out into lanes.
pub(super) static CABLING: Class =
    Class::single("cabling", "Cabling", Source::Recall).over(&[&CABLING_FABRIC]);

static CABLING_FABRIC: Class =
    Class::hardware("fabric", "Fabric", &[SIDE], Source::Recall).over(&[&BREAKOUT]);

/// Most ports that can be broken out.
///
/// # Source
/// Recall.
const BREAKOUTS_MAX: usize = 16;

static BREAKOUT: Class = Class::operator(
    "breakout",
    "Breakout",
    &[
        Key::new("CARD", "Card", Kind::Number { min: 1, max: 3 }),
        Key::new("PORT", "Port", Kind::Number { min: 1, max: 8 }),
    ],
    BREAKOUTS_MAX,
    Source::Recall,
)
.table(&[Column::number("Card", 10), Column::number("Port", 10)]);
