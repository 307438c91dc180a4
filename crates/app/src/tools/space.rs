//! The files of runs on the server: rows in the database, bytes in the object store, gone after the run's record.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ox_db::{Database, model::RunFile, now, repo::run_files};
use ox_engine::RunInfo;
use ox_store::{Key, ObjectStore};
use ox_tools::space::{SpaceFile, SpacePort, room};
use ox_types::{RunId, boxed};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Error, Result, Services};

/// Locks of all runs together.
const LOCKS: usize = 64;

/// Files of runs.
pub struct RunSpace {
    db: Database,
    objects: Arc<dyn ObjectStore>,
    /// One writer for each run, so that limits hold: a run is at work in one process only.
    locks: Vec<Mutex<()>>,
}

impl RunSpace {
    /// A space over a database and an object store.
    #[must_use]
    pub fn new(db: Database, objects: Arc<dyn ObjectStore>) -> Self {
        Self { db, objects, locks: (0..LOCKS).map(|_| Mutex::default()).collect() }
    }

    async fn lock(&self, run: RunId) -> Option<MutexGuard<'_, ()>> {
        // The end of an id is random.
        let at = usize::try_from(run.0.as_u128() % LOCKS as u128).unwrap_or_default();
        match self.locks.get(at) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }

    async fn listed(&self, run: &RunInfo) -> Result<Vec<SpaceFile>> {
        let rows = run_files::list(&self.db, run.tenant_id, run.run_id).await?;
        let size = |row: &RunFile| usize::try_from(row.size).unwrap_or_default();
        Ok(rows.into_iter().map(|row| SpaceFile { size: size(&row), name: row.name }).collect())
    }

    async fn content(&self, file: &RunFile) -> Result<Bytes> {
        Ok(self.objects.get(&Key::new(&file.key).map_err(Error::internal)?).await?)
    }

    /// Deletes bytes that no row names any more.
    async fn forget(&self, key: &str) {
        forget(self.objects.as_ref(), key).await;
    }

    async fn put(&self, run: &RunInfo, name: &str, bytes: Bytes, before: Option<RunFile>) -> Result<()> {
        let id = ox_types::new_uuid();
        let key = format!("run_files/{}/{}/{id}", run.tenant_id, run.run_id);
        let file = RunFile {
            id,
            tenant_id: run.tenant_id,
            run_id: run.run_id,
            name: name.to_owned(),
            key: key.clone(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            created_at: now(),
        };
        self.objects.put(&Key::new(key).map_err(Error::internal)?, bytes).await?;
        let tx = self.db.begin().await?;
        run_files::put(&tx, file).await?;
        tx.commit().await?;
        if let Some(before) = before {
            self.forget(&before.key).await;
        }
        Ok(())
    }
}

async fn forget(objects: &dyn ObjectStore, key: &str) {
    let Ok(key) = Key::new(key) else { return };
    match objects.delete(&key).await {
        Ok(()) | Err(ox_store::Error::NotFound(_)) => {}
        Err(error) => tracing::warn!(%error, %key, "a file of a run stays in the store"),
    }
}

/// What a tool is told of a storage that fails; the log has the cause.
fn failed(error: Error) -> String {
    if error.status >= 500 {
        tracing::error!(%error, source = ?error.source, "a file of a run cannot be kept or read");
    }
    error.message
}

#[async_trait]
impl SpacePort for RunSpace {
    async fn list(&self, run: &RunInfo) -> Result<Vec<SpaceFile>, String> {
        self.listed(run).await.map_err(failed)
    }

    async fn read(&self, run: &RunInfo, name: &str) -> Result<Option<Bytes>, String> {
        // A file that is replaced meanwhile is read whole, before or after.
        let _lock = self.lock(run.run_id).await;
        let found = run_files::find(&self.db, run.tenant_id, run.run_id, name).await;
        match found.map_err(|error| failed(error.into()))? {
            Some(file) => self.content(&file).await.map(Some).map_err(failed),
            None => Ok(None),
        }
    }

    async fn write(&self, run: &RunInfo, name: &str, bytes: Bytes, append: bool) -> Result<usize, String> {
        let _lock = self.lock(run.run_id).await;
        let files = self.listed(run).await.map_err(failed)?;
        let before = run_files::find(&self.db, run.tenant_id, run.run_id, name).await;
        let before = before.map_err(|error| failed(error.into()))?;
        let old = before.as_ref().map_or(0, |file| usize::try_from(file.size).unwrap_or_default());
        let size = if append { old + bytes.len() } else { bytes.len() };
        room(&files, name, size)?;
        let bytes = match &before {
            Some(before) if append => {
                let old = self.content(before).await.map_err(failed)?;
                Bytes::from([&old[..], &bytes[..]].concat())
            }
            _ => bytes,
        };
        self.put(run, name, bytes, before).await.map_err(failed)?;
        Ok(size)
    }

    async fn remove(&self, run: &RunInfo, name: &str) -> Result<bool, String> {
        let _lock = self.lock(run.run_id).await;
        let removed = async {
            let Some(file) = run_files::find(&self.db, run.tenant_id, run.run_id, name).await? else {
                return Ok(false);
            };
            let tx = self.db.begin().await?;
            run_files::remove(&tx, run.tenant_id, run.run_id, name).await?;
            tx.commit().await?;
            self.forget(&file.key).await;
            Ok::<_, Error>(true)
        };
        removed.await.map_err(failed)
    }
}

/// Deletes the files of runs and messages that are gone; returns how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_orphans(services: &Services) -> Result<usize> {
    const BATCH: u64 = 200;
    let mut deleted = 0;
    loop {
        let tx = services.db.begin().await?;
        let orphans = run_files::take_orphans(&tx, BATCH).await?;
        tx.commit().await?;
        for file in &orphans {
            forget(services.store.as_ref(), &file.key).await;
        }
        deleted += orphans.len();
        if orphans.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(deleted);
        }
    }
}
