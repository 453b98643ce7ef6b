//! The lab's IPv4 router: one port a subnet, and the place where a lab's network faults happen.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::net::link::{HEADER, Link, LinkError, Mac};
use crate::net::random;
use crate::net::stack::Cidr;

mod fault;
mod forward;
mod packet;
#[cfg(test)]
mod tests;

pub use fault::{Effect, FAULTS_MAX, Fault, Protocol};

use self::forward::{Forwarder, Port};

/// Most frames taken from one port in one turn.
const BURST: usize = 64;

/// One port of a router.
#[derive(Debug)]
pub struct RouterPort<L> {
    pub link: L,
    pub mac: Mac,
    /// The router's own addresses on this segment, one for each network there.
    pub addresses: Vec<Cidr>,
}

/// Why a router refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RouterError {
    #[error("{address} is no IPv4 address; this router routes IPv4 only")]
    NotIpv4 { address: Cidr },
    #[error("{address} overlaps the network of another address of the router")]
    Overlap { address: Cidr },
    #[error("{FAULTS_MAX} faults are set already; clear one first")]
    TooManyFaults,
}

/// Counters since power-on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterStats {
    pub forwarded: u64,
    /// Dropped for any reason, faults included.
    pub dropped: u64,
}

/// A running router. Dropping it stops it and unplugs its ports.
pub struct Router {
    forwarder: Arc<Mutex<Forwarder>>,
    task: AbortHandle,
}

impl Router {
    /// Starts a router on the current tokio runtime.
    ///
    /// # Errors
    /// [`RouterError`] for addresses that it can't route between.
    pub fn spawn<L: Link>(ports: Vec<RouterPort<L>>) -> Result<Router, RouterError> {
        let (mut links, mut known) = (Vec::new(), Vec::<Cidr>::new());
        let mut described = Vec::new();
        for RouterPort { link, mac, addresses } in ports {
            for address in &addresses {
                if !address.address().is_ipv4() {
                    return Err(RouterError::NotIpv4 { address: *address });
                }
                let overlaps = |other: &Cidr| {
                    other.contains(address.address()) || address.contains(other.address())
                };
                if known.iter().any(overlaps) {
                    return Err(RouterError::Overlap { address: *address });
                }
                known.push(*address);
            }
            described.push(Port { mac, addresses, mtu: link.mtu() });
            links.push(link);
        }
        let seed = u64::from_le_bytes(random());
        let forwarder = Arc::new(Mutex::new(Forwarder::new(described, seed)));
        let task = tokio::spawn(run(links, Arc::clone(&forwarder))).abort_handle();
        Ok(Router { forwarder, task })
    }

    /// Sets a fault under a name, in place of the one that has it.
    ///
    /// # Errors
    /// [`RouterError::TooManyFaults`].
    pub fn set_fault(&self, name: &str, fault: Fault) -> Result<(), RouterError> {
        let set = self.forwarder.lock().faults.set(name, fault);
        if set { Ok(()) } else { Err(RouterError::TooManyFaults) }
    }

    /// Takes a fault away; returns whether there was one of that name.
    pub fn clear_fault(&self, name: &str) -> bool {
        self.forwarder.lock().faults.clear(name)
    }

    /// Returns the faults that are set.
    pub fn faults(&self) -> Vec<(String, Fault)> {
        self.forwarder.lock().faults.list()
    }

    /// Returns the counters.
    pub fn stats(&self) -> RouterStats {
        self.forwarder.lock().stats
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

async fn run<L: Link>(mut links: Vec<L>, forwarder: Arc<Mutex<Forwarder>>) {
    let base = Instant::now();
    let longest = links.iter().map(Link::mtu).max().unwrap_or(0) + HEADER;
    let mut buffer = vec![0; longest];
    loop {
        let turn = turn(&mut links, &forwarder, base.elapsed(), &mut buffer);
        let Ok((due, more)) = turn else {
            tracing::warn!("the router lost a link");
            return;
        };
        if more {
            tokio::task::yield_now().await;
            continue;
        }
        match due {
            None => any_ready(&mut links).await,
            Some(due) => tokio::select! {
                () = any_ready(&mut links) => {}
                () = tokio::time::sleep_until(base + due) => {}
            },
        }
    }
}

/// Takes and sends frames; returns the next deadline, and whether some frames were left.
fn turn<L: Link>(
    links: &mut [L],
    forwarder: &Mutex<Forwarder>,
    now: Duration,
    buffer: &mut [u8],
) -> Result<(Option<Duration>, bool), LinkError> {
    let mut forwarder = forwarder.lock();
    let mut more = false;
    forwarder.due(now);
    for (port, link) in links.iter_mut().enumerate() {
        let mut taken = 0;
        while taken < BURST
            && let Some(len) = link.receive(buffer)?
        {
            taken += 1;
            forwarder.receive(now, port, &buffer[..len]);
        }
        more |= taken == BURST;
    }
    for (port, frame) in forwarder.outgoing.drain(..) {
        if let Some(link) = links.get_mut(port) {
            link.send(&frame);
        }
    }
    Ok((forwarder.deadline(), more))
}

/// Returns once any link is worth reading. Cancel-safe.
async fn any_ready<L: Link>(links: &mut [L]) {
    type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
    let mut waits: Vec<Wait<'_>> =
        links.iter_mut().map(|link| Box::pin(link.ready()) as Wait<'_>).collect();
    poll_fn(|cx| {
        let ready = waits.iter_mut().any(|wait| wait.as_mut().poll(cx).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
