use std::net::Ipv4Addr;

use smoltcp::wire::{Icmpv4Packet, Ipv4Packet, TcpPacket};

use super::*;

const CHASSIS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const SERVER: Mac = Mac([2, 0, 0, 0, 0, 2]);
const LEFT: Mac = Mac([2, 0, 0, 0, 0, 0x81]);
const RIGHT: Mac = Mac([2, 0, 0, 0, 0, 0x82]);
const NOW: Duration = Duration::ZERO;

fn forwarder() -> Forwarder {
    let port = |mac, text: &str| Port { mac, addresses: vec![text.parse().unwrap()], mtu: 1500 };
    Forwarder::new(vec![port(LEFT, "10.0.0.1/24"), port(RIGHT, "10.0.1.1/24")], 1)
}

/// An IPv4 frame from 10.0.0.9 to the router.
fn frame(to: [u8; 4], ttl: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, ttl, protocol, 0, 0, 10, 0, 0, 9];
    packet.extend_from_slice(&to);
    packet.extend_from_slice(payload);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
    let mut frame = [LEFT.0, CHASSIS.0].concat();
    frame.extend_from_slice(&[8, 0]);
    frame.extend_from_slice(&packet);
    frame
}

fn syn() -> Vec<u8> {
    let mut tcp = vec![0; 20];
    tcp[..4].copy_from_slice(&[0xc0, 0, 1, 187]);
    tcp[4..8].copy_from_slice(&1000_u32.to_be_bytes());
    (tcp[12], tcp[13]) = (5 << 4, 2);
    tcp
}

fn from_server(to: Ipv4Addr) -> Vec<u8> {
    crate::net::stack::frame::arp_reply(SERVER, Ipv4Addr::new(10, 0, 1, 9), RIGHT, to).to_vec()
}

/// A forwarder that knows both hosts.
fn acquainted() -> Forwarder {
    let mut router = forwarder();
    router.receive(NOW, 1, &from_server(Ipv4Addr::new(10, 0, 1, 1)));
    let request = crate::net::stack::frame::arp_request(
        CHASSIS,
        Ipv4Addr::new(10, 0, 0, 9),
        Ipv4Addr::new(10, 0, 0, 1),
    );
    router.receive(NOW, 0, &request);
    router.outgoing.clear();
    router
}

const REMOTE: [u8; 4] = [10, 0, 1, 9];

fn ip(frame: &[u8]) -> Ipv4Packet<&[u8]> {
    let packet = Ipv4Packet::new_checked(&frame[HEADER..]).unwrap();
    assert!(packet.verify_checksum());
    packet
}

#[test]
fn a_packet_goes_on_with_a_lower_time_to_live_and_the_routers_address() {
    let mut router = acquainted();
    router.receive(NOW, 0, &frame(REMOTE, 64, 17, &[0; 8]));
    let [(1, out)] = &router.outgoing[..] else { panic!("{:?}", router.outgoing) };
    assert_eq!(out[..12], [SERVER.0, RIGHT.0].concat());
    assert_eq!(ip(out).hop_limit(), 63);
    assert_eq!(router.stats.forwarded, 1);
}

#[test]
fn an_unknown_host_is_asked_for_and_the_packet_waits() {
    let mut router = forwarder();
    router.receive(NOW, 0, &frame(REMOTE, 64, 17, &[0; 8]));
    assert_eq!(router.outgoing.len(), 1);
    assert_eq!(router.outgoing[0].1[12..14], [8, 6], "ARP");
    router.outgoing.clear();
    router.receive(NOW, 1, &from_server(Ipv4Addr::new(10, 0, 1, 1)));
    assert_eq!(ip(&router.outgoing[0].1).dst_addr(), Ipv4Addr::from(REMOTE));
    assert_eq!(router.deadline(), None);
}

#[test]
fn a_host_that_is_not_there_is_reported_after_three_questions() {
    let mut router = acquainted();
    router.receive(NOW, 0, &frame([10, 0, 1, 77], 64, 17, &[0; 8]));
    let mut asked = 1;
    while let Some(due) = router.deadline() {
        router.outgoing.clear();
        router.due(due);
        asked += router.outgoing.iter().filter(|(_, frame)| frame[13] == 6).count();
    }
    assert_eq!(asked, 3);
    let [(0, out)] = &router.outgoing[..] else { panic!("{:?}", router.outgoing) };
    let icmp = ip(out);
    assert_eq!((icmp.payload()[0], icmp.payload()[1]), (3, 1));
    assert_eq!(icmp.src_addr(), Ipv4Addr::new(10, 0, 0, 1));
    assert!(Icmpv4Packet::new_checked(icmp.payload()).unwrap().verify_checksum());
}

#[test]
fn what_can_not_go_on_is_answered() {
    // Destination, time to live, protocol, payload; type and code of the answer.
    let echo = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
    let table = [
        (REMOTE, 1, 17, vec![0; 8], Some((11, 0))),
        ([192, 0, 2, 1], 64, 17, vec![0; 8], Some((3, 0))),
        ([10, 0, 1, 255], 64, 17, vec![0; 8], Some((3, 0))),
        ([10, 0, 0, 1], 64, 1, echo.to_vec(), Some((0, 0))),
        ([10, 0, 1, 1], 64, 1, echo.to_vec(), Some((0, 0))),
        ([10, 0, 0, 1], 64, 17, vec![0, 1, 0, 2, 0, 8, 0, 0], Some((3, 3))),
        // Nothing is said about ICMP errors.
        (REMOTE, 1, 1, vec![3, 0, 0, 0, 0, 0, 0, 0], None),
        ([10, 0, 0, 1], 64, 1, vec![8, 0, 0, 0, 0, 0, 0, 0], None),
    ];
    for (to, ttl, protocol, payload, want) in table {
        let mut router = acquainted();
        router.receive(NOW, 0, &frame(to, ttl, protocol, &payload));
        let got = router.outgoing.first().map(|(port, out)| {
            assert_eq!(*port, 0);
            (ip(out).payload()[0], ip(out).payload()[1])
        });
        assert_eq!(got, want, "{to:?} {ttl} {protocol}");
    }
}

fn fault(effect: Effect) -> Fault {
    let to = Cidr::new(Ipv4Addr::from(REMOTE).into(), 32).unwrap();
    Fault { from: None, to, protocol: Some(Protocol::Tcp), port: Some(443), effect }
}

#[test]
fn faults_happen_to_what_they_match_and_to_nothing_else() {
    let late = Duration::from_millis(300);
    // Effect; frames out at once, and 300 ms later.
    let table = [
        (Effect::BlackHole, 0, 0),
        (Effect::Refuse, 1, 0),
        (Effect::Unreachable, 1, 0),
        (Effect::Lose { one_in: 1 }, 0, 0),
        (Effect::Lose { one_in: 0 }, 1, 0),
        (Effect::Duplicate, 2, 0),
        (Effect::Delay(late), 0, 1),
    ];
    for (effect, at_once, later) in table {
        let mut router = acquainted();
        assert!(router.faults.set("f", fault(effect)));
        router.receive(NOW, 0, &frame(REMOTE, 64, 6, &syn()));
        assert_eq!(router.outgoing.len(), at_once, "{effect:?}");
        router.outgoing.clear();
        assert_eq!(router.deadline(), (later > 0).then_some(late));
        router.due(late);
        assert_eq!(router.outgoing.len(), later, "{effect:?}");
        router.outgoing.clear();
        let mut other_port = syn();
        other_port[3] = 80;
        for (protocol, payload) in [(17, vec![0; 8]), (6, other_port)] {
            router.receive(NOW, 0, &frame(REMOTE, 64, protocol, &payload));
            assert_eq!(router.outgoing.len(), 1, "{effect:?} {protocol}");
            router.outgoing.clear();
        }
        assert!(router.faults.clear("f"));
    }
}

#[test]
fn a_refused_connection_is_reset_in_the_servers_name() {
    let mut router = acquainted();
    router.faults.set("f", fault(Effect::Refuse));
    router.receive(NOW, 0, &frame(REMOTE, 64, 6, &syn()));
    let [(0, out)] = &router.outgoing[..] else { panic!("{:?}", router.outgoing) };
    let (from, to) = (ip(out).src_addr(), ip(out).dst_addr());
    assert_eq!(from, Ipv4Addr::from(REMOTE));
    let packet = ip(out);
    let tcp = TcpPacket::new_checked(packet.payload()).unwrap();
    assert!(tcp.verify_checksum(&from.into(), &to.into()));
    assert!(tcp.rst() && tcp.ack());
    assert_eq!((tcp.src_port(), tcp.dst_port(), tcp.ack_number().0), (443, 0xc000, 1001));
}

#[test]
fn tables_are_bounded() {
    let mut router = acquainted();
    for n in 0..=FAULTS_MAX {
        assert_eq!(router.faults.set(&n.to_string(), fault(Effect::Duplicate)), n < FAULTS_MAX);
    }
    for n in 0..=255 {
        for _ in 0..20 {
            router.receive(NOW, 0, &frame([10, 0, 1, n], 64, 17, &[0; 8]));
        }
    }
    assert!(router.outgoing.len() < 1024);
    assert!(router.stats.dropped > 200 * 12);
}

#[test]
fn noise_is_ignored() {
    let mut router = acquainted();
    let good = frame(REMOTE, 64, 6, &syn());
    for len in 0..good.len() {
        router.receive(NOW, 0, &good[..len]);
    }
    for at in HEADER..HEADER + 20 {
        let mut bad = good.clone();
        bad[at] ^= 0x5a;
        router.receive(NOW, 0, &bad);
    }
    let mut other = good.clone();
    other[..6].copy_from_slice(&SERVER.0);
    router.receive(NOW, 0, &other);
    router.receive(NOW, 7, &good);
    assert_eq!(router.outgoing, []);
}
