//! Calls of JSON to a store's server.

use std::time::Duration;

use ox_net::{Class, Egress, Limits, Method, NetError, Request, Verify};
use serde_json::Value;

use super::StoreError;

const ANSWER: usize = 256 << 20;

/// A server that an administrator named.
pub(super) struct Server {
    pub store: &'static str,
    pub egress: Egress,
    /// Without a slash at its end.
    pub base: String,
    /// Name and value; the value is a secret.
    pub secret: Option<(&'static str, String)>,
    pub verify: Verify,
    pub timeout: Duration,
}

/// What a server answered.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Server {
    /// An answer of any status.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, StoreError> {
        let unreachable = |error: NetError| StoreError::Unreachable { store: self.store, why: error.to_string() };
        let url = format!("{}{path}", self.base);
        let mut request = match body {
            Some(body) => Request::post_json(Class::Operator, url, body.to_string()),
            None => Request::get(Class::Operator, url),
        };
        request.method = method;
        request.verify = self.verify;
        request.limits = Limits {
            connect: self.timeout.min(Duration::from_secs(10)),
            first_byte: self.timeout,
            read: self.timeout,
            total: self.timeout.saturating_mul(2),
            body: ANSWER as u64,
        };
        if let Some((name, value)) = &self.secret {
            request = request.secret_header(name, value).map_err(unreachable)?;
        }
        let answer = self.egress.send(request).await.map_err(unreachable)?;
        let status = answer.status.as_u16();
        let text = answer.text().await.map_err(unreachable)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }

    /// The body of an answer that is a success; `None` when there is nothing at the path.
    pub(super) async fn ask(
        &self,
        doing: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<Value>, StoreError> {
        let answer = self.call(method, path, body).await?;
        match answer.status {
            200..300 => Ok(Some(answer.body)),
            404 => Ok(None),
            _ => Err(self.refused(doing, &answer)),
        }
    }

    pub(super) fn refused(&self, doing: &'static str, answer: &Answer) -> StoreError {
        let said = match &answer.body {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let why = format!("{} {}", answer.status, said.chars().take(500).collect::<String>());
        match answer.status {
            429 | 502..=504 => StoreError::Unreachable { store: self.store, why },
            _ => StoreError::Refused { store: self.store, doing, why },
        }
    }

    pub(super) fn strange(&self, why: impl Into<String>) -> StoreError {
        StoreError::Strange { store: self.store, why: why.into() }
    }

    /// Nothing at the path where there should be something.
    pub(super) fn gone(&self, doing: &'static str) -> StoreError {
        StoreError::Refused { store: self.store, doing, why: "404: there is no such path".to_owned() }
    }
}
