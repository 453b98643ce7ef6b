//! The chassis's data ports: carries what its blades send over the lab's data switch, and back.

use tokio::sync::mpsc;

use super::Input;
use crate::base::ident::Slot;
use crate::net::link::{HEADER, Link};
use crate::wire::units::{frame, unframe};

/// Most frames that wait to be sent; one more is lost, as on a wire.
const QUEUE_MAX: usize = 256;
/// Longest frame taken, in bytes.
const FRAME_MAX: usize = 1500 + HEADER;

/// The sending end. It never waits.
pub(super) struct Wires {
    queue: mpsc::Sender<Vec<u8>>,
    /// Tells this chassis's blades from those of others.
    number: u16,
}

impl Wires {
    /// Plugs the ports in; what arrives goes to the supervisor's loop.
    pub(super) fn start(link: impl Link, number: u16, inbox: mpsc::Sender<Input>) -> Wires {
        let (queue, queued) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(carry(link, queued, inbox));
        Wires { queue, number }
    }

    /// Sends what a blade says on a port.
    pub(super) fn send(&self, slot: Slot, port: &str, bytes: &[u8]) {
        let [high, low] = self.number.to_be_bytes();
        let station = [0x02, 0x56, 0x44, high, low, slot.number()];
        // A full queue loses it, as a wire does.
        let _ = self.queue.try_send(frame(station, port, bytes));
    }
}

async fn carry(
    mut link: impl Link,
    mut queued: mpsc::Receiver<Vec<u8>>,
    inbox: mpsc::Sender<Input>,
) {
    let mut buffer = vec![0; FRAME_MAX];
    loop {
        tokio::select! {
            sent = queued.recv() => match sent {
                Some(bytes) => link.send(&bytes),
                None => return,
            },
            () = link.ready() => {}
        }
        loop {
            match link.receive(&mut buffer) {
                Ok(Some(len)) => {
                    let heard = buffer.get(..len).and_then(unframe);
                    let Some((port, bytes)) = heard else { continue };
                    let (port, bytes) = (port.to_owned(), bytes.to_vec());
                    // A supervisor that is behind loses it.
                    match inbox.try_send(Input::Frame { port, bytes }) {
                        Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                        Err(mpsc::error::TrySendError::Closed(_)) => return,
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
