//! The machine under process 1: its mounts, modules, memory, network cards, power.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};

pub mod address;
pub mod disk;
pub mod media;
pub mod watch;

/// Where the modules of a kernel that needs some lie, in the initramfs.
const MODULES: &str = "/lib/modules";
/// Their names, in the order to load them.
const MODULE_ORDER: &str = "/lib/modules/order";
/// Where the kernel shows the network cards.
const NET: &str = "/sys/class/net";

/// What process 1 has under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A machine of its own: it mounts, and switches the power off.
    Machine,
    /// A container: whoever made it has mounted, and process 1 is not to end by itself.
    Container,
}

/// Tells what there is, before anything is mounted: a kernel hands over an empty `/proc`.
pub fn ground() -> Ground {
    if Path::new("/proc/self/stat").exists() { Ground::Container } else { Ground::Machine }
}

/// Mounts what every system has; returns what could not be.
pub fn mount_system() -> Vec<String> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let devices = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let mounts = [
        ("proc", "/proc", quiet, None),
        ("sysfs", "/sys", quiet, None),
        ("devtmpfs", "/dev", devices, None),
        ("tmpfs", "/run", quiet, Some("mode=0755,size=8m")),
        ("tmpfs", "/tmp", quiet, Some("mode=1777,size=8m")),
    ];
    let mut faults = Vec::new();
    for (kind, at, flags, options) in mounts {
        // A folder that is there already is as good.
        let _ = fs::create_dir_all(at);
        match mount(Some(kind), at, Some(kind), flags, options) {
            // A kernel may have mounted its devices itself.
            Ok(()) | Err(nix::Error::EBUSY) => {}
            Err(error) => faults.push(format!("{at}: {error}")),
        }
    }
    faults
}

/// Loads the modules that came along; returns what could not be loaded.
pub fn load_modules() -> Vec<String> {
    let Ok(order) = fs::read_to_string(MODULE_ORDER) else { return Vec::new() };
    let load = |name: &str| -> io::Result<()> {
        let file = fs::File::open(Path::new(MODULES).join(name))?;
        match nix::kmod::finit_module(&file, c"", nix::kmod::ModuleInitFlags::empty()) {
            Ok(()) | Err(nix::Error::EEXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    };
    let names = order.split_ascii_whitespace();
    names.filter_map(|name| load(name).err().map(|error| format!("{name}: {error}"))).collect()
}

/// Keeps the kernel from speaking on the wire by itself: the frames are the chassis's own.
pub fn hush_kernel() {
    for which in ["all", "default"] {
        // A kernel without IPv6 has no such file and needs none.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
    }
}

/// Returns what the kernel was told at its start.
pub fn command_line() -> String {
    fs::read_to_string("/proc/cmdline").unwrap_or_default()
}

/// Returns the time since the machine's start; zero if nobody says.
pub fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split_ascii_whitespace().next().and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

/// Returns the memory that there is for processes, in KiB; `None` if nobody says.
pub fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// A place on the PCI bus: domain, bus, device, function.
pub type Place = (u32, u32, u32, u32);

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Card {
    /// Where it sits; `None` for one that no bus has, as in a container.
    pub place: Option<Place>,
    /// The kernel's number of it, in the order it was found.
    pub index: u32,
    /// The kernel's name for it.
    pub name: String,
}

/// Returns the network cards: by PCI address, then those without one in the order they came.
pub fn cards() -> Vec<Card> {
    let Ok(entries) = fs::read_dir(NET) else { return Vec::new() };
    let mut cards: Vec<Card> = entries.flatten().filter_map(|entry| card(&entry.path())).collect();
    cards.sort_by_key(|card| (card.place.is_none(), card.place, card.index));
    cards
}

fn card(path: &Path) -> Option<Card> {
    let read = |name: &str| fs::read_to_string(path.join(name)).ok();
    // 1 is Ethernet, 772 the loopback.
    if read("type")?.trim() != "1" {
        return None;
    }
    let index = read("ifindex")?.trim().parse().ok()?;
    let name = path.file_name()?.to_str()?.to_owned();
    let device = fs::canonicalize(path.join("device")).ok();
    let place = device.and_then(|device| place(device.to_str()?));
    Some(Card { place, index, name })
}

/// Finds the PCI address in a path of `/sys/devices`: the last one, behind all bridges.
fn place(path: &str) -> Option<Place> {
    path.rsplit('/').find_map(|part| {
        let (domain, rest) = part.split_once(':')?;
        let (bus, rest) = rest.split_once(':')?;
        let (device, function) = rest.split_once('.')?;
        let hex = |text: &str| u32::from_str_radix(text, 16).ok();
        Some((hex(domain)?, hex(bus)?, hex(device)?, hex(function)?))
    })
}

/// How a machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Off,
    Restart,
}

/// Writes everything out and ends the machine; returns only if the kernel refuses.
///
/// # Errors
/// What the kernel says.
pub fn power(how: Power) -> io::Error {
    nix::unistd::sync();
    let mode = match how {
        Power::Off => RebootMode::RB_POWER_OFF,
        Power::Restart => RebootMode::RB_AUTOBOOT,
    };
    match reboot(mode) {
        Err(error) => error.into(),
        Ok(never) => match never {},
    }
}

/// Has Ctrl-Alt-Del reach process 1 as a signal instead of resetting the machine.
pub fn take_three_keys() {
    // Where it is refused, the keys are not ours: a container.
    let _ = set_cad_enabled(false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_sort_by_the_address_behind_all_bridges() {
        let virtio = "/sys/devices/pci0000:00/0000:00:03.0/virtio0";
        assert_eq!(place(virtio), Some((0, 0, 3, 0)));
        assert_eq!(place("/sys/devices/pci0000:00/0000:00:1e.0/0000:01:0a.1"), Some((0, 1, 10, 1)));
        assert_eq!(place("/sys/devices/virtual/net/veth0"), None);
        let card = |name: &str, place, index| Card { place, index, name: name.to_owned() };
        let mut cards = [
            card("eth0", None, 2),
            card("eth3", Some((0, 1, 2, 0)), 3),
            card("eth1", Some((0, 0, 4, 0)), 4),
        ];
        cards.sort_by_key(|card| (card.place.is_none(), card.place, card.index));
        assert_eq!(cards.map(|card| card.name), ["eth1", "eth3", "eth0"]);
    }
}
