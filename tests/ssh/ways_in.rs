//! Who gets in, by what, and who does not.

use std::time::Duration;

use russh::client::{self, KeyboardInteractiveAuthResponse};
use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, HashAlg, PrivateKey};
use russh::{Preferred, kex};

use crate::client::{
    PASSWORD, Terminal, admin, connect, connect_as, exec, exec_all, login, login_with_key,
};
use crate::lab::{BINARY, Folder, Lab};

#[tokio::test]
async fn by_password_by_question_and_by_key() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let (said, status) = exec(&client, "show version | inc Version").await;
    assert!(said.starts_with("    Version: ") && status == Some(0), "{said}");

    let mut client = connect(&lab).await;
    let begun = client.authenticate_keyboard_interactive_start("admin", None).await.unwrap();
    let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = begun else {
        panic!("{begun:?}")
    };
    assert_eq!(prompts[0].prompt, "Password: ");
    let answer = vec![PASSWORD.to_owned()];
    let done = client.authenticate_keyboard_interactive_respond(answer).await.unwrap();
    assert!(matches!(done, KeyboardInteractiveAuthResponse::Success));

    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
    assert!(login_with_key(&lab, "admin", &key).await.is_none());
    let public = key.public_key().to_openssh().unwrap();
    let line = format!("scope security; scope local-user admin; set sshkey \"{public}\"; commit");
    exec_all(&client, &[&line]).await;
    let client = login_with_key(&lab, "admin", &key).await.expect("the key is known now");
    let (said, _) = exec(&client, "scope security; show audit-logs").await;
    assert!(said.contains("Local User admin modified"), "{said}");
}

#[tokio::test]
async fn the_greeting_counts_logins_and_names_the_last() {
    let lab = Lab::start();
    for (count, last) in [(1, None), (2, Some("Last login: "))] {
        let client = admin(&lab).await;
        let channel = client.channel_open_session().await.unwrap();
        channel.request_pty(true, "vt100", 80, 24, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
        let shown = Terminal { channel }.expect("FPR4125-1# ").await.unwrap();
        let first = format!("Successful login attempts for user 'admin' : {count}\r\n");
        assert!(shown.starts_with(&first), "{shown}");
        let named = shown.lines().nth(1).unwrap();
        assert_eq!(last.is_some_and(|last| named.starts_with(last)), count == 2, "{named}");
        assert_eq!(named.ends_with("from 10.83.65.41"), count == 2, "{named}");
        assert!(shown.contains("Cisco Firepower Extensible Operating System"));
    }
}

#[tokio::test]
async fn wrong_passwords_lock_the_account_until_its_time_is_over() {
    let lab = Lab::start();
    let inside = admin(&lab).await;
    for _ in 0..3 {
        assert!(login(&lab, "admin", "wrong").await.is_none());
    }
    assert!(login(&lab, "admin", PASSWORD).await.is_none(), "locked");
    let (said, _) = exec(&inside, "scope security; show audit-logs").await;
    assert!(said.contains("Fabric A: local user admin is locked out"), "{said}");
    assert!(said.contains("login of admin from 10.83.65.41 refused"), "{said}");
    // A power cut does not help.
    let lab = Lab::start_in(lab.kill());
    assert!(login(&lab, "admin", PASSWORD).await.is_none());
    lab.ctl("clock advance 31m");
    assert!(login(&lab, "admin", PASSWORD).await.is_some());
}

#[tokio::test]
async fn an_account_may_do_what_its_role_says() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let mut terminal = Terminal::open(&client, 80, 0).await.unwrap();
    for line in ["scope security", "create local-user jo", "create role read-only"] {
        terminal.enter(line).await;
    }
    terminal.types("set password\r").await;
    terminal.expect("Enter a password: ").await.unwrap();
    terminal.types("Jo.Secret1\r").await;
    terminal.expect("Confirm the password: ").await.unwrap();
    terminal.enter("Jo.Secret1").await;
    let shown = terminal.enter("commit-buffer").await;
    assert!(!shown.contains("Error"), "{shown}");
    let jo = login(&lab, "jo", "Jo.Secret1").await.expect("jo gets in");
    let (said, status) = exec(&jo, "show clock").await;
    assert_eq!(status, Some(0), "{said}");
    let (said, status) = exec(&jo, "scope system; set name x; commit-buffer").await;
    assert!(said.contains("does not have privileges") && status == Some(1), "{said}");
    // Her sessions end with the account.
    let mut hers = Terminal::open(&jo, 80, 0).await.unwrap();
    terminal.enter("up").await;
    terminal.enter("delete local-user jo").await;
    terminal.enter("commit-buffer").await;
    hers.expect("never shown").await.unwrap_err();
    assert!(login(&lab, "jo", "Jo.Secret1").await.is_none());
}

#[tokio::test]
async fn host_keys_outlive_a_power_cut() {
    let lab = Lab::start();
    let rsa = || {
        let key = vec![Algorithm::Rsa { hash: Some(HashAlg::Sha512) }];
        let preferred = Preferred { key: key.into(), ..Preferred::default() };
        client::Config { preferred, ..client::Config::default() }
    };
    let (_, first) = connect_as(&lab, client::Config::default()).await.unwrap();
    assert_eq!(first.algorithm(), Algorithm::Ed25519);
    // It is made beside everything else, so it may take a moment.
    let first_rsa = loop {
        if let Ok((_, key)) = connect_as(&lab, rsa()).await {
            break key;
        }
    };
    assert!(first_rsa.algorithm().is_rsa());
    let lab = Lab::start_in(lab.kill());
    assert_eq!(connect_as(&lab, client::Config::default()).await.unwrap().1, first);
    assert_eq!(connect_as(&lab, rsa()).await.unwrap().1, first_rsa);
}

#[tokio::test]
async fn algorithms_are_those_configured() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let services = "scope system; scope services; ";
    let only = |kex: kex::Name| {
        let preferred = Preferred { kex: vec![kex].into(), ..Preferred::default() };
        client::Config { preferred, ..client::Config::default() }
    };
    for kex in [kex::CURVE25519, kex::DH_G14_SHA1] {
        assert!(connect_as(&lab, only(kex)).await.is_ok(), "{kex:?} by default");
    }
    let line = format!("{services}set ssh-server kex-algorithm ecdh-sha2-nistp256; commit-buffer");
    exec_all(&client, &[&line]).await;
    assert!(connect_as(&lab, only(kex::CURVE25519)).await.is_err());
    assert!(connect_as(&lab, only(kex::ECDH_SHA2_NISTP256)).await.is_ok());
}

#[tokio::test]
async fn addresses_and_the_whole_server_can_be_kept_out() {
    let lab = Lab::start();
    let client = admin(&lab).await;
    let mut terminal = Terminal::open(&client, 80, 0).await.unwrap();
    for line in ["scope system", "scope services", "delete ip-block 0.0.0.0 0 ssh"] {
        terminal.enter(line).await;
    }
    terminal.enter("commit-buffer").await;
    // Nobody answers, so this would wait for as long as the forwarder does.
    let outside = connect_as(&lab, client::Config::default());
    let waited = tokio::time::timeout(Duration::from_secs(1), outside).await;
    assert!(!waited.is_ok_and(|done| done.is_ok()), "nobody is let in");
    // Who is inside stays, and opens the door again.
    terminal.enter("enter ip-block 10.83.65.0 24 ssh").await;
    terminal.enter("exit").await;
    terminal.enter("commit-buffer").await;
    assert!(connect_as(&lab, client::Config::default()).await.is_ok());
    terminal.enter("disable ssh-server").await;
    terminal.enter("commit-buffer").await;
    assert!(connect_as(&lab, client::Config::default()).await.is_err());
    terminal.enter("enable ssh-server").await;
    terminal.enter("commit-buffer").await;
    assert!(connect_as(&lab, client::Config::default()).await.is_ok());
}

#[test]
fn the_console_asks_who_is_there() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let folder = Folder::new();
    let mut child = Command::new(BINARY)
        .args(["lab", "--login", "--state"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let typed = "admin\nwrong\nadmin\nAdmin123\nshow user-sessions\nscope security\n\
                 show user-sessions\nexit\nexit\n";
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    assert!(output.status.success());
    for text in [
        "\nCisco FPR Series Security Appliance\nFPR4125-1 login: admin\nPassword: \n",
        "Login incorrect\n\nFPR4125-1 login: admin\nPassword: \n",
        "Successful login attempts for user 'admin' : 1\nCisco Firepower",
        "ttyS_0_1_1      admin           ttyS0 ",
        "FPR4125-1# exit\n\nFPR4125-1 login: ",
    ] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
}
