//! PostgreSQL with the extension `vector` (0.5 and later).

use std::{hash::Hasher as _, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Row as _, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{
    Point, StoreError, VectorStore,
    point::{hit, sorted},
};
use crate::node::{Hit, Scope};

const NAME: &str = "pgvector";
/// Longer names are cut by the server.
const IDENTIFIER: usize = 63;
/// The graph takes no more dimensions.
const INDEXED: usize = 2000;
/// So many neighbours the graph looks at, at most.
const LOOKED_AT: usize = 1000;
const BATCH: usize = 500;

pub(super) struct Pgvector {
    pool: PgPool,
    place: String,
}

impl Pgvector {
    /// Connects with the first call.
    pub(super) fn new(options: PgConnectOptions, connections: (u32, u32)) -> Self {
        let database = options.get_database().unwrap_or_default();
        let place = format!("{}:{}/{database}", options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .min_connections(connections.0)
            .max_connections(connections.1.max(connections.0).max(1))
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options);
        Self { pool, place }
    }

    /// Runs `BEGIN` to its end even if nobody waits for it any longer: sqlx 0.9.0 leaves the transaction open in the pool
    /// otherwise (its issue 4393).
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let pool = self.pool.clone();
        tokio::spawn(async move { pool.begin().await }).await.map_err(|_| sqlx::Error::PoolClosed)?
    }

    /// The dimension of a table; `None` if it is absent.
    async fn dimension(&self, table: &str) -> Result<Option<usize>, StoreError> {
        let found: Option<i32> = sqlx::query_scalar(
            "SELECT a.atttypmod FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = 'embedding'",
        )
        .bind(quoted(table))
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| failed("describe a table", &error))?;
        Ok(found.map(|dimension| usize::try_from(dimension).unwrap_or(0)))
    }

    async fn create(&self, table: &str, dimension: usize) -> Result<(), StoreError> {
        let failed = |error| failed("make a table", &error);
        let mut tx = self.begin().await.map_err(failed)?;
        // One process makes it; the extension too has no safe "if not exists" of its own.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('oxidify pgvector'))")
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let name = quoted(table);
        let mut statements = vec![
            "CREATE EXTENSION IF NOT EXISTS vector".to_owned(),
            format!(
                "CREATE TABLE IF NOT EXISTS {name} (id UUID PRIMARY KEY, text TEXT NOT NULL, meta JSONB NOT NULL, \
                 embedding vector({dimension}) NOT NULL)"
            ),
            format!("CREATE INDEX IF NOT EXISTS {} ON {name} ((meta->>'document_id'))", index("document", table)),
        ];
        if dimension <= INDEXED {
            statements.push(format!(
                "CREATE INDEX IF NOT EXISTS {} ON {name} USING hnsw (embedding vector_cosine_ops) \
                 WITH (m = 16, ef_construction = 64)",
                index("cosine", table)
            ));
        }
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    async fn insert(&self, tx: &mut Transaction<'_, Postgres>, table: &str, points: &[Point]) -> sqlx::Result<()> {
        let ids: Vec<Uuid> = points.iter().map(|point| point.id).collect();
        // A text of PostgreSQL has no zero characters.
        let texts: Vec<String> = points.iter().map(|point| point.text.replace('\0', "")).collect();
        let metas: Vec<String> = points.iter().map(|point| point.metadata().to_string()).collect();
        let vectors: Vec<String> = points.iter().map(|point| written(&point.vector)).collect();
        let statement = format!(
            "INSERT INTO {} (id, text, meta, embedding) SELECT p.id, p.text, p.meta::jsonb, p.embedding::vector \
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS p (id, text, meta, embedding) \
             ON CONFLICT (id) DO UPDATE SET text = EXCLUDED.text, meta = EXCLUDED.meta, embedding = EXCLUDED.embedding",
            quoted(table)
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(ids)
            .bind(texts)
            .bind(metas)
            .bind(vectors)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// Compat: Dify's name; PostgreSQL made its letters small and cut it.
fn table(collection: &str) -> String {
    let mut name = format!("embedding_{}", collection.to_lowercase());
    let mut end = IDENTIFIER.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of an index of a table.
fn index(kind: &str, table: &str) -> String {
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    hasher.write(table.as_bytes());
    format!("embedding_{kind}_{:016x}_idx", hasher.finish())
}

fn written(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn failed(doing: &'static str, error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => StoreError::Refused { store: NAME, doing, why: error.to_string() },
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            StoreError::Strange { store: NAME, why: error.to_string() }
        }
        error => StoreError::Unreachable { store: NAME, why: error.to_string() },
    }
}

#[async_trait]
impl VectorStore for Pgvector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "find the extension vector";
        let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| failed(doing, &error))?;
        match known {
            Some(_) => Ok(()),
            None => Err(StoreError::Refused {
                store: NAME,
                doing,
                why: "the server does not have it: install pgvector".to_owned(),
            }),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        let table = table(collection);
        let got = first.vector.len();
        match self.dimension(&table).await? {
            None => self.create(&table, got).await?,
            Some(expected) if expected != got => return Err(StoreError::Dimension { expected, got }),
            Some(_) => {}
        }
        // A statement may not touch a row twice.
        let mut last = std::collections::HashMap::new();
        for (at, point) in points.iter().enumerate() {
            last.insert(point.id, at);
        }
        let once = points.iter().enumerate().filter(|(at, point)| last.get(&point.id) == Some(at));
        let once: Vec<Point> = once.map(|(_, point)| point.clone()).collect();
        let failed = |error| failed("store points", &error);
        let mut tx = self.begin().await.map_err(failed)?;
        for batch in once.chunks(BATCH) {
            self.insert(&mut tx, &table, batch).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        let table = table(collection);
        if ids.is_empty() || self.dimension(&table).await?.is_none() {
            return Ok(());
        }
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {} WHERE id = ANY($1)", quoted(&table))))
            .bind(ids)
            .execute(&self.pool)
            .await
            .map_err(|error| failed("remove points", &error))?;
        Ok(())
    }

    async fn search(
        &self,
        collection: &str,
        vector: &[f32],
        top: usize,
        scope: &Scope,
    ) -> Result<Vec<Hit>, StoreError> {
        let table = table(collection);
        let documents: Option<Vec<String>> = match scope {
            Scope::All => None,
            Scope::Documents(documents) => Some(documents.iter().map(Uuid::to_string).collect()),
        };
        if top == 0 || documents.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        match self.dimension(&table).await? {
            None => return Ok(Vec::new()),
            Some(expected) if expected != vector.len() => {
                return Err(StoreError::Dimension { expected, got: vector.len() });
            }
            Some(_) => {}
        }
        let failed = |error| failed("search", &error);
        let mut tx = self.begin().await.map_err(failed)?;
        // The graph filters after it has found: a scope, or more than it looks at, is read row by row.
        let tune = if documents.is_some() || top > LOOKED_AT / 2 {
            "SET LOCAL enable_indexscan = off".to_owned()
        } else {
            format!("SET LOCAL hnsw.ef_search = {}", (top * 2).clamp(64, LOOKED_AT))
        };
        sqlx::query(AssertSqlSafe(tune)).execute(&mut *tx).await.map_err(failed)?;
        let filter = if documents.is_some() { "WHERE meta->>'document_id' = ANY($3)" } else { "" };
        let statement = format!(
            "SELECT meta, 1 - (embedding <=> $1::vector) AS score FROM {} {filter} \
             ORDER BY embedding <=> $1::vector LIMIT $2",
            quoted(&table)
        );
        let limit = i64::try_from(top).unwrap_or(i64::MAX);
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(written(vector)).bind(limit);
        if let Some(documents) = documents {
            query = query.bind(documents);
        }
        let rows = query.fetch_all(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        let mut hits = Vec::with_capacity(rows.len());
        for row in rows {
            let meta: serde_json::Value = row.try_get("meta").map_err(failed)?;
            let score: f64 = row.try_get("score").map_err(failed)?;
            hits.extend(meta.as_object().and_then(|meta| hit(meta, score)));
        }
        Ok(sorted(hits, top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let table = table(collection);
        if self.dimension(&table).await?.is_none() {
            return Ok(Vec::new());
        }
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT id FROM {}", quoted(&table))))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| failed("list points", &error))
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(format!("DROP TABLE IF EXISTS {}", quoted(&table(collection)))))
            .execute(&self.pool)
            .await
            .map_err(|error| failed("remove a table", &error))?;
        Ok(())
    }
}
