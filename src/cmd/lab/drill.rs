//! Drills: a broken lab, a task, hints and a judge. Each is one data file under `drills/`.
//!
//! The learner works with the device's own commands; the judge looks at how the machines stand, so
//! that every way of mending it counts.

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::cmd::control::WaitFor;
use crate::cmd::supervisor::Status;
use clap::ValueEnum;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cmd/lab/drills");

/// One drill, as its file has it. In its texts `$TOKEN` is the token made last, `$ROOT` the
/// certificate that CHdefault holds in a lab that works, `$SATELLITE_ROOT` that of its satellite, and
/// in `@` lines `$STATE` the lab's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cmd) struct Drill {
    #[serde(skip)]
    pub(in crate::cmd) name: String,
    pub(in crate::cmd) title: String,
    /// Heading of the seed under which the failure stands.
    pub(in crate::cmd) seed: String,
    /// What the learner is told.
    pub(in crate::cmd) story: String,
    /// The lab, where it is not the built-in one.
    #[serde(default)]
    pub(in crate::cmd) topology: Option<String>,
    /// Lines of a script that break it.
    pub(in crate::cmd) prepare: String,
    pub(in crate::cmd) hints: Vec<String>,
    /// Lines of a script that mend it.
    pub(in crate::cmd) solution: String,
    pub(in crate::cmd) check: Vec<Check>,
}

/// One thing that must hold in the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cmd) struct Check {
    /// As [`Condition::parse`] takes it.
    pub(in crate::cmd) met: String,
    /// What to tell the learner as long as it does not hold.
    pub(in crate::cmd) wrong: String,
}

/// `[not] WORD [on CHASSIS]`, with a word of `wait`, or `account NAME [on CHASSIS]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cmd) struct Condition {
    pub(in crate::cmd) what: What,
    /// The first chassis without it.
    pub(in crate::cmd) chassis: Option<String>,
    wanted: bool,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cmd) enum What {
    Is(WaitFor),
    /// The chassis is registered in this virtual account.
    Account(String),
}

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    /// What is wrong, on one line.
    pub(in crate::cmd) fn parse(text: &str) -> Result<Condition, String> {
        let (text, chassis) = match text.split_once(" on ") {
            Some((text, chassis)) => (text, Some(chassis.to_owned())),
            None => (text, None),
        };
        let (text, wanted) = match text.strip_prefix("not ") {
            Some(text) => (text, false),
            None => (text, true),
        };
        let what = match text.strip_prefix("account ") {
            Some(name) => What::Account(name.to_owned()),
            None => What::Is(WaitFor::from_str(text, false)?),
        };
        Ok(Condition { what, chassis, wanted })
    }

    /// Tells whether it holds for a chassis that stands like this.
    pub(in crate::cmd) fn holds(&self, status: &Status) -> bool {
        let is = match &self.what {
            What::Is(word) => status.is(*word),
            What::Account(name) => status.virtual_account.as_deref() == Some(name),
        };
        is == self.wanted
    }
}

impl Drill {
    /// Returns every drill, by name.
    ///
    /// # Errors
    /// A file that is no drill; a test holds that there is none.
    pub(in crate::cmd) fn all() -> Result<Vec<Drill>, String> {
        let mut drills = Vec::new();
        for file in FILES.files() {
            let name = file.path().file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let text = file.contents_utf8().unwrap_or_default();
            let drill = toml::from_str::<Drill>(text).map_err(|e| format!("drill {name}: {e}"))?;
            drills.push(Drill { name: name.to_owned(), ..drill });
        }
        drills.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(drills)
    }

    /// Returns the drill of a name.
    ///
    /// # Errors
    /// There is none: the names that there are.
    pub(in crate::cmd) fn find(name: &str) -> Result<Drill, String> {
        let all = Drill::all()?;
        let names: Vec<&str> = all.iter().map(|drill| drill.name.as_str()).collect();
        let unknown = format!("there is no drill {name}; there are {}", names.join(", "));
        all.into_iter().find(|drill| drill.name == name).ok_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::topology::Topology;

    #[test]
    fn every_file_is_a_drill() {
        for drill in Drill::all().unwrap() {
            let name = &drill.name;
            assert!(!drill.title.is_empty() && !drill.seed.is_empty(), "{name}");
            assert!(drill.hints.len() >= 2 && !drill.check.is_empty(), "{name}");
            for check in &drill.check {
                let condition = Condition::parse(&check.met);
                assert!(condition.is_ok() && !check.wrong.is_empty(), "{name}: {condition:?}");
            }
            if let Some(text) = &drill.topology {
                Topology::parse(text, name).unwrap();
            }
        }
        assert!(Drill::find("nothing").unwrap_err().contains("dns-missing"));
    }

    #[test]
    fn conditions() {
        let registered = Status { virtual_account: Some("Default".into()), ..Status::default() };
        let holds = |text| Condition::parse(text).unwrap().holds(&registered);
        assert!(holds("account Default") && !holds("account Other"));
        assert!(holds("unregistered") && !holds("not unregistered") && !holds("authorized"));
        let on = Condition::parse("not registered on FPR4125-2").unwrap();
        assert_eq!(on.chassis.as_deref(), Some("FPR4125-2"));
        assert!(Condition::parse("flying").is_err());
    }
}
