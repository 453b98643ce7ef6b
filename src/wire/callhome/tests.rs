//! Round trips, bounds, and any bytes at all.

use proptest::prelude::*;

use super::*;

mod hostile;

fn request(ask: Ask) -> Request {
    Request {
        sent_at: Utc::from_civil(2020, 8, 4, 7, 58, 13),
        nonce: u64::MAX,
        device: Device {
            udi: Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() },
            product: "FPR4125".into(),
            sudi_pid: "FPR-4125-SUP".into(),
            hostname: "FPR4125-1".into(),
            agent: "4.6.9_rel/104".into(),
        },
        ask,
    }
}

fn register() -> Request {
    let public_key = SigningKey::from_seed(&[1; 32]).public_key().to_string();
    request(Ask::Register { token: "ODNm%0A".into(), force: false, public_key })
}

fn answer(verdict: Verdict) -> Answer {
    Answer { nonce: 7, issued_at: Utc::from_civil(2020, 8, 4, 7, 58, 14), verdict }
}

#[test]
fn what_is_sealed_opens_to_the_same_bytes_and_verifies() {
    let key = SigningKey::from_seed(&[7; 32]);
    let body = register().to_json();
    let opened = open(&seal(&body, &key, "a chain")).unwrap();
    assert_eq!(opened.body, body);
    assert_eq!(opened.chain, "a chain");
    assert!(verify(&key.public_key(), &opened.body, &opened.signature));
    assert_eq!(Request::parse(&opened.body), Ok(register()));
}

#[test]
fn a_changed_byte_or_another_key_does_not_verify() {
    let key = SigningKey::from_seed(&[7; 32]);
    let (body, signature) = (b"body".to_vec(), key.sign(b"body"));
    let other = SigningKey::from_seed(&[8; 32]).public_key();
    assert!(!verify(&other, &body, &signature));
    assert!(!verify(&key.public_key(), b"bodY", &signature));
    assert!(!verify(&key.public_key(), &body, &signature[..63]));
    assert!(!verify(&key.public_key(), &body, b""));
}

#[test]
fn every_kind_of_damage_has_its_own_error() {
    let good = String::from_utf8(seal(b"x", &SigningKey::from_seed(&[7; 32]), "")).unwrap();
    let table = [
        ("<html>login</html>".to_owned(), OpenError::Shape),
        (String::new(), OpenError::Shape),
        (good[..good.len() - 1].to_owned(), OpenError::Shape),
        (good.replacen('{', "{\"more\":1,", 1), OpenError::Shape),
        (good.replace("\"vfxos\":1", "\"vfxos\":2"), OpenError::Version { version: 2 }),
        ("{\"vfxos\":9,\"other\":[]}".to_owned(), OpenError::Version { version: 9 }),
        (good.replace("eA==", "e!=="), OpenError::Base64 { field: "body" }),
        (" ".repeat(ENVELOPE_MAX + 1), OpenError::TooLong { len: ENVELOPE_MAX + 1 }),
    ];
    for (bytes, want) in table {
        assert_eq!(open(bytes.as_bytes()), Err(want), "{bytes:.60}");
    }
}

#[test]
fn a_request_outside_its_bounds_is_refused_by_the_field_s_name() {
    let list = |n| vec![Use { tag: Tag::parse("regid.a.b,1.0_x").unwrap(), count: 1 }; n];
    let with = |change: fn(&mut Request)| {
        let mut request = register();
        change(&mut request);
        request
    };
    let authorize = |n| request(Ask::Authorize { instance: "i".into(), in_use: list(n) });
    assert!(Request::parse(&authorize(LIST_MAX).to_json()).is_ok());
    let table = [
        (authorize(LIST_MAX + 1), "in_use"),
        (request(Ask::Renew { instance: String::new() }), "instance"),
        (with(|r| r.sent_at = Utc::from_unix_ms(i64::MAX)), "sent_at"),
        (with(|r| r.sent_at = Utc::from_unix_ms(-1)), "sent_at"),
        (with(|r| r.device.udi.serial = "x".repeat(129)), "device.udi.serial"),
        (with(|r| r.device.hostname = "a\u{1b}[2J".into()), "device.hostname"),
        (with(|r| r.device.product = "a\nb".into()), "device.product"),
    ];
    for (request, field) in table {
        assert_eq!(Request::parse(&request.to_json()), Err(BodyError::Bound { field }));
    }
}

#[test]
fn an_answer_outside_its_bounds_is_refused_by_the_field_s_name() {
    let grant = Grant {
        instance: "i".into(),
        smart_account: "s".into(),
        virtual_account: "v".into(),
        export_controlled: false,
        not_before: Utc::MIN,
        not_after: Utc::MAX,
        certificate: "-----BEGIN CERTIFICATE-----\n".into(),
    };
    let good = answer(Verdict::Registered(grant.clone()));
    assert_eq!(Answer::parse(&good.to_json()), Ok(good));
    let refused =
        |text: &str| Verdict::Refused { kind: RefusalKind::Malformed, text: text.to_owned() };
    let long = Grant { certificate: "x".repeat(9000), ..grant.clone() };
    let table = [
        (Verdict::Renewed(long), "certificate"),
        (Verdict::Renewed(Grant { certificate: "\u{1b}".into(), ..grant.clone() }), "certificate"),
        (Verdict::Registered(Grant { smart_account: "\r".into(), ..grant }), "smart_account"),
        (refused(&"x".repeat(TEXT_MAX + 1)), "text"),
        (refused("bell\u{7}"), "text"),
    ];
    for (verdict, field) in table {
        assert_eq!(Answer::parse(&answer(verdict).to_json()), Err(BodyError::Bound { field }));
    }
}

#[test]
fn a_signing_key_never_prints_its_private_half() {
    let printed = format!("{:?}", SigningKey::from_seed(&[7; 32]));
    assert!(printed.starts_with("SigningKey(public "), "{printed}");
    assert_eq!(printed.len(), "SigningKey(public )".len() + 44);
}

#[test]
fn a_public_key_is_exactly_32_bytes() {
    let key = SigningKey::from_seed(&[7; 32]).public_key();
    assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
    for bad in ["", "AAAA", "not base64", &"A".repeat(44), &"A".repeat(4000)] {
        assert_eq!(PublicKey::parse(bad), Err(KeyError), "{bad:.50}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = open(&bytes);
        let _ = Request::parse(&bytes);
        let _ = Answer::parse(&bytes);
        prop_assert!(!verify(&PublicKey([9; 32]), &bytes, &bytes));
    }

    /// Damage that starts from a good message gets further in than random bytes do.
    #[test]
    fn what_was_damaged_is_cut_short_or_does_not_verify(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let key = SigningKey::from_seed(&[7; 32]);
        for body in [register().to_json(), answer(Verdict::Deregistered).to_json()] {
            let mut damaged = body.clone();
            damaged[at.index(body.len())] = with;
            let _ = Request::parse(&damaged);
            let _ = Answer::parse(&damaged);
            let mut sealed = seal(&body, &key, "");
            let whole = sealed.len();
            sealed[at.index(whole)] = with;
            prop_assert!(open(&sealed[..cut.index(whole)]).is_err());
            if let Ok(opened) = open(&sealed) {
                let holds = verify(&key.public_key(), &opened.body, &opened.signature);
                prop_assert!(!holds || opened.body == body);
            }
        }
    }
}
