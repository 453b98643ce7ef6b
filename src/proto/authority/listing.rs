//! Lists that an operator pages through or narrows down.

use super::account::AccountName;
use super::operator::{InstanceFacts, OperatorError, PoolFacts};
use super::{Authority, Instance};
use crate::base::time::Utc;

/// Which product instances an operator wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceQuery {
    /// The one with this serial number.
    pub serial: Option<String>,
    /// Those of one account.
    pub account: Option<AccountName>,
    /// Those after this identifier.
    pub after: Option<String>,
    /// Most of them.
    pub limit: usize,
}

/// Some product instances, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePage {
    pub instances: Vec<InstanceFacts>,
    /// How many more there are after these.
    pub left: usize,
}

impl Authority {
    /// Returns some product instances.
    ///
    /// # Errors
    /// [`OperatorError::NoInstance`] for `after`, [`OperatorError::NoAccount`].
    pub fn instance_page(&self, query: &InstanceQuery) -> Result<InstancePage, OperatorError> {
        let account = query.account.as_ref().map(|name| self.find_account(name)).transpose()?;
        let place = |instance: &Instance| (instance.registered_at, instance.id.clone());
        let after = match &query.after {
            None => None,
            Some(id) => match self.ledger.get(id) {
                Some(instance) => Some(place(instance)),
                None => return Err(OperatorError::NoInstance { asked: id.clone() }),
            },
        };
        let wanted = |instance: &&Instance| {
            account.is_none_or(|account| instance.account == account)
                && query.serial.as_ref().is_none_or(|serial| instance.serial() == serial)
                && after.as_ref().is_none_or(|after| place(instance) > *after)
        };
        let mut list: Vec<_> = self.ledger.iter().filter(wanted).collect();
        list.sort_by(|a, b| (a.registered_at, &a.id).cmp(&(b.registered_at, &b.id)));
        let left = list.len().saturating_sub(query.limit);
        list.truncate(query.limit);
        let instances = list.into_iter().map(|instance| self.instance_facts(instance)).collect();
        Ok(InstancePage { instances, left })
    }

    /// Returns a product instance, named by identifier or serial number.
    ///
    /// # Errors
    /// [`OperatorError::NoInstance`].
    pub fn instance_show(&self, asked: &str) -> Result<InstanceFacts, OperatorError> {
        let id = self.find_instance(asked)?;
        let instance = self.ledger.get(&id);
        let no_instance = || OperatorError::NoInstance { asked: asked.to_owned() };
        Ok(self.instance_facts(instance.ok_or_else(no_instance)?))
    }

    /// Returns every pool of an account, or of all.
    ///
    /// # Errors
    /// [`OperatorError::NoAccount`].
    pub fn pool_list(
        &self,
        now: Utc,
        account: Option<&AccountName>,
    ) -> Result<Vec<PoolFacts>, OperatorError> {
        if let Some(name) = account {
            self.find_account(name)?;
        }
        let mut pools = self.pools(now);
        pools.retain(|pool| {
            account.is_none_or(|name| {
                (&pool.smart_account, &pool.virtual_account)
                    == (&name.smart_account, &name.virtual_account)
            })
        });
        Ok(pools)
    }
}
