//! A network interface of this machine, frame by frame: TAP and AF_PACKET, with the kernel's
//! offloads where it has them.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket,
};
use thiserror::Error;
use tokio::io::unix::AsyncFd;

/// Bytes of the header that goes before each frame of an interface that offloads.
pub const HEADER: usize = 10;
/// Bytes that an AF_PACKET socket buffers each way, if the kernel lets us.
const SOCKET_BUFFER: libc::c_int = 8 << 20;

/// Why an interface can't be had.
#[derive(Debug, Error)]
pub enum InterfaceError {
    #[error("{name}: {error}; {advice}")]
    System { name: String, error: io::Error, advice: &'static str },
    #[error("\"{name}\" is no name of an interface: 1 to 15 characters, no '/' or blank")]
    Name { name: String },
}

/// How an interface is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its other end is the kernel's: it is made if there is none of the name.
    Tap,
    /// One that exists, beside the kernel.
    Packet,
}

/// An open interface.
#[derive(Debug)]
pub struct Interface {
    file: AsyncFd<File>,
    offloads: bool,
    name: String,
    index: u32,
    mtu: usize,
    mac: [u8; 6],
}

/// How an interface stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub index: u32,
    /// It is up and has a carrier.
    pub running: bool,
}

impl Interface {
    /// Opens an interface. It must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`InterfaceError`]: one line, with what to do.
    pub fn open(kind: Kind, name: &str) -> Result<Interface, InterfaceError> {
        check(name)?;
        let opened = match kind {
            Kind::Tap => tap(name),
            Kind::Packet => packet(name),
        };
        opened.map_err(|error| {
            let advice = match (kind, error.kind(), error.raw_os_error()) {
                (_, io::ErrorKind::PermissionDenied, _) => {
                    "run as root or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW"
                }
                (Kind::Tap, io::ErrorKind::NotFound, _) => {
                    "/dev/net/tun is missing: load the module tun, or use packet:, udp: or unix:"
                }
                (Kind::Tap, _, Some(libc::EBUSY)) => "another process has it; name another",
                (Kind::Tap, _, Some(libc::EINVAL)) => "it is no TAP interface; use packet:",
                (Kind::Packet, _, Some(libc::ENODEV)) => "see `ip link` for those that exist",
                _ => "see `ip link` for how it stands",
            };
            InterfaceError::System { name: name.to_owned(), error, advice }
        })
    }

    /// Returns whether the kernel segments and sums, both ways: then every frame has a header.
    pub const fn offloads(&self) -> bool {
        self.offloads
    }

    /// Returns the largest IP packet it carries, in bytes.
    pub const fn mtu(&self) -> usize {
        self.mtu
    }

    /// Returns its own hardware address.
    pub const fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Returns its number; an interface that is deleted and made again has another.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Takes the next frame; `None` when there is none. A frame that doesn't fit is cut.
    ///
    /// # Errors
    /// What the operating system says: the interface is gone.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut header = [0; HEADER];
        let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(buffer)];
        let parts = if self.offloads { &mut parts[..] } else { &mut parts[1..] };
        match self.file.get_ref().read_vectored(parts) {
            Ok(len) => Ok(len.checked_sub(if self.offloads { HEADER } else { 0 })),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR) => Ok(None),
                // It is down, and comes up again under the same number.
                Some(libc::ENETDOWN) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Sends one frame; without `header` it goes as it is. What there is no room for is lost, as on
    /// any wire.
    pub fn send(&self, header: &[u8; HEADER], frame: &[u8]) {
        let parts = [IoSlice::new(header), IoSlice::new(frame)];
        let parts = if self.offloads { &parts[..] } else { &parts[1..] };
        // Down, gone or full: the peers notice as they would with a cable that is pulled.
        let _ = self.file.get_ref().write_vectored(parts);
    }

    /// Returns once [`Interface::receive`] is worth calling. Cancel-safe.
    pub async fn readable(&self) {
        if let Ok(mut guard) = self.file.readable().await {
            guard.clear_ready();
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn check(name: &str) -> Result<(), InterfaceError> {
    let fine = |b: u8| b.is_ascii_graphic() && b != b'/' && b != b':';
    if (1..=15).contains(&name.len()) && name.bytes().all(fine) {
        Ok(())
    } else {
        Err(InterfaceError::Name { name: name.to_owned() })
    }
}

/// Opens `/dev/net/tun` for `name`, with the header if the kernel takes it, and sets it up.
fn tap(name: &str) -> io::Result<Interface> {
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        options.open("/dev/net/tun")
    };
    let plain = libc::IFF_TAP | libc::IFF_NO_PI;
    let file = open()?;
    let offloads = attach(&file, name, plain | libc::IFF_VNET_HDR).and_then(|()| offload(&file));
    let (file, offloads) = match offloads {
        Ok(()) => (file, true),
        Err(_) => {
            drop(file);
            let file = open()?;
            attach(&file, name, plain)?;
            (file, false)
        }
    };
    let flags = flags(name)?;
    if flags & libc::IFF_UP == 0 {
        set_flags(name, flags | libc::IFF_UP)?;
    }
    finish(file, offloads, name)
}

/// Opens a raw socket on `name`, with the header if the kernel takes it.
fn packet(name: &str) -> io::Result<Interface> {
    let index = index(name)?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    // Without a protocol nothing comes in before it is bound to the one interface.
    let fd = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
    option(&fd, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)?;
    let offloads = option(&fd, libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1).is_ok();
    for which in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        // Without it the buffers are the system's default.
        let _ = option(&fd, libc::SOL_SOCKET, which, SOCKET_BUFFER);
    }
    attach_packet(&fd, index)?;
    finish(File::from(fd), offloads, name)
}

fn finish(file: File, offloads: bool, name: &str) -> io::Result<Interface> {
    let (index, mtu, mac) = (index(name)?, mtu(name)?, mac(name)?);
    Ok(Interface { file: register(file)?, offloads, name: name.to_owned(), index, mtu, mac })
}

/// Puts a descriptor into the hands of the runtime.
#[allow(unsafe_code)]
fn register<T: AsFd + AsRawFd>(file: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: files and sockets of the standard library own their descriptor and never change it.
    unsafe { AsyncFd::register(file) }.map_err(Into::into)
}

/// Tells of changes to interfaces: the kernel's own news, so that nothing has to be asked again and
/// again.
#[derive(Debug)]
pub struct News {
    socket: AsyncFd<OwnedFd>,
}

impl News {
    /// Listens from now on.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn listen() -> io::Result<News> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket =
            socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        let links = u32::try_from(libc::RTMGRP_LINK).unwrap_or(1);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, links))?;
        Ok(News { socket: register(socket)? })
    }

    /// Returns once something about some interface has changed. Cancel-safe.
    pub async fn changed(&self) {
        let Ok(mut guard) = self.socket.readable().await else {
            return std::future::pending().await;
        };
        // What it says is not read: how the one interface stands is asked for instead.
        let mut buffer = [0; 4096];
        while nix::unistd::read(self.socket.get_ref(), &mut buffer).is_ok_and(|len| len > 0) {}
        guard.clear_ready();
    }
}

/// Returns how an interface stands; `None` if there is none of this name.
pub fn standing(name: &str) -> Option<Standing> {
    let (index, flags) = (index(name).ok()?, flags(name).ok()?);
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    Some(Standing { index, running: flags & up == up })
}

/// # Source
/// Linux, `if_packet.h`.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// # Source
/// Linux, `if_tun.h`.
const TUN_F_CSUM: libc::c_int = 1;
const TUN_F_TSO4: libc::c_int = 2;

#[allow(unsafe_code)]
mod request {
    use nix::libc::{SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFMTU, SIOCSIFFLAGS, ifreq};

    // Each takes one `ifreq`, as netdevice(7) and the kernel's `if_tun.h` have it.
    nix::ioctl_write_ptr_bad!(set_tap, 0x4004_54ca, ifreq);
    nix::ioctl_write_int_bad!(set_offload, 0x4004_54d0);
    nix::ioctl_read_bad!(get_flags, SIOCGIFFLAGS, ifreq);
    nix::ioctl_write_ptr_bad!(set_flags, SIOCSIFFLAGS, ifreq);
    nix::ioctl_read_bad!(get_mtu, SIOCGIFMTU, ifreq);
    nix::ioctl_read_bad!(get_mac, SIOCGIFHWADDR, ifreq);
}

/// Returns an empty request about `name`, which [`check`] has seen.
#[allow(unsafe_code)]
fn about(name: &str) -> libc::ifreq {
    // SAFETY: all zeros is a valid `ifreq`: numbers, and a null pointer that is not followed.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes().take(15)) {
        *place = byte.cast_signed();
    }
    request
}

/// Returns a socket that requests about interfaces go through.
fn asking() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?)
}

#[allow(unsafe_code)]
fn attach(file: &File, name: &str, flags: libc::c_int) -> io::Result<()> {
    let mut request = about(name);
    request.ifr_ifru.ifru_flags = i16::try_from(flags).unwrap_or(i16::MAX);
    // SAFETY: the request lives through the call, which reads it and nothing beyond.
    unsafe { request::set_tap(file.as_raw_fd(), &raw const request) }?;
    Ok(())
}

#[allow(unsafe_code)]
fn offload(file: &File) -> io::Result<()> {
    // SAFETY: a number, no pointer. Large segments of IPv6 stall smoltcp, so only those of IPv4.
    unsafe { request::set_offload(file.as_raw_fd(), TUN_F_CSUM | TUN_F_TSO4) }?;
    Ok(())
}

#[allow(unsafe_code)]
fn flags(name: &str) -> io::Result<libc::c_int> {
    let mut request = about(name);
    // SAFETY: the request lives through the call, which fills in the flags that are read then.
    let flags = unsafe {
        request::get_flags(asking()?.as_raw_fd(), &raw mut request)?;
        request.ifr_ifru.ifru_flags
    };
    Ok(flags.into())
}

#[allow(unsafe_code)]
fn set_flags(name: &str, flags: libc::c_int) -> io::Result<()> {
    let mut request = about(name);
    request.ifr_ifru.ifru_flags = i16::try_from(flags & 0x7fff).unwrap_or(0);
    // SAFETY: the request lives through the call, which reads it.
    unsafe { request::set_flags(asking()?.as_raw_fd(), &raw const request) }?;
    Ok(())
}

#[allow(unsafe_code)]
fn mtu(name: &str) -> io::Result<usize> {
    let mut request = about(name);
    // SAFETY: the request lives through the call, which fills in the number that is read then.
    let mtu = unsafe {
        request::get_mtu(asking()?.as_raw_fd(), &raw mut request)?;
        request.ifr_ifru.ifru_mtu
    };
    Ok(usize::try_from(mtu).unwrap_or(0))
}

#[allow(unsafe_code)]
fn mac(name: &str) -> io::Result<[u8; 6]> {
    let mut request = about(name);
    // SAFETY: the request lives through the call, which fills in the address that is read then.
    let address = unsafe {
        request::get_mac(asking()?.as_raw_fd(), &raw mut request)?;
        request.ifr_ifru.ifru_hwaddr.sa_data
    };
    let mut mac = [0; 6];
    for (place, byte) in mac.iter_mut().zip(address) {
        *place = byte.cast_unsigned();
    }
    Ok(mac)
}

#[allow(unsafe_code)]
fn index(name: &str) -> io::Result<u32> {
    let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the name ends with a zero and lives through the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(Errno::last().into()),
        index => Ok(index),
    }
}

#[allow(unsafe_code)]
fn option(fd: &OwnedFd, level: i32, which: i32, value: libc::c_int) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    // SAFETY: the value lives through the call, and its length is given.
    let set =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, which, (&raw const value).cast(), len) };
    Errno::result(set)?;
    Ok(())
}

/// Binds a raw socket to one interface and has it hear everything there.
#[allow(unsafe_code)]
fn attach_packet(fd: &OwnedFd, index: u32) -> io::Result<()> {
    let index = libc::c_int::try_from(index).unwrap_or(0);
    // SAFETY: all zeros is valid for both: they hold numbers only.
    let (mut at, mut all): (libc::sockaddr_ll, libc::packet_mreq) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    at.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
    at.sll_protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(0).to_be();
    at.sll_ifindex = index;
    all.mr_ifindex = index;
    all.mr_type = u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or(0);
    let len = |size: usize| libc::socklen_t::try_from(size).unwrap_or(0);
    // SAFETY: both live through their call, and their lengths are given.
    unsafe {
        let at_len = len(size_of::<libc::sockaddr_ll>());
        Errno::result(libc::bind(fd.as_raw_fd(), (&raw const at).cast(), at_len))?;
        let all_len = len(size_of::<libc::packet_mreq>());
        let add = libc::PACKET_ADD_MEMBERSHIP;
        let all = (&raw const all).cast();
        Errno::result(libc::setsockopt(fd.as_raw_fd(), libc::SOL_PACKET, add, all, all_len))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_interface_has_are_refused_before_the_kernel_sees_them() {
        for bad in ["", "a/b", "sixteen-letters-", "a b", "ta:p"] {
            assert!(matches!(check(bad), Err(InterfaceError::Name { .. })), "{bad}");
        }
        assert!(check("fifteen-letters").is_ok());
        assert_eq!(standing("no-such-one"), None);
    }

    #[test]
    fn loopback_stands_and_has_an_mtu() {
        assert!(standing("lo").is_some());
        assert!(mtu("lo").unwrap() > 1500);
        assert_eq!(mac("lo").unwrap(), [0; 6]);
    }
}
