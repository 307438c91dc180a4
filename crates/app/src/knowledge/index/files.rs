//! Where local copies lie: `index/<dataset>/<generation>` with vectors, `…-words` without. Another process that shares
//! the directory has copies of its own (`….1`). One that is made anew is `….next` until it is whole, then `….swap` asks
//! whoever has the old one open to take it over.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ox_types::DatasetId;
use ox_vector::{LocalIndex, Options};

use crate::{Error, Result};

/// Processes that may share a data directory.
const PROCESSES: u32 = 16;

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Words and vectors.
    Full,
    Words,
}

impl Kind {
    /// Where the copy of a dataset is, under the directory of all.
    #[must_use]
    pub fn dir(self, root: &Path, dataset: DatasetId, generation: i32) -> PathBuf {
        let name = match self {
            Self::Full => generation.to_string(),
            Self::Words => format!("{generation}-words"),
        };
        root.join(dataset.to_string()).join(name)
    }
}

/// Opens a copy. Of several processes with one data directory each has its own.
pub(super) fn open(dir: &Path) -> Result<LocalIndex> {
    if is_swap_wanted(dir) {
        finish_swap(dir).map_err(Error::internal)?;
    }
    let mut last = None;
    for number in 0..PROCESSES {
        let dir = if number == 0 { dir.to_owned() } else { beside(dir, &number.to_string()) };
        fs::create_dir_all(&dir).map_err(Error::internal)?;
        match LocalIndex::open(&dir, Options::default()) {
            Err(error @ ox_vector::Error::Locked(_)) => last = Some(error),
            done => return done.map_err(Error::internal),
        }
    }
    Err(last.map_or_else(|| Error::internal("no index was opened"), Error::internal))
}

pub(in crate::knowledge) fn beside(dir: &Path, what: &str) -> PathBuf {
    dir.with_extension(what)
}

pub(in crate::knowledge) fn is_swap_wanted(dir: &Path) -> bool {
    beside(dir, "swap").exists()
}

/// Asks for a copy that is whole, `….next`, to be taken over.
pub(in crate::knowledge) fn want_swap(dir: &Path) -> io::Result<()> {
    fs::write(beside(dir, "swap"), b"")
}

/// Takes that back: what is to be taken over is begun anew.
pub(in crate::knowledge) fn unwant_swap(dir: &Path) -> io::Result<()> {
    match fs::remove_file(beside(dir, "swap")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a copy that was made anew in the place of the old one; false when somebody has that open.
pub(in crate::knowledge) fn finish_swap(dir: &Path) -> io::Result<bool> {
    let next = beside(dir, "next");
    if next.exists() {
        if dir.exists() {
            match LocalIndex::open(dir, Options::default()) {
                Err(ox_vector::Error::Locked(_)) => return Ok(false),
                // Damaged or not, it goes.
                other => drop(other),
            }
            remove(dir)?;
        }
        fs::rename(&next, dir)?;
    }
    unwant_swap(dir)?;
    Ok(true)
}

/// Removes a directory that may be gone already.
pub(in crate::knowledge) fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a copy, and those of other processes.
pub(super) fn remove_copies(dir: &Path) -> io::Result<()> {
    for number in 1..PROCESSES {
        remove(&beside(dir, &number.to_string()))?;
    }
    remove(&beside(dir, "next"))?;
    remove(dir)
}

/// Removes the copies of generations before one.
pub(super) fn remove_older(dir: &Path, generation: i32) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number: String = name.to_string_lossy().chars().take_while(char::is_ascii_digit).collect();
        if number.parse::<i32>().is_ok_and(|number| number < generation) {
            let path = entry.path();
            if path.is_dir() { remove(&path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// The datasets that have copies here.
pub(super) fn datasets(dir: &Path) -> Vec<DatasetId> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(DatasetId)).collect()
}
