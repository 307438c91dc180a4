//! Runs that wait, the forms they wait for, and who was asked.

use chrono::{DateTime, Utc};
use ox_types::{AppId, RunId, TaskId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::Expr,
};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Span, Tx,
    entity::{
        human_input_forms::{self as forms, Column as Form},
        human_input_recipients::{self as recipients, Column as Recipient},
        workflow_node_executions as nodes, workflow_pauses as pauses, workflow_runs as runs,
    },
    model::{FormRecipient, HumanInputForm, OutgoingMail, WorkflowPause},
    now,
    time::in_span,
};

/// A pause with the forms that are new with it.
#[derive(Clone, Debug, PartialEq)]
pub struct PauseRecord {
    pub pause: WorkflowPause,
    pub forms: Vec<HumanInputForm>,
    pub recipients: Vec<FormRecipient>,
}

/// Records a pause; written together with the state of its run.
pub(super) async fn record(tx: &Tx, record: &PauseRecord) -> Result<()> {
    use pauses::Column;
    let key = [Column::WorkflowRunId];
    row::upsert::<pauses::Entity>(tx, &key, &[Column::Id], record.pause.clone()).await?;
    for form in &record.forms {
        row::insert::<forms::Entity>(tx, form.clone()).await?;
    }
    for recipient in &record.recipients {
        row::insert::<recipients::Entity>(tx, recipient.clone()).await?;
    }
    Ok(())
}

/// The form behind a token, and by which way it was found.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn by_token(source: &dyn Source, token: &str) -> Result<Option<(HumanInputForm, FormRecipient)>> {
    let executor = source.executor();
    let found = recipients::Entity::find().filter(Recipient::Token.eq(token)).one(&executor).await?;
    let Some(recipient) = found.map(FormRecipient::from) else { return Ok(None) };
    let form = forms::Entity::find_by_id(recipient.form_id).one(&executor).await?;
    Ok(form.map(|form| (form.into(), recipient)))
}

/// One form.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn form(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<HumanInputForm>> {
    let query = forms::Entity::find_by_id(id).filter(Form::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(HumanInputForm::from))
}

/// The forms of a run, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_run(source: &dyn Source, run: RunId) -> Result<Vec<HumanInputForm>> {
    let query = forms::Entity::find().filter(Form::WorkflowRunId.eq(run.0)).order_by_asc(Form::Id);
    Ok(query.all(&source.executor()).await?.into_iter().map(HumanInputForm::from).collect())
}

/// Everybody who was asked by these forms.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn recipients_of(source: &dyn Source, ids: &[Uuid]) -> Result<Vec<FormRecipient>> {
    let query =
        recipients::Entity::find().filter(Recipient::FormId.is_in(ids.iter().copied())).order_by_asc(Recipient::Id);
    Ok(query.all(&source.executor()).await?.into_iter().map(FormRecipient::from).collect())
}

/// What a waiting form ends with.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// `submitted`, `timeout` or `expired`.
    pub status: &'static str,
    pub action_id: Option<String>,
    pub data: Option<ox_types::Json>,
    pub by: Option<(&'static str, Uuid)>,
}

/// Ends the waiting of a form; false when something else has ended it before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn answer(tx: &Tx, form: Uuid, answer: &Answer) -> Result<bool> {
    let at = now();
    let changed = forms::Entity::update_many()
        .col_expr(Form::Status, Expr::value(answer.status))
        .col_expr(Form::ActionId, Expr::value(answer.action_id.clone()))
        .col_expr(Form::SubmittedData, Expr::value(answer.data.as_ref().map(ToString::to_string)))
        .col_expr(Form::SubmittedByRole, Expr::value(answer.by.map(|(role, _)| role)))
        .col_expr(Form::SubmittedBy, Expr::value(answer.by.map(|(_, id)| id)))
        .col_expr(Form::SubmittedAt, Expr::value(Some(at)))
        .filter(Form::Id.eq(form))
        .filter(Form::Status.eq("waiting"))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes a paused run to go on with it: it runs again, in this process. False when it does not wait (any more).
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take_paused(tx: &Tx, run: RunId, process: Uuid) -> Result<bool> {
    let changed = runs::Entity::update_many()
        .col_expr(runs::Column::Status, Expr::value("running"))
        .col_expr(runs::Column::Owner, Expr::value(process))
        .filter(runs::Column::Id.eq(run.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(run.0)))
        .filter(runs::Column::Status.eq("paused"))
        .exec(tx.connection())
        .await?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    let at = now();
    forms::Entity::update_many()
        .col_expr(Form::AppliedAt, Expr::value(at))
        .filter(Form::WorkflowRunId.eq(run.0))
        .filter(Form::Status.ne("waiting"))
        .filter(Form::AppliedAt.is_null())
        .exec(tx.connection())
        .await?;
    pauses::Entity::update_many()
        .col_expr(pauses::Column::ResumedAt, Expr::value(at))
        .filter(pauses::Column::WorkflowRunId.eq(run.0))
        .exec(tx.connection())
        .await?;
    Ok(true)
}

/// Ends what still waits in a run that is over: forms expire, nodes have failed with this error.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn close(tx: &Tx, run: RunId, error: &str) -> Result<()> {
    let at = now();
    forms::Entity::update_many()
        .col_expr(Form::Status, Expr::value("expired"))
        .col_expr(Form::AppliedAt, Expr::value(at))
        .filter(Form::WorkflowRunId.eq(run.0))
        .filter(Form::Status.eq("waiting"))
        .exec(tx.connection())
        .await?;
    nodes::Entity::update_many()
        .col_expr(nodes::Column::Status, Expr::value("failed"))
        .col_expr(nodes::Column::Error, Expr::value(error))
        .col_expr(nodes::Column::FinishedAt, Expr::value(at))
        .filter(nodes::Column::WorkflowRunId.eq(run.0))
        .filter(nodes::Column::FinishSeq.is_null())
        .filter(nodes::Column::Status.is_in(["running", "paused", "retry"]))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The latest pause of a run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn pause_of(source: &dyn Source, run: RunId) -> Result<Option<WorkflowPause>> {
    let query = pauses::Entity::find().filter(pauses::Column::WorkflowRunId.eq(run.0));
    Ok(query.one(&source.executor()).await?.map(WorkflowPause::from))
}

/// The run of an app that waits under this task id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn waiting_task(source: &dyn Source, app: AppId, task: TaskId) -> Result<Option<WorkflowPause>> {
    let query = pauses::Entity::find()
        .filter(pauses::Column::TaskId.eq(task.0))
        .filter(pauses::Column::AppId.eq(app.0))
        .filter(pauses::Column::ResumedAt.is_null());
    Ok(query.one(&source.executor()).await?.map(WorkflowPause::from))
}

/// Forms whose time is over.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn due(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<HumanInputForm>> {
    let query = forms::Entity::find()
        .filter(Form::Status.eq("waiting"))
        .filter(Form::ExpiresAt.lte(at))
        .order_by_asc(Form::ExpiresAt)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(HumanInputForm::from).collect())
}

/// When the next waiting form runs out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn next_due(source: &dyn Source) -> Result<Option<DateTime<Utc>>> {
    let query = forms::Entity::find().filter(Form::Status.eq("waiting")).order_by_asc(Form::ExpiresAt).limit(1);
    Ok(query.one(&source.executor()).await?.map(|form| form.expires_at))
}

/// Paused runs one of whose forms has an answer: what a crash, or an answer during the pause of another form, has
/// left behind.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn answered_runs(source: &dyn Source, limit: u64) -> Result<Vec<RunId>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT DISTINCT r.id FROM human_input_forms f JOIN workflow_runs r ON r.id = f.workflow_run_id WHERE \
         f.applied_at IS NULL AND f.status IN ('submitted', 'timeout') AND r.status = 'paused' LIMIT $1",
        [i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = Row::find_by_statement(statement).all(&executor).await?;
    Ok(rows.into_iter().map(|row| RunId(row.id)).collect())
}

/// Waiting forms whose mails have not been given out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn undelivered(source: &dyn Source, limit: u64) -> Result<Vec<HumanInputForm>> {
    let query = forms::Entity::find()
        .filter(Form::Status.eq("waiting"))
        .filter(Form::DeliveredAt.is_null())
        .filter(Form::AppliedAt.is_null())
        .order_by_asc(Form::Id)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(HumanInputForm::from).collect())
}

/// Adds those who are asked by mail with their mails, and notes that it is done. False when it was done already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn deliver(tx: &Tx, form: Uuid, to: Vec<(FormRecipient, Option<OutgoingMail>)>) -> Result<bool> {
    let noted = forms::Entity::update_many()
        .col_expr(Form::DeliveredAt, Expr::value(now()))
        .filter(Form::Id.eq(form))
        .filter(Form::DeliveredAt.is_null())
        .exec(tx.connection())
        .await?;
    if noted.rows_affected == 0 {
        return Ok(false);
    }
    for (recipient, mail) in to {
        row::insert::<recipients::Entity>(tx, recipient).await?;
        if let Some(mail) = mail {
            super::mails::insert(tx, mail).await?;
        }
    }
    Ok(true)
}

/// Keeps what the next owner of a run needs, with its number of resumptions.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_resume(tx: &Tx, run: RunId, resume: &str) -> Result<()> {
    runs::Entity::update_many()
        .col_expr(runs::Column::Resume, Expr::value(resume))
        .filter(runs::Column::Id.eq(run.0))
        .filter(in_span(runs::Column::CreatedAt, Span::of(run.0)))
        .exec(tx.connection())
        .await?;
    Ok(())
}
