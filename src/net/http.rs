//! A small HTTP/1.1 server, plain or TLS, over a stack or over the host's own sockets.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::stack;

/// Most header lines in a request.
const HEADERS_MAX: usize = 64;
/// Most bytes of request line and headers.
const HEAD_MAX: usize = 16 * 1024;
/// How long the host's own accept is left alone after it failed, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a server puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For request line and headers, counted from the connection or the last answer.
    pub head: Duration,
    /// For the whole body.
    pub body: Duration,
    /// Most bytes of a body.
    pub body_max: usize,
    /// Most connections at a time; more wait in the listener's backlog.
    pub connections_max: usize,
    pub refusals: Refusals,
}

/// What a server says when it refuses a body by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusals {
    /// The status alone.
    #[default]
    Bare,
    /// A problem object, see [`problem`].
    Problem,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            body_max: 64 * 1024,
            connections_max: 64,
            refusals: Refusals::Bare,
        }
    }
}

/// The other end of the connection; among the extensions of every request's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// How a connection begins.
#[derive(Clone, Debug)]
pub enum Opening {
    Plain,
    Tls(Arc<ServerConfig>),
    /// The connection is dropped once the client has spoken, which resets it.
    Reset,
}

/// Something that connections come from.
pub trait Listener: Send {
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; `None` when there will be none any more. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Option<(Self::Connection, SocketAddr)>> + Send;
}

impl Listener for stack::TcpListener {
    type Connection = stack::TcpStream;

    async fn next(&mut self) -> Option<(stack::TcpStream, SocketAddr)> {
        self.accept().await.ok()
    }
}

impl Listener for Arc<stack::TcpListener> {
    type Connection = stack::TcpStream;

    async fn next(&mut self) -> Option<(stack::TcpStream, SocketAddr)> {
        self.accept().await.ok()
    }
}

impl Listener for tokio::net::TcpListener {
    type Connection = tokio::net::TcpStream;

    async fn next(&mut self) -> Option<(tokio::net::TcpStream, SocketAddr)> {
        loop {
            match self.accept().await {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Serves until the listener ends. Dropping the future closes listener and connections.
///
/// `opening` decides about each connection by its peer.
///
/// A handshake that fails, a head that is too long or too late and a connection too many cost
/// their own connection only. A body over its limit is answered 413, one too late 408.
pub async fn serve<L, H, F, B>(
    mut listener: L,
    opening: impl Fn(SocketAddr) -> Opening,
    limits: Limits,
    handler: H,
) where
    L: Listener,
    H: Fn(Parts, Bytes) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await.ok()?;
            listener.next().await.map(|(connection, peer)| (place, connection, peer))
        };
        let accepted = tokio::select! {
            Some(_) = connections.join_next() => continue,
            accepted = next => accepted,
        };
        let Some((place, connection, peer)) = accepted else { return };
        let (opening, handler) = (opening(peer), handler.clone());
        connections.spawn(async move {
            match opening {
                Opening::Plain => one(connection, peer, limits, handler).await,
                Opening::Reset => first_byte(connection, limits.handshake).await,
                Opening::Tls(config) => {
                    let handshake = TlsAcceptor::from(config).accept(connection);
                    match tokio::time::timeout(limits.handshake, handshake).await {
                        Ok(Ok(connection)) => one(connection, peer, limits, handler).await,
                        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
                    }
                }
            }
            drop(place);
        });
    }
}

/// Waits until the client has spoken; what it said stays unread.
async fn first_byte(mut connection: impl AsyncRead + Unpin, wait: Duration) {
    // Silence ends the same way.
    let _ = tokio::time::timeout(wait, connection.read_u8()).await;
}

async fn one<C, H, F, B>(connection: C, peer: SocketAddr, limits: Limits, handler: H)
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Parts, Bytes) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(answer(request, peer, limits, handler).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(connection), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "an HTTP connection broke off");
    }
}

async fn answer<H, F, B>(
    request: Request<Incoming>,
    peer: SocketAddr,
    limits: Limits,
    handler: H,
) -> Response<B>
where
    H: Fn(Parts, Bytes) -> F,
    F: Future<Output = Response<B>>,
    B: From<Bytes>,
{
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Peer(peer));
    let body = Limited::new(body, limits.body_max).collect();
    let refused = match tokio::time::timeout(limits.body, body).await {
        Ok(Ok(body)) => return handler(parts, body.to_bytes()).await,
        Ok(Err(error)) if error.is::<LengthLimitError>() => StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(_)) => StatusCode::BAD_REQUEST,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    };
    match limits.refusals {
        Refusals::Bare => status(refused),
        Refusals::Problem => problem(refused, "the body is too long, broken off, or too slow"),
    }
}

/// Makes an answer that says for programs and people what is wrong.
///
/// # Source
/// RFC 9457.
pub fn problem<B: From<Bytes>>(code: StatusCode, detail: &str) -> Response<B> {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": code.canonical_reason().unwrap_or("Refused"),
        "status": code.as_u16(),
        "detail": detail,
    });
    let mut response = Response::new(B::from(Bytes::from(problem.to_string())));
    *response.status_mut() = code;
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Makes an answer of a status and no body.
pub fn status<B: From<Bytes>>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::from(Bytes::new()));
    *response.status_mut() = status;
    response
}
