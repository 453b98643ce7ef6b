use super::*;
use crate::base::rng::Rng;

/// An IPv4 TCP segment from 10.62.148.225:59818 to 173.37.145.8:443 with SYN set.
const SYN: [u8; 54] = [
    0x02, 0, 0x5e, 0x10, 0, 2, 0x02, 0, 0x5e, 0x10, 0, 1, 8, 0, 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64,
    6, 0, 0, 10, 62, 148, 225, 173, 37, 145, 8, 0xe9, 0xaa, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50,
    2, 0x72, 0x10, 0, 0, 0, 0,
];

fn takes(text: &str) -> bool {
    Filter::compile(text, None).unwrap_or_else(|why| panic!("{text}: {why}")).matches(&SYN, 54)
}

#[test]
fn the_filters_of_the_seed_take_what_they_name() {
    assert!(!takes("udp port 53"));
    assert!(takes("tcp port 443"));
    assert!(takes("tcp port 443 and (host 72.163.4.38 or host 173.37.145.8)"));
    assert!(takes(""));
    assert!(takes("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src port https"));
    assert!(takes("len = 54 and less 54 and greater 54"));
}

#[test]
fn what_was_cut_off_is_not_looked_for() {
    let filter = Filter::compile("tcp port 443 or len = 54", None).unwrap();
    assert!(filter.matches(&SYN[..38], 54));
    // Neither the port nor the length: the look at the port ends it.
    assert!(!filter.matches(&SYN[..36], 54));
}

#[test]
fn refusals_point_at_the_word() {
    let table: [(&str, usize, Why); 30] = [
        ("tcp port 443 and inbound", 17, Why::Unsupported("a frame's direction")),
        ("host tools.cisco.com", 5, Why::HostName),
        ("tcp port 443 or tools", 16, Why::PortName),
        ("net 10.0.0.1/8", 4, Why::HostBits),
        ("net 10.0.0.0/33", 4, Why::MaskLength),
        ("host 10.0.0.0/8", 5, Why::MaskOnHost),
        ("tcp port 65536", 9, Why::Port),
        ("udp port http", 9, Why::PortProtocol),
        ("ip proto foo", 9, Why::ProtocolName),
        ("tcp host 1.2.3.4", 9, Why::Qualifier),
        ("host 1.2.3.256", 5, Why::Address),
        ("host 02:00:5e:10:00:01", 5, Why::EtherAddress),
        ("tcp and", 7, Why::Syntax),
        ("tcp and )", 8, Why::Syntax),
        ("(tcp", 4, Why::Syntax),
        ("1.2.3.4", 0, Why::Syntax),
        ("tcp; udp", 3, Why::Character),
        ("port \u{e9}", 5, Why::Character),
        ("vlan 4096", 5, Why::Vlan),
        ("len > 4294967296", 6, Why::Number),
        ("len > 08", 6, Why::Octal),
        ("len > 1 / 0", 8, Why::DivisionByZero),
        ("len > 1 << 32", 8, Why::Shift),
        ("tcp[0:3] = 1", 0, Why::Size),
        ("len > 5 and esp[0] = 1", 12, Why::Index),
        ("tcp broadcast", 4, Why::Qualifier),
        ("ip protochain 6", 3, Why::Unsupported("chains of headers")),
        ("len + (1 + (2 + len)", 20, Why::Syntax),
        ("ether", 0, Why::Syntax),
        ("byte 0 & 1", 7, Why::Unsupported("bits of a `byte`; write `ether[N] & M`")),
    ];
    for (text, offset, why) in table {
        assert_eq!(Filter::compile(text, None), Err(FilterError { offset, why }), "{text}");
    }
    let deep = format!("{}tcp", "not ".repeat(DEPTH_MAX as usize + 1));
    assert_eq!(Filter::compile(&deep, None).unwrap_err().why, Why::TooDeep);
    let cells = format!("len = {}1{}", "1 + (".repeat(20), ")".repeat(20));
    assert_eq!(Filter::compile(&cells, None).unwrap_err().why, Why::TooDeep);
    let long = " ".repeat(TEXT_MAX + 1);
    assert_eq!(Filter::compile(&long, None).unwrap_err().why, Why::TooLong);
}

#[test]
fn every_word_is_known_or_refused_alone() {
    // No word falls through to a name of a host, whatever stands before it.
    for word in ["inbound", "mpls", "gateway", "isis", "vpi", "type", "rnr", "on", "radio"] {
        let why = Filter::compile(&format!("host {word}"), None).unwrap_err().why;
        assert!(matches!(why, Why::Unsupported(_)), "{word}: {why}");
    }
}

#[test]
fn any_text_is_compiled_or_refused_and_any_program_ends() {
    let words = [
        "tcp",
        "port",
        "host",
        "net",
        "(",
        ")",
        "and",
        "or",
        "not",
        "[",
        "]",
        ":",
        "1",
        "443",
        "=",
        "&",
        "|",
        "<<",
        "-",
        "len",
        "vlan",
        "10.0.0.0/8",
        "fe80::1",
        "02:00:5e:10:00:01",
        "ether",
        "src",
        "dst",
        "proto",
        "\\tcp",
        "ip6",
        "icmp[icmptype]",
        "!",
        "%",
        "/",
        "0",
        "portrange",
        "1-5",
        "https",
        "mask",
        "\u{fc}",
        "$1",
        "'",
        "less",
    ];
    let mut rng = Rng::from_seed(5);
    let mut right = 0;
    for _ in 0..30_000 {
        let count = rng.next_u64() % 12;
        let mut text = String::new();
        for _ in 0..count {
            let index = usize::try_from(rng.next_u64() % words.len() as u64).unwrap();
            text.push_str(words[index]);
            text.push_str(if rng.one_in(4) { "" } else { " " });
        }
        if let Ok(filter) = Filter::compile(&text, None) {
            let len = usize::try_from(rng.next_u64() % 55).unwrap();
            filter.matches(&SYN[..len], 54);
            right += 1;
        }
    }
    assert!(right > 1500, "{right}");
    // The longest filters that fit.
    for text in ["port 1 or 2 or ", "not (tcp) and ", "len>1+", "((((((((", "::", "1.", "aa:"] {
        let long = text.repeat(TEXT_MAX / text.len());
        let whole = format!("{}1", long.get(..TEXT_MAX - 1).unwrap_or(&long));
        if let Ok(filter) = Filter::compile(&whole, None) {
            filter.matches(&SYN, 54);
        }
    }
    let ports = format!("port 1{}", " or 2".repeat((TEXT_MAX - 6) / 5));
    assert!(Filter::compile(&ports, None).is_ok());
}
