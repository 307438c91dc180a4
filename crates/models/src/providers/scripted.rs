//! The scripted provider: deterministic models for tests, demos without a key, load and fault drills.

mod instance;
mod speech;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::Engine as _;
use ox_types::Json;
use serde_json::{Map, json};
use tokio::time::Instant;

use crate::{
    Call, ChatDelta, ChatModel, ChatRequest, ChatStream, CompletionModel, CompletionRequest, Credentials, Decimal,
    EmbeddingModel, EmbeddingRequest, EmbeddingResult, ErrorClass, FetchFrom, I18n, Media, MediaSource, Message,
    ModelError, ModelFeature, ModelKind, ModelSpec, ParameterRule, ParameterType, Pricing, Provider, ProviderSpec,
    Ranked, RerankModel, RerankRequest, ResponseFormat, Role, SpeechModel, ToolCallDelta, ToolChoice,
    TranscriptionModel, Usage, catalog,
};

/// Id of the provider.
pub const ID: &str = "oxidify/scripted";
const DIMENSIONS: usize = 384;
/// Letters of the shortest word that is seen in a picture: fewer may stand there by chance.
const WORD: usize = 5;
/// Names of parts of pictures, which say nothing of what is seen.
const PARTS: [&[u8]; 6] = [b"IHDR", b"IDAT", b"IEND", b"tEXt", b"JFIF", b"Exif"];

/// The one provider of this adapter.
pub fn providers() -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(Scripted { spec: spec() })]
}

struct Scripted {
    spec: ProviderSpec,
}

/// What a model is going to say.
#[derive(Debug, Default, PartialEq)]
struct Script {
    chunks: Vec<String>,
    tool_call: Option<(String, String)>,
    /// After the chunks.
    failure: Option<ModelError>,
    completion_words: u64,
}

#[async_trait]
impl ChatModel for Scripted {
    async fn chat(&self, call: Call<'_>, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let started = Instant::now();
        let prompt_words = request.messages.iter().map(|message| words(&message.plain_text())).sum();
        let script = script(&request)?;
        let pace = Pace::read(&request.parameters, started);
        if script.chunks.is_empty()
            && let Some(error) = script.failure
        {
            pace.first().await;
            return Err(error);
        }
        let pricing = call.spec.and_then(|spec| spec.pricing.clone());
        Ok(play(script, pace, prompt_words, pricing))
    }
}

#[async_trait]
impl CompletionModel for Scripted {
    async fn complete(&self, call: Call<'_>, request: CompletionRequest) -> Result<ChatStream, ModelError> {
        let chat = ChatRequest {
            model: request.model,
            messages: vec![Message::user(request.prompt)],
            parameters: request.parameters,
            stop: request.stop,
            stream: request.stream,
            ..ChatRequest::default()
        };
        self.chat(call, chat).await
    }
}

/// When each chunk is due.
#[derive(Clone, Copy)]
struct Pace {
    first_at: Option<Instant>,
    between: Option<Duration>,
}

impl Pace {
    fn read(parameters: &Map<String, Json>, started: Instant) -> Self {
        let number = |name: &str| parameters.get(name).and_then(Json::as_f64).filter(|number| *number > 0.0);
        let first = number("ttft_ms").and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
        let between = number("tokens_per_s").and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        Self { first_at: first.and_then(|first| started.checked_add(first)), between }
    }

    async fn first(&self) {
        if let Some(at) = self.first_at {
            tokio::time::sleep_until(at).await;
        }
    }
}

fn play(script: Script, pace: Pace, prompt_words: u64, pricing: Option<Pricing>) -> ChatStream {
    let started = Instant::now();
    Box::pin(async_stream::try_stream! {
        pace.first().await;
        let mut due = Instant::now();
        let mut first = None;
        for (position, text) in script.chunks.into_iter().enumerate() {
            if position > 0 && let Some(between) = pace.between {
                due += between;
                tokio::time::sleep_until(due).await;
            }
            first.get_or_insert_with(Instant::now);
            yield ChatDelta { text, ..ChatDelta::default() };
        }
        if let Some(error) = script.failure {
            Err(error)?;
        }
        let mut last = ChatDelta { finish_reason: Some("stop".into()), ..ChatDelta::default() };
        if let Some((name, arguments)) = script.tool_call {
            let id = Some(format!("call_{name}"));
            last.tool_calls.push(ToolCallDelta { index: 0, id, name: Some(name), arguments });
            last.finish_reason = Some("tool_calls".into());
        }
        let mut usage = Usage::priced(prompt_words, script.completion_words, pricing.as_ref());
        // To the microsecond: the bench takes these times off those that it measured itself.
        let seconds = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e6;
        usage.latency = seconds(started.elapsed());
        usage.time_to_first_token = first.map(|first: Instant| seconds(first.duration_since(started)));
        usage.time_to_generate = first.map(|first| seconds(first.elapsed()));
        last.usage = Some(usage);
        yield last;
    })
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// The first word, then each later word with one space before it.
fn chunks(text: &str, at_most: Option<u64>) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut words: Vec<String> = Vec::new();
    for (position, word) in text.split(' ').enumerate() {
        words.push(if position == 0 { word.to_owned() } else { format!(" {word}") });
    }
    let Some(wanted) = at_most.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0) else {
        return words;
    };
    let wanted = wanted.min(words.len());
    // As even as whole words allow, the longer ones first.
    let (size, longer) = (words.len() / wanted, words.len() % wanted);
    let mut rest = words.into_iter();
    (0..wanted).map(|index| rest.by_ref().take(size + usize::from(index < longer)).collect()).collect()
}

fn script(request: &ChatRequest) -> Result<Script, ModelError> {
    let parameters = &request.parameters;
    let text = |name: &str| parameters.get(name).and_then(Json::as_str);
    let at_most = parameters.get("chunks").and_then(Json::as_u64);
    let say = |answer: String| Script {
        completion_words: words(&answer),
        chunks: chunks(&stopped(answer, &request.stop), at_most),
        ..Script::default()
    };
    Ok(match request.model.as_str() {
        "echo" => say(last_user_text(request)),
        "canned" => say(text("text").unwrap_or("This is a canned answer.").to_owned()),
        "template" => say(rendered(request, text("template").unwrap_or("{{ query }}"))?),
        "tools" => match request.messages.last().filter(|message| message.role == Role::Tool) {
            Some(result) => say(result.plain_text()),
            None => match tool_call(request) {
                Some(call) => Script { completion_words: words(&call.1), tool_call: Some(call), ..Script::default() },
                None => say(last_user_text(request)),
            },
        },
        "json" => say(instance::of(&wanted_schema(request)).to_string()),
        "fail" => failing(request, text("text").unwrap_or("This answer will not be finished."), at_most),
        other => {
            let text = format!("there is no scripted model named {other}");
            return Err(ModelError::new(ErrorClass::NotFound, ID, text));
        }
    })
}

fn stopped(answer: String, stop: &[String]) -> String {
    let cut = stop.iter().filter(|word| !word.is_empty()).filter_map(|word| answer.find(word.as_str())).min();
    match cut.and_then(|end| answer.get(..end)) {
        Some(short) => short.to_owned(),
        None => answer,
    }
}

fn last_user_text(request: &ChatRequest) -> String {
    let last = request.messages.iter().rev().find(|message| message.role == Role::User);
    last.or(request.messages.last()).map(Message::plain_text).unwrap_or_default()
}

fn rendered(request: &ChatRequest, template: &str) -> Result<String, ModelError> {
    let messages: Vec<Json> = request
        .messages
        .iter()
        .map(|message| json!({"role": message.role.as_str(), "content": message.plain_text()}))
        .collect();
    let variables = json!({"messages": messages, "query": last_user_text(request), "parameters": request.parameters});
    if !ox_text::jinja::is_flat(template) {
        let why = "the template parameter: only variables, tests, loops and plain filters are possible here";
        return Err(ModelError::new(ErrorClass::BadRequest, ID, why));
    }
    ox_text::jinja::render(template, &variables, ox_text::jinja::Limits::default())
        .map_err(|error| ModelError::new(ErrorClass::BadRequest, ID, format!("the template parameter: {error}")))
}

/// The tool the choice or the parameter `tool` names, else the first; with its arguments.
fn tool_call(request: &ChatRequest) -> Option<(String, String)> {
    let named = match &request.tool_choice {
        ToolChoice::None => return None,
        ToolChoice::Named(name) => Some(name.as_str()),
        _ => request.parameters.get("tool").and_then(Json::as_str),
    };
    let tool = match named {
        Some(name) => request.tools.iter().find(|tool| tool.name == name)?,
        None => request.tools.first()?,
    };
    let arguments = match request.parameters.get("arguments") {
        Some(Json::String(text)) => text.clone(),
        Some(object @ Json::Object(_)) => object.to_string(),
        _ => instance::of(&tool.parameters).to_string(),
    };
    Some((tool.name.clone(), arguments))
}

fn wanted_schema(request: &ChatRequest) -> Json {
    if let Some(ResponseFormat::JsonSchema { schema, .. }) = &request.response_format {
        return schema.clone();
    }
    let schema = match request.parameters.get("json_schema") {
        Some(Json::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(other) => other.clone(),
        None => json!({"type": "object"}),
    };
    match schema.get("schema") {
        Some(inner) if inner.is_object() => inner.clone(),
        _ => schema,
    }
}

fn failing(request: &ChatRequest, text: &str, at_most: Option<u64>) -> Script {
    let number = |name: &str| request.parameters.get(name).and_then(Json::as_u64);
    let status = number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
    let retry_after = number("retry_after").map(Duration::from_secs);
    let class = match status {
        0 => ErrorClass::Connection,
        401 | 403 => ErrorClass::Auth,
        404 => ErrorClass::NotFound,
        408 => ErrorClass::Timeout,
        429 => ErrorClass::RateLimit { retry_after },
        500.. => ErrorClass::Overloaded,
        _ => ErrorClass::BadRequest,
    };
    let after = number("after_chunks").and_then(|after| usize::try_from(after).ok()).unwrap_or(0);
    let mut chunks = chunks(text, at_most);
    chunks.truncate(after);
    let failure = ModelError {
        class,
        provider: ID.to_owned(),
        status: Some(status).filter(|status| *status > 0),
        text: "the scripted model fails as it was told".to_owned(),
    };
    Script { completion_words: chunks.len() as u64, chunks, failure: Some(failure), tool_call: None }
}

#[async_trait]
impl EmbeddingModel for Scripted {
    async fn embed(&self, call: Call<'_>, request: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        let pictures = request.pictures.len() as u64;
        let tokens = request.texts.iter().map(|text| words(text)).sum::<u64>().saturating_add(pictures);
        let seen = request.pictures.iter().map(seen).collect::<Result<Vec<_>, _>>()?;
        let embeddings = request.texts.iter().chain(&seen).map(|text| embedding(text)).collect();
        Ok(EmbeddingResult {
            embeddings,
            usage: Usage::priced(tokens, 0, call.spec.and_then(|spec| spec.pricing.as_ref())),
        })
    }

    fn takes_pictures(&self) -> bool {
        true
    }
}

/// What is seen in a picture: the words that are written in its bytes (a comment, say), else a name of its own.
fn seen(picture: &Media) -> Result<String, ModelError> {
    let wrong = |why: &str| ModelError::new(ErrorClass::BadRequest, ID, format!("the picture {why}"));
    let MediaSource::Base64(data) = &picture.source else { return Err(wrong("must be sent with the request")) };
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).map_err(|_| wrong("is not base64"))?;
    let is_word = |word: &&[u8]| word.len() >= WORD && !word.windows(4).any(|part| PARTS.contains(&part));
    let written: Vec<_> = bytes.split(|byte| !byte.is_ascii_alphabetic()).filter(is_word).collect();
    let text = written.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ");
    Ok(if text.is_empty() { format!("picture{:016x}", fnv(&bytes)) } else { text })
}

/// Each word adds to the dimension of its hash; the sum has length one.
fn embedding(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    for word in normal_words(text) {
        let hash = fnv(word.as_bytes());
        let index = usize::try_from(hash % DIMENSIONS as u64).unwrap_or(0);
        if let Some(slot) = vector.get_mut(index) {
            *slot += 1.0;
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    } else if let Some(first) = vector.first_mut() {
        // A text without words still has a direction: nothing may divide by its length of zero.
        *first = 1.0;
    }
    vector
}

/// Lower-case words; a CJK character is a word of its own.
fn normal_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        let is_cjk = matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
        if character.is_alphanumeric() && !is_cjk {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_cjk {
            words.push(character.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[async_trait]
impl RerankModel for Scripted {
    async fn rerank(&self, _call: Call<'_>, request: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        let query: std::collections::BTreeSet<_> = normal_words(&request.query).into_iter().collect();
        let score = |document: &String| {
            let words: std::collections::BTreeSet<_> = normal_words(document).into_iter().collect();
            let shared = query.intersection(&words).count();
            #[expect(clippy::cast_precision_loss, reason = "numbers of words are small")]
            let share = if query.is_empty() { 0.0 } else { shared as f64 / query.len() as f64 };
            share
        };
        let scored =
            request.documents.iter().enumerate().map(|(index, document)| Ranked { index, score: score(document) });
        let mut ranked: Vec<_> =
            scored.filter(|ranked| request.score_threshold.is_none_or(|least| ranked.score >= least)).collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        ranked.truncate(request.top_n.unwrap_or(usize::MAX));
        Ok(ranked)
    }
}

#[async_trait]
impl Provider for Scripted {
    fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    fn chat_model(&self) -> Option<&dyn ChatModel> {
        Some(self)
    }

    fn completion_model(&self) -> Option<&dyn CompletionModel> {
        Some(self)
    }

    fn embedding_model(&self) -> Option<&dyn EmbeddingModel> {
        Some(self)
    }

    fn rerank_model(&self) -> Option<&dyn RerankModel> {
        Some(self)
    }

    fn transcription_model(&self) -> Option<&dyn TranscriptionModel> {
        Some(self)
    }

    fn speech_model(&self) -> Option<&dyn SpeechModel> {
        Some(self)
    }

    fn describe(&self, model: &str, kind: ModelKind, _credentials: &Credentials) -> ModelSpec {
        self.spec
            .model(model, kind)
            .cloned()
            .unwrap_or_else(|| ModelSpec { deprecated: true, ..llm(model, model, &[]) })
    }

    async fn validate(&self, _call: Call<'_>, model: Option<(&str, ModelKind)>) -> Result<(), ModelError> {
        match model {
            Some((name, kind)) if self.spec.model(name, kind).is_none() => {
                Err(ModelError::new(ErrorClass::NotFound, ID, format!("there is no scripted model named {name}")))
            }
            _ => Ok(()),
        }
    }
}

fn rule(name: &str, kind: ParameterType, en: &str, zh: &str) -> ParameterRule {
    ParameterRule {
        name: name.to_owned(),
        use_template: None,
        label: I18n::new(en, zh),
        kind,
        help: None,
        required: false,
        default: None,
        min: None,
        max: None,
        precision: None,
        options: Vec::new(),
    }
}

fn llm(name: &str, zh: &str, own: &[ParameterRule]) -> ModelSpec {
    let number =
        |name, kind, en, zh, max: f64| ParameterRule { min: Some(0.0), max: Some(max), ..rule(name, kind, en, zh) };
    let mut rules = own.to_vec();
    rules.push(number("ttft_ms", ParameterType::Int, "Time to first token (ms)", "首个标记耗时（毫秒）", 600_000.0));
    rules.push(number("tokens_per_s", ParameterType::Float, "Words per second", "每秒词数", 100_000.0));
    rules.push(number("chunks", ParameterType::Int, "Number of chunks", "分块数量", 100_000.0));
    ModelSpec {
        model: name.to_owned(),
        label: I18n::new(name, zh),
        kind: ModelKind::Llm,
        features: match name {
            "tools" => vec![
                ModelFeature::ToolCall,
                ModelFeature::MultiToolCall,
                ModelFeature::StreamToolCall,
                ModelFeature::Vision,
            ],
            "json" => vec![ModelFeature::Vision, ModelFeature::StructuredOutput],
            _ => vec![ModelFeature::Vision],
        },
        fetch_from: FetchFrom::Predefined,
        model_properties: Map::from_iter([("mode".into(), json!("chat")), ("context_size".into(), json!(1_000_000))]),
        parameter_rules: rules,
        pricing: Some(free()),
        deprecated: false,
    }
}

fn free() -> Pricing {
    let zero = Decimal::new(0, 0);
    Pricing {
        input: zero,
        output: Some(zero),
        unit: Decimal::new(1, 6),
        currency: "USD".into(),
        cached: None,
        cache_write: None,
        above: Vec::new(),
    }
}

fn spec() -> ProviderSpec {
    let text = |name, en, zh| rule(name, ParameterType::Text, en, zh);
    let int = |name, en, zh| rule(name, ParameterType::Int, en, zh);
    let string = |name, en, zh| rule(name, ParameterType::String, en, zh);
    let plain = |name: &str, kind, properties: Json| ModelSpec {
        kind,
        features: Vec::new(),
        parameter_rules: Vec::new(),
        model_properties: properties.as_object().cloned().unwrap_or_default(),
        ..llm(name, name, &[])
    };
    let models = vec![
        llm("echo", "echo（回显）", &[]),
        llm("canned", "canned（固定回答）", &[text("text", "Answer", "回答")]),
        llm("template", "template（模板）", &[text("template", "Template over the messages", "基于消息的模板")]),
        llm(
            "tools",
            "tools（工具调用）",
            &[string("tool", "Tool to call", "要调用的工具"), text("arguments", "Arguments (JSON)", "参数（JSON）")],
        ),
        llm(
            "json",
            "json（结构化）",
            &[
                string("response_format", "Response format", "回复格式"),
                text("json_schema", "JSON schema", "JSON Schema"),
            ],
        ),
        llm(
            "fail",
            "fail（故障）",
            &[
                int("status", "HTTP status", "HTTP 状态码"),
                int("after_chunks", "Fail after chunks", "在多少块之后失败"),
                int("retry_after", "Retry after (s)", "重试等待（秒）"),
                text("text", "Answer until then", "失败前的回答"),
            ],
        ),
        plain(
            "embed-384",
            ModelKind::TextEmbedding,
            json!({"context_size": 1_000_000, "max_chunks": 2048, "dimensions": DIMENSIONS}),
        ),
        ModelSpec {
            features: vec![ModelFeature::Vision],
            ..plain(
                "embed-vision-384",
                ModelKind::TextEmbedding,
                json!({"context_size": 1_000_000, "max_chunks": 2048, "dimensions": DIMENSIONS}),
            )
        },
        plain("rerank", ModelKind::Rerank, json!({"context_size": 1_000_000})),
        plain("listen", ModelKind::Speech2Text, json!({"supported_file_extensions": "mp3,m4a,wav,amr,mpga"})),
        plain("speak", ModelKind::Tts, json!(catalog::voices(["calm", "bright"].into_iter()))),
    ];
    ProviderSpec {
        id: ID.to_owned(),
        aliases: vec!["scripted".into(), "oxidify/scripted/scripted".into()],
        label: I18n::new("Scripted (test)", "脚本模型（测试用）"),
        description: I18n::new(
            "Built-in models with scripted answers, for tests and demos. No artificial intelligence inside.",
            "内置的脚本应答模型，用于测试与演示，不含任何人工智能。",
        ),
        help: None,
        icon: crate::sheet::icon("Scripted", "#FEF3C7"),
        background: Some("#FEF3C7".into()),
        supported_kinds: vec![
            ModelKind::Llm,
            ModelKind::TextEmbedding,
            ModelKind::Rerank,
            ModelKind::Speech2Text,
            ModelKind::Tts,
        ],
        configurate_methods: vec![FetchFrom::Predefined],
        provider_form: Vec::new(),
        model_form: Vec::new(),
        models,
        default_rules: Vec::new(),
        untested: false,
    }
}
