//! A capture at the management port: which frames it takes, what it prints and writes, when it ends.
//!
//! The edge shows every frame to a [`Gate`], which is quick, and brings what the gate took to the
//! [`Capture`], which prints and writes.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use crate::base::time::Instant;
use crate::wire::display::Display;
use crate::wire::filter::Filter;
use crate::wire::pcap::{FileFormat, Frame, LinkType, Stamp, Way};
use crate::wire::summary::{Dissector, Words};

use super::Next;

mod detail;
#[cfg(test)]
mod tests;

/// Frames that a capture takes unless it is told otherwise.
///
/// # Source
/// Recall of the Nexus sibling.
pub const FRAMES: u32 = 10;
/// Bytes of a frame that are kept unless it is told otherwise, and at most.
///
/// # Source
/// Recall of the Nexus sibling; the seed types 10000.
pub const FRAME_SIZE: u32 = 65_535;
/// The port as the listings name it.
///
/// # Source
/// Seed: `Capturing on 'eth0'`.
pub const PORT: &str = "eth0";
/// Bytes that are gathered before they are written to the file.
const PIECE: usize = 64 * 1024;
/// Longest time that what was gathered waits for more.
const PIECE_LIFE: Duration = Duration::from_secs(1);

/// What an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub filter: Filter,
    pub display: Option<Display>,
    /// Frames to take; without end if none.
    pub limit: Option<u32>,
    /// Most bytes of a frame that are kept.
    pub frame_size: u32,
    /// Whether to print all that is known of a frame instead of one line.
    pub detail: bool,
    /// Whose words the lines are made of, and which layout.
    pub words: Words,
    pub stop: Bounds,
    /// When to begin another file, and how many to keep.
    pub ring: Option<Bounds>,
    /// Where to write the frames to, as the workspace names it.
    pub file: Option<String>,
    /// Whether the file is to have room for secrets, whatever its name says.
    pub secrets: bool,
}

/// Bounds of a capture or of one of its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub duration: Option<Duration>,
    /// In units of 1000 bytes.
    pub kilobytes: Option<u64>,
    pub files: Option<u32>,
}

impl Plan {
    /// A capture as it is without any option.
    pub fn new(words: Words) -> Plan {
        Plan {
            filter: Filter::all(),
            display: None,
            limit: Some(FRAMES),
            frame_size: FRAME_SIZE,
            detail: false,
            words,
            stop: Bounds::default(),
            ring: None,
            file: None,
            secrets: false,
        }
    }

    /// Returns what is printed when it begins.
    ///
    /// # Source
    /// Seed, the two layouts.
    pub const fn head(&self) -> &'static str {
        match self.words {
            Words::Classic => "Capturing on eth0\n",
            Words::Numbered | Words::Modern => "Capturing on 'eth0'\n",
        }
    }
}

/// Decides about frames where they pass by.
#[derive(Clone, Debug)]
pub struct Gate {
    filter: Filter,
    frame_size: usize,
}

impl Gate {
    /// Makes the gate of a plan.
    pub fn new(plan: &Plan) -> Gate {
        let frame_size = usize::try_from(plan.frame_size).unwrap_or(usize::MAX);
        Gate { filter: plan.filter.clone(), frame_size }
    }

    /// Returns what is kept of a frame; `None` if it is let by.
    pub fn take<'a>(&self, frame: &'a [u8]) -> Option<&'a [u8]> {
        let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let wanted = self.filter.matches(frame, wire_len);
        wanted.then(|| frame.get(..self.frame_size).unwrap_or(frame))
    }
}

/// What happens to a capture.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The gate took this.
    Frame { at: Stamp, way: Way, wire_len: u32, bytes: &'a [u8] },
    /// Lines of a TLS key log, for the file.
    Secrets(&'a str),
    /// So many frames were taken by the gate and lost on the way here.
    Lost(u64),
    /// The file takes no more; why.
    Full(String),
    /// The operator wants it to end.
    Interrupted,
    /// The deadline that `poll` gave has come.
    Due,
}

/// What a capture wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Print(String),
    /// Append to a file, after emptying it if it is `fresh`.
    Write {
        file: String,
        fresh: bool,
        bytes: Vec<u8>,
    },
    Remove {
        file: String,
    },
    /// It is over.
    Done,
}

/// A capture under way.
#[derive(Debug)]
pub struct Capture {
    plan: Plan,
    dissector: Dissector,
    began: Instant,
    taken: u32,
    lost: u64,
    file: Option<Writing>,
    /// Key log lines, which stand at the head of each file.
    secrets: String,
    outputs: VecDeque<Output>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Over,
}

/// The file that is written.
#[derive(Debug)]
struct Writing {
    name: String,
    /// Counted from 1.
    number: u32,
    format: FileFormat,
    began: Instant,
    /// What is to stand before the frames that are not written yet: the file's head, secrets.
    front: Vec<u8>,
    /// Frames that are not written yet, and since when there is something.
    gathered: Vec<u8>,
    since: Instant,
    size: u64,
    fresh: bool,
    /// Files of the ring that are still there, the oldest first.
    kept: VecDeque<String>,
}

impl Capture {
    /// Begins a capture.
    pub fn new(plan: Plan, now: Instant, at: Stamp) -> Capture {
        let mut dissector = Dissector::new(plan.words);
        if plan.display.is_some() || plan.detail {
            dissector = dissector.noting();
        }
        let mut capture = Capture {
            dissector,
            began: now,
            taken: 0,
            lost: 0,
            file: None,
            secrets: String::new(),
            outputs: VecDeque::new(),
            state: State::Running,
            plan,
        };
        capture.outputs.push_back(Output::Print(capture.plan.head().to_owned()));
        capture.open(now, at, 1, VecDeque::new());
        capture
    }

    /// Returns whether it is over, what is left to do aside.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Applies one event.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) {
        match (self.state, event) {
            (State::Running, Event::Frame { at, way, wire_len, bytes }) => {
                self.frame(now, at, way, wire_len, bytes);
            }
            (State::Running, Event::Secrets(lines)) => self.learn(now, lines),
            (State::Running | State::Over, Event::Lost(count)) => self.lost += count,
            (State::Running, Event::Full(why)) => {
                // What was written stays as it is, whole up to there.
                self.file = None;
                self.outputs.push_back(Output::Print(format!("{why}\n")));
                self.end(now);
            }
            (State::Running, Event::Interrupted) => self.end(now),
            (State::Running, Event::Due) => self.due(now),
            (
                State::Over,
                Event::Frame { .. }
                | Event::Secrets(_)
                | Event::Full(_)
                | Event::Interrupted
                | Event::Due,
            ) => {}
        }
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self) -> Next<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Next::Do(output);
        }
        if self.state == State::Over {
            return Next::Wait(None);
        }
        let stop = self.plan.stop.duration.map(|duration| self.began + duration);
        let turn = self.file.as_ref().and_then(|file| {
            let duration = self.plan.ring.and_then(|ring| ring.duration)?;
            Some(file.began + duration)
        });
        let flush = self.file.as_ref().filter(|file| file.waits());
        let flush = flush.map(|file| file.since + PIECE_LIFE);
        Next::Wait([stop, turn, flush].into_iter().flatten().min())
    }

    fn frame(&mut self, now: Instant, at: Stamp, way: Way, wire_len: u32, bytes: &[u8]) {
        self.taken += 1;
        let frame = Frame { at, digits: 9, link: LinkType::ETHERNET, wire_len, bytes };
        self.dissector.frame(&frame);
        let shown =
            self.plan.display.as_ref().is_none_or(|filter| filter.matches(self.dissector.facts()));
        if shown {
            let text = text(&self.plan, &self.dissector, &frame);
            self.outputs.push_back(Output::Print(text));
        }
        if let Some(file) = &mut self.file {
            if !file.waits() {
                file.since = now;
            }
            let before = file.gathered.len();
            file.format.frame(&mut file.gathered, at, way, wire_len, bytes);
            file.size += (file.gathered.len() - before) as u64;
            if file.gathered.len() >= PIECE {
                self.flush();
            }
            self.turn(now, at);
        }
        if self.plan.limit.is_some_and(|limit| self.taken >= limit) {
            self.end(now);
        }
    }

    /// Keeps lines of a key log, and puts them into the file before the frames that need them.
    fn learn(&mut self, now: Instant, lines: &str) {
        self.secrets.push_str(lines);
        if let Some(file) = &mut self.file {
            if !file.waits() {
                file.since = now;
            }
            // A format without a place for them goes without.
            let _ = file.format.secrets(&mut file.front, lines.as_bytes());
        }
    }

    fn due(&mut self, now: Instant) {
        if self.plan.stop.duration.is_some_and(|duration| now >= self.began + duration) {
            return self.end(now);
        }
        if self.file.as_ref().is_some_and(|file| now >= file.since + PIECE_LIFE) {
            self.flush();
        }
    }

    /// Begins the next file, or ends, if the one that is written has had its share.
    fn turn(&mut self, now: Instant, at: Stamp) {
        let Some(file) = &mut self.file else { return };
        let size = file.size;
        let full = |bounds: Bounds| bounds.kilobytes.is_some_and(|most| size >= most * 1000);
        let Some(ring) = self.plan.ring else {
            if full(self.plan.stop) {
                self.end(now);
            }
            return;
        };
        let late = ring.duration.is_some_and(|duration| now >= file.began + duration);
        if !(full(ring) || full(self.plan.stop) || late) {
            return;
        }
        if self.plan.stop.files.is_some_and(|most| file.number >= most) {
            return self.end(now);
        }
        self.flush();
        let Some(file) = self.file.take() else { return };
        let mut kept = file.kept;
        kept.push_back(file.name);
        let most = ring.files.unwrap_or(u32::MAX).max(1);
        // The one that is begun counts too.
        while kept.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            let Some(oldest) = kept.pop_front() else { break };
            self.outputs.push_back(Output::Remove { file: oldest });
        }
        self.open(now, at, file.number.saturating_add(1), kept);
    }

    /// Opens a file, if one is to be written at all.
    fn open(&mut self, now: Instant, at: Stamp, number: u32, kept: VecDeque<String>) {
        let Some(file) = &self.plan.file else { return };
        let ng = file.ends_with(".pcapng") || self.plan.secrets;
        let format = if ng { FileFormat::PcapNg } else { FileFormat::Pcap };
        let name = if self.plan.ring.is_some() { numbered(file, number, at) } else { file.clone() };
        let (mut front, gathered) = (Vec::new(), Vec::new());
        format.head(&mut front, PORT, self.plan.frame_size);
        if !self.secrets.is_empty() {
            let _ = format.secrets(&mut front, self.secrets.as_bytes());
        }
        let size = front.len() as u64;
        let (began, since, fresh) = (now, now, true);
        self.file = Some(Writing {
            name,
            number,
            format,
            began,
            front,
            gathered,
            since,
            size,
            fresh,
            kept,
        });
    }

    fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if !file.waits() {
            return;
        }
        let mut bytes = std::mem::take(&mut file.front);
        bytes.append(&mut file.gathered);
        let fresh = std::mem::replace(&mut file.fresh, false);
        self.outputs.push_back(Output::Write { file: file.name.clone(), fresh, bytes });
    }

    /// # Source
    /// tshark 4.0 for both lines.
    fn end(&mut self, _: Instant) {
        self.state = State::Over;
        self.flush();
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let taken = u64::from(self.taken);
        let mut text = String::new();
        if self.lost > 0 {
            let lost = self.lost;
            // A String never fails, here and below.
            let _ = writeln!(text, "{lost} packet{} dropped from {PORT}", plural(lost));
        }
        let _ = writeln!(text, "{taken} packet{} captured", plural(taken));
        self.outputs.push_back(Output::Print(text));
        self.outputs.push_back(Output::Done);
    }
}

impl Writing {
    /// Returns whether something is not written yet.
    const fn waits(&self) -> bool {
        !self.front.is_empty() || !self.gathered.is_empty()
    }
}

/// Returns what is printed of the dissector's last frame.
pub fn text(plan: &Plan, dissector: &Dissector, frame: &Frame<'_>) -> String {
    if plan.detail {
        return detail::text(dissector, frame);
    }
    format!("{}\n", dissector.line().laid_out(plan.words))
}

/// Names a file of a ring, `SSL_00001_20200807083902.pcap`.
///
/// # Source
/// dumpcap of Wireshark 4.0.
fn numbered(file: &str, number: u32, at: Stamp) -> String {
    let when: String = at.dated(0).to_string().chars().filter(char::is_ascii_digit).collect();
    let (stem, ending) = match file.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => (stem, format!(".{ending}")),
        Some(_) | None => (file, String::new()),
    };
    format!("{stem}_{number:05}_{when}{ending}")
}
