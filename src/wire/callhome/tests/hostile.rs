//! Bodies that begin as good messages and hold something else where it hurts.

use serde_json::{Value, json};

use super::*;

/// Good messages of every kind, which damage starts from.
fn requests() -> Vec<Request> {
    let tag = Tag::parse("regid.a.b,1.0_x").unwrap();
    vec![
        register(),
        request(Ask::Renew { instance: "i".into() }),
        request(Ask::Authorize { instance: "i".into(), in_use: vec![Use { tag, count: 3 }] }),
        request(Ask::Deregister { instance: "i".into() }),
    ]
}

fn answers() -> Vec<Answer> {
    let grant = Grant {
        instance: "i".into(),
        smart_account: "s".into(),
        virtual_account: "v".into(),
        export_controlled: true,
        not_before: Utc::MIN,
        not_after: Utc::MAX,
        certificate: "-----BEGIN CERTIFICATE-----\n".into(),
    };
    let word = Authorization {
        tag: Tag::parse("regid.a.b,1.0_x").unwrap(),
        name: "n".into(),
        description: "d".into(),
        count: 1,
        compliance: Compliance::InCompliance,
    };
    vec![
        answer(Verdict::Registered(grant.clone())),
        answer(Verdict::Renewed(grant)),
        answer(Verdict::Authorized(vec![word; 3])),
        answer(Verdict::Deregistered),
        answer(Verdict::Refused { kind: RefusalKind::Token, text: "no".into() }),
    ]
}

/// Any JSON, some of it huge, some of it of our own words in the wrong place.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "nonce",
        "issued_at",
        "verdict",
        "registered",
        "in_use",
        "tag",
        "ask",
        "register",
        "text",
        "in_compliance",
        "regid.a.b,1.0_x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        (0..5_000usize).prop_map(|len| Value::from("x".repeat(len))),
        (0..5_000usize).prop_map(|len| Value::from("\u{1b}".repeat(len))),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            (inner.clone(), 0..100usize).prop_map(|(one, len)| Value::from(vec![one; len])),
            prop::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Counts the nodes of a value, or puts `with` in the place of the one numbered `at`.
fn graft(value: &mut Value, at: usize, with: &Value) -> usize {
    if at == 0 {
        *value = with.clone();
        return 1;
    }
    let mut count = 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for one in inner {
        count +=
            if at >= count { graft(one, at - count, with) } else { graft(one, usize::MAX, with) };
    }
    count
}

/// What is printed and kept is bounded and fit for a terminal.
fn fit(texts: &[&str]) -> bool {
    texts.iter().all(|text| text.len() <= TEXT_MAX && !text.chars().any(char::is_control))
}

fn is_fit(answer: &Answer) -> bool {
    let date = |at: Utc| (Utc::MIN..=Utc::MAX).contains(&at);
    date(answer.issued_at)
        && match &answer.verdict {
            Verdict::Registered(grant) | Verdict::Renewed(grant) => {
                date(grant.not_before)
                    && date(grant.not_after)
                    && grant.certificate.len() <= 8 * 1024
                    && !grant.instance.is_empty()
                    && fit(&[&grant.instance, &grant.smart_account, &grant.virtual_account])
            }
            Verdict::Authorized(list) => {
                list.len() <= LIST_MAX
                    && list.iter().all(|one| fit(&[&one.name, &one.description, one.tag.as_str()]))
            }
            Verdict::Deregistered => true,
            Verdict::Refused { text, .. } => fit(&[text]),
        }
}

fn request_is_fit(request: &Request) -> bool {
    let Device { udi, product, sudi_pid, hostname, agent } = &request.device;
    let named = !udi.serial.is_empty() && !udi.pid.is_empty();
    (Utc::MIN..=Utc::MAX).contains(&request.sent_at)
        && named
        && fit(&[&udi.pid, &udi.serial, product, sudi_pid, hostname, agent])
        && match &request.ask {
            Ask::Register { token, public_key, .. } => fit(&[token, public_key]),
            Ask::Renew { instance } | Ask::Deregister { instance } => fit(&[instance]),
            Ask::Authorize { instance, in_use } => fit(&[instance]) && in_use.len() <= LIST_MAX,
        }
}

proptest! {
    /// Wrong types, huge values and foreign fields in any place of a good message.
    #[test]
    fn what_is_grafted_into_a_message_is_refused_or_bounded(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in anything(),
    ) {
        let answers = answers();
        let mut body = serde_json::to_value(which.get(&answers)).unwrap();
        let nodes = graft(&mut body.clone(), usize::MAX, &Value::Null);
        graft(&mut body, at.index(nodes), &with);
        if let Ok(answer) = Answer::parse(body.to_string().as_bytes()) {
            prop_assert!(is_fit(&answer), "{answer:?}");
            prop_assert_eq!(Answer::parse(&answer.to_json()), Ok(answer));
        }
        let requests = requests();
        let mut body = serde_json::to_value(which.get(&requests)).unwrap();
        let nodes = graft(&mut body.clone(), usize::MAX, &Value::Null);
        graft(&mut body, at.index(nodes), &with);
        if let Ok(request) = Request::parse(body.to_string().as_bytes()) {
            prop_assert!(request_is_fit(&request), "{request:?}");
            prop_assert_eq!(Request::parse(&request.to_json()), Ok(request));
        }
    }

    #[test]
    fn what_is_sealed_is_opened_whatever_it_says(body in anything(), chain in ".{0,200}") {
        let body = body.to_string().into_bytes();
        let key = SigningKey::from_seed(&[7; 32]);
        let sealed = seal(&body, &key, &chain);
        match open(&sealed) {
            Ok(opened) => {
                prop_assert_eq!((&opened.body, &opened.chain), (&body, &chain));
                prop_assert!(verify(&key.public_key(), &opened.body, &opened.signature));
            }
            Err(error) => {
                prop_assert!(matches!(error, OpenError::TooLong { .. }), "{error}");
                prop_assert!(sealed.len() > ENVELOPE_MAX);
            }
        }
    }
}

/// Each field in turn holds each kind of value that it should not.
#[test]
fn every_field_meets_every_kind_of_value() {
    let values = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.5),
        json!(""),
        json!("plain"),
        json!("\u{1b}[2J"),
        json!("a\nb"),
        json!("x".repeat(TEXT_MAX)),
        json!("x".repeat(TEXT_MAX + 1)),
        json!("x".repeat(8 * 1024 + 1)),
        json!("regid.a.b,1.0_x"),
        json!([]),
        json!(vec![json!({"tag": "regid.a.b,1.0_x", "count": 1}); LIST_MAX + 1]),
        json!({}),
        json!({"more": [[[[]]]]}),
    ];
    let mut taken = 0;
    for good in answers() {
        let good = serde_json::to_value(good).unwrap();
        for at in 0..graft(&mut good.clone(), usize::MAX, &Value::Null) {
            for with in &values {
                let mut body = good.clone();
                graft(&mut body, at, with);
                if let Ok(answer) = Answer::parse(body.to_string().as_bytes()) {
                    taken += 1;
                    assert!(is_fit(&answer), "{answer:?}");
                    assert_eq!(Answer::parse(&answer.to_json()), Ok(answer));
                }
            }
        }
    }
    for good in requests() {
        let good = serde_json::to_value(good).unwrap();
        for at in 0..graft(&mut good.clone(), usize::MAX, &Value::Null) {
            for with in &values {
                let mut body = good.clone();
                graft(&mut body, at, with);
                if let Ok(request) = Request::parse(body.to_string().as_bytes()) {
                    taken += 1;
                    assert!(request_is_fit(&request), "{request:?}");
                    assert_eq!(Request::parse(&request.to_json()), Ok(request));
                }
            }
        }
    }
    assert!(taken > 100, "only {taken} of all these are messages still");
}

#[test]
fn grafting_reaches_every_node() {
    let body = json!({"a": [1, {"b": 2}], "c": 3});
    let nodes = graft(&mut body.clone(), usize::MAX, &Value::Null);
    assert_eq!(nodes, 6);
    let mut seen = std::collections::BTreeSet::new();
    for at in 0..nodes {
        let mut grafted = body.clone();
        assert!(graft(&mut grafted, at, &json!("x")) >= 1);
        assert!(grafted != body && seen.insert(grafted.to_string()), "{at}: {grafted}");
    }
}

/// As deep as an envelope can be long, in every field that could hold it.
#[test]
fn nesting_of_any_depth_is_refused_without_a_deep_stack() {
    for depth in [1, 100, 127, 128, 129, 30_000] {
        for (left, right) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = format!("{}0{}", left.repeat(depth), right.repeat(depth));
            for field in ["nonce", "issued_at", "verdict", "more"] {
                let body = format!("{{\"nonce\":1,\"{field}\":{nested}}}");
                assert!(Answer::parse(body.as_bytes()).is_err(), "{field} {depth}");
                assert!(Request::parse(body.as_bytes()).is_err(), "{field} {depth}");
                let envelope = format!("{{\"vfxos\":1,\"{field}\":{nested},\"body\":\"\"}}");
                assert!(open(envelope.as_bytes()).is_err(), "{field} {depth}");
            }
            let unclosed = left.repeat(depth);
            assert!(Answer::parse(unclosed.as_bytes()).is_err());
            assert!(open(unclosed.as_bytes()).is_err());
        }
    }
}

#[test]
fn every_prefix_of_every_message_is_refused() {
    for good in answers() {
        let body = good.to_json();
        assert!((0..body.len()).all(|len| Answer::parse(&body[..len]).is_err()), "{good:?}");
        assert_eq!(Answer::parse(&body), Ok(good));
    }
    for good in requests() {
        let body = good.to_json();
        assert!((0..body.len()).all(|len| Request::parse(&body[..len]).is_err()), "{good:?}");
        assert_eq!(Request::parse(&body), Ok(good));
    }
}

#[test]
fn a_field_that_is_there_twice_or_out_of_range_is_refused() {
    let good = String::from_utf8(answer(Verdict::Deregistered).to_json()).unwrap();
    assert!(Answer::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("\"nonce\":7", "\"nonce\":7,\"nonce\":8"),
        ("\"nonce\":7", "\"nonce\":-1"),
        ("\"nonce\":7", "\"nonce\":18446744073709551616"),
        ("\"nonce\":7", "\"nonce\":7.0"),
        ("\"nonce\":7", "\"nonce\":1e400"),
        ("\"nonce\":7", "\"nonce\":\"7\""),
        ("\"deregistered\"", "\"Deregistered\""),
        ("\"deregistered\"", "{\"deregistered\":{}}"),
        ("\"deregistered\"", "{\"renewed\":{},\"deregistered\":null}"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert!(Answer::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(Answer::parse(format!("{good} {good}").as_bytes()).is_err(), "two messages");
    assert!(Answer::parse(format!("\u{feff}{good}").as_bytes()).is_err(), "a byte order mark");
}
