//! Round trips, every single typing mistake, and any text at all.

use proptest::prelude::*;

use super::*;
use crate::base::rng::Rng;

fn udi() -> Udi {
    Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() }
}

fn secret(seed: u64) -> Secret {
    Secret::draw(&mut Rng::from_seed(seed))
}

fn request(seed: u64) -> RequestCode {
    RequestCode { udi: udi(), commitment: secret(seed).commitment() }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// Reads a code and writes it again.
type Reader = fn(&str) -> Result<String, CodeError>;

/// One code of each kind, as it is typed.
fn codes(seed: u64) -> [(String, Reader); 3] {
    [
        (request(seed).to_string(), |text| RequestCode::parse(text).map(|code| code.to_string())),
        (AuthorizationCode::sign(&request(seed), &key()).to_string(), |text| {
            AuthorizationCode::parse(text).map(|code| code.to_string())
        }),
        (ReturnCode::new(secret(seed)).to_string(), |text| {
            ReturnCode::parse(text).map(|code| code.to_string())
        }),
    ]
}

#[test]
fn every_code_says_whose_it_is_and_stays_a_line() {
    let [(request, _), (authorization, _), (back, _)] = codes(1);
    assert!(request.starts_with("VFXREQ-FPR-4125-SUP:JAD12345678-"), "{request}");
    assert!(authorization.starts_with("VFXAUTH-"), "{authorization}");
    assert!(back.starts_with("VFXRET-"), "{back}");
    let groups: Vec<usize> = back.split('-').map(str::len).collect();
    assert_eq!(groups, [6, 6, 6, 6, 6, 2]);
    assert_eq!((request.len(), authorization.len(), back.len()), (51, 150, 37));
}

#[test]
fn what_was_written_is_read_back_however_it_was_typed() {
    for (code, read) in codes(2) {
        assert_eq!(read(&code), Ok(code.clone()));
        assert_eq!(read(&format!("  {code}\n")), Ok(code.clone()));
    }
    for (code, read) in codes(2).into_iter().skip(1) {
        assert_eq!(
            read(&code.to_lowercase().replace('0', "o").replace('1', "l")),
            Ok(code.clone())
        );
        let (prefix, data) = code.split_once('-').unwrap();
        assert_eq!(read(&format!("{prefix}-{}", data.replace('-', ""))), Ok(code.clone()));
    }
}

/// Ten reaches every remainder but zero before it comes back to one, so that no two places of a
/// code have the same weight.
#[test]
fn ten_is_a_primitive_root_of_1021() {
    let mut power = 10;
    let mut order = 1;
    while power != 1 {
        power = power * 10 % 1021;
        order += 1;
    }
    assert_eq!(order, 1020);
    assert!((2..1021).all(|n| 1021 % n != 0));
}

#[test]
fn every_mistyped_and_every_swapped_character_is_caught() {
    for (code, read) in codes(3) {
        for at in 0..code.len() {
            for typed in b' '..=b'~' {
                let mut bytes = code.clone().into_bytes();
                bytes[at] = typed;
                let wrong = String::from_utf8(bytes).unwrap();
                // What reads as the same character is no mistake.
                let taken = read(&wrong);
                assert!(taken.is_err() || taken == Ok(code.clone()), "{wrong} instead of {code}");
            }
            for other in at + 1..code.len() {
                let mut bytes = code.clone().into_bytes();
                bytes.swap(at, other);
                let wrong = String::from_utf8(bytes).unwrap();
                let taken = read(&wrong);
                assert!(taken.is_err() || taken == Ok(code.clone()), "{wrong} instead of {code}");
            }
            let cut = format!("{}{}", &code[..at], &code[at + 1..]);
            let taken = read(&cut);
            assert!(taken.is_err() || taken == Ok(code.clone()), "{cut} instead of {code}");
        }
    }
}

#[test]
fn every_kind_of_damage_has_its_own_error() {
    let [(request, _), (authorization, _), (back, _)] = codes(4);
    assert_eq!(RequestCode::parse(&back), Err(CodeError::Prefix { expected: "VFXREQ" }));
    assert_eq!(AuthorizationCode::parse(&request), Err(CodeError::Prefix { expected: "VFXAUTH" }));
    assert_eq!(ReturnCode::parse(""), Err(CodeError::Prefix { expected: "VFXRET" }));
    let short = &authorization[..40];
    let length = CodeError::Length { got: 28, expected: 122 };
    assert_eq!(AuthorizationCode::parse(short), Err(length));
    let foreign = back.replacen("VFXRET-", "VFXRET-ü", 1);
    assert_eq!(ReturnCode::parse(&foreign), Err(CodeError::Character { at: 0 }));
    let long = "x".repeat(CODE_MAX + 1);
    let length = CodeError::Length { got: CODE_MAX + 1, expected: CODE_MAX };
    assert_eq!(RequestCode::parse(&long), Err(length));
    let head = format!("VFXREQ-JAD12345678-{}", secret(4).commitment());
    let nobody = format!("{head}-{}", check(&head));
    for (text, part) in
        [("VFXREQ-", "check"), ("VFXREQ-FPR-5N", "commitment"), (nobody.as_str(), "serial number")]
    {
        // A request needs three parts behind its prefix.
        assert_eq!(RequestCode::parse(text), Err(CodeError::Part { part }), "{text}");
    }
    let future = written(AUTHORIZATION, &[[2].as_slice(), &[0; 74]].concat());
    assert_eq!(AuthorizationCode::parse(&future), Err(CodeError::Part { part: "version" }));
}

#[test]
fn an_authorization_is_good_for_one_request_of_one_chassis() {
    let code = AuthorizationCode::sign(&request(5), &key());
    let (ours, other) = (key().public_key(), SigningKey::from_seed(&[8; 32]).public_key());
    assert_eq!(code.commitment, secret(5).commitment());
    assert!(code.is_for(&udi(), &[other, ours]));
    assert!(!code.is_for(&udi(), &[other]), "another authority's");
    assert!(!code.is_for(&udi(), &[]), "nobody is trusted");
    let neighbour = Udi { serial: "JAD12345679".into(), ..udi() };
    assert!(!code.is_for(&neighbour, &[ours]));
    let model = Udi { pid: "FPR-4115-SUP".into(), ..udi() };
    assert!(!code.is_for(&model, &[ours]));
    let moved = AuthorizationCode { commitment: secret(6).commitment(), ..code };
    assert!(!moved.is_for(&udi(), &[ours]), "its signature is over another request");
}

#[test]
fn a_return_code_opens_its_own_commitment_and_shows_no_secret_before() {
    let one = secret(7);
    assert_ne!(one, secret(8));
    assert_eq!(ReturnCode::new(one.clone()).commitment(), one.commitment());
    let text = String::from(one.clone());
    assert!(!format!("{one:?}").contains(&text));
    assert_eq!(Secret::try_from(text), Ok(one));
}

#[test]
fn codes_are_kept_as_their_text() {
    let json = serde_json::to_string(&request(9)).unwrap();
    assert_eq!(json, format!("\"{}\"", request(9)));
    assert_eq!(serde_json::from_str::<RequestCode>(&json).unwrap(), request(9));
    assert!(serde_json::from_str::<AuthorizationCode>("\"VFXAUTH-\"").is_err());
}

proptest! {
    #[test]
    fn any_text_is_taken_without_a_panic(text in ".{0,300}") {
        for start in ["", "VFXREQ-", "VFXAUTH-", "VFXRET-"] {
            let text = format!("{start}{text}");
            let _ = RequestCode::parse(&text);
            let _ = AuthorizationCode::parse(&text);
            let _ = ReturnCode::parse(&text);
        }
    }

    #[test]
    fn bytes_survive_their_own_text(bytes in any::<[u8; 15]>(), odd in any::<[u8; 10]>()) {
        prop_assert_eq!(decode::<15>(&encode(&bytes)), Ok(bytes));
        prop_assert_eq!(decode::<10>(&encode(&odd)), Ok(odd));
    }
}
