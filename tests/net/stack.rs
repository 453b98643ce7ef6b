//! TCP, UDP and the wire, between two stacks on one switch.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vfxos::net::link::hub::{Hub, HubPort};
use vfxos::net::link::{Link, LinkError, Mac};
use vfxos::net::stack::{
    ConnectError, Direction, ListenError, PingError, Stack, StackConfig, StackError,
};

use crate::network::{MTU, SHORT, SOON, at, cidr, host, tap};

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

fn pair() -> (Hub, Stack, Stack) {
    let hub = Hub::new();
    let a = host(hub.port(MTU), 1, &["192.0.2.1/24"], None);
    let b = host(hub.port(MTU), 2, &["192.0.2.2/24"], None);
    (hub, a, b)
}

#[tokio::test]
async fn a_megabyte_goes_both_ways_and_both_ends_see_the_end() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 80, 4).unwrap();
    let data: Vec<u8> = (0..1_u32 << 20).map(|n| n.to_le_bytes()[1] ^ n.to_le_bytes()[0]).collect();
    let server = tokio::spawn(async move {
        let (mut stream, peer) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        stream.shutdown().await.unwrap();
        (peer, stream)
    });
    let mut stream = a.connect(at(B, 80), SOON).await.unwrap();
    assert_eq!(stream.peer_addr(), at(B, 80));
    stream.write_all(&data).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    timeout(SOON, stream.read_to_end(&mut back)).await.unwrap().unwrap();
    assert!(back == data, "{} bytes came back", back.len());
    let (peer, _) = server.await.unwrap();
    assert_eq!(peer, stream.local_addr());
}

#[tokio::test]
async fn a_connection_fails_in_one_of_three_ways() {
    let (_hub, a, _b) = pair();
    let table = [
        (at(B, 81), ConnectError::Refused),
        (at(Ipv4Addr::new(192, 0, 2, 77), 80), ConnectError::TimedOut),
        (at(Ipv4Addr::new(198, 51, 100, 1), 80), ConnectError::NoRoute),
    ];
    for (to, want) in table {
        assert_eq!(a.connect(to, SHORT).await.unwrap_err(), want, "{to}");
    }
    assert!(matches!(a.listen(None, 0, 1), Err(ListenError::NoPort)));
    let _first = a.listen(None, 80, 1).unwrap();
    assert!(matches!(a.listen(None, 80, 1), Err(ListenError::InUse { port: 80 })));
}

#[tokio::test]
async fn a_full_backlog_ignores_and_lets_in_later() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 80, 1).unwrap();
    let _first = a.connect(at(B, 80), SOON).await.unwrap();
    assert_eq!(a.connect(at(B, 80), SHORT).await.unwrap_err(), ConnectError::TimedOut);
    assert!(b.stats().syn_dropped > 0);
    let (waiting, accepted) = tokio::join!(a.connect(at(B, 80), SOON), async {
        listener.accept().await.unwrap();
        listener.accept().await.unwrap()
    });
    assert_eq!(accepted.1, waiting.unwrap().local_addr());
}

#[tokio::test]
async fn a_port_opens_again_after_its_listener_is_dropped() {
    let (_hub, a, b) = pair();
    drop(b.listen(None, 80, 1).unwrap());
    assert_eq!(a.connect(at(B, 80), SOON).await.unwrap_err(), ConnectError::Refused);
    let listener = b.listen(None, 80, 1).unwrap();
    let (client, server) = tokio::join!(a.connect(at(B, 80), SOON), listener.accept());
    assert!(client.is_ok() && server.is_ok());
}

#[tokio::test]
async fn a_dropped_stream_with_unread_data_resets() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 80, 1).unwrap();
    let (client, server) = tokio::join!(a.connect(at(B, 80), SOON), listener.accept());
    let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
    client.write_all(b"two").await.unwrap();
    server.read_u8().await.unwrap();
    drop(server);
    let mut rest = Vec::new();
    let read = timeout(SOON, client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn closed_connections_leave_no_socket_behind() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 80, 4).unwrap();
    for _ in 0..20 {
        let (client, server) = tokio::join!(a.connect(at(B, 80), SOON), listener.accept());
        let (mut client, (server, _)) = (client.unwrap(), server.unwrap());
        drop(server);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    }
    // Whoever was closed by its peer first is gone once its own FIN is acknowledged.
    until(|| a.socket_count() == 0).await;
}

#[tokio::test]
async fn few_closed_connections_are_remembered_and_none_before_its_end() {
    let (_hub, a, b) = pair();
    let (seen, _tapped) = tap(&a);
    let listener = b.listen(None, 80, 4).unwrap();
    let (mut clients, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let (client, server) = tokio::join!(a.connect(at(B, 80), SOON), listener.accept());
        clients.push(client.unwrap());
        servers.push(server.unwrap().0);
    }
    drop(clients);
    for server in &mut servers {
        assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
        // As TLS does, whose last words ride on the FIN.
        server.write_all(b"bye").await.unwrap();
    }
    drop(servers);
    // Who closes first waits for what may come late, and the buffers of 40 would be 5 MB.
    until(|| a.socket_count() <= 8).await;
    until(|| b.socket_count() == 0).await;
    let resets = seen.lock().iter().filter(|(_, _, f)| f[23] == 6 && f[47] & 4 != 0).count();
    assert_eq!(resets, 0, "the last packet of a peer was not acknowledged");
}

#[tokio::test]
async fn a_port_is_not_used_again_soon() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 80, 4).unwrap();
    let mut ports = Vec::new();
    for _ in 0..5 {
        let (client, _server) = tokio::join!(a.connect(at(B, 80), SOON), listener.accept());
        ports.push(client.unwrap().local_addr().port());
    }
    let follows = |pair: &[u16]| pair[1] == pair[0] + 1 || pair == [60_999, 32_768];
    assert!(ports.windows(2).all(follows), "{ports:?}");
}

#[tokio::test]
async fn a_datagram_sent_just_before_the_socket_is_dropped_arrives() {
    let (_hub, a, b) = pair();
    let server = b.bind_udp(at(B, 514)).unwrap();
    for n in 0..3_u8 {
        let socket = a.bind_udp(at(Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.send_to(&[n], at(B, 514)).await.unwrap();
        drop(socket);
    }
    let mut got = Vec::new();
    for _ in 0..3 {
        let mut buffer = [0; 16];
        let (len, from) = timeout(SOON, server.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(from.ip(), IpAddr::V4(A));
        got.extend_from_slice(&buffer[..len]);
    }
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2]);
    until(|| a.socket_count() == 0).await;
}

#[tokio::test]
async fn a_tap_sees_both_ways_and_can_be_taken_off() {
    let (_hub, a, b) = pair();
    let (seen, tapped) = tap(&a);
    let mut pinger = a.pinger();
    let echo = pinger.ping(B, 1, 64, &[7; 56], SOON).await.unwrap();
    assert_eq!((echo.from, echo.ttl, echo.len), (B.into(), 64, 64));
    let frames = seen.lock().clone();
    let ways: Vec<Direction> = frames.iter().map(|(way, _, _)| *way).collect();
    assert!(ways.contains(&Direction::In) && ways.contains(&Direction::Out));
    assert!(frames.iter().any(|(way, _, f)| *way == Direction::Out && f[12..14] == [8, 6]));
    assert!(frames.iter().any(|(way, _, f)| *way == Direction::In && f[12..14] == [8, 0]));
    drop(tapped);
    let count = seen.lock().len();
    pinger.ping(B, 2, 64, &[], SOON).await.unwrap();
    assert_eq!(seen.lock().len(), count);
    drop(b);
}

#[tokio::test]
async fn an_idle_stack_stands_still() {
    let (_hub, a, b) = pair();
    let _listener = b.listen(None, 80, 4).unwrap();
    let _socket = b.bind_udp(at(B, 514)).unwrap();
    a.pinger().ping(B, 1, 64, &[], SOON).await.unwrap();
    let before = settled(&[&a, &b]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!([a.stats().turns, b.stats().turns], before[..]);
}

#[tokio::test]
async fn an_address_changes_at_run_time_and_is_announced() {
    let (_hub, a, b) = pair();
    let (seen, _tapped) = tap(&a);
    let _listener = b.listen(None, 80, 4).unwrap();
    let there = Ipv4Addr::new(192, 0, 2, 9);
    b.set_address(cidr("192.0.2.9/24"), Some(IpAddr::V4(A))).unwrap();
    assert_eq!(b.addresses(), [cidr("192.0.2.9/24")]);
    a.connect(at(there, 80), SOON).await.unwrap();
    let gratuitous = |f: &[u8]| f[12..14] == [8, 6] && f[28..32] == f[38..42];
    let announced =
        seen.lock().iter().any(|(_, _, f)| gratuitous(f) && f[28..32] == [192, 0, 2, 9]);
    assert!(announced);
    assert_eq!(a.connect(at(B, 80), SHORT).await.unwrap_err(), ConnectError::TimedOut);
    let far = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let refused = b.set_address(cidr("192.0.2.9/24"), Some(far));
    assert_eq!(refused, Err(StackError::GatewayOffLink { gateway: far }));
    assert_eq!(
        b.set_addresses(&[cidr("192.0.2.9/24"); 9], None).unwrap_err(),
        StackError::TooManyAddresses { count: 9 }
    );
}

#[tokio::test]
async fn the_last_handle_gives_the_port_back() {
    let (hub, a, b) = pair();
    let socket = b.bind_udp(at(B, 514)).unwrap();
    drop(b);
    a.pinger().ping(B, 1, 64, &[], SOON).await.expect("the socket keeps the stack alive");
    drop(socket);
    until(|| hub.port_count() == 1).await;
}

/// A link that is gone after a number of looks.
struct Fading(HubPort, u8);

impl Link for Fading {
    fn mtu(&self) -> usize {
        self.0.mtu()
    }
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        self.1 = self.1.checked_sub(1).ok_or(LinkError::Gone)?;
        self.0.receive(buffer)
    }
    fn send(&mut self, frame: &[u8]) {
        self.0.send(frame);
    }
    async fn ready(&mut self) {
        if self.1 > 0 {
            pending::<()>().await;
        }
    }
}

#[tokio::test]
async fn a_lost_link_ends_whoever_waits() {
    let hub = Hub::new();
    let stack = host(Fading(hub.port(MTU), 1), 1, &["192.0.2.1/24"], None);
    let listener = stack.listen(None, 80, 1).unwrap();
    let socket = stack.bind_udp(at(A, 514)).unwrap();
    let mut buffer = [0; 1];
    let (accepted, received) =
        timeout(SOON, async { tokio::join!(listener.accept(), socket.recv_from(&mut buffer)) })
            .await
            .expect("both are woken");
    assert!(accepted.is_err() && received.is_err());
    assert_eq!(stack.dead(), Some(LinkError::Gone));
    assert_eq!(stack.connect(at(B, 80), SOON).await.unwrap_err(), ConnectError::NoRoute);
}

#[tokio::test]
async fn a_flood_of_connections_costs_the_backlog_only() {
    let (hub, a, b) = pair();
    let _listener = b.listen(None, 80, 8).unwrap();
    let mut attacker = hub.port(MTU);
    let mut frame = syn_frame(b.mac());
    for n in 0..1000_u16 {
        frame[34..36].copy_from_slice(&(1024 + n).to_be_bytes());
        fill_checksums(&mut frame);
        attacker.send(&frame);
        if n % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    until(|| b.stats().syn_dropped > 100).await;
    assert!(b.socket_count() <= 9, "{} sockets", b.socket_count());
    a.pinger().ping(B, 1, 64, &[], SOON).await.expect("the host still answers");
}

#[tokio::test]
async fn a_guard_keeps_addresses_out_as_if_nothing_were_there() {
    let (_hub, a, b) = pair();
    let listener = b.listen(None, 22, 8).unwrap();
    listener.set_guard(Some(Arc::new(|from| from != IpAddr::V4(A))));
    assert_eq!(a.connect(at(B, 22), SHORT).await.unwrap_err(), ConnectError::TimedOut);
    assert!(b.stats().syn_kept_out > 0);
    listener.set_guard(Some(Arc::new(|from| from == IpAddr::V4(A))));
    let mut stream = a.connect(at(B, 22), SOON).await.unwrap();
    let (mut accepted, _) = listener.accept().await.unwrap();
    listener.set_guard(Some(Arc::new(|_| false)));
    stream.write_all(b"still here").await.unwrap();
    let mut buffer = [0; 10];
    accepted.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"still here");
}

#[tokio::test]
async fn a_station_can_not_have_a_group_address() {
    let mac = Mac([1, 0, 0, 0, 0, 1]);
    let config = StackConfig { mac, addresses: Vec::new(), gateway: None, slaac: false };
    assert_eq!(
        Stack::spawn(config, Hub::new().port(MTU)).unwrap_err(),
        StackError::GroupMac { mac }
    );
}

fn syn_frame(to: Mac) -> Vec<u8> {
    let mut frame = vec![0; 54];
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
    frame[12..15].copy_from_slice(&[8, 0, 0x45]);
    frame[17] = 40;
    (frame[22], frame[23]) = (64, 6);
    frame[26..30].copy_from_slice(&[192, 0, 2, 200]);
    frame[30..34].copy_from_slice(&B.octets());
    frame[37] = 80;
    (frame[46], frame[47]) = (5 << 4, 2);
    frame
}

fn fill_checksums(frame: &mut [u8]) {
    use smoltcp::wire::{Ipv4Packet, TcpPacket};
    let mut ip = Ipv4Packet::new_unchecked(&mut frame[14..]);
    ip.fill_checksum();
    let (from, to) = (ip.src_addr().into(), ip.dst_addr().into());
    TcpPacket::new_unchecked(&mut frame[34..]).fill_checksum(&from, &to);
}

/// Yields until something is so.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, wait).await.expect("it never became so");
}

/// Returns the stacks' turns once they have stood still for a while.
async fn settled(stacks: &[&Stack]) -> Vec<u64> {
    let turns = || stacks.iter().map(|stack| stack.stats().turns).collect::<Vec<_>>();
    let mut before = turns();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = turns();
        if after == before {
            return after;
        }
        before = after;
    }
}

#[tokio::test]
async fn one_who_is_absent_does_not_hold_up_the_others() {
    let (_hub, a, b) = pair();
    let (seen, _tapped) = tap(&a);
    let server = b.bind_udp(at(B, 514)).unwrap();
    let socket = a.bind_udp(at(Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let absent = Ipv4Addr::new(192, 0, 2, 77);
    let lost = timeout(SHORT, socket.send_to(b"x", at(absent, 514))).await;
    assert!(lost.is_err(), "still asking");
    socket.send_to(b"y", at(B, 514)).await.unwrap();
    let mut buffer = [0; 4];
    let received = timeout(SHORT, server.recv_from(&mut buffer)).await.unwrap().unwrap();
    assert_eq!((received.0, buffer[0]), (1, b'y'));
    let asked = |target: Ipv4Addr| {
        let request = |f: &[u8]| f[12..14] == [8, 6] && f[21] == 1 && f[38..42] == target.octets();
        seen.lock().iter().filter(|(way, _, f)| *way == Direction::Out && request(f)).count()
    };
    assert_eq!((asked(B), asked(absent)), (1, 1), "one question each, none of smoltcp's own");
}

#[tokio::test]
async fn who_is_absent_is_asked_for_three_times() {
    let (_hub, a, _b) = pair();
    let (seen, _tapped) = tap(&a);
    let absent = Ipv4Addr::new(192, 0, 2, 77);
    let mut pinger = a.pinger();
    let (connected, pinged) =
        tokio::join!(a.connect(at(absent, 80), SOON), pinger.ping(absent, 1, 64, &[], SOON));
    assert_eq!(connected.unwrap_err(), ConnectError::Unreachable);
    assert_eq!(pinged.unwrap_err(), PingError::Unreachable { from: A.into(), code: 1 });
    let asked = seen.lock().iter().filter(|(_, _, f)| f[38..42] == absent.octets()).count();
    assert_eq!(asked, 3);
    let before = settled(&[&a]).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(a.stats().turns, before[0], "and then no more");
}
