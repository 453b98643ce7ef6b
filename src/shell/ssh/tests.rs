//! A russh client against the server, over a pipe, with a front that plays the supervisor.

use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use russh::{ChannelMsg, Disconnect};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::*;
use crate::proto::config::{Factory, Tree, facts};
use crate::shell::tests::Stage;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// A server, and what its front hears.
struct Lab {
    server: Server<Stage>,
    stage: Stage,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Lab {
    fn new() -> Lab {
        let tree = Tree::factory(&Factory::default());
        let (stage, heard) = Stage::new();
        let offered = facts::ssh_server(tree.objects());
        let server = Server::new(stage.clone(), Prover::default(), offered);
        let kind = keys::Kind::Ed25519;
        server.add_key(kind, HostKey::make(kind).unwrap());
        Lab { server, stage, heard }
    }

    /// Comes to the door.
    fn knock(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let server = self.server.clone();
        tokio::spawn(async move { server.connection(theirs, PEER).await });
        ours
    }

    async fn connect(&self) -> client::Handle<Trusting> {
        let config = Arc::new(client::Config::default());
        client::connect_stream(config, self.knock(), Trusting).await.unwrap()
    }

    async fn login(&self) -> client::Handle<Trusting> {
        let mut client = self.connect().await;
        assert!(client.authenticate_password("admin", "Admin123").await.unwrap().success());
        client
    }

    /// Waits until the front hears a text that begins like this.
    async fn hears(&mut self, start: &str) -> String {
        loop {
            let text = self.heard.recv().await.unwrap();
            if text.starts_with(start) {
                return text;
            }
        }
    }
}

/// Reads a channel to its end: what was shown, and the exit status.
async fn drain(channel: &mut russh::Channel<client::Msg>) -> (String, Option<u32>) {
    let (mut shown, mut status) = (Vec::new(), None);
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::Data { data } = &message {
            shown.extend_from_slice(data);
        }
        if let ChannelMsg::ExitStatus { exit_status } = message {
            status = Some(exit_status);
        }
    }
    (String::from_utf8(shown).unwrap(), status)
}

/// Reads a channel until it has shown this.
async fn expect(channel: &mut russh::Channel<client::Msg>, end: &str) -> String {
    let mut shown = String::new();
    while !shown.ends_with(end) {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => shown += &String::from_utf8_lossy(&data),
            Some(_) => {}
            None => panic!("closed after {shown:?}, before {end:?}"),
        }
    }
    shown
}

#[tokio::test]
async fn a_terminal_is_greeted_and_has_what_is_typed_and_its_size() {
    let mut lab = Lab::new();
    let client = lab.login().await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_pty(true, "vt100", 132, 40, 0, 0, &[]).await.unwrap();
    channel.request_shell(true).await.unwrap();
    let shown = expect(&mut channel, "FP# ").await;
    assert!(shown.starts_with(
        "Successful login attempts for user 'admin' : 43\r\n\
         Last login: Wed Jun 26 22:17:30 2019 from 10.83.65.41\r\n\
         Cisco Firepower Extensible Operating System (FX-OS) Software\r\n"
    ));
    assert_eq!(lab.hears("open").await, "open 132x40 Prompt { echo: true }");
    channel.data(&b"show\r"[..]).await.unwrap();
    expect(&mut channel, "show\r").await;
    assert_eq!(lab.hears("typed").await, "typed 1 \"show\\r\"");
    channel.window_change(511, 1000, 0, 0).await.unwrap();
    assert_eq!(lab.hears("size").await, "size 511x1000");
    channel.signal(russh::Sig::INT).await.unwrap();
    assert_eq!(lab.hears("typed").await, "typed 2 \"\\u{3}\"");
    channel.data(&b"exit\r"[..]).await.unwrap();
    assert_eq!(drain(&mut channel).await.1, Some(0));
}

#[tokio::test]
async fn a_pipe_has_no_echo_and_plain_line_ends_and_its_end_ends_the_session() {
    let mut lab = Lab::new();
    let client = lab.login().await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_shell(true).await.unwrap();
    let shown = expect(&mut channel, "FP# ").await;
    assert!(!shown.contains('\r'));
    assert_eq!(lab.hears("open").await, "open 511x0 Prompt { echo: false }");
    channel.data(&b"a\r\n"[..]).await.unwrap();
    expect(&mut channel, "a\n").await;
    channel.eof().await.unwrap();
    lab.hears("last key").await;
    assert_eq!(drain(&mut channel).await, (String::new(), Some(0)));
}

#[tokio::test]
async fn a_command_has_its_output_and_status_and_no_greeting() {
    let mut lab = Lab::new();
    let client = lab.login().await;
    let lines = [("show version", 0), ("show clock; bogus", 1)];
    // As often as there may be channels at once, and more.
    for (line, status) in lines.iter().cycle().take(25).copied() {
        let mut channel = client.channel_open_session().await.unwrap();
        channel.set_env(true, "LANG", "C").await.unwrap();
        channel.exec(true, line).await.unwrap();
        assert_eq!(drain(&mut channel).await, (format!("ran {line}\n"), Some(status)));
        assert_eq!(lab.hears("open").await, format!("open 511x0 Line({line:?})"));
    }
}

#[tokio::test]
async fn who_has_the_wrong_password_is_turned_away_and_reported() {
    let mut lab = Lab::new();
    let mut client = lab.connect().await;
    for (user, password) in [("admin", "wrong"), ("eve", "Admin123"), ("eve", "")] {
        let done = client.authenticate_password(user, password).await.unwrap();
        assert!(matches!(done, AuthResult::Failure { .. }), "{user}");
        assert_eq!(lab.hears("wrong").await, format!("wrong {user} from 192.0.2.7"));
    }
    assert!(client.authenticate_password("admin", "Admin123").await.unwrap().success());
    lab.hears("right admin").await;
}

#[tokio::test]
async fn too_many_refusals_end_the_connection() {
    let lab = Lab::new();
    let mut client = lab.connect().await;
    for _ in 0..REFUSALS_MAX {
        assert!(!client.authenticate_password("admin", "x").await.unwrap().success());
    }
    let late = client.authenticate_password("admin", "Admin123").await;
    assert!(!late.is_ok_and(|done| done.success()));
    assert!(client.await.is_ok(), "told to go");
    let wrong = lab.stage.0.lock().told.iter().filter(|told| told.starts_with("wrong")).count();
    assert_eq!(wrong, REFUSALS_MAX);
}

#[tokio::test]
async fn a_password_may_be_asked_for() {
    let lab = Lab::new();
    let mut client = lab.connect().await;
    for (password, right) in [("wrong", false), ("Admin123", true)] {
        let begun = client.authenticate_keyboard_interactive_start("admin", None).await.unwrap();
        let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = begun else {
            panic!("{begun:?}")
        };
        assert_eq!((prompts[0].prompt.as_str(), prompts[0].echo), ("Password: ", false));
        let answer = vec![password.to_owned()];
        let done = client.authenticate_keyboard_interactive_respond(answer).await.unwrap();
        assert_eq!(matches!(done, KeyboardInteractiveAuthResponse::Success), right);
    }
}

#[tokio::test]
async fn a_public_key_of_the_account_is_as_good() {
    let lab = Lab::new();
    let pair = |kind| {
        let stored = HostKey::make(kind).unwrap().stored().unwrap();
        PrivateKey::from_openssh(stored).unwrap()
    };
    let (known, stranger) = (pair(keys::Kind::Ed25519), pair(keys::Kind::EcdsaP256));
    lab.stage.0.lock().keys = vec![known.public_key().to_openssh().unwrap()];
    assert!(known.to_openssh(LineEnding::LF).is_ok());
    for (key, user, right) in
        [(&stranger, "admin", false), (&known, "eve", false), (&known, "admin", true)]
    {
        let mut client = lab.connect().await;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.clone()), None);
        let done = client.authenticate_publickey(user, key).await.unwrap();
        assert_eq!(done.success(), right, "{user}");
    }
}

#[tokio::test]
async fn what_is_no_command_line_is_refused() {
    let lab = Lab::new();
    let client = lab.login().await;
    assert!(client.channel_open_direct_tcpip("127.0.0.1", 80, "127.0.0.1", 1).await.is_err());
    assert!(client.tcpip_forward("127.0.0.1", 8080).await.is_err());
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_x11(true, false, "MIT-MAGIC-COOKIE-1", "00", 0).await.unwrap();
    channel.agent_forward(true).await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    for _ in 0..3 {
        assert!(matches!(channel.wait().await, Some(ChannelMsg::Failure)));
    }
    channel.exec(true, "show version").await.unwrap();
    assert_eq!(drain(&mut channel).await.1, Some(0), "and the channel is as good as before");
}

#[tokio::test]
async fn channels_and_sessions_are_limited() {
    let lab = Lab::new();
    lab.stage.0.lock().seats = 1;
    let client = lab.login().await;
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(client.channel_open_session().await.unwrap());
    }
    assert!(client.channel_open_session().await.is_err());
    let [first, second, ..] = &mut open[..] else { panic!("ten channels") };
    for channel in [&mut *first, &mut *second] {
        channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
    }
    expect(first, "FP# ").await;
    let (shown, status) = drain(second).await;
    assert!(shown.ends_with("\r\nToo many logins for 'admin'\r\n"), "{shown}");
    assert_eq!(status, Some(1));
}

#[tokio::test]
async fn who_leaves_without_a_word_is_hung_up() {
    let mut lab = Lab::new();
    for polite in [true, false] {
        let client = lab.login().await;
        let mut channel = client.channel_open_session().await.unwrap();
        channel.request_shell(true).await.unwrap();
        expect(&mut channel, "FP# ").await;
        if polite {
            client.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
        }
        drop((channel, client));
        lab.hears("hang up").await;
    }
    assert!(lab.stage.0.lock().sessions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_is_cut_off_in_time() {
    let lab = Lab::new();
    let started = tokio::time::Instant::now();
    // One says nothing, one says who it is and no more, one only asks which methods there are.
    let mut silent = lab.knock();
    let mut begun = lab.knock();
    tokio::io::AsyncWriteExt::write_all(&mut begun, b"SSH-2.0-x\r\n").await.unwrap();
    let mut asking = lab.connect().await;
    assert!(!asking.authenticate_none("admin").await.unwrap().success());
    for stream in [&mut silent, &mut begun] {
        let mut rest = Vec::new();
        // A cut connection ends in an error or an end, as the pipe likes it.
        let _ = tokio::io::AsyncReadExt::read_to_end(stream, &mut rest).await;
    }
    assert!(asking.await.is_err() || started.elapsed() >= GRACE);
    assert!(started.elapsed() >= GRACE && started.elapsed() < 2 * GRACE);
    assert_eq!(lab.server.connections(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_has_logged_in_may_take_his_time_but_not_without_a_channel() {
    let lab = Lab::new();
    let client = lab.login().await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_shell(true).await.unwrap();
    expect(&mut channel, "FP# ").await;
    tokio::time::sleep(2 * EMPTY).await;
    channel.data(&b"still"[..]).await.unwrap();
    expect(&mut channel, "still").await;
    channel.data(&b"exit\r"[..]).await.unwrap();
    drain(&mut channel).await;
    tokio::time::sleep(EMPTY + Duration::from_secs(1)).await;
    assert!(client.channel_open_session().await.is_err());
    assert_eq!(lab.server.connections(), (0, 0));
}

#[tokio::test]
async fn a_crowd_at_the_door_keeps_nobody_out() {
    let lab = Lab::new();
    let client = lab.login().await;
    let crowd: Vec<DuplexStream> = (0..1000).map(|_| lab.knock()).collect();
    while lab.server.connections().0 < crate::shell::gate::STANDING_MAX {
        tokio::task::yield_now().await;
    }
    assert_eq!(lab.server.connections().1, 1, "who is inside stays");
    let late = lab.login().await;
    for client in [&client, &late] {
        let mut channel = client.channel_open_session().await.unwrap();
        channel.exec(true, "show version").await.unwrap();
        assert_eq!(drain(&mut channel).await.1, Some(0));
    }
    drop(crowd);
}

#[tokio::test]
async fn who_reads_nothing_is_cut_off() {
    let mut lab = Lab::new();
    let reader = lab.login().await;
    // A client that reads one packet at a time, and then none.
    let config = client::Config { window_size: 1024, ..client::Config::default() };
    let stream = lab.knock();
    let mut slow = client::connect_stream(Arc::new(config), stream, Trusting).await.unwrap();
    assert!(slow.authenticate_password("admin", "Admin123").await.unwrap().success());
    let channel = slow.channel_open_session().await.unwrap();
    channel.request_shell(true).await.unwrap();
    lab.hears("open").await;
    channel.data(&b"flood"[..]).await.unwrap();
    lab.hears("hang up").await;
    let mut other = reader.channel_open_session().await.unwrap();
    other.exec(true, "show version").await.unwrap();
    assert_eq!(drain(&mut other).await.1, Some(0));
}
