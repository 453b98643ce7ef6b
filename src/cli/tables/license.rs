//! `scope license`, and `show license ...` of every scope.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal};
use super::super::show::license as listing;
use super::derive::Table;
use crate::base::ident::IdToken;
use crate::base::source::Source;
use crate::proto::mio::Mio;

const ALL: Source = Source::Seed("FPR4125-1# show license all");

const fn act(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::WRITE }
}

/// In every scope.
pub(super) static SHOW: &[Command<Mio>] = &[Command {
    syntax: "show license {all | usage | status | summary | udi | techsupport | eventlog | resvcode}",
    help: &[
        "Show running system information",
        "Smart licensing",
        "All information",
        "Licences in use",
        "Status",
        "Summary",
        "Unique device identifier",
        "For technical support",
        "Event log",
        "Reservation code",
    ],
    source: ALL,
    run: show_license,
    ..Command::READ
}];

/// `/license`.
pub(super) static LICENSE: Table = Table {
    class: "license",
    scopes: &[&LICDEBUG, &RESERVATION],
    commands: &[
        act(
            "register idtoken TOKEN:word [force]",
            &["Register", "With an id token", "Id token", "Although registered already"],
            Source::Seed("register idtoken"),
            register,
        ),
        act("deregister", &["Deregister"], Source::Seed("deregister"), |mio, call| {
            // The device keeps the refusal for `show license all` and prints nothing.
            let _ = mio.agent.deregister(call.now);
            Ok(())
        }),
    ],
};

/// `/license/reservation`. Like `register`, its commands act at once, print nothing and leave a
/// refusal to `show license all`.
///
/// # Source
/// The verbs are those of the operation of the public MIB CISCO-FIREPOWER-LICENSE-MIB (request,
/// install, return, cancel; mode universal); the command lines are recall.
static RESERVATION: Table = Table {
    class: "reservation",
    commands: &[
        act(
            "request universal",
            &["Make a reservation request code", "For all that the platform can do"],
            Source::Recall,
            |mio, call| {
                let _ = mio.agent.request_reservation(call.now);
                Ok(())
            },
        ),
        act("cancel", &["Cancel the reservation request"], Source::Recall, |mio, call| {
            let _ = mio.agent.cancel_reservation(call.now);
            Ok(())
        }),
        act(
            "install CODE:word(255)",
            &["Install an authorization code", "Authorization code"],
            Source::Recall,
            |mio, call| {
                let _ = mio.install_reservation(call.now, call.args.text("CODE"));
                Ok(())
            },
        ),
        act("return", &["Give the authorization back"], Source::Recall, |mio, call| {
            let _ = mio.agent.return_reservation(call.now);
            Ok(())
        }),
    ],
    ..Table::EMPTY
};

/// `/license/licdebug`.
static LICDEBUG: Table = Table {
    class: "licdebug",
    commands: &[
        act("renew", &["Renew now"], Source::Seed("scope licdebug"), |mio, call| {
            mio.agent.renew(call.now);
            Ok(())
        }),
        act("expireauth", &["End the authorization"], Source::Recall, |mio, call| {
            mio.agent.expire_auth(call.now);
            Ok(())
        }),
        act("expireeval", &["End the evaluation"], Source::Recall, |mio, call| {
            mio.agent.expire_eval(call.now);
            Ok(())
        }),
        act("expireresv", &["End the reservation"], Source::Recall, |mio, call| {
            mio.agent.expire_reservation(call.now);
            Ok(())
        }),
        act("expireidcert", &["End the identity certificate"], Source::Recall, |mio, call| {
            mio.agent.expire_id_certificate(call.now);
            Ok(())
        }),
    ],
    ..Table::EMPTY
};

/// # Source
/// Seed: a refused `register` prints nothing and shows as `Last Configuration Error`. The text for
/// a malformed token is recall.
fn register(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let token = IdToken::parse(call.args.text("TOKEN"));
    let token = token.map_err(|_| Refusal::denied("Error: Invalid Value"))?;
    // The agent keeps the refusal itself.
    let _ = mio.agent.register(call.now, token, call.args.has("force"));
    Ok(())
}

fn show_license(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let report = mio.agent.report(call.now);
    let text = match call.args.words().last().copied() {
        Some("usage") => listing::usage(&report),
        Some("status") => listing::status(&report),
        Some("summary") => listing::summary(&report),
        Some("udi") => listing::udi(&report),
        Some("techsupport") => listing::techsupport(&report),
        Some("eventlog") => listing::eventlog(mio.agent.events()),
        Some("resvcode") => listing::resvcode(&report),
        _ => listing::all(&report),
    };
    call.out.push_str(&text);
    Ok(())
}
