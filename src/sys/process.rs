//! This process and its children: starting our own binary again, dying with the parent, signals.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// Starts this binary again with other arguments; it dies when the handle is dropped.
///
/// Its standard input is empty, its standard error the handle's to read. It has a process group of
/// its own, so that what is typed at our terminal reaches us alone.
///
/// # Errors
/// What the operating system says when it cannot start a process.
pub fn spawn_self(args: &[OsString]) -> io::Result<Child> {
    Command::new(own_path()?)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Returns the path of the running binary, also after the file was replaced by a rebuild.
///
/// # Errors
/// What the operating system says when `/proc` is not mounted.
fn own_path() -> io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}

/// Makes the kernel end this process when its parent dies, however it dies.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] when the parent has died already.
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // The parent may have died before the line above.
    if nix::unistd::getppid().as_raw().unsigned_abs() == parent {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::NotFound, "the supervisor that started it is gone"))
    }
}

/// Returns the process id.
pub fn id() -> u32 {
    std::process::id()
}

/// Returns the user that runs this process.
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Makes files that this process creates readable by its user alone.
pub fn private_files() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
}

/// Files that a process of ours may have open, if the system lets it.
const OPEN_FILES: u64 = 65_536;

/// Lets this process open more files than a shell lets it: a crowd at a port takes one each.
pub fn raise_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Without it fewer get in at a time.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(OPEN_FILES.min(hard)), hard);
    }
}

/// Makes a write beyond the limit on a file's size an error of that write instead of our end.
pub fn survive_size_limit() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: ignoring a signal runs no code of ours when it comes.
    #[allow(unsafe_code)]
    // It cannot fail for a signal that there is.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}

/// Makes a folder that nobody else knows of, for our user alone.
///
/// # Errors
/// What the operating system says, such as a full disk.
pub fn fresh_folder() -> io::Result<PathBuf> {
    Ok(nix::unistd::mkdtemp(&std::env::temp_dir().join("vfxos-lab-XXXXXX"))?)
}
