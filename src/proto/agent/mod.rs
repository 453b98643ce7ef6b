//! The Smart Agent: registration, authorization, evaluation and reservation of one chassis.

use thiserror::Error;

/// Why a try to reach the authority brought no usable answer, in the order of the way there.
///
/// `Display` is our log's voice; [`ExchangeError::device_text`] is the device's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ExchangeError {
    /// DNS gave no address for the authority or the proxy.
    #[error("the authority's name did not resolve")]
    Resolve,
    /// TCP did not connect.
    #[error("the authority refused or ignored the connection")]
    Connect,
    /// TLS: the chain does not end in trustpoint CHdefault, is out of date, or names another host.
    #[error("the authority's certificate is not trusted")]
    Authenticate,
    /// HTTP answered with a status of 400 or more, the authority's or a proxy's.
    #[error("HTTP status {status}")]
    Status { status: u16 },
    /// The connection or the HTTP framing broke before an answer was whole.
    #[error("the HTTP exchange broke off")]
    Transport,
    /// What came is not an answer of the authority.
    #[error("the answer is not a licence answer")]
    Parse,
    /// What came is not signed by an authority that trustpoint CiscoLicRoot vouches for.
    #[error("the answer's signature does not verify")]
    Signature,
}
