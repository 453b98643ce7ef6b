//! One exchange with the authority, carried out: where to, whom to believe, the seal.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::mpsc;

use super::Input;
use crate::base::ident::ExchangeId;
use crate::base::time::Utc;
use crate::net::callhome::{Patience, Proxy, Target, Trust, exchange};
use crate::net::stack::Stack;
use crate::proto::agent::{Event, ExchangeError};
use crate::proto::config::facts::{self, LICENCE_TRUSTPOINT};
use crate::proto::mio::Mio;
use crate::wire::callhome::{Request, SigningKey, seal};

/// Trustpoint that vouches for TLS servers.
///
/// # Source
/// Seed, `show trustpoint`.
pub(super) const TLS_TRUSTPOINT: &str = "CHdefault";

/// Everything one try needs, as the configuration has it when the try begins.
pub(super) struct Work {
    stack: Stack,
    target: Option<Target>,
    trust: Trust,
    wall: Utc,
}

impl Work {
    pub(super) fn new(mio: &Mio, stack: &Stack, wall: Utc) -> Work {
        let objects = mio.config.objects();
        let domain = facts::domain_name(objects);
        let proxy = facts::callhome_proxy(objects).map(|proxy| Proxy {
            host: proxy.host,
            port: proxy.port,
            login: None,
        });
        let target = facts::callhome_destination(objects).map(|url| Target {
            url,
            proxy,
            dns: mio.dns_servers(),
            domain: (!domain.is_empty()).then_some(domain),
            patience: Patience::default(),
        });
        let roots = |name: &str| {
            let trustpoints = facts::trustpoints(objects);
            let chain = trustpoints.into_iter().find(|point| point.name == name);
            chain.map_or(Vec::new(), |point| certificates(&point.chain))
        };
        let trust =
            Trust { tls_roots: roots(TLS_TRUSTPOINT), licence_roots: roots(LICENCE_TRUSTPOINT) };
        Work { stack: stack.clone(), target, trust, wall }
    }

    /// Signs a request with the chassis's key.
    pub(super) fn seal(&self, request: &Request, key: &SigningKey) -> Vec<u8> {
        seal(&request.to_json(), key, "")
    }

    /// Makes the try and brings its one outcome back; `boot` counts the supervisor's starts.
    pub(super) async fn run(
        self,
        boot: u32,
        id: ExchangeId,
        body: Vec<u8>,
        outbox: mpsc::Sender<Input>,
    ) {
        let outcome = match &self.target {
            Some(target) => exchange(&self.stack, target, &self.trust, self.wall, body).await,
            // Without an address there is no URL that HTTP could be spoken to.
            None => Err(ExchangeError::Transport),
        };
        let event = match outcome {
            Ok(answer) => Event::Answered { exchange: id, answer },
            Err(reason) => Event::Lost { exchange: id, reason },
        };
        // The supervisor may have ended meanwhile; the next one asks again.
        let _ = outbox.send(Input::Exchanged { boot, event }).await;
    }
}

/// Returns the certificates of a PEM text, whatever else stands in it.
fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect()
}
