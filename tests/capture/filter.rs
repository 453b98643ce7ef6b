//! Every filter gives tcpdump's verdict on every frame, and is refused when tcpdump refuses it.

use std::fs::File;
use std::process::{Command, Stdio};

use vfxos::base::rng::Rng;
use vfxos::wire::filter::Filter;
use vfxos::wire::pcap::{FileFormat, Item, Reader, Stamp};

use crate::frames::{any, below, noise, pick};
use crate::oracle::{Scratch, Shot, file, has};

/// Frames of every kind, one a second, padded as on a wire; some are longer than they say. With
/// `cut` some lack their end, be it in the middle of a header.
fn shots(seed: u64, count: u64, cut: bool) -> Vec<Shot> {
    let mut rng = Rng::from_seed(seed);
    (0..count)
        .map(|second| {
            let mut bytes = any(&mut rng);
            if rng.one_in(10) {
                let len = below(&mut rng, 30);
                bytes.extend(noise(&mut rng, len));
            }
            if !cut {
                bytes.resize(bytes.len().max(60), 0);
            }
            let mut shot = Shot::whole(Stamp::from_ns(second * 1_000_000_000), bytes);
            if cut && rng.one_in(6) {
                shot.bytes.truncate(below(&mut rng, 70));
            }
            shot
        })
        .collect()
}

/// Frames in memory and in a file.
struct Frames {
    shots: Vec<Shot>,
    file: Scratch,
}

impl Frames {
    fn new(seed: u64, count: u64, cut: bool) -> Frames {
        let shots = shots(seed, count, cut);
        let file = Scratch::new(&file(FileFormat::Pcap, &shots));
        Frames { shots, file }
    }

    /// Compares verdicts; returns ours, or the difference.
    fn compare(&self, expression: &str, flags: &[&str]) -> Result<Option<Vec<u64>>, String> {
        let theirs = verdicts(&self.file, expression, flags);
        let ours = ours(&self.shots, expression);
        if theirs == ours { Ok(ours) } else { Err(difference(theirs, ours)) }
    }
}

/// What tcpdump says: the seconds of the frames it takes, or `None` if it refuses the filter. A
/// filter that can't take any frame it refuses too; that is no frame for us.
fn verdicts(capture: &Scratch, expression: &str, flags: &[&str]) -> Option<Vec<u64>> {
    let input = File::open(capture.path()).unwrap();
    let output = Command::new("tcpdump")
        .args(flags)
        .args(["-r", "-", "-w", "-", "-U", "--", expression])
        .stdin(Stdio::from(input))
        .output()
        .unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("No such file"), "{said}");
        return said.contains("expression rejects all packets").then(Vec::new);
    }
    let mut reader = Reader::new();
    reader.feed(&output.stdout);
    let mut seconds = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        if let Item::Frame(frame) = item {
            seconds.push(frame.at.parts().0);
        }
    }
    Some(seconds)
}

/// Our verdicts; `None` if we refuse.
fn ours(shots: &[Shot], expression: &str) -> Option<Vec<u64>> {
    let filter = Filter::compile(expression, Some(0)).ok()?;
    let taken = shots.iter().filter(|shot| filter.matches(&shot.bytes, shot.wire_len));
    Some(taken.map(|shot| shot.at.parts().0).collect())
}

fn difference(theirs: Option<Vec<u64>>, ours: Option<Vec<u64>>) -> String {
    match (theirs, ours) {
        (None, None) => "both refuse".to_owned(),
        (None, Some(_)) => "only we accept it".to_owned(),
        (Some(_), None) => "only tcpdump accepts it".to_owned(),
        (Some(theirs), Some(ours)) => {
            let only = |these: &[u64], those: &[u64]| {
                these.iter().filter(|at| !those.contains(at)).take(5).copied().collect::<Vec<_>>()
            };
            let (a, b) = (only(&theirs, &ours), only(&ours, &theirs));
            format!("frames only tcpdump takes {a:?}, only we take {b:?}")
        }
    }
}

/// Verdicts are those of tcpdump's program before its optimiser, on all frames; and with it on
/// whole ones, but for a few odd filters. The optimiser changes the order in which a frame is
/// looked at, and a look beyond the end of what was captured refuses the frame.
struct Both {
    whole: Frames,
    cut: Frames,
    faults: Vec<String>,
    count: usize,
    some: usize,
    refused: usize,
    optimised: usize,
}

impl Both {
    fn new(seed: u64, count: u64) -> Both {
        let (whole, cut) = (Frames::new(seed, count, false), Frames::new(seed, count, true));
        Both { whole, cut, faults: Vec::new(), count: 0, some: 0, refused: 0, optimised: 0 }
    }

    fn compare(&mut self, expression: &str) {
        self.count += 1;
        let mut whole = self.whole.compare(expression, &[]);
        if whole.is_err() {
            self.optimised += 1;
            whole = self.whole.compare(expression, &["-O"]);
        }
        match whole {
            Ok(None) => self.refused += 1,
            Ok(Some(taken)) => self.some += usize::from(!taken.is_empty()),
            Err(why) => self.faults.push(format!("{expression}: {why}")),
        }
        if let Err(why) = self.cut.compare(expression, &["-O"]) {
            self.faults.push(format!("{expression}: cut frames: {why}"));
        }
    }

    /// Returns how many filters took anything and how many were refused.
    fn verdict(self) -> (usize, usize) {
        assert!(self.faults.is_empty(), "\n{}", self.faults.join("\n"));
        let (optimised, count) = (self.optimised, self.count);
        assert!(optimised * 20 < count, "{optimised} of {count} agree without the optimiser only");
        (self.some, self.refused)
    }
}

#[test]
fn a_table_of_filters_gives_the_verdicts_of_tcpdump() {
    if !has("tcpdump") {
        return;
    }
    let mut both = Both::new(1, 2000);
    for expression in include_str!("filters.txt").lines().filter(|line| !line.starts_with('#')) {
        both.compare(expression);
    }
    let (some, refused) = both.verdict();
    assert!(some > 150 && refused > 40, "{some} filters took anything, {refused} were refused");
}

/// Filters by seed, most of them right, some not.
struct Grammar {
    rng: Rng,
}

impl Grammar {
    fn pick(&mut self, from: &[&str]) -> String {
        pick(&mut self.rng, from).to_owned()
    }

    fn number(&mut self) -> String {
        self.pick(&["0", "1", "2", "6", "17", "0x0f", "64", "80", "443", "0x1fff", "255", "010"])
    }

    fn wrong(&mut self) -> bool {
        self.rng.one_in(60)
    }

    fn id(&mut self, kind: &str, depth: u32) -> String {
        if depth > 0 && self.rng.one_in(8) {
            let (a, b) = (self.id(kind, depth - 1), self.id(kind, depth - 1));
            let join = self.pick(&["or", "and", "||"]);
            return format!("({a} {join} {b})");
        }
        let not = if self.rng.one_in(12) { "not " } else { "" };
        let id = match kind {
            _ if self.wrong() => {
                self.pick(&["70000", "10.62.148.1/24", "tcp", "foo", "1.2.3", "fe80::1/4", "tftp"])
            }
            "port" => self.pick(&["53", "80", "443", "domain", "https", "syslog", "8080", "22"]),
            "portrange" => self.pick(&["1-100", "443-80", "50-50", "443", "domain-https", "22"]),
            "net" => self.pick(&[
                "10.0.0.0/8",
                "10.62.148.0/24",
                "10",
                "172.31.0.0 mask 255.255.0.0",
                "0.0.0.0/0",
                "224",
            ]),
            "net6" => self.pick(&["fe80::/10", "2001:db8::/64", "::/0", "ff02::fb"]),
            "host6" => self.pick(&["fe80::5e:fffe:10:1", "2001:db8::2", "ff02::fb"]),
            "proto" => self.pick(&["6", "17", "1", "\\tcp", "\\udp", "\\icmp", "58", "44"]),
            "ether" => self.pick(&["0x0800", "\\ip6", "\\arp", "\\stp", "0x88cc", "0x8100", "254"]),
            _ => self.pick(&["10.62.148.225", "173.37.145.8", "10.62", "224.0.0.251", "443"]),
        };
        format!("{not}{id}")
    }

    fn qualified(&mut self, kind: &str, depth: u32) -> String {
        let protos: &[&str] = match kind {
            _ if self.wrong() => &["tcp ", "icmp ", "ip6 ", "ether "],
            "port" | "portrange" => &["", "", "tcp ", "udp ", "sctp "],
            "host6" | "net6" => &["", "ip6 "],
            "proto" => &["", "ip ", "ip6 "],
            "ether" => &["ether "],
            _ => &["", "", "ip ", "arp ", "rarp "],
        };
        let dirs: &[&str] = match kind {
            "proto" | "ether" => &[""],
            _ => &["", "", "src ", "dst ", "src or dst ", "dst and src ", "dst or src "],
        };
        let word = match kind {
            "host6" => "host",
            "net6" => "net",
            "ether" => "proto",
            other => other,
        };
        let (proto, dir, id) = (self.pick(protos), self.pick(dirs), self.id(kind, depth));
        format!("{proto}{dir}{word} {id}")
    }

    fn primitive(&mut self, depth: u32) -> String {
        match below(&mut self.rng, 12) {
            0..=5 => {
                let kind = self.pick(&[
                    "port",
                    "port",
                    "portrange",
                    "host",
                    "host",
                    "net",
                    "host6",
                    "net6",
                    "proto",
                    "ether",
                ]);
                self.qualified(&kind, depth)
            }
            6 => {
                let dir = self.pick(&["host", "src", "dst", "src or dst", "dst host"]);
                let mac = self.pick(&["02:00:5e:10:00:01", "0200.5e10.0002", "ff-ff-ff-ff-ff-ff"]);
                format!("ether {dir} {mac}")
            }
            7 => self.pick(&["vlan", "vlan 1", "vlan 100", "vlan 4095"]),
            8 => {
                let (word, number) = (self.pick(&["less", "greater"]), self.number());
                format!("{word} {number}")
            }
            _ => self.pick(&[
                "ip",
                "ip6",
                "arp",
                "rarp",
                "tcp",
                "udp",
                "icmp",
                "icmp6",
                "igmp",
                "sctp",
                "stp",
                "broadcast",
                "multicast",
                "ip multicast",
                "ip6 multicast",
                "ip broadcast",
                "esp",
                "ether multicast",
                "vrrp",
                "pim",
                "llc",
                "ipx",
                "atalk",
                "lat",
            ]),
        }
    }

    fn arithmetic(&mut self, depth: u32) -> String {
        if depth == 0 || self.rng.one_in(4) {
            return match below(&mut self.rng, 5) {
                0 => self.number(),
                1 => "len".to_owned(),
                _ => {
                    let proto = self.pick(&[
                        "ether", "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "arp", "sctp", "igmp",
                    ]);
                    let at = if depth > 1 { self.arithmetic(depth - 2) } else { self.number() };
                    let size = self.pick(&["", "", ":1", ":2", ":4"]);
                    format!("{proto}[{at}{size}]")
                }
            };
        }
        let (a, b) = (self.arithmetic(depth - 1), self.arithmetic(depth - 1));
        match below(&mut self.rng, 8) {
            0 => format!("({a})"),
            1 => format!("-{a}"),
            _ => {
                let op = self.pick(&["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]);
                format!("{a} {op} {b}")
            }
        }
    }

    fn relation(&mut self) -> String {
        let words = [
            "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
            "icmp[icmptype] = icmp-echo",
            "ip[6:2] & 0x1fff = 0",
            "tcp[13] & 2 != 0",
            "icmp6[icmp6type] == icmp6-neighborsolicit",
            "ip[2:2] > 576",
            "((ip[0] & 0xf) << 2) = 24",
        ];
        if self.rng.one_in(3) {
            return self.pick(&words);
        }
        let (a, b) = (self.arithmetic(2), self.arithmetic(1));
        let relation = self.pick(&["=", "==", "!=", "<", ">", "<=", ">="]);
        format!("{a} {relation} {b}")
    }

    fn expression(&mut self, depth: u32) -> String {
        if depth == 0 {
            return if self.rng.one_in(4) { self.relation() } else { self.primitive(1) };
        }
        match below(&mut self.rng, 9) {
            0 => format!("({})", self.expression(depth - 1)),
            1 => format!("not {}", self.expression(0)),
            2 => format!("!({})", self.expression(depth - 1)),
            3 => {
                let join = self.pick(&["or", "and"]);
                let kind = self.pick(&["port", "host", "net", "proto", "host6"]);
                let (first, then) = (self.qualified(&kind, 1), self.id(&kind, 1));
                format!("{first} {join} {then}")
            }
            4 => self.expression(0),
            _ => {
                let (a, b) = (self.expression(depth - 1), self.expression(depth - 1));
                let join = self.pick(&["and", "or", "&&", "||"]);
                format!("{a} {join} {b}")
            }
        }
    }
}

#[test]
fn random_filters_give_the_verdicts_of_tcpdump() {
    if !has("tcpdump") {
        return;
    }
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let count = std::env::var("FILTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let mut both = Both::new(seed, 600);
    let mut grammar = Grammar { rng: Rng::from_seed(seed) };
    for _ in 0..count {
        both.compare(&grammar.expression(3));
    }
    let (some, refused) = both.verdict();
    assert!(some * 3 > count && refused * 4 < count, "seed {seed}: {some}, {refused} of {count}");
}
