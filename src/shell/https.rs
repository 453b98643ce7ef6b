//! The HTTPS server of the chassis. Its page says where the chassis is operated until there is one.

use std::sync::{Arc, OnceLock};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use rustls::ServerConfig;

use super::line::Host;
use crate::base::time::Utc;
use crate::net::http::{self, Limits, Listener, Opening};
use crate::net::{ca, tls};

/// Port of the server unless an operator says otherwise.
///
/// # Source
/// RFC 9110.
pub const PORT: u16 = 443;
/// When its certificate begins and ceases to be valid.
const LIFE: (Utc, Utc) = (Utc::from_unix_s(1_262_304_000), Utc::from_unix_s(2_840_140_800));

/// The server.
#[derive(Clone)]
pub struct Server {
    host: Host,
    /// Made when somebody comes for the first time: most chassis of a lab are never looked at.
    tls: Arc<OnceLock<Option<Arc<ServerConfig>>>>,
}

impl Server {
    /// Makes a server; `host` is asked for the chassis's name.
    pub fn new(host: Host) -> Server {
        Server { host, tls: Arc::default() }
    }

    /// Takes connections until this is dropped or the stack's link is gone.
    pub async fn serve<L: Listener>(&self, listener: L) {
        let (host, server) = (Arc::clone(&self.host), self.clone());
        let handler = move |parts: Parts, _: Bytes| {
            let name = host();
            async move { answer(&parts, &name) }
        };
        let opening = move |_| server.config().map_or(Opening::Reset, Opening::Tls);
        http::serve(listener, opening, Limits::default(), handler).await;
    }

    /// Returns the certificate that the key ring `default` makes for itself.
    fn config(&self) -> Option<Arc<ServerConfig>> {
        let made = || {
            let (from, to) = LIFE;
            let made = ca::self_signed(&(self.host)(), from, to);
            match made.map(|made| tls::server(made.chain, made.key)) {
                Ok(Ok(config)) => Some(config),
                Ok(Err(error)) => {
                    tracing::error!("HTTPS: {error}");
                    None
                }
                Err(error) => {
                    tracing::error!("HTTPS: {error}");
                    None
                }
            }
        };
        self.tls.get_or_init(made).clone()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("https::Server")
    }
}

fn answer(parts: &Parts, name: &str) -> Response<Full<Bytes>> {
    let (status, body) = match (&parts.method, parts.uri.path()) {
        (&Method::GET | &Method::HEAD, "/") => (
            StatusCode::OK,
            format!(
                "<!doctype html><title>{name}</title><h1>{name}</h1>\
                 <p>This emulated chassis is operated over SSH and its console.</p>\n"
            ),
        ),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
    };
    let mut response = Response::new(Full::from(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    response
}
