//! Files in files, as old office programs write them (Compound File Binary).

use crate::{Budget, Error};

const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Sector numbers from here on have a special meaning.
const SPECIAL: u32 = 0xffff_fffa;
const NO_ENTRY: u32 = 0xffff_ffff;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// A compound file, its tables read.
pub struct Compound<'a> {
    bytes: &'a [u8],
    format: &'static str,
    sector: usize,
    mini_sector: usize,
    mini_cutoff: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_stream: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    is_stream: bool,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    size: u64,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

impl<'a> Compound<'a> {
    /// Whether the bytes begin like such a file.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    pub fn open(bytes: &'a [u8], format: &'static str, budget: &Budget) -> Result<Self, Error> {
        let broken = || Error::broken(format, "it is not a compound file, or its tables are damaged");
        if !Self::is_one(bytes) {
            return Err(broken());
        }
        let shift = |at: usize| half(bytes, at).filter(|shift| (6..=12).contains(shift)).map(|shift| 1_usize << shift);
        let mut file = Self {
            bytes,
            format,
            sector: shift(0x1e).ok_or_else(broken)?,
            mini_sector: shift(0x20).ok_or_else(broken)?,
            mini_cutoff: word(bytes, 0x38).ok_or_else(broken)?.into(),
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_stream: Vec::new(),
            entries: Vec::new(),
        };
        for sector in file.fat_sectors(budget)? {
            let words = file.sector_bytes(sector).unwrap_or_default();
            file.fat.extend(words.chunks_exact(4).filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?))));
        }
        let directory = file.chain(word(bytes, 0x30).ok_or_else(broken)?, u64::MAX, budget)?;
        file.entries = directory.chunks_exact(128).take(MAX_ENTRIES).filter_map(entry).collect();
        let mini_fat = file.chain(word(bytes, 0x3c).ok_or_else(broken)?, u64::MAX, budget)?;
        file.mini_fat =
            mini_fat.chunks_exact(4).filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?))).collect();
        let root = file.entries.first().ok_or_else(broken)?;
        file.mini_stream = file.chain(root.start, root.size, budget)?;
        Ok(file)
    }

    /// Whether a stream of this name stands anywhere in it.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.is_stream && entry.name == name)
    }

    /// The sectors that hold the allocation table.
    fn fat_sectors(&self, budget: &Budget) -> Result<Vec<u32>, Error> {
        let mut sectors: Vec<u32> = (0..109).filter_map(|index| word(self.bytes, 0x4c + index * 4)).collect();
        let mut next = word(self.bytes, 0x44).unwrap_or(SPECIAL);
        let most = self.bytes.len() / self.sector + 1;
        for _ in 0..most {
            budget.tick()?;
            let Some(more) = (next < SPECIAL).then(|| self.sector_bytes(next)).flatten() else { break };
            let last = more.len() - 4;
            sectors.extend((0..last / 4).filter_map(|index| word(more, index * 4)));
            next = word(more, last).unwrap_or(SPECIAL);
        }
        sectors.retain(|sector| *sector < SPECIAL);
        sectors.truncate(most);
        Ok(sectors)
    }

    fn sector_bytes(&self, sector: u32) -> Option<&'a [u8]> {
        let from = (sector as usize).checked_add(1)?.checked_mul(self.sector)?;
        // The last sector may be cut short.
        let to = from.checked_add(self.sector)?.min(self.bytes.len());
        self.bytes.get(from..to).filter(|bytes| bytes.len() >= 4)
    }

    /// The bytes of a chain of sectors; one that runs in a circle ends with the file's own size.
    fn chain(&self, start: u32, size: u64, budget: &Budget) -> Result<Vec<u8>, Error> {
        let most = size.min(self.bytes.len() as u64) as usize;
        let mut out = Vec::new();
        let mut next = start;
        while next < SPECIAL && out.len() < most {
            budget.tick()?;
            let Some(bytes) = self.sector_bytes(next) else { break };
            out.extend_from_slice(bytes);
            next = self.fat.get(next as usize).copied().unwrap_or(SPECIAL);
        }
        out.truncate(most);
        budget.unpack(out.len() as u64)?;
        Ok(out)
    }

    fn mini_chain(&self, start: u32, size: u64, budget: &Budget) -> Result<Vec<u8>, Error> {
        let most = size.min(self.mini_stream.len() as u64) as usize;
        let mut out = Vec::new();
        let mut next = start;
        while next < SPECIAL && out.len() < most {
            budget.tick()?;
            let from = (next as usize).saturating_mul(self.mini_sector);
            let to = from.saturating_add(self.mini_sector).min(self.mini_stream.len());
            let Some(bytes) = self.mini_stream.get(from..to).filter(|bytes| !bytes.is_empty()) else { break };
            out.extend_from_slice(bytes);
            next = self.mini_fat.get(next as usize).copied().unwrap_or(SPECIAL);
        }
        out.truncate(most);
        budget.unpack(out.len() as u64)?;
        Ok(out)
    }

    /// The streams directly under the root, by index and name.
    pub fn root_streams(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.entries.len()];
        let mut open = vec![self.entries.first().map_or(NO_ENTRY, |root| root.child)];
        while let Some(index) = open.pop() {
            let index = index as usize;
            let Some(mark) = seen.get_mut(index).filter(|mark| !**mark) else { continue };
            *mark = true;
            let Some(entry) = self.entries.get(index) else { continue };
            open.extend([entry.left, entry.right]);
            if entry.is_stream {
                found.push((index, entry.name.as_str()));
            }
        }
        found
    }

    /// A stream under the root, its name compared without case.
    pub fn stream(&self, name: &str, budget: &Budget) -> Result<Option<Vec<u8>>, Error> {
        let found = self.root_streams().into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        let Some(entry) = found.and_then(|(index, _)| self.entries.get(index)) else { return Ok(None) };
        let bytes = if entry.size < self.mini_cutoff {
            self.mini_chain(entry.start, entry.size, budget)?
        } else {
            self.chain(entry.start, entry.size, budget)?
        };
        if (bytes.len() as u64) < entry.size {
            return Err(Error::broken(self.format, format!("its part {name:?} is cut off")));
        }
        Ok(Some(bytes))
    }
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let length = usize::from(half(bytes, 64)?).min(64).saturating_sub(2);
    let units: Vec<u16> = bytes
        .get(..length)?
        .chunks_exact(2)
        .filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)))
        .collect();
    Some(Entry {
        name: String::from_utf16_lossy(&units),
        is_stream: *bytes.get(66)? == 2,
        left: word(bytes, 68)?,
        right: word(bytes, 72)?,
        child: word(bytes, 76)?,
        start: word(bytes, 116)?,
        // The upper half is not reliable in old files; nothing we read is that large.
        size: word(bytes, 120)?.into(),
    })
}
