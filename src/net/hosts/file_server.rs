//! A host that takes and gives files by FTP, TFTP and HTTP, so that a lab has somewhere to copy to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use crate::net::http::{self, Limits, Opening};
use crate::net::stack::{Stack, TcpListener, TcpStream, UdpSocket};
use crate::net::transfer::FILE_MAX;

mod shelf;

pub use shelf::Shelf;

/// Most connections by FTP at a time.
const SESSIONS_MAX: usize = 16;
/// Connections that wait.
const BACKLOG: usize = 16;
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest line of a client.
const LINE_MAX: u64 = 1024;
/// Ports that files come and go by.
const PASSIVE: std::ops::Range<u16> = 50_000..50_064;
/// Bytes of a TFTP block without an agreement, and most that is agreed to.
const BLOCK: usize = 512;
const BLOCK_MAX: usize = 1428;

/// A running file server. Dropping it stops it.
pub struct FileServer {
    _tasks: JoinSet<()>,
}

impl FileServer {
    /// Starts it at every address of `stack`; `None` if one of its ports is taken.
    pub fn spawn(stack: &Stack, shelf: Shelf) -> Option<FileServer> {
        let store = Arc::new(shelf);
        let any = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        let control = stack.listen(None, 21, BACKLOG).ok()?;
        let web = stack.listen(None, 80, BACKLOG).ok()?;
        let datagrams = stack.bind_udp(any(69)).ok()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(ftp(stack.clone(), control, Arc::clone(&store)));
        tasks.spawn(tftp(stack.clone(), datagrams, Arc::clone(&store)));
        tasks.spawn(pages(web, store));
        Some(FileServer { _tasks: tasks })
    }
}

impl fmt::Debug for FileServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileServer").finish_non_exhaustive()
    }
}

/// Serves `GET` and `PUT`.
async fn pages(listener: TcpListener, store: Arc<Shelf>) {
    let limits = Limits { body_max: FILE_MAX, ..Limits::default() };
    let answer = move |parts: hyper::http::request::Parts, body: Bytes| {
        let store = Arc::clone(&store);
        async move {
            let name = parts.uri.path().trim_start_matches('/').to_owned();
            let (status, content) = match parts.method {
                Method::GET => match store.get(&name) {
                    Some(content) => (StatusCode::OK, content),
                    None => (StatusCode::NOT_FOUND, Vec::new()),
                },
                Method::PUT if store.put(&name, &body) => (StatusCode::CREATED, Vec::new()),
                Method::PUT => (StatusCode::INSUFFICIENT_STORAGE, Vec::new()),
                _ => (StatusCode::METHOD_NOT_ALLOWED, Vec::new()),
            };
            let mut response = Response::new(Full::new(Bytes::from(content)));
            *response.status_mut() = status;
            response
        }
    };
    http::serve(listener, |_| Opening::Plain, limits, answer).await;
}

async fn ftp(stack: Stack, listener: TcpListener, store: Arc<Shelf>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        if sessions.len() >= SESSIONS_MAX {
            sessions.join_next().await;
            continue;
        }
        let Ok((stream, _)) = listener.accept().await else { return };
        let (stack, store) = (stack.clone(), Arc::clone(&store));
        sessions.spawn(async move {
            // A client that breaks off ends its own session only.
            let _ = session(&stack, stream, &store).await;
        });
    }
}

/// One client's session. Any name and password is welcome: it is a lab.
async fn session(stack: &Stack, stream: TcpStream, store: &Shelf) -> std::io::Result<()> {
    let here = stream.local_addr().ip();
    let mut lines = BufReader::new(stream);
    let mut passive: Option<TcpListener> = None;
    lines.get_mut().write_all(b"220 lab file server\r\n").await?;
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut lines).take(LINE_MAX);
        let read = tokio::time::timeout(SILENCE, limited.read_until(b'\n', &mut line)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match verb.to_ascii_uppercase().as_str() {
            "USER" => "331 password, please".to_owned(),
            "PASS" => "230 welcome".to_owned(),
            "TYPE" | "MODE" | "STRU" | "NOOP" => "200 so be it".to_owned(),
            "SYST" => "215 UNIX Type: L8".to_owned(),
            "PWD" => "257 \"/\"".to_owned(),
            "CWD" => "250 there is one folder".to_owned(),
            "EPSV" | "PASV" => {
                passive = PASSIVE.clone().find_map(|port| stack.listen(None, port, 1).ok());
                match &passive {
                    Some(listener) => opened(verb, here, listener.local_addr().port()),
                    None => "425 no port is free".to_owned(),
                }
            }
            "STOR" | "RETR" => match passive.take() {
                None => "425 EPSV or PASV first".to_owned(),
                Some(listener) => {
                    let stores = verb.eq_ignore_ascii_case("STOR");
                    data(&mut lines, listener, store, rest, stores).await?
                }
            },
            "QUIT" => {
                lines.get_mut().write_all(b"221 bye\r\n").await?;
                return lines.get_mut().shutdown().await;
            }
            _ => "502 not here".to_owned(),
        };
        lines.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

fn opened(verb: &str, here: IpAddr, port: u16) -> String {
    match here {
        IpAddr::V4(here) if verb.eq_ignore_ascii_case("PASV") => {
            let ([a, b, c, d], [high, low]) = (here.octets(), port.to_be_bytes());
            format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low}).")
        }
        IpAddr::V4(_) | IpAddr::V6(_) => format!("229 Entering Extended Passive Mode (|||{port}|)"),
    }
}

/// Takes or gives one file over its own connection; returns the last reply.
async fn data(
    lines: &mut BufReader<TcpStream>,
    listener: TcpListener,
    store: &Shelf,
    name: &str,
    stores: bool,
) -> std::io::Result<String> {
    let content = if stores { Some(Vec::new()) } else { store.get(name) };
    let Some(mut content) = content else { return Ok(format!("550 {name}: no such file")) };
    lines.get_mut().write_all(b"150 go ahead\r\n").await?;
    let accepted = tokio::time::timeout(SILENCE, listener.accept()).await;
    let Ok(Ok((mut stream, _))) = accepted else { return Ok("425 nobody came".to_owned()) };
    if !stores {
        stream.write_all(&content).await?;
        stream.shutdown().await?;
        return Ok("226 that was all".to_owned());
    }
    let limit = u64::try_from(FILE_MAX).unwrap_or(u64::MAX);
    let mut limited = stream.take(limit);
    let read = tokio::time::timeout(SILENCE, limited.read_to_end(&mut content)).await;
    match read {
        Ok(Ok(_)) if store.put(name, &content) => Ok("226 stored".to_owned()),
        Ok(Ok(_)) => Ok("553 this name, or so much, is not taken".to_owned()),
        Ok(Err(_)) | Err(_) => Ok("426 broken off".to_owned()),
    }
}

async fn tftp(stack: Stack, socket: UdpSocket, store: Arc<Shelf>) {
    let mut transfers = JoinSet::new();
    let mut buffer = vec![0; BLOCK_MAX + 64];
    while let Ok((len, from, here)) = socket.recv_at(&mut buffer).await {
        while transfers.try_join_next().is_some() {}
        let Some(asked) = buffer.get(..len).and_then(Asked::parse) else { continue };
        let bound = stack.bind_udp(SocketAddr::new(here, 0));
        let (Ok(socket), true) = (bound, transfers.len() < SESSIONS_MAX) else { continue };
        let store = Arc::clone(&store);
        transfers.spawn(async move {
            let transfer = Transfer { socket, peer: from };
            // A client that is gone ends its own transfer only.
            let _ = transfer.serve(&store, asked).await;
        });
    }
}

/// What a client asks by TFTP.
struct Asked {
    writes: bool,
    name: String,
    /// Bytes of a block, if the client named a size.
    size: Option<usize>,
}

impl Asked {
    fn parse(bytes: &[u8]) -> Option<Asked> {
        let writes = match bytes.get(..2)? {
            [0, 1] => false,
            [0, 2] => true,
            _ => return None,
        };
        let mut words = bytes.get(2..)?.split(|byte| *byte == 0);
        let name = String::from_utf8(words.next()?.to_vec()).ok()?;
        words.next()?;
        let mut size = None;
        while let (Some(option), Some(value)) = (words.next(), words.next()) {
            if option.eq_ignore_ascii_case(b"blksize") {
                let value = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                size = value.map(|value: usize| value.clamp(8, BLOCK_MAX));
            }
        }
        Some(Asked { writes, name, size })
    }
}

struct Transfer {
    socket: UdpSocket,
    peer: SocketAddr,
}

impl Transfer {
    async fn serve(&self, store: &Shelf, asked: Asked) -> Option<()> {
        let size = asked.size.unwrap_or(BLOCK);
        let agreed = asked.size.map(|size| format!("\0\x06blksize\0{size}\0").into_bytes());
        if asked.writes {
            let mut content = Vec::new();
            let mut say = agreed.unwrap_or_else(|| vec![0, 4, 0, 0]);
            let mut block = 1_u16;
            loop {
                let part = self.ask(&say, [0, 3], block).await?;
                content.extend_from_slice(&part);
                say = [vec![0, 4], block.to_be_bytes().to_vec()].concat();
                if part.len() < size || content.len() > FILE_MAX {
                    break;
                }
                block = block.wrapping_add(1);
            }
            if !store.put(&asked.name, &content) {
                return self.refuse("not taken").await;
            }
            return self.socket.send_to(&say, self.peer).await.ok();
        }
        let Some(content) = store.get(&asked.name) else {
            return self.refuse("File not found").await;
        };
        if let Some(agreed) = agreed {
            self.ask(&agreed, [0, 4], 0).await?;
        }
        for index in 0..=content.len() / size {
            let block = u16::try_from((index + 1) & 0xffff).unwrap_or(0);
            let part = content.get(index * size..).unwrap_or_default();
            let part = part.get(..size).unwrap_or(part);
            let message = [&[0, 3][..], &block.to_be_bytes(), part].concat();
            self.ask(&message, [0, 4], block).await?;
        }
        Some(())
    }

    async fn refuse(&self, why: &str) -> Option<()> {
        let message = [b"\0\x05\0\x01", why.as_bytes(), b"\0"].concat();
        self.socket.send_to(&message, self.peer).await.ok()
    }

    /// Sends until this kind of message with this number comes; returns what it carries.
    async fn ask(&self, message: &[u8], kind: [u8; 2], block: u16) -> Option<Vec<u8>> {
        let mut buffer = vec![0; BLOCK_MAX + 64];
        for _ in 0..5 {
            self.socket.send_to(message, self.peer).await.ok()?;
            let end = tokio::time::Instant::now() + Duration::from_secs(2);
            while let Ok(heard) =
                tokio::time::timeout_at(end, self.socket.recv_from(&mut buffer)).await
            {
                let (len, from) = heard.ok()?;
                let bytes = buffer.get(..len)?;
                let wanted = [kind, block.to_be_bytes()].concat();
                if from == self.peer && bytes.starts_with(&wanted) {
                    return bytes.get(4..).map(<[u8]>::to_vec);
                }
            }
        }
        None
    }
}
