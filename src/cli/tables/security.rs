//! `scope security`: what is special about it.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal};
use super::derive::Table;
use crate::base::source::Source;
use crate::proto::mio::Mio;

/// `/security`.
pub(super) static SECURITY: Table = Table {
    class: "security",
    commands: &[Command {
        syntax: "clear-user-sessions {all | USER:name}",
        help: &["End sessions", "Of every user", "Of one user"],
        source: Source::Client("unicon fxos_mock_data.yaml: clear-user-sessions all"),
        run: clear_user_sessions,
        need: Need::Accounts,
        ..Command::READ
    }],
    ..Table::EMPTY
};

/// # Source
/// Client mock of unicon for the question.
fn clear_user_sessions(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let whose = call.args.get("USER").map(str::to_owned);
    let question = "This closes all the user sessions. Are you sure? (yes/no) ";
    call.ask(Ask::line(question, move |mio: &mut Mio, _, answer| {
        if answer.trim() == "yes" {
            mio.end_sessions(whose);
        }
        Ok(())
    }));
    Ok(())
}
