//! What an ASA understands at `asa(config)#` and `asa(config-smart-lic)#`.

use crate::base::entitlement::Feature;
use crate::base::source::Source;
use crate::proto::blade::{Blade, FeatureError};

use super::super::call::Call;
use super::super::grammar::{Command, Refusal, Scope};
use super::exec::PRIVILEGED;
use super::{cluster, failover};

/// `asa(config)#`
pub(super) static CONFIG: Scope<Blade> = Scope {
    syntax: "config",
    help: &["Configuration"],
    verbs: &[],
    inherits: true,
    includes: &[MODE, failover::CONFIG, cluster::CONFIG],
    scopes: &[&SMART_LICENSE, &cluster::GROUP],
    commands: &[
        Command {
            syntax: "license smart",
            help: &["Configure licensing", "Configure Smart Licensing"],
            source: Source::Seed("asa(config)# license smart"),
            run: license_smart,
            returns: true,
            ..Command::WRITE
        },
        Command {
            syntax: "hostname NAME:name(63)",
            help: &["Change host name of the system", "New host name"],
            run: |blade, call| {
                blade.rename(call.args.text("NAME"));
                Ok(())
            },
            returns: true,
            ..Command::WRITE
        },
    ],
    ..Scope::FIXED
};

/// `asa(config-smart-lic)#`
pub(super) static SMART_LICENSE: Scope<Blade> = Scope {
    syntax: "config-smart-lic",
    help: &["Smart Licensing"],
    verbs: &[],
    inherits: true,
    includes: &[MODE],
    commands: &[
        Command {
            syntax: "feature tier standard",
            help: &["Request an entitlement", "Feature tier", "Standard tier"],
            source: Source::Seed("asa(config-smart-lic)# feature tier standard"),
            run: |blade, call| feature(blade, call, Feature::Tier),
            ..Command::WRITE
        },
        Command {
            syntax: "feature context COUNT:1-65535",
            help: &["Request an entitlement", "Security contexts", "Number of contexts"],
            source: Source::Seed("ASA-rechten: Multicontext"),
            run: |blade, call| feature(blade, call, Feature::Context),
            ..Command::WRITE
        },
        Command {
            syntax: "feature strong-encryption",
            help: &["Request an entitlement", "Strong encryption (3DES/AES)"],
            source: Source::Seed("ciscoasa# show run license"),
            run: |blade, call| feature(blade, call, Feature::StrongEncryption),
            ..Command::WRITE
        },
        Command {
            syntax: "feature {carrier | mobile-sp}",
            help: &["Request an entitlement", "Carrier (GTP)", "Mobile SP, now carrier"],
            source: Source::Seed("ASA-rechten: Mobiele telefoon/serviceprovider (GTP)"),
            run: |blade, call| feature(blade, call, Feature::Carrier),
            ..Command::WRITE
        },
        Command {
            syntax: "no feature tier [standard]",
            help: &["Negate a command", "Release an entitlement", "Feature tier", "Standard tier"],
            source: Source::Seed("Speciale vereisten voor aanvullende rechten"),
            run: |blade, _| no_feature(blade, Feature::Tier),
            ..Command::WRITE
        },
        Command {
            syntax: "no feature context [COUNT:1-65535]",
            help: &[
                "Negate a command",
                "Release an entitlement",
                "Security contexts",
                "Number of contexts",
            ],
            source: Source::Seed("Speciale vereisten voor aanvullende rechten"),
            run: |blade, _| no_feature(blade, Feature::Context),
            ..Command::WRITE
        },
        Command {
            syntax: "no feature strong-encryption",
            help: &["Negate a command", "Release an entitlement", "Strong encryption (3DES/AES)"],
            source: Source::Seed("Speciale vereisten voor aanvullende rechten"),
            run: |blade, _| no_feature(blade, Feature::StrongEncryption),
            ..Command::WRITE
        },
        Command {
            syntax: "no feature {carrier | mobile-sp}",
            help: &[
                "Negate a command",
                "Release an entitlement",
                "Carrier (GTP)",
                "Mobile SP, now carrier",
            ],
            source: Source::Seed("Speciale vereisten voor aanvullende rechten"),
            run: |blade, _| no_feature(blade, Feature::Carrier),
            ..Command::WRITE
        },
    ],
    ..Scope::FIXED
};

/// What every configuration mode understands.
pub(super) static MODE: &[Command<Blade>] = &[
    Command {
        syntax: "{exit | quit}",
        help: &["Exit from config mode", "Exit from config mode"],
        run: |_, call| {
            call.up();
            Ok(())
        },
        ..Command::READ
    },
    Command {
        syntax: "end",
        help: &["Exit from configure mode"],
        source: Source::Client("unicon asa/statemachine.py: end"),
        run: |_, call| {
            call.to(vec![&PRIVILEGED]);
            Ok(())
        },
        ..Command::READ
    },
];

/// # Source
/// Seed, the listing of a tier's configuration.
fn license_smart(_: &mut Blade, call: &mut Call<'_, Blade>) -> Result<(), Refusal> {
    call.line(
        "INFO: License(s) corresponding to an entitlement will be activated only after an \
         entitlement request has been authorized.",
    );
    call.into(&SMART_LICENSE);
    Ok(())
}

fn feature(blade: &mut Blade, call: &mut Call<'_, Blade>, feature: Feature) -> Result<(), Refusal> {
    let count = call.args.number("COUNT").unwrap_or(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    blade.feature(call.now, feature, count).map_err(|error| match error {
        FeatureError::Count { .. } => Refusal::Invalid { at: call.args.at("COUNT") },
        FeatureError::TierFirst
        | FeatureError::TierLast
        | FeatureError::OutOfCompliance
        | FeatureError::Unsupported => Refusal::denied(error.device_text()),
    })
}

fn no_feature(blade: &mut Blade, feature: Feature) -> Result<(), Refusal> {
    blade.no_feature(feature).map_err(|error| Refusal::denied(error.device_text()))
}
