//! The appliance's image in QEMU, driven over its serial line; `make test-boot` builds it first.
//!
//! Every test is skipped, with the reason, where QEMU or the image is missing.

#![cfg(feature = "appliance")]
#![allow(clippy::unwrap_used, reason = "a test may, outside its test functions too")]
#![allow(clippy::disallowed_methods, reason = "a guest lives by the host's time")]

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

mod authority;
mod cuts;
mod machine;

use authority::Authority;
use machine::{Folder, Machine, free_port, has_own_kernel, image};

/// Longest time that a clean stop may take.
const STOP: Duration = Duration::from_secs(10);
/// What day 0 sets.
const PASSWORD: &str = "Lab-12345";

fn arguments<'a>(words: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    words.split_ascii_whitespace().chain(more.iter().copied()).collect()
}

/// Day 0 in our own form, by way of the firmware.
fn day0(folder: &Folder, text: &str) -> String {
    format!("name=opt/vfxos/config,file={}", folder.write("day0.toml", text).display())
}

#[test]
fn without_day_0_the_dialog_comes_and_the_power_button_ends_it() {
    let Some(image) = image() else { return };
    for machine in ["pc", "q35"] {
        let folder = Folder::new();
        let disk = folder.overlay(&image);
        let mut guest = Machine::with_disk(&disk, &["-machine", machine]);
        guest.expect("System is coming up ... Please wait ...");
        guest.expect("vdc 1 has come online");
        guest.expect("Basic System Configuration Dialog");
        guest.power_button();
        guest.ends_within(STOP);
        assert!(guest.rest().contains("Power down."), "{machine}");
    }
}

#[test]
fn a_chassis_registers_and_is_still_licensed_after_a_power_cut() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let authority = Authority::start(&folder);
    let day0 = day0(&folder, &authority.day0(PASSWORD));
    let ssh = free_port();
    let network = format!(
        "user,id=n,net=10.0.0.0/24,host=10.0.0.2,dns=10.0.0.3,dhcpstart=10.0.0.100,\
         hostfwd=tcp:127.0.0.1:{ssh}-10.0.0.15:22"
    );
    let arguments = ["-fw_cfg", &day0, "-netdev", &network, "-device", "virtio-net-pci,netdev=n"];
    let mut guest = Machine::with_disk(&disk, &arguments);
    guest.expect("edge-1 login: ");
    // The prompt is true: SSH answers at this very moment.
    let mut banner = [0; 8];
    let mut connection = TcpStream::connect(("127.0.0.1", ssh)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    connection.read_exact(&mut banner).unwrap();
    assert_eq!(&banner, b"SSH-2.0-");
    guest.type_line("admin");
    guest.expect("assword: ");
    guest.type_line(PASSWORD);
    guest.expect("# ");
    guest.command("scope license");
    let asked = guest.command(&format!("register idtoken {}", authority.token));
    assert!(!asked.contains("Error"), "{asked}");
    guest.command_until("show license summary", "Status: REGISTERED");
    license_the_blade(&mut guest);
    guest.command_until("show license usage", "AUTHORIZED");
    guest.cut();

    let mut guest = Machine::with_disk(&disk, &arguments);
    guest.log_in(PASSWORD);
    guest.command("scope license");
    let printed = guest.command_until("show license summary", "Status: REGISTERED");
    assert!(printed.contains("AUTHORIZED"), "{printed}");
    // Day 0 was applied once; at the second start nothing of it is said.
    assert!(!guest.printed.contains("day 0 of"));
    guest.power_button();
    guest.ends_within(STOP);
}

/// Asks for the standard tier on the ASA in slot 1.
fn license_the_blade(guest: &mut Machine) {
    guest.command("top");
    guest.type_line("connect module 1 console");
    guest.expect("Firepower-module1>");
    guest.type_line("connect asa");
    guest.expect("asa> ");
    guest.type_line("enable");
    guest.expect("assword: ");
    guest.type_line("");
    for line in ["configure terminal", "license smart", "feature tier standard", "end"] {
        guest.expect("# ");
        guest.type_line(line);
    }
    guest.expect("# ");
    guest.type_line("\u{1}d");
    guest.expect("Firepower-module1>");
    guest.type_line("~");
    guest.expect("telnet>");
    guest.type_line("quit");
    guest.expect("# ");
    guest.command("scope license");
}

#[test]
fn sixty_four_megabytes_are_enough_and_forty_are_said_to_be_too_few() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    if !has_own_kernel(&image) {
        eprintln!(
            "skipped: Debian's kernel alone wants more than 64 MB (make image without KERNEL=debian)"
        );
        return;
    }
    let mut guest = Machine::with_disk(&disk, &["-m", "64"]);
    guest.expect("Basic System Configuration Dialog");
    guest.cut();
    let mut guest = Machine::with_disk(&disk, &["-m", "40"]);
    guest.expect("give the machine 64 MB or more");
    guest.ends_within(Duration::from_secs(30));
}

#[test]
fn cards_are_taken_in_the_order_of_the_bus() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let day0 = day0(&folder, "hostname = \"nine\"\naddress = \"10.0.0.15/24\"\n");
    let ssh = free_port();
    let first = format!(
        "user,id=n0,net=10.0.0.0/24,host=10.0.0.2,hostfwd=tcp:127.0.0.1:{ssh}-10.0.0.15:22"
    );
    let kinds: &[&str] = if has_own_kernel(&image) {
        &["e1000", "virtio-net-pci", "e1000e", "vmxnet3", "rtl8139"]
    } else {
        &["vmxnet3", "virtio-net-pci"]
    };
    // The first on the bus is of another kind than the next, and comes last on the command line.
    let mut cards: Vec<String> = (1..9)
        .flat_map(|card| {
            let kind = kinds[card % kinds.len()];
            let at = card + 8;
            [
                "-netdev".to_owned(),
                format!("user,id=n{card},restrict=on"),
                "-device".to_owned(),
                format!("{kind},netdev=n{card},addr={at:#x}"),
            ]
        })
        .collect();
    cards.extend([
        "-netdev".to_owned(),
        first,
        "-device".to_owned(),
        format!("{},netdev=n0,addr=0x7", kinds[0]),
    ]);
    let mut all = vec!["-fw_cfg", &day0];
    all.extend(cards.iter().map(String::as_str));
    let mut guest = Machine::with_disk(&disk, &all);
    guest.expect("nine login: ");
    let mut connection = TcpStream::connect(("127.0.0.1", ssh)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut banner = [0; 4];
    connection.read_exact(&mut banner).unwrap();
    assert_eq!(&banner, b"SSH-");
}

#[test]
fn no_card_a_cd_of_garbage_and_a_clock_at_1970_stop_nothing() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let garbage: Vec<u8> =
        (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cd = folder.write("garbage.iso", garbage);
    let cd = format!("file={},media=cdrom,readonly=on", cd.display());
    let arguments = ["-nic", "none", "-drive", &cd, "-rtc", "base=1970-01-01T00:00:00"];
    let mut guest = Machine::with_disk(&disk, &arguments);
    guest.expect("there is no network card");
    guest.expect("Basic System Configuration Dialog");
}

#[test]
fn day_0_comes_on_a_cd_and_a_bad_line_stops_nothing() {
    let Some(image) = image() else { return };
    if Command::new("genisoimage").arg("-version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: genisoimage is not installed");
        return;
    }
    let folder = Folder::new();
    let text = "! day 0\nscope system\n set name from-cd\n frobnicate 7\n commit-buffer\n";
    folder.write("day0-config", text);
    let iso = folder.join("day0.iso");
    // Plain ISO 9660, which spoils the name, as the lab tools make it.
    let made = Command::new("genisoimage")
        .args(["-quiet", "-l", "-o"])
        .arg(&iso)
        .arg(folder.join("day0-config"))
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let cd = format!("file={},media=cdrom,readonly=on", iso.display());
    let mut guest = Machine::with_disk(&folder.overlay(&image), &["-drive", &cd]);
    guest.expect("day 0 of ");
    guest.expect("1 refused");
    guest.expect("frobnicate 7");
    guest.log_in_after("from-cd login: ", "Admin123");
}

impl Machine {
    fn log_in_after(&mut self, prompt: &str, password: &str) {
        self.expect(prompt);
        self.type_line("admin");
        self.expect("assword: ");
        self.type_line(password);
        self.expect("# ");
    }
}

#[test]
fn a_flash_that_cannot_be_read_is_never_formatted_unasked() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let raw = folder.join("disk.raw");
    let convert = Command::new("qemu-img")
        .args(["convert", "-O", "raw"])
        .args([&machine::disk(&image), &raw])
        .status();
    assert!(convert.unwrap().success());
    // The superblock and what follows it are gone.
    let flash = 32 << 20;
    overwrite(&raw, flash, &[0x5a; 65_536]);
    let before = fs::read(&raw).unwrap();
    let drive = format!("file={},if=virtio,format=raw", raw.display());
    let arguments = ["-drive".to_owned(), drive];
    let mut guest = Machine::start(&arguments);
    guest.expect("holds no flash that can be read");
    guest.expect("Choose 1 to 4:");
    guest.type_line("3");
    guest.expect("Type erase");
    guest.type_line("no");
    guest.expect("Choose 1 to 4:");
    guest.type_line("4");
    guest.ends_within(STOP);
    assert!(before == fs::read(&raw).unwrap(), "something was written");

    let mut guest = Machine::start(&arguments);
    guest.expect("Choose 1 to 4:");
    guest.type_line("3");
    guest.expect("Type erase");
    guest.type_line("erase");
    // The new one is smaller than its partition, and grows.
    guest.expect("flash has grown to 480 MiB");
    guest.expect("Basic System Configuration Dialog");
    guest.power_button();
    guest.ends_within(STOP);
    assert_clean(&raw, flash, &folder);
}

#[test]
fn flash_grows_with_its_disk() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let mut resize = Command::new("qemu-img");
    let resized = resize.arg("resize").arg(&disk).arg("2G").stdout(Stdio::null()).status();
    assert!(resized.unwrap().success());
    let mut guest = Machine::with_disk(&disk, &[]);
    guest.expect("flash has grown to 2016 MiB");
    guest.expect("Basic System Configuration Dialog");
    guest.cut();
    let mut guest = Machine::with_disk(&disk, &[]);
    guest.expect("Basic System Configuration Dialog");
    assert!(!guest.printed.contains("has grown"));
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

/// Checks the file system with the tool of its makers, where that is installed.
fn assert_clean(raw: &Path, at: u64, folder: &Folder) {
    let part = folder.join("part");
    let bytes = fs::read(raw).unwrap();
    fs::write(&part, &bytes[usize::try_from(at).unwrap()..]).unwrap();
    match Command::new("/sbin/e2fsck").args(["-f", "-n"]).arg(&part).output() {
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout)),
        Err(_) => eprintln!("the file system is not checked: e2fsck is not installed"),
    }
}

#[test]
fn reboot_and_shutdown_at_the_console() {
    let Some(image) = image() else { return };
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let day0 = day0(&folder, "hostname = \"edge-1\"\n");
    let arguments = arguments("", &["-fw_cfg", &day0]);
    let table = [
        ("reboot", "(yes/no):", "yes", "Restarting system."),
        ("shutdown", "'YES' or 'NO':", "YES", "Power down."),
    ];
    for (word, question, answer, last) in table {
        let mut guest = Machine::with_disk(&disk, &arguments);
        guest.log_in("Admin123");
        guest.type_line("connect local-mgmt");
        guest.expect("(local-mgmt)# ");
        guest.type_line(word);
        guest.expect(question);
        guest.type_line(answer);
        // QEMU is started with -no-reboot, so that both end it.
        guest.expect(last);
        guest.ends_within(STOP);
        thread::sleep(Duration::from_millis(10));
    }
}
