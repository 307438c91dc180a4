//! Runs of dead processes: taken over and gone on with, or ended with their reason.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ox_db::{
    model::{HumanInputForm, Message, NodeExecution, Process, WorkflowRun},
    now,
    repo::{self, leases},
    shared_now,
};
use ox_engine::{
    EventSink, FinishedNode, FrameRef, InterruptedNode, Interruption, Recovery, RunEvent, RunInfo, RunOutcome,
    RunStart, SinkClosed, UserKind,
};
use ox_types::{Json, Object, RunStatus, TaskId, Value, boxed};

use super::{
    compiled,
    delta::Delta,
    draft::DraftKeeper,
    event::{AppMode, InvokeFrom, RunUser, StreamHead},
    hub::Hub,
    launch::{self, ResumeData},
    runtime::STOPPED_BY_USER,
    signals,
    sink::{LiveVariable, RunBegin, RunSink},
};
use crate::{
    Error, Result, Services,
    approvals::interrupted::{Left, end_of_messages},
};

/// How long a process may be silent before its runs are taken over.
const LEASE: Duration = Duration::from_secs(15);
/// No process announces itself for longer: what lasts longer was announced before the clock was set back.
pub(crate) const LONGEST_LEASE: Duration = Duration::from_secs(30);
/// How often it tells that it lives.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// How often runs of others are looked at.
const SWEEP: Duration = Duration::from_secs(5);
/// How long to wait before a run is tried again that could not go on.
const AGAIN: Duration = Duration::from_secs(2);
/// What a basic app's message says whose answer nobody writes any more.
const INTERRUPTED: &str = "interrupted: the server stopped while it was answering; send the message again";
/// Runs taken over at a time.
const BATCH: u64 = 100;
/// Events of one process have numbers of their own: those of the next one come after this many.
pub(super) const EVENTS: u64 = 1_000_000_000;

/// Announces this process and starts its heartbeat and its look-out for abandoned runs. On SQLite every
/// other process is dead: the first look finds what a crash has left.
///
/// # Errors
/// When the database cannot be written.
#[boxed]
pub async fn start(services: &Arc<Services>) -> Result<()> {
    register(services).await?;
    services.tracker.spawn(heartbeat(Arc::clone(services)));
    services.tracker.spawn(sweep(Arc::clone(services)));
    services.tracker.spawn(super::signals::listen(Arc::clone(services)));
    services.tracker.spawn(super::signals::watch_stops(Arc::clone(services)));
    services.tracker.spawn(crate::providers::rests::share(Arc::clone(services)));
    services.tracker.spawn(crate::human_input::keep(Arc::clone(services)));
    services.tracker.spawn(crate::triggers::keep(Arc::clone(services)));
    services.tracker.spawn(super::result_webhook::keep(Arc::clone(services)));
    services.tracker.spawn(crate::mail::keep(Arc::clone(services)));
    services.tracker.spawn(crate::traces::keep(Arc::clone(services)));
    services.tracker.spawn(crate::knowledge::keep(Arc::clone(services)));
    services.tracker.spawn(crate::spend::keep(Arc::clone(services)));
    services.tracker.spawn(crate::spend::refusals::keep(Arc::clone(services)));
    services.tracker.spawn(crate::spend::alerts::keep(Arc::clone(services)));
    Ok(())
}

/// Gives up the lease, so that what is left is taken over at once.
#[boxed]
pub async fn release(services: &Services) {
    let released = async {
        let tx = services.db.begin().await?;
        leases::release(&tx, services.runs.process_id).await?;
        tx.commit().await
    };
    if let Err(error) = released.await {
        tracing::warn!(%error, "the lease runs out by itself");
    }
}

async fn register(services: &Services) -> Result<(), ox_db::Error> {
    let time = shared_now(&services.db).await?;
    let process = Process {
        id: services.runs.process_id,
        host: std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned()),
        pid: i64::from(std::process::id()),
        started_at: time,
        heartbeat_at: time,
        expires_at: time + LEASE,
    };
    let tx = services.db.begin().await?;
    leases::register(&tx, process).await?;
    tx.commit().await
}

async fn heartbeat(services: Arc<Services>) {
    let mut tick = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        let beat = async {
            let tx = services.db.begin().await?;
            let known = leases::heartbeat(&tx, services.runs.process_id, LEASE).await?;
            tx.commit().await?;
            Ok::<_, ox_db::Error>(known)
        };
        match beat.await {
            Ok(true) => {}
            // Silent for too long: others run what was ours. The journal refuses our writes; come back as a new one.
            Ok(false) => {
                tracing::error!("the lease of this process was lost; its runs were taken over");
                services.runs.abandon_all();
                if let Err(error) = register(&services).await {
                    tracing::error!(%error, "this process cannot announce itself");
                }
            }
            Err(error) => tracing::error!(%error, "the heartbeat cannot be written"),
        }
        metrics::gauge!("oxidify_workflow_runs_oldest_seconds").set(services.runs.oldest().as_secs_f64());
    }
}

async fn sweep(services: Arc<Services>) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = take_over_expired(&services).await {
            tracing::error!(%error, "abandoned runs cannot be taken over");
        }
        if let Err(error) = end_abandoned_messages(&services).await {
            tracing::error!(%error, "abandoned messages cannot be ended");
        }
    }
}

/// Takes over what has no living owner; returns how many runs.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take_over_expired(services: &Arc<Services>) -> Result<usize> {
    let at = shared_now(&services.db).await?;
    shorten_leases(services, at).await?;
    let found = leases::expired(&services.db, at, BATCH).await?;
    let mut taken = 0;
    for lease in found {
        let tx = services.db.begin().await?;
        let is_ours = leases::claim(&tx, lease, services.runs.process_id).await?;
        tx.commit().await?;
        if !is_ours {
            continue;
        }
        taken += 1;
        metrics::counter!("oxidify_workflow_runs_reaped_total").increment(1);
        go_on_surely(services, lease.run_id, false).await;
    }
    if taken > 0 {
        tracing::info!(runs = taken, "took over runs of processes that died");
        let tx = services.db.begin().await?;
        let before = shared_now(&tx).await? - chrono::Duration::minutes(5);
        leases::purge(&tx, services.runs.process_id, before).await?;
        tx.commit().await?;
    }
    Ok(taken)
}

/// After the shared clock was set back, a process that died before would seem alive until it has caught up.
async fn shorten_leases(services: &Services, at: DateTime<Utc>) -> Result<()> {
    // A living process that has just prolonged its own is left alone.
    let longest = at + LONGEST_LEASE;
    if leases::processes(&services.db).await?.iter().all(|process| process.expires_at <= longest) {
        return Ok(());
    }
    let tx = services.db.begin().await?;
    let shortened = leases::shorten(&tx, longest, at + LEASE).await?;
    tx.commit().await?;
    tracing::warn!(processes = shortened, "the clock was set back; leases were shortened");
    Ok(())
}

/// Ends the messages of basic apps whose process died: a model's answer cannot go on elsewhere. Returns how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn end_abandoned_messages(services: &Services) -> Result<u64> {
    let mut ended = 0;
    let at = shared_now(&services.db).await?;
    for author in leases::dead_authors(&services.db, services.runs.process_id, at).await? {
        let tx = services.db.begin().await?;
        let of_author = leases::end_messages_of(&tx, author, INTERRUPTED).await?;
        tx.commit().await?;
        if of_author > 0 {
            end_of_messages(services, author).await?;
        }
        ended += of_author;
    }
    if ended > 0 {
        tracing::info!(messages = ended, "ended messages of processes that died");
    }
    Ok(ended)
}

/// Goes on with a run that this process has taken: it must not be left lying.
pub(crate) async fn go_on_surely(services: &Arc<Services>, run: ox_types::RunId, was_paused: bool) {
    let Err(error) = go_on(services, run, was_paused).await else { return };
    tracing::error!(%error, run_id = %run, "a run cannot go on; trying again until it can");
    let services = Arc::clone(services);
    services.runs.tracker.clone().spawn(async move {
        loop {
            tokio::select! {
                // Another process takes it over.
                () = services.shutdown.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
            match go_on(&services, run, was_paused).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, run_id = %run, "it still cannot go on"),
            }
        }
    });
}

/// Goes on with a run that is this process's now: it has waited, or its process has died.
async fn go_on(services: &Arc<Services>, run_id: ox_types::RunId, was_paused: bool) -> Result<()> {
    let Some(takeover) = leases::load_for_takeover(&services.db, run_id).await? else { return Ok(()) };
    let mut run = takeover.run;
    run.owner = Some(services.runs.process_id);
    let mut data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    if let Some(data) = &mut data {
        data.resumed += 1;
        run.resume = serde_json::to_string(data).ok();
        let tx = services.db.begin().await?;
        repo::human_input::set_resume(&tx, run_id, run.resume.as_deref().unwrap_or_default()).await?;
        tx.commit().await?;
    }
    let forms = repo::human_input::of_run(&services.db, run_id).await?;
    let message = match data.as_ref().and_then(|data| data.message_id) {
        Some(id) => repo::messages::find(&services.db, run.app_id, id).await?,
        None => None,
    };
    let compiled = compiled::of_run(services, &run).await?;
    let answer = message.as_ref().map(|message| message.answer.clone()).unwrap_or_default();
    let last_seq = takeover.finished.iter().filter_map(|node| node.finish_seq).max().unwrap_or(0);
    let asked = match &data {
        Some(data) if !was_paused => Left::of_task(services, run.tenant_id, data.task_id).await?,
        _ => Left::default(),
    };
    let mut recovery = recovery_of(&run, &takeover.finished, &takeover.unfinished, &forms, was_paused);
    asked.mark(&mut recovery);
    let names: Vec<String> = takeover.unfinished.iter().map(|node| node.title.clone()).collect();
    let sink = sink_of(services, &run, data.as_ref(), message, compiled.as_deref()).await?;
    sink.restore(answer, last_seq);
    sink.restore_costs(&takeover.finished, was_paused);
    let (Some(compiled), Some(data)) = (compiled, data) else {
        asked.forget(services).await?;
        return end(services, &run, &sink, "interrupted: the server stopped, and what the run needs to go on is gone")
            .await;
    };
    let inputs: Json = run.inputs.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let pool = launch::resume_pool(&compiled, &inputs, &data, run.created_at);
    let whose = (run.kind == "chat").then_some(run.created_by);
    let is_stopped = signals::was_stopped(services, run.app_id, data.task_id, whose).await?;
    asked.forget(services).await?;
    let resumption = launch::Resumption {
        info: info_of(&run, &data),
        pool,
        root: data.root,
        recovery,
        stop: is_stopped.then_some(STOPPED_BY_USER),
    };
    match launch::resume(services, &compiled, Arc::clone(&sink), resumption, run.created_by) {
        Ok(()) => Ok(()),
        Err(why) => {
            let place = names.first().map(|name| format!(" at node '{name}'")).unwrap_or_default();
            end(services, &run, &sink, &format!("interrupted{place}: {why}")).await
        }
    }
}

/// Ends a run of this process that nothing runs, with an outcome of the caller's.
pub(crate) async fn end_as(services: &Services, takeover: leases::Takeover, outcome: RunOutcome) -> Result<()> {
    let run = takeover.run;
    let data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    let message = match data.as_ref().and_then(|data| data.message_id) {
        Some(id) => repo::messages::find(&services.db, run.app_id, id).await?,
        None => None,
    };
    let compiled = compiled::of_run(services, &run).await?;
    let answer = message.as_ref().map(|message| message.answer.clone()).unwrap_or_default();
    let sink = sink_of(services, &run, data.as_ref(), message, compiled.as_deref()).await?;
    sink.restore(answer, 0);
    sink.restore_costs(&takeover.finished, true);
    sink.end(outcome).await.map_err(Error::internal)?;
    sink.recording().barrier().await.map_err(Error::internal)
}

async fn end(services: &Services, run: &WorkflowRun, sink: &RunSink, why: &str) -> Result<()> {
    sink.abandon(why).await.map_err(Error::internal)?;
    sink.recording().barrier().await.map_err(Error::internal)?;
    let tx = services.db.begin().await?;
    repo::human_input::close(&tx, run.id, why).await?;
    Ok(tx.commit().await?)
}

fn info_of(run: &WorkflowRun, data: &ResumeData) -> RunInfo {
    RunInfo {
        run_id: run.id,
        task_id: data.task_id,
        tenant_id: run.tenant_id,
        app_id: run.app_id,
        workflow_id: run.workflow_id,
        conversation_id: data.conversation_id,
        user_id: run.created_by.to_string(),
        user_kind: if run.created_by_role == "account" { UserKind::Account } else { UserKind::EndUser },
        invoke_from: data.invoke_from.clone(),
        call_depth: 0,
    }
}

async fn sink_of(
    services: &Services,
    run: &WorkflowRun,
    data: Option<&ResumeData>,
    message: Option<Message>,
    compiled: Option<&compiled::CompiledWorkflow>,
) -> Result<Arc<RunSink>> {
    let head = stream_head(services, run, data, message.as_ref()).await?;
    let mode = head.mode;
    let mut variables = Vec::new();
    if let (Some(message), Some(compiled)) = (&message, compiled) {
        for row in repo::conversations::variables(&services.db, message.conversation_id).await? {
            let name = row.data.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
            let declared = compiled.conversation_variables.iter().find(|variable| variable.name == name);
            if let Some(declared) = declared {
                variables.push(LiveVariable { name, value_type: declared.value_type, row });
            }
        }
    }
    let hub = Hub::going_on(head, events_before(run));
    let begin = RunBegin {
        run: run.clone(),
        inputs: run.inputs.clone().unwrap_or_else(|| "{}".to_owned()).into(),
        with: Delta::default(),
        message,
        variables,
        show_citations: compiled.is_some_and(|compiled| compiled.features.retriever_resource),
        form_limit: services.settings.form_limit,
        clock: services.db.clone(),
        draft: DraftKeeper::of_run(services, run),
    };
    Ok(RunSink::resumed(services.runs.recorder.begin(hub), mode, begin))
}

/// Number of the last event before the present part of a run: before it last went on.
pub(super) fn events_before(run: &WorkflowRun) -> u64 {
    let data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    data.map_or(0, |data| u64::from(data.resumed)) * EVENTS
}

/// The message of a chatflow's run.
pub(crate) async fn message_of(services: &Services, run: &WorkflowRun) -> Result<Option<Message>> {
    let data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    Ok(match data.and_then(|data| data.message_id) {
        Some(id) => repo::messages::find(&services.db, run.app_id, id).await?,
        None => None,
    })
}

/// The text that a run's record has fixed: what its stream has shown, or shows a reader who comes back.
pub(crate) async fn text_of(services: &Services, run: &WorkflowRun) -> Result<Arc<str>> {
    let is_at_rest = run.status.is_final() || run.status == RunStatus::Paused;
    if let Some(message) = message_of(services, run).await?.filter(|_| is_at_rest) {
        return Ok(message.answer.into());
    }
    let Some(takeover) = leases::load_for_takeover(&services.db, run.id).await? else { return Ok("".into()) };
    let Some(compiled) = compiled::of_run(services, run).await? else { return Ok("".into()) };
    let Ok(engine) = &compiled.engine else { return Ok("".into()) };
    let data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    let data = data.unwrap_or_else(|| ResumeData::of_finished(run));
    let forms = repo::human_input::of_run(&services.db, run.id).await?;
    let recovery = recovery_of(run, &takeover.finished, &takeover.unfinished, &forms, true);
    let inputs: Json = run.inputs.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let start = RunStart {
        info: info_of(run, &data),
        pool: launch::resume_pool(&compiled, &inputs, &data, run.created_at),
        root: data.root,
        limits: launch::engine_limits(&services.settings),
        sink: Arc::new(Nowhere),
        tracker: services.runs.tracker.clone(),
    };
    Ok(ox_engine::shown_text(Arc::clone(engine), start, recovery).unwrap_or_default().into())
}

/// Where events of a run go that is only read.
struct Nowhere;

#[async_trait]
impl EventSink for Nowhere {
    async fn emit(&self, _event: RunEvent) -> Result<(), SinkClosed> {
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}

/// What is the same in all events of a recorded run.
pub(crate) async fn head_of(services: &Services, run: &WorkflowRun) -> Result<StreamHead> {
    let data = run.resume.as_deref().and_then(|text| serde_json::from_str::<ResumeData>(text).ok());
    let message = message_of(services, run).await?;
    stream_head(services, run, data.as_ref(), message.as_ref()).await
}

async fn stream_head(
    services: &Services,
    run: &WorkflowRun,
    data: Option<&ResumeData>,
    message: Option<&Message>,
) -> Result<StreamHead> {
    Ok(StreamHead {
        mode: if run.kind == "chat" { AppMode::AdvancedChat } else { AppMode::Workflow },
        invoke_from: InvokeFrom::parse(data.map(|data| data.invoke_from.as_str()).unwrap_or_default()),
        task_id: data.map_or_else(|| TaskId(run.id.0), |data| data.task_id),
        run_id: Some(run.id),
        workflow_id: Some(run.workflow_id),
        conversation_id: message.map(|message| message.conversation_id),
        message_id: message.map(|message| message.id),
        created_at: run.created_at.timestamp(),
        user: user_of(services, run, data).await?,
    })
}

fn recovery_of(
    run: &WorkflowRun,
    finished: &[NodeExecution],
    unfinished: &[NodeExecution],
    forms: &[HumanInputForm],
    was_paused: bool,
) -> Recovery {
    let elapsed = (now() - run.created_at).to_std().unwrap_or_default().as_secs_f64();
    let worked = finished.iter().map(|node| node.elapsed_time).sum::<f64>().min(elapsed);
    Recovery {
        finished: finished.iter().map(finished_node).collect(),
        interrupted: unfinished.iter().map(|node| interrupted_node(node, forms)).collect(),
        last_sequence: (finished.len() * 2 + unfinished.len() + 1) as u64,
        // The time of waiting does not count.
        elapsed_seconds: if was_paused { run.elapsed_time } else { worked },
    }
}

/// Whom the stream of a run names as the one who asked for it.
async fn user_of(services: &Services, run: &WorkflowRun, data: Option<&ResumeData>) -> Result<RunUser> {
    let id = run.created_by;
    if run.created_by_role == "account" {
        let account = repo::accounts::find(&services.db, ox_types::AccountId(id)).await?;
        let (name, email) = account.map(|account| (account.name, account.email)).unwrap_or_default();
        return Ok(RunUser::Account { id, name: name.into(), email: email.into() });
    }
    let session = data.map(|data| data.session_id.clone()).unwrap_or_default();
    Ok(RunUser::EndUser { id, session_id: session.into() })
}

pub(super) fn finished_node(node: &NodeExecution) -> FinishedNode {
    FinishedNode {
        node_id: node.node_id.clone(),
        frame: frame_of(node),
        node_run_id: node.id,
        index: u32::try_from(node.index).unwrap_or(0),
        started_at: node.created_at,
        status: node.status,
        outputs: object_of(node.outputs.as_deref()),
        handle: node.handle.clone(),
        updates: node.updates.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        array_types: node.array_types.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        error: node.error.clone(),
        error_type: node.error_type.clone(),
        retries: u32::try_from(node.retry_index).unwrap_or(0),
        usage: usage_of(node),
    }
}

fn interrupted_node(node: &NodeExecution, forms: &[HumanInputForm]) -> InterruptedNode {
    let form = forms.iter().find(|form| form.node_execution_id == node.id);
    InterruptedNode {
        node_id: node.node_id.clone(),
        frame: frame_of(node),
        node_run_id: node.id,
        index: u32::try_from(node.index).unwrap_or(0),
        started_at: node.created_at,
        retries: u32::try_from(node.retry_index).unwrap_or(0),
        // A retry is told when its next attempt begins: that attempt may have been running.
        state: if form.is_some() { Interruption::Paused } else { Interruption::Running },
        answer: form.map(crate::human_input::answer_of),
    }
}

pub(super) fn frame_of(node: &NodeExecution) -> FrameRef {
    let path: Vec<(String, u32)> =
        node.frame.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    FrameRef { path: path.into() }
}

pub(super) fn object_of(text: Option<&str>) -> Object {
    let json: Json = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    json.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), Value::from_json(value))).collect()
}

pub(super) fn usage_of(node: &NodeExecution) -> Option<ox_engine::Usage> {
    let metadata: Json = serde_json::from_str(node.execution_metadata.as_deref()?).ok()?;
    let total_tokens = metadata.get("total_tokens").and_then(Json::as_u64)?;
    let text = |key: &str| metadata.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    Some(ox_engine::Usage {
        total_tokens,
        total_price: text("total_price"),
        currency: text("currency"),
        ..ox_engine::Usage::default()
    })
}
