//! What stands around the chassis: the wire, the router, DNS, NTP and the licence authority.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::satellites::{Satellite, certified, serve};
use crate::cmd::rack::chassis::{ADMIN_PASSWORD, Plan, factory};
use crate::cmd::topology::{self, Topology};
use crate::net::hosts::{DnsServer, NtpServer, Router, RouterPort, WebServer};
use crate::net::link::Mac;
use crate::net::link::hub::{Hub, HubPort};
use crate::net::stack::{Cidr, Stack, StackConfig};
use crate::proto::authority::Settings;
use crate::proto::config::Trustpoint;
use crate::shell::authority::Service;
use crate::sys::clock::LabClock;
use crate::sys::flash::Flash;
use crate::sys::random;

/// Longest frame of the lab's wires, the Ethernet header apart.
const MTU: usize = 1500;
/// Length of the networks behind the router.
const HOST_PREFIX: u8 = 24;

/// A running world.
pub(super) struct World {
    pub(super) clock: LabClock,
    pub(super) authority: Service,
    /// Name and addresses under which the chassis call the authority.
    pub(super) authority_name: String,
    pub(super) authority_addresses: Vec<Ipv4Addr>,
    /// In the order of the topology.
    pub(super) satellites: Vec<Satellite>,
    settings: Settings,
    /// The wires on which chassis sit, by network.
    wires: BTreeMap<Ipv4Addr, Hub>,
    /// The switch to which every chassis's data ports are cabled.
    data: Hub,
    next_mac: std::cell::Cell<u32>,
    pub(super) hosts: Hosts,
    /// The host from which connections of the real host come.
    pub(super) operator: Stack,
}

/// The hosts around the chassis.
pub(super) struct Hosts {
    pub(super) router: Router,
    pub(super) dns: DnsServer,
    pub(super) ntp: Vec<NtpServer>,
    /// The authority's, one for each of its addresses.
    pub(super) web: Vec<WebServer>,
}

impl World {
    /// Builds it from a topology, with the flash of the authority and that of each satellite.
    pub(super) fn build(
        topology: &Topology,
        clock: LabClock,
        flash: Flash,
        satellites: Vec<Flash>,
    ) -> Result<World, String> {
        let settings =
            Settings { account: Some(topology.authority.account()), ..Settings::default() };
        let authority = Service::open(flash, settings.clone(), random::rng())
            .map_err(|error| error.to_string())?;
        let hosts = topology.ntp.iter().chain(&topology.authority.addresses);
        let far = topology.satellites.iter().map(|satellite| satellite.address);
        let others = [topology.dns.address, topology.operator];
        let taken = hosts.copied().chain(others).chain(far).collect();
        let mut build = Build { ports: Vec::new(), next: 1, remote: BTreeMap::new(), taken };
        let mut wires = BTreeMap::new();
        for chassis in &topology.chassis {
            let network = network(chassis.address, chassis.prefix_len);
            if let Entry::Vacant(wire) = wires.entry(network) {
                build.port(wire.insert(Hub::new()), chassis.gateway, chassis.prefix_len)?;
            }
        }
        let dns = DnsServer::spawn(build.host(topology.dns.address)?).map_err(|e| e.to_string())?;
        for (name, addresses) in &topology.dns.zone {
            let v4 = addresses.iter().filter_map(|ip| match ip {
                IpAddr::V4(ip) => Some(*ip),
                IpAddr::V6(_) => None,
            });
            dns.set(name, v4.collect());
        }
        dns.set(&topology.authority.name, topology.authority.addresses.clone());
        let mut ntp = Vec::new();
        for address in &topology.ntp {
            let time = clock.clone();
            let server =
                NtpServer::spawn(build.host(*address)?, Arc::new(move || time.now().wall), 2);
            ntp.push(server.map_err(|error| error.to_string())?);
        }
        let tls = certified(&authority, &topology.authority.name)?;
        let mut web = Vec::new();
        for address in &topology.authority.addresses {
            web.push(serve(build.host(*address)?, Arc::clone(&tls), &authority, &clock)?);
        }
        let operator = build.host(topology.operator)?;
        let satellites = topology.satellites.iter().zip(satellites).map(|(satellite, flash)| {
            dns.set(&satellite.name, vec![satellite.address]);
            Satellite::start(satellite, flash, build.host(satellite.address)?, &clock)
        });
        let satellites = satellites.collect::<Result<_, String>>()?;
        let router = Router::spawn(build.ports).map_err(|error| error.to_string())?;
        let next_mac = std::cell::Cell::new(build.next);
        let hosts = Hosts { router, dns, ntp, web };
        Ok(World {
            clock,
            authority,
            authority_name: topology.authority.name.clone(),
            authority_addresses: topology.authority.addresses.clone(),
            satellites,
            settings,
            wires,
            data: Hub::new(),
            next_mac,
            hosts,
            operator,
        })
    }

    /// Returns where a chassis finds the authority, before anybody configures another place.
    fn authority_url(&self) -> String {
        format!("https://{}{}", self.authority_name, self.authority.flavour().path())
    }

    /// Returns how the authority treats chassis while nothing is broken.
    pub(super) fn authority_settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Plugs the data ports of a chassis in; returns their end with a number of the chassis's own.
    fn plug(&self) -> (HubPort, u16) {
        let number = u16::try_from(self.data.port_count()).unwrap_or(u16::MAX);
        (self.data.port(MTU), number)
    }

    /// Returns what a chassis of the topology is started with, plugged into its wire.
    pub(super) fn plan(&self, chassis: &topology::Chassis) -> Result<Plan, String> {
        let stack = self.attach(chassis.address, chassis.prefix_len, chassis.gateway)?;
        if chassis.setup {
            // It has no address until somebody gives it one.
            stack.set_addresses(&[], None).map_err(|error| error.to_string())?;
        }
        let ca = self.authority.ca();
        let trustpoint =
            |name: &str, chain: &str| Trustpoint { name: name.to_owned(), chain: chain.to_owned() };
        let trustpoints = vec![
            trustpoint("CHdefault", ca.root_pem()),
            trustpoint("CiscoLicRoot", ca.licence_root_pem()),
        ];
        Ok(Plan {
            name: chassis.name.clone(),
            serial: chassis.serial.clone(),
            model: chassis.model,
            blades: chassis.blades.clone(),
            factory: factory(chassis, trustpoints, self.authority_url()),
            address: chassis.address,
            stack,
            data: self.plug(),
            clock: self.clock.for_chassis(chassis.clock_skew_ms),
            admin_password: (!chassis.setup).then(|| ADMIN_PASSWORD.to_owned()),
            died: 0,
            ends_at_reboot: false,
            dhcp: false,
        })
    }

    /// Attaches the stack of a chassis to its wire.
    fn attach(
        &self,
        address: Ipv4Addr,
        prefix_len: u8,
        gateway: Ipv4Addr,
    ) -> Result<Stack, String> {
        let hub = self
            .wires
            .get(&network(address, prefix_len))
            .ok_or_else(|| format!("no wire for {address}"))?;
        let mac = mac(self.next_mac.get());
        self.next_mac.set(self.next_mac.get() + 1);
        spawn(hub, mac, address, prefix_len, gateway)
    }
}

/// Gathers the router's ports while hosts are built.
struct Build {
    ports: Vec<RouterPort<HubPort>>,
    next: u32,
    /// Wires behind the router, with its address there, by network.
    remote: BTreeMap<Ipv4Addr, (Hub, Ipv4Addr)>,
    /// Addresses that hosts have.
    taken: BTreeSet<Ipv4Addr>,
}

impl Build {
    fn mac(&mut self) -> Mac {
        self.next += 1;
        mac(self.next)
    }

    /// Gives the router a port on a wire.
    fn port(&mut self, hub: &Hub, address: Ipv4Addr, prefix_len: u8) -> Result<(), String> {
        let address = cidr(address, prefix_len)?;
        let mac = self.mac();
        self.ports.push(RouterPort { link: hub.port(MTU), mac, addresses: vec![address] });
        Ok(())
    }

    /// Makes a host behind the router, on the wire of its network.
    fn host(&mut self, address: Ipv4Addr) -> Result<Stack, String> {
        let network = network(address, HOST_PREFIX);
        let (hub, gateway) = match self.remote.get(&network) {
            Some((hub, gateway)) => (hub.clone(), *gateway),
            None => {
                let hub = Hub::new();
                let hosts =
                    (1..u8::MAX).map(|host| Ipv4Addr::from(u32::from(network) | u32::from(host)));
                let gateway = hosts
                    .into_iter()
                    .find(|host| !self.taken.contains(host))
                    .ok_or_else(|| format!("no address is left for the router beside {address}"))?;
                self.port(&hub, gateway, HOST_PREFIX)?;
                self.remote.insert(network, (hub.clone(), gateway));
                (hub, gateway)
            }
        };
        spawn(&hub, self.mac(), address, HOST_PREFIX, gateway)
    }
}

fn spawn(
    hub: &Hub,
    mac: Mac,
    address: Ipv4Addr,
    prefix_len: u8,
    gateway: Ipv4Addr,
) -> Result<Stack, String> {
    let config = StackConfig {
        mac,
        addresses: vec![cidr(address, prefix_len)?],
        gateway: Some(gateway.into()),
        slaac: false,
    };
    Stack::spawn(config, hub.port(MTU)).map_err(|error| error.to_string())
}

fn cidr(address: Ipv4Addr, prefix_len: u8) -> Result<Cidr, String> {
    Cidr::new(address.into(), prefix_len)
        .ok_or_else(|| format!("{address}/{prefix_len} is no host"))
}

/// Returns a locally administered station address.
fn mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([0x02, 0x56, a, b, c, d])
}

fn network(address: Ipv4Addr, prefix_len: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix_len)).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}
