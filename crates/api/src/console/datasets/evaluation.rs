//! How well a knowledge base answers questions whose answers are known; ours.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use ox_app::{
    Error, Services,
    knowledge::evaluation::{
        self, EvaluationView, ExpectedView, FoundView, Imported, Mark, NewQuestion, QuestionQuery, QuestionResult,
        QuestionView, Setting, SettingSummary, Which,
    },
    model::Expected,
};
use ox_types::{DatasetId, DocumentId, SegmentId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Caller, checked, one, twenty};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    service::repeated,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(questions, add, remove))
        .routes(routes!(import))
        .routes(routes!(mark))
        .routes(routes!(change))
        .routes(routes!(list, start))
        .routes(routes!(detail, delete))
        .routes(routes!(stop))
        .routes(routes!(results))
}

/// What a question should find.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ExpectedBody {
    document_id: Uuid,
    /// This chunk of it; without one, any.
    segment_id: Option<Uuid>,
}

impl From<ExpectedBody> for Expected {
    fn from(body: ExpectedBody) -> Self {
        Self { document_id: DocumentId(body.document_id), segment_id: body.segment_id.map(SegmentId) }
    }
}

/// What a question should find, with its names.
#[derive(Serialize, ToSchema)]
pub struct ExpectedItem {
    document_id: Uuid,
    document_name: Option<String>,
    segment_id: Option<Uuid>,
    /// The place of the chunk in its document.
    position: Option<i32>,
    /// The chunk or the document is gone.
    is_missing: bool,
}

impl From<ExpectedView> for ExpectedItem {
    fn from(view: ExpectedView) -> Self {
        Self {
            document_id: view.document_id.0,
            document_name: view.document_name,
            segment_id: view.segment_id.map(|id| id.0),
            position: view.position,
            is_missing: view.is_missing,
        }
    }
}

fn items(views: Vec<ExpectedView>) -> Vec<ExpectedItem> {
    views.into_iter().map(ExpectedItem::from).collect()
}

/// A question whose answers are known.
#[derive(Serialize, ToSchema)]
pub struct EvaluationQuestion {
    id: Uuid,
    question: String,
    expected: Vec<ExpectedItem>,
    /// `manual`, `test`, `csv` or `log`.
    source: String,
    created_by: Uuid,
    created_at: i64,
    updated_at: i64,
}

impl From<QuestionView> for EvaluationQuestion {
    fn from(view: QuestionView) -> Self {
        Self {
            id: view.question.id,
            question: view.question.question,
            expected: items(view.expected),
            source: view.question.source,
            created_by: view.question.created_by.0,
            created_at: view.question.created_at.timestamp(),
            updated_at: view.question.updated_at.timestamp(),
        }
    }
}

/// A page of questions, newest first.
#[derive(Serialize, ToSchema)]
pub struct EvaluationQuestionPage {
    data: Vec<EvaluationQuestion>,
    has_more: bool,
    limit: u64,
    total: u64,
    page: u64,
    /// Questions of the knowledge base for which it is known what they should find.
    known: u64,
    /// The most there may be.
    most: u64,
}

#[derive(Deserialize, IntoParams)]
struct QuestionsQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
    /// This question, however it is written.
    question: Option<String>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/evaluation/questions", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), QuestionsQuery),
    responses((status = 200, body = EvaluationQuestionPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn questions(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Query(query): Query<QuestionsQuery>,
) -> ApiResult<Json<EvaluationQuestionPage>> {
    checked(query.page, query.limit)?;
    let QuestionsQuery { page, limit, keyword, question } = query;
    let query = QuestionQuery { keyword, question, page, limit };
    let (found, total, known) = evaluation::questions(&services, &caller, id, query).await?;
    let has_more = page.saturating_mul(limit) < total;
    let data = found.into_iter().map(EvaluationQuestion::from).collect();
    Ok(Json(EvaluationQuestionPage { data, has_more, limit, total, page, known, most: evaluation::MAX_QUESTIONS }))
}

/// A question to be added.
#[derive(Deserialize, ToSchema)]
pub struct NewEvaluationQuestion {
    /// 1 to 2000 characters.
    question: String,
    #[serde(default)]
    expected: Vec<ExpectedBody>,
}

/// Questions to be added. For one that is there already, what it expects is added.
#[derive(Deserialize, ToSchema)]
pub struct NewEvaluationQuestions {
    /// 1 to 1000.
    questions: Vec<NewEvaluationQuestion>,
    /// `manual` (the default), `test` or `log`.
    source: Option<String>,
}

/// How many questions are new, and how many expect more than before.
#[derive(Serialize, ToSchema)]
pub struct QuestionsAdded {
    added: u64,
    changed: u64,
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/evaluation/questions", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = NewEvaluationQuestions,
    responses((status = 201, body = QuestionsAdded), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn add(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<NewEvaluationQuestions>,
) -> ApiResult<(StatusCode, Json<QuestionsAdded>)> {
    let new = body.questions.into_iter().map(|one| NewQuestion {
        question: one.question,
        expected: one.expected.into_iter().map(Expected::from).collect(),
    });
    let source = body.source.as_deref().unwrap_or("manual");
    let (added, changed) = evaluation::add(&services, &caller, id, source, new.collect()).await?;
    Ok((StatusCode::CREATED, Json(QuestionsAdded { added, changed })))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/evaluation/questions", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("question_id" = Vec<Uuid>, Query)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    RawQuery(raw): RawQuery,
) -> ApiResult<StatusCode> {
    let ids: Vec<Uuid> = repeated(raw.as_deref(), "question_id")?;
    if ids.is_empty() {
        return Err(Error::invalid_field("question_id", "question_id is required").into());
    }
    evaluation::remove(&services, &caller, id, &ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is to change of a question.
#[derive(Deserialize, ToSchema)]
pub struct EvaluationQuestionChange {
    question: Option<String>,
    /// In place of what it expected.
    expected: Option<Vec<ExpectedBody>>,
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/evaluation/questions/{question_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("question_id" = Uuid, Path)), request_body = EvaluationQuestionChange,
    responses((status = 200, body = EvaluationQuestion), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn change(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, Uuid)>,
    Body(body): Body<EvaluationQuestionChange>,
) -> ApiResult<Json<EvaluationQuestion>> {
    let expected = body.expected.map(|list| list.into_iter().map(Expected::from).collect());
    Ok(Json(evaluation::change(&services, &caller, place, body.question, expected).await?.into()))
}

/// Something found that a question should find, or should not any more.
#[derive(Deserialize, ToSchema)]
pub struct ExpectedMark {
    question: String,
    document_id: Uuid,
    /// This chunk of it; without one, any.
    segment_id: Option<Uuid>,
    expected: bool,
}

/// Marks something found as what a question should find; the question is added when it is not there.
#[utoipa::path(post, path = "/datasets/{dataset_id}/evaluation/mark", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = ExpectedMark,
    responses((status = 200, body = EvaluationQuestion), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn mark(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<ExpectedMark>,
) -> ApiResult<Json<EvaluationQuestion>> {
    let mark = Mark {
        question: body.question,
        document_id: DocumentId(body.document_id),
        segment_id: body.segment_id.map(SegmentId),
        is_expected: body.expected,
    };
    Ok(Json(evaluation::mark(&services, &caller, id, mark).await?.into()))
}

/// Questions as a CSV text: `question,document,chunk`, a row for each thing a question should find.
#[derive(Deserialize, ToSchema)]
pub struct QuestionsCsv {
    csv: String,
}

/// A row that could not be taken.
#[derive(Serialize, ToSchema)]
pub struct QuestionProblem {
    /// From 1, the heading counted.
    line: usize,
    message: String,
}

/// What became of an import.
#[derive(Serialize, ToSchema)]
pub struct QuestionsImported {
    added: u64,
    changed: u64,
    /// Rows that could not be taken.
    skipped: usize,
    /// The first of them.
    problems: Vec<QuestionProblem>,
}

impl From<Imported> for QuestionsImported {
    fn from(done: Imported) -> Self {
        let problem = |one: evaluation::Problem| QuestionProblem { line: one.line, message: one.why };
        Self {
            added: done.added,
            changed: done.changed,
            skipped: done.skipped,
            problems: done.problems.into_iter().map(problem).collect(),
        }
    }
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/evaluation/questions/import", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = QuestionsCsv,
    responses((status = 200, body = QuestionsImported), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn import(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<QuestionsCsv>,
) -> ApiResult<Json<QuestionsImported>> {
    Ok(Json(evaluation::import(&services, &caller, id, &body.csv).await?.into()))
}

/// Settings of a search under a name.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct EvaluationSetting {
    #[serde(default)]
    name: String,
    #[schema(value_type = Object)]
    retrieval_model: Value,
}

/// The measures of one setting, over all questions that could be asked.
#[derive(Serialize, ToSchema)]
pub struct EvaluationSummary {
    name: String,
    top_k: usize,
    questions: usize,
    failed: usize,
    /// Questions for which nothing that was expected was among the first `top_k`.
    missed: usize,
    /// The share of what was expected among the first `top_k`.
    recall: f64,
    /// nDCG of the first 10.
    ndcg: f64,
    /// The mean of one over the place of the first that was expected.
    mrr: f64,
    took_ms: f64,
    took_ms_p95: f64,
}

impl From<SettingSummary> for EvaluationSummary {
    fn from(sum: SettingSummary) -> Self {
        Self {
            name: sum.name,
            top_k: sum.top_k,
            questions: sum.questions,
            failed: sum.failed,
            missed: sum.missed,
            recall: sum.recall,
            ndcg: sum.ndcg,
            mrr: sum.mrr,
            took_ms: sum.took_ms,
            took_ms_p95: sum.took_ms_p95,
        }
    }
}

/// All questions whose answers are known, asked by some settings.
#[derive(Serialize, ToSchema)]
pub struct EvaluationBody {
    id: Uuid,
    /// `running`, `completed`, `stopped` or `error`.
    status: String,
    error: Option<String>,
    /// Questions times settings.
    total: i32,
    done: i32,
    settings: Vec<EvaluationSetting>,
    /// In the order of the settings, of what is done so far.
    summary: Vec<EvaluationSummary>,
    created_by: Uuid,
    created_at: i64,
    finished_at: Option<i64>,
}

impl From<EvaluationView> for EvaluationBody {
    fn from(view: EvaluationView) -> Self {
        let setting = |one: Setting| EvaluationSetting { name: one.name, retrieval_model: one.retrieval_model };
        Self {
            id: view.id,
            status: view.status,
            error: view.error,
            total: view.total,
            done: view.done,
            settings: view.settings.into_iter().map(setting).collect(),
            summary: view.summary.into_iter().map(EvaluationSummary::from).collect(),
            created_by: view.created_by.0,
            created_at: view.created_at.timestamp(),
            finished_at: view.finished_at.map(|at| at.timestamp()),
        }
    }
}

/// The last evaluations, newest first.
#[derive(Serialize, ToSchema)]
pub struct EvaluationList {
    data: Vec<EvaluationBody>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/evaluation/runs", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = EvaluationList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<EvaluationList>> {
    let found = evaluation::list(&services, &caller, id).await?;
    Ok(Json(EvaluationList { data: found.into_iter().map(EvaluationBody::from).collect() }))
}

/// The settings that are compared; none: those of the knowledge base.
#[derive(Deserialize, ToSchema)]
pub struct NewEvaluation {
    /// At most 4.
    #[serde(default)]
    settings: Vec<EvaluationSetting>,
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/evaluation/runs", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = NewEvaluation,
    responses((status = 201, body = EvaluationBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn start(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<NewEvaluation>,
) -> ApiResult<(StatusCode, Json<EvaluationBody>)> {
    let setting = |one: EvaluationSetting| Setting { name: one.name, retrieval_model: one.retrieval_model };
    let settings = body.settings.into_iter().map(setting).collect();
    let made = evaluation::start(&services, &caller, id, settings).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/evaluation/runs/{run_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = EvaluationBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run)): Path<(DatasetId, Uuid)>,
) -> ApiResult<Json<EvaluationBody>> {
    Ok(Json(evaluation::get(&services, &caller, id, run).await?.into()))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/evaluation/runs/{run_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run)): Path<(DatasetId, Uuid)>,
) -> ApiResult<StatusCode> {
    evaluation::delete(&services, &caller, id, run).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends an evaluation that runs; what it has found so far stays.
#[utoipa::path(post, path = "/datasets/{dataset_id}/evaluation/runs/{run_id}/stop", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = EvaluationBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run)): Path<(DatasetId, Uuid)>,
) -> ApiResult<Json<EvaluationBody>> {
    Ok(Json(evaluation::stop(&services, &caller, id, run).await?.into()))
}

#[derive(Deserialize, IntoParams)]
struct ResultsQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    /// `all` (the default), `missed` (some setting missed something) or `different` (the settings differ).
    which: Option<String>,
}

/// One thing a question found.
#[derive(Serialize, ToSchema)]
pub struct EvaluationFound {
    /// Among what is told apart (documents, or chunks where chunks are expected), from 1.
    place: usize,
    /// Among all chunks, from 1.
    rank: usize,
    document_id: Uuid,
    document_name: String,
    segment_id: Uuid,
    position: i32,
    /// From 0.
    page: Option<i32>,
    score: f64,
    is_expected: bool,
    excerpt: String,
}

impl From<FoundView> for EvaluationFound {
    fn from(view: FoundView) -> Self {
        Self {
            place: view.place,
            rank: view.rank,
            document_id: view.document_id.0,
            document_name: view.document_name,
            segment_id: view.segment_id.0,
            position: view.position,
            page: view.page,
            score: view.score,
            is_expected: view.is_expected,
            excerpt: view.excerpt,
        }
    }
}

/// What one question found by one setting.
#[derive(Serialize, ToSchema)]
pub struct EvaluationAnswer {
    recall: f64,
    ndcg: f64,
    reciprocal_rank: f64,
    took_ms: f64,
    error: Option<String>,
    found: Vec<EvaluationFound>,
}

/// What one question found.
#[derive(Serialize, ToSchema)]
pub struct EvaluationResult {
    question_id: Uuid,
    question: String,
    expected: Vec<ExpectedItem>,
    /// In the order of the settings; null where it was not asked.
    by_setting: Vec<Option<EvaluationAnswer>>,
}

impl From<QuestionResult> for EvaluationResult {
    fn from(one: QuestionResult) -> Self {
        let answer = |result: evaluation::SettingResult| EvaluationAnswer {
            recall: result.recall,
            ndcg: result.ndcg,
            reciprocal_rank: result.reciprocal_rank,
            took_ms: result.took_ms,
            error: result.error,
            found: result.found.into_iter().map(EvaluationFound::from).collect(),
        };
        Self {
            question_id: one.question_id,
            question: one.question,
            expected: items(one.expected),
            by_setting: one.by_setting.into_iter().map(|result| result.map(answer)).collect(),
        }
    }
}

/// A page of questions, the worst first.
#[derive(Serialize, ToSchema)]
pub struct EvaluationResultPage {
    data: Vec<EvaluationResult>,
    has_more: bool,
    limit: u64,
    total: u64,
    page: u64,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/evaluation/runs/{run_id}/results", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("run_id" = Uuid, Path), ResultsQuery),
    responses((status = 200, body = EvaluationResultPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn results(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, Uuid)>,
    Query(query): Query<ResultsQuery>,
) -> ApiResult<Json<EvaluationResultPage>> {
    checked(query.page, query.limit)?;
    let ResultsQuery { page, limit, which } = query;
    let which = match which.as_deref() {
        None | Some("all" | "") => Which::All,
        Some("missed") => Which::Missed,
        Some("different") => Which::Different,
        Some(_) => {
            return Err(Error::invalid_field("which", "which: Input should be 'all', 'missed' or 'different'").into());
        }
    };
    let (found, total) = evaluation::results(&services, &caller, place, which, page, limit).await?;
    let has_more = page.saturating_mul(limit) < total;
    let data = found.into_iter().map(EvaluationResult::from).collect();
    Ok(Json(EvaluationResultPage { data, has_more, limit, total, page }))
}
