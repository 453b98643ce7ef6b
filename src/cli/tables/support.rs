//! `show tech-support`: what support would ask for, in one archive.

use super::super::call::{Call, Login};
use super::super::grammar::{Command, Need, Refusal, Shell};
use super::super::job::{Job, Support};
use super::super::terminal::{Output, Terminal};
use super::{FXOS, LOCAL_MGMT, MIO, files};
use crate::base::source::Source;
use crate::base::time::Now;
use crate::proto::config::facts;
use crate::proto::mio::Mio;

/// Columns that listings are laid out for.
const COLUMNS: u16 = 511;

/// A part of the archive: its name, the shell, and the lines that are run there.
type Listing = (&'static str, fn() -> &'static Shell<Mio>, &'static [&'static str]);

/// What is run in each shell: part of the archive, and the lines.
///
/// # Source
/// Seed, "Cisco TAC-ondersteuning inschakelen": licence, callhome; the rest is ours.
const LISTINGS: [Listing; 9] = [
    ("sam_techsupportinfo", mio, &["show clock", "show version", "show configuration"]),
    (
        "license",
        mio,
        &[
            "show license all",
            "show license usage",
            "show license eventlog",
            "show license techsupport",
        ],
    ),
    ("callhome", mio, &["scope monitoring; scope callhome; show detail expand"]),
    ("faults", mio, &["show fault"]),
    ("trustpoints", mio, &["scope security; show trustpoint"]),
    ("services", mio, &["scope system; scope services; show ntp-server; show dns"]),
    ("applications", mio, &["scope ssa; show slot; show app-instance; show logical-device"]),
    (
        "switch",
        || &FXOS,
        &["show version", "show inventory", "show interface brief", "show port-channel summary"],
    ),
    ("processes", || &LOCAL_MGMT, &["show pmon state", "show mgmt-port", "dir"]),
];

fn mio() -> &'static Shell<Mio> {
    &MIO
}

/// The command, in its three forms.
pub(super) static COMMANDS: &[Command<Mio>] = &[Command {
    syntax: "show tech-support {chassis | module | fprm} [ID:1-3] [detail | brief]",
    help: &[
        "Show running system information",
        "Bundle for support",
        "Chassis",
        "Module",
        "Platform manager",
        "Id",
        "All",
        "Some",
    ],
    source: Source::Seed("show tech-support chassis 1 detail"),
    need: Need::Operate,
    run: support,
    ..Command::READ
}];

/// # Source
/// Reference, names of archives and the first two lines; what follows is recall.
fn support(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let host = facts::hostname(mio.config.objects());
    let c = call.now.wall.civil();
    let when = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    );
    let id = call.args.number("ID").unwrap_or(1);
    let what = if call.args.has("fprm") {
        "FPRM".to_owned()
    } else if call.args.has("module") {
        format!("CM{id}")
    } else {
        format!("BC{id}_all")
    };
    if call.args.has("fprm") {
        call.line(
            "WARNING: show tech-support fprm detail command is deprecated. Please use show \
             tech-support chassis 1 detail command instead.",
        );
    }
    let folder = format!("{when}_{host}_{what}");
    let text = format!("workspace:/techsupport/{folder}.tar.gz");
    let file = mio.workspace.place(0, &text).map_err(files::refused)?;
    call.line(format!("The showtechsupport file will be located at {}", file.shown()));
    call.line("Initiating tech-support information task on FABRIC A ...");
    let parts = LISTINGS.iter().map(|(part, shell, lines)| {
        let told = lines.iter().map(|line| told(mio, call.now, call.login, shell(), line));
        (format!("{part}.txt"), told.collect::<String>())
    });
    let parts = parts.collect();
    call.start(Job::Support(Support { file, folder, parts }));
    Ok(())
}

/// Runs a line as the operator would and returns what it prints, below the line itself.
fn told(mio: &mut Mio, now: Now, login: &Login, shell: &'static Shell<Mio>, line: &str) -> String {
    let mut terminal = Terminal::new(shell, login.clone(), COLUMNS, 0);
    terminal.run_line(now, mio, line);
    let mut screen = Vec::new();
    while let Some(output) = terminal.poll() {
        if let Output::Bytes(bytes) = output {
            screen.extend(bytes);
        }
    }
    let text = String::from_utf8_lossy(&screen).replace("\r\n", "\n");
    format!("`{line}`\n{text}\n")
}
