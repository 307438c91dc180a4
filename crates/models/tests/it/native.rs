//! One suite for every protocol of its own: a strict server that takes one request only, word for word, and answers in
//! the vendor's documented form; streams cut at every byte, calls in pieces, failures in the middle, odd but legal forms.

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod ollama;
mod others;
mod responses;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use ox_models::{
    CallLimits, ChatRequest, ChatResult, ContentPart, ErrorClass, Media, MediaSource, Message, ModelError, ModelRef,
    ModelRuntime, ResponseFormat, Role, StaticRuntime, ToolCall, ToolChoice, ToolSpec,
};
use ox_net::{Egress, Policy};
use serde_json::{Value, json};

use crate::{
    scripted::scope,
    server::{Seen, Server, Step, whole},
};

/// Every byte is a cut in the tests of the frames; here every so-manyth, and all at once.
const STRIDE: usize = 11;
const JSON: &str = "content-type: application/json\r\n";
pub const KEY: &str = "key-of-the-test-1234";

/// Everything the suite must know of a protocol.
pub struct Protocol {
    pub provider: &'static str,
    pub model: &'static str,
    /// Credentials for a server at this address.
    pub credentials: fn(&str) -> Value,
    /// Content type of its streams.
    pub content_type: &'static str,
    /// Method and path of a question, asked for a stream and for the whole.
    pub lines: [&'static str; 2],
    /// Headers that must be there; a value that ends with `…` is a beginning.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body of [`question`], asked for a stream and for the whole.
    pub bodies: [Value; 2],
    /// The body of [`conversation`].
    pub conversation: Value,
    /// `Bon`, `jour 你好` after the thought `hm`, with 21 and 5 tokens.
    pub stream: Vec<u8>,
    /// The same in one piece.
    pub whole: Value,
    /// Two calls, `look({"q":"a b"})` and `now({})`, in pieces where the protocol has pieces.
    pub calls: Vec<u8>,
    /// Streams that say `ok`: odd but legal.
    pub odd: Vec<(&'static str, Vec<u8>)>,
    /// A stream that breaks off with the vendor's word of being overloaded.
    pub failure: Vec<u8>,
    /// A stream without its end.
    pub cut: Vec<u8>,
    /// Answers that are no success: status, body, class.
    pub refusals: Vec<(&'static str, Value, ErrorClass)>,
    /// Whether thoughts are told apart from the text.
    pub thinks: bool,
}

fn protocols() -> Vec<Protocol> {
    vec![
        anthropic::protocol(),
        bedrock::protocol(),
        cohere::protocol(),
        gemini::protocol(),
        gemini::vertex_claude(),
        ollama::protocol(),
        responses::protocol(),
    ]
}

/// One question with the usual parameters.
fn question(stream: bool) -> ChatRequest {
    ChatRequest {
        messages: vec![Message::system("be brief"), Message::user("hello")],
        parameters: json!({"temperature": 0.5, "max_tokens": 64}).as_object().unwrap().clone(),
        stop: vec!["END".into(), String::new()],
        stream,
        ..ChatRequest::default()
    }
}

pub fn tool(name: &str) -> ToolSpec {
    let parameters = json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]});
    ToolSpec { name: name.into(), description: format!("does {name}"), parameters }
}

/// An image, a call, its result, and a tool that must be called now.
fn conversation() -> ChatRequest {
    let image = ContentPart::Image(Media {
        source: MediaSource::Base64("QUJD".into()),
        mime: "image/png".into(),
        filename: None,
        detail: None,
    });
    let mut called = Message::assistant("");
    called.tool_calls = vec![ToolCall { id: "c 1".into(), name: "look".into(), arguments: "{\"q\":\"x\"}".into() }];
    ChatRequest {
        messages: vec![
            Message::new(Role::User, vec![ContentPart::text("what?"), image]),
            called,
            Message::tool("c 1", "forty-two"),
            Message::user("again"),
        ],
        tools: vec![tool("look")],
        tool_choice: ToolChoice::Named("look".into()),
        parameters: json!({"max_tokens": 64}).as_object().unwrap().clone(),
        ..ChatRequest::default()
    }
}

pub fn runtime(protocol: &Protocol, server: &Server) -> StaticRuntime {
    let credentials = (protocol.credentials)(&server.url("")).as_object().unwrap().clone();
    StaticRuntime::new(Egress::new(Policy::open_models())).with_credentials(protocol.provider, credentials)
}

async fn ask(protocol: &Protocol, runtime: &StaticRuntime, request: ChatRequest) -> Result<ChatResult, ModelError> {
    let stream = runtime.chat(&scope(), &ModelRef::chat(protocol.provider, protocol.model), request).await?;
    ChatResult::collect(stream).await
}

/// What is wrong with a request.
fn complaint(protocol: &Protocol, seen: &Seen, line: &str, body: &Value) -> Option<String> {
    if seen.line != format!("{line} HTTP/1.1") {
        return Some(format!("{} instead of {line}", seen.line));
    }
    for (name, wanted) in protocol.headers {
        let found = seen.header(name).unwrap_or_default();
        let fits = wanted.strip_suffix('…').map_or(found == *wanted, |start| found.starts_with(start));
        if !fits {
            return Some(format!("{name}: {found} instead of {wanted}"));
        }
    }
    let found: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    (found != *body).then(|| format!("{found}\ninstead of\n{body}"))
}

/// An answer of bytes, cut into pieces where told.
fn streamed(content_type: &str, pieces: &[&[u8]]) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: {content_type}\r\n\r\n");
    let mut steps = vec![Step::Bytes(head.into_bytes())];
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
        framed.extend_from_slice(piece);
        framed.extend_from_slice(b"\r\n");
        steps.push(Step::Bytes(framed));
    }
    steps.push(Step::Bytes(b"0\r\n\r\n".to_vec()));
    steps
}

async fn always(protocol: &Protocol, steps: Vec<Step>) -> Result<ChatResult, ModelError> {
    let token = others::token_answer();
    let server =
        Server::start(move |seen| if seen.line.contains("/token") { token.clone() } else { steps.clone() }).await;
    ask(protocol, &runtime(protocol, &server), question(true)).await
}

fn check_answer(protocol: &Protocol, result: &ChatResult, what: &str) {
    let name = format!("{} {what}", protocol.provider);
    assert_eq!(result.text, "Bonjour \u{4f60}\u{597d}", "{name}");
    assert_eq!(result.reasoning, if protocol.thinks { "hm" } else { "" }, "{name}");
    assert_eq!(result.finish_reason.as_deref(), Some("stop"), "{name}");
    assert_eq!((result.usage.prompt_tokens, result.usage.completion_tokens), (21, 5), "{name}");
}

#[tokio::test]
async fn a_question_word_for_word_and_its_answer() {
    for protocol in protocols() {
        let name = protocol.provider;
        let protocol = Arc::new(protocol);
        let (shared, token) = (Arc::clone(&protocol), others::token_answer());
        let server = Server::start(move |seen| {
            if seen.line.contains("/token") {
                return token.clone();
            }
            let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
            let asked =
                body["stream"] == true || (body.get("stream").is_none() && seen.line.to_lowercase().contains("stream"));
            let is_whole = usize::from(!asked);
            match complaint(&shared, seen, shared.lines[is_whole], &shared.bodies[is_whole]) {
                Some(complaint) => {
                    whole("400 Bad Request", JSON, &json!({"error": {"message": complaint}}).to_string())
                }
                None if is_whole == 1 => whole("200 OK", JSON, &shared.whole.to_string()),
                None => streamed(shared.content_type, &[&shared.stream]),
            }
        })
        .await;
        let runtime = runtime(&protocol, &server);
        for stream in [true, false] {
            let result = ask(&protocol, &runtime, question(stream)).await;
            let result = result.unwrap_or_else(|error| panic!("{name} {stream}: {}", error.text));
            check_answer(&protocol, &result, if stream { "stream" } else { "whole" });
            assert_eq!(result.usage.time_to_first_token.is_some(), stream, "{name}");
        }
    }
}

#[tokio::test]
async fn a_conversation_with_images_and_tools() {
    for protocol in protocols() {
        let name = protocol.provider;
        let body = protocol.conversation.clone();
        let (answer, token) = (protocol.whole.clone(), others::token_answer());
        let server = Server::start(move |seen| {
            if seen.line.contains("/token") {
                return token.clone();
            }
            let found: Value = serde_json::from_slice(&seen.body).unwrap();
            if found == body {
                return whole("200 OK", JSON, &answer.to_string());
            }
            let text = format!("{found}\ninstead of\n{body}");
            whole("400 Bad Request", JSON, &json!({"error": {"message": text}}).to_string())
        })
        .await;
        let result = ask(&protocol, &runtime(&protocol, &server), conversation()).await;
        let result = result.unwrap_or_else(|error| panic!("{name}: {}", error.text));
        check_answer(&protocol, &result, "conversation");
    }
}

#[tokio::test]
async fn streams_cut_anywhere() {
    for protocol in protocols() {
        let (next, bytes) = (AtomicUsize::new(0), protocol.stream.clone());
        let (kind, token) = (protocol.content_type, others::token_answer());
        let server = Server::start(move |seen| {
            if seen.line.contains("/token") {
                return token.clone();
            }
            let cut = STRIDE * next.fetch_add(1, Ordering::SeqCst);
            if cut == 0 {
                let single: Vec<&[u8]> = bytes.chunks(1).collect();
                return streamed(kind, &single);
            }
            streamed(kind, &[&bytes[..cut], &bytes[cut..]])
        })
        .await;
        let runtime = runtime(&protocol, &server);
        for _ in 0..=protocol.stream.len() / STRIDE {
            let result = ask(&protocol, &runtime, question(true)).await;
            let result = result.unwrap_or_else(|error| panic!("{} cut: {error}", protocol.provider));
            check_answer(&protocol, &result, "cut");
        }
    }
}

#[tokio::test]
async fn calls_of_tools_in_pieces() {
    for protocol in protocols() {
        let name = protocol.provider;
        let result = always(&protocol, streamed(protocol.content_type, &[&protocol.calls])).await.unwrap();
        let calls: Vec<_> = result.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
        assert_eq!(calls.len(), 2, "{name}: {calls:?}");
        for ((found, arguments), (wanted, expected)) in
            calls.iter().zip([("look", json!({"q": "a b"})), ("now", json!({}))])
        {
            assert_eq!(*found, wanted, "{name}");
            let arguments: Value = serde_json::from_str(arguments).unwrap_or_else(|_| panic!("{name}: {arguments}"));
            assert_eq!(arguments, expected, "{name}");
        }
        let mut ids: Vec<_> = result.tool_calls.iter().map(|call| call.id.as_str()).collect();
        ids.dedup();
        assert!(ids.len() == 2 && ids.iter().all(|id| !id.is_empty()), "{name}: {ids:?}");
        assert_eq!(result.finish_reason.as_deref(), Some("tool_calls"), "{name}");
    }
}

#[tokio::test]
async fn odd_but_legal_streams() {
    for protocol in protocols() {
        for (what, bytes) in &protocol.odd {
            let result = always(&protocol, streamed(protocol.content_type, &[bytes])).await;
            let result = result.unwrap_or_else(|error| panic!("{} {what}: {error}", protocol.provider));
            assert_eq!(result.text, "ok", "{} {what}", protocol.provider);
            assert!(
                result.usage.prompt_tokens > 0 && result.usage.completion_tokens > 0,
                "{} {what}",
                protocol.provider
            );
        }
    }
}

#[tokio::test]
async fn failures_have_a_class_and_the_vendors_words() {
    let page = "<html><head><title>Bad Gateway</title></head></html>";
    for protocol in protocols() {
        let name = protocol.provider;
        let kind = protocol.content_type;
        let error = always(&protocol, streamed(kind, &[&protocol.failure])).await.expect_err(name);
        assert_eq!(error.class, ErrorClass::Overloaded, "{name}: {error}");
        assert!(error.text.contains("Overloaded"), "{name}: {error}");
        let error = always(&protocol, streamed(kind, &[&protocol.cut])).await.expect_err(name);
        assert_eq!(error.class, ErrorClass::Connection, "{name}: {error}");
        for (what, steps, class) in [
            ("page", whole("200 OK", "content-type: text/html\r\n", page), ErrorClass::Garbage),
            ("page of a proxy", whole("502 Bad Gateway", "content-type: text/html\r\n", page), ErrorClass::Overloaded),
            ("nothing", streamed(kind, &[]), ErrorClass::Garbage),
            ("an empty object", whole("200 OK", JSON, "{}"), ErrorClass::Garbage),
            ("garbage", streamed(kind, &[b"data: {\"a\n\n"]), ErrorClass::Garbage),
        ] {
            let error = always(&protocol, steps).await.expect_err(name);
            assert_eq!(error.class, class, "{name} {what}: {error}");
        }
        for (status, body, class) in &protocol.refusals {
            let error = always(&protocol, whole(status, JSON, &body.to_string())).await.expect_err(name);
            assert_eq!(error.class, *class, "{name} {status}: {error}");
            assert!(!error.text.contains(KEY) && error.text.contains("***"), "{name} {status}: {error}");
            assert_eq!(error.status, status.split(' ').next().unwrap().parse().ok(), "{name}");
        }
    }
}

#[tokio::test]
async fn streams_that_never_end_are_left() {
    let short = Duration::from_millis(150);
    for protocol in protocols() {
        let name = protocol.provider;
        let mut steps = streamed(protocol.content_type, &[&protocol.cut]);
        steps.pop();
        steps.push(Step::Hang);
        let token = others::token_answer();
        let server =
            Server::start(move |seen| if seen.line.contains("/token") { token.clone() } else { steps.clone() }).await;
        let limits = CallLimits { idle: short, ..CallLimits::default() };
        let runtime = runtime(&protocol, &server).with_limits(limits);
        let error = ask(&protocol, &runtime, question(true)).await.expect_err(name);
        assert_eq!(error.class, ErrorClass::Timeout, "{name}: {error}");
        let limits = CallLimits::default();
        let runtime = runtime.with_limits(limits);
        let mut stream =
            runtime.chat(&scope(), &ModelRef::chat(protocol.provider, protocol.model), question(true)).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok(), "{name}");
        let before = server.closed_early();
        drop(stream);
        for _ in 0..200 {
            if server.closed_early() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(server.closed_early() > before, "{name}: a dropped stream ends its call");
    }
}

/// Whether or not the vendor heeds them.
#[tokio::test]
async fn stop_words_end_an_answer() {
    for protocol in protocols() {
        let name = protocol.provider;
        let (bytes, answer, token) = (protocol.stream.clone(), protocol.whole.to_string(), others::token_answer());
        let kind = protocol.content_type;
        let server = Server::start(move |seen| {
            if seen.line.contains("/token") {
                return token.clone();
            }
            let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
            let asked =
                body["stream"] == true || (body.get("stream").is_none() && seen.line.to_lowercase().contains("stream"));
            if !asked {
                return whole("200 OK", JSON, &answer);
            }
            // It would go on for ever.
            let mut steps = streamed(kind, &[&bytes]);
            steps.pop();
            steps.push(Step::Hang);
            steps
        })
        .await;
        let runtime = runtime(&protocol, &server);
        for stream in [true, false] {
            let request = ChatRequest { stop: vec!["never".into(), "onj".into()], ..question(stream) };
            let result = ask(&protocol, &runtime, request).await;
            let result = result.unwrap_or_else(|error| panic!("{name} {stream}: {}", error.text));
            assert_eq!((result.text.as_str(), result.finish_reason.as_deref()), ("B", Some("stop")), "{name} {stream}");
            assert!(result.usage.prompt_tokens > 0 && result.usage.completion_tokens > 0, "{name} {stream}");
        }
    }
}

/// An answer of a certain form, whichever way the protocol has for it.
pub async fn in_form(protocol: &Protocol, model: &str, answer: Value) -> (Result<ChatResult, ModelError>, Value) {
    let server = Server::start(move |_| whole("200 OK", JSON, &answer.to_string())).await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]});
    let request = ChatRequest {
        messages: vec![Message::user("one")],
        response_format: Some(ResponseFormat::JsonSchema { name: "n".into(), schema, strict: None }),
        parameters: json!({"max_tokens": 64}).as_object().unwrap().clone(),
        ..ChatRequest::default()
    };
    let runtime = runtime(protocol, &server);
    let result = match runtime.chat(&scope(), &ModelRef::chat(protocol.provider, model), request).await {
        Ok(stream) => ChatResult::collect(stream).await,
        Err(error) => Err(error),
    };
    let body = server.seen().pop().map(|seen| serde_json::from_slice(&seen.body).unwrap()).unwrap_or_default();
    (result, body)
}

/// Server-sent events of documents.
pub fn sse(documents: &[Value]) -> Vec<u8> {
    documents.iter().map(|document| format!("data: {document}\n\n")).collect::<String>().into_bytes()
}
