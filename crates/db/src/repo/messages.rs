//! Messages with their files, feedback and bookmarks.

use chrono::{DateTime, Utc};
use ox_types::{AppId, ConversationId, FileId, MessageId, RunId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use super::{keyword::Keyword, skipped};
use crate::{
    Page, PageOf, Result, Source, Span, Tx,
    entity::{
        end_users, message_annotations,
        message_feedbacks::{self, Column as Feedback},
        message_files::{self, Column as File},
        messages::{Column, Entity},
        saved_messages::{self, Column as Saved},
    },
    model::{Message, MessageFeedback, MessageFile, SavedMessage},
    page,
    time::in_span,
};

/// A message of an app.
#[boxed]
pub async fn find(source: &dyn Source, app_id: AppId, id: MessageId) -> Result<Option<Message>> {
    let found = Entity::find()
        .filter(Column::Id.eq(id.0))
        .filter(in_span(Column::CreatedAt, Span::of(id.0)))
        .filter(Column::AppId.eq(app_id.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(Message::from))
}

/// Several messages of an app.
#[boxed]
pub async fn find_all(source: &dyn Source, app_id: AppId, ids: &[MessageId]) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .filter(in_span(Column::CreatedAt, Span::of_all(ids.iter().map(|id| id.0))))
        .filter(Column::AppId.eq(app_id.0))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The newest messages of a conversation, or those before one of them; newest first.
#[boxed]
pub async fn list(
    source: &dyn Source,
    conversation_id: ConversationId,
    before: Option<&Message>,
    limit: u64,
) -> Result<PageOf<Message>> {
    let mut query = Entity::find().filter(Column::ConversationId.eq(conversation_id.0));
    if let Some(first) = before {
        let at = first.created_at;
        query = query.filter(Column::CreatedAt.lt(at).or(Column::CreatedAt.eq(at).and(Column::Id.lt(first.id.0))));
    }
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit + 1)
        .all(&source.executor())
        .await?;
    Ok(PageOf::cut(rows.into_iter().map(Message::from).collect(), limit))
}

/// The files of several messages.
#[boxed]
pub async fn files_of(source: &dyn Source, ids: &[MessageId]) -> Result<Vec<MessageFile>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = message_files::Entity::find()
        .filter(File::MessageId.is_in(ids.iter().map(|id| id.0)))
        .order_by_asc(File::CreatedAt)
        .order_by_asc(File::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(MessageFile::from).collect())
}

/// Messages in which an uploaded file was used (a few are enough to decide access).
#[boxed]
pub async fn using_file(source: &dyn Source, file: FileId) -> Result<Vec<MessageId>> {
    let rows =
        message_files::Entity::find().filter(File::UploadFileId.eq(file.0)).limit(100).all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| MessageId(row.message_id)).collect())
}

/// The message that a run answers; the run tells when to look.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_run(source: &dyn Source, app: AppId, run: RunId, at: DateTime<Utc>) -> Result<Option<Message>> {
    let hour = chrono::Duration::hours(1);
    let found = Entity::find()
        .filter(Column::WorkflowRunId.eq(run.0))
        .filter(Column::AppId.eq(app.0))
        .filter(Column::CreatedAt.between(at - hour, at + hour))
        .one(&source.executor())
        .await?;
    Ok(found.map(Message::from))
}

/// Which messages of an app are read.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Part of a question or an answer.
    pub keyword: Option<String>,
    pub after: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
    /// With an annotation, or without one.
    pub annotated: Option<bool>,
    pub end_user_session: Option<String>,
    /// `succeeded` or `failed`.
    pub failed: Option<bool>,
}

/// The messages of an app after a place, newest first; what the editor asked is left out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_app(source: &dyn Source, app: AppId, filter: &MessageFilter, page: Page) -> Result<Vec<Message>> {
    let mut query = Entity::find()
        .filter(Column::AppId.eq(app.0))
        .filter(Column::InvokeFrom.is_null().or(Column::InvokeFrom.ne("debugger")))
        .filter(page::before(Column::CreatedAt, Column::Id, page));
    if let Some(after) = filter.after {
        query = query.filter(Column::CreatedAt.gte(after));
    }
    if let Some(before) = filter.before {
        query = query.filter(Column::CreatedAt.lte(before));
    }
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        query = query.filter(keyword.in_any([Column::Query, Column::Answer]));
    }
    if let Some(failed) = filter.failed {
        query = query.filter(if failed { Column::Status.eq("error") } else { Column::Status.ne("error") });
    }
    if let Some(session) = &filter.end_user_session {
        let named = Query::select()
            .column(end_users::Column::Id)
            .from(end_users::Entity)
            .and_where(end_users::Column::AppId.eq(app.0))
            .and_where(end_users::Column::SessionId.eq(session.as_str()))
            .to_owned();
        query = query.filter(Column::FromEndUserId.in_subquery(named));
    }
    if let Some(annotated) = filter.annotated {
        let with = Query::select()
            .column(message_annotations::Column::MessageId)
            .from(message_annotations::Entity)
            .and_where(message_annotations::Column::AppId.eq(app.0))
            .and_where(message_annotations::Column::MessageId.is_not_null())
            .to_owned();
        query = query.filter(if annotated { Column::Id.in_subquery(with) } else { Column::Id.not_in_subquery(with) });
    }
    let rows =
        page::newest_first(query, Column::CreatedAt, Column::Id).limit(page.limit).all(&source.executor()).await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The ratings of several messages from one side (`user` or `admin`), or from both.
#[boxed]
pub async fn feedbacks_of(
    source: &dyn Source,
    ids: &[MessageId],
    from_source: Option<&str>,
) -> Result<Vec<MessageFeedback>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = message_feedbacks::Entity::find().filter(Feedback::MessageId.is_in(ids.iter().map(|id| id.0)));
    if let Some(side) = from_source {
        query = query.filter(Feedback::FromSource.eq(side));
    }
    Ok(query.all(&source.executor()).await?.into_iter().map(MessageFeedback::from).collect())
}

/// Sets the rating of one side; a later one replaces the earlier.
#[boxed]
pub async fn put_feedback(tx: &Tx, row: MessageFeedback) -> Result<()> {
    message_feedbacks::Entity::insert(message_feedbacks::Model::from(row).into_active_model().reset_all())
        .on_conflict(
            OnConflict::columns([Feedback::MessageId, Feedback::FromSource])
                .update_columns([
                    Feedback::Rating,
                    Feedback::Content,
                    Feedback::FromEndUserId,
                    Feedback::FromAccountId,
                    Feedback::UpdatedAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(&tx.executor())
        .await?;
    Ok(())
}

/// Takes the rating of one side back; tells whether there was one.
#[boxed]
pub async fn delete_feedback(tx: &Tx, id: MessageId, from_source: &str) -> Result<bool> {
    let done = message_feedbacks::Entity::delete_many()
        .filter(Feedback::MessageId.eq(id.0))
        .filter(Feedback::FromSource.eq(from_source))
        .exec(&tx.executor())
        .await?;
    Ok(done.rows_affected > 0)
}

/// A numbered page of an app's ratings, newest first.
#[boxed]
pub async fn list_feedbacks(source: &dyn Source, app_id: AppId, page: u64, limit: u64) -> Result<Vec<MessageFeedback>> {
    let rows = message_feedbacks::Entity::find()
        .filter(Feedback::AppId.eq(app_id.0))
        .order_by_desc(Feedback::CreatedAt)
        .order_by_desc(Feedback::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(MessageFeedback::from).collect())
}

/// Which ratings are wanted.
#[derive(Clone, Debug, Default)]
pub struct FeedbackFilter {
    /// `user` or `admin`.
    pub from_source: Option<String>,
    pub rating: Option<String>,
    pub has_comment: Option<bool>,
    pub since: Option<chrono::DateTime<chrono::Utc>>,
    pub until: Option<chrono::DateTime<chrono::Utc>>,
}

/// An app's ratings, newest first, after the time and id of the last one of the page before.
#[boxed]
pub async fn find_feedbacks(
    source: &dyn Source,
    app_id: AppId,
    filter: &FeedbackFilter,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<MessageFeedback>> {
    let mut query = message_feedbacks::Entity::find().filter(Feedback::AppId.eq(app_id.0));
    if let Some(side) = &filter.from_source {
        query = query.filter(Feedback::FromSource.eq(side.as_str()));
    }
    if let Some(rating) = &filter.rating {
        query = query.filter(Feedback::Rating.eq(rating.as_str()));
    }
    match filter.has_comment {
        Some(true) => query = query.filter(Feedback::Content.is_not_null()).filter(Feedback::Content.ne("")),
        Some(false) => query = query.filter(Feedback::Content.is_null().or(Feedback::Content.eq(""))),
        None => {}
    }
    if let Some(since) = filter.since {
        query = query.filter(Feedback::CreatedAt.gte(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(Feedback::CreatedAt.lt(until));
    }
    if let Some((at, id)) = after {
        query = query.filter(Feedback::CreatedAt.lt(at).or(Feedback::CreatedAt.eq(at).and(Feedback::Id.lt(id))));
    }
    let rows = query
        .order_by_desc(Feedback::CreatedAt)
        .order_by_desc(Feedback::Id)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(MessageFeedback::from).collect())
}

/// Bookmarks a message; once is enough.
#[boxed]
pub async fn save(tx: &Tx, row: SavedMessage) -> Result<()> {
    saved_messages::Entity::insert(saved_messages::Model::from(row).into_active_model().reset_all())
        .on_conflict(OnConflict::columns([Saved::AppId, Saved::MessageId, Saved::CreatedBy]).do_nothing().to_owned())
        .exec_without_returning(&tx.executor())
        .await?;
    Ok(())
}

/// Takes a bookmark back; tells whether there was one.
#[boxed]
pub async fn unsave(tx: &Tx, app_id: AppId, id: MessageId, created_by: Uuid) -> Result<bool> {
    let done = saved_messages::Entity::delete_many()
        .filter(Saved::AppId.eq(app_id.0))
        .filter(Saved::MessageId.eq(id.0))
        .filter(Saved::CreatedBy.eq(created_by))
        .exec(&tx.executor())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Bookmarks of one user, newest first, after one of the page before.
#[boxed]
pub async fn saved(
    source: &dyn Source,
    app_id: AppId,
    created_by: Uuid,
    after: Option<MessageId>,
    limit: u64,
) -> Result<Option<PageOf<SavedMessage>>> {
    let conn = source.executor();
    let mine =
        || saved_messages::Entity::find().filter(Saved::AppId.eq(app_id.0)).filter(Saved::CreatedBy.eq(created_by));
    let mut query = mine();
    if let Some(last) = after {
        let Some(last) = mine().filter(Saved::MessageId.eq(last.0)).one(&conn).await? else { return Ok(None) };
        query = query.filter(
            Saved::CreatedAt.lt(last.created_at).or(Saved::CreatedAt.eq(last.created_at).and(Saved::Id.lt(last.id))),
        );
    }
    let rows = query.order_by_desc(Saved::CreatedAt).order_by_desc(Saved::Id).limit(limit + 1).all(&conn).await?;
    Ok(Some(PageOf::cut(rows.into_iter().map(SavedMessage::from).collect(), limit)))
}

/// The message that began a conversation.
#[boxed]
pub async fn first(source: &dyn Source, conversation_id: ConversationId) -> Result<Option<Message>> {
    let found = Entity::find()
        .filter(Column::ConversationId.eq(conversation_id.0))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .one(&source.executor())
        .await?;
    Ok(found.map(Message::from))
}
