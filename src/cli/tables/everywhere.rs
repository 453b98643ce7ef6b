//! Commands that are known in every scope.

use super::super::call::{Call, RelayKind};
use super::super::grammar::{Command, Need, Refusal};
use super::{FXOS, LOCAL_MGMT, edit, parts};
use crate::base::ident::Slot;
use crate::base::source::Source;
use crate::base::zone;
use crate::proto::config::facts;
use crate::proto::mio::Mio;

const KICK: Source = Source::Client("firepower-kickstart kick/device2/ssp/actions/ssp.py");
const SHOW: &str = "Show running system information";
const LENGTH: &str = "Lines on a screen; 0 for no pausing";
const WIDTH: &str = "Columns on a screen";
const TERMINAL: &str = "Set terminal line parameters";

/// Banner of `connect fxos`.
///
/// # Source
/// Client mock of unicon; reference 2.7.
const BANNER: &str = "\
Cisco Firepower Extensible Operating System (FX-OS) Software
TAC support: http://www.cisco.com/tac
Copyright (c) 2002-2020, Cisco Systems, Inc. All rights reserved.
";

const fn read(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::READ }
}

/// In every scope of the supervisor's shell.
pub(super) static COMMANDS: &[Command<Mio>] = &[
    read("up", &["Goes up one mode"], KICK, |_, call| {
        call.up();
        Ok(())
    }),
    read("{top | end}", &["Goes to the top mode", "Go to exec mode"], KICK, |_, call| {
        call.top();
        Ok(())
    }),
    read("exit", &["Exit from command interpreter"], KICK, exit),
    read("where", &["Print current mode path"], Source::Recall, |_, call| {
        let text = edit::mode_info(call)?;
        call.out.push_str(&text);
        Ok(())
    }),
    read(
        "terminal length LINES:0-511",
        &[TERMINAL, "Number of lines", LENGTH],
        KICK,
        terminal_length,
    ),
    read(
        "terminal width COLUMNS:24-511",
        &[TERMINAL, "Number of columns", WIDTH],
        KICK,
        terminal_width,
    ),
    read("show clock", &[SHOW, "Clock"], Source::Seed("FPR4125-1# show clock"), show_clock),
    read(
        "show timezone",
        &[SHOW, "Timezone"],
        Source::Seed("FPR4125-1# show timezone"),
        |mio, call| {
            let zone = facts::timezone(mio.config.objects());
            call.line(format!("Timezone: {zone}").trim_end());
            Ok(())
        },
    ),
    read(
        "show configuration [all] [pending]",
        &[SHOW, "Configuration", "Defaults too", "Uncommitted changes"],
        Source::Seed("FPR4125-1 /system/services # show configuration"),
        edit::show_configuration,
    ),
    Command {
        syntax: "commit-buffer [verify-only]",
        help: &["Commit transaction buffer", "Verify only, change nothing"],
        source: KICK,
        run: commit,
        // An account that may not write has nothing to commit; the edits were refused before.
        need: Need::Read,
        ..Command::READ
    },
    read("discard-buffer", &["Discard transaction buffer"], KICK, |mio, call| {
        mio.pending.remove(&call.login.session);
        Ok(())
    }),
    read(
        "connect local-mgmt",
        &["Connect to another CLI", "Local management"],
        Source::Seed("FPR4125-1# connect local-mgmt"),
        |_, call| {
            call.enter(&LOCAL_MGMT);
            Ok(())
        },
    ),
    read(
        "connect fxos [admin]",
        &["Connect to another CLI", "FXOS", "As administrator"],
        Source::Seed("FPR4125-1# connect fxos"),
        |_, call| {
            call.out.push_str(BANNER);
            call.enter(&FXOS);
            Ok(())
        },
    ),
    Command {
        syntax: "connect cimc ID:word(3)",
        help: &["Connect to another CLI", "Controller of a module", "Chassis and slot, 1/1"],
        source: Source::Client("unicon fxos/statemachine.py"),
        run: parts::connect_cimc,
        need: Need::Operate,
        ..Command::READ
    },
    Command {
        syntax: "connect adapter ID:word(5)",
        help: &["Connect to another CLI", "Adapter of a module", "Chassis, slot, adapter, 1/1/1"],
        source: Source::Client("unicon fxos/statemachine.py"),
        run: parts::connect_adapter,
        need: Need::Operate,
        ..Command::READ
    },
    Command {
        syntax: "connect module SLOT:1-3 {console | telnet}",
        help: &["Connect to another CLI", "Security module", "Slot", "Serial over LAN", "Telnet"],
        source: KICK,
        run: connect_module,
        need: Need::Operate,
        ..Command::READ
    },
];

/// In `connect local-mgmt` and `connect fxos`.
pub(super) static INNER: &[Command<Mio>] = &[
    read("{exit | end}", &["Exit from command interpreter", "Go to exec mode"], KICK, |_, call| {
        call.leave();
        Ok(())
    }),
    read("show clock", &[SHOW, "Clock"], Source::Recall, show_clock),
    read(
        "terminal length LINES:0-511",
        &[TERMINAL, "Number of lines", LENGTH],
        KICK,
        terminal_length,
    ),
    read(
        "terminal width COLUMNS:24-511",
        &[TERMINAL, "Number of columns", WIDTH],
        KICK,
        terminal_width,
    ),
];

fn exit(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    match call.place.scope() {
        Some(_) => call.up(),
        None => call.leave(),
    }
    Ok(())
}

fn terminal_length(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let lines = call.args.number("LINES").and_then(|n| u16::try_from(n).ok());
    call.set_length(lines.unwrap_or(0));
    Ok(())
}

fn terminal_width(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let columns = call.args.number("COLUMNS").and_then(|n| u16::try_from(n).ok());
    call.set_width(columns.unwrap_or(80));
    Ok(())
}

fn show_clock(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let zone = zone::find(&facts::timezone(mio.config.objects()));
    let wall = call.now.wall;
    call.line(zone.map_or_else(|| wall.clock(), |zone| zone.clock(wall)));
    Ok(())
}

fn commit(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let session = call.login.session;
    let done = if call.args.has("verify-only") {
        mio.verify(session)
    } else {
        mio.commit(call.now, session)
    };
    done.map_err(|error| Refusal::denied(error.device_text()))
}

fn connect_module(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let number = call.args.number("SLOT").and_then(|n| u8::try_from(n).ok());
    let slot = number.filter(|n| *n <= mio.facts.chassis.slots).and_then(Slot::new);
    // By recall: the words for a slot that the chassis lacks.
    let slot = slot.ok_or_else(|| Refusal::denied("Error: Managed object does not exist"))?;
    let console = call.args.has("console");
    call.relay(slot, if console { RelayKind::Console } else { RelayKind::Telnet });
    Ok(())
}
