//! The files of one run: a small space for its tools, which nobody outside sees until a file is given out.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use ox_engine::RunInfo;
use ox_types::RunId;
use tokio::sync::Mutex;

/// Most files of a run.
pub const MOST_FILES: usize = 100;
/// Bytes of one file.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of all files of a run.
pub const MOST_TOGETHER: usize = 50 * 1024 * 1024;
/// Bytes of a name, and its parts.
const MOST_NAME: usize = 200;
const MOST_PARTS: usize = 8;
/// Runs whose files memory holds; those of older ones are gone.
const MOST_RUNS: usize = 16;

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceFile {
    pub name: String,
    pub size: usize,
}

/// Where the files of runs are kept.
#[async_trait]
pub trait SpacePort: Send + Sync {
    /// The files of a run, by name.
    ///
    /// # Errors
    /// When the storage fails.
    async fn list(&self, run: &RunInfo) -> Result<Vec<SpaceFile>, String>;

    /// The bytes of a file; `None` when there is none of that name.
    ///
    /// # Errors
    /// When the storage fails.
    async fn read(&self, run: &RunInfo, name: &str) -> Result<Option<Bytes>, String>;

    /// Writes a file, in place of one of that name or, to append, at its end; tells its size.
    ///
    /// # Errors
    /// When there is no room for it, or the storage fails.
    async fn write(&self, run: &RunInfo, name: &str, bytes: Bytes, append: bool) -> Result<usize, String>;

    /// Deletes a file; tells whether there was one.
    ///
    /// # Errors
    /// When the storage fails.
    async fn remove(&self, run: &RunInfo, name: &str) -> Result<bool, String>;
}

/// The space of the run that a tool is called in.
#[derive(Clone)]
pub struct Space {
    pub port: Arc<dyn SpacePort>,
    pub run: RunInfo,
}

/// A name as files of a run may have it: parts between slashes, and no way out of them.
///
/// # Errors
/// What is wrong with it.
pub fn checked(name: &str) -> Result<String, String> {
    let name = name.trim().trim_start_matches("./");
    let is_bad = |part: &str| part.trim() != part || matches!(part, "" | "." | "..");
    let parts = name.split('/');
    if name.len() > MOST_NAME || name.contains('\\') || name.chars().any(char::is_control) {
        return Err(format!("A file name has at most {MOST_NAME} bytes, no backslashes and no control characters."));
    }
    if parts.clone().count() > MOST_PARTS || parts.clone().any(is_bad) {
        return Err(format!(
            "'{name}' is not a file name here: names are like report.txt or data/rows.csv, without '..' and a slash at the \
             beginning."
        ));
    }
    Ok(name.to_owned())
}

/// Whether a file of this size has its place among the others.
///
/// # Errors
/// Which limit stands against it.
pub fn room(files: &[SpaceFile], name: &str, size: usize) -> Result<(), String> {
    let others = || files.iter().filter(|file| file.name != name);
    if size > MOST_BYTES {
        return Err(format!("A file of a run has at most {} MB.", MOST_BYTES / 1024 / 1024));
    }
    if others().count() >= MOST_FILES {
        return Err(format!("A run has at most {MOST_FILES} files; delete one first."));
    }
    if others().map(|file| file.size).sum::<usize>() + size > MOST_TOGETHER {
        return Err(format!("The files of a run have at most {} MB together.", MOST_TOGETHER / 1024 / 1024));
    }
    Ok(())
}

type Files = BTreeMap<String, Bytes>;

/// Files in memory, for runs without a server: gone with the process.
#[derive(Default)]
pub struct MemorySpace(Mutex<Vec<(RunId, Files)>>);

impl MemorySpace {
    async fn with<T>(&self, run: &RunInfo, work: impl FnOnce(&mut Files) -> T + Send) -> T {
        let mut all = self.0.lock().await;
        let mut own = match all.iter().position(|(id, _)| *id == run.run_id) {
            Some(at) => all.remove(at),
            None => (run.run_id, Files::new()),
        };
        let done = work(&mut own.1);
        // The one used last stands last.
        all.push(own);
        if all.len() > MOST_RUNS {
            all.remove(0);
        }
        done
    }
}

fn listed(files: &Files) -> Vec<SpaceFile> {
    files.iter().map(|(name, bytes)| SpaceFile { name: name.clone(), size: bytes.len() }).collect()
}

#[async_trait]
impl SpacePort for MemorySpace {
    async fn list(&self, run: &RunInfo) -> Result<Vec<SpaceFile>, String> {
        Ok(self.with(run, |files| listed(files)).await)
    }

    async fn read(&self, run: &RunInfo, name: &str) -> Result<Option<Bytes>, String> {
        Ok(self.with(run, |files| files.get(name).cloned()).await)
    }

    async fn write(&self, run: &RunInfo, name: &str, bytes: Bytes, append: bool) -> Result<usize, String> {
        self.with(run, |files| {
            let bytes = match files.get(name) {
                Some(before) if append => Bytes::from([&before[..], &bytes[..]].concat()),
                _ => bytes,
            };
            room(&listed(files), name, bytes.len())?;
            let size = bytes.len();
            files.insert(name.to_owned(), bytes);
            Ok(size)
        })
        .await
    }

    async fn remove(&self, run: &RunInfo, name: &str) -> Result<bool, String> {
        Ok(self.with(run, |files| files.remove(name).is_some()).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("a.txt", Some("a.txt")),
            (" ./data/rows.csv ", Some("data/rows.csv")),
            ("报告 1.md", Some("报告 1.md")),
            ("", None),
            ("/etc/passwd", None),
            ("a//b", None),
            ("a/", None),
            ("../a", None),
            ("a/../b", None),
            ("a\\b", None),
            ("a\nb", None),
            ("1/2/3/4/5/6/7/8/9", None),
        ] {
            assert_eq!(checked(name).ok().as_deref(), expected, "{name:?}");
        }
        assert!(checked(&"a".repeat(MOST_NAME + 1)).is_err());
    }

    #[test]
    fn room_is_bounded() {
        let file = |at: usize, size| SpaceFile { name: at.to_string(), size };
        let many: Vec<_> = (0..MOST_FILES).map(|at| file(at, 1)).collect();
        let full: Vec<_> = (0..5).map(|at| file(at, MOST_BYTES)).collect();
        for (files, name, size, why) in [
            (&many, "0", MOST_BYTES, ""),
            (&many, "new", 1, "at most 100 files"),
            (&full, "0", MOST_BYTES, ""),
            (&full, "new", 1, "at most 50 MB together"),
            (&many, "0", MOST_BYTES + 1, "at most 10 MB"),
        ] {
            let told = room(files, name, size).err().unwrap_or_default();
            assert!(if why.is_empty() { told.is_empty() } else { told.contains(why) }, "{name} {size}: {told}");
        }
    }
}
