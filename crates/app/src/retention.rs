//! Runs and messages that are older than they may be, removed by the upkeep when the operator has said so.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use ox_db::{
    Tx,
    repo::{
        model_calls,
        retention::{self, Kind},
    },
};
use ox_types::{AppId, WorkflowId, boxed};

use crate::{Result, Services};

/// Apps that are looked at in one query.
const APPS: u64 = 200;
/// The longest that one upkeep goes on; what is left goes with the next.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// How long things are kept. Nothing is deleted unasked: every part is off by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Days that runs are kept; `None`: for ever.
    pub run_days: Option<u32>,
    /// Days that messages are kept; `None`: for ever.
    pub message_days: Option<u32>,
    /// Only runs of these workflows go.
    pub workflows: Vec<WorkflowId>,
    /// Rows of one transaction.
    pub batch: u64,
    /// The longest pause between two transactions; as long as the one before took.
    pub pause: Duration,
}

/// What has gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Whole days of runs, and of messages.
    pub run_days: Vec<NaiveDate>,
    pub message_days: Vec<NaiveDate>,
    pub runs: u64,
    pub log_entries: u64,
    pub messages: u64,
    pub conversations: u64,
    /// Of models; their sums stay.
    pub model_calls: u64,
}

/// What is removed step by step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Runs,
    Logs,
    Messages,
    Conversations,
}

/// Removes what is too old at a time.
///
/// # Errors
/// When the database fails; what has gone until then has gone.
#[boxed]
pub async fn clean(services: &Services, at: DateTime<Utc>) -> Result<Cleaned> {
    let settings = &services.settings.retention;
    let mut cleaned = Cleaned::default();
    let started = Instant::now();
    let limit = |days: u32| at - chrono::Duration::days(i64::from(days));
    if let Some(before) = settings.run_days.map(limit) {
        if settings.workflows.is_empty() {
            cleaned.run_days = retention::drop_days(&services.db, Kind::Runs, before).await?;
        }
        cleaned.runs = all(services, Part::Runs, before, started).await?;
        if settings.workflows.is_empty() {
            cleaned.log_entries = all(services, Part::Logs, before, started).await?;
        }
    }
    if let Some(before) = settings.message_days.map(limit) {
        cleaned.message_days = retention::drop_days(&services.db, Kind::Messages, before).await?;
        cleaned.messages = all(services, Part::Messages, before, started).await?;
        cleaned.conversations = all(services, Part::Conversations, before, started).await?;
    }
    // A call belongs to a run or a message, and goes when both have gone.
    let run_days = settings.run_days.filter(|_| settings.workflows.is_empty());
    if let Some(before) = run_days.max(settings.message_days).map(limit) {
        cleaned.model_calls = calls(services, before, started).await?;
    }
    if cleaned != Cleaned::default() {
        tracing::info!(?cleaned, seconds = started.elapsed().as_secs_f64(), "what was too old is gone");
    }
    Ok(cleaned)
}

/// One part of every app, in small transactions with pauses, so that others get to write.
async fn all(services: &Services, part: Part, before: DateTime<Utc>, started: Instant) -> Result<u64> {
    let settings = &services.settings.retention;
    let (mut gone, mut last) = (0, None);
    loop {
        let apps = retention::apps_after(&services.db, last, APPS).await?;
        let Some(end) = apps.last().copied() else { return Ok(gone) };
        for app in apps {
            loop {
                if services.shutdown.is_cancelled() || started.elapsed() > LIMIT {
                    return Ok(gone);
                }
                let step = Instant::now();
                let tx = services.db.begin().await?;
                let removed = one(&tx, part, app, before, settings).await?;
                tx.commit().await?;
                gone += removed;
                if removed < settings.batch {
                    break;
                }
                tokio::time::sleep(step.elapsed().min(settings.pause)).await;
            }
        }
        last = Some(end);
    }
}

/// Calls of models, of all workspaces.
async fn calls(services: &Services, before: DateTime<Utc>, started: Instant) -> Result<u64> {
    let settings = &services.settings.retention;
    let mut gone = 0;
    while !services.shutdown.is_cancelled() && started.elapsed() < LIMIT {
        let step = Instant::now();
        let tx = services.db.begin().await?;
        let removed = model_calls::remove_before(&tx, before, settings.batch).await?;
        tx.commit().await?;
        gone += removed;
        if removed < settings.batch {
            break;
        }
        tokio::time::sleep(step.elapsed().min(settings.pause)).await;
    }
    Ok(gone)
}

async fn one(tx: &Tx, part: Part, app: AppId, before: DateTime<Utc>, settings: &Settings) -> Result<u64> {
    let batch = settings.batch;
    Ok(match part {
        Part::Runs => retention::runs_step(tx, app, before, &settings.workflows, batch).await?,
        Part::Logs => retention::logs_step(tx, app, before, batch).await?,
        Part::Messages => retention::messages_step(tx, app, before, batch).await?,
        Part::Conversations => retention::conversations_step(tx, app, before, batch).await?,
    })
}
