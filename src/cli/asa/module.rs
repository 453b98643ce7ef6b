//! The boot CLI of a security module.

use crate::base::source::Source;
use crate::proto::blade::Blade;

use super::super::call::Call;
use super::super::grammar::{Command, Refusal, Scope};
use super::exec::print;
use super::{ASA, show};

/// `Firepower-module1>`
pub(super) static ROOT: Scope<Blade> = Scope {
    verbs: &[],
    commands: &[
        Command {
            syntax: "connect asa",
            help: &["Connect to the console of an application", "Connect to the ASA"],
            source: Source::Client("unicon fp4k mock: connect asa"),
            run: connect_asa,
            ..Command::READ
        },
        Command {
            syntax: "connect ftd [NAME]",
            help: &[
                "Connect to the console of an application",
                "Connect to the FTD",
                "Name of the instance",
            ],
            source: Source::Client("unicon fxos/patterns.py: ftd is not running"),
            run: |_, call| print(call, "ftd is not running"),
            ..Command::READ
        },
        Command {
            syntax: "show version",
            help: &["Display system information", "Software version"],
            run: |blade, call| print(call, show::module_version(blade)),
            ..Command::READ
        },
        Command {
            syntax: "show clock",
            help: &["Display system information", "Date and time"],
            run: |_, call| print(call, call.now.wall.clock()),
            ..Command::READ
        },
        Command {
            syntax: "show services status",
            help: &["Display system information", "Applications", "State of the applications"],
            run: |blade, call| print(call, show::services(blade, call.now)),
            ..Command::READ
        },
        Command { syntax: "help", help: &["Display this list"], run: help, ..Command::READ },
    ],
    ..Scope::FIXED
};

/// # Source
/// Client: fxos-cli 2.8; the two blanks in front of `to` are in the unicon mock.
/// unicon-fxos-fp4k_mock_data.yaml: `asa is not running.`
fn connect_asa(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    if !blade.is_running() {
        return print(call, "asa is not running.");
    }
    call.line("Connecting to asa(asa) console... hit Ctrl + A + D  to return to bootCLI");
    call.enter(&ASA);
    Ok(())
}

fn help(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    for command in ROOT.commands {
        let text = command.help.last().copied().unwrap_or_default();
        call.line(format!("  {:<24}{text}", command.syntax));
    }
    Ok(())
}
