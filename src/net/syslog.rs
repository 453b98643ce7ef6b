//! The system log to servers: one datagram a line.
//!
//! # Source
//! RFC 3164; the layout of the date with its year and zone is that of UCS and NX-OS, recall.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::dns;
use super::stack::Stack;
use crate::base::time::Utc;

/// The port of syslog.
pub const PORT: u16 = 514;
/// Most lines that wait to be sent; one more is lost, as the protocol allows.
const LINES_MAX: usize = 256;
/// Longest datagram, in bytes.
///
/// # Source
/// RFC 3164, section 4.1.
const DATAGRAM_MAX: usize = 1024;
/// Local use 0, where facilities of a chassis begin.
const LOCAL0: u8 = 16;

/// A server, and what it wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Name or address.
    pub host: String,
    /// Least urgent severity that is sent, 0 to 7.
    pub level: u8,
    /// Number of the facility.
    pub facility: u8,
}

/// Where the log goes, and who knows the addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    pub servers: Vec<Server>,
    pub dns: Vec<IpAddr>,
    pub domain: Option<String>,
}

enum Command {
    Configure(Servers),
    Line { severity: u8, text: String, at: Utc },
}

/// Sends lines in the background. Dropping it stops it.
#[derive(Debug)]
pub struct Sender {
    commands: mpsc::Sender<Command>,
    /// Nothing is queued for nobody.
    level: Option<u8>,
    last: Servers,
    task: AbortHandle,
}

impl Sender {
    /// Starts one on the current tokio runtime, without servers.
    pub fn spawn(stack: Stack) -> Sender {
        let (commands, orders) = mpsc::channel(LINES_MAX);
        let task = tokio::spawn(run(stack, orders)).abort_handle();
        Sender { commands, level: None, last: Servers::default(), task }
    }

    /// Replaces the servers.
    pub fn configure(&mut self, servers: Servers) {
        if self.last == servers {
            return;
        }
        self.last = servers.clone();
        self.level = servers.servers.iter().map(|server| server.level).max();
        // A full queue says the same with the next change.
        let _ = self.commands.try_send(Command::Configure(servers));
    }

    /// Sends a line to every server that wants its severity.
    pub fn line(&self, severity: u8, text: &str, at: Utc) {
        if self.level.is_some_and(|level| severity <= level) {
            // What there is no room for is lost.
            let text = text.to_owned();
            let _ = self.commands.try_send(Command::Line { severity, text, at });
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(stack: Stack, mut orders: mpsc::Receiver<Command>) {
    let mut servers = Servers::default();
    while let Some(order) = orders.recv().await {
        match order {
            Command::Configure(new) => servers = new,
            Command::Line { severity, text, at } => {
                for server in servers.servers.iter().filter(|server| severity <= server.level) {
                    send(&stack, &servers, server, &datagram(server, severity, &text, at)).await;
                }
            }
        }
    }
}

/// A server that is not there loses the line: nobody can be told.
async fn send(stack: &Stack, servers: &Servers, server: &Server, datagram: &[u8]) {
    let domain = servers.domain.as_deref();
    let Ok(found) = dns::resolve(stack, &servers.dns, domain, &server.host).await else { return };
    let Some(address) = found.first() else { return };
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    if let Ok(socket) = stack.bind_udp(any) {
        let _ = socket.send_to(datagram, SocketAddr::new(*address, PORT)).await;
    }
}

fn datagram(server: &Server, severity: u8, text: &str, at: Utc) -> Vec<u8> {
    let priority = u16::from(server.facility.max(LOCAL0)) * 8 + u16::from(severity.min(7));
    let line = format!("<{priority}>: {}: {text}", at.syslog());
    let mut bytes = line.into_bytes();
    bytes.truncate(DATAGRAM_MAX);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_priority_and_date_and_an_end() {
        let server = Server { host: String::new(), level: 7, facility: 23 };
        let at = Utc::from_civil(2020, 8, 4, 7, 58, 13);
        let sent = datagram(&server, 5, "%SMART_LIC-5-AGENT_READY: up", at);
        let want = "<189>: 2020 Aug  4 07:58:13 UTC: %SMART_LIC-5-AGENT_READY: up";
        assert_eq!(String::from_utf8(sent).unwrap(), want);
        assert_eq!(datagram(&server, 5, &"x".repeat(5000), at).len(), DATAGRAM_MAX);
    }
}
