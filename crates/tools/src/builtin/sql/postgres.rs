//! `PostgreSQL`: the driver speaks through a socket of this process that leads to a connection of `ox_net`.

use std::{os::unix::fs::DirBuilderExt, path::PathBuf, time::Duration};

use futures::TryStreamExt;
use ox_net::{Channel, Class};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};
use url::Url;

use super::{LONGEST, Rows};
use crate::{World, call::why};

/// Tables and columns, in the order of their names.
pub const TABLES: &str = "SELECT table_schema AS schema, table_name AS table, \
    string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) AS columns \
    FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema') \
    GROUP BY 1, 2 ORDER BY 1, 2";
const PORT: u16 = 5432;
/// Bytes that a database may send for one answer.
const MOST_READ: u64 = 16 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);

/// A directory that is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("ox-sql-{}", ox_types::new_uuid().simple()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "a directory of a socket is left");
        }
    }
}

/// What an address says. Files that a driver would read, and other hosts, cannot be named.
pub(super) fn options(address: &str) -> Result<(String, u16, PgConnectOptions), String> {
    let wrong = || "The database must be postgres://user:password@host:port/name or sqlite:name.".to_owned();
    let url = Url::parse(address).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(wrong());
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port().unwrap_or(PORT);
    let plain = |text: &str| {
        url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, text)| text.into_owned())
            .unwrap_or_default()
    };
    let user = plain(url.username());
    let database = plain(url.path().trim_start_matches('/'));
    // Everything is set: what the driver would take from the server's environment is nobody's here.
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&host)
        .port(port)
        .username(&user)
        .password(&plain(url.password().unwrap_or_default()))
        .database(if database.is_empty() { &user } else { &database })
        .ssl_mode(PgSslMode::Prefer);
    for (name, value) in url.query_pairs() {
        if name != "sslmode" {
            return Err(format!("The address of the database must not set '{name}'."));
        }
        options = options.ssl_mode(value.parse().map_err(|_| format!("There is no sslmode '{value}'."))?);
    }
    Ok((host, port, options.disable_statement_logging()))
}

/// Rows as the database itself makes JSON of them.
pub async fn ask(world: &World, address: &str, statement: &str, most: usize) -> Result<Rows, String> {
    let (host, port, options) = options(address)?;
    let channel = world.egress.connect(Class::Tool, &host, port, CONNECT).await.map_err(|error| why(&error))?;
    let place = Place::new().map_err(|error| format!("The database cannot be reached: {error}"))?;
    let listener = UnixListener::bind(place.0.join(format!(".s.PGSQL.{port}")));
    let listener = listener.map_err(|error| format!("The database cannot be reached: {error}"))?;
    let options = options.socket(&place.0);
    tokio::select! {
        rows = read(&options, statement, most) => rows.map_err(|error| told(&error)),
        never = bridge(listener, channel) => match never {},
    }
}

/// Carries bytes until it is dropped.
async fn bridge(listener: UnixListener, channel: Channel) -> std::convert::Infallible {
    if let Ok((local, _)) = listener.accept().await {
        let (from, mut to) = tokio::io::split(channel);
        let (mut local_from, mut local_to) = local.into_split();
        let up = tokio::io::copy(&mut local_from, &mut to);
        let down = async {
            let mut bounded = from.take(MOST_READ);
            tokio::io::copy(&mut bounded, &mut local_to).await?;
            // The driver takes the end for a broken connection.
            local_to.shutdown().await
        };
        if let Err(error) = tokio::try_join!(up, down) {
            tracing::debug!(%error, "the connection to a database has ended");
        }
    }
    // What the driver has still to read tells it so.
    std::future::pending().await
}

async fn read(options: &PgConnectOptions, statement: &str, most: usize) -> Result<Rows, sqlx::Error> {
    let mut connection = options.connect().await?;
    connection.execute("BEGIN READ ONLY").await?;
    let limits = format!("SET LOCAL statement_timeout = {}", LONGEST.as_millis());
    connection.execute(AssertSqlSafe(limits)).await?;
    connection.execute("SET LOCAL lock_timeout = 2000").await?;
    let wrapped =
        format!("SELECT row_to_json(ox_row)::text FROM (\n{statement}\n) AS ox_row LIMIT {}", most.saturating_add(1));
    let mut rows = Rows::default();
    {
        let mut found = sqlx::query_scalar::<_, String>(AssertSqlSafe(wrapped)).fetch(&mut connection);
        while let Some(text) = found.try_next().await? {
            let row = serde_json::from_str(&text).unwrap_or_default();
            if !rows.take(row, text.len(), most) {
                break;
            }
        }
    }
    // The end of the connection is the end of its transaction.
    connection.close_hard().await?;
    Ok(rows)
}

fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => format!("The database says: {}", error.message()),
        other => format!("The database cannot be read: {other}"),
    }
}
