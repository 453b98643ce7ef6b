//! Who may sit down, and what is left when somebody goes.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::ident::Udi;
use crate::base::platform::Chassis;
use crate::base::rng::Rng;
use crate::base::time::{Instant, Utc};
use crate::proto::Next;
use crate::proto::accounts::seat::SEATS_MAX;
use crate::proto::agent::{self, Agent, Identity};
use crate::proto::broker::Broker;
use crate::proto::config::{Factory, Tree};
use crate::proto::mio::Facts;

const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

#[test]
fn no_more_sessions_than_the_limit_and_a_place_is_free_again() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let first = desk.open(NOW, &mut mio, visitor()).unwrap();
    for _ in 1..SEATS_MAX {
        assert!(desk.open(NOW, &mut mio, visitor()).is_ok());
    }
    assert!(desk.open(NOW, &mut mio, visitor()).is_err());
    desk.hang_up(NOW, &mut mio, first);
    assert_eq!(desk.poll(), Some(closed(first)));
    let next = desk.open(NOW, &mut mio, visitor()).unwrap();
    assert!(next > first, "a number is never used twice");
}

#[test]
fn who_goes_leaves_neither_a_console_nor_an_edit_behind() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let id = desk.open(NOW, &mut mio, visitor()).unwrap();
    let edit = b"scope system\rset name edge\rconnect module 1 console\r";
    desk.typed(NOW, &mut mio, id, 1, edit);
    assert!(desk.flush(NOW, &mut mio), "the machine has a console to open");
    assert!(mio.pending.contains_key(&id.0));
    assert!(desk.at_console(Slot::new(1).unwrap()).is_some());
    desk.hang_up(NOW, &mut mio, id);
    assert!(!mio.pending.contains_key(&id.0));
    assert!(desk.at_console(Slot::new(1).unwrap()).is_none());
    desk.hang_up(NOW, &mut mio, id);
    let mut left = std::iter::from_fn(|| desk.poll());
    assert_eq!(left.by_ref().find(|o| *o == closed(id)), Some(closed(id)));
    assert_eq!(left.next(), None, "and closes once");
}

#[test]
fn a_session_settles_once_for_what_was_typed() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let id = desk.open(NOW, &mut mio, visitor()).unwrap();
    desk.typed(NOW, &mut mio, id, 7, b"show clock\r");
    assert!(!desk.flush(NOW, &mut mio));
    assert!(!desk.flush(NOW, &mut mio));
    let outputs: Vec<Output> = std::iter::from_fn(|| desk.poll()).collect();
    let settled = |output: &&Output| matches!(output, Output::Settled { .. });
    let settled: Vec<&Output> = outputs.iter().filter(settled).collect();
    assert_eq!(settled, [&Output::Settled { id, serial: 7 }]);
    desk.typed(NOW, &mut mio, id, 8, b"exit\r");
    desk.flush(NOW, &mut mio);
    let outputs: Vec<Output> = std::iter::from_fn(|| desk.poll()).collect();
    assert_eq!(outputs.last(), Some(&closed(id)));
}

#[test]
fn a_line_runs_without_a_prompt_and_says_whether_it_was_refused() {
    let run = |line: &str| {
        let (mut mio, mut desk) = (supervisor(), Desk::default());
        let start = Start::Line(line.to_owned());
        desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::Admin) }).unwrap();
        finish(&mut desk, &mut mio)
    };
    let clock = "Tue Aug  4 09:55:50 UTC 2020\r\n";
    assert_eq!(run("show clock"), (clock.to_owned(), Some(false)));
    assert_eq!(run("scope system ; top;show clock"), (clock.to_owned(), Some(false)));
    assert_eq!(run("scope system\nshow clock\n"), (clock.to_owned(), Some(false)));
    assert_eq!(run("show clock | grep Aug | cut -f 1 -d \" \"").0, "Tue\r\n");
    let (shown, refused) = run("show clock; bogus; show clock");
    assert!(shown.starts_with(clock) && shown.contains("% Invalid Command"), "{shown}");
    assert_eq!((shown.matches("Aug").count(), refused), (1, Some(true)));
    assert_eq!(run(""), (String::new(), Some(false)));
}

#[test]
fn a_question_of_a_line_is_answered_by_what_is_typed_or_ends_with_it() {
    let line = "scope security; enter trustpoint t; set certchain";
    let start = Start::Line(line.to_owned());
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let id = desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::Admin) }).unwrap();
    assert_eq!(finish(&mut desk, &mut mio).1, None, "it waits for the chain");
    desk.typed(NOW, &mut mio, id, 1, b"x\nENDOFBUF\n");
    let (shown, refused) = finish(&mut desk, &mut mio);
    assert!(shown.contains("Error: ") && !shown.contains('x'), "{shown}");
    assert_eq!(refused, Some(true));
    let start = Start::Line(line.to_owned());
    let id = desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::Admin) }).unwrap();
    desk.last_key(id);
    assert_eq!(finish(&mut desk, &mut mio).1, Some(false));
}

#[test]
fn keys_that_nobody_sees_are_not_shown_and_the_last_one_ends_the_session() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let start = Start::Prompt { echo: false };
    let id = desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::Admin) }).unwrap();
    desk.typed(NOW, &mut mio, id, 1, b"scope system\nshow clock\n");
    let (shown, refused) = finish(&mut desk, &mut mio);
    assert!(shown.contains("Aug") && !shown.contains("show clock"), "{shown}");
    assert_eq!(refused, None);
    desk.last_key(id);
    assert_eq!(finish(&mut desk, &mut mio).1, Some(false));
}

#[test]
fn an_account_is_made_at_the_prompt_and_is_good_for_what_its_roles_say() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let start = Start::Prompt { echo: false };
    let id = desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::Admin) }).unwrap();
    let mut serial = 0;
    let mut enter = |mio: &mut Mio, desk: &mut Desk, text: &str| {
        serial += 1;
        desk.typed(NOW, mio, id, serial, text.as_bytes());
        finish(desk, mio).0
    };
    let shown = enter(&mut mio, &mut desk, "scope security\ncreate local-user jo\nset password\n");
    assert!(shown.ends_with("Enter a password: "), "{shown}");
    let shown = enter(&mut mio, &mut desk, "Jo.Secret1\n");
    assert_eq!(shown, "\r\nConfirm the password: ");
    assert!(enter(&mut mio, &mut desk, "other\n").contains("Error: Passwords do not match"));
    let shown = enter(&mut mio, &mut desk, "set password\nshort\nshort\n");
    assert!(shown.contains("must have at least 8 characters"), "{shown}");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ jo";
    enter(&mut mio, &mut desk, "set password\nJo.Secret1\nJo.Secret1\n");
    assert!(enter(&mut mio, &mut desk, "set sshkey AAAA\n").contains("Error: Invalid Value"));
    enter(&mut mio, &mut desk, &format!("set sshkey \"{key}\"\ncreate role operations\n"));
    let shown =
        enter(&mut mio, &mut desk, "set expiration feb 30 2030\nset expiration dec 31 2030\n");
    assert_eq!(shown.matches("Error: Invalid Value").count(), 1);
    assert!(!enter(&mut mio, &mut desk, "commit-buffer\n").contains("Error"));
    let shown = enter(&mut mio, &mut desk, "show detail\nshow configuration\n");
    for text in ["Local User jo:", "Expiration: 2030-12-31T00:00:00Z", "Name: operations", key] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    assert!(!shown.contains("argon2"), "{shown}");

    let challenge = mio.accounts.challenge(NOW, mio.config.objects(), "jo");
    assert!(accounts::hash::verify("Jo.Secret1", &challenge.hash));
    assert_eq!(challenge.keys, [key]);
    let who = accounts::Visitor { user: "jo".into(), way: Way::Ssh, from: "192.0.2.8".into() };
    let admission = mio.accounts.admit(NOW, mio.config.objects(), &who).unwrap();
    assert_eq!(Role::of(admission.roles), Role::Operations);

    for _ in 0..3 {
        mio.accounts.refuse(NOW, mio.config.objects(), &who);
    }
    assert!(enter(&mut mio, &mut desk, "show detail\n").contains("User lock status: Locked"));
    let shown = enter(&mut mio, &mut desk, "clear lock-status\nshow detail\n");
    assert!(shown.contains("User lock status: Not Locked"));
    let shown = enter(&mut mio, &mut desk, "up\nshow audit-logs\nshow user-sessions detail\n");
    let anywhere = enter(&mut mio, &mut desk, "show sessions detail\nshow users detail\n");
    assert!(anywhere.contains("    Host: 192.0.2.7\r\n"), "{anywhere}");
    assert!(anywhere.contains("Local User admin:\r\n"), "{anywhere}");
    assert!(anywhere.contains("Local User jo:\r\n"), "{anywhere}");
    for text in ["Local User jo created", "is locked out", "    Host: 192.0.2.7\r\n"] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
}

#[test]
fn who_may_only_look_may_give_himself_another_password_and_nobody_else() {
    for (user, denied) in [("admin", false), ("eve", true)] {
        let (mut mio, mut desk) = (supervisor(), Desk::default());
        let line = format!("scope security; scope local-user {user}; set password; commit-buffer");
        let start = Start::Line(line);
        if user == "eve" {
            let path = accounts::user::path("eve").unwrap();
            mio.pending.entry(0).or_default().create(&mio.config, &path, &[]).unwrap();
            mio.commit(NOW, 0).unwrap();
        }
        let id = desk.open(NOW, &mut mio, Visitor { start, ..ssh(Role::ReadOnly) }).unwrap();
        desk.typed(NOW, &mut mio, id, 1, b"Secret.Word9\nSecret.Word9\n");
        let (shown, refused) = finish(&mut desk, &mut mio);
        assert_eq!(refused, Some(denied), "{shown}");
        let hash = accounts::User::find(mio.config.objects(), user).unwrap().hash;
        assert_eq!(hash.is_some_and(|h| accounts::hash::verify("Secret.Word9", &h)), !denied);
    }
}

#[test]
fn every_session_can_be_ended_by_an_operator() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let here = desk.open(NOW, &mut mio, visitor()).unwrap();
    desk.open(NOW, &mut mio, ssh(Role::Admin)).unwrap();
    desk.typed(NOW, &mut mio, here, 1, b"scope security\rclear-user-sessions all\ryes\r");
    while let Next::Do(output) = mio.poll(NOW) {
        if let crate::proto::mio::Output::EndSession { session, text } = output {
            desk.end(session, text);
        }
    }
    finish(&mut desk, &mut mio);
    assert_eq!(mio.accounts.seats().count(), 0);
}

#[test]
fn whose_time_is_up_is_told_and_goes() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let id = desk.open(NOW, &mut mio, ssh(Role::Admin)).unwrap();
    let minutes = |n: u64| Instant::from_elapsed(std::time::Duration::from_secs(60 * n));
    desk.tick(minutes(9));
    desk.typed(NOW, &mut mio, id, 1, b" ");
    for (minute, ends) in [(10, false), (18, false), (19, true)] {
        desk.tick(minutes(minute));
        let objects = mio.config.objects();
        mio.accounts.expire(minutes(minute), objects);
        while let Next::Do(output) = mio.poll(NOW) {
            if let crate::proto::mio::Output::EndSession { session, text } = output {
                desk.end(session, text);
            }
        }
        let (shown, refused) = finish(&mut desk, &mut mio);
        assert_eq!(refused.is_some(), ends, "after {minute} minutes");
        assert_eq!(shown.contains("\r\nInactive timeout reached, logging out.\r\n"), ends);
    }
}

#[test]
fn who_may_only_look_changes_nothing_by_any_verb() {
    let lines: [(&str, &[Role]); 9] = [
        ("scope security; scope local-user admin; show configuration", &[]),
        ("scope system; set name x", &[Role::ReadOnly, Role::Operations, Role::Aaa]),
        ("scope security; create trustpoint t", &[Role::ReadOnly, Role::Operations, Role::Aaa]),
        ("scope security; enter trustpoint t", &[Role::ReadOnly, Role::Operations, Role::Aaa]),
        ("scope security; create local-user jo", &[Role::ReadOnly, Role::Operations]),
        ("scope security; enter local-user jo", &[Role::ReadOnly, Role::Operations]),
        ("scope security; delete local-user jo", &[Role::ReadOnly, Role::Operations]),
        ("scope services; enter ntp-server 192.0.2.1", &[Role::ReadOnly, Role::Aaa]),
        ("scope callhome; set http-proxy-server-port 81", &[Role::ReadOnly, Role::Aaa]),
    ];
    for (line, denied) in lines {
        for role in [Role::Admin, Role::ReadOnly, Role::Operations, Role::Aaa] {
            let (mut mio, mut desk) = (supervisor(), Desk::default());
            let before = mio.config.stored();
            let start = Start::Line(format!("{line}; commit-buffer"));
            desk.open(NOW, &mut mio, Visitor { start, ..ssh(role) }).unwrap();
            let shown = finish(&mut desk, &mut mio).0;
            // Who may not create enters what exists only.
            let absent =
                line.contains("enter ") && shown.contains("Error: Managed object does not");
            let refused = absent || shown.contains("does not have privileges to perform");
            assert_eq!(refused, denied.contains(&role), "{role:?}: {line}: {shown}");
            assert!(!denied.contains(&role) || mio.config.stored() == before, "{role:?}: {line}");
        }
    }
}

fn visitor() -> Visitor {
    Visitor::at_terminal(80, 0)
}

fn ssh(role: Role) -> Visitor {
    Visitor { role, way: Way::Ssh, from: "192.0.2.7".to_owned(), ..visitor() }
}

fn closed(id: SessionId) -> Output {
    Output::Closed { id, refused: false }
}

/// Returns what was shown, and whether something was refused once the session has ended.
fn finish(desk: &mut Desk, mio: &mut Mio) -> (String, Option<bool>) {
    while desk.flush(NOW, mio) {}
    let (mut shown, mut end) = (Vec::new(), None);
    while let Some(output) = desk.poll() {
        match output {
            Output::Bytes { bytes, .. } => shown.extend(bytes),
            Output::Settled { .. } | Output::StartJob { .. } | Output::CancelJob { .. } => {}
            Output::Closed { refused, .. } => end = Some(refused),
        }
    }
    (String::from_utf8(shown).unwrap(), end)
}

fn supervisor() -> Mio {
    let chassis = Chassis::find("FPR-4125").unwrap();
    let identity = Identity {
        udi: Udi { pid: chassis.udi_pid.into(), serial: "JAD12345678".into() },
        product: chassis.product.into(),
        sudi_pid: chassis.sudi_pid.into(),
        hostname: "FPR4125-1".into(),
        version: chassis.agent,
        public_key: "key".into(),
    };
    let agent = Agent::new(identity, agent::Stored::default(), Rng::from_seed(1), NOW);
    let facts = broker::Facts {
        model: chassis.model.into(),
        hostname: "FPR4125-1".into(),
        slots: chassis.slots,
        equipped: BTreeSet::from([Slot::new(1).unwrap()]),
    };
    let broker = Broker::new(facts, broker::Stored::default(), NOW);
    let tree = Tree::factory(&Factory { hostname: "FPR4125-1".into(), ..Factory::default() });
    let (serial, ntp, certificates) = ("JAD12345678".into(), BTreeMap::new(), BTreeMap::new());
    let (leased_dns, died) = Default::default();
    Mio::new(agent, broker, tree, Facts { chassis, serial, ntp, certificates, leased_dns, died })
}
