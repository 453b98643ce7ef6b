//! The JSON API of a lab's authority.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::process::{Folder, Lab, run, vfxos};

/// Asks one thing; the status and what came with it.
fn ask(to: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(to).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn the_api_moves_the_lab_s_clock_and_makes_tokens_that_register_its_chassis() {
    let folder = Folder::new();
    let topology = folder.changed(&[("clock = \"now\"", "clock = \"2020-08-04T07:58:13Z\"")]);
    let mut command = vfxos();
    command.args(["lab", "--api", "127.0.0.1:0"]).arg(topology).arg("--state").arg(folder.state());
    let mut lab = Lab::spawn(&folder, &mut command);
    let said = lab.err().through("/openapi.json");
    let (_, to) = said.rsplit_once("http://").unwrap();
    let to = to.split('/').next().unwrap().to_owned();

    let (status, clock) = ask(&to, "POST", "/v1/clock/advance", "{\"by\": \"10d\"}");
    assert_eq!(status, 200, "{clock}");
    assert!(clock["wall"].as_str().unwrap().starts_with("2020-08-14T07:5"), "{clock}");
    let shown = lab.say("show clock");
    assert!(shown.contains("Aug 14") && shown.ends_with("UTC 2020\n"), "{shown}");
    let (status, problem) = ask(&to, "PUT", "/v1/clock/rate", "{\"rate\": 0}");
    assert_eq!((status, &problem["status"]), (422, &422.into()), "{problem}");

    let (status, token) = ask(&to, "POST", "/v1/tokens", "{}");
    assert_eq!(status, 201);
    let token = token["text"].as_str().unwrap();
    lab.enter(&["scope license", &format!("register idtoken {token}")]);
    lab.asked("wait registered 60s");
    let (status, known) = ask(&to, "GET", "/v1/instances", "");
    assert_eq!((status, &known[0]["udi"]["serial"]), (200, &"JAD12345678".into()));
}

#[test]
fn the_api_of_a_lab_is_for_this_machine_alone() {
    let folder = Folder::new();
    let mut command = vfxos();
    command.args(["lab", "--api", "0.0.0.0:0", "--state"]).arg(folder.state());
    let ended = run(&mut command, b"").with(2);
    assert!(ended.err.contains("use 127.0.0.1"), "{}", ended.err);
}
