//! A dialogue that its caller keeps, as OpenAI's chat completions carry it, as a request to an app of any mode.
//!
//! The last question is the app's query, or the input that takes it; what was said before becomes the history of the
//! conversation, or the input `history`; instructions go to the input `system`, or behind those of a basic chat app.

use std::sync::Arc;

use bytes::Bytes;
use ox_dsl::user_input::{InputField, InputKind};
use ox_types::{ConversationId, Json, boxed};
use serde_json::{Map, json};

use crate::{
    AppCaller, Error, Result, Services, files,
    runs::{self, AppMode, Round, RunRequest},
};

/// What was said, and what is asked now.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// Instructions, joined.
    pub system: String,
    pub rounds: Vec<Round>,
    pub query: String,
    pub attachments: Vec<Attachment>,
    /// Inputs by name; those of the app only.
    pub inputs: Map<String, Json>,
    /// Continues a conversation that is kept here: its messages count, not `rounds`.
    pub conversation_id: Option<ConversationId>,
}

/// A file that comes with the question.
#[derive(Clone, Debug)]
pub enum Attachment {
    /// `image`, `audio` or `document` at an address.
    Url {
        kind: &'static str,
        url: String,
    },
    Bytes {
        kind: &'static str,
        name: String,
        mime: String,
        bytes: Bytes,
    },
}

impl Attachment {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Url { kind, .. } | Self::Bytes { kind, .. } => kind,
        }
    }
}

/// A request, and what of the dialogue found no place in it.
#[derive(Clone, Debug)]
pub struct Mapped {
    pub request: RunRequest,
    pub ignored: Vec<&'static str>,
}

/// Makes a dialogue a request to the caller's app.
///
/// # Errors
/// 400 for an app that is not published, and for files that it does not take.
#[boxed]
pub async fn request(services: &Arc<Services>, caller: &AppCaller, dialogue: Dialogue) -> Result<Mapped> {
    let mode = caller.app.mode;
    let form = runs::form_of(services, &caller.app).await?;
    let fields = form.fields();
    let files_taken = takes_files(services, caller).await?;
    if !dialogue.attachments.is_empty() && !files_taken {
        let kind = dialogue.attachments.first().map_or("file", Attachment::kind);
        return Err(Error::invalid_field("messages", format!("This app takes no files: the {kind} cannot be used.")));
    }
    let mut mapped = place(mode, fields, dialogue);
    let mut mappings = Vec::new();
    for attachment in std::mem::take(&mut mapped.attachments) {
        mappings.push(mapping(services, caller, attachment).await?);
    }
    match file_field(fields, &mapped.request.inputs).filter(|_| mode == AppMode::Workflow && !mappings.is_empty()) {
        Some(field) if field.kind == InputKind::FileList => {
            mapped.request.inputs.insert(field.variable.clone(), Json::Array(mappings));
        }
        Some(field) => {
            mapped.request.inputs.insert(field.variable.clone(), mappings.swap_remove(0));
        }
        None => mapped.request.files = mappings,
    }
    Ok(Mapped { request: mapped.request, ignored: mapped.ignored })
}

/// Whether files may come beside the inputs.
async fn takes_files(services: &Services, caller: &AppCaller) -> Result<bool> {
    if caller.app.mode == AppMode::Workflow {
        return Ok(true);
    }
    let features = match caller.app.config.as_deref() {
        Some(config) => Some(crate::chat::basic::features(config)),
        None => runs::live_features(services, &caller.app).await?,
    };
    Ok(features.is_some_and(|features| features.file_upload.is_some()))
}

fn file_field<'a>(fields: &'a [InputField], given: &Map<String, Json>) -> Option<&'a InputField> {
    let is_free = |field: &&InputField| {
        matches!(field.kind, InputKind::File | InputKind::FileList) && !given.contains_key(&field.variable)
    };
    fields.iter().find(is_free)
}

/// A request whose files are still to be kept.
struct Placed {
    request: RunRequest,
    attachments: Vec<Attachment>,
    ignored: Vec<&'static str>,
}

fn place(mode: AppMode, fields: &[InputField], dialogue: Dialogue) -> Placed {
    let Dialogue { system, rounds, query, attachments, inputs: given, conversation_id } = dialogue;
    let is_asked = |name: &str| fields.iter().any(|field| field.variable == name);
    let mut inputs: Map<String, Json> = given.into_iter().filter(|(name, _)| is_asked(name)).collect();
    let mut ignored = Vec::new();
    let mut request = RunRequest { conversation_id, ..RunRequest::default() };
    if !system.is_empty() {
        if let Some(field) = free_text(fields, &inputs, "system") {
            inputs.insert(field.to_owned(), system.into());
        } else if matches!(mode, AppMode::Chat | AppMode::AgentChat) {
            request.system = Some(system);
        } else {
            ignored.push("system");
        }
    }
    if !rounds.is_empty() {
        if let Some(field) = free_text(fields, &inputs, "history") {
            inputs.insert(field.to_owned(), transcript(&rounds).into());
        } else if mode.is_chat() {
            request.history = rounds;
        } else {
            ignored.push("history");
        }
    }
    if mode.is_chat() {
        request.query = Some(query);
    } else if let Some(field) = free_text(fields, &inputs, "query").or_else(|| any_text(fields, &inputs)) {
        inputs.insert(field.to_owned(), query.into());
    } else if mode == AppMode::Completion {
        request.query = Some(query);
    } else {
        ignored.push("query");
    }
    request.inputs = inputs;
    Placed { request, attachments, ignored }
}

const fn is_text(kind: InputKind) -> bool {
    matches!(kind, InputKind::TextInput | InputKind::Paragraph)
}

fn free_text<'a>(fields: &'a [InputField], given: &Map<String, Json>, name: &str) -> Option<&'a str> {
    let field = fields.iter().find(|field| field.variable == name && is_text(field.kind))?;
    (!given.contains_key(name)).then_some(field.variable.as_str())
}

/// The first text that is not given: one that must be, if there is such a one.
fn any_text<'a>(fields: &'a [InputField], given: &Map<String, Json>) -> Option<&'a str> {
    let free = || fields.iter().filter(|field| is_text(field.kind) && !given.contains_key(&field.variable));
    free().find(|field| field.required).or_else(|| free().next()).map(|field| field.variable.as_str())
}

fn transcript(rounds: &[Round]) -> String {
    let mut lines = Vec::new();
    for round in rounds {
        if !round.query.is_empty() {
            lines.push(format!("user: {}", round.query));
        }
        if !round.answer.is_empty() {
            lines.push(format!("assistant: {}", round.answer));
        }
    }
    lines.join("\n")
}

/// Keeps an attachment, and names it as requests do.
async fn mapping(services: &Services, caller: &AppCaller, attachment: Attachment) -> Result<Json> {
    match attachment {
        Attachment::Url { kind, url } => Ok(json!({"type": kind, "transfer_method": "remote_url", "url": url})),
        Attachment::Bytes { kind, name, mime, bytes } => {
            let file = files::upload(services, caller, &name, &mime, bytes).await?;
            Ok(json!({"type": kind, "transfer_method": "local_file", "upload_file_id": file.id}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(form: &Json) -> Vec<InputField> {
        ox_dsl::user_input::from_start_data(&json!({ "variables": form })).unwrap()
    }

    fn said() -> Dialogue {
        let round = |query: &str, answer: &str| Round { query: query.into(), answer: answer.into() };
        Dialogue {
            system: "Be brief.".into(),
            rounds: vec![round("", "Hello"), round("q1", "a1")],
            query: "now".into(),
            inputs: json!({"city": "Paris", "stranger": 1}).as_object().cloned().unwrap(),
            ..Dialogue::default()
        }
    }

    #[test]
    fn every_part_finds_its_place_or_is_named() {
        let text = |name: &str, required: bool| json!({"variable": name, "type": "paragraph", "required": required});
        let cases = [
            (
                "chat",
                AppMode::Chat,
                json!([text("city", true)]),
                json!({"city": "Paris"}),
                Some("now"),
                2,
                true,
                vec![],
            ),
            ("chatflow", AppMode::AdvancedChat, json!([]), json!({}), Some("now"), 2, false, vec!["system"]),
            (
                "inputs of their own",
                AppMode::AdvancedChat,
                json!([text("system", false), text("history", false)]),
                json!({"system": "Be brief.", "history": "assistant: Hello\nuser: q1\nassistant: a1"}),
                Some("now"),
                0,
                false,
                vec![],
            ),
            (
                "query by name",
                AppMode::Workflow,
                json!([text("first", true), text("query", false)]),
                json!({"query": "now"}),
                None,
                0,
                false,
                vec!["system", "history"],
            ),
            (
                "the first that must be given",
                AppMode::Workflow,
                json!([text("free", false), text("city", true), text("topic", true)]),
                json!({"city": "Paris", "topic": "now"}),
                None,
                0,
                false,
                vec!["system", "history"],
            ),
            ("nowhere", AppMode::Workflow, json!([]), json!({}), None, 0, false, vec!["system", "history", "query"]),
            ("completion", AppMode::Completion, json!([]), json!({}), Some("now"), 0, false, vec!["system", "history"]),
        ];
        for (name, mode, form, inputs, query, history, has_system, ignored) in cases {
            let placed = place(mode, &fields(&form), said());
            assert_eq!(Json::Object(placed.request.inputs), inputs, "{name}");
            assert_eq!(placed.request.query.as_deref(), query, "{name}");
            assert_eq!(placed.request.history.len(), history, "{name}");
            assert_eq!(placed.request.system.is_some(), has_system, "{name}");
            assert_eq!(placed.ignored, ignored, "{name}");
        }
    }
}
