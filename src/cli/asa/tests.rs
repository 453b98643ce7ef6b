use crate::base::enforcement::Mode;
use crate::base::entitlement::Feature;
use crate::base::ident::{Handle, Slot};
use crate::base::platform::Module;
use crate::base::time::{Instant, Now, Utc};
use crate::cli::grammar;
use crate::proto::Next;
use crate::proto::blade::{Event, Facts, Stored};
use crate::wire::appag::{Message, Welcome};

use super::*;

mod handlers;

/// When the seed's ASA asked for its tier.
const ASKED: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 7, 58, 13) };

#[test]
fn the_tables_are_well_formed() {
    assert_eq!(grammar::faults(&ASA), Vec::<String>::new());
    assert_eq!(grammar::faults(&MODULE), Vec::<String>::new());
}

#[test]
fn an_unlicensed_4125_prints_the_seed_s_first_listing() {
    assert_eq!(show::license_all(&attached()), UNLICENSED_4125);
}

#[test]
fn a_licensed_4125_prints_the_seed_s_second_listing() {
    let blade = licensed();
    assert_eq!(show::license_all(&blade), LICENSED_4125);
    // The three narrower commands print parts of it.
    let (state, features) = LICENSED_4125.split_once("\n\nSerial Number:").unwrap();
    assert_eq!(show::license_state(&blade), state);
    assert_eq!(show::features(&blade), format!("Serial Number:{features}"));
    let (_, entitlements) = state.split_once("Authorized (3)\n\n").unwrap();
    assert_eq!(show::entitlements(&blade), entitlements);
}

#[test]
fn what_is_asked_for_but_not_answered_is_shown_so() {
    let mut blade = attached();
    blade.feature(ASKED, Feature::Tier, 1).unwrap();
    let text = show::license_all(&blade);
    for line in [
        "Overall licensed status: Waiting (2)",
        "        Enforcement mode: Waiting",
        "        Request status: Pending",
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
    assert!(text.ends_with("****"), "a tier that is asked for is no valid tier");
}

#[test]
fn every_entitlement_has_its_block_and_its_line() {
    let mut blade = licensed();
    blade.feature(ASKED, Feature::StrongEncryption, 1).unwrap();
    blade.feature(ASKED, Feature::Context, 30).unwrap();
    blade.feature(ASKED, Feature::Carrier, 1).unwrap();
    for handle in [2, 3, 4] {
        enforce(&mut blade, handle, Mode::Authorized);
    }
    let text = show::entitlements(&blade);
    let heads: Vec<&str> = text.lines().filter(|l| !l.starts_with(' ') && !l.is_empty()).collect();
    let want = ["Entitlement(s):", "Feature tier:", "Context:", "Strong encryption:", "Carrier:"];
    assert_eq!(heads, want);
    assert!(text.contains("        Handle: 3\n        Requested time: Tue, 04 Aug 2020 07:58:13 UTC\n        Requested count: 30\n"));
    assert_eq!(
        show::license_config(&blade.running()),
        "license smart\n feature tier standard\n feature context 30\n feature strong-encryption\n feature carrier"
    );
    let table = show::features(&blade);
    assert!(table.contains("Security Contexts                 : 40\n"));
    assert!(table.contains("Carrier                           : Enabled\n"));
}

#[test]
fn out_of_compliance_shows_in_two_places() {
    let mut blade = licensed();
    enforce(&mut blade, 1, Mode::OutOfCompliance);
    let text = show::license_state(&blade);
    assert!(text.contains("Compliance status: Out of compliance\n"));
    assert!(text.contains("Overall licensed status: Out of compliance (4)\n"));
    assert!(!show::license_all(&blade).contains("WARNING"), "it may still be used");
}

#[test]
fn nothing_configured_is_nothing_shown() {
    assert_eq!(show::license_config(&attached().running()), "");
}

#[test]
fn show_version_carries_what_clients_look_for() {
    let text = show::version(&licensed(), ASKED.advanced(std::time::Duration::from_secs(93_600)));
    assert!(text.starts_with("Cisco Adaptive Security Appliance Software Version 9.14(1)\n"));
    assert!(text.contains("\nasa up 1 day 2 hours\n"));
    assert!(text.contains("\nHardware:   FPR4K-SM-32S"));
}

pub(super) fn attached() -> Blade {
    let facts = Facts {
        slot: Slot::new(1).unwrap(),
        serial: "FCH12345ABC".to_owned(),
        module: Module::find("FPR4K-SM-32S").unwrap(),
        release: "9.14(1)".to_owned(),
    };
    let mut blade = Blade::new(facts, Stored::default(), ASKED);
    drain(&mut blade);
    blade.handle(ASKED, Event::Linked);
    drain(&mut blade);
    let welcome = Welcome {
        wall: ASKED.wall,
        rate_milli: 1000,
        model: "FPR-4125".to_owned(),
        hostname: "FPR4125-1".to_owned(),
        export_controlled: true,
        registered: true,
        next_handle: Handle(1),
    };
    blade.handle(ASKED, Event::Message(Message::Welcome(welcome)));
    drain(&mut blade);
    blade
}

pub(super) fn licensed() -> Blade {
    let mut blade = attached();
    blade.feature(ASKED, Feature::Tier, 1).unwrap();
    enforce(&mut blade, 1, Mode::Authorized);
    blade
}

pub(super) fn enforce(blade: &mut Blade, handle: u32, mode: Mode) {
    drain(blade);
    let message = Message::Enforce { handle: Handle(handle), mode };
    blade.handle(ASKED, Event::Message(message));
    drain(blade);
}

pub(super) fn drain(blade: &mut Blade) {
    while let Next::Do(_) = blade.poll(ASKED) {}
}

/// Seed, "Voor het instellen van een functielaag"; blank lines as in licensing 2.7.
const UNLICENSED_4125: &str = "\
Smart licensing enabled: Yes

Compliance status: In compliance

Overall licensed status: Invalid (0)

No entitlements in use

Serial Number:  FCH12345ABC

License mode: Smart Licensing

Licensed features for this platform:
Maximum Physical Interfaces       : Unlimited
Maximum VLANs                     : 1024
Inside Hosts                      : Unlimited
Failover                          : Active/Active
Encryption-DES                    : Enabled
Encryption-3DES-AES               : Enabled
Security Contexts                 : 10
Carrier                           : Disabled
AnyConnect Premium Peers          : 20000
AnyConnect Essentials             : Disabled
Other VPN Peers                   : 20000
Total VPN Peers                   : 20000
AnyConnect for Mobile             : Enabled
AnyConnect for Cisco VPN Phone    : Enabled
Advanced Endpoint Assessment      : Enabled
Shared License                    : Disabled
Total TLS Proxy Sessions          : 15000
Cluster                           : Enabled

***************************************************************************
*                                 WARNING                                 *
*                                                                         *
*    THIS DEVICE IS NOT LICENSED WITH A VALID FEATURE TIER ENTITLEMENT    *
*                                                                         *
***************************************************************************";

/// Seed, "ASA voorbeelduitgangen van verificatieopdrachten"; blank lines as in licensing 2.7.
const LICENSED_4125: &str = "\
Smart licensing enabled: Yes

Compliance status: In compliance

Overall licensed status: Authorized (3)

Entitlement(s):

Feature tier:
        Tag: regid.2015-10.com.cisco.FIREPOWER_4100_ASA_STANDARD,1.0_7d7f5ee2-1398-4b0e-aced-b3f7fb1cacfc
        Version: 1.0
        Enforcement mode: Authorized
        Handle: 1
        Requested time: Tue, 04 Aug 2020 07:58:13 UTC
        Requested count: 1
        Request status: Complete

Serial Number:  FCH12345ABC

License mode: Smart Licensing

Licensed features for this platform:
Maximum Physical Interfaces       : Unlimited
Maximum VLANs                     : 1024
Inside Hosts                      : Unlimited
Failover                          : Active/Active
Encryption-DES                    : Enabled
Encryption-3DES-AES               : Enabled
Security Contexts                 : 10
Carrier                           : Disabled
AnyConnect Premium Peers          : 20000
AnyConnect Essentials             : Disabled
Other VPN Peers                   : 20000
Total VPN Peers                   : 20000
AnyConnect for Mobile             : Enabled
AnyConnect for Cisco VPN Phone    : Enabled
Advanced Endpoint Assessment      : Enabled
Shared License                    : Disabled
Total TLS Proxy Sessions          : 15000
Cluster                           : Enabled";
