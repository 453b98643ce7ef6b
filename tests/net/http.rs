//! The HTTP server over a stack and over the host's own sockets, and what it puts up with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vfxos::base::time::{Utc, days};
use vfxos::net::ca::Ca;
use vfxos::net::http::{Limits, Opening, Peer, Refusals, serve};
use vfxos::net::link::hub::Hub;
use vfxos::net::tls;

use crate::network::{MTU, SOON, at, host, read};

const BRIEF: Duration = Duration::from_millis(500);
const LIMITS: Limits = Limits {
    handshake: BRIEF,
    head: BRIEF,
    body: BRIEF,
    body_max: 16,
    connections_max: 2,
    refusals: Refusals::Bare,
};

/// Says who asked for what, with what.
async fn echo(parts: Parts, body: Bytes) -> Response<Full<Bytes>> {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let text = format!("{} {} {peer:?} {}", parts.method, parts.uri, body.len());
    Response::new(Full::from(text))
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap_or(0);
    answer
}

async fn here() -> SocketAddr {
    here_with(LIMITS).await
}

async fn here_with(limits: Limits) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, |_| Opening::Plain, limits, echo));
    address
}

async fn connect(to: SocketAddr) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(to).await.unwrap()
}

#[tokio::test]
async fn over_the_host_s_own_sockets() {
    let to = here().await;
    let post = "POST /a?b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";
    let answer = talk(connect(to).await, post).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("POST /a?b Some(127.0.0.1) 3"), "{answer}");
}

#[tokio::test]
async fn over_a_stack_with_tls() {
    let hub = Hub::new();
    let server = host(hub.port(MTU), 1, &["192.0.2.1/24"], None);
    let client = host(hub.port(MTU), 2, &["192.0.2.2/24"], None);
    let now = Utc::from_unix_s(1_596_801_600);
    let ca = Ca::generate().unwrap();
    let certificate = ca.issue_server(&["fxos.lab"], now, now + days(1)).unwrap();
    let config = tls::server(certificate.chain, certificate.key).unwrap();
    let listener = server.listen(None, 443, 4).unwrap();
    tokio::spawn(serve(listener, move |_| Opening::Tls(config.clone()), LIMITS, echo));

    let to = at(Ipv4Addr::new(192, 0, 2, 1), 443);
    let mut silent = client.connect(to, SOON).await.unwrap();
    let stream = client.connect(to, SOON).await.unwrap();
    let connector = TlsConnector::from(tls::client(&read(ca.root_pem()), now).unwrap());
    let stream = connector.connect("fxos.lab".try_into().unwrap(), stream).await.unwrap();
    let answer = talk(stream, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.ends_with("GET / Some(192.0.2.2) 0"), "{answer}");
    // Who never shakes hands is let go.
    assert_eq!(timeout(SOON, silent.read(&mut [0; 1])).await.unwrap().unwrap_or(0), 0);
}

#[tokio::test]
async fn what_is_too_long_too_late_or_nonsense() {
    let to = here().await;
    let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let long_head = format!("GET / HTTP/1.1\r\n{}\r\n", "x-a: 1\r\n".repeat(5_000));
    let table = [
        (format!("{head}content-length: 17\r\n\r\n01234567890123456"), "HTTP/1.1 413 "),
        (format!("{head}content-length: 9\r\n\r\nabc"), "HTTP/1.1 408 "),
        (format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n"), "HTTP/1.1 400 "),
        (long_head, "HTTP/1.1 431 "),
        ("\u{0}\u{1}\u{2}\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\nhost".to_owned(), ""),
        (String::new(), ""),
    ];
    for (request, want) in table {
        let answer = talk(connect(to).await, &request).await;
        let start = answer.get(..want.len());
        assert_eq!(start, Some(want), "{:?}", request.get(..40.min(request.len())));
    }
}

#[tokio::test]
async fn a_refusal_is_bare_or_a_problem() {
    let long = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 17\r\n\r\n";
    let long = format!("{long}01234567890123456");
    let bare = talk(connect(here().await).await, &long).await;
    assert!(bare.ends_with("\r\n\r\n"), "{bare}");
    let to = here_with(Limits { refusals: Refusals::Problem, ..LIMITS }).await;
    let problem = talk(connect(to).await, &long).await;
    assert!(problem.contains("content-type: application/problem+json\r\n"), "{problem}");
    assert!(problem.contains("\"status\":413"), "{problem}");
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    let to = here().await;
    let (first, second) = (connect(to).await, connect(to).await);
    let third = tokio::spawn(async move {
        talk(connect(to).await, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await
    });
    // The first two say nothing and are let go after their head's time; then it is served.
    let answer = timeout(SOON, third).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop((first, second));
}
