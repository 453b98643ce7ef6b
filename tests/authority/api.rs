//! The JSON API over its own listener.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::process::{Folder, Process, talk};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Value) {
    let stream = TcpStream::connect(to).unwrap();
    let (status, body) = talk(stream, method, path, headers, body.as_bytes()).unwrap();
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| panic!("{status} {}", String::from_utf8_lossy(&body)));
    (status, body)
}

#[test]
fn what_the_api_does_ctl_sees() {
    let folder = Folder::new("api");
    let process = Process::start(
        &folder.0.join("state"),
        &["--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"],
    );
    let to = process.api.unwrap();
    let (status, document) = ask(to, "GET", "/openapi.json", &[], "");
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let (status, token) = ask(to, "POST", "/v1/tokens", &[JSON], "{\"days\": 3}");
    assert_eq!((status, &token["state"]), (201, &json!("active")));
    let path = "/v1/pools/FIREPOWER_4100_ASA_STANDARD";
    let (status, pool) = ask(to, "PUT", path, &[JSON], "{\"count\": 3}");
    assert_eq!((status, &pool["bought"]), (200, &json!(3)));
    let listed = process.ctl(&["token", "list"]).unwrap();
    assert!(listed.as_array().unwrap().contains(&token), "{listed}");
    assert!(process.ctl(&["pool", "list"]).unwrap().as_array().unwrap().contains(&pool));

    // Chassis are not served here, nor is the API where chassis are.
    let (status, problem) = ask(to, "POST", "/its/service/oddce/services/DDCEService", &[], "x");
    assert_eq!((status, &problem["status"]), (404, &json!(404)));
    let root = process.root("CHdefault");
    assert_eq!(process.post(&root, "/v1/tokens", b"{}").unwrap().0, 404);
}

#[test]
fn strangers_are_refused_with_a_problem() {
    let folder = Folder::new("api-strangers");
    let process = Process::start(
        &folder.0.join("state"),
        &["--listen", "127.0.0.1:0", "--api", "127.0.0.1:0"],
    );
    let to = process.api.unwrap();
    let before = process.ctl(&["token", "list"]).unwrap();
    for headers in [
        &[JSON, ("Origin", "https://evil.example")][..],
        &[JSON, ("Host", "evil.example")],
        &[("Content-Type", "text/plain")],
    ] {
        let (status, problem) = ask(to, "POST", "/v1/tokens", headers, "{}");
        assert!([403, 415].contains(&status), "{status}");
        assert_eq!(problem["status"], json!(status));
    }
    let long = "x".repeat(70_000);
    let (status, problem) = ask(to, "POST", "/v1/tokens", &[JSON], &format!("{{\"{long}\": 1}}"));
    assert_eq!((status, &problem["status"]), (413, &json!(413)));
    assert_eq!(process.ctl(&["token", "list"]).unwrap(), before);
}

#[test]
fn elsewhere_than_on_loopback_a_key_is_wanted_and_kept() {
    let folder = Folder::new("api-key");
    let state = folder.0.join("state");
    let args = ["--listen", "127.0.0.1:0", "--api", "0.0.0.0:0", "--api-anywhere"];
    let mut keys = Vec::new();
    for _ in 0..2 {
        let process = Process::start(&state, &args);
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, process.api.unwrap().port()));
        let key = std::fs::read_to_string(state.join("api.key")).unwrap().trim().to_owned();
        assert!(!process.told.iter().any(|line| line.contains(&key)), "{:?}", process.told);
        let bearer = format!("Bearer {key}");
        for (given, status) in [(bearer.as_str(), 200), ("Bearer x", 401), ("", 401)] {
            let headers = [("Authorization", given), ("Host", "10.0.0.1")];
            assert_eq!(ask(to, "GET", "/v1/tokens", &headers, "").0, status, "{given}");
        }
        keys.push(key);
    }
    assert_eq!(keys[0], keys[1]);
    let mode = std::fs::metadata(state.join("api.key")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600);
}
