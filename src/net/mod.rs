//! Floor 2: the userspace IP stack, the clients and servers that run over it, and a lab's hosts.
//!
//! ```text
//!  callhome   http   ntp   dns   syslog          clients and servers
//!  ─────────────────────────────
//!            stack                      smoltcp behind one task: TCP, UDP, ping
//!  ─────────────────────────────
//!   link: hub, tunnel, (sys) TAP and AF_PACKET     frames in memory, in datagrams, at interfaces
//!  ─────────────────────────────
//!  hosts: router, DNS server, NTP server
//! ```

use ring::rand::{SecureRandom, SystemRandom};

pub mod ca;
pub mod callhome;
pub mod dns;
pub mod hosts;
pub mod http;
pub mod link;
pub mod ntp;
pub mod stack;
pub mod syslog;
pub mod tls;
pub mod transfer;

/// Returns `N` bytes of the operating system's randomness.
///
/// All zeros if the system has none to give: everything here then still works, but its ports and
/// sequence numbers can be guessed. Keys are not made of it.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::warn!("the operating system gives no random bytes; ports can be guessed");
    }
    bytes
}
