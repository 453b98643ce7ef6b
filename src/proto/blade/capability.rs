//! What one unit may do, and what several units may do together.

use crate::base::platform::Module;

pub use crate::wire::units::Capabilities;

impl Capabilities {
    /// Returns what the units of a failover pair or a cluster share.
    ///
    /// # Source
    /// Seed: 10 and 10 contexts share 20; a standby without 3DES beside an active with it shares
    /// it. Public transcripts: 18 and 2 share 20, 40 and 10 share 50. Carrier follows 3DES: recall.
    pub fn shared(module: &Module, units: &[Capabilities]) -> Capabilities {
        let sum = units.iter().fold(0_u32, |sum, unit| sum.saturating_add(unit.contexts));
        Capabilities {
            contexts: sum.min(module.contexts_max),
            strong_encryption: units.iter().any(|unit| unit.strong_encryption),
            carrier: units.iter().any(|unit| unit.carrier),
        }
    }

    /// Returns the better of two in every row.
    #[must_use]
    pub fn or(self, other: Capabilities) -> Capabilities {
        Capabilities {
            contexts: self.contexts.max(other.contexts),
            strong_encryption: self.strong_encryption || other.strong_encryption,
            carrier: self.carrier || other.carrier,
        }
    }
}
