//! The satellites of a lab: each an authority of its own behind the router, with its own name.

use std::sync::Arc;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use rustls::ServerConfig;
use tokio::task::AbortHandle;

use crate::cmd::topology;
use crate::net::hosts::WebServer;
use crate::net::stack::Stack;
use crate::net::tls;
use crate::proto::authority::{Flavour, Settings};
use crate::shell::authority::{Service, web};
use crate::sys::clock::LabClock;
use crate::sys::flash::Flash;
use crate::sys::random;

/// Port of HTTP without TLS.
///
/// # Source
/// Recall: chassis were pointed at `http://` addresses of older satellites.
const PLAIN: u16 = 80;
/// Most connections waiting to be accepted there.
const BACKLOG: usize = 64;

/// A running satellite.
pub(super) struct Satellite {
    pub(super) name: String,
    pub(super) service: Service,
    _web: WebServer,
    plain: AbortHandle,
}

impl Drop for Satellite {
    fn drop(&mut self) {
        self.plain.abort();
    }
}

impl Satellite {
    /// Starts it on a host of its own, from its flash.
    pub(super) fn start(
        satellite: &topology::Satellite,
        flash: Flash,
        stack: Stack,
        clock: &LabClock,
    ) -> Result<Satellite, String> {
        let (flavour, settings) = (Flavour::Satellite(satellite.version), Settings::default());
        let service = Service::open_as(flash, flavour, settings, random::rng());
        let service = service.map_err(|error| error.to_string())?;
        let listener = stack.listen(None, PLAIN, BACKLOG).map_err(|error| error.to_string())?;
        let plain = web::serve(listener, None, service.clone(), clock.clone());
        let plain = tokio::spawn(plain).abort_handle();
        let tls = certified(&service, &satellite.name)?;
        let web = serve(stack, tls, &service, clock)?;
        Ok(Satellite { name: satellite.name.clone(), service, _web: web, plain })
    }
}

/// Makes the certificate that chassis are shown.
pub(super) fn certified(service: &Service, name: &str) -> Result<Arc<ServerConfig>, String> {
    let (from, to) = web::CERTIFICATE_LIFE;
    let made = service.ca().issue_server(&[name], from, to).map_err(|error| error.to_string())?;
    tls::server(made.chain, made.key).map_err(|error| error.to_string())
}

/// Serves an authority with TLS on a host of its own.
pub(super) fn serve(
    stack: Stack,
    tls: Arc<ServerConfig>,
    service: &Service,
    clock: &LabClock,
) -> Result<WebServer, String> {
    let (service, time) = (service.clone(), clock.clone());
    let handler = move |parts: Parts, body: Bytes| {
        let (service, time) = (service.clone(), time.clone());
        async move { web::answer(&service, time.now(), &parts, &body).await }
    };
    WebServer::spawn(stack, tls, handler).map_err(|error| error.to_string())
}
