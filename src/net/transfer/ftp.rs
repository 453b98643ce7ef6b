//! FTP in passive mode.
//!
//! # Source
//! RFC 959; RFC 2428 for `EPSV`.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{FILE_MAX, Login, TransferError, connect, patiently};
use crate::net::stack::{Stack, TcpStream};

/// Longest line of a server that is read, and most lines of one reply.
const LINE_MAX: u64 = 4096;
const LINES_MAX: usize = 256;
/// Bytes sent at once.
const CHUNK: usize = 16 * 1024;

struct Control {
    lines: BufReader<TcpStream>,
    peer: SocketAddr,
}

/// A reply: its code, and the words of its last line.
struct Reply {
    code: u16,
    text: String,
}

impl Control {
    async fn reply(&mut self) -> Result<Reply, TransferError> {
        let mut open: Option<u16> = None;
        for _ in 0..LINES_MAX {
            let mut line = Vec::new();
            let mut limited = (&mut self.lines).take(LINE_MAX);
            patiently(limited.read_until(b'\n', &mut line)).await?;
            if line.is_empty() {
                return Err(TransferError::Broken);
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            let more = line.get(3..4) == Some("-");
            match (code, open) {
                (Some(code), None) if more => open = Some(code),
                (Some(code), expected) if !more && expected.is_none_or(|open| open == code) => {
                    return Ok(Reply { code, text: line.to_owned() });
                }
                (_, Some(_)) => {}
                (_, None) => return Err(TransferError::Nonsense),
            }
        }
        Err(TransferError::Nonsense)
    }

    async fn say(&mut self, line: &str) -> Result<Reply, TransferError> {
        let line = format!("{line}\r\n");
        patiently(self.lines.get_mut().write_all(line.as_bytes())).await?;
        self.reply().await
    }

    /// Says a line whose answer must be of one of these hundreds.
    async fn ask(&mut self, line: &str, hundreds: &[u16]) -> Result<Reply, TransferError> {
        let reply = self.say(line).await?;
        if hundreds.contains(&(reply.code / 100)) {
            Ok(reply)
        } else {
            Err(TransferError::Refused(reply.text))
        }
    }

    async fn login(
        stack: &Stack,
        to: SocketAddr,
        login: Login<'_>,
    ) -> Result<Control, TransferError> {
        let stream = connect(stack, to).await?;
        let mut control = Control { lines: BufReader::new(stream), peer: to };
        let greeting = control.reply().await?;
        if greeting.code / 100 != 2 {
            return Err(TransferError::Refused(greeting.text));
        }
        let (user, password) = match login.user {
            "" => ("anonymous", "anonymous@"),
            user => (user, login.password),
        };
        let reply = control.ask(&format!("USER {user}"), &[2, 3]).await?;
        if reply.code / 100 == 3 {
            control.ask(&format!("PASS {password}"), &[2]).await?;
        }
        control.ask("TYPE I", &[2]).await?;
        Ok(control)
    }

    /// Opens the connection that the file goes over.
    async fn passive(&mut self, stack: &Stack) -> Result<TcpStream, TransferError> {
        let reply = self.say("EPSV").await?;
        let port = if reply.code == 229 {
            extended(&reply.text)
        } else {
            let reply = self.ask("PASV", &[2]).await?;
            classic(&reply.text)
        };
        // Whatever address a server names, the file goes to the host that was meant.
        let port = port.ok_or(TransferError::Nonsense)?;
        connect(stack, SocketAddr::new(self.peer.ip(), port)).await
    }
}

/// `229 Entering Extended Passive Mode (|||6446|)`.
fn extended(text: &str) -> Option<u16> {
    let inside = text.split_once("(|||")?.1;
    inside.split('|').next()?.parse().ok()
}

/// `227 Entering Passive Mode (10,62,148,41,200,10).`
fn classic(text: &str) -> Option<u16> {
    let inside = text.split_once('(')?.1.split(')').next()?;
    let mut numbers = inside.split(',').map(|number| number.trim().parse::<u8>().ok());
    let (high, low) = (numbers.nth(4)??, numbers.next()??);
    Some(u16::from_be_bytes([high, low]))
}

/// Stores a file.
///
/// # Errors
/// [`TransferError`], with the server's words where it had some.
pub async fn store(
    stack: &Stack,
    to: SocketAddr,
    login: Login<'_>,
    path: &str,
    content: &[u8],
) -> Result<(), TransferError> {
    let mut control = Control::login(stack, to, login).await?;
    let mut data = control.passive(stack).await?;
    control.ask(&format!("STOR {path}"), &[1]).await?;
    for chunk in content.chunks(CHUNK) {
        patiently(data.write_all(chunk)).await?;
    }
    patiently(data.shutdown()).await?;
    drop(data);
    let reply = control.reply().await?;
    if reply.code / 100 != 2 {
        return Err(TransferError::Refused(reply.text));
    }
    // It is stored; how the server takes leave does not matter.
    let _ = control.say("QUIT").await;
    Ok(())
}

/// Fetches a file.
///
/// # Errors
/// [`TransferError`], with the server's words where it had some.
pub async fn fetch(
    stack: &Stack,
    to: SocketAddr,
    login: Login<'_>,
    path: &str,
) -> Result<Vec<u8>, TransferError> {
    let mut control = Control::login(stack, to, login).await?;
    let mut data = control.passive(stack).await?;
    control.ask(&format!("RETR {path}"), &[1]).await?;
    let mut content = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let len = patiently(data.read(&mut chunk)).await?;
        let Some(bytes) = chunk.get(..len).filter(|bytes| !bytes.is_empty()) else { break };
        content.extend_from_slice(bytes);
        if content.len() > FILE_MAX {
            return Err(TransferError::TooLong);
        }
    }
    drop(data);
    let reply = control.reply().await?;
    if reply.code / 100 != 2 {
        return Err(TransferError::Refused(reply.text));
    }
    // As above.
    let _ = control.say("QUIT").await;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_both_kinds_of_answer() {
        assert_eq!(extended("229 Entering Extended Passive Mode (|||6446|)"), Some(6446));
        assert_eq!(classic("227 Entering Passive Mode (10,62,148,41,200,10)."), Some(51210));
        for bad in ["229 x", "227 (1,2)", "227 (1,2,3,4,5,999)", "229 (|||x|)"] {
            assert_eq!((extended(bad), classic(bad)), (None, None), "{bad}");
        }
    }
}
