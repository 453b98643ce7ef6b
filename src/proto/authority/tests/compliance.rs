//! Pools and totals: by hand, by the calendar, and against a model that counts from scratch.

use proptest::prelude::*;

use super::*;
use Compliance::{InCompliance, OutOfCompliance, UnknownTag};

#[test]
fn the_account_s_total_decides_for_all_who_use_the_tag() {
    let mut lab = Lab::new();
    lab.pool("firepower_4100_asa_standard", 2, None);
    let [a, b, c] = [1, 2, 3].map(|n| lab.registered(n));
    assert_eq!(lab.authorize(&a, &[(TIER, 1)])[0].compliance, InCompliance);
    assert_eq!(lab.authorize(&b, &[(TIER, 1)])[0].compliance, InCompliance);
    assert_eq!(lab.authorize(&c, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    // Repeating what is in use counts it once; those who came first are over as well now.
    assert_eq!(lab.authorize(&a, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    lab.authorize(&b, &[]);
    assert_eq!(lab.authorize(&a, &[(TIER, 1)])[0].compliance, InCompliance);
    lab.authorize(&b, &[(TIER, 1)]);
    assert_eq!(lab.authorize(&a, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    lab.authority.instance_remove(lab.wall, "JAD00000003").unwrap();
    lab.drain();
    assert_eq!(lab.authorize(&a, &[(TIER, 1)])[0].compliance, InCompliance);
}

#[test]
fn an_answer_tells_name_and_description_and_what_is_not_sold() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    let foreign = "regid.2020-01.org.example.THING,1.0_1";
    let answer = lab.authorize(&chassis, &[(TIER, 1), (foreign, 7), (CONTEXT, 0)]);
    let told: Vec<_> = answer.iter().map(|a| (a.name.as_str(), a.count, a.compliance)).collect();
    let want = [
        ("Firepower 4100 ASA Standard", 1, InCompliance),
        ("", 7, UnknownTag),
        ("Firepower 4100 ASA Security Contexts", 0, InCompliance),
    ];
    assert_eq!(told, want);
    assert_eq!(answer[0].description, "Firepower 4100 ASA Standard");
    // What isn't sold and what isn't used is not kept.
    assert_eq!(lab.authority.instances()[0].in_use.len(), 1);
}

#[test]
fn a_pool_ends_on_its_day() {
    let mut lab = Lab::new();
    let end = lab.wall + days(10);
    lab.pool(TIER, 5, Some(end));
    let chassis = lab.registered(1);
    lab.advance(days(10) - Duration::from_millis(1));
    assert_eq!(lab.authorize(&chassis, &[(TIER, 1)])[0].compliance, InCompliance);
    lab.advance(Duration::from_millis(1));
    assert_eq!(lab.authorize(&chassis, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    let pools = lab.authority.pools(lab.wall);
    let pool = pools.iter().find(|pool| pool.tag == "FIREPOWER_4100_ASA_STANDARD").unwrap();
    assert_eq!((pool.bought, pool.available, pool.in_use), (5, 0, 1));
    assert!(!pool.in_compliance);
}

#[test]
fn a_silent_instance_frees_its_licences_until_it_speaks_again() {
    let mut lab = Lab::new();
    lab.pool(TIER, 1, None);
    let (quiet, other) = (lab.registered(1), lab.registered(2));
    lab.authorize(&quiet, &[(TIER, 1)]);
    lab.advance(days(89));
    assert_eq!(lab.authorize(&other, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    lab.advance(days(1));
    let silent = |lab: &Lab| lab.authority.instance(&quiet.instance).unwrap().silent;
    assert!(silent(&lab));
    assert_eq!(lab.authorize(&other, &[(TIER, 1)])[0].compliance, InCompliance);
    lab.restart();
    assert_eq!(lab.authorize(&other, &[(TIER, 1)])[0].compliance, InCompliance);
    assert_eq!(lab.authorize(&quiet, &[(TIER, 1)])[0].compliance, OutOfCompliance);
    assert!(!silent(&lab));
}

#[test]
fn an_instance_is_forgotten_when_its_certificate_ends() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    lab.authorize(&chassis, &[(TIER, 1)]);
    let end = lab.authority.instances()[0].not_after;
    lab.advance(end.since(lab.wall) - Duration::from_millis(1));
    assert_eq!(lab.authority.instances().len(), 1);
    lab.advance(Duration::from_millis(1));
    assert_eq!(lab.authority.instances(), []);
    assert!(!lab.flash.keys().any(|key| key.contains("/instance/")));
    assert_eq!(refusal(lab.send(&chassis, chassis.renew())).0, RefusalKind::UnknownInstance);
}

#[test]
fn poll_names_the_next_deadline() {
    let mut lab = Lab::new();
    let waits = |lab: &mut Lab| match lab.authority.poll(now(lab.wall)) {
        Next::Wait(until) => until.map(|until| until.since(crate::base::time::Instant::ZERO)),
        Next::Do(output) => panic!("{output:?}"),
    };
    assert_eq!(waits(&mut lab), None);
    lab.registered(1);
    assert_eq!(waits(&mut lab), Some(SILENCE_MAX));
    lab.advance(SILENCE_MAX);
    assert_eq!(waits(&mut lab), Some(CERT_VALID - CERT_BACKDATED - SILENCE_MAX));
    lab.advance(CERT_VALID - CERT_BACKDATED - SILENCE_MAX);
    assert_eq!(waits(&mut lab), None);
}

/// What may happen in the model, to a chassis, a tag and a number.
#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Authorize(u8, Vec<(usize, u32)>),
    Deregister(u8),
    Remove(u8),
    Move(u8, bool),
    Pool(bool, usize, u32),
    Wait(u16),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let uses = prop::collection::btree_map(0..4usize, 0..6u32, 0..4);
    prop_oneof![
        4 => (1..6u8).prop_map(Step::Register),
        8 => (1..6u8, uses).prop_map(|(n, uses)| Step::Authorize(n, uses.into_iter().collect())),
        1 => (1..6u8).prop_map(Step::Deregister),
        1 => (1..6u8).prop_map(Step::Remove),
        1 => (1..6u8, any::<bool>()).prop_map(|(n, first)| Step::Move(n, first)),
        2 => (any::<bool>(), 0..4usize, 0..12u32).prop_map(|(a, t, n)| Step::Pool(a, t, n)),
        3 => (0..120u16).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// One instance of the model.
#[derive(Clone, Debug)]
struct Known {
    first_account: bool,
    uses: Vec<(usize, u32)>,
    heard: Utc,
    ends: Utc,
}

fn other_account() -> AccountName {
    AccountName { smart_account: "vfxos Lab".into(), virtual_account: "Other".into() }
}

/// Adds up a tag's uses in an account, from scratch.
fn counted(model: &BTreeMap<u8, Known>, wall: Utc, first: bool, tag: usize) -> u64 {
    let heard = model.values().filter(|known| wall < known.heard + SILENCE_MAX);
    let uses = heard.filter(|known| known.first_account == first).flat_map(|known| &known.uses);
    uses.filter(|(used, _)| *used == tag).map(|(_, count)| u64::from(*count)).sum()
}

proptest! {
    #[test]
    fn totals_and_verdicts_are_what_a_count_from_scratch_says(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut lab = Lab::new();
        let mut model: BTreeMap<u8, Known> = BTreeMap::new();
        let mut chassis: BTreeMap<u8, Chassis> = BTreeMap::new();
        let mut pools: BTreeMap<(bool, usize), u32> = BTreeMap::new();
        lab.token(&TokenSpec { account: Some(other_account()), ..Default::default() });
        for step in steps {
            match step {
                Step::Register(n) => {
                    let token = lab.token(&TokenSpec { valid_days: 1, ..Default::default() });
                    let mut one = Chassis::new(n);
                    let verdict = lab.register(&mut one, &token, false);
                    prop_assert_eq!(matches!(verdict, Verdict::Registered(_)), !model.contains_key(&n));
                    if let Verdict::Registered(granted) = verdict {
                        let (heard, ends) = (lab.wall, granted.not_after);
                        let known = Known { first_account: true, uses: vec![], heard, ends };
                        model.insert(n, known);
                        chassis.insert(n, one);
                    }
                }
                Step::Authorize(n, uses) => {
                    let Some(known) = model.get_mut(&n) else { continue };
                    (known.uses, known.heard) = (uses.clone(), lab.wall);
                    let first = known.first_account;
                    let named: Vec<_> = uses.iter().map(|(t, c)| (CATALOGUE[*t].tag, *c)).collect();
                    for (answer, (tag, count)) in lab.authorize(&chassis[&n], &named).iter().zip(&uses) {
                        let bought = pools.get(&(first, *tag)).copied();
                        let bought = bought.unwrap_or(Pool::stocked(CATALOGUE[*tag].tag).bought);
                        let total = counted(&model, lab.wall, first, *tag);
                        let fits = *count == 0 || total <= u64::from(bought);
                        prop_assert_eq!(answer.compliance == InCompliance, fits);
                    }
                }
                Step::Deregister(n) => if model.remove(&n).is_some() {
                    let one = &chassis[&n];
                    prop_assert_eq!(lab.send(one, one.deregister()), Verdict::Deregistered);
                },
                Step::Remove(n) => {
                    let serial = Chassis::new(n).device.udi.serial;
                    let removed = lab.authority.instance_remove(lab.wall, &serial);
                    lab.drain();
                    prop_assert_eq!(removed.is_ok(), model.remove(&n).is_some());
                }
                Step::Move(n, first) => {
                    let to = if first { AccountName::default() } else { other_account() };
                    let serial = Chassis::new(n).device.udi.serial;
                    let moved = lab.authority.instance_transfer(lab.wall, &serial, &to);
                    lab.drain();
                    prop_assert_eq!(moved.is_ok(), model.contains_key(&n));
                    if let Some(known) = model.get_mut(&n) {
                        known.first_account = first;
                    }
                }
                Step::Pool(first, tag, bought) => {
                    let account = if first { AccountName::default() } else { other_account() };
                    let pool = Pool { bought, expires: None };
                    let tag_text = CATALOGUE[tag].tag;
                    lab.authority.pool_set(lab.wall, Some(&account), tag_text, pool).unwrap();
                    lab.drain();
                    pools.insert((first, tag), bought);
                }
                Step::Wait(n) => {
                    lab.advance(days(u64::from(n)));
                    model.retain(|_, known| known.ends > lab.wall);
                }
                Step::Restart => lab.restart(),
            }
            prop_assert_eq!(lab.authority.ledger.totals(), lab.authority.ledger.counted());
            for pool in lab.authority.pools(lab.wall) {
                let first = pool.virtual_account != "Other";
                let row = CATALOGUE.iter().position(|row| row.name == pool.name);
                let want = row.map_or(0, |row| counted(&model, lab.wall, first, row));
                prop_assert_eq!(pool.in_use, want);
            }
        }
    }
}
