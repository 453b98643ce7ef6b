//! Syslog: facility, level and message.
//!
//! # Source
//! RFC 3164 and RFC 5424 for the messages; tshark 4.0 for the words.

use super::part::{Part, Short};
use super::{Field, Pass, Read, text};

/// Reads a message.
pub(super) fn message(pass: &mut Pass<'_>, message: Part<'_>) -> Read {
    pass.name("Syslog");
    pass.facts.layer("syslog");
    pass.clear();
    let mut at = 0;
    if message.u8(0)? == b'<' {
        at = 1;
        let mut priority = 0_u32;
        while at < 4 {
            let digit = message.u8(at)?;
            if !digit.is_ascii_digit() {
                break;
            }
            priority = priority * 10 + u32::from(digit - b'0');
            at += 1;
        }
        if message.u8(at)? == b'>' {
            at += 1;
        }
        if at >= message.len() {
            return Err(Short::Beyond);
        }
        let (facility, level) = (priority >> 3, priority & 7);
        pass.facts.number(Field::SyslogFacility, u64::from(facility));
        pass.facts.number(Field::SyslogLevel, u64::from(level));
        let name = |names: &[&'static str], index: u32| {
            usize::try_from(index).ok().and_then(|index| names.get(index)).copied()
        };
        let facility = name(&FACILITIES, facility).unwrap_or("UNKNOWN");
        let level = name(&LEVELS, level).unwrap_or("UNKNOWN");
        pass.add(format_args!("{facility}.{level}: "));
    }
    let rest = message.from(at)?;
    text::push(&mut pass.line.info, rest.captured());
    if pass.facts.is_on() {
        let said = String::from_utf8_lossy(rest.captured());
        pass.facts.text(Field::SyslogMessage, &said);
    }
    Ok(())
}

const FACILITIES: [&str; 24] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV",
    "FTP", "NTP", "LOGAUDIT", "LOGALERT", "CRON", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4",
    "LOCAL5", "LOCAL6", "LOCAL7",
];
const LEVELS: [&str; 8] = ["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];
