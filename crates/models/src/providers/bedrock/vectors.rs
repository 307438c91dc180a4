//! Vectors by `InvokeModel`: each vendor on Bedrock has a form of its own.

use ox_types::Json;
use serde_json::json;

use super::Bedrock;
use crate::{EmbeddingInput, EmbeddingRequest, Media, MediaSource, ModelError, count, exchange::Exchange, fault};

/// Pictures of one request of Cohere's fourth generation: they are megabytes, and a request has a limit of 20 MB.
const MAX_PICTURES: usize = 4;
/// Dimensions of Nova where the table tells none.
const NOVA: u64 = 3072;

/// The vendors' forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The third generation takes one picture at a time, and has a word of its own for why.
    CohereThird,
    Cohere,
    Nova,
    Titan,
}

impl Form {
    fn of(model: &str) -> Self {
        match model {
            model if model.contains("cohere.") && model.contains("-v3") => Self::CohereThird,
            model if model.contains("cohere.") => Self::Cohere,
            model if model.contains("amazon.nova-") => Self::Nova,
            _ => Self::Titan,
        }
    }
}

/// What is asked for one vector.
#[derive(Clone, Copy)]
enum Item<'a> {
    Text(&'a str),
    Picture(&'a Media),
}

impl Bedrock {
    /// One vector for each text, then one for each picture; and the tokens as far as they are told, or estimated.
    pub(super) async fn vectors(
        &self,
        exchange: &Exchange<'_>,
        request: &EmbeddingRequest,
        batch: usize,
    ) -> Result<(Vec<Vec<f32>>, u64), ModelError> {
        let form = Form::of(&request.model);
        let mut out = (Vec::with_capacity(request.texts.len() + request.pictures.len()), 0);
        if matches!(form, Form::Cohere | Form::CohereThird) {
            for texts in request.texts.chunks(batch) {
                let truncate = if form == Form::Cohere { "RIGHT" } else { "END" };
                let body = json!({"texts": texts, "input_type": cohere_type(request.input), "embedding_types": ["float"],
                                  "truncate": truncate});
                self.several(exchange, request, &body, texts.len(), &mut out.0).await?;
                out.1 += texts.iter().map(|text| count::estimate(text)).sum::<u64>();
            }
            for pictures in request.pictures.chunks(if form == Form::Cohere { MAX_PICTURES } else { 1 }) {
                let why = if form == Form::Cohere { cohere_type(request.input) } else { "image" };
                let urls: Vec<String> = pictures.iter().map(Media::as_url).collect();
                let body = json!({"images": urls, "input_type": why, "embedding_types": ["float"]});
                self.several(exchange, request, &body, pictures.len(), &mut out.0).await?;
            }
            return Ok(out);
        }
        let texts = request.texts.iter().map(|text| Item::Text(text));
        for item in texts.chain(request.pictures.iter().map(Item::Picture)) {
            let body = if form == Form::Nova { nova(exchange, request, item)? } else { titan(exchange, item)? };
            let json = self.invoke(exchange, &request.model, &body).await?;
            let vector = json.get("embedding").or_else(|| json.pointer("/embeddings/0/embedding"));
            out.0.push(super::read::<Vec<f32>>(vector).ok_or_else(|| self.wrong(&json))?);
            let told = json.get("inputTextTokenCount").and_then(Json::as_u64);
            out.1 += told.unwrap_or_else(|| if let Item::Text(text) = item { count::estimate(text) } else { 0 });
        }
        Ok(out)
    }

    /// The vectors of one request for several.
    async fn several(
        &self,
        exchange: &Exchange<'_>,
        request: &EmbeddingRequest,
        body: &Json,
        expected: usize,
        out: &mut Vec<Vec<f32>>,
    ) -> Result<(), ModelError> {
        let json = self.invoke(exchange, &request.model, body).await?;
        let vectors = json.pointer("/embeddings/float").or_else(|| json.get("embeddings"));
        let vectors = super::read::<Vec<Vec<f32>>>(vectors).filter(|vectors| vectors.len() == expected);
        out.append(&mut vectors.ok_or_else(|| self.wrong(&json))?);
        Ok(())
    }

    fn wrong(&self, json: &Json) -> ModelError {
        fault::garbage(&self.spec.id, "there is not one vector for each text", &json.to_string())
    }
}

const fn cohere_type(input: EmbeddingInput) -> &'static str {
    match input {
        EmbeddingInput::Document => "search_document",
        EmbeddingInput::Query => "search_query",
    }
}

/// The bytes of a picture as base64.
fn bytes<'a>(exchange: &Exchange<'_>, picture: &'a Media) -> Result<&'a str, ModelError> {
    match &picture.source {
        MediaSource::Base64(data) => Ok(data),
        MediaSource::Url(_) => {
            let text = "a picture must be sent with the request, not as an address";
            Err(exchange.error(crate::ErrorClass::Unsupported, text))
        }
    }
}

fn titan(exchange: &Exchange<'_>, item: Item<'_>) -> Result<Json, ModelError> {
    Ok(match item {
        Item::Text(text) => json!({"inputText": text}),
        Item::Picture(picture) => json!({"inputImage": bytes(exchange, picture)?}),
    })
}

fn nova(exchange: &Exchange<'_>, request: &EmbeddingRequest, item: Item<'_>) -> Result<Json, ModelError> {
    let purpose = match request.input {
        EmbeddingInput::Document => "GENERIC_INDEX",
        EmbeddingInput::Query => "GENERIC_RETRIEVAL",
    };
    let dimensions = exchange.call.spec.and_then(|spec| spec.model_properties.get("dimensions")).and_then(Json::as_u64);
    let mut asked = json!({"embeddingPurpose": purpose, "embeddingDimension": dimensions.unwrap_or(NOVA)});
    match item {
        Item::Text(text) => asked["text"] = json!({"truncationMode": "END", "value": text}),
        Item::Picture(picture) => {
            let format = picture.mime.strip_prefix("image/").unwrap_or(&picture.mime);
            asked["image"] = json!({"detailLevel": "STANDARD_IMAGE", "format": format,
                                    "source": {"bytes": bytes(exchange, picture)?}});
        }
    }
    Ok(json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": asked}))
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn models_and_their_forms() {
        for (model, expected) in [
            ("cohere.embed-english-v3", Form::CohereThird),
            ("cohere.embed-v4:0", Form::Cohere),
            ("global.cohere.embed-v4:0", Form::Cohere),
            ("amazon.nova-2-multimodal-embeddings-v1:0", Form::Nova),
            ("amazon.titan-embed-image-v1", Form::Titan),
            ("amazon.titan-embed-text-v2:0", Form::Titan),
        ] {
            assert_eq!(Form::of(model), expected, "{model}");
        }
    }
}
