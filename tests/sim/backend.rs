//! A licence authority as simple as it can be: it holds what a chassis must cope with, and nothing
//! of what the real one guards against.

use vfxos::base::ident::Tag;
use vfxos::base::time::{Instant, Utc, days};
use vfxos::wire::callhome::{Ask, Authorization, Compliance, Grant, RefusalKind, Request, Verdict};

use super::seconds;

/// The authority: one account, and at most one instance of our one serial number.
pub(super) struct Backend {
    pub(super) instance: Option<String>,
    /// The token that made the instance: a repeated request is answered as the first was.
    pub(super) token: String,
    pub(super) made: u32,
    /// The serial number has a reservation, so nobody may register with it.
    pub(super) reserved: bool,
    /// Nobody reaches it until then.
    pub(super) out_until: Instant,
}

impl Backend {
    pub(super) fn decide(&mut self, request: &Request, clock: Utc, short: bool) -> Verdict {
        let offset = request.sent_at.since(clock).max(clock.since(request.sent_at));
        let refused = |kind| Verdict::Refused { kind, text: format!("{kind:?}") };
        let known = |instance: &String| self.instance.as_ref() == Some(instance);
        match &request.ask {
            Ask::Register { .. } if offset > seconds(3_600) => refused(RefusalKind::Timestamp),
            Ask::Register { token, .. } if token != "good" && token != "better" => {
                refused(RefusalKind::Token)
            }
            Ask::Register { .. } if self.reserved => refused(RefusalKind::AlreadyRegistered),
            Ask::Register { token, force, .. } => {
                if self.instance.is_some() && !*force && self.token != *token {
                    return refused(RefusalKind::AlreadyRegistered);
                }
                if self.instance.is_none() || *force {
                    self.made += 1;
                    self.instance = Some(format!("instance-{}", self.made));
                }
                self.token.clone_from(token);
                Verdict::Registered(self.grant(clock))
            }
            Ask::Renew { instance } | Ask::Authorize { instance, .. } if !known(instance) => {
                refused(RefusalKind::UnknownInstance)
            }
            Ask::Renew { .. } => Verdict::Renewed(self.grant(clock)),
            Ask::Authorize { in_use, .. } => {
                let compliance =
                    if short { Compliance::OutOfCompliance } else { Compliance::InCompliance };
                let word = |tag: &Tag, count| Authorization {
                    tag: tag.clone(),
                    name: "A licence".into(),
                    description: String::new(),
                    count,
                    compliance,
                };
                Verdict::Authorized(in_use.iter().map(|used| word(&used.tag, used.count)).collect())
            }
            Ask::Deregister { instance } => {
                if !known(instance) {
                    return refused(RefusalKind::UnknownInstance);
                }
                self.instance = None;
                Verdict::Deregistered
            }
        }
    }

    fn grant(&self, clock: Utc) -> Grant {
        let not_before = clock - seconds(300);
        Grant {
            instance: self.instance.clone().unwrap_or_default(),
            smart_account: "Account".into(),
            virtual_account: "Virtual".into(),
            export_controlled: true,
            not_before,
            not_after: not_before + days(365),
            certificate: String::new(),
        }
    }
}
