//! `/firmware`: images and how they come to the chassis.

use super::{Class, Column, KICK, Key, Kind, Property};
use crate::base::source::Source;

/// Client kick reads `show package`, `show download-task` and the state of a task.
const TASK: Source =
    Source::Client("firepower-kickstart: show download-task F detail | grep State");
/// A published capture of an FPR1010: column widths and order.
const CAPTURE: Source = Source::Device("reference 2.5: show download-task of an FPR1010");

/// `/firmware`.
pub(super) static FIRMWARE: Class =
    Class::single("firmware", "Firmware", KICK).over(&[&AUTO_INSTALL, &DOWNLOAD_TASK, &PACKAGE]);

/// Nothing is set in it; `install` is its command.
static AUTO_INSTALL: Class = Class::single("auto-install", "Firmware Auto-Install", KICK).with(&[
    Property::fact("Package-Vers"),
    Property::fact("Oper State").default("Ready"),
    Property::fact("Upgrade Status").default("Ready"),
    Property::fact("Current Task"),
]);

static DOWNLOAD_TASK: Class = Class::stock(
    "download-task",
    "Download task",
    &[Key::new("NAME", "File Name", Kind::Text { max: 128 })],
    TASK,
)
.with(&[
    Property::fact("Protocol").from(CAPTURE),
    Property::fact("Server").from(CAPTURE),
    Property::fact("Port").default("0").from(CAPTURE),
    Property::fact("Userid").from(CAPTURE),
    Property::fact("Path"),
    Property::fact("State").from(TASK),
    Property::fact("Status"),
])
.table(&[
    Column::new("File Name", 9),
    Column::new("Protocol", 8),
    Column::new("Server", 15),
    Column::number("Port", 10),
    Column::new("Userid", 15),
    Column::new("State", 5),
]);

static PACKAGE: Class = Class::stock(
    "package",
    "Package",
    &[Key::new("NAME", "Name", Kind::Text { max: 128 })],
    Source::Client("firepower-kickstart: show package, delete package P"),
)
.modeless()
.with(&[Property::fact("Package-Vers").from(KICK)])
.table(&[Column::new("Name", 45), Column::new("Package-Vers", 12)])
.bare();
