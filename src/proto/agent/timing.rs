//! The agent's timers. Every one is kept as a wall date, so that a clock that steps moves it.
//!
//! Two dates matter to a rule: the device's clock when it read an answer, and the authority's clock
//! when it gave it. Intervals between tries run from the first, ends of validity from the second.

use std::time::Duration;

use crate::base::time::days;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// From the accepted token to the first try.
///
/// # Source
/// Seed: a listing typed after `register` still says `First Attempt Pending`, so the agent doesn't
/// try at once; the second itself is ours.
pub const FIRST_TRY_AFTER: Duration = seconds(1);

/// From a failed registration to the next try, before [`RETRY_JITTER`].
///
/// # Source
/// Seed, 06:58:46 to 07:16:42, 04:46:47 to 05:06:16, and 11:29:42 to 11:46:13 on an ASA: 1076, 1169
/// and 991 s, read as 15 minutes and up to 5 of jitter.
pub const REGISTRATION_RETRY: Duration = seconds(15 * 60);

/// Jitter added to a retry, exclusive.
///
/// # Source
/// As [`REGISTRATION_RETRY`]; 100 s of it show in the seed's renewal, 07:32:08 to 08:33:48.
pub const RETRY_JITTER: Duration = seconds(5 * 60 + 1);

/// How long some failures stand as `REGISTRATION FAILED` before the retry shows.
///
/// # Source
/// Seed: `HTTP transport failed` of 04:46:47 is listed as FAILED without a next attempt and, for the
/// same moment, as IN PROGRESS with one. The minute is ours.
pub const RETRY_SHOWS_AFTER: Duration = seconds(60);

/// From a registration or renewal to the next renewal.
///
/// # Source
/// Seed, Mar 12 2020 23:16:11 to Sep 08 2020 23:16:10, and Nov 25 2020 16:43:59 to May 24 2021.
pub const RENEW_EVERY: Duration = days(180);

/// From the first failed renewal to the next try, before [`RETRY_JITTER`].
///
/// # Source
/// Public ASAv listing (agent 1.6.14), 18:40:22 to 18:56:01: 939 s.
pub const RENEWAL_RETRY_FIRST: Duration = REGISTRATION_RETRY;

/// From a later failed renewal to the next try, before [`RETRY_JITTER`].
///
/// # Source
/// Seed, 07:32:08 to 08:33:48 in a long outage: 3700 s.
pub const RENEWAL_RETRY: Duration = seconds(3_600);

/// How much sooner than its certificate a registration ends.
///
/// # Source
/// Public FPR-2130 tech-support: certificate to 16:31:36, registration to 16:31:34.
pub const EXPIRY_MARGIN: Duration = seconds(2);

/// How long before its end a registration is warned about.
///
/// # Source
/// As [`EXPIRY_MARGIN`]: `IdCert Expiration Warning` stands 60 days before the expiration check.
pub const EXPIRY_WARNING: Duration = days(60);

/// From the registration to the first authorization when no blade waits, before
/// [`FIRST_AUTHORIZATION_JITTER`].
///
/// # Source
/// Public listings: 4, 8 and 14 s.
pub const FIRST_AUTHORIZATION_AFTER: Duration = seconds(4);

/// Jitter added to [`FIRST_AUTHORIZATION_AFTER`], exclusive.
pub const FIRST_AUTHORIZATION_JITTER: Duration = seconds(11);

/// From an authorization in compliance to the next.
///
/// # Source
/// Seed, Aug 04 2020 07:58:46 to Sep 03 2020 07:58:45.
pub const AUTHORIZE_EVERY: Duration = days(30);

/// From an authorization out of compliance to the next.
///
/// # Source
/// Public listing of an IOS device out of compliance: 43,200 s. None of a chassis is known.
pub const AUTHORIZE_EVERY_OUT_OF_COMPLIANCE: Duration = seconds(12 * 3_600);

/// How long an authorization holds, from the authority's clock.
///
/// # Source
/// Seed, Aug 04 2020 07:58:46 to Nov 02 2020 07:53:44: 90 days less 302 s, in two listings.
pub const AUTHORIZATION_LASTS: Duration = seconds(90 * 86_400 - 302);

/// From the first failed authorization to the next try.
///
/// # Source
/// Public ASAv listing, 18:40:28 to 18:40:57.
pub const AUTHORIZATION_RETRY_FIRST: Duration = seconds(30);

/// From a later failed authorization to the next try.
///
/// # Source
/// Seed, 07:10:16 to 08:10:14: 3598 s, of which printing may lose one.
pub const AUTHORIZATION_RETRY: Duration = seconds(3_599);

/// From a blade's request to the exchange that carries it; requests made meanwhile share it.
///
/// # Source
/// Seed: requested 07:58:13, authorised 07:58:46. Public FPR-2130 tech-support: 33 s again.
pub const HOLD_OFF: Duration = seconds(30);

/// The same when an exchange ended less than [`HOLD_OFF`] ago.
///
/// # Source
/// The same tech-support: two requests 9 and 10 s after an exchange waited 65 and 64 s. One sample.
pub const HOLD_OFF_AFTER_EXCHANGE: Duration = seconds(60);

/// What a chassis may spend unregistered with licences in use, in its life.
///
/// # Source
/// Seed: `Evaluation Period Remaining: 89 days, 14 hours, ...`; 7,776,000 s in all.
pub const EVALUATION: Duration = days(90);

/// How often the evaluation's count is written down: the most a power cut gives back. Every date of
/// a warning is a multiple of it.
pub const EVALUATION_STEP: Duration = seconds(600);

/// How often an expired evaluation says so. Recall.
pub const EVALUATION_EXPIRED_EVERY: Duration = seconds(3_600);

/// How long a registration outlives a clock set outside its certificate.
///
/// # Source
/// Public ASA syslog guide, `REG_EXPIRED_CLOCK_CHANGE`: 60 minutes.
pub const CLOCK_GRACE: Duration = seconds(3_600);

/// The daily job's interval.
///
/// # Source
/// Public FPR-2130 tech-support prints `Daily:` among the scheduled jobs; the day is recall.
pub const DAILY: Duration = days(1);

/// How long an exchange may stay unanswered by the edge before it counts as lost. The edge's own
/// timeouts for name, connection, handshake and answer together are shorter.
pub const EXCHANGE_DEADLINE: Duration = seconds(10 * 60);
