//! Listings of the hardware and of what runs on it: inventory, environment, servers, firmware.

use std::fmt::Write as _;

use super::listing::{self, Form, View, cell};
use crate::base::platform::FXOS_RELEASE;
use crate::proto::config::Path;
use crate::proto::config::schema::Column;

/// What of `show chassis inventory` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Fabric,
    Fan,
    Psu,
    Server,
}

const ENVIRONMENT: &[&str] = &["Overall Status", "Operability", "Power State", "Thermal Status"];
const CHASSIS: &[&str] =
    &["Product Name", "PID", "VID", "Vendor", "Model", "Serial (SN)", "HW Revision"];
const MODULE: &[&str] = &[
    "Equipped Product Name",
    "Equipped PID",
    "Equipped VID",
    "Equipped Serial (SN)",
    "Slot Status",
    "Cores",
    "Memory (MB)",
];
const SUPERVISOR: &[&str] =
    &["Product Name", "PID", "VID", "Vendor", "Serial (SN)", "HW Revision", "Total Memory (MB)"];
const PART: &[&str] = &["PID", "VID", "Vendor", "Serial (SN)", "Presence"];
const STATUS: &[&str] = &[
    "Slot Status",
    "Equipped Conn Path",
    "Equipped Conn Status",
    "Equipped Managing Instance",
    "Availability",
    "Admin State",
    "Overall Status",
    "Oper Qualifier",
    "Discovery",
    "Current Task",
    "Check Point",
];

fn chassis() -> Path {
    Path::find(&[("chassis", &["1"])]).unwrap_or_default()
}

fn servers(view: View<'_>) -> Vec<Path> {
    view.objects.children(&Path::root(), "server")
}

struct Out<'a> {
    view: View<'a>,
    text: String,
}

impl Out<'_> {
    fn line(&mut self, level: usize, text: &str) {
        let _ = writeln!(self.text, "{}{}", "    ".repeat(level), text.trim_end());
    }

    fn block(&mut self, level: usize, title: &str, path: &Path, labels: &[&str]) {
        self.line(level, &format!("{title}:"));
        for label in labels {
            let value = cell(self.view, path, label);
            self.line(level + 1, &format!("{label}: {value}"));
        }
    }
}

/// `show chassis inventory [PART] [detail] [expand]`.
///
/// # Source
/// RANCID asks for it; the layout is recall of the UCS sibling.
pub fn inventory(view: View<'_>, part: Option<Part>, form: Form) -> String {
    let mut out = Out { view, text: String::new() };
    match part {
        None => out.block(0, "Chassis 1", &chassis(), CHASSIS),
        Some(_) => out.line(0, "Chassis 1:"),
    }
    let wants = |one: Part| part == Some(one) || part.is_none() && (form.expand || form.detail);
    if wants(Part::Server) {
        for server in servers(view) {
            out.block(1, &format!("Server {}", server.name()), &server, MODULE);
        }
    }
    if wants(Part::Fabric) {
        let fabric = Path::find(&[("fabric-interconnect", &["a"])]).unwrap_or_default();
        out.block(1, "Fabric Interconnect A", &fabric, SUPERVISOR);
    }
    for (one, class, title) in [(Part::Psu, "psu", "PSU"), (Part::Fan, "fan-module", "Fan Module")]
    {
        if wants(one) {
            for path in view.objects.children(&chassis(), class) {
                out.block(1, &format!("{title} {}", path.name()), &path, PART);
            }
        }
    }
    out.text
}

/// `show chassis environment [detail] [expand]`.
///
/// # Source
/// As for the inventory.
pub fn environment(view: View<'_>, form: Form) -> String {
    let mut out = Out { view, text: String::new() };
    out.block(0, "Chassis 1", &chassis(), ENVIRONMENT);
    if form.expand {
        for (class, title) in [("psu", "PSU"), ("fan-module", "Fan Module")] {
            for path in view.objects.children(&chassis(), class) {
                out.block(1, &format!("{title} {}", path.name()), &path, ENVIRONMENT);
            }
        }
        for server in servers(view) {
            let labels = ["Overall Status", "Oper Power"];
            out.block(1, &format!("Server {}", server.name()), &server, &labels);
        }
    }
    out.text
}

/// `show server status [detail]`.
///
/// # Source
/// `kick-show-server-status-detail.txt` for the list; the table is recall of the UCS sibling.
pub fn server_status(view: View<'_>, detail: bool) -> String {
    let servers = servers(view);
    if !detail {
        let columns = [
            Column::new("Server", 7),
            Column::new("Slot Status", 33),
            Column::new("Overall Status", 21),
            Column::new("Discovery", 9),
        ];
        let cells = |server: &Path| columns.iter().map(|c| cell(view, server, c.label)).collect();
        let rows: Vec<Vec<String>> = servers.iter().map(cells).collect();
        return listing::table(None, &columns, &rows);
    }
    let mut out = Out { view, text: String::new() };
    for (i, server) in servers.iter().enumerate() {
        if i > 0 {
            out.text.push('\n');
        }
        out.block(0, &format!("Server {}", server.name()), server, STATUS);
    }
    out.text
}

/// `show firmware monitor`.
///
/// # Source
/// `kick-show-firmware-monitor.txt`.
pub fn firmware_monitor(view: View<'_>) -> String {
    let mut out = Out { view, text: String::new() };
    let version = format!("Package-Vers: {FXOS_RELEASE}");
    let ready = "Upgrade-Status: Ready";
    for title in ["FPRM:", "Fabric Interconnect A:"] {
        out.line(0, title);
        out.line(1, &version);
        out.line(1, ready);
        out.text.push('\n');
    }
    out.line(0, "Chassis 1:");
    for server in servers(view) {
        if cell(view, &server, "Slot Status") == "Equipped" {
            let up = cell(view, &server, "Discovery") == "Complete";
            out.line(1, &format!("Server {}:", server.name().trim_start_matches("1/")));
            out.line(2, &version);
            out.line(2, if up { ready } else { "Upgrade-Status: Waiting For Reboot" });
        }
    }
    out.text
}

/// `show version`, `show system firmware`.
///
/// # Source
/// ntc-templates `cisco_fxos_show_system_firmware`: these two lines and no other; client mock of
/// unicon: the first of them for `show version`, behind four blanks.
pub fn version() -> String {
    format!("    Version: {FXOS_RELEASE}\n    Startup-Vers: {FXOS_RELEASE}\n")
}
