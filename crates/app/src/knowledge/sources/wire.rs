//! Calls to the services that documents come from: JSON in and out, within limits.

use std::time::Duration;

use ox_net::{Class, Limits, Method, NetError, Request};
use ox_types::{Json, TenantId};

use crate::{Error, Result, Services};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(120);
const MAX_ANSWER: u64 = 64 * 1024 * 1024;
/// Characters of a refusal that are passed on.
const MAX_TOLD: usize = 300;
/// Attempts where the service is for a moment not there.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// A call.
pub struct Call<'a> {
    pub tenant: TenantId,
    /// How people call the service.
    pub service: &'static str,
    pub method: Method,
    pub url: String,
    /// Sent, and never shown.
    pub secret: Option<(&'static str, String)>,
    pub headers: &'a [(&'static str, &'static str)],
    pub body: Option<Json>,
    /// Codes after which it is tried again.
    pub again: &'static [u16],
}

impl Call<'_> {
    /// What is answered, whatever the code.
    ///
    /// # Errors
    /// 400 when the service cannot be reached or may not be.
    pub async fn answer(&self, services: &Services) -> Result<(u16, String)> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let (status, text, wait) = self.once(services).await?;
            if attempt >= ATTEMPTS || !self.again.contains(&status) {
                return Ok((status, text));
            }
            tokio::time::sleep(wait.unwrap_or(pause).min(Duration::from_secs(10))).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn once(&self, services: &Services) -> Result<(u16, String, Option<Duration>)> {
        let wrong = |error: NetError| Error::invalid(error.to_string());
        let mut request = match &self.body {
            Some(body) => Request::post_json(Class::ExternalApi, &self.url, body.to_string()),
            None => Request::new(Class::ExternalApi, self.method.clone(), &self.url),
        };
        request = request.header("accept", "application/json").map_err(wrong)?;
        for (name, value) in self.headers {
            request = request.header(name, value).map_err(wrong)?;
        }
        if let Some((name, value)) = &self.secret {
            request = request.secret_header(name, value).map_err(wrong)?;
        }
        request.limits = Limits { connect: CONNECT, first_byte: TOTAL, read: TOTAL, total: TOTAL, body: MAX_ANSWER };
        let service = self.service;
        let failed = |error: NetError| match error {
            NetError::Denied(denied) => Error::invalid(denied.to_string()),
            other => Error::invalid(format!("{service} cannot be reached: {other}")).caused_by(other),
        };
        let answer = services.outbound.of(self.tenant).await?.send(request).await.map_err(failed)?;
        let status = answer.status.as_u16();
        let wait = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = answer.text().await.map_err(failed)?;
        Ok((status, text, wait.map(Duration::from_secs)))
    }

    /// What is answered, when it is a success in JSON.
    ///
    /// # Errors
    /// As [`Call::answer`]; 400 with what the service says otherwise.
    pub async fn json(&self, services: &Services) -> Result<Json> {
        let (status, text) = self.answer(services).await?;
        if !(200..300).contains(&status) {
            return Err(self.refused(status, &text));
        }
        serde_json::from_str(&text).map_err(|error| {
            Error::invalid(format!("The answer of {} is not as agreed: {error}", self.service)).caused_by(error)
        })
    }

    fn refused(&self, status: u16, text: &str) -> Error {
        let json: Json = serde_json::from_str(text).unwrap_or_default();
        let said = ["error", "message", "detail", "readableMessage"].iter().find_map(|name| json.get(*name)?.as_str());
        let said: String = said.unwrap_or(text).chars().take(MAX_TOLD).collect();
        let why = match status {
            401 | 403 => "does not take the key",
            402 => "asks for a payment",
            429 => "is asked too often",
            _ => "refuses",
        };
        Error::invalid(format!("{} {why} (code {status}): {said}", self.service))
    }
}

/// A text of an object; empty when it is not there.
pub fn text(json: &Json, name: &str) -> String {
    // PostgreSQL keeps no null characters.
    json.get(name).and_then(Json::as_str).unwrap_or_default().replace('\0', "")
}
