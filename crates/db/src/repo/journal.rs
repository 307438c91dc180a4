//! Recording of runs: many changes, one transaction, few statements.
//!
//! The caller groups what arrived (see the recorder in `app`) and calls [`RunWriter::commit`]. Every row goes in
//! whole; a row that exists keeps its key, its creation data and its inputs, and takes the rest.
//! Invariants: all of a batch or nothing of it; a row is at most once in a batch; a run whose lease was taken
//! over by another process is not written any more.

mod rows;
mod statement;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use ox_types::{AppId, ConversationId, NodeRunId, boxed};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use self::{
    rows::{CONVERSATIONS, DRAFTS, FILES, INTENTS, LOGS, MESSAGES, NODES, RUNS, THOUGHTS, VARIABLES},
    statement::Upsert,
};
use super::human_input::PauseRecord;
use crate::{
    Database, Error, Result, Tx,
    model::{
        AgentThought, Conversation, ConversationVariable, DraftVariable, Message, MessageFile, NodeExecution,
        RunIntent, WorkflowAppLog, WorkflowRun,
    },
};

/// Changes to write together.
#[derive(Clone, Debug, Default)]
pub struct RunBatch<'a> {
    pub runs: Vec<&'a WorkflowRun>,
    pub nodes: Vec<&'a NodeExecution>,
    pub intents: Vec<&'a RunIntent>,
    pub logs: Vec<&'a WorkflowAppLog>,
    /// New ones, or changes of name, status and settings; `touches` counts their messages.
    pub conversations: Vec<&'a Conversation>,
    pub touches: Vec<Touch>,
    pub messages: Vec<&'a Message>,
    pub message_files: Vec<&'a MessageFile>,
    pub thoughts: Vec<&'a AgentThought>,
    pub variables: Vec<&'a ConversationVariable>,
    pub pauses: Vec<&'a PauseRecord>,
    /// What the inspector shows of the nodes that `inspected` names.
    pub drafts: Vec<&'a DraftVariable>,
    /// Nodes that ran in the editor: their variables of earlier executions go.
    pub inspected: Vec<&'a Inspected>,
}

/// A node of an app whose variables all come from one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub app_id: AppId,
    pub node_id: String,
    pub execution: NodeRunId,
}

/// Messages were added to a conversation that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    pub conversation_id: ConversationId,
    pub at: DateTime<Utc>,
    pub messages: i32,
}

impl RunBatch<'_> {
    /// Nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
            && self.nodes.is_empty()
            && self.intents.is_empty()
            && self.logs.is_empty()
            && self.conversations.is_empty()
            && self.touches.is_empty()
            && self.messages.is_empty()
            && self.message_files.is_empty()
            && self.thoughts.is_empty()
            && self.variables.is_empty()
            && self.pauses.is_empty()
            && self.drafts.is_empty()
            && self.inspected.is_empty()
    }

    /// How many rows it writes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.runs.len()
            + self.nodes.len()
            + self.intents.len()
            + self.logs.len()
            + self.conversations.len()
            + self.touches.len()
            + self.messages.len()
            + self.message_files.len()
            + self.thoughts.len()
            + self.variables.len()
            + self.pauses.len()
            + self.drafts.len()
    }
}

/// Writes batches. One per process; calls wait for each other on SQLite.
#[derive(Clone)]
pub struct RunWriter {
    database: Database,
    process: Option<Uuid>,
}

impl RunWriter {
    /// A writer on a database, for whoever runs nothing under a lease.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, process: None }
    }

    /// The writer of a process. It refuses once the process is not registered (any more): others may have taken
    /// over its runs.
    #[must_use]
    pub const fn of_process(database: Database, process: Uuid) -> Self {
        Self { database, process: Some(process) }
    }

    /// Writes all changes in one transaction, durable when it returns.
    ///
    /// # Errors
    /// `Conflict` when one of the runs belongs to another process now; any error means that nothing was written.
    pub async fn commit(&self, batch: &RunBatch<'_>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let tx = self.database.begin().await?;
        if let Some(process) = self.process
            && !is_registered(&tx, process).await?
        {
            return Err(Error::Conflict("this process has lost its lease; others may run what it ran".to_owned()));
        }
        write(&tx, batch).await?;
        tx.commit().await
    }
}

/// On PostgreSQL the row stays locked until the commit, so that nobody strikes the process off in between.
async fn is_registered(tx: &Tx, process: Uuid) -> Result<bool> {
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT 1 FROM processes WHERE id = $1 FOR KEY SHARE",
        _ => "SELECT 1 FROM processes WHERE id = $1",
    };
    Ok(connection.query_one_raw(Statement::from_sql_and_values(backend, sql, [process.into()])).await?.is_some())
}

/// As [`RunWriter::commit`], inside a transaction that does more.
///
/// # Errors
/// As there.
pub async fn write(tx: &Tx, batch: &RunBatch<'_>) -> Result<()> {
    put(tx, &CONVERSATIONS, &last_of_each(&batch.conversations)).await?;
    touch(tx, &batch.touches).await?;
    put(tx, &MESSAGES, &batch.messages).await?;
    put(tx, &FILES, &batch.message_files).await?;
    put(tx, &THOUGHTS, &batch.thoughts).await?;
    if put(tx, &RUNS, &batch.runs).await? < batch.runs.len() as u64 {
        let ids: Vec<String> = batch.runs.iter().map(|run| run.id.to_string()).collect();
        return Err(Error::Conflict(format!("another process has taken over one of these runs: {}", ids.join(", "))));
    }
    put(tx, &NODES, &batch.nodes).await?;
    put(tx, &LOGS, &batch.logs).await?;
    put(tx, &INTENTS, &batch.intents).await?;
    put(tx, &VARIABLES, &batch.variables).await?;
    for pause in &batch.pauses {
        super::human_input::record(tx, pause).await?;
    }
    put(tx, &DRAFTS, &batch.drafts).await?;
    // Afterwards: what is given again keeps its id.
    forget_inspected(tx, &batch.inspected).await?;
    Ok(())
}

/// Only runs of the editor come here: one statement for each node does.
async fn forget_inspected(tx: &Tx, nodes: &[&Inspected]) -> Result<()> {
    let connection = tx.connection();
    for node in nodes {
        let statement = Statement::from_sql_and_values(
            connection.get_database_backend(),
            "DELETE FROM workflow_draft_variables WHERE app_id = $1 AND node_id = $2 AND node_execution_id <> $3",
            [node.app_id.0.into(), node.node_id.clone().into(), node.execution.0.into()],
        );
        connection.execute_raw(statement).await?;
    }
    Ok(())
}

/// Forgets the intents of runs that have ended; called now and then.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge_intents(tx: &Tx, before: DateTime<Utc>) -> Result<u64> {
    let statement = Statement::from_sql_and_values(
        tx.connection().get_database_backend(),
        "DELETE FROM run_intents WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE \
         r.id = run_intents.run_id AND r.finished_at IS NULL)",
        [before.into()],
    );
    Ok(tx.connection().execute_raw(statement).await?.rows_affected())
}

/// Writes rows in as few statements as there are powers of two in their number, so that few different
/// statements are ever prepared. Returns how many rows were written.
async fn put<R>(tx: &Tx, table: &Upsert<R>, rows: &[&R]) -> Result<u64> {
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    let mut written = 0;
    for chunk in statement::chunks(rows) {
        let mut values = Vec::with_capacity(chunk.len() * table.columns.len());
        for row in chunk {
            (table.push)(row, &mut values);
        }
        let statement = Statement::from_sql_and_values(backend, table.sql(backend, chunk.len()), values);
        written += connection.execute_raw(statement).await?.rows_affected();
    }
    Ok(written)
}

/// Two runs of one conversation may meet in a batch: the later state of it counts.
fn last_of_each<'a>(conversations: &[&'a Conversation]) -> Vec<&'a Conversation> {
    let mut seen = HashSet::new();
    let mut kept: Vec<_> = conversations.iter().rev().copied().filter(|found| seen.insert(found.id)).collect();
    kept.reverse();
    kept
}

async fn touch(tx: &Tx, touches: &[Touch]) -> Result<()> {
    // One row for each conversation: an update from a list takes any one of several.
    let mut sums: HashMap<ConversationId, (DateTime<Utc>, i32)> = HashMap::new();
    for touch in touches {
        let (at, messages) = sums.entry(touch.conversation_id).or_insert((touch.at, 0));
        *at = (*at).max(touch.at);
        *messages += touch.messages;
    }
    let sums: Vec<_> = sums.into_iter().collect();
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    for chunk in statement::chunks(&sums) {
        let sql = format!(
            "UPDATE conversations SET updated_at = v.column2, dialogue_count = dialogue_count + v.column3 FROM (VALUES \
             {}) AS v WHERE conversations.id = v.column1",
            statement::placeholders(backend, chunk.len(), 3)
        );
        let values = chunk.iter().flat_map(|(id, (at, messages))| [id.0.into(), (*at).into(), (*messages).into()]);
        let statement = Statement::from_sql_and_values(backend, sql, values.collect::<Vec<Value>>());
        connection.execute_raw(statement).await?;
    }
    Ok(())
}
