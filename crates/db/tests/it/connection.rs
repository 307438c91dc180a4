//! Starting, locking, versions, durability, partitions.

use std::{sync::Arc, time::Duration};

use ox_db::{
    Database, DbConfig, Durability, Engine, Error,
    repo::{kv, settings},
};
use sqlx::{Connection, Executor, PgConnection, Row, SqliteConnection};

fn sqlite_path(config: &DbConfig) -> std::path::PathBuf {
    let Engine::Sqlite { path } = &config.engine else { panic!("SQLite") };
    path.clone()
}

async fn raw(config: &DbConfig) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", sqlite_path(config).display())).await.unwrap()
}

async fn raw_postgres(config: &DbConfig) -> PgConnection {
    let Engine::Postgres(server) = &config.engine else { panic!("PostgreSQL") };
    PgConnection::connect(server.url.as_deref().unwrap()).await.unwrap()
}

#[tokio::test]
async fn starting_twice_changes_nothing() {
    for test in
        [ox_testkit::sqlite().await.map(Some).unwrap(), ox_testkit::postgres().await.unwrap()].into_iter().flatten()
    {
        let tx = test.database.begin().await.unwrap();
        settings::set(&tx, "kept", serde_json::json!(1)).await.unwrap();
        tx.commit().await.unwrap();
        let again = Database::connect(&test.config).await.unwrap();
        assert_eq!(settings::get(&again, "kept").await.unwrap(), Some(serde_json::json!(1)));
        again.maintain().await.unwrap();
        again.ping().await.unwrap();
        again.close().await;
        assert!(matches!(
            again.begin().await.map(|_| ()),
            Err(Error::Unavailable(_) | Error::Busy(_) | Error::Internal(_))
        ));
        test.remove().await;
    }
}

#[tokio::test]
async fn several_processes_may_start_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let config = DbConfig::sqlite(directory.path().join("new/oxidify.db"));
    let starts = (0..4).map(|_| Database::connect(&config));
    for database in futures::future::join_all(starts).await {
        database.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_by_name() {
    let test = ox_testkit::sqlite().await.unwrap();
    let mut connection = raw(&test.config).await;
    connection
        .execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_future', 0)")
        .await
        .unwrap();
    let error = Database::connect(&test.config).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Newer(name) if name == "m20990101_000001_future"), "{error:?}");
    assert!(error.to_string().contains("newer version"), "{error}");
    test.remove().await;
}

#[tokio::test]
async fn a_locked_database_is_told() {
    let test = ox_testkit::sqlite().await.unwrap();
    let mut other = raw(&test.config).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = test.database.begin().await.map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Locked(_)), "{error:?}");
    assert!(error.is_transient() && error.to_string().contains("locked by another process"), "{error}");
    other.execute("ROLLBACK").await.unwrap();
    test.database.begin().await.unwrap().commit().await.unwrap();
    test.remove().await;
}

#[tokio::test]
async fn places_that_cannot_be_used_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a database, and long enough to be looked at as one: ".repeat(40)).unwrap();
    let error = Database::connect(&DbConfig::sqlite(&file)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)), "{error:?}");
    let error =
        Database::connect(&DbConfig::sqlite(file.join("oxidify.db"))).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("data directory") && error.contains("file"), "{error}");
    let mut config = DbConfig::postgres("postgres://nobody@127.0.0.1:1/none");
    config.connect_patience = Duration::ZERO;
    let error = Database::connect(&config).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("127.0.0.1:1/none")), "{error:?}");
    assert!(!format!("{config:?}").contains("postgres://"), "{config:?}");
}

#[tokio::test]
async fn durability_reaches_the_connection() {
    for (durability, synchronous) in [(Durability::Process, 1), (Durability::Power, 2)] {
        let directory = tempfile::tempdir().unwrap();
        let mut config = DbConfig::sqlite(directory.path().join("oxidify.db"));
        config.durability = durability;
        let database = Database::connect(&config).await.unwrap();
        assert_eq!(database.durability(), durability);
        let numbers = database.writer_pragmas().await.unwrap();
        assert_eq!(numbers, ("wal".to_owned(), synchronous));
        // Written, then the log is synced in the background without anybody waiting.
        let tx = database.begin().await.unwrap();
        kv::set(&tx, "k", "v", None).await.unwrap();
        tx.commit().await.unwrap();
        database.close().await;
        let again = Database::connect(&config).await.unwrap();
        assert_eq!(kv::get(&again, "k").await.unwrap().as_deref(), Some("v"));
    }
}

/// Whoever asks may leave at any moment: a browser is closed while `BEGIN` is under way. A connection that went back to
/// the pool with that transaction open would take what others write with it.
#[tokio::test]
async fn a_transaction_that_nobody_waits_for_is_not_left_open() {
    let Some(test) = ox_testkit::postgres().await.unwrap() else { return };
    let mut config = test.config.clone();
    config.pool_size = 1;
    let database = Database::connect(&config).await.unwrap();
    let mut other = raw_postgres(&config).await;
    for polls in 1..6 {
        let mut begin = Box::pin(database.begin());
        for _ in 0..polls {
            if futures::poll!(begin.as_mut()).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        drop(begin);
        let until = tokio::time::Instant::now() + Duration::from_secs(5);
        while in_transactions(&mut other).await > 0 {
            assert!(tokio::time::Instant::now() < until, "a transaction is left open after {polls} polls");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    other.close().await.unwrap();
    database.close().await;
    test.remove().await;
}

/// Connections of the database, but for this one, that are in a transaction and do nothing.
async fn in_transactions(connection: &mut PgConnection) -> i64 {
    let found = connection
        .fetch_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .await;
    found.unwrap().get(0)
}

#[tokio::test]
async fn writers_wait_for_each_other_and_lose_nothing() {
    for test in
        [ox_testkit::sqlite().await.map(Some).unwrap(), ox_testkit::postgres().await.unwrap()].into_iter().flatten()
    {
        let database = Arc::new(test.database.clone());
        let writers = (0..8).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                for _ in 0..10 {
                    let tx = database.begin().await.unwrap();
                    kv::increment(&tx, "n", 1, Duration::from_secs(60)).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(kv::get(&test.database, "n").await.unwrap().as_deref(), Some("80"));
        drop(database);
        test.remove().await;
    }
}

#[tokio::test]
async fn daily_partitions_exist_and_are_left_out_of_plans() {
    let Some(test) = ox_testkit::postgres().await.unwrap() else { return };
    let mut connection = raw_postgres(&test.config).await;
    let today = ox_db::now().format("%Y%m%d").to_string();
    for table in ["workflow_runs", "workflow_node_executions", "messages"] {
        let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(format!("{table}_{today}"))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(exists, "{table}");
    }
    let span = ox_db::Span::of(ox_types::new_uuid()).unwrap();
    let plan = sqlx::query("EXPLAIN SELECT * FROM workflow_runs WHERE id = $1 AND created_at BETWEEN $2 AND $3")
        .bind(ox_types::new_uuid())
        .bind(span.from)
        .bind(span.to)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let read = plan.iter().filter(|line| line.contains(" on workflow_runs_2")).count();
    // Two around midnight.
    assert!((1..=2).contains(&read), "{plan:#?}");
    connection.close().await.unwrap();
    test.remove().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_and_nothing_written_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(directory.path())
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: no right to mount a small file system");
        return;
    }
    let outcome = tokio::spawn(fill(DbConfig::sqlite(directory.path().join("oxidify.db")))).await;
    // The database has closed its files.
    std::process::Command::new("umount").args(["-l"]).arg(directory.path()).status().unwrap();
    outcome.unwrap();
}

#[cfg(target_os = "linux")]
async fn fill(config: DbConfig) {
    let database = Database::connect(&config).await.unwrap();
    let large = "x".repeat(200_000);
    let mut written = 0;
    let error = loop {
        let tx = database.begin().await.unwrap();
        let set = kv::set(&tx, &format!("k{written}"), &large, None).await;
        match set {
            Ok(()) => match tx.commit().await {
                Ok(()) => written += 1,
                Err(error) => break error,
            },
            Err(error) => break error,
        }
        assert!(written < 100, "the disk never filled up");
    };
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert!(written > 0);
    for number in 0..written {
        assert_eq!(kv::get(&database, &format!("k{number}")).await.unwrap().map(|text| text.len()), Some(large.len()));
    }
    assert_eq!(kv::get(&database, &format!("k{written}")).await.unwrap(), None);
    database.close().await;
}
