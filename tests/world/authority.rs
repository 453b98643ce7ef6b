//! The licence authority in the world, and the way to it that a transcript may spoil.

use std::collections::BTreeMap;
use std::time::Duration;

use vfxos::base::ident::{ExchangeId, Udi};
use vfxos::base::rng::Rng;
use vfxos::base::time::{Now, Utc, days};
use vfxos::proto::Next;
use vfxos::proto::agent::{Event, ExchangeError};
use vfxos::proto::authority::{
    self as machine, AccountId, AccountName, OperatorError, Settings, Token,
};
use vfxos::wire::callhome::{
    Answer, Ask, Device, Request, SigningKey, Verdict, open, seal, verify,
};

use super::Setup;

/// What becomes of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The authority answers.
    Open,
    /// It breaks on the way there.
    Broken(ExchangeError),
    /// Something else answers.
    NotOurs,
    /// The authority answers, and signs with another's key.
    Forged,
}

/// The authority, its flash and the way to it.
pub struct Authority {
    machine: machine::Authority,
    flash: BTreeMap<String, Vec<u8>>,
    rng: Rng,
    key: SigningKey,
    pub way: Way,
    /// From a request to its outcome; what the authority decides, it decides at the end of it.
    pub latency: Duration,
}

impl Authority {
    pub fn new(setup: &Setup, wall: Utc) -> Authority {
        let mut rng = Rng::from_seed(!setup.seed);
        let mut settings = Settings::default();
        if let Some((smart_account, virtual_account)) = setup.account.clone() {
            settings.account = Some(AccountName { smart_account, virtual_account });
        }
        let machine = start(&BTreeMap::new(), settings, &mut rng);
        let mut authority = Authority {
            machine,
            flash: BTreeMap::new(),
            rng,
            key: SigningKey::from_seed(&[0x20; 32]),
            way: Way::Open,
            latency: setup.latency,
        };
        authority.drain(Now { mono: vfxos::base::time::Instant::ZERO, wall });
        authority
    }

    /// Starts again from flash.
    fn restart(&mut self) {
        self.machine = start(&self.flash, self.machine.settings().clone(), &mut self.rng);
    }

    /// Carries out what the machine wants; returns its answer.
    fn drain(&mut self, now: Now) -> Option<Answer> {
        let mut answered = None;
        while let Next::Do(output) = self.machine.poll(now) {
            match output {
                machine::Output::Persist(records) => {
                    for machine::Record { key, value } in records {
                        match value {
                            Some(value) => self.flash.insert(key, value),
                            None => self.flash.remove(&key),
                        };
                    }
                }
                machine::Output::Reply { answer, .. } => answered = Some(answer),
            }
        }
        answered
    }

    /// Brings a sealed request there and its outcome back.
    pub fn exchange(&mut self, now: Now, exchange: ExchangeId, body: &[u8]) -> Event {
        match self.carry(now, exchange, body) {
            Ok(answer) => Event::Answered { exchange, answer },
            Err(reason) => Event::Lost { exchange, reason },
        }
    }

    fn carry(&mut self, now: Now, id: ExchangeId, body: &[u8]) -> Result<Answer, ExchangeError> {
        let sealed = match self.way {
            Way::Broken(error) => return Err(error),
            Way::NotOurs => b"<html><body>Please log in.</body></html>".to_vec(),
            Way::Open => seal(&self.decide(now, id, body).to_json(), &self.key, ""),
            Way::Forged => {
                let stranger = SigningKey::from_seed(&[0x21; 32]);
                seal(&self.decide(now, id, body).to_json(), &stranger, "")
            }
        };
        let opened = open(&sealed).map_err(|_| ExchangeError::Parse)?;
        if !verify(&self.key.public_key(), &opened.body, &opened.signature) {
            return Err(ExchangeError::Signature);
        }
        Answer::parse(&opened.body).map_err(|_| ExchangeError::Parse)
    }

    fn decide(&mut self, now: Now, exchange: ExchangeId, sealed: &[u8]) -> Answer {
        let opened = open(sealed).expect("the chassis seals what it sends");
        let request = Request::parse(&opened.body).expect("the chassis sends requests");
        let (body, signature) = (opened.body, opened.signature);
        let request = Box::new(request);
        self.machine.handle(now, machine::Event::Request { exchange, request, body, signature });
        self.drain(now).expect("every request is answered")
    }

    /// Changes what the authority refuses by itself.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.machine.settings().clone();
        change(&mut settings);
        self.machine.set_settings(settings);
    }

    /// Has an operator change something.
    pub fn operate<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut machine::Authority) -> Result<T, OperatorError>,
    ) -> Result<T, String> {
        let done = work(&mut self.machine).map_err(|error| error.to_string());
        self.drain(now);
        done
    }

    /// Puts a token of a given text into the authority's flash.
    pub fn keep_token(&mut self, wall: Utc, text: &str, change: impl FnOnce(&mut Token)) {
        let id = self.rng.uuid();
        let mut token = Token {
            id: id.clone(),
            text: text.to_owned(),
            account: AccountId::FIRST,
            export_controlled: true,
            created_at: wall,
            expires: wall + days(30),
            uses: 0,
            uses_max: None,
            revoked: false,
        };
        change(&mut token);
        let json = serde_json::to_vec(&token).expect("a record is JSON");
        self.flash.insert(format!("authority/token/{id}"), json);
        self.restart();
    }

    /// Registers a chassis of this serial number that nobody sees.
    pub fn register_stranger(
        &mut self,
        now: Now,
        setup: &Setup,
        serial: &str,
    ) -> Result<(), String> {
        let spec = machine::TokenSpec::default();
        let token = self.operate(now, |machine| machine.token_new(now.wall, &spec))?.text;
        let key = SigningKey::from_seed(&[0x30; 32]);
        let device = Device {
            udi: Udi { pid: setup.udi_pid().to_owned(), serial: serial.to_owned() },
            product: setup.model.product.to_owned(),
            sudi_pid: setup.model.sudi_pid.to_owned(),
            hostname: String::new(),
            agent: String::new(),
        };
        let public_key = key.public_key().to_string();
        let ask = Ask::Register { token, force: false, public_key };
        let request = Request { sent_at: now.wall, nonce: 1, device, ask };
        let sealed = seal(&request.to_json(), &key, "");
        let verdict = self.decide(now, ExchangeId(0), &sealed).verdict;
        let registered = matches!(verdict, Verdict::Registered(_));
        if registered { Ok(()) } else { Err(format!("{serial} is not registered: {verdict:?}")) }
    }
}

fn start(
    flash: &BTreeMap<String, Vec<u8>>,
    settings: Settings,
    rng: &mut Rng,
) -> machine::Authority {
    let records = flash.iter().map(|(key, value)| (key.clone(), value.clone()));
    let started = machine::Authority::new(records, settings, Rng::from_seed(rng.next_u64()));
    started.expect("what was written is read")
}
