//! What an ASA prints about failover. Listings end without a line feed.
//!
//! # Source
//! Seed for the two lines with `host`; the rest is the frame of public `show failover`, `show failover
//! history` and `show failover state` listings of other models, filled with what is true here.

use std::time::Duration;

use crate::base::time::{Now, Utc};
use crate::proto::blade::failover::POLL_MS;
use crate::proto::blade::{Blade, Config};
use crate::wire::units::{Interface, PromptPart, Unit};

/// The words of `prompt`.
pub const PROMPT_PARTS: [(PromptPart, &str); 4] = [
    (PromptPart::Hostname, "hostname"),
    (PromptPart::Priority, "priority"),
    (PromptPart::State, "state"),
    (PromptPart::ClusterUnit, "cluster-unit"),
];

/// Most interfaces that an ASA of this kind monitors.
///
/// # Source
/// Recall of a public `show failover` of a 4100.
const MONITORED_MAX: u32 = 1291;

/// `show failover`.
pub fn status(blade: &Blade, now: Now) -> String {
    let (failover, pair, facts) = (blade.failover(), blade.pair(), blade.facts());
    let head = match (failover.is_on(), failover.is_standby()) {
        (true, _) => "Failover On ",
        (false, true) => "Failover Off (pseudo-Standby)",
        (false, false) => "Failover Off ",
    };
    let mate = failover.mate();
    let other = |text: Option<&str>| text.unwrap_or("Unknown").to_owned();
    let release = other(mate.map(|mate| mate.hello.release.as_str()));
    let serial = other(mate.map(|mate| mate.serial.as_str()));
    let lan = pair.lan.as_ref().map_or("not Configured".to_owned(), |lan| interface(blade, lan));
    let mut lines = vec![
        head.to_owned(),
        format!("Failover unit {}", unit(failover.unit)),
        format!("Failover LAN Interface: {lan}"),
        "Reconnect timeout 0:00:00".to_owned(),
        format!("Unit Poll frequency {}, holdtime {}", span(pair.poll_ms), span(pair.hold_ms)),
        "Interface Poll frequency 5 seconds, holdtime 25 seconds".to_owned(),
        "Interface Policy 1".to_owned(),
        format!("Monitored Interfaces 0 of {MONITORED_MAX} maximum"),
        "MAC Address Move Notification Interval not set".to_owned(),
    ];
    if failover.is_on() {
        lines.push(format!("Version: Ours {}, Mate {release}", facts.release));
        lines.push(format!("Serial Number: Ours {}, Mate {serial}", facts.serial));
        let last = failover.switched_at().map_or(String::new(), moment);
        lines.push(format!("Last Failover at: {last}"));
        lines.extend(hosts(blade, now));
        lines.push(String::new());
        lines.push("Stateful Failover Logical Update Statistics".to_owned());
        match &pair.link {
            None => lines.push("\tLink : Unconfigured.".to_owned()),
            Some(link) => {
                lines.push(format!("\tLink : {}", interface(blade, link)));
                let counters = failover.counters();
                lines.push(
                    "\tStateful Obj \txmit       xerr       rcv        rerr      ".to_owned(),
                );
                lines.push(format!(
                    "\tGeneral\t\t{:<10} {:<10} {:<10} {:<10}",
                    counters.sent, 0, counters.received, counters.dropped
                ));
            }
        }
    }
    lines.join("\n")
}

/// The blocks of the two units.
fn hosts(blade: &Blade, now: Now) -> Vec<String> {
    let (failover, facts) = (blade.failover(), blade.facts());
    let seconds = |active: bool| if active { failover.since(now).as_secs() } else { 0 };
    let mut lines = vec![
        format!("        This host: {} - {} ", unit(failover.unit), failover.state_text()),
        format!("                Active time: {} (sec)", seconds(failover.is_active())),
        slot_line(facts.slot.number(), facts.module.pid, &facts.release, "Up Sys"),
    ];
    let other = match failover.unit {
        Unit::Primary => Unit::Secondary,
        Unit::Secondary => Unit::Primary,
    };
    lines.push(format!("        Other host: {} - {} ", unit(other), failover.mate_text()));
    let active = failover.is_on() && failover.is_standby() && failover.mate_is_alive();
    lines.push(format!("                Active time: {} (sec)", seconds(active)));
    if let Some(mate) = failover.mate() {
        let (hello, state) = (&mate.hello, if mate.alive { "Up Sys" } else { "Unknown/Unknown" });
        lines.push(slot_line(hello.slot, &hello.module, &hello.release, state));
    }
    lines
}

fn slot_line(slot: u8, module: &str, release: &str, state: &str) -> String {
    format!("                slot {slot}: {module} hw/sw rev (1.0/{release}) status ({state})")
}

/// `show failover history`.
pub fn history(blade: &Blade) -> String {
    let rule = "=".repeat(74);
    let heading = format!("{:<26} {:<26} {}", "From State", "To State", "Reason");
    let mut lines = vec![rule.clone(), heading, rule.clone()];
    for change in blade.failover().history() {
        lines.push(moment(change.at));
        lines.push(format!("{:<26} {:<26} {}", change.from, change.to, change.reason));
        lines.push(String::new());
    }
    lines.push(rule);
    lines.join("\n")
}

/// `show failover state`.
pub fn state(blade: &Blade) -> String {
    let failover = blade.failover();
    let other = match failover.unit {
        Unit::Primary => Unit::Secondary,
        Unit::Secondary => Unit::Primary,
    };
    let failed = failover.mate().is_some_and(|mate| !mate.alive);
    let failure = if failed { "Comm Failure" } else { "None" };
    let mut lines = vec![
        format!("{:15}{:<15}{:<25}{}", "", "State", "Last Failure Reason", "Date/Time"),
        format!("This host  -   {}", unit(failover.unit)),
        format!("{:15}{:<15}{}", "", failover.state_text(), "None"),
        format!("Other host -   {}", unit(other)),
        format!("{:15}{:<15}{failure}", "", failover.mate_text()),
        String::new(),
        "====Configuration State===".to_owned(),
    ];
    if failover.is_on() && failover.mate_is_alive() {
        lines.push("\tSync Done".to_owned());
    }
    lines.push("====Communication State===".to_owned());
    if failover.is_on() && failover.mate_is_alive() {
        lines.push("\tMac set".to_owned());
    }
    lines.join("\n")
}

/// The lines of failover in a configuration; empty if nobody has configured it.
pub fn config(config: &Config) -> String {
    let (unconfigured, pair) = (Config::default(), &config.failover);
    if *pair == unconfigured.failover && config.unit == unconfigured.unit {
        return String::new();
    }
    whole_config(config)
}

/// `show running-config failover`.
pub fn whole_config(config: &Config) -> String {
    let pair = &config.failover;
    let mut lines = vec![(if pair.on { "failover" } else { "no failover" }).to_owned()];
    if let Some(lan) = &pair.lan {
        lines.push(format!("failover lan unit {}", unit(config.unit).to_ascii_lowercase()));
        lines.push(format!("failover lan interface {} {}", lan.name, lan.port));
    } else if config.unit == Unit::Primary {
        lines.push("failover lan unit primary".to_owned());
    }
    if (pair.poll_ms, pair.hold_ms) != POLL_MS {
        let word = |ms: u32| {
            if ms.is_multiple_of(1000) { (ms / 1000).to_string() } else { format!("msec {ms}") }
        };
        let (poll, hold) = (word(pair.poll_ms), word(pair.hold_ms));
        lines.push(format!("failover polltime unit {poll} holdtime {hold}"));
    }
    if pair.key.is_some() {
        lines.push("failover key *****".to_owned());
    }
    if let Some(link) = &pair.link {
        lines.push(format!("failover link {} {}", link.name, link.port));
    }
    for (name, ip) in &pair.addresses {
        let (active, mask, standby) = (ip.active, ip.mask, ip.standby);
        lines.push(format!("failover interface ip {name} {active} {mask} standby {standby}"));
    }
    lines.join("\n")
}

/// The line of `prompt` in a configuration; empty if it is as the factory has it.
pub fn prompt_config(config: &Config) -> String {
    if config.prompt == Config::default().prompt { String::new() } else { prompt_line(config) }
}

/// `show running-config prompt`.
pub fn prompt_line(config: &Config) -> String {
    let words = config.prompt.iter().filter_map(|part| {
        PROMPT_PARTS.iter().find(|(known, _)| known == part).map(|(_, text)| *text)
    });
    format!("prompt {} ", words.collect::<Vec<_>>().join(" "))
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Primary => "Primary",
        Unit::Secondary => "Secondary",
    }
}

fn interface(blade: &Blade, interface: &Interface) -> String {
    let state = if blade.is_attached() { "up" } else { "down" };
    format!("{} {} ({state})", interface.name, interface.port)
}

fn span(ms: u32) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} seconds", Duration::from_millis(ms.into()).as_secs())
    } else {
        format!("{ms} milliseconds")
    }
}

/// Writes `07:58:13 UTC Aug 4 2020`.
///
/// # Source
/// Public `show failover history` listings.
fn moment(at: Utc) -> String {
    let civil = at.civil();
    format!(
        "{:02}:{:02}:{:02} UTC {} {} {}",
        civil.hour,
        civil.minute,
        civil.second,
        civil.month_name(),
        civil.day,
        civil.year
    )
}
