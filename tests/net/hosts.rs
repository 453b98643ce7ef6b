//! What a chassis sees of the lab's network: router, DNS, NTP.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::timeout;
use vfxos::base::time::Utc;
use vfxos::net::dns::{DnsError, Patience, resolve, resolve_within};
use vfxos::net::hosts::router::{Effect, Fault, Protocol};
use vfxos::net::hosts::{DnsMode, Modes, NtpMode};
use vfxos::net::ntp::{Client, Servers};
use vfxos::net::stack::{ConnectError, Direction, PingError};
use vfxos::proto::ntp::Status;

use crate::network::{
    AUTHORITY, CHASSIS, DNS, GATEWAY, GATEWAY_MAC, NOBODY, Network, SHORT, SOON, TestClock, at,
    cidr, tap,
};

const QUICK: Patience = Patience { wait: Duration::from_millis(200), tries: 2 };

#[tokio::test]
async fn what_is_remote_comes_through_the_gateway() {
    let network = Network::now();
    let (seen, _tapped) = tap(&network.chassis);
    let mut pinger = network.chassis.pinger();
    for (sequence, remote) in (1..).zip([DNS, AUTHORITY[0], AUTHORITY[1]]) {
        let echo = pinger.ping(remote, sequence, 64, &[0; 56], SOON).await.unwrap();
        assert_eq!((echo.from, echo.ttl), (remote.into(), 63));
    }
    let echo = pinger.ping(GATEWAY, 9, 64, &[0; 56], SOON).await.unwrap();
    assert_eq!(echo.ttl, 64);
    for (_, _, frame) in seen.lock().iter().filter(|(way, ..)| *way == Direction::In) {
        assert_eq!(frame[6..12], GATEWAY_MAC.0, "nobody else is on the wire");
    }
}

#[tokio::test]
async fn where_nobody_is_nobody_answers() {
    let network = Network::now();
    let (seen, _tapped) = tap(&network.chassis);
    let mut pinger = network.chassis.pinger();
    let ping = pinger.ping(NOBODY, 1, 64, &[], SHORT).await;
    assert_eq!(ping.unwrap_err(), PingError::TimedOut);
    let answered = |f: &[u8]| f[12..14] == [8, 6] && f[28..32] == NOBODY.octets();
    assert!(!seen.lock().iter().any(|(_, _, frame)| answered(frame)));
    let hop = pinger.ping(DNS, 2, 1, &[], SOON).await;
    assert_eq!(hop.unwrap_err(), PingError::TimeExceeded { from: GATEWAY.into() });
    let nowhere = pinger.ping(Ipv4Addr::new(192, 0, 2, 1), 3, 64, &[], SOON).await;
    assert_eq!(nowhere.unwrap_err(), PingError::Unreachable { from: GATEWAY.into(), code: 0 });
}

#[tokio::test]
async fn faults_on_the_way() {
    let network = Network::now();
    let _listener = network.authority.listen(None, 443, 16).unwrap();
    let connect = |wait| network.chassis.connect(at(AUTHORITY[0], 443), wait);
    connect(SOON).await.unwrap();
    let table = [
        (Effect::Refuse, Err(ConnectError::Refused)),
        (Effect::BlackHole, Err(ConnectError::TimedOut)),
        (Effect::Duplicate, Ok(())),
        (Effect::Delay(SHORT / 4), Ok(())),
    ];
    for (effect, want) in table {
        let to = cidr("72.163.4.38/32");
        let fault =
            Fault { from: None, to, protocol: Some(Protocol::Tcp), port: Some(443), effect };
        network.router.set_fault("authority", fault).unwrap();
        let wait = if want == Err(ConnectError::TimedOut) { SHORT } else { SOON };
        assert_eq!(connect(wait).await.map(|_| ()), want, "{effect:?}");
    }
    assert!(network.router.clear_fault("authority"));
    assert!(!network.router.clear_fault("authority"));
    connect(SOON).await.unwrap();
}

#[tokio::test]
async fn names_resolve_or_fail_in_their_own_way() {
    let network = Network::now();
    let dns = [IpAddr::V4(DNS)];
    let ask = |name: &'static str, domain: Option<&'static str>| {
        let stack = &network.chassis;
        async move { resolve_within(stack, &dns, domain, name, QUICK).await }
    };
    let authority: Vec<IpAddr> = AUTHORITY.map(IpAddr::V4).to_vec();
    let found = resolve(&network.chassis, &dns, None, "tools.cisco.com").await;
    assert_eq!(found, Ok(authority.clone()));
    assert_eq!(ask("TOOLS.cisco.com.", None).await, Ok(authority.clone()));
    assert_eq!(ask("tools", Some("cisco.com")).await, Ok(authority.clone()));
    assert_eq!(ask("192.0.2.7", None).await, Ok(vec!["192.0.2.7".parse().unwrap()]));
    assert_eq!(ask("tools.example.com", None).await, Err(DnsError::NoSuchName));
    assert_eq!(ask("..", None).await, Err(DnsError::Name));
    let none = resolve_within(&network.chassis, &[], None, "tools.cisco.com", QUICK).await;
    assert_eq!(none, Err(DnsError::NoServer));

    let wrong = Ipv4Addr::new(192, 0, 2, 99);
    let table = [
        (DnsMode::Silent, Err(DnsError::Silent)),
        (DnsMode::ServFail, Err(DnsError::Silent)),
        (DnsMode::NxDomain, Err(DnsError::NoSuchName)),
        (DnsMode::Wrong(wrong), Ok(vec![IpAddr::V4(wrong)])),
        (DnsMode::Answer, Ok(authority)),
    ];
    for (mode, want) in table {
        network.dns.set_modes(Modes::of_all(mode));
        assert_eq!(ask("tools.cisco.com", None).await, want, "{mode:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_twice_under_one_id_and_then_the_next_one_counts() {
    let network = Network::now();
    network.dns.set_modes(Modes::of_all(DnsMode::Silent));
    let (seen, _tapped) = tap(&network.chassis);
    let servers = [IpAddr::V4(DNS)];
    let failed = resolve_within(&network.chassis, &servers, None, "tools.cisco.com", QUICK).await;
    assert_eq!(failed, Err(DnsError::Silent));
    let queries: Vec<_> = seen
        .lock()
        .iter()
        .filter(|(way, _, f)| *way == Direction::Out && f[23] == 17 && f[36..38] == [0, 53])
        .map(|(_, at, frame)| (*at, frame.clone()))
        .collect();
    let [(first_at, first), (second_at, second)] = &queries[..] else {
        panic!("{} queries", queries.len())
    };
    assert_eq!(first[42..44], second[42..44], "one id");
    assert_eq!(first.len(), 75, "as the seed's capture has it");
    assert!(*second_at - *first_at >= QUICK.wait);

    network.dns.set_modes(Modes::of_all(DnsMode::Answer));
    let servers = [IpAddr::V4(NOBODY), IpAddr::V4(DNS)];
    let found = resolve_within(&network.chassis, &servers, None, "tools.cisco.com", QUICK).await;
    assert_eq!(found.unwrap().len(), 2);
}

fn servers() -> Servers {
    Servers {
        servers: [NOBODY.to_string(), "172.18.108.14".into(), "ntp15.lab".into()].to_vec(),
        dns: vec![IpAddr::V4(DNS)],
        domain: None,
        keys: Default::default(),
    }
}

/// Waits until the statuses are these.
async fn statuses(client: &Client, want: &[Status]) {
    let mut now = client.statuses();
    let found = now.wait_for(|all| all.iter().map(|(_, status)| *status).eq(want.iter().copied()));
    let found = timeout(SOON, found).await.map(|all| all.is_ok());
    assert_eq!(found, Ok(true), "{:?}", client.statuses().borrow());
}

#[tokio::test]
async fn the_ntp_listing_of_the_seed() {
    let clock = TestClock::at(Utc::from_unix_s(1_596_783_526));
    let network = Network::new(clock.clock());
    network.dns.set("ntp15.lab", vec![Ipv4Addr::new(172, 18, 108, 15)]);
    let (seen, _tapped) = tap(&network.chassis);
    let client = Client::spawn(network.chassis.clone(), clock.clock(), |c| panic!("{c:?}"));
    let client = client.unwrap();
    client.configure(servers()).await;
    statuses(&client, &[Status::Unreachable, Status::Synchronized, Status::Candidate]).await;
    let from_123 = |f: &[u8]| f[23] == 17 && f[26..30] == CHASSIS.octets() && f[34..36] == [0, 123];
    assert!(seen.lock().iter().any(|(way, _, f)| *way == Direction::Out && from_123(f)));
}

#[tokio::test]
async fn the_chassis_s_clock_is_corrected_and_not_the_server_s() {
    let truth = Utc::from_unix_s(1_596_783_526);
    let network = Network::new(TestClock::at(truth).clock());
    let chassis = TestClock::at(truth.shifted_ms(-86_400_000));
    let moved = chassis.clone();
    let client = Client::spawn(network.chassis.clone(), chassis.clock(), move |correction| {
        assert!(correction.step);
        moved.shift(correction.by_ms);
    });
    let client = client.unwrap();
    let servers = Servers { servers: vec!["172.18.108.14".into()], ..Servers::default() };
    client.configure(servers).await;
    statuses(&client, &[Status::Synchronized]).await;
    let set = async {
        while chassis.read() != truth {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, set).await.expect("the clock was set");
}

#[tokio::test]
async fn servers_that_have_no_time_or_a_false_one() {
    use Status::{Falsetick, Synchronized, Unreachable};
    let table = [
        (NtpMode::Silent, [Unreachable, Synchronized]),
        (NtpMode::Unsynchronised, [Unreachable, Synchronized]),
        (NtpMode::Deny, [Unreachable, Synchronized]),
        (NtpMode::FalseTicker { off_ms: 60_000 }, [Falsetick, Falsetick]),
    ];
    let one = |(mode, want): (NtpMode, [Status; 2])| async move {
        let clock = TestClock::at(Utc::from_unix_s(1_596_783_526));
        let network = Network::new(clock.clock());
        network.ntp[0].set_modes(Modes::of_all(mode));
        let client = Client::spawn(network.chassis.clone(), clock.clock(), |_| {}).unwrap();
        let names = ["172.18.108.14", "172.18.108.15"].map(str::to_owned).to_vec();
        client.configure(Servers { servers: names, ..Servers::default() }).await;
        statuses(&client, &want).await;
    };
    let [a, b, c, d] = table.map(one);
    tokio::join!(a, b, c, d);
}
