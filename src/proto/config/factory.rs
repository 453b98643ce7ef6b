//! The configuration of a chassis that nobody has configured.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::objects::{Objects, Values};
use super::path::Path;
use super::schema::Verb;
use super::value::is_host;
use super::{Tree, locate};

/// Address that the Smart Agent posts to unless an operator says otherwise.
///
/// # Source
/// Seed, `show expand` of `/monitoring/callhome`.
pub const AUTHORITY_URL: &str = "https://tools.cisco.com/its/service/oddce/services/DDCEService";

/// What the factory and the first-boot dialog decide.
#[derive(Clone, Debug)]
pub struct Factory {
    pub hostname: String,
    /// Fixed Ethernet ports, `Ethernet1/1` and on.
    pub ports: u8,
    /// Module slots, 1 to 3.
    pub slots: u8,
    pub out_of_band: OutOfBand,
    pub dns: Vec<std::net::IpAddr>,
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
    /// A chassis of one slot and eight ports, without address and trust.
    fn default() -> Factory {
        let none = Ipv4Addr::UNSPECIFIED;
        Factory {
            hostname: "firepower".to_owned(),
            ports: 8,
            slots: 1,
            out_of_band: OutOfBand { ip: none, netmask: none, gateway: none },
            dns: Vec::new(),
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
        build.add(&root, "chassis", &["1"]);
        let fabric = build.fabric();
        build.add(&root, "fabric-interconnect", &["a"]);
        for port in 1..=factory.ports {
            build.add(&fabric, "interface", &[&format!("Ethernet1/{port}")]);
        }
        let ssa = root.class().child("ssa").map(|class| root.child(class, &[]));
        for slot in 1..=factory.slots {
            build.add(&root, "server", &[&format!("1/{slot}")]);
            if let Some(ssa) = &ssa {
                build.add(ssa, "slot", &[&slot.to_string()]);
            }
        }
        Tree { objects: Arc::new(build.0), revision: 0 }
    }

    /// Returns the configuration of a chassis as it leaves the first-boot dialog.
    ///
    /// A name, address or chain of `factory` that its property does not accept is left out: the
    /// caller's topology has checked them.
    ///
    /// # Source
    /// Seed, `show configuration` (open ip-blocks for https and ssh), `show expand` (the three
    /// profiles) and `show trustpoint`. The account, its role and the key ring are recall.
    pub fn factory(factory: &Factory) -> Tree {
        let mut build = Build(Tree::bare(factory).objects().clone());
        let services = Path::find(&[("system", &[]), ("services", &[])]).unwrap_or_default();
        for service in ["https", "ssh"] {
            build.add(&services, "ip-block", &["0.0.0.0", "0", service]);
        }
        for server in &factory.dns {
            build.add(&services, "dns", &[&server.to_string()]);
        }
        for server in factory.ntp.iter().filter(|name| is_host(name)) {
            build.add(&services, "ntp-server", &[server]);
        }
        build.callhome(&factory.authority);
        build.security(&factory.trustpoints);
        let system = Path::find(&[("system", &[])]).unwrap_or_default();
        build.set(&system, "name", &factory.hostname);
        let side = Path::find(&[("fabric-interconnect", &["a"])]).unwrap_or_default();
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
        let Some(admin) = Path::find(&[("security", &[]), ("local-user", &["admin"])]) else {
            return;
        };
        if self.objects.text(&admin, "password").is_empty() {
            let mut build = Build(self.objects().clone());
            build.set(&admin, "password", &hash());
            self.objects = Arc::new(build.0);
        }
    }
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
        let property = path.class().property(Verb::Set, words);
        debug_assert!(property.is_some(), "{path} has no {words}");
        if let Some((property, value)) = property.and_then(|p| Some((p, p.kind.parse(text).ok()?)))
        {
            self.0.put(path, property, value);
        }
    }

    fn fabric(&mut self) -> Path {
        let uplink = Path::find(&[("eth-uplink", &[])]).unwrap_or_default();
        self.add(&uplink, "fabric", &["a"])
    }

    fn callhome(&mut self, authority: &str) {
        let callhome = Path::find(&[("monitoring", &[]), ("callhome", &[])]).unwrap_or_default();
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
        let security = Path::find(&[("security", &[])]).unwrap_or_default();
        self.add(&security, "keyring", &["default"]);
        let admin = self.add(&security, "local-user", &["admin"]);
        self.add(&admin, "role", &["admin"]);
        for trustpoint in trustpoints {
            let path = self.add(&security, "trustpoint", &[&trustpoint.name]);
            self.set(&path, "certchain", &trustpoint.chain);
        }
    }
}
