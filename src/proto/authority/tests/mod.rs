//! An authority with chassis that sign what they send.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the variant that it wants")]

use super::*;
use crate::base::entitlement::CATALOGUE;
use crate::base::ident::{Tag, Udi};
use crate::wire::callhome::{
    Ask, Authorization, Compliance, Device, Grant, RefusalKind, SigningKey, Use, Verdict,
};

mod accounts;
mod compliance;
mod hostile;
mod registration;
mod reservation;
mod satellites;
mod storage;
mod sync_model;

const NOON: Utc = Utc::from_civil(2020, 8, 4, 12, 0, 0);
const TIER: &str = CATALOGUE[0].tag;
const CONTEXT: &str = CATALOGUE[1].tag;

fn now(wall: Utc) -> Now {
    Now { mono: crate::base::time::Instant::ZERO, wall }
}

/// An authority, what it has persisted, and the lab's date.
struct Lab {
    authority: Authority,
    flash: BTreeMap<String, Vec<u8>>,
    wall: Utc,
    nonce: u64,
    /// Signs sync files.
    key: SigningKey,
}

impl Lab {
    fn new() -> Lab {
        Lab::of(Flavour::Cloud, 1)
    }

    fn of(flavour: Flavour, seed: u8) -> Lab {
        let rng = Rng::from_seed(seed.into());
        let authority = Authority::load([], flavour, Settings::default(), rng).unwrap();
        let key = SigningKey::from_seed(&[seed; 32]);
        let mut lab = Lab { authority, flash: BTreeMap::new(), wall: NOON, nonce: 0, key };
        assert_eq!(lab.drain(), []);
        lab
    }

    /// Carries out what is to be done; returns the answers. Checks that what an answer speaks of
    /// was persisted before it.
    fn drain(&mut self) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::new();
        while let Next::Do(output) = self.authority.poll(now(self.wall)) {
            match output {
                Output::Persist(records) => {
                    assert!(answers.is_empty(), "persisted after the answer");
                    for Record { key, value } in records {
                        match value {
                            Some(value) => drop(self.flash.insert(key, value)),
                            None => drop(self.flash.remove(&key)),
                        }
                    }
                }
                Output::Reply { exchange, answer, .. } => {
                    assert_eq!(exchange, ExchangeId(answer.nonce), "answers another exchange");
                    answers.push(answer);
                }
            }
        }
        answers
    }

    /// Cuts the power: all that is left is flash.
    fn restart(&mut self) {
        let stored = self.flash.clone();
        let settings = self.authority.settings().clone();
        self.nonce += 1;
        let (flavour, rng) = (self.authority.flavour(), Rng::from_seed(self.nonce));
        self.authority = Authority::load(stored, flavour, settings, rng).unwrap();
        self.authority.handle(now(self.wall), Event::Due);
        assert_eq!(self.drain(), []);
    }

    fn advance(&mut self, by: Duration) {
        self.wall = self.wall + by;
        self.authority.handle(now(self.wall), Event::Due);
        assert_eq!(self.drain(), []);
    }

    fn token(&mut self, spec: &TokenSpec) -> String {
        let token = self.authority.token_new(self.wall, spec).unwrap();
        self.drain();
        token.text
    }

    /// Sends a request as it stands, signed by `key`.
    fn send_as(&mut self, key: &SigningKey, request: &Request) -> Verdict {
        let body = request.to_json();
        let signature = key.sign(&body);
        self.send_signed(request, body, signature)
    }

    fn send_signed(&mut self, request: &Request, body: Vec<u8>, signature: Vec<u8>) -> Verdict {
        let exchange = ExchangeId(request.nonce);
        let request = Box::new(request.clone());
        let event = Event::Request { exchange, request, body, signature };
        self.authority.handle(now(self.wall), event);
        let [answer] = <[Answer; 1]>::try_from(self.drain()).unwrap();
        assert_eq!(answer.issued_at, self.wall);
        answer.verdict
    }

    /// Makes the next request of a chassis, sent now.
    fn request(&mut self, chassis: &Chassis, ask: Ask) -> Request {
        self.nonce += 1;
        let (sent_at, nonce) = (self.wall, self.nonce);
        Request { sent_at, nonce, device: chassis.device.clone(), ask }
    }

    fn send(&mut self, chassis: &Chassis, ask: Ask) -> Verdict {
        let request = self.request(chassis, ask);
        self.send_as(&chassis.key, &request)
    }

    fn register(&mut self, chassis: &mut Chassis, token: &str, force: bool) -> Verdict {
        let verdict = self.send(chassis, chassis.registration(token, force));
        if let Verdict::Registered(grant) = &verdict {
            chassis.instance = grant.instance.clone();
        }
        verdict
    }

    /// Registers a new chassis with a token of the default account.
    fn registered(&mut self, number: u8) -> Chassis {
        let token = self.token(&TokenSpec::default());
        let mut chassis = Chassis::new(number);
        grant(self.register(&mut chassis, &token, false));
        chassis
    }

    fn authorize(&mut self, chassis: &Chassis, uses: &[(&str, u32)]) -> Vec<Authorization> {
        match self.send(chassis, chassis.uses(uses)) {
            Verdict::Authorized(list) => list,
            other => panic!("not authorized: {other:?}"),
        }
    }

    /// Sets what the default account bought.
    fn pool(&mut self, tag: &str, bought: u32, expires: Option<Utc>) {
        self.authority.pool_set(self.wall, None, tag, Pool { bought, expires }).unwrap();
        self.drain();
    }
}

struct Chassis {
    device: Device,
    key: SigningKey,
    instance: String,
}

impl Chassis {
    fn new(number: u8) -> Chassis {
        let device = Device {
            udi: Udi { pid: "FPR-4125-SUP".into(), serial: format!("JAD{number:08}") },
            product: "FPR4125".into(),
            sudi_pid: "FPR-4125-SUP".into(),
            hostname: "FPR4125-1".into(),
            agent: "4.6.9_rel/104".into(),
        };
        let key = SigningKey::from_seed(&[number; 32]);
        Chassis { device, key, instance: String::new() }
    }

    fn registration(&self, token: &str, force: bool) -> Ask {
        let public_key = self.key.public_key().to_string();
        Ask::Register { token: token.to_owned(), force, public_key }
    }

    fn renew(&self) -> Ask {
        Ask::Renew { instance: self.instance.clone() }
    }

    fn deregister(&self) -> Ask {
        Ask::Deregister { instance: self.instance.clone() }
    }

    fn uses(&self, uses: &[(&str, u32)]) -> Ask {
        let each = uses.iter().map(|(tag, count)| Use { tag: tag_of(tag), count: *count });
        Ask::Authorize { instance: self.instance.clone(), in_use: each.collect() }
    }
}

fn tag_of(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn grant(verdict: Verdict) -> Grant {
    match verdict {
        Verdict::Registered(grant) | Verdict::Renewed(grant) => grant,
        other => panic!("no grant: {other:?}"),
    }
}

fn refusal(verdict: Verdict) -> (RefusalKind, String) {
    match verdict {
        Verdict::Refused { kind, text } => (kind, text),
        other => panic!("not refused: {other:?}"),
    }
}
