//! What the agent tells: one notice is a line of the system log and a line of the event log.

use std::collections::VecDeque;
use std::fmt;

use crate::base::ident::Tag;
use crate::base::time::Utc;

/// A line for the system log, `%SMART_LIC-6-AGENT_REG_SUCCESS: ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Utc,
    /// 0 (emergency) to 7 (debugging).
    pub severity: u8,
    /// `AGENT_REG_SUCCESS`.
    pub mnemonic: &'static str,
    pub text: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%SMART_LIC-{}-{}: {}", self.severity, self.mnemonic, self.text)
    }
}

/// A line of the event log: a name and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    pub at: Utc,
    /// `SAEVT_ENDPOINT_USAGE`.
    pub name: &'static str,
    pub fields: Vec<(&'static str, String)>,
}

impl fmt::Display for EventLine {
    /// Writes `2021-11-17 03:31:32.921 UTC SAEVT_ENDPOINT_USAGE count="0" entitlementTag="..."`.
    ///
    /// # Source
    /// Client: genieparser, `show license eventlog`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.at.civil();
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} UTC {}",
            c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond, self.name
        )?;
        self.fields.iter().try_for_each(|(key, value)| write!(f, " {key}=\"{value}\""))
    }
}

/// The last events, oldest first. It is kept in memory only.
#[derive(Clone, Debug, Default)]
pub struct EventLog {
    lines: VecDeque<EventLine>,
}

impl EventLog {
    /// Most lines kept; the oldest goes first.
    pub const LEN_MAX: usize = 256;

    /// Adds a line.
    pub fn push(&mut self, line: EventLine) {
        if self.lines.len() == Self::LEN_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Returns the lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &EventLine> {
        self.lines.iter()
    }
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Ready,
    Enabled,
    Registered,
    RegistrationFailed {
        reason: String,
    },
    Deregistered,
    DeregistrationFailed {
        reason: String,
    },
    Renewed,
    RenewalFailed {
        reason: String,
    },
    RegistrationEnding {
        days: u64,
    },
    RegistrationEnded,
    ClockChanged,
    ClockOutsideCertificate,
    /// The clock stands before the certificate's first moment.
    CertificateNotStarted,
    AuthorizationRenewed,
    AuthorizationFailed {
        reason: String,
    },
    /// As the two above, for an exchange that blades caused.
    EntitlementsAuthorized,
    EntitlementsFailed {
        reason: String,
    },
    AuthorizationExpired,
    InCompliance,
    OutOfCompliance,
    InvalidTag {
        tag: Tag,
    },
    CommunicationFailed {
        reason: String,
    },
    CommunicationRestored,
    /// What the authority said when it refused; no listing prints it but the event log.
    ResponseFailed {
        text: String,
    },
    CertificateValidation {
        reason: String,
    },
    EvaluationStarted,
    EvaluationEnding {
        left: String,
    },
    EvaluationExpired,
    EvaluationStillExpired,
    ExportControlled {
        allowed: bool,
    },
    AlreadyRegistered,
    NotRegistered,
    Daily,
    Usage {
        tag: Tag,
        count: u32,
    },
    Reservation(ReservationStep),
}

/// What happened to a licence reservation. Only the event log tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationStep {
    Enabled,
    Disabled,
    Requested,
    Cancelled,
    Installed,
    /// An authorization code was not taken.
    Failed {
        reason: String,
    },
    Returned,
    /// Flash holds another chassis's reservation.
    Foreign,
}

impl ReservationStep {
    /// # Source
    /// Recall: the names follow the pattern of the one event that a listing shows.
    const fn event(&self) -> &'static str {
        match self {
            ReservationStep::Enabled => "SAEVT_RESERVE_ENABLED",
            ReservationStep::Disabled => "SAEVT_RESERVE_DISABLED",
            ReservationStep::Requested => "SAEVT_RESERVE_REQUEST",
            ReservationStep::Cancelled => "SAEVT_RESERVE_CANCEL",
            ReservationStep::Installed => "SAEVT_RESERVE_INSTALL_SUCCESS",
            ReservationStep::Failed { .. } => "SAEVT_RESERVE_INSTALL_FAIL",
            ReservationStep::Returned => "SAEVT_RESERVE_RETURN",
            ReservationStep::Foreign => "SAEVT_RESERVE_UDI_MISMATCH",
        }
    }
}

/// How a notice reads: severity, mnemonic, name in the event log.
struct Reading(u8, &'static str, &'static str);

impl Notice {
    /// Returns the line for the system log; `None` for what only the event log shows.
    pub fn log_line(&self, at: Utc) -> Option<LogLine> {
        let Reading(severity, mnemonic, _) = self.reading();
        let text = self.text();
        (!mnemonic.is_empty()).then_some(LogLine { at, severity, mnemonic, text })
    }

    /// Returns the line for the event log.
    pub fn event_line(&self, at: Utc) -> EventLine {
        let Reading(_, _, name) = self.reading();
        EventLine { at, name, fields: self.fields() }
    }

    /// # Source
    /// Severities and mnemonics: public ASA syslog guide, 444302 to 444307. Of the event names only
    /// `SAEVT_ENDPOINT_USAGE` is shown anywhere; the others follow its pattern.
    fn reading(&self) -> Reading {
        match self {
            Notice::Ready => Reading(6, "AGENT_READY", "SAEVT_READY"),
            Notice::Enabled => Reading(6, "AGENT_ENABLED", "SAEVT_ENABLED"),
            Notice::Registered => Reading(6, "AGENT_REG_SUCCESS", "SAEVT_REGISTER_SUCCESS"),
            Notice::RegistrationFailed { .. } => {
                Reading(3, "AGENT_REG_FAILED", "SAEVT_REGISTER_FAIL")
            }
            Notice::Deregistered => Reading(6, "AGENT_DEREG_SUCCESS", "SAEVT_DEREGISTER_SUCCESS"),
            Notice::DeregistrationFailed { .. } => {
                Reading(3, "AGENT_DEREG_FAILED", "SAEVT_DEREGISTER_FAIL")
            }
            Notice::Renewed => Reading(6, "ID_CERT_RENEW_SUCCESS", "SAEVT_ID_CERT_RENEW_SUCCESS"),
            Notice::RenewalFailed { .. } => {
                Reading(3, "ID_CERT_RENEW_FAILED", "SAEVT_ID_CERT_RENEW_FAIL")
            }
            Notice::RegistrationEnding { .. } => {
                Reading(3, "ID_CERT_EXPIRED_WARNING", "SAEVT_ID_CERT_EXPIRE_WARNING")
            }
            Notice::RegistrationEnded => Reading(3, "ID_CERT_EXPIRED", "SAEVT_ID_CERT_EXPIRED"),
            Notice::ClockChanged => Reading(5, "SYSTEM_CLOCK_CHANGED", "SAEVT_CLOCK_CHANGED"),
            Notice::ClockOutsideCertificate => {
                Reading(3, "REG_EXPIRED_CLOCK_CHANGE", "SAEVT_REG_EXPIRED_CLOCK_CHANGE")
            }
            Notice::CertificateNotStarted => {
                Reading(3, "ID_CERT_RENEW_NOT_STARTED", "SAEVT_ID_CERT_NOT_STARTED")
            }
            Notice::AuthorizationRenewed => {
                Reading(6, "AUTH_RENEW_SUCCESS", "SAEVT_AUTH_RENEW_SUCCESS")
            }
            Notice::EntitlementsAuthorized => {
                Reading(6, "ENTITLEMENT_RENEW_SUCCESS", "SAEVT_ENTITLEMENT_RENEW_SUCCESS")
            }
            Notice::EntitlementsFailed { .. } => {
                Reading(3, "ENTITLEMENT_RENEW_FAILED", "SAEVT_ENTITLEMENT_RENEW_FAIL")
            }
            Notice::AuthorizationFailed { .. } => {
                Reading(3, "AUTH_RENEW_FAILED", "SAEVT_AUTH_RENEW_FAIL")
            }
            Notice::AuthorizationExpired => {
                Reading(5, "AUTHORIZATION_EXPIRED", "SAEVT_AUTH_EXPIRED")
            }
            Notice::InCompliance => Reading(5, "IN_COMPLIANCE", "SAEVT_STATE_IN_COMPLIANCE"),
            Notice::OutOfCompliance => {
                Reading(3, "OUT_OF_COMPLIANCE", "SAEVT_STATE_OUT_OF_COMPLIANCE")
            }
            Notice::InvalidTag { .. } => Reading(3, "INVALID_TAG", "SAEVT_INVALID_TAG"),
            Notice::CommunicationFailed { .. } => Reading(3, "COMM_FAILED", "SAEVT_COMM_FAIL"),
            Notice::CommunicationRestored => Reading(5, "COMM_RESTORED", "SAEVT_COMM_RESTORED"),
            Notice::ResponseFailed { .. } => Reading(3, "", "SAEVT_RESPONSE_FAIL"),
            Notice::CertificateValidation { .. } => {
                Reading(3, "CERTIFICATE_VALIDATION", "SAEVT_CERTIFICATE_VALIDATION_FAIL")
            }
            Notice::EvaluationStarted => Reading(5, "EVAL_START", "SAEVT_EVAL_START"),
            Notice::EvaluationEnding { .. } => {
                Reading(3, "EVAL_WILL_EXPIRE_WARNING", "SAEVT_EVAL_EXPIRE_WARNING")
            }
            Notice::EvaluationExpired => Reading(3, "EVAL_EXPIRED", "SAEVT_EVAL_EXPIRED"),
            Notice::EvaluationStillExpired => {
                Reading(3, "EVAL_EXPIRED_WARNING", "SAEVT_EVAL_EXPIRED_WARNING")
            }
            Notice::ExportControlled { .. } => Reading(6, "EXPORT_CONTROLLED", "SAEVT_EXPORT_FLAG"),
            Notice::AlreadyRegistered => {
                Reading(6, "AGENT_ALREADY_REGISTER", "SAEVT_ALREADY_REGISTERED")
            }
            Notice::NotRegistered => {
                Reading(6, "AGENT_ALREADY_DEREGISTER", "SAEVT_ALREADY_DEREGISTERED")
            }
            Notice::Daily => Reading(7, "DAILY_JOB_TIMER_RESET", "SAEVT_DAILY_JOB"),
            Notice::Usage { .. } => Reading(7, "", "SAEVT_ENDPOINT_USAGE"),
            Notice::Reservation(step) => Reading(6, "", step.event()),
        }
    }

    /// # Source
    /// Public ASA syslog guide for severities 3 and 5; the reason at the end as IOS has it. The
    /// texts of 6 and 7 are recall.
    fn text(&self) -> String {
        match self {
            Notice::Ready => "Smart Agent for Licensing is initialized".into(),
            Notice::Enabled => "Smart Agent for Licensing is enabled".into(),
            Notice::Registered => {
                "Smart Agent for Licensing registration with licensing cloud successful.".into()
            }
            Notice::RegistrationFailed { reason } => format!(
                "Smart Agent for licensing registration with Cisco licensing cloud failed: {reason}"
            ),
            Notice::Deregistered => {
                "Smart Agent for Licensing De-registration with licensing cloud successful.".into()
            }
            Notice::DeregistrationFailed { reason } => {
                format!("Smart Agent for licensing deregistration with CSSM failed: {reason}")
            }
            Notice::Renewed => "Identity certificate renewal successful.".into(),
            Notice::RenewalFailed { reason } => {
                format!("Identity certificate renewal failed: {reason}")
            }
            Notice::RegistrationEnding { days } => {
                format!("This device's registration will expire in {days} days.")
            }
            Notice::RegistrationEnded => "Identity certificate expired. Agent will transition to \
                                          the unidentified (not registered) state."
                .into(),
            Notice::ClockChanged => "Smart Agent clock has been changed".into(),
            Notice::ClockOutsideCertificate => {
                "Smart Licensing registration has expired because the system time was changed \
                 outside the validity period of the registration period. The agent will transition \
                 to the un-registered state in 60 minutes."
                    .into()
            }
            Notice::AuthorizationRenewed => {
                "Authorization renewal with licensing cloud successful.".into()
            }
            Notice::AuthorizationFailed { reason } => {
                format!("Authorization renewal with Cisco licensing cloud failed: {reason}")
            }
            Notice::CertificateNotStarted => {
                "Identity certificate start date not reached yet.".into()
            }
            Notice::EntitlementsAuthorized => {
                "Entitlement authorization with licensing cloud successful.".into()
            }
            Notice::EntitlementsFailed { reason } => {
                format!("Entitlement authorization with Cisco licensing cloud failed: {reason}")
            }
            Notice::AuthorizationExpired => "Authorization expired".into(),
            Notice::InCompliance => "All entitlements are authorized.".into(),
            Notice::OutOfCompliance => "One or more entitlements are out of compliance.".into(),
            Notice::InvalidTag { tag } => {
                format!("The entitlement tag is invalid: {}", tag.as_str())
            }
            Notice::CommunicationFailed { reason } => {
                format!("Communications failure with Cisco licensing cloud: {reason}")
            }
            Notice::CommunicationRestored => "Communications with licensing cloud restored.".into(),
            Notice::CertificateValidation { reason } => {
                format!("Certificate validation failed by smart agent: {reason}")
            }
            Notice::EvaluationStarted => "Entering evaluation period.".into(),
            Notice::EvaluationEnding { left } => {
                format!("Evaluation period will expire in {left}.")
            }
            Notice::EvaluationExpired | Notice::EvaluationStillExpired => {
                "Evaluation period expired.".into()
            }
            Notice::ExportControlled { allowed } => {
                let status = if *allowed { "allowed" } else { "not allowed" };
                format!("Usage of export controlled features is {status}.")
            }
            Notice::AlreadyRegistered => "Smart Agent is already registered.".into(),
            Notice::NotRegistered => "Smart Agent is already deregistered.".into(),
            Notice::Daily => "Daily job timer reset.".into(),
            // Of these the system log has no line.
            Notice::Usage { .. } | Notice::ResponseFailed { .. } | Notice::Reservation(_) => {
                String::new()
            }
        }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Notice::Usage { tag, count } => {
                vec![("count", count.to_string()), ("entitlementTag", tag.as_str().to_owned())]
            }
            Notice::InvalidTag { tag } => vec![("entitlementTag", tag.as_str().to_owned())],
            Notice::RegistrationFailed { reason }
            | Notice::DeregistrationFailed { reason }
            | Notice::RenewalFailed { reason }
            | Notice::AuthorizationFailed { reason }
            | Notice::EntitlementsFailed { reason }
            | Notice::Reservation(ReservationStep::Failed { reason })
            | Notice::CertificateValidation { reason }
            | Notice::CommunicationFailed { reason }
            | Notice::ResponseFailed { text: reason } => vec![("error", reason.clone())],
            Notice::RegistrationEnding { days } => vec![("days", days.to_string())],
            Notice::EvaluationEnding { left } => vec![("left", left.clone())],
            Notice::ExportControlled { allowed } => vec![("allowed", allowed.to_string())],
            Notice::Ready
            | Notice::Enabled
            | Notice::CertificateNotStarted
            | Notice::EntitlementsAuthorized
            | Notice::Reservation(_)
            | Notice::Registered
            | Notice::Deregistered
            | Notice::Renewed
            | Notice::RegistrationEnded
            | Notice::ClockChanged
            | Notice::ClockOutsideCertificate
            | Notice::AuthorizationRenewed
            | Notice::AuthorizationExpired
            | Notice::InCompliance
            | Notice::OutOfCompliance
            | Notice::CommunicationRestored
            | Notice::EvaluationStarted
            | Notice::EvaluationExpired
            | Notice::EvaluationStillExpired
            | Notice::AlreadyRegistered
            | Notice::NotRegistered
            | Notice::Daily => Vec::new(),
        }
    }
}
