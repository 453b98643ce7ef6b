//! What is shown at the top, and so in every scope: version, faults, hardware, applications.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal};
use super::super::show::faults;
use super::super::show::hardware::{self as show, Part};
use super::super::show::listing::{self, Form};
use super::{derive, edit, view};
use crate::base::source::Source;
use crate::proto::config::{Path, facts};
use crate::proto::faults::{Fault, Severity};
use crate::proto::mio::Mio;

const SHOW: &str = "Show running system information";
const DETAIL: &str = "Detail";
const EXPAND: &str = "Expand";
const RANCID: Source = Source::Client("rancid lib/fxos.pm.in");
const NTC: Source = Source::Client("ntc-templates cisco_fxos_show_system_firmware.textfsm");
const COLLECTOR: Source = Source::Client("public forensics collector for Firepower 4100/9300");

const fn read(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::READ }
}

/// In every scope of the supervisor's shell.
pub(super) static SHOWS: &[Command<Mio>] = &[
    read("show version [brief]", &[SHOW, "System version", "Brief"], NTC, show_version),
    read(
        "show system firmware [detail] [expand]",
        &[SHOW, "System", "Firmware", DETAIL, EXPAND],
        NTC,
        show_version,
    ),
    read("show hostname", &[SHOW, "Name of the system"], Source::Recall, |mio, call| {
        call.line(format!("Hostname: {}", facts::hostname(mio.config.objects())));
        Ok(())
    }),
    read(
        "show fault [ID:1-4294967295] [severity {cleared | info | condition | warning | minor | major | critical}] [detail]",
        &[
            SHOW,
            "Faults",
            "Id of a fault",
            "Of one severity",
            "Cleared",
            "Info",
            "Condition",
            "Warning",
            "Minor",
            "Major",
            "Critical",
            DETAIL,
        ],
        Source::Recall,
        show_fault,
    ),
    read(
        "show chassis inventory [ID:1-1] [fabric | fan | psu | server] [detail] [expand]",
        &[
            SHOW,
            "Chassis",
            "Inventory",
            "Chassis id",
            "Supervisor",
            "Fan modules",
            "Power supplies",
            "Security modules",
            DETAIL,
            EXPAND,
        ],
        RANCID,
        show_inventory,
    ),
    read(
        "show chassis environment [ID:1-1] [detail] [expand]",
        &[SHOW, "Chassis", "Environment", "Chassis id", DETAIL, EXPAND],
        RANCID,
        |mio, call| {
            let text = show::environment(view(mio, call), form(call));
            call.out.push_str(&text);
            Ok(())
        },
    ),
    read(
        "show inventory [detail] [expand]",
        &[SHOW, "Inventory", DETAIL, EXPAND],
        Source::Recall,
        |mio, call| {
            let whole = Form { detail: true, expand: true };
            let text = show::inventory(view(mio, call), None, whole);
            call.out.push_str(&text);
            Ok(())
        },
    ),
    read(
        "show environment [detail] [expand]",
        &[SHOW, "Environment", DETAIL, EXPAND],
        Source::Recall,
        |mio, call| {
            let text = show::environment(view(mio, call), form(call));
            call.out.push_str(&text);
            Ok(())
        },
    ),
    read(
        "show server status [detail]",
        &[SHOW, "Servers", "Status", DETAIL],
        Source::Device("kick-show-server-status-detail.txt"),
        |mio, call| {
            let text = show::server_status(view(mio, call), call.args.has("detail"));
            call.out.push_str(&text);
            Ok(())
        },
    ),
    read(
        "show slot [ID:1-3] [detail] [expand]",
        &[SHOW, "Slots", "Slot id", DETAIL, EXPAND],
        Source::Client("firepower-kickstart: show slot N detail"),
        show_slot,
    ),
    read(
        "show app-instance [{asa | ftd}] [detail] [expand]",
        &[SHOW, "Application instances", "ASA", "FTD", DETAIL, EXPAND],
        COLLECTOR,
        show_app_instance,
    ),
    read(
        "show interface [NAME:word(32)] [detail] [expand]",
        &[SHOW, "Interfaces", "Name", DETAIL, EXPAND],
        COLLECTOR,
        show_interface,
    ),
    read(
        "show cli {mode-info | session-config}",
        &[SHOW, "Command line", "Where the session stands", "Settings of the session"],
        Source::Recall,
        show_cli,
    ),
];

fn form(call: &Call<'_, Mio>) -> Form {
    Form { detail: call.args.has("detail"), expand: call.args.has("expand") }
}

fn show_version(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    call.out.push_str(&show::version());
    Ok(())
}

fn show_fault(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let id = call.args.number("ID");
    let severity = call.args.words().iter().find_map(|word| severity(word));
    let wanted = |fault: &&Fault| {
        id.is_none_or(|id| u64::from(fault.id) == id)
            && severity.is_none_or(|s| s == fault.severity)
    };
    let found: Vec<&Fault> = mio.faults.faults().into_iter().filter(wanted).collect();
    if id.is_some() && found.is_empty() {
        return Err(Refusal::denied("Error: Managed object does not exist"));
    }
    let text = if call.args.has("detail") { faults::detail(&found) } else { faults::table(&found) };
    call.out.push_str(&text);
    Ok(())
}

fn severity(word: &str) -> Option<Severity> {
    let all = [
        Severity::Cleared,
        Severity::Info,
        Severity::Condition,
        Severity::Warning,
        Severity::Minor,
        Severity::Major,
        Severity::Critical,
    ];
    all.into_iter().find(|severity| severity.text().eq_ignore_ascii_case(word))
}

fn show_inventory(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let part = call.args.words().iter().find_map(|word| match *word {
        "fabric" => Some(Part::Fabric),
        "fan" => Some(Part::Fan),
        "psu" => Some(Part::Psu),
        "server" => Some(Part::Server),
        _ => None,
    });
    let text = show::inventory(view(mio, call), part, form(call));
    call.out.push_str(&text);
    Ok(())
}

fn show_slot(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let ssa = Path::find(&[("ssa", &[])]).unwrap_or_default();
    let text = derive::children(mio, call, &ssa, "slot")?;
    call.out.push_str(&text);
    Ok(())
}

/// # Source
/// Client kick reads it in `/ssa`; its listings there have no heading.
pub(super) fn show_app_instance(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let view = view(mio, call);
    let ssa = Path::find(&[("ssa", &[])]).unwrap_or_default();
    let slots = view.objects.children(&ssa, "slot");
    let mut all: Vec<Path> = Vec::new();
    slots.iter().for_each(|slot| all.extend(view.objects.children(slot, "app-instance")));
    let app = call.args.words().iter().find(|word| ["asa", "ftd"].contains(*word));
    all.retain(|instance| app.is_none_or(|app| instance.name() == *app));
    let text = listing::bare(view, &all, form(call));
    call.out.push_str(&text);
    Ok(())
}

fn show_interface(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let fabric = Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]).unwrap_or_default();
    let text = derive::children(mio, call, &fabric, "interface")?;
    call.out.push_str(&text);
    Ok(())
}

fn show_cli(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let text = match call.args.words().last().copied() {
        Some("mode-info") => edit::mode_info(call)?,
        _ => format!(
            "Session Configuration:\n    Columns: {}\n    User: {}\n    From: {}\n",
            call.columns, call.login.user, call.login.from
        ),
    };
    call.out.push_str(&text);
    Ok(())
}
