//! Enforcement modes: what the licence authority's word means for one entitlement.

use serde::{Deserialize, Serialize};

/// The mode of one entitlement, pushed from the supervisor to a blade.
///
/// # Source
/// Names and numbers: public MIB CISCO-SMART-LIC-MIB; the seed prints `Authorized (3)` and
/// `Invalid (0)` from the same list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Mode {
    /// No entitlement is asked for.
    #[default]
    Invalid = 0,
    Init = 1,
    /// Asked for; the authority has not answered yet.
    Waiting = 2,
    Authorized = 3,
    OutOfCompliance = 4,
    Overage = 5,
    Evaluation = 6,
    EvalExpired = 7,
    AuthorizationExpired = 8,
    GracePeriodExpired = 9,
    Disabled = 10,
    ReservedAuthorized = 11,
    InvalidTag = 12,
    NotAuthorized = 13,
    NotApplicable = 14,
    InUse = 15,
    NotInUse = 16,
}

impl Mode {
    /// Every mode, in the order of its number.
    pub const ALL: [Mode; 17] = [
        Mode::Invalid,
        Mode::Init,
        Mode::Waiting,
        Mode::Authorized,
        Mode::OutOfCompliance,
        Mode::Overage,
        Mode::Evaluation,
        Mode::EvalExpired,
        Mode::AuthorizationExpired,
        Mode::GracePeriodExpired,
        Mode::Disabled,
        Mode::ReservedAuthorized,
        Mode::InvalidTag,
        Mode::NotAuthorized,
        Mode::NotApplicable,
        Mode::InUse,
        Mode::NotInUse,
    ];

    /// Returns the number that `Overall licensed status: Authorized (3)` prints.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns the mode with this number.
    pub fn from_code(code: u8) -> Option<Mode> {
        Mode::ALL.get(usize::from(code)).copied()
    }

    /// Returns the word an ASA prints after `Enforcement mode: `.
    ///
    /// # Source
    /// Seed: `Authorized`, `Invalid`. Client: kickstart's `Eval period`. A public `show version` of
    /// an ASAv under a reservation: `enforce mode: Authorized`. The others are our reading of the
    /// MIB names.
    pub const fn asa_word(self) -> &'static str {
        match self {
            Mode::Invalid => "Invalid",
            Mode::Init => "Init",
            Mode::Waiting => "Waiting",
            Mode::Authorized | Mode::ReservedAuthorized => "Authorized",
            Mode::OutOfCompliance => "Out of compliance",
            Mode::Overage => "Overage",
            Mode::Evaluation => "Eval period",
            Mode::EvalExpired => "Eval expired",
            Mode::AuthorizationExpired => "Authorization expired",
            Mode::GracePeriodExpired => "Grace period expired",
            Mode::Disabled => "Disabled",
            Mode::InvalidTag => "Invalid tag",
            Mode::NotAuthorized => "Not authorized",
            Mode::NotApplicable => "Not applicable",
            Mode::InUse => "In use",
            Mode::NotInUse => "Not in use",
        }
    }

    /// Returns true while the entitlement may be used: authorised, reserved, on evaluation, or
    /// out of compliance (which only stops additions).
    ///
    /// # Source
    /// Seed, FAQ on out of compliance: what exists goes on, nothing special is added.
    pub const fn grants_use(self) -> bool {
        matches!(
            self,
            Mode::Authorized
                | Mode::ReservedAuthorized
                | Mode::Evaluation
                | Mode::OutOfCompliance
                | Mode::Overage
        )
    }

    /// Returns true while a strong-encryption entitlement in this mode gives 3DES and AES: as
    /// [`Mode::grants_use`], but never by evaluation.
    ///
    /// # Source
    /// Seed, "Case Study: ASA HA-licentie op FP2100": traffic through an ASA gets no strong
    /// encryption until it has connected to the licence authority and obtained the licence.
    pub const fn grants_encryption(self) -> bool {
        self.grants_use() && !matches!(self, Mode::Evaluation)
    }

    /// Returns true while more of the entitlement may be configured.
    pub const fn grants_more(self) -> bool {
        matches!(self, Mode::Authorized | Mode::ReservedAuthorized | Mode::Evaluation)
    }
}
