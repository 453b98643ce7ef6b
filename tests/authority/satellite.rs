//! A satellite and its cloud authority, two processes and the files between them.

use std::net::TcpStream;

use vfxos::base::entitlement::CATALOGUE;
use vfxos::net::ca::check_answer;
use vfxos::wire::callhome::{Compliance, Verdict, open};

use super::process::{Chassis, Folder, Process, Roots, noon, talk, verdict};

const TIER: &str = CATALOGUE[0].tag;
const SATELLITE: [&str; 5] =
    ["--flavour", "satellite", "--listen", "127.0.0.1:0", "--listen-plain"];

fn satellite(folder: &Folder, more: &[&str]) -> Process {
    Process::start(&folder.0.join("satellite"), &[&SATELLITE[..], &["127.0.0.1:0"], more].concat())
}

/// Registers a chassis; asks for the tier; what was said of it.
fn compliance(process: &Process, roots: &Roots, chassis: &mut Chassis) -> Compliance {
    if chassis.instance.is_empty() {
        let token = process.token();
        let Verdict::Registered(grant) = process.ask(roots, &chassis.registration(&token)) else {
            panic!("not registered");
        };
        chassis.instance = grant.instance;
    }
    let verdict = process.ask(roots, &chassis.use_of(TIER));
    let Verdict::Authorized(list) = verdict else { panic!("{verdict:?}") };
    list[0].compliance
}

/// Returns whether a chassis that has this root as its CiscoLicRoot believes an answer.
fn is_believed(process: &Process, roots: &Roots, licensing: &str) -> bool {
    let bytes = Chassis::new(99).registration("ODNm");
    let (status, body) = process.post(&roots.tls, &roots.path, &bytes).unwrap();
    assert_eq!(status, 200);
    check_answer(&open(&body).unwrap(), licensing, noon()).is_ok()
}

#[test]
fn files_carried_by_hand_make_a_satellite_s_chassis_compliant_and_count_at_the_cloud() {
    let folder = Folder::new("sync");
    let cloud = Process::cloud(&folder.0.join("cloud"));
    let satellite = satellite(&folder, &[]);
    let roots = Roots::of(&satellite);
    assert_eq!(roots.path, "/Transportgateway/services/DeviceRequestHandler");
    let mut chassis = Chassis::new(1);
    assert_eq!(compliance(&satellite, &roots, &mut chassis), Compliance::OutOfCompliance);
    // Until it has synced it vouches for itself, and no chassis of the cloud's believes it.
    let cloud_s = Roots::of(&cloud).licensing;
    assert!(!is_believed(&satellite, &roots, &cloud_s));

    let [request, answer] = ["request", "answer"].map(|name| folder.join(name));
    cloud.ctl(&["account", "new", "vfxos Lab", "Branch"]).unwrap();
    satellite.ctl(&["sync", "request", &request]).unwrap();
    let branch = ["--account", "vfxos Lab", "--virtual-account", "Branch"];
    cloud.ctl(&[&["sync", "answer", &request, &answer], &branch[..]].concat()).unwrap();
    satellite.ctl(&["sync", "install", &answer]).unwrap();
    assert!(is_believed(&satellite, &roots, &cloud_s));
    assert!(!is_believed(&satellite, &roots, &roots.licensing));
    let roots = Roots::of(&satellite);
    assert_eq!(roots.licensing, cloud_s);
    assert_eq!(compliance(&satellite, &roots, &mut chassis), Compliance::InCompliance);

    let known = cloud.ctl(&["satellite", "list"]).unwrap();
    assert_eq!(known[0]["virtual_account"], "Branch");
    assert_eq!(known[0]["in_use"][0]["tag"], "FIREPOWER_4100_ASA_STANDARD");
    assert_eq!(known[0]["in_use"][0]["count"], 1);
    let pools = cloud.ctl(&[&["pool", "list"], &branch[..]].concat()).unwrap();
    let tier = |pools: &serde_json::Value| {
        let mut all = pools.as_array().unwrap().iter();
        let tier = all.find(|pool| pool["tag"] == "FIREPOWER_4100_ASA_STANDARD").unwrap().clone();
        (tier["in_use"].as_u64().unwrap(), tier["leased"].as_u64().unwrap())
    };
    assert_eq!(tier(&pools), (1, 10));

    // Brought again, the request gets the same answer; the answer is refused, and nothing counts twice.
    let again = folder.join("again");
    cloud.ctl(&["sync", "answer", &request, &again]).unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&answer).unwrap());
    let refused = satellite.ctl(&["sync", "install", &again]).unwrap_err();
    assert!(refused.contains("that to 1 is in force"), "{refused}");
    assert_eq!(tier(&cloud.ctl(&[&["pool", "list"], &branch[..]].concat()).unwrap()), (1, 10));

    // Old and damaged files, and files at the wrong place.
    satellite.ctl(&["sync", "request", &folder.join("second")]).unwrap();
    cloud.ctl(&["sync", "answer", &folder.join("second"), &again]).unwrap();
    let refused = cloud.ctl(&["sync", "answer", &request]).unwrap_err();
    assert!(refused.contains("request 1 is old"), "{refused}");
    let refused = satellite.ctl(&["sync", "install", &request]).unwrap_err();
    assert!(refused.contains("it is a sync request"), "{refused}");
    let refused = cloud.ctl(&["sync", "install", &again]).unwrap_err();
    assert!(refused.contains("only a satellite"), "{refused}");
}

#[test]
fn a_satellite_that_has_not_synced_for_90_days_hands_out_nothing_also_after_a_kill() {
    let folder = Folder::new("ninety");
    let cloud = Process::cloud(&folder.0.join("cloud"));
    let first = satellite(&folder, &[]);
    let [request, answer] = ["request", "answer"].map(|name| folder.join(name));
    first.ctl(&["sync", "request", &request]).unwrap();
    cloud.ctl(&["sync", "answer", &request, &answer]).unwrap();
    drop(first);
    // The request is remembered, so its answer can be installed.
    let second = satellite(&folder, &[]);
    second.ctl(&["sync", "install", &answer]).unwrap();
    drop(second);
    let third = satellite(&folder, &[]);
    assert_eq!(third.ctl(&["sync", "status"]).unwrap()["in_force"], true);
    third.ctl(&["clock", "advance", "91d"]).unwrap();
    assert_eq!(third.ctl(&["sync", "status"]).unwrap()["in_force"], false);
    let pools = third.ctl(&["pool", "list"]).unwrap();
    assert!(pools.as_array().unwrap().iter().all(|pool| pool["available"] == 0), "{pools}");
}

#[test]
fn an_old_satellite_is_spoken_to_without_tls_and_its_tokens_carry_no_export_flag() {
    let folder = Folder::new("old");
    let satellite = satellite(&folder, &["--version", "2.2.1"]);
    let roots = Roots::of(&satellite);
    let bytes = Chassis::new(1).registration(&satellite.token());
    let stream = TcpStream::connect(satellite.plain.unwrap()).unwrap();
    let (status, body) = talk(stream, "POST", &roots.path, &[], &bytes).unwrap();
    assert_eq!(status, 200);
    let verdict = verdict(&roots.licensing, &body);
    let Verdict::Registered(grant) = verdict else { panic!("{verdict:?}") };
    assert!(!grant.export_controlled);
    // A token of the cloud's means nothing here.
    let cloud = Process::cloud(&folder.0.join("cloud"));
    let refused = satellite.ask(&roots, &Chassis::new(2).registration(&cloud.token()));
    assert!(matches!(refused, Verdict::Refused { .. }), "{refused:?}");
}
