//! What the graph of a pipeline says: its datasources, what they ask, and how its knowledge base is indexed.

use ox_dsl::lint::selectors;
use ox_types::{Json, Object, Value};
use serde_json::{Map, json};

use super::inputs::SHARED;
use crate::{Error, Result, knowledge::datasets::Indexing, runs::pipeline::ASKED};

/// How the knowledge base of a pipeline is indexed, as its last node says.
#[derive(Clone, Debug, Default)]
pub struct IndexSettings {
    pub chunk_structure: String,
    pub indexing: Indexing,
    pub keyword_number: Option<i32>,
    pub summary_index_setting: Option<Json>,
}

fn nodes<'a>(graph: &'a Json, kind: &'static str) -> impl Iterator<Item = (&'a str, &'a Json)> {
    let all = graph.get("nodes").and_then(Json::as_array).into_iter().flatten();
    all.filter_map(move |node| {
        let data = node.get("data")?;
        (text(data, "type") == kind).then_some((node.get("id")?.as_str()?, data))
    })
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn filled(json: &Json, name: &str) -> Option<String> {
    Some(text(json, name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The settings of a datasource.
///
/// # Errors
/// 404 when the graph has none of this id.
pub fn datasource<'a>(graph: &'a Json, id: &str) -> Result<&'a Json> {
    let found = nodes(graph, "datasource").find(|(own, _)| *own == id).map(|(_, data)| data);
    found.ok_or_else(|| Error::not_found(format!("The pipeline has no datasource {id}.")))
}

/// All datasources, with their settings.
pub fn datasources(graph: &Json) -> impl Iterator<Item = (&str, &Json)> {
    nodes(graph, "datasource")
}

/// The datasource that a document of this kind came from, or could have: the first of the kind.
#[must_use]
pub fn datasource_of_kind(graph: &Json, kind: &str) -> Option<String> {
    nodes(graph, "datasource").find(|(_, data)| text(data, "provider_type") == kind).map(|(id, _)| id.to_owned())
}

/// How the knowledge base is to be indexed; nothing where no node says so.
#[must_use]
pub fn index_settings(graph: &Json) -> Option<IndexSettings> {
    let (_, data) = nodes(graph, "knowledge-index").next()?;
    let retrieval = data.get("retrieval_model").filter(|json| json.is_object()).cloned();
    Some(IndexSettings {
        chunk_structure: text(data, "chunk_structure").to_owned(),
        indexing: Indexing {
            technique: filled(data, "indexing_technique"),
            embedding_model: filled(data, "embedding_model"),
            embedding_model_provider: filled(data, "embedding_model_provider"),
            retrieval_model: retrieval.map(whole),
        },
        keyword_number: data.get("keyword_number").and_then(Json::as_i64).and_then(|count| i32::try_from(count).ok()),
        summary_index_setting: data.get("summary_index_setting").filter(|json| json.is_object()).cloned(),
    })
}

/// What a search must say, where a node leaves it open.
fn whole(mut retrieval: Json) -> Json {
    if let Some(fields) = retrieval.as_object_mut() {
        for (name, usual) in [
            ("search_method", json!("semantic_search")),
            ("reranking_enable", json!(false)),
            ("top_k", json!(3)),
            ("score_threshold_enabled", json!(false)),
        ] {
            if fields.get(name).is_none_or(Json::is_null) {
                fields.insert(name.to_owned(), usual);
            }
        }
    }
    retrieval
}

/// What is wrong with a graph that is to go live.
///
/// # Errors
/// 400 with the first thing.
pub fn check(graph: &Json) -> Result<IndexSettings> {
    ox_dsl::graph::Graph::parse(graph).map_err(|error| Error::invalid(error.to_string()))?;
    if nodes(graph, "datasource").next().is_none() {
        return Err(Error::invalid("The pipeline has no datasource."));
    }
    let settings = index_settings(graph);
    let settings = settings.ok_or_else(|| Error::invalid("The pipeline has no knowledge base at its end."))?;
    if ox_rag::ChunkForm::parse(&settings.chunk_structure).is_none() {
        return Err(Error::invalid("Choose the chunk structure of the knowledge base."));
    }
    if nodes(graph, "knowledge-index").any(|(_, data)| text(data, "chunk_structure") != settings.chunk_structure) {
        return Err(Error::invalid("All ends of a pipeline must have the same chunk structure."));
    }
    let is_economy = settings.indexing.technique.as_deref() == Some("economy");
    if is_economy && settings.chunk_structure != "text_model" {
        return Err(Error::invalid("Parent-child and Q&A chunks need the high quality index."));
    }
    Ok(settings)
}

/// Whether the parameters of a datasource refer to a variable.
fn is_referred(refers: &[Vec<String>], variable: &Json) -> bool {
    let wanted = [ASKED, text(variable, "belong_to_node_id"), text(variable, "variable")];
    refers.iter().any(|selector| selector.iter().map(String::as_str).eq(wanted))
}

/// The variables that are asked before a datasource is looked into, and those that are asked afterwards.
///
/// # Errors
/// 404 for an unknown datasource.
pub fn asked(graph: &Json, variables: &Json, node: &str) -> Result<(Vec<Json>, Vec<Json>)> {
    let data = datasource(graph, node)?;
    let refers = data.get("datasource_parameters").map(selectors).unwrap_or_default();
    let own = variables.as_array().into_iter().flatten();
    let own = own.filter(|variable| [SHARED, node].contains(&text(variable, "belong_to_node_id")));
    Ok(own.cloned().partition(|variable| is_referred(&refers, variable)))
}

/// The values of a datasource's parameters, with what the user has answered.
#[must_use]
pub fn parameters(data: &Json, asked: &Object) -> Map<String, Json> {
    let all = data.get("datasource_parameters").and_then(Json::as_object).into_iter().flatten();
    all.map(|(name, argument)| (name.clone(), parameter(argument, asked))).collect()
}

fn parameter(argument: &Json, asked: &Object) -> Json {
    let look = |selector: &[String]| match selector {
        [scope, owner, path @ ..] if scope == ASKED => {
            let found = asked.get(owner)?;
            if path.is_empty() { Some(found.clone()) } else { found.walk(path) }
        }
        _ => None,
    };
    let value = argument.get("value").unwrap_or(&Json::Null);
    let kind = argument.get("type").and_then(Json::as_str);
    match (kind, value) {
        (Some("variable"), Json::Array(parts)) => {
            let selector: Vec<String> = parts.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            look(&selector).unwrap_or(Value::None).to_json()
        }
        (Some("mixed" | "constant"), Json::String(template)) => {
            Json::from(ox_text::template::Template::parse(template).text(look))
        }
        (Some(_), value) => value.clone(),
        // Compat: early files have bare values.
        (None, _) => argument.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(structure: &str, technique: &str) -> Json {
        json!({"edges": [{"source": "d", "target": "i"}], "nodes": [
            {"id": "d", "data": {"type": "datasource", "provider_type": "website_crawl", "datasource_parameters": {
                "url": {"type": "mixed", "value": "{{#rag.d.url#}}/x"},
                "limit": {"type": "variable", "value": ["rag", "shared", "limit"]},
                "depth": {"type": "constant", "value": 3},
                "old": "bare"}}},
            {"id": "i", "data": {"type": "knowledge-index", "chunk_structure": structure,
                "indexing_technique": technique, "keyword_number": 7, "embedding_model": "",
                "retrieval_model": {"top_k": 5}}}]})
    }

    #[test]
    fn settings_of_the_last_node() {
        let found = index_settings(&pipeline("text_model", "economy")).unwrap();
        assert_eq!((found.chunk_structure.as_str(), found.keyword_number), ("text_model", Some(7)));
        assert_eq!(found.indexing.embedding_model, None);
        let retrieval = found.indexing.retrieval_model.unwrap();
        assert_eq!((&retrieval["top_k"], &retrieval["search_method"]), (&json!(5), &json!("semantic_search")));
    }

    #[test]
    fn what_cannot_go_live() {
        for (graph, why) in [
            (pipeline("text_model", "economy"), None),
            (pipeline("hierarchical_model", "high_quality"), None),
            (pipeline("hierarchical_model", "economy"), Some("high quality")),
            (pipeline("", "economy"), Some("chunk structure")),
            (json!({"nodes": [], "edges": []}), Some("no datasource")),
            (json!({"nodes": [{"id": "d", "data": {"type": "datasource"}}], "edges": []}), Some("no knowledge base")),
        ] {
            let got = check(&graph).map(|_| ()).map_err(|error| error.message);
            match (got, why) {
                (Ok(()), None) => {}
                (Err(text), Some(why)) => assert!(text.contains(why), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_asked_when() {
        let variable = |owner: &str, name: &str| json!({"belong_to_node_id": owner, "variable": name});
        let all = json!([
            variable("d", "url"),
            variable("shared", "limit"),
            variable("shared", "size"),
            variable("other", "url"),
            variable("d", "label")
        ]);
        let (before, after) = asked(&pipeline("text_model", "economy"), &all, "d").unwrap();
        assert_eq!(before, [variable("d", "url"), variable("shared", "limit")]);
        assert_eq!(after, [variable("shared", "size"), variable("d", "label")]);
        assert_eq!(asked(&pipeline("text_model", "economy"), &all, "e").unwrap_err().status, 404);
    }

    #[test]
    fn parameters_take_the_answers() {
        let graph = pipeline("text_model", "economy");
        let object = |name: &str, value: Value| Value::object([(name.to_owned(), value)].into_iter().collect());
        let asked: Object = [
            ("d".to_owned(), object("url", Value::from("https://a.b"))),
            ("shared".to_owned(), object("limit", Value::Int(9))),
        ]
        .into_iter()
        .collect();
        let found = parameters(datasource(&graph, "d").unwrap(), &asked);
        assert_eq!(Json::Object(found), json!({"url": "https://a.b/x", "limit": 9, "depth": 3, "old": "bare"}));
    }
}
