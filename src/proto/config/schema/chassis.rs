//! `/chassis`, `/server`, `/firmware`: hardware and images; little of it is configuration.

use super::{Class, KICK, Key, Kind, Property};
use crate::base::source::Source;

/// `/chassis`.
pub(super) static CHASSIS: Class = Class::hardware(
    "chassis",
    "Chassis",
    &[Key::new("ID", "Chassis", Kind::Number { min: 1, max: 1 })],
    Source::Client("unicon fxos mock: show chassis inventory 1; reference 1.3: scope chassis"),
)
.with(&[Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet()]);

/// `/server`.
pub(super) static SERVER: Class = Class::hardware(
    "server",
    "Server",
    &[Key::new("ID", "Server", Kind::Text { max: 3 })],
    Source::Client("firepower-kickstart: show server status detail"),
)
.with(&[Property::set("user-label", "User Label", Kind::Text { max: 32 }).quiet()]);

/// `/firmware`.
pub(super) static FIRMWARE: Class =
    Class::single("firmware", "Firmware", KICK).over(&[&AUTO_INSTALL]);

static AUTO_INSTALL: Class = Class::single("auto-install", "Firmware Auto-Install", KICK);
