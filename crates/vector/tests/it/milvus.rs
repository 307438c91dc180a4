//! Milvus, by its published interface (REST, version 2): every call is checked, and answered as the server does. Its small
//! edition for tests speaks gRPC alone, so that no real server runs here.

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

/// Rows of one answer, at most.
const ROWS: usize = 16_384;
const FIELDS: [&str; 7] = ["doc_id", "document_id", "dataset_id", "segment_id", "kind", "page_content", "vector"];

struct Collection {
    size: usize,
    rows: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Fake {
    collections: BTreeMap<String, Collection>,
}

fn done(data: Value) -> (u16, Value) {
    (200, json!({"code": 0, "data": data}))
}

fn refused(code: u32, why: &str) -> (u16, Value) {
    // Errors too are answered with 200.
    (200, json!({"code": code, "message": why}))
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("{name} is missing: {body}"))
}

/// The values of `field in ["a","b"]`.
fn listed(filter: &str, field: &str) -> Vec<String> {
    let list = filter.strip_prefix(&format!("{field} in ")).unwrap_or_else(|| panic!("{filter} is not on {field}"));
    serde_json::from_str(list).unwrap()
}

/// The bounds of `doc_id >= "a" and doc_id <= "b"`.
fn bounds(filter: &str) -> (String, String) {
    let (from, to) = filter.split_once(" and ").unwrap();
    let value = |part: &str, sign: &str| {
        let text = part.strip_prefix(&format!("doc_id {sign} ")).unwrap_or_else(|| panic!("{part}"));
        serde_json::from_str::<String>(text).unwrap()
    };
    (value(from, ">="), value(to, "<="))
}

impl Fake {
    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        assert_eq!(asked.method, "POST");
        let body = &asked.body;
        if asked.header("authorization") != Some("Bearer root:Milvus") {
            return refused(1800, "user hasn't authenticated");
        }
        assert_eq!(text(body, "dbName"), "base");
        let call = asked.path.strip_prefix("/v2/vectordb/").expect("the second version");
        if call == "collections/list" {
            return done(json!(self.collections.keys().collect::<Vec<_>>()));
        }
        let name = text(body, "collectionName").to_owned();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
        match call {
            "collections/create" => return self.create(name, body),
            "collections/drop" => {
                self.collections.remove(&name);
                return done(json!({}));
            }
            _ => {}
        }
        let Some(collection) = self.collections.get_mut(&name) else {
            return refused(100, &format!("can't find collection[database=base][collection={name}]"));
        };
        match call {
            "collections/describe" => collection.described(&name),
            "entities/upsert" => collection.upsert(body),
            "entities/delete" => {
                only(body, &["dbName", "collectionName", "filter"]);
                let ids = listed(text(body, "filter"), "doc_id");
                assert!(ids.len() <= 1000);
                collection.rows.retain(|id, _| !ids.contains(id));
                done(json!({"deleteCount": ids.len()}))
            }
            "entities/query" => collection.query(body),
            "entities/search" => collection.search(body),
            other => panic!("no such call: {other}"),
        }
    }

    fn create(&mut self, name: String, body: &Value) -> (u16, Value) {
        only(body, &["dbName", "collectionName", "schema", "indexParams", "params"]);
        let schema = &body["schema"];
        only(schema, &["autoId", "enableDynamicField", "fields"]);
        assert_eq!((&schema["autoId"], &schema["enableDynamicField"]), (&json!(false), &json!(false)));
        let fields = schema["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|field| text(field, "fieldName")).collect();
        assert_eq!(names, FIELDS);
        for field in fields {
            only(field, &["fieldName", "dataType", "isPrimary", "elementTypeParams"]);
            assert_eq!(field["isPrimary"] == true, field["fieldName"] == "doc_id");
            match text(field, "dataType") {
                "VarChar" => {
                    assert!((1..=65_535).contains(&field["elementTypeParams"]["max_length"].as_u64().unwrap()))
                }
                "FloatVector" => {}
                other => panic!("no such type: {other}"),
            }
        }
        let index = &body["indexParams"][0];
        assert_eq!((text(index, "fieldName"), text(index, "metricType")), ("vector", "COSINE"));
        assert_eq!(index["params"]["index_type"], "HNSW");
        if self.collections.contains_key(&name) {
            return refused(65535, "create duplicate collection with different parameters");
        }
        let size = fields[6]["elementTypeParams"]["dim"].as_u64().unwrap() as usize;
        self.collections.insert(name, Collection { size, rows: BTreeMap::new() });
        done(json!({}))
    }
}

impl Collection {
    fn described(&self, name: &str) -> (u16, Value) {
        let field = |name: &&str| {
            let params =
                if *name == "vector" { json!([{"key": "dim", "value": self.size.to_string()}]) } else { json!([]) };
            json!({"name": name, "primaryKey": *name == "doc_id", "autoId": false, "params": params})
        };
        let fields: Vec<Value> = FIELDS.iter().map(field).collect();
        done(json!({"collectionName": name, "autoId": false, "fields": fields, "load": "LoadStateLoaded"}))
    }

    fn upsert(&mut self, body: &Value) -> (u16, Value) {
        only(body, &["dbName", "collectionName", "data"]);
        let rows = body["data"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() <= 200);
        let mut seen = Vec::new();
        for row in rows {
            let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            let mut expected = FIELDS;
            expected.sort_unstable();
            assert_eq!(names, expected, "there are no dynamic fields");
            assert!(text(row, "page_content").len() <= 65_535, "longer than the field");
            if row["vector"].as_array().unwrap().len() != self.size {
                return refused(1804, "the dim is not equal to the schema's");
            }
            let id = text(row, "doc_id").to_owned();
            assert!(!seen.contains(&id), "duplicate primary keys are refused");
            seen.push(id.clone());
            self.rows.insert(id, row.clone());
        }
        done(json!({"upsertCount": rows.len(), "upsertIds": seen}))
    }

    fn query(&self, body: &Value) -> (u16, Value) {
        only(body, &["dbName", "collectionName", "filter", "outputFields", "limit", "consistencyLevel"]);
        assert_eq!(body["consistencyLevel"], "Strong", "what was just put in is there");
        let (from, to) = bounds(text(body, "filter"));
        let rows = self.rows.range(from..=to);
        if body["outputFields"] == json!(["count(*)"]) {
            assert!(body["limit"].is_null(), "count entities with pagination is not allowed");
            return done(json!([{"count(*)": rows.count()}]));
        }
        assert_eq!(body["outputFields"], json!(["doc_id"]));
        let limit = body["limit"].as_u64().unwrap() as usize;
        assert!(limit <= ROWS);
        // In no order.
        done(rows.rev().take(limit).map(|(id, _)| json!({"doc_id": id})).collect())
    }

    fn search(&self, body: &Value) -> (u16, Value) {
        let known = [
            "dbName",
            "collectionName",
            "data",
            "annsField",
            "limit",
            "outputFields",
            "searchParams",
            "consistencyLevel",
            "filter",
        ];
        only(body, &known);
        assert_eq!((text(body, "annsField"), text(body, "consistencyLevel")), ("vector", "Strong"));
        assert_eq!(body["searchParams"]["metricType"], "COSINE");
        let limit = body["limit"].as_u64().unwrap();
        assert!((1..=16_384).contains(&limit));
        assert!(body["searchParams"]["params"]["ef"].as_u64().unwrap() >= limit, "ef is at least the limit");
        let asked = &body["data"][0];
        if asked.as_array().unwrap().len() != self.size {
            return refused(65535, "vector dimension mismatch");
        }
        let within = body["filter"].as_str().map(|filter| listed(filter, "document_id"));
        let inside =
            |row: &&Value| within.as_ref().is_none_or(|list| list.iter().any(|id| row["document_id"] == id.as_str()));
        let scored =
            self.rows.values().filter(inside).map(|row| (cosine(&row["vector"], asked), row.clone())).collect();
        let told = |(score, row): (f64, Value)| {
            let mut out = json!({"distance": score, "id": row["doc_id"]});
            for name in body["outputFields"].as_array().unwrap() {
                out[name.as_str().unwrap()] = row[name.as_str().unwrap()].clone();
            }
            out
        };
        done(best(scored, &body["limit"]).into_iter().map(told).collect())
    }
}

fn store(url: &str, password: &str) -> Arc<dyn VectorStore> {
    let settings = [
        ("VECTOR_STORE", "milvus"),
        ("MILVUS_URI", url),
        ("MILVUS_USER", "root"),
        ("MILVUS_PASSWORD", password),
        ("MILVUS_DATABASE", "base"),
    ];
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    suite::run(&*store(&url, "Milvus")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_points_than_one_answer_holds_are_all_listed() {
    let fake = Arc::new(Mutex::new(Fake::default()));
    let shared = Arc::clone(&fake);
    let url = serve(move |asked| shared.lock().unwrap().answer(asked));
    // Ids of one time are close together, far from the middle of all.
    let row = |number: u128| uuid::Uuid::from_u128((0x019a_0000 << 96) + number).to_string();
    let rows = (0..40_000).map(|number| (row(number), json!({}))).collect();
    fake.lock().unwrap().collections.insert("many".to_owned(), Collection { size: 2, rows });
    let ids = store(&url, "Milvus").ids("many").await.unwrap();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (40_000, 40_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_has_a_name() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    let wrong = store(&url, "other").check().await;
    assert!(matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("authenticated")), "{wrong:?}");

    let url = serve(|_| (503, json!("starting")));
    let wrong = store(&url, "Milvus").search("c", &[1.0], 1, &Scope::All).await;
    assert!(matches!(wrong, Err(StoreError::Unreachable { .. })), "{wrong:?}");

    // A collection of Dify's: the server made its ids.
    let fields = json!([{"name": "pk", "primaryKey": true, "autoId": true}, {"name": "vector", "params": [{"key": "dim", "value": "2"}]}]);
    let url = serve(move |_| done(json!({"fields": fields})));
    let wrong = store(&url, "Milvus").put("c", &[suite::point(1, 1, &[1.0, 0.0])]).await;
    assert!(
        matches!(&wrong, Err(StoreError::Refused { why, .. }) if why.contains("VECTOR_INDEX_NAME_PREFIX")),
        "{wrong:?}"
    );
}
