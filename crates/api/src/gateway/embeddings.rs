//! Texts as vectors.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ox_app::{Error, providers::names};
use ox_models::{EmbeddingInput, EmbeddingRequest, ModelKind, ModelRuntime as _, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{App, Door, Sent, answered, ask, object, wrong};
use crate::service::openai::OpenAiError;

/// Texts of one request.
const MOST_TEXTS: usize = 2048;
/// Texts that a model is asked about at once when it does not tell how many it takes.
const AT_ONCE: usize = 32;

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "what is read is described; the body is read field by field for its errors")]
pub struct GatewayEmbedding {
    model: String,
    /// A text, or up to 2,048 texts.
    input: Value,
    /// `float` or `base64` (32-bit floats, little end first).
    encoding_format: Option<String>,
    /// Only the number that the model has anyway.
    dimensions: Option<u64>,
    user: Option<String>,
}

/// One vector.
#[derive(Serialize, ToSchema)]
pub struct GatewayVector {
    /// Always `embedding`.
    object: String,
    index: usize,
    /// Numbers, or base64 text.
    #[schema(value_type = Object)]
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Tokens that were read.
#[derive(Serialize, ToSchema)]
pub struct GatewayEmbeddingUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// One vector for each text, in their order.
#[derive(Serialize, ToSchema)]
pub struct GatewayVectors {
    /// Always `list`.
    object: String,
    data: Vec<GatewayVector>,
    model: String,
    usage: GatewayEmbeddingUsage,
}

struct Asked {
    model: String,
    texts: Vec<String>,
    as_base64: bool,
    dimensions: Option<u64>,
    user: Option<String>,
}

fn read(map: &Map<String, Value>) -> Result<Asked, Error> {
    let texts = match map.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) if list.first().is_some_and(|one| one.is_number() || one.is_array()) => {
            return Err(wrong("input", "'input' must be texts: lists of tokens mean something else to each model."));
        }
        Some(Value::Array(list)) if (1..=MOST_TEXTS).contains(&list.len()) && list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => return Err(wrong("input", format!("'input' must be a text or 1 to {MOST_TEXTS} texts"))),
    };
    if texts.iter().any(String::is_empty) {
        return Err(wrong("input", "'input' must not hold an empty text"));
    }
    let as_base64 = match map.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => return Err(wrong("encoding_format", format!("'{other}' is not a format: float or base64"))),
    };
    let dimensions = match map.get("dimensions") {
        None | Some(Value::Null) => None,
        Some(number) => {
            Some(number.as_u64().ok_or_else(|| wrong("dimensions", "'dimensions' must be a whole number"))?)
        }
    };
    Ok(Asked { model: ask::text(map, "model")?, texts, as_base64, dimensions, user: ask::user(map) })
}

fn encoded(vector: Vec<f32>, as_base64: bool) -> Vector {
    if !as_base64 {
        return Vector::Numbers(vector);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    Vector::Base64(STANDARD.encode(bytes))
}

/// Embed texts.
#[utoipa::path(post, path = "/embeddings", tag = "Model gateway", security(("gateway_key" = [])), request_body = GatewayEmbedding,
    responses((status = 200, body = GatewayVectors), (status = 400, body = OpenAiError), (status = 401, body = OpenAiError),
        (status = 403, body = OpenAiError), (status = 404, body = OpenAiError), (status = 429, body = OpenAiError),
        (status = 502, body = OpenAiError)))]
pub async fn embed(State(services): App, Door(holder): Door, sent: Sent) -> Response {
    answered(async {
        let Asked { model: name, texts, as_base64, dimensions, user } = read(&object(sent)?)?;
        let model = names::named(&services, &holder, &name, ModelKind::TextEmbedding).await?;
        let scope = names::scope(&holder, user);
        let spec = services.models.describe(&scope, &model, ModelKind::TextEmbedding).await;
        let number = |name: &str| spec.as_ref().and_then(|spec| spec.model_properties.get(name)?.as_u64());
        if let Some(wanted) = dimensions.filter(|wanted| number("dimensions").is_none_or(|has| has != *wanted)) {
            let text = format!("The dimensions of '{name}' cannot be chosen here (asked for: {wanted}).");
            return Err(wrong("dimensions", text));
        }
        let at_once = number("max_chunks").and_then(|most| usize::try_from(most).ok()).unwrap_or(AT_ONCE).max(1);
        let (mut data, mut usage) = (Vec::with_capacity(texts.len()), Usage::default());
        for batch in texts.chunks(at_once) {
            let request = EmbeddingRequest {
                model: String::new(),
                texts: batch.to_vec(),
                pictures: Vec::new(),
                input: EmbeddingInput::Document,
                user: scope.user.clone(),
            };
            let result = services.models.embed(&scope, &model, request).await.map_err(names::failure)?;
            usage += &result.usage;
            for vector in result.embeddings {
                let embedding = encoded(vector, as_base64);
                data.push(GatewayVector { object: "embedding".to_owned(), index: data.len(), embedding });
            }
        }
        let usage = GatewayEmbeddingUsage { prompt_tokens: usage.prompt_tokens, total_tokens: usage.total_tokens };
        Ok(Json(GatewayVectors { object: "list".to_owned(), data, model: name, usage }).into_response())
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_texts() {
        for (body, found) in [
            (json!({"input": "a"}), Ok(1)),
            (json!({"input": ["a", "b"], "encoding_format": "base64", "dimensions": null}), Ok(2)),
            (json!({"input": []}), Err("input")),
            (json!({"input": [1, 2]}), Err("input")),
            (json!({"input": [[1, 2]]}), Err("input")),
            (json!({"input": ["a", ""]}), Err("input")),
            (json!({}), Err("input")),
            (json!({"input": "a", "encoding_format": "int8"}), Err("encoding_format")),
            (json!({"input": "a", "dimensions": "many"}), Err("dimensions")),
            (json!({"input": "a", "model": 5}), Err("model")),
        ] {
            let mut map = body.as_object().unwrap().clone();
            map.entry("model").or_insert("m".into());
            let told = read(&map).map(|asked| asked.texts.len()).map_err(|error| error.field.unwrap_or_default());
            assert_eq!(told, found.map_err(str::to_owned), "{body}");
        }
    }

    #[test]
    fn base64_is_of_floats_with_their_little_end_first() {
        let json = |as_base64| serde_json::to_value(encoded(vec![1.0, -0.5], as_base64)).unwrap();
        assert_eq!(json(true), "AACAPwAAAL8=");
        assert_eq!(json(false), json!([1.0, -0.5]));
    }
}
