//! Agents that mean ill: floods, inventions, other people's names. What they can't change must not
//! grow either.

use super::*;
use crate::wire::callhome::TEXT_MAX;

/// Everything that could grow.
fn sizes(lab: &Lab) -> [usize; 4] {
    let authority = &lab.authority;
    [
        authority.tokens.len(),
        authority.ledger.len(),
        lab.flash.len(),
        authority.ledger.totals().0.len(),
    ]
}

/// A device that calls itself as it likes.
fn impostor(number: u32, serial: &str) -> Chassis {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    let mut chassis = Chassis { key: SigningKey::from_seed(&seed), ..Chassis::new(1) };
    serial.clone_into(&mut chassis.device.udi.serial);
    chassis
}

#[test]
fn a_flood_of_nonsense_changes_nothing_and_fills_nothing() {
    let mut lab = Lab::new();
    let victim = lab.registered(1);
    lab.authorize(&victim, &[(TIER, 1)]);
    let token = lab.token(&TokenSpec::default());
    let before = (sizes(&lab), lab.flash.clone(), lab.authority.instances());
    for number in 0..2_000 {
        let one = impostor(number, &format!("X{number}"));
        let ask = match number % 6 {
            0 => one.registration(&"o".repeat(255), true),
            1 => Ask::Register { token: token.clone(), force: true, public_key: "AAAA".into() },
            2 => Ask::Renew { instance: format!("{number}") },
            3 => Ask::Deregister { instance: victim.instance.clone() },
            4 => Ask::Authorize { instance: victim.instance.clone(), in_use: Vec::new() },
            _ => one.registration(&token, true),
        };
        let request = lab.request(&one, ask);
        let body = request.to_json();
        // What would be granted lacks its signature.
        let signature = if number % 6 == 5 { vec![0; 64] } else { one.key.sign(&body) };
        let verdict = lab.send_signed(&request, body, signature);
        let (_, text) = refusal(verdict);
        assert!(text.len() <= TEXT_MAX, "{text}");
    }
    assert_eq!((sizes(&lab), lab.flash.clone(), lab.authority.instances()), before);
    assert_eq!(lab.authority.events().count(), EVENTS_MAX, "the log is a ring");
    assert_eq!(lab.authorize(&victim, &[(TIER, 1)])[0].compliance, Compliance::InCompliance);
}

#[test]
fn a_name_that_is_taken_is_not_to_be_had_with_another_key() {
    let mut lab = Lab::new();
    let victim = lab.registered(1);
    let serial = victim.device.udi.serial.clone();
    let token = lab.token(&TokenSpec::default());
    for number in 0..50 {
        let mut thief = impostor(number, &serial);
        let verdict = lab.register(&mut thief, &token, false);
        assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
        thief.instance = victim.instance.clone();
        for ask in [thief.renew(), thief.uses(&[(TIER, 9)]), thief.deregister()] {
            assert_eq!(refusal(lab.send(&thief, ask)).0, RefusalKind::Signature);
        }
    }
    assert_eq!(lab.authority.instances().len(), 1);
    let uses = |lab: &Lab| lab.authority.tokens(lab.wall).iter().map(|one| one.uses).sum::<u32>();
    assert_eq!(uses(&lab), 1, "no refusal spends a token");
}

#[test]
fn a_replay_is_no_way_in_however_often() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    lab.pool(CONTEXT, 5, None);
    let mut old = Vec::new();
    for count in 1..=20 {
        lab.advance(Duration::from_secs(1));
        let request = lab.request(&chassis, chassis.uses(&[(CONTEXT, count)]));
        lab.send_as(&chassis.key, &request);
        old.push(request);
    }
    let last = old.pop().unwrap();
    let before = lab.flash.clone();
    for request in old.iter().cycle().take(500) {
        let (kind, text) = refusal(lab.send_as(&chassis.key, request));
        assert_eq!((kind, text.contains("nonce")), (RefusalKind::Malformed, true));
    }
    assert_eq!(lab.flash, before);
    assert!(matches!(lab.send_as(&chassis.key, &last), Verdict::Authorized(_)));
    // Once the authority's tolerance has passed, not even the last is taken.
    lab.advance(TOLERANCE + Duration::from_secs(30));
    assert_eq!(refusal(lab.send_as(&chassis.key, &last)).0, RefusalKind::Timestamp);
    let total: u64 = lab.authority.ledger.totals().0.values().sum();
    assert_eq!(total, 20);
}

#[test]
fn absurd_counts_add_up_without_overflow() {
    let mut lab = Lab::new();
    lab.pool(CONTEXT, u32::MAX, None);
    for number in 1..=5 {
        let chassis = lab.registered(number);
        let answer = lab.authorize(&chassis, &[(CONTEXT, u32::MAX), (TIER, u32::MAX)]);
        let fits = number == 1;
        assert_eq!(answer[0].compliance == Compliance::InCompliance, fits, "{number}");
    }
    let total: u64 = lab.authority.ledger.totals().0.values().sum();
    assert_eq!(total, 10 * u64::from(u32::MAX));
    lab.restart();
    assert_eq!(lab.authority.ledger.totals(), lab.authority.ledger.counted());
}

/// Ten thousand chassis: each costs what the first did, and all are there again after a restart.
#[test]
fn ten_thousand_registrations_are_known_again() {
    const MANY: u32 = 10_000;
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec { uses_max: Some(MANY), ..Default::default() });
    lab.pool(TIER, MANY, None);
    let tier = Use { tag: tag_of(TIER), count: 1 };
    let mut last = None;
    for number in 0..MANY {
        let mut one = impostor(number, &format!("JAD{number:08}"));
        let granted = grant(lab.register(&mut one, &token, false));
        // Signing every later request too would be most of the test's time.
        if number % 100 == 0 {
            let verdict = lab.send(&one, one.uses(&[(TIER, 1)]));
            assert!(matches!(verdict, Verdict::Authorized(_)), "{verdict:?}");
        } else {
            let used = vec![tier.clone()];
            let known = lab.authority.ledger.update(&granted.instance, |known| known.in_use = used);
            let record = Record::instance(known.unwrap());
            lab.flash.insert(record.key, record.value.unwrap());
        }
        last = Some(one);
    }
    let seen = |lab: &Lab| {
        let total: u64 = lab.authority.ledger.totals().0.values().sum();
        (lab.authority.ledger.len(), total)
    };
    assert_eq!(seen(&lab), (10_000, 10_000));
    let refused = lab.register(&mut impostor(MANY, "one more"), &token, false);
    assert_eq!(refusal(refused).0, RefusalKind::Token, "the token is used up");
    lab.restart();
    assert_eq!(seen(&lab), (10_000, 10_000));
    assert_eq!(lab.authority.ledger.totals(), lab.authority.ledger.counted());
    let last = last.unwrap();
    let answer = lab.authorize(&last, &[(TIER, 2)]);
    assert_eq!(answer[0].compliance, Compliance::OutOfCompliance, "10,001 of 10,000");
    // All fall silent at once, and end at once.
    lab.advance(SILENCE_MAX);
    assert_eq!(seen(&lab), (10_000, 0));
    lab.advance(CERT_VALID);
    assert_eq!(seen(&lab), (0, 0));
    assert!(!lab.flash.keys().any(|key| key.contains("/instance/")));
}

#[test]
fn a_full_authority_says_so_and_keeps_serving() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let first = lab.registered(1);
    let like = lab.authority.ledger.get(&first.instance).unwrap().clone();
    for number in 1..INSTANCES_MAX {
        let mut one = like.clone();
        one.id = format!("{number}");
        one.device.udi.serial = format!("X{number}");
        lab.authority.ledger.insert(one);
    }
    let verdict = lab.register(&mut Chassis::new(2), &token, false);
    let (kind, text) = refusal(verdict);
    assert_eq!((kind, text.contains("no room")), (RefusalKind::Malformed, true), "{text}");
    assert_eq!(lab.authority.ledger.len(), INSTANCES_MAX);
    let answer = lab.authorize(&first, &[(TIER, 1)]);
    assert_eq!(answer[0].compliance, Compliance::InCompliance);
    // One that is replaced needs no room of its own.
    grant(lab.register(&mut impostor(7, "X5"), &token, true));
}
