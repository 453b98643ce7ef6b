//! `show pmon state` and `show mgmt-port` of `connect local-mgmt`.

use std::fmt::Write as _;

use crate::proto::config::{Objects, facts};

/// Services of the platform manager, and which setting of `/system/services` switches each.
///
/// # Source
/// Recall of the UCS sibling's names and columns.
const SERVICES: [(&str, Option<&str>); 12] = [
    ("svc_sam_controller", None),
    ("svc_sam_dme", None),
    ("svc_sam_dcosAG", None),
    ("svc_sam_bladeAG", None),
    ("svc_sam_portAG", None),
    ("svc_sam_statsAG", None),
    ("svc_sam_hostagentAG", None),
    ("svc_sam_licenseAG", None),
    ("svc_sam_svcmonAG", None),
    ("svc_sam_appAG", None),
    ("httpd.sh", Some("https")),
    ("sshd", Some("ssh-server")),
];

/// `show pmon state`: a service that is switched off is down.
pub fn pmon(objects: &Objects) -> String {
    let mut text = String::new();
    let mut row = |cells: [&str; 6]| {
        let [name, state, retry, code, signal, core] = cells;
        // A String never fails.
        let _ =
            writeln!(text, "{name:<24} {state:>9} {retry:>13} {code:>11} {signal:>9} {core:>7}");
    };
    row(["SERVICE NAME", "STATE", "RETRY(MAX)", "EXITCODE", "SIGNAL", "CORE"]);
    row(["------------", "-----", "----------", "--------", "------", "----"]);
    for (name, setting) in SERVICES {
        let on = setting.is_none_or(|setting| facts::is_service_on(objects, setting));
        row([name, if on { "running" } else { "down" }, "0(4)", "0", "0", "no"]);
    }
    text
}

/// `show mgmt-port`.
///
/// # Source
/// Recall: what ifconfig prints, of which the counters are left out.
pub fn mgmt_port(objects: &Objects) -> String {
    let mut text = String::from("eth0      Link encap:Ethernet\n");
    if let Some(port) = facts::out_of_band(objects) {
        let broadcast = std::net::Ipv4Addr::from(u32::from(port.ip) | !u32::from(port.netmask));
        // A String never fails.
        let _ = writeln!(
            text,
            "          inet addr:{}  Bcast:{broadcast}  Mask:{}",
            port.ip, port.netmask
        );
    }
    text + "          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n"
}
