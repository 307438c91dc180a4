//! `POST /moderations`.

use async_trait::async_trait;
use ox_net::{Class, Request};
use ox_types::Json;
use serde_json::json;

use super::OpenAiCompatible;
use crate::{Call, ModelError, ModerationModel, ModerationRequest, Used, fault};

/// Characters of one piece of a long text.
const PIECE: usize = 2000;
/// Pieces in one call.
const BATCH: usize = 32;

#[async_trait]
impl ModerationModel for OpenAiCompatible {
    async fn moderate(&self, call: Call<'_>, request: ModerationRequest) -> Result<bool, ModelError> {
        let model = self.wire_model(&call, &request.model);
        let url = self.url(&call, model, "/moderations")?;
        let pieces = pieces(&request.texts);
        for batch in pieces.chunks(BATCH) {
            let body = json!({"model": model, "input": batch}).to_string();
            let response = self.send(&call, Request::post_json(Class::Model, url.as_str(), body)).await?;
            let body = response.bytes().await.map_err(|error| fault::from_net(&self.spec.id, &error))?;
            let (is_flagged, used) = self.flagged(&body, batch.len())?;
            call.tell(used);
            if is_flagged {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl OpenAiCompatible {
    /// Whether one of the texts was, and what the vendor tells that it used.
    fn flagged(&self, body: &[u8], expected: usize) -> Result<(bool, Used), ModelError> {
        let wrong = |what: &str| fault::garbage(&self.spec.id, what, &String::from_utf8_lossy(body));
        let json: Json = serde_json::from_slice(body).map_err(|_| wrong("the provider's answer is not JSON"))?;
        if let Some(error) = fault::from_body(&self.spec.id, &json) {
            return Err(error);
        }
        let results = json.get("results").and_then(Json::as_array).ok_or_else(|| wrong("there is no judgement"))?;
        if results.len() < expected {
            return Err(wrong("fewer judgements than texts"));
        }
        let mut found = false;
        for result in results {
            found |=
                result.get("flagged").and_then(Json::as_bool).ok_or_else(|| wrong("a judgement cannot be read"))?;
        }
        Ok((found, json.get("usage").map(super::used).unwrap_or_default()))
    }
}

/// The texts in pieces that are not too long; empty ones say nothing.
fn pieces(texts: &[String]) -> Vec<String> {
    let mut pieces = Vec::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let mut rest = text.as_str();
        while let Some((at, _)) = rest.char_indices().nth(PIECE) {
            let (piece, more) = rest.split_at(at);
            pieces.push(piece.to_owned());
            rest = more;
        }
        if !rest.is_empty() {
            pieces.push(rest.to_owned());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_judged_in_pieces() {
        let texts = ["\u{fc}".repeat(PIECE), "b".repeat(PIECE + 1), " ".to_owned(), String::new(), "c".to_owned()];
        let got: Vec<usize> = pieces(&texts).iter().map(|piece| piece.chars().count()).collect();
        assert_eq!(got, [PIECE, PIECE, 1, 1]);
    }
}
