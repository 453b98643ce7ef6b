//! `/monitoring/callhome`; the seed's listing is in tests/transcripts.

use super::*;

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
