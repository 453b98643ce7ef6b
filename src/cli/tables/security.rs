//! `scope security`: trustpoints; accounts have a table of their own.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal, Scope, Verb};
use super::super::show::trustpoint as listing;
use super::accounts;
use super::edit::{self, CLASS};
use crate::base::source::Source;
use crate::proto::mio::Mio;

const TRUSTPOINTS: Source = Source::Seed("FPR4125-1 /security # show trustpoint");

/// `/security`.
pub(super) static SECURITY: Scope<Mio> = Scope {
    syntax: "security",
    help: &["Security"],
    source: Source::Seed("FPR4125-1# scope security"),
    scopes: &[
        &accounts::DEFAULT_AUTH,
        &accounts::LOCAL_USER,
        &accounts::PASSWORD_PROFILE,
        &TRUSTPOINT,
    ],
    includes: &[accounts::SECURITY],
    need: Need::Accounts,
    commands: &[Command {
        syntax: "show trustpoint",
        help: &["Show running system information", "Trustpoints"],
        source: TRUSTPOINTS,
        run: |mio, call| {
            let text = listing::trustpoints(edit::view(mio, call), &mio.facts.certificates);
            call.out.push_str(&text);
            Ok(())
        },
        ..Command::READ
    }],
    ..CLASS
};

static TRUSTPOINT: Scope<Mio> = Scope {
    syntax: "trustpoint NAME:name(16)",
    help: &["Trustpoint", "Name"],
    verbs: Verb::ALL,
    source: TRUSTPOINTS,
    commands: &[Command {
        syntax: "set certchain",
        help: &["Set property values", "Certificate chain"],
        source: Source::Recall,
        run: set_certchain,
        ..Command::WRITE
    }],
    ..CLASS
};

/// # Source
/// Recall, reference 2.6: the dialog's texts and its prompt.
fn set_certchain(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    call.line("Enter lines one at a time. Enter ENDOFBUF to finish. Press ^C to abort.");
    call.line("Trustpoint Certificate Chain:");
    call.ask(Ask::until(">", "ENDOFBUF", |mio, call, chain| {
        edit::put(mio, call, "certchain", chain)
    }));
    Ok(())
}
