//! The filter language's words: what each stands for, and which are refused.
//!
//! # Source
//! pcap-filter(7).

use super::Why;

/// A protocol that can stand before a primitive, before `[`, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proto {
    Link,
    Ip,
    Ip6,
    /// Known by its Ethernet type alone.
    Type(u16),
    /// Known by its 802.2 access point.
    Sap(u8),
    /// Over IPv4 or IPv6, by number.
    Over(u8),
    /// Over IPv4 only.
    OverIp(u8),
    Icmp6,
}

impl Proto {
    pub(super) const ARP: Proto = Proto::Type(0x0806);
    pub(super) const RARP: Proto = Proto::Type(0x8035);
    pub(super) const ATALK: u16 = 0x809b;
    pub(super) const AARP: u16 = 0x80f3;
    pub(super) const IPX_SAP: u8 = 0xe0;
    pub(super) const TCP: Proto = Proto::Over(6);
    pub(super) const UDP: Proto = Proto::Over(17);
    pub(super) const SCTP: Proto = Proto::Over(132);
}

/// A reserved word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Proto(Proto),
    Src,
    Dst,
    Host,
    Net,
    Mask,
    Port,
    PortRange,
    ByProto,
    Less,
    Greater,
    Byte,
    Broadcast,
    Multicast,
    And,
    Or,
    Not,
    Len,
    Vlan,
    Llc,
    PppoeDiscovery,
}

/// Looks a reserved word up; `None` for any other text.
pub(super) fn word(text: &str) -> Result<Option<Word>, Why> {
    let found = match text {
        "link" | "ether" | "ppp" | "slip" | "fddi" | "tr" | "wlan" => Word::Proto(Proto::Link),
        "ip" => Word::Proto(Proto::Ip),
        "ip6" => Word::Proto(Proto::Ip6),
        "arp" => Word::Proto(Proto::ARP),
        "rarp" => Word::Proto(Proto::RARP),
        "tcp" => Word::Proto(Proto::TCP),
        "udp" => Word::Proto(Proto::UDP),
        "sctp" => Word::Proto(Proto::SCTP),
        "icmp" => Word::Proto(Proto::OverIp(1)),
        "igmp" => Word::Proto(Proto::OverIp(2)),
        "igrp" => Word::Proto(Proto::OverIp(9)),
        "pim" => Word::Proto(Proto::Over(103)),
        "vrrp" | "carp" => Word::Proto(Proto::OverIp(112)),
        "icmp6" => Word::Proto(Proto::Icmp6),
        "ah" => Word::Proto(Proto::Over(51)),
        "esp" => Word::Proto(Proto::Over(50)),
        "atalk" => Word::Proto(Proto::Type(Proto::ATALK)),
        "aarp" => Word::Proto(Proto::Type(Proto::AARP)),
        "decnet" => Word::Proto(Proto::Type(0x6003)),
        "lat" => Word::Proto(Proto::Type(0x6004)),
        "sca" => Word::Proto(Proto::Type(0x6007)),
        "mopdl" => Word::Proto(Proto::Type(0x6001)),
        "moprc" => Word::Proto(Proto::Type(0x6002)),
        "iso" => Word::Proto(Proto::Sap(0xfe)),
        "stp" => Word::Proto(Proto::Sap(0x42)),
        "ipx" => Word::Proto(Proto::Sap(Proto::IPX_SAP)),
        "netbeui" => Word::Proto(Proto::Sap(0xf0)),
        "src" => Word::Src,
        "dst" => Word::Dst,
        "host" => Word::Host,
        "net" => Word::Net,
        "mask" => Word::Mask,
        "port" => Word::Port,
        "portrange" => Word::PortRange,
        "proto" => Word::ByProto,
        "less" => Word::Less,
        "greater" => Word::Greater,
        "byte" => Word::Byte,
        "broadcast" => Word::Broadcast,
        "multicast" => Word::Multicast,
        "and" => Word::And,
        "or" => Word::Or,
        "not" => Word::Not,
        "len" | "length" => Word::Len,
        "vlan" => Word::Vlan,
        "llc" => Word::Llc,
        "pppoed" => Word::PppoeDiscovery,
        other => {
            return match UNSUPPORTED.iter().find(|(word, _)| *word == other) {
                Some((_, why)) => Err(Why::Unsupported(why)),
                None => Ok(None),
            };
        }
    };
    Ok(Some(found))
}

/// Words that libpcap knows and this code refuses, with what they would ask for.
static UNSUPPORTED: &[(&str, &str)] = &[
    ("protochain", "chains of headers"),
    ("gateway", "gateways, which are found by name"),
    ("inbound", "a frame's direction"),
    ("outbound", "a frame's direction"),
    ("ifindex", "interface numbers"),
    ("ifname", "packet filter logs"),
    ("on", "packet filter logs"),
    ("rset", "packet filter logs"),
    ("ruleset", "packet filter logs"),
    ("rnr", "packet filter logs"),
    ("rulenum", "packet filter logs"),
    ("srnr", "packet filter logs"),
    ("subrulenum", "packet filter logs"),
    ("reason", "packet filter logs"),
    ("action", "packet filter logs"),
    ("mpls", "MPLS labels"),
    ("pppoes", "PPPoE sessions"),
    ("geneve", "Geneve tunnels"),
    ("type", "802.11 frames"),
    ("subtype", "802.11 frames"),
    ("dir", "802.11 frames"),
    ("direction", "802.11 frames"),
    ("address1", "802.11 frames"),
    ("address2", "802.11 frames"),
    ("address3", "802.11 frames"),
    ("address4", "802.11 frames"),
    ("addr1", "802.11 frames"),
    ("addr2", "802.11 frames"),
    ("addr3", "802.11 frames"),
    ("addr4", "802.11 frames"),
    ("ra", "802.11 frames"),
    ("ta", "802.11 frames"),
    ("radio", "radio headers"),
    ("esis", "OSI protocols"),
    ("es-is", "OSI protocols"),
    ("isis", "OSI protocols"),
    ("is-is", "OSI protocols"),
    ("clnp", "OSI protocols"),
    ("l1", "OSI protocols"),
    ("l2", "OSI protocols"),
    ("iih", "OSI protocols"),
    ("lsp", "OSI protocols"),
    ("snp", "OSI protocols"),
    ("csnp", "OSI protocols"),
    ("psnp", "OSI protocols"),
    ("lane", "ATM cells"),
    ("metac", "ATM cells"),
    ("bcc", "ATM cells"),
    ("oam", "ATM cells"),
    ("oamf4", "ATM cells"),
    ("oamf4ec", "ATM cells"),
    ("oamf4sc", "ATM cells"),
    ("sc", "ATM cells"),
    ("ilmic", "ATM cells"),
    ("vpi", "ATM cells"),
    ("vci", "ATM cells"),
    ("connectmsg", "ATM cells"),
    ("metaconnect", "ATM cells"),
    ("fisu", "SS7 signalling"),
    ("lssu", "SS7 signalling"),
    ("lsu", "SS7 signalling"),
    ("msu", "SS7 signalling"),
    ("hfisu", "SS7 signalling"),
    ("hlssu", "SS7 signalling"),
    ("hmsu", "SS7 signalling"),
    ("sio", "SS7 signalling"),
    ("opc", "SS7 signalling"),
    ("dpc", "SS7 signalling"),
    ("sls", "SS7 signalling"),
    ("hsio", "SS7 signalling"),
    ("hopc", "SS7 signalling"),
    ("hdpc", "SS7 signalling"),
    ("hsls", "SS7 signalling"),
];

/// Looks up a word that stands for a number: offsets of fields and their values.
pub(super) fn number(text: &str) -> Option<u32> {
    let row = NUMBERS.iter().find(|(word, _)| *word == text);
    row.map(|(_, number)| *number)
}

static NUMBERS: &[(&str, u32)] = &[
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
    ("icmp6-certpathsolicit", 148),
    ("icmp6-certpathadvert", 149),
    ("icmp6-multicastrouteradvert", 151),
    ("icmp6-multicastroutersolicit", 152),
    ("icmp6-multicastrouterterm", 153),
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
];

/// Looks up the number of a protocol over IP.
///
/// # Source
/// The registry of protocol numbers, in the selection that Debian ships as `/etc/protocols`.
pub(super) fn ip_protocol(name: &str) -> Option<u32> {
    let row = IP_PROTOCOLS.iter().find(|(row, _)| *row == name);
    row.map(|(_, number)| *number)
}

static IP_PROTOCOLS: &[(&str, u32)] = &[
    ("ip", 0),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("rdp", 27),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ipip", 94),
    ("etherip", 97),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// Looks up the Ethernet type, or the access point, of a protocol.
pub(super) fn ether_protocol(name: &str) -> Option<u32> {
    match name {
        "ip" => Some(0x0800),
        "ip6" => Some(0x86dd),
        "loopback" => Some(0x9000),
        "arp" | "rarp" | "aarp" | "atalk" | "decnet" | "lat" | "mopdl" | "moprc" | "sca"
        | "iso" | "stp" | "ipx" | "netbeui" => match word(name) {
            Ok(Some(Word::Proto(Proto::Type(number)))) => Some(u32::from(number)),
            Ok(Some(Word::Proto(Proto::Sap(number)))) => Some(u32::from(number)),
            Ok(_) | Err(_) => None,
        },
        _ => None,
    }
}
