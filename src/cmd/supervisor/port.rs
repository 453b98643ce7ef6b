//! The management port's addresses: configured, leased, or none.

use std::net::IpAddr;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Input;
use crate::net::stack::{Cidr, Lease, Stack, StackError};
use crate::proto::config::{Objects, facts};

/// The management port as an IP host.
pub(super) struct Port {
    stack: Stack,
    outbox: mpsc::Sender<Input>,
    /// It asks a DHCP server as long as no address is configured.
    dhcp: bool,
    asking: Option<AbortHandle>,
    lease: Option<Lease>,
    /// What the stack was given last: what has not changed is not announced again.
    given: Option<(Vec<Cidr>, Vec<IpAddr>)>,
}

impl Port {
    pub(super) fn new(stack: Stack, outbox: mpsc::Sender<Input>, dhcp: bool) -> Port {
        Port { stack, outbox, dhcp, asking: None, lease: None, given: None }
    }

    /// Takes a lease, or the end of one; returns the name servers that came with it.
    pub(super) fn leased(&mut self, lease: Option<Lease>) -> Vec<IpAddr> {
        match &lease {
            Some(lease) => tracing::info!("DHCP: {} from {}", lease.address, lease.server),
            None => tracing::info!("DHCP: no address"),
        }
        // One that comes when an address was configured meanwhile is not wanted.
        self.lease = lease.filter(|_| self.asking.is_some());
        let dns = self.lease.iter().flat_map(|lease| &lease.dns);
        dns.map(|server| IpAddr::V4(*server)).collect()
    }

    /// Gives the stack the addresses of the configuration, or has one asked for.
    ///
    /// # Errors
    /// [`StackError`]; then the stack keeps the addresses that it has.
    pub(super) fn configure(&mut self, objects: &Objects) -> Result<(), StackError> {
        let (mut addresses, mut gateways) = (Vec::new(), Vec::new());
        if let Some(port) = facts::out_of_band(objects) {
            self.stop();
            let prefix = u32::from(port.netmask).leading_ones();
            let prefix = u8::try_from(prefix).unwrap_or(32);
            addresses.extend(Cidr::new(port.ip.into(), prefix));
            if !port.gateway.is_unspecified() {
                gateways.push(port.gateway.into());
            }
        } else if self.dhcp {
            self.ask();
            if let Some(lease) = &self.lease {
                addresses.push(lease.address);
                gateways.extend(lease.router.map(IpAddr::V4));
            }
        }
        if let Some((address, prefix, gateway)) = facts::out_of_band6(objects) {
            addresses.extend(Cidr::new(address.into(), prefix));
            gateways.extend(gateway.map(IpAddr::V6));
        }
        if self.given.as_ref().is_some_and(|(a, g)| (a, g) == (&addresses, &gateways)) {
            return Ok(());
        }
        self.stack.configure(&addresses, &gateways)?;
        self.given = Some((addresses, gateways));
        Ok(())
    }

    fn ask(&mut self) {
        if self.asking.is_some() {
            return;
        }
        let (mut dhcp, outbox) = (self.stack.dhcp(), self.outbox.clone());
        let task = tokio::spawn(async move {
            loop {
                let lease = dhcp.changed().await;
                if outbox.send(Input::Leased(lease)).await.is_err() {
                    return;
                }
            }
        });
        self.asking = Some(task.abort_handle());
    }

    fn stop(&mut self) {
        self.lease = None;
        if let Some(asking) = self.asking.take() {
            asking.abort();
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop();
    }
}
