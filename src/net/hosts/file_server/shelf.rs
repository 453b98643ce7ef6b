//! A folder of the real host: what chassis copy to the lab's file server, and what they can fetch there.

use std::fs;
use std::path::{Path, PathBuf};

/// Name of the folder inside the state folder.
const FOLDER: &str = "files";
/// Most bytes of all files together.
const ROOM: u64 = 1024 * 1024 * 1024;

/// A folder in which files lie side by side.
#[derive(Debug)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// Makes the folder if need be.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn open(state: &Path) -> Result<Shelf, String> {
        let folder = state.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Shelf(folder))
    }

    /// Returns where a file lies; `None` for a name that leads out of the folder.
    fn place(&self, name: &str) -> Option<PathBuf> {
        let name = name.trim_start_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-+ ".contains(c);
        let good = !name.is_empty() && name.len() <= 255 && !name.starts_with('.');
        (good && name.chars().all(plain)).then(|| self.0.join(name))
    }

    fn used(&self) -> u64 {
        let Ok(entries) = fs::read_dir(&self.0) else { return 0 };
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
    }
}

impl Shelf {
    /// Takes a file; `false` if it can't.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> bool {
        let Some(place) = self.place(name) else { return false };
        let fits = self.used().saturating_add(content.len() as u64) <= ROOM;
        fits && fs::write(place, content).is_ok()
    }

    /// Gives a file.
    pub(super) fn get(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.place(name)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let shelf = Shelf(PathBuf::from("/shelf"));
        assert_eq!(shelf.place("/SSL.pcap"), Some(PathBuf::from("/shelf/SSL.pcap")));
        for bad in ["", "..", "../x", "a/b", ".hidden", "a\0b", "é"] {
            assert_eq!(shelf.place(bad), None, "{bad}");
        }
    }
}
