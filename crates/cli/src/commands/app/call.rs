//! Calls to the Service API of a server.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, bail};
use ox_net::{Class, Egress, Limits, Method, Request, Response};
use ox_types::Json;

/// Between two pieces of a stream: the server pings every ten seconds.
const SILENCE: Duration = Duration::from_secs(60);
/// A run, forms that somebody fills in included, may take as long as it takes.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Bytes of a stream.
const MOST: u64 = 1024 * 1024 * 1024;

/// The Service API with a key.
pub struct Api {
    egress: Egress,
    base: String,
    key: String,
}

impl Api {
    pub fn new(url: &str, key: &str) -> Self {
        ox_net::install_crypto_provider();
        let url = url.trim_end_matches('/');
        let base = if url.ends_with("/v1") { url.to_owned() } else { format!("{url}/v1") };
        let (policy, warnings) = ox_net::Policy::from_env(|name| std::env::var(name).ok());
        for warning in warnings {
            crate::commands::complain(&format!("warning: {warning}"));
        }
        Self { egress: Egress::new(policy), base, key: key.to_owned() }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Json>, limits: Limits) -> anyhow::Result<Response> {
        let url = format!("{}{path}", self.base);
        // Who calls has chosen the address.
        let request = match body {
            Some(body) => Request::post_json(Class::Operator, url, body.to_string()),
            None => Request::new(Class::Operator, method, url),
        };
        let mut request = request.secret_header("authorization", &format!("Bearer {}", self.key))?.limits(limits);
        request.retries = Some(0);
        let answer = self.egress.send(request).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let status = answer.status;
        let text = answer.text().await.unwrap_or_default();
        let said: Json = serde_json::from_str(&text).unwrap_or_default();
        let message = said.get("message").or_else(|| said.pointer("/error/message")).and_then(Json::as_str);
        match message {
            Some(message) => bail!("{message} ({})", status.as_u16()),
            None => bail!("the server answered {status}"),
        }
    }

    /// A small answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<Json> {
        let answer = self.send(Method::GET, path, None, Limits::default()).await?;
        serde_json::from_str(&answer.text().await?).context("the server did not answer with JSON: is this its address?")
    }

    /// Sends something; the answer is not read.
    pub async fn post(&self, path: &str, body: &Json) -> anyhow::Result<()> {
        self.send(Method::POST, path, Some(body), Limits::default()).await.map(drop)
    }

    /// A stream of events.
    pub async fn events(&self, path: &str, body: &Json) -> anyhow::Result<Events> {
        let limits = Limits { read: SILENCE, total: LONGEST, body: MOST, ..Limits::default() };
        let answer = self.send(Method::POST, path, Some(body), limits).await?;
        Ok(Events { answer, part: Vec::new(), ready: VecDeque::new() })
    }
}

/// Events as they come.
pub struct Events {
    answer: Response,
    /// The beginning of a line.
    part: Vec<u8>,
    ready: VecDeque<Json>,
}

impl Events {
    /// The next event; `None` after the last one.
    pub async fn next(&mut self) -> anyhow::Result<Option<Json>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(piece) = self.answer.chunk().await.context("the stream broke off; the run goes on")? else {
                return Ok(None);
            };
            self.ready.extend(lines(&mut self.part, &piece));
        }
    }
}

/// The events in the lines that a piece completes; the rest is kept for the next one.
fn lines(part: &mut Vec<u8>, piece: &[u8]) -> Vec<Json> {
    part.extend_from_slice(piece);
    let Some(end) = part.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let rest = part.split_off(end + 1);
    let whole = std::mem::replace(part, rest);
    whole
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"data: "))
        .filter_map(|data| serde_json::from_slice(data).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_come_in_pieces() {
        let mut part = Vec::new();
        assert!(lines(&mut part, b"event: ping\n\nda").is_empty());
        assert_eq!(lines(&mut part, "ta: {\"a\":\"é".as_bytes()), Vec::<Json>::new());
        assert_eq!(lines(&mut part, b"\"}\n\ndata: {\"b\":1}\n\ndata: {"), [json!({"a": "é"}), json!({"b": 1})]);
        assert_eq!(part, b"data: {");
    }
}
