//! Captures carried out: a tap on the chassis's stack, a queue, lines to the session, bytes to flash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::files::Files;
use super::jobs::{Said, World, until};
use crate::base::time::Instant;
use crate::net::stack::{self, Stack, Tapped};
use crate::proto::Next;
use crate::proto::capture::{self, Capture, Event, Gate, Output, Plan};
use crate::proto::workspace::Place;
use crate::sys::clock::ChassisClock;
use crate::wire::pcap::{Item, Reader, Stamp, Way};
use crate::wire::summary::Dissector;

/// Most frames that wait to be printed and written; what comes then is lost, and counted.
const QUEUE_MAX: usize = 16_384;
/// Most frames taken from the queue at once.
const BATCH: usize = 512;
/// Bytes of lines that are sent to the session at once.
const PAGE: usize = 16 * 1024;

/// A frame on its way from the tap to the capture.
struct Shot {
    at: Stamp,
    way: Way,
    wire_len: u32,
    bytes: Box<[u8]>,
}

/// What a tap leads to.
struct Line {
    shots: mpsc::Receiver<Shot>,
    lost: Arc<AtomicU64>,
    _tapped: Tapped,
}

/// Puts a tap on the stack that keeps what the gate takes.
fn arm(stack: &Stack, clock: &ChassisClock, gate: Gate) -> Line {
    let (queue, shots) = mpsc::channel(QUEUE_MAX);
    let lost = Arc::new(AtomicU64::new(0));
    let (clock, missed) = (clock.clone(), Arc::clone(&lost));
    let tapped = stack.tap(Box::new(move |direction, frame: &[u8]| {
        let Some(kept) = gate.take(frame) else { return };
        let way = match direction {
            stack::Direction::In => Way::In,
            stack::Direction::Out => Way::Out,
        };
        let shot = Shot {
            at: Stamp::from_ns(clock.wall_ns()),
            way,
            wire_len: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            bytes: kept.into(),
        };
        if queue.try_send(shot).is_err() {
            missed.fetch_add(1, Ordering::Relaxed);
        }
    }));
    Line { shots, lost, _tapped: tapped }
}

impl World {
    /// Captures until the plan is fulfilled or the operator ends it.
    pub(super) async fn capture(&self, mut plan: Plan, mut cancelled: oneshot::Receiver<()>) {
        plan.secrets = self.secrets.is_some();
        let started = tokio::time::Instant::now();
        let now = || Instant::from_elapsed(started.elapsed());
        let mut line = arm(&self.stack, &self.clock, Gate::new(&plan));
        let mut secrets = self.secrets.as_ref().map(|secrets| secrets.subscribe());
        let at = Stamp::from_ns(self.clock.wall_ns());
        let mut capture = Capture::new(plan, now(), at);
        let mut shots = Vec::with_capacity(BATCH);
        loop {
            let deadline = self.carry_out(&mut capture, now()).await;
            if capture.is_over() {
                return;
            }
            tokio::select! {
                _ = &mut cancelled => {
                    while let Ok(shot) = line.shots.try_recv() {
                        show(&mut capture, now(), &shot);
                    }
                    capture.handle(now(), Event::Lost(line.lost.swap(0, Ordering::Relaxed)));
                    capture.handle(now(), Event::Interrupted);
                }
                learned = learn(&mut secrets) => capture.handle(now(), Event::Secrets(&learned)),
                _ = line.shots.recv_many(&mut shots, BATCH) => {
                    let lost = line.lost.swap(0, Ordering::Relaxed);
                    capture.handle(now(), Event::Lost(lost));
                    for shot in shots.drain(..) {
                        show(&mut capture, now(), &shot);
                    }
                }
                () = wait(started, deadline) => capture.handle(now(), Event::Due),
            }
        }
    }

    /// Does what a capture wants; returns when it is due next.
    async fn carry_out(&self, capture: &mut Capture, now: Instant) -> Option<Instant> {
        let mut page = String::new();
        loop {
            match capture.poll() {
                Next::Do(Output::Print(text)) => {
                    page.push_str(&text);
                    if page.len() >= PAGE {
                        self.say(Said::Text(std::mem::take(&mut page))).await;
                    }
                }
                Next::Do(Output::Write { file, fresh, bytes }) => {
                    if let Err(why) = put(&self.files, &file, fresh, bytes).await {
                        capture.handle(now, Event::Full(why));
                    }
                }
                Next::Do(Output::Remove { file }) => {
                    // An operator may have deleted it already.
                    if let Ok(place) = self.files.place(&file).await {
                        let _ = self.files.delete(&place).await;
                    }
                }
                Next::Do(Output::Done) => {}
                Next::Wait(deadline) => {
                    if !page.is_empty() {
                        self.say(Said::Text(page)).await;
                    }
                    return deadline;
                }
            }
        }
    }

    /// Prints the frames of a file.
    pub(super) async fn read_capture(
        &self,
        file: &Place,
        plan: &Plan,
        mut cancelled: oneshot::Receiver<()>,
    ) {
        if let Some(Err(why)) = until(&mut cancelled, self.print_frames(file, plan)).await {
            self.say(Said::Text(format!("{why}\n"))).await;
        }
    }

    async fn print_frames(&self, file: &Place, plan: &Plan) -> Result<(), String> {
        let mut dissector = Dissector::new(plan.words);
        if plan.display.is_some() || plan.detail {
            dissector = dissector.noting();
        }
        let mut reader = Reader::new();
        let (mut page, mut count) = (String::new(), 0_u32);
        let faulty = |error: crate::wire::pcap::FileError| format!("{}: {error}", file.shown());
        for number in self.files.pieces(file).await? {
            reader.feed(&self.files.piece(file, number)?);
            while let Some(item) = reader.next().map_err(faulty)? {
                let Item::Frame(frame) = item else { continue };
                if plan.limit.is_some_and(|limit| count >= limit) {
                    self.say(Said::Text(page)).await;
                    return Ok(());
                }
                count += 1;
                dissector.frame(&frame);
                let shown = plan.display.as_ref();
                if shown.is_none_or(|filter| filter.matches(dissector.facts())) {
                    page.push_str(&capture::text(plan, &dissector, &frame));
                }
                if page.len() >= PAGE {
                    self.say(Said::Text(std::mem::take(&mut page))).await;
                }
            }
        }
        self.say(Said::Text(page)).await;
        reader.end().map_err(faulty)
    }
}

fn show(capture: &mut Capture, now: Instant, shot: &Shot) {
    let Shot { at, way, wire_len, bytes } = shot;
    let (at, way, wire_len) = (*at, *way, *wire_len);
    capture.handle(now, Event::Frame { at, way, wire_len, bytes });
}

async fn put(files: &Files, file: &str, fresh: bool, bytes: Vec<u8>) -> Result<(), String> {
    let place = files.place(file).await?;
    if fresh { files.write(&place, bytes).await } else { files.append(&place, bytes).await }
}

/// Waits until a moment that is counted from `start`; forever for `None`.
async fn wait(start: tokio::time::Instant, due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(start + due.since(Instant::ZERO)).await,
        None => std::future::pending().await,
    }
}

/// Waits for lines of a key log; forever if none is kept.
async fn learn(secrets: &mut Option<tokio::sync::broadcast::Receiver<Arc<str>>>) -> Arc<str> {
    loop {
        let Some(receiver) = secrets else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(lines) => return lines,
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => *secrets = None,
        }
    }
}
