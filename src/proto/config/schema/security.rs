//! `/security`: accounts, trustpoints, key rings, time-outs.

use super::{Class, Column, KICK, Key, Kind, Property, Word, YES_NO, plain, seed};
use crate::base::source::Source;

/// Most local accounts.
///
/// # Source
/// Recall.
const USERS_MAX: usize = 48;
/// Most trustpoints, factory ones included.
///
/// # Source
/// Recall.
const TRUSTPOINTS_MAX: usize = 16;
/// Most key rings, `default` included.
///
/// # Source
/// Recall.
const KEYRINGS_MAX: usize = 16;
/// The vendor's command reference of the 4100/9300.
///
/// # Source
/// Itself: `set user-account-unlock-time` (600 to 36000 seconds, 1800 by default), `set
/// enforce-strong-password`, `set absolute-session-timeout`.
const REFERENCE: Source = Source::Vendor("Firepower 4100/9300 FXOS Command Reference");
/// Most roles of one account.
const ROLES_MAX: usize = 4;

/// `/security`.
pub(super) static SECURITY: Class = Class::single("security", "Security", seed("scope security"))
    .with(&[
        Property::set("enforce-strong-password", "Password Strength Check", YES_NO)
            .default("no")
            .quiet(),
        Property::set("max-login-attempts", "Max Login Attempts", Kind::Number { min: 0, max: 10 })
            .default("3")
            .quiet(),
        Property::set(
            "min-password-length",
            "Minimum Password Length",
            Kind::Number { min: 8, max: 80 },
        )
        .default("8")
        .quiet(),
        Property::set(
            "user-account-unlock-time",
            "User Account Unlock Time(in secs)",
            Kind::Number { min: 600, max: 36_000 },
        )
        .default("1800")
        .quiet()
        .from(REFERENCE),
    ])
    .over(&[
        &DEFAULT_AUTH,
        &KEYRING,
        &LOCAL_USER,
        &PASSWORD_PROFILE,
        &RADIUS,
        &ROLE_CLASS,
        &TACACS,
        &TRUSTPOINT,
    ]);

static TRUSTPOINT: Class = Class::operator(
    "trustpoint",
    "Trustpoint",
    &[Key::new("NAME", "Trustpoint Name", Kind::Name { max: 16 })],
    TRUSTPOINTS_MAX,
    seed("FPR4125-1 /security # show trustpoint"),
)
.with(&[
    Property::set("certchain", "Trustpoint certificate chain", Kind::Pem)
        .asks("Trustpoint Certificate Chain:"),
    Property::fact("Cert Status").from(seed("FPR4125-1 /security # show trustpoint")),
])
.bare();

static KEYRING: Class = Class::operator(
    "keyring",
    "Keyring",
    &[Key::new("NAME", "Keyring name", Kind::Name { max: 16 })],
    KEYRINGS_MAX,
    Source::Recall,
)
.locked(&["default"])
.with(&[
    Property::set("cert", "Keyring certificate", Kind::Pem).asks("Keyring certificate:"),
    Property::set("modulus", "RSA key modulus", Kind::Words(&MODULI)).default("mod2048"),
    Property::set("trustpoint", "Trustpoint CA", Kind::Name { max: 16 }),
    Property::fact("Cert Status"),
])
.table(&[Column::new("Keyring name", 16), Column::new("Trustpoint CA", 16)]);

const MODULI: [Word; 4] = [
    ("mod2048", "Mod2048"),
    ("mod2560", "Mod2560"),
    ("mod3072", "Mod3072"),
    ("mod4096", "Mod4096"),
];

static LOCAL_USER: Class = Class::operator(
    "local-user",
    "Local User",
    &[Key::new("NAME", "User Name", Kind::Name { max: 32 })],
    USERS_MAX,
    Source::Recall,
)
.locked(&["admin"])
.with(&[
    Property::set("account-status", "Account Status", Kind::Words(&STATUSES)).default("active"),
    Property::set("email", "Email", Kind::Text { max: 255 }),
    Property::set("expiration", "Expiration", Kind::Date).default("never").quiet(),
    Property::set("firstname", "First Name", Kind::Text { max: 32 }),
    Property::set("lastname", "Last Name", Kind::Text { max: 32 }),
    Property::secret("password", "Password", 256)
        .asks_twice("Enter a password: ", "Confirm the password: "),
    Property::set("phone", "Phone", Kind::Text { max: 32 }),
    Property::set("sshkey", "User SSH public key", Kind::SshKeys { max: 4096 }).quiet(),
])
.table(&[Column::new("User Name", 15), Column::new("First Name", 15), Column::new("Last Name", 15)])
.over(&[&ROLE]);

const STATUSES: [Word; 2] = [("active", "Active"), ("inactive", "Inactive")];

static ROLE: Class = Class::operator(
    "role",
    "User Role",
    &[Key::new("NAME", "Name", Kind::Words(&ROLES))],
    ROLES_MAX,
    Source::Recall,
)
.modeless()
.table(&[Column::new("Name", 10)]);

/// The roles that there are.
static ROLE_CLASS: Class = Class::hardware(
    "role",
    "Role",
    &[Key::new("NAME", "Role Name", Kind::Words(&ROLES))],
    Source::Recall,
)
.modeless()
.with(&[Property::fact("Priv")])
.table(&[Column::new("Role Name", 20), Column::new("Priv", 10)]);

/// The roles' names, typed and listed.
///
/// # Source
/// Recall.
pub const ROLES: [Word; 4] = plain(["aaa", "admin", "operations", "read-only"]);

static PASSWORD_PROFILE: Class =
    Class::single("password-profile", "Password Profile", Source::Recall).with(&[
        Property::set("change-during-interval", "Change During Interval", CHANGES)
            .default("enable"),
        Property::set("change-count", "Change Count", Kind::Number { min: 0, max: 10 })
            .default("2"),
        Property::set("change-interval", "Change Interval", Kind::Number { min: 1, max: 745 })
            .default("48"),
        Property::set("history-count", "History Count", Kind::Number { min: 0, max: 15 })
            .default("0"),
        Property::set(
            "no-change-interval",
            "No Change Interval",
            Kind::NumberOr { word: "disabled", min: 1, max: 745 },
        )
        .default("24"),
    ]);

const CHANGES: Kind = Kind::Flag(&[("enable", "Enable"), ("disable", "Disable")]);

const SECONDS: Kind = Kind::Number { min: 0, max: 3600 };

/// Time-outs in seconds; 0 is none.
///
/// # Source
/// Client kick for the names of the time-outs; their defaults and ranges are recall.
static DEFAULT_AUTH: Class = Class::single("default-auth", "Default authentication", KICK).with(&[
    Property::set("absolute-session-timeout", "Absolute Session timeout(in secs)", SECONDS)
        .default("3600")
        .from(KICK),
    Property::set("auth-server-group", "Authentication server group", Kind::Name { max: 32 }),
    Property::set(
        "con-absolute-session-timeout",
        "Serial Console Absolute Session timeout(in secs)",
        SECONDS,
    )
    .default("3600")
    .from(KICK),
    Property::set("con-session-timeout", "Serial Console Session timeout(in secs)", SECONDS)
        .default("600")
        .from(KICK),
    Property::set("realm", "Admin Realm", Kind::Words(&REALMS)).default("local"),
    Property::set(
        "refresh-period",
        "Refresh Period(in secs)",
        Kind::Number { min: 60, max: 172_800 },
    )
    .default("600"),
    Property::set(
        "session-timeout",
        "Session timeout(in secs) for web, ssh, telnet sessions",
        SECONDS,
    )
    .default("600"),
]);

const REALMS: [Word; 5] = [
    ("local", "Local"),
    ("ldap", "Ldap"),
    ("none", "None"),
    ("radius", "Radius"),
    ("tacacs", "Tacacs"),
];

/// A generator of chassis configurations, found as public code.
const GENERATOR: Source = Source::Client("public FXOS configuration generator, 11217981876");
/// Most servers of one protocol.
///
/// # Source
/// Recall.
const SERVERS_MAX: usize = 16;
const SERVER_KEY: Key = Key::new("HOST", "Hostname, FQDN or IP address", Kind::Host);
const RETRIES: Kind = Kind::Number { min: 0, max: 5 };
const TIMEOUT: Kind = Kind::Number { min: 1, max: 60 };
const PORT: Kind = Kind::Number { min: 1, max: 65_535 };
const ORDER: Kind = Kind::NumberOr { word: "lowest-available", min: 0, max: 16 };

static RADIUS: Class = Class::single("radius", "RADIUS", GENERATOR)
    .with(&[
        Property::set("retries", "Retries", RETRIES).default("1").from(GENERATOR),
        Property::set("timeout", "Timeout", TIMEOUT).default("5").from(GENERATOR),
    ])
    .over(&[&RADIUS_SERVER]);

static RADIUS_SERVER: Class =
    Class::operator("server", "RADIUS server", &[SERVER_KEY], SERVERS_MAX, GENERATOR)
        .with(&[
            Property::set("authport", "Auth Port", PORT).default("1812").from(GENERATOR),
            Property::secret("key", "Key", 64)
                .asks_twice("Enter the key: ", "Confirm the key: ")
                .from(GENERATOR),
            Property::set("order", "Order", ORDER).default("lowest-available").from(GENERATOR),
            Property::set("retries", "Retries", RETRIES).default("1").from(GENERATOR),
            Property::set("timeout", "Timeout", TIMEOUT).default("5").from(GENERATOR),
        ])
        .table(SERVER_TABLE);

static TACACS: Class = Class::single("tacacs", "TACACS", GENERATOR)
    .with(&[Property::set("timeout", "Timeout", TIMEOUT).default("5").from(GENERATOR)])
    .over(&[&TACACS_SERVER]);

static TACACS_SERVER: Class =
    Class::operator("server", "TACACS server", &[SERVER_KEY], SERVERS_MAX, GENERATOR)
        .with(&[
            Property::secret("key", "Key", 64)
                .asks_twice("Enter the key: ", "Confirm the key: ")
                .from(GENERATOR),
            Property::set("order", "Order", ORDER).default("lowest-available").from(GENERATOR),
            Property::set("port", "Port", PORT).default("49").from(GENERATOR),
            Property::set("timeout", "Timeout", TIMEOUT).default("5").from(GENERATOR),
        ])
        .table(SERVER_TABLE);

static SERVER_TABLE: &[Column] = &[
    Column::new("Hostname, FQDN or IP address", 28),
    Column::number("Order", 10),
    Column::number("Timeout", 10),
];
