//! Traces against stubs of the public ingestion APIs: what is sent, how often, and what is kept secret.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json as Body, Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use ox_app::traces::{self, Tracing};
use ox_types::{AppId, Json};
use serde_json::json;

use crate::rig::{Draft, Rig, chatflow, end, graph, start};

/// A call as it came: path, credentials, body.
type Seen = (String, String, Json);

#[derive(Clone, Default)]
struct Stub {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Answers to the next calls; afterwards all is well.
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Stub {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The bodies of calls that tell something, as soon as there are so many.
    async fn told(&self, count: usize) -> Vec<Seen> {
        for _ in 0..400 {
            let told: Vec<Seen> =
                self.seen().into_iter().filter(|(_, _, body)| body["resourceSpans"] != json!([])).collect();
            if told.len() >= count {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the provider was not told: {:?}", self.seen());
    }
}

async fn take(
    State(stub): State<Stub>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Body(body): Body<Json>,
) -> (StatusCode, Body<Json>) {
    let key = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    stub.seen.lock().unwrap().push((uri.path().to_owned(), key, body));
    let status = stub.answers.lock().unwrap().pop().unwrap_or(207);
    (StatusCode::from_u16(status).unwrap(), Body(json!({"successes": [], "errors": []})))
}

async fn stub() -> (Stub, String) {
    let stub = Stub::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let projects = |headers: HeaderMap| async move {
        // pk-lf-public:sk-lf-secret
        let good = headers["authorization"] == "Basic cGstbGYtcHVibGljOnNrLWxmLXNlY3JldA==";
        (if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, Body(json!({"data": []})))
    };
    let router = Router::new()
        .route("/api/public/projects", get(projects))
        .route("/api/public/ingestion", post(take))
        .route("/v1/traces", post(take))
        .with_state(stub.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (stub, url)
}

fn map(json: &Json) -> serde_json::Map<String, Json> {
    json.as_object().unwrap().clone()
}

async fn traced(rig: &Rig, app: AppId, provider: &str, config: &Json) {
    traces::create(&rig.services, &rig.owner, app, provider, map(config)).await.unwrap();
    let on = Tracing { enabled: true, provider: Some(provider.to_owned()) };
    traces::set_tracing(&rig.services, &rig.owner, app, on).await.unwrap();
}

fn langfuse(url: &str) -> Json {
    json!({"public_key": "pk-lf-public", "secret_key": "sk-lf-secret", "host": url})
}

#[tokio::test]
async fn langfuse_is_told_of_chats_and_runs() {
    let rig = Rig::near(&[("OPS_TRACE_RETRYABLE_DISPATCH_DELAY_SECONDS", "0")]).await;
    let (stub, url) = stub().await;
    let flow = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    let basic = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let plain = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    for app in [&flow, &basic] {
        traced(&rig, app.id, "langfuse", &langfuse(&url)).await;
    }
    // Not taken at first: 503 and 429 are tried again, and nothing is lost or told under another id.
    *stub.answers.lock().unwrap() = vec![503, 429];
    let ask = json!({"inputs": {}, "query": "one two", "user": "ann", "trace_id": "my-trace"});
    let first = rig.post("/v1/chat-messages", &flow, ask.clone()).await.json();
    let told = stub.told(3).await;
    let (path, key, body) = &told[2];
    assert_eq!((path.as_str(), key.as_str()), ("/api/public/ingestion", "Basic cGstbGYtcHVibGljOnNrLWxmLXNlY3JldA=="));
    assert_eq!(&told[0].2, body, "the same events again");
    let events = body["batch"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["trace-create", "span-create", "span-create", "generation-create", "span-create"]);
    let trace = &events[0]["body"];
    assert_eq!((&trace["id"], &trace["userId"]), (&json!("my-trace"), &json!("ann")));
    assert_eq!(
        (&trace["sessionId"], &trace["input"], &trace["output"]),
        (&first["conversation_id"], &json!("one two"), &json!("one two"))
    );
    assert_eq!(trace["metadata"]["message_id"], first["message_id"]);
    let root = &events[1]["body"];
    let model = &events[3]["body"];
    assert_eq!((&model["traceId"], &model["parentObservationId"]), (&json!("my-trace"), &root["id"]));
    assert_eq!((&model["model"], &model["usageDetails"]["total"]), (&json!("echo"), &json!(4)));
    assert_eq!(
        (&model["input"][0]["text"], &model["output"], &model["level"]),
        (&json!("one two"), &json!("one two"), &json!("DEFAULT"))
    );
    assert!(model["costDetails"]["total"].is_number() && model["startTime"].as_str().unwrap().ends_with('Z'));
    // A basic app: one trace with its one call of the model. An app that is not traced: nothing.
    rig.post("/v1/chat-messages", &plain, ask.clone()).await.json();
    let second = rig.post("/v1/chat-messages", &basic, ask).await.json();
    let told = stub.told(4).await;
    assert_eq!(told.len(), 4);
    let events = told[3].2["batch"].as_array().unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["body"]["id"], second["message_id"]);
    assert_eq!(events[2]["body"]["usageDetails"], json!({"input": 2, "output": 2, "total": 4}));
}

#[tokio::test]
async fn a_collector_is_told_in_its_protocol() {
    let rig = Rig::near(&[]).await;
    let (stub, url) = stub().await;
    let failing = graph(
        &[
            ("s", start(json!([]))),
            ("llm", crate::rig::llm("fail", json!({"status": 500}), "hi")),
            ("e", end(&[("out", &["llm", "text"])])),
        ],
        &[("s", "source", "llm"), ("llm", "source", "e")],
    );
    let app = rig.graph_app("workflow", failing, Draft::default()).await;
    let config = json!({"endpoint": url, "headers": "authorization=Bearer collector-key", "service_name": "shop",
        "protocol": "http/json"});
    traced(&rig, app.id, "otlp", &config).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let run = rig.post("/v1/workflows/run", &app, json!({"inputs": {}, "user": "ann", "trace_id": trace})).await.json();
    assert_eq!(run["data"]["status"], "failed");
    let (path, key, body) = stub.told(1).await.remove(0);
    assert_eq!((path.as_str(), key.as_str()), ("/v1/traces", "Bearer collector-key"));
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0], json!({"key": "service.name", "value": {"stringValue": "shop"}}));
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 3, "the run, and the two nodes that ran");
    for span in spans {
        assert_eq!(span["traceId"], trace);
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        let nanos = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"));
    }
    let root = &spans[0];
    assert_eq!(
        (&root["name"], &root["parentSpanId"], &root["status"]["code"]),
        (&json!("workflow"), &json!(""), &json!(2))
    );
    let model = spans.iter().find(|span| span["name"] == "llm").unwrap();
    assert_eq!((&model["parentSpanId"], &model["status"]["code"]), (&root["spanId"], &json!(2)));
    let attributes = root["attributes"].as_array().unwrap();
    let of = |key: &str| attributes.iter().find(|one| one["key"] == key).unwrap()["value"]["stringValue"].clone();
    assert_eq!((of("dify.app_id"), of("gen_ai.user.id")), (json!(app.id), json!("ann")));
}

/// One field of a message: its number, and its number or its bytes.
#[derive(Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads any message by the rules of the wire format alone.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(rest: &mut &[u8]) -> u64 {
        let end = rest.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let (number, after) = rest.split_at(end + 1);
        *rest = after;
        number.iter().rev().fold(0, |sum, byte| (sum << 7) | u64::from(byte & 0x7f))
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let value = match tag & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => {
                let (number, after) = rest.split_at(8);
                rest = after;
                Field::Number(u64::from_le_bytes(number.try_into().unwrap()))
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (bytes, after) = rest.split_at(length);
                rest = after;
                Field::Bytes(bytes)
            }
            other => panic!("no such wire type: {other}"),
        };
        found.push((tag >> 3, value));
    }
    found
}

fn all<'a>(message: &'a [u8], number: u64) -> Vec<&'a [u8]> {
    let of = |(field, value): (u64, Field<'a>)| match value {
        Field::Bytes(bytes) if field == number => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(of).collect()
}

fn text(message: &[u8], number: u64) -> String {
    String::from_utf8(all(message, number).concat()).unwrap()
}

fn count(message: &[u8], number: u64) -> u64 {
    let of = |(field, value): &(u64, Field<'_>)| match value {
        Field::Number(found) if *field == number => Some(*found),
        _ => None,
    };
    fields(message).iter().find_map(of).unwrap_or(0)
}

fn attribute<'a>(of: &'a [u8], field: u64, key: &str) -> &'a [u8] {
    let pairs = all(of, field);
    let pair = pairs.into_iter().find(|pair| text(pair, 1) == key);
    all(pair.unwrap_or_else(|| panic!("no {key}")), 2)[0]
}

#[tokio::test]
async fn a_collector_is_told_in_protobuf_unless_json_is_chosen() {
    type Calls = Arc<Mutex<Vec<(String, Vec<u8>)>>>;
    let rig = Rig::near(&[]).await;
    let calls = Calls::default();
    let take = |State(calls): State<Calls>, headers: HeaderMap, body: axum::body::Bytes| async move {
        calls.lock().unwrap().push((headers["content-type"].to_str().unwrap().to_owned(), body.to_vec()));
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&calls));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let app = rig.graph_app("advanced-chat", chatflow(json!([]), "echo", json!({})), Draft::default()).await;
    traced(&rig, app.id, "otlp", &json!({"endpoint": url, "service_name": "shop"})).await;
    let made = traces::config(&rig.services, &rig.owner, app.id, "otlp").await.unwrap().unwrap();
    assert_eq!(made.masked["protocol"], "http/protobuf");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ask = json!({"inputs": {}, "query": "one two", "user": "ann", "trace_id": trace});
    rig.post("/v1/chat-messages", &app, ask).await.json();
    let mut told = Vec::new();
    for _ in 0..400 {
        told = calls.lock().unwrap().clone();
        if told.len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(told[0], ("application/x-protobuf".to_owned(), Vec::new()), "the look at it: an empty message");
    let (kind, body) = &told[1];
    assert_eq!(kind, "application/x-protobuf");
    let resource_spans = all(body, 1);
    assert_eq!(resource_spans.len(), 1);
    let resource = all(resource_spans[0], 1)[0];
    assert_eq!(text(attribute(resource, 1, "service.name"), 1), "shop");
    let scope_spans = all(resource_spans[0], 2)[0];
    assert_eq!(text(all(scope_spans, 1)[0], 1), "oxidify");
    let spans = all(scope_spans, 2);
    for span in &spans {
        assert_eq!(all(span, 1)[0], 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert_eq!((all(span, 2)[0].len(), count(span, 6)), (8, 1));
        assert!(count(span, 7) > 1_700_000_000_000_000_000 && count(span, 7) <= count(span, 8));
        assert_eq!(count(all(span, 15)[0], 3), 1, "all is well");
    }
    let root = spans[0];
    assert!(all(root, 4).is_empty(), "nothing is above it");
    assert_eq!(text(attribute(root, 9, "gen_ai.user.id"), 1), "ann");
    let model = spans.iter().find(|span| text(span, 5) == "llm").unwrap();
    assert_eq!(all(model, 4), all(root, 2));
    assert_eq!(text(attribute(model, 9, "gen_ai.request.model"), 1), "echo");
    assert_eq!(count(attribute(model, 9, "gen_ai.usage.total_tokens"), 3), 4);
}

#[tokio::test]
async fn credentials_are_tried_masked_and_kept() {
    let rig = Rig::near(&[]).await;
    let (_, url) = stub().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    let (services, owner, id) = (&rig.services, &rig.owner, app.id);
    let code = |error: ox_app::Error| error.code.into_owned();
    let on = || Tracing { enabled: true, provider: Some("langfuse".into()) };
    assert_eq!(code(traces::set_tracing(services, owner, id, on()).await.unwrap_err()), "trace_config_not_exist");
    let mut wrong = langfuse(&url);
    wrong["secret_key"] = json!("sk-lf-wrong");
    let refused = traces::create(services, owner, id, "langfuse", map(&wrong)).await.unwrap_err();
    assert!(refused.message.contains("401") && code(refused) == "trace_config_check_error");
    let made = traces::create(services, owner, id, "langfuse", map(&langfuse(&url))).await.unwrap();
    assert!(!format!("{made:?}").contains("sk-lf-secret"), "sealed and masked");
    assert_eq!(made.masked["host"], json!(url));
    let twice = traces::create(services, owner, id, "langfuse", map(&langfuse(&url))).await.unwrap_err();
    assert_eq!(code(twice), "trace_config_is_exist");
    // Masked values stay; but not for another address.
    traces::update(services, owner, id, "langfuse", made.masked.clone()).await.unwrap();
    let mut moved = made.masked.clone();
    moved.insert("host".into(), json!("http://127.0.0.1:1"));
    let moved = traces::update(services, owner, id, "langfuse", moved).await.unwrap_err();
    assert_eq!(moved.field.as_deref(), Some("public_key"));
    traces::set_tracing(services, owner, id, on()).await.unwrap();
    assert!(traces::tracing(services, owner, id).await.unwrap().enabled);
    traces::delete(services, owner, id, "langfuse").await.unwrap();
    assert!(!traces::tracing(services, owner, id).await.unwrap().enabled, "what is not there is not told");
    assert!(traces::config(services, owner, id, "langfuse").await.unwrap().is_none());
    assert!(traces::config(services, owner, id, "phoenix").await.unwrap().is_none());
    // Addresses of this machine are closed where nobody has opened them.
    let closed = Rig::new().await;
    let app = closed.basic_app("chat", "echo", json!({}), json!({})).await;
    let refused = traces::create(&closed.services, &closed.owner, app.id, "langfuse", map(&langfuse(&url))).await;
    assert!(refused.unwrap_err().message.contains("SSRF"));
}
