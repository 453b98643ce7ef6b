//! Licence requests over HTTP: what a chassis posts, on a lab's wire or on the host's own sockets.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use rustls::ServerConfig;

use super::Service;
use crate::base::time::{Now, Utc};
use crate::net::http::{self, Limits, Listener, Opening};
use crate::sys::clock::LabClock;

/// First and last moment of an authority's server certificate: wider than any clock it may have.
pub const CERTIFICATE_LIFE: (Utc, Utc) =
    (Utc::from_civil(2010, 1, 2, 0, 0, 0), Utc::from_civil(2059, 12, 30, 0, 0, 0));
/// What whoever looks at an authority with a browser reads.
const PAGE: &str = "vfxos lab licence authority. It serves emulated agents only.\n";

/// Answers one HTTP request: a licence request where this flavour takes one, a page for whoever
/// looks, else a status of 400 or more, as a chassis expects of a wrong address.
pub async fn answer(
    service: &Service,
    now: Now,
    parts: &Parts,
    body: &[u8],
) -> (StatusCode, Bytes) {
    let path = parts.uri.path();
    if path == service.flavour().path() {
        if parts.method != Method::POST {
            return (StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
        }
        let answer = service.answer(body, now).await;
        let status = StatusCode::from_u16(answer.status);
        return (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), answer.body.into());
    }
    if path == "/" {
        return (StatusCode::OK, Bytes::from_static(PAGE.as_bytes()));
    }
    (StatusCode::NOT_FOUND, Bytes::new())
}

/// Serves licence requests until the listener ends, with TLS or without.
pub async fn serve<L: Listener>(
    listener: L,
    tls: Option<Arc<ServerConfig>>,
    service: Service,
    clock: LabClock,
) {
    let handler = move |parts: Parts, body: Bytes| {
        let (service, now) = (service.clone(), clock.now());
        async move {
            let (status, bytes) = answer(&service, now, &parts, &body).await;
            let mut response = Response::new(Full::from(bytes));
            *response.status_mut() = status;
            response
        }
    };
    let opening = move |_| tls.clone().map_or(Opening::Plain, Opening::Tls);
    http::serve(listener, opening, Limits::default(), handler).await;
}
