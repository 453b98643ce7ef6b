//! A virtual FXOS supervisor, its ASA blades, and the licence authority they talk to.
//!
//! Eight modules in one order; a module names only modules to its left in
//! `base < wire < proto < cli < net < sys < shell < cmd`. Without the feature `appliance` the
//! right-hand four do not exist, so the compiler itself proves that the machines stand alone.
//! `src/ARCHITECTURE.md` is the map.

pub mod base;
pub mod wire;
// The two below are the machines: deterministic, simulated, without a clock, a socket or a file.
pub mod cli;
pub mod proto;

#[cfg(feature = "appliance")]
pub mod cmd;
#[cfg(feature = "appliance")]
pub mod net;
#[cfg(feature = "appliance")]
pub mod shell;
#[cfg(feature = "appliance")]
pub mod sys;
