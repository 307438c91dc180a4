//! A run begins to wait, and goes on.

use chrono::{DateTime, Utc};
use ox_db::{
    model::{FormRecipient, HumanInputForm, NodeExecution, WorkflowPause},
    repo::human_input::PauseRecord,
};
use ox_engine::{NodeInfo, PauseReason};
use ox_types::TaskId;
use serde_json::{Map, json};

use super::{
    Arc, Delta, Effects, Json, MessageMetadata, NodeStatus, RunOutcome, RunSink, RunStatus, State, StreamBody, Usage,
    fill_message, text,
};
use crate::runs::event::RunPause;

/// Letters and digits of the secret in a form's address.
const TOKEN: usize = 32;

impl RunSink {
    /// Restores what the record of a paused or interrupted run tells of its cost, and of its message.
    pub fn restore_costs(&self, finished: &[NodeExecution], was_paused: bool) {
        let mut state = self.lock();
        state.was_paused = was_paused;
        for node in finished.iter().filter(|node| !matches!(node.node_type.as_str(), "iteration" | "loop")) {
            let usage = [&node.process_data, &node.outputs].into_iter().flatten().find_map(|text| {
                let json: Json = serde_json::from_str(text).ok()?;
                serde_json::from_value::<Usage>(json.get("usage")?.clone()).ok()
            });
            if let Some(usage) = usage {
                state.usage += &usage;
            }
        }
        let kept = state.message.as_ref().and_then(|message| message.message_metadata.as_deref());
        let kept: Json = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if let Some(Json::Array(resources)) = kept.get("retriever_resources") {
            state.resources.clone_from(resources);
        }
    }
}

impl State {
    /// What a reader of a run that goes on gets first.
    pub(super) fn resumed(&mut self, shown: String) -> Vec<StreamBody> {
        let mut show = Vec::with_capacity(2);
        if self.was_paused {
            show.push(StreamBody::WorkflowStarted { inputs: Arc::clone(&self.inputs), resumed: true });
        }
        // Before a pause everything was shown; what a process that died had shown may have gone further.
        if !self.was_paused {
            show.push(StreamBody::TextReplace { text: shown.as_str().into(), reason: "resumed" });
        }
        self.answer = shown;
        show
    }

    /// The run waits: its row, its message, the waiting nodes and their forms are written together.
    pub(super) fn paused(
        &mut self,
        reasons: Vec<PauseReason>,
        outcome: &RunOutcome,
        at: DateTime<Utc>,
        debug: bool,
    ) -> Effects {
        self.finished = true;
        let mut change = self.with.take().unwrap_or_default();
        let mut record = PauseRecord { pause: self.pause_row(at), forms: Vec::new(), recipients: Vec::new() };
        let (mut shown, mut show) = (Vec::with_capacity(reasons.len()), Vec::with_capacity(reasons.len() + 1));
        for reason in reasons {
            let Some(info) = reason.node else {
                let part = |key: &str| reason.data.get(key).cloned().unwrap_or_default();
                shown.push(json!({"TYPE": part("type"), "message": part("message")}));
                continue;
            };
            let mut row = self.node_row(&info, debug);
            row.status = NodeStatus::Paused;
            change.nodes.insert(row.id, row);
            let data = match reason.data.get("form_id") {
                Some(_) => reason.data,
                None => self.new_form(&info, &reason.data, at, debug, &mut record),
            };
            show.push(StreamBody::HumanInputRequired(Arc::new(required(&data))));
            shown.push(wire_reason(&data));
        }
        record.pause.reasons = Json::Array(shown.clone());
        change.pause = Some(Box::new(record));
        self.pause_rows(outcome, at, &mut change);
        show.push(StreamBody::WorkflowPaused(Arc::new(RunPause {
            reasons: shown,
            outputs: text(&outcome.outputs),
            answer: self.answer.as_str().into(),
            elapsed_seconds: outcome.elapsed_seconds,
            total_tokens: outcome.usage.total_tokens,
            total_steps: outcome.total_steps,
        })));
        Effects { change: Some(change), show, last: true }
    }

    fn pause_row(&self, at: DateTime<Utc>) -> WorkflowPause {
        WorkflowPause {
            id: ox_types::new_uuid(),
            tenant_id: self.run.tenant_id,
            app_id: self.run.app_id,
            workflow_id: self.run.workflow_id,
            workflow_run_id: self.run.id,
            task_id: self.task_id(),
            reasons: Json::Null,
            created_at: at,
            resumed_at: None,
        }
    }

    fn task_id(&self) -> TaskId {
        let resume = self.run.resume.as_deref().and_then(|text| serde_json::from_str::<Json>(text).ok());
        let id = resume.as_ref().and_then(|resume| resume.get("task_id")?.as_str()?.parse().ok());
        id.unwrap_or(TaskId(self.run.id.0))
    }

    /// The row of the run and its message, as they are while it waits.
    fn pause_rows(&mut self, outcome: &RunOutcome, at: DateTime<Utc>, change: &mut Delta) {
        let run = &mut self.run;
        run.status = RunStatus::Paused;
        run.elapsed_time = outcome.elapsed_seconds;
        run.total_tokens = i64::try_from(outcome.usage.total_tokens).unwrap_or(i64::MAX);
        run.total_steps = i32::try_from(outcome.total_steps).unwrap_or(i32::MAX);
        run.exceptions_count = i32::try_from(outcome.exceptions_count).unwrap_or(i32::MAX);
        change.run = Some(run.clone());
        if let Some(message) = &mut self.message {
            let metadata = MessageMetadata {
                retriever_resources: self.resources.clone(),
                usage: self.usage.clone(),
                ..MessageMetadata::default()
            };
            fill_message(message, &self.answer, &metadata, at);
            message.status = "paused".to_owned();
            change.message = Some(message.clone());
        }
    }

    /// Makes the form that a node asks for; returns the reason with the form's names in it.
    fn new_form(
        &self,
        info: &NodeInfo,
        reason: &Json,
        at: DateTime<Utc>,
        debug: bool,
        record: &mut PauseRecord,
    ) -> Json {
        let seconds = reason.get("timeout_seconds").and_then(Json::as_u64).unwrap_or(0);
        let own = std::time::Duration::from_secs(seconds);
        let expires_at = at + own.min(self.form_limit);
        let ways: Vec<&str> = reason
            .get("deliveries")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|way| way.get("type").and_then(Json::as_str))
            .collect();
        let (id, is_public) = (ox_types::new_uuid(), ways.contains(&"webapp"));
        let mut recipient = |kind: &str| {
            let token = ox_auth::random_code(TOKEN);
            record.recipients.push(FormRecipient {
                id: ox_types::new_uuid(),
                tenant_id: self.run.tenant_id,
                form_id: id,
                kind: kind.to_owned(),
                token: token.clone(),
                address: None,
                status: "ready".to_owned(),
                attempts: 0,
                next_attempt_at: None,
                error: None,
                created_at: at,
            });
            token
        };
        // Members of the workspace may always answer, from the run's page.
        let console = recipient("console");
        let public = is_public.then(|| recipient("webapp"));
        let mut data = reason.as_object().cloned().unwrap_or_default();
        data.insert("form_id".into(), json!(id));
        data.insert("node_id".into(), info.node.id.clone().into());
        data.insert("node_title".into(), info.node.title.clone().into());
        data.insert("display_in_ui".into(), (is_public || debug).into());
        let token = if debug { Some(console) } else { public };
        data.insert("form_token".into(), json!(token));
        data.insert("expiration_time".into(), expires_at.timestamp().into());
        let definition = Json::Object(data);
        record.forms.push(HumanInputForm {
            id,
            tenant_id: self.run.tenant_id,
            app_id: self.run.app_id,
            workflow_id: self.run.workflow_id,
            workflow_run_id: self.run.id,
            node_execution_id: info.node_run_id,
            node_id: info.node.id.clone(),
            node_title: info.node.title.clone(),
            status: "waiting".to_owned(),
            definition: definition.clone(),
            expires_at,
            expires_globally: self.form_limit < own,
            action_id: None,
            submitted_data: None,
            submitted_by_role: None,
            submitted_by: None,
            submitted_at: None,
            applied_at: None,
            delivered_at: (!ways.contains(&"email")).then_some(at),
            created_at: at,
        });
        definition
    }
}

/// `human_input_required.data`, its keys in the documented order.
pub(crate) fn required(definition: &Json) -> Json {
    pick(definition, &["display_in_ui", "form_token", "resolved_default_values", "expiration_time"], None)
}

/// One of `workflow_paused.reasons`.
fn wire_reason(definition: &Json) -> Json {
    pick(definition, &["resolved_default_values", "form_token", "expiration_time"], Some("human_input_required"))
}

fn pick(definition: &Json, last: &[&str], kind: Option<&str>) -> Json {
    let mut data = Map::new();
    if let Some(kind) = kind {
        data.insert("TYPE".into(), kind.into());
    }
    for key in ["form_id", "node_id", "node_title", "form_content", "inputs", "actions"].iter().chain(last) {
        data.insert((*key).to_owned(), definition.get(*key).cloned().unwrap_or_default());
    }
    Json::Object(data)
}
