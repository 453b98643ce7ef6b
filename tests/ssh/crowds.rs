//! Crowds at the door, and clients that read nothing.

use russh::client;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{PASSWORD, Terminal, admin, alone, connect_as, exec_all, soon};
use crate::lab::Lab;

#[tokio::test]
async fn hundreds_that_only_stand_there_keep_nobody_out() {
    let lab = Lab::start();
    let inside = admin(&lab).await;
    let mut terminal = Terminal::open(&inside, 80, 0).await.unwrap();
    let mut crowd = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(lab.address).await.unwrap();
        // Some hear the server out, some do not even do that.
        if number % 4 == 0 {
            let mut hello = [0; 8];
            // It may have been cut already, as the oldest.
            let _ = soon("a greeting", stream.read_exact(&mut hello)).await;
        }
        crowd.push(stream);
    }
    assert!(terminal.enter("show clock").await.contains("UTC"));
    let late = admin(&lab).await;
    exec_all(&late, &["show version"]).await;
    drop(crowd);
    exec_all(&admin(&lab).await, &["show version"]).await;
}

#[tokio::test]
async fn who_reads_nothing_is_cut_off_and_holds_nobody_up() {
    let lab = Lab::start();
    let config = client::Config { window_size: 2048, ..client::Config::default() };
    let (mut slow, _) = connect_as(&lab, config).await.unwrap();
    assert!(slow.authenticate_password("admin", PASSWORD).await.unwrap().success());
    let mut terminal = Terminal::open(&slow, 80, 0).await.unwrap();
    terminal.enter("scope services").await;
    // Nothing of this is read: the window is never opened again.
    let Terminal { channel } = terminal;
    let (reader, writer) = channel.split();
    let typing = tokio::spawn(async move {
        while writer.data(&b"show configuration all\r"[..]).await.is_ok() {}
    });
    alone(&admin(&lab).await).await;
    typing.abort();
    drop(reader);
}
