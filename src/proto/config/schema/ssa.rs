//! `/ssa`: slots, applications, logical devices.

use super::{Class, KICK, Key, Kind, Property, Word};
use crate::base::source::Source;

/// Most application instances on one slot.
///
/// # Source
/// Recall.
const INSTANCES_MAX: usize = 14;
/// Most logical devices of a chassis.
///
/// # Source
/// Recall.
const DEVICES_MAX: usize = 42;
/// Most links of a logical device.
///
/// # Source
/// Recall.
const LINKS_MAX: usize = 256;
/// Most resource profiles.
///
/// # Source
/// Recall.
const PROFILES_MAX: usize = 64;
/// Most keys, addresses and secrets of one bootstrap.
const BOOTSTRAP_MAX: usize = 32;

const SLOT: Kind = Kind::Number { min: 1, max: 3 };
const APP: Key = Key::new("APP", "App Name", Kind::Words(&APPS));
const APPS: [Word; 2] = [("asa", "asa"), ("ftd", "ftd")];
const NAME: Key = Key::new("NAME", "Name", Kind::Name { max: 64 });
const VERSION: Kind = Kind::Name { max: 32 };

/// `/ssa`.
pub(super) static SSA: Class = Class::single("ssa", "Security Services", KICK).over(&[
    &APPLICATION,
    &LOGICAL_DEVICE,
    &RESOURCE_PROFILE,
    &SLOT_CLASS,
]);

/// Images come by download, so their properties are facts, not configuration.
static APPLICATION: Class =
    Class::hardware("app", "Application", &[APP, Key::new("VERSION", "Version", VERSION)], KICK);

static SLOT_CLASS: Class =
    Class::hardware("slot", "Slot", &[Key::new("ID", "Slot ID", SLOT)], KICK)
        .over(&[&APP_INSTANCE]);

static APP_INSTANCE: Class = Class::operator(
    "app-instance",
    "Application Instance",
    &[
        APP,
        Key { name: "IDENT", label: "Identifier", kind: Kind::Name { max: 64 }, optional: true },
    ],
    INSTANCES_MAX,
    Source::Device("kick-show-app-instance-detail.txt"),
)
.with(&[
    Property::enable("", "Admin State").default("enabled").from(KICK),
    Property::set("deploy-type", "Deploy Type", Kind::Words(&DEPLOY_TYPES))
        .default("native")
        .from(KICK),
    Property::set("resource-profile-name", "Profile Name", Kind::Name { max: 64 }).from(KICK),
    Property::set("startup-version", "Startup Version", VERSION).from(KICK),
    Property::create("hw-crypto", "Hw Crypto").quiet().from(KICK),
]);

const DEPLOY_TYPES: [Word; 2] = [("native", "Native"), ("container", "Container")];

static LOGICAL_DEVICE: Class = Class {
    born_with: &[
        Property::set("APP", "Template Name", Kind::Words(&APPS)).from(KICK),
        Property::set("SLOTS", "Slot ID", Kind::Text { max: 8 }).from(KICK),
        Property::set("TYPE", "Mode", Kind::Words(&DEVICE_TYPES)).from(KICK),
    ],
    ..Class::operator(
        "logical-device",
        "Logical Device",
        &[NAME],
        DEVICES_MAX,
        Source::Device("kick-show-logical-device-detail.txt"),
    )
}
.with(&[Property::set("description", "Description", Kind::Text { max: 255 }).from(KICK)])
.over(&[&EXTERNAL_PORT_LINK, &CLUSTER_BOOTSTRAP, &MGMT_BOOTSTRAP]);

const DEVICE_TYPES: [Word; 2] = [("standalone", "Standalone"), ("clustered", "Clustered")];

static EXTERNAL_PORT_LINK: Class = Class {
    born_with: &[
        Property::set("PORT", "Port or Port Channel Name", Kind::Name { max: 32 }).from(KICK),
        Property::set("APP", "App Name", Kind::Words(&APPS)).from(KICK),
    ],
    ..Class::operator("external-port-link", "External-Port Link", &[NAME], LINKS_MAX, KICK)
}
.with(&[Property::set("description", "Description", Kind::Text { max: 255 }).from(KICK)]);

static CLUSTER_BOOTSTRAP: Class = Class::operator(
    "cluster-bootstrap",
    "Cluster Bootstrap",
    &[],
    1,
    Source::Device("kick-commit-errors-and-secret-prompts.txt"),
)
.with(&[
    Property::set("chassis-id", "Chassis Id", Kind::Number { min: 1, max: 16 })
        .default("1")
        .from(KICK),
    Property::set("key", "Key", Kind::Secret { max: 63 }).from(KICK),
    Property::set("mode", "Mode", Kind::Words(&CLUSTER_MODES))
        .default("spanned-etherchannel")
        .from(KICK),
    Property::set("name", "Name of the cluster", Kind::Name { max: 38 }).from(KICK),
    Property::set("site-id", "Site Id", Kind::Number { min: 0, max: 8 }).default("0").from(KICK),
    Property::set("virtual ipv4", "Virtual IPv4", Kind::Ipv4).group("virtual").from(KICK),
    Property::set("virtual mask", "Virtual Mask", Kind::Mask).group("virtual").from(KICK),
]);

const CLUSTER_MODES: [Word; 1] = [("spanned-etherchannel", "Spanned Etherchannel")];

static MGMT_BOOTSTRAP: Class =
    Class::operator("mgmt-bootstrap", "Management Bootstrap", &[APP], 2, KICK).over(&[
        &BOOTSTRAP_KEY,
        &BOOTSTRAP_SECRET,
        &IPV4,
        &IPV6,
    ]);

static BOOTSTRAP_KEY: Class = Class::operator(
    "bootstrap-key",
    "Bootstrap Key",
    &[Key::new("KEY", "Key", Kind::Name { max: 64 })],
    BOOTSTRAP_MAX,
    KICK,
)
.with(&[Property::set("value", "Value", Kind::Text { max: 255 }).from(KICK)]);

static BOOTSTRAP_SECRET: Class = Class::operator(
    "bootstrap-key-secret",
    "Bootstrap Key Secret",
    &[Key::new("KEY", "Key", Kind::Name { max: 64 })],
    BOOTSTRAP_MAX,
    Source::Device("kick-commit-errors-and-secret-prompts.txt"),
)
.with(&[Property::set("value", "Value", Kind::Secret { max: 255 }).from(KICK)]);

const INTERFACE: Key = Key::new("NAME", "Management Sub Type", Kind::Name { max: 32 });

static IPV4: Class = Class::operator(
    "ipv4",
    "Management IPv4",
    &[Key::new("SLOT", "Slot ID", SLOT), INTERFACE],
    BOOTSTRAP_MAX,
    KICK,
)
.with(&[
    Property::set("gateway", "Gateway", Kind::Ipv4).from(KICK),
    Property::set("ip", "IP Address", Kind::Ipv4).group("").from(KICK),
    Property::set("mask", "Netmask", Kind::Mask).group("").from(KICK),
]);

static IPV6: Class = Class::operator(
    "ipv6",
    "Management IPv6",
    &[Key::new("SLOT", "Slot ID", SLOT), INTERFACE],
    BOOTSTRAP_MAX,
    KICK,
)
.with(&[
    Property::set("gateway", "Gateway", Kind::Ipv6).from(KICK),
    Property::set("ip", "IP Address", Kind::Ipv6).group("").from(KICK),
    Property::set("prefix-length", "Prefix Length", Kind::Number { min: 1, max: 128 })
        .group("")
        .from(KICK),
]);

static RESOURCE_PROFILE: Class = Class::operator(
    "resource-profile",
    "Resource Profile",
    &[Key::new("NAME", "Profile Name", Kind::Name { max: 64 })],
    PROFILES_MAX,
    Source::Device("kick-show-resource-profile.txt"),
)
.with(&[
    Property::set("cpu-core-count", "CPU Logical Core Count", Kind::Number { min: 6, max: 86 })
        .default("6")
        .from(KICK),
    Property::set("description", "Description", Kind::Text { max: 255 })
        .from(Source::Device("kick-show-resource-profile.txt")),
]);
