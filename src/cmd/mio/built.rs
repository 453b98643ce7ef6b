//! How a chassis by itself is built, and what it is delivered with: said at its first start, and
//! kept.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{BladeArg, MioArgs};
use crate::base::platform;
use crate::cmd::rack::chassis::ADMIN_PASSWORD;
use crate::cmd::topology::{BladeRow, Chassis, ChassisRow};
use crate::net::stack::Cidr;
use crate::proto::config::Trustpoint;
use crate::sys::{console, random};
use crate::wire::certificate;

/// Model of a chassis of which nobody says it.
const MODEL: &str = "FPR-4125";
/// Longest file of certificates, in bytes.
const ROOT_MAX: u64 = 1 << 20;

/// Everything that the first start decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Built {
    pub(super) chassis: ChassisRow,
    /// Address of the licence authority, if it is another than the vendor's.
    pub(super) authority: Option<String>,
    /// Certificates, PEM; empty for none.
    pub(super) root: String,
    pub(super) licensing_root: String,
    pub(super) admin_password: Option<String>,
    /// The port asks for its address as long as none is configured.
    pub(super) dhcp: bool,
}

impl Built {
    /// Builds a chassis at its first start.
    ///
    /// # Errors
    /// A line for the operator.
    pub(super) fn new(args: &MioArgs) -> Result<Built, String> {
        let model = args.model.clone().unwrap_or_else(|| MODEL.to_owned());
        let serial = args.serial.clone().unwrap_or_else(made_up_serial);
        let address = args.address.map(v4).transpose()?;
        let gateway = args.gateway.unwrap_or(Ipv4Addr::UNSPECIFIED);
        if address.is_none() && !gateway.is_unspecified() {
            return Err("--gateway without --address; give both".to_owned());
        }
        let (address, prefix) = address.unwrap_or((Ipv4Addr::UNSPECIFIED, 24));
        let gateway = if gateway.is_unspecified() || address.is_unspecified() {
            Ipv4Addr::UNSPECIFIED
        } else {
            gateway
        };
        let setup = address.is_unspecified() && !args.dhcp;
        let chassis = ChassisRow {
            name: args.name.clone().unwrap_or_else(|| "firepower".to_owned()),
            model,
            address: format!("{address}/{prefix}"),
            gateway,
            dns: args.dns.clone(),
            ntp: args.ntp.clone(),
            domain: args.domain.clone().unwrap_or_default(),
            clock_skew_ms: 0,
            setup,
            count: 1,
            blade: blades(&args.blade, &serial),
            serial: Some(serial),
        };
        let root = |file: &Option<_>| file.as_deref().map_or_else(|| Ok(String::new()), read_root);
        Ok(Built {
            chassis,
            authority: args.authority.clone(),
            root: root(&args.root)?,
            licensing_root: root(&args.licensing_root)?,
            admin_password: args
                .admin_password
                .clone()
                .or_else(|| (!setup).then(|| ADMIN_PASSWORD.to_owned())),
            dhcp: args.dhcp,
        })
    }

    /// Applies what may change with a later start, the blades, and refuses what may not.
    ///
    /// # Errors
    /// A line for the operator.
    pub(super) fn restarted(mut self, args: &MioArgs) -> Result<Built, String> {
        for (flag, given, kept) in [
            ("--model", &args.model, Some(&self.chassis.model)),
            ("--serial", &args.serial, self.chassis.serial.as_ref()),
        ] {
            if let (Some(given), Some(kept)) = (given, kept)
                && given != kept
            {
                return Err(format!(
                    "{flag} {given}: the chassis in the state folder is a {kept}; leave {flag} out, \
                     or name another folder with --state"
                ));
            }
        }
        if !args.blade.is_empty() {
            let serial = self.chassis.serial.clone().unwrap_or_default();
            self.chassis.blade = blades(&args.blade, &serial);
        }
        let first_only = [
            ("--name", args.name.is_some()),
            ("--address", args.address.is_some()),
            ("--gateway", args.gateway.is_some()),
            ("--dns", !args.dns.is_empty()),
            ("--domain", args.domain.is_some()),
            ("--ntp", !args.ntp.is_empty()),
            ("--authority", args.authority.is_some()),
            ("--root", args.root.is_some()),
            ("--licensing-root", args.licensing_root.is_some()),
            ("--admin-password", args.admin_password.is_some()),
        ];
        let again = Built::new(args)?;
        let same = again.chassis == self.chassis
            && (&again.authority, &again.root, &again.licensing_root)
                == (&self.authority, &self.root, &self.licensing_root);
        let said: Vec<_> =
            first_only.iter().filter(|(_, given)| *given && !same).map(|(flag, _)| *flag).collect();
        if !said.is_empty() {
            console::say(&format!(
                "vfxos mio: {} counts at the first start only; this chassis has its configuration",
                said.join(", ")
            ));
        }
        self.dhcp |= args.dhcp;
        Ok(self)
    }

    /// Returns the chassis, checked.
    ///
    /// # Errors
    /// A line for the operator.
    pub(super) fn checked(&self) -> Result<Chassis, String> {
        self.chassis.chassis().map_err(|why| why.trim_start_matches("chassis ").to_owned())
    }

    /// Returns the trustpoints that it is delivered with.
    pub(super) fn trustpoints(&self) -> Vec<Trustpoint> {
        let named = [("CHdefault", &self.root), ("CiscoLicRoot", &self.licensing_root)];
        let point = |(name, chain): (&str, &String)| Trustpoint {
            name: name.to_owned(),
            chain: chain.clone(),
        };
        named.into_iter().map(point).collect()
    }
}

/// Returns the blades that are named; the one in slot 1 if nobody names any.
fn blades(named: &[BladeArg], chassis: &str) -> Vec<BladeRow> {
    let row = |slot: u8, module: Option<String>, serial: Option<String>| {
        // Two chassis beside each other may not have blades of one serial number.
        let tail = chassis.get(chassis.len().saturating_sub(7)..).unwrap_or(chassis);
        let serial = serial.unwrap_or_else(|| format!("FCH{slot}{tail}"));
        BladeRow { slot, module, serial: Some(serial) }
    };
    if named.is_empty() {
        return vec![row(1, None, None)];
    }
    let one = |blade: &BladeArg| match blade {
        BladeArg::None => None,
        BladeArg::At { slot, module, serial } => Some(row(*slot, module.clone(), serial.clone())),
    };
    named.iter().filter_map(one).collect()
}

/// Returns a serial number that no other chassis has.
fn made_up_serial() -> String {
    let number = random::seed().iter().take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
    format!("JAD9{:07}", number % 10_000_000)
}

fn v4(address: Cidr) -> Result<(Ipv4Addr, u8), String> {
    match address.address() {
        IpAddr::V4(ip) => Ok((ip, address.prefix())),
        IpAddr::V6(_) => {
            Err("--address takes IPv4; set IPv6 at the console, scope ipv6-config".to_owned())
        }
    }
}

fn read_root(file: &Path) -> Result<String, String> {
    let say = |why: String| format!("{}: {why}", file.display());
    let size = fs::metadata(file).map_err(|error| say(error.to_string()))?.len();
    if size > ROOT_MAX {
        return Err(say(format!("{size} bytes; a chain of certificates has at most {ROOT_MAX}")));
    }
    let pem = fs::read_to_string(file).map_err(|error| say(error.to_string()))?;
    if certificate::validities(&pem).is_empty() {
        return Err(
            say("no certificate in it; vfxos authority --print-root prints one".to_owned()),
        );
    }
    Ok(pem)
}

/// Returns the model of a chassis, or of the one that is made if nobody says.
pub(super) fn known_models() -> String {
    let models: Vec<_> = platform::CHASSIS.iter().map(|chassis| chassis.model).collect();
    models.join(", ")
}
