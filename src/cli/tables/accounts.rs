//! Accounts below `scope security`: users with their roles, passwords and keys, time-outs, sessions
//! and the audit log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal, Scope, Verb};
use super::super::show::accounts as listing;
use super::edit::{self, CLASS, object, set};
use crate::base::source::Source;
use crate::base::time::Utc;
use crate::proto::config::{Path, facts};
use crate::proto::mio::Mio;

const REFERENCE: Source = Source::Vendor("Firepower 4100/9300 FXOS Command Reference");
const GUIDE: Source = Source::Vendor("Firepower 4100/9300 FXOS CLI Configuration Guide");
const OPERATION: Source =
    Source::Vendor("FP 4100/9300 Preparative Procedures & Operational User Guide");
const KICK: Source = Source::Client("firepower-kickstart kick/device2/ssp/actions/ssp.py");
const SET: &str = "Set property values";
const SHOW: &str = "Show running system information";
const CLEAR: &str = "Reset functions";

/// Months, as `set expiration` takes them.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// In `/security` itself.
pub(super) static SECURITY: &[Command<Mio>] = &[
    set(
        "set enforce-strong-password {yes | no}",
        &[SET, "Password strength check", "Yes", "No"],
        REFERENCE,
    ),
    set(
        "set max-login-attempts COUNT:0-10",
        &[SET, "Failed logins before an account is locked", "Count; 0 for never"],
        REFERENCE,
    ),
    set(
        "set user-account-unlock-time SECONDS:600-36000",
        &[SET, "Time that a locked account stays locked", "Seconds"],
        REFERENCE,
    ),
    set(
        "set min-password-length LENGTH:8-80",
        &[SET, "Minimum password length", "Characters"],
        REFERENCE,
    ),
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
pub(super) static LOCAL_USER: Scope<Mio> = Scope {
    syntax: "local-user NAME:name(32)",
    help: &["Local user", "Name"],
    verbs: Verb::ALL,
    need: Need::Accounts,
    source: OPERATION,
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
        set(
            "set account-status {active | inactive}",
            &[SET, "Account status", "Active", "Inactive"],
            OPERATION,
        ),
        ask(
            "set expiration {never | MONTH:name(3) DAY:1-31 YEAR:1970-2199 [HOUR:0-23 MINUTE:0-59 SECOND:0-59]}",
            &[
                SET,
                "Expiration date",
                "Never",
                "jan to dec",
                "Day",
                "Year",
                "Hour",
                "Minute",
                "Second",
            ],
            GUIDE,
            set_expiration,
        ),
        set("set firstname NAME:word(32)", &[SET, "First name", "Name"], OPERATION),
        set("set lastname NAME:word(32)", &[SET, "Last name", "Name"], OPERATION),
        set("set email ADDRESS:word(255)", &[SET, "E-mail address", "Address"], OPERATION),
        set("set phone NUMBER:word(32)", &[SET, "Telephone number", "Number"], OPERATION),
        object(
            "{create | enter | delete} role NAME:name(16)",
            &[
                "Create managed objects",
                "Enters a managed object",
                "Delete managed objects",
                "Role",
                "aaa, admin, operations or read-only",
            ],
            GUIDE,
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
    ..CLASS
};

/// `/security/password-profile`.
pub(super) static PASSWORD_PROFILE: Scope<Mio> = Scope {
    syntax: "password-profile",
    help: &["Password profile"],
    need: Need::Accounts,
    source: GUIDE,
    commands: &[
        set(
            "set change-during-interval {enable | disable}",
            &[SET, "Count changes in an interval", "Enable", "Disable"],
            GUIDE,
        ),
        set("set change-count COUNT:0-10", &[SET, "Changes in the interval", "Count"], GUIDE),
        set("set change-interval HOURS:1-745", &[SET, "Interval of changes", "Hours"], GUIDE),
        set("set history-count COUNT:0-15", &[SET, "Former passwords kept", "Count"], GUIDE),
        set(
            "set no-change-interval {disabled | HOURS:1-745}",
            &[SET, "Time between two changes", "Disabled", "Hours"],
            GUIDE,
        ),
    ],
    ..CLASS
};

/// `/security/default-auth`.
pub(super) static DEFAULT_AUTH: Scope<Mio> = Scope {
    syntax: "default-auth",
    help: &["Default authentication"],
    need: Need::Accounts,
    source: KICK,
    commands: &[
        set(
            "set absolute-session-timeout SECONDS:0-3600",
            &[SET, "Absolute session time-out", "Seconds; 0 for none"],
            REFERENCE,
        ),
        set(
            "set session-timeout SECONDS:0-3600",
            &[SET, "Idle session time-out", "Seconds; 0 for none"],
            GUIDE,
        ),
        set(
            "set con-absolute-session-timeout SECONDS:0-3600",
            &[SET, "Absolute time-out of the serial console", "Seconds; 0 for none"],
            KICK,
        ),
        set(
            "set con-session-timeout SECONDS:0-3600",
            &[SET, "Idle time-out of the serial console", "Seconds; 0 for none"],
            KICK,
        ),
        set(
            "set refresh-period SECONDS:60-172800",
            &[SET, "Refresh period of web sessions", "Seconds"],
            GUIDE,
        ),
        show("show [detail]", &[SHOW, "Detail"], |mio, call| {
            let text = listing::default_auth(edit::view(mio, call));
            call.out.push_str(&text);
            Ok(())
        }),
    ],
    ..CLASS
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

fn put_password(mio: &mut Mio, call: &mut Call<'_, Mio>, password: &str) -> Result<(), Refusal> {
    let name = call.place.key("NAME").unwrap_or_default();
    let pending = mio.pending.get(&call.login.session);
    let view = pending.map_or(mio.config.objects(), |pending| pending.view(&mio.config));
    let hash = mio.accounts.new_password(call.now, view, name, password);
    let hash = hash.map_err(|unfit| Refusal::denied(format!("Error: Update failed: [{unfit}]")))?;
    edit::put(mio, call, "password", &hash)
}

/// # Source
/// Vendor's configuration guide; the questions are recall of the sibling UCS.
fn set_sshkey(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    match call.args.get("KEY") {
        Some("\"\"" | "") => edit::put(mio, call, "sshkey", ""),
        Some(key) => put_keys(mio, call, key.trim_matches('"')),
        None => {
            call.line("Enter lines one at a time. Enter ENDOFBUF to finish. Press ^C to abort.");
            call.line("User's SSH key:");
            call.ask(Ask::until(">", "ENDOFBUF", put_keys));
            Ok(())
        }
    }
}

/// Keeps the public keys of a text, one a line or separated by `;`.
fn put_keys(mio: &mut Mio, call: &mut Call<'_, Mio>, text: &str) -> Result<(), Refusal> {
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    let keys: Option<Vec<&str>> = lines.map(|line| is_public_key(line).then_some(line)).collect();
    let keys = keys.ok_or_else(|| Refusal::denied("Error: Invalid Value"))?;
    edit::put(mio, call, "sshkey", &keys.join(";"))
}

/// Tells whether a line is a public key as OpenSSH writes it: a type, and a blob that begins with
/// that type.
fn is_public_key(line: &str) -> bool {
    const TYPES: [&str; 5] = [
        "ssh-rsa",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
    ];
    let mut parts = line.split_ascii_whitespace();
    let (Some(kind), Some(blob)) = (parts.next(), parts.next()) else { return false };
    let Ok(blob) = STANDARD.decode(blob) else { return false };
    let length = u32::try_from(kind.len()).unwrap_or(0).to_be_bytes();
    TYPES.contains(&kind) && blob.starts_with(&[&length[..], kind.as_bytes()].concat())
}

/// # Source
/// Vendor's configuration guide: `set expiration MONTH DAY YEAR`, the month by its first three
/// letters. The time of day is recall of the sibling UCS.
fn set_expiration(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    if call.args.has("never") {
        return edit::put(mio, call, "expiration", "");
    }
    let number = |name: &str| call.args.number(name).unwrap_or(0);
    let month = call.args.text("MONTH").to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| *name == month);
    let month = month.and_then(|at| u64::try_from(at + 1).ok());
    let month = month.ok_or_else(|| Refusal::denied("Error: Invalid Value"))?;
    let text = format!(
        "{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
        number("YEAR"),
        number("DAY"),
        number("HOUR"),
        number("MINUTE"),
        number("SECOND")
    );
    // A day that the month does not have.
    Utc::parse_iso(&text).ok_or_else(|| Refusal::denied("Error: Invalid Value"))?;
    edit::put(mio, call, "expiration", &text)
}
