#![allow(clippy::wildcard_enum_match_arm)]

use crate::base::entitlement::CATALOGUE;
use crate::base::time::Utc;
use crate::wire::appag::{Decoder, Denial, Encoder};

use super::*;

mod simulation;

const NOON: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };

#[test]
fn a_blade_is_welcomed_asks_and_is_told() {
    let mut lab = Lab::new();
    let mut blade = lab.attach(1, Role::License);
    assert!(matches!(blade.heard.as_slice(), [Message::Welcome(w)] if w.hostname == "FPR9300-1"));
    let outputs = lab.say(&mut blade, request(1, TIER, 1));
    let [Output::Persist(stored), .., Output::Demand(totals)] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert!(
        stored.bays[&slot(1)].entries[&Handle(1)].counted,
        "in flash before it is acknowledged"
    );
    assert_eq!(*totals, BTreeMap::from([(tag(TIER), 1)]));
    let want = [
        Message::Ack { handle: Handle(1) },
        Message::Enforce { handle: Handle(1), mode: Mode::Waiting },
    ];
    assert_eq!(blade.heard, want);

    let outputs = lab.event(verdict(&[(TIER, Mode::Authorized)], true));
    let want = [
        Message::Policy { export_controlled: true, registered: true },
        Message::Enforce { handle: Handle(1), mode: Mode::Authorized },
    ];
    assert_eq!(blade.hears(&outputs), want);
    let outputs = lab.event(verdict(&[(TIER, Mode::Authorized)], true));
    assert_eq!(outputs, [], "nothing new, nothing said");
}

#[test]
fn the_rules_of_a_bay() {
    use Denial::{Count, HandleStale, HandleUnknown, TagHeld, TierFirst, TierLast};
    // Each row starts from a blade that holds the tier as handle 1 and 5 contexts as handle 2.
    let table: [(Message, Option<Denial>); 16] = [
        (request(3, CARRIER, 1), None),
        (request(9, CARRIER, 1), None),
        (request(2, CONTEXT, 6), None),
        (request(2, CONTEXT, 5), None),
        (request(1, TIER, 1), None),
        (request(3, CONTEXT, 5), Some(TagHeld)),
        (request(3, TIER, 1), Some(TagHeld)),
        (request(2, CARRIER, 1), Some(HandleStale)),
        (request(0, CARRIER, 1), Some(HandleStale)),
        (request(u32::MAX, CARRIER, 1), Some(HandleStale)),
        (request(3, CARRIER, 2), Some(Count)),
        (request(3, CARRIER, 0), Some(Count)),
        (request(3, "regid.2020-01.org.vfxos.NEW,1.0_1", UNKNOWN_COUNT_MAX + 1), Some(Count)),
        (Message::Release { handle: Handle(1) }, Some(TierLast)),
        (Message::Release { handle: Handle(3) }, Some(HandleUnknown)),
        (Message::Release { handle: Handle(2) }, None),
    ];
    for (message, want) in table {
        let mut lab = Lab::new();
        let mut blade = lab.licensed(1);
        lab.say(&mut blade, request(2, CONTEXT, 5));
        let before = lab.broker.totals();
        let outputs = lab.say(&mut blade, message.clone());
        let heard = std::mem::take(&mut blade.heard);
        let denied = heard.iter().find_map(|message| match message {
            Message::Denied { reason, .. } => Some(*reason),
            _ => None,
        });
        assert_eq!(denied, want, "{message:?}");
        if denied.is_some() {
            assert_eq!(lab.broker.totals(), before, "{message:?} changed something");
            assert!(!outputs.iter().any(|o| matches!(o, Output::Persist(_))));
        } else {
            assert!(heard.iter().any(|message| matches!(message, Message::Ack { .. })));
        }
    }

    let mut lab = Lab::new();
    let mut blade = lab.attach(1, Role::License);
    lab.say(&mut blade, request(1, CONTEXT, 5));
    let denied = Message::Denied { handle: Handle(1), reason: TierFirst };
    assert_eq!(blade.heard, [denied]);
}

#[test]
fn a_repeated_request_counts_once_and_is_written_once() {
    let mut lab = Lab::new();
    let mut blade = lab.licensed(1);
    for _ in 0..3 {
        let outputs = lab.say(&mut blade, request(1, TIER, 1));
        assert!(!outputs.iter().any(|o| matches!(o, Output::Persist(_) | Output::Demand(_))));
        assert_eq!(lab.broker.totals(), BTreeMap::from([(tag(TIER), 1)]));
    }
    let release = || Message::Release { handle: Handle(1) };
    lab.say(&mut blade, release());
    lab.say(&mut blade, release());
    assert_eq!(blade.heard, [Message::Ack { handle: Handle(1) }], "so is a release");
    lab.say(&mut blade, request(1, TIER, 1));
    let stale = Message::Denied { handle: Handle(1), reason: Denial::HandleStale };
    assert_eq!(blade.heard, [stale], "a number that was given back never returns");
}

#[test]
fn totals_are_the_sum_over_the_blades() {
    let mut lab = Lab::new();
    for number in 1..=3 {
        let mut blade = lab.licensed(number);
        lab.say(&mut blade, request(2, CONTEXT, u32::from(number) * 10));
    }
    assert_eq!(lab.broker.totals(), BTreeMap::from([(tag(TIER), 3), (tag(CONTEXT), 60)]));
}

#[test]
fn a_dead_blade_frees_its_handles_and_one_that_returns_asks_again() {
    let mut lab = Lab::new();
    let blade = lab.licensed(1);
    let outputs = lab.event(Event::Gone { link: blade.link });
    let stored = outputs.iter().find_map(|output| match output {
        Output::Persist(stored) => Some(stored.clone()),
        _ => None,
    });
    assert!(!stored.unwrap().bays[&slot(1)].entries[&Handle(1)].counted);
    assert!(outputs.contains(&Output::Demand(BTreeMap::new())));
    assert!(lab.broker.attached(slot(1)).is_none());

    let mut back = lab.attach(1, Role::License);
    assert!(matches!(back.heard.as_slice(), [Message::Welcome(w)] if w.next_handle == Handle(2)));
    let outputs = lab.say(&mut back, request(1, TIER, 1));
    assert!(outputs.contains(&Output::Demand(BTreeMap::from([(tag(TIER), 1)]))));
}

#[test]
fn after_a_stop_the_blades_have_two_minutes_to_return() {
    let mut lab = Lab::new();
    lab.licensed(1);
    lab.licensed(2);
    let stored = lab.broker.stored();
    let mut lab = Lab::restored(stored);
    assert_eq!(lab.drain(), [Output::Demand(BTreeMap::from([(tag(TIER), 2)]))], "no dip");
    let mut blade = lab.attach(1, Role::License);
    lab.say(&mut blade, request(1, TIER, 1));
    assert_eq!(lab.broker.totals(), BTreeMap::from([(tag(TIER), 2)]));

    let Next::Wait(Some(due)) = lab.broker.poll(lab.now) else { panic!("no deadline") };
    assert_eq!(due, NOON.mono + RETURN_WAIT);
    lab.now = lab.now.at(due);
    let outputs = lab.event(Event::Due);
    assert!(outputs.contains(&Output::Demand(BTreeMap::from([(tag(TIER), 1)]))));
    assert_eq!(lab.broker.poll(lab.now), Next::Wait(None));
}

#[test]
fn one_flash_write_covers_all_that_was_handled_before_the_poll() {
    let mut lab = Lab::new();
    let mut blades: Vec<Peer> = (1..=3).map(|n| lab.attach(n, Role::License)).collect();
    for blade in &mut blades {
        let bytes = blade.encoder.encode(&request(1, TIER, 1));
        lab.broker.handle(lab.now, Event::Received { link: blade.link, bytes });
    }
    let outputs = lab.drain();
    let writes = outputs.iter().filter(|o| matches!(o, Output::Persist(_))).count();
    assert_eq!(writes, 1);
    assert!(matches!(outputs.first(), Some(Output::Persist(_))), "ahead of every answer");
    let kept = |stored: &Stored| stored.bays.values().all(|bay| bay.entries.len() == 1);
    assert!(matches!(outputs.first(), Some(Output::Persist(stored)) if kept(stored)));
}

#[test]
fn whoever_breaks_the_protocol_is_closed_and_nobody_else_notices() {
    let hello = |number: u8| Message::Hello(hello(number, Role::License));
    let framed = |message: &Message| Encoder::default().encode(message);
    let table: [(&str, Vec<u8>, Option<Refusal>); 9] = [
        ("garbage", b"\x00\xff\x13GET".to_vec(), Some(Refusal::Protocol)),
        ("another version", b"VFAG\x09".to_vec(), Some(Refusal::Version)),
        ("no greeting", framed(&request(1, TIER, 1)), Some(Refusal::Protocol)),
        ("a supervisor", framed(&Message::Ack { handle: Handle(1) }), Some(Refusal::Protocol)),
        ("a taken slot", framed(&hello(2)), Some(Refusal::SlotTaken)),
        ("half a frame", framed(&hello(1))[..20].to_vec(), None),
        (
            "an old sequence",
            [framed(&hello(1)), framed(&hello(1))].concat(),
            Some(Refusal::Protocol),
        ),
        (
            "a console word",
            {
                let mut encoder = Encoder::default();
                let mut bytes = encoder.encode(&hello(1));
                bytes.extend(encoder.encode(&Message::ConsoleClosed));
                bytes
            },
            Some(Refusal::Protocol),
        ),
        (
            "a second greeting",
            {
                let mut encoder = Encoder::default();
                let mut bytes = encoder.encode(&hello(1));
                bytes.extend(encoder.encode(&hello(1)));
                bytes
            },
            Some(Refusal::Protocol),
        ),
    ];
    for (what, bytes, want) in table {
        let mut lab = Lab::new();
        let mut good = lab.licensed(2);
        let link = lab.open();
        let outputs = lab.event(Event::Received { link, bytes });
        let mut peer = Peer::new(link);
        let refused = peer.hears(&outputs).into_iter().find_map(|message| match message {
            Message::Refused { reason } => Some(reason),
            _ => None,
        });
        assert_eq!(refused, want, "{what}");
        let closed = outputs.iter().filter(|o| matches!(o, Output::Close { .. })).count();
        assert_eq!(closed, usize::from(want.is_some()), "{what}");
        if want.is_some() {
            let more = lab.event(Event::Received { link, bytes: framed(&hello(1)) });
            assert_eq!(more, [], "{what}: a closed link is deaf");
            assert!(lab.broker.attached(slot(1)).is_none(), "{what}: the slot is free");
        }
        lab.say(&mut good, request(2, CARRIER, 1));
        assert!(good.heard.contains(&Message::Ack { handle: Handle(2) }), "{what}");
    }
}

#[test]
fn a_slot_that_the_chassis_lacks_is_refused() {
    let facts = Facts { slots: 1, ..Lab::new().broker.facts };
    let mut lab = Lab::new();
    lab.broker = Broker::new(facts, Stored::default(), NOON);
    lab.drain();
    let blade = lab.attach(2, Role::License);
    assert_eq!(blade.heard, [Message::Refused { reason: Refusal::SlotAbsent }]);
}

#[test]
fn silence_is_closed_after_ten_seconds() {
    let mut lab = Lab::new();
    let link = lab.open();
    assert_eq!(lab.broker.poll(lab.now), Next::Wait(Some(NOON.mono + HELLO_WAIT)));
    assert_eq!(lab.event(Event::Due), [], "not before");
    lab.now = lab.now.advanced(HELLO_WAIT);
    let outputs = lab.event(Event::Due);
    assert!(matches!(outputs.as_slice(), [Output::Close { link: closed, .. }] if *closed == link));
    assert_eq!(lab.broker.poll(lab.now), Next::Wait(None));
}

#[test]
fn connections_are_bounded() {
    let mut lab = Lab::new();
    for _ in 0..LINKS_MAX {
        let link = lab.open();
        assert!(lab.broker.links.contains_key(&link));
    }
    let id = LinkId(999);
    let outputs = lab.event(Event::Opened { link: id });
    assert!(
        matches!(outputs.as_slice(), [Output::Send { .. }, Output::Close { link, .. }] if *link == id)
    );
    assert_eq!(lab.broker.links.len(), LINKS_MAX);
}

#[test]
fn entries_of_a_slot_are_bounded() {
    let mut lab = Lab::new();
    let mut blade = lab.licensed(1);
    for n in 2..100 {
        let tag = format!("regid.2020-01.org.vfxos.N{n},1.0_{n}");
        lab.say(&mut blade, request(n, &tag, 1));
    }
    assert_eq!(lab.broker.totals().len(), ENTRIES_MAX);
    lab.event(Event::Gone { link: blade.link });
    // What has lapsed makes room for what is asked for now.
    let mut blade = lab.attach(1, Role::License);
    lab.say(&mut blade, request(1, TIER, 1));
    lab.say(&mut blade, request(200, CARRIER, 1));
    assert!(blade.heard.contains(&Message::Ack { handle: Handle(200) }));
    assert_eq!(lab.broker.stored().bays[&slot(1)].entries.len(), ENTRIES_MAX);
}

#[test]
fn a_slot_switched_off_loses_its_blade_and_refuses_the_next() {
    let mut lab = Lab::new();
    let mut blade = lab.licensed(1);
    let outputs = lab.event(Event::Power { slot: slot(1), on: false });
    assert_eq!(blade.hears(&outputs), [Message::Refused { reason: Refusal::SlotOff }]);
    assert!(outputs.contains(&Output::Demand(BTreeMap::new())));
    let refused = lab.attach(1, Role::License);
    assert_eq!(refused.heard, [Message::Refused { reason: Refusal::SlotOff }]);
    lab.event(Event::Power { slot: slot(1), on: true });
    assert!(matches!(lab.attach(1, Role::License).heard.as_slice(), [Message::Welcome(_)]));
}

#[test]
fn a_stopped_application_gives_its_entitlements_back_and_its_module_stays() {
    let mut lab = Lab::new();
    let mut blade = lab.licensed(1);
    let console = lab.attach(1, Role::Console);
    let outputs = lab.event(Event::Application { slot: slot(1), running: false });
    assert_eq!(blade.hears(&outputs), [Message::Refused { reason: Refusal::Stopped }]);
    assert!(outputs.contains(&Output::Demand(BTreeMap::new())));
    assert!(lab.broker.links.contains_key(&console.link) && lab.broker.is_up(slot(1)));
    let refused = lab.attach(1, Role::License);
    assert_eq!(refused.heard, [Message::Refused { reason: Refusal::Stopped }]);
    // It stays stopped over a restart.
    let stored = lab.broker.stored();
    assert!(stored.bays[&slot(1)].stopped);
    lab.event(Event::Application { slot: slot(1), running: true });
    assert!(matches!(lab.attach(1, Role::License).heard.as_slice(), [Message::Welcome(_)]));
    assert_eq!(lab.event(Event::Application { slot: slot(1), running: true }), []);
}

#[test]
fn the_clock_goes_to_every_blade() {
    let mut lab = Lab::new();
    let mut blade = lab.attach(3, Role::License);
    let outputs = lab.event(Event::ClockSet { rate_milli: 60_000 });
    assert_eq!(blade.hears(&outputs), [Message::Clock { wall: NOON.wall, rate_milli: 60_000 }]);
}

#[test]
fn a_console_is_bytes_both_ways() {
    let mut lab = Lab::new();
    let down = lab.event(Event::ConsoleIn { slot: slot(1), serial: 1, bytes: b"\r".to_vec() });
    assert_eq!(down, [Output::ConsoleDown { slot: slot(1) }]);

    let mut console = lab.attach(1, Role::Console);
    assert!(lab.broker.console_is_up(slot(1)));
    let bytes = vec![b'x'; CONSOLE_CHUNK_MAX + 1];
    let outputs = lab.event(Event::ConsoleIn { slot: slot(1), serial: 5, bytes });
    let serials = console.hears(&outputs).into_iter().filter_map(|message| match message {
        Message::ConsoleIn { serial, .. } => Some(serial),
        _ => None,
    });
    assert_eq!(serials.collect::<Vec<_>>(), [4, 5], "only the last piece settles the whole");

    let printed = Message::ConsoleOut { bytes: b"asa> ".to_vec(), settled: Some(5) };
    let outputs = lab.say(&mut console, printed);
    let want = Output::ConsoleOut { slot: slot(1), bytes: b"asa> ".to_vec(), settled: Some(5) };
    assert_eq!(outputs, [want]);
    let outputs = lab.event(Event::Gone { link: console.link });
    assert_eq!(outputs, [Output::ConsoleDown { slot: slot(1) }]);
}

#[test]
fn a_visitor_waits_for_the_console_of_a_blade_that_starts() {
    let open = Event::ConsoleOpen { slot: slot(2), width: 80, height: 24 };
    let typed = Event::ConsoleIn { slot: slot(2), serial: 1, bytes: b"\r".to_vec() };
    let mut lab = Lab::new();
    assert_eq!([lab.event(open.clone()), lab.event(typed)], [[], []]);
    let console = lab.attach(2, Role::Console);
    assert!(
        matches!(
            console.heard.as_slice(),
            [
                Message::Welcome(_),
                Message::ConsoleOpen { width: 80, height: 24 },
                Message::ConsoleIn { serial: 1, .. }
            ]
        ),
        "{:?}",
        console.heard
    );

    let down = [Output::ConsoleDown { slot: slot(2) }];
    let mut lab = Lab::new();
    lab.event(open.clone());
    assert_eq!(lab.broker.poll(NOON), Next::Wait(Some(NOON.mono + CONSOLE_WAIT)));
    lab.now = NOON.advanced(CONSOLE_WAIT);
    assert_eq!(lab.event(Event::Due), down, "nobody came");

    let mut lab = Lab::new();
    lab.event(open.clone());
    assert_eq!(lab.event(Event::Power { slot: slot(2), on: false }), down, "nobody will come");
    assert_eq!(lab.event(open.clone()), down);

    let mut lab = Lab::new();
    lab.event(open);
    assert_eq!(lab.event(Event::ConsoleClose { slot: slot(2) }), []);
    assert!(matches!(lab.attach(2, Role::Console).heard.as_slice(), [Message::Welcome(_)]));
}

#[test]
fn flash_survives_its_own_text() {
    let mut lab = Lab::new();
    let mut blade = lab.licensed(1);
    lab.say(&mut blade, request(2, CONTEXT, 5));
    let stored = lab.broker.stored();
    let json = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<Stored>(&json).unwrap(), stored);
}

// A chassis with three slots and what stands on the other end of a socket.

const TIER: &str = CATALOGUE[4].tag;
const CONTEXT: &str = CATALOGUE[5].tag;
const CARRIER: &str = CATALOGUE[7].tag;

struct Lab {
    broker: Broker,
    now: Now,
    links: u64,
}

struct Peer {
    link: LinkId,
    encoder: Encoder,
    decoder: Decoder,
    heard: Vec<Message>,
}

impl Lab {
    fn new() -> Lab {
        Lab::restored(Stored::default())
    }
    fn restored(stored: Stored) -> Lab {
        let equipped = (1..=3).filter_map(Slot::new).collect();
        let facts = Facts {
            model: "FPR-9300".to_owned(),
            hostname: "FPR9300-1".to_owned(),
            slots: 3,
            equipped,
        };
        let mut lab = Lab { broker: Broker::new(facts, stored.clone(), NOON), now: NOON, links: 0 };
        if stored == Stored::default() {
            lab.drain();
        }
        lab
    }
    fn open(&mut self) -> LinkId {
        self.links += 1;
        let link = LinkId(self.links);
        assert_eq!(self.event(Event::Opened { link }), []);
        link
    }
    fn attach(&mut self, number: u8, role: Role) -> Peer {
        let mut peer = Peer::new(self.open());
        self.say(&mut peer, Message::Hello(hello(number, role)));
        peer
    }
    /// A blade that holds the tier as handle 1.
    fn licensed(&mut self, number: u8) -> Peer {
        let mut peer = self.attach(number, Role::License);
        self.say(&mut peer, request(1, TIER, 1));
        peer
    }
    fn say(&mut self, peer: &mut Peer, message: Message) -> Vec<Output> {
        let bytes = peer.encoder.encode(&message);
        let outputs = self.event(Event::Received { link: peer.link, bytes });
        peer.heard = peer.hears(&outputs);
        outputs
    }
    fn event(&mut self, event: Event) -> Vec<Output> {
        self.broker.handle(self.now, event);
        self.drain()
    }
    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| match self.broker.poll(self.now) {
            Next::Do(output) => Some(output),
            Next::Wait(_) => None,
        })
        .collect()
    }
}

impl Peer {
    fn new(link: LinkId) -> Peer {
        let (encoder, decoder) = (Encoder::default(), Decoder::default());
        Peer { link, encoder, decoder, heard: Vec::new() }
    }
    fn hears(&mut self, outputs: &[Output]) -> Vec<Message> {
        for output in outputs {
            match output {
                Output::Send { link, bytes } if *link == self.link => self.decoder.push(bytes),
                _ => {}
            }
        }
        std::iter::from_fn(|| self.decoder.pull().unwrap()).collect()
    }
}

fn slot(number: u8) -> Slot {
    Slot::new(number).unwrap()
}
fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}
fn request(handle: u32, text: &str, count: u32) -> Message {
    Message::Request { handle: Handle(handle), tag: tag(text), count }
}
fn hello(number: u8, role: Role) -> Hello {
    Hello {
        role,
        slot: slot(number),
        serial: format!("FCH1234500{number}"),
        module: "FPR9K-SM-24".to_owned(),
        release: "9.14(1)".to_owned(),
    }
}
fn verdict(modes: &[(&str, Mode)], export_controlled: bool) -> Event {
    let modes = modes.iter().map(|(text, mode)| (tag(text), *mode)).collect();
    Event::Verdict(Verdict { modes, export_controlled, registered: true })
}
