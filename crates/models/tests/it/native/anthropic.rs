//! The Messages API in the forms of its documents.

use ox_models::ErrorClass;
use serde_json::{Value, json};

use super::{KEY, Protocol, in_form, sse};

fn start(input: u64) -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
        "model": "claude-sonnet-4-5", "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": input, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 7, "output_tokens": 1}}})
}

fn block(index: u64, block: &Value, deltas: &[Value]) -> Vec<Value> {
    let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": block})];
    events.extend(deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn end(reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ]
}

/// With the names of the events, as the vendor writes them.
fn named(events: &[Value]) -> Vec<u8> {
    let write = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(write).collect::<String>().into_bytes()
}

fn text(text: &str) -> Value {
    json!({"type": "text_delta", "text": text})
}

fn body(stream: bool) -> Value {
    json!({"max_tokens": 64, "system": [{"type": "text", "text": "be brief"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        "temperature": 0.5, "stop_sequences": ["END"], "metadata": {"user_id": "u"},
        "model": "claude-sonnet-4-5", "stream": stream})
}

pub fn stream() -> Vec<u8> {
    let thought =
        [json!({"type": "thinking_delta", "thinking": "hm"}), json!({"type": "signature_delta", "signature": "sig"})];
    let events = [
        vec![start(10)],
        block(0, &json!({"type": "thinking", "thinking": "", "signature": ""}), &thought),
        vec![json!({"type": "ping"})],
        block(1, &json!({"type": "text", "text": ""}), &[text("Bon"), text("jour \u{4f60}\u{597d}")]),
        end("end_turn"),
    ];
    named(&events.concat())
}

pub fn whole() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "text", "text": "Bonjour \u{4f60}\u{597d}"}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 7, "output_tokens": 5}})
}

pub fn calls() -> Vec<u8> {
    let pieces = ["", "{\"q\": ", "\"a b\"}"].map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
    let events = [
        vec![start(10)],
        block(0, &json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}), &pieces),
        block(1, &json!({"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}), &[]),
        end("tool_use"),
    ];
    named(&events.concat())
}

pub fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let ok = block(0, &json!({"type": "text", "text": ""}), &[text("ok")]);
    let simple = [vec![start(10)], ok.clone(), end("end_turn")].concat();
    let mut no_usage = simple.clone();
    no_usage[0] = json!({"type": "message_start", "message": {"id": "m", "content": []}});
    no_usage[4].as_object_mut().unwrap().shift_remove("usage");
    let unknown = [
        vec![start(10), json!({"type": "something_new", "index": 9})],
        block(
            7,
            &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            &[json!({"type": "novel_delta"})],
        ),
        ok,
        end("end_turn"),
    ];
    let crlf = String::from_utf8(named(&simple)).unwrap().replace('\n', "\r\n").into_bytes();
    let mut commented = b": hello\n\n: ping\n\n".to_vec();
    commented.extend(named(&simple));
    let unfinished = named(&simple[..simple.len() - 1]);
    vec![
        ("no names of events", sse(&simple)),
        ("no usage", named(&no_usage)),
        ("unknown kinds", named(&unknown.concat())),
        ("CRLF", crlf),
        ("comments", commented),
        ("no message_stop", unfinished),
    ]
}

pub fn failure() -> Vec<u8> {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    named(&[vec![start(10)], block(0, &json!({"type": "text", "text": ""}), &[text("Bon")]), vec![error]].concat())
}

pub fn cut() -> Vec<u8> {
    named(&[vec![start(10)], block(0, &json!({"type": "text", "text": ""}), &[text("Bon")])].concat())
}

fn refusal(kind: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": format!("no: {KEY}")}, "request_id": "req_1"})
}

pub fn refusals() -> Vec<(&'static str, Value, ErrorClass)> {
    vec![
        ("400 Bad Request", refusal("invalid_request_error"), ErrorClass::BadRequest),
        ("401 Unauthorized", refusal("authentication_error"), ErrorClass::Auth),
        ("404 Not Found", refusal("not_found_error"), ErrorClass::NotFound),
        ("413 Too Large", refusal("request_too_large"), ErrorClass::BadRequest),
        ("429 Too Many", refusal("rate_limit_error"), ErrorClass::RateLimit { retry_after: None }),
        ("529 Overloaded", refusal("overloaded_error"), ErrorClass::Overloaded),
    ]
}

pub fn conversation() -> Value {
    json!({"max_tokens": 64,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c_1", "name": "look", "input": {"q": "x"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c_1", "content": [{"type": "text", "text": "forty-two"}]},
                {"type": "text", "text": "again"}]}],
        "tools": [{"name": "look", "description": "does look", "input_schema":
            {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}],
        "tool_choice": {"type": "tool", "name": "look"}, "metadata": {"user_id": "u"},
        "model": "claude-sonnet-4-5", "stream": false})
}

pub fn protocol() -> Protocol {
    Protocol {
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        credentials: |base| json!({"anthropic_api_key": KEY, "anthropic_api_url": format!("{base}/v1/")}),
        content_type: "text/event-stream; charset=utf-8",
        lines: ["POST /v1/messages"; 2],
        headers: &[("x-api-key", KEY), ("anthropic-version", "2023-06-01"), ("content-type", "application/json")],
        bodies: [body(true), body(false)],
        conversation: conversation(),
        stream: stream(),
        whole: whole(),
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
    let protocol = protocol();
    // The vendor's own way where the model has it.
    let mut answer = whole();
    answer["content"] = json!([{"type": "text", "text": "{\"n\": 1}"}]);
    let (result, body) = in_form(&protocol, "claude-sonnet-4-5", answer).await;
    assert_eq!(result.unwrap().text, "{\"n\": 1}");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert!(body.get("tools").is_none());
    // By a tool where nobody knows.
    let mut answer = whole();
    answer["content"] = json!([{"type": "tool_use", "id": "t", "name": "answer_in_this_form", "input": {"n": 1}}]);
    answer["stop_reason"] = "tool_use".into();
    let (result, body) = in_form(&protocol, "claude-of-my-own", answer).await;
    let result = result.unwrap();
    assert_eq!((result.text.as_str(), result.finish_reason.as_deref()), ("{\"n\":1}", Some("stop")));
    assert!(result.tool_calls.is_empty() && body.get("output_config").is_none());
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "answer_in_this_form"}));
}

#[tokio::test]
async fn thoughts_go_back_with_calls_and_cached_tokens_cost_less() {
    use ox_models::{ChatRequest, ChatResult, Message, ModelRef, ModelRuntime, ToolCall};

    use crate::{
        scripted::scope,
        server::{Server, chunk, chunked},
    };
    let protocol = protocol();
    let bytes = String::from_utf8(stream()).unwrap();
    let server =
        Server::start(move |_| vec![chunked("content-type: text/event-stream\r\n"), chunk(&bytes), chunk("")]).await;
    let runtime = super::runtime(&protocol, &server);
    let model = ModelRef::chat("anthropic", "claude-sonnet-4-5");
    let thinking = json!({"thinking": true, "thinking_budget": 2000, "temperature": 0.3, "max_tokens": 1500});
    let mut request = ChatRequest {
        messages: vec![Message::user("hello")],
        parameters: thinking.as_object().unwrap().clone(),
        stream: true,
        ..ChatRequest::default()
    };
    let first = ChatResult::collect(runtime.chat(&scope(), &model, request.clone()).await.unwrap()).await.unwrap();
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
    assert_eq!(first.opaque, Some(json!({"anthropic": [thought]})));
    // 10 plain at 3, 7 read at 0.3, 4 written at 3.75, 5 answered at 15 dollars per million.
    assert_eq!((first.usage.cached_tokens, first.usage.prompt_price.to_string().as_str()), (7, "0.0000471"));
    assert_eq!(first.usage.total_price.to_string(), "0.0001221");
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    assert_eq!(seen["thinking"], json!({"type": "enabled", "budget_tokens": 1499}));
    assert!(seen.get("temperature").is_none());

    let mut called = Message::assistant("");
    called.tool_calls = vec![ToolCall { id: "c1".into(), name: "look".into(), arguments: String::new() }];
    called.opaque = first.opaque;
    request.messages.extend([called.clone(), Message::tool("c1", "")]);
    _ = ChatResult::collect(runtime.chat(&scope(), &model, request.clone()).await.unwrap()).await.unwrap();
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    let call = json!({"type": "tool_use", "id": "c1", "name": "look", "input": {}});
    assert_eq!(seen["messages"][1]["content"], json!([thought, call]));
    // Calls that another model made have no thoughts: the round goes on without thinking.
    called.opaque = None;
    request.messages[1] = called;
    _ = ChatResult::collect(runtime.chat(&scope(), &model, request).await.unwrap()).await.unwrap();
    let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    assert!(seen.get("thinking").is_none(), "{seen}");
    assert_eq!(seen["messages"][1]["content"], json!([call]));
}
