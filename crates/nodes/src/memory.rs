//! The memory of a conversation in prompts (engine reference §10.2).

use ox_engine::NodeContext;
use ox_models::{ContentPart, Message, ModelRef, ModelSpec, Role, WindowFit};
use ox_types::Value;
use ox_types::boxed;
use serde::Deserialize;

use crate::{HistoryMessage, PortError, Ports, config, media};

/// Most messages that are ever looked at.
const MAX_MESSAGES: usize = 500;
/// Budget when nobody knows how much a model takes.
const DEFAULT_BUDGET: u64 = 2000;

/// Parent of the messages that were written before threads existed.
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// How a node remembers.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Memory {
    #[serde(default)]
    pub role_prefix: Option<RolePrefix>,
    #[serde(default)]
    pub window: Option<Window>,
    #[serde(default)]
    pub query_prompt_template: Option<String>,
    /// Compat: early files had only this switch.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// How speakers are called in a text.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RolePrefix {
    #[serde(default, deserialize_with = "config::nullable")]
    pub user: String,
    #[serde(default, deserialize_with = "config::nullable")]
    pub assistant: String,
}

impl RolePrefix {
    /// The names used where none can be configured.
    pub fn usual() -> Self {
        Self { user: "Human".into(), assistant: "Assistant".into() }
    }
}

/// How far back it goes.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Window {
    #[serde(default, deserialize_with = "config::nullable")]
    pub enabled: bool,
    #[serde(default)]
    pub size: Option<f64>,
}

impl Memory {
    /// Messages of the conversation that are looked at.
    fn limit(&self) -> usize {
        let size = self.window.as_ref().filter(|window| window.enabled).and_then(|window| window.size);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and bounded")]
        size.filter(|size| *size > 0.0).map_or(MAX_MESSAGES, |size| (size as usize).min(MAX_MESSAGES))
    }
}

/// The room that the memory has besides a prompt of this size.
pub fn budget(model: Option<&ModelSpec>, max_tokens: u64, prompt_tokens: u64) -> WindowFit {
    let context_size = model.and_then(ModelSpec::context_size);
    let left = |size: u64| size.saturating_sub(max_tokens).saturating_sub(prompt_tokens);
    let room_tokens = context_size.map_or(DEFAULT_BUDGET, left);
    WindowFit { context_size, reserved_tokens: max_tokens, room_tokens, ..WindowFit::default() }
}

/// What a prompt has of the conversation.
#[derive(Default)]
pub struct Recalled {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// What there was no room for.
    pub fit: Option<WindowFit>,
}

/// The messages of the conversation as a prompt has them, as many of the newest as there is room for.
///
/// # Errors
/// When they, or files in them, cannot be read.
#[boxed]
pub async fn recall(
    memory: &Memory,
    model: &ModelRef,
    spec: Option<&ModelSpec>,
    budget: WindowFit,
    detail: &str,
    (cx, ports): (&NodeContext, &Ports),
) -> Result<Recalled, PortError> {
    if cx.run.conversation_id.is_none() || memory.enabled == Some(false) {
        return Ok(Recalled::default());
    }
    let newest_first = ports.history.messages(&cx.run, memory.limit()).await?;
    let mut messages = Vec::new();
    for turn in thread(&newest_first).into_iter().rev() {
        for (role, text, files) in
            [(Role::User, &turn.query, &turn.query_files), (Role::Assistant, &turn.answer, &turn.answer_files)]
        {
            let files: Vec<Value> = files.iter().cloned().map(Value::from).collect();
            let mut content = media::parts(&files, detail, spec, cx, ports).await?;
            content.insert(0, ContentPart::text(text.as_str()));
            messages.push(Message::new(role, content));
        }
    }
    let fit = budget.keep_newest(&mut messages, |messages| ports.models.count_tokens(model, messages, &[]));
    Ok(Recalled { messages, fit })
}

/// The messages of the newest thread, newest first: each continues the next one.
fn thread(newest_first: &[HistoryMessage]) -> Vec<&HistoryMessage> {
    let mut taken: Vec<&HistoryMessage> = Vec::new();
    let mut next: Option<&str> = None;
    for message in newest_first {
        let parent = message.parent_id.as_deref();
        let any = next.is_some_and(|next| next == NIL);
        if !(taken.is_empty() || any || next == Some(message.id.as_str()) || parent.is_none()) {
            continue;
        }
        taken.push(message);
        match parent {
            Some(parent) => next = Some(parent),
            None => break,
        }
    }
    // The newest is the one being answered, when it has no answer yet.
    if taken.first().is_some_and(|message| message.answer.is_empty() && message.answer_tokens == 0) {
        taken.remove(0);
    }
    taken
}

/// The memory as one text, for models that continue a text.
pub fn as_text(messages: &[Message], prefix: &RolePrefix) -> String {
    let line = |message: &Message| {
        let name = if message.role == Role::User { &prefix.user } else { &prefix.assistant };
        let parts: Vec<&str> = message
            .content
            .iter()
            .map(|part| match part {
                ContentPart::Text { text } => text.as_str(),
                ContentPart::Image(_) => "[image]",
                _ => "[file]",
            })
            .collect();
        format!("{name}: {}", parts.join("\n"))
    };
    messages.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, parent: Option<&str>, answer: &str) -> HistoryMessage {
        HistoryMessage {
            id: id.into(),
            parent_id: parent.map(str::to_owned),
            query: format!("q{id}"),
            answer: answer.into(),
            answer_tokens: u64::from(!answer.is_empty()),
            ..HistoryMessage::default()
        }
    }

    #[test]
    fn threads() {
        for (messages, expected) in [
            (vec![message("3", Some("1"), "a"), message("2", Some("1"), "a"), message("1", None, "a")], vec!["3", "1"]),
            (vec![message("3", Some("2"), ""), message("2", Some("1"), "a"), message("1", None, "a")], vec!["2", "1"]),
            (vec![message("2", Some(NIL), "a"), message("1", Some(NIL), "a")], vec!["2", "1"]),
            (vec![message("2", None, "a"), message("1", None, "a")], vec!["2"]),
            (vec![message("1", None, "")], vec![]),
            (vec![], vec![]),
        ] {
            let ids: Vec<&str> = thread(&messages).iter().map(|message| message.id.as_str()).collect();
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn windows_and_budgets() {
        let memory = |json: serde_json::Value| serde_json::from_value::<Memory>(json).unwrap().limit();
        for (window, expected) in [
            (serde_json::json!({"window": {"enabled": true, "size": 10}}), 10),
            (serde_json::json!({"window": {"enabled": true, "size": 9000}}), 500),
            (serde_json::json!({"window": {"enabled": false, "size": 10}}), 500),
            (serde_json::json!({"window": {"enabled": true, "size": null}}), 500),
            (serde_json::json!({"window": {"enabled": true, "size": 0}}), 500),
            (serde_json::json!({"window": null}), 500),
            (serde_json::json!({"enabled": true}), 500),
        ] {
            assert_eq!(memory(window), expected);
        }
        assert_eq!(budget(None, 100, 100).room_tokens, 2000);
    }

    #[test]
    fn text_form() {
        let messages = [Message::user("hi"), Message::assistant("yo")];
        let prefix = RolePrefix::usual();
        assert_eq!(as_text(&messages, &prefix), "Human: hi\nAssistant: yo");
    }
}
