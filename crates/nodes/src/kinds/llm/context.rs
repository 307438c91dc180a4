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
    pub text: Option<String>,
    pub files: Vec<Value>,
    /// Sources from knowledge bases.
    pub resources: Vec<Json>,
}

/// Reads the context variable.
///
/// # Errors
/// Class and text, when an element is not a found segment.
pub fn read(context: &Context, pool: &Pool) -> Result<Found, (&'static str, String)> {
    let mut found = Found::default();
    if !context.enabled || context.variable_selector.is_empty() {
        return Ok(found);
    }
    match pool.get(&context.variable_selector) {
        Some(Value::String(text)) => found.text = Some(text.to_string()),
        Some(Value::Array(_, items)) => {
            let mut text = String::new();
            for item in items.iter() {
                match item {
                    Value::String(item) => text.push_str(item),
                    Value::Object(fields) => push_segment(fields, &mut text, &mut found)?,
                    other => return Err(wrong(other)),
                }
                text.push('\n');
            }
            found.text = Some(text.trim().to_owned());
        }
        _ => {}
    }
    Ok(found)
}

fn wrong(item: &Value) -> (&'static str, String) {
    ("InvalidContextStructureError", format!("Invalid context structure: {}", json_line(&item.to_json())))
}

fn push_segment(fields: &Object, text: &mut String, found: &mut Found) -> Result<(), (&'static str, String)> {
    let content = fields.get("content").ok_or_else(|| wrong(&Value::object(fields.clone())))?;
    if let Some(summary) = fields.get("summary").filter(|summary| !summary.text().is_empty()) {
        text.push_str(&summary.text());
        text.push('\n');
    }
    text.push_str(&content.text());
    if let Some(files) = fields.get("files") {
        found.files.extend(media::files_of(files));
    }
    let metadata = fields.get("metadata").and_then(Value::as_object);
    let source = metadata.and_then(|metadata| metadata.get("_source")).and_then(Value::as_str);
    if let (Some(metadata), Some("knowledge")) = (metadata, source) {
        let of = |name: &&str| {
            let value = match *name {
                "content" | "title" | "files" | "summary" => fields.get(*name).or_else(|| metadata.get(*name)),
                "doc_metadata" => metadata.get("doc_metadata"),
                "hit_count" => metadata.get("hit_count").or_else(|| metadata.get("segment_hit_count")),
                "word_count" => metadata.get("word_count").or_else(|| metadata.get("segment_word_count")),
                "index_node_hash" => {
                    metadata.get("index_node_hash").or_else(|| metadata.get("segment_index_node_hash"))
                }
                other => metadata.get(other),
            };
            ((*name).to_owned(), value.map_or(Json::Null, Value::to_json))
        };
        found.resources.push(Json::Object(RESOURCE_FIELDS.iter().map(of).collect()));
    }
    Ok(())
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
        let got = read(&context, &pool).map(|found| found.text).map_err(|(_, why)| why);
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
        let resource = &found.resources[0];
        assert_eq!(
            (&resource["dataset_id"], &resource["score"], &resource["content"], &resource["title"]),
            (&json!("d"), &json!(0.5), &json!("c"), &json!("t"))
        );
        assert!(resource["page"].is_null());
    }
}
