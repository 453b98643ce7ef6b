//! QEMU killed at random moments of boot and commits: it always boots again, and what was
//! acknowledged is there. `CUTS=200` for as many.

use std::time::Duration;

use super::machine::{Folder, Machine, image};
use super::{PASSWORD, day0};

/// How often the power is cut unless `CUTS` says otherwise.
const CUTS: u32 = 4;

#[test]
fn nothing_acknowledged_is_lost_however_often_the_power_is_cut() {
    let Some(image) = image() else { return };
    let cuts = std::env::var("CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(CUTS);
    let folder = Folder::new();
    let disk = folder.overlay(&image);
    let text = format!("hostname = \"edge-0\"\npassword = \"{PASSWORD}\"\n");
    let day0 = day0(&folder, &text);
    let arguments = ["-fw_cfg", &day0];
    let mut seed = 0x9e37_79b9_u32;
    let (mut acknowledged, mut tried) = (0, 0);
    for cut in 0..cuts {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut guest = Machine::with_disk(&disk, &arguments);
        if cut % 3 == 2 {
            // Somewhere in the boot.
            std::thread::sleep(Duration::from_millis(u64::from(seed >> 16) % 6_000));
            guest.cut();
            continue;
        }
        guest.log_in(PASSWORD);
        let name = name(&mut guest);
        assert!((acknowledged..=tried).contains(&name), "{name} of {acknowledged}..={tried}");
        acknowledged = name;
        guest.command("scope system");
        for _ in 0..1 + (seed >> 24) % 4 {
            tried = acknowledged + 1;
            guest.command(&format!("set name edge-{tried}"));
            guest.command("commit-buffer");
            acknowledged = tried;
        }
        tried = acknowledged + 1;
        guest.command(&format!("set name edge-{tried}"));
        guest.type_line("commit-buffer");
        std::thread::sleep(Duration::from_millis(u64::from(seed >> 20) % 40));
        guest.cut();
    }
    let mut guest = Machine::with_disk(&disk, &arguments);
    guest.log_in(PASSWORD);
    let name = name(&mut guest);
    assert!((acknowledged..=tried).contains(&name), "{name} of {acknowledged}..={tried}");
}

/// Reads the number in the chassis's name off its prompt.
fn name(guest: &mut Machine) -> u32 {
    let printed = guest.command("top");
    let prompt = printed.rsplit("edge-").next().unwrap();
    let digits: String = prompt.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
