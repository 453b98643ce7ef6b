#![allow(clippy::wildcard_enum_match_arm)]

use crate::wire::appag::Refusal;

use super::*;

const NOON: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };

#[test]
fn link_table_is_complete() {
    let kind = |blade: &Blade| match blade.link {
        Link::Down { .. } => 'D',
        Link::Connecting => 'C',
        Link::Greeting => 'G',
        Link::Up => 'U',
    };
    // Columns: Linked Unlinked Welcome Refused Enforce Hello Due(when due)
    let starts = [down, connecting, greeting, up];
    let rows = ["DDDDDDC", "GDCCCCC", "GDUDDDG", "UDDDUDU"];
    for (start, row) in starts.into_iter().zip(rows) {
        let events = [
            Event::Linked,
            Event::Unlinked,
            Event::Message(Message::Welcome(welcome())),
            Event::Message(Message::Refused { reason: Refusal::SlotTaken }),
            Event::Message(Message::Enforce { handle: Handle(9), mode: Mode::Authorized }),
            Event::Message(Message::Hello(connecting().hello(Role::License))),
            Event::Due,
        ];
        for (event, want) in events.into_iter().zip(row.chars()) {
            let mut blade = start();
            let before = blade.link;
            blade.handle(NOON.advanced(RECONNECT_WAIT), event.clone());
            assert_eq!(kind(&blade), want, "{before:?} on {event:?}");
        }
    }
}

#[test]
fn a_lost_supervisor_is_sought_again_after_a_second() {
    let mut blade = up();
    blade.handle(NOON, Event::Unlinked);
    assert_eq!(drain(&mut blade), []);
    let Next::Wait(Some(due)) = blade.poll(NOON) else { panic!("no deadline") };
    assert_eq!(due, NOON.mono + RECONNECT_WAIT);
    blade.handle(NOON, Event::Due);
    assert_eq!(drain(&mut blade), [], "not before");
    blade.handle(NOON.at(due), Event::Due);
    assert_eq!(drain(&mut blade), [Output::Connect]);
}

#[test]
fn a_request_is_in_flash_before_it_is_sent() {
    let mut blade = up();
    blade.feature(NOON, Feature::Tier, 1).unwrap();
    let outputs = drain(&mut blade);
    let [Output::Persist(stored), Output::Send(Message::Request { handle, tag, count })] =
        outputs.as_slice()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*handle, *count), (Handle(1), 1));
    assert_eq!(tag.short_name(), "FIREPOWER_4100_ASA_STANDARD");
    assert_eq!(stored.held[&Feature::Tier].handle, Handle(1));
    assert_eq!(stored.next, Handle(2));
    assert_eq!(stored.held[&Feature::Tier].requested_at, NOON.wall);
}

#[test]
fn the_tier_comes_first_and_goes_last() {
    let mut blade = up();
    let additional = [Feature::Context, Feature::StrongEncryption, Feature::Carrier];
    for feature in additional {
        assert_eq!(blade.feature(NOON, feature, 1), Err(FeatureError::TierFirst));
    }
    blade.feature(NOON, Feature::Tier, 1).unwrap();
    let asked_only = blade.feature(NOON, Feature::Carrier, 1);
    assert_eq!(asked_only, Err(FeatureError::TierFirst), "asked for is not obtained");
    enforce(&mut blade, Feature::Tier, Mode::Authorized);
    for feature in additional {
        blade.feature(NOON, feature, 1).unwrap();
        assert_eq!(blade.no_feature(Feature::Tier), Err(FeatureError::TierLast));
        blade.no_feature(feature).unwrap();
    }
    drain(&mut blade);
    blade.no_feature(Feature::Tier).unwrap();
    let outputs = drain(&mut blade);
    assert!(matches!(
        outputs.as_slice(),
        [Output::Persist(stored), Output::Send(Message::Release { handle: Handle(1) })]
            if stored.held.is_empty() && stored.next == Handle(5)
    ));
    assert_eq!(blade.no_feature(Feature::Tier), Ok(()), "nothing to give back, nothing to say");
    assert_eq!(drain(&mut blade), []);
}

#[test]
fn a_count_outside_the_catalogue_is_refused() {
    let mut blade = licensed();
    for (count, max) in [(0, 240), (241, 240)] {
        let refused = blade.feature(NOON, Feature::Context, count);
        assert_eq!(refused, Err(FeatureError::Count { got: count, max }));
    }
    assert_eq!(drain(&mut blade), [], "nothing changed");
}

#[test]
fn out_of_compliance_keeps_what_is_there_and_adds_nothing() {
    let mut blade = licensed();
    blade.feature(NOON, Feature::Context, 5).unwrap();
    enforce(&mut blade, Feature::Context, Mode::OutOfCompliance);
    assert_eq!(blade.capabilities().contexts, 15, "what runs goes on");
    assert!(!blade.is_compliant());
    let more = blade.feature(NOON, Feature::Context, 6);
    assert_eq!(more, Err(FeatureError::OutOfCompliance));
    let other = blade.feature(NOON, Feature::Carrier, 1);
    assert_eq!(other, Err(FeatureError::OutOfCompliance));
    assert_eq!(blade.feature(NOON, Feature::Context, 2), Ok(()), "less is no addition");
    assert_eq!(blade.capabilities().contexts, 12);
    assert_eq!(blade.no_feature(Feature::Context), Ok(()));
    assert!(blade.is_compliant());
}

#[test]
fn only_granted_units_are_in_force() {
    let mut blade = licensed();
    blade.feature(NOON, Feature::Context, 30).unwrap();
    assert_eq!(blade.capabilities().contexts, 10);
    enforce(&mut blade, Feature::Context, Mode::Waiting);
    assert_eq!(blade.capabilities().contexts, 10);
    enforce(&mut blade, Feature::Context, Mode::Authorized);
    assert_eq!(blade.capabilities().contexts, 40);
    blade.feature(NOON, Feature::Context, 240).unwrap();
    assert_eq!(blade.capabilities().contexts, 40, "the other 210 are only asked for");
    enforce(&mut blade, Feature::Context, Mode::Authorized);
    assert_eq!(blade.capabilities().contexts, 250, "10 of the platform and 240");
}

#[test]
fn strong_encryption_comes_from_the_registration_or_an_entitlement() {
    let mut blade = licensed();
    assert!(!blade.capabilities().strong_encryption);
    let allow = |allowed| Message::Policy { export_controlled: allowed, registered: true };
    blade.handle(NOON, Event::Message(allow(true)));
    assert!(blade.capabilities().strong_encryption);
    blade.handle(NOON, Event::Message(allow(false)));
    blade.feature(NOON, Feature::StrongEncryption, 1).unwrap();
    assert!(!blade.capabilities().strong_encryption, "asked for is not granted");
    enforce(&mut blade, Feature::StrongEncryption, Mode::Authorized);
    assert!(blade.capabilities().strong_encryption);
    enforce(&mut blade, Feature::StrongEncryption, Mode::AuthorizationExpired);
    assert!(!blade.capabilities().strong_encryption);
}

#[test]
fn an_evaluation_gives_everything_but_strong_encryption() {
    let mut blade = licensed();
    enforce(&mut blade, Feature::Tier, Mode::Evaluation);
    for (feature, count) in
        [(Feature::Context, 5), (Feature::Carrier, 1), (Feature::StrongEncryption, 1)]
    {
        blade.feature(NOON, feature, count).unwrap();
        enforce(&mut blade, feature, Mode::Evaluation);
    }
    let can = blade.capabilities();
    assert_eq!((can.contexts, can.carrier, can.strong_encryption), (15, true, false));
    for (mode, gives) in Mode::ALL.map(|mode| (mode, mode.grants_encryption())) {
        let all_but_one = mode.grants_use() && mode != Mode::Evaluation;
        assert_eq!(gives, all_but_one, "{mode:?}");
    }
    enforce(&mut blade, Feature::StrongEncryption, Mode::ReservedAuthorized);
    assert!(blade.capabilities().strong_encryption);
}

#[test]
fn units_share_as_the_public_listings_add() {
    let module = Module::find("FPR9K-SM-24").unwrap();
    let unit =
        |contexts, strong_encryption| Capabilities { contexts, strong_encryption, carrier: false };
    let shared = |units: &[Capabilities]| Capabilities::shared(module, units);
    assert_eq!(shared(&[unit(10, true), unit(10, false)]), unit(20, true));
    assert_eq!(shared(&[unit(40, false), unit(10, false)]), unit(50, false));
    assert_eq!(shared(&[unit(200, false), unit(200, true)]).contexts, module.contexts_max);
}

#[test]
fn a_boot_takes_the_mode_from_flash_and_asks_again() {
    let mut before = licensed();
    before.feature(NOON, Feature::Context, 30).unwrap();
    enforce(&mut before, Feature::Context, Mode::Authorized);
    let flash = before.stored();

    let later = NOON.advanced(Duration::from_secs(3_600));
    let mut blade = Blade::new(facts(), flash, later);
    assert_eq!(blade.capabilities().contexts, 40, "in force before anybody answers");
    assert_eq!(blade.overall(), Mode::Authorized);
    assert!(blade.held().all(|(_, held)| held.status == Status::Pending));

    let wall = later.wall + Duration::from_secs(5);
    let asked = attach(&mut blade, later, Welcome { wall, ..welcome() });
    let handles: Vec<_> = asked.iter().map(|(handle, tag, _)| (handle.0, tag.as_str())).collect();
    let tag = |feature| Entitlement::find(facts().module.family, feature).unwrap().tag;
    assert_eq!(handles, [(1, tag(Feature::Tier)), (2, tag(Feature::Context))], "tier first");
    assert!(blade.held().all(|(_, held)| held.requested_at == wall));

    // "Waiting" is no answer: what was authorised stays so until there is one.
    enforce(&mut blade, Feature::Tier, Mode::Waiting);
    assert_eq!(blade.overall(), Mode::Authorized);
    enforce(&mut blade, Feature::Tier, Mode::AuthorizationExpired);
    assert_eq!(blade.overall(), Mode::AuthorizationExpired);
}

#[test]
fn a_mere_reconnection_keeps_the_time_of_the_request() {
    let mut blade = licensed();
    blade.handle(NOON, Event::Unlinked);
    let later = NOON.advanced(Duration::from_secs(60));
    blade.handle(later, Event::Due);
    let asked = attach(&mut blade, later, Welcome { wall: later.wall, ..welcome() });
    assert_eq!(asked.len(), 1);
    assert!(blade.held().all(|(_, held)| held.requested_at == NOON.wall));
}

#[test]
fn what_is_written_comes_back_and_what_is_not_does_not() {
    let mut blade = licensed();
    blade.rename("asa-1");
    let unwritten = Blade::new(facts(), blade.stored(), NOON);
    assert_eq!(unwritten.hostname(), "asa");
    assert!(unwritten.has_valid_tier(), "an entitlement is in flash at once");
    blade.write_memory();
    let flash = blade.stored();
    assert_eq!(Blade::new(facts(), flash.clone(), NOON).hostname(), "asa-1");

    // Released, but startup-config still asks for it: it is asked for anew, under a new handle.
    blade.no_feature(Feature::Tier).unwrap();
    let again = Blade::new(facts(), blade.stored(), NOON);
    assert_eq!(again.held[&Feature::Tier].handle, Handle(2));
    assert!(!again.has_valid_tier());

    let json = serde_json::to_string(&flash).unwrap();
    let back: Stored = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json, "flash survives its own text");
    assert_eq!(back.held[&Feature::Tier].mode, Mode::Authorized);
}

#[test]
fn flash_of_another_family_asks_for_nothing() {
    let flash = licensed().stored();
    let module = Module::find("FPR9K-SM-24").unwrap();
    let blade = Blade::new(Facts { module, ..facts() }, flash, NOON);
    assert_eq!(blade.held().count(), 0);
}

#[test]
fn a_blade_with_new_flash_goes_on_counting_where_the_slot_was() {
    let mut blade = connecting();
    attach(&mut blade, NOON, Welcome { next_handle: Handle(7), ..welcome() });
    blade.feature(NOON, Feature::Tier, 1).unwrap();
    assert_eq!(blade.held[&Feature::Tier].handle, Handle(7));
}

#[test]
fn a_stale_handle_is_replaced_and_other_denials_are_shown() {
    let mut blade = licensed();
    let denied = |reason| Event::Message(Message::Denied { handle: Handle(1), reason });
    blade.handle(NOON, denied(Denial::HandleStale));
    let outputs = drain(&mut blade);
    assert!(
        outputs.iter().any(|output| matches!(
            output,
            Output::Send(Message::Request { handle: Handle(2), .. })
        ))
    );
    let denied = Message::Denied { handle: Handle(2), reason: Denial::Full };
    blade.handle(NOON, Event::Message(denied));
    assert_eq!(blade.overall(), Mode::NotAuthorized);
}

#[test]
fn debug_license_speaks_only_when_told_to() {
    let mut blade = up();
    blade.feature(NOON, Feature::Tier, 1).unwrap();
    let console = |outputs: Vec<Output>| {
        outputs.into_iter().filter(|o| matches!(o, Output::Console(_))).collect::<Vec<_>>()
    };
    assert_eq!(console(drain(&mut blade)), []);
    blade.set_debug_level(255);
    enforce_keeping(&mut blade, Feature::Tier, Mode::Authorized);
    let text = "license: handle 1 tag FIREPOWER_4100_ASA_STANDARD mode Authorized (3)";
    assert_eq!(console(drain(&mut blade)), [Output::Console(text.to_owned())]);
}

// One fixture a state: the vocabulary of the tests above.

fn facts() -> Facts {
    Facts {
        slot: Slot::new(1).unwrap(),
        serial: "FCH12345ABC".to_owned(),
        module: Module::find("FPR4K-SM-32S").unwrap(),
        release: "9.14(1)".to_owned(),
    }
}
fn welcome() -> Welcome {
    Welcome {
        wall: NOON.wall,
        rate_milli: 1000,
        model: "FPR-4125".to_owned(),
        hostname: "FPR4125-1".to_owned(),
        export_controlled: false,
        registered: true,
        next_handle: Handle(1),
    }
}
fn connecting() -> Blade {
    let mut blade = Blade::new(facts(), Stored::default(), NOON);
    assert_eq!(drain(&mut blade), [Output::Connect]);
    blade
}
fn greeting() -> Blade {
    let mut blade = connecting();
    blade.handle(NOON, Event::Linked);
    drain(&mut blade);
    blade
}
fn up() -> Blade {
    let mut blade = greeting();
    blade.handle(NOON, Event::Message(Message::Welcome(welcome())));
    drain(&mut blade);
    blade
}
fn down() -> Blade {
    let mut blade = connecting();
    blade.handle(NOON, Event::Unlinked);
    blade
}
fn licensed() -> Blade {
    let mut blade = up();
    blade.feature(NOON, Feature::Tier, 1).unwrap();
    enforce(&mut blade, Feature::Tier, Mode::Authorized);
    blade
}
fn attach(blade: &mut Blade, now: Now, welcome: Welcome) -> Vec<(Handle, Tag, u32)> {
    blade.handle(now, Event::Linked);
    drain(blade);
    blade.handle(now, Event::Message(Message::Welcome(welcome)));
    let asked = drain(blade).into_iter().filter_map(|output| match output {
        Output::Send(Message::Request { handle, tag, count }) => Some((handle, tag, count)),
        _ => None,
    });
    asked.collect()
}
fn enforce(blade: &mut Blade, feature: Feature, mode: Mode) {
    enforce_keeping(blade, feature, mode);
    drain(blade);
}
fn enforce_keeping(blade: &mut Blade, feature: Feature, mode: Mode) {
    let handle = blade.held[&feature].handle;
    blade.handle(NOON, Event::Message(Message::Enforce { handle, mode }));
}
fn drain(blade: &mut Blade) -> Vec<Output> {
    std::iter::from_fn(|| match blade.poll(NOON) {
        Next::Do(output) => Some(output),
        Next::Wait(_) => None,
    })
    .collect()
}
