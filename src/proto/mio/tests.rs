//! The machines of the supervisor joined to a blade and to an authority: a reservation from the
//! keyboard to what an ASA may do.

use super::*;
use crate::base::enforcement::Mode;
use crate::base::entitlement::Feature;
use crate::base::ident::Udi;
use crate::base::platform::{AgentVersion, Chassis, Module};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Utc, days};
use crate::proto::agent::{Identity, Reservation};
use crate::proto::authority::{Authority, Settings};
use crate::proto::blade::{self, Blade};
use crate::proto::config::schema::Verb;
use crate::proto::config::{Factory, Path, Trustpoint};
use crate::wire::appag::{Decoder, Encoder};
use crate::wire::callhome::SigningKey;

const NOON: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
const LINK: LinkId = LinkId(1);

/// A supervisor with one blade attached, and what flash holds.
struct Lab {
    mio: Mio,
    blade: Blade,
    encoder: Encoder,
    decoder: Decoder,
    now: Now,
    agent: agent::Stored,
    broker: broker::Stored,
    config: Option<config::Stored>,
}

fn factory() -> Factory {
    let chain = include_str!("../../wire/callhome/tests/root.pem").to_owned();
    let trustpoints = vec![Trustpoint { name: LICENCE_TRUSTPOINT.to_owned(), chain }];
    Factory { trustpoints, ..Factory::default() }
}

fn supervisor(
    now: Now,
    agent: agent::Stored,
    broker: broker::Stored,
    config: Option<&config::Stored>,
) -> Mio {
    let chassis = Chassis::find("FPR-4125").unwrap();
    let identity = Identity {
        udi: Udi { pid: chassis.udi_pid.into(), serial: "JAD12345678".into() },
        product: chassis.product.into(),
        sudi_pid: chassis.sudi_pid.into(),
        hostname: "firepower".into(),
        version: AgentVersion::V4_6_9,
        public_key: "key".into(),
    };
    let hardware = broker::Facts {
        model: chassis.model.into(),
        hostname: "firepower".into(),
        slots: 1,
        equipped: Slot::new(1).into_iter().collect(),
    };
    let tree = config.map_or_else(
        || Tree::factory(&factory()),
        |stored| Tree::restore(stored, &factory()).unwrap(),
    );
    let facts = Facts {
        chassis,
        serial: "JAD12345678".into(),
        ntp: BTreeMap::new(),
        certificates: BTreeMap::new(),
        leased_dns: Vec::new(),
        died: 0,
    };
    let agent = Agent::new(identity, agent, Rng::from_seed(3), now);
    Mio::new(agent, Broker::new(hardware, broker, now), tree, facts)
}

impl Lab {
    fn new() -> Lab {
        let facts = blade::Facts {
            slot: Slot::new(1).unwrap(),
            serial: "FCH12345ABC".into(),
            module: Module::find("FPR4K-SM-32S").unwrap(),
            release: "9.14(1)".into(),
        };
        let mut lab = Lab {
            mio: supervisor(NOON, agent::Stored::default(), broker::Stored::default(), None),
            blade: Blade::new(facts, blade::Stored::default(), NOON),
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            now: NOON,
            agent: agent::Stored::default(),
            broker: broker::Stored::default(),
            config: None,
        };
        lab.mio.handle(NOON, Event::Broker(broker::Event::Opened { link: LINK }));
        lab.run();
        lab.blade.handle(NOON, blade::Event::Linked);
        lab.run();
        assert!(lab.blade.is_attached());
        lab
    }

    /// Lets both machines run until neither has anything left to say.
    fn run(&mut self) {
        loop {
            let mut idle = true;
            while let Next::Do(output) = self.mio.poll(self.now) {
                idle = false;
                match output {
                    Output::Persist(Piece::Agent(stored)) => self.agent = *stored,
                    Output::Persist(Piece::Broker(stored)) => self.broker = stored,
                    Output::Persist(Piece::Config(stored)) => self.config = Some(stored),
                    Output::Persist(
                        Piece::Accounts(_)
                        | Piece::AuditPage(_)
                        | Piece::Workspace(_)
                        | Piece::FilePiece { .. },
                    ) => {}
                    Output::Send { bytes, .. } => self.decoder.push(&bytes),
                    Output::Ask { .. } => panic!("a reservation asks nobody"),
                    Output::Close { .. }
                    | Output::ConsoleOut { .. }
                    | Output::ConsoleDown { .. }
                    | Output::Frame { .. }
                    | Output::Configured(_)
                    | Output::Restart { .. }
                    | Output::EndSession { .. }
                    | Output::Log { .. } => {}
                }
            }
            while let Ok(Some(message)) = self.decoder.pull() {
                self.blade.handle(self.now, blade::Event::Message(message));
            }
            while let Next::Do(output) = self.blade.poll(self.now) {
                if let blade::Output::Send(message) = output {
                    idle = false;
                    let bytes = self.encoder.encode(&message);
                    let event = broker::Event::Received { link: LINK, bytes };
                    self.mio.handle(self.now, Event::Broker(event));
                }
            }
            if idle {
                return;
            }
        }
    }

    /// Sets `enable reservation` or `disable reservation` in a session's changes.
    fn edit(&mut self, session: u32, on: bool) {
        let path = Path::find(&[("license", &[])]).unwrap();
        let pending = self.mio.pending.entry(session).or_default();
        pending.switch(&self.mio.config, &path, (Verb::Enable, "reservation"), on).unwrap();
    }

    fn commit(&mut self, on: bool) -> Result<(), CommitError> {
        self.edit(1, on);
        let done = self.mio.commit(self.now, 1);
        self.run();
        done
    }

    fn feature(&mut self, feature: Feature, count: u32) {
        self.blade.feature(self.now, feature, count).unwrap();
        self.run();
    }

    /// The supervisor loses power; the blade stays and finds it again.
    fn power_cut(&mut self) {
        let (agent, broker) = (self.agent.clone(), self.broker.clone());
        self.mio = supervisor(self.now, agent, broker, self.config.as_ref());
        self.run();
    }
}

fn root() -> SigningKey {
    SigningKey::from_seed(&[42; 32])
}

#[test]
fn a_reservation_goes_from_the_keyboard_to_the_blade_and_back() {
    let mut authority = Authority::new([], Settings::default(), Rng::from_seed(1)).unwrap();
    let mut lab = Lab::new();
    lab.feature(Feature::Tier, 1);
    assert_eq!(lab.blade.overall(), Mode::Evaluation);
    assert!(!lab.blade.capabilities().strong_encryption);

    lab.edit(1, true);
    assert_eq!(lab.mio.agent.stored().reservation, Reservation::Disabled, "a commit decides");
    lab.mio.commit(lab.now, 1).unwrap();
    lab.run();
    lab.mio.agent.request_reservation(lab.now).unwrap();
    lab.run();
    let request = lab.mio.agent.report(lab.now).reservation.request_code.unwrap();
    let facts = authority.reservation_authorize(lab.now.wall, &request, None, &root()).unwrap();
    lab.mio.install_reservation(lab.now, &facts.authorization_code).unwrap();
    lab.run();
    assert_eq!(lab.blade.overall(), Mode::ReservedAuthorized);
    lab.feature(Feature::Context, 240);
    lab.feature(Feature::Carrier, 1);
    let can = lab.blade.capabilities();
    assert_eq!((can.contexts, can.carrier, can.strong_encryption), (250, true, true));

    lab.now = lab.now.advanced(days(1000));
    lab.mio.handle(lab.now, Event::Due);
    lab.run();
    lab.power_cut();
    assert!(lab.mio.agent.stored().reservation.is_authorized());
    assert_eq!(lab.mio.commit(lab.now, 1), Ok(()), "nothing to commit");
    let refused = CommitError::Invalid { reason: ConfigError::Reserved.device_text().into() };
    assert_eq!(lab.commit(false), Err(refused));
}

#[test]
fn a_return_ends_it_on_the_chassis_at_once_and_at_the_authority_by_its_code() {
    let mut authority = Authority::new([], Settings::default(), Rng::from_seed(1)).unwrap();
    let mut lab = Lab::new();
    lab.feature(Feature::Tier, 1);
    lab.commit(true).unwrap();
    lab.mio.agent.request_reservation(lab.now).unwrap();
    let request = lab.mio.agent.report(lab.now).reservation.request_code.unwrap();
    let facts = authority.reservation_authorize(lab.now.wall, &request, None, &root()).unwrap();
    lab.mio.install_reservation(lab.now, &facts.authorization_code).unwrap();
    lab.run();
    assert_eq!(lab.blade.overall(), Mode::ReservedAuthorized);
    lab.mio.agent.return_reservation(lab.now).unwrap();
    lab.run();
    assert_eq!(lab.blade.overall(), Mode::Evaluation);
    assert!(!lab.blade.capabilities().strong_encryption);
    let in_force = |authority: &Authority| {
        authority.reservations().iter().filter(|one| one.returned_at.is_none()).count()
    };
    assert_eq!(in_force(&authority), 1);
    let code = lab.mio.agent.report(lab.now).reservation.return_code.unwrap();
    authority.reservation_return(lab.now.wall, &code).unwrap();
    assert_eq!(in_force(&authority), 0);
    assert_eq!(lab.commit(false), Ok(()));
}

#[test]
fn the_chassis_believes_its_trustpoint_and_nobody_else() {
    let mut lab = Lab::new();
    lab.commit(true).unwrap();
    lab.mio.agent.request_reservation(lab.now).unwrap();
    let request = lab.mio.agent.report(lab.now).reservation.request_code.unwrap();
    let mut other = Authority::new([], Settings::default(), Rng::from_seed(1)).unwrap();
    let key = SigningKey::from_seed(&[43; 32]);
    let facts = other.reservation_authorize(lab.now.wall, &request, None, &key).unwrap();
    let verdict = lab.mio.install_reservation(lab.now, &facts.authorization_code);
    assert_eq!(verdict, Err(ConfigError::CodeInvalid));
}

#[test]
fn a_commit_that_the_agent_can_not_follow_is_refused_whole() {
    let mut lab = Lab::new();
    let token = crate::base::ident::IdToken::parse("T").unwrap();
    lab.mio.agent.register(lab.now, token, false).unwrap();
    let path = Path::find(&[("system", &[])]).unwrap();
    let pending = lab.mio.pending.entry(1).or_default();
    pending.set(&lab.mio.config, &path, (Verb::Set, "name"), "edge-1").unwrap();
    lab.edit(1, true);
    let refused = CommitError::Invalid { reason: ConfigError::InProgress.device_text().into() };
    assert_eq!(lab.mio.verify(1), Err(refused.clone()));
    assert_eq!(lab.mio.agent.report(lab.now).last_refusal, None, "verifying leaves no trace");
    assert_eq!(lab.mio.commit(lab.now, 1), Err(refused));
    assert_ne!(facts::hostname(lab.mio.config.objects()), "edge-1");
    assert!(lab.mio.pending[&1].is_dirty(), "the edits wait");
    let refusal = lab.mio.agent.report(lab.now).last_refusal.unwrap();
    assert_eq!(refusal.command, "enable reservation");

    lab.mio.agent.deregister(lab.now).unwrap();
    assert_eq!(lab.mio.verify(1), Ok(()));
    assert_eq!(lab.mio.commit(lab.now, 1), Ok(()));
    assert_eq!(facts::hostname(lab.mio.config.objects()), "edge-1");
    assert!(lab.mio.agent.stored().reservation.is_enabled());
}

/// Power fails between the two writes of a commit, either way round.
#[test]
fn agent_and_configuration_agree_again_after_a_power_cut() {
    let mut lab = Lab::new();
    lab.commit(true).unwrap();
    let (enabled, on) = (lab.agent.clone(), lab.config.clone());
    lab.agent = agent::Stored::default();
    lab.power_cut();
    assert_eq!(lab.agent.reservation, Reservation::Enabled, "and it is in flash");

    lab.commit(false).unwrap();
    lab.agent = enabled;
    lab.power_cut();
    assert_eq!(lab.agent.reservation, Reservation::Disabled);

    // Nothing that is licensed is lost to a configuration that says otherwise.
    lab.config = on;
    lab.agent = agent::Stored::default();
    lab.power_cut();
    lab.mio.agent.request_reservation(lab.now).unwrap();
    lab.run();
    lab.config = None;
    lab.power_cut();
    assert!(matches!(lab.agent.reservation, Reservation::Requested { .. }));
}
