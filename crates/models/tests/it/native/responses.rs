//! The Responses API in the forms of its documents.

use ox_models::ErrorClass;
use serde_json::{Value, json};

use super::{KEY, Protocol, in_form, sse};

fn response(status: &str, output: &Value, usage: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1_760_000_000, "status": status, "error": null,
        "incomplete_details": null, "model": "gpt-4o", "output": output, "store": false, "usage": usage})
}

fn usage() -> Value {
    json!({"input_tokens": 21, "input_tokens_details": {"cached_tokens": 7}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 26})
}

fn thought() -> Value {
    json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "sealed"})
}

fn message(text: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn call(number: u64, name: &str, arguments: &str) -> Value {
    json!({"id": format!("fc_{number}"), "type": "function_call", "status": "completed",
        "call_id": format!("call_{number}"), "name": name, "arguments": arguments})
}

fn begin() -> Vec<Value> {
    let empty = response("in_progress", &json!([]), &Value::Null);
    vec![
        json!({"type": "response.created", "response": empty}),
        json!({"type": "response.in_progress", "response": empty}),
    ]
}

fn end(output: &[Value]) -> Value {
    json!({"type": "response.completed", "response": response("completed", &json!(output), &usage())})
}

/// The events of one item: begun without what is told piece by piece.
fn item(index: u64, whole: &Value, empty: &str, pieces: &[Value]) -> Vec<Value> {
    let mut begun = whole.clone();
    begun[empty] = if empty == "arguments" { json!("") } else { json!([]) };
    begun["status"] = "in_progress".into();
    let mut events = vec![json!({"type": "response.output_item.added", "output_index": index, "item": begun})];
    events.extend(pieces.iter().cloned().map(|mut piece| {
        piece["output_index"] = index.into();
        piece["item_id"] = whole["id"].clone();
        piece
    }));
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": whole}));
    events
}

fn text(index: u64, pieces: &[&str]) -> Vec<Value> {
    let whole = pieces.concat();
    let mut events = vec![
        json!({"type": "response.content_part.added", "content_index": 0, "part": {"type": "output_text", "text": ""}}),
    ];
    events.extend(
        pieces.iter().map(|piece| json!({"type": "response.output_text.delta", "content_index": 0, "delta": piece})),
    );
    events.push(json!({"type": "response.output_text.done", "content_index": 0, "text": whole}));
    events.push(json!({"type": "response.content_part.done", "content_index": 0, "part": {"type": "output_text", "text": whole}}));
    item(index, &message(&whole), "content", &events)
}

/// With numbers and the names of the events, as the vendor writes them.
fn named(events: &[Value]) -> Vec<u8> {
    let mut out = String::new();
    for (number, event) in events.iter().enumerate() {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        out += &format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    }
    out.into_bytes()
}

fn stream() -> Vec<u8> {
    let pieces = [
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
        json!({"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "h"}),
        json!({"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "m"}),
        json!({"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": "hm"}),
    ];
    let said = ["Bon", "jour \u{4f60}\u{597d}"];
    let output = [thought(), message(&said.concat())];
    named(&[begin(), item(0, &thought(), "summary", &pieces), text(1, &said), vec![end(&output)]].concat())
}

fn calls() -> Vec<u8> {
    let delta = |delta: &str| json!({"type": "response.function_call_arguments.delta", "delta": delta});
    let done = |arguments: &str| json!({"type": "response.function_call_arguments.done", "arguments": arguments});
    let (look, now) = (call(1, "look", "{\"q\": \"a b\"}"), call(2, "now", "{}"));
    let pieces = [delta("{\"q\""), delta(": \"a "), delta("b\"}"), done("{\"q\": \"a b\"}")];
    let events = [
        begin(),
        item(0, &look, "arguments", &pieces),
        item(1, &now, "arguments", &[done("{}")]),
        vec![end(&[look, now])],
    ];
    named(&events.concat())
}

fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let simple = [begin(), text(0, &["ok"]), vec![end(&[message("ok")])]].concat();
    let crlf = String::from_utf8(named(&simple)).unwrap().replace('\n', "\r\n").into_bytes();
    let mut commented = b": hello\n\n: ping\n\n".to_vec();
    commented.extend(named(&simple));
    let no_usage = {
        let end = json!({"type": "response.completed", "response": response("completed", &json!([message("ok")]), &Value::Null)});
        [begin(), text(0, &["ok"]), vec![end]].concat()
    };
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed"});
    let unknown = [
        begin(),
        vec![
            json!({"type": "response.output_item.added", "output_index": 0, "item": search}),
            json!({"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"}),
            json!({"type": "response.output_item.done", "output_index": 0, "item": search}),
            json!({"type": "response.something.new", "novel": true}),
        ],
        text(1, &["o", "k"]),
        vec![end(&[search, message("ok")])],
    ];
    let refused = [
        begin(),
        vec![
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}}),
            json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "ok"}),
            end(&[json!({"type": "message", "content": [{"type": "refusal", "refusal": "ok"}]})]),
        ],
    ];
    let unannounced = [
        vec![json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "ok"})],
        vec![end(&[message("ok")])],
    ];
    let mut older_end = named(&[begin(), text(0, &["ok"])].concat());
    older_end.extend_from_slice(b"data: [DONE]\n\n");
    let mut both_ends = named(&simple);
    both_ends.extend_from_slice(b"data: [DONE]\n\n");
    let mut cut_short = simple.clone();
    let last = cut_short.len() - 1;
    cut_short[last] = json!({"type": "response.incomplete", "response": {"status": "incomplete", "usage": usage(),
        "incomplete_details": {"reason": "max_output_tokens"}, "output": [message("ok")]}});
    vec![
        ("no names of events", sse(&simple)),
        ("CRLF", crlf),
        ("comments", commented),
        ("no usage", named(&no_usage)),
        ("unknown kinds", named(&unknown.concat())),
        ("a refusal", named(&refused.concat())),
        ("an item that nobody announced", named(&unannounced.concat())),
        ("no pieces", named(&[begin(), vec![end(&[message("ok")])]].concat())),
        ("the older protocol's end", older_end),
        ("both ends", both_ends),
        ("cut by its length", named(&cut_short)),
    ]
}

fn failure() -> Vec<u8> {
    let failed = json!({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "output": [],
        "error": {"code": "server_error", "message": "Overloaded: try again"}}});
    named(&[begin(), text(0, &["Bon"]), vec![failed]].concat())
}

fn cut() -> Vec<u8> {
    let mut events = [begin(), text(0, &["Bon"])].concat();
    events.truncate(events.len() - 3);
    named(&events)
}

fn refusals() -> Vec<(&'static str, Value, ErrorClass)> {
    let refusal = |kind: &str, code: &str| json!({"error": {"message": format!("no: {KEY}"), "type": kind, "param": null, "code": code}});
    vec![
        ("400 Bad Request", refusal("invalid_request_error", "unsupported_parameter"), ErrorClass::BadRequest),
        ("401 Unauthorized", refusal("invalid_request_error", "invalid_api_key"), ErrorClass::Auth),
        ("404 Not Found", refusal("invalid_request_error", "model_not_found"), ErrorClass::NotFound),
        ("429 Too Many", refusal("tokens", "rate_limit_exceeded"), ErrorClass::RateLimit { retry_after: None }),
        ("500 Oops", refusal("server_error", "server_error"), ErrorClass::Overloaded),
    ]
}

fn body(stream: bool) -> Value {
    json!({"model": "gpt-4o", "input": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "temperature": 0.5, "max_output_tokens": 64, "user": "u", "store": false, "stream": stream})
}

fn conversation() -> Value {
    json!({"model": "gpt-4o",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "what?"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}]},
            {"type": "function_call", "call_id": "c 1", "name": "look", "arguments": "{\"q\":\"x\"}"},
            {"type": "function_call_output", "call_id": "c 1", "output": "forty-two"},
            {"role": "user", "content": "again"}],
        "max_output_tokens": 64,
        "tools": [{"type": "function", "name": "look", "description": "does look", "strict": false, "parameters":
            {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}],
        "tool_choice": {"type": "function", "name": "look"}, "user": "u", "store": false, "stream": false})
}

pub fn protocol() -> Protocol {
    Protocol {
        provider: "openai",
        model: "gpt-4o",
        credentials: |base| json!({"openai_api_key": KEY, "openai_api_base": format!("{base}/v1/responses"), "api_protocol": "responses"}),
        content_type: "text/event-stream; charset=utf-8",
        lines: ["POST /v1/responses"; 2],
        headers: &[("authorization", "Bearer key-of-the-test-1234"), ("content-type", "application/json")],
        bodies: [body(true), body(false)],
        conversation: conversation(),
        stream: stream(),
        whole: response("completed", &json!([thought(), message("Bonjour \u{4f60}\u{597d}")]), &usage()),
        calls: calls(),
        odd: odd(),
        failure: failure(),
        cut: cut(),
        refusals: refusals(),
        thinks: true,
    }
}

#[tokio::test]
async fn answers_of_a_certain_form() {
    let answer = response("completed", &json!([message("{\"n\": 1}")]), &usage());
    let (result, body) = in_form(&protocol(), "gpt-4o", answer).await;
    assert_eq!(result.unwrap().text, "{\"n\": 1}");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]});
    assert_eq!(body["text"], json!({"format": {"type": "json_schema", "name": "n", "schema": schema}}));
}

#[tokio::test]
async fn thoughts_go_back_with_calls_and_cached_tokens_cost_less() {
    use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime};

    use crate::{
        scripted::scope,
        server::{Server, whole},
    };
    let answer = response("completed", &json!([thought(), call(1, "look", "{}")]), &usage()).to_string();
    let server = Server::start(move |_| whole("200 OK", super::JSON, &answer)).await;
    let runtime = super::runtime(&protocol(), &server);
    let model = ModelRef::chat("openai", "o3");
    let parameters = json!({"reasoning_effort": "high", "reasoning_summary": "auto", "max_completion_tokens": 64});
    let mut request = ChatRequest {
        messages: vec![Message::user("hello")],
        tools: vec![super::tool("look")],
        parameters: parameters.as_object().unwrap().clone(),
        ..ChatRequest::default()
    };
    let first = ChatResult::collect(runtime.chat(&scope(), &model, request.clone()).await.unwrap()).await.unwrap();
    assert_eq!((first.reasoning.as_str(), first.finish_reason.as_deref()), ("hm", Some("tool_calls")));
    assert_eq!((first.usage.cached_tokens, first.usage.reasoning_tokens), (7, 2));
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    assert_eq!(seen["reasoning"], json!({"effort": "high", "summary": "auto"}));
    assert_eq!(seen["include"], json!(["reasoning.encrypted_content"]));
    assert!(seen.get("previous_response_id").is_none() && seen["store"] == false);

    let mut called = Message::assistant("");
    (called.tool_calls, called.opaque) = (first.tool_calls, first.opaque);
    request.messages.extend([called, Message::tool("call_1", "done")]);
    _ = ChatResult::collect(runtime.chat(&scope(), &model, request).await.unwrap()).await.unwrap();
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    let expected = json!([
        {"role": "user", "content": "hello"},
        thought(),
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "done"},
    ]);
    assert_eq!(seen["input"], expected);
}

#[tokio::test]
async fn an_agent_that_reasons_and_acts_stops_before_its_observation() {
    use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime};

    use crate::{
        scripted::scope,
        server::{Server, Step},
    };
    let pieces = ["Action: {}\nObs", "erv", "ation: it is 4.\nThought: ", "done"];
    let mut events = [begin(), text(0, &pieces)].concat();
    // The vendor writes on, and never comes to an end.
    events.truncate(events.len() - 3);
    let mut steps = super::streamed("text/event-stream", &[&named(&events)]);
    steps.pop();
    steps.push(Step::Hang);
    let server = Server::start(move |_| steps.clone()).await;
    let runtime = super::runtime(&protocol(), &server);
    let request = ChatRequest {
        messages: vec![Message::user("hello")],
        stop: vec!["Observation".into()],
        stream: true,
        ..ChatRequest::default()
    };
    let stream = runtime.chat(&scope(), &ModelRef::chat("openai", "gpt-4o"), request).await.unwrap();
    let result = ChatResult::collect(stream).await.unwrap();
    assert_eq!((result.text.as_str(), result.finish_reason.as_deref()), ("Action: {}\n", Some("stop")));
    assert!(result.usage.prompt_tokens > 0 && result.usage.completion_tokens > 0, "counted, as the vendor never told");
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    assert!(seen.get("stop").is_none(), "{seen}");
    let gone = async {
        while server.closed_early() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn a_model_is_asked_by_the_protocol_that_it_speaks() {
    use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime, StaticRuntime};
    use ox_net::{Egress, Policy};

    use crate::{
        scripted::scope,
        server::{Server, whole},
    };
    let chat = json!({"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}).to_string();
    let answer = response("completed", &json!([message("ok")]), &usage()).to_string();
    let server = Server::start(move |seen| {
        whole("200 OK", super::JSON, if seen.line.contains("/responses") { &answer } else { &chat })
    })
    .await;
    for (provider, model, credentials, line) in [
        ("openai", "gpt-4o", json!({}), "/v1/chat/completions"),
        ("openai", "gpt-5-pro", json!({}), "/v1/responses"),
        ("openai", "gpt-5-pro", json!({"api_protocol": "auto"}), "/v1/responses"),
        ("openai", "gpt-5-pro", json!({"api_protocol": "chat_completions"}), "/v1/chat/completions"),
        ("openai", "gpt-4o", json!({"api_protocol": "responses"}), "/v1/responses"),
        ("openai_api_compatible", "gpt-5-pro", json!({}), "/v1/chat/completions"),
        ("openai_api_compatible", "my-own", json!({"api_protocol": "responses"}), "/v1/responses"),
        ("azure_openai", "mine", json!({"base_model_name": "gpt-5-pro"}), "/openai/v1/responses"),
        (
            "azure_openai",
            "mine",
            json!({"base_model_name": "gpt-4o", "api_protocol": "responses"}),
            "/openai/v1/responses",
        ),
    ] {
        let base = server.url(if provider == "azure_openai" { "" } else { "/v1" });
        let mut all = json!({"openai_api_key": KEY, "api_key": KEY, "openai_api_base": base, "endpoint_url": base});
        all.as_object_mut().unwrap().extend(credentials.as_object().unwrap().clone());
        let runtime = StaticRuntime::new(Egress::new(Policy::open_models()))
            .with_credentials(provider, all.as_object().unwrap().clone());
        let request = ChatRequest { messages: vec![Message::user("hi")], ..ChatRequest::default() };
        let stream = runtime.chat(&scope(), &ModelRef::chat(provider, model), request).await.unwrap();
        assert_eq!(ChatResult::collect(stream).await.unwrap().text, "ok", "{provider} {model} {credentials}");
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line, format!("POST {line} HTTP/1.1"), "{provider} {model} {credentials}");
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body["model"], model, "{provider}");
    }
}
