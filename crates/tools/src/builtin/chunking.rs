//! What the tools have in common that cut texts into chunks for a knowledge pipeline.

use ox_nodes::CallMessage;
use ox_rag::{Chunk, ChunkForm, Chunker, PreProcessing, ProcessRule, RuleMode, Rules, Segmentation};
use serde_json::{Value, json};

use crate::{call::Arguments, spec::Said};

/// The variable in which the chunks are.
pub const RESULT: &str = "result";
/// Longest chunk that can be asked for.
const MAX_LENGTH: u32 = 1_000_000;

/// Names under which other versions of these tools know their parameters.
pub fn older_names(tool: &str) -> &'static [&'static str] {
    match tool {
        "general_chunker" => {
            &["input_text", "separator", "max_length", "chunk_overlap", "remove_extra_spaces", "remove_urls_emails"]
        }
        "parentchild_chunker" => &["input_variable", "delimiter", "max_chunk_length"],
        "qa_chunker" => &["input_variable", "file"],
        _ => &[],
    }
}

/// What a chunker gives, as JSON schema; null for other tools.
pub fn output_schema(tool: &str) -> Value {
    let list = |items: Value| json!({"type": "array", "items": items});
    let text = json!({"type": "string"});
    let properties = match tool {
        "general_chunker" => {
            json!({"general_chunks": list(json!({"type": "object", "properties": {"content": text}}))})
        }
        "parentchild_chunker" => json!({
            "parent_mode": text,
            "parent_child_chunks": list(json!({"type": "object",
                "properties": {"parent_content": text, "child_contents": list(text.clone())}})),
        }),
        "qa_chunker" => {
            json!({"qa_chunks": list(json!({"type": "object", "properties": {"question": text, "answer": text}}))})
        }
        _ => return Value::Null,
    };
    json!({"type": "object", "properties": {RESULT: {"type": "object", "properties": properties}}})
}

/// Chunks as the answer of a tool.
pub fn give(result: Value) -> Said {
    Ok(vec![CallMessage::Variable { name: RESULT.to_owned(), value: result, stream: false }])
}

/// The first of these parameters that is set, as text; lists of texts are put together.
pub fn text(arguments: &Arguments, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match arguments.value(name)? {
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            Some(parts.join("\n\n"))
        }
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    })
}

/// A text that must be there.
pub fn needed(arguments: &Arguments, names: &[&str]) -> Result<String, String> {
    let found = text(arguments, names).filter(|text| !text.trim().is_empty());
    found.ok_or_else(|| format!("{} is required and must not be empty.", names.first().copied().unwrap_or_default()))
}

/// A length, under any of these names.
pub fn length(arguments: &Arguments, names: &[&str], usual: u32, least: u32) -> Result<usize, String> {
    let name = names.iter().find(|name| arguments.get(name).is_some()).or(names.first()).copied().unwrap_or_default();
    Ok(usize::try_from(arguments.count(name, usual, least, MAX_LENGTH)?).unwrap_or(usize::MAX))
}

/// Yes or no, under any of these names.
pub fn flag(arguments: &Arguments, names: &[&str]) -> bool {
    names.iter().any(|name| arguments.flag(name, false))
}

/// A separator; white space counts, so it is not trimmed.
pub fn separator(arguments: &Arguments, names: &[&str], usual: &str) -> String {
    let found = names.iter().find_map(|name| arguments.value(name)?.as_str());
    found.filter(|text| !text.is_empty()).unwrap_or(usual).to_owned()
}

/// The steps of cleaning that are asked for.
pub fn steps(spaces: bool, addresses: bool) -> Vec<PreProcessing> {
    let step = |id: &str, enabled| PreProcessing { id: id.to_owned(), enabled };
    vec![step("remove_extra_spaces", spaces), step("remove_urls_emails", addresses)]
}

/// A text cut by rules.
pub fn cut(form: ChunkForm, rules: Rules, content: &str) -> Result<Vec<Chunk>, String> {
    let mode = if form == ChunkForm::Hierarchical { RuleMode::Hierarchical } else { RuleMode::Custom };
    let rule = ProcessRule { mode, rules: Some(rules) };
    let mut chunker = Chunker::new(form, &rule, None).map_err(|error| error.to_string())?;
    let mut chunks = chunker.push(content, None);
    chunks.extend(chunker.finish());
    if chunks.is_empty() { Err("Nothing is left of the text to make chunks of.".into()) } else { Ok(chunks) }
}

/// A part of the rules.
pub fn segmentation(separator: &str, most: usize, overlap: usize) -> Segmentation {
    Segmentation::new(separator, most, overlap)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{builtin::PROVIDERS, spec::Run};

    fn run(tool: &str, parameters: &Value) -> Result<Value, String> {
        let found = PROVIDERS.iter().find_map(|provider| provider.tool(tool)).unwrap();
        let Run::Pure(run) = found.run else { panic!("{tool} calls the world") };
        let said = run(&Arguments::new(parameters.as_object().unwrap().clone(), Map::new()))?;
        match said.into_iter().next() {
            Some(CallMessage::Variable { name, value, stream: false }) if name == RESULT => Ok(value),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn general_chunks() {
        let chunk = |content: &str| json!({"content": content, "files": []});
        let long = "owl ".repeat(400);
        for (parameters, expected) in [
            (json!({"input_variable": "one\n\ntwo"}), json!([chunk("one"), chunk("two")])),
            (json!({"input_variable": "one|two", "delimiter": "|"}), json!([chunk("one"), chunk("two")])),
            // The names of other versions.
            (json!({"input_text": "one|two", "separator": "|"}), json!([chunk("one"), chunk("two")])),
            // The separator as people type it.
            (json!({"input_variable": "one\ntwo", "delimiter": "\\n"}), json!([chunk("one"), chunk("two")])),
            (json!({"input_variable": ["one", "two"]}), json!([chunk("one"), chunk("two")])),
            (
                json!({"input_variable": "a   b mail x@y.org", "replace_consecutive_spaces": true,
                    "delete_all_urls_and_email_addresses": "true"}),
                json!([chunk("a b mail")]),
            ),
        ] {
            let got = run("general_chunker", &parameters);
            assert_eq!(got, Ok(json!({"general_chunks": expected})), "{parameters}");
        }
        let cut = run(
            "general_chunker",
            &json!({"input_variable": long, "max_chunk_length": 100,
            "chunk_overlap_length": 10}),
        );
        let cut = cut.unwrap();
        let chunks = cut["general_chunks"].as_array().unwrap();
        assert!(chunks.len() > 15, "{}", chunks.len());
        assert!(chunks.iter().all(|chunk| chunk["content"].as_str().unwrap().chars().count() <= 100));
        for (parameters, why) in [
            (json!({}), "input_variable is required"),
            (json!({"input_variable": "  "}), "input_variable is required"),
            (json!({"input_variable": "x", "max_chunk_length": "many"}), "must be a number"),
            (json!({"input_variable": "x", "max_chunk_length": 50, "chunk_overlap_length": 60}), "overlap"),
        ] {
            let got = run("general_chunker", &parameters).unwrap_err();
            assert!(got.contains(why), "{parameters}: {got}");
        }
    }

    #[test]
    fn parents_and_their_parts() {
        let text = "one\ntwo\n\nthree";
        let paragraph = json!({"parent_mode": "paragraph", "parent_child_chunks": [
            {"parent_content": "one\ntwo", "child_contents": ["one", "two"], "files": []},
            {"parent_content": "three", "child_contents": ["three"], "files": []}]});
        let whole = json!({"parent_mode": "full-doc", "parent_child_chunks": [
            {"parent_content": text, "child_contents": ["one", "two", "three"], "files": []}]});
        for (parameters, expected) in [
            (json!({"input_text": text}), &paragraph),
            (json!({"input_variable": text, "delimiter": "\n\n"}), &paragraph),
            (json!({"input_text": text, "parent_mode": "full-doc"}), &whole),
            (json!({"input_text": text, "parent_mode": "full_doc"}), &whole),
        ] {
            assert_eq!(run("parentchild_chunker", &parameters).as_ref(), Ok(expected), "{parameters}");
        }
        let wrong = run("parentchild_chunker", &json!({"input_text": text, "parent_mode": "book"})).unwrap_err();
        assert!(wrong.contains("parent_mode"), "{wrong}");
    }

    #[test]
    fn questions_and_answers() {
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs: Vec<Value> = pairs.iter().map(|(q, a)| json!({"question": q, "answer": a})).collect();
            json!({"qa_chunks": pairs})
        };
        let two = pairs(&[("Who?", "An owl, of course"), ("When?", "At night")]);
        for (parameters, expected) in [
            (json!({"input_file": "question,answer\nWho?,\"An owl, of course\"\nWhen?,At night\n"}), &two),
            (json!({"input_file": "问题,答案\nWho?,\"An owl, of course\"\nWhen?,At night"}), &two),
            (json!({"input_file": "Who?,\"An owl, of course\"\nWhen?,At night"}), &two),
            (
                json!({"input_file": "1,\"An owl, of course\",Who?\n2,At night,When?", "question_column": 2,
                    "answer_column": 1}),
                &two,
            ),
            (
                json!({"input_file": "id,says,asked\n1,\"An owl, of course\",Who?\n2,At night,When?",
                    "question_column": "asked", "answer_column": "says"}),
                &two,
            ),
            (
                json!({"input_file": "| question | answer |\n| --- | --- |\n| Who? | An owl, of course |\n| When? | At night |"}),
                &two,
            ),
            // What a model has written.
            (json!({"input_text": "Q1: Who?\nA1: An owl, of course\nQ2: When?\nA2: At night"}), &two),
        ] {
            assert_eq!(run("qa_chunker", &parameters).as_ref(), Ok(expected), "{parameters}");
        }
        for (parameters, why) in [
            (json!({}), "input_file is required"),
            (json!({"input_file": "a,b", "answer_column": 5}), "no row"),
            (json!({"input_file": "a,b\nc,d", "question_column": "asked"}), "no column"),
        ] {
            let got = run("qa_chunker", &parameters).unwrap_err();
            assert!(got.contains(why), "{parameters}: {got}");
        }
    }

    #[test]
    fn older_names_are_declared_but_not_shown() {
        let tool = PROVIDERS.iter().find_map(|provider| provider.tool("general_chunker")).unwrap();
        let declared = crate::builtin::declared(tool);
        assert!(declared.parameters.iter().any(|parameter| parameter.name == "separator"));
        assert!(!crate::ToolView::from(tool).parameters.iter().any(|parameter| parameter.name == "separator"));
        assert!(declared.output_schema.unwrap().pointer("/properties/result").is_some());
    }
}
