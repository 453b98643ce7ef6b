//! The address that a container's maker gave its interface: read, and taken off the kernel, which
//! would else answer in the chassis's place.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// An interface's address, the length of its network, and the gateway if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub address: Ipv4Addr,
    pub prefix: u8,
    pub gateway: Option<Ipv4Addr>,
}

/// Returns the address that the kernel has on an interface.
pub fn given(interface: &str) -> Option<Given> {
    let found = getifaddrs().ok()?.filter(|one| one.interface_name == interface).find_map(|one| {
        let address = one.address?.as_sockaddr_in()?.ip();
        let mask = one.netmask?.as_sockaddr_in()?.ip();
        Some((address, mask))
    });
    let (address, mask) = found?;
    let prefix = u8::try_from(u32::from(mask).count_ones()).ok()?;
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    Some(Given { address, prefix, gateway: gateway(&routes, interface) })
}

/// Finds the default route's gateway in the kernel's table.
fn gateway(routes: &str, interface: &str) -> Option<Ipv4Addr> {
    routes.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (name, to, via) = (fields.next()?, fields.next()?, fields.next()?);
        let via = u32::from_str_radix(via, 16).ok()?;
        // The kernel writes network order as the machine reads it.
        (name == interface && to == "00000000" && via != 0).then(|| via.to_ne_bytes().into())
    })
}

/// Takes the address off the kernel's interface; frames go on reaching whoever listens there.
///
/// # Errors
/// What the kernel says, such as a container that may not.
#[allow(unsafe_code)]
pub fn take(interface: &str) -> io::Result<()> {
    nix::ioctl_write_ptr_bad!(set_address, libc::SIOCSIFADDR, libc::ifreq);
    let (open, mut request) = asking_of(interface)?;
    let nobody = libc::sockaddr {
        sa_family: u16::try_from(libc::AF_INET).unwrap_or_default(),
        sa_data: [0; 14],
    };
    request.ifr_ifru.ifru_addr = nobody;
    // SAFETY: SIOCSIFADDR reads one ifreq, alive during the call.
    unsafe { set_address(open.as_raw_fd(), &raw const request) }?;
    Ok(())
}

/// Brings an interface up: nobody else does on a machine that has only us.
///
/// # Errors
/// What the kernel says.
#[allow(unsafe_code)]
pub fn bring_up(interface: &str) -> io::Result<()> {
    nix::ioctl_readwrite_bad!(get_flags, libc::SIOCGIFFLAGS, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_flags, libc::SIOCSIFFLAGS, libc::ifreq);
    let (open, mut request) = asking_of(interface)?;
    // SAFETY: SIOCGIFFLAGS reads the name and writes the flags of one ifreq, alive during the call.
    unsafe { get_flags(open.as_raw_fd(), &raw mut request) }?;
    let up = libc::c_short::try_from(libc::IFF_UP).unwrap_or_default();
    // SAFETY: the kernel has just written this field, and any bits of it are a number.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | up;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, alive during the call.
    unsafe { set_flags(open.as_raw_fd(), &raw const request) }?;
    Ok(())
}

/// Returns a socket to ask the kernel at, and a request about an interface.
#[allow(unsafe_code)]
fn asking_of(interface: &str) -> io::Result<(OwnedFd, libc::ifreq)> {
    let open = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: an ifreq is plain bytes, and all zeros is one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    for (place, byte) in request.ifr_name.iter_mut().take(room).zip(interface.bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    Ok((open, request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_the_default_route_s() {
        let table = "Iface\tDestination\tGateway\tFlags\n\
                     eth0\t00000000\t0114A8C0\t0003\neth1\t0014A8C0\t00000000\t0001\n";
        let want = u32::from_str_radix("0114A8C0", 16).expect("a number").to_ne_bytes();
        assert_eq!(gateway(table, "eth0"), Some(want.into()));
        assert_eq!(gateway(table, "eth1"), None);
        assert_eq!(gateway("", "eth0"), None);
    }
}
