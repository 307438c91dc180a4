//! Conversations of chat apps, their variables and pins.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, ConversationId, EndUserId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use uuid::Uuid;

use crate::{
    PageOf, Result, Source, Tx,
    entity::{
        conversations::{Column, Entity},
        message_agent_thoughts, message_feedbacks, message_files, messages, pinned_conversations, saved_messages,
        workflow_conversation_variables as variables,
    },
    model::{Conversation, ConversationVariable, PinnedConversation},
};

/// Whose conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    EndUser(EndUserId),
    Account(AccountId),
}

impl Owner {
    fn condition(self) -> Condition {
        match self {
            Self::EndUser(id) => Condition::all().add(Column::FromSource.eq("api")).add(Column::FromEndUserId.eq(id.0)),
            Self::Account(id) => {
                Condition::all().add(Column::FromSource.eq("console")).add(Column::FromAccountId.eq(id.0))
            }
        }
    }

    /// Role and id as creators are stored.
    #[must_use]
    pub const fn creator(self) -> (&'static str, Uuid) {
        match self {
            Self::EndUser(id) => ("end_user", id.0),
            Self::Account(id) => ("account", id.0),
        }
    }
}

/// The names of several conversations of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn names(
    source: &dyn Source,
    app: AppId,
    ids: &[ConversationId],
) -> Result<std::collections::HashMap<ConversationId, String>> {
    if ids.is_empty() {
        return Ok(std::collections::HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .column(Column::Id)
        .column(Column::Name)
        .filter(Column::AppId.eq(app.0))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(|(id, name)| (ConversationId(id), name)).collect())
}

/// By which time a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    CreatedAt,
    #[default]
    UpdatedAt,
}

/// What a list shows.
#[derive(Clone, Debug)]
pub struct Filter<'a> {
    pub app_id: AppId,
    pub owner: Owner,
    pub invoke_from: Option<&'a str>,
    /// Only pinned ones, or only the others.
    pub pinned: Option<bool>,
    pub sort_by: SortBy,
    pub descending: bool,
    pub limit: u64,
}

/// A conversation of an app, whoever owns it; deleted ones are not found.
#[boxed]
pub async fn find(source: &dyn Source, app_id: AppId, id: ConversationId) -> Result<Option<Conversation>> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::AppId.eq(app_id.0))
        .filter(Column::IsDeleted.eq(false))
        .one(&source.executor())
        .await?;
    Ok(found.map(Conversation::from))
}

/// A conversation of an app that belongs to this user.
#[boxed]
pub async fn find_of(
    source: &dyn Source,
    app_id: AppId,
    owner: Owner,
    id: ConversationId,
) -> Result<Option<Conversation>> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::AppId.eq(app_id.0))
        .filter(Column::IsDeleted.eq(false))
        .filter(owner.condition())
        .one(&source.executor())
        .await?;
    Ok(found.map(Conversation::from))
}

/// A page of a list, after a conversation of the page before.
pub async fn list(
    source: &dyn Source,
    filter: &Filter<'_>,
    after: Option<&Conversation>,
) -> Result<PageOf<Conversation>> {
    let column = match filter.sort_by {
        SortBy::CreatedAt => Column::CreatedAt,
        SortBy::UpdatedAt => Column::UpdatedAt,
    };
    let order = if filter.descending { Order::Desc } else { Order::Asc };
    let mut query = Entity::find()
        .filter(Column::AppId.eq(filter.app_id.0))
        .filter(filter.owner.condition())
        .filter(Column::IsDeleted.eq(false));
    if let Some(origin) = filter.invoke_from {
        query = query.filter(Column::InvokeFrom.eq(origin));
    }
    if let Some(pinned) = filter.pinned {
        let (role, id) = filter.owner.creator();
        let pins = Query::select()
            .column(pinned_conversations::Column::ConversationId)
            .from(pinned_conversations::Entity)
            .and_where(pinned_conversations::Column::AppId.eq(filter.app_id.0))
            .and_where(pinned_conversations::Column::CreatedByRole.eq(role))
            .and_where(pinned_conversations::Column::CreatedBy.eq(id))
            .to_owned();
        query = query.filter(if pinned { Column::Id.in_subquery(pins) } else { Column::Id.not_in_subquery(pins) });
    }
    if let Some(last) = after {
        let at = match filter.sort_by {
            SortBy::CreatedAt => last.created_at,
            SortBy::UpdatedAt => last.updated_at,
        };
        let beyond = if filter.descending {
            column.lt(at).or(column.eq(at).and(Column::Id.lt(last.id.0)))
        } else {
            column.gt(at).or(column.eq(at).and(Column::Id.gt(last.id.0)))
        };
        query = query.filter(beyond);
    }
    let rows = query
        .order_by(column, order.clone())
        .order_by(Column::Id, order)
        .limit(filter.limit + 1)
        .all(&source.executor())
        .await?;
    Ok(PageOf::cut(rows.into_iter().map(Conversation::from).collect(), filter.limit))
}

/// Gives a conversation another name.
#[boxed]
pub async fn rename(tx: &Tx, id: ConversationId, name: &str, at: Option<DateTime<Utc>>) -> Result<()> {
    let mut update = Entity::update_many().col_expr(Column::Name, Expr::value(name)).filter(Column::Id.eq(id.0));
    if let Some(at) = at {
        update = update.col_expr(Column::UpdatedAt, Expr::value(at));
    }
    update.exec(&tx.executor()).await?;
    Ok(())
}

/// Gives a conversation of an app a better name, unless somebody has given it one meanwhile.
#[boxed]
pub async fn rename_from(tx: &Tx, app: AppId, id: ConversationId, present: &str, name: &str) -> Result<()> {
    let which = Column::Id.eq(id.0).and(Column::AppId.eq(app.0)).and(Column::Name.eq(present));
    let update = Entity::update_many().col_expr(Column::Name, Expr::value(name)).filter(which);
    update.exec(&tx.executor()).await?;
    Ok(())
}

/// Deletes a conversation with its messages and everything that hangs on them.
#[boxed]
pub async fn delete(tx: &Tx, id: ConversationId) -> Result<()> {
    let conn = tx.executor();
    let of_conversation = || {
        Query::select()
            .column(messages::Column::Id)
            .from(messages::Entity)
            .and_where(messages::Column::ConversationId.eq(id.0))
            .to_owned()
    };
    message_agent_thoughts::Entity::delete_many()
        .filter(message_agent_thoughts::Column::MessageId.in_subquery(of_conversation()))
        .exec(&conn)
        .await?;
    message_files::Entity::delete_many()
        .filter(message_files::Column::MessageId.in_subquery(of_conversation()))
        .exec(&conn)
        .await?;
    saved_messages::Entity::delete_many()
        .filter(saved_messages::Column::MessageId.in_subquery(of_conversation()))
        .exec(&conn)
        .await?;
    message_feedbacks::Entity::delete_many()
        .filter(message_feedbacks::Column::ConversationId.eq(id.0))
        .exec(&conn)
        .await?;
    messages::Entity::delete_many().filter(messages::Column::ConversationId.eq(id.0)).exec(&conn).await?;
    variables::Entity::delete_many().filter(variables::Column::ConversationId.eq(id.0)).exec(&conn).await?;
    pinned_conversations::Entity::delete_many()
        .filter(pinned_conversations::Column::ConversationId.eq(id.0))
        .exec(&conn)
        .await?;
    Entity::delete_by_id(id.0).exec(&conn).await?;
    Ok(())
}

/// Keeps a conversation on top; once is enough.
#[boxed]
pub async fn pin(tx: &Tx, pin: PinnedConversation) -> Result<()> {
    use pinned_conversations::Column as Pin;
    pinned_conversations::Entity::insert(pinned_conversations::Model::from(pin).into_active_model().reset_all())
        .on_conflict(OnConflict::columns([Pin::AppId, Pin::ConversationId, Pin::CreatedBy]).do_nothing().to_owned())
        .exec_without_returning(&tx.executor())
        .await?;
    Ok(())
}

/// Takes a conversation from the top.
#[boxed]
pub async fn unpin(tx: &Tx, app_id: AppId, id: ConversationId, owner: Owner) -> Result<()> {
    use pinned_conversations::Column as Pin;
    pinned_conversations::Entity::delete_many()
        .filter(Pin::AppId.eq(app_id.0))
        .filter(Pin::ConversationId.eq(id.0))
        .filter(Pin::CreatedBy.eq(owner.creator().1))
        .exec(&tx.executor())
        .await?;
    Ok(())
}

/// The variables of a conversation, in the order of their creation.
#[boxed]
pub async fn variables(source: &dyn Source, id: ConversationId) -> Result<Vec<ConversationVariable>> {
    let rows = variables::Entity::find()
        .filter(variables::Column::ConversationId.eq(id.0))
        .order_by_asc(variables::Column::CreatedAt)
        .order_by_asc(variables::Column::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(ConversationVariable::from).collect())
}

/// Writes variables, new or changed.
#[boxed]
pub async fn put_variables(tx: &Tx, rows: Vec<ConversationVariable>) -> Result<()> {
    use variables::Column as Variable;
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| variables::Model::from(row).into_active_model().reset_all());
    variables::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([Variable::Id, Variable::ConversationId])
                .update_columns([Variable::Data, Variable::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(&tx.executor())
        .await?;
    Ok(())
}
