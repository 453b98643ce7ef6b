//! `connect local-mgmt`: reachability, restart, what runs, and files.

use std::time::Duration;

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal};
use super::super::job::{Family, Job, PING_SIZE, Ping, Traceroute};
use super::super::show::{hardware, processes};
use crate::base::source::Source;
use crate::base::time::Utc;
use crate::proto::config::facts;
use crate::proto::mio::{Mio, Restart};

const SEED: Source = Source::Seed("FPR4125-1(local-mgmt)# ping 172.31.200.100");
const SHOW: &str = "Show running system information";
const HOST: &str = "Name or address";

const fn read(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { syntax, help, source, run, ..Command::READ }
}

const fn operate(
    syntax: &'static str,
    help: &'static [&'static str],
    source: Source,
    run: fn(&mut Mio, &mut Call<'_, Mio>) -> Result<(), Refusal>,
) -> Command<Mio> {
    Command { need: Need::Operate, ..read(syntax, help, source, run) }
}

/// Commands of the shell.
pub(super) static COMMANDS: &[Command<Mio>] = &[
    read(
        "{ping | ping6} HOST:host [count COUNT:1-65535] [deadline SECONDS:1-65535] [interval PAUSE:1-3600] [packet-size BYTES:1-1472]",
        &[
            "Test reachability",
            "Test reachability by IPv6",
            HOST,
            "Requests to send",
            "Number",
            "When to end",
            "Seconds",
            "Pause between requests",
            "Seconds",
            "Payload",
            "Bytes",
        ],
        SEED,
        ping,
    ),
    read(
        "{traceroute | traceroute6} HOST:host",
        &["Trace the route", "Trace the route by IPv6", HOST],
        Source::Recall,
        traceroute,
    ),
    operate(
        "reboot",
        &["Reboot the chassis at once"],
        Source::Device("unicon-fxos-fp4k_mgmt_boot.txt"),
        reboot,
    ),
    operate("shutdown", &["Switch the chassis off"], Source::Recall, shutdown),
    operate(
        "erase configuration",
        &["Erase", "The configuration"],
        Source::Client("test script for 1000-series, reference 2.6"),
        erase,
    ),
    read("show version", &[SHOW, "System version"], Source::Recall, |_, call| {
        call.out.push_str(&hardware::version());
        Ok(())
    }),
    read("show pmon state", &[SHOW, "Process monitor", "State"], Source::Recall, |mio, call| {
        call.out.push_str(&processes::pmon(mio.config.objects()));
        Ok(())
    }),
    read("show mgmt-port", &[SHOW, "Management port"], Source::Recall, |mio, call| {
        call.out.push_str(&processes::mgmt_port(mio.config.objects()));
        Ok(())
    }),
    read(
        "show software authenticity {running | keys | file FILE}",
        &[SHOW, "Software", "Signatures", "What runs", "Public keys", "A file", "File"],
        Source::Client("public forensics collector for Firepower 4100/9300"),
        authenticity,
    ),
    read("tail-mgmt-log FILE", &["Follow a log", "File"], Source::Recall, |_, _| {
        // Ours, and it says so.
        Err(Refusal::denied("Error: This emulated chassis keeps no log files"))
    }),
    read(
        "verify signature FILE",
        &["Verify", "The signature of a file", "File"],
        Source::Recall,
        authenticity,
    ),
];

fn family(call: &Call<'_, Mio>) -> Family {
    let six = call.args.words().first().is_some_and(|word| word.ends_with('6'));
    if six { Family::V6 } else { Family::V4 }
}

fn ping(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let number = |name: &str| call.args.number(name);
    let count = number("COUNT").and_then(|count| u32::try_from(count).ok());
    let size = number("BYTES").and_then(|bytes| usize::try_from(bytes).ok());
    let ping = Ping {
        host: call.args.text("HOST").to_owned(),
        family: family(call),
        count,
        deadline: number("SECONDS").map(Duration::from_secs),
        interval: Duration::from_secs(number("PAUSE").unwrap_or(1)),
        size: size.unwrap_or(PING_SIZE),
    };
    call.start(Job::Ping(ping));
    Ok(())
}

fn traceroute(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let (host, family) = (call.args.text("HOST").to_owned(), family(call));
    call.start(Job::Traceroute(Traceroute { host, family }));
    Ok(())
}

/// Asks until the answer is one of two words.
fn confirm(
    call: &mut Call<'_, Mio>,
    question: &'static str,
    (yes, no): (&'static str, &'static str),
    then: fn(&mut Mio, &mut Call<'_, Mio>),
) {
    call.ask(Ask::line(question, move |mio, call, answer| {
        match answer.trim() {
            answer if answer.eq_ignore_ascii_case(yes) => then(mio, call),
            answer if answer.eq_ignore_ascii_case(no) => {}
            _ => confirm(call, question, (yes, no), then),
        }
        Ok(())
    }));
}

/// # Source
/// unicon-fxos-fp4k_mock_data.yaml; the blank behind `and causes` is the mock's.
fn reboot(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    call.out.push_str(
        "Warning: This command causes an ungraceful reboot and causes \n\
         service interruption and potential loss of configuration in database!\n\
         Before rebooting, please make a configuration backup.\n\
         Alternatively, perform a graceful reboot in scope chassis.\n",
    );
    confirm(call, "Do you still want to reboot? (yes/no):", ("yes", "no"), |mio, call| {
        going_down(mio, call);
        mio.restart(Restart::Reboot, "reboot from local-mgmt");
    });
    Ok(())
}

/// # Source
/// unicon-fxos-fp4k_mgmt_boot.txt.
fn going_down(mio: &Mio, call: &mut Call<'_, Mio>) {
    let host = facts::hostname(mio.config.objects());
    call.line("nohup: ignoring input and appending output to 'nohup.out'");
    call.out.push_str("\n\n");
    call.line(format!("Broadcast message from root@{host} ({}):", date(call.now.wall)));
    call.out.push_str("\n\n\n");
    call.line("All shells being terminated due to system /sbin/reboot");
}

/// `Fri Jan 29 06:35:10 2021`.
fn date(at: Utc) -> String {
    at.clock().replace(" UTC", "")
}

/// # Source
/// Vendor page, reference 2.6.
fn shutdown(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    call.line("This command will shutdown the system.  Continue?");
    confirm(call, "Please enter 'YES' or 'NO': ", ("YES", "NO"), |mio, _| {
        mio.restart(Restart::PowerOff, "shutdown from local-mgmt");
    });
    Ok(())
}

fn erase(_: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let question =
        "All configurations will be erased and system will reboot. Are you sure? (yes/no): ";
    confirm(call, question, ("yes", "no"), |mio, call| {
        going_down(mio, call);
        mio.restart(Restart::Erase, "erase configuration from local-mgmt");
    });
    Ok(())
}

/// # Source
/// Ours: an emulated chassis runs no signed image, and must not say that it does.
fn authenticity(_: &mut Mio, _: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    Err(Refusal::denied("Error: This emulated chassis runs no signed image"))
}
