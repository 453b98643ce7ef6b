//! What the management port is plugged into, as the command line names it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::net::link::{Link, LinkError, Mac, tunnel, virtio};
use crate::net::stack::{Stack, StackConfig};
use crate::sys::interface::{Interface, Kind, News, standing};

/// Largest IP packet of a tunnel unless `--mtu` says otherwise.
const TUNNEL_MTU: usize = 1500;
/// Pause before a TAP interface of our own that went away is made again.
const REMAKE_PAUSE: Duration = Duration::from_secs(1);

/// What `--mgmt` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    Tap(String),
    Packet(String),
    Udp(SocketAddr, SocketAddr),
    Unix(PathBuf, Option<PathBuf>),
    /// Nothing at all.
    None,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        if text == "none" {
            return Ok(Spec::None);
        }
        let parsed = text.split_once(':').and_then(|(kind, rest)| match kind {
            _ if rest.is_empty() => None,
            "tap" => Some(Spec::Tap(rest.to_owned())),
            "packet" => Some(Spec::Packet(rest.to_owned())),
            "udp" => tunnel::udp_ends(rest).map(|(local, remote)| Spec::Udp(local, remote)),
            "unix" => Some(match rest.split_once(':') {
                None => Spec::Unix(rest.into(), None),
                Some((local, remote)) => Spec::Unix(local.into(), Some(remote.into())),
            }),
            _ => None,
        });
        parsed.ok_or_else(|| {
            "write tap:NAME, packet:IFNAME, udp:LOCAL:REMOTE such as \
             udp:127.0.0.1:10000:127.0.0.1:10001, unix:PATH, unix:LOCAL:REMOTE, or none"
                .to_owned()
        })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::None => f.write_str("none"),
            Spec::Tap(name) => write!(f, "tap:{name}"),
            Spec::Packet(name) => write!(f, "packet:{name}"),
            Spec::Udp(local, remote) => write!(f, "udp:{local}:{remote}"),
            Spec::Unix(local, None) => write!(f, "unix:{}", local.display()),
            Spec::Unix(local, Some(remote)) => {
                write!(f, "unix:{}:{}", local.display(), remote.display())
            }
        }
    }
}

/// Plugs a stack without addresses in. `mac` is the port's own address; without one it is that of
/// the interface for `packet:`, else `made_up`.
///
/// # Errors
/// A line for the operator.
pub async fn plug(
    spec: &Spec,
    (mac, made_up): (Option<Mac>, Mac),
    mtu: Option<usize>,
    slaac: bool,
) -> Result<Stack, String> {
    let say = |error: &dyn fmt::Display| format!("--mgmt {spec}: {error}");
    let config = |mac| StackConfig { mac, addresses: Vec::new(), gateway: None, slaac };
    let spawned = match spec {
        Spec::None => Stack::spawn(config(mac.unwrap_or(made_up)), Unplugged),
        Spec::Tap(name) => {
            let link = Port::open(Kind::Tap, name, mtu).map_err(|error| say(&error))?;
            Stack::spawn(config(mac.unwrap_or(made_up)), link)
        }
        Spec::Packet(name) => {
            let link = Port::open(Kind::Packet, name, mtu).map_err(|error| say(&error))?;
            // A switch or a hypervisor may let no other address of this port pass.
            let own = link.open.as_ref().map(|open| Mac(open.mac())).filter(|own| own.0 != [0; 6]);
            Stack::spawn(config(mac.or(own).unwrap_or(made_up)), link)
        }
        Spec::Udp(local, remote) => {
            let link = tunnel::UdpTunnel::open(*local, *remote, mtu.unwrap_or(TUNNEL_MTU));
            let link = link.await.map_err(|error| say(&error))?;
            Stack::spawn(config(mac.unwrap_or(made_up)), link)
        }
        Spec::Unix(local, remote) => {
            let mtu = mtu.unwrap_or(TUNNEL_MTU);
            let link = tunnel::UnixTunnel::open(local, remote.clone(), mtu);
            let link = link.await.map_err(|error| say(&error))?;
            Stack::spawn(config(mac.unwrap_or(made_up)), link)
        }
    };
    spawned.map_err(|error| say(&error))
}

/// A port that nothing is plugged into: a machine without a network card.
struct Unplugged;

impl Link for Unplugged {
    fn mtu(&self) -> usize {
        TUNNEL_MTU
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<Option<usize>, LinkError> {
        Ok(None)
    }

    fn send(&mut self, _: &[u8]) {}

    async fn ready(&mut self) {
        std::future::pending().await
    }
}

/// An interface of this machine as a link: one that goes away is waited for.
struct Port {
    kind: Kind,
    name: String,
    open: Option<Interface>,
    news: News,
    /// Nobody made it before us, so nobody will make it again.
    ours: bool,
    offloads: bool,
    mtu: usize,
    running: bool,
    back: bool,
}

impl Port {
    fn open(kind: Kind, name: &str, mtu: Option<usize>) -> Result<Port, String> {
        let news = News::listen().map_err(|error| format!("news of interfaces: {error}"))?;
        let ours = kind == Kind::Tap && standing(name).is_none();
        let open = Interface::open(kind, name).map_err(|error| error.to_string())?;
        let mtu = mtu.map_or(open.mtu(), |mtu| mtu.min(open.mtu()));
        Ok(Port {
            kind,
            name: name.to_owned(),
            news,
            ours,
            offloads: open.offloads(),
            mtu,
            running: standing(name).is_some_and(|now| now.running),
            back: false,
            open: Some(open),
        })
    }

    /// Looks how the interface stands after something has changed.
    fn look(&mut self) {
        let now = standing(&self.name);
        if let Some(open) = &self.open
            && now.is_none_or(|now| now.index != open.index())
        {
            self.lose();
        }
        if self.open.is_none() && now.is_some() {
            self.take_again();
        }
        let running = self.open.is_some() && now.is_some_and(|now| now.running);
        if running && !self.running {
            tracing::info!("management port {}: the link is up", self.name);
            self.back = true;
        } else if self.running && !running {
            tracing::warn!("management port {}: the link is down", self.name);
        }
        self.running = running;
    }

    fn lose(&mut self) {
        if self.open.take().is_some() {
            tracing::warn!(
                "management port {}: the interface is gone; it is waited for",
                self.name
            );
        }
    }

    fn take_again(&mut self) {
        match Interface::open(self.kind, &self.name) {
            Ok(open) if open.offloads() == self.offloads => {
                tracing::info!("management port {}: the interface is back", self.name);
                self.open = Some(open);
                self.back = true;
            }
            Ok(_) => tracing::error!(
                "management port {}: the interface is back without the kernel's offloads; start anew",
                self.name
            ),
            Err(error) => tracing::error!("management port: {error}"),
        }
    }
}

impl Link for Port {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        match self.open.as_ref().map_or(Ok(None), |open| open.receive(buffer)) {
            Ok(frame) => Ok(frame),
            Err(_) => {
                self.lose();
                Ok(None)
            }
        }
    }

    fn send(&mut self, frame: &[u8]) {
        if let Some(open) = &self.open {
            open.send(&[0; virtio::LEN], frame);
        }
    }

    fn offloads(&self) -> bool {
        self.offloads
    }

    fn send_large(&mut self, frame: &mut [u8], segment: u16) {
        if let Some(open) = &self.open {
            open.send(&virtio::header(frame, segment), frame);
        }
    }

    fn unsummed(&self) -> bool {
        // Beside the kernel its own unfinished frames are heard.
        self.offloads || self.kind == Kind::Packet
    }

    fn came_back(&mut self) -> bool {
        std::mem::take(&mut self.back)
    }

    async fn ready(&mut self) {
        loop {
            match &self.open {
                Some(open) => tokio::select! {
                    () = open.readable() => return,
                    () = self.news.changed() => {}
                },
                None => tokio::select! {
                    () = self.news.changed() => {}
                    () = tokio::time::sleep(REMAKE_PAUSE), if self.ours => {
                        self.take_again();
                    }
                },
            }
            self.look();
            if self.back {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_written_alike() {
        for text in [
            "none",
            "tap:fx0",
            "packet:eth0",
            "udp:127.0.0.1:1:127.0.0.1:2",
            "unix:/tmp/a",
            "unix:/tmp/a:/tmp/b",
        ] {
            assert_eq!(text.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "tap", "tap:", "eth0", "udp:1", "veth:x"] {
            assert!(bad.parse::<Spec>().is_err(), "{bad}");
        }
    }
}
