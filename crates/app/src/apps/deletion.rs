//! Removing what a deleted app leaves: rows in small transactions, stored files before the rows that name them.
//! A deletion is written down with the app's end, and struck off by a later pass that finds nothing: what was
//! interrupted goes on at the next start, and what runs in other processes wrote meanwhile is found.

use ox_types::boxed;
use std::{sync::Arc, time::Duration};

use ox_db::repo::deletions::{self, Deletion, Hanging};
use ox_store::Key;
use ox_types::AppId;

use crate::{Error, Result, Services, runs};

/// Deletions looked at in one pass.
const AT_ONCE: u64 = 100;
/// Younger ones are looked at again: a run may still be writing its end.
const SETTLED: chrono::Duration = chrono::Duration::minutes(10);
/// Other writers get their turn between two transactions.
const BREATH: Duration = Duration::from_millis(2);

/// Removes what an app leaves, in the background.
pub(crate) fn start(services: &Arc<Services>, app: AppId) {
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        runs::signals::stop_app(&services, app).await;
        if let Err(error) = resume_of(&services, Some(app)).await {
            tracing::warn!(%error, app_id = %app, "what a deleted app leaves is removed later");
        }
    });
}

/// Goes on with every deletion that is under way.
///
/// # Errors
/// When the database or the object store fails.
#[boxed]
pub async fn resume(services: &Services) -> Result<()> {
    resume_of(services, None).await
}

async fn resume_of(services: &Services, only: Option<AppId>) -> Result<()> {
    let mut pending = deletions::pending(&services.db, AT_ONCE).await?;
    pending.retain(|deletion| only.is_none_or(|app| app == deletion.app_id));
    if pending.is_empty() {
        return Ok(());
    }
    let hanging = deletions::hanging(&services.db).await?;
    for deletion in pending {
        let removed = clear(services, &deletion, &hanging).await?;
        if services.shutdown.is_cancelled() {
            return Ok(());
        }
        if !removed && deletion.created_at < ox_db::now() - SETTLED {
            let tx = services.db.begin().await?;
            deletions::done(&tx, deletion.id).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// One pass; tells whether it found anything.
async fn clear(services: &Services, deletion: &Deletion, hanging: &Hanging) -> Result<bool> {
    let mut removed = false;
    loop {
        let files = deletions::files(&services.db, deletion.app_id).await?;
        if files.is_empty() || services.shutdown.is_cancelled() {
            break;
        }
        for file in &files {
            services.store.delete(&Key::new(&file.key).map_err(Error::internal)?).await?;
        }
        let tx = services.db.begin().await?;
        deletions::forget_files(&tx, &files).await?;
        tx.commit().await?;
        removed = true;
    }
    while !services.shutdown.is_cancelled() {
        let tx = services.db.begin().await?;
        let found = deletions::step(&tx, deletion.app_id, hanging).await?;
        tx.commit().await?;
        if !found {
            break;
        }
        removed = true;
        tokio::time::sleep(BREATH).await;
    }
    Ok(removed)
}
