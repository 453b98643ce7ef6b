//! The stack's task: frames in, sockets served, frames out, sleep.

use std::sync::{Arc, Weak};
use std::time::Duration;

use smoltcp::iface::PollResult;
use smoltcp::phy::{self, DeviceCapabilities, Medium, TxToken as _};
use smoltcp::time::Instant;
use tokio::sync::Notify;

use super::{Direction, Shared, Taps, micros};
use crate::net::link::{HEADER, Link, LinkError};

/// Most frames taken in one turn; then other tasks get theirs.
const BURST: usize = 64;
/// Largest packet that a link which offloads takes or brings.
const LARGE_MAX: usize = 65_535;

/// Shows a [`Link`] to smoltcp. One frame is staged before each step of its ingress.
pub(super) struct Device<L> {
    link: L,
    staged: Vec<u8>,
    staged_len: usize,
    outgoing: Vec<u8>,
    sent: u64,
    taps: Taps,
}

impl<L: Link> Device<L> {
    pub fn new(link: L) -> Device<L> {
        let len = if link.offloads() { LARGE_MAX } else { link.mtu() };
        let staged = vec![0; len + HEADER];
        Device { link, staged, staged_len: 0, outgoing: Vec::new(), sent: 0, taps: Taps::new() }
    }

    /// Takes the next frame from the link; `false` when there is none.
    fn stage(&mut self) -> Result<bool, LinkError> {
        let Some(len) = self.link.receive(&mut self.staged)? else { return Ok(false) };
        self.staged_len = len;
        for (_, tap) in &mut self.taps {
            tap(Direction::In, &self.staged[..len]);
        }
        Ok(true)
    }
}

pub(super) struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

pub(super) struct TxToken<'a, L> {
    link: &'a mut L,
    buffer: &'a mut Vec<u8>,
    sent: &'a mut u64,
    taps: &'a mut Taps,
    segment: u16,
}

impl<L: Link> phy::TxToken for TxToken<'_, L> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.buffer.clear();
        self.buffer.resize(len, 0);
        let result = f(self.buffer);
        for (_, tap) in self.taps {
            tap(Direction::Out, self.buffer);
        }
        *self.sent += 1;
        if self.link.offloads() {
            self.link.send_large(self.buffer, self.segment);
        } else {
            self.link.send(self.buffer);
        }
        result
    }

    fn set_meta(&mut self, meta: phy::PacketMeta) {
        self.segment = meta.segmentation_offload_size.map_or(0, std::num::NonZero::get);
    }
}

impl<L: Link> phy::Device for Device<L> {
    type RxToken<'a>
        = RxToken<'a>
    where
        L: 'a;
    type TxToken<'a>
        = TxToken<'a, L>
    where
        L: 'a;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_, L>)> {
        let len = std::mem::take(&mut self.staged_len);
        let Device { link, staged, outgoing, sent, taps, .. } = self;
        (len > 0).then_some((
            RxToken(&staged[..len]),
            TxToken { link, buffer: outgoing, sent, taps, segment: 0 },
        ))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_, L>> {
        let Device { link, outgoing, sent, taps, .. } = self;
        Some(TxToken { link, buffer: outgoing, sent, taps, segment: 0 })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.link.mtu() + HEADER;
        if self.link.unsummed() {
            capabilities.checksum.tcp = phy::Checksum::Tx;
            capabilities.checksum.udp = phy::Checksum::Tx;
        }
        if self.link.offloads() {
            capabilities.checksum.tcp = phy::Checksum::None;
            // smoltcp stalls when it hands over large segments of IPv6.
            capabilities.segmentation.tcpv4 = std::num::NonZero::new(LARGE_MAX);
        }
        capabilities
    }
}

/// What a turn leaves to wait for.
enum Rest {
    /// There is more to do at once.
    None,
    /// Until a frame, a kick, or this long.
    Until(Option<Duration>),
}

/// Turns until the last handle is dropped or the link is gone.
pub(super) async fn run<L: Link>(shared: Weak<Shared>, kick: Arc<Notify>, mut device: Device<L>) {
    loop {
        let rest = {
            let Some(shared) = shared.upgrade() else { return };
            match turn(&shared, &mut device) {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::warn!(%error, "a stack lost its link");
                    shared.core.lock().die(error);
                    return;
                }
            }
        };
        match rest {
            Rest::None => tokio::task::yield_now().await,
            Rest::Until(None) => tokio::select! {
                () = device.link.ready() => {}
                () = kick.notified() => {}
            },
            Rest::Until(Some(wait)) => tokio::select! {
                () = device.link.ready() => {}
                () = kick.notified() => {}
                () = tokio::time::sleep(wait) => {}
            },
        }
    }
}

fn turn<L: Link>(shared: &Shared, device: &mut Device<L>) -> Result<Rest, LinkError> {
    let mut guard = shared.core.lock();
    let core = &mut *guard;
    let now = shared.now();
    // Taps live in the core, where they can be changed, and work in the device, where frames pass;
    // the lock is held meanwhile.
    device.taps = std::mem::take(&mut core.taps);
    let frames = serve(core, device, now);
    core.taps = std::mem::take(&mut device.taps);
    let frames = frames?;

    core.stats.turns += 1;
    core.stats.frames_in += u64::try_from(frames).unwrap_or(0);
    core.stats.frames_out += std::mem::take(&mut device.sent);
    if frames == BURST {
        return Ok(Rest::None);
    }
    let protocol = core.iface.poll_delay(now, &core.sockets).map(micros);
    let own = core.tidy_at().map(|at| micros(at - now.min(at)));
    Ok(match protocol.into_iter().chain(own).min() {
        Some(Duration::ZERO) => Rest::None,
        wait => Rest::Until(wait),
    })
}

/// Returns how many frames were taken.
fn serve<L: Link>(
    core: &mut super::core::Core,
    device: &mut Device<L>,
    now: Instant,
) -> Result<usize, LinkError> {
    core.iface.poll_maintenance(now);
    if device.link.came_back() {
        core.return_to_the_wire();
    }
    let mut frames = 0;
    while frames < BURST && device.stage()? {
        frames += 1;
        if core.admit(now, &device.staged[..device.staged_len]) {
            core.iface.poll_ingress_single(now, device, &mut core.sockets);
        }
        device.staged_len = 0;
    }
    core.ask_again(now);
    for frame in core.own_frames.drain(..) {
        if let Some(token) = phy::Device::transmit(device, now) {
            token.consume(frame.len(), |buffer| buffer.copy_from_slice(&frame));
        }
    }
    while core.iface.poll_egress(now, device, &mut core.sockets) != PollResult::None {}
    core.tidy(now);
    Ok(frames)
}
