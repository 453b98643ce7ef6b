//! Every command that client kick and the backup clients send: it parses and has its effect.

use super::*;

/// Section 1.3 of the reference, in the order of a session; `!` lines say what must show.
///
/// # Source
/// Client: firepower-kickstart 0.2.1, `ssp.py`, `chassis.py` and `fxos/`; RANCID; Oxidized.
const KICK: &str = r#"
top
terminal length 0
terminal width 511
scope system
scope services
create dns 192.0.2.53
show dns
!    IP Address: 192.0.2.53
set domain-name lab.test
show domain-name
!Domain Name: lab.test
create ntp-server 192.0.2.123
commit-buffer
up
show ntp-server detail
!    Name: 192.0.2.123
top
scope fabric a
show detail
!    OOB IP Addr: 0.0.0.0
set out-of-band ip 192.0.2.7 netmask 255.255.255.0 gw 192.0.2.1
commit-buffer
show detail
!    OOB IP Addr: 192.0.2.7
up
scope chassis
scope fabric-interconnect
show detail
!    Ingress VLAN Group Entry Count (Current/Max): 0/500
!    Switch Forwarding Path Entry Count (Current/Max): 0/1021
top
scope eth-up
scope fabric a
show interface
show interface detail
!    Port Name: Ethernet1/1
scope interface Ethernet1/1
set port-type data
enable
commit-buffer
show detail
!    Port Type: Data
!    Admin State: Enabled
!    Oper State: Up
set port-type mgmt
commit
show detail
!    Port Type: Mgmt
set port-type firepower-eventing
commit
sh detail
!    Port Type: Firepower Eventing
set port-type data-sharing
commit
sh detail
!    Port Type: Data Sharing
set port-type data
disable
commit-buffer
show detail
!    Admin State: Disabled
enter subinterface 100
set vlan 100
set port-type data
enable
commit-buffer
show detail
!    Sub-If Id: 100
!    Sub-Interface Name: Ethernet1/1.100
!    VLAN: 100
!    Port Type: Data
exit
show subinterface
show subinterface detail
!    Sub-If Id: 100
delete subinterface 100
commit-buffer
top
scope ssa
scope eth-uplink
scope fabric
enter port-channel 1
create member-port Ethernet1/2
enable
up
set port-type cluster
enable
commit-buffer
show detail
!    Port Type: Cluster
!    Admin State: Enabled
show member-port
!    Ethernet1/2     Up                 Up
up
show port-channel
scope port-channel 1
up
delete port-channel 1
commit-buffer
show aggr-interface detail
top
scope cabling
scope fabric a
create breakout 1 3
commit-buffer
scope eth-uplink
scope fabric a
show aggr-interface detail
!    Port Name: Ethernet1/3
!    Config State: Applied
enter aggr-interface Ethernet1/3
show interface detail
!    Port Name: Ethernet1/3/4
scope interface Ethernet1/3/1
set port-type data
enable
exit
commit-buffer
top
scope ssa
show app
scope app ftd 6.6.0.90
accept-license-agreement
set-default
commit-buffer
show detail
!    Has License Agreement: Yes
!    License Agreement has been Accepted: Yes
scope ssa
enter resource-profile gold
set cpu-core-count 10
commit-buffer
discard
show detail
!    Profile Name: gold
!    CPU Logical Core Count: 10
scope ssa
show resource-profile
show resource-profile detail
scope slot 1
show detail | grep Oper
!    Oper State: Online
show app-instance detail
!    App Name: asa
!    Oper State: Online
show monitor detail
!    CPU Cores Available: 0
create app-instance ftd testmi
set startup-version 6.6.0.90
set deploy-type container
set resource-profile-name gold
create hw-crypto
set admin-state enabled
exit
commit-buffer
show detail
!    Identifier: testmi
!    Profile Name: gold
show resource detail
!    Allocated Core NR: 10
disable
commit
discard-buffer
sh detail
!    Admin State: Disabled
!    Oper State: Offline
enable
commit
up
scope app-instance ftd testmi
up
delete app-instance ftd testmi
commit-buffer
top
scope ssa
show slot 1 detail
!    Oper State: Online
!    Disk Format Status: 100%
show logical-device detail
!    Name: asa1
!    Oper State: Ok
delete logical-device asa1
commit-buffer
create logical-device ftd-logic asa 1 standalone
enter external-port-link eth1-1 Ethernet1/1 asa
set description "Created by automation"
exit
show external-port-link
!    eth1-1                         Ethernet1/1
enter mgmt-bootstrap asa
enter bootstrap-key FQDN
set value ftd.lab.test
up
enter bootstrap-key-secret PASSWORD
set value
?Value: 
Admin123
exit
enter ipv4 1 firepower
set ip 192.0.2.20 mask 255.255.255.0
set gateway 192.0.2.1
exit
enter ipv6 1 firepower
set ip 2001:db8::20 prefix-length 64
set gateway 2001:db8::1
exit
up
enter cluster-bootstrap
set chassis-id 2
set cluster-control-link network 127.2.0.0
set ipv4 gateway 0.0.0.0
set ipv4 pool 0.0.0.0 0.0.0.0
set ipv6 gateway ::
set ipv6 pool :: ::
set virtual ipv4 0.0.0.0 mask 0.0.0.0
set virtual ipv6 :: prefix-length ""
set mode spanned-etherchannel
set name group1
set site-id 1
set service-type group1
set key
?Key: 
secret
exit
show configuration
commit-buffer
show detail
!    Oper State: Ok
!    Switch Configuration Status: Ok
discard-buffer
scope ssa
delete logical-device ftd-logic
commit-buffer
scope slot 1
reinitialize
commit-buffer
scope firmware
show package
show package | grep fxos
!fxos-k9.2.8.1.105.SPA                         2.8(1.105)
download image scp://root@192.0.2.9:/tmp/fxos-k9.9.9.9.SPA
?Password: 
secret
show download-task fxos-k9.9.9.9.SPA detail | grep State
!    State: Failed
delete package fxos-k9.2.8.1.105.SPA
discard-buffer
scope auto-install
install platform platform-vers 2.8(1.105)
?Do you want to proceed ? (yes/no):
yes
scope system
show firmware monitor
!    Package-Vers: 2.8(1.105)
!    Upgrade-Status: Ready
scope security
scope default-auth
set absolute-session-timeout 0
set con-absolute-session-timeout 0
set con-session-timeout 0
commit-buffer
show detail
!    Serial Console Session timeout(in secs): 0
end
show server status detail
!    Slot Status: Equipped
show system firmware detail
!    Version: 2.8(1.105)
show chassis detail
!    Serial (SN): JAD12345678
show chassis inventory detail
show chassis environment expand detail
show version brief
show version | inc Version
!    Version: 2.8(1.105)
show fabric-interconnect detail
show configuration all | no-more
show configuration
show inventory
"#;

#[test]
fn every_line_that_clients_send_parses_and_has_its_effect() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1]);
    let mut printed = String::new();
    let mut line = "";
    for step in KICK.lines().filter(|line| !line.is_empty()) {
        if let Some(wanted) = step.strip_prefix('!') {
            let found = printed.lines().any(|l| l.trim().starts_with(wanted.trim()));
            assert!(found, "`{line}` shows no `{wanted}` but\n{printed}");
        } else if let Some(wanted) = step.strip_prefix('?') {
            assert_eq!(lab.prompt, wanted, "after `{line}`");
        } else {
            line = step;
            printed = lab.run(line);
            let refused = ["% ", "Error", "ERROR"]
                .iter()
                .any(|start| printed.lines().any(|l| l.starts_with(start)));
            assert!(!refused, "`{line}` is refused: {printed}");
        }
        lab.settle();
    }
    assert_eq!(lab.prompt, "FPR4125-1# ");
}

/// What kick makes of the listings, with its own expressions.
#[test]
fn kick_reads_the_listings() {
    let mut lab = Lab::of("FPR-9300", Role::Admin, &[1, 2]);
    let apps = {
        lab.type_all(&["scope ssa"]);
        lab.run("show app")
    };
    let rule = regex_lite::Regex::new(r"(\-+ ){6}\-+").unwrap();
    assert!(rule.is_match(&apps), "{apps}");
    let row = regex_lite::Regex::new(
        r"(?m)^(\w+)\s+([\d\.]+)\s+([\w/]+)?\s+(\w+)\s+([\w,]+)\s+(\w+)\s+(\w+)",
    )
    .unwrap();
    let trimmed: String = apps.lines().map(|line| format!("{}\n", line.trim())).collect();
    let found: Vec<_> =
        row.captures_iter(&trimmed).map(|c| (c[1].to_owned(), c[7].to_owned())).collect();
    let yes = |app: &str| (app.to_owned(), "Yes".to_owned());
    assert_eq!(found, [yes("asa"), yes("ftd")], "{trimmed}");
    lab.type_all(&["enter resource-profile sensor1_profile", "set cpu-core-count 8", "commit"]);
    lab.type_all(&["up"]);
    let profiles = lab.run("show resource-profile");
    let row = regex_lite::Regex::new(
        r"(?m)^(\w+)\s+([\w/]+)\s+([\w/\d.]+)\s+(\w+)\s+(\w+)\s+([\w/\d]+)\s+([\w/]+)\s+(\w+)\s+(\w+)\s*(\w+)?",
    )
    .unwrap();
    let found = row.captures_iter(&profiles).last().unwrap();
    assert_eq!((&found[1], &found[6], &found[9]), ("sensor1_profile", "8", "Custom"));
    // Records of a detail listing are cut at blank lines, then at the first colon.
    let instances = lab.run("show app-instance detail");
    let records: Vec<&str> = instances.split("\n\n").collect();
    assert_eq!(records.len(), 2, "{instances}");
    assert!(records[1].contains("Slot ID: 2\n") && instances.starts_with("App Name: asa\n"));
    let status = lab.run("show server status detail");
    let slots: Vec<&str> =
        status.lines().filter_map(|l| l.trim().strip_prefix("Slot Status: ")).collect();
    assert_eq!(slots, ["Equipped", "Equipped", "Empty"]);
}
