//! Chroma, on the real server of the Python package `chromadb`, and on a fake of what older collections answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ox_net::{Egress, Policy};
use ox_vector::{Scope, VectorStore, connect};
use serde_json::{Value, json};

use crate::{
    fake::{Asked, best, cosine, only, serve},
    python, suite,
};

const SERVER: &str = "
import os, socket, subprocess, sys, tempfile, time, urllib.request
probe = socket.socket(); probe.bind(('127.0.0.1', 0)); port = probe.getsockname()[1]; probe.close()
home = tempfile.mkdtemp()
program = os.path.join(os.path.dirname(sys.executable), 'chroma')
server = subprocess.Popen([program, 'run', '--path', home, '--host', '127.0.0.1', '--port', str(port)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, 'ANONYMIZED_TELEMETRY': 'False'})
for _ in range(300):
    try:
        urllib.request.urlopen(f'http://127.0.0.1:{port}/api/v2/heartbeat', timeout=1); break
    except OSError:
        time.sleep(0.1)
print(port, flush=True)
sys.stdin.read()
server.terminate(); server.wait()
";

fn store(port: &str) -> Arc<dyn VectorStore> {
    let settings = [
        ("VECTOR_STORE", "chroma"),
        ("CHROMA_HOST", "127.0.0.1"),
        ("CHROMA_PORT", port),
        ("CHROMA_AUTH_PROVIDER", "chromadb.auth.token_authn.TokenAuthClientProvider"),
        ("CHROMA_AUTH_CREDENTIALS", "secret"),
    ];
    let read = |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    connect(&read, Egress::new(Policy::default())).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_store_does() {
    let Some(server) = python::start("chromadb", SERVER) else { return };
    suite::run(&*store(&server.said)).await;
}

#[derive(Default)]
struct Collection {
    dimension: Option<usize>,
    points: BTreeMap<String, (Value, Value)>,
}

/// A server whose collections measure squared lengths, as those that Dify made.
#[derive(Default)]
struct Fake {
    collections: BTreeMap<String, Collection>,
}

impl Fake {
    fn described(&self, name: &str) -> Value {
        let dimension = self.collections[name].dimension;
        json!({"id": format!("id-of-{name}"), "name": name, "metadata": null, "dimension": dimension, "configuration_json": {"hnsw": {"space": "l2"}}})
    }

    fn answer(&mut self, asked: &Asked) -> (u16, Value) {
        assert_eq!(asked.header("authorization"), Some("Bearer secret"));
        let path =
            asked.path.strip_prefix("/api/v2/tenants/default_tenant/databases/default_database/collections").unwrap();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let body = &asked.body;
        match (asked.method.as_str(), &parts[..]) {
            ("GET", []) => (200, json!([])),
            ("POST", []) => {
                only(body, &["name", "get_or_create", "metadata", "configuration"]);
                let name = body["name"].as_str().unwrap().to_owned();
                assert_eq!(name, name.to_lowercase());
                self.collections.entry(name.clone()).or_default();
                (200, self.described(&name))
            }
            ("GET", [name]) if self.collections.contains_key(*name) => (200, self.described(name)),
            ("DELETE", [name]) if self.collections.remove(*name).is_some() => (200, json!({})),
            ("GET" | "DELETE", [name]) => {
                (404, json!({"error": "NotFoundError", "message": format!("Collection [{name}] does not exist")}))
            }
            ("POST", [id, call]) => {
                let collection = self.collections.get_mut(id.strip_prefix("id-of-").unwrap()).unwrap();
                collection.answer(call, body)
            }
            other => panic!("no such call: {other:?}"),
        }
    }
}

impl Collection {
    fn answer(&mut self, call: &str, body: &Value) -> (u16, Value) {
        let list = |name: &str| body[name].as_array().unwrap_or_else(|| panic!("no {name}")).clone();
        match call {
            "upsert" => {
                only(body, &["ids", "embeddings", "metadatas", "documents"]);
                let (ids, vectors, metadata) = (list("ids"), list("embeddings"), list("metadatas"));
                assert!(
                    ids.len() == vectors.len() && ids.len() == metadata.len() && ids.len() == list("documents").len()
                );
                for ((id, vector), metadata) in ids.iter().zip(vectors).zip(metadata) {
                    self.dimension = Some(vector.as_array().unwrap().len());
                    self.points.insert(id.as_str().unwrap().to_owned(), (vector, metadata));
                }
                (200, json!({}))
            }
            "delete" => {
                only(body, &["ids"]);
                list("ids").iter().for_each(|id| drop(self.points.remove(id.as_str().unwrap())));
                (200, json!({}))
            }
            "get" => {
                only(body, &["limit", "offset", "include"]);
                let (from, limit) =
                    (body["offset"].as_u64().unwrap() as usize, body["limit"].as_u64().unwrap() as usize);
                let ids: Vec<&String> = self.points.keys().skip(from).take(limit).collect();
                (200, json!({"ids": ids}))
            }
            "query" => {
                only(body, &["query_embeddings", "n_results", "include", "where"]);
                let any = body.pointer("/where/document_id/$in").and_then(Value::as_array);
                let inside =
                    |(_, metadata): &&(Value, Value)| any.is_none_or(|any| any.contains(&metadata["document_id"]));
                let query = &body["query_embeddings"][0];
                let points = self.points.values().filter(inside);
                let scored = points.map(|(vector, metadata)| (cosine(vector, query), metadata.clone())).collect();
                let found = best(scored, &body["n_results"]);
                let distances: Vec<f64> = found.iter().map(|(cosine, _)| 2.0 - 2.0 * cosine).collect();
                let metadata: Vec<&Value> = found.iter().map(|(_, metadata)| metadata).collect();
                (200, json!({"ids": [[]], "metadatas": [metadata], "distances": [distances]}))
            }
            other => panic!("no such call: {other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_of_dify_give_cosines_too() {
    let fake = Mutex::new(Fake::default());
    let url = serve(move |asked| fake.lock().unwrap().answer(asked));
    let port = url.rsplit(':').next().unwrap();
    suite::run(&*store(port)).await;
    assert!(store(port).search("Never_Made", &[1.0], 1, &Scope::All).await.unwrap().is_empty());
}
