//! `scope system` and its services.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal, Scope, Verb};
use super::super::show::services as listing;
use super::edit::{self, CLASS, object, set, switch};
use crate::base::source::Source;
use crate::proto::mio::Mio;

const CONFIGURATION: Source = Source::Seed("FPR4125-1 /system/services # show configuration");
const SET: &str = "Set property values";
const SHOW: &str = "Show running system information";

/// `/system`.
pub(super) static SYSTEM: Scope<Mio> = Scope {
    syntax: "system",
    help: &["System"],
    source: Source::Seed("FPR4125-1# scope system"),
    scopes: &[&SERVICES],
    commands: &[set("set name NAME:word(256)", &[SET, "Name", "Name"], Source::Recall)],
    ..CLASS
};

/// `/system/services`.
static SERVICES: Scope<Mio> = Scope {
    syntax: "services",
    help: &["Services"],
    source: Source::Seed("FPR4125-1 /system # scope services"),
    scopes: &[&IP_BLOCK, &NTP_SERVER, &SHELL_LIMITS, &TELEMETRY, &WEB_LIMITS],
    commands: SERVICE_COMMANDS,
    ..CLASS
};

static SERVICE_COMMANDS: &[Command<Mio>] = &[
    object(
        "{create | enter | delete} dns ADDRESS:ip",
        &[
            "Create managed objects",
            "Enters a managed object",
            "Delete managed objects",
            "Domain name server",
            "IP address",
        ],
        CONFIGURATION,
    ),
    set("set domain-name NAME:word(255)", &[SET, "Domain name", "Name"], CONFIGURATION),
    set("set timezone NAME:word(64)", &[SET, "Timezone", "Area/City"], CONFIGURATION),
    set("set https port PORT:1-65535", &[SET, "HTTPS", "Port", "Port"], CONFIGURATION),
    set("set https keyring NAME:name", &[SET, "HTTPS", "Key ring", "Name"], CONFIGURATION),
    set(
        "set https auth-type {cred-auth | cert-auth}",
        &[SET, "HTTPS", "Authentication", "By credentials", "By certificate"],
        CONFIGURATION,
    ),
    set(
        "set https cipher-suite-mode {high-strength | medium-strength | low-strength | custom}",
        &[SET, "HTTPS", "Cipher suite mode", "High", "Medium", "Low", "As cipher-suite says"],
        CONFIGURATION,
    ),
    set(
        "set https cipher-suite SUITE:word(512)",
        &[SET, "HTTPS", "Cipher suite", "OpenSSL cipher list"],
        CONFIGURATION,
    ),
    set(
        "set https crl-mode {strict | relaxed}",
        &[SET, "HTTPS", "Revocation lists", "Strict", "Relaxed"],
        CONFIGURATION,
    ),
    set(
        "set {ssh-server | ssh-client} {kex-algorithm | mac-algorithm | encrypt-algorithm} NAMES...",
        &[
            SET,
            "SSH server",
            "SSH client",
            "Key exchange",
            "Message authentication",
            "Encryption",
            "Algorithms, separated by blanks",
        ],
        CONFIGURATION,
    ),
    set(
        "set ssh-server host-key rsa BITS:1024-4096",
        &[SET, "SSH server", "Host key", "RSA", "Bits"],
        CONFIGURATION,
    ),
    set(
        "set ssh-server host-key ecdsa {secp256r1 | secp384r1 | secp521r1}",
        &[SET, "SSH server", "Host key", "ECDSA", "Curve", "Curve", "Curve"],
        CONFIGURATION,
    ),
    set(
        "set ssh-client stricthostkeycheck {enable | disable | prompt}",
        &[SET, "SSH client", "Check of host keys", "Enable", "Disable", "Prompt"],
        CONFIGURATION,
    ),
    switch(
        "{enable | disable} {ntp-authentication | telnet-server | https | ssh-server}",
        &["Enable", "Disable", "NTP authentication", "Telnet", "HTTPS", "SSH"],
        CONFIGURATION,
    ),
    switch(
        "{create | delete} ssh-server host-key {rsa | ecdsa}",
        &[
            "Create managed objects",
            "Delete managed objects",
            "SSH server",
            "Host key",
            "RSA",
            "ECDSA",
        ],
        CONFIGURATION,
    ),
    Command {
        syntax: "show dns",
        help: &[SHOW, "Domain name servers"],
        source: Source::Seed("FPR4125-1 /system/services # show dns"),
        run: show_dns,
        ..Command::READ
    },
    Command {
        syntax: "show ntp-server",
        help: &[SHOW, "NTP servers"],
        source: Source::Seed("FPR4125-1 /system/services # show ntp-server"),
        run: show_ntp_server,
        ..Command::READ
    },
];

static IP_BLOCK: Scope<Mio> = Scope {
    syntax: "ip-block ADDRESS:ip PREFIX:0-128 SERVICE:name",
    help: &["Permitted addresses", "Network", "Prefix length", "https, ssh or snmp"],
    verbs: Verb::ALL,
    source: CONFIGURATION,
    ..CLASS
};

static NTP_SERVER: Scope<Mio> = Scope {
    syntax: "ntp-server NAME:host",
    need: Need::Operate,
    help: &["NTP server", "Name or address"],
    verbs: Verb::ALL,
    source: CONFIGURATION,
    commands: &[
        set("set ntp-sha1-key-id ID:0-4294967295", &[SET, "SHA-1 key id", "Number"], CONFIGURATION),
        Command {
            syntax: "set ntp-sha1-key-string",
            help: &[SET, "SHA-1 key"],
            source: CONFIGURATION,
            run: set_key_string,
            ..Command::WRITE
        },
    ],
    ..CLASS
};

const LIMITS: &[Command<Mio>] = &[
    set("set per-user COUNT:1-256", &[SET, "Sessions per user", "Count"], CONFIGURATION),
    set("set total COUNT:1-256", &[SET, "Sessions", "Count"], CONFIGURATION),
];

static SHELL_LIMITS: Scope<Mio> = Scope {
    syntax: "shell-session-limits",
    help: &["Shell session limits"],
    source: CONFIGURATION,
    commands: LIMITS,
    ..CLASS
};

static WEB_LIMITS: Scope<Mio> = Scope {
    syntax: "web-session-limits",
    help: &["Web session limits"],
    source: CONFIGURATION,
    commands: LIMITS,
    ..CLASS
};

static TELEMETRY: Scope<Mio> = Scope {
    syntax: "telemetry",
    help: &["Telemetry"],
    source: CONFIGURATION,
    commands: &[switch("{enable | disable}", &["Enable", "Disable"], CONFIGURATION)],
    ..CLASS
};

/// Asks for the key, so that no listing and no history holds it.
///
/// # Source
/// Seed: `show configuration` prints the command without its value. The prompt is recall.
fn set_key_string(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    call.ask(Ask::secret("NTP SHA-1 key string: ", |mio, call, key| {
        edit::put(mio, call, "ntp-sha1-key-string", key)
    }));
    Ok(())
}

fn show_dns(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let text = listing::dns(edit::view(mio, call));
    call.out.push_str(&text);
    Ok(())
}

fn show_ntp_server(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let text = listing::ntp_server(edit::view(mio, call), &mio.facts.ntp);
    call.out.push_str(&text);
    Ok(())
}
