//! The NTP client over a stack: asks whom [`proto::ntp`](crate::proto::ntp) wants asked.
//!
//! Polls follow real time, whatever the chassis's clock does; what is measured is that clock.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::dns;
use super::random;
use super::stack::{BindError, Stack, UdpSocket};
use crate::base::time::{self, Now, Utc};
use crate::proto::Next;
use crate::proto::ntp::{ANSWER_WAIT, Correction, Event, Ntp, Output, PollId, SERVERS_MAX, Status};
pub use crate::wire::ntp::Key;
use crate::wire::ntp::{LEN, Mode, Packet, Timestamp};

/// The port of NTP, which clients send from as well.
pub const PORT: u16 = 123;
/// Most commands that wait for the client.
const COMMANDS_MAX: usize = 16;

/// Reads a clock: the chassis's for a client, the lab's for a server.
pub type Clock = Arc<dyn Fn() -> Utc + Send + Sync>;

/// Whom to ask, and who knows their addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// Names or addresses, in the order that `show ntp-server` prints.
    pub servers: Vec<String>,
    pub dns: Vec<IpAddr>,
    pub domain: Option<String>,
    /// Keys by the server's name: its answers have to prove that they are its own.
    pub keys: BTreeMap<String, Key>,
}

enum Command {
    Configure(Servers),
    ClockMoved(i64),
}

/// A running client. Dropping it stops it.
pub struct Client {
    commands: mpsc::Sender<Command>,
    statuses: watch::Receiver<Vec<(String, Status)>>,
    task: AbortHandle,
}

impl Client {
    /// Starts a client on the current tokio runtime, without servers.
    ///
    /// `clock` reads the chassis's clock. `correct` moves it, and has moved it when it returns;
    /// it runs in the client's task and must not wait.
    ///
    /// # Errors
    /// [`BindError`] when UDP port 123 is taken.
    pub fn spawn(
        stack: Stack,
        clock: Clock,
        correct: impl FnMut(Correction) + Send + 'static,
    ) -> Result<Client, BindError> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT);
        let socket = stack.bind_udp(any)?;
        let (commands, orders) = mpsc::channel(COMMANDS_MAX);
        let (printed, statuses) = watch::channel(Vec::new());
        let worker = Worker {
            machine: Ntp::new(),
            servers: Servers::default(),
            base: Instant::now(),
            stack,
            socket,
            clock,
            correct,
            asked: BTreeMap::new(),
            finding: JoinSet::new(),
            printed,
        };
        let task = tokio::spawn(worker.run(orders)).abort_handle();
        Ok(Client { commands, statuses, task })
    }

    /// Replaces the servers; those that stay keep what is known of them.
    pub async fn configure(&self, servers: Servers) {
        // The worker lives as long as this handle.
        let _ = self.commands.send(Command::Configure(servers)).await;
    }

    /// Tells that somebody else moved the chassis's clock.
    pub async fn clock_moved(&self, by_ms: i64) {
        let _ = self.commands.send(Command::ClockMoved(by_ms)).await;
    }

    /// Returns every server with its status, in the order configured, now and whenever it changes.
    pub fn statuses(&self) -> watch::Receiver<Vec<(String, Status)>> {
        self.statuses.clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("statuses", &*self.statuses.borrow()).finish_non_exhaustive()
    }
}

/// A question that is out.
struct Asked {
    server: SocketAddr,
    /// What the answer must repeat.
    cookie: Timestamp,
    sent_at: Utc,
    key: Option<Key>,
}

struct Worker<F> {
    machine: Ntp,
    servers: Servers,
    base: Instant,
    stack: Stack,
    socket: UdpSocket,
    clock: Clock,
    correct: F,
    asked: BTreeMap<PollId, Asked>,
    finding: JoinSet<(PollId, String, Option<IpAddr>)>,
    printed: watch::Sender<Vec<(String, Status)>>,
}

impl<F: FnMut(Correction) + Send> Worker<F> {
    async fn run(mut self, mut orders: mpsc::Receiver<Command>) {
        let mut buffer = [0; LEN + 64];
        loop {
            let due = self.perform();
            self.publish();
            let sleep = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Command::Configure(servers)) => {
                        self.configure(servers);
                    }
                    Some(Command::ClockMoved(by_ms)) => self.tell(Event::ClockMoved { by_ms }),
                    None => return,
                },
                Some(found) = self.finding.join_next() => {
                    if let Ok((id, server, address)) = found {
                        self.ask(id, &server, address).await;
                    }
                }
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, from)) => self.received(&buffer[..len], from),
                    // The link is gone for good.
                    Err(_) => return,
                },
                () = sleep => self.tell(Event::Due),
            }
        }
    }

    fn configure(&mut self, servers: Servers) {
        let names = servers.servers.clone();
        let before = std::mem::replace(&mut self.servers, servers);
        // What was learnt from a server with another key is forgotten, and it is asked at once.
        let (old, new) = (&before.keys, &self.servers.keys);
        let kept: Vec<_> =
            names.iter().filter(|name| old.get(*name) == new.get(*name)).cloned().collect();
        if kept.len() < names.len() {
            self.tell(Event::Configure(kept));
        }
        self.tell(Event::Configure(names));
    }

    fn now(&self) -> Now {
        Now { mono: time::Instant::from_elapsed(self.base.elapsed()), wall: (self.clock)() }
    }

    fn tell(&mut self, event: Event) {
        let now = self.now();
        self.machine.handle(now, event);
    }

    /// Does what the machine wants done; returns when it wants to be told that time has passed.
    fn perform(&mut self) -> Option<Instant> {
        loop {
            match self.machine.poll(self.now()) {
                Next::Do(Output::Offset(correction)) => {
                    (self.correct)(correction);
                }
                Next::Do(Output::Ask { id, server }) => self.find(id, server),
                Next::Wait(due) => {
                    return due.map(|due| self.base + due.since(time::Instant::ZERO));
                }
            }
        }
    }

    /// Looks for the server's address, and for the neighbour on the way: whatever takes long is
    /// done beside the others' questions.
    fn find(&mut self, id: PollId, server: String) {
        let (stack, Servers { dns, domain, .. }) = (self.stack.clone(), self.servers.clone());
        self.finding.spawn(async move {
            let found = async {
                let found = dns::resolve(&stack, &dns, domain.as_deref(), &server).await.ok()?;
                let address = *found.first()?;
                stack.reach(address).await.ok().map(|()| address)
            };
            // Later than that the machine has given the question up.
            let address = tokio::time::timeout(ANSWER_WAIT, found).await.ok().flatten();
            (id, server, address)
        });
    }

    async fn ask(&mut self, id: PollId, name: &str, address: Option<IpAddr>) {
        let Some(address) = address else { return self.tell(Event::Lost { id }) };
        let server = SocketAddr::new(address, PORT);
        let sent_at = (self.clock)();
        let cookie = Timestamp::from_utc(sent_at, u32::from_le_bytes(random()));
        let packet = Packet::question(cookie).to_bytes();
        let key = self.servers.keys.get(name).cloned();
        let mut question = packet.to_vec();
        question.extend(key.iter().flat_map(|key| key.proof(&packet)));
        let sent = self.socket.send_to(&question, server);
        if !matches!(tokio::time::timeout(ANSWER_WAIT, sent).await, Ok(Ok(()))) {
            return self.tell(Event::Lost { id });
        }
        // The machine has one question out to each server; what is older is not answered any more.
        while self.asked.len() >= SERVERS_MAX {
            self.asked.pop_first();
        }
        self.asked.insert(id, Asked { server, cookie, sent_at, key });
    }

    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        let answers = |asked: &Asked| {
            packet.mode == Mode::Server
                && asked.server == from
                && asked.cookie == packet.origin
                && asked.key.as_ref().is_none_or(|key| key.vouches(bytes))
        };
        let id = self.asked.iter().find(|(_, asked)| answers(asked)).map(|(id, _)| *id);
        if let Some((id, asked)) = id.and_then(|id| self.asked.remove_entry(&id)) {
            self.tell(Event::Answer { id, sent_at: asked.sent_at, packet });
        }
    }

    fn publish(&self) {
        let statuses = self.machine.statuses();
        self.printed.send_if_modified(|printed| {
            let changed = *printed != statuses;
            *printed = statuses;
            changed
        });
    }
}
