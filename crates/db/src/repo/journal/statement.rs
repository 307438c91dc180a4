use std::{
    collections::HashMap,
    fmt::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use sea_orm::{DbBackend, Value};

/// Most rows in one statement.
const MAX_ROWS: usize = 128;

/// Statements by table, database and number of rows.
static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

type Made = HashMap<(&'static str, bool, usize), String>;

/// A table as the journal writes it.
pub(super) struct Upsert<R: 'static> {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    pub key: &'static [&'static str],
    /// Columns that a row that exists takes over; with none the row stays as it is.
    pub changed: &'static [&'static str],
    /// Condition on the row that exists.
    pub only_if: Option<&'static str>,
    pub push: fn(&R, &mut Vec<Value>),
}

impl<R> Upsert<R> {
    /// The statement for a number of rows; made once for each.
    pub(super) fn sql(&self, backend: DbBackend, rows: usize) -> String {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((self.name, backend == DbBackend::Postgres, rows))
            .or_insert_with(|| self.make(backend, rows))
            .clone()
    }

    fn make(&self, backend: DbBackend, rows: usize) -> String {
        let mut sql = format!(
            "INSERT INTO {} ({}) VALUES {} ON CONFLICT ({}) DO ",
            self.name,
            quoted(self.columns),
            placeholders(backend, rows, self.columns.len()),
            quoted(self.key)
        );
        if self.changed.is_empty() {
            sql.push_str("NOTHING");
            return sql;
        }
        let set: Vec<String> =
            self.changed.iter().map(|column| format!("\"{column}\" = excluded.\"{column}\"")).collect();
        sql.push_str("UPDATE SET ");
        sql.push_str(&set.join(", "));
        if let Some(condition) = self.only_if {
            sql.push_str(" WHERE ");
            sql.push_str(condition);
        }
        sql
    }
}

fn quoted(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
}

/// `(…), (…)` for a number of rows.
pub(super) fn placeholders(backend: DbBackend, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            if backend == DbBackend::Postgres {
                // Writing to a string cannot fail.
                let _ = write!(text, "${}", row * columns + column + 1);
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text
}

/// Pieces whose sizes are powers of two.
pub(super) fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        if rows.is_empty() {
            return None;
        }
        let size = (1 << rows.len().ilog2()).min(MAX_ROWS);
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        for (rows, sizes) in [(0, &[][..]), (1, &[1]), (7, &[4, 2, 1]), (64, &[64]), (300, &[128, 128, 32, 8, 4])] {
            let all = vec![0; rows];
            assert_eq!(chunks(&all).map(<[_]>::len).collect::<Vec<_>>(), sizes);
        }
    }

    #[test]
    fn statement_text() {
        let table = Upsert::<()> {
            name: "t",
            columns: &["id", "type"],
            key: &["id"],
            changed: &["type"],
            only_if: Some("t.owner = excluded.owner"),
            push: |(), _| {},
        };
        assert_eq!(
            table.make(DbBackend::Postgres, 2),
            "INSERT INTO t (\"id\", \"type\") VALUES ($1, $2), ($3, $4) ON CONFLICT (\"id\") DO UPDATE SET \"type\" = \
             excluded.\"type\" WHERE t.owner = excluded.owner"
        );
        assert_eq!(
            Upsert { changed: &[], ..table }.make(DbBackend::Sqlite, 1),
            "INSERT INTO t (\"id\", \"type\") VALUES (?, ?) ON CONFLICT (\"id\") DO NOTHING"
        );
    }
}
