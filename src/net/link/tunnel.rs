//! Ethernet in datagrams: one frame each, as QEMU's `-netdev dgram` and GNS3's links speak.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{UdpSocket, UnixDatagram};

use super::{HEADER, Link, LinkError};

/// Frames over UDP, to one other end.
#[derive(Debug)]
pub struct UdpTunnel {
    socket: UdpSocket,
    remote: SocketAddr,
    mtu: usize,
}

impl UdpTunnel {
    /// Opens the near end.
    ///
    /// # Errors
    /// What the operating system says, such as an address that is in use.
    pub async fn open(local: SocketAddr, remote: SocketAddr, mtu: usize) -> io::Result<UdpTunnel> {
        let socket = UdpSocket::bind(local).await?;
        // The first frame would be lost while nobody has asked whether the socket takes one.
        socket.writable().await?;
        Ok(UdpTunnel { socket, remote, mtu })
    }
}

impl Link for UdpTunnel {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        loop {
            match self.socket.try_recv_from(buffer) {
                // Whoever else sends to the port is not on this wire.
                Ok((_, from)) if from != self.remote => {}
                Ok((len, _)) => return Ok(Some(len)),
                Err(error) if is_passing(&error) => {}
                Err(_) => return Ok(None),
            }
        }
    }

    fn send(&mut self, frame: &[u8]) {
        if frame.len() <= self.mtu + HEADER {
            // An end that is full or not there loses frames, as a wire does.
            let _ = self.socket.try_send_to(frame, self.remote);
        }
    }

    async fn ready(&mut self) {
        // An error shows when it is read.
        let _ = self.socket.readable().await;
    }
}

/// Frames over a unix datagram socket.
#[derive(Debug)]
pub struct UnixTunnel {
    socket: UnixDatagram,
    local: PathBuf,
    /// The other end; without one named, whoever spoke last.
    remote: Option<PathBuf>,
    fixed: bool,
    mtu: usize,
}

impl UnixTunnel {
    /// Opens the near end; a socket that an earlier process left at `local` is replaced.
    ///
    /// # Errors
    /// What the operating system says, such as a path that is too long.
    pub async fn open(local: &Path, remote: Option<PathBuf>, mtu: usize) -> io::Result<UnixTunnel> {
        if std::fs::symlink_metadata(local).is_ok_and(|found| found.file_type().is_socket()) {
            std::fs::remove_file(local)?;
        }
        let socket = UnixDatagram::bind(local)?;
        // As above.
        socket.writable().await?;
        let fixed = remote.is_some();
        Ok(UnixTunnel { socket, local: local.to_owned(), remote, fixed, mtu })
    }
}

impl Link for UnixTunnel {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        loop {
            match self.socket.try_recv_from(buffer) {
                Ok((len, from)) => {
                    if !self.fixed {
                        self.remote = from.as_pathname().map(Path::to_owned);
                    }
                    return Ok(Some(len));
                }
                Err(error) if is_passing(&error) => {}
                Err(_) => return Ok(None),
            }
        }
    }

    fn send(&mut self, frame: &[u8]) {
        if let Some(remote) = self.remote.as_ref().filter(|_| frame.len() <= self.mtu + HEADER) {
            // An end that is full or not there loses frames, as a wire does.
            let _ = self.socket.try_send_to(frame, remote);
        }
    }

    async fn ready(&mut self) {
        // An error shows when it is read.
        let _ = self.socket.readable().await;
    }
}

impl Drop for UnixTunnel {
    fn drop(&mut self) {
        // It may be gone with its folder.
        let _ = std::fs::remove_file(&self.local);
    }
}

/// Tells the errors that an earlier frame to a closed port left behind: the next one may be fine.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted)
}

/// Reads the two ends of a UDP tunnel, `LOCAL:REMOTE`: each an address and a port, with an IPv6
/// address in brackets; the near end may be a port alone.
pub fn udp_ends(text: &str) -> Option<(SocketAddr, SocketAddr)> {
    let colons = text.char_indices().filter(|(_, letter)| *letter == ':').map(|(at, _)| at);
    let end = |text: &str| -> Option<SocketAddr> {
        let port = || text.parse().ok().map(|port| (IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        text.parse().ok().or_else(|| port().map(SocketAddr::from))
    };
    let mut splits = colons.filter_map(|at| {
        let (local, remote) = (end(text.get(..at)?)?, text.get(at + 1..)?.parse().ok()?);
        Some((local, remote))
    });
    splits.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_read() {
        let ends = |text| udp_ends(text).map(|(a, b)| format!("{a} {b}"));
        assert_eq!(
            ends("127.0.0.1:10000:127.0.0.1:10001").as_deref(),
            Some("127.0.0.1:10000 127.0.0.1:10001")
        );
        assert_eq!(ends("10000:127.0.0.1:10001").as_deref(), Some("0.0.0.0:10000 127.0.0.1:10001"));
        assert_eq!(ends("[::1]:1:[::1]:2").as_deref(), Some("[::1]:1 [::1]:2"));
        for bad in ["", ":", "1:2", "127.0.0.1:1", "127.0.0.1:1:2", "a:1:b:2", "[::1]:1:[::1]"] {
            assert_eq!(ends(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn frames_pass_both_ways_and_strangers_are_not_on_the_wire() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut a = UdpTunnel::open(any, any, 1500).await.unwrap();
        let mut b = UdpTunnel::open(any, a.socket.local_addr().unwrap(), 1500).await.unwrap();
        a.remote = b.socket.local_addr().unwrap();
        let stranger = UdpSocket::bind(any).await.unwrap();
        stranger.send_to(&[7; 60], a.remote).await.unwrap();
        a.send(&[1; 60]);
        let mut buffer = [0; 1514];
        let len = loop {
            b.ready().await;
            if let Some(len) = b.receive(&mut buffer).unwrap() {
                break len;
            }
        };
        assert_eq!((len, buffer[0]), (60, 1));
    }

    #[tokio::test]
    async fn a_unix_tunnel_answers_whoever_spoke_and_leaves_no_file() {
        let folder = std::env::temp_dir().join(format!("vfxos-tunnel-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (near, far) = (folder.join("a"), folder.join("b"));
        let mut a = UnixTunnel::open(&near, None, 1500).await.unwrap();
        a.send(&[9; 60]);
        let mut b = UnixTunnel::open(&far, Some(near.clone()), 1500).await.unwrap();
        b.send(&[1; 60]);
        let mut buffer = [0; 1514];
        a.ready().await;
        assert_eq!(a.receive(&mut buffer), Ok(Some(60)));
        a.send(&[2; 61]);
        b.ready().await;
        assert_eq!(b.receive(&mut buffer), Ok(Some(61)));
        drop((a, b));
        assert!(!near.exists() && !far.exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
