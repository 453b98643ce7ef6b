//! A telnet client of a few lines, with a front that plays the supervisor.

use std::sync::Arc;

use tokio::io::DuplexStream;

use super::*;
use crate::shell::gate::STANDING_MAX;
use crate::shell::tests::Stage;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn server() -> (Server<Stage>, Stage) {
    let (stage, _) = Stage::new();
    let host = Arc::new(|| "fp".to_owned());
    (Server::new(stage.clone(), Prover::default(), host), stage)
}

fn knock(server: &Server<Stage>) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(server.clone().connection(theirs, PEER));
    ours
}

async fn expect(stream: &mut DuplexStream, end: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    while !shown.ends_with(end) {
        shown.push(stream.read_u8().await.unwrap());
    }
    shown
}

#[tokio::test]
async fn a_client_negotiates_logs_in_and_is_closed_at_the_end() {
    let (server, stage) = server();
    let mut client = knock(&server);
    let shown = expect(&mut client, b"fp login: ").await;
    assert!(shown.starts_with(&OFFER), "{shown:?}");
    client.write_all(&[255, 253, 24, 255, 250, 31, 0, 132, 0, 40, 255, 240]).await.unwrap();
    expect(&mut client, &[255, 252, 24]).await;
    client.write_all(b"admin\r\0").await.unwrap();
    expect(&mut client, b"Password: ").await;
    client.write_all(b"Admin123\r\0").await.unwrap();
    let shown = expect(&mut client, b"FP# ").await;
    assert!(String::from_utf8_lossy(&shown).contains("Cisco Firepower"));
    let told = stage.0.lock().told.join("\n");
    assert!(told.contains("right admin from 192.0.2.7\nopen 132x40"), "{told}");
    client.write_all(b"exit\r").await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_crowd_keeps_nobody_out() {
    let (server, _) = server();
    let crowd: Vec<DuplexStream> = (0..3 * STANDING_MAX).map(|_| knock(&server)).collect();
    let mut client = knock(&server);
    expect(&mut client, b"login: ").await;
    client.write_all(b"admin\nAdmin123\n").await.unwrap();
    expect(&mut client, b"FP# ").await;
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_is_cut_off_in_time() {
    let (server, _) = server();
    let mut client = knock(&server);
    let started = tokio::time::Instant::now();
    let mut rest = Vec::new();
    // A cut connection ends in an error or an end, as the pipe likes it.
    let _ = client.read_to_end(&mut rest).await;
    assert!(started.elapsed() >= GRACE);
    assert_eq!(server.gate.count(), (0, 0));
}
