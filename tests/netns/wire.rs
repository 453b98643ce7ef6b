//! The wire itself: addresses, announcements, checksums, links that go and come back.

use crate::network::{CHASSIS, SERVER};
use crate::wired;

#[test]
fn an_interface_and_a_tap_answer_and_end_in_order() {
    for mgmt in ["packet:mgmt", "tap:fx"] {
        let network = wired!("ping");
        if mgmt.starts_with("tap") {
            network.bridge("fx");
        }
        let mio = network.configured(mgmt, &[]);
        network.pings(CHASSIS);
        network.on_hosts(&["ping", "-c1", "-W2", "-s", "4000", CHASSIS]).expect("fragments");
        let screen = mio.types(&["connect local-mgmt", &format!("ping {SERVER} count 2")]);
        assert!(screen.contains("2 packets transmitted, 2 received"), "{mgmt}: {screen}");
        assert_eq!(mio.process.end(), Some(0), "{mgmt}");
    }
}

#[test]
fn an_address_changes_with_its_commit_and_outlives_a_restart() {
    let network = wired!("ping");
    let mio = network.configured("packet:mgmt", &[]);
    network.pings(CHASSIS);
    mio.types(&[
        "scope fabric-interconnect a",
        "set out-of-band ip 10.0.0.77 netmask 255.255.255.0 gw 10.0.0.1",
        "commit-buffer",
    ]);
    network.pings("10.0.0.77");
    network.on_hosts(&["ping", "-c1", "-W1", CHASSIS]).expect_err("the old address is gone");
    assert_eq!(mio.process.end(), Some(0));
    let _mio = network.mio("packet:mgmt", &[]);
    network.pings("10.0.0.77");
}

#[test]
fn ipv6_works_configured_and_advertised() {
    let mut network = wired!("ping", "dnsmasq");
    network.dnsmasq(&["--enable-ra", "--dhcp-range=fd00:5::,ra-only,64"]);
    let hosts = network.hosts();
    network.ip(&format!("-n {hosts} addr add fd00:5::1/64 dev wire nodad"));
    let mio = network.configured("packet:mgmt", &["--slaac", "--mac", "02:57:00:00:00:05"]);
    // The tail is that of the hardware address, RFC 4291.
    network.pings("fd00:5::57:ff:fe00:5");
    mio.types(&[
        "scope fabric-interconnect a",
        "scope ipv6-config",
        "set out-of-band ipv6 fd00::15 ipv6-prefix 64 ipv6-gw fd00::1",
        "commit-buffer",
    ]);
    network.pings("fd00::15");
    network.pings("fd00:5::57:ff:fe00:5");
    let screen = mio.types(&["connect local-mgmt", "ping6 fd00::1 count 2", "traceroute6 fd00::1"]);
    assert!(screen.contains("2 packets transmitted, 2 received"), "{screen}");
    assert!(screen.contains("traceroute to fd00::1"), "{screen}");
    assert_eq!(mio.process.end(), Some(0));
}

#[test]
fn what_is_on_the_wire_is_announced_and_summed_right() {
    for mgmt in ["packet:mgmt", "tap:fx"] {
        let mut network = wired!("ping", "tcpdump", "dnsmasq");
        network.dnsmasq(&[]);
        network.authority();
        if mgmt.starts_with("tap") {
            network.bridge("fx");
        }
        let file = network.path("pcap").display().to_string();
        let mut dump = network.start(
            &network.hosts(),
            &["tcpdump", "--immediate-mode", "-i", "wire", "-U", "-w", &file],
        );
        dump.says("listening on");
        let mio = network.configured(mgmt, &[]);
        mio.types(&["scope license", &format!("register idtoken {}", network.token())]);
        mio.waits("registered");
        assert_eq!(dump.end(), Some(0));
        let read = |filter: &[&str]| {
            let words = ["tcpdump", "-nnvv", "-r", &file];
            network.on_hosts(&[&words[..], filter].concat()).unwrap()
        };
        let claim = format!("who-has {CHASSIS} tell {CHASSIS}");
        assert!(read(&["arp"]).contains(&claim), "{mgmt}: no gratuitous ARP");
        let ours = read(&["src", "host", CHASSIS]);
        assert!(ours.contains("443"), "{mgmt}: no registration in it: {ours}");
        // What the kernel of the receiver sums itself shows as incorrect here; ours crossed the cable.
        if mgmt == "packet:mgmt" {
            let udp: Vec<_> = ours.lines().filter(|line| line.contains("bad udp cksum")).collect();
            assert!(udp.is_empty(), "{udp:?}");
        }
        mio.process.end();
    }
}

#[test]
fn a_link_that_goes_is_waited_for() {
    let network = wired!("ping");
    let mut mio = network.configured("packet:mgmt", &[]);
    let (hosts, chassis) = (network.hosts(), network.chassis());
    network.pings(CHASSIS);
    // The kernel says at most once a second that a link has come up.
    network.until("the link is known to be up", || {
        let shown = network.ip(&format!("-n {chassis} link show mgmt"));
        if shown.contains("state UP") { Ok(()) } else { Err(shown) }
    });
    mio.ctl("status").expect("it has heard so too");
    network.ip(&format!("-n {hosts} link set wire down"));
    mio.process.says("the link is down");
    network.ip(&format!("-n {hosts} link set wire up"));
    mio.process.says("the link is up");
    network.pings(CHASSIS);
    network.ip(&format!("-n {chassis} link del mgmt"));
    mio.process.says("the interface is gone");
    network.ip(&format!("-n {hosts} link add wire type veth peer name mgmt netns {chassis}"));
    network.ip(&format!("-n {hosts} addr add {SERVER}/24 dev wire"));
    network.ip(&format!("-n {hosts} link set wire up"));
    network.ip(&format!("-n {chassis} link set mgmt up"));
    mio.process.says("the interface is back");
    network.pings(CHASSIS);
    assert_eq!(mio.process.end(), Some(0));
}

#[test]
fn a_tap_that_is_deleted_and_made_again_carries_on() {
    let network = wired!("ping");
    network.bridge("fx");
    let mut mio = network.configured("tap:fx", &[]);
    network.pings(CHASSIS);
    let chassis = network.chassis();
    network.ip(&format!("-n {chassis} link del fx"));
    mio.process.says("the interface is gone");
    network.tap("fx");
    network.pings(CHASSIS);
    assert_eq!(mio.process.end(), Some(0));
}

#[test]
fn a_wire_that_loses_doubles_and_reorders_does_not_stop_a_registration() {
    let mut network = wired!("tc", "dnsmasq");
    network.dnsmasq(&[]);
    network.authority();
    let netem = [
        "netem",
        "loss",
        "5%",
        "duplicate",
        "5%",
        "delay",
        "5ms",
        "reorder",
        "20%",
        "corrupt",
        "1%",
    ];
    let words = [&["tc", "qdisc", "add", "dev", "wire", "root"][..], &netem].concat();
    if let Err(why) = network.on_hosts(&words) {
        eprintln!("skipped: no netem here: {}", why.trim());
        return;
    }
    let mio = network.configured("packet:mgmt", &[]);
    mio.types(&["scope license", &format!("register idtoken {}", network.token())]);
    mio.waits("registered");
    assert_eq!(mio.process.end(), Some(0));
}

#[test]
fn somebody_in_the_place_of_a_neighbour_is_noted() {
    let network = wired!("ping");
    let mut mio = network.configured("packet:mgmt", &[]);
    network.pings(CHASSIS);
    let hosts = network.hosts();
    network.ip(&format!("-n {hosts} link set wire address 02:00:00:00:00:99"));
    network.ip(&format!("-n {hosts} neigh flush all"));
    network.pings(CHASSIS);
    let line = mio.process.says("moved from");
    assert!(line.contains(SERVER) && line.contains("02:00:00:00:00:99"), "{line}");
}
