//! Weaviate, by its published interface: every call is checked, and answered as the server does.

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
struct Class {
    properties: Vec<String>,
    objects: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Fake {
    classes: BTreeMap<String, Class>,
}

/// What is between two signs of a text.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

impl Fake {
    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        if asked.header("authorization") != Some("Bearer secret") {
            return (401, json!({"code": 401, "message": "anonymous access not enabled"}));
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body = &asked.body;
        match (asked.method.as_str(), &parts[..]) {
            ("GET", ["v1", "meta"]) => (200, json!({"hostname": "http://[::]:8080", "version": "1.27.0"})),
            ("POST", ["v1", "schema"]) => self.create(body),
            ("GET", ["v1", "schema", name]) if self.classes.contains_key(*name) => (200, json!({"class": name})),
            ("GET", ["v1", "schema", _]) => (404, Value::Null),
            ("DELETE", ["v1", "schema", name]) => {
                self.classes.remove(*name);
                (200, Value::Null)
            }
            ("POST", ["v1", "batch", "objects"]) => self.store(body),
            ("DELETE", ["v1", "batch", "objects"]) => self.remove(body),
            ("GET", ["v1", "objects"]) => self.list(query),
            ("POST", ["v1", "graphql"]) => self.graphql(body["query"].as_str().unwrap()),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn create(&mut self, body: &Value) -> (u16, Value) {
        only(body, &["class", "vectorizer", "vectorIndexType", "vectorIndexConfig", "properties"]);
        let name = body["class"].as_str().unwrap();
        assert!(name.starts_with(char::is_uppercase) && name.ends_with("_Node"));
        assert_eq!((&body["vectorizer"], &body["vectorIndexConfig"]["distance"]), (&json!("none"), &json!("cosine")));
        let properties = body["properties"].as_array().unwrap();
        for property in properties {
            let words = if property["name"] == "text" { "gse" } else { "field" };
            assert_eq!((&property["dataType"], &property["tokenization"]), (&json!(["text"]), &json!(words)));
        }
        let properties = properties.iter().map(|property| property["name"].as_str().unwrap().to_owned()).collect();
        self.classes.insert(name.to_owned(), Class { properties, objects: BTreeMap::new() });
        (200, body.clone())
    }

    fn store(&mut self, body: &Value) -> (u16, Value) {
        let objects = body["objects"].as_array().unwrap();
        assert!(objects.len() <= 30, "WEAVIATE_BATCH_SIZE");
        let mut results = Vec::new();
        for object in objects {
            only(object, &["class", "id", "properties", "vector"]);
            assert_eq!(object["properties"]["doc_id"], object["id"]);
            let class = self.classes.get_mut(object["class"].as_str().unwrap()).unwrap();
            only(&object["properties"], &class.properties.iter().map(String::as_str).collect::<Vec<_>>());
            class.objects.insert(object["id"].as_str().unwrap().to_owned(), object.clone());
            results.push(json!({"id": object["id"], "result": {"status": "SUCCESS"}}));
        }
        (200, json!(results))
    }

    fn remove(&mut self, body: &Value) -> (u16, Value) {
        let condition = &body["match"]["where"];
        assert_eq!((&condition["path"], &condition["operator"]), (&json!(["doc_id"]), &json!("ContainsAny")));
        let any = condition["valueTextArray"].as_array().unwrap();
        let class = self.classes.get_mut(body["match"]["class"].as_str().unwrap()).unwrap();
        let before = class.objects.len();
        class.objects.retain(|_, object| !any.contains(&object["properties"]["doc_id"]));
        let gone = before - class.objects.len();
        (200, json!({"results": {"matches": gone, "successful": gone, "failed": 0}}))
    }

    fn list(&self, query: &str) -> (u16, Value) {
        let asked: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let class = &self.classes[asked["class"]];
        let limit: usize = asked["limit"].parse().unwrap();
        let after = asked.get("after").copied().unwrap_or_default();
        let objects = class.objects.iter().filter(|(id, _)| id.as_str() > after).take(limit);
        let objects: Vec<Value> = objects
            .map(|(_, object)| {
                let mut object = object.clone();
                if asked.get("include") != Some(&"vector") {
                    object.as_object_mut().unwrap().remove("vector");
                }
                object
            })
            .collect();
        (200, json!({"objects": objects, "deprecations": null}))
    }

    fn graphql(&self, query: &str) -> (u16, Value) {
        let name = between(query, "{ Get { ", "(").unwrap();
        let class = &self.classes[name];
        let told: Vec<&str> = between(query, ") { ", " _additional").unwrap().split(' ').collect();
        for field in &told {
            if !class.properties.iter().any(|property| property == field) {
                let why = format!("Cannot query field \"{field}\" on type \"{name}\".");
                return (200, json!({"errors": [{"message": why}]}));
            }
        }
        let vector: Value = serde_json::from_str(&format!("[{}]", between(query, "vector: [", "]").unwrap())).unwrap();
        let limit: Value =
            between(query, "limit: ", ")").unwrap().split(',').next().unwrap().parse::<u64>().unwrap().into();
        let any = between(query, "valueText: [", "]").map(|ids| ids.replace('"', ""));
        assert!(any.is_none() || query.contains("where: {path: [\"document_id\"], operator: ContainsAny"));
        let any: Option<Vec<&str>> = any.as_ref().map(|ids| ids.split(',').collect());
        let mut scored = Vec::new();
        for object in class.objects.values() {
            let known = &object["properties"];
            if object["vector"].as_array().unwrap().len() != vector.as_array().unwrap().len() {
                return (
                    200,
                    json!({"errors": [{"message": "vector lengths don't match: 2 vs 3"}], "data": {"Get": {name: null}}}),
                );
            }
            if any.as_ref().is_none_or(|any| any.contains(&known["document_id"].as_str().unwrap())) {
                scored.push((cosine(&object["vector"], &vector), known.clone()));
            }
        }
        let found: Vec<Value> = best(scored, &limit)
            .into_iter()
            .map(|(cosine, known)| {
                let mut object = json!({"_additional": {"distance": 1.0 - cosine}});
                told.iter().for_each(|field| object[*field] = known[*field].clone());
                object
            })
            .collect();
        (200, json!({"data": {"Get": {name: found}}}))
    }
}

fn store(url: &str, key: &str) -> Arc<dyn VectorStore> {
    let settings = [
        ("VECTOR_STORE", "weaviate"),
        ("WEAVIATE_ENDPOINT", url),
        ("WEAVIATE_API_KEY", key),
        ("WEAVIATE_BATCH_SIZE", "30"),
        ("WEAVIATE_TOKENIZATION", "gse"),
    ];
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    suite::run(&*store(&url, "secret")).await;
    let wrong = store(&url, "other").check().await;
    assert!(matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("401")), "{wrong:?}");
}

/// Objects that Dify stored: ids made from their text, and no word of a segment.
#[tokio::test(flavor = "multi_thread")]
async fn what_dify_stored_is_found_and_removed() {
    let mut fake = Fake::default();
    let id = uuid::Uuid::from_u128(4);
    let properties = json!({"text": "old", "doc_id": id, "document_id": uuid::Uuid::from_u128(5)});
    let object = json!({"class": "Old_Node", "id": "other", "properties": properties, "vector": [0.0, 1.0]});
    let class = Class {
        properties: ["text", "doc_id", "document_id"].map(str::to_owned).to_vec(),
        objects: BTreeMap::from([("other".to_owned(), object)]),
    };
    fake.classes.insert("Old_Node".to_owned(), class);
    let fake = Mutex::new(fake);
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    let store = store(&url, "secret");
    let hits = store.search("Old_Node", &[0.0, 1.0], 3, &Scope::All).await.unwrap();
    assert_eq!(hits.iter().map(|hit| (hit.id, hit.segment_id)).collect::<Vec<_>>(), [(id, id)]);
    assert_eq!(store.ids("Old_Node").await.unwrap(), [id]);
    store.remove("Old_Node", &[id]).await.unwrap();
    assert!(store.ids("Old_Node").await.unwrap().is_empty());
}
