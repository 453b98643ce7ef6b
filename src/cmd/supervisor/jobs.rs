//! The jobs that operators set going, carried out over the chassis's own stack.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Input;
use super::files::Files;
use crate::cli::desk::SessionId;
use crate::cli::job::{
    self, Family, HOPS_MAX, Job, Outcome, PROBES, Ping, PingReport, TraceReport, Traceroute,
};
use crate::net::dns;
use crate::net::stack::{PingError, Pinger, Stack};
use crate::proto::config::facts;
use crate::proto::mio::Mio;
use crate::shell::sessions::UNREAD_MAX;
use crate::sys::clock::ChassisClock;
use crate::sys::flash::Flash;

/// How long a probe of a trace waits for its answer.
///
/// # Source
/// The traceroute of Linux, by recall.
const PROBE_WAIT: Duration = Duration::from_secs(5);
/// How long a ping waits for the answer to its last request.
///
/// # Source
/// The ping of Linux, by recall.
const LINGER: Duration = Duration::from_secs(10);
/// How long a job waits for a screen that is behind before it looks again.
const PAUSE: Duration = Duration::from_millis(10);
/// Time to live that a ping begins with.
const TTL: u8 = 64;

/// What a job says of itself.
#[derive(Debug)]
pub(crate) enum Said {
    Text(String),
    Done,
}

/// What jobs work with, whoever set them going.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) stack: Stack,
    pub(super) clock: ChassisClock,
    pub(super) flash: Arc<Flash>,
    pub(super) outbox: mpsc::Sender<Input>,
    /// Where the lines of a TLS key log come from, if one is kept.
    pub(super) secrets: Option<broadcast::Sender<Arc<str>>>,
}

/// The jobs under way, one a session at most.
pub(super) struct Jobs {
    tools: Tools,
    running: BTreeMap<SessionId, Running>,
}

struct Running {
    cancel: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Jobs {
    pub(super) fn new(tools: Tools) -> Jobs {
        Jobs { tools, running: BTreeMap::new() }
    }

    /// Begins a job, with the name servers that are configured now; `unread` is what the session has
    /// on its way to the screen.
    pub(super) fn start(&mut self, id: SessionId, mio: &Mio, job: Job, unread: Arc<AtomicUsize>) {
        let objects = mio.config.objects();
        let domain = facts::domain_name(objects);
        let world = World {
            stack: self.tools.stack.clone(),
            clock: self.tools.clock.clone(),
            secrets: self.tools.secrets.clone(),
            files: Files {
                outbox: self.tools.outbox.clone(),
                flash: Arc::clone(&self.tools.flash),
            },
            dns: mio.dns_servers(),
            domain: (!domain.is_empty()).then_some(domain),
            session: id,
            unread,
            outbox: self.tools.outbox.clone(),
        };
        let (cancel, cancelled) = oneshot::channel();
        let task = tokio::spawn(async move {
            world.run(job, cancelled).await;
            world.say(Said::Done).await;
        });
        self.running.insert(id, Running { cancel: Some(cancel), task });
    }

    /// Asks a job to end; it still says what it has found.
    pub(super) fn cancel(&mut self, id: SessionId) {
        let cancel = self.running.get_mut(&id).and_then(|running| running.cancel.take());
        if let Some(cancel) = cancel {
            // It may be over already.
            let _ = cancel.send(());
        }
    }

    /// Forgets a job that is over, or whose session is.
    pub(super) fn end(&mut self, id: SessionId) {
        if let Some(running) = self.running.remove(&id) {
            running.task.abort();
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.running.values().for_each(|running| running.task.abort());
    }
}

/// What one job works with.
pub(super) struct World {
    pub(super) stack: Stack,
    pub(super) clock: ChassisClock,
    pub(super) files: Files,
    pub(super) secrets: Option<broadcast::Sender<Arc<str>>>,
    dns: Vec<IpAddr>,
    domain: Option<String>,
    session: SessionId,
    unread: Arc<AtomicUsize>,
    outbox: mpsc::Sender<Input>,
}

impl World {
    pub(super) async fn say(&self, said: Said) {
        // Who reads slowly slows the job down instead of being cut off.
        while self.unread.load(Ordering::Relaxed) > UNREAD_MAX / 4 {
            tokio::time::sleep(PAUSE).await;
        }
        // The supervisor may have ended; so will this task.
        let _ = self.outbox.send(Input::Job { session: self.session, said }).await;
    }

    async fn run(&self, job: Job, mut cancelled: oneshot::Receiver<()>) {
        match job {
            Job::Ping(_) | Job::Traceroute(_) => self.probe(&job, cancelled).await,
            Job::Capture(plan) => self.capture(*plan, cancelled).await,
            Job::Read { file, plan } => self.read_capture(&file, &plan, cancelled).await,
            Job::View(file) => {
                let text = until(&mut cancelled, self.files.read(&file)).await;
                let text = match text {
                    None => return,
                    Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
                    Some(Err(why)) => format!("{why}\n"),
                };
                self.say(Said::Text(text)).await;
            }
            Job::Transfer(_) => {
                let done = until(&mut cancelled, self.transfer(&job)).await;
                if let Some(Err(why)) = done {
                    self.say(Said::Text(format!("{why}\n"))).await;
                }
            }
            Job::Support(support) => self.support(support).await,
        }
    }

    /// Returns the first address of a host; tells the operator if there is none.
    pub(super) async fn find(&self, job: &Job, host: &str, family: Family) -> Option<IpAddr> {
        let (stack, domain) = (&self.stack, self.domain.as_deref());
        let found = match family {
            Family::V4 => dns::resolve(stack, &self.dns, domain, host).await,
            Family::V6 => dns::resolve6(stack, &self.dns, domain, host).await,
        };
        let addresses = found.unwrap_or_default();
        let wanted = |address: &&IpAddr| address.is_ipv4() == (family == Family::V4);
        if let Some(target) = addresses.iter().find(wanted) {
            return Some(*target);
        }
        let unknown = addresses.is_empty() && host.parse::<IpAddr>().is_err();
        let text = if unknown { job::unknown_host(job, host) } else { job::no_route(job) };
        self.say(Said::Text(text)).await;
        None
    }

    async fn probe(&self, job: &Job, mut cancelled: oneshot::Receiver<()>) {
        let (host, family) = match job {
            Job::Ping(Ping { host, family, .. }) | Job::Traceroute(Traceroute { host, family }) => {
                (host, *family)
            }
            Job::Capture(_)
            | Job::Read { .. }
            | Job::View(_)
            | Job::Transfer(_)
            | Job::Support(_) => return,
        };
        let found = until(&mut cancelled, self.find(job, host, family)).await;
        let Some(Some(target)) = found else { return };
        let Some(source) = self.source(target) else {
            return self.say(Said::Text(job::no_route(job))).await;
        };
        match job {
            Job::Ping(ping) => self.ping(ping, target, source, cancelled).await,
            Job::Traceroute(trace) => self.trace(trace, target, cancelled).await,
            Job::Capture(_)
            | Job::Read { .. }
            | Job::View(_)
            | Job::Transfer(_)
            | Job::Support(_) => {}
        }
    }

    /// Returns the address that packets to `target` come from: one of its network, else the first.
    fn source(&self, target: IpAddr) -> Option<IpAddr> {
        let addresses = self.stack.addresses();
        let own = || addresses.iter().filter(|own| own.address().is_ipv4() == target.is_ipv4());
        let near = own().find(|own| own.contains(target));
        near.or_else(|| own().next()).map(|own| own.address())
    }

    async fn ping(
        &self,
        ping: &Ping,
        target: IpAddr,
        source: IpAddr,
        mut cancelled: oneshot::Receiver<()>,
    ) {
        let (mut report, head) = PingReport::begin(ping, target, source);
        self.say(Said::Text(head)).await;
        let mut pinger = self.stack.pinger();
        let payload = vec![0x5a; ping.size];
        let began = Instant::now();
        let mut last = began;
        let mut broken = false;
        while ping.count.is_none_or(|count| report.sent() < count) {
            let sent = Instant::now();
            if ping.deadline.is_some_and(|deadline| sent - began >= deadline) {
                break;
            }
            report.send();
            last = sent;
            let sequence = report.sent();
            let final_one = ping.count == Some(sequence);
            let wait = if final_one { LINGER } else { ping.interval };
            let round = self.echo(&mut pinger, target, sequence, TTL, &payload, wait);
            let Some(outcome) = until(&mut cancelled, round).await else {
                broken = true;
                break;
            };
            let Some(outcome) = outcome else {
                return self.say(Said::Text(job::no_route(&Job::Ping(ping.clone())))).await;
            };
            if outcome != Outcome::Lost {
                last = Instant::now();
            }
            self.say(Said::Text(report.outcome(sequence, outcome))).await;
            let pause = tokio::time::sleep_until(sent + ping.interval);
            if !final_one && until(&mut cancelled, pause).await.is_none() {
                broken = true;
                break;
            }
        }
        self.say(Said::Text(report.end(last - began, broken))).await;
    }

    async fn trace(
        &self,
        trace: &Traceroute,
        target: IpAddr,
        mut cancelled: oneshot::Receiver<()>,
    ) {
        let (mut report, head) = TraceReport::begin(trace, target);
        self.say(Said::Text(head)).await;
        let mut pinger = self.stack.pinger();
        let mut sequence = 0;
        for ttl in 1..=HOPS_MAX {
            let mut outcomes = Vec::with_capacity(PROBES);
            for _ in 0..PROBES {
                sequence += 1;
                let round = self.echo(&mut pinger, target, sequence, ttl, &[0; 32], PROBE_WAIT);
                let Some(outcome) = until(&mut cancelled, round).await else { return };
                outcomes.push(outcome.unwrap_or(Outcome::Lost));
            }
            let (line, over) = report.hop(&outcomes);
            self.say(Said::Text(line)).await;
            if over {
                return;
            }
        }
    }

    /// Sends one request and says what came of it; `None` if there is no way at all.
    async fn echo(
        &self,
        pinger: &mut Pinger,
        target: IpAddr,
        sequence: u32,
        ttl: u8,
        payload: &[u8],
        wait: Duration,
    ) -> Option<Outcome> {
        let began = Instant::now();
        // The number on the wire is of 16 bits and goes round.
        let number = u16::try_from(sequence & 0xffff).unwrap_or(0);
        match pinger.ping(target, number, ttl, payload, wait).await {
            Ok(echo) => Some(Outcome::Reply {
                from: echo.from,
                ttl: echo.ttl,
                bytes: echo.len,
                round_trip: echo.round_trip,
            }),
            Err(PingError::TimedOut | PingError::TooLong { .. }) => Some(Outcome::Lost),
            Err(PingError::Unreachable { from, code }) => Some(Outcome::Unreachable { from, code }),
            Err(PingError::TimeExceeded { from }) => {
                Some(Outcome::TimeExceeded { from, round_trip: began.elapsed() })
            }
            Err(PingError::NoRoute) => None,
        }
    }
}

/// Waits for something unless the operator ends the job first.
pub(super) async fn until<T>(
    cancelled: &mut oneshot::Receiver<()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        _ = cancelled => None,
    }
}
