//! Objects as files under one directory.

use std::{
    io::{ErrorKind, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::io::ReaderStream;

use crate::{ByteStream, Error, Key, Object, ObjectStore, Result};

/// Where drafts are written; on the file system of the objects, so that a draft becomes one by renaming.
const DRAFTS: &str = ".drafts";
const PIECE: usize = 64 * 1024;

/// A directory of objects.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Opens a directory, making it when needed, and removes drafts that a crash left.
    ///
    /// # Errors
    /// When it cannot be made or written; the error names it.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let store = Self { root: root.into() };
        store.check().await?;
        store.remove_old_drafts().await;
        Ok(store)
    }

    fn path(&self, key: &Key) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(key.segments());
        path
    }

    async fn draft(&self) -> Result<(Draft, File)> {
        let directory = self.root.join(DRAFTS);
        fs::create_dir_all(&directory).await.map_err(|e| Error::io("making", &directory, e))?;
        let path = directory.join(ox_types::new_uuid().to_string());
        let file = File::create_new(&path).await.map_err(|e| Error::io("writing", &path, e))?;
        Ok((Draft { path: Some(path) }, file))
    }

    /// Drafts of another process that shares the directory may be in use: only old ones go.
    async fn remove_old_drafts(&self) {
        let Ok(mut drafts) = fs::read_dir(self.root.join(DRAFTS)).await else { return };
        while let Ok(Some(draft)) = drafts.next_entry().await {
            let age = draft.metadata().await.ok().and_then(|m| m.modified().ok()).and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age.as_secs() > 24 * 3600) {
                // The next start tries again.
                let _ = fs::remove_file(draft.path()).await;
            }
        }
    }
}

/// A file that is not an object yet; removed unless it becomes one.
struct Draft {
    path: Option<PathBuf>,
}

impl Draft {
    async fn become_object(mut self, target: &Path) -> Result<()> {
        let directory = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory).await.map_err(|e| Error::io("making", directory, e))?;
        if let Some(path) = &self.path {
            fs::rename(path, target).await.map_err(|e| Error::io("writing", target, e))?;
            self.path = None;
        }
        // The name is durable once its directory is.
        if let Ok(directory) = File::open(directory).await {
            directory.sync_all().await.map_err(|e| Error::io("writing", target, e))?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // A left-over goes at a later start.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[async_trait]
impl ObjectStore for Disk {
    async fn put_stream(&self, key: &Key, mut content: ByteStream) -> Result<u64> {
        let (draft, mut file) = self.draft().await?;
        let target = self.path(key);
        let mut size = 0;
        while let Some(piece) = content.try_next().await.map_err(Error::Source)? {
            file.write_all(&piece).await.map_err(|e| Error::io("writing", &target, e))?;
            size += piece.len() as u64;
        }
        file.flush().await.map_err(|e| Error::io("writing", &target, e))?;
        file.sync_all().await.map_err(|e| Error::io("writing", &target, e))?;
        drop(file);
        draft.become_object(&target).await?;
        Ok(size)
    }

    async fn open(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        let size = self.size(key).await?;
        let path = self.path(key);
        let mut file = File::open(&path).await.map_err(|e| missing(key, &path, e))?;
        let range = match range {
            None => 0..size,
            Some(Range { start, end }) if start <= end && start <= size => start..end.min(size),
            Some(Range { start, end }) => return Err(Error::InvalidRange { start, end, size }),
        };
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await.map_err(|e| Error::io("reading", &path, e))?;
        }
        let content = ReaderStream::with_capacity(file.take(range.end - range.start), PIECE).boxed();
        Ok(Object { size, range, content })
    }

    async fn size(&self, key: &Key) -> Result<u64> {
        let path = self.path(key);
        let metadata = fs::metadata(&path).await.map_err(|e| missing(key, &path, e))?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(Error::NotFound(key.to_string())) }
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let path = self.path(key);
        match fs::remove_file(&path).await {
            Ok(()) => Ok(()),
            Err(cause) => match missing(key, &path, cause) {
                Error::NotFound(_) => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn check(&self) -> Result<()> {
        let (draft, mut file) = self.draft().await?;
        file.write_all(b"ok").await.map_err(|e| Error::io("writing", &self.root, e))?;
        file.flush().await.map_err(|e| Error::io("writing", &self.root, e))?;
        drop(draft);
        Ok(())
    }
}

fn missing(key: &Key, path: &Path, cause: std::io::Error) -> Error {
    match cause.kind() {
        // Also when a segment of the key is an object itself, or the object is a directory.
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Error::NotFound(key.to_string()),
        _ => Error::io("reading", path, cause),
    }
}
