//! `/monitoring`: callhome, syslog, SNMP.

use super::{Class, Column, Key, Kind, ON_OFF, Property, Word, seed};
use crate::base::source::Source;

const EXPAND: Source = seed("FPR4125-1 /monitoring/callhome # show expand");
/// A generator of chassis configurations, found as public code.
const GENERATOR: Source = Source::Client("public FXOS configuration generator, 11217981876");

/// Most callhome profiles, factory ones included.
///
/// # Source
/// Recall.
const PROFILES_MAX: usize = 16;
/// Most destinations of one callhome profile.
///
/// # Source
/// Recall.
const DESTINATIONS_MAX: usize = 16;
/// Most SNMP trap receivers.
///
/// # Source
/// Recall.
const TRAPS_MAX: usize = 8;

/// `/monitoring`.
pub(super) static MONITORING: Class =
    Class::single("monitoring", "Monitoring", seed("scope monitoring"))
        .with(MONITORING_PROPERTIES)
        .sections()
        .over(&[&CALLHOME, &SNMP_TRAP, &SNMP_USER]);

/// Most SNMP version 3 users.
///
/// # Source
/// Recall.
const SNMP_USERS_MAX: usize = 8;

static MONITORING_PROPERTIES: &[Property] = &[
    Property::enable("snmp", "Admin State").from(GENERATOR),
    Property::enable("syslog console", "").quiet(),
    Property::enable("syslog monitor", "").quiet(),
    Property::enable("syslog file", "").default("enabled").quiet(),
    Property::enable("syslog remote-destination server-1", "").quiet().from(GENERATOR),
    Property::enable("syslog remote-destination server-2", "").quiet().from(GENERATOR),
    Property::enable("syslog remote-destination server-3", "").quiet().from(GENERATOR),
    Property::enable("syslog source faults", "").default("enabled").quiet(),
    Property::enable("syslog source audits", "").quiet(),
    Property::enable("syslog source events", "").quiet(),
    Property::set("snmp port", "Port", PORT).default("161").quiet(),
    Property::measured("snmp is-community-set", "Is Community Set"),
    Property::secret("snmp community", "", 32).asks("Enter a snmp community: ").from(GENERATOR),
    Property::set("snmp syscontact", "Sys Contact", Kind::Text { max: 255 }).from(GENERATOR),
    Property::set("snmp syslocation", "Sys Location", Kind::Text { max: 512 }).from(GENERATOR),
    Property::set("syslog console level", "", Kind::Words(&CONSOLE_LEVELS))
        .default("critical")
        .quiet(),
    level("syslog monitor level").from(Source::Recall),
    level("syslog file level").from(Source::Recall),
    Property::set("syslog file name", "", Kind::Name { max: 16 }).default("messages").quiet(),
    Property::set("syslog file size", "", Kind::Number { min: 4096, max: 4_194_304 })
        .default("4194304")
        .quiet(),
    server("syslog remote-destination server-1 hostname"),
    level("syslog remote-destination server-1 level"),
    facility("syslog remote-destination server-1 facility"),
    server("syslog remote-destination server-2 hostname"),
    level("syslog remote-destination server-2 level"),
    facility("syslog remote-destination server-2 facility"),
    server("syslog remote-destination server-3 hostname"),
    level("syslog remote-destination server-3 level"),
    facility("syslog remote-destination server-3 facility"),
];

const CONSOLE_LEVELS: [Word; 3] =
    [("emergencies", "Emergencies"), ("alerts", "Alerts"), ("critical", "Critical")];

const fn server(words: &'static str) -> Property {
    Property::set(words, "", Kind::Host).quiet().from(GENERATOR)
}

const fn level(words: &'static str) -> Property {
    let kind = Kind::Words(&SYSLOG_LEVELS);
    Property::set(words, "", kind).default("critical").quiet().from(GENERATOR)
}

const fn facility(words: &'static str) -> Property {
    let kind = Kind::Words(&FACILITIES);
    Property::set(words, "", kind).default("local7").quiet().from(GENERATOR)
}

const SYSLOG_LEVELS: [Word; 8] = [
    ("emergencies", "Emergencies"),
    ("alerts", "Alerts"),
    ("critical", "Critical"),
    ("errors", "Errors"),
    ("warnings", "Warnings"),
    ("notifications", "Notifications"),
    ("information", "Information"),
    ("debugging", "Debugging"),
];

const FACILITIES: [Word; 8] = [
    ("local0", "Local0"),
    ("local1", "Local1"),
    ("local2", "Local2"),
    ("local3", "Local3"),
    ("local4", "Local4"),
    ("local5", "Local5"),
    ("local6", "Local6"),
    ("local7", "Local7"),
];

static SNMP_TRAP: Class = Class::operator(
    "snmp-trap",
    "SNMP Trap",
    &[Key::new("HOST", "SNMP Trap", Kind::Host)],
    TRAPS_MAX,
    GENERATOR,
)
.with(&[
    Property::secret("community", "Community", 32).asks("Enter a snmp community: ").from(GENERATOR),
    Property::set("notificationtype", "Notification Type", Kind::Words(&NOTIFICATIONS))
        .default("traps")
        .from(GENERATOR),
    Property::set("port", "Port", Kind::Number { min: 1, max: 65_535 })
        .default("162")
        .from(GENERATOR),
    Property::set("v3privilege", "V3 Privilege", Kind::Words(&V3_PRIVILEGES)).default("noauth"),
    Property::set("version", "Version", Kind::Words(&VERSIONS)).default("v2c").from(GENERATOR),
])
.table(&[
    Column::new("SNMP Trap", 24),
    Column::number("Port", 8),
    Column::new("Version", 7),
    Column::new("V3 Privilege", 12),
    Column::new("Notification Type", 17),
]);

static SNMP_USER: Class = Class::operator(
    "snmp-user",
    "SNMPv3 User",
    &[Key::new("NAME", "Name", Kind::Name { max: 32 })],
    SNMP_USERS_MAX,
    Source::Recall,
)
.with(&[
    Property::set("auth", "Auth type", Kind::Words(&HASHES)).default("sha"),
    Property::set("aes-128", "Aes-128", super::YES_NO).default("no"),
    Property::secret("password", "", 80).asks_twice("Enter a password: ", "Confirm the password: "),
    Property::secret("priv-password", "", 80)
        .asks_twice("Enter a password: ", "Confirm the password: "),
])
.table(&[Column::new("Name", 32), Column::new("Auth type", 9), Column::new("Aes-128", 7)]);

const HASHES: [Word; 3] = [("md5", "Md5"), ("sha", "Sha"), ("sha256", "Sha256")];

const NOTIFICATIONS: [Word; 2] = [("traps", "Traps"), ("informs", "Informs")];
const V3_PRIVILEGES: [Word; 3] = [("auth", "Auth"), ("noauth", "Noauth"), ("priv", "Priv")];
const VERSIONS: [Word; 3] = [("v1", "V1"), ("v2c", "V2c"), ("v3", "V3")];

/// Labels, order and defaults are the seed's; the words that set them are recall.
static CALLHOME: Class = Class::single("callhome", "Callhome", EXPAND)
    .with(&[
        Property { kind: ON_OFF_STATE, default: "off", ..Property::enable("", "Admin State") },
        Property::set("throttling", "Throttling State", ON_OFF).default("on"),
        text("contact", "Contact Information"),
        text("email", "Customer Contact Email"),
        text("from-email", "From Email"),
        text("reply-to-email", "Reply To Email"),
        text("phone-contact", "Phone Contact e.g., +1-011-408-555-1212"),
        text("street-address", "Street Address"),
        text("contract-id", "Contract Id"),
        text("customer-id", "Customer Id"),
        text("site-id", "Site Id"),
        Property::set("switch-priority", "Switch Priority", Kind::Words(&PRIORITIES))
            .default("debugging"),
        Property::set("http-proxy-server-enable", "Enable/Disable HTTP/HTTPS Proxy", ON_OFF)
            .default("off"),
        Property::set("http-proxy-server-url", "HTTP/HTTPS Proxy Server Address", Kind::Host),
        Property::set("http-proxy-server-port", "HTTP/HTTPS Proxy Server Port", PORT).default("80"),
        Property::set("hostname", "SMTP Server Address", Kind::Host),
        Property::set("port", "SMTP Server Port", PORT).default("25"),
    ])
    .over(&[&ANONYMOUS_REPORTING, &INVENTORY, &PROFILE]);

/// A bare `enable` whose listing says `On`.
const ON_OFF_STATE: Kind = ON_OFF;
const PORT: Kind = Kind::Number { min: 1, max: 65_535 };

const fn text(words: &'static str, label: &'static str) -> Property {
    Property::set(words, label, Kind::Text { max: 255 })
}

const PRIORITIES: [Word; 8] = [
    ("alerts", "Alerts"),
    ("critical", "Critical"),
    ("debugging", "Debugging"),
    ("emergencies", "Emergencies"),
    ("errors", "Errors"),
    ("information", "Information"),
    ("notifications", "Notifications"),
    ("warnings", "Warnings"),
];

static ANONYMOUS_REPORTING: Class =
    Class::single("anonymous-reporting", "Anonymous Reporting", EXPAND)
        .with(&[Property { kind: ON_OFF, default: "off", ..Property::enable("", "Admin State") }])
        .table(&[Column::new("Admin State", 11)]);

static INVENTORY: Class = Class::single("inventory", "Callhome periodic system inventory", EXPAND)
    .with(&[
        Property::set("send-periodically", "Send periodically", ON_OFF).default("off"),
        Property::set("interval-days", "Interval days", Kind::Number { min: 1, max: 30 })
            .default("30"),
        Property::set("timeofday-hour", "Hour of day to send", Kind::Number { min: 0, max: 23 })
            .default("0"),
        Property::set("timeofday-minute", "Minute of hour", Kind::Number { min: 0, max: 59 })
            .default("0"),
        // No inventory is ever sent: its receiver is not the licence authority.
        Property::fact("Time last sent").default("Never").from(EXPAND),
        Property::fact("Next scheduled").default("Never").from(EXPAND),
    ]);

static PROFILE: Class = Class::operator(
    "profile",
    "Destination Profile",
    &[Key::new("NAME", "Name", Kind::Name { max: 16 })],
    PROFILES_MAX,
    EXPAND,
)
.locked(&["full_txt", "short_txt", "SLProfile"])
.with(&[
    Property::set("level", "Level", Kind::Words(&LEVELS)).default("normal"),
    Property::set("alertgroups", "Alert Groups", Kind::List(&ALERT_GROUPS)).default("all"),
    Property::set("maxsize", "Max Size", Kind::Number { min: 0, max: 5_000_000 })
        .default("5000000"),
    Property::set("format", "Format", Kind::Words(&FORMATS)).default("xml"),
    Property::set("reporting", "Reporting", Kind::Words(&REPORTING))
        .default("smart-call-home-data"),
])
.over(&[&DESTINATION]);

const LEVELS: [Word; 9] = [
    ("critical", "Critical"),
    ("debug", "Debug"),
    ("disaster", "Disaster"),
    ("fatal", "Fatal"),
    ("major", "Major"),
    ("minor", "Minor"),
    ("normal", "Normal"),
    ("notification", "Notification"),
    ("warning", "Warning"),
];

const ALERT_GROUPS: [Word; 10] = [
    ("all", "All"),
    ("ciscotac", "Cisco Tac"),
    ("diagnostic", "Diagnostic"),
    ("environmental", "Environmental"),
    ("inventory", "Inventory"),
    ("license", "License"),
    ("lifecycle", "Lifecycle"),
    ("smart-license", "Smart License"),
    ("supervisor", "Supervisor"),
    ("test", "Test"),
];

const FORMATS: [Word; 3] = [("xml", "Xml"), ("fulltxt", "Full Txt"), ("shorttxt", "Short Txt")];

const REPORTING: [Word; 2] = [
    ("smart-call-home-data", "Smart Call Home Data"),
    ("smart-license-data", "Smart License Data"),
];

static DESTINATION: Class = Class::operator(
    "destination",
    "Destination",
    &[Key::new("NAME", "Name", Kind::Text { max: 64 })],
    DESTINATIONS_MAX,
    EXPAND,
)
.locked(&["SLDest"])
.with(&[
    Property::set("protocol", "Transport Protocol", Kind::Words(&PROTOCOLS)).default("https"),
    // Shown in full; an e-mail address is possible where the protocol is e-mail.
    Property::set("address", "Email or HTTP/HTTPS URL Address", Kind::Text { max: 255 })
        .from(Source::Recall),
])
.table(&[
    Column::new("Name", 10),
    Column::new("Transport Protocol", 18),
    Column::new("Email or HTTP/HTTPS URL Address", 31),
]);

const PROTOCOLS: [Word; 3] = [("email", "Email"), ("http", "Http"), ("https", "Https")];
