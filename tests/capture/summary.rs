//! Lines beside tshark: the same frames as a file, line for line, and chosen by the same filters.

use std::process::Command;

use vfxos::base::rng::Rng;
use vfxos::wire::display::Display;
use vfxos::wire::pcap::{FileFormat, Item, Reader, Stamp};
use vfxos::wire::summary::{Dissector, Words};

use super::frames::{self, ALICE, BOB, Ip4, Tcp, ether, udp};
use super::oracle::{Scratch, Shot, file, has};

const CLIENT: [u8; 4] = [10, 62, 148, 225];
const SERVER: [u8; 4] = [172, 31, 200, 100];
/// When the seed's capture began, and how far frames lie apart.
const BEGIN: u64 = 1_596_789_542_515_693_672;
const APART: u64 = 13_000_000;

/// Frames of a file in the making.
#[derive(Default)]
struct Tape(Vec<Vec<u8>>);

impl Tape {
    fn up(&mut self, proto: u8, payload: &[u8]) {
        let packet = Ip4::new(CLIENT, SERVER, proto).packet(payload);
        self.0.push(ether(BOB, ALICE, 0x0800, &packet));
    }

    fn down(&mut self, proto: u8, payload: &[u8]) {
        let packet = Ip4::new(SERVER, CLIENT, proto).packet(payload);
        self.0.push(ether(ALICE, BOB, 0x0800, &packet));
    }

    fn shots(&self, cut: usize) -> Vec<Shot> {
        let shot = |(frame, at): (&Vec<u8>, u64)| Shot {
            at: Stamp::from_ns(at),
            wire_len: u32::try_from(frame.len()).unwrap(),
            bytes: frame.get(..cut).unwrap_or(frame).to_vec(),
        };
        self.0.iter().zip((BEGIN..).step_by(usize::try_from(APART).unwrap())).map(shot).collect()
    }
}

/// One TCP connection.
struct Talk<'a> {
    tape: &'a mut Tape,
    ports: (u16, u16),
    /// What each end says next, the client's first.
    next: [u32; 2],
}

const FIN: u16 = 0x11;
const SYN: u16 = 0x02;
const ACK: u16 = 0x10;
const PUSH: u16 = 0x18;

impl Talk<'_> {
    fn open(tape: &mut Tape, ports: (u16, u16)) -> Talk<'_> {
        let mut talk = Talk { tape, ports, next: [1000, 9000] };
        talk.say(0, SYN, b"");
        talk.say(1, SYN | ACK, b"");
        talk.say(0, ACK, b"");
        talk
    }

    fn say(&mut self, end: usize, flags: u16, data: &[u8]) {
        self.at(end, flags, data, self.next[end], 501);
        let len = u32::try_from(data.len()).unwrap();
        self.next[end] += len + u32::from(flags & (SYN | 1) != 0);
    }

    fn at(&mut self, end: usize, flags: u16, data: &[u8], seq: u32, window: u16) {
        let (client, server) = self.ports;
        let (src, dst) = if end == 0 { (client, server) } else { (server, client) };
        let ack = if flags & ACK == 0 { 0 } else { self.next[1 - end] };
        let options =
            if flags & SYN == 0 { Vec::new() } else { vec![2, 4, 5, 0xb4, 4, 2, 1, 1, 1, 3, 3, 7] };
        let segment = Tcp { src, dst, seq, ack, flags, window, options }.segment(data);
        if end == 0 { self.tape.up(6, &segment) } else { self.tape.down(6, &segment) }
    }

    fn close(mut self) {
        self.say(0, FIN, b"");
        self.say(1, FIN, b"");
        self.say(0, ACK, b"");
    }
}

fn name(text: &str) -> Vec<u8> {
    let mut name = Vec::new();
    for label in text.split('.') {
        name.push(u8::try_from(label.len()).unwrap());
        name.extend(label.as_bytes());
    }
    name.push(0);
    name
}

fn datagrams(tape: &mut Tape) {
    let question = [name("tools.cisco.com"), vec![0, 1, 0, 1]].concat();
    let ask = [&[0x26, 0xb4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
    let answer = [
        &[0x26, 0xb4, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..],
        &question,
        &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 173, 37, 145, 8],
    ]
    .concat();
    tape.up(17, &udp(40_001, 53, &ask));
    tape.down(17, &udp(53, 40_001, &answer));
    tape.up(17, &udp(5353, 5353, &ask));
    tape.up(17, &udp(50_000, 5355, &ask));
    let mut ntp = vec![0; 48];
    ntp[0] = 0x23;
    tape.up(17, &udp(123, 123, &ntp));
    ntp[..2].copy_from_slice(&[0x24, 2]);
    tape.down(17, &udp(123, 123, &ntp));
    let mut dhcp = vec![0; 240];
    dhcp[..8].copy_from_slice(&[1, 1, 6, 0, 0x12, 0x34, 0xab, 0xcd]);
    dhcp[28..34].copy_from_slice(&ALICE);
    dhcp[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    for kind in 1..=8 {
        let message = [&dhcp[..], &[53, 1, kind, 255]].concat();
        tape.up(17, &udp(68, 67, &message));
    }
    tape.up(17, &udp(514, 514, b"<189>Aug  7 08:10:45 FPR4125-1: %FPRM-6-AUDIT: x\ty"));
    tape.up(17, &udp(514, 514, b"no priority \xff\xfe at all"));
    tape.up(17, &udp(2000, 69, b"\0\x01file.bin\0octet\0"));
    tape.down(17, &udp(3000, 2000, &[&[0, 3, 0, 1][..], &[7; 512]].concat()));
    tape.up(17, &udp(2000, 3000, &[0, 4, 0, 1]));
    tape.down(17, &udp(3000, 2000, b"\0\x05\0\x01File not found\0"));
}

/// An ICMP message with its checksum, without which tshark finds no request of a reply.
fn icmp(head: [u8; 8], data: &[u8]) -> Vec<u8> {
    let mut message = [&head[..], data].concat();
    let check = frames::sum(&[&message]).to_be_bytes();
    message[2..4].copy_from_slice(&check);
    message
}

fn errors(tape: &mut Tape) {
    tape.up(1, &icmp([8, 0, 0, 0, 0, 7, 0, 1], &[0x5a; 56]));
    tape.down(1, &icmp([0, 0, 0, 0, 0, 7, 0, 1], &[0x5a; 56]));
    let quoted = Ip4::new(CLIENT, SERVER, 17).packet(&udp(4000, 53, b"abc"));
    for (kind, code) in [(3, 1), (3, 3), (3, 4), (11, 0), (5, 1)] {
        tape.down(1, &icmp([kind, code, 0, 0, 0, 0, 0, 0], &quoted));
    }
    let arp = |op, from, whom, about| frames::arp(op, ALICE, from, whom, about);
    for packet in [
        arp(1, CLIENT, [0; 6], SERVER),
        arp(1, CLIENT, [0; 6], CLIENT),
        arp(1, [0; 4], [0; 6], SERVER),
        arp(2, CLIENT, BOB, SERVER),
        frames::arp(2, BOB, CLIENT, ALICE, SERVER),
    ] {
        tape.0.push(ether([0xff; 6], ALICE, 0x0806, &packet));
    }
}

fn connections(tape: &mut Tape) {
    let mut http = Talk::open(tape, (51_000, 80));
    http.say(0, PUSH, b"GET /index.html HTTP/1.1\r\nHost: www.test\r\n\r\n");
    http.say(1, PUSH, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nab");
    http.say(1, PUSH, b"cdef");
    http.close();
    let mut ftp = Talk::open(tape, (51_001, 21));
    ftp.say(1, PUSH, b"220 Welcome\r\n");
    ftp.say(0, PUSH, b"USER ftp_user\r\n");
    ftp.say(1, PUSH, b"331 Password please\r\n");
    ftp.close();
    let mut ssh = Talk::open(tape, (51_002, 22));
    ssh.say(0, PUSH, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    ssh.say(1, PUSH, b"SSH-2.0-vfxos\r\n");
    ssh.close();
    let hello = [&[1, 0, 0, 43, 3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, 0]].concat();
    let len = u8::try_from(hello.len()).unwrap();
    let mut tls = Talk::open(tape, (51_003, 443));
    tls.say(0, PUSH, &[&[22, 3, 1, 0, len][..], &hello].concat());
    tls.say(1, PUSH, &[21, 3, 3, 0, 2, 2, 40]);
    tls.close();
    let mut odd = Talk::open(tape, (51_004, 9999));
    odd.say(0, PUSH, &[1; 100]);
    odd.at(0, PUSH, &[1; 100], odd.next[0] - 100, 501);
    odd.say(1, ACK, b"");
    odd.say(1, ACK, b"");
    odd.next[0] += 500;
    odd.say(0, ACK, &[2; 100]);
    odd.next[0] -= 600;
    for _ in 0..3 {
        odd.say(1, ACK, b"");
    }
    odd.say(0, ACK, &[2; 500]);
    odd.at(1, ACK, b"", odd.next[1], 0);
    odd.at(1, ACK, b"", odd.next[1], 700);
    odd.say(0, 0x14, b"");
}

fn tape() -> Tape {
    let mut tape = Tape::default();
    datagrams(&mut tape);
    errors(&mut tape);
    connections(&mut tape);
    tape
}

fn tshark(file: &Scratch, filter: &str) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.env("TZ", "UTC").args(["-t", "ud", "-r"]).arg(file.path());
    let output = command.args(["-Y", filter]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn ours(bytes: &[u8], filter: &str) -> Vec<String> {
    let filter = Display::compile(filter).unwrap();
    let mut dissector = Dissector::new(Words::Modern).noting();
    let mut reader = Reader::new();
    reader.feed(bytes);
    let mut lines = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        let Item::Frame(frame) = item else { continue };
        dissector.frame(&frame);
        if filter.matches(dissector.facts()) {
            lines.push(dissector.line().laid_out(Words::Modern).to_string());
        }
    }
    lines
}

fn compare(shots: &[Shot], filters: &[&str]) -> usize {
    let bytes = file(FileFormat::Pcap, shots);
    let scratch = Scratch::new(&bytes);
    let mut count = 0;
    for filter in filters {
        let (theirs, own) = (tshark(&scratch, filter), ours(&bytes, filter));
        for (theirs, own) in theirs.iter().zip(&own) {
            assert_eq!(own, theirs, "`{filter}`");
        }
        assert_eq!(own.len(), theirs.len(), "`{filter}`");
        count += own.len();
    }
    count
}

#[test]
fn lines_are_those_of_tshark() {
    if !has("tshark") {
        return;
    }
    let tape = tape();
    assert_eq!(compare(&tape.shots(usize::MAX), &[""]), tape.0.len());
}

#[test]
fn lines_of_cut_frames_are_those_of_tshark() {
    if !has("tshark") {
        return;
    }
    let mut tape = Tape::default();
    datagrams(&mut tape);
    errors(&mut tape);
    for cut in [40, 68, 96, 128] {
        assert_eq!(compare(&tape.shots(cut), &[""]), tape.0.len(), "{cut}");
    }
}

#[test]
fn display_filters_choose_the_frames_that_tshark_does() {
    if !has("tshark") {
        return;
    }
    let filters = [
        "tcp",
        "dns || ntp && udp",
        "ip.addr == 172.31.200.0/24 and not udp",
        "ip.src != 10.62.148.225",
        "tcp.port in {80, 440..450}",
        "tcp.flags.syn == 1 && tcp.flags.ack == 0",
        "tcp.analysis.flags",
        "tcp.analysis.retransmission or tcp.analysis.zero_window",
        "http.request.method == \"GET\" or http.response",
        "dns.qry.name contains \"cisco\"",
        "tls.handshake.type == 1",
        "icmp.type == 3 && udp.port == 53",
        "ftp.response.code >= 300",
        "dhcp.option.dhcp == 1",
        "syslog.level == 5",
        "eth.dst == ff:ff:ff:ff:ff:ff",
        "!(tcp or udp)",
    ];
    assert!(compare(&tape().shots(usize::MAX), &filters) > filters.len());
}

/// Frames of every kind, whole, cut and damaged, are told in a line, and none panics.
#[test]
fn no_frame_stops_the_dissector_or_a_filter() {
    let mut rng = Rng::from_seed(5);
    let known = tape().0;
    let mut dissector = Dissector::new(Words::Modern).noting();
    let filter = Display::compile("tcp.port == 443 or dns.qry.name matches \"x\"").unwrap();
    for at in 0..20_000_u64 {
        let mut bytes =
            if rng.one_in(2) { frames::any(&mut rng) } else { frames::pick(&mut rng, &known) };
        let wire_len = u32::try_from(bytes.len()).unwrap();
        for _ in 0..frames::below(&mut rng, 4) {
            let place = frames::below(&mut rng, bytes.len());
            bytes[place] = rng.next_u64().to_le_bytes()[0];
        }
        if rng.one_in(3) {
            bytes.truncate(frames::below(&mut rng, bytes.len()));
        }
        let (at, link) = (Stamp::from_ns(at), vfxos::wire::pcap::LinkType::ETHERNET);
        let frame = vfxos::wire::pcap::Frame { at, digits: 9, link, wire_len, bytes: &bytes };
        let line = dissector.frame(&frame).laid_out(Words::Modern).to_string();
        assert!(!line.contains('\n'), "{line:?}");
        filter.matches(dissector.facts());
    }
}
