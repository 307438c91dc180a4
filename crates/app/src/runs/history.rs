//! The memory of a conversation, for nodes.

use std::{collections::HashMap, time::Duration};

use ox_db::{
    Database,
    model::{Message, MessageFile},
    repo,
};
use ox_engine::RunInfo;
use ox_nodes::{HistoryMessage, HistoryPort, PortError};
use ox_types::{ConversationId, File, FileKind, MessageId, RunId, TenantId, TransferMethod};

use crate::{
    chat::{given, prompt::Round, thread},
    files::FileStore,
};

/// The longest wait for the commit of a run's first rows; then its thread is that of the newest message.
const OWN_MESSAGE_WAIT: Duration = Duration::from_millis(500);

/// Reads conversations from the database.
pub struct ConversationHistory {
    db: Database,
    files: FileStore,
}

#[async_trait::async_trait]
impl HistoryPort for ConversationHistory {
    async fn messages(&self, run: &RunInfo, limit: usize) -> Result<Vec<HistoryMessage>, PortError> {
        let Some(conversation) = run.conversation_id else { return Ok(Vec::new()) };
        let wrong = |error: ox_db::Error| {
            tracing::error!(%error, "the history of a conversation cannot be read");
            PortError("The conversation cannot be read.".to_owned())
        };
        // One more: the message of this run is among them.
        let limit = u64::try_from(limit).unwrap_or(500).min(500) + 1;
        let past = self.past(conversation, run.run_id, limit).await.map_err(wrong)?;
        let ids: Vec<MessageId> = past.iter().map(|message| message.id).collect();
        let mut files: HashMap<MessageId, Vec<MessageFile>> = HashMap::new();
        for file in repo::messages::files_of(&self.db, &ids).await.map_err(wrong)? {
            files.entry(file.message_id).or_default().push(file);
        }
        let mut history = Vec::with_capacity(past.len());
        for message in past {
            let mut entry = HistoryMessage {
                id: message.id.to_string(),
                parent_id: message.parent_message_id.map(|id| id.to_string()),
                query: message.query,
                answer: message.answer,
                answer_tokens: u64::try_from(message.answer_tokens).unwrap_or(0),
                ..HistoryMessage::default()
            };
            for row in files.remove(&message.id).unwrap_or_default() {
                let is_answer = row.belongs_to.as_deref() == Some("assistant");
                let Some(file) = self.file(run.tenant_id, row).await.map_err(wrong)? else { continue };
                if is_answer { entry.answer_files.push(file) } else { entry.query_files.push(file) }
            }
            history.push(entry);
        }
        if u64::try_from(history.len()).unwrap_or(limit) < limit {
            let given = given::of(&self.db, conversation).await.map_err(wrong)?;
            append_given(&mut history, &given);
        }
        Ok(history)
    }
}

/// Puts the rounds before a conversation behind its messages, newest first; each continues the next.
fn append_given(history: &mut Vec<HistoryMessage>, given: &[Round]) {
    let name = |index: usize| format!("given-{index}");
    // An answer to nothing is no message: an opening statement, as a rule.
    let told = given.iter().filter(|round| !round.query.is_empty() && !round.answer.is_empty());
    for (index, round) in told.rev().enumerate() {
        if let Some(last) = history.last_mut() {
            last.parent_id = Some(name(index));
        }
        history.push(HistoryMessage {
            id: name(index),
            query: round.query.clone(),
            answer: round.answer.clone(),
            answer_tokens: 1,
            ..HistoryMessage::default()
        });
    }
}

impl ConversationHistory {
    /// Over a database and the files of its messages.
    #[must_use]
    pub const fn new(db: Database, files: FileStore) -> Self {
        Self { db, files }
    }

    /// What the message of a run continues, newest first. The run's own message tells which branch that is; its first
    /// commit may still be under way.
    async fn past(
        &self,
        conversation: ConversationId,
        run_id: RunId,
        limit: u64,
    ) -> Result<Vec<Message>, ox_db::Error> {
        let mut wait = Duration::from_millis(2);
        loop {
            let mut items = repo::messages::list(&self.db, conversation, None, limit).await?.items;
            if let Some(own) = items.iter().position(|message| message.workflow_run_id == Some(run_id)) {
                let parent = items.get(own).and_then(|message| message.parent_message_id);
                let earlier = items.split_off(own + 1);
                return Ok(thread::remembered(thread::before(parent, earlier)));
            }
            if wait > OWN_MESSAGE_WAIT {
                return Ok(thread::remembered(items));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// The files that were made for the answer of a message.
    pub(crate) async fn answer_files(&self, tenant: TenantId, message: MessageId) -> Result<Vec<File>, ox_db::Error> {
        let mut files = Vec::new();
        for row in repo::messages::files_of(&self.db, &[message]).await? {
            if row.belongs_to.as_deref() == Some("assistant") {
                files.extend(self.file(tenant, row).await?);
            }
        }
        Ok(files)
    }

    async fn file(&self, tenant: TenantId, row: MessageFile) -> Result<Option<File>, ox_db::Error> {
        let kind = [FileKind::Image, FileKind::Document, FileKind::Audio, FileKind::Video]
            .into_iter()
            .find(|kind| kind.as_str() == row.kind)
            .unwrap_or(FileKind::Custom);
        let mut file = File {
            id: None,
            tenant_id: Some(tenant.to_string()),
            kind,
            transfer_method: TransferMethod::RemoteUrl,
            remote_url: row.url.clone(),
            related_id: None,
            filename: None,
            extension: None,
            mime_type: row.url.as_deref().and_then(crate::files::mime_of).map(str::to_owned),
            size: -1,
            url: row.url,
        };
        let Some(id) = row.upload_file_id else { return Ok(Some(file)) };
        let Some(upload) = repo::upload_files::find(&self.db, tenant, id).await? else { return Ok(None) };
        file.transfer_method = TransferMethod::LocalFile;
        file.related_id = Some(id.to_string());
        file.filename = Some(upload.name);
        file.extension = Some(format!(".{}", upload.extension));
        file.mime_type = upload.mime_type;
        file.size = upload.size;
        file.url = Some(self.files.preview_url(id));
        Ok(Some(file))
    }
}
