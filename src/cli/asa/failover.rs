//! What an ASA understands about failover, and about its prompt.

use std::net::Ipv4Addr;

use crate::base::source::Source;
use crate::proto::blade::{Blade, PairError};
use crate::wire::units::{Addresses, Interface, PromptPart, Unit};

use super::super::call::Call;
use super::super::grammar::{Command, Need, Refusal};
use super::exec::print;
use super::show;

/// Where the commands are from, as far as the seed does not show them.
const GUIDE: Source = Source::Vendor("ASA command reference, failover; from memory");

/// At `asa#`.
pub(super) static EXEC: &[Command<Blade>] = &[
    Command {
        syntax: "show failover",
        help: &["Show running system information", "Show failover information"],
        source: Source::Seed("asa# show failover | include host"),
        run: |blade, call| print(call, show::failover::status(blade, call.now)),
        ..Command::READ
    },
    Command {
        syntax: "show failover {history | state}",
        help: &[
            "Show running system information",
            "Show failover information",
            "Show the state transitions",
            "Show the states of both units",
        ],
        source: GUIDE,
        run: |blade, call| {
            let history = call.args.has("history");
            let text = if history { show::failover::history } else { show::failover::state };
            print(call, text(blade))
        },
        ..Command::READ
    },
    ACTIVE,
    NO_ACTIVE,
];

const ACTIVE: Command<Blade> = Command {
    syntax: "failover active",
    help: &["Control failover", "Make this unit the active one"],
    source: GUIDE,
    run: |blade, call| refused(blade.claim(call.now)),
    need: Need::Operate,
    ..Command::READ
};

const NO_ACTIVE: Command<Blade> = Command {
    syntax: "no failover active",
    help: &["Negate a command", "Control failover", "Let the other unit be the active one"],
    source: GUIDE,
    run: |blade, call| refused(blade.stand_down(call.now)),
    need: Need::Operate,
    ..Command::READ
};

/// At `asa(config)#`.
pub(super) static CONFIG: &[Command<Blade>] = &[
    ACTIVE,
    NO_ACTIVE,
    Command {
        syntax: "failover",
        help: &["Turn failover on"],
        source: GUIDE,
        run: |blade, call| refused(blade.set_failover(call.now, true)),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no failover",
        help: &["Negate a command", "Turn failover off"],
        source: GUIDE,
        run: |blade, call| refused(blade.set_failover(call.now, false)),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover lan unit {primary | secondary}",
        help: &["Failover", "LAN failover", "This unit's place", "Primary unit", "Secondary unit"],
        source: GUIDE,
        run: |blade, call| {
            let primary = call.args.has("primary");
            refused(blade.set_unit(if primary { Unit::Primary } else { Unit::Secondary }))
        },
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover lan interface NAME:name(48) PORT:word(32)",
        help: &["Failover", "LAN failover", "Failover interface", "Name", "Interface"],
        source: GUIDE,
        run: |blade, call| lan_interface(blade, call, true),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no failover lan interface [NAME:name(48)] [PORT:word(32)]",
        help: &[
            "Negate a command",
            "Failover",
            "LAN failover",
            "Failover interface",
            "Name",
            "Interface",
        ],
        source: GUIDE,
        run: |blade, call| lan_interface(blade, call, false),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover link NAME:name(48) [PORT:word(32)]",
        help: &["Failover", "Stateful failover", "Name", "Interface"],
        source: GUIDE,
        run: |blade, call| {
            let port = call.args.get("PORT").map(port_name);
            refused(blade.set_pair_link(Some((call.args.text("NAME"), port.as_deref()))))
        },
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no failover link [NAME:name(48)] [PORT:word(32)]",
        help: &["Negate a command", "Failover", "Stateful failover", "Name", "Interface"],
        source: GUIDE,
        run: |blade, _| refused(blade.set_pair_link(None)),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover interface ip NAME:name(48) ACTIVE:ipv4 MASK:ipv4 standby STANDBY:ipv4",
        help: &[
            "Failover",
            "Failover interface",
            "Addresses",
            "Name",
            "Address of the active unit",
            "Mask",
            "Standby",
            "Address of the standby unit",
        ],
        source: GUIDE,
        run: interface_ip,
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no failover interface ip NAME:name(48)",
        help: &["Negate a command", "Failover", "Failover interface", "Addresses", "Name"],
        source: GUIDE,
        run: |blade, call| refused(blade.set_pair_addresses(call.args.text("NAME"), None)),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover key KEY:word(63)",
        help: &["Failover", "Key of the pair", "Key"],
        source: GUIDE,
        run: |blade, call| {
            blade.set_pair_key(Some(call.args.text("KEY").to_owned()));
            Ok(())
        },
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no failover key [KEY:word(63)]",
        help: &["Negate a command", "Failover", "Key of the pair", "Key"],
        source: GUIDE,
        run: |blade, _| {
            blade.set_pair_key(None);
            Ok(())
        },
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover polltime [unit] SECONDS:1-15 [holdtime HOLD:1-45]",
        help: &[
            "Failover",
            "Time between hellos",
            "Of the unit",
            "Seconds",
            "Hold time",
            "Seconds",
        ],
        source: GUIDE,
        run: |blade, call| times(blade, call, 1000),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "failover polltime [unit] msec MSEC:200-999 [holdtime [msec] HOLD:1-999]",
        help: &[
            "Failover",
            "Time between hellos",
            "Of the unit",
            "In milliseconds",
            "Milliseconds",
            "Hold time",
            "In milliseconds",
            "Hold time",
        ],
        source: GUIDE,
        run: |blade, call| times(blade, call, 1),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "prompt PARTS...",
        help: &["Configure the prompt", "hostname, priority, state, cluster-unit"],
        source: Source::Seed("ciscoasa/pri/act# show license all"),
        run: prompt,
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no prompt",
        help: &["Negate a command", "Configure the prompt"],
        source: GUIDE,
        run: |blade, _| {
            blade.set_prompt(Vec::new());
            Ok(())
        },
        returns: true,
        ..Command::WRITE
    },
];

pub(super) fn refused(done: Result<(), PairError>) -> Result<(), Refusal> {
    done.map_err(|error| Refusal::denied(error.device_text()))
}

/// Writes a port's name as a chassis does, `ethernet1/4` as `Ethernet1/4`.
pub(super) fn port_name(typed: &str) -> String {
    let lower = typed.to_ascii_lowercase();
    let mut letters = lower.chars();
    letters
        .next()
        .map_or(lower.clone(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// # Source
/// Recall of the line that the ASA prints.
fn lan_interface(blade: &mut Blade, call: &mut Call<'_, Blade>, set: bool) -> Result<(), Refusal> {
    let (name, port) = (call.args.text("NAME").to_owned(), port_name(call.args.text("PORT")));
    refused(blade.set_pair_lan(set.then_some(Interface { name, port })))?;
    if set {
        call.line("INFO: Non-failover interface config is cleared on this interface and its sub-interfaces");
    }
    Ok(())
}

fn interface_ip(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let address = |name| call.args.text(name).parse::<Ipv4Addr>();
    let (Ok(active), Ok(mask), Ok(standby)) =
        (address("ACTIVE"), address("MASK"), address("STANDBY"))
    else {
        return Err(Refusal::Invalid { at: call.args.at("ACTIVE") });
    };
    let bits = u32::from(mask);
    if bits.leading_ones() + bits.trailing_zeros() != 32 {
        return Err(Refusal::Invalid { at: call.args.at("MASK") });
    }
    if u32::from(active) & bits != u32::from(standby) & bits || active == standby {
        return Err(Refusal::Invalid { at: call.args.at("STANDBY") });
    }
    let addresses = Addresses { active, mask, standby };
    refused(blade.set_pair_addresses(call.args.text("NAME"), Some(addresses)))
}

/// Sets poll and hold time; `unit` is the milliseconds in one of what the poll time counts.
fn times(blade: &mut Blade, call: &mut Call<'_, Blade>, unit: u32) -> Result<(), Refusal> {
    let number = |name| call.args.number(name).and_then(|n| u32::try_from(n).ok());
    let poll = number("SECONDS").or_else(|| number("MSEC")).unwrap_or(1).saturating_mul(unit);
    // `msec` stands once or twice; a hold time in milliseconds has three digits at the least.
    let hold = number("HOLD")
        .map(|hold| if unit == 1 && hold > HOLD_S_MAX { hold } else { hold.saturating_mul(1000) });
    refused(blade.set_pair_times(call.now, poll, hold))
}

/// Longest hold time in seconds.
const HOLD_S_MAX: u32 = 45;

fn prompt(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let parts = call.args.text("PARTS").split_ascii_whitespace().map(|word| {
        let all = show::failover::PROMPT_PARTS.iter();
        let mut fits = all.filter(|(_, text)| text.starts_with(word));
        fits.next().map(|(part, _)| *part)
    });
    match parts.collect::<Option<Vec<PromptPart>>>() {
        Some(parts) if !parts.is_empty() => {
            blade.set_prompt(parts);
            Ok(())
        }
        _ => Err(Refusal::Invalid { at: call.args.at("PARTS") }),
    }
}
