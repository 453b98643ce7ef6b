//! What a capture takes, prints and writes, and when it ends.

use std::time::Duration;

use super::{Bounds, Capture, Event, Gate, Output, Plan};
use crate::base::time::Instant;
use crate::proto::Next;
use crate::wire::filter::Filter;
use crate::wire::pcap::{Item, Reader, Stamp, Way};
use crate::wire::summary::Words;

/// A datagram to port 53.
fn frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0x5e, 0x10, 0, 2, 2, 0, 0x5e, 0x10, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 33, 0, 1, 0x40, 0, 64, 17, 0, 0]);
    frame.extend([10, 62, 148, 225, 172, 31, 200, 100]);
    frame.extend([0x9c, 0x40, 0x1f, 0x90, 0, 13, 0, 0, 1, 2, 3, 4, 5]);
    frame
}

fn second(second: u64) -> Instant {
    Instant::from_elapsed(Duration::from_secs(second))
}

struct Run {
    capture: Capture,
    printed: String,
    /// Name and bytes of each file, in the order in which they were begun.
    files: Vec<(String, Vec<u8>)>,
    done: bool,
}

impl Run {
    fn new(plan: Plan) -> Run {
        let at = Stamp::from_ns(1_596_789_542_515_693_672);
        let capture = Capture::new(plan, second(0), at);
        let mut run = Run { capture, printed: String::new(), files: Vec::new(), done: false };
        run.drain();
        run
    }

    fn event(&mut self, at: u64, event: Event<'_>) {
        self.capture.handle(second(at), event);
        self.drain();
    }

    fn frame(&mut self, at: u64) {
        let bytes = frame();
        let stamp = Stamp::from_ns(1_596_789_542_515_693_672 + at * 1_000_000_000);
        let wire_len = u32::try_from(bytes.len()).unwrap();
        self.event(at, Event::Frame { at: stamp, way: Way::Out, wire_len, bytes: &bytes });
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.capture.poll() {
                Next::Do(Output::Print(text)) => self.printed += &text,
                Next::Do(Output::Write { file, fresh, bytes }) => {
                    if fresh {
                        self.files.push((file, bytes));
                    } else {
                        let found = self.files.iter_mut().find(|(name, _)| *name == file);
                        let Some((_, known)) = found else { panic!("{file} was not begun") };
                        known.extend(bytes);
                    }
                }
                Next::Do(Output::Remove { file }) => self.files.retain(|(name, _)| *name != file),
                Next::Do(Output::Done) => self.done = true,
                Next::Wait(deadline) => return deadline,
            }
        }
    }
}

fn frames_of(bytes: &[u8]) -> usize {
    let mut reader = Reader::new();
    reader.feed(bytes);
    let mut count = 0;
    while let Some(item) = reader.next().unwrap() {
        count += usize::from(matches!(item, Item::Frame(_)));
    }
    reader.end().unwrap();
    count
}

#[test]
fn ten_frames_are_taken_and_counted() {
    let mut run = Run::new(Plan::new(Words::Numbered));
    for at in 0..10 {
        assert!(!run.done);
        run.frame(at);
    }
    assert!(run.done && run.capture.is_over());
    run.frame(10);
    let lines: Vec<&str> = run.printed.lines().collect();
    assert_eq!(lines.len(), 12, "{lines:?}");
    assert_eq!(lines[0], "Capturing on 'eth0'");
    assert_eq!(
        lines[1],
        "   1 2020-08-07 08:39:02.515693672 10.62.148.225 → 172.31.200.100 UDP 47 40000 → 8080 Len=5"
    );
    assert_eq!(lines[11], "10 packets captured");
}

#[test]
fn the_older_layout_has_no_quotes() {
    let mut run = Run::new(Plan { limit: None, ..Plan::new(Words::Classic) });
    run.event(1, Event::Lost(3));
    run.event(1, Event::Interrupted);
    assert_eq!(run.printed, "Capturing on eth0\n3 packets dropped from eth0\n0 packets captured\n");
    assert!(run.done);
}

#[test]
fn a_gate_filters_and_cuts() {
    let filter = Filter::compile("udp port 8080", None).unwrap();
    let plan = Plan { filter, frame_size: 20, ..Plan::new(Words::Numbered) };
    let gate = Gate::new(&plan);
    assert_eq!(gate.take(&frame()).map(<[u8]>::len), Some(20));
    let mut other = frame();
    other[37] = 0;
    assert_eq!(gate.take(&other), None);
}

#[test]
fn a_file_is_whole_at_every_moment() {
    let file = Some("SSL.pcap".to_owned());
    let mut run = Run::new(Plan { file, limit: None, ..Plan::new(Words::Numbered) });
    run.frame(1);
    let due = run.drain();
    assert_eq!(due, Some(second(1) + Duration::from_secs(0)), "the head waits since the start");
    run.event(2, Event::Due);
    assert_eq!(frames_of(&run.files[0].1), 1);
    run.frame(3);
    run.event(3, Event::Full("No space".to_owned()));
    assert!(run.printed.ends_with("No space\n2 packets captured\n"), "{}", run.printed);
    assert_eq!(frames_of(&run.files[0].1), 1);
    assert!(run.done);
}

#[test]
fn a_ring_keeps_the_newest_files() {
    let ring = Some(Bounds { kilobytes: Some(1), files: Some(2), ..Bounds::default() });
    let file = Some("SSL.pcap".to_owned());
    let stop = Bounds { files: Some(4), ..Bounds::default() };
    let mut run = Run::new(Plan { file, ring, stop, limit: None, ..Plan::new(Words::Numbered) });
    for at in 0..200 {
        run.frame(at);
    }
    assert!(run.done);
    let names: Vec<&str> = run.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["SSL_00003_20200807083933.pcap", "SSL_00004_20200807083949.pcap"]);
    for (_, bytes) in &run.files {
        assert_eq!(frames_of(bytes), 16);
    }
}

#[test]
fn it_stops_when_its_time_is_up() {
    let stop = Bounds { duration: Some(Duration::from_secs(5)), ..Bounds::default() };
    let mut run = Run::new(Plan { stop, limit: None, ..Plan::new(Words::Numbered) });
    assert_eq!(run.drain(), Some(second(5)));
    run.frame(2);
    run.event(5, Event::Due);
    assert!(run.done && run.printed.ends_with("\n1 packet captured\n"), "{}", run.printed);
}

#[test]
fn secrets_stand_in_a_pcapng_file() {
    let file = Some("x.pcapng".to_owned());
    let mut run = Run::new(Plan { file, limit: Some(1), ..Plan::new(Words::Numbered) });
    // A server's first answer is seen before the client has worked out the keys for it.
    run.event(0, Event::Secrets("CLIENT_RANDOM 00 11\n"));
    run.frame(1);
    let mut reader = Reader::new();
    reader.feed(&run.files[0].1);
    assert_eq!(
        reader.next().unwrap(),
        Some(Item::Secrets(0x544c_534b, b"CLIENT_RANDOM 00 11\n".as_slice()))
    );
    assert!(matches!(reader.next().unwrap(), Some(Item::Frame(_))));
}

#[test]
fn the_long_form_names_layers_and_fields() {
    let plan = Plan { detail: true, limit: Some(1), ..Plan::new(Words::Numbered) };
    let mut run = Run::new(plan);
    run.frame(0);
    for line in [
        "Frame 1: 47 bytes on wire (376 bits), 47 bytes captured (376 bits)\n",
        "\nInternet Protocol Version 4\n",
        "\n    Source Address: 10.62.148.225\n",
        "\nUser Datagram Protocol\n    Source Port: 40000\n    Destination Port: 8080\n",
    ] {
        assert!(run.printed.contains(line), "{line}\n{}", run.printed);
    }
}
