//! Facts per chassis model and per security module: one table each.

use serde::{Deserialize, Serialize};

/// A product family; entitlements are sold per family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Family {
    Firepower4100,
    Firepower9300,
}

/// A release of the Smart Agent; it decides the layout of `show license all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AgentVersion {
    /// FXOS on a 9300 of 2016.
    V1_2_2,
    /// FXOS between the two.
    V1_6_14,
    /// ASA 9.14 on 1000 and 2100, registering by itself.
    V4_3_6,
    /// FXOS 2.8 on a 4100.
    V4_6_9,
}

impl AgentVersion {
    /// Every release, oldest first.
    pub const ALL: [AgentVersion; 4] =
        [AgentVersion::V1_2_2, AgentVersion::V1_6_14, AgentVersion::V4_3_6, AgentVersion::V4_6_9];

    /// Returns what `Smart Agent for Licensing: ` is followed by.
    ///
    /// # Source
    /// Seed, the three listings that print an agent version; public ASAv and FPR-2130 listings for
    /// 1.6.14. That FXOS had it too is our reading of two listings of the seed that have its date
    /// and its `Not Allowed`.
    pub const fn text(self) -> &'static str {
        match self {
            AgentVersion::V1_2_2 => "1.2.2_throttle/6",
            AgentVersion::V1_6_14 => "1.6.14_rel/129",
            AgentVersion::V4_3_6 => "4.3.6_rel/38",
            AgentVersion::V4_6_9 => "4.6.9_rel/104",
        }
    }
}

/// FXOS release that the listings of the seed are from.
///
/// # Source
/// Recall; the seed links the guides of FXOS 2.8.1.
pub const FXOS_RELEASE: &str = "2.8(1.105)";
/// ASA release that blades run.
///
/// # Source
/// Recall: an ASA release of the seed's time.
pub const ASA_RELEASE: &str = "9.14(1)";

/// Returns a release as images are named, `2.8.1.105` for `2.8(1.105)`.
///
/// # Source
/// Client kick, `get_bundle_package_version`: the version of `fxos-k9.2.0.1.68.SPA` is `2.0(1.68)`.
pub fn dotted(release: &str) -> String {
    release.replace(['(', ')'], ".").trim_end_matches('.').to_owned()
}

/// What is true of every chassis of one model.
#[derive(Debug)]
pub struct Chassis {
    /// Model as a topology names it, `FPR-4125`.
    pub model: &'static str,
    pub family: Family,
    /// Product of the UDI line.
    pub udi_pid: &'static str,
    /// Product inside `firepower.com.cisco.NAME,1.0_UUID`, as refusals of the authority print it.
    pub product: &'static str,
    /// `udi_pid` inside the same refusal.
    pub sudi_pid: &'static str,
    /// Number of module slots.
    pub slots: u8,
    pub agent: AgentVersion,
    /// Security module a slot holds unless a topology says otherwise.
    pub module: &'static str,
    /// Product identifier of the whole chassis, as it is ordered.
    pub pid: &'static str,
    /// What inventories call it.
    pub title: &'static str,
    /// Fixed Ethernet ports, `Ethernet1/1` and on.
    pub ports: u8,
    /// Bays for power supplies, and what each holds.
    pub psus: u8,
    pub psu_pid: &'static str,
    /// Fan modules, and what each is.
    pub fans: u8,
    pub fan_pid: &'static str,
    /// Memory of the supervisor.
    pub memory_mb: u32,
}

/// Every chassis model.
///
/// # Source
/// Seed for FPR-4125 (`PID:FPR-4125-SUP`) and the 9300 (`PID:F9K-C9300-SUP-K9`, `FPR9300`,
/// `FPR9K-SUP`), a boot log of an FPR-4110 for its memory; the other rows follow the 4125's pattern
/// and are recall, as are ports, power supplies, fans and the numbers that a chassis is ordered by.
pub static CHASSIS: [Chassis; 9] = [
    row(
        [
            "FPR-4110",
            "FPR-4110-SUP",
            "FPR4110",
            "FPR-4110-K9",
            "Cisco Firepower 4110 Security Appliance",
        ],
        "FPR4K-SM-12",
    ),
    row(
        [
            "FPR-4112",
            "FPR-4112-SUP",
            "FPR4112",
            "FPR-4112-K9",
            "Cisco Firepower 4112 Security Appliance",
        ],
        "FPR4K-SM-12S",
    ),
    row(
        [
            "FPR-4115",
            "FPR-4115-SUP",
            "FPR4115",
            "FPR-4115-K9",
            "Cisco Firepower 4115 Security Appliance",
        ],
        "FPR4K-SM-24S",
    ),
    row(
        [
            "FPR-4120",
            "FPR-4120-SUP",
            "FPR4120",
            "FPR-4120-K9",
            "Cisco Firepower 4120 Security Appliance",
        ],
        "FPR4K-SM-24",
    ),
    row(
        [
            "FPR-4125",
            "FPR-4125-SUP",
            "FPR4125",
            "FPR-4125-K9",
            "Cisco Firepower 4125 Security Appliance",
        ],
        "FPR4K-SM-32S",
    ),
    row(
        [
            "FPR-4140",
            "FPR-4140-SUP",
            "FPR4140",
            "FPR-4140-K9",
            "Cisco Firepower 4140 Security Appliance",
        ],
        "FPR4K-SM-36",
    ),
    row(
        [
            "FPR-4145",
            "FPR-4145-SUP",
            "FPR4145",
            "FPR-4145-K9",
            "Cisco Firepower 4145 Security Appliance",
        ],
        "FPR4K-SM-44S",
    ),
    row(
        [
            "FPR-4150",
            "FPR-4150-SUP",
            "FPR4150",
            "FPR-4150-K9",
            "Cisco Firepower 4150 Security Appliance",
        ],
        "FPR4K-SM-44",
    ),
    Chassis {
        model: "FPR-9300",
        family: Family::Firepower9300,
        udi_pid: "F9K-C9300-SUP-K9",
        product: "FPR9300",
        sudi_pid: "FPR9K-SUP",
        slots: 3,
        agent: AgentVersion::V1_2_2,
        module: "FPR9K-SM-24",
        pid: "FPR-C9300-AC",
        title: "Cisco Firepower 9300 Security Appliance",
        ports: 8,
        psus: 2,
        psu_pid: "FPR9K-PS-AC",
        fans: 4,
        fan_pid: "FPR9K-FAN",
        memory_mb: 8192,
    },
];

const fn row(names: [&'static str; 5], module: &'static str) -> Chassis {
    let [model, udi_pid, product, pid, title] = names;
    Chassis {
        model,
        family: Family::Firepower4100,
        udi_pid,
        product,
        sudi_pid: udi_pid,
        slots: 1,
        agent: AgentVersion::V4_6_9,
        module,
        pid,
        title,
        ports: 8,
        psus: 2,
        psu_pid: "FPR4K-PWR-AC-1100",
        fans: 6,
        fan_pid: "FPR4K-FAN",
        memory_mb: 8192,
    }
}

impl Chassis {
    /// Returns the row of a model.
    pub fn find(model: &str) -> Option<&'static Chassis> {
        CHASSIS.iter().find(|row| row.model.eq_ignore_ascii_case(model))
    }

    /// Returns the row of the model whose UDI has this product identifier.
    pub fn of_udi(pid: &str) -> Option<&'static Chassis> {
        CHASSIS.iter().find(|row| row.udi_pid == pid)
    }
}

/// What an ASA can do on one kind of security module, before any licence.
#[derive(Debug)]
pub struct Module {
    /// Product identifier, `FPR4K-SM-32S`.
    pub pid: &'static str,
    pub family: Family,
    pub vlans_max: u32,
    /// Security contexts without a context licence.
    pub contexts_base: u32,
    pub contexts_max: u32,
    /// AnyConnect, other and total VPN peers: one number.
    pub vpn_peers: u32,
    pub tls_proxy_sessions: u32,
    pub cluster: bool,
    /// Processor threads.
    pub cores: u32,
    pub memory_mb: u32,
    pub disk_gb: u32,
}

/// Every security module.
///
/// # Source
/// Seed for the 4125 (10 contexts, 20000 peers, 15000 TLS proxy sessions); a public ASA `show
/// version` for FPR9K-SM-24; the others from memory of the public feature tables, so recall, as are
/// cores, memory and disk of every module.
pub static MODULES: [Module; 14] = [
    module("FPR4K-SM-12", Family::Firepower4100, [10_000, 10_000], [24, 64, 200]),
    module("FPR4K-SM-12S", Family::Firepower4100, [10_000, 10_000], [24, 96, 400]),
    module("FPR4K-SM-24", Family::Firepower4100, [15_000, 15_000], [48, 128, 200]),
    module("FPR4K-SM-24S", Family::Firepower4100, [15_000, 15_000], [48, 192, 400]),
    module("FPR4K-SM-32S", Family::Firepower4100, [20_000, 15_000], [64, 192, 800]),
    module("FPR4K-SM-36", Family::Firepower4100, [20_000, 15_000], [72, 256, 400]),
    module("FPR4K-SM-44", Family::Firepower4100, [20_000, 15_000], [88, 256, 400]),
    module("FPR4K-SM-44S", Family::Firepower4100, [20_000, 15_000], [88, 384, 800]),
    module("FPR9K-SM-24", Family::Firepower9300, [20_000, 15_000], [48, 256, 800]),
    module("FPR9K-SM-36", Family::Firepower9300, [20_000, 15_000], [72, 256, 800]),
    module("FPR9K-SM-40", Family::Firepower9300, [20_000, 15_000], [80, 384, 1600]),
    module("FPR9K-SM-44", Family::Firepower9300, [20_000, 15_000], [88, 256, 800]),
    module("FPR9K-SM-48", Family::Firepower9300, [20_000, 15_000], [96, 384, 1600]),
    module("FPR9K-SM-56", Family::Firepower9300, [20_000, 15_000], [112, 384, 1600]),
];

const fn module(
    pid: &'static str,
    family: Family,
    [vpn_peers, tls_proxy_sessions]: [u32; 2],
    [cores, memory_gb, disk_gb]: [u32; 3],
) -> Module {
    Module {
        pid,
        family,
        vlans_max: 1024,
        contexts_base: 10,
        contexts_max: 250,
        vpn_peers,
        tls_proxy_sessions,
        cluster: true,
        cores,
        memory_mb: memory_gb * 1024,
        disk_gb,
    }
}

impl Module {
    /// Returns the row of a security module.
    pub fn find(pid: &str) -> Option<&'static Module> {
        MODULES.iter().find(|row| row.pid.eq_ignore_ascii_case(pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chassis_holds_a_known_module_of_its_family() {
        for chassis in &CHASSIS {
            let module = Module::find(chassis.module).unwrap();
            assert_eq!(module.family, chassis.family, "{}", chassis.model);
            assert!(chassis.slots >= 1 && chassis.slots <= super::super::ident::Slot::MAX);
        }
    }
}
