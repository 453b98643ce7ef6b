//! The jobs that operators set going, carried out over the chassis's own stack.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Input;
use crate::cli::desk::SessionId;
use crate::cli::job::{
    self, Family, HOPS_MAX, Job, Outcome, PROBES, Ping, PingReport, TraceReport, Traceroute,
};
use crate::net::dns;
use crate::net::stack::{PingError, Pinger, Stack};
use crate::proto::config::facts;
use crate::proto::mio::Mio;

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
/// Time to live that a ping begins with.
const TTL: u8 = 64;

/// What a job says of itself.
#[derive(Debug)]
pub(crate) enum Said {
    Text(String),
    Done,
}

/// The jobs under way, one a session at most.
pub(super) struct Jobs {
    stack: Stack,
    outbox: mpsc::Sender<Input>,
    running: BTreeMap<SessionId, Running>,
}

struct Running {
    cancel: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Jobs {
    pub(super) fn new(stack: Stack, outbox: mpsc::Sender<Input>) -> Jobs {
        Jobs { stack, outbox, running: BTreeMap::new() }
    }

    /// Begins a job, with the name servers that are configured now.
    pub(super) fn start(&mut self, id: SessionId, mio: &Mio, job: Job) {
        let objects = mio.config.objects();
        let domain = facts::domain_name(objects);
        let world = World {
            stack: self.stack.clone(),
            dns: mio.dns_servers(),
            domain: (!domain.is_empty()).then_some(domain),
            session: id,
            outbox: self.outbox.clone(),
        };
        let (cancel, cancelled) = oneshot::channel();
        let task = tokio::spawn(async move {
            world.run(&job, cancelled).await;
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
struct World {
    stack: Stack,
    dns: Vec<IpAddr>,
    domain: Option<String>,
    session: SessionId,
    outbox: mpsc::Sender<Input>,
}

impl World {
    async fn say(&self, said: Said) {
        // The supervisor may have ended; so will this task.
        let _ = self.outbox.send(Input::Job { session: self.session, said }).await;
    }

    async fn run(&self, job: &Job, mut cancelled: oneshot::Receiver<()>) {
        let (host, family) = match job {
            Job::Ping(Ping { host, family, .. }) | Job::Traceroute(Traceroute { host, family }) => {
                (host, *family)
            }
        };
        let found = async {
            let (stack, domain) = (&self.stack, self.domain.as_deref());
            match family {
                Family::V4 => dns::resolve(stack, &self.dns, domain, host).await,
                Family::V6 => dns::resolve6(stack, &self.dns, domain, host).await,
            }
        };
        let Some(found) = until(&mut cancelled, found).await else { return };
        let addresses = found.unwrap_or_default();
        let wanted = |address: &&IpAddr| address.is_ipv4() == (family == Family::V4);
        let Some(target) = addresses.iter().find(wanted) else {
            let known = addresses.is_empty() && host.parse::<IpAddr>().is_err();
            let text = if known { job::unknown_host(job) } else { job::no_route(job) };
            return self.say(Said::Text(text)).await;
        };
        let Some(source) = self.source(*target) else {
            return self.say(Said::Text(job::no_route(job))).await;
        };
        match job {
            Job::Ping(ping) => self.ping(ping, *target, source, cancelled).await,
            Job::Traceroute(trace) => self.trace(trace, *target, cancelled).await,
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
async fn until<T>(
    cancelled: &mut oneshot::Receiver<()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        _ = cancelled => None,
    }
}
