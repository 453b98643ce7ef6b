//! Day 0 as somebody brings it: a file in a folder, the firmware's configuration, a CD or disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::disk::{Block, blocks};

/// Where a container has its configuration.
const FOLDER: &str = "/config/startup-config.cfg";
/// Where QEMU's `-fw_cfg name=opt/vfxos/config,file=F` appears.
const FIRMWARE: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/vfxos/config/raw";
/// Where a volume is looked into.
const MOUNT: &str = "/media";
/// Longest day 0 that is read, in bytes.
pub const DAY0_MAX: u64 = 1024 * 1024;
/// Names of the file on a volume, in any case.
///
/// # Source
/// ecosystem.md 1.10 rule 4: tools that make ISO images spoil `-` and lower case.
const NAMES: [&str; 6] =
    ["day0-config", "day0_config", "day0-con", "day0.toml", "startup-config", "user-data"];
/// File systems that a volume may have, in the order they are tried.
const KINDS: [&str; 3] = ["iso9660", "vfat", "ext4"];
/// What a raw volume begins with, if it holds nothing but day 0.
const RAW: [&[u8]; 6] = [b"!", b"#", b"{", b"[", b"scope ", b"enter "];
/// How many bytes of a raw volume have to be text.
const RAW_TEXT: usize = 64;

/// A day 0 as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Where, for people.
    pub from: String,
    pub bytes: Vec<u8>,
}

/// Looks for day 0 in its order: folder, kernel command line, firmware, volumes. `line` is what the
/// kernel was told; `flash` the device that is none of them.
pub fn find(line: &str, flash: Option<&str>, notes: &mut Vec<String>) -> Option<Brought> {
    of_file(Path::new(FOLDER), notes)
        .or_else(|| of_line(line))
        .or_else(|| of_file(Path::new(FIRMWARE), notes))
        .or_else(|| of_volumes(flash, notes))
}

fn of_file(path: &Path, notes: &mut Vec<String>) -> Option<Brought> {
    match read(path) {
        Ok(bytes) => Some(Brought { from: path.display().to_string(), bytes }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            notes.push(format!("{}: {error}", path.display()));
            None
        }
    }
}

/// Takes `vfxos.day0=` from the kernel command line: hexadecimal, since spaces and quotes get lost.
fn of_line(line: &str) -> Option<Brought> {
    let hex = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("vfxos.day0="))?;
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes = (0..hex.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?;
    Some(Brought { from: "the kernel command line".to_owned(), bytes })
}

fn of_volumes(flash: Option<&str>, notes: &mut Vec<String>) -> Option<Brought> {
    let blocks = blocks();
    // CDs first: they are what somebody put in on purpose.
    let (cds, disks): (Vec<&Block>, Vec<&Block>) =
        blocks.iter().partition(|block| block.name.starts_with("sr"));
    let candidates = cds.into_iter().chain(disks);
    candidates
        .filter(|block| flash.is_none_or(|flash| block.name != flash))
        .find_map(|block| of_volume(block, notes))
}

fn of_volume(block: &Block, notes: &mut Vec<String>) -> Option<Brought> {
    let device = block.device();
    for kind in KINDS {
        if !looks_like(&device, kind) {
            continue;
        }
        let flags =
            MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        // Read only to the last: not even a journal is replayed.
        let options = (kind == "ext4").then_some("noload");
        let _ = fs::create_dir_all(MOUNT);
        if let Err(error) = mount(Some(&device), MOUNT, Some(kind), flags, options) {
            notes.push(format!("{}: {kind}: {error}", device.display()));
            continue;
        }
        let found = named(Path::new(MOUNT)).map(|path| (read(&path), path));
        // Detached, so that nothing holds the next one up.
        let _ = umount2(MOUNT, MntFlags::MNT_DETACH);
        let (bytes, path) = found?;
        let from = format!("{} on {}", path.file_name()?.display(), device.display());
        return match bytes {
            Ok(bytes) => Some(Brought { from, bytes }),
            Err(error) => {
                notes.push(format!("{from}: {error}"));
                None
            }
        };
    }
    raw(block).map(|bytes| Brought { from: device.display().to_string(), bytes })
}

/// Tells by its marks whether a file system may be there: asking the kernel to mount garbage fills
/// the console with its complaints.
///
/// # Source
/// ECMA-119 8.1 (`CD001`); FAT's boot signature; ext4's magic number.
fn looks_like(device: &Path, kind: &str) -> bool {
    let mark = |at: u64, mark: &[u8]| {
        let mut bytes = vec![0; mark.len()];
        let read = File::open(device).and_then(|file| file.read_exact_at(&mut bytes, at));
        read.is_ok() && bytes == mark
    };
    match kind {
        "iso9660" => mark(32_769, b"CD001"),
        "vfat" => mark(510, &[0x55, 0xaa]) && (mark(54, b"FAT") || mark(82, b"FAT32")),
        _ => mark(1080, &[0x53, 0xef]),
    }
}

/// Finds the file, whatever case its name has; a name that comes earlier in the list goes first.
fn named(folder: &Path) -> Option<PathBuf> {
    let files: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    NAMES.iter().find_map(|name| {
        let fits = |path: &&PathBuf| {
            let own = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // Plain ISO 9660 adds a dot and a version.
            let own = own.split(';').next().unwrap_or_default().trim_end_matches('.');
            own.eq_ignore_ascii_case(name)
        };
        files.iter().find(fits).cloned()
    })
}

/// Reads a volume that has no file system and is day 0 itself.
fn raw(block: &Block) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(block.device()).ok()?.take(DAY0_MAX).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    let shown = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let text = bytes.iter().take(RAW_TEXT).all(shown);
    (text && RAW.iter().any(|mark| bytes.starts_with(mark))).then_some(bytes)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(DAY0_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > DAY0_MAX {
        return Err(io::Error::other(format!("longer than {} KiB", DAY0_MAX / 1024)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_in_all_its_spellings() {
        let folder = crate::sys::process::fresh_folder().expect("a folder");
        let write = |name: &str| fs::write(folder.join(name), "x").expect("written");
        assert_eq!(named(&folder), None);
        for name in ["USER-DATA", "STARTUP_CONFIG", "day0.toml", "DAY0_CONFIG.;1", "Day0-Config"] {
            write(name);
            let found = named(&folder).expect("found");
            let own = if name == "STARTUP_CONFIG" { "USER-DATA" } else { name };
            assert_eq!(found, folder.join(own));
        }
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn the_kernel_command_line_carries_it_in_hexadecimal() {
        let found = of_line("quiet vfxos.day0=73636f7065 panic=1").expect("found");
        assert_eq!(found.bytes, b"scope");
        for bad in ["quiet", "vfxos.day0=7", "vfxos.day0=zz", "vfxos.day0=7\u{e9}7"] {
            assert_eq!(of_line(bad), None, "{bad}");
        }
    }
}
