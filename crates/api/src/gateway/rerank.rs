//! Documents in the order of how well they answer a question, in the words that Cohere and Jina share.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use ox_app::{Error, providers::names};
use ox_models::{ModelKind, ModelRuntime as _, RerankRequest, count};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{App, Door, Sent, answered, ask, object, wrong};
use crate::service::openai::OpenAiError;

const MOST_DOCUMENTS: usize = 1000;

/// Documents to order.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "what is read is described; the body is read field by field for its errors")]
pub struct GatewayRerank {
    model: String,
    query: String,
    /// Up to 1,000 texts, or objects with a `text`.
    documents: Vec<Value>,
    /// Only the best so many.
    top_n: Option<u64>,
    /// Repeat the texts in the answer.
    return_documents: Option<bool>,
}

/// A document that was ordered.
#[derive(Serialize, ToSchema)]
pub struct GatewayDocument {
    text: String,
}

/// A place in the order.
#[derive(Serialize, ToSchema)]
pub struct GatewayRanked {
    /// Position in the request.
    index: usize,
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<GatewayDocument>,
}

/// Tokens that were read, counted here.
#[derive(Serialize, ToSchema)]
pub struct GatewayRerankUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Best first.
#[derive(Serialize, ToSchema)]
pub struct GatewayRanking {
    id: String,
    model: String,
    results: Vec<GatewayRanked>,
    usage: GatewayRerankUsage,
}

struct Asked {
    model: String,
    query: String,
    documents: Vec<String>,
    top_n: Option<usize>,
    repeats: bool,
}

fn read(map: &Map<String, Value>) -> Result<Asked, Error> {
    let text = |one: &Value| one.as_str().or_else(|| one.get("text")?.as_str()).map(str::to_owned);
    let list = map.get("documents").and_then(Value::as_array);
    let list = list.filter(|list| (1..=MOST_DOCUMENTS).contains(&list.len()));
    let documents: Option<Vec<String>> = list.and_then(|list| list.iter().map(text).collect());
    let documents = documents.ok_or_else(|| {
        wrong("documents", format!("'documents' must be 1 to {MOST_DOCUMENTS} texts, or objects with a 'text'"))
    })?;
    let top_n = match map.get("top_n") {
        None | Some(Value::Null) => None,
        Some(number) => match number.as_u64().filter(|number| *number > 0) {
            Some(number) => usize::try_from(number).ok(),
            None => return Err(wrong("top_n", "'top_n' must be a whole number above 0")),
        },
    };
    let repeats = map.get("return_documents").and_then(Value::as_bool).unwrap_or(false);
    Ok(Asked { model: ask::text(map, "model")?, query: ask::text(map, "query")?, documents, top_n, repeats })
}

/// Order documents by how well they answer a question.
#[utoipa::path(post, path = "/rerank", tag = "Model gateway", security(("gateway_key" = [])), request_body = GatewayRerank,
    responses((status = 200, body = GatewayRanking), (status = 400, body = OpenAiError), (status = 401, body = OpenAiError),
        (status = 403, body = OpenAiError), (status = 404, body = OpenAiError), (status = 429, body = OpenAiError),
        (status = 502, body = OpenAiError)))]
pub async fn rerank(State(services): App, Door(holder): Door, sent: Sent) -> Response {
    answered(async {
        let map = object(sent)?;
        let Asked { model: name, query, documents, top_n, repeats } = read(&map)?;
        let model = names::named(&services, &holder, &name, ModelKind::Rerank).await?;
        let scope = names::scope(&holder, ask::user(&map));
        let request = RerankRequest {
            model: String::new(),
            query: query.clone(),
            documents: documents.clone(),
            score_threshold: None,
            top_n,
        };
        let ranked = services.models.rerank(&scope, &model, request).await.map_err(names::failure)?;
        let results = ranked.into_iter().map(|one| GatewayRanked {
            index: one.index,
            relevance_score: one.score,
            document: documents.get(one.index).filter(|_| repeats).map(|text| GatewayDocument { text: text.clone() }),
        });
        let results = results.collect();
        // Counting long texts takes longer than an async task may hold its thread.
        let read = tokio::task::spawn_blocking(move || {
            let of = |text: &String| count::text(&model.name, text);
            of(&query) * documents.len() as u64 + documents.iter().map(of).sum::<u64>()
        });
        let tokens = read.await.unwrap_or_default();
        let id = format!("rerank-{}", ox_types::new_uuid().simple());
        let usage = GatewayRerankUsage { prompt_tokens: tokens, total_tokens: tokens };
        Ok(Json(GatewayRanking { id, model: name, results, usage }).into_response())
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_texts_or_have_one() {
        for (body, found) in [
            (json!({"documents": ["a", {"text": "b"}], "top_n": 1}), Ok((2, Some(1)))),
            (json!({"documents": ["a"], "top_n": null}), Ok((1, None))),
            (json!({"documents": []}), Err("documents")),
            (json!({"documents": "a"}), Err("documents")),
            (json!({"documents": ["a", {"title": "b"}]}), Err("documents")),
            (json!({"documents": ["a"], "top_n": 0}), Err("top_n")),
            (json!({"documents": ["a"], "query": ""}), Err("query")),
        ] {
            let mut map = body.as_object().unwrap().clone();
            map.entry("model").or_insert("m".into());
            map.entry("query").or_insert("q".into());
            let told = read(&map).map(|asked| (asked.documents.len(), asked.top_n));
            assert_eq!(told.map_err(|error| error.field.unwrap_or_default()), found.map_err(str::to_owned), "{body}");
        }
    }
}
