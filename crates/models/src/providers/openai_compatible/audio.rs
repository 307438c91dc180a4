//! `POST /audio/transcriptions` and `POST /audio/speech`.

use async_trait::async_trait;
use futures::StreamExt as _;
use ox_net::{Class, Method, Request, Response};
use ox_types::Json;
use serde_json::json;

use super::OpenAiCompatible;
use crate::{
    Call, ErrorClass, ModelError, SpeechModel, SpeechRequest, SpeechStream, TranscriptionModel, TranscriptionRequest,
    Unit, Used, fault, spoken_pieces,
};

/// Calls of one speech; a longer text is refused.
const MAX_PIECES: usize = 64;

#[async_trait]
impl TranscriptionModel for OpenAiCompatible {
    async fn transcribe(&self, call: Call<'_>, request: TranscriptionRequest) -> Result<String, ModelError> {
        let model = self.wire_model(&call, &request.model);
        let url = self.url(&call, model, "/audio/transcriptions")?;
        let boundary = format!("oxidify-{}", ox_types::new_uuid().simple());
        let mut post = Request::new(Class::Model, Method::POST, url);
        post = post
            .header("content-type", &format!("multipart/form-data; boundary={boundary}"))
            .map_err(|error| fault::from_net(&self.spec.id, &error))?;
        post.body = form(&boundary, model, &request).into();
        let response = self.send(&call, post).await?;
        let body = response.bytes().await.map_err(|error| fault::from_net(&self.spec.id, &error))?;
        let wrong = |what: &str| fault::garbage(&self.spec.id, what, &String::from_utf8_lossy(&body));
        let json: Json = serde_json::from_slice(&body).map_err(|_| wrong("the provider's answer is not JSON"))?;
        if let Some(error) = fault::from_body(&self.spec.id, &json) {
            return Err(error);
        }
        let text = json.get("text").and_then(Json::as_str).ok_or_else(|| wrong("the answer holds no text"))?;
        call.tell(json.get("usage").map(super::used).unwrap_or_default());
        Ok(text.to_owned())
    }
}

/// A form with the model and the recording.
fn form(boundary: &str, model: &str, request: &TranscriptionRequest) -> Vec<u8> {
    let clean = |text: &str| -> String {
        text.chars().map(|c| if matches!(c, '"' | '\\') || c.is_control() { '_' } else { c }).collect()
    };
    let mut body = Vec::with_capacity(request.audio.len() + 1024);
    for (name, value) in [("model", model), ("response_format", "json")] {
        let part = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\ncontent-type: {}\r\n\r\n",
        clean(&request.filename),
        clean(&request.mime)
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&request.audio);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

#[async_trait]
impl SpeechModel for OpenAiCompatible {
    async fn speak(&self, call: Call<'_>, request: SpeechRequest) -> Result<SpeechStream, ModelError> {
        let model = self.wire_model(&call, &request.model).to_owned();
        let url = self.url(&call, &model, "/audio/speech")?;
        let limit = call.spec.map_or(3_500, |spec| spec.word_limit());
        let pieces = spoken_pieces(&request.text, limit);
        if pieces.len() > MAX_PIECES {
            let text = format!("the text is longer than {} characters", MAX_PIECES * limit);
            return Err(self.error(ErrorClass::BadRequest, text));
        }
        // No answer tells it, but every vendor of this protocol counts it.
        let characters = pieces.iter().map(|piece| piece.chars().count()).sum::<usize>();
        let units = Some((u64::try_from(characters).unwrap_or(u64::MAX), Unit::Characters));
        let mut requests = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let body = json!({"model": model, "input": piece, "voice": request.voice, "response_format": "mp3"});
            requests.push(self.request(&call, Request::post_json(Class::Model, url.as_str(), body.to_string()))?);
        }
        let mut requests = requests.into_iter();
        let Some(first) = requests.next() else { return Ok(futures::stream::empty().boxed()) };
        // The first call tells whether the provider refuses.
        let mut response = self.exchange(&call).send(first).await?;
        self.sound(&mut response).await?;
        call.tell(Used { units, ..Used::default() });
        let (provider, egress) = (self.spec.id.clone(), call.egress.clone());
        Ok(Box::pin(async_stream::try_stream! {
            let mut response = response;
            loop {
                while let Some(piece) = response.chunk().await.map_err(|error| fault::from_net(&provider, &error))? {
                    yield piece;
                }
                // MP3 that follows MP3 is MP3.
                let Some(next) = requests.next() else { break };
                response = egress.send(next).await.map_err(|error| fault::from_net(&provider, &error))?;
                if !response.status.is_success() {
                    let (status, headers) = (response.status.as_u16(), response.headers.clone());
                    let body = response.text().await.unwrap_or_default();
                    Err(fault::from_status(&provider, status, &headers, &body))?;
                    break;
                }
            }
        }))
    }
}

impl OpenAiCompatible {
    /// An answer that says JSON holds an error, not sound.
    async fn sound(&self, response: &mut Response) -> Result<(), ModelError> {
        let kind = response.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/json") && !kind.starts_with("text/") {
            return Ok(());
        }
        let first = response.chunk().await.map_err(|error| fault::from_net(&self.spec.id, &error))?.unwrap_or_default();
        let told = serde_json::from_slice::<Json>(&first).ok().and_then(|json| fault::from_body(&self.spec.id, &json));
        Err(told.unwrap_or_else(|| {
            fault::garbage(&self.spec.id, "the provider answered without sound", &String::from_utf8_lossy(&first))
        }))
    }
}
