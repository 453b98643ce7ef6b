//! Which of several NTP servers tells the time, and how far off the chassis's clock is.
//!
//! ```text
//!              answer                      intersection        cluster
//!  asked ───────────────▶ samples (8) ───▶ true or false ───▶ survivors ───▶ one is followed
//!    │ none: reach shifts                   │                  │
//!    ▼                                      ▼                  ▼
//!  Unreachable Or Invalid                Falsetick          Outlier, Candidate
//! ```
//! A sample is only as good as its round trip: the true offset lies within half of it. The clock
//! is corrected when it is off by more than that, so neither a slow network nor a clock that was
//! set between question and answer sends it astray.
//!
//! # Source
//! RFC 5905 sections 9 to 11 for filter, intersection and cluster; the seed for three of the
//! statuses and their order in `show ntp-server`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::time::{Instant, Now, Utc};
use crate::proto::Next;
use crate::wire::ntp::{Leap, Packet};

mod select;
#[cfg(test)]
mod tests;

/// Most servers; more are not asked.
///
/// # Source
/// Recall: a chassis takes up to four.
pub const SERVERS_MAX: usize = 4;
/// Questions asked in quick succession when a server is new or comes back.
pub const BURST: u8 = 4;
/// Pause between them.
pub const BURST_GAP: Duration = Duration::from_millis(250);
/// How long an answer is waited for.
pub const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// Logarithm of the shortest poll interval, 64 s.
pub const POLL_MIN: u8 = 6;
/// Logarithm of the longest poll interval, 1024 s.
pub const POLL_MAX: u8 = 10;
/// Answers in a row after which the interval doubles.
const POLL_PATIENCE: u8 = 8;
/// Samples after which a server takes part in the selection.
const SAMPLES_MIN: usize = 3;
/// Samples kept; the one with the shortest round trip counts.
const SAMPLES_MAX: usize = 8;
/// An offset from which on the clock is set instead of steered.
///
/// # Source
/// RFC 5905, `STEPT`.
pub const STEP_MIN_MS: u64 = 128;
/// Highest stratum that has a time.
const STRATUM_MAX: u8 = 15;

/// Names one question, so that a late answer is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PollId(pub u64);

/// What happens to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These servers from now on, names or addresses; those that stay keep what is known of them.
    Configure(Vec<String>),
    /// A server answered a question that left when the chassis's clock read `sent_at`. That it is
    /// that server and that question was checked.
    Answer { id: PollId, sent_at: Utc, packet: Packet },
    /// The question could not be sent: no address, no route.
    Lost { id: PollId },
    /// Somebody else moved the chassis's clock, by so many milliseconds.
    ClockMoved { by_ms: i64 },
    /// A deadline passed.
    Due,
}

/// What the client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask this server.
    Ask { id: PollId, server: String },
    /// Move the chassis's clock.
    Offset(Correction),
}

/// How to move the clock. By the next event it has been moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Positive: the clock is late.
    pub by_ms: i64,
    /// True: set it. False: it may be steered.
    pub step: bool,
}

/// What `show ntp-server` says of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Unreachable,
    /// This one is followed.
    Synchronized,
    /// This one could be followed.
    Candidate,
    Outlier,
    Falsetick,
}

impl Status {
    /// Returns the words in the column `Time Sync Status`.
    ///
    /// # Source
    /// Seed, `show ntp-server`: the first three. The others are the enumeration of the public MIB
    /// (`timeSyncInProgress`, `outlier`, `falsetick`), their wording is recall.
    pub const fn device_text(self) -> &'static str {
        match self {
            Status::Unreachable => "Unreachable Or Invalid Ntp Server",
            Status::Synchronized => "Time Synchronized",
            Status::Candidate => "Candidate",
            Status::InProgress => "Time Sync In Progress",
            Status::Outlier => "Outlier",
            Status::Falsetick => "Falsetick",
        }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    offset_ms: i64,
    /// Half of the way from the server's own source and back: the offset may be wrong by this.
    error_ms: i64,
}

/// Whether a question is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Ask at this instant.
    Waiting { due: Instant },
    /// Asked; take it for lost at this instant.
    Asked { id: PollId, lost_at: Instant },
    /// The server asked not to be asked.
    Denied,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    name: String,
    turn: Turn,
    /// The last eight questions, newest lowest: 1 is answered.
    reach: u8,
    /// Whether any question has come to an end.
    tried: bool,
    /// Whether the last answer had a time to give.
    valid: bool,
    stratum: u8,
    samples: VecDeque<Sample>,
    burst_left: u8,
    poll: u8,
    answers: u8,
    status: Status,
}

impl Server {
    fn new(name: String, now: Instant) -> Server {
        Server {
            name,
            turn: Turn::Waiting { due: now },
            reach: 0,
            tried: false,
            valid: false,
            stratum: 0,
            samples: VecDeque::new(),
            burst_left: BURST,
            poll: POLL_MIN,
            answers: 0,
            status: Status::InProgress,
        }
    }

    /// The sample with the shortest way; among equals the newest.
    fn best(&self) -> Option<Sample> {
        self.samples.iter().rev().min_by_key(|sample| sample.error_ms).copied()
    }

    /// Plans the next question after one has come to an end.
    fn rest(&mut self, now: Instant) {
        self.burst_left = self.burst_left.saturating_sub(1);
        let pause = match self.burst_left {
            0 => Duration::from_secs(1 << self.poll),
            _ => BURST_GAP,
        };
        self.turn = Turn::Waiting { due: now + pause };
    }

    fn lost(&mut self, now: Instant) {
        self.reach <<= 1;
        self.tried = true;
        self.answers = 0;
        self.poll = self.poll.saturating_sub(1).max(POLL_MIN);
        if self.reach == 0 {
            // What it said before it fell silent is too old to count.
            self.samples.clear();
        }
        self.rest(now);
    }

    fn answered(&mut self, now: Now, sent_at: Utc, packet: &Packet) {
        if packet.stratum == 0 {
            self.refused(now.mono, packet.reference_id);
            return;
        }
        let returns = self.reach == 0 && self.tried;
        self.reach = self.reach << 1 | 1;
        self.tried = true;
        self.stratum = packet.stratum;
        self.valid = packet.leap != Leap::Unsynchronised && packet.stratum <= STRATUM_MAX;
        if self.valid {
            if self.samples.len() == SAMPLES_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(measure(sent_at, now.wall, packet));
        } else {
            self.samples.clear();
        }
        self.answers = self.answers.saturating_add(1);
        if self.answers >= POLL_PATIENCE && self.poll < POLL_MAX {
            self.answers = 0;
            self.poll += 1;
        }
        if returns && self.burst_left == 0 {
            self.burst_left = BURST;
        }
        self.rest(now.mono);
    }

    /// A kiss of death: ask less, or never again.
    ///
    /// # Source
    /// RFC 5905 section 7.4.
    fn refused(&mut self, now: Instant, code: [u8; 4]) {
        self.reach <<= 1;
        self.tried = true;
        self.valid = false;
        self.samples.clear();
        self.burst_left = 0;
        if code == *b"DENY" || code == *b"RSTR" {
            self.turn = Turn::Denied;
        } else {
            self.poll = (self.poll + 1).min(POLL_MAX);
            self.rest(now);
        }
    }
}

/// Works out one sample of the four times.
fn measure(sent_at: Utc, received_at: Utc, packet: &Packet) -> Sample {
    let t1 = sent_at.unix_ms();
    let t2 = packet.receive.to_utc(sent_at).unix_ms();
    let t3 = packet.transmit.to_utc(sent_at).unix_ms();
    let t4 = received_at.unix_ms();
    let offset_ms = ((t2 - t1) + (t3 - t4)) / 2;
    let way_ms = ((t4 - t1) - (t3 - t2)).abs();
    let root = packet.root_delay.to_duration() / 2 + packet.root_dispersion.to_duration();
    let root_ms = i64::try_from(root.as_millis()).unwrap_or(i64::MAX / 4);
    // One for the clock's own resolution.
    Sample { offset_ms, error_ms: (way_ms + 1) / 2 + root_ms + 1 }
}

/// The client of all configured servers.
#[derive(Clone, Debug, Default)]
pub struct Ntp {
    servers: Vec<Server>,
    /// The name of the server that is followed.
    followed: Option<String>,
    corrections: VecDeque<Correction>,
    next_id: u64,
}

impl Ntp {
    /// Makes a client without servers.
    pub fn new() -> Ntp {
        Ntp::default()
    }

    /// Applies one event. Infallible: late answers and unknown questions are ignored.
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Configure(names) => self.configure(now.mono, names),
            Event::Answer { id, sent_at, packet } => {
                let Some(server) = self.asked(id) else { return };
                server.answered(now, sent_at, &packet);
                let name = server.name.clone();
                self.select();
                if self.followed.as_deref() == Some(name.as_str()) {
                    self.correct(&name);
                }
            }
            Event::Lost { id } => {
                if let Some(server) = self.asked(id) {
                    server.lost(now.mono);
                    self.select();
                }
            }
            Event::ClockMoved { by_ms } => self.moved(by_ms),
            Event::Due => {
                let late = |server: &Server| match server.turn {
                    Turn::Asked { lost_at, .. } => lost_at <= now.mono,
                    Turn::Waiting { .. } | Turn::Denied => false,
                };
                for server in self.servers.iter_mut().filter(|server| late(server)) {
                    server.lost(now.mono);
                }
                self.select();
            }
        }
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, now: Now) -> Next<Output> {
        if let Some(correction) = self.corrections.pop_front() {
            return Next::Do(Output::Offset(correction));
        }
        for server in &mut self.servers {
            match server.turn {
                Turn::Waiting { due } if due <= now.mono => {
                    let id = PollId(self.next_id);
                    self.next_id += 1;
                    server.turn = Turn::Asked { id, lost_at: now.mono + ANSWER_WAIT };
                    return Next::Do(Output::Ask { id, server: server.name.clone() });
                }
                Turn::Waiting { .. } | Turn::Asked { .. } | Turn::Denied => {}
            }
        }
        let deadlines = self.servers.iter().filter_map(|server| match server.turn {
            Turn::Waiting { due } => Some(due),
            Turn::Asked { lost_at, .. } => Some(lost_at),
            Turn::Denied => None,
        });
        Next::Wait(deadlines.min())
    }

    /// Returns every server with its status, in the order configured.
    pub fn statuses(&self) -> Vec<(String, Status)> {
        self.servers.iter().map(|server| (server.name.clone(), server.status)).collect()
    }

    fn configure(&mut self, now: Instant, names: Vec<String>) {
        let mut old = std::mem::take(&mut self.servers);
        for name in names {
            let known = self.servers.iter().any(|server| server.name == name);
            if known || self.servers.len() == SERVERS_MAX {
                continue;
            }
            let kept = old.iter().position(|server| server.name == name);
            self.servers.push(match kept {
                Some(at) => old.swap_remove(at),
                None => Server::new(name, now),
            });
        }
        self.select();
    }

    fn asked(&mut self, asked: PollId) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| match server.turn {
            Turn::Asked { id, .. } => id == asked,
            Turn::Waiting { .. } | Turn::Denied => false,
        })
    }

    /// The clock was moved: what was measured against it moves the other way.
    fn moved(&mut self, by_ms: i64) {
        for sample in self.servers.iter_mut().flat_map(|server| &mut server.samples) {
            sample.offset_ms = sample.offset_ms.saturating_sub(by_ms);
        }
    }

    /// Corrects the clock by the followed server's best sample, if it is off for certain.
    fn correct(&mut self, name: &str) {
        let server = self.servers.iter().find(|server| server.name == name);
        let Some(best) = server.and_then(Server::best) else { return };
        if best.offset_ms.saturating_abs() <= best.error_ms {
            return;
        }
        let step = best.offset_ms.unsigned_abs() >= STEP_MIN_MS;
        self.corrections.push_back(Correction { by_ms: best.offset_ms, step });
        self.moved(best.offset_ms);
    }
}
