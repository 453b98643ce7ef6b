//! Floor 2: the operating system. The only code that reads a clock, keeps a file or is `unsafe`.

pub mod boot;
pub mod clock;
pub mod console;
pub mod flash;
pub mod interface;
pub mod process;
pub mod random;
