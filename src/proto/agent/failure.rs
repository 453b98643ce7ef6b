//! Why licensing failed: the ways an exchange breaks, the refusals of an operator, and their texts.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::platform::AgentVersion;

/// Why a try to reach the authority brought no usable answer, in the order of the way there.
///
/// `Display` is our log's voice; [`ExchangeError::device_text`] is the device's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What came is not signed by an authority that trustpoint CiscoLicRoot vouches for, or answers
    /// another request.
    #[error("the answer's signature does not verify")]
    Signature,
    /// What came bears no signature at all.
    #[error("the answer is not signed")]
    Unsigned,
    /// The certificate of whoever signed what came has ended, or not begun, by the chassis's clock.
    #[error("the certificate of the answer's signer is not valid at this date")]
    SignerExpired,
}

impl ExchangeError {
    /// Returns the bytes after `Failure reason: ` on a chassis, one line.
    ///
    /// # Source
    /// Seed, "Gemeenschappelijke Licentieproblemen op FXOS-chassis", one listing a variant, and
    /// "Verlopen autorisatie" for the signature. No listing shows the last two: the one is recall,
    /// the other the description of error 42 in the public model cisco-smart-license-errors.
    pub const fn device_text(self) -> &'static str {
        match self {
            ExchangeError::Resolve => "Failed to resolve host",
            ExchangeError::Connect => "Couldn't connect to host",
            ExchangeError::Authenticate => "Failed to authenticate server",
            ExchangeError::Status { .. } => {
                "HTTP server returns error code >= 400. Contact proxy server admin if proxy \
                 configuration is enabled"
            }
            ExchangeError::Transport => "HTTP transport failed",
            ExchangeError::Parse => "Parsing backend response message failed",
            ExchangeError::Signature => SIGNATURE_TEXT,
            ExchangeError::Unsigned => "Response Message not signed",
            ExchangeError::SignerExpired => "The certificate has expired",
        }
    }

    /// Returns true if an answer came and was not believed.
    pub const fn is_distrust(self) -> bool {
        match self {
            ExchangeError::Signature | ExchangeError::Unsigned | ExchangeError::SignerExpired => {
                true
            }
            ExchangeError::Resolve
            | ExchangeError::Connect
            | ExchangeError::Authenticate
            | ExchangeError::Status { .. }
            | ExchangeError::Transport
            | ExchangeError::Parse => false,
        }
    }

    /// Returns the bytes after `Failure reason: ` of a given agent.
    ///
    /// # Source
    /// Seed, "Communicatiebericht Verzendfout": an ASA that registers by itself has one text for all
    /// that keeps its message from leaving.
    pub const fn device_text_of(self, version: AgentVersion) -> &'static str {
        match (version, self) {
            (
                AgentVersion::V4_3_6,
                ExchangeError::Resolve
                | ExchangeError::Connect
                | ExchangeError::Authenticate
                | ExchangeError::Status { .. }
                | ExchangeError::Transport,
            ) => "Communication message send error",
            (
                AgentVersion::V4_3_6,
                ExchangeError::Parse
                | ExchangeError::Signature
                | ExchangeError::Unsigned
                | ExchangeError::SignerExpired,
            )
            | (AgentVersion::V1_2_2 | AgentVersion::V1_6_14 | AgentVersion::V4_6_9, _) => {
                self.device_text()
            }
        }
    }

    /// Returns what a registration does after this.
    ///
    /// # Source
    /// Seed: a next attempt stands beside `Failed to resolve host` and, on an ASA, beside
    /// `Communication message send error`. `HTTP transport failed` is listed without one and, for
    /// the same moment, with one. For `Parsing backend response message failed` the seed says that
    /// the retry is automatic and `renew` only hastens it, so it is read the same way. The others
    /// stand without a next attempt.
    pub const fn after_registration(self, version: AgentVersion) -> AfterFailure {
        match (version, self) {
            (_, ExchangeError::Resolve)
            | (
                AgentVersion::V4_3_6,
                ExchangeError::Connect
                | ExchangeError::Authenticate
                | ExchangeError::Status { .. }
                | ExchangeError::Transport,
            ) => AfterFailure::Retry,
            (
                AgentVersion::V1_2_2 | AgentVersion::V1_6_14 | AgentVersion::V4_6_9,
                ExchangeError::Transport,
            )
            | (_, ExchangeError::Parse) => AfterFailure::RetryShownLater,
            (
                AgentVersion::V1_2_2 | AgentVersion::V1_6_14 | AgentVersion::V4_6_9,
                ExchangeError::Connect | ExchangeError::Authenticate | ExchangeError::Status { .. },
            )
            | (
                _,
                ExchangeError::Signature | ExchangeError::Unsigned | ExchangeError::SignerExpired,
            ) => AfterFailure::GiveUp,
        }
    }
}

/// What a registration does after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Tries again and says when.
    Retry,
    /// Tries again; until [`super::timing::RETRY_SHOWS_AFTER`] has passed it looks given up.
    RetryShownLater,
    /// Waits for a new token.
    GiveUp,
}

/// What a renewal or an authorization says when the authority refused it.
///
/// # Source
/// Seed, "Verlopen autorisatie", `Last Renewal Attempt`.
pub const REFUSED_TEXT: &str = "Agent received a failure status in a response message. Please \
                                check the Agent log file for the detailed message.";

/// What is said of an answer or a request whose signature is another's.
///
/// # Source
/// Seed, "Verlopen autorisatie", `Last Communication Attempt`.
pub const SIGNATURE_TEXT: &str = "Data and signature do not match";

/// Why an operator's licence command was refused. It shows as `Last Configuration Error`; the
/// prompt prints nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigError {
    /// `register` without `force` on a registered chassis.
    #[error("the chassis is registered already; deregister first, or register with force")]
    AlreadyRegistered,
    /// `register` while a try is about to be sent or under way.
    #[error("a registration is under way; wait for its end, or deregister")]
    InProgress,
    /// `deregister` with nothing to give back.
    #[error("the chassis is not registered")]
    NotRegistered,
    /// What only a registration allows, while licences are reserved instead.
    #[error("reservation and registration exclude each other; undo the one first")]
    Reserved,
    /// A command of the reservation while reservation is not enabled.
    #[error("reservation is not enabled; enable it and commit first")]
    NotReservationMode,
    /// `request`, or `disable reservation`, with a request code that waits for its authorization.
    #[error("a reservation is asked for; install its authorization, or cancel")]
    ReservationInProgress,
    /// `install` or `cancel` without a request code.
    #[error("no reservation is asked for; make a request first")]
    NoReservationInProgress,
    /// `return` without an authorization.
    #[error("no authorization is installed")]
    NoAuthorizationInstalled,
    /// `install` where an authorization is installed.
    #[error("an authorization is installed already; return it first")]
    AlreadyInstalled,
    /// `install` of something that is no authorization code, or was mistyped.
    #[error("that is no authorization code, or it was mistyped")]
    CodeUnreadable,
    /// `install` of an authorization for another request or another chassis.
    #[error("the authorization code answers another request than the last")]
    CodeMismatch,
    /// `install` of an authorization that no trusted authority made.
    #[error("the authorization code is not made by an authority that CiscoLicRoot vouches for")]
    CodeInvalid,
    /// `install` while no authority is trusted.
    #[error("trustpoint CiscoLicRoot holds no certificate of a licence authority")]
    NoTrustChain,
}

impl ConfigError {
    /// Returns the bytes after `Error : `.
    ///
    /// # Source
    /// Seed, "Verlopen autorisatie", for the first. The others are the descriptions of the public
    /// model cisco-smart-license-errors (53, 43, 74 to 78, 100, 101, 120, 73 and 99), which the
    /// first resembles and does not equal; so their exact words are recall.
    pub const fn device_text(self) -> &'static str {
        match self {
            ConfigError::AlreadyRegistered => "Smart Agent already registered",
            ConfigError::InProgress => "Smart Agent registration in progress",
            ConfigError::NotRegistered => "Smart Agent is not registered",
            ConfigError::Reserved => {
                "Operation not supported because the agent is running in permanent License \
                 reservation mode"
            }
            ConfigError::NotReservationMode => "Not in license reservation mode",
            ConfigError::ReservationInProgress => "License reservation is in progress",
            ConfigError::NoReservationInProgress => "No license reservation is in progress",
            ConfigError::NoAuthorizationInstalled => "No authorization code installed in device",
            ConfigError::AlreadyInstalled => {
                "The reservation authorization code is already installed"
            }
            ConfigError::CodeUnreadable => "Failed to parse reservation authorization code",
            ConfigError::CodeMismatch => {
                "The reservation authorization code does not match the reservation request code"
            }
            ConfigError::CodeInvalid => "Validation of the authorization key failed",
            ConfigError::NoTrustChain => "Could not validate Trust Chain",
        }
    }
}
