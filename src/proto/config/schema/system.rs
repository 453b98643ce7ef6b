//! `/system` with its services, `/license`.

use super::{Class, Column, Key, Kind, Property, Word, plain, seed};
use crate::base::source::Source;

/// Most DNS servers.
///
/// # Source
/// Recall.
const DNS_MAX: usize = 4;
/// Most NTP servers.
///
/// # Source
/// Recall.
const NTP_MAX: usize = 4;
/// Most addresses allowed to reach a service, counted over all services.
///
/// # Source
/// Recall: 25 a service.
const IP_BLOCK_MAX: usize = 75;

const CONFIGURATION: Source = seed("FPR4125-1 /system/services # show configuration");

/// `/system`.
pub(super) static SYSTEM: Class = Class::single("system", "Systems", seed("scope system"))
    .with(&[
        Property::set("name", "Name", Kind::Name { max: 256 }).default("firepower").quiet(),
        Property::fact("Mode").default("Stand Alone"),
        Property::fact("System IP Address").default("0.0.0.0"),
        Property::fact("System IPv6 Address").default("::"),
    ])
    .table(&[
        Column::new("Name", 10),
        Column::new("Mode", 11),
        Column::new("System IP Address", 17),
        Column::new("System IPv6 Address", 19),
    ])
    .over(&[&SERVICES]);

static SERVICES: Class = Class::single("services", "Services", seed("scope services"))
    .with(SERVICE_PROPERTIES)
    .sections()
    .over(&[&DNS, &IP_BLOCK, &NTP_SERVER, &SHELL_LIMITS, &TELEMETRY, &WEB_LIMITS]);

static DNS: Class = Class::operator(
    "dns",
    "Domain Name Servers",
    &[Key::new("ADDRESS", "IP Address", Kind::Ip)],
    DNS_MAX,
    seed("FPR4125-1 /system/services # show dns"),
)
.modeless();

static IP_BLOCK: Class = Class::operator(
    "ip-block",
    "Permitted IP Block",
    &[
        Key::new("ADDRESS", "IP Address", Kind::Ip),
        Key::new("PREFIX", "Prefix Length", Kind::Number { min: 0, max: 128 }),
        Key::new("SERVICE", "Protocol", Kind::Words(&IP_BLOCK_SERVICES)),
    ],
    IP_BLOCK_MAX,
    CONFIGURATION,
)
.table(&[
    Column::new("IP Address", 15),
    Column::number("Prefix Length", 13),
    Column::new("Protocol", 8),
]);

const IP_BLOCK_SERVICES: [Word; 3] = [("https", "Https"), ("ssh", "Ssh"), ("snmp", "Snmp")];

static NTP_SERVER: Class = Class::operator(
    "ntp-server",
    "NTP server hostname",
    &[Key::new("NAME", "Name", Kind::Host)],
    NTP_MAX,
    seed("FPR4125-1 /system/services # show ntp-server"),
)
.with(&[
    Property::set(
        "ntp-sha1-key-id",
        "NTP SHA-1 key id",
        Kind::Number { min: 0, max: 4_294_967_295 },
    )
    .default("0")
    .from(CONFIGURATION),
    Property::secret("ntp-sha1-key-string", "NTP SHA-1 key string", 40)
        .asks("NTP SHA-1 key string: ")
        .from(CONFIGURATION),
    Property::fact("Time Sync Status").from(seed("FPR4125-1 /system/services # show ntp-server")),
])
.table(&[Column::new("Name", 64), Column::new("Time Sync Status", 16)]);

static SHELL_LIMITS: Class =
    Class::single("shell-session-limits", "Shell Session Limits", CONFIGURATION).with(&[
        Property::set("per-user", "Maximum Sessions Per User", Kind::Number { min: 1, max: 32 })
            .default("32")
            .from(CONFIGURATION),
        Property::set("total", "Maximum Total Sessions", Kind::Number { min: 1, max: 32 })
            .default("32")
            .from(CONFIGURATION),
    ]);

static WEB_LIMITS: Class = Class::single("web-session-limits", "Web Session Limits", CONFIGURATION)
    .with(&[
        Property::set("per-user", "Maximum Sessions Per User", Kind::Number { min: 1, max: 256 })
            .default("32")
            .from(CONFIGURATION),
        Property::set("total", "Maximum Total Sessions", Kind::Number { min: 1, max: 256 })
            .default("256")
            .from(CONFIGURATION),
    ]);

static TELEMETRY: Class = Class::single("telemetry", "Telemetry", CONFIGURATION)
    .with(&[Property::enable("", "Admin State").from(CONFIGURATION)]);

/// OpenSSL cipher list of the management web server.
///
/// # Source
/// Seed, `show configuration`; the line is rejoined where the page broke it.
const CIPHER_SUITE: &str = "ALL:!DHE-PSK-AES256-CBC-SHA:!EDH-RSA-DES-CBC3-SHA:\
    !EDH-DSS-DES-CBC3-SHA:!DES-CBC3-SHA:!ADH:!3DES:!EXPORT40:!EXPORT56:!LOW:!MEDIUM:!NULL:!RC4:\
    !MD5:!IDEA:+HIGH:+EXP";

const KEX: [Word; 9] = plain([
    "curve25519-sha256",
    "curve25519-sha256_libssh_org",
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
]);
const MAC: [Word; 5] =
    plain(["hmac-sha1", "hmac-sha1-160", "hmac-sha1-96", "hmac-sha2-256", "hmac-sha2-512"]);
const CIPHERS: [Word; 10] = plain([
    "3des-cbc",
    "aes128-cbc",
    "aes128-ctr",
    "aes128-gcm_openssh_com",
    "aes192-cbc",
    "aes192-ctr",
    "aes256-cbc",
    "aes256-ctr",
    "aes256-gcm_openssh_com",
    "chacha20-poly1305_openssh_com",
]);
const CURVES: [Word; 3] = plain(["secp256r1", "secp384r1", "secp521r1"]);
const AUTH_TYPES: [Word; 2] = [("cred-auth", "Cred Auth"), ("cert-auth", "Cert Auth")];
const SUITE_MODES: [Word; 4] = [
    ("high-strength", "High Strength"),
    ("medium-strength", "Medium Strength"),
    ("low-strength", "Low Strength"),
    ("custom", "Custom"),
];
const CRL_MODES: [Word; 2] = [("strict", "Strict"), ("relaxed", "Relaxed")];
const HOST_KEY_CHECKS: [Word; 3] =
    [("enable", "Enable"), ("disable", "Disable"), ("prompt", "Prompt")];
const REKEY_VOLUME: Kind = Kind::NumberOr { word: "none", min: 100, max: 4_194_303 };
const REKEY_TIME: Kind = Kind::NumberOr { word: "none", min: 10, max: 1440 };

/// In the order of the seed's listing: within one verb it is this table's order.
///
/// # Source
/// Seed, `show configuration`: names, defaults and order. Ranges and further choices are recall.
static SERVICE_PROPERTIES: &[Property] = &[
    Property::create("ssh-server host-key rsa", "Host Key RSA")
        .default("enabled")
        .from(CONFIGURATION),
    Property::create("ssh-server host-key ecdsa", "Host Key ECDSA").from(CONFIGURATION),
    Property::enable("ntp-authentication", "Ntp Authentication").from(CONFIGURATION),
    Property::enable("telnet-server", "Admin State").from(CONFIGURATION),
    Property::enable("https", "Admin State").default("enabled").from(CONFIGURATION),
    Property::enable("ssh-server", "Admin State").default("enabled").from(CONFIGURATION),
    Property::set("domain-name", "Domain Name", Kind::Name { max: 255 }).from(CONFIGURATION),
    Property::set("https auth-type", "Https authentication type", Kind::Words(&AUTH_TYPES))
        .default("cred-auth")
        .from(CONFIGURATION),
    Property::set("https cipher-suite", "Cipher suite", Kind::Text { max: 512 })
        .default(CIPHER_SUITE)
        .from(CONFIGURATION),
    Property::set("https cipher-suite-mode", "Cipher suite mode", Kind::Words(&SUITE_MODES))
        .default("high-strength")
        .from(CONFIGURATION),
    Property::set("https crl-mode", "Crl mode", Kind::Words(&CRL_MODES))
        .default("strict")
        .from(CONFIGURATION),
    Property::measured("https operational-port", "Operational port"),
    Property::measured("telnet-server port", "Port").default("23"),
    Property::measured("ssh-server port", "Port").default("22"),
    Property::set("https keyring", "Key Ring", Kind::Name { max: 16 })
        .default("default")
        .from(CONFIGURATION),
    Property::set("https port", "Port", Kind::Number { min: 1, max: 65_535 })
        .default("443")
        .from(CONFIGURATION),
    // The curve of a key that may be absent; the size likewise.
    Property::set("ssh-server host-key ecdsa", "Host Key ECDSA Curve", Kind::Words(&CURVES))
        .default("secp256r1")
        .from(CONFIGURATION),
    Property::set(
        "ssh-server host-key rsa",
        "Host Key RSA Size",
        Kind::Number { min: 1024, max: 4096 },
    )
    .default("2048")
    .from(CONFIGURATION),
    Property::set("ssh-server kex-algorithm", "Kex Algorithm", Kind::List(&KEX))
        .default("diffie-hellman-group14-sha1")
        .from(CONFIGURATION),
    Property::set("ssh-server mac-algorithm", "Mac Algorithm", Kind::List(&MAC))
        .default("hmac-sha1 hmac-sha2-256 hmac-sha2-512")
        .from(CONFIGURATION),
    Property::set("ssh-server encrypt-algorithm", "Encrypt Algorithm", Kind::List(&CIPHERS))
        .default(
            "aes128-cbc aes128-ctr aes192-cbc aes192-ctr aes256-cbc aes256-ctr \
             chacha20-poly1305_openssh_com",
        )
        .from(CONFIGURATION),
    Property::set("ssh-server rekey-limit volume", "Rekey Limit Volume(KB)", REKEY_VOLUME)
        .default("none")
        .group("ssh-server rekey-limit")
        .from(CONFIGURATION),
    Property::set("ssh-server rekey-limit time", "Rekey Limit Time(Minutes)", REKEY_TIME)
        .default("none")
        .group("ssh-server rekey-limit")
        .from(CONFIGURATION),
    Property::set("ssh-client kex-algorithm", "Kex Algorithm", Kind::List(&KEX))
        .default("diffie-hellman-group14-sha1")
        .from(CONFIGURATION),
    Property::set("ssh-client mac-algorithm", "Mac Algorithm", Kind::List(&MAC))
        .default("hmac-sha1 hmac-sha2-256 hmac-sha2-512")
        .from(CONFIGURATION),
    Property::set("ssh-client encrypt-algorithm", "Encrypt Algorithm", Kind::List(&CIPHERS))
        .default("aes128-ctr aes192-ctr aes256-ctr")
        .from(CONFIGURATION),
    Property::set("ssh-client rekey-limit volume", "Rekey Limit Volume(KB)", REKEY_VOLUME)
        .default("none")
        .group("ssh-client rekey-limit")
        .from(CONFIGURATION),
    Property::set("ssh-client rekey-limit time", "Rekey Limit Time(Minutes)", REKEY_TIME)
        .default("none")
        .group("ssh-client rekey-limit")
        .from(CONFIGURATION),
    Property::set(
        "ssh-client stricthostkeycheck",
        "Strict Host Key Check",
        Kind::Words(&HOST_KEY_CHECKS),
    )
    .default("disable")
    .from(CONFIGURATION),
    Property::set("timezone", "Timezone", Kind::Text { max: 64 }).from(CONFIGURATION),
];

/// `/license`. What it does is mostly no configuration; whether licences are reserved instead of
/// registered for is.
pub(super) static LICENSE: Class =
    Class::single("license", "License", seed("firepower# scope license"))
        .with(&[Property::enable("reservation", "").quiet()])
        .over(&[&LICDEBUG, &RESERVATION]);

static RESERVATION: Class = Class::single("reservation", "License Reservation", Source::Recall);

static LICDEBUG: Class = Class::single("licdebug", "License Debug", seed("scope licdebug"));
