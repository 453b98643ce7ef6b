//! What an operator may and may not do.

use super::*;

#[test]
fn a_new_authority_has_one_account_with_every_pool() {
    let lab = Lab::new();
    let pools = lab.authority.pools(lab.wall);
    let short: Vec<_> = pools.iter().map(|pool| (pool.tag.as_str(), pool.bought)).collect();
    assert_eq!(short.len(), Product::all().count());
    assert!(short.contains(&("FPR4K-ASA-BPU", 2)), "{short:?}");
    assert!(short.contains(&("FIREPOWER_4100_ASA_STANDARD", 10)), "{short:?}");
    assert!(short.contains(&("FIREPOWER_4100_ASA_CONTEXTS", 40)), "{short:?}");
    assert!(pools.iter().all(|pool| pool.smart_account == "vfxos Lab" && pool.in_compliance));
}

#[test]
fn an_order_outside_its_bounds_is_refused_and_changes_nothing() {
    let mut lab = Lab::new();
    let name = |virtual_account: &str| {
        let virtual_account = virtual_account.to_owned();
        Some(AccountName { smart_account: "A".into(), virtual_account })
    };
    let good = TokenSpec::default();
    let table = [
        (TokenSpec { valid_days: 0, ..good.clone() }, OperatorError::Days { asked: 0 }),
        (TokenSpec { valid_days: 366, ..good.clone() }, OperatorError::Days { asked: 366 }),
        (TokenSpec { uses_max: Some(0), ..good.clone() }, OperatorError::Uses { asked: 0 }),
        (TokenSpec { account: name(" "), ..good.clone() }, OperatorError::AccountName),
        (TokenSpec { account: name("a\u{1b}"), ..good.clone() }, OperatorError::AccountName),
        (TokenSpec { account: name(&"x".repeat(65)), ..good }, OperatorError::AccountName),
    ];
    for (spec, want) in table {
        assert_eq!(lab.authority.token_new(lab.wall, &spec), Err(want), "{spec:?}");
        assert_eq!(lab.drain(), []);
    }
    assert_eq!(lab.authority.tokens(lab.wall), []);
    assert_eq!(lab.authority.events().count(), 0);
}

#[test]
fn what_does_not_exist_is_named_in_the_refusal() {
    let mut lab = Lab::new();
    let pool = Pool { bought: 1, expires: None };
    let nowhere = AccountName { smart_account: "A".into(), virtual_account: "B".into() };
    lab.registered(1);
    let authority = &mut lab.authority;
    let told = [
        authority.token_revoke(NOON, "abc").unwrap_err().to_string(),
        authority.instance_remove(NOON, "JAD0").unwrap_err().to_string(),
        authority.instance_transfer(NOON, "JAD00000001", &nowhere).unwrap_err().to_string(),
        authority.pool_set(NOON, None, "NO_TAG", pool).unwrap_err().to_string(),
        authority.pool_set(NOON, Some(&nowhere), TIER, pool).unwrap_err().to_string(),
    ];
    let names = ["abc", "JAD0", "A / B", "NO_TAG", "A / B"];
    assert!(told.iter().zip(names).all(|(told, name)| told.contains(name)), "{told:?}");
}

#[test]
fn a_dead_token_makes_room_and_a_living_one_does_not() {
    let mut lab = Lab::new();
    let first = lab.token(&TokenSpec::default());
    for _ in 1..TOKENS_MAX {
        lab.token(&TokenSpec::default());
    }
    let spec = TokenSpec::default();
    assert_eq!(lab.authority.token_new(lab.wall, &spec), Err(OperatorError::Tokens));
    lab.authority.token_revoke(lab.wall, &first).unwrap();
    lab.drain();
    lab.token(&spec);
    let kept = lab.authority.tokens(lab.wall);
    assert_eq!(kept.len(), TOKENS_MAX);
    assert!(kept.iter().all(|token| token.text != first));
    assert_eq!(lab.flash.keys().filter(|key| key.contains("/token/")).count(), TOKENS_MAX);
}

#[test]
fn accounts_are_bounded() {
    let mut lab = Lab::new();
    let spec = |n: usize| {
        let virtual_account = format!("V{n}");
        let name = AccountName { smart_account: "A".into(), virtual_account };
        TokenSpec { account: Some(name), ..Default::default() }
    };
    for n in 1..ACCOUNTS_MAX {
        lab.token(&spec(n));
    }
    assert_eq!(lab.authority.token_new(lab.wall, &spec(999)), Err(OperatorError::Accounts));
    lab.token(&spec(1));
}

#[test]
fn a_moved_instance_learns_its_account_when_it_renews() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    let to = AccountName { smart_account: "vfxos Lab".into(), virtual_account: "Lab EU".into() };
    lab.token(&TokenSpec { account: Some(to.clone()), ..Default::default() });
    lab.authority.instance_transfer(lab.wall, &chassis.instance, &to).unwrap();
    lab.drain();
    lab.restart();
    assert_eq!(grant(lab.send(&chassis, chassis.renew())).virtual_account, "Lab EU");
}
