//! SQLite's log in the background: synced at most every 100 ms while something was written (durability
//! `process`), and moved into the database file in between, so that commits wait for neither.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

use crate::Durability;

/// A power cut loses at most this much.
const SYNC_EVERY: Duration = Duration::from_millis(100);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

pub(crate) struct LogSync {
    written: Arc<Notify>,
    path: PathBuf,
    durability: Durability,
    task: JoinHandle<()>,
}

impl LogSync {
    pub(crate) fn start(path: PathBuf, reader: DatabaseConnection, durability: Durability) -> Self {
        let written = Arc::new(Notify::new());
        // Ended by `stop` or by dropping the database.
        let task = tokio::spawn(run(path.clone(), reader, durability, written.clone()));
        Self { written, path, durability, task }
    }

    /// Something was committed.
    pub(crate) fn written(&self) {
        self.written.notify_one();
    }

    /// Syncs a last time and ends the task.
    pub(crate) async fn stop(&self) {
        self.task.abort();
        if self.durability == Durability::Process {
            sync(self.path.clone()).await;
        }
    }
}

impl Drop for LogSync {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(path: PathBuf, reader: DatabaseConnection, durability: Durability, written: Arc<Notify>) {
    let mut last_checkpoint = Instant::now();
    loop {
        written.notified().await;
        let started = Instant::now();
        if durability == Durability::Process {
            sync(path.clone()).await;
        }
        if last_checkpoint.elapsed() >= CHECKPOINT_EVERY {
            last_checkpoint = Instant::now();
            // Passive: never waits for or blocks a reader or the writer.
            if let Err(error) = reader.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await {
                tracing::warn!(%error, "moving the database log into its file");
            }
        }
        tokio::time::sleep_until(started + SYNC_EVERY).await;
    }
}

/// Syncing the file through a second handle flushes what SQLite wrote through its own. SQLite keeps no lock on
/// the log file, so closing this handle releases none.
async fn sync(path: PathBuf) {
    let synced = tokio::task::spawn_blocking(move || std::fs::File::open(path).and_then(|file| file.sync_data())).await;
    match synced {
        Ok(Ok(())) => {}
        // No log yet, or just moved away by a checkpoint, which syncs by itself.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(Err(error)) => tracing::error!(%error, "syncing the database log; a power cut may lose recent writes"),
        Err(error) => tracing::debug!(%error, "syncing the database log was cancelled"),
    }
}
