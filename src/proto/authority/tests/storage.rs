//! What is kept, what comes back, and that neither grows without bound.

use super::*;

/// Everything an operator can see.
fn seen(lab: &Lab) -> String {
    let authority = &lab.authority;
    let (tokens, pools) = (authority.tokens(lab.wall), authority.pools(lab.wall));
    format!("{tokens:?}{pools:?}{:?}", authority.instances())
}

#[test]
fn a_restart_at_any_moment_forgets_nothing() {
    let mut lab = Lab::new();
    let check = |lab: &mut Lab| {
        let before = (seen(lab), lab.authority.events().cloned().collect::<Vec<_>>());
        lab.restart();
        let after = (seen(lab), lab.authority.events().cloned().collect::<Vec<_>>());
        assert_eq!(before, after);
    };
    check(&mut lab);
    let a = lab.registered(1);
    check(&mut lab);
    lab.authorize(&a, &[(TIER, 1), (CONTEXT, 20)]);
    check(&mut lab);
    lab.pool(CONTEXT, 7, Some(NOON + days(9)));
    check(&mut lab);
    let b = lab.registered(2);
    lab.authorize(&b, &[(TIER, 1)]);
    lab.advance(days(91));
    check(&mut lab);
    lab.send(&a, a.renew());
    check(&mut lab);
    lab.send(&b, b.deregister());
    check(&mut lab);
}

#[test]
fn a_refusal_writes_nothing() {
    let mut lab = Lab::new();
    let before = lab.flash.clone();
    for number in 0..20 {
        lab.register(&mut Chassis::new(number), "ODNm", false);
    }
    assert_eq!(lab.flash, before);
    assert_eq!(lab.authority.events().count(), 20);
}

#[test]
fn the_event_log_is_a_ring_in_memory_and_in_flash() {
    let mut lab = Lab::new();
    for n in 0..EVENTS_MAX as u32 + 50 {
        lab.pool(TIER, n, None);
    }
    let numbers = |lab: &Lab| lab.authority.events().map(|entry| entry.number).collect::<Vec<_>>();
    let want: Vec<u64> = (50..EVENTS_MAX as u64 + 50).collect();
    assert_eq!(numbers(&lab), want);
    lab.restart();
    assert_eq!(numbers(&lab), want);
    assert_eq!(lab.flash.keys().filter(|key| key.contains("/event/")).count(), EVENTS_MAX);
}

#[test]
fn one_request_writes_as_much_whoever_else_is_known() {
    let mut lab = Lab::new();
    let token = lab.token(&TokenSpec::default());
    let mut written = Vec::new();
    for number in 0..100 {
        let chassis = Chassis::new(number);
        let request = lab.request(&chassis, chassis.registration(&token, false));
        let body = request.to_json();
        let signature = chassis.key.sign(&body);
        let (exchange, request) = (ExchangeId(request.nonce), Box::new(request));
        let event = Event::Request { exchange, request, body, signature };
        lab.authority.handle(now(lab.wall), event);
        match lab.authority.poll(now(lab.wall)) {
            Next::Do(Output::Persist(records)) => written.push(records.len()),
            other => panic!("{other:?}"),
        }
        lab.drain();
    }
    // Token, instance, event.
    assert!(written.iter().all(|records| *records == 3), "{written:?}");
}

#[test]
fn a_record_that_is_not_ours_is_named() {
    let mut lab = Lab::new();
    lab.registered(1);
    let good = lab.flash.clone();
    let find = |part: &str| good.keys().find(|key| key.contains(part)).unwrap().clone();
    let (instance, token, event) = (find("/instance/"), find("/token/"), find("/event/"));
    let with = |key: &str, value: &[u8]| {
        let mut changed = good.clone();
        changed.insert(key.to_owned(), value.to_vec());
        Authority::new(changed, Settings::default(), Rng::from_seed(1)).unwrap_err()
    };
    for key in [&instance, &token, &event] {
        let error = with(key, b"{\"half\":");
        assert!(matches!(&error, RecordError::Json { key: named, .. } if named == key), "{error}");
    }
    for key in ["authority/other/1", "authority/", "elsewhere", "authority/account/one"] {
        assert_eq!(with(key, b"{}"), RecordError::Kind { key: key.to_owned() });
    }
    let twin = "authority/instance/another".to_owned();
    let twice = with(&twin, &good[&instance]);
    assert_eq!(twice, RecordError::Contradiction { key: twin });

    let mut homeless = good.clone();
    homeless.retain(|key, _| !key.contains("/account/"));
    let error = Authority::new(homeless, Settings::default(), Rng::from_seed(1)).unwrap_err();
    assert!(matches!(error, RecordError::Account { account: 1, .. }), "{error}");
}

#[test]
fn the_first_account_is_called_what_the_settings_say_and_keeps_what_it_bought() {
    let name = |virtual_account: &str| AccountName {
        smart_account: "Lab".to_owned(),
        virtual_account: virtual_account.to_owned(),
    };
    let settings =
        |virtual_account| Settings { account: Some(name(virtual_account)), ..Settings::default() };
    let open = |flash: &BTreeMap<String, Vec<u8>>, virtual_account| {
        let stored = flash.clone();
        Authority::new(stored, settings(virtual_account), Rng::from_seed(1)).unwrap()
    };
    let mut lab = Lab::new();
    lab.registered(1);
    lab.authority
        .pool_set(lab.wall, None, "FIREPOWER_4100_ASA_CARRIER", Pool { bought: 3, expires: None })
        .unwrap();
    lab.drain();
    lab.authority = open(&lab.flash, "Brussels");
    lab.drain();
    let known = lab.authority.instances();
    assert_eq!((known.len(), known[0].virtual_account.as_str()), (1, "Brussels"));
    let stored = open(&lab.flash, "Brussels");
    let carrier = |a: &Authority| a.pools(NOON).into_iter().filter(|p| p.bought == 3).count();
    assert_eq!(carrier(&stored), 1);

    // A second account of the name that is asked for: two of one name would be one too many.
    let other = TokenSpec { account: Some(name("Ghent")), ..TokenSpec::default() };
    lab.authority.token_new(lab.wall, &other).unwrap();
    lab.drain();
    lab.authority = open(&lab.flash, "Ghent");
    assert_eq!(lab.authority.instances()[0].virtual_account, "Brussels");
}
