//! The service over a flash in memory and one on disk.

use std::path::PathBuf;

use super::*;
use crate::base::time::{Instant, days};
use crate::net::ca::check_answer;
use crate::proto::authority::{Pool, TokenSpec};
use crate::sys::flash::Kind;
use crate::wire::callhome::{Ask, Device, Grant, trusted_keys};
use crate::wire::reservation::{AuthorizationCode, RequestCode, Secret};

pub(super) const NOON: Now =
    Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };

fn service(flash: Flash) -> Service {
    Service::open(flash, Settings::default(), Rng::from_seed(1)).unwrap()
}

pub(super) fn in_memory() -> Service {
    service(Flash::memory(Kind::Authority))
}

/// A folder of this test's own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("vfxos-authority-{}-{name}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    fn open(&self) -> Flash {
        Flash::open(&self.0, Kind::Authority).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(number: u32) -> SigningKey {
    let mut seed = [1; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_seed(&seed)
}

pub(super) fn request(number: u32, ask: Ask) -> Vec<u8> {
    let serial = format!("JAD{number:08}");
    let device = Device {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        agent: "4.6.9_rel/104".into(),
    };
    let body = Request { sent_at: NOON.wall, nonce: u64::from(number), device, ask }.to_json();
    seal(&body, &key(number), "")
}

pub(super) fn registration(number: u32, token: &str) -> Vec<u8> {
    let public_key = key(number).public_key().to_string();
    request(number, Ask::Register { token: token.to_owned(), force: false, public_key })
}

pub(super) async fn token(service: &Service) -> String {
    let issue = |authority: &mut Authority, wall| authority.token_new(wall, &TokenSpec::default());
    service.operate(NOON, issue).await.unwrap().text
}

/// Opens an answer as a chassis does that trusts this authority.
fn verdict(service: &Service, response: &Response) -> Verdict {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    let opened = open(&response.body).unwrap();
    check_answer(&opened, service.ca().licence_root_pem(), NOON.wall).unwrap();
    Answer::parse(&opened.body).unwrap().verdict
}

fn grant(verdict: Verdict) -> Grant {
    let Verdict::Registered(grant) = verdict else { panic!("{verdict:?}") };
    grant
}

#[tokio::test]
async fn a_registration_is_answered_with_a_signed_grant_and_an_identity() {
    let service = in_memory();
    let token = token(&service).await;
    let response = service.answer(&registration(1, &token), NOON).await;
    let grant = grant(verdict(&service, &response));
    assert!(grant.certificate.starts_with("-----BEGIN CERTIFICATE-----"), "{grant:?}");
    assert_eq!(grant.smart_account, "vfxos Lab");
}

#[tokio::test]
async fn a_refusal_is_a_signed_answer_too() {
    let service = in_memory();
    let response = service.answer(&registration(1, "ODNm"), NOON).await;
    let Verdict::Refused { text, .. } = verdict(&service, &response) else { panic!() };
    assert_eq!(text, "{\"token\":[\"The token 'ODNm' is not valid.\"]}");
}

#[tokio::test]
async fn what_is_no_request_is_told_in_http() {
    let service = in_memory();
    let table: [(Vec<u8>, u16); 5] = [
        (b"".to_vec(), 400),
        (b"<html>".to_vec(), 400),
        (seal(b"{}", &key(1), ""), 400),
        (b"{\"vfxos\":2}".to_vec(), 400),
        (vec![b' '; 70_000], 413),
    ];
    for (bytes, status) in table {
        let response = service.answer(&bytes, NOON).await;
        assert_eq!(response.status, status);
        assert!(response.body.ends_with(b"\n"));
    }
}

#[tokio::test]
async fn a_restart_keeps_ca_accounts_and_instances() {
    let folder = Folder::new("restart");
    let first = service(folder.open());
    let token = token(&first).await;
    let response = first.answer(&registration(1, &token), NOON).await;
    let before = grant(verdict(&first, &response));
    let root = first.ca().root_pem().to_owned();
    drop(first);

    let again = service(folder.open());
    assert_eq!(again.ca().root_pem(), root);
    let in_use = Vec::new();
    let ask = Ask::Authorize { instance: before.instance.clone(), in_use };
    let response = again.answer(&request(1, ask), NOON).await;
    assert_eq!(verdict(&again, &response), Verdict::Authorized(Vec::new()));
    let facts = again.operate(NOON, |authority, _| Ok(authority.instances())).await.unwrap();
    assert_eq!(facts[0].id, before.instance);
    // What `ctl --json` prints.
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(json[0]["udi"]["serial"], "JAD00000001");
}

#[tokio::test]
async fn what_an_answer_speaks_of_is_on_the_disk_when_it_leaves() {
    let folder = Folder::new("durable");
    let first = service(folder.open());
    let token = token(&first).await;
    let mut granted = Vec::new();
    let asked: Vec<_> = (0..50)
        .map(|number| {
            let (service, bytes) = (first.clone(), registration(number, &token));
            tokio::spawn(async move { service.answer(&bytes, NOON).await })
        })
        .collect();
    for answer in asked {
        granted.push(grant(verdict(&first, &answer.await.unwrap())).instance);
    }
    // The file as kill -9 leaves it at this moment.
    let copy = Folder::new("durable-copy");
    std::fs::create_dir(&copy.0).unwrap();
    std::fs::copy(folder.0.join("flash.redb"), copy.0.join("flash.redb")).unwrap();
    let revived = service(copy.open());
    let facts = revived.operate(NOON, |authority, _| Ok(authority.instances())).await.unwrap();
    let mut kept: Vec<_> = facts.into_iter().map(|instance| instance.id).collect();
    kept.sort();
    granted.sort();
    assert_eq!(kept, granted);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_keep_others_waiting() {
    let folder = Folder::new("leaves");
    let service = service(folder.open());
    let token = token(&service).await;
    for number in 0..20 {
        let bytes = registration(number, &token);
        let leaving = service.answer(&bytes, NOON);
        tokio::select! {
            biased;
            _ = leaving => panic!("answered before the disk had it"),
            () = std::future::ready(()) => {}
        }
    }
    let response = service.answer(&registration(99, &token), NOON).await;
    grant(verdict(&service, &response));
    let count = |authority: &mut Authority, _| Ok(authority.instances().len());
    assert_eq!(service.operate(NOON, count).await.unwrap(), 21);
}

#[tokio::test]
async fn a_write_that_fails_is_undone_and_the_next_one_works() {
    let folder = Folder::new("undo");
    let service = service(folder.open());
    let token = token(&service).await;
    service.0.flash.fail_once();
    let asked: Vec<_> = (0..10)
        .map(|number| {
            let (service, bytes) = (service.clone(), registration(number, &token));
            tokio::spawn(async move { service.answer(&bytes, NOON).await.status })
        })
        .collect();
    let mut granted = 0;
    for status in asked {
        granted += usize::from(status.await.unwrap() == 200);
    }
    assert!(granted < 10);
    let count = |authority: &mut Authority, _| Ok(authority.instances().len());
    assert_eq!(service.operate(NOON, count).await.unwrap(), granted);
    for number in 0..10 {
        let response = service.answer(&registration(number, &token), NOON).await;
        grant(verdict(&service, &response));
    }
    assert_eq!(service.operate(NOON, count).await.unwrap(), 10);
}

#[tokio::test]
async fn spoilt_answers_are_what_a_chassis_must_refuse() {
    use crate::net::ca::TrustError;
    let service = in_memory();
    let trust = |response: &Response| {
        let opened = open(&response.body).unwrap();
        check_answer(&opened, service.ca().licence_root_pem(), NOON.wall)
    };
    for (signature, want) in [
        (Signature::Missing, Err(TrustError::Unsigned)),
        (Signature::Wrong, Err(TrustError::Signature)),
        (Signature::Good, Ok(())),
    ] {
        service.set_settings(Settings { signature, ..Settings::default() });
        let response = service.answer(&registration(1, "ODNm"), NOON).await;
        assert_eq!(trust(&response), want);
    }
}

#[tokio::test]
async fn an_operator_s_refusal_changes_nothing_and_settings_outlive_a_failed_write() {
    let service = in_memory();
    let pool = Pool { bought: 1, expires: None };
    let refused = service.operate(NOON, |a, wall| a.pool_set(wall, None, "NO_TAG", pool)).await;
    assert!(matches!(refused, Err(ServiceError::Refused(OperatorError::NoTag { .. }))));
    let strict = Settings { tolerance: days(1), ..Settings::default() };
    service.set_settings(strict.clone());
    let seen = service.operate(NOON, |a, _| Ok(a.settings().clone())).await.unwrap();
    assert_eq!((seen, service.settings()), (strict.clone(), strict));
}

/// What an operator is told is on the disk, and a chassis that trusts this authority believes it.
#[tokio::test]
async fn a_reservation_outlives_a_restart_and_is_signed_for_the_licence_trustpoint() {
    let folder = Folder::new("reservation");
    let udi = Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() };
    let commitment = Secret::draw(&mut Rng::from_seed(5)).commitment();
    let code = RequestCode { udi: udi.clone(), commitment }.to_string();
    let first = service(folder.open());
    let reserve = async |service: &Service| {
        let key = service.ca().reservation_key();
        let work = |authority: &mut Authority, wall| {
            authority.reservation_authorize(wall, &code, None, key)
        };
        service.operate(NOON, work).await.unwrap()
    };
    let facts = reserve(&first).await;
    let trusted = trusted_keys(&first.licence_root_pem());
    let made = AuthorizationCode::parse(&facts.authorization_code).unwrap();
    assert!(made.is_for(&udi, &trusted));
    drop(first);
    let again = service(folder.open());
    assert_eq!(reserve(&again).await, facts, "answered again, and counted once");
    let all = again.operate(NOON, |authority, _| Ok(authority.reservations())).await.unwrap();
    assert_eq!(all, [facts]);
}

#[test]
fn a_flash_that_holds_something_else_is_named_and_left() {
    let folder = Folder::new("damaged");
    drop(service(folder.open()));
    let flash = folder.open();
    flash.write(&[Change::Put("authority/token/x", b"{")]).unwrap();
    let refused = Service::open(flash, Settings::default(), Rng::from_seed(1)).unwrap_err();
    let line = refused.to_string();
    assert!(line.contains("flash.redb") && line.contains("authority/token/x"), "{line}");
    let flash = folder.open();
    assert_eq!(flash.get("authority/token/x").unwrap().unwrap(), b"{");
    flash.write(&[Change::Delete("authority/token/x"), Change::Put("ca", b"{}")]).unwrap();
    let refused = Service::open(flash, Settings::default(), Rng::from_seed(1)).unwrap_err();
    assert!(matches!(refused, ServiceError::Ca { .. }), "{refused}");
}
