//! The work of an evaluation: every question by every setting, some at a time.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use ox_db::{
    model::{Dataset, Evaluation, EvaluationResult, Expected, RetrievalQuestion},
    now,
    repo::{
        self,
        evaluations::{self, QuestionFilter},
    },
};
use ox_rag::RetrievalSettings;
use ox_types::{Json, boxed};
use serde_json::json;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    ExpectedView, FoundView, MAX_QUESTIONS, Setting,
    measure::{DEPTH, measure},
    named, read_settings, summarised,
};
use crate::{
    Error, Result, Services,
    knowledge::retrieval::{Place, Record},
};

/// Questions of one evaluation asked at a time.
const AT_ONCE: usize = 4;
/// Questions of all evaluations of this process asked at a time.
static ROOM: Semaphore = Semaphore::const_new(8);
/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a process may be silent before another goes on.
const LEASE: Duration = Duration::from_secs(120);
/// Results kept together, and how long they wait for each other.
const BATCH: usize = 32;
const WAIT: Duration = Duration::from_secs(1);
/// Findings that are kept of a question.
const KEPT: usize = 20;
/// Characters of a finding.
const EXCERPT: usize = 160;

/// Works on an evaluation in the background.
pub(super) fn start(services: &Arc<Services>, id: Uuid, dataset: Dataset) {
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        if let Err(error) = run(&services, id, dataset).await {
            tracing::warn!(%error, evaluation = %id, "an evaluation ended");
            end(&services, id, &error.message).await;
        }
    });
}

async fn end(services: &Services, id: Uuid, error: &str) {
    let written = async {
        let tx = services.db.begin().await?;
        evaluations::finish(&tx, id, "error", Some(error), None, now()).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        // Its lease runs out, and it is begun again.
        tracing::error!(%error, evaluation = %id, "the end of an evaluation cannot be written");
    }
}

/// Goes on with those whose process is gone, as somebody looks at them.
pub(super) fn revive(services: &Arc<Services>, dataset: &Dataset, found: &[Evaluation]) {
    let at = now();
    let is_left = |one: &&Evaluation| one.status == "running" && one.leased_until.is_none_or(|until| until < at);
    for one in found.iter().filter(is_left) {
        start(services, one.id, dataset.clone());
    }
}

/// Goes on with what was begun by a process that is gone: now, and once what it held has run out.
#[boxed]
pub(in crate::knowledge) async fn resume(services: &Arc<Services>) -> Result<()> {
    take_up(services).await?;
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        tokio::select! {
            () = services.shutdown.cancelled() => return,
            () = tokio::time::sleep(LEASE) => {}
        }
        if let Err(error) = take_up(&services).await {
            tracing::warn!(%error, "evaluations are gone on with when somebody looks at them");
        }
    });
    Ok(())
}

async fn take_up(services: &Arc<Services>) -> Result<()> {
    for one in evaluations::forsaken(&services.db, 100).await? {
        if let Some(dataset) = repo::datasets::find(&services.db, one.tenant_id, one.dataset_id).await? {
            start(services, one.id, dataset);
        }
    }
    Ok(())
}

/// A question that is still to be asked by a setting.
struct Task {
    question: Arc<Asked>,
    setting: usize,
}

/// A question with what is left of what it expects.
struct Asked {
    row: RetrievalQuestion,
    expected: Vec<Expected>,
    shown: Vec<ExpectedView>,
}

async fn run(services: &Arc<Services>, id: Uuid, dataset: Dataset) -> Result<()> {
    let process = services.runs.process_id;
    let tx = services.db.begin().await?;
    let is_ours = evaluations::claim(&tx, id, process, LEASE).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let found = evaluations::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    let Some(evaluation) = found else { return Ok(()) };
    let settings: Vec<Setting> = serde_json::from_value(evaluation.settings).map_err(Error::internal)?;
    let read: Vec<RetrievalSettings> =
        settings.iter().map(|one| read_settings(&dataset, &one.retrieval_model)).collect::<Result<_>>()?;
    let tasks = tasks(services, &dataset, id, read.len()).await?;
    let dataset = Arc::new(dataset);
    let mut answers =
        stream::iter(tasks).map(|task| one(services, &dataset, id, task, &read)).buffer_unordered(AT_ONCE);
    let (mut ready, mut kept_at) = (Vec::new(), Instant::now());
    loop {
        let next = tokio::select! {
            () = services.shutdown.cancelled() => {
                // Another may take it at once.
                keep(services, id, std::mem::take(&mut ready), Duration::ZERO).await?;
                return Ok(());
            }
            next = answers.next() => next,
        };
        let is_last = next.is_none();
        ready.extend(next);
        if is_last || ready.len() >= BATCH || kept_at.elapsed() >= WAIT {
            if !keep(services, id, std::mem::take(&mut ready), LEASE).await? {
                return Ok(());
            }
            kept_at = Instant::now();
        }
        if is_last {
            break;
        }
    }
    let tx = services.db.begin().await?;
    let summary = summarised(&settings, &evaluations::results(&tx, id).await?);
    evaluations::finish(&tx, id, "completed", None, Some(json!(summary)), now()).await?;
    Ok(tx.commit().await?)
}

async fn keep(services: &Services, id: Uuid, results: Vec<EvaluationResult>, life: Duration) -> Result<bool> {
    let tx = services.db.begin().await?;
    let is_ours = evaluations::keep_results(&tx, id, services.runs.process_id, life, results).await?;
    tx.commit().await?;
    Ok(is_ours)
}

/// What is still to be asked.
async fn tasks(services: &Services, dataset: &Dataset, id: Uuid, settings: usize) -> Result<Vec<Task>> {
    let filter = QuestionFilter { page: 1, limit: MAX_QUESTIONS, ..QuestionFilter::default() };
    let (questions, _) = evaluations::questions(&services.db, dataset.tenant_id, dataset.id, &filter).await?;
    let questions: Vec<RetrievalQuestion> = questions.into_iter().filter(|one| !one.expected.is_empty()).collect();
    let done = evaluations::answered(&services.db, id).await?;
    let all: Vec<Expected> = questions.iter().flat_map(|one| one.expected.iter().copied()).collect();
    let names = named(services, dataset, &all).await?;
    let mut tasks = Vec::new();
    for row in questions {
        let question = Arc::new(asked(row, &names));
        for setting in 0..settings {
            let key = (question.row.id, i32::try_from(setting).unwrap_or(i32::MAX));
            if !done.contains(&key) {
                tasks.push(Task { question: Arc::clone(&question), setting });
            }
        }
    }
    Ok(tasks)
}

/// Of a document that was split anew, any chunk will do.
fn asked(row: RetrievalQuestion, names: &HashMap<Expected, ExpectedView>) -> Asked {
    let shown: Vec<ExpectedView> = row.expected.iter().filter_map(|one| names.get(one).cloned()).collect();
    let left = shown.iter().filter(|view| view.document_name.is_some());
    let expected = left.map(|view| Expected {
        document_id: view.document_id,
        segment_id: view.segment_id.filter(|_| view.position.is_some()),
    });
    Asked { expected: expected.collect(), shown, row }
}

async fn one(
    services: &Services,
    dataset: &Arc<Dataset>,
    evaluation: Uuid,
    task: Task,
    settings: &[RetrievalSettings],
) -> EvaluationResult {
    let Task { question, setting } = task;
    let mut result = EvaluationResult {
        evaluation_id: evaluation,
        question_id: question.row.id,
        setting: i32::try_from(setting).unwrap_or(i32::MAX),
        dataset_id: dataset.id,
        question: question.row.question.clone(),
        expected: json!(question.shown),
        found: Json::Array(Vec::new()),
        recall: 0.0,
        ndcg: 0.0,
        reciprocal_rank: 0.0,
        took_ms: 0.0,
        error: None,
    };
    let Some(own) = settings.get(setting) else { return result };
    if question.expected.is_empty() {
        result.error = Some("What was expected is not in the knowledge base any more.".to_owned());
        return result;
    }
    // As many as are measured: what an app is given are the first of them.
    let top_k = own.top_k.max(DEPTH);
    // The order is measured: what is added to it, and what would make it needless, is not.
    let wanted = RetrievalSettings { top_k, neighbours: 0, full_context_limit: None, ..own.clone() };
    let _room = ROOM.acquire().await;
    let started = Instant::now();
    let search = services.retriever.search(dataset, &question.row.question, &wanted, None);
    let found = match tokio::time::timeout(LIMIT, search).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            result.error = Some(error.message);
            return result;
        }
        Err(_) => {
            result.error = Some(format!("No answer within {} seconds.", LIMIT.as_secs()));
            return result;
        }
    };
    result.took_ms = started.elapsed().as_secs_f64() * 1000.0;
    // Words alone are not the setting that is to be measured.
    result.error = found.shortcoming;
    let places: Vec<_> = found.records.iter().filter_map(place).collect();
    let measures = measure(&question.expected, &places, own.top_k);
    (result.recall, result.ndcg, result.reciprocal_rank) = (measures.recall, measures.ndcg, measures.reciprocal_rank);
    let distinct = measures.distinct.iter().enumerate().take(KEPT);
    let shown: Vec<FoundView> = distinct
        .filter_map(|(place, (rank, is_expected))| shown(found.records.get(*rank)?, place + 1, *rank + 1, *is_expected))
        .collect();
    result.found = json!(shown);
    result
}

fn place(record: &Record) -> Option<(ox_types::DocumentId, ox_types::SegmentId)> {
    match &record.place {
        Place::Own(own) => Some((own.document.id, own.segment.id)),
        Place::External(_) => None,
    }
}

fn shown(record: &Record, place: usize, rank: usize, is_expected: bool) -> Option<FoundView> {
    let Place::Own(own) = &record.place else { return None };
    Some(FoundView {
        place,
        rank,
        document_id: own.document.id,
        document_name: own.document.name.clone(),
        segment_id: own.segment.id,
        position: own.segment.position,
        page: own.segment.page,
        score: record.score,
        is_expected,
        excerpt: own.segment.content.chars().take(EXCERPT).collect(),
    })
}
