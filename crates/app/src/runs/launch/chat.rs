//! The conversation and the message that a run begins with.

use chrono::{DateTime, Utc};
use ox_db::model::{Conversation, ConversationVariable, Message, MessageFile};
use ox_types::{AccountId, ConversationId, EndUserId, FileId, Json, MessageId, Object, Value};
use uuid::Uuid;

use super::ChatPart;
use crate::{
    AppCaller, Result, Services,
    chat::{self, naming},
    runs::{
        compiled::CompiledWorkflow,
        delta::{Delta, Touch},
        derived::Begun,
        event::{InvokeFrom, RunUser},
        sink::LiveVariable,
        start::inputs_json,
    },
};

/// A chatflow's conversation and message, as they are at the start.
pub(super) struct BegunChat {
    pub message: Message,
    /// What the run is asked instead of the message's own question.
    pub asked: Option<String>,
    pub dialogue_count: i32,
    pub variables: Vec<LiveVariable>,
    pub name_after: Option<(ConversationId, String)>,
}

#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
pub(super) async fn begin_chat(
    services: &Services,
    caller: &AppCaller,
    begun: Begun,
    compiled: &CompiledWorkflow,
    inputs: &Object,
    files: &[Value],
    part: ChatPart,
    with: &mut Delta,
) -> Result<BegunChat> {
    let stored = inputs_json(inputs);
    let is_new = part.conversation.is_none();
    let conversation = part.conversation.unwrap_or_else(|| {
        let introduction = naming::introduction(&compiled.features.opening_statement, inputs);
        new_conversation(caller, begun.at, &part.query, stored.clone(), introduction)
    });
    if is_new {
        chat::given::keep(services, caller.app.app.id, conversation.id, &part.history).await?;
    }
    let variables = begin_variables(services, caller, compiled, &conversation, is_new, begun.at, with).await?;
    let mut message = new_message(caller, begun.at, &conversation, &part.query, &stored);
    message.parent_message_id = parent_of(caller, part.parent_message_id);
    message.workflow_run_id = Some(begun.run_id);
    with.message_files = message_files(caller, message.id, files, begun.at);
    with.touch = Some(Touch { conversation_id: conversation.id, at: begun.at, messages: 1 });
    let wants_name = is_new && part.auto_generate_name && caller.invoke_from != InvokeFrom::Debugger;
    let chat = BegunChat {
        dialogue_count: conversation.dialogue_count,
        name_after: wants_name.then_some((conversation.id, part.query)),
        asked: part.asked,
        message,
        variables,
    };
    if is_new {
        with.conversation = Some(conversation);
    }
    Ok(chat)
}

/// Stored variables; those that the workflow gained meanwhile are added, those it lost are not read.
async fn begin_variables(
    services: &Services,
    caller: &AppCaller,
    compiled: &CompiledWorkflow,
    conversation: &Conversation,
    is_new: bool,
    at: DateTime<Utc>,
    with: &mut Delta,
) -> Result<Vec<LiveVariable>> {
    if compiled.conversation_variables.is_empty() {
        return Ok(Vec::new());
    }
    let mut stored =
        if is_new { Vec::new() } else { ox_db::repo::conversations::variables(&services.db, conversation.id).await? };
    let mut live = Vec::with_capacity(compiled.conversation_variables.len());
    for variable in &compiled.conversation_variables {
        let id = variable_id(&variable.id);
        let row = match stored.iter().position(|row| row.id == id) {
            Some(position) => stored.swap_remove(position),
            None => {
                let row = ConversationVariable {
                    id,
                    conversation_id: conversation.id,
                    app_id: caller.app.app.id,
                    data: variable.to_json(ox_dsl::variables::Scope::Conversation, ox_dsl::variables::Secrets::Plain),
                    created_at: at,
                    updated_at: at,
                };
                with.variables.insert(id, row.clone());
                row
            }
        };
        live.push(LiveVariable { name: variable.name.clone(), value_type: variable.value_type, row });
    }
    Ok(live)
}

/// Ids of variables in files need not be UUIDs; the same text always gives the same id.
fn variable_id(text: &str) -> Uuid {
    text.parse().unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
}

/// The value of a live variable.
pub(super) fn variable_value(variable: &LiveVariable) -> Value {
    let stored = variable.row.data.get("value").unwrap_or(&Json::Null);
    Value::typed(stored, variable.value_type).unwrap_or_else(|_| Value::from_json(stored))
}

pub(crate) fn new_conversation(
    caller: &AppCaller,
    at: DateTime<Utc>,
    query: &str,
    inputs: Json,
    introduction: String,
) -> Conversation {
    let (end_user, account) = from_whom(caller);
    Conversation {
        id: ConversationId::new(),
        app_id: caller.app.app.id,
        app_model_config_id: caller.app.app.app_model_config_id,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        mode: caller.app.mode.as_str().to_owned(),
        name: naming::initial_name(query),
        summary: None,
        inputs,
        introduction: Some(introduction),
        system_instruction: None,
        system_instruction_tokens: 0,
        status: "normal".to_owned(),
        invoke_from: Some(caller.invoke_from.as_str().to_owned()),
        from_source: caller.from_source().to_owned(),
        from_end_user_id: end_user,
        from_account_id: account,
        read_at: None,
        read_account_id: None,
        dialogue_count: 0,
        is_deleted: false,
        created_at: at,
        updated_at: at,
    }
}

pub(crate) fn new_message(
    caller: &AppCaller,
    at: DateTime<Utc>,
    conversation: &Conversation,
    query: &str,
    inputs: &Json,
) -> Message {
    let (end_user, account) = from_whom(caller);
    let zero = || "0".to_owned();
    Message {
        id: MessageId::new(),
        app_id: caller.app.app.id,
        conversation_id: conversation.id,
        parent_message_id: None,
        model_provider: None,
        model_id: None,
        override_model_configs: None,
        inputs: inputs.to_string(),
        query: query.to_owned(),
        message: None,
        answer: String::new(),
        message_tokens: 0,
        message_unit_price: zero(),
        message_price_unit: "0.001".to_owned(),
        answer_tokens: 0,
        answer_unit_price: zero(),
        answer_price_unit: "0.001".to_owned(),
        total_price: None,
        currency: "USD".to_owned(),
        provider_response_latency: 0.0,
        status: "normal".to_owned(),
        error: None,
        message_metadata: None,
        invoke_from: Some(caller.invoke_from.as_str().to_owned()),
        from_source: caller.from_source().to_owned(),
        from_end_user_id: end_user,
        from_account_id: account,
        agent_based: false,
        workflow_run_id: None,
        app_mode: Some(caller.app.mode.as_str().to_owned()),
        owner: None,
        created_at: at,
        updated_at: at,
    }
}

/// The message that a new one continues. The Service API knows no branches and says so; elsewhere a message without
/// a parent begins its conversation, or is another version of its beginning.
pub(crate) fn parent_of(caller: &AppCaller, asked: Option<MessageId>) -> Option<MessageId> {
    match caller.invoke_from {
        InvokeFrom::ServiceApi => Some(asked.unwrap_or(chat::thread::ANY)),
        _ => asked,
    }
}

fn from_whom(caller: &AppCaller) -> (Option<EndUserId>, Option<AccountId>) {
    match &caller.user {
        RunUser::EndUser { id, .. } => (Some(EndUserId(*id)), None),
        RunUser::Account { id, .. } => (None, Some(AccountId(*id))),
    }
}

/// The user's files as rows of their message.
pub(crate) fn message_files(
    caller: &AppCaller,
    message: MessageId,
    files: &[Value],
    at: DateTime<Utc>,
) -> Vec<MessageFile> {
    files
        .iter()
        .filter_map(|value| match value {
            Value::File(file) => Some(MessageFile {
                id: ox_types::new_uuid(),
                message_id: message,
                kind: file.kind.as_str().to_owned(),
                transfer_method: file.transfer_method.as_str().to_owned(),
                belongs_to: Some("user".to_owned()),
                url: file.remote_url.clone(),
                upload_file_id: file.related_id.as_deref().and_then(|id| id.parse().ok()).map(FileId),
                created_by_role: caller.user.role().to_owned(),
                created_by: caller.user.id(),
                created_at: at,
            }),
            _ => None,
        })
        .collect()
}
