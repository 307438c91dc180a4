//! What a run changes in the database between two commits.

use indexmap::IndexMap;
pub use ox_db::repo::journal::Touch;
use ox_db::{
    Database,
    model::{
        AgentThought, Conversation, ConversationVariable, Message, MessageFile, NodeExecution, WorkflowAppLog,
        WorkflowRun,
    },
    repo::{
        human_input::PauseRecord,
        journal::{RunBatch, RunWriter},
    },
};
use ox_types::NodeRunId;
use uuid::Uuid;

use super::{
    draft::DraftChange,
    recorder::{Journal, JournalError},
};

/// Rounds of an agent, by their ids.
pub type Thoughts = IndexMap<Uuid, AgentThought>;

/// Changes of one run, each row at most once, in its newest state.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub run: Option<WorkflowRun>,
    pub nodes: IndexMap<NodeRunId, NodeExecution>,
    pub log: Option<WorkflowAppLog>,
    pub conversation: Option<Conversation>,
    pub touch: Option<Touch>,
    pub message: Option<Message>,
    pub message_files: Vec<MessageFile>,
    pub thoughts: Thoughts,
    pub variables: IndexMap<Uuid, ConversationVariable>,
    /// The run waits: for what, and the forms that are new.
    pub pause: Option<Box<PauseRecord>>,
    /// Runs of the editor: what its inspector shows.
    pub draft: DraftChange,
}

impl Delta {
    /// Nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.run.is_none()
            && self.nodes.is_empty()
            && self.log.is_none()
            && self.conversation.is_none()
            && self.touch.is_none()
            && self.message.is_none()
            && self.message_files.is_empty()
            && self.thoughts.is_empty()
            && self.variables.is_empty()
            && self.pause.is_none()
            && self.draft.is_empty()
    }

    /// Adds later changes.
    pub fn merge(&mut self, newer: Self) {
        self.run = newer.run.or(self.run.take());
        self.message = newer.message.or(self.message.take());
        self.log = newer.log.or(self.log.take());
        self.conversation = newer.conversation.or(self.conversation.take());
        self.nodes.extend(newer.nodes);
        self.message_files.extend(newer.message_files);
        self.thoughts.extend(newer.thoughts);
        self.variables.extend(newer.variables);
        self.pause = newer.pause.or(self.pause.take());
        self.draft.variables.extend(newer.draft.variables);
        self.draft.inspected.extend(newer.draft.inspected);
        self.touch = match (self.touch, newer.touch) {
            (Some(a), Some(b)) => Some(Touch { messages: a.messages + b.messages, ..b }),
            (a, b) => b.or(a),
        };
    }

    fn add_to<'a>(&'a self, batch: &mut RunBatch<'a>) {
        batch.runs.extend(&self.run);
        batch.nodes.extend(self.nodes.values());
        batch.logs.extend(&self.log);
        batch.conversations.extend(&self.conversation);
        batch.touches.extend(self.touch);
        batch.messages.extend(&self.message);
        batch.message_files.extend(&self.message_files);
        batch.thoughts.extend(self.thoughts.values());
        batch.variables.extend(self.variables.values());
        batch.pauses.extend(self.pause.as_deref());
        batch.drafts.extend(&self.draft.variables);
        batch.inspected.extend(&self.draft.inspected);
    }
}

/// The journal in the database.
pub struct DbJournal {
    writer: RunWriter,
}

impl DbJournal {
    /// A journal that writes there, while this process is registered.
    #[must_use]
    pub const fn new(database: Database, process: Uuid) -> Self {
        Self { writer: RunWriter::of_process(database, process) }
    }
}

#[async_trait::async_trait]
impl Journal for DbJournal {
    async fn commit(&self, deltas: &[std::sync::Arc<Delta>]) -> Result<(), JournalError> {
        let mut batch = RunBatch::default();
        for delta in deltas {
            delta.add_to(&mut batch);
        }
        // A variable changed by two runs of one conversation is in the batch once: the later value.
        let mut seen = std::collections::HashSet::new();
        batch.variables.reverse();
        batch.variables.retain(|variable| seen.insert((variable.id, variable.conversation_id)));
        // So is one of the inspector that was written twice.
        let mut seen = std::collections::HashSet::new();
        batch.drafts.reverse();
        batch.drafts.retain(|variable| seen.insert((variable.app_id, &variable.node_id, &variable.name)));
        let mut seen = std::collections::HashSet::new();
        batch.inspected.reverse();
        batch.inspected.retain(|node| seen.insert((node.app_id, &node.node_id)));
        Ok(self.writer.commit(&batch).await?)
    }
}
