//! The context variable: what retrieval found, put into the prompt.

use ox_engine::Pool;
use ox_types::{Json, Object, Value, json_line};
use serde::Deserialize;

use crate::{config, media};

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Context {
    #[serde(default, deserialize_with = "config::nullable")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    pub variable_selector: Vec<String>,
}

/// Fields of a found segment that the client is told about.
const RESOURCE_FIELDS: &[&str] = &[
    "position",
    "dataset_id",
    "dataset_name",
    "document_id",
    "document_name",
    "data_source_type",
    "segment_id",
    "retriever_from",
    "score",
    "hit_count",
    "word_count",
    "segment_position",
    "index_node_hash",
    "content",
    "page",
    "doc_metadata",
    "title",
    "files",
    "summary",
];

/// The context, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// A text that is no list.
    text: Option<String>,
    chunks: Option<Vec<Chunk>>,
}

/// An element of a list.
#[derive(Clone, Debug, Default, PartialEq)]
struct Chunk {
    text: String,
    files: Vec<Value>,
    /// Its source, where that is a knowledge base.
    resource: Option<Json>,
}

impl Found {
    fn list(&self) -> &[Chunk] {
        self.chunks.as_deref().unwrap_or_default()
    }

    /// What goes into the prompt.
    pub fn text(&self) -> Option<String> {
        let joined = |chunks: &Vec<Chunk>| {
            let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
            texts.join("\n").trim().to_owned()
        };
        self.chunks.as_ref().map(joined).or_else(|| self.text.clone())
    }

    /// The texts of its elements.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.list().iter().map(|chunk| chunk.text.as_str())
    }

    pub fn files(&self) -> Vec<Value> {
        self.list().iter().flat_map(|chunk| chunk.files.iter().cloned()).collect()
    }

    /// Sources from knowledge bases.
    pub fn resources(&self) -> Vec<Json> {
        self.list().iter().filter_map(|chunk| chunk.resource.clone()).collect()
    }

    /// Leaves out all elements but the first.
    pub fn keep(&mut self, count: usize) {
        if let Some(chunks) = &mut self.chunks {
            chunks.truncate(count);
        }
    }
}

/// Reads the context variable.
///
/// # Errors
/// Class and text, when an element is not a found segment.
pub fn read(context: &Context, pool: &Pool) -> Result<Found, (&'static str, String)> {
    if !context.enabled || context.variable_selector.is_empty() {
        return Ok(Found::default());
    }
    match pool.get(&context.variable_selector) {
        Some(Value::String(text)) => Ok(Found { text: Some(text.to_string()), chunks: None }),
        Some(Value::Array(_, items)) => {
            let chunks = items.iter().map(chunk).collect::<Result<_, _>>()?;
            Ok(Found { text: None, chunks: Some(chunks) })
        }
        _ => Ok(Found::default()),
    }
}

fn chunk(item: &Value) -> Result<Chunk, (&'static str, String)> {
    match item {
        Value::String(text) => Ok(Chunk { text: text.to_string(), ..Chunk::default() }),
        Value::Object(fields) => segment(fields),
        other => Err(wrong(other)),
    }
}

fn wrong(item: &Value) -> (&'static str, String) {
    ("InvalidContextStructureError", format!("Invalid context structure: {}", json_line(&item.to_json())))
}

fn segment(fields: &Object) -> Result<Chunk, (&'static str, String)> {
    let content = fields.get("content").ok_or_else(|| wrong(&Value::object(fields.clone())))?;
    let mut text = String::new();
    if let Some(summary) = fields.get("summary").filter(|summary| !summary.text().is_empty()) {
        text.push_str(&summary.text());
        text.push('\n');
    }
    text.push_str(&content.text());
    let files = fields.get("files").map(media::files_of).unwrap_or_default();
    let metadata = fields.get("metadata").and_then(Value::as_object);
    let source = metadata.and_then(|metadata| metadata.get("_source")).and_then(Value::as_str);
    let resource = metadata.filter(|_| source == Some("knowledge")).map(|metadata| resource(fields, metadata));
    Ok(Chunk { text, files, resource })
}

/// A source, as clients are told of it.
fn resource(fields: &Object, metadata: &Object) -> Json {
    let of = |name: &&str| {
        let value = match *name {
            "content" | "title" | "files" | "summary" => fields.get(*name).or_else(|| metadata.get(*name)),
            "doc_metadata" => metadata.get("doc_metadata"),
            "hit_count" => metadata.get("hit_count").or_else(|| metadata.get("segment_hit_count")),
            "word_count" => metadata.get("word_count").or_else(|| metadata.get("segment_word_count")),
            "index_node_hash" => metadata.get("index_node_hash").or_else(|| metadata.get("segment_index_node_hash")),
            other => metadata.get(other),
        };
        ((*name).to_owned(), value.map_or(Json::Null, Value::to_json))
    };
    Json::Object(RESOURCE_FIELDS.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]
    fn check(value: Json, expected: Result<Option<&str>, &str>) {
        let mut pool = Pool::new();
        pool.set("k", "result", Value::from_json(&value));
        let context = Context { enabled: true, variable_selector: vec!["k".into(), "result".into()] };
        let got = read(&context, &pool).map(|found| found.text()).map_err(|(_, why)| why);
        assert_eq!(got, expected.map(|text| text.map(str::to_owned)).map_err(str::to_owned), "{value}");
    }

    #[test]
    fn forms_of_context() {
        check(json!("plain"), Ok(Some("plain")));
        check(json!(["a", " b "]), Ok(Some("a\n b")));
        check(json!([{"content": "one"}, {"content": "two", "summary": "s"}]), Ok(Some("one\ns\ntwo")));
        check(json!([{"text": "x"}]), Err("Invalid context structure: {\"text\": \"x\"}"));
        check(json!([1]), Err("Invalid context structure: 1"));
        check(json!({"content": "x"}), Ok(None));
        check(json!(5), Ok(None));
        check(json!([]), Ok(Some("")));
    }

    #[test]
    fn knowledge_is_told_to_the_client() {
        let mut pool = Pool::new();
        let item = json!({"content": "c", "title": "t", "metadata": {"_source": "knowledge", "dataset_id": "d", "score": 0.5}});
        pool.set("k", "result", Value::from_json(&json!([item])));
        let context = Context { enabled: true, variable_selector: vec!["k".into(), "result".into()] };
        let found = read(&context, &pool).unwrap();
        let resource = &found.resources()[0];
        assert_eq!(
            (&resource["dataset_id"], &resource["score"], &resource["content"], &resource["title"]),
            (&json!("d"), &json!(0.5), &json!("c"), &json!("t"))
        );
        assert!(resource["page"].is_null());
    }
}
