//! `scope system` and its services: what is special about them.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal};
use super::super::show::{hardware, services as listing};
use super::derive::Table;
use super::{edit, timezone, view};
use crate::base::source::Source;
use crate::proto::mio::Mio;

const SHOW: &str = "Show running system information";

/// `/system`.
pub(super) static SYSTEM: Table = Table {
    class: "system",
    commands: &[Command {
        syntax: "show firmware monitor",
        help: &[SHOW, "Firmware", "What is being installed"],
        source: Source::Device("kick-show-firmware-monitor.txt"),
        run: |mio, call| {
            let text = hardware::firmware_monitor(view(mio, call));
            call.out.push_str(&text);
            Ok(())
        },
        ..Command::READ
    }],
    scopes: &[&SERVICES],
};

/// `/system/services`.
static SERVICES: Table = Table {
    class: "services",
    commands: &[
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
        Command {
            syntax: "set timezone",
            help: &["Set property values", "Timezone"],
            source: Source::Recall,
            run: timezone::ask,
            ..Command::WRITE
        },
    ],
    ..Table::EMPTY
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
