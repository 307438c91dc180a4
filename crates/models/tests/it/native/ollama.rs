//! Ollama's API in the forms of its documents.

use ox_models::{ChatResult, CompletionRequest, ErrorClass, ModelMode, ModelRef, ModelRuntime};
use serde_json::{Value, json};

use super::{KEY, Protocol, in_form};
use crate::{
    scripted::scope,
    server::{Server, whole},
};

fn lines(documents: &[Value]) -> Vec<u8> {
    documents.iter().map(|document| format!("{document}\n")).collect::<String>().into_bytes()
}

fn piece(message: &Value) -> Value {
    json!({"model": "qwen3:4b", "created_at": "2026-11-22T08:00:00Z", "message": message, "done": false})
}

fn said(text: &str) -> Value {
    piece(&json!({"role": "assistant", "content": text}))
}

fn end() -> Value {
    json!({"model": "qwen3:4b", "created_at": "2026-11-22T08:00:01Z", "message": {"role": "assistant", "content": ""},
        "done_reason": "stop", "done": true, "total_duration": 9, "prompt_eval_count": 21, "eval_count": 5})
}

fn body(stream: bool) -> Value {
    json!({"model": "qwen3:4b", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        "stream": stream, "options": {"temperature": 0.5, "num_predict": 64, "stop": ["END"]}})
}

pub fn protocol() -> Protocol {
    let mut bare = end();
    for field in ["prompt_eval_count", "eval_count"] {
        bare.as_object_mut().unwrap().shift_remove(field);
    }
    let mut answer = end();
    answer["message"] = json!({"role": "assistant", "thinking": "hm", "content": "Bonjour \u{4f60}\u{597d}"});
    let call = |name: &str, arguments: &Value| json!({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]});
    let unnamed = [said("ok"), end()];
    let crlf = String::from_utf8(lines(&unnamed)).unwrap().replace('\n', "\r\n\r\n").into_bytes();
    let open = lines(&unnamed)[..lines(&unnamed).len() - 1].to_vec();
    let refusal = || json!({"error": format!("no: {KEY}")});
    Protocol {
        provider: "ollama",
        model: "qwen3:4b",
        credentials: |base| json!({"base_url": format!("{base}/api/"), "api_key": KEY, "mode": "chat", "context_size": "4096"}),
        content_type: "application/x-ndjson",
        lines: ["POST /api/chat"; 2],
        headers: &[("authorization", "Bearer key-of-the-test-1234"), ("content-type", "application/json")],
        bodies: [body(true), body(false)],
        conversation: json!({"model": "qwen3:4b", "messages": [
                {"role": "user", "content": "what?", "images": ["QUJD"]},
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"q": "x"}}}]},
                {"role": "tool", "content": "forty-two", "tool_name": "look"},
                {"role": "user", "content": "again"}],
            "stream": false, "options": {"num_predict": 64},
            "tools": [{"type": "function", "function": {"name": "look", "description": "does look", "parameters":
                {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}}]}),
        stream: lines(&[
            piece(&json!({"role": "assistant", "content": "", "thinking": "hm"})),
            said("Bon"),
            said("jour \u{4f60}\u{597d}"),
            end(),
        ]),
        whole: answer,
        calls: lines(&[piece(&call("look", &json!({"q": "a b"}))), piece(&call("now", &json!({}))), end()]),
        odd: vec![
            ("empty lines and CRLF", crlf),
            ("no last newline", open),
            ("no counts", lines(&[said("ok"), bare])),
            (
                "unknown fields",
                lines(&[
                    json!({"message": {"role": "assistant", "content": "ok", "novel": [1]}, "done": false, "logprobs": null}),
                    end(),
                ]),
            ),
        ],
        failure: lines(&[said("Bon"), json!({"error": "Overloaded: llama runner process has terminated"})]),
        cut: lines(&[said("Bon")]),
        refusals: vec![
            ("400 Bad Request", refusal(), ErrorClass::BadRequest),
            ("401 Unauthorized", refusal(), ErrorClass::Auth),
            ("404 Not Found", refusal(), ErrorClass::NotFound),
            ("503 Busy", refusal(), ErrorClass::Overloaded),
        ],
        thinks: true,
    }
}

#[tokio::test]
async fn forms_and_texts_to_continue() {
    let protocol = protocol();
    let mut answer = end();
    answer["message"]["content"] = "{\"n\":1}".into();
    let (result, body) = in_form(&protocol, "qwen3:4b", answer).await;
    assert_eq!(result.unwrap().text, "{\"n\":1}");
    assert_eq!(body["format"]["required"], json!(["n"]));

    let answer = json!({"model": "m", "response": "there was", "done": true, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 2});
    let server =
        Server::start(move |_| whole("200 OK", "content-type: application/json\r\n", &answer.to_string())).await;
    let model = ModelRef { provider: "ollama".into(), name: "m".into(), mode: ModelMode::Completion };
    let request = CompletionRequest { prompt: "Once".into(), ..CompletionRequest::default() };
    let stream = super::runtime(&protocol, &server).completion(&scope(), &model, request).await.unwrap();
    let result = ChatResult::collect(stream).await.unwrap();
    assert_eq!(
        (result.text.as_str(), result.finish_reason.as_deref(), result.usage.completion_tokens),
        ("there was", Some("length"), 2)
    );
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.line, "POST /api/generate HTTP/1.1");
    assert_eq!(
        serde_json::from_slice::<Value>(&seen.body).unwrap(),
        json!({"model": "m", "prompt": "Once", "stream": false})
    );
}
