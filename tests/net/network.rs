//! The lab's network as the default topology has it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use vfxos::base::time::Utc;
use vfxos::net::hosts::{DnsServer, NtpServer, Router, RouterPort};
use vfxos::net::link::hub::{Hub, HubPort};
use vfxos::net::link::{Link, Mac};
use vfxos::net::ntp::Clock;
use vfxos::net::stack::{Cidr, Direction, Stack, StackConfig, Tapped};

pub const MTU: usize = 1500;
pub const CHASSIS: Ipv4Addr = Ipv4Addr::new(10, 62, 148, 225);
pub const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 62, 148, 75);
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 62, 148, 129);
pub const DNS: Ipv4Addr = Ipv4Addr::new(172, 16, 200, 100);
pub const AUTHORITY: [Ipv4Addr; 2] =
    [Ipv4Addr::new(72, 163, 4, 38), Ipv4Addr::new(173, 37, 145, 8)];
pub const GATEWAY_MAC: Mac = Mac([2, 0, 0, 0, 1, 0]);
/// Long enough for anything that does happen.
pub const SOON: Duration = Duration::from_secs(5);
/// Long enough to see that something does not.
pub const SHORT: Duration = Duration::from_millis(150);

/// A clock that a test can move.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub fn at(time: Utc) -> TestClock {
        TestClock(Arc::new(AtomicI64::new(time.unix_ms())))
    }

    pub fn read(&self) -> Utc {
        Utc::from_unix_ms(self.0.load(Ordering::SeqCst))
    }

    pub fn shift(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.read())
    }
}

pub fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

/// Plugs a host in.
pub fn host(link: impl Link, last: u8, addresses: &[&str], gateway: Option<Ipv4Addr>) -> Stack {
    let mac = Mac([2, 0, 0, 0, 0, last]);
    let addresses = addresses.iter().map(|text| cidr(text)).collect();
    let gateway = gateway.map(IpAddr::V4);
    Stack::spawn(StackConfig { mac, addresses, gateway, slaac: false }, link).unwrap()
}

pub struct Network {
    pub lan: Hub,
    pub chassis: Stack,
    pub router: Router,
    pub dns: DnsServer,
    pub ntp: [NtpServer; 2],
    pub authority: Stack,
}

impl Network {
    pub fn new(clock: Clock) -> Network {
        let [lan, dns_side, ntp_side, internet] = [(); 4].map(|()| Hub::new());
        let port = |hub: &Hub, n: u8, addresses: &[&str]| {
            let mac = Mac([2, 0, 0, 0, 1, n]);
            let addresses = addresses.iter().map(|text| cidr(text)).collect();
            RouterPort::<HubPort> { link: hub.port(MTU), mac, addresses }
        };
        let router = Router::spawn(vec![
            port(&lan, 0, &["10.62.148.129/24"]),
            port(&dns_side, 1, &["172.16.200.1/24"]),
            port(&ntp_side, 2, &["172.18.108.1/24"]),
            port(&internet, 3, &["72.163.4.1/24", "173.37.145.1/24"]),
        ])
        .unwrap();
        let gateway = |a, b, c| Some(Ipv4Addr::new(a, b, c, 1));
        let chassis = host(lan.port(MTU), 1, &["10.62.148.225/24"], Some(GATEWAY));
        let dns = host(dns_side.port(MTU), 2, &["172.16.200.100/24"], gateway(172, 16, 200));
        let ntp = [(14, 3), (15, 4)].map(|(last, mac)| {
            let address = format!("172.18.108.{last}/24");
            host(ntp_side.port(MTU), mac, &[&address], gateway(172, 18, 108))
        });
        let authority = host(
            internet.port(MTU),
            5,
            &["72.163.4.38/24", "173.37.145.8/24"],
            gateway(72, 163, 4),
        );
        let dns = DnsServer::spawn(dns).unwrap();
        dns.set("tools.cisco.com", AUTHORITY.to_vec());
        let ntp = ntp.map(|stack| NtpServer::spawn(stack, Arc::clone(&clock), 2).unwrap());
        Network { lan, chassis, router, dns, ntp, authority }
    }

    pub fn now() -> Network {
        Network::new(TestClock::at(Utc::from_unix_s(1_596_783_526)).clock())
    }
}

/// A frame that a tap saw.
pub type Seen = Arc<Mutex<Vec<(Direction, tokio::time::Instant, Vec<u8>)>>>;

/// Puts a tap on a stack that keeps everything.
pub fn tap(stack: &Stack) -> (Seen, Tapped) {
    let seen = Seen::default();
    let keep = Arc::clone(&seen);
    let tapped = stack.tap(Box::new(move |direction, frame: &[u8]| {
        keep.lock().push((direction, tokio::time::Instant::now(), frame.to_vec()));
    }));
    (seen, tapped)
}

pub fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address), port)
}

/// Reads certificates.
pub fn read(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}
