//! `ethanalyzer`: captures at the management port, and capture files read back.

use std::time::Duration;

use super::super::call::{Args, Call};
use super::super::grammar::{Command, Refusal, Role};
use super::super::job::Job;
use super::files;
use crate::base::platform::FXOS_RELEASE;
use crate::base::source::Source;
use crate::proto::capture::{Bounds, Plan};
use crate::proto::mio::Mio;
use crate::wire::display::Display;
use crate::wire::filter::Filter;
use crate::wire::summary::Words;

/// Commands of the shell.
///
/// # Source
/// Seed for `capture-filter`, `limit-captured-frames`, `limit-frame-size` and `write`; the Nexus
/// sibling, partly by recall, for the rest.
pub(super) static COMMANDS: &[Command<Mio>] = &[
    Command {
        syntax: "ethanalyzer local interface mgmt [capture-filter FILTER:word(4096)] [display-filter DISPLAY:word(4096)] [limit-captured-frames FRAMES:0-2147483647] [limit-frame-size SIZE:64-65536] [detail] [decode-internal] [autostop {duration STOPAFTER:1-2147483647 | filesize STOPSIZE:1-65535 | files STOPFILES:1-1000}] [capture-ring-buffer {duration RINGAFTER:1-2147483647 | filesize RINGSIZE:1-65535 | files RINGFILES:1-1000}] [write FILE]",
        help: &[
            "Capture packets",
            "Of the supervisor",
            "On an interface",
            "Management port",
            "Take only some frames",
            "Filter in the language of tcpdump, in quotes",
            "Print only some frames",
            "Filter in the language of Wireshark, in quotes",
            "Frames to take",
            "Number; 0 is without end",
            "Bytes of a frame that are kept",
            "Bytes",
            "Print all fields",
            "Decode internal headers",
            "When to end",
            "After a time",
            "Seconds",
            "After this much was written",
            "In units of 1000 bytes",
            "After this many files",
            "Number",
            "When to begin another file",
            "After a time",
            "Seconds",
            "After this much was written",
            "In units of 1000 bytes",
            "Keep this many files",
            "Number",
            "Write the frames to a file",
            "workspace:///FILE",
        ],
        source: Source::Seed("FPR4125-1(fxos)# ethanalyzer local interface mgmt"),
        run: capture,
        ..Command::READ
    },
    Command {
        syntax: "ethanalyzer local read FILE [display-filter DISPLAY:word(4096)] [limit-captured-frames FRAMES:0-2147483647] [detail] [decode-internal]",
        help: &[
            "Capture packets",
            "Of the supervisor",
            "Read a file of frames",
            "workspace:///FILE",
            "Print only some frames",
            "Filter in the language of Wireshark, in quotes",
            "Frames to read",
            "Number; 0 is without end",
            "Print all fields",
            "Decode internal headers",
        ],
        source: Source::Recall,
        run: read,
        ..Command::READ
    },
    Command {
        syntax: "dir [PATH]",
        help: &["List a folder", "Folder"],
        source: Source::Recall,
        run: files::dir,
        ..Command::READ
    },
];

/// Returns whose words a release prints frames in.
///
/// # Source
/// Seed: the older layout in 2017, the newer one on a chassis of 2020. Which release changed it is
/// recall.
fn words(release: &str) -> Words {
    let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    let (major, rest) = release.split_once('.').unwrap_or((release, "0"));
    let minor = rest.split('(').next().unwrap_or_default();
    if (number(major), number(minor)) < (2, 3) { Words::Classic } else { Words::Numbered }
}

/// Puts a caret below the place in a filter that is wrong.
fn wrong(args: &Args, name: &str, offset: usize, text: String) -> Refusal {
    // A filter of several words stands in quotes.
    let quote = usize::from(args.text(name).contains(' '));
    Refusal::Marked { at: args.at(name) + quote + offset, text }
}

fn plan(args: &Args) -> Result<Plan, Refusal> {
    let mut plan = Plan::new(words(FXOS_RELEASE));
    if let Some(text) = args.get("FILTER") {
        plan.filter = Filter::compile(text, None).map_err(|error| {
            wrong(args, "FILTER", error.offset, format!("Invalid capture filter: {error}"))
        })?;
    }
    if let Some(text) = args.get("DISPLAY") {
        let filter = Display::compile(text).map_err(|error| {
            wrong(args, "DISPLAY", error.offset, format!("Invalid display filter: {error}"))
        })?;
        plan.display = Some(filter);
    }
    let number = |name: &str| args.number(name).and_then(|number| u32::try_from(number).ok());
    match number("FRAMES") {
        Some(0) => plan.limit = None,
        Some(frames) => plan.limit = Some(frames),
        None => {}
    }
    plan.frame_size = number("SIZE").unwrap_or(plan.frame_size);
    plan.detail = args.has("detail");
    let bounds = |after: &str, size: &str, files: &str| Bounds {
        duration: args.number(after).map(Duration::from_secs),
        kilobytes: args.number(size),
        files: number(files),
    };
    plan.stop = bounds("STOPAFTER", "STOPSIZE", "STOPFILES");
    let ring = bounds("RINGAFTER", "RINGSIZE", "RINGFILES");
    plan.ring = (ring != Bounds::default()).then_some(ring);
    Ok(plan)
}

fn capture(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let mut plan = plan(call.args)?;
    if call.args.get("FILE").is_some() {
        if call.login.role == Role::ReadOnly {
            return Err(Refusal::Role);
        }
        let file = files::place(mio, call, "FILE")?;
        if mio.workspace.is_folder(&file) {
            return Err(Refusal::denied(format!("{}: Is a directory", file.shown())));
        }
        plan.file = Some(file.shown());
    } else if plan.ring.is_some() || plan.stop.kilobytes.is_some() || plan.stop.files.is_some() {
        // As tshark says it of a ring.
        return Err(Refusal::denied("Sizes and numbers of files need a file to write: write FILE"));
    }
    call.start(Job::Capture(Box::new(plan)));
    Ok(())
}

fn read(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let mut plan = plan(call.args)?;
    if call.args.get("FRAMES").is_none() {
        plan.limit = None;
    }
    let file = files::place(mio, call, "FILE")?;
    mio.workspace.pieces(&file).map_err(files::refused)?;
    call.start(Job::Read { file, plan: Box::new(plan) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_follows_the_release() {
        assert_eq!(words("2.0(1.68)"), Words::Classic);
        assert_eq!(words("1.1(4.95)"), Words::Classic);
        assert_eq!(words("2.8(1.105)"), Words::Numbered);
        assert_eq!(words("2.10(1.1)"), Words::Numbered);
    }
}
