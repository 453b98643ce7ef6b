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
