#![expect(clippy::needless_pass_by_value, reason = "json! literals read better by value")]

use ox_engine::{Chunk, Pool};
use ox_models::{ContentPart, ErrorClass, ModelError, ModelFeature, ModelMode, ModelRuntime, ResponseFormat, Role};
use serde_json::json;

use super::*;
use crate::{
    HistoryMessage,
    testing::{self, Fake, History},
};

fn text(text: &str) -> Result<ChatDelta, ModelError> {
    Ok(ChatDelta { text: text.into(), ..ChatDelta::default() })
}

fn pool() -> Pool {
    let mut pool = Pool::new();
    pool.set("sys", "query", "what?");
    pool.set(
        "sys",
        "files",
        Value::array(vec![Value::from(testing::file("a.png")), Value::from(testing::file("b.pdf"))]),
    );
    pool.set("k", "result", Value::from_json(&json!([{"content": "fact {{#sys.query#}}"}])));
    pool.set("v", "name", "Ann");
    pool.set("v", "nothing", Value::None);
    pool.set("v", "list", Value::array(vec![Value::Int(1), Value::Int(2)]));
    pool
}

fn config(extra: Json) -> Json {
    let mut data = json!({
        "model": {"provider": "openai", "name": "m", "mode": "chat", "completion_params": {"temperature": 0.1, "stop": ["END"]}},
        "prompt_template": [{"role": "user", "text": "hi {{#v.name#}}{{#v.nothing#}}"}],
        "context": {"enabled": false, "variable_selector": []},
    });
    data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    data
}

type Outcome = (Result<NodeOutput, Box<NodeFailure>>, Vec<Chunk>, Arc<Fake>);

async fn run_with(fake: Fake, history: Vec<HistoryMessage>, extra: Json) -> Outcome {
    run_in(pool(), fake, history, extra).await
}

async fn run_in(pool: Pool, fake: Fake, history: Vec<HistoryMessage>, extra: Json) -> Outcome {
    let fake = Arc::new(fake);
    let mut ports = testing::ports();
    ports.models = Arc::clone(&fake) as Arc<dyn ModelRuntime>;
    ports.history = Arc::new(History(history));
    let (result, chunks) = testing::run_with(ports, "llm", config(extra), pool).await;
    (result, chunks, fake)
}

/// The messages asked with, as `role: parts`.
async fn asked(fake: Fake, history: Vec<HistoryMessage>, extra: Json) -> Vec<String> {
    let (result, _, fake) = run_with(fake, history, extra).await;
    if let Err(failure) = result {
        return vec![format!("{}: {}", failure.error_type, failure.error)];
    }
    let asked = fake.asked.lock().unwrap();
    let part = |part: &ContentPart| match part {
        ContentPart::Text { text } => text.clone(),
        ContentPart::Image(media) => {
            format!("<image {} {}>", media.filename.as_deref().unwrap(), media.detail.as_deref().unwrap())
        }
        ContentPart::Document(media) => format!("<document {}>", media.filename.as_deref().unwrap()),
        _ => "<media>".into(),
    };
    asked[0]
        .messages
        .iter()
        .map(|message| {
            format!("{}: {}", message.role.as_str(), message.content.iter().map(part).collect::<Vec<_>>().join(" + "))
        })
        .collect()
}

fn vision() -> Fake {
    Fake { features: vec![ModelFeature::Vision], ..Fake::default() }
}

#[tokio::test]
async fn prompts() {
    let with =
        |text: &str| json!({"prompt_template": [{"role": "system", "text": text}, {"role": "user", "text": "q"}]});
    let context = json!({"context": {"enabled": true, "variable_selector": ["k", "result"]},
        "prompt_template": [{"role": "system", "text": "use {{#context#}} for {{#v.name#}}"}]});
    let jinja = json!({"prompt_template": [{"role": "user", "edition_type": "jinja2", "text": "no", "jinja2_text": "{% for x in xs %}<{{ x }}>{% endfor %}"}],
        "prompt_config": {"jinja2_variables": [{"variable": "xs", "value_selector": ["v", "list"]}]}});
    let files = json!({"prompt_template": [{"role": "user", "text": "see {{#sys.files#}}"}]});
    let on = |detail: &str| json!({"vision": {"enabled": true, "configs": {"variable_selector": ["sys", "files"], "detail": detail}}});
    let last_system = json!({"prompt_template": [{"role": "system", "text": "s"}], "vision": {"enabled": true}});
    for (fake, extra, expected) in [
        (Fake::default(), json!({}), vec!["user: hi Ann"]),
        (Fake::default(), with("{{#v.name#}} {{#context#}}!"), vec!["system: Ann !", "user: q"]),
        (Fake::default(), with(""), vec!["user: q"]),
        (Fake::default(), with("{{#v.gone#}}"), vec!["VariableNotFoundError: Variable v.gone not found"]),
        (Fake::default(), context, vec!["system: use fact {{#sys.query#}} for Ann"]),
        (Fake::default(), jinja, vec!["user: <1><2>"]),
        (Fake::default(), files.clone(), vec!["user: see "]),
        (vision(), files, vec!["user: see ", "user: <image a.png high>"]),
        (vision(), on("low"), vec!["user: <image a.png low> + hi Ann"]),
        (Fake::default(), on("low"), vec!["user: hi Ann"]),
        (vision(), last_system, vec!["system: s", "user: <image a.png high>"]),
        (
            Fake::default(),
            json!({"prompt_template": [{"role": "user", "text": ""}]}),
            vec![
                "NoPromptFoundError: No prompt found in the LLM configuration. Please ensure a prompt is properly configured before proceeding.",
            ],
        ),
    ] {
        assert_eq!(asked(fake, Vec::new(), extra.clone()).await, expected, "{extra}");
    }
}

fn turn(id: &str, parent: Option<&str>, query: &str, answer: &str) -> HistoryMessage {
    HistoryMessage {
        id: id.into(),
        parent_id: parent.map(str::to_owned),
        query: query.into(),
        answer: answer.into(),
        answer_tokens: 1,
        ..HistoryMessage::default()
    }
}

#[tokio::test]
async fn memory() {
    let history = || vec![turn("2", Some("1"), "q2", "a2"), turn("1", None, "q1", "a1")];
    let system = json!([{"role": "system", "text": "s"}]);
    let memory = |memory: Json| json!({"prompt_template": system, "memory": memory});
    let all = vec!["system: s", "user: q1", "assistant: a1", "user: q2", "assistant: a2", "user: what?"];
    let big = || Fake { context_size: Some(4096), ..Fake::default() };
    for (fake, settings, expected) in [
        (big(), json!({"window": {"enabled": false, "size": 1}}), all.clone()),
        (Fake::default(), json!({"window": {"enabled": false}}), all),
        (
            big(),
            json!({"window": {"enabled": true, "size": 1}, "query_prompt_template": "Q: {{#sys.query#}} {{#v.name#}}"}),
            vec!["system: s", "user: q2", "assistant: a2", "user: Q: what? Ann"],
        ),
        // Room for three of the four messages.
        (
            Fake { context_size: Some(6), ..Fake::default() },
            json!({"window": {"enabled": false}}),
            vec!["system: s", "assistant: a1", "user: q2", "assistant: a2", "user: what?"],
        ),
        (
            Fake { context_size: Some(0), ..Fake::default() },
            json!({"window": {"enabled": false}}),
            vec!["system: s", "assistant: a2", "user: what?"],
        ),
    ] {
        assert_eq!(asked(fake, history(), memory(settings)).await, expected);
    }
}

/// What does not fit into the model's window is neither in the prompt nor in what the trace shows of it, and the trace
/// tells how much that was.
#[tokio::test]
async fn the_trace_shows_what_the_window_let_in() {
    let memory =
        json!({"prompt_template": [{"role": "system", "text": "s"}], "memory": {"window": {"enabled": false}}});
    let cut = |size: u64, kept: u64, dropped: u64| {
        json!({"context_size": size, "reserved_tokens": 0, "room_tokens": size, "counted_tokens": 8,
            "kept_tokens": kept, "dropped_messages": dropped, "shortened_messages": 0})
    };
    for (size, expected, told) in [
        (4096, vec!["s", "q1", "a1", "q2", "a2", "what?"], None),
        (6, vec!["s", "a1", "q2", "a2", "what?"], Some(cut(6, 6, 1))),
        (0, vec!["s", "a2", "what?"], Some(cut(0, 2, 3))),
    ] {
        let history = vec![turn("2", Some("1"), "q2", "a2"), turn("1", None, "q1", "a1")];
        let fake = Fake { context_size: Some(size), ..Fake::default() };
        let (result, _, _) = run_with(fake, history, memory.clone()).await;
        let data = result.unwrap().process_data;
        assert_eq!(data.get("context_window").map(Value::to_json), told, "a window of {size}");
        let shown = data["prompts"].to_json();
        let texts: Vec<&str> =
            shown.as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect();
        assert_eq!(texts, expected, "a window of {size}");
    }
}

/// Chunks that the window has no room for are neither in the prompt nor among the sources, and the trace tells how many.
#[tokio::test]
async fn knowledge_is_cut_at_whole_chunks() {
    let source =
        |text: &str| json!({"content": text, "title": text, "metadata": {"_source": "knowledge", "dataset_id": text}});
    let found = json!([source("aaaa"), source("bbbb"), source("cc")]);
    let settings = |completion: Json| {
        json!({"model": {"provider": "p", "name": "m", "mode": "chat", "completion_params": completion},
            "prompt_template": [{"role": "system", "text": "use {{#context#}}"}, {"role": "user", "text": "go"}],
            "context": {"enabled": true, "variable_selector": ["k", "result"]}})
    };
    let told = |size: u64, reserved: u64, room: u64, kept: u64, chunks: u64| {
        Some(json!({"context_size": size, "reserved_tokens": reserved, "room_tokens": room, "counted_tokens": 10,
            "kept_tokens": kept, "dropped_messages": 0, "shortened_messages": 0, "dropped_chunks": chunks}))
    };
    // Six letters are around it: "use " and "go".
    for (size, completion, expected, window) in [
        (None, json!({}), "use aaaa\nbbbb\ncc", None),
        (Some(4096), json!({}), "use aaaa\nbbbb\ncc", None),
        (Some(18), json!({"max_tokens": 2}), "use aaaa\nbbbb\ncc", None),
        (Some(17), json!({"max_tokens": 2}), "use aaaa\nbbbb", told(17, 2, 9, 8, 1)),
        (Some(16), json!({}), "use aaaa", told(16, 4, 6, 4, 2)),
        (Some(4), json!({}), "use ", told(4, 1, 0, 0, 3)),
    ] {
        let fake = Fake { context_size: size, ..Fake::default() };
        let mut pool = pool();
        pool.set("k", "result", Value::from_json(&found));
        let (result, chunks, _) = run_in(pool, fake, Vec::new(), settings(completion)).await;
        let data = result.unwrap().process_data;
        assert_eq!(data["prompts"].to_json()[0]["text"], expected, "a window of {size:?}");
        assert_eq!(data.get("context_window").map(Value::to_json), window, "a window of {size:?}");
        let sources = chunks.iter().find_map(|chunk| match chunk {
            Chunk::Note { kind: "retriever_resources", data } => data.as_array().map(Vec::len),
            _ => None,
        });
        let kept = expected.trim_start_matches("use ").lines().count();
        assert_eq!(sources.unwrap_or_default(), kept, "a window of {size:?}");
    }
}

#[tokio::test]
async fn the_trace_names_files_that_the_model_cannot_take() {
    let seen = json!({"vision": {"enabled": true, "configs": {"variable_selector": ["sys", "files"]}}});
    let inside = json!({"prompt_template": [{"role": "user", "text": "see {{#sys.files#}}"}]});
    let (picture, document) = (json!({"name": "a.png", "type": "image"}), json!({"name": "b.pdf", "type": "document"}));
    for (fake, extra, left_out) in [
        (Fake::default(), seen.clone(), Some(json!([picture, document]))),
        (vision(), seen, Some(json!([document]))),
        (vision(), inside, Some(json!([document]))),
        (Fake::default(), json!({}), None),
    ] {
        let (result, _, _) = run_with(fake, Vec::new(), extra.clone()).await;
        let data = result.unwrap().process_data;
        assert_eq!(data.get("files_left_out").map(Value::to_json), left_out, "{extra}");
    }
}

#[tokio::test]
async fn completion_models() {
    let model = json!({"provider": "p", "name": "m", "mode": "completion", "completion_params": {}});
    let history = || vec![turn("1", None, "q1", "a1")];
    let memory = json!({"window": {"enabled": false}, "role_prefix": {"user": "Human", "assistant": "Assistant"}});
    for (template, memory, expected) in [
        (json!({"text": "hi {{#v.name#}}"}), Json::Null, Ok("hi Ann")),
        (
            json!({"text": "{{#histories#}}\nH: {{#sys.query#}}"}),
            memory.clone(),
            Ok("Human: q1\nAssistant: a1\nH: what?"),
        ),
        (json!({"text": "H: {{#sys.query#}}"}), memory, Ok("Human: q1\nAssistant: a1\nH: what?")),
        (
            json!({"text": "x"}),
            json!({"window": {"enabled": false}}),
            Err("Memory role prefix is required for completion model."),
        ),
        (
            json!([{"role": "user", "text": "x"}]),
            Json::Null,
            Err("Prompt type list is not supported: a completion model takes one text."),
        ),
    ] {
        let extra = json!({"model": model, "prompt_template": template, "memory": memory});
        let (result, _, fake) = run_with(Fake::default(), history(), extra).await;
        let got = result.map(|_| fake.completed.lock().unwrap()[0].clone()).map_err(|failure| failure.error);
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{template}");
    }
}

#[tokio::test]
async fn results_and_chunks() {
    let fake = Fake { pieces: vec![text("Hello"), text(" world")], ..Fake::default() };
    let (result, chunks, fake) = run_with(fake, Vec::new(), json!({})).await;
    let output = result.unwrap();
    let chunk = |text: &str, is_final| Chunk::Text { name: "text".into(), text: text.into(), is_final };
    assert_eq!(chunks, [chunk("Hello", false), chunk(" world", false), chunk("", true)]);
    let keys: Vec<&str> = output.outputs.keys().map(String::as_str).collect();
    assert_eq!(keys, ["text", "reasoning_content", "usage", "finish_reason"]);
    assert_eq!(output.outputs["text"], Value::from("Hello world"));
    assert_eq!(output.outputs["finish_reason"], Value::from("stop"));
    assert_eq!(output.outputs["usage"].as_object().unwrap()["total_tokens"], Value::Int(15));
    assert_eq!(output.outputs["usage"].as_object().unwrap().len(), 14);
    assert_eq!(output.usage.as_ref().unwrap().total_tokens, 15);
    assert_eq!(output.metadata["total_tokens"], json!(15));
    let inputs: Vec<&str> = output.inputs.keys().map(String::as_str).collect();
    assert_eq!(inputs, ["#v.name#", "#v.nothing#", "model_provider", "model_name"]);
    let process: Vec<&str> = output.process_data.keys().map(String::as_str).collect();
    assert_eq!(process, ["model_mode", "prompts", "usage", "finish_reason", "model_provider", "model_name"]);
    assert_eq!(output.process_data["prompts"].to_json(), json!([{"role": "user", "text": "hi Ann", "files": []}]));
    let asked = fake.asked.lock().unwrap();
    assert_eq!(asked[0].stop, ["END"]);
    assert_eq!(Json::Object(asked[0].parameters.clone()), json!({"temperature": 0.1}));
    assert!(asked[0].stream && asked[0].response_format.is_none());
}

#[tokio::test]
async fn reasoning_goes_where_it_is_told() {
    let pieces = || vec![text("<think>why"), text("</think>\n"), text("because")];
    let (result, _, _) = run_with(Fake { pieces: pieces(), ..Fake::default() }, Vec::new(), json!({})).await;
    let output = result.unwrap();
    assert_eq!(output.outputs["text"], Value::from("<think>why</think>\nbecause"));
    assert_eq!(output.outputs["reasoning_content"], Value::from(""));
    let separated = json!({"reasoning_format": "separated"});
    let (result, chunks, _) = run_with(Fake { pieces: pieces(), ..Fake::default() }, Vec::new(), separated).await;
    let output = result.unwrap();
    assert_eq!(output.outputs["text"], Value::from("because"));
    assert_eq!(output.outputs["reasoning_content"], Value::from("why"));
    assert_eq!(
        chunks,
        [
            Chunk::Reasoning { text: "why".into(), is_final: false },
            Chunk::Reasoning { text: String::new(), is_final: true },
            Chunk::Text { name: "text".into(), text: "because".into(), is_final: false },
            Chunk::Text { name: "text".into(), text: String::new(), is_final: true },
        ]
    );
}

#[tokio::test]
async fn structured_output() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]});
    let extra = || json!({"structured_output_enabled": true, "structured_output": {"schema": schema}});
    let pieces = || vec![text("{\"a\""), text(": 1}")];
    let able = Fake { pieces: pieces(), features: vec![ModelFeature::StructuredOutput], ..Fake::default() };
    let (result, chunks, fake) = run_with(able, Vec::new(), extra()).await;
    let output = result.unwrap();
    assert_eq!(output.outputs["structured_output"].to_json(), json!({"a": 1}));
    assert_eq!(output.outputs["text"], Value::from("{\"a\": 1}"));
    assert_eq!(chunks.len(), 3);
    let format = fake.asked.lock().unwrap()[0].response_format.clone();
    assert_eq!(
        format,
        Some(ResponseFormat::JsonSchema { name: "llm_response".into(), schema: schema.clone(), strict: None })
    );

    let (result, _, fake) = run_with(Fake { pieces: pieces(), ..Fake::default() }, Vec::new(), extra()).await;
    assert!(result.is_ok());
    let first = fake.asked.lock().unwrap()[0].messages[0].clone();
    assert_eq!(first.role, Role::System);
    assert!(first.plain_text().contains("\"required\":[\"a\"]"));

    let (result, _, _) = run_with(Fake { pieces: vec![text("no json")], ..Fake::default() }, Vec::new(), extra()).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.error_type, "LLMNodeError");
    assert_eq!(failure.error, "Failed to parse structured output: Failed to parse structured output: no json");
    assert_eq!(failure.usage.unwrap().total_tokens, 15);

    let off = json!({"structured_output_enabled": false, "structured_output": {"schema": schema}});
    let (result, _, _) = run_with(Fake { pieces: vec![text("x")], ..Fake::default() }, Vec::new(), off).await;
    assert!(!result.unwrap().outputs.contains_key("structured_output"));
}

#[tokio::test]
async fn provider_errors_keep_their_class_and_text() {
    let error = ModelError::new(ErrorClass::RateLimit { retry_after: None }, "openai", "slow down");
    let pieces = vec![text("half"), Err(error)];
    let (result, chunks, _) = run_with(Fake { pieces, ..Fake::default() }, Vec::new(), json!({})).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.error_type, "InvokeRateLimitError");
    assert_eq!(failure.error, "[openai] Rate Limit Error: slow down");
    assert_eq!(failure.process_data["model_mode"], Value::from(ModelMode::Chat.as_str()));
    // A broken stream is not closed.
    assert_eq!(chunks, [Chunk::Text { name: "text".into(), text: "half".into(), is_final: false }]);
}

#[tokio::test]
async fn what_cannot_be_asked() {
    let model = |mode: &str| json!({"model": {"provider": "p", "name": "m", "mode": mode, "completion_params": {}}});
    let seen = |name: &str| json!({"vision": {"enabled": true, "configs": {"variable_selector": ["v", name]}}});
    for (extra, expected) in [
        (model(""), "LLMModeRequiredError: LLM mode is required."),
        (model("song"), "LLMModeRequiredError: LLM mode is required."),
        (seen("name"), "InvalidVariableTypeError: Invalid variable type: string"),
        (seen("list"), "InvalidVariableTypeError: Invalid variable type: array[number]"),
        (seen("nothing"), "user: hi Ann"),
        (seen("gone"), "user: hi Ann"),
    ] {
        assert_eq!(asked(vision(), Vec::new(), extra).await, [expected]);
    }
}

#[tokio::test]
async fn files_and_memory_that_cannot_be_read() {
    for extra in [json!({"vision": {"enabled": true}}), json!({"memory": {"window": {"enabled": false}}})] {
        let mut ports = testing::ports();
        ports.models = Arc::new(vision());
        ports.files = Arc::new(testing::Broken);
        ports.history = Arc::new(testing::Broken);
        let failure = testing::run_with(ports, "llm", config(extra), pool()).await.0.unwrap_err();
        assert_eq!((failure.error_type.as_str(), failure.error.as_str()), ("LLMNodeError", "the disk is full"));
    }
}
