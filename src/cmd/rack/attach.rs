//! A console of a running chassis for somebody at another terminal: `vfxos ctl console`.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Rack;
use super::script::open;
use crate::cmd::control::{Answer, ConsoleRequest};
use crate::shell::sessions::{FromSession, Front, ToSession};

/// Most bytes taken from the other terminal at once.
const READ_MAX: usize = 4096;

/// Answers with one line, then carries keys to the chassis and its screen back until either ends.
pub(in crate::cmd) async fn attend(
    rack: &Rack,
    request: &ConsoleRequest,
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) {
    let found = rack.chassis(request.chassis.as_deref());
    let opened = match found {
        Ok(one) => {
            let handle = one.handle.clone();
            open(&handle, request.columns, request.rows).await.map(|opened| (handle, opened))
        }
        Err(why) => Err(why),
    };
    let (answer, opened) = match opened {
        Ok(opened) => (Answer::done("", serde_json::Value::Null), Some(opened)),
        Err(why) => (Answer::refused(why), None),
    };
    if writer.write_all(&answer.line()).await.is_err() {
        return;
    }
    let Some((handle, mut opened)) = opened else { return };
    let (id, mut serial, mut buffer) = (opened.id, 0, vec![0; READ_MAX]);
    let (mut typing, mut settled) = (true, None);
    // Whoever types no more still sees what comes of what was typed.
    while typing || settled != Some(serial) {
        tokio::select! {
            read = reader.read(&mut buffer), if typing => {
                let bytes = buffer.get(..read.unwrap_or(0)).unwrap_or_default().to_vec();
                if bytes.is_empty() {
                    typing = false;
                    continue;
                }
                serial += 1;
                handle.tell(ToSession::Bytes { id, serial, bytes }).await;
            }
            printed = opened.output.recv() => match printed {
                Some(FromSession::Bytes(bytes)) => {
                    if writer.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
                Some(FromSession::Settled(done)) => settled = Some(done),
                Some(FromSession::Closed { .. }) | None => return,
            }
        }
    }
    handle.tell(ToSession::Hangup { id }).await;
}
