//! Looks after waiting runs: time limits, answers that a crash has left lying, mails; and stops them.

use std::{sync::Arc, time::Duration};

use ox_db::{
    model::HumanInputForm,
    repo::{self, human_input::Answer, leases},
    shared_now,
};
use ox_engine::{RunOutcome, StopCause, Usage};
use ox_types::{AppId, RunId, RunStatus, TaskId};
use uuid::Uuid;

use super::apply;
use crate::{
    Result, Services,
    runs::{self, STOPPED_BY_USER},
};

/// How often waiting forms are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Forms handled at a time.
const BATCH: u64 = 100;

/// Looks after waiting runs until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = expire(&services).await {
            tracing::error!(%error, "forms whose time is over cannot be ended");
        }
        if let Err(error) = resume_answered(&services).await {
            tracing::error!(%error, "answered runs cannot go on");
        }
        if let Err(error) = super::deliver(&services).await {
            tracing::error!(%error, "forms cannot be sent");
        }
    }
}

/// A run has just paused: its mails go out, and answers that came meanwhile count.
pub(crate) async fn after_pause(services: &Arc<Services>, run: RunId) {
    let done = async {
        resume_answered(services).await?;
        super::deliver(services).await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, %run, "looked at again in a moment");
    }
}

/// Goes on with paused runs that have an answer.
pub(crate) async fn resume_answered(services: &Arc<Services>) -> Result<()> {
    for run in repo::human_input::answered_runs(&services.db, BATCH).await? {
        let tx = services.db.begin().await?;
        let taken = repo::human_input::take_paused(&tx, run, services.runs.process_id).await?;
        tx.commit().await?;
        if taken {
            runs::recovery::go_on_surely(services, run, true).await;
        }
    }
    Ok(())
}

/// Ends forms whose time is over.
async fn expire(services: &Arc<Services>) -> Result<()> {
    let at = shared_now(&services.db).await?;
    for form in repo::human_input::due(&services.db, at, BATCH).await? {
        let run = repo::runs::find(&services.db, form.tenant_id, form.app_id, form.workflow_run_id).await?;
        match run.map(|run| run.status) {
            Some(status) if !status.is_final() => {}
            // Its run is over, or gone.
            _ => {
                let tx = services.db.begin().await?;
                repo::human_input::close(&tx, form.workflow_run_id, "the run has ended").await?;
                tx.commit().await?;
                continue;
            }
        }
        if form.expires_globally {
            let limit = services.settings.form_limit.as_secs();
            let why = format!(
                "The form '{}' was not answered within this installation's limit of {limit} s.",
                form.node_title
            );
            end_waiting(services, &form, &why).await?;
        } else {
            apply(services, &form, &Answer { status: "timeout", ..Answer::default() }).await?;
        }
    }
    Ok(())
}

async fn end_waiting(services: &Services, form: &HumanInputForm, why: &str) -> Result<bool> {
    stop_run(services, form.workflow_run_id, why).await
}

/// Ends a waiting run as stopped. False when it does not wait.
async fn stop_run(services: &Services, run: RunId, why: &str) -> Result<bool> {
    let tx = services.db.begin().await?;
    if !repo::human_input::take_paused(&tx, run, services.runs.process_id).await? {
        return Ok(false);
    }
    repo::human_input::close(&tx, run, why).await?;
    tx.commit().await?;
    let Some(takeover) = leases::load_for_takeover(&services.db, run).await? else { return Ok(false) };
    let outcome = RunOutcome {
        stopped_by: Some(StopCause::Request),
        error: Some(why.to_owned()),
        exceptions_count: u32::try_from(takeover.run.exceptions_count).unwrap_or(0),
        total_steps: u32::try_from(takeover.run.total_steps).unwrap_or(0),
        usage: Usage {
            total_tokens: u64::try_from(takeover.run.total_tokens).unwrap_or(0),
            total_price: takeover.run.total_price.clone().unwrap_or_default(),
            currency: takeover.run.currency.clone().unwrap_or_default(),
            ..Usage::default()
        },
        elapsed_seconds: takeover.run.elapsed_time,
        ..RunOutcome::new(RunStatus::Stopped)
    };
    runs::recovery::end_as(services, takeover, outcome).await?;
    Ok(true)
}

/// Stops the run of an app that waits under this task id; tells whether there is one. That of another user, where the
/// user counts, is left alone without a word.
pub(crate) async fn stop_waiting(services: &Services, app: AppId, task: TaskId, user: Option<Uuid>) -> Result<bool> {
    let Some(pause) = repo::human_input::waiting_task(&services.db, app, task).await? else { return Ok(false) };
    let run = repo::runs::find(&services.db, pause.tenant_id, app, pause.workflow_run_id).await?;
    let Some(run) = run.filter(|run| run.status == RunStatus::Paused) else { return Ok(false) };
    if run.kind == "chat" && user.is_some_and(|user| user != run.created_by) {
        return Ok(true);
    }
    stop_run(services, run.id, STOPPED_BY_USER).await
}
