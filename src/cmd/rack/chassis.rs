//! One chassis: its flash, its stack, its supervisor and the blades in its slots.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::task::JoinHandle;

use super::blades::{self, Keeper};
use crate::base::platform;
use crate::cmd::blade::examine;
use crate::cmd::supervisor::{self, Boot, Ended, Handle, SupervisorError};
use crate::cmd::topology::{self, Blade};
use crate::net::link::hub::HubPort;
use crate::net::stack::Stack;
use crate::proto::config::{Factory, OutOfBand, Trustpoint};
use crate::sys::clock::ChassisClock;
use crate::sys::flash::{Flash, Kind};

/// Name of the AppAG socket in a chassis's folder.
const SOCKET: &str = "appag.sock";
/// Password of the account `admin` of a chassis that is configured already.
///
/// # Source
/// Reference 2.7 and the clients' scripts.
pub(in crate::cmd) const ADMIN_PASSWORD: &str = "Admin123";

/// A running chassis.
pub(in crate::cmd) struct Running {
    pub(in crate::cmd) name: String,
    pub(in crate::cmd) serial: String,
    /// Where its management interface was at the start.
    pub(in crate::cmd) address: Ipv4Addr,
    pub(in crate::cmd) handle: Handle,
    pub(in crate::cmd) blades: Vec<Keeper>,
}

/// The end of a supervisor's task.
pub(in crate::cmd) type Task = JoinHandle<Result<Ended, SupervisorError>>;

/// What a chassis is started with.
pub(in crate::cmd) struct Plan {
    pub(in crate::cmd) name: String,
    pub(in crate::cmd) serial: String,
    pub(in crate::cmd) model: &'static platform::Chassis,
    pub(in crate::cmd) blades: Vec<Blade>,
    /// What the configuration is before anybody configures.
    pub(in crate::cmd) factory: Factory,
    /// Where its management interface is at the start.
    pub(in crate::cmd) address: Ipv4Addr,
    pub(in crate::cmd) stack: Stack,
    /// Where its data ports are plugged in, and a number that no other chassis there has.
    pub(in crate::cmd) data: (HubPort, u16),
    pub(in crate::cmd) clock: ChassisClock,
    /// Password of the account `admin`; `None` where the first-boot dialog asks for one.
    pub(in crate::cmd) admin_password: Option<String>,
    /// How often the supervisor has died since the machine started.
    pub(in crate::cmd) died: u32,
    /// Whoever starts the process starts it again after a reboot.
    pub(in crate::cmd) ends_at_reboot: bool,
    /// Its port asks for its address as long as none is configured.
    pub(in crate::cmd) dhcp: bool,
}

/// Starts its supervisor, with its state in `folder`; the blades wait for
/// [`Running::start_blades`].
///
/// # Errors
/// Why it or one of its blades cannot start: one line, which file, what to do.
pub(in crate::cmd) fn start(plan: Plan, folder: &Path) -> Result<(Running, Task), String> {
    for blade in &plan.blades {
        examine(&blades::folder(folder, blade.slot))?;
    }
    let flash = Flash::open(folder, Kind::Chassis).map_err(|error| error.to_string())?;
    let (handle, task) = supervisor::boot(Boot {
        chassis: plan.model,
        serial: plan.serial.clone(),
        factory: plan.factory,
        flash,
        clock: plan.clock,
        stack: plan.stack,
        data: plan.data,
        socket: folder.join(SOCKET),
        slots: plan.blades.iter().map(|blade| blade.slot).collect(),
        admin_password: plan.admin_password,
        died: plan.died,
        ends_at_reboot: plan.ends_at_reboot,
        dhcp: plan.dhcp,
    })
    .map_err(|error| error.to_string())?;
    let Plan { name, serial, address, .. } = plan;
    Ok((Running { name, serial, address, handle, blades: Vec::new() }, task))
}

/// Returns what a chassis begins with: what `chassis` says of it, or, where somebody is to set it up
/// first, only what it is delivered with.
pub(in crate::cmd) fn factory(
    chassis: &topology::Chassis,
    trustpoints: Vec<Trustpoint>,
    authority: String,
) -> Factory {
    let netmask = u32::MAX.checked_shl(32 - u32::from(chassis.prefix_len)).unwrap_or(0);
    let out_of_band =
        OutOfBand { ip: chassis.address, netmask: netmask.into(), gateway: chassis.gateway };
    let delivered = Factory {
        chassis: chassis.model,
        deployed: chassis.blades.iter().map(|blade| blade.slot).collect(),
        trustpoints,
        authority,
        ..Factory::default()
    };
    if chassis.setup {
        return delivered;
    }
    Factory {
        hostname: chassis.name.clone(),
        out_of_band,
        dns: chassis.dns.clone(),
        domain: chassis.domain.clone(),
        ntp: chassis.ntp.iter().map(ToString::to_string).collect(),
        ..delivered
    }
}

impl Running {
    /// Starts its blades.
    pub(in crate::cmd) fn start_blades(&mut self, blades: &[Blade], folder: &Path) {
        let socket = folder.join(SOCKET);
        let start = |blade| Keeper::start(blade, &socket, folder);
        self.blades = blades.iter().map(start).collect();
    }
}
