//! Elasticsearch and OpenSearch, by their published interfaces: every call is checked, and answered as the servers do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ox_net::{Egress, Policy};
use ox_vector::{Scope, StoreError, VectorStore, connect};
use serde_json::{Value, json};

use crate::{
    fake::{Asked, best, cosine, only, serve},
    suite,
};

struct Index {
    mapping: Value,
    documents: BTreeMap<String, Value>,
}

struct Fake {
    open: bool,
    indexes: BTreeMap<String, Index>,
    /// What is left of the one list that is being read.
    scrolled: Vec<String>,
}

fn missing(name: &str) -> (u16, Value) {
    (
        404,
        json!({"error": {"type": "index_not_found_exception", "reason": format!("no such index [{name}]")}, "status": 404}),
    )
}

impl Fake {
    fn new(open: bool) -> Self {
        Self { open, indexes: BTreeMap::new(), scrolled: Vec::new() }
    }

    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        // elastic:secret
        if asked.header("authorization") != Some("Basic ZWxhc3RpYzpzZWNyZXQ=") {
            return (401, json!({"error": "Unauthorized", "status": 401}));
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body = &asked.body;
        match (asked.method.as_str(), &parts[..]) {
            ("GET", [""]) => (200, json!({"version": {"number": if self.open { "2.19.0" } else { "8.15.1" }}})),
            ("POST", ["_bulk"]) => {
                assert_eq!((query, asked.header("content-type")), ("refresh=true", Some("application/x-ndjson")));
                self.bulk(body.as_array().unwrap())
            }
            ("POST", ["_search", "scroll"]) => {
                assert_eq!((&body["scroll"], &body["scroll_id"]), (&json!("1m"), &json!("reading")));
                self.page(1000)
            }
            ("DELETE", ["_search", "scroll"]) => (200, json!({"succeeded": true, "num_freed": 1})),
            ("PUT", [name]) => self.create(name, body),
            ("DELETE", [name]) => match self.indexes.remove(*name) {
                Some(_) => (200, json!({"acknowledged": true})),
                None => missing(name),
            },
            ("GET", [name, "_mapping"]) => match self.indexes.get(*name) {
                Some(index) => (200, json!({*name: {"mappings": index.mapping}})),
                None => missing(name),
            },
            ("POST", [name, "_search"]) => {
                let Some(index) = self.indexes.get(*name) else { return missing(name) };
                if query == "scroll=1m" {
                    only(body, &["size", "_source", "sort"]);
                    self.scrolled = index.documents.keys().rev().cloned().collect();
                    return self.page(body["size"].as_u64().unwrap() as usize);
                }
                index.search(self.open, body)
            }
            other => panic!("no such call: {other:?}"),
        }
    }

    fn page(&mut self, size: usize) -> (u16, Value) {
        let rest = self.scrolled.len().saturating_sub(size);
        let hits: Vec<Value> = self.scrolled.split_off(rest).iter().rev().map(|id| json!({"_id": id})).collect();
        (200, json!({"_scroll_id": "reading", "hits": {"hits": hits}}))
    }

    fn create(&mut self, name: &str, body: &Value) -> (u16, Value) {
        assert_eq!(name, name.to_lowercase());
        let vector = &body["mappings"]["properties"]["vector"];
        if self.open {
            assert_eq!(body["settings"], json!({"index": {"knn": true}}));
            assert_eq!(
                (&vector["type"], &vector["method"]["space_type"]),
                (&json!("knn_vector"), &json!("cosinesimil"))
            );
        } else {
            only(body, &["mappings"]);
            assert_eq!((&vector["type"], &vector["similarity"]), (&json!("dense_vector"), &json!("cosine")));
        }
        assert_eq!(body["mappings"]["properties"]["metadata"]["properties"]["document_id"], json!({"type": "keyword"}));
        self.indexes.insert(name.to_owned(), Index { mapping: body["mappings"].clone(), documents: BTreeMap::new() });
        (200, json!({"acknowledged": true, "index": name}))
    }

    fn bulk(&mut self, lines: &[Value]) -> (u16, Value) {
        let mut lines = lines.iter();
        let mut items = Vec::new();
        while let Some(line) = lines.next() {
            let (action, what) = line.as_object().unwrap().iter().next().unwrap();
            let index = self.indexes.get_mut(what["_index"].as_str().unwrap()).expect("an action would make an index");
            let id = what["_id"].as_str().unwrap().to_owned();
            let done = match action.as_str() {
                "index" => {
                    let document = lines.next().unwrap();
                    only(document, &["page_content", "metadata", "vector"]);
                    assert_eq!(document["metadata"]["doc_id"], json!(id));
                    index.documents.insert(id.clone(), document.clone());
                    json!({"_id": id, "status": 201})
                }
                "delete" => {
                    let found = index.documents.remove(&id).is_some();
                    json!({"_id": id, "status": if found { 200 } else { 404 }, "result": if found { "deleted" } else { "not_found" }})
                }
                other => panic!("no such action: {other}"),
            };
            items.push(json!({action: done}));
        }
        (200, json!({"errors": false, "items": items}))
    }
}

impl Index {
    fn search(&self, open: bool, body: &Value) -> (u16, Value) {
        assert_eq!(body["_source"], json!(["metadata"]));
        let knn = if open { &body["query"]["knn"]["vector"] } else { &body["knn"] };
        let query = if open {
            only(body, &["size", "_source", "query"]);
            only(knn, &["vector", "k", "filter"]);
            &knn["vector"]
        } else {
            only(body, &["size", "_source", "knn"]);
            only(knn, &["field", "query_vector", "k", "num_candidates", "filter"]);
            let candidates = knn["num_candidates"].as_u64().unwrap();
            assert!(candidates >= knn["k"].as_u64().unwrap() && candidates <= 10_000);
            &knn["query_vector"]
        };
        assert_eq!(knn["k"], body["size"]);
        let any = knn.pointer("/filter/terms/metadata.document_id").and_then(Value::as_array);
        assert!(any.is_some() || knn["filter"].is_null());
        let squared = self.mapping.pointer("/properties/vector/method/space_type") == Some(&json!("l2"));
        let inside = |document: &&Value| any.is_none_or(|any| any.contains(&document["metadata"]["document_id"]));
        let scored = self.documents.values().filter(inside);
        let scored =
            scored.map(|document| (cosine(&document["vector"], query), document["metadata"].clone())).collect();
        let hits: Vec<Value> = best(scored, &knn["k"])
            .into_iter()
            .map(|(cosine, metadata)| {
                let score = if squared { 1.0 / (1.0 + 2.0 - 2.0 * cosine) } else { f64::midpoint(1.0, cosine) };
                json!({"_score": score, "_source": {"metadata": metadata}})
            })
            .collect();
        (200, json!({"hits": {"hits": hits}}))
    }
}

fn store(settings: &[(&str, &str)]) -> Arc<dyn VectorStore> {
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

fn elasticsearch(url: &str, password: &str) -> Arc<dyn VectorStore> {
    let (host, port) = url.rsplit_once(':').unwrap();
    store(&[
        ("VECTOR_STORE", "elasticsearch"),
        ("ELASTICSEARCH_HOST", host),
        ("ELASTICSEARCH_PORT", port),
        ("ELASTICSEARCH_PASSWORD", password),
    ])
}

fn opensearch(url: &str) -> Arc<dyn VectorStore> {
    let (host, port) = url.rsplit_once(':').unwrap();
    store(&[
        ("VECTOR_STORE", "opensearch"),
        ("OPENSEARCH_HOST", host.trim_start_matches("http://")),
        ("OPENSEARCH_PORT", port),
        ("OPENSEARCH_USER", "elastic"),
        ("OPENSEARCH_PASSWORD", "secret"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn elasticsearch_does_what_every_store_does() {
    let fake = Mutex::new(Fake::new(false));
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    suite::run(&*elasticsearch(&url, "secret")).await;
    let wrong = elasticsearch(&url, "other").check().await;
    assert!(matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("401")), "{wrong:?}");
    let old = serve(|_| (200, json!({"version": {"number": "7.17.0"}})));
    let wrong = elasticsearch(&old, "secret").check().await;
    assert!(matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("7.17.0")), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_does_what_every_store_does() {
    let fake = Mutex::new(Fake::new(true));
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    suite::run(&*opensearch(&url)).await;
}

/// Dify's indexes in OpenSearch measure squared lengths.
#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_dify_give_cosines_too() {
    let mut fake = Fake::new(true);
    let (id, of) = (uuid::Uuid::from_u128(4), uuid::Uuid::from_u128(5));
    let vector = json!({"type": "knn_vector", "dimension": 2, "method": {"name": "hnsw", "space_type": "l2", "engine": "faiss"}});
    let document = json!({"page_content": "old", "vector": [0.6, 0.8], "metadata": {"doc_id": id, "document_id": of}});
    let mapping = json!({"properties": {"vector": vector}});
    let documents = BTreeMap::from([(id.to_string(), document)]);
    fake.indexes.insert("vector_index_old_node".to_owned(), Index { mapping, documents });
    let fake = Mutex::new(fake);
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    let hits = opensearch(&url).search("Vector_index_old_Node", &[0.0, 1.0], 3, &Scope::All).await.unwrap();
    assert_eq!(hits.len(), 1);
    assert!((hits[0].score - 0.8).abs() < 1e-5 && hits[0].document_id == of, "{hits:?}");
}
