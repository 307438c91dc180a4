//! Qdrant over its REST interface (1.8 and later).

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

/// Points of one call.
const BATCH: usize = 64;
const PAGE: usize = 1000;

pub(super) struct Qdrant {
    pub server: Server,
    pub replicas: u32,
}

impl Qdrant {
    /// The dimension of a collection; `None` if it is absent.
    async fn dimension(&self, collection: &str) -> Result<Option<usize>, StoreError> {
        let path = format!("/collections/{collection}");
        let Some(body) = self.server.ask("describe a collection", Method::GET, &path, None).await? else {
            return Ok(None);
        };
        let size = body.pointer("/result/config/params/vectors/size").and_then(Value::as_u64);
        let size = size.ok_or_else(|| self.server.strange("a collection without a vector size"))?;
        Ok(usize::try_from(size).ok())
    }

    async fn create(&self, collection: &str, dimension: usize) -> Result<(), StoreError> {
        let doing = "make a collection";
        let body = json!({
            "vectors": {"size": dimension, "distance": "Cosine"},
            "replication_factor": self.replicas,
        });
        let answer = self.server.call(Method::PUT, &format!("/collections/{collection}"), Some(&body)).await?;
        // Somebody else may have made it meanwhile.
        if !matches!(answer.status, 200..300 | 409) && self.dimension(collection).await?.is_none() {
            return Err(self.server.refused(doing, &answer));
        }
        let path = format!("/collections/{collection}/index?wait=true");
        for field in ["metadata.document_id", "metadata.doc_id", "group_id"] {
            let body = json!({"field_name": field, "field_schema": "keyword"});
            self.server.ask(doing, Method::PUT, &path, Some(&body)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl VectorStore for Qdrant {
    fn name(&self) -> &'static str {
        self.server.store
    }

    fn place(&self) -> String {
        self.server.base.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "list its collections";
        let body = self.server.ask(doing, Method::GET, "/collections", None).await?;
        match body {
            Some(body) if body["result"]["collections"].is_array() => Ok(()),
            Some(_) => Err(self.server.strange("no list of collections")),
            None => Err(self.server.gone(doing)),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        match self.dimension(collection).await? {
            None => self.create(collection, first.vector.len()).await?,
            Some(expected) if expected != first.vector.len() => {
                return Err(StoreError::Dimension { expected, got: first.vector.len() });
            }
            Some(_) => {}
        }
        let doing = "store points";
        for batch in points.chunks(BATCH) {
            let points: Vec<Value> = batch
                .iter()
                .map(|point| {
                    json!({
                        "id": point.id,
                        "vector": point.vector,
                        "payload": {
                            "page_content": point.text,
                            "group_id": point.dataset_id,
                            "metadata": point.metadata(),
                        },
                    })
                })
                .collect();
            let path = format!("/collections/{collection}/points?wait=true");
            let body = json!({"points": points});
            self.server.ask(doing, Method::PUT, &path, Some(&body)).await?.ok_or_else(|| self.server.gone(doing))?;
        }
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        for batch in ids.chunks(PAGE) {
            let path = format!("/collections/{collection}/points/delete?wait=true");
            self.server.ask("remove points", Method::POST, &path, Some(&json!({"points": batch}))).await?;
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
        let mut body = json!({
            "vector": vector,
            "limit": top,
            "with_payload": {"include": ["metadata"]},
            "with_vector": false,
        });
        if let Scope::Documents(documents) = scope {
            if documents.is_empty() {
                return Ok(Vec::new());
            }
            let any: Vec<&Uuid> = documents.iter().collect();
            body["filter"] = json!({"must": [{"key": "metadata.document_id", "match": {"any": any}}]});
        }
        if top == 0 {
            return Ok(Vec::new());
        }
        let path = format!("/collections/{collection}/points/search");
        let Some(found) = self.server.ask("search", Method::POST, &path, Some(&body)).await? else {
            return Ok(Vec::new());
        };
        let found = found["result"].as_array().ok_or_else(|| self.server.strange("a search without a result"))?;
        let hits = found
            .iter()
            .filter_map(|point| hit(point.pointer("/payload/metadata")?.as_object()?, point.get("score")?.as_f64()?));
        Ok(sorted(hits.collect(), top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let path = format!("/collections/{collection}/points/scroll");
        let mut ids = Vec::new();
        let mut offset = Value::Null;
        loop {
            let mut body = json!({"limit": PAGE, "with_payload": false, "with_vector": false});
            if !offset.is_null() {
                body["offset"] = offset;
            }
            let Some(page) = self.server.ask("list points", Method::POST, &path, Some(&body)).await? else {
                return Ok(ids);
            };
            let points = page.pointer("/result/points").and_then(Value::as_array);
            let points = points.ok_or_else(|| self.server.strange("a page without points"))?;
            ids.extend(points.iter().filter_map(|point| point["id"].as_str()?.parse::<Uuid>().ok()));
            offset = page.pointer("/result/next_page_offset").cloned().unwrap_or_default();
            if offset.is_null() || points.is_empty() {
                return Ok(ids);
            }
        }
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        let path = format!("/collections/{collection}");
        self.server.ask("remove a collection", Method::DELETE, &path, None).await?;
        Ok(())
    }
}
