//! What a request for vectors says: nearly the same words with all vendors, others where models see.

use ox_types::Json;
use serde_json::json;

use super::vendors::Inputs;
use crate::{EmbeddingInput, EmbeddingRequest, Media, MediaSource, count};

/// Pictures of one request: each is up to some megabytes.
const PICTURES: usize = 8;

/// What one request embeds.
#[derive(Clone, Copy)]
pub enum Batch<'a> {
    Texts(&'a [String]),
    Pictures(&'a [Media]),
}

impl Batch<'_> {
    pub const fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Pictures(pictures) => pictures.len(),
        }
    }

    /// Tokens, where the vendor tells none. What a picture costs only the vendor knows.
    pub fn estimate(&self) -> u64 {
        match self {
            Self::Texts(texts) => texts.iter().map(|text| count::estimate(text)).sum(),
            Self::Pictures(_) => 0,
        }
    }
}

/// The requests of one call: its texts, then its pictures.
pub fn batches(request: &EmbeddingRequest, size: usize) -> impl Iterator<Item = Batch<'_>> {
    let texts = request.texts.chunks(size).map(Batch::Texts);
    texts.chain(request.pictures.chunks(size.min(PICTURES)).map(Batch::Pictures))
}

/// Voyage has an address of its own for the models that see.
fn is_apart(inputs: Inputs, model: &str) -> bool {
    inputs == Inputs::Voyage && model.contains("multimodal")
}

pub fn path(inputs: Inputs, model: &str) -> &'static str {
    if is_apart(inputs, model) { "/multimodalembeddings" } else { "/embeddings" }
}

/// The body; none for pictures to a vendor who takes none. `sees`: the model takes pictures.
pub fn body(inputs: Inputs, model: &str, sees: bool, input: EmbeddingInput, batch: Batch<'_>) -> Option<Json> {
    let mut body = match (batch, inputs) {
        (batch, Inputs::Voyage) if is_apart(inputs, model) => json!({"model": model, "inputs": contents(batch)}),
        (batch, Inputs::Jina) if sees => json!({"model": model, "input": objects(batch)}),
        (Batch::Texts(texts), _) => json!({"model": model, "input": texts}),
        (Batch::Pictures(_), _) => return None,
    };
    let is_query = input == EmbeddingInput::Query;
    match inputs {
        Inputs::Alike => body["encoding_format"] = "float".into(),
        Inputs::Jina if model.contains("-v2") => {}
        Inputs::Jina => body["task"] = if is_query { "retrieval.query" } else { "retrieval.passage" }.into(),
        Inputs::Voyage => body["input_type"] = if is_query { "query" } else { "document" }.into(),
    }
    Some(body)
}

/// Jina's: one object for each.
fn objects(batch: Batch<'_>) -> Vec<Json> {
    let inline = |picture: &Media| match &picture.source {
        MediaSource::Url(text) | MediaSource::Base64(text) => json!({"image": text}),
    };
    match batch {
        Batch::Texts(texts) => texts.iter().map(|text| json!({"text": text})).collect(),
        Batch::Pictures(pictures) => pictures.iter().map(inline).collect(),
    }
}

/// Voyage's: each is a list of parts.
fn contents(batch: Batch<'_>) -> Vec<Json> {
    let picture = |picture: &Media| match &picture.source {
        MediaSource::Url(url) => json!({"type": "image_url", "image_url": url}),
        MediaSource::Base64(_) => json!({"type": "image_base64", "image_base64": picture.as_url()}),
    };
    match batch {
        Batch::Texts(texts) => texts.iter().map(|text| json!({"content": [{"type": "text", "text": text}]})).collect(),
        Batch::Pictures(pictures) => pictures.iter().map(|one| json!({"content": [picture(one)]})).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Media {
        Media { source: MediaSource::Base64("QUJD".into()), mime: "image/png".into(), filename: None, detail: None }
    }

    #[test]
    fn pictures_in_the_words_of_each_vendor() {
        let (texts, pictures) = (["a".to_owned()], [picture()]);
        let (texts, pictures) = (Batch::Texts(&texts), Batch::Pictures(&pictures));
        let data = "data:image/png;base64,QUJD";
        for (inputs, model, sees, batch, wanted) in [
            (
                Inputs::Jina,
                "jina-clip-v2",
                true,
                texts,
                Some(json!({"model": "jina-clip-v2", "input": [{"text": "a"}]})),
            ),
            (
                Inputs::Jina,
                "jina-embeddings-v4",
                true,
                pictures,
                Some(json!({"model": "jina-embeddings-v4", "input": [{"image": "QUJD"}], "task": "retrieval.passage"})),
            ),
            (Inputs::Jina, "jina-embeddings-v3", false, pictures, None),
            (
                Inputs::Voyage,
                "voyage-multimodal-3",
                true,
                texts,
                Some(json!({"model": "voyage-multimodal-3", "inputs": [{"content": [{"type": "text", "text": "a"}]}],
                            "input_type": "document"})),
            ),
            (
                Inputs::Voyage,
                "voyage-multimodal-3",
                true,
                pictures,
                Some(json!({"model": "voyage-multimodal-3", "input_type": "document",
                            "inputs": [{"content": [{"type": "image_base64", "image_base64": data}]}]})),
            ),
            (Inputs::Voyage, "voyage-3.5", false, pictures, None),
            (Inputs::Alike, "m", false, texts, Some(json!({"model": "m", "input": ["a"], "encoding_format": "float"}))),
            (Inputs::Alike, "m", true, pictures, None),
        ] {
            assert_eq!(body(inputs, model, sees, EmbeddingInput::Document, batch), wanted, "{model}");
        }
    }

    #[test]
    fn few_pictures_go_together() {
        let request = EmbeddingRequest {
            texts: vec!["a".into(), "b".into(), "c".into()],
            pictures: vec![picture(); PICTURES + 1],
            ..EmbeddingRequest::default()
        };
        assert_eq!(batches(&request, 2).map(|batch| batch.len()).collect::<Vec<_>>(), [2, 1, 2, 2, 2, 2, 1]);
        assert_eq!(batches(&request, 100).map(|batch| batch.len()).collect::<Vec<_>>(), [3, PICTURES, 1]);
    }
}
