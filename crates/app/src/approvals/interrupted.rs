//! Questions whose process has died: asked again by those who take its runs over, or ended with what asked them.

use std::collections::HashSet;

use ox_db::repo;
use ox_engine::{Interruption, Recovery};
use ox_types::{NodeRunId, TaskId, TenantId};
use uuid::Uuid;

use super::{ANSWER, Answer, Approval, OPEN, answer_key, open_key, open_prefix};
use crate::{Result, Services};

/// Questions that are looked through.
const MOST: u64 = 5000;

/// What a dead process has left of a run's questions.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Executions that had called no tool yet: to run them again repeats no effect.
    again: HashSet<NodeRunId>,
    keys: Vec<String>,
}

impl Left {
    /// What other processes have asked for a task; also what was answered there and not read.
    pub(crate) async fn of_task(services: &Services, tenant: TenantId, task: TaskId) -> Result<Self> {
        let own = services.runs.process_id;
        let open = repo::kv::list(&services.db, &open_prefix(tenant), MOST).await?;
        let open = open.iter().filter_map(|text| serde_json::from_str::<Approval>(text).ok());
        let answered = repo::kv::list(&services.db, ANSWER, MOST).await?;
        let answered = answered.iter().filter_map(|text| serde_json::from_str::<Answer>(text).ok()?.question);
        let mut left = Self::default();
        for question in
            open.chain(answered).filter(|one| one.tenant == tenant.0 && one.task_id == task && one.process != own)
        {
            left.keys.extend([open_key(tenant, question.id), answer_key(question.id)]);
            left.again.extend(question.again);
        }
        Ok(left)
    }

    /// Those who had only asked ask again; others that were at work may not run twice.
    pub(crate) fn mark(&self, recovery: &mut Recovery) {
        for node in recovery.interrupted.iter_mut().filter(|node| self.again.contains(&node.node_run_id)) {
            node.state = Interruption::Paused;
        }
    }

    /// Takes the questions back: whoever asks again does so under another id.
    pub(crate) async fn forget(&self, services: &Services) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let tx = services.db.begin().await?;
        for key in &self.keys {
            repo::kv::delete(&tx, key).await?;
        }
        tx.commit().await?;
        tracing::info!(again = self.again.len(), "took back what a dead process had asked about tools");
        Ok(())
    }
}

/// Ends the questions of answers that a dead process was writing: they end with these answers.
pub(crate) async fn end_of_messages(services: &Services, author: Uuid) -> Result<()> {
    let all = repo::kv::list(&services.db, OPEN, MOST).await?;
    let all = all.iter().filter_map(|text| serde_json::from_str::<Approval>(text).ok());
    let ended: Vec<Approval> = all.filter(|one| one.is_message && one.process == author).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let tx = services.db.begin().await?;
    for question in &ended {
        repo::kv::delete(&tx, &open_key(TenantId(question.tenant), question.id)).await?;
        repo::kv::delete(&tx, &answer_key(question.id)).await?;
    }
    tx.commit().await?;
    for _ in &ended {
        metrics::counter!("oxidify_tool_approvals_total", "decision" => "interrupted").increment(1);
    }
    Ok(())
}
