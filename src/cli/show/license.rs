//! `show license ...` of the supervisor: lays out what the Smart Agent reports.
//!
//! Every function returns whole lines, each with its line end.

use crate::base::time::Utc;
use crate::proto::agent::{
    Attempt, AuthorizationStatus, EventLine, Licence, LicenceStatus, RegistrationReport, Report,
    spelled,
};

use layout::Layout;

mod layout;
mod reservation;
mod techsupport;

pub use reservation::resvcode;
pub use techsupport::techsupport;

/// `show license all`.
///
/// # Source
/// Seed, the `show license all` listings. Where `Last Configuration Error` stands is ours: the seed
/// shows it on the web page only, but at a prompt nothing else tells of it.
pub fn all(report: &Report) -> String {
    let layout = Layout::of(report.version);
    let mut blocks = vec![
        heading("Smart Licensing Status", 22),
        reservation::enabled(report),
        registration(layout, report),
        authorization(layout, report),
    ];
    blocks.extend(optional(layout.conversion, CONVERSION));
    blocks.extend(optional(layout.export_key, EXPORT_KEY));
    blocks.extend(layout.transport.then(|| transport(report)));
    blocks.extend(last_refusal(report));
    blocks.push(heading("License Usage", 14));
    blocks.push(usage_lines(layout, report));
    blocks.push(heading("Product Information", 19) + &udi(report));
    blocks.push(agent_version(report));
    blocks.extend(layout.reservation.then(|| reservation::info(layout, report)));
    blocks.join("\n")
}

/// `show license status`, and the text of the web page's licence panel.
///
/// # Source
/// Seed, "De uitvoer is afkomstig van de gebruikersinterface": the order of the panel. IOS has the
/// same for this command; that a chassis has the command is recall.
pub fn status(report: &Report) -> String {
    let layout = Layout::of(report.version);
    let mut blocks = vec![reservation::enabled(report)];
    blocks.extend(layout.transport.then(|| transport(report)));
    blocks.push(registration(layout, report));
    blocks.push(authorization(layout, report));
    blocks.extend(optional(layout.conversion, CONVERSION));
    blocks.extend(optional(layout.export_key, EXPORT_KEY));
    blocks.extend(last_refusal(report));
    blocks.join("\n")
}

/// `show license usage`.
///
/// # Source
/// Seed, the listing of a registered 4125.
pub fn usage(report: &Report) -> String {
    let layout = Layout::of(report.version);
    let status = authorization_status(layout, report, true);
    let head = format!("{}\n  Status: {status}\n", layout.authorization_heading);
    [head, usage_lines(layout, report)].join("\n")
}

/// `show license summary`.
///
/// # Source
/// Client: genieparser's listings of IOS. That a chassis has the command is recall.
pub fn summary(report: &Report) -> String {
    let layout = Layout::of(report.version);
    let mut head = "Registration:\n".to_owned();
    line(&mut head, "Status", registration_status(report));
    accounts(&mut head, layout, report);
    if let RegistrationReport::Registered { last_renewal, renew_at, .. } = &report.registration {
        line(&mut head, "Last Renewal Attempt", outcome(last_renewal.as_ref()));
        line(&mut head, "Next Renewal Attempt", &(layout.date)(*renew_at));
    }
    let mut authorization = format!("{}\n", layout.authorization_heading);
    line(&mut authorization, "Status", &authorization_status(layout, report, false));
    if let Some(communication) = &report.communication {
        let last = outcome(communication.last.as_ref());
        line(&mut authorization, "Last Communication Attempt", last);
        let next = (layout.date)(communication.next_at);
        line(&mut authorization, "Next Communication Attempt", &next);
    }
    [reservation::enabled(report), head, authorization, summary_table(layout, report)].join("\n")
}

fn summary_table(layout: &Layout, report: &Report) -> String {
    let cut = |text: &str, width: usize| {
        if text.chars().count() < width {
            return text.to_owned();
        }
        text.chars().take(width - 3).chain("..".chars()).collect()
    };
    let mut table = "License Usage:\n".to_owned();
    if report.licences.is_empty() {
        table.push_str("  No licenses in use\n");
        return table;
    }
    table.push_str(&format!("  {:24}{:30}Count Status\n  ", "License", "Entitlement Tag"));
    table.push_str(&"-".repeat(77));
    table.push('\n');
    for licence in &report.licences {
        let tag = format!("({})", licence.tag.short_name());
        let (name, tag) = (cut(&licence.name, 24), cut(&tag, 30));
        let status = licence_status(layout, licence);
        table.push_str(&format!("  {name:24}{tag:30}{:>5} {status}\n", licence.count));
    }
    table
}

/// `show license udi`.
///
/// # Source
/// Seed, Product Information; the command alone is recall.
pub fn udi(report: &Report) -> String {
    format!("UDI: {}\n", report.udi)
}

/// `show license eventlog`.
///
/// # Source
/// Client: genieparser's listings of IOS.
pub fn eventlog<'a>(events: impl Iterator<Item = &'a EventLine>) -> String {
    let lines: String = events.map(|event| format!("{event}\n")).collect();
    if lines.is_empty() {
        return " No EventLog Found.\n".to_owned();
    }
    format!("**** Event Log ****\n\n{lines}")
}

const CONVERSION: &str = "\
License Conversion:
  Automatic Conversion Enabled: True
  Status: Not started
";

const EXPORT_KEY: &str = "\
Export Authorization Key:
  Features Authorized:
    <none>
";

fn optional(shown: bool, block: &str) -> Option<String> {
    shown.then(|| block.to_owned())
}

/// A heading and its rule, whose length is not always the heading's.
fn heading(text: &str, rule: usize) -> String {
    format!("{text}\n{}\n", "=".repeat(rule))
}

fn line(block: &mut String, name: &str, value: &str) {
    block.push_str(&format!("  {name}: {value}\n"));
}

fn reason(block: &mut String, reason: &str) {
    block.push_str(&format!("    Failure reason: {reason}\n"));
}

fn agent_version(report: &Report) -> String {
    let text = report.version.text();
    heading("Agent Version", 13) + &format!("Smart Agent for Licensing: {text}\n")
}

/// # Source
/// Seed, all but the last two, which are recall: sister products' manuals have `Reservation In
/// Progress` and `Registered - Universal License Reservation`.
const fn registration_status(report: &Report) -> &'static str {
    match report.registration {
        RegistrationReport::Unregistered => "UNREGISTERED",
        RegistrationReport::Pending => "UNREGISTERED - REGISTRATION PENDING",
        RegistrationReport::Failed { .. } => "UNREGISTERED - REGISTRATION FAILED",
        RegistrationReport::Retrying { .. } => "REGISTERING - REGISTRATION IN PROGRESS",
        RegistrationReport::Registered { .. } => "REGISTERED",
        RegistrationReport::Reserving => "UNREGISTERED - RESERVATION IN PROGRESS",
        RegistrationReport::Reserved { .. } => "REGISTERED - UNIVERSAL LICENSE RESERVATION",
    }
}

fn accounts(block: &mut String, layout: &Layout, report: &Report) {
    if let RegistrationReport::Registered { smart_account, virtual_account, .. } =
        &report.registration
        && layout.accounts
    {
        line(block, "Smart Account", smart_account);
        line(block, "Virtual Account", virtual_account);
    }
    if let Some([allowed, not_allowed]) = layout.export {
        let word = if report.export_controlled { allowed } else { not_allowed };
        line(block, "Export-Controlled Functionality", word);
    }
}

fn registration(layout: &Layout, report: &Report) -> String {
    let date = layout.date;
    let mut block = "Registration:\n".to_owned();
    line(&mut block, "Status", registration_status(report));
    accounts(&mut block, layout, report);
    match &report.registration {
        RegistrationReport::Unregistered | RegistrationReport::Reserving => {}
        RegistrationReport::Reserved { at } => {
            line(&mut block, "Initial Registration", &format!("SUCCEEDED on {}", date(*at)));
        }
        RegistrationReport::Pending => {
            line(&mut block, "Initial Registration", "First Attempt Pending");
        }
        RegistrationReport::Failed { at, reason: why } => {
            line(&mut block, "Initial Registration", &format!("FAILED on {}", date(*at)));
            reason(&mut block, why);
        }
        RegistrationReport::Retrying { at, reason: why, next_at } => {
            line(&mut block, "Initial Registration", &format!("FAILED on {}", date(*at)));
            if layout.reason_while_retrying {
                reason(&mut block, why);
            }
            if let Some(next_at) = next_at {
                line(&mut block, "Next Registration Attempt", &date(*next_at));
            }
        }
        RegistrationReport::Registered {
            registered_at,
            last_renewal,
            renew_at,
            expires_at,
            ..
        } => {
            let since = format!("SUCCEEDED on {}", date(*registered_at));
            line(&mut block, "Initial Registration", &since);
            attempt(&mut block, "Last Renewal Attempt", last_renewal.as_ref(), "SUCCEEDED", date);
            line(&mut block, "Next Renewal Attempt", &date(*renew_at));
            line(&mut block, "Registration Expires", &date(*expires_at));
        }
    }
    block
}

const fn outcome(attempt: Option<&Attempt>) -> &'static str {
    match attempt {
        None => "None",
        Some(Attempt::Succeeded { .. }) => "SUCCEEDED",
        Some(Attempt::Failed { .. }) => "FAILED",
    }
}

/// `done` is the word for a success, which is not the same in both blocks of every release.
fn attempt(
    block: &mut String,
    name: &str,
    attempt: Option<&Attempt>,
    done: &str,
    date: fn(Utc) -> String,
) {
    match attempt {
        None => line(block, name, "None"),
        Some(Attempt::Succeeded { at }) => line(block, name, &format!("{done} on {}", date(*at))),
        Some(Attempt::Failed { at, reason: why }) => {
            line(block, name, &format!("FAILED on {}", date(*at)));
            reason(block, why);
        }
    }
}

/// # Source
/// Seed, all but five: `OUT OF COMPLIANCE` is a public IOS listing's, `EVAL EXPIRED` a public IOS
/// `show version`'s; its date and `WAITING` (the name of mode 2 in the public MIB) are recall.
/// `AUTHORIZED - RESERVED` is client code's (check_nwc_health), its date recall.
fn authorization_status(layout: &Layout, report: &Report, dated: bool) -> String {
    let on = |word: &str, at: &Utc| {
        if dated { format!("{word} on {}", (layout.date)(*at)) } else { word.to_owned() }
    };
    match &report.authorization {
        AuthorizationStatus::NoLicensesInUse => "No Licenses in Use".to_owned(),
        AuthorizationStatus::Evaluation { .. } => layout.evaluation.to_owned(),
        AuthorizationStatus::EvaluationExpired { at } => on("EVAL EXPIRED", at),
        AuthorizationStatus::Waiting => "WAITING".to_owned(),
        AuthorizationStatus::Authorized { on: at } => on("AUTHORIZED", at),
        AuthorizationStatus::OutOfCompliance { on: at } => on("OUT OF COMPLIANCE", at),
        AuthorizationStatus::Expired { on: at } => on("AUTH EXPIRED", at),
        AuthorizationStatus::Reserved { on: at } => on("AUTHORIZED - RESERVED", at),
    }
}

fn authorization(layout: &Layout, report: &Report) -> String {
    let date = layout.date;
    let mut block = format!("{}\n", layout.authorization_heading);
    line(&mut block, "Status", &authorization_status(layout, report, true));
    if let AuthorizationStatus::Evaluation { left } = report.authorization {
        line(&mut block, "Evaluation Period Remaining", &spelled(left));
    }
    if let Some(communication) = &report.communication {
        let last = communication.last.as_ref();
        attempt(&mut block, "Last Communication Attempt", last, layout.communicated, date);
        line(&mut block, "Next Communication Attempt", &date(communication.next_at));
        let deadline = communication.deadline.map_or_else(|| "DEADLINE EXCEEDED".to_owned(), date);
        line(&mut block, "Communication Deadline", &deadline);
    }
    block
}

fn transport(report: &Report) -> String {
    let word = |private: bool| if private { "ENABLED" } else { "DISABLED" };
    let privacy = report.privacy;
    let sends = !(privacy.callhome_hostname && privacy.licensing_hostname);
    format!(
        "Utility:\n  Status: DISABLED\n\n\
         Data Privacy:\n  Sending Hostname: {}\n    Callhome hostname privacy: {}\n    \
         Smart Licensing hostname privacy: {}\n  Version privacy: {}\n\n\
         Transport:\n  Type: Callhome\n",
        if sends { "yes" } else { "no" },
        word(privacy.callhome_hostname),
        word(privacy.licensing_hostname),
        word(privacy.version),
    )
}

/// # Source
/// Seed, "Verlopen autorisatie"; the rule is one longer than its heading.
fn last_refusal(report: &Report) -> Option<String> {
    let refusal = report.last_refusal.as_ref()?;
    let head = heading("Last Configuration Error", 25);
    Some(format!("{head}Command : {}\nError : {}\n", refusal.command, refusal.error))
}

/// # Source
/// Seed for authorised and evaluation; the others follow the block's own words and are recall.
const fn licence_status(layout: &Layout, licence: &Licence) -> &'static str {
    match licence.status {
        LicenceStatus::Waiting => "WAITING",
        LicenceStatus::Authorized => "AUTHORIZED",
        LicenceStatus::OutOfCompliance => "OUT OF COMPLIANCE",
        LicenceStatus::AuthorizationExpired => "AUTHORIZATION EXPIRED",
        LicenceStatus::Evaluation => layout.evaluation,
        LicenceStatus::EvaluationExpired => "EVAL EXPIRED",
        LicenceStatus::InvalidTag => "INVALID TAG",
        LicenceStatus::NotAuthorized => "NOT AUTHORIZED",
        LicenceStatus::Reserved => "AUTHORIZED - RESERVED",
    }
}

/// # Source
/// Seed: `Firepower 4100 ASA Standard (FIREPOWER_4100_ASA_STANDARD):`, and `(ASA-SSP-STD):` before
/// the authority has told the name.
fn usage_lines(layout: &Layout, report: &Report) -> String {
    if report.licences.is_empty() {
        return "No licenses in use\n".to_owned();
    }
    let one = |licence: &Licence| {
        let title = format!("{} ({}):", licence.name, licence.tag.short_name());
        let mut block = format!("{}\n", title.trim_start());
        line(&mut block, "Description", &licence.description);
        line(&mut block, "Count", &licence.count.to_string());
        line(&mut block, "Version", licence.tag.version());
        line(&mut block, "Status", licence_status(layout, licence));
        if layout.export_status {
            line(&mut block, "Export status", "NOT RESTRICTED");
        }
        block
    };
    report.licences.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
