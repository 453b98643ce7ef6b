//! Readings of slots, application instances and logical devices.

use super::hardware::{ModuleState, module, module_state, state_of};
use super::{Look, Reading, ports};
use crate::base::ident::Slot;
use crate::base::platform::{FXOS_RELEASE, dotted};
use crate::base::time::Utc;
use crate::proto::config::{Objects, Path};
use crate::proto::mio::Mio;
use crate::wire::units::Standing;

const SLOT: &str = "/ssa/slot";
const MONITOR: &str = "/ssa/slot/monitor";
const INSTANCE: &str = "/ssa/slot/app-instance";
const RESOURCE: &str = "/ssa/slot/app-instance/resource";
const DEVICE: &str = "/ssa/logical-device";

pub(super) static READINGS: &[Reading] = &[
    (SLOT, "Oper State", |look| slot_state(module_state(look)).to_owned()),
    (SLOT, "Disk Format State", |look| online(look, "Ok", "None")),
    (SLOT, "Disk Format Status", |look| online(look, "100%", "")),
    (SLOT, "Error Msg", |_| String::new()),
    (MONITOR, "OS Version", |look| online(look, FXOS_RELEASE, "")),
    (MONITOR, "CPU Cores Available", |look| {
        let whole = module(look).map_or(0, |module| usable_cores(module.cores));
        whole.saturating_sub(taken_cores(look)).to_string()
    }),
    (MONITOR, "Memory Total (MB)", |look| {
        module(look).map_or(String::new(), |module| module.memory_mb.to_string())
    }),
    (MONITOR, "Memory Available (MB)", |look| {
        let Some(module) = module(look) else { return String::new() };
        let left = usable_cores(module.cores).saturating_sub(taken_cores(look));
        (module.memory_mb / module.cores.max(1) * left).to_string()
    }),
    (MONITOR, "Last Updated Timestamp", |look| {
        let civil = Utc::from_unix_s(look.unix_s).civil();
        format!(
            "{}-{:02}-{:02}T{:02}:{:02}:{:02}.000",
            civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
        )
    }),
    (INSTANCE, "Slot ID", |look| look.slot().map_or(String::new(), |slot| slot.to_string())),
    (INSTANCE, "Oper State", |look| instance(look).text().to_owned()),
    (INSTANCE, "Running Version", |look| {
        let hello = look.slot().and_then(|slot| look.mio.broker.attached(slot));
        match (instance(look), hello) {
            (Instance::Online, Some(hello)) => dotted(&hello.release),
            _ => String::new(),
        }
    }),
    (INSTANCE, "Cluster State", |look| {
        let text = match (standing(look), is_clustered(look)) {
            (Standing::Control | Standing::Data, _) => "In Cluster",
            (_, true) => "Not In Cluster",
            (_, false) => "Not Applicable",
        };
        text.to_owned()
    }),
    (INSTANCE, "Cluster Role", |look| cluster_role(standing(look)).to_owned()),
    (INSTANCE, "Current Job Type", |look| {
        let enabled = look.objects().is_enabled(look.path, "");
        (if enabled { "Start" } else { "Stop" }).to_owned()
    }),
    (INSTANCE, "Current Job Progress", |look| match instance(look) {
        Instance::Online | Instance::Offline => "100".to_owned(),
        Instance::Starting | Instance::Absent | Instance::Foreign => "0".to_owned(),
    }),
    (INSTANCE, "Current Job State", |look| match instance(look) {
        Instance::Online | Instance::Offline => "Succeeded".to_owned(),
        Instance::Starting => "Running".to_owned(),
        Instance::Absent | Instance::Foreign => "Failed".to_owned(),
    }),
    (INSTANCE, "Error Msg", |look| instance(look).error().to_owned()),
    (INSTANCE, "Hotfixes", |_| String::new()),
    (RESOURCE, "Allocated Core NR", |look| allocated(look).0.to_string()),
    (RESOURCE, "Allocated RAM (MB)", |look| allocated(look).1.to_string()),
    (RESOURCE, "Allocated Data Disk (MB)", |look| allocated(look).2.to_string()),
    (RESOURCE, "Allocated Binary Disk (MB)", |_| BINARY_DISK_MB.to_string()),
    (RESOURCE, "Allocated Secondary Disk (MB)", |_| "0".to_owned()),
    (DEVICE, "Oper State", |look| {
        let complete = empty_slot(look).is_none();
        (if complete { "Ok" } else { "Incomplete Configuration" }).to_owned()
    }),
    (DEVICE, "Error Msg", |look| {
        empty_slot(look).map_or(String::new(), |slot| format!("Slot {slot} holds no module."))
    }),
    (DEVICE, "Switch Configuration Status", |_| "Ok".to_owned()),
    (DEVICE, "Resource Profile DN", |look| {
        let name = look.objects().text(look.path, "res-profile-name");
        if name.is_empty() { name } else { format!("app-res/profile-{name}") }
    }),
    ("/ssa/logical-device/external-port-link", "Port Type", |look| {
        ports::type_of(look.objects(), &look.objects().text(look.path, "PORT"))
    }),
    ("/ssa/resource-profile", "Is In Use", |look| {
        let used = instances(look.objects()).iter().any(|instance| {
            look.objects().text(instance, "resource-profile-name") == look.path.name()
        });
        (if used { "Yes" } else { "No" }).to_owned()
    }),
];

/// Disk that an application's image takes.
///
/// # Source
/// Recall.
const BINARY_DISK_MB: u32 = 3907;
/// Processor threads that a module keeps for itself.
///
/// # Source
/// Recall: two of a module's cores.
const SYSTEM_CORES: u32 = 2;

/// How an application instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instance {
    Online,
    /// Switched off by an operator.
    Offline,
    /// Its module has not come up yet.
    Starting,
    /// Its slot holds no module.
    Absent,
    /// An application that no emulated module can run.
    Foreign,
}

impl Instance {
    /// # Source
    /// Client kick tests `Online`, `Offline`, `Start Failed` and `Not Available`.
    const fn text(self) -> &'static str {
        match self {
            Instance::Online => "Online",
            Instance::Offline => "Offline",
            Instance::Starting => "Starting",
            Instance::Absent => "Not Available",
            Instance::Foreign => "Start Failed",
        }
    }

    /// # Source
    /// Ours: what an emulated module cannot do is said where an operator looks.
    const fn error(self) -> &'static str {
        match self {
            Instance::Foreign => "The emulated module runs ASA only.",
            Instance::Absent => "The slot holds no module.",
            Instance::Online | Instance::Offline | Instance::Starting => "",
        }
    }
}

fn instance(look: Look<'_>) -> Instance {
    let enabled = look.objects().is_enabled(look.path, "");
    match (enabled, module_state(look)) {
        (false, _) => Instance::Offline,
        (true, ModuleState::Empty) => Instance::Absent,
        (true, _) if look.path.name() != "asa" => Instance::Foreign,
        (true, ModuleState::Off) => Instance::Offline,
        (true, ModuleState::Silent) => Instance::Starting,
        (true, ModuleState::Attached) if !is_attached(look) => Instance::Starting,
        (true, ModuleState::Attached) => Instance::Online,
    }
}

/// Tells whether the application itself has spoken, not its module alone.
fn is_attached(look: Look<'_>) -> bool {
    look.slot().is_some_and(|slot| look.mio.broker.attached(slot).is_some())
}

/// Returns where the ASA that the object belongs to stands among others.
fn standing(look: Look<'_>) -> Standing {
    look.slot().map_or(Standing::Alone, |slot| look.mio.broker.standing(slot))
}

/// # Source
/// `kick-show-app-instance-detail.txt`: `In Cluster` and `Slave`, words of FXOS before 2.10.
const fn cluster_role(standing: Standing) -> &'static str {
    match standing {
        Standing::Control => "Master",
        Standing::Data => "Slave",
        Standing::Alone
        | Standing::Seeking
        | Standing::Active
        | Standing::Standby
        | Standing::Outside => "None",
    }
}

/// # Source
/// Client kick tests `Online` and `Not Available`.
fn slot_state(state: ModuleState) -> &'static str {
    match state {
        ModuleState::Attached => "Online",
        ModuleState::Silent | ModuleState::Off => "Offline",
        ModuleState::Empty => "Not Available",
    }
}

fn online(look: Look<'_>, yes: &str, no: &str) -> String {
    (if module_state(look) == ModuleState::Attached { yes } else { no }).to_owned()
}

fn usable_cores(cores: u32) -> u32 {
    cores.saturating_sub(SYSTEM_CORES)
}

/// Returns every application instance of the chassis.
fn instances(objects: &Objects) -> Vec<Path> {
    let slots =
        Path::find(&[("ssa", &[])]).map_or(Vec::new(), |ssa| objects.children(&ssa, "slot"));
    slots.iter().flat_map(|slot| objects.children(slot, "app-instance")).collect()
}

/// Returns the threads that the instances of a slot have.
fn taken_cores(look: Look<'_>) -> u32 {
    let slot = look.path.steps().get(..2).map(<[_]>::to_vec);
    let mine = instances(look.objects()).into_iter().filter(|instance| {
        slot.as_deref().is_some_and(|slot| instance.steps().get(..2) == Some(slot))
    });
    mine.map(|instance| cores_of(Look { path: &instance, ..look })).sum()
}

fn cores_of(look: Look<'_>) -> u32 {
    let objects = look.objects();
    let whole = module(look).map_or(0, |module| usable_cores(module.cores));
    if objects.text(look.path, "deploy-type") != "container" {
        return whole;
    }
    let name = objects.text(look.path, "resource-profile-name");
    let profile = Path::find(&[("ssa", &[]), ("resource-profile", &[&name])]);
    let count = profile.filter(|path| objects.exists(path));
    count.and_then(|path| objects.text(&path, "cpu-core-count").parse().ok()).unwrap_or(0)
}

/// Returns threads, memory and disk of the instance that the object belongs to.
fn allocated(look: Look<'_>) -> (u32, u32, u32) {
    let Some(owner) = look.path.parent() else { return (0, 0, 0) };
    let Some(module) = module(look) else { return (0, 0, 0) };
    let cores = cores_of(Look { path: &owner, ..look });
    let share = |whole: u32| whole / module.cores.max(1) * cores;
    (cores, share(module.memory_mb), share(module.disk_gb * 1024))
}

fn is_clustered(look: Look<'_>) -> bool {
    devices_of(look.objects(), look.slot())
        .iter()
        .any(|device| look.objects().text(device, "TYPE") == "clustered")
}

fn devices_of(objects: &Objects, slot: Option<Slot>) -> Vec<Path> {
    let Some(slot) = slot.map(|slot| slot.to_string()) else { return Vec::new() };
    let devices = Path::find(&[("ssa", &[])])
        .map_or(Vec::new(), |ssa| objects.children(&ssa, "logical-device"));
    let holds = |device: &Path| objects.text(device, "SLOTS").split(',').any(|one| one == slot);
    devices.into_iter().filter(holds).collect()
}

/// Returns the first slot of a logical device that holds no module.
fn empty_slot(look: Look<'_>) -> Option<Slot> {
    let slots = look.objects().text(look.path, "SLOTS");
    let slots = slots.split(',').filter_map(|slot| Slot::new(slot.trim().parse().ok()?));
    slots.into_iter().find(|slot| is_empty(look.mio, *slot))
}

fn is_empty(mio: &Mio, slot: Slot) -> bool {
    state_of(mio, slot) == ModuleState::Empty
}
