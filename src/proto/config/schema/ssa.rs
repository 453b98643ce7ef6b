//! `/ssa`: slots, applications, logical devices.

use super::{Class, Column, KICK, Key, Kind, Missing, Property, Word};
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

const INSTANCE: Source = Source::Device("kick-show-app-instance-detail.txt");
const DEVICE: Source = Source::Device("kick-show-logical-device-detail.txt");
const APP_TABLE: Source = Source::Device("kick-show-app.txt");
const PROFILE: Source = Source::Device("kick-show-resource-profile.txt");
const PROMPTS: Source = Source::Device("kick-commit-errors-and-secret-prompts.txt");

/// `/ssa`.
pub(super) static SSA: Class = Class::single("ssa", "Security Services", KICK).over(&[
    &APPLICATION,
    &LOGICAL_DEVICE,
    &RESOURCE_PROFILE,
    &SLOT_CLASS,
]);

/// Images come by download; what an operator sets is which of them is the default.
static APPLICATION: Class = Class::stock(
    "app",
    "Application",
    &[Key::new("NAME", "Name", Kind::Words(&APPS)), Key::new("VERSION", "Version", VERSION)],
    KICK,
)
.with(&[
    Property::fact("Description").default("N/A").from(APP_TABLE),
    Property::fact("Author").default("cisco").from(APP_TABLE),
    Property::fact("Deploy Type").default("Native").from(APP_TABLE),
    Property::fact("CSP Type").default("Application").from(APP_TABLE),
    Property::act("set-default", "Is Default App").from(KICK),
    Property::fact("Has License Agreement").default("Yes").from(KICK),
    Property::act("accept-license-agreement", "License Agreement has been Accepted").from(KICK),
])
.table(&[
    Column::new("Name", 10),
    Column::new("Version", 10),
    Column::new("Description", 11),
    Column::new("Author", 10),
    Column::new("Deploy Type", 11),
    Column::new("CSP Type", 11),
    Column::new("Is Default App", 14),
]);

static SLOT_CLASS: Class =
    Class::hardware("slot", "Slot", &[Key::new("ID", "Slot ID", SLOT)], KICK)
        .with(&[
            Property::act("reinitialize", "").from(KICK),
            Property::fact("Log Level").default("Info"),
            Property::fact("Admin State").default("Ok"),
            Property::fact("Oper State").from(KICK),
            Property::fact("Disk Format State"),
            Property::fact("Disk Format Status").from(KICK),
            Property::fact("Clear Log Data").default("Available"),
            Property::fact("Error Msg"),
        ])
        .table(&[
            Column::new("Slot ID", 10),
            Column::new("Log Level", 9),
            Column::new("Admin State", 12),
            Column::new("Oper State", 10),
        ])
        .over(&[&APP_INSTANCE, &MONITOR]);

/// What a module has left; kick reads the cores.
static MONITOR: Class = Class::shown("monitor", "Monitor", KICK).with(&[
    Property::fact("OS Version"),
    Property::fact("CPU Cores Available").from(KICK),
    Property::fact("Memory Total (MB)"),
    Property::fact("Memory Available (MB)"),
    Property::fact("Last Updated Timestamp"),
]);

static APP_INSTANCE: Class = Class::operator(
    "app-instance",
    "Application Instance",
    &[APP, Key::new("IDENT", "Identifier", Kind::Name { max: 64 }).or(Missing::First)],
    INSTANCES_MAX,
    INSTANCE,
)
.with(&[
    Property::fact("Slot ID").from(INSTANCE),
    Property::enable("", "Admin State").default("enabled").from(KICK),
    Property::fact("Oper State").from(INSTANCE),
    Property::fact("Running Version").from(INSTANCE),
    Property::set("startup-version", "Startup Version", VERSION).from(KICK),
    Property::set("deploy-type", "Deploy Type", Kind::Words(&DEPLOY_TYPES))
        .default("native")
        .from(KICK),
    Property::set("resource-profile-name", "Profile Name", Kind::Name { max: 64 }).from(KICK),
    Property::fact("Cluster State").from(INSTANCE),
    Property::fact("Cluster Role").from(INSTANCE),
    Property::fact("Current Job Type").from(INSTANCE),
    Property::fact("Current Job Progress").from(INSTANCE),
    Property::fact("Current Job State").from(INSTANCE),
    Property::fact("Clear Log Data").default("Available").from(INSTANCE),
    Property::fact("Error Msg").from(INSTANCE),
    Property::fact("Hotfixes").from(INSTANCE),
    Property::fact("Externally Upgraded").default("No").from(INSTANCE),
])
.table(&[
    Column::new("App Name", 10),
    Column::new("Identifier", 10),
    Column::new("Slot ID", 10),
    Column::new("Admin State", 11),
    Column::new("Oper State", 16),
    Column::new("Running Version", 15),
    Column::new("Startup Version", 15),
    Column::new("Deploy Type", 11),
    Column::new("Profile Name", 12),
    Column::new("Cluster State", 15),
    Column::new("Cluster Role", 12),
])
.over(&[&HW_CRYPTO, &RESOURCE]);

const DEPLOY_TYPES: [Word; 2] = [("native", "Native"), ("container", "Container")];

/// Kick types `create hw-crypto`, then `set admin-state enabled` in it.
static HW_CRYPTO: Class =
    Class::operator("hw-crypto", "Hardware Crypto", &[], 1, KICK).with(&[Property::set(
        "admin-state",
        "Admin State",
        super::ENABLED,
    )
    .default("enabled")
    .from(KICK)]);

/// What an instance was given; kick reads every label.
static RESOURCE: Class = Class::shown("resource", "Resource", KICK).with(&[
    Property::fact("Allocated Core NR").from(KICK),
    Property::fact("Allocated RAM (MB)").from(KICK),
    Property::fact("Allocated Data Disk (MB)").from(KICK),
    Property::fact("Allocated Binary Disk (MB)").from(KICK),
    Property::fact("Allocated Secondary Disk (MB)").from(KICK),
]);

static LOGICAL_DEVICE: Class =
    Class::operator("logical-device", "Logical Device", &[NAME], DEVICES_MAX, DEVICE)
        .born_with(&[
            Property::set("APP", "Template Name", Kind::Words(&APPS)).from(KICK),
            Property::set("SLOTS", "Slot ID", Kind::Text { max: 8 }).from(KICK),
            Property::set("TYPE", "Mode", Kind::Words(&DEVICE_TYPES)).from(KICK),
        ])
        .with(&[
            Property::set("description", "Description", Kind::Text { max: 255 }).from(KICK),
            Property::fact("Oper State").from(DEVICE),
            Property::fact("Error Msg").from(DEVICE),
            Property::fact("Switch Configuration Status").from(DEVICE),
            Property::set("res-profile-name", "Resource Profile Name", Kind::Name { max: 64 })
                .quiet(),
            Property::fact("Resource Profile DN").from(DEVICE),
        ])
        .detail(&[
            "Name",
            "Description",
            "Slot ID",
            "Mode",
            "Oper State",
            "Template Name",
            "Error Msg",
            "Switch Configuration Status",
            "Resource Profile Name",
            "Resource Profile DN",
        ])
        .table(&[
            Column::new("Name", 10),
            Column::new("Description", 11),
            Column::new("Slot ID", 10),
            Column::new("Mode", 10),
            Column::new("Oper State", 24),
            Column::new("Template Name", 13),
        ])
        .over(&[&EXTERNAL_PORT_LINK, &CLUSTER_BOOTSTRAP, &MGMT_BOOTSTRAP]);

const DEVICE_TYPES: [Word; 2] = [("standalone", "Standalone"), ("clustered", "Clustered")];

/// Kick finds the name of a link by the port behind it.
static EXTERNAL_PORT_LINK: Class =
    Class::operator("external-port-link", "External-Port Link", &[NAME], LINKS_MAX, KICK)
        .born_with(&[
            Property::set("PORT", "Port or Port Channel Name", Kind::Text { max: 32 }).from(KICK),
            Property::set("APP", "App Name", Kind::Words(&APPS)).from(KICK),
        ])
        .with(&[
            Property::fact("Port Type"),
            Property::set("description", "Description", Kind::Text { max: 255 }).from(KICK),
        ])
        .table(&[
            Column::new("Name", 30),
            Column::new("Port or Port Channel Name", 25),
            Column::new("Port Type", 18),
            Column::new("App Name", 10),
            Column::new("Description", 11),
        ]);

const CLUSTER: Source =
    Source::Client("firepower-kickstart kick/device2/fxos/cluster_bootstrap.py");

static CLUSTER_BOOTSTRAP: Class =
    Class::operator("cluster-bootstrap", "Cluster Bootstrap", &[], 1, PROMPTS).with(&[
        Property::set("chassis-id", "Chassis Id", Kind::Number { min: 1, max: 16 })
            .default("1")
            .from(KICK),
        Property::set("cluster-control-link network", "Cluster Control Link Network", Kind::Ipv4)
            .from(CLUSTER),
        Property::set("ipv4 gateway", "IPv4 Gateway", Kind::Ipv4).default("0.0.0.0").from(CLUSTER),
        Property::set("ipv4 pool", "IPv4 Pool", Kind::Range4)
            .default("0.0.0.0 0.0.0.0")
            .from(CLUSTER),
        Property::set("ipv6 gateway", "IPv6 Gateway", Kind::Ipv6).default("::").from(CLUSTER),
        Property::set("ipv6 pool", "IPv6 Pool", Kind::Range6).default(":: ::").from(CLUSTER),
        Property::secret("key", "Key", 63).asks("Key: ").from(PROMPTS),
        Property::set("mode", "Mode", Kind::Words(&CLUSTER_MODES))
            .default("spanned-etherchannel")
            .from(KICK),
        Property::set("name", "Name of the cluster", Kind::Name { max: 38 }).from(KICK),
        Property::set("service-type", "Service Type", Kind::Name { max: 38 }).quiet().from(KICK),
        Property::set("site-id", "Site Id", Kind::Number { min: 0, max: 8 })
            .default("0")
            .from(KICK),
        Property::set("virtual ipv4", "Virtual IPv4", Kind::Ipv4)
            .group("virtual")
            .default("0.0.0.0")
            .from(KICK),
        Property::set("virtual mask", "Virtual Mask", Kind::Mask)
            .group("virtual")
            .default("0.0.0.0")
            .from(KICK),
        Property::set("virtual ipv6", "Virtual IPv6", Kind::Ipv6)
            .group("virtual")
            .default("::")
            .from(CLUSTER),
        Property::set("virtual prefix-length", "Virtual Prefix Length", PREFIX_LENGTH)
            .group("virtual")
            .from(CLUSTER),
    ]);

const PREFIX_LENGTH: Kind = Kind::Number { min: 1, max: 128 };
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
.with(&[Property::set("value", "Value", Kind::Text { max: 255 }).from(KICK)])
.table(&[Column::new("Key", 20), Column::new("Value", 5)]);

static BOOTSTRAP_SECRET: Class = Class::operator(
    "bootstrap-key-secret",
    "Bootstrap Key Secret",
    &[Key::new("KEY", "Key", Kind::Name { max: 64 })],
    BOOTSTRAP_MAX,
    PROMPTS,
)
.with(&[Property::secret("value", "Value", 255).from(PROMPTS)]);

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
    Property::set("prefix-length", "Prefix Length", PREFIX_LENGTH).group("").from(KICK),
]);

/// The table stands at the left edge: kick takes the names from there.
static RESOURCE_PROFILE: Class = Class::operator(
    "resource-profile",
    "Resource Profile",
    &[Key::new("NAME", "Profile Name", Kind::Name { max: 64 })],
    PROFILES_MAX,
    PROFILE,
)
.with(&[
    Property::fact("App Name").default("N/A").from(PROFILE),
    Property::fact("App Version").default("N/A").from(PROFILE),
    Property::fact("Is In Use").from(PROFILE),
    Property::fact("Security Model").default("all").from(PROFILE),
    Property::set("cpu-core-count", "CPU Logical Core Count", Kind::Number { min: 6, max: 86 })
        .default("6")
        .from(KICK),
    Property::fact("RAM Size (MB)").default("N/A").from(PROFILE),
    Property::fact("Default Profile").default("No").from(PROFILE),
    Property::fact("Profile Type").default("Custom").from(PROFILE),
    Property::set("description", "Description", Kind::Text { max: 255 }).from(PROFILE),
])
.table(&[
    Column::new("Profile Name", 18),
    Column::new("App Name", 10),
    Column::new("App Version", 12),
    Column::new("Is In Use", 10),
    Column::new("Security Model", 15),
    Column::number("CPU Logical Core Count", 22),
    Column::number("RAM Size (MB)", 14),
    Column::new("Default Profile", 15),
    Column::new("Profile Type", 12),
    Column::new("Description", 11),
])
.bare();
