//! The public ingestion API of Langfuse: events of traces, spans and generations.

use chrono::{DateTime, SecondsFormat, Utc};
use ox_types::Json;
use serde_json::{Map, json};

use super::record::{Span, SpanKind, Trace, derived};

/// Bytes of the events of one call; the server takes 3.5 MB.
const MAX_BATCH: usize = 3 * 1024 * 1024;

/// The bodies of the calls that tell of these traces.
pub fn bodies(traces: &[Trace]) -> Vec<Json> {
    let (mut bodies, mut batch, mut size) = (Vec::new(), Vec::new(), 0);
    for event in traces.iter().flat_map(events) {
        let length = event.to_string().len();
        if size + length > MAX_BATCH && !batch.is_empty() {
            bodies.push(json!({"batch": std::mem::take(&mut batch)}));
            size = 0;
        }
        size += length;
        batch.push(event);
    }
    if !batch.is_empty() {
        bodies.push(json!({"batch": batch}));
    }
    bodies
}

fn events(trace: &Trace) -> Vec<Json> {
    let id = trace.external_id.clone().unwrap_or_else(|| trace.id.to_string());
    let root = derived(trace.id, "root");
    let mut body = Map::new();
    body.extend([
        ("id".to_owned(), json!(id)),
        ("timestamp".to_owned(), time(trace.start)),
        ("name".to_owned(), json!(trace.name)),
        ("userId".to_owned(), json!(trace.user)),
        ("sessionId".to_owned(), json!(trace.session)),
        ("input".to_owned(), trace.input.clone()),
        ("output".to_owned(), trace.output.clone()),
        ("metadata".to_owned(), Json::Object(trace.metadata.clone())),
        ("tags".to_owned(), json!([trace.name, format!("app:{}", trace.app)])),
    ]);
    let about = json!({"id": derived(trace.id, "trace-create"), "type": "trace-create", "timestamp": time(trace.end), "body": body});
    let mut events = vec![about];
    let whole = json!({
        "id": root, "traceId": id, "name": trace.name, "startTime": time(trace.start), "endTime": time(trace.end),
        "input": trace.input, "output": trace.output, "metadata": trace.metadata, "level": level(trace.error.as_ref()),
        "statusMessage": trace.error,
    });
    events.push(
        json!({"id": derived(root, "span-create"), "type": "span-create", "timestamp": time(trace.end), "body": whole}),
    );
    events.extend(trace.spans.iter().map(|span| event(span, &id)));
    events
}

fn event(span: &Span, trace: &str) -> Json {
    let mut body = json!({
        "id": span.id, "traceId": trace, "parentObservationId": span.parent, "name": span.name,
        "startTime": time(span.start), "endTime": time(span.end), "input": span.input, "output": span.output,
        "metadata": span.metadata, "level": level(span.error.as_ref()), "statusMessage": span.error,
    });
    let kind = if span.kind == SpanKind::Generation { "generation-create" } else { "span-create" };
    if span.kind == SpanKind::Generation
        && let Json::Object(map) = &mut body
    {
        map.insert("model".to_owned(), json!(span.model));
        if let Some(usage) = &span.usage {
            let price = |price: &ox_models::Decimal| price.to_string().parse::<f64>().unwrap_or(0.0);
            map.insert(
                "usageDetails".to_owned(),
                json!({"input": usage.prompt_tokens, "output": usage.completion_tokens, "total": usage.total_tokens}),
            );
            map.insert(
                "costDetails".to_owned(),
                json!({"input": price(&usage.prompt_price), "output": price(&usage.completion_price),
                    "total": price(&usage.total_price)}),
            );
            if let Some(first) = usage.time_to_first_token {
                let first = std::time::Duration::try_from_secs_f64(first).unwrap_or_default();
                let at = chrono::Duration::from_std(first).ok().and_then(|first| span.start.checked_add_signed(first));
                map.insert("completionStartTime".to_owned(), at.map(time).unwrap_or_default());
            }
        }
    }
    json!({"id": derived(span.id, kind), "type": kind, "timestamp": time(span.end), "body": body})
}

fn level(error: Option<&String>) -> &'static str {
    if error.is_some() { "ERROR" } else { "DEFAULT" }
}

fn time(at: DateTime<Utc>) -> Json {
    at.to_rfc3339_opts(SecondsFormat::Millis, true).into()
}
