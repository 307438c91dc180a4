use ox_types::boxed;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};

use crate::{DbConfig, Durability, Engine, Error, Result, durability::LogSync, migration, postgres, sqlite};

/// A migrated database with its connections. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    durability: Durability,
    description: String,
    /// SQLite only: syncs and checkpoints the log in the background.
    log: Option<LogSync>,
}

/// A write transaction. Dropping it without [`Tx::commit`] takes everything back. Never hold one across a
/// model call or another wait: on SQLite every other writer waits for it.
pub struct Tx {
    transaction: DatabaseTransaction,
    database: Database,
}

/// Where a repository reads: the database (reader connections) or a transaction (sees its own writes).
pub trait Source: Send + Sync {
    #[doc(hidden)]
    fn executor(&self) -> DatabaseExecutor<'_>;
}

impl Source for Database {
    fn executor(&self) -> DatabaseExecutor<'_> {
        (&self.inner.reader).into()
    }
}

impl Source for Tx {
    fn executor(&self) -> DatabaseExecutor<'_> {
        (&self.transaction).into()
    }
}

/// Numbers of the connection pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolState {
    pub size: u32,
    pub idle: u32,
    pub max: u32,
}

impl Database {
    /// Connects and brings the schema up to date, waiting for another process that is doing so.
    ///
    /// # Errors
    /// When it cannot be reached, is locked, read-only or newer than this program.
    #[boxed]
    pub async fn connect(config: &DbConfig) -> Result<Self> {
        let (writer, reader, log_path) = match &config.engine {
            Engine::Sqlite { path } => {
                let (writer, reader) = sqlite::connect(path, config).await?;
                (writer, reader, Some(wal_of(path)))
            }
            Engine::Postgres(server) => {
                let pool = postgres::connect(server, config).await?;
                (pool.clone(), pool, None)
            }
        };
        migrate(&writer).await?;
        if writer.get_database_backend() == DbBackend::Postgres {
            postgres::make_partitions(&writer).await?;
        }
        let log = log_path.map(|path| LogSync::start(path, reader.clone(), config.durability));
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                reader,
                durability: config.durability,
                description: config.describe(),
                log,
            }),
        })
    }

    /// Starts a write transaction.
    ///
    /// # Errors
    /// When no connection is free in time.
    #[boxed]
    pub async fn begin(&self) -> Result<Tx> {
        let started = Instant::now();
        let transaction = begin_immediate(&self.inner.writer).await?;
        metrics::histogram!("oxidify_db_pool_wait_seconds").record(started.elapsed().as_secs_f64());
        Ok(Tx { transaction, database: self.clone() })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not, within 2 s.
    #[boxed]
    pub async fn ping(&self) -> Result<()> {
        tokio::time::timeout(Duration::from_secs(2), self.inner.reader.ping())
            .await
            .map_err(|_| Error::Unavailable("no answer within 2 s".to_owned()))??;
        Ok(())
    }

    /// Work of once a day: partitions of the coming days, statistics for the query planner.
    ///
    /// # Errors
    /// When the database refuses.
    #[boxed]
    pub async fn maintain(&self) -> Result<()> {
        if self.is_postgres() {
            postgres::make_partitions(&self.inner.writer).await?;
        } else {
            self.inner.writer.execute_unprepared("PRAGMA optimize = 0x10002").await?;
        }
        Ok(())
    }

    /// Flushes and closes all connections; later calls fail.
    #[boxed]
    pub async fn close(&self) {
        if let Some(log) = &self.inner.log {
            log.stop().await;
        }
        for connection in [&self.inner.reader, &self.inner.writer] {
            if let Err(error) = connection.close_by_ref().await {
                tracing::warn!(%error, "closing the database");
            }
        }
    }

    /// What a confirmed write survives here.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.inner.durability
    }

    /// SQLite's journal mode and `synchronous` level, as they are in force; empty elsewhere.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn writer_pragmas(&self) -> Result<(String, i32)> {
        if self.is_postgres() {
            return Ok((String::new(), 0));
        }
        let ask = |name: &str| Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {name}"));
        let mode = self.inner.writer.query_one_raw(ask("journal_mode")).await?;
        let level = self.inner.writer.query_one_raw(ask("synchronous")).await?;
        Ok((
            mode.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?,
            level.map_or(Ok(0), |row| row.try_get_by_index(0))?,
        ))
    }

    /// Where it is, without secrets.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.inner.description
    }

    /// Whether it is PostgreSQL rather than SQLite.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.inner.writer.get_database_backend() == DbBackend::Postgres
    }

    /// Numbers of the connection pool that serves reads.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if self.is_postgres() {
            let pool = self.inner.reader.get_postgres_connection_pool();
            PoolState { size: pool.size(), idle: number(pool.num_idle()), max: pool.options().get_max_connections() }
        } else {
            let pool = self.inner.reader.get_sqlite_connection_pool();
            PoolState { size: pool.size(), idle: number(pool.num_idle()), max: pool.options().get_max_connections() }
        }
    }
}

impl Tx {
    /// Makes everything of this transaction durable and visible.
    ///
    /// # Errors
    /// When the database refuses; then nothing of it happened.
    #[boxed]
    pub async fn commit(self) -> Result<()> {
        self.transaction.commit().await?;
        if let Some(log) = &self.database.inner.log {
            log.written();
        }
        Ok(())
    }

    /// Takes everything back (dropping does the same, later).
    ///
    /// # Errors
    /// When the connection is lost; then it is taken back as well.
    #[boxed]
    pub async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }

    pub(crate) fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

async fn begin_immediate(connection: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    if connection.get_database_backend() == DbBackend::Postgres {
        return begin_whole(connection.clone()).await;
    }
    Ok(connection.begin_with_options(options).await?)
}

/// Runs `BEGIN` to its end in a task of its own. Whoever asked may leave in the middle of it (a browser is closed), and
/// sqlx 0.9.0 gives the connection back with the transaction open then (its issue 4393): others would write into it,
/// and nothing would end it. Dropped when it has begun, it is rolled back.
async fn begin_whole(connection: DatabaseConnection) -> Result<DatabaseTransaction> {
    match tokio::spawn(async move { connection.begin().await }).await {
        Ok(begun) => Ok(begun?),
        Err(_) => Err(Error::Unavailable("the server is shutting down".to_owned())),
    }
}

/// "oxidify", as a lock number in PostgreSQL.
const MIGRATION_LOCK: i64 = 0x006f_7869_6469_6679;

async fn migrate(writer: &DatabaseConnection) -> Result<()> {
    let tx = begin_immediate(writer).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0").await?;
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
    }
    migration::run(&tx).await?;
    Ok(tx.commit().await?)
}

fn wal_of(path: &std::path::Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
