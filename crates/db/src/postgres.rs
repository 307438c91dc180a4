//! PostgreSQL: one pool, session settings, daily partitions.

use std::{str::FromStr, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, SqlxPostgresConnector, Statement};
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use crate::{DbConfig, Durability, Error, PostgresConfig, Result, error::ACQUIRE_SECONDS};

/// Limit of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many days ahead partitions exist.
const PARTITION_DAYS: i32 = 7;

pub(crate) async fn connect(server: &PostgresConfig, config: &DbConfig) -> Result<DatabaseConnection> {
    let options = options(server, config)?;
    wait_for_server(&options, config).await?;
    let pool = PgPoolOptions::new()
        .max_connections(config.pool_size)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .max_lifetime(Some(config.recycle))
        .connect_lazy_with(options);
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// A server that is starting is worth waiting for, and saying so; a wrong password is not.
async fn wait_for_server(options: &PgConnectOptions, config: &DbConfig) -> Result<()> {
    let named = |why: &dyn std::fmt::Display| Error::Unavailable(format!("{}: {why}", config.describe()));
    let started = tokio::time::Instant::now();
    let mut told = false;
    loop {
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
        let error = match attempt {
            Ok(Ok(connection)) => {
                // It was only to see whether the server answers.
                let _ = connection.close().await;
                return Ok(());
            }
            Ok(Err(sqlx::Error::Io(cause))) => named(&cause),
            Ok(Err(sqlx::Error::Database(cause))) if cause.code().as_deref() == Some("57P03") => {
                named(&cause.message())
            }
            Ok(Err(cause)) => {
                return Err(match Error::from(cause) {
                    Error::Unavailable(why) => named(&why),
                    other => other,
                });
            }
            Err(_) => named(&"no answer"),
        };
        if started.elapsed() >= config.connect_patience {
            return Err(error);
        }
        if !told {
            told = true;
            tracing::warn!(%error, "waiting for the database");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn options(server: &PostgresConfig, config: &DbConfig) -> Result<PgConnectOptions> {
    let mut options = if let Some(url) = &server.url {
        PgConnectOptions::from_str(url).map_err(|e| Error::config("OXIDIFY_DATABASE_URL", e.to_string()))?
    } else {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&server.host)
            .port(server.port)
            .username(&server.username)
            .database(&server.database);
        if let Some(password) = &server.password {
            options = options.password(password);
        }
        options
    };
    if let Some(mode) = &server.ssl_mode {
        options = options.ssl_mode(PgSslMode::from_str(mode).map_err(|e| Error::config("DB_SSL_MODE", e.to_string()))?);
    }
    if let Some(certificate) = &server.ssl_root_cert {
        options = options.ssl_root_cert(certificate);
    }
    let mut settings = vec![
        ("timezone".to_owned(), "UTC".to_owned()),
        ("statement_timeout".to_owned(), config.statement_timeout.as_millis().to_string()),
    ];
    if config.durability == Durability::Process {
        settings.push(("synchronous_commit".to_owned(), "off".to_owned()));
    }
    settings.extend(server.options.iter().cloned());
    Ok(options
        .options(settings)
        .application_name(&server.application_name)
        .statement_cache_capacity(512)
        .disable_statement_logging())
}

/// Makes the partitions of the coming days; called at start and once a day.
pub(crate) async fn make_partitions(connection: &DatabaseConnection) -> Result<()> {
    let today = crate::now().date_naive() - chrono::Days::new(1);
    connection
        .execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT oxidify_create_partitions($1, $2)",
            [today.into(), PARTITION_DAYS.into()],
        ))
        .await?;
    Ok(())
}
