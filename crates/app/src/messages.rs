//! Messages of a user's conversations: pages of history, saved answers, follow-up questions.

use std::collections::HashMap;

use ox_db::{
    PageOf,
    model::{AgentThought, Message, MessageFeedback, MessageFile, SavedMessage, UploadFile},
    now, repo,
};
use ox_types::{ConversationId, FileId, MessageId, boxed};

use crate::{AppCaller, Error, Result, Services, conversations, runs::AppMode};

/// A message with what is shown beside it.
#[derive(Clone, Debug)]
pub struct MessageView {
    pub message: Message,
    pub feedback: Option<MessageFeedback>,
    pub files: Vec<FileView>,
    /// The rounds of an agent.
    pub thoughts: Vec<AgentThought>,
}

/// A file of a message with its address.
#[derive(Clone, Debug)]
pub struct FileView {
    pub file: MessageFile,
    pub upload: Option<UploadFile>,
    pub url: Option<String>,
}

/// The newest messages of a conversation in ascending order, or those before `first_id`.
///
/// # Errors
/// 404 when the conversation or `first_id` is unknown.
#[boxed]
pub async fn list(
    services: &Services,
    caller: &AppCaller,
    conversation: ConversationId,
    first_id: Option<MessageId>,
    limit: u64,
) -> Result<PageOf<MessageView>> {
    conversations::find(services, caller, conversation).await?;
    let first = match first_id {
        None => None,
        Some(id) => {
            let found = repo::messages::find(&services.db, caller.app.app.id, id).await?;
            let found = found.filter(|message| message.conversation_id == conversation);
            Some(found.ok_or_else(|| Error::not_found("First Message Not Exists."))?)
        }
    };
    let mut page = repo::messages::list(&services.db, conversation, first.as_ref(), limit).await?;
    page.items.reverse();
    Ok(PageOf { items: views(services, caller, page.items).await?, has_more: page.has_more })
}

pub(crate) async fn views(services: &Services, caller: &AppCaller, messages: Vec<Message>) -> Result<Vec<MessageView>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let mut feedbacks: HashMap<MessageId, MessageFeedback> =
        repo::messages::feedbacks_of(&services.db, &ids, Some(crate::feedback::side(caller)))
            .await?
            .into_iter()
            .map(|feedback| (feedback.message_id, feedback))
            .collect();
    let files = repo::messages::files_of(&services.db, &ids).await?;
    let uploads: Vec<FileId> = files.iter().filter_map(|file| file.upload_file_id).collect();
    let uploads: HashMap<FileId, UploadFile> = repo::upload_files::find_all(&services.db, caller.tenant_id(), &uploads)
        .await?
        .into_iter()
        .map(|upload| (upload.id, upload))
        .collect();
    let mut by_message: HashMap<MessageId, Vec<FileView>> = HashMap::new();
    for file in files {
        let upload = file.upload_file_id.and_then(|id| uploads.get(&id)).cloned();
        let url = match &upload {
            Some(upload) => Some(services.files.preview_url(upload.id)),
            None => file.url.clone(),
        };
        by_message.entry(file.message_id).or_default().push(FileView { file, upload, url });
    }
    let mut thoughts = thoughts_of(services, &messages).await?;
    Ok(messages
        .into_iter()
        .map(|message| MessageView {
            thoughts: thoughts.remove(&message.id).unwrap_or_default(),
            feedback: feedbacks.remove(&message.id),
            files: by_message.remove(&message.id).unwrap_or_default(),
            message,
        })
        .collect())
}

/// The rounds of those messages that agents have answered.
pub(crate) async fn thoughts_of(
    services: &Services,
    messages: &[Message],
) -> Result<HashMap<MessageId, Vec<AgentThought>>> {
    let ids: Vec<MessageId> = messages.iter().filter(|message| message.agent_based).map(|message| message.id).collect();
    let mut of: HashMap<MessageId, Vec<AgentThought>> = HashMap::new();
    for thought in repo::agent_thoughts::of_messages(&services.db, &ids).await? {
        of.entry(thought.message_id).or_default().push(thought);
    }
    Ok(of)
}

/// A message of the caller, or 404.
///
/// # Errors
/// 404 when it is not the caller's.
#[boxed]
pub async fn find(services: &Services, caller: &AppCaller, id: MessageId) -> Result<Message> {
    let (_, user) = caller.owner().creator();
    let found = repo::messages::find(&services.db, caller.app.app.id, id).await?;
    found
        .filter(|message| {
            message.from_source == caller.from_source()
                && (message.from_end_user_id.map(|id| id.0) == Some(user)
                    || message.from_account_id.map(|id| id.0) == Some(user))
        })
        .ok_or_else(|| Error::not_found("Message Not Exists."))
}

fn require_completion(caller: &AppCaller) -> Result<()> {
    if caller.app.mode == AppMode::Completion {
        return Ok(());
    }
    Err(Error::new(400, "not_completion_app", "Please check if your Completion app mode matches the right API route."))
}

/// The caller's bookmarked answers, newest first.
///
/// # Errors
/// 404 when `last_id` is not bookmarked.
#[boxed]
pub async fn saved(
    services: &Services,
    caller: &AppCaller,
    last_id: Option<MessageId>,
    limit: u64,
) -> Result<PageOf<MessageView>> {
    require_completion(caller)?;
    let (app, user) = (caller.app.app.id, caller.owner().creator().1);
    let page = repo::messages::saved(&services.db, app, user, last_id, limit).await?;
    let page = page.ok_or_else(|| Error::not_found("Last Message Not Exists."))?;
    let ids: Vec<MessageId> = page.items.iter().map(|saved| saved.message_id).collect();
    let mut found: HashMap<MessageId, Message> = repo::messages::find_all(&services.db, app, &ids)
        .await?
        .into_iter()
        .map(|message| (message.id, message))
        .collect();
    let ordered = ids.iter().filter_map(|id| found.remove(id)).collect();
    Ok(PageOf { items: views(services, caller, ordered).await?, has_more: page.has_more })
}

/// Bookmarks an answer.
///
/// # Errors
/// 404 when the message is not the caller's.
#[boxed]
pub async fn save(services: &Services, caller: &AppCaller, id: MessageId) -> Result<()> {
    require_completion(caller)?;
    find(services, caller, id).await?;
    let (role, user) = caller.owner().creator();
    let row = SavedMessage {
        id: ox_types::new_uuid(),
        app_id: caller.app.app.id,
        message_id: id,
        created_by_role: role.to_owned(),
        created_by: user,
        created_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::messages::save(&tx, row).await?;
    Ok(tx.commit().await?)
}

/// Takes a bookmark back.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn unsave(services: &Services, caller: &AppCaller, id: MessageId) -> Result<()> {
    require_completion(caller)?;
    let tx = services.db.begin().await?;
    repo::messages::unsave(&tx, caller.app.app.id, id, caller.owner().creator().1).await?;
    Ok(tx.commit().await?)
}

/// Questions the user may ask next; an empty list when the model gives none.
///
/// # Errors
/// 404 when the message is not the caller's; 400 when the feature is off.
#[boxed]
pub async fn suggested(services: &Services, caller: &AppCaller, id: MessageId) -> Result<Vec<String>> {
    let message = find(services, caller, id).await?;
    let enabled = crate::runs::features_of(services, &caller.app, message.conversation_id)
        .await?
        .is_some_and(|features| features.suggested_questions_after_answer);
    if !enabled {
        return Err(Error::bad_request("Suggested Questions Is Disabled."));
    }
    crate::chat::titles::suggestions(services, caller, &message).await
}
