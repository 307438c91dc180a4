//! Conversations of an app as its makers see them: all users, searched and counted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ox_types::{AppId, ConversationId, EndUserId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{keyword::Keyword, skipped};
use crate::{
    Result, Source, Tx,
    entity::{conversations, end_users, message_annotations, message_feedbacks, messages},
    model::{Conversation, EndUser},
    now,
};

/// What a list of conversations is filtered by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a question, answer or name.
    pub keyword: Option<String>,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    /// With an annotation, or without one.
    pub annotated: Option<bool>,
    /// Runs from the editor are left out.
    pub hide_debugging: bool,
    /// By creation time instead of the last change.
    pub by_creation: bool,
    pub ascending: bool,
    /// From 1.
    pub page: u64,
    pub limit: u64,
}

/// One page of conversations and how many there are in all.
#[boxed]
pub async fn list(source: &dyn Source, app: AppId, filter: &Filter) -> Result<(Vec<Conversation>, u64)> {
    use conversations::Column;
    let mut query = conversations::Entity::find().filter(Column::AppId.eq(app.0)).filter(Column::IsDeleted.eq(false));
    if filter.hide_debugging {
        query = query.filter(Column::InvokeFrom.is_null().or(Column::InvokeFrom.ne("debugger")));
    }
    let time = if filter.by_creation { Column::CreatedAt } else { Column::UpdatedAt };
    if let Some(start) = filter.start {
        query = query.filter(time.gte(start));
    }
    if let Some(end) = filter.end {
        query = query.filter(time.lt(end));
    }
    if let Some(keyword) = Keyword::new(source, filter.keyword.as_deref()) {
        let spoken = Query::select()
            .column(messages::Column::ConversationId)
            .from(messages::Entity)
            .and_where(messages::Column::AppId.eq(app.0))
            .cond_where(keyword.in_any([messages::Column::Query, messages::Column::Answer]))
            .to_owned();
        let named = Query::select()
            .column(end_users::Column::Id)
            .from(end_users::Entity)
            .and_where(end_users::Column::AppId.eq(app.0))
            .cond_where(keyword.in_any([end_users::Column::SessionId]))
            .to_owned();
        query = query.filter(
            keyword
                .in_any([Column::Name, Column::Introduction])
                .add(Column::Id.in_subquery(spoken))
                .add(Column::FromEndUserId.in_subquery(named)),
        );
    }
    if let Some(annotated) = filter.annotated {
        let with = Query::select()
            .column(message_annotations::Column::ConversationId)
            .from(message_annotations::Entity)
            .and_where(message_annotations::Column::AppId.eq(app.0))
            .and_where(message_annotations::Column::ConversationId.is_not_null())
            .to_owned();
        query = query.filter(if annotated { Column::Id.in_subquery(with) } else { Column::Id.not_in_subquery(with) });
    }
    let total = query.clone().count(&source.executor()).await?;
    let query = if filter.ascending {
        query.order_by_asc(time).order_by_asc(Column::Id)
    } else {
        query.order_by_desc(time).order_by_desc(Column::Id)
    };
    let rows = query.offset(skipped(filter.page, filter.limit)).limit(filter.limit).all(&source.executor()).await?;
    Ok((rows.into_iter().map(Conversation::from).collect(), total))
}

/// Numbers beside a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub messages: i64,
    pub failed: i64,
    pub user_like: i64,
    pub user_dislike: i64,
    pub admin_like: i64,
    pub admin_dislike: i64,
    pub annotations: i64,
}

#[derive(FromQueryResult)]
struct MessageCount {
    conversation_id: Uuid,
    status: String,
    count: i64,
}

#[derive(FromQueryResult)]
struct FeedbackCount {
    conversation_id: Uuid,
    rating: String,
    from_source: String,
    count: i64,
}

/// Numbers of several conversations.
#[boxed]
pub async fn counts(source: &dyn Source, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Counts>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut out: HashMap<ConversationId, Counts> = HashMap::new();
    let rows = messages::Entity::find()
        .select_only()
        .column(messages::Column::ConversationId)
        .column(messages::Column::Status)
        .column_as(messages::Column::Id.count(), "count")
        .filter(messages::Column::ConversationId.is_in(ids.iter().copied()))
        .group_by(messages::Column::ConversationId)
        .group_by(messages::Column::Status)
        .into_model::<MessageCount>()
        .all(&source.executor())
        .await?;
    for row in rows {
        let counts = out.entry(ConversationId(row.conversation_id)).or_default();
        counts.messages += row.count;
        if row.status == "error" {
            counts.failed += row.count;
        }
    }
    let rows: Vec<(Uuid, i64)> = message_annotations::Entity::find()
        .select_only()
        .column(message_annotations::Column::ConversationId)
        .column_as(message_annotations::Column::Id.count(), "count")
        .filter(message_annotations::Column::ConversationId.is_in(ids.iter().copied()))
        .group_by(message_annotations::Column::ConversationId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    for (id, count) in rows {
        out.entry(ConversationId(id)).or_default().annotations += count;
    }
    let rows = message_feedbacks::Entity::find()
        .select_only()
        .column(message_feedbacks::Column::ConversationId)
        .column(message_feedbacks::Column::Rating)
        .column(message_feedbacks::Column::FromSource)
        .column_as(message_feedbacks::Column::Id.count(), "count")
        .filter(message_feedbacks::Column::ConversationId.is_in(ids))
        .group_by(message_feedbacks::Column::ConversationId)
        .group_by(message_feedbacks::Column::Rating)
        .group_by(message_feedbacks::Column::FromSource)
        .into_model::<FeedbackCount>()
        .all(&source.executor())
        .await?;
    for row in rows {
        let counts = out.entry(ConversationId(row.conversation_id)).or_default();
        match (row.from_source.as_str(), row.rating.as_str()) {
            ("user", "like") => counts.user_like += row.count,
            ("user", _) => counts.user_dislike += row.count,
            (_, "like") => counts.admin_like += row.count,
            _ => counts.admin_dislike += row.count,
        }
    }
    Ok(out)
}

/// End users by their ids.
#[boxed]
pub async fn end_users(source: &dyn Source, ids: &[EndUserId]) -> Result<HashMap<EndUserId, EndUser>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = end_users::Entity::find().filter(end_users::Column::Id.is_in(ids.iter().map(|id| id.0)));
    let rows = query.all(&source.executor()).await?;
    Ok(rows.into_iter().map(|row| (EndUserId(row.id), EndUser::from(row))).collect())
}

/// Notes that a maker has read a conversation.
#[boxed]
pub async fn mark_read(tx: &Tx, id: ConversationId, account: Uuid) -> Result<()> {
    conversations::Entity::update_many()
        .col_expr(conversations::Column::ReadAt, Expr::value(now()))
        .col_expr(conversations::Column::ReadAccountId, Expr::value(account))
        .filter(conversations::Column::Id.eq(id.0))
        .filter(conversations::Column::ReadAt.is_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}
