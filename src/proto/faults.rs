//! The fault ledger: what is wrong now, since when, and what was wrong a moment ago.
//!
//! A fault is never raised by hand. The supervisor says which conditions hold; the ledger raises
//! those that are new, clears those that are gone, and forgets a cleared one after a while.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::time::Utc;

/// Most faults kept, cleared ones included; of more, the oldest cleared ones go first.
pub const FAULTS_MAX: usize = 512;
/// How long a cleared fault is still listed.
///
/// # Source
/// Recall of the UCS sibling: retention of an hour.
pub const RETENTION: Duration = Duration::from_secs(3600);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Cleared,
    Info,
    Condition,
    Warning,
    Minor,
    Major,
    Critical,
}

impl Severity {
    /// Returns the word of listings.
    ///
    /// # Source
    /// MIB enumeration, reference licensing 3.3.
    pub const fn text(self) -> &'static str {
        match self {
            Severity::Cleared => "Cleared",
            Severity::Info => "Info",
            Severity::Condition => "Condition",
            Severity::Warning => "Warning",
            Severity::Minor => "Minor",
            Severity::Major => "Major",
            Severity::Critical => "Critical",
        }
    }

    /// Returns the severity of a system log line, 0 to 7.
    pub const fn syslog(self) -> u8 {
        match self {
            Severity::Critical => 2,
            Severity::Major => 3,
            Severity::Minor | Severity::Warning => 4,
            Severity::Condition => 5,
            Severity::Info | Severity::Cleared => 6,
        }
    }
}

/// A kind of fault: one row of the device's catalogue.
#[derive(Debug)]
pub struct Kind {
    /// `F0209`.
    pub code: u32,
    pub severity: Severity,
    /// `link-down`; the mnemonic of the log line is its upper case.
    pub cause: &'static str,
    /// As `show fault detail` prints it after `Name: `.
    pub name: &'static str,
    /// As `show fault detail` prints it after `Type: `.
    pub class: &'static str,
    /// How long it must hold before it is a fault: a module that starts is not one that failed.
    pub soak: Duration,
}

/// Something that is wrong now.
#[derive(Clone, Debug)]
pub struct Condition {
    pub kind: &'static Kind,
    /// Distinguished name of what has it, `sys/chassis-1/blade-1`.
    pub object: String,
    pub text: String,
}

/// A fault as listed.
#[derive(Clone, Debug)]
pub struct Fault {
    pub id: u32,
    pub kind: &'static Kind,
    pub object: String,
    pub text: String,
    pub created: Utc,
    /// When it was raised or cleared last.
    pub changed: Utc,
    pub severity: Severity,
    /// How often it was raised.
    pub occurrences: u32,
}

impl Fault {
    /// Returns the line of the system log.
    ///
    /// # Source
    /// unicon-fxos-fp4k_mgmt_boot.txt: `%FPRM-2-LINK_DOWN: [F0209][critical][link-down][sys/...] text`.
    pub fn log_line(&self) -> String {
        let severity = self.severity.text().to_ascii_lowercase();
        format!(
            "%FPRM-{}-{}: [F{:04}][{severity}][{}][{}] {}",
            self.severity.syslog(),
            self.kind.cause.to_ascii_uppercase().replace('-', "_"),
            self.kind.code,
            self.kind.cause,
            self.object,
            self.text
        )
    }
}

/// What tells faults apart: the code and the object.
type Key = (u32, String);

/// Every fault there is.
#[derive(Debug, Default)]
pub struct Ledger {
    faults: BTreeMap<Key, Fault>,
    /// Conditions that do not hold long enough yet: when each will.
    soaking: BTreeMap<Key, Utc>,
    last_id: u32,
}

impl Ledger {
    /// Brings the ledger in line with what holds now; returns the faults that were raised or cleared.
    pub fn observe(&mut self, wall: Utc, conditions: &[Condition]) -> Vec<Fault> {
        let mut news = Vec::new();
        let keys: Vec<Key> =
            conditions.iter().map(|one| (one.kind.code, one.object.clone())).collect();
        self.soaking.retain(|key, _| keys.contains(key));
        for (condition, key) in conditions.iter().zip(&keys) {
            let known = self.faults.get(key).is_some_and(|f| f.severity != Severity::Cleared);
            if !known && !self.is_soaked(wall, condition, key) {
                continue;
            }
            match self.faults.get_mut(key) {
                Some(fault) if fault.severity != Severity::Cleared => {
                    fault.text.clone_from(&condition.text);
                }
                Some(fault) => {
                    fault.severity = condition.kind.severity;
                    fault.text.clone_from(&condition.text);
                    fault.changed = wall;
                    fault.occurrences = fault.occurrences.saturating_add(1);
                    news.push(fault.clone());
                }
                None => {
                    self.last_id = self.last_id.wrapping_add(1);
                    let fault = Fault {
                        id: self.last_id,
                        kind: condition.kind,
                        object: condition.object.clone(),
                        text: condition.text.clone(),
                        created: wall,
                        changed: wall,
                        severity: condition.kind.severity,
                        occurrences: 1,
                    };
                    news.push(fault.clone());
                    self.faults.insert(key.clone(), fault);
                }
            }
        }
        for (key, fault) in &mut self.faults {
            if !keys.contains(key) && fault.severity != Severity::Cleared {
                fault.severity = Severity::Cleared;
                fault.changed = wall;
                news.push(fault.clone());
            }
        }
        self.forget(wall);
        news
    }

    /// Tells whether a condition has held long enough; a clock that went back begins anew.
    fn is_soaked(&mut self, wall: Utc, condition: &Condition, key: &Key) -> bool {
        let whole = wall + condition.kind.soak;
        let due = self.soaking.entry(key.clone()).or_insert(whole);
        *due = (*due).min(whole);
        let soaked = *due <= wall;
        if soaked {
            self.soaking.remove(key);
        }
        soaked
    }

    /// Returns the faults, the newest change first.
    pub fn faults(&self) -> Vec<&Fault> {
        let mut faults: Vec<&Fault> = self.faults.values().collect();
        faults.sort_by_key(|fault| std::cmp::Reverse((fault.changed, fault.id)));
        faults
    }

    /// Returns when the ledger must be looked at again if nothing happens before.
    pub fn deadline(&self) -> Option<Utc> {
        let cleared = self.faults.values().filter(|fault| fault.severity == Severity::Cleared);
        let forgotten = cleared.map(|fault| fault.changed + RETENTION);
        forgotten.chain(self.soaking.values().copied()).min()
    }

    fn forget(&mut self, wall: Utc) {
        let old = |fault: &Fault| {
            fault.severity == Severity::Cleared && wall.since(fault.changed) >= RETENTION
        };
        self.faults.retain(|_, fault| !old(fault));
        while self.faults.len() > FAULTS_MAX {
            let oldest = self.faults.iter().min_by_key(|(_, fault)| {
                (fault.severity != Severity::Cleared, fault.changed, fault.id)
            });
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            self.faults.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static KIND: Kind = Kind {
        code: 209,
        severity: Severity::Critical,
        cause: "link-down",
        name: "Adaptor Ext If Link Down",
        class: "Network",
        soak: Duration::ZERO,
    };

    static SLOW: Kind = Kind { code: 7, soak: Duration::from_secs(60), ..KIND };

    fn condition(object: &str) -> Condition {
        Condition { kind: &KIND, object: object.into(), text: "down".into() }
    }

    fn at(seconds: i64) -> Utc {
        Utc::from_unix_s(seconds)
    }

    #[test]
    fn a_fault_lives_from_its_condition_to_an_hour_after() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.observe(at(10), &[condition("a")]).len(), 1);
        assert_eq!(ledger.observe(at(20), &[condition("a")]).len(), 0, "it goes on");
        assert_eq!((ledger.faults()[0].created, ledger.faults()[0].changed), (at(10), at(10)));
        assert_eq!(ledger.deadline(), None);
        assert_eq!(ledger.observe(at(30), &[]).len(), 1);
        let fault = ledger.faults()[0].clone();
        assert_eq!((fault.severity, fault.changed), (Severity::Cleared, at(30)));
        assert_eq!(ledger.deadline(), Some(at(3630)));
        // It comes back before it is forgotten: the same fault once more.
        ledger.observe(at(40), &[condition("a")]);
        let again = ledger.faults()[0].clone();
        assert_eq!((again.id, again.occurrences, again.created), (fault.id, 2, at(10)));
        ledger.observe(at(50), &[]);
        ledger.observe(at(3649), &[]);
        assert_eq!(ledger.faults().len(), 1);
        ledger.observe(at(3650), &[]);
        assert_eq!(ledger.faults().len(), 0);
    }

    #[test]
    fn a_condition_that_passes_in_time_is_no_fault() {
        let mut ledger = Ledger::default();
        let slow = [Condition { kind: &SLOW, ..condition("a") }];
        ledger.observe(at(0), &slow);
        assert_eq!((ledger.faults().len(), ledger.deadline()), (0, Some(at(60))));
        ledger.observe(at(59), &[]);
        assert_eq!(ledger.deadline(), None);
        ledger.observe(at(100), &slow);
        ledger.observe(at(159), &slow);
        assert_eq!(ledger.faults().len(), 0);
        assert_eq!(ledger.observe(at(160), &slow).len(), 1);
        // The clock went back: it soaks no longer than it would have.
        ledger.observe(at(161), &[]);
        ledger.observe(at(1000), &slow);
        ledger.observe(at(10), &slow);
        assert_eq!(ledger.deadline(), Some(at(70)));
    }

    #[test]
    fn the_newest_change_stands_first_and_the_ledger_is_bounded() {
        let mut ledger = Ledger::default();
        ledger.observe(at(1), &[condition("a")]);
        ledger.observe(at(2), &[condition("a"), condition("b")]);
        let objects: Vec<&str> = ledger.faults().iter().map(|f| f.object.as_str()).collect();
        assert_eq!(objects, ["b", "a"]);
        let many: Vec<Condition> =
            (0..FAULTS_MAX + 20).map(|n| condition(&format!("o{n}"))).collect();
        ledger.observe(at(3), &many);
        assert_eq!(ledger.faults().len(), FAULTS_MAX);
        assert!(ledger.faults().iter().all(|fault| fault.severity == Severity::Critical));
    }
}
