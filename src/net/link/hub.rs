//! A learning Ethernet switch in memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::{HEADER, Link, LinkError, Mac};

/// Most frames that wait at one port; a frame more is dropped.
pub const QUEUE_MAX: usize = 512;
/// Most stations that a switch remembers; frames to any other are flooded.
pub const STATIONS_MAX: usize = 4096;

/// A switch. Clones are the same switch.
#[derive(Clone, Default)]
pub struct Hub(Arc<RwLock<Table>>);

#[derive(Default)]
struct Table {
    ports: BTreeMap<u64, Arc<Queue>>,
    stations: BTreeMap<Mac, u64>,
    next_port: u64,
}

#[derive(Default)]
struct Queue {
    frames: Mutex<VecDeque<Bytes>>,
    arrived: Notify,
}

impl Queue {
    fn push(&self, frame: Bytes) {
        let mut frames = self.frames.lock();
        if frames.len() >= QUEUE_MAX {
            return;
        }
        frames.push_back(frame);
        drop(frames);
        self.arrived.notify_one();
    }
}

impl Hub {
    /// Makes a switch without ports.
    pub fn new() -> Hub {
        Hub::default()
    }

    /// Adds a port that carries IP packets of up to `mtu` bytes. Dropping it unplugs it.
    pub fn port(&self, mtu: usize) -> HubPort {
        let queue = Arc::<Queue>::default();
        let mut table = self.0.write();
        let number = table.next_port;
        table.next_port += 1;
        table.ports.insert(number, Arc::clone(&queue));
        HubPort { hub: self.clone(), number, queue, mtu }
    }

    /// Returns how many ports are plugged in.
    pub fn port_count(&self) -> usize {
        self.0.read().ports.len()
    }

    fn learn(&self, station: Mac, port: u64) {
        if station.is_group() || self.0.read().stations.get(&station) == Some(&port) {
            return;
        }
        let mut table = self.0.write();
        if table.stations.len() < STATIONS_MAX || table.stations.contains_key(&station) {
            table.stations.insert(station, port);
        }
    }

    fn forward(&self, from: u64, to: Mac, frame: Bytes) {
        let table = self.0.read();
        let known = if to.is_group() { None } else { table.stations.get(&to) };
        match known {
            Some(number) if *number == from => {}
            Some(number) => {
                if let Some(port) = table.ports.get(number) {
                    port.push(frame);
                }
            }
            None => {
                for (_, port) in table.ports.iter().filter(|(number, _)| **number != from) {
                    port.push(frame.clone());
                }
            }
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0.read();
        f.debug_struct("Hub")
            .field("ports", &table.ports.len())
            .field("stations", &table.stations.len())
            .finish()
    }
}

/// One port of a [`Hub`].
pub struct HubPort {
    hub: Hub,
    number: u64,
    queue: Arc<Queue>,
    mtu: usize,
}

impl fmt::Debug for HubPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubPort").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Link for HubPort {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(frame) = self.queue.frames.lock().pop_front() else { return Ok(None) };
        let len = frame.len().min(buffer.len());
        buffer[..len].copy_from_slice(&frame[..len]);
        Ok(Some(len))
    }

    fn send(&mut self, frame: &[u8]) {
        let (Some(to), Some(from)) = (address(frame, 0), address(frame, 6)) else { return };
        if frame.len() < HEADER || frame.len() > self.mtu + HEADER {
            return;
        }
        self.hub.learn(from, self.number);
        self.hub.forward(self.number, to, Bytes::copy_from_slice(frame));
    }

    async fn ready(&mut self) {
        // A frame that was pushed since the last look left a permit behind.
        if self.queue.frames.lock().is_empty() {
            self.queue.arrived.notified().await;
        }
    }
}

impl Drop for HubPort {
    fn drop(&mut self) {
        let mut table = self.hub.0.write();
        table.ports.remove(&self.number);
        table.stations.retain(|_, port| *port != self.number);
    }
}

fn address(frame: &[u8], at: usize) -> Option<Mac> {
    frame.get(at..at + 6)?.try_into().ok().map(Mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(to: u8, from: u8) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[..6].fill(if to == 0xff { 0xff } else { 0 });
        frame[5] = to;
        frame[11] = from;
        frame
    }

    fn drain(port: &mut HubPort) -> usize {
        let mut buffer = [0; 64];
        let mut count = 0;
        while port.receive(&mut buffer).unwrap().is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn an_unknown_station_is_flooded_and_a_known_one_is_not() {
        let hub = Hub::new();
        let (mut a, mut b, mut c) = (hub.port(1500), hub.port(1500), hub.port(1500));
        a.send(&frame(2, 1));
        assert_eq!((drain(&mut a), drain(&mut b), drain(&mut c)), (0, 1, 1));
        b.send(&frame(1, 2));
        assert_eq!((drain(&mut a), drain(&mut b), drain(&mut c)), (1, 0, 0));
        a.send(&frame(0xff, 1));
        assert_eq!((drain(&mut a), drain(&mut b), drain(&mut c)), (0, 1, 1));
    }

    #[test]
    fn a_dropped_port_is_forgotten_with_its_stations() {
        let hub = Hub::new();
        let (mut a, b, mut c) = (hub.port(1500), hub.port(1500), hub.port(1500));
        let mut b = b;
        b.send(&frame(1, 2));
        drop(b);
        drain(&mut a);
        drain(&mut c);
        assert_eq!(hub.port_count(), 2);
        a.send(&frame(2, 1));
        assert_eq!(drain(&mut c), 1, "flooded again, not sent into the void");
    }

    #[test]
    fn a_port_that_nobody_reads_drops_instead_of_growing() {
        let hub = Hub::new();
        let (mut a, mut b) = (hub.port(1500), hub.port(1500));
        for _ in 0..QUEUE_MAX + 10 {
            a.send(&frame(0xff, 1));
        }
        assert_eq!(drain(&mut b), QUEUE_MAX);
    }

    #[test]
    fn runts_giants_and_a_flood_of_stations_do_no_harm() {
        let hub = Hub::new();
        let (mut a, mut b) = (hub.port(1500), hub.port(1500));
        a.send(&[]);
        a.send(&[0; 13]);
        a.send(&vec![0; 1500 + HEADER + 1]);
        assert_eq!(drain(&mut b), 0);
        for n in 0..STATIONS_MAX + 100 {
            let mut f = frame(0xff, 1);
            f[8..10].copy_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
            a.send(&f);
            drain(&mut b);
        }
        assert_eq!(hub.0.read().stations.len(), STATIONS_MAX);
    }
}
