//! What chunkers give, read as chunks: the three shapes that a knowledge base takes.

use ox_rag::{Chunk, ChunkForm};
use ox_types::Json;
use serde_json::{Map, json};

/// Chunks of one document.
const MAX_CHUNKS: usize = 200_000;
/// Parents, and parts of one, that are shown.
const SHOWN: usize = 10;
const SHOWN_PARTS: usize = 50;

/// Chunks of a structure, in the order in which they came.
///
/// # Errors
/// What is not of the structure.
pub fn read(structure: &str, json: &Json) -> Result<Vec<Chunk>, String> {
    let form = ChunkForm::parse(structure).ok_or_else(|| format!("{structure} is no structure of chunks."))?;
    let chunks = match form {
        ChunkForm::Text => general(json)?,
        ChunkForm::Hierarchical => list(json, "parent_child_chunks")?.iter().map(parent).collect::<Result<_, _>>()?,
        ChunkForm::Qa => list(json, "qa_chunks")?.iter().map(pair).collect::<Result<_, _>>()?,
    };
    if chunks.len() > MAX_CHUNKS {
        return Err(format!("A document can have at most {MAX_CHUNKS} chunks."));
    }
    if chunks.is_empty() { Err("There are no chunks.".into()) } else { Ok(chunks) }
}

/// PostgreSQL keeps no null characters.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

fn list<'a>(json: &'a Json, name: &str) -> Result<&'a [Json], String> {
    let found = json.get(name).and_then(Json::as_array);
    found.map(Vec::as_slice).ok_or_else(|| format!("The chunks are not of this structure: {name} is missing."))
}

fn general(json: &Json) -> Result<Vec<Chunk>, String> {
    let items = match json {
        Json::Array(items) => items.as_slice(),
        _ => list(json, "general_chunks")?,
    };
    let text = |item: &Json| match item {
        Json::String(text) => Ok(clean(text)),
        item => text(item, "content"),
    };
    let chunks = items.iter().map(|item| text(item).map(|content| Chunk { content, ..Chunk::default() }));
    let chunks: Vec<Chunk> = chunks.collect::<Result<_, String>>()?;
    Ok(chunks.into_iter().filter(|chunk| !chunk.content.trim().is_empty()).collect())
}

fn text(item: &Json, name: &str) -> Result<String, String> {
    let found = item.get(name).and_then(Json::as_str);
    found.map(clean).ok_or_else(|| format!("A chunk is not of this structure: {name} is missing."))
}

fn parent(item: &Json) -> Result<Chunk, String> {
    let content = text(item, "parent_content")?;
    let parts = item.get("child_contents").and_then(Json::as_array);
    let parts = parts.ok_or("A chunk is not of this structure: child_contents is missing.")?;
    let parts = parts.iter().filter_map(Json::as_str).map(clean).filter(|part| !part.trim().is_empty());
    let children: Vec<String> = parts.collect();
    // What has no parts is found by itself.
    let children = if children.is_empty() { vec![content.clone()] } else { children };
    Ok(Chunk { content, children, ..Chunk::default() })
}

fn pair(item: &Json) -> Result<Chunk, String> {
    Ok(Chunk { content: text(item, "question")?, answer: Some(text(item, "answer")?), ..Chunk::default() })
}

/// What a parent is, as the chunker said.
#[must_use]
pub fn parent_mode(json: &Json) -> Option<&str> {
    json.get("parent_mode").and_then(Json::as_str)
}

/// What the chunks would look like.
///
/// # Errors
/// As [`read`].
pub fn preview(structure: &str, json: &Json) -> Result<Map<String, Json>, String> {
    let chunks = read(structure, json)?;
    let mut out = Map::new();
    out.insert("chunk_structure".into(), json!(structure));
    let shown = |chunk: &Chunk| match structure {
        "hierarchical_model" => {
            let parts: Vec<&String> = chunk.children.iter().take(SHOWN_PARTS).collect();
            json!({"content": chunk.content, "child_chunks": parts})
        }
        "qa_model" => json!({"question": chunk.content, "answer": chunk.answer}),
        _ => json!({"content": chunk.content}),
    };
    let first: Vec<Json> = chunks.iter().take(SHOWN).map(shown).collect();
    if structure == "hierarchical_model" {
        out.insert("parent_mode".into(), json!(parent_mode(json).unwrap_or("paragraph")));
    }
    out.insert(if structure == "qa_model" { "qa_preview" } else { "preview" }.into(), Json::Array(first));
    out.insert("total_segments".into(), json!(chunks.len()));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_shapes() {
        let chunk = |content: &str| Chunk { content: content.into(), ..Chunk::default() };
        let parent = |content: &str, children: &[&str]| Chunk {
            children: children.iter().map(|&child| child.to_owned()).collect(),
            ..chunk(content)
        };
        for (structure, json, expected) in [
            ("text_model", json!(["a", "", "b"]), Ok(vec![chunk("a"), chunk("b")])),
            (
                "text_model",
                json!({"general_chunks": [{"content": "a", "files": []}, "b"]}),
                Ok(vec![chunk("a"), chunk("b")]),
            ),
            ("text_model", json!({"qa_chunks": []}), Err("general_chunks is missing")),
            ("text_model", json!([]), Err("no chunks")),
            ("text_model", json!([{"text": "a"}]), Err("content is missing")),
            (
                "hierarchical_model",
                json!({"parent_mode": "paragraph", "parent_child_chunks": [
                    {"parent_content": "a b", "child_contents": ["a", "b"]}, {"parent_content": "c", "child_contents": []}]}),
                Ok(vec![parent("a b", &["a", "b"]), parent("c", &["c"])]),
            ),
            ("hierarchical_model", json!({"general_chunks": ["a"]}), Err("parent_child_chunks is missing")),
            (
                "qa_model",
                json!({"qa_chunks": [{"question": "q", "answer": "a"}]}),
                Ok(vec![Chunk { answer: Some("a".into()), ..chunk("q") }]),
            ),
            ("qa_model", json!({"qa_chunks": [{"question": "q"}]}), Err("answer is missing")),
            ("no_model", json!([]), Err("no structure")),
        ] {
            match (read(structure, &json), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{structure} {json}"),
                (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}"),
                other => panic!("{structure} {json}: {other:?}"),
            }
        }
    }

    #[test]
    fn previews() {
        let many: Vec<String> = (0..30).map(|number| format!("chunk {number}")).collect();
        let shown = preview("text_model", &json!(many)).unwrap();
        assert_eq!((shown["preview"].as_array().unwrap().len(), &shown["total_segments"]), (10, &json!(30)));
        let shown = preview(
            "hierarchical_model",
            &json!({"parent_mode": "full-doc", "parent_child_chunks": [{"parent_content": "a", "child_contents": ["a"]}]}),
        );
        let expected = json!({"chunk_structure": "hierarchical_model", "parent_mode": "full-doc",
            "preview": [{"content": "a", "child_chunks": ["a"]}], "total_segments": 1});
        assert_eq!(Json::Object(shown.unwrap()), expected);
        let shown = preview("qa_model", &json!({"qa_chunks": [{"question": "q", "answer": "a"}]})).unwrap();
        assert_eq!(shown["qa_preview"], json!([{"question": "q", "answer": "a"}]));
    }
}
