//! One try to reach the licence authority, and the one way in which it failed.
//!
//! ```text
//! resolve ─▶ connect ─▶ TLS ─▶ HTTP ─▶ envelope ─▶ signature ─▶ answer
//! Resolve    Connect    Authen- Status  Parse       Signature    Parse
//!                       ticate  Transport
//! ```
//!
//! # Source
//! `licensing.md` 3.2, the order in which a cause shows up.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, PROXY_AUTHORIZATION};
use hyper::http::request::Builder;
use hyper::http::uri::Scheme;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::ca;
use super::dns;
use super::stack::{Stack, TcpStream};
use super::tls;
use crate::base::time::Utc;
use crate::proto::agent::ExchangeError;
use crate::wire::callhome::{Answer, ENVELOPE_MAX, open};

/// Most header lines in an answer.
const HEADERS_MAX: usize = 64;
/// Most bytes of an answer's head.
const HEAD_MAX: usize = 16 * 1024;

/// An HTTP proxy between chassis and authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// User and password for Basic authentication.
    pub login: Option<(String, String)>,
}

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub dns: dns::Patience,
    /// For each address that the name has.
    pub connect: Duration,
    /// For the TLS handshake, and for the proxy's word before it.
    pub handshake: Duration,
    /// From the request's first byte to the answer's last.
    pub answer: Duration,
}

impl Default for Patience {
    /// # Source
    /// Recall, but for DNS.
    fn default() -> Patience {
        Patience {
            dns: dns::Patience::default(),
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(15),
            answer: Duration::from_secs(30),
        }
    }
}

/// Where to send a request, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `https://HOST[:PORT]/PATH`, or `http://` for an old satellite.
    pub url: String,
    pub proxy: Option<Proxy>,
    /// DNS servers in the order asked.
    pub dns: Vec<IpAddr>,
    /// The search domain.
    pub domain: Option<String>,
    pub patience: Patience,
}

/// Whom the chassis believes: its trustpoints' certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Trustpoint CHdefault: who may vouch for the TLS server.
    pub tls_roots: Vec<CertificateDer<'static>>,
    /// Trustpoint CiscoLicRoot: who may vouch for the signer of answers.
    pub licence_roots: Vec<CertificateDer<'static>>,
}

/// Sends one sealed request and returns the authority's believed answer.
///
/// `wall` is the chassis's clock; certificates are held against it, not against the host's. The
/// answer's nonce is not looked at: the agent knows what it asked.
///
/// # Errors
/// [`ExchangeError`], the first thing that went wrong.
pub async fn exchange(
    stack: &Stack,
    target: &Target,
    trust: &Trust,
    wall: Utc,
    body: Vec<u8>,
) -> Result<Answer, ExchangeError> {
    let url = Url::parse(&target.url).ok_or(ExchangeError::Transport)?;
    let (host, port) = match &target.proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (url.host.as_str(), url.port),
    };
    let stream = connect(stack, target, host, port).await?;
    let answer = match (&target.proxy, url.tls) {
        (None, false) => post(stream, url.request(body), target.patience).await,
        (Some(proxy), false) => {
            let request = login(url.request_via_proxy(), proxy);
            post(stream, request.body(Full::from(body)), target.patience).await
        }
        (None, true) => secured(stream, &url, target, trust, wall, body).await,
        (Some(proxy), true) => {
            let tunnel =
                tokio::time::timeout(target.patience.handshake, tunnel(stream, &url, proxy))
                    .await
                    .map_err(|_| ExchangeError::Transport)??;
            secured(tunnel, &url, target, trust, wall, body).await
        }
    }?;
    believe(&answer, &trust.licence_roots, wall)
}

/// What matters of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    tls: bool,
    /// Without the brackets of an IPv6 literal.
    host: String,
    port: u16,
    /// Host and port as they stand in the URL.
    authority: String,
    path: String,
}

impl Url {
    fn parse(text: &str) -> Option<Url> {
        let uri: Uri = text.trim().parse().ok()?;
        let tls = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        // Whatever stands before an @ is a password, and none of the authority's business.
        let authority = uri.authority()?.as_str().rsplit('@').next()?.to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        (!host.is_empty()).then_some(Url { tls, host, port, authority, path })
    }

    fn request(&self, body: Vec<u8>) -> hyper::http::Result<Request<Full<Bytes>>> {
        self.head(&self.path).body(Full::from(body))
    }

    fn request_via_proxy(&self) -> Builder {
        self.head(&format!("http://{}{}", self.authority, self.path))
    }

    fn head(&self, target: &str) -> Builder {
        Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
    }
}

fn login(request: Builder, proxy: &Proxy) -> Builder {
    match &proxy.login {
        Some((user, password)) => {
            let secret = STANDARD.encode(format!("{user}:{password}"));
            request.header(PROXY_AUTHORIZATION, format!("Basic {secret}"))
        }
        None => request,
    }
}

/// Resolves `host` and connects to the first of its addresses that answers.
async fn connect(
    stack: &Stack,
    target: &Target,
    host: &str,
    port: u16,
) -> Result<TcpStream, ExchangeError> {
    let domain = target.domain.as_deref();
    let addresses =
        dns::resolve_within(stack, &target.dns, domain, host, target.patience.dns).await;
    let addresses = addresses.map_err(|error| {
        tracing::debug!(host, %error, "callhome: not resolved");
        ExchangeError::Resolve
    })?;
    for address in addresses {
        let to = SocketAddr::new(address, port);
        match stack.connect(to, target.patience.connect).await {
            Ok(stream) => return Ok(stream),
            Err(error) => tracing::debug!(%to, %error, "callhome: not connected"),
        }
    }
    Err(ExchangeError::Connect)
}

/// Asks the proxy for a way to the authority.
async fn tunnel(
    stream: TcpStream,
    url: &Url,
    proxy: &Proxy,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, ExchangeError> {
    let broken = |_| ExchangeError::Transport;
    let (mut sender, connection) =
        client().handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection.with_upgrades());
    let bracketed =
        if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    let there = format!("{bracketed}:{}", url.port);
    let request = Request::builder().method(Method::CONNECT).uri(&there).header(HOST, &there);
    let request = login(request, proxy).body(Empty::<Bytes>::new());
    let request = request.map_err(|_| ExchangeError::Transport)?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status().as_u16() >= 400 {
        return Err(ExchangeError::Status { status: response.status().as_u16() });
    }
    if !response.status().is_success() {
        return Err(ExchangeError::Transport);
    }
    hyper::upgrade::on(response).await.map(TokioIo::new).map_err(broken)
}

/// Runs the TLS handshake, then the request.
async fn secured<C>(
    stream: C,
    url: &Url,
    target: &Target,
    trust: &Trust,
    wall: Utc,
    body: Vec<u8>,
) -> Result<Bytes, ExchangeError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = tls::client(&trust.tls_roots, wall).map_err(|_| ExchangeError::Authenticate)?;
    let name = ServerName::try_from(url.host.clone()).map_err(|_| ExchangeError::Authenticate)?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    let stream = tokio::time::timeout(target.patience.handshake, handshake)
        .await
        .map_err(|_| ExchangeError::Transport)?
        .map_err(|error| {
            tracing::debug!(host = url.host, %error, "callhome: no TLS");
            handshake_error(&error)
        })?;
    post(stream, url.request(body), target.patience).await
}

/// Tells a server that is not trusted from a connection that broke.
fn handshake_error(error: &std::io::Error) -> ExchangeError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType,
        ) => ExchangeError::Authenticate,
        Some(_) | None => ExchangeError::Transport,
    }
}

/// Sends the request and returns the body of the answer.
async fn post<C>(
    stream: C,
    request: hyper::http::Result<Request<Full<Bytes>>>,
    patience: Patience,
) -> Result<Bytes, ExchangeError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = request.map_err(|_| ExchangeError::Transport)?;
    tokio::time::timeout(patience.answer, answered(stream, request))
        .await
        .map_err(|_| ExchangeError::Transport)?
}

async fn answered<C>(stream: C, request: Request<Full<Bytes>>) -> Result<Bytes, ExchangeError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        tracing::debug!(%error, "callhome: HTTP broke off");
        ExchangeError::Transport
    };
    let (mut sender, connection) =
        client().handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status().as_u16();
    if status >= 400 {
        return Err(ExchangeError::Status { status });
    }
    let body = Limited::new(response.into_body(), ENVELOPE_MAX).collect().await;
    let body = body.map_err(|error| {
        tracing::debug!(%error, "callhome: the answer is cut or too long");
        if error.is::<http_body_util::LengthLimitError>() {
            ExchangeError::Parse
        } else {
            ExchangeError::Transport
        }
    })?;
    let body = body.to_bytes();
    if body.is_empty() { Err(ExchangeError::Transport) } else { Ok(body) }
}

/// Opens an answer and believes it, if a root vouches for its signer at `wall`.
fn believe(
    bytes: &[u8],
    roots: &[CertificateDer<'static>],
    wall: Utc,
) -> Result<Answer, ExchangeError> {
    let opened = open(bytes).map_err(|error| {
        tracing::debug!(%error, "callhome: not an answer");
        ExchangeError::Parse
    })?;
    ca::check_answer_by(&opened, roots, wall).map_err(|error| {
        tracing::debug!(%error, "callhome: the answer is not the authority's");
        match error {
            ca::TrustError::Unsigned => ExchangeError::Unsigned,
            ca::TrustError::Expired => ExchangeError::SignerExpired,
            ca::TrustError::Trustpoint
            | ca::TrustError::Chain
            | ca::TrustError::Signer { .. }
            | ca::TrustError::Signature => ExchangeError::Signature,
        }
    })?;
    Answer::parse(&opened.body).map_err(|error| {
        tracing::debug!(%error, "callhome: a signed answer that makes no sense");
        ExchangeError::Parse
    })
}

fn client() -> hyper::client::conn::http1::Builder {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_MAX);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = |text| Url::parse(text).map(|u| (u.tls, u.host, u.port, u.authority, u.path));
        let want = |tls, host: &str, port, authority: &str, path: &str| {
            Some((tls, host.to_owned(), port, authority.to_owned(), path.to_owned()))
        };
        let table = [
            (
                "https://tools.cisco.com/its/service/oddce/services/DDCEService",
                want(
                    true,
                    "tools.cisco.com",
                    443,
                    "tools.cisco.com",
                    "/its/service/oddce/services/DDCEService",
                ),
            ),
            ("http://sat:8080/a?b=c", want(false, "sat", 8080, "sat:8080", "/a?b=c")),
            ("https://u:p@sat", want(true, "sat", 443, "sat", "/")),
            (
                "https://[2001:db8::1]:8443/",
                want(true, "2001:db8::1", 8443, "[2001:db8::1]:8443", "/"),
            ),
            ("ftp://sat/", None),
            ("sat", None),
            ("https://", None),
            ("https:// sat/", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(url(text), expected, "{text}");
        }
    }
}
