//! An NTP server that tells a lab's time.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::modes::Modes;
use crate::base::time::Utc;
use crate::net::ntp::{Clock, PORT};
use crate::net::stack::{BindError, Stack, UdpSocket};
use crate::wire::ntp::{LEN, Leap, Mode, Packet, Short, Timestamp};

/// Stratum of a server whose clock is not synchronised.
const UNSYNCHRONISED: u8 = 16;

/// What an NTP server does with questions; a lab's faults change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NtpMode {
    /// Tells the time.
    #[default]
    Answer,
    /// Says nothing.
    Silent,
    /// Tells a time that is off by so many milliseconds, and believes in it.
    FalseTicker { off_ms: i64 },
    /// Says that it has no time itself.
    Unsynchronised,
    /// Asks not to be asked: the kiss of death with the code `DENY`.
    Deny,
}

/// A running NTP server. Dropping it stops it.
pub struct NtpServer {
    modes: Arc<Mutex<Modes<NtpMode>>>,
    task: AbortHandle,
    /// Keeps the host on the wire.
    stack: Stack,
}

impl NtpServer {
    /// Starts a server at every address of `stack` that tells the time of `clock` at `stratum`.
    ///
    /// # Errors
    /// [`BindError`] when its port is taken.
    pub fn spawn(stack: Stack, clock: Clock, stratum: u8) -> Result<NtpServer, BindError> {
        let socket = stack.bind_udp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT))?;
        let modes = Arc::<Mutex<Modes<NtpMode>>>::default();
        let task = tokio::spawn(serve(socket, clock, stratum, Arc::clone(&modes))).abort_handle();
        Ok(NtpServer { modes, task, stack })
    }

    /// Changes what it does with questions, from the next one on.
    pub fn set_modes(&self, modes: Modes<NtpMode>) {
        *self.modes.lock() = modes;
    }

    /// Returns the host it runs on.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }
}

impl Drop for NtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for NtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NtpServer").field("modes", &*self.modes.lock()).finish_non_exhaustive()
    }
}

async fn serve(socket: UdpSocket, clock: Clock, stratum: u8, modes: Arc<Mutex<Modes<NtpMode>>>) {
    let mut buffer = [0; LEN + 64];
    while let Ok((len, from, here)) = socket.recv_at(&mut buffer).await {
        let mode = modes.lock().of(from.ip());
        let answer = Packet::parse(&buffer[..len])
            .ok()
            .filter(|question| question.mode == Mode::Client)
            .and_then(|question| answer(&question, clock(), stratum, mode));
        if let Some(packet) = answer {
            socket.answer(&packet.to_bytes(), here, from);
        }
    }
}

fn answer(question: &Packet, now: Utc, stratum: u8, mode: NtpMode) -> Option<Packet> {
    let (leap, stratum, reference_id, off_ms) = match mode {
        NtpMode::Silent => return None,
        NtpMode::Answer => (Leap::None, stratum, *b"LAB\0", 0),
        NtpMode::FalseTicker { off_ms } => (Leap::None, stratum, *b"LAB\0", off_ms),
        NtpMode::Unsynchronised => (Leap::Unsynchronised, UNSYNCHRONISED, *b"INIT", 0),
        NtpMode::Deny => (Leap::Unsynchronised, 0, *b"DENY", 0),
    };
    let now = Timestamp::from_utc(now.shifted_ms(off_ms), 0);
    Some(Packet {
        leap,
        version: question.version,
        mode: Mode::Server,
        stratum,
        poll: question.poll,
        precision: -10,
        root_delay: Short(0),
        root_dispersion: Short(0),
        reference_id,
        reference: now,
        origin: question.transmit,
        receive: now,
        transmit: now,
    })
}
