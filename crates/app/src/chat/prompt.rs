//! Prompts of basic apps (DSL reference §5.4): from configuration, inputs, query and history to messages.

use std::{borrow::Cow, sync::LazyLock};

use ox_db::model::AppModelConfig;
use ox_models::{ContentPart, Message, ModelMode, ModelRef, Role};
use ox_text::template::Prompt;
use ox_types::{Json, Object, Value};
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// Stops of models that continue a text, so that they do not play the user's part.
const COMPLETION_STOPS: [&str; 2] = ["\nHuman:", "</histories>"];

/// What a basic app's configuration says of its model and prompt.
#[derive(Clone, Debug)]
pub struct BasicPrompt {
    pub model: ModelRef,
    pub parameters: Map<String, Json>,
    pub stop: Vec<String>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Simple(String),
    Chat(Vec<(Role, String)>),
    Completion { text: String, user: String, assistant: String },
}

/// One earlier round of a conversation.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Round {
    pub query: String,
    pub answer: String,
}

/// A prompt ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Assembled {
    Chat(Vec<Message>),
    Completion { prompt: String, stop: Vec<String> },
}

impl Assembled {
    /// Adds instructions behind those of the app.
    pub fn instruct(&mut self, text: &str) {
        match self {
            Self::Chat(messages) => {
                let own = messages.iter().take_while(|message| message.role == Role::System).count();
                messages.insert(own, Message::system(text));
            }
            Self::Completion { prompt, .. } => prompt.insert_str(0, &format!("{text}\n\n")),
        }
    }
}

impl BasicPrompt {
    /// Reads a configuration; `None` when it names no model.
    #[must_use]
    pub fn read(config: &AppModelConfig) -> Option<Self> {
        let model = config.model.as_ref()?;
        let text = |key: &str| model.get(key).and_then(Json::as_str).unwrap_or_default();
        let (provider, name) = (text("provider"), text("name"));
        if provider.is_empty() || name.is_empty() {
            return None;
        }
        let mode = if text("mode") == "completion" { ModelMode::Completion } else { ModelMode::Chat };
        let mut parameters = model.get("completion_params").and_then(Json::as_object).cloned().unwrap_or_default();
        let stop = match parameters.remove("stop") {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let form = match (config.prompt_type.as_str(), mode) {
            ("advanced", ModelMode::Chat) => Form::Chat(chat_form(config.chat_prompt_config.as_ref())),
            ("advanced", ModelMode::Completion) => completion_form(config.completion_prompt_config.as_ref()),
            _ => Form::Simple(config.pre_prompt.clone().unwrap_or_default()),
        };
        Some(Self {
            model: ModelRef { provider: provider.to_owned(), name: name.to_owned(), mode },
            parameters,
            stop,
            form,
        })
    }

    /// Makes the prompt.
    #[must_use]
    pub fn assemble(
        &self,
        inputs: &Object,
        query: &str,
        context: &str,
        media: Vec<ContentPart>,
        history: &[Round],
    ) -> Assembled {
        match (&self.form, self.model.mode) {
            (Form::Simple(pre_prompt), ModelMode::Chat) => {
                Assembled::Chat(simple_chat(&with_context(pre_prompt, context), inputs, query, context, media, history))
            }
            (Form::Simple(pre_prompt), ModelMode::Completion) => {
                self.simple_completion(&with_context(pre_prompt, context), inputs, query, context, history)
            }
            (Form::Chat(parts), _) => Assembled::Chat(advanced_chat(parts, inputs, query, context, media, history)),
            (Form::Completion { text, user, assistant }, _) => {
                let rounds = histories(history, user, assistant);
                let prompt = fill(text, inputs, query, &rounds, context);
                let mut stop = self.stop.clone();
                if stop.is_empty() && !rounds.is_empty() {
                    stop = vec![format!("\n{user}:"), "</histories>".to_owned()];
                }
                Assembled::Completion { prompt, stop }
            }
        }
    }

    /// What an agent is told of itself: the prompt without the conversation.
    #[must_use]
    pub fn instruction(&self, inputs: &Object, query: &str) -> String {
        match &self.form {
            Form::Simple(text) | Form::Completion { text, .. } => fill(text, inputs, query, "", ""),
            Form::Chat(parts) => {
                let texts = parts.iter().filter(|(role, _)| *role == Role::System);
                texts.map(|(_, text)| fill(text, inputs, query, "", "")).collect::<Vec<_>>().join("\n\n")
            }
        }
    }

    fn simple_completion(
        &self,
        pre_prompt: &str,
        inputs: &Object,
        query: &str,
        context: &str,
        history: &[Round],
    ) -> Assembled {
        let mut prompt = fill(pre_prompt, inputs, query, "", context);
        let rounds = histories(history, "Human", "Assistant");
        let mut stop = self.stop.clone();
        if !rounds.is_empty() {
            prompt.push_str(&format!(
                "\n\nHere is the chat histories between human and assistant, inside <histories></histories> XML \
                 tags.\n\n<histories>\n{rounds}\n</histories>\n\n"
            ));
        }
        if !query.is_empty() && !pre_prompt.contains("{{#query#}}") {
            prompt.push_str(&format!("\n\nHuman: {query}\n\nAssistant: "));
            stop.extend(COMPLETION_STOPS.iter().map(|stop| (*stop).to_owned()));
        }
        Assembled::Completion { prompt, stop }
    }
}

fn simple_chat(
    pre_prompt: &str,
    inputs: &Object,
    query: &str,
    context: &str,
    media: Vec<ContentPart>,
    history: &[Round],
) -> Vec<Message> {
    let prompt = fill(pre_prompt, inputs, query, "", context);
    let mut messages = Vec::with_capacity(history.len() * 2 + 2);
    if query.is_empty() {
        push_history(&mut messages, history);
        messages.push(user_message(&prompt, media));
        return messages;
    }
    if !prompt.trim().is_empty() {
        messages.push(Message::system(prompt));
    }
    push_history(&mut messages, history);
    messages.push(user_message(query, media));
    messages
}

fn advanced_chat(
    parts: &[(Role, String)],
    inputs: &Object,
    query: &str,
    context: &str,
    media: Vec<ContentPart>,
    history: &[Round],
) -> Vec<Message> {
    let mut messages: Vec<Message> =
        parts.iter().map(|(role, text)| Message::text(*role, fill(text, inputs, query, "", context))).collect();
    push_history(&mut messages, history);
    if !query.is_empty() {
        messages.push(user_message(query, media));
    } else if !media.is_empty()
        && let Some(last) = messages.iter_mut().rev().find(|message| message.role == Role::User)
    {
        last.content.extend(media);
    }
    messages
}

/// A prompt that has no place of its own for what was looked up gets one before it.
fn with_context<'p>(pre_prompt: &'p str, context: &str) -> Cow<'p, str> {
    if context.is_empty() || pre_prompt.contains("{{#context#}}") {
        return Cow::Borrowed(pre_prompt);
    }
    let place = "Answer from these excerpts of the knowledge base, between <context> and </context>. When they do not \
                 tell, say that you do not know; never mention the excerpts or these tags.\n\n<context>\n\
                 {{#context#}}\n</context>";
    Cow::Owned(if pre_prompt.trim().is_empty() { place.to_owned() } else { format!("{place}\n\n{pre_prompt}") })
}

fn push_history(messages: &mut Vec<Message>, history: &[Round]) {
    for round in history {
        // What a caller tells of earlier rounds may begin with an answer, or have a question without one.
        if !round.query.is_empty() {
            messages.push(Message::user(round.query.clone()));
        }
        if !round.answer.is_empty() {
            messages.push(Message::assistant(round.answer.clone()));
        }
    }
}

fn user_message(text: &str, media: Vec<ContentPart>) -> Message {
    let mut content = media;
    content.push(ContentPart::text(text));
    Message::new(Role::User, content)
}

fn histories(history: &[Round], user: &str, assistant: &str) -> String {
    let lines: Vec<String> =
        history.iter().map(|round| format!("{user}: {}\n{assistant}: {}", round.query, round.answer)).collect();
    lines.join("\n")
}

/// Fills `{{name}}` from the inputs and the special names from the request.
pub fn fill(text: &str, inputs: &Object, query: &str, histories: &str, context: &str) -> String {
    Prompt::parse(text).render(|key| match key {
        "#query#" => Some(Value::from(query)),
        "#histories#" => Some(Value::from(histories)),
        "#context#" => Some(Value::from(context)),
        name => inputs.get(name).cloned(),
    })
}

fn chat_form(config: Option<&Json>) -> Vec<(Role, String)> {
    let parts = config.and_then(|config| config.get("prompt")).and_then(Json::as_array);
    parts
        .into_iter()
        .flatten()
        .filter_map(|part| {
            let role = match part.get("role").and_then(Json::as_str)? {
                "system" => Role::System,
                "assistant" => Role::Assistant,
                _ => Role::User,
            };
            Some((role, part.get("text").and_then(Json::as_str).unwrap_or_default().to_owned()))
        })
        .take(10)
        .collect()
}

fn completion_form(config: Option<&Json>) -> Form {
    static NONE: LazyLock<Json> = LazyLock::new(|| Json::Null);
    let config = config.unwrap_or(&NONE);
    let text = |pointer: &str, default: &str| {
        config.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty()).unwrap_or(default).to_owned()
    };
    Form::Completion {
        text: text("/prompt/text", ""),
        user: text("/conversation_histories_role/user_prefix", "Human"),
        assistant: text("/conversation_histories_role/assistant_prefix", "Assistant"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Object {
        [("city".to_owned(), Value::from("Paris")), ("n".to_owned(), Value::None)].into_iter().collect()
    }

    fn history() -> Vec<Round> {
        vec![Round { query: "q1".into(), answer: "a1".into() }]
    }

    fn basic(form: Form, mode: ModelMode) -> BasicPrompt {
        let model = ModelRef { provider: "p".into(), name: "m".into(), mode };
        BasicPrompt { model, parameters: Map::new(), stop: Vec::new(), form }
    }

    fn texts(assembled: &Assembled) -> Vec<String> {
        match assembled {
            Assembled::Chat(messages) => {
                messages.iter().map(|message| format!("{}: {}", message.role.as_str(), message.plain_text())).collect()
            }
            Assembled::Completion { prompt, stop } => vec![prompt.clone(), stop.join("|")],
        }
    }

    #[test]
    fn a_simple_prompt_is_the_system_message_and_the_query_the_user_message() {
        let prompt = basic(Form::Simple("Guide to {{city}}{{n}} {{unknown}}".into()), ModelMode::Chat);
        assert_eq!(
            texts(&prompt.assemble(&inputs(), "Hi", "", vec![], &history())),
            ["system: Guide to Paris {{unknown}}", "user: q1", "assistant: a1", "user: Hi"]
        );
        assert_eq!(texts(&prompt.assemble(&inputs(), "", "", vec![], &[])), ["user: Guide to Paris {{unknown}}"]);
        let empty = basic(Form::Simple(String::new()), ModelMode::Chat);
        assert_eq!(texts(&empty.assemble(&inputs(), "Hi", "", vec![], &[])), ["user: Hi"]);
    }

    #[test]
    fn advanced_prompts_keep_their_roles() {
        let parts = vec![(Role::System, "S {{city}}".to_owned()), (Role::User, "U {{#query#}}".to_owned())];
        let prompt = basic(Form::Chat(parts), ModelMode::Chat);
        assert_eq!(
            texts(&prompt.assemble(&inputs(), "Hi", "", vec![], &history())),
            ["system: S Paris", "user: U Hi", "user: q1", "assistant: a1", "user: Hi"]
        );
    }

    #[test]
    fn completion_models_get_the_history_as_text_and_stops() {
        let prompt = basic(Form::Simple("Be kind.".into()), ModelMode::Completion);
        let got = texts(&prompt.assemble(&inputs(), "Hi", "", vec![], &history()));
        assert!(got[0].starts_with("Be kind.\n\nHere is the chat histories"), "{got:?}");
        assert!(got[0].contains("<histories>\nHuman: q1\nAssistant: a1\n</histories>"), "{got:?}");
        assert!(got[0].ends_with("\n\nHuman: Hi\n\nAssistant: "), "{got:?}");
        assert_eq!(got[1], "\nHuman:|</histories>");
    }
}
