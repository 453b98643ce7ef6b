//! What follows from a configuration and is added to it by the commit: instances of the
//! applications that logical devices name, lanes of ports that are broken out.

use super::locate;
use super::objects::{Objects, Values};
use super::path::Path;
use super::schema::{Origin, PropertyId};

/// Lanes of a port that is broken out.
///
/// # Source
/// Recall: a 40-gigabit port becomes four of 10.
const LANES: u8 = 4;

/// Adds what follows and removes what no longer does.
pub(super) fn complete(objects: &mut Objects) {
    instances(objects);
    lanes(objects);
}

/// # Source
/// Client kick, `baseline_fxos_and_app_standalone_ftd`: `due to logical device creation app will be
/// automatically created`.
fn instances(objects: &mut Objects) {
    let Some(ssa) = Path::find(&[("ssa", &[])]) else { return };
    for device in objects.children(&ssa, "logical-device") {
        let app = objects.text(&device, "APP");
        for slot in objects.text(&device, "SLOTS").split(',') {
            let Some(bay) = Path::find(&[("ssa", &[]), ("slot", &[slot])]) else { continue };
            let there = objects.children(&bay, "app-instance");
            let missing = there.iter().all(|instance| instance.name() != app);
            if missing && objects.exists(&bay) {
                add(objects, &bay, "app-instance", &[&app]);
            }
        }
    }
}

/// Gives ports that are broken out their lanes. A session sees them at once, so that it can
/// configure them in the same transaction.
pub(super) fn lanes(objects: &mut Objects) {
    let Some(cabling) = Path::find(&[("cabling", &[]), ("fabric", &["a"])]) else { return };
    let Some(fabric) = Path::find(&[("eth-uplink", &[]), ("fabric", &["a"])]) else { return };
    let mut wanted = Vec::new();
    for breakout in objects.children(&cabling, "breakout") {
        let [card, port] = breakout.key() else { continue };
        let name = format!("Ethernet{card}/{port}");
        wanted.extend(add(objects, &fabric, "aggr-interface", &[&name]));
        let Some(port) = wanted.last().cloned() else { continue };
        for lane in 1..=LANES {
            wanted.extend(add(objects, &port, "interface", &[&format!("{name}/{lane}")]));
        }
    }
    let derived = |path: &&Path| path.class().origin == Origin::Derived;
    let gone: Vec<Path> =
        objects.0.keys().filter(derived).filter(|path| !wanted.contains(path)).cloned().collect();
    gone.iter().for_each(|path| objects.remove(path));
}

/// Takes out what is done once: whoever commits it acts on the difference.
pub(super) fn forget_deeds(objects: &mut Objects) {
    for (path, values) in &mut objects.0 {
        let kept = |id: &PropertyId| {
            path.class().property(id.verb, id.words).is_none_or(|property| !property.is_deed())
        };
        values.retain(|id, _| kept(id));
    }
}

/// Adds an object unless it is there, and returns its path.
fn add(objects: &mut Objects, parent: &Path, class: &str, key: &[&str]) -> Option<Path> {
    let path = locate(parent, parent.class().child(class)?, key).ok()?;
    if !objects.exists(&path) {
        objects.insert(&path, Values::new());
    }
    Some(path)
}
