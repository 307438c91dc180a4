//! The vectors themselves: rows of `f32` in one file that only grows.
//!
//! What lies behind the rows of the last commit is of no account: the next rows are written over it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

pub(super) struct VectorFile {
    file: File,
    dimension: usize,
}

impl VectorFile {
    pub(super) fn open(dir: &Path, epoch: u64, dimension: usize) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path(dir, epoch))?;
        Ok(Self { file, dimension })
    }

    /// Whether so many rows are there.
    pub(super) fn holds(&self, rows: usize) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() >= self.offset(rows))
    }

    pub(super) fn read(&self, row: usize) -> io::Result<Vec<f32>> {
        self.read_many(row, 1)
    }

    /// So many rows one after the other.
    pub(super) fn read_many(&self, row: usize, rows: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![0; rows * self.dimension * 4];
        self.file.read_exact_at(&mut bytes, self.offset(row))?;
        let numbers = bytes.chunks_exact(4).map(|number| number.try_into().map_or(0.0, f32::from_le_bytes));
        Ok(numbers.collect())
    }

    /// Writes rows from one on; they count once a commit says so.
    pub(super) fn write(&self, row: usize, numbers: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, self.offset(row))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn offset(&self, row: usize) -> u64 {
        row as u64 * self.dimension as u64 * 4
    }
}

pub(super) fn path(dir: &Path, epoch: u64) -> PathBuf {
    dir.join(format!("vectors-{epoch}.f32"))
}
