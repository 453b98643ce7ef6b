//! Reservations: the real authority's desk, the operator who carries codes between it and one
//! chassis, and what each of them must hold to.

use std::collections::{BTreeMap, BTreeSet};

use vfxos::base::ident::Udi;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc};
use vfxos::proto::Next;
use vfxos::proto::agent::{Agent, Reservation};
use vfxos::proto::authority::{Authority, Output, Settings};
use vfxos::wire::callhome::{PublicKey, SigningKey};
use vfxos::wire::reservation::{RequestCode, ReturnCode};

/// The authority with its flash, and the operator's notes.
pub(super) struct Desk {
    authority: Authority,
    flash: BTreeMap<String, Vec<u8>>,
    key: SigningKey,
    /// Every code that was ever seen. An operator may type an old one.
    requests: Vec<String>,
    authorizations: Vec<String>,
    returns: Vec<String>,
    /// The model: requests that were authorised and not given back.
    in_force: BTreeSet<String>,
    /// What the last check saw of the chassis; `None` once something has changed here.
    checked: Option<Reservation>,
}

/// What an operator of the chassis does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Enable,
    Disable,
    Request,
    Cancel,
    /// Types one of the authorization codes.
    Install,
    Return,
}

impl Desk {
    pub(super) fn new(seed: u64) -> Desk {
        let authority = Authority::new([], Settings::default(), Rng::from_seed(seed));
        let mut desk = Desk {
            authority: authority.expect("no record is damaged"),
            flash: BTreeMap::new(),
            key: SigningKey::from_seed(&[42; 32]),
            requests: Vec::new(),
            authorizations: Vec::new(),
            returns: Vec::new(),
            in_force: BTreeSet::new(),
            checked: None,
        };
        desk.save(Utc::MIN);
        desk
    }

    /// Picks something to do, most often what comes next.
    pub(super) fn pick(agent: &Agent, rng: &mut Rng) -> Act {
        let all = [Act::Enable, Act::Disable, Act::Request, Act::Cancel, Act::Install, Act::Return];
        let next = match &agent.stored().reservation {
            Reservation::Disabled => Act::Enable,
            Reservation::Enabled => Act::Request,
            Reservation::Requested { .. } => Act::Install,
            Reservation::Authorized { .. } => Act::Return,
            Reservation::Returned { .. } => Act::Disable,
        };
        if rng.one_in(2) { next } else { all[(rng.next_u64() % 6) as usize] }
    }

    /// Does it on the chassis; what is refused there is refused.
    pub(super) fn act(&self, agent: &mut Agent, now: Now, act: Act, rng: &mut Rng) -> bool {
        let done = match act {
            Act::Enable => agent.set_reservation(now, true),
            Act::Disable => agent.set_reservation(now, false),
            Act::Request => agent.request_reservation(now),
            Act::Cancel => agent.cancel_reservation(now),
            Act::Return => agent.return_reservation(now),
            Act::Install => {
                let typed = any(&self.authorizations, rng).unwrap_or_default();
                agent.install_reservation(now, &typed, &self.trusted())
            }
        };
        done.is_ok()
    }

    pub(super) fn trusted(&self) -> [PublicKey; 1] {
        [self.key.public_key()]
    }

    /// Notes the codes that the chassis shows.
    pub(super) fn look(&mut self, agent: &Agent, now: Now) {
        let shown = agent.report(now).reservation;
        for (code, notes) in
            [(shown.request_code, &mut self.requests), (shown.return_code, &mut self.returns)]
        {
            notes.extend(code.filter(|code| notes.last() != Some(code)));
        }
    }

    /// Types a request code at the authority, the newest more often than not. `registered` says
    /// that the chassis is a product instance there.
    pub(super) fn authorize(&mut self, wall: Utc, registered: bool, rng: &mut Rng) {
        let newest = self.requests.last().cloned();
        let code = if rng.one_in(4) { any(&self.requests, rng) } else { newest };
        let Some(code) = code.filter(|_| !registered) else { return };
        if let Ok(facts) = self.authority.reservation_authorize(wall, &code, None, &self.key)
            && self.save_or_crash(wall, Some(rng))
        {
            self.authorizations.push(facts.authorization_code);
            self.in_force.insert(code);
        }
    }

    /// Types a return code at the authority.
    pub(super) fn give_back(&mut self, wall: Utc, rng: &mut Rng) {
        let Some(code) = any(&self.returns, rng) else { return };
        self.type_return(wall, &code, Some(rng));
    }

    fn type_return(&mut self, wall: Utc, code: &str, rng: Option<&mut Rng>) {
        let known = self.authority.reservation_return(wall, code).is_ok();
        if known && self.save_or_crash(wall, rng) {
            let back = ReturnCode::parse(code).expect("the chassis wrote it").commitment();
            self.in_force.retain(|code| {
                RequestCode::parse(code).expect("the chassis wrote it").commitment != back
            });
        }
    }

    /// Types every return code that was ever seen.
    pub(super) fn give_all_back(&mut self, wall: Utc) {
        for code in self.returns.clone() {
            self.type_return(wall, &code, None);
        }
    }

    /// Answers the request that the chassis shows now, and returns the code.
    pub(super) fn answer(&mut self, wall: Utc) -> String {
        let code = self.requests.last().cloned().expect("the chassis shows a request");
        let facts = self.authority.reservation_authorize(wall, &code, None, &self.key);
        self.save(wall);
        self.in_force.insert(code);
        facts.expect("nothing is in the way").authorization_code
    }

    /// Writes what was changed; now and then, if `rng` may say so, power fails before and the change
    /// never was, or right after.
    fn save_or_crash(&mut self, wall: Utc, rng: Option<&mut Rng>) -> bool {
        let Some(rng) = rng else {
            self.save(wall);
            return true;
        };
        let crashed = rng.one_in(8);
        if !crashed {
            self.save(wall);
        }
        if crashed || rng.one_in(8) {
            let stored = self.flash.clone();
            let rng = Rng::from_seed(rng.next_u64());
            let authority = Authority::new(stored, Settings::default(), rng);
            self.authority = authority.expect("what was written can be read");
        }
        !crashed
    }

    fn save(&mut self, wall: Utc) {
        self.checked = None;
        while let Next::Do(output) = self.authority.poll(Now { mono: Instant::ZERO, wall }) {
            let Output::Persist(records) = output else { continue };
            for record in records {
                match record.value {
                    Some(value) => drop(self.flash.insert(record.key, value)),
                    None => drop(self.flash.remove(&record.key)),
                }
            }
        }
    }

    /// True while the authority counts a reservation of the chassis.
    pub(super) fn reserved(&self) -> bool {
        !self.in_force.is_empty()
    }

    /// Checks that the authority counts each reservation once, and that a chassis which uses one is
    /// counted.
    pub(super) fn check(&mut self, agent: &Agent, udi: &Udi, wall: Utc, seed: u64) {
        if self.checked.as_ref() == Some(&agent.stored().reservation) {
            return;
        }
        self.checked = Some(agent.stored().reservation.clone());
        let counted: BTreeSet<String> = self
            .authority
            .reservations()
            .into_iter()
            .filter(|one| one.returned_at.is_none())
            .map(|one| one.request_code)
            .collect();
        assert_eq!(counted, self.in_force, "SEED={seed} the authority's count");
        assert!(counted.len() <= 1, "SEED={seed} {udi} is counted {} times", counted.len());
        let pools = self.authority.pools(wall);
        let taken = pools.iter().find(|pool| pool.tag == "FPR4K-ASA-BPU").map(|pool| pool.in_use);
        assert_eq!(taken, Some(counted.len() as u64), "SEED={seed} the pool's total");
        if let Reservation::Authorized { request, .. } = &agent.stored().reservation {
            let request = request.to_string();
            assert!(self.in_force.contains(&request), "SEED={seed} uses what nobody counts");
        }
    }
}

fn any(notes: &[String], rng: &mut Rng) -> Option<String> {
    let count = notes.len() as u64;
    (count > 0).then(|| notes[(rng.next_u64() % count) as usize].clone())
}
