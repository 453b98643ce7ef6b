//! What listings say of a licence reservation.
//!
//! # Source
//! Seed for `License reservation: DISABLED` under `Reservation Info`; a public FPR-2130 tech-support
//! for the names of the codes and for `<empty>`. What stands there under a reservation follows
//! IOS by recall: no listing of a chassis with one is known.

use super::layout::Layout;
use super::{heading, line};
use crate::proto::agent::{Report, ReservationReport};

/// The line that says that licensing is on, and how.
pub(super) fn enabled(report: &Report) -> String {
    let reservation =
        if report.reservation.enabled { "License Reservation is ENABLED\n" } else { "" };
    format!("Smart Licensing is ENABLED\n{reservation}")
}

/// The Reservation Info block.
pub(super) fn info(layout: &Layout, report: &Report) -> String {
    let reservation = &report.reservation;
    let mut block = heading("Reservation Info", 16);
    block.push_str(&format!("License reservation: {}\n", word(reservation)));
    if !reservation.enabled {
        return block;
    }
    block.push_str("\nOverall status:\n");
    line(&mut block, "Active", &report.udi.to_string());
    let mut entry = |name: &str, value: &str| {
        block.push_str(&format!("      {name}: {value}\n"));
    };
    match reservation.installed_at {
        Some(at) => {
            entry("Reservation status", &format!("UNIVERSAL INSTALLED on {}", (layout.date)(at)));
            entry("Export-Controlled Functionality", "ALLOWED");
        }
        None if reservation.in_progress => entry("Reservation status", "UNIVERSAL IN PROGRESS"),
        None => entry("Reservation status", "NOT INSTALLED"),
    }
    if let Some(code) = &reservation.request_code {
        entry("Request code", code);
    }
    if let Some(code) = &reservation.return_code {
        entry("Last return code", code);
    }
    block
}

/// `show license resvcode`. That a chassis has the command is recall, its lines are ours.
pub fn resvcode(report: &Report) -> String {
    let reservation = &report.reservation;
    format!("License reservation: {}\n{}", word(reservation), codes(reservation))
}

/// The lines of `show license techsupport`.
pub(super) fn fields(report: &Report) -> String {
    let reservation = &report.reservation;
    let truth = |truth: bool| if truth { "True" } else { "False" };
    let kind = if reservation.request_code.is_some() { "Universal" } else { "<empty>" };
    format!(
        "Reservation enable: {}\nReservation in progress: {}\nReservation type: {kind}\n{}",
        truth(reservation.enabled),
        truth(reservation.in_progress),
        codes(reservation)
    )
}

fn codes(reservation: &ReservationReport) -> String {
    let or_empty = |code: &Option<String>| code.clone().unwrap_or_else(|| "<empty>".to_owned());
    format!(
        "Reservation request code: {}\nReservation authorization code: {}\n\
         Reservation return code: {}\n",
        or_empty(&reservation.request_code),
        or_empty(&reservation.authorization_code),
        or_empty(&reservation.return_code),
    )
}

const fn word(reservation: &ReservationReport) -> &'static str {
    if reservation.enabled { "ENABLED" } else { "DISABLED" }
}
