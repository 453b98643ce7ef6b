//! A russh client, and the few things that a test types with it.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg};

use crate::lab::Lab;

pub const PASSWORD: &str = "Admin123";

/// Trusts everybody, and remembers whom.
#[derive(Default)]
pub struct Trusting(Arc<Mutex<Option<PublicKey>>>);

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = key {
            *self.0.lock().unwrap() = Some(key.clone());
        }
        Ok(true)
    }
}

pub type Client = Handle<Trusting>;

/// Waits for what comes in a moment, and fails instead of waiting for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(done) = tokio::time::timeout(Duration::from_secs(30), future).await else {
        panic!("{what}: nothing after half a minute")
    };
    done
}

/// Connects; returns the client and the chassis's host key.
pub async fn connect_as(
    lab: &Lab,
    config: client::Config,
) -> Result<(Client, PublicKey), russh::Error> {
    let seen = Arc::new(Mutex::new(None));
    let client = client::connect(Arc::new(config), lab.address, Trusting(Arc::clone(&seen)));
    let client = soon("connecting", client).await?;
    let key = seen.lock().unwrap().clone().unwrap();
    Ok((client, key))
}

pub async fn connect(lab: &Lab) -> Client {
    connect_as(lab, client::Config::default()).await.unwrap().0
}

pub async fn login(lab: &Lab, user: &str, password: &str) -> Option<Client> {
    let mut client = connect(lab).await;
    let done = soon("logging in", client.authenticate_password(user, password)).await;
    done.is_ok_and(|done| done.success()).then_some(client)
}

pub async fn admin(lab: &Lab) -> Client {
    login(lab, "admin", PASSWORD).await.expect("admin gets in")
}

pub async fn login_with_key(lab: &Lab, user: &str, key: &PrivateKey) -> Option<Client> {
    let mut client = connect(lab).await;
    let hash = key.algorithm().is_rsa().then_some(HashAlg::Sha256);
    let key = PrivateKeyWithHashAlg::new(Arc::new(key.clone()), hash);
    let done = client.authenticate_publickey(user, key).await;
    done.is_ok_and(|done| done.success()).then_some(client)
}

/// Runs a line as `ssh host LINE` does: what is printed, and the exit status.
pub async fn exec(client: &Client, line: &str) -> (String, Option<u32>) {
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, line).await.unwrap();
    channel.eof().await.unwrap();
    soon(line, drain(&mut channel)).await
}

/// Runs lines that must not be refused.
pub async fn exec_all(client: &Client, lines: &[&str]) {
    for line in lines {
        let (said, status) = exec(client, line).await;
        assert_eq!(status, Some(0), "{line}: {said}");
    }
}

/// Asks until no session over SSH is left but the one that asks.
pub async fn alone(client: &Client) {
    let line = "scope security; show user-sessions | grep pts | wc -l";
    let others = async { while exec(client, line).await != ("1\n".to_owned(), Some(0)) {} };
    soon("the end of other sessions", others).await;
}

/// Reads a channel to its end.
pub async fn drain(channel: &mut Channel<client::Msg>) -> (String, Option<u32>) {
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

/// A terminal at the prompt.
pub struct Terminal {
    pub channel: Channel<client::Msg>,
}

impl Terminal {
    /// Opens one of this size; `Err` is what was said instead of a prompt.
    pub async fn open(client: &Client, columns: u32, rows: u32) -> Result<Terminal, String> {
        let channel = client.channel_open_session().await.unwrap();
        channel.request_pty(true, "vt100", columns, rows, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
        let mut terminal = Terminal { channel };
        terminal.expect("# ").await.map(|_| terminal)
    }

    /// Reads until this is shown last; `Err` is what was shown before the end.
    pub async fn expect(&mut self, end: &str) -> Result<String, String> {
        let mut shown = String::new();
        while !shown.ends_with(end) {
            match soon(end, self.channel.wait()).await {
                Some(ChannelMsg::Data { data }) => shown += &String::from_utf8_lossy(&data),
                Some(_) => {}
                None => return Err(shown),
            }
        }
        Ok(shown)
    }

    pub async fn types(&self, text: &str) {
        self.channel.data(text.as_bytes()).await.unwrap();
    }

    /// Types a line and returns what is shown up to the next prompt.
    pub async fn enter(&mut self, line: &str) -> String {
        self.types(&format!("{line}\r")).await;
        self.expect("# ").await.unwrap()
    }
}
