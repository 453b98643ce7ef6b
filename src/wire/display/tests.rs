//! What display filters take and refuse; which frames they choose, a test beside tshark tells.

use super::{Display, Why};
use crate::wire::pcap::{Frame, LinkType, Stamp};
use crate::wire::summary::{Dissector, Words};

/// A SYN from 192.0.2.1:40000 to 198.51.100.7:443.
fn syn() -> Vec<u8> {
    let mut frame = vec![2, 0, 0x5e, 0x10, 0, 2, 2, 0, 0x5e, 0x10, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend([192, 0, 2, 1, 198, 51, 100, 7]);
    frame.extend([0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0, 0, 0, 0]);
    frame
}

fn takes(filter: &str) -> bool {
    let mut dissector = Dissector::new(Words::Modern).noting();
    let bytes = syn();
    let wire_len = u32::try_from(bytes.len()).unwrap();
    let at = Stamp::from_ns(0);
    dissector.frame(&Frame { at, digits: 9, link: LinkType::ETHERNET, wire_len, bytes: &bytes });
    Display::compile(filter).unwrap().matches(dissector.facts())
}

#[test]
fn frames_are_chosen_by_what_was_seen_in_them() {
    for filter in [
        "",
        "tcp",
        "not udp",
        "ip.addr == 192.0.2.1",
        "ip.addr==198.51.100.0/24 && tcp.port eq 443",
        "tcp.flags.syn == 1 and tcp.flags.ack == 0",
        "tcp.flags == 0x002",
        "tcp.port in {80, 443, 8000 .. 8080}",
        "tcp.dstport not in {80}",
        "udp or tcp and ip",
        "!(arp or dns)",
        "eth.src == 02:00:5e:10:00:01",
        "ip.addr !== 192.0.2.1",
        "frame.len > 50 && frame.len < 100",
    ] {
        assert!(takes(filter), "{filter}");
    }
    for filter in [
        "udp",
        "ip.addr != 192.0.2.1",
        "ip.addr === 192.0.2.1",
        "udp.port != 53",
        "tcp.port not in {443}",
        "(tcp or udp) and arp",
        "dns.qry.name contains \"cisco\"",
        "frame.len lt 10",
    ] {
        assert!(!takes(filter), "{filter}");
    }
}

#[test]
fn a_word_that_is_not_known_is_refused_in_its_place() {
    let refused = |text: &str| {
        let error = Display::compile(text).unwrap_err();
        (error.offset, error.why)
    };
    assert_eq!(refused("tcp and foo.bar == 1"), (8, Why::Unknown("foo.bar".into())));
    let value = Why::Value { text: "abc".into(), what: "number" };
    assert_eq!(refused("tcp.port == abc"), (12, value));
    assert_eq!(refused("tcp.port in {80 443}"), (16, Why::Unexpected("443".into())));
    assert_eq!(refused("tcp.port =="), (11, Why::End));
    assert_eq!(refused("tcp == 1"), (0, Why::Protocol));
    assert_eq!(refused("(tcp"), (4, Why::End));
    assert_eq!(refused("tcp)"), (3, Why::Unexpected(")".into())));
    assert_eq!(refused("http.host == \"x"), (13, Why::Quotes));
    assert_eq!(refused(&"!".repeat(200)).1, Why::TooDeep);
    assert_eq!(refused("tcp.port contains 4"), (9, Why::Search("contains")));
    assert_eq!(refused("ip.src == 300.1.1.1").0, 10);
}

/// Any text is taken or refused, and none panics.
#[test]
fn noise_never_panics() {
    let mut rng = crate::base::rng::Rng::from_seed(11);
    let pieces = [
        "tcp",
        "ip.addr",
        "==",
        "!",
        "(",
        ")",
        "{",
        "}",
        "..",
        ",",
        "\"",
        "\\",
        "é",
        "443",
        "and",
        "or",
        "in",
        "not",
        "matches",
        "~",
        "[",
        "10.0.0.0/8",
        " ",
        "0x",
        "frame.len",
    ];
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..rng.next_u64() % 12 {
            let piece = usize::try_from(rng.next_u64()).unwrap_or(0) % pieces.len();
            text += pieces[piece];
        }
        if let Err(error) = Display::compile(&text) {
            assert!(error.offset <= text.len(), "{text}");
        }
    }
}
