//! Elasticsearch (8 and later) and OpenSearch (2 and later) over REST: much the same but for how vectors are said.

use async_trait::async_trait;
use ox_net::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Point, StoreError, VectorStore,
    point::{hit, sorted},
    rest::{Answer, Server},
};
use crate::node::{Hit, Scope};

const BATCH: usize = 200;
const PAGE: usize = 1000;
/// More candidates the servers refuse.
const CANDIDATES: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    Elasticsearch,
    OpenSearch,
}

pub(super) struct Elastic {
    pub server: Server,
    pub flavor: Flavor,
}

/// An index as the server knows it.
struct Known {
    dimension: usize,
    /// Whether scores come of squared lengths, as in indexes that Dify made in OpenSearch.
    squared: bool,
}

impl Elastic {
    async fn known(&self, index: &str) -> Result<Option<Known>, StoreError> {
        let body = self.server.ask("describe an index", Method::GET, &format!("/{index}/_mapping"), None).await?;
        let Some(body) = body else { return Ok(None) };
        let vector =
            body.as_object().and_then(|indexes| indexes.values().next()?.pointer("/mappings/properties/vector"));
        let vector = vector.ok_or_else(|| self.server.strange("an index without vectors"))?;
        let dimension = vector.get("dims").or_else(|| vector.get("dimension")).and_then(Value::as_u64);
        let dimension = dimension.and_then(|dimension| usize::try_from(dimension).ok());
        let space = vector.pointer("/method/space_type").or_else(|| vector.get("space_type")).and_then(Value::as_str);
        Ok(Some(Known {
            dimension: dimension.ok_or_else(|| self.server.strange("vectors without a dimension"))?,
            squared: self.flavor == Flavor::OpenSearch && space.is_none_or(|space| space == "l2"),
        }))
    }

    async fn create(&self, index: &str, dimension: usize) -> Result<(), StoreError> {
        let keyword = json!({"type": "keyword"});
        let vector = match self.flavor {
            Flavor::Elasticsearch => {
                json!({"type": "dense_vector", "dims": dimension, "index": true, "similarity": "cosine"})
            }
            Flavor::OpenSearch => json!({
                "type": "knn_vector",
                "dimension": dimension,
                "method": {"name": "hnsw", "space_type": "cosinesimil", "engine": "lucene",
                           "parameters": {"ef_construction": 64, "m": 16}},
            }),
        };
        let names = ["doc_id", "document_id", "dataset_id", "segment_id", "kind"];
        let metadata: serde_json::Map<String, Value> =
            names.into_iter().map(|name| (name.to_owned(), keyword.clone())).collect();
        let mut body = json!({"mappings": {"properties": {
            "page_content": {"type": "text"},
            "metadata": {"properties": metadata},
            "vector": vector,
        }}});
        if self.flavor == Flavor::OpenSearch {
            body["settings"] = json!({"index": {"knn": true}});
        }
        let answer = self.server.call(Method::PUT, &format!("/{index}"), Some(&body)).await?;
        // Somebody else may have made it meanwhile.
        if !matches!(answer.status, 200..300) && self.known(index).await?.is_none() {
            return Err(self.server.refused("make an index", &answer));
        }
        Ok(())
    }

    /// Sends lines of actions; what could not be done is an error, but for what was not there to be removed.
    async fn bulk(&self, doing: &'static str, lines: &[Value]) -> Result<(), StoreError> {
        let text: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
        let Answer { status, body } = self.server.lines("/_bulk?refresh=true", text).await?;
        if !matches!(status, 200..300) {
            return Err(self.server.refused(doing, &Answer { status, body }));
        }
        let items = body["items"].as_array().ok_or_else(|| self.server.strange("actions without results"))?;
        let failed = items.iter().filter_map(|item| item.as_object()?.values().next()?.get("error"));
        match failed.into_iter().next() {
            None => Ok(()),
            Some(error) => {
                let why = error.to_string().chars().take(500).collect();
                Err(StoreError::Refused { store: self.server.store, doing, why })
            }
        }
    }

    fn question(&self, vector: &[f32], top: usize, scope: &Scope) -> Value {
        let filter = match scope {
            Scope::All => None,
            Scope::Documents(documents) => {
                let ids: Vec<&Uuid> = documents.iter().collect();
                Some(json!({"terms": {"metadata.document_id": ids}}))
            }
        };
        let mut body = json!({"size": top, "_source": ["metadata"]});
        match self.flavor {
            Flavor::Elasticsearch => {
                let candidates = top.saturating_mul(3).div_ceil(2).clamp(top.max(50), CANDIDATES);
                body["knn"] =
                    json!({"field": "vector", "query_vector": vector, "k": top, "num_candidates": candidates});
                if let Some(filter) = filter {
                    body["knn"]["filter"] = filter;
                }
            }
            Flavor::OpenSearch => {
                let mut knn = json!({"vector": vector, "k": top});
                if let Some(filter) = filter {
                    knn["filter"] = filter;
                }
                body["query"] = json!({"knn": {"vector": knn}});
            }
        }
        body
    }
}

/// Compat: Dify's name in small letters; the servers take no others.
fn name(collection: &str) -> String {
    collection.to_lowercase()
}

#[async_trait]
impl VectorStore for Elastic {
    fn name(&self) -> &'static str {
        self.server.store
    }

    fn place(&self) -> String {
        self.server.base.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "tell its version";
        let body = self.server.ask(doing, Method::GET, "/", None).await?.ok_or_else(|| self.server.gone(doing))?;
        let version = body.pointer("/version/number").and_then(Value::as_str);
        let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        let least = if self.flavor == Flavor::Elasticsearch { 8 } else { 2 };
        match major {
            None => Err(self.server.strange("no version")),
            Some(major) if major < least => {
                let why = format!("it is version {}; {least} or later is needed", version.unwrap_or_default());
                Err(StoreError::Refused { store: self.server.store, doing, why })
            }
            Some(_) => Ok(()),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        let (index, got) = (name(collection), first.vector.len());
        match self.known(&index).await? {
            None => self.create(&index, got).await?,
            Some(known) if known.dimension != got => {
                return Err(StoreError::Dimension { expected: known.dimension, got });
            }
            Some(_) => {}
        }
        for batch in points.chunks(BATCH) {
            let action = |point: &Point| {
                let what = json!({"page_content": point.text, "metadata": point.metadata(), "vector": point.vector});
                [json!({"index": {"_index": index, "_id": point.id}}), what]
            };
            let lines: Vec<Value> = batch.iter().flat_map(action).collect();
            self.bulk("store points", &lines).await?;
        }
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        let index = name(collection);
        // An action would make the index.
        if ids.is_empty() || self.known(&index).await?.is_none() {
            return Ok(());
        }
        for batch in ids.chunks(PAGE) {
            let lines: Vec<Value> = batch.iter().map(|id| json!({"delete": {"_index": index, "_id": id}})).collect();
            self.bulk("remove points", &lines).await?;
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
        let index = name(collection);
        let top = top.min(CANDIDATES);
        let nothing = matches!(scope, Scope::Documents(documents) if documents.is_empty());
        if top == 0 || nothing {
            return Ok(Vec::new());
        }
        let Some(known) = self.known(&index).await? else { return Ok(Vec::new()) };
        if known.dimension != vector.len() {
            return Err(StoreError::Dimension { expected: known.dimension, got: vector.len() });
        }
        let body = self.question(vector, top, scope);
        let found = self.server.ask("search", Method::POST, &format!("/{index}/_search"), Some(&body)).await?;
        let Some(found) = found else { return Ok(Vec::new()) };
        let list = found.pointer("/hits/hits").and_then(Value::as_array);
        let list = list.ok_or_else(|| self.server.strange("a search without hits"))?;
        let hits = list.iter().filter_map(|found| {
            let score = found["_score"].as_f64()?;
            // One over one and the squared length, which is two less twice the cosine; or half of one and the cosine.
            let cosine = if known.squared { 1.0 - (1.0 / score - 1.0) / 2.0 } else { 2.0 * score - 1.0 };
            hit(found.pointer("/_source/metadata")?.as_object()?, cosine)
        });
        Ok(sorted(hits.collect(), top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let doing = "list points";
        let path = format!("/{}/_search?scroll=1m", name(collection));
        let body = json!({"size": PAGE, "_source": false, "sort": ["_doc"]});
        let mut ids = Vec::new();
        let Some(mut page) = self.server.ask(doing, Method::POST, &path, Some(&body)).await? else { return Ok(ids) };
        loop {
            let hits = page.pointer("/hits/hits").and_then(Value::as_array);
            let hits = hits.ok_or_else(|| self.server.strange("a page without hits"))?;
            let scroll = page["_scroll_id"].as_str().unwrap_or_default().to_owned();
            ids.extend(hits.iter().filter_map(|hit| hit["_id"].as_str()?.parse::<Uuid>().ok()));
            if hits.len() < PAGE {
                let body = json!({"scroll_id": [scroll]});
                self.server.ask(doing, Method::DELETE, "/_search/scroll", Some(&body)).await?;
                return Ok(ids);
            }
            let body = json!({"scroll": "1m", "scroll_id": scroll});
            let next = self.server.ask(doing, Method::POST, "/_search/scroll", Some(&body)).await?;
            page = next.ok_or_else(|| self.server.gone(doing))?;
        }
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        let path = format!("/{}", name(collection));
        self.server.ask("remove an index", Method::DELETE, &path, None).await?;
        Ok(())
    }
}
