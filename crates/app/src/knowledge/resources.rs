//! Sources as the callers of an app are told them: `retriever_resources`.

use ox_types::Json;
use serde_json::{Map, json};

use super::retrieval::{Place, Record};

/// The sources of some records, the best first. `from` is `dev`, `api` or `workflow`.
#[must_use]
pub fn of(records: &[Record], from: &str) -> Vec<Json> {
    records.iter().enumerate().map(|(index, record)| one(record, index + 1, from)).collect()
}

fn one(record: &Record, position: usize, from: &str) -> Json {
    let mut map = Map::new();
    let mut set = |name: &str, value: Json| _ = map.insert(name.to_owned(), value);
    set("position", json!(position));
    set("dataset_id", json!(record.dataset.id));
    set("dataset_name", json!(record.dataset.name));
    match &record.place {
        Place::External(found) => {
            set("document_id", json!(found.metadata.get("document_id")));
            set("document_name", json!(found.title));
            set("data_source_type", json!("external"));
            set("retriever_from", json!(from));
            set("score", json!(record.score));
            set("content", json!(found.content));
            set("title", json!(found.title));
            set("doc_metadata", Json::Object(found.metadata.clone()));
        }
        Place::Own(own) => {
            let (document, segment) = (&own.document, &own.segment);
            set("document_id", json!(document.id));
            set("document_name", json!(document.name));
            set("data_source_type", json!(document.data_source_type));
            set("segment_id", json!(segment.id));
            set("retriever_from", json!(from));
            set("score", json!(record.score));
            let content = match &segment.answer {
                Some(answer) => format!("question:{} \nanswer:{answer}", segment.content),
                None => segment.content.clone(),
            };
            set("content", json!(content));
            set("doc_metadata", document.doc_metadata.clone().unwrap_or_default());
            set("page", json!(segment.page));
            set("title", json!(document.name));
            set("files", json!([]));
            set("summary", json!(own.summary));
            if from == "dev" {
                set("hit_count", json!(segment.hit_count));
                set("word_count", json!(segment.word_count));
                set("segment_position", json!(segment.position));
                set("index_node_hash", json!(segment.index_node_hash));
            }
        }
    }
    Json::Object(map)
}
