//! One exchange with an authority: what is believed, and each way in which it fails.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use vfxos::base::time::{Utc, days};
use vfxos::net::ca::Ca;
use vfxos::net::callhome::{Patience, Proxy, Target, Trust, exchange};
use vfxos::net::dns;
use vfxos::net::hosts::router::{Effect, Fault};
use vfxos::net::hosts::{DnsMode, Modes};
use vfxos::net::stack::{Stack, TcpListener};
use vfxos::net::tls;
use vfxos::proto::agent::ExchangeError;
use vfxos::wire::callhome::{Answer, SigningKey, Verdict, seal, unsigned};

use crate::network::{AUTHORITY, DNS, Network, SOON, cidr, host, read};

const NOON: Utc = Utc::from_unix_s(1_596_801_600);
const BRIEF: Duration = Duration::from_secs(1);
const PATIENCE: Patience = Patience {
    dns: dns::Patience { wait: Duration::from_millis(200), tries: 2 },
    connect: BRIEF,
    handshake: Duration::from_secs(2),
    answer: BRIEF,
};
const REQUEST: &[u8] = b"{\"sealed\":true}";

fn answer() -> Answer {
    Answer { nonce: 7, issued_at: NOON, verdict: Verdict::Deregistered }
}

fn body() -> Vec<u8> {
    answer().to_json()
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Chassis, authority, and what the one believes of the other.
struct Lab {
    network: Network,
    ca: Ca,
    target: Target,
    trust: Trust,
}

impl Lab {
    fn new() -> Lab {
        let ca = Ca::generate().unwrap();
        let target = Target {
            url: "https://tools.cisco.com/its/service".to_owned(),
            proxy: None,
            dns: vec![IpAddr::V4(DNS)],
            domain: None,
            patience: PATIENCE,
        };
        let trust =
            Trust { tls_roots: read(ca.root_pem()), licence_roots: read(ca.licence_root_pem()) };
        Lab { network: Network::now(), ca, target, trust }
    }

    /// Serves every connection at 443 with this answer, for this name.
    fn serve(&self, name: &str, answer: Vec<u8>) {
        let server = self.ca.issue_server(&[name], NOON - days(1), NOON + days(90)).unwrap();
        let acceptor = TlsAcceptor::from(tls::server(server.chain, server.key).unwrap());
        let listener = self.network.authority.listen(None, 443, 8).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                respond(stream, &answer).await;
            }
        });
    }

    async fn exchange_at(&self, wall: Utc) -> Result<Answer, ExchangeError> {
        let stack = &self.network.chassis;
        let exchange = exchange(stack, &self.target, &self.trust, wall, REQUEST.to_vec());
        timeout(SOON, exchange).await.expect("every step has its own time-out")
    }

    async fn exchange(&self) -> Result<Answer, ExchangeError> {
        self.exchange_at(NOON).await
    }
}

/// Reads the request, writes the bytes, and closes.
async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut request = Vec::new();
    while !request.ends_with(REQUEST) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    // The chassis closes when it has read it all; until then nothing is thrown away.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    String::from_utf8(request).unwrap()
}

#[tokio::test]
async fn a_good_answer_is_believed() {
    let lab = Lab::new();
    lab.serve("tools.cisco.com", ok(&lab.ca.seal(&body())));
    assert_eq!(lab.exchange().await, Ok(answer()));
}

#[tokio::test]
async fn the_second_address_is_tried_when_the_first_refuses() {
    let lab = Lab::new();
    lab.serve("tools.cisco.com", ok(&lab.ca.seal(&body())));
    let to = cidr("72.163.4.38/32");
    let fault = Fault { from: None, to, protocol: None, port: None, effect: Effect::BlackHole };
    lab.network.router.set_fault("first", fault).unwrap();
    assert_eq!(lab.exchange().await, Ok(answer()));
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let lab = Lab::new();
    for mode in [DnsMode::Silent, DnsMode::NxDomain] {
        lab.network.dns.set_modes(Modes::of_all(mode));
        assert_eq!(lab.exchange().await, Err(ExchangeError::Resolve), "{mode:?}");
    }
}

#[tokio::test]
async fn nobody_listens_or_the_way_is_cut() {
    let lab = Lab::new();
    assert_eq!(lab.exchange().await, Err(ExchangeError::Connect), "refused");
    lab.network.dns.set_modes(Modes::of_all(DnsMode::Wrong(Ipv4Addr::new(192, 0, 2, 1))));
    assert_eq!(lab.exchange().await, Err(ExchangeError::Connect), "no such network");
}

#[tokio::test]
async fn a_server_that_the_trustpoint_does_not_vouch_for() {
    let mut lab = Lab::new();
    lab.serve("tools.cisco.com", ok(&lab.ca.seal(&body())));
    let ten_years = days(3650);
    assert_eq!(lab.exchange_at(NOON + ten_years).await, Err(ExchangeError::Authenticate));
    assert_eq!(lab.exchange_at(Utc::MIN).await, Err(ExchangeError::Authenticate));
    lab.trust.tls_roots = read(Ca::generate().unwrap().root_pem());
    assert_eq!(lab.exchange().await, Err(ExchangeError::Authenticate), "another root");
    for roots in [Vec::new(), vec![CertificateDer::from(b"no certificate".to_vec())]] {
        lab.trust.tls_roots = roots;
        assert_eq!(lab.exchange().await, Err(ExchangeError::Authenticate), "no root");
    }
}

#[tokio::test]
async fn a_server_of_another_name() {
    let lab = Lab::new();
    lab.serve("other.cisco.com", ok(&lab.ca.seal(&body())));
    assert_eq!(lab.exchange().await, Err(ExchangeError::Authenticate));
}

#[tokio::test]
async fn answers_by_what_is_wrong_with_them() {
    let key = SigningKey::from_seed(&[9; 32]);
    let ca = Ca::generate().unwrap();
    let good = ca.seal(&body());
    let half = ok(&good)[..good.len() / 2].to_vec();
    let expired = ca.issue_signing(key.public_key(), NOON - days(90), NOON - days(1)).unwrap();
    let many = "x-a: 1\r\n".repeat(2_000);
    let status = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let table = [
        ("good", ok(&good), Ok(answer())),
        ("403", status("403 Forbidden"), Err(ExchangeError::Status { status: 403 })),
        ("500", status("500 No"), Err(ExchangeError::Status { status: 500 })),
        ("empty", ok(b""), Err(ExchangeError::Transport)),
        ("no answer", Vec::new(), Err(ExchangeError::Transport)),
        ("not HTTP", b"SSH-2.0-OpenSSH\r\n".to_vec(), Err(ExchangeError::Transport)),
        ("cut", half, Err(ExchangeError::Transport)),
        (
            "endless head",
            format!("HTTP/1.1 200 OK\r\n{many}\r\n").into(),
            Err(ExchangeError::Transport),
        ),
        ("a page", ok(b"<html>Log in</html>"), Err(ExchangeError::Parse)),
        (
            "a redirection",
            [&status("302 Found")[..17], b"content-length: 2\r\n\r\n{}"].concat(),
            Err(ExchangeError::Parse),
        ),
        ("too long", ok(&vec![b' '; 65 * 1024]), Err(ExchangeError::Parse)),
        ("signed nonsense", ok(&ca.seal(b"{}")), Err(ExchangeError::Parse)),
        ("no chain", ok(&seal(&body(), ca.signer(), "")), Err(ExchangeError::Signature)),
        ("another key", ok(&seal(&body(), &key, ca.signer_chain())), Err(ExchangeError::Signature)),
        ("unsigned", ok(&unsigned(&body())), Err(ExchangeError::Unsigned)),
        ("expired signer", ok(&seal(&body(), &key, &expired)), Err(ExchangeError::SignerExpired)),
        (
            "another authority",
            ok(&Ca::generate().unwrap().seal(&body())),
            Err(ExchangeError::Signature),
        ),
    ];
    let mut lab = Lab::new();
    lab.trust.licence_roots = read(ca.licence_root_pem());
    for (what, bytes, want) in table {
        let lab = Lab {
            network: Network::now(),
            ca: Ca::load(&lab.ca.to_stored()).unwrap(),
            target: lab.target.clone(),
            trust: lab.trust.clone(),
        };
        lab.serve("tools.cisco.com", bytes);
        assert_eq!(lab.exchange().await, want, "{what}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_or_falls_silent() {
    let lab = Lab::new();
    let listener = lab.network.authority.listen(None, 443, 8).unwrap();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        listener
    });
    assert_eq!(lab.exchange().await, Err(ExchangeError::Transport), "no TLS");
    drop(plain);
    let server = lab.ca.issue_server(&["tools.cisco.com"], NOON, NOON + days(1)).unwrap();
    let acceptor = TlsAcceptor::from(tls::server(server.chain, server.key).unwrap());
    let lab = Lab { network: Network::now(), ..lab };
    let listener = lab.network.authority.listen(None, 443, 8).unwrap();
    tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        let _held = acceptor.accept(stream).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(lab.exchange().await, Err(ExchangeError::Transport), "silence");
}

#[tokio::test]
async fn an_old_satellite_speaks_plain_http() {
    let mut lab = Lab::new();
    lab.target.url = "http://tools.cisco.com:8080/Transportgateway?a=b".to_owned();
    let listener = lab.network.authority.listen(None, 8080, 8).unwrap();
    let bytes = ok(&lab.ca.seal(&body()));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        respond(stream, &bytes).await
    });
    assert_eq!(lab.exchange().await, Ok(answer()));
    let request = server.await.unwrap();
    assert!(request.starts_with("POST /Transportgateway?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: tools.cisco.com:8080\r\n"), "{request}");
}

/// A proxy on the chassis's own segment.
fn proxy(lab: &mut Lab) -> (Stack, TcpListener) {
    let gateway = Some(crate::network::GATEWAY);
    let stack = host(lab.network.lan.port(1500), 9, &["10.62.148.80/24"], gateway);
    let listener = stack.listen(None, 3128, 8).unwrap();
    let login = Some(("lab".to_owned(), "secret".to_owned()));
    lab.target.proxy = Some(Proxy { host: "10.62.148.80".to_owned(), port: 3128, login });
    (stack, listener)
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn https_goes_through_a_proxy_s_tunnel() {
    let mut lab = Lab::new();
    lab.serve("tools.cisco.com", ok(&lab.ca.seal(&body())));
    let (stack, listener) = proxy(&mut lab);
    let authority = AUTHORITY[0];
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let head = head(&mut client).await;
        let mut onward = stack.connect((authority, 443).into(), SOON).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut onward).await;
        head
    });
    // The proxy resolves the name; the chassis needs no DNS for it.
    lab.target.dns.clear();
    assert_eq!(lab.exchange().await, Ok(answer()));
    let head = server.await.unwrap();
    assert!(head.starts_with("CONNECT tools.cisco.com:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: Basic bGFiOnNlY3JldA==\r\n"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_status_and_one_that_is_not_there_is_no_connection() {
    let mut lab = Lab::new();
    let (_stack, listener) = proxy(&mut lab);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        head(&mut client).await;
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        client.write_all(refusal).await.unwrap();
        let _ = client.read_to_end(&mut Vec::new()).await;
    });
    assert_eq!(lab.exchange().await, Err(ExchangeError::Status { status: 407 }));
    assert_eq!(lab.exchange().await, Err(ExchangeError::Connect), "its port is closed by now");
    if let Some(proxy) = &mut lab.target.proxy {
        proxy.host = "proxy.nowhere".to_owned();
    }
    assert_eq!(lab.exchange().await, Err(ExchangeError::Resolve));
}

#[tokio::test]
async fn plain_http_through_a_proxy_names_the_whole_url() {
    let mut lab = Lab::new();
    lab.target.url = "http://tools.cisco.com/x".to_owned();
    let (_stack, listener) = proxy(&mut lab);
    let bytes = ok(&lab.ca.seal(&body()));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        respond(stream, &bytes).await
    });
    assert_eq!(lab.exchange().await, Ok(answer()));
    let request = server.await.unwrap();
    assert!(request.starts_with("POST http://tools.cisco.com/x HTTP/1.1\r\n"), "{request}");
}

#[tokio::test]
async fn an_address_that_is_no_url_is_a_transport_failure() {
    let mut lab = Lab::new();
    for url in ["", "tools.cisco.com", "ftp://tools.cisco.com/", "https:///x"] {
        lab.target.url = url.to_owned();
        assert_eq!(lab.exchange().await, Err(ExchangeError::Transport), "{url}");
    }
}

#[test]
fn the_answer_of_these_tests_is_one() {
    assert_eq!(Answer::parse(&body()).unwrap(), answer());
}
