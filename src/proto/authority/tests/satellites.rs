//! Satellites: what a file does, what happens when one is lost, repeated, old, or not theirs.

use super::*;
use crate::wire::sync::{FileError, Kind, Signing, SyncFile};

pub(super) const SATELLITE: Flavour = Flavour::Satellite(Release::CURRENT);
const TIER_NAME: &str = "FIREPOWER_4100_ASA_STANDARD";

impl Lab {
    pub(super) fn satellite(seed: u8) -> Lab {
        Lab::of(SATELLITE, seed)
    }

    pub(super) fn ask_cloud(&mut self) -> SyncFile {
        let body = self.authority.sync_request(self.wall, "branch").unwrap();
        self.drain();
        SyncFile::seal(Kind::Request, &body, &self.key)
    }

    pub(super) fn answer_satellite(&mut self, file: &SyncFile) -> Result<SyncFile, OperatorError> {
        let body = self.authority.sync_answer(self.wall, file, None, signing())?;
        self.drain();
        Ok(SyncFile::seal(Kind::Answer, &body, &self.key))
    }

    pub(super) fn install(&mut self, file: &SyncFile) -> Result<SyncFacts, OperatorError> {
        let facts = self.authority.sync_install(self.wall, file);
        self.drain();
        facts
    }

    /// Syncs with a cloud authority, no file lost.
    fn sync(&mut self, cloud: &mut Lab) -> SyncFacts {
        let request = self.ask_cloud();
        let answer = cloud.answer_satellite(&request).unwrap();
        self.install(&answer).unwrap()
    }

    fn tier(&self) -> PoolFacts {
        let pools = self.authority.pools(self.wall);
        pools.into_iter().find(|pool| pool.tag == TIER_NAME).unwrap()
    }

    fn tier_of(&mut self, chassis: &Chassis) -> Compliance {
        self.authorize(chassis, &[(TIER, 1)])[0].compliance
    }
}

fn signing() -> Signing {
    Signing { chain: "a chain".into(), root: "a root".into() }
}

fn sync_error(error: OperatorError) -> SyncError {
    match error {
        OperatorError::Sync(error) => error,
        other => panic!("no sync error: {other}"),
    }
}

#[test]
fn a_satellite_that_never_synced_has_nothing_to_hand_out() {
    let mut satellite = Lab::satellite(2);
    let chassis = satellite.registered(1);
    assert_eq!(satellite.tier_of(&chassis), Compliance::OutOfCompliance);
    let facts = satellite.authority.sync_status(satellite.wall).unwrap();
    assert_eq!((facts.installed, facts.in_force), (0, false));
    assert_eq!(satellite.tier().bought, 0);
}

#[test]
fn a_sync_lasts_for_90_days() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let chassis = satellite.registered(1);
    assert_eq!(satellite.authority.signing(), None);
    let facts = satellite.sync(&mut cloud);
    assert_eq!(satellite.authority.signing(), Some(&signing()));
    assert_eq!(facts.until, Some(satellite.wall + days(90)));
    assert_eq!(satellite.tier_of(&chassis), Compliance::InCompliance);
    let pool = satellite.tier();
    assert_eq!((pool.bought, pool.virtual_account.as_str()), (10, "vfxos Default"));
    satellite.advance(days(90) - Duration::from_millis(1));
    assert_eq!(satellite.tier_of(&chassis), Compliance::InCompliance);
    satellite.advance(Duration::from_millis(1));
    assert_eq!(satellite.tier_of(&chassis), Compliance::OutOfCompliance);
    assert!(!satellite.authority.sync_status(satellite.wall).unwrap().in_force);
    cloud.advance(days(90));
    satellite.sync(&mut cloud);
    assert_eq!(satellite.tier_of(&chassis), Compliance::InCompliance);
}

#[test]
fn the_cloud_counts_what_a_satellite_uses_and_sets_aside_what_it_may_use() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    cloud.pool(TIER, 3, None);
    let (own, far) = (cloud.registered(1), satellite.registered(2));
    cloud.tier_of(&own);
    satellite.tier_of(&far);
    satellite.sync(&mut cloud);
    let pool = cloud.tier();
    assert_eq!((pool.in_use, pool.leased, pool.in_compliance), (2, 2, true));
    assert_eq!(satellite.tier().bought, 2);
    // The third unit is the satellite's to hand out, so a second chassis here is one too many.
    let second = cloud.registered(3);
    assert_eq!(cloud.tier_of(&second), Compliance::OutOfCompliance);
    let list = cloud.authority.satellite_list(cloud.wall).unwrap();
    assert_eq!((list[0].instances, list[0].number, list[0].name.as_str()), (1, 1, "branch"));
    assert_eq!((list[0].in_use[0].count, list[0].leased[0].count), (1, 2));
}

#[test]
fn a_smaller_lease_counts_once_the_satellite_says_that_it_is_installed() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    cloud.pool(TIER, 3, None);
    satellite.sync(&mut cloud);
    let own = cloud.registered(1);
    assert_eq!(cloud.tier_of(&own), Compliance::OutOfCompliance);
    // Answered, but is it installed?
    let request = satellite.ask_cloud();
    let answer = cloud.answer_satellite(&request).unwrap();
    assert_eq!(cloud.tier().leased, 3);
    assert_eq!(cloud.tier_of(&own), Compliance::OutOfCompliance);
    satellite.install(&answer).unwrap();
    assert_eq!(satellite.tier().bought, 2);
    satellite.sync(&mut cloud);
    assert_eq!(cloud.tier().leased, 2);
    assert_eq!(cloud.tier_of(&own), Compliance::InCompliance);
}

#[test]
fn a_lease_that_ran_out_frees_its_units_a_little_later() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    cloud.pool(TIER, 1, None);
    let far = satellite.registered(2);
    satellite.tier_of(&far);
    satellite.sync(&mut cloud);
    let waits = |lab: &mut Lab| match lab.authority.poll(now(lab.wall)) {
        Next::Wait(until) => until.map(|until| until.since(crate::base::time::Instant::ZERO)),
        Next::Do(output) => panic!("{output:?}"),
    };
    let lapse = SYNC_MAX + TOLERANCE;
    assert_eq!(waits(&mut cloud), Some(lapse));
    cloud.advance(lapse - Duration::from_millis(1));
    assert_eq!((cloud.tier().in_use, cloud.tier().leased), (1, 1));
    cloud.advance(Duration::from_millis(1));
    assert_eq!((cloud.tier().in_use, cloud.tier().leased), (0, 0));
    assert_eq!(waits(&mut cloud), None);
    cloud.restart();
    assert_eq!((cloud.tier().in_use, cloud.tier().leased), (0, 0));
    let events: Vec<_> = cloud.authority.events().map(|entry| entry.text.clone()).collect();
    assert!(events.iter().any(|text| text.contains("has not synced")), "{events:?}");
}

#[test]
fn a_lost_file_costs_nothing() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    satellite.ask_cloud();
    let request = satellite.ask_cloud();
    cloud.answer_satellite(&request).unwrap();
    satellite.sync(&mut cloud);
    // Request 1 was never brought, the answer to 2 never came back.
    assert_eq!(satellite.authority.sync_status(satellite.wall).unwrap().installed, 3);
    assert_eq!(cloud.authority.satellite_list(cloud.wall).unwrap()[0].number, 3);
}

#[test]
fn a_request_brought_again_gets_the_very_same_answer() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let request = satellite.ask_cloud();
    let first = cloud.answer_satellite(&request).unwrap();
    cloud.restart();
    cloud.advance(days(3));
    let before = cloud.flash.clone();
    assert_eq!(cloud.answer_satellite(&request), Ok(first));
    assert_eq!(cloud.flash, before);
}

#[test]
fn an_old_file_is_refused_and_changes_nothing() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let first = satellite.ask_cloud();
    let first_answer = cloud.answer_satellite(&first).unwrap();
    let second = satellite.ask_cloud();
    let second_answer = cloud.answer_satellite(&second).unwrap();
    satellite.install(&second_answer).unwrap();
    let before = (cloud.flash.clone(), satellite.flash.clone());
    let old = cloud.answer_satellite(&first).unwrap_err();
    assert_eq!(sync_error(old), SyncError::Old { number: 1, last: 2 });
    for (answer, number) in [(&first_answer, 1), (&second_answer, 2)] {
        let refused = satellite.install(answer).unwrap_err();
        assert_eq!(sync_error(refused), SyncError::Superseded { number, installed: 2 });
    }
    assert_eq!((cloud.flash.clone(), satellite.flash.clone()), before);
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let (mut cloud, mut other_cloud) = (Lab::new(), Lab::of(Flavour::Cloud, 3));
    let (mut satellite, mut other) = (Lab::satellite(2), Lab::satellite(4));
    satellite.sync(&mut cloud);
    let request = satellite.ask_cloud();
    let answer = cloud.answer_satellite(&request).unwrap();
    let refused = |lab: &mut Lab, file: &SyncFile| sync_error(lab.install(file).unwrap_err());
    assert_eq!(refused(&mut other, &answer), SyncError::NotOurs);
    // The right words, signed by another authority.
    let body = answer.open(Kind::Answer).unwrap();
    let forged = SyncFile::seal(Kind::Answer, &body, &other_cloud.key);
    assert_eq!(refused(&mut satellite, &forged), SyncError::OtherCloud);
    // A request never made, an answer that was changed, and the wrong file altogether.
    let far = other_cloud.answer_satellite(&other.ask_cloud()).unwrap();
    let wrong = FileError::Kind { found: Kind::Request, wanted: Kind::Answer };
    assert_eq!(refused(&mut satellite, &request), SyncError::File(wrong));
    let damaged = SyncFile { signature: far.signature.clone(), ..answer.clone() };
    assert_eq!(refused(&mut satellite, &damaged), SyncError::File(FileError::Signature));

    let refused =
        |lab: &mut Lab, file: &SyncFile| sync_error(lab.answer_satellite(file).unwrap_err());
    assert_eq!(refused(&mut other_cloud, &request), SyncError::Foreign);
    let body = request.open(Kind::Request).unwrap();
    let forged = SyncFile::seal(Kind::Request, &body, &other.key);
    assert_eq!(refused(&mut cloud, &forged), SyncError::Key);
    satellite.install(&answer).unwrap();
}

#[test]
fn a_satellite_that_was_copied_is_found_out() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    satellite.sync(&mut cloud);
    let copy = satellite.flash.clone();
    satellite.sync(&mut cloud);
    satellite.flash = copy;
    satellite.restart();
    satellite.registered(1);
    let request = satellite.ask_cloud();
    let refused = sync_error(cloud.answer_satellite(&request).unwrap_err());
    assert_eq!(refused, SyncError::Copied);
}

#[test]
fn a_file_whose_date_is_far_off_is_refused() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let request = satellite.ask_cloud();
    cloud.wall = NOON - TOLERANCE - Duration::from_millis(1);
    let refused = sync_error(cloud.answer_satellite(&request).unwrap_err());
    assert!(matches!(refused, SyncError::Date { .. }), "{refused}");
    cloud.wall = NOON + SYNC_MAX + Duration::from_millis(1);
    let refused = sync_error(cloud.answer_satellite(&request).unwrap_err());
    assert!(matches!(refused, SyncError::Date { .. }), "{refused}");

    cloud.wall = NOON + TOLERANCE + Duration::from_millis(1);
    let answer = cloud.answer_satellite(&request).unwrap();
    let refused = sync_error(satellite.install(&answer).unwrap_err());
    assert!(matches!(refused, SyncError::Date { .. }), "{refused}");
    satellite.wall = cloud.wall + SYNC_MAX;
    let refused = sync_error(satellite.install(&answer).unwrap_err());
    assert_eq!(refused, SyncError::RanOut { until: satellite.wall });
    let asked = satellite.wall;
    satellite.wall = asked - days(1);
    satellite.install(&answer).unwrap();
}

#[test]
fn an_answer_to_a_request_that_was_forgotten_is_refused() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let request = satellite.ask_cloud();
    let answer = cloud.answer_satellite(&request).unwrap();
    for _ in 0..16 {
        satellite.ask_cloud();
    }
    assert_eq!(sync_error(satellite.install(&answer).unwrap_err()), SyncError::Unasked);
}

/// The seed's wrong order: the address was changed first, then the chassis deregistered.
#[test]
fn a_chassis_that_left_without_deregistering_counts_once() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let mut chassis = cloud.registered(1);
    cloud.tier_of(&chassis);
    let token = satellite.token(&TokenSpec::default());
    let lost = satellite.send(&chassis, chassis.deregister());
    assert_eq!(refusal(lost).0, RefusalKind::UnknownInstance);
    grant(satellite.register(&mut chassis, &token, false));
    satellite.tier_of(&chassis);
    satellite.sync(&mut cloud);
    assert_eq!(cloud.tier().in_use, 1);
    let events: Vec<_> = satellite.authority.events().map(|entry| entry.text.clone()).collect();
    let told = "JAD00000001 is registered elsewhere too, and counts there";
    assert!(events.iter().any(|text| text == told), "{events:?}");
    // On its way back it meets the refusal that the seed prints.
    let token = cloud.token(&TokenSpec::default());
    let fresh = Chassis { key: SigningKey::from_seed(&[99; 32]), ..Chassis::new(1) };
    let verdict = cloud.send(&fresh, fresh.registration(&token, false));
    assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
    // Removed here as the seed advises, it counts at the satellite.
    cloud.authority.instance_remove(cloud.wall, "JAD00000001").unwrap();
    cloud.drain();
    assert_eq!(cloud.tier().in_use, 1);
    assert_eq!(cloud.authority.satellite_list(cloud.wall).unwrap()[0].in_use[0].count, 1);
}

#[test]
fn of_two_satellites_the_one_that_heard_a_chassis_last_counts() {
    let mut cloud = Lab::new();
    let (mut first, mut second) = (Lab::satellite(2), Lab::satellite(4));
    let early = first.registered(1);
    first.authorize(&early, &[(CONTEXT, 3)]);
    first.sync(&mut cloud);
    second.advance(days(1));
    cloud.advance(days(1));
    let late = second.registered(1);
    second.authorize(&late, &[(CONTEXT, 5)]);
    second.sync(&mut cloud);
    let in_use = |cloud: &Lab| {
        let list = cloud.authority.satellite_list(cloud.wall).unwrap();
        list.iter().map(|one| one.in_use.iter().map(|used| used.count).sum()).collect::<Vec<u32>>()
    };
    assert_eq!(in_use(&cloud), [0, 5]);
    second.send(&late, late.deregister());
    second.sync(&mut cloud);
    assert_eq!(in_use(&cloud), [3, 0]);
}

#[test]
fn a_removed_satellite_keeps_its_lease_to_the_end() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    cloud.pool(TIER, 4, None);
    let far = satellite.registered(1);
    satellite.tier_of(&far);
    satellite.sync(&mut cloud);
    let facts = cloud.authority.satellite_remove(cloud.wall, "branch").unwrap();
    cloud.drain();
    assert!(facts.removed && facts.in_use.is_empty(), "{facts:?}");
    assert_eq!((cloud.tier().in_use, cloud.tier().leased), (0, 4));
    let request = satellite.ask_cloud();
    let refused = sync_error(cloud.answer_satellite(&request).unwrap_err());
    assert_eq!(refused, SyncError::Removed);
    let again = cloud.authority.satellite_remove(cloud.wall, "branch").unwrap_err();
    assert_eq!(again, OperatorError::NoSatellite { asked: "branch".into() });
    cloud.restart();
    cloud.advance(SYNC_MAX + TOLERANCE);
    assert_eq!(cloud.tier().leased, 0);
    assert_eq!(cloud.authority.satellite_list(cloud.wall), Ok(Vec::new()));
    assert!(!cloud.flash.keys().any(|key| key.contains("/satellite/")));
}

#[test]
fn a_satellite_joins_the_account_that_is_named_and_stays_there() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let name = AccountName { smart_account: "vfxos Lab".into(), virtual_account: "Branch".into() };
    cloud.authority.account_new(cloud.wall, &name, true).unwrap();
    cloud.drain();
    let request = satellite.ask_cloud();
    let body = cloud.authority.sync_answer(cloud.wall, &request, Some(&name), signing()).unwrap();
    cloud.drain();
    satellite.install(&SyncFile::seal(Kind::Answer, &body, &cloud.key)).unwrap();
    assert_eq!(satellite.tier().virtual_account, "Branch");
    assert_eq!(cloud.tier().leased, 0, "the default account has no part in it");
    let request = satellite.ask_cloud();
    let home = AccountName::default();
    let refused =
        cloud.authority.sync_answer(cloud.wall, &request, Some(&home), signing()).unwrap_err();
    assert_eq!(sync_error(refused), SyncError::OtherAccount);
    let nowhere = AccountName { virtual_account: "Nowhere".into(), ..home };
    let refused =
        cloud.authority.sync_answer(cloud.wall, &request, Some(&nowhere), signing()).unwrap_err();
    assert!(matches!(refused, OperatorError::NoAccount { .. }), "{refused}");
}

#[test]
fn a_pool_that_ends_earlier_ends_at_the_satellite_too() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    cloud.pool(TIER, 5, Some(cloud.wall + days(10)));
    let chassis = satellite.registered(1);
    satellite.sync(&mut cloud);
    satellite.advance(days(10) - Duration::from_millis(1));
    assert_eq!(satellite.tier_of(&chassis), Compliance::InCompliance);
    satellite.advance(Duration::from_millis(1));
    assert_eq!(satellite.tier_of(&chassis), Compliance::OutOfCompliance);
}

#[test]
fn each_flavour_refuses_what_is_the_other_s() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let file = satellite.ask_cloud();
    let name = AccountName { smart_account: "A".into(), virtual_account: "B".into() };
    let pool = Pool { bought: 1, expires: None };
    let at = &mut satellite.authority;
    let spec = TokenSpec { account: Some(name.clone()), ..TokenSpec::default() };
    let told = [
        at.pool_set(NOON, None, TIER, pool).unwrap_err(),
        at.account_new(NOON, &name, true).unwrap_err(),
        at.token_new(NOON, &spec).unwrap_err(),
        at.sync_answer(NOON, &file, None, signing()).unwrap_err(),
        at.satellite_remove(NOON, "x").unwrap_err(),
        at.satellite_list(NOON).unwrap_err(),
    ];
    assert!(told.iter().all(|error| *error == OperatorError::CloudOnly), "{told:?}");
    let at = &mut cloud.authority;
    let told = [
        at.sync_request(NOON, "x").unwrap_err(),
        at.sync_install(NOON, &file).unwrap_err(),
        at.sync_status(NOON).unwrap_err(),
    ];
    assert!(told.iter().all(|error| *error == OperatorError::SatelliteOnly), "{told:?}");
    assert_eq!((cloud.drain(), satellite.drain()), (vec![], vec![]));
}

#[test]
fn an_old_satellite_s_tokens_carry_no_export_flag() {
    for (release, allowed) in [("2.2.1", false), ("2.3.0", true)] {
        let release = Release::parse(release).unwrap();
        let mut satellite = Lab::of(Flavour::Satellite(release), 2);
        let token = satellite.token(&TokenSpec::default());
        let granted = grant(satellite.register(&mut Chassis::new(1), &token, false));
        assert_eq!(granted.export_controlled, allowed, "{release}");
    }
}

#[test]
fn a_restart_at_any_moment_forgets_nothing_of_a_sync() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let seen = |cloud: &Lab, satellite: &Lab| {
        let status = satellite.authority.sync_status(satellite.wall).unwrap();
        let pools = (cloud.authority.pools(cloud.wall), satellite.authority.pools(satellite.wall));
        format!("{status:?}{pools:?}{:?}", cloud.authority.satellite_list(cloud.wall))
    };
    let check = |cloud: &mut Lab, satellite: &mut Lab| {
        let before = seen(cloud, satellite);
        cloud.restart();
        satellite.restart();
        assert_eq!(seen(cloud, satellite), before);
    };
    check(&mut cloud, &mut satellite);
    let chassis = satellite.registered(1);
    satellite.authorize(&chassis, &[(TIER, 1), (CONTEXT, 7)]);
    let request = satellite.ask_cloud();
    check(&mut cloud, &mut satellite);
    let answer = cloud.answer_satellite(&request).unwrap();
    check(&mut cloud, &mut satellite);
    satellite.install(&answer).unwrap();
    check(&mut cloud, &mut satellite);
    cloud.advance(SYNC_MAX + TOLERANCE);
    check(&mut cloud, &mut satellite);
}

#[test]
fn a_state_of_the_other_flavour_is_refused() {
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    satellite.sync(&mut cloud);
    let load = |lab: &Lab, flavour| {
        let stored = lab.flash.clone();
        Authority::load(stored, flavour, Settings::default(), Rng::from_seed(1)).unwrap_err()
    };
    let told = [load(&cloud, SATELLITE), load(&satellite, Flavour::Cloud)].map(|e| e.to_string());
    assert_eq!(
        told[0],
        "it belongs to a cloud authority and not to a satellite: name another state folder"
    );
    assert_eq!(
        told[1],
        "it belongs to a satellite and not to a cloud authority: name another state folder"
    );
    assert_eq!(load(&Lab::new(), SATELLITE).to_string(), told[0]);
}

#[test]
fn satellites_are_bounded() {
    let mut cloud = Lab::new();
    for seed in 0..=SATELLITES_MAX {
        let request = Lab::satellite(u8::try_from(seed + 10).unwrap()).ask_cloud();
        match cloud.answer_satellite(&request) {
            Ok(_) => assert!(seed < SATELLITES_MAX),
            Err(error) => {
                assert_eq!((seed, sync_error(error)), (SATELLITES_MAX, SyncError::Satellites));
            }
        }
    }
}

#[test]
fn an_account_is_opened_once_stocked_or_empty() {
    let mut cloud = Lab::new();
    let name = |text: &str| {
        let virtual_account = text.to_owned();
        AccountName { smart_account: "vfxos Lab".into(), virtual_account }
    };
    for (text, stocked, bought) in [("Full", true, 10), ("Empty", false, 0)] {
        cloud.authority.account_new(cloud.wall, &name(text), stocked).unwrap();
        let pools = cloud.authority.pools(cloud.wall);
        let pool = pools.iter().find(|p| p.virtual_account == text && p.tag == TIER_NAME).unwrap();
        assert_eq!(pool.bought, bought);
        let again = cloud.authority.account_new(cloud.wall, &name(text), stocked).unwrap_err();
        assert!(matches!(again, OperatorError::AccountExists { .. }), "{again}");
    }
    let refused = cloud.authority.account_new(cloud.wall, &name("a\n"), true).unwrap_err();
    assert_eq!(refused, OperatorError::AccountName);
    cloud.drain();
    cloud.registered(1);
    cloud.restart();
    let list = cloud.authority.account_list(cloud.wall);
    let told: Vec<_> =
        list.iter().map(|a| (a.virtual_account.as_str(), a.tokens, a.instances)).collect();
    assert_eq!(told, [("vfxos Default", 1, 1), ("Full", 0, 0), ("Empty", 0, 0)]);
}

/// A chassis that a satellite still speaks of, and one that came to a satellite although reserved.
#[test]
fn a_reserved_chassis_counts_by_its_reservation_whatever_a_satellite_reports() {
    let key = SigningKey::from_seed(&[42; 32]);
    let (mut cloud, mut satellite) = (Lab::new(), Lab::satellite(2));
    let code = |number: u8, seed: u64| {
        let secret = crate::wire::reservation::Secret::draw(&mut Rng::from_seed(seed));
        let udi = Chassis::new(number).device.udi;
        crate::wire::reservation::RequestCode { udi, commitment: secret.commitment() }.to_string()
    };
    let authorize = |lab: &mut Lab, code: &str| {
        let facts = lab.authority.reservation_authorize(lab.wall, code, None, &key);
        lab.drain();
        facts.map(|_| ())
    };
    assert_eq!(authorize(&mut satellite, &code(1, 1)), Err(OperatorError::CloudOnly));
    authorize(&mut cloud, &code(1, 1)).unwrap();

    let (reserved, other) = (satellite.registered(1), satellite.registered(2));
    satellite.tier_of(&reserved);
    satellite.tier_of(&other);
    satellite.sync(&mut cloud);
    assert_eq!(cloud.tier().in_use, 1, "the other's alone");
    cloud.restart();
    assert_eq!(cloud.tier().in_use, 1);
    assert_eq!(cloud.authority.ledger.totals(), cloud.authority.ledger.counted());
    let serial = other.device.udi.serial.clone();
    let claimed = authorize(&mut cloud, &code(2, 2));
    assert_eq!(claimed, Err(OperatorError::Registered { serial }), "reported by the satellite");

    cloud.authority.reservation_remove(cloud.wall, &reserved.device.udi.serial).unwrap();
    cloud.drain();
    assert_eq!(cloud.tier().in_use, 2, "without it the report counts");
    assert_eq!(cloud.authority.ledger.totals(), cloud.authority.ledger.counted());
}
