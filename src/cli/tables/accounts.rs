//! Accounts below `scope security`: users with their roles, passwords and keys, time-outs, sessions
//! and the audit log.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal};
use super::super::show::accounts as listing;
use super::derive::Table;
use super::edit;
use crate::base::source::Source;
use crate::proto::config::schema::Verb;
use crate::proto::config::{Path, facts};
use crate::proto::mio::Mio;

const REFERENCE: Source = Source::Vendor("Firepower 4100/9300 FXOS Command Reference");
const GUIDE: Source = Source::Vendor("Firepower 4100/9300 FXOS CLI Configuration Guide");
const OPERATION: Source =
    Source::Vendor("FP 4100/9300 Preparative Procedures & Operational User Guide");
const SET: &str = "Set property values";
const SHOW: &str = "Show running system information";
const CLEAR: &str = "Reset functions";

/// In every scope of the supervisor's shell.
pub(super) static SHOWS: &[Command<Mio>] = &[
    show("show users [detail]", &[SHOW, "Local users", "Detail"], |mio, call| {
        show_users(mio, call, None);
        Ok(())
    }),
    show("show sessions [detail]", &[SHOW, "User sessions", "Detail"], show_sessions),
];

/// In `/security` itself.
pub(super) static SECURITY: &[Command<Mio>] = &[
    show(
        "show local-user [NAME:name(32)] [detail]",
        &[SHOW, "Local users", "Name", "Detail"],
        |mio, call| {
            show_users(mio, call, None);
            Ok(())
        },
    ),
    show(
        "show user-sessions [local | remote] [detail]",
        &[SHOW, "User sessions", "Of local users", "Of remote users", "Detail"],
        show_sessions,
    ),
    show("show audit-logs [detail]", &[SHOW, "Audit logs", "Detail"], |mio, call| {
        let detail = call.args.has("detail");
        let accounts = &mio.accounts;
        call.out +=
            &if detail { listing::audit_detail(accounts) } else { listing::audit(accounts) };
        Ok(())
    }),
    Command {
        syntax: "clear-user-sessions {all | NAME:name(32)}",
        help: &["End sessions", "Of every user", "Of one user"],
        source: Source::Client("unicon fxos_mock_data.yaml: clear-user-sessions all"),
        run: clear_sessions,
        need: Need::Accounts,
        ..Command::READ
    },
];

/// `/security/local-user`.
pub(super) static LOCAL_USER: Table = Table {
    class: "local-user",
    commands: &[
        // Everybody may give himself another password; the handler asks who it is.
        Command {
            need: Need::Read,
            ..ask("set password", &[SET, "Password"], OPERATION, set_password)
        },
        ask(
            "set sshkey [KEY...]",
            &[SET, "Public key for SSH", "Key, as OpenSSH writes it"],
            GUIDE,
            set_sshkey,
        ),
        ask("clear lock-status", &[CLEAR, "Locked-out status"], REFERENCE, |mio, call| {
            mio.accounts.unlock(call.now, call.place.key("NAME").unwrap_or_default());
            Ok(())
        }),
        ask("clear password-history", &[CLEAR, "Former passwords"], GUIDE, |mio, call| {
            mio.accounts.forget_passwords(call.now, call.place.key("NAME").unwrap_or_default());
            Ok(())
        }),
        show("show [detail]", &[SHOW, "Detail"], |mio, call| {
            let name = call.place.key("NAME").map(str::to_owned);
            show_users(mio, call, name.as_deref());
            Ok(())
        }),
    ],
    ..Table::EMPTY
};

/// `/security/default-auth`.
pub(super) static DEFAULT_AUTH: Table = Table {
    class: "default-auth",
    commands: &[show("show [detail]", &[SHOW, "Detail"], |mio, call| {
        let text = listing::default_auth(edit::view(mio, call));
        call.out.push_str(&text);
        Ok(())
    })],
    ..Table::EMPTY
};

type Handler = fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>;

const fn show(syntax: &'static str, help: &'static [&'static str], run: Handler) -> Command<Mio> {
    Command { syntax, help, source: Source::Recall, run, ..Command::READ }
}

const fn ask(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: Handler,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::WRITE }
}

fn show_users(mio: &Mio, call: &mut Call<'_, Mio>, here: Option<&str>) {
    let objects = edit::view(mio, call);
    let named = here.or_else(|| call.args.get("NAME"));
    let detail = call.args.has("detail");
    let text = match named {
        Some(name) if detail => listing::local_user(call.now, objects, &mio.accounts, name),
        None if detail => {
            let all = objects.children(&facts::security(), "local-user");
            let one =
                |path: &Path| listing::local_user(call.now, objects, &mio.accounts, path.name());
            all.iter().map(one).collect::<Vec<_>>().join("\n")
        }
        Some(name) => {
            let table = listing::local_users(objects);
            let own = |(at, line): (usize, &str)| {
                (at < 2 || line.split(' ').next() == Some(name)).then(|| format!("{line}\n"))
            };
            table.lines().enumerate().filter_map(own).collect()
        }
        None => listing::local_users(objects),
    };
    call.out.push_str(&text);
}

fn show_sessions(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    // There are no remote users: nobody comes from RADIUS or TACACS.
    if call.args.has("remote") {
        return Ok(());
    }
    let detail = call.args.has("detail");
    let text = if detail {
        listing::sessions_detail(&mio.accounts)
    } else {
        listing::sessions(&mio.accounts)
    };
    call.out.push_str(&text);
    Ok(())
}

/// # Source
/// Client mock of unicon for the question.
fn clear_sessions(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let whose = call.args.get("NAME").map(str::to_owned);
    let question = "This closes all the user sessions. Are you sure? (yes/no) ";
    call.ask(Ask::line(question, move |mio: &mut Mio, _, answer| {
        if answer.trim() == "yes" {
            mio.accounts.end_sessions(whose.as_deref());
        }
        Ok(())
    }));
    Ok(())
}

/// # Source
/// Vendor's operational guide of the 4100 for the two questions; the refusals are recall.
fn set_password(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let own = call.place.key("NAME") == Some(call.login.user.as_str());
    if !own && !call.login.role.allows(Need::Accounts) {
        return Err(Refusal::Role);
    }
    call.ask(Ask::secret("Enter a password: ", |_, call, first| {
        let first = first.to_owned();
        call.ask(Ask::secret("Confirm the password: ", move |mio, call, second| {
            if first != second {
                return Err(Refusal::denied("Error: Passwords do not match"));
            }
            put_password(mio, call, second)
        }));
        Ok(())
    }));
    Ok(())
}

/// Gives a property of the account that the session stands in a value.
fn put(
    mio: &mut Mio,
    call: &Call<'_, Mio>,
    words: &'static str,
    text: &str,
) -> Result<(), Refusal> {
    let path = edit::path_of(call.place)?;
    let pending = mio.pending.entry(call.login.session).or_default();
    pending.set(&mio.config, &path, (Verb::Set, words), text).map_err(edit::refusal)
}

fn put_password(mio: &mut Mio, call: &mut Call<'_, Mio>, password: &str) -> Result<(), Refusal> {
    let name = call.place.key("NAME").unwrap_or_default();
    let pending = mio.pending.get(&call.login.session);
    let view = pending.map_or(mio.config.objects(), |pending| pending.view(&mio.config));
    let hash = mio.accounts.new_password(call.now, view, name, password);
    let hash = hash.map_err(|unfit| Refusal::denied(format!("Error: Update failed: [{unfit}]")))?;
    put(mio, call, "password", &hash)
}

/// # Source
/// Vendor's configuration guide; the questions are recall of the sibling UCS.
fn set_sshkey(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    match call.args.get("KEY") {
        Some("\"\"" | "") => put(mio, call, "sshkey", ""),
        Some(keys) => put(mio, call, "sshkey", keys.trim_matches('"')),
        None => {
            call.line("Enter lines one at a time. Enter ENDOFBUF to finish. Press ^C to abort.");
            call.line("User's SSH key:");
            call.ask(Ask::until(">", "ENDOFBUF", |mio, call, keys| put(mio, call, "sshkey", keys)));
            Ok(())
        }
    }
}
