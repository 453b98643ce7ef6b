//! `connect cimc` and `connect adapter`: the controllers of a module and of its network adapter.

use super::super::call::Call;
use super::super::dialect;
use super::super::grammar::{Command, Refusal, Scope, Shell};
use crate::base::ident::Slot;
use crate::base::source::Source;
use crate::proto::mio::Mio;

const CIMC_MOCK: Source = Source::Client("unicon fp4k_mock_data.yaml: fp4k_console_cimc");
const ADAPTER_MOCK: Source = Source::Client("unicon fp4k_mock_data.yaml: fp4k_console_adapter");

/// `connect cimc 1/N`.
///
/// # Source
/// Client mock of unicon: greeting, prompt and farewell.
pub(super) fn connect_cimc(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    module(mio, call)?;
    call.out.push_str(
        "Trying 127.5.1.1...\nConnected to 127.5.1.1.\nEscape character is '^]'.\n\n\
         CIMC Debug Firmware Utility Shell [ support ]\n",
    );
    call.enter(&CIMC);
    Ok(())
}

/// `connect adapter 1/N/1`.
pub(super) fn connect_adapter(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    match module(mio, call)?.number() {
        1 => call.enter(&Adapter::<1>::SHELL),
        2 => call.enter(&Adapter::<2>::SHELL),
        _ => call.enter(&Adapter::<3>::SHELL),
    }
    Ok(())
}

/// Returns the slot of `1/N` or `1/N/1`, if it holds a module.
fn module(mio: &Mio, call: &Call<'_, Mio>) -> Result<Slot, Refusal> {
    let mut parts = call.args.text("ID").split('/');
    let (chassis, slot, adapter) = (parts.next(), parts.next(), parts.next());
    let slot = slot.and_then(|slot| slot.parse().ok()).and_then(Slot::new);
    let known = chassis == Some("1") && adapter.is_none_or(|adapter| adapter == "1");
    let slot = slot.filter(|slot| known && parts.next().is_none() && mio.broker.is_equipped(*slot));
    slot.ok_or_else(|| Refusal::denied("Error: Managed object does not exist"))
}

const fn leave(source: Source) -> Command<Mio> {
    Command {
        syntax: "exit",
        help: &["Leave"],
        source,
        run: |_, call| {
            call.leave();
            Ok(())
        },
        ..Command::READ
    }
}

/// A module's controller.
pub(super) static CIMC: Shell<Mio> = Shell {
    name: "cimc",
    dialect: &dialect::PART,
    root: &CIMC_ROOT,
    common: &[],
    prompt: |_, _, _| "[ help ]# ".to_owned(),
    redirect: None,
    detaches: false,
};

static CIMC_ROOT: Scope<Mio> = Scope {
    source: CIMC_MOCK,
    commands: &[
        Command {
            run: |_, call| {
                call.line("Connection closed by foreign host.");
                call.leave();
                Ok(())
            },
            ..leave(CIMC_MOCK)
        },
        Command {
            syntax: "help",
            help: &["List the commands"],
            run: |_, call| {
                call.line("exit  help");
                Ok(())
            },
            ..Command::READ
        },
    ],
    ..Scope::FIXED
};

/// The adapter of the module in slot `S`: its shells differ in their prompts.
pub(super) struct Adapter<const S: u8>;

/// # Source
/// Client mock and patterns of unicon for all four prompts, the numbers in them included.
impl<const S: u8> Adapter<S> {
    pub(super) const SHELL: Shell<Mio> = Shell {
        name: "adapter",
        root: &Scope {
            commands: &[
                Command {
                    syntax: "connect",
                    help: &["Connect to the adapter's processor"],
                    source: ADAPTER_MOCK,
                    run: |_, call| {
                        call.enter(&Self::TOP);
                        Ok(())
                    },
                    ..Command::READ
                },
                leave(ADAPTER_MOCK),
            ],
            ..Scope::FIXED
        },
        prompt: |_, _, _| format!("adapter 1/{S}/1 # "),
        ..PART
    };

    pub(super) const TOP: Shell<Mio> = Shell {
        name: "adapter-top",
        root: &Scope {
            commands: &[
                Command {
                    syntax: "attach-fls",
                    help: &["Attach to the forwarding processor"],
                    source: ADAPTER_MOCK,
                    run: |_, call| {
                        call.enter(&Self::FLS);
                        Ok(())
                    },
                    ..Command::READ
                },
                Command {
                    syntax: "attach-mcp",
                    help: &["Attach to the management processor"],
                    source: ADAPTER_MOCK,
                    run: |_, call| {
                        call.enter(&Self::MCP);
                        Ok(())
                    },
                    ..Command::READ
                },
                leave(ADAPTER_MOCK),
            ],
            ..Scope::FIXED
        },
        prompt: |_, _, _| format!("adapter 1/{S}/1 (top):1# "),
        ..PART
    };

    pub(super) const FLS: Shell<Mio> = Shell {
        name: "adapter-fls",
        prompt: |_, _, _| format!("adapter 1/{S}/1 (fls):2# "),
        ..PART
    };

    pub(super) const MCP: Shell<Mio> = Shell {
        name: "adapter-mcp",
        prompt: |_, _, _| format!("adapter 1/{S}/1 (mcp):1# "),
        ..PART
    };
}

/// What the shells of parts have in common.
const PART: Shell<Mio> = Shell {
    name: "part",
    dialect: &dialect::PART,
    root: &Scope { commands: &[leave(ADAPTER_MOCK)], ..Scope::FIXED },
    common: &[],
    prompt: |_, _, _| String::new(),
    redirect: None,
    detaches: false,
};
