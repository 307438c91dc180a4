//! `http-request`: one HTTP call.

mod body;
mod request;
mod response;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use body::BodyConfig;
use bytes::Bytes;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_net::{Class, Method, NetError, Verify};
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config};

#[derive(Deserialize)]
struct Config {
    method: String,
    url: String,
    #[serde(default, deserialize_with = "config::nullable")]
    authorization: Authorization,
    #[serde(default, deserialize_with = "config::nullable")]
    headers: String,
    #[serde(default, deserialize_with = "config::nullable")]
    params: String,
    #[serde(default, deserialize_with = "config::nullable")]
    body: BodyConfig,
    #[serde(default, deserialize_with = "config::nullable")]
    timeout: Timeout,
    #[serde(default)]
    ssl_verify: Option<bool>,
    /// Ours: the receiver does the work of one `Idempotency-Key` once, so a call that was cut off may be made again.
    #[serde(default, deserialize_with = "config::nullable")]
    idempotent: bool,
}

#[derive(Default, Deserialize)]
struct Authorization {
    #[serde(rename = "type", default)]
    kind: AuthorizationKind,
    #[serde(default)]
    config: Option<ApiKey>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AuthorizationKind {
    #[default]
    NoAuth,
    ApiKey,
}

#[derive(Default, Deserialize)]
struct ApiKey {
    #[serde(rename = "type", default)]
    kind: ApiKeyKind,
    #[serde(default, deserialize_with = "config::nullable")]
    api_key: String,
    #[serde(default, deserialize_with = "config::nullable")]
    header: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ApiKeyKind {
    #[default]
    Basic,
    Bearer,
    Custom,
}

#[derive(Default, Deserialize)]
struct Timeout {
    #[serde(default)]
    connect: Option<f64>,
    #[serde(default)]
    read: Option<f64>,
    #[serde(default)]
    write: Option<f64>,
}

pub struct HttpRequest;

impl NodeKind for HttpRequest {
    fn kind(&self) -> &'static str {
        "http-request"
    }

    fn default_config(&self) -> Json {
        json!({
            "method": "get",
            "url": "",
            "authorization": {"type": "no-auth", "config": null},
            "headers": "",
            "params": "",
            "body": {"type": "none", "data": []},
            "timeout": {"connect": 10, "read": 600, "write": 600},
            "ssl_verify": true,
            "retry_config": {"retry_enabled": true, "max_retries": 3, "retry_interval": 100},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let method = config.method.to_ascii_lowercase();
        if !matches!(method.as_str(), "get" | "post" | "put" | "patch" | "delete" | "head" | "options") {
            return Err(format!("Invalid http method {}", config.method));
        }
        let only_reads = matches!(method.as_str(), "get" | "head" | "options");
        let effect = match (only_reads, config.idempotent) {
            (true, _) => Effect::Repeatable,
            (false, true) => Effect::Idempotent,
            (false, false) => Effect::SideEffect,
        };
        // Compat: an error status fails the node only where someone handles the failure.
        let fails_on_status = spec.error_strategy.is_some() || spec.retry.enabled;
        // A node that repeats by itself is not repeated below it as well.
        let retries = spec.retry.enabled.then_some(0);
        let runner = Runner { config, fails_on_status, retries, ports: Arc::clone(ports) };
        let mut node = BuiltNode::new(NodeClass::Executable, effect, Arc::new(runner));
        node.retryable = true;
        Ok(node)
    }
}

/// Class name and text of a failure.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    kind: &'static str,
    text: String,
}

impl Refusal {
    fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

struct Runner {
    config: Config,
    fails_on_status: bool,
    /// Repetitions of a call that failed harmlessly; the operator's number when it is `None`.
    retries: Option<u32>,
    ports: Arc<Ports>,
}

impl Runner {
    fn method(&self) -> Result<Method, Refusal> {
        let name = self.config.method.to_ascii_uppercase();
        // Compat: the name is known but was never implemented.
        if name == "OPTIONS" {
            let text = format!("Invalid http method {}", self.config.method);
            return Err(Refusal::new("InvalidHttpMethodError", text));
        }
        name.parse().map_err(|_| Refusal::new("InvalidHttpMethodError", format!("Invalid http method {name}")))
    }

    fn limits(&self) -> ox_net::Limits {
        let limits = &self.ports.limits;
        let seconds = |asked: Option<f64>, max: u64| {
            #[expect(clippy::cast_precision_loss, reason = "limits are small")]
            let max = max as f64;
            Duration::from_secs_f64(asked.filter(|seconds| *seconds > 0.0).unwrap_or(max).min(max))
        };
        let timeout = &self.config.timeout;
        let connect = seconds(timeout.connect, limits.http_max_connect);
        let read = seconds(timeout.read, limits.http_max_read);
        let write = seconds(timeout.write, limits.http_max_write);
        let longest = Duration::from_secs(limits.http_max_read);
        ox_net::Limits {
            connect,
            first_byte: connect + write.min(longest) + read,
            read,
            total: connect + write + read.max(longest),
            // The node counts for itself while it reads, to tell the size.
            body: u64::MAX,
        }
    }

    async fn call(&self, cx: &NodeContext, trace: &mut String) -> Result<response::Received, Refusal> {
        let method = self.method()?;
        let prepared = request::prepare(&self.config, cx, &self.ports, &method).await?;
        *trace = prepared.log;
        let mut call = ox_net::Request::new(Class::HttpNode, method, prepared.url.clone());
        call.headers = prepared.headers;
        call.secret_headers = prepared.secret_headers;
        call.body = prepared.body;
        call.limits = self.limits();
        let verify = self.config.ssl_verify.unwrap_or(self.ports.limits.http_ssl_verify);
        call.verify = if verify { Verify::Yes } else { Verify::No };
        call.retries = self.retries;
        let egress = self.ports.http.of(&cx.run, &cx.node.id).await;
        let egress = egress.map_err(|error| Refusal::new("HttpRequestNodeError", error.to_string()))?;
        let (answer, retries) = egress.send_counted(call).await;
        let failed = |error: NetError| match error {
            NetError::Denied(_) => Refusal::new("HttpRequestNodeError", error.to_string()),
            NetError::TooLarge { .. } => Refusal::new("ResponseSizeError", error.to_string()),
            other => Refusal::new(
                "HttpRequestNodeError",
                format!("Reached maximum retries ({retries}) for URL {}: {other}", prepared.url),
            ),
        };
        response::receive(answer.map_err(failed)?, &self.ports.limits, failed).await
    }

    async fn outputs(&self, cx: &NodeContext, received: response::Received) -> Result<Outputs, Refusal> {
        let mut files = Vec::new();
        let text = if received.is_file {
            let (name, mime) = (received.filename(), received.mime());
            let saved = self.ports.files.save(&cx.run, &name, &mime, Bytes::from(received.body)).await;
            files.push(Value::from(saved.map_err(|error| Refusal::new("HttpRequestNodeError", error.to_string()))?));
            String::new()
        } else {
            received.text()
        };
        Ok(IndexMap::from_iter([
            ("status_code".to_owned(), Value::Int(i64::from(received.status))),
            ("body".to_owned(), Value::from(text)),
            ("headers".to_owned(), Value::object(received.headers)),
            ("files".to_owned(), Value::array_of(ValueType::ArrayFile, files)),
        ]))
    }
}

type Outputs = IndexMap<String, Value>;

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut trace = String::new();
        let result = match self.call(&cx, &mut trace).await {
            Ok(received) => {
                let status = received.status;
                self.outputs(&cx, received).await.map(|outputs| (status, outputs))
            }
            Err(refusal) => Err(refusal),
        };
        let process_data = IndexMap::from_iter([("request".to_owned(), Value::from(trace))]);
        match result {
            Ok((status, outputs)) if self.fails_on_status && !(200..300).contains(&status) => {
                let text = format!("Request failed with status code {status}");
                let mut failure = NodeFailure::new("HTTPResponseCodeError", text);
                failure.process_data = process_data;
                failure.outputs = outputs;
                Err(failure)
            }
            Ok((_, outputs)) => Ok(NodeOutput { process_data, outputs, ..NodeOutput::default() }),
            Err(refusal) => {
                let mut failure = NodeFailure::new(refusal.kind, refusal.text);
                failure.process_data = process_data;
                Err(failure)
            }
        }
    }
}
