//! `scope fabric-interconnect a`: the management port.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal, Scope};
use super::edit::{self, CLASS};
use crate::base::source::Source;
use crate::proto::mio::Mio;

const KICK: Source = Source::Client("firepower-kickstart: set out-of-band ip A netmask M gw G");

/// `/fabric-interconnect`.
pub(super) static FABRIC_INTERCONNECT: Scope<Mio> = Scope {
    syntax: "fabric-interconnect ID:name(1)",
    help: &["Fabric interconnect", "a"],
    source: KICK,
    commands: &[Command {
        syntax: "set out-of-band [ip IP:ipv4] [netmask NETMASK:ipv4] [gw GW:ipv4]",
        help: &[
            "Set property values",
            "Out-of-band management",
            "Address",
            "Address",
            "Netmask",
            "Netmask",
            "Gateway",
            "Gateway",
        ],
        source: KICK,
        run: set_out_of_band,
        ..Command::WRITE
    }],
    ..CLASS
};

fn set_out_of_band(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let args = call.args;
    for (name, text) in args.values() {
        edit::put(mio, call, &format!("out-of-band {}", name.to_ascii_lowercase()), text)?;
    }
    Ok(())
}
