//! `generateContent` in the forms of its documents, and Claude behind Vertex AI.

use ox_models::{EmbeddingInput, EmbeddingRequest, ErrorClass, Media, MediaSource, ModelRef, ModelRuntime};
use serde_json::{Value, json};

use super::{KEY, Protocol, anthropic, in_form, others, sse};
use crate::{
    scripted::scope,
    server::{Server, whole},
};

fn piece(parts: &Value, end: Option<&str>, usage: bool) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(end) = end {
        candidate["finishReason"] = end.into();
    }
    let mut piece = json!({"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r"});
    if usage {
        piece["usageMetadata"] = json!({"promptTokenCount": 21, "candidatesTokenCount": 3, "thoughtsTokenCount": 2,
            "cachedContentTokenCount": 1, "totalTokenCount": 26});
    }
    piece
}

fn body() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 64, "stopSequences": ["END"]}})
}

fn refusal(code: u16, status: &str) -> Value {
    json!({"error": {"code": code, "message": format!("no: {KEY}"), "status": status}})
}

pub fn protocol() -> Protocol {
    let hm = json!([{"text": "hm", "thought": true}]);
    let ok = piece(&json!([{"text": "ok"}]), Some("STOP"), true);
    let mut bare = ok.clone();
    bare.as_object_mut().unwrap().shift_remove("usageMetadata");
    let crlf = String::from_utf8(sse(std::slice::from_ref(&ok))).unwrap().replace('\n', "\r\n").into_bytes();
    let mut commented = b": ping\n\nevent: x\n".to_vec();
    commented.extend(sse(std::slice::from_ref(&ok)));
    let call =
        |name: &str, args: &Value| json!({"functionCall": {"name": name, "args": args}, "thoughtSignature": "sig"});
    let key = json!({"error": {"code": 400, "message": format!("API key not valid: {KEY}"), "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}});
    Protocol {
        provider: "gemini",
        model: "gemini-2.5-flash",
        credentials: |base| json!({"google_api_key": KEY, "google_base_url": base}),
        content_type: "text/event-stream",
        lines: [
            "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            "POST /v1beta/models/gemini-2.5-flash:generateContent",
        ],
        headers: &[("x-goog-api-key", KEY), ("content-type", "application/json")],
        bodies: [body(), body()],
        conversation: json!({
            "contents": [
                {"role": "user", "parts": [{"text": "what?"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"q": "x"}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "look", "response": {"result": "forty-two"}}}, {"text": "again"}]}],
            "tools": [{"functionDeclarations": [{"name": "look", "description": "does look", "parametersJsonSchema":
                {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
            "generationConfig": {"maxOutputTokens": 64}}),
        stream: sse(&[
            piece(&hm, None, false),
            piece(&json!([{"text": "Bon"}]), None, true),
            piece(&json!([{"text": "jour \u{4f60}\u{597d}"}]), Some("STOP"), true),
        ]),
        whole: piece(
            &json!([{"text": "hm", "thought": true}, {"text": "Bonjour \u{4f60}\u{597d}"}]),
            Some("STOP"),
            true,
        ),
        calls: sse(&[
            piece(&json!([call("look", &json!({"q": "a b"}))]), None, false),
            piece(&json!([{"functionCall": {"name": "now"}}]), Some("STOP"), true),
        ]),
        odd: vec![
            ("no usage", sse(&[bare.clone()])),
            ("a usage of zeros", {
                bare["usageMetadata"] = json!({"promptTokenCount": 0, "candidatesTokenCount": 0});
                sse(&[bare])
            }),
            ("CRLF", crlf),
            ("comments and names", commented),
            (
                "an end of its own",
                sse(&[piece(&json!([{"text": "ok"}]), None, false), json!({"candidates": [{"finishReason": "STOP"}]})]),
            ),
            (
                "usage first and unknown fields",
                sse(&[json!({"usageMetadata": {"promptTokenCount": 1}, "novel": []}), ok.clone()]),
            ),
        ],
        failure: sse(&[
            piece(&json!([{"text": "Bon"}]), None, false),
            json!({"error": {"code": 503, "message": "The model is Overloaded", "status": "UNAVAILABLE"}}),
        ]),
        cut: sse(&[piece(&json!([{"text": "Bon"}]), None, true)]),
        refusals: vec![
            ("400 Bad Request", refusal(400, "INVALID_ARGUMENT"), ErrorClass::BadRequest),
            ("400 Bad Request", key, ErrorClass::Auth),
            ("403 Forbidden", refusal(403, "PERMISSION_DENIED"), ErrorClass::Auth),
            ("404 Not Found", refusal(404, "NOT_FOUND"), ErrorClass::NotFound),
            ("429 Too Many", json!([refusal(429, "RESOURCE_EXHAUSTED")]), ErrorClass::RateLimit { retry_after: None }),
            ("503 Unavailable", refusal(503, "UNAVAILABLE"), ErrorClass::Overloaded),
        ],
        thinks: true,
    }
}

/// The same answers as Anthropic's, at another door.
pub fn vertex_claude() -> Protocol {
    let body = |stream: bool| {
        json!({"max_tokens": 64, "system": [{"type": "text", "text": "be brief"}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            "temperature": 0.5, "stop_sequences": ["END"], "anthropic_version": "vertex-2023-10-16", "stream": stream})
    };
    let mut conversation = anthropic::conversation();
    let fields = conversation.as_object_mut().unwrap();
    fields.shift_remove("model");
    fields.shift_remove("metadata");
    fields.insert("anthropic_version".into(), "vertex-2023-10-16".into());
    Protocol {
        provider: "vertex_ai",
        model: "claude-sonnet-4-5@20250929",
        credentials: |base| {
            json!({"vertex_project_id": "p-1", "vertex_location": "us-central1", "vertex_anthropic_location": "europe-west1",
                "vertex_service_account_key": others::service_account(base), "vertex_api_endpoint": base})
        },
        lines: [
            "POST /v1/projects/p-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
            "POST /v1/projects/p-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
        ],
        headers: &[("authorization", "Bearer token-of-the-test"), ("content-type", "application/json")],
        bodies: [body(true), body(false)],
        conversation,
        refusals: vec![(
            "401 Unauthorized",
            json!({"error": {"code": 401, "message": "no: token-of-the-test", "status": "UNAUTHENTICATED"}}),
            ErrorClass::Auth,
        )],
        ..anthropic::protocol()
    }
}

#[tokio::test]
async fn forms_levels_and_signatures() {
    use ox_models::{ChatRequest, ChatResult, Message, ToolCall};
    let protocol = protocol();
    let answer = piece(&json!([{"text": "{\"n\": 1}", "thoughtSignature": "sig"}]), Some("STOP"), true);
    let (result, body) = in_form(&protocol, "gemini-2.5-flash", answer.clone()).await;
    let result = result.unwrap();
    assert_eq!(result.text, "{\"n\": 1}");
    assert_eq!(result.opaque, Some(json!({"gemini": {"calls": [], "text": "sig"}})));
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]});
    let config = json!({"maxOutputTokens": 64, "responseMimeType": "application/json", "responseJsonSchema": schema});
    assert_eq!(body["generationConfig"], config);

    let server =
        Server::start(move |_| whole("200 OK", "content-type: application/json\r\n", &answer.to_string())).await;
    let runtime = super::runtime(&protocol, &server);
    let mut called = Message::assistant("");
    let call = |id: &str| ToolCall { id: id.into(), name: "look".into(), arguments: "{}".into() };
    called.tool_calls = vec![call("a"), call("b")];
    for (model, opaque, parameters, signatures, thinking) in [
        (
            "gemini-3.5-flash",
            Value::Null,
            json!({"thinking_level": "low"}),
            [json!("skip_thought_signature_validator"), json!(null)],
            json!({"thinkingLevel": "low"}),
        ),
        (
            "gemini-3.5-flash",
            json!({"gemini": {"calls": ["s1", null]}}),
            json!({"reasoning_effort": "high"}),
            [json!("s1"), json!(null)],
            json!({"thinkingLevel": "high"}),
        ),
        (
            "gemini-2.5-flash",
            Value::Null,
            json!({"thinking_budget": 0, "include_thoughts": true}),
            [json!(null), json!(null)],
            json!({"thinkingBudget": 0, "includeThoughts": true}),
        ),
    ] {
        called.opaque = Some(opaque).filter(|opaque| !opaque.is_null());
        let request = ChatRequest {
            messages: vec![
                Message::user("x"),
                called.clone(),
                Message::tool("a", "{\"k\":1}"),
                Message::tool("b", "2"),
            ],
            parameters: parameters.as_object().unwrap().clone(),
            ..ChatRequest::default()
        };
        let stream = runtime.chat(&scope(), &ModelRef::chat("google", model), request).await.unwrap();
        ChatResult::collect(stream).await.unwrap();
        let seen: Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
        let parts = &seen["contents"][1]["parts"];
        assert_eq!([parts[0]["thoughtSignature"].clone(), parts[1]["thoughtSignature"].clone()], signatures, "{model}");
        assert_eq!(seen["contents"][2]["parts"][0]["functionResponse"]["response"], json!({"k": 1}));
        assert_eq!(seen["contents"][2]["parts"][1]["functionResponse"]["response"], json!({"result": "2"}));
        assert_eq!(seen["generationConfig"]["thinkingConfig"], thinking, "{model}");
    }
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 2}});
    let (result, _) = in_form(&protocol, "gemini-2.5-flash", blocked).await;
    let error = result.unwrap_err();
    assert!(error.class == ErrorClass::BadRequest && error.text.contains("SAFETY"), "{error}");
}

#[tokio::test]
async fn vectors_at_both_doors() {
    let token = others::token_answer();
    let server = Server::start(move |seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let answer = match seen.line.split(' ').nth(1).unwrap() {
            "/token" => return token.clone(),
            "/v1beta/models/gemini-embedding-001:batchEmbedContents" => {
                assert_eq!(body["requests"][0], json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"}));
                json!({"embeddings": [{"values": [1, 0.5]}, {"values": [2, 3]}]})
            }
            "/v1/projects/p-1/locations/us-central1/publishers/google/models/gemini-embedding-001:predict" => {
                assert_eq!(body["instances"].as_array().unwrap().len(), 1);
                assert_eq!(body["instances"][0]["task_type"], "RETRIEVAL_QUERY");
                json!({"predictions": [{"embeddings": {"values": [1, 0.5], "statistics": {"token_count": 4, "truncated": false}}}]})
            }
            "/v1/projects/p-1/locations/us-central1/publishers/google/models/multimodalembedding@001:predict" => {
                match &body["instances"] {
                    text if *text == json!([{"text": "a"}]) => json!({"predictions": [{"textEmbedding": [1, 0.5]}]}),
                    picture if *picture == json!([{"image": {"bytesBase64Encoded": "QUJD"}}]) => {
                        json!({"predictions": [{"imageEmbedding": [2, 3]}], "deployedModelId": "1"})
                    }
                    other => json!({"error": {"code": 400, "message": other}}),
                }
            }
            other => json!({"error": {"code": 404, "message": other}}),
        };
        whole("200 OK", "content-type: application/json\r\n", &answer.to_string())
    })
    .await;
    let texts = vec!["a".to_owned(), "b".to_owned()];
    for (protocol, name, tokens) in [(protocol(), "gemini", 2), (vertex_claude(), "vertex_ai", 8)] {
        let runtime = super::runtime(&protocol, &server);
        let model = ModelRef::chat(name, "gemini-embedding-001");
        let request =
            EmbeddingRequest { texts: texts.clone(), input: EmbeddingInput::Query, ..EmbeddingRequest::default() };
        let result = runtime.embed(&scope(), &model, request).await.unwrap();
        assert_eq!((result.embeddings.len(), result.embeddings[0].as_slice()), (2, &[1.0, 0.5][..]), "{name}");
        assert_eq!(result.usage.prompt_tokens, tokens, "{name}");
    }
    // The model that sees takes one text or picture at a time.
    let picture =
        Media { source: MediaSource::Base64("QUJD".into()), mime: "image/png".into(), filename: None, detail: None };
    let asked = ModelRef::chat("vertex_ai", "multimodalembedding@001");
    let both = EmbeddingRequest { texts: vec!["a".to_owned()], pictures: vec![picture], ..EmbeddingRequest::default() };
    let result = super::runtime(&vertex_claude(), &server).embed(&scope(), &asked, both).await.unwrap();
    assert_eq!(result.embeddings, [[1.0, 0.5], [2.0, 3.0]]);
    // One token for the key, however many calls.
    assert_eq!(server.seen().iter().filter(|seen| seen.line.contains("/token")).count(), 1);
}
