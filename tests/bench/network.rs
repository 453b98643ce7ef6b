//! What goes over the in-memory wire: whole registrations, and bulk data.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;
use vfxos::base::ident::Udi;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc, days};
use vfxos::net::callhome::{Patience, Target, Trust, exchange};
use vfxos::net::hosts::{DnsServer, Router, RouterPort};
use vfxos::net::http::{Limits, Opening, serve};
use vfxos::net::link::Mac;
use vfxos::net::link::hub::Hub;
use vfxos::net::stack::{Stack, StackConfig};
use vfxos::net::tls;
use vfxos::proto::authority::{Settings, TokenSpec};
use vfxos::shell::authority::Service;
use vfxos::sys::flash::{Flash, Kind};
use vfxos::wire::callhome::{Ask, Device, Request, SigningKey, Verdict, seal};

use crate::Failure;
use crate::table::{Budget, Figure, Unit};
use crate::timing::{beside, timed};

const MTU: usize = 1500;
const NAME: &str = "tools.cisco.com";
const CHASSIS: Ipv4Addr = Ipv4Addr::new(10, 62, 148, 225);
const DNS: Ipv4Addr = Ipv4Addr::new(172, 16, 200, 100);
const AUTHORITY: Ipv4Addr = Ipv4Addr::new(72, 163, 4, 38);
const NOON: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
/// Registrations, and handshakes, of one repetition.
const TOGETHER: u32 = 50;
/// Bytes of one repetition of the bulk transfer.
const BULK: usize = 64 << 20;
/// How much more goes through the pipe in one repetition: both are to take about as long, so that
/// a busy machine meets both alike.
const PIPE_TIMES: u32 = 16;
/// Bytes of one write.
const PIECE: usize = 64 * 1024;

pub fn figures() -> Result<Vec<Figure>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(vec![registration(&runtime)?, bulk(&runtime)?])
}

/// A chassis, a router, DNS and the authority, as a lab has them.
struct Network {
    chassis: Stack,
    service: Service,
    target: Target,
    trust: Trust,
    token: String,
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    made: u32,
    _router: Router,
    _dns: DnsServer,
}

fn registration(runtime: &Runtime) -> Result<Figure, Failure> {
    let mut network = runtime.block_on(Network::build())?;
    let (client, server) = (Arc::clone(&network.client), Arc::clone(&network.server));
    let taken = beside(
        11,
        || {
            let (took, done) = timed(|| runtime.block_on(network.register(TOGETHER)));
            done.map(|()| took)
        },
        || {
            let (took, done) =
                timed(|| (0..TOGETHER).try_for_each(|_| handshake(&client, &server)));
            done.map(|()| took)
        },
    )?;
    Ok(Figure {
        name: "registration through the whole stack",
        unit: Unit::Rate,
        subject: taken.subject / f64::from(TOGETHER),
        beside: "TLS handshake, no network",
        peer: taken.peer / f64::from(TOGETHER),
        budget: Budget::Times(4.0),
    })
}

fn bulk(runtime: &Runtime) -> Result<Figure, Failure> {
    let (_hub, near, far) = runtime.block_on(async {
        let hub = Hub::new();
        let near = host(&hub, 1, Ipv4Addr::new(192, 0, 2, 1), None)?;
        let far = host(&hub, 2, Ipv4Addr::new(192, 0, 2, 2), None)?;
        Ok::<_, Failure>((hub, near, far))
    })?;
    let listener = far.listen(None, 80, 1)?;
    let to = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 2).into(), 80);
    let taken = beside(
        7,
        || {
            let (took, done) = timed(|| {
                runtime.block_on(async {
                    let (from, to) =
                        tokio::join!(near.connect(to, Duration::from_secs(5)), listener.accept());
                    transfer(from?, to?.0, BULK).await
                })
            });
            done.map(|()| took)
        },
        || {
            let bytes = BULK * PIPE_TIMES as usize;
            let (took, done) = timed(|| {
                runtime.block_on(async {
                    let (from, to) = tokio::io::duplex(PIECE);
                    transfer(from, to, bytes).await
                })
            });
            done.map(|()| took / PIPE_TIMES)
        },
    )?;
    Ok(Figure {
        name: "bulk TCP between two stacks",
        unit: Unit::Flow { bytes: BULK as f64 },
        subject: taken.subject,
        beside: "tokio's in-memory pipe",
        peer: taken.peer,
        budget: Budget::Times(20.0),
    })
}

/// Sends bytes from one task to another.
async fn transfer<A, B>(mut from: A, mut to: B, bytes: usize) -> Result<(), Failure>
where
    A: AsyncWrite + Unpin + Send + 'static,
    B: AsyncRead + Unpin + Send + 'static,
{
    let sink = tokio::spawn(async move {
        let (mut buffer, mut total) = (vec![0; PIECE], 0);
        loop {
            match to.read(&mut buffer).await? {
                0 => return Ok::<_, std::io::Error>(total),
                read => total += read,
            }
        }
    });
    let piece = vec![7; PIECE];
    for _ in 0..bytes / PIECE {
        from.write_all(&piece).await?;
    }
    from.shutdown().await?;
    drop(from);
    let total = sink.await??;
    if total == bytes { Ok(()) } else { Err(format!("{total} of {bytes} bytes arrived").into()) }
}

/// One TLS handshake between two state machines, and nothing between them.
fn handshake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<(), Failure> {
    let mut client = ClientConnection::new(Arc::clone(client), ServerName::try_from(NAME)?)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    let mut wire = Vec::new();
    while client.is_handshaking() || server.is_handshaking() {
        client.write_tls(&mut wire)?;
        server.read_tls(&mut wire.as_slice())?;
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire)?;
        }
        client.read_tls(&mut wire.as_slice())?;
        client.process_new_packets()?;
        wire.clear();
    }
    Ok(())
}

impl Network {
    async fn build() -> Result<Network, Failure> {
        let [lan, dns_side, internet] = [(); 3].map(|()| Hub::new());
        let port = |hub: &Hub, number: u8, address: &str| {
            let mac = Mac([2, 0, 0, 0, 1, number]);
            Ok::<_, Failure>(RouterPort {
                link: hub.port(MTU),
                mac,
                addresses: vec![address.parse()?],
            })
        };
        let router = Router::spawn(vec![
            port(&lan, 1, "10.62.148.129/24")?,
            port(&dns_side, 2, "172.16.200.1/24")?,
            port(&internet, 3, "72.163.4.1/24")?,
        ])?;
        let chassis = host(&lan, 1, CHASSIS, Some(Ipv4Addr::new(10, 62, 148, 129)))?;
        let dns = host(&dns_side, 2, DNS, Some(Ipv4Addr::new(172, 16, 200, 1)))?;
        let dns = DnsServer::spawn(dns)?;
        dns.set(NAME, vec![AUTHORITY]);
        let flash = Flash::memory(Kind::Authority);
        let service = Service::open(flash, Settings::default(), Rng::from_seed(1))?;
        let token =
            service.operate(NOON, |a, wall| a.token_new(wall, &TokenSpec::default())).await?;
        let ca = service.ca();
        let (from, to) = (NOON.wall - days(1), NOON.wall + days(365));
        let certificate = ca.issue_server(&[NAME], from, to)?;
        let server = tls::server(certificate.chain, certificate.key)?;
        let read = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes());
        let trust = Trust {
            tls_roots: vec![read(ca.root_pem())?],
            licence_roots: vec![read(ca.licence_root_pem())?],
        };
        let client = tls::client(&trust.tls_roots, NOON.wall)?;
        let stack = host(&internet, 3, AUTHORITY, Some(Ipv4Addr::new(72, 163, 4, 1)))?;
        let listener = stack.listen(None, 443, 64)?;
        let (answering, opening) = (service.clone(), Opening::Tls(Arc::clone(&server)));
        let opening = move |_| opening.clone();
        tokio::spawn(serve(listener, opening, Limits::default(), move |_: Parts, body: Bytes| {
            let service = answering.clone();
            async move {
                let answer = service.answer(&body, NOON).await;
                let mut response = Response::new(Full::from(answer.body));
                *response.status_mut() =
                    StatusCode::from_u16(answer.status).unwrap_or(StatusCode::IM_A_TEAPOT);
                response
            }
        }));
        let target = Target {
            url: format!("https://{NAME}/its/service/oddce/services/DDCEService"),
            proxy: None,
            dns: vec![IpAddr::V4(DNS)],
            domain: None,
            patience: Patience::default(),
        };
        let token = token.text;
        let (_router, _dns, made) = (router, dns, 0);
        Ok(Network { chassis, service, target, trust, token, client, server, made, _router, _dns })
    }

    /// Registers so many new chassis, one after the other.
    async fn register(&mut self, count: u32) -> Result<(), Failure> {
        for _ in 0..count {
            self.made += 1;
            let request = registration_of(self.made, &self.token);
            let answer =
                exchange(&self.chassis, &self.target, &self.trust, NOON.wall, request).await;
            let verdict = answer.map_err(|error| format!("{error:?}"))?.verdict;
            if !matches!(verdict, Verdict::Registered(_)) {
                return Err(format!("not registered: {verdict:?}").into());
            }
        }
        let known = self.service.operate(NOON, |a, _| Ok(a.instances().len())).await?;
        if known == self.made as usize { Ok(()) } else { Err("some were not kept".into()) }
    }
}

/// Plugs a host in.
fn host(
    hub: &Hub,
    last: u8,
    address: Ipv4Addr,
    gateway: Option<Ipv4Addr>,
) -> Result<Stack, Failure> {
    let config = StackConfig {
        mac: Mac([2, 0, 0, 0, 0, last]),
        addresses: vec![format!("{address}/24").parse()?],
        gateway: gateway.map(IpAddr::V4),
        slaac: false,
    };
    Ok(Stack::spawn(config, hub.port(MTU))?)
}

/// Returns the sealed request of a chassis of its own.
pub fn registration_of(number: u32, token: &str) -> Vec<u8> {
    let mut seed = [1; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    let key = SigningKey::from_seed(&seed);
    let device = Device {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial: format!("JAD{number:08}") },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        agent: "4.6.9_rel/104".into(),
    };
    let public_key = key.public_key().to_string();
    let ask = Ask::Register { token: token.to_owned(), force: false, public_key };
    let body = Request { sent_at: NOON.wall, nonce: u64::from(number), device, ask }.to_json();
    seal(&body, &key, "")
}
