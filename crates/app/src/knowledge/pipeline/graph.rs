//! A document of a knowledge pipeline: its graph runs, and what comes to the last node is saved and indexed here.

use std::{sync::Arc, time::Duration};

use ox_db::{model::PipelineLog, repo};
use ox_nodes::IndexRequest;
use ox_types::{AppId, Json, RunId, RunStatus, TaskId};
use serde_json::{Map, json};

use super::{Halt, work::Work};
use crate::{
    Services,
    pipelines::{chunks, port::Handed, running},
    runs::{StreamBody, StreamEvent, Subscription},
};

/// How often it is looked whether the document was paused or deleted meanwhile.
const LOOK: Duration = Duration::from_secs(2);
const STOPPED: &str = "The work on the document was stopped.";

/// Ends a run with the work on its document.
struct StopOnDrop {
    services: Arc<Services>,
    app: AppId,
    task: TaskId,
    is_over: bool,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if !self.is_over {
            self.services.runs.stop(self.app, self.task, None);
        }
    }
}

/// How far the run of a document is.
#[derive(Default)]
struct Progress {
    is_indexed: bool,
    /// What the node said that failed last.
    failure: Option<String>,
    /// Why chunks could not be saved.
    refused: Option<String>,
}

/// Runs the pipeline for a document.
pub(super) async fn document(work: &Work<'_>, log: &PipelineLog) -> Result<(), Halt> {
    work.clear().await?;
    let services = work.services;
    let run_id = RunId::new();
    let mut desk = services.pipelines.open(run_id, &work.document);
    let begun = running::of_document(services, &work.dataset, &work.document, log, run_id).await;
    let mut reader = begun.map_err(|error| match error.status {
        503 => Halt::Shutdown,
        _ => Halt::Failed(error.message),
    })?;
    let mut guard = StopOnDrop {
        services: Arc::clone(services),
        app: log.pipeline_id,
        task: reader.head().task_id,
        is_over: false,
    };
    let mut progress = Progress::default();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(handed) = desk.chunks.recv() => take(work, handed, &mut progress).await?,
            event = next(&mut reader) => {
                let Some(event) = event else { return Err(Halt::Shutdown) };
                if let Some(end) = ended(&event, &mut progress) {
                    guard.is_over = true;
                    return end;
                }
            }
            _ = look.tick() => if !is_ours(work).await? { return Err(Halt::NotOurs) },
        }
    }
}

/// The next event of a run; nothing once another process goes on with it.
async fn next(reader: &mut Subscription) -> Option<StreamEvent> {
    loop {
        match reader.next().await {
            Ok(event) => return event,
            // What was missed tells no more than what comes.
            Err(_) => reader.skip_missed(),
        }
    }
}

async fn is_ours(work: &Work<'_>) -> Result<bool, Halt> {
    let (dataset, id) = (&work.dataset, work.document.id);
    let found = repo::documents::find(&work.services.db, dataset.tenant_id, dataset.id, id).await?;
    let process = work.services.runs.process_id;
    // A document that is completed has no lease any more.
    Ok(found.is_some_and(|document| {
        !document.is_paused && (document.leased_by == Some(process) || document.indexing_status == "completed")
    }))
}

/// What the end of a run means for its document.
fn ended(event: &StreamEvent, progress: &mut Progress) -> Option<Result<(), Halt>> {
    match &event.body {
        StreamBody::NodeFinished(view, done) if done.status == "failed" => {
            let why = done.error.clone().unwrap_or_else(|| "it gave no reason".to_owned());
            let title = if view.node.title.is_empty() { &view.node.id } else { &view.node.title };
            progress.failure = Some(format!("Node '{title}' failed: {why}"));
            None
        }
        StreamBody::WorkflowFinished(done) => Some(match done.status {
            _ if progress.is_indexed => Ok(()),
            RunStatus::Succeeded | RunStatus::PartialSucceeded => {
                let none = || "The pipeline ended without coming to its knowledge base.".to_owned();
                Err(Halt::Failed(progress.refused.take().or_else(|| progress.failure.take()).unwrap_or_else(none)))
            }
            RunStatus::Stopped => Err(Halt::Failed(done.error.clone().unwrap_or_else(|| STOPPED.to_owned()))),
            _ => {
                let told = progress.failure.take().or_else(|| done.error.clone());
                Err(Halt::Failed(told.unwrap_or_else(|| STOPPED.to_owned())))
            }
        }),
        StreamBody::WorkflowPaused(_) => {
            let text = "The pipeline waits for somebody; a document cannot.";
            Some(Err(Halt::Failed(text.to_owned())))
        }
        StreamBody::Error { message, .. } => Some(Err(Halt::Failed(message.to_string()))),
        _ => None,
    }
}

/// Saves and indexes the chunks that came, and tells their node.
async fn take(work: &Work<'_>, handed: Handed, progress: &mut Progress) -> Result<(), Halt> {
    let Handed { request, reply } = handed;
    if progress.is_indexed {
        drop(reply.send(Err("The document has its chunks already.".to_owned())));
        return Ok(());
    }
    match save(work, &request).await {
        Ok(told) => {
            progress.is_indexed = true;
            drop(reply.send(Ok(told)));
            Ok(())
        }
        // The node fails, and the end of the run names it.
        Err(Halt::Failed(why)) => {
            progress.refused = Some(why.clone());
            drop(reply.send(Err(why)));
            Ok(())
        }
        Err(halt) => Err(halt),
    }
}

async fn save(work: &Work<'_>, request: &IndexRequest) -> Result<Map<String, Json>, Halt> {
    let (dataset, document) = (&work.dataset, &work.document);
    if request.chunk_structure != document.doc_form {
        let text = format!(
            "The chunks are {}, those of the knowledge base are {}.",
            request.chunk_structure, document.doc_form
        );
        return Err(Halt::Failed(text));
    }
    let found = chunks::read(&request.chunk_structure, &request.chunks).map_err(Halt::Failed)?;
    work.take(found).await?;
    let told = json!({
        "dataset_id": dataset.id, "dataset_name": dataset.name, "batch": document.batch, "document_id": document.id,
        "document_name": document.name, "created_at": document.created_at.timestamp(), "display_status": "completed",
    });
    Ok(told.as_object().cloned().unwrap_or_default())
}
