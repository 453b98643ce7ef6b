//! A licence reservation: licences for good, without a word over any network.

use serde::{Deserialize, Serialize};

use crate::base::time::{Now, Utc};
use crate::wire::callhome::PublicKey;
use crate::wire::reservation::{AuthorizationCode, RequestCode, ReturnCode, Secret};

use super::Agent;
use super::failure::ConfigError;
use super::notice::{Notice, ReservationStep};
use super::stored::Registration;

/// Where a reservation stands.
///
/// ```text
///              enable             request               install
///  Disabled ──────────▶ Enabled ──────────▶ Requested ──────────▶ Authorized
///     ▲                  │   ▲               │   ▲                   │
///     │        disable   │   └──── cancel ───┘   │ request           │ return, end
///     ├──────────────────┘                       │                   ▼
///     └────────────────────── disable ────────── Returned ◀──────────┘
/// ```
/// A chassis is never registered and reserved at once: it is enabled only where no registration
/// stands or is sought, and while it is enabled none can be sought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reservation {
    /// Licences are registered for.
    #[default]
    Disabled,
    /// Licences are to be reserved instead.
    Enabled,
    /// A request code was made and waits for its authorization.
    Requested { request: RequestCode, secret: Secret, at: Utc },
    /// The authorization is installed.
    Authorized { request: RequestCode, secret: Secret, code: AuthorizationCode, at: Utc },
    /// The authorization was given back; its return code is in [`super::Stored::last_return`].
    Returned { at: Utc },
}

impl Reservation {
    /// Returns true unless licences are registered for.
    pub const fn is_enabled(&self) -> bool {
        match self {
            Reservation::Disabled => false,
            Reservation::Enabled
            | Reservation::Requested { .. }
            | Reservation::Authorized { .. }
            | Reservation::Returned { .. } => true,
        }
    }

    /// Returns true while an authorization is installed.
    pub const fn is_authorized(&self) -> bool {
        matches!(self, Reservation::Authorized { .. })
    }
}

impl Agent {
    /// Returns true while the chassis is licensed by a reservation.
    pub(super) fn reserved(&self) -> bool {
        self.stored.reservation.is_authorized()
    }

    /// Decides whether licences are reserved or registered for. What is so already is no error.
    ///
    /// # Errors
    /// [`ConfigError`], kept as the last configuration error: a registration that stands or is
    /// sought keeps reservation from being enabled, a reservation that is asked for or installed
    /// keeps it from being disabled.
    pub fn set_reservation(&mut self, now: Now, enabled: bool) -> Result<(), ConfigError> {
        let verdict = self.may_set_reservation(enabled);
        let verb = if enabled { "enable" } else { "disable" };
        self.remember(verdict, || format!("{verb} reservation"))?;
        if self.stored.reservation.is_enabled() != enabled {
            // A token that was refused is of no use any more; its failure would still be listed.
            self.stored.registration = Registration::Unregistered;
            self.stored.reservation =
                if enabled { Reservation::Enabled } else { Reservation::Disabled };
            let step = if enabled { ReservationStep::Enabled } else { ReservationStep::Disabled };
            self.note(now.wall, Notice::Reservation(step));
        }
        Ok(())
    }

    /// Tells whether [`Agent::set_reservation`] would succeed, and changes nothing.
    ///
    /// # Errors
    /// As there.
    pub fn may_set_reservation(&self, enabled: bool) -> Result<(), ConfigError> {
        match (&self.stored.reservation, enabled) {
            (Reservation::Disabled, true) => match &self.stored.registration {
                Registration::Registered(_) => Err(ConfigError::AlreadyRegistered),
                Registration::Pending { .. } | Registration::Waiting { .. } => {
                    Err(ConfigError::InProgress)
                }
                Registration::Unregistered | Registration::Failed { .. } => Ok(()),
            },
            (Reservation::Requested { .. }, false) => Err(ConfigError::ReservationInProgress),
            (Reservation::Authorized { .. }, false) => Err(ConfigError::Reserved),
            (
                Reservation::Disabled | Reservation::Enabled | Reservation::Returned { .. },
                false,
            )
            | (
                Reservation::Enabled
                | Reservation::Requested { .. }
                | Reservation::Authorized { .. }
                | Reservation::Returned { .. },
                true,
            ) => Ok(()),
        }
    }

    /// `request universal`: makes a request code, which [`Agent::report`] shows.
    ///
    /// # Errors
    /// [`ConfigError`], kept as the last configuration error.
    ///
    /// # Source
    /// Client: a tool that reserves for IOS notes `Already registered` for a request where an
    /// authorization is installed. The other refusals are named by the public model
    /// cisco-smart-license-errors; which of them meets which state is our reading.
    pub fn request_reservation(&mut self, now: Now) -> Result<(), ConfigError> {
        let verdict = match &self.stored.reservation {
            Reservation::Disabled => Err(ConfigError::NotReservationMode),
            Reservation::Enabled | Reservation::Returned { .. } => Ok(()),
            Reservation::Requested { .. } => Err(ConfigError::ReservationInProgress),
            Reservation::Authorized { .. } => Err(ConfigError::AlreadyRegistered),
        };
        self.remember(verdict, || "request universal".to_owned())?;
        let secret = Secret::draw(&mut self.rng);
        let request =
            RequestCode { udi: self.identity.udi.clone(), commitment: secret.commitment() };
        self.stored.reservation = Reservation::Requested { request, secret, at: now.wall };
        self.note(now.wall, Notice::Reservation(ReservationStep::Requested));
        Ok(())
    }

    /// `cancel`: the request code is void. Its secret becomes the last return code, so that an
    /// authority which answered it meanwhile can take its authorization back.
    ///
    /// # Errors
    /// [`ConfigError`], kept as the last configuration error.
    pub fn cancel_reservation(&mut self, now: Now) -> Result<(), ConfigError> {
        let verdict = match &self.stored.reservation {
            Reservation::Disabled => Err(ConfigError::NotReservationMode),
            Reservation::Requested { secret, .. } => Ok(secret.clone()),
            Reservation::Enabled
            | Reservation::Authorized { .. }
            | Reservation::Returned { .. } => Err(ConfigError::NoReservationInProgress),
        };
        let secret = self.remember(verdict, || "cancel".to_owned())?;
        self.stored.last_return = Some(ReturnCode::new(secret));
        self.stored.reservation = Reservation::Enabled;
        self.note(now.wall, Notice::Reservation(ReservationStep::Cancelled));
        Ok(())
    }

    /// `install CODE`: licenses the chassis, if the code answers its request and the holder of one
    /// of `trusted` made it.
    ///
    /// # Errors
    /// [`ConfigError`], kept as the last configuration error.
    pub fn install_reservation(
        &mut self,
        now: Now,
        typed: &str,
        trusted: &[PublicKey],
    ) -> Result<(), ConfigError> {
        let verdict = match &self.stored.reservation {
            Reservation::Disabled => Err(ConfigError::NotReservationMode),
            Reservation::Enabled | Reservation::Returned { .. } => {
                Err(ConfigError::NoReservationInProgress)
            }
            Reservation::Authorized { .. } => Err(ConfigError::AlreadyInstalled),
            Reservation::Requested { request, secret, .. } => {
                match judge(typed, request, trusted) {
                    Ok(code) => Ok(Reservation::Authorized {
                        request: request.clone(),
                        secret: secret.clone(),
                        code,
                        at: now.wall,
                    }),
                    Err((error, reason)) => {
                        self.note(
                            now.wall,
                            Notice::Reservation(ReservationStep::Failed { reason }),
                        );
                        Err(error)
                    }
                }
            }
        };
        self.stored.reservation =
            self.remember(verdict, || format!("install {}", bounded(typed)))?;
        self.modes_changed(now.wall);
        self.settle(now.wall);
        self.note(now.wall, Notice::Reservation(ReservationStep::Installed));
        self.note(now.wall, Notice::ExportControlled { allowed: true });
        Ok(())
    }

    /// `return`: the chassis is without licences at once; the authority frees its own only when it
    /// is told the return code, which [`Agent::report`] shows.
    ///
    /// # Errors
    /// [`ConfigError`], kept as the last configuration error.
    pub fn return_reservation(&mut self, now: Now) -> Result<(), ConfigError> {
        let verdict = match &self.stored.reservation {
            Reservation::Disabled => Err(ConfigError::NotReservationMode),
            Reservation::Authorized { .. } => Ok(()),
            Reservation::Enabled | Reservation::Requested { .. } | Reservation::Returned { .. } => {
                Err(ConfigError::NoAuthorizationInstalled)
            }
        };
        self.remember(verdict, || "return".to_owned())?;
        self.end_reservation(now.wall);
        Ok(())
    }

    /// Gives an installed reservation up, if there is one.
    pub(super) fn end_reservation(&mut self, now: Utc) {
        let Reservation::Authorized { secret, .. } = &self.stored.reservation else { return };
        self.stored.last_return = Some(ReturnCode::new(secret.clone()));
        self.stored.reservation = Reservation::Returned { at: now };
        self.modes_changed(now);
        self.settle(now);
        self.note(now, Notice::Reservation(ReservationStep::Returned));
    }

    /// A reservation is one chassis's: flash that was made in another is not believed.
    pub(super) fn reservation_checked(&mut self, now: Utc) {
        let (Reservation::Requested { request, .. } | Reservation::Authorized { request, .. }) =
            &self.stored.reservation
        else {
            return;
        };
        if request.udi != self.identity.udi {
            self.stored.reservation = Reservation::Enabled;
            self.note(now, Notice::Reservation(ReservationStep::Foreign));
        }
    }

    /// Everything in use is in another mode now.
    fn modes_changed(&mut self, now: Utc) {
        for usage in self.stored.usage.values_mut() {
            usage.mode_at = now;
        }
    }
}

/// Judges an authorization code: its shape, then whose request it answers, then who made it. A
/// refusal comes with a sentence for the event log, which says more than the device does.
fn judge(
    typed: &str,
    request: &RequestCode,
    trusted: &[PublicKey],
) -> Result<AuthorizationCode, (ConfigError, String)> {
    let refused = |error: ConfigError| (error, error.to_string());
    let code = AuthorizationCode::parse(typed)
        .map_err(|error| (ConfigError::CodeUnreadable, error.to_string()))?;
    if code.commitment != request.commitment {
        return Err(refused(ConfigError::CodeMismatch));
    }
    if trusted.is_empty() {
        return Err(refused(ConfigError::NoTrustChain));
    }
    if !code.is_for(&request.udi, trusted) {
        return Err(refused(ConfigError::CodeInvalid));
    }
    Ok(code)
}

/// What was typed, fit for a line of a listing.
fn bounded(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_control()).take(crate::wire::reservation::CODE_MAX).collect()
}
