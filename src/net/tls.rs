//! TLS with `ring`, at a clock and with roots that the caller names.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, KeyLog, RootCertStore, ServerConfig};
use tokio::sync::broadcast;

use crate::base::time::Utc;

/// Most certificates taken from one trustpoint.
const ROOTS_MAX: usize = 64;

/// Most lines of the key log that wait for a capture; one that is too slow misses some.
const SECRETS_MAX: usize = 1024;

/// Where the secrets of clients go while a lab keeps them.
static SECRETS: OnceLock<broadcast::Sender<Arc<str>>> = OnceLock::new();

/// Has every client of this process tell its secrets from now on, so that captures can hold them.
pub fn keep_secrets() {
    let _ = SECRETS.get_or_init(|| broadcast::Sender::new(SECRETS_MAX));
}

/// Returns where clients tell their secrets, line by line; `None` unless they are kept.
pub fn secrets() -> Option<broadcast::Sender<Arc<str>>> {
    SECRETS.get().cloned()
}

/// Tells secrets in the lines of NSS's key log.
#[derive(Debug)]
struct Telling(broadcast::Sender<Arc<str>>);

impl KeyLog for Telling {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // Nobody may be capturing.
        let _ = self.0.send(line.into());
    }
}

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
    if let Some(secrets) = secrets() {
        config.key_log = Arc::new(Telling(secrets));
    }
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
