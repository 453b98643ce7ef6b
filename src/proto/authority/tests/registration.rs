//! Every refusal, their order and exact words; repeats and replays.

use super::*;

#[test]
fn a_registration_grants_what_the_token_says() {
    let mut lab = Lab::new();
    let account =
        AccountName { smart_account: "vfxos Lab".into(), virtual_account: "Lab EU".into() };
    let spec = TokenSpec { account: Some(account), export_controlled: false, ..Default::default() };
    let token = lab.token(&spec);
    let granted = grant(lab.register(&mut Chassis::new(1), &token, false));
    assert_eq!(granted.smart_account, "vfxos Lab");
    assert_eq!(granted.virtual_account, "Lab EU");
    assert!(!granted.export_controlled);
    assert_eq!(granted.not_before, Utc::from_civil(2020, 8, 4, 11, 55, 0));
    assert_eq!(granted.not_after, Utc::from_civil(2021, 8, 4, 11, 55, 0));
    assert_eq!(lab.authority.tokens(lab.wall)[0].uses, 1);
}

#[test]
fn a_token_has_the_shape_of_the_seed_s_and_says_whose_it_is() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    // The seed's: ODNmNTEx…MTkz%0ANDk0…lrmxm%0ATGczND0%3D%0A
    let mut lab = Lab::new();
    let text = lab.token(&TokenSpec { valid_days: 30, ..Default::default() });
    let lines: Vec<_> = text.split("%0A").collect();
    assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [60, 60, 10, 0]);
    assert!(lines[2].ends_with("%3D"));
    crate::base::ident::IdToken::parse(&text).unwrap();
    let plain = STANDARD.decode(text.replace("%0A", "").replace("%3D", "=")).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    let (head, tail) = plain.split_once('|').unwrap();
    let expiry = (NOON + days(30)).unix_ms();
    assert_eq!(&head[36..], format!("-{expiry}"));
    assert_eq!(tail.len(), 44);
    assert!(STANDARD.decode(tail).unwrap().starts_with(b"vfxos-lab-"));
}

#[test]
fn a_token_that_does_not_work_is_refused_in_the_seed_s_words() {
    let mut lab = Lab::new();
    let good = lab.token(&TokenSpec::default());
    let expired = lab.token(&TokenSpec { valid_days: 1, ..Default::default() });
    let once = lab.token(&TokenSpec { uses_max: Some(1), ..Default::default() });
    let revoked = lab.token(&TokenSpec::default());
    lab.authority.token_revoke(lab.wall, &revoked).unwrap();
    lab.drain();
    grant(lab.register(&mut Chassis::new(1), &once, false));
    lab.advance(days(1));
    let damaged = format!("{}%0B", good.strip_suffix("%0A").unwrap());
    for (number, token) in [expired, once, revoked, damaged, "ODNm".to_owned()].iter().enumerate() {
        let verdict = lab.register(&mut Chassis::new(10 + number as u8), token, true);
        let text = format!("{{\"token\":[\"The token '{token}' is not valid.\"]}}");
        assert_eq!(refusal(verdict), (RefusalKind::Token, text), "{number}");
    }
    grant(lab.register(&mut Chassis::new(99), &good, false));
}

#[test]
fn a_token_s_last_moment_and_last_use_are_the_ones_it_names() {
    let mut lab = Lab::new();
    let spec = TokenSpec { valid_days: 1, uses_max: Some(2), ..Default::default() };
    let token = lab.token(&spec);
    lab.advance(days(1) - Duration::from_millis(1));
    grant(lab.register(&mut Chassis::new(1), &token, false));
    assert_eq!(lab.authority.tokens(lab.wall)[0].state, TokenState::Active);
    grant(lab.register(&mut Chassis::new(2), &token, false));
    assert_eq!(lab.authority.tokens(lab.wall)[0].state, TokenState::UsedUp);
    lab.advance(Duration::from_millis(1));
    assert_eq!(lab.authority.tokens(lab.wall)[0].state, TokenState::Expired);
}

#[test]
fn a_serial_number_that_is_taken_is_refused_in_the_seed_s_words() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let device = Device {
        udi: Udi { pid: "F9K-C9300-SUP-K9".into(), serial: "JAD1234567S".into() },
        product: "FPR9300".into(),
        sudi_pid: "FPR9K-SUP".into(),
        hostname: "FPR9300".into(),
        agent: "1.2.2_throttle/6".into(),
    };
    let mut first = Chassis { device: device.clone(), ..Chassis::new(1) };
    let before = grant(lab.register(&mut first, &token, false)).instance;
    let mut reset = Chassis { device, ..Chassis::new(2) };
    let seed = r#"{"sudi":["The product 'firepower.com.cisco.FPR9300,1.0_ed6dadbe-c965-4aeb-ab58-62e34033b453' and sudi {\"suvi\"=>nil, \"uuid\"=>nil, \"host_identifier\"=>nil, \"udi_pid\"=>\"FPR9K-SUP\", \"udi_serial_number\"=>\"JAD1234567S\", \"udi_vid\"=>nil, \"mac_address\"=>nil} have already been registered."]}"#;
    let refused = refusal(lab.register(&mut reset, &token, false));
    assert_eq!(refused, (RefusalKind::AlreadyRegistered, seed.to_owned()));

    let after = grant(lab.register(&mut reset, &token, true)).instance;
    assert_ne!(after, before);
    assert_eq!(lab.authority.instances().len(), 1);
    // The one that was replaced is no longer known, whatever it signs.
    let verdict = lab.send(&first, first.renew());
    assert_eq!(refusal(verdict).0, RefusalKind::UnknownInstance);
}

#[test]
fn a_clock_that_is_off_is_refused_in_the_seed_s_words() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let chassis = Chassis::new(1);
    let mut request = lab.request(&chassis, chassis.registration(&token, false));
    request.sent_at = Utc::from_unix_ms(1_453_329_321_505);
    let text = "{\"timestamp\":[\"The device date '1453329321505' is offset beyond the allowed tolerance limit.\"]}";
    let refused = refusal(lab.send_as(&chassis.key, &request));
    assert_eq!(refused, (RefusalKind::Timestamp, text.to_owned()));

    let table = [(-3_600_001, false), (-3_600_000, true), (3_600_000, true), (3_600_001, false)];
    for (off_ms, taken) in table {
        let mut lab = Lab::new();
        let token = lab.token(&TokenSpec::default());
        let mut request = lab.request(&chassis, chassis.registration(&token, false));
        request.sent_at = lab.wall.shifted_ms(off_ms);
        let verdict = lab.send_as(&chassis.key, &request);
        assert_eq!(matches!(verdict, Verdict::Registered(_)), taken, "{off_ms}");
    }
}

/// Which of several faults is told first.
#[test]
fn faults_are_told_in_the_order_key_signature_timestamp_token_serial() {
    let faults = |which: [bool; 5]| {
        let [key, signature, timestamp, token, serial] = which;
        let mut lab = Lab::new();
        let good = lab.token(&TokenSpec::default());
        if serial {
            grant(lab.register(&mut Chassis::new(1), &good, false));
        }
        let chassis = Chassis { key: SigningKey::from_seed(&[77; 32]), ..Chassis::new(1) };
        let typed = if token { "ODNm" } else { &good };
        let mut request = lab.request(&chassis, chassis.registration(typed, false));
        if timestamp {
            request.sent_at = lab.wall + days(1);
        }
        if key {
            let public_key = "no key".to_owned();
            request.ask = Ask::Register { token: typed.to_owned(), force: false, public_key };
        }
        let signer = SigningKey::from_seed(&[if signature { 5 } else { 77 }; 32]);
        match lab.send_as(&signer, &request) {
            Verdict::Refused { kind, .. } => Some(kind),
            _ => None,
        }
    };
    let order = [
        RefusalKind::Malformed,
        RefusalKind::Signature,
        RefusalKind::Timestamp,
        RefusalKind::Token,
        RefusalKind::AlreadyRegistered,
    ];
    for bits in 0..32u8 {
        let which = [0, 1, 2, 3, 4].map(|n| bits >> n & 1 == 1);
        let first = which.iter().position(|fault| *fault).map(|n| order[n]);
        assert_eq!(faults(which), first, "{which:?}");
    }
}

/// The table of what comes after registration: each ask against each fault.
#[test]
fn every_later_request_must_come_from_the_instance_itself() {
    type Fault = fn(&mut Request, &mut Vec<u8>);
    let faults: [(&str, Fault, RefusalKind); 5] = [
        (
            "another key",
            |request, signature| {
                *signature = SigningKey::from_seed(&[200; 32]).sign(&request.to_json());
            },
            RefusalKind::Signature,
        ),
        ("no signature", |_, signature| signature.clear(), RefusalKind::Signature),
        (
            "another chassis's name",
            |request, signature| {
                request.device.udi.serial = "JAD99999999".into();
                *signature = SigningKey::from_seed(&[1; 32]).sign(&request.to_json());
            },
            RefusalKind::Signature,
        ),
        (
            "another chassis's instance",
            |request, signature| {
                let other = "00000000-0000-4000-8000-000000000000".to_owned();
                match &mut request.ask {
                    Ask::Renew { instance }
                    | Ask::Authorize { instance, .. }
                    | Ask::Deregister { instance } => *instance = other,
                    Ask::Register { .. } => unreachable!("not in this table"),
                }
                *signature = SigningKey::from_seed(&[1; 32]).sign(&request.to_json());
            },
            RefusalKind::UnknownInstance,
        ),
        (
            "a clock that is off",
            |request, signature| {
                request.sent_at = request.sent_at + days(2);
                *signature = SigningKey::from_seed(&[1; 32]).sign(&request.to_json());
            },
            RefusalKind::Timestamp,
        ),
    ];
    for (what, fault, want) in faults {
        let mut lab = Lab::new();
        let chassis = lab.registered(1);
        lab.authorize(&chassis, &[(TIER, 1)]);
        let before = (lab.flash.clone(), lab.authority.instances());
        for ask in [chassis.renew(), chassis.uses(&[(TIER, 2)]), chassis.deregister()] {
            let mut request = lab.request(&chassis, ask);
            let mut signature = chassis.key.sign(&request.to_json());
            fault(&mut request, &mut signature);
            let verdict = lab.send_signed(&request, request.to_json(), signature);
            assert_eq!(refusal(verdict).0, want, "{what}: {:?}", request.ask);
        }
        assert_eq!((lab.flash.clone(), lab.authority.instances()), before, "{what}");
    }
}

#[test]
fn a_tag_that_is_listed_twice_is_refused() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    let verdict = lab.send(&chassis, chassis.uses(&[(TIER, 1), (TIER, 1)]));
    assert_eq!(refusal(verdict).0, RefusalKind::Malformed);
}

#[test]
fn a_registration_whose_answer_was_lost_is_granted_again() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec { uses_max: Some(1), ..Default::default() });
    let mut chassis = Chassis::new(1);
    let request = lab.request(&chassis, chassis.registration(&token, false));
    let first = grant(lab.send_as(&chassis.key, &request));
    // The same request, then another try a while later.
    assert_eq!(grant(lab.send_as(&chassis.key, &request)), first);
    lab.restart();
    lab.advance(Duration::from_secs(1076));
    assert_eq!(grant(lab.register(&mut chassis, &token, false)), first);
    assert_eq!(lab.authority.tokens(lab.wall)[0].uses, 1);
    assert_eq!(lab.authority.instances().len(), 1);
}

#[test]
fn a_registration_after_the_grant_arrived_is_a_new_one() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let other = lab.token(&TokenSpec::default());
    let mut chassis = Chassis::new(1);
    grant(lab.register(&mut chassis, &token, false));
    // Unheard of yet, but with another token or key: not the answer that was lost.
    let verdict = lab.register(&mut chassis, &other, false);
    assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
    let mut reset = Chassis { key: SigningKey::from_seed(&[9; 32]), ..Chassis::new(1) };
    let verdict = lab.register(&mut reset, &token, false);
    assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
    // Heard of: the grant arrived.
    lab.authorize(&chassis, &[]);
    let verdict = lab.register(&mut chassis, &token, false);
    assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
}

#[test]
fn the_last_request_is_answered_again_and_an_older_one_is_not() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    lab.pool(TIER, 1, None);
    let first = lab.request(&chassis, chassis.uses(&[(TIER, 1)]));
    lab.send_as(&chassis.key, &first);
    lab.advance(Duration::from_secs(60));
    let renewal = lab.request(&chassis, chassis.renew());
    let renewed = lab.send_as(&chassis.key, &renewal);
    lab.advance(Duration::from_secs(60));
    // Not extended twice.
    assert_eq!(lab.send_as(&chassis.key, &renewal), renewed);
    let last = lab.request(&chassis, chassis.uses(&[]));
    lab.send_as(&chassis.key, &last);
    for stale in [&first, &renewal] {
        let (kind, text) = refusal(lab.send_as(&chassis.key, stale));
        assert_eq!(kind, RefusalKind::Malformed);
        assert_eq!(text, "{\"nonce\":[\"The request was answered before.\"]}");
    }
    assert_eq!(lab.authority.instances()[0].in_use, []);
    lab.restart();
    assert_eq!(refusal(lab.send_as(&chassis.key, &first)).0, RefusalKind::Malformed);
}

#[test]
fn what_was_forgotten_is_still_no_way_in() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    let old = lab.request(&chassis, chassis.uses(&[(TIER, 1)]));
    lab.send_as(&chassis.key, &old);
    for _ in 0..2 * SEEN_MAX {
        lab.advance(Duration::from_secs(1));
        lab.authorize(&chassis, &[]);
    }
    assert_eq!(refusal(lab.send_as(&chassis.key, &old)).0, RefusalKind::Malformed);
    assert_eq!(lab.authority.instances()[0].in_use, []);
}

#[test]
fn a_lab_whose_date_is_set_back_goes_on() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    for _ in 0..2 * SEEN_MAX {
        lab.advance(Duration::from_millis(1));
        lab.authorize(&chassis, &[(TIER, 1)]);
    }
    lab.wall = Utc::from_civil(2019, 1, 1, 0, 0, 0);
    for _ in 0..2 * SEEN_MAX {
        lab.advance(Duration::from_millis(1));
        lab.authorize(&chassis, &[(TIER, 1)]);
    }
}

#[test]
fn a_renewal_begins_a_new_certificate() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    lab.authorize(&chassis, &[]);
    lab.advance(days(80));
    let renewed = grant(lab.send(&chassis, chassis.renew()));
    assert_eq!(renewed.instance, chassis.instance);
    assert_eq!(renewed.not_before, lab.wall - Duration::from_secs(300));
    assert_eq!(renewed.not_after, renewed.not_before + days(365));
}

#[test]
fn deregistering_frees_the_serial_number_and_its_licences() {
    let mut lab = Lab::new();
    lab.pool(TIER, 1, None);
    let chassis = lab.registered(1);
    lab.authorize(&chassis, &[(TIER, 1)]);
    assert_eq!(lab.send(&chassis, chassis.deregister()), Verdict::Deregistered);
    assert_eq!(lab.authority.instances(), []);
    let verdict = lab.send(&chassis, chassis.deregister());
    assert_eq!(refusal(verdict).0, RefusalKind::UnknownInstance);
    let again = lab.registered(1);
    let answer = lab.authorize(&again, &[(TIER, 1)]);
    assert_eq!(answer[0].compliance, Compliance::InCompliance);
}

#[test]
fn faults_an_operator_sets_change_what_is_sent() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let chassis = lab.registered(1);
    let faulty = Settings {
        tolerance: Duration::from_secs(10),
        refuse_token: true,
        already_registered: false,
        refuse_renewal: true,
        pool_short: true,
        ..Settings::default()
    };
    lab.authority.set_settings(faulty.clone());
    let verdict = lab.register(&mut Chassis::new(2), &token, false);
    assert_eq!(refusal(verdict).0, RefusalKind::Token);
    assert_eq!(refusal(lab.send(&chassis, chassis.renew())).0, RefusalKind::UnknownInstance);
    let short = lab.authorize(&chassis, &[(TIER, 1)]);
    assert_eq!(short[0].compliance, Compliance::OutOfCompliance);
    let mut late = lab.request(&chassis, chassis.uses(&[]));
    late.sent_at = late.sent_at - Duration::from_secs(11);
    assert_eq!(refusal(lab.send_as(&chassis.key, &late)).0, RefusalKind::Timestamp);

    let taken = Settings { already_registered: true, ..Settings::default() };
    lab.authority.set_settings(taken);
    let verdict = lab.register(&mut Chassis::new(3), &token, true);
    assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered);
    lab.authority.set_settings(Settings::default());
    grant(lab.send(&chassis, chassis.renew()));

    let (one, other) = (lab.registered(4), lab.registered(5));
    let some = BTreeMap::from([(one.device.udi.serial.clone(), faulty)]);
    lab.authority.set_settings(Settings { some, ..Settings::default() });
    assert_eq!(refusal(lab.send(&one, one.renew())).0, RefusalKind::UnknownInstance);
    grant(lab.send(&other, other.renew()));
}
