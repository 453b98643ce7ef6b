//! Chains checked by a verifier that isn't the one who made them.

#![allow(clippy::unwrap_in_result, reason = "what fails here is the test, not what it checks")]

use rustls_pki_types::{ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::*;
use crate::base::rng::Rng;
use crate::wire::callhome::{Opened, open, trusted_keys};
use crate::wire::reservation::{AuthorizationCode, RequestCode, Secret};

const NOW: Utc = Utc::from_civil(2020, 8, 4, 7, 58, 13);

fn ca() -> Ca {
    Ca::generate().unwrap()
}

/// Checks a TLS server as a chassis does that trusts `root`.
fn check_server(
    server: &ServerCertificate,
    root: &str,
    name: &str,
    at: Utc,
) -> Result<(), webpki::Error> {
    let root = der_of(root).unwrap();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let (leaf, rest) = server.chain.split_first().unwrap();
    let leaf = EndEntityCert::try_from(leaf)?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.unix_s() as u64));
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    leaf.verify_for_usage(algorithms, &anchors, rest, at, KeyUsage::server_auth(), None, None)?;
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap())
}

#[test]
fn a_server_s_chain_verifies_for_its_names_in_any_year_of_a_lab() {
    let ca = ca();
    let names = ["tools.cisco.com", "smartreceiver.cisco.com", "72.163.4.38"];
    let server = ca.issue_server(&names, VALID_FROM, VALID_TO).unwrap();
    for name in names {
        for year in [2011, 2019, 2035, 2059] {
            let at = Utc::from_civil(year, 6, 1, 0, 0, 0);
            assert_eq!(check_server(&server, ca.root_pem(), name, at), Ok(()), "{name} {year}");
        }
    }
    let wrong = check_server(&server, ca.root_pem(), "tools.example.com", NOW);
    assert!(matches!(wrong, Err(webpki::Error::CertNotValidForName(_))), "{wrong:?}");
}

#[test]
fn a_server_is_refused_out_of_date_and_under_another_root() {
    let ca = ca();
    let day = |d| Utc::from_civil(2020, 8, d, 0, 0, 0);
    let server = ca.issue_server(&["a.example"], day(1), day(3)).unwrap();
    assert_eq!(check_server(&server, ca.root_pem(), "a.example", day(2)), Ok(()));
    let late = check_server(&server, ca.root_pem(), "a.example", day(4));
    assert!(matches!(late, Err(webpki::Error::CertExpired { .. })), "{late:?}");
    for root in [Ca::generate().unwrap().root_pem(), ca.licence_root_pem()] {
        let other = check_server(&server, root, "a.example", day(2));
        assert!(other.is_err(), "{other:?}");
    }
}

#[test]
fn rustls_takes_the_server_s_certificate() {
    let server = ca().issue_server(&["tools.cisco.com"], VALID_FROM, VALID_TO).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(server.chain, server.key)
        .unwrap();
}

#[test]
fn an_answer_verifies_under_the_licence_root_alone() {
    let ca = ca();
    let answer = open(&ca.seal(b"answer")).unwrap();
    assert_eq!(check_answer(&answer, ca.licence_root_pem(), NOW), Ok(()));
    let signer = |result| matches!(result, Err(TrustError::Signer { .. }));
    assert!(signer(check_answer(&answer, ca.root_pem(), NOW)));
    assert!(signer(check_answer(&answer, Ca::generate().unwrap().licence_root_pem(), NOW)));
    for at in [VALID_TO + Duration::from_secs(9), VALID_FROM - Duration::from_secs(9)] {
        let refused = check_answer(&answer, ca.licence_root_pem(), at);
        assert_eq!(refused, Err(TrustError::Expired));
    }
    let both = format!("{}{}", ca.root_pem(), ca.licence_root_pem());
    assert_eq!(check_answer(&answer, &both, NOW), Ok(()));
}

#[test]
fn what_an_answer_lacks_is_told_apart() {
    let ca = ca();
    let good = open(&ca.seal(b"answer")).unwrap();
    let root = ca.licence_root_pem();
    let changed = Opened { body: b"Answer".to_vec(), ..good.clone() };
    assert_eq!(check_answer(&changed, root, NOW), Err(TrustError::Signature));
    let unsigned = Opened { signature: Vec::new(), ..good.clone() };
    assert_eq!(check_answer(&unsigned, root, NOW), Err(TrustError::Unsigned));
    for chain in [String::new(), "nonsense".to_owned(), good.chain.repeat(3)] {
        let bare = Opened { chain, ..good.clone() };
        assert_eq!(check_answer(&bare, root, NOW), Err(TrustError::Chain));
    }
    for roots in ["", "nonsense"] {
        assert_eq!(check_answer(&good, roots, NOW), Err(TrustError::Trustpoint));
    }
}

#[test]
fn an_identity_can_t_sign_answers() {
    let ca = ca();
    let chassis = SigningKey::from_seed(&[5; 32]);
    let udi = Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() };
    let key = chassis.public_key();
    let identity = ca.issue_identity(&udi, "an-instance", key, VALID_FROM, VALID_TO).unwrap();
    let root = der_of(ca.licence_root_pem()).unwrap();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let (leaf, rest) =
        (der_of(&identity).unwrap(), [der_of(&ca.stored.licence_ca.certificate).unwrap()]);
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(NOW.unix_s() as u64));
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    leaf.verify_for_usage(algorithms, &anchors, &rest, at, KeyUsage::client_auth(), None, None)
        .unwrap();

    let chain = identity + &ca.stored.licence_ca.certificate;
    let forged = open(&seal(b"answer", &chassis, &chain)).unwrap();
    let refused = check_answer(&forged, ca.licence_root_pem(), NOW);
    assert!(matches!(refused, Err(TrustError::Signer { .. })), "{refused:?}");
    // The same key with the signer's purpose is taken: the purpose is what made the difference.
    let chain = ca.issue_signing(key, VALID_FROM, VALID_TO).unwrap();
    let granted = open(&seal(b"answer", &chassis, &chain)).unwrap();
    assert_eq!(check_answer(&granted, ca.licence_root_pem(), NOW), Ok(()));
}

/// A code that a person typed comes with no chain: the trustpoint's own key must have made it.
#[test]
fn a_reservation_code_verifies_under_the_licence_root_alone() {
    let made = ca();
    let ca = Ca::load(&made.to_stored()).unwrap();
    let udi = Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() };
    let commitment = Secret::draw(&mut Rng::from_seed(1)).commitment();
    let request = RequestCode { udi: udi.clone(), commitment };
    let code = AuthorizationCode::sign(&request, ca.reservation_key());
    assert!(code.is_for(&udi, &trusted_keys(made.licence_root_pem())));
    assert!(!code.is_for(&udi, &trusted_keys(made.root_pem())));
    assert!(!code.is_for(&udi, &trusted_keys(made.signer_chain())));
    assert!(!code.is_for(&udi, &trusted_keys(Ca::generate().unwrap().licence_root_pem())));
}

#[test]
fn a_restarted_ca_is_the_same_ca() {
    let first = ca();
    let again = Ca::load(&first.to_stored()).unwrap();
    assert_eq!(again.root_pem(), first.root_pem());
    assert_eq!(again.signer_chain(), first.signer_chain());
    let server = again.issue_server(&["a.example"], VALID_FROM, VALID_TO).unwrap();
    assert_eq!(check_server(&server, first.root_pem(), "a.example", NOW), Ok(()));
    let answer = open(&again.seal(b"x")).unwrap();
    assert_eq!(check_answer(&answer, first.licence_root_pem(), NOW), Ok(()));
}

#[test]
fn a_damaged_ca_is_refused() {
    let good = String::from_utf8(ca().to_stored()).unwrap();
    let table = [
        "{}".to_owned(),
        good[..good.len() - 2].to_owned(),
        good.replace("BEGIN CERTIFICATE", "BEGIN NONSENSE"),
        good.replace("BEGIN PRIVATE KEY", "BEGIN NONSENSE"),
    ];
    for stored in table {
        let refused = Ca::load(stored.as_bytes());
        assert!(matches!(refused, Err(CaError::Stored { .. })), "{refused:?}");
    }
}

#[test]
fn every_name_says_that_the_lab_made_it() {
    let ca = ca();
    for pem in [ca.root_pem(), ca.licence_root_pem()] {
        let der = der_of(pem).unwrap();
        let text = String::from_utf8_lossy(&der).into_owned();
        assert!(text.contains("vfxos Lab (emulated"), "{text}");
        assert!(text.contains("vfxos Lab") && !text.to_lowercase().contains("cisco"));
    }
    let debug = format!("{ca:?}");
    assert!(debug.starts_with("Ca(signer ") && debug.len() < 64, "{debug}");
}
