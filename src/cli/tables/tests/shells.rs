//! What is known everywhere, the licence, and the shells that `connect` leads to.

use super::*;

#[test]
fn a_token_is_registered_and_the_listing_tells() {
    let mut lab = Lab::new();
    lab.type_all(&["scope license", "register idtoken ODNm%0A force"]);
    assert!(matches!(
        lab.mio.agent.stored().registration,
        crate::proto::agent::Registration::Pending { force: true, .. }
    ));
    lab.type_all(&["register idtoken ODNm%0A"]);
    let all = lab.run("show license all");
    assert!(all.contains("Command : register idtoken ODNm%0A\n"), "{all}");
    assert_eq!(lab.run("register idtoken a!b"), "Error: Invalid Value\n");
    for part in ["usage", "status", "summary", "udi", "techsupport", "eventlog", "resvcode"] {
        assert_ne!(lab.run(&format!("show license {part}")), "", "{part}");
    }
    lab.type_all(&["deregister", "scope licdebug", "renew", "expireauth", "expireidcert"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license/licdebug # ");
    lab.type_all(&["expireeval"]);
    let usage = lab.mio.agent.report(NOW);
    assert!(usage.evaluation_left.is_zero());
}

#[test]
fn common_commands_work_in_every_scope() {
    let mut lab = Lab::new();
    assert_eq!(lab.run("show clock"), "Tue Aug  4 09:55:50 UTC 2020\n");
    assert_eq!(lab.run("show timezone"), "Timezone:\n");
    lab.type_all(&["scope monitoring", "scope callhome", "terminal length 0"]);
    // From any scope, a scope of the top.
    lab.type_all(&["scope license"]);
    assert_eq!(lab.prompt, "FPR4125-1 /license # ");
    assert_eq!(lab.run("where"), "Mode: /license\nMode Data:\n    scope license\n");
    lab.run("connect module 1 console");
    assert_eq!(lab.happened, ["module 1 Console"]);
}
