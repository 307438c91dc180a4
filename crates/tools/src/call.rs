//! One call of a built-in tool: its arguments, and what it may use of the world.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use ox_net::{Caller, Class, Egress, Limits, NetError, Request, Response, StatusCode};
use ox_sandbox::{CodeLimits, CodeRunner};
use ox_types::Json;
use serde_json::Map;
use url::Url;

use crate::{openapi::Attachment, space::Space};

/// Most bytes that a tool takes from a server.
pub const MAX_ANSWER: u64 = 5 * 1024 * 1024;
/// Characters of a refusal that are passed on.
const MAX_TOLD: usize = 300;

/// What tools may use.
#[derive(Clone)]
pub struct World {
    /// The way out, under the rules of the caller's workspace.
    pub egress: Egress,
    pub code: Arc<dyn CodeRunner>,
    pub code_limits: CodeLimits,
    pub caller: Caller,
    /// Where files of databases lie.
    pub databases: Arc<Path>,
    /// Files of the run; none outside a run.
    pub space: Option<Space>,
}

/// A call of a tool.
pub struct Call {
    pub arguments: Arguments,
    /// Values of the provider's form.
    pub credentials: Map<String, Json>,
    pub world: World,
}

/// Parameters and settings of a call.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    parameters: Map<String, Json>,
    settings: Map<String, Json>,
    /// What the files among them hold, for tools that take files.
    files: BTreeMap<String, Vec<Attachment>>,
}

impl Arguments {
    /// Parameters, and settings where a parameter is missing.
    #[must_use]
    pub const fn new(parameters: Map<String, Json>, settings: Map<String, Json>) -> Self {
        Self { parameters, settings, files: BTreeMap::new() }
    }

    /// The same with what its files hold.
    #[must_use]
    pub fn with_files(self, files: BTreeMap<String, Vec<Attachment>>) -> Self {
        Self { files, ..self }
    }

    /// The files of a parameter.
    #[must_use]
    pub fn files(&self, name: &str) -> &[Attachment] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }

    /// A value that is set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Json> {
        let set = |map: &'_ Map<String, Json>| map.get(name).is_some_and(|value| !value.is_null());
        if set(&self.parameters) { self.parameters.get(name) } else { self.settings.get(name).filter(|v| !v.is_null()) }
    }

    /// A value that is set and not blank, as text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!text.trim().is_empty()).then_some(text)
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn required(&self, name: &str) -> Result<String, String> {
        self.get(name).ok_or_else(|| format!("tool parameter {name} not found in tool config"))
    }

    /// A number, or the usual one.
    ///
    /// # Errors
    /// When what is given is not one.
    pub fn number(&self, name: &str, usual: f64) -> Result<f64, String> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        let number: Option<f64> = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| format!("{name} must be a number, not '{text}'"))
    }

    /// A count within bounds.
    ///
    /// # Errors
    /// When what is given is not a number.
    pub fn count(&self, name: &str, usual: u32, least: u32, most: u32) -> Result<u32, String> {
        let number = self.number(name, f64::from(usual))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bounds")]
        let count = number.clamp(f64::from(least), f64::from(most)) as u32;
        Ok(count)
    }

    /// Yes or no, or the usual.
    #[must_use]
    pub fn flag(&self, name: &str, usual: bool) -> bool {
        let text = self.get(name).map(|text| text.trim().to_ascii_lowercase());
        text.map_or(usual, |text| matches!(text.as_str(), "true" | "1" | "yes" | "on"))
    }

    /// Texts: a JSON array, or parts between commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let plain = |item: &Json| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        let Some(text) = self.get(name) else { return Vec::new() };
        if let Ok(Json::Array(items)) = serde_json::from_str(&text) {
            return items.iter().map(plain).collect();
        }
        text.split([',', ';']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// Bytes of all values together.
    #[must_use]
    pub fn size(&self) -> usize {
        let text = |value: &Json| value.as_str().map_or(64, str::len);
        self.parameters.values().chain(self.settings.values()).map(text).sum()
    }
}

/// What a server answered, read to its end.
#[derive(Debug)]
pub struct Fetched {
    pub status: StatusCode,
    /// Without parameters.
    pub mime: String,
    pub url: Url,
    pub bytes: Bytes,
}

impl Fetched {
    /// As text, broken bytes replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The limits of a call of a tool.
#[must_use]
pub fn limits(total: Duration) -> Limits {
    Limits { connect: Duration::from_secs(10), first_byte: total, read: total, total, body: MAX_ANSWER }
}

/// The MIME type of an answer, without its parameters.
#[must_use]
pub fn mime_of(response: &Response) -> String {
    let value = response.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The beginning of a text, for an error.
#[must_use]
pub fn told(text: &str) -> String {
    let text = text.trim();
    let short: String = text.chars().take(MAX_TOLD).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

impl Call {
    /// A GET with limits.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Request {
        Request::get(Class::Tool, url).limits(limits(Duration::from_secs(30)))
    }

    /// Makes a call and reads the answer, whatever its status.
    ///
    /// # Errors
    /// When it is refused, fails, or is too large.
    pub async fn fetch(&self, request: Request) -> Result<Fetched, String> {
        let response = self.world.egress.send(request).await.map_err(|error| why(&error))?;
        let (status, mime, url) = (response.status, mime_of(&response), response.url.clone());
        let bytes = response.bytes().await.map_err(|error| why(&error))?;
        Ok(Fetched { status, mime, url, bytes })
    }

    /// Makes a call to a service that answers in JSON.
    ///
    /// # Errors
    /// Also when it refuses, or answers otherwise.
    pub async fn fetch_json(&self, service: &str, request: Request) -> Result<Json, String> {
        let answer = self.fetch(request).await?;
        let text = answer.text();
        match answer.status.as_u16() {
            200..=299 => serde_json::from_str(&text)
                .map_err(|_| format!("{service} did not answer in JSON ({}): {}", answer.mime, told(&text))),
            401 | 403 => Err(format!("{service} refused the credentials (HTTP {}): {}", answer.status, told(&text))),
            429 => Err(format!("{service} has had too many requests (HTTP 429): {}", told(&text))),
            _ => Err(format!("{service} answered HTTP {}: {}", answer.status, told(&text))),
        }
    }

    /// A credential that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn credential(&self, name: &str) -> Result<&str, String> {
        let value = self.credentials.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
        value.ok_or_else(|| format!("The credential '{name}' is not set."))
    }
}

/// A failed call in words.
#[must_use]
pub fn why(error: &NetError) -> String {
    match error {
        NetError::TooLarge { host, limit } => {
            format!("The answer of {host} is larger than the {} MB that a tool may return.", limit / 1024 / 1024)
        }
        other => other.to_string(),
    }
}
