//! The end of a run: its row, its message, and what is told.

use chrono::{DateTime, Utc};
use ox_db::model::{Message, WorkflowRun};
use ox_engine::{RunOutcome, StopCause};
use ox_types::RunStatus;

use super::{
    Arc, Effects, State,
    shown::{files_text, text},
};
use crate::runs::{
    delta::{Delta, Touch},
    event::{AppMode, MessageMetadata, RunDone, StreamBody},
};

impl State {
    pub(super) fn run_finished(&mut self, mode: AppMode, at: DateTime<Utc>, outcome: &RunOutcome) -> Effects {
        if std::mem::replace(&mut self.finished, true) {
            return Effects::default();
        }
        // Compat: a limit is recorded as a stop and shown as a failure.
        let shown_status = match outcome.stopped_by {
            Some(StopCause::Limit) => RunStatus::Failed,
            _ => outcome.status,
        };
        let done = Arc::new(RunDone {
            status: shown_status,
            outputs: text(&outcome.outputs),
            error: outcome.error.clone(),
            elapsed_seconds: outcome.elapsed_seconds,
            total_tokens: outcome.usage.total_tokens,
            total_steps: outcome.total_steps,
            exceptions_count: outcome.exceptions_count,
            finished_at: at.timestamp(),
            files: files_text(&outcome.outputs),
        });
        let mut change = self.with.take().unwrap_or_default();
        self.finish_run_row(&done, outcome, at);
        change.run = Some(self.run.clone());
        let mut show = Vec::with_capacity(2);
        match mode {
            AppMode::AdvancedChat => self.finish_message(&done, at, &mut change, &mut show),
            _ => show.push(StreamBody::WorkflowFinished(done)),
        }
        count_run(&self.run, mode, outcome);
        Effects { change: Some(change), show, last: true }
    }

    fn finish_run_row(&mut self, done: &RunDone, outcome: &RunOutcome, at: DateTime<Utc>) {
        let run = &mut self.run;
        run.status = outcome.status;
        run.outputs = Some(done.outputs.to_string());
        run.error.clone_from(&done.error);
        run.elapsed_time = outcome.elapsed_seconds;
        run.total_tokens = i64::try_from(outcome.usage.total_tokens).unwrap_or(i64::MAX);
        run.total_steps = i32::try_from(outcome.total_steps).unwrap_or(i32::MAX);
        run.total_price = Some(outcome.usage.total_price.clone()).filter(|price| !price.is_empty());
        run.currency = Some(outcome.usage.currency.clone()).filter(|currency| !currency.is_empty());
        run.exceptions_count = i32::try_from(outcome.exceptions_count).unwrap_or(i32::MAX);
        run.finished_at = Some(at);
        // A replay begins where the run began: with these conversation variables, at this trigger.
        if run.kind == "workflow" && matches!(run.triggered_from.as_str(), "app-run" | "debugging") {
            run.resume = None;
        }
    }

    fn finish_message(
        &mut self,
        done: &Arc<RunDone>,
        at: DateTime<Utc>,
        change: &mut Delta,
        show: &mut Vec<StreamBody>,
    ) {
        let mut usage = self.usage.clone();
        usage.latency = round(self.started.elapsed().as_secs_f64());
        if let Some(first) = self.first_text {
            usage.time_to_first_token = Some(round(first.duration_since(self.started).as_secs_f64()));
            usage.time_to_generate = Some(round(first.elapsed().as_secs_f64()));
        }
        let resources = if self.show_citations { std::mem::take(&mut self.resources) } else { Vec::new() };
        // The nodes tell who answered them.
        let metadata = MessageMetadata { retriever_resources: resources, usage, ..MessageMetadata::default() };
        let metadata = Arc::new(metadata);
        let failed = done.status == RunStatus::Failed;
        if let Some(message) = &mut self.message {
            fill_message(message, &self.answer, &metadata, at);
            message.status = "normal".to_owned();
            if failed {
                message.status = "error".to_owned();
                message.error.clone_from(&done.error);
            }
            change.message = Some(message.clone());
            change.touch = Some(Touch { conversation_id: message.conversation_id, at, messages: 0 });
        }
        let end =
            StreamBody::MessageEnd { answer: self.answer.as_str().into(), metadata, files: Arc::clone(&done.files) };
        let finished = StreamBody::WorkflowFinished(Arc::clone(done));
        match done.status {
            RunStatus::Failed => show.extend([
                finished,
                StreamBody::Error {
                    code: "invalid_param".into(),
                    status: 400,
                    message: format!("Run failed: {}", done.error.as_deref().unwrap_or("unknown error")).into(),
                },
            ]),
            _ if self.moderated => show.extend([finished, self.replacement(), end]),
            RunStatus::Stopped => show.extend([finished, end]),
            _ => show.extend([end, finished]),
        }
    }
}

/// Writes the answer and what it cost into a message.
pub(crate) fn fill_message(message: &mut Message, answer: &str, metadata: &MessageMetadata, at: DateTime<Utc>) {
    let usage = &metadata.usage;
    message.answer = answer.to_owned();
    message.message_tokens = i32::try_from(usage.prompt_tokens).unwrap_or(i32::MAX);
    message.message_unit_price = usage.prompt_unit_price.to_string();
    message.message_price_unit = usage.prompt_price_unit.to_string();
    message.answer_tokens = i32::try_from(usage.completion_tokens).unwrap_or(i32::MAX);
    message.answer_unit_price = usage.completion_unit_price.to_string();
    message.answer_price_unit = usage.completion_price_unit.to_string();
    message.total_price = Some(usage.total_price.to_string());
    message.currency.clone_from(&usage.currency);
    message.provider_response_latency = usage.latency;
    message.message_metadata = serde_json::to_string(metadata).ok();
    message.updated_at = at;
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn count_run(run: &WorkflowRun, mode: AppMode, outcome: &RunOutcome) {
    let app = crate::runs::metric_app_label(run.app_id);
    let status = match outcome.status {
        RunStatus::PartialSucceeded => "partial",
        other => other.as_str(),
    };
    let kind = mode.as_str();
    let origin = run.triggered_from.clone();
    metrics::counter!("oxidify_workflow_runs_total", "app_id" => app.clone(), "kind" => kind, "invoke_from" => origin, "status" => status)
        .increment(1);
    metrics::histogram!("oxidify_workflow_run_duration_seconds", "app_id" => app, "kind" => kind, "status" => status)
        .record(outcome.elapsed_seconds);
}
