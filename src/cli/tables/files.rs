//! The workspace: the commands of `connect local-mgmt` that list, make, move and fetch files.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal, Role};
use super::super::job::Job;
use super::super::transfer::{Direction, Transfer, Url};
use crate::base::source::Source;
use crate::base::time::Utc;
use crate::proto::mio::Mio;
use crate::proto::workspace::{Entry, FileError, Place, Workspace};

const DIR: Source = Source::Seed("FPR4125-1(local-mgmt)# dir");
const COPY: Source =
    Source::Seed("FPR4125-1(local-mgmt)# copy workspace:///SSL.pcap ftp://ftp_user@10.62.148.41");

const fn command(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    need: Need,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, need, run, ..Command::READ }
}

/// Commands about files.
pub(super) static COMMANDS: &[Command<Mio>] = &[
    command(
        "{dir | ls} [PATH]",
        &["List a folder", "List a folder", "Folder"],
        DIR,
        Need::Read,
        dir,
    ),
    command(
        "cd [PATH]",
        &["Change the folder", "Folder"],
        Source::Recall,
        Need::Read,
        |mio, call| {
            let path = call.args.get("PATH").unwrap_or("/");
            mio.workspace.enter(call.login.session, path).map_err(refused)
        },
    ),
    command("pwd", &["Print the folder"], Source::Recall, Need::Read, |mio, call| {
        let place = mio.workspace.standing(call.login.session);
        call.line(place.shown());
        Ok(())
    }),
    command(
        "mkdir PATH",
        &["Make a folder", "Folder"],
        Source::Recall,
        Need::Operate,
        |mio, call| change(mio, call, Workspace::make_folder),
    ),
    command(
        "rmdir PATH",
        &["Remove a folder", "Folder"],
        Source::Recall,
        Need::Operate,
        |mio, call| change(mio, call, Workspace::remove_folder),
    ),
    command(
        "{delete | rm} PATH",
        &["Delete a file", "Delete a file", "File"],
        Source::Recall,
        Need::Operate,
        |mio, call| change(mio, call, Workspace::delete),
    ),
    command(
        "{move | mv} FROM TO",
        &["Move a file", "Move a file", "File", "File or folder"],
        Source::Recall,
        Need::Operate,
        |mio, call| {
            let (from, to) = (place(mio, call, "FROM")?, place(mio, call, "TO")?);
            mio.workspace.rename(call.now.wall, &from, &to).map_err(refused)
        },
    ),
    command(
        "{copy | cp} FROM TO",
        &["Copy a file", "Copy a file", "File or URL", "File or URL"],
        COPY,
        Need::Operate,
        copy,
    ),
    command(
        "download image URL",
        &["Download", "An image", "URL"],
        Source::Recall,
        Need::Operate,
        |mio, call| {
            let url = url(call, "URL", "")?;
            let to = mio.workspace.place(call.login.session, &format!("/{}", url.name()));
            carry(call, Direction::Down(to.map_err(refused)?), url)
        },
    ),
    command("view FILE", &["Show a file", "File"], Source::Recall, Need::Read, |mio, call| {
        let file = place(mio, call, "FILE")?;
        mio.workspace.pieces(&file).map_err(refused)?;
        call.start(Job::View(file));
        Ok(())
    }),
];

/// The refusal of the workspace, as the device prints it.
#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
pub(super) fn refused(error: FileError) -> Refusal {
    Refusal::denied(error.to_string())
}

/// Reads an argument that names a file or folder.
pub(super) fn place(mio: &Mio, call: &Call<'_, Mio>, name: &str) -> Result<Place, Refusal> {
    mio.workspace.place(call.login.session, call.args.text(name)).map_err(refused)
}

fn change(
    mio: &mut Mio,
    call: &Call<'_, Mio>,
    work: fn(&mut Workspace, Utc, &Place) -> Result<(), FileError>,
) -> Result<(), Refusal> {
    let place = place(mio, call, "PATH")?;
    work(&mut mio.workspace, call.now.wall, &place).map_err(refused)
}

/// # Source
/// Seed: the lines of `dir` and the three below `Usage for workspace://`.
pub(super) fn dir(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let place = place(mio, call, "PATH")?;
    let entries = mio.workspace.list(&place).map_err(refused)?;
    let width = entries.iter().map(|entry| entry.size.to_string().len()).max().unwrap_or(0);
    for Entry { name, is_folder, links, size, changed } in &entries {
        let tail = if *is_folder { "/" } else { "" };
        call.line(format!("{links} {size:>width$} {} {name}{tail}", date(*changed)));
    }
    let usage = mio.workspace.usage();
    call.line("Usage for workspace://");
    call.line(format!("{} bytes total", usage.total));
    call.line(format!("{} bytes used", usage.used));
    call.line(format!("{} bytes free", usage.total.saturating_sub(usage.used)));
    Ok(())
}

/// `Aug 07 08:39:35 2020`.
fn date(at: Utc) -> String {
    let c = at.civil();
    let month = at.clock().get(4..7).unwrap_or_default().to_owned();
    format!("{month} {:02} {:02}:{:02}:{:02} {}", c.day, c.hour, c.minute, c.second, c.year)
}

fn url(call: &Call<'_, Mio>, argument: &str, name: &str) -> Result<Url, Refusal> {
    let parsed = Url::parse(call.args.text(argument), name);
    parsed
        .map_err(|error| Refusal::Marked { at: call.args.at(argument), text: format!("% {error}") })
}

fn copy(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let (from, to) = (call.args.text("FROM"), call.args.text("TO"));
    match (Url::is_meant(from), Url::is_meant(to)) {
        (true, true) => Err(Refusal::denied("Error: One of the two files must be in workspace:")),
        (false, true) => {
            let from = place(mio, call, "FROM")?;
            mio.workspace.pieces(&from).map_err(refused)?;
            let url = url(call, "TO", from.name())?;
            carry(call, Direction::Up(from), url)
        }
        (true, false) => {
            let url = url(call, "FROM", "")?;
            let to = place(mio, call, "TO")?;
            // Into a folder it goes under its own name.
            let to = match mio.workspace.is_folder(&to) {
                true => mio.workspace.place(0, &format!("{}/{}", to.shown(), url.name())),
                false => Ok(to),
            };
            carry(call, Direction::Down(to.map_err(refused)?), url)
        }
        (false, false) => {
            let (from, to) = (place(mio, call, "FROM")?, place(mio, call, "TO")?);
            mio.workspace.copy(call.now.wall, &from, &to).map_err(refused)
        }
    }
}

/// Sets a transfer going, after asking for the password that it needs.
///
/// # Source
/// Seed: `Password:` below the command.
fn carry(call: &mut Call<'_, Mio>, direction: Direction, url: Url) -> Result<(), Refusal> {
    if !url.asks_password() {
        let password = String::new();
        call.start(Job::Transfer(Transfer { direction, url, password }));
        return Ok(());
    }
    call.ask(Ask::secret("Password:", move |_, call, answer| {
        let password = answer.to_owned();
        call.start(Job::Transfer(Transfer { direction, url, password }));
        Ok(())
    }));
    Ok(())
}

/// Takes the output of a line that ended in `> workspace:FILE`.
///
/// # Errors
/// The refusal of the workspace, and of a role that may change nothing.
pub(super) fn redirect(
    mio: &mut Mio,
    call: &mut Call<'_, Mio>,
    to: &str,
    append: bool,
    text: &str,
) -> Result<(), Refusal> {
    if call.login.role == Role::ReadOnly {
        return Err(Refusal::Role);
    }
    let place = mio.workspace.place(call.login.session, to).map_err(refused)?;
    let write = if append { Workspace::append } else { Workspace::write };
    write(&mut mio.workspace, call.now.wall, &place, text.as_bytes()).map_err(refused)
}
