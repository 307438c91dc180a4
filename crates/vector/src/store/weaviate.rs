//! Weaviate over its REST and GraphQL interfaces (1.22 and later).

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

const PAGE: usize = 500;
/// What is told of a point; of those that Dify stored only the first two are known.
const TOLD: [&str; 5] = ["doc_id", "document_id", "dataset_id", "segment_id", "kind"];

pub(super) struct Weaviate {
    pub server: Server,
    pub batch: usize,
    pub tokenization: String,
}

impl Weaviate {
    async fn exists(&self, class: &str) -> Result<bool, StoreError> {
        let path = format!("/v1/schema/{class}");
        Ok(self.server.ask("describe a class", Method::GET, &path, None).await?.is_some())
    }

    async fn create(&self, class: &str) -> Result<(), StoreError> {
        let mut properties = vec![json!({"name": "text", "dataType": ["text"], "tokenization": self.tokenization})];
        properties.extend(TOLD.map(|name| json!({"name": name, "dataType": ["text"], "tokenization": "field"})));
        let body = json!({
            "class": class,
            "vectorizer": "none",
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": {"distance": "cosine"},
            "properties": properties,
        });
        let answer = self.server.call(Method::POST, "/v1/schema", Some(&body)).await?;
        // Somebody else may have made it meanwhile.
        if !matches!(answer.status, 200..300) && !self.exists(class).await? {
            return Err(self.server.refused("make a class", &answer));
        }
        Ok(())
    }

    /// The dimension of what is in a class; `None` if there is nothing.
    async fn dimension(&self, class: &str) -> Result<Option<usize>, StoreError> {
        let path = format!("/v1/objects?class={class}&limit=1&include=vector");
        let body = self.server.ask("describe a class", Method::GET, &path, None).await?;
        let vector = body.as_ref().and_then(|body| body.pointer("/objects/0/vector")?.as_array());
        Ok(vector.map(Vec::len).filter(|dimension| *dimension > 0))
    }

    async fn graphql(&self, query: &str) -> Result<Value, StoreError> {
        let doing = "search";
        let body = self.server.ask(doing, Method::POST, "/v1/graphql", Some(&json!({"query": query}))).await?;
        body.ok_or_else(|| self.server.gone(doing))
    }
}

/// A class begins with a capital letter.
fn class(collection: &str) -> String {
    let mut letters = collection.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A question for the nearest of a class. Identifiers and numbers have nothing that would need escaping.
fn nearest(class: &str, vector: &[f32], top: usize, scope: &Scope, told: &[&str]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    let filter = match scope {
        Scope::All => String::new(),
        Scope::Documents(documents) => {
            let ids: Vec<String> = documents.iter().map(|id| format!("\"{id}\"")).collect();
            let ids = ids.join(",");
            format!(", where: {{path: [\"document_id\"], operator: ContainsAny, valueText: [{ids}]}}")
        }
    };
    let (vector, told) = (numbers.join(","), told.join(" "));
    format!(
        "{{ Get {{ {class}(nearVector: {{vector: [{vector}]}}, limit: {top}{filter}) \
         {{ {told} _additional {{ distance }} }} }} }}"
    )
}

/// What GraphQL says went wrong.
fn errors(body: &Value) -> Option<String> {
    let errors = body["errors"].as_array().filter(|errors| !errors.is_empty())?;
    Some(errors.iter().filter_map(|error| error["message"].as_str()).collect::<Vec<_>>().join("; "))
}

#[async_trait]
impl VectorStore for Weaviate {
    fn name(&self) -> &'static str {
        self.server.store
    }

    fn place(&self) -> String {
        self.server.base.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        let doing = "tell its version";
        match self.server.ask(doing, Method::GET, "/v1/meta", None).await? {
            Some(body) if body["version"].is_string() => Ok(()),
            Some(_) => Err(self.server.strange("no version")),
            None => Err(self.server.gone(doing)),
        }
    }

    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError> {
        let Some(first) = points.first() else { return Ok(()) };
        let class = class(collection);
        if self.exists(&class).await? {
            let got = first.vector.len();
            if let Some(expected) = self.dimension(&class).await?.filter(|dimension| *dimension != got) {
                return Err(StoreError::Dimension { expected, got });
            }
        } else {
            self.create(&class).await?;
        }
        let doing = "store points";
        for batch in points.chunks(self.batch.max(1)) {
            let objects: Vec<Value> = batch
                .iter()
                .map(|point| {
                    let mut properties = point.metadata();
                    properties["text"] = json!(point.text);
                    // The id is the point's, never made from the text: equal texts are two points.
                    json!({"class": class, "id": point.id, "properties": properties, "vector": point.vector})
                })
                .collect();
            let body = json!({"objects": objects});
            let answer = self.server.ask(doing, Method::POST, "/v1/batch/objects", Some(&body)).await?;
            let answer = answer.ok_or_else(|| self.server.gone(doing))?;
            let results = answer.as_array().ok_or_else(|| self.server.strange("a batch without results"))?;
            for result in results {
                if let Some(error) = result.pointer("/result/errors/error/0/message").and_then(Value::as_str) {
                    return Err(StoreError::Refused { store: self.server.store, doing, why: error.to_owned() });
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError> {
        let class = class(collection);
        if ids.is_empty() || !self.exists(&class).await? {
            return Ok(());
        }
        let doing = "remove points";
        for batch in ids.chunks(PAGE) {
            // By the property, because objects that Dify stored have ids made from their text.
            let condition = json!({"path": ["doc_id"], "operator": "ContainsAny", "valueTextArray": batch});
            let body = json!({"match": {"class": class, "where": condition}, "output": "minimal"});
            let answer = self.server.ask(doing, Method::DELETE, "/v1/batch/objects", Some(&body)).await?;
            let failed = answer.as_ref().and_then(|answer| answer.pointer("/results/failed")?.as_u64()).unwrap_or(0);
            if failed > 0 {
                let why = format!("{failed} of them could not be removed");
                return Err(StoreError::Refused { store: self.server.store, doing, why });
            }
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
        let class = class(collection);
        let nothing = matches!(scope, Scope::Documents(documents) if documents.is_empty());
        if top == 0 || nothing || !self.exists(&class).await? {
            return Ok(Vec::new());
        }
        let mut body = self.graphql(&nearest(&class, vector, top, scope, &TOLD)).await?;
        if errors(&body).is_some_and(|error| error.contains("Cannot query field")) {
            let known = TOLD.get(..2).unwrap_or_default();
            body = self.graphql(&nearest(&class, vector, top, scope, known)).await?;
        }
        if let Some(why) = errors(&body) {
            return Err(StoreError::Refused { store: self.server.store, doing: "search", why });
        }
        let found = body.pointer(&format!("/data/Get/{class}")).and_then(Value::as_array);
        let found = found.ok_or_else(|| self.server.strange("a search without a result"))?;
        let hits = found.iter().filter_map(|object| {
            let distance = object.pointer("/_additional/distance")?.as_f64()?;
            hit(object.as_object()?, 1.0 - distance)
        });
        Ok(sorted(hits.collect(), top))
    }

    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError> {
        let class = class(collection);
        let mut ids = Vec::new();
        if !self.exists(&class).await? {
            return Ok(ids);
        }
        let mut after = String::new();
        loop {
            let path = format!("/v1/objects?class={class}&limit={PAGE}&after={after}");
            let Some(page) = self.server.ask("list points", Method::GET, &path, None).await? else { return Ok(ids) };
            let objects = page["objects"].as_array().ok_or_else(|| self.server.strange("a page without objects"))?;
            let point = |object: &Value| object.get("properties").and_then(Value::as_object).and_then(id_of);
            ids.extend(objects.iter().filter_map(point));
            match objects.last().and_then(|last| last["id"].as_str()) {
                Some(last) if objects.len() >= PAGE => after = last.to_owned(),
                _ => return Ok(ids),
            }
        }
    }

    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError> {
        let path = format!("/v1/schema/{}", class(collection));
        self.server.ask("remove a class", Method::DELETE, &path, None).await?;
        Ok(())
    }
}

fn id_of(properties: &Map<String, Value>) -> Option<Uuid> {
    properties.get("doc_id")?.as_str()?.parse().ok()
}
