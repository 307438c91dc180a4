//! `Idempotency-Key` on requests that are no runs: the same name and the same body give the answer that was given.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Services,
    runs::once::{Namer, answer_once},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::answer;
use crate::ApiResult;

/// Where callers name their request.
pub const HEADER: &str = "idempotency-key";

/// The caller's own name for a request.
///
/// # Errors
/// 400 for one that is no text.
pub fn key_of(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let key = headers.get(HEADER).map(|value| value.to_str().map(str::to_owned));
    key.transpose().map_err(|_| Error::bad_request("Idempotency-Key must be printable ASCII."))
}

/// What a request asks for, as a digest.
pub struct Said(Sha256);

impl Said {
    /// For this operation.
    pub fn new(operation: &str) -> Self {
        Self(Sha256::new()).text(operation)
    }

    /// With a text.
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// With a JSON body.
    pub fn json(self, body: &serde_json::Map<String, serde_json::Value>) -> Self {
        self.text(&serde_json::to_string(body).unwrap_or_default())
    }

    /// With bytes; their number keeps one part from running into the next.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }
}

/// Does the work and answers, once for each name.
///
/// # Errors
/// Those of the work, and 409 for a name that stands for another request or one that is still under way.
pub async fn answer<T: Serialize>(
    services: &Services,
    namer: impl Into<Namer>,
    headers: &HeaderMap,
    status: StatusCode,
    said: Said,
    work: impl Future<Output = Result<T, Error>> + Send,
) -> ApiResult<Response> {
    let Some(key) = key_of(headers)? else {
        return Ok((status, axum::Json(work.await?)).into_response());
    };
    let namer = namer.into();
    let told = async { serde_json::to_string(&work.await?).map_err(Error::internal) };
    let text = answer_once(services, namer, &key, &hex::encode(said.0.finalize()), told).await?;
    let mut response = answer::json(text);
    *response.status_mut() = status;
    Ok(response)
}
