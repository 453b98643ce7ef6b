//! Killed with -9 between any two requests: what was acknowledged is there afterwards.

use std::collections::BTreeSet;
use std::sync::mpsc;

use vfxos::wire::callhome::Verdict;

use super::process::{Chassis, Folder, Process, Roots, verdict};

/// How often it is killed.
const ROUNDS: u32 = 12;
/// Who asks at once.
const ASKING: u32 = 4;

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let folder = Folder::new("killed");
    let state = folder.0.join("state");
    let mut acknowledged = BTreeSet::new();
    let mut tokens = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut process = Process::cloud(&state);
        check(&process, &acknowledged, &tokens);
        let roots = Roots::of(&process);
        let token = process.token();
        tokens.insert(token.clone());
        let (tell, told) = mpsc::channel();
        std::thread::scope(|scope| {
            for asking in 0..ASKING {
                let (tell, process, roots, token) = (tell.clone(), &process, &roots, &token);
                scope.spawn(move || {
                    for number in 0.. {
                        let number = round * 10_000 + asking * 1_000 + number;
                        let bytes = Chassis::new(number).registration(token);
                        // Once it is killed nothing comes back, or only half of it.
                        let Ok((200, body)) = process.post(&roots.tls, &roots.path, &bytes) else {
                            return;
                        };
                        if let Verdict::Registered(grant) = verdict(&roots.licensing, &body) {
                            tell.send(grant.instance).unwrap();
                        }
                    }
                });
            }
            drop(tell);
            // After a few answers, more of them each round, with the others still asking.
            for _ in 0..=round {
                acknowledged.insert(told.recv().unwrap());
            }
            let killed = nix::unistd::Pid::from_raw(process.child.id().try_into().unwrap());
            nix::sys::signal::kill(killed, nix::sys::signal::Signal::SIGKILL).unwrap();
            acknowledged.extend(told.iter());
        });
        process.child.wait().unwrap();
    }
    let process = Process::cloud(&state);
    check(&process, &acknowledged, &tokens);
    assert!(acknowledged.len() >= (ROUNDS * (ROUNDS + 1) / 2) as usize);
}

/// Checks that an authority knows all that it ever acknowledged.
fn check(process: &Process, acknowledged: &BTreeSet<String>, tokens: &BTreeSet<String>) {
    let all = |words: &[&str], field: &str| -> BTreeSet<String> {
        let list = process.ctl(words).unwrap();
        let each = list.as_array().unwrap().iter();
        each.map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    let known = all(&["instance", "list"], "id");
    assert!(known.is_superset(acknowledged), "{:?} lost", acknowledged - &known);
    let known = all(&["token", "list"], "text");
    assert!(known.is_superset(tokens), "{:?} lost", tokens - &known);
}
