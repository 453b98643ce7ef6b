//! One chassis of a lab: its flash, its stack, its supervisor and the blades in its slots.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::task::JoinHandle;

use super::blades;
use super::world::World;
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
/// Fixed Ethernet ports of a chassis.
///
/// # Source
/// Recall: eight on a 4100 and on a 9300's supervisor.
const PORTS: u8 = 8;

/// A running chassis.
pub(super) struct Running {
    pub(super) name: String,
    pub(super) serial: String,
    /// Where its management interface was at the start.
    pub(super) address: Ipv4Addr,
    pub(super) handle: Handle,
    pub(super) task: JoinHandle<Result<(), SupervisorError>>,
    _blades: Vec<blades::Keeper>,
}

/// Starts it, with its state in `folder`.
pub(super) fn start(
    chassis: &topology::Chassis,
    world: &World,
    folder: &Path,
) -> Result<Running, String> {
    let flash = Flash::open(folder, Kind::Chassis).map_err(|error| error.to_string())?;
    let stack = world.attach(chassis.address, chassis.prefix_len, chassis.gateway)?;
    let ca = world.authority.ca();
    let trustpoint =
        |name: &str, chain: &str| Trustpoint { name: name.to_owned(), chain: chain.to_owned() };
    let configured = Factory {
        hostname: chassis.name.clone(),
        out_of_band: OutOfBand {
            ip: chassis.address,
            netmask: u32::MAX.checked_shl(32 - u32::from(chassis.prefix_len)).unwrap_or(0).into(),
            gateway: chassis.gateway,
        },
        dns: chassis.dns.clone(),
        ntp: chassis.ntp.iter().map(ToString::to_string).collect(),
        ..Factory::default()
    };
    if chassis.setup {
        // It has no address until somebody gives it one.
        stack.set_addresses(&[], None).map_err(|error| error.to_string())?;
    }
    let factory = Factory {
        ports: PORTS,
        slots: chassis.model.slots,
        trustpoints: vec![
            trustpoint("CHdefault", ca.root_pem()),
            trustpoint("CiscoLicRoot", ca.licence_root_pem()),
        ],
        ..if chassis.setup { Factory::default() } else { configured }
    };
    let socket = folder.join(SOCKET);
    let (handle, task) = supervisor::boot(Boot {
        chassis: chassis.model,
        serial: chassis.serial.clone(),
        factory,
        flash,
        clock: world.clock.for_chassis(chassis.clock_skew_ms),
        stack,
        socket: socket.clone(),
        slots: chassis.blades.iter().map(|blade| blade.slot).collect(),
        admin_password: (!chassis.setup).then_some(ADMIN_PASSWORD),
    })
    .map_err(|error| error.to_string())?;
    let blades = chassis.blades.iter().map(|blade| blades::Keeper::start(blade, &socket, folder));
    Ok(Running {
        name: chassis.name.clone(),
        serial: chassis.serial.clone(),
        address: chassis.address,
        handle,
        task,
        _blades: blades.collect(),
    })
}
