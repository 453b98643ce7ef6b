//! What an ASA prints about its cluster. Listings end without a line feed.
//!
//! # Source
//! Seed for the lines with `state`; `Cluster Member Limit` is client kick's; the rest of the frame is
//! recall.

use std::net::Ipv4Addr;

use crate::proto::blade::cluster::MEMBERS_MAX;
use crate::proto::blade::{Blade, Config};
use crate::wire::units::MemberState;

/// `show cluster info`.
pub fn info(blade: &Blade) -> String {
    let Some(group) = blade.group() else { return "Clustering is not enabled".to_owned() };
    let (cluster, facts) = (blade.cluster(), blade.facts());
    let on = if cluster.is_on() { "On" } else { "Off" };
    let mut names: Vec<&str> =
        cluster.members().map(|(_, peer)| peer.member.name.as_str()).collect();
    names.push(&group.unit);
    names.sort_unstable();
    let id = |name: &str| names.iter().position(|other| *other == name).unwrap_or(0);
    let mut lines = vec![
        format!("Cluster {}: {on}", group.name),
        "    Interface mode: spanned".to_owned(),
        format!("    Cluster Member Limit : {MEMBERS_MAX}"),
        format!("    This is \"{}\" in state {}", group.unit, cluster.state_text()),
    ];
    let (release, module) = (facts.release.as_str(), facts.module.pid);
    lines.extend(unit(id(&group.unit), release, &facts.serial, group.address, module));
    let mut members: Vec<_> = cluster.members().collect();
    members.sort_by(|(_, a), (_, b)| a.member.name.cmp(&b.member.name));
    if cluster.is_on() {
        lines.push("Other members in the cluster:".to_owned());
        if members.is_empty() {
            lines.push("    There is no other unit in the cluster".to_owned());
        }
    }
    for (serial, peer) in members {
        let member = &peer.member;
        let state = match member.state {
            MemberState::Control => "CONTROL_NODE",
            MemberState::Data => "DATA_NODE",
            MemberState::Joining => "DATA_CONFIG",
            MemberState::Election => "ELECTION",
        };
        lines.push(format!("    Unit \"{}\" in state {state}", member.name));
        let (release, module) = (&member.release, &member.module);
        lines.extend(unit(id(&member.name), release, serial, member.address, module));
    }
    lines.join("\n")
}

fn unit(id: usize, release: &str, serial: &str, address: Ipv4Addr, module: &str) -> [String; 5] {
    [
        format!("        ID        : {id}"),
        format!("        Version   : {release}"),
        format!("        Serial No.: {serial}"),
        format!("        CCL IP    : {address}"),
        format!("        Module    : {module}"),
    ]
}

/// The lines of the cluster in a configuration; empty if there is none.
pub fn config(config: &Config) -> String {
    let Some(group) = &config.cluster else { return String::new() };
    let mut lines = vec![format!("cluster group {}", group.name)];
    if !group.unit.is_empty() {
        lines.push(format!(" local-unit {}", group.unit));
    }
    if !group.port.is_empty() {
        let (port, address, mask) = (&group.port, group.address, group.mask);
        lines.push(format!(" cluster-interface {port} ip {address} {mask}"));
    }
    lines.push(format!(" priority {}", group.priority));
    if group.key.is_some() {
        lines.push(" key *****".to_owned());
    }
    lines.push((if group.on { " enable" } else { " no enable" }).to_owned());
    lines.join("\n")
}
