//! One module slot: its handles, what it holds, and the order in which it may ask and give back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::enforcement::Mode;
use crate::base::entitlement::{Entitlement, Feature};
use crate::base::ident::{Handle, Tag};
use crate::base::time::Instant;
use crate::wire::appag::{Denial, Hello, Message};
use crate::wire::units::{Bootstrap, Standing};

use super::{LinkId, Verdict};

/// Most entitlements that are remembered for one slot.
pub const ENTRIES_MAX: usize = 16;
/// Most units of a tag that the catalogue does not know.
pub const UNKNOWN_COUNT_MAX: u32 = 1000;

/// A slot and what its blade holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Bay {
    /// Lowest handle never used here.
    pub(super) next: Handle,
    entries: BTreeMap<Handle, Entry>,
    pub(super) license: Option<LinkId>,
    pub(super) console: Option<LinkId>,
    /// Set while `license` is.
    pub(super) hello: Option<Hello>,
    /// Where its ASA stands among others, while it is attached.
    pub(super) standing: Standing,
    /// What the configuration makes its ASA.
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) off: bool,
    /// True if its application is not to run: the module is there, and asks for nothing.
    pub(super) stopped: bool,
    /// Somebody at the console of a blade that is not there yet.
    pub(super) visitor: Option<Visitor>,
}

/// Who waits for a blade's console, and what was said to it meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) until: Instant,
    pub(super) said: Vec<Message>,
}

/// Most messages kept for a console that is not there yet; what is typed beyond them is lost.
const SAID_MAX: usize = 64;

impl Visitor {
    pub(super) fn say(&mut self, message: Message) {
        if self.said.len() < SAID_MAX {
            self.said.push(message);
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    tag: Tag,
    count: u32,
    holding: Holding,
}

/// Whether an entry counts, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    /// The attached blade asked for it; `told` is the mode it knows.
    Live { told: Option<Mode> },
    /// It was live before the supervisor's last stop; its blade is awaited. It counts.
    Awaited,
    /// Its blade is gone. It doesn't count; it keeps the handle's meaning for the blade's return.
    Lapsed,
}

/// Whether an operation left something to write to flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made,
    None,
}

/// What flash keeps of one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBay {
    pub next: Handle,
    pub entries: BTreeMap<Handle, StoredEntry>,
    /// True if an operator stopped its application.
    #[serde(default)]
    pub stopped: bool,
}

/// What flash keeps of one handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntry {
    pub tag: Tag,
    pub count: u32,
    /// False once the blade that asked for it is gone.
    pub counted: bool,
}

impl Default for StoredBay {
    fn default() -> StoredBay {
        StoredBay { next: FIRST, entries: BTreeMap::new(), stopped: false }
    }
}

/// # Source
/// Seed: the only entitlement of a blade has `Handle: 1`.
const FIRST: Handle = Handle(1);

impl Entry {
    fn counts(&self) -> bool {
        match self.holding {
            Holding::Live { .. } | Holding::Awaited => true,
            Holding::Lapsed => false,
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.holding, Holding::Live { .. })
    }
}

fn is_tier(tag: &Tag) -> bool {
    Feature::of_tag(tag) == Some(Feature::Tier)
}

impl Bay {
    pub(super) fn restore(stored: StoredBay) -> Bay {
        let entries = stored.entries.into_iter().map(|(handle, entry)| {
            let holding = if entry.counted { Holding::Awaited } else { Holding::Lapsed };
            (handle, Entry { tag: entry.tag, count: entry.count, holding })
        });
        let (next, stopped) = (stored.next, stored.stopped);
        Bay { next, stopped, entries: entries.collect(), ..Bay::default() }
    }

    pub(super) fn stored(&self) -> StoredBay {
        let entries = self.entries.iter().map(|(handle, entry)| {
            let (tag, count) = (entry.tag.clone(), entry.count);
            (*handle, StoredEntry { tag, count, counted: entry.counts() })
        });
        StoredBay { next: self.next, entries: entries.collect(), stopped: self.stopped }
    }

    /// Returns tag and count of everything in use.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&Tag, u32)> {
        self.entries.values().filter(|entry| entry.counts()).map(|e| (&e.tag, e.count))
    }

    pub(super) fn is_counted(&self) -> bool {
        self.counted().next().is_some()
    }

    /// Takes a request, new, repeated or changed.
    ///
    /// # Source
    /// Seed, "Speciale vereisten voor aanvullende rechten": the tier comes first.
    pub(super) fn request(
        &mut self,
        handle: Handle,
        tag: Tag,
        count: u32,
    ) -> Result<Change, Denial> {
        let count_max =
            Entitlement::of_tag(tag.as_str()).map_or(UNKNOWN_COUNT_MAX, |e| e.count_max);
        if count == 0 || count > count_max {
            return Err(Denial::Count);
        }
        let known = match self.entries.get(&handle) {
            Some(entry) if entry.tag == tag => Some((entry.count, entry.counts())),
            Some(_) => return Err(Denial::HandleStale),
            None if handle < self.next || handle.0 == u32::MAX => return Err(Denial::HandleStale),
            None => None,
        };
        if self.entries.iter().any(|(h, e)| *h != handle && e.tag == tag && e.is_live()) {
            return Err(Denial::TagHeld);
        }
        if !is_tier(&tag)
            && !self.is_per_unit(&tag)
            && !self.entries.values().any(|e| e.is_live() && is_tier(&e.tag))
        {
            return Err(Denial::TierFirst);
        }
        self.make_room(handle, &tag)?;

        let entry = Entry { tag, count, holding: Holding::Live { told: None } };
        self.entries.insert(handle, entry);
        self.next = self.next.max(Handle(handle.0.saturating_add(1)));
        Ok(if known == Some((count, true)) { Change::None } else { Change::Made })
    }

    /// Tells whether the ASA may hold an entitlement without a tier: the tier of a cluster is its
    /// control node's.
    ///
    /// # Source
    /// Seed, "ASA-cluster", the data unit: strong encryption alone.
    fn is_per_unit(&self, tag: &Tag) -> bool {
        matches!(self.standing, Standing::Data | Standing::Outside)
            && Feature::of_tag(tag) == Some(Feature::StrongEncryption)
    }

    /// Forgets what an older handle held of this tag, and the oldest lapsed entries beyond the limit.
    fn make_room(&mut self, handle: Handle, tag: &Tag) -> Result<(), Denial> {
        self.entries.retain(|h, entry| *h == handle || entry.tag != *tag);
        while self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&handle) {
            let lapsed = self.entries.iter().find(|(_, e)| e.holding == Holding::Lapsed);
            let oldest = lapsed.map(|(h, _)| *h).ok_or(Denial::Full)?;
            self.entries.remove(&oldest);
        }
        Ok(())
    }

    /// Takes a handle back; one that was given back before is taken again in silence.
    ///
    /// # Source
    /// Seed, "Speciale vereisten voor aanvullende rechten": the tier goes last.
    pub(super) fn release(&mut self, handle: Handle) -> Result<Change, Denial> {
        let Some(entry) = self.entries.get(&handle) else {
            return if handle < self.next { Ok(Change::None) } else { Err(Denial::HandleUnknown) };
        };
        if is_tier(&entry.tag) {
            let live = |(h, e): (&Handle, &Entry)| {
                *h != handle && e.is_live() && !self.is_per_unit(&e.tag)
            };
            if self.entries.iter().any(live) {
                return Err(Denial::TierLast);
            }
            // The blade is here and doesn't know of these: without a tier they can't stay.
            self.give_up();
        }
        self.entries.remove(&handle);
        Ok(Change::Made)
    }

    /// Returns the modes that the blade has not been told, and marks them as told.
    pub(super) fn news(&mut self, verdict: &Verdict) -> Vec<(Handle, Mode)> {
        let mut news = Vec::new();
        for (handle, entry) in &mut self.entries {
            if let Holding::Live { told } = &mut entry.holding {
                let mode = verdict.mode(&entry.tag);
                if *told != Some(mode) {
                    *told = Some(mode);
                    news.push((*handle, mode));
                }
            }
        }
        news
    }

    /// The blade is gone: nothing of it counts any more.
    pub(super) fn lapse(&mut self) -> Change {
        self.uncount(|holding| matches!(holding, Holding::Live { .. } | Holding::Awaited))
    }

    /// The blade had time enough to come back: what it didn't ask for again is given up.
    pub(super) fn give_up(&mut self) -> Change {
        self.uncount(|holding| holding == Holding::Awaited)
    }

    fn uncount(&mut self, which: impl Fn(Holding) -> bool) -> Change {
        let mut change = Change::None;
        for entry in self.entries.values_mut().filter(|entry| which(entry.holding)) {
            entry.holding = Holding::Lapsed;
            change = Change::Made;
        }
        change
    }
}
