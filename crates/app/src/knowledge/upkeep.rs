//! What nobody needs any more of knowledge: rows of removed nodes that every index has had time to read, vectors that no
//! index uses, and copies of what is gone.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ox_db::repo;
use ox_types::boxed;
use uuid::Uuid;

use crate::{Result, Services};

/// How long the rows of removed nodes stay: an index that was away for longer looks at everything it has.
pub const NODES_KEPT: TimeDelta = TimeDelta::days(7);
/// How long vectors stay that no index uses: a text that comes back costs nothing until then.
pub const VECTORS_KEPT: TimeDelta = TimeDelta::days(7);
/// A vector that is used again counts as new once it is so old; the time that a document's work may take is less.
pub const HELD: TimeDelta = TimeDelta::days(1);
/// Rows of one transaction.
const BATCH: u64 = 1000;
/// Others get to write between two transactions.
const BREATH: Duration = Duration::from_millis(5);

/// What has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    pub nodes: u64,
    pub vectors: u64,
    /// Datasets whose local copies were left.
    pub copies: u64,
}

/// Removes what is too old at a time.
///
/// # Errors
/// When the database fails; what has gone until then has gone.
#[boxed]
pub async fn clean(services: &Services, at: DateTime<Utc>) -> Result<Cleaned> {
    let cleaned = Cleaned {
        nodes: nodes(services, at - NODES_KEPT).await?,
        vectors: vectors(services, at - VECTORS_KEPT).await?,
        copies: services.indexes.sweep().await?,
    };
    if cleaned != Cleaned::default() {
        tracing::info!(?cleaned, "what was left of knowledge is gone");
    }
    Ok(cleaned)
}

async fn nodes(services: &Services, before: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    while !services.shutdown.is_cancelled() {
        let tx = services.db.begin().await?;
        let gone = repo::index_nodes::purge(&tx, before, BATCH).await?;
        tx.commit().await?;
        count += gone;
        if gone == 0 {
            break;
        }
        tokio::time::sleep(BREATH).await;
    }
    Ok(count)
}

async fn vectors(services: &Services, before: DateTime<Utc>) -> Result<u64> {
    let (mut count, mut after) = (0, Uuid::nil());
    while !services.shutdown.is_cancelled() {
        let (unused, last) = repo::embeddings::unused(&services.db, after, BATCH).await?;
        let Some(last) = last else { break };
        after = last;
        if !unused.is_empty() {
            let tx = services.db.begin().await?;
            count += repo::embeddings::purge(&tx, &unused, before).await?;
            tx.commit().await?;
        }
        tokio::time::sleep(BREATH).await;
    }
    Ok(count)
}
