//! Starts that are refused: one line, which file, what to do, status 2, and nothing touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use redb::{Database, TableDefinition};
use vfxos::base::rng::Rng;
use vfxos::net::ca::Ca;

use crate::process::{CHASSIS, Ended, Folder, Lab, lines, run, script, vfxos};

/// Returns every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        for entry in fs::read_dir(&path).into_iter().flatten() {
            let (path, kind) = entry.map(|e| (e.path(), e.file_type().unwrap())).unwrap();
            if kind.is_dir() {
                left.push(path);
            } else if !kind.is_socket() {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Copies a state folder, but for what a killed lab leaves lying about.
fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let path = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Makes a state folder with a registered chassis and a licensed ASA in it, ended or killed.
fn lived_in(folder: &Folder, killed: bool) {
    let mut lab = Lab::start(folder);
    lab.enter(&["scope license"]);
    let token = lab.asked("token new");
    lab.enter(&[&format!("register idtoken {token}")]);
    lab.asked("clock advance 2s");
    lab.asked("wait registered 60s");
    lab.enter(&["connect module 1 console", "connect asa", "enable", "", "configure terminal"]);
    lab.enter(&["license smart", "feature tier standard", "end", "write memory"]);
    lab.asked("clock advance 1m");
    lab.asked("wait authorized 60s");
    if killed {
        lab.kill();
    } else {
        lab.finish().with(0);
    }
}

/// Runs a lab that must be refused; returns its one line.
#[track_caller]
fn refused(command: &mut Command) -> String {
    let ended = run(command, b"").with(2);
    assert_eq!(ended.out, "");
    let line = ended.one_line();
    assert!(line.starts_with("vfxos lab: "), "{line}");
    line.to_owned()
}

#[test]
fn a_topology_that_cannot_be_is_refused_with_its_place_and_remedy() {
    let folder = Folder::new();
    let state = folder.state();
    script(&folder, &[], "").with(0);
    let before = files(&state);
    for (from, to, why) in [
        ("dns = [\"172.16.200.100\"]", "colour = 1", "unknown field `colour`, expected one of"),
        ("\"10.62.148.225/24\"", "\"10.62.148.129/24\"", "10.62.148.129; give each its own"),
        ("[[chassis.blade]]", "[[chassis.blade]]\nslot = 1\n[[chassis.blade]]", "a slot holds one"),
        ("FPR-4125\"", "FPR-1\"", "no model \"FPR-1\"; there are FPR-4110"),
        ("[dns]", "[dns", "line "),
    ] {
        let topology = folder.changed(&[(from, to)]);
        let line = refused(vfxos().arg("lab").arg(&topology).arg("--state").arg(&state));
        let file = topology.display();
        assert!(line.starts_with(&format!("vfxos lab: topology {file}: ")), "{line}");
        assert!(line.contains(why), "{line}");
    }
    let missing = folder.path().join("none.toml");
    for (file, why) in [
        (missing.as_path(), "No such file or directory (os error 2); name a file that exists"),
        (folder.path(), "it is a folder; name a file, or print one with --print-topology"),
    ] {
        let line = refused(vfxos().arg("lab").arg(file).arg("--state").arg(&state));
        assert!(line.contains(&file.display().to_string()) && line.contains(why), "{line}");
    }
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, [0xff, 0xfe, 0, 1]).unwrap();
    let line = refused(vfxos().arg("lab").arg(&binary).arg("--state").arg(&state));
    assert!(line.contains("binary.toml") && line.contains("UTF-8"), "{line}");
    assert!(files(&state) == before, "something was touched");
    // And none is made for a lab that cannot be.
    let never = folder.path().join("never");
    refused(vfxos().arg("lab").arg(&missing).arg("--state").arg(&never));
    assert!(!never.exists());
}

#[test]
fn a_state_folder_in_use_is_left_to_whoever_uses_it() {
    let folder = Folder::new();
    let mut lab = Lab::start(&folder);
    lab.asked("wait attached 60s");
    let before: Vec<PathBuf> = files(&folder.state()).into_keys().collect();
    let line = refused(vfxos().args(["lab", "--state"]).arg(folder.state()));
    assert!(line.contains(&folder.state().display().to_string()), "{line}");
    assert!(line.contains("in use by another process: stop that one, or choose another"), "{line}");
    assert_eq!(files(&folder.state()).into_keys().collect::<Vec<_>>(), before);
    // It goes on, and can write.
    lab.enter(&["scope system", "scope services", "create dns 192.0.2.9", "commit-buffer"]);
    lab.finish().with(0);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "not yours").unwrap();
    let below = file.join("below");
    for state in
        [&file, &below, Path::new("/proc/vfxos"), Path::new("/sys/vfxos"), Path::new("/dev/null")]
    {
        let line = refused(vfxos().args(["lab", "--state"]).arg(state));
        assert!(line.contains(&format!("state folder {}: ", state.display())), "{line}");
        assert!(line.contains("name one that can be written with --state"), "{line}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "not yours");
    let long = folder.path().join("x".repeat(100));
    let line = refused(vfxos().args(["lab", "--state"]).arg(&long));
    assert!(line.contains(&long.display().to_string()), "{line}");
    assert!(line.contains("choose a shorter"), "{line}");
    let nowhere = refused(vfxos().arg("lab"));
    assert!(nowhere.contains("name a state folder with --state"), "{nowhere}");

    if nix::unistd::geteuid().is_root() {
        eprintln!("skipped: root may write into a folder that is read-only");
        return;
    }
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
    let line = refused(vfxos().args(["lab", "--state"]).arg(locked.join("state")));
    assert!(line.contains("ermission denied"), "{line}");
}

/// Runs a lab that may write files of at most so many blocks, half a KiB each.
fn limited(state: &Path, blocks: u32, input: &str) -> Ended {
    let binary = env!("CARGO_BIN_EXE_vfxos");
    let text = format!("ulimit -f {blocks}; exec {binary} lab --state {}", state.display());
    run(Command::new("sh").arg("-c").arg(text).env_remove("VFXOS_LOG"), input.as_bytes())
}

#[test]
fn a_disk_without_room_is_an_error_and_not_the_end_of_the_process() {
    let folder = Folder::new();
    for blocks in [0, 1, 16, 100] {
        let state = folder.path().join(format!("fresh-{blocks}"));
        let ended = limited(&state, blocks, "").with(2);
        let line = ended.one_line();
        assert!(line.contains(&state.display().to_string()), "{line}");
        assert!(
            line.contains("can't be written (disk full") && line.contains("make room"),
            "{line}"
        );
        // With room again it starts as if nothing had been.
        run(vfxos().args(["lab", "--state"]).arg(&state), b"").with(0);
    }
    lived_in(&folder, false);
    let want = facts(&script(&folder, &[], &lines(LOOK)).with(0));
    for blocks in [0, 1, 16, 100] {
        let ended = limited(&folder.state(), blocks, "").with(2);
        assert!(ended.one_line().contains("can't be written (disk full"), "{}", ended.err);
        let again = script(&folder, &[], &lines(LOOK)).with(0);
        assert_eq!(facts(&again), want, "after {blocks} blocks");
    }
}

#[test]
fn a_lab_that_runs_out_of_room_says_so_and_loses_nothing() {
    let folder = Folder::new();
    // Room enough to start and for one certificate, not for hundreds.
    let root = Ca::generate().unwrap().root_pem().to_owned();
    let trust = |name: &str, count: usize| {
        let chain = root.repeat(count);
        format!("create trustpoint {name}\nset certchain\n{chain}ENDOFBUF\ncommit-buffer\n")
    };
    let text = format!("scope security\n{}up\n{}show clock\n", trust("one", 1), trust("many", 300));
    let ended = limited(&folder.state(), 200, &text).with(2);
    let committed = "commit-buffer\nFPR4125-1 /security/trustpoint # up\n";
    assert!(ended.out.contains(committed), "{}", ended.out);
    assert!(!ended.out.contains("show clock"), "it went on: {}", ended.out);
    let line = ended.err.lines().last().unwrap();
    let flash = folder.state().join("chassis").join(CHASSIS).join("flash.redb");
    assert!(line.contains(&flash.display().to_string()) && line.contains("disk full"), "{line}");
    assert_eq!(ended.err.lines().count(), 5, "{}", ended.err);

    let again = script(&folder, &[], "scope security\nshow trustpoint\n").with(0);
    assert!(again.out.contains("one\n") && !again.out.contains("many\n"), "{}", again.out);
}

/// The four files that keep a lab's state.
const FLASH: [&str; 4] = [
    "flash.redb",
    "authority/flash.redb",
    "chassis/FPR4125-1/flash.redb",
    "chassis/FPR4125-1/blade-1/flash.redb",
];

#[test]
fn the_state_of_a_newer_version_is_left_to_it() {
    const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
    let folder = Folder::new();
    lived_in(&folder, false);
    for file in FLASH {
        let state = folder.path().join("newer");
        copy(&folder.state(), &state);
        let path = state.join(file);
        let database = Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert("schema", &b"2"[..]).unwrap();
        transaction.commit().unwrap();
        drop(database);

        let before = files(&state);
        let line = refused(vfxos().args(["lab", "--state"]).arg(&state));
        assert!(line.contains(&path.display().to_string()), "{line}");
        assert!(line.contains("written by a newer version of vfxos (schema 2"), "{line}");
        assert!(line.contains("use that version, or choose another state folder"), "{line}");
        assert!(fs::read(&path).unwrap() == before[&path], "{file} was changed");
        fs::remove_dir_all(&state).unwrap();
    }
}

/// What shows whether everything is there.
const LOOK: &[&str] = &[
    "scope license",
    "show license all",
    "@token list",
    "@pool list",
    "connect module 1 console",
    "connect asa",
    "enable",
    "",
    "show running-config",
];

/// Returns what of it does not depend on when it is looked at.
fn facts(ended: &Ended) -> Vec<String> {
    let registration = |line: &&str| {
        let marks = ["Status: REGISTERED", "Initial Registration:", "UDI:"];
        marks.iter().any(|mark| line.contains(mark))
    };
    let mut facts: Vec<&str> = ended.out.lines().filter(registration).collect();
    let running = ended.out.split_once("# show running-config\n").map_or("", |(_, rest)| rest);
    facts.extend(running.lines().filter(|line| !line.starts_with("asa") && !line.starts_with(':')));
    facts.extend(ended.err.lines().filter(|line| line.contains("export") || line.contains(" of ")));
    assert!(facts.len() > 10, "{}\n{}", ended.out, ended.err);
    facts.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_damaged_flash_is_read_whole_or_refused() {
    damage(0x00da_3a9e, false);
}

#[test]
fn a_damaged_flash_of_a_killed_lab_is_read_whole_or_refused() {
    damage(0x0bad_f1a5, true);
}

/// Damages each file of a state in seeded places, and starts a lab on what comes of it.
fn damage(seed: u64, killed: bool) {
    let folder = Folder::new();
    lived_in(&folder, killed);
    let good = folder.path().join("good");
    copy(&folder.state(), &good);
    let look = lines(LOOK);
    let want = facts(&script(&folder, &[], &look).with(0));
    let mut rng = Rng::from_seed(seed);
    let (mut whole, mut refusals) = (0, 0);
    for (file, round) in FLASH.iter().flat_map(|file| (0..10).map(move |round| (file, round))) {
        fs::remove_dir_all(folder.state()).unwrap();
        copy(&good, &folder.state());
        let path = folder.state().join(file);
        let mut bytes = fs::read(&path).unwrap();
        let how = spoil(&mut bytes, &mut rng, round);
        fs::write(&path, &bytes).unwrap();

        let ended = script(&folder, &[], &look);
        let context = format!("{file}, {how}\n{}\n{}", ended.out, ended.err);
        assert!(!ended.err.contains("panicked"), "{context}");
        if ended.code == Some(0) {
            whole += 1;
            assert_eq!(facts(&ended), want, "{context}");
        } else {
            refusals += 1;
            let ended = ended.with(2);
            let line = ended.one_line();
            assert!(line.contains(&path.display().to_string()), "{context}");
            assert!(
                line.contains("damaged") && line.contains("restore it from a copy"),
                "{context}"
            );
            assert!(fs::read(&path).unwrap() == bytes, "the file was changed\n{context}");
        }
    }
    assert!(whole > 0 && refusals > 10, "{whole} were read, {refusals} were refused");
}

/// Spoils a file; returns how.
fn spoil(bytes: &mut Vec<u8>, rng: &mut Rng, round: u32) -> String {
    let place = |rng: &mut Rng, below: usize| usize::try_from(rng.next_u64()).unwrap() % below;
    let len = bytes.len();
    match round {
        0 => {
            bytes.clear();
            "emptied".to_owned()
        }
        1 => {
            bytes.truncate(place(rng, len));
            format!("cut to {} bytes", bytes.len())
        }
        2 => {
            bytes.truncate(len - 1);
            "one byte short".to_owned()
        }
        3 => {
            // Byte 9's lowest bit says which of two whole commits is the newer; nothing vouches for it.
            let at = [0, 8, 12, 64, 192][place(rng, 5)] + place(rng, 8).max(2);
            bytes[at] ^= 0x40;
            format!("header flipped at {at}")
        }
        4..=7 => {
            let at = place(rng, len);
            bytes[at] ^= 1 << place(rng, 8);
            format!("bit flipped at {at}")
        }
        _ => {
            let at = place(rng, len);
            for byte in bytes.iter_mut().skip(at).take(4096) {
                *byte = u8::try_from(rng.next_u64() & 0xff).unwrap();
            }
            format!("4 KiB of noise at {at}")
        }
    }
}
