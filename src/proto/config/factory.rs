//! The configuration of a chassis that nobody has configured.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::objects::{Objects, Values};
use super::path::Path;
use super::schema::{ROLES, Verb};
use super::value::is_host;
use super::{Tree, locate};
use crate::base::ident::Slot;
use crate::base::platform;

/// Address that the Smart Agent posts to unless an operator says otherwise.
///
/// # Source
/// Seed, `show expand` of `/monitoring/callhome`.
pub const AUTHORITY_URL: &str = "https://tools.cisco.com/its/service/oddce/services/DDCEService";

/// What the factory and the first-boot dialog decide.
#[derive(Clone, Debug)]
pub struct Factory {
    pub hostname: String,
    /// The hardware: ports, slots, fans.
    pub chassis: &'static platform::Chassis,
    /// Slots in which an ASA was deployed before the chassis came to us.
    pub deployed: BTreeSet<Slot>,
    pub out_of_band: OutOfBand,
    pub dns: Vec<std::net::IpAddr>,
    /// Appended to names without a dot; empty for none.
    pub domain: String,
    /// Names or addresses.
    pub ntp: Vec<String>,
    pub trustpoints: Vec<Trustpoint>,
    /// Address of the licence authority.
    pub authority: String,
}

/// The address of the management port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfBand {
    pub ip: Ipv4Addr,
    pub netmask: Ipv4Addr,
    /// `0.0.0.0` for none.
    pub gateway: Ipv4Addr,
}

/// A set of certificates that the chassis trusts for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trustpoint {
    pub name: String,
    /// PEM, one certificate or more.
    pub chain: String,
}

impl Default for Factory {
    /// The smallest chassis, without address, trust and applications.
    fn default() -> Factory {
        let none = Ipv4Addr::UNSPECIFIED;
        Factory {
            hostname: "firepower".to_owned(),
            chassis: &platform::CHASSIS[0],
            deployed: BTreeSet::new(),
            out_of_band: OutOfBand { ip: none, netmask: none, gateway: none },
            dns: Vec::new(),
            domain: String::new(),
            ntp: Vec::new(),
            trustpoints: Vec::new(),
            authority: AUTHORITY_URL.to_owned(),
        }
    }
}

impl Tree {
    /// Returns the objects that always exist, and nothing else: where replay begins.
    pub fn bare(factory: &Factory) -> Tree {
        let mut build = Build(Objects::default());
        build.0.insert_singles(&Path::root());
        let root = Path::root();
        let chassis = build.add(&root, "chassis", &["1"]);
        for fan in 1..=factory.chassis.fans {
            build.add(&chassis, "fan-module", &[&fan.to_string()]);
        }
        for psu in 1..=factory.chassis.psus {
            build.add(&chassis, "psu", &[&psu.to_string()]);
        }
        build.add(&root, "fabric-interconnect", &["a"]);
        let fabric = build.add(&at(&[("eth-uplink", &[])]), "fabric", &["a"]);
        build.add(&at(&[("cabling", &[])]), "fabric", &["a"]);
        for port in 1..=factory.chassis.ports {
            build.add(&fabric, "interface", &[&format!("Ethernet1/{port}")]);
        }
        let ssa = at(&[("ssa", &[])]);
        for slot in 1..=factory.chassis.slots {
            build.add(&root, "server", &[&format!("1/{slot}")]);
            build.add(&ssa, "slot", &[&slot.to_string()]);
        }
        for (role, _) in ROLES {
            build.add(&at(&[("security", &[])]), "role", &[role]);
        }
        build.images(&ssa);
        Tree { objects: Arc::new(build.0), revision: 0 }
    }

    /// Returns the configuration of a chassis as it leaves the first-boot dialog.
    ///
    /// A name, address or chain of `factory` that its property does not accept is left out: the
    /// caller's topology has checked them.
    ///
    /// # Source
    /// Seed, `show configuration` (open ip-blocks for https and ssh), `show expand` (the three
    /// profiles) and `show trustpoint`; client kick: port-channel 48 is always there, of type cluster.
    /// The account, its role and the key ring are recall.
    pub fn factory(factory: &Factory) -> Tree {
        let mut build = Build(Tree::bare(factory).objects().clone());
        let services = at(&[("system", &[]), ("services", &[])]);
        for service in ["https", "ssh"] {
            build.add(&services, "ip-block", &["0.0.0.0", "0", service]);
        }
        for server in &factory.dns {
            build.add(&services, "dns", &[&server.to_string()]);
        }
        if !factory.domain.is_empty() {
            build.set(&services, "domain-name", &factory.domain);
        }
        for server in factory.ntp.iter().filter(|name| is_host(name)) {
            build.add(&services, "ntp-server", &[server]);
        }
        build.callhome(&factory.authority);
        build.security(&factory.trustpoints);
        build.applications(factory);
        build.set(&at(&[("system", &[])]), "name", &factory.hostname);
        let side = at(&[("fabric-interconnect", &["a"])]);
        build.set(&side, "out-of-band ip", &factory.out_of_band.ip.to_string());
        build.set(&side, "out-of-band netmask", &factory.out_of_band.netmask.to_string());
        build.set(&side, "out-of-band gw", &factory.out_of_band.gateway.to_string());
        Tree { objects: Arc::new(build.0), revision: 0 }
    }
}

impl Tree {
    /// Gives the account `admin` a password, unless it has one: on a chassis that skipped the
    /// first-boot dialog. It is no commit, so nobody is told.
    pub fn give_admin_password(&mut self, hash: impl FnOnce() -> String) {
        let admin = at(&[("security", &[]), ("local-user", &["admin"])]);
        if self.objects.text(&admin, "password").is_empty() {
            let mut build = Build(self.objects().clone());
            build.set(&admin, "password", &hash());
            self.objects = Arc::new(build.0);
        }
    }
}

/// Image of the application that blades run, and one that nothing here can run, as a shelf has both.
///
/// # Source
/// Recall: an FTD release of the seed's time.
const FTD_IMAGE: &str = "6.6.0.90";

fn at(names: &[(&str, &[&str])]) -> Path {
    Path::find(names).unwrap_or_default()
}

/// Builds a tree from names; a test proves that every name of this file is in the schema.
struct Build(Objects);

impl Build {
    /// Adds an object and returns its path; `parent` itself if the schema has no such class.
    fn add(&mut self, parent: &Path, class: &str, key: &[&str]) -> Path {
        let class = parent.class().child(class);
        let path = class.and_then(|class| locate(parent, class, key).ok());
        debug_assert!(path.is_some(), "{parent} has no {class:?} {key:?}");
        match path {
            Some(path) => {
                self.0.insert(&path, Values::new());
                path
            }
            None => parent.clone(),
        }
    }

    fn set(&mut self, path: &Path, words: &str, text: &str) {
        self.know(path, Verb::Set, words, text);
    }

    /// Sets a value that only the chassis itself sets.
    fn know(&mut self, path: &Path, verb: Verb, words: &str, text: &str) {
        let property = path.class().property(verb, words);
        debug_assert!(property.is_some(), "{path} has no {words}");
        if let Some((property, value)) = property.and_then(|p| Some((p, p.kind.parse(text).ok()?)))
        {
            self.0.put(path, property, value);
        }
    }

    /// The platform's own package and the applications that came with it.
    fn images(&mut self, ssa: &Path) {
        let release = platform::FXOS_RELEASE;
        let name = format!("fxos-k9.{}.SPA", platform::dotted(release));
        let package = self.add(&at(&[("firmware", &[])]), "package", &[&name]);
        self.know(&package, Verb::Fact, "Package-Vers", release);
        let asa = platform::dotted(platform::ASA_RELEASE);
        for (app, version) in [("asa", asa.as_str()), ("ftd", FTD_IMAGE)] {
            let image = self.add(ssa, "app", &[app, version]);
            self.know(&image, Verb::Act, "set-default", "yes");
        }
    }

    /// What runs on the blades, and what their traffic goes through.
    fn applications(&mut self, factory: &Factory) {
        let fabric = at(&[("eth-uplink", &[]), ("fabric", &["a"])]);
        let cluster = self.add(&fabric, "port-channel", &["48"]);
        self.set(&cluster, "port-type", "cluster");
        let ssa = at(&[("ssa", &[])]);
        for slot in &factory.deployed {
            let number = slot.to_string();
            let bay = at(&[("ssa", &[]), ("slot", &[&number])]);
            let instance = self.add(&bay, "app-instance", &["asa", "asa"]);
            self.set(&instance, "startup-version", &platform::dotted(platform::ASA_RELEASE));
            let device = self.add(&ssa, "logical-device", &[&format!("asa{number}")]);
            for (words, text) in [("APP", "asa"), ("SLOTS", &number), ("TYPE", "standalone")] {
                self.know(&device, Verb::Set, words, text);
            }
        }
    }

    fn callhome(&mut self, authority: &str) {
        let callhome = at(&[("monitoring", &[]), ("callhome", &[])]);
        for (name, format) in [("full_txt", "fulltxt"), ("short_txt", "shorttxt")] {
            let profile = self.add(&callhome, "profile", &[name]);
            self.set(&profile, "level", "warning");
            self.set(&profile, "alertgroups", "all ciscotac diagnostic environmental");
            self.set(&profile, "format", format);
        }
        let profile = self.add(&callhome, "profile", &["SLProfile"]);
        self.set(&profile, "alertgroups", "smart-license");
        self.set(&profile, "reporting", "smart-license-data");
        let destination = self.add(&profile, "destination", &["SLDest"]);
        self.set(&destination, "address", authority);
    }

    fn security(&mut self, trustpoints: &[Trustpoint]) {
        let security = at(&[("security", &[])]);
        self.add(&security, "keyring", &["default"]);
        let admin = self.add(&security, "local-user", &["admin"]);
        self.add(&admin, "role", &["admin"]);
        for trustpoint in trustpoints {
            let path = self.add(&security, "trustpoint", &[&trustpoint.name]);
            self.set(&path, "certchain", &trustpoint.chain);
        }
    }
}
