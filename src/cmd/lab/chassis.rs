//! One chassis of a lab: its flash, its stack, its supervisor and the blades in its slots.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::task::JoinHandle;

use super::blades::{self, Keeper};
use super::world::World;
use crate::cmd::blade::examine;
use crate::cmd::supervisor::{self, Boot, Handle, SupervisorError};
use crate::cmd::topology;
use crate::proto::config::{Factory, OutOfBand, Trustpoint};
use crate::sys::flash::{Flash, Kind};

/// Name of the AppAG socket in a chassis's folder.
const SOCKET: &str = "appag.sock";
/// Password of the account `admin` of a chassis that is configured already.
///
/// # Source
/// Reference 2.7 and the clients' scripts.
const ADMIN_PASSWORD: &str = "Admin123";

/// A running chassis.
pub(super) struct Running {
    pub(super) name: String,
    pub(super) serial: String,
    /// Where its management interface was at the start.
    pub(super) address: Ipv4Addr,
    pub(super) handle: Handle,
    pub(super) blades: Vec<Keeper>,
}

/// The end of a supervisor's task.
pub(super) type Task = JoinHandle<Result<(), SupervisorError>>;

/// Starts its supervisor, with its state in `folder`; the blades wait for
/// [`Running::start_blades`].
///
/// # Errors
/// Why it or one of its blades cannot start: one line, which file, what to do.
pub(super) fn start(
    chassis: &topology::Chassis,
    world: &World,
    folder: &Path,
) -> Result<(Running, Task), String> {
    for blade in &chassis.blades {
        examine(&blades::folder(folder, blade.slot))?;
    }
    let flash = Flash::open(folder, Kind::Chassis).map_err(|error| error.to_string())?;
    let stack = world.attach(chassis.address, chassis.prefix_len, chassis.gateway)?;
    if chassis.setup {
        // It has no address until somebody gives it one.
        stack.set_addresses(&[], None).map_err(|error| error.to_string())?;
    }
    let factory = factory(chassis, world);
    let (handle, task) = supervisor::boot(Boot {
        chassis: chassis.model,
        serial: chassis.serial.clone(),
        factory,
        flash,
        clock: world.clock.for_chassis(chassis.clock_skew_ms),
        stack,
        data: world.plug(),
        socket: folder.join(SOCKET),
        slots: chassis.blades.iter().map(|blade| blade.slot).collect(),
        admin_password: (!chassis.setup).then_some(ADMIN_PASSWORD),
    })
    .map_err(|error| error.to_string())?;
    let running = Running {
        name: chassis.name.clone(),
        serial: chassis.serial.clone(),
        address: chassis.address,
        handle,
        blades: Vec::new(),
    };
    Ok((running, task))
}

/// Returns what the chassis begins with: what the topology says of it, or, where somebody is to set
/// it up first, only what it is delivered with.
fn factory(chassis: &topology::Chassis, world: &World) -> Factory {
    let ca = world.authority.ca();
    let trustpoint =
        |name: &str, chain: &str| Trustpoint { name: name.to_owned(), chain: chain.to_owned() };
    let netmask = u32::MAX.checked_shl(32 - u32::from(chassis.prefix_len)).unwrap_or(0);
    let out_of_band =
        OutOfBand { ip: chassis.address, netmask: netmask.into(), gateway: chassis.gateway };
    let delivered = Factory {
        chassis: chassis.model,
        deployed: chassis.blades.iter().map(|blade| blade.slot).collect(),
        trustpoints: vec![
            trustpoint("CHdefault", ca.root_pem()),
            trustpoint("CiscoLicRoot", ca.licence_root_pem()),
        ],
        authority: world.authority_url(),
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
    pub(super) fn start_blades(&mut self, chassis: &topology::Chassis, folder: &Path) {
        let socket = folder.join(SOCKET);
        let start = |blade| Keeper::start(blade, &socket, folder);
        self.blades = chassis.blades.iter().map(start).collect();
    }
}
