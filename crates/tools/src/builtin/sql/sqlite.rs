//! `SQLite`: a file in the directory that is meant for them.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::TryStreamExt;
use ox_types::Json;
use serde_json::Map;
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::{LONGEST, Rows};
use crate::World;

/// Tables and columns, in the order of their names.
pub const TABLES: &str = "SELECT m.name AS \"table\", group_concat(c.name || ' ' || c.type, ', ') AS columns \
    FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE m.type IN ('table', 'view') \
    AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~' GROUP BY m.name ORDER BY m.name";
/// Steps of the machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// The file of a name.
pub(super) fn file(world: &World, name: &str) -> Result<PathBuf, String> {
    let name = name.trim_start_matches("//");
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', '?']);
    if !is_plain {
        return Err("A SQLite database is named by its file alone, as in sqlite:sales.db.".to_owned());
    }
    let missing = || format!("There is no database '{name}' in the directory `databases` of the server.");
    let directory = world.databases.canonicalize().map_err(|_| missing())?;
    let path = directory.join(name).canonicalize().map_err(|_| missing())?;
    // A link may lead anywhere.
    if !path.starts_with(&directory) || !path.is_file() {
        return Err(missing());
    }
    Ok(path)
}

/// Rows with the values as they are stored; bytes as base64.
pub async fn ask(world: &World, name: &str, statement: &str, most: usize) -> Result<Rows, String> {
    let path = file(world, name)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(2))
        .disable_statement_logging();
    read(&options, statement, most).await.map_err(|error| match error {
        sqlx::Error::Database(error) if error.message() == "interrupted" => {
            format!("The statement took longer than {} seconds.", LONGEST.as_secs())
        }
        sqlx::Error::Database(error) => format!("The database says: {}", error.message()),
        other => format!("The database cannot be read: {other}"),
    })
}

async fn read(options: &SqliteConnectOptions, statement: &str, most: usize) -> Result<Rows, sqlx::Error> {
    let mut connection = options.connect().await?;
    connection.execute("PRAGMA query_only = ON").await?;
    connection.execute("PRAGMA trusted_schema = OFF").await?;
    let end = Instant::now() + LONGEST;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
    let wrapped = format!("SELECT * FROM (\n{statement}\n) LIMIT {}", most.saturating_add(1));
    let mut rows = Rows::default();
    {
        let mut found = sqlx::query(AssertSqlSafe(wrapped)).fetch(&mut connection);
        while let Some(row) = found.try_next().await? {
            let row = json_of(&row)?;
            let size = row.to_string().len();
            if !rows.take(row, size, most) {
                break;
            }
        }
    }
    connection.close().await?;
    Ok(rows)
}

fn json_of(row: &SqliteRow) -> Result<Json, sqlx::Error> {
    let mut fields = Map::new();
    for column in row.columns() {
        let at = column.ordinal();
        let raw = row.try_get_raw(at)?;
        let value = if raw.is_null() {
            Json::Null
        } else {
            match raw.type_info().name() {
                "INTEGER" => row.try_get_unchecked::<i64, _>(at)?.into(),
                "REAL" => row.try_get_unchecked::<f64, _>(at)?.into(),
                "BLOB" => STANDARD.encode(row.try_get_unchecked::<Vec<u8>, _>(at)?).into(),
                _ => row.try_get_unchecked::<String, _>(at)?.into(),
            }
        };
        fields.insert(column.name().to_owned(), value);
    }
    Ok(Json::Object(fields))
}
