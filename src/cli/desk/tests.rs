//! Who may sit down, and what is left when somebody goes.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::ident::Udi;
use crate::base::platform::Chassis;
use crate::base::rng::Rng;
use crate::base::time::{Instant, Utc};
use crate::proto::agent::{self, Agent, Identity};
use crate::proto::broker::Broker;
use crate::proto::config::{Factory, Tree};
use crate::proto::mio::Facts;

const NOW: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 9, 55, 50) };

#[test]
fn no_more_sessions_than_the_limit_and_a_place_is_free_again() {
    let (mut mio, mut desk) = (supervisor(), Desk::default());
    let first = desk.open(NOW, &mut mio, visitor()).unwrap();
    for _ in 1..SESSIONS_MAX {
        assert!(desk.open(NOW, &mut mio, visitor()).is_some());
    }
    assert_eq!(desk.open(NOW, &mut mio, visitor()), None);
    desk.hang_up(NOW, &mut mio, first);
    assert_eq!(desk.poll(), Some(Output::Closed { id: first }));
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
    assert_eq!(left.by_ref().find(|o| *o == Output::Closed { id }), Some(Output::Closed { id }));
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
    assert_eq!(outputs.last(), Some(&Output::Closed { id }));
}

fn visitor() -> Visitor {
    Visitor { user: "admin".into(), from: "console".into(), columns: 80, rows: 0 }
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
    Mio::new(agent, broker, tree, Facts { chassis, serial, ntp, certificates })
}
