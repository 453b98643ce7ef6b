//! What was seen in a frame, by the names that display filters use.
//!
//! # Source
//! The display filter reference of Wireshark 4.0 for names and labels.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::pcap::Frame;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Number,
    Flag,
    Mac,
    V4,
    V6,
    Text,
}

/// A value that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(u64),
    Mac([u8; 6]),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Text(String),
}

/// A field and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub field: Field,
    pub value: Value,
}

macro_rules! fields {
    ($($field:ident, $name:literal, $shape:ident, $label:literal;)*) => {
        /// A field that is noted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $label] $field,)*
        }

        impl Field {
            /// All fields, in the order of the layers.
            pub const ALL: &'static [Field] = &[$(Field::$field,)*];

            /// Returns the name that a display filter has for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)*
                }
            }

            /// Returns what it is called in the `detail` layout.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Field::$field => $label,)*
                }
            }

            /// Returns what it holds.
            pub const fn shape(self) -> Shape {
                match self {
                    $(Field::$field => Shape::$shape,)*
                }
            }
        }
    };
}

fields! {
    FrameNumber, "frame.number", Number, "Frame Number";
    FrameLen, "frame.len", Number, "Frame Length";
    FrameCapLen, "frame.cap_len", Number, "Capture Length";
    EthDst, "eth.dst", Mac, "Destination";
    EthSrc, "eth.src", Mac, "Source";
    EthType, "eth.type", Number, "Type";
    VlanId, "vlan.id", Number, "ID";
    ArpOpcode, "arp.opcode", Number, "Opcode";
    ArpSrcMac, "arp.src.hw_mac", Mac, "Sender MAC address";
    ArpSrcIp, "arp.src.proto_ipv4", V4, "Sender IP address";
    ArpDstMac, "arp.dst.hw_mac", Mac, "Target MAC address";
    ArpDstIp, "arp.dst.proto_ipv4", V4, "Target IP address";
    IpLen, "ip.len", Number, "Total Length";
    IpId, "ip.id", Number, "Identification";
    IpDf, "ip.flags.df", Flag, "Don't fragment";
    IpMf, "ip.flags.mf", Flag, "More fragments";
    IpOffset, "ip.frag_offset", Number, "Fragment Offset";
    IpTtl, "ip.ttl", Number, "Time to Live";
    IpProto, "ip.proto", Number, "Protocol";
    IpSrc, "ip.src", V4, "Source Address";
    IpDst, "ip.dst", V4, "Destination Address";
    Ip6Len, "ipv6.plen", Number, "Payload Length";
    Ip6Next, "ipv6.nxt", Number, "Next Header";
    Ip6Hops, "ipv6.hlim", Number, "Hop Limit";
    Ip6Src, "ipv6.src", V6, "Source Address";
    Ip6Dst, "ipv6.dst", V6, "Destination Address";
    IcmpType, "icmp.type", Number, "Type";
    IcmpCode, "icmp.code", Number, "Code";
    Icmp6Type, "icmpv6.type", Number, "Type";
    Icmp6Code, "icmpv6.code", Number, "Code";
    UdpSrc, "udp.srcport", Number, "Source Port";
    UdpDst, "udp.dstport", Number, "Destination Port";
    UdpLen, "udp.length", Number, "Length";
    TcpSrc, "tcp.srcport", Number, "Source Port";
    TcpDst, "tcp.dstport", Number, "Destination Port";
    TcpStream, "tcp.stream", Number, "Stream index";
    TcpLen, "tcp.len", Number, "TCP Segment Len";
    TcpSeq, "tcp.seq", Number, "Sequence Number";
    TcpAck, "tcp.ack", Number, "Acknowledgment Number";
    TcpFlags, "tcp.flags", Number, "Flags";
    TcpFlagCwr, "tcp.flags.cwr", Flag, "Congestion Window Reduced";
    TcpFlagEce, "tcp.flags.ece", Flag, "ECN-Echo";
    TcpFlagUrg, "tcp.flags.urg", Flag, "Urgent";
    TcpFlagAck, "tcp.flags.ack", Flag, "Acknowledgment";
    TcpFlagPush, "tcp.flags.push", Flag, "Push";
    TcpFlagReset, "tcp.flags.reset", Flag, "Reset";
    TcpFlagSyn, "tcp.flags.syn", Flag, "Syn";
    TcpFlagFin, "tcp.flags.fin", Flag, "Fin";
    TcpWindow, "tcp.window_size", Number, "Calculated window size";
    TcpWindowValue, "tcp.window_size_value", Number, "Window";
    TcpRetransmission, "tcp.analysis.retransmission", Flag, "Retransmission";
    TcpDuplicateAck, "tcp.analysis.duplicate_ack", Flag, "Duplicate ACK";
    TcpLostSegment, "tcp.analysis.lost_segment", Flag, "Previous segment not captured";
    TcpOutOfOrder, "tcp.analysis.out_of_order", Flag, "Out-of-order segment";
    TcpFastRetransmission, "tcp.analysis.fast_retransmission", Flag, "Fast retransmission";
    TcpSpuriousRetransmission, "tcp.analysis.spurious_retransmission", Flag, "Spurious retransmission";
    TcpZeroWindow, "tcp.analysis.zero_window", Flag, "Zero window";
    TcpZeroWindowProbe, "tcp.analysis.zero_window_probe", Flag, "Zero window probe";
    TcpZeroWindowProbeAck, "tcp.analysis.zero_window_probe_ack", Flag, "Zero window probe ACK";
    TcpKeepAlive, "tcp.analysis.keep_alive", Flag, "Keep-alive";
    TcpKeepAliveAck, "tcp.analysis.keep_alive_ack", Flag, "Keep-alive ACK";
    TcpWindowFull, "tcp.analysis.window_full", Flag, "Window full";
    TcpWindowUpdate, "tcp.analysis.window_update", Flag, "Window update";
    TcpAckedUnseen, "tcp.analysis.ack_lost_segment", Flag, "ACKed unseen segment";
    TcpPortsReused, "tcp.analysis.reused_ports", Flag, "Port numbers reused";
    TcpAnalysisFlags, "tcp.analysis.flags", Flag, "Analysis flags";
    DnsId, "dns.id", Number, "Transaction ID";
    DnsResponse, "dns.flags.response", Flag, "Response";
    DnsRcode, "dns.flags.rcode", Number, "Reply code";
    DnsQueryName, "dns.qry.name", Text, "Name";
    DnsQueryType, "dns.qry.type", Number, "Type";
    DnsAnswerName, "dns.resp.name", Text, "Name";
    DnsA, "dns.a", V4, "Address";
    DnsAaaa, "dns.aaaa", V6, "AAAA Address";
    HttpMethod, "http.request.method", Text, "Request Method";
    HttpUri, "http.request.uri", Text, "Request URI";
    HttpHost, "http.host", Text, "Host";
    HttpRequest, "http.request", Flag, "Request";
    HttpResponse, "http.response", Flag, "Response";
    HttpCode, "http.response.code", Number, "Status Code";
    TlsContent, "tls.record.content_type", Number, "Content Type";
    TlsHandshake, "tls.handshake.type", Number, "Handshake Type";
    TlsServerName, "tls.handshake.extensions_server_name", Text, "Server Name";
    NtpMode, "ntp.flags.mode", Number, "Mode";
    NtpStratum, "ntp.stratum", Number, "Peer Clock Stratum";
    DhcpType, "dhcp.option.dhcp", Number, "DHCP";
    DhcpTransaction, "dhcp.id", Number, "Transaction ID";
    SyslogFacility, "syslog.facility", Number, "Facility";
    SyslogLevel, "syslog.level", Number, "Level";
    SyslogMessage, "syslog.msg", Text, "Message";
    TftpOpcode, "tftp.opcode", Number, "Opcode";
    SshProtocol, "ssh.protocol", Text, "Protocol";
    FtpRequest, "ftp.request.command", Text, "Request command";
    FtpResponse, "ftp.response.code", Number, "Response code";
}

/// What was noted about one frame. Off, it notes nothing and costs a comparison a field.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub(super) on: bool,
    layers: Vec<&'static str>,
    facts: Vec<Fact>,
    /// How many of both there were where a segment's payload begins.
    mark: (usize, usize),
}

/// Most facts that are noted about one frame.
const FACTS_MAX: usize = 512;

impl Facts {
    /// Returns the protocols that were seen, the outermost first.
    pub fn layers(&self) -> &[&'static str] {
        &self.layers
    }

    /// Returns what was seen, the outermost first.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn clear(&mut self) {
        self.layers.clear();
        self.facts.clear();
    }

    /// Remembers that what comes now may turn out to be a part of something only.
    pub(super) fn mark(&mut self) {
        self.mark = (self.layers.len(), self.facts.len());
    }

    /// Forgets what was noted since the mark.
    pub(super) fn forget(&mut self) {
        let (layers, facts) = self.mark;
        self.layers.truncate(layers);
        self.facts.truncate(facts);
    }

    pub(super) fn layer(&mut self, name: &'static str) {
        if self.on && self.layers.len() < FACTS_MAX {
            self.layers.push(name);
        }
    }

    fn note(&mut self, field: Field, value: Value) {
        if self.facts.len() < FACTS_MAX {
            self.facts.push(Fact { field, value });
        }
    }

    pub(super) fn number(&mut self, field: Field, value: u64) {
        if self.on {
            self.note(field, Value::Number(value));
        }
    }

    pub(super) fn flag(&mut self, field: Field, value: bool) {
        self.number(field, u64::from(value));
    }

    pub(super) fn mac(&mut self, field: Field, value: [u8; 6]) {
        if self.on {
            self.note(field, Value::Mac(value));
        }
    }

    pub(super) fn v4(&mut self, field: Field, value: Ipv4Addr) {
        if self.on {
            self.note(field, Value::V4(value));
        }
    }

    pub(super) fn v6(&mut self, field: Field, value: Ipv6Addr) {
        if self.on {
            self.note(field, Value::V6(value));
        }
    }

    pub(super) fn text(&mut self, field: Field, value: &str) {
        if self.on {
            self.note(field, Value::Text(value.to_owned()));
        }
    }

    pub(super) fn frame(&mut self, number: u32, frame: &Frame<'_>) {
        self.layer("frame");
        self.number(Field::FrameNumber, u64::from(number));
        self.number(Field::FrameLen, u64::from(frame.wire_len));
        self.number(Field::FrameCapLen, frame.bytes.len() as u64);
    }
}
