//! OTLP over HTTP: in its JSON form (ids in hex, 64-bit numbers as texts), and in its binary form made from that.

mod protobuf;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ox_types::Json;
use serde_json::{Map, json};
use uuid::Uuid;

use super::record::{Span, SpanKind, Trace, derived};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Protobuf,
    Json,
}

impl Protocol {
    /// What a configuration without a choice gets from now on.
    pub const DEFAULT: Self = Self::Protobuf;
    /// What configurations from before there was a choice mean.
    pub const BEFORE: Self = Self::Json;

    /// Reads a name of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Protobuf, Self::Json].into_iter().find(|one| one.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protobuf => "http/protobuf",
            Self::Json => "http/json",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// A body as it goes out.
    pub fn encode(self, body: &Json) -> Bytes {
        match self {
            Self::Protobuf => protobuf::encode(body).into(),
            Self::Json => body.to_string().into(),
        }
    }
}

/// The address to which traces go: as given, or the usual path below it.
pub fn url(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.ends_with("/v1/traces") { endpoint.to_owned() } else { format!("{endpoint}/v1/traces") }
}

/// `name=value,name=value`; `None` for another text.
pub fn headers(text: &str) -> Option<Vec<(&str, &str)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').filter(|(name, _)| !name.trim().is_empty()))
        .map(|pair| pair.map(|(name, value)| (name.trim(), value.trim())))
        .collect()
}

/// The body that tells of these traces.
pub fn body(traces: &[Trace], service: &str, version: &str) -> Json {
    let spans: Vec<Json> = traces.iter().flat_map(spans).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", service), text("telemetry.sdk.name", "oxidify"), text("service.version", version)]},
        "scopeSpans": [{"scope": {"name": "oxidify", "version": version}, "spans": spans}],
    }]})
}

fn spans(trace: &Trace) -> Vec<Json> {
    // The caller's own id where it is one of the protocol's.
    let own = trace.external_id.as_deref().filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let trace_id = own.map_or_else(|| trace.id.simple().to_string(), str::to_ascii_lowercase);
    let mut attributes = vec![
        text("dify.app_id", &trace.app.to_string()),
        text("dify.tenant_id", &trace.tenant.to_string()),
        text("gen_ai.span.kind", "CHAIN"),
        text("gen_ai.framework", "oxidify"),
        text("input.value", &plain(&trace.input)),
        text("output.value", &plain(&trace.output)),
    ];
    if let Some(user) = &trace.user {
        attributes.push(text("gen_ai.user.id", user));
    }
    if let Some(session) = &trace.session {
        attributes.push(text("gen_ai.conversation.id", session));
    }
    if let Some(id) = trace.metadata.get("workflow_id").and_then(Json::as_str) {
        attributes.push(text("dify.workflow_id", id));
    }
    attributes.extend(facts(&trace.metadata));
    let root = one(
        &trace_id,
        derived(trace.id, "root"),
        None,
        trace.name,
        (trace.start, trace.end),
        trace.error.as_ref(),
        &attributes,
    );
    std::iter::once(root).chain(trace.spans.iter().map(|span| step(&trace_id, span))).collect()
}

fn step(trace_id: &str, span: &Span) -> Json {
    let kind = match span.kind {
        SpanKind::Generation => "LLM",
        SpanKind::Tool => "TOOL",
        SpanKind::Retrieval => "RETRIEVER",
        SpanKind::Other => "TASK",
    };
    let mut attributes = vec![
        text("gen_ai.span.kind", kind),
        text("input.value", &plain(&span.input)),
        text("output.value", &plain(&span.output)),
    ];
    if span.kind == SpanKind::Generation {
        attributes.push(text("gen_ai.operation.name", "chat"));
        attributes.push(text("gen_ai.input.messages", &plain(&span.input)));
        attributes.push(text("gen_ai.output.messages", &plain(&span.output)));
        attributes.extend(span.model.as_deref().map(|model| text("gen_ai.request.model", model)));
        attributes.extend(span.provider.as_deref().map(|provider| text("gen_ai.provider.name", provider)));
        if let Some(usage) = &span.usage {
            attributes.push(number("gen_ai.usage.input_tokens", usage.prompt_tokens));
            attributes.push(number("gen_ai.usage.output_tokens", usage.completion_tokens));
            attributes.push(number("gen_ai.usage.total_tokens", usage.total_tokens));
        }
    }
    attributes.extend(facts(&span.metadata));
    one(trace_id, span.id, span.parent, &span.name, (span.start, span.end), span.error.as_ref(), &attributes)
}

fn one(
    trace_id: &str,
    id: Uuid,
    parent: Option<Uuid>,
    name: &str,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    error: Option<&String>,
    attributes: &[Json],
) -> Json {
    let status = match error {
        Some(error) => json!({"code": 2, "message": error}),
        None => json!({"code": 1}),
    };
    json!({
        "traceId": trace_id, "spanId": span_id(id), "parentSpanId": parent.map(span_id).unwrap_or_default(), "name": name,
        "kind": 1, "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(end.max(start)), "attributes": attributes,
        "status": status,
    })
}

/// The random half of an id.
fn span_id(id: Uuid) -> String {
    hex::encode(id.as_bytes().get(8..).unwrap_or_default())
}

fn nanos(at: DateTime<Utc>) -> String {
    at.timestamp_nanos_opt().unwrap_or_default().to_string()
}

fn text(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u64) -> Json {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn facts(metadata: &Map<String, Json>) -> impl Iterator<Item = Json> + '_ {
    metadata.iter().map(|(name, value)| text(&format!("oxidify.{name}"), &plain(value)))
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_headers() {
        for (given, expected) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("https://x.test/otlp/v1/traces", "https://x.test/otlp/v1/traces"),
        ] {
            assert_eq!(url(given), expected);
        }
        assert_eq!(
            headers("a=b, authorization = Bearer x=y ,"),
            Some(vec![("a", "b"), ("authorization", "Bearer x=y")])
        );
        assert_eq!(headers("a"), None);
        assert_eq!(headers("=b"), None);
    }
}
