//! What a file of the system says, read again only when the file is another one.

use std::{
    fs::Metadata,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Enough to tell one content of a file from the next: an editor makes a new file, a container runtime writes in place.
type Stamp = (Option<SystemTime>, u64, u64);

/// The meaning of a file's text, kept until the file changes.
pub(super) struct Kept<T> {
    path: &'static str,
    read: Mutex<Option<(Stamp, Arc<T>)>>,
}

impl<T> Kept<T> {
    pub const fn new(path: &'static str) -> Self {
        Self { path, read: Mutex::new(None) }
    }

    /// The present meaning; `None` where the file cannot be read.
    pub fn current(&self, parse: impl FnOnce(&str) -> T) -> Option<Arc<T>> {
        let path = Path::new(self.path);
        let stamp = stamp(&std::fs::metadata(path).ok()?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, meaning)) = read.as_ref()
            && *known == stamp
        {
            return Some(Arc::clone(meaning));
        }
        let meaning = Arc::new(parse(&std::fs::read_to_string(path).ok()?));
        *read = Some((stamp, Arc::clone(&meaning)));
        Some(meaning)
    }
}

fn stamp(about: &Metadata) -> Stamp {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(about);
    #[cfg(not(unix))]
    let inode = 0;
    (about.modified().ok(), about.len(), inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_when_it_has_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path: &'static str = Box::leak(directory.path().join("hosts").display().to_string().into_boxed_str());
        let kept = Kept::new(path);
        let mut reads = 0;
        let mut current = || {
            kept.current(|text| {
                reads += 1;
                text.len()
            })
        };
        assert_eq!(current(), None);
        std::fs::write(path, "one").unwrap();
        assert_eq!((current(), current()), (Some(Arc::new(3)), Some(Arc::new(3))));
        std::fs::write(path, "three").unwrap();
        assert_eq!(current(), Some(Arc::new(5)));
        std::fs::remove_file(path).unwrap();
        assert_eq!(current(), None);
        assert_eq!(reads, 2);
    }
}
