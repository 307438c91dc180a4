//! Chroma over its REST interface (version 2 of it: 0.6 and later).

use async_trait::async_trait;
use ox_net::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Point, StoreError, VectorStore,
    point::{hit, sorted},
    rest::Server,
};
use crate::node::{Hit, Scope};

/// Points of one call: servers take some thousands at most.
const BATCH: usize = 200;
const PAGE: usize = 1000;

pub(super) struct Chroma {
    pub server: Server,
    pub tenant: String,
    pub database: String,
}

/// A collection as the server knows it.
struct Known {
    id: String,
    /// Whether distances are squared lengths, as in collections that Dify made.
    squared: bool,
    dimension: Option<usize>,
}

impl Chroma {
    fn collections(&self) -> String {
        format!("/api/v2/tenants/{}/databases/{}/collections", self.tenant, self.database)
    }

    async fn known(&self, collection: &str) -> Result<Option<Known>, StoreError> {
        let path = format!("{}/{}", self.collections(), name(collection));
        let answer = self.server.call(Method::GET, &path, None).await?;
        match answer.status {
            200..300 => self.read(&answer.body).map(Some),
            404 => Ok(None),
            // Older servers say so of a name that they do not know.
            400 | 500 if answer.body.to_string().contains("does not exist") => Ok(None),
            _ => Err(self.server.refused("describe a collection", &answer)),
        }
    }

    fn read(&self, body: &Value) -> Result<Known, StoreError> {
        let id = body["id"].as_str().ok_or_else(|| self.server.strange("a collection without an id"))?.to_owned();
        let configured = body.pointer("/configuration_json/hnsw/space").and_then(Value::as_str);
        let space = body.pointer("/metadata/hnsw:space").and_then(Value::as_str).or(configured).unwrap_or("l2");
        let dimension = body["dimension"].as_u64().and_then(|dimension| usize::try_from(dimension).ok());
        Ok(Known { id, squared: space == "l2", dimension })
    }

    async fn made(&self, collection: &str) -> Result<Known, StoreError> {
        let body = json!({
            "name": name(collection),
            "get_or_create": true,
            "metadata": {"hnsw:space": "cosine"},
            "configuration": {"hnsw": {"space": "cosine"}},
        });
        let doing = "make a collection";
        let body = self.server.ask(doing, Method::POST, &self.collections(), Some(&body)).await?;
        self.read(&body.ok_or_else(|| self.server.gone(doing))?)
    }

    fn path(&self, known: &Known, call: &str) -> String {
        format!("{}/{}/{call}", self.collections(), known.id)
    }
}

/// Compat: Dify's name in small letters.
fn name(collection: &str) -> String {
    collection.to_lowercase()
}

#[async_trait]
impl VectorStore for Chroma {
    fn name(&self) -> &'static str {
        self.server.store
    }

    fn place(&self) -> String {
        format!("{}/{}/{}", self.server.base, self.tenant, self.database)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "list its collections";
        let body = self.server.ask(doing, Method::GET, &format!("{}?limit=1", self.collections()), None).await?;
        match body {
            Some(Value::Array(_)) => Ok(()),
            Some(_) => Err(self.server.strange("no list of collections")),
            None => Err(self.server.gone(doing)),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        let known = match self.known(collection).await? {
            Some(known) => known,
            None => self.made(collection).await?,
        };
        let got = first.vector.len();
        if let Some(expected) = known.dimension.filter(|dimension| *dimension != got) {
            return Err(StoreError::Dimension { expected, got });
        }
        let doing = "store points";
        for batch in points.chunks(BATCH) {
            let body = json!({
                "ids": batch.iter().map(|point| point.id).collect::<Vec<_>>(),
                "embeddings": batch.iter().map(|point| &point.vector).collect::<Vec<_>>(),
                "metadatas": batch.iter().map(Point::metadata).collect::<Vec<_>>(),
                "documents": batch.iter().map(|point| &point.text).collect::<Vec<_>>(),
            });
            let path = self.path(&known, "upsert");
            self.server.ask(doing, Method::POST, &path, Some(&body)).await?.ok_or_else(|| self.server.gone(doing))?;
        }
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let Some(known) = self.known(collection).await? else { return Ok(()) };
        for batch in ids.chunks(PAGE) {
            let path = self.path(&known, "delete");
            self.server.ask("remove points", Method::POST, &path, Some(&json!({"ids": batch}))).await?;
        }
        Ok(())
    }

    async fn search(
        &self,
        collection: &str,
        vector: &[f32],
        top: usize,
        scope: &Scope,
    ) -> Result<Vec<Hit>, StoreError> {
        let nothing = matches!(scope, Scope::Documents(documents) if documents.is_empty());
        if top == 0 || nothing {
            return Ok(Vec::new());
        }
        let Some(known) = self.known(collection).await? else { return Ok(Vec::new()) };
        // Nothing was ever put in.
        let Some(expected) = known.dimension else { return Ok(Vec::new()) };
        if expected != vector.len() {
            return Err(StoreError::Dimension { expected, got: vector.len() });
        }
        let mut body = json!({"query_embeddings": [vector], "n_results": top, "include": ["metadatas", "distances"]});
        if let Scope::Documents(documents) = scope {
            let any: Vec<&Uuid> = documents.iter().collect();
            body["where"] = json!({"document_id": {"$in": any}});
        }
        let path = self.path(&known, "query");
        let Some(found) = self.server.ask("search", Method::POST, &path, Some(&body)).await? else {
            return Ok(Vec::new());
        };
        let list = |name: &str| found.pointer(&format!("/{name}/0")).and_then(Value::as_array);
        let (Some(metadata), Some(distances)) = (list("metadatas"), list("distances")) else {
            return Err(self.server.strange("a search without a result"));
        };
        let hits = metadata.iter().zip(distances).filter_map(|(metadata, distance)| {
            let distance = distance.as_f64()?;
            hit(metadata.as_object()?, if known.squared { 1.0 - distance / 2.0 } else { 1.0 - distance })
        });
        Ok(sorted(hits.collect(), top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let Some(known) = self.known(collection).await? else { return Ok(Vec::new()) };
        let mut ids = Vec::new();
        loop {
            let body = json!({"limit": PAGE, "offset": ids.len(), "include": []});
            let path = self.path(&known, "get");
            let Some(page) = self.server.ask("list points", Method::POST, &path, Some(&body)).await? else {
                return Ok(ids);
            };
            let page = page["ids"].as_array().ok_or_else(|| self.server.strange("a page without ids"))?;
            let full = page.len() >= PAGE;
            ids.extend(page.iter().filter_map(|id| id.as_str()?.parse::<Uuid>().ok()));
            if !full {
                return Ok(ids);
            }
        }
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        if self.known(collection).await?.is_some() {
            let path = format!("{}/{}", self.collections(), name(collection));
            self.server.ask("remove a collection", Method::DELETE, &path, None).await?;
        }
        Ok(())
    }
}
