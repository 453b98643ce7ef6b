//! Fingerprints of the transcripts that are not ours, so that none is changed unseen.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ring::digest::{SHA256, digest};

/// The file of fingerprints: a line a transcript, `SHA-256  NAME`.
const FILE: &str = "LOCK";

/// Fingerprints by name.
#[derive(Debug)]
pub struct Lock(BTreeMap<String, String>);

impl Lock {
    /// Reads the lock of a folder; one without has nothing locked.
    pub fn read(folder: &Path) -> Lock {
        let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once("  "));
        Lock(lines.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect())
    }

    /// Locks a transcript that was not locked before.
    pub fn add(&mut self, name: &str, text: &str) {
        self.0.entry(name.to_owned()).or_insert_with(|| fingerprint(text));
    }

    pub fn write(&self, folder: &Path) {
        let lines = self.0.iter().map(|(name, hash)| format!("{hash}  {name}\n"));
        fs::write(folder.join(FILE), lines.collect::<String>()).expect("writable lock");
    }

    /// Holds every transcript that is not ours against the lock.
    pub fn faults(&self, foreign: &[(String, String)]) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, text) in foreign {
            let hash = fingerprint(text);
            match self.0.get(name) {
                Some(locked) if *locked == hash => {}
                Some(_) => faults.push(format!(
                    "{name} is not what LOCK says: it has a device's words. Undo the change and \
                     make the code right; if the words were wrong, say why in the commit and write \
                     {hash} into LOCK"
                )),
                None => faults
                    .push(format!("{name} is not in LOCK: once it holds, `make bless` adds it")),
            }
        }
        for name in self.0.keys() {
            if !foreign.iter().any(|(known, _)| known == name) {
                faults.push(format!(
                    "{name} is in LOCK, but no such transcript with a device's words is here: bring \
                     it back, or say why in the commit and take its line out of LOCK"
                ));
            }
        }
        faults
    }
}

fn fingerprint(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
