//! The long form of a frame: every layer, and under it every field that was noted.

use std::fmt::Write as _;

use crate::wire::pcap::Frame;
use crate::wire::summary::{Dissector, Fact, Field, Shape, Value};

/// Writes a frame in full, and an empty line behind it.
///
/// # Source
/// tshark 4.0 with `-V` for the order and the indentation; of its fields those that we know.
pub(super) fn text(dissector: &Dissector, frame: &Frame<'_>) -> String {
    let line = dissector.line();
    let (number, wire, kept) = (line.number, frame.wire_len, frame.bytes.len());
    let bits = |bytes: usize| bytes.saturating_mul(8);
    let wire_bits = bits(usize::try_from(wire).unwrap_or(usize::MAX));
    let mut out = String::new();
    // A String never fails, here and below.
    let _ = writeln!(
        out,
        "Frame {number}: {wire} bytes on wire ({wire_bits} bits), {kept} bytes captured ({} bits)",
        bits(kept)
    );
    let _ = writeln!(out, "    Arrival Time: {} UTC", frame.at.dated(9));
    let facts = dissector.facts();
    for (at, layer) in facts.layers().iter().enumerate() {
        if at > 0 {
            let _ = writeln!(out, "{}", title(layer));
        }
        for fact in facts.facts().iter().filter(|fact| belongs(fact.field, layer)) {
            let _ = writeln!(out, "    {}: {}", fact.field.label(), shown(fact));
        }
    }
    if !line.info.is_empty() {
        let _ = writeln!(out, "    [{}]", line.info);
    }
    out.push('\n');
    out
}

fn belongs(field: Field, layer: &str) -> bool {
    let own = field.name().split('.').next().unwrap_or_default();
    own == layer || (layer == "rarp" && own == "arp")
}

fn shown(fact: &Fact) -> String {
    match (&fact.value, fact.field.shape()) {
        (Value::Number(number), Shape::Flag) => {
            (if *number == 0 { "Not set" } else { "Set" }).to_owned()
        }
        (Value::Number(number), _) if is_hexadecimal(fact.field) => format!("0x{number:04x}"),
        (Value::Number(number), _) => number.to_string(),
        (Value::Mac([a, b, c, d, e, f]), _) => {
            format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
        }
        (Value::V4(address), _) => address.to_string(),
        (Value::V6(address), _) => address.to_string(),
        (Value::Text(text), _) => text.escape_debug().to_string(),
    }
}

const fn is_hexadecimal(field: Field) -> bool {
    matches!(field, Field::EthType | Field::TcpFlags | Field::DnsId | Field::DhcpTransaction)
}

/// # Source
/// tshark 4.0, the long names of its protocols.
fn title(layer: &str) -> &str {
    match layer {
        "eth" => "Ethernet II",
        "vlan" => "802.1Q Virtual LAN",
        "llc" => "Logical-Link Control",
        "arp" => "Address Resolution Protocol",
        "rarp" => "Address Resolution Protocol (reverse)",
        "ip" => "Internet Protocol Version 4",
        "ipv6" => "Internet Protocol Version 6",
        "icmp" => "Internet Control Message Protocol",
        "icmpv6" => "Internet Control Message Protocol v6",
        "tcp" => "Transmission Control Protocol",
        "udp" => "User Datagram Protocol",
        "dns" => "Domain Name System",
        "mdns" => "Multicast Domain Name System",
        "llmnr" => "Link-local Multicast Name Resolution",
        "ntp" => "Network Time Protocol",
        "dhcp" => "Dynamic Host Configuration Protocol",
        "tls" => "Transport Layer Security",
        "http" => "Hypertext Transfer Protocol",
        "ssh" => "SSH Protocol",
        "syslog" => "Syslog message",
        "tftp" => "Trivial File Transfer Protocol",
        "ftp" => "File Transfer Protocol (FTP)",
        "ftp-data" => "FTP Data",
        other => other,
    }
}
