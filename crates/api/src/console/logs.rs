//! Runs, run log, conversations and messages of an app.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Error, Services,
    logs::{self, Authors, ConversationRow, MessageRow, RunQuery},
    model::{EndUser, NodeExecution, WorkflowRun},
    workflows::Owner,
};
use ox_types::{AccountId, AppId, ConversationId, EndUserId, MessageId, RunId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    guard::Caller,
    time_machine::family_fields,
    view::{Done, SimpleAccount, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(runs))
        .routes(routes!(chat_runs))
        .routes(routes!(run))
        .routes(routes!(executions))
        .routes(routes!(run_log))
        .routes(routes!(chat_conversations))
        .routes(routes!(chat_conversation, delete_chat_conversation))
        .routes(routes!(completion_conversations))
        .routes(routes!(completion_conversation, delete_completion_conversation))
        .routes(routes!(message))
        .routes(routes!(give_feedback))
}

/// A JSON column as JSON.
pub(super) fn document(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// A JSON column cut to what a screen shows, and whether it is.
fn shown(text: Option<&String>) -> (Value, bool) {
    let value = document(text);
    // Nothing shorter can be too large, whatever it consists of.
    if text.is_none_or(|text| text.len() < 1_000) {
        return (value, false);
    }
    ox_app::workflows::truncation::truncated(&value).map_or((value, false), |cut| (cut, true))
}

fn account(authors: &Authors, role: &str, id: Uuid) -> Option<SimpleAccount> {
    (role == "account").then(|| authors.accounts.get(&AccountId(id)).map(SimpleAccount::from)).flatten()
}

fn end_user(authors: &Authors, role: &str, id: Uuid) -> Option<Value> {
    let view = |user: &EndUser| json!({"id": user.id, "type": user.kind, "is_anonymous": user.is_anonymous, "session_id": user.session_id});
    (role != "account").then(|| authors.end_users.get(&EndUserId(id)).map(view)).flatten()
}

/// What a reader knows a run by: the question, or the first text the caller gave, cut to a line.
fn input_preview(inputs: Option<&String>) -> Option<String> {
    const LONGEST: usize = 160;
    let Value::Object(map) = document(inputs) else { return None };
    let given = map.iter().filter(|(key, _)| !key.starts_with("sys.")).map(|(_, value)| value);
    let text =
        map.get("sys.query").into_iter().chain(given).filter_map(Value::as_str).find(|text| !text.trim().is_empty())?;
    Some(text.chars().take(LONGEST).collect())
}

fn run_item(run: &WorkflowRun, authors: &Authors) -> Value {
    json!({
        "id": run.id, "version": run.version, "status": run.status, "error": run.error, "elapsed_time": run.elapsed_time,
        "total_tokens": run.total_tokens, "total_price": run.total_price, "currency": run.currency,
        "total_steps": run.total_steps, "triggered_from": run.triggered_from,
        "created_by_account": account(authors, &run.created_by_role, run.created_by),
        "created_at": seconds(run.created_at), "finished_at": run.finished_at.map(seconds),
        "exceptions_count": run.exceptions_count, "retry_index": 0,
        "input_preview": input_preview(run.inputs.as_ref()),
    })
}

#[derive(Deserialize, IntoParams)]
pub(super) struct RunsQuery {
    last_id: Option<Uuid>,
    #[serde(default = "twenty")]
    limit: u64,
    status: Option<String>,
    /// `debugging` (default) or `app-run`.
    triggered_from: Option<String>,
}

fn twenty() -> u64 {
    20
}

pub(super) async fn list_runs(
    services: &Services,
    caller: &ox_app::Principal,
    owner: Owner,
    query: RunsQuery,
) -> ApiResult<Json<Value>> {
    let RunsQuery { last_id, limit, status, triggered_from } = query;
    if !(1..=100).contains(&limit) {
        return Err(Error::invalid_field("limit", "limit must be between 1 and 100.").into());
    }
    let query = RunQuery {
        last_id: last_id.map(RunId),
        limit,
        status: status.filter(|text| !text.is_empty()),
        triggered_from: triggered_from.filter(|text| !text.is_empty()).unwrap_or_else(|| "debugging".into()),
    };
    let page = logs::runs(services, caller, owner, &query).await?;
    let authors =
        Authors::load(services, page.items.iter().map(|run| (run.created_by_role.as_str(), run.created_by))).await?;
    let data: Vec<_> = page.items.iter().map(|run| run_item(run, &authors)).collect();
    Ok(Json(json!({"limit": limit, "has_more": page.has_more, "data": data})))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs", tag = "runs", params(("app_id" = Uuid, Path), RunsQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn runs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RunsQuery>,
) -> ApiResult<Json<Value>> {
    list_runs(&services, &caller, id.into(), query).await
}

#[utoipa::path(get, path = "/apps/{app_id}/advanced-chat/workflow-runs", tag = "runs", params(("app_id" = Uuid, Path), RunsQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn chat_runs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RunsQuery>,
) -> ApiResult<Json<Value>> {
    list_runs(&services, &caller, id.into(), query).await
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs/{run_id}", tag = "runs", params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run_id)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Value>> {
    run_view(&services, &caller, id.into(), run_id).await
}

/// One run with its graph.
pub(super) async fn run_view(
    services: &Services,
    caller: &ox_app::Principal,
    owner: Owner,
    run_id: RunId,
) -> ApiResult<Json<Value>> {
    let run = logs::run(services, caller, owner, run_id).await?;
    let authors = Authors::load(services, std::iter::once((run.created_by_role.as_str(), run.created_by))).await?;
    let graph = logs::graph_of(services, caller, &run).await?;
    let mut view = run_item(&run, &authors);
    if let Value::Object(map) = &mut view {
        map.insert("graph".into(), graph);
        map.insert("inputs".into(), document(run.inputs.as_ref()));
        map.insert("outputs".into(), document(run.outputs.as_ref()));
        map.insert("created_by_role".into(), run.created_by_role.clone().into());
        map.insert("created_by_end_user".into(), end_user(&authors, &run.created_by_role, run.created_by).into());
        map.insert("workflow_id".into(), json!(run.workflow_id));
        let family = ox_app::time_machine::family(services, &run).await?;
        map.extend(family_fields(&family).map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(Json(view))
}

/// An execution as a list shows it: values that are too large are cut.
pub(super) fn execution(item: &NodeExecution, authors: &Authors) -> Value {
    let (inputs, inputs_truncated) = shown(item.inputs.as_ref());
    let (process_data, process_data_truncated) = shown(item.process_data.as_ref());
    let (outputs, outputs_truncated) = shown(item.outputs.as_ref());
    json!({
        "id": item.id, "index": item.index, "predecessor_node_id": item.predecessor_node_id, "node_id": item.node_id,
        "node_type": item.node_type, "title": item.title, "inputs": inputs, "process_data": process_data, "outputs": outputs,
        "status": item.status, "error": item.error, "elapsed_time": item.elapsed_time,
        "execution_metadata": document(item.execution_metadata.as_ref()), "extras": {},
        "created_at": seconds(item.created_at), "created_by_role": item.created_by_role,
        "created_by_account": account(authors, &item.created_by_role, item.created_by),
        "created_by_end_user": end_user(authors, &item.created_by_role, item.created_by),
        "finished_at": item.finished_at.map(seconds), "retry_index": item.retry_index,
        "started_at_ms": item.created_at.timestamp_millis(),
        "inputs_truncated": inputs_truncated, "outputs_truncated": outputs_truncated,
        "process_data_truncated": process_data_truncated,
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs/{run_id}/node-executions", tag = "runs", params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn executions(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run_id)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Value>> {
    executions_view(&services, &caller, id.into(), run_id).await
}

/// The executions of a run.
pub(super) async fn executions_view(
    services: &Services,
    caller: &ox_app::Principal,
    owner: Owner,
    run_id: RunId,
) -> ApiResult<Json<Value>> {
    let all = logs::executions(services, caller, owner, run_id).await?;
    let authors =
        Authors::load(services, all.iter().map(|item| (item.created_by_role.as_str(), item.created_by))).await?;
    Ok(Json(json!({"data": all.iter().map(|item| execution(item, &authors)).collect::<Vec<_>>()})))
}

#[derive(Deserialize, IntoParams)]
struct LogQuery {
    keyword: Option<String>,
    status: Option<String>,
    #[serde(rename = "created_at__before")]
    before: Option<String>,
    #[serde(rename = "created_at__after")]
    after: Option<String>,
    created_by_end_user_session_id: Option<String>,
    /// Id or e-mail address of a member.
    created_by_account: Option<String>,
    #[serde(default = "one")]
    page: u64,
    #[serde(default = "twenty")]
    limit: u64,
}

fn one() -> u64 {
    1
}

pub(super) fn iso(name: &str, text: Option<&String>) -> Result<Option<chrono::DateTime<chrono::Utc>>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| Some(time.to_utc()))
        .map_err(|_| Error::invalid_field(name, format!("{name} must be an ISO 8601 time, not '{text}'.")))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-app-logs", tag = "runs", params(("app_id" = Uuid, Path), LogQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run_log(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Json<Value>> {
    let LogQuery { page, limit, .. } = query;
    if page == 0 || !(1..=100).contains(&limit) {
        return Err(Error::invalid("page must be at least 1, limit between 1 and 100.").into());
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = logs::LogFilter {
        before: iso("created_at__before", query.before.as_ref())?,
        after: iso("created_at__after", query.after.as_ref())?,
        keyword: filled(query.keyword),
        status: filled(query.status),
        end_user_session: filled(query.created_by_end_user_session_id),
        account: logs::runner(&services, &caller, query.created_by_account.as_deref()).await?,
    };
    let (entries, total) = logs::run_log(&services, &caller, id, &filter, page, limit).await?;
    let authors = Authors::load(
        &services,
        entries.iter().map(|entry| (entry.log.created_by_role.as_str(), entry.log.created_by)),
    )
    .await?;
    let data: Vec<_> = entries
        .iter()
        .map(|entry| {
            let log = &entry.log;
            json!({"id": log.id, "workflow_run": run_item(&entry.run, &authors), "details": null, "created_from": log.created_from,
                "created_by_role": log.created_by_role,
                "created_by_account": account(&authors, &log.created_by_role, log.created_by),
                "created_by_end_user": end_user(&authors, &log.created_by_role, log.created_by),
                "created_at": seconds(log.created_at)})
        })
        .collect();
    let has_more = page.saturating_mul(limit) < total;
    Ok(Json(json!({"page": page, "limit": limit, "total": total, "has_more": has_more, "data": data})))
}

#[derive(Deserialize, IntoParams)]
struct ConversationsQuery {
    keyword: Option<String>,
    /// `all` (default), `annotated` or `not_annotated`.
    annotation_status: Option<String>,
    /// `YYYY-MM-DD HH:MM` in the account's time zone.
    start: Option<String>,
    end: Option<String>,
    #[serde(default = "one")]
    page: u64,
    #[serde(default = "twenty")]
    limit: u64,
    /// `created_at`, `-created_at`, `updated_at` or `-updated_at` (default).
    sort_by: Option<String>,
}

fn conversation_view(row: &ConversationRow, authors: &Authors) -> Value {
    let ConversationRow { conversation: it, counts } = row;
    let user = it.from_end_user_id.and_then(|id| authors.end_users.get(&id));
    let maker = it.from_account_id.and_then(|id| authors.accounts.get(&id));
    let stats = |like: i64, dislike: i64| json!({"like": like, "dislike": dislike});
    json!({
        "id": it.id, "status": it.status, "from_source": it.from_source, "from_end_user_id": it.from_end_user_id,
        "from_end_user_session_id": user.map(|user| &user.session_id), "from_account_id": it.from_account_id,
        "from_account_name": maker.map(|account| &account.name), "name": it.name, "summary": it.summary,
        "introduction": it.introduction, "inputs": it.inputs, "read_at": it.read_at.map(seconds),
        "created_at": seconds(it.created_at), "updated_at": seconds(it.updated_at), "annotated": counts.annotations > 0,
        "model_config": {"model": {"provider": it.model_provider, "name": it.model_id}, "pre_prompt": null},
        "message_count": counts.messages, "user_feedback_stats": stats(counts.user_like, counts.user_dislike),
        "admin_feedback_stats": stats(counts.admin_like, counts.admin_dislike),
        "status_count": {"success": counts.messages - counts.failed, "failed": counts.failed, "partial_success": 0},
    })
}

async fn list_conversations(
    services: &Services,
    caller: &ox_app::Principal,
    id: AppId,
    query: ConversationsQuery,
) -> ApiResult<Json<Value>> {
    let ConversationsQuery { keyword, annotation_status, start, end, page, limit, sort_by } = query;
    let annotated = match annotation_status.as_deref() {
        None | Some("" | "all") => None,
        Some("annotated") => Some(true),
        Some("not_annotated") => Some(false),
        Some(_) => {
            let text = "annotation_status must be all, annotated or not_annotated.";
            return Err(Error::invalid_field("annotation_status", text).into());
        }
    };
    if page == 0 || !(1..=100).contains(&limit) {
        return Err(Error::invalid("page must be at least 1, limit between 1 and 100.").into());
    }
    let zone = ox_app::accounts::profile(services, caller).await?.timezone;
    let time = |name: &str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
        Some(text) => logs::console_time(&text, zone.as_deref())
            .map(Some)
            .ok_or_else(|| Error::invalid_field(name, format!("{name} must be YYYY-MM-DD HH:MM, not '{text}'."))),
        None => Ok(None),
    };
    let sort = sort_by.unwrap_or_else(|| "-updated_at".into());
    let filter = logs::ConversationFilter {
        keyword,
        annotated,
        start: time("start", start)?,
        end: time("end", end)?,
        by_creation: sort.ends_with("created_at"),
        ascending: !sort.starts_with('-'),
        hide_debugging: false,
        page,
        limit,
    };
    let (rows, total) = logs::conversations(services, caller, id, filter).await?;
    let authors = authors_of(services, &rows).await?;
    let data: Vec<_> = rows.iter().map(|row| conversation_view(row, &authors)).collect();
    let has_more = page.saturating_mul(limit) < total;
    Ok(Json(json!({"page": page, "limit": limit, "total": total, "has_more": has_more, "data": data})))
}

async fn authors_of(services: &Services, rows: &[ConversationRow]) -> ApiResult<Authors> {
    let mut pairs = Vec::new();
    for it in rows.iter().map(|row| &row.conversation) {
        pairs.extend(it.from_account_id.map(|id| ("account", id.0)));
        pairs.extend(it.from_end_user_id.map(|id| ("end_user", id.0)));
    }
    Ok(Authors::load(services, pairs.into_iter()).await?)
}

macro_rules! conversation_routes {
    ($list:ident, $list_path:literal, $one:ident, $delete:ident, $one_path:literal) => {
        #[utoipa::path(get, path = $list_path, tag = "logs", params(("app_id" = Uuid, Path), ConversationsQuery),
            responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
        async fn $list(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>, Query(query): Query<ConversationsQuery>) -> ApiResult<Json<Value>> {
            list_conversations(&services, &caller, id, query).await
        }

        #[utoipa::path(get, path = $one_path, tag = "logs", params(("app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
            responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
        async fn $one(State(services): App, Caller(caller): Caller, Path((id, conversation)): Path<(AppId, ConversationId)>) -> ApiResult<Json<Value>> {
            let row = logs::conversation(&services, &caller, id, conversation).await?;
            let authors = authors_of(&services, std::slice::from_ref(&row)).await?;
            Ok(Json(conversation_view(&row, &authors)))
        }

        #[utoipa::path(delete, path = $one_path, tag = "logs", params(("app_id" = Uuid, Path), ("conversation_id" = Uuid, Path)),
            responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
        async fn $delete(State(services): App, Caller(caller): Caller, Path((id, conversation)): Path<(AppId, ConversationId)>) -> ApiResult<StatusCode> {
            logs::delete_conversation(&services, &caller, id, conversation).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

conversation_routes!(
    chat_conversations,
    "/apps/{app_id}/chat-conversations",
    chat_conversation,
    delete_chat_conversation,
    "/apps/{app_id}/chat-conversations/{conversation_id}"
);
conversation_routes!(
    completion_conversations,
    "/apps/{app_id}/completion-conversations",
    completion_conversation,
    delete_completion_conversation,
    "/apps/{app_id}/completion-conversations/{conversation_id}"
);

#[derive(Deserialize, IntoParams)]
pub(super) struct MessagesQuery {
    conversation_id: Uuid,
    first_id: Option<Uuid>,
    #[serde(default = "twenty")]
    limit: u64,
}

fn message_view(row: &MessageRow) -> Value {
    let it = &row.message;
    let metadata = document(it.message_metadata.as_ref());
    let annotation = row.annotation.as_ref().map(|it| {
        json!({"id": it.id, "question": it.question, "content": it.content, "account": null, "created_at": seconds(it.created_at)})
    });
    let feedbacks: Vec<_> = row
        .feedbacks
        .iter()
        .map(|f| json!({"rating": f.rating, "content": f.content, "from_source": f.from_source, "from_end_user_id": f.from_end_user_id, "from_account": null}))
        .collect();
    let files: Vec<_> = row
        .files
        .iter()
        .map(|f| json!({"id": f.id, "type": f.kind, "transfer_method": f.transfer_method, "url": f.url, "belongs_to": f.belongs_to, "upload_file_id": f.upload_file_id}))
        .collect();
    let thoughts: Vec<_> = row.thoughts.iter().map(crate::thoughts::item).collect();
    json!({
        "id": it.id, "conversation_id": it.conversation_id, "inputs": serde_json::from_str::<Value>(&it.inputs).unwrap_or_default(),
        "query": it.query, "message": document(it.message.as_ref()), "message_tokens": it.message_tokens, "answer": it.answer,
        "answer_tokens": it.answer_tokens, "provider_response_latency": it.provider_response_latency, "from_source": it.from_source,
        "from_end_user_id": it.from_end_user_id, "from_account_id": it.from_account_id, "feedbacks": feedbacks,
        "workflow_run_id": it.workflow_run_id, "annotation": annotation, "annotation_hit_history": null,
        "created_at": seconds(it.created_at), "agent_thoughts": thoughts, "message_files": files, "metadata": metadata,
        "status": it.status, "error": it.error, "parent_message_id": it.parent_message_id,
        "total_price": it.total_price, "currency": it.currency,
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/chat-messages", tag = "logs", params(("app_id" = Uuid, Path), MessagesQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn messages(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<MessagesQuery>,
) -> ApiResult<Json<Value>> {
    let MessagesQuery { conversation_id, first_id, limit } = query;
    if !(1..=100).contains(&limit) {
        return Err(Error::invalid_field("limit", "limit must be between 1 and 100.").into());
    }
    let first = first_id.map(MessageId);
    let (rows, has_more) =
        logs::messages(&services, &caller, id, ConversationId(conversation_id), first, limit).await?;
    Ok(Json(json!({"limit": limit, "has_more": has_more, "data": rows.iter().map(message_view).collect::<Vec<_>>()})))
}

#[utoipa::path(get, path = "/apps/{app_id}/messages/{message_id}", tag = "logs", params(("app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn message(
    State(services): App,
    Caller(caller): Caller,
    Path((id, message)): Path<(AppId, MessageId)>,
) -> ApiResult<Json<Value>> {
    Ok(Json(message_view(&logs::message(&services, &caller, id, message).await?)))
}

/// A maker's opinion.
#[derive(Deserialize, ToSchema)]
pub struct FeedbackBody {
    #[schema(value_type = Uuid)]
    message_id: MessageId,
    /// `like`, `dislike` or null.
    rating: Option<String>,
    content: Option<String>,
}

#[utoipa::path(post, path = "/apps/{app_id}/feedbacks", tag = "logs", request_body = FeedbackBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn give_feedback(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<FeedbackBody>,
) -> ApiResult<Json<Done>> {
    logs::give_feedback(&services, &caller, id, body.message_id, body.rating, body.content).await?;
    Ok(Json(Done::SUCCESS))
}
