//! What happens between sessions, and to one that is cut.

use crate::client::{Terminal, admin, alone, drain, exec, exec_all};
use crate::lab::Lab;

#[tokio::test]
async fn commands_have_their_output_and_status() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    for (line, said, status) in [
        ("scope system; scope services; show dns", "Domain Name Servers:\n   IP Address: ", 0),
        ("show timezone | grep Zone | wc -l", "0\n", 0),
        ("bogus", "% Invalid Command at '^' marker\n", 1),
        ("scope license; scope nowhere; show clock", "% Invalid Command at '^' marker\n", 1),
    ] {
        let (shown, done) = exec(&client, line).await;
        assert!(shown.contains(said) && !shown.contains('\r'), "{line}: {shown}");
        assert_eq!(done, Some(status), "{line}");
    }
    // With a terminal its lines end as on one, and it ends all the same.
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_pty(true, "xterm", 80, 5, 0, 0, &[]).await.unwrap();
    channel.exec(true, "scope services; show configuration").await.unwrap();
    let (shown, done) = drain(&mut channel).await;
    assert!(shown.lines().count() > 20 && shown.contains("\r\n"), "{shown}");
    assert!(!shown.contains("--More--"), "nobody turns its pages");
    assert_eq!(done, Some(0));
}

#[tokio::test]
async fn of_two_that_change_the_same_thing_the_second_is_told() {
    let lab = Lab::start();
    let (one, two) = (admin(&lab).await, admin(&lab).await);
    let mut one = Terminal::open(&one, 80, 0).await.unwrap();
    let mut two = Terminal::open(&two, 80, 0).await.unwrap();
    for terminal in [&mut one, &mut two] {
        terminal.enter("scope system").await;
    }
    one.enter("set name first").await;
    two.enter("set name second").await;
    assert!(!one.enter("commit-buffer").await.contains("Error"));
    let said = two.enter("commit-buffer").await;
    assert!(said.contains("Error: Update failed: ["), "{said}");
    assert!(said.ends_with("first /system* # "), "and the change is still there: {said}");
    two.enter("discard-buffer").await;
    two.enter("set name second").await;
    assert!(two.enter("commit-buffer").await.ends_with("second /system # "));
}

#[tokio::test]
async fn an_account_has_as_many_sessions_as_it_may() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let limits = "scope services; scope shell-session-limits; set per-user 2; commit-buffer";
    exec_all(&client, &[limits]).await;
    let first = Terminal::open(&client, 80, 24).await.unwrap();
    let _second = Terminal::open(&client, 80, 24).await.unwrap();
    let refused = Terminal::open(&client, 80, 24).await.err().expect("one too many");
    assert!(refused.ends_with("\r\nToo many logins for 'admin'\r\n"), "{refused}");
    let (said, status) = exec(&client, "show clock").await;
    assert_eq!((said.as_str(), status), ("Too many logins for 'admin'\n", Some(1)));
    first.types("exit\r").await;
    drain(&mut { first.channel }).await;
    assert!(Terminal::open(&client, 80, 24).await.is_ok());
}

#[tokio::test]
async fn who_is_idle_or_there_too_long_is_told_and_goes() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    for (name, words) in [
        ("session-timeout", "Inactive timeout reached, logging out."),
        ("absolute-session-timeout", "Absolute timeout reached, logging out."),
    ] {
        let auth = "scope security; scope default-auth; ";
        exec_all(&client, &[&format!("{auth}set {name} 1; commit-buffer")]).await;
        let mut terminal = Terminal::open(&client, 80, 24).await.unwrap();
        let shown = terminal.expect("never shown").await.unwrap_err();
        assert!(shown.ends_with(&format!("\r\n{words}\r\n")), "{shown}");
        exec_all(&client, &[&format!("{auth}set {name} 0; commit-buffer")]).await;
    }
}

#[tokio::test]
async fn a_session_that_is_cut_in_a_paste_leaves_nothing_behind() {
    let lab = Lab::start();
    let paste: String = (1..=4)
        .map(|n| format!("create dns 192.0.2.{n}\rset domain-name paste{n}.example\r"))
        .collect();
    for cut in [1, 40, 77, paste.len()] {
        let client = admin(&lab).await;
        let mut terminal = Terminal::open(&client, 80, 0).await.unwrap();
        terminal.enter("scope system").await;
        terminal.enter("scope services").await;
        terminal.types(&paste[..cut]).await;
        // The connection goes, without a word.
        drop((terminal, client));
    }
    let client = admin(&lab).await;
    let shown = "scope services; show configuration | grep paste | wc -l";
    assert_eq!(exec(&client, shown).await.0, "0\n");
    // Their seats are free again, as soon as the ends of the connections have come over the wire.
    alone(&client).await;
}

#[tokio::test]
async fn a_page_is_as_long_as_the_window() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let mut terminal = Terminal::open(&client, 80, 10).await.unwrap();
    terminal.enter("scope services").await;
    terminal.types("show configuration\r").await;
    let page = terminal.expect("--More--").await.unwrap();
    assert!(page.lines().count() <= 11, "{page}");
    terminal.types("q").await;
    terminal.expect("# ").await.unwrap();
    terminal.channel.window_change(80, 1000, 0, 0).await.unwrap();
    let shown = terminal.enter("show configuration").await;
    assert!(shown.lines().count() > 20 && !shown.contains("--More--"), "{shown}");
    // A session cut in the pager holds nobody up.
    terminal.channel.window_change(80, 5, 0, 0).await.unwrap();
    terminal.types("show configuration\r").await;
    terminal.expect("--More--").await.unwrap();
    drop((terminal, client));
    exec_all(&admin(&lab).await, &["show clock"]).await;
}
