//! `scope security`: what is special about it.

use super::accounts;
use super::derive::Table;

/// `/security`.
pub(super) static SECURITY: Table = Table {
    class: "security",
    commands: accounts::SECURITY,
    scopes: &[&accounts::DEFAULT_AUTH, &accounts::LOCAL_USER],
};
