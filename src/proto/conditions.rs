//! What is wrong with the supervisor now, as the fault ledger wants it.

use std::time::Duration;

use super::agent::RegistrationReport;
use super::config::{Objects, Path, facts};
use super::faults::{Condition, Kind, Severity};
use super::mio::Mio;
use super::observed::{self, Link, UNREACHABLE};
use crate::base::ident::Slot;
use crate::base::time::{Now, Utc};
use crate::wire::certificate;

/// A module without a way to the switch.
///
/// # Source
/// unicon-fxos-fp4k_mgmt_boot.txt: `[F0209][critical][link-down][sys/chassis-1/blade-1/...]`.
static MODULE_DOWN: Kind = Kind {
    code: 209,
    severity: Severity::Critical,
    cause: "link-down",
    name: "Adaptor Ext If Link Down",
    class: "Network",
    // By recall: a module has this long to come up.
    soak: Duration::from_secs(60),
};

/// # Source
/// MIB for code and name, reference licensing 3.3; words and severity are recall of the UCS sibling,
/// as are those of the kinds below.
static NTP: Kind = Kind {
    code: 1661,
    severity: Severity::Major,
    cause: "ntp-config-failed",
    name: "Comm Ntp Provider Ntp Configuration Failed",
    class: "Configuration",
    soak: Duration::from_secs(10),
};

static TRUSTPOINT: Kind = Kind {
    code: 910,
    severity: Severity::Major,
    cause: "invalid-trustpoint-cert",
    name: "Pki TP Status",
    class: "Security",
    soak: Duration::ZERO,
};

static KEYRING: Kind = Kind {
    code: 909,
    severity: Severity::Major,
    cause: "invalid-keyring-certificate",
    name: "Pki Key Ring Status",
    class: "Security",
    soak: Duration::ZERO,
};

static LICENCE: Kind = Kind {
    code: 1_000_962,
    severity: Severity::Major,
    cause: "set-config-failed",
    name: "Fsm Fail License Smart Config Set Config",
    class: "Fsm",
    soak: Duration::ZERO,
};

static CALLHOME: Kind = Kind {
    code: 1102,
    severity: Severity::Minor,
    cause: "no-snmp-policy-for-callhome",
    name: "Callhome Ep No Snmp Policy For Callhome",
    class: "Configuration",
    soak: Duration::ZERO,
};

static PORT: Kind = Kind {
    code: 276,
    severity: Severity::Major,
    cause: "link-down",
    name: "Port PIo Link Down",
    class: "Network",
    soak: Duration::ZERO,
};

static CHANNEL: Kind = Kind {
    code: 282,
    severity: Severity::Major,
    cause: "port-failed",
    name: "Fabric External Pc Down",
    class: "Network",
    soak: Duration::ZERO,
};

/// Code, name and words are recall of the UCS sibling's fault of failed management services.
static SERVICES: Kind = Kind {
    code: 451,
    severity: Severity::Critical,
    cause: "mgmt-services-failure",
    name: "Mgmt Entity Management-services-failure",
    class: "Management",
    soak: Duration::ZERO,
};

/// Returns everything that is wrong.
pub(super) fn conditions(mio: &Mio, now: Now) -> Vec<Condition> {
    let mut found = Vec::new();
    let objects = mio.config.objects();
    modules(mio, &mut found);
    ntp(mio, &mut found);
    certificates(mio, now, &mut found);
    licence(mio, now, &mut found);
    callhome(objects, &mut found);
    ports(mio, &mut found);
    services(mio, &mut found);
    found
}

/// Returns when a certificate begins or ceases to be valid next.
pub(super) fn deadline(mio: &Mio, now: Now) -> Option<Utc> {
    let trustpoints = facts::trustpoints(mio.config.objects());
    let dates =
        trustpoints.iter().flat_map(|trustpoint| certificate::validities(&trustpoint.chain));
    let second = Duration::from_secs(1);
    let changes = dates.flat_map(|date| [date.not_before, date.not_after + second]);
    changes.filter(|change| *change > now.wall).min()
}

/// Who died and was started again is not to be trusted until the next boot.
fn services(mio: &Mio, found: &mut Vec<Condition>) {
    if mio.facts.died > 0 {
        found.push(Condition {
            kind: &SERVICES,
            object: "sys/mgmt-entity-A".to_owned(),
            text: format!(
                "Fabric Interconnect A, management services have failed and were started again: {} \
                 since the last boot",
                mio.facts.died
            ),
        });
    }
}

fn modules(mio: &Mio, found: &mut Vec<Condition>) {
    for slot in (1..=mio.facts.chassis.slots).filter_map(Slot::new) {
        let broker = &mio.broker;
        if broker.is_equipped(slot) && !broker.is_off(slot) && !broker.is_up(slot) {
            found.push(Condition {
                kind: &MODULE_DOWN,
                object: format!("sys/chassis-1/blade-{slot}/adaptor-1/ext-eth-1"),
                text: format!(
                    "Adapter uplink interface 1/{slot}/1/1 on security module {slot} link state: \
                     down. Please check switch blade-facing port status. Resetting security module \
                     might be required."
                ),
            });
        }
    }
}

fn ntp(mio: &Mio, found: &mut Vec<Condition>) {
    for server in facts::ntp_servers(mio.config.objects()) {
        if mio.facts.ntp.get(&server).is_some_and(|status| status == UNREACHABLE) {
            found.push(Condition {
                kind: &NTP,
                object: format!("sys/svc-ext/datetime-svc/ntp-{server}"),
                text: format!(
                    "NTP Configuration failed, please check the error message on Ntp host {server}: \
                     {status}",
                    status = UNREACHABLE
                ),
            });
        }
    }
}

fn certificates(mio: &Mio, now: Now, found: &mut Vec<Condition>) {
    let reason = |status: &str| status.to_ascii_lowercase().replace(' ', "-");
    for trustpoint in facts::trustpoints(mio.config.objects()) {
        let name = &trustpoint.name;
        let status = observed::trustpoint_status(mio, now.wall.unix_s(), name);
        if status != observed::VALID {
            found.push(Condition {
                kind: &TRUSTPOINT,
                object: format!("sys/pki-ext/tp-{name}"),
                text: format!(
                    "{name} Trustpoint's cert-chain is invalid, reason: {}.",
                    reason(status)
                ),
            });
        }
    }
    let objects = mio.config.objects();
    for keyring in objects.children(&facts::security(), "keyring") {
        let chain = objects.text(&keyring, "cert");
        let status = observed::chain_status(now.wall.unix_s(), &chain);
        if !chain.is_empty() && status != observed::VALID {
            let name = keyring.name();
            found.push(Condition {
                kind: &KEYRING,
                object: format!("sys/pki-ext/keyring-{name}"),
                text: format!(
                    "{name} Keyring's certificate is invalid, reason: {}.",
                    reason(status)
                ),
            });
        }
    }
}

fn licence(mio: &Mio, now: Now, found: &mut Vec<Condition>) {
    if let RegistrationReport::Failed { reason, .. } = mio.agent.report(now).registration {
        found.push(Condition {
            kind: &LICENCE,
            object: "sys/license/license-config-[register]".to_owned(),
            text: format!(
                "[FSM:FAILED]: Smart License operation register(FSM:sam:dme:\
                 LicenseSmartConfigSetConfig). Remote-Invocation-Error: {reason}"
            ),
        });
    }
}

fn callhome(objects: &Objects, found: &mut Vec<Condition>) {
    let monitoring = Path::find(&[("monitoring", &[])]).unwrap_or_default();
    if objects.is_enabled(&facts::callhome(), "") && !objects.is_enabled(&monitoring, "snmp") {
        found.push(Condition {
            kind: &CALLHOME,
            object: "call-home".to_owned(),
            text: "cannot send call home inventory: SNMP is not enabled".to_owned(),
        });
    }
}

fn ports(mio: &Mio, found: &mut Vec<Condition>) {
    let Some(fabric) = Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]) else { return };
    let objects = mio.config.objects();
    for port in objects.children(&fabric, "interface") {
        let link = observed::link_of(mio, &port);
        if link == Link::Down {
            let number = port.name().trim_start_matches("Ethernet");
            found.push(Condition {
                kind: &PORT,
                object: format!("sys/switch-A/slot-1/switch-ether/port-{number}"),
                text: format!(
                    "ether port {number} on fabric interconnect A oper state: link-down, reason: {}",
                    link.reason()
                ),
            });
        }
    }
    for channel in objects.children(&fabric, "port-channel") {
        let link = observed::link_of(mio, &channel);
        if link == Link::Failed {
            let id = channel.name();
            found.push(Condition {
                kind: &CHANNEL,
                object: format!("fabric/lan/A/pc-{id}"),
                text: format!(
                    "port-channel {id} on fabric interconnect A oper state: failed, reason: {}",
                    link.reason()
                ),
            });
        }
    }
}
