//! What an ASA understands at `asa>` and `asa#`.

use crate::base::source::Source;
use crate::proto::blade::Blade;

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal, Scope};
use super::{cluster, config, failover, same, show};

/// Tries at the password before `enable` gives up.
const PASSWORD_TRIES: u8 = 3;

/// `asa>`
pub(super) static USER: Scope<Blade> = Scope {
    verbs: &[],
    scopes: &[&PRIVILEGED],
    commands: &[
        Command {
            syntax: "enable",
            help: &["Turn on privileged commands"],
            source: Source::Client("unicon asa/statemachine.py: enable, Password:"),
            run: enable,
            ..Command::READ
        },
        Command {
            syntax: "show version",
            help: &["Show running system information", "Display system software version"],
            source: Source::Device("ASA show version on FPR9K-SM-24, genieparser golden 3"),
            run: |blade, call| print(call, show::version(blade, call.now)),
            ..Command::READ
        },
        Command {
            syntax: "show clock",
            help: &["Show running system information", "Display system clock"],
            source: Source::Device("FPR-2130 show tech, Aug 2017"),
            run: |_, call| print(call, call.now.wall.asa_clock()),
            ..Command::READ
        },
        Command {
            syntax: "show curpriv",
            help: &["Show running system information", "Display current privilege level"],
            source: Source::Client("netmiko cisco_asa: show curpriv"),
            run: show_curpriv,
            ..Command::READ
        },
        Command {
            syntax: "{exit | quit | logout}",
            help: &["Exit from the EXEC", "Exit from the EXEC", "Exit from the EXEC"],
            source: Source::Ours,
            run: leave,
            ..Command::READ
        },
    ],
    ..Scope::FIXED
};

/// `asa#`
pub(super) static PRIVILEGED: Scope<Blade> = Scope {
    syntax: "enable",
    help: &["Privileged EXEC"],
    verbs: &[],
    inherits: true,
    includes: &[failover::EXEC, cluster::EXEC],
    scopes: &[&config::CONFIG],
    commands: &[
        Command {
            syntax: "disable",
            help: &["Exit from privileged mode"],
            source: Source::Client("unicon asa/statemachine.py: disable"),
            run: |_, call| {
                call.top();
                Ok(())
            },
            ..Command::READ
        },
        Command {
            syntax: "{exit | quit | logout}",
            help: &["Exit from the EXEC", "Exit from the EXEC", "Exit from the EXEC"],
            source: Source::Client("unicon fp4k mock: exit at asa# ends at asa>"),
            run: log_off,
            ..Command::READ
        },
        Command {
            syntax: "configure terminal",
            help: &["Configure using various methods", "Configure using the terminal"],
            source: Source::Client("unicon asa/statemachine.py: config term"),
            run: configure,
            need: Need::Write,
            ..Command::READ
        },
        Command {
            syntax: "show license {all | entitlement | features}",
            help: &[
                "Show running system information",
                "Show license information",
                "Show all license information",
                "Show license entitlements",
                "Show licensed features",
            ],
            source: Source::Seed("ASA samenvatting van verificatieopdrachten"),
            run: show_license,
            ..Command::READ
        },
        Command {
            syntax: "show tech-support license",
            help: &[
                "Show running system information",
                "Display system information for Tech Support",
                "Licensing only",
            ],
            source: Source::Seed("asa#  show tech-support license"),
            run: |blade, call| print(call, show::license_state(blade)),
            ..Command::READ
        },
        Command {
            syntax: "show running-config [{license | hostname | failover | cluster | prompt}]",
            help: &[
                "Show running system information",
                "Current operating configuration",
                "Smart licensing configuration",
                "Name of the system",
                "Failover configuration",
                "Cluster configuration",
                "Configuration of the prompt",
            ],
            source: Source::Seed("asa# show run license"),
            run: show_running,
            ..Command::READ
        },
        Command {
            syntax: "show startup-config",
            help: &["Show running system information", "Contents of startup configuration"],
            run: |blade, call| print(call, show::config(blade, blade.startup())),
            ..Command::READ
        },
        Command {
            syntax: "terminal pager [lines] LINES:0-2147483647",
            help: &[
                "Set terminal line parameters",
                "Control page length for pagination",
                "Lines on a page",
                "Lines on a page, 0 for no pager",
            ],
            source: Source::Client("unicon asa/settings.py: terminal pager 0"),
            run: terminal_pager,
            ..Command::READ
        },
        Command {
            syntax: "terminal width COLUMNS:0-511",
            help: &["Set terminal line parameters", "Set width of the terminal", "Columns"],
            source: Source::Client("netmiko cisco_asa: terminal width 511"),
            run: terminal_width,
            ..Command::READ
        },
        Command {
            syntax: "write [{memory | terminal}]",
            help: &[
                "Write running configuration to memory or terminal",
                "Write to memory",
                "Write to terminal",
            ],
            run: write,
            need: Need::Write,
            ..Command::READ
        },
        Command {
            syntax: "copy running-config startup-config",
            help: &[
                "Copy from one file to another",
                "Copy from current system configuration",
                "Copy to startup configuration",
            ],
            run: copy_running,
            need: Need::Write,
            ..Command::READ
        },
        Command {
            syntax: "debug license [LEVEL:1-255]",
            help: &["Debugging functions", "Debug licensing", "Level, 1 if not given"],
            source: Source::Seed("asa# debug license 255"),
            run: debug_license,
            need: Need::Operate,
            ..Command::READ
        },
        Command {
            syntax: "{no debug license [LEVEL:1-255] | undebug {all | license}}",
            help: &[
                "Disable debugging functions",
                "Debugging functions",
                "Debug licensing",
                "Level",
                "Disable debugging functions",
                "All debugging",
                "Debug licensing",
            ],
            run: |blade, _| {
                blade.set_debug_level(0);
                Ok(())
            },
            need: Need::Operate,
            ..Command::READ
        },
    ],
    ..Scope::FIXED
};

/// Prints a listing that has no line feed at its end.
pub(super) fn print(call: &mut Call<'_, Blade>, text: impl AsRef<str>) -> Result<(), Refusal> {
    call.line(text);
    Ok(())
}

/// # Source
/// Recall: the warning of a standby unit.
fn configure(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    if blade.failover().is_on() && blade.failover().is_standby() {
        call.line("**** WARNING ****");
        call.line(
            "\tConfiguration Replication is NOT performed from Standby unit to Active unit.\n\
             \tConfigurations are no longer synchronized.",
        );
    }
    call.into(&config::CONFIG);
    Ok(())
}

fn enable(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    ask_password(call, PASSWORD_TRIES);
    Ok(())
}

/// Asks for the enable password, which is empty on an ASA that nobody has given one.
///
/// # Source
/// Client: unicon answers `Password:` with what may be empty. The texts of refusal are recall.
fn ask_password(call: &mut Call<'_, Blade>, tries: u8) {
    call.ask(Ask::secret("Password: ", move |_, call, answer| {
        if answer.is_empty() {
            call.to(vec![&PRIVILEGED]);
        } else if tries > 1 {
            call.line("Invalid password");
            ask_password(call, tries - 1);
        } else {
            call.line("Access denied.");
        }
        Ok(())
    }));
}

/// # Source
/// Client: the boot CLI says that Ctrl-A d leaves an ASA. That `exit` at `asa>` leaves it too is
/// ours, for scripts whose lines are text.
fn leave(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    call.line("\nLogoff\n");
    call.leave();
    Ok(())
}

/// # Source
/// Recall: the text, and that the console is there again at once.
fn log_off(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    call.line("\nLogoff\n");
    call.line("Type help or '?' for a list of available commands.");
    call.top();
    Ok(())
}

/// # Source
/// Recall: names of the two users and of the three modes.
fn show_curpriv(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let (level, modes) = match call.place.scope() {
        None => (1, "P_UNPR"),
        Some(scope) if same(scope, &PRIVILEGED) => (15, "P_PRIV"),
        Some(_) => (15, "P_PRIV P_CONF"),
    };
    call.line(format!("Username : enable_{level}"));
    call.line(format!("Current privilege level : {level}"));
    call.line(format!("Current Mode/s : {modes}"));
    Ok(())
}

fn show_license(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let text = if call.args.has("all") {
        show::license_all(blade, call.now)
    } else if call.args.has("entitlement") {
        show::entitlements(blade)
    } else {
        show::features(blade, call.now)
    };
    print(call, text)
}

fn show_running(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let running = blade.running();
    let text = if call.args.has("license") {
        show::license_config(&running)
    } else if call.args.has("hostname") {
        format!("hostname {}", running.hostname)
    } else if call.args.has("failover") {
        show::failover::whole_config(&running)
    } else if call.args.has("cluster") {
        show::cluster::config(&running)
    } else if call.args.has("prompt") {
        show::failover::prompt_line(&running)
    } else {
        show::config(blade, &running)
    };
    // An ASA prints nothing for a part that is not configured.
    if text.is_empty() { Ok(()) } else { print(call, text) }
}

fn terminal_pager(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let lines = call.args.number("LINES").unwrap_or_default();
    call.set_length(u16::try_from(lines).unwrap_or(u16::MAX));
    Ok(())
}

fn terminal_width(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let columns = call.args.number("COLUMNS").unwrap_or_default();
    call.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    Ok(())
}

fn write(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let running = blade.running();
    if call.args.has("terminal") {
        return print(call, show::config(blade, &running));
    }
    blade.write_memory();
    print(call, show::saved(blade, &running))
}

/// # Source
/// Recall: the question, and that Enter takes the name in brackets.
fn copy_running(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    call.ask(Ask::line("\nSource filename [running-config]? ", |blade: &mut Blade, call, _| {
        let running = blade.running();
        blade.write_memory();
        print(call, show::saved(blade, &running))
    }));
    Ok(())
}

/// # Source
/// Seed: `debug ssl enabled at level 255.`, of which this is a copy.
fn debug_license(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let level = call.args.number("LEVEL").unwrap_or(1);
    blade.set_debug_level(u8::try_from(level).unwrap_or(u8::MAX));
    print(call, format!("debug license enabled at level {level}."))
}
