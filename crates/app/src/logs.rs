//! Runs and conversations of an app, as its makers look at them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
pub use ox_db::repo::{conversation_log::Filter as ConversationFilter, runs::LogFilter};
use ox_db::{
    Page, PageOf,
    model::{Account, Conversation, EndUser, Message, MessageFeedback, MessageFile, NodeExecution, WorkflowRun},
    now, repo,
    repo::{
        conversation_log::Counts,
        runs::{LogEntry, RunFilter},
    },
};
use ox_types::{AccountId, AppId, ConversationId, EndUserId, MessageId, RunId, boxed, new_uuid};
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services, apps,
    principal::Permission,
    workflows::{self, Owner},
};

/// Who made the rows of a list.
#[derive(Clone, Debug, Default)]
pub struct Authors {
    pub accounts: HashMap<AccountId, Account>,
    pub end_users: HashMap<EndUserId, EndUser>,
}

impl Authors {
    /// Reads the people behind pairs of role and id.
    pub async fn load<'a>(services: &Services, pairs: impl Iterator<Item = (&'a str, Uuid)>) -> Result<Self> {
        let (mut accounts, mut users) = (Vec::new(), Vec::new());
        for (role, id) in pairs {
            if role == "account" {
                accounts.push(AccountId(id));
            } else {
                users.push(EndUserId(id));
            }
        }
        Ok(Self {
            accounts: services.people(&accounts).await?,
            end_users: repo::conversation_log::end_users(&services.db, &users).await?,
        })
    }
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    pub last_id: Option<RunId>,
    pub limit: u64,
    pub status: Option<String>,
    /// `debugging` or `app-run`.
    pub triggered_from: String,
}

/// Runs of a workflow app, newest first.
#[boxed]
pub async fn runs(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    query: &RunQuery,
) -> Result<PageOf<WorkflowRun>> {
    let app = workflows::graph_app(services, principal, owner).await?;
    let after = match query.last_id {
        Some(id) => {
            let last = repo::runs::find(&services.db, app.tenant_id, app.id, id).await?;
            let last = last.ok_or_else(|| Error::not_found("Last workflow run not exists"))?;
            Some((last.created_at, last.id.0))
        }
        None => None,
    };
    let filter = RunFilter { triggered_from: vec![query.triggered_from.clone()], status: query.status.clone() };
    Ok(repo::runs::list(&services.db, app.tenant_id, app.id, &filter, Page { after, limit: query.limit }).await?)
}

/// One run of an app.
#[boxed]
pub async fn run(services: &Services, principal: &Principal, owner: Owner, id: RunId) -> Result<WorkflowRun> {
    let app = workflows::graph_app(services, principal, owner).await?;
    let found = repo::runs::find(&services.db, app.tenant_id, app.id, id).await?;
    found.ok_or_else(|| Error::not_found("Workflow run not found"))
}

/// The node executions of a run, in order.
#[boxed]
pub async fn executions(
    services: &Services,
    principal: &Principal,
    owner: Owner,
    id: RunId,
) -> Result<Vec<NodeExecution>> {
    let run = run(services, principal, owner, id).await?;
    Ok(repo::runs::executions_of(&services.db, &run).await?)
}

/// The graph a run executed: its own copy, or that of its version.
#[boxed]
pub async fn graph_of(services: &Services, principal: &Principal, run: &WorkflowRun) -> Result<ox_types::Json> {
    if let Some(text) = &run.graph {
        return serde_json::from_str(text).map_err(Error::internal);
    }
    let found = repo::workflows::find(&services.db, principal.tenant_id(), run.app_id, run.workflow_id).await?;
    Ok(found.map(|workflow| workflow.graph).unwrap_or_default())
}

/// Whose runs are asked for, by the id or the e-mail address of a member; nobody's in particular where it is empty.
///
/// # Errors
/// 400 when there is no member with that address.
#[boxed]
pub async fn runner(services: &Services, principal: &Principal, who: Option<&str>) -> Result<Option<Uuid>> {
    let Some(who) = who.filter(|who| !who.is_empty()) else { return Ok(None) };
    match who.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Ok(Some(crate::runs::logs::with_email(services, principal.tenant_id(), who).await?)),
    }
}

/// One page of the run log (runs by callers, not by the editor).
#[boxed]
pub async fn run_log(
    services: &Services,
    principal: &Principal,
    app: AppId,
    filter: &LogFilter,
    page: u64,
    limit: u64,
) -> Result<(Vec<LogEntry>, u64)> {
    let app = apps::find(services, principal, app).await?;
    Ok(repo::runs::log_page(&services.db, app.tenant_id, app.id, filter, page, limit).await?)
}

/// One conversation in a list.
#[derive(Clone, Debug)]
pub struct ConversationRow {
    pub conversation: Conversation,
    pub counts: Counts,
}

/// One page of conversations of a chat or completion app.
#[boxed]
pub async fn conversations(
    services: &Services,
    principal: &Principal,
    app: AppId,
    mut filter: ConversationFilter,
) -> Result<(Vec<ConversationRow>, u64)> {
    principal.require(Permission::LogView)?;
    let app = apps::find(services, principal, app).await?;
    filter.hide_debugging = app.mode == "advanced-chat";
    let (rows, total) = repo::conversation_log::list(&services.db, app.id, &filter).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut counts = repo::conversation_log::counts(&services.db, &ids).await?;
    let rows = rows
        .into_iter()
        .map(|row| ConversationRow { counts: counts.remove(&row.id).unwrap_or_default(), conversation: row });
    Ok((rows.collect(), total))
}

/// One conversation; looking at it marks it as read.
#[boxed]
pub async fn conversation(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: ConversationId,
) -> Result<ConversationRow> {
    principal.require(Permission::LogView)?;
    let found = find_conversation(services, principal, app, id).await?;
    let tx = services.db.begin().await?;
    repo::conversation_log::mark_read(&tx, id, principal.account_id()?.0).await?;
    tx.commit().await?;
    let counts = repo::conversation_log::counts(&services.db, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(ConversationRow { conversation: found, counts })
}

async fn find_conversation(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: ConversationId,
) -> Result<Conversation> {
    let app = apps::find(services, principal, app).await?;
    let found = repo::conversations::find(&services.db, app.id, id).await?;
    found.ok_or_else(|| Error::not_found("Conversation Not Exists."))
}

/// Deletes a conversation with its messages.
#[boxed]
pub async fn delete_conversation(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: ConversationId,
) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    find_conversation(services, principal, app, id).await?;
    let tx = services.db.begin().await?;
    repo::conversations::delete(&tx, id).await?;
    Ok(tx.commit().await?)
}

/// A message with what hangs on it.
#[derive(Clone, Debug)]
pub struct MessageRow {
    pub message: Message,
    pub feedbacks: Vec<MessageFeedback>,
    pub files: Vec<MessageFile>,
    pub annotation: Option<ox_db::model::Annotation>,
    /// The rounds of an agent.
    pub thoughts: Vec<ox_db::model::AgentThought>,
}

/// Messages of a conversation, oldest first inside the page; `first_id` asks for older ones.
#[boxed]
pub async fn messages(
    services: &Services,
    principal: &Principal,
    app: AppId,
    conversation: ConversationId,
    first_id: Option<MessageId>,
    limit: u64,
) -> Result<(Vec<MessageRow>, bool)> {
    principal.require(Permission::LogView)?;
    find_conversation(services, principal, app, conversation).await?;
    let first = match first_id {
        Some(id) => {
            let found = repo::messages::find(&services.db, app, id).await?;
            Some(found.ok_or_else(|| Error::not_found("First message not found"))?)
        }
        None => None,
    };
    let PageOf { mut items, has_more } =
        repo::messages::list(&services.db, conversation, first.as_ref(), limit).await?;
    items.reverse();
    Ok((rows(services, items).await?, has_more))
}

/// One message of an app.
#[boxed]
pub async fn message(services: &Services, principal: &Principal, app: AppId, id: MessageId) -> Result<MessageRow> {
    let app = apps::find(services, principal, app).await?;
    let found = repo::messages::find(&services.db, app.id, id).await?;
    let found = found.ok_or_else(|| Error::not_found("Message Not Exists."))?;
    rows(services, vec![found]).await?.pop().ok_or_else(|| Error::not_found("Message Not Exists."))
}

async fn rows(services: &Services, messages: Vec<Message>) -> Result<Vec<MessageRow>> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let feedbacks = repo::messages::feedbacks_of(&services.db, &ids, None).await?;
    let files = repo::messages::files_of(&services.db, &ids).await?;
    let mut annotations = match messages.first() {
        Some(first) => repo::annotations::of_messages(&services.db, first.app_id, &ids).await?,
        None => HashMap::new(),
    };
    let mut thoughts = crate::messages::thoughts_of(services, &messages).await?;
    Ok(messages
        .into_iter()
        .map(|message| MessageRow {
            thoughts: thoughts.remove(&message.id).unwrap_or_default(),
            annotation: annotations.remove(&message.id),
            feedbacks: feedbacks.iter().filter(|row| row.message_id == message.id).cloned().collect(),
            files: files.iter().filter(|row| row.message_id == message.id).cloned().collect(),
            message,
        })
        .collect())
}

/// A maker's opinion of an answer; `None` takes it back.
#[boxed]
pub async fn give_feedback(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: MessageId,
    rating: Option<String>,
    content: Option<String>,
) -> Result<()> {
    let row = message(services, principal, app, id).await?;
    let account = principal.account_id()?;
    let existing = row.feedbacks.iter().find(|row| row.from_source == "admin");
    let tx = services.db.begin().await?;
    match (rating, existing) {
        (None, None) => return Err(Error::invalid("rating cannot be None when feedback not exists")),
        (None, Some(_)) => _ = repo::messages::delete_feedback(&tx, id, "admin").await?,
        (Some(rating), existing) => {
            if !["like", "dislike"].contains(&rating.as_str()) {
                return Err(Error::invalid_field("rating", "rating: Input should be 'like' or 'dislike'"));
            }
            let feedback = MessageFeedback {
                id: existing.map_or_else(new_uuid, |row| row.id),
                app_id: app,
                conversation_id: row.message.conversation_id,
                message_id: id,
                rating,
                from_source: "admin".into(),
                content,
                from_end_user_id: None,
                from_account_id: Some(account),
                created_at: existing.map_or_else(now, |row| row.created_at),
                updated_at: now(),
            };
            repo::messages::put_feedback(&tx, feedback).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Reads a time of the console's filters: `YYYY-MM-DD HH:MM` in the account's time zone.
#[must_use]
pub fn console_time(text: &str, zone: Option<&str>) -> Option<DateTime<Utc>> {
    let zone: chrono_tz::Tz = zone.and_then(|zone| zone.parse().ok()).unwrap_or(chrono_tz::UTC);
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()?;
    naive.and_local_timezone(zone).earliest().map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_zone_of_the_account() {
        let time = console_time("2026-11-21 08:00", Some("Asia/Shanghai")).expect("time");
        assert_eq!(time.to_rfc3339(), "2026-11-21T00:00:00+00:00");
        assert_eq!(console_time("2026-11-21", None), None);
        assert!(console_time("2026-11-21 08:00", Some("Nowhere")).is_some());
    }
}
