//! What one person ran from a page of an app: workflow runs, and the answers of a completion.

use ox_types::{AppId, ConversationId, RunId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Page, PageOf, Result, Source, Span,
    entity::{
        messages,
        workflow_app_logs::{Column as Log, Entity as Logs},
    },
    model::{Message, WorkflowRun},
    page,
    time::in_span,
};

/// Whose runs, and how they were begun (`web-app`, `installed-app`).
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub tenant: TenantId,
    pub app: AppId,
    pub id: Uuid,
    pub from: &'a str,
}

/// A person's workflow runs, newest first; `None` when `last` is not one of them.
///
/// # Errors
/// When the database fails.
pub async fn workflows(
    source: &dyn Source,
    person: Person<'_>,
    last: Option<RunId>,
    limit: u64,
) -> Result<Option<PageOf<WorkflowRun>>> {
    let executor = source.executor();
    let mine = || {
        Logs::find()
            .filter(Log::AppId.eq(person.app.0))
            .filter(Log::TenantId.eq(person.tenant.0))
            .filter(Log::CreatedBy.eq(person.id))
            // The words of the partial index, which SQLite wants to see.
            .filter(Expr::cust("created_from <> 'service-api'"))
            .filter(Log::CreatedFrom.eq(person.from))
    };
    let mut page = Page::first(limit);
    if let Some(last) = last {
        let Some(row) = mine().filter(Log::WorkflowRunId.eq(last.0)).one(&executor).await? else { return Ok(None) };
        page.after = Some((row.created_at, row.id));
    }
    let query = mine().filter(page::before(Log::CreatedAt, Log::Id, page));
    let rows = page::newest_first(query, Log::CreatedAt, Log::Id).limit(limit + 1).all(&executor).await?;
    let rows = PageOf::cut(rows, limit);
    let ids: Vec<RunId> = rows.items.iter().map(|row| RunId(row.workflow_run_id)).collect();
    let mut found = super::runs::find_many(source, person.tenant, person.app, &ids).await?;
    let ordered = ids.iter().filter_map(|id| {
        let at = found.iter().position(|run| run.id == *id)?;
        Some(found.swap_remove(at))
    });
    Ok(Some(PageOf { items: ordered.collect(), has_more: rows.has_more }))
}

/// The messages of conversations that have one each, in no order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn only_messages(source: &dyn Source, app: AppId, of: &[ConversationId]) -> Result<Vec<Message>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let rows = messages::Entity::find()
        .filter(messages::Column::ConversationId.is_in(of.iter().map(|id| id.0)))
        // A completion's conversation begins with its message.
        .filter(in_span(messages::Column::CreatedAt, Span::of_all(of.iter().map(|id| id.0))))
        .filter(messages::Column::AppId.eq(app.0))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}
