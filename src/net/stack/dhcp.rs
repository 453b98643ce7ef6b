//! The address from a DHCP server.

use std::fmt;
use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::{Context, Poll};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::dhcpv4::{self, Event};

use super::{Cidr, Shared, Stack};

/// What is asked for beside the address: netmask, router, name servers.
///
/// # Source
/// RFC 2132, sections 3.3, 3.5 and 3.8.
const WANTED: &[u8] = &[1, 3, 6];

/// What a server has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub address: Cidr,
    pub router: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub server: Ipv4Addr,
}

/// Asks for an address, renews it, and says when it is lost, until it is dropped. It gives the stack
/// no address: whoever holds it does.
pub struct Dhcp {
    shared: Arc<Shared>,
    handle: SocketHandle,
}

impl Stack {
    /// Begins to ask.
    pub fn dhcp(&self) -> Dhcp {
        let mut socket = dhcpv4::Socket::new();
        socket.set_parameter_request_list(WANTED);
        let handle = self.0.core.lock().sockets.add(socket);
        self.0.kick.notify_one();
        Dhcp { shared: Arc::clone(&self.0), handle }
    }
}

impl Dhcp {
    /// Waits for a lease, or for `None`: the one that there was is over. Cancel-safe.
    pub async fn changed(&mut self) -> Option<Lease> {
        poll_fn(|cx| self.poll_changed(cx)).await
    }

    fn poll_changed(&self, cx: &Context<'_>) -> Poll<Option<Lease>> {
        let mut core = self.shared.core.lock();
        let socket = core.sockets.get_mut::<dhcpv4::Socket<'_>>(self.handle);
        let lease = match socket.poll() {
            None => {
                socket.register_waker(cx.waker());
                return Poll::Pending;
            }
            Some(Event::Deconfigured) => None,
            Some(Event::Configured(given)) => {
                let (address, prefix) = (given.address.address(), given.address.prefix_len());
                Cidr::new(address.into(), prefix).map(|address| Lease {
                    address,
                    router: given.router.filter(|router| address.contains((*router).into())),
                    dns: given.dns_servers.iter().copied().collect(),
                    server: given.server.address,
                })
            }
        };
        Poll::Ready(lease)
    }
}

impl Drop for Dhcp {
    fn drop(&mut self) {
        self.shared.core.lock().sockets.remove(self.handle);
    }
}

impl fmt::Debug for Dhcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dhcp")
    }
}
