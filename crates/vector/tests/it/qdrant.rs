//! Qdrant, by its published interface: every call is checked, and answered as the server does.

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

#[derive(Default)]
struct Collection {
    size: usize,
    indexed: Vec<String>,
    points: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Fake {
    collections: BTreeMap<String, Collection>,
}

fn done(result: Value) -> (u16, Value) {
    (200, json!({"result": result, "status": "ok", "time": 0.001}))
}

fn refused(status: u16, why: &str) -> (u16, Value) {
    (status, json!({"status": {"error": why}, "time": 0.0}))
}

impl Fake {
    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        if asked.header("api-key") != Some("secret") {
            return refused(403, "Invalid API key or JWT");
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body = &asked.body;
        match (asked.method.as_str(), &parts[..]) {
            ("GET", ["collections"]) => {
                let names: Vec<Value> = self.collections.keys().map(|name| json!({"name": name})).collect();
                done(json!({"collections": names}))
            }
            ("PUT", ["collections", name]) => {
                only(body, &["vectors", "replication_factor"]);
                assert_eq!((&body["vectors"]["distance"], &body["replication_factor"]), (&json!("Cosine"), &json!(2)));
                if self.collections.contains_key(*name) {
                    return refused(409, "Wrong input: Collection already exists!");
                }
                let size = body["vectors"]["size"].as_u64().unwrap() as usize;
                self.collections.insert((*name).to_owned(), Collection { size, ..Collection::default() });
                done(json!(true))
            }
            ("DELETE", ["collections", name]) => done(json!(self.collections.remove(*name).is_some())),
            (_, ["collections", name, ..]) => {
                let Some(collection) = self.collections.get_mut(*name) else {
                    return refused(404, &format!("Not found: Collection `{name}` doesn't exist!"));
                };
                collection.answer(&asked.method, &parts[2..], query, body)
            }
            other => panic!("no such call: {other:?}"),
        }
    }
}

impl Collection {
    fn answer(&mut self, method: &str, parts: &[&str], query: &str, body: &Value) -> (u16, Value) {
        match (method, parts) {
            ("GET", []) => done(json!({
                "status": "green",
                "points_count": self.points.len(),
                "config": {"params": {"vectors": {"size": self.size, "distance": "Cosine"}}},
            })),
            ("PUT", ["index"]) => {
                assert_eq!((query, &body["field_schema"]), ("wait=true", &json!("keyword")));
                self.indexed.push(body["field_name"].as_str().unwrap().to_owned());
                done(json!({"operation_id": 1, "status": "completed"}))
            }
            ("PUT", ["points"]) => {
                assert_eq!(query, "wait=true");
                let points = body["points"].as_array().unwrap();
                assert!(points.len() <= 64, "Dify's batch");
                for point in points {
                    only(point, &["id", "vector", "payload"]);
                    only(&point["payload"], &["page_content", "group_id", "metadata"]);
                    assert_eq!(point["payload"]["metadata"]["doc_id"], point["id"]);
                    if point["vector"].as_array().unwrap().len() != self.size {
                        return refused(400, "Wrong input: Vector dimension error");
                    }
                    self.points.insert(point["id"].as_str().unwrap().to_owned(), point.clone());
                }
                done(json!({"operation_id": 2, "status": "completed"}))
            }
            ("POST", ["points", "delete"]) => {
                assert_eq!(query, "wait=true");
                only(body, &["points"]);
                for id in body["points"].as_array().unwrap() {
                    self.points.remove(id.as_str().unwrap());
                }
                done(json!({"operation_id": 3, "status": "completed"}))
            }
            ("POST", ["points", "search"]) => self.search(body),
            ("POST", ["points", "scroll"]) => self.scroll(body),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn search(&self, body: &Value) -> (u16, Value) {
        only(body, &["vector", "limit", "with_payload", "with_vector", "filter"]);
        assert_eq!(body["with_payload"], json!({"include": ["metadata"]}));
        if body["vector"].as_array().unwrap().len() != self.size {
            return refused(400, "Wrong input: Vector dimension error: expected dim: 2, got 3");
        }
        assert!(body["limit"].as_u64().unwrap() >= 1, "the server takes no zero");
        let any = body.pointer("/filter/must/0/match/any").and_then(Value::as_array);
        if any.is_some() {
            assert_eq!(body["filter"]["must"][0]["key"], json!("metadata.document_id"));
            assert!(self.indexed.iter().any(|field| field == "metadata.document_id"));
        }
        let inside = |point: &&Value| any.is_none_or(|any| any.contains(&point["payload"]["metadata"]["document_id"]));
        let scored = self.points.values().filter(inside);
        let scored = scored.map(|point| (cosine(&point["vector"], &body["vector"]), point.clone())).collect();
        let found: Vec<Value> = best(scored, &body["limit"])
            .into_iter()
            .map(|(score, point)| {
                json!({"id": point["id"], "version": 1, "score": score, "payload": {"metadata": point["payload"]["metadata"]}})
            })
            .collect();
        done(json!(found))
    }

    fn scroll(&self, body: &Value) -> (u16, Value) {
        only(body, &["limit", "with_payload", "with_vector", "offset"]);
        let from = body["offset"].as_str().unwrap_or_default().to_owned();
        let mut rest = self.points.range(from..).map(|(id, _)| id.clone());
        let limit = body["limit"].as_u64().unwrap() as usize;
        let page: Vec<Value> = rest.by_ref().take(limit).map(|id| json!({"id": id})).collect();
        done(json!({"points": page, "next_page_offset": rest.next()}))
    }
}

fn store(url: &str, key: &str) -> Arc<dyn VectorStore> {
    let settings =
        [("VECTOR_STORE", "qdrant"), ("QDRANT_URL", url), ("QDRANT_API_KEY", key), ("QDRANT_REPLICATION_FACTOR", "2")];
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    suite::run(&*store(&url, "secret")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_has_a_name() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    let wrong = store(&url, "other").check().await;
    assert!(matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("403")), "{wrong:?}");

    let url = serve(|_| (503, json!("starting")));
    let wrong = store(&url, "secret").search("c", &[1.0], 1, &Scope::All).await;
    assert!(matches!(wrong, Err(StoreError::Unreachable { .. })), "{wrong:?}");
    let wrong = store("http://127.0.0.1:1", "secret").check().await;
    assert!(matches!(wrong, Err(StoreError::Unreachable { .. })), "{wrong:?}");

    let url = serve(|_| (200, json!({"result": "what"})));
    let wrong = store(&url, "secret").search("c", &[1.0], 1, &Scope::All).await;
    assert!(matches!(wrong, Err(StoreError::Strange { .. })), "{wrong:?}");
}
