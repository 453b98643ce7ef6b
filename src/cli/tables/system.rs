//! `scope system` and its services.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal, Scope, Verb};
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
    help: &["NTP server", "Name or address"],
    verbs: Verb::ALL,
    source: CONFIGURATION,
    commands: &[set(
        "set ntp-sha1-key-id ID:0-4294967295",
        &[SET, "SHA-1 key id", "Number"],
        CONFIGURATION,
    )],
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
