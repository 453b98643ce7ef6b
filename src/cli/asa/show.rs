//! What an ASA on a security module prints about itself. Listings end without a line feed.
//!
//! # Source
//! Seed, the listings of `show license all`, `entitlement` and `features` and of `show tech-support
//! license` on a 4125; licensing 2.7 has the columns and blank lines that the seed's pages lost, and
//! the blanks behind the values of the feature table, which public captures of other models have.

use std::time::Duration;

use crate::base::entitlement::Feature;
use crate::base::time::Now;
use crate::proto::blade::{Blade, Capabilities, Config, Held};

pub mod cluster;
pub mod failover;

/// `show license all`.
pub fn license_all(blade: &Blade, now: Now) -> String {
    let mut text = format!("{}\n\n{}", license_state(blade), features(blade, now));
    // A standby unit or a data unit of a cluster holds no tier of its own and prints no box: what
    // counts is the whole.
    if blade.may_ask() && !blade.overall().grants_use() {
        text.push_str("\n\n");
        text.push_str(UNLICENSED);
    }
    text
}

/// `show tech-support license`: the state without the feature table.
pub fn license_state(blade: &Blade) -> String {
    let compliance = if blade.is_compliant() { "In compliance" } else { "Out of compliance" };
    let overall = if blade.failover().is_standby() {
        STANDBY.to_owned()
    } else {
        let overall = blade.overall();
        format!("{} ({})", overall.asa_word(), overall.code())
    };
    format!(
        "Smart licensing enabled: Yes\n\n\
         Compliance status: {compliance}\n\n\
         Overall licensed status: {overall}\n\n{}",
        entitlements(blade)
    )
}

/// What stands for the status of a unit that asks for nothing.
///
/// # Source
/// Seed, "failover (hoge beschikbaarheid)", the standby unit.
const STANDBY: &str = "Not applicable in standby state";

/// `show license entitlement`.
pub fn entitlements(blade: &Blade) -> String {
    let blocks: Vec<String> = blade.held().map(|(feature, held)| block(feature, held)).collect();
    if blocks.is_empty() {
        return "No entitlements in use".to_owned();
    }
    format!("Entitlement(s):\n\n{}", blocks.join("\n\n"))
}

fn block(feature: Feature, held: &Held) -> String {
    let lines = [
        format!("Tag: {}", held.tag.as_str()),
        format!("Version: {}", held.tag.version()),
        format!("Enforcement mode: {}", held.mode.asa_word()),
        format!("Handle: {}", held.handle.0),
        format!("Requested time: {}", held.requested_at.rfc1123()),
        format!("Requested count: {}", held.count),
        format!("Request status: {}", held.status.asa_word()),
    ];
    format!("{}:\n        {}", feature.label(), lines.join("\n        "))
}

/// `show license features`.
pub fn features(blade: &Blade, now: Now) -> String {
    format!("Serial Number:  {}\n\n{}", blade.facts().serial, licensed_features(blade, now))
}

/// The end of `show license features` and of `show version`.
///
/// # Source
/// Seed, "failover (hoge beschikbaarheid)": a pair or a cluster prints what it may do together below
/// what the unit may do. The two blank lines between are those of public captures.
fn licensed_features(blade: &Blade, now: Now) -> String {
    let table = feature_table(blade, blade.capabilities());
    let own =
        format!("License mode: Smart Licensing\n\nLicensed features for this platform:\n{table}");
    match blade.shared(now) {
        None => own,
        Some(shared) => format!(
            "{own}\n\n\nFailover cluster licensed features for this platform:\n{}",
            feature_table(blade, shared)
        ),
    }
}

/// Columns of a feature's name, and of its value: blanks fill both.
///
/// # Source
/// Public captures of an FPR-2130 and of ASAs, which kept the blanks that the seed's pages lost.
const COLUMNS: (usize, usize) = (34, 15);

/// The eighteen rows of what one unit, or a pair or cluster as one, may do.
pub fn feature_table(blade: &Blade, can: Capabilities) -> String {
    let module = blade.facts().module;
    let on = |enabled| if enabled { "Enabled" } else { "Disabled" }.to_owned();
    let rows: [(&str, String); 18] = [
        ("Maximum Physical Interfaces", "Unlimited".to_owned()),
        ("Maximum VLANs", module.vlans_max.to_string()),
        ("Inside Hosts", "Unlimited".to_owned()),
        ("Failover", "Active/Active".to_owned()),
        ("Encryption-DES", on(true)),
        ("Encryption-3DES-AES", on(can.strong_encryption)),
        ("Security Contexts", can.contexts.to_string()),
        ("Carrier", on(can.carrier)),
        ("AnyConnect Premium Peers", module.vpn_peers.to_string()),
        ("AnyConnect Essentials", on(false)),
        ("Other VPN Peers", module.vpn_peers.to_string()),
        ("Total VPN Peers", module.vpn_peers.to_string()),
        ("AnyConnect for Mobile", on(true)),
        ("AnyConnect for Cisco VPN Phone", on(true)),
        ("Advanced Endpoint Assessment", on(true)),
        ("Shared License", on(false)),
        ("Total TLS Proxy Sessions", module.tls_proxy_sessions.to_string()),
        ("Cluster", on(module.cluster)),
    ];
    let (name, wide) = COLUMNS;
    rows.map(|(label, value)| format!("{label:name$}: {value:wide$}")).join("\n")
}

/// The box below an ASA without a tier.
///
/// # Source
/// Seed, the first listing of `show license all` on an ASA.
const UNLICENSED: &str = "\
***************************************************************************
*                                 WARNING                                 *
*                                                                         *
*    THIS DEVICE IS NOT LICENSED WITH A VALID FEATURE TIER ENTITLEMENT    *
*                                                                         *
***************************************************************************";

/// The lines of `show running-config license`; empty if nothing is asked for.
pub fn license_config(config: &Config) -> String {
    let mut text = String::new();
    for (feature, count) in &config.features {
        if text.is_empty() {
            text.push_str("license smart");
        }
        text.push_str("\n feature ");
        text.push_str(&match feature {
            Feature::Tier => "tier standard".to_owned(),
            Feature::Context => format!("context {count}"),
            Feature::StrongEncryption => "strong-encryption".to_owned(),
            Feature::Carrier => "carrier".to_owned(),
        });
    }
    text
}

/// `show running-config` and `show startup-config`: as much as this ASA has.
///
/// # Source
/// Recall of the frame; the lines of `license smart` are the seed's.
pub fn config(blade: &Blade, config: &Config) -> String {
    let facts = blade.facts();
    let mut lines = vec![
        ": Saved".to_owned(),
        String::new(),
        ": ".to_owned(),
        format!(": Serial Number: {}", facts.serial),
        format!(": Hardware:   {}", facts.module.pid),
        ":".to_owned(),
        format!("ASA Version {} ", facts.release),
        "!".to_owned(),
        format!("hostname {}", config.hostname),
        "!".to_owned(),
    ];
    lines.extend(parts(config));
    lines.push(format!("Cryptochecksum:{}", checksum(config).concat()));
    lines.push(": end".to_owned());
    lines.join("\n")
}

/// What `write memory` prints.
///
/// # Source
/// Recall of the four lines; seed: a checksum is four words of eight digits.
pub fn saved(blade: &Blade, config: &Config) -> String {
    let bytes = self::config(blade, config).len();
    let sum = checksum(config).join(" ");
    format!(
        "Building configuration...\nCryptochecksum: {sum}\n\n{bytes} bytes copied in 0.10 secs\n[OK]"
    )
}

/// The parts of a configuration that are there only if something is configured.
fn parts(config: &Config) -> Vec<String> {
    let parts = [
        failover::config(config),
        cluster::config(config),
        license_config(config),
        failover::prompt_config(config),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// A fingerprint of the configuration: four FNV-1a sums of its text. It protects nothing.
pub fn checksum(config: &Config) -> [String; 4] {
    let text = format!("hostname {}\n{}", config.hostname, parts(config).join("\n"));
    [1_u32, 2, 3, 4].map(|lane| {
        let step = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        format!("{:08x}", text.bytes().fold(0x811c_9dc5 ^ lane, step))
    })
}

/// `show version`.
///
/// # Source
/// Public `show version` of an FPR9K-SM-24; what a licence lab has no use for is left out.
pub fn version(blade: &Blade, now: Now) -> String {
    let facts = blade.facts();
    format!(
        "Cisco Adaptive Security Appliance Software Version {}\n\
         SSP Operating System Version 2.8(1.164)\n\n\
         {} up {}\n\n\
         SSP Slot Number: {}\n\n\
         Hardware:   {}\n\n\
         Serial Number: {}\n\n{}",
        facts.release,
        blade.hostname(),
        up_time(blade.uptime(now)),
        facts.slot,
        facts.module.pid,
        facts.serial,
        licensed_features(blade, now)
    )
}

/// Writes `31 days 2 hours`, `2 hours 5 mins`, `5 mins 1 sec` or `12 secs`.
///
/// # Source
/// Public `show version` listings: two units, the greatest first.
fn up_time(up: Duration) -> String {
    let seconds = up.as_secs();
    let unit = |n: u64, name: &str| format!("{n} {name}{}", if n == 1 { "" } else { "s" });
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => unit(rest, "sec"),
        (0, 0, _) => format!("{} {}", unit(minutes, "min"), unit(rest, "sec")),
        (0, _, _) => format!("{} {}", unit(hours, "hour"), unit(minutes, "min")),
        (_, _, _) => format!("{} {}", unit(days, "day"), unit(hours, "hour")),
    }
}

/// The module's own `show version`.
///
/// # Source
/// Ours; only its name for itself is from a client's test data.
pub fn module_version(blade: &Blade) -> String {
    let facts = blade.facts();
    format!(
        "Cisco Security Services Platform\nModule: {} ({})\nApplication: asa {}",
        facts.module.pid, facts.serial, facts.release
    )
}

/// The module's `show services status`.
///
/// # Source
/// Recall of the vendor's page on the module CLI.
pub fn services(blade: &Blade, now: Now) -> String {
    let facts = blade.facts();
    let up = blade.uptime(now).as_secs();
    let (hours, minutes, seconds) = (up / 3_600, up / 60 % 60, up % 60);
    format!(
        "Services currently running:\n\
         Feature | Instance ID | State | Up Since\n\
         -----------------------------------------------------------\n\
         asa | 001_{} | RUNNING | {hours:02}:{minutes:02}:{seconds:02}",
        facts.serial
    )
}
