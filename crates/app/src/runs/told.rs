//! A prepared answer of a chatflow: a message without a run.

use std::sync::Arc;

use ox_db::now;
use ox_types::{Object, TaskId, Value, boxed};

use super::{
    compiled::CompiledWorkflow,
    delta::{Delta, Touch},
    event::{MessageMetadata, StreamBody, StreamHead},
    hub::{Hub, Subscription},
    launch::{ChatPart, message_files, new_conversation, new_message, parent_of},
    limits::RunPermit,
    sink::fill_message,
    start::inputs_json,
};
use crate::{AppCaller, Result, Services, annotation_reply::Matched, chat::naming};

/// What was asked, and the answer.
pub(super) struct Told {
    pub inputs: Object,
    pub files: Vec<Value>,
    pub chat: ChatPart,
    pub answer: String,
    pub permit: Option<RunPermit>,
    /// The annotation that answers, if it is one.
    pub matched: Option<Matched>,
}

/// Records the answer and streams it: one piece and the end.
///
/// # Errors
/// When it cannot be recorded.
#[boxed]
pub(super) async fn tell(
    services: &Arc<Services>,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    told: Told,
) -> Result<Subscription> {
    let Told { inputs, files, chat, answer, permit, matched } = told;
    let query = chat.query.clone();
    let at = now();
    let stored = inputs_json(&inputs);
    let is_new = chat.conversation.is_none();
    let conversation = chat.conversation.unwrap_or_else(|| {
        let introduction = naming::introduction(&compiled.features.opening_statement, &inputs);
        new_conversation(caller, at, &chat.query, stored.clone(), introduction)
    });
    let mut message = new_message(caller, at, &conversation, &chat.query, &stored);
    message.parent_message_id = parent_of(caller, chat.parent_message_id);
    let message_id = message.id;
    let metadata = Arc::new(MessageMetadata::default());
    fill_message(&mut message, &answer, &metadata, at);
    let hub = Hub::new(StreamHead {
        mode: caller.app.mode,
        invoke_from: caller.invoke_from,
        task_id: TaskId::new(),
        run_id: None,
        workflow_id: Some(compiled.id),
        conversation_id: Some(conversation.id),
        message_id: Some(message.id),
        created_at: at.timestamp(),
        user: caller.user.clone(),
    });
    let reader = hub.subscribe();
    let change = Delta {
        touch: Some(Touch { conversation_id: conversation.id, at, messages: 1 }),
        message_files: message_files(caller, message.id, &files, at),
        message: Some(message),
        conversation: is_new.then_some(conversation),
        ..Delta::default()
    };
    let answer: Arc<str> = answer.into();
    let show = vec![
        StreamBody::Text { text: Arc::clone(&answer), selector: None },
        StreamBody::MessageEnd { answer, metadata, files: "[]".into() },
    ];
    services.runs.recorder.begin(hub).put(Some(change), at.timestamp(), show, true).await?;
    drop(permit);
    if let Some(matched) = matched {
        matched.keep(services, caller, &query, message_id).await;
    }
    Ok(reader)
}
