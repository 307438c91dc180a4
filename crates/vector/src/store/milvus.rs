//! Milvus over its REST interface (version 2 of it: 2.4 and later).
//!
//! Compat: Dify's collections have numbers for ids that the server makes, so that nothing can be put in twice without
//! being there twice. Ours have the point's; what Dify stored is not read.

use async_trait::async_trait;
use ox_net::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Point, StoreError, VectorStore,
    point::{hit, sorted},
    rest::Server,
};
use crate::node::{Hit, Scope};

const BATCH: usize = 200;
/// Ids of one condition.
const NAMED: usize = 1000;
/// More rows are not answered to one question.
const PAGE: u64 = 16_384;
/// Bytes of a text field, at most.
const TEXT: usize = 65_535;
/// What is told of a point.
const TOLD: [&str; 5] = ["doc_id", "document_id", "dataset_id", "segment_id", "kind"];
/// The code of a collection that is not there; older servers say it in words.
const NOT_FOUND: i64 = 100;

pub(super) struct Milvus {
    pub server: Server,
    pub database: String,
}

impl Milvus {
    /// What a call answers; `None` if its collection is absent.
    async fn ask(&self, doing: &'static str, path: &str, mut body: Value) -> Result<Option<Value>, StoreError> {
        body["dbName"] = json!(self.database);
        let answer = self.server.call(Method::POST, &format!("/v2/vectordb/{path}"), Some(&body)).await?;
        if !matches!(answer.status, 200..300) {
            return Err(self.server.refused(doing, &answer));
        }
        let code = answer.body["code"].as_i64().ok_or_else(|| self.server.strange("an answer without a code"))?;
        let said = answer.body["message"].as_str().unwrap_or_default();
        match code {
            0 | 200 => Ok(Some(answer.body["data"].clone())),
            NOT_FOUND => Ok(None),
            _ if said.contains("can't find collection") => Ok(None),
            _ => {
                let why = format!("{code} {}", said.chars().take(500).collect::<String>());
                Err(StoreError::Refused { store: self.server.store, doing, why })
            }
        }
    }

    /// The dimension of a collection; `None` if it is absent.
    async fn dimension(&self, collection: &str) -> Result<Option<usize>, StoreError> {
        let doing = "describe a collection";
        let Some(found) = self.ask(doing, "collections/describe", json!({"collectionName": collection})).await? else {
            return Ok(None);
        };
        let fields = found["fields"].as_array().ok_or_else(|| self.server.strange("a collection without fields"))?;
        let field = |name: &str| fields.iter().find(|field| field["name"] == name);
        if field("doc_id").is_none_or(|field| field["primaryKey"] != true) {
            let why = format!(
                "the collection {collection} was made by another program: remove it there, or set \
                 VECTOR_INDEX_NAME_PREFIX to a name of its own"
            );
            return Err(StoreError::Refused { store: self.server.store, doing, why });
        }
        let params = field("vector").and_then(|field| field["params"].as_array());
        let told = params.and_then(|params| params.iter().find(|param| param["key"] == "dim"));
        let told = told.and_then(|param| param["value"].as_str()?.parse().ok());
        told.map(Some).ok_or_else(|| self.server.strange("a collection without a vector size"))
    }

    async fn create(&self, collection: &str, dimension: usize) -> Result<(), StoreError> {
        let text = |name: &str, length: usize| json!({"fieldName": name, "dataType": "VarChar", "elementTypeParams": {"max_length": length}});
        let mut fields: Vec<Value> = TOLD.iter().map(|name| text(name, 36)).collect();
        if let Some(id) = fields.first_mut() {
            id["isPrimary"] = json!(true);
        }
        fields.push(text("page_content", TEXT));
        let size = json!({"dim": dimension});
        fields.push(json!({"fieldName": "vector", "dataType": "FloatVector", "elementTypeParams": size}));
        let index = json!({
            "fieldName": "vector",
            "indexName": "vector",
            "metricType": "COSINE",
            "params": {"index_type": "HNSW", "M": 8, "efConstruction": 64},
        });
        // A collection that is made with its index is loaded at once.
        let body = json!({
            "collectionName": collection,
            "schema": {"autoId": false, "enableDynamicField": false, "fields": fields},
            "indexParams": [index],
            "params": {"consistencyLevel": "Strong"},
        });
        match self.ask("make a collection", "collections/create", body).await {
            Ok(_) => Ok(()),
            // Somebody else may have made it meanwhile.
            Err(error) => match self.dimension(collection).await? {
                Some(_) => Ok(()),
                None => Err(error),
            },
        }
    }

    /// All ids, in ranges that hold no more than the server answers to one question.
    async fn list(&self, collection: &str, ids: &mut Vec<Uuid>) -> Result<(), StoreError> {
        let doing = "list points";
        let strange = |why: &str| self.server.strange(why);
        let mut ranges = vec![(u128::MIN, u128::MAX)];
        while let Some((from, to)) = ranges.pop() {
            let (first, last) = (Uuid::from_u128(from), Uuid::from_u128(to));
            let question = |output: &str| {
                json!({
                    "collectionName": collection,
                    "filter": format!("doc_id >= \"{first}\" and doc_id <= \"{last}\""),
                    "outputFields": [output],
                    "consistencyLevel": "Strong",
                })
            };
            let Some(counted) = self.ask(doing, "entities/query", question("count(*)")).await? else { return Ok(()) };
            let count = counted.pointer("/0/count(*)").and_then(Value::as_u64);
            let count = count.ok_or_else(|| strange("no count"))?;
            if count > PAGE && from < to {
                let middle = from + (to - from) / 2;
                ranges.extend([(middle + 1, to), (from, middle)]);
                continue;
            }
            if count == 0 {
                continue;
            }
            let mut question = question("doc_id");
            question["limit"] = json!(PAGE);
            let Some(page) = self.ask(doing, "entities/query", question).await? else { return Ok(()) };
            let page = page.as_array().ok_or_else(|| strange("a page without points"))?;
            ids.extend(page.iter().filter_map(|row| row["doc_id"].as_str()?.parse::<Uuid>().ok()));
        }
        Ok(())
    }
}

/// A condition that a field is one of these. Ids have nothing that would need escaping.
fn one_of<'a>(field: &str, ids: impl Iterator<Item = &'a Uuid>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("{field} in [{}]", ids.join(","))
}

fn row(point: &Point) -> Value {
    let mut end = TEXT.min(point.text.len());
    while !point.text.is_char_boundary(end) {
        end -= 1;
    }
    let mut row = point.metadata();
    row["page_content"] = json!(point.text.get(..end).unwrap_or_default());
    row["vector"] = json!(point.vector);
    row
}

#[async_trait]
impl VectorStore for Milvus {
    fn name(&self) -> &'static str {
        self.server.store
    }

    fn place(&self) -> String {
        format!("{}/{}", self.server.base, self.database)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "list its collections";
        match self.ask(doing, "collections/list", json!({})).await? {
            Some(Value::Array(_)) => Ok(()),
            Some(_) => Err(self.server.strange("no list of collections")),
            None => Err(self.server.gone(doing)),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        let got = first.vector.len();
        match self.dimension(collection).await? {
            None => self.create(collection, got).await?,
            Some(expected) if expected != got => return Err(StoreError::Dimension { expected, got }),
            Some(_) => {}
        }
        let doing = "store points";
        for batch in points.chunks(BATCH) {
            // A call may not name a point twice: the last of them counts.
            let mut once: Map<String, Value> = Map::new();
            for point in batch {
                once.insert(point.id.to_string(), row(point));
            }
            let rows: Vec<Value> = once.into_iter().map(|(_, row)| row).collect();
            let body = json!({"collectionName": collection, "data": rows});
            self.ask(doing, "entities/upsert", body).await?.ok_or_else(|| self.server.gone(doing))?;
        }
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        for batch in ids.chunks(NAMED) {
            let body = json!({"collectionName": collection, "filter": one_of("doc_id", batch.iter())});
            self.ask("remove points", "entities/delete", body).await?;
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
        match self.dimension(collection).await? {
            None => return Ok(Vec::new()),
            Some(expected) if expected != vector.len() => {
                return Err(StoreError::Dimension { expected, got: vector.len() });
            }
            Some(_) => {}
        }
        let mut body = json!({
            "collectionName": collection,
            "data": [vector],
            "annsField": "vector",
            "limit": top,
            "outputFields": TOLD,
            "searchParams": {"metricType": "COSINE", "params": {"ef": top.saturating_mul(2).clamp(64, 32_768)}},
            "consistencyLevel": "Strong",
        });
        if let Scope::Documents(documents) = scope {
            body["filter"] = json!(one_of("document_id", documents.iter()));
        }
        let Some(found) = self.ask("search", "entities/search", body).await? else { return Ok(Vec::new()) };
        let found = found.as_array().ok_or_else(|| self.server.strange("a search without a result"))?;
        // The measure of closeness, whatever its name says.
        let hits = found.iter().filter_map(|row| hit(row.as_object()?, row["distance"].as_f64()?));
        Ok(sorted(hits.collect(), top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let mut ids = Vec::new();
        self.list(collection, &mut ids).await?;
        Ok(ids)
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        self.ask("remove a collection", "collections/drop", json!({"collectionName": collection})).await?;
        Ok(())
    }
}
