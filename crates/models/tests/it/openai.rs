//! The OpenAI-compatible adapter against a server that says what the test wants.

use std::time::Duration;

use futures::StreamExt;
use ox_models::{
    Call, CallLimits, ChatRequest, ChatResult, CompletionRequest, Credentials, EmbeddingRequest, ErrorClass, Message,
    ModelError, ModelKind, ModelMode, ModelRef, ModelRuntime, Registry, StaticRuntime,
};
use ox_net::{Egress, Policy};
use serde_json::{Value, json};

use crate::{
    scripted::scope,
    server::{Server, Step, chunk, chunked, whole},
};

const SSE: &str = "content-type: text/event-stream\r\n";
const JSON: &str = "content-type: application/json\r\n";

fn egress() -> Egress {
    Egress::new(Policy::open_models())
}

fn runtime(server: &Server) -> StaticRuntime {
    let base = server.url("/v1");
    StaticRuntime::from_env(egress(), move |name| match name {
        "OPENAI_API_BASE" => Some(base.clone()),
        "OPENAI_API_KEY" => Some("sk-test-key-1234".into()),
        _ => None,
    })
}

fn hello() -> ChatRequest {
    ChatRequest { messages: vec![Message::user("hello")], stream: true, ..ChatRequest::default() }
}

async fn ask(runtime: &StaticRuntime, request: ChatRequest) -> Result<ChatResult, ModelError> {
    let stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), request).await?;
    ChatResult::collect(stream).await
}

async fn answer(steps: Vec<Step>) -> Result<ChatResult, ModelError> {
    let server = Server::start(move |_| steps.clone()).await;
    ask(&runtime(&server), hello()).await
}

fn event(delta: &Value) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta}]}))
}

fn ending() -> String {
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}});
    format!("data: {last}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
}

/// One piece of HTTP body for each text, then the end.
fn sse(pieces: &[&str]) -> Vec<Step> {
    let mut steps = vec![chunked(SSE)];
    steps.extend(pieces.iter().map(|piece| chunk(piece)));
    steps.push(chunk(""));
    steps
}

#[tokio::test]
async fn a_stream_with_usage_and_price() {
    let words = ["Bon", "jour", "!"].map(|text| event(&json!({"content": text})));
    let body = format!(": keepalive\n\n{}{}", words.concat(), ending());
    let server = Server::start(move |_| sse(&[&body])).await;
    let runtime = runtime(&server);
    let stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), hello()).await.unwrap();
    let deltas: Vec<_> = stream.map(Result::unwrap).collect().await;
    let texts: Vec<_> = deltas.iter().map(|delta| delta.text.as_str()).collect();
    assert_eq!(texts, ["Bon", "jour", "!", "", ""]);
    let usage = deltas.last().unwrap().usage.clone().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (9, 3));
    assert_eq!(usage.prompt_price.to_string(), "0.0000225");
    assert_eq!(usage.total_price.to_string(), "0.0000525");
    assert!(usage.time_to_first_token.is_some() && usage.latency >= 0.0);

    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(seen.header("authorization").as_deref(), Some("Bearer sk-test-key-1234"));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(
        body,
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}], "user": "u",
               "stream": true, "stream_options": {"include_usage": true}})
    );
}

#[tokio::test]
async fn frames_cut_anywhere() {
    let body = format!("{}{}", event(&json!({"content": "héllo 你好"})), ending()).replace('\n', "\r\n");
    let bytes = body.as_bytes();
    for size in [1, 2, 3, 7, 64] {
        let mut steps = vec![chunked(SSE)];
        for piece in bytes.chunks(size) {
            let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
            framed.extend_from_slice(piece);
            framed.extend_from_slice(b"\r\n");
            steps.push(Step::Bytes(framed));
        }
        steps.push(chunk(""));
        assert_eq!(answer(steps).await.unwrap().text, "héllo 你好", "pieces of {size}");
    }
}

#[tokio::test]
async fn answers_that_are_not_clean_but_whole() {
    let good = event(&json!({"content": "ok"}));
    for (name, body) in [
        ("comments and unknown fields", format!(": hi\n\nevent: x\nid: 1\n{good}{}", ending())),
        ("a line that is no JSON", format!("data: ping\n\n{good}{}", ending())),
        ("no DONE", format!("{good}{}", ending().replace("data: [DONE]\n\n", ""))),
        ("no last newline", format!("{good}{}", ending()).trim_end().to_owned()),
        ("a BOM", format!("\u{feff}{good}{}", ending())),
        ("null content", format!("{}{good}{}", event(&json!({"role": "assistant", "content": null})), ending())),
    ] {
        let result = answer(sse(&[&body])).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(result.text, "ok", "{name}");
    }
}

#[tokio::test]
async fn broken_answers_have_a_class_and_a_text() {
    let good = event(&json!({"content": "ok"}));
    let cut = vec![chunked(SSE), chunk(&good), Step::Bytes(b"10\r\ndata: {".to_vec())];
    let page = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>";
    let auth = r#"{"error":{"message":"Incorrect API key provided: sk-test-key-1234.","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let late = r#"data: {"error":{"message":"The server is overloaded","type":"overloaded_error"}}"#;
    let rate = r#"{"error":{"message":"Rate limit reached","type":"rate_limit_error"}}"#;
    let after = Some(Duration::from_secs(7));
    for (name, steps, class, text) in [
        ("401", whole("401 Unauthorized", JSON, auth), ErrorClass::Auth, "Incorrect API key provided: ***."),
        (
            "429",
            whole("429 Too Many Requests", &format!("{JSON}retry-after: 7\r\n"), rate),
            ErrorClass::RateLimit { retry_after: after },
            "Rate limit reached",
        ),
        (
            "500 page",
            whole("500 Oops", "content-type: text/html\r\n", page),
            ErrorClass::Overloaded,
            "Internal Server Error",
        ),
        (
            "404",
            whole("404 Not Found", JSON, r#"{"error":{"message":"The model `x` does not exist"}}"#),
            ErrorClass::NotFound,
            "does not exist",
        ),
        (
            "400",
            whole("400 Bad Request", JSON, r#"{"error":{"message":"max_tokens is too large"}}"#),
            ErrorClass::BadRequest,
            "too large",
        ),
        ("503 empty", whole("503 Unavailable", "", ""), ErrorClass::Overloaded, "503"),
        ("200 page", whole("200 OK", "content-type: text/html\r\n", page), ErrorClass::Garbage, "not JSON"),
        (
            "200 error",
            whole("200 OK", JSON, r#"{"error":{"message":"no quota","code":"insufficient_quota"}}"#),
            ErrorClass::RateLimit { retry_after: None },
            "no quota",
        ),
        ("200 nothing", whole("200 OK", JSON, "{}"), ErrorClass::Garbage, "no choices"),
        (
            "redirect away",
            whole("302 Found", "location: http://169.254.169.254/\r\n", ""),
            ErrorClass::BadRequest,
            "SSRF",
        ),
        ("error in stream", sse(&[&good, late, "\n\n"]), ErrorClass::Overloaded, "The server is overloaded"),
        ("malformed piece", sse(&[&good, "data: {\"choices\":[{\"delta\":{\"con\n\n"]), ErrorClass::Garbage, "broken"),
        ("nothing in stream", sse(&["data: [DONE]\n\n"]), ErrorClass::Garbage, "no answer"),
        ("ends too early", sse(&[&good]), ErrorClass::Connection, "before the answer was complete"),
    ] {
        let error = answer(steps).await.expect_err(name);
        assert_eq!(error.class, class, "{name}: {error}");
        assert!(error.text.contains(text), "{name}: {error}");
        assert_eq!(error.provider, "langgenius/openai/openai");
    }
    let server = Server::start(move |seen| match seen.line.contains("/close") {
        true => cut.clone(),
        false => Vec::new(),
    })
    .await;
    let credentials = json!({"openai_api_base": server.url("/close/v1"), "openai_api_key": "k"});
    let runtime = StaticRuntime::new(egress()).with_credentials("openai", credentials.as_object().unwrap().clone());
    let mut stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), hello()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().text, "ok");
    assert_eq!(stream.next().await.unwrap().unwrap_err().class, ErrorClass::Connection);
}

#[tokio::test]
async fn nobody_there() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let runtime = StaticRuntime::from_env(egress(), move |name| (name == "OPENAI_API_BASE").then(|| base.clone()));
    let error = ask(&runtime, hello()).await.unwrap_err();
    assert_eq!((error.class.clone(), error.error_type()), (ErrorClass::Connection, "InvokeConnectionError"));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_connection_that_was_just_closed_is_replaced() {
    let body = format!("{}{}", event(&json!({"content": "ok"})), ending());
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Vec::new(),
        _ => sse(&[&body]),
    })
    .await;
    let credentials = json!({"openai_api_base": server.url("/close/v1"), "openai_api_key": "k"});
    let runtime = StaticRuntime::new(egress()).with_credentials("openai", credentials.as_object().unwrap().clone());
    assert_eq!(ask(&runtime, hello()).await.unwrap().text, "ok");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_huge_line_is_read_and_an_endless_one_refused() {
    let text = "x".repeat(3_000_000);
    let body = format!("{}{}", event(&json!({"content": text})), ending());
    assert_eq!(answer(sse(&[&body])).await.unwrap().text.len(), 3_000_000);
    let mut steps = vec![chunked(SSE), chunk("data: ")];
    let part = "x".repeat(1_000_000);
    steps.extend((0..40).map(|_| chunk(&part)));
    assert_eq!(answer(steps).await.unwrap_err().class, ErrorClass::Garbage);
}

#[tokio::test]
async fn time_limits() {
    let good = event(&json!({"content": "ok"}));
    let silent = vec![Step::Hang];
    let quiet = vec![chunked(SSE), chunk(": wait\n\n"), Step::Hang];
    let stuck = vec![chunked(SSE), chunk(&good), Step::Hang];
    let mut endless = vec![chunked(SSE)];
    for _ in 0..200 {
        endless.extend([chunk(&good), Step::Wait(Duration::from_millis(20))]);
    }
    let usual = CallLimits::default();
    let short = Duration::from_millis(150);
    for (name, steps, limits, text) in [
        ("no head", silent, CallLimits { first_token: short, ..usual }, "first byte"),
        ("no token", quiet, CallLimits { first_token: short, ..usual }, "no first token"),
        ("stuck", stuck, CallLimits { idle: short, ..usual }, "reading"),
        ("too long", endless, CallLimits { total: short, ..usual }, "the whole call"),
    ] {
        let server = Server::start(move |_| steps.clone()).await;
        let started = std::time::Instant::now();
        let error = ask(&runtime(&server).with_limits(limits), hello()).await.expect_err(name);
        assert_eq!(error.class, ErrorClass::Timeout, "{name}: {error}");
        assert!(error.text.contains(text), "{name}: {error}");
        assert!(started.elapsed() < Duration::from_secs(3), "{name}");
    }
}

#[tokio::test]
async fn dropping_the_stream_ends_the_call() {
    let good = event(&json!({"content": "ok"}));
    let server = Server::start(move |_| vec![chunked(SSE), chunk(&good), Step::Hang]).await;
    let runtime = runtime(&server);
    let mut stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), hello()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().text, "ok");
    drop(stream);
    let gone = async {
        while server.closed_early() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn tools_and_reasoning_in_pieces() {
    let pieces = [
        json!({"reasoning_content": "let me "}),
        json!({"reasoning_content": "think"}),
        json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\":"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"Bonn\"}"}}]}),
    ];
    let body = pieces.iter().map(event).collect::<String>() + &ending().replace("\"stop\"", "\"tool_calls\"");
    let result = answer(sse(&[&body])).await.unwrap();
    assert_eq!((result.reasoning.as_str(), result.finish_reason.as_deref()), ("let me think", Some("tool_calls")));
    assert_eq!(result.tool_calls.len(), 1);
    assert_eq!(
        (result.tool_calls[0].id.as_str(), result.tool_calls[0].arguments.as_str()),
        ("call_1", "{\"city\":\"Bonn\"}")
    );
}

#[tokio::test]
async fn whole_answers_and_counted_usage() {
    let body = json!({"choices": [{"message": {"role": "assistant", "content": "hello world"}, "finish_reason": "stop"}],
                      "usage": {"prompt_tokens": 8, "completion_tokens": 2}});
    let result = answer(whole("200 OK", JSON, &body.to_string())).await.unwrap();
    assert_eq!((result.text.as_str(), result.usage.total_tokens), ("hello world", 10));
    let without = json!({"choices": [{"message": {"content": "hello world"}, "finish_reason": "stop"}]});
    let result = answer(whole("200 OK", JSON, &without.to_string())).await.unwrap();
    assert_eq!((result.usage.prompt_tokens, result.usage.completion_tokens), (8, 2), "counted by us");
}

#[tokio::test]
async fn completions() {
    let body = "data: {\"choices\":[{\"text\":\"once \"}]}\n\ndata: {\"choices\":[{\"text\":\"upon\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
    let server = Server::start(move |_| sse(&[body])).await;
    let model =
        ModelRef { provider: "openai".into(), name: "gpt-3.5-turbo-instruct".into(), mode: ModelMode::Completion };
    let request = CompletionRequest {
        prompt: "tell".into(),
        stream: true,
        stop: vec!["END".into()],
        ..CompletionRequest::default()
    };
    let stream = runtime(&server).completion(&scope(), &model, request).await.unwrap();
    let result = ChatResult::collect(stream).await.unwrap();
    assert_eq!((result.text.as_str(), result.finish_reason.as_deref()), ("once upon", Some("length")));
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST /v1/completions HTTP/1.1");
    assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap()["stop"], json!(["END"]));
}

#[tokio::test]
async fn vectors_in_batches_and_in_order() {
    let server = Server::start(|seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let count = body["input"].as_array().unwrap().len();
        // Backwards, as a server may, and one of them as base64.
        let data: Vec<Value> = (0..count)
            .rev()
            .map(|index| match index {
                0 => json!({"index": 0, "embedding": "AACAPwAAAEA="}),
                _ => json!({"index": index, "embedding": [index, 0.5]}),
            })
            .collect();
        whole(
            "200 OK",
            JSON,
            &json!({"data": data, "usage": {"prompt_tokens": count, "total_tokens": count}}).to_string(),
        )
    })
    .await;
    let model = ModelRef::chat("openai", "text-embedding-3-small");
    let texts = (0..40).map(|number| number.to_string()).collect();
    let asked = EmbeddingRequest { texts, ..EmbeddingRequest::default() };
    let result = runtime(&server).embed(&scope(), &model, asked).await.unwrap();
    assert_eq!(result.embeddings.len(), 40);
    assert_eq!(result.embeddings[0], [1.0, 2.0]);
    assert_eq!(result.embeddings[31], [31.0, 0.5]);
    assert_eq!(result.embeddings[32], [1.0, 2.0]);
    assert_eq!((result.usage.prompt_tokens, server.seen().len()), (40, 2));

    let few = Server::start(|_| whole("200 OK", JSON, r#"{"data":[]}"#)).await;
    let asked = EmbeddingRequest { texts: vec!["x".into()], ..EmbeddingRequest::default() };
    assert_eq!(runtime(&few).embed(&scope(), &model, asked).await.unwrap_err().class, ErrorClass::Garbage);
}

#[tokio::test]
async fn addresses_of_the_vendors() {
    let server = Server::start(|_| whole("200 OK", JSON, r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#)).await;
    let at = |path: &str| server.url(path);
    for (provider, credentials, line, header) in [
        (
            "openai",
            json!({"openai_api_base": at(""), "openai_api_key": "k"}),
            "/v1/chat/completions",
            ("authorization", "Bearer k"),
        ),
        (
            "openai",
            json!({"openai_api_base": at("/v1/"), "openai_api_key": "k"}),
            "/v1/chat/completions",
            ("authorization", "Bearer k"),
        ),
        (
            "openai",
            json!({"openai_api_base": at("/gw"), "openai_api_key": "k"}),
            "/gw/v1/chat/completions",
            ("authorization", "Bearer k"),
        ),
        (
            "openai",
            json!({"openai_api_base": at("/v1/chat/completions"), "openai_api_key": "k", "openai_organization": "o"}),
            "/v1/chat/completions",
            ("openai-organization", "o"),
        ),
        (
            "tongyi",
            json!({"api_host": at("/compatible-mode/v1"), "dashscope_api_key": "k"}),
            "/compatible-mode/v1/chat/completions",
            ("accept", "application/json, text/event-stream"),
        ),
        (
            "openai_api_compatible",
            json!({"endpoint_url": at("/api/v3"), "api_key": "k"}),
            "/api/v3/chat/completions",
            ("authorization", "Bearer k"),
        ),
        (
            "azure_openai",
            json!({"openai_api_base": at("/"), "openai_api_key": "k", "openai_api_version": "2024-10-21", "base_model_name": "gpt-4o"}),
            "/openai/deployments/my%20model/chat/completions?api-version=2024-10-21",
            ("api-key", "k"),
        ),
        (
            "azure_openai",
            json!({"openai_api_base": at("/openai/v1"), "openai_api_key": "k"}),
            "/openai/v1/chat/completions",
            ("api-key", "k"),
        ),
    ] {
        let runtime = StaticRuntime::new(egress()).with_credentials(provider, credentials.as_object().unwrap().clone());
        let stream = runtime.chat(&scope(), &ModelRef::chat(provider, "my model"), hello()).await.unwrap();
        ChatResult::collect(stream).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line, format!("POST {line} HTTP/1.1"), "{provider}");
        assert_eq!(seen.header(header.0).as_deref(), Some(header.1), "{provider}");
    }
    assert_eq!(server.connections(), 8, "one for each runtime");
}

#[tokio::test]
async fn credentials_are_tried_and_models_listed() {
    let server = Server::start(|seen| {
        let known = seen.header("authorization").as_deref() == Some("Bearer good");
        match (seen.line.split(' ').nth(1), known) {
            (Some("/v1/models"), true) => {
                whole("200 OK", JSON, r#"{"data":[{"id":"zeta"},{"id":"gpt-4o"},{"id":"bge-m3"}]}"#)
            }
            (Some("/page/v1/models"), _) => whole("200 OK", "content-type: text/html\r\n", "<html>welcome</html>"),
            (_, true) => whole("404 Not Found", JSON, r#"{"detail":"Not Found"}"#),
            _ => whole("401 Unauthorized", JSON, r#"{"error":{"message":"Incorrect API key provided"}}"#),
        }
    })
    .await;
    let provider = Registry::native().find("openai").unwrap().clone();
    let egress = egress();
    let credentials = |base: &str, key: &str| -> Credentials {
        json!({"openai_api_base": server.url(base), "openai_api_key": key}).as_object().unwrap().clone()
    };
    for (base, key, expected) in [
        ("", "good", Ok(())),
        ("", "bad", Err((ErrorClass::Auth, "Incorrect API key provided"))),
        ("", "", Err((ErrorClass::Auth, "no openai_api_key"))),
        ("/nowhere", "good", Err((ErrorClass::BadRequest, "check the base URL"))),
        ("/page", "good", Err((ErrorClass::Garbage, "check the base URL"))),
    ] {
        let credentials = credentials(base, key);
        let call =
            Call { egress: &egress, credentials: &credentials, spec: None, limits: CallLimits::default(), tally: None };
        match (provider.validate(call, None).await, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err((class, text))) => {
                assert_eq!(error.class, class, "{error}");
                assert!(error.text.contains(text), "{error}");
            }
            (found, _) => panic!("{base} {key}: {found:?}"),
        }
    }
    let credentials = credentials("", "good");
    let call =
        Call { egress: &egress, credentials: &credentials, spec: None, limits: CallLimits::default(), tally: None };
    let models = provider.remote_models(call).await.unwrap();
    let found: Vec<_> = models.iter().map(|model| (model.model.as_str(), model.kind)).collect();
    assert_eq!(found, [("bge-m3", ModelKind::TextEmbedding), ("gpt-4o", ModelKind::Llm), ("zeta", ModelKind::Llm)]);
}

#[tokio::test]
async fn connections_are_kept_between_calls() {
    let body = format!("{}{}", event(&json!({"content": "ok"})), ending());
    let server = Server::start(move |_| sse(&[&body])).await;
    let runtime = runtime(&server);
    for _ in 0..20 {
        ask(&runtime, hello()).await.unwrap();
    }
    assert!(server.connections() <= 2, "{}", server.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: run it by name with --no-capture"]
async fn time_to_first_token_over_loopback() {
    let body = format!("{}{}", event(&json!({"content": "ok"})), ending());
    let server = Server::start(move |_| sse(&[&body])).await;
    let runtime = runtime(&server);
    let mut times = Vec::new();
    for _ in 0..500 {
        let started = std::time::Instant::now();
        let mut stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), hello()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap().text, "ok");
        times.push(started.elapsed());
        while stream.next().await.is_some() {}
    }
    times.sort();
    println!("first token, whole round trip: p50 {:?} p99 {:?}", times[250], times[495]);
}

#[tokio::test]
async fn what_has_no_place_in_an_answer_is_told_beside_it() {
    use ox_models::{ModerationRequest, RerankRequest, SpeechRequest, Tally, TranscriptionRequest, Unit, Used};
    let server = Server::start(|seen| {
        let usage = match String::from_utf8_lossy(&seen.body).contains("whisper-1") {
            true => json!({"type": "duration", "seconds": 9}),
            false => json!({"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}),
        };
        let answer = match seen.line.split(' ').nth(1) {
            Some("/v1/audio/transcriptions") => json!({"text": "hello", "usage": usage}),
            Some("/v1/audio/speech") => return whole("200 OK", "content-type: audio/mpeg\r\n", "MP3."),
            Some("/v1/moderations") => json!({"results": [{"flagged": false}], "usage": {"total_tokens": 5}}),
            Some("/v2/rerank") => {
                let billed = json!({"billed_units": {"search_units": 1}});
                json!({"results": [{"index": 0, "relevance_score": 0.5}], "meta": billed})
            }
            _ => json!({}),
        };
        whole("200 OK", JSON, &answer.to_string())
    })
    .await;
    let find = |name: &str| Registry::native().find(name).unwrap().clone();
    let (openai, cohere) = (find("openai"), find("cohere"));
    let base = server.url("");
    let credentials = json!({"openai_api_key": "k", "openai_api_base": base, "api_key": "k", "base_url": base});
    let (egress, credentials) = (egress(), credentials.as_object().unwrap().clone());
    let used = |prompt_tokens, completion_tokens, units| Used { prompt_tokens, completion_tokens, units };
    let told = async |what: &str| {
        let (tally, limits) = (Tally::default(), CallLimits::default());
        let call = Call { egress: &egress, credentials: &credentials, spec: None, limits, tally: Some(&tally) };
        let done = match what {
            "rerank" => {
                let request =
                    RerankRequest { query: "q".into(), documents: vec!["a".into()], ..RerankRequest::default() };
                cohere.rerank_model().unwrap().rerank(call, request).await.map(|_| ())
            }
            "moderate" => {
                let request = ModerationRequest { model: "m".into(), texts: vec!["a".into()] };
                openai.moderation_model().unwrap().moderate(call, request).await.map(|_| ())
            }
            "speak" => {
                let request = SpeechRequest { model: "tts-1".into(), text: "h\u{e9}llo".into(), voice: "nova".into() };
                openai.speech_model().unwrap().speak(call, request).await.map(|_| ())
            }
            model => {
                let request = TranscriptionRequest { model: model.into(), ..TranscriptionRequest::default() };
                openai.transcription_model().unwrap().transcribe(call, request).await.map(|_| ())
            }
        };
        done.unwrap_or_else(|error| panic!("{what}: {error}"));
        tally.read()
    };
    for (what, expected) in [
        ("rerank", used(0, 0, Some((1, Unit::Searches)))),
        ("moderate", used(5, 0, None)),
        ("speak", used(0, 0, Some((5, Unit::Characters)))),
        ("whisper-1", used(0, 0, Some((9, Unit::Seconds)))),
        ("gpt-4o-transcribe", used(14, 45, None)),
    ] {
        assert_eq!(told(what).await, expected, "{what}");
    }
}

#[tokio::test]
async fn recordings_are_written_down_and_texts_are_spoken() {
    use ox_models::{SpeechRequest, TranscriptionRequest};
    let server = Server::start(|seen| match seen.line.split(' ').nth(1) {
        Some("/v1/audio/transcriptions") => whole("200 OK", JSON, r#"{"text": "hello there"}"#),
        Some("/v1/audio/speech") if String::from_utf8_lossy(&seen.body).contains("refused") => {
            whole("400 Bad Request", JSON, r#"{"error": {"message": "no such voice"}}"#)
        }
        Some("/v1/audio/speech") => whole("200 OK", "content-type: audio/mpeg\r\n", "MP3."),
        _ => whole("404 Not Found", JSON, "{}"),
    })
    .await;
    let runtime = runtime(&server);
    let model = ModelRef::chat("openai", "whisper-1");
    let recording = TranscriptionRequest {
        audio: b"RIFF\r\n--x".as_slice().into(),
        filename: "a\"b.wav".into(),
        mime: "audio/wav".into(),
        ..TranscriptionRequest::default()
    };
    assert_eq!(runtime.transcribe(&scope(), &model, recording).await.unwrap(), "hello there");
    let seen = server.seen().pop().unwrap();
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    assert!(seen.header("content-type").unwrap().starts_with("multipart/form-data; boundary=oxidify-"));
    assert_eq!(seen.header("authorization").as_deref(), Some("Bearer sk-test-key-1234"));
    for part in [
        "name=\"model\"\r\n\r\nwhisper-1\r\n",
        "filename=\"a_b.wav\"\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--x\r\n--",
    ] {
        assert!(body.contains(part), "{body}");
    }
    let model = ModelRef::chat("openai", "tts-1");
    let say = |text: String| SpeechRequest { text, voice: "nova".into(), ..SpeechRequest::default() };
    // Longer than one call may be: two, one after the other.
    let long = format!("{}. {}", "a".repeat(3000), "b".repeat(1000));
    let sound: Vec<_> = runtime.speak(&scope(), &model, say(long)).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(sound.concat(), b"MP3.MP3.");
    let last: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    assert_eq!(last, json!({"model": "tts-1", "input": "b".repeat(1000), "voice": "nova", "response_format": "mp3"}));
    let refused = runtime.speak(&scope(), &model, say("refused".into())).await.err().unwrap();
    assert_eq!((refused.class.clone(), refused.text.as_str()), (ErrorClass::BadRequest, "no such voice"));
    let unknown = runtime.speak(&scope(), &ModelRef::chat("deepseek", "x"), say("hi".into())).await.err().unwrap();
    assert!(matches!(unknown.class, ErrorClass::Unsupported | ErrorClass::Auth), "{unknown}");
    let spec = Registry::native().find("openai").unwrap().spec().model("tts-1", ModelKind::Tts).unwrap().clone();
    assert_eq!((spec.default_voice().as_deref(), spec.voices(Some("en-US")).len()), (Some("alloy"), 9));
}
