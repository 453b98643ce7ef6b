//! The configuration of a cluster on one of its units: by its operator, or by its chassis.

use super::cluster::Group;
use super::{Blade, PairError};
use crate::base::time::Now;
use crate::wire::units::Bootstrap;

impl Blade {
    /// Becomes what the chassis's configuration makes of this ASA.
    pub(super) fn bootstrap(&mut self, now: Now, cluster: Bootstrap) {
        if cluster.group.is_empty() {
            self.cluster.end(now);
            self.cluster.forget();
            self.group = None;
        } else {
            let before = self.group.clone();
            let known = before.as_ref().filter(|group| group.name == cluster.group);
            let group = Group {
                name: cluster.group,
                unit: cluster.unit,
                port: cluster.port,
                address: cluster.address,
                mask: cluster.mask,
                priority: cluster.priority,
                key: Some(cluster.key).filter(|key| !key.is_empty()),
                on: known.is_none_or(|group| group.on),
            };
            if before.as_ref() == Some(&group) {
                return;
            }
            self.cluster.end(now);
            if group.on {
                self.cluster.begin(now, self.rate_milli);
            }
            self.group = Some(group);
        }
        // It is the chassis's word, not an operator's: nobody has to save it.
        self.write_memory();
    }

    /// `cluster group`, and its negation.
    ///
    /// # Errors
    /// [`PairError::OtherGroup`]; [`PairError::Enabled`] for its negation.
    pub fn set_group(&mut self, now: Now, name: &str, there: bool) -> Result<(), PairError> {
        let known = self.group.as_ref().map(|group| group.name == name);
        match (there, known) {
            (_, Some(false)) => return Err(PairError::OtherGroup),
            (true, None) => self.group = Some(Group::named(name)),
            (false, Some(true)) if self.cluster.is_on() => return Err(PairError::Enabled),
            (false, Some(true)) => {
                self.group = None;
                self.cluster.forget();
                self.pump(now);
            }
            (true, Some(true)) | (false, None) => {}
        }
        Ok(())
    }

    /// Changes the cluster's configuration.
    ///
    /// # Errors
    /// [`PairError::Enabled`] while it is on.
    pub fn edit_group(&mut self, edit: impl FnOnce(&mut Group)) -> Result<(), PairError> {
        if self.cluster.is_on() {
            return Err(PairError::Enabled);
        }
        if let Some(group) = &mut self.group {
            edit(group);
        }
        Ok(())
    }

    /// `enable` and `no enable` of a cluster.
    ///
    /// # Errors
    /// [`PairError::Both`]; [`PairError::Incomplete`].
    pub fn set_cluster(&mut self, now: Now, on: bool) -> Result<(), PairError> {
        if on && self.failover.is_on() {
            return Err(PairError::Both);
        }
        let Some(group) = &mut self.group else { return Err(PairError::Incomplete) };
        if on && (group.unit.is_empty() || group.port.is_empty()) {
            return Err(PairError::Incomplete);
        }
        group.on = on;
        if on {
            self.cluster.begin(now, self.rate_milli);
        } else {
            self.cluster.end(now);
        }
        self.pump(now);
        Ok(())
    }
}
