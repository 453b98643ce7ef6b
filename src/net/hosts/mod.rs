//! The hosts that a lab has beside its chassis: a router, DNS servers, NTP servers.
//!
//! Each subnet is a [`Hub`](crate::net::link::hub::Hub) of its own and the router has a port in
//! each, so that what a chassis sees is a real network: whatever is remote comes from the router's
//! Ethernet address with a time to live one lower, an address where nobody is answers no ARP, and
//! the router says when it can't deliver.
//!
//! ```text
//!  chassis ── 10.62.148.0/24 ──┐          ┌── 172.16.200.0/24 ── DNS
//!                              ├─ Router ─┼── 172.18.108.0/24 ── NTP
//!                              ┘          └── 72.163.4.0/24 and 173.37.145.0/24 ── authority
//! ```

mod dns_server;
mod file_server;
mod modes;
mod ntp_server;
pub mod router;
mod web_server;

pub use dns_server::{DnsMode, DnsServer};
pub use file_server::{FileServer, Shelf};
pub use modes::Modes;
pub use ntp_server::{NtpMode, NtpServer};
pub use router::{Router, RouterPort};
pub use web_server::{Handshake, Manners, Reply, WebServer};
