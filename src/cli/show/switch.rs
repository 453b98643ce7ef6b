//! Listings of `connect fxos`, whose shell is a Nexus's.
//!
//! # Source
//! Recall of the Nexus sibling for every layout; reference 3.6 for the image, 5.0(3)N2(4.x).

use std::fmt::Write as _;

use crate::proto::config::{Path, facts};
use crate::proto::mio::Mio;
use crate::proto::observed::{Link, link_of};

/// Release of the switch.
///
/// # Source
/// unicon-fxos-fp4k_mgmt_boot.txt: `fxos-k9-system.5.0.3.N2.4.71.72.SPA`.
const RELEASE: &str = "5.0(3)N2(4.71.72)";
/// Lines of dashes around tables.
const RULE: usize = 80;

/// `show version`.
pub fn version(mio: &Mio) -> String {
    let chassis = mio.facts.chassis;
    format!(
        "Cisco Firepower Extensible Operating System (FX-OS) Software\n\
         TAC support: http://www.cisco.com/tac\n\
         Copyright (c) 2002-2020, Cisco Systems, Inc. All rights reserved.\n\
         \n\
         Software\n  \
           kickstart: version {RELEASE}\n  \
           system:    version {RELEASE}\n\
         \n\
         Hardware\n  \
           {title} (\"{pid}\")\n  \
           {memory} MB of memory.\n\
         \n  \
           Device name: {host}\n",
        title = chassis.title,
        pid = chassis.udi_pid,
        memory = chassis.memory_mb,
        host = facts::hostname(mio.config.objects()),
    )
}

fn fabric() -> Path {
    Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]).unwrap_or_default()
}

/// `Eth1/2` of `Ethernet1/2`.
fn short(name: &str) -> String {
    name.replace("Ethernet", "Eth")
}

/// `show interface brief`.
pub fn interface_brief(mio: &Mio) -> String {
    let objects = mio.config.objects();
    let rule = "-".repeat(RULE);
    let mut text = format!("\n{rule}\n");
    let mut row = |cells: [&str; 8]| {
        let [name, vlan, kind, mode, status, reason, speed, channel] = cells;
        let line = format!(
            "{name:<14}{vlan:<8}{kind:<5}{mode:<7}{status:<8}{reason:<27}{speed:<8}{channel}"
        );
        let _ = writeln!(text, "{}", line.trim_end()); // A String never fails.
    };
    row(["Ethernet", "VLAN", "Type", "Mode", "Status", "Reason", "Speed", "Port"]);
    row(["Interface", "", "", "", "", "", "", "Ch #"]);
    row([&rule, "", "", "", "", "", "", ""]);
    let channels = objects.children(&fabric(), "port-channel");
    for port in objects.children(&fabric(), "interface") {
        let link = link_of(mio, &port);
        let member_of = channels.iter().find(|channel| {
            objects.children(channel, "member-port").iter().any(|m| m.name() == port.name())
        });
        let channel = member_of.map_or("--", Path::name);
        let (status, reason) = match link {
            Link::Up => ("up", "none"),
            Link::AdminDown => ("down", "Administratively down"),
            Link::Down | Link::Failed => ("down", "Link not connected"),
        };
        row([&short(port.name()), "1", "eth", "trunk", status, reason, "10G(D)", channel]);
    }
    text
}

/// `show port-channel summary`.
pub fn port_channel_summary(mio: &Mio) -> String {
    let objects = mio.config.objects();
    let rule = "-".repeat(RULE);
    let mut text = format!(
        "Flags:  D - Down        P - Up in port-channel (members)\n        \
         I - Individual  H - Hot-standby (LACP only)\n        \
         s - Suspended   r - Module-removed\n        \
         S - Switched    R - Routed\n        \
         U - Up (port-channel)\n{rule}\n\
         Group Port-       Type     Protocol  Member Ports\n      Channel\n{rule}\n"
    );
    for channel in objects.children(&fabric(), "port-channel") {
        let up = link_of(mio, &channel) == Link::Up;
        let name = format!("Po{}(S{})", channel.name(), if up { "U" } else { "D" });
        let members: Vec<String> = objects
            .children(&channel, "member-port")
            .iter()
            .map(|member| {
                let up = link_of(mio, member) == Link::Up;
                format!("{}({})", short(member.name()), if up { "P" } else { "D" })
            })
            .collect();
        let members = if members.is_empty() { "--".to_owned() } else { members.join("    ") };
        let protocol = match objects.text(&channel, "port-channel-mode").as_str() {
            "on" => "NONE",
            _ => "LACP",
        };
        // A String never fails.
        let _ = writeln!(text, "{:<6}{name:<12}Eth      {protocol:<10}{members}", channel.name());
    }
    text
}

/// `show inventory`.
pub fn inventory(mio: &Mio) -> String {
    let chassis = mio.facts.chassis;
    format!(
        "NAME: \"Chassis\",  DESCR: \"{}\"\nPID: {:<18} ,  VID: V01 ,  SN: {}\n\n",
        chassis.title, chassis.udi_pid, mio.facts.serial
    )
}
