//! Where a fact about the device comes from.

/// The evidence behind a command, a text or a constant. `Recall` is a debt: `make sources` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A listing in the seed document, by its heading or a line of it.
    Seed(&'static str),
    /// A transcript of a real device, by file name.
    Device(&'static str),
    /// Code of a client that works against real devices, by project and path.
    Client(&'static str),
    /// A public manual of the vendor, by its title.
    Vendor(&'static str),
    /// A public standard, by number and section.
    Rfc(&'static str),
    /// Nobody showed it; we remember it so.
    Recall,
    /// Our own addition, which no device has; it says so to the operator where it matters.
    Ours,
}
