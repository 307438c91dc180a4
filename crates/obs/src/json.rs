//! One JSON object per line, with the fields that log collectors of the compatible server expect.

use std::{error::Error, fmt, io::Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

/// Fields that have a place of their own at the top.
const TOP: &[&str] = &["trace_id", "span_id", "code", "run_id", "app_id", "node_id", "stack_trace"];
/// Fields that say who it was.
const IDENTITY: &[&str] = &["tenant_id", "user_id", "user_type"];
/// Parts of field names whose values are never written.
const SECRET: &[&str] = &["password", "secret", "authorization", "api_key", "access_token", "refresh_token", "cookie"];

pub(crate) struct JsonLayer<W> {
    service: String,
    writer: W,
}

impl<W> JsonLayer<W> {
    pub(crate) fn new(service: impl Into<String>, writer: W) -> Self {
        Self { service: service.into(), writer }
    }
}

/// Fields of one span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut all = Map::new();
        let mut span_id = None;
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                span_id = Some(format!("{:016x}", span.id().into_u64()));
                if let Some(fields) = span.extensions().get::<Fields>() {
                    all.extend(fields.0.clone());
                }
            }
        }
        let mut own = Fields::default();
        event.record(&mut own);
        all.extend(own.0);
        if let Some(span_id) = span_id {
            all.entry("span_id").or_insert(span_id.into());
        }
        let metadata = event.metadata();
        let caller = match (metadata.file(), metadata.line()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => metadata.target().to_owned(),
        };
        let mut line = record(&self.service, Utc::now(), *metadata.level(), &caller, all).to_string();
        line.push('\n');
        // There is nowhere to report that the log itself cannot be written.
        let _ = self.writer.make_writer_for(metadata).write_all(line.as_bytes());
    }
}

fn record(service: &str, at: DateTime<Utc>, level: Level, caller: &str, mut fields: Map<String, Value>) -> Value {
    let severity = match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        _ => "DEBUG",
    };
    let mut line = Map::new();
    line.insert("ts".into(), at.to_rfc3339_opts(SecondsFormat::Millis, true).into());
    line.insert("severity".into(), severity.into());
    line.insert("service".into(), service.into());
    line.insert("caller".into(), caller.into());
    line.insert("message".into(), fields.remove("message").unwrap_or_else(|| "".into()));
    // The request id is what answers carry as X-Trace-Id.
    if let Some(request) = fields.remove("request_id") {
        fields.entry("trace_id").or_insert(request);
    }
    for name in TOP {
        if let Some(value) = fields.remove(*name) {
            line.insert((*name).into(), value);
        }
    }
    let identity: Map<String, Value> =
        IDENTITY.iter().filter_map(|name| Some(((*name).to_owned(), fields.remove(*name)?))).collect();
    if !identity.is_empty() {
        line.insert("identity".into(), identity.into());
    }
    if !fields.is_empty() {
        line.insert("attributes".into(), fields.into());
    }
    Value::Object(line)
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let secret = SECRET.iter().any(|part| name.contains(part));
        self.0.insert(name.to_owned(), if secret { "[redacted]".into() } else { value });
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(body: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLayer::new("api", move || writer.clone()));
        tracing::subscriber::with_default(subscriber, body);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_find_their_places() {
        let lines = logged(|| {
            let outer = tracing::info_span!(
                "http",
                request_id = "r1",
                tenant_id = "t",
                path = "/v1",
                status = tracing::field::Empty
            );
            let _outer = outer.enter();
            outer.record("status", 200);
            let _inner = tracing::info_span!("run", run_id = "x").entered();
            let error = std::io::Error::other("cause");
            tracing::warn!(code = "run_failed", error = &error as &dyn Error, api_key = "app-1", n = 3, "two\nlines");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["severity"], "WARN");
        assert_eq!(line["service"], "api");
        assert_eq!(line["message"], "two\nlines");
        assert_eq!(
            (&line["trace_id"], &line["run_id"], &line["code"]),
            (&json!("r1"), &json!("x"), &json!("run_failed"))
        );
        assert_eq!(line["identity"], json!({"tenant_id": "t"}));
        assert_eq!(
            line["attributes"],
            json!({"path": "/v1", "status": 200, "error": "cause", "api_key": "[redacted]", "n": 3})
        );
        assert!(line["ts"].as_str().unwrap().ends_with('Z') && line["span_id"].is_string());
        assert!(line["caller"].as_str().unwrap().contains("json.rs:"));
    }

    #[test]
    fn outside_a_span() {
        let lines = logged(|| tracing::info!("hello"));
        let keys: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["ts", "severity", "service", "caller", "message"]);
    }
}
