//! What an ASA understands about clusters.

use std::net::Ipv4Addr;

use crate::base::source::Source;
use crate::proto::blade::Blade;

use super::super::call::Call;
use super::super::grammar::{Command, Refusal, Scope};
use super::config::MODE;
use super::exec::print;
use super::failover::{port_name, refused};
use super::show;

/// Where the commands are from, as far as the seed does not show them.
const GUIDE: Source = Source::Vendor("ASA command reference, cluster; from memory");

/// At `asa#`.
pub(super) static EXEC: &[Command<Blade>] = &[Command {
    syntax: "show cluster info",
    help: &["Show running system information", "Cluster", "Show the units"],
    source: Source::Seed("asa# show cluster info | i state"),
    run: |blade, call| print(call, show::cluster::info(blade)),
    ..Command::READ
}];

/// At `asa(config)#`.
pub(super) static CONFIG: &[Command<Blade>] = &[
    Command {
        syntax: "cluster group NAME:name(38)",
        help: &["Cluster", "Configure a cluster", "Name"],
        source: Source::Seed("asa(config)# cluster group GROUP1"),
        run: |blade, call| {
            refused(blade.set_group(call.now, call.args.text("NAME"), true))?;
            call.into(&GROUP);
            Ok(())
        },
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "no cluster group NAME:name(38)",
        help: &["Negate a command", "Cluster", "Configure a cluster", "Name"],
        source: GUIDE,
        run: |blade, call| refused(blade.set_group(call.now, call.args.text("NAME"), false)),
        returns: true,
        ..Command::WRITE
    },
    Command {
        syntax: "cluster interface-mode spanned [force]",
        help: &["Cluster", "Mode of the interfaces", "Spanned EtherChannel", "At once"],
        source: GUIDE,
        // The only mode of these platforms.
        run: |_, _| Ok(()),
        returns: true,
        ..Command::WRITE
    },
];

/// `asa(cfg-cluster)#`
pub(super) static GROUP: Scope<Blade> = Scope {
    syntax: "cfg-cluster",
    help: &["Cluster"],
    verbs: &[],
    inherits: true,
    includes: &[MODE],
    commands: &[
        Command {
            syntax: "local-unit NAME:name(38)",
            help: &["Name this unit", "Name"],
            source: GUIDE,
            run: |blade, call| {
                let name = call.args.text("NAME").to_owned();
                refused(blade.edit_group(|group| group.unit = name))
            },
            ..Command::WRITE
        },
        Command {
            syntax: "cluster-interface PORT:word(32) ip ADDRESS:ipv4 MASK:ipv4",
            help: &["Cluster control link", "Interface", "Address", "Address", "Mask"],
            source: GUIDE,
            run: cluster_interface,
            ..Command::WRITE
        },
        Command {
            syntax: "priority NUMBER:1-100",
            help: &["Priority of this unit", "1 is the best"],
            source: GUIDE,
            run: |blade, call| {
                let number = call.args.number("NUMBER").and_then(|n| u32::try_from(n).ok());
                refused(blade.edit_group(|group| group.priority = number.unwrap_or(1)))
            },
            ..Command::WRITE
        },
        Command {
            syntax: "key KEY:word(63)",
            help: &["Key of the cluster", "Key"],
            source: GUIDE,
            run: |blade, call| {
                let key = call.args.text("KEY").to_owned();
                refused(blade.edit_group(|group| group.key = Some(key)))
            },
            ..Command::WRITE
        },
        Command {
            syntax: "no key",
            help: &["Negate a command", "Key of the cluster"],
            source: GUIDE,
            run: |blade, _| refused(blade.edit_group(|group| group.key = None)),
            ..Command::WRITE
        },
        Command {
            syntax: "enable [noconfirm]",
            help: &["Enable clustering", "Ask nothing"],
            source: Source::Seed("asa(cfg-cluster)# enable"),
            run: |blade, call| refused(blade.set_cluster(call.now, true)),
            ..Command::WRITE
        },
        Command {
            syntax: "no enable",
            help: &["Negate a command", "Enable clustering"],
            source: GUIDE,
            run: |blade, call| refused(blade.set_cluster(call.now, false)),
            ..Command::WRITE
        },
    ],
    ..Scope::FIXED
};

fn cluster_interface(blade: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    let address = |name| call.args.text(name).parse::<Ipv4Addr>();
    let (Ok(ip), Ok(mask)) = (address("ADDRESS"), address("MASK")) else {
        return Err(Refusal::Invalid { at: call.args.at("ADDRESS") });
    };
    let port = port_name(call.args.text("PORT"));
    refused(blade.edit_group(|group| {
        (group.port, group.address, group.mask) = (port, ip, mask);
    }))
}
