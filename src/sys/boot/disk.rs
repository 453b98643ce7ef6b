//! Flash as a partition: finding it, growing it to its disk, and making an empty one where an
//! operator says so, and only there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Where flash is mounted.
pub const FLASH: &str = "/flash";
/// Label of the file system that is flash.
const LABEL: &[u8] = b"vfxos-flash";
/// What our own disk has where others have their signature.
const DISK_MARK: &[u8] = b"vfxo";
/// An empty file system without its holes.
const TEMPLATE: &str = "/lib/flash.template";
const TEMPLATE_MAGIC: &[u8] = b"VFXFLASH";
/// Largest template, in bytes.
const TEMPLATE_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes in a sector, as partition tables and the kernel count them.
const SECTOR: u64 = 512;
/// Number of the partition that is flash, and where its entry begins in the first sector.
const PARTITION: u8 = 2;
const ENTRY: usize = 446 + 16;
/// Least that growing is worth, in bytes.
const GROWTH_MIN: u64 = 1024 * 1024;
/// Where the superblock of an ext4 begins, and its magic number.
///
/// # Source
/// Linux `Documentation/filesystems/ext4/super.rst`.
const SUPERBLOCK: u64 = 1024;
const EXT4_MAGIC: [u8; 2] = [0x53, 0xef];

/// A disk or partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The kernel's name, such as `vda2`.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// The disk that it is a partition of.
    pub disk: Option<String>,
}

impl Block {
    /// Returns its device.
    pub fn device(&self) -> PathBuf {
        Path::new("/dev").join(&self.name)
    }
}

/// Returns disks, CDs and partitions that hold anything, by name.
pub fn blocks() -> Vec<Block> {
    let Ok(entries) = fs::read_dir("/sys/class/block") else { return Vec::new() };
    let mut blocks: Vec<Block> =
        entries.flatten().filter_map(|entry| block(&entry.path())).collect();
    blocks.sort_by(|a, b| a.name.cmp(&b.name));
    blocks
}

fn block(path: &Path) -> Option<Block> {
    let size: u64 = fs::read_to_string(path.join("size")).ok()?.trim().parse().ok()?;
    let name = path.file_name()?.to_str()?.to_owned();
    let memory = ["ram", "loop", "zram", "dm-"].iter().any(|kind| name.starts_with(kind));
    let real = fs::canonicalize(path).ok()?;
    let disk = path.join("partition").exists().then(|| {
        let parent = real.parent().and_then(Path::file_name);
        parent.and_then(|name| name.to_str()).map(str::to_owned)
    });
    (size > 0 && !memory).then(|| Block { name, size: size * SECTOR, disk: disk.flatten() })
}

/// What was found of flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file system with our label.
    Labelled(Block),
    /// The place where one should be, without any that can be made out.
    Unreadable(Block),
    /// No place at all.
    Nowhere,
}

/// Looks for flash: on the device that the kernel was told of, else by label, else by our disk.
pub fn find(named: Option<&str>) -> Found {
    let blocks = blocks();
    let of_name = |name: &str| blocks.iter().find(|block| block.name == name).cloned();
    if let Some(named) = named {
        let name = named.trim_start_matches("/dev/");
        return match of_name(name) {
            Some(block) if is_labelled(&block) => Found::Labelled(block),
            Some(block) => Found::Unreadable(block),
            None => Found::Nowhere,
        };
    }
    if let Some(block) = blocks.iter().find(|block| is_labelled(block)) {
        return Found::Labelled(block.clone());
    }
    let ours = blocks.iter().find_map(|partition| {
        let disk = of_name(partition.disk.as_deref()?)?;
        let second = partition.name.ends_with(&PARTITION.to_string());
        (second && is_our_disk(&disk)).then(|| partition.clone())
    });
    ours.map_or(Found::Nowhere, Found::Unreadable)
}

fn read_at(device: &Path, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    File::open(device)?.read_exact_at(bytes, at)
}

fn is_labelled(block: &Block) -> bool {
    let mut superblock = [0; 1024];
    let read = read_at(&block.device(), SUPERBLOCK, &mut superblock);
    let label = superblock.get(120..136).unwrap_or_default();
    let magic = superblock.get(56..58) == Some(EXT4_MAGIC.as_slice());
    let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
    read.is_ok() && magic && label == LABEL
}

fn is_our_disk(disk: &Block) -> bool {
    let mut first = [0; SECTOR as usize];
    let read = read_at(&disk.device(), 0, &mut first);
    read.is_ok() && first.get(440..444) == Some(DISK_MARK) && first.ends_with(&[0x55, 0xaa])
}

/// Mounts flash.
///
/// # Errors
/// What the kernel says; nothing is written then but what its journal holds.
pub fn mount_flash(block: &Block) -> io::Result<()> {
    fs::create_dir_all(FLASH)?;
    let flags = MsFlags::MS_NOATIME | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // What is damaged is not written to any further.
    let options = Some("errors=remount-ro");
    Ok(mount(Some(&block.device()), FLASH, Some("ext4"), flags, options)?)
}

/// Lets flash be memory that is gone with the power.
///
/// # Errors
/// What the kernel says.
pub fn mount_memory() -> io::Result<()> {
    fs::create_dir_all(FLASH)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("tmpfs"), FLASH, Some("tmpfs"), flags, Some("mode=0700,size=32m"))?)
}

/// Writes flash out and lets go of it.
pub fn unmount_flash() {
    nix::unistd::sync();
    // Busy or not, the file system is told to write its journal out.
    let _ = umount2(FLASH, MntFlags::MNT_DETACH);
    nix::unistd::sync();
}

/// Grows the mounted flash to the end of its disk: entry of the table, partition, file system.
///
/// Each step is done only if it is still to do, so that a power cut between two is made good at the
/// next boot. Returns the new size in bytes if there is one.
///
/// # Errors
/// What the kernel says; flash is as usable as before.
pub fn grow(block: &Block) -> io::Result<Option<u64>> {
    let mut size = block.size;
    if let Some(disk) = &block.disk {
        let end = blocks().iter().find(|one| one.name == *disk).map_or(0, |disk| disk.size);
        if let Some(grown) = grow_partition(&Path::new("/dev").join(disk), end, size)? {
            size = grown;
        }
    }
    let mounted = nix::sys::statvfs::statvfs(FLASH)?;
    let piece = mounted.fragment_size().max(1);
    let mut superblock = [0; 1024];
    read_at(&block.device(), SUPERBLOCK, &mut superblock)?;
    let [b0, b1, b2, b3] = [4, 5, 6, 7].map(|at| superblock.get(at).copied().unwrap_or(0));
    let blocks = u64::from(u32::from_le_bytes([b0, b1, b2, b3]));
    if size < blocks.saturating_mul(piece).saturating_add(GROWTH_MIN) {
        return Ok(None);
    }
    resize(&File::open(FLASH)?, size / piece)?;
    Ok(Some(size))
}

/// Lets the last partition of our disk end where the disk does.
fn grow_partition(disk: &Path, end: u64, size: u64) -> io::Result<Option<u64>> {
    let file = OpenOptions::new().read(true).write(true).open(disk)?;
    let mut first = [0; SECTOR as usize];
    file.read_exact_at(&mut first, 0)?;
    let entry = first.get_mut(ENTRY..ENTRY + 16).unwrap_or_default();
    let [.., s0, s1, s2, s3, c0, c1, c2, c3] = *entry else { return Ok(None) };
    let (start, count) =
        (u32::from_le_bytes([s0, s1, s2, s3]), u32::from_le_bytes([c0, c1, c2, c3]));
    let start = u64::from(start) * SECTOR;
    // A table of sectors as 32 bits has no more than 2 TiB.
    let wanted =
        end.saturating_sub(start).min(u64::from(u32::MAX) * SECTOR) / GROWTH_MIN * GROWTH_MIN;
    if start == 0 || wanted < size.saturating_add(GROWTH_MIN) {
        return Ok(None);
    }
    if u64::from(count) * SECTOR < wanted {
        let sectors = u32::try_from(wanted / SECTOR).unwrap_or(u32::MAX);
        if let Some(place) = entry.get_mut(12..16) {
            place.copy_from_slice(&sectors.to_le_bytes());
        }
        // One sector: written whole or not at all.
        file.write_all_at(&first, 0)?;
        file.sync_all()?;
    }
    tell_kernel(&file, start, wanted)?;
    Ok(Some(wanted))
}

/// What BLKPG takes.
///
/// # Source
/// Linux `include/uapi/linux/blkpg.h`.
#[repr(C)]
struct PartitionArgument {
    op: nix::libc::c_int,
    flags: nix::libc::c_int,
    datalen: nix::libc::c_int,
    data: *mut Partition,
}

#[repr(C)]
struct Partition {
    start: i64,
    length: i64,
    number: nix::libc::c_int,
    names: [u8; 128],
}

/// `BLKPG_RESIZE_PARTITION`.
const RESIZE_PARTITION: nix::libc::c_int = 3;

#[allow(unsafe_code)]
fn tell_kernel(disk: &File, start: u64, length: u64) -> io::Result<()> {
    nix::ioctl_write_ptr_bad!(blkpg, 0x1269, PartitionArgument);
    let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut partition = Partition {
        start: number(start),
        length: number(length),
        number: PARTITION.into(),
        names: [0; 128],
    };
    let argument = PartitionArgument {
        op: RESIZE_PARTITION,
        flags: 0,
        datalen: nix::libc::c_int::try_from(size_of::<Partition>()).unwrap_or(0),
        data: &raw mut partition,
    };
    // SAFETY: both structures have the kernel's layout and live through the call, which only reads them.
    unsafe { blkpg(disk.as_raw_fd(), &raw const argument) }?;
    Ok(())
}

#[allow(unsafe_code)]
fn resize(mounted: &File, blocks: u64) -> io::Result<()> {
    nix::ioctl_write_ptr!(resize_fs, b'f', 16, u64);
    // SAFETY: EXT4_IOC_RESIZE_FS reads one u64, alive during the call.
    unsafe { resize_fs(mounted.as_raw_fd(), &raw const blocks) }?;
    Ok(())
}

/// Makes an empty flash there, over whatever there was. Only for an operator who has said so.
///
/// # Errors
/// What the operating system says, or that the device is too small.
pub fn make(block: &Block) -> io::Result<()> {
    let template = fs::read(TEMPLATE)?;
    let (size, pieces) = read_template(&template)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the template is damaged"))?;
    if block.size < size {
        let why = format!("it has {} MiB and flash needs {} MiB", block.size >> 20, size >> 20);
        return Err(io::Error::other(why));
    }
    let mut file = OpenOptions::new().write(true).open(block.device())?;
    let zeros = vec![0; GROWTH_MIN as usize];
    for _ in 0..size / GROWTH_MIN {
        file.write_all(&zeros)?;
    }
    file.sync_all()?;
    // The superblock last: until then nobody takes it for one.
    let first = |piece: &&(u64, &[u8])| piece.0 == 0;
    for (at, bytes) in pieces.iter().filter(|piece| !first(piece)) {
        file.write_all_at(bytes, *at)?;
    }
    file.sync_all()?;
    for (at, bytes) in pieces.iter().filter(first) {
        file.seek(SeekFrom::Start(*at))?;
        file.write_all(bytes)?;
    }
    file.sync_all()
}

/// Bytes of a template, and where they belong.
type Laid<'a> = (u64, &'a [u8]);

/// Takes a template apart: its size, and what is where.
fn read_template(bytes: &[u8]) -> Option<(u64, Vec<Laid<'_>>)> {
    let mut rest = bytes.strip_prefix(TEMPLATE_MAGIC)?;
    let mut size = [0; 8];
    rest.read_exact(&mut size).ok()?;
    let size = u64::from_le_bytes(size);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (mut at, mut len) = ([0; 8], [0; 4]);
        rest.read_exact(&mut at).ok()?;
        rest.read_exact(&mut len).ok()?;
        let (piece, more) = rest.split_at_checked(u32::from_le_bytes(len) as usize)?;
        pieces.push((u64::from_le_bytes(at), piece));
        rest = more;
    }
    let fits =
        |(at, piece): &(u64, &[u8])| at.checked_add(piece.len() as u64)?.le(&size).then_some(());
    (size <= TEMPLATE_MAX && pieces.iter().all(|piece| fits(piece).is_some()))
        .then_some((size, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_taken_whole_or_not_at_all() {
        let mut bytes = TEMPLATE_MAGIC.to_vec();
        bytes.extend(8192_u64.to_le_bytes());
        bytes.extend(4096_u64.to_le_bytes());
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(b"abc");
        assert_eq!(read_template(&bytes), Some((8192, vec![(4096, b"abc".as_slice())])));
        for len in 0..bytes.len() {
            let cut = read_template(&bytes[..len]);
            // Cut between two pieces is the only shorter one that stands.
            assert!(cut.is_none() || len == 16, "{len}");
        }
        let mut beyond = bytes.clone();
        beyond[16..24].copy_from_slice(&8190_u64.to_le_bytes());
        assert_eq!(read_template(&beyond), None);
        beyond[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(read_template(&beyond), None);
    }

    #[test]
    fn a_partition_grows_once_and_keeps_the_rest_of_its_sector() {
        let folder = crate::sys::process::fresh_folder().expect("a folder");
        let path = folder.join("disk");
        let mut first = vec![7; 512];
        first[ENTRY + 8..ENTRY + 12].copy_from_slice(&65536_u32.to_le_bytes());
        first[ENTRY + 12..ENTRY + 16].copy_from_slice(&65536_u32.to_le_bytes());
        fs::write(&path, &first).expect("written");
        // The kernel has no partition of a file, so that the last step is refused.
        let told = grow_partition(&path, 200 << 20, 32 << 20);
        assert!(told.is_err());
        let after = fs::read(&path).expect("read");
        let count = u32::from_le_bytes(after[ENTRY + 12..ENTRY + 16].try_into().expect("four"));
        assert_eq!(u64::from(count) * SECTOR, (200 - 32) << 20);
        first[ENTRY + 12..ENTRY + 16].copy_from_slice(&count.to_le_bytes());
        assert_eq!(after, first);
        // As big as its disk already.
        assert!(matches!(grow_partition(&path, 200 << 20, 168 << 20), Ok(None)));
        fs::remove_dir_all(folder).expect("removed");
    }
}
