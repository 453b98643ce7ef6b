//! `show license techsupport`.

use crate::base::time::Utc;
use crate::proto::agent::{
    AuthorizationStatus, CertificateReport, Job, JobKind, Licence, RegistrationReport, Report,
    spelled,
};

use super::layout::Layout;
use super::{
    agent_version, authorization, heading, last_refusal, registration, reservation, transport, udi,
};

/// `show license techsupport`.
///
/// # Source
/// Public listing of an FPR-2130's ASA (agent 1.6.14), the only one there is; no chassis's is known.
/// The certificates bear the names of the lab's own authority.
pub fn techsupport(report: &Report) -> String {
    let layout = Layout::of(report.version);
    let mut blocks = vec![
        "Smart Licensing Tech Support info\n".to_owned(),
        heading("Smart Licensing Status", 22),
        reservation::enabled(report),
        registration(layout, report),
        authorization(layout, report),
        evaluation(report),
    ];
    blocks.extend(layout.transport.then(|| transport(report)));
    blocks.extend(last_refusal(report));
    blocks.push(usage(layout, report));
    blocks.push(heading("Product Information", 19) + &udi(report));
    blocks.push(agent_version(report));
    blocks.push(jobs(layout, report));
    blocks.push(certificates(layout, report.certificate.as_ref()));
    blocks.push(HIGH_AVAILABILITY.to_owned());
    blocks.push(other(report));
    blocks.join("\n")
}

fn evaluation(report: &Report) -> String {
    let running = if report.evaluation_running { "In Use" } else { "Not In Use" };
    let left = spelled(report.evaluation_left);
    format!(
        "Evaluation Period:\n  Evaluation Mode: {running}\n  Evaluation Period Remaining: {left}\n"
    )
}

fn usage(layout: &Layout, report: &Report) -> String {
    let mut block = heading("License Usage", 13);
    if report.licences.is_empty() {
        block.push_str("No licenses in use\n");
    }
    for (handle, licence) in (1..).zip(&report.licences) {
        block.push_str(&one_in_use(layout, handle, licence));
    }
    block
}

fn one_in_use(layout: &Layout, handle: u32, licence: &Licence) -> String {
    let at = licence.mode_at.civil();
    let status_time = format!(
        "{} {} {:02} {:02}:{:02}:{:02}.{:03} UTC",
        at.weekday_name(),
        at.month_name(),
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.millisecond
    );
    format!(
        "Handle: {handle}\n    License: {}\n    Description: {}\n    Count: {}\n    Version: {}\n    \
         Status: {}({})\n    Status time: {status_time}\n    Request Time: {}\n",
        licence.name,
        licence.description,
        licence.count,
        licence.tag.version(),
        super::licence_status(layout, licence),
        licence.mode.code(),
        (layout.date)(licence.requested_at),
    )
}

fn jobs(layout: &Layout, report: &Report) -> String {
    let mut block = heading("Upcoming Scheduled Jobs", 23);
    block.push_str(&format!("Current time: {}\n", (layout.date)(report.now)));
    for Job { kind, at } in &report.jobs {
        let name = match kind {
            JobKind::ExpirationWarning => "IdCert Expiration Warning",
            JobKind::Daily => "Daily",
            JobKind::Renewal => "Certificate Renewal",
            JobKind::ExpirationCheck => "Certificate Expiration Check",
            JobKind::AuthorizationRenewal => "Authorization Renewal",
            JobKind::AuthorizationCheck => "Authorization Expiration Check",
            JobKind::InitFlagCheck => "Init Flag Check",
        };
        let when = at.map_or_else(
            || "Not Available".to_owned(),
            |at| {
                let left = spelled(whole(at).since(whole(report.now)));
                format!("{} ({left} remaining)", (layout.date)(at))
            },
        );
        block.push_str(&format!("{name}: {when}\n"));
    }
    block
}

/// The second that a date is printed as, so that the time left agrees with the dates beside it.
fn whole(at: Utc) -> Utc {
    Utc::from_unix_s(at.unix_s())
}

fn certificates(layout: &Layout, certificate: Option<&CertificateReport>) -> String {
    let mut block = heading("License Certificates", 20);
    block.push_str("Production Cert: False\n");
    let Some(certificate) = certificate else {
        block.push_str("Not registered. No certificates installed\n");
        return block;
    };
    block.push_str(&format!(
        "PIID: {}\nLicensing Certificated:\n    Id certificate Info:\n        Start Date: {}\n        \
         Expiry Date: {}\n        Version Number: 3\n        Issuer Name: {SUB_CA}\n",
        certificate.instance,
        (layout.date)(certificate.not_before),
        (layout.date)(certificate.not_after),
    ));
    let above = [
        ("Signing certificate", SIGNER, SUB_CA),
        ("Sub CA", SUB_CA, ROOT_CA),
        ("Root Cert", ROOT_CA, ROOT_CA),
    ];
    for (title, name, issuer) in above {
        block.push_str(&format!(
            "    {title} Info:\n        Common Name: {name}\n        Issuer Name: {issuer}\n"
        ));
    }
    block
}

const ROOT_CA: &str = "vfxos Lab Licensing Root CA";
const SUB_CA: &str = "vfxos Lab Licensing Sub CA";
const SIGNER: &str = "vfxos Lab Licensing Signer";

const HIGH_AVAILABILITY: &str = "\
HA Info
==========
RP Role: Active
Chassis Role: Active
Behavior Role: Active
RMF: False
CF: False
CF State: Invalid
";

fn other(report: &Report) -> String {
    let state = match (&report.registration, &report.authorization) {
        (_, AuthorizationStatus::Authorized { .. }) => "authorized",
        (_, AuthorizationStatus::OutOfCompliance { .. }) => "ooc",
        (_, AuthorizationStatus::Expired { .. }) => "authexpired",
        (_, AuthorizationStatus::Reserved { .. }) => "authorized-reservation",
        (_, AuthorizationStatus::Evaluation { .. }) => "eval",
        (_, AuthorizationStatus::EvaluationExpired { .. }) => "evalexpired",
        (_, AuthorizationStatus::Waiting)
        | (
            RegistrationReport::Registered { .. } | RegistrationReport::Reserved { .. },
            AuthorizationStatus::NoLicensesInUse,
        ) => "registered",
        (
            RegistrationReport::Unregistered
            | RegistrationReport::Pending
            | RegistrationReport::Reserving
            | RegistrationReport::Failed { .. }
            | RegistrationReport::Retrying { .. },
            AuthorizationStatus::NoLicensesInUse,
        ) => "unidentified",
    };
    heading("Other Info", 10) + &format!("Agent State: {state}\n") + &reservation::fields(report)
}
