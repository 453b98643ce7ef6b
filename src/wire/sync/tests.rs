//! Round trips, bounds, damage, and any bytes at all.

use proptest::prelude::*;

use super::*;

const NOON: Utc = Utc::from_civil(2020, 8, 4, 12, 0, 0);

fn tag(number: usize) -> Tag {
    Tag::parse(&format!("regid.a.B{number},1.0_x")).unwrap()
}

fn claim(serial: &str) -> Claim {
    let udi = Udi { pid: "FPR-4125-SUP".into(), serial: serial.into() };
    Claim { udi, heard_at: NOON, in_use: vec![(0, 1), (1, 20)] }
}

fn request() -> SyncRequest {
    SyncRequest {
        satellite: "0b6c1f52-6f3a-4a6e-9d5b-4c1e6a7f0001".into(),
        name: "satellite.lab".into(),
        release: "2.3.0".into(),
        number: 3,
        made_at: NOON,
        installed: 2,
        tags: vec![tag(1), tag(2)],
        claims: vec![claim("JAD1"), claim("JAD2")],
    }
}

fn answer() -> SyncAnswer {
    SyncAnswer {
        satellite: "0b6c1f52-6f3a-4a6e-9d5b-4c1e6a7f0001".into(),
        number: 3,
        request: fingerprint(b"x"),
        answered_at: NOON,
        until: NOON,
        smart_account: "vfxos Lab".into(),
        virtual_account: "Branch".into(),
        signing: Signing { chain: "-----BEGIN\n".into(), root: String::new() },
        shares: vec![Share { tag: tag(1), count: 7, until: NOON }],
        elsewhere: vec!["JAD1".into()],
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

#[test]
fn what_is_sealed_is_read_again() {
    let body = request().to_json();
    let file = SyncFile::seal(Kind::Request, &body, &key());
    let text = file.to_json();
    assert!(text.ends_with("}\n"));
    let read = SyncFile::parse(text.as_bytes()).unwrap();
    assert_eq!(read, file);
    assert_eq!(read.open(Kind::Request), Ok(body.clone()));
    assert_eq!(SyncRequest::parse(&body), Ok(request()));
    assert_eq!(SyncAnswer::parse(&answer().to_json()), Ok(answer()));
}

#[test]
fn a_signature_is_good_for_one_kind_of_file_only() {
    let body = answer().to_json();
    let request = SyncFile::seal(Kind::Request, &body, &key());
    let turned = SyncFile { kind: Kind::Answer, ..request.clone() };
    assert_eq!(turned.open(Kind::Answer), Err(FileError::Signature));
    let wrong = FileError::Kind { found: Kind::Request, wanted: Kind::Answer };
    assert_eq!(request.open(Kind::Answer), Err(wrong));
    // What the authority signs for a chassis is no file of ours.
    let signature = STANDARD.encode(key().sign(&body));
    let foreign = SyncFile { signature, ..turned };
    assert_eq!(foreign.open(Kind::Answer), Err(FileError::Signature));
}

#[test]
fn every_kind_of_damage_has_its_own_error() {
    let file = SyncFile::seal(Kind::Request, &request().to_json(), &key());
    let good = file.to_json();
    let table = [
        (good.replace("\"vfxos_sync\":1", "\"vfxos_sync\":2"), FileError::Version { version: 2 }),
        (good[..good.len() / 2].to_owned(), FileError::Shape),
        (good.replacen('{', "{\"more\":1,", 1), FileError::Shape),
        ("<html>".to_owned(), FileError::Shape),
        (" ".repeat(FILE_MAX + 1), FileError::TooLong { len: FILE_MAX + 1 }),
    ];
    for (text, want) in table {
        assert_eq!(SyncFile::parse(text.as_bytes()), Err(want), "{text:.60}");
    }
    let other = SigningKey::from_seed(&[8; 32]).public_key();
    let table = [
        (SyncFile { key: other, ..file.clone() }, FileError::Signature),
        (SyncFile { body: STANDARD.encode("{}"), ..file.clone() }, FileError::Signature),
        (SyncFile { body: "!".into(), ..file.clone() }, FileError::Shape),
        (SyncFile { vfxos_sync: 9, ..file }, FileError::Version { version: 9 }),
    ];
    for (file, want) in table {
        assert_eq!(file.open(Kind::Request), Err(want));
    }
}

#[test]
fn a_request_outside_its_bounds_is_refused_by_the_field_s_name() {
    let with = |change: fn(&mut SyncRequest)| {
        let mut request = request();
        change(&mut request);
        SyncRequest::parse(&request.to_json())
    };
    type Change = fn(&mut SyncRequest);
    let table: [(Change, &str); 12] = [
        (|r| r.satellite.clear(), "satellite"),
        (|r| r.name = "a\u{1b}[2J".into(), "name"),
        (|r| r.release = "x".repeat(129), "release"),
        (|r| r.number = 0, "number"),
        (|r| r.installed = 3, "installed"),
        (|r| r.made_at = Utc::from_unix_ms(-1), "made_at"),
        (|r| r.tags = vec![tag(1), tag(1)], "tags"),
        (|r| r.tags = (0..65).map(tag).collect(), "tags"),
        (|r| r.claims[1].udi.serial = "JAD1".into(), "claims.udi.serial"),
        (|r| r.claims[0].in_use = vec![(2, 1)], "claims.in_use"),
        (|r| r.claims[0].in_use = vec![(1, 1), (1, 1)], "claims.in_use"),
        (|r| r.claims[0].heard_at = Utc::from_unix_ms(i64::MAX), "claims.heard_at"),
    ];
    for (change, field) in table {
        assert_eq!(with(change), Err(BodyError::Bound { field }));
    }
    let many = (0..=CLAIMS_MAX).map(|n| claim(&format!("J{n}"))).collect();
    let long = SyncRequest { claims: many, ..request() };
    assert_eq!(SyncRequest::parse(&long.to_json()), Err(BodyError::Bound { field: "claims" }));
}

#[test]
fn an_answer_outside_its_bounds_is_refused_by_the_field_s_name() {
    type Change = fn(&mut SyncAnswer);
    let table: [(Change, &str); 7] = [
        (|a| a.request.clear(), "request"),
        (|a| a.until = Utc::from_unix_ms(i64::MAX), "until"),
        (|a| a.shares.push(a.shares[0].clone()), "shares"),
        (|a| a.elsewhere = vec!["J".into(); 65], "elsewhere"),
        (|a| a.smart_account = "a\nb".into(), "smart_account"),
        (|a| a.signing.chain = "a\u{1b}".into(), "signing.chain"),
        (|a| a.signing.root = "x".repeat(16 * 1024 + 1), "signing.root"),
    ];
    for (change, field) in table {
        let mut answer = answer();
        change(&mut answer);
        assert_eq!(SyncAnswer::parse(&answer.to_json()), Err(BodyError::Bound { field }));
    }
}

#[test]
fn the_longest_file_fits() {
    let serial = |n: usize| format!("{n:0>128}");
    let one = |n| Claim {
        udi: Udi { pid: "P".repeat(128), serial: serial(n) },
        heard_at: Utc::MAX,
        in_use: (0..8).map(|place| (place, 240)).collect(),
    };
    let claims = (0..CLAIMS_MAX).map(one).collect();
    let body = SyncRequest { tags: (0..8).map(tag).collect(), claims, ..request() }.to_json();
    assert!(SyncRequest::parse(&body).is_ok());
    let file = SyncFile::seal(Kind::Request, &body, &key()).to_json();
    assert!(SyncFile::parse(file.as_bytes()).is_ok(), "{} bytes", file.len());
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let _ = SyncFile::parse(&bytes).map(|file| file.open(Kind::Request));
        let _ = SyncRequest::parse(&bytes);
        let _ = SyncAnswer::parse(&bytes);
        for body in [request().to_json(), answer().to_json()] {
            let mut damaged = body.clone();
            damaged[at.index(body.len())] = with;
            let _ = SyncRequest::parse(&damaged);
            let _ = SyncAnswer::parse(&damaged);
            let mut sealed = SyncFile::seal(Kind::Answer, &body, &key()).to_json().into_bytes();
            let whole = sealed.len();
            sealed[at.index(whole)] = with;
            if let Ok(opened) = SyncFile::parse(&sealed).and_then(|file| file.open(Kind::Answer)) {
                prop_assert_eq!(opened, body);
            }
        }
    }
}
