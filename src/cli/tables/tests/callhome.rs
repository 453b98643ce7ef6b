//! `/monitoring/callhome` against the seed.

use super::*;

#[test]
fn callhome_expands_as_in_the_seed() {
    let mut lab = Lab::new();
    lab.type_all(&["scope monitoring", "scope callhome"]);
    let shown = lab.run("show expand");
    // The page lost the blanks at the start of lines and between columns.
    let words = |text: &str| -> Vec<Vec<String>> {
        text.lines().map(|l| l.split_whitespace().map(str::to_owned).collect()).collect()
    };
    assert_eq!(words(&shown), words(EXPAND), "{shown}");
    let row = "            SLDest     Https              https://tools.cisco.com/its/service/oddce/services/DDCEService\n";
    assert!(shown.ends_with(row), "{shown}");
    assert!(shown.contains("\n        Admin State\n        -----------\n        Off\n"));
    let detail = lab.run("show detail expand");
    let address = "            Email or HTTP/HTTPS URL Address: https://tools.cisco.com/";
    assert!(detail.contains(address) && detail.contains("        Admin State: Off\n"), "{detail}");
    // The seed's text names the command from the scope above too.
    lab.type_all(&["up"]);
    assert_eq!(lab.run("show callhome detail expand"), detail);
}

#[test]
fn the_authority_and_the_proxy_are_set_in_callhome() {
    let mut lab = Lab::new();
    lab.type_all(&["scope monitoring", "scope callhome", "set http-proxy-server-enable on"]);
    lab.type_all(&["set http-proxy-server-url proxy.test", "set http-proxy-server-port 3128"]);
    lab.type_all(&["scope profile SLProfile", "scope destination SLDest"]);
    assert_eq!(lab.prompt, "FPR4125-1 /monitoring/callhome/profile/destination* # ");
    lab.type_all(&["set address https://authority.test/its/DDCEService", "commit-buffer"]);
    let objects = lab.mio.config.objects();
    let url = facts::callhome_destination(objects);
    assert_eq!(url.as_deref(), Some("https://authority.test/its/DDCEService"));
    let proxy = facts::callhome_proxy(objects).unwrap();
    assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 3128));
}

const EXPAND: &str = "\
Callhome:
Admin State: Off
Throttling State: On
Contact Information:
Customer Contact Email:
From Email:
Reply To Email:
Phone Contact e.g., +1-011-408-555-1212:
Street Address:
Contract Id:
Customer Id:
Site Id:
Switch Priority: Debugging
Enable/Disable HTTP/HTTPS Proxy: Off
HTTP/HTTPS Proxy Server Address:
HTTP/HTTPS Proxy Server Port: 80
SMTP Server Address:
SMTP Server Port: 25
Anonymous Reporting:
Admin State
-----------
Off
Callhome periodic system inventory:
Send periodically: Off
Interval days: 30
Hour of day to send: 0
Minute of hour: 0
Time last sent: Never
Next scheduled: Never
Destination Profile:
Name: full_txt
Level: Warning
Alert Groups: All,Cisco Tac,Diagnostic,Environmental
Max Size: 5000000
Format: Full Txt
Reporting: Smart Call Home Data
Name: short_txt
Level: Warning
Alert Groups: All,Cisco Tac,Diagnostic,Environmental
Max Size: 5000000
Format: Short Txt
Reporting: Smart Call Home Data
Name: SLProfile
Level: Normal
Alert Groups: Smart License
Max Size: 5000000
Format: Xml
Reporting: Smart License Data
Destination:
Name Transport Protocol Email or HTTP/HTTPS URL Address
---------- ------------------ -------------------------------
SLDest Https https://tools.cisco.com/its/service/oddce/services/DDCEService
";
