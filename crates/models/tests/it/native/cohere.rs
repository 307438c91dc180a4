//! Cohere's second API in the forms of its documents.

use ox_models::ErrorClass;
use serde_json::{Value, json};

use super::{KEY, Protocol, in_form, sse};

fn content(piece: &Value) -> Value {
    json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": piece}}})
}

fn start() -> Value {
    json!({"id": "1", "type": "message-start", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}})
}

fn end(reason: &str) -> Value {
    json!({"type": "message-end", "delta": {"finish_reason": reason, "usage": {
        "billed_units": {"input_tokens": 21, "output_tokens": 5}, "tokens": {"input_tokens": 90, "output_tokens": 6}}}})
}

fn body(stream: bool) -> Value {
    json!({"model": "command-a-03-2025", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "stream": stream, "temperature": 0.5, "max_tokens": 64, "stop_sequences": ["END"]})
}

fn call(kind: &str, index: u64, call: &Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": {"tool_calls": call}}})
}

pub fn protocol() -> Protocol {
    let ok = content(&json!({"text": "ok"}));
    let simple = [start(), ok.clone(), end("COMPLETE")];
    let mut bare = end("COMPLETE");
    bare["delta"].as_object_mut().unwrap().shift_remove("usage");
    let named: String =
        simple.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
    let refusal = |_: u16| json!({"id": "r", "message": format!("no: {KEY}")});
    Protocol {
        provider: "cohere",
        model: "command-a-03-2025",
        credentials: |base| json!({"api_key": KEY, "base_url": base}),
        content_type: "text/event-stream",
        lines: ["POST /v2/chat"; 2],
        headers: &[("authorization", "Bearer key-of-the-test-1234"), ("content-type", "application/json")],
        bodies: [body(true), body(false)],
        conversation: json!({"model": "command-a-03-2025", "messages": [
                {"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]},
                {"role": "assistant", "tool_calls": [{"id": "c 1", "type": "function", "function": {"name": "look", "arguments": "{\"q\":\"x\"}"}}]},
                {"role": "tool", "tool_call_id": "c 1", "content": "forty-two"},
                {"role": "user", "content": "again"}],
            "stream": false, "max_tokens": 64,
            "tools": [{"type": "function", "function": {"name": "look", "description": "does look", "parameters":
                {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}}],
            "tool_choice": "REQUIRED"}),
        stream: sse(&[
            start(),
            json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "thinking", "thinking": ""}}}}),
            content(&json!({"thinking": "hm"})),
            json!({"type": "content-end", "index": 0}),
            content(&json!({"text": "Bon"})),
            content(&json!({"text": "jour \u{4f60}\u{597d}"})),
            json!({"type": "content-end", "index": 0}),
            end("COMPLETE"),
        ]),
        whole: json!({"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Bonjour \u{4f60}\u{597d}"}]},
            "usage": {"billed_units": {"input_tokens": 21, "output_tokens": 5}, "tokens": {"input_tokens": 90, "output_tokens": 6}}}),
        calls: sse(&[
            start(),
            json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will look."}}}),
            call(
                "tool-call-start",
                0,
                &json!({"id": "look_1", "type": "function", "function": {"name": "look", "arguments": ""}}),
            ),
            call("tool-call-delta", 0, &json!({"function": {"arguments": "{\"q\": "}})),
            call("tool-call-delta", 0, &json!({"function": {"arguments": "\"a b\"}"}})),
            json!({"type": "tool-call-end", "index": 0}),
            call(
                "tool-call-start",
                1,
                &json!({"id": "now_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}),
            ),
            json!({"type": "tool-call-end", "index": 1}),
            end("TOOL_CALL"),
        ]),
        odd: vec![
            ("names", named.clone().into_bytes()),
            ("CRLF", named.replace('\n', "\r\n").into_bytes()),
            (
                "comments and unknown kinds",
                [
                    b": x\n\n".to_vec(),
                    sse(&[start(), json!({"type": "citation-start"}), json!({"type": "debug"})]),
                    sse(&simple[1..]),
                ]
                .concat(),
            ),
            ("no usage", sse(&[start(), ok, bare])),
        ],
        failure: sse(&[
            start(),
            content(&json!({"text": "Bon"})),
            json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}}),
        ]),
        cut: sse(&[start(), content(&json!({"text": "Bon"}))]),
        refusals: vec![
            ("400 Bad Request", refusal(400), ErrorClass::BadRequest),
            ("401 Unauthorized", refusal(401), ErrorClass::Auth),
            ("404 Not Found", refusal(404), ErrorClass::NotFound),
            ("429 Too Many", refusal(429), ErrorClass::RateLimit { retry_after: None }),
            ("500 Oops", refusal(500), ErrorClass::Overloaded),
        ],
        thinks: true,
    }
}

#[tokio::test]
async fn answers_of_a_certain_form() {
    let answer = json!({"finish_reason": "MAX_TOKENS", "message": {"content": [{"type": "text", "text": "{\"n\":"}]}});
    let (result, body) = in_form(&protocol(), "command-a-03-2025", answer).await;
    assert_eq!(result.unwrap().finish_reason.as_deref(), Some("length"));
    assert_eq!(body["response_format"]["type"], "json_object");
    assert_eq!(body["response_format"]["schema"]["required"], json!(["n"]));
}
