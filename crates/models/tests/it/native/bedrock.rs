//! The Converse API in the forms of its documents.

use ox_models::{ChatResult, ErrorClass};
use serde_json::{Value, json};

use super::{KEY, Protocol, in_form};

/// The checksum of the event stream, the slow way.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
        }
    }
    !crc
}

fn message(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in [
        (if kind == "exception" { ":exception-type" } else { ":event-type" }, name),
        (":content-type", "application/json"),
        (":message-type", kind),
    ] {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let payload = payload.to_string();
    let mut out = u32::try_from(16 + head.len() + payload.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload.as_bytes());
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out
}

fn events(events: &[(&str, Value)]) -> Vec<u8> {
    events.iter().flat_map(|(name, payload)| message("event", name, payload)).collect()
}

fn delta(index: u64, delta: &Value) -> (&'static str, Value) {
    ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
}

fn start() -> (&'static str, Value) {
    ("messageStart", json!({"role": "assistant"}))
}

fn stop(index: u64) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn end(reason: &str) -> [(&'static str, Value); 2] {
    [
        ("messageStop", json!({"stopReason": reason})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 26, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 4}, "metrics": {"latencyMs": 1}}),
        ),
    ]
}

fn body() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}], "system": [{"text": "be brief"}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.5, "stopSequences": ["END"]}})
}

pub fn protocol() -> Protocol {
    let tool = |index: u64, id: &str, name: &str| {
        (
            "contentBlockStart",
            json!({"contentBlockIndex": index, "start": {"toolUse": {"toolUseId": id, "name": name}}}),
        )
    };
    let [stopped, metadata] = end("end_turn");
    let [called, counted] = end("tool_use");
    let refusal = || json!({"message": format!("no: {KEY}")});
    let named = |name: &str| json!({"__type": name, "message": format!("no: {KEY}")});
    let bon = delta(0, &json!({"text": "Bon"}));
    let ok = delta(0, &json!({"text": "ok"}));
    let cut = events(&[start(), bon.clone()]);
    Protocol {
        provider: "bedrock",
        model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        credentials: |base| {
            json!({"aws_access_key_id": "AKIDOFTHETEST", "aws_secret_access_key": KEY, "aws_session_token": "session-of-the-test",
            "aws_region": "eu-central-1", "bedrock_endpoint_url": base})
        },
        content_type: "application/vnd.amazon.eventstream",
        lines: [
            "POST /model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            "POST /model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
        ],
        headers: &[
            ("authorization", "AWS4-HMAC-SHA256 Credential=AKIDOFTHETEST/…"),
            ("x-amz-security-token", "session-of-the-test"),
            ("x-amz-date", "20…"),
            ("content-type", "application/json"),
        ],
        bodies: [body(), body()],
        conversation: json!({"messages": [
                {"role": "user", "content": [{"text": "what?"}, {"image": {"format": "png", "source": {"bytes": "QUJD"}}}]},
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c 1", "name": "look", "input": {"q": "x"}}}]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": "c 1", "content": [{"text": "forty-two"}]}}, {"text": "again"}]}],
            "inferenceConfig": {"maxTokens": 64},
            "toolConfig": {"tools": [{"toolSpec": {"name": "look", "description": "does look", "inputSchema": {"json":
                {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}}}], "toolChoice": {"tool": {"name": "look"}}}}),
        stream: events(&[
            start(),
            delta(0, &json!({"reasoningContent": {"text": "hm"}})),
            delta(0, &json!({"reasoningContent": {"signature": "sig"}})),
            stop(0),
            delta(1, &json!({"text": "Bon"})),
            delta(1, &json!({"text": "jour \u{4f60}\u{597d}"})),
            stop(1),
            stopped.clone(),
            metadata.clone(),
        ]),
        whole: json!({"output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}, {"text": "Bonjour \u{4f60}\u{597d}"}]}},
            "stopReason": "end_turn", "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 26, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 4}}),
        calls: events(&[
            start(),
            tool(0, "t1", "look"),
            delta(0, &json!({"toolUse": {"input": "{\"q\": "}})),
            delta(0, &json!({"toolUse": {"input": "\"a b\"}"}})),
            stop(0),
            tool(1, "t2", "now"),
            stop(1),
            called,
            counted,
        ]),
        odd: vec![
            ("no metadata", events(&[start(), ok.clone(), stopped.clone()])),
            (
                "unknown events",
                events(&[("novel", json!({"a": 1})), start(), ok, stopped, ("initial-response", json!({})), metadata]),
            ),
        ],
        failure: [cut.clone(), message("exception", "serviceUnavailableException", &json!({"message": "Overloaded"}))]
            .concat(),
        cut,
        refusals: vec![
            ("400 Bad Request", named("ValidationException"), ErrorClass::BadRequest),
            ("400 Bad Request", named("ThrottlingException"), ErrorClass::RateLimit { retry_after: None }),
            ("403 Forbidden", refusal(), ErrorClass::Auth),
            ("404 Not Found", refusal(), ErrorClass::NotFound),
            ("424 Model", refusal(), ErrorClass::Overloaded),
            ("429 Too Many", refusal(), ErrorClass::RateLimit { retry_after: None }),
        ],
        thinks: true,
    }
}

#[tokio::test]
async fn answers_of_a_certain_form() {
    let answer = json!({"output": {"message": {"content": [{"toolUse": {"toolUseId": "t", "name": "answer_in_this_form", "input": {"n": 1}}}]}},
        "stopReason": "tool_use", "usage": {"inputTokens": 1, "outputTokens": 1}});
    let protocol = protocol();
    let (result, body) = in_form(&protocol, protocol.model, answer).await;
    let ChatResult { text, tool_calls, finish_reason, .. } = result.unwrap();
    assert_eq!((text.as_str(), tool_calls.len(), finish_reason.as_deref()), ("{\"n\":1}", 0, Some("stop")));
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"tool": {"name": "answer_in_this_form"}}));
}

#[tokio::test]
async fn a_broken_message_is_no_answer() {
    let mut protocol = protocol();
    let place = protocol.stream.len() / 2;
    protocol.stream[place] ^= 1;
    let steps = super::streamed(protocol.content_type, &[&protocol.stream]);
    let error = super::always(&protocol, steps).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Garbage, "{error}");
}
