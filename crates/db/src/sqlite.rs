//! SQLite: one writer connection, a pool of readers, WAL.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
        SqliteTransactionManager,
    },
};
use sqlx_core::transaction::TransactionManager;

use crate::{DbConfig, Durability, Error, Result, error::ACQUIRE_SECONDS};

/// Pages (128 MiB) after which the committing connection itself moves the log into the file, which makes that
/// commit wait for the disk; in between a background task does it (see `durability`).
const CHECKPOINT_PAGES: u32 = 32_000;
/// What the log keeps of its size once it starts anew.
const LOG_KEEPS: u32 = 64 * 1024 * 1024;
/// How long a connection waits for another process.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) async fn connect(path: &Path, config: &DbConfig) -> Result<(DatabaseConnection, DatabaseConnection)> {
    check_writable(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match config.durability {
            Durability::Process => SqliteSynchronous::Normal,
            Durability::Power => SqliteSynchronous::Full,
        })
        .pragma("temp_store", "memory")
        // What keywords are looked for with (`repo::keyword`).
        .with_regexp()
        .statement_cache_capacity(512)
        .disable_statement_logging();
    let writer_options = options
        .clone()
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", LOG_KEEPS.to_string())
        .pragma("cache_size", "-16384");
    let writer = open_writer(&writer_options).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(config.pool_size)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .test_before_acquire(false)
        .idle_timeout(Some(Duration::from_secs(60)))
        .connect_lazy_with(options.pragma("query_only", "on").pragma("cache_size", "-2048"));
    Ok((SqlxSqliteConnector::from_sqlx_sqlite_pool(writer), SqlxSqliteConnector::from_sqlx_sqlite_pool(readers)))
}

/// Two processes that turn a new file to WAL at the same moment would wait for each other for ever, so SQLite refuses one
/// of them at once, without its busy time-out: that one tries again.
async fn open_writer(options: &SqliteConnectOptions) -> Result<SqlitePool> {
    let until = Instant::now() + BUSY;
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| Box::pin(async move { settle(connection).await.map(|()| true) }))
            .connect_with(options.clone())
            .await;
        match pool.map_err(Error::from) {
            Err(Error::Locked(_)) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            opened => return opened,
        }
    }
}

/// SQLite ends a transaction by itself when the disk is full. The `ROLLBACK` that follows then fails, sqlx goes on
/// counting a transaction, and what is "committed" later would be lost. This sets the count right again; a new
/// connection instead could not be opened while the disk is full.
async fn settle(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    if !connection.is_in_transaction() {
        return Ok(());
    }
    // A rollback may still be waiting for its turn.
    connection.ping().await?;
    while connection.is_in_transaction() {
        // Takes no lock and writes nothing. Refused where a transaction is open: then that one is taken back.
        let _ = connection.execute("BEGIN").await;
        SqliteTransactionManager::rollback(connection).await?;
    }
    Ok(())
}

/// SQLite's own messages ("unable to open database file") do not say which file and why.
fn check_writable(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(|cause| {
        Error::Unavailable(format!("the data directory {} cannot be made: {cause}", directory.display()))
    })?;
    let probe = directory.join(format!(".oxidify-write-check-{}", std::process::id()));
    std::fs::write(&probe, b"").map_err(|cause| {
        Error::Unavailable(format!(
            "the data directory {} cannot be written: {cause}; make it writable for this user or set OXIDIFY_HOME",
            directory.display()
        ))
    })?;
    // Left-overs are harmless: an empty file with a name of its own.
    let _ = std::fs::remove_file(&probe);
    if path.exists() {
        std::fs::OpenOptions::new().append(true).open(path).map_err(|cause| {
            Error::Unavailable(format!("the database file {} cannot be written: {cause}", path.display()))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, SqliteTransactionMode, TransactionOptions, TransactionTrait};

    use super::*;

    #[tokio::test]
    async fn after_a_full_disk_the_same_connection_works_on() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("full.db");
        let (writer, reader) = connect(&path, &DbConfig::sqlite(path.clone())).await.unwrap();
        let begin = || {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            writer.begin_with_options(options)
        };
        writer.execute_unprepared("CREATE TABLE t (x BLOB); PRAGMA max_page_count = 20").await.unwrap();
        let started = Instant::now();
        for ends_itself in [false, true, false] {
            let tx = begin().await.unwrap();
            let error = tx.execute_unprepared("INSERT INTO t VALUES (zeroblob(1000000))").await.unwrap_err();
            assert!(matches!(Error::from(error), Error::DiskFull(_)));
            if ends_itself {
                // SQLite may have done so already.
                let _ = tx.rollback().await;
            }
        }
        writer.execute_unprepared("PRAGMA max_page_count = 100000").await.unwrap();
        let tx = begin().await.unwrap();
        tx.execute_unprepared("INSERT INTO t VALUES (zeroblob(1000000))").await.unwrap();
        tx.commit().await.unwrap();
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT COUNT(*) FROM t");
        let kept: i64 = reader.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(kept, 1);
        assert!(started.elapsed() < Duration::from_secs(5), "nobody waited for a connection");
    }
}
