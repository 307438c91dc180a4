use std::future::Future;

use ox_db::{Database, DbConfig, Engine};
use tempfile::TempDir;

use crate::{postgres::Throwaway, template};

/// A database of one test.
pub struct TestDb {
    pub database: Database,
    /// For tests that connect a second time.
    pub config: DbConfig,
    directory: Option<TempDir>,
    server: Option<Throwaway>,
}

impl TestDb {
    /// Closes and removes it.
    pub async fn remove(self) {
        self.database.close().await;
        drop(self.database);
        if let Some(throwaway) = self.server {
            throwaway.remove().await;
        }
        drop(self.directory);
    }
}

/// A new SQLite database in a directory of its own.
pub async fn sqlite() -> anyhow::Result<TestDb> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("oxidify.db");
    template::sqlite(&path).await?;
    let mut config = DbConfig::sqlite(path);
    config.pool_size = 4;
    let database = Database::connect(&config).await?;
    Ok(TestDb { database, config, directory: Some(directory), server: None })
}

/// A new PostgreSQL database; `None` (and a message) when the machine has no PostgreSQL.
pub async fn postgres() -> anyhow::Result<Option<TestDb>> {
    let Some(throwaway) = Throwaway::create().await? else {
        return Ok(None);
    };
    let mut config = DbConfig::postgres(throwaway.url());
    config.pool_size = 4;
    let database = Database::connect(&config).await?;
    Ok(Some(TestDb { database, config, directory: None, server: Some(throwaway) }))
}

/// A new PostgreSQL database whose clock is so many seconds ahead of this process (behind it, when negative).
pub async fn postgres_ahead(seconds: i64) -> anyhow::Result<Option<TestDb>> {
    let Some(mut test) = postgres().await? else {
        return Ok(None);
    };
    if let (Some(throwaway), Engine::Postgres(server)) = (&test.server, &mut test.config.engine) {
        throwaway.shift_clock(seconds).await?;
        server.options.push(("search_path".to_owned(), "public,pg_catalog".to_owned()));
    }
    test.database.close().await;
    test.database = Database::connect(&test.config).await?;
    Ok(Some(test))
}

/// Runs one test body on a new SQLite database and on a new PostgreSQL database.
///
/// # Panics
/// When the body panics, or a database cannot be made.
#[expect(clippy::panic, clippy::print_stderr, reason = "a test helper fails by panicking and says where it was")]
pub async fn on_each_database<F, Fut>(body: F)
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let made = [("SQLite", sqlite().await.map(Some)), ("PostgreSQL", postgres().await)];
    for (name, made) in made {
        let test = match made {
            Ok(Some(test)) => test,
            Ok(None) => continue,
            Err(error) => panic!("{name}: {error:#}"),
        };
        // In a task of its own, so that the database is removed also after a panic.
        let outcome = tokio::spawn(body(test.database.clone())).await;
        test.remove().await;
        if let Err(error) = outcome {
            eprintln!("failed on {name}");
            match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
}
