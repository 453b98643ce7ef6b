//! Flash at the start: mounted and grown, or, where it can't be used, an operator's choice.

use std::fs;
use std::path::Path;

use super::{End, Init, say};
use crate::sys::boot::disk::{self, Block, FLASH, Found};
use crate::sys::boot::watch::Seen;
use crate::sys::console;

/// Says in which layout flash is; a newer one is refused.
const LAYOUT_FILE: &str = "layout";
/// What we write, and the newest that we read.
const LAYOUT: u32 = 1;

/// What an operator may want where flash can't be used.
enum Choice {
    Again,
    Without,
    Empty,
    Off,
}

impl Init {
    /// Mounts flash; an end if an operator wants one instead.
    pub(super) fn mount_flash(&mut self) -> Option<End> {
        loop {
            let found = disk::find(self.options.flash.as_deref());
            let (why, place) = match found {
                Found::Labelled(block) => match self.use_flash(&block) {
                    Ok(()) => return None,
                    Err(why) => {
                        (format!("{} cannot be used: {why}", block.device().display()), Some(block))
                    }
                },
                Found::Unreadable(block) => {
                    let device = block.device();
                    (format!("{} holds no flash that can be read", device.display()), Some(block))
                }
                Found::Nowhere => {
                    say("there is no disk for flash: nothing is kept when the power goes");
                    self.without();
                    return None;
                }
            };
            match self.ask(&why, place.is_some()) {
                Choice::Again => {}
                Choice::Off => return Some(End::Off),
                Choice::Without => {
                    self.without();
                    return None;
                }
                Choice::Empty => {
                    let made = place.as_ref().map(disk::make);
                    if let Some(Err(error)) = made {
                        say(&format!("flash cannot be made there: {error}"));
                    }
                }
            }
        }
    }

    fn use_flash(&mut self, block: &Block) -> Result<(), String> {
        disk::mount_flash(block).map_err(|error| error.to_string())?;
        if let Err(why) = check_layout(Path::new(FLASH)) {
            disk::unmount_flash();
            return Err(why);
        }
        match disk::grow(block) {
            Ok(None) => {}
            Ok(Some(size)) => say(&format!("flash has grown to {} MiB", size >> 20)),
            Err(error) => say(&format!("flash cannot grow: {error}")),
        }
        self.flash = Some(block.clone());
        Ok(())
    }

    fn without(&self) {
        if let Err(error) = disk::mount_memory() {
            say(&format!("memory in place of flash: {error}"));
        }
    }

    /// Says what is wrong and asks what to do, as often as it takes.
    fn ask(&mut self, why: &str, place: bool) -> Choice {
        loop {
            say(why);
            console::say("  1  try again");
            console::say("  2  start without it: nothing is kept");
            if place {
                console::say("  3  make an empty one there: all that is on it is lost");
            }
            console::say("  4  power off");
            console::say("Choose 1 to 4:");
            match self.watch.next(None, true) {
                Seen::Line(line) => match line.as_str() {
                    "1" => return Choice::Again,
                    "2" => return Choice::Without,
                    "3" if place && self.is_sure() => return Choice::Empty,
                    "4" => return Choice::Off,
                    _ => {}
                },
                Seen::Terminate | Seen::Button => return Choice::Off,
                Seen::Interrupt | Seen::Ended { .. } | Seen::Nothing => {}
            }
        }
    }

    fn is_sure(&mut self) -> bool {
        console::say("Type erase to lose all that is on it, anything else to go back:");
        matches!(self.watch.next(None, true), Seen::Line(line) if line == "erase")
    }
}

/// Checks that flash is not of a newer version, and marks one that is new.
fn check_layout(folder: &Path) -> Result<(), String> {
    let path = folder.join(LAYOUT_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(layout) if layout <= LAYOUT => Ok(()),
            Ok(layout) => Err(format!(
                "its layout is {layout} and this version knows {LAYOUT}: start the newer version"
            )),
            // A power cut at the very first start leaves it empty.
            Err(_) if text.is_empty() => mark(&path),
            Err(_) => Err(format!("{} cannot be read", path.display())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => mark(&path),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn mark(path: &Path) -> Result<(), String> {
    match fs::write(path, format!("{LAYOUT}\n")) {
        Ok(()) => Ok(()),
        // A full flash is the supervisor's to complain of.
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_layout_is_refused_and_a_new_flash_marked() {
        let folder = crate::sys::process::fresh_folder().expect("a folder");
        check_layout(&folder).expect("a new one");
        assert_eq!(fs::read_to_string(folder.join(LAYOUT_FILE)).expect("there"), "1\n");
        check_layout(&folder).expect("our own");
        for (text, fits) in [("", true), ("2\n", false), ("x", false)] {
            fs::write(folder.join(LAYOUT_FILE), text).expect("written");
            assert_eq!(check_layout(&folder).is_ok(), fits, "{text:?}");
        }
        fs::remove_dir_all(folder).expect("removed");
    }
}
