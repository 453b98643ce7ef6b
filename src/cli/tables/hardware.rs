//! `scope chassis`: restart and power-off of the whole chassis.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal};
use super::derive::Table;
use crate::base::source::Source;
use crate::proto::mio::{Mio, Restart};

/// A dialog of `connect local-mgmt` names the graceful reboot that lives here.
const GRACEFUL: Source =
    Source::Device("unicon-fxos-fp4k_mock_data.yaml: perform a graceful reboot in scope chassis");

/// `/chassis`.
pub(super) static CHASSIS: Table = Table {
    class: "chassis",
    commands: &[
        Command {
            syntax: "reboot [REASON:word(255)] [no-prompt]",
            help: &["Reboot the chassis", "Reason for the log", "Ask nothing"],
            source: GRACEFUL,
            run: |mio, call| {
                restart(mio, call, Restart::Reboot);
                Ok(())
            },
            need: Need::Operate,
            ..Command::READ
        },
        Command {
            syntax: "shutdown [REASON:word(255)] [no-prompt]",
            help: &["Switch the chassis off", "Reason for the log", "Ask nothing"],
            source: Source::Recall,
            run: |mio, call| {
                restart(mio, call, Restart::PowerOff);
                Ok(())
            },
            need: Need::Operate,
            ..Command::READ
        },
    ],
    ..Table::EMPTY
};

/// # Source
/// Recall of the words; that it is asked for is in reference 2.6 for the other restarts.
fn restart(mio: &mut Mio, call: &mut Call<'_, Mio>, how: Restart) {
    let reason = call.args.text("REASON").to_owned();
    if call.args.has("no-prompt") {
        return mio.restart(how, &reason);
    }
    let what = match how {
        Restart::Reboot | Restart::Erase => "reboot",
        Restart::PowerOff => "shut down",
    };
    call.line(format!("This command will {what} the chassis and all of its modules."));
    let question = "Do you want to continue? (yes/no): ";
    call.ask(Ask::line(question, move |mio: &mut Mio, _, answer: &str| -> Result<(), Refusal> {
        if answer.trim() == "yes" {
            mio.restart(how, &reason);
        }
        Ok(())
    }));
}
