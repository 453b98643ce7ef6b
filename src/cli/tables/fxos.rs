//! `connect fxos`: the switch of the chassis.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal};
use super::super::show::switch;
use crate::base::source::Source;
use crate::proto::config::facts;
use crate::proto::mio::Mio;

const SHOW: &str = "Show running system information";

const fn read(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::READ }
}

/// Commands of the shell; layouts are those of the Nexus sibling.
pub(super) static COMMANDS: &[Command<Mio>] = &[
    read("show version", &[SHOW, "Version"], Source::Recall, |mio, call| {
        call.out.push_str(&switch::version(mio));
        Ok(())
    }),
    read(
        "show interface brief",
        &[SHOW, "Interfaces", "One line each"],
        Source::Recall,
        |mio, call| {
            call.out.push_str(&switch::interface_brief(mio));
            Ok(())
        },
    ),
    read(
        "show port-channel summary",
        &[SHOW, "Port-channels", "One line each"],
        Source::Recall,
        |mio, call| {
            call.out.push_str(&switch::port_channel_summary(mio));
            Ok(())
        },
    ),
    read("show inventory", &[SHOW, "Inventory"], Source::Recall, |mio, call| {
        call.out.push_str(&switch::inventory(mio));
        Ok(())
    }),
    read("show hostname", &[SHOW, "Name"], Source::Recall, |mio, call| {
        call.line(facts::hostname(mio.config.objects()));
        Ok(())
    }),
];
