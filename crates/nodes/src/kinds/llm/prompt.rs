//! Building the prompt (engine reference §10.1).

use indexmap::IndexMap;
use ox_engine::{NodeContext, NodeFailure};
use ox_models::{ContentPart, Message, ModelMode, ModelSpec, Role, WindowFit, first_that_fit};
use ox_text::{
    jinja,
    template::{Segment, Template as Variables},
};
use ox_types::{Value, ValueType, boxed};
use serde::{Deserialize, Deserializer, de::Error};

use super::{Config, context};
use crate::{
    Ports, config, media,
    memory::{self, Memory, Recalled},
    model::{LeftOut, Prompt},
    python, template,
};

/// Mark in a prompt where the context goes.
const CONTEXT: &str = "{{#context#}}";
/// Marks in a completion prompt where the memory goes.
const HISTORIES: [&str; 2] = ["{{#histories#}}", "#histories#"];

/// The prompt as it is configured.
#[derive(Clone, Debug)]
pub enum Template {
    Chat(Vec<ChatItem>),
    Completion(TextItem),
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = ox_types::Json::deserialize(deserializer)?;
        let read = if json.is_array() {
            serde_json::from_value(json).map(Self::Chat)
        } else {
            serde_json::from_value(json).map(Self::Completion)
        };
        read.map_err(|error| D::Error::custom(format!("prompt_template: {error}")))
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct ChatItem {
    pub role: Role,
    #[serde(flatten)]
    pub text: TextItem,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct TextItem {
    #[serde(default, deserialize_with = "config::nullable")]
    text: String,
    #[serde(default)]
    edition_type: Option<String>,
    #[serde(default)]
    jinja2_text: Option<String>,
}

impl TextItem {
    fn is_jinja2(&self) -> bool {
        self.edition_type.as_deref() == Some("jinja2")
    }
}

/// What a prompt is built from.
pub struct Builder<'a> {
    pub config: &'a Config,
    pub spec: Option<&'a ModelSpec>,
    pub cx: &'a NodeContext,
    pub ports: &'a Ports,
}

type Failure = Box<NodeFailure>;
type Inputs = IndexMap<String, Value>;

impl Builder<'_> {
    /// Builds the prompt and tells what went into it, and what could not.
    #[boxed]
    pub async fn build(&self, inputs: &mut Inputs) -> Result<(Prompt, LeftOut), Failure> {
        self.collect_inputs(inputs)?;
        let jinja_variables = self.jinja_variables(inputs)?;
        let files = self.config.vision.files(&self.cx.pool)?;
        if !files.is_empty() {
            inputs.insert("#files#".into(), Value::array_of(ValueType::ArrayFile, files.clone()));
        }
        let mut context =
            context::read(&self.config.context, &self.cx.pool).map_err(|(kind, text)| NodeFailure::new(kind, text))?;
        let cut = self.fit(&mut context);
        let text = context.text();
        if let Some(text) = &text {
            inputs.insert("#context#".into(), Value::from(text.as_str()));
        }
        let context_files = context.files();
        if !context_files.is_empty() {
            inputs.insert("#context_files#".into(), Value::array_of(ValueType::ArrayFile, context_files.clone()));
        }
        let resources = context.resources();
        if !resources.is_empty() {
            self.cx.chunks.note("retriever_resources", ox_types::Json::Array(resources)).await;
        }
        inputs.insert("model_provider".into(), Value::from(self.config.model.provider.as_str()));
        inputs.insert("model_name".into(), Value::from(self.config.model.name.as_str()));
        let context_text = text.unwrap_or_default();
        let (prompt, mut left_out) = match (&self.config.prompt_template, self.config.model.mode()) {
            (Template::Chat(items), ModelMode::Chat) => {
                let built = self.chat(items, &context_text, &jinja_variables, (&files, &context_files)).await?;
                (Prompt::Chat(built.0), built.1)
            }
            (Template::Completion(item), ModelMode::Completion) => {
                let built = self.completion(item, &context_text, &jinja_variables).await?;
                (Prompt::Completion(built.0), built.1)
            }
            (Template::Chat(_), ModelMode::Completion) => {
                let text = "Prompt type list is not supported: a completion model takes one text.";
                return Err(NodeFailure::new("TemplateTypeNotSupportError", text));
            }
            (Template::Completion(_), ModelMode::Chat) => {
                let text = "Prompt type text is not supported: a chat model takes a list of messages.";
                return Err(NodeFailure::new("TemplateTypeNotSupportError", text));
            }
        };
        left_out.knowledge(cut);
        Ok((prompt, left_out))
    }

    /// Leaves out what was found beyond the room in the model's window: whole chunks, the last first. Where nobody knows
    /// the window the provider decides.
    fn fit(&self, context: &mut context::Found) -> Option<WindowFit> {
        if !self.items().any(|item| !item.is_jinja2() && item.text.contains(CONTEXT)) {
            return None;
        }
        let model = self.config.model.reference();
        let count = |text: &str| self.ports.models.count_tokens(&model, &[Message::text(Role::System, text)], &[]);
        let mut fit = memory::budget(self.spec, self.config.model.max_tokens(), 0);
        let window = fit.context_size?;
        if fit.reserved_tokens == 0 {
            // Nobody bounds the answer: it has its part all the same.
            fit.reserved_tokens = window / 4;
            fit.room_tokens = window.saturating_sub(fit.reserved_tokens);
        }
        let each: Vec<u64> = context.texts().map(count).collect();
        fit.counted_tokens = each.iter().fold(0, |sum: u64, tokens| sum.saturating_add(*tokens));
        // What is written around it is seldom long: counted only where it may matter.
        if fit.counted_tokens.saturating_mul(2) > fit.room_tokens {
            let around = |item: &TextItem| match &item.jinja2_text {
                Some(text) if item.is_jinja2() => count(text),
                _ => count(&self.basic(&item.text, "")),
            };
            let query = self.config.memory.as_ref().and_then(|memory| self.query(memory));
            let asked = self.items().map(around).sum::<u64>() + query.map_or(0, |query| count(&query));
            fit.room_tokens = fit.room_tokens.saturating_sub(asked);
        }
        let kept = first_that_fit(&each, fit.room_tokens);
        if kept == each.len() {
            return None;
        }
        fit.kept_tokens = each.iter().take(kept).sum();
        fit.dropped_chunks = Some(each.len() - kept);
        context.keep(kept);
        Some(fit)
    }

    fn items(&self) -> impl Iterator<Item = &TextItem> {
        let (list, one) = match &self.config.prompt_template {
            Template::Chat(items) => (items.as_slice(), None),
            Template::Completion(item) => (&[][..], Some(item)),
        };
        list.iter().map(|item| &item.text).chain(one)
    }

    /// Every variable of the templates must exist.
    fn collect_inputs(&self, inputs: &mut Inputs) -> Result<(), Failure> {
        let query = self.config.memory.as_ref().and_then(|memory| memory.query_prompt_template.as_deref());
        let texts = self.items().filter(|item| !item.is_jinja2()).map(|item| item.text.as_str()).chain(query);
        for text in texts {
            for selector in Variables::parse(text).selectors() {
                let value = self.cx.pool.get(selector).ok_or_else(|| {
                    let text = format!("Variable {} not found", selector.join("."));
                    NodeFailure::new("VariableNotFoundError", text)
                })?;
                let shown = if value.is_none() { Value::from("") } else { value };
                inputs.insert(format!("#{}#", selector.join(".")), shown);
            }
        }
        Ok(())
    }

    fn jinja_variables(&self, inputs: &mut Inputs) -> Result<Inputs, Failure> {
        let mut variables = Inputs::new();
        for variable in &self.config.prompt_config.jinja2_variables {
            let value = self.cx.pool.get(&variable.value_selector).ok_or_else(|| {
                let text = format!("Variable {} not found", python::list(&variable.value_selector));
                NodeFailure::new("VariableNotFoundError", text)
            })?;
            inputs.insert(variable.variable.clone(), value.clone());
            variables.insert(variable.variable.clone(), value);
        }
        Ok(variables)
    }

    async fn jinja(&self, item: &TextItem, variables: &Inputs) -> Result<String, Failure> {
        let template = item.jinja2_text.as_deref().unwrap_or_default().into();
        let limits = jinja::Limits {
            output_chars: self.ports.limits.template_max_length.max(5_000_000),
            ..jinja::Limits::default()
        };
        template::jinja(&*self.ports.code, &self.cx.run.tenant_id, &template, variables, limits)
            .await
            .map_err(|error| NodeFailure::new("TemplateRenderError", error.to_string()))
    }

    /// Text form of a basic template. The context goes in last and is never read as a template.
    fn basic(&self, text: &str, context: &str) -> String {
        let mut out = String::new();
        for segment in Variables::parse(text).segments {
            match segment {
                Segment::Literal(text) => out.push_str(&text.replace(CONTEXT, context)),
                Segment::Variable(selector) => {
                    out.push_str(&self.cx.pool.get(&selector).map(|value| value.text()).unwrap_or_default());
                }
            }
        }
        out
    }

    async fn parts(&self, files: &[Value], left_out: &mut LeftOut) -> Result<Vec<ContentPart>, Failure> {
        let detail = self.config.vision.configs.detail.as_str();
        left_out.files(files, self.spec);
        media::parts(files, detail, self.spec, self.cx, self.ports)
            .await
            .map_err(|error| NodeFailure::new("LLMNodeError", error.to_string()))
    }

    async fn chat(
        &self,
        items: &[ChatItem],
        context: &str,
        jinja_variables: &Inputs,
        (files, context_files): (&[Value], &[Value]),
    ) -> Result<(Vec<Message>, LeftOut), Failure> {
        let mut left_out = LeftOut::default();
        let mut messages = Vec::new();
        for item in items {
            if item.text.is_jinja2() {
                messages.push(Message::text(item.role, self.jinja(&item.text, jinja_variables).await?));
                continue;
            }
            let template = Variables::parse(&item.text.text);
            messages.push(Message::text(item.role, self.basic(&item.text.text, context)));
            let found = template.selectors().filter_map(|selector| self.cx.pool.get(selector));
            let inside: Vec<Value> = found.flat_map(|value| media::files_of(&value)).collect();
            let parts = self.parts(&inside, &mut left_out).await?;
            if !parts.is_empty() {
                messages.push(Message::new(item.role, parts));
            }
        }
        if let Some(memory) = &self.config.memory {
            let recalled = self.recall(memory, 0).await?;
            messages.extend(recalled.messages);
            left_out.window = recalled.fit;
            if let Some(query) = self.query(memory) {
                messages.push(Message::user(query));
            }
        }
        for files in [files, context_files] {
            let parts = self.parts(files, &mut left_out).await?;
            prepend(&mut messages, parts);
        }
        messages.retain(|message| !is_empty(message));
        if messages.is_empty() { Err(no_prompt()) } else { Ok((messages, left_out)) }
    }

    async fn completion(
        &self,
        item: &TextItem,
        context: &str,
        jinja_variables: &Inputs,
    ) -> Result<(String, LeftOut), Failure> {
        let mut left_out = LeftOut::default();
        let mut text =
            if item.is_jinja2() { self.jinja(item, jinja_variables).await? } else { self.basic(&item.text, context) };
        if let Some(memory) = &self.config.memory {
            let prefix = memory.role_prefix.as_ref().ok_or_else(|| {
                let why = "Memory role prefix is required for completion model.";
                NodeFailure::new("MemoryRolePrefixRequiredError", why)
            })?;
            let recalled = self.recall(memory, 0).await?;
            left_out.window = recalled.fit;
            let histories = memory::as_text(&recalled.messages, prefix);
            match HISTORIES.iter().find(|mark| text.contains(**mark)) {
                Some(mark) => text = text.replace(mark, &histories),
                None if histories.is_empty() => {}
                None => text = format!("{histories}\n{text}"),
            }
            let query = self.query(memory).unwrap_or_default();
            text = text.replace("#sys.query#", &query);
        }
        if text.is_empty() { Err(no_prompt()) } else { Ok((text, left_out)) }
    }

    async fn recall(&self, memory: &Memory, prompt_tokens: u64) -> Result<Recalled, Failure> {
        let model = self.config.model.reference();
        let budget = memory::budget(self.spec, self.config.model.max_tokens(), prompt_tokens);
        let detail = self.config.vision.configs.detail.as_str();
        memory::recall(memory, &model, self.spec, budget, detail, (self.cx, self.ports))
            .await
            .map_err(|error| NodeFailure::new("LLMNodeError", error.to_string()))
    }

    /// The question that follows the memory.
    fn query(&self, memory: &Memory) -> Option<String> {
        match memory.query_prompt_template.as_deref().filter(|template| !template.is_empty()) {
            Some(template) => Some(self.basic(template, "")),
            None => self.cx.pool.get(&["sys", "query"]).map(|query| query.text()),
        }
    }
}

/// Puts files before the text of the last message, if that is the user's.
fn prepend(messages: &mut Vec<Message>, parts: Vec<ContentPart>) {
    if parts.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(last) if last.role == Role::User => {
            last.content.splice(0..0, parts);
        }
        _ => messages.push(Message::new(Role::User, parts)),
    }
}

fn is_empty(message: &Message) -> bool {
    match message.content.as_slice() {
        [] => true,
        [ContentPart::Text { text }] => text.is_empty(),
        _ => false,
    }
}

fn no_prompt() -> Failure {
    NodeFailure::new(
        "NoPromptFoundError",
        "No prompt found in the LLM configuration. Please ensure a prompt is properly configured before proceeding.",
    )
}
