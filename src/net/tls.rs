//! TLS with `ring`, at a clock and with roots that the caller names.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::base::time::Utc;

/// Most certificates taken from one trustpoint.
const ROOTS_MAX: usize = 64;

/// Returns the one set of algorithms that is used everywhere.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Turns a device's clock into what certificates are held against.
fn unix_time(wall: Utc) -> UnixTime {
    let seconds = u64::try_from(wall.unix_s()).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// A clock that stands still for one handshake.
#[derive(Debug)]
struct Standing(UnixTime);

impl TimeProvider for Standing {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

/// Makes a client's configuration: exactly these roots, at this time, no session kept.
///
/// A root that can't be read is passed over with a log line; with none left every server is
/// refused.
///
/// # Errors
/// rustls, if its own defaults contradict each other.
pub fn client(
    roots: &[CertificateDer<'static>],
    wall: Utc,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut store = RootCertStore::empty();
    for root in roots.iter().take(ROOTS_MAX) {
        if let Err(error) = store.add(root.clone()) {
            tracing::warn!(%error, "a trustpoint's certificate can't be read and is passed over");
        }
    }
    let clock = Arc::new(Standing(unix_time(wall)));
    let mut config = ClientConfig::builder_with_details(provider(), clock)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes a server's configuration: its chain, leaf first, and the leaf's key.
///
/// # Errors
/// rustls, for a key that is not the leaf's or is of an unknown kind.
pub fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
