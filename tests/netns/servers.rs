//! Real servers: dnsmasq for names and addresses, chrony for time, the licence authority behind a
//! real proxy, OpenSSH from outside.

use std::fs;

use crate::network::{CHASSIS, SERVER};
use crate::wired;

#[test]
fn dhcp_gives_the_address_and_a_configured_one_goes_before_it() {
    let mut network = wired!("ping", "dnsmasq");
    let option = format!("--dhcp-option=option:dns-server,{SERVER}");
    network.dnsmasq(&["--dhcp-range=10.0.0.100,10.0.0.100,2m", &option]);
    let mio = network.mio("packet:mgmt", &["--dhcp"]);
    network.pings("10.0.0.100");
    let screen = mio.types(&["connect local-mgmt", "ping tools.lab count 1"]);
    assert!(screen.contains("1 packets transmitted, 1 received"), "{screen}");
    mio.types(&[
        "scope fabric-interconnect a",
        "set out-of-band ip 10.0.0.15 netmask 255.255.255.0 gw 10.0.0.1",
        "commit-buffer",
    ]);
    network.pings(CHASSIS);
    network.on_hosts(&["ping", "-c1", "-W1", "10.0.0.100"]).expect_err("the lease is given up");
    assert_eq!(mio.process.end(), Some(0));
}

#[test]
fn names_come_from_the_second_server_where_the_first_is_silent() {
    let mut network = wired!("dnsmasq");
    network.dnsmasq(&["--address=/far.lab/10.0.0.1"]);
    let address = format!("{CHASSIS}/24");
    let words = ["--address", &address, "--dns", "10.0.0.9", "--dns", SERVER, "--domain", "lab"];
    let mio = network.mio("packet:mgmt", &words);
    let screen = mio.types(&["connect local-mgmt", "ping far count 1"]);
    assert!(screen.contains("PING far (10.0.0.1)"), "{screen}");
    assert!(screen.contains("1 packets transmitted, 1 received"), "{screen}");
}

#[test]
fn the_clock_follows_chrony() {
    let mut network = wired!("chronyd");
    let file = network.path("chrony.conf");
    let folder = network.path("");
    let conf = format!(
        "local stratum 3\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {0}/chrony.pid\n",
        folder.display()
    );
    fs::write(&file, conf).unwrap();
    let file = file.display().to_string();
    network.serve(&["chronyd", "-x", "-d", "-u", "root", "-f", &file]).says("chronyd version");
    let mio =
        network.configured("packet:mgmt", &["--ntp", SERVER, "--clock", "2020-08-04T07:58:13Z"]);
    mio.waits("synchronized");
    let screen = mio.types(&["scope system", "scope services", "show ntp-server"]);
    assert!(screen.contains("Time Synchronized"), "{screen}");
    let year = screen_of_date();
    let clock = mio.types(&["show clock"]);
    assert!(clock.contains(&year), "the clock was set to {year}: {clock}");
    assert_eq!(mio.process.end(), Some(0));
}

/// Returns the year of the host, which chrony serves.
fn screen_of_date() -> String {
    let date = std::process::Command::new("date").args(["-u", "+%Y"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_registration_goes_through_a_real_proxy() {
    let mut network = wired!("tinyproxy", "dnsmasq");
    network.dnsmasq(&[]);
    network.authority();
    let (file, log) = (network.path("proxy.conf"), network.path("proxy.log"));
    let conf = format!(
        "Port 8080\nListen {SERVER}\nTimeout 60\nMaxClients 10\nAllow 10.0.0.0/24\nConnectPort 443\n\
         LogFile \"{}\"\nLogLevel Connect\nUser root\nGroup root\n",
        log.display()
    );
    fs::write(&file, conf).unwrap();
    // The proxy asks the system's resolver, which knows nothing of this network.
    let hosts = format!("/etc/netns/{}", network.hosts());
    fs::create_dir_all(&hosts).unwrap();
    fs::write(format!("{hosts}/hosts"), format!("{SERVER} tools.lab\n")).unwrap();
    let file = file.display().to_string();
    let _ = network.serve(&["tinyproxy", "-d", "-c", &file]);
    network.until("tinyproxy listens", || {
        network.on_hosts(&["bash", "-c", "exec 3<>/dev/tcp/10.0.0.1/8080"])
    });
    let mio = network.configured("packet:mgmt", &[]);
    mio.types(&[
        "scope monitoring",
        "scope callhome",
        "set http-proxy-server-enable on",
        &format!("set http-proxy-server-url {SERVER}"),
        "set http-proxy-server-port 8080",
        "commit-buffer",
        "top",
        "scope license",
        &format!("register idtoken {}", network.token()),
    ]);
    mio.waits("registered");
    let log = fs::read_to_string(&log).unwrap();
    let _ = fs::remove_dir_all(&hosts);
    assert!(log.contains("CONNECT tools.lab:443"), "{log}");
}

#[test]
fn openssh_gets_in_until_an_ip_block_keeps_it_out_before_any_handshake() {
    let network = wired!("ssh", "ssh-keyscan");
    let mio = network.configured("packet:mgmt", &[]);
    let scan = || network.on_hosts(&["ssh-keyscan", "-T", "3", CHASSIS]);
    let keys = network.until("it shows its key", || {
        scan().and_then(|keys| if keys.contains("ssh-ed25519") { Ok(keys) } else { Err(keys) })
    });
    assert!(keys.contains(CHASSIS), "{keys}");
    mio.types(&[
        "scope system",
        "scope services",
        "enter ip-block 192.0.2.0 24 ssh",
        "exit",
        "delete ip-block 0.0.0.0 0 ssh",
        "commit-buffer",
    ]);
    let kept_out = scan().unwrap_or_default();
    assert!(!kept_out.contains("ssh-"), "{kept_out}");
}

#[test]
fn a_root_is_imported_at_the_console() {
    let mut network = wired!("dnsmasq");
    network.dnsmasq(&[]);
    network.authority();
    let (root, licensing) = (network.path("root.pem"), network.path("licensing.pem"));
    let address = format!("{CHASSIS}/24");
    let url = "https://tools.lab/its/service/oddce/services/DDCEService";
    let words = ["--address", &address, "--dns", SERVER, "--authority", url];
    let mio = network.mio("packet:mgmt", &words);
    let mut lines = vec!["scope security".to_owned()];
    for (name, file) in [("CHdefault", root), ("CiscoLicRoot", licensing)] {
        lines.push(format!("enter trustpoint {name}"));
        lines.push("set certchain".to_owned());
        lines.extend(fs::read_to_string(file).unwrap().lines().map(str::to_owned));
        lines.push("ENDOFBUF".to_owned());
        lines.push("exit".to_owned());
    }
    lines.extend(["commit-buffer", "top", "scope license"].map(str::to_owned));
    lines.push(format!("register idtoken {}", network.token()));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let screen = mio.types(&lines);
    assert!(!screen.contains("Error"), "{screen}");
    mio.waits("registered");
}

#[test]
fn a_time_server_with_a_key_is_believed_and_one_without_is_not() {
    let mut network = wired!("chronyd");
    let (file, keys) = (network.path("chrony.conf"), network.path("chrony.keys"));
    let folder = network.path("");
    fs::write(&keys, "7 SHA1 ASCII:between-us\n").unwrap();
    let conf = format!(
        "local stratum 3\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {0}/chrony.pid\n\
         keyfile {0}/chrony.keys\n",
        folder.display()
    );
    fs::write(&file, conf).unwrap();
    let file = file.display().to_string();
    network.serve(&["chronyd", "-x", "-d", "-u", "root", "-f", &file]).says("chronyd version");
    let mio = network.configured("packet:mgmt", &[]);
    let key = |text: &str| {
        let lines = [
            "scope system",
            "scope services",
            "enable ntp-authentication",
            "enter ntp-server 10.0.0.1",
            "set ntp-sha1-key-id 7",
            "set ntp-sha1-key-string",
            text,
            text,
            "commit-buffer",
        ];
        mio.types(&lines)
    };
    let screen = key("not-his");
    let wrong = mio.ctl("wait synchronized 4s");
    assert!(wrong.is_err(), "a proof with another key counts: {wrong:?}: {screen}");
    key("between-us");
    mio.waits("synchronized");
}

#[test]
fn the_log_goes_to_a_server() {
    let network = wired!("tcpdump");
    let words = ["tcpdump", "-l", "-n", "-A", "-i", "wire", "udp", "port", "514"];
    let mut dump = network.start(&network.hosts(), &words);
    dump.says("listening on");
    let mio = network.configured("packet:mgmt", &[]);
    mio.types(&[
        "scope monitoring",
        "enable syslog remote-destination server-1",
        "set syslog remote-destination server-1 hostname 10.0.0.1",
        "set syslog remote-destination server-1 level information",
        "set syslog remote-destination server-1 facility local3",
        "commit-buffer",
        "top",
        "scope license",
        "register idtoken no-such-token",
    ]);
    let line = dump.says("SMART_LIC");
    // Facility 19, severities 3 to 6.
    assert!(["<155>", "<156>", "<157>", "<158>"].iter().any(|pri| line.contains(pri)), "{line}");
}

#[test]
fn https_answers_until_an_ip_block_keeps_everybody_out() {
    let network = wired!("curl");
    let mio = network.configured("packet:mgmt", &["--name", "edge"]);
    let get = || network.on_hosts(&["curl", "-sk", "-m", "3", "https://10.0.0.15/"]);
    let page = network.until("the page is there", get);
    assert!(page.contains("edge"), "{page}");
    mio.types(&[
        "scope system",
        "scope services",
        "delete ip-block 0.0.0.0 0 https",
        "commit-buffer",
    ]);
    let words = ["curl", "-skv", "-m", "3", "https://10.0.0.15/"];
    let kept_out = network.on_hosts(&words).expect_err("nobody is let in");
    assert!(!kept_out.contains("TLS handshake"), "{kept_out}");
}
