//! The web server in front of a lab's licence authority, and the ways in which it can misbehave.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, PROXY_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep};

use super::modes::Modes;
use crate::net::http::{self, Limits, Opening, Peer};
use crate::net::stack::{ListenError, Stack};

/// Port of HTTPS.
const PORT: u16 = 443;
/// Most connections waiting to be accepted.
const BACKLOG: usize = 64;
/// From one byte of a slow answer to the next.
const SLOW: Duration = Duration::from_secs(5);
/// What a captive portal answers to everything.
const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body>\n\
    <form method=\"post\" action=\"/login\">User <input name=\"user\"> Password <input \
    name=\"password\" type=\"password\"> <button>Sign in</button></form>\n</body></html>\n";

/// How a web server treats a client.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    pub handshake: Handshake,
    pub answer: Reply,
}

/// What it does when a client says hello.
#[derive(Clone, Debug, Default)]
pub enum Handshake {
    /// Shows its own certificate.
    #[default]
    Own,
    /// Shows another one.
    Other(Arc<ServerConfig>),
    /// Resets the connection once the client has spoken.
    Reset,
}

/// What it does with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// Answers it.
    #[default]
    Whole,
    /// Answers every request with a status of 400 or more.
    Status(u16),
    /// Answers every request with a page that asks for a password.
    LoginPage,
    /// Answers with no bytes.
    Empty,
    /// Answers, but breaks off half way.
    Cut,
    /// Answers, but slower than anybody waits.
    Slow,
}

/// A running web server. Dropping it stops it.
pub struct WebServer {
    manners: Arc<Mutex<Modes<Manners>>>,
    task: AbortHandle,
}

impl WebServer {
    /// Starts a server with this certificate on a host of its own.
    ///
    /// # Errors
    /// [`ListenError`] when its port is taken.
    pub fn spawn<H, F>(
        stack: Stack,
        own: Arc<ServerConfig>,
        handler: H,
    ) -> Result<WebServer, ListenError>
    where
        H: Fn(Parts, Bytes) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = (StatusCode, Bytes)> + Send + 'static,
    {
        let listener = stack.listen(None, PORT, BACKLOG)?;
        let manners = Arc::<Mutex<Modes<Manners>>>::default();
        let (greet, treat) = (Arc::clone(&manners), Arc::clone(&manners));
        let opening = move |peer: SocketAddr| match greet.lock().of(peer.ip()).handshake {
            Handshake::Own => Opening::Tls(Arc::clone(&own)),
            Handshake::Other(config) => Opening::Tls(config),
            Handshake::Reset => Opening::Reset,
        };
        let handler = move |parts: Parts, body: Bytes| {
            let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
            let reply = peer.map_or(Reply::Whole, |peer| treat.lock().of(peer).answer);
            let handler = handler.clone();
            async move {
                match reply {
                    Reply::Status(code) => refusal(code),
                    Reply::LoginPage => login_page(),
                    Reply::Whole | Reply::Empty | Reply::Cut | Reply::Slow => {
                        let (status, bytes) = handler(parts, body).await;
                        let mut response = Response::new(Answer::new(bytes, reply));
                        *response.status_mut() = status;
                        response
                    }
                }
            }
        };
        let task = tokio::spawn(async move {
            http::serve(listener, opening, Limits::default(), handler).await;
            // The host stays on the wire for as long as it is served from.
            drop(stack);
        });
        Ok(WebServer { manners, task: task.abort_handle() })
    }

    /// Changes how it treats clients, from their next connection or request on.
    pub fn set_manners(&self, manners: Modes<Manners>) {
        *self.manners.lock() = manners;
    }

    /// Returns how it treats a client.
    pub fn manners(&self, peer: IpAddr) -> Manners {
        self.manners.lock().of(peer)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for WebServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebServer").field("manners", &*self.manners.lock()).finish_non_exhaustive()
    }
}

fn refusal(code: u16) -> Response<Answer> {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = http::status::<Answer>(code);
    if code == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let realm = HeaderValue::from_static("Basic realm=\"vfxos lab\"");
        response.headers_mut().insert(PROXY_AUTHENTICATE, realm);
    }
    response
}

fn login_page() -> Response<Answer> {
    let mut response = Response::new(Answer::from(Bytes::from_static(LOGIN_PAGE.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// A body that may come cut or slow. Its head promises all of it.
struct Answer {
    left: Bytes,
    /// Bytes after which it breaks off.
    keeps: Option<usize>,
    slow: Option<Pin<Box<Sleep>>>,
}

impl Answer {
    fn new(bytes: Bytes, reply: Reply) -> Answer {
        match reply {
            Reply::Empty => Answer::from(Bytes::new()),
            Reply::Cut => Answer { keeps: Some(bytes.len() / 2), ..Answer::from(bytes) },
            Reply::Slow => Answer { slow: Some(Box::pin(sleep(SLOW))), ..Answer::from(bytes) },
            Reply::Whole | Reply::Status(_) | Reply::LoginPage => Answer::from(bytes),
        }
    }
}

impl From<Bytes> for Answer {
    fn from(left: Bytes) -> Answer {
        Answer { left, keeps: None, slow: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let mut take = self.left.len();
        if let Some(pause) = &mut self.slow {
            ready!(pause.as_mut().poll(cx));
            pause.set(sleep(SLOW));
            take = 1;
        }
        match &mut self.keeps {
            Some(0) => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            Some(keeps) => {
                take = take.min(*keeps);
                *keeps -= take;
            }
            None => {}
        }
        let piece = self.left.split_to(take);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
