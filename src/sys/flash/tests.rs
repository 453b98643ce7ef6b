//! A flash that is kept, refused, damaged, locked, full.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A folder of this test's own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vfxos-flash-{}-{number}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    fn open(&self) -> Result<Flash, FlashError> {
        Flash::open(&self.0, Kind::Chassis)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn filled() -> Folder {
    let folder = Folder::new();
    let flash = folder.open().unwrap();
    for n in 0..200 {
        let key = format!("blade/1/{n:03}");
        flash.write(&[Change::Put(&key, &[n as u8; 300])]).unwrap();
    }
    folder
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let folder = Folder::new();
    let flash = folder.open().unwrap();
    flash
        .write(&[Change::Put("a", b"1"), Change::Put("b/1", b"2"), Change::Put("b/2", b"3")])
        .unwrap();
    flash.write(&[Change::Delete("a"), Change::Put("b/1", b"4"), Change::Delete("none")]).unwrap();
    drop(flash);
    let flash = folder.open().unwrap();
    assert_eq!(flash.get("a").unwrap(), None);
    assert_eq!(flash.get("b/1").unwrap().unwrap(), b"4");
    let all = flash.scan("b/").unwrap();
    assert_eq!(all, [("b/1".to_owned(), b"4".to_vec()), ("b/2".to_owned(), b"3".to_vec())]);
    assert_eq!(flash.scan("c").unwrap(), []);
    assert_eq!(flash.scan("").unwrap().len(), 2);
}

#[test]
fn memory_behaves_alike() {
    let flash = Flash::memory(Kind::Blade);
    flash.write(&[Change::Put("a", b"1")]).unwrap();
    assert_eq!(flash.scan("").unwrap(), [("a".to_owned(), b"1".to_vec())]);
    flash.write(&[Change::Delete("a")]).unwrap();
    assert_eq!(flash.get("a").unwrap(), None);
}

#[test]
fn a_process_that_died_leaves_a_flash_that_opens() {
    let folder = filled();
    let copy = Folder::new();
    let flash = folder.open().unwrap();
    flash.write(&[Change::Put("last", b"acknowledged")]).unwrap();
    // The file as kill -9 leaves it: nothing was closed.
    fs::create_dir(&copy.0).unwrap();
    fs::copy(folder.file(), copy.file()).unwrap();
    let revived = copy.open().unwrap();
    assert_eq!(revived.get("last").unwrap().unwrap(), b"acknowledged");
    assert_eq!(revived.scan("blade/").unwrap().len(), 200);
}

#[test]
fn a_start_that_was_interrupted_is_begun_again() {
    let folder = Folder::new();
    fs::create_dir(&folder.0).unwrap();
    fs::write(folder.0.join("flash.new"), b"half").unwrap();
    assert_eq!(folder.open().unwrap().scan("").unwrap(), []);
    assert!(!folder.0.join("flash.new").exists());
}

#[test]
fn folder_and_file_are_the_owner_s_alone() {
    let folder = filled();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    assert_eq!(mode(&folder.file()), 0o600);
    assert_eq!(mode(&folder.0.join(LOCK)), 0o600);
}

#[test]
fn a_second_lab_is_told_whose_the_folder_is() {
    let folder = filled();
    let first = folder.open().unwrap();
    let error = folder.open().unwrap_err();
    assert_eq!(error, FlashError::InUse { path: folder.0.join(LOCK) });
    drop(first);
    folder.open().unwrap();
}

#[test]
fn a_newer_version_is_refused_and_keeps_its_records() {
    let folder = filled();
    let set = |version: &str| {
        let database = builder().open(folder.file()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert("schema", version.as_bytes()).unwrap();
        transaction.commit().unwrap();
    };
    set("2");
    let error = folder.open().unwrap_err();
    assert_eq!(error, FlashError::Newer { path: folder.file(), version: 2 });
    set("not a number");
    assert!(matches!(folder.open(), Err(FlashError::Damaged { .. })));
    set("1");
    assert_eq!(folder.open().unwrap().scan("blade/").unwrap().len(), 200);
}

#[test]
fn a_blade_does_not_open_a_chassis_s_flash() {
    let folder = filled();
    let error = Flash::open(&folder.0, Kind::Blade).unwrap_err();
    let (path, found) = (folder.file(), "chassis".to_owned());
    assert_eq!(error, FlashError::OtherKind { path, found, wanted: "blade" });
}

#[test]
fn a_damaged_file_is_reported_and_left_as_it_is() {
    let folder = filled();
    let closed = fs::read(folder.file()).unwrap();
    let flash = folder.open().unwrap();
    flash.write(&[Change::Put("last", b"acknowledged")]).unwrap();
    let killed = fs::read(folder.file()).unwrap();
    drop(flash);
    damage(&folder, closed, None);
    damage(&folder, killed, Some(b"acknowledged"));
}

/// Damages `good` in many ways, puts it into the folder, and opens it. `last` was written last.
fn damage(folder: &Folder, good: Vec<u8>, last: Option<&[u8]>) {
    let half = good.len() / 2;
    let mut damaged: Vec<(String, Vec<u8>)> = vec![
        ("empty".into(), Vec::new()),
        ("cut to a byte".into(), good[..1].to_vec()),
        ("cut in half".into(), good[..half].to_vec()),
        ("text".into(), b"this is no flash".repeat(1000)),
        ("zeros".into(), vec![0; good.len()]),
    ];
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut flipped = good.clone();
        flipped[at..(at + 2048).min(good.len())].iter_mut().for_each(|byte| *byte ^= 0x5a);
        damaged.push((format!("2 KiB flipped at {at}"), flipped));
    }
    // The header, but for byte 9, whose lowest bit says which of two whole commits is the newer.
    for at in (1..320).step_by(11) {
        let mut flipped = good.clone();
        flipped[at] ^= 0xff;
        damaged.push((format!("byte {at} flipped"), flipped));
    }
    let mut refused = 0;
    for (what, bytes) in damaged {
        fs::write(folder.file(), &bytes).unwrap();
        match folder.open() {
            Ok(flash) => {
                // Unused pages may hold anything: then nothing is missing.
                let all = flash.scan("blade/").unwrap();
                assert_eq!(all.len(), 200, "{what}");
                assert_eq!(flash.get("last").unwrap().as_deref(), last, "{what}");
                assert!(all.iter().enumerate().all(|(n, (_, v))| *v == [n as u8; 300]), "{what}");
            }
            Err(error) => {
                refused += 1;
                let FlashError::Damaged { path, .. } = &error else { panic!("{what}: {error}") };
                assert_eq!(*path, folder.file());
                let now = fs::read(folder.file()).unwrap();
                assert!(now == bytes, "{what}: the file was changed ({error})");
            }
        }
    }
    assert!(refused > 10, "{refused}");
    fs::write(folder.file(), &good).unwrap();
    assert_eq!(folder.open().unwrap().scan("blade/").unwrap().len(), 200);
}

#[test]
fn a_folder_that_can_t_be_made_names_itself() {
    let folder = Folder::new();
    fs::write(&folder.0, b"a file where the folder should be").unwrap();
    let error = folder.open().unwrap_err();
    assert!(matches!(&error, FlashError::Io { path, .. } if *path == folder.0), "{error}");
    fs::remove_file(&folder.0).unwrap();
}

#[test]
fn a_folder_without_permission_is_denied() {
    if nix::unistd::geteuid().is_root() {
        eprintln!("skipped: root writes anywhere");
        return;
    }
    let folder = filled();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o400)).unwrap();
    let error = folder.open().unwrap_err();
    assert_eq!(error, FlashError::Denied { path: folder.file() });
}

#[test]
fn every_error_of_the_system_has_its_line() {
    let path = Path::new("/state/flash.redb");
    let io = |errno: nix::Error| FlashError::of_redb(path, redb::Error::Io(errno.into()));
    let full = io(nix::Error::ENOSPC);
    assert_eq!(full, FlashError::Full { path: path.to_owned() });
    assert_eq!(io(nix::Error::EDQUOT), full);
    assert_eq!(io(nix::Error::EFBIG), full);
    assert_eq!(io(nix::Error::EROFS), FlashError::Denied { path: path.to_owned() });
    assert_eq!(io(nix::Error::EACCES), FlashError::Denied { path: path.to_owned() });
    assert!(matches!(io(nix::Error::EIO), FlashError::Io { .. }));
    let corrupted = redb::Error::Corrupted("two\nlines".to_owned());
    let error = FlashError::of_redb(path, corrupted);
    assert!(matches!(error, FlashError::Damaged { .. }));
    for error in [full, error] {
        let line = error.to_string();
        assert!(!line.contains('\n') && line.contains("/state/flash.redb"), "{line}");
    }
}

/// A disk that is full from a given moment.
#[derive(Debug)]
struct Disk {
    memory: InMemoryBackend,
    full: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Flash {
    /// Makes the next write fail as on a full disk; the one after opens the file again.
    pub(crate) fn fail_once(&self) {
        let full = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let disk = Disk { memory: InMemoryBackend::new(), full: full.clone() };
        let database = builder().create_with_backend(disk).unwrap();
        stamp(&database, self.kind).unwrap();
        full.store(true, Ordering::Relaxed);
        *self.database.lock() = Some(database);
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.memory.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.memory.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            return Err(nix::Error::ENOSPC.into());
        }
        self.memory.write(offset, data)
    }
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_write_tries_again() {
    let folder = filled();
    let flash = folder.open().unwrap();
    // The real file is let go for as long as the full disk stands in for it.
    flash.fail_once();
    let error = flash.write(&[Change::Put("a", b"1")]).unwrap_err();
    assert_eq!(error, FlashError::Full { path: folder.file() });
    assert_eq!(flash.get("a").unwrap(), None);
    flash.write(&[Change::Put("a", b"2")]).unwrap();
    assert_eq!(flash.scan("").unwrap().len(), 201);
}
