use super::*;
use crate::wire::ntp::{Mode, Short, Timestamp};

const START: Now = Now { mono: Instant::ZERO, wall: Utc::from_unix_s(1_596_783_526) };

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Silent,
    /// Off by so many milliseconds, at this stratum.
    Off(i64, u8),
    Unsynchronised,
    Kiss([u8; 4]),
}

/// A client, its servers, and the chassis's clock, which corrections move.
struct World {
    ntp: Ntp,
    now: Now,
    /// How far the chassis's clock is behind the truth.
    behind_ms: i64,
    kinds: Vec<(String, Kind)>,
    asked: Vec<(Instant, String)>,
    corrections: Vec<Correction>,
}

impl World {
    fn new(kinds: &[(&str, Kind)], behind_ms: i64) -> World {
        let kinds: Vec<_> = kinds.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        let mut ntp = Ntp::new();
        let names = kinds.iter().map(|(name, _)| name.clone()).collect();
        ntp.handle(START, Event::Configure(names));
        let now = START;
        World { ntp, now, behind_ms, kinds, asked: Vec::new(), corrections: Vec::new() }
    }

    fn packet(&self, kind: Kind) -> Option<Packet> {
        let truth = self.now.wall.shifted_ms(self.behind_ms);
        let mut packet = Packet::question(Timestamp(0));
        packet.mode = Mode::Server;
        packet.leap = Leap::None;
        let (off, stratum) = match kind {
            Kind::Silent => return None,
            Kind::Off(off, stratum) => (off, stratum),
            Kind::Unsynchronised => {
                packet.leap = Leap::Unsynchronised;
                (0, 16)
            }
            Kind::Kiss(code) => {
                packet.reference_id = code;
                (0, 0)
            }
        };
        packet.stratum = stratum;
        packet.receive = Timestamp::from_utc(truth.shifted_ms(off), 0);
        packet.transmit = packet.receive;
        Some(packet)
    }

    /// Runs until `until`, jumping from deadline to deadline. Answers come at once.
    fn run(&mut self, until: Duration) {
        let end = Instant::from_elapsed(until);
        loop {
            match self.ntp.poll(self.now) {
                Next::Do(Output::Ask { id, server }) => {
                    self.asked.push((self.now.mono, server.clone()));
                    let kind = self.kinds.iter().find(|(name, _)| *name == server).unwrap().1;
                    if let Some(packet) = self.packet(kind) {
                        let sent_at = self.now.wall;
                        self.ntp.handle(self.now, Event::Answer { id, sent_at, packet });
                    }
                }
                Next::Do(Output::Offset(correction)) => {
                    self.corrections.push(correction);
                    self.now.wall = self.now.wall.shifted_ms(correction.by_ms);
                    self.behind_ms -= correction.by_ms;
                }
                Next::Wait(Some(due)) if due <= end => {
                    self.now = self.now.at(due);
                    self.ntp.handle(self.now, Event::Due);
                }
                Next::Wait(_) => {
                    self.now = self.now.at(end);
                    return;
                }
            }
        }
    }

    fn set(&mut self, name: &str, kind: Kind) {
        self.kinds.iter_mut().find(|(other, _)| other == name).unwrap().1 = kind;
    }

    fn statuses(&self) -> Vec<Status> {
        self.ntp.statuses().into_iter().map(|(_, status)| status).collect()
    }
}

const SETTLED: Duration = Duration::from_secs(2);

#[test]
fn the_listing_of_the_seed_settles_within_two_seconds() {
    let kinds = [
        ("10.62.148.75", Kind::Silent),
        ("172.18.108.14", Kind::Off(0, 2)),
        ("172.18.108.15", Kind::Off(0, 2)),
    ];
    let mut world = World::new(&kinds, 0);
    assert_eq!(world.statuses(), [Status::InProgress; 3]);
    world.run(SETTLED);
    let texts: Vec<_> = world.statuses().into_iter().map(Status::device_text).collect();
    assert_eq!(texts, ["Unreachable Or Invalid Ntp Server", "Time Synchronized", "Candidate"]);
    assert_eq!(world.corrections, []);
}

#[test]
fn statuses_by_what_the_servers_do() {
    use Status::{Candidate, Falsetick, Synchronized, Unreachable};
    let good = Kind::Off(0, 2);
    let table: [(&[Kind], &[Status]); 11] = [
        (&[good], &[Synchronized]),
        (&[Kind::Silent, Kind::Silent], &[Unreachable, Unreachable]),
        (&[Kind::Unsynchronised, good], &[Unreachable, Synchronized]),
        (&[Kind::Kiss(*b"DENY"), good], &[Unreachable, Synchronized]),
        (&[Kind::Kiss(*b"RATE")], &[Unreachable]),
        (&[good, Kind::Off(0, 1)], &[Candidate, Synchronized]),
        (&[good, Kind::Off(9_000, 1), good], &[Synchronized, Falsetick, Candidate]),
        // Two that disagree: nobody can tell who lies.
        (&[good, Kind::Off(9_000, 2)], &[Falsetick, Falsetick]),
        (&[Kind::Off(9_000, 2), Kind::Off(-9_000, 2), good], &[Falsetick, Falsetick, Falsetick]),
        (&[Kind::Off(0, 16), good], &[Unreachable, Synchronized]),
        (&[], &[]),
    ];
    let names = ["a", "b", "c", "d"];
    for (kinds, want) in table {
        let kinds: Vec<_> = names.into_iter().zip(kinds.iter().copied()).collect();
        let mut world = World::new(&kinds, 0);
        world.run(SETTLED);
        assert_eq!(world.statuses(), want, "{kinds:?}");
    }
}

#[test]
fn four_servers_drop_the_one_that_is_true_but_far() {
    // Its interval still touches the others', by the error that its long way allows.
    let kinds = [("a", Kind::Off(0, 2)), ("b", Kind::Off(1, 2)), ("c", Kind::Off(0, 2))];
    let mut world = World::new(&[kinds[0], kinds[1], kinds[2], ("d", Kind::Off(2, 2))], 0);
    world.run(SETTLED);
    let before = world.statuses();
    assert_eq!(before[0], Status::Synchronized);
    let far = Sample { offset_ms: 40, error_ms: 45 };
    world.ntp.servers[3].samples = [far; SAMPLES_MAX].into();
    world.ntp.select();
    assert_eq!(world.statuses()[3], Status::Outlier);
    assert_eq!(world.statuses()[0], Status::Synchronized);
}

#[test]
fn a_clock_that_is_off_is_set_once_and_then_left_alone() {
    for behind in [3_600_000, -3_600_000, 50, -50] {
        let mut world = World::new(&[("a", Kind::Off(0, 2)), ("b", Kind::Off(0, 2))], behind);
        world.run(Duration::from_secs(600));
        let step = behind.unsigned_abs() >= STEP_MIN_MS;
        assert_eq!(world.corrections, [Correction { by_ms: behind, step }]);
        assert_eq!(world.behind_ms, 0);
        assert_eq!(world.statuses(), [Status::Synchronized, Status::Candidate]);
    }
}

#[test]
fn an_operator_who_sets_the_clock_is_corrected_at_the_next_poll() {
    let mut world = World::new(&[("a", Kind::Off(0, 2))], 0);
    world.run(SETTLED);
    world.now.wall = world.now.wall.shifted_ms(-86_400_000);
    world.behind_ms += 86_400_000;
    world.ntp.handle(world.now, Event::ClockMoved { by_ms: -86_400_000 });
    world.run(Duration::from_secs(70));
    assert_eq!(world.behind_ms, 0);
    assert_eq!(world.corrections.len(), 1);
}

#[test]
fn a_clock_that_moves_between_question_and_answer_misleads_nobody() {
    // The lab's clock jumps for chassis and server alike, before or after the server reads it.
    for (sent, server) in [(0, 0), (0, 1_000_000), (1_000_000, 1_000_000)] {
        let mut world = World::new(&[("a", Kind::Off(0, 2))], 0);
        world.run(SETTLED);
        world.now = world.now.advanced(Duration::from_secs(64));
        let Next::Do(Output::Ask { id, .. }) = world.ntp.poll(world.now) else { panic!() };
        let before = world.now.wall;
        world.now.wall = before.shifted_ms(1_000_000);
        let mut packet = world.packet(Kind::Off(0, 2)).unwrap();
        packet.receive = Timestamp::from_utc(before.shifted_ms(server), 0);
        packet.transmit = packet.receive;
        let sent_at = before.shifted_ms(sent);
        world.ntp.handle(world.now, Event::Answer { id, sent_at, packet });
        world.run(Duration::from_secs(66));
        assert_eq!(world.corrections, [], "sent {sent} server {server}");
    }
}

#[test]
fn questions_come_in_a_burst_then_every_64_s_then_less_and_less() {
    let mut world = World::new(&[("a", Kind::Off(0, 2))], 0);
    world.run(Duration::from_secs(20_000));
    let gaps: Vec<u128> =
        world.asked.windows(2).map(|pair| pair[1].0.since(pair[0].0).as_millis()).collect();
    assert_eq!(gaps[..3], [250; 3]);
    assert_eq!(gaps[3], 64_000);
    assert!(gaps[3..].windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!(gaps.last(), Some(&1_024_000));
}

#[test]
fn a_server_that_goes_and_comes_back_is_followed_again_at_once() {
    let mut world = World::new(&[("a", Kind::Off(0, 2)), ("b", Kind::Off(0, 2))], 0);
    world.run(SETTLED);
    world.set("a", Kind::Silent);
    world.run(Duration::from_secs(64 * 10));
    assert_eq!(world.statuses(), [Status::Unreachable, Status::Synchronized]);
    world.set("a", Kind::Off(0, 2));
    world.run(Duration::from_secs(64 * 11 + 10));
    assert_eq!(world.statuses(), [Status::Candidate, Status::Synchronized], "no hop back");
}

#[test]
fn who_denies_is_never_asked_again() {
    let mut world = World::new(&[("a", Kind::Kiss(*b"DENY"))], 0);
    world.run(Duration::from_secs(5_000));
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.ntp.poll(world.now), Next::Wait(None));
}

#[test]
fn late_and_unknown_answers_change_nothing() {
    let mut world = World::new(&[("a", Kind::Silent)], 0);
    let Next::Do(Output::Ask { id, .. }) = world.ntp.poll(world.now) else { panic!() };
    let packet = world.packet(Kind::Off(0, 2)).unwrap();
    world.now = world.now.advanced(ANSWER_WAIT);
    world.ntp.handle(world.now, Event::Due);
    let before = world.ntp.servers.clone();
    for id in [id, PollId(99)] {
        let sent_at = world.now.wall;
        world.ntp.handle(world.now, Event::Answer { id, sent_at, packet });
        world.ntp.handle(world.now, Event::Lost { id });
    }
    assert_eq!(world.ntp.servers, before);
}

#[test]
fn a_new_configuration_keeps_who_stays() {
    let mut world = World::new(&[("a", Kind::Off(0, 2)), ("b", Kind::Off(0, 2))], 0);
    world.run(SETTLED);
    let names = ["b", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
    world.ntp.handle(world.now, Event::Configure(names));
    let statuses = world.ntp.statuses();
    let names: Vec<&str> = statuses.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "c", "d", "e"]);
    assert_eq!(statuses[0].1, Status::Synchronized);
    world.ntp.handle(world.now, Event::Configure(Vec::new()));
    assert_eq!(world.ntp.poll(world.now), Next::Wait(None));
}

#[test]
fn an_answer_of_hostile_numbers_does_not_overflow() {
    let mut world = World::new(&[("a", Kind::Silent)], 0);
    for stamp in [0, u64::MAX, 1 << 63] {
        let Next::Do(Output::Ask { id, .. }) = world.ntp.poll(world.now) else { panic!() };
        let mut packet = world.packet(Kind::Off(0, 1)).unwrap();
        (packet.receive, packet.transmit) = (Timestamp(stamp), Timestamp(!stamp));
        (packet.root_delay, packet.root_dispersion) = (Short(u32::MAX), Short(u32::MAX));
        for sent_at in [Utc::MIN, Utc::MAX] {
            world.ntp.handle(world.now, Event::Answer { id, sent_at, packet });
        }
        world.run(world.now.mono.since(Instant::ZERO) + BURST_GAP / 2);
        world.now = world.now.advanced(BURST_GAP);
    }
}
