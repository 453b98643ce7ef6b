//! Reservations: codes out and in, pools, and a model that counts from scratch.

use proptest::prelude::*;

use super::*;
use crate::base::rng::Rng;
use crate::wire::reservation::{AuthorizationCode, CodeError, RequestCode, ReturnCode, Secret};

const BPU: &str = "FPR4K-ASA-BPU";

fn root() -> SigningKey {
    SigningKey::from_seed(&[42; 32])
}

/// A chassis's side: its secret, and the codes that belong to it.
struct Asker {
    secret: Secret,
    request: RequestCode,
}

impl Asker {
    /// `seed` tells one request of a chassis from the next.
    fn new(chassis: u8, seed: u64) -> Asker {
        let secret = Secret::draw(&mut Rng::from_seed(seed << 8 | u64::from(chassis)));
        let udi = Chassis::new(chassis).device.udi;
        let request = RequestCode { udi, commitment: secret.commitment() };
        Asker { secret, request }
    }

    fn request(&self) -> String {
        self.request.to_string()
    }

    fn back(&self) -> String {
        ReturnCode::new(self.secret.clone()).to_string()
    }
}

impl Lab {
    fn reserve(&mut self, asker: &Asker) -> Result<ReservationFacts, OperatorError> {
        let code = asker.request();
        let facts = self.authority.reservation_authorize(self.wall, &code, None, &root());
        assert_eq!(self.drain(), []);
        facts
    }

    fn take_back(&mut self, code: &str) -> Result<ReservationFacts, OperatorError> {
        let facts = self.authority.reservation_return(self.wall, code);
        assert_eq!(self.drain(), []);
        facts
    }

    /// Universal licences that the default account has in use.
    fn taken(&self) -> u64 {
        let pools = self.authority.pools(self.wall);
        pools.iter().find(|pool| pool.tag == BPU).unwrap().in_use
    }
}

#[test]
fn a_request_is_answered_with_a_code_that_its_chassis_believes() {
    let mut lab = Lab::new();
    let asker = Asker::new(1, 1);
    let facts = lab.reserve(&asker).unwrap();
    let code = AuthorizationCode::parse(&facts.authorization_code).unwrap();
    assert_eq!(code.commitment, asker.request.commitment);
    assert!(code.is_for(&asker.request.udi, &[root().public_key()]));
    assert_eq!((facts.tag.as_str(), facts.returned_at), (BPU, None));
    assert_eq!(facts.smart_account, "vfxos Lab");
    assert_eq!(lab.taken(), 1);
    // Asked again, by whoever lost the answer: the same, and counted once.
    lab.advance(days(1));
    assert_eq!(lab.reserve(&asker), Ok(facts.clone()));
    lab.restart();
    assert_eq!(lab.reserve(&asker), Ok(facts));
    assert_eq!(lab.taken(), 1);
}

#[test]
fn a_return_code_frees_the_licence_once() {
    let mut lab = Lab::new();
    let asker = Asker::new(1, 1);
    let unknown = OperatorError::NoReservation { asked: asker.back() };
    assert_eq!(lab.take_back(&asker.back()), Err(unknown.clone()));
    lab.reserve(&asker).unwrap();
    lab.advance(days(400));
    assert_eq!(lab.taken(), 1, "no silence ends a reservation");
    let facts = lab.take_back(&asker.back()).unwrap();
    assert_eq!(facts.returned_at, Some(lab.wall));
    assert_eq!(lab.taken(), 0);
    assert_eq!(lab.take_back(&asker.back()), Err(unknown));
    assert_eq!(lab.reserve(&asker), Err(OperatorError::RequestSpent), "a request serves once");
    lab.restart();
    assert_eq!(lab.reserve(&asker), Err(OperatorError::RequestSpent));
    assert_eq!(lab.authority.reservations().len(), 1);
    lab.reserve(&Asker::new(1, 2)).unwrap();
    assert_eq!(lab.taken(), 1);
}

#[test]
fn what_is_typed_is_read_or_named() {
    let mut lab = Lab::new();
    let asker = Asker::new(1, 1);
    let (request, back) = (asker.request(), asker.back());
    let mistyped = request.replacen("JAD0", "JAD9", 1);
    let table = [
        (mistyped.as_str(), CodeError::Check),
        (back.as_str(), CodeError::Prefix { expected: "VFXREQ" }),
        ("", CodeError::Prefix { expected: "VFXREQ" }),
    ];
    for (code, error) in table {
        let refused = lab.authority.reservation_authorize(lab.wall, code, None, &root());
        assert_eq!(refused, Err(OperatorError::Code(error)), "{code}");
    }
    let refused = lab.take_back(&request);
    assert_eq!(refused, Err(OperatorError::Code(CodeError::Prefix { expected: "VFXRET" })));
    assert_eq!(lab.authority.events().count(), 0);
    lab.reserve(&asker).unwrap();
    assert!(lab.take_back(&format!("  {}\n", back.to_lowercase())).is_ok());
}

#[test]
fn a_chassis_has_one_reservation_and_a_request_one_chassis() {
    let mut lab = Lab::new();
    let first = Asker::new(1, 1);
    lab.reserve(&first).unwrap();
    let serial = first.request.udi.serial.clone();
    // The same serial number with another request: flash was lost, or there are two of them.
    let refused = lab.reserve(&Asker::new(1, 2));
    assert_eq!(refused, Err(OperatorError::Reserved { serial: serial.clone() }));
    // Another chassis that shows the first one's request as its own.
    let mut copied = Asker::new(2, 1);
    copied.request.commitment = first.request.commitment;
    assert_eq!(lab.reserve(&copied), Err(OperatorError::RequestSpent));
    assert_eq!(lab.taken(), 1);

    let removed = lab.authority.reservation_remove(lab.wall, &serial).unwrap();
    lab.drain();
    assert_eq!(removed.returned_at, Some(lab.wall));
    assert_eq!(lab.taken(), 0);
    let again = lab.authority.reservation_remove(lab.wall, &serial);
    assert_eq!(again, Err(OperatorError::NoReservation { asked: serial }));
    lab.reserve(&Asker::new(1, 2)).unwrap();
}

#[test]
fn a_chassis_is_registered_or_reserved() {
    let mut lab = Lab::new();
    let chassis = lab.registered(1);
    let asker = Asker::new(1, 1);
    let serial = asker.request.udi.serial.clone();
    assert_eq!(lab.reserve(&asker), Err(OperatorError::Registered { serial }));
    assert_eq!(lab.send(&chassis, chassis.deregister()), Verdict::Deregistered);
    lab.reserve(&asker).unwrap();
    let token = lab.token(&TokenSpec::default());
    for force in [false, true] {
        let mut other = Chassis { key: SigningKey::from_seed(&[9; 32]), ..Chassis::new(1) };
        let verdict = lab.register(&mut other, &token, force);
        assert_eq!(refusal(verdict).0, RefusalKind::AlreadyRegistered, "force {force}");
    }
    let tokens = lab.authority.tokens(lab.wall);
    let uses = tokens.iter().find(|one| one.text == token).map(|one| one.uses);
    assert_eq!(uses, Some(0), "a refusal is no use");
    lab.take_back(&asker.back()).unwrap();
    grant(lab.register(&mut Chassis::new(1), &token, false));
}

#[test]
fn a_pool_gives_what_it_has_and_each_family_its_own() {
    let mut lab = Lab::new();
    lab.pool(BPU, 1, Some(NOON + days(10)));
    lab.reserve(&Asker::new(1, 1)).unwrap();
    let name = "Firepower 4100 ASA Universal";
    assert_eq!(lab.reserve(&Asker::new(2, 1)), Err(OperatorError::NoneLeft { name }));
    let mut big = Asker::new(3, 1);
    big.request.udi.pid = "F9K-C9300-SUP-K9".into();
    assert_eq!(lab.reserve(&big).unwrap().tag, "FPR9K-ASA-BPU");
    let mut odd = Asker::new(4, 1);
    odd.request.udi.pid = "ASAv".into();
    assert_eq!(lab.reserve(&odd), Err(OperatorError::NoModel { pid: "ASAv".into() }));

    // What was reserved stays so, whatever becomes of the pool.
    lab.pool(BPU, 0, None);
    let pools = lab.authority.pools(lab.wall);
    let pool = pools.iter().find(|pool| pool.tag == BPU).unwrap();
    assert_eq!((pool.available, pool.in_use, pool.in_compliance), (0, 1, false));
    lab.pool(BPU, 2, Some(NOON + days(10)));
    lab.advance(days(10));
    assert_eq!(lab.reserve(&Asker::new(2, 1)), Err(OperatorError::NoneLeft { name }));

    lab.pool(BPU, 2, None);
    let short = Settings { pool_short: true, ..Settings::default() };
    lab.authority.set_settings(short);
    assert_eq!(lab.reserve(&Asker::new(2, 1)), Err(OperatorError::NoneLeft { name }));
}

#[test]
fn an_account_gives_its_own_licences() {
    let mut lab = Lab::new();
    let name = AccountName { smart_account: "A".into(), virtual_account: "B".into() };
    let code = Asker::new(1, 1).request();
    let authorize = |lab: &mut Lab| {
        let facts = lab.authority.reservation_authorize(lab.wall, &code, Some(&name), &root());
        assert_eq!(lab.drain(), []);
        facts
    };
    let missing = authorize(&mut lab).unwrap_err();
    assert!(matches!(missing, OperatorError::NoAccount { .. }), "{missing}");
    lab.token(&TokenSpec { account: Some(name.clone()), ..TokenSpec::default() });
    let facts = authorize(&mut lab).unwrap();
    assert_eq!((facts.smart_account.as_str(), facts.virtual_account.as_str()), ("A", "B"));
    assert_eq!(lab.taken(), 0, "the default account gave nothing");
}

/// An account that was written before universal licences were sold.
#[test]
fn an_account_of_before_has_bought_none() {
    let mut lab = Lab::new();
    let key = lab.flash.keys().find(|key| key.contains("/account/")).unwrap().clone();
    let mut account: serde_json::Value = serde_json::from_slice(&lab.flash[&key]).unwrap();
    account["pools"].as_array_mut().unwrap().retain(|pool| !pool[0].to_string().contains("BPU"));
    lab.flash.insert(key, serde_json::to_vec(&account).unwrap());
    lab.restart();
    let name = "Firepower 4100 ASA Universal";
    assert_eq!(lab.reserve(&Asker::new(1, 1)), Err(OperatorError::NoneLeft { name }));
    lab.pool(BPU, 1, None);
    lab.reserve(&Asker::new(1, 1)).unwrap();
}

#[test]
fn a_reservation_that_contradicts_is_named() {
    let mut lab = Lab::new();
    lab.reserve(&Asker::new(1, 1)).unwrap();
    lab.registered(2);
    let good = lab.flash.clone();
    let key = good.keys().find(|key| key.contains("/reservation/")).unwrap().clone();
    let with = |key: &str, value: Vec<u8>| {
        let mut changed = good.clone();
        changed.insert(key.to_owned(), value);
        Authority::new(changed, Settings::default(), Rng::from_seed(1)).unwrap_err()
    };
    let twin = "authority/reservation/0000000000000000".to_owned();
    let error = with(&twin, good[&key].clone());
    assert_eq!(error, RecordError::Contradiction { key: twin });
    // The same chassis registered and reserved.
    let instance = good.keys().find(|key| key.contains("/instance/")).unwrap().clone();
    let text = String::from_utf8(good[&instance].clone()).unwrap();
    let both = text.replace("JAD00000002", "JAD00000001");
    assert_eq!(with(&instance, both.into_bytes()), RecordError::Contradiction { key: key.clone() });
    assert!(matches!(with(&key, b"{}".to_vec()), RecordError::Json { .. }));
}

#[test]
fn those_given_back_make_room_and_those_in_force_do_not() {
    let mut lab = Lab::new();
    lab.pool(BPU, u32::MAX, None);
    // Signing ten thousand codes for real would be most of the test's time.
    let code = AuthorizationCode::sign(&Asker::new(1, 0).request, &root());
    for n in 0..RESERVATIONS_MAX as u64 {
        let mut request = Asker::new(1, n + 1).request;
        request.udi.serial = format!("JAE{n:08}");
        let returned_at = (n % 5000 == 7).then(|| NOON - days(9) + Duration::from_secs(n));
        let code = code.clone();
        let (account, authorized_at) = (AccountId::FIRST, NOON);
        let one = Reservation { request, code, account, authorized_at, returned_at };
        assert!(lab.authority.shelf.restore(one));
    }
    for seed in 0..2 {
        let asker = Asker::new(200 + seed, 1);
        lab.reserve(&asker).unwrap();
        assert_eq!(lab.authority.reservations().len(), RESERVATIONS_MAX);
    }
    assert_eq!(lab.reserve(&Asker::new(203, 1)), Err(OperatorError::Reservations));
    let serials: Vec<_> =
        lab.authority.reservations().iter().map(|one| one.udi.serial.clone()).collect();
    assert!(!serials.contains(&"JAE00000007".to_owned()), "the oldest went first");
    assert_eq!(lab.authority.shelf.totals(), &lab.authority.shelf.counted());
}

/// What may happen in the model, to one of four chassis.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The chassis makes a new request, and the authority is told of it.
    Ask(u8),
    /// The authority is told of the last request once more.
    Repeat(u8),
    /// The last request is given back, whether it was authorised or not.
    GiveBack(u8),
    Remove(u8),
    Register(u8),
    Deregister(u8),
    Pool(u32),
    Wait(u16),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1..5u8;
    prop_oneof![
        6 => who.clone().prop_map(Step::Ask),
        2 => who.clone().prop_map(Step::Repeat),
        4 => who.clone().prop_map(Step::GiveBack),
        1 => who.clone().prop_map(Step::Remove),
        3 => who.clone().prop_map(Step::Register),
        2 => who.prop_map(Step::Deregister),
        1 => (0..5u32).prop_map(Step::Pool),
        1 => (0..200u16).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// One chassis as the model sees it.
#[derive(Default)]
struct Known {
    asker: Option<Asker>,
    /// Its last request is authorised and not given back.
    reserved: bool,
    /// Until when its registration lasts.
    registered: Option<Utc>,
}

proptest! {
    #[test]
    fn nothing_is_reserved_twice_nor_registered_as_well(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut lab = Lab::new();
        let mut model: BTreeMap<u8, Known> = (1..5).map(|n| (n, Known::default())).collect();
        let mut chassis: BTreeMap<u8, Chassis> = BTreeMap::new();
        let mut pool = 2;
        let mut asked = 0;
        for step in steps {
            let taken = model.values().filter(|known| known.reserved).count() as u32;
            match step {
                Step::Ask(n) => {
                    asked += 1;
                    let asker = Asker::new(n, asked);
                    let known = model.get_mut(&n).unwrap();
                    let free = !known.reserved && known.registered.is_none() && taken < pool;
                    prop_assert_eq!(lab.reserve(&asker).is_ok(), free);
                    // A chassis that was refused keeps the request that it has.
                    if free {
                        (known.asker, known.reserved) = (Some(asker), true);
                    }
                }
                Step::Repeat(n) => {
                    let known = &model[&n];
                    let Some(asker) = &known.asker else { continue };
                    prop_assert_eq!(lab.reserve(asker).is_ok(), known.reserved);
                }
                Step::GiveBack(n) => {
                    let known = model.get_mut(&n).unwrap();
                    let Some(asker) = &known.asker else { continue };
                    prop_assert_eq!(lab.take_back(&asker.back()).is_ok(), known.reserved);
                    known.reserved = false;
                }
                Step::Remove(n) => {
                    let known = model.get_mut(&n).unwrap();
                    let serial = Chassis::new(n).device.udi.serial;
                    let removed = lab.authority.reservation_remove(lab.wall, &serial);
                    lab.drain();
                    prop_assert_eq!(removed.is_ok(), known.reserved);
                    known.reserved = false;
                }
                Step::Register(n) => {
                    let known = model.get_mut(&n).unwrap();
                    let token = lab.token(&TokenSpec { valid_days: 1, ..Default::default() });
                    let mut one = Chassis::new(n);
                    let verdict = lab.register(&mut one, &token, false);
                    let free = !known.reserved && known.registered.is_none();
                    prop_assert_eq!(matches!(verdict, Verdict::Registered(_)), free);
                    if let Verdict::Registered(granted) = verdict {
                        known.registered = Some(granted.not_after);
                        chassis.insert(n, one);
                    }
                }
                Step::Deregister(n) => {
                    let known = model.get_mut(&n).unwrap();
                    if known.registered.take().is_some() {
                        let one = &chassis[&n];
                        prop_assert_eq!(lab.send(one, one.deregister()), Verdict::Deregistered);
                    }
                }
                Step::Pool(bought) => {
                    lab.pool(BPU, bought, None);
                    pool = bought;
                }
                Step::Wait(n) => {
                    lab.advance(days(u64::from(n)));
                    for known in model.values_mut() {
                        known.registered = known.registered.filter(|end| *end > lab.wall);
                    }
                }
                Step::Restart => lab.restart(),
            }
            let reserved = model.values().filter(|known| known.reserved).count() as u64;
            prop_assert_eq!(lab.taken(), reserved);
            prop_assert_eq!(lab.authority.shelf.totals(), &lab.authority.shelf.counted());
            prop_assert!(model.values().all(|one| !(one.reserved && one.registered.is_some())));
        }
    }
}
