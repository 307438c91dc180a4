//! The scripted provider through the static runtime.

use base64::Engine as _;
use futures::StreamExt;
use ox_models::{
    ChatRequest, ChatResult, EmbeddingRequest, ErrorClass, Media, MediaSource, Message, ModelMode, ModelRef,
    ModelRuntime, ModelScope, RerankRequest, ResponseFormat, StaticRuntime, ToolSpec,
};
use ox_net::{Egress, Policy};
use ox_types::TenantId;
use serde_json::{Value, json};

pub fn scope() -> ModelScope {
    ModelScope { user: Some("u".into()), ..ModelScope::of(TenantId::new()) }
}

fn runtime() -> StaticRuntime {
    StaticRuntime::new(Egress::new(Policy::open_models()))
}

fn scripted(name: &str) -> ModelRef {
    ModelRef { provider: "oxidify/scripted".into(), name: name.into(), mode: ModelMode::Chat }
}

fn request(parameters: &Value, messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        messages,
        parameters: parameters.as_object().unwrap().clone(),
        stream: true,
        ..ChatRequest::default()
    }
}

/// The pieces of text, and the whole answer.
async fn ask(model: &str, request: ChatRequest) -> Result<(Vec<String>, ChatResult), ox_models::ModelError> {
    let mut stream = runtime().chat(&scope(), &scripted(model), request).await?;
    let (mut pieces, mut result) = (Vec::new(), ChatResult::default());
    while let Some(delta) = stream.next().await {
        let delta = delta?;
        if !delta.text.is_empty() {
            pieces.push(delta.text.clone());
        }
        result.push(delta);
    }
    Ok((pieces, result))
}

#[tokio::test]
async fn text_comes_word_by_word() {
    let user = |text: &str| vec![Message::system("ignored"), Message::user(text)];
    for (model, parameters, messages, pieces) in [
        ("echo", json!({}), user("hello there you"), vec!["hello", " there", " you"]),
        ("canned", json!({"text": "mocked llm response"}), user("x"), vec!["mocked", " llm", " response"]),
        ("canned", json!({"text": "a  b"}), user("x"), vec!["a", " ", " b"]),
        ("canned", json!({"text": ""}), user("x"), vec![]),
        ("canned", json!({"text": "a b c d e", "chunks": 2}), user("x"), vec!["a b c", " d e"]),
        ("canned", json!({"text": "a b", "chunks": 9}), user("x"), vec!["a", " b"]),
        ("template", json!({"template": "{{ messages|length }} {{ query|upper }}"}), user("hi"), vec!["2", " HI"]),
    ] {
        let (found, result) = ask(model, request(&parameters, messages)).await.unwrap();
        assert_eq!(found, pieces, "{model} {parameters}");
        assert_eq!(result.finish_reason.as_deref(), Some("stop"));
    }
}

#[tokio::test]
async fn usage_is_words() {
    let messages = vec![Message::system("one two"), Message::user("three")];
    let (_, result) = ask("canned", request(&json!({"text": "a b c d"}), messages)).await.unwrap();
    let usage = &result.usage;
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (3, 4, 7));
    assert_eq!(usage.total_price.to_string(), "0.0000000");
    assert!(usage.time_to_first_token.is_some());
}

#[tokio::test]
async fn tools_are_called_once_and_their_result_is_the_answer() {
    let tool = |name: &str| ToolSpec {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}}}),
    };
    let ask_tools = |parameters: Value, messages| {
        ask("tools", ChatRequest { tools: vec![tool("a"), tool("b")], ..request(&parameters, messages) })
    };
    let user = vec![Message::user("weather?")];
    let (_, result) = ask_tools(json!({"tool": "b"}), user.clone()).await.unwrap();
    assert_eq!(result.finish_reason.as_deref(), Some("tool_calls"));
    assert_eq!(result.tool_calls.len(), 1);
    assert_eq!(
        (result.tool_calls[0].name.as_str(), result.tool_calls[0].arguments.as_str()),
        ("b", r#"{"city":"city","days":3}"#)
    );
    let (_, result) = ask_tools(json!({"arguments": r#"{"city":"Bonn"}"#}), user.clone()).await.unwrap();
    assert_eq!(
        (result.tool_calls[0].name.as_str(), result.tool_calls[0].arguments.as_str()),
        ("a", r#"{"city":"Bonn"}"#)
    );
    let answered = [user, vec![Message::tool("call_b", "12 degrees")]].concat();
    let (pieces, _) = ask_tools(json!({"tool": "b"}), answered).await.unwrap();
    assert_eq!(pieces, ["12", " degrees"]);
}

#[tokio::test]
async fn json_is_an_instance_of_the_schema() {
    let schema = json!({
        "type": "object",
        "required": ["name", "kind", "tags", "inner", "age", "either"],
        "properties": {
            "name": {"type": "string", "minLength": 6, "maxLength": 8},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": "number", "minimum": 2.5}, "minItems": 2},
            "inner": {"$ref": "#/$defs/inner"},
            "age": {"type": ["integer", "null"], "exclusiveMinimum": 17},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "$defs": {"inner": {"type": "object", "properties": {"when": {"type": "string", "format": "date"}}}},
    });
    for wrapped in [
        json!({"json_schema": schema.to_string()}),
        json!({"json_schema": json!({"name": "n", "schema": schema}).to_string()}),
    ] {
        let (_, result) = ask("json", request(&wrapped, vec![Message::user("x")])).await.unwrap();
        let found: Value = serde_json::from_str(&result.text).unwrap();
        assert!(jsonschema::is_valid(&schema, &found), "{found}");
    }
    let format = ResponseFormat::JsonSchema { name: "n".into(), schema: schema.clone(), strict: None };
    let asked = ChatRequest { response_format: Some(format), ..request(&json!({}), vec![Message::user("x")]) };
    let (_, result) = ask("json", asked).await.unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::from_str(&result.text).unwrap()));
}

#[tokio::test]
async fn fail_fails_as_it_is_told() {
    for (parameters, class, kind) in [
        (json!({}), ErrorClass::Overloaded, "InvokeServerUnavailableError"),
        (json!({"status": 401}), ErrorClass::Auth, "InvokeAuthorizationError"),
        (json!({"status": 400}), ErrorClass::BadRequest, "InvokeBadRequestError"),
        (json!({"status": 0}), ErrorClass::Connection, "InvokeConnectionError"),
        (
            json!({"status": 429, "retry_after": 2}),
            ErrorClass::RateLimit { retry_after: Some(std::time::Duration::from_secs(2)) },
            "InvokeRateLimitError",
        ),
    ] {
        let error = ask("fail", request(&parameters, vec![Message::user("x")])).await.unwrap_err();
        assert_eq!((&error.class, error.error_type()), (&class, kind), "{parameters}");
    }
    let asked = request(&json!({"after_chunks": 2, "text": "a b c"}), vec![Message::user("x")]);
    let mut stream = runtime().chat(&scope(), &scripted("fail"), asked).await.unwrap();
    let mut found = Vec::new();
    while let Some(delta) = stream.next().await {
        found.push(delta.map(|delta| delta.text).map_err(|error| error.class));
    }
    assert_eq!(found, [Ok("a".into()), Ok(" b".into()), Err(ErrorClass::Overloaded)]);
}

#[tokio::test]
async fn the_pace_is_kept() {
    let asked = request(&json!({"text": "a b c d e", "ttft_ms": 60, "tokens_per_s": 50}), vec![Message::user("x")]);
    let started = tokio::time::Instant::now();
    let mut stream = runtime().chat(&scope(), &scripted("canned"), asked).await.unwrap();
    let mut times = Vec::new();
    while let Some(delta) = stream.next().await {
        if !delta.unwrap().text.is_empty() {
            times.push(started.elapsed().as_millis());
        }
    }
    // A loaded machine may be late, never early.
    for (found, due) in times.iter().zip([60_u128, 80, 100, 120, 140]) {
        assert!(*found >= due, "{times:?}");
    }
}

#[tokio::test]
async fn vectors_and_ranks() {
    let embed = async |text: &str| {
        let asked = EmbeddingRequest { texts: vec![text.into()], ..EmbeddingRequest::default() };
        runtime().embed(&scope(), &scripted("embed-384"), asked).await.unwrap().embeddings.remove(0)
    };
    let (a, b, c) = (embed("the red fox").await, embed("The fox, red!").await, embed("blue sky").await);
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f32>();
    assert_eq!(a.len(), 384);
    assert!((dot(&a, &a) - 1.0).abs() < 1e-5 && (dot(&a, &b) - 1.0).abs() < 1e-5);
    assert!(dot(&a, &c) < 0.5);
    let asked = RerankRequest {
        query: "red fox".into(),
        documents: vec!["blue sky".into(), "a red fox".into(), "a fox".into()],
        top_n: Some(2),
        ..RerankRequest::default()
    };
    let ranked = runtime().rerank(&scope(), &scripted("rerank"), asked).await.unwrap();
    assert_eq!(ranked.iter().map(|one| one.index).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn pictures_are_seen_by_the_words_in_them() {
    let picture = |bytes: &[u8]| Media {
        source: MediaSource::Base64(base64::engine::general_purpose::STANDARD.encode(bytes)),
        mime: "image/png".into(),
        filename: None,
        detail: None,
    };
    let asked = EmbeddingRequest {
        texts: vec!["a lighthouse".into()],
        pictures: vec![
            picture(b"\x89PNG IHDRx tEXtComment\0the lighthouse. IDATx\x01"),
            picture(b"\x89PNG\x01"),
            picture(b"\x89PNG\x02"),
        ],
        ..EmbeddingRequest::default()
    };
    let found = runtime().embed(&scope(), &scripted("embed-vision-384"), asked.clone()).await.unwrap();
    let dot =
        |x: usize, y: usize| found.embeddings[x].iter().zip(&found.embeddings[y]).map(|(a, b)| a * b).sum::<f32>();
    assert_eq!((found.embeddings.len(), found.usage.prompt_tokens), (4, 5));
    assert!(dot(0, 1) > 0.6, "the text finds the picture");
    assert!(dot(0, 2) < 0.5 && dot(2, 3) < 0.5, "pictures without words differ");
    let error = runtime().embed(&scope(), &scripted("embed-384"), asked).await.unwrap_err();
    assert_eq!(
        (error.class, error.text.as_str()),
        (ErrorClass::Unsupported, "the embedding model embed-384 takes no pictures")
    );
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let error = ask("nonsense", request(&json!({}), vec![])).await.unwrap_err();
    assert_eq!((error.class, error.text.as_str()), (ErrorClass::NotFound, "there is no scripted model named nonsense"));
    let model = ModelRef::chat("nobody", "claude");
    let error = runtime().chat(&scope(), &model, ChatRequest::default()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "[nobody] Model Not Found: this build has no such provider");
    let model = ModelRef::chat("openai", "gpt-4o");
    let error = runtime().chat(&scope(), &model, ChatRequest::default()).await.map(|_| ()).unwrap_err();
    assert_eq!((error.class, error.text.contains("OPENAI_API_KEY")), (ErrorClass::Auth, true));
}

#[tokio::test]
async fn what_is_spoken_is_heard() {
    use ox_models::{SpeechRequest, TranscriptionRequest};
    let ask = SpeechRequest { text: "one two, three".into(), voice: "calm".into(), ..SpeechRequest::default() };
    let mut sound = runtime().speak(&scope(), &scripted("speak"), ask).await.unwrap();
    let mut audio = Vec::new();
    while let Some(piece) = sound.next().await {
        audio.extend_from_slice(&piece.unwrap());
    }
    assert!(audio.starts_with(b"ID3") && audio.windows(2).filter(|two| two == &[0xff, 0xfb]).count() == 3);
    let heard = TranscriptionRequest { audio: audio.into(), mime: "audio/mp3".into(), ..Default::default() };
    assert_eq!(runtime().transcribe(&scope(), &scripted("listen"), heard).await.unwrap(), "one two, three");
    let other = TranscriptionRequest { audio: vec![0; 7].into(), mime: "audio/wav".into(), ..Default::default() };
    assert_eq!(runtime().transcribe(&scope(), &scripted("listen"), other).await.unwrap(), "7 bytes of audio/wav");
}
